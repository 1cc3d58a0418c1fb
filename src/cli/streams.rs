//! Where a run is streamed to while it goes on: opened before anything is sent, told, closed behind the report.

use super::args::Out;
use super::output::Terminal;
use crate::base::units::duration;
use crate::report::Format;
use crate::run::was_interrupted;
use crate::telemetry::{Stream, Telemetry};
use std::path::PathBuf;
use std::time::Duration;

/// What is asked for with `--out`: reports of the end, and streams.
pub struct Outs {
    pub reports: Vec<(Format, PathBuf)>,
    streams: Vec<Stream>,
}

/// How often somebody who waits looks up.
const LOOK: Duration = Duration::from_millis(50);
/// Less than this is not worth a word.
const SHORT: Duration = Duration::from_secs(3);

impl Outs {
    pub fn of(all: &[Out]) -> Outs {
        let (mut reports, mut streams) = (Vec::new(), Vec::new());
        for own in all {
            match own {
                Out::Report(format, path) => reports.push((*format, path.clone())),
                Out::Stream(stream) => streams.push(stream.clone()),
            }
        }
        Outs { reports, streams }
    }

    /// Opens the streams, if any, and says where they are.
    pub fn open(&self, terminal: &Terminal) -> Result<Option<Telemetry>, u8> {
        if self.streams.is_empty() {
            return Ok(None);
        }
        let telemetry = Telemetry::start(&self.streams).map_err(|problem| {
            terminal.error(&format!("the run is not started: {problem}"));
            super::COULD_NOT_RUN
        })?;
        for page in telemetry.pages() {
            let whom = if page.ip().is_loopback() { "" } else { ", for everybody who reaches this address" };
            terminal.err(&format!("metrics at http://{page}/metrics{whom}\n"));
        }
        Ok(Some(telemetry))
    }
}

/// All is reported. Those who scrape regularly come once more for the last numbers, unless somebody does not want to wait.
pub fn close(telemetry: Option<Telemetry>, terminal: &Terminal) {
    let Some(telemetry) = telemetry else { return };
    if was_interrupted() {
        return;
    }
    telemetry.finish();
    let mut is_told = false;
    while let Some(left) = telemetry.awaits().filter(|_| !was_interrupted()) {
        if !is_told && left > SHORT {
            let left = duration(left.as_secs().saturating_mul(1_000_000_000));
            terminal.err(&format!("waiting for the last scrape of the metrics, at most {left}; Ctrl-C ends this\n"));
        }
        is_told = true;
        std::thread::sleep(LOOK);
    }
}
