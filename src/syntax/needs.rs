//! What a file speaks of that is not in it: found while it is parsed, fetched by whoever may touch the world.

use super::ast::{Expr, ExprKind, TextPart};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Need {
    File {
        kind: FileKind,
        path: String,
    },
    /// A variable of the environment.
    Variable(String),
}

/// As what a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    Text,
    Csv,
    Json,
    JsonLines,
    Rules,
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
        "csv" => FileKind::Csv,
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
    let kinds: &[FileKind] = match named {
        Some((text, _)) if !is_path(text) => &[],
        Some((_, "csv")) => &[FileKind::Csv],
        Some((_, "json")) => &[FileKind::Json],
        Some((_, "jsonl" | "ndjson")) => &[FileKind::JsonLines],
        Some((_, ending)) if PEM.contains(&ending) => &[FileKind::Text],
        Some((_, "yml" | "yaml")) => &[FileKind::Rules, FileKind::Text],
        _ => &[],
    };
    kinds.iter().filter_map(move |kind| Some(Need::File { kind: *kind, path: named?.0.to_owned() }))
}

fn literal(parts: &[TextPart]) -> Option<&str> {
    match parts {
        [TextPart::Literal(text)] => Some(text),
        _ => None,
    }
}
