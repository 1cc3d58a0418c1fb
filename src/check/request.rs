//! Requests of every protocol: where they go, how, and what is checked of their answers.

use super::builtins;
use super::flow::Needs;
use super::meaning::Meaning;
use super::program::{Body, Call, Check, Exchange, Expr, Frame, Http, Method, Opener, Piece, Query, Record, Request};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use super::verb::Verb;
use crate::base::{Name, Span};
use crate::diag::{Applicability, Code, Diagnostic, Fix};
use crate::syntax::ast::{self, Binary, Clause, Entry, ExprKind, TextPart};

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn request(&mut self, request: &'a ast::Request, frame: FrameId) -> Request {
        let target = self.request_target(request, frame);
        let kind = self.verb(request, target.as_ref());
        let (response, group) = match &mut self.flow {
            Some(flow) => {
                flow.requests.push(Needs { verb: kind, ..Needs::default() });
                flow.sends = true;
                (flow.requests.len() - 1, flow.group)
            }
            None => (0, None),
        };
        let verb = request.verb.text.as_str();
        let http = matches!(verb, "get" | "post" | "put" | "patch" | "delete" | "head" | "options" | "request");
        if !http && kind == Verb::Other {
            self.later(format!("`{verb}`"), request.verb.span);
        }
        let speaks = self.speaks(target.as_ref(), request);
        if let Some(Meaning::Part(_, index)) = &target {
            self.in_transaction(request, *index);
            if speaks {
                self.through_channel(request, kind, *index);
            }
        }
        let exchange = self.exchange(request, target.as_ref(), frame);
        // Without a name of its own a step is called by its method, as that is written.
        let written = |expr: &ast::Expr| self.text(expr.span).trim_matches(['"', '\'']).to_owned();
        let called = request.method.as_ref().map_or_else(|| verb.to_uppercase(), written);
        let asked = request.subject.as_ref().map_or_else(String::new, written);
        let name = request
            .name
            .as_ref()
            .map_or_else(|| format!("{called} {asked}").trim().to_owned(), |name| name.text.clone());
        let place = match &target {
            Some(Meaning::Part(_, index)) => *index,
            _ => 0,
        };
        let mut checked = Request {
            name,
            response,
            target: place,
            exchange,
            timeout: None,
            expects: Vec::new(),
            keep_body: false,
            keep_headers: false,
            keep_url: false,
            retry: {
                let asked = (request.retry.as_ref(), request.backoff.as_ref(), request.retry_when.as_ref());
                self.retry(asked, kind.is_of_database(), frame)
            },
            records: Vec::new(),
            goes_on: request.goes_on,
            group,
            line: self.line(request.verb.span),
            file: self.world.sources.get(request.verb.span.file).name.clone(),
        };
        for entry in &request.entries {
            self.entry(entry, &mut checked, frame);
        }
        if let Exchange::Frame(Frame::Open(Opener::Events(http))) = &mut checked.exchange {
            Self::asks_for_events(http);
        }
        if let Some(http) = checked.exchange.http_mut() {
            http.flow_headers = self.headers_of_flow(place, &http.headers);
            let says_type = http.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
            if let (Some(Body::Multipart(_)), Some(span), true) = (&http.body, own_type(&request.entries), says_type) {
                self.out_of_range(span, "the type of a body in parts names what is between them, so it is not written");
            }
        }
        let chunked = request.entries.iter().find(|entry| entry.label.text == "chunked");
        if let (Exchange::Http(http), Some(entry)) = (&checked.exchange, chunked)
            && http.body.is_none()
            && !request.entries.iter().any(|entry| is_body(&entry.label.text))
        {
            let message = "there is no body to send in chunks";
            let problem = Diagnostic::new(Code::E0307, message, entry.label.span, "of what?");
            self.push(problem.help("write one of `json:`, `form:`, `multipart:` and `body:`, or leave `chunked` out"));
        }
        if let (Exchange::Http(http), Some(entry)) = (&checked.exchange, chunked)
            && http.chunked
            && self.out.targets.get(place).is_some_and(|target| target.http2.is_some())
        {
            let problem = Diagnostic::new(Code::E0307, "HTTP/2 has no chunks", entry.label.span, "not with `http: 2`");
            self.push(problem.help("leave `chunked` out: every body is sent in frames"));
        }
        for record in &request.records {
            checked.records.extend(self.record(record, response, frame));
        }
        let before = self.answer.replace(response);
        if let Some(written) = &request.matching {
            let value = self.truth(written, frame);
            match &mut checked.exchange {
                Exchange::Frame(Frame::Receive { matching }) => *matching = Some(value),
                Exchange::Frame(Frame::Open(_) | Frame::Send(_))
                | Exchange::Http(_)
                | Exchange::Query(_)
                | Exchange::Call(_)
                | Exchange::Command(_) => self.chooses_nothing(verb, written.span),
            }
        }
        checked.expects = self.checks(&request.expects, frame);
        self.answer = before;
        if let Some(within) = &request.within {
            checked.timeout = self.quantity(within, frame, Type::Duration).map(|ns| ns as u64);
        }
        if let Some(http) = checked.exchange.http_mut() {
            http.judges_status = checked.expects.iter().any(|check| speaks_of_status(&check.condition));
        }
        if let Some(name) = &request.name {
            self.name_step(name);
            // A name that is taken has been said to be; the answer keeps its place all the same.
            self.frames[frame]
                .names
                .entry(&name.text)
                .or_insert((super::scope::Binding::Ready(Meaning::Answer(response)), name.span));
        }
        checked
    }

    fn request_target(&mut self, request: &'a ast::Request, frame: FrameId) -> Option<Meaning<'a>> {
        if let Some(on) = &request.on {
            return Some(self.target_named(on, frame));
        }
        if let Some(target) = self.flow.as_ref().and_then(|flow| flow.target.clone()) {
            return Some(target);
        }
        if self.refused_target || self.is_lost(frame) {
            return None;
        }
        let name = self.flow.as_ref().map_or(String::new(), |flow| flow.name.clone());
        let problem = Diagnostic::new(
            Code::E0307,
            format!("`{name}` names no target to talk to"),
            request.verb.span,
            "sent where?",
        );
        self.push(match self.visible_targets(frame).first() {
            Some(target) => problem.help(format!("write `flow {name} on {} {{ … }}`", target.name)),
            None => problem
                .help("declare one: `target api = http(\"http://127.0.0.1:8080\")`, and write `flow … on api { … }`"),
        });
        None
    }

    /// What its verb and what stands after that say.
    fn exchange(&mut self, request: &'a ast::Request, target: Option<&Meaning<'a>>, frame: FrameId) -> Exchange {
        let verb = request.verb.text.as_str();
        let subject = request.subject.as_ref();
        let said = |session: &mut ScenarioChecker<'a, '_>| {
            let kinds = [Type::Text, Type::Secret, Type::Object, Type::List, Type::Json];
            subject.map_or(Meaning::Unknown(Type::Wrong), |subject| session.eval_as(subject, frame, &kinds))
        };
        match verb {
            "query" | "execute" => {
                let text = said(self).pieces().unwrap_or_default();
                Exchange::Query(Query { text, args: None, reads: verb == "query" })
            }
            "connect" | "events" => Exchange::Frame(Frame::Open(self.opener(request, target, frame))),
            "send" => Exchange::Frame(Frame::Send(self.message(subject, frame))),
            "receive" => Exchange::Frame(Frame::Receive { matching: None }),
            "call" => Exchange::Call(Call { method: said(self).pieces().unwrap_or_default(), json: None }),
            "command" => Exchange::Command(said(self).expr().unwrap_or(Expr::Null)),
            _ => {
                let path = subject.map_or_else(Vec::new, |subject| self.asked_path(subject, frame));
                let method = match &request.method {
                    Some(computed) => self.computed_method(computed, frame),
                    None => Method::Known(verb.to_uppercase()),
                };
                Exchange::Http(Box::new(Http::new(method, path)))
            }
        }
    }

    /// `where` chooses among what a server says unasked.
    fn chooses_nothing(&mut self, verb: &str, span: Span) {
        let message = format!("`{verb}` chooses nothing, so it has no `where`");
        let problem = Diagnostic::new(Code::E0114, message, span, "not here");
        self.push(problem.help("`receive … where` waits for one that fits; what an answer must be stands in `expect`"));
    }

    /// The method of `request METHOD PATH`: as it is where it is known, else what it is computed by.
    fn computed_method(&mut self, method: &'a ast::Expr, frame: FrameId) -> Method {
        let value = self.eval_as(method, frame, &[Type::Text, Type::Json]);
        let Meaning::Text(name, _) = value else { return Method::Computed(value.expr().unwrap_or(Expr::Null)) };
        let problem = |message: String, label: &str| Diagnostic::new(Code::E0310, message, method.span, label);
        if name.eq_ignore_ascii_case("connect") {
            self.push(problem("CONNECT opens a tunnel, and asks for no path".to_owned(), "no method of a request"));
        } else if !is_token(&name) {
            let help = "it is one word, such as `\"GET\"` or `\"PURGE\"`";
            self.push(problem(format!("`{name}` is not a method"), "not a token of HTTP").help(help));
        }
        Method::Known(name)
    }

    /// Each verb belongs to the targets that understand it.
    fn speaks(&mut self, target: Option<&Meaning<'a>>, request: &ast::Request) -> bool {
        let verb = request.verb.text.as_str();
        let wanted: &[Type] = match verb {
            "query" | "execute" => &[Type::Database],
            "connect" | "send" => &[Type::WebSocket, Type::Tcp],
            "receive" => &[Type::WebSocket, Type::Tcp, Type::Http],
            "call" => &[Type::Grpc],
            "command" => &[Type::Redis],
            _ => &[Type::Http],
        };
        let Some(kind) = target.map(Meaning::kind) else { return true };
        if kind == Type::Target || kind == Type::Wrong || wanted.contains(&kind) {
            return true;
        }
        let message = format!("`{verb}` is not spoken by {}", kind.a());
        let problem = Diagnostic::new(Code::E0207, message, request.verb.span, kind.a());
        self.push(problem.help(format!("`{verb}` needs {}", super::words::either(wanted))));
        false
    }

    /// What is asked for: a path as it is written, or a value that is a URL reference.
    fn asked_path(&mut self, subject: &'a ast::Expr, frame: FrameId) -> Vec<Piece> {
        match &subject.kind {
            ExprKind::Text(parts) if !matches!(parts.first(), Some(TextPart::Path(_))) => {
                self.written_path(parts, subject.span, frame)
            }
            _ => self.url_reference(subject, frame),
        }
    }

    /// What is put into it stays a value, though it be a constant: only what is written there is sent as it is.
    pub(super) fn written_path(&mut self, parts: &'a [TextPart], span: Span, frame: FrameId) -> Vec<Piece> {
        if !matches!(parts.first(), Some(TextPart::Literal(start)) if start.starts_with('/')) {
            let problem = Diagnostic::new(Code::E0310, "a path starts with `/`", span, "no `/` in front");
            let help = "the host belongs to the target; write the path alone, such as `\"/products\"`";
            let start = span.range().start + 1;
            let slash = Span::new(span.file, start, start);
            self.push(problem.help(help).or(Fix::new(
                Applicability::Maybe,
                slash,
                "/",
                "write `/` in front: the host belongs to the target",
            )));
        }
        self.foreign(parts, span, frame);
        let (put, kind) = self.put_in(parts, frame);
        let apart = |(part, pieces): (&TextPart, Vec<Piece>)| match part {
            TextPart::Literal(text) => Piece::Literal(text.clone()),
            TextPart::Path(_) => Piece::Value(match pieces.as_slice() {
                [Piece::Value(value)] => value.clone(),
                _ => Expr::Text(pieces),
            }),
        };
        let Some(put) = put else { return Vec::new() };
        let path = Meaning::Run(Expr::Text(parts.iter().zip(put).map(apart).collect()), kind);
        self.held(path, true, span).pieces().unwrap_or_default()
    }

    fn url_reference(&mut self, subject: &'a ast::Expr, frame: FrameId) -> Vec<Piece> {
        let value = self.eval_as(subject, frame, &[Type::Text, Type::Secret]);
        let leads = |text: &str| text.starts_with(['/', '?', ' ']) || crate::base::origin::Origin::is_meant(text);
        if let Meaning::Text(text, _) = &value
            && (!leads(text) || text.contains(char::is_control))
        {
            let message = format!("`{}` is neither a path nor a URL", crate::base::shown::escaped_line(text));
            let problem = Diagnostic::new(Code::E0310, message, subject.span, "leads nowhere");
            let help = "a path that is a value is a whole URL of a target, or starts with `/` or `?`";
            self.push(problem.help(help));
        }
        match value {
            Meaning::Unknown(_) => Vec::new(),
            value => value.expr().map(Piece::Value).into_iter().collect(),
        }
    }

    fn entry(&mut self, entry: &'a Entry, request: &mut Request, frame: FrameId) {
        let label = entry.label.text.as_str();
        match (label, &mut request.exchange) {
            ("body", Exchange::Http(_)) if matches!(entry.value.kind, ast::ExprKind::Object(_)) => {
                self.eval(&entry.value, frame);
                let message = "a `body:` is a text, sent as it is";
                let problem = Diagnostic::new(Code::E0205, message, entry.label.span, "an object after it");
                self.push(problem.fix(
                    Applicability::Maybe,
                    entry.label.span,
                    "json",
                    "write `json: { … }`, or `form: { … }` for a form",
                ));
            }
            ("json" | "form" | "multipart" | "body", Exchange::Http(http)) => {
                self.request_body(entry, &mut http.body, frame);
            }
            ("chunked", Exchange::Http(http)) => {
                let value = self.eval_as(&entry.value, frame, &[Type::Bool]);
                match value.expr() {
                    Some(Expr::Bool(chunked)) => http.chunked = chunked,
                    Some(_) => {
                        let message = "how a request is sent is known before the run";
                        let problem = Diagnostic::new(Code::E0404, message, entry.value.span, "known too late");
                        self.push(problem.help("write `true`, or a parameter"));
                    }
                    None => {}
                }
            }
            ("headers", exchange) if exchange.http().is_some() => {
                if matches!(exchange, Exchange::Frame(Frame::Open(Opener::WebSocket(_)))) {
                    self.is_no_handshake(entry);
                }
                let headers = self.headers(entry, frame);
                if let Some(http) = exchange.http_mut() {
                    http.headers.extend(headers);
                }
            }
            ("query", exchange) if exchange.http().is_some() => {
                let query = self.fields(entry, frame);
                if let Some(http) = exchange.http_mut() {
                    http.query.extend(query);
                }
            }
            ("timeout", _) => match self.quantity(&entry.value, frame, Type::Duration) {
                Some(ns) if ns >= 1.0 => request.timeout = Some(ns as u64),
                Some(_) => self.out_of_range(entry.value.span, "a timeout of 0 fails every request"),
                None => {}
            },
            ("args", Exchange::Query(query)) => {
                query.args = self.eval_as(&entry.value, frame, &[Type::List]).expr();
            }
            ("json", Exchange::Call(call)) => call.json = self.json_body(&entry.value, frame),
            (_, exchange) => {
                let known = builtins::options_of("request").map(|option| option.name);
                let known = known.filter(|name| takes(exchange, name)).collect::<Vec<_>>();
                self.eval(&entry.value, frame);
                let problem = Diagnostic::new(
                    Code::E0205,
                    format!("there is no option `{label}` here"),
                    entry.label.span,
                    "no such option",
                );
                self.push(problem.did_you_mean(entry.label.span, label, known.into_iter()));
            }
        }
    }

    /// One header, as its name and its text.
    pub(super) fn header(&mut self, label: &Name, value: &Meaning<'a>, span: Span) -> Option<(String, Vec<Piece>)> {
        self.header_name(label);
        if let Meaning::List(_) | Meaning::Object(_) = value {
            let message = format!("a header is one text, and this is {}", value.kind().a());
            let problem = Diagnostic::new(Code::E0301, message, span, "no text");
            self.push(problem.help("write the text as the server reads it, such as `\"gzip, br\"`"));
            return None;
        }
        let pieces = value.pieces()?;
        if pieces.iter().any(|piece| matches!(piece, Piece::Literal(text) if text.contains(['\r', '\n', '\0']))) {
            let problem = Diagnostic::new(Code::E0310, "a header stands on one line", span, "out of range");
            self.push(problem.help("a value of several lines belongs in a body; `base64(…)` makes one line of it"));
        }
        Some((label.text.clone(), pieces))
    }

    /// A header name is a token (RFC 9110, 5.1), and how long a body is says the client alone.
    fn header_name(&mut self, label: &Name) {
        let why = match label.text.to_ascii_lowercase().as_str() {
            "content-length" | "transfer-encoding" => "the length of the body is computed, not written",
            name if !is_token(name) => "a header name has letters, digits and hyphens",
            _ => return,
        };
        self.out_of_range(label.span, why);
    }

    /// `record KEY in LEDGER`. A key may be one that the answer to the request gives.
    fn record(&mut self, record: &'a ast::Expr, response: usize, frame: FrameId) -> Option<Record> {
        let ExprKind::Binary { operator: Binary::In, left, right, .. } = &record.kind else {
            if !matches!(record.kind, ExprKind::Wrong) {
                let problem = Diagnostic::new(Code::E0307, "a record goes into a ledger", record.span, "into which?");
                self.push(problem.help("write `record key in LEDGER`"));
            }
            return None;
        };
        // A value of the flow that is called as a part of an answer is that value.
        let is_value =
            matches!(&left.kind, ExprKind::Name(name) if self.lookup(frame, &name.text, name.span).is_some());
        let before = if is_value { self.answer } else { self.answer.replace(response) };
        let key = self.eval_as(left, frame, &[Type::Text, Type::Number, Type::Count, Type::Json]);
        self.answer = before;
        let (Some(key), Meaning::Part(Type::Ledger, ledger)) =
            (key.expr(), self.eval_as(right, frame, &[Type::Ledger]))
        else {
            return None;
        };
        let given = key.any(&mut |part| part.answer() == Some(response));
        if given && let Some(ledger) = self.out.ledgers.get_mut(ledger) {
            ledger.given.get_or_insert(record.span);
        }
        Some(Record { key, ledger, given })
    }

    pub(super) fn checks(&mut self, clauses: &'a [Clause], frame: FrameId) -> Vec<Check> {
        let mut checks = Vec::new();
        for clause in clauses {
            let condition = match clause {
                Clause::Condition(condition) => condition,
                Clause::Refused => continue,
                Clause::Include(ast::Include { span, .. })
                | Clause::Alert(ast::Alert { span, .. })
                | Clause::NoOtherAlert { span, .. } => {
                    let problem =
                        Diagnostic::new(Code::E0114, "a check of an answer is a condition", *span, "not here");
                    self.push(problem.help("this belongs to the `expect` of a scenario"));
                    continue;
                }
            };
            let tail = &condition.tail;
            let outside = tail.scopes.first().map(|scope| scope.span);
            let outside = outside
                .or(tail.slices.as_ref().map(|slices| slices.span))
                .or(tail.within.as_ref().map(|within| within.span));
            if let Some(span) = tail.strict {
                let message = "a check of one answer is near nothing";
                let problem = Diagnostic::new(Code::E0114, message, span, "not here");
                self.push(problem.help("`strict` belongs to the `expect` of a scenario"));
            }
            if let Some(span) = outside {
                let problem = Diagnostic::new(Code::E0114, "a check of an answer has no window", span, "not here");
                self.push(problem.help("windows belong to the `expect` of a scenario"));
            }
            let value = self.eval(&condition.expr, frame);
            match (&value, value.kind()) {
                (Meaning::Unknown(Type::Wrong), _) => {}
                (_, Type::Bool | Type::Json) => {
                    let check = value.expr().unwrap_or(Expr::Null);
                    checks.push(Check { text: self.text(condition.span), condition: check });
                }
                (_, kind) => {
                    let message = format!("a check is a condition, and this is {}", kind.a());
                    let problem = Diagnostic::new(Code::E0301, message, condition.span, kind.a());
                    self.push(problem.help("compare it with something, such as `status == 200`"));
                }
            }
        }
        checks
    }
}

fn is_body(option: &str) -> bool {
    matches!(option, "json" | "form" | "multipart" | "body")
}

/// Whether the protocol of an exchange knows an option.
fn takes(exchange: &Exchange, option: &str) -> bool {
    let own: &[&str] = match exchange {
        Exchange::Http(_) => &["json", "form", "body", "multipart", "chunked", "headers", "query"],
        Exchange::Query(_) => &["args"],
        Exchange::Call(_) => &["json"],
        Exchange::Frame(Frame::Open(_)) if exchange.http().is_some() => &["headers", "query"],
        Exchange::Frame(_) | Exchange::Command(_) => &[],
    };
    option == "timeout" || own.contains(&option)
}

/// RFC 9110, 5.6.2
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

/// Where a request says the type of its body itself, if it does; or where the object of its headers is named.
fn own_type(entries: &[Entry]) -> Option<Span> {
    let entry = entries.iter().find(|entry| entry.label.text == "headers")?;
    let ExprKind::Object(fields) = &entry.value.kind else { return Some(entry.value.span) };
    let own = fields.iter().find(|field| field.label.text.eq_ignore_ascii_case("content-type"));
    own.map(|field| field.label.span)
}

fn speaks_of_status(condition: &Expr) -> bool {
    match condition {
        Expr::Status(_) => true,
        Expr::Binary { left, right, .. } => speaks_of_status(left) || speaks_of_status(right),
        Expr::Not(inner) | Expr::Negate(inner) => speaks_of_status(inner),
        _ => false,
    }
}
