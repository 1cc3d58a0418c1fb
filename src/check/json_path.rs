//! Checks JSONPaths: that they parse whatever is inserted into them, and whether they name one place or find a list.

use super::allow::is_written;
use super::bound::Arguments;
use super::meaning::Meaning;
use super::program::path::{PathPart, filled, is_singular};
use super::program::{Expr, PathText, Piece};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::Span;
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, ExprKind, TextPart};

/// A piece of a path, and what is known of it.
enum PathPiece {
    Written(String),
    Number(String),
    Text(String),
    Word(&'static str),
    /// What the run works out.
    Open(Expr),
}

impl PathPiece {
    /// As it may come out, where it is not known yet.
    fn part<'p>(&'p self, open: PathPart<'p>) -> PathPart<'p> {
        match self {
            PathPiece::Written(text) => PathPart::Written(text),
            PathPiece::Number(digits) => PathPart::Number(digits),
            PathPiece::Text(text) => PathPart::Text(text),
            PathPiece::Word(word) => PathPart::Word(word),
            PathPiece::Open(_) => open,
        }
    }

    fn piece(self) -> Piece {
        match self {
            PathPiece::Written(text) => Piece::Literal(text),
            PathPiece::Number(digits) => Piece::Value(Expr::Exact(digits)),
            PathPiece::Text(text) => Piece::Value(Expr::Text(vec![Piece::Literal(text)])),
            PathPiece::Word(word) => Piece::Value(Expr::Bool(word == "true")),
            PathPiece::Open(value) => Piece::Value(value),
        }
    }
}

impl<'a> ScenarioChecker<'a, '_> {
    /// A JSONPath that parses, and the type of what it finds. What is put into one where it is written is a value there, also
    /// where it is a constant.
    pub(super) fn json_path(&mut self, bound: &Arguments<'a>, frame: FrameId) -> Option<(PathText, Type)> {
        let given = bound.get("path")?;
        let (value, expr) = given;
        let parts = match &expr.kind {
            ExprKind::Text(parts) if parts.iter().any(|part| matches!(part, TextPart::Path(_))) => parts,
            _ => {
                let path = self.constant_text(Some(given))?;
                let found = is_singular(&path);
                let kind = self.found_by(found, &path, expr)?;
                return Some((PathText::Known(path), kind));
            }
        };
        if value.is_unknown() {
            return None;
        }
        let pieces = parts.iter().map(|part| self.path_piece(part, frame)).collect::<Vec<_>>();
        let pieces: Vec<PathPiece> = pieces.into_iter().collect::<Option<_>>()?;
        let with = |open: PathPart<'_>| filled(pieces.iter().map(|piece| piece.part(open)));
        let Some(path) = with(PathPart::Number("0")) else {
            let message = "a value cannot stand there in a JSONPath";
            let problem = Diagnostic::new(Code::E0310, message, expr.span, "neither a name nor a place");
            self.push(problem.help(
                "put it in brackets: `\"$.items[{i}].id\"`, `\"$[?@.name == {name}]\"`; as a part of a name in quotes: `\"$['item_{i}']\"`",
            ));
            return None;
        };
        // What is a place of a list in one is a name or a text in another.
        let found = is_singular(&path)
            .or_else(|why| is_singular(&with(PathPart::Text("x")).unwrap_or_default()).map_err(|_| why));
        let kind = self.found_by(found, self.text(expr.span).trim_matches('"'), expr)?;
        match pieces.iter().any(|piece| matches!(piece, PathPiece::Open(_))) {
            true => Some((PathText::Made(pieces.into_iter().map(PathPiece::piece).collect()), kind)),
            false => Some((PathText::Known(path), kind)),
        }
    }

    fn found_by(&mut self, found: Result<bool, String>, path: &str, expr: &ast::Expr) -> Option<Type> {
        match found {
            Ok(true) => Some(Type::Json),
            Ok(false) => Some(Type::List),
            Err(error) => {
                // The first line names a place of the parser's own; a reason stands after it, where there is one.
                let told = |line: &&str| is_written(expr) && !line.contains("-->");
                let why = error.lines().next().filter(told).unwrap_or("not a path").to_owned();
                let problem = Diagnostic::new(Code::E0310, format!("`{path}` is not a JSONPath"), expr.span, why);
                let problem = problem.help("write it like `$.items[0].id` (RFC 9535)");
                let whole = match path.starts_with(['[', '.']) {
                    true => format!("\"${path}\""),
                    false => format!("\"$.{path}\""),
                };
                self.push(problem.or(super::guess::instead(expr.span, whole)));
                None
            }
        }
    }

    fn path_piece(&mut self, part: &'a TextPart, frame: FrameId) -> Option<PathPiece> {
        let path = match part {
            TextPart::Literal(text) => return Some(PathPiece::Written(text.clone())),
            TextPart::Path(path) => path,
        };
        let value = self.eval(path, frame);
        let kind = value.kind();
        Some(match value {
            Meaning::Text(text, _) => PathPiece::Text(text),
            Meaning::Exact(digits) => PathPiece::Number(digits),
            Meaning::Quantity(number, Type::Number | Type::Count) => {
                PathPiece::Number(crate::base::decimal::written(number))
            }
            Meaning::Bool(value) => PathPiece::Word(if value { "true" } else { "false" }),
            Meaning::Run(expr, Type::Text | Type::Number | Type::Count | Type::Json | Type::Bool) => {
                PathPiece::Open(expr)
            }
            _ => {
                self.no_path_value(kind, path.span);
                return None;
            }
        })
    }

    fn no_path_value(&mut self, kind: Type, span: Span) {
        if kind != Type::Wrong {
            let message = format!("{} cannot stand in a JSONPath", kind.a());
            let problem = Diagnostic::new(Code::E0301, message, span, kind.a());
            self.push(problem.help("a number is an index of a list, and a text is a name; a filter can compare both"));
        }
    }
}
