//! Every example of the documentation is compiled: the wrong ones draw their code, the right ones nothing.

#![allow(clippy::unwrap_used)] // A test may panic.

use crate::ui::{compile, root};
use stressc::diag::{Code, Diagnostic};

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

/// What is wrong with the examples of a page, one line each.
fn wrong_in(page: &str, name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (kind, line, text) in blocks(page) {
        let mut words = kind.split_whitespace();
        if words.next() != Some("stress") {
            continue;
        }
        let expected: Vec<&str> = words.filter(|word| *word != "wrong").collect();
        let (_, diagnostics) = compile(name, &text);
        if codes(&diagnostics) != expected {
            let said: Vec<String> = diagnostics.iter().map(|d| format!("{} {}", d.code, d.message)).collect();
            wrong.push(format!("{name}:{line}: expected {expected:?}, found {said:?}"));
        }
    }
    wrong
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
            if !kinds.contains(&kind) {
                wrong.push(format!("{name}: no example of kind `{kind}`"));
            }
        }
        wrong.extend(wrong_in(page, name));
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
