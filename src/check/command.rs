//! Commands, of faults and of events alike: a line of the shell, or a program and its arguments; and their variables.

use super::meaning::{Meaning, placed};
use super::program::{CommandLine, Expr, Piece, Text};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use crate::base::Name;
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, ExprKind, Item, TextPart};

impl<'a> ScenarioChecker<'a, '_> {
    /// A text is a line of the shell; a list is a program and its arguments, which nobody reads but the program.
    pub(super) fn command_line(
        &mut self,
        value: &Meaning<'a>,
        expr: &'a ast::Expr,
        frame: FrameId,
    ) -> Option<CommandLine> {
        let Meaning::List(items) = value else {
            let text = value.pieces()?;
            self.read_by_the_shell(&text, expr, frame);
            return Some(CommandLine::Shell(text));
        };
        let written = if let ExprKind::List(written) = &expr.kind { written.as_slice() } else { &[] };
        let mut words = Vec::with_capacity(items.len());
        for (place, item) in items.iter().enumerate() {
            let span = written.get(place).map_or(expr.span, |item| item.span);
            words.push(self.interpolated(item, span)?);
        }
        let is_nothing = |word: &Text| matches!(word.as_slice(), [Piece::Literal(text)] if text.is_empty());
        if words.first().is_none_or(is_nothing) {
            let problem = Diagnostic::new(Code::E0310, "this list names no program", expr.span, "nothing to run");
            self.push(problem.help("write the program first: `command([\"pgbench\", url])`"));
            return None;
        }
        Some(CommandLine::Words(words))
    }

    /// What is put into a line becomes a part of it, with all that the shell makes of its characters.
    fn read_by_the_shell(&mut self, text: &[Piece], expr: &'a ast::Expr, frame: FrameId) {
        let (parts, of) = self.line_as_written(expr, frame).unwrap_or((&[], frame));
        let mut found = None;
        for part in parts {
            let TextPart::Path(path) = part else { continue };
            let value = self.eval(path, of);
            let why = match value.is_unknown() {
                true => None,
                false => self.interpolated(&value, path.span).as_deref().and_then(open_to_the_shell),
            };
            found = found.or(why.map(|why| (path.span, why)));
        }
        // One that came by a name.
        let found = found.or_else(|| {
            let late = text.iter().filter(|piece| parts.is_empty() && matches!(piece, Piece::Value(_)));
            let mut late = late.map(std::slice::from_ref);
            Some((expr.span, late.find_map(open_to_the_shell)?))
        });
        let Some((span, why)) = found else { return };
        let message = format!("the shell reads `{}` as a part of its line", self.text(span));
        let help = "give it by `with: { name: … }` and write `\"$name\"` in the line, or write a list, which no shell reads: \
                    `command([\"program\", argument])`";
        let problem = Diagnostic::new(Code::W0814, message, span, why).help(help);
        let is_elsewhere = !(expr.span.file == span.file && expr.span.start <= span.start && span.end <= expr.span.end);
        self.push(if is_elsewhere { problem.label(expr.span, "run here") } else { problem });
    }

    /// The text that an expression is or names, and where the names in it are found.
    fn line_as_written(&self, expr: &'a ast::Expr, frame: FrameId) -> Option<(&'a [TextPart], FrameId)> {
        let (mut expr, mut frame) = (expr, frame);
        // A name may stand for another one; a circle of them has been refused.
        for _ in 0..16 {
            match &expr.kind {
                ExprKind::Text(parts) => return Some((parts, frame)),
                ExprKind::Name(name) => (expr, frame) = self.let_of(frame, &name.text)?,
                _ => return None,
            }
        }
        None
    }

    /// The value of a `let` as it is written, and where it stands.
    fn let_of(&self, frame: FrameId, name: &str) -> Option<(&'a ast::Expr, FrameId)> {
        let mut at = Some(frame);
        while let Some(id) = at {
            let own = &self.frames[id];
            if own.names.contains_key(name) {
                return own.items.iter().find_map(|item| match item {
                    Item::Let(binding) if binding.name.text == name => Some((&binding.value, id)),
                    _ => None,
                });
            }
            at = own.parent;
        }
        None
    }

    /// The variables of a command.
    pub(super) fn variables(
        &mut self,
        fields: &[(Name, Meaning<'a>)],
        expr: &ast::Expr,
    ) -> Option<Vec<(String, Text)>> {
        let mut variables = Vec::new();
        for (name, value, place) in placed(fields, expr) {
            let span = place.span;
            let letters = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            let is_name = letters(&name.text) && !name.text.starts_with(|c: char| c.is_ascii_digit());
            let problem = match is_name {
                false => "the shell has no variable of this name",
                true if name.text.starts_with("STRESSC_") => "variables that begin with `STRESSC_` are the run's own",
                true if fields.iter().filter(|(other, _)| other.text == name.text).count() > 1 => "it is given twice",
                true => {
                    let text = self.interpolated(value, span)?;
                    variables.push((name.text.clone(), text));
                    continue;
                }
            };
            let problem = Diagnostic::new(Code::E0310, problem, name.span, "this variable");
            self.push(problem.help("name it by letters, digits and `_`, such as `with: { container: \"db\" }`"));
            return None;
        }
        Some(variables)
    }
}

/// Why the shell may make something else of a value than what it is.
fn open_to_the_shell(pieces: &[Piece]) -> Option<&'static str> {
    let is_plain = |text: &str| text.chars().all(|c| c.is_alphanumeric() || "-_./:=@%+,".contains(c));
    pieces.iter().find_map(|piece| match piece {
        Piece::Literal(text) if is_plain(text) => None,
        Piece::Literal(_) => Some("it holds what the shell has a meaning for"),
        // An address of the run's own.
        Piece::Value(Expr::Part { .. } | Expr::Port(_) | Expr::Number(_) | Expr::Exact(_) | Expr::Bool(_)) => None,
        Piece::Value(Expr::Text(pieces)) => open_to_the_shell(pieces),
        Piece::Value(_) => Some("its value is not known yet"),
    })
}
