//! Raw samples of the series after a counter, as a Prometheus scraped them. Instants are in milliseconds since the start of the load,
//! and those before it are negative.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// As far from the start of the load as an instant can be: well over any run.
const FARTHEST: i64 = 1 << 40;

/// What a Prometheus knew of a counter after the load.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Counted {
    /// Its place in the plan.
    pub counter: usize,
    /// Since then nothing but the load sends: a sample from then on and before the load is what the counter began with.
    pub from: i64,
    /// When it was read.
    pub until: i64,
    /// From when on two scrapes showed the same; none where they did not in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<i64>,
    /// The usual time between two scrapes; 0 where that is not known.
    pub interval: i64,
    /// How far the clock of the Prometheus may be from ours, after its instants were moved by what it surely is.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skew: i64,
    pub series: Vec<CounterSeries>,
    pub targets: Vec<ScrapeTarget>,
    /// Why the Prometheus could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// One series of a counter.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct CounterSeries {
    pub labels: Vec<(String, String)>,
    /// The place of its target among these, where `up` tells of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<usize>,
    /// Of equal ones in a row only the first and the last.
    pub samples: Vec<(i64, f64)>,
    /// Between samples: longer than two and a half scrapes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<(i64, i64)>,
}

/// Something that was scraped.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct ScrapeTarget {
    pub job: String,
    pub instance: String,
    /// Scrapes in a row that went well: the first and the last of each row.
    pub up: Vec<(i64, i64)>,
    /// When the last scrape was, whether it went well or not.
    pub last: i64,
    /// Scrapes that began to show another start of the process: when, and that start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub starts: Vec<(i64, f64)>,
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl Counted {
    /// Whether a run can have written it.
    pub fn is_possible(&self) -> bool {
        let near = |at: &i64| (-FARTHEST..=FARTHEST).contains(at);
        let both = |(from, to): &(i64, i64)| near(from) && near(to) && from <= to;
        let rising = |samples: &[(i64, f64)]| {
            samples.iter().all(|(at, value)| near(at) && value.is_finite())
                && samples.windows(2).all(|pair| pair[0].0 < pair[1].0)
        };
        let series = |own: &CounterSeries| {
            let target = own.target.is_none_or(|target| target < self.targets.len());
            target && rising(&own.samples) && own.gaps.iter().all(both)
        };
        let target = |own: &ScrapeTarget| near(&own.last) && own.up.iter().all(both) && rising(&own.starts);
        [self.from, self.until, self.interval, self.skew].iter().chain(&self.settled).all(near)
            && self.interval >= 0
            && self.skew >= 0
            && self.series.iter().all(series)
            && self.targets.iter().all(target)
    }
}

/// The median time between scrapes of all targets; 0 where there are too few.
pub fn interval<'a>(instants: impl Iterator<Item = &'a [i64]>) -> i64 {
    let mut between: Vec<i64> = instants.flat_map(|own| own.windows(2).map(|pair| pair[1] - pair[0])).collect();
    between.sort_unstable();
    between.get(between.len() / 2).copied().unwrap_or(0)
}

/// Whether scrapes are missing between two.
pub fn is_gap(from: i64, to: i64, interval: i64) -> bool {
    interval > 0 && (to - from) * 2 > interval * 5
}

impl CounterSeries {
    /// Of all samples of a series, in the order of time: its gaps, and as many samples as are kept. Those around an instant at which it
    /// fell, the first and the last always are.
    pub fn new(labels: Vec<(String, String)>, samples: &[(i64, f64)], interval: i64, most: usize) -> CounterSeries {
        let pairs = samples.windows(2).map(|pair| (pair[0].0, pair[1].0));
        let gaps = pairs.filter(|(from, to)| is_gap(*from, *to, interval)).collect();
        let value = |place: Option<usize>| place.and_then(|place| samples.get(place)).map(|sample| sample.1);
        let turns = |place: usize| {
            let (before, own, after) = (value(place.checked_sub(1)), samples[place].1, value(Some(place + 1)));
            before != Some(own) || after != Some(own)
        };
        let places: Vec<usize> = (0..samples.len()).filter(|place| turns(*place)).collect();
        let every = places.len().div_ceil(most.max(1)).max(1);
        let is_kept = |(count, place): &(usize, usize)| {
            let own = samples[*place].1;
            let falls = value(Some(place + 1)).is_some_and(|after| after < own)
                || value(place.checked_sub(1)).is_some_and(|before| own < before);
            falls || *place == 0 || *place + 1 == samples.len() || count % every == 0
        };
        let kept = places.into_iter().enumerate().filter(is_kept).map(|(_, place)| samples[place]).collect();
        CounterSeries { labels, target: None, samples: kept, gaps }
    }

    pub fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }
}

impl ScrapeTarget {
    /// Of the samples of its `up`, in the order of time.
    pub fn new(job: String, instance: String, samples: &[(i64, f64)], interval: i64) -> ScrapeTarget {
        let mut up: Vec<(i64, i64)> = Vec::new();
        let mut goes_on = false;
        for (at, value) in samples {
            match up.last_mut().filter(|row| goes_on && !is_gap(row.1, *at, interval)) {
                _ if *value == 0.0 => goes_on = false,
                Some(row) => row.1 = *at,
                None => {
                    up.push((*at, *at));
                    goes_on = true;
                }
            }
        }
        ScrapeTarget { job, instance, up, last: samples.last().map_or(0, |(at, _)| *at), starts: Vec::new() }
    }

    /// Of the samples of the start of its process.
    pub fn started(&mut self, samples: &[(i64, f64)]) {
        let mut starts: Vec<(i64, f64)> = Vec::new();
        for (at, start) in samples {
            if starts.last().is_none_or(|(_, last)| last != start) {
                starts.push((*at, *start));
            }
        }
        self.starts = starts;
    }

    /// Whether it answered a scrape in a time.
    pub fn was_up(&self, from: i64, until: i64) -> bool {
        self.up.iter().any(|(first, last)| *first < until && *last >= from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(samples: &[(i64, f64)], most: usize) -> Vec<(i64, f64)> {
        CounterSeries::new(Vec::new(), samples, 10, most).samples
    }

    #[test]
    fn what_stays_the_same_is_kept_at_both_ends() {
        let samples = [(0, 1.0), (10, 1.0), (20, 1.0), (30, 5.0), (40, 5.0)];
        assert_eq!(kept(&samples, 100), [(0, 1.0), (20, 1.0), (30, 5.0), (40, 5.0)]);
        assert_eq!(kept(&[], 100), []);
    }

    #[test]
    fn of_many_samples_the_ends_and_every_fall_are_kept() {
        let samples: Vec<(i64, f64)> = (0..1000).map(|n| (n * 10, (n % 700) as f64)).collect();
        let kept = kept(&samples, 50);
        assert!(kept.len() < 60, "{}", kept.len());
        for sample in [(0, 0.0), (6_990, 699.0), (7_000, 0.0), (9_990, 299.0)] {
            assert!(kept.contains(&sample), "{sample:?}");
        }
    }

    #[test]
    fn gaps_are_longer_than_two_and_a_half_scrapes() {
        let samples = [(0, 1.0), (10, 2.0), (35, 3.0), (61, 4.0)];
        assert_eq!(CounterSeries::new(Vec::new(), &samples, 10, 100).gaps, [(35, 61)]);
        assert_eq!(interval([&[0, 10, 20, 30, 60][..], &[0, 10]].into_iter()), 10);
        assert_eq!(interval([&[0][..]].into_iter()), 0);
    }

    #[test]
    fn a_target_is_up_in_rows_of_scrapes() {
        let samples = [(0, 1.0), (10, 1.0), (20, 0.0), (30, 1.0), (70, 1.0), (80, 0.0)];
        let mut target = ScrapeTarget::new("a".to_owned(), "b".to_owned(), &samples, 10);
        assert_eq!((target.up.as_slice(), target.last), (&[(0, 10), (30, 30), (70, 70)][..], 80));
        assert!(target.was_up(5, 20) && !target.was_up(11, 30) && target.was_up(25, 31));
        target.started(&[(0, 7.0), (10, 7.0), (30, 9.0)]);
        assert_eq!(target.starts, [(0, 7.0), (30, 9.0)]);
    }

    #[test]
    fn what_no_run_can_have_written_is_refused() {
        let series = CounterSeries { samples: vec![(0, 1.0), (10, 2.0)], ..CounterSeries::default() };
        let counted = Counted { series: vec![series], ..Counted::default() };
        assert!(counted.is_possible());
        let with = |change: fn(&mut Counted)| {
            let mut other = counted.clone();
            change(&mut other);
            other.is_possible()
        };
        assert!(!with(|own| own.from = i64::MIN));
        assert!(!with(|own| own.series[0].samples[1].0 = 0));
        assert!(!with(|own| own.series[0].samples[1].1 = f64::NAN));
        assert!(!with(|own| own.series[0].target = Some(0)));
        assert!(!with(|own| own.interval = -1));
    }
}
