//! What could stand instead of a statement that is not understood: words that other languages have in its place, words too many and
//! too few, and shapes of other languages. With each of them it is a statement; which of them mends is tried where the file is checked.

use super::grammar::{reads, reads_branch};
use super::tokens::{blanks, first_word, is_word, starts_with_words};
use super::words::{self, Context};
use crate::base::elsewhere::{named_here, snake_case};
use crate::base::{FileId, Span, boundary};
use crate::diag::{Applicability, Fix};
use std::ops::Range;

/// So many are tried of one statement.
const MOST: usize = 8;
/// A longer statement is no mistake of a person's fingers.
const LONGEST: usize = 1_000;

/// What other languages say where this one says one of those.
const INSTEAD: &[(&str, &[&str])] = &[
    ("into", &["as", "in"]),
    ("name", &["as"]),
    ("named", &["as"]),
    ("called", &["as"]),
    ("=", &["as", ":", "->"]),
    ("=>", &["->", "as", ":"]),
    ("->", &["as", ":"]),
    ("with", &["on"]),
    ("using", &["on"]),
    ("against", &["on"]),
    ("via", &["on"]),
    ("at", &["on", "during", "by"]),
    ("@", &["at", "during"]),
    ("in", &["over", "during", "from", "on"]),
    ("for", &["of", "over", "during", "on"]),
    ("by", &["over", "as"]),
    ("max", &["at most"]),
    ("maximum", &["at most"]),
    ("limit", &["at most"]),
    ("up to", &["at most"]),
    ("to", &["->", "at most", "in", "on", ".."]),
    ("until", &["over", "->", "while"]),
    ("lasting", &["for"]),
    ("duration", &["for"]),
    ("during", &["for"]),
    ("while", &["during"]),
    ("within", &["during", "over"]),
    ("if", &["when"]),
    ("after", &["at"]),
    ("from", &["of", "at", "on"]),
];

/// Words and signs that join the parts of statements.
const JOINING: &[&str] = &["as", "for", "on", "of", "over", "->", "at most", "every", "by", "during", ":", ",", "=="];

/// The text with another word where the grammar stopped at `at`, with one less, with one more; the likeliest first.
pub fn around(context: Context, text: &str, at: usize) -> Vec<String> {
    if text.len() > LONGEST {
        return Vec::new();
    }
    let place = Place::of(text, at);
    let mut found: Vec<String> = Vec::new();
    let mut add = |mended: String| {
        if found.len() < MOST && mended != text && !found.contains(&mended) && reads(context, &mended) {
            found.push(mended);
        }
    };
    place.instead().into_iter().for_each(&mut add);
    let compares = context.has_conditions() || matches!(first_word(text), "expect" | "if" | "abort");
    let joining = || JOINING.iter().filter(|word| compares || **word != "==");
    joining().for_each(|word| add(place.put(place.token.start..place.token.start, &format!("{word} "))));
    // `error rate(main)`
    if text[place.token.clone()].starts_with(|c: char| c.is_ascii_alphabetic()) {
        let both = place.before.start..place.token.end;
        add(place.put(both.clone(), &text[both].replace(' ', "_")));
    }
    if &text[place.token.clone()] != "else" {
        add(place.put(place.token.clone(), ""));
    }
    if text[place.before.clone()].starts_with(|c: char| c.is_ascii_alphabetic()) {
        add(place.put(place.before.clone(), ""));
    }
    if let Some(called) = place.called() {
        add(called);
    }
    joining().for_each(|word| add(place.put(place.token.clone(), word)));
    found
}

/// The token at which the grammar stopped, and the word before it.
struct Place<'a> {
    text: &'a str,
    token: Range<usize>,
    before: Range<usize>,
}

impl<'a> Place<'a> {
    fn of(text: &'a str, at: usize) -> Place<'a> {
        let start = at + blanks(&text[at..]);
        // `=>` is read up to its second sign.
        let start = start - usize::from(text[..start].ends_with('=') && text[start..].starts_with('>'));
        let rest = &text[start..];
        let sign = ["=>", "->", "==", ":=", ".."].into_iter().find(|sign| rest.starts_with(sign)).map_or(0, str::len);
        let one = rest.chars().next().map_or(0, char::len_utf8);
        let token = start..start + first_word(rest).len().max(sign).max(one);
        let end = text[..start].trim_end().len();
        let word = text[..end].bytes().rev().take_while(|byte| is_word(*byte)).count();
        Place { text, token, before: end - word..end }
    }

    /// With blanks around what is put in, and not two where it is nothing.
    fn put(&self, range: Range<usize>, ours: &str) -> String {
        let (before, behind) = (&self.text[..range.start], &self.text[range.end..]);
        match ours {
            "" => format!(
                "{}{}",
                before.trim_end(),
                if before.trim_end().is_empty() { behind.trim_start() } else { behind }
            ),
            ":" | "," => format!("{}{ours} {}", before.trim_end(), behind.trim_start()),
            ours => format!("{before}{ours}{behind}"),
        }
    }

    fn instead(&self) -> Vec<String> {
        let rest = &self.text[self.token.start..];
        let rows = INSTEAD.iter().filter(|(theirs, _)| match theirs.ends_with(|c: char| c.is_ascii_alphabetic()) {
            true => starts_with_words(rest, theirs),
            false => rest.starts_with(theirs),
        });
        rows.flat_map(|(theirs, ours)| {
            let range = self.token.start..self.token.start + theirs.len();
            ours.iter().map(move |ours| self.put(range.clone(), ours))
        })
        .collect()
    }

    /// `p95 main` as a call.
    fn called(&self) -> Option<String> {
        let (function, argument) = (&self.text[self.before.clone()], &self.text[self.token.clone()]);
        let is_name = |word: &str| word.starts_with(|c: char| c.is_ascii_lowercase());
        let end = match self.text[self.token.start..].strip_prefix('"').and_then(|rest| rest.find('"')) {
            Some(end) => self.token.start + end + 2,
            None if is_name(argument) => self.token.end,
            None => return None,
        };
        let argument = &self.text[self.token.start..end];
        is_name(function).then(|| self.put(self.before.start..end, &format!("{function}({argument})")))
    }
}

/// Statements that another language writes as the text, the likeliest first.
pub fn shapes(context: Context, text: &str) -> Vec<String> {
    if text.len() > LONGEST {
        return Vec::new();
    }
    let text = text.trim_end();
    let known =
        |text: &String| words::standing_in(context).any(|word| word == first_word(text)) && reads(context, text);
    let all = [
        pause(text),
        bound(context, text),
        called(context, text),
        joined(text),
        stage(text),
        turns(text),
        commas(text),
        vec![format!("expect {text}")].into_iter().filter(|_| text.contains(['<', '>', '='])).collect(),
    ];
    let mut found: Vec<String> = Vec::new();
    for mended in all.into_iter().flatten().filter(known) {
        if found.len() < MOST && !found.contains(&mended) {
            found.push(mended);
        }
    }
    found
}

/// What stands before the name of a value elsewhere.
const BINDS: &[&str] =
    &["let", "const", "var", "val", "local", "my", "auto", "final", "set", "mut", "string", "int", "float", "def"];

/// `first = …`, `const first = …`, `first: Text = …` and `plateau: hold …`, as what declares a name here.
fn bound(context: Context, text: &str) -> Vec<String> {
    let mut rest = text;
    while let Some(word) = BINDS.iter().find(|word| starts_with_words(rest, word)) {
        rest = rest[word.len()..].trim_start();
    }
    let name = first_word(rest);
    let behind = rest[name.len()..].trim_start();
    let typed = behind
        .strip_prefix(':')
        .and_then(|kind| kind.split_once('='))
        .filter(|(kind, _)| kind.trim().bytes().all(|byte| is_word(byte) || byte == b'.') && !kind.trim().is_empty());
    let value = match typed {
        Some((_, value)) => Some(value),
        None => [":=", "==", "=", ":"].iter().find_map(|sign| behind.strip_prefix(sign)),
    };
    let Some(value) = value.map(str::trim).filter(|value| !value.is_empty() && !name.is_empty()) else {
        return Vec::new();
    };
    if words::statement(name).is_some() {
        return Vec::new();
    }
    let name = snake_case(name);
    let steps =
        called(context, value).into_iter().chain([super::meant::without_prefix(value).unwrap_or(value).to_owned()]);
    let mut found: Vec<String> = steps
        .filter(|step| words::statement(first_word(step)).is_some_and(|word| word.contexts.contains(&context)))
        .map(|step| format!("{step} as {name}"))
        .collect();
    found.push(format!("let {name} = {value}"));
    if let Some(kind) = super::lower::type_of_literal(value).filter(|_| context == Context::File) {
        found.push(format!("param {name}: {kind} = {value}"));
    }
    found
}

/// `http.get("/p")`, `await api.get("/p", …)`, `GET /p`: a step that is written as a call, or as in a protocol.
fn called(context: Context, text: &str) -> Vec<String> {
    const CLIENTS: &[&str] =
        &["http", "https", "client", "self", "requests", "axios", "session", "browser", "k6", "this", "s"];
    if context != Context::Flow {
        return Vec::new();
    }
    let text = super::meant::without_prefix(text).unwrap_or(text);
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(text.len());
    let (path, rest) = text.split_at(end);
    let (on, method) = path.rsplit_once('.').unwrap_or(("", path));
    let small = snake_case(method);
    let known: Vec<&str> = words::standing_in(context).collect();
    let method = known.iter().find(|word| **word == small).copied().or_else(|| named_here(&small, &known));
    let Some(method) = method else { return Vec::new() };
    let rest = rest.trim_start();
    let (argument, behind) = match rest.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
        Some((argument, behind)) => {
            (argument.split_once("\", ").map_or(argument.to_owned(), |(path, _)| format!("{path}\"")), behind)
        }
        None => {
            let end = rest.find(' ').unwrap_or(rest.len());
            (rest[..end].to_owned(), &rest[end..])
        }
    };
    let argument = match argument.starts_with(['/', ':']) || argument.starts_with("http") {
        true => format!("\"{argument}\""),
        false => argument,
    };
    let on = on.rsplit('.').next().filter(|on| !on.is_empty() && !CLIENTS.contains(on));
    let on = on.map_or_else(String::new, |on| format!(" on {on}"));
    vec![format!("{method} {argument}{on}{behind}"), format!("{method} {argument}{behind}")]
}

/// `warm up 10/s`, `steady state`: one word that is written as two.
fn joined(text: &str) -> Vec<String> {
    let first = first_word(text);
    let rest = text[first.len()..].trim_start_matches([' ', '-']);
    let second = first_word(rest);
    let behind = &rest[second.len()..];
    ["", "_"].iter().map(|sign| format!("{}{behind}", format!("{first}{sign}{second}").to_lowercase())).collect()
}

/// `ramp from 10/s to 20/s`, `hold for 30s at 50/s`, `ramp 10/s..20/s`.
fn stage(text: &str) -> Vec<String> {
    let word = first_word(text);
    if words::statement(word).is_none_or(|word| !word.contexts.contains(&Context::Load)) {
        return Vec::new();
    }
    let rest = text[word.len()..].trim();
    let rest = ["from ", "at ", "to ", "by ", "*", "level: ", "rate: ", "users: "]
        .iter()
        .find_map(|sign| rest.strip_prefix(sign))
        .unwrap_or(rest);
    let mut found = vec![format!("{word} {rest}"), format!("{word} {}", rest.replacen(" in ", " over ", 1))];
    for sign in [" to ", " => ", " - ", " .. ", "..", " — ", " until "] {
        if let Some((from, to)) = rest.split_once(sign) {
            found.push(format!("{word} {from} -> {to}"));
        }
    }
    if let Some((length, level)) = rest.strip_prefix("for ").and_then(|rest| rest.split_once(" at ")) {
        let (level, name) =
            level.split_once(" as ").map_or((level, String::new()), |(level, name)| (level, format!(" as {name}")));
        found.push(format!("{word} {level} for {length}{name}"));
    }
    if let Some((arguments, behind)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        let bare = |part: &str| part.rsplit(": ").next().unwrap_or(part).trim().to_owned();
        if let [level, length] = arguments.split(',').map(bare).collect::<Vec<_>>().as_slice() {
            found.push(format!("{word} {level} for {length}{behind}"));
        }
    }
    found
}

/// `repeat 3 times`, `loop(3)`, `for i in 1..3`, `repeat i in 1..3`, `repeat 3 with i`, `while CONDITION`, and the loop of C.
pub fn turns(text: &str) -> Vec<String> {
    let word = first_word(text);
    if !matches!(word, "repeat" | "loop" | "for" | "times" | "foreach" | "each" | "while" | "until") {
        return Vec::new();
    }
    let rest = text[word.len()..].trim();
    let is_one = rest.starts_with('(') && rest.ends_with(')');
    let rest = if is_one { rest[1..rest.len() - 1].trim() } else { rest };
    match word {
        "while" if matches!(rest, "true" | "1" | "") => return vec![format!("repeat at most {TURNS}")],
        "while" => return vec![format!("repeat while {rest} at most {TURNS}")],
        "until" => return vec![format!("repeat while not ({rest}) at most {TURNS}")],
        _ => {}
    }
    if let Some(counted) = counted(rest) {
        return vec![counted];
    }
    let count = digits(rest);
    let behind = rest[count..].trim();
    if count > 0 && matches!(behind, "" | "x" | "times") {
        return vec![format!("repeat at most {}", &rest[..count])];
    }
    if let (true, Some(("with" | "as", name))) = (count > 0, behind.split_once(' ')) {
        return vec![format!("repeat {} from 1 at most {}", name.trim(), &rest[..count])];
    }
    let Some((name, range)) = rest.split_once(" in ") else { return Vec::new() };
    let name = name.trim().trim_start_matches("let ").trim();
    let range = range.trim().trim_start_matches("range(").trim_end_matches(')');
    let from = digits(range);
    let behind = range[from..].trim_start_matches(['.', '=', ',', ' ', '-']);
    let to = digits(behind);
    let ends = (range[..from].parse::<u64>(), behind[..to].parse::<u64>());
    match ends {
        (Ok(from), Ok(last)) if last >= from && behind[to..].trim().is_empty() => {
            vec![format!("repeat {name} from {from} at most {}", last - from + 1)]
        }
        _ => vec![format!("each {name} in {range}")],
    }
}

/// So many turns are offered where a loop has no bound.
const TURNS: u64 = 10;

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// `let i = 0; i < 3; i++`.
fn counted(text: &str) -> Option<String> {
    let (begins, rest) = text.split_once(';')?;
    let (ends, _) = rest.split_once(';')?;
    let (name, from) = begins.split_once('=')?;
    let name =
        ["let ", "var ", "int ", "const "].iter().find_map(|word| name.trim().strip_prefix(word)).unwrap_or(name);
    let from: u64 = from.trim().parse().ok()?;
    let (_, bound) = ends.split_once('<')?;
    let last: u64 = bound.trim_start_matches('=').trim().parse().ok()?;
    let turns = last.checked_sub(from)? + u64::from(bound.starts_with('='));
    (turns > 0).then(|| format!("repeat {} from {from} at most {turns}", name.trim()))
}

/// `f(a: A b: B)` and `f(a: A; b: B)`, with commas between what stands in brackets.
fn commas(text: &str) -> Vec<String> {
    let Some((head, inner)) = text.split_once('(') else { return Vec::new() };
    let mut out = format!("{head}(");
    for (at, word) in inner.split(' ').enumerate() {
        let is_label = word.ends_with(':') && word[..word.len() - 1].bytes().all(is_word);
        let lacks = at > 0 && is_label && !out.trim_end().ends_with([',', '(', '{', '[', ';']);
        out.push_str(if lacks {
            ", "
        } else if at > 0 {
            " "
        } else {
            ""
        });
        out.push_str(word);
    }
    vec![out.replace(';', ","), out]
}

/// `sleep(1)`, `time.sleep(0.5)`, `wait 500`: a pause of so many seconds or milliseconds.
fn pause(text: &str) -> Vec<String> {
    let end = text.find(|c: char| !(c.is_ascii_alphabetic() || matches!(c, '.' | '_'))).unwrap_or(text.len());
    let word = text[..end].rsplit('.').next().unwrap_or("").to_lowercase();
    if !matches!(word.as_str(), "sleep" | "wait" | "pause" | "delay" | "think" | "usleep" | "settimeout") {
        return Vec::new();
    }
    let argument = text[end..].trim().trim_start_matches('(').trim_end_matches(')').trim();
    match argument.parse::<f64>() {
        Ok(number) if number >= 50.0 => vec![format!("think {argument}ms")],
        Ok(_) => vec![format!("think {argument}s")],
        Err(_) => vec![format!("think {argument}")],
    }
}

/// What stands after a body elsewhere, as another branch: `elif …`, `ELSE`.
pub fn branches(text: &str) -> Vec<String> {
    let word = first_word(text);
    let rest = text[word.len()..].trim_start();
    let rest = if rest.is_empty() { String::new() } else { format!(" {rest}") };
    let ours: &[&str] = match word.to_lowercase().as_str() {
        "elif" | "elsif" | "elseif" => &["else if"],
        "else" | "otherwise" | "default" => &["else"],
        _ => &[],
    };
    let smaller = || rest.replacen(" If ", " if ", 1).replacen(" IF ", " if ", 1);
    ours.iter()
        .flat_map(|ours| [format!("{ours}{rest}"), format!("{ours}{}", smaller())])
        .filter(|text| reads_branch(text))
        .collect()
}

/// A fix that makes of the text at an offset another one.
pub fn fix(file: FileId, text: &str, mended: &str, offset: usize) -> Fix {
    let (place, ours) = changed(text, mended);
    let written = text[place.clone()].trim();
    let help = match (ours.trim(), written) {
        ("", written) => format!("remove `{written}`"),
        (ours, _) => format!("write `{ours}`"),
    };
    Fix::new(Applicability::Maybe, Span::new(file, offset + place.start, offset + place.end), ours, help)
}

/// The words in which two texts differ, and what the second has there.
pub fn changed(text: &str, mended: &str) -> (Range<usize>, String) {
    let word = |c: char| !c.is_whitespace();
    let same = text.bytes().zip(mended.bytes()).take_while(|(a, b)| a == b).count();
    let start = text[..boundary::floor(text, same)].trim_end_matches(word).len();
    let most = text.len().min(mended.len()) - start;
    let alike = text.bytes().rev().zip(mended.bytes().rev()).take(most).take_while(|(a, b)| a == b).count();
    let behind = &text[boundary::floor(text, text.len() - alike)..];
    let end = text.len() - behind.trim_start_matches(word).len();
    (start..end, mended[start..mended.len() - (text.len() - end)].to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::grammar::stops;
    use super::*;

    #[test]
    fn statements_of_other_languages_have_a_shape_of_this_one() {
        for (context, theirs, ours) in [
            (Context::Flow, "first = list.json(\"$.a\")", "let first = list.json(\"$.a\")"),
            (Context::Flow, "const res = await http.get(\"/p\")", "get \"/p\" as res"),
            (Context::Flow, "api.post(\"/p\", x) as made", "post \"/p\" on api as made"),
            (Context::Flow, "GET /p as list", "get \"/p\" as list"),
            (Context::Flow, "time.sleep(0.5)", "think 0.5s"),
            (Context::Load, "plateau: hold 5/s for 3s", "hold 5/s for 3s as plateau"),
            (Context::Load, "ramp from 1/s to 2/s over 3s", "ramp 1/s -> 2/s over 3s"),
            (Context::Load, "hold for 3s at 5/s as x", "hold 5/s for 3s as x"),
            (Context::Load, "warm up 5/s for 3s", "warmup 5/s for 3s"),
            (Context::Flow, "for i in 1..3", "repeat i from 1 at most 3"),
            (Context::Request, "status == 200", "expect status == 200"),
        ] {
            // Which of them mends is tried.
            let found = shapes(context, theirs);
            assert!(found.iter().any(|one| one == ours), "{theirs}: {found:?}");
        }
        assert_eq!(branches("elif a == 1"), ["else if a == 1"; 2]);
    }

    #[test]
    fn a_word_is_another_one_too_many_or_missing() {
        for (theirs, ours) in [
            ("hold 5/s for 3s name x", "hold 5/s for 3s as x"),
            ("hold 5/s 3s", "hold 5/s for 3s"),
            ("hold at 5/s for 3s", "hold 5/s for 3s"),
        ] {
            let at = stops(Context::Load, theirs).unwrap();
            let found = around(Context::Load, theirs, at);
            assert!(found.iter().any(|one| one == ours), "{theirs}: {found:?}");
        }
    }
}
