//! Connections that stay open from step to step: what opens them, what is sent and received over them, and where they end.

use super::meaning::Meaning;
use super::program::{Body, Http, Method, Opener, Piece};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use super::verb::Verb;
use crate::base::Span;
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, ExprKind, TextPart};

/// One that is open where the steps stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Channel {
    target: usize,
    span: Span,
    /// A step before needed it, which was reported, and no later step of its block is to say the same.
    assumed: bool,
}

impl<'a> ScenarioChecker<'a, '_> {
    /// What a step says, as far as answers differ by it.
    pub(super) fn verb(&self, request: &ast::Request, target: Option<&Meaning<'a>>) -> Verb {
        match (Verb::of(&request.verb.text), target.map(Meaning::kind)) {
            (Verb::Handshake, Some(Type::Tcp)) => Verb::Connect,
            (Verb::Receive, Some(Type::Http)) => Verb::Event,
            (verb, _) => verb,
        }
    }

    /// How many are open.
    pub(super) fn open_channels(&self) -> usize {
        self.flow.as_ref().map_or(0, |flow| flow.channels.len())
    }

    /// A block ends, and with it those that it opened.
    pub(super) fn close_channels(&mut self, open: usize) {
        if let Some(flow) = &mut self.flow {
            flow.channels.truncate(open);
        }
    }

    /// What is done together has connections of its own. Gives those around it.
    pub(super) fn outside_together(&mut self) -> Option<(Vec<Channel>, usize)> {
        let flow = self.flow.as_mut()?;
        let (own, known) = (std::mem::take(&mut flow.channels), flow.channels_outside.len());
        flow.channels_outside.extend(&own);
        Some((own, known))
    }

    pub(super) fn behind_together(&mut self, outside: Option<(Vec<Channel>, usize)>) {
        let (Some(flow), Some((own, known))) = (&mut self.flow, outside) else { return };
        flow.channels = own;
        flow.channels_outside.truncate(known);
    }

    /// What a step opens, or whether what it needs is open.
    pub(super) fn through_channel(&mut self, request: &'a ast::Request, kind: Verb, target: usize) {
        let open = |channels: &[Channel]| channels.iter().rfind(|channel| channel.target == target).copied();
        let Some((inside, outside, once)) =
            self.flow.as_ref().map(|flow| (open(&flow.channels), open(&flow.channels_outside), flow.once))
        else {
            return;
        };
        let (verb, called) = (request.verb.clone(), self.out.targets.get(target).map(|target| target.name.clone()));
        let called = called.unwrap_or_default();
        let problem = |code: Code, message: String, label: &str| Diagnostic::new(code, message, verb.span, label);
        match kind {
            Verb::Handshake | Verb::Connect => {
                if let Some(once) = once {
                    let message = "a connection ends with the iteration that opened it".to_owned();
                    let problem = problem(Code::E0114, message, "opened once, and closed with the iteration");
                    let help = "put this step after the block";
                    self.push(problem.label(once, "in this block, which is done once per user").help(help));
                }
                if let Some(first) = inside.filter(|first| !first.assumed) {
                    let message = format!("the connection to `{called}` is open already");
                    let problem = problem(Code::E0203, message, "a second one").label(first.span, "opened here");
                    self.push(problem.help("leave one out: a connection stays open to the end of its block"));
                }
                self.opens_channel(Channel { target, span: verb.span, assumed: false });
            }
            Verb::Send | Verb::Receive | Verb::Event => {
                self.not_tried_again(request);
                let events = kind == Verb::Event;
                let (opens, what) = match self.out.targets.get(target).map(|target| target.protocol) {
                    Some(super::program::Protocol::Tcp) => ("connect", "connection"),
                    _ if events => ("events \"/path\"", "stream of events"),
                    _ => ("connect \"/path\"", "connection"),
                };
                if inside.is_none() {
                    self.opens_channel(Channel { target, span: verb.span, assumed: true });
                }
                match (inside, outside) {
                    (Some(_), _) => {}
                    (None, Some(around)) => {
                        let message = format!("what is done `together` has no part in the {what} around it");
                        let problem = problem(Code::E0307, message, "each entry needs its own");
                        let help = format!("write `{opens}` before it in this block");
                        self.push(problem.label(around.span, "opened here").help(help));
                    }
                    (None, None) => {
                        let to = if events { "of" } else { "to" };
                        let message = format!("no {what} {to} `{called}` is open here");
                        let problem = problem(Code::E0307, message, "over which?");
                        let help = format!("write `{opens}` before it, in this block or in one around it");
                        self.push(problem.help(help));
                    }
                }
            }
            Verb::Query | Verb::Execute | Verb::Other => {}
        }
    }

    fn opens_channel(&mut self, own: Channel) {
        if let Some(flow) = &mut self.flow {
            flow.channels.push(own);
        }
    }

    /// A message that was sent may have arrived, and `within` says how long to wait for one.
    fn not_tried_again(&mut self, request: &'a ast::Request) {
        let Some(retry) = &request.retry else { return };
        let (message, help) = match request.verb.text.as_str() {
            "send" => ("a message is sent once: what failed may have arrived", "leave `retry` out"),
            _ => ("waiting again for a message is waiting longer", "write `within` with a longer time"),
        };
        self.push(Diagnostic::new(Code::E0114, message, retry.span, "not here").help(help));
    }

    /// The handshake has headers of its own, which are written once.
    pub(super) fn is_no_handshake(&mut self, entry: &'a ast::Entry) {
        const OWN: [&str; 6] = [
            "upgrade",
            "connection",
            "sec-websocket-key",
            "sec-websocket-version",
            "sec-websocket-extensions",
            "sec-websocket-accept",
        ];
        let ExprKind::Object(fields) = &entry.value.kind else { return };
        for field in fields {
            if OWN.iter().any(|own| field.label.text.eq_ignore_ascii_case(own)) {
                let message = format!("`{}` is a header of the handshake, which is written by the run", field.label);
                let problem = Diagnostic::new(Code::E0310, message, field.label.span, "a second one");
                self.push(problem.help("leave it out; `Sec-WebSocket-Protocol` may be written"));
            }
        }
    }

    /// How the connection of a `connect` or `events` is opened.
    pub(super) fn opener(&mut self, request: &'a ast::Request, target: Option<&Meaning<'a>>, frame: FrameId) -> Opener {
        let kind = target.map(Meaning::kind);
        if kind == Some(Type::Tcp) {
            if let Some(subject) = &request.subject {
                self.eval(subject, frame);
                let message = "a connection of TCP has no path";
                let problem = Diagnostic::new(Code::E0205, message, subject.span, "not of TCP");
                self.push(problem.help("write `connect` alone"));
            }
            return Opener::Tcp;
        }
        let path = match &request.subject {
            None => vec![Piece::Literal(String::new())],
            Some(subject) => match &subject.kind {
                ExprKind::Text(parts) if !matches!(parts.first(), Some(TextPart::Path(_))) => {
                    self.written_path(parts, subject.span, frame)
                }
                _ => {
                    self.eval_as(subject, frame, &[Type::Text, Type::Secret]);
                    let message = "the path of a connection is a text that starts with `/`";
                    let problem = Diagnostic::new(Code::E0310, message, subject.span, "a value");
                    let text = self.text(subject.span);
                    let help = match &subject.kind {
                        ExprKind::Name(_) => format!("put it into a text, such as `\"/live/{{{text}}}\"`"),
                        _ => format!(
                            "write `let room = {text}` before it, and put that into a text: `\"/live/{{room}}\"`"
                        ),
                    };
                    self.push(problem.help(help));
                    Vec::new()
                }
            },
        };
        let http = Http::new(Method::Known("GET".to_owned()), path);
        if request.verb.text == "events" {
            self.speaks_http1(request, target);
            return Opener::Events(Box::new(http));
        }
        Opener::WebSocket(Box::new(http))
    }

    /// Says that events are wanted, where the step says nothing of what it accepts.
    pub(super) fn asks_for_events(http: &mut Http) {
        if !http.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept")) {
            http.headers.push(("Accept".to_owned(), vec![Piece::Literal("text/event-stream".to_owned())]));
        }
    }

    /// A stream of events holds a connection by itself, which is one of HTTP/1.1.
    fn speaks_http1(&mut self, request: &'a ast::Request, target: Option<&Meaning<'a>>) {
        let Some(Meaning::Part(Type::Http, index)) = target else { return };
        let Some(target) = self.out.targets.get(*index).filter(|target| target.http2.is_some()) else { return };
        let message = format!("`{}` speaks HTTP/2, and a stream of events is read over HTTP/1.1", target.name);
        let problem = Diagnostic::new(Code::E0207, message, request.verb.span, "not over HTTP/2");
        self.push(
            problem.help("declare a second target of this address without `http: 2`, and write `on` with its name"),
        );
    }

    /// What a `send` sends: a text or a file as it is, anything else as JSON.
    pub(super) fn message(&mut self, subject: Option<&'a ast::Expr>, frame: FrameId) -> Body {
        let nothing = Body::Text(Vec::new());
        let Some(subject) = subject else { return nothing };
        if let Some((function, arguments)) = super::body::as_file(subject) {
            if let Some(argument) = arguments.get(1) {
                let message = "a message has neither a type nor a name";
                let problem = Diagnostic::new(Code::E0306, message, argument.value.span, "not of a message");
                self.push(problem.help("write the file alone, such as `file(\"a.bin\")`"));
                return nothing;
            }
            return self.upload(function, arguments, subject, true, frame).map_or(nothing, Body::File);
        }
        let value = self.eval(subject, frame);
        match value.kind() {
            Type::Text | Type::Secret => value.pieces().map_or(nothing, Body::Text),
            Type::Wrong => nothing,
            _ => self.as_json(&value, subject).map_or(nothing, Body::Json),
        }
    }
}
