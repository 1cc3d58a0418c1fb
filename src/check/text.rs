//! Texts in pieces, with places for values that are known only later.

use super::lists::is_list;
use super::meaning::Meaning;
use super::program::{Expr, Piece};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::Span;
use crate::diag::{Applicability, Code, Diagnostic};
use crate::syntax::ast::{self, TextPart};

impl<'a> ScenarioChecker<'a, '_> {
    /// A text, in pieces where some of it is known only later.
    pub(super) fn text_of(&mut self, expr: &'a ast::Expr, frame: FrameId) -> Option<Vec<Piece>> {
        self.eval_as(expr, frame, &[Type::Text, Type::Secret]).pieces()
    }

    pub(super) fn text_value(&mut self, parts: &'a [TextPart], span: Span, frame: FrameId) -> Meaning<'a> {
        self.foreign(parts, span, frame);
        if let [TextPart::Literal(text)] = parts {
            return Meaning::Text(text.clone(), span.file);
        }
        let (pieces, kind) = self.put_in(parts, frame);
        let Some(pieces) = pieces.map(|parts| parts.concat()) else { return Meaning::Unknown(kind) };
        let joined = pieces.iter().map(|piece| match piece {
            Piece::Literal(text) => Some(text.as_str()),
            Piece::Value(_) => None,
        });
        match joined.collect::<Option<String>>() {
            Some(text) => Meaning::Text(text, span.file),
            None => Meaning::Run(Expr::Text(pieces), kind),
        }
    }

    /// Placeholders as other languages write them: `${name}` puts the value after a dollar, and `%s` puts nothing in.
    pub(super) fn foreign(&mut self, parts: &[TextPart], span: Span, frame: FrameId) {
        // As it stands there: blanks count in it.
        let written = self.world.sources.get(span.file).slice(span);
        for part in parts {
            let TextPart::Path(path) = part else { continue };
            let before = (path.span.start as usize).checked_sub(span.start as usize).and_then(|end| written.get(..end));
            if before.is_some_and(|before| before.trim_end().ends_with("${")) {
                let name = self.text(path.span);
                let message = format!("`${{{name}}}` is a dollar and the value of `{name}`");
                let problem = Diagnostic::new(Code::W0813, message, path.span, "a value is put in by `{…}` alone");
                let dollar = path
                    .span
                    .range()
                    .start
                    .saturating_sub(before.map_or(0, |before| before.len() - before.trim_end().len()) + 2);
                let dollar = Span::new(span.file, dollar, dollar + 1);
                let help = format!("write `{{{name}}}`, or `\\u{{24}}{{{name}}}` where the dollar is meant");
                self.push(problem.fix(Applicability::Maybe, dollar, "", help));
            }
        }
        if written.starts_with('\'') && written.contains('{') && self.flow.is_some() && !self.is_pattern {
            let names = self.visible_names(frame);
            let put_in = |part: &str| part.split_once('}').map(|(path, _)| path.to_owned());
            let is_known = |path: &String| names.contains(&path.split('.').next().unwrap_or(""));
            // `${name}` in them is meant for somebody else.
            if let Some(path) = written.replace("${", "").split('{').skip(1).filter_map(put_in).find(is_known) {
                let message = format!("`{{{path}}}` is sent as it is written: single quotes insert no values");
                let problem = Diagnostic::new(Code::W0813, message, span, "no value is inserted");
                let inner = &written[1..written.len().max(2) - 1];
                self.push(if written.starts_with("'''") {
                    problem.help("write the text between `\"\"\"` and `\"\"\"`, which put values in")
                } else if inner.contains(['"', '\\']) {
                    problem.help("write the text in double quotes, with `\\\"` for those in it")
                } else {
                    problem.fix(
                        Applicability::MachineApplicable,
                        span,
                        format!("\"{inner}\""),
                        "write the text in double quotes",
                    )
                });
            }
        }
        // The shell has such words of its own, so commands are left alone.
        let puts_in = written.starts_with('"') && self.flow.is_some() && !self.is_pattern;
        let is_one = |found: &str| {
            written.match_indices(found).any(|(at, _)| {
                let next = written[at + found.len()..].chars().next();
                !written[..at].ends_with('%') && !next.is_some_and(|next| next.is_ascii_alphanumeric())
            })
        };
        if let Some(found) = ["%s", "%d"].into_iter().find(|found| puts_in && is_one(found)) {
            let message = format!("`{found}` is sent as it is written");
            let problem = Diagnostic::new(Code::W0813, message, span, "no value is inserted");
            self.push(
                problem.help("put a value in with `{name}`, or write the text in single quotes where this is meant"),
            );
        }
    }

    /// The pieces of each part of a text, none where one is unknown, and the type of the whole.
    pub(super) fn put_in(&mut self, parts: &'a [TextPart], frame: FrameId) -> (Option<Vec<Vec<Piece>>>, Type) {
        let (mut pieces, mut unknown, mut secret) = (Vec::with_capacity(parts.len()), false, false);
        for part in parts {
            match part {
                TextPart::Literal(text) => pieces.push(vec![Piece::Literal(text.clone())]),
                TextPart::Path(path) => {
                    let value = self.eval(path, frame);
                    secret |= value.kind() == Type::Secret;
                    unknown |= value.is_unknown();
                    match self.interpolated(&value, path.span) {
                        Some(more) => pieces.push(more),
                        None => unknown = true,
                    }
                }
            }
        }
        ((!unknown).then_some(pieces), if secret { Type::Secret } else { Type::Text })
    }

    /// A value as it stands in a text.
    pub(super) fn interpolated(&mut self, value: &Meaning<'a>, span: Span) -> Option<Vec<Piece>> {
        let literal = |text: String| Some(vec![Piece::Literal(text)]);
        match value {
            Meaning::Unknown(_) => Some(Vec::new()),
            Meaning::Rate(rate) => literal(rate.to_string()),
            Meaning::Bool(value) => literal(value.to_string()),
            Meaning::Quantity(number, kind) => literal(super::words::written(*number, *kind)),
            Meaning::Exact(digits) => literal(digits.clone()),
            Meaning::Run(..) if is_list(value) => {
                self.is_several(span);
                None
            }
            Meaning::Text(..) | Meaning::Run(..) => value.pieces(),
            Meaning::Answer(_) => {
                self.push(
                    Diagnostic::new(Code::E0207, "an answer is not a text", span, "which part of it?")
                        .help("take a part first, such as `let id = list.json(\"$[0].id\")`"),
                );
                None
            }
            other => {
                let message = format!("{} cannot stand in a text", other.kind().a());
                self.push(Diagnostic::new(Code::E0301, message, span, other.kind().a()));
                None
            }
        }
    }
}
