//! A run as a baseline keeps it: the key for comparison, what the run did, and what was measured.

use super::facts::Facts;
use super::statistic::{Statistic, Within};
use crate::base::distributions::TWO_SIDED;
use crate::check::program::{Function, RequestFunction};
use crate::measure::histogram::Counts;
use crate::measure::interval_log;
use crate::plan::{MetricKey, Type};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The format version. It increases whenever the previous version would misread the file.
pub const SCHEMA: u64 = 1;

/// One run of a baseline.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub schema: u64,
    /// The id of the run.
    pub run: String,
    /// Its number among the runs of the scenario: one more than the highest so far, whatever the clock says.
    pub number: u64,
    /// The id of the first run of its baseline.
    pub set: String,
    /// The name of the baseline, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub scenario: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// When it began.
    pub started: String,
    /// The commit of the scenario's repository when the run began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    pub seed: u64,
    pub plan_sha256: String,
    pub facts: Facts,
    /// The metrics, by the key of what is judged.
    pub metrics: Vec<Statistic>,
    /// The times of the requests behind the metrics.
    pub times: Vec<Recorded>,
}

/// A run of a baseline, as a report names it.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct BaselineRun {
    pub run: String,
    /// When it began.
    pub started: String,
    /// The commit of the scenario's repository then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

impl Entry {
    pub fn as_run(&self) -> BaselineRun {
        BaselineRun { run: self.run.clone(), started: self.started.clone(), commit: self.commit.clone() }
    }
}

/// An entry as it stands in a file.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Signed {
    #[serde(flatten)]
    entry: Entry,
    /// A checksum of everything before it, to notice a manual change or a truncated file.
    sha256: String,
}

/// The times of some requests in some windows.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// As a metric without a function.
    pub of: MetricKey,
    pub answered: u64,
    pub failed: u64,
    /// The number of requests without an answer. They rank above all answers.
    pub unanswered: u64,
    /// Times of answers, in the exchange format of histograms (V2, deflated, base64).
    pub hdr: String,
}

/// Why a text is not an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// It was written by a later version.
    Later(u64),
    Damaged(String),
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unreadable::Later(schema) => write!(
                f,
                "is of schema {schema}, and this version knows up to {SCHEMA}: read it with the stressc that wrote it, or a later one"
            ),
            Unreadable::Damaged(problem) => write!(
                f,
                "is damaged: {problem}; get it back from where it is kept, such as by `git checkout`, or remove it"
            ),
        }
    }
}

fn has_control(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) => text.chars().any(char::is_control),
        serde_json::Value::Array(items) => items.iter().any(has_control),
        serde_json::Value::Object(fields) => {
            fields.iter().any(|(name, value)| name.chars().any(char::is_control) || has_control(value))
        }
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => false,
    }
}

impl Entry {
    /// The text of the file: one field per line, and at the end the checksum of what precedes it.
    pub fn text(&self) -> String {
        let body = serde_json::to_string_pretty(self).expect("an entry is plain data");
        let open = body.strip_suffix("\n}").expect("an object that is not empty ends so");
        format!("{open},\n  \"sha256\": \"{}\"\n}}\n", sum(&body))
    }

    pub fn read(text: &str) -> Result<Entry, Unreadable> {
        let damaged = |problem: String| Unreadable::Damaged(problem);
        if text.lines().any(|line| line.starts_with("<<<<<<<") || line.starts_with(">>>>>>>")) {
            return Err(damaged("it holds the marks of a merge that was not resolved".to_owned()));
        }
        let mut value: serde_json::Value =
            serde_json::from_str(text).map_err(|error| damaged(format!("it is no JSON ({error})")))?;
        let fields = value.as_object_mut().ok_or_else(|| damaged("it is no object".to_owned()))?;
        match fields.get("schema").and_then(serde_json::Value::as_u64) {
            Some(SCHEMA) => {}
            Some(later) if later > SCHEMA => return Err(Unreadable::Later(later)),
            _ => return Err(damaged("it does not say which schema it has".to_owned())),
        }
        // What a run writes of itself steers no terminal and is one line.
        if fields.values().any(has_control) {
            return Err(damaged("it holds control characters, which no run writes".to_owned()));
        }
        let told = fields.shift_remove("sha256");
        let entry: Entry = serde_json::from_value(value).map_err(|error| damaged(error.to_string()))?;
        let body = serde_json::to_string_pretty(&entry).expect("an entry is plain data");
        match told.as_ref().and_then(serde_json::Value::as_str) {
            Some(told) if told == sum(&body) => Ok(entry),
            Some(_) => Err(damaged("it was changed after it was written".to_owned())),
            None => Err(damaged("it is not whole: the sum at its end is missing".to_owned())),
        }
    }

    /// A metric of the run. A quantile that was not requested at the time is read from the histogram.
    pub fn statistic(&self, metric: &MetricKey, function: Function) -> Option<Statistic> {
        let known = self.metrics.iter().find(|own| own.metric == *metric).cloned();
        known.or_else(|| match function {
            Function::Requests(RequestFunction::Quantile(share)) => {
                self.times.iter().find(|times| times.of == of(metric))?.quantile(metric, share)
            }
            _ => None,
        })
    }
}

/// The requests that a metric applies to.
pub fn of(metric: &MetricKey) -> MetricKey {
    MetricKey { function: String::new(), argument: None, ..metric.clone() }
}

fn sum(body: &str) -> String {
    crate::base::hex(&Sha256::digest(body.as_bytes()))
}

impl Recorded {
    pub fn new(of: MetricKey, (answered, failed, unanswered): (u64, u64, u64), times: &Counts) -> Recorded {
        Recorded { of, answered, failed, unanswered, hdr: interval_log::payload(times) }
    }

    pub fn counts(&self) -> Option<Counts> {
        interval_log::read_payload(&self.hdr)
    }

    fn quantile(&self, metric: &MetricKey, share: f64) -> Option<Statistic> {
        let times = self.counts()?.to_histogram();
        let samples = times.len();
        // One that lies at no answer has no value.
        if samples == 0 || self.unanswered > 0 {
            return None;
        }
        let value = times.value_at_quantile(share) as f64;
        let (low, high) = ranks(samples, share);
        let interval = (times.value_at_quantile(low) as f64, times.value_at_quantile(high) as f64);
        let error = (interval.1 - interval.0) / 2.0 / TWO_SIDED;
        let (metric, unit) = (metric.clone(), Type::Duration);
        let batches = Vec::new();
        Some(Statistic { metric, unit, value, interval: Some(interval), error, by: Within::Ranks, samples, batches })
    }
}

/// The quantiles of samples between which that of a share lies with 95% certainty, by the binomial distribution of ranks.
pub fn ranks(samples: u64, share: f64) -> (f64, f64) {
    let n = samples.max(1) as f64;
    let half = TWO_SIDED * (share * (1.0 - share) / n).sqrt();
    ((share - half).max(0.0), (share + half + 1.0 / n).min(1.0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
    use super::*;
    use crate::measure::histogram;

    fn entry() -> Entry {
        let mut times = histogram::empty();
        (1..=1000).for_each(|value| times.record(value * 1000).unwrap());
        let main = MetricKey { of: "main".to_owned(), ..MetricKey::default() };
        let metric = MetricKey { function: "p95".to_owned(), ..main.clone() };
        let value = 950_000.0;
        Entry {
            schema: SCHEMA,
            run: "20260101T000000Z-s-0001".to_owned(),
            number: 1,
            set: "20260101T000000Z-s-0001".to_owned(),
            name: None,
            scenario: "s".to_owned(),
            profile: None,
            started: "2026-01-01T00:00:00Z".to_owned(),
            commit: None,
            seed: 1,
            plan_sha256: "ab".to_owned(),
            facts: Facts::default(),
            metrics: vec![Statistic {
                metric,
                unit: Type::Duration,
                value,
                interval: Some((0.1 + 0.2, 1e300)),
                error: 1.0 / 3.0,
                by: Within::Batches,
                samples: 1000,
                batches: vec![1.5, 2.0],
            }],
            times: vec![Recorded::new(main, (1000, 0, 0), &Counts::from_histogram(&times))],
        }
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let entry = entry();
        assert_eq!(Entry::read(&entry.text()).unwrap(), entry);
        let steering = Entry { run: "r\u{1b}[31m".to_owned(), ..entry.clone() };
        assert!(matches!(Entry::read(&steering.text()), Err(Unreadable::Damaged(told)) if told.contains("control")));
        // Whoever formats it changes nothing of what it says.
        let value: serde_json::Value = serde_json::from_str(&entry.text()).unwrap();
        assert_eq!(Entry::read(&value.to_string()).unwrap(), entry);
    }

    #[test]
    fn whatever_is_changed_is_noticed() {
        let text = entry().text();
        let told = |text: &str| Entry::read(text).unwrap_err().to_string();
        assert!(told(&text[..text.len() / 2]).contains("is damaged: it is no JSON"));
        assert!(told(&text.replace("950000.0", "900000.0")).contains("it was changed after it was written"));
        assert!(told(&text.replace("\"number\": 1", "\"number\": 2")).contains("it was changed"));
        assert!(
            told(&text.replace("\"schema\": 1", "\"schema\": 9"))
                .contains("is of schema 9, and this version knows up to 1")
        );
        assert!(told(&text.replace("\"number\"", "\"nummer\"")).contains("unknown field `nummer`"));
        assert!(told(&format!("<<<<<<< ours\n{text}")).contains("a merge that was not resolved"));
        assert!(told("[]").contains("no object") && told("{}").contains("which schema"));
        let unsigned: String =
            text.lines().filter(|line| !line.contains("sha256\": \"") || line.contains("plan")).collect();
        assert!(told(&unsigned).contains("is damaged"), "{unsigned}");
    }

    #[test]
    fn a_quantile_that_nobody_asked_for_is_in_the_histogram() {
        let entry = entry();
        let asked = |name: &str, share: f64| {
            let key = MetricKey { function: name.to_owned(), of: "main".to_owned(), ..MetricKey::default() };
            entry.statistic(&key, Function::Requests(RequestFunction::Quantile(share)))
        };
        assert_eq!(asked("p95", 0.95).unwrap().by, Within::Batches);
        let p90 = asked("p90", 0.9).unwrap();
        assert!((p90.value - 900_000.0).abs() < 1000.0 && p90.by == Within::Ranks, "{p90:?}");
        // 1.96 √(0.9 · 0.1 ÷ 1000) of the ranks is 1.9 %.
        let (low, high) = p90.interval.unwrap();
        assert!((low - 881_400.0).abs() < 1500.0 && (high - 919_600.0).abs() < 1500.0, "{low} {high}");
    }
}
