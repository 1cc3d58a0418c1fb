//! The words that open a statement, where each belongs, and the words that join lines: one table, from which
//! recovery, suggestions and editor files are derived.

/// What encloses a statement, and so which statements may stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    File,
    Scenario,
    Load,
    Flow,
    Request,
    Expect,
    Options,
}

impl Context {
    pub fn place(self) -> &'static str {
        match self {
            Context::File => "at the top of a file",
            Context::Scenario => "in a scenario",
            Context::Load => "in a load",
            Context::Flow => "in a flow",
            Context::Request => "in a request",
            Context::Expect => "in an `expect` block",
            Context::Options => "among options",
        }
    }
}

/// Whether this version runs a statement, or only knows that the language has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Runs,
    Later,
}

pub struct Word {
    pub text: &'static str,
    pub contexts: &'static [Context],
    pub state: State,
}

use Context::{Expect, File, Flow, Load, Request, Scenario};
use State::{Later, Runs};

const fn word(text: &'static str, contexts: &'static [Context], state: State) -> Word {
    Word { text, contexts, state }
}

pub const STATEMENTS: &[Word] = &[
    word("scenario", &[File], Runs),
    word("service", &[File, Scenario], Runs),
    word("target", &[File, Scenario], Runs),
    word("flow", &[File, Scenario], Runs),
    word("load", &[Scenario], Runs),
    word("expect", &[Scenario, Flow, Request], Runs),
    word("warmup", &[Load], Runs),
    word("ramp", &[Load], Runs),
    word("hold", &[Load], Runs),
    word("spike", &[Load], Runs),
    word("get", &[Flow], Runs),
    word("post", &[Flow], Runs),
    word("put", &[Flow], Runs),
    word("patch", &[Flow], Runs),
    word("delete", &[Flow], Runs),
    word("head", &[Flow], Runs),
    word("options", &[Flow], Runs),
    word("let", &[Flow], Runs),
    word("think", &[Flow], Runs),
    word("use", &[File], Later),
    word("param", &[File], Later),
    word("profile", &[File], Later),
    word("data", &[File, Scenario], Later),
    word("system", &[File, Scenario], Later),
    word("link", &[File, Scenario], Later),
    word("limiter", &[File, Scenario], Later),
    word("semaphore", &[File, Scenario], Later),
    word("monitor", &[File, Scenario], Later),
    word("alerts", &[File, Scenario], Later),
    word("ledger", &[File, Scenario], Later),
    word("shape", &[File], Later),
    word("expectation", &[File], Later),
    word("suite", &[File], Later),
    word("fault", &[Scenario], Later),
    word("event", &[Scenario], Later),
    word("steady_state", &[Scenario], Later),
    word("abort", &[Scenario], Later),
    word("setup", &[Scenario], Later),
    word("teardown", &[Scenario], Later),
    word("include", &[Load, Flow, Expect], Later),
    word("steps", &[Load], Later),
    word("idle", &[Load], Later),
    word("sweep", &[Load], Later),
    word("search", &[Load], Later),
    word("replay", &[Load], Later),
    word("repeat", &[Load, Flow], Later),
    word("once", &[Load, Flow], Later),
    word("set", &[Flow], Later),
    word("if", &[Flow], Later),
    word("group", &[Flow], Later),
    word("each", &[Flow], Later),
    word("acquire", &[Flow], Later),
    word("measure", &[Flow], Later),
    word("request", &[Flow], Later),
    word("query", &[Flow], Later),
    word("execute", &[Flow], Later),
    word("connect", &[Flow], Later),
    word("send", &[Flow], Later),
    word("receive", &[Flow], Later),
    word("call", &[Flow], Later),
    word("command", &[Flow], Later),
    word("continue", &[Flow], Later),
    word("record", &[Request], Later),
    word("alert", &[Expect], Later),
    word("no", &[Expect], Later),
];

/// A newline before one of these ends no statement, unless the word is a label.
pub const CONNECTING: &[&str] = &[
    "and", "or", "else", "for", "over", "during", "outside", "within", "while", "until", "each", "every", "settle",
    "at", "of", "from", "in", "by", "as", "on", "when", "backoff",
];

/// Never names.
pub const RESERVED: &[&str] = &["not", "true", "false", "null", "baseline"];

pub fn statement(text: &str) -> Option<&'static Word> {
    STATEMENTS.iter().find(|word| word.text == text)
}

/// What the body of a statement holds, by the statement's first word.
pub fn body(first: &str) -> Context {
    match first {
        "scenario" => Scenario,
        "flow" => Flow,
        "load" => Load,
        "expect" => Expect,
        _ if statement(first).is_some_and(|word| word.contexts.contains(&Flow)) => Request,
        _ => Context::Options,
    }
}

/// Whether a word touches a following `:`, which makes it a label and no other word.
pub fn is_label(text: &str, word: &std::ops::Range<usize>) -> bool {
    text.as_bytes().get(word.end) == Some(&b':')
}

/// The statements that may stand in a context and that this version runs.
pub fn running_in(context: Context) -> impl Iterator<Item = &'static str> {
    STATEMENTS.iter().filter(move |w| w.state == Runs && w.contexts.contains(&context)).map(|w| w.text)
}
