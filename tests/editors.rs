//! The word lists of the editors are those of the language.

#![allow(clippy::unwrap_used)] // A test may panic.

use crate::ui::root;
use stressc::syntax::words;

fn sorted(words: impl IntoIterator<Item = &'static str>) -> Vec<String> {
    let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    words.sort();
    words
}

/// The three lists, each under the name that it has in the editors.
fn lists() -> [(&'static str, Vec<String>); 3] {
    [
        ("Statement", sorted(words::STATEMENTS.iter().map(|word| word.text))),
        ("Connecting", sorted(words::CONNECTING.iter().copied())),
        ("Reserved", sorted(words::RESERVED.iter().copied())),
    ]
}

fn bless() -> bool {
    std::env::var_os("BLESS").is_some()
}

#[test]
fn vim_knows_every_word() {
    let path = root().join("editors/vim/syntax/stress.vim");
    let file = std::fs::read_to_string(&path).unwrap();
    let mut lines: Vec<String> = file.lines().map(str::to_owned).collect();
    for (name, words) in lists() {
        let start = format!("syn keyword stress{name} ");
        let line =
            lines.iter_mut().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("no line `{start}`"));
        let contained = if line.ends_with(" contained") { " contained" } else { "" };
        let expected = format!("{start}{}{contained}", words.join(" "));
        if bless() {
            line.clone_from(&expected);
        }
        assert_eq!(*line, expected, "{name} in {}", path.display());
    }
    if bless() {
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    }
}

#[test]
fn vs_code_knows_every_word() {
    let path = root().join("editors/vscode/syntaxes/stress.tmLanguage.json");
    let mut file = std::fs::read_to_string(&path).unwrap();
    let grammar: serde_json::Value = serde_json::from_str(&file).unwrap();
    for (name, words) in lists() {
        let rules = &grammar["repository"];
        let key = if name == "Statement" { "statements".to_owned() } else { name.to_lowercase() };
        let pattern = rules[&key]["match"].as_str().unwrap_or_else(|| panic!("no rule `{key}`"));
        // The words are the one group of alternatives that begins with a word.
        let groups = pattern.split('(').filter_map(|group| group.split(')').next());
        let found: Vec<&str> = groups.filter(|group| group.starts_with(|c: char| c.is_ascii_lowercase())).collect();
        let (found, expected) = (found.join("|"), words.join("|"));
        if bless() {
            file = file.replace(&format!("({found})"), &format!("({expected})"));
        } else {
            assert_eq!(found, expected, "{key} in {}", path.display());
        }
    }
    if bless() {
        std::fs::write(&path, file).unwrap();
    }
}
