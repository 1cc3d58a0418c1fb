//! What a request carries: JSON, a form, a text, a file, or several parts.

use super::bound::{Arguments, Call};
use super::builtins;
use super::inputs::{Content as Found, Document, FileKind};
use super::meaning::{Meaning, placed};
use super::program::{Body, Content, Expr, Piece, Upload};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::{Name, Span};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, Argument, Entry, ExprKind};

/// What names of files end with, and as what such a file is sent (the registry of media types of IANA).
const TYPES: [(&str, &str); 24] = [
    ("avif", "image/avif"),
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("jsonl", "application/jsonl"),
    ("md", "text/markdown"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("ndjson", "application/x-ndjson"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain"),
    ("wasm", "application/wasm"),
    ("webp", "image/webp"),
    ("xml", "application/xml"),
    ("zip", "application/zip"),
];

impl<'a> ScenarioChecker<'a, '_> {
    /// `json:`, `form:`, `multipart:` or `body:`
    pub(super) fn request_body(&mut self, entry: &'a Entry, body: &mut Option<Body>, frame: FrameId) {
        if body.is_some() {
            let problem = Diagnostic::new(Code::E0203, "a request has one body", entry.label.span, "another one");
            self.push(problem.help("keep one of `json:`, `form:`, `multipart:` and `body:`"));
        }
        *body = match entry.label.text.as_str() {
            "json" => self.json_body(&entry.value, frame).map(Body::Json),
            "form" => Some(Body::Form(self.fields(entry, frame))),
            "multipart" => Some(Body::Multipart(self.parts(entry, frame))),
            _ => match as_file(&entry.value) {
                Some((function, arguments)) => {
                    self.upload(function, arguments, &entry.value, true, frame).map(Body::File)
                }
                None => self.text_of(&entry.value, frame).map(Body::Text),
            },
        };
    }

    pub(super) fn json_body(&mut self, expr: &'a ast::Expr, frame: FrameId) -> Option<Expr> {
        let value = self.eval(expr, frame);
        self.as_json(&value, expr)
    }

    pub(super) fn as_json(&mut self, value: &Meaning<'a>, expr: &'a ast::Expr) -> Option<Expr> {
        match value.expr() {
            _ if value.is_wrong() => None,
            Some(body) => {
                self.plain_json(value, expr);
                Some(body)
            }
            None => {
                self.no_json(value, expr);
                None
            }
        }
    }

    /// JSON has numbers and texts; a unit would be lost in it.
    fn plain_json(&mut self, value: &Meaning<'a>, expr: &'a ast::Expr) {
        match (value, &expr.kind) {
            (Meaning::Object(fields), ExprKind::Object(exprs)) => {
                for ((_, value), entry) in fields.iter().zip(exprs) {
                    self.plain_json(value, &entry.value);
                }
            }
            (Meaning::List(items), ExprKind::List(exprs)) => {
                for (value, expr) in items.iter().zip(exprs) {
                    self.plain_json(value, expr);
                }
            }
            (value, _) if has_unit(value) => self.no_json(value, expr),
            _ => {}
        }
    }

    fn no_json(&mut self, value: &Meaning<'a>, expr: &'a ast::Expr) {
        let kind = value.kind();
        let problem = Diagnostic::new(Code::E0301, format!("{} has no form in JSON", kind.a()), expr.span, kind.a());
        self.push(match value.number() {
            Some(_) => problem.help("write a plain number in the unit that the server expects, or a text"),
            None => problem.help("take a part of it, such as `.json(\"$.id\")`"),
        });
    }

    /// Names and values, of a form or a query; a list repeats its name.
    pub(super) fn fields(&mut self, entry: &'a Entry, frame: FrameId) -> Vec<(String, Expr)> {
        let mut out = Vec::new();
        let value = self.eval(&entry.value, frame);
        let Meaning::Object(fields) = &value else {
            if !value.is_unknown() {
                self.no_object(entry);
            }
            return out;
        };
        for (name, value, place) in placed(fields, &entry.value) {
            if let Some(value) = self.field_value(value, place, entry) {
                out.push((name.text.clone(), value));
            }
        }
        out
    }

    /// One that is written there: of a file the name is not enough.
    fn object(&mut self, entry: &'a Entry) -> &'a [Entry] {
        match &entry.value.kind {
            ExprKind::Object(fields) => fields,
            ExprKind::Wrong => &[],
            _ => {
                self.no_object(entry);
                &[]
            }
        }
    }

    fn no_object(&mut self, entry: &Entry) {
        let message = format!("`{}:` is an object", entry.label);
        let problem = Diagnostic::new(Code::E0301, message, entry.value.span, "not `{ … }`");
        self.push(problem.help(format!("write `{}: {{ user: \"ann\" }}`", entry.label)));
    }

    /// A value that can stand in a text; a list has several of them.
    fn field_value(&mut self, value: &Meaning<'a>, expr: &'a ast::Expr, entry: &Entry) -> Option<Expr> {
        if value.is_wrong() {
            return None;
        }
        match (value, &expr.kind) {
            (Meaning::List(items), ExprKind::List(exprs)) => {
                for (item, expr) in items.iter().zip(exprs) {
                    if matches!(item, Meaning::List(_) | Meaning::Null) || !is_field(item) {
                        self.no_field_value(item, expr, entry);
                    }
                }
            }
            // A query leaves it out.
            (Meaning::Null, _) if entry.label.text == "query" => {}
            (Meaning::Null, _) => self.no_field_value(value, expr, entry),
            _ if !is_field(value) => self.no_field_value(value, expr, entry),
            _ => {}
        }
        value.expr()
    }

    fn no_field_value(&mut self, value: &Meaning<'a>, expr: &'a ast::Expr, entry: &Entry) {
        if value.is_wrong() {
            return;
        }
        let (kind, label) = (value.kind(), &entry.label);
        let what = if matches!(value, Meaning::Null) { "null".to_owned() } else { kind.a() };
        let message = format!("{what} is no value of `{label}:`");
        let problem = Diagnostic::new(Code::E0301, message, expr.span, what);
        self.push(match value {
            _ if has_unit(value) => problem.help("write a plain number in the unit that the server expects, or a text"),
            Meaning::Null => problem.help("leave the field out"),
            Meaning::List(_) | Meaning::Object(_) => {
                problem.help("its values are texts and numbers, and lists of them")
            }
            _ => problem.help("take a part of it, such as `.json(\"$.id\")`"),
        });
    }

    /// The parts of `multipart:`. A list is several parts of one name.
    fn parts(&mut self, entry: &'a Entry, frame: FrameId) -> Vec<(String, Content)> {
        let mut out = Vec::new();
        for field in self.object(entry) {
            let several = match &field.value.kind {
                ExprKind::List(items) if items.iter().any(|item| as_file(item).is_some()) => items.as_slice(),
                _ => std::slice::from_ref(&field.value),
            };
            for value in several {
                let content = match as_file(value) {
                    Some((function, arguments)) => {
                        self.upload(function, arguments, value, false, frame).map(Content::File)
                    }
                    None => {
                        let part = self.eval(value, frame);
                        self.field_value(&part, value, entry).map(Content::Value)
                    }
                };
                out.extend(content.map(|content| (field.label.text.clone(), content)));
            }
        }
        if out.is_empty() && matches!(&entry.value.kind, ExprKind::Object(fields) if fields.is_empty()) {
            // RFC 2046, 5.1: at least one.
            let problem = Diagnostic::new(Code::E0307, "a body in parts has a part", entry.value.span, "no part in it");
            self.push(problem.help("write `multipart: { note: \"hello\" }`, or leave it out"));
        }
        out
    }

    /// `file("x.bin", type: "…", name: "…")` where its bytes are sent, whatever they are.
    pub(super) fn upload(
        &mut self,
        function: &'a Name,
        arguments: &'a [Argument],
        whole: &'a ast::Expr,
        alone: bool,
        frame: FrameId,
    ) -> Option<Upload> {
        let builtin = builtins::of_kind(builtins::BuiltinKind::Input, &function.text)?;
        let call = Call { function, arguments, span: whole.span, frame };
        let bound = self.arguments(builtin.parameters, builtin.variadic, call)?;
        let Some((Meaning::Text(path, from), expr)) = bound.get("path") else {
            self.constant_text(bound.get("path"));
            return None;
        };
        let Some(Found::Text(document)) = self.content(path, *from, FileKind::Text, expr.span) else { return None };
        if document.size > Document::LARGEST {
            self.out_of_range(expr.span, "a file that is sent has at most 1 GiB");
            return None;
        }
        // As it is written: a link has a name of its own.
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned();
        let uploaded = name.clone();
        let mut given = |what: &str| -> Option<Vec<Piece>> {
            let (value, expr) = bound.get(what)?;
            let pieces = value.pieces()?;
            if pieces.iter().any(|piece| matches!(piece, Piece::Literal(text) if text.contains(['\r', '\n']))) {
                self.out_of_range(expr.span, &format!("the {what} of a file stands on one line"));
            }
            Some(pieces)
        };
        let kind = given("type").unwrap_or_else(|| vec![Piece::Literal(type_of(&name).to_owned())]);
        let shown = given("name");
        if alone && let Some((_, expr)) = bound.get("name") {
            let problem = Diagnostic::new(Code::E0306, "a whole body has no name", expr.span, "sent as what?");
            self.push(problem.help("names belong to parts: `multipart: { photo: file(\"a.png\", name: \"b.png\") }`"));
        }
        let shown = if alone { Vec::new() } else { shown.unwrap_or_else(|| vec![Piece::Literal(name.clone())]) };
        let file = self.planned_file(uploaded, document);
        Some(Upload { file, kind, name: shown })
    }

    /// A file whose text is a value is sent as nothing.
    pub(super) fn is_only_text(&mut self, bound: &Arguments<'a>, span: Span) {
        if bound.get("type").or(bound.get("name")).is_some() {
            let problem =
                Diagnostic::new(Code::E0306, "only a file that is sent has a type and a name", span, "a text here");
            self.push(problem.help("write it as the `body:` of a request or as a part of its `multipart:`"));
        }
    }
}

pub(super) fn as_file(expr: &ast::Expr) -> Option<(&Name, &[Argument])> {
    match &expr.kind {
        ExprKind::Call { function, arguments } if function.text == "file" => Some((function, arguments)),
        _ => None,
    }
}

fn has_unit(value: &Meaning<'_>) -> bool {
    value.kind().is_quantity() && !matches!(value.kind(), Type::Number | Type::Count)
}

/// Whether it can stand in a text, as far as that is known.
fn is_field(value: &Meaning<'_>) -> bool {
    !has_unit(value) && !matches!(value, Meaning::Object(_)) && value.expr().is_some()
}

fn type_of(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    TYPES.iter().find(|(own, _)| *own == ending).map_or("application/octet-stream", |(_, kind)| kind)
}
