//! Fields: what follows a `.` without parentheses, by the type of the value before it.

use super::builtins::{self, Field};
use super::meaning::Meaning;
use super::program::{
    Edge, Expr, Function, Member, Metric, Moment, PartKind, PathText, Population, RecoveryFunction, RequestFunction,
    RequestTime, Series, SeriesSource, ServiceKind, Statistic, Subject, Window,
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
                    Some(_) => self.answer_part(*response, &field.text, field.span),
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
        self.push(problem.help("write it after a load, a part of its mix, a flow or a step, such as `main.in_flight`"));
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

    pub(super) fn no_field(&mut self, value: &Meaning<'a>, field: &Name) -> Meaning<'a> {
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

    /// Names are looked up before the load and next to it, so no request waits for that.
    fn no_lookups(&mut self, what: &str, field: &Name) {
        let message = format!("{what} has no `{field}`: no request waits for the lookup of a name");
        let problem = Diagnostic::new(Code::E0202, message, field.span, "no such field");
        let help = "names are looked up before the load, and with `dns: { every: … }` beside it: the time of new connections is `.connect_time` and \
                    `.tls_time`, and where targets were and from when on is `resolved` in run.json";
        self.push(problem.help(help));
    }
}
