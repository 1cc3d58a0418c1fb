//! What somebody most likely meant who wrote a name that is none, as a fix of its place.

use super::builtins::{self, BuiltinKind};
use super::meaning::Meaning;
use super::scope::FrameId;
use super::session::ScenarioChecker;
use crate::base::{FileId, Name, Span};
use crate::diag::{Applicability, Code, Diagnostic, Fix};
use crate::syntax::ast::{Argument, Expr, ExprKind};

/// A fix that is a guess: this text in the place.
pub(super) fn instead(span: Span, text: impl Into<String>) -> Fix {
    let text = text.into();
    let help = format!("write `{}`", text.trim());
    Fix::new(Applicability::Maybe, span, text, help)
}

/// What names of other languages for a value are here.
fn literal(name: &str) -> Option<&'static str> {
    match name {
        "nil" | "none" | "None" | "NULL" | "Null" | "undefined" => Some("null"),
        "True" | "TRUE" => Some("true"),
        "False" | "FALSE" => Some("false"),
        _ => None,
    }
}

/// A number as people write it: without a sign, and neither infinity nor what is none.
fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && text.parse::<f64>().is_ok()
}

/// `x5`, where a factor is meant.
fn factor(name: &str) -> Option<String> {
    let digits = name.strip_prefix(['x', 'X']).filter(|digits| is_number(digits))?;
    Some(format!("{digits}x"))
}

impl<'a> ScenarioChecker<'a, '_> {
    /// A name that is not declared and means something all the same, wherever it stands.
    pub(super) fn of_elsewhere(&self, name: &Name) -> Option<Diagnostic> {
        let problem = || Diagnostic::new(Code::E0201, format!("nothing is called `{name}`"), name.span, "not declared");
        if let Some(ours) = literal(&name.text).map(str::to_owned).or_else(|| factor(&name.text)) {
            let help = format!("write `{ours}`");
            return Some(problem().fix(Applicability::MachineApplicable, name.span, ours, help));
        }
        let behind = self.world.sources.get(name.span.file).text.get(name.span.range().end..).unwrap_or("");
        let end = behind.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))).unwrap_or(behind.len());
        let joined = format!("{name}{}", behind[..end].replace('-', "_"));
        if behind.starts_with('-') && builtins::find(&joined).is_some() {
            let place = Span::new(name.span.file, name.span.range().start, name.span.range().end + end);
            return Some(problem().fix(Applicability::Maybe, place, &joined, format!("write `{joined}`")));
        }
        let is_key = |text: &str| text.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit());
        let before = self.world.sources.get(name.span.file).text.get(..name.span.range().start).unwrap_or("");
        if is_key(&name.text) && ["env(", "secret("].iter().any(|call| before.ends_with(call)) {
            let text = format!("\"{name}\"");
            return Some(problem().fix(Applicability::MachineApplicable, name.span, &text, format!("write `{text}`")));
        }
        None
    }

    /// A module of the library that is not used yet.
    pub(super) fn not_used(&self, name: &Name, problem: Diagnostic) -> Option<Diagnostic> {
        if !self.world.inputs.library.contains(&name.text) {
            return None;
        }
        let place = self.first_line(name.span.file);
        let line = format!("use std.{name}\n");
        let help = format!("write `use std.{name}` at the top of the file");
        Some(problem.fix(Applicability::Maybe, place, line, help))
    }

    /// Where a `use` is put in: after what says what the file is.
    fn first_line(&self, file: FileId) -> Span {
        let text = &self.world.sources.get(file).text;
        let lines = text.split_inclusive('\n').take_while(|line| line.starts_with("//!") || line.trim().is_empty());
        let place = lines.map(str::len).sum();
        Span::new(file, place, place)
    }

    /// `env.URL`, `json.id` and `response.status`: a part of what is asked another way.
    pub(super) fn asked_another_way(
        &mut self,
        base: &Expr,
        field: &Name,
        span: Span,
        frame: FrameId,
    ) -> Option<Diagnostic> {
        let asked = self.text(base.span);
        let name = match &base.kind {
            ExprKind::Name(name) => name,
            ExprKind::Field { base, .. } => match &base.kind {
                ExprKind::Name(name) if matches!(asked.as_str(), "process.env" | "os.environ") => name,
                _ => return None,
            },
            _ => return None,
        };
        if self.lookup(frame, &name.text, name.span).is_some() {
            return None;
        }
        let ours = match asked.as_str() {
            "process.env" | "os.environ" | "__ENV" | "ENV" => format!("env(\"{field}\")"),
            "std" if self.world.inputs.library.contains(&field.text) => field.text.clone(),
            "env" | "secret" => format!("{name}(\"{field}\")"),
            "json" | "body" if self.answer.is_some() => format!("json(\"$.{field}\")"),
            "headers" | "header" if self.answer.is_some() => format!("header(\"{field}\")"),
            "response" | "res" | "resp" | "r" | "answer" | "this" | "self" if self.answer.is_some() => {
                field.text.clone()
            }
            _ => return None,
        };
        let message = format!("`{name}` has no parts to ask for");
        let problem = Diagnostic::new(Code::E0201, message, name.span, "asked another way");
        Some(problem.fix(Applicability::Maybe, span, &ours, format!("write `{ours}`")))
    }

    /// A metric of elsewhere that stands there without what it is of.
    pub(super) fn metrics_named(&self, name: &Name) -> Vec<Fix> {
        let metrics: Vec<&str> = builtins::names(BuiltinKind::Metric).collect();
        if self.flow.is_some() || self.predicate {
            return Vec::new();
        }
        let ours = crate::base::elsewhere::all_named_here(&name.text, &metrics);
        let loads = || self.out.loads.iter().map(|load| load.name.clone());
        ours.flat_map(|metric| loads().map(move |load| format!("{metric}({load})")))
            .map(|call| instead(name.span, call))
            .collect()
    }

    /// `main.p95`: the call of the metric.
    pub(super) fn metric_of(&self, field: &Name, metric: &str) -> Option<Fix> {
        let start = field.span.range().start;
        let before = self.world.sources.get(field.span.file).text.get(..start)?.strip_suffix('.')?;
        let of_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        let base = before.trim_end_matches(of_path).len();
        let of = &before[base..];
        (!of.is_empty())
            .then(|| instead(Span::new(field.span.file, base, field.span.range().end), format!("{metric}({of})")))
    }

    /// Each load, where what is none stands.
    pub(super) fn loads_instead(&self, span: Span) -> Vec<Fix> {
        self.out.loads.iter().map(|load| instead(span, load.name.text.as_str())).collect()
    }

    /// A call as other languages have it: `between(1s, 2s)`, `randint(1, 3)`, `rate(errors)`.
    pub(super) fn called_elsewhere(&self, function: &Name, arguments: &[Argument], span: Span) -> Vec<Fix> {
        let texts: Vec<String> = arguments.iter().map(|argument| self.text(argument.value.span)).collect();
        let ours: Vec<String> = match (function.text.as_str(), texts.as_slice()) {
            ("between" | "uniform", [from, to]) => vec![format!("{from}..{to}")],
            ("randint" | "random_int" | "random_int_between" | "randomIntBetween" | "random", [from, to]) => {
                vec![format!("random({from}..{to})")]
            }
            ("rate" | "ratio" | "percentage", [of]) if of.contains("err") || of.contains("fail") => {
                self.out.loads.iter().map(|load| format!("error_rate({})", load.name)).collect()
            }
            ("percentile" | "quantile" | "pct", [of, share]) if is_number(share) => {
                vec![format!("p{share}({of})"), format!("quantile({of}, {share}%)")]
            }
            _ => Vec::new(),
        };
        ours.into_iter().map(|call| instead(span, call)).collect()
    }

    /// A function whose name alone stands there, called with each load, or with nothing.
    pub(super) fn calls(&self, name: &Name) -> Vec<Fix> {
        let loads = self.out.loads.iter().map(|load| format!("{name}({})", load.name));
        loads.chain([format!("{name}()")]).map(|call| instead(name.span, call)).collect()
    }

    /// A value that is called and takes nothing: without the brackets after it.
    pub(super) fn uncalled(&self, name: &Name, problem: Diagnostic) -> Diagnostic {
        let behind = &self.world.sources.get(name.span.file).text[name.span.range().end..];
        match behind.starts_with("()") {
            true => {
                let end = name.span.range().end;
                let brackets = Span::new(name.span.file, end, end + 2);
                problem.fix(Applicability::MachineApplicable, brackets, "", format!("write `{name}`"))
            }
            false => problem,
        }
    }

    /// A value where what is built from it is due, by each of these constructors.
    pub(super) fn built_of(&self, value: &Expr, constructors: &[&str]) -> Vec<Fix> {
        let text = self.text(value.span);
        match &value.kind {
            ExprKind::Name(name) if constructors.contains(&name.text.as_str()) => {
                vec![instead(value.span, format!("{name}()"))]
            }
            ExprKind::Text(_) | ExprKind::Name(_) | ExprKind::Call { .. } | ExprKind::Field { .. } => {
                constructors.iter().map(|constructor| instead(value.span, format!("{constructor}({text})"))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// `status == 200 or 304`: the comparison with a list.
    pub(super) fn one_of(&self, left: &Expr, right: &Expr) -> Option<Fix> {
        use crate::syntax::ast::Binary;
        let ExprKind::Binary { operator: Binary::Equal, left: asked, right: first, .. } = &left.kind else {
            return None;
        };
        let plain = matches!(right.kind, ExprKind::Number(_) | ExprKind::Text(_));
        let (first, second) = (self.text(first.span), self.text(right.span));
        let place = asked.span.after().to(right.span);
        plain.then(|| instead(place, format!(" in [{first}, {second}]")))
    }

    /// `status == [200, 201]`: what compares with several.
    pub(super) fn among(&self, left: (&Expr, &Meaning<'a>), right: (&Expr, &Meaning<'a>)) -> Option<Fix> {
        let place = left.0.span.after().to(right.0.span.before());
        matches!(right.1, Meaning::List(_)).then(|| instead(place, " in "))
    }
}
