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
const JSON: &[Type] = &[Type::Json];
const BOOL: &[Type] = &[Type::Bool];

pub const OPTIONS: &[Opt] = &[
    opt(
        "link",
        "tls",
        OBJECT,
        "`terminate`: the link shows its clients a certificate of the run, reads what they say, and speaks to the server by TLS as the `tls:` of the target says \
         (TLS passes as it is).",
        "terminate",
    ),
    opt(
        "service",
        "ready",
        TEXT,
        "A path or URL that must answer 2xx before the load starts (`/health` of `demo()`; a query of `postgres()`; that the port accepts, where one is known, of `process` and `attach`).",
        "\"/health\"",
    ),
    opt(
        "service",
        "ready_within",
        DURATION,
        "How long it may take to become ready (30s; of `attach` without `ready` 1s).",
        "30s",
    ),
    opt(
        "service",
        "may_be_down",
        BOOL,
        "Of `attach`: whether the run begins though nobody listens at its port (false: it is not made).",
        "true",
    ),
    opt(
        "service",
        "stop_within",
        DURATION,
        "How long it may take to end when it is asked to, before SIGKILL (5s).",
        "10s",
    ),
    opt(
        "service",
        "env",
        OBJECT,
        "Variables of its environment, beside those of the run (none).",
        "{ MODE: \"test\" }",
    ),
    opt(
        "service",
        "dir",
        TEXT,
        "Its working directory, relative to the file, from which it reads relative paths in its arguments (a private one, removed after the run).",
        "\".\"",
    ),
    opt(
        "service",
        "files",
        OBJECT,
        "Files that are written into its private directory before it starts: names and texts (none). The path of the directory is in its variable `STRESSC_DIR`.",
        "{ \"a.conf\": \"x\" }",
    ),
    opt(
        "service",
        "metrics",
        TEXT,
        "Where its /metrics page is: a path or a URL (`/metrics` of `demo()`, else none).",
        "\"/metrics\"",
    ),
    opt(
        "service",
        "port",
        &[Type::Count],
        "The port on which it listens, from 1 to 65535 or `port()`; its `.url` and `.address` need it.",
        "8080",
    ),
    opt(
        "service",
        "restart",
        BOOL,
        "Whether it is started again when it ends during the run, after 100ms and each time twice as long, up to 5s (false: its end ends the run).",
        "true",
    ),
    opt("target", "timeout", DURATION, "How long an answer may take, from the send to its last byte (10s).", "2s"),
    opt(
        "target",
        "connections",
        &[Type::Object],
        "`per_user`, `per_request` or `pool(N)` (of a closed load `per_user`, of an open one a shared pool that grows as needed).",
        "per_request",
    ),
    opt(
        "target",
        "redirects",
        &[Type::Count],
        "How many redirects are followed, up to 20 (0: the redirect is the answer).",
        "3",
    ),
    opt("target", "cookies", BOOL, "Whether a user's cookies are kept (true).", "false"),
    opt("target", "http", &[Type::Count], "The version of HTTP: 1 or 2 (1).", "1"),
    opt(
        "target",
        "tls",
        OBJECT,
        "How an `https://` way is encrypted: `ca`, who may sign for the server (whom this machine trusts); `cert` and `key`, what the client shows of itself, or each user by its row (nothing); each a file in PEM or its text; `verify`, whether the certificate is looked at (true); `server_name`, whom it must name (the host of the address); `min` and `max`, \"1.2\" or \"1.3\" (both); `alpn`, the protocols that are offered (none); `resume`, whether sessions are taken up again (true).",
        "{ min: \"1.3\" }",
    ),
    opt(
        "target",
        "headers",
        OBJECT,
        "Headers of every request; those of a request replace them (none).",
        "{ \"Accept\": \"text/html\" }",
    ),
    opt(
        "target",
        "auth",
        &[Type::Object],
        "`bearer(token)`, `basic(user, password)`, `header(name, value)` or `cookie(name, value)` (none).",
        "bearer(\"t\")",
    ),
    opt(
        "target",
        "dns",
        OBJECT,
        "How the name of its host is looked up: `resolve`, where names (`host` or `host:port`) lead whatever a resolver says, each to an address or a list of them (nothing); `every`, how often it is looked up again while the load goes on, 1s or more (once, before the setup); `all`, whether connections go to all of its addresses in turn (false: to the first).",
        "{ every: 30s, all: true }",
    ),
    opt(
        "target",
        "from",
        &[Type::Text, Type::List],
        "The addresses of this machine that its connections come from, in turn (whichever the system takes).",
        "[\"127.0.0.2\", \"127.0.0.3\"]",
    ),
    opt(
        "target",
        "proxy",
        &[Type::Text, Type::Secret],
        "The HTTP proxy on the way there, `http://host:port`, or with who asks it, `http://user:{password}@host:port`, whose password is a secret (none, whatever variables of the environment say).",
        "\"http://127.0.0.1:3128\"",
    ),
    opt(
        "target",
        "trace",
        BOOL,
        "Whether each request carries a trace context, the header `traceparent` (W3C Trace Context), by which it is found in the traces of what it asks, and W3C Baggage, `synthetic.type=test` and the id of the run, by which it is told from people's (true).",
        "false",
    ),
    opt(
        "data",
        "columns",
        OBJECT,
        "The types of columns: Text, Number, Count or Bool; each cell must be of it (Number where every cell is one, else Text). With `header: false` also their names, all of them in the order of the file.",
        "{ id: Count }",
    ),
    opt(
        "data",
        "separator",
        TEXT,
        "What stands between the cells of a CSV file: one ASCII character, such as `\";\"`, or `\"\\t\"` for a tab (`\",\"`).",
        "\",\"",
    ),
    opt(
        "data",
        "header",
        BOOL,
        "Whether the first line of a CSV file names the columns; where it does not, `columns` names them (true).",
        "true",
    ),
    opt(
        "data",
        "encoding",
        &[Type::Object],
        "`latin1` for a CSV file in Latin-1, which is read as Windows-1252 (UTF-8, or UTF-16 where the file begins with a byte order mark).",
        "latin1",
    ),
    opt(
        "alerts",
        "rules",
        TEXT,
        "The rules file of Prometheus, relative to the file, so that an alert that cannot fire in time is refused before the run (none).",
        "\"alert-rules.yml\"",
    ),
    opt(
        "alerts",
        "receiver",
        TEXT,
        "An address, `host:port`, to listen on for deliveries (none: delivery is not measured).",
        "\"127.0.0.1:9199\"",
    ),
    opt(
        "alerts",
        "evaluation",
        DURATION,
        "How often rules are evaluated, where their group does not say (unknown: counts as nothing).",
        "15s",
    ),
    opt(
        "alerts",
        "grouping",
        DURATION,
        "How long a first alert waits for others, `group_wait` of Alertmanager (0s).",
        "0s",
    ),
    opt(
        "load",
        "max_in_flight",
        &[Type::Count],
        "Iterations of an open load at a time; an arrival beyond is dropped and counted (peak rate × the longest that an iteration can take, a quarter more and 64, at most what the machine holds; `plan` prints it).",
        "100",
    ),
    opt(
        "load",
        "grace",
        DURATION,
        "How long what is in flight at the end may take; then it has timed out (30s).",
        "10s",
    ),
    opt(
        "load",
        "population",
        &[Type::Users],
        "The identities to which the arrivals of an open load are dealt (each arrival is a new user).",
        "500 users",
    ),
    opt(
        "load",
        "pace",
        DURATION,
        "Of a closed load: a user starts an iteration so long after the start of its last one, or at its end where that was longer (at its end).",
        "10s",
    ),
    opt(
        "load",
        "arrivals",
        &[Type::Object],
        "`poisson`: at random, as those of people who know nothing of each other (evenly).",
        "poisson",
    ),
    opt(
        "ledger",
        "within",
        DURATION,
        "How long its entries may be asked for after the load, all of them together; then no request begins, and what is left is unverified (10m).",
        "1h",
    ),
    opt("steady_state", "window", DURATION, "The trailing window that is judged each second (5s).", "5s"),
    opt("steady_state", "hold", DURATION, "How long it must hold without a break to have recovered (5s).", "5s"),
    opt("request", "json", JSON, "The body as JSON; `Content-Type` is `application/json`.", "{ product: 1, qty: 2 }"),
    opt("request", "form", OBJECT, "The body as a form, `application/x-www-form-urlencoded`.", "{ user: \"ann\" }"),
    opt("request", "body", TEXT, "The body as it is; `Content-Type` is `text/plain`.", "\"hello\""),
    opt("request", "multipart", OBJECT, "The body in parts, `multipart/form-data` (RFC 7578).", "{ note: \"hello\" }"),
    opt(
        "request",
        "chunked",
        BOOL,
        "Whether the body is sent in chunks, without saying how long it is (RFC 9112, 7.1): a text is one chunk, a file goes in chunks of 16KiB (false).",
        "true",
    ),
    opt(
        "request",
        "headers",
        OBJECT,
        "Header names and texts; they replace what is sent otherwise.",
        "{ \"Accept\": \"text/html\" }",
    ),
    opt(
        "request",
        "query",
        OBJECT,
        "What stands behind `?` in the path, percent-encoded; null leaves one out.",
        "{ page: 2 }",
    ),
    opt("request", "timeout", DURATION, "How long this answer may take, instead of the target's timeout.", "1s"),
    opt("request", "args", &[Type::List], "Of `query` and `execute`: the values for the places in the text.", "[1]"),
];

pub fn options_of(of: &str) -> impl Iterator<Item = &'static Opt> {
    OPTIONS.iter().filter(move |option| option.of == of)
}
