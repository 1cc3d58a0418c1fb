//! Metrics: a function, what it applies to, and its scopes.

use super::bound::Call;
use super::builtins::{self, Builtin};
use super::condition::Measured;
use super::meaning::Meaning;
use super::predicate::undecidable;
use super::program::{
    Function, LedgerFunction, Member, Metric, MonitorKind, Population, RecoveryFunction, RequestFunction, RequestTime,
    Scope, Series, SeriesFunction, SeriesSource, ServiceKind, Subject, Window,
};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::Span;
use crate::base::summed::Summed;
use crate::base::units::counted;
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, Argument, ExprKind};

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn metric(&mut self, builtin: &'static Builtin, call: Call<'a>) -> Meaning<'a> {
        let Call { function, arguments, span, frame } = call;
        let wanted = builtin.parameters.len();
        let least = builtin.parameters.iter().filter(|par| par.required).count();
        let Some(first) =
            arguments.first().filter(|_| arguments.len() >= least && (arguments.len() <= wanted || builtin.variadic))
        else {
            let message = format!("`{function}` takes {}", counted(wanted as u64, "argument"));
            let problem = Diagnostic::new(Code::E0306, message, span, format!("{} given", arguments.len()));
            self.push(problem.help(format!("it is `{}`", builtin.signature())));
            return Meaning::WRONG;
        };
        let Some(mut kind) = builtins::metric(builtin.name) else { return Meaning::WRONG };
        let own = match self.scopes(&first.scopes, frame) {
            Some(own) => own,
            None => return Meaning::WRONG,
        };
        // A scope of the whole condition goes to every metric that has none of its own.
        let scoped = !own.is_empty();
        let scopes = if scoped { own } else { self.ambient.clone() };
        let (subject, values) = match self.subject((builtin, kind), first, arguments, frame) {
            Some(found) => found,
            None => return Meaning::Unknown(if builtin.result == Type::Wrong { Type::Wrong } else { builtin.result }),
        };
        let mut unknown = subject.is_none();
        if let (Some(argument), Some(par)) = (arguments.get(1), builtin.parameters.get(1))
            && let [wanted] = par.kinds
            && wanted.is_quantity()
        {
            let value = self.quantity(&argument.value, frame, *wanted);
            unknown |= value.is_none();
            kind = match value.map_or(Ok(kind), |value| kind.with(value)) {
                Ok(with) => with,
                Err(problem) => {
                    self.out_of_range(argument.value.span, problem);
                    return Meaning::WRONG;
                }
            };
        }
        let unit = unit(kind, builtin.result, values);
        let Some(subject) = subject.filter(|_| !unknown) else { return Meaning::Unknown(unit) };
        let of_an_impact = |scope: &Scope| matches!(scope.window, Window::Impact { .. });
        if let Subject::Metric(inner) = &subject
            && scopes.iter().chain(&inner.scopes).any(of_an_impact)
        {
            self.later("`drift` around an impact", span);
        }
        if let Subject::Series(_) = &subject {
            kind = kind.of_readings();
        }
        if let Some(what) = later(kind, &subject) {
            self.later(what, span);
        }
        let metric = Metric { function: kind, subject, scopes, scoped, span };
        Meaning::Measured(self.out.measured(metric, unit))
    }

    /// What a metric speaks of and the unit of its values; without a subject it is only known where the template is
    /// instantiated. `None` where it was refused.
    fn subject(
        &mut self,
        (builtin, function): (&'static Builtin, Function),
        first: &'a Argument,
        arguments: &'a [Argument],
        frame: FrameId,
    ) -> Option<(Option<Subject>, Type)> {
        let kinds = builtin.parameters[0].kinds;
        let value = match function == Function::Drift {
            // The metric inside keeps its own scopes; what is around it says in which window it drifts.
            true => self.eval(&first.value, frame),
            false => self.whose(&first.value, frame)?,
        };
        if value.is_wrong() {
            return None;
        }
        if function == Function::Drift {
            if let Meaning::Measured(Measured::Metric { metric, unit, .. }) = &value {
                return Some((Some(Subject::Metric(Box::new(metric.clone()))), *unit));
            }
            if value.is_unknown() {
                return Some((None, value.kind()));
            }
            let problem = Diagnostic::new(Code::E0301, "`drift` takes a metric", first.value.span, value.kind().a());
            self.push(problem.help("write `drift(p95(main))`"));
            return None;
        }
        if kinds.contains(&Type::Windows) {
            return self.recovering(&value, first, arguments, builtin, frame);
        }
        let takes_load = kinds == [Type::Load];
        if takes_load && !matches!(value, Meaning::Samples(_, _, Type::Load) | Meaning::Unknown(_)) {
            let message = match function == Function::Requests(RequestFunction::Dropped) {
                true => "only a load drops arrivals".to_owned(),
                false => format!("`{}` is of a load", builtin.name),
            };
            let problem = Diagnostic::new(Code::E0207, message, first.value.span, "not a load");
            let loads: Vec<String> = self.out.loads.iter().map(|load| load.name.text.clone()).collect();
            self.push(problem.did_you_mean(first.value.span, "", loads.iter().map(String::as_str)));
            return None;
        }
        let fitted = match value.kind() {
            // A stage is a window, and whose requests in it are meant is not said.
            Type::Stage | Type::Windows | Type::Window | Type::Injection if kinds.contains(&Type::Samples) => {
                self.window_as_population(&value, &first.value);
                return None;
            }
            _ => self.fit(value, first.value.span, kinds),
        };
        if let (Some(matching), Type::Series) = (&first.matching, fitted.kind()) {
            let message = "`where` chooses among requests, and a series has none";
            let problem = Diagnostic::new(Code::E0114, message, matching.span, "not here");
            self.push(problem.help("ask for a window instead, such as `max(shop.memory during plateau)`"));
            return None;
        }
        let matching = self.matching(first, frame)?;
        match fitted {
            Meaning::Unknown(Type::Wrong) => None,
            // A series that is given says of what unit it is; requests take time.
            Meaning::Unknown(Type::Series) => Some((None, Type::Wrong)),
            Meaning::Unknown(_) => Some((None, Type::Duration)),
            Meaning::Samples(population, unit, _) => {
                let member = population.member;
                if let (Some(expr), Some(written)) = (&matching, &first.matching)
                    && let Some(message) = undecidable(expr, member)
                {
                    let problem = Diagnostic::new(Code::E0114, message, written.span, "not known of each");
                    self.push(
                        problem.help("it may use `ok`, `error`, `latency`, and of requests `status` and `attempt`"),
                    );
                    return None;
                }
                self.phase_of_whole(&population, function, first.value.span)?;
                let population = Population { matching, ..population };
                self.steps_of_loads(&population, &first.value)?;
                Some((Some(Subject::Requests(population)), unit))
            }
            Meaning::Series(Series { unit, .. }) if matching.is_none() => {
                let Meaning::Series(series) = fitted else { return None };
                if function == Function::Series(SeriesFunction::HistogramError) {
                    return self.buckets(series, first, arguments.get(1)?, frame);
                }
                Some((Some(Subject::Series(series)), unit))
            }
            Meaning::Delivery(metric) => Some((Some(metric.subject), Type::Duration)),
            Meaning::Part(Type::Ledger, index) => {
                self.has_own_keys(index, function, first.value.span)?;
                Some((Some(Subject::Ledger(index)), Type::Count))
            }
            Meaning::Part(Type::Service, index) => {
                self.started_by_us(index, first.value.span)?;
                Some((Some(Subject::Service(index)), Type::Count))
            }
            Meaning::Part(Type::Alerts, index) => Some((Some(Subject::Alerts(index)), Type::Percent)),
            _ => None,
        }
    }

    /// The buckets of a Prometheus, and whose requests they are of.
    fn buckets(
        &mut self,
        series: Series,
        first: &'a Argument,
        sent: &'a Argument,
        frame: FrameId,
    ) -> Option<(Option<Subject>, Type)> {
        let is_prometheus = match series.source {
            SeriesSource::Monitor(index) => {
                self.out.monitors.get(index).is_some_and(|monitor| monitor.kind == MonitorKind::Prometheus)
            }
            SeriesSource::Host => true,
            SeriesSource::Service(_) | SeriesSource::ServiceMetric(_) | SeriesSource::Age(_) => false,
            SeriesSource::InFlight { .. } => false,
        };
        if !is_prometheus || Summed::parse(&series.what).is_none() {
            let message = "buckets are read from the raw samples of a Prometheus";
            let problem = Diagnostic::new(Code::E0310, message, first.value.span, "no buckets");
            let example = "truth.query('http_request_duration_seconds_bucket{route=\"/orders\"}')";
            self.push(problem.help(format!("select the series of a histogram, such as `{example}`")));
            return None;
        }
        if let Some(scope) = sent.scopes.first() {
            let problem = Diagnostic::new(Code::E0114, "both arguments have one scope", scope.span, "not here");
            self.push(problem.help("write it after the condition"));
            return None;
        }
        if let Some(matching) = &sent.matching {
            let message = "a histogram is of all requests, however they ended";
            let problem = Diagnostic::new(Code::E0114, message, matching.span, "not here");
            self.push(problem.help("select series by their labels instead"));
            return None;
        }
        let value = self.whose(&sent.value, frame)?;
        match self.fit(value, sent.value.span, &[Type::Samples]) {
            Meaning::Samples(requests, ..) => Some((Some(Subject::Buckets { series, requests }), Type::Percent)),
            Meaning::Unknown(Type::Wrong) => None,
            _ => Some((None, Type::Percent)),
        }
    }

    /// Where the system gives the keys, no two requests have one, and what it refused has none.
    fn has_own_keys(&mut self, ledger: usize, function: Function, span: Span) -> Option<()> {
        let Function::Ledger(of @ (LedgerFunction::Duplicated | LedgerFunction::Resurrected)) = function else {
            return Some(());
        };
        let ledger = self.out.ledgers.get_mut(ledger)?;
        ledger.asks_refused |= of == LedgerFunction::Resurrected;
        let Some(given) = ledger.given else { return Some(()) };
        let message = format!("`{}` cannot be known of `{}`, whose keys the system gives", of.name(), ledger.name);
        let problem =
            Diagnostic::new(Code::E0310, message, span, "one key for each answer").label(given, "a key of the answer");
        self.push(problem.help("`lost` and `unverified` work; with a key that the request sends, such as an `Idempotency-Key`, duplicates can be counted"));
        None
    }

    /// Of what is only attached no end is seen.
    fn started_by_us(&mut self, service: usize, span: Span) -> Option<()> {
        let service = self.out.services.get(service)?;
        if !matches!(service.kind, ServiceKind::Attach { .. }) {
            return Some(());
        }
        let message = format!("`{}` is only attached, so the run does not see it end", service.name);
        let problem = Diagnostic::new(Code::E0301, message, span, "not started by the run");
        self.push(problem.help("start it with `process(…)`, or expect its answers, such as `error_rate(main) < 1%`"));
        None
    }

    /// What is not a request has no phases of its own.
    fn phase_of_whole(&mut self, population: &Population, function: Function, span: Span) -> Option<()> {
        let whole = match population.member {
            Member::Group(_) => "a group",
            Member::Iteration => "an iteration",
            Member::Measure(_) => "a measured value",
            Member::Wait(_) => "a wait",
            Member::All | Member::Request(_) => return Some(()),
        };
        let whole_time = matches!(population.part, RequestTime::Latency | RequestTime::ServiceTime);
        let counts_bytes = matches!(function, Function::Requests(function) if function.counts_bytes());
        let lacks = match whole_time {
            true if counts_bytes => "body".to_owned(),
            true => return Some(()),
            false => format!("`{}`", super::predicate::chosen_text(population.part, None)),
        };
        let message = format!("{whole} has no {lacks}");
        let problem = Diagnostic::new(Code::E0202, message, span, "not a request");
        self.push(problem.help("ask for that of its requests, such as those of a load or a flow"));
        None
    }

    /// The value of a path that says whose requests are meant; `iteration(f)` are whole iterations.
    fn whose(&mut self, expr: &'a ast::Expr, frame: FrameId) -> Option<Meaning<'a>> {
        if let ExprKind::Call { function, arguments } = &expr.kind
            && function.text == "iteration"
            && let [argument] = arguments.as_slice()
        {
            let value = self.eval(&argument.value, frame);
            return match self.fit(value, argument.value.span, &[Type::Samples]) {
                Meaning::Samples(population, unit, _) => {
                    let population = Population { member: Member::Iteration, ..population };
                    Some(Meaning::Samples(population, unit, Type::Samples))
                }
                Meaning::Unknown(Type::Wrong) => None,
                other => Some(other),
            };
        }
        match self.eval(expr, frame) {
            // The waits for it, wherever it is acquired.
            Meaning::Part(Type::Limiter | Type::Semaphore, limit) => {
                let population = Population { member: Member::Wait(limit), ..Population::of_all() };
                Some(Meaning::Samples(population, Type::Duration, Type::Step))
            }
            value => (!value.is_wrong()).then_some(value),
        }
    }

    /// `where`: which of the requests. Outside `None` it was refused; inside it says nothing.
    fn matching(&mut self, argument: &'a Argument, frame: FrameId) -> Option<Option<super::program::Expr>> {
        let Some(matching) = &argument.matching else { return Some(None) };
        let before = std::mem::replace(&mut self.predicate, true);
        let value = self.eval_as(matching, frame, &[Type::Bool]);
        self.predicate = before;
        match value.expr() {
            Some(expr) if !value.is_wrong() => Some(Some(expr)),
            _ => None,
        }
    }

    fn window_as_population(&mut self, value: &Meaning<'a>, expr: &'a ast::Expr) {
        let text = self.text(expr.span);
        let what = value.kind().a().to_lowercase();
        let message = format!("`{text}` is {what}, and a load, a flow or a step is needed here");
        let problem = Diagnostic::new(Code::E0207, message, expr.span, "a window");
        let load = match value {
            Meaning::Window(Window::Stage { load, .. } | Window::Stages { load, .. }, _) => Some(*load),
            _ => None,
        };
        let load = load.map_or_else(|| "main".to_owned(), |load| self.out.loads[load].name.text.clone());
        let short = text.rsplit('.').next().unwrap_or(&text).to_owned();
        self.push(problem.help(format!("write `{load} during {short}`")));
    }

    /// A flow is measured where a load runs it.
    fn steps_of_loads(&mut self, population: &Population, expr: &'a ast::Expr) -> Option<()> {
        let (None, Some(flow)) = (population.load, population.flow) else { return Some(()) };
        let run = self.out.loads.iter().any(|load| load.parts.iter().any(|part| part.flow == flow));
        if run || self.is_definition || !self.refused_loads.is_empty() {
            return Some(());
        }
        let name = self.text(expr.span);
        let problem =
            Diagnostic::new(Code::E0407, format!("no load runs the flow `{name}`"), expr.span, "nothing is measured");
        self.push(problem.help(format!("add `load main of {name} {{ … }}`")));
        None
    }

    /// Windows from which something recovers, and to which steady state.
    fn recovering(
        &mut self,
        value: &Meaning<'a>,
        first: &'a Argument,
        arguments: &'a [Argument],
        builtin: &'static Builtin,
        frame: FrameId,
    ) -> Option<(Option<Subject>, Type)> {
        // Where alerts are watched, it is their firing that detects. Other metrics bring no source into a scenario.
        let detects = builtins::metric(builtin.name) == Some(Function::Recovery(RecoveryFunction::TimeToDetect));
        if detects {
            self.sources_in_sight(frame);
        }
        if !detects || self.out.alert_sources.is_empty() {
            self.needs_steady_state(first.value.span);
        }
        let mut windows = Vec::new();
        let mut unknown = false;
        let mut steady = None;
        for (position, argument) in arguments.iter().enumerate() {
            let value = if position == 0 { value.clone() } else { self.eval(&argument.value, frame) };
            if position > 0 && !builtin.variadic {
                match self.fit(value, argument.value.span, &[Type::SteadyState]) {
                    Meaning::Part(Type::SteadyState, index) => steady = Some(index),
                    Meaning::Unknown(Type::Wrong) => return None,
                    _ => unknown = true,
                }
                continue;
            }
            match self.fit(value, argument.value.span, &[Type::Windows]) {
                Meaning::Window(window, _) => windows.push(window),
                Meaning::Samples(population, _, Type::Load) => windows.push(Window::Load(population.load.unwrap_or(0))),
                Meaning::Unknown(Type::Wrong) => return None,
                _ => unknown = true,
            }
        }
        Some(((!unknown).then_some(Subject::Windows { windows, steady }), Type::Duration))
    }

    pub(super) fn scopes(&mut self, scopes: &'a [ast::Scope], frame: FrameId) -> Option<Vec<Scope>> {
        let mut checked = Vec::new();
        let mut good = true;
        for scope in scopes {
            match self.window(&scope.window, frame) {
                Some(Some(window)) => checked.push(Scope { kind: scope.kind, window, span: scope.span }),
                Some(None) => {}
                None => good = false,
            }
        }
        good.then_some(checked)
    }

    /// A window; inside `None` it is known only where the template is instantiated.
    pub(super) fn window(&mut self, expr: &'a ast::Expr, frame: FrameId) -> Option<Option<Window>> {
        let value = self.eval(expr, frame);
        match value {
            Meaning::Window(window, _) => Some(Some(window)),
            Meaning::Samples(population, _, Type::Load) => Some(Some(Window::Load(population.load.unwrap_or(0)))),
            Meaning::Moment(moment) => Some(Some(Window::Between(Box::new(moment.clone()), Box::new(moment)))),
            Meaning::Unknown(Type::Wrong) => None,
            Meaning::Unknown(kind) if Type::Windows.accepts(kind) || kind == Type::Instant => Some(None),
            other => {
                let text = self.text(expr.span);
                let message = match other {
                    Meaning::Fault(..) | Meaning::Unknown(Type::Fault) => {
                        let problem = self.wrong_type(&[Type::Windows], &other, expr.span);
                        self.push(problem);
                        return None;
                    }
                    _ if matches!(expr.kind, ExprKind::Name(_) | ExprKind::Field { .. }) => {
                        format!("`{text}` is {}, and a window is needed here", other.kind().a())
                    }
                    _ => "a window is needed here".to_owned(),
                };
                let problem = Diagnostic::new(Code::E0207, message, expr.span, "not a stage and not a load");
                self.push(problem.help("name a stage with `as NAME`, and use that name"));
                None
            }
        }
    }
}

/// The unit of a metric's result.
fn unit(function: Function, result: Type, values: Type) -> Type {
    match (function, result) {
        (Function::Series(SeriesFunction::Growth), _) => match values {
            Type::Bytes => Type::Bandwidth,
            Type::Number | Type::Count => Type::Rate,
            Type::Duration => Type::Number,
            other => other,
        },
        (_, Type::Wrong) => values,
        (_, result) => result,
    }
}

/// What this version plans and does not compute.
fn later(function: Function, subject: &Subject) -> Option<&'static str> {
    match (function, subject) {
        (Function::Recovery(RecoveryFunction::Length), Subject::Windows { windows, .. })
            if !matches!(windows[..], [Window::Impact { .. }]) =>
        {
            Some("the length of a window that only the run knows")
        }
        _ => None,
    }
}
