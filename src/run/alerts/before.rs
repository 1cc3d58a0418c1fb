//! What sources say before the load: each can be asked, nothing fires that the scenario does not allow, and what must keep firing does.

use super::Sources;
use super::asked::Lack;
use super::seen::Key;
use super::times::Times;
use crate::base::shown::escaped_start;
use crate::measure::{AlertStage, AlertState, Alerting, Event};
use crate::plan::{AlertDoes, AlertScopes, AlertSourceKind, Plan};
use crate::run::RunError;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long it is waited for that rules have been evaluated, and that what must keep firing fires.
const PATIENCE: Duration = Duration::from_secs(60);
/// And for a server that does not answer: its services are ready.
const PATIENCE_ASKED: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(500);
/// Characters of an alert that are shown.
const SHOWN: usize = 200;

/// A line of the plan about one alert, which holds from the beginning on.
struct Wanted {
    source: usize,
    name: String,
    labels: Vec<(String, String)>,
    keeps_firing: bool,
}

impl Wanted {
    fn is(&self, source: usize, key: &Key) -> bool {
        self.source == source && self.name == key.name && key.has(&self.labels)
    }

    fn shown(&self) -> String {
        shown(&self.name, &self.labels)
    }
}

fn wanted(plan: &Plan) -> Vec<Wanted> {
    let begins = |scopes: &AlertScopes| scopes.ranges.iter().any(|range| range.0 == 0);
    let all = Alerting::of(plan).checks.into_iter().filter_map(|check| {
        let (scopes, keeps_firing) = match &check.does {
            AlertDoes::MayFire { scopes } => (scopes, false),
            AlertDoes::KeepsFiring { scopes } => (scopes, true),
            AlertDoes::Fires { .. } | AlertDoes::Resolves { .. } | AlertDoes::StaysQuiet { .. } => return None,
        };
        let holds = begins(scopes);
        let own = Wanted { source: check.source, name: check.name?, labels: check.labels, keeps_firing };
        holds.then_some(own)
    });
    all.collect()
}

fn shown(name: &str, labels: &[(String, String)]) -> String {
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
    let labels = if labels.is_empty() { String::new() } else { format!(" {{ {} }}", labels.join(", ")) };
    escaped_start(&format!("{name:?}{labels}"), SHOWN)
}

impl Sources {
    /// Returns when the load may begin, with what a person should know.
    pub async fn ready(&mut self, plan: &Plan) -> Result<Vec<Event>, RunError> {
        let (wanted, start) = (wanted(plan), Instant::now());
        let waits = |patience: Duration| start.elapsed() < patience;
        loop {
            for asked in &mut self.asked {
                asked.look(Times::default()).await;
            }
            if let Some(asked) = self.asked.iter().find(|asked| asked.failing().is_some()) {
                if waits(PATIENCE_ASKED) {
                    sleep(PAUSE).await;
                    self.asked.iter_mut().for_each(|asked| drop(asked.unasked(0)));
                    continue;
                }
                let (name, why) = (&plan.alert_sources[asked.source].name, asked.failing().unwrap_or_default());
                let problem = format!("the source of alerts `{name}` cannot be asked at {}: {why}", asked.url());
                return Err(RunError::Setup(problem));
            }
            let mut told = Vec::new();
            let mut is_young = false;
            for asked in &self.asked {
                let source = &plan.alert_sources[asked.source];
                match asked.lacks(source.kind == AlertSourceKind::Alertmanager).await {
                    Lack::Nothing => {}
                    Lack::Time => is_young = true,
                    Lack::Alertmanager => {
                        let (url, name) = (asked.url(), &source.name);
                        let problem = format!(
                            "the Prometheus at {url} knows no Alertmanager, so none of its alerts reaches `{name}`"
                        );
                        told.push(Event::Problem { problem });
                    }
                }
            }
            let new: Vec<&str> =
                self.asked.iter().flat_map(|asked| asked.never_evaluated()).map(String::as_str).collect();
            let missing: Vec<&Wanted> =
                wanted.iter().filter(|wanted| wanted.keeps_firing && !self.fires(plan, wanted)).collect();
            if (is_young || !new.is_empty() || !missing.is_empty()) && waits(PATIENCE) {
                sleep(PAUSE).await;
                continue;
            }
            let patience = PATIENCE.as_secs();
            if !missing.is_empty() {
                let missing: Vec<String> = missing.iter().map(|wanted| wanted.shown()).collect();
                return Err(RunError::Setup(format!(
                    "before the load, these alerts must fire and did not within {patience} s:\n  {}\n\
                     a line `alert … keeps firing` asks for them",
                    missing.join("\n  ")
                )));
            }
            if !new.is_empty() {
                let names = escaped_start(&new.join(", "), SHOWN);
                let problem = format!("rules that were not evaluated within {patience} s before the load: {names}");
                told.push(Event::Problem { problem });
            }
            return match self.unwanted(plan, &wanted) {
                firing if firing.is_empty() => Ok(told),
                firing => Err(RunError::AlertsFiring(firing)),
            };
        }
    }

    /// Whether what is expected to keep firing does, as the source itself has it.
    fn fires(&self, plan: &Plan, wanted: &Wanted) -> bool {
        let own = stage(plan.alert_sources[wanted.source].kind);
        let asked = self.asked.iter().any(|asked| {
            let (stage, states) = asked.states();
            let fires =
                |(key, state): &(&Key, AlertState)| *state == AlertState::Firing && wanted.is(asked.source, key);
            stage == own && states.iter().any(fires)
        });
        let delivered = self.receivers.iter().filter(|_| own == AlertStage::Delivered);
        asked || delivered.into_iter().any(|own| own.firing().iter().any(|key| wanted.is(own.source, key)))
    }

    /// What fires and is not allowed to, in words. What an Alertmanager suppresses reaches nobody.
    fn unwanted(&self, plan: &Plan, wanted: &[Wanted]) -> Vec<String> {
        let mut found: Vec<(usize, Key)> = Vec::new();
        let suppressed: Vec<(usize, &Key)> = self
            .asked
            .iter()
            .flat_map(|asked| asked.states().1.into_iter().map(move |(key, state)| (asked.source, key, state)))
            .filter(|(.., state)| *state == AlertState::Suppressed)
            .map(|(source, key, _)| (source, key))
            .collect();
        for asked in &self.asked {
            for (key, _) in asked.states().1.into_iter().filter(|(_, state)| *state == AlertState::Firing) {
                let same = |(source, other): &(usize, &Key)| {
                    *source == asked.source && other.name == key.name && other.has(&key.labels)
                };
                if !suppressed.iter().any(same) {
                    found.push((asked.source, key.clone()));
                }
            }
        }
        for receiver in &self.receivers {
            if stage(plan.alert_sources[receiver.source].kind) == AlertStage::Delivered {
                let own = receiver.firing().into_iter().map(|key| Key { receiver: None, ..key });
                found.extend(own.map(|key| (receiver.source, key)));
            }
        }
        found.retain(|(source, key)| !wanted.iter().any(|wanted| wanted.is(*source, key)));
        found.sort();
        // With the labels that an Alertmanager is told in addition it is the same alert.
        found.dedup_by(|more, less| more.0 == less.0 && more.1.name == less.1.name && more.1.has(&less.1.labels));
        let name = |source: usize| &plan.alert_sources[source].name;
        found.iter().map(|(source, key)| format!("{} from {}", shown(&key.name, &key.labels), name(*source))).collect()
    }
}

/// Where a source itself has alerts.
fn stage(kind: AlertSourceKind) -> AlertStage {
    match kind {
        AlertSourceKind::Prometheus => AlertStage::Rule,
        AlertSourceKind::Alertmanager | AlertSourceKind::Grafana => AlertStage::Active,
        AlertSourceKind::Webhook => AlertStage::Delivered,
    }
}
