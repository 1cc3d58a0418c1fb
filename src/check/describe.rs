//! Conditions and metrics in one canonical form, with the values that a template was given. A report shows this, because the text
//! of the template would name its parameters.

use super::condition::{AlertDoes, Condition, Measured};
use super::meaning::Cond;
use super::predicate::{chosen_text, matching_text};
use super::program::{
    Edge, Function, Member, Metric, MetricKey, Moment, Population, RecoveryFunction, RequestTime, Scenario, Scope,
    SeriesSource, Subject, Window,
};
use super::types::Type;
use super::words::written;
use crate::base::units;

impl Scenario {
    pub(super) fn condition_text(&self, condition: &Cond) -> String {
        match condition {
            Condition::Compare { operator, left, right } => {
                format!("{} {} {}", self.measured_text(left), operator.symbol(), self.measured_text(right))
            }
            Condition::Within { left, right, tolerance, relative } => {
                let kind = match left.unit() {
                    _ if *relative => Type::Percent,
                    Type::Percent => Type::Points,
                    unit => unit,
                };
                let tolerance = written(*tolerance, kind);
                format!("{} within {tolerance} of {}", self.measured_text(left), self.measured_text(right))
            }
            Condition::And(a, b) => format!("{} and {}", self.condition_text(a), self.condition_text(b)),
            Condition::Or(a, b) => format!("({} or {})", self.condition_text(a), self.condition_text(b)),
            Condition::Not(inner) => format!("not ({})", self.condition_text(inner)),
            Condition::Holds(measured) => self.measured_text(measured),
            Condition::Becomes { condition, within, of } => {
                format!(
                    "{} within {} of {}",
                    self.condition_text(condition),
                    units::duration(*within),
                    self.moment_text(of)
                )
            }
            Condition::InEvery { condition, every, share } => {
                let share =
                    if *share < 1.0 { format!("{} of ", written(*share, Type::Percent)) } else { String::new() };
                format!("{} in {share}every {}", self.condition_text(condition), units::duration(*every))
            }
            Condition::Alert(check) => {
                let name = check.name.as_ref().map_or("no other alert".to_owned(), |name| format!("alert \"{name}\""));
                match &check.does {
                    AlertDoes::Fires { within, of } => {
                        format!("{name} fires within {} of {}", units::duration(*within), self.moment_text(of))
                    }
                    AlertDoes::Resolves { within, of } => {
                        format!("{name} resolves within {} of {}", units::duration(*within), self.moment_text(of))
                    }
                    AlertDoes::StaysQuiet { scopes } => {
                        let does = if check.name.is_some() { "stays quiet" } else { "fires" };
                        format!("{name} {does}{}", self.scopes_text(scopes))
                    }
                    AlertDoes::MayFire { scopes } => format!("{name} may fire{}", self.scopes_text(scopes)),
                    AlertDoes::KeepsFiring { scopes } => format!("{name} keeps firing{}", self.scopes_text(scopes)),
                }
            }
        }
    }

    fn measured_text(&self, measured: &Measured<Metric>) -> String {
        match measured {
            Measured::Constant { value, unit } => written(*value, *unit),
            Measured::Metric { metric, .. } => self.metric_text(metric),
            Measured::Baseline { name: Some(name), .. } => format!("baseline(\"{name}\")"),
            Measured::Baseline { name: None, .. } => "baseline".to_owned(),
            Measured::Arithmetic { operator, left, right, .. } => {
                format!("{} {} {}", self.measured_text(left), operator.symbol(), self.measured_text(right))
            }
        }
    }

    pub(super) fn metric_text(&self, metric: &Metric) -> String {
        let subject = self.subject_text(&metric.subject);
        let scopes = self.scopes_text(&metric.scopes);
        let name = metric.function.name();
        if metric.function == Function::Recovery(RecoveryFunction::Length) {
            return format!("{subject}.{name}");
        }
        let more =
            metric.function.argument().map_or(String::new(), |(value, unit)| format!(", {}", written(value, unit)));
        format!("{name}({subject}{scopes}{more})")
    }

    fn subject_text(&self, subject: &Subject) -> String {
        match subject {
            Subject::Requests(population) => self.population_text(population),
            Subject::Series(series) => {
                let source = match series.source {
                    SeriesSource::Service(index) | SeriesSource::ServiceMetric(index) => {
                        self.services.get(index).map_or("service", |service| &service.name)
                    }
                    SeriesSource::Monitor(index) | SeriesSource::Age(index) => {
                        self.monitors.get(index).map_or("monitor", |monitor| &monitor.name)
                    }
                    SeriesSource::Host | SeriesSource::InFlight { .. } => "host",
                };
                match series.source {
                    SeriesSource::Service(_) | SeriesSource::Host => format!("{source}.{}", series.what),
                    SeriesSource::InFlight { load, mix, flow, member } => {
                        let part = RequestTime::Latency;
                        let population = Population { load, mix, flow, member, part, matching: None };
                        format!("{}.{}", self.population_text(&population), series.what)
                    }
                    SeriesSource::ServiceMetric(_) => format!("{source}.metric({})", series.quoted()),
                    SeriesSource::Age(_) => format!("{source}.age('{}')", series.what),
                    SeriesSource::Monitor(index) => match self.monitors.get(index) {
                        Some(monitor) => monitor.series_text(&series.what),
                        None => format!("{source}.query('{}')", series.what),
                    },
                }
            }
            Subject::Windows { windows, .. } => {
                windows.iter().map(|window| self.window_text(window)).collect::<Vec<_>>().join(", ")
            }
            Subject::Ledger(index) => self.ledgers.get(*index).map_or(String::new(), |ledger| ledger.name.clone()),
            Subject::Service(index) => self.services.get(*index).map_or(String::new(), |service| service.name.clone()),
            Subject::Alerts(index) => {
                self.alert_sources.get(*index).map_or(String::new(), |source| source.name.clone())
            }
            Subject::Buckets { series, requests } => {
                let series = self.subject_text(&Subject::Series(series.clone()));
                format!("{series}, {}", self.population_text(requests))
            }
            Subject::Delivery(index) => {
                format!("{}.delivery_delay", self.alert_sources.get(*index).map_or("", |source| &source.name))
            }
            Subject::Metric(metric) => self.metric_text(metric),
        }
    }

    /// A metric as an expression, with what it is called across runs.
    pub(super) fn measured(&self, metric: Metric, unit: Type) -> Measured<Metric> {
        let key = self.key(&metric);
        Measured::Metric { metric, unit, key }
    }

    /// What is the same has one key, and what is not has another: the texts that a person reads round, and leave out what a
    /// reader knows.
    fn key(&self, metric: &Metric) -> MetricKey {
        let (of, matching) = match &metric.subject {
            Subject::Requests(population) => {
                let plain = self.whole_path(population);
                (self.population_text(&plain), population.matching.as_ref().map(matching_text))
            }
            Subject::Windows { windows, steady } => {
                let windows = windows.iter().map(|window| self.exact_window(window));
                (windows.chain(self.steady_text(*steady)).collect::<Vec<_>>().join(", "), None)
            }
            Subject::Series(series) => {
                (format!("{} as {} of {}", self.subject_text(&metric.subject), series.unit, series.worth), None)
            }
            Subject::Metric(inner) => (self.key(inner).to_string(), None),
            Subject::Buckets { series, .. } => {
                (format!("{} as {} of {}", self.subject_text(&metric.subject), series.unit, series.worth), None)
            }
            Subject::Ledger(_) | Subject::Service(_) | Subject::Alerts(_) | Subject::Delivery(_) => {
                (self.subject_text(&metric.subject), None)
            }
        };
        let scope = |scope: &Scope| format!("{} {}", scope.kind.word(), self.exact_window(&scope.window));
        let mut scopes: Vec<String> = metric.scopes.iter().map(scope).collect();
        scopes.sort();
        scopes.dedup();
        let argument = metric.function.argument().map(|(value, unit)| written(value, unit));
        MetricKey { function: metric.function.name().to_owned(), of, matching, scopes, argument }
    }

    /// Of a load in which one part runs the flow, that part may be left out; and the predicate stands apart.
    fn whole_path(&self, population: &Population) -> Population {
        let parts = population.load.and_then(|load| self.loads.get(load)).map_or(&[][..], |load| &load.parts);
        let mut running = parts.iter().enumerate().filter(|(_, part)| Some(part.flow) == population.flow);
        let only = running.next().filter(|_| running.next().is_none()).map(|(index, _)| index);
        Population { mix: population.mix.or(only), matching: None, ..population.clone() }
    }

    /// The first steady state is meant where none is named.
    fn steady_text(&self, steady: Option<usize>) -> Option<String> {
        let steady = steady.filter(|steady| *steady > 0)?;
        let name = self.steady_states.get(steady).and_then(|state| state.name.clone());
        Some(name.unwrap_or_else(|| format!("steady state {}", steady + 1)))
    }

    fn exact_window(&self, window: &Window) -> String {
        match window {
            // Several may have the name.
            Window::Stage { load, stage } => {
                let stages = self.loads.get(*load).map_or(&[][..], |load| &load.stages);
                let name =
                    |stage: usize| stages.get(stage).and_then(|stage| stage.name.as_ref()).map(|name| &name.text);
                let same: Vec<usize> = (0..stages.len()).filter(|other| name(*other) == name(*stage)).collect();
                match (same.len(), same.iter().position(|other| other == stage)) {
                    (2.., Some(place)) => format!("{}.{}", self.window_text(window), place + 1),
                    _ => self.window_text(window),
                }
            }
            Window::Impact { of, steady } => {
                let steady = self.steady_text(*steady).map_or(String::new(), |steady| format!(" on {steady}"));
                format!("{}.impact{steady}", self.exact_window(of))
            }
            Window::Between(from, to) => format!("{} .. {}", self.exact_moment(from), self.exact_moment(to)),
            Window::Run | Window::Load(_) | Window::Stages { .. } | Window::Injection(_) | Window::Event(_) => {
                self.window_text(window)
            }
        }
    }

    fn exact_moment(&self, moment: &Moment) -> String {
        let edge = match moment.edge {
            Edge::Start => "start",
            Edge::End => "end",
        };
        format!("{}.{edge} {:+}ns", self.exact_window(&moment.window), moment.plus)
    }

    fn population_text(&self, population: &Population) -> String {
        let mut path = Vec::new();
        let load = population.load.and_then(|load| self.loads.get(load));
        path.extend(load.map(|load| load.name.text.clone()));
        match (load, population.mix) {
            (Some(load), Some(mix)) => path.extend(load.parts.get(mix).map(|part| part.name.clone())),
            (None, _) => {
                path.extend(population.flow.and_then(|flow| self.flows.get(flow)).map(|flow| flow.name.clone()));
            }
            (Some(_), None) => {}
        }
        let flow = population.flow.and_then(|flow| self.flows.get(flow));
        let member =
            flow.and_then(|flow| flow.members().into_iter().find(|(_, member, _)| *member == population.member));
        path.extend(member.map(|(name, ..)| name));
        if let Member::Wait(limit) = population.member {
            path.extend(self.limits.get(limit).map(|limit| limit.name.clone()));
        }
        let path = path.join(".");
        let path = if population.member == Member::Iteration { format!("iteration({path})") } else { path };
        format!("{path}{}", chosen_text(population.part, population.matching.as_ref()))
    }

    fn scopes_text(&self, scopes: &[Scope]) -> String {
        scopes.iter().map(|scope| format!(" {} {}", scope.kind.word(), self.window_text(&scope.window))).collect()
    }

    fn window_text(&self, window: &Window) -> String {
        let stage = |load: usize, stage: usize| {
            let load = self.loads.get(load)?;
            let stage = load.stages.get(stage)?.name.as_ref()?;
            Some(format!("{}.{stage}", load.name))
        };
        match window {
            Window::Run => "the run".to_owned(),
            Window::Load(load) => self.loads.get(*load).map_or(String::new(), |load| load.name.text.clone()),
            Window::Stage { load, stage: at } => stage(*load, *at).unwrap_or_default(),
            Window::Stages { load, stages } => stages.first().and_then(|at| stage(*load, *at)).unwrap_or_default(),
            Window::Injection(index) => self.injections.get(*index).map_or(String::new(), |i| i.name.text.clone()),
            Window::Event(index) => self.events.get(*index).map_or(String::new(), |event| event.name.text.clone()),
            Window::Impact { of, .. } => format!("{}.impact", self.window_text(of)),
            Window::Between(from, to) => format!("{} .. {}", self.moment_text(from), self.moment_text(to)),
        }
    }

    fn moment_text(&self, moment: &Moment) -> String {
        let window = self.window_text(&moment.window);
        let edge = if moment.edge == Edge::End { format!("{window}.end") } else { window };
        match (&moment.window, moment.plus) {
            (Window::Run, plus) => units::duration(plus.unsigned_abs()),
            (_, 0) => edge,
            (_, plus) => {
                let sign = if plus < 0 { "-" } else { "+" };
                format!("{edge} {sign} {}", units::duration(plus.unsigned_abs()))
            }
        }
    }
}
