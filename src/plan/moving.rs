//! Conditions restricted to a part of the run, and the slices that they are judged in.

use super::{Condition, CounterIncrease, Crashes, Metric, Range, Readings, Requests, scope};
use crate::check::program;

impl program::Condition<Metric, super::Planned, super::AlertScopes> {
    /// The same condition over a part of the run. A metric that has scopes of its own next to others that have none is
    /// what they are measured by, and stays whole.
    pub fn within(&self, range: Range) -> Condition {
        let free = self.has_free_scope();
        let restricted = self.map(
            &mut |metric| {
                let stays = free && metric.scoped() == Some(true);
                Some(match metric {
                    Metric::Requests(requests) if !stays => Metric::Requests(requests.within(range)),
                    Metric::Series(readings) if !stays => Metric::Series(readings.narrowed(&[range])),
                    Metric::Counter(own) if !stays => {
                        let ranges = scope::intersect(&own.ranges, &[range]);
                        Metric::Counter(CounterIncrease { ranges, ..own.clone() })
                    }
                    Metric::Crashes(crashes) if !stays => {
                        let ranges = scope::intersect(&crashes.ranges, &[range]);
                        Metric::Crashes(Crashes { ranges, ..crashes.clone() })
                    }
                    other => other.clone(),
                })
            },
            &mut |instant| Some(instant.clone()),
            &mut |scopes| Some(scopes.clone()),
        );
        restricted.expect("every metric, instant and scope was given back")
    }

    fn has_free_scope(&self) -> bool {
        let mut free = false;
        self.metrics(&mut |metric| free |= metric.scoped() == Some(false));
        free
    }

    /// Where it is judged when it is cut into slices, and the end of what is sent in there.
    pub fn scope(&self) -> (Vec<Range>, u64) {
        let free = self.has_free_scope();
        let (mut ranges, mut end) = (Vec::new(), 0);
        self.metrics(&mut |metric| {
            let stays = free && metric.scoped() == Some(true);
            let (windows, until) = match metric {
                Metric::Requests(requests) if !stays => (requests.windows(), requests.scopes.end),
                Metric::Series(readings) if !stays => (readings.ranges.clone(), readings.scopes.end),
                Metric::Counter(own) if !stays => (own.ranges.clone(), own.scopes.end),
                Metric::Crashes(crashes) if !stays => (crashes.ranges.clone(), crashes.scopes.end),
                _ => return,
            };
            ranges = scope::union(std::mem::take(&mut ranges), &windows);
            end = end.max(until);
        });
        (ranges, end)
    }

    pub fn slices(&self, every: u64) -> Vec<Range> {
        let (ranges, end) = self.scope();
        scope::cut(&ranges, every, end)
    }
}

impl Metric {
    /// Whether its scopes are its own; `None` where it is of no windows that could narrow.
    fn scoped(&self) -> Option<bool> {
        match self {
            Metric::Requests(requests) => Some(requests.scopes.are_own),
            Metric::Series(readings) => Some(readings.scopes.are_own),
            Metric::Counter(own) => Some(own.scopes.are_own),
            Metric::Crashes(crashes) => Some(crashes.scopes.are_own),
            Metric::Capacity(_) | Metric::Scaling(_) | Metric::Ledger { .. } => None,
            Metric::Buckets(_) => None,
            Metric::Recovery(_) | Metric::Drift { .. } | Metric::Other { .. } => None,
            Metric::Alerts { .. } | Metric::Detection(_) => None,
        }
    }
}

impl Readings {
    pub fn narrowed(&self, to: &[Range]) -> Readings {
        Readings { ranges: scope::intersect(&self.ranges, to), ..self.clone() }
    }
}

impl Requests {
    /// All windows of its samples together, or those of the arrivals of its load.
    pub fn windows(&self) -> Vec<Range> {
        let own = self.load.iter().map(|(_, ranges)| ranges);
        self.samples
            .iter()
            .map(|samples| &samples.ranges)
            .chain(own)
            .fold(Vec::new(), |all, more| scope::union(all, more))
    }

    /// The same metric over a part of the run.
    pub fn within(&self, range: Range) -> Requests {
        self.narrowed(&[range])
    }

    pub fn narrowed(&self, to: &[Range]) -> Requests {
        let mut narrow = self.clone();
        for samples in narrow.samples.iter_mut().chain(&mut narrow.chosen_of) {
            samples.ranges = scope::intersect(&samples.ranges, to);
        }
        if let Some((_, ranges)) = &mut narrow.load {
            *ranges = scope::intersect(ranges, to);
        }
        narrow.length = scope::length(&narrow.windows(), narrow.scopes.end);
        narrow
    }
}
