//! Literals: numbers with units, texts with interpolations, and the units that people write instead.

use super::Lower;
use crate::base::Span;
use crate::base::units::{self, Rate};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::*;
use crate::syntax::grammar::{Node, Rule};

/// What people write, and what it is here.
const FOREIGN_UNITS: &[(&str, &str)] = &[
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("msec", "ms"),
    ("millis", "ms"),
    ("min", "m"),
    ("mins", "m"),
    ("minute", "m"),
    ("minutes", "m"),
    ("hr", "h"),
    ("hour", "h"),
    ("hours", "h"),
    ("day", "d"),
    ("days", "d"),
    ("rps", "/s"),
    ("qps", "/s"),
    ("req/s", "/s"),
    ("/m", "/min"),
    ("/sec", "/s"),
    ("/second", "/s"),
    ("/hour", "/h"),
    ("vus", " users"),
    ("users", " users"),
    ("KB", "kB"),
    ("K", "KiB"),
    ("M", "MiB"),
    ("G", "GiB"),
    ("kb", "kB"),
    ("mb", "MB"),
    ("gb", "GB"),
    ("ns", "us"),
    ("pct", "%"),
    ("X", "x"),
];

impl Lower<'_> {
    pub(super) fn literal(&mut self, node: Node<'_>) -> ExprKind {
        let inner = node.into_inner().next().expect("a literal holds something");
        let span = self.span(&inner);
        match inner.as_rule() {
            Rule::text => ExprKind::Text(self.text(inner)),
            Rule::raw => {
                let text = inner.as_str();
                ExprKind::Text(vec![TextPart::Literal(text[1..text.len() - 1].to_owned())])
            }
            Rule::boolean => ExprKind::Bool(inner.as_str() == "true"),
            Rule::null => ExprKind::Null,
            Rule::users => {
                let (count, _) = figure(inner.as_str());
                if count.fract() != 0.0 {
                    let problem = Diagnostic::new(Code::E0310, "users come whole", span, "not a whole number");
                    self.diagnostics.push(problem.help("write a whole number of users"));
                    return ExprKind::Wrong;
                }
                ExprKind::Users(count as u64)
            }
            Rule::quantity => self.quantity(inner, span),
            _ => ExprKind::Number(figure(inner.as_str()).0),
        }
    }

    fn quantity(&mut self, node: Node<'_>, span: Span) -> ExprKind {
        let inner = node.into_inner().next().expect("a quantity has a form");
        let text = inner.as_str();
        let (value, unit) = figure(text);
        match inner.as_rule() {
            Rule::duration => self.duration(text, span),
            Rule::rate => match Rate::new(value, per(&unit[1..])) {
                Some(rate) => ExprKind::Rate(rate),
                None => {
                    self.diagnostics.push(Diagnostic::new(
                        Code::E0310,
                        "this rate is beyond any machine",
                        span,
                        "too large",
                    ));
                    ExprKind::Wrong
                }
            },
            Rule::bytes => ExprKind::Bytes((value * bytes_unit(unit) as f64) as u64),
            Rule::bandwidth => {
                let (size, time) = unit.split_once('/').expect("a bandwidth has a `/`");
                ExprKind::Bandwidth(value * bytes_unit(size) as f64 * units::SECOND as f64 / per(time) as f64)
            }
            Rule::bits => {
                let scale = match unit {
                    "kbps" => 1e3,
                    "Mbps" => 1e6,
                    "Gbps" => 1e9,
                    _ => 1.0,
                };
                ExprKind::Bandwidth(value * scale / 8.0)
            }
            Rule::points => ExprKind::Points(value / 100.0),
            Rule::percent => ExprKind::Percent(value / 100.0),
            Rule::factor => ExprKind::Factor(value),
            Rule::wrong_unit_apart => {
                let unit = unit.trim();
                let right = foreign(unit).unwrap_or(unit);
                let number = text[..text.len() - unit.len()].trim();
                let problem = Diagnostic::new(Code::E0102, "a unit touches its number", span, "written apart");
                self.diagnostics.push(problem.fix(
                    span,
                    format!("{number}{right}"),
                    format!("write `{number}{right}`"),
                ));
                ExprKind::Wrong
            }
            _ => {
                self.unknown_unit(text, unit, span);
                ExprKind::Wrong
            }
        }
    }

    fn unknown_unit(&mut self, text: &str, unit: &str, span: Span) {
        let number = &text[..text.len() - unit.len()];
        let problem = Diagnostic::new(Code::E0102, format!("`{unit}` is not a unit"), span, "no such unit");
        let right = match (foreign(unit), written_out(text)) {
            (Some(right), _) => Some(format!("{number}{right}")),
            (None, written_out) => written_out,
        };
        let problem = match right {
            Some(right) => problem.fix(span, &right, format!("write `{right}`")),
            None => problem.help("there is `us ms s m h d`, `/s /min /h /d`, `%`, `pp`, `x`, `B kB MB GB TB KiB MiB GiB TiB`, `bps kbps Mbps Gbps` and ` users`"),
        };
        self.diagnostics.push(problem);
    }

    fn duration(&mut self, text: &str, span: Span) -> ExprKind {
        let mut rest = text;
        let mut total = 0f64;
        let mut last = u64::MAX;
        while !rest.is_empty() {
            let (value, tail) = figure(rest);
            let length = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
            let unit = &tail[..length];
            let size = units::DURATIONS.iter().find(|(name, _)| *name == unit).map_or(0, |(_, size)| *size);
            if size >= last {
                let problem = Diagnostic::new(
                    Code::E0102,
                    "the parts of a duration go from large to small",
                    span,
                    format!("`{unit}` stands too late"),
                );
                self.diagnostics.push(problem.help("write it like `1h30m`, each unit once"));
                return ExprKind::Wrong;
            }
            last = size;
            total += value * size as f64;
            rest = &tail[length..];
        }
        match total < (100 * units::DAY) as f64 {
            true => ExprKind::Duration(total.round() as u64),
            false => {
                self.diagnostics.push(Diagnostic::new(
                    Code::E0310,
                    "this is longer than any run",
                    span,
                    "more than 100 days",
                ));
                ExprKind::Wrong
            }
        }
    }

    fn text(&mut self, node: Node<'_>) -> Vec<TextPart> {
        let mut parts: Vec<TextPart> = Vec::new();
        let mut literal = String::new();
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::chunk => literal.push_str(part.as_str()),
                Rule::escape => literal.push(self.escape(&part)),
                Rule::interpolation => {
                    if !literal.is_empty() {
                        parts.push(TextPart::Literal(std::mem::take(&mut literal)));
                    }
                    let path = self.path(part);
                    parts.push(TextPart::Path(path));
                }
                Rule::wrong_brace => {
                    let span = self.span(&part);
                    let problem =
                        Diagnostic::new(Code::E0108, "`{` in a text starts an interpolation", span, "no path follows");
                    self.diagnostics.push(problem.fix(
                        span,
                        "\\{",
                        "write `\\{`, or `'…'` for a text without interpolations",
                    ));
                }
                _ => {
                    let span = self.span(&part);
                    let problem = Diagnostic::new(
                        Code::E0117,
                        format!("`{}` is not an escape", part.as_str()),
                        span,
                        "no such escape",
                    );
                    self.diagnostics.push(
                        problem.help(
                            "there is `\\\" \\\\ \\n \\t \\r \\{ \\} \\u{…}`; in `'…'` a backslash is a backslash",
                        ),
                    );
                }
            }
        }
        if !literal.is_empty() || parts.is_empty() {
            parts.push(TextPart::Literal(literal));
        }
        parts
    }

    fn escape(&mut self, node: &Node<'_>) -> char {
        let text = node.as_str();
        match &text[1..2] {
            "n" => '\n',
            "t" => '\t',
            "r" => '\r',
            "u" => {
                let digits = text.trim_start_matches("\\u{").trim_end_matches('}');
                u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).unwrap_or_else(|| {
                    let span = self.span(node);
                    let problem = Diagnostic::new(Code::E0117, "no character has this number", span, "not a character");
                    self.diagnostics.push(problem.help("write a Unicode scalar value, like `\\u{e9}`"));
                    char::REPLACEMENT_CHARACTER
                })
            }
            other => other.chars().next().expect("an escape has a character"),
        }
    }
}

/// The number at the start of a text, and what follows it.
fn figure(text: &str) -> (f64, &str) {
    let bytes = text.as_bytes();
    let mut end = bytes.iter().position(|b| !b.is_ascii_digit() && *b != b'_').unwrap_or(bytes.len());
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        let fraction = bytes[end + 1..].iter().position(|b| !b.is_ascii_digit());
        end = fraction.map_or(bytes.len(), |n| end + 1 + n);
    }
    let value = text[..end].replace('_', "").parse().unwrap_or(f64::MAX);
    (value, &text[end..])
}

/// `1e5/s` without its exponent, which numbers do not have here.
fn written_out(text: &str) -> Option<String> {
    let end = text.find(['/', '%', 'x']).unwrap_or(text.len());
    let digits = text[..end].contains(['e', 'E']).then(|| text[..end].replace('_', ""))?;
    let value: f64 = digits.parse().ok().filter(|value| *value < 1e15)?;
    Some(format!("{value}{}", &text[end..]))
}

fn foreign(unit: &str) -> Option<&'static str> {
    FOREIGN_UNITS.iter().find(|(theirs, _)| *theirs == unit).map(|(_, ours)| *ours)
}

fn per(unit: &str) -> u64 {
    units::RATES.iter().find(|(name, _)| *name == unit).map_or(units::SECOND, |(_, length)| *length)
}

fn bytes_unit(unit: &str) -> u64 {
    units::BYTES.iter().find(|(name, _)| *name == unit).map_or(1, |(_, size)| *size)
}
