//! The parts of a scenario that are built: services, links, targets, data, limits, monitors, sources of alerts.

use super::builtins::{self, Builtin, Kind, options_of};
use super::call::Bound;
use super::inputs::{Content, FileKind};
use super::program::{
    Address, AlertSource, Connections, Data, Demo, Expr, Limit, LimitKind, Link, Monitor, PartKind, Piece, Protocol,
    Service, ServiceKind, Target, Text,
};
use super::scope::FrameId;
use super::session::Session;
use super::types::Type;
use super::value::Value;
use super::words::article;
use crate::base::units::SECOND;
use crate::base::{FileId, Span};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, BuiltKind, Entry, ExprKind};

/// What is known of a source of alerts without asking it.
#[derive(Debug, Clone, Default)]
pub(super) struct AlertFacts {
    pub(super) rules: Option<(String, FileId, Span)>,
    pub(super) evaluation: Option<u64>,
    pub(super) grouping: u64,
}

impl<'a> Session<'a, '_> {
    pub(super) fn built(&mut self, built: &'a ast::Built, frame: FrameId) -> Value<'a> {
        let timing = &built.timing;
        let clause =
            [&timing.at, &timing.during, &timing.every, &timing.length, &timing.at_most].into_iter().flatten().next();
        if let (Some(clause), false) = (clause, matches!(built.kind, BuiltKind::Fault | BuiltKind::Event)) {
            let message = format!("{} has no time of its own", article(built.kind.word()));
            self.push(
                Diagnostic::new(Code::E0114, message, clause.span, "not here").help("faults and events have one"),
            );
        }
        let kind = match built.kind {
            BuiltKind::Service => Kind::Service,
            BuiltKind::Link => Kind::Link,
            BuiltKind::Target => Kind::Target,
            BuiltKind::Data => Kind::Data,
            BuiltKind::Limiter => Kind::Limiter,
            BuiltKind::Semaphore => Kind::Semaphore,
            BuiltKind::Monitor => Kind::Monitor,
            BuiltKind::Alerts => Kind::Alerts,
            BuiltKind::System | BuiltKind::Flow | BuiltKind::Scenario => return self.named_instance(built, frame),
            // Their places are given when the scenario is opened.
            BuiltKind::Fault | BuiltKind::Event => return Value::WRONG,
        };
        let call = match &built.constructor.kind {
            ExprKind::Call { function, arguments } => Some((function, arguments.as_slice())),
            ExprKind::Wrong => None,
            _ => {
                let problem =
                    Diagnostic::new(Code::E0307, "a constructor is needed here", built.constructor.span, "not a call");
                self.push(problem.help(listed("write one of", builtins::names(kind))));
                None
            }
        };
        let builtin = call.and_then(|(function, _)| {
            let found = builtins::of_kind(kind, &function.text);
            if found.is_none() {
                let message = format!("`{function}` builds no {}", built.kind.word());
                let problem = Diagnostic::new(Code::E0201, message, function.span, "no such constructor");
                self.push(problem.did_you_mean(function.span, &function.text, builtins::names(kind)));
            }
            found
        });
        let bound = match (call, builtin) {
            (Some((function, arguments)), Some(builtin)) => {
                self.arguments(function, builtin.parameters, builtin.variadic, arguments, built.constructor.span, frame)
            }
            _ => None,
        };
        let name = format!("{}{}", self.path_of(frame), built.name);
        match (built.kind, builtin, bound) {
            (BuiltKind::Service, Some(builtin), Some(bound)) => self.service(name, built, builtin, &bound, frame),
            (BuiltKind::Link, Some(builtin), Some(bound)) => self.link(name, builtin, &bound, built),
            (BuiltKind::Target, Some(builtin), Some(bound)) => self.target(name, built, builtin, &bound, frame),
            (BuiltKind::Data, Some(builtin), Some(bound)) => self.data(name, built, builtin, &bound, frame),
            (BuiltKind::Limiter | BuiltKind::Semaphore, Some(_), Some(bound)) => self.limit(name, built, &bound),
            (BuiltKind::Monitor, Some(builtin), Some(bound)) => {
                let address = self.page_address(bound.first().and_then(|b| b.as_ref()), false);
                self.out.monitors.push(Monitor { name, kind: builtin.name.to_owned(), address });
                Value::Part(Type::Monitor, self.out.monitors.len() - 1)
            }
            (BuiltKind::Alerts, Some(builtin), Some(bound)) => self.alerts(name, built, builtin, &bound, frame),
            // The options are read all the same, for what is wrong in them.
            _ => {
                for entry in &built.options {
                    self.known_option(entry, built.kind.word());
                }
                match built.kind {
                    BuiltKind::Target => {
                        self.refused_target = true;
                        Value::WRONG
                    }
                    _ => Value::WRONG,
                }
            }
        }
    }

    /// `system sut = shop.storefront()`: the instance under a name.
    fn named_instance(&mut self, built: &'a ast::Built, frame: FrameId) -> Value<'a> {
        let wanted = match built.kind {
            BuiltKind::System => Type::System,
            BuiltKind::Flow => Type::Flow,
            _ => Type::Scenario,
        };
        if let Some(option) = built.options.first() {
            self.unknown_option(option, built.kind.word());
        }
        // The parts of a system are made when they are asked for, so that only their names tell how deep it goes.
        if wanted == Type::System && self.path_of(frame).matches('.').count() > super::session::DEEPEST {
            self.circle_of_templates(built.constructor.span);
            return Value::WRONG;
        }
        let before = self.diagnostics.count();
        let value = self.eval(&built.constructor, frame);
        match (value, wanted) {
            (Value::System(inner), Type::System) => {
                let path = format!("{}{}.", self.path_of(frame), built.name);
                self.frames[inner].path = path;
                Value::System(inner)
            }
            (Value::Samples(population, unit, Type::Flow), Type::Flow) => {
                if let Some(flow) = population.flow.and_then(|flow| self.out.flows.get_mut(flow)) {
                    flow.name.clone_from(&built.name.text);
                }
                Value::Samples(population, unit, Type::Flow)
            }
            (value @ Value::Definition(ast::Item::Scenario(_), _), Type::Scenario) => value,
            (Value::Unknown(kind), _) if kind == wanted => Value::Unknown(kind),
            (Value::Unknown(Type::Wrong), _) if self.diagnostics.count() > before || self.is_lost(frame) => {
                Value::WRONG
            }
            (Value::Unknown(Type::Wrong), _) => Value::WRONG,
            (other, _) => {
                let message = format!("{} is needed here, and this is {}", wanted.a(), other.kind().a());
                self.push(Diagnostic::new(Code::E0207, message, built.constructor.span, other.kind().a()));
                Value::WRONG
            }
        }
    }

    /// The names of the systems around a frame, each with a dot.
    fn path_of(&self, frame: FrameId) -> String {
        let mut at = Some(frame);
        while let Some(id) = at {
            if !self.frames[id].path.is_empty() {
                return self.frames[id].path.clone();
            }
            at = self.frames[id].parent;
        }
        String::new()
    }

    fn service(
        &mut self,
        name: String,
        built: &'a ast::Built,
        builtin: &Builtin,
        bound: &Bound<'a>,
        frame: FrameId,
    ) -> Value<'a> {
        let number = |place: usize| bound.get(place).and_then(|b| b.as_ref()).and_then(|(value, _)| value.number());
        let pieces = |place: usize| bound.get(place).and_then(|b| b.as_ref()).and_then(|(value, _)| value.pieces());
        let span = |place: usize| {
            bound.get(place).and_then(|b| b.as_ref()).map_or(built.constructor.span, |(_, expr)| expr.span)
        };
        let kind = match builtin.name {
            "attach" => match number(0) {
                Some(port) if (1.0..65536.0).contains(&port) => ServiceKind::Attach { port: port as u16 },
                Some(_) => {
                    self.out_of_range(span(0), "a port is a whole number from 1 to 65535");
                    ServiceKind::Attach { port: 1 }
                }
                None => ServiceKind::Attach { port: 1 },
            },
            "process" => {
                let arguments = (1..bound.len()).filter_map(pieces).collect();
                let program = match bound.first().and_then(|b| b.as_ref()) {
                    // A name without a `/` is looked for in the directories of PATH.
                    Some((Value::Text(program, from), _)) if program.contains('/') => {
                        vec![Piece::Literal(self.beside(program, *from))]
                    }
                    _ => pieces(0).unwrap_or_default(),
                };
                ServiceKind::Process { program, arguments }
            }
            "postgres" => ServiceKind::Postgres,
            _ => {
                if number(0).is_some_and(|pool| !(1.0..=256.0).contains(&pool)) {
                    self.out_of_range(span(0), "the pool of the demo shop has 1 to 256 connections");
                }
                for place in [0, 1, 2, 3, 4, 5, 7, 8, 11] {
                    if number(place).is_some_and(|value| value < 0.0) {
                        self.out_of_range(span(place), "a negative value makes no sense here");
                    }
                }
                for (place, what) in [(4, "a share of errors"), (8, "a share of orders")] {
                    if number(place).is_some_and(|share| share > 1.0) {
                        self.out_of_range(span(place), &format!("{what} lies between 0% and 100%"));
                    }
                }
                let is = |place: usize| matches!(bound.get(place), Some(Some((Value::Bool(true), _))));
                ServiceKind::Demo(Demo {
                    pool: number(0).map(|v| v.max(1.0) as u32),
                    slots: number(1).map(|v| v as u32),
                    rate_limit: number(2),
                    slow: number(3).map(|v| v as u64),
                    error_rate: number(4),
                    leak: number(5).map(|v| v as u64),
                    slow_orders: number(7).map(|v| v as u64),
                    loses: number(8),
                    never_reconnects: is(9),
                    forgets_keys: is(10),
                    cache: number(11).map(|v| v as u64),
                    database: pieces(6),
                })
            }
        };
        let mut service = Service {
            name,
            kind,
            ready: None,
            ready_within: 30 * SECOND,
            stop_within: 5 * SECOND,
            port: None,
            metrics: None,
            env: Vec::new(),
            files: Vec::new(),
            dir: None,
            restart: false,
        };
        for entry in &built.options {
            let Some(value) = self.option(entry, "service", frame) else { continue };
            let label = entry.label.text.as_str();
            let is_of_it = match service.kind {
                ServiceKind::Process { .. } => true,
                ServiceKind::Demo(_) => label != "files",
                ServiceKind::Postgres => !matches!(label, "files" | "dir"),
                ServiceKind::Attach { .. } => matches!(label, "ready" | "ready_within" | "stop_within" | "metrics"),
            };
            if !is_of_it {
                let message = format!("`{}(…)` has no option `{label}`", builtin.name);
                let problem = Diagnostic::new(Code::E0205, message, entry.label.span, "no such option");
                self.push(problem.help("it is an option of `process(…)`"));
            }
            match label {
                "ready" => {
                    if let Value::Text(path, _) = &value
                        && !path.starts_with('/')
                        && !path.contains("://")
                    {
                        self.out_of_range(entry.value.span, "a path starts with `/`");
                    }
                    service.ready = value.pieces();
                }
                "ready_within" => service.ready_within = value.number().unwrap_or(0.0) as u64,
                "stop_within" => service.stop_within = value.number().unwrap_or(0.0) as u64,
                "port" => {
                    if value.number().is_some_and(|port| !(1.0..65536.0).contains(&port)) {
                        self.out_of_range(entry.value.span, "a port is a whole number from 1 to 65535");
                    }
                    service.port = value.expr();
                }
                "metrics" => service.metrics = self.page_address(Some(&(value, &entry.value)), true),
                "env" => service.env = self.texts(&value, entry),
                "files" => {
                    service.files = self.texts(&value, entry);
                    let leaves = |name: &str| name.starts_with('/') || name.split('/').any(|part| part == "..");
                    if service.files.iter().any(|(name, _)| name.is_empty() || leaves(name)) {
                        self.out_of_range(entry.value.span, "files lie in the private directory of the service");
                    }
                }
                "dir" => {
                    if let Value::Text(dir, from) = &value {
                        service.dir = Some(self.beside(dir, *from));
                    }
                }
                _ => service.restart = matches!(value, Value::Bool(true)),
            }
        }
        // A path is asked for at its port.
        let is_path =
            |text: &Option<Text>| matches!(text.as_deref(), Some([Piece::Literal(path), ..]) if path.starts_with('/'));
        let paths = [("ready", is_path(&service.ready)), ("metrics", is_path(&service.metrics))];
        // Behind what its arguments and options name, which is started before it.
        self.out.services.push(service);
        let place = self.out.services.len() - 1;
        for entry in &built.options {
            if paths.contains(&(entry.label.text.as_str(), true)) {
                self.has_port(place, entry.value.span);
            }
        }
        Value::Part(Type::Service, place)
    }

    /// A path that is relative to the file that names it.
    fn beside(&self, path: &str, from: FileId) -> String {
        let own = &self.world.sources.get(from).name;
        match own.rsplit_once('/') {
            Some((directory, _)) if !path.starts_with('/') => format!("{directory}/{path}"),
            _ => path.to_owned(),
        }
    }

    /// Where something is asked once a second: a path of a service, or a URL that may name where services listen.
    fn page_address(&mut self, given: Option<&(Value<'a>, &'a ast::Expr)>, of_service: bool) -> Option<Text> {
        let (value, expr) = given?;
        let pieces = value.pieces()?;
        let is_known = |piece: &Piece| match piece {
            Piece::Literal(_) => true,
            Piece::Value(Expr::Part { part: PartKind::Service, field, .. }) => !field.contains(' '),
            Piece::Value(Expr::Port(_)) => true,
            Piece::Value(_) => false,
        };
        match pieces.first() {
            Some(Piece::Literal(text)) if text.starts_with("https://") => self.later("TLS", expr.span),
            Some(Piece::Literal(text)) if text.starts_with("http://") || (of_service && text.starts_with('/')) => {}
            Some(Piece::Literal(_)) => self.out_of_range(
                expr.span,
                match of_service {
                    true => "a path starts with `/`, an address with `http://`",
                    false => "an address starts with `http://`",
                },
            ),
            _ => {}
        }
        if !pieces.iter().all(is_known) {
            self.later("an address that is known late", expr.span);
        }
        Some(pieces)
    }

    /// The texts of an object, by their names.
    fn texts(&mut self, value: &Value<'a>, entry: &'a Entry) -> Vec<(String, Text)> {
        let Value::Object(fields) = value else { return Vec::new() };
        let mut texts = Vec::new();
        for (name, value) in fields {
            match value.pieces() {
                Some(pieces) => texts.push((name.text.clone(), pieces)),
                None => {
                    let kind = value.kind().a();
                    self.push(Diagnostic::new(
                        Code::E0301,
                        format!("a Text is needed for `{name}`, and this is {kind}"),
                        entry.value.span,
                        kind,
                    ));
                }
            }
        }
        texts
    }

    fn link(&mut self, name: String, builtin: &Builtin, bound: &Bound<'a>, built: &'a ast::Built) -> Value<'a> {
        for option in &built.options {
            self.unknown_option(option, "link");
        }
        let given = bound.first().and_then(|b| b.as_ref());
        let to = given.and_then(|(value, _)| value.pieces()).unwrap_or_default();
        let span = given.map_or(built.constructor.span, |(_, expr)| expr.span);
        let is_known = |piece: &Piece| match piece {
            Piece::Literal(_) => true,
            Piece::Value(Expr::Part { field, .. }) => matches!(field.as_str(), "address" | "host" | "port"),
            Piece::Value(_) => false,
        };
        match to.as_slice() {
            [Piece::Literal(text)] if !is_address(text) => {
                let message = format!("`{text}` is no address");
                let problem = Diagnostic::new(Code::E0310, message, span, "not `host:port`");
                self.push(problem.help("write host and port without a scheme or a path: `127.0.0.1:8080`"));
            }
            pieces if !pieces.iter().all(is_known) => self.later("an address that is known late", span),
            _ => {}
        }
        self.out.links.push(Link { name, http: builtin.name == "http", to, before: None });
        Value::Part(Type::Link, self.out.links.len() - 1)
    }

    fn target(
        &mut self,
        name: String,
        built: &'a ast::Built,
        builtin: &Builtin,
        bound: &Bound<'a>,
        frame: FrameId,
    ) -> Value<'a> {
        let protocol = match builtin.name {
            "postgres" => Protocol::Postgres,
            "mysql" => Protocol::Mysql,
            "sqlite" => Protocol::Sqlite,
            "tcp" => Protocol::Tcp,
            "websocket" => Protocol::Websocket,
            "grpc" => Protocol::Grpc,
            "redis" => Protocol::Redis,
            _ => Protocol::Http,
        };
        // A database can be hurt from within; what speaks to it is refused where it does.
        let is_database = matches!(protocol, Protocol::Postgres | Protocol::Mysql);
        if protocol != Protocol::Http && !is_database {
            self.later(format!("a target of `{}(…)`", builtin.name), built.constructor.span);
        }
        let given = bound.first().and_then(|b| b.as_ref());
        let span = given.map_or(built.constructor.span, |(_, expr)| expr.span);
        let mut good = true;
        let address = match given.map(|(value, _)| value) {
            Some(Value::Part(Type::Service, service)) => Address::Service(*service),
            Some(value) => match value.pieces().as_deref() {
                Some([Piece::Literal(url)]) if protocol == Protocol::Http => match parse_url(url) {
                    Ok((host, port)) => Address::Url { host, port },
                    Err(_) if url.starts_with("https://") => {
                        self.later("TLS", span);
                        Address::Late(vec![Piece::Literal(url.clone())])
                    }
                    Err(why) => {
                        let problem =
                            Diagnostic::new(Code::E0310, format!("this is no address: {why}"), span, "not an address");
                        self.push(problem.help("write `http://host:port`"));
                        good = false;
                        Address::Late(Vec::new())
                    }
                },
                Some([Piece::Value(Expr::Part { part: PartKind::Service, index, field })])
                    if field == "url" && protocol == Protocol::Http =>
                {
                    Address::Service(*index)
                }
                Some([Piece::Value(Expr::Part { part, index, field })])
                    if protocol == Protocol::Http && through(*part, *index, field).is_some() =>
                {
                    through(*part, *index, field).map_or(Address::Late(Vec::new()), Address::Link)
                }
                Some(pieces) => {
                    if !is_database && !pieces.is_empty() && !matches!(pieces, [Piece::Literal(_)]) {
                        self.later("a target whose address is known late", span);
                    }
                    Address::Late(pieces.to_vec())
                }
                None => Address::Late(Vec::new()),
            },
            None => Address::Late(Vec::new()),
        };
        let mut target = Target {
            name,
            protocol,
            address,
            timeout: 10 * SECOND,
            connections: None,
            redirects: 0,
            cookies: true,
            untraced: false,
            headers: Vec::new(),
            settings: Vec::new(),
        };
        for entry in &built.options {
            match entry.label.text.as_str() {
                "connections" => target.connections = self.connections(entry, frame),
                "auth" => self.auth(entry, frame, &mut target),
                _ => {
                    let Some(value) = self.option(entry, "target", frame) else { continue };
                    self.target_option(entry, &value, &mut target);
                }
            }
            let runs = ["timeout", "connections", "redirects", "cookies", "headers", "auth", "trace"];
            if !runs.contains(&entry.label.text.as_str()) {
                self.later(format!("`{}:` of a target", entry.label), entry.label.span);
            }
        }
        if !good {
            self.refused_target = true;
            return Value::WRONG;
        }
        self.out.targets.push(target);
        Value::Part(builtin.result, self.out.targets.len() - 1)
    }

    fn target_option(&mut self, entry: &'a Entry, value: &Value<'a>, target: &mut Target) {
        match entry.label.text.as_str() {
            "timeout" => match value.number() {
                Some(ns) if ns >= 1.0 => target.timeout = ns as u64,
                Some(_) => self.out_of_range(entry.value.span, "a timeout of nothing fails every request"),
                None => {}
            },
            "redirects" => match value.number() {
                Some(most) if (0.0..=20.0).contains(&most) => target.redirects = most as u64,
                Some(_) => self.out_of_range(entry.value.span, "0 to 20 redirects are followed"),
                None => {}
            },
            "cookies" => {
                if let Value::Bool(keeps) = value {
                    target.cookies = *keeps;
                }
            }
            "headers" => self.target_headers(entry, value, target),
            "trace" => target.untraced = matches!(value.expr(), Some(Expr::Bool(false))),
            "http" if !value.is_unknown() && !matches!(value.number(), Some(1.0 | 2.0)) => {
                self.out_of_range(entry.value.span, "HTTP is spoken in version 1 or 2");
            }
            "tls" => {
                if let Value::Object(fields) = value {
                    for (name, _) in fields {
                        if !matches!(name.text.as_str(), "ca" | "cert" | "key" | "verify") {
                            let problem = Diagnostic::new(
                                Code::E0205,
                                format!("TLS has no option `{name}`"),
                                name.span,
                                "no such option",
                            );
                            self.push(problem.did_you_mean(
                                name.span,
                                &name.text,
                                ["ca", "cert", "key", "verify"].into_iter(),
                            ));
                        }
                    }
                }
                target.settings.push((entry.label.text.clone(), value.pieces().unwrap_or_default()));
            }
            "dns" => {
                if let Value::Text(when, _) = value
                    && !matches!(when.as_str(), "once" | "each")
                {
                    self.out_of_range(entry.value.span, "`dns` is \"once\" or \"each\"");
                }
                target.settings.push((entry.label.text.clone(), value.pieces().unwrap_or_default()));
            }
            _ => target.settings.push((entry.label.text.clone(), value.pieces().unwrap_or_default())),
        }
    }

    fn connections(&mut self, entry: &'a Entry, frame: FrameId) -> Option<Connections> {
        match &entry.value.kind {
            ExprKind::Name(name) if name.text == "per_user" => Some(Connections::PerUser),
            ExprKind::Name(name) if name.text == "per_request" => Some(Connections::PerRequest),
            ExprKind::Call { function, arguments } if function.text == "pool" => {
                let builtin = builtins::of_kind(Kind::Connections, "pool")?;
                let bound = self.arguments(function, builtin.parameters, false, arguments, entry.value.span, frame)?;
                let size = bound.first()?.as_ref()?.0.number()?;
                if size < 1.0 {
                    self.out_of_range(entry.value.span, "a pool has at least one connection");
                }
                Some(Connections::Pool(size as u64))
            }
            ExprKind::Wrong => None,
            _ => {
                let text = self.text(entry.value.span);
                let problem = Diagnostic::new(
                    Code::E0301,
                    format!("`{text}` is no policy of connections"),
                    entry.value.span,
                    "not a policy",
                );
                self.push(problem.help("write `per_user`, `per_request` or `pool(32)`"));
                None
            }
        }
    }

    /// Headers of every request. What stands in them may be computed for each, but takes no rows.
    fn target_headers(&mut self, entry: &'a Entry, value: &Value<'a>, target: &mut Target) {
        let (Value::Object(fields), ExprKind::Object(entries)) = (value, &entry.value.kind) else { return };
        for ((label, value), entry) in fields.iter().zip(entries) {
            let span = entry.value.span;
            let kinds = [Type::Text, Type::Secret, Type::Number, Type::Count];
            let value = self.fit(value.clone(), span, &kinds);
            let Some((name, pieces)) = self.header(label, &value, span) else { continue };
            let takes_rows = |piece: &Piece| match piece {
                Piece::Literal(_) => false,
                Piece::Value(value) => value.any(&mut |part| matches!(part, Expr::Row { .. })),
            };
            if pieces.iter().any(takes_rows) {
                let problem = Diagnostic::new(Code::E0114, "a row is taken by a flow", span, "not here");
                self.push(problem.help("write this header in the `headers:` of the requests"));
            }
            self.target_header(name, pieces, label.span, target);
        }
    }

    fn target_header(&mut self, name: String, pieces: Text, span: Span, target: &mut Target) {
        if target.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(&name)) {
            let problem = Diagnostic::new(Code::E0203, format!("`{name}` is there already"), span, "a second one");
            self.push(problem.help("a header is said once; of `auth:` and an `Authorization` keep one"));
            return;
        }
        target.headers.push((name, pieces));
    }

    fn auth(&mut self, entry: &'a Entry, frame: FrameId, target: &mut Target) {
        let known = || builtins::names(Kind::Auth);
        let ExprKind::Call { function, arguments } = &entry.value.kind else {
            let problem = Diagnostic::new(Code::E0301, "this is no authentication", entry.value.span, "not a call");
            self.push(problem.help(listed("write one of", known())));
            return;
        };
        let Some(builtin) = builtins::of_kind(Kind::Auth, &function.text) else {
            let problem = Diagnostic::new(
                Code::E0201,
                format!("`{function}` is no authentication"),
                function.span,
                "no such one",
            );
            self.push(problem.did_you_mean(function.span, &function.text, known()));
            return;
        };
        if let Some(bound) = self.arguments(function, builtin.parameters, false, arguments, entry.value.span, frame) {
            let pieces = |place: usize| {
                let given = bound.get(place).and_then(Option::as_ref);
                given.and_then(|(value, _)| value.pieces()).unwrap_or_default()
            };
            let is_literal = |place: usize, wrong: &[char]| {
                pieces(place).iter().any(|piece| matches!(piece, Piece::Literal(text) if text.contains(wrong)))
            };
            let span = |place: usize| {
                bound.get(place).and_then(Option::as_ref).map_or(entry.value.span, |(_, expr)| expr.span)
            };
            let text = if builtin.name == "basic" {
                if is_literal(0, &[':']) {
                    self.out_of_range(span(0), "a name has no `:` (RFC 7617), which ends it");
                }
                let mut pair = pieces(0);
                pair.push(Piece::Literal(":".to_owned()));
                pair.extend(pieces(1));
                let coded = Expr::Call { function: "base64".to_owned(), arguments: vec![Expr::Text(pair)] };
                vec![Piece::Literal("Basic ".to_owned()), Piece::Value(coded)]
            } else {
                if is_literal(0, &['\r', '\n', '\0', ' ']) {
                    self.out_of_range(span(0), "a token is one word (RFC 6750)");
                }
                let mut text = vec![Piece::Literal("Bearer ".to_owned())];
                text.extend(pieces(0));
                text
            };
            self.target_header("Authorization".to_owned(), text, entry.label.span, target);
        }
    }

    fn data(
        &mut self,
        name: String,
        built: &'a ast::Built,
        builtin: &Builtin,
        bound: &Bound<'a>,
        frame: FrameId,
    ) -> Value<'a> {
        let format = match builtin.name {
            "json" => FileKind::Json,
            "jsonl" => FileKind::JsonLines,
            _ => FileKind::Csv,
        };
        let mut declared = Vec::new();
        for entry in &built.options {
            if entry.label.text != "columns" {
                self.unknown_option(entry, "data");
                continue;
            }
            let ExprKind::Object(fields) = &entry.value.kind else {
                self.option(entry, "data", frame);
                continue;
            };
            for field in fields {
                let kind = match &field.value.kind {
                    ExprKind::Name(name) => Type::parse(&name.text),
                    _ => None,
                };
                let text = self.text(field.value.span);
                match kind.or_else(|| Type::parse(&text)) {
                    Some(kind @ (Type::Text | Type::Number | Type::Count | Type::Bool)) => {
                        declared.push((&field.label, kind));
                    }
                    _ => {
                        let problem = Diagnostic::new(
                            Code::E0201,
                            format!("no column is of type `{text}`"),
                            field.value.span,
                            "not a type of cells",
                        );
                        self.push(problem.help("a cell is Text, Number, Count or Bool"));
                    }
                }
            }
        }
        let Some(Some((Value::Text(path, from), expr))) = bound.first() else { return Value::Unknown(Type::Data) };
        let Some(Content::Table(table)) = self.content(path, *from, format, expr.span) else { return Value::WRONG };
        let mut columns = table.columns.clone();
        for (_, own) in &mut columns {
            // Only a declaration tells whole numbers from others, and truth from words.
            *own = match *own {
                Type::Count => Type::Number,
                Type::Bool if builtin.name == "csv" => Type::Text,
                own => own,
            };
        }
        for (label, kind) in declared {
            let found = table.columns.iter().find(|(name, _)| *name == label.text).map(|(_, own)| *own);
            match found.zip(columns.iter_mut().find(|(name, _)| *name == label.text)) {
                Some((found, (_, own))) if kind == Type::Text || kind.accepts(found) => *own = kind,
                Some((own, _)) => {
                    let message = format!("not every cell of `{label}` is {}", kind.a());
                    let found = own.a();
                    self.push(
                        Diagnostic::new(Code::E0310, message, label.span, found)
                            .help("declare it as Text, or mend the file"),
                    );
                }
                None => {
                    let known: Vec<&str> = table.columns.iter().map(|(name, _)| name.as_str()).collect();
                    let problem = Diagnostic::new(
                        Code::E0202,
                        format!("`{path}` has no column `{label}`"),
                        label.span,
                        "no such column",
                    );
                    self.push(problem.did_you_mean(label.span, &label.text, known.into_iter()));
                }
            }
        }
        let (path, sha256, rows) = (table.path.clone(), table.sha256.clone(), table.rows);
        let times = table.times.clone();
        self.out.data.push(Data { name, path, format: builtin.name.to_owned(), sha256, rows, columns, times });
        Value::Part(Type::Data, self.out.data.len() - 1)
    }

    fn limit(&mut self, name: String, built: &'a ast::Built, bound: &Bound<'a>) -> Value<'a> {
        for option in &built.options {
            self.unknown_option(option, built.kind.word());
        }
        let value =
            bound.first().and_then(|b| b.as_ref()).map(|(value, _)| value.number().unwrap_or(1.0)).unwrap_or(1.0);
        if value <= 0.0 {
            self.out_of_range(built.constructor.span, "a limit lets something through");
        }
        let (kind, of) = match built.kind {
            BuiltKind::Limiter => (LimitKind::Rate(value), Type::Limiter),
            _ => (LimitKind::Slots(value as u64), Type::Semaphore),
        };
        self.out.limits.push(Limit { name, kind });
        Value::Part(of, self.out.limits.len() - 1)
    }

    fn alerts(
        &mut self,
        name: String,
        built: &'a ast::Built,
        builtin: &Builtin,
        bound: &Bound<'a>,
        frame: FrameId,
    ) -> Value<'a> {
        self.later("`alerts`", built.span);
        let address = bound.first().and_then(|b| b.as_ref()).and_then(|(value, _)| value.pieces()).unwrap_or_default();
        let mut source = AlertSource { name, kind: builtin.name.to_owned(), address, receiver: None, rules: None };
        let mut facts = AlertFacts::default();
        for entry in &built.options {
            let Some(value) = self.option(entry, "alerts", frame) else { continue };
            match (entry.label.text.as_str(), &value) {
                ("rules", Value::Text(path, from)) => {
                    self.content(path, *from, FileKind::Rules, entry.value.span);
                    source.rules = Some(path.clone());
                    facts.rules = Some((path.clone(), *from, entry.value.span));
                }
                ("receiver", value) => source.receiver = value.pieces(),
                ("evaluation", value) => facts.evaluation = value.number().map(|ns| ns as u64),
                ("grouping", value) => facts.grouping = value.number().unwrap_or(0.0) as u64,
                _ => {}
            }
        }
        self.out.alert_sources.push(source);
        self.alert_facts.push(facts);
        Value::Part(Type::Alerts, self.out.alert_sources.len() - 1)
    }

    /// The value of an option; `None` where it is refused.
    pub(super) fn option(&mut self, entry: &'a Entry, of: &str, frame: FrameId) -> Option<Value<'a>> {
        if !self.known_option(entry, of) {
            self.eval(&entry.value, frame);
            return None;
        }
        let option = options_of(of).find(|option| option.name == entry.label.text)?;
        let value = self.eval_as(&entry.value, frame, option.kinds);
        if value.number().is_some_and(|number| number < 0.0) {
            self.out_of_range(entry.value.span, "a negative value makes no sense here");
            return None;
        }
        (!value.is_wrong()).then_some(value)
    }

    fn known_option(&mut self, entry: &'a Entry, of: &str) -> bool {
        let known = options_of(of).any(|option| option.name == entry.label.text);
        if !known {
            self.unknown_option(entry, of);
        }
        known
    }

    pub(super) fn unknown_option(&mut self, entry: &'a Entry, of: &str) {
        let label = &entry.label;
        let problem =
            Diagnostic::new(Code::E0205, format!("there is no option `{label}` here"), label.span, "no such option");
        self.push(match super::words::stage_of_elsewhere(&label.text).filter(|_| of == "load") {
            Some(help) => problem.help(help),
            None => problem.did_you_mean(label.span, &label.text, options_of(of).map(|option| option.name)),
        });
    }
}

fn listed<'n>(lead: &str, names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}(…)`")).collect();
    format!("{lead} {}", names.join(", "))
}

/// Host and port of an `http://` URL without a path.
fn parse_url(url: &str) -> Result<(String, u16), &'static str> {
    let rest = match url.split_once("://") {
        Some(("http", rest)) => rest,
        Some(_) => return Err("only http:// is spoken here"),
        None => return Err("it does not start with http://"),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains('/') {
        return Err("paths belong to the requests");
    }
    let (host, port) = match rest
        .rsplit_once(':')
        .filter(|(host, _)| !host.ends_with(':') && (!host.contains('[') || host.ends_with(']')))
    {
        Some((host, port)) => (host, port.parse().map_err(|_| "the port is not a number up to 65535")?),
        None => (rest, 80),
    };
    if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c == '@') {
        return Err("the host is missing or malformed");
    }
    Ok((host.to_owned(), port))
}

/// The link that a URL leads through: one of its own, or of a service reached through it.
fn through(part: PartKind, index: usize, field: &str) -> Option<usize> {
    match part {
        PartKind::Link => (field == "url").then_some(index),
        PartKind::Service => field.strip_prefix("url via ")?.parse().ok(),
    }
}

/// `host:port`
fn is_address(text: &str) -> bool {
    let (host, port) = text.rsplit_once(':').unwrap_or_default();
    !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::parse_url;

    #[test]
    fn urls_give_host_and_port() {
        assert_eq!(parse_url("http://127.0.0.1:8080"), Ok(("127.0.0.1".into(), 8080)));
        assert_eq!(parse_url("http://[::1]:8080/"), Ok(("[::1]".into(), 8080)));
        assert_eq!(parse_url("http://shop"), Ok(("shop".into(), 80)));
        assert!(parse_url("https://shop").is_err());
        assert!(parse_url("http://shop/path").is_err());
        assert!(parse_url("http://shop:99999").is_err());
    }
}
