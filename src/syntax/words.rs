//! The words that open a statement, where each belongs, and the words that join lines: one table, from which
//! recovery, suggestions and editor files are derived.

/// What encloses a statement, and so which statements may stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    File,
    System,
    Scenario,
    Load,
    Flow,
    Choice,
    Request,
    Expect,
    Steady,
    Ledger,
    Suite,
    Profile,
    Options,
}

impl Context {
    pub const ALL: [Context; 13] = [
        Context::File,
        Context::System,
        Context::Scenario,
        Context::Load,
        Context::Flow,
        Context::Choice,
        Context::Request,
        Context::Expect,
        Context::Steady,
        Context::Ledger,
        Context::Suite,
        Context::Profile,
        Context::Options,
    ];

    /// One word for it, as in the markers of the reference.
    pub fn name(self) -> &'static str {
        match self {
            Context::File => "file",
            Context::System => "system",
            Context::Scenario => "scenario",
            Context::Load => "load",
            Context::Flow => "flow",
            Context::Choice => "choice",
            Context::Request => "request",
            Context::Expect => "expect",
            Context::Steady => "steady",
            Context::Ledger => "ledger",
            Context::Suite => "suite",
            Context::Profile => "profile",
            Context::Options => "options",
        }
    }

    pub fn place(self) -> &'static str {
        match self {
            Context::File => "at the top of a file",
            Context::System => "in a system",
            Context::Scenario => "in a scenario",
            Context::Load => "in a load",
            Context::Flow => "in a flow",
            Context::Choice => "among the parts of a `choose`",
            Context::Request => "in a request",
            Context::Expect => "in an `expect` block",
            Context::Steady => "in a steady state",
            Context::Ledger => "in a ledger",
            Context::Suite => "in a suite",
            Context::Profile => "in a profile",
            Context::Options => "among options",
        }
    }

    /// Whether `name: value` stands here.
    pub fn has_entries(self) -> bool {
        matches!(self, Context::Load | Context::Request | Context::Steady | Context::Ledger | Context::Options)
    }

    /// Whether `headers:` stands here.
    pub fn has_headers(self) -> bool {
        matches!(self, Context::Flow | Context::Request)
    }

    /// Whether a statement here may be a condition, which starts with any name.
    pub fn has_conditions(self) -> bool {
        matches!(self, Context::Expect | Context::Steady)
    }
}

use crate::base::elsewhere::named_here;

mod clauses;
mod table;
pub use clauses::{CLAUSES, Clause};
pub use table::{Form, Word, statements};

use Context::{Expect, Flow, Ledger, Load, Profile, Request, Scenario, Steady, Suite, System};

/// A newline before one of these ends no statement, unless the word is a label.
pub const CONNECTING: &[&str] = &[
    "and", "or", "else", "for", "over", "during", "outside", "within", "while", "until", "each", "every", "settle",
    "at", "of", "from", "in", "by", "as", "on", "when", "backoff",
];

/// Never names.
pub const RESERVED: &[&str] = &["not", "true", "false", "null", "baseline"];

/// Whether a word can never be a name.
pub fn is_reserved(word: &str) -> bool {
    CONNECTING.contains(&word) || RESERVED.contains(&word)
}

pub fn statement(text: &str) -> Option<&'static Word> {
    statements().find(|word| word.text == text)
}

/// What the body of a statement holds, by the statement's first word and what encloses it.
pub fn body(first: &str, outside: Context) -> Context {
    match first {
        // A part starts with its share, whatever that is called.
        _ if outside == Context::Choice => Flow,
        "choose" => Context::Choice,
        "scenario" => Scenario,
        "system" => System,
        "flow" | "setup" | "teardown" | "verify" => Flow,
        "group" | "transaction" | "if" | "else" | "each" | "acquire" => Flow,
        "repeat" | "once" => outside,
        "load" | "shape" => Load,
        "expect" | "expectation" => Expect,
        "steady_state" => Steady,
        "ledger" => Ledger,
        "suite" => Suite,
        "profile" => Profile,
        _ if outside == Flow && statement(first).is_some_and(|word| word.contexts.contains(&Flow)) => Request,
        _ => Context::Options,
    }
}

/// Whether a word touches a following `:`, which makes it a label and no other word.
pub fn is_label(text: &str, word: &std::ops::Range<usize>) -> bool {
    text.as_bytes().get(word.end) == Some(&b':')
}

/// The statement of a context that a word of elsewhere means.
pub fn foreign(word: &str, context: Context) -> Option<&'static str> {
    named_here(word, &standing_in(context).collect::<Vec<_>>())
}

/// The statements that may stand in a context.
pub fn standing_in(context: Context) -> impl Iterator<Item = &'static str> {
    statements().filter(move |w| w.contexts.contains(&context)).map(|w| w.text)
}
