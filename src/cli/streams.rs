//! Where a run is streamed to while it goes on: opened before anything is sent, told, closed after the report.

use super::args::Out;
use super::output::Terminal;
use crate::base::units::duration;
use crate::report::Format;
use crate::run::was_interrupted;
use crate::telemetry::{Credentials, Stream, Telemetry};
use std::path::PathBuf;
use std::time::Duration;

/// What is asked for with `--out`: reports of the end, and streams.
pub struct Outs {
    pub reports: Vec<(Format, PathBuf)>,
    streams: Vec<Stream>,
}

/// How long collectors may take for what is left. They change nothing of the verdict.
const TO_SEND: Duration = Duration::from_secs(10);
const TO_SEND_INTERRUPTED: Duration = Duration::from_secs(2);
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
        let telemetry = Telemetry::start(&self.streams, &credentials()).map_err(|problem| {
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

/// What collectors want to see, from the environment: the variables that their own tools read.
fn credentials() -> Credentials {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let token = variable("GRAFANA_TOKEN").map(|token| ("Authorization".to_owned(), format!("Bearer {token}")));
    let headers = variable("OTEL_EXPORTER_OTLP_HEADERS").unwrap_or_default();
    let header = |pair: &str| pair.split_once('=').map(|(name, value)| (name.trim().to_owned(), decoded(value.trim())));
    Credentials { otlp: headers.split(',').filter_map(header).collect(), grafana: token.into_iter().collect() }
}

/// A value of that variable, where `%20` is a blank (the specification of OpenTelemetry's exporters, W3C Baggage).
fn decoded(value: &str) -> String {
    let mut out = Vec::new();
    let mut rest = value.as_bytes();
    while let [first, more @ ..] = rest {
        let coded = more.get(..2).and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        match coded.filter(|_| *first == b'%') {
            Some(byte) => {
                out.push(byte);
                rest = &more[2..];
            }
            None => {
                out.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// All is reported. Collectors get the rest, and those who scrape regularly come once more for the last numbers, unless somebody does not want to
/// wait.
pub fn close(telemetry: Option<Telemetry>, terminal: &Terminal) {
    let Some(telemetry) = telemetry else { return };
    let within = if was_interrupted() { TO_SEND_INTERRUPTED } else { TO_SEND };
    for problem in telemetry.finish(within) {
        terminal.err(&format!("{problem}\n"));
    }
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

#[cfg(test)]
mod tests {
    #[test]
    fn values_of_headers_are_decoded() {
        for (value, means) in
            [("a", "a"), ("Bearer%20x", "Bearer x"), ("100%", "100%"), ("%zz%4", "%zz%4"), ("%C3%A9", "é")]
        {
            assert_eq!(super::decoded(value), means);
        }
    }
}
