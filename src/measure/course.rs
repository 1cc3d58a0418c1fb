//! The measurements of one series or one load over time: fine while they are new, merged within its windows once they are old.

use super::histogram::{Adder, Counts};
use super::{LoadCounts, Phases, SeriesCounts};

/// What adds up.
pub trait Sum: Default {
    fn add(&mut self, other: &Self);
    /// The sum of many at once.
    fn sum(parts: &[Self], adder: &mut Adder) -> Self;
    /// What it takes of memory next to itself.
    fn heap(&self) -> usize;
}

/// The sum of some slices that follow each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell<C> {
    pub first: u32,
    /// The slice after the last.
    pub end: u32,
    pub counts: C,
}

#[derive(Debug, Clone, Default)]
pub struct Course<C> {
    /// In order, none upon another.
    cells: Vec<Cell<C>>,
    /// The slices with which windows begin: no cell reaches across one.
    windows: Vec<u32>,
}

impl<C: Sum> Course<C> {
    pub fn new(edges: &[u64], windows: &[u64]) -> Course<C> {
        let slice = |edge: &u64| edges.partition_point(|other| other < edge) as u32;
        Course { cells: Vec::new(), windows: windows.iter().map(slice).collect() }
    }

    pub fn into_cells(self) -> Vec<Cell<C>> {
        self.cells
    }

    pub fn cells(&self) -> &[Cell<C>] {
        &self.cells
    }

    /// The cells that begin in these slices.
    pub fn within(&self, first: u32, end: u32) -> &[Cell<C>] {
        let at = |slice: u32| self.cells.partition_point(|cell| cell.first < slice);
        &self.cells[at(first)..at(end)]
    }

    /// The window in which a slice lies, by its first slice: it stays a cell, or several, however old it gets.
    pub fn window_of(&self, slice: u32) -> u32 {
        let after = self.windows.partition_point(|window| *window <= slice);
        after.checked_sub(1).map_or(0, |before| self.windows[before])
    }

    /// The beginning of the cell that reaches across the beginning of a slice, or that slice.
    pub fn cut_before(&self, slice: u32) -> u32 {
        let after = self.cells.partition_point(|cell| cell.first < slice);
        let crossing = after.checked_sub(1).map(|before| &self.cells[before]).filter(|cell| cell.end > slice);
        crossing.map_or(slice, |cell| cell.first)
    }

    /// Adds to the cell that holds these slices, which is made of smaller ones where it has to be.
    pub fn add(&mut self, first: u32, end: u32, counts: &C) {
        let from = self.cells.partition_point(|cell| cell.end <= first);
        let to = from + self.cells[from..].partition_point(|cell| cell.first < end);
        if from == to {
            let mut sum = C::default();
            sum.add(counts);
            self.cells.insert(from, Cell { first, end, counts: sum });
            return;
        }
        let others: Vec<Cell<C>> = self.cells.drain(from + 1..to).collect();
        let cell = &mut self.cells[from];
        others.iter().for_each(|other| cell.counts.add(&other.counts));
        cell.counts.add(counts);
        (cell.first, cell.end) = (cell.first.min(first), cell.end.max(end).max(others.last().map_or(0, |o| o.end)));
    }

    /// The slices that are added up with this one where no cell is longer than `step`: those of the same step of time in
    /// the same window.
    pub fn cell_of(&self, edges: &[u64], slice: u32, step: u64) -> (u32, u32) {
        cell_of(edges, &self.windows, slice, step)
    }

    /// Adds up what had ended by `before` to cells of at most `step`.
    pub fn coarsen(&mut self, edges: &[u64], before: u64, step: u64, adder: &mut Adder) {
        let old = self.cells.partition_point(|cell| edges.get(cell.end as usize).is_some_and(|end| *end <= before));
        if old < 2 {
            return;
        }
        let mut cells: Vec<Cell<C>> = Vec::new();
        let mut group: Vec<C> = Vec::new();
        // Of the group that is open: its first slice, that after its last, and that up to which it may grow.
        let (mut first, mut end, mut limit) = (0, 0, 0);
        for cell in self.cells.drain(..old) {
            if cell.end > limit {
                close(&mut cells, (first, end), &mut group, adder);
                first = cell.first;
                limit = cell_of(edges, &self.windows, cell.first, step).1.max(cell.end);
            }
            end = cell.end;
            group.push(cell.counts);
        }
        close(&mut cells, (first, end), &mut group, adder);
        self.cells.splice(0..0, cells);
    }

    /// Lets go of what had ended by `before`.
    pub fn forget(&mut self, edges: &[u64], before: u64) {
        let old = self.cells.partition_point(|cell| edges.get(cell.end as usize).is_some_and(|end| *end <= before));
        self.cells.drain(..old);
    }

    pub fn size(&self) -> usize {
        let cells: usize = self.cells.iter().map(|cell| size_of::<Cell<C>>() + cell.counts.heap()).sum();
        cells + self.windows.len() * size_of::<u32>()
    }
}

fn cell_of(edges: &[u64], windows: &[u32], slice: u32, step: u64) -> (u32, u32) {
    let at = edges.get(slice as usize).copied().unwrap_or(u64::MAX);
    let begin = at - at % step;
    let first_from = |time: u64| edges.partition_point(|edge| *edge < time) as u32;
    let (first, end) = (first_from(begin), begin.checked_add(step).map_or(u32::MAX, first_from));
    let window = windows.partition_point(|window| *window <= slice);
    let start = window.checked_sub(1).map_or(0, |before| windows[before]);
    let next = windows.get(window).copied().unwrap_or(u32::MAX);
    (first.max(start), end.min(next))
}

fn close<C: Sum>(cells: &mut Vec<Cell<C>>, (first, end): (u32, u32), group: &mut Vec<C>, adder: &mut Adder) {
    let counts = match group.len() {
        0 => return,
        1 => group.pop().expect("one was counted"),
        _ => C::sum(group, adder),
    };
    group.clear();
    cells.push(Cell { first, end, counts });
}

/// What an allocation costs next to its bytes.
const ALLOCATION: usize = 16;

fn heap(counts: &Counts) -> usize {
    if counts.is_empty() { 0 } else { counts.packed().len() + ALLOCATION }
}

impl Sum for SeriesCounts {
    fn add(&mut self, other: &SeriesCounts) {
        SeriesCounts::add(self, other);
    }

    fn sum(parts: &[SeriesCounts], adder: &mut Adder) -> SeriesCounts {
        let mut sum = SeriesCounts::default();
        parts.iter().for_each(|part| sum.add_numbers(part));
        sum.latency = adder.sum(parts.iter().map(|part| &part.latency));
        sum.service_time = adder.sum(parts.iter().map(|part| &part.service_time));
        sum.unanswered = adder.sum(parts.iter().map(|part| &part.unanswered));
        sum.phases = Phases::sum(parts, adder);
        sum
    }

    fn heap(&self) -> usize {
        // A map of up to eleven small entries is one node.
        let failed = if self.failed.is_empty() { 0 } else { 128 };
        let phases: usize = self.phases.all().iter().map(heap).sum();
        failed + heap(&self.latency) + heap(&self.service_time) + heap(&self.unanswered) + phases
    }
}

impl Sum for Counts {
    fn add(&mut self, other: &Counts) {
        self.merge(other);
    }

    fn sum(parts: &[Counts], adder: &mut Adder) -> Counts {
        adder.sum(parts.iter())
    }

    fn heap(&self) -> usize {
        heap(self)
    }
}

impl Sum for LoadCounts {
    fn add(&mut self, other: &LoadCounts) {
        LoadCounts::add(self, other);
    }

    fn sum(parts: &[LoadCounts], adder: &mut Adder) -> LoadCounts {
        let mut sum = LoadCounts::default();
        parts.iter().for_each(|part| sum.add_numbers(part));
        sum.lag = adder.sum(parts.iter().map(|part| &part.lag));
        sum
    }

    fn heap(&self) -> usize {
        heap(&self.lag)
    }
}
