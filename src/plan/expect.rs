//! Expectations with their places on the timeline: which series, in which ranges, and whether they can be enough.

use super::elaborate::Elaborate;
use super::schedule::Shape;
use super::{
    Condition, Expectation, Impact, Load, Metric, Planned, Range, Recovery, Requests, Samples, Series, SteadyState,
    scope,
};
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
        self.few_slices(&condition, expectation.span)?;
        Some(Expectation { text: expectation.text.clone(), line: expectation.line, condition })
    }

    /// Slices are judged one by one and kept apart, so there is an end to their number.
    fn few_slices(&mut self, condition: &Condition, span: Span) -> Option<()> {
        const MOST: usize = 100_000;
        let slices = match condition {
            program::Condition::InEvery { condition, every, .. } => {
                let (ranges, end) = condition.scope();
                (scope::length(&ranges, end) / (*every).max(1)) as usize
            }
            _ => 0,
        };
        if slices <= MOST {
            return Some(());
        }
        let message = format!("this is judged in {} slices", units::grouped(slices as f64, 0));
        let problem = Diagnostic::new(Code::E0310, message, span, "too many");
        self.diagnostics.push(problem.help("100,000 are allowed; let them be longer"));
        None
    }

    pub(super) fn condition(&mut self, condition: &program::Condition<program::Metric, Moment>) -> Option<Condition> {
        let cell = std::cell::RefCell::new(self);
        condition.map(&mut |metric| cell.borrow_mut().metric(metric), &mut |moment: &Moment| {
            let at = cell.borrow_mut().timeline.instant(moment);
            Some(Planned { at, moment: moment.clone() })
        })
    }

    fn metric(&mut self, metric: &program::Metric) -> Option<Metric> {
        let known = |scope: &&Scope| !matches!(scope.window, Window::Impact { .. });
        let explicit = metric.scopes.iter().filter(known).fold(None, |ranges: Option<Vec<Range>>, scope| {
            let own = self.ranges(scope);
            Some(match ranges {
                Some(ranges) => scope::intersect(&ranges, &own),
                None => own,
            })
        });
        let impacts = self.impacts(&metric.scopes);
        let recorded = match &metric.subject {
            Subject::Requests(population) if is_recorded(metric.function, population) => population,
            Subject::Requests(_) | Subject::Series(_) | Subject::Metric(_) => {
                let ranges = explicit.clone().unwrap_or_else(|| self.measured());
                if explicit.is_some() {
                    self.not_empty(&ranges, self.length(), &metric.scopes)?;
                }
                return Some(Metric::Other { function: metric.function, subject: metric.subject.clone(), ranges });
            }
            Subject::Windows { windows, steady } if self.recovers(metric.function, windows, *steady) => {
                return Some(Metric::Recovery(self.recovery(metric.function, windows, *steady)?));
            }
            Subject::Windows { .. } | Subject::Ledger(_) | Subject::Alerts(_) | Subject::Delivery(_) => {
                // These judge the whole run.
                let ranges = explicit.unwrap_or_else(|| vec![(0, u64::MAX)]);
                return Some(Metric::Other { function: metric.function, subject: metric.subject.clone(), ranges });
            }
        };
        let matching = |series: &Series| {
            let member = match recorded.member {
                Member::All => series.is_request(),
                wanted => series.derived.is_none() && wanted == series.member,
            };
            recorded.load.is_none_or(|l| l == series.load)
                && recorded.flow.is_none_or(|f| f == series.flow)
                && recorded.mix.is_none_or(|mix| mix == series.part)
                && member
        };
        let (mut samples, mut chosen_of) = (Vec::new(), Vec::new());
        let mut windows: Vec<Range> = Vec::new();
        let mut end = 0;
        let found: Vec<usize> =
            self.series.iter().enumerate().filter(|(_, series)| matching(series)).map(|(index, _)| index).collect();
        for index in found {
            let load = &self.loads[self.series[index].load];
            let ranges = explicit.clone().unwrap_or_else(|| judged(load));
            end = end.max(load.shape.end());
            windows = scope::union(windows, &ranges);
            let own = self.derived(index, recorded);
            if own != index {
                chosen_of.push(Samples { series: index, ranges: ranges.clone() });
            }
            samples.push(Samples { series: own, ranges });
        }
        if explicit.is_some() {
            self.not_empty(&windows, end, &metric.scopes)?;
        }
        let load = recorded.load.map(|l| (l, explicit.clone().unwrap_or_else(|| judged(&self.loads[l]))));
        let length = scope::length(&windows, end);
        let service_time = recorded.part == Part::ServiceTime;
        let worth = match (recorded.member, samples.first()) {
            (Member::Measure(measure), Some(first)) => {
                self.scenario.flows[self.series[first.series].flow].worth(measure)
            }
            _ => 1.0,
        };
        let (function, scoped) = (metric.function, metric.scoped);
        let requests =
            Requests { function, service_time, worth, samples, chosen_of, load, length, end, scoped, impacts };
        self.enough(&requests, metric.span);
        Some(Metric::Requests(requests))
    }

    /// Scopes that only the run knows.
    fn impacts(&mut self, scopes: &[Scope]) -> Vec<Impact> {
        let mut impacts = Vec::new();
        for scope in scopes {
            if let Window::Impact { of, steady } = &scope.window
                && let Some(of) = self.recovery(Function::Length, std::slice::from_ref(of), *steady)
            {
                impacts.push(Impact { kind: scope.kind, of });
            }
        }
        impacts
    }

    /// Whether it is of what a steady state does around windows that are planned.
    fn recovers(&self, function: Function, windows: &[Window], steady: Option<usize>) -> bool {
        let planned = |window: &Window| !matches!(window, Window::Event(_) | Window::Impact { .. });
        let of_impact = |window: &Window| matches!(window, Window::Impact { of, .. } if planned(of));
        let fits = match function {
            Function::Length => windows.iter().all(of_impact),
            _ => windows.iter().all(planned),
        };
        fits && self.steady_states.get(steady.unwrap_or(0)).is_some()
    }

    /// What is asked of a steady state, the first where none is named, around windows as they are planned.
    fn recovery(&mut self, function: Function, windows: &[Window], steady: Option<usize>) -> Option<Recovery> {
        let steady: SteadyState = self.steady_states.get(steady.unwrap_or(0))?.clone();
        let mut ranges = Vec::new();
        for window in windows {
            ranges.extend(match window {
                Window::Impact { of, .. } => self.timeline.windows(of),
                window => self.timeline.windows(window),
            });
        }
        Some(Recovery { function, windows: ranges, steady, end: self.length() })
    }

    /// The series that holds the samples of another which are asked for; most often that one itself.
    fn derived(&mut self, of: usize, asked: &Population) -> usize {
        let phase = if asked.part == Part::ServiceTime { Part::Latency } else { asked.part };
        if phase == Part::Latency && asked.matching.is_none() {
            return of;
        }
        let same =
            |series: &Series| series.derived == Some(of) && series.phase == phase && series.matching == asked.matching;
        self.series.iter().position(same).unwrap_or_else(|| {
            let base = &self.series[of];
            let name = format!("{}{}", base.name, crate::check::chosen_text(phase, asked.matching.as_ref()));
            let tag = self.tag(&name);
            let series =
                Series { name, tag, phase, matching: asked.matching.clone(), derived: Some(of), ..base.clone() };
            self.series.push(series);
            self.series.len() - 1
        })
    }

    fn not_empty(&mut self, windows: &[Range], end: u64, scopes: &[Scope]) -> Option<()> {
        if scope::length(windows, end) > 0 {
            return Some(());
        }
        let problem = Diagnostic::new(Code::E0407, "nothing lies in this scope", scopes[0].span, "an empty window");
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
            let weight = load.parts[series.part].weight;
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
            ScopeKind::During => scope::union(Vec::new(), &windows),
            ScopeKind::Outside => scope::outside(&windows),
            ScopeKind::After => vec![(last, u64::MAX)],
            ScopeKind::Before if first == 0 => Vec::new(),
            ScopeKind::Before => vec![(0, first)],
        }
    }

    /// What is measured of anything: everything but the warm-ups of all loads.
    fn measured(&self) -> Vec<Range> {
        self.loads.iter().fold(Vec::new(), |windows, load| scope::union(windows, &judged(load)))
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
            | Function::BurnRate(_)
            | Function::Availability
    );
    counted && population.part != Part::TlsTime
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
