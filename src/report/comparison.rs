//! Two runs, or two variants of a scenario, side by side. As a report of a run it is a value, and each format is a function of it alone.

use crate::baseline::Change;
use crate::metric::shown_change;
use crate::plan::Type;
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Comparison {
    pub schema: u32,
    /// The earlier run, or the first variant.
    pub before: String,
    pub after: String,
    /// Runs of each: one, or the pairs of variants that took turns.
    pub runs: u64,
    /// What they did otherwise, in sentences.
    pub differences: Vec<String>,
    /// What is sure first, and of that what changed most.
    pub metrics: Vec<ComparedMetric>,
    /// A run, and a window that it alone has.
    pub alone: Vec<(String, String)>,
}

/// A metric of both.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct ComparedMetric {
    /// Where it was measured; none for what is judged of the whole.
    pub window: Option<String>,
    pub metric: String,
    pub unit: Type,
    /// In base units; of several runs the means.
    pub before: Option<f64>,
    pub after: Option<f64>,
    /// With its 95% interval; none if no pair of runs has a value.
    pub change: Option<Change>,
    pub verdict: Differs,
    /// What is said of the tolerance, where there is one.
    pub tolerance: Option<String>,
}

/// Whether a metric differs, as far as the runs can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Differs {
    Worse,
    Better,
    /// For certain, in a metric of which neither more nor less is better, or in two single runs.
    Differs,
    NotSeen,
    NoValue,
}

impl Differs {
    pub fn sign(self) -> &'static str {
        match self {
            Differs::Worse => "✘",
            Differs::Better => "✔",
            Differs::Differs => "≠",
            Differs::NotSeen => "–",
            Differs::NoValue => "?",
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Differs::Worse => "worse",
            Differs::Better => "better",
            Differs::Differs => "differs",
            Differs::NotSeen => "no difference is seen",
            Differs::NoValue => "no pair of runs has a value",
        }
    }

    pub fn is_sure(self) -> bool {
        match self {
            Differs::Worse | Differs::Better | Differs::Differs => true,
            Differs::NotSeen | Differs::NoValue => false,
        }
    }
}

impl ComparedMetric {
    /// One of which no pair of runs has a value.
    pub fn without(metric: String) -> ComparedMetric {
        ComparedMetric {
            window: None,
            metric,
            unit: Type::Number,
            before: None,
            after: None,
            change: None,
            verdict: Differs::NoValue,
            tolerance: None,
        }
    }

    /// `p95(main) in plateau`
    pub fn name(&self) -> String {
        match &self.window {
            Some(window) => format!("{} in {window}", self.metric),
            None => self.metric.clone(),
        }
    }

    /// `+12% (+8% to +17%)`
    pub fn shown(&self) -> String {
        let Some(change) = &self.change else { return "–".to_owned() };
        let shown = |value: f64| shown_change(value, change.is_relative, self.unit);
        format!("{} ({} to {})", shown(change.change), shown(change.low), shown(change.high))
    }
}

impl Comparison {
    pub fn sure(&self) -> impl Iterator<Item = &ComparedMetric> {
        self.metrics.iter().filter(|own| own.verdict.is_sure())
    }

    pub fn unsure(&self) -> impl Iterator<Item = &ComparedMetric> {
        self.metrics.iter().filter(|own| !own.verdict.is_sure())
    }

    /// What came out, in one line.
    pub fn verdict(&self) -> (Differs, String) {
        let count = |wanted: Differs| self.metrics.iter().filter(|own| own.verdict == wanted).count();
        let all = [Differs::Worse, Differs::Better, Differs::Differs];
        let first = all.into_iter().find(|own| count(*own) > 0).unwrap_or(Differs::NotSeen);
        let of = self.metrics.len();
        let (worse, better, differs) = (count(Differs::Worse), count(Differs::Better), count(Differs::Differs));
        let text = match (worse + better, differs) {
            (0, 0) => "no difference is seen".to_owned(),
            (0, differs) => format!("{differs} of {of} metrics differ for certain"),
            (_, 0) => format!("{worse} worse and {better} better of {of} metrics"),
            (_, differs) => format!("{worse} worse, {better} better and {differs} otherwise different of {of} metrics"),
        };
        (first, text)
    }

    /// What two runs cannot say.
    pub fn caveat(&self) -> String {
        match self.runs {
            1 => {
                "two runs say little of how far runs lie apart: what is assumed of that is in each interval".to_owned()
            }
            runs => format!("{runs} pairs of runs that took turns"),
        }
    }
}
