//! What the compiler says of texts, and the files of which tests are made.

use super::machine::MACHINE;
use std::path::{Path, PathBuf};
use stressc::base::Sources;
use stressc::check::{check, mend::mended};
use stressc::diag::Diagnostic;
use stressc::inputs::{Asked, load_text};
use stressc::plan::{Share, plan};

/// All that is said about a text: of its form and meaning, and of its plans where it has no error. What it names
/// beside itself is looked for where `name` lies.
pub fn compile(name: &str, text: &str) -> (Sources, Vec<Diagnostic>) {
    let loaded = load_text(Path::new(name), text.to_owned(), &Asked::default()).unwrap();
    let (sources, mut inputs) = (loaded.sources, loaded.inputs);
    let (program, meaning) = check(&inputs, &sources);
    let mut diagnostics = mended(&mut inputs, &sources, &loaded.diagnostics, meaning);
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

/// A text and what it is expected to draw, taken apart.
pub fn apart(written: &str) -> (&str, &str) {
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
