//! Checks services: what they are started with, and where their pages are.

use super::bound::{Arguments, Given};
use super::builtins::Builtin;
use super::meaning::Meaning;
use super::program::{Demo, Expr, PartKind, Piece, Service, ServiceKind, Text};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::socket::UnixSocket;
use crate::base::units::{MILLISECOND, SECOND};
use crate::base::{FileId, Span};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, Entry};
// Of core, which opens nothing.
use core::net::SocketAddr;

/// Who runs already listens already.
const ACCEPTS_WITHIN: u64 = SECOND;

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn service(
        &mut self,
        name: String,
        built: &'a ast::Built,
        builtin: &Builtin,
        bound: &Arguments<'a>,
        frame: FrameId,
    ) -> Meaning<'a> {
        let span = |name: &str| bound.span(name, built.constructor.span);
        let kind = match builtin.name {
            "attach" => match bound.number("port") {
                Some(port) if (1.0..65536.0).contains(&port) => ServiceKind::Attach { port: port as u16 },
                Some(_) => {
                    self.out_of_range(span("port"), "a port is a whole number from 1 to 65535");
                    ServiceKind::Attach { port: 1 }
                }
                None => ServiceKind::Attach { port: 1 },
            },
            "process" => {
                let arguments = bound.all("argument").filter_map(|(value, _)| value.pieces()).collect();
                let program = match bound.value("program") {
                    // A name without a `/` is looked for in the directories of PATH.
                    Some(Meaning::Text(program, from)) if program.contains('/') => {
                        vec![Piece::Literal(self.beside(program, *from))]
                    }
                    Some(value) => {
                        let mut pieces = value.pieces().unwrap_or_default();
                        let has_slash = |piece: &Piece| matches!(piece, Piece::Literal(text) if text.contains('/'));
                        let is_path = pieces.iter().any(has_slash);
                        if let (Some(Piece::Literal(first)), true) = (pieces.first_mut(), is_path) {
                            *first = self.beside(first, span("program").file);
                        }
                        pieces
                    }
                    None => Vec::new(),
                };
                ServiceKind::Process { program, arguments }
            }
            "postgres" => ServiceKind::Postgres,
            _ => ServiceKind::Demo(self.demo(built, bound)),
        };
        let mut service = Service::new(name, kind);
        let asks = built.options.iter().any(|entry| entry.label.text == "ready");
        if matches!(service.kind, ServiceKind::Attach { .. }) && !asks {
            service.ready_within = ACCEPTS_WITHIN;
        }
        for entry in &built.options {
            if let Some(value) = self.option(entry, "service", frame) {
                self.service_option(&mut service, builtin, entry, value);
            }
        }
        // A path is asked for at its port.
        let is_path =
            |text: &Option<Text>| matches!(text.as_deref(), Some([Piece::Literal(path), ..]) if path.starts_with('/'));
        let paths = [("ready", is_path(&service.ready)), ("metrics", is_path(&service.metrics))];
        // After what its arguments and options name, which is started before it.
        self.out.services.push(service);
        self.service_spans.push(built.name.span);
        let place = self.out.services.len() - 1;
        for entry in &built.options {
            if paths.contains(&(entry.label.text.as_str(), true)) {
                self.has_port(place, entry.value.span);
            }
        }
        Meaning::Part(Type::Service, place)
    }

    fn demo(&mut self, built: &'a ast::Built, bound: &Arguments<'a>) -> Demo {
        let span = |name: &str| bound.span(name, built.constructor.span);
        if bound.number("pool").is_some_and(|pool| !(1.0..=256.0).contains(&pool)) {
            self.out_of_range(span("pool"), "the pool of the demo shop has 1 to 256 connections");
        }
        for (_, expr) in bound.given().filter(|(value, _)| value.number().is_some_and(|value| value < 0.0)) {
            self.out_of_range(expr.span, "must not be negative");
        }
        for (name, what) in
            [("errors", "a share of errors"), ("loses", "a share of orders"), ("alert_above", "a share of errors")]
        {
            if bound.number(name).is_some_and(|share| share > 1.0) {
                self.out_of_range(span(name), &format!("{what} lies between 0% and 100%"));
            }
        }
        if bound.number("news").is_some_and(|every| (0.0..MILLISECOND as f64).contains(&every)) {
            self.out_of_range(span("news"), "news are told every 1ms at most");
        }
        for name in ["alerts", "payments"] {
            let Some(Meaning::Text(text, _)) = bound.value(name) else { continue };
            if text.parse().ok().is_none_or(|address: SocketAddr| !address.ip().is_loopback()) {
                let (message, span) = (format!("`{text}` is not an address of this machine"), span(name));
                let problem = Diagnostic::new(Code::E0310, message, span, "not a host and a port of it");
                self.push(problem.help(format!("write it like `{name}: \"127.0.0.1:9199\"`")));
            }
        }
        let whole = |name: &str| bound.number(name).map(|value| value as u64);
        Demo {
            pool: bound.number("pool").map(|pool| pool.max(1.0) as u32),
            slots: bound.number("slots").map(|slots| slots as u32),
            rate_limit: bound.number("rate_limit"),
            slow: whole("slow"),
            error_rate: bound.number("errors"),
            leak: whole("leak"),
            slow_orders: whole("slow_orders"),
            loses: bound.number("loses"),
            never_reconnects: bound.is_true("never_reconnects"),
            forgets_keys: bound.is_true("forgets_keys"),
            cache: whole("cache"),
            tls: bound.is_true("tls"),
            database: bound.pieces("database"),
            alerts: bound.pieces("alerts"),
            alert_above: bound.number("alert_above"),
            payments: bound.pieces("payments"),
            news: whole("news"),
        }
    }

    fn service_option(&mut self, service: &mut Service, builtin: &Builtin, entry: &'a Entry, value: Meaning<'a>) {
        let label = entry.label.text.as_str();
        let is_of_it = match service.kind {
            ServiceKind::Process { .. } => label != "may_be_down",
            ServiceKind::Demo(_) => !matches!(label, "files" | "may_be_down"),
            ServiceKind::Postgres => !matches!(label, "files" | "dir" | "may_be_down"),
            ServiceKind::Attach { .. } => {
                matches!(label, "ready" | "ready_within" | "stop_within" | "metrics" | "may_be_down")
            }
        };
        if !is_of_it {
            let message = format!("`{}(…)` has no option `{label}`", builtin.name);
            let problem = Diagnostic::new(Code::E0205, message, entry.label.span, "no such option");
            let of = if label == "may_be_down" { "attach" } else { "process" };
            self.push(problem.help(format!("it is an option of `{of}(…)`")));
        }
        match label {
            "ready" => {
                match &value {
                    Meaning::Text(text, _) if UnixSocket::is_meant(text) => self.known_socket(text, entry.value.span),
                    Meaning::Text(path, _) if !path.starts_with('/') && !path.contains("://") => {
                        self.out_of_range(entry.value.span, "a path starts with `/`");
                    }
                    _ => {}
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
                if let Meaning::Text(dir, from) = &value {
                    service.dir = Some(self.beside(dir, *from));
                } else if !value.is_unknown() {
                    let message = "where a program runs must be known before the run";
                    let problem = Diagnostic::new(Code::E0404, message, entry.value.span, "known too late");
                    self.push(problem.help("write it as a text, such as `dir: \".\"`, or as a parameter"));
                }
            }
            "may_be_down" => service.may_be_down = matches!(value, Meaning::Bool(true)),
            _ => service.restart = matches!(value, Meaning::Bool(true)),
        }
    }

    /// What is asked at a Unix socket, where all of it is known.
    fn known_socket(&mut self, text: &str, span: Span) {
        if let Err(why) = UnixSocket::asked(text) {
            self.out_of_range(span, why);
        }
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
    pub(super) fn page_address(&mut self, given: Option<&Given<'a>>, of_service: bool) -> Option<Text> {
        let (value, expr) = given?;
        let pieces = value.pieces()?;
        let is_known = |piece: &Piece| match piece {
            Piece::Literal(_) => true,
            Piece::Value(Expr::Part { part: PartKind::Service, field, .. }) => !field.contains(' '),
            Piece::Value(Expr::Port(_)) => true,
            Piece::Value(_) => false,
        };
        if let [Piece::Literal(text)] = pieces.as_slice()
            && UnixSocket::is_meant(text)
        {
            self.known_socket(text, expr.span);
        }
        match pieces.first() {
            Some(Piece::Literal(text)) if text.starts_with("https://") || text.starts_with("http://") => {}
            Some(Piece::Literal(text)) if of_service && text.starts_with('/') => {}
            Some(Piece::Literal(text)) if UnixSocket::is_meant(text) => {}
            Some(Piece::Literal(_)) => self.out_of_range(
                expr.span,
                match of_service {
                    true => "a path starts with `/`, an address with `http://`, `https://` or `unix:/`",
                    false => "an address starts with `http://`, `https://` or `unix:/`",
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
    fn texts(&mut self, value: &Meaning<'a>, entry: &'a Entry) -> Vec<(String, Text)> {
        let Meaning::Object(fields) = value else { return Vec::new() };
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
}
