//! Options, by the kind of declaration whose braces they stand in.

use crate::check::types::Type;

pub struct Opt {
    /// The word of the declaration.
    pub of: &'static str,
    pub name: &'static str,
    pub kinds: &'static [Type],
    pub doc: &'static str,
    /// The value that an example gives it.
    pub example: &'static str,
}

const fn opt(
    of: &'static str,
    name: &'static str,
    kinds: &'static [Type],
    doc: &'static str,
    example: &'static str,
) -> Opt {
    Opt { of, name, kinds, doc, example }
}

const TEXT: &[Type] = &[Type::Text];
const DURATION: &[Type] = &[Type::Duration];
const OBJECT: &[Type] = &[Type::Object];
const BOOL: &[Type] = &[Type::Bool];

pub const OPTIONS: &[Opt] = &[
    opt(
        "service",
        "ready",
        TEXT,
        "A path or URL that must answer before the load starts; every service has one of its own.",
        "\"/health\"",
    ),
    opt("service", "ready_within", DURATION, "How long it may take to become ready (30 s).", "30s"),
    opt("service", "stop_within", DURATION, "How long it may take to stop before it is killed (5 s).", "10s"),
    opt("service", "env", OBJECT, "Variables of its environment.", "{ MODE: \"test\" }"),
    opt("service", "dir", TEXT, "Its working directory; a private one if nothing is said.", "\".\""),
    opt(
        "service",
        "files",
        OBJECT,
        "Files that are written into its private directory before it starts.",
        "{ \"a.conf\": \"x\" }",
    ),
    opt("service", "metrics", TEXT, "Where its /metrics page is: a path or a URL.", "\"/metrics\""),
    opt("service", "port", &[Type::Count], "The port on which it listens.", "8080"),
    opt("service", "restart", BOOL, "Whether it is started again when it ends.", "true"),
    opt("target", "timeout", DURATION, "How long an answer may take (10 s).", "2s"),
    opt("target", "connections", &[Type::Object], "`per_user`, `per_request` or `pool(N)`.", "per_request"),
    opt("target", "redirects", &[Type::Count], "How many redirects are followed (none).", "3"),
    opt("target", "cookies", BOOL, "Whether cookies are kept (true).", "false"),
    opt("target", "http", &[Type::Count], "The version of HTTP: 1 or 2.", "1"),
    opt("target", "tls", OBJECT, "`ca cert key` as files, `verify` as true or false.", "{ verify: false }"),
    opt("target", "headers", OBJECT, "Headers of every request.", "{ \"Accept\": \"text/html\" }"),
    opt("target", "auth", &[Type::Object], "`bearer(token)` or `basic(user, password)`.", "bearer(\"t\")"),
    opt("target", "dns", TEXT, "`once` or `each`: when the host is looked up.", "\"once\""),
    opt("data", "columns", OBJECT, "The types of columns: Text, Number, Count or Bool.", "{ id: Count }"),
    opt(
        "alerts",
        "rules",
        TEXT,
        "The rules file, so that what cannot fire in time is known before the run.",
        "\"alert-rules.yml\"",
    ),
    opt("alerts", "receiver", TEXT, "An address to listen on for deliveries.", "\"127.0.0.1:9199\""),
    opt("alerts", "evaluation", DURATION, "How often rules are evaluated, where their group does not say.", "15s"),
    opt("alerts", "grouping", DURATION, "How long a first alert waits for others (`group_wait`).", "0s"),
    opt(
        "load",
        "max_in_flight",
        &[Type::Count],
        "Iterations at a time; an arrival beyond is dropped and counted.",
        "100",
    ),
    opt("load", "grace", DURATION, "What is in flight at the end may take so long (30 s).", "10s"),
    opt(
        "load",
        "population",
        &[Type::Users],
        "The identities to which arrivals are dealt (each arrival is a new user).",
        "500 users",
    ),
    opt("load", "pace", DURATION, "Of a closed load: an iteration of a user starts so long after its last one.", "10s"),
    opt(
        "load",
        "arrivals",
        &[Type::Object],
        "`poisson`: at random, as those of independent people; else evenly.",
        "poisson",
    ),
    opt("steady_state", "window", DURATION, "The trailing window that is judged each second (5 s).", "5s"),
    opt("steady_state", "hold", DURATION, "How long it must hold to have recovered (5 s).", "5s"),
];

pub fn options_of(of: &str) -> impl Iterator<Item = &'static Opt> {
    OPTIONS.iter().filter(move |option| option.of == of)
}
