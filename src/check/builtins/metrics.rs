//! Metrics: what is computed of requests, series, windows, ledgers and alerts. Each row has its function, of which the rest
//! is known beside it.

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
        "The median: half of the values were at most this. What got no answer ranks above all answers. Needs 10 samples.",
        "p50(main) < 100ms",
    ),
    row(
        Requests(RequestFunction::Quantile(0.75)),
        SAMPLES,
        Type::Wrong,
        "Three of four took at most this long. What got no answer ranks above all answers. Needs 20 samples.",
        "p75(main) < 100ms",
    ),
    row(
        Requests(RequestFunction::Quantile(0.9)),
        SAMPLES,
        Type::Wrong,
        "Nine of ten took at most this long. What got no answer ranks above all answers. Needs 50 samples.",
        "p90(main) < 150ms",
    ),
    row(
        Requests(RequestFunction::Quantile(0.95)),
        SAMPLES,
        Type::Wrong,
        "95 of 100 took at most this long. What got no answer ranks above all answers. Needs 100 samples.",
        "p95(main) < 200ms",
    ),
    row(
        Requests(RequestFunction::Quantile(0.99)),
        SAMPLES,
        Type::Wrong,
        "99 of 100 took at most this long. What got no answer ranks above all answers. Needs 500 samples.",
        "p99(main) < 500ms",
    ),
    row(
        Requests(RequestFunction::Quantile(0.999)),
        SAMPLES,
        Type::Wrong,
        "999 of 1,000 took at most this long. What got no answer ranks above all answers. Needs 5,000 samples.",
        "p999(main) < 1s",
    ),
    row(
        Requests(RequestFunction::Quantile(0.0)),
        &[need("of", &[Type::Samples]), need("share", &[Type::Percent])],
        Type::Wrong,
        "Any quantile q between 0% and 100%. What got no answer ranks above all answers. Needs 5/(1−q) samples.",
        "quantile(main, 97.5%) < 300ms",
    ),
    row(
        Requests(RequestFunction::Statistic(Statistic::Mean)),
        VALUES,
        Type::Wrong,
        "The arithmetic mean of the latencies of answers, with the share of requests that got none beside it, or of the values of a series.",
        "mean(main) < 100ms",
    ),
    row(
        Requests(RequestFunction::Statistic(Statistic::Min)),
        VALUES,
        Type::Wrong,
        "The smallest latency of an answer, or value of a series.",
        "min(main) > 1us",
    ),
    row(
        Requests(RequestFunction::Statistic(Statistic::Max)),
        VALUES,
        Type::Wrong,
        "The largest latency, which is no answer where a request got none, or value of a series.",
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
        "Requests sent in the window, by the second in which they were sent.",
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
        "The share of requests that failed. Failures for want of ports, descriptors or memory of the generator are left out: they concern trust.",
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
        "Bytes of bodies a second as they are on the wire, requests and answers together, those of all tries.",
        "bandwidth(main) < 10MiB/s",
    ),
    row(
        Requests(RequestFunction::BurnRate(0.0)),
        &[need("of", &[Type::Samples]), need("objective", &[Type::Percent])],
        Type::Factor,
        "How many times too fast the error budget of an objective is spent: error rate ÷ (1 − objective) (The Site Reliability Workbook, chapter 5).",
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
        "What a counter grew by in the window, evenly between two readings; a counter that starts again at 0 is followed.",
        "increase(shop.metric(\"orders_total\")) > 10",
    ),
    row(
        Series(SeriesFunction::Growth),
        SERIES,
        Type::Bandwidth,
        "How fast a series grows: the robust slope of Theil and Sen, per second of its unit. A bound holds where all of the 95% interval meets it, fails where nothing of it does, and is inconclusive in between. The interval is wider the more neighbouring readings are alike, as those of a collector that comes and goes are (Hamed and Rao, Journal of Hydrology 204, 1998); where both halves of the window cannot have the same slope, it reaches from the one to the other, so that what settles is inconclusive. Needs 10 readings.",
        "growth(shop.memory) < 1MiB/h",
    ),
    row(
        Drift,
        &[need("of", &[Type::Wrong])],
        Type::Percent,
        "How much a metric grows from the beginning of the window to its end, in percent of what it is at the beginning: by the robust slope (Theil–Sen) over 20 parts of it, or 10 where these hold too few samples, with its interval of 95%, wider the more neighbouring parts are alike.",
        "drift(p95(main)) < 20%",
    ),
    row(
        Capacity,
        LOAD,
        Type::Level,
        "Of a search: the highest level at which its condition held, to 2% of the upper end of its range, or with its interval where trials near it might have come out otherwise.",
        "capacity(finder) >= 20/s",
    ),
    row(
        Sweep(SweepFunction::Contention),
        LOAD,
        Type::Percent,
        "Of a sweep: σ of the Universal Scalability Law (Gunther, Guerrilla Capacity Planning, 2007), the share of work that is serial.",
        "contention(ladder) < 50%",
    ),
    row(
        Sweep(SweepFunction::Coherency),
        LOAD,
        Type::Percent,
        "Of a sweep: κ of the Universal Scalability Law, the cost of keeping users consistent.",
        "coherency(ladder) < 1%",
    ),
    row(
        Sweep(SweepFunction::Efficiency(0.0)),
        &[need("of", &[Type::Load]), need("users", &[Type::Users])],
        Type::Percent,
        "Of a sweep: throughput at so many users ÷ (users × throughput of one), by the law.",
        "efficiency(ladder, 2 users) >= 50%",
    ),
    row(
        Sweep(SweepFunction::PeakUsers),
        LOAD,
        Type::Users,
        "Of a sweep: the users at which throughput peaks, √((1−σ)/κ).",
        "peak_users(ladder) >= 4 users",
    ),
    row(
        Sweep(SweepFunction::PeakThroughput),
        LOAD,
        Type::Rate,
        "Of a sweep: the throughput that the fitted law has at its peak.",
        "peak_throughput(ladder) >= 100/s",
    ),
    row(
        Sweep(SweepFunction::ScalabilityCoefficient),
        LOAD,
        Type::Percent,
        "Of a sweep: the scalability coefficient, throughput at the highest level ÷ throughput at the lowest, divided by the same ratio of their requests in flight: 100% where twice as many do twice as much. With the interval of both throughputs.",
        "scalability_coefficient(ladder) >= 80%",
    ),
    row(
        Recovery(RecoveryFunction::TimeToRecover),
        WINDOW,
        Type::Duration,
        "From the withdrawal of a fault, or the end of any window, to the start of the steady state that then held. Not recovered fails, as more than was seen.",
        "time_to_recover(cut) < 10s",
    ),
    row(
        Recovery(RecoveryFunction::TimeToDetect),
        WINDOW,
        Type::Duration,
        "From the injection to the first alert, or, without a source of alerts, to the loss of the steady state.",
        "time_to_detect(cut) < 10s",
    ),
    row(
        Recovery(RecoveryFunction::Mttr),
        &[need("of", &[Type::Windows])],
        Type::Duration,
        "The mean time from injection to steady again, over the given faults.",
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
        "Entries that were acknowledged (a 2xx read to its end) and that `verify` definitively does not find. An unknown outcome, such as a timeout, is never lost.",
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
        "Entries that were refused (a 4xx, or never sent) and that `verify` finds all the same, though no other request with their key can have made them.",
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
        "How often a service ended by itself, in the whole run or in a window. An end does not count while a fault on that very service or any command is in force, up to 1s behind, nor where it was not ready again since. `restart: true` brings it back and excuses nothing. Of each service that the run starts `crashes(service) == 0` is expected where nothing is written about its crashes.",
        "crashes(shop) == 0",
    ),
    row(
        Alerts(AlertFunction::Precision),
        ALERTS,
        Type::Percent,
        "Of the alerts that fired, the share that was expected.",
        "precision(pager) == 100%",
    ),
    row(
        Alerts(AlertFunction::Recall),
        ALERTS,
        Type::Percent,
        "Of the alerts that were expected, the share that fired in time.",
        "recall(pager) == 100%",
    ),
];

/// The function of a metric.
pub fn function(name: &str) -> Option<Function> {
    ROWS.iter().find(|row| row.builtin.name == name).map(|row| row.function)
}
