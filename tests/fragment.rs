//! A fragment of a file, put into the smallest file of its context: the declarations of `tests/docs/frame.stress` that
//! it names stand around it.

use crate::support::compile::{compile, root};
use std::collections::HashSet;
use stressc::diag::{Code, Diagnostic, Severity};

struct Block {
    text: String,
    name: String,
    /// What else it gives a name: stages, steps, parts of a mix.
    inner: Vec<String>,
    in_scenario: bool,
}

fn frame() -> Vec<Block> {
    let file = std::fs::read_to_string(root().join("tests/docs/frame.stress")).unwrap();
    let (mut blocks, mut in_scenario) = (Vec::new(), false);
    for text in file.split("\n\n").map(str::trim).filter(|text| !text.is_empty() && !text.starts_with("//!")) {
        if let Some(place) = text.strip_prefix("// ") {
            in_scenario = place == "scenario";
            continue;
        }
        blocks.push(Block { text: text.to_owned(), name: declared(text).unwrap(), inner: inner(text), in_scenario });
    }
    blocks
}

/// The name that a line declares, at the start of a declaration.
fn declared(line: &str) -> Option<String> {
    const KINDS: &str = "param data system service link target limiter semaphore monitor alerts flow load ledger fault event \
                         scenario suite profile shape expectation steady_state";
    let mut found = line.split(|c: char| !(c.is_alphanumeric() || "_./\"-".contains(c)));
    let (kind, name) = (found.next()?, found.next()?);
    match kind {
        "use" => Some(line.split(' ').next_back()?.rsplit('.').next()?.to_owned()),
        _ => KINDS.split_whitespace().any(|own| own == kind).then(|| name.to_owned()),
    }
}

/// Names behind `as`.
fn inner(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
    words.windows(2).filter(|pair| pair[0] == "as").map(|pair| pair[1].to_owned()).collect()
}

fn words(text: &str) -> HashSet<String> {
    let text: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or(line)).collect();
    text.join("\n").split(|c: char| !(c.is_alphanumeric() || c == '_')).map(str::to_owned).collect()
}

fn indented(text: &str, by: usize) -> String {
    text.lines().map(|line| format!("{}{line}\n", " ".repeat(by))).collect()
}

/// What is written around a fragment of a context, before and behind it; `None` for no context of that name.
fn around(context: &str, text: &str) -> Option<(String, String)> {
    let opens = |words: &str| {
        text.lines().any(|line| words.split(' ').any(|w| line.trim().split([' ', '[']).next() == Some(w)))
    };
    let own = |head: &str, rest: &str| Some((format!("{head}\n"), format!("}}\n{rest}")));
    let run = "load run of example {\n  hold 1/s for 3s\n}";
    let rows = match (text.contains("recent."), text.contains("changed.")) {
        (true, _) => "\n  query \"select 1 as id\" on sql as recent",
        (_, true) => "\n  execute \"delete from orders\" on sql as changed",
        (false, false) => "",
    };
    let home = if text.contains("as home") { "" } else { "\n  get \"/products\" as home" };
    match context {
        "file" | "scenario" => Some((String::new(), String::new())),
        "system" => own("system example {", ""),
        "load" => {
            let stages = "warmup hold ramp spike steps idle sweep search replay once repeat include";
            let stage = match (opens(stages), text.contains("pace:")) {
                (true, _) => "",
                (false, true) => "\n  hold 10 users for 10s",
                (false, false) => "\n  hold 10/s for 10s",
            };
            own(&format!("load example of look {{{stage}"), "")
        }
        "flow" => own(&format!("flow example on api {{{home}"), run),
        "value" => Some((format!("flow example on api {{{home}{rows}\n  let value =\n"), format!("}}\n{run}"))),
        "request" => own("flow example on api {\n  post \"/orders\" as this {", &format!("}}\n{run}")),
        "expect" => own("expect {", ""),
        "steady" => own("steady_state {", ""),
        "ledger" => own("ledger example on api {", ""),
        "suite" => own("suite example {", ""),
        "profile" => own("profile example {", ""),
        _ => None,
    }
}

/// What is said of a fragment; lints of what stands around it, and of what it leaves unused, are not.
pub fn compile_part(context: &str, text: &str) -> Result<Vec<Diagnostic>, String> {
    let (head, tail) = around(context, text).ok_or_else(|| format!("`{context}` is no context"))?;
    let at_top = matches!(context, "file" | "system" | "suite" | "profile");
    let piece = format!("{head}{}{tail}", indented(text, 2));
    let blocks = frame();
    let mut known = words(&piece);
    let taken: HashSet<String> =
        text.lines().filter(|line| !line.starts_with(' ')).filter_map(declared).chain(inner(text)).collect();
    if context != "scenario" && text.contains("alert ") {
        known.insert("pager".to_owned());
    }
    let recovers = ["time_to_", "recovered", "mttr", "impact"].iter().any(|word| text.contains(word));
    if recovers && context != "scenario" {
        known.insert("normal".to_owned());
    }
    let has_load = piece.lines().any(|line| line.trim().starts_with("load "));
    if !at_top && !has_load {
        known.insert("main".to_owned());
    }
    let mut chosen: HashSet<usize> = HashSet::new();
    loop {
        let wanted = |name: &String| known.contains(name) && !taken.contains(name);
        let more: Vec<usize> = (0..blocks.len())
            .filter(|at| !chosen.contains(at) && !taken.contains(&blocks[*at].name))
            .filter(|at| wanted(&blocks[*at].name) || blocks[*at].inner.iter().any(wanted))
            .filter(|at| !(at_top && blocks[*at].in_scenario))
            .collect();
        if more.is_empty() {
            break;
        }
        for at in more {
            known.extend(words(&blocks[at].text));
            chosen.insert(at);
        }
    }
    let part = |in_scenario: bool| -> String {
        let own = (0..blocks.len()).filter(|at| chosen.contains(at) && blocks[*at].in_scenario == in_scenario);
        own.map(|at| indented(&blocks[at].text, 0) + "\n").collect()
    };
    let (before, after) = match at_top {
        true => (part(false), String::new()),
        false => (format!("{}scenario part {{\n{}", part(false), part(true)), "}\n".to_owned()),
    };
    let file = format!("{before}{piece}{after}");
    let inside = before.len() + head.len()..before.len() + piece.len() - tail.len();
    let (_, diagnostics) = compile("tests/docs/part.stress", &file);
    // A fragment leaves out what the whole file would have.
    let of_the_whole = [Code::W0801, Code::W0806];
    let counts = |d: &Diagnostic| match d.severity() {
        Severity::Warning => inside.contains(&(d.span().start as usize)) && !of_the_whole.contains(&d.code),
        _ => true,
    };
    Ok(diagnostics.into_iter().filter(counts).collect())
}
