//! The floors of the crate: who may name whom, and which of them touch the world.

#![allow(clippy::unwrap_used)] // A test may panic.

use crate::support::compile::{files, root};
use std::collections::BTreeSet;
use std::path::Path;
use stressc::base::failure::Failure;
use stressc::base::units;
use stressc::check::builtins;
use stressc::syntax::words::{CLAUSES, CONNECTING, RESERVED, statements};

/// From the ground up: a module names only what stands below it.
const FLOORS: [&str; 17] = [
    "base", "diag", "syntax", "check", "plan", "measure", "baseline", "history", "metric", "wire", "engine", "run",
    "judge", "store", "report", "ide", "cli",
];

/// Where less is allowed than everything below.
const NARROWER: [(&str, &[&str]); 5] = [
    ("history", &["baseline", "base"]),
    ("wire", &["measure", "base"]),
    ("judge", &["metric", "baseline", "measure", "plan", "check", "syntax", "diag", "base"]),
    ("store", &["judge", "metric", "baseline", "measure", "plan", "check", "syntax", "diag", "base"]),
    ("report", &["judge", "baseline", "measure", "metric", "plan", "check", "syntax", "diag", "base"]),
];

/// Beside the floors: a module, who may name it, and the highest floor that it may name.
const BESIDE: [(&str, &[&str], &str); 5] = [
    ("demo", &["cli", "run"], "base"),
    ("inputs", &["cli", "run", "engine"], "plan"),
    ("guard", &["cli", "run", "store"], "base"),
    ("telemetry", &["cli"], "engine"),
    ("burden", &["cli"], "base"),
];

/// Floors that compute and do nothing else.
const PURE: [&str; 11] =
    ["base", "diag", "syntax", "check", "plan", "measure", "baseline", "history", "metric", "judge", "report"];

const WORLD: [&str; 9] =
    ["tokio", "std::fs", "std::net", "std::env::", "std::time", "SystemTime", "reqwest", "sqlx", "rand"];

/// The code of a file with neither comments nor what stands under `#[cfg(test)]`.
fn code(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            // One item: up to its `;`, or to the brace that ends it at the indentation of the attribute.
            let end = format!("{}}}", &line[..line.len() - line.trim_start().len()]);
            for line in lines.by_ref() {
                if line.trim_end() == end
                    || (line.ends_with(';') && line.len() - line.trim_start().len() == end.len() - 1)
                {
                    break;
                }
            }
            continue;
        }
        if !line.trim_start().starts_with("//") {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// The modules that a text names through `crate::`, groups in braces included.
fn named(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(first_words(group)),
            None => found.extend(word(rest)),
        }
    }
    found
}

fn word(text: &str) -> Option<String> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

/// The first word of each part of `a::b, c::{d, e}}…`.
fn first_words(group: &str) -> Vec<String> {
    let mut found: Vec<String> = word(group).into_iter().collect();
    let mut depth = 1;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => found.extend(word(&group[at + 1..])),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

/// The floor of a file: the first part of its path below `src`.
fn floor(path: &Path) -> String {
    let below = path.strip_prefix(root().join("src")).unwrap();
    let first = below.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Whether a module may name another.
fn allowed(from: &str, to: &str) -> bool {
    if from == to {
        return true;
    }
    if let Some((_, by, _)) = BESIDE.iter().find(|(name, ..)| *name == to) {
        return by.contains(&from);
    }
    let highest = BESIDE.iter().find(|(name, ..)| *name == from).map(|(.., highest)| *highest);
    let height = |name: &str| FLOORS.iter().position(|floor| *floor == name);
    match (height(from), height(to), NARROWER.iter().find(|(name, _)| *name == from)) {
        (None, Some(to), _) => highest.and_then(height).is_some_and(|highest| to <= highest),
        // A name that is no module is the root's own.
        (_, None, _) => true,
        (_, _, Some((_, below))) => below.contains(&to),
        (Some(from), Some(to), None) => to < from,
    }
}

/// Files of the library, without its root and the binary.
fn sources() -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for path in files(&root().join("src"), "rs") {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let floor = floor(&path);
        let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
        if !is_test && !matches!(floor.as_str(), "lib" | "main") {
            found.push((name, floor, code(&std::fs::read_to_string(&path).unwrap())));
        }
    }
    found
}

#[test]
fn a_module_names_lower_floors_alone() {
    let mut wrong = Vec::new();
    for (name, floor, code) in sources() {
        wrong.extend(named(&code).iter().filter(|to| !allowed(&floor, to)).map(|to| format!("{name} names {to}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_floors_do_not_touch_the_world() {
    let mut wrong = Vec::new();
    for (name, floor, code) in sources() {
        if !PURE.contains(&floor.as_str()) {
            continue;
        }
        for world in WORLD {
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let whole = |at: usize| {
                !code[..at].ends_with(is_word)
                    && !code[at + world.len()..].starts_with(|c| is_word(c) && !world.ends_with(':'))
            };
            if code.match_indices(world).any(|(at, _)| whole(at)) {
                wrong.push(format!("{name} names {world}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Words of the language that stand in texts of the data plane: it writes them, or they are another language's.
const WRITTEN: [(&str, &str); 16] = [
    // What JSON and texts say of values.
    ("src/engine/value/explain.rs", "null"),
    ("src/engine/sql/rows.rs", "null"),
    // Headers, and a protocol in one of them.
    ("src/engine/http/streams/fields.rs", "connection"),
    ("src/engine/channel/handshake.rs", "connection"),
    ("src/engine/channel/handshake.rs", "websocket"),
    ("src/engine/value/mod.rs", "true"),
    ("src/engine/value/mod.rs", "false"),
    // What went wrong, told to a person.
    ("src/engine/phase.rs", "setup"),
    ("src/engine/phase.rs", "teardown"),
    // Which entry of `tls:` cannot be used, told to a person.
    ("src/engine/tls.rs", "ca"),
    ("src/engine/tls.rs", "key"),
    // Elements and attributes of HTML.
    ("src/engine/value/assets.rs", "link"),
    ("src/engine/value/assets.rs", "template"),
    ("src/engine/value/assets.rs", "type"),
    // The scheme of a URL.
    ("src/engine/http/host.rs", "http"),
    // A month.
    ("src/engine/http/cookies.rs", "may"),
];

/// Every name and word that a file of the language may hold.
fn words() -> BTreeSet<&'static str> {
    let builtins = builtins::all().flat_map(|builtin| {
        let parameters = builtin.parameters.iter().map(|parameter| parameter.name);
        std::iter::once(builtin.name).chain(parameters)
    });
    let fields = builtins::FIELDS.iter().map(|field| field.name);
    let options = builtins::OPTIONS.iter().flat_map(|option| [option.of, option.name]);
    let statements = statements().map(|word| word.text).chain(CLAUSES.iter().map(|clause| clause.text));
    let units = units::DURATIONS.iter().map(|(unit, _)| *unit).chain(units::BYTES.iter().map(|(unit, _)| *unit));
    let failures = Failure::that_may_pass().map(Failure::as_str);
    let rest = RESERVED.iter().chain(CONNECTING).copied();
    builtins.chain(fields).chain(options).chain(statements).chain(units).chain(failures).chain(rest).collect()
}

/// The texts that a file holds, without those of bytes, which are of a protocol.
fn literals(code: &str) -> Vec<String> {
    let (mut found, mut rest) = (Vec::new(), code);
    while let Some(at) = rest.find('"') {
        let before = &rest[..at];
        let after = &rest[at + 1..];
        if before.ends_with('\'') || before.ends_with("'\\") {
            rest = after;
            continue;
        }
        let mut escaped = false;
        let end = after.find(|c: char| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let Some(end) = end else { break };
        if !before.ends_with('b') {
            found.push(after[..end].to_owned());
        }
        rest = &after[end + 1..];
    }
    found
}

/// What the language calls things becomes a type where a file is checked, and the data plane matches that.
#[test]
fn the_engine_knows_no_word_of_the_language() {
    let words = words();
    assert!(["random_text", "regex", "retry", "csv", "timeout", "ms"].iter().all(|word| words.contains(word)));
    let (mut wrong, mut written) = (Vec::new(), BTreeSet::new());
    for (name, floor, code) in sources() {
        if floor != "engine" {
            continue;
        }
        for text in literals(&code).iter().filter(|text| words.contains(text.as_str())) {
            match WRITTEN.iter().find(|(file, word)| *file == name && word == text) {
                Some(own) => drop(written.insert(own)),
                None => wrong.push(format!("{name} holds the word `{text}`")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(written.len(), WRITTEN.len(), "only {written:?} are written");
}

/// What a format needs and the report does not hold becomes a field of the report, where every other format finds it too.
#[test]
fn a_format_of_the_report_reads_the_report_alone() {
    let reads = |code: &str| code.contains(": &Report");
    let formats: Vec<_> = sources().into_iter().filter(|(_, floor, code)| floor == "report" && reads(code)).collect();
    assert!(formats.len() > 5);
    let words = |code: &str| -> Vec<String> {
        code.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned).collect()
    };
    for (name, _, code) in formats {
        let found = words(&code).into_iter().find(|word| matches!(word.as_str(), "Plan" | "Stats" | "Verdict"));
        assert_eq!(found, None, "{name} reads more than the report");
    }
}

#[test]
fn every_folder_stands_in_the_map_and_every_file_says_what_it_is() {
    let mut wrong = Vec::new();
    let map = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mapped: BTreeSet<&str> =
        map.lines().filter_map(|line| line.strip_prefix("| `src/")?.split('`').next()).collect();
    let mut folders = BTreeSet::new();
    for path in files(&root().join("src"), "rs") {
        let name = path.strip_prefix(root().join("src")).unwrap();
        let is_test = name.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")));
        let is_root = matches!(name.to_str(), Some("main.rs" | "lib.rs"));
        if is_test || is_root {
            continue;
        }
        folders.extend(name.parent().and_then(Path::to_str).filter(|folder| !folder.is_empty()).map(str::to_owned));
        let header = std::fs::read_to_string(&path).unwrap();
        if !header.starts_with("//! ") {
            wrong.push(format!("{} does not begin with `//! ` and what it is", path.display()));
        }
    }
    wrong.extend(
        folders
            .iter()
            .filter(|folder| !mapped.contains(folder.as_str()))
            .map(|folder| format!("ARCHITECTURE.md has no row for `src/{folder}`")),
    );
    let is_there = |folder: &&&str| root().join("src").join(folder).is_dir();
    wrong.extend(mapped.iter().filter(|folder| !is_there(folder)).map(|folder| format!("there is no `src/{folder}`")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_rules_are_read_as_they_are_meant() {
    assert_eq!(
        named("use crate::{base::Span, diag::{Code, Diagnostic}, plan};\nlet a = crate::check::types::Type::Text;"),
        ["base", "diag", "plan", "check"]
    );
    assert_eq!(literals("f('\"', \"a\\\"b\", b\"c\", \"\", '\\\"', \"d\")"), ["a\\\"b", "", "d"]);
    assert_eq!(code("a\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\nc\n"), "a\nc\n");
    assert!(
        allowed("run", "engine")
            && !allowed("engine", "run")
            && !allowed("wire", "engine")
            && allowed("run", "metric")
            && !allowed("run", "judge")
            && !allowed("judge", "run")
            && !allowed("report", "store")
    );
    assert!(allowed("cli", "demo") && !allowed("report", "demo") && !allowed("demo", "run"));
}
