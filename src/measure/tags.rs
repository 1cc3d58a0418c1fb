//! Which line of an interval log is which histogram of a plan.

use super::addresses;
use super::histogram::Counts;
use super::interval_log::Encoder;
use super::{LoadCounts, Phases, RequestPhase, SeriesCounts, Slice};
use crate::plan::Plan;
use std::collections::HashMap;

/// What stands after the tag of a series or the name of a load.
const SERVICE_TIME: &str = ".service_time";
const UNANSWERED: &str = ".unanswered";
const LAG: &str = ".schedule_lag";
/// No load and no series is called so: names of series have more dots, and the lag of a load ends otherwise.
const POLL_DELAY: &str = "generator.poll_delay";

#[derive(Debug, Clone, Copy)]
enum Histogram {
    Latency(u32),
    ServiceTime(u32),
    Unanswered(u32),
    Phase(u32, RequestPhase),
    Lag(u32),
    PollDelay,
}

/// The tags of a plan: latency and service time of the answers of each series, how long the others were waited for and what phases took, schedule lag of each load, poll delay of the workers.
#[derive(Debug, Clone, Default)]
pub struct Tags {
    series: Vec<[String; 3]>,
    phases: Vec<[String; RequestPhase::ALL.len()]>,
    loads: Vec<String>,
    targets: Vec<String>,
    histograms: HashMap<String, Histogram>,
}

impl Tags {
    pub fn new(plan: &Plan) -> Tags {
        let of = |tag: &str| ["", SERVICE_TIME, UNANSWERED].map(|what| format!("{tag}{what}"));
        let series = plan.series.iter().map(|series| of(&series.tag));
        let phases = |tag: &str| RequestPhase::ALL.map(|phase| format!("{tag}{}", phase.tag()));
        let mut tags = Tags {
            series: series.collect(),
            phases: plan.series.iter().map(|series| phases(&series.tag)).collect(),
            loads: plan.loads.iter().map(|load| format!("{}{LAG}", load.name)).collect(),
            targets: plan.targets.iter().map(|target| target.name.clone()).collect(),
            histograms: HashMap::new(),
        };
        for (index, [latency, service_time, unanswered]) in (0..).zip(&tags.series) {
            tags.histograms.insert(latency.clone(), Histogram::Latency(index));
            tags.histograms.entry(service_time.clone()).or_insert(Histogram::ServiceTime(index));
            tags.histograms.entry(unanswered.clone()).or_insert(Histogram::Unanswered(index));
        }
        for (index, phases) in (0..).zip(&tags.phases) {
            for (phase, tag) in RequestPhase::ALL.into_iter().zip(phases) {
                tags.histograms.entry(tag.clone()).or_insert(Histogram::Phase(index, phase));
            }
        }
        for (index, lag) in (0..).zip(&tags.loads) {
            tags.histograms.entry(lag.clone()).or_insert(Histogram::Lag(index));
        }
        tags.histograms.insert(POLL_DELAY.to_owned(), Histogram::PollDelay);
        tags
    }

    /// Appends the lines of a slice, or of several that were added up.
    pub fn write(&self, edges: &[u64], slice: &Slice, encoder: &mut Encoder, out: &mut Vec<u8>) {
        let (first, end) = slice.range();
        let start = edges.get(first as usize).copied().unwrap_or(0);
        let length = edges.get(end as usize).map_or(0, |end| end - start);
        let mut line = |tag: &str, counts: &Counts| {
            if !counts.is_empty() {
                encoder.line(tag, start, length, counts, out);
            }
        };
        for (index, counts) in &slice.series {
            let [latency, service_time, unanswered] = &self.series[*index as usize];
            line(latency, &counts.latency);
            line(service_time, &counts.service_time);
            line(unanswered, &counts.unanswered);
            for (phase, tag) in RequestPhase::ALL.into_iter().zip(&self.phases[*index as usize]) {
                line(tag, counts.phases.get(phase));
            }
        }
        for (index, counts) in &slice.loads {
            line(&self.loads[*index as usize], &counts.lag);
        }
        for (target, own) in &slice.addresses {
            for (number, counts) in own {
                let [answers, others] = addresses::tags(&self.targets[*target as usize], *number);
                line(&answers, &counts.service_time);
                line(&others, &counts.unanswered);
            }
        }
        line(POLL_DELAY, &slice.poll_delay);
    }

    /// Puts the histogram of a line where its tag says; nowhere if the plan has no such tag.
    pub fn place(&self, tag: &str, counts: Counts, slice: &mut Slice) {
        let of_series = SeriesCounts::default;
        match self.histograms.get(tag) {
            Some(Histogram::Latency(index)) => {
                slice.series.insert(*index, SeriesCounts { latency: counts, ..of_series() });
            }
            Some(Histogram::ServiceTime(index)) => {
                slice.series.insert(*index, SeriesCounts { service_time: counts, ..of_series() });
            }
            Some(Histogram::Unanswered(index)) => {
                slice.series.insert(*index, SeriesCounts { unanswered: counts, ..of_series() });
            }
            Some(Histogram::Phase(index, phase)) => {
                let phases = Phases::of(*phase, counts);
                slice.series.insert(*index, SeriesCounts { phases, ..of_series() });
            }
            Some(Histogram::Lag(index)) => {
                slice.loads.insert(*index, LoadCounts { lag: counts, ..LoadCounts::default() });
            }
            Some(Histogram::PollDelay) => slice.poll_delay = counts,
            None => self.place_of_address(tag, counts, slice),
        }
    }

    fn place_of_address(&self, tag: &str, counts: Counts, slice: &mut Slice) {
        let Some((name, number, of_answers)) = addresses::of_tag(tag) else { return };
        let Some(target) = self.targets.iter().position(|own| own == name) else { return };
        let counts = match of_answers {
            true => SeriesCounts { service_time: counts, ..SeriesCounts::default() },
            false => SeriesCounts { unanswered: counts, ..SeriesCounts::default() },
        };
        slice.addresses.entry(target as u32).or_default().insert(number, counts);
    }
}
