//! Files that use each other: the names of modules, the names in each, and cycles, which are refused.

use super::builtins;
use super::inputs::{Inputs, Module};
use super::scope::{Index, twice};
use crate::base::Span;
use crate::diag::{Applicability, Code, Diagnostic, Diagnostics};
use crate::syntax::ast::{Item, Use, UseFrom};
use std::collections::HashMap;

/// What a module is called where it is used: its alias, or the last part of its name.
pub(super) fn alias_of(import: &Use) -> Option<String> {
    if let Some(alias) = &import.alias {
        return Some(alias.text.clone());
    }
    let stem = match &import.from {
        UseFrom::Library(name) => name.as_str(),
        UseFrom::File(path) => {
            let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
            file.strip_suffix(".stress").unwrap_or(file)
        }
    };
    let first = stem.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let rest = stem.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    (first && rest).then(|| stem.to_owned())
}

/// The names that a file declares; a name that comes twice is said to, and the first one counts.
pub(super) fn index<'a>(module: &'a Module, diagnostics: &mut Diagnostics) -> Index<'a> {
    let mut names: HashMap<&'a str, &'a Item> = HashMap::new();
    let mut lost = false;
    for item in &module.ast.items {
        lost |= matches!(item, Item::Refused(_));
        // Profiles have names of their own kind.
        let Some(name) = item.name().filter(|_| !matches!(item, Item::Profile(_))) else { continue };
        let is_refused = |item: &Item| matches!(item, Item::Refused(_));
        match names.get(name.text.as_str()) {
            Some(first) if is_refused(first) || is_refused(item) => {}
            Some(first) => {
                if let Some(span) = first.span() {
                    diagnostics.push(twice(name, span));
                }
            }
            None => {
                names.insert(&name.text, item);
            }
        }
        function_name(item, diagnostics);
    }
    Index { names, lost }
}

/// What is called like a function may not have the name of one.
pub(super) fn function_name(item: &Item, diagnostics: &mut Diagnostics) {
    let Some(name) = item.name().filter(|_| item.parameters().is_some()) else { return };
    // A template of faults is called after the name of its module, where nothing else can be meant.
    let is_fault =
        matches!(item, Item::Fault(_)) && builtins::of_kind(builtins::BuiltinKind::Fault, &name.text).is_some();
    if builtins::find(&name.text).is_some() && !is_fault {
        let problem = Diagnostic::new(Code::E0204, format!("`{name}` is a built-in function"), name.span, "taken");
        let other = match item {
            Item::Flow(_) => format!("{name}_flow"),
            Item::Fault(_) => format!("{name}_fault"),
            Item::System(_) => format!("{name}_system"),
            Item::Shape(_) => format!("{name}_shape"),
            _ => format!("{name}_test"),
        };
        diagnostics.push(problem.fix(Applicability::Maybe, name.span, &other, format!("call it `{other}`")));
    }
}

/// A file that cannot be used, with the name of the one that is meant where that is nearly so.
pub(super) fn cannot_be_used(why: &str, written: &str, span: Span) -> Diagnostic {
    match crate::base::suggest::hinted(why) {
        Some((why, near)) => {
            // The way to it is the one that is written.
            let way = written.rfind('/').map_or("", |end| &written[..=end]);
            let near = format!("{way}{}", near.rsplit('/').next().unwrap_or(near));
            let problem = Diagnostic::new(Code::E0208, why, span, "cannot be used");
            problem.fix(Applicability::Maybe, span, format!("\"{near}\""), format!("did you mean `{near}`?"))
        }
        None => Diagnostic::new(Code::E0208, why, span, "cannot be used"),
    }
}

/// What each file calls the files that it uses.
pub(super) fn aliases(inputs: &Inputs, module: usize, diagnostics: &mut Diagnostics) -> Vec<(String, usize)> {
    let module = &inputs.modules[module];
    let imports = module.ast.items.iter().filter_map(|item| match item {
        Item::Use(import) => Some(import),
        _ => None,
    });
    let mut aliases: Vec<(String, usize)> = Vec::new();
    for (import, found) in imports.zip(&module.uses) {
        let found = match found {
            Ok(found) => *found,
            Err(why) => {
                let written = match &import.from {
                    UseFrom::Library(name) | UseFrom::File(name) => name,
                };
                let problem = cannot_be_used(why, written, import.span);
                let problem = match &import.from {
                    UseFrom::File(_) if problem.fix.is_some() => problem,
                    UseFrom::Library(name) => {
                        let known = || inputs.library.iter().map(String::as_str);
                        match crate::base::suggest::similar(name, known()) {
                            Some(near) => {
                                let near = format!("std.{near}");
                                problem.fix(Applicability::Maybe, import.span, &near, format!("did you mean `{near}`?"))
                            }
                            None => problem.help(format!("choose from {}", known().collect::<Vec<_>>().join(", "))),
                        }
                    }
                    UseFrom::File(_) => problem.help("a path is relative to the file that names it"),
                };
                diagnostics.push(problem);
                continue;
            }
        };
        let Some(alias) = alias_of(import) else {
            let problem =
                Diagnostic::new(Code::E0307, "this module needs a name", import.span, "its file name is none");
            diagnostics.push(problem.help("write `use … as NAME`"));
            continue;
        };
        let span = import.alias.as_ref().map_or(import.span, |alias| alias.span);
        if aliases.iter().any(|(before, _)| *before == alias) {
            let problem = Diagnostic::new(Code::E0203, format!("two modules are called `{alias}`"), span, "again here");
            diagnostics.push(problem.help("name one of them with `as NAME`"));
        }
        aliases.push((alias, found));
    }
    aliases
}

/// Whether a file has this name for a module that cannot be used, which is said where it is.
pub(super) fn is_unusable(module: &Module, name: &str) -> bool {
    let imports = module.ast.items.iter().filter_map(|item| match item {
        Item::Use(import) => Some(import),
        _ => None,
    });
    let is_meant = |alias: &str| alias == name || crate::base::suggest::similar(name, [alias]).is_some();
    imports.zip(&module.uses).any(|(import, found)| found.is_err() && alias_of(import).as_deref().is_some_and(is_meant))
}

/// Refuses files that use each other in a circle, and shows it.
pub(super) fn circles(inputs: &Inputs, diagnostics: &mut Diagnostics) {
    let mut done = vec![false; inputs.modules.len()];
    for start in 0..inputs.modules.len() {
        let mut path = Vec::new();
        visit(inputs, start, &mut path, &mut done, diagnostics);
    }
}

fn visit(inputs: &Inputs, module: usize, path: &mut Vec<usize>, done: &mut [bool], diagnostics: &mut Diagnostics) {
    if done[module] {
        return;
    }
    path.push(module);
    let here = &inputs.modules[module];
    let imports = here.ast.items.iter().filter_map(|item| match item {
        Item::Use(import) => Some(import),
        _ => None,
    });
    for (import, found) in imports.zip(&here.uses) {
        let Ok(found) = found else { continue };
        match path.iter().position(|before| before == found) {
            Some(from) => {
                let names: Vec<&str> =
                    path[from..].iter().chain([found]).map(|at| inputs.modules[*at].name.as_str()).collect();
                let problem = match names.as_slice() {
                    [_, _] => Diagnostic::new(Code::E0206, "this file uses itself", import.span, "itself")
                        .help("take this line away: a file sees its own names"),
                    names => {
                        let message = "these files use each other";
                        Diagnostic::new(Code::E0206, message, import.span, "back to where it began")
                            .help(format!("{}; move what they share into a file of its own", names.join(" → ")))
                    }
                };
                diagnostics.push(problem);
            }
            None => visit(inputs, *found, path, done, diagnostics),
        }
    }
    path.pop();
    done[module] = true;
}
