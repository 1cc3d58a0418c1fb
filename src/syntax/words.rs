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
    Request,
    Expect,
    Steady,
    Ledger,
    Suite,
    Profile,
    Options,
}

impl Context {
    pub fn place(self) -> &'static str {
        match self {
            Context::File => "at the top of a file",
            Context::System => "in a system",
            Context::Scenario => "in a scenario",
            Context::Load => "in a load",
            Context::Flow => "in a flow",
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
        matches!(self, Context::Load | Context::Request | Context::Steady | Context::Options)
    }

    /// Whether a statement here may be a condition, which starts with any name.
    pub fn has_conditions(self) -> bool {
        matches!(self, Context::Expect | Context::Steady)
    }
}

pub struct Word {
    pub text: &'static str,
    pub contexts: &'static [Context],
}

use Context::{Expect, File, Flow, Ledger, Load, Profile, Request, Scenario, Steady, Suite, System};

const fn word(text: &'static str, contexts: &'static [Context]) -> Word {
    Word { text, contexts }
}

pub const STATEMENTS: &[Word] = &[
    word("use", &[File]),
    word("param", &[File]),
    word("profile", &[File]),
    word("data", &[File, System, Scenario]),
    word("system", &[File, System, Scenario]),
    word("service", &[File, System, Scenario]),
    word("link", &[File, System, Scenario]),
    word("target", &[File, System, Scenario]),
    word("limiter", &[File, System, Scenario]),
    word("semaphore", &[File, System, Scenario]),
    word("monitor", &[File, System, Scenario]),
    word("alerts", &[File, System, Scenario]),
    word("flow", &[File, Scenario]),
    word("shape", &[File]),
    word("expectation", &[File]),
    word("scenario", &[File]),
    word("suite", &[File]),
    word("ledger", &[Scenario]),
    word("load", &[Scenario]),
    word("fault", &[Scenario]),
    word("event", &[Scenario]),
    word("expect", &[Scenario, Flow, Request]),
    word("steady_state", &[Scenario]),
    word("abort", &[Scenario]),
    word("setup", &[Scenario]),
    word("teardown", &[Scenario]),
    word("let", &[System, Scenario, Flow]),
    word("include", &[Load, Flow, Expect, Steady]),
    word("warmup", &[Load]),
    word("hold", &[Load]),
    word("ramp", &[Load]),
    word("spike", &[Load]),
    word("steps", &[Load]),
    word("idle", &[Load]),
    word("sweep", &[Load]),
    word("search", &[Load]),
    word("replay", &[Load]),
    word("repeat", &[Load, Flow]),
    word("once", &[Load, Flow]),
    word("get", &[Flow]),
    word("post", &[Flow]),
    word("put", &[Flow]),
    word("patch", &[Flow]),
    word("delete", &[Flow]),
    word("head", &[Flow]),
    word("options", &[Flow]),
    word("request", &[Flow]),
    word("query", &[Flow]),
    word("execute", &[Flow]),
    word("connect", &[Flow]),
    word("send", &[Flow]),
    word("receive", &[Flow]),
    word("call", &[Flow]),
    word("command", &[Flow]),
    word("set", &[Flow]),
    word("think", &[Flow]),
    word("if", &[Flow]),
    word("group", &[Flow]),
    word("each", &[Flow]),
    word("acquire", &[Flow]),
    word("measure", &[Flow]),
    word("count", &[Flow]),
    word("record", &[Request]),
    word("continue", &[Request]),
    word("alert", &[Expect]),
    word("no", &[Expect]),
    word("verify", &[Ledger]),
    word("area", &[Suite]),
    word("ready", &[Suite]),
];

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
    STATEMENTS.iter().find(|word| word.text == text)
}

/// What the body of a statement holds, by the statement's first word and what encloses it.
pub fn body(first: &str, outside: Context) -> Context {
    match first {
        "scenario" => Scenario,
        "system" => System,
        "flow" | "setup" | "teardown" | "verify" => Flow,
        "group" | "if" | "else" | "each" | "acquire" => Flow,
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

/// What other languages and tools say, and the statement that it is here.
const FOREIGN: &[(&str, &str)] = &[
    ("import", "use"),
    ("include", "use"),
    ("require", "use"),
    ("const", "param"),
    ("var", "let"),
    ("const", "let"),
    ("def", "let"),
    ("test", "scenario"),
    ("describe", "scenario"),
    ("assert", "expect"),
    ("check", "expect"),
    ("thresholds", "expect"),
    ("sleep", "think"),
    ("wait", "think"),
    ("pause", "think"),
    ("pause", "idle"),
    ("stage", "hold"),
    ("constant", "hold"),
    ("for", "each"),
    ("foreach", "each"),
    ("while", "repeat"),
    ("loop", "repeat"),
    ("inject", "fault"),
    ("chaos", "fault"),
    ("before", "setup"),
    ("after", "teardown"),
];

/// The statement of a context that a word of elsewhere means.
pub fn foreign(word: &str, context: Context) -> Option<&'static str> {
    let stands = |ours: &&str| standing_in(context).any(|text| text == *ours);
    FOREIGN.iter().filter(|(theirs, _)| *theirs == word).map(|(_, ours)| *ours).find(stands)
}

/// The statements that may stand in a context.
pub fn standing_in(context: Context) -> impl Iterator<Item = &'static str> {
    STATEMENTS.iter().filter(move |w| w.contexts.contains(&context)).map(|w| w.text)
}
