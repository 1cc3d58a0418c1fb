//! `stressc explain`: the page of a diagnostic, or what a word or a name of the language means.

use super::args::ExplainArgs;
use super::output::Terminal;
use crate::check::builtins;
use crate::diag::{Code, Severity};
use crate::inputs::manual;
use serde::Serialize;

pub fn explain(args: &ExplainArgs, terminal: &Terminal) -> u8 {
    if args.json {
        return data(args.name.as_deref(), terminal);
    }
    let Some(name) = &args.name else {
        list(terminal);
        return super::OK;
    };
    if let Some(code) = Code::parse(name) {
        terminal.out(code.page());
        return super::OK;
    }
    if let Some(text) = manual::page(name) {
        // A module may be called as a word of the language is.
        let word = builtins::explain(name).map_or_else(String::new, |word| format!("\n{}\n", word.trim_end()));
        terminal.out(&format!("{}\n{word}", text.trim_end()));
        return super::OK;
    }
    // An option is written with its colon, and a function with its brackets.
    let plain = name.trim_end_matches([':', '(', ')']).rsplit('.').next().unwrap_or(name);
    let whole = builtins::explain(name).filter(|_| name.contains('.'));
    if let Some(text) = whole.or_else(|| builtins::explain(plain)) {
        terminal.out(&format!("{}\n", text.trim_end()));
        return super::OK;
    }
    let hint = |near: Option<&str>| near.map_or_else(String::new, crate::base::suggest::hint);
    let library = manual::names();
    let is_code =
        name.len() > 1 && name.starts_with(['E', 'W', 'e', 'w']) && name[1..].chars().all(|c| c.is_ascii_digit());
    let (what, near) = match is_code {
        true => {
            let known = Code::ALL.iter().map(|code| code.as_str());
            ("there is no diagnostic", crate::base::suggest::similar(&name.to_uppercase(), known))
        }
        false => {
            let groups = builtins::explained();
            let known: Vec<&str> = groups.iter().flat_map(|(_, names)| names.iter().copied()).collect();
            let near = crate::base::suggest::similar(name, library.iter().map(String::as_str));
            let near = near.filter(|near| near.contains('.') == name.contains('.'));
            ("the language has no name", near.or_else(|| crate::base::suggest::similar(plain, known)))
        }
    };
    terminal.error(&format!("{what} `{name}`{}; `stressc explain` lists them all", hint(near)));
    super::DOES_NOT_CHECK
}

/// The page of a diagnostic, taken apart.
#[derive(Serialize)]
struct Page {
    code: Code,
    severity: Severity,
    title: &'static str,
    /// The paragraphs between its heading and its examples.
    text: String,
    examples: Vec<Example>,
}

/// A file, and the code that it draws; none where it is right.
#[derive(Serialize)]
struct Example {
    draws: Option<String>,
    text: String,
}

/// The pages of one code, or of all.
fn data(name: Option<&str>, terminal: &Terminal) -> u8 {
    let pages = match name.map(|name| (name, Code::parse(name))) {
        None => serde_json::to_string_pretty(&Code::ALL.iter().copied().map(page).collect::<Vec<_>>()),
        Some((_, Some(code))) => serde_json::to_string_pretty(&page(code)),
        Some((name, None)) => {
            terminal.error(&format!(
                "`--json` prints pages of diagnostics, and `{name}` is no code; `stressc explain` lists them"
            ));
            return super::DOES_NOT_CHECK;
        }
    };
    terminal.out(&(pages.expect("plain data can be written") + "\n"));
    super::OK
}

fn page(code: Code) -> Page {
    let (mut text, mut examples) = (Vec::new(), Vec::new());
    let mut example: Option<Example> = None;
    for line in code.page().lines().skip(1) {
        match (example.as_mut(), line.strip_prefix("```")) {
            (None, Some(fence)) => {
                let draws = fence.split_once("wrong ").map(|(_, code)| code.trim().to_owned());
                example = Some(Example { draws, text: String::new() });
            }
            (Some(_), Some(_)) => examples.extend(example.take()),
            (Some(example), None) => example.text = format!("{}{line}\n", example.text),
            (None, None) if matches!(line, "Wrong:" | "Right:") => {}
            (None, None) => text.push(line),
        }
    }
    let paragraphs = text.join("\n");
    let paragraphs: Vec<&str> = paragraphs.split("\n\n").map(str::trim).filter(|text| !text.is_empty()).collect();
    Page { code, severity: code.severity(), title: code.title(), text: paragraphs.join("\n\n"), examples }
}

fn list(terminal: &Terminal) {
    for code in Code::ALL {
        terminal.out(&format!("{code}  {}\n", code.title()));
    }
    let library = manual::names();
    let mut groups = builtins::explained();
    groups.push(("Library", library.iter().map(String::as_str).collect()));
    for (title, names) in groups {
        terminal.out(&format!("\n{title}\n"));
        let mut lines = "  ".to_owned();
        crate::plan::draw::flow(&mut lines, 2, &names.join(" "), 92);
        terminal.out(&lines);
    }
}
