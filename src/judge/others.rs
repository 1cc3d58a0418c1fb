//! What other runs measured, for conditions that compare with it.

use crate::base::units::counted;
use crate::baseline::{self, BaselineRun, FEWEST_RUNS, Question, Statistic};
use crate::metric::printed;
use crate::plan::{Binary, Condition, Estimate, Function, Measured, MetricKey, Plan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known of baselines. A verdict is a function of this as of the plan and the measurements.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Others {
    told: Vec<Told>,
    /// What has to be said of the comparison, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The runs of the baselines, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<BaselineRun>,
}

/// Of one comparison with a baseline what is known.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
struct Told {
    operator: Binary,
    bound: Measured,
    found: Result<Estimate, String>,
    /// More runs would tell more.
    #[serde(default)]
    open: bool,
}

/// The same metric in the runs of a baseline, or why there is none.
pub type Looked = Result<Vec<Statistic>, String>;

impl Others {
    /// What these runs of a plan say against those of its baselines, which are looked up by their names. `alpha` is the chance of a false
    /// alarm, by how many runs both sides have.
    pub fn of(
        plan: &Plan,
        runs: &[Vec<Statistic>],
        baselines: &mut dyn FnMut(Option<&str>, &MetricKey, Function) -> Looked,
        alpha: &dyn Fn(usize, usize) -> f64,
    ) -> Others {
        let mut told: Vec<Told> = Vec::new();
        let mut questions: Vec<(usize, Question)> = Vec::new();
        for (operator, left, bound) in comparisons(plan) {
            if told.iter().any(|other| (other.operator, &other.bound) == (operator, &bound)) {
                continue;
            }
            let (found, open, question) = match compared(operator, (&left, &bound), runs, baselines) {
                Ok((estimate, question)) => (Ok(estimate), false, question),
                Err(Missing { reason, more_runs }) => (Err(reason), more_runs, None),
            };
            questions.extend(question.map(|question| (told.len(), question)));
            told.push(Told { operator, bound, found, open });
        }
        let levels = questions.iter().map(|(_, question)| alpha(question.contrast.runs.0, question.contrast.runs.1));
        let level = levels.fold(baseline::ALPHA, f64::min);
        let all: Vec<Question> = questions.iter().map(|(_, question)| *question).collect();
        for ((place, _), across) in questions.iter().zip(baseline::regressions(&all, level)) {
            if let Ok(estimate) = &mut told[*place].found {
                estimate.across = Some(across);
                told[*place].open = across.verdict == crate::plan::Regression::Inconclusive;
            }
        }
        Others { told, ..Others::default() }
    }

    /// Where nothing is compared yet, for a reason.
    pub fn waiting(plan: &Plan, reason: &str) -> Others {
        let told = comparisons(plan).into_iter().map(|(operator, _, bound)| Told {
            operator,
            bound,
            found: Err(reason.to_owned()),
            open: true,
        });
        Others { told: told.collect(), ..Others::default() }
    }

    /// Whether more runs could decide what these do not.
    pub fn are_open(&self) -> bool {
        self.told.iter().any(|told| told.open)
    }

    pub fn are_none(&self) -> bool {
        self.told.is_empty() && self.notes.is_empty()
    }

    /// The condition with what is known of its baselines.
    pub(super) fn known(&self, condition: &Condition) -> Condition {
        let mut known = condition.clone();
        known.against_baselines(&mut |operator, _, bound| {
            let found = self.told.iter().find(|told| (told.operator, &told.bound) == (operator, &*bound));
            if let (Some(told), Some(own)) = (found, bound.known_mut()) {
                *own = Some(told.found.clone());
            }
        });
        known
    }
}

/// Each comparison with a baseline: its operator, the metric, and the bound.
fn comparisons(plan: &Plan) -> Vec<(Binary, Measured, Measured)> {
    let mut found = Vec::new();
    for expectation in &plan.expectations {
        let mut condition = expectation.condition.clone();
        condition.against_baselines(&mut |operator, left, bound| found.push((operator, left.clone(), bound.clone())));
    }
    found
}

/// Why a comparison cannot be made.
struct Missing {
    reason: String,
    more_runs: bool,
}

impl Missing {
    fn of(reason: String) -> Missing {
        Missing { reason, more_runs: false }
    }
}

fn compared(
    operator: Binary,
    (left, bound): (&Measured, &Measured),
    runs: &[Vec<Statistic>],
    baselines: &mut dyn FnMut(Option<&str>, &MetricKey, Function) -> Looked,
) -> Result<(Estimate, Option<Question>), Missing> {
    let (Measured::Metric { metric, key, .. }, Some(Measured::Baseline { name, .. })) = (left, bound.baseline()) else {
        return Err(Missing::of("a baseline is that of one metric".to_owned()));
    };
    let function = metric.function();
    let before = baselines(name.as_deref(), key, function).map_err(Missing::of)?;
    let before: Vec<&Statistic> = before.iter().collect();
    let of = |run: &'_ Vec<Statistic>| run.iter().position(|statistic| statistic.metric == *key);
    let now: Vec<&Statistic> = runs.iter().filter_map(|run| Some(&run[of(run)?])).collect();
    // Held against themselves, the runs of a baseline have the mean that they have.
    let contrast = baseline::contrast(function, &before, if now.is_empty() { &before } else { &now })
        .ok_or_else(|| Missing::of(format!("no run of the baseline has a value of `{key}`")))?;
    let value = contrast.scale.value(contrast.baseline);
    let estimate = Estimate {
        value,
        interval: None,
        samples: before.iter().map(|statistic| statistic.samples).sum(),
        across: None,
    };
    // What this run has no value of is told by that.
    if runs.last().is_none_or(|run| of(run).is_none()) {
        return Ok((estimate, None));
    }
    if now.len() < runs.len() {
        let (without, all) = (runs.len() - now.len(), runs.len());
        let have = if without == 1 { "has" } else { "have" };
        let reason = format!("{without} of {all} runs {have} no value of `{key}`, so they cannot be compared");
        return Err(Missing::of(reason));
    }
    if baseline::needs_runs(function, &[&before[..], &now].concat()) && before.len().min(now.len()) < FEWEST_RUNS {
        let now = counted(now.len() as u64, "run");
        let reason = format!(
            "so few samples lie above it that it takes {FEWEST_RUNS} runs on both sides, and this is {now} against {} of the \
             baseline; hold the load longer, or let it run with `--runs 3..10`",
            before.len()
        );
        return Err(Missing { reason, more_runs: before.len() >= FEWEST_RUNS });
    }
    let asked = worth(bound, value);
    match asked.and_then(|bound| Question::of(contrast, operator, bound)) {
        Some(question) => Ok((estimate, Some(question))),
        None => {
            let asked = asked.map_or("not known".to_owned(), |asked| printed(asked, bound.unit()));
            let reason = format!(
                "its bound is {asked}, and runs are compared by their ratio, which takes one above 0: allow less, such as `5%`"
            );
            Err(Missing::of(reason))
        }
    }
}

/// What a bound is worth, where the baseline is worth that.
fn worth(bound: &Measured, baseline: f64) -> Option<f64> {
    match bound {
        Measured::Constant { value, .. } => Some(*value),
        Measured::Baseline { .. } => Some(baseline),
        Measured::Arithmetic { operator, left, right, .. } => {
            let (l, r) = (worth(left, baseline)?, worth(right, baseline)?);
            Some(crate::check::arithmetic(*operator, l, left.unit(), r, right.unit()))
        }
        Measured::Metric { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Type;

    #[test]
    fn a_percent_of_a_baseline_is_a_share_of_it_and_points_are_added() {
        let bound = |unit: Type, by: Type, operator: Binary| {
            let of = MetricKey::default();
            let left = Box::new(Measured::Baseline { name: None, unit, of, known: None });
            let right = Box::new(Measured::Constant { value: 0.05, unit: by });
            worth(&Measured::Arithmetic { operator, left, right, unit }, 0.1)
        };
        for (unit, by, operator, wanted) in [
            (Type::Percent, Type::Percent, Binary::Add, 0.105),
            (Type::Percent, Type::Percent, Binary::Subtract, 0.095),
            (Type::Percent, Type::Points, Binary::Add, 0.15),
            (Type::Rate, Type::Percent, Binary::Subtract, 0.095),
        ] {
            let found = bound(unit, by, operator).expect("it is known");
            assert!((found - wanted).abs() < 1e-12, "{unit:?} {by:?}: {found}");
        }
    }
}
