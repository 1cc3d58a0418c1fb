//! The rules of a Prometheus rules file: when an alert can fire, and what of it Prometheus would refuse.

use crate::base::promql;
use crate::base::units::{DAY, HOUR, MILLISECOND, MINUTE, SECOND};
use crate::check::inputs::{Recorded, Rule, RuleProblem, RulesFile};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct File {
    groups: Vec<RuleGroup>,
}

#[derive(Deserialize)]
struct RuleGroup {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    interval: Option<String>,
    #[serde(default)]
    rules: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    /// A recording rule has none.
    #[serde(default)]
    alert: Option<String>,
    #[serde(default)]
    record: Option<String>,
    #[serde(default)]
    expr: Option<Spanned<String>>,
    #[serde(default, rename = "for")]
    held: Option<String>,
    #[serde(default, rename = "keep_firing_for")]
    keeps: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, IgnoredAny>,
}

pub fn parse(text: &str, shown: &str) -> Result<RulesFile, String> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| {
        // What the parser says of it may quote what is written there.
        let line = error.location().map_or_else(String::new, |place| format!(" (line {})", place.line()));
        format!("`{shown}` is no rules file of Prometheus{line}: it needs `groups:`, each with its `rules:`")
    })?;
    let mut out = RulesFile::default();
    for (number, group) in file.groups.into_iter().enumerate() {
        let time = |text: &Option<String>, what: &str| match text.as_deref().map(duration) {
            Some(None) => Err(format!("`{shown}`: {what} of group {} is no duration of Prometheus", number + 1)),
            found => Ok(found.flatten()),
        };
        let interval = time(&group.interval, "`interval`")?;
        for (place, entry) in group.rules.into_iter().enumerate() {
            let (line, entry) = (entry.referenced.line(), entry.value);
            let held = time(&entry.held, &format!("`for` of rule {}", place + 1))?.unwrap_or(0);
            let keeps = time(&entry.keeps, &format!("`keep_firing_for` of rule {}", place + 1))?.unwrap_or(0);
            out.problems.extend(problem(&entry, line));
            let expr = entry.expr.map(|expr| expr.value).unwrap_or_default();
            match (entry.alert, entry.record) {
                (Some(alert), _) => out.rules.push(Rule {
                    alert,
                    held,
                    interval,
                    labels: entry.labels.into_iter().collect(),
                    group: group.name.clone().unwrap_or_default(),
                    line,
                    expr,
                    keeps,
                    annotations: entry.annotations.into_keys().collect(),
                }),
                (None, Some(metric)) => out.recorded.push(Recorded { metric, expr }),
                (None, None) => {}
            }
        }
    }
    Ok(out)
}

/// What Prometheus would refuse of a rule.
fn problem(entry: &Entry, line: u64) -> Option<RuleProblem> {
    let told = |line, what| Some(RuleProblem { line, what });
    let name = match (&entry.alert, &entry.record) {
        (Some(name), None) | (None, Some(name)) => name,
        (Some(name), Some(_)) => return told(line, format!("`{name}` has both `alert:` and `record:`")),
        (None, None) => return told(line, "a rule has neither `alert:` nor `record:`".to_owned()),
    };
    let Some(expr) = &entry.expr else { return told(line, format!("`{name}` has no `expr:`")) };
    // A file that a tool has still to expand: what will stand there is not known.
    if expr.value.contains("{{") {
        return None;
    }
    let why = promql::query(&expr.value).err()?;
    told(expr.referenced.line(), format!("the `expr:` of `{name}` is not PromQL: {why}"))
}

/// `1h30m`, as Prometheus writes it: integers with units from large to small.
pub(super) fn duration(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let units =
        [("y", 365 * DAY), ("w", 7 * DAY), ("d", DAY), ("h", HOUR), ("ms", MILLISECOND), ("m", MINUTE), ("s", SECOND)];
    let (mut rest, mut total) = (text, 0u64);
    while !rest.is_empty() {
        let digits = rest.bytes().position(|byte| !byte.is_ascii_digit()).filter(|at| *at > 0)?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = units.iter().find(|(name, _)| {
            rest[digits..].strip_prefix(name).is_some_and(|tail| !tail.starts_with(|c: char| c.is_ascii_alphabetic()))
        })?;
        total = total.checked_add(number.checked_mul(unit.1)?)?;
        rest = &rest[digits + unit.0.len()..];
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_prometheus() {
        assert_eq!(duration("1h30m"), Some(90 * MINUTE));
        assert_eq!(duration("500ms"), Some(500 * MILLISECOND));
        assert_eq!(duration("5"), None);
        assert_eq!(duration("5x"), None);
    }

    #[test]
    fn a_rule_is_read_whole() {
        let text = "groups:
  - name: a
    interval: 10s
    rules:
      - record: job:x:rate1m
        expr: rate(x[1m])
      - alert: Down
        expr: up == 0
        for: 1m
        keep_firing_for: 5m
        labels: { severity: page }
        annotations: { summary: \"{{ $labels.job }} is down\" }
";
        let file = parse(text, "r.yml").unwrap();
        let rule = Rule {
            alert: "Down".into(),
            held: MINUTE,
            interval: Some(10 * SECOND),
            labels: vec![("severity".into(), "page".into())],
            group: "a".into(),
            line: 7,
            expr: "up == 0".into(),
            keeps: 5 * MINUTE,
            annotations: vec!["summary".into()],
        };
        assert_eq!(file.rules, [rule]);
        assert_eq!(file.recorded, [Recorded { metric: "job:x:rate1m".into(), expr: "rate(x[1m])".into() }]);
        assert_eq!(file.problems, []);
        assert!(parse("groups: 5", "r.yml").unwrap_err().starts_with("`r.yml` is no rules file"));
    }

    #[test]
    fn what_prometheus_would_refuse_is_told_with_its_line() {
        let text = "groups:
  - rules:
      - alert: A
        expr: sum(up
      - alert: B
        for: 1m
        expr: |
          up ==
      - alert: C
      - expr: up
      - { alert: D, record: e, expr: up }
      - alert: Template
        expr: up > {{ .Values.most }}
      - { record: f, expr: \"rate(x)\" }
";
        let problems = parse(text, "r.yml").unwrap().problems;
        let told: Vec<String> = problems.iter().map(|own| format!("{} {}", own.line, own.what)).collect();
        assert_eq!(
            told,
            [
                "4 the `expr:` of `A` is not PromQL: a `(` in it is not closed",
                "8 the `expr:` of `B` is not PromQL: its parts do not fit together",
                "9 `C` has no `expr:`",
                "10 a rule has neither `alert:` nor `record:`",
                "11 `D` has both `alert:` and `record:`",
                "14 the `expr:` of `f` is not PromQL: expected type range vector in call to function 'rate', got instant vector",
            ]
        );
    }

    #[test]
    fn labels_choose_among_rules_of_one_name() {
        let rule = |labels: &str| {
            let text = format!("groups: [{{ rules: [{{ alert: A, expr: up, labels: {labels} }}] }}]");
            parse(&text, "r.yml").unwrap().rules.remove(0)
        };
        let page = [("severity".to_owned(), "page".to_owned())];
        assert!(rule("{ severity: page, team: shop }").may_carry(&page));
        assert!(!rule("{ severity: ticket }").may_carry(&page));
        // It may come from a series, or from a template.
        assert!(rule("{ team: shop }").may_carry(&page));
        assert!(rule("{ severity: \"{{ $labels.severity }}\" }").may_carry(&page));
    }
}
