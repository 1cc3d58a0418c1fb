//! Every example of the documentation is compiled: the wrong ones draw their code, the right ones nothing.

#![allow(clippy::unwrap_used)] // A test may panic.

use crate::fragment::compile_part;
use crate::support::compile::{compile, files, root};
use std::path::Path;
use stressc::check::builtins::{self, BuiltinKind, FIELDS, OPTIONS, page};
use stressc::check::check;
use stressc::diag::{Code, Diagnostic};
use stressc::inputs::{Asked, load_text, manual};
use stressc::syntax::words::{CLAUSES, Context, statements};

/// The fenced blocks of a page: what stands behind the fence, the line of the fence, the text.
fn blocks(page: &str) -> Vec<(String, usize, String)> {
    let mut found = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else { continue };
        let text = lines.by_ref().map(|(_, line)| line).take_while(|line| !line.starts_with("```"));
        let text: String = text.flat_map(|line| [line, "\n"]).collect();
        found.push((kind.trim().to_owned(), at + 1, text));
    }
    found
}

fn codes(diagnostics: &[Diagnostic]) -> Vec<&'static str> {
    let mut codes: Vec<&str> = diagnostics.iter().map(|d| d.code.as_str()).collect();
    codes.dedup();
    codes
}

/// What is wrong with the examples of a page, one line each. The fence says what is expected: `stress` draws nothing,
/// `stress wrong CODE` that code; `part CONTEXT` is a fragment that stands in a small file of its context.
fn wrong_in(page: &str, name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (kind, line, text) in blocks(page) {
        let words: Vec<&str> = kind.split_whitespace().collect();
        let (context, expected) = match words.as_slice() {
            ["stress", "part", context, "wrong", code] => (Some(*context), vec![*code]),
            ["stress", "part", context] => (Some(*context), vec![]),
            ["stress", "wrong", code] => (None, vec![*code]),
            ["stress"] => (None, vec![]),
            ["stress", ..] => {
                wrong.push(format!("{name}:{line}: `{kind}` is no kind of example"));
                continue;
            }
            _ => continue,
        };
        let diagnostics = match context.map(|context| compile_part(context, &text)) {
            // What no version runs yet is refused by `run`, and mentioned by the commands that do not run.
            None if matches!(expected.as_slice(), ["E0113"] | ["W0815"]) => {
                if not_run_yet(name, &text) == 0 {
                    wrong.push(format!("{name}:{line}: this is run"));
                }
                continue;
            }
            None => compile(name, &text).1,
            Some(Ok(diagnostics)) => diagnostics,
            Some(Err(why)) => {
                wrong.push(format!("{name}:{line}: {why}"));
                continue;
            }
        };
        if codes(&diagnostics) != expected {
            wrong.push(format!("{name}:{line}: expected {expected:?}, found {:?}", said(&diagnostics)));
        }
    }
    wrong
}

/// How many constructs of a text that checks are not run.
fn not_run_yet(name: &str, text: &str) -> usize {
    let loaded = load_text(Path::new(name), text.to_owned(), &Asked::default()).unwrap();
    let (program, said) = check(&loaded.inputs, &loaded.sources);
    assert!(!said.has_errors(), "{name} does not check");
    program.scenarios.iter().map(|scenario| scenario.later.len()).sum()
}

fn said(diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics.iter().map(|d| format!("{} {}", d.code, d.message)).collect()
}

#[test]
fn every_code_has_its_page() {
    let mut wrong = Vec::new();
    for code in Code::ALL {
        let (page, name) = (code.page(), code.as_str());
        let heading = format!("# {code}: {}", code.title());
        if page.lines().next() != Some(heading.as_str()) {
            wrong.push(format!("{name}: the first line is not `{heading}`"));
        }
        let kinds: Vec<String> = blocks(page).into_iter().map(|(kind, ..)| kind).collect();
        for kind in [format!("stress wrong {code}"), "stress".to_owned()] {
            // A file that cannot be read is no example.
            if *code != Code::E0119 && !kinds.contains(&kind) {
                wrong.push(format!("{name}: no example of kind `{kind}`"));
            }
        }
        wrong.extend(wrong_in(page, &format!("tests/docs/{name}.md")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn examples_of_the_guides_compile() {
    let mut wrong = Vec::new();
    for name in ["README.md", "grammar/reference.md"] {
        if let Ok(page) = std::fs::read_to_string(root().join(name)) {
            wrong.extend(wrong_in(&page, name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The words of a command of a shell, without its quotes.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in command.chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (c, None) if c.is_whitespace() => words.push(std::mem::take(&mut word)),
            (c, _) => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// Each text in a YAML document.
fn texts(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => found.push(text.clone()),
        serde_json::Value::Array(all) => all.iter().for_each(|one| texts(one, found)),
        serde_json::Value::Object(all) => all.values().for_each(|one| texts(one, found)),
        _ => {}
    }
}

#[test]
fn pipelines_of_the_readme_are_yaml_with_commands_that_there_are() {
    let page = std::fs::read_to_string(root().join("README.md")).unwrap();
    let pipelines: Vec<_> = blocks(&page).into_iter().filter(|(kind, ..)| kind == "yaml").collect();
    assert_eq!(pipelines.len(), 2);
    let mut commands = 0;
    for (_, line, text) in pipelines {
        let document: serde_json::Value =
            serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("README.md:{line}: {error}"));
        let mut all = Vec::new();
        texts(&document, &mut all);
        let joined = all.iter().map(|text| text.replace("\\\n", " "));
        let lines: Vec<String> = joined.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
        for command in lines.iter().flat_map(|line| line.split("; ")) {
            let mut words = words(command);
            if words.first().is_none_or(|word| word != "stressc") {
                continue;
            }
            // What the shell does with what it writes is not the command's.
            words.truncate(words.iter().position(|word| matches!(word.as_str(), ">" | "||")).unwrap_or(words.len()));
            // Addresses that the system fills in.
            let filled = |word: &String| match word.starts_with('$') {
                true => format!("https://ci.example/{}", word.trim_start_matches('$')),
                false => word.clone(),
            };
            let words: Vec<String> = words.iter().map(filled).collect();
            assert_eq!(stressc::cli::manual::refused(&words), None, "README.md:{line}: {command}");
            commands += 1;
        }
    }
    assert_eq!(commands, 5);
}

/// The style page of CONTRIBUTING names the plainer word for each of these.
#[test]
fn documents_keep_to_common_words() {
    const STILTED: [&str; 3] = ["whoever", "shall", "manieth"];
    let named = ["README.md", "ARCHITECTURE.md", "SECURITY.md", "grammar/reference.md", "editors/README.md"];
    let written = ["scenarios", "stdlib"].map(|folder| files(&root().join(folder), "stress"));
    let paths = named.iter().map(|name| root().join(name)).chain(written.into_iter().flatten());
    let mut wrong = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap().to_lowercase();
        for (at, line) in text.lines().enumerate() {
            let mut words = line.split(|c: char| !c.is_alphabetic());
            if let Some(word) = words.find(|word| STILTED.contains(word)) {
                wrong.push(format!("{}:{}: `{word}`", path.display(), at + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "a plainer word is in CONTRIBUTING.md, under Writing:\n{}", wrong.join("\n"));
}

/// The tables of the reference are those of the language; `BLESS=1` writes them anew.
#[test]
fn tables_of_the_reference_are_those_of_the_language() {
    let path = root().join("grammar/reference.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let expected = between(&page::filled(&text).unwrap(), "library", &manual::table());
    let expected = between(&expected, "commands", &stressc::cli::manual::table());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    } else {
        assert!(text == expected, "grammar/reference.md: a table is old; `BLESS=1 cargo test` writes it");
    }
    let missing = page::markers().into_iter().filter(|marker| !text.contains(&format!("<!-- builtins: {marker} -->")));
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<String>::new(), "tables that the reference lacks");
}

/// The page with a table between its marks.
fn between(page: &str, what: &str, table: &str) -> String {
    let (start, end) = (format!("<!-- {what} -->\n"), format!("<!-- end of the {what} -->"));
    let (before, rest) = page.split_once(&start).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    format!("{before}{start}\n{table}\n{end}{after}")
}

/// An example of a built-in name compiles where such a thing stands.
#[test]
fn examples_of_every_name_compile() {
    let mut wrong = Vec::new();
    let mut try_it = |name: &str, context: &str, text: &str| {
        let diagnostics = compile_part(context, text).unwrap();
        if !diagnostics.is_empty() {
            wrong.push(format!("{name} in {context}: `{text}` draws {:?}", said(&diagnostics)));
        }
    };
    for builtin in builtins::all() {
        let example = builtin.example;
        match builtin.kind {
            BuiltinKind::Metric => try_it(builtin.name, "expect", example),
            BuiltinKind::Fault => {
                let is_momentary = matches!(builtin.name, "restart" | "kill_connections");
                let long = if is_momentary { "" } else { " for 5s" };
                try_it(builtin.name, "scenario", &format!("fault hurt = {example} at main + 10s{long}"));
            }
            BuiltinKind::Pure => try_it(builtin.name, "value", example),
            BuiltinKind::Distribution => try_it(builtin.name, "flow", example),
            BuiltinKind::Input if example.starts_with("param") => try_it(builtin.name, "file", example),
            BuiltinKind::Input if example.starts_with("let") => try_it(builtin.name, "flow", example),
            _ => try_it(builtin.name, "scenario", example),
        }
    }
    for field in FIELDS {
        if matches!(field.name, "event" | "id") && field.example.starts_with("news.") {
            let flow = format!("events \"/news\"\nreceive as news within 1s\nlet one = {}", field.example);
            try_it(field.name, "flow", &flow);
            continue;
        }
        let context = match () {
            () if field.example.starts_with("let") => "flow",
            () if field.example.contains([' ']) && field.example.contains(['<', '>', '=']) => "expect",
            () => "value",
        };
        try_it(field.name, context, field.example);
    }
    for option in OPTIONS {
        let shown = option.shown();
        match option.of {
            "load" => try_it(option.name, "load", &shown),
            "ledger" => {
                try_it(option.name, "ledger", &format!("{shown}\nverify key {{\n  get \"/orders/{{key}}\"\n}}"));
            }
            "steady_state" => try_it(option.name, "steady", &format!("{shown}\nerror_rate(main) < 1%")),
            "request" if option.name == "args" => {
                try_it(option.name, "flow", &format!("query \"select $1\" on sql {{\n  {shown}\n}}"));
            }
            "request" if option.name == "chunked" => try_it("chunked", "request", &format!("body: \"x\"\n{shown}")),
            "request" => try_it(option.name, "request", &shown),
            "target" if option.name == "streams" => {
                let target = format!("target one = http(\"http://127.0.0.1:8080\") {{\n  http: 2\n  {shown}\n}}");
                try_it(option.name, "scenario", &target);
            }
            of => {
                let built = match of {
                    // A path is asked for at its port.
                    "service" if matches!(option.name, "ready" | "metrics" | "may_be_down") => {
                        "service one = attach(port: 8080)"
                    }
                    "service" => "service one = process(\"program\")",
                    "target" if matches!(option.name, "delimiter" | "prefix") => "target one = tcp(\"127.0.0.1:7000\")",
                    "target" if option.name == "tls" => "target one = http(\"https://127.0.0.1:8443\")",
                    "link" => "link one = http(to: \"127.0.0.1:8443\")",
                    "target" => "target one = http(\"http://127.0.0.1:8080\")",
                    "data" => "data one = csv(\"products.csv\")",
                    _ => "alerts one = alertmanager(\"http://127.0.0.1:9093\")",
                };
                try_it(option.name, "scenario", &format!("{built} {{\n  {shown}\n}}"));
            }
        }
    }
    for word in statements() {
        for form in word.forms {
            try_it(word.text, form.context.name(), form.example);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_name_is_documented() {
    let docs = builtins::all().map(|builtin| (builtin.name, builtin.doc)).chain(FIELDS.iter().map(|f| (f.name, f.doc)));
    let docs = docs.chain(OPTIONS.iter().map(|o| (o.name, o.doc))).chain(CLAUSES.iter().map(|c| (c.text, c.doc)));
    for (name, doc) in docs.chain(statements().map(|w| (w.text, w.doc))) {
        assert!(doc.len() > 15 && doc.ends_with(['.', ')']), "{name}: `{doc}` says too little, or is no sentence");
        assert!(builtins::explain(name).is_some(), "`stressc explain {name}` says nothing");
    }
    for word in statements() {
        assert!(!word.forms.is_empty(), "{}: no form", word.text);
        assert!(word.forms.iter().all(|form| word.contexts.contains(&form.context)), "{}: not there", word.text);
    }
    assert!(Context::ALL.iter().all(|context| !context.name().is_empty()));
}

#[test]
fn explain_tells_values_by_their_whole_name_and_each_form_once() {
    let place = crate::support::Place::new();
    let ran = place.call(&["explain", "user.id"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.starts_with("user.id: a value\n") && ran.out.contains("the number of the user"), "{}", ran.out);
    let ran = place.call(&["explain", "expect"]);
    for form in ["    expect CONDITION\n", "    expect { CONDITIONS }\n"] {
        assert_eq!(ran.out.matches(form).count(), 1, "{}", ran.out);
    }
}

#[test]
fn explain_knows_names_and_suggests_one() {
    let place = crate::support::Place::new();
    let explain = |name: &str| place.command(&["explain", name]).output().unwrap();
    for (name, part) in [
        ("partition", "partition(on: Link or Target, direction: up or down?)"),
        ("p95", "Needs 100 samples"),
        ("ramp", "ramp LEVEL -> LEVEL over DURATION"),
        ("grace", "an option of `load`"),
        ("first_byte", "a field of"),
        ("retry", "retry TIMES"),
        ("E0301", "# E0301"),
        ("shapes", "shape shapes.plateau(level: Level, rise: Duration = 30s, hold: Duration = 5m)"),
        ("std.slo", "expectation slo.web("),
        ("shapes.plateau", "Stages: `rising`, `plateau`"),
    ] {
        let ran = explain(name);
        let out = String::from_utf8(ran.stdout).unwrap();
        assert!(ran.status.success() && out.contains(part), "{name}: {out}");
    }
    let ran = explain("partision");
    assert_eq!(ran.status.code(), Some(2));
    assert!(String::from_utf8(ran.stderr).unwrap().contains("did you mean `partition`"));
    let all = String::from_utf8(place.command(&["explain"]).output().unwrap().stdout).unwrap();
    assert!(all.contains("E0100  ") && all.contains("\nFaults\n"), "{all}");
    assert!(all.contains("\nLibrary\n") && all.contains(" shapes.plateau "), "{all}");
    let ran = place.command(&["explain", "shapes.platou"]).output().unwrap();
    assert!(String::from_utf8(ran.stderr).unwrap().contains("did you mean `shapes.plateau`"));
}

/// What the checker puts off to a later version stands under "What runs today".
#[test]
fn what_is_refused_today_is_told() {
    let page = std::fs::read_to_string(root().join("grammar/reference.md")).unwrap();
    let section = page.split("\n## ").find(|section| section.starts_with("What runs today")).unwrap();
    let mut missing = Vec::new();
    for path in crate::support::compile::files(&root().join("src/check"), "rs") {
        let text = std::fs::read_to_string(path).unwrap();
        for call in text.split("self.later(\"").skip(1) {
            let what = call.split('"').next().unwrap();
            // The name of a statement or an option; what is said in other words is searched by its last one.
            let name = what.split('`').nth(1).unwrap_or_else(|| what.rsplit(' ').next().unwrap());
            let name = name.split(['(', ' ']).find(|part| !part.is_empty()).unwrap();
            if !section.contains(name.trim_end_matches(':')) {
                missing.push(what.to_owned());
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

/// A promise without a test is a wish.
#[test]
fn every_promise_of_security_names_tests_that_are_there() {
    let page = std::fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let folders = ["src", "tests"].map(|folder| files(&root().join(folder), "rs"));
    let code: String = folders.iter().flatten().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let mut promises = 0;
    let mut missing = Vec::new();
    for row in page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| promise") && !line.starts_with("| ---"))
    {
        promises += 1;
        let tests = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let names: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "this names no test: {row}");
        missing.extend(names.into_iter().filter(|name| match name.strip_prefix("tests/") {
            Some(file) => !root().join("tests").join(file).is_file(),
            None => !code.contains(&format!("fn {name}")),
        }));
    }
    assert!(promises > 15 && missing.is_empty(), "SECURITY.md names {missing:?}");
}
