//! What builds the parts of a scenario, by the kind of part that is due.

use super::{Builtin, Kind, Par, may, need};
use crate::check::types::Type;

const TEXT: &[Type] = &[Type::Text];
const URL: &[Par] = &[need("url", TEXT)];

const fn row(name: &'static str, kind: Kind, parameters: &'static [Par], result: Type, doc: &'static str, example: &'static str) -> Builtin {
    Builtin { name, kind, parameters, variadic: false, result, doc, example }
}

pub const TABLE: &[Builtin] = &[
    row(
        "demo",
        Kind::Service,
        &[
            may("pool", &[Type::Count]),
            may("slots", &[Type::Count]),
            may("rate_limit", &[Type::Rate]),
            may("slow", &[Type::Duration]),
            may("errors", &[Type::Percent]),
            may("leak", &[Type::Bytes]),
            may("database", TEXT),
        ],
        Type::Service,
        "The demo shop, started for the run on a free port.",
        "service one = demo(pool: 4)",
    ),
    row(
        "attach",
        Kind::Service,
        &[need("port", &[Type::Count])],
        Type::Service,
        "A service that already runs on this machine.",
        "service one = attach(port: 8080)",
    ),
    Builtin {
        name: "process",
        kind: Kind::Service,
        parameters: &[need("program", TEXT), may("argument", TEXT)],
        variadic: true,
        result: Type::Service,
        doc: "A program that is started for the run with its arguments, watched, and stopped at the end.",
        example: "service one = process(\"redis-server\", \"--port\", \"7001\") { port: 7001 }",
    },
    row(
        "postgres",
        Kind::Service,
        &[],
        Type::Service,
        "A private PostgreSQL cluster from the installed binaries, made for the run; it is a Database too.",
        "service one = postgres()",
    ),
    row("tcp", Kind::Link, &[need("to", TEXT)], Type::Link, "A path of bytes to an address.", "link one = tcp(to: shop.address)"),
    row("http", Kind::Link, &[need("to", TEXT)], Type::Link, "A path of requests to an address.", "link one = http(to: shop.address)"),
    row("http", Kind::Target, URL, Type::Http, "An HTTP server.", "target one = http(\"http://127.0.0.1:8080\")"),
    row(
        "postgres",
        Kind::Target,
        &[need("url", &[Type::Text, Type::Service])],
        Type::Database,
        "A PostgreSQL database.",
        "target one = postgres(\"postgres://127.0.0.1/shop\")",
    ),
    row("mysql", Kind::Target, URL, Type::Database, "A MySQL or MariaDB database.", "target one = mysql(\"mysql://127.0.0.1/shop\")"),
    row("sqlite", Kind::Target, &[need("path", TEXT)], Type::Database, "An SQLite file.", "target one = sqlite(\"shop.db\")"),
    row("tcp", Kind::Target, &[need("address", TEXT)], Type::Tcp, "A TCP server.", "target one = tcp(\"127.0.0.1:7000\")"),
    row("websocket", Kind::Target, URL, Type::WebSocket, "A WebSocket server.", "target one = websocket(\"ws://127.0.0.1:8080\")"),
    row("grpc", Kind::Target, URL, Type::Grpc, "A gRPC server.", "target one = grpc(\"http://127.0.0.1:50051\")"),
    row("redis", Kind::Target, URL, Type::Redis, "A Redis server.", "target one = redis(\"redis://127.0.0.1:6379\")"),
    row(
        "csv",
        Kind::Data,
        &[need("file", TEXT)],
        Type::Data,
        "Rows of a CSV file with a head line; a column is Number when each of its cells is a plain number.",
        "data one = csv(\"products.csv\")",
    ),
    row("json", Kind::Data, &[need("file", TEXT)], Type::Data, "Rows of a JSON file: a list of objects.", "data one = json(\"products.json\")"),
    row("jsonl", Kind::Data, &[need("file", TEXT)], Type::Data, "Rows of a file with one JSON object a line.", "data one = jsonl(\"products.jsonl\")"),
    row("limiter", Kind::Limiter, &[need("rate", &[Type::Rate])], Type::Limiter, "So many may pass a second.", "limiter one = limiter(100/s)"),
    row(
        "semaphore",
        Kind::Semaphore,
        &[need("slots", &[Type::Count])],
        Type::Semaphore,
        "So many may be inside at a time.",
        "semaphore one = semaphore(10)",
    ),
    row("prometheus", Kind::Monitor, URL, Type::Monitor, "A Prometheus that is asked for series.", "monitor one = prometheus(\"http://127.0.0.1:9090\")"),
    row("metrics", Kind::Monitor, URL, Type::Monitor, "A /metrics page that is read once a second.", "monitor one = metrics(\"http://127.0.0.1:8080/metrics\")"),
    row("host", Kind::Monitor, &[], Type::Monitor, "This machine.", "monitor one = host()"),
    row("alertmanager", Kind::Alerts, URL, Type::Alerts, "An Alertmanager.", "alerts one = alertmanager(\"http://127.0.0.1:9093\")"),
    row("prometheus", Kind::Alerts, URL, Type::Alerts, "The alerts of a Prometheus.", "alerts one = prometheus(\"http://127.0.0.1:9090\")"),
    row("webhook", Kind::Alerts, &[need("listen", TEXT)], Type::Alerts, "Alerts that are delivered to this address.", "alerts one = webhook(\"127.0.0.1:9199\")"),
    row("command", Kind::Event, &[need("run", TEXT)], Type::Event, "A command of the shell.", "event one = command(\"./deploy.sh\") at main + 5s for at most 1m"),
    row("bearer", Kind::Auth, &[need("token", &[Type::Text, Type::Secret])], Type::Object, "A bearer token (RFC 6750).", "target one = http(\"http://127.0.0.1:8080\") { auth: bearer(\"t\") }"),
    row(
        "basic",
        Kind::Auth,
        &[need("user", &[Type::Text, Type::Secret]), need("password", &[Type::Text, Type::Secret])],
        Type::Object,
        "A name and a password (RFC 7617).",
        "target one = http(\"http://127.0.0.1:8080\") { auth: basic(\"u\", \"p\") }",
    ),
    row(
        "pool",
        Kind::Connections,
        &[need("size", &[Type::Count])],
        Type::Object,
        "So many connections for the whole run, shared.",
        "target one = http(\"http://127.0.0.1:8080\") { connections: pool(32) }",
    ),
];
