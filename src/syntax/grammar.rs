//! The generated parser, and what its failures mean to a person.

use super::expected::{COULD_END, END, NAME, OPERATOR, VALUE, described};
use super::repairs;
use super::words::{self, Context};
use crate::base::{FileId, Span};
use crate::diag::{Applicability, Code, Diagnostic};
use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/stress.pest"]
struct Grammar;

pub type Node<'a> = Pair<'a, Rule>;

/// The rule of a statement by what encloses it.
pub fn rule_of(context: Context) -> Rule {
    match context {
        Context::File => Rule::file_statement,
        Context::Scenario => Rule::scenario_statement,
        Context::Load => Rule::load_statement,
        Context::Flow => Rule::flow_statement,
        Context::Choice => Rule::choice_statement,
        Context::Request => Rule::request_statement,
        Context::Expect => Rule::expect_statement,
        Context::Options => Rule::options_statement,
        Context::System => Rule::system_statement,
        Context::Steady => Rule::steady_statement,
        Context::Ledger => Rule::ledger_statement,
        Context::Suite => Rule::suite_statement,
        Context::Profile => Rule::profile_statement,
    }
}

/// Why a text is no statement.
pub struct Refusal {
    pub diagnostic: Diagnostic,
    /// Where in the text a second statement starts, when that is all that is wrong.
    pub second: Option<usize>,
}

/// Where the grammar stops in a text that is no statement of a context.
pub fn stops(context: Context, text: &str) -> Option<usize> {
    Grammar::parse(rule_of(context), text).err().map(|error| place(&error))
}

/// Whether a text is a statement of a context.
pub fn reads(context: Context, text: &str) -> bool {
    Grammar::parse(rule_of(context), text).is_ok()
}

/// Whether a text is what stands before another body of an `if`.
pub fn reads_branch(text: &str) -> bool {
    Grammar::parse(Rule::otherwise, text).is_ok()
}

/// Parses what stands before the second body of an `if`: `else`, or `else if CONDITION`.
pub fn otherwise(file: FileId, text: &str, offset: usize) -> Result<Option<Node<'_>>, Box<Refusal>> {
    match Grammar::parse(Rule::otherwise, text) {
        Ok(mut pairs) => {
            let inner = pairs.next().expect("a parse has a node").into_inner();
            Ok(inner.into_iter().find(|node| node.as_rule() == Rule::branch))
        }
        Err(error) => Err(Box::new(explain(file, text, offset, &error))),
    }
}

/// Parses one statement that starts at `offset` of its file. The node is what the statement holds.
/// What it may mean where it is none is looked for where it `mends`.
pub fn parse(file: FileId, context: Context, text: &str, offset: usize, mends: bool) -> Result<Node<'_>, Box<Refusal>> {
    let rule = rule_of(context);
    match Grammar::parse(rule, text) {
        // A statement rule has one child next to the end of input.
        Ok(mut pairs) => Ok(pairs.next().and_then(|p| p.into_inner().next()).expect("a statement holds a node")),
        Err(error) => {
            let mut refusal = explain(file, text, offset, &error);
            if let Some(quoted) = quoted_label(file, context, text, offset) {
                refusal.diagnostic = quoted;
            }
            refusal.diagnostic = mended(refusal.diagnostic, context, text, offset);
            let at = place(&error);
            let is_bare = |refused: &Diagnostic| refused.code == Code::E0100 && refused.fix.is_none();
            let mut meant = match is_bare(&refusal.diagnostic) {
                true => super::meant::meant(file, context, text, at, offset),
                false => None,
            };
            if let Some(meant) = meant.take_if(|meant| meant.code == Code::E0118) {
                refusal.diagnostic = meant.or_else(refusal.diagnostic);
            }
            if let ([word], None) = (expected(&error).as_slice(), &refusal.diagnostic.fix)
                && *word != "`:`"
            {
                refusal.diagnostic = with_word(refusal.diagnostic, context, text, offset, word);
            }
            if let Some(meant) = meant.filter(|meant| meant.code == Code::E0100 && is_bare(&refusal.diagnostic)) {
                refusal.diagnostic = meant.or_else(refusal.diagnostic);
            }
            refusal.diagnostic = with_form(refusal.diagnostic, context, text);
            if refusal.second.is_none() && mends {
                let more = super::meant::all(context, text, at).into_iter().chain(repairs::shapes(context, text));
                for mended in more.chain(repairs::around(context, text, at)) {
                    refusal.diagnostic = refusal.diagnostic.or(repairs::fix(file, text, &mended, offset));
                }
            }
            Err(Box::new(refusal))
        }
    }
}

/// Without a fix with which the statement does not parse, unless that makes two of it.
fn mended(refused: Diagnostic, context: Context, text: &str, offset: usize) -> Diagnostic {
    let Some(edit) = refused.fix.as_ref().map(|fix| &fix.edits[0]) else { return refused };
    let range = edit.span.range();
    if edit.text == "\n" || range.start < offset || range.end > offset + text.len() {
        return refused;
    }
    let (before, behind) = (&text[..range.start - offset], &text[range.end - offset..]);
    match reads(context, &format!("{before}{}{behind}", edit.text)) {
        true => refused,
        false => Diagnostic { fix: None, ..refused },
    }
}

/// Where the grammar stopped.
fn place(error: &pest::error::Error<Rule>) -> usize {
    match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    }
}

/// How the statement is written, where nothing better is known than what the grammar waited for.
fn with_form(refused: Diagnostic, context: Context, text: &str) -> Diagnostic {
    let waited = refused.help.as_ref().is_none_or(|help| help.starts_with("expected ") || *help == COULD_END);
    let first = super::tokens::first_word(text);
    let form = words::statement(first).and_then(|word| word.forms.iter().find(|form| form.context == context));
    let (true, None, Some(form)) = (refused.code == Code::E0100 && waited, &refused.fix, form) else { return refused };
    let lines = form.form.lines().filter(|line| line.starts_with(first));
    let forms: Vec<String> = lines.map(|line| format!("`{}`", line.trim_end_matches([' ', '{']))).collect();
    let expected = refused.help.as_ref().map_or_else(String::new, |help| format!("{help}; "));
    let forms = match forms.as_slice() {
        [one] => format!("the form is {one}"),
        many => format!("the forms are {}", many.join(" and ")),
    };
    let help = format!("{expected}{forms}");
    refused.help(help)
}

/// `"name": value`, as in JSON, where an option stands.
fn quoted_label(file: FileId, context: Context, text: &str, offset: usize) -> Option<Diagnostic> {
    let (label, behind) = text.strip_prefix('"')?.split_once('"')?;
    if !(context.has_entries() && behind.trim_start().starts_with(':')) {
        return None;
    }
    let span = Span::new(file, offset, offset + label.len() + 2);
    let problem = Diagnostic::new(Code::E0100, "the name of an option has no quotes", span, "quoted");
    Some(problem.fix(Applicability::MachineApplicable, span, label, format!("write `{label}:`")))
}

/// The fix where one word is all that is missing or wrong: whichever of putting it there and putting it in the place
/// of what is there makes a statement.
fn with_word(refused: Diagnostic, context: Context, text: &str, offset: usize, word: &str) -> Diagnostic {
    let word = word.trim_matches('`');
    let range = refused.span().range();
    // `ramp to 50/s` lacks the level from which it rises, which no word can give.
    let levels = |before: &str| word == "->" && before.trim_end().ends_with(" to");
    if refused.code != Code::E0100
        || range.is_empty()
        || word.contains(' ')
        || levels(&text[..range.start.saturating_sub(offset)])
    {
        return refused;
    }
    let (start, end) = (range.start - offset, range.end - offset);
    let (before, found, behind) = (&text[..start], &text[start..end], &text[end..]);
    // A name is no wrong word, whatever it would read as.
    let joins = words::CONNECTING.contains(&found) || matches!(found, "if" | "during" | "to" | "with");
    if joins && reads(context, &format!("{before}{word}{behind}")) {
        return refused.clone().fix(Applicability::Maybe, refused.span(), word, format!("write `{word}`"));
    }
    if reads(context, &format!("{before}{word} {found}{behind}")) {
        let help = format!("write `{word}` before it");
        return refused.clone().fix(Applicability::Maybe, refused.span().before(), format!("{word} "), help);
    }
    refused
}

/// Two statements on one line; the second starts at the span.
pub fn two_statements(second: Span) -> Diagnostic {
    Diagnostic::new(Code::E0105, "two statements on one line", second, "the second one starts here").fix(
        Applicability::MachineApplicable,
        second.before(),
        "\n",
        "put it on a line of its own",
    )
}

/// A word of the language where a name is needed.
pub fn no_name(word: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0118, format!("`{word}` is a word of the language and cannot be a name"), span, "reserved")
        .fix(Applicability::Maybe, span, format!("{word}_"), format!("choose another name, such as `{word}_`"))
}

fn explain(file: FileId, text: &str, offset: usize, error: &pest::error::Error<Rule>) -> Refusal {
    let at = place(error);
    let rest = &text[at..];
    let blanks = [' ', '\t', '\r', '\n'];
    let found = rest.trim_start_matches(blanks).split(blanks).next().unwrap_or("");
    let length = match found.find(|c: char| !c.is_alphanumeric() && c != '_') {
        Some(0) => found.chars().next().map_or(0, char::len_utf8),
        Some(end) => end,
        None => found.len(),
    };
    let at = at + (rest.len() - rest.trim_start_matches(blanks).len());
    let span = Span::new(file, offset + at, offset + at + length);
    let mut wanted = expected(error);
    let (message, label) = match (found.is_empty(), chained(text, at)) {
        (true, _) => ("this statement is not complete".to_owned(), "something is missing here".to_owned()),
        (false, true) => {
            let diagnostic = Diagnostic::new(Code::E0106, "comparisons do not chain", span, "a second comparison");
            return Refusal { diagnostic: diagnostic.help("write `a < b and b < c`"), second: None };
        }
        (false, false) => (format!("`{}` is not expected here", &text[at..at + length]), "not expected".to_owned()),
    };
    let ended = wanted.iter().position(|words| *words == END);
    ended.map(|at| wanted.remove(at));
    let first_word = text[at..at + length].to_owned();
    if ended.is_some() && words::statement(&first_word).is_some() && !text[..at].trim().is_empty() {
        return Refusal { diagnostic: two_statements(span), second: Some(at) };
    }
    if words::is_reserved(&first_word) && wanted.iter().any(|words| matches!(*words, VALUE | NAME)) {
        return Refusal { diagnostic: no_name(&first_word, span), second: None };
    }
    let before = text[..at].trim_end();
    let gap = at - before.len();
    if let Some(named) = named_by_as(file, (text, offset), (before, at), &first_word) {
        return Refusal { diagnostic: named, second: None };
    }
    if text[at..].starts_with('(') && gap > 0 && before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        let blanks = Span::new(file, offset + at - gap, offset + at);
        let problem = Diagnostic::new(Code::E0100, "the `(` of a call touches its name", span, "written apart");
        return Refusal {
            diagnostic: problem.fix(Applicability::MachineApplicable, blanks, "", "take the blank away"),
            second: None,
        };
    }
    let diagnostic = Diagnostic::new(Code::E0100, message, span, label);
    if text[at..].starts_with(':') && words::statement(super::tokens::first_word(text)).is_some() {
        let help = match super::tokens::first_word(text) {
            "load" => "a mix is written `load NAME of { 80% browse as readers, 20% buy as buyers } { … }`",
            _ => "a body stands in braces: `{ … }`",
        };
        return Refusal { diagnostic: diagnostic.help(help), second: None };
    }
    if super::tokens::first_word(&text[at..]) == first_word
        && !first_word.is_empty()
        && before.rsplit(' ').next() == Some("alert")
    {
        let help = format!("the name of an alert stands in quotes: `\"{first_word}\"`");
        return Refusal {
            diagnostic: diagnostic.fix(Applicability::MachineApplicable, span, format!("\"{first_word}\""), help),
            second: None,
        };
    }
    // A word that could go on with the line before begins no statement of its own.
    if matches!(first_word.as_str(), "while" | "for") && words::statement(super::tokens::first_word(text)).is_some() {
        let written = text[at..].trim_end();
        let meant = super::repairs::turns(written);
        if first_word == "while" || !meant.is_empty() {
            let help = match first_word.as_str() {
                "while" => "a loop is written `repeat while CONDITION at most 10 { … }`",
                _ => "a loop is written `repeat i from 1 at most 3 { … }`, and one over a list `each x in LIST { … }`",
            };
            let fixes = meant.iter().map(|mended| super::repairs::fix(file, written, mended, offset + at));
            return Refusal { diagnostic: fixes.fold(diagnostic.help(help), Diagnostic::or), second: None };
        }
    }
    if first_word == "else" {
        let help = "`else` follows the body of an `if`: `if … { … } else { … }`";
        return Refusal { diagnostic: diagnostic.help(help), second: None };
    }
    let diagnostic = match wanted.as_slice() {
        [] if ended.is_some() => diagnostic.help(COULD_END),
        [] => diagnostic,
        many => diagnostic.help(format!("expected {}", or_list(many))),
    };
    Refusal { diagnostic, second: None }
}

/// `transaction as move`: the name of what has a block of steps follows its word.
fn named_by_as(
    file: FileId,
    (text, offset): (&str, usize),
    (before, at): (&str, usize),
    name: &str,
) -> Option<Diagnostic> {
    let word = before.strip_suffix("as")?.trim_end();
    if !matches!(word.trim_start(), "transaction" | "group") || name.is_empty() {
        return None;
    }
    let start = before.len() - "as".len();
    let span = Span::new(file, offset + start, offset + before.len());
    let message = format!("the name of a `{}` follows without `as`", word.trim_start());
    let refused = Diagnostic::new(Code::E0100, message, span, "not needed");
    let blank = Span::new(file, offset + start, offset + at);
    let help = format!("write `{} {}`", word.trim_start(), super::tokens::first_word(&text[at..]));
    Some(refused.fix(Applicability::MachineApplicable, blank, "", help))
}

/// Whether a comparison stands before and at the place of the failure.
fn chained(text: &str, at: usize) -> bool {
    let comparison = |part: &str| ["<", ">", "==", "!="].iter().any(|op| part.contains(op));
    text[at..].starts_with(['<', '>']) && comparison(&text[..at])
}

fn expected(error: &pest::error::Error<Rule>) -> Vec<&'static str> {
    let ErrorVariant::ParsingError { positives, .. } = &error.variant else { return Vec::new() };
    let mut words: Vec<&str> = Vec::new();
    for rule in positives {
        if let Some(word) = described(*rule)
            && !words.contains(&word)
        {
            words.push(word);
        }
    }
    // Operators may follow any value; next to something definite they say nothing.
    if words.iter().any(|w| *w != OPERATOR && *w != END) {
        words.retain(|w| *w != OPERATOR);
    }
    words
}

fn or_list(words: &[&str]) -> String {
    match words {
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
        [] => String::new(),
    }
}
