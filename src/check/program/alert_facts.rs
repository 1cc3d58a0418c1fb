//! What is known of a source of alerts without asking it: its rules, and how long each of their delays is.

use super::{is_false, is_zero};
use crate::base::promql::{self, Selector};
use crate::check::inputs::{Recorded, Rule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// Recording rules that read other recording rules; what lies deeper counts as no delay.
const DEEPEST: usize = 8;

#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct AlertFacts {
    /// The alerting rules of its rules files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<Rule>>,
    /// What these files record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recorded: Vec<Recorded>,
    /// How often what the rules read is scraped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scrape: Option<u64>,
    /// How often rules are evaluated that do not say it themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<u64>,
    /// How long alerts are kept back to be told together.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub grouping: u64,
    /// The labels of alerts are rewritten before they are sent.
    #[serde(default, skip_serializing_if = "is_false")]
    pub relabels: bool,
}

/// Between a cause and the alert, in nanoseconds. What is not known is nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delays {
    /// Until what has changed is scraped, at the most.
    pub scrape: u64,
    /// Until it fills the longest range of the expression, at the most.
    pub window: u64,
    /// Until the rules are evaluated, at the most.
    pub evaluation: u64,
    /// `for`, in whole evaluations.
    pub held: u64,
    pub grouping: u64,
}

impl Delays {
    /// What it takes in any case: a scrape and an evaluation may come at once.
    pub fn least(self) -> u64 {
        self.held.saturating_add(self.grouping)
    }

    pub fn most(self) -> u64 {
        let before = self.scrape.saturating_add(self.window).saturating_add(self.evaluation);
        before.saturating_add(self.least())
    }
}

/// A time that a rule counts in whole evaluations; as it is where it is not known how often these come.
pub fn in_evaluations(time: u64, interval: u64) -> u64 {
    match interval {
        0 => time,
        interval => time.div_ceil(interval).saturating_mul(interval),
    }
}

impl AlertFacts {
    pub fn is_empty(&self) -> bool {
        *self == AlertFacts::default()
    }

    /// How often a rule is evaluated, nothing where that is not known.
    pub fn interval(&self, rule: &Rule) -> u64 {
        rule.interval.or(self.evaluation).unwrap_or(0)
    }

    /// What lies between the cause of an alert and its being told.
    pub fn delays(&self, rule: &Rule) -> Delays {
        let read = self.depth(&rule.expr, DEEPEST, &mut HashMap::new());
        // Each recording rule between them is evaluated before.
        let evaluations = 1 + read.recorded;
        Delays {
            scrape: self.scrape.unwrap_or(0),
            window: read.looks_back,
            evaluation: self.interval(rule).saturating_mul(evaluations),
            held: in_evaluations(rule.held, self.interval(rule)),
            grouping: self.grouping,
        }
    }

    /// What lies between the end of the cause of an alert and its being resolved: the alert is kept firing instead of held back.
    pub fn delays_of_the_end(&self, rule: &Rule) -> Delays {
        Delays { held: in_evaluations(rule.keeps, self.interval(rule)), grouping: 0, ..self.delays(rule) }
    }

    /// How long after its cause an alert is told of at the earliest. What is not known counts as nothing, so that this is a proof.
    pub fn earliest(&self, rule: &Rule) -> u64 {
        self.delays(rule).least()
    }

    /// The series of targets that a rule reads, each once. Those that a recording rule makes are replaced by the ones that it reads.
    pub fn selectors(&self, rule: &Rule) -> Vec<Selector> {
        let (mut found, mut ahead) = (Vec::new(), promql::metrics_of(&rule.expr));
        let mut walked: HashSet<(String, bool)> = HashSet::new();
        let mut known: HashSet<String> = HashSet::new();
        ahead.reverse();
        while let Some(selector) = ahead.pop() {
            match self.recording(&selector) {
                Some(made) if walked.insert((made.metric.clone(), selector.absent)) => {
                    let absent = selector.absent;
                    let below = promql::metrics_of(&made.expr).into_iter().rev();
                    ahead.extend(below.map(|own| Selector { absent: absent || own.absent, ..own }));
                }
                Some(_) => {}
                None if known.insert(format!("{} {selector}", selector.absent)) => found.push(selector),
                None => {}
            }
        }
        found
    }

    fn recording(&self, selector: &Selector) -> Option<&Recorded> {
        let metric = selector.metric.as_deref()?;
        self.recorded.iter().find(|recorded| recorded.metric == metric)
    }

    fn depth(&self, expr: &str, deepest: usize, known: &mut HashMap<String, Depth>) -> Depth {
        let query = promql::query(expr).unwrap_or_default();
        let mut out = Depth::default();
        for (selector, back) in query.selectors.iter().zip(query.looks_back) {
            out.looks_back = out.looks_back.max(back);
            let Some(made) = self.recording(selector) else { continue };
            let below = match known.get(&made.metric) {
                Some(depth) => *depth,
                None if deepest == 0 => continue,
                None => {
                    // One that reads itself adds nothing.
                    known.insert(made.metric.clone(), Depth::default());
                    let depth = self.depth(&made.expr, deepest - 1, known);
                    let depth = Depth { recorded: depth.recorded + 1, ..depth };
                    known.insert(made.metric.clone(), depth);
                    depth
                }
            };
            out.looks_back = out.looks_back.max(back.saturating_add(below.looks_back));
            out.recorded = out.recorded.max(below.recorded);
        }
        out
    }
}

/// How far what an expression reads lies back.
#[derive(Clone, Copy, Default)]
struct Depth {
    looks_back: u64,
    /// How many recording rules lie one after the other.
    recorded: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::{MINUTE, SECOND};

    fn rule(expr: &str) -> Rule {
        Rule { alert: "A".to_owned(), held: 10 * SECOND, expr: expr.to_owned(), ..Rule::default() }
    }

    fn recorded(metric: &str, expr: &str) -> Recorded {
        Recorded { metric: metric.to_owned(), expr: expr.to_owned() }
    }

    #[test]
    fn recording_rules_lie_between_a_rule_and_what_is_scraped() {
        let facts = AlertFacts {
            recorded: vec![
                recorded("job:errors:rate1m", "sum by (job) (rate(errors_total[1m]))"),
                recorded("job:ratio", "job:errors:rate1m / sum by (job) (rate(requests_total[30s]))"),
                recorded("loop", "loop > 1"),
            ],
            scrape: Some(SECOND),
            evaluation: Some(4 * SECOND),
            grouping: 2 * SECOND,
            ..AlertFacts::default()
        };
        let read = |expr: &str| facts.selectors(&rule(expr)).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(read("job:ratio{job=\"x\"} > 0.5"), ["errors_total", "requests_total"]);
        assert_eq!(read("up == 0 or up == 0"), ["up"]);
        assert_eq!(read("loop"), [""; 0]);
        assert!(facts.selectors(&rule("absent(job:ratio)")).iter().all(|own| own.absent));
        let delays = facts.delays(&rule("avg_over_time(job:ratio[5m]) > 0.5"));
        let wanted = Delays {
            scrape: SECOND,
            window: 6 * MINUTE,
            evaluation: 12 * SECOND,
            held: 12 * SECOND,
            grouping: 2 * SECOND,
        };
        assert_eq!(delays, wanted);
        assert_eq!((delays.least(), delays.most()), (14 * SECOND, 6 * MINUTE + 27 * SECOND));
        let many: Vec<Recorded> = (0..60)
            .map(|at| recorded(&format!("r{at}"), &(0..60).map(|to| format!("r{to}")).collect::<Vec<_>>().join("+")))
            .collect();
        let tangled = AlertFacts { recorded: many, ..AlertFacts::default() };
        assert_eq!(tangled.selectors(&rule("r1 + r2 + x")).len(), 1);
        assert_eq!(tangled.delays(&rule("r1 > 2")).window, 0);
        let end = facts.delays_of_the_end(&Rule { keeps: 5 * SECOND, ..rule("up == 0") });
        assert_eq!((end.least(), end.most()), (8 * SECOND, 13 * SECOND));
    }

    #[test]
    fn what_is_not_known_is_no_delay() {
        let delays = AlertFacts::default().delays(&rule("up == 0"));
        assert_eq!((delays.least(), delays.most()), (10 * SECOND, 10 * SECOND));
        // An expression that does not parse delays nothing either.
        assert_eq!(AlertFacts::default().delays(&rule("up == {{ x }}")).most(), 10 * SECOND);
    }
}
