//! Mistakes of the kinds that people make who know other tools and languages, made by machine in the scenarios of this project: how many
//! are located, how many of their fixes mend, and how many draw more than one error.

use crate::robust::Random;
use crate::support::compile::{compile, files, root};
use std::collections::BTreeMap;
use stressc::base::FileId;
use stressc::diag::{Diagnostic, Severity};

/// A kind of mistake, and a line with it; none where the line has no place for it.
type Mistake = (&'static str, fn(&str) -> Option<String>);

fn swapped(line: &str, from: &str, to: &str) -> Option<String> {
    line.contains(from).then(|| line.replacen(from, to, 1))
}

/// The first word of the line, rewritten.
fn first_word(line: &str, change: impl Fn(&str) -> String) -> Option<String> {
    let start = line.len() - line.trim_start().len();
    let length = line[start..].find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(line.len() - start);
    let word = &line[start..start + length];
    (length > 2 && !line[start + length..].starts_with([':', '.']))
        .then(|| format!("{}{}{}", &line[..start], change(word), &line[start + length..]))
}

/// A number with its unit, taken apart by `change`.
fn quantity(line: &str, unit: &str, change: impl Fn(&str) -> String) -> Option<String> {
    let end = line.match_indices(unit).map(|(at, _)| at).find(|at| {
        let whole = line[at + unit.len()..].chars().next().is_none_or(|c| !c.is_ascii_alphanumeric());
        whole && line[..*at].ends_with(|c: char| c.is_ascii_digit())
    })?;
    let start = line[..end].trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '_')).len();
    let plain = !line[..start].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '"' | '\'' | '/' | '%'));
    plain.then(|| format!("{}{}{}", &line[..start], change(&line[start..end]), &line[end + unit.len()..]))
}

/// Whether what stands before the first colon, or all of the line, is one word.
fn begins_with_a_key(line: &str) -> bool {
    let word = line.trim_start().split(':').next();
    word.is_some_and(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
}

/// The head of a statement whose body its line opens.
fn body(line: &str) -> Option<&str> {
    let head = line.strip_suffix(" {")?;
    let heads = ["scenario ", "flow ", "load ", "expect", "steady_state", "setup", "teardown", "group ", "choose"];
    heads.iter().any(|word| head.trim_start().starts_with(word)).then_some(head)
}

/// The text of a line, without what its quotes hold.
fn quoted(line: &str) -> Option<(usize, usize)> {
    let start = line.find('"')?;
    let end = start + 1 + line[start + 1..].find('"')?;
    (!line[start..end].contains('\\')).then_some((start, end))
}

const MISTAKES: &[Mistake] = &[
    ("typographic quotes", |line| {
        let (start, end) = quoted(line)?;
        Some(format!("{}“{}”{}", &line[..start], &line[start + 1..end], &line[end + 1..]))
    }),
    ("backticks", |line| {
        let (start, end) = quoted(line)?;
        Some(format!("{}`{}`{}", &line[..start], &line[start + 1..end], &line[end + 1..]))
    }),
    ("a quote is missing", |line| {
        let (_, end) = quoted(line)?;
        Some(format!("{}{}", &line[..end], &line[end + 1..]))
    }),
    ("no quotes", |line| {
        let (start, end) = quoted(line)?;
        let is_path = line[start + 1..end].starts_with('/') && !line[start..end].contains(['{', ' ', '?']);
        is_path.then(|| format!("{}{}{}", &line[..start], &line[start + 1..end], &line[end + 1..]))
    }),
    ("≤ for <=", |line| swapped(line, "<= ", "≤ ").or_else(|| swapped(line, " < ", " ≤ "))),
    ("→ for ->", |line| swapped(line, "->", "→")),
    ("no-break space", |line| {
        first_word(line, |word| format!("{word}\u{a0}")).filter(|mistaken| mistaken.contains("\u{a0} "))
    }),
    ("a zero-width space", |line| first_word(line, |word| format!("{word}\u{200b}"))),
    ("a Cyrillic letter", |line| {
        first_word(line, |word| word.replacen('e', "е", 1)).filter(|mistaken| mistaken != line)
    }),
    ("µs", |line| quantity(line, "us", |number| format!("{number}µs"))),
    ("a unit apart", |line| quantity(line, "ms", |number| format!("{number} ms"))),
    ("seconds", |line| quantity(line, "s", |number| format!("{number} seconds"))),
    ("sec", |line| quantity(line, "s", |number| format!("{number}sec"))),
    ("capital S", |line| quantity(line, "s", |number| format!("{number}S"))),
    ("parts of a duration apart", |line| quantity(line, "m", |number| format!("{number}m 30s"))),
    ("req/s", |line| quantity(line, "/s", |number| format!("{number} req/s"))),
    ("rps", |line| quantity(line, "/s", |number| format!("{number}rps"))),
    ("vus", |line| swapped(line, " users", " vus").filter(|_| line.contains("hold ") || line.contains("ramp "))),
    ("digits grouped by commas", |line| quantity(line, "/s", |number| format!("{number},000/s"))),
    ("a decimal comma", |line| quantity(line, "%", |number| format!("{number},5%")).filter(|_| line.contains(" < "))),
    ("no digit before the point", |line| quantity(line, "%", |_| ".5%".to_owned()).filter(|_| line.contains(" < "))),
    ("===", |line| swapped(line, " == ", " === ")),
    ("=<", |line| swapped(line, " <= ", " =< ")),
    ("is below", |line| swapped(line, " < ", " is below ")),
    ("less than", |line| swapped(line, " < ", " less than ")),
    ("=", |line| swapped(line, " == ", " = ")),
    ("AND", |line| swapped(line, " and ", " AND ")),
    ("&&", |line| swapped(line, " and ", " && ")),
    ("capitals", |line| first_word(line, str::to_uppercase)),
    ("P95", |line| swapped(line, "p95(", "P95(")),
    ("errorRate", |line| swapped(line, "error_rate(", "errorRate(")),
    ("# for //", |line| swapped(line, "// ", "# ").filter(|_| line.trim_start().starts_with("// "))),
    ("= for :", |line| swapped(line, ": ", " = ").filter(|_| begins_with_a_key(line))),
    (": is missing", |line| swapped(line, ": ", " ").filter(|_| begins_with_a_key(line))),
    ("a parenthesis is missing", |line| {
        let end = line.rfind(')').filter(|_| !line.contains('"'))?;
        Some(format!("{}{}", &line[..end], &line[end + 1..]))
    }),
    ("brackets", |line| {
        let (start, end) = (line.find('(')?, line.rfind(')')?);
        let flat = !line[start + 1..end].contains(['(', ')', '"', ',']);
        flat.then(|| format!("{}[{}]{}", &line[..start], &line[start + 1..end], &line[end + 1..]))
    }),
    ("a semicolon", |line| {
        (!line.trim().is_empty() && !line.trim_end().ends_with(['{', '}', ',', '('])).then(|| format!("{line};"))
    }),
    ("two letters swapped", |line| {
        first_word(line, |word| {
            let mut bytes = word.as_bytes().to_vec();
            bytes.swap(1, 2);
            String::from_utf8(bytes).unwrap()
        })
        .filter(|mistaken| mistaken != line)
    }),
    ("a letter missing", |line| first_word(line, |word| word[..word.len() - 1].to_owned())),
    ("let of a request", |line| {
        let request = line.trim_start().strip_prefix("get ")?;
        let (path, name) = request.split_once(" as ")?;
        let word = name.split_whitespace().next().filter(|word| *word == name.trim_end())?;
        Some(format!("    let {word} = get {path}"))
    }),
    ("avg", |line| swapped(line, "mean(", "avg(")),
    ("http_req_failed", |line| swapped(line, "error_rate(", "http_req_failed(")),
    ("http_req_duration", |line| swapped(line, "p95(", "http_req_duration(")),
    ("sleep", |line| swapped(line, "think ", "sleep ").filter(|_| line.trim_start().starts_with("think "))),
    ("thresholds", |line| {
        swapped(line, "expect {", "thresholds {").filter(|_| line.trim_start().starts_with("expect"))
    }),
    ("body", |line| swapped(line, "json: {", "body: {")),
    ("a spike by a number", |line| {
        quantity(line, "x", str::to_owned).filter(|_| line.trim_start().starts_with("spike"))
    }),
    ("a template of JavaScript", |line| {
        let (start, end) = quoted(line)?;
        let inside = &line[start + 1..end];
        inside.contains('{').then(|| format!("{}`{}`{}", &line[..start], inside.replace('{', "${"), &line[end + 1..]))
    }),
    ("no brace", |line| {
        let head = line.strip_suffix(" {")?;
        (!head.trim_start().starts_with('}')).then(|| head.to_owned())
    }),
    (": for {", |line| Some(format!("{}:", line.strip_suffix(" {").filter(|head| !head.contains("} "))?))),
    ("do", |line| Some(format!("{} do", line.strip_suffix(" {").filter(|head| !head.contains("} "))?))),
    ("= {", |line| Some(format!("{} = {{", body(line)?))),
    (": {", |line| Some(format!("{}: {{", body(line)?))),
    ("{{", |line| Some(format!("{} {{{{", body(line)?))),
    ("-- for //", |line| swapped(line, "// ", "-- ").filter(|_| line.trim_start().starts_with("// "))),
    ("a comma is missing", |line| {
        let call = line.find('(')?;
        let comma = call + line[call..].find(", ")?;
        (!line.contains('"')).then(|| format!("{}{}", &line[..comma], &line[comma + 1..]))
    }),
    ("a semicolon for a comma", |line| {
        let call = line.find('(')?;
        let comma = call + line[call..].find(", ")?;
        (!line.contains('"')).then(|| format!("{};{}", &line[..comma], &line[comma + 1..]))
    }),
    ("an argument with =", |line| {
        let call = line.find('(')?;
        let colon = call + line[call..].find(": ")?;
        let is_argument = !line.contains(['"', '{', '?']);
        is_argument.then(|| format!("{}={}", &line[..colon], &line[colon + 2..]))
    }),
    ("an argument without :", |line| {
        let call = line.find('(')?;
        let colon = call + line[call..].find(": ")?;
        let is_argument = !line.contains(['"', '{', '?']);
        is_argument.then(|| format!("{} {}", &line[..colon], &line[colon + 2..]))
    }),
    ("a parenthesis is not opened", |line| {
        let open = line.find('(').filter(|_| !line.contains('"') && line.matches('(').count() == 1)?;
        Some(format!("{}{}", &line[..open], &line[open + 1..]))
    }),
    ("a bracket for a list", |line| {
        let (open, close) = (line.find(" in [")? + 4, line.find(']')?);
        Some(format!("{}({}){}", &line[..open], &line[open + 1..close], &line[close + 1..]))
    }),
    ("no quote before", |line| {
        let (start, end) = quoted(line)?;
        let is_path = line[start + 1..end].starts_with('/') && !line[start..end].contains(['{', ' ', '?']);
        is_path.then(|| format!("{}{}", &line[..start], &line[start + 1..]))
    }),
    ("two quotes", |line| {
        let (_, end) = quoted(line)?;
        Some(format!("{}\"{}", &line[..end], &line[end..])).filter(|_| !line.contains(": \""))
    }),
    ("another quote at the end", |line| {
        let (_, end) = quoted(line)?;
        Some(format!("{}'{}", &line[..end], &line[end + 1..]))
    }),
    ("from X to Y", |line| swapped(&swapped(line, "ramp ", "ramp from ")?, "->", "to")),
    ("hold at", |line| swapped(line, "hold ", "hold at ")),
    ("no for", |line| swapped(line, " for ", " ").filter(|_| line.trim_start().starts_with("hold "))),
    ("in for over", |line| swapped(line, " over ", " in ").filter(|_| line.trim_start().starts_with("ramp "))),
    ("a name before its stage", |line| {
        let (stage, name) = line.trim_start().split_once(" as ")?;
        stage.starts_with("hold ").then(|| format!("    {name}: {stage}"))
    }),
    ("named", |line| swapped(line, " as ", " named ").filter(|_| line.trim_start().starts_with("hold "))),
    ("-> for as", |line| swapped(line, "\" as ", "\" -> ").filter(|_| line.trim_start().starts_with("get "))),
    ("GET", |line| swapped(line, "get \"", "GET \"").filter(|_| line.trim_start().starts_with("get "))),
    ("http.get", |line| {
        let request = line.trim_start().strip_prefix("get \"")?;
        let (path, behind) = request.split_once('"')?;
        Some(format!("    http.get(\"{path}\"){behind}"))
    }),
    ("await", |line| swapped(line, "get ", "await get ").filter(|_| line.trim_start().starts_with("get "))),
    ("const", |line| swapped(line, "let ", "const ").filter(|_| line.trim_start().starts_with("let "))),
    ("no let", |line| line.trim_start().strip_prefix("let ").map(|binding| format!("    {binding}"))),
    (":=", |line| swapped(line, " = ", " := ").filter(|_| line.trim_start().starts_with("let "))),
    ("function", |line| swapped(line, "flow ", "function ").filter(|_| line.trim_start().starts_with("flow "))),
    ("with", |line| swapped(line, " on ", " with ").filter(|_| line.trim_start().starts_with("flow "))),
    ("think in seconds", |line| line.trim_start().strip_prefix("think ").map(|_| "    sleep(1)".to_owned())),
    ("assert", |line| swapped(line, "expect ", "assert ").filter(|_| line.trim_start().starts_with("expect "))),
    ("a metric behind its load", |line| {
        let metric = line.trim_start().strip_prefix("p95(")?;
        let (load, behind) = metric.split_once(')')?;
        load.bytes().all(|byte| byte.is_ascii_lowercase()).then(|| format!("    {load}.p95{behind}"))
    }),
    ("a metric in words", |line| swapped(line, "error_rate(", "error rate(")),
    ("a factor before its sign", |line| {
        quantity(line, "x", |number| format!("x{number}")).filter(|_| line.trim_start().starts_with("spike"))
    }),
    ("a spike in percent", |line| {
        quantity(line, "x", |number| format!("{number}00%")).filter(|_| line.trim_start().starts_with("spike"))
    }),
    ("use with ::", |line| swapped(line, "std.", "std::").filter(|_| line.starts_with("use "))),
    ("import", |line| swapped(line, "use ", "import ").filter(|_| line.starts_with("use "))),
    ("a module without std", |line| swapped(line, "std.", "").filter(|_| line.starts_with("use std."))),
    ("a near path", |line| {
        swapped(line, "storefront.stress\"", "storefrnt.stress\"").filter(|_| line.starts_with("use "))
    }),
    ("a name in capitals", |line| {
        let (before, name) = line.split_once(" as ")?;
        let end = name.find(|c: char| !(c.is_ascii_lowercase() || c == '_')).unwrap_or(name.len());
        (before.trim_start().starts_with("get ") && end > 2)
            .then(|| format!("{before} as {}{}", name[..end].to_uppercase(), &name[end..]))
    }),
    ("a dashed function", |line| swapped(line, "error_rate(", "error-rate(")),
    ("milliseconds", |line| quantity(line, "ms", |number| format!("{number} milliseconds"))),
    ("an exponent", |line| quantity(line, "ms", |number| format!("{number}e1ms")).filter(|_| line.contains(" < "))),
    ("a letter O", |line| quantity(line, "0ms", |number| format!("{number}Oms"))),
    ("... for ..", |line| swapped(line, "..", "...")),
    ("or of values", |line| {
        let (before, list) = line.split_once(" in [")?;
        let (first, second) = list.strip_suffix(']')?.split_once(", ")?;
        (!second.contains(',')).then(|| format!("{before} == {first} or {second}"))
    }),
    ("== of a list", |line| swapped(line, " in [", " == [")),
    ("elif", |line| swapped(line, "else if ", "elif ").or_else(|| swapped(line, "} else {", "} ELSE {"))),
    ("an extra }", |line| Some(format!("{line}\n    }}")).filter(|_| line.trim_start().starts_with("hold "))),
    ("a reserved name", |line| {
        let is_step = line.trim_start().starts_with("think ");
        is_step.then(|| format!("    let from = uuid()\n    get \"/products/{{from}}\"\n{line}"))
    }),
    ("let with a type", |line| {
        let (name, value) = line.trim_start().strip_prefix("let ")?.split_once(" = ")?;
        Some(format!("    let {name}: String = {value}"))
    }),
    ("const with a semicolon", |line| {
        let binding = line.trim_start().strip_prefix("let ")?;
        Some(format!("    const {binding};"))
    }),
    ("a request of k6", |line| {
        let request = line.trim_start().strip_prefix("get \"")?;
        let (path, behind) = request.split_once('"')?;
        let name = behind.strip_prefix(" as ").filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase()))?;
        Some(format!("    const {name} = http.get(\"{path}\");"))
    }),
    ("a request of Gatling", |line| {
        let request = line.trim_start().strip_prefix("get \"")?;
        let (path, behind) = request.split_once('"')?;
        let name = behind.strip_prefix(" as ").filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase()))?;
        Some(format!("    .exec(http(\"{name}\").get(\"{path}\"))"))
    }),
    ("a check of k6", |line| {
        let status = line.trim_start().strip_prefix("expect status == ")?;
        Some(format!("      check(res, {{ \"ok\": (r) => r.status === {status} }})"))
    }),
    ("a check of Gatling", |line| {
        let status = line.trim_start().strip_prefix("expect status == ")?;
        Some(format!("      .check(status.is({status}))"))
    }),
    ("a check without expect", |line| {
        Some(format!("      {}", line.trim_start().strip_prefix("expect ")?)).filter(|line| line.contains("status"))
    }),
    ("an item of YAML", |line| {
        let is_step = ["get ", "think ", "hold ", "p95("].iter().any(|word| line.trim_start().starts_with(word));
        is_step.then(|| format!("    - {}", line.trim_start())).filter(|line| !line.ends_with('{'))
    }),
    ("a comma after a statement", |line| {
        let is_step = ["get ", "think ", "hold ", "ramp ", "let ", "p95(", "error_rate("];
        let is_step = is_step.iter().any(|word| line.trim_start().starts_with(word));
        (is_step && !line.trim_end().ends_with(['{', ',', '('])).then(|| format!("{line},"))
    }),
    ("a pause of Rust", |line| {
        line.trim_start().strip_prefix("think ").map(|_| "    std::thread::sleep(Duration::from_secs(1));".to_owned())
    }),
    ("a pause of Locust", |line| {
        line.trim_start().strip_prefix("think ").map(|_| "    wait_time = between(1, 3)".to_owned())
    }),
    ("a level of Gatling", |line| {
        let stage = line.trim_start().strip_prefix("hold ")?;
        stage.split_once("/s for ").filter(|(_, length)| !length.contains(" as "))?;
        Some("    constantUsersPerSec(5).during(3)".to_owned())
    }),
    ("a bound in words", |line| swapped(line, " < ", " must stay below ").filter(|line| line.contains("(main)"))),
    ("requests per second", |line| quantity(line, "/s", |number| format!("{number} requests per second"))),
    ("users per second", |line| quantity(line, "/s", |number| format!("{number} users per second"))),
    ("a unit in capitals", |line| quantity(line, "/s", |number| format!("{number} RPS"))),
    ("a metric in brackets", |line| {
        let (start, end) = (line.find("p95(")? + 3, line.find(')')?);
        let of = &line[start + 1..end];
        (!of.contains(['(', '.', ' '])).then(|| format!("{}[\"{of}\"]{}", &line[..start], &line[end + 1..]))
    }),
    ("a metric of a stage", |line| {
        let (metric, stage) = line.split_once(" during ")?;
        let (name, behind) = metric.trim_start().split_once('(')?;
        let (of, behind) = behind.split_once(')')?;
        (name == "p95" && !of.contains('.')).then(|| format!("    {name}({of}, {stage}){behind}"))
    }),
    ("a window in front", |line| {
        let (metric, stage) = line.split_once(" during ")?;
        stage
            .bytes()
            .all(|byte| byte.is_ascii_lowercase())
            .then(|| format!("    during {stage}: {}", metric.trim_start()))
    }),
    ("headers of curl", |line| {
        let inner = line.trim_start().strip_prefix("headers: { \"")?.strip_suffix(" }")?;
        let (name, value) = inner.split_once("\": ")?;
        (!value.contains(','))
            .then(|| format!("      -H \"{name}: {}\"", value.trim_matches('"')))
            .filter(|line| !line.contains('{'))
    }),
    ("an object of Ruby", |line| {
        let inner = line.trim_start().strip_prefix("json: {")?;
        (!inner.contains(['"', '('])).then(|| format!("      json: {{{}", inner.replace(": ", " => ")))
    }),
    ("a fault after its time", |line| {
        swapped(line, " at ", " after ").filter(|line| line.trim_start().starts_with("fault "))
    }),
    ("a fault lasting", |line| {
        swapped(line, " for ", " lasting ").filter(|line| line.trim_start().starts_with("fault "))
    }),
    ("import of JavaScript", |line| {
        let name = line.strip_prefix("use std.")?;
        name.bytes().all(|byte| byte.is_ascii_lowercase()).then(|| format!("import {{ {name} }} from \"std\";"))
    }),
    ("use of Rust", |line| {
        let name = line.strip_prefix("use std.")?;
        name.bytes().all(|byte| byte.is_ascii_lowercase()).then(|| format!("use std::{name}::*;"))
    }),
    ("a param of JavaScript", |line| {
        let (name, rest) = line.strip_prefix("param ")?.split_once(": ")?;
        let (_, value) = rest.split_once(" = ")?;
        Some(format!("const {name} = {value};"))
    }),
    ("a loop of Python", |line| {
        let loop_of = line.trim_start().strip_prefix("repeat at most ")?;
        let turns = loop_of.strip_suffix(" {").filter(|turns| turns.bytes().all(|byte| byte.is_ascii_digit()))?;
        Some(format!("    for i in range({turns}) {{"))
    }),
    ("a thought of k6", |line| {
        line.trim_start().strip_prefix("think ").map(|_| "    sleep(Math.random() * 3);".to_owned())
    }),
    ("moustaches", |line| {
        let (start, end) = quoted(line)?;
        let inside = &line[start + 1..end];
        let doubled = inside.replace('{', "{{").replace('}', "}}");
        inside.contains('{').then(|| format!("{}\"{doubled}\"{}", &line[..start], &line[end + 1..]))
    }),
];

#[derive(Default)]
struct Tally {
    made: usize,
    located: usize,
    mended: usize,
    useless: usize,
    cascades: usize,
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.made += other.made;
        self.located += other.located;
        self.mended += other.mended;
        self.useless += other.useless;
        self.cascades += other.cascades;
    }

    fn row(&self, kind: &str) -> String {
        let of = |count: usize| 100.0 * count as f64 / self.made.max(1) as f64;
        format!(
            "{kind:<28}{:>6}{:>9.1}%{:>9.1}%{:>9.1}%{:>9.1}%",
            self.made,
            of(self.located),
            of(self.mended),
            of(self.useless),
            of(self.cascades)
        )
    }
}

fn errors(name: &str, text: &str) -> (stressc::base::Sources, Vec<Diagnostic>) {
    let (sources, all) = compile(name, text);
    (sources, all.into_iter().filter(|d| d.severity() == Severity::Error || d.code.as_str() == "W0813").collect())
}

/// What became of one mistake, in a text that has none but it.
fn judged(name: &str, lines: &[&str], at: usize, mistaken: &str) -> Option<(Tally, String)> {
    let mut wrong = lines.to_vec();
    wrong[at] = mistaken;
    let text = wrong.join("\n");
    let (sources, found) = errors(name, &text);
    let mut tally = Tally { made: 1, ..Tally::default() };
    // What still says something is no mistake to a compiler.
    let first = found.first()?;
    let here = |d: &&Diagnostic| {
        let span = d.span();
        span.file == FileId(0) && sources.get(span.file).position(span.start as usize).0.abs_diff(at + 1) <= 1
    };
    tally.located = usize::from(found.iter().any(|d| here(&d)));
    tally.cascades = usize::from(found.len() > 1);
    for fix in found.iter().filter(here).filter_map(|d| d.fix.as_ref()) {
        let Some(mended) = fix.applied(&text).filter(|_| fix.file() == FileId(0)) else { continue };
        match errors(name, &mended).1.len() {
            0 => tally.mended = 1,
            left if left >= found.len() => tally.useless = 1,
            _ => {}
        }
    }
    let told =
        format!("{} | {} | {:?} | {:?}", mistaken.trim(), first.message, first.help, found.get(1).map(|d| &d.message));
    Some((tally, told))
}

#[test]
fn mistakes_of_people_who_know_other_tools_are_located_and_mended() {
    const PLACES: usize = 14;
    const THREADS: usize = 4;
    const SEED: u64 = 5;
    const LONGEST: usize = 2_500;
    let all: Vec<(String, String)> = files(&root().join("scenarios"), "stress")
        .into_iter()
        .filter(|path| !path.ends_with("readiness.stress"))
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
        // Each of hundreds of mistakes is checked with all that its file uses.
        .filter(|(_, text)| text.len() < LONGEST)
        .filter(|(name, text)| errors(name, text).1.is_empty())
        .collect();
    assert!(all.len() > 8, "{} scenarios have no mistake", all.len());
    let mut random = Random(SEED);
    let (mut table, mut whole) = (BTreeMap::new(), Tally::default());
    let tell = std::env::var("STRESSC_TEST_MISTAKES").ok();
    let mut mutants: Vec<(&'static str, &String, &String, usize, String)> = Vec::new();
    for (kind, change) in MISTAKES {
        let places = all.iter().flat_map(|(name, text)| {
            let is_code = |line: &str| !line.trim_start().starts_with("//") || kind.contains(" for //");
            let found = text.lines().enumerate().filter(move |(_, line)| is_code(line));
            found.filter_map(move |(at, line)| Some((*kind, name, text, at, change(line)?)))
        });
        let mut places: Vec<_> = places.collect();
        for _ in 0..PLACES.min(places.len()) {
            mutants.push(places.swap_remove(random.below(places.len())));
        }
    }
    let judged: Vec<_> = std::thread::scope(|scope| {
        let share = mutants.len().div_ceil(THREADS);
        let threads = mutants.chunks(share).map(|mutants| {
            scope.spawn(move || {
                let one = |(kind, name, text, at, mistaken): &(&'static str, &String, &String, usize, String)| {
                    let lines: Vec<&str> = text.lines().collect();
                    Some((*kind, judged(name, &lines, *at, mistaken)?))
                };
                mutants.iter().filter_map(one).collect::<Vec<_>>()
            })
        });
        let threads: Vec<_> = threads.collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    for (kind, (one, told)) in judged {
        let is_told = |wanted: &String| wanted == kind || wanted == "all" && (one.mended == 0 || one.cascades > 0);
        if tell.as_ref().is_some_and(is_told) {
            eprintln!("{kind}: {told} mended {} useless {} cascade {}", one.mended, one.useless, one.cascades);
        }
        let tally: &mut Tally = table.entry(kind).or_default();
        tally.add(&one);
        whole.add(&one);
    }
    let rows: Vec<String> = table.iter().map(|(kind, tally)| tally.row(kind)).collect();
    let table = format!(
        "{:<28}{:>6}{:>10}{:>10}{:>10}{:>10}\n{}\n{}",
        "",
        "made",
        "located",
        "mended",
        "useless",
        "cascades",
        rows.join("\n"),
        whole.row("all")
    );
    eprintln!("{table}");
    let share = |count: usize| count as f64 / whole.made as f64;
    assert!(whole.made >= 1_000, "{table}");
    assert!(share(whole.located) >= 0.99 && share(whole.mended) >= 0.95, "{table}");
    assert!(share(whole.useless) <= 0.005 && share(whole.cascades) <= 0.015, "{table}");
}
