//! Untrusted text as a person sees it: characters that would control the terminal, or hide other text, are written out.

use std::borrow::Cow;
use std::fmt::Write;

/// On as many lines as it has: line ends and tabs stay.
pub fn escaped(text: &str) -> Cow<'_, str> {
    // A carriage return that ends no line goes back to its start and writes over it.
    written_out(text, |c, next| c == '\n' || c == '\t' || (c == '\r' && next == Some('\n')))
}

/// On one line, whatever it holds.
pub fn escaped_line(text: &str) -> Cow<'_, str> {
    written_out(text, |_, _| false)
}

/// The first characters of what may be long, on one line. A cut has its mark, by which the beginning of a secret is known for one.
pub fn escaped_start(text: &str, most: usize) -> String {
    let start: String = text.chars().take(most).collect();
    let more = if start.len() < text.len() { "…" } else { "" };
    format!("{}{more}", escaped_line(&start))
}

/// A whole page, with the colours in which it was painted; whatever strangers have put into it was escaped before. No line of it is a
/// command to a CI that reads it.
pub fn escaped_page(text: &str) -> String {
    without_commands(&escaped_painted(text)).into_owned()
}

/// A part of a page, with its colours.
pub fn escaped_painted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("\u{1b}[") {
        out.push_str(&escaped(before));
        let length = behind.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b';').count();
        let painted = behind[length..].starts_with('m');
        out.push_str(if painted { "\u{1b}[" } else { "\\u{1b}[" });
        rest = behind;
    }
    out.push_str(&escaped(rest));
    out
}

/// Lines that are text to a CI, whatever they quote.
pub fn without_commands(text: &str) -> Cow<'_, str> {
    match text.contains("::") || text.contains("##") {
        true => Cow::Owned(text.split_inclusive('\n').map(no_command).collect()),
        false => Cow::Borrowed(text),
    }
}

/// GitHub and Forgejo take a line for a command that begins with `::` and has it once more. GitHub and Azure take `##[` and `##vso[`
/// anywhere in a line, and TeamCity `##teamcity[`.
fn no_command(line: &str) -> Cow<'_, str> {
    let start = line.len() - after_colours(line).len();
    let mut out = match line[start..].strip_prefix("::") {
        Some(rest) if rest.contains("::") => Cow::Owned(format!("{}\\u{{3a}}:{rest}", &line[..start])),
        Some(_) | None => Cow::Borrowed(line),
    };
    let mut from = 0;
    while let Some(at) = out[from..].find("##").map(|at| from + at) {
        let word = out[at + 2..].trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '#');
        from = out.len() - word.len();
        if word.starts_with('[') {
            out.to_mut().replace_range(from..=from, "\\u{5b}");
        }
    }
    out
}

/// What stands after blanks, and after what paints the text.
fn after_colours(line: &str) -> &str {
    let mut rest = line.trim_start();
    while let Some(paint) = rest.strip_prefix("\u{1b}[") {
        let behind = paint.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        rest = behind.strip_prefix('m').unwrap_or(behind).trim_start();
    }
    rest
}

/// Controls of terminals (ESC, BEL and the rest of C0 and C1), of the direction of writing (Unicode Standard Annex 9),
/// line ends of Unicode, and characters without a picture, in which another text can be hidden. What joins letters
/// (U+200C and U+200D) is part of writing and stays.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Writes a character so that it can be seen: `\n`, `\u{1b}`.
pub fn push_escaped(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        // Writing to a String cannot fail.
        c if is_hidden(c) => drop(write!(out, "\\u{{{:x}}}", u32::from(c))),
        c => out.push(c),
    }
}

fn written_out(text: &str, stays: impl Fn(char, Option<char>) -> bool) -> Cow<'_, str> {
    let mut chars = text.char_indices().peekable();
    let mut out = String::new();
    let mut told = 0;
    while let Some((at, c)) = chars.next() {
        if is_hidden(c) && !stays(c, chars.peek().map(|(_, next)| *next)) {
            out.push_str(&text[told..at]);
            push_escaped(&mut out, c);
            told = at + c.len_utf8();
        }
    }
    if told == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[told..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal_or_turns_the_text_around() {
        assert_eq!(escaped("\u{1b}]0;title\u{7}\u{1b}[2J"), "\\u{1b}]0;title\\u{7}\\u{1b}[2J");
        assert_eq!(escaped("a\u{9b}31mb"), "a\\u{9b}31mb", "C1 holds the short form of ESC [");
        assert_eq!(escaped("safe\u{202e}exe\u{2066}x\u{2069}"), "safe\\u{202e}exe\\u{2066}x\\u{2069}");
        assert_eq!(escaped("all well\rbad"), "all well\\rbad");
        assert_eq!(escaped("a\u{e0061}\u{200b}b\u{2028}c"), "a\\u{e0061}\\u{200b}b\\u{2028}c");
    }

    #[test]
    fn a_page_keeps_its_colours_alone() {
        let page = "\u{1b}[1;31mbad\u{1b}[0m\n\u{1b}[2Jname\u{202e}";
        assert_eq!(escaped_page(page), "\u{1b}[1;31mbad\u{1b}[0m\n\\u{1b}[2Jname\\u{202e}");
        assert_eq!(escaped_page("\u{1b}\u{1b}[0m"), "\\u{1b}\u{1b}[0m");
    }

    #[test]
    fn no_line_of_a_page_is_a_command_to_a_ci() {
        for (line, shown) in [
            ("::stop-commands::x", "\\u{3a}:stop-commands::x"),
            ("  \t::error file=a::b", "  \t\\u{3a}:error file=a::b"),
            ("    all is well ##[error]not", "    all is well ##\\u{5b}error]not"),
            ("##vso[task.complete]##[x]###[y]", "##vso\\u{5b}task.complete]##\\u{5b}x]###\\u{5b}y]"),
            ("##teamcity[buildProblem]", "##teamcity\\u{5b}buildProblem]"),
            ("  \u{1b}[2m::error::b\u{1b}[0m", "  \u{1b}[2m\\u{3a}:error::b\u{1b}[0m"),
            ("::1  is an address", "::1  is an address"),
            ("at [::1]:80, a::b, ## [1] and #[2]", "at [::1]:80, a::b, ## [1] and #[2]"),
        ] {
            assert_eq!(escaped_page(&format!("one\n{line}\n")), format!("one\n{shown}\n"));
        }
    }

    #[test]
    fn what_is_writing_stays_and_costs_nothing() {
        for text in ["Größe\t7 ms\r\nعدد\n日本", "می\u{200c}خواهم 👩\u{200d}🚀", ""] {
            assert!(matches!(escaped(text), Cow::Borrowed(same) if same == text), "{text}");
        }
        assert_eq!(escaped_line("a\tb\r\nc"), "a\\tb\\r\\nc");
    }
}
