//! Blocks of other tools and languages: each is refused as one mistake, with what is written here instead, and the rest of the way sees
//! blanks in its place.

use super::tokens::{line_end, text_end};
use super::words::{self, Context};
use crate::base::{FileId, Span};
use crate::diag::{Applicability, Code, Diagnostic, Diagnostics};
use regex::Regex;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

/// Where a block ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// With its line.
    Line,
    /// With the partner of the bracket that its line opens.
    Bracket,
    /// Before the next line that is not set in further, as in YAML and Python.
    Indented,
}

/// How its first line is written, where it ends, and what is written here.
type Row = (&'static str, Extent, &'static str);

const STAGES: &str = "stages are statements of a load: `ramp 0/s -> 20/s over 1m`, `hold 20/s for 5m`";
const THRESHOLDS: &str = "thresholds are conditions: `expect { p95(main) < 200ms }` in the scenario";
const REQUESTS: &str = "a request is `get \"/path\" as NAME { expect status == 200 }`";
const FLOWS: &str = "steps stand in a flow: `flow NAME on TARGET { get \"/path\" }`";

const ROWS: &[Row] = &[
    (
        r#"^import\b.*["']k6.*$|^import .*["'];?$|^(?:from [A-Za-z0-9_.]+ import|package [a-z]|const [a-z]+ = require\(|use crate::).*$"#,
        Extent::Line,
        "no import is needed: requests, checks and pauses are statements of a flow",
    ),
    (
        r"^export (?:const|let|var) options\b.*[{\[(]$",
        Extent::Bracket,
        "stages belong in `load NAME of FLOW { … }`, and thresholds in `expect { … }`",
    ),
    (r"^export default (?:async )?function\b.*\{$", Extent::Bracket, FLOWS),
    (r"^(?:stages|phases)\s*[:=]?\s*\[$", Extent::Bracket, STAGES),
    (r"^thresholds\s*[:=]?\s*\{$", Extent::Bracket, THRESHOLDS),
    (
        r"^(?:scenarios|options|config)\s*[:=]?\s*\{$",
        Extent::Bracket,
        "a load is `load NAME of FLOW { hold 20/s for 5m }`",
    ),
    (r"^\.?(?:setUp|scn|injectOpen|inject)\b.*\($", Extent::Bracket, STAGES),
    (
        r"^\.?(?:check|expect|assert)\(.*[{(]$",
        Extent::Bracket,
        "a check is `expect status == 200` in the braces of its request",
    ),
    (r"^group\(.*[{]$", Extent::Bracket, "steps are named by `group NAME { … }`"),
    (
        r"^[A-Za-z_.\[\], 0-9]+\.(?:forEach|map|each)\(.*\{$",
        Extent::Bracket,
        "a loop over a list is `each x in LIST { … }`",
    ),
    (r"^\.?(?:exec|http\.[a-z]+|axios[.a-z]*|requests\.[a-z]+|client\.[a-z]+)\(.*[{(\[]$", Extent::Bracket, REQUESTS),
    (r"^try\s*\{$", Extent::Bracket, "a request that fails ends its iteration; `retry 3` after a request repeats it"),
    (r"^class \w+.*:$", Extent::Indented, "a scenario is `scenario NAME { … }`, and its steps stand in a flow"),
    (r"^def \w+\(.*\).*:$", Extent::Indented, FLOWS),
    (r"^with .*:$", Extent::Indented, REQUESTS),
    (r"^(?:stages|phases|config|scenarios):$", Extent::Indented, STAGES),
    (r"^thresholds:$", Extent::Indented, THRESHOLDS),
    (r"^(?:- )?(?:get|post|put|patch|delete|request|http|url):$", Extent::Indented, REQUESTS),
    (r"^- [A-Za-z_]+:.*$", Extent::Indented, "each statement stands on its own line, without `-`"),
    (r"^[A-Za-z_]+:$", Extent::Indented, "values of a name are an object: `name: { key: value }`"),
];

static OPENERS: LazyLock<Vec<(Regex, Extent, &'static str)>> = LazyLock::new(|| {
    let rows =
        ROWS.iter().map(|(opens, extent, help)| (Regex::new(opens).expect("a row is a pattern"), *extent, *help));
    rows.collect()
});

/// Whether a row may fit a line, by what it begins and ends with. Of a file as people write it here no line does, and no pattern
/// is made for it: that takes longer than all else of a small file.
fn may_open(line: &str) -> bool {
    if line.ends_with(':') || line.starts_with("- ") {
        return true;
    }
    let rest = line.strip_prefix('.').unwrap_or(line);
    let word = first(rest);
    let next = rest.as_bytes().get(word.len());
    let opens = match word {
        "import" | "from" | "package" | "const" | "export" | "stages" | "phases" | "thresholds" | "scenarios"
        | "options" | "config" | "setUp" | "scn" | "injectOpen" | "inject" | "try" => true,
        "use" => rest.starts_with("use crate::"),
        "check" | "expect" | "assert" | "group" | "exec" => next == Some(&b'('),
        "http" | "requests" | "client" => next == Some(&b'.'),
        word => word.starts_with("axios"),
    };
    opens || line.ends_with('{') && ITERATED.iter().any(|call| line.contains(call))
}

/// How other languages go over a list.
const ITERATED: [&str; 3] = [".forEach(", ".map(", ".each("];

/// What is a statement here, unless it ends as none does.
fn is_ours(line: &str) -> bool {
    let ends = [':', '(', '[', '{', ';', '"', '\''];
    words::statement(first(line)).is_some() && !line.ends_with(ends) && !line.starts_with("- ")
}

/// `expect:`, whose body has no brace.
fn is_head(line: &str) -> bool {
    let is_word = line.len() == first(line).len() + 1;
    is_word && words::statement(first(line)).is_some_and(|word| word.contexts != [Context::Flow])
}

fn first(line: &str) -> &str {
    super::tokens::first_word(line)
}

/// A block of so many lines is none: of a file of many that have no end, each would be looked through.
const LONGEST: usize = 1000;

/// So many blocks are refused: nobody mends more at a time.
const MOST: usize = 20;

/// The text without blocks of elsewhere, of the length that it has.
pub fn without_blocks<'a>(file: FileId, text: &'a str, diagnostics: &mut Diagnostics) -> Cow<'a, str> {
    if !text.split('\n').any(|line| may_open(line.trim())) {
        return Cow::Borrowed(text);
    }
    let mut blocks: Vec<Range<usize>> = Vec::new();
    let lines = lines(text);
    let texts = long_texts(text);
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        at += 1;
        let written = text[line.clone()].trim();
        if !may_open(written) || is_ours(written) {
            continue;
        }
        // Of a text that goes over lines, such as a file of YAML, nothing is read.
        let next = texts.partition_point(|long| long.end <= line.start);
        if texts.get(next).is_some_and(|long| long.start < line.start) {
            continue;
        }
        let is_code = !written.is_empty() && !written.starts_with("//") && written.len() < 300;
        if blocks.len() == MOST || !is_code {
            continue;
        }
        let Some((_, extent, help)) = OPENERS.iter().find(|(opens, ..)| opens.is_match(written)) else { continue };
        let is_call = written.matches('(').count() > written.matches(')').count();
        let needs_call = written.contains('(') && !written.starts_with("export ");
        if *extent == Extent::Bracket && needs_call && !is_call || written.ends_with(':') && is_head(written) {
            continue;
        }
        let ours = match extent {
            Extent::Line => super::elsewhere::forms(written, &[]).into_iter().next().unwrap_or_default(),
            Extent::Bracket | Extent::Indented => String::new(),
        };
        let Some(last) = extent.last(text, &lines, at - 1) else { continue };
        let start = line.start + (text[line.clone()].len() - text[line.clone()].trim_start().len());
        let block = start..lines[last].end;
        if *extent == Extent::Indented && !is_foreign(&text[lines[last.min(at)].clone()], written) {
            continue;
        }
        let place = Span::new(file, start, start + written.len());
        let word = written.split_whitespace().next().unwrap_or(written);
        let problem = Diagnostic::new(
            Code::E0114,
            format!("`{word}` is how another language writes this"),
            place,
            "not of this language",
        );
        let whole = Span::new(file, block.start, block.end);
        diagnostics.push(match extent {
            Extent::Line if ours.is_empty() => {
                problem.fix(Applicability::Maybe, whole, "", format!("remove it: {help}"))
            }
            Extent::Line => problem.fix(Applicability::Maybe, whole, &ours, format!("write `{ours}`")),
            Extent::Bracket | Extent::Indented => problem.help(*help),
        });
        blocks.push(block);
        at = last + 1;
    }
    if blocks.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for block in blocks {
        out.push_str(&text[from..block.start]);
        out.extend(text[block.clone()].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        from = block.end;
    }
    out.push_str(&text[from..]);
    Cow::Owned(out)
}

/// Whether what is set in further belongs to the other language as well: no statement of this one begins so.
fn is_foreign(next: &str, head: &str) -> bool {
    let next = next.trim();
    let word = first(next);
    let is_python = head.starts_with("class ") || head.starts_with("def ") || head.starts_with("with ");
    let is_key = next[word.len()..].trim_start().starts_with(':');
    is_python
        || next.starts_with("- ")
        || is_key && words::statement(word).is_none_or(|word| word.contexts == [Context::Flow])
}

/// Texts that go over lines, in order.
fn long_texts(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    let next = |at: usize| Some(at + bytes[at..].iter().position(|byte| matches!(byte, b'/' | b'"' | b'\''))?);
    while let Some(start) = next(at) {
        at = start;
        let byte = &bytes[at];
        let end = match byte {
            b'/' if bytes[at..].starts_with(b"//") => line_end(bytes, at),
            quote @ (b'"' | b'\'') => match text_end(bytes, at, *quote) {
                Some(end) => end,
                // Nothing closes it, nor any other one of its kind.
                None if bytes[at..].starts_with(&[*quote; 3]) => return found,
                None => line_end(bytes, at),
            },
            _ => at + 1,
        };
        if bytes[at..end].contains(&b'\n') && matches!(byte, b'"' | b'\'') {
            found.push(at..end);
        }
        at = end;
    }
    found
}

fn lines(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let all = text.split('\n').map(|line| {
        let range = start..start + line.len();
        start += line.len() + 1;
        range
    });
    all.collect()
}

impl Extent {
    /// The last line of a block that begins on a line; none where it has no end.
    fn last(self, text: &str, lines: &[Range<usize>], first: usize) -> Option<usize> {
        let written = |at: usize| &text[lines[at].clone()];
        let end = lines.len().min(first + LONGEST);
        let depth = |line: &str| {
            line.bytes().fold(0i64, |depth, byte| match byte {
                b'(' | b'[' | b'{' => depth + 1,
                b')' | b']' | b'}' => depth - 1,
                _ => depth,
            })
        };
        match self {
            Extent::Line => Some(first),
            Extent::Bracket => {
                let mut open = 0;
                for at in first..end {
                    open += depth(written(at));
                    let goes_on = lines.get(at + 1).is_some_and(|_| written(at + 1).trim_start().starts_with('.'));
                    if open <= 0 && !goes_on {
                        return (open == 0).then_some(at);
                    }
                }
                None
            }
            Extent::Indented => {
                let indent = |line: &str| line.len() - line.trim_start().len();
                let own = indent(written(first));
                let is_item = written(first).trim_start().starts_with("- ");
                let mut last = first;
                for at in first + 1..end {
                    let line = written(at);
                    let inside =
                        indent(line) > own || is_item && indent(line) == own && line.trim_start().starts_with("- ");
                    match line.trim().is_empty() {
                        true => continue,
                        false if inside => last = at,
                        false => break,
                    }
                }
                let balanced = (first..=last).map(|at| depth(written(at))).sum::<i64>() == 0;
                let is_cut = last + 1 == end && end < lines.len();
                (last > first && balanced && !is_cut).then_some(last)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_block_is_looked_through_for_ever() {
        let refused = |lines: usize, block: [&str; 3]| {
            let text = format!("{}{}{}", block[0], block[1].repeat(lines), block[2]);
            let mut said = Diagnostics::default();
            without_blocks(FileId(0), &text, &mut said);
            said.errors()
        };
        for block in [["stages: [\n", "  1,\n", "]\n"], ["config:\n", "  a: 1\n", "\nscenario a {\n}\n"]] {
            assert_eq!([LONGEST - 2, LONGEST + 2].map(|lines| refused(lines, block)), [1, 0]);
        }
    }

    #[test]
    fn each_row_fits_only_lines_that_are_looked_at() {
        let lines = [
            "import http from 'k6/http';",
            "from locust import HttpUser",
            "package a",
            "const http = require('http')",
            "use crate::a;",
            "export const options = {",
            "export default function () {",
            "stages: [",
            "phases = [",
            "thresholds: {",
            "scenarios {",
            "options = {",
            "config: {",
            ".setUp(scn.inject(",
            "scn = scenario(",
            ".injectOpen(",
            ".check(res, {",
            "expect(a).to((",
            "assert(a, {",
            "group(\"a\", () => {",
            "items.forEach((item) => {",
            "[1, 2].map(a => {",
            "list.each(a => {",
            ".exec(http(",
            "http.get(\"/a\", {",
            "axios(\"/a\", {",
            "axios.get(\"/a\", {",
            "requests.get(\"/a\", (",
            ".client.get([",
            "try {",
            "class A(HttpUser):",
            "def a(self):",
            "with self.client.get(\"/\") as a:",
            "stages:",
            "thresholds:",
            "- get:",
            "url:",
            "- duration: 1m",
            "anything:",
        ];
        let fits = |line: &str| OPENERS.iter().position(|(opens, ..)| opens.is_match(line));
        let mut seen: Vec<usize> = lines.iter().map(|line| fits(line).expect(line)).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), ROWS.len(), "each row has its line here");
        assert_eq!(lines.iter().find(|line| !may_open(line)), None);
        assert!(!may_open("get \"/a\" as list {") && !may_open("expect {") && !may_open("use \"./a.stress\""));
    }

    #[test]
    fn blocks_of_other_tools_are_one_mistake_each() {
        for (text, count) in [
            ("import http from 'k6/http';\nscenario a {\n}\n", 1),
            (
                "export const options = {\n  stages: [\n    { duration: '1m', target: 20 },\n  ],\n};\nscenario a {\n}\n",
                1,
            ),
            (
                "scenario a {\n  load m of f {\n    stages:\n      - duration: 1m\n        target: 20\n    hold 1/s for 1s\n  }\n}\n",
                1,
            ),
            ("flow f {\n  - get:\n      url: \"/a\"\n  - post:\n      url: \"/b\"\n  think 1s\n}\n", 1),
            ("flow f {\n  check(res, {\n    'ok': (r) => r.status === 200,\n  });\n  think 1s\n}\n", 1),
            ("scenario a {\n  expect {\n    p95(m) < 1s\n  }\n}\n", 0),
            ("flow f {\n  get \"/a\" {\n    json: {\n      a: 1\n    }\n  }\n}\n", 0),
            ("event e = command(\"a\", '''\nroute:\n  - b: 1\nconfig:\n  c: 2\n''')\n", 0),
            ("data a = csv(\"x\")\nsuite s {\n  area a:\n    one,\n    two\n}\n", 0),
        ] {
            let mut said = Diagnostics::default();
            let left = without_blocks(FileId(0), text, &mut said);
            assert_eq!((said.errors(), left.len()), (count, text.len()), "{text}{left}");
        }
    }
}
