//! Masks secrets in everything that is written.

mod echo;
mod forms;
pub mod taint;

use crate::base::boundary;
use crate::measure::{Alert, AlertHistory, AlertsUnasked, Event, Example};
use echo::Forms;
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

/// Hides secrets in texts, in every form in which programs print them.
#[derive(Default)]
pub struct Mask(RwLock<KnownSecrets>);

/// All secrets, and what they are searched by.
#[derive(Default)]
struct KnownSecrets {
    secrets: BTreeSet<String>,
    forms: Arc<Forms>,
}

/// What is put in the place of a secret.
const HIDDEN: &str = "***";

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mask")
    }
}

impl Mask {
    /// More bytes than a piece of a secret takes in a text, as programs code it: what is read from so many in front of
    /// a place on has every piece whole that reaches after that.
    pub const LONGEST: usize = 32 << 10;

    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s String>) -> Mask {
        let mask = Mask::default();
        mask.learn(secrets.into_iter().cloned());
        mask
    }

    /// More secrets, in forms of their own: what is computed from one may be coded as often as that.
    pub fn learn(&self, secrets: impl IntoIterator<Item = String>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = known.secrets.len();
        known.secrets.extend(secrets.into_iter().filter(|secret| !secret.is_empty()));
        if known.secrets.len() > before {
            known.forms = Arc::new(Forms::of(&known.secrets));
        }
    }

    /// Whether a text holds a secret.
    pub fn hides(&self, text: &str) -> bool {
        !echo::find(text, &[&self.forms()]).is_empty()
    }

    /// Whether there are no secrets.
    pub fn is_empty(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).secrets.is_empty()
    }

    /// The same of bytes that may be many, a part at a time.
    pub fn hides_within(&self, bytes: &[u8]) -> bool {
        const PART: usize = 256 << 10;
        let from = (0..bytes.len()).step_by(PART);
        !self.is_empty()
            && from
                .map(|from| &bytes[from.saturating_sub(Mask::LONGEST)..bytes.len().min(from + PART)])
                .any(|part| self.hides(&String::from_utf8_lossy(part)))
    }

    fn forms(&self) -> Arc<Forms> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).forms.clone()
    }

    /// A text without its secrets, and without their beginnings in front of a mark that it was cut.
    pub fn text(&self, text: String) -> String {
        self.behind(text, 0)
    }

    /// What of it stands after a place, maybe in the middle of a secret.
    pub fn behind(&self, text: String, place: usize) -> String {
        Mask::without(text, &[&self.forms()], place)
    }

    /// What of a text stands after a place, without some secrets.
    fn without(text: String, forms: &[&Forms], place: usize) -> String {
        let found = echo::find(&text, forms);
        if found.is_empty() && place == 0 {
            return text;
        }
        let mut at = boundary::ceil(&text, place);
        let mut out = String::with_capacity(text.len() - at);
        for secret in found.into_iter().filter(|secret| secret.end > place) {
            out.push_str(text.get(at..secret.start).unwrap_or_default());
            out.push_str(HIDDEN);
            at = secret.end;
        }
        out.push_str(&text[at..]);
        out
    }

    fn alert(&self, mut alert: Alert) -> Alert {
        let labels = alert.labels.iter_mut().flat_map(|(name, value)| [name, value]);
        let all = labels.chain([&mut alert.name]).chain(&mut alert.receivers);
        all.for_each(|text| *text = self.text(std::mem::take(text)));
        alert
    }

    pub fn event(&self, event: Event) -> Event {
        match event {
            Event::Example(example) => Event::Example(Box::new(self.example(*example))),
            Event::Problem { problem } => Event::Problem { problem: self.text(problem) },
            Event::TeardownFailed { problem } => Event::TeardownFailed { problem: self.text(problem) },
            Event::Aborted { at, reason } => Event::Aborted { at, reason: self.text(reason) },
            Event::ServiceReady { service, address } => Event::ServiceReady { service, address: self.text(address) },
            Event::ServiceDied { service, at, ready, status, output } => {
                Event::ServiceDied { service, at, ready, status: self.text(status), output: self.text(output) }
            }
            Event::ServiceFell { service, at, ready, status, output } => {
                Event::ServiceFell { service, at, ready, status: self.text(status), output: self.text(output) }
            }
            Event::ServiceStopped { service, at, output } => {
                Event::ServiceStopped { service, at, output: self.text(output) }
            }
            Event::ServiceDisplaced { service, at, problem } => {
                Event::ServiceDisplaced { service, at, problem: self.text(problem) }
            }
            Event::FaultFailed { fault, planned, at, problem } => {
                Event::FaultFailed { fault, planned, at, problem: self.text(problem) }
            }
            Event::FaultWithdrawn { fault, planned, withdrawn, proof, shown, unproven } => Event::FaultWithdrawn {
                fault,
                planned,
                withdrawn,
                proof,
                shown: shown.map(|shown| self.text(shown)),
                unproven: unproven.map(|unproven| self.text(unproven)),
            },
            Event::EventEnded { event, at, problem, output } => Event::EventEnded {
                event,
                at,
                problem: problem.map(|problem| self.text(problem)),
                output: output.map(|output| self.text(output)),
            },
            Event::Verified { ledger, mut verified } => {
                verified.violations.iter_mut().for_each(|one| one.key = self.text(std::mem::take(&mut one.key)));
                let told = verified.doubts.iter_mut().flat_map(|doubt| [&mut doubt.because, &mut doubt.key]);
                told.for_each(|text| *text = self.text(std::mem::take(text)));
                verified.problem = verified.problem.map(|problem| self.text(problem));
                Event::Verified { ledger, verified }
            }
            Event::Gauges(mut gauges) => {
                gauges.gaps.values_mut().for_each(|reason| *reason = self.text(std::mem::take(reason)));
                Event::Gauges(gauges)
            }
            Event::Tried(mut tried) => {
                tried.said = self.text(tried.said);
                Event::Tried(tried)
            }
            Event::Alert(alert) => Event::Alert(self.alert(alert)),
            Event::AlertHistory(history) => {
                let alerts = history.alerts.into_iter().map(|alert| self.alert(alert)).collect();
                Event::AlertHistory(AlertHistory { alerts, ..history })
            }
            Event::AlertsUnasked(unasked) => {
                let reason = self.text(unasked.reason);
                Event::AlertsUnasked(AlertsUnasked { reason, ..unasked })
            }
            Event::AlertRules(mut told) => {
                for rule in &mut told.rules {
                    let labels = rule.labels.iter_mut().flat_map(|(name, value)| [name, value]);
                    let own = [&mut rule.name, &mut rule.expression];
                    let texts = labels.chain(own).chain(&mut rule.problem).chain(&mut rule.absent);
                    texts.for_each(|text| *text = self.text(std::mem::take(text)));
                }
                Event::AlertRules(told)
            }
            Event::Counted(mut counted) => {
                let labels = counted.series.iter_mut().flat_map(|series| &mut series.labels);
                let names = labels.flat_map(|(name, value)| [name, value]);
                let targets = counted.targets.iter_mut().flat_map(|target| [&mut target.job, &mut target.instance]);
                names
                    .chain(targets)
                    .chain(&mut counted.problem)
                    .for_each(|text| *text = self.text(std::mem::take(text)));
                Event::Counted(counted)
            }
            // Numbers, and names of the plan.
            other @ (Event::Started { .. }
            | Event::AlertsReceived(_)
            | Event::LoadStarted
            | Event::Resolved { .. }
            | Event::Drawn { .. }
            | Event::Done { .. }
            | Event::Slice(_)
            | Event::Failed { .. }
            | Event::Generator(_)
            | Event::Interrupted { .. }
            | Event::ServiceBack { .. }
            | Event::FaultApplied { .. }
            | Event::EventBegan { .. }
            | Event::Booked { .. }
            | Event::Verifying { .. }
            | Event::Reached { .. }
            | Event::LoadEnded { .. }
            | Event::Ended { .. }) => other,
        }
    }

    /// Secrets are taken out before anything is cut, and what a cut has left of one with them.
    pub fn example(&self, mut example: Example) -> Example {
        let (known, own) = (self.forms(), Forms::of(&std::mem::take(&mut example.secrets)));
        for text in example.texts_mut() {
            *text = text.take().map(|text| cut(Mask::without(text, &[&known, &own], 0), TOLD));
        }
        example
    }
}

/// Characters of a text of an example that are told.
const TOLD: usize = 240;

fn cut(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) if text[end..] != *"…" => format!("{}…", &text[..end]),
        _ => text,
    }
}

#[cfg(test)]
mod tests;
