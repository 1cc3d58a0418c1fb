//! What was measured, as windows, pages and charts ask for it.

use super::Stats;
use crate::measure::course::{Cell, Course, Sum};
use crate::measure::histogram;
use crate::measure::{Gauge, Generator, LoadCounts, RequestPhase, SeriesCounts, Times};
use crate::plan::{Plan, Range, Watched};
use hdrhistogram::Histogram;

impl Stats {
    fn series_within<'a>(&'a self, series: usize, ranges: &'a [Range]) -> impl Iterator<Item = &'a SeriesCounts> {
        self.cells_of(series, ranges).map(|(_, cell)| &cell.counts)
    }

    /// All that was counted of each series, without histograms.
    pub fn numbers(&self) -> impl Iterator<Item = (u32, SeriesCounts)> + '_ {
        let all = |course: &Course<SeriesCounts>| {
            let mut sum = SeriesCounts::default();
            course.cells().iter().for_each(|cell| sum.add_numbers(&cell.counts));
            sum
        };
        (0..).zip(self.series.iter().map(all))
    }

    /// The counts of a series in windows, without histograms.
    pub fn counts(&self, series: usize, ranges: &[Range]) -> SeriesCounts {
        let mut sum = SeriesCounts::default();
        self.series_within(series, ranges).for_each(|counts| sum.add_numbers(counts));
        sum
    }

    /// The counts of a series in each slice of windows, with the start of the slice.
    pub fn slices_of<'a>(
        &'a self,
        series: usize,
        ranges: &'a [Range],
    ) -> impl Iterator<Item = (u64, &'a SeriesCounts)> + 'a {
        self.cells_of(series, ranges).filter_map(|(_, cell)| Some((self.edge(cell.first)?, &cell.counts)))
    }

    /// What was intended in windows, in pieces, each with the longest that something in it took or was waited for.
    pub fn longest_of<'a>(&'a self, series: usize, ranges: &'a [Range]) -> Vec<(Range, u64)> {
        let longest = |cell: &'a Cell<SeriesCounts>| {
            let range = (self.edge(cell.first)?, self.edge(cell.end)?);
            let longest = cell.counts.latency.max().max(cell.counts.unanswered.max())?;
            Some((range, longest))
        };
        self.cells_of(series, ranges).filter_map(|(_, cell)| longest(cell)).collect()
    }

    /// The same with the start of what is never added up further: the same whether it has been added up or not yet.
    pub fn pieces_of<'a>(
        &'a self,
        series: usize,
        ranges: &'a [Range],
    ) -> impl Iterator<Item = (u64, &'a SeriesCounts)> + 'a {
        let cells = self.cells_of(series, ranges);
        cells.filter_map(|(course, cell)| Some((self.edge(course.window_of(cell.first))?, &cell.counts)))
    }

    fn cells_of<'a>(
        &'a self,
        series: usize,
        ranges: &'a [Range],
    ) -> impl Iterator<Item = (&'a Course<SeriesCounts>, &'a Cell<SeriesCounts>)> {
        let course = self.series.get(series).into_iter();
        course.flat_map(move |course| self.within(course, ranges).map(move |cell| (course, cell)))
    }

    /// Where a slice begins.
    pub(super) fn edge(&self, slice: u32) -> Option<u64> {
        self.layout.edges.get(slice as usize).copied()
    }

    /// What was counted of a series around a range, each with the share of it that the range has: for pictures, whose ranges lie
    /// between edges.
    pub fn shares_of(&self, series: usize, range: Range) -> impl Iterator<Item = (&SeriesCounts, f64)> {
        self.shares(self.series.get(series), range)
    }

    /// The same of a load.
    pub fn load_shares(&self, load: usize, range: Range) -> impl Iterator<Item = (&LoadCounts, f64)> {
        self.shares(self.loads.get(load), range)
    }

    fn shares<'a, C: Sum>(
        &'a self,
        course: Option<&'a Course<C>>,
        (from, to): Range,
    ) -> impl Iterator<Item = (&'a C, f64)> {
        let edge = |slice: u32| self.edge(slice).unwrap_or(u64::MAX);
        let cells = course.map_or(&[][..], Course::cells);
        let first = cells.partition_point(|cell| edge(cell.end) <= from);
        cells[first..].iter().map_while(move |cell| {
            let (start, end) = (edge(cell.first), edge(cell.end));
            let shared = to.min(end).checked_sub(from.max(start)).filter(|shared| *shared > 0)?;
            Some((&cell.counts, shared as f64 / (end - start) as f64))
        })
    }

    /// Adds the times of a series in windows.
    pub fn times(&self, series: usize, ranges: &[Range], service_time: bool, into: &mut Times) {
        self.series_within(series, ranges).for_each(|counts| into.add(counts, service_time));
    }

    /// How long a phase of the requests of a series took, in the whole run.
    pub fn phase(&self, series: usize, phase: RequestPhase) -> Histogram<u64> {
        let mut times = histogram::empty();
        let cells = self.series.get(series).map_or(&[][..], Course::cells);
        cells.iter().for_each(|cell| cell.counts.phases.get(phase).add_to(&mut times));
        times
    }

    /// What came of the tries at an address of a target in the whole run, and their service times.
    pub fn at_address(&self, target: usize, number: u32) -> (SeriesCounts, Times) {
        let (mut sum, mut times) = (SeriesCounts::default(), Times::default());
        let cells = self.addresses.get(&(target as u32, number)).map_or(&[][..], Course::cells);
        for cell in cells {
            sum.add_numbers(&cell.counts);
            times.add(&cell.counts, true);
        }
        (sum, times)
    }

    pub fn load(&self, load: usize, ranges: &[Range]) -> LoadCounts {
        let mut sum = LoadCounts::default();
        if let Some(course) = self.loads.get(load) {
            self.within(course, ranges).for_each(|cell| sum.add(&cell.counts));
        }
        sum
    }

    /// How many iterations of a stage were planned for this share, where that was known: what the seed gave, where they
    /// arrive at random.
    pub fn planned(&self, plan: &Plan, load: usize, stage: usize) -> Option<u64> {
        let planned = plan.loads.get(load)?;
        match self.drawn.iter().find(|(own, _)| *own == load) {
            Some((_, stages)) => stages.get(stage).copied(),
            None if planned.poisson => None,
            None => planned.planned(planned.stages.get(stage)?, plan.share),
        }
    }

    /// When all iterations of a `once` had ended, or a `search` was over.
    pub fn done(&self, load: usize, stage: usize) -> Option<u64> {
        self.done.iter().find(|(own, at, _)| (*own, *at) == (load, stage)).map(|(.., at)| *at)
    }

    /// The rest of each stage whose iterations had all ended before its end.
    pub fn spare(&self, load: usize) -> impl Iterator<Item = Range> + '_ {
        let ends = self.stages.get(load).map_or(&[][..], Vec::as_slice);
        let done = self.done.iter().filter(move |(own, ..)| *own == load);
        done.filter_map(|(_, stage, at)| Some((*at, *ends.get(*stage)?))).filter(|(at, end)| at < end)
    }

    /// What was read of a series; `None` where the plan does not watch it.
    pub fn gauge(&self, series: &Watched) -> Option<&Gauge> {
        self.watched.iter().find(|(watched, _)| watched.is_same(series)).map(|(_, gauge)| gauge)
    }

    pub fn lag(&self, load: usize) -> Histogram<u64> {
        self.load(load, &[(0, u64::MAX)]).lag.to_histogram()
    }

    /// How late arrivals of a load came in windows and at most a minute around them: what is old was added up.
    pub fn lag_around(&self, load: usize, ranges: &[Range], into: &mut Histogram<u64>) {
        let course = self.loads.get(load).into_iter();
        course.flat_map(|course| self.around(course, ranges)).for_each(|cell| cell.counts.lag.add_to(into));
    }

    /// How late workers got to what was ready, as exactly.
    pub fn poll_delay(&self, ranges: &[Range]) -> Histogram<u64> {
        let mut delay = histogram::empty();
        self.around(&self.poll_delay, ranges).for_each(|cell| cell.counts.add_to(&mut delay));
        delay
    }

    /// Cells that have a part in windows.
    fn around<'a, C: Sum>(&'a self, course: &'a Course<C>, ranges: &'a [Range]) -> impl Iterator<Item = &'a Cell<C>> {
        let edge = |slice: u32| self.edge(slice).unwrap_or(u64::MAX);
        let has_part = move |cell: &&Cell<C>| {
            let (start, end) = (edge(cell.first), edge(cell.end));
            ranges.iter().any(|(from, to)| start < *to && *from < end)
        };
        course.cells().iter().filter(has_part)
    }

    /// Whether the run went to its planned end with all its parts.
    pub fn is_whole(&self) -> bool {
        self.complete && !self.interrupted && self.aborted.is_none() && self.died.is_empty()
    }

    /// The highest reading of the generator's health.
    pub fn peak(&self, reading: fn(&Generator) -> f64) -> f64 {
        self.generator.iter().map(reading).fold(0.0, f64::max)
    }

    /// Up to where the run was measured: its end, or the last full second before it was cut off.
    pub fn end(&self) -> u64 {
        self.ended.or_else(|| Some(self.generator.last()?.at)).unwrap_or_else(|| self.last())
    }

    /// The offset after the last slice that holds anything.
    pub fn last(&self) -> u64 {
        let of_series = self.series.iter().filter_map(|course| course.cells().last()).map(|cell| cell.end);
        let of_loads = self.loads.iter().filter_map(|course| course.cells().last()).map(|cell| cell.end);
        of_series.chain(of_loads).max().and_then(|end| self.edge(end)).unwrap_or(0)
    }
}
