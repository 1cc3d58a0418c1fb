//! The live view of a run: a few lines that are redrawn on a terminal, or an occasional line in a pipe. It runs on the control
//! plane and reads what the workers have handed over anyway.

mod injections;
mod scene;

use super::output::{Terminal, err_size};
use crate::base::shown::{escaped, escaped_start};
use crate::base::units::{MINUTE, SECOND, grouped};
use crate::measure::{Alert, AlertStage, Event, Stats};
use crate::plan::Plan;
use scene::{Line, Scene};
use std::io::IsTerminal;
use std::time::Instant;

/// Time between two lines in a pipe: in the first minutes, and from then on.
const PIPE_EVERY: [u64; 2] = [5 * SECOND, 30 * SECOND];
const FIRST: u64 = 2 * MINUTE;

pub struct Live<'a> {
    terminal: &'a Terminal,
    on: bool,
    redraws: bool,
    scene: Scene<'a>,
    /// Which of how many it is, where others stand next to it.
    place: Option<String>,
    /// When the last line went into a pipe.
    last: u64,
    /// When it was judged last, and how long that took.
    judged: Option<(u64, u64)>,
    /// How often it was told how far the asking for entries has come.
    verifying: u64,
    /// The widths of the lines that stand on the terminal.
    drawn: Vec<usize>,
    /// The names of the faults of the plan.
    faults: Vec<String>,
    ledgers: Vec<String>,
    events: Vec<String>,
}

impl<'a> Live<'a> {
    pub fn new(terminal: &'a Terminal, plan: &'a Plan, on: bool, place: Option<String>) -> Live<'a> {
        // A terminal that cannot move its cursor is as good as a pipe.
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let redraws = std::io::stderr().is_terminal() && !is_dumb;
        let faults = plan.faults.iter().map(|fault| fault.name.clone()).collect();
        let events = plan.events.iter().map(|event| event.name.clone()).collect();
        let ledgers = plan.ledgers.iter().map(|ledger| ledger.name.clone()).collect();
        Live {
            terminal,
            on,
            redraws,
            scene: Scene::new(plan),
            place,
            faults,
            ledgers,
            events,
            last: 0,
            judged: None,
            verifying: 0,
            drawn: Vec::new(),
        }
    }

    pub fn see(&mut self, event: &Event) {
        if let Event::Problem { problem } | Event::TeardownFailed { problem } = event {
            return self.say(problem);
        }
        if !self.on {
            return;
        }
        self.scene.take(event);
        match event {
            Event::ServiceReady { service, address } => self.say(&ready(service, address)),
            Event::Generator(generator) => self.progress(generator.at),
            Event::Interrupted { .. } => {
                self.say("interrupted: finishing what is under way; once more to stop at once");
            }
            Event::Aborted { reason, .. } => self.say(&format!("aborted, finishing what is under way: {reason}")),
            Event::ServiceDied { service, status, .. } => self.say(&format!("the service `{service}` ended: {status}")),
            Event::ServiceDisplaced { service, problem, .. } => {
                self.say(&format!("the service `{service}`: {problem}"));
            }
            Event::Tried(tried) => self.say(&self.scene.tried(tried)),
            Event::ServiceFell { service, status, .. } => {
                self.say(&format!("the service `{service}` ended and is started again: {status}"));
            }
            Event::ServiceBack { service, .. } => self.say(&format!("the service `{service}` is ready again")),
            Event::FaultApplied { fault, .. } => self.say(&format!("{} is in force", self.fault(*fault))),
            Event::FaultWithdrawn { fault, .. } => self.say(&format!("{} is taken back", self.fault(*fault))),
            Event::FaultFailed { fault, problem, .. } => self.say(&format!("{}: {problem}", self.fault(*fault))),
            Event::EventBegan { event, .. } => self.say(&format!("{} begins", self.event(*event))),
            Event::EventEnded { event, problem: None, .. } => self.say(&format!("{} has ended", self.event(*event))),
            Event::EventEnded { event, problem: Some(problem), .. } => {
                self.say(&format!("{}: {problem}", self.event(*event)));
            }
            Event::AlertsUnasked(unasked) => {
                self.say(&format!("a source of alerts could not be asked: {}", unasked.reason));
            }
            Event::AlertHistory(_) | Event::AlertRules(_) | Event::AlertsReceived(_) => {}
            Event::Alert(alert) => match alert.stage {
                AlertStage::Rule | AlertStage::Active => {
                    self.say(&format!("the alert `{}` {}", alert_name(alert), alert.state.word()));
                }
                AlertStage::Delivered => {
                    self.say(&format!("told that the alert `{}` {}", alert_name(alert), alert.state.word()));
                }
            },
            Event::LoadEnded { .. } => self.clear(),
            Event::Verifying { ledger, done, all } => self.verifying(*ledger, *done, *all),
            Event::Verified { ledger, verified } => {
                self.verifying = 0;
                let name = self.ledgers.get(*ledger).map_or("", String::as_str);
                let (known, open) = (verified.asked.all(), verified.unverified.all());
                let requests = grouped(verified.requests as f64, 0);
                self.say(&format!(
                    "the ledger `{name}`: {known} of {} entries verified, by {requests} requests",
                    known + open
                ));
            }
            Event::Problem { .. }
            | Event::TeardownFailed { .. }
            | Event::Slice(_)
            | Event::Failed { .. }
            | Event::Booked { .. }
            | Event::Counted(_)
            | Event::Gauges(_)
            | Event::Reached { .. }
            | Event::Example(_)
            | Event::Started { .. }
            | Event::LoadStarted
            | Event::Resolved { .. }
            | Event::Drawn { .. }
            | Event::Done { .. }
            | Event::ServiceStopped { .. }
            | Event::Ended { .. } => {}
        }
    }

    /// Looks at what would fail now, where that is shown: at most once a second, and seldom where it takes long.
    pub fn judge(&mut self, stats: &Stats) {
        /// Of a core, while the run goes on.
        const SHARE: u64 = 50;
        let due = self.judged.is_none_or(|(at, took)| at + took.saturating_mul(SHARE).max(SECOND) <= self.scene.at());
        if !self.on || !self.redraws || !due {
            return;
        }
        let began = Instant::now();
        self.scene.judge(stats);
        let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.judged = Some((self.scene.at(), took));
    }

    fn fault(&self, index: usize) -> String {
        self.faults.get(index).map_or_else(|| "a fault".to_owned(), |name| format!("the fault `{name}`"))
    }

    fn event(&self, index: usize) -> String {
        self.events.get(index).map_or_else(|| "an event".to_owned(), |name| format!("the event `{name}`"))
    }

    fn verifying(&mut self, ledger: usize, done: u64, all: u64) {
        let name = self.ledgers.get(ledger).map_or("", String::as_str);
        let (done, all) = (grouped(done as f64, 0), grouped(all as f64, 0));
        let line = escaped(&format!("verifying the ledger `{name}`: {done} of {all} entries asked for")).into_owned();
        self.verifying += 1;
        if !self.redraws {
            // It is told each second.
            let at = self.verifying * SECOND;
            if at.is_multiple_of(pipe_every(at)) {
                self.terminal.err(&format!("{line}\n"));
            }
            return;
        }
        let columns = err_size().0.saturating_sub(1).max(1);
        let line: String = line.chars().take(columns).collect();
        let gone = self.up();
        self.drawn = vec![line.chars().count()];
        self.terminal.err(&format!("{gone}{line}\n"));
    }

    fn say(&mut self, text: &str) {
        self.clear();
        self.terminal.err(&format!("{}\n", escaped(text)));
    }

    /// Takes away what was drawn.
    pub fn clear(&mut self) {
        let gone = self.up();
        if !gone.is_empty() {
            self.terminal.err(&gone);
        }
    }

    /// Goes to the start of what was drawn and wipes it. A terminal that has become narrower shows its lines on more
    /// rows.
    fn up(&mut self) -> String {
        let (columns, _) = err_size();
        let rows: usize = self.drawn.drain(..).map(|width| width.div_ceil(columns.max(1)).max(1)).sum();
        if rows == 0 { String::new() } else { format!("\r\u{1b}[{rows}A\u{1b}[J") }
    }

    fn progress(&mut self, at: u64) {
        if !self.redraws {
            if let Some(more) = pipe_line(self.last, at) {
                // Readings come somewhat behind their second.
                self.last = at / SECOND * SECOND;
                let place = self.place.as_ref().map_or_else(String::new, |place| format!("{place}  "));
                self.terminal.err(&format!("{}{}{more}\n", escaped(&place), self.scene.line()));
            }
            return;
        }
        let (columns, rows) = err_size();
        let colour = self.terminal.err_coloured();
        // The last column is left free: some terminals go on to the next line after it.
        let columns = columns.saturating_sub(1).max(1);
        let lines = self.lines(columns, rows);
        let mut out = self.up();
        for line in &lines {
            out.push_str(&line.show(columns, colour));
            out.push('\n');
        }
        self.drawn = lines.iter().map(|line| line.width().min(columns)).collect();
        self.terminal.err(&out);
    }
}

impl Live<'_> {
    /// The run's own, below a line that says which of how many it is, where there is room for that.
    fn lines(&self, columns: usize, rows: usize) -> Vec<Line> {
        match &self.place {
            Some(place) if rows > 3 => {
                let mut lines = self.scene.lines(columns, rows - 1);
                lines.insert(0, Line::default().dim(place.clone()));
                lines
            }
            Some(_) | None => self.scene.lines(columns, rows),
        }
    }
}

/// How far apart lines in a pipe are at an instant.
fn pipe_every(at: u64) -> u64 {
    PIPE_EVERY[usize::from(at >= FIRST)]
}

/// Whether a line goes into a pipe at an instant, and what it says in addition to the numbers: that the next ones come less often.
fn pipe_line(last: u64, at: u64) -> Option<&'static str> {
    let changes = last < FIRST && at >= FIRST;
    // The step grows after the first line of the slow ones.
    (at >= last + pipe_every(last)).then_some(if changes { "  (from here on a line every 30s)" } else { "" })
}

/// That a service is ready, and where, if it listens anywhere.
pub fn ready(service: &str, address: &str) -> String {
    match address {
        "" => format!("{service} is ready"),
        address => format!("{service} is ready on {address}"),
    }
}

/// Whoever delivers an alert names it; this is on one line.
fn alert_name(alert: &Alert) -> String {
    escaped_start(&alert.name, 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_told_when_lines_become_fewer() {
        let (mut last, mut told) = (0, Vec::new());
        for second in 0..240 {
            let at = second * SECOND + SECOND / 10;
            if let Some(more) = pipe_line(last, at) {
                last = at / SECOND * SECOND;
                told.push((second, !more.is_empty()));
            }
        }
        let of: Vec<u64> = told.iter().map(|(second, _)| *second).collect();
        assert_eq!(of[..3], [5, 10, 15]);
        assert_eq!(of[22..], [115, 120, 150, 180, 210]);
        assert_eq!(told.iter().filter(|(_, says)| *says).map(|(second, _)| *second).collect::<Vec<_>>(), [120]);
    }
}
