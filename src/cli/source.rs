//! From `FILE[:SCENARIO]` to a program or a plan, with every diagnostic printed on the way.

use super::output::Terminal;
use crate::base::Sources;
use crate::check::Program;
use crate::diag::{Diagnostic, Diagnostics, Severity, render};
use crate::inputs;
use crate::plan::{Plan, Share};
use std::path::Path;

/// A file after the front end.
pub struct Checked {
    pub sources: Sources,
    pub program: Program,
    pub diagnostics: Diagnostics,
    pub ast: crate::syntax::ast::File,
}

/// Parses and checks; `Err` is why the file could not be read.
pub fn check(path: &Path) -> Result<Checked, String> {
    let text = inputs::read(path)?;
    let mut sources = Sources::default();
    let file = sources.add(path.display().to_string(), text);
    let parsed = crate::syntax::parse(sources.get(file));
    let (program, more) = crate::check::check(&parsed.file, sources.get(file));
    let mut diagnostics = parsed.diagnostics;
    diagnostics.extend(more);
    Ok(Checked { sources, program, diagnostics, ast: parsed.file })
}

/// Plans every scenario of a program without errors, for what only a plan can know.
pub fn plans(checked: &mut Checked, file: &str) -> Vec<Plan> {
    if checked.diagnostics.has_errors() {
        return Vec::new();
    }
    let mut plans = Vec::new();
    for scenario in &checked.program.scenarios {
        let (plan, more) = crate::plan::plan(scenario, file, Share::WHOLE, inputs::machine());
        checked.diagnostics.extend(more);
        plans.push(plan);
    }
    plans
}

pub fn print(diagnostics: &[Diagnostic], sources: &Sources, terminal: &Terminal) {
    for diagnostic in diagnostics {
        terminal.err(&render::draw(diagnostic, sources, terminal.err_coloured()));
        terminal.err("\n");
    }
    let count = |severity: Severity| diagnostics.iter().filter(|d| d.severity() == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let words = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    match (errors, warnings) {
        (0, 0) => {}
        (0, w) => terminal.err(&format!("{}\n", words(w, "warning"))),
        (e, 0) => terminal.err(&format!("{}\n", words(e, "error"))),
        (e, w) => terminal.err(&format!("{}, {}\n", words(e, "error"), words(w, "warning"))),
    }
}

/// The plan of the named scenario, or of the only one. What is wrong is printed; `Err` is the exit code.
pub fn plan(argument: &str, share: Option<(u64, u64)>, terminal: &Terminal) -> Result<Plan, u8> {
    let (file, wanted) = split(argument);
    let usage = |message: &str| {
        terminal.error(message);
        super::DOES_NOT_CHECK
    };
    let mut checked = check(Path::new(file)).map_err(|message| usage(&message))?;
    let share = share.map_or(Share::WHOLE, |(index, count)| Share { index: index - 1, count });
    let names: Vec<&str> = checked.program.scenarios.iter().map(|s| s.name.text.as_str()).collect();
    let list = names.iter().map(|name| format!("`{file}:{name}`")).collect::<Vec<_>>().join(", ");
    let chosen = match (wanted, names.as_slice()) {
        (Some(wanted), names) => names.iter().position(|name| *name == wanted).ok_or_else(|| {
            let near = crate::base::suggest::similar(wanted, names.iter().copied());
            match near {
                Some(near) => format!("`{file}` has no scenario `{wanted}`; did you mean `{file}:{near}`?"),
                None if names.is_empty() => format!("`{file}` has no scenario"),
                None => format!("`{file}` has no scenario `{wanted}`; there is {list}"),
            }
        }),
        (None, [_]) => Ok(0),
        (None, []) => Err(format!("`{file}` has no scenario to run")),
        (None, _) => Err(format!("`{file}` has several scenarios; name one: {list}")),
    };
    if let (Some(_), Err(message)) = (wanted, &chosen) {
        return Err(usage(message));
    }
    let planned = match (&chosen, checked.diagnostics.has_errors()) {
        (Ok(index), false) => {
            let (plan, more) = crate::plan::plan(&checked.program.scenarios[*index], file, share, inputs::machine());
            checked.diagnostics.extend(more);
            Some(plan)
        }
        _ => None,
    };
    let failed = checked.diagnostics.has_errors();
    print(&checked.diagnostics.sorted(), &checked.sources, terminal);
    if failed {
        return Err(super::DOES_NOT_CHECK);
    }
    match (planned, chosen) {
        (Some(plan), _) => Ok(plan),
        (None, Err(message)) => Err(usage(&message)),
        (None, Ok(_)) => Err(super::DOES_NOT_CHECK),
    }
}

/// `FILE` and `SCENARIO` of `FILE:SCENARIO`.
pub fn split(argument: &str) -> (&str, Option<&str>) {
    match argument.rsplit_once(':') {
        Some((file, scenario)) if file.ends_with(".stress") => (file, Some(scenario)),
        _ => (argument, None),
    }
}
