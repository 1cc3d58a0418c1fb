//! Metrics of requests, series, windows, ledgers and alerts. Each row has its function; the other properties follow from that.

mod function;
mod requests;
#[cfg(test)]
mod tests;

pub use function::{
    AlertFunction, Direction, Failures, Function, LedgerFunction, RecoveryFunction, SeriesFunction, Statistic,
    SweepFunction,
};
pub use requests::{Added, Delay, Least, RequestFunction};

use super::{Builtin, BuiltinKind, Par, may, need};
use crate::check::types::Type;
use Function::{Alerts, Capacity, Crashes, Drift, Ledger, Recovery, Requests, Series, Sweep};

/// A metric as it is called, and what it computes.
pub struct MetricRow {
    pub builtin: Builtin,
    /// What its second argument says is 0 here. What is of requests or of a series stands for both.
    pub function: Function,
}

const SAMPLES: &[Par] = &[need("of", &[Type::Samples])];
const VALUES: &[Par] = &[need("of", &[Type::Samples, Type::Series])];
const SERIES: &[Par] = &[need("of", &[Type::Series])];
const LOAD: &[Par] = &[need("of", &[Type::Load])];
const LEDGER: &[Par] = &[need("of", &[Type::Ledger])];
const SERVICE: &[Par] = &[need("of", &[Type::Service])];
const ALERTS: &[Par] = &[need("of", &[Type::Alerts])];
const WINDOW: &[Par] = &[need("of", &[Type::Windows]), may("steady", &[Type::SteadyState])];

const fn row(
    function: Function,
    parameters: &'static [Par],
    result: Type,
    doc: &'static str,
    example: &'static str,
) -> MetricRow {
    let name = function.name();
    MetricRow {
        builtin: Builtin { name, kind: BuiltinKind::Metric, parameters, variadic: false, result, doc, example },
        function,
    }
}

impl MetricRow {
    /// More of its last parameter may follow.
    const fn variadic(mut self) -> MetricRow {
        self.builtin.variadic = true;
        self
    }
}

/// The result `Wrong` stands for the type of the values that are given.
pub const ROWS: &[MetricRow] = &[
    row(
        Requests(RequestFunction::Quantile(0.5)),
        SAMPLES,
        Type::Wrong,
        "The median: half of the values are at most this. Requests without an answer rank above all answers. Needs 10 samples.",
        "p50(main) < 100ms",
    ),
    row(
        Requests(RequestFunction::Quantile(0.75)),
        SAMPLES,
        Type::Wrong,
        "Three of four took at most this long. Requests without an answer rank above all answers. Needs 20 samples.",
        "p75(main) < 100ms",
    ),
    row(
        Requests(RequestFunction::Quantile(0.9)),
        SAMPLES,
        Type::Wrong,
        "Nine of ten took at most this long. Requests without an answer rank above all answers. Needs 50 samples.",
        "p90(main) < 150ms",
    ),
    row(
        Requests(RequestFunction::Quantile(0.95)),
        SAMPLES,
        Type::Wrong,
        "95 of 100 took at most this long. Requests without an answer rank above all answers. Needs 100 samples.",
        "p95(main) < 200ms",
    ),
    row(
        Requests(RequestFunction::Quantile(0.99)),
        SAMPLES,
        Type::Wrong,
        "99 of 100 took at most this long. Requests without an answer rank above all answers. Needs 500 samples.",
        "p99(main) < 500ms",
    ),
    row(
        Requests(RequestFunction::Quantile(0.999)),
        SAMPLES,
        Type::Wrong,
        "999 of 1,000 took at most this long. Requests without an answer rank above all answers. Needs 5,000 samples.",
        "p999(main) < 1s",
    ),
    row(
        Requests(RequestFunction::Quantile(0.0)),
        &[need("of", &[Type::Samples]), need("share", &[Type::Percent])],
        Type::Wrong,
        "Any quantile q between 0% and 100%. Requests without an answer rank above all answers. Needs 5/(1−q) samples.",
        "quantile(main, 97.5%) < 300ms",
    ),
    row(
        Requests(RequestFunction::Statistic(Statistic::Mean)),
        VALUES,
        Type::Wrong,
        "The arithmetic mean of the latencies of answers, reported with the share of requests without one; or of the values of a series.",
        "mean(main) < 100ms",
    ),
    row(
        Requests(RequestFunction::Statistic(Statistic::Min)),
        VALUES,
        Type::Wrong,
        "The smallest latency of an answer, or the smallest value of a series.",
        "min(main) > 1us",
    ),
    row(
        Requests(RequestFunction::Statistic(Statistic::Max)),
        VALUES,
        Type::Wrong,
        "The largest latency, which is *no answer* if a request got none; or the largest value of a series.",
        "max(main) < 2s",
    ),
    row(
        Requests(RequestFunction::Statistic(Statistic::Stddev)),
        VALUES,
        Type::Wrong,
        "The standard deviation of the latencies of answers, or of the values of a series.",
        "stddev(main) < 100ms",
    ),
    row(
        Requests(RequestFunction::Count),
        SAMPLES,
        Type::Count,
        "Requests sent in the window, counted by the second of sending.",
        "count(main) > 1000",
    ),
    row(
        Requests(RequestFunction::Throughput),
        SAMPLES,
        Type::Rate,
        "Requests answered without failure in the window, divided by its length.",
        "throughput(main) >= 50/s",
    ),
    row(
        Requests(RequestFunction::ErrorRate),
        SAMPLES,
        Type::Percent,
        "The share of requests that failed. It does not include failures because the generator lacked ports, descriptors or memory: those affect the trust in the run.",
        "error_rate(main) < 1%",
    ),
    row(
        Requests(RequestFunction::Dropped),
        LOAD,
        Type::Count,
        "Arrivals of an open load that found `max_in_flight` reached and were not started.",
        "dropped(main) == 0",
    ),
    row(
        Requests(RequestFunction::Apdex(0.0)),
        &[need("of", &[Type::Samples]), need("threshold", &[Type::Duration])],
        Type::Number,
        "Apdex score from 0 to 1: (answers up to T + half of those up to 4T) ÷ all answers, times the share of requests that did not fail (Apdex Technical Specification 1.1, apdex.org).",
        "apdex(main, 100ms) > 0.9",
    ),
    row(
        Requests(RequestFunction::Bandwidth),
        SAMPLES,
        Type::Bandwidth,
        "Bytes of bodies per second on the wire, requests and answers together, including all tries.",
        "bandwidth(main) < 10MiB/s",
    ),
    row(
        Requests(RequestFunction::BurnRate(0.0)),
        &[need("of", &[Type::Samples]), need("objective", &[Type::Percent])],
        Type::Factor,
        "How many times faster than allowed the error budget of an objective is spent: error rate ÷ (1 − objective) (The Site Reliability Workbook, chapter 5).",
        "burn_rate(main, 99.9%) < 2x",
    ),
    row(
        Series(SeriesFunction::Last),
        SERIES,
        Type::Wrong,
        "The last value in the window.",
        "last(shop.open_files) < 500",
    ),
    row(
        Series(SeriesFunction::Increase),
        SERIES,
        Type::Wrong,
        "How much a counter grew in the window, with even growth between two readings. A counter that restarts at 0 is handled. For a Prometheus, it is counted from raw samples: see [Counters](#counters).",
        "increase(shop.metric(\"orders_total\")) > 10",
    ),
    row(
        Series(SeriesFunction::Growth),
        SERIES,
        Type::Bandwidth,
        "How fast a series grows: the robust slope of Theil and Sen, in its unit per second. A bound holds if the whole 95% interval meets it, fails if none of it does, and is inconclusive in between. The interval is wider if neighbouring readings are correlated, as with a garbage collector (Hamed and Rao, Journal of Hydrology 204, 1998). If the two halves of the window have clearly different slopes, the interval reaches from one to the other, so a series that settles is inconclusive. Needs 10 readings.",
        "growth(shop.memory) < 1MiB/h",
    ),
    row(
        Drift,
        &[need("of", &[Type::Wrong])],
        Type::Percent,
        "How much a metric grows from the beginning of the window to its end, in percent of its value at the beginning: by the robust slope (Theil–Sen) over 20 parts of the window, or 10 if 20 have too few samples. Its 95% interval is wider if neighbouring parts are correlated.",
        "drift(p95(main)) < 20%",
    ),
    row(
        Capacity,
        LOAD,
        Type::Level,
        "For a search: the highest level at which its condition held, to 2% of the upper end of the range, or with an interval if trials near it could have come out otherwise.",
        "capacity(finder) >= 20/s",
    ),
    row(
        Sweep(SweepFunction::Contention),
        LOAD,
        Type::Percent,
        "For a sweep: σ of the Universal Scalability Law (Gunther, Guerrilla Capacity Planning, 2007), the share of work that is serial.",
        "contention(ladder) < 50%",
    ),
    row(
        Sweep(SweepFunction::Coherency),
        LOAD,
        Type::Percent,
        "For a sweep: κ of the Universal Scalability Law, the cost of keeping users consistent.",
        "coherency(ladder) < 1%",
    ),
    row(
        Sweep(SweepFunction::Efficiency(0.0)),
        &[need("of", &[Type::Load]), need("users", &[Type::Users])],
        Type::Percent,
        "For a sweep: throughput at this many users ÷ (users × throughput of one), by the fitted law.",
        "efficiency(ladder, 2 users) >= 50%",
    ),
    row(
        Sweep(SweepFunction::PeakUsers),
        LOAD,
        Type::Users,
        "For a sweep: the number of users at which throughput peaks, √((1−σ)/κ).",
        "peak_users(ladder) >= 4 users",
    ),
    row(
        Sweep(SweepFunction::PeakThroughput),
        LOAD,
        Type::Rate,
        "For a sweep: the throughput at the peak of the fitted law.",
        "peak_throughput(ladder) >= 100/s",
    ),
    row(
        Sweep(SweepFunction::ScalabilityCoefficient),
        LOAD,
        Type::Percent,
        "For a sweep: the scalability coefficient. It is the throughput at the highest level ÷ that at the lowest, divided by the same ratio of requests in flight: 100% if twice as many do twice as much. Its interval comes from both throughputs.",
        "scalability_coefficient(ladder) >= 80%",
    ),
    row(
        Recovery(RecoveryFunction::TimeToRecover),
        WINDOW,
        Type::Duration,
        "The time from the end of a fault, or of any window, to the start of the steady state that then held. Without recovery it is more than was observed, and fails.",
        "time_to_recover(cut) < 10s",
    ),
    row(
        Recovery(RecoveryFunction::TimeToDetect),
        WINDOW,
        Type::Duration,
        "The time from the injection to the first alert or, without a source of alerts, to the loss of the steady state.",
        "time_to_detect(cut) < 10s",
    ),
    row(
        Recovery(RecoveryFunction::Mttr),
        &[need("of", &[Type::Windows])],
        Type::Duration,
        "The mean time from the injection to recovery, over the given faults.",
        "mttr(cut) < 15s",
    )
    .variadic(),
    row(
        Recovery(RecoveryFunction::Recovered),
        WINDOW,
        Type::Bool,
        "Whether the steady state held again before the run ended.",
        "recovered(cut)",
    ),
    row(
        Requests(RequestFunction::Availability),
        SAMPLES,
        Type::Percent,
        "The share of the seconds with requests in which not every request failed.",
        "availability(main) > 99%",
    ),
    row(
        Ledger(LedgerFunction::Lost),
        LEDGER,
        Type::Count,
        "Entries that were acknowledged (a 2xx read to its end) and that `verify` reliably does not find. An unknown outcome, such as a timeout, is never lost.",
        "lost(orders) == 0",
    ),
    row(
        Ledger(LedgerFunction::Duplicated),
        LEDGER,
        Type::Count,
        "Entries that `verify` counts more than once.",
        "duplicated(orders) == 0",
    ),
    row(
        Ledger(LedgerFunction::Resurrected),
        LEDGER,
        Type::Count,
        "Entries that were refused (a 4xx, or never sent) but that `verify` finds, although no other request with their key can have made them.",
        "resurrected(orders) == 0",
    ),
    row(
        Ledger(LedgerFunction::Unverified),
        LEDGER,
        Type::Count,
        "Entries for which `verify` got no answer.",
        "unverified(orders) == 0",
    ),
    row(
        Crashes,
        SERVICE,
        Type::Count,
        "How often a service ended by itself, in the whole run or in a window. An end does not count while a fault on this service, or any command, is in force and up to 1s after it, or if the service has not been ready since. A restart by `restart: true` still counts as a crash. For each service that the run starts, `crashes(service) == 0` is expected unless the scenario has its own expectation about its crashes.",
        "crashes(shop) == 0",
    ),
    row(
        Alerts(AlertFunction::Precision),
        ALERTS,
        Type::Percent,
        "The share of the alerts that fired which were expected, in time or not. An alert that `may fire` or `keeps firing` does not count.",
        "precision(pager) == 100%",
    ),
    row(
        Alerts(AlertFunction::Recall),
        ALERTS,
        Type::Percent,
        "The share of the expected alerts which fired in time.",
        "recall(pager) == 100%",
    ),
    row(
        Alerts(AlertFunction::FalseAlarmRate),
        ALERTS,
        Type::Rate,
        "How often an alert fired that no line expects or allows, per unit of the time in which no alert was expected.",
        "false_alarm_rate(pager) <= 1/h",
    ),
    row(
        Series(SeriesFunction::HistogramError),
        &[need("buckets", &[Type::Series]), need("sent", &[Type::Samples])],
        Type::Percent,
        "How much a server's histogram contradicts the times of the client, bucket by bucket, as a share of the requests. The buckets are counters of a Prometheus, and each `le` is in seconds unless `unit` says otherwise. A client waits at least as long as the server works, so up to each `le` the server must have counted at least the requests whose service time was at most that. The last bucket must hold all requests.",
        "histogram_error(watch.query('http_request_duration_seconds_bucket'), main) < 1%",
    ),
];

/// The function of a metric.
pub fn function(name: &str) -> Option<Function> {
    ROWS.iter().find(|row| row.builtin.name == name).map(|row| row.function)
}
