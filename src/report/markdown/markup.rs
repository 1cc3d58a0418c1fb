//! Text as Markdown, as GitHub and GitLab read it. Nothing that came from outside becomes markup, a link, a mention or a reference.

use crate::base::shown::escaped_line;

/// No text in a comment is longer.
const LONGEST: usize = 240;

fn cut(text: &str) -> String {
    let text = escaped_line(text);
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.into_owned(),
    }
}

/// Code, as it was written.
pub fn code(text: &str) -> String {
    span(&cut(text))
}

/// The same in a cell of a table.
pub fn code_cell(text: &str) -> String {
    cell(&code(text))
}

/// A bar ends a cell even within code, unless an odd number of backslashes stands before it.
fn cell(markdown: &str) -> String {
    let (mut out, mut backslashes) = (String::with_capacity(markdown.len()), 0);
    for c in markdown.chars() {
        if c == '|' && backslashes % 2 == 0 {
            out.push('\\');
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
        out.push(c);
    }
    out
}

fn span(text: &str) -> String {
    if text.is_empty() {
        return "–".to_owned();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // Backticks and spaces at its ends would be taken for the fence and for padding.
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A sentence, in which code stands between backticks.
pub fn prose(text: &str) -> String {
    let text = cut(text);
    let parts: Vec<&str> = text.split('`').collect();
    // Without its end, a backtick is a backtick.
    if parts.len().is_multiple_of(2) {
        return words(&text);
    }
    let part = |(index, part): (usize, &&str)| if index % 2 == 0 { words(part) } else { span(part) };
    parts.iter().enumerate().map(part).collect()
}

/// The same in a cell of a table.
pub fn prose_cell(text: &str) -> String {
    cell(&prose(text))
}

fn words(text: &str) -> String {
    let word = |word: &str| if is_read_as_more(word) { span(word) } else { literal(word) };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Whether GitHub or GitLab would make a link of a word, tell somebody of it, or draw something in its place. No backslash keeps them
/// from that, because they look at the text that is left of it.
fn is_read_as_more(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let refers = |sign: char| {
        let after = word.split(sign).skip(1);
        after.into_iter().any(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || c == '"' || c == '('))
    };
    let is_hash = word.len() >= 7 && word.chars().all(|c| c.is_ascii_hexdigit());
    word.contains(['@', '$', '\\'])
        || ['#', '!', '~', '%', '&', '^'].into_iter().any(refers)
        || lower.contains("://")
        || lower.contains("www.")
        || lower.contains("mailto:")
        || lower.contains("gh-")
        || (word.matches(':').count() > 1 && word.chars().any(char::is_alphabetic))
        || (is_hash && word.chars().any(|c| c.is_ascii_alphabetic()))
}

fn literal(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for c in word.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '*' | '_' | '[' | ']' | '`' | '|' | '~' | '#' | '!' | '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// A link. The address was checked where it was given; what could end it is encoded all the same.
pub fn link(text: &str, address: &str) -> String {
    let encoded = |c: char| match c {
        '<' | '>' | '(' | ')' | '\\' | '|' | '"' | '`' | '[' | ']' => format!("%{:02X}", u32::from(c)),
        c => c.to_string(),
    };
    format!("[{text}](<{}>)", escaped_line(address).chars().map(encoded).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_code_whatever_it_holds() {
        assert_eq!(code("p95(a) < 1s"), "`p95(a) < 1s`");
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("a\n# b"), "`a\\n# b`");
        assert_eq!(code_cell("a || b"), "`a \\|\\| b`");
        assert_eq!(code_cell("a \\\\| @b"), "`a \\\\\\| @b`");
        assert_eq!(code(""), "–");
        assert_eq!(code(&"a".repeat(500)).chars().count(), LONGEST + 3);
    }

    #[test]
    fn a_sentence_has_no_markup_and_calls_nobody() {
        assert_eq!(prose("see `a|b` *now* <b> [x](y)"), "see `a|b` \\*now\\* &lt;b&gt; \\[x\\](y)");
        assert_eq!(prose_cell("see `a|b` or c|d"), "see `a\\|b` or c\\|d");
        assert_eq!(prose("one ` alone"), "one \\` alone");
        for word in [
            "@team",
            "a@b.example",
            "#12",
            "GH-12",
            "group/a!3",
            "https://evil.example",
            "www.evil.example",
            ":tada:",
            "$x$",
            "cafe123",
        ] {
            assert_eq!(prose(&format!("by {word} now")), format!("by `{word}` now"));
        }
        for word in ["+12%", "(5%", "1/s", "35.3ms,", "regressed:", "5,000"] {
            assert_eq!(prose(word), word);
        }
    }

    #[test]
    fn an_address_does_not_end_its_link() {
        let text = link("the report", "https://ci.example/a)b>c\n|d");
        assert_eq!(text, "[the report](<https://ci.example/a%29b%3Ec%5Cn%7Cd>)");
    }
}
