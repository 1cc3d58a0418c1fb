//! The buckets of a server's histogram against the times of the client. A client waits at least as long as the server works, so up to each
//! bound the server has counted at least as many requests as the client saw end by then.

use super::counted::{Bounds, Look};
use super::counter;
use crate::base::units::SECOND;
use crate::measure::{CounterSeries, Stats, Times};
use crate::plan::{BucketError, Type};
use hdrhistogram::Histogram;
use schemars::JsonSchema;
use serde::Serialize;

/// What both sides counted up to a bound.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize)]
pub struct Bucket {
    /// In nanoseconds; null for the last, which holds everything.
    #[schemars(with = "Option<f64>")]
    pub le: f64,
    /// The least and the most that is possible.
    pub server: f64,
    #[schemars(with = "Option<f64>")]
    pub server_at_most: f64,
    /// Surely no later than the bound, by the service times of answers.
    pub client: f64,
}

/// All of them, from the shortest time to the longest.
#[derive(Debug, Clone, PartialEq)]
pub struct Buckets {
    pub all: Vec<Bucket>,
    sent: (f64, f64),
}

impl Buckets {
    /// By how many requests a bucket contradicts the client: for certain, and at the most.
    fn wrong(&self, bucket: &Bucket) -> (f64, f64) {
        let Bucket { le, server, server_at_most, client } = *bucket;
        let (acknowledged, sent) = self.sent;
        match le.is_finite() {
            true => ((client - server_at_most).max(0.0), (client - server).max(0.0)),
            false => (
                (acknowledged - server_at_most).max(server - sent).max(0.0),
                (sent - server).max(server_at_most - acknowledged).max(0.0),
            ),
        }
    }

    /// The worst of all, as a share of what was sent.
    pub fn error(&self) -> (f64, f64) {
        let most = |of: fn((f64, f64)) -> f64| self.all.iter().map(|bucket| of(self.wrong(bucket))).fold(0.0, f64::max);
        let sent = self.sent.1.max(1.0);
        (most(|wrong| wrong.0) / sent, most(|wrong| wrong.1) / sent)
    }

    /// The bucket that contradicts the client most, and by how many requests for certain.
    pub fn worst(&self) -> Option<(Bucket, f64)> {
        let wrong = |bucket: &Bucket| self.wrong(bucket).0;
        let worst = self.all.iter().copied().max_by(|a, b| wrong(a).total_cmp(&wrong(b)))?;
        Some((worst, wrong(&worst))).filter(|(_, wrong)| *wrong > 0.0)
    }

    /// Between which bounds a quantile of the server lies: more its buckets do not tell.
    pub fn between(&self, share: f64) -> Option<(f64, f64)> {
        let all = self.all.last().filter(|last| last.le.is_infinite() && last.server > 0.0)?.server;
        let place = self.all.iter().position(|bucket| bucket.server >= share * all)?;
        let below = place.checked_sub(1).map_or(0.0, |below| self.all[below].le);
        Some((below, self.all[place].le))
    }
}

/// The buckets of a metric, where they were read.
pub fn buckets(own: &BucketError, stats: &Stats) -> Option<Buckets> {
    compared(own, &mut Look::new(stats, vec![own.requests.clone()])).ok()
}

pub(super) fn compared(own: &BucketError, look: &mut Look<'_>) -> Result<Buckets, String> {
    let requests = super::recovery::narrowed(&own.requests, look.stats)?;
    let counted = counter::read(own.counter, look.stats)?;
    // Bounds of a histogram are in seconds by convention.
    let worth = if own.series.unit == Type::Duration { own.series.worth } else { SECOND as f64 };
    let mut bounds: Vec<f64> = counted.series.iter().filter_map(bound).collect();
    bounds.sort_by(f64::total_cmp);
    bounds.dedup();
    let at = (look.stats.end(), look.late);
    if bounds.is_empty() {
        // Why nothing was read says more.
        counter::grown(counted, &own.ranges, at)?;
        let why = if counted.series.is_empty() {
            "no series matches it"
        } else {
            "its series have no `le`: name a `…_bucket`"
        };
        return Err(why.to_owned());
    }
    let mut times = Times::default();
    requests.samples.iter().for_each(|own| look.stats.times(own.series, &own.ranges, true, &mut times));
    let Bounds { low: acknowledged, high: sent } = look.sent(&requests);
    let mut all = Vec::new();
    for le in bounds {
        let grown = counter::grown_of(counted, |series| bound(series) == Some(le), &own.ranges, at)?;
        let lost: f64 = grown.holes.iter().map(|hole| look.sent_around(*hole)).sum();
        let client = if le.is_finite() { up_to(&times.answered, le * worth) } else { acknowledged };
        all.push(Bucket { le: le * worth, server: grown.low, server_at_most: grown.high + lost, client });
        grown.why.into_iter().for_each(|why| {
            if !look.why.contains(&why) {
                look.why.push(why);
            }
        });
    }
    Ok(Buckets { all, sent: (acknowledged, sent) })
}

fn bound(series: &CounterSeries) -> Option<f64> {
    match series.label("le") {
        "+Inf" => Some(f64::INFINITY),
        text => text.parse().ok().filter(|le: &f64| !le.is_nan()),
    }
}

/// How many surely took no longer: a cell that reaches beyond the bound may hold longer ones.
fn up_to(times: &Histogram<u64>, most: f64) -> f64 {
    let cells =
        times.iter_recorded().take_while(|cell| (times.highest_equivalent(cell.value_iterated_to()) as f64) <= most);
    cells.map(|cell| cell.count_at_value() as f64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::histogram;

    const MS: f64 = 1e6;

    fn buckets(all: &[(f64, f64, f64)], sent: (f64, f64)) -> Buckets {
        let bucket = |(le, server, client): &(f64, f64, f64)| Bucket {
            le: *le,
            server: *server,
            server_at_most: *server,
            client: *client,
        };
        Buckets { all: all.iter().map(bucket).collect(), sent }
    }

    #[test]
    fn a_server_is_never_slower_than_its_client_saw() {
        let inf = f64::INFINITY;
        let good =
            buckets(&[(10.0 * MS, 500.0, 400.0), (50.0 * MS, 990.0, 990.0), (inf, 1000.0, 1000.0)], (1000.0, 1000.0));
        assert_eq!((good.error(), good.worst()), ((0.0, 0.0), None));
        assert_eq!(good.between(0.99), Some((10.0 * MS, 50.0 * MS)));
        assert_eq!(good.between(0.999), Some((50.0 * MS, inf)));
        let slow =
            buckets(&[(10.0 * MS, 350.0, 400.0), (50.0 * MS, 960.0, 990.0), (inf, 1000.0, 1000.0)], (1000.0, 1000.0));
        assert_eq!(slow.error(), (0.05, 0.05));
        assert_eq!(slow.worst().map(|(bucket, wrong)| (bucket.le, wrong)), Some((10.0 * MS, 50.0)));
        let few = buckets(&[(inf, 980.0, 1000.0)], (1000.0, 1000.0));
        assert_eq!(few.error(), (0.02, 0.02));
        let twice = buckets(&[(inf, 1010.0, 1000.0)], (1000.0, 1000.0));
        assert_eq!(twice.error(), (0.01, 0.01));
        // Ten got no answer: they may have been counted.
        let unknown = buckets(&[(inf, 995.0, 990.0)], (990.0, 1000.0));
        assert_eq!(unknown.error(), (0.0, 0.005));
    }

    #[test]
    fn a_time_that_may_lie_beyond_the_bound_is_not_counted() {
        let mut times = histogram::empty();
        for time in [1_000_000, 2_000_000, 3_000_000] {
            times.record(time).unwrap();
        }
        assert_eq!(up_to(&times, 2_100_000.0), 2.0);
        assert_eq!(up_to(&times, 2_000_000.0), if times.highest_equivalent(2_000_000) > 2_000_000 { 1.0 } else { 2.0 });
        assert_eq!(up_to(&times, 1.0), 0.0);
    }
}
