//! Every built-in name of the language in one table: what it is, how it is called, what it means.

use super::program::Function;
use super::types::Type;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Of a population, in `expect`.
    Metric,
    /// Builds a service.
    Service,
    /// Builds a target.
    Target,
    /// Computed in a flow.
    Pure,
    /// A length of thinking.
    Distribution,
    /// Of the answer in whose block it stands.
    Answer,
}

pub struct Builtin {
    pub name: &'static str,
    pub kind: Kind,
    pub signature: &'static str,
    pub doc: &'static str,
}

const fn row(name: &'static str, kind: Kind, signature: &'static str, doc: &'static str) -> Builtin {
    Builtin { name, kind, signature, doc }
}

use Kind::{Answer, Distribution, Metric, Pure};

pub const TABLE: &[Builtin] = &[
    row("p50", Metric, "p50(population) -> Duration", "The median latency, failures included."),
    row("p75", Metric, "p75(population) -> Duration", "Three of four requests took at most this long."),
    row("p90", Metric, "p90(population) -> Duration", "Nine of ten requests took at most this long."),
    row("p95", Metric, "p95(population) -> Duration", "95 of 100 requests took at most this long; needs 100 samples."),
    row("p99", Metric, "p99(population) -> Duration", "99 of 100 requests took at most this long; needs 500 samples."),
    row(
        "p999",
        Metric,
        "p999(population) -> Duration",
        "999 of 1,000 requests took at most this long; needs 5,000 samples.",
    ),
    row("quantile", Metric, "quantile(population, Percent) -> Duration", "Any quantile; needs 5/(1−q) samples."),
    row("mean", Metric, "mean(population) -> Duration", "The arithmetic mean."),
    row("min", Metric, "min(population) -> Duration", "The fastest request."),
    row("max", Metric, "max(population) -> Duration", "The slowest request."),
    row("stddev", Metric, "stddev(population) -> Duration", "The standard deviation."),
    row("count", Metric, "count(population) -> Number", "Requests sent in the window."),
    row("throughput", Metric, "throughput(population) -> Rate", "Requests answered without failure a second."),
    row("error_rate", Metric, "error_rate(population) -> Percent", "The share of requests that failed."),
    row("dropped", Metric, "dropped(load) -> Number", "Arrivals that found `max_in_flight` reached."),
    row(
        "apdex",
        Metric,
        "apdex(population, Duration) -> Number",
        "Apdex score: satisfied up to T, tolerating up to 4T (apdex.org).",
    ),
    row(
        "demo",
        Kind::Service,
        "demo(pool: Number, slots: Number, rate_limit: Rate, slow: Duration, errors: Percent, leak: Bytes)",
        "The demo shop, started for the run on a free port.",
    ),
    row("attach", Kind::Service, "attach(port: Number)", "A service that already runs on this machine."),
    row("http", Kind::Target, "http(url: Text)", "An HTTP/1.1 server."),
    row("uuid", Pure, "uuid() -> Text", "A fresh UUID, never the same in two runs."),
    row("random", Pure, "random(Range) -> Number", "A whole number of the range, ends included."),
    row("exponential", Distribution, "exponential(Duration)", "Think time with this mean, most often short."),
    row(
        "json",
        Answer,
        "json(path: Text) -> Json",
        "What a JSONPath (RFC 9535) finds in the answer; null where it finds nothing.",
    ),
    row("header", Answer, "header(name: Text) -> Text", "A header of the answer; null where it is missing."),
];

pub fn find(name: &str) -> Option<&'static Builtin> {
    TABLE.iter().find(|builtin| builtin.name == name)
}

pub fn names(kind: Kind) -> impl Iterator<Item = &'static str> {
    TABLE.iter().filter(move |builtin| builtin.kind == kind).map(|builtin| builtin.name)
}

/// A metric that needs no further argument, with the unit of its result.
pub fn metric(name: &str) -> Option<(Function, Type)> {
    Some(match name {
        "p50" => (Function::Quantile(0.5), Type::Duration),
        "p75" => (Function::Quantile(0.75), Type::Duration),
        "p90" => (Function::Quantile(0.9), Type::Duration),
        "p95" => (Function::Quantile(0.95), Type::Duration),
        "p99" => (Function::Quantile(0.99), Type::Duration),
        "p999" => (Function::Quantile(0.999), Type::Duration),
        "mean" => (Function::Mean, Type::Duration),
        "min" => (Function::Min, Type::Duration),
        "max" => (Function::Max, Type::Duration),
        "stddev" => (Function::Stddev, Type::Duration),
        "count" => (Function::Count, Type::Number),
        "throughput" => (Function::Throughput, Type::Rate),
        "error_rate" => (Function::ErrorRate, Type::Percent),
        "dropped" => (Function::Dropped, Type::Number),
        _ => return None,
    })
}
