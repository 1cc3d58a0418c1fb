//! The tables of the reference, generated from the tables of the language.

use super::{Builtin, BuiltinKind, FIELDS, Field, OPTIONS, Opt, Par, all};
use crate::check::types::Type;
use crate::syntax::words::{self, CLAUSES, Context, statements};

/// The table that a marker asks for: a kind of built-ins (`faults`), `fields of TYPE`, `options of DECLARATION`,
/// `statements of CONTEXT`, or `clauses`.
pub fn table(asked: &str) -> Option<String> {
    let rows: Vec<[String; 3]> = match asked.split_once(" of ") {
        Some(("fields", of)) => FIELDS.iter().filter(|field| field.of.name() == of).map(field_row).collect(),
        Some(("options", of)) => OPTIONS.iter().filter(|option| option.of == of).map(option_row).collect(),
        Some(("statements", of)) => {
            let context = Context::ALL.into_iter().find(|context| context.name() == of)?;
            statement_rows(context)
        }
        _ if asked == "clauses" => {
            CLAUSES.iter().map(|c| [code(c.text), c.doc.to_owned(), codes(c.form.split("; "))]).collect()
        }
        _ => {
            let kind = BuiltinKind::ALL.into_iter().find(|kind| kind.marker() == asked)?;
            all().filter(|builtin| builtin.kind == kind).map(builtin_row).collect()
        }
    };
    let head = match asked.split_once(' ').map_or(asked, |(first, _)| first) {
        "statements" => ["statement", "meaning", "form"],
        "clauses" => ["word", "meaning", "where"],
        "fields" => ["field", "meaning", "example"],
        "options" => ["option", "meaning", "example"],
        _ => ["form", "meaning", "example"],
    };
    (!rows.is_empty()).then(|| drawn(head, &rows))
}

/// A page with every marked table made anew; `Err` is a marker that nothing answers, or one without its end.
pub fn filled(page: &str) -> Result<String, String> {
    const START: &str = "<!-- builtins: ";
    const END: &str = "<!-- end -->";
    let mut out = String::new();
    let mut rest = page;
    while let Some(at) = rest.find(START) {
        let behind = &rest[at + START.len()..];
        let (asked, _) = behind.split_once(" -->").ok_or("a marker is not closed")?;
        let end = behind.find(END).ok_or_else(|| format!("`{asked}` has no `{END}`"))?;
        let table = table(asked).ok_or_else(|| format!("there is no table `{asked}`"))?;
        out.push_str(&format!("{}{START}{asked} -->\n\n{table}\n{END}", &rest[..at]));
        rest = &behind[end + END.len()..];
    }
    Ok(out + rest)
}

/// Every marker that a table answers, so that the reference can be held to have them all.
pub fn markers() -> Vec<String> {
    let mut found: Vec<String> = BuiltinKind::ALL.into_iter().map(|kind| kind.marker().to_owned()).collect();
    found.extend(FIELDS.iter().map(|field| format!("fields of {}", field.of)));
    found.extend(OPTIONS.iter().map(|option| format!("options of {}", option.of)));
    let contexts = Context::ALL.into_iter().filter(|context| words::standing_in(*context).next().is_some());
    found.extend(contexts.map(|context| format!("statements of {}", context.name())));
    found.push("clauses".to_owned());
    found.sort();
    found.dedup();
    found
}

fn drawn(head: [&str; 3], rows: &[[String; 3]]) -> String {
    let line = |cells: [&str; 3]| format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    let mut out = line(head) + "| --- | --- | --- |\n";
    for [a, b, c] in rows {
        out.push_str(&line([a, b, c]));
    }
    out
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn codes<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.map(code).collect::<Vec<_>>().join("<br>")
}

/// Statements on one line, as they may be written where a block is short.
fn one_line(text: &str) -> String {
    let joined = text.split('\n').map(str::trim).collect::<Vec<_>>().join(" ");
    joined.replace("{ }", "{}")
}

fn builtin_row(builtin: &'static Builtin) -> [String; 3] {
    [code(&builtin.short_signature()), builtin.doc.to_owned(), code(builtin.example)]
}

fn field_row(field: &'static Field) -> [String; 3] {
    [code(&field.signature()), field.doc.to_owned(), code(field.example)]
}

fn option_row(option: &'static Opt) -> [String; 3] {
    [code(&option.signature()), option.doc.to_owned(), code(&option.shown())]
}

fn statement_rows(context: Context) -> Vec<[String; 3]> {
    let here = statements().filter(|word| word.contexts.contains(&context));
    here.map(|word| {
        let own: Vec<&str> = word.forms.iter().filter(|form| form.context == context).map(|form| form.form).collect();
        let forms = match own.is_empty() {
            true => word.forms.iter().map(|form| form.form).collect(),
            false => own,
        };
        // A body that is laid out over lines is one form; alternatives stand under each other.
        let mut shown: Vec<String> = Vec::new();
        for form in forms.into_iter().flat_map(alternatives) {
            if !shown.contains(&form) {
                shown.push(form);
            }
        }
        [code(word.text), word.doc.to_owned(), codes(shown.iter().map(String::as_str))]
    })
    .collect()
}

/// The ways in which a statement is written, each on one line.
pub fn alternatives(form: &str) -> Vec<String> {
    match form.lines().any(|line| line.starts_with(' ')) {
        true => vec![one_line(form)],
        false => form.lines().map(str::to_owned).collect(),
    }
}

impl BuiltinKind {
    /// What the marker of its table in the reference says.
    pub fn marker(self) -> &'static str {
        match self {
            BuiltinKind::Metric => "metrics",
            BuiltinKind::Service => "services",
            BuiltinKind::Link => "links",
            BuiltinKind::Target => "targets",
            BuiltinKind::Data => "data",
            BuiltinKind::Limiter => "limiters",
            BuiltinKind::Semaphore => "semaphores",
            BuiltinKind::Monitor => "monitors",
            BuiltinKind::Alerts => "alerts",
            BuiltinKind::Fault => "faults",
            BuiltinKind::Event => "events",
            BuiltinKind::Pure => "functions",
            BuiltinKind::Distribution => "distributions",
            BuiltinKind::Input => "inputs",
            BuiltinKind::Auth => "authentication",
            BuiltinKind::Connections => "connections",
        }
    }
}

impl Builtin {
    /// As [`Builtin::signature`], without what its kind says already.
    fn short_signature(&self) -> String {
        let call = format!("{}({})", self.name, listed(self.parameters, self.variadic));
        match (self.kind, self.result) {
            (BuiltinKind::Metric | BuiltinKind::Pure | BuiltinKind::Input, result) if result != Type::Wrong => {
                format!("{call} -> {result}")
            }
            _ => call,
        }
    }
}

impl Field {
    pub fn signature(&self) -> String {
        let result = match self.result {
            Type::Wrong => String::new(),
            result => format!(" -> {result}"),
        };
        match self.parameters {
            Some(list) => format!("{}.{}({}){result}", self.of, self.name, listed(list, false)),
            None => format!("{}.{}{result}", self.of, self.name),
        }
    }
}

impl Opt {
    pub fn signature(&self) -> String {
        let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind.name()).collect();
        format!("{}: {}", self.name, kinds.join(" or "))
    }

    pub fn shown(&self) -> String {
        format!("{}: {}", self.name, self.example)
    }
}

fn listed(parameters: &[Par], variadic: bool) -> String {
    super::parameters(parameters) + if variadic { ", …" } else { "" }
}
