//! Options, by the kind of declaration that takes them.

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
        "`terminate`: the link shows its clients a certificate of the run, reads their requests, and speaks TLS to the server with the options in the `tls:` of the target \
         (none: TLS passes through).",
        "terminate",
    ),
    opt(
        "service",
        "ready",
        TEXT,
        "A path or URL that must answer 2xx before the load starts (`/health` for `demo()`; a query for `postgres()`; a connection to the port, if there is one, for `process` and `attach`).",
        "\"/health\"",
    ),
    opt(
        "service",
        "ready_within",
        DURATION,
        "How long it may take to become ready (30s; 1s for `attach` without `ready`).",
        "30s",
    ),
    opt(
        "service",
        "may_be_down",
        BOOL,
        "For `attach`: whether the run begins even if nothing listens at the port (false: it does not).",
        "true",
    ),
    opt("service", "stop_within", DURATION, "How long it may take to end after SIGTERM, before SIGKILL (5s).", "10s"),
    opt(
        "service",
        "env",
        OBJECT,
        "Environment variables, in addition to those of the run (none).",
        "{ MODE: \"test\" }",
    ),
    opt(
        "service",
        "dir",
        TEXT,
        "Its working directory, relative to the file. It resolves relative paths in its arguments from there (a private directory, removed after the run).",
        "\".\"",
    ),
    opt(
        "service",
        "files",
        OBJECT,
        "Files to write into its private directory before it starts: names and texts (none). The variable `STRESSC_DIR` holds the path of that directory.",
        "{ \"a.conf\": \"x\" }",
    ),
    opt(
        "service",
        "metrics",
        TEXT,
        "Where its /metrics page is: a path or a URL (`/metrics` for `demo()`, otherwise none).",
        "\"/metrics\"",
    ),
    opt(
        "service",
        "port",
        &[Type::Count],
        "The port on which it listens, from 1 to 65535, or `port()`. Its `.url` and `.address` need it.",
        "8080",
    ),
    opt(
        "service",
        "restart",
        BOOL,
        "Whether it is started again if it ends during the run. The delay starts at 100ms and doubles each time, up to 5s (false: its end ends the run).",
        "true",
    ),
    opt("target", "timeout", DURATION, "How long an answer may take, from the send to its last byte (10s).", "2s"),
    opt(
        "target",
        "connections",
        &[Type::Object],
        "`per_user`, `per_request` or `pool(N)` (`per_user` for a closed load; for an open one, a shared pool that grows as needed).",
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
    opt(
        "target",
        "http",
        &[Type::Count],
        "The version of HTTP: 1 or 2 (1). Version 2 is agreed on by ALPN for an `https://` address, and assumed for an `http://` address.",
        "2",
    ),
    opt(
        "target",
        "streams",
        &[Type::Count],
        "With `http: 2`: the most requests at a time on a connection, if the server allows as many (100).",
        "50",
    ),
    opt(
        "target",
        "delimiter",
        TEXT,
        "Of `tcp`: what ends a message, in 1 to 64 bytes. It is added to each message that is sent, and is no part of those that are received (`\"\\n\"`).",
        "\"\\r\\n\"",
    ),
    opt(
        "target",
        "prefix",
        &[Type::Count],
        "Of `tcp`: the bytes of the number before each message that says how long it is: 1, 2, 4 or 8, big-endian, without the number itself (none: messages end at `delimiter:`).",
        "4",
    ),
    opt(
        "target",
        "tls",
        OBJECT,
        "TLS for an `https://` address or a database. `ca`: the authorities that may sign for the server (those that this machine trusts); `cert` and `key`: the certificate and key of the client, or of each user from its row (none). Each is a PEM file or its text. `verify`: whether the certificate is checked (true); `server_name`: the name that it must have (the host of the address); `min` and `max`: \"1.2\" or \"1.3\" (both); `alpn`: the protocols that are offered (none); `resume`: whether sessions are resumed (true).",
        "{ min: \"1.3\" }",
    ),
    opt(
        "target",
        "headers",
        OBJECT,
        "Headers of every request. A request can override them (none).",
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
        "How the name of the host is looked up. `resolve`: an address or a list of addresses for each name (`host` or `host:port`), or the `.host` of a service, used instead of a lookup (none); `every`: how often it is looked up again during the load, 1s or more (once, before the setup); `all`: whether connections go to all of its addresses in turn (false: to the first).",
        "{ every: 30s, all: true }",
    ),
    opt(
        "target",
        "from",
        &[Type::Text, Type::List],
        "The addresses of this machine from which connections are made, in turn (the choice of the system).",
        "[\"127.0.0.2\", \"127.0.0.3\"]",
    ),
    opt(
        "target",
        "proxy",
        &[Type::Text, Type::Secret],
        "The HTTP proxy to use: `http://host:port`, or with credentials `http://user:{password}@host:port`, where the password is a secret (none; environment variables are ignored).",
        "\"http://127.0.0.1:3128\"",
    ),
    opt(
        "target",
        "trace",
        BOOL,
        "Whether each request carries the header `traceparent` (W3C Trace Context), which leads to its trace in the system under test, and W3C Baggage with `synthetic.type=test` and the id of the run, which marks it as test traffic (true).",
        "false",
    ),
    opt(
        "data",
        "columns",
        OBJECT,
        "The types of columns: Text, Number, Count or Bool; each cell must have that type (Number if every cell is one, otherwise Text). With `header: false`, also the names of all columns, in the order of the file.",
        "{ id: Count }",
    ),
    opt(
        "data",
        "separator",
        TEXT,
        "The separator between the cells of a CSV file: one ASCII character, such as `\";\"`, or `\"\\t\"` for a tab (`\",\"`).",
        "\",\"",
    ),
    opt(
        "data",
        "header",
        BOOL,
        "Whether the first line of a CSV file names the columns. If not, `columns` names them (true).",
        "true",
    ),
    opt(
        "data",
        "encoding",
        &[Type::Object],
        "`latin1` for a CSV file in Latin-1, which is read as Windows-1252 (UTF-8, or UTF-16 if the file begins with a byte order mark).",
        "latin1",
    ),
    opt(
        "alerts",
        "rules",
        TEXT,
        "The rules file of Prometheus, relative to the file. With it, an alert that cannot fire in time is refused before the run (none, or those that `config` names).",
        "\"alert-rules.yml\"",
    ),
    opt(
        "alerts",
        "config",
        TEXT,
        "The configuration of Prometheus, relative to the file. It gives `rules`, `scrape` and `evaluation` if they are not written. Its `rule_files` must be below the root; `*` and `?` may stand in their last part (none).",
        "\"prometheus.yml\"",
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
        "prometheus",
        TEXT,
        "The URL of the Prometheus whose rules fire these alerts. With it, the report tells when each rule fired, and where a late alert lost its time (none).",
        "\"http://127.0.0.1:9090\"",
    ),
    opt(
        "alerts",
        "auth",
        &[Type::Object],
        "How the source is asked: `bearer(…)`, `basic(…)`, `header(…)` or `cookie(…)`. Both the source and its `prometheus` get these credentials (none).",
        "bearer(\"t\")",
    ),
    opt(
        "alerts",
        "scrape",
        DURATION,
        "How often the series that the rules read are scraped (unknown: counted as 0).",
        "15s",
    ),
    opt(
        "alerts",
        "evaluation",
        DURATION,
        "How often rules are evaluated if their group does not say so (unknown: counted as 0).",
        "15s",
    ),
    opt(
        "alerts",
        "grouping",
        DURATION,
        "How long a first alert waits for others: `group_wait` of Alertmanager (0s).",
        "0s",
    ),
    opt(
        "load",
        "max_in_flight",
        &[Type::Count],
        "The most iterations of an open load at a time. Arrivals beyond that are dropped and counted (peak rate × the longest time that an iteration can take, plus a quarter and 64, at most what the machine can hold; `plan` prints it).",
        "100",
    ),
    opt(
        "load",
        "grace",
        DURATION,
        "How long requests in flight at the end may take before they time out (30s).",
        "10s",
    ),
    opt(
        "load",
        "population",
        &[Type::Users],
        "The users who share the arrivals of an open load. Without it, each arrival is a new user.",
        "500 users",
    ),
    opt(
        "load",
        "pace",
        DURATION,
        "For a closed load: the time from the start of one iteration of a user to the start of the next. If the iteration takes longer, the next starts at its end (at its end).",
        "10s",
    ),
    opt(
        "load",
        "arrivals",
        &[Type::Object],
        "`poisson`: at random, like those of people who act independently (evenly).",
        "poisson",
    ),
    opt(
        "ledger",
        "within",
        DURATION,
        "How long the lookup of all its entries may take after the load. Then no request begins, and the remaining entries are unverified (10m).",
        "1h",
    ),
    opt("steady_state", "window", DURATION, "The trailing window that is judged each second (5s).", "5s"),
    opt("steady_state", "hold", DURATION, "How long it must hold without a break to count as recovered (5s).", "5s"),
    opt("request", "json", JSON, "The body as JSON; `Content-Type` is `application/json`.", "{ product: 1, qty: 2 }"),
    opt("request", "form", OBJECT, "The body as a form, `application/x-www-form-urlencoded`.", "{ user: \"ann\" }"),
    opt("request", "body", TEXT, "The body as it is; `Content-Type` is `text/plain`.", "\"hello\""),
    opt("request", "multipart", OBJECT, "The body in parts, `multipart/form-data` (RFC 7578).", "{ note: \"hello\" }"),
    opt(
        "request",
        "chunked",
        BOOL,
        "Whether the body is sent in chunks, without its length (RFC 9112, 7.1): a text as one chunk, a file in chunks of 16KiB (false).",
        "true",
    ),
    opt(
        "request",
        "headers",
        OBJECT,
        "Header names and texts. They override all other headers of these names.",
        "{ \"Accept\": \"text/html\" }",
    ),
    opt(
        "request",
        "query",
        OBJECT,
        "What follows `?` in the path, percent-encoded. Null leaves an entry out.",
        "{ page: 2 }",
    ),
    opt("request", "timeout", DURATION, "How long this answer may take, instead of the target's timeout.", "1s"),
    opt(
        "request",
        "args",
        &[Type::List],
        "For `query` and `execute`: the values for the placeholders in the text. The database says of which types they are.",
        "[1]",
    ),
];

pub fn options_of(of: &str) -> impl Iterator<Item = &'static Opt> {
    OPTIONS.iter().filter(move |option| option.of == of)
}
