//! What a file needs from outside: found while it is parsed, fetched by the loader.

use super::ast::{Built, Expr, ExprKind, TextPart};
use super::dialect::Dialect;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Need {
    File {
        kind: FileKind,
        path: String,
    },
    /// A variable of the environment.
    Variable(String),
    /// The formats of CSV files whose paths are given elsewhere.
    Dialect(Dialect),
}

/// As what a file is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FileKind {
    Text,
    Csv(Dialect),
    Json,
    JsonLines,
    Rules,
    /// The configuration of a Prometheus.
    Prometheus,
}

/// How the names of certificates and keys end.
pub const PEM: [&str; 4] = ["pem", "crt", "cer", "key"];

/// What the first argument of a call names.
pub fn of_call(function: &str, argument: &Expr) -> Option<Need> {
    let ExprKind::Text(parts) = &argument.kind else { return None };
    let text = literal(parts)?;
    let kind = match function {
        "env" | "secret" => return Some(Need::Variable(text.to_owned())),
        "file" | "template" => FileKind::Text,
        "csv" => FileKind::Csv(Dialect::default()),
        // As in `json("$.id")` of an answer.
        "json" if text.starts_with('$') => return None,
        "json" => FileKind::Json,
        "jsonl" => FileKind::JsonLines,
        _ => return None,
    };
    Some(Need::File { kind, path: text.to_owned() })
}

/// What a text names by the end of its name, wherever it stands: it may be an argument for `rules:`, `ca:`, `csv(…)` or, as
/// rules and other files of configuration often are, for `file(…)` of a template.
pub fn of_text(parts: &[TextPart]) -> impl Iterator<Item = Need> {
    let named = literal(parts).and_then(|text| Some((text, text.rsplit_once('.')?.1)));
    let is_path = |text: &str| text.len() < 256 && !text.contains(['\n', '{', '$', ' ']) && !text.contains("://");
    let kinds = match named {
        Some((text, _)) if !is_path(text) => Vec::new(),
        Some((_, "csv")) => vec![FileKind::Csv(Dialect::default())],
        Some((_, "json")) => vec![FileKind::Json],
        Some((_, "jsonl" | "ndjson")) => vec![FileKind::JsonLines],
        Some((_, ending)) if PEM.contains(&ending) => vec![FileKind::Text],
        Some((_, "yml" | "yaml")) => vec![FileKind::Rules, FileKind::Prometheus, FileKind::Text],
        _ => Vec::new(),
    };
    kinds.into_iter().filter_map(move |kind| Some(Need::File { kind, path: named?.0.to_owned() }))
}

/// What a declaration of data needs in addition to `found`, which its parts need by themselves: the options say how its file is
/// read.
pub fn of_data(built: &Built, found: &mut Vec<Need>, before: usize) {
    let ExprKind::Call { function, arguments } = &built.constructor.kind else { return };
    let dialect = Dialect::of(&built.options);
    if function.text != "csv" || dialect == Dialect::default() {
        return;
    }
    let path = arguments.first().and_then(|argument| match &argument.value.kind {
        ExprKind::Text(parts) => literal(parts),
        _ => None,
    });
    let Some(path) = path else {
        found.push(Need::Dialect(dialect));
        return;
    };
    let usual = Need::File { kind: FileKind::Csv(Dialect::default()), path: path.to_owned() };
    let own = found.split_off(before);
    found.extend(own.into_iter().filter(|need| *need != usual));
    found.push(Need::File { kind: FileKind::Csv(dialect), path: path.to_owned() });
}

pub(super) fn literal(parts: &[TextPart]) -> Option<&str> {
    match parts {
        [TextPart::Literal(text)] => Some(text),
        _ => None,
    }
}
