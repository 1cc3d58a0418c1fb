//! Text → AST: split into statements, parse each with the grammar, lower to the tree. Never fails; what could not
//! be read is missing from the tree and present in the diagnostics.

pub mod ast;
mod balance;
mod braces;
mod characters;
mod closed;
pub mod elsewhere;
pub mod format;
mod foreign;
mod expected;
mod grammar;
mod lower;
pub mod dialect;
mod meant;
mod repairs;
pub mod needs;
mod split;
mod tokens;
mod units;
pub mod words;

use crate::base::Source;
use crate::diag::Diagnostics;

/// A file as written, and what is wrong with its form.
#[derive(Debug, Default)]
pub struct Parsed {
    pub file: ast::File,
    pub needs: Vec<needs::Need>,
    pub diagnostics: Diagnostics,
}

pub fn parse(source: &Source) -> Parsed {
    parsed(source, true)
}

/// As `parse`, of a text in which nobody is offered anything: what is wrong has its code and place, and no other ways to mend it.
pub fn parse_tried(source: &Source) -> Parsed {
    parsed(source, false)
}

fn parsed(source: &Source, offers: bool) -> Parsed {
    let mut diagnostics = Diagnostics::default();
    let text = foreign::without_blocks(source.id, &source.text, &mut diagnostics);
    let text = characters::read_as_meant(source.id, &text, &mut diagnostics);
    let split = split::split(source.id, &text, tokens::Unended::WhereItReads, &mut diagnostics);
    let mut lower = lower::Lower::new(source, &split.blanked, &mut diagnostics);
    lower.offers = offers;
    let items = lower.items(&split.statements, words::Context::File);
    let needs = std::mem::take(&mut lower.needs);
    diagnostics.moved(source.id, |span| characters::whole(&source.text, span));
    let refused = diagnostics.has_errors();
    Parsed { file: ast::File { doc: split.doc, items, refused }, needs, diagnostics }
}

/// Settings from outside, as `NAME = VALUE`.
pub fn settings(source: &Source) -> (Vec<ast::Setting>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let text = characters::read_as_meant(source.id, &source.text, &mut diagnostics);
    let split = split::split(source.id, &text, tokens::Unended::WhereItReads, &mut diagnostics);
    let settings = lower::Lower::new(source, &split.blanked, &mut diagnostics).settings(&split.statements);
    (settings, diagnostics)
}

/// The text in canonical form: what it says stays, how it is laid out does not.
pub fn format(source: &Source) -> String {
    format::formatted(source).text
}
