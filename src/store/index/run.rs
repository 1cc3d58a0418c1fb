//! A run as the index keeps it: everything that a history needs, taken from the `run.json` of its record.

use crate::measure::{Failure, of_target};
use crate::plan::Type;
use crate::store::record::at;
use crate::store::segments::content;
use crate::store::{RecordError, context};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A `run.json` is never larger than this.
const LARGEST: u64 = 256 << 20;

#[derive(Debug, Clone, PartialEq)]
pub struct IndexedRun {
    pub id: String,
    pub file: String,
    pub scenario: String,
    pub profile: Option<String>,
    pub started: String,
    /// The fingerprint of its plan.
    pub plan: String,
    pub trusted: bool,
    pub verdict: String,
    /// The commit of the scenario's repository when the run began.
    pub commit: Option<String>,
    pub metrics: Vec<Metric>,
}

/// What was measured of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    pub name: String,
    pub unit: Type,
    /// In base units: nanoseconds, bytes, shares of one.
    pub value: f64,
    /// A share of requests, which is compared by its difference.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub share: bool,
}

/// The run of a record. `None` if it has no result, was not run to its end, or is only a share of a run.
pub fn indexed(directory: &Path) -> Result<Option<IndexedRun>, RecordError> {
    let path = directory.join("run.json");
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let text = content(&path, LARGEST)?;
    let result: Value = serde_json::from_slice(&text).map_err(at(&path))?;
    let commit = context(directory)?.and_then(|context| context.commit);
    Ok(of_result(&result, commit))
}

fn of_result(result: &Value, commit: Option<String>) -> Option<IndexedRun> {
    let text = |name: &str| result[name].as_str().map(str::to_owned);
    let is_whole = result["complete"] != false && result["share"]["count"].as_u64().unwrap_or(1) == 1;
    let verdict = text("verdict")?;
    if !is_whole || matches!(verdict.as_str(), "aborted" | "error") {
        return None;
    }
    let mut metrics = expectations(&result["expectations"]);
    steps(&result["windows"], &mut metrics);
    // A name stands for one value.
    let mut seen = BTreeSet::new();
    metrics.retain(|metric| seen.insert(metric.name.clone()));
    Some(IndexedRun {
        id: text("id")?,
        file: text("file")?,
        scenario: text("scenario")?,
        profile: text("profile"),
        started: text("started")?,
        plan: text("plan_sha256")?,
        trusted: result["trust"]["state"] == "trusted",
        verdict,
        commit,
        metrics,
    })
}

/// The operators behind a metric in the text of an expectation.
const OPERATORS: [&str; 6] = [" <= ", " >= ", " < ", " > ", " == ", " within "];

/// The metric of an expectation, by its text.
pub fn metric_name(text: &str) -> String {
    let end = OPERATORS.iter().filter_map(|operator| text.find(operator)).min();
    let rest = end.map_or("", |end| &text[end..]);
    // A scope after the bound belongs to the metric.
    match (end, rest.contains(" during ") || rest.contains(" in ") || rest.contains(" of ")) {
        (Some(end), false) => text[..end].to_owned(),
        _ => text.to_owned(),
    }
}

/// Measured values of expectations, each by its metric; if two expectations have one metric, by their whole texts.
fn expectations(all: &Value) -> Vec<Metric> {
    let all: Vec<&Value> = all.as_array().into_iter().flatten().collect();
    let text = |one: &Value| one["text"].as_str().unwrap_or_default().to_owned();
    let short = |one: &Value| metric_name(&text(one));
    let measured = |one: &&&Value| {
        let known = one["numbers"]["value"]["known"].as_str().unwrap_or_default();
        one["implied"] != true && matches!(known, "value" | "exactly" | "estimate" | "of_answers")
    };
    let metric = |one: &&Value| {
        let value = &one["numbers"]["value"];
        let own = short(one);
        let is_alone = all.iter().filter(|other| short(other) == own).count() == 1;
        let unit: Type = serde_json::from_value(value["unit"].clone()).ok()?;
        let number = value["number"].as_f64().filter(|number| number.is_finite())?;
        let name = if is_alone { own } else { text(one) };
        Some(Metric { name, unit, value: number, share: unit == Type::Percent })
    };
    all.iter().filter(measured).filter_map(metric).collect()
}

/// p95, p99, throughput and error rate of each step in each stage that is judged.
fn steps(windows: &Value, metrics: &mut Vec<Metric>) {
    let judged = windows.as_array().into_iter().flatten().filter(|window| window["judged"] == true);
    for window in judged {
        let [load, stage] = ["load", "name"].map(|field| window[field].as_str().unwrap_or_default());
        for row in window["steps"].as_array().into_iter().flatten() {
            let step = row["step"].as_str().unwrap_or_default();
            let samples = row["samples"].as_u64().unwrap_or(0);
            if samples == 0 || row["is_derived"] == true || row.get("measured").is_some_and(|m| !m.is_null()) {
                continue;
            }
            let mut put = |function: &str, unit: Type, value: Option<f64>| {
                if let Some(value) = value.filter(|value| value.is_finite()) {
                    let name = format!("{function}({load}.{step}) during {stage}");
                    metrics.push(Metric { name, unit, value, share: unit == Type::Percent });
                }
            };
            put("p95", Type::Duration, row["p95_ns"].as_f64());
            put("p99", Type::Duration, row["p99_ns"].as_f64());
            // As in an expectation: of what the target answered, and without what the generator failed by itself.
            let failed: Option<BTreeMap<Failure, u64>> = serde_json::from_value(row["failed"].clone()).ok();
            let failed = failed.map(|kinds| of_target(&kinds) as f64 / samples as f64);
            put(
                "throughput",
                Type::Rate,
                row["per_second"].as_f64().zip(failed).map(|(all, failed)| all * (1.0 - failed)),
            );
            put("error_rate", Type::Percent, failed);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
    use super::*;
    use serde_json::json;

    fn expected(text: &str, number: f64, unit: &str, known: &str) -> Value {
        json!({ "text": text, "implied": false, "numbers": { "value": { "number": number, "unit": unit, "known": known } } })
    }

    fn result() -> Value {
        let step = json!({ "step": "go.home", "samples": 100, "failed": { "status": 3, "no_ports": 40 }, "per_second": 50.0, "p95_ns": 9, "p99_ns": null });
        json!({
            "id": "r1", "file": "a.stress", "scenario": "s", "profile": null, "started": "2026-01-01T00:00:00Z", "plan_sha256": "ab",
            "complete": true, "verdict": "passed", "trust": { "state": "trusted" }, "share": { "index": 0, "count": 1 },
            "expectations": [
                expected("p95(main) < 300ms", 5e6, "duration", "value"),
                expected("max(app.memory) < 1GiB", 7.0, "bytes", "value"),
                expected("max(app.memory) > 1KiB", 7.0, "bytes", "value"),
                expected("error_rate(main) < 1% during hold", 0.01, "percent", "estimate"),
                expected("time_to_recover(x) < 4s", 1.0, "duration", "longer_than"),
            ],
            "windows": [
                { "load": "main", "name": "warm", "judged": false, "steps": [step] },
                { "load": "main", "name": "hold", "judged": true, "steps": [step] },
            ],
        })
    }

    #[test]
    fn metrics_are_those_of_expectations_and_of_steps() {
        let run = of_result(&result(), Some("c".to_owned())).unwrap();
        let names: Vec<(&str, f64)> = run.metrics.iter().map(|one| (one.name.as_str(), one.value)).collect();
        assert_eq!(
            names,
            [
                ("p95(main)", 5e6),
                ("max(app.memory) < 1GiB", 7.0),
                ("max(app.memory) > 1KiB", 7.0),
                ("error_rate(main) < 1% during hold", 0.01),
                ("p95(main.go.home) during hold", 9.0),
                ("throughput(main.go.home) during hold", 48.5),
                ("error_rate(main.go.home) during hold", 0.03),
            ]
        );
        assert!(run.trusted && run.commit.as_deref() == Some("c") && run.metrics[3].share && !run.metrics[0].share);
    }

    #[test]
    fn what_was_cut_short_or_is_a_share_is_no_run_of_a_history() {
        for (field, value) in [
            ("complete", json!(false)),
            ("verdict", json!("aborted")),
            ("verdict", json!("error")),
            ("share", json!({ "index": 0, "count": 2 })),
        ] {
            let mut result = result();
            result[field] = value;
            assert_eq!(of_result(&result, None), None, "{field}");
        }
    }
}
