//! Every file below `tests/ui` says at its end what the compiler says about it. `BLESS=1` writes that part anew:
//! read it before it is kept — exactly the mistake that was meant, in the right place, with the right fix.

#![allow(clippy::unwrap_used)] // A test may panic.

use crate::support::day::MACHINE;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use stressc::base::{FileId, Sources, Span};
use stressc::check::check;
use stressc::diag::{Code, Diagnostic};
use stressc::inputs::{Asked, load_text};
use stressc::plan::{Share, plan};

/// All that is said about a text: of its form and meaning, and of its plans where it has no error. What it names
/// beside itself is looked for where `name` lies.
pub fn compile(name: &str, text: &str) -> (Sources, Vec<Diagnostic>) {
    let loaded = load_text(Path::new(name), text.to_owned(), &Asked::default()).unwrap();
    let (sources, mut diagnostics) = (loaded.sources, loaded.diagnostics);
    let (program, found) = check(&loaded.inputs, &sources);
    diagnostics.extend(found);
    if !diagnostics.has_errors() {
        for scenario in &program.scenarios {
            diagnostics.extend(plan(scenario, name, Share::WHOLE, MACHINE).1);
        }
    }
    let sorted = diagnostics.sorted();
    (sources, sorted)
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files with an extension (all, where it is empty) in a folder and in all below it, in order.
pub fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if extension.is_empty() || path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
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
            writeln!(out, "//~   fix {} `{}` → `{}`", place(fix.span), written(fix.span), fix.text.escape_debug())
                .unwrap();
        }
    }
    if diagnostics.is_empty() {
        out.push_str("//~ nothing\n");
    }
    out
}

/// A text and what it is expected to draw, taken apart.
fn apart(written: &str) -> (&str, &str) {
    match written.starts_with("//~") {
        true => ("", written),
        false => written.find("\n//~").map_or((written, ""), |at| written.split_at(at + 1)),
    }
}

pub fn texts() -> Vec<(PathBuf, String)> {
    let read = |path: PathBuf| {
        let written = std::fs::read_to_string(&path).unwrap();
        let text = apart(&written).0.to_owned();
        (path, text)
    };
    files(&root().join("tests/ui"), "stress").into_iter().map(read).collect()
}

#[test]
fn each_file_draws_what_it_says() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = String::new();
    for (path, text) in texts() {
        let name = path.strip_prefix(root().join("tests/ui")).unwrap().display().to_string();
        let (sources, diagnostics) = compile(&format!("tests/ui/{name}"), &text);
        let found = shown(&sources, &diagnostics);
        // Where a text must keep its end as it is, the expectation stands beside it.
        let beside = path.with_extension("expected");
        let own_file = !text.ends_with('\n');
        if bless {
            match own_file {
                true => std::fs::write(&beside, &found).unwrap(),
                false => std::fs::write(&path, format!("{text}{found}")).unwrap(),
            }
        }
        let expected = match own_file {
            true => std::fs::read_to_string(&beside).unwrap_or_default(),
            false => apart(&std::fs::read_to_string(&path).unwrap()).1.to_owned(),
        };
        if expected != found {
            writeln!(wrong, "{name}\n--- expected\n{expected}+++ found\n{found}").unwrap();
        }
        let meant = path.file_stem().unwrap().to_str().and_then(|stem| Code::parse(stem.split('_').next()?));
        if let Some(code) = meant
            && diagnostics.first().map(|d| d.code) != Some(code)
        {
            writeln!(wrong, "{name} should draw {code} first\n{found}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_code_has_a_file() {
    let names: Vec<String> =
        texts().iter().map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    let bare: Vec<&str> = Code::ALL
        .iter()
        .map(|code| code.as_str())
        // What a version does not run is refused by `run` alone.
        .filter(|code| *code != "E0113" && !names.iter().any(|name| name.starts_with(code)))
        .collect();
    assert!(bare.is_empty(), "no file in tests/ui draws {bare:?}");
}

#[test]
fn a_fix_mends_its_mistake() {
    let mut wrong = String::new();
    for (path, text) in texts() {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let (_, before) = compile(&name, &text);
        for d in &before {
            // What is wrong in a module is mended there, and tried with its own file.
            let Some(fix) = d.fix.as_ref().filter(|fix| fix.span.file == FileId(0)) else { continue };
            let mut mended = text.clone();
            mended.replace_range(fix.span.range(), &fix.text);
            let count = |all: &[Diagnostic]| all.iter().filter(|other| other.code == d.code).count();
            let (_, after) = compile(&name, &mended);
            if count(&after) >= count(&before) {
                writeln!(
                    wrong,
                    "{}: {} `{}` leaves {:#?}",
                    path.display(),
                    d.code,
                    fix.text,
                    after.iter().map(|d| &d.message).collect::<Vec<_>>()
                )
                .unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
