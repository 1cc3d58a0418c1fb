//! What a word or a built-in name of the language means, as text.

use super::page::alternatives;
use super::{BuiltinKind, FIELDS, OPTIONS, all};
use crate::syntax::words::{CLAUSES, statements};
use std::fmt::Write as _;

/// Values that are there without a declaration: what they are, and an example.
const VALUES: [(&str, &str, &str); 1] = [(
    "user.id",
    "A Count, in flows: the number of the user in a closed load or with `population:`, otherwise the number of the arrival. It starts at 1.",
    "form: { user: \"u{user.id}\", password: \"demo\" }",
)];

/// All that a name means, one part for each meaning; `None` where it means nothing.
pub fn explain(name: &str) -> Option<String> {
    let mut parts = Vec::new();
    for word in statements().filter(|word| word.text == name) {
        let places: Vec<&str> = word.contexts.iter().map(|context| context.place()).collect();
        let mut part = format!("{name}: a statement, {}\n", places.join(", "));
        let mut told = Vec::new();
        for form in word.forms.iter().flat_map(|form| alternatives(form.form)) {
            if !told.contains(&form) {
                let _ = writeln!(part, "\n    {form}");
                told.push(form);
            }
        }
        let _ = writeln!(part, "\n{}", word.doc);
        for form in word.forms {
            part.push_str(&example(form.example));
        }
        parts.push(part);
    }
    for clause in CLAUSES.iter().filter(|clause| clause.text == name) {
        let mut part = format!("{name}: a word inside statements\n\n{}\n", clause.doc);
        for form in clause.form.split("; ") {
            part.push_str(&example(form));
        }
        parts.push(part);
    }
    for (value, doc, shown) in VALUES {
        if name == value || value.split('.').next() == Some(name) {
            parts.push(format!("{value}: a value\n\n{doc}\n{}", example(shown)));
        }
    }
    for builtin in all().filter(|builtin| builtin.name == name) {
        let (what, signature) = (builtin.kind.a(), builtin.signature());
        parts.push(format!("{name}: {what}\n\n    {signature}\n\n{}\n{}", builtin.doc, example(builtin.example)));
    }
    for field in FIELDS.iter().filter(|field| field.name == name) {
        let what = if field.parameters.is_some() { "a method" } else { "a field" };
        let (of, signature) = (field.of.a(), field.signature());
        parts.push(format!("{name}: {what} of {of}\n\n    {signature}\n\n{}\n{}", field.doc, example(field.example)));
    }
    for option in OPTIONS.iter().filter(|option| option.name == name) {
        let (of, signature) = (option.of, option.signature());
        parts.push(format!(
            "{name}: an option of `{of}`\n\n    {signature}\n\n{}\n{}",
            option.doc,
            example(&option.shown())
        ));
    }
    (!parts.is_empty()).then(|| parts.join("\n"))
}

/// Every name that [`explain`] knows, once, in order, under what it is.
pub fn names() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = vec![
        ("Statements", statements().map(|word| word.text).collect()),
        ("Words inside statements", CLAUSES.iter().map(|clause| clause.text).collect()),
    ];
    groups.push(("Values", VALUES.iter().map(|(value, ..)| *value).collect()));
    groups.extend(BuiltinKind::ALL.into_iter().map(|kind| (kind.title(), super::names(kind).collect())));
    groups.push(("Fields", FIELDS.iter().map(|field| field.name).collect()));
    groups.push(("Options", OPTIONS.iter().map(|option| option.name).collect()));
    for (_, names) in &mut groups {
        names.sort_unstable();
        names.dedup();
    }
    groups
}

fn example(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("    {line}\n")).collect();
    format!("\n{}", lines.concat())
}
