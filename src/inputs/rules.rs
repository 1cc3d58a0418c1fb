//! Alerting rules of a Prometheus rules file, as far as they say when an alert can fire.

use crate::base::units::{DAY, HOUR, MILLISECOND, MINUTE, SECOND};
use crate::check::inputs::Rule;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct File {
    groups: Vec<RuleGroup>,
}

#[derive(Deserialize)]
struct RuleGroup {
    #[serde(default)]
    interval: Option<String>,
    #[serde(default)]
    rules: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    /// A recording rule has none.
    #[serde(default)]
    alert: Option<String>,
    #[serde(default, rename = "for")]
    held: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

pub fn parse(text: &str, shown: &str) -> Result<Vec<Rule>, String> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| {
        // What the parser says of it may quote what is written there.
        let line = error.location().map_or_else(String::new, |place| format!(" (line {})", place.line()));
        format!("`{shown}` is no rules file of Prometheus{line}: it needs `groups:`, each with its `rules:`")
    })?;
    let mut rules = Vec::new();
    for (number, group) in file.groups.into_iter().enumerate() {
        let time = |text: &Option<String>, what: &str| match text.as_deref().map(duration) {
            Some(None) => Err(format!("`{shown}`: {what} of group {} is no duration of Prometheus", number + 1)),
            found => Ok(found.flatten()),
        };
        let interval = time(&group.interval, "`interval`")?;
        for (place, entry) in group.rules.into_iter().enumerate() {
            let held = time(&entry.held, &format!("`for` of rule {}", place + 1))?.unwrap_or(0);
            let Some(alert) = entry.alert else { continue };
            rules.push(Rule { alert, held, interval, labels: entry.labels.into_iter().collect() });
        }
    }
    Ok(rules)
}

/// `1h30m`, as Prometheus writes it: integers with units from large to small.
fn duration(text: &str) -> Option<u64> {
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
    fn alerts_are_found_among_the_rules() {
        let text = "groups:\n  - name: a\n    interval: 10s\n    rules:\n      - record: x\n        expr: y\n      - alert: Down\n        expr: up == 0\n        for: 1m\n        labels: { severity: page }\n";
        let rules = parse(text, "r.yml").unwrap();
        let rule = Rule {
            alert: "Down".into(),
            held: MINUTE,
            interval: Some(10 * SECOND),
            labels: vec![("severity".into(), "page".into())],
        };
        assert_eq!(rules, [rule]);
        assert!(parse("groups: 5", "r.yml").unwrap_err().starts_with("`r.yml` is no rules file"));
    }
}
