//! Checks targets: their addresses and options.

use super::address::Found;
use super::auth::Credentials;
use super::bound::{Arguments, Call};
use super::builtins::{self, Builtin, BuiltinKind};
use super::database;
use super::meaning::{Meaning, placed};
use super::program::{Address, Connections, Expr, Piece, Protocol, Target, Text};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::Span;
use crate::base::units::SECOND;
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, Entry, ExprKind};

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn target(
        &mut self,
        name: String,
        built: &'a ast::Built,
        builtin: &Builtin,
        bound: &Arguments<'a>,
        frame: FrameId,
    ) -> Meaning<'a> {
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
        if matches!(protocol, Protocol::Grpc | Protocol::Redis) {
            self.later(format!("a target of `{}(…)`", builtin.name), built.constructor.span);
        }
        let given = bound.first();
        let span = given.map_or(built.constructor.span, |(_, expr)| expr.span);
        let found = self.target_address(protocol, given.map(|(value, _)| value), span);
        let good = found.is_some();
        let Found { address, https } = found.unwrap_or(Found { address: Address::Late(Vec::new()), https: None });
        let mut target = Target {
            name,
            protocol,
            address,
            timeout: 10 * SECOND,
            connections: None,
            http2: None,
            redirects: 0,
            cookies: true,
            untraced: false,
            tls: (https == Some(true)).then(Box::default),
            dns: None,
            proxy: None,
            from: Vec::new(),
            cookie: None,
            headers: Vec::new(),
            message_end: None,
            settings: Vec::new(),
        };
        for entry in &built.options {
            if self.is_of_others(entry, protocol, frame) {
                continue;
            }
            if protocol.is_database() && !database::OPTIONS.contains(&entry.label.text.as_str()) {
                self.not_of_a_database(entry, frame);
                continue;
            }
            match entry.label.text.as_str() {
                "connections" => target.connections = self.connections(entry, frame),
                // With what the address says.
                "tls" if protocol.is_database() => {}
                "tls" => self.target_tls(entry, https, &mut target, frame),
                "auth" => match self.auth(entry, frame) {
                    Some(Credentials::Header(name, text)) => {
                        self.target_header(name, text, entry.label.span, &mut target);
                    }
                    Some(Credentials::Cookie(text)) => target.cookie = Some(text),
                    None => {}
                },
                "dns" => self.target_dns(entry, &mut target, frame),
                "delimiter" | "prefix" => self.message_end(entry, &mut target, frame),
                // Together, when all options are known.
                "http" | "streams" => {}
                _ => {
                    let Some(value) = self.option(entry, "target", frame) else { continue };
                    self.target_option(entry, &value, &mut target);
                }
            }
            let runs = [
                "timeout",
                "connections",
                "redirects",
                "cookies",
                "headers",
                "auth",
                "tls",
                "trace",
                "dns",
                "proxy",
                "from",
                "http",
                "streams",
                "delimiter",
                "prefix",
            ];
            if !runs.contains(&entry.label.text.as_str()) {
                self.later(format!("`{}:` of a target", entry.label), entry.label.span);
            }
        }
        if protocol.is_database() {
            self.database_tls(&built.options, &mut target, frame);
        }
        self.looked_up_by_proxy(&built.options, &target);
        self.shared_by_users(&built.options, &mut target);
        self.speaks_http2(&built.options, &mut target, frame);
        if !good {
            self.refused_target = true;
            return Meaning::WRONG;
        }
        if target.tls.is_some() {
            self.says_the_same(&target, built.constructor.span);
        }
        self.out.targets.push(target);
        Meaning::Part(builtin.result, self.out.targets.len() - 1)
    }

    fn target_option(&mut self, entry: &'a Entry, value: &Meaning<'a>, target: &mut Target) {
        match entry.label.text.as_str() {
            "timeout" => match value.number() {
                Some(ns) if ns >= 1.0 => target.timeout = ns as u64,
                Some(_) => self.out_of_range(entry.value.span, "a timeout of 0 fails every request"),
                None => {}
            },
            "redirects" => match value.number() {
                Some(most) if (0.0..=20.0).contains(&most) => target.redirects = most as u64,
                Some(_) => self.out_of_range(entry.value.span, "0 to 20 redirects are followed"),
                None => {}
            },
            "cookies" => {
                if let Meaning::Bool(keeps) = value {
                    target.cookies = *keeps;
                }
            }
            "headers" => {
                if target.protocol == Protocol::Websocket {
                    self.is_no_handshake(entry);
                }
                self.target_headers(entry, value, target);
            }
            // A target without a stream of its own is refused as a whole.
            "from" | "proxy" if !target.protocol.is_stream() => {}
            "from" => self.target_sources(entry, value, target),
            "proxy" => self.target_proxy(entry, value, target),
            "trace" => target.untraced = matches!(value.expr(), Some(Expr::Bool(false))),
            _ => target.settings.push((entry.label.text.clone(), value.pieces().unwrap_or_default())),
        }
    }

    /// It is of the way to the target, so that must be encrypted.
    fn target_tls(&mut self, entry: &'a Entry, https: Option<bool>, target: &mut Target, frame: FrameId) {
        let Some(value) = self.option(entry, "target", frame) else { return };
        let Some(tls) = self.tls(entry, &value) else { return };
        match https {
            Some(false) => {
                let (to, help) = match target.address.is_socket() {
                    true => ("a Unix socket", "leave `tls:` out"),
                    false => ("an `http://` address", "write `https://…` as the address, or leave `tls:` out"),
                };
                let message = format!("nothing is encrypted on the way to {to}");
                let problem = Diagnostic::new(Code::E0205, message, entry.label.span, "of `https://` alone");
                self.push(problem.help(help));
            }
            Some(true) | None => target.tls = Some(Box::new(tls)),
        }
    }

    /// Of a connection the server knows one user alone.
    fn shared_by_users(&mut self, options: &'a [Entry], target: &mut Target) {
        if !target.has_identities() {
            return;
        }
        if let Some(Connections::Pool(_)) = target.connections {
            let span = options.iter().find(|entry| entry.label.text == "connections").map(|entry| entry.value.span);
            let message = "each user shows a certificate of its own, and a pool is shared by all";
            if let Some(span) = span {
                let problem = Diagnostic::new(Code::E0205, message, span, "whose would they be?");
                self.push(problem.help("write `per_user` or `per_request`"));
            }
        }
        target.connections.get_or_insert(Connections::PerUser);
    }

    /// Of what connects itself, such as a database's driver, names are looked up there.
    fn target_dns(&mut self, entry: &'a Entry, target: &mut Target, frame: FrameId) {
        let Some(value) = self.option(entry, "target", frame) else { return };
        if !target.protocol.is_stream() {
            return;
        }
        target.dns = self.dns(entry, &value, &target.address).map(Box::new);
    }

    fn connections(&mut self, entry: &'a Entry, frame: FrameId) -> Option<Connections> {
        match &entry.value.kind {
            ExprKind::Name(name) if name.text == "per_user" => Some(Connections::PerUser),
            ExprKind::Name(name) if name.text == "per_request" => Some(Connections::PerRequest),
            ExprKind::Call { function, arguments } if function.text == "pool" => {
                let builtin = builtins::of_kind(BuiltinKind::Connections, "pool")?;
                let call = Call { function, arguments, span: entry.value.span, frame };
                let size = self.arguments(builtin.parameters, builtin.variadic, call)?.number("size")?;
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
                    format!("`{text}` is not a policy of connections"),
                    entry.value.span,
                    "not a policy",
                );
                self.push(problem.help("write `per_user`, `per_request` or `pool(32)`"));
                None
            }
        }
    }

    /// Headers of every request. What stands in them may be computed for each, but takes no rows.
    fn target_headers(&mut self, entry: &'a Entry, value: &Meaning<'a>, target: &mut Target) {
        let Meaning::Object(fields) = value else { return };
        for (label, value, place) in placed(fields, &entry.value) {
            let span = place.span;
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

    pub(super) fn target_header(&mut self, name: String, pieces: Text, span: Span, target: &mut Target) {
        if target.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(&name)) {
            let problem = Diagnostic::new(Code::E0203, format!("`{name}` exists already"), span, "a second one");
            self.push(problem.help("a header is set once; keep either `auth:` or `Authorization`"));
            return;
        }
        target.headers.push((name, pieces));
    }
}
