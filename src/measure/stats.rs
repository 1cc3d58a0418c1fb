//! All slices of a run, and their sums over windows.

use super::histogram::{self, Counts};
use super::{Event, Gauge, Generator, LoadCounts, SeriesCounts, Slice, interval_log};
use crate::base::units::MILLISECOND;
use crate::plan::{Plan, Range, Watched};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default)]
pub struct Stats {
    pub edges: Vec<u64>,
    pub slices: BTreeMap<u32, Slice>,
    pub generator: Vec<Generator>,
    /// What the plan watches, and what was read of it.
    pub watched: Vec<(Watched, Gauge)>,
    pub interrupted: bool,
    pub died: Vec<(String, String, String)>,
    pub ready: Vec<(String, String)>,
    pub problems: Vec<String>,
    pub seed: u64,
    pub id: String,
    pub started: String,
    /// The end of the load, or of the last slice where the run was cut off.
    pub ended: Option<u64>,
    pub complete: bool,
}

/// Tags of an interval log beside the latency of a series.
const SERVICE_TIME: &str = ".service_time";
const LAG: &str = ".schedule_lag";

impl Stats {
    pub fn new(plan: &Plan) -> Stats {
        Stats { edges: plan.edges(), ..Stats::watching(plan.watched()) }
    }

    /// Nothing but series of values over time.
    pub fn watching(watched: Vec<Watched>) -> Stats {
        let watched = watched.into_iter().map(|watched| (watched, Gauge::default())).collect();
        Stats { watched, ..Stats::default() }
    }

    pub fn take(&mut self, event: Event) {
        match event {
            Event::Started { id, started, seed, .. } => (self.id, self.started, self.seed) = (id, started, seed),
            Event::Slice(slice) => self.add(&slice),
            Event::Generator(generator) => self.generator.push(generator),
            Event::Gauges(gauges) => {
                let at = gauges.at;
                for (index, value) in gauges.values {
                    if let Some((_, gauge)) = self.watched.get_mut(index as usize) {
                        gauge.read(at, value);
                    }
                }
                for (index, reason) in gauges.gaps {
                    if let Some((_, gauge)) = self.watched.get_mut(index as usize) {
                        gauge.missed(at, reason);
                    }
                }
            }
            Event::Interrupted { .. } => self.interrupted = true,
            Event::ServiceDied { service, status, output, .. } => self.died.push((service, status, output)),
            Event::ServiceReady { service, address } => self.ready.push((service, address)),
            Event::Problem { problem } => self.problems.push(problem),
            Event::LoadEnded { at } => self.ended = Some(at),
            Event::Ended { .. } => self.complete = true,
            Event::LoadStarted | Event::ServiceStopped { .. } => {}
        }
    }

    pub fn add(&mut self, slice: &Slice) {
        let sum = self.slices.entry(slice.slice).or_insert_with(|| Slice { slice: slice.slice, ..Slice::default() });
        for (index, counts) in &slice.series {
            sum.series.entry(*index).or_default().add(counts);
        }
        for (index, counts) in &slice.loads {
            sum.loads.entry(*index).or_default().add(counts);
        }
    }

    /// The lines of the interval log for one slice: latency and service time of each series, lag of each load.
    pub fn log_lines(plan: &Plan, edges: &[u64], slice: &Slice) -> Vec<u8> {
        let start = edges.get(slice.slice as usize).copied().unwrap_or(0);
        let length = edges.get(slice.slice as usize + 1).map_or(0, |end| end - start);
        let mut out = Vec::new();
        let mut line = |tag: &str, counts: &Counts| {
            if !counts.is_empty() {
                out.extend(interval_log::line(tag, start, length, counts));
            }
        };
        for (index, counts) in &slice.series {
            let tag = &plan.series[*index as usize].tag;
            line(tag, &counts.latency);
            line(&format!("{tag}{SERVICE_TIME}"), &counts.service_time);
        }
        for (index, counts) in &slice.loads {
            line(&format!("{}{LAG}", plan.loads[*index as usize].name), &counts.lag);
        }
        out
    }

    /// Adds the histograms of an interval log; what names no series of the plan is left out.
    pub fn add_log(&mut self, plan: &Plan, lines: Vec<interval_log::Line>) {
        for line in lines {
            let at = self.edges.partition_point(|edge| *edge <= line.start_ns + MILLISECOND / 2).saturating_sub(1);
            let mut slice = Slice { slice: at as u32, ..Slice::default() };
            let series = |tag: &str| plan.series.iter().position(|s| s.tag == tag).map(|index| index as u32);
            let load = |name: &str| plan.loads.iter().position(|l| l.name == name).map(|index| index as u32);
            if let Some(index) = series(&line.tag) {
                slice.series.insert(index, SeriesCounts { latency: line.counts, ..SeriesCounts::default() });
            } else if let Some(index) = line.tag.strip_suffix(SERVICE_TIME).and_then(series) {
                slice.series.insert(index, SeriesCounts { service_time: line.counts, ..SeriesCounts::default() });
            } else if let Some(index) = line.tag.strip_suffix(LAG).and_then(load) {
                slice.loads.insert(index, LoadCounts { lag: line.counts, ..LoadCounts::default() });
            }
            self.add(&slice);
        }
    }

    fn within<'a>(&'a self, ranges: &'a [Range]) -> impl Iterator<Item = &'a Slice> + 'a {
        let from = |offset: u64| self.edges.partition_point(|edge| *edge < offset) as u32;
        // Ranges are disjoint, so nothing comes twice.
        ranges
            .iter()
            .filter(|(start, end)| start < end)
            .flat_map(move |(start, end)| self.slices.range(from(*start)..from(*end)).map(|(_, slice)| slice))
    }

    /// The counts of a series in windows, without histograms.
    pub fn counts(&self, series: usize, ranges: &[Range]) -> SeriesCounts {
        let mut sum = SeriesCounts::default();
        for counts in self.within(ranges).filter_map(|slice| slice.series.get(&(series as u32))) {
            sum.sent += counts.sent;
            sum.ok += counts.ok;
            for (kind, count) in &counts.failed {
                *sum.failed.entry(*kind).or_default() += count;
            }
        }
        sum
    }

    /// Adds the histogram of a series in windows.
    pub fn histogram(&self, series: usize, ranges: &[Range], service_time: bool, into: &mut Histogram<u64>) {
        for counts in self.within(ranges).filter_map(|slice| slice.series.get(&(series as u32))) {
            let counts = if service_time { &counts.service_time } else { &counts.latency };
            counts.add_to(into);
        }
    }

    pub fn load(&self, load: usize, ranges: &[Range]) -> LoadCounts {
        let mut sum = LoadCounts::default();
        for counts in self.within(ranges).filter_map(|slice| slice.loads.get(&(load as u32))) {
            sum.add(counts);
        }
        sum
    }

    /// What was read of a series; `None` where the plan does not watch it.
    pub fn gauge(&self, series: &Watched) -> Option<&Gauge> {
        self.watched.iter().find(|(watched, _)| watched.is_same(series)).map(|(_, gauge)| gauge)
    }

    pub fn lag(&self, load: usize) -> Histogram<u64> {
        let mut lag = histogram::empty();
        self.load(load, &[(0, u64::MAX)]).lag.add_to(&mut lag);
        lag
    }

    /// Whether the run went to its planned end with all its parts.
    pub fn is_whole(&self) -> bool {
        self.complete && !self.interrupted && self.died.is_empty()
    }

    /// The highest reading of the generator's health.
    pub fn peak(&self, reading: fn(&Generator) -> f64) -> f64 {
        self.generator.iter().map(reading).fold(0.0, f64::max)
    }

    /// Up to where the run was measured: its end, or the last full second before it was cut off.
    pub fn end(&self) -> u64 {
        self.ended.or_else(|| Some(self.generator.last()?.at)).unwrap_or_else(|| self.last())
    }

    /// The offset behind the last slice that holds anything.
    pub fn last(&self) -> u64 {
        self.slices.keys().next_back().and_then(|slice| self.edges.get(*slice as usize + 1)).copied().unwrap_or(0)
    }
}
