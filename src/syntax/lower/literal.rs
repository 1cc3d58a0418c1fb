//! Literals: numbers with units, texts with interpolations, and the units that people write instead.

use super::Lower;
use crate::base::Span;
use crate::base::units::{self, Rate};
use crate::diag::{Applicability, Code, Diagnostic};
use crate::syntax::ast::*;
use crate::syntax::grammar::{Node, Rule};
use crate::syntax::needs;
use crate::syntax::units as written;

impl Lower<'_> {
    /// A unit after a list, on each of its numbers.
    pub(super) fn with_unit(&mut self, item: &Expr, unit: &str, span: Span) -> Expr {
        let ExprKind::Number(value) = item.kind else {
            let problem = Diagnostic::new(
                Code::E0102,
                "a unit after a list needs plain numbers in it",
                item.span,
                "not a number",
            );
            self.diagnostics.push(problem.label(span, "this unit").help("write each with its unit, or all without"));
            return Expr { kind: ExprKind::Wrong, span: item.span };
        };
        let kind = match unit {
            "users" | "user" => ExprKind::Users(value as u64),
            "%" => ExprKind::Percent(value / 100.0),
            "pp" => ExprKind::Points(value / 100.0),
            "x" => ExprKind::Factor(value),
            _ => match (unit.strip_prefix('/'), units::DURATIONS.iter().find(|(name, _)| *name == unit)) {
                (Some(time), _) => Rate::new(value, per(time)).map_or(ExprKind::Wrong, ExprKind::Rate),
                (None, Some((_, size))) => ExprKind::Duration((value * *size as f64) as u64),
                (None, None) => ExprKind::Bytes((value * bytes_unit(unit) as f64) as u64),
            },
        };
        Expr { kind, span: item.span }
    }

    pub(super) fn literal(&mut self, node: Node<'_>) -> ExprKind {
        let inner = node.into_inner().next().expect("a literal holds something");
        let span = self.span(&inner);
        match inner.as_rule() {
            Rule::text | Rule::raw => self.text_literal(inner),
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

    pub(super) fn text_literal(&mut self, node: Node<'_>) -> ExprKind {
        if node.as_rule() == Rule::text {
            let parts = self.text(node);
            self.needs.extend(needs::of_text(&parts));
            return ExprKind::Text(parts);
        }
        let content = node.into_inner().next().expect("a raw text has a content");
        let text = match content.as_rule() {
            Rule::long_raw_text => unindented(content.as_str()),
            _ => content.as_str().to_owned(),
        };
        ExprKind::Text(vec![TextPart::Literal(text)])
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
            Rule::scaled => ExprKind::Number(value * if unit == "k" { 1e3 } else { 1e6 }),
            Rule::wrong_unit_apart => {
                let unit = unit.trim();
                let right = written::foreign(unit).unwrap_or(unit);
                let number = text[..text.len() - unit.len()].trim();
                let problem = Diagnostic::new(Code::E0102, "a unit touches its number", span, "written apart");
                self.diagnostics.push(problem.fix(
                    Applicability::Maybe,
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
        let number = text[..text.len() - unit.len()].trim_end_matches('_');
        let exponent = unit.strip_prefix(['e', 'E']).and_then(|rest| {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let value = format!("{number}e{}", &rest[..digits]).parse::<f64>().ok().filter(|value| *value < 1e15)?;
            let (length, ours) = written::leading(&rest[digits..])?;
            (length == rest.len() - digits).then(|| format!("{value}{ours}"))
        });
        let problem = Diagnostic::new(Code::E0102, format!("`{unit}` is not a unit"), span, "no such unit");
        let right =
            match (written::foreign(unit).map(str::to_owned).or_else(|| written::nearest(unit)), written_out(text)) {
                _ if exponent.is_some() => exponent,
                (Some(right), _) => Some(format!("{number}{right}")),
                (None, None) => unit.strip_prefix(['O', 'o']).map(|rest| format!("{number}0{rest}")),
                (None, written_out) => written_out,
            };
        let problem = match right {
            Some(right) => problem.fix(Applicability::MachineApplicable, span, &right, format!("write `{right}`")),
            None => problem.help("the units are `k M`, `us ms s m h d`, `/s /min /h /d`, `%`, `pp`, `x`, `B kB MB GB TB KiB MiB GiB TiB`, `bps kbps Mbps Gbps` and ` users`"),
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

    pub(super) fn text(&mut self, node: Node<'_>) -> Vec<TextPart> {
        let mut parts: Vec<TextPart> = Vec::new();
        let mut literal = String::new();
        let form = node.into_inner().next().expect("a text is short or long");
        // The indentation of the closing quotes is not part of a long text, nor is the line of the opening ones.
        let margin = (form.as_rule() == Rule::long_text).then(|| margin(form.as_str().trim_end_matches('"')));
        let mut first = true;
        for part in form.into_inner() {
            match part.as_rule() {
                Rule::chunk => literal.push_str(part.as_str()),
                Rule::long_chunk => {
                    let text = part.as_str();
                    let text = if first { text.strip_prefix('\n').unwrap_or(text) } else { text };
                    let text = if first { text.strip_prefix(margin.unwrap_or("")).unwrap_or(text) } else { text };
                    literal.push_str(&text.replace(&format!("\n{}", margin.unwrap_or("")), "\n"));
                }
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
                    if let Some(name) = doubled(&self.text[span.range().start..]) {
                        let whole = Span::new(self.file, span.range().start, span.range().start + name.len() + 4);
                        let help = format!("one brace is enough: `{{{}}}`", name.trim());
                        self.diagnostics.push(problem.fix(
                            Applicability::Maybe,
                            whole,
                            format!("{{{}}}", name.trim()),
                            help,
                        ));
                        continue;
                    }
                    self.diagnostics.push(problem.fix(
                        Applicability::Maybe,
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
                    self.diagnostics.push(problem.help(
                        "the escapes are `\\\" \\\\ \\n \\t \\r \\{ \\} \\u{…}`; in `'…'` a backslash is a backslash",
                    ));
                }
            }
            first = false;
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
                    let problem =
                        Diagnostic::new(Code::E0117, "there is no character with this number", span, "not a character");
                    self.diagnostics.push(problem.help("write a Unicode scalar value, like `\\u{e9}`"));
                    char::REPLACEMENT_CHARACTER
                })
            }
            other => other.chars().next().expect("an escape has a character"),
        }
    }
}

/// The blanks before the closing quotes of a long text, where they stand alone on their line.
fn margin(text: &str) -> &str {
    let line = text.rfind('\n').map_or(text.len(), |at| at + 1);
    if text[line..].trim().is_empty() { &text[line..] } else { "" }
}

/// A long raw text without the line of its opening quotes and the indentation of its closing ones.
fn unindented(text: &str) -> String {
    let margin = margin(text);
    let inner = text.strip_prefix('\n').unwrap_or(text);
    let lines: Vec<&str> = inner.split('\n').map(|line| line.strip_prefix(margin).unwrap_or(line)).collect();
    lines.join("\n")
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

/// `1e5/s` without its exponent, which numbers do not have here, and `100k/s` without the `k` that no rate has.
fn written_out(text: &str) -> Option<String> {
    let end = text.find(['/', '%', 'x']).unwrap_or(text.len());
    let digits = text[..end].replace('_', "");
    let (digits, scale) = match (digits.strip_suffix('k'), digits.strip_suffix('M')) {
        (Some(thousands), _) => (thousands, 1e3),
        (_, Some(millions)) => (millions, 1e6),
        (None, None) => (digits.as_str(), 1.0),
    };
    let is_short = scale > 1.0 || digits.contains(['e', 'E']);
    let value = digits.parse::<f64>().ok().map(|value| value * scale).filter(|value| is_short && *value < 1e15)?;
    Some(format!("{value}{}", &text[end..]))
}

/// What `{{…}}` holds at the start of a text, where that is a path.
fn doubled(text: &str) -> Option<&str> {
    let (inside, _) = text.strip_prefix("{{")?.split_once("}}")?;
    let is_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ' ');
    (!inside.trim().is_empty() && inside.chars().all(is_path)).then_some(inside)
}

fn per(unit: &str) -> u64 {
    units::RATES.iter().find(|(name, _)| *name == unit).map_or(units::SECOND, |(_, length)| *length)
}

fn bytes_unit(unit: &str) -> u64 {
    units::BYTES.iter().find(|(name, _)| *name == unit).map_or(1, |(_, size)| *size)
}
