//! Whether a metric is worse than in the runs of a baseline: four verdicts, each with its interval and with the smallest change that
//! would have been seen.

use super::contrast::{Contrast, Scale};
use crate::base::distributions::{POWER, student, student_quantile};
use crate::plan::{AcrossRuns, Binary, Regression};
use schemars::JsonSchema;
use serde::Serialize;

/// The chance that a metric which did not change is called worse.
pub const ALPHA: f64 = 0.05;

/// One bound against a baseline, with what was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Question {
    pub contrast: Contrast,
    /// More is worse.
    pub more_is_worse: bool,
    /// How much worse it may be, on the scale; less than nothing where it has to be better.
    pub allowed: f64,
}

impl Question {
    /// Of `M <= BOUND` or `M >= BOUND`, where the bound is computed of the mean of the baseline; nothing of other operators, nor of a
    /// bound that its scale does not have.
    pub fn of(contrast: Contrast, operator: Binary, bound: f64) -> Option<Question> {
        let more_is_worse = match operator {
            Binary::Less | Binary::LessEqual => true,
            Binary::Greater | Binary::GreaterEqual => false,
            _ => return None,
        };
        let away = contrast.scale.of(bound) - contrast.baseline;
        let allowed = if more_is_worse { away } else { -away };
        allowed.is_finite().then_some(Question { contrast, more_is_worse, allowed })
    }

    /// How much worse it is.
    fn worse_by(&self) -> f64 {
        if self.more_is_worse { self.contrast.difference } else { -self.contrast.difference }
    }

    /// From where on it counts as worse at all: from no change, or from what it has to be better by.
    fn from(&self) -> f64 {
        self.allowed.min(0.0)
    }

    /// How likely it would be to come out so much worse if nothing had changed.
    fn chance(&self) -> f64 {
        let Contrast { error, freedom, .. } = self.contrast;
        let away = self.worse_by() - self.from();
        match error > 0.0 {
            true => student(-away / error, freedom),
            false if away > 0.0 => 0.0,
            false => 1.0,
        }
    }

    fn judged(&self, alpha: f64, alpha_of_worse: f64, shown_worse: bool) -> AcrossRuns {
        let Contrast { scale, baseline, difference, error, freedom, runs } = self.contrast;
        let half = student_quantile(1.0 - alpha, freedom) * error;
        let (worse_by, allowed) = (self.worse_by(), self.allowed);
        let high = worse_by + half;
        let verdict = if worse_by >= allowed && shown_worse {
            Regression::Regressed
        } else if worse_by <= -allowed.abs() && high < self.from() {
            Regression::Improved
        } else if high < allowed {
            Regression::Unchanged
        } else {
            Regression::Inconclusive
        };
        let needed = student_quantile(1.0 - alpha_of_worse, freedom) * error;
        let smallest = allowed.max(needed) + POWER * error;
        // One run may be the odd one, and nothing tells.
        let is_advisory = runs.0 < 2 && worse_by <= 3.0 * smallest;
        let told = |away: f64| scale.change(away);
        let sign = if self.more_is_worse { 1.0 } else { -1.0 };
        AcrossRuns {
            verdict,
            baseline: scale.value(baseline),
            is_relative: scale == Scale::Ratio,
            change: told(difference),
            low: told(difference - half),
            high: told(difference + half),
            allowed: told(sign * allowed),
            smallest: told(sign * smallest),
            chance: self.chance(),
            runs,
            is_advisory,
        }
    }
}

/// How much more a value is than another, where it lies with 95% certainty, and the chance of so large a difference if there is none.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize)]
pub struct Change {
    pub is_relative: bool,
    pub change: f64,
    pub low: f64,
    pub high: f64,
    pub chance: f64,
}

impl Contrast {
    pub fn change(&self) -> Change {
        let Contrast { scale, difference, error, freedom, .. } = *self;
        let half = student_quantile(1.0 - ALPHA / 2.0, freedom) * error;
        let told = |away: f64| scale.change(away);
        let chance = match error > 0.0 {
            true => 2.0 * student(-difference.abs() / error, freedom),
            false if difference == 0.0 => 1.0,
            false => 0.0,
        };
        let (change, low, high) = (told(difference), told(difference - half), told(difference + half));
        Change { is_relative: scale == Scale::Ratio, change, low, high, chance }
    }
}

/// The verdicts of all metrics of a run: each at `alpha`, and *regressed* by Holm's steps (Scandinavian Journal of Statistics 6, 1979), so
/// that a run in which nothing changed is called worse in `alpha` of all cases, whatever it is asked.
pub fn regressions(questions: &[Question], alpha: f64) -> Vec<AcrossRuns> {
    let mut order: Vec<usize> = (0..questions.len()).collect();
    order.sort_by(|a, b| questions[*a].chance().total_cmp(&questions[*b].chance()));
    let mut at = vec![(alpha, false); questions.len()];
    let mut all_before = true;
    for (place, index) in order.into_iter().enumerate() {
        let step = alpha / (questions.len() - place) as f64;
        all_before &= questions[index].chance() < step;
        at[index] = (step, all_before);
    }
    questions.iter().zip(at).map(|(question, (step, worse))| question.judged(alpha, step, worse)).collect()
}
