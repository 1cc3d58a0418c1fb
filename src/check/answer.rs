//! What is asked of the answer to a request: its fields, and what is looked for in it.

use super::allow::is_written;
use super::bound::{Call, Given};
use super::builtins;
use super::meaning::Meaning;
use super::program::{AnswerPart, Expr, PathText, Piece};
use super::session::ScenarioChecker;
use super::types::Type;
use super::verb::Verb;
use crate::base::Span;
use crate::base::origin::Origin;
use crate::diag::{Code, Diagnostic};

/// What of an answer is kept for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    Body,
    Headers,
    /// A text is read in the charset that a header names.
    Text,
    Url,
}

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn answer_part(&mut self, response: usize, part: &str, span: Span) -> Meaning<'a> {
        if let Some(problem) = self.is_of_another_answer(response, part, span) {
            self.push(problem);
            return Meaning::WRONG;
        }
        let other = |part, kind| Meaning::Run(Expr::Answer { response, part, argument: None, attribute: None }, kind);
        match part {
            "status" => Meaning::Run(Expr::Status(response), Type::Count),
            "latency" => Meaning::Run(Expr::Latency(response), Type::Duration),
            "text" => {
                self.keep(response, Keep::Text);
                Meaning::Run(Expr::BodyText(response), Type::Text)
            }
            "size" => {
                self.keep(response, Keep::Body);
                other(AnswerPart::Size, Type::Bytes)
            }
            "wire_size" => other(AnswerPart::WireSize, Type::Bytes),
            "affected" => other(AnswerPart::Affected, Type::Count),
            "event" | "id" => {
                self.keep(response, Keep::Headers);
                Meaning::Run(Expr::Header { response, name: part.to_owned() }, Type::Text)
            }
            _ => {
                self.keep(response, Keep::Body);
                Meaning::Run(Expr::Json { response, path: PathText::Known("$".to_owned()) }, Type::Json)
            }
        }
    }

    /// What the request of an answer says.
    pub(super) fn verb_of(&self, response: usize) -> Verb {
        self.flow.as_ref().and_then(|flow| flow.requests.get(response)).map_or(Verb::Other, |needs| needs.verb)
    }

    /// A statement of SQL has rows, and no status, headers or page.
    fn is_of_another_answer(&self, response: usize, part: &str, span: Span) -> Option<Diagnostic> {
        let verb = self.flow.as_ref()?.requests.get(response)?.verb;
        let (whose, known) = match (part, verb) {
            ("latency", _) | ("rows", Verb::Query | Verb::Execute) | ("affected", Verb::Execute) => return None,
            ("rows", verb) if !verb.is_of_database() => {
                ("an answer that is no `query`", "a `query` has `.rows`, other answers have `.json(path)`")
            }
            ("affected", Verb::Query) => {
                ("a `query`", "`execute` counts the rows that it changes; a `query` has `.rows`")
            }
            ("affected", verb) if verb != Verb::Execute => {
                ("an answer that is no `execute`", "`execute` counts the rows that it changes")
            }
            ("event" | "id", Verb::Event) => return None,
            ("event" | "id", Verb::Other | Verb::Receive) => {
                ("an answer that is no event", "a `receive` from a stream of events has `.event` and `.id`")
            }
            (_, Verb::Other) => return None,
            ("text" | "size" | "wire_size" | "json" | "regex" | "css", Verb::Receive | Verb::Event) => return None,
            ("status" | "header", Verb::Handshake) => return None,
            (_, Verb::Receive) => {
                ("a message", "it has `.text`, `.json(path)`, `.regex(pattern)`, `.size` and `.latency`")
            }
            (_, Verb::Event) => (
                "an event",
                "it has `.event`, `.id`, `.text`, `.json(path)`, `.regex(pattern)`, `.size` and `.latency`",
            ),
            (_, Verb::Handshake) => ("a connection", "it has `.status`, `.header(name)` and `.latency`"),
            (_, Verb::Connect) => ("a connection of TCP", "it has `.latency`"),
            (_, Verb::Send) => ("a `send`", "it has `.latency`; what comes back is read by `receive`"),
            (_, Verb::Query) => ("a `query`", "it has `.rows` and `.latency`"),
            (_, Verb::Execute) => ("an `execute`", "it has `.affected`, `.rows` for what it returns, and `.latency`"),
        };
        let problem = Diagnostic::new(Code::E0202, format!("{whose} has no `{part}`"), span, "no such field");
        Some(problem.help(known))
    }

    fn keep(&mut self, response: usize, what: Keep) {
        if let Some(needs) = self.flow.as_mut().and_then(|flow| flow.requests.get_mut(response)) {
            needs.body |= matches!(what, Keep::Body | Keep::Text);
            needs.headers |= matches!(what, Keep::Headers | Keep::Text);
            needs.url |= what == Keep::Url;
        }
    }

    /// `json(path)`, `header(name)`, `regex(pattern)`, `css(selector)`, `url(reference)` or `assets()` of an answer.
    pub(super) fn answer_method(&mut self, response: usize, call: Call<'a>) -> Meaning<'a> {
        let method = call.function;
        let Some(field) = builtins::field(Type::Response, &method.text, true) else {
            let known =
                builtins::fields_of(Type::Response).filter(|field| field.parameters.is_some()).map(|field| field.name);
            let problem =
                Diagnostic::new(Code::E0202, format!("an answer has no `{method}`"), method.span, "no such method");
            self.push(problem.did_you_mean(method.span, &method.text, known));
            return Meaning::WRONG;
        };
        if let Some(problem) = self.is_of_another_answer(response, field.name, method.span) {
            self.push(problem);
            return Meaning::WRONG;
        }
        let parameters = field.parameters.unwrap_or_default();
        let Some(bound) = self.arguments(parameters, false, Call { span: method.span, ..call }) else {
            return Meaning::WRONG;
        };
        if method.text == "json" {
            let Some((path, kind)) = self.json_path(&bound, call.frame) else { return Meaning::Unknown(Type::Json) };
            self.keep(response, Keep::Body);
            return Meaning::Run(Expr::Json { response, path }, kind);
        }
        if method.text == "assets" {
            return self.assets(response, bound.get("others"));
        }
        let given = bound.first();
        if method.text == "url" {
            self.keep(response, Keep::Url);
            let Some(reference) = given.and_then(|(value, _)| value.expr()) else { return Meaning::WRONG };
            let is_secret = given.is_some_and(|(value, _)| value.kind() == Type::Secret);
            let kind = if is_secret { Type::Secret } else { Type::Text };
            return Meaning::Run(Expr::Url { response, reference: Box::new(reference) }, kind);
        }
        let Some(argument) = self.constant_text(given) else { return Meaning::Unknown(field.result) };
        let span = given.map_or(method.span, |(_, expr)| expr.span);
        let shows = given.is_some_and(|(_, expr)| is_written(expr));
        let part = match method.text.as_str() {
            "header" => {
                self.keep(response, Keep::Headers);
                return Meaning::Run(Expr::Header { response, name: argument }, Type::Text);
            }
            "regex" => {
                self.is_pattern(&argument, span, shows);
                AnswerPart::Regex
            }
            _ => {
                self.is_selector(&argument, span, shows);
                AnswerPart::Css
            }
        };
        self.keep(response, Keep::Text);
        let attribute = match (part == AnswerPart::Css).then(|| bound.get("attribute")).flatten() {
            Some(given) => match self.constant_text(Some(given)) {
                Some(name) => Some(name),
                None => return Meaning::Unknown(field.result),
            },
            None => None,
        };
        Meaning::Run(Expr::Answer { response, part, argument: Some(argument), attribute }, Type::Text)
    }

    /// What a browser fetches with a page, of the page's own origin and of those that are given.
    fn assets(&mut self, response: usize, others: Option<&Given<'a>>) -> Meaning<'a> {
        self.keep(response, Keep::Text);
        self.keep(response, Keep::Url);
        let Some((others, written)) = others else {
            let others = Box::new(Expr::List(Vec::new()));
            return Meaning::Run(Expr::Assets { response, others }, Type::List);
        };
        if others.is_unknown() {
            return Meaning::Unknown(Type::List);
        }
        let Some(others) = others.expr() else { return Meaning::WRONG };
        let Expr::List(items) = &others else {
            return Meaning::Run(Expr::Assets { response, others: Box::new(others) }, Type::List);
        };
        for item in items {
            let text = match item {
                Expr::Text(pieces) => match pieces.as_slice() {
                    [Piece::Literal(text)] => text.as_str(),
                    // What the run knows is looked at by the run.
                    _ => continue,
                },
                _ => "",
            };
            if let Err(why) = Origin::parse(text) {
                let message = format!("`{text}` is not the URL of a server");
                let problem = Diagnostic::new(Code::E0310, message, written.span, why);
                self.push(problem.help("write it like `others: [\"https://cdn.example.com\"]`"));
                return Meaning::Unknown(Type::List);
            }
        }
        Meaning::Run(Expr::Assets { response, others: Box::new(others) }, Type::List)
    }

    /// `shows`: the pattern is written there, so that a reason may quote a part of it.
    pub(super) fn is_pattern(&mut self, pattern: &str, span: Span, shows: bool) {
        let Some(why) = self.unusable_pattern(pattern, span) else { return };
        // The reason stands in the last line, after a drawing of the place.
        let why = why.lines().last().filter(|_| shows).unwrap_or("not a pattern");
        let why = why.trim_start_matches("error: ").to_owned();
        let message = format!("`{pattern}` is not a regular expression");
        let problem = Diagnostic::new(Code::E0310, message, span, why);
        self.push(
            problem.help("write it like `'id=([0-9]+)'`, in single quotes so that `\\` and `{` stay what they are"),
        );
    }

    fn is_selector(&mut self, selector: &str, span: Span, shows: bool) {
        let Err(error) = scraper::Selector::parse(selector) else { return };
        let why = if shows { error.to_string() } else { "not a selector".to_owned() };
        let message = format!("`{selector}` is not a CSS selector");
        let problem = Diagnostic::new(Code::E0310, message, span, why);
        self.push(problem.help("write it like `'form input[name=csrf]'`"));
    }
}
