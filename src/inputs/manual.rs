//! The manual of the library: what its modules say of themselves, with what each declaration takes.

use super::library;
use crate::base::{FileId, Source};
use crate::syntax::ast::{Item, Parameter};
use crate::syntax::parse;

/// What a module offers: `shape`, `plateau`, its parameters as written, what it says of itself.
struct Member {
    kind: &'static str,
    name: String,
    parameters: String,
    doc: String,
}

impl Member {
    fn signature(&self, module: &str) -> String {
        format!("{module}.{}{}", self.name, self.parameters)
    }
}

/// The page of a module: `shapes` or `std.shapes`; or of one of its members: `shapes.plateau`.
pub fn page(asked: &str) -> Option<String> {
    let asked = asked.trim_end_matches(['(', ')']);
    let asked = asked.strip_prefix("std.").unwrap_or(asked);
    let (module, member) = asked.split_once('.').map_or((asked, None), |(module, member)| (module, Some(member)));
    let (doc, members) = read(module)?;
    if let Some(name) = member {
        let found = members.iter().find(|member| member.name == name)?;
        let head = format!("{module}.{name}: {}, brought in by `use std.{module}`", article(found.kind));
        return Some(format!("{head}\n\n    {}\n\n{}\n", found.signature(module), found.doc));
    }
    let mut out = format!("{module}: a module of the library, brought in by `use std.{module}`\n\n{doc}\n");
    for member in &members {
        out.push_str(&format!("\n{} {}\n\n{}\n", member.kind, member.signature(module), set_in(&member.doc)));
    }
    Some(out)
}

/// Every module and every member of one, as they are asked for.
pub fn names() -> Vec<String> {
    let members = |module: &'static str| {
        let members = read(module).map_or_else(Vec::new, |(_, members)| members);
        let named = members.into_iter().map(move |member| format!("{module}.{}", member.name));
        [module.to_owned()].into_iter().chain(named)
    };
    library::names().flat_map(members).collect()
}

/// A table of the modules with their members, for the reference.
pub fn table() -> String {
    let mut out = "| member | kind | meaning |\n| --- | --- | --- |\n".to_owned();
    for module in library::names() {
        let Some((doc, members)) = read(module) else { continue };
        out.push_str(&format!("| **`std.{module}`** | module | {} |\n", cell(&doc)));
        for member in &members {
            let (signature, kind) = (member.signature(module), member.kind);
            out.push_str(&format!("| `{signature}` | {kind} | {} |\n", cell(&member.doc)));
        }
    }
    out
}

/// What a module says of itself, and its members in their order. Names that start with `_` are its own.
fn read(module: &str) -> Option<(String, Vec<Member>)> {
    let source = Source::new(FileId(0), module, library::text(module)?.to_owned());
    let file = parse(&source).file;
    let members = file.items.iter().filter_map(|item| {
        let (kind, doc) = match item {
            Item::System(system) => ("system", &system.doc),
            Item::Flow(flow) => ("flow", &flow.doc),
            Item::Fault(fault) => ("fault", &fault.doc),
            Item::Shape(shape) => ("shape", &shape.doc),
            Item::Expectation(expectation) => ("expectation", &expectation.doc),
            Item::Scenario(scenario) => ("scenario", &scenario.doc),
            Item::Param(param) => ("parameter", &param.doc),
            _ => return None,
        };
        let name = item.name().filter(|name| !name.text.starts_with('_'))?.text.clone();
        let parameters = match item {
            Item::Param(param) => typed(&source, &param.name.text, &param.kind.path, param.value.as_ref()),
            _ => listed(&source, item.parameters().unwrap_or_default()),
        };
        let parameters = parameters.strip_prefix(name.as_str()).unwrap_or(&parameters).to_owned();
        Some(Member { kind, name, parameters, doc: doc.clone().unwrap_or_default() })
    });
    let members = members.collect();
    Some((file.doc.unwrap_or_default(), members))
}

fn listed(source: &Source, parameters: &[Parameter]) -> String {
    let one = |p: &Parameter| typed(source, &p.name.text, &p.kind.path, p.default.as_ref());
    format!("({})", parameters.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// `name: Type = default`
fn typed(source: &Source, name: &str, kind: &[crate::base::Name], value: Option<&crate::syntax::ast::Expr>) -> String {
    let kind: Vec<&str> = kind.iter().map(|part| part.text.as_str()).collect();
    let value = value.map_or_else(String::new, |value| format!(" = {}", source.slice(value.span)));
    format!("{name}: {}{value}", kind.join("."))
}

/// The first paragraph, on one line.
fn cell(doc: &str) -> String {
    let first = doc.lines().map(str::trim).take_while(|line| !line.is_empty());
    first.collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn set_in(doc: &str) -> String {
    let line = |line: &str| if line.is_empty() { String::new() } else { format!("    {line}") };
    doc.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn article(kind: &str) -> String {
    format!("{} {kind}", if kind.starts_with('e') { "an" } else { "a" })
}
