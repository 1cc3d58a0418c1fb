//! A part of a run merged into cells of one length, as it is written back to the record.

use super::course::{Course, Sum};
use super::histogram::Counts;
use super::interval_log::Interval;
use super::{Layout, LoadCounts, SeriesCounts, Slice};
use std::collections::BTreeMap;

pub struct Sums<'a> {
    layout: &'a Layout,
    series: Vec<Course<SeriesCounts>>,
    loads: Vec<Course<LoadCounts>>,
    addresses: BTreeMap<(u32, u32), Course<SeriesCounts>>,
    poll_delay: Course<Counts>,
    step: u64,
}

impl Sums<'_> {
    pub fn new(layout: &Layout, step: u64) -> Sums<'_> {
        let (series, loads, poll_delay) = (layout.series(), layout.loads(), layout.poll_delay());
        Sums { layout, series, loads, addresses: BTreeMap::new(), poll_delay, step }
    }

    pub fn add(&mut self, slice: &Slice) {
        let edges = &self.layout.edges;
        for (index, counts) in &slice.series {
            add(self.series.get_mut(*index as usize), edges, slice.range(), self.step, counts);
        }
        for (index, counts) in &slice.loads {
            add(self.loads.get_mut(*index as usize), edges, slice.range(), self.step, counts);
        }
        for (target, own) in &slice.addresses {
            for (number, counts) in own {
                let course = self.addresses.entry((*target, *number)).or_default();
                add(Some(course), edges, slice.range(), self.step, counts);
            }
        }
        if !slice.poll_delay.is_empty() {
            add(Some(&mut self.poll_delay), edges, slice.range(), self.step, &slice.poll_delay);
        }
    }

    pub fn add_line(&mut self, line: Interval) {
        let slice = self.layout.slice(line);
        self.add(&slice);
    }

    /// All cells, in order.
    pub fn slices(self) -> impl Iterator<Item = Slice> {
        let mut slices: BTreeMap<(u32, u32), Slice> = BTreeMap::new();
        for (index, course) in (0..).zip(self.series) {
            for cell in course.into_cells() {
                slice(&mut slices, cell.first, cell.end).series.insert(index, cell.counts);
            }
        }
        for (index, course) in (0..).zip(self.loads) {
            for cell in course.into_cells() {
                slice(&mut slices, cell.first, cell.end).loads.insert(index, cell.counts);
            }
        }
        for ((target, number), course) in self.addresses {
            for cell in course.into_cells() {
                let of_target = slice(&mut slices, cell.first, cell.end).addresses.entry(target).or_default();
                of_target.insert(number, cell.counts);
            }
        }
        for cell in self.poll_delay.into_cells() {
            slice(&mut slices, cell.first, cell.end).poll_delay = cell.counts;
        }
        slices.into_values()
    }
}

fn slice(slices: &mut BTreeMap<(u32, u32), Slice>, first: u32, end: u32) -> &mut Slice {
    let until = Some(end).filter(|end| *end != first + 1);
    slices.entry((first, end)).or_insert_with(|| Slice { slice: first, until, ..Slice::default() })
}

fn add<C: Sum>(course: Option<&mut Course<C>>, edges: &[u64], range: (u32, u32), step: u64, counts: &C) {
    if let Some(course) = course {
        let (first, end) = course.cell_of(edges, range.0, step);
        course.add(first.min(range.0), end.max(range.1), counts);
    }
}
