//! Expectations with their places on the timeline: which series, in which ranges, and whether they can be enough.

use super::elaborate::Elaborate;
use super::schedule::Shape;
use super::{Condition, Expectation, Load, Metric, Planned, Range, Requests, Samples, Series, scope};
use crate::base::Span;
use crate::base::units;
use crate::check::program::{self, Function, Member, Moment, Part, Population, Scope, StageKind, Subject, Window};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::ScopeKind;

impl Elaborate<'_> {
    pub(super) fn expectation(&mut self, expectation: &program::Expectation) -> Option<Expectation> {
        let before = std::mem::take(&mut self.diagnostics);
        let condition = self.condition(&expectation.condition);
        let own = std::mem::replace(&mut self.diagnostics, before);
        // What is wrong with something that was included is wrong where it was.
        for problem in own.sorted() {
            self.diagnostics.push(match expectation.asked != expectation.span {
                true => problem.label(expectation.asked, "with what is given here"),
                false => problem,
            });
        }
        let condition = condition?;
        Some(Expectation { text: expectation.text.clone(), line: expectation.line, condition })
    }

    pub(super) fn condition(&mut self, condition: &program::Condition<program::Metric, Moment>) -> Option<Condition> {
        let cell = std::cell::RefCell::new(self);
        condition.map(&mut |metric| cell.borrow_mut().metric(metric), &mut |moment: &Moment| {
            let at = cell.borrow_mut().timeline.instant(moment);
            Some(Planned { at, moment: moment.clone() })
        })
    }

    fn metric(&mut self, metric: &program::Metric) -> Option<Metric> {
        let explicit = self.explicit(&metric.scopes);
        self.metric_in(metric, explicit)
    }

    /// The ranges that scopes leave together; `None` where nothing is said.
    fn explicit(&mut self, scopes: &[Scope]) -> Option<Vec<Range>> {
        scopes.iter().fold(None, |ranges: Option<Vec<Range>>, scope| {
            let own = self.ranges(scope);
            Some(match ranges {
                Some(ranges) => scope::intersect(&ranges, &own),
                None => own,
            })
        })
    }

    fn metric_in(&mut self, metric: &program::Metric, explicit: Option<Vec<Range>>) -> Option<Metric> {
        let only_the_run = |scope: &Scope| matches!(scope.window, Window::Impact { .. });
        let open_ended = metric.scopes.iter().any(only_the_run);
        let recorded = match &metric.subject {
            Subject::Metric(inner) if !open_ended => return self.drift(metric, inner, explicit),
            Subject::Requests(population) if is_recorded(metric.function, population) => population,
            Subject::Requests(_) | Subject::Series(_) | Subject::Metric(_) => {
                let ranges = explicit.clone().unwrap_or_else(|| self.measured());
                if explicit.is_some() && !open_ended {
                    self.not_empty(&ranges, self.length(), metric)?;
                }
                return Some(Metric::Other { function: metric.function, subject: metric.subject.clone(), ranges });
            }
            Subject::Windows { .. } | Subject::Ledger(_) | Subject::Alerts(_) | Subject::Delivery(_) => {
                // These judge the whole run.
                let ranges = explicit.unwrap_or_else(|| vec![(0, u64::MAX)]);
                return Some(Metric::Other { function: metric.function, subject: metric.subject.clone(), ranges });
            }
        };
        let scenario = self.scenario;
        let matching = |series: &Series| {
            let parts = &scenario.loads[series.load].parts;
            let mixed = recorded.mix.is_none_or(|mix| parts.get(mix).is_some_and(|part| part.flow == series.flow));
            let member = match recorded.member {
                Member::All => series.is_request(),
                wanted => wanted == series.member,
            };
            recorded.load.is_none_or(|l| l == series.load)
                && recorded.flow.is_none_or(|f| f == series.flow)
                && mixed
                && member
        };
        let mut samples = Vec::new();
        let mut windows: Vec<Range> = Vec::new();
        let mut end = 0;
        for (index, series) in self.series.iter().enumerate().filter(|(_, s)| matching(s)) {
            let load = &self.loads[series.load];
            let ranges = explicit.clone().unwrap_or_else(|| judged(load));
            end = end.max(load.shape.end());
            windows = join(windows, &ranges);
            samples.push(Samples { series: index, ranges });
        }
        if explicit.is_some() && !open_ended {
            self.not_empty(&windows, end, metric)?;
        }
        let load = recorded.load.map(|l| (l, explicit.clone().unwrap_or_else(|| judged(&self.loads[l]))));
        let length = scope::length(&windows, end);
        let service_time = recorded.part == Part::ServiceTime;
        let requests = Requests { function: metric.function, service_time, samples, load, length };
        self.enough(&requests, metric.span);
        Some(Metric::Requests(requests))
    }

    /// The metric in the first and in the last tenth of the window that both scopes leave, up to the end of the load.
    fn drift(
        &mut self,
        metric: &program::Metric,
        inner: &program::Metric,
        explicit: Option<Vec<Range>>,
    ) -> Option<Metric> {
        let load = match &inner.subject {
            Subject::Requests(population) => population.load.map(|load| &self.loads[load]),
            _ => None,
        };
        let (whole, end) = match load {
            Some(load) => (judged(load), load.shape.end()),
            None => (self.measured(), self.length()),
        };
        let window = match (explicit, self.explicit(&inner.scopes)) {
            (Some(outer), Some(own)) => scope::intersect(&outer, &own),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => whole,
        };
        let window = scope::intersect(&window, &[(0, end)]);
        self.not_empty(&window, end, if metric.scopes.is_empty() { inner } else { metric })?;
        let (first, last) = scope::tenths(&window);
        let first = self.metric_in(inner, Some(first));
        // What is said of the first tenth need not be said again of the last.
        let said = self.diagnostics.clone();
        let last = self.metric_in(inner, Some(last));
        self.diagnostics = said;
        Some(Metric::Drift { first: Box::new(first?), last: Box::new(last?) })
    }

    fn not_empty(&mut self, windows: &[Range], end: u64, metric: &program::Metric) -> Option<()> {
        if scope::length(windows, end) > 0 {
            return Some(());
        }
        let span = metric.scopes.first().map_or(metric.span, |scope| scope.span);
        let problem = Diagnostic::new(Code::E0407, "nothing lies in this scope", span, "an empty window");
        self.diagnostics.push(problem.help("name windows that overlap, while the load runs"));
        None
    }

    /// Warns where the planned arrivals cannot be enough for the quantile.
    fn enough(&mut self, metric: &Requests, span: Span) {
        let Function::Quantile(q) = metric.function else { return };
        let needed = needed_samples(q);
        let mut planned = 0.0;
        for samples in &metric.samples {
            let series = &self.series[samples.series];
            let load = &self.loads[series.load];
            if matches!(load.shape, Shape::Closed(_)) {
                return;
            }
            let weight: f64 = load.parts.iter().filter(|part| part.flow == series.flow).map(|part| part.weight).sum();
            let arrivals =
                |(from, to): &Range| load.shape.arrivals_before(*to).saturating_sub(load.shape.arrivals_before(*from));
            planned += samples.ranges.iter().map(arrivals).sum::<u64>() as f64 * weight;
        }
        if planned.round() < needed as f64 {
            let message = format!(
                "a quantile of {} needs {} samples, and {} are planned",
                units::percent(q),
                units::grouped(needed as f64, 0),
                units::grouped(planned.round(), 0)
            );
            let problem = Diagnostic::new(Code::W0802, message, span, "will be inconclusive");
            self.diagnostics.push(problem.help("hold the load longer or at a higher rate, or assert a lower quantile"));
        }
    }

    fn ranges(&mut self, scope: &Scope) -> Vec<Range> {
        let windows = self.timeline.windows(&scope.window);
        let (first, last) = (windows.first().map_or(0, |w| w.0), windows.last().map_or(0, |w| w.1));
        match scope.kind {
            ScopeKind::During => windows,
            ScopeKind::Outside => scope::outside(&windows),
            ScopeKind::After => vec![(last, u64::MAX)],
            ScopeKind::Before if first == 0 => Vec::new(),
            ScopeKind::Before => vec![(0, first)],
        }
    }

    /// What is measured of anything: everything but the warm-ups of all loads.
    fn measured(&self) -> Vec<Range> {
        self.loads.iter().fold(Vec::new(), |windows, load| join(windows, &judged(load)))
    }

    pub(super) fn length(&self) -> u64 {
        self.loads.iter().map(|load| load.shape.end()).max().unwrap_or(0)
    }
}

/// Whether the recorders of the workers hold what it needs.
fn is_recorded(function: Function, population: &Population) -> bool {
    let counted = matches!(
        function,
        Function::Quantile(_)
            | Function::Mean
            | Function::Min
            | Function::Max
            | Function::Stddev
            | Function::Count
            | Function::Throughput
            | Function::ErrorRate
            | Function::Dropped
            | Function::Apdex(_)
    );
    counted
        && !matches!(population.member, Member::Measure(_))
        && matches!(population.part, Part::Latency | Part::ServiceTime)
        && population.matching.is_none()
}

/// The samples that a quantile needs to be more than chance: 5/(1−q).
pub fn needed_samples(q: f64) -> u64 {
    (5.0 / (1.0 - q) - 1e-6).ceil() as u64
}

/// Everything but warm-up; requests that follow the last arrival belong to it.
fn judged(load: &Load) -> Vec<Range> {
    let warm: Vec<Range> =
        load.stages.iter().filter(|s| s.kind == StageKind::Warmup).map(|s| (s.start, s.end)).collect();
    scope::outside(&warm)
}

fn join(mut windows: Vec<Range>, more: &[Range]) -> Vec<Range> {
    windows.extend_from_slice(more);
    // The union is what lies outside of what lies outside of both.
    match scope::outside(&windows).as_slice() {
        [] => vec![(0, u64::MAX)],
        rest => scope::outside(rest),
    }
}
