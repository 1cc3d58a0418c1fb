//! Expressions of Prometheus: which series they read, how far they look back, and whether they depend on any series at all.

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::token::{T_EQLC, T_GTE, T_GTR, T_LAND, T_LOR, T_LSS, T_LTE, T_NEQ, T_SUM, TokenId};
use promql_parser::parser::{self, BinaryExpr, Call, Expr, Offset, VectorSelector};
use regex_automata::util::syntax;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Formatter};

/// The most words and signs in an expression. The trees of longer ones are too deep to be walked.
const LONGEST: usize = 2_000;

/// What is known of an expression without its series.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// In the order in which they are written.
    pub selectors: Vec<Selector>,
    /// By selector: how long before an evaluation the oldest sample may be that counts in it, in nanoseconds. These are ranges, with
    /// subqueries and offsets.
    pub looks_back: Vec<u64>,
    /// What comes of it, where it is the same whatever the series are.
    pub always: Option<Constancy>,
    /// The functions and aggregations that it uses.
    pub functions: Vec<String>,
}

/// What comes of an expression that depends on no series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constancy {
    /// Something, always: `vector(1)`.
    Something,
    /// Nothing, ever: `vector(0) > 1`.
    Nothing,
}

/// The series that a part of an expression reads.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Selector {
    /// None where only labels select.
    pub metric: Option<String>,
    pub labels: Vec<LabelMatch>,
    /// It stands in `absent(…)` or `absent_over_time(…)`: that it has no series is what the rule looks for.
    pub absent: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct LabelMatch {
    pub label: String,
    pub operator: MatchOperator,
    pub value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchOperator {
    Equal,
    NotEqual,
    Matches,
    NotMatches,
}

impl MatchOperator {
    pub fn symbol(self) -> &'static str {
        match self {
            MatchOperator::Equal => "=",
            MatchOperator::NotEqual => "!=",
            MatchOperator::Matches => "=~",
            MatchOperator::NotMatches => "!~",
        }
    }
}

/// As Prometheus writes it. A name that is no word stands as a label, which all versions read.
impl Display for Selector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let word = self.metric.as_deref().filter(|name| is_word(name));
        let other = self.metric.as_deref().filter(|name| !is_word(name));
        let other = other.map(|name| format!("__name__={}", quoted(name)));
        let labels: Vec<String> = other.into_iter().chain(self.labels.iter().map(ToString::to_string)).collect();
        f.write_str(word.unwrap_or_default())?;
        if labels.is_empty() && word.is_some() {
            return Ok(());
        }
        write!(f, "{{{}}}", labels.join(", "))
    }
}

fn is_word(name: &str) -> bool {
    let is_part = |own: char| own.is_ascii_alphanumeric() || matches!(own, '_' | ':');
    !name.is_empty() && name.chars().all(is_part) && !name.starts_with(|own: char| own.is_ascii_digit())
}

impl Display for LabelMatch {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let label = if is_word(&self.label) { self.label.clone() } else { quoted(&self.label) };
        write!(f, "{label}{}{}", self.operator.symbol(), quoted(&self.value))
    }
}

/// A text as PromQL has it between quotes.
pub fn quoted(text: &str) -> String {
    let mut out = "\"".to_owned();
    for own in text.chars() {
        match own {
            '"' | '\\' => out.extend(['\\', own]),
            '\n' => out.push_str("\\n"),
            own if own.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(own))),
            own => out.push(own),
        }
    }
    out.push('"');
    out
}

/// The series that an expression reads, each once; none of one that does not parse.
pub fn metrics_of(text: &str) -> Vec<Selector> {
    let mut found: Vec<Selector> = Vec::new();
    for selector in query(text).map(|query| query.selectors).unwrap_or_default() {
        if !found.contains(&selector) {
            found.push(selector);
        }
    }
    found
}

/// Reads an expression; `Err` is why it is none.
pub fn query(text: &str) -> Result<Query, String> {
    let scanned = Scanned::of(text)?;
    let expr = parser::parse(&scanned.text).map_err(|why| scanned.told(&why))?;
    let mut query = Query { always: constancy(&expr), ..Query::default() };
    let mut walk = Walk { query: &mut query, patterns: &scanned.patterns };
    walk.expr(&expr, 0, false);
    Ok(query)
}

/// The one selector that an expression adds up and does nothing else with: a selector, or a `sum` of one.
pub fn summed(text: &str) -> Option<Selector> {
    let scanned = Scanned::of(text).ok()?;
    let mut expr = &parser::parse(&scanned.text).ok()?;
    loop {
        match expr {
            Expr::Paren(own) => expr = &own.expr,
            Expr::Aggregate(own) if own.op.id() == T_SUM => expr = &own.expr,
            Expr::VectorSelector(own) => {
                let is_plain = own.offset.is_none() && own.at.is_none() && own.matchers.or_matchers.is_empty();
                return is_plain.then(|| selector(own, &scanned.patterns, false));
            }
            Expr::Aggregate(_)
            | Expr::Unary(_)
            | Expr::Binary(_)
            | Expr::Subquery(_)
            | Expr::NumberLiteral(_)
            | Expr::StringLiteral(_)
            | Expr::MatrixSelector(_)
            | Expr::Call(_)
            | Expr::Extension(_) => return None,
        }
    }
}

/// A text without what is costly to parse: in place of the pattern of each `=~` stands its number.
struct Scanned {
    text: String,
    patterns: Vec<String>,
}

impl Scanned {
    fn of(text: &str) -> Result<Scanned, String> {
        if text.trim().is_empty() {
            return Err("it is empty".to_owned());
        }
        let (mut out, mut patterns, mut tokens, mut in_word) = (String::new(), Vec::new(), 0, false);
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let length = match first {
                '"' | '\'' | '`' => {
                    let length = string(rest).ok_or("a text in it has no end")?;
                    let matches = out.trim_end().ends_with("=~") || out.trim_end().ends_with("!~");
                    if matches {
                        let pattern = unescaped(&rest[..length]);
                        is_pattern(&pattern)?;
                        out.push_str(&format!("\"{}\"", patterns.len()));
                        patterns.push(pattern);
                    } else {
                        out.push_str(&rest[..length]);
                    }
                    length
                }
                // A comment.
                '#' => rest.find('\n').unwrap_or(rest.len()),
                other => {
                    out.push(other);
                    other.len_utf8()
                }
            };
            let is_word = first.is_alphanumeric() || matches!(first, '_' | ':' | '.');
            let goes_on = first.is_whitespace() || (is_word && in_word);
            tokens += usize::from(!goes_on);
            if tokens > LONGEST {
                return Err(format!("it has more than {LONGEST} words and signs"));
            }
            in_word = is_word;
            rest = &rest[length..];
        }
        Ok(Scanned { text: out, patterns })
    }

    /// What the parser says of it, for a person.
    fn told(&self, why: &str) -> String {
        let count = |sign: char| self.text.matches(sign).count();
        for (opens, closes) in [('(', ')'), ('{', '}'), ('[', ']')] {
            match count(opens).cmp(&count(closes)) {
                std::cmp::Ordering::Greater => return format!("a `{opens}` in it is not closed"),
                std::cmp::Ordering::Less => return format!("a `{closes}` in it closes nothing"),
                std::cmp::Ordering::Equal => {}
            }
        }
        match why {
            "invalid promql query" => "its parts do not fit together".to_owned(),
            why => {
                let line = why.lines().next().unwrap_or_default();
                // As Prometheus itself calls them.
                let called = |text: &str, own: &str, name: &str| {
                    text.replace(&format!("type {own}"), &format!("type {name}"))
                        .replace(&format!("got {own}"), &format!("got {name}"))
                };
                let line = called(&called(line, "vector", "instant vector"), "matrix", "range vector");
                line.chars().take(200).collect()
            }
        }
    }
}

/// How long the text is that a string begins with, in bytes.
fn string(text: &str) -> Option<usize> {
    let quote = text.chars().next()?;
    let mut escaped = false;
    for (at, own) in text.char_indices().skip(1) {
        match own {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            own if own == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// What stands in a string.
fn unescaped(text: &str) -> String {
    let inner = &text[1..text.len() - 1];
    if text.starts_with('`') {
        return inner.to_owned();
    }
    let mut out = String::new();
    let mut signs = inner.chars();
    while let Some(own) = signs.next() {
        match (own, if own == '\\' { signs.next() } else { None }) {
            (_, Some(quoted @ ('\\' | '"' | '\''))) => out.push(quoted),
            (_, Some('n')) => out.push('\n'),
            (_, Some('t')) => out.push('\t'),
            (_, Some(other)) => out.extend(['\\', other]),
            (own, None) => out.push(own),
        }
    }
    out
}

/// Prometheus takes a brace that counts nothing as itself.
fn is_pattern(text: &str) -> Result<(), String> {
    let is = |text: &str| syntax::parse(text).is_ok();
    let braces = || text.replace('{', "\\{").replace('}', "\\}");
    match is(text) || is(&braces()) {
        true => Ok(()),
        false => Err(format!("`{}` is no regular expression", text.chars().take(60).collect::<String>())),
    }
}

struct Walk<'q> {
    query: &'q mut Query,
    patterns: &'q [String],
}

impl Walk<'_> {
    /// `back` is how far what stands around it looks back.
    fn expr(&mut self, expr: &Expr, back: u64, absent: bool) {
        match expr {
            Expr::Aggregate(own) => {
                self.called(&own.op.to_string());
                if let Some(parameter) = &own.param {
                    self.expr(parameter, back, absent);
                }
                self.expr(&own.expr, back, absent);
            }
            Expr::Unary(own) => self.expr(&own.expr, back, absent),
            Expr::Binary(own) => {
                self.expr(&own.lhs, back, absent);
                self.expr(&own.rhs, back, absent);
            }
            Expr::Paren(own) => self.expr(&own.expr, back, absent),
            Expr::Subquery(own) => {
                let back = later(back, own.range.as_nanos(), own.offset.as_ref());
                self.expr(&own.expr, back, absent);
            }
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
            Expr::VectorSelector(own) => self.selector(own, later(back, 0, own.offset.as_ref()), absent),
            Expr::MatrixSelector(own) => {
                self.selector(&own.vs, later(back, own.range.as_nanos(), own.vs.offset.as_ref()), absent);
            }
            Expr::Call(call) => {
                self.called(call.func.name);
                let absent = absent || matches!(call.func.name, "absent" | "absent_over_time");
                for argument in &call.args.args {
                    self.expr(argument, back, absent);
                }
            }
        }
    }

    fn called(&mut self, function: &str) {
        if !self.query.functions.iter().any(|known| known == function) {
            self.query.functions.push(function.to_owned());
        }
    }

    fn selector(&mut self, own: &VectorSelector, back: u64, absent: bool) {
        self.query.selectors.push(selector(own, self.patterns, absent));
        self.query.looks_back.push(back);
    }
}

fn selector(own: &VectorSelector, patterns: &[String], absent: bool) -> Selector {
    let (mut metric, mut labels) = (own.name.clone(), Vec::new());
    let others = own.matchers.or_matchers.iter().flatten();
    for matcher in own.matchers.matchers.iter().chain(others) {
        let label = label(matcher, patterns);
        match (label.label.as_str(), label.operator) {
            ("__name__", MatchOperator::Equal) if metric.is_none() => metric = Some(label.value),
            _ => labels.push(label),
        }
    }
    Selector { metric, labels, absent }
}

fn label(matcher: &Matcher, patterns: &[String]) -> LabelMatch {
    let pattern = || matcher.value.parse::<usize>().ok().and_then(|number| patterns.get(number)).cloned();
    let (operator, value) = match &matcher.op {
        MatchOp::Equal => (MatchOperator::Equal, None),
        MatchOp::NotEqual => (MatchOperator::NotEqual, None),
        MatchOp::Re(_) => (MatchOperator::Matches, pattern()),
        MatchOp::NotRe(_) => (MatchOperator::NotMatches, pattern()),
    };
    LabelMatch { label: matcher.name.clone(), operator, value: value.unwrap_or_else(|| matcher.value.clone()) }
}

fn later(back: u64, range: u128, offset: Option<&Offset>) -> u64 {
    let offset = match offset {
        Some(Offset::Pos(by)) => by.as_nanos(),
        Some(Offset::Neg(_)) | None => 0,
    };
    u64::try_from(range.saturating_add(offset)).unwrap_or(u64::MAX).saturating_add(back)
}

/// A value that no series changes: a number, or a vector with one element or none.
#[derive(Clone, Copy)]
enum Fixed {
    Number(f64),
    Element(f64),
    Empty,
}

fn constancy(expr: &Expr) -> Option<Constancy> {
    Some(match fixed(expr)? {
        Fixed::Number(_) | Fixed::Element(_) => Constancy::Something,
        Fixed::Empty => Constancy::Nothing,
    })
}

fn fixed(expr: &Expr) -> Option<Fixed> {
    match expr {
        Expr::NumberLiteral(own) => Some(Fixed::Number(own.val)),
        Expr::Paren(own) => fixed(&own.expr),
        Expr::Unary(own) => Some(match fixed(&own.expr)? {
            Fixed::Number(value) => Fixed::Number(-value),
            Fixed::Element(value) => Fixed::Element(-value),
            Fixed::Empty => Fixed::Empty,
        }),
        Expr::Call(Call { func, args }) if func.name == "vector" => match fixed(args.args.first()?)? {
            Fixed::Number(value) => Some(Fixed::Element(value)),
            Fixed::Element(_) | Fixed::Empty => None,
        },
        Expr::Binary(own) => operated(own),
        Expr::Aggregate(_)
        | Expr::Call(_)
        | Expr::Subquery(_)
        | Expr::StringLiteral(_)
        | Expr::VectorSelector(_)
        | Expr::MatrixSelector(_)
        | Expr::Extension(_) => None,
    }
}

fn operated(own: &BinaryExpr) -> Option<Fixed> {
    let (left, right) = (fixed(&own.lhs), fixed(&own.rhs));
    match own.op.id() {
        T_LOR => match (left, right) {
            (Some(Fixed::Empty), right) => right,
            (left, Some(Fixed::Empty)) => left,
            // Whatever the other side has: some element is there.
            (Some(some), _) | (_, Some(some)) => Some(some),
            (None, None) => None,
        },
        T_LAND => match (left, right) {
            (Some(Fixed::Empty), _) | (_, Some(Fixed::Empty)) => Some(Fixed::Empty),
            (left, right) => right.and(left),
        },
        operator @ (T_EQLC | T_NEQ | T_LSS | T_LTE | T_GTR | T_GTE) => {
            compared(operator, left?, right?, own.return_bool())
        }
        _ => None,
    }
}

fn compared(operator: TokenId, left: Fixed, right: Fixed, as_number: bool) -> Option<Fixed> {
    let (a, b) = match (left, right) {
        (Fixed::Empty, _) | (_, Fixed::Empty) => return Some(Fixed::Empty),
        (Fixed::Number(a) | Fixed::Element(a), Fixed::Number(b) | Fixed::Element(b)) => (a, b),
    };
    let holds = match operator {
        T_EQLC => a == b,
        T_NEQ => a != b,
        T_LSS => a < b,
        T_LTE => a <= b,
        T_GTR => a > b,
        T_GTE => a >= b,
        _ => return None,
    };
    Some(match (left, right) {
        _ if as_number => Fixed::Number(f64::from(u8::from(holds))),
        (Fixed::Number(_), Fixed::Number(_)) => Fixed::Number(f64::from(u8::from(holds))),
        _ if holds => Fixed::Element(a),
        _ => Fixed::Empty,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::{MINUTE, SECOND};

    fn read(text: &str) -> Vec<String> {
        metrics_of(text).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_series_of_an_expression_are_those_that_it_selects() {
        let ratio = "sum(rate(http_requests_total{status=~\"5..\"}[10s])) / sum(rate(http_requests_total[10s])) > 0.05";
        assert_eq!(read(ratio), ["http_requests_total{status=~\"5..\"}", "http_requests_total"]);
        assert_eq!(read("up == 0 or up{job='a'} == 0 and up"), ["up", "up{job=\"a\"}"]);
        assert_eq!(read("{__name__=\"a.b\", x!=\"1\"} > 1"), ["{__name__=\"a.b\", x!=\"1\"}"]);
        assert_eq!(read("{\"a.b\"} > 1"), ["{__name__=\"a.b\"}"]);
        assert_eq!(read("{__name__=~\"go_.*\"}"), ["{__name__=~\"go_.*\"}"]);
        assert_eq!(read("# up\nvector(1)"), [""; 0]);
        assert_eq!(read("a{b=\"# no comment\"}"), ["a{b=\"# no comment\"}"]);
        assert_eq!(read("sum((("), [""; 0]);
        let absent: Vec<bool> =
            metrics_of("absent(a) or b unless absent_over_time(c[5m])").iter().map(|own| own.absent).collect();
        assert_eq!(absent, [true, false, true]);
        assert_eq!(
            query("histogram_quantile(0.9, sum by (le) (rate(x[1m])))").unwrap().functions,
            ["histogram_quantile", "sum", "rate"]
        );
    }

    #[test]
    fn it_looks_back_over_the_longest_range() {
        let back = |text: &str| query(text).unwrap().looks_back.into_iter().max().unwrap_or(0);
        assert_eq!(back("up == 0"), 0);
        assert_eq!(back("rate(a[30s]) > rate(b[5m])"), 5 * MINUTE);
        assert_eq!(back("rate(a[30s] offset 1m)"), 90 * SECOND);
        assert_eq!(back("max_over_time(rate(a[1m])[10m:30s])"), 11 * MINUTE);
        assert_eq!(back("a offset -1m"), 0);
        // More than fits is the most that there is.
        assert!(query("a[999999999999y]").map_or(true, |own| own.looks_back[0] > MINUTE));
    }

    #[test]
    fn what_depends_on_no_series_is_known() {
        let always = |text: &str| query(text).unwrap().always;
        for text in ["vector(1)", "1", "vector(0)", "up or vector(1)", "vector(2) > 1", "(vector(1))", "1 > bool 2"] {
            assert_eq!(always(text), Some(Constancy::Something), "{text}");
        }
        for text in ["vector(0) > 1", "up and vector(0) > 1", "vector(1) == 2"] {
            assert_eq!(always(text), Some(Constancy::Nothing), "{text}");
        }
        for text in ["up", "vector(1) unless up", "vector(1) and up", "absent(up)", "vector(time())", "up > 1"] {
            assert_eq!(always(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_none_is_told_in_words() {
        let why = |text: &str| query(text).unwrap_err();
        assert_eq!(why("sum(rate(x[5m])"), "a `(` in it is not closed");
        assert_eq!(why("up == 0)"), "a `)` in it closes nothing");
        assert_eq!(why("up{a=\"b} == 0"), "a text in it has no end");
        assert_eq!(why("up{a=~\"(\"} == 0"), "`(` is no regular expression");
        assert_eq!(why("  "), "it is empty");
        assert_eq!(why("up ==== 0"), "its parts do not fit together");
        assert!(why("rat(x[5m])").contains("rat"), "{}", why("rat(x[5m])"));
        assert!(why("rate(x)").contains("range"), "{}", why("rate(x)"));
        // Prometheus takes these.
        assert!(query("up{a=~\"x{y}z\"}").is_ok());
        assert!(query("up{a=~`\\d{3}`} > 0").is_ok());
    }

    #[test]
    fn a_long_or_hostile_text_is_read_or_refused_soon() {
        for text in [
            "(".repeat(100_000),
            "-".repeat(100_000) + "1",
            vec!["1"; 990].join("+"),
            vec!["a"; 990].join(" or "),
            vec!["a"; 100_000].join(" or "),
            "(".repeat(900) + "up" + &")".repeat(900),
            "-".repeat(1_900) + "1",
            "abs(".repeat(600) + "up" + &")".repeat(600),
            format!("up{{a=~\"{}\"}}", "(\\\\w{1000}){1000}".repeat(1_000)),
            "a[".repeat(1_000),
            "\"".repeat(1_001),
            "a{b=~\"\\".to_owned(),
            "é\u{0}€".repeat(300),
        ] {
            let _ = query(&text);
        }
        // Pieces in any order are read or refused.
        let pieces = [
            "up",
            "(",
            ")",
            "{",
            "}",
            "[",
            "]",
            "5m",
            ":",
            "=~",
            "\"x\"",
            "'",
            "sum",
            " by ",
            "1e999",
            "@",
            "offset",
            "-",
            ">",
            " bool ",
            "or",
            ",",
            "0x",
            "histogram_quantile",
            "$",
            "é",
            "\\",
            "start()",
            "9y",
            "fill",
        ];
        let mut state = 7u64;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..12 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
            }
            let _ = query(&text);
        }
    }
}
