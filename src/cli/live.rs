//! What a person sees while a run goes on: one line that is drawn over on a terminal, a line now and then in a pipe.

use super::output::Terminal;
use crate::base::units::{SECOND, duration, grouped, measured_duration, percent};
use crate::measure::{Event, Slice, histogram};
use crate::plan::Plan;
use std::io::IsTerminal;

/// Seconds between two lines in a pipe.
const PIPE_EVERY: u64 = 5;
const SHOWN: usize = 10;

pub struct Live<'a> {
    terminal: &'a Terminal,
    on: bool,
    redraws: bool,
    recent: Vec<Slice>,
    last_line: u64,
    drawn: bool,
}

impl<'a> Live<'a> {
    pub fn new(terminal: &'a Terminal, on: bool) -> Live<'a> {
        let redraws = std::io::stderr().is_terminal();
        Live { terminal, on, redraws, recent: Vec::new(), last_line: 0, drawn: false }
    }

    pub fn see(&mut self, plan: &Plan, event: &Event) {
        match event {
            Event::Problem { problem } => return self.say(problem),
            _ if !self.on => return,
            _ => {}
        }
        match event {
            Event::ServiceReady { service, address } => self.say(&format!("{service} is ready on {address}")),
            Event::Slice(slice) => {
                self.recent.push(slice.clone());
                let excess = self.recent.len().saturating_sub(SHOWN);
                self.recent.drain(..excess);
            }
            Event::Generator(generator) => self.progress(plan, generator.at),
            Event::Interrupted { .. } => {
                self.say("interrupted: finishing what is under way; once more to stop at once");
            }
            Event::Problem { .. } => {}
            Event::Aborted { reason, .. } => self.say(&format!("aborted, finishing what is under way: {reason}")),
            Event::ServiceDied { service, status, .. } => self.say(&format!("the service `{service}` ended: {status}")),
            Event::LoadEnded { .. } => self.clear(),
            Event::Example(_)
            | Event::Gauges(_)
            | Event::Started { .. }
            | Event::LoadStarted
            | Event::ServiceStopped { .. }
            | Event::Ended { .. } => {}
        }
    }

    fn say(&mut self, text: &str) {
        self.clear();
        self.terminal.err(&format!("{text}\n"));
    }

    fn clear(&mut self) {
        if self.drawn {
            self.terminal.err("\r\u{1b}[K");
            self.drawn = false;
        }
    }

    fn progress(&mut self, plan: &Plan, at: u64) {
        let second = at / SECOND;
        if !self.redraws && second < self.last_line + PIPE_EVERY {
            return;
        }
        self.last_line = second;
        let mut latency = histogram::empty();
        let (mut sent, mut failed, mut total) = (0u64, 0u64, 0u64);
        for slice in &self.recent {
            for (_, counts) in slice.series.iter().filter(|(series, _)| plan.is_request(**series)) {
                counts.latency.add_to(&mut latency);
                sent += counts.sent;
                failed += counts.target_failures();
                total += counts.ok + counts.target_failures();
            }
        }
        let stages: Vec<&str> = plan
            .loads
            .iter()
            .filter_map(|l| l.stages.iter().find(|s| s.start <= at && at < s.end))
            .map(|s| s.name.as_str())
            .collect();
        let stage = if stages.is_empty() { "finishing".to_owned() } else { stages.join(", ") };
        let done = (at.min(plan.length) as f64 / plan.length.max(1) as f64 * 20.0) as usize;
        let bar = format!("{}{}", "━".repeat(done), "┄".repeat(20 - done.min(20)));
        let quantile = |q: f64| measured_duration(latency.value_at_quantile(q) as f64);
        let line = format!(
            "{bar} {}/{} {stage}  {} requests lately  p50 {}  p99 {}  failed {}",
            duration(second * SECOND),
            duration(plan.length),
            grouped(sent as f64, 0),
            quantile(0.5),
            quantile(0.99),
            percent(failed as f64 / total.max(1) as f64),
        );
        match self.redraws {
            true => {
                let width = super::output::width().saturating_sub(1);
                let fitting: String = line.chars().take(width).collect();
                self.terminal.err(&format!("\r{fitting}\u{1b}[K"));
                self.drawn = true;
            }
            false => self.terminal.err(&format!("{line}\n")),
        }
    }
}
