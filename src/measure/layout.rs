//! The layout of a plan's measurements in time and in files: their edges and their names.

use super::course::{Course, Sum};
use super::histogram::Counts;
use super::interval_log::Interval;
use super::{Generator, Slice, Tags};
use crate::base::units::{MILLISECOND, MINUTE, SECOND};
use crate::plan::{Plan, WindowEdges};

#[derive(Debug, Clone, Default)]
pub struct Layout {
    pub edges: Vec<u64>,
    pub tags: Tags,
    pub(super) windows: WindowEdges,
    /// Readings of the generator from different sides of these are not joined: a load is judged by those up to its end.
    pub(super) ends: Vec<u64>,
}

impl Layout {
    pub fn new(plan: &Plan) -> Layout {
        let mut ends: Vec<u64> = plan.loads.iter().map(|load| load.shape.end() + SECOND).collect();
        ends.sort_unstable();
        Layout { edges: plan.edges(), tags: Tags::new(plan), windows: plan.window_edges(), ends }
    }

    /// Empty courses of all series.
    pub fn series<C: Sum>(&self) -> Vec<Course<C>> {
        self.windows.series.iter().map(|windows| Course::new(&self.edges, windows)).collect()
    }

    /// Empty courses of all loads.
    pub fn loads<C: Sum>(&self) -> Vec<Course<C>> {
        self.windows.loads.iter().map(|windows| Course::new(&self.edges, windows)).collect()
    }

    /// An empty course of the workers, cut where those of any load are.
    pub fn poll_delay(&self) -> Course<Counts> {
        let mut windows: Vec<u64> = self.windows.loads.concat();
        windows.sort_unstable();
        windows.dedup();
        Course::new(&self.edges, &windows)
    }

    /// The slices of a line of an interval log, with its histogram; empty where it names no series of the plan.
    pub fn slice(&self, line: Interval) -> Slice {
        // Logs keep microseconds, and those of other tools milliseconds.
        let slice_at = |at: u64| self.edges.partition_point(|edge| *edge <= at.saturating_add(MILLISECOND / 2)) as u32;
        let first = slice_at(line.start_ns).saturating_sub(1);
        let end = slice_at(line.start_ns.saturating_add(line.length_ns)).saturating_sub(1).max(first + 1);
        let mut slice = Slice { slice: first, until: Some(end), ..Slice::default() };
        self.tags.place(&line.tag, line.counts, &mut slice);
        slice
    }

    /// Joins readings of the generator that were made before an instant to one a minute.
    pub fn join(&self, readings: &mut Vec<Generator>, before: u64) {
        let side = |at: u64| self.ends.partition_point(|end| *end < at);
        // A reading is of the time before it.
        let place = |reading: &Generator| (reading.at.saturating_sub(1) / MINUTE, side(reading.at));
        readings.dedup_by(|later, earlier| {
            let same = later.at < before && place(later) == place(earlier);
            if same {
                earlier.join(later);
            }
            same
        });
    }
}
