//! `stressc check`: every diagnostic of every file.

use super::args::{CheckArgs, CheckFormat, Emit};
use super::document::Document;
use super::fixing::{self, Shows};
use super::output::Terminal;
use super::source;
use super::told::unreadable;
use crate::base::Span;
use crate::base::units::counted;
use crate::check::Reference;
use crate::diag::render;
use std::io::IsTerminal;

pub fn check(args: &CheckArgs, terminal: &Terminal) -> u8 {
    // As a run does, so that both know of the same limits.
    crate::inputs::raise_limits();
    let mut failed = false;
    let mut told = Document::of(args.format);
    let refuse = |told: &mut Option<Document>, name: &str, why: &str| match (told, args.format) {
        (Some(document), _) => document.add_unreadable(name, why),
        (None, CheckFormat::Short) => {
            let (sources, diagnostic) = unreadable(name, why);
            terminal.err(&render::line(&diagnostic, &sources));
        }
        (None, _) => terminal.error(why),
    };
    let mut files = Vec::new();
    let mut scenarios = 0;
    for argument in &args.files {
        let shown = argument.to_string_lossy();
        if let (file, Some(_)) = source::split(&shown)
            && !argument.exists()
        {
            refuse(&mut told, &shown, &format!("`check` takes whole files: write `stressc check {file}`"));
            failed = true;
            continue;
        }
        match crate::inputs::scenario_files(&crate::inputs::Disk, argument) {
            Ok(found) if found.is_empty() => {
                refuse(&mut told, &shown, &super::no_files(argument));
                failed = true;
            }
            Ok(found) => {
                let directory = argument.is_dir().then(|| argument.clone());
                files.extend(found.into_iter().map(|file| (file, directory.clone())));
            }
            Err(message) => {
                refuse(&mut told, &shown, &message);
                failed = true;
            }
        }
    }
    let machine = crate::inputs::machine();
    for (path, directory) in &files {
        let asked = crate::inputs::Asked { directory: directory.clone(), ..args.asked.asked() };
        let checked = match args.fix {
            true => fixing::mended(path, &asked, shows(args), terminal),
            false => source::check(path, &asked),
        };
        let mut checked = match checked {
            Ok(checked) => checked,
            Err(message) => {
                refuse(&mut told, &path.to_string_lossy(), &message);
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
        match (&mut told, args.format) {
            (Some(document), _) => document.add(&diagnostics, &checked.sources),
            (None, CheckFormat::Short) => {
                diagnostics.iter().for_each(|d| terminal.err(&render::line(d, &checked.sources)));
            }
            (None, _) => source::print(&checked.diagnostics, &checked, terminal),
        }
    }
    if let Some(document) = told {
        terminal.out(&document.text());
    }
    if !failed && args.format == CheckFormat::Human && args.emit.is_none() && std::io::stdout().is_terminal() {
        let (files, scenarios) = (counted(files.len() as u64, "file"), counted(scenarios as u64, "scenario"));
        terminal.out(&format!("ok: {files}, {scenarios}\n"));
    }
    if failed { super::DOES_NOT_CHECK } else { super::OK }
}

fn shows(args: &CheckArgs) -> Shows {
    // A document has standard output to itself.
    Shows { writes: !args.dry_run, difference: Document::of(args.format).is_none() }
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
