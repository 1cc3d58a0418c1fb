//! A comparison with a baseline, decided over several runs and not by one: it holds if the metric is unchanged or improved, fails
//! if it regressed, and is inconclusive if the runs cannot tell.

use super::{Grounds, Judged, Outcome, Why, printed};
use crate::base::units;
use crate::plan::{AcrossRuns, Measured, Regression, Type};

/// What was judged of one run, by what runs say where they were compared.
pub(super) fn judged(judged: Judged, unit: Type, right: &Measured) -> Judged {
    let Some(Measured::Baseline { known: Some(Ok(known)), .. }) = right.baseline() else { return judged };
    let Some(across) = known.across.filter(|_| judged.outcome != Outcome::Inconclusive) else { return judged };
    let (outcome, why) = match across.verdict {
        Regression::Regressed | Regression::Improved if across.is_advisory => {
            (Outcome::Inconclusive, Why::IntervalStraddles)
        }
        Regression::Regressed => (Outcome::Failed, Why::IntervalMissed),
        Regression::Unchanged | Regression::Improved => (Outcome::Held, Why::IntervalMet),
        Regression::Inconclusive => (Outcome::Inconclusive, Why::IntervalStraddles),
    };
    let reason = (outcome == Outcome::Inconclusive).then(|| told(&across, unit));
    Judged { outcome, reason, across: Some(across), grounds: Grounds::of(why), ..judged }
}

/// `regressed: +12% (+8% to +17%) against 5 runs, smallest detectable change +6%`, as a person reads it.
pub fn told(across: &AcrossRuns, unit: Type) -> String {
    let AcrossRuns { verdict, change, low, high, smallest, runs, is_advisory, .. } = *across;
    let shown = |value: f64| shown(value, across.is_relative, unit);
    let count = |runs: usize| units::counted(runs as u64, "run");
    let against = match runs {
        (before, 1) => format!("against {}", count(before)),
        (before, now) => format!("in {} against {before}", count(now)),
    };
    let found = format!(
        "{} ({} to {}) {against}, smallest detectable change {}",
        shown(change),
        shown(low),
        shown(high),
        shown(smallest)
    );
    let more = match (verdict, is_advisory) {
        (_, true) => {
            "; a baseline of one run is advice alone: record more, such as by `stressc baseline record … --runs 5`"
        }
        (Regression::Inconclusive, false) => what_tells(runs),
        (Regression::Regressed | Regression::Unchanged | Regression::Improved, false) => "",
    };
    format!("{}: {found}{more}", verdict.word())
}

/// What narrows the interval of so many runs of a baseline and so many new ones: the side with fewer decides how wide it is.
fn what_tells((before, now): (usize, usize)) -> &'static str {
    const MANY: usize = 10;
    if now < before.min(MANY) {
        "; more runs tell, such as by `--runs 3..10`"
    } else if before < MANY {
        "; more runs of the baseline tell, such as by `stressc baseline record … --runs 5`"
    } else {
        "; a longer load tells, or a machine that has nothing else to do"
    }
}

/// A change with its sign: a share of what it was, or a difference.
pub fn shown(value: f64, is_relative: bool, unit: Type) -> String {
    let sign = if value < 0.0 { "−" } else { "+" };
    let size = value.abs();
    let text = match (is_relative, unit) {
        (true, _) => units::percent(size),
        (false, Type::Percent) => printed(size, Type::Points),
        (false, unit) => printed(size, unit),
    };
    format!("{sign}{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_say_is_told_with_its_interval() {
        let across = AcrossRuns {
            verdict: Regression::Regressed,
            baseline: 2e7,
            is_relative: true,
            change: 0.12,
            low: 0.08,
            high: 0.17,
            allowed: 0.05,
            smallest: 0.06,
            chance: 0.001,
            runs: (5, 3),
            is_advisory: false,
        };
        let text = "regressed: +12% (+8% to +17%) in 3 runs against 5, smallest detectable change +6%";
        assert_eq!(told(&across, Type::Duration), text);
        let one = AcrossRuns { runs: (1, 1), is_advisory: true, is_relative: false, change: -0.004, ..across };
        let text = told(&one, Type::Percent);
        assert!(text.contains("−0.4pp (+8pp to +17pp) against 1 run,") && text.contains("is advice alone"), "{text}");
        let unsure = |runs| told(&AcrossRuns { verdict: Regression::Inconclusive, runs, ..across }, Type::Duration);
        for (runs, wanted) in [
            ((5, 1), "more runs tell, such as by `--runs 3..10`"),
            ((5, 10), "more runs of the baseline tell, such as by `stressc baseline record … --runs 5`"),
            ((20, 10), "a longer load tells, or a machine that has nothing else to do"),
        ] {
            assert!(unsure(runs).ends_with(wanted), "{}", unsure(runs));
        }
    }
}
