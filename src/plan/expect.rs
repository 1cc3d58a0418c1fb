//! Expectations with their places on the timeline: which series, in which ranges, and whether they can be enough.

use super::elaborate::Elaborate;
use super::schedule::Shape;
use super::{
    Capacity, Condition, Expectation, Impact, Load, Measured, Metric, OfFault, Planned, Range, Readings, Recovery,
    Requests, Samples, Scaling, Series, SteadyState, Type, scope,
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
        self.slices(&condition, expectation.span)?;
        self.compared(&condition, expectation.span);
        Some(Expectation { text: expectation.text.clone(), line: expectation.line, condition })
    }

    /// Slices are judged one by one and kept apart, so there is an end to their number; and each needs its samples.
    fn slices(&mut self, condition: &Condition, span: Span) -> Option<()> {
        const MOST: u64 = 100_000;
        let program::Condition::InEvery { condition, every, .. } = condition else { return Some(()) };
        let (ranges, end) = condition.scope();
        let count = scope::length(&ranges, end) / (*every).max(1);
        if count > MOST {
            let message = format!("this is judged in {} slices", units::grouped(count as f64, 0));
            let problem = Diagnostic::new(Code::E0310, message, span, "too many");
            self.diagnostics.push(problem.help("100,000 are allowed; let them be longer"));
            return None;
        }
        let slices = scope::cut(&ranges, *every, end);
        let mut few = None;
        condition.metrics(&mut |metric| {
            let (Metric::Requests(requests), None) = (metric, few) else { return };
            let Function::Quantile(q) = requests.function else { return };
            let needed = needed_samples(q) as f64;
            let planned = |requests: &Requests| self.planned(requests).unwrap_or(f64::INFINITY).round();
            let most = slices.iter().map(|slice| planned(&requests.within(*slice))).fold(0.0, f64::max);
            if most < needed && planned(requests) >= needed {
                few = Some((q, needed, most));
            }
        });
        if let Some((q, needed, most)) = few {
            let message = format!(
                "a quantile of {} needs {} samples, and {} are planned in a slice",
                units::percent(q),
                units::grouped(needed, 0),
                units::grouped(most, 0)
            );
            let problem = Diagnostic::new(Code::W0802, message, span, "will be inconclusive");
            self.diagnostics
                .push(problem.help("let the slices be longer, hold a higher rate, or assert a lower quantile"));
        }
        Some(())
    }

    /// Two measured values are compared by their spread, which takes more samples than each by itself.
    fn compared(&mut self, condition: &Condition, span: Span) {
        let mut few = None;
        condition.comparisons(&mut |left, right| {
            if !are_compared(left, right) {
                return;
            }
            [left, right].into_iter().for_each(|side| {
                side.metrics(&mut |metric| {
                    let Metric::Requests(requests) = metric else { return };
                    let Some(least) = samples_of_part(requests.function) else { return };
                    let planned = self.planned(requests).unwrap_or(f64::INFINITY).round();
                    let alone = match requests.function {
                        Function::Quantile(q) => needed_samples(q),
                        _ => 0,
                    };
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

    /// What is judged of each trial of a search, the lowest of which must have enough samples for it.
    pub(super) fn of_trials(&mut self, search: &program::Search) -> Option<Condition> {
        let condition = self.condition(&search.condition)?;
        let judged = search.each - search.each / 5;
        let mut few = None;
        condition.metrics(&mut |metric| {
            let (Metric::Requests(requests), None) = (metric, few) else { return };
            let (Function::Quantile(q), program::Level::Arrivals(rate)) = (requests.function, search.least) else {
                return;
            };
            let series = requests.samples.iter().map(|samples| &self.series[samples.series]);
            let ours = series.filter(|series| series.load == search.load);
            let weight: f64 = ours.map(|series| self.loads[series.load].parts[series.part].weight).sum();
            let samples = (rate.per_second() * weight * judged as f64 / units::SECOND as f64).round();
            if weight > 0.0 && samples < needed_samples(q) as f64 {
                few = Some((q, samples, metric_span(&search.condition)));
            }
        });
        if let Some((q, samples, span)) = few {
            let message = format!(
                "a quantile of {} needs {} samples, and {} are planned in a trial of the lowest level",
                units::percent(q),
                units::grouped(needed_samples(q) as f64, 0),
                units::grouped(samples, 0)
            );
            let problem = Diagnostic::new(Code::W0802, message, span, "will be inconclusive");
            let help = "let trials be longer or begin at a higher level, or ask for a lower quantile";
            self.diagnostics.push(problem.help(help));
        }
        Some(condition)
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

    /// The ranges that scopes leave together, as far as they are planned; `None` where nothing is said.
    fn explicit(&mut self, scopes: &[Scope]) -> Option<Vec<Range>> {
        let known = |scope: &&Scope| !matches!(scope.window, Window::Impact { .. });
        scopes.iter().filter(known).fold(None, |ranges: Option<Vec<Range>>, scope| {
            let own = self.ranges(scope);
            Some(match ranges {
                Some(ranges) => scope::intersect(&ranges, &own),
                None => own,
            })
        })
    }

    fn metric_in(&mut self, metric: &program::Metric, explicit: Option<Vec<Range>>) -> Option<Metric> {
        let impacts = self.impacts(&metric.scopes);
        if let Some(found) = self.of_levels(metric) {
            return found;
        }
        let faults = of_faults(&metric.scopes);
        let recorded = match &metric.subject {
            Subject::Metric(inner) if !only_the_run_knows(&metric.scopes) && !only_the_run_knows(&inner.scopes) => {
                return self.drift(metric, inner, explicit);
            }
            Subject::Requests(population) if is_recorded(metric.function, population) => population,
            Subject::Requests(_) | Subject::Series(_) | Subject::Metric(_) => {
                let ranges = explicit.clone().unwrap_or_else(|| self.measured());
                if explicit.is_some() {
                    self.not_empty(&ranges, self.length(), metric)?;
                }
                let function = metric.function;
                return Some(match &metric.subject {
                    Subject::Series(series) => {
                        let (series, end, scoped) = (series.clone(), self.length(), metric.scoped);
                        Metric::Series(Readings { function, series, ranges, end, scoped, impacts, faults })
                    }
                    subject => Metric::Other { function, subject: subject.clone(), ranges },
                });
            }
            Subject::Windows { windows, steady } if self.recovers(metric.function, windows, *steady) => {
                return Some(Metric::Recovery(self.recovery(metric.function, windows, *steady)?));
            }
            Subject::Ledger(ledger) => return Some(Metric::Ledger { function: metric.function, ledger: *ledger }),
            Subject::Windows { .. } | Subject::Alerts(_) | Subject::Delivery(_) => {
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
        // Where a sweep settles nothing is measured of it, whatever the scope.
        let within = |load: &Load| match &explicit {
            Some(ranges) => scope::intersect(ranges, &scope::outside(&load.settles())),
            None => judged(load),
        };
        let (mut samples, mut chosen_of) = (Vec::new(), Vec::new());
        let mut windows: Vec<Range> = Vec::new();
        let mut end = 0;
        let found: Vec<usize> =
            self.series.iter().enumerate().filter(|(_, series)| matching(series)).map(|(index, _)| index).collect();
        for index in found {
            let load = &self.loads[self.series[index].load];
            let ranges = within(load);
            end = end.max(load.shape.end());
            windows = scope::union(windows, &ranges);
            let own = self.derived(index, recorded);
            if own != index {
                chosen_of.push(Samples { series: index, ranges: ranges.clone() });
            }
            samples.push(Samples { series: own, ranges });
        }
        if explicit.is_some() {
            self.not_empty(&windows, end, metric)?;
        }
        // The one load that it is of, if it is of one.
        let mut loads = samples.iter().map(|samples| self.series[samples.series].load);
        let first = loads.next().filter(|first| loads.all(|load| load == *first));
        let load = recorded.load.or(first).map(|load| (load, within(&self.loads[load])));
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
            Requests { function, service_time, worth, samples, chosen_of, load, length, end, scoped, impacts, faults };
        self.enough(&requests, metric.span);
        Some(Metric::Requests(requests))
    }

    /// A metric of what a search or a sweep does with levels; `Some(None)` where the load has none.
    fn of_levels(&mut self, metric: &program::Metric) -> Option<Option<Metric>> {
        let Subject::Requests(Population { load: Some(index), .. }) = metric.subject else { return None };
        let (load, function) = (&self.loads[index], metric.function);
        let (word, found) = match function {
            Function::Capacity => {
                let find = |search: &&program::Search| search.load == index;
                let search = self.scenario.searches.iter().find(find);
                let of = |search: &program::Search| {
                    let (least, most) = (super::elaborate::shown(search.least), super::elaborate::shown(search.most));
                    let unit = if load.is_open() { Type::Rate } else { Type::Users };
                    Metric::Capacity(Capacity { load: index, stage: search.stage, least, most, unit })
                };
                ("search", search.map(of))
            }
            Function::Contention
            | Function::Coherency
            | Function::Efficiency(_)
            | Function::PeakUsers
            | Function::PeakThroughput => {
                let sweeps = load.stages.iter().filter(|_| !load.is_open());
                let levels: Vec<(f64, Range)> = sweeps.flat_map(|stage| stage.levels.clone()).collect();
                let throughput =
                    program::Metric { function: Function::Throughput, scopes: Vec::new(), ..metric.clone() };
                let throughput = match self.metric_in(&throughput, None) {
                    Some(Metric::Requests(throughput)) if !levels.is_empty() => Some(throughput),
                    _ => None,
                };
                self.levels(&levels, metric.span);
                let of = |throughput| Metric::Scaling(Scaling { function, levels, throughput });
                ("sweep of users", throughput.map(of))
            }
            _ => return None,
        };
        if found.is_none() {
            let message = format!("`{}` has no {word}", self.loads[index].name);
            let problem = Diagnostic::new(Code::E0407, message, metric.span, "nothing to find this by");
            let example = match function {
                Function::Capacity => "search 50/s .. 500/s for 20s each while p95(main) < 250ms",
                _ => "sweep [1, 2, 4, 8] users for 10s each",
            };
            self.diagnostics.push(problem.help(format!("give it one, such as `{example}`")));
        }
        Some(found)
    }

    /// A law of three constants is known by four points and more.
    fn levels(&mut self, levels: &[(f64, Range)], span: Span) {
        let distinct = super::distinct(levels);
        if (1..super::FOR_A_LAW).contains(&distinct) {
            let message = format!("this needs {} levels, and the sweep has {distinct}", super::FOR_A_LAW);
            let problem = Diagnostic::new(Code::W0802, message, span, "will be inconclusive");
            self.diagnostics.push(problem.help("sweep over more levels, some of them behind the peak"));
        }
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
        let planned = |window: &Window| !matches!(window, Window::Impact { .. });
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
        let (mut ranges, mut faults, mut events) = (Vec::new(), Vec::new(), Vec::new());
        for window in windows {
            let window = if let Window::Impact { of, .. } = window { of } else { window };
            ranges.extend(self.timeline.windows(window));
            match window {
                Window::Injection(fault) => faults.push(*fault),
                Window::Event(event) => events.push(*event),
                _ => {}
            }
        }
        Some(Recovery { function, windows: ranges, faults, events, steady, end: self.length() })
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
            let base = self.series[of].clone();
            let name = format!("{}{}", base.name, crate::check::chosen_text(phase, asked.matching.as_ref()));
            let tag = self.tag(&name);
            let series = Series { name, tag, phase, matching: asked.matching.clone(), derived: Some(of), ..base };
            self.series.push(series);
            self.series.len() - 1
        })
    }

    /// The metric in parts of the window that both scopes leave, up to the end of the load.
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
        let mut parts = scope::parts(&window, FEWEST_OF_A_DRIFT).into_iter();
        let first = self.metric_in(inner, parts.next());
        // What is said of the first part need not be said again of the others.
        let said = self.diagnostics.clone();
        let coarse = std::iter::once(first).chain(parts.map(|part| self.metric_in(inner, Some(part)))).collect();
        let parts = scope::parts(&window, 2 * FEWEST_OF_A_DRIFT);
        let fine = parts.into_iter().map(|part| self.metric_in(inner, Some(part))).collect::<Option<Vec<Metric>>>();
        self.diagnostics = said;
        let coarse: Option<Vec<Metric>> = coarse;
        Some(Metric::Drift { fine: fine?, coarse: coarse? })
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

    /// How many arrivals are planned of what a metric counts; of users it is not known.
    fn planned(&self, metric: &Requests) -> Option<f64> {
        let mut planned = 0.0;
        for samples in &metric.samples {
            let series = &self.series[samples.series];
            let load = &self.loads[series.load];
            if matches!(load.shape, Shape::Closed(_)) {
                return None;
            }
            let arrivals =
                |(from, to): &Range| load.shape.arrivals_before(*to).saturating_sub(load.shape.arrivals_before(*from));
            let all = samples.ranges.iter().map(arrivals).sum::<u64>();
            planned += all as f64 * load.parts[series.part].weight;
        }
        Some(planned)
    }

    /// Warns where the planned arrivals cannot be enough for the quantile.
    fn enough(&mut self, metric: &Requests, span: Span) {
        let Function::Quantile(q) = metric.function else { return };
        let needed = needed_samples(q);
        let Some(planned) = self.planned(metric) else { return };
        let random = |samples: &Samples| self.loads[self.series[samples.series].load].poisson;
        if planned.round() < needed as f64 {
            let message = format!(
                "a quantile of {} needs {} samples, and {} are {}",
                units::percent(q),
                units::grouped(needed as f64, 0),
                units::grouped(planned.round(), 0),
                if metric.samples.iter().any(random) { "expected" } else { "planned" }
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

/// Where the first quantile of a condition is written.
fn metric_span(condition: &program::Condition<program::Metric, Moment>) -> Span {
    let mut span = None;
    condition.metrics(&mut |metric| {
        if matches!(metric.function, Function::Quantile(_)) {
            span.get_or_insert(metric.span);
        }
    });
    span.unwrap_or_default()
}

/// Scopes that count by the actual instants of a fault.
fn of_faults(scopes: &[Scope]) -> Vec<OfFault> {
    let of = |scope: &Scope| match scope.window {
        Window::Injection(fault) => Some(OfFault { kind: scope.kind, fault, is_event: false }),
        Window::Event(event) => Some(OfFault { kind: scope.kind, fault: event, is_event: true }),
        _ => None,
    };
    scopes.iter().filter_map(of).collect()
}

/// Whether a scope is the impact of something, which nothing plans.
fn only_the_run_knows(scopes: &[Scope]) -> bool {
    scopes.iter().any(|scope| matches!(scope.window, Window::Impact { .. }))
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
            | Function::Bandwidth
    );
    counted && population.part != Part::TlsTime
}

/// The samples that a quantile needs to be more than chance: 5/(1−q).
pub fn needed_samples(q: f64) -> u64 {
    (5.0 / (1.0 - q) - 1e-6).ceil() as u64
}

/// As few parts of a window as show how a metric goes on in it.
const FEWEST_OF_A_DRIFT: u64 = 10;

/// As few parts of a window as say something about the spread of a value over them.
pub const FEWEST_PARTS: u64 = 4;

/// The samples that each of these parts needs: twice what its value needs by itself. None for what is counted and not
/// estimated.
pub fn samples_of_part(function: Function) -> Option<u64> {
    match function {
        Function::Quantile(q) => Some(2 * needed_samples(q)),
        Function::Mean | Function::Stddev | Function::Apdex(_) | Function::Throughput | Function::Bandwidth => Some(20),
        Function::ErrorRate | Function::BurnRate(_) => Some(20),
        _ => None,
    }
}

/// Whether both sides of a comparison are measured of requests, so that it is one of two estimates. Against a constant
/// a measured value is what it is.
pub fn are_compared(left: &Measured, right: &Measured) -> bool {
    let of_requests = |side: &Measured| {
        let mut found = false;
        side.metrics(&mut |metric| found |= matches!(metric, Metric::Requests(_)));
        found
    };
    of_requests(left) && of_requests(right)
}

/// Everything but warm-up, from the start of the load on; requests that follow the last arrival belong to it.
fn judged(load: &Load) -> Vec<Range> {
    let warm = load.stages.iter().filter(|s| s.kind == StageKind::Warmup).map(|s| (s.start, s.end));
    let before = (load.start > 0).then_some((0, load.start));
    scope::outside(&warm.chain(load.settles()).chain(before).collect::<Vec<Range>>())
}
