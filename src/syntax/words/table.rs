//! Every word that opens a statement: where it may stand, what it does, how it is written. The reference, the
//! explanations and the editors' lists are made of this table.

mod declarations;
mod flows;
mod loads;
mod verdicts;

use super::Context;

pub struct Word {
    pub text: &'static str,
    pub contexts: &'static [Context],
    /// What it does, in a sentence or two.
    pub doc: &'static str,
    /// How it is written; one for each meaning.
    pub forms: &'static [Form],
}

/// A way to write a statement, and a line of it where it may stand.
pub struct Form {
    pub context: Context,
    pub form: &'static str,
    pub example: &'static str,
}

const fn word(text: &'static str, contexts: &'static [Context], doc: &'static str, forms: &'static [Form]) -> Word {
    Word { text, contexts, doc, forms }
}

const fn form(context: Context, form: &'static str, example: &'static str) -> Form {
    Form { context, form, example }
}

/// The whole table, in the order in which its words are listed.
pub fn statements() -> impl Iterator<Item = &'static Word> + Clone {
    [declarations::WORDS, loads::WORDS, flows::WORDS, verdicts::WORDS].into_iter().flatten()
}
