//! The word lists of the editors are those of the language; `BLESS=1` writes them anew.

#![allow(clippy::unwrap_used)] // A test may panic.

use crate::support::compile::root;
use stressc::base::units;
use stressc::check::builtins::{self, BuiltinKind};
use stressc::check::types::Type;
use stressc::syntax::words;

fn sorted(words: impl IntoIterator<Item = &'static str>) -> Vec<String> {
    let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    words.sort();
    words.dedup();
    words
}

fn of(group: &str) -> Vec<String> {
    let kinds = BuiltinKind::ALL.into_iter().filter(|kind| group_of(*kind) == group);
    sorted(kinds.flat_map(builtins::names).filter(|name| *name != "secret" && !of_answers().contains(name)))
}

/// What is called in the block of a request, without anything in front.
fn of_answers() -> Vec<&'static str> {
    builtins::fields_of(Type::Response).filter(|field| field.parameters.is_some()).map(|field| field.name).collect()
}

/// Functions: of values, of answers, of populations and of suites.
fn functions() -> Vec<String> {
    let mut all = of("Builtin");
    all.extend(of_answers().into_iter().chain(["iteration", "passed", "rule_coverage"]).map(str::to_owned));
    all.sort();
    all
}

/// Words that are neither at the start of a statement nor reserved: they stand inside of some statements.
fn inner() -> Vec<String> {
    let own = words::CLAUSES.iter().map(|clause| clause.text).filter(|word| !words::is_reserved(word));
    let joined = ["iterations", "most", "other", "per", "quiet"];
    sorted(own.chain(joined).filter(|word| words::statement(word).is_none()))
}

/// Kinds of built-in names that are highlighted alike.
fn group_of(kind: BuiltinKind) -> &'static str {
    match kind {
        BuiltinKind::Metric => "Metric",
        BuiltinKind::Fault => "Fault",
        BuiltinKind::Pure | BuiltinKind::Distribution | BuiltinKind::Input => "Builtin",
        BuiltinKind::Service
        | BuiltinKind::Link
        | BuiltinKind::Target
        | BuiltinKind::Data
        | BuiltinKind::Limiter
        | BuiltinKind::Semaphore => "Constructor",
        BuiltinKind::Monitor
        | BuiltinKind::Alerts
        | BuiltinKind::Event
        | BuiltinKind::Auth
        | BuiltinKind::Connections => "Constructor",
    }
}

/// The lists, each under the name that it has for Vim and for VS Code.
fn lists() -> Vec<(&'static str, &'static str, Vec<String>)> {
    vec![
        ("Statement", "statements", sorted(words::statements().map(|word| word.text))),
        ("Connecting", "connecting", sorted(words::CONNECTING.iter().copied())),
        ("Reserved", "reserved", sorted(words::RESERVED.iter().copied())),
        ("Inner", "inner", inner()),
        ("Metric", "metrics", of("Metric")),
        ("Fault", "faults", of("Fault")),
        ("Builtin", "builtins", functions()),
        ("Constructor", "constructors", of("Constructor")),
        ("Secret", "secrets", vec!["secret".to_owned()]),
    ]
}

/// Statements that give a name behind their first word.
fn declaring() -> String {
    let names = |word: &words::Word| {
        let starts = |form: &str, name: &str| form.starts_with(&format!("{} {name}", word.text));
        word.forms.iter().any(|form| starts(form.form, "NAME") || starts(form.form, "[NAME]"))
    };
    sorted(words::statements().filter(|word| names(word)).map(|word| word.text)).join("|")
}

fn bless() -> bool {
    std::env::var_os("BLESS").is_some()
}

fn alternatives(text: &str) -> Vec<&str> {
    text.split(['(', ')']).map(|group| group.strip_prefix("?:").unwrap_or(group)).collect()
}

/// Puts the list of declaring statements, which begins with `alerts|`, in its place.
fn with_declaring(file: &str) -> String {
    let old = alternatives(file).into_iter().find(|group| group.starts_with("alerts|") && group.contains("|param|"));
    let old = old.or_else(|| {
        alternatives(file).into_iter().find(|g| g.contains("|data|") && g.contains("|param|profile|scenario|"))
    });
    file.replacen(old.expect("a list of declarations"), &declaring(), 1)
}

/// Every unit is among the alternatives of a pattern, whatever their order.
fn has_units(file: &str, name: &str) {
    let set = |units: &[(&'static str, u64)]| sorted(units.iter().map(|(unit, _)| *unit));
    for wanted in [set(&units::DURATIONS), set(&units::BYTES), set(&units::RATES)] {
        let found = alternatives(file).into_iter().any(|group| {
            let mut own: Vec<&str> =
                group.split('|').filter(|unit| !matches!(*unit, "pp" | "x" | "[kMG]?bps")).collect();
            own.sort_unstable();
            own == wanted
        });
        assert!(found, "{name} lacks one of the units {wanted:?}");
    }
}

#[test]
fn vim_knows_every_word() {
    let path = root().join("editors/vim/syntax/stress.vim");
    let file = std::fs::read_to_string(&path).unwrap();
    has_units(&file, "stress.vim");
    let mut lines: Vec<String> = file.lines().map(str::to_owned).collect();
    for (name, _, words) in lists() {
        let start = format!("syn keyword stress{name} ");
        let line =
            lines.iter_mut().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("no line `{start}`"));
        // A keyword that is not contained would win over every match.
        let expected = format!("{start}{} contained", words.join(" "));
        if bless() {
            line.clone_from(&expected);
        }
        assert_eq!(*line, expected, "{name} in {}", path.display());
        assert!(lines.iter().any(|line| line.starts_with(&format!("hi def link stress{name} "))), "{name}: no colour");
    }
    let text = lines.join("\n") + "\n";
    let expected = with_declaring(&text);
    if bless() {
        std::fs::write(&path, expected).unwrap();
    } else {
        assert!(text == expected, "the declarations in {}; `BLESS=1` writes them", path.display());
    }
}

#[test]
fn vs_code_knows_every_word() {
    let path = root().join("editors/vscode/syntaxes/stress.tmLanguage.json");
    let mut file = std::fs::read_to_string(&path).unwrap();
    has_units(&file, "stress.tmLanguage.json");
    let grammar: serde_json::Value = serde_json::from_str(&file).unwrap();
    for (_, key, words) in lists() {
        let rules = &grammar["repository"];
        let pattern = rules[key]["match"].as_str().unwrap_or_else(|| panic!("no rule `{key}`"));
        let included = grammar["patterns"].as_array().unwrap();
        assert!(included.iter().any(|rule| rule["include"] == format!("#{key}")), "`{key}` is used nowhere");
        // The words are the one group of alternatives that begins with a word.
        let groups = pattern.split('(').filter_map(|group| group.split(')').next());
        let found: Vec<&str> = groups.filter(|group| group.starts_with(|c: char| c.is_ascii_lowercase())).collect();
        let (found, expected) = (found.join("|"), words.join("|"));
        if bless() {
            let new = pattern.replace(&format!("({found})"), &format!("({expected})"));
            let quoted = |text: &str| serde_json::to_string(text).unwrap();
            file = file.replace(&quoted(pattern), &quoted(&new));
        } else {
            assert_eq!(found, expected, "{key} in {}", path.display());
        }
    }
    let expected = with_declaring(&file);
    if bless() {
        std::fs::write(&path, expected).unwrap();
    } else {
        assert!(file == expected, "the declarations in {}; `BLESS=1` writes them", path.display());
    }
}

/// Texts over several lines come before those of one line, and a secret has a colour of its own.
#[test]
fn texts_and_secrets_are_highlighted() {
    let vim = std::fs::read_to_string(root().join("editors/vim/syntax/stress.vim")).unwrap();
    let at = |text: &str| vim.find(text).unwrap_or_else(|| panic!("Vim: no `{text}`"));
    // Vim takes the last that matches.
    assert!(at("start=/\"/") < at("start=/\"\"\"/") && at("start=/'/") < at("start=/'''/"));
    assert!(vim.contains("syn match stressInterpolation contained") && vim.contains("syn match stressSecret"));
    let file = std::fs::read_to_string(root().join("editors/vscode/syntaxes/stress.tmLanguage.json")).unwrap();
    let grammar: serde_json::Value = serde_json::from_str(&file).unwrap();
    let texts = grammar["repository"]["texts"]["patterns"].as_array().unwrap();
    let begins: Vec<&str> = texts.iter().filter_map(|rule| rule["begin"].as_str()).collect();
    assert_eq!(begins, ["\"\"\"", "'''", "\"", "'"]);
    for rule in texts.iter().filter(|rule| rule["begin"].as_str().unwrap().starts_with('"')) {
        let names: Vec<&str> =
            rule["patterns"].as_array().unwrap().iter().filter_map(|inner| inner["name"].as_str()).collect();
        assert!(names.contains(&"meta.interpolation.stress"), "{names:?}");
    }
}

/// What Vim is told of the language beside its words is what the program has.
#[test]
fn vim_formats_and_checks_by_the_program() {
    let text = std::fs::read_to_string(root().join("editors/vim/ftplugin/stress.vim")).unwrap();
    for line in [
        "commentstring=//\\ %s",
        "shiftwidth=2",
        "formatprg=stressc\\ fmt\\ -",
        "makeprg=stressc\\ check\\ --format\\ short\\ %:S",
    ] {
        assert!(text.contains(line), "{line}");
    }
    let place = crate::support::Place::new();
    place.write("a.stress", "scenario x {\n");
    let ran = place.call(&["check", "--format", "short", "a.stress"]);
    // As Vim's `errorformat` reads it.
    assert!(ran.err.starts_with("a.stress:1:"), "{}{}", ran.out, ran.err);
}
