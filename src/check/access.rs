//! What follows a `.`: fields and methods, by the type of the value before it.

use super::bound::{Arguments, Call};
use super::builtins::{self, Field};
use super::meaning::Meaning;
use super::program::{
    Edge, Expr, Function, Member, Metric, Moment, MonitorKind, PartKind, PathText, Pick, Population, RecoveryFunction,
    RequestFunction, RequestTime, Series, SeriesSource, ServiceKind, Statistic, Subject, Window,
};
use super::scope::{FrameId, hidden_name};
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::{Name, Span};
use crate::diag::{Applicability, Code, Diagnostic};
use crate::syntax::ast;

/// What an object of JSON has under a name.
fn field_of_json<'a>(value: &Meaning<'a>, field: &Name) -> Meaning<'a> {
    let path = PathText::Known(format!("$['{field}']"));
    match value.expr() {
        Some(object) if !value.is_unknown() => Meaning::Run(Expr::Get { value: Box::new(object), path }, Type::Json),
        _ => Meaning::Unknown(Type::Json),
    }
}

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn field_of(
        &mut self,
        value: &Meaning<'a>,
        base: &'a ast::Expr,
        field: &'a Name,
        span: Span,
    ) -> Meaning<'a> {
        match value {
            Meaning::Unknown(Type::Wrong) => return Meaning::WRONG,
            Meaning::Module(module) => return self.member_of_module(*module, field),
            Meaning::System(frame) => return self.member_of_system(*frame, field),
            Meaning::Steps(frame) => return self.member_of_steps(*frame, field),
            Meaning::Row(row, data) => return self.column(row, *data, field),
            Meaning::Answer(response) => {
                return match builtins::field(Type::Response, &field.text, false) {
                    Some(_) => self.answer_part(*response, &field.text),
                    None => self.no_field(value, field),
                };
            }
            Meaning::Unknown(Type::Row) => return Meaning::Unknown(Type::Text),
            Meaning::Object(fields) => return self.field_of_object(fields, field),
            Meaning::Samples(population, _, kind) => {
                let (population, kind) = (population.clone(), *kind);
                if let Some(member) = self.member(&population, kind, field) {
                    return member;
                }
            }
            Meaning::Window(Window::Load(load), _) => {
                if let Some(stage) = self.stage_of(*load, field) {
                    return stage;
                }
            }
            // What a flow or a load of a template has is known where it is instantiated.
            Meaning::Unknown(kind) if kind.is_population() && builtins::field(*kind, &field.text, false).is_none() => {
                return Meaning::Unknown(Type::Samples);
            }
            _ => {}
        }
        match builtins::field(value.kind(), &field.text, false) {
            // Of a series the unit is known, though its service is not.
            Some(found) if value.is_unknown() && found.result == Type::Series => {
                let nowhere = Meaning::Part(value.kind(), usize::MAX);
                self.take_field(&nowhere, found, base, span)
            }
            Some(found) if value.is_unknown() => Meaning::Unknown(found.result),
            Some(found) => self.take_field(value, found, base, span),
            None if value.kind() == Type::Json && builtins::field(Type::Json, &field.text, true).is_none() => {
                field_of_json(value, field)
            }
            None => self.no_field(value, field),
        }
    }

    fn take_field(
        &mut self,
        value: &Meaning<'a>,
        field: &'static Field,
        base: &'a ast::Expr,
        span: Span,
    ) -> Meaning<'a> {
        match (value, field.name) {
            (Meaning::Part(Type::Service, index), "cpu" | "memory" | "open_files" | "threads") => {
                let unit = match field.name {
                    "cpu" => Type::Percent,
                    "memory" => Type::Bytes,
                    _ => Type::Number,
                };
                let what = field.name.to_owned();
                Meaning::Series(Series { source: SeriesSource::Service(*index), what, worth: 1.0, unit, missing: None })
            }
            (Meaning::Part(Type::Monitor, index), name) if !self.is_of_monitor(*index, name, base.span) => {
                Meaning::WRONG
            }
            (Meaning::Part(Type::Monitor, index), name) => {
                let unit = if name == "cpu" { Type::Percent } else { Type::Bytes };
                Meaning::Series(Series {
                    source: SeriesSource::Monitor(*index),
                    what: name.to_owned(),
                    worth: 1.0,
                    unit,
                    missing: None,
                })
            }
            (Meaning::Part(Type::Alerts, index), _) => {
                self.later("`.delivery_delay`", span);
                let metric = Metric {
                    function: Function::Requests(RequestFunction::Statistic(Statistic::Mean)),
                    subject: Subject::Delivery(*index),
                    scopes: Vec::new(),
                    scoped: false,
                    span,
                };
                Meaning::Delivery(metric)
            }
            (Meaning::Samples(population, ..), "in_flight") => self.in_flight(population, base, span),
            // Of a load or a flow of a template.
            (Meaning::Part(kind, _), "in_flight") if kind.is_population() => {
                let source = SeriesSource::InFlight { load: None, mix: None, flow: None, member: Member::All };
                Meaning::Series(Series::in_flight(source))
            }
            (Meaning::Part(Type::Service, index), "ca") if !self.speaks_https(*index) => {
                let message = "only `demo(tls: true)` has a certificate of the run";
                let problem = Diagnostic::new(Code::E0207, message, span, "it has none");
                self.push(problem.help("name the file of the authority, such as `ca: \"ca.pem\"`"));
                Meaning::WRONG
            }
            (Meaning::Part(Type::Link, index), "ca") if !self.ends_tls(*index) => {
                let message = "only a link with `tls: terminate` has a certificate of the run";
                let problem = Diagnostic::new(Code::E0207, message, span, "it has none");
                self.push(problem.help("what goes through it sees the certificate of the server"));
                Meaning::WRONG
            }
            (Meaning::Part(Type::Service, index), _) if !self.has_port(*index, base.span) => Meaning::WRONG,
            (Meaning::Part(kind, index), name) => {
                let part = if *kind == Type::Link { PartKind::Link } else { PartKind::Service };
                Meaning::Run(Expr::Part { part, index: *index, field: name.to_owned() }, field.result)
            }
            (Meaning::Samples(population, unit, kind), name) => {
                let mut population = population.clone();
                population.part = match name {
                    "service_time" => RequestTime::ServiceTime,
                    "first_byte" => RequestTime::FirstByte,
                    "connect_time" => RequestTime::ConnectTime,
                    "tls_time" => RequestTime::TlsTime,
                    "attempts" => RequestTime::Attempts,
                    _ => return self.part_of_window(value, name, base, span),
                };
                let _ = kind;
                Meaning::Samples(population, *unit, Type::Samples)
            }
            (Meaning::Run(_, Type::Json | Type::List) | Meaning::List(_), name) => {
                self.field_of_list(value, name, span)
            }
            (_, name) => self.part_of_window(value, name, base, span),
        }
    }

    /// Whether a service is known to listen somewhere; of a program it must be said where. Said once a service.
    pub(super) fn has_port(&mut self, service: usize, used: Span) -> bool {
        let Some(found) = self.out.services.get_mut(service) else { return true };
        if !matches!(found.kind, ServiceKind::Process { .. }) || found.port.is_some() {
            return true;
        }
        found.port = Some(Expr::Number(0.0));
        let name = found.name.clone();
        let problem =
            Diagnostic::new(Code::E0307, format!("the service `{name}` has no port"), used, "where does it listen?");
        self.push(problem.help("declare it where the service is declared, such as `{ port: 8080 }`"));
        false
    }

    /// Stages of one name have several starts and ends.
    pub(super) fn several_windows(&mut self, base: &'a ast::Expr, edge: &str) {
        let text = self.text(base.span);
        let problem = Diagnostic::new(Code::E0404, format!("`{text}` is several windows"), base.span, "which one?");
        self.push(problem.help(format!("write `{text}.first.{edge}` or `{text}.last.{edge}`")));
    }

    /// How many of these requests are under way, over time.
    fn in_flight(&mut self, population: &Population, base: &'a ast::Expr, span: Span) -> Meaning<'a> {
        let Population { load, mix, flow, member, part, matching: _ } = *population;
        let what = match (member, part) {
            (Member::All | Member::Request(_), RequestTime::Latency) => {
                return Meaning::Series(Series::in_flight(SeriesSource::InFlight { load, mix, flow, member }));
            }
            (Member::All | Member::Request(_), _) => "a time of requests",
            (Member::Group(_), _) => "a group",
            (Member::Measure(_), _) => "something that is measured",
            (Member::Wait(_), _) => "a limit",
            (Member::Iteration, _) => "iterations",
        };
        let message = format!("what is in flight are requests, and `{}` is {what}", self.text(base.span));
        let problem = Diagnostic::new(Code::E0202, message, span, "not of requests");
        self.push(
            problem.help("write it behind a load, a part of its mix, a flow or a step, such as `main.in_flight`"),
        );
        Meaning::WRONG
    }

    fn part_of_window(&mut self, value: &Meaning<'a>, name: &str, base: &'a ast::Expr, span: Span) -> Meaning<'a> {
        let window = match value {
            Meaning::Window(window, _) => window.clone(),
            Meaning::Samples(population, _, Type::Load) => Window::Load(population.load.unwrap_or(0)),
            _ => return Meaning::WRONG,
        };
        if let (Window::Stages { .. }, "start" | "end") = (&window, name) {
            self.several_windows(base, name);
            return Meaning::WRONG;
        }
        let moment = |edge: Edge| Meaning::Moment(Moment { window: window.clone(), edge, plus: 0, span });
        match name {
            "start" => moment(Edge::Start),
            "end" => moment(Edge::End),
            "length" => self.length_of(&window, span),
            "impact" => {
                self.needs_steady_state(span);
                Meaning::Window(Window::Impact { of: Box::new(window), steady: None }, Type::Windows)
            }
            "first" | "last" => match window {
                Window::Stages { load, stages } => {
                    let stage = if name == "first" { stages.first() } else { stages.last() };
                    stage.map_or(Meaning::WRONG, |stage| {
                        Meaning::Window(Window::Stage { load, stage: *stage }, Type::Stage)
                    })
                }
                other => Meaning::Window(other, Type::Window),
            },
            _ => Meaning::WRONG,
        }
    }

    /// A length that is planned is a constant; one that only the run knows is measured.
    fn length_of(&mut self, window: &Window, span: Span) -> Meaning<'a> {
        let stage = |load: usize, stage: usize| self.out.loads.get(load).and_then(|l| l.stages.get(stage));
        let planned = match window {
            Window::Stage { load, stage: at } => {
                stage(*load, *at).filter(|s| s.kind.ends_as_planned()).map(|s| s.length())
            }
            Window::Load(load) => self
                .out
                .loads
                .get(*load)
                .filter(|load| load.stages.iter().all(|stage| stage.kind.ends_as_planned()))
                .map(|load| load.stages.iter().map(|stage| stage.length()).sum()),
            _ => None,
        };
        if let Some(length) = planned {
            return Meaning::Quantity(length as f64, Type::Duration);
        }
        let subject = Subject::Windows { windows: vec![window.clone()], steady: None };
        let metric = Metric {
            function: Function::Recovery(RecoveryFunction::Length),
            subject,
            scopes: Vec::new(),
            scoped: false,
            span,
        };
        Meaning::Measured(self.out.measured(metric, Type::Duration))
    }

    fn member_of_module(&mut self, module: usize, name: &'a Name) -> Meaning<'a> {
        let frame = self.module_frame(module);
        let index = &self.world.indexes[module];
        if name.text.starts_with('_') && index.names.contains_key(name.text.as_str()) {
            let problem =
                Diagnostic::new(Code::E0202, format!("`{name}` is private to its file"), name.span, "private");
            self.push(problem.help("a name that starts with `_` is for its own file"));
            return Meaning::WRONG;
        }
        if let Some(value) = self.own(frame, &name.text, name.span) {
            return value;
        }
        if !index.lost {
            let module = &self.world.inputs.modules[module].name;
            let problem =
                Diagnostic::new(Code::E0202, format!("`{module}` has no `{name}`"), name.span, "not declared there");
            let mut known: Vec<&str> = index.names.keys().copied().filter(|name| !name.starts_with('_')).collect();
            known.sort_unstable();
            self.push(problem.did_you_mean(name.span, &name.text, known.into_iter()));
        }
        Meaning::WRONG
    }

    fn member_of_system(&mut self, frame: FrameId, name: &'a Name) -> Meaning<'a> {
        if let Some(value) = self.own(frame, &name.text, name.span) {
            return value;
        }
        if !self.frames[frame].lost {
            let problem =
                Diagnostic::new(Code::E0202, format!("this system has no `{name}`"), name.span, "not declared in it");
            let mut known: Vec<&str> = self.frames[frame].names.keys().copied().collect();
            known.sort_unstable();
            self.push(problem.did_you_mean(name.span, &name.text, known.into_iter()));
        }
        Meaning::WRONG
    }

    /// What an included flow has named.
    fn member_of_steps(&mut self, frame: FrameId, name: &'a Name) -> Meaning<'a> {
        if let Some(value) = self.own(frame, &name.text, name.span) {
            return value;
        }
        if !self.frames[frame].lost {
            let message = format!("the included flow names no `{name}`");
            let problem = Diagnostic::new(Code::E0202, message, name.span, "not named in it");
            let hidden = self.hidden_within(frame, &name.text);
            let mut known: Vec<&str> = self.frames[frame].names.keys().copied().collect();
            known.sort_unstable();
            self.push(match hidden {
                Some(place) => hidden_name(problem, place),
                None => problem.did_you_mean(name.span, &name.text, known.into_iter()),
            });
        }
        Meaning::WRONG
    }

    fn field_of_object(&mut self, fields: &[(Name, Meaning<'a>)], name: &Name) -> Meaning<'a> {
        if let Some((_, value)) = fields.iter().find(|(own, _)| own.text == name.text) {
            return value.clone();
        }
        let problem = Diagnostic::new(Code::E0202, format!("the object has no `{name}`"), name.span, "no such field");
        self.push(problem.did_you_mean(name.span, &name.text, fields.iter().map(|(own, _)| own.text.as_str())));
        Meaning::WRONG
    }

    fn column(&mut self, row: &Expr, data: usize, name: &Name) -> Meaning<'a> {
        let columns = self.out.data.get(data).map_or(&[][..], |data| &data.columns);
        match columns.iter().find(|(column, _)| *column == name.text) {
            Some((column, kind)) => {
                self.refers_to_column(name.span, data, column, *kind);
                Meaning::Run(Expr::Column { row: Box::new(row.clone()), column: column.clone() }, *kind)
            }
            None => {
                let problem = Diagnostic::new(
                    Code::E0202,
                    format!("the rows have no column `{name}`"),
                    name.span,
                    "no such column",
                );
                let problem = problem.did_you_mean_a_column(name, columns.iter().map(|(column, _)| column.as_str()));
                self.push(problem);
                Meaning::WRONG
            }
        }
    }

    fn no_field(&mut self, value: &Meaning<'a>, field: &Name) -> Meaning<'a> {
        let kind = value.kind();
        let what = match value {
            Meaning::Answer(_) => "an answer".to_owned(),
            Meaning::Samples(_, _, Type::Load) => "this load".to_owned(),
            Meaning::Samples(_, _, Type::Flow) => "this flow".to_owned(),
            _ => kind.a(),
        };
        if matches!(value, Meaning::Samples(..)) && self.is_refused_member(value) {
            return Meaning::WRONG;
        }
        if let Some(method) = builtins::field(kind, &field.text, true)
            && matches!(kind, Type::Json | Type::List)
        {
            let problem = Diagnostic::new(Code::E0207, format!("`.{field}` is a method"), field.span, "not called");
            let named = format!("`.json(\"$['{field}']\")` for what is named so");
            self.push(problem.help(format!("call it, as in `{}`, or write {named}", method.example)));
            return Meaning::WRONG;
        }
        if builtins::field(kind, &field.text, true).is_some() {
            let problem = Diagnostic::new(Code::E0207, format!("`.{field}` is a method"), field.span, "not called");
            self.push(problem.fix(
                Applicability::MachineApplicable,
                field.span.after(),
                "()",
                format!("call it: `.{field}()`"),
            ));
            return Meaning::WRONG;
        }
        if kind == Type::Text && matches!(field.text.as_str(), "count" | "length" | "len" | "size") {
            let message = format!("a Text has no `{field}`");
            let problem = Diagnostic::new(Code::E0202, message, field.span, "no such field");
            let help = "how long the body of an answer is, says `home.size`; how many items a list in it has, `home.json(\"$.items\").count`; \
                        whether a text holds something, `home.text contains \"…\"`";
            self.push(problem.help(help));
            return Meaning::WRONG;
        }
        if kind.is_population() && field.text == "dns_time" {
            self.no_lookups(&what, field);
            return Meaning::WRONG;
        }
        let message = format!("{what} has no `{field}`");
        let mut problem = Diagnostic::new(Code::E0202, message, field.span, "no such field");
        let mut known: Vec<String> = self.members_of(value);
        known.extend(builtins::fields_of(kind).map(|field| field.name.to_owned()));
        if known.is_empty() {
            problem = Diagnostic::new(Code::E0202, format!("{what} has no parts to ask for"), field.span, kind.a());
            if self.flow.is_some() {
                problem = problem.help("name a request with `as NAME`, and ask that name");
            }
            self.push(problem);
            return Meaning::WRONG;
        }
        if kind == Type::Load
            && let Some(word) = super::words::stage(&field.text)
        {
            self.push(
                problem
                    .help(format!("name the stage with `as NAME`, such as `{word} … as plateau`, and use that name")),
            );
            return Meaning::WRONG;
        }
        if let Some(metric) = builtins::of_kind(builtins::BuiltinKind::Metric, &field.text)
            && kind.is_population()
        {
            let problem = problem.help(format!("a metric is called: `{}(…)`", metric.name));
            self.push(match self.metric_of(field, metric.name) {
                Some(fix) => problem.or(fix),
                None => problem,
            });
            return Meaning::WRONG;
        }
        if kind == Type::List && crate::base::suggest::slip(&field.text, known.iter().map(String::as_str)).is_none() {
            self.push(problem.help(format!("ask one of its items: `.first.{field}`, `.random().{field}`")));
            return Meaning::WRONG;
        }
        self.push(problem.did_you_mean(field.span, &field.text, known.iter().map(String::as_str)));
        Meaning::WRONG
    }

    /// Names are looked up before the load and beside it, so no request waits for that.
    fn no_lookups(&mut self, what: &str, field: &Name) {
        let message = format!("{what} has no `{field}`: no request waits for the lookup of a name");
        let problem = Diagnostic::new(Code::E0202, message, field.span, "no such field");
        let help = "names are looked up before the load, and with `dns: { every: … }` beside it: the time of new connections is `.connect_time` and \
                    `.tls_time`, and where targets were and from when on is `resolved` in run.json";
        self.push(problem.help(help));
    }

    /// Where it is an operator in this language, that is said.
    fn no_method(&mut self, value: &Meaning<'a>, base: &'a ast::Expr, call: Call<'a>) -> Meaning<'a> {
        let method = call.function;
        let looks = matches!(value.kind(), Type::Text | Type::Json | Type::List);
        let Some(ours) = super::words::operator_of_elsewhere(&method.text).filter(|_| looks) else {
            return self.no_field(value, method);
        };
        let message = format!("{} has no method `{method}`", value.kind().a());
        let problem = Diagnostic::new(Code::E0202, message, method.span, "an operator here");
        let looked_for = match call.arguments {
            [one] => self.text(one.value.span),
            _ => "…".to_owned(),
        };
        let written = format!("{} {ours} {looked_for}", self.text(base.span));
        self.push(match call.arguments.len() {
            1 => problem.fix(Applicability::MachineApplicable, call.span, &written, format!("write `{written}`")),
            _ => problem.help(format!("write `{written}`")),
        });
        Meaning::WRONG
    }

    pub(super) fn method(&mut self, base: &'a ast::Expr, call: Call<'a>) -> Meaning<'a> {
        let Call { function: method, span, frame, .. } = call;
        let value = self.eval(base, frame);
        match &value {
            Meaning::Unknown(Type::Wrong) => {
                return Meaning::WRONG;
            }
            Meaning::Module(_) | Meaning::System(_) => {
                let member = self.field_of(&value, base, method, span);
                return match member {
                    Meaning::Definition(..) => self.instantiate(&member, call),
                    Meaning::Unknown(Type::Wrong) => Meaning::WRONG,
                    other => {
                        let kind = other.kind();
                        let message = format!("`{method}` is {}, which takes no arguments", kind.a());
                        self.push(Diagnostic::new(Code::E0207, message, method.span, kind.a()));
                        Meaning::WRONG
                    }
                };
            }
            Meaning::Answer(response) => {
                return self.answer_method(*response, call);
            }
            _ => {}
        }
        let Some(found) = builtins::field(value.kind(), &method.text, true) else {
            return self.no_method(&value, base, call);
        };
        let parameters = found.parameters.unwrap_or_default();
        let Some(bound) = self.arguments(parameters, false, call) else {
            return Meaning::WRONG;
        };
        if value.is_unknown() && found.result == Type::Series {
            return self.series(SeriesSource::Host, &bound);
        }
        if value.is_unknown() {
            return Meaning::Unknown(found.result);
        }
        match (&value, found.name) {
            (Meaning::Part(Type::Service, index), "metric") => {
                let index = *index;
                let service = &self.out.services[index];
                let measured = service.metrics.is_some() || matches!(service.kind, ServiceKind::Demo(_));
                if !measured {
                    let problem =
                        Diagnostic::new(Code::E0307, "this service has no /metrics page", base.span, "where is it?");
                    self.push(problem.help("say so where it is declared: `{ metrics: \"/metrics\" }`"));
                    return Meaning::WRONG;
                }
                self.series(SeriesSource::ServiceMetric(index), &bound)
            }
            (Meaning::Part(Type::Monitor, index), name) if !self.is_of_monitor(*index, name, base.span) => {
                Meaning::WRONG
            }
            (Meaning::Part(Type::Monitor, index), _) => self.series(SeriesSource::Monitor(*index), &bound),
            (Meaning::Part(Type::Service, index), "url") if !self.has_port(*index, base.span) => Meaning::WRONG,
            (Meaning::Part(Type::Service, index), "url") => {
                let via = match bound.value("via") {
                    Some(Meaning::Part(Type::Link, link)) => Some(*link),
                    _ => None,
                };
                let field = via.map_or_else(|| "url".to_owned(), |link| format!("url via {link}"));
                Meaning::Run(Expr::Part { part: PartKind::Service, index: *index, field }, Type::Text)
            }
            (Meaning::Part(Type::Data, data), name) => {
                let pick = match name {
                    "next" => Pick::Next,
                    "unique" => Pick::Unique,
                    "random" => Pick::Random,
                    _ => Pick::PerUser,
                };
                if pick == Pick::Unique && self.flow.as_ref().is_some_and(|flow| flow.is_phase) {
                    let message = "a setup cannot keep rows from the load";
                    let problem = Diagnostic::new(Code::E0114, message, span, "unique among what?");
                    self.push(problem.help("write `.next()`: a setup takes the rows from the first on"));
                }
                Meaning::Row(Expr::Row { data: *data, pick }, *data)
            }
            (Meaning::Run(expr, _), "json") => match self.json_path(&bound, call.frame) {
                Some((path, kind)) => Meaning::Run(Expr::Get { value: Box::new(expr.clone()), path }, kind),
                None => Meaning::WRONG,
            },
            (Meaning::Run(_, Type::Json | Type::List) | Meaning::List(_), name) => {
                self.method_of_list(&value, name, &bound, span)
            }
            _ => Meaning::WRONG,
        }
    }

    /// The machine has readings of its own, and everything else is asked.
    fn is_of_monitor(&mut self, monitor: usize, name: &str, span: Span) -> bool {
        let Some(found) = self.out.monitors.get(monitor) else { return true };
        let (kind, is_host) = (found.kind.name(), found.is_host());
        if is_host == (name != "query") {
            return true;
        }
        let message = format!("a monitor of `{kind}(…)` has no `{name}`");
        let problem = Diagnostic::new(Code::E0202, message, span, "another kind of monitor");
        self.push(problem.help(match is_host {
            true => "the machine has `.cpu` and `.memory`",
            false => "ask it with `.query('…')`; `.cpu` and `.memory` are of `host()`",
        }));
        false
    }

    fn series(&mut self, source: SeriesSource, bound: &Arguments<'a>) -> Meaning<'a> {
        let (what, span) = match bound.first() {
            Some((Meaning::Text(text, _), expr)) => (text.clone(), expr.span),
            _ => return Meaning::Unknown(Type::Series),
        };
        let is_page = match source {
            SeriesSource::ServiceMetric(_) => true,
            SeriesSource::Monitor(index) => {
                self.out.monitors.get(index).is_some_and(|m| m.kind == MonitorKind::Metrics)
            }
            SeriesSource::Service(_) | SeriesSource::Host | SeriesSource::InFlight { .. } => false,
        };
        if is_page && let Err(why) = crate::base::exposition::Selector::parse(&what) {
            let problem =
                Diagnostic::new(Code::E0310, format!("this names no series of a page: {why}"), span, "not a name");
            self.push(problem.help("write a name, with labels where only some of its samples are meant"));
            return Meaning::WRONG;
        }
        let (worth, unit) = match bound.get("unit") {
            Some((value, _)) if value.is_unknown() => return Meaning::Unknown(Type::Series),
            Some((value, expr)) => match (value.number(), value.kind()) {
                (Some(worth), kind) => (worth, if kind == Type::Count { Type::Number } else { kind }),
                (None, _) => {
                    let span = expr.span;
                    self.not_constant(span, "a unit must be known before the run");
                    return Meaning::WRONG;
                }
            },
            None => (1.0, Type::Number),
        };
        let missing = match bound.get("missing") {
            Some((value, _)) if value.is_unknown() => return Meaning::Unknown(Type::Series),
            Some((value, expr)) => match self.in_unit(value, expr.span, unit) {
                Some(missing) => Some(missing),
                None => return Meaning::WRONG,
            },
            None => None,
        };
        Meaning::Series(Series { source, what, worth, unit, missing })
    }

    /// A constant in the unit of a series.
    fn in_unit(&mut self, value: &Meaning<'a>, span: Span, unit: Type) -> Option<f64> {
        let Some(number) = value.number() else {
            self.not_constant(span, "what stands for it must be known before the run");
            return None;
        };
        let kind = if value.kind() == Type::Count { Type::Number } else { value.kind() };
        if kind == unit {
            return Some(number);
        }
        let message = format!("`missing` is {}, and the series is {}", kind.a(), unit.a());
        let problem = Diagnostic::new(Code::E0301, message, span, "in the unit of the series");
        self.push(problem.help("say with `unit` what one in the series is worth, and write this in the same unit"));
        None
    }
}
