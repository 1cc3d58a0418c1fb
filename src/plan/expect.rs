//! Expectations with their places on the timeline: which series, in which ranges, and whether they can be enough.

use super::counter::Exact;
use super::elaborate::Elaborate;
use super::{
    AlertScopes, BucketError, Capacity, Condition, CounterIncrease, Crashes, Detection, Expectation, Impact, Load,
    Measured, Metric, OfFault, Planned, Range, Readings, Recovery, Requests, Samples, Scaling, Scopes, Series,
    SteadyState, Type, scope,
};
use crate::base::Span;
use crate::base::units;
use crate::check::program::{
    self, Function, Member, Moment, Population, RecoveryFunction, RequestFunction, RequestTime, Scope, StageKind,
    Subject, SweepFunction, Window,
};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::ScopeKind;

impl Elaborate<'_> {
    pub(super) fn expectation(&mut self, expectation: &program::Expectation) -> Option<Expectation> {
        let before = std::mem::take(&mut self.diagnostics);
        self.exact = Exact::of(&expectation.condition, self.scenario);
        let condition = self.condition(&expectation.condition);
        self.exact = Exact::default();
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
        let (text, line, implied) = (expectation.text.clone(), expectation.line, expectation.implied);
        Some(Expectation { text, line, implied, strict: expectation.strict, condition })
    }

    /// Slices are judged one by one and kept apart, so there is an end to their number; and each needs its samples.
    fn slices(&mut self, condition: &Condition, span: Span) -> Option<()> {
        let program::Condition::InEvery { condition, every, .. } = condition else { return Some(()) };
        let (ranges, end) = condition.scope();
        let count = scope::length(&ranges, end) / (*every).max(1);
        if count > super::possible::MOST_SLICES {
            let message = format!("this is judged in {} slices", units::grouped(count as f64, 0));
            let problem = Diagnostic::new(Code::E0310, message, span, "too many");
            self.diagnostics.push(problem.help("100,000 are allowed; let them be longer"));
            return None;
        }
        let slices = scope::cut(&ranges, *every, end);
        if let Some((least, most)) = self.few_in(condition, &slices) {
            let help = "let the slices be longer, hold a higher rate, or assert a lower quantile";
            self.too_few(least, (most, "planned in a slice"), span, help);
        }
        Some(())
    }

    pub(super) fn condition(&mut self, condition: &program::Stated) -> Option<Condition> {
        let cell = std::cell::RefCell::new(self);
        condition.map(
            &mut |metric| cell.borrow_mut().metric(metric),
            &mut |moment: &Moment| {
                let at = cell.borrow_mut().timeline.instant(moment);
                Some(Planned { at, moment: moment.clone() })
            },
            &mut |scopes: &Vec<Scope>| Some(cell.borrow_mut().scopes(scopes)),
        )
    }

    /// What scopes leave that are of no metric; all of the run where nothing is said.
    fn scopes(&mut self, scopes: &[Scope]) -> AlertScopes {
        let ranges = self.explicit(scopes).unwrap_or_else(|| vec![(0, u64::MAX)]);
        AlertScopes { ranges, impacts: self.impacts(scopes), faults: of_faults(scopes) }
    }

    fn metric(&mut self, metric: &program::Metric) -> Option<Metric> {
        let explicit = match self.exact.whole.contains(&metric.span) {
            true => Some(vec![(0, u64::MAX)]),
            false => self.explicit(&metric.scopes),
        };
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
        let function = metric.function;
        match (function, &metric.subject) {
            (Function::Capacity, Subject::Requests(Population { load: Some(load), .. })) => {
                self.capacity(metric, *load)
            }
            (Function::Sweep(function), Subject::Requests(Population { load: Some(load), .. })) => {
                self.scaling(function, metric, *load)
            }
            (Function::Drift, Subject::Metric(inner))
                if !only_the_run_knows(&metric.scopes) && !only_the_run_knows(&inner.scopes) =>
            {
                self.drift(metric, inner, explicit)
            }
            (Function::Requests(function), Subject::Requests(population)) => {
                self.requests(function, metric, population, explicit.as_deref())
            }
            (Function::Series(function), Subject::Series(series)) => {
                let ranges = self.measured_in(explicit, metric)?;
                let scopes = self.scopes_of(metric, self.length());
                if let Some(counter) = self.counter(metric) {
                    let series = series.clone();
                    return Some(Metric::Counter(CounterIncrease { counter, series, ranges, scopes }));
                }
                Some(Metric::Series(Readings { function, series: series.clone(), ranges, scopes }))
            }
            (Function::Series(_), Subject::Buckets { series, requests }) => {
                let counter = self.counter(metric)?;
                let ranges = self.measured_in(explicit.clone(), metric)?;
                let requests = self.requests(RequestFunction::Count, metric, requests, explicit.as_deref())?;
                let Metric::Requests(requests) = requests else { return None };
                Some(Metric::Buckets(BucketError { counter, series: series.clone(), requests, ranges }))
            }
            (Function::Recovery(RecoveryFunction::TimeToDetect), Subject::Windows { windows, .. })
                if !self.scenario.alert_sources.is_empty() =>
            {
                let (windows, faults, events) = self.around(windows);
                Some(Metric::Detection(Detection { windows, faults, events }))
            }
            (Function::Recovery(function), Subject::Windows { windows, steady })
                if self.recovers(function, windows, *steady) =>
            {
                Some(Metric::Recovery(self.recovery(function, windows, *steady)?))
            }
            (Function::Crashes, Subject::Service(service)) => self.crashes(metric, *service, explicit),
            (Function::Alerts(_), Subject::Alerts(source)) | (Function::Requests(_), Subject::Delivery(source)) => {
                Some(Metric::Alerts { function, source: *source })
            }
            (Function::Ledger(function), Subject::Ledger(ledger)) => Some(Metric::Ledger { function, ledger: *ledger }),
            (
                Function::Drift
                | Function::Capacity
                | Function::Crashes
                | Function::Requests(_)
                | Function::Series(_)
                | Function::Sweep(_)
                | Function::Recovery(_)
                | Function::Ledger(_)
                | Function::Alerts(_),
                subject,
            ) => {
                let ranges = match subject {
                    Subject::Requests(_) | Subject::Series(_) | Subject::Metric(_) => {
                        self.measured_in(explicit, metric)?
                    }
                    // These judge the whole run.
                    Subject::Windows { .. }
                    | Subject::Service(_)
                    | Subject::Ledger(_)
                    | Subject::Alerts(_)
                    | Subject::Buckets { .. }
                    | Subject::Delivery(_) => explicit.unwrap_or_else(|| vec![(0, u64::MAX)]),
                };
                Some(Metric::Other { function, subject: subject.clone(), ranges })
            }
        }
    }

    fn crashes(&mut self, metric: &program::Metric, service: usize, explicit: Option<Vec<Range>>) -> Option<Metric> {
        if let Some(ranges) = &explicit {
            self.not_empty(ranges, self.length(), metric)?;
        }
        let all = self.scenario.injections.iter().enumerate();
        let faults_of_it = all.filter(|(_, fault)| fault.action.excuses(service));
        Some(Metric::Crashes(Crashes {
            service: self.scenario.services[service].name.clone(),
            excused_by: faults_of_it.map(|(index, _)| index).collect(),
            ranges: explicit.unwrap_or_else(|| vec![(0, u64::MAX)]),
            scopes: self.scopes_of(metric, self.length()),
        }))
    }

    /// The windows of what is measured of no load in particular.
    fn measured_in(&mut self, explicit: Option<Vec<Range>>, metric: &program::Metric) -> Option<Vec<Range>> {
        if let Some(ranges) = &explicit {
            self.not_empty(ranges, self.length(), metric)?;
        }
        Some(explicit.unwrap_or_else(|| self.measured()))
    }

    /// A function of what the recorders of the workers hold.
    fn requests(
        &mut self,
        function: RequestFunction,
        metric: &program::Metric,
        recorded: &Population,
        explicit: Option<&[Range]>,
    ) -> Option<Metric> {
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
        let whole = self.exact.whole.contains(&metric.span);
        let within = |load: &Load| match explicit {
            Some(ranges) if whole => ranges.to_vec(),
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
        let mut loads: Vec<usize> = samples.iter().map(|samples| self.series[samples.series].load).collect();
        loads.dedup();
        let only = if let [only] = loads[..] { Some(only) } else { None };
        let load = recorded.load.or(only).map(|load| (load, within(&self.loads[load])));
        let length = scope::length(&windows, end);
        let service_time = recorded.part == RequestTime::ServiceTime;
        let worth = match (recorded.member, samples.first()) {
            (Member::Measure(measure), Some(first)) => {
                self.scenario.flows[self.series[first.series].flow].worth(measure)
            }
            _ => 1.0,
        };
        let scopes = self.scopes_of(metric, end);
        let is_chosen = recorded.matching.is_some();
        let requests =
            Requests { function, service_time, worth, samples, chosen_of, is_chosen, loads, load, length, scopes };
        self.enough(&requests, metric.span);
        Some(Metric::Requests(requests))
    }

    /// What a search of the load finds.
    fn capacity(&mut self, metric: &program::Metric, index: usize) -> Option<Metric> {
        let Some(search) = self.scenario.searches.iter().find(|search| search.load == index) else {
            let example = "search 50/s .. 500/s for 20s each while p95(main) < 250ms";
            return self.without_levels(metric, index, ("search", example));
        };
        let (least, most) = (super::elaborate::shown(search.least), super::elaborate::shown(search.most));
        let unit = if self.loads[index].is_open() { Type::Rate } else { Type::Users };
        Some(Metric::Capacity(Capacity { load: index, stage: search.stage, least, most, unit }))
    }

    /// What the sweeps of the load show.
    fn scaling(&mut self, function: SweepFunction, metric: &program::Metric, index: usize) -> Option<Metric> {
        let load = &self.loads[index];
        let sweeps = load.stages.iter().filter(|_| !load.is_open());
        let levels: Vec<(f64, Range)> = sweeps.flat_map(|stage| stage.levels.clone()).collect();
        let function_of_levels = Function::Requests(RequestFunction::Throughput);
        let throughput = program::Metric { function: function_of_levels, scopes: Vec::new(), ..metric.clone() };
        let throughput = self.metric_in(&throughput, None);
        self.levels(&levels, super::needed_levels(function), metric.span);
        match throughput {
            Some(Metric::Requests(throughput)) if !levels.is_empty() => {
                Some(Metric::Scaling(Scaling { function, levels, throughput, in_flight: true }))
            }
            _ => {
                let example = "sweep [1, 2, 4, 8] users for 10s each";
                self.without_levels(metric, index, ("sweep of users", example))
            }
        }
    }

    fn without_levels(
        &mut self,
        metric: &program::Metric,
        load: usize,
        (word, example): (&str, &str),
    ) -> Option<Metric> {
        let message = format!("`{}` has no {word}", self.loads[load].name);
        let problem = Diagnostic::new(Code::E0407, message, metric.span, "nothing to find this by");
        self.diagnostics.push(problem.help(format!("give it one, such as `{example}`")));
        None
    }

    /// A law of three constants is known by four points and more, and a ratio by two.
    fn levels(&mut self, levels: &[(f64, Range)], needed: usize, span: Span) {
        let distinct = super::distinct(levels);
        if (1..needed).contains(&distinct) {
            let message = format!("this needs {needed} levels, but the sweep has {distinct}");
            let problem = Diagnostic::new(Code::W0802, message, span, "will be inconclusive");
            self.diagnostics.push(problem.help("sweep over more levels, some of them beyond the peak"));
        }
    }

    fn scopes_of(&mut self, metric: &program::Metric, end: u64) -> Scopes {
        let (impacts, faults) = (self.impacts(&metric.scopes), of_faults(&metric.scopes));
        Scopes { end, are_own: metric.scoped, impacts, faults }
    }

    /// Scopes that only the run knows.
    fn impacts(&mut self, scopes: &[Scope]) -> Vec<Impact> {
        let mut impacts = Vec::new();
        for scope in scopes {
            if let Window::Impact { of, steady } = &scope.window
                && let Some(of) = self.recovery(RecoveryFunction::Length, std::slice::from_ref(of), *steady)
            {
                impacts.push(Impact { kind: scope.kind, of });
            }
        }
        impacts
    }

    /// Whether it is of what a steady state does around windows that are planned.
    fn recovers(&self, function: RecoveryFunction, windows: &[Window], steady: Option<usize>) -> bool {
        let planned = |window: &Window| !matches!(window, Window::Impact { .. });
        let of_impact = |window: &Window| matches!(window, Window::Impact { of, .. } if planned(of));
        let fits = match function {
            RecoveryFunction::Length => windows.iter().all(of_impact),
            RecoveryFunction::TimeToRecover
            | RecoveryFunction::TimeToDetect
            | RecoveryFunction::Mttr
            | RecoveryFunction::Recovered => windows.iter().all(planned),
        };
        fits && self.steady_states.get(steady.unwrap_or(0)).is_some()
    }

    /// Windows as they are planned, with the faults and the events that are among them.
    fn around(&mut self, windows: &[Window]) -> (Vec<Range>, Vec<usize>, Vec<usize>) {
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
        (ranges, faults, events)
    }

    /// What is asked of a steady state, the first where none is named, around windows as they are planned.
    fn recovery(&mut self, function: RecoveryFunction, windows: &[Window], steady: Option<usize>) -> Option<Recovery> {
        let steady: SteadyState = self.steady_states.get(steady.unwrap_or(0))?.clone();
        let (ranges, faults, events) = self.around(windows);
        Some(Recovery { function, windows: ranges, faults, events, steady, end: self.length() })
    }

    /// The series that holds the samples of another which are asked for; most often that one itself.
    fn derived(&mut self, of: usize, asked: &Population) -> usize {
        let phase = if asked.part == RequestTime::ServiceTime { RequestTime::Latency } else { asked.part };
        if phase == RequestTime::Latency && asked.matching.is_none() {
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

/// Where the first metric of a condition is written that needs samples.
pub(super) fn metric_span(condition: &program::Stated) -> Span {
    let mut span = None;
    condition.metrics(&mut |metric| {
        if matches!(metric.function, Function::Requests(function) if function.least_samples().is_some()) {
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

/// As few parts of a window as show how a metric goes on in it.
const FEWEST_OF_A_DRIFT: u64 = 10;

/// As few parts of a window as say something about the spread of a value over them.
pub const FEWEST_PARTS: u64 = 4;

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
