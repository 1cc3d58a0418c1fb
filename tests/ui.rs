//! Every file below `tests/ui` is a test: it says at its end what the compiler says about it. `BLESS=1` writes that part anew:
//! read it before it is kept — exactly the mistake that was meant, in the right place, with the right fix.

#![allow(clippy::unwrap_used)] // A test may panic.

#[path = "support/compile.rs"]
mod compile;
#[path = "support/machine.rs"]
mod machine;

use compile::{apart, compile, root, texts};
use libtest_mimic::{Arguments, Failed, Trial};
use std::fmt::Write as _;
use std::path::Path;
use stressc::base::{FileId, Sources, Span};
use stressc::diag::{Code, Diagnostic};

fn main() {
    let mut trials: Vec<Trial> = texts()
        .into_iter()
        .map(|(path, text)| {
            let name = path.strip_prefix(root().join("tests/ui")).unwrap().with_extension("").display().to_string();
            Trial::test(name, move || file(&path, &text))
        })
        .collect();
    trials.push(Trial::test("every_code_has_a_file", every_code_has_a_file));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn shown(sources: &Sources, diagnostics: &[Diagnostic]) -> String {
    // Places in other files have the name of their file.
    let place = |span: Span| {
        let source = sources.get(span.file);
        let (line, column) = source.position(span.start as usize);
        let file = Path::new(&source.name)
            .file_name()
            .map_or_else(|| source.name.clone(), |n| n.to_string_lossy().into_owned());
        if span.file == FileId(0) { format!("{line}:{column}") } else { format!("{file}:{line}:{column}") }
    };
    let written = |span: Span| sources.get(span.file).slice(span).escape_debug().to_string();
    let mut out = String::new();
    for d in diagnostics {
        writeln!(out, "//~ {} {} {}", d.code, place(d.span()), d.message).unwrap();
        for (index, label) in d.labels.iter().enumerate() {
            let at = if index == 0 { String::new() } else { format!(" {}", place(label.span)) };
            writeln!(out, "//~   label{at} `{}`: {}", written(label.span), label.text).unwrap();
        }
        if let Some(help) = &d.help {
            writeln!(out, "//~   help: {help}").unwrap();
        }
        if let Some(fix) = &d.fix {
            for edit in &fix.edits {
                let (span, ours) = (edit.span, edit.text.escape_debug());
                writeln!(out, "//~   fix {} `{}` → `{ours}`", place(span), written(span)).unwrap();
            }
        }
    }
    if diagnostics.is_empty() {
        out.push_str("//~ nothing\n");
    }
    out
}

fn file(path: &Path, text: &str) -> Result<(), Failed> {
    let name = path.strip_prefix(root()).unwrap().display().to_string();
    let (sources, diagnostics) = compile(&name, text);
    let found = shown(&sources, &diagnostics);
    // Where a text must keep its end as it is, the expectation stands beside it.
    let beside = path.with_extension("expected");
    let own_file = !text.ends_with('\n');
    if std::env::var_os("BLESS").is_some() {
        match own_file {
            true => std::fs::write(&beside, &found)?,
            false => std::fs::write(path, format!("{text}{found}"))?,
        }
    }
    let expected = match own_file {
        true => std::fs::read_to_string(&beside).unwrap_or_default(),
        false => apart(&std::fs::read_to_string(path)?).1.to_owned(),
    };
    if expected != found {
        return Err(format!("--- expected\n{expected}+++ found\n{found}").into());
    }
    let meant = path.file_stem().unwrap().to_str().and_then(|stem| Code::parse(stem.split('_').next()?));
    if let Some(code) = meant
        && diagnostics.first().map(|d| d.code) != Some(code)
    {
        return Err(format!("it should draw {code} first\n{found}").into());
    }
    fixes_mend(&name, text, &diagnostics)
}

/// What is said of form and meaning, with what only follows from other mistakes.
fn mistakes(name: &str, text: &str) -> Vec<Diagnostic> {
    let loaded =
        stressc::inputs::load_text(std::path::Path::new(name), text.to_owned(), &stressc::inputs::Asked::default())
            .unwrap();
    let (_, meaning) = stressc::check::check(&loaded.inputs, &loaded.sources);
    let mut diagnostics = loaded.diagnostics;
    diagnostics.extend(meaning);
    diagnostics.sorted()
}

/// After each fix there is one mistake less of its kind.
fn fixes_mend(name: &str, text: &str, before: &[Diagnostic]) -> Result<(), Failed> {
    // What is wrong in a module is mended there, and tried with its own file.
    let all = mistakes(name, text);
    for d in before {
        let Some(fix) = d.fix.as_ref().filter(|fix| fix.file() == FileId(0)) else { continue };
        let mended = fix.applied(text).ok_or("the fix does not fit its file")?;
        let count = |all: &[Diagnostic]| all.iter().filter(|other| other.code == d.code).count();
        // A warning of a plan is no mistake of the text.
        let (after, before) = match all.iter().any(|other| other.code == d.code) {
            true => (mistakes(name, &mended), all.as_slice()),
            false => (compile(name, &mended).1, before),
        };
        if count(&after) >= count(before) {
            let left: Vec<&String> = after.iter().map(|d| &d.message).collect();
            return Err(format!("the fix {:?} of {} leaves {left:#?}", fix.edits, d.code).into());
        }
    }
    Ok(())
}

fn every_code_has_a_file() -> Result<(), Failed> {
    let names: Vec<String> =
        texts().iter().map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    // What a version does not run is refused by `run`, and mentioned by other commands; a file that cannot be read is no file of a test.
    let all = Code::ALL.iter().map(|code| code.as_str()).filter(|code| !matches!(*code, "E0113" | "E0119" | "W0815"));
    let bare: Vec<&str> = all.filter(|code| !names.iter().any(|name| name.starts_with(code))).collect();
    match bare.is_empty() {
        true => Ok(()),
        false => Err(format!("no file in tests/ui draws {bare:?}").into()),
    }
}
