//! `stressc fmt`: files in their canonical form.

use super::args::FmtArgs;
use super::output::Terminal;
use super::results::replace;
use crate::base::shown::escaped;
use crate::base::{FileId, Source};
use crate::inputs;
use crate::syntax::format;
use std::path::Path;

pub fn fmt(args: &FmtArgs, terminal: &Terminal) -> u8 {
    let mut failed = false;
    let mut differs = false;
    for argument in &args.files {
        let files = inputs::scenario_files(&inputs::Disk, argument);
        let results = match files {
            Ok(files) if files.is_empty() => vec![Err(super::no_files(argument))],
            Ok(files) => {
                let directory = argument.is_dir().then_some(argument.as_path());
                files.iter().map(|file| format_file(file, directory, args.check, terminal)).collect()
            }
            Err(message) => vec![Err(message)],
        };
        for result in results {
            match result {
                Ok(done) => {
                    differs |= done.changed;
                    failed |= done.kept;
                }
                Err(message) => {
                    terminal.error(&message);
                    failed = true;
                }
            }
        }
    }
    match (failed, args.check && differs) {
        (true, _) => super::DOES_NOT_CHECK,
        (false, true) => super::WOULD_CHANGE,
        (false, false) => super::OK,
    }
}

/// What became of a file.
struct Formatted {
    changed: bool,
    /// Something in it does not parse, so it was left as it is.
    kept: bool,
}

/// Formats one file, or says what would change in it.
fn format_file(path: &Path, directory: Option<&Path>, check: bool, terminal: &Terminal) -> Result<Formatted, String> {
    let piped = path.as_os_str() == "-";
    let name = if piped { "standard input".to_owned() } else { path.display().to_string() };
    let text = if piped { inputs::standard_input()? } else { inputs::read(&inputs::Disk, path, directory)? };
    let source = Source::new(FileId(0), name.as_str(), text);
    let formatted = format::formatted(&source);
    // What a statement that does not parse was meant to be, nobody knows; the braces around it may be others than they seem.
    let text = if formatted.kept == 0 { formatted.text } else { source.text.clone() };
    let changed = text != source.text;
    match (check, piped) {
        (true, _) if changed => terminal.out(&difference(&source, &text, terminal)),
        (false, true) => terminal.out(&text),
        (false, false) if changed => replace(path, directory, &text)?,
        (true, _) | (false, false) => {}
    }
    let shown = escaped(&name);
    match formatted.kept {
        0 => {}
        1 => terminal.err(&format!("{shown}: left as it is: 1 statement does not parse; `stressc check` says which\n")),
        kept => terminal
            .err(&format!("{shown}: left as it is: {kept} statements do not parse; `stressc check` says which\n")),
    }
    Ok(Formatted { changed, kept: formatted.kept > 0 })
}

pub fn difference(source: &Source, formatted: &str, terminal: &Terminal) -> String {
    let diff = similar::TextDiff::from_lines(source.text.as_str(), formatted);
    let drawn = diff.unified_diff().header(&source.name, &source.name).to_string();
    // It is for a person: what would steer the terminal is written out.
    let drawn = escaped(&drawn).into_owned();
    if !terminal.out_coloured() {
        return drawn;
    }
    let line = |line: &str| match line.as_bytes().first() {
        Some(b'+') => format!("\u{1b}[32m{}\u{1b}[0m\n", line.trim_end_matches('\n')),
        Some(b'-') => format!("\u{1b}[31m{}\u{1b}[0m\n", line.trim_end_matches('\n')),
        Some(_) | None => line.to_owned(),
    };
    drawn.split_inclusive('\n').map(line).collect()
}
