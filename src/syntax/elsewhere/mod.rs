//! Lines as other tools and languages write them, in the forms of this one. A row of the table changes one habit, and rows are applied
//! one after the other, so a line of several habits is read as well. Each result that reads is a candidate; which one mends is tried
//! where the file is checked.

mod calls;
mod conditions;
mod heads;
mod steps;

use super::grammar::{reads, reads_branch};
pub use super::repairs::changed;
use super::tokens::first_word;
use super::words::{self, Context};
use crate::base::elsewhere::snake_case;
use regex::{Captures, Regex};
use std::sync::LazyLock;

/// A longer line is no mistake of a person's fingers.
const LONGEST: usize = 300;
/// So many habits of one line are changed one after the other.
const DEEPEST: usize = 4;
/// So many texts are looked at, and so many results are offered.
const LOOKED_AT: usize = 60;
const MOST: usize = 8;

/// A habit, and what is written here. In both, a letter in angle brackets is a piece of the [`PIECES`]; in the second, `$1` is the first
/// group, `%1` is it as a name, and `§` is a load of the file.
type Row = (&'static str, &'static str);

const PIECES: &[(&str, &str)] = &[
    ("<N>", r"[A-Za-z_][A-Za-z0-9_]*"),
    ("<Q>", r#"(?:"[^"]*"|'[^']*')"#),
    ("<M>", "(?:get|post|put|patch|delete|head|options)"),
    ("<D>", r"\d[\d._]*(?:ms|us|s|m|h|d)(?:\d+s)?"),
    ("<L>", r"\d[\d._]*(?:/(?:s|min|h|d)\b| users?\b)"),
    ("<V>", r"(?:\d[\d._]*(?:/(?:s|min|h|d)\b| users?\b)|[a-z_][a-z0-9_.]*)"),
];

struct Habit {
    theirs: Regex,
    ours: &'static str,
    /// Of code alone: what looks the same inside a text is text.
    is_outside: bool,
}

static HABITS: LazyLock<Vec<Habit>> = LazyLock::new(|| {
    let rows = [heads::ROWS, steps::ROWS, calls::ROWS, conditions::ROWS].into_iter().flatten();
    let habit = |(theirs, ours): &(&str, &'static str)| {
        let theirs = Regex::new(&with_pieces(theirs)).expect("a row is a pattern");
        let is_outside = !theirs.as_str().contains(['"', '\'']) && !theirs.as_str().starts_with('^');
        Habit { theirs, ours, is_outside }
    };
    rows.map(habit).collect()
});

fn with_pieces(pattern: &str) -> String {
    PIECES.iter().fold(pattern.to_owned(), |pattern, (letter, piece)| pattern.replace(letter, piece))
}

/// A line, without what ends it as a head, in the forms of this language, the fewest changes first.
pub fn forms(line: &str, loads: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    if line.is_empty() || line.len() > LONGEST {
        return found;
    }
    let mut texts: Vec<(String, usize)> = vec![(line.to_owned(), 0)];
    let mut at = 0;
    while let Some((text, depth)) = texts.get(at).cloned() {
        at += 1;
        if depth > 0 && is_ours(&text) {
            found.push(text.clone());
        }
        if found.len() == MOST {
            break;
        }
        if depth < DEEPEST {
            for changed in HABITS.iter().flat_map(|habit| habit.changed(&text, loads)) {
                if texts.len() < LOOKED_AT && !texts.iter().any(|(known, _)| *known == changed) {
                    texts.push((changed, depth + 1));
                }
            }
        }
    }
    found
}

/// Whether it is a statement where its first word may stand.
fn is_ours(text: &str) -> bool {
    let first = first_word(text);
    // `data data = …` names nothing.
    if first_word(text[first.len()..].trim_start()) == first {
        return false;
    }
    if first == "else" {
        return reads_branch(text);
    }
    match words::statement(first) {
        Some(word) => word.contexts.iter().any(|context| reads(*context, text)),
        None => [Context::Expect, Context::Options, Context::Choice].into_iter().any(|context| reads(context, text)),
    }
}

impl Habit {
    fn changed(&self, text: &str, loads: &[&str]) -> Vec<String> {
        if !self.theirs.is_match(text) {
            return Vec::new();
        }
        let changed = self.theirs.replace_all(text, |groups: &Captures| match groups.get(0) {
            Some(own) if self.is_outside && is_in_text(text, own.start()) => own.as_str().to_owned(),
            Some(_) | None => expanded(self.ours, groups),
        });
        let changed = changed.trim().to_owned();
        match changed.contains('§') {
            true => loads.iter().map(|load| changed.replace('§', load)).collect(),
            false => vec![changed],
        }
    }
}

/// Whether a place is between quotes.
fn is_in_text(line: &str, place: usize) -> bool {
    let (mut quote, mut is_escaped) = (None, false);
    for c in line[..place].chars() {
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(_) if c == '\\' => is_escaped = true,
            Some(own) if c == own => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            Some(_) | None => {}
        }
    }
    quote.is_some()
}

fn expanded(ours: &str, groups: &Captures) -> String {
    let mut out = String::new();
    let mut rest = ours;
    while let Some(at) = rest.find(['$', '%']) {
        let (before, sign) = rest.split_at(at);
        out.push_str(before);
        let behind = sign[1..].strip_prefix('{').unwrap_or(&sign[1..]);
        let Some(number) = behind.chars().next().and_then(|digit| digit.to_digit(10)) else {
            out.push_str(&sign[..1]);
            rest = &sign[1..];
            continue;
        };
        let group = groups.get(number as usize).map_or("", |group| group.as_str());
        match sign.starts_with('%') {
            true => out.push_str(&as_name(group)),
            false => out.push_str(group),
        }
        rest = &behind[1..];
        rest = if sign[1..].starts_with('{') { rest.strip_prefix('}').unwrap_or(rest) } else { rest };
    }
    out + rest
}

fn as_name(text: &str) -> String {
    snake_case(text.trim().trim_matches(['"', '\''])).replace([' ', '.'], "_")
}

#[cfg(test)]
mod tests {
    use super::forms;

    #[test]
    fn lines_of_other_tools_have_a_form_here() {
        for (theirs, ours) in [
            ("const list = await http.get(\"/p\");", "get \"/p\" as list"),
            ("exec(http(\"list\").get(\"/p\"))", "get \"/p\" as list"),
            ("- get: /p", "get \"/p\""),
            ("std::thread::sleep(Duration::from_secs(1));", "think 1s"),
            ("wait_time = between(1, 3)", "think 1s..3s"),
            ("for i in range(3)", "repeat i from 0 at most 3"),
            ("check(res, { \"ok\": (r) => r.status === 200 })", "expect res.status == 200"),
            ("rampUsersPerSec(1).to(50).during(10)", "ramp 1/s -> 50/s over 10s"),
            ("http_req_duration: [\"p(95)<200\"]", "p95(main) < 200ms"),
            ("http_req_failed: ['rate<0.01']", "error_rate(main) < 0.01"),
            ("p95(main) must be below 200ms", "p95(main) < 200ms"),
            ("x += 1", "set x = x + 1"),
            ("X-Key: a", "headers: { \"X-Key\": \"a\" }"),
        ] {
            let found = forms(theirs, &["main"]);
            assert!(found.iter().any(|one| one == ours), "{theirs}: {found:?}");
        }
        assert!(forms("get \"/p\" as list", &[]).is_empty());
    }

    #[test]
    fn what_stands_in_a_text_is_no_habit() {
        for line in ["target z = websocket(\"ws://127.0.0.1:99999\")", "get \"/at/00:05:00?of=5rps&for=PT5M\" as x ->"]
        {
            let found = forms(line, &["main"]);
            let text = line.split('"').nth(1).unwrap();
            assert!(found.iter().all(|one| one.contains(text)), "{line}: {found:?}");
        }
        assert!(forms("hold 5rps for 00:05:00", &[]).contains(&"hold 5/s for 5m".to_owned()));
    }
}
