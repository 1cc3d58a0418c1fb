//! How long the phases of requests took, of each step that opened connections.

use crate::measure::{Ranked, RequestPhase, Stats, Times};
use crate::plan::{Plan, Series};
use hdrhistogram::Histogram;
use schemars::JsonSchema;
use serde::Serialize;

/// The phases of one step over the whole run, including warm-ups, in which most connections are opened.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct PhaseTimes {
    pub series: String,
    /// For each connection that was opened or attempted.
    pub connect: Percentiles,
    /// For each handshake; none if nothing is encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Percentiles>,
    /// From the send, like the service time.
    pub first_byte: Percentiles,
    pub service: Percentiles,
}

impl PhaseTimes {
    /// Each phase that there was, by its name.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, Percentiles)> {
        let all = [
            ("connect", Some(self.connect)),
            ("tls", self.tls),
            ("first byte", Some(self.first_byte)),
            ("service", Some(self.service)),
        ];
        all.into_iter().filter_map(|(phase, times)| Some((phase, times?)))
    }
}

/// The distribution of the times, in nanoseconds. None if the value lies at a request without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Percentiles {
    pub samples: u64,
    pub p50_ns: Option<u64>,
    pub p95_ns: Option<u64>,
    pub p99_ns: Option<u64>,
    pub max_ns: Option<u64>,
}

impl Percentiles {
    fn of(times: &Histogram<u64>) -> Percentiles {
        let at = |share: f64| Some(times.value_at_quantile(share)).filter(|_| !times.is_empty());
        Percentiles {
            samples: times.len(),
            p50_ns: at(0.5),
            p95_ns: at(0.95),
            p99_ns: at(0.99),
            max_ns: Some(times.max()).filter(|_| !times.is_empty()),
        }
    }

    /// Requests without an answer rank above all answers.
    pub fn ranked(times: &Times) -> Percentiles {
        let at = |share: f64| match times.quantile(share) {
            Ranked::Time(time) => Some(time),
            Ranked::NoAnswer(_) | Ranked::Nothing => None,
        };
        Percentiles {
            samples: times.len(),
            p50_ns: at(0.5),
            p95_ns: at(0.95),
            p99_ns: at(0.99),
            max_ns: at(1.0).map(|_| times.answered.max()),
        }
    }
}

pub fn phases(plan: &Plan, stats: &Stats) -> Vec<PhaseTimes> {
    let of = |(index, series): (usize, &Series)| {
        let times = |phase| Percentiles::of(&stats.phase(index, phase));
        let connect = times(RequestPhase::Connect);
        if connect.samples == 0 {
            return None;
        }
        let mut service = Times::default();
        stats.times(index, &[(0, u64::MAX)], true, &mut service);
        Some(PhaseTimes {
            series: series.name.clone(),
            connect,
            tls: Some(times(RequestPhase::Tls)).filter(|tls| tls.samples > 0),
            first_byte: times(RequestPhase::FirstByte),
            service: Percentiles::ranked(&service),
        })
    };
    plan.series.iter().enumerate().filter_map(of).collect()
}
