//! Checks how requests authenticate to a target, or to a source of alerts: `auth:`.

use super::bound::{Arguments, Call};
use super::builtins::{self, BuiltinKind};
use super::meaning::Meaning;
use super::parts::listed;
use super::program::{Expr, Piece, Text, ValueFunction};
use super::request::is_token;
use super::scope::FrameId;
use super::session::ScenarioChecker;
use crate::base::Span;
use crate::diag::{Applicability, Code, Diagnostic};
use crate::syntax::ast::{Entry, ExprKind};

/// What each request has.
pub(super) enum Credentials {
    Header(String, Text),
    Cookie(Text),
}

impl Credentials {
    pub(super) fn into_header(self) -> (String, Text) {
        match self {
            Credentials::Header(name, text) => (name, text),
            Credentials::Cookie(text) => ("Cookie".to_owned(), text),
        }
    }
}

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn auth(&mut self, entry: &'a Entry, frame: FrameId) -> Option<Credentials> {
        let known = || builtins::names(BuiltinKind::Auth);
        let ExprKind::Call { function, arguments } = &entry.value.kind else {
            let problem =
                Diagnostic::new(Code::E0301, "this is not a kind of authentication", entry.value.span, "not a call");
            self.push(problem.help(listed("write one of", known())));
            return None;
        };
        let Some(builtin) = builtins::of_kind(BuiltinKind::Auth, &function.text) else {
            let problem = Diagnostic::new(
                Code::E0201,
                format!("`{function}` is not a kind of authentication"),
                function.span,
                "no such one",
            );
            self.push(match function.text.as_str() {
                "token" | "jwt" | "oauth" | "oauth2" => problem.fix(
                    Applicability::Maybe,
                    function.span,
                    "bearer",
                    "a token is shown by `bearer(…)` (RFC 6750)",
                ),
                "key" | "api_key" | "apikey" => {
                    problem.help("a key in a header is shown by `header(\"X-Api-Key\", secret(\"KEY\"))`")
                }
                name => problem.did_you_mean(function.span, name, known()),
            });
            return None;
        };
        let call = Call { function, arguments, span: entry.value.span, frame };
        let span = call.span;
        let bound = self.arguments(builtin.parameters, builtin.variadic, call)?;
        match builtin.name {
            "basic" => Some(self.basic(&bound, span)),
            "bearer" => Some(self.bearer(&bound, span)),
            "header" => {
                let name = self.auth_name(&bound, span)?;
                if matches!(
                    name.to_ascii_lowercase().as_str(),
                    "content-length" | "transfer-encoding" | "host" | "connection"
                ) {
                    self.out_of_range(bound.span("name", span), "this header is the client's own");
                    return None;
                }
                let what = "a header stands on one line";
                self.is_literal(&bound, "value", &['\r', '\n', '\0'], (what, span));
                Some(Credentials::Header(name, bound.pieces("value").unwrap_or_default()))
            }
            _ => {
                let name = self.auth_name(&bound, span)?;
                let what = "the value of a cookie has no blanks, `;`, `,`, `\"` and `\\` (RFC 6265, 4.1.1)";
                self.is_literal(&bound, "value", &['\r', '\n', '\0', ' ', '\t', ';', ',', '"', '\\'], (what, span));
                let mut text = vec![Piece::Literal(format!("{name}="))];
                text.extend(bound.pieces("value").unwrap_or_default());
                Some(Credentials::Cookie(text))
            }
        }
    }

    fn basic(&mut self, bound: &Arguments<'a>, span: Span) -> Credentials {
        self.is_literal(bound, "user", &[':'], ("a name has no `:` (RFC 7617), which ends it", span));
        let mut pair: Text = bound.pieces("user").unwrap_or_default();
        pair.push(Piece::Literal(":".to_owned()));
        pair.extend(bound.pieces("password").unwrap_or_default());
        let coded = Expr::Call { function: ValueFunction::Base64, arguments: vec![Expr::Text(pair)] };
        let text = vec![Piece::Literal("Basic ".to_owned()), Piece::Value(coded)];
        Credentials::Header("Authorization".to_owned(), text)
    }

    fn bearer(&mut self, bound: &Arguments<'a>, span: Span) -> Credentials {
        self.is_literal(bound, "token", &['\r', '\n', '\0', ' '], ("a token is one word (RFC 6750)", span));
        let mut text = vec![Piece::Literal("Bearer ".to_owned())];
        text.extend(bound.pieces("token").unwrap_or_default());
        Credentials::Header("Authorization".to_owned(), text)
    }

    /// Says so where what is written of an argument has one of these in it.
    fn is_literal(&mut self, bound: &Arguments<'a>, name: &str, wrong: &[char], (why, call): (&str, Span)) {
        let pieces = bound.pieces(name).unwrap_or_default();
        if pieces.iter().any(|piece| matches!(piece, Piece::Literal(text) if text.contains(wrong))) {
            self.out_of_range(bound.span(name, call), why);
        }
    }

    /// The name of a header or a cookie: a token (RFC 9110, 5.6.2), known before the run.
    fn auth_name(&mut self, bound: &Arguments<'a>, call: Span) -> Option<String> {
        let (value, expr) = bound.get("name")?;
        match value {
            Meaning::Text(name, _) if !is_token(name) => {
                self.out_of_range(bound.span("name", call), "a name has letters, digits and hyphens");
                None
            }
            Meaning::Text(name, _) => Some(name.clone()),
            Meaning::Unknown(_) => None,
            _ => {
                self.not_constant(expr.span, "this name must be known before the run");
                None
            }
        }
    }
}
