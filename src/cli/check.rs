//! `stressc check`: every diagnostic of every file.

use super::args::{CheckArgs, CheckFormat, Emit};
use super::output::Terminal;
use super::source;
use crate::base::Span;
use crate::base::units::counted;
use crate::check::Reference;
use crate::diag::render;
use std::io::IsTerminal;

pub fn check(args: &CheckArgs, terminal: &Terminal) -> u8 {
    // As a run does, so that both know of the same limits.
    crate::inputs::raise_limits();
    let mut failed = false;
    let mut all = Vec::new();
    let mut files = Vec::new();
    let mut scenarios = 0;
    for argument in &args.files {
        let shown = argument.to_string_lossy();
        if let (file, Some(_)) = source::split(&shown)
            && !argument.exists()
        {
            terminal.error(&format!("`check` takes whole files: write `stressc check {file}`"));
            failed = true;
            continue;
        }
        match crate::inputs::scenario_files(&crate::inputs::Disk, argument) {
            Ok(found) if found.is_empty() => {
                terminal.error(&super::no_files(argument));
                failed = true;
            }
            Ok(found) => {
                let directory = argument.is_dir().then(|| argument.clone());
                files.extend(found.into_iter().map(|file| (file, directory.clone())));
            }
            Err(message) => {
                terminal.error(&message);
                failed = true;
            }
        }
    }
    let machine = crate::inputs::machine();
    for (path, directory) in &files {
        let asked = crate::inputs::Asked { directory: directory.clone(), ..args.asked.asked() };
        let mut checked = match source::check(path, &asked) {
            Ok(checked) => checked,
            Err(message) => {
                terminal.error(&message);
                failed = true;
                continue;
            }
        };
        scenarios += checked.program.scenarios.len();
        let name = path.display().to_string();
        let plans = match args.emit {
            Some(Emit::Plan) => source::plans(&mut checked, &name, machine),
            Some(Emit::Ast | Emit::Program | Emit::References) | None => {
                source::diagnose(&mut checked, &name, machine);
                Vec::new()
            }
        };
        match args.emit {
            Some(Emit::Ast) => terminal.out(&format!("{:#?}\n", checked.inputs.modules[0].ast)),
            Some(Emit::Program) => terminal.out(&pretty(&checked.program)),
            Some(Emit::References) => terminal.out(&references(&checked)),
            Some(Emit::Plan) => plans.iter().for_each(|plan| terminal.out(&pretty(plan))),
            None => {}
        }
        failed |= checked.diagnostics.has_errors();
        let diagnostics = checked.told(&checked.diagnostics);
        match args.format {
            CheckFormat::Human => source::print(&checked.diagnostics, &checked, terminal),
            CheckFormat::Short => diagnostics.iter().for_each(|d| terminal.err(&render::line(d, &checked.sources))),
            CheckFormat::Json => all.extend(diagnostics.iter().map(|d| {
                // A label or a fix may stand in another file than the diagnostic.
                let placed = |span: Span, text: &str| {
                    let file = checked.sources.get(span.file);
                    let (line, column) = file.position(span.start as usize);
                    serde_json::json!({ "file": file.name, "line": line, "column": column, "span": span, "text": text })
                };
                let labels: Vec<_> = d.labels.iter().map(|label| placed(label.span, &label.text)).collect();
                let fix = d.fix.as_ref().map(|fix| placed(fix.span, &fix.text));
                let file = checked.sources.get(d.span().file);
                let (line, column) = file.position(d.span().start as usize);
                serde_json::json!({
                    "file": file.name, "line": line, "column": column, "code": d.code, "severity": d.severity(),
                    "message": d.message, "labels": labels, "help": d.help, "fix": fix,
                })
            })),
        }
    }
    if args.format == CheckFormat::Json {
        terminal.out(&pretty(&all));
    }
    if !failed && args.format == CheckFormat::Human && args.emit.is_none() && std::io::stdout().is_terminal() {
        let (files, scenarios) = (counted(files.len() as u64, "file"), counted(scenarios as u64, "scenario"));
        terminal.out(&format!("ok: {files}, {scenarios}\n"));
    }
    if failed { super::DOES_NOT_CHECK } else { super::OK }
}

/// A line a name: where it stands, where what it means is declared, and of what type that is.
fn references(checked: &source::Checked) -> String {
    let place = |span: Span| {
        let file = checked.sources.get(span.file);
        let (line, column) = file.position(span.start as usize);
        (format!("{}:{line}:{column}", file.name), file.slice(span).to_owned())
    };
    let line = |reference: Reference| {
        let ((used, name), (declared, _)) = (place(reference.used), place(reference.declared));
        format!("{used} `{name}` is {} of {declared}\n", reference.kind.a())
    };
    checked.program.references.sorted().into_iter().map(line).collect()
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("plain data can be written") + "\n"
}
