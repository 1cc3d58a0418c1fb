//! Whether the plan has enough samples to judge its expectations: over the whole run, in slices, in looks, in trials.

use super::elaborate::Elaborate;
use super::expect::{FEWEST_PARTS, are_compared, metric_span};
use super::schedule::Shape;
use super::{Condition, Expectation, Metric, Range, Requests, Samples};
use crate::base::{Span, units};
use crate::check::builtins::Least;
use crate::check::program;
use crate::diag::{Code, Diagnostic};

impl Elaborate<'_> {
    /// A condition of a steady state, which is judged over so much just after.
    pub(super) fn of_steady(&mut self, expectation: &program::Expectation, window: u64) -> Option<Expectation> {
        let planned = self.expectation(expectation)?;
        if !matches!(planned.condition, program::Condition::InEvery { .. }) {
            let as_what = format!("planned at most in the {} that a look sees", units::duration(window));
            let help = "let its `window:` be longer, hold a higher rate, or ask for a lower quantile";
            let span = metric_span(&expectation.condition);
            self.in_looks(&planned.condition, (window, span), &as_what, help);
        }
        Some(planned)
    }

    /// What ends a run is judged over so long as it must hold.
    pub(super) fn of_abort(&mut self, condition: &Condition, abort: &program::Abort) {
        if !matches!(condition, program::Condition::InEvery { .. }) {
            let as_what = format!("planned at most in {}", units::duration(abort.length));
            let help = "let it hold for longer, hold a higher rate, or ask for a lower quantile";
            self.in_looks(condition, (abort.length, metric_span(&abort.condition)), &as_what, help);
        }
    }

    /// What is judged over the last seconds again and again must have enough samples in one of these windows at least.
    pub(super) fn in_looks(
        &mut self,
        condition: &Condition,
        (window, span): (u64, Span),
        as_what: &str,
        help: &'static str,
    ) {
        if let Some((least, most)) = self.few_in(condition, &self.looks(window)) {
            self.too_few(least, (most, as_what), span, help);
        }
    }

    /// The first metric of a condition for which too little is planned in each of some windows, though not in the whole run, which is told
    /// already; with the most in one of them.
    pub(super) fn few_in(&self, condition: &Condition, windows: &[Range]) -> Option<(Least, f64)> {
        let mut few = None;
        condition.metrics(&mut |metric| {
            let (Metric::Requests(requests), None) = (metric, few) else { return };
            let Some(least) = requests.function.least_samples() else { return };
            let needed = least.samples as f64;
            let Some(planned) = self.planned_in(requests, windows) else { return };
            let most = planned.into_iter().map(f64::round).fold(0.0, f64::max);
            if most < needed && self.planned(requests).is_some_and(|all| all.round() >= needed) {
                few = Some((least, most));
            }
        });
        few
    }

    /// Windows of a length where most is planned: before, over and after each instant at which some level changes.
    pub(super) fn looks(&self, window: u64) -> Vec<Range> {
        let segments = self.loads.iter().flat_map(|load| match &load.shape {
            Shape::Open(segments) | Shape::Closed(segments) => segments,
        });
        let mut changes: Vec<u64> =
            segments.flat_map(|one| [one.start, one.start.saturating_add(one.length)]).collect();
        changes.sort_unstable();
        changes.dedup();
        let around = |at: u64| (0..=4).map(move |part| at.saturating_sub(window / 4 * part));
        changes.into_iter().flat_map(around).map(|from| (from, from.saturating_add(window))).collect()
    }

    /// Two measured values are compared by their spread, which takes more samples than each by itself.
    pub(super) fn compared(&mut self, condition: &Condition, span: Span) {
        let mut few = None;
        condition.comparisons(&mut |left, right| {
            if !are_compared(left, right) {
                return;
            }
            [left, right].into_iter().for_each(|side| {
                side.metrics(&mut |metric| {
                    let Metric::Requests(requests) = metric else { return };
                    let Some(least) = requests.function.samples_of_part() else { return };
                    let planned = self.planned(requests).unwrap_or(f64::INFINITY).round();
                    let alone = requests.function.least_samples().map_or(0, |least| least.samples);
                    // Too few even by themselves is told already.
                    if few.is_none() && planned < (FEWEST_PARTS * least) as f64 && planned >= alone as f64 {
                        few = Some((FEWEST_PARTS * least, planned));
                    }
                });
            });
        });
        if let Some((needed, planned)) = few {
            let message = format!(
                "to compare two measured values each needs {} samples, and {} are planned",
                units::grouped(needed as f64, 0),
                units::grouped(planned, 0)
            );
            let problem = Diagnostic::new(Code::W0802, message, span, "will be inconclusive");
            self.diagnostics.push(problem.help("hold the load longer or at a higher rate"));
        }
    }

    /// The judged part of each trial of a search. The lowest trial must have enough samples for it.
    pub(super) fn of_trials(&mut self, search: &program::Search) -> Option<Condition> {
        let condition = self.condition(&search.condition)?;
        let judged = search.each - search.each / 5;
        let mut few = None;
        condition.metrics(&mut |metric| {
            let (Metric::Requests(requests), None) = (metric, few) else { return };
            let (Some(least), program::Level::Arrivals(rate)) = (requests.function.least_samples(), search.least)
            else {
                return;
            };
            let series = requests.samples.iter().map(|samples| &self.series[samples.series]);
            let ours = series.filter(|series| series.load == search.load);
            let weight: f64 = ours.map(|series| self.loads[series.load].parts[series.part].weight).sum();
            let samples = (rate.per_second() * weight * judged as f64 / units::SECOND as f64).round();
            if weight > 0.0 && samples < least.samples as f64 {
                few = Some((least, samples));
            }
        });
        if let Some((least, samples)) = few {
            let help = "let trials be longer or begin at a higher level, or ask for a lower quantile";
            let span = metric_span(&search.condition);
            self.too_few(least, (samples, "planned in a trial of the lowest level"), span, help);
        }
        Some(condition)
    }

    /// How many arrivals are planned of what a metric counts; of users it is not known.
    pub(super) fn planned(&self, metric: &Requests) -> Option<f64> {
        self.planned_in(metric, &[(0, u64::MAX)])?.first().copied()
    }

    /// As [`Elaborate::planned`], in each of some windows.
    pub(super) fn planned_in(&self, metric: &Requests, windows: &[Range]) -> Option<Vec<f64>> {
        let mut planned = vec![0.0; windows.len()];
        for samples in &metric.samples {
            let series = &self.series[samples.series];
            let load = &self.loads[series.load];
            if matches!(load.shape, Shape::Closed(_)) {
                return None;
            }
            let reached = self.scenario.flows[series.flow].share_of(series.member);
            let so_far = load.shape.arrivals_so_far();
            for ((start, end), planned) in windows.iter().zip(&mut planned) {
                let first = samples.ranges.partition_point(|(_, to)| to <= start);
                let inside = samples.ranges[first..].iter().take_while(|(from, _)| from < end);
                let arrivals =
                    |(from, to): &Range| so_far.before(*to.min(end)).saturating_sub(so_far.before(*from.max(start)));
                *planned += inside.map(arrivals).sum::<u64>() as f64 * load.parts[series.part].weight * reached;
            }
        }
        Some(planned)
    }

    /// Warns where the planned arrivals cannot be enough for the quantile.
    pub(super) fn enough(&mut self, metric: &Requests, span: Span) {
        let (Some(least), Some(planned)) = (metric.function.least_samples(), self.planned(metric)) else { return };
        let random = |samples: &Samples| self.loads[self.series[samples.series].load].poisson;
        if planned.round() < least.samples as f64 {
            let planned_as = if metric.samples.iter().any(random) { "expected" } else { "planned" };
            let help = "hold the load longer or at a higher rate, or assert a lower quantile";
            self.too_few(least, (planned.round(), planned_as), span, help);
        }
    }

    pub(super) fn too_few(&mut self, least: Least, (have, as_what): (f64, &str), span: Span, help: &'static str) {
        let (needed, have) = (units::grouped(least.samples as f64, 0), units::grouped(have, 0));
        let message = format!("{least} needs {needed} samples, and {have} are {as_what}");
        let problem = Diagnostic::new(Code::W0802, message, span, "will be inconclusive");
        let sure = format!("{help}; at {needed} it is known to about a fifth of itself");
        self.diagnostics.push(problem.help(sure));
    }
}
