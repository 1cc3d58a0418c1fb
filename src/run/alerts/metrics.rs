//! The metrics that alerting rules read, and those of them that a Prometheus has never had: a rule over such a metric cannot fire, however
//! its system fares.

use crate::base::promql::quoted;
use crate::check::inputs::{Recorded, Rule};
use crate::check::program::AlertFacts;
use crate::measure::AlertRule;
use crate::run::prometheus::{Answer, Element, Prometheus, or_empty};
use crate::run::wall::Wall;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The rules that record what other rules read.
const RECORDED: &str = "/api/v1/rules?type=record";
/// Characters of the names that one query asks for.
const LONGEST: usize = 4_000;

/// An answer to [`RECORDED`].
#[derive(Debug, Deserialize)]
pub struct Groups {
    #[serde(deserialize_with = "or_empty")]
    groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
struct Group {
    #[serde(default, deserialize_with = "or_empty")]
    rules: Vec<RecordingRule>,
}

#[derive(Debug, Deserialize)]
struct RecordingRule {
    name: String,
    query: String,
}

/// What the rules of a source read.
#[derive(Debug, Default)]
pub struct Metrics {
    /// By rule, in their order, the names that it reads.
    read: Vec<Vec<String>>,
    /// Those of which no series has been seen.
    missing: BTreeSet<String>,
    /// A question has been answered since the rules are these.
    is_asked: bool,
}

impl Metrics {
    /// Of the rules that a Prometheus has now. What it records itself is replaced by what that is made of.
    pub async fn of(rules: &[AlertRule], server: &Prometheus) -> Result<Metrics, String> {
        let Groups { groups } = server.get(RECORDED).await?;
        let recorded = groups.into_iter().flat_map(|group| group.rules);
        let recorded = recorded.map(|rule| Recorded { metric: rule.name, expr: rule.query }).collect();
        Ok(Metrics::read(rules, &AlertFacts { recorded, ..AlertFacts::default() }))
    }

    fn read(rules: &[AlertRule], facts: &AlertFacts) -> Metrics {
        let names = |rule: &AlertRule| {
            let rule = Rule { alert: rule.name.clone(), expr: rule.expression.clone(), ..Rule::default() };
            // A rule that looks for absence does not need any.
            let read = facts.selectors(&rule).into_iter().filter(|own| !own.absent);
            let names: BTreeSet<String> = read.filter_map(|own| own.metric).collect();
            names.into_iter().collect::<Vec<String>>()
        };
        let read: Vec<Vec<String>> = rules.iter().map(names).collect();
        let missing = read.iter().flatten().cloned().collect();
        Metrics { read, missing, is_asked: false }
    }

    /// Whether there is anything left to ask for.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty()
    }

    /// Asks which of those that are missing are there now, or have been in some seconds before an instant.
    pub async fn ask(&mut self, server: &Prometheus, back: Option<(u64, Wall)>) -> Result<(), String> {
        for query in queries(&self.missing, back.map(|(seconds, _)| seconds)) {
            let answer = server.query(&query, back.map(|(_, at)| at)).await.and_then(Answer::vector)?;
            for Element { metric, .. } in answer {
                metric.get("__name__").map(|name| self.missing.remove(name));
            }
        }
        self.is_asked = true;
        Ok(())
    }

    /// Writes into rules which of their metrics are missing.
    pub fn tell(&self, rules: &mut [AlertRule]) {
        for (rule, read) in rules.iter_mut().zip(&self.read).filter(|_| self.is_asked) {
            rule.absent = read.iter().filter(|name| self.missing.contains(*name)).cloned().collect();
        }
    }
}

/// Which of some names have series: each query asks for several.
fn queries(names: &BTreeSet<String>, back: Option<u64>) -> Vec<String> {
    let mut parts: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut length = 0;
    for name in names {
        length += name.len() + 1;
        parts.entry(length / LONGEST).or_default().push(escaped(name));
    }
    let query = |names: Vec<String>| {
        let selector = format!("{{__name__=~{}}}", quoted(&names.join("|")));
        let of = match back {
            Some(seconds) => format!("last_over_time({selector}[{seconds}s])"),
            None => selector,
        };
        format!("count by (__name__) ({of})")
    };
    parts.into_values().map(query).collect()
}

/// A name as a pattern that matches nothing else.
fn escaped(name: &str) -> String {
    let mut out = String::new();
    for own in name.chars() {
        if !own.is_alphanumeric() && !matches!(own, '_' | ':') {
            out.push('\\');
        }
        out.push(own);
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may panic.
    use super::*;

    fn rule(name: &str, expression: &str) -> AlertRule {
        AlertRule {
            name: name.to_owned(),
            expression: expression.to_owned(),
            labels: Vec::new(),
            interval: 0,
            held: 0,
            kept: 0,
            problem: None,
            absent: Vec::new(),
        }
    }

    #[test]
    fn a_rule_is_told_the_metrics_that_it_reads_and_nobody_has() {
        let mut rules = [
            rule("A", "rate(errors_total[1m]) / rate(requests_total[1m]) > 0.5"),
            rule("B", "absent(heartbeat)"),
            rule("C", "job:errors > 1"),
            rule("D", "vector(1)"),
        ];
        let recorded = vec![Recorded { metric: "job:errors".to_owned(), expr: "sum(errors_total)".to_owned() }];
        let mut metrics = Metrics::read(&rules, &AlertFacts { recorded, ..AlertFacts::default() });
        metrics.tell(&mut rules);
        assert!(rules.iter().all(|rule| rule.absent.is_empty()), "nobody was asked");
        metrics.is_asked = true;
        metrics.missing.remove("requests_total");
        metrics.tell(&mut rules);
        let absent: Vec<String> = rules.iter().map(|rule| rule.absent.join(",")).collect();
        assert_eq!(absent, ["errors_total", "", "errors_total", ""]);
        assert!(!metrics.is_whole());
    }

    #[test]
    fn one_query_asks_for_several_names() {
        let names: BTreeSet<String> = ["up", "a.b", "a:b"].into_iter().map(str::to_owned).collect();
        assert_eq!(queries(&names, None), [r#"count by (__name__) ({__name__=~"a\\.b|a:b|up"})"#]);
        let back = queries(&names, Some(30));
        assert_eq!(back, [r#"count by (__name__) (last_over_time({__name__=~"a\\.b|a:b|up"}[30s]))"#]);
        let many: BTreeSet<String> = (0..1000).map(|at| format!("a_metric_{at}")).collect();
        let all = queries(&many, None);
        assert!(all.len() > 2 && all.iter().all(|query| query.len() < LONGEST + 100));
        assert!(queries(&BTreeSet::new(), None).is_empty());
    }
}
