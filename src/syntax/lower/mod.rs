//! Statements of the splitter → AST, one grammar rule at a time.

mod clause;
mod expr;
mod item;
pub use item::type_of_literal;
mod literal;
mod stage;
mod step;

use super::ast::{BuiltKind, Expr};
use super::grammar::{self, Node, Rule};
use super::needs::Need;
use super::split::{Block, Fragment, Statement};
use super::tokens;
use super::words::{self, Context};
use crate::base::elsewhere::snake_case;
use crate::base::suggest::similar;
use crate::base::{FileId, Name, Source, Span};
use crate::diag::{Applicability, Code, Diagnostic, Diagnostics, Fix};
use std::ops::Range;

/// Statements on one line that are read apart: each is found by failing at the next, which takes the rest of the line.
const MOST_ON_A_LINE: usize = 32;

/// Signs of a habit are mended together where no more bytes lie between them.
const ONE_HABIT: usize = 200;

pub struct Lower<'a> {
    file: FileId,
    /// As it is in the file.
    written: &'a str,
    text: &'a str,
    /// Where the statement starts that is being lowered: the grammar counts from there.
    offset: usize,
    /// Parts of the expressions that are being lowered.
    depth: usize,
    /// Words that were refused as names of parameters: their uses are the same mistake.
    refused_names: Vec<String>,
    /// What the text speaks of that is not in it.
    pub needs: Vec<Need>,
    /// Other ways to mend a statement are looked for.
    pub offers: bool,
    diagnostics: &'a mut Diagnostics,
}

/// What stands before a body, and the body.
type Branch<'a> = (Range<usize>, Option<&'a Block>);

/// A statement with its head parsed.
struct ParsedHead<'a> {
    node: Node<'a>,
    body: Option<&'a Block>,
    /// The other branches of an `if`: what stands before each body, and the body.
    branches: Vec<Branch<'a>>,
    doc: Option<&'a String>,
    span: Span,
}

/// What became of a statement.
enum Lowered<'a> {
    Head(ParsedHead<'a>),
    /// Refused, with the name that it would have declared.
    Refused(Option<Name>),
}

impl<'a> Lower<'a> {
    pub fn new(source: &'a Source, text: &'a str, diagnostics: &'a mut Diagnostics) -> Lower<'a> {
        let (file, written) = (source.id, source.text.as_str());
        let (refused_names, needs) = (Vec::new(), Vec::new());
        Lower { file, written, text, offset: 0, depth: 0, refused_names, needs, offers: true, diagnostics }
    }

    /// Hands each statement to `each`: parsed, or as what is left of one that was refused.
    fn statements<'s>(
        &mut self,
        statements: &'s [Statement],
        context: Context,
        mut each: impl FnMut(&mut Self, Lowered<'s>),
    ) where
        'a: 's,
    {
        for statement in statements {
            let mut parts = statement.parts.iter().peekable();
            let mut first = true;
            while let Some(part) = parts.next() {
                let range = match part {
                    Fragment::Text(range) => range.clone(),
                    Fragment::Block(block) => {
                        self.belongs_to_nothing(block, statement.broken);
                        each(self, Lowered::Refused(None));
                        continue;
                    }
                };
                let body = parts.next_if(|next| matches!(next, Fragment::Block(_))).and_then(|next| match next {
                    Fragment::Block(block) => Some(block),
                    Fragment::Text(_) => None,
                });
                if !first && !statement.broken && !self.starts_statement(&range) {
                    each(self, Lowered::Refused(None));
                    continue;
                }
                let doc = statement.doc.as_ref().filter(|_| first);
                first = false;
                let mut branches = Vec::new();
                let opens = tokens::first_word(&self.text[range.clone()]) == "if" && body.is_some();
                while let Some(Fragment::Text(other)) = parts.peek()
                    && opens
                    && tokens::first_word(&self.text[other.clone()]) == "else"
                {
                    parts.next();
                    let block = parts.next_if(|next| matches!(next, Fragment::Block(_))).and_then(|next| match next {
                        Fragment::Block(block) => Some(block),
                        Fragment::Text(_) => None,
                    });
                    branches.push((other.clone(), block));
                }
                match statement.broken {
                    true => each(self, Lowered::Refused(self.lost_name(&range))),
                    false => self.heads(range, (body, branches), doc, context, &mut each),
                }
            }
        }
    }

    /// Parses a text that should be one statement; where it is two, each of them.
    fn heads<'s>(
        &mut self,
        mut range: Range<usize>,
        (body, branches): (Option<&'s Block>, Vec<Branch<'s>>),
        doc: Option<&'s String>,
        context: Context,
        each: &mut impl FnMut(&mut Self, Lowered<'s>),
    ) where
        'a: 's,
    {
        for _ in 0..MOST_ON_A_LINE {
            if !self.known_word(range.start, range.end, context) {
                let text = &self.text[range.clone()];
                let Some(rest) = super::meant::without_prefix(text) else { break };
                range.start = range.end - rest.len();
                continue;
            }
            match self.parsed(range.clone(), context) {
                Ok(node) => {
                    self.offset = range.start;
                    let span = Span::new(self.file, range.start, range.end);
                    return each(self, Lowered::Head(ParsedHead { node, body, branches, doc, span }));
                }
                Err(refusal) => {
                    if let Some(comma) = self.comma(&range, &refusal.diagnostic, context) {
                        let span = Span::new(self.file, comma, comma + 1);
                        let problem =
                            Diagnostic::new(Code::E0100, "a line ends its statement without a `,`", span, "not needed");
                        let problem = problem.fix(Applicability::MachineApplicable, span, "", "remove it");
                        self.diagnostics.push_together(problem, comma.saturating_sub(ONE_HABIT));
                        let first = range.start..comma;
                        let behind = comma + 1 + tokens::blanks(&self.text[comma + 1..range.end]);
                        if behind == range.end {
                            range.end = comma;
                            continue;
                        }
                        if let Ok(node) = self.parsed(first.clone(), context) {
                            self.offset = first.start;
                            let span = Span::new(self.file, first.start, first.end);
                            each(self, Lowered::Head(ParsedHead { node, body: None, branches: Vec::new(), doc, span }));
                        }
                        range.start = behind;
                        continue;
                    }
                    self.diagnostics.push(refusal.diagnostic);
                    let Some(second) = refusal.second else { break };
                    let first =
                        range.start..range.start + self.text[range.start..range.start + second].trim_end().len();
                    range.start += second;
                    // The grammar read it up to here without a complaint.
                    match self.parsed(first.clone(), context) {
                        Ok(node) => {
                            self.offset = first.start;
                            let span = Span::new(self.file, first.start, first.end);
                            each(self, Lowered::Head(ParsedHead { node, body: None, branches: Vec::new(), doc, span }));
                        }
                        Err(_) => each(self, Lowered::Refused(self.lost_name(&first))),
                    }
                }
            }
        }
        each(self, Lowered::Refused(self.lost_name(&range)));
    }

    fn parsed(&self, range: Range<usize>, context: Context) -> Result<Node<'a>, Box<grammar::Refusal>> {
        // Nobody mends more at a time.
        const MENDED: usize = 50;
        let mends = self.offers && self.diagnostics.count() < MENDED;
        grammar::parse(self.file, context, &self.text[range.clone()], range.start, mends)
    }

    /// The comma at the end of a line, where what stands before it is a statement.
    fn comma(&self, range: &Range<usize>, refused: &Diagnostic, context: Context) -> Option<usize> {
        let at = refused.span().range().start.min(range.end);
        let end = (at + 1).min(range.end);
        let comma = range.start + self.text.get(range.start..end)?.rfind(',')?;
        let line = self.written[comma + 1..].lines().next().unwrap_or("").trim();
        let ends = line.is_empty() || line.starts_with("//");
        (ends && grammar::reads(context, &self.text[range.start..comma])).then_some(comma)
    }

    fn belongs_to_nothing(&mut self, block: &Block, broken: bool) {
        let brace = Span::new(self.file, block.range.start, block.range.start + 1);
        let problem =
            Diagnostic::new(Code::E0115, "this body belongs to nothing", brace, "a block without a statement");
        if !broken {
            self.diagnostics.push(problem.help("a `{` follows the statement whose body it opens"));
        }
    }

    /// After a body, on the same line, only another statement makes sense; either way it is a mistake.
    fn starts_statement(&mut self, range: &Range<usize>) -> bool {
        let word = tokens::first_word(&self.text[range.clone()]);
        let span = Span::new(self.file, range.start, range.start + word.len().max(1));
        if words::statement(word).is_some() {
            self.diagnostics.push(grammar::two_statements(span));
            return true;
        }
        let end = self.text[range.start..].chars().next().map_or(range.start, |c| range.start + c.len_utf8());
        let span = if word.is_empty() { Span::new(self.file, range.start, end) } else { span };
        let found = &self.text[span.range()];
        let problem =
            Diagnostic::new(Code::E0100, format!("`{found}` is not expected after a body"), span, "not expected");
        let problem = problem.help("a body ends its statement; what belongs to the statement stands before the `{`");
        let written = &self.text[range.clone()];
        let meant = super::repairs::branches(written).into_iter().chain(super::repairs::turns(written));
        let meant = meant.filter(|_| self.offers);
        let fixes = meant.map(|mended| super::repairs::fix(self.file, written, &mended, range.start));
        self.diagnostics.push(fixes.fold(problem, Diagnostic::or));
        false
    }

    /// The name that a refused statement would have declared: the one after `as`, or after its first word.
    fn lost_name(&self, range: &Range<usize>) -> Option<Name> {
        let text = &self.text[range.clone()];
        let first = tokens::first_word(text);
        let declares =
            matches!(first, "param" | "profile" | "ledger" | "load" | "let" | "shape" | "expectation" | "suite")
                || BuiltKind::ALL.iter().any(|kind| kind.word() == first);
        let behind = match declares {
            true => first.len(),
            false => text.rfind(" as ")? + " as".len(),
        };
        let start = range.start + behind + tokens::blanks(&text[behind..]);
        let word = tokens::first_word(&self.text[start..range.end]);
        (!word.is_empty())
            .then(|| Name { text: word.to_owned(), span: Span::new(self.file, start, start + word.len()) })
    }

    /// Refuses a statement by its first word where that says more than the grammar could.
    fn known_word(&mut self, start: usize, end: usize, context: Context) -> bool {
        let text = &self.text[start..end];
        let length = tokens::first_word(text).len();
        let (word, rest) = text.split_at(length);
        let label = rest.trim_start().starts_with([':', '=']) && !rest.trim_start().starts_with("==");
        if word.is_empty() || (label && context.has_entries()) || context == Context::Profile {
            return true;
        }
        let span = Span::new(self.file, start, start + length);
        let labelled = || {
            (words::statement(word).is_none() || word == "headers")
                && context.has_entries()
                && !rest.trim_start().starts_with(['(', '['])
                && words::foreign(word, context).is_none()
                && similar(&snake_case(word), words::standing_in(context)).is_none()
                && !grammar::reads(context, text)
                && grammar::reads(context, &format!("{word}:{rest}"))
        };
        let diagnostic = match words::statement(word) {
            Some(known) if known.contexts.contains(&context) => return true,
            _ if context != Context::Choice && labelled() => {
                let problem = Diagnostic::new(Code::E0100, "an option has a `:` after its name", span, "no `:`");
                problem.fix(Applicability::MachineApplicable, span.after(), ":", format!("write `{word}:`"))
            }
            _ if context.has_conditions() => return true,
            // A share may have any name.
            None if context == Context::Choice => return true,
            Some(_) if context == Context::Choice && grammar::reads(context, text) => return true,
            Some(_) if context == Context::Choice => {
                Diagnostic::new(Code::E0114, format!("`{word}` does not belong {}", context.place()), span, "not here")
                    .help("a part starts with its share: `70% as NAME { … }`")
            }
            Some(known) => {
                let places: Vec<&str> = known.contexts.iter().map(|c| c.place()).collect();
                Diagnostic::new(Code::E0114, format!("`{word}` does not belong {}", context.place()), span, "not here")
                    .help(format!("it stands {}", places.join(" or ")))
                    .or(Fix::new(Applicability::Maybe, span.after(), ":", format!("write `{word}:`")))
            }
            None => {
                let message = format!("no statement starts with `{word}` {}", context.place());
                let problem = Diagnostic::new(Code::E0114, message, span, "not a statement");
                let starts = |text: &str| words::standing_in(context).any(|known| known == tokens::first_word(text));
                match words::foreign(word, context) {
                    _ if let Some(object) = one_header(word, rest).filter(|_| context.has_headers()) => {
                        let whole = Span::new(self.file, start, start + text.trim_end().len());
                        problem.fix(
                            Applicability::MachineApplicable,
                            whole,
                            &object,
                            format!("headers are an object: `{object}`"),
                        )
                    }
                    Some(ours) => problem.fix(Applicability::Maybe, span, ours, format!("this language says `{ours}`")),
                    None if let Some(rest) = super::meant::without_prefix(text).filter(|rest| starts(rest)) => {
                        let prefix = Span::new(self.file, start, start + text.len() - rest.len());
                        problem.fix(Applicability::MachineApplicable, prefix, "", format!("remove `{word}`"))
                    }
                    None if context.has_entries()
                        && self.text[end..].trim_start().starts_with('{')
                        && similar(word, words::standing_in(context)).is_none() =>
                    {
                        problem.fix(
                            Applicability::MachineApplicable,
                            span.after(),
                            ":",
                            format!("an option has a colon: `{word}: {{ … }}`"),
                        )
                    }
                    None if let Some(hint) = hint(word) => {
                        let whole = Span::new(self.file, start, start + text.trim_end().len());
                        match hint {
                            NOTHING_PRINTED => {
                                problem.fix(Applicability::Maybe, whole, "", format!("remove it: {hint}"))
                            }
                            hint => problem.help(hint).or(Fix::new(
                                Applicability::Maybe,
                                whole,
                                "",
                                format!("remove it: {hint}"),
                            )),
                        }
                    }
                    None if is_condition(text) => problem.help("a condition stands in `expect { … }`"),
                    None => problem.did_you_mean(span, word, words::standing_in(context)),
                }
            }
        };
        let shapes = if self.offers { super::repairs::shapes(context, text) } else { Vec::new() };
        let diagnostic = shapes
            .iter()
            .fold(diagnostic, |diagnostic, mended| diagnostic.or(super::repairs::fix(self.file, text, mended, start)));
        self.diagnostics.push(diagnostic);
        false
    }

    fn span(&self, node: &Node<'_>) -> Span {
        let span = node.as_span();
        // Rules end with the blanks that were skipped in search of more; those are not part of what was written.
        let length = span.as_str().trim_end().len();
        let start = self.offset + span.start();
        super::characters::whole(self.written, Span::new(self.file, start, start + length))
    }

    fn name(&mut self, node: &Node<'_>) -> Name {
        let name = Name { text: node.as_str().trim().to_owned(), span: self.span(node) };
        let reserved = node.as_rule() == Rule::name && words::is_reserved(&name.text);
        if reserved && !self.refused_names.contains(&name.text) {
            self.diagnostics.push(grammar::no_name(&name.text, name.span));
        }
        name
    }

    /// The statements of a body that must be there; `None` where it is missing.
    fn body<'s>(&mut self, head: &ParsedHead<'s>) -> Option<&'s [Statement]> {
        if head.body.is_none() {
            let problem = Diagnostic::new(Code::E0115, "a body is missing", head.span.after(), "`{ … }` belongs here");
            self.diagnostics.push(problem.fix(
                Applicability::Maybe,
                head.span.after(),
                " {\n}",
                "add a body in braces",
            ));
        }
        head.body.map(|block| block.statements.as_slice())
    }

    /// Refuses `:` between a name and its value, and a type there.
    fn equals(&mut self, node: &Node<'_>) {
        if let Some(kind) = node.clone().into_inner().find(|part| part.as_rule() == Rule::wrong_type) {
            let span = self.span(&kind);
            let problem = Diagnostic::new(Code::E0100, "a `let` has no type", span, "not needed");
            self.diagnostics.push(problem.fix(
                Applicability::MachineApplicable,
                span,
                "",
                "remove it: the value has its type",
            ));
        }
        if let Some(colon) = node.clone().into_inner().find(|part| part.as_rule() == Rule::wrong_colon) {
            let span = self.span(&colon);
            let problem = Diagnostic::new(Code::E0103, "a declaration gives its value with `=`, not `:`", span, "here");
            self.diagnostics.push(problem.fix(Applicability::MachineApplicable, span, " =", "write `=`"));
        }
    }

    fn no_body(&mut self, head: &ParsedHead<'_>) {
        if let Some(block) = head.body {
            let span = Span::new(self.file, block.range.start, block.range.start + 1);
            self.diagnostics.push(
                Diagnostic::new(Code::E0115, "this statement has no body", span, "not expected")
                    .help("remove the block, or put its statements where they belong"),
            );
        }
    }

    /// The last expression of a node, such as the one of `for D`.
    fn last_expr(&mut self, node: Node<'_>) -> Option<Expr> {
        node.into_inner().filter(|part| part.as_rule() == Rule::expr).last().map(|part| self.expr(part))
    }

    /// The name of `as NAME`.
    fn naming(&mut self, node: Node<'_>) -> Option<Name> {
        node.into_inner().find(|part| part.as_rule() == Rule::name).map(|part| self.name(&part))
    }
}

/// The children of a rule that always has this many.
fn children<const N: usize>(node: Node<'_>) -> [Node<'_>; N] {
    let parts: Vec<Node<'_>> = node.into_inner().collect();
    parts.try_into().unwrap_or_else(|parts: Vec<_>| unreachable!("the rule has {N} parts, not {}", parts.len()))
}

/// `header "A": "b"`, as others write it, in the words of this language.
fn one_header(word: &str, rest: &str) -> Option<String> {
    let rest = rest.trim().trim_start_matches('(').trim_end_matches(')').trim();
    if !matches!(word, "header" | "set_header") || rest.is_empty() {
        return None;
    }
    let end = match rest.chars().next()? {
        quote @ ('"' | '\'') => rest[1..].find(quote)? + 2,
        _ => rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')))?,
    };
    let (name, value) = rest.split_at(end);
    let value = value.trim_start().trim_start_matches([':', '=', ',']).trim();
    let name = if name.starts_with(['"', '\'']) { name.to_owned() } else { format!("\"{name}\"") };
    (!value.is_empty()).then(|| format!("headers: {{ {name}: {value} }}"))
}

const NOTHING_PRINTED: &str = "nothing is printed during a run; `stressc try FILE` shows each request with its answer";

/// What other languages have as a statement, and this one has another way or not at all.
fn hint(word: &str) -> Option<&'static str> {
    Some(match snake_case(word).as_str() {
        "log" | "print" | "println" | "printf" | "echo" | "console" | "puts" | "debug" => NOTHING_PRINTED,
        "return" | "break" | "exit" | "goto" | "pass" | "stop" | "fail" | "halt" => {
            "a flow runs to its end; `if CONDITION { … }` leaves steps out"
        }
        "class" | "struct" | "interface" | "trait" | "object" => "a scenario is written `scenario NAME { … }`",
        "package" | "module" | "namespace" | "version" | "api_version" | "kind" | "apiversion" => {
            "a file has no such line; it holds `scenario NAME { … }`"
        }
        "name" | "title" | "id" => "a name follows its keyword: `scenario NAME { … }`",
        "tags" | "tag" | "labels" => "steps are named in the report by `group NAME { … }`, and requests by `as NAME`",
        "try" | "catch" | "throw" | "raise" | "finally" => {
            "a request that fails ends its iteration; `retry 3` after a request repeats it"
        }
        _ => return None,
    })
}

/// Whether a statement compares something, and so is a condition that stands in the wrong place.
fn is_condition(text: &str) -> bool {
    ["<", ">", "==", "!="].iter().any(|operator| text.contains(operator)) && grammar::reads(Context::Expect, text)
}
