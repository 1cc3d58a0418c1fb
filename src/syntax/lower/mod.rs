//! Statements of the splitter → AST, one grammar rule at a time.

mod expr;
mod literal;
mod statement;

use super::grammar::{self, Node};
use super::split::{Block, Part, Statement};
use super::words::{self, Context, State};
use crate::base::{FileId, Name, Span};
use crate::diag::{Code, Diagnostic, Diagnostics};

pub struct Lower<'a> {
    file: FileId,
    text: &'a str,
    /// Where the statement starts that is being lowered: the grammar counts from there.
    offset: usize,
    diagnostics: &'a mut Diagnostics,
}

/// A statement with its head parsed.
struct Head<'a> {
    node: Node<'a>,
    body: Option<&'a Block>,
    span: Span,
}

impl<'a> Lower<'a> {
    pub fn new(file: FileId, text: &'a str, diagnostics: &'a mut Diagnostics) -> Lower<'a> {
        Lower { file, text, offset: 0, diagnostics }
    }

    /// Parses the head of a statement, or says what is wrong with it.
    fn head<'s>(&mut self, statement: &'s Statement, context: Context) -> Option<Head<'s>>
    where
        'a: 's,
    {
        let (range, body) = match statement.parts.as_slice() {
            [Part::Text(range)] => (range.clone(), None),
            [Part::Text(range), Part::Block(block)] => (range.clone(), Some(block)),
            [Part::Block(block), ..] => {
                let brace = Span::new(self.file, block.range.start, block.range.start + 1);
                self.diagnostics.push(
                    Diagnostic::new(Code::E0115, "this body belongs to nothing", brace, "a block without a statement")
                        .help("a `{` follows the statement whose body it opens"),
                );
                return None;
            }
            [Part::Text(range), rest @ ..] => {
                if !self.known_word(range.start, range.end, context) {
                    return None;
                }
                let more = match rest.last().expect("matched above: something follows") {
                    Part::Text(range) => range.clone(),
                    Part::Block(block) => block.range.start..block.range.start + 1,
                };
                let span = Span::new(self.file, more.start, more.end);
                self.diagnostics.push(
                    Diagnostic::new(Code::E0105, "two statements on one line", span, "the second one starts here")
                        .fix(span.before(), "\n", "put it on a line of its own"),
                );
                (range.clone(), None)
            }
            [] => return None,
        };
        if !self.known_word(range.start, range.end, context) {
            return None;
        }
        self.offset = range.start;
        match grammar::parse(self.file, context, &self.text[range.clone()], range.start) {
            Ok(node) => Some(Head { node, body, span: Span::new(self.file, range.start, range.end) }),
            Err(diagnostic) => {
                self.diagnostics.push(*diagnostic);
                None
            }
        }
    }

    /// Refuses a statement by its first word where that says more than the grammar could.
    fn known_word(&mut self, start: usize, end: usize, context: Context) -> bool {
        let text = &self.text[start..end];
        let length = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
        let (word, rest) = text.split_at(length);
        let label = rest.trim_start().starts_with([':', '=']) && !rest.trim_start().starts_with("==");
        let entries = matches!(context, Context::Load | Context::Request | Context::Options);
        if word.is_empty() || (label && entries) {
            return true;
        }
        let span = Span::new(self.file, start, start + length);
        let diagnostic = match words::statement(word) {
            Some(known) if known.contexts.contains(&context) => match known.state {
                State::Runs => return true,
                State::Later => Diagnostic::new(Code::E0113, format!("`{word}` is not available yet"), span, "known, but not run by this version")
                    .help("this part of the language comes with a later version"),
            },
            // Conditions start with any name.
            _ if matches!(context, Context::Expect) => return true,
            Some(known) => {
                let places: Vec<&str> = known.contexts.iter().map(|c| c.place()).collect();
                Diagnostic::new(Code::E0114, format!("`{word}` does not belong {}", context.place()), span, "not here")
                    .help(format!("it stands {}", places.join(" or ")))
            }
            None => Diagnostic::new(Code::E0114, format!("no statement starts with `{word}` {}", context.place()), span, "not a statement")
                .did_you_mean(span, word, words::running_in(context)),
        };
        self.diagnostics.push(diagnostic);
        false
    }

    fn span(&self, node: &Node<'_>) -> Span {
        let span = node.as_span();
        // Rules end with the blanks that were skipped in search of more; those are not part of what was written.
        let length = span.as_str().trim_end().len();
        Span::new(self.file, self.offset + span.start(), self.offset + span.start() + length)
    }

    fn name(&self, node: &Node<'_>) -> Name {
        Name { text: node.as_str().trim().to_owned(), span: self.span(node) }
    }

    fn body<'s>(&mut self, head: &Head<'s>, needed: bool) -> &'s [Statement] {
        match head.body {
            Some(block) => &block.statements,
            None => {
                if needed {
                    self.diagnostics.push(
                        Diagnostic::new(Code::E0115, "a body is missing", head.span.after(), "`{ … }` belongs here")
                            .fix(head.span.after(), " {\n}", "add a body in braces"),
                    );
                }
                &[]
            }
        }
    }

    fn no_body(&mut self, head: &Head<'_>) {
        if let Some(block) = head.body {
            let span = Span::new(self.file, block.range.start, block.range.start + 1);
            self.diagnostics.push(
                Diagnostic::new(Code::E0115, "this statement has no body", span, "not expected")
                    .help("remove the block, or put its statements where they belong"),
            );
        }
    }
}
