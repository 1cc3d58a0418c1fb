//! When the arrivals of an open load are due, and which of them belong to a worker.

use super::random::Chance;
use crate::engine::trials::Trial;
use crate::engine::worker::Worker;
use crate::plan::schedule::{Arrivals, Shape};
use crate::plan::{Load, Share, StageKind};
use std::sync::Arc;

/// The arrivals of a load that a worker starts, in order: number and intended offset.
pub struct Due {
    source: Source,
    /// The number of its first arrival, where others were before them.
    first: u64,
    population: Option<u64>,
    share: Share,
    worker: Share,
    head: Option<(u64, u64)>,
}

#[allow(clippy::large_enum_variant, reason = "one for each load of a worker")]
enum Source {
    /// Of a level, evenly: those of this worker alone.
    Ours(Arrivals),
    /// Of a level, evenly: those of everybody.
    Even(Arrivals),
    Chance(Chance),
    /// One after the other.
    Listed {
        times: Arc<[u64]>,
        next: usize,
    },
}

impl Due {
    /// Those of the stages that follow a level.
    pub fn new(worker: &Worker, load: usize) -> Due {
        Due::of(worker, load, &worker.plan.loads[load].level(), (0, 0))
    }

    /// Those of a trial.
    pub fn trial(worker: &Worker, load: usize, trial: &Trial) -> Due {
        Due::of(worker, load, &trial.shape(), (trial.stream(), trial.first))
    }

    /// Those of a level, of a stream where they come at random, with the number of the first.
    fn of(worker: &Worker, load: usize, shape: &Shape, (stream, first): (u64, u64)) -> Due {
        let planned = &worker.plan.loads[load];
        let (share, worker_of) = (worker.plan.share, Share { index: worker.index, count: worker.workers });
        let population = planned.population.map(|users| users.max(1));
        let source = match (planned.poisson, population) {
            (true, _) => Source::Chance(Chance::new(shape, worker.seed, load, stream)),
            // Which of them are ours rests on the number of the first.
            (false, None) if first == 0 => Source::Ours(Arrivals::new(shape, share, worker_of.index, worker_of.count)),
            (false, _) => Source::Even(Arrivals::new(shape, Share::WHOLE, 0, 1)),
        };
        Due { source, first, population, share, worker: worker_of, head: None }
    }

    /// Those of the rows of a `replay` that follow.
    pub fn replay(self, planned: &Load, times: Arc<[u64]>) -> Due {
        let first = match &self.source {
            Source::Chance(chance) => chance.drawn(),
            _ => planned.level().arrivals(),
        };
        Due { source: Source::Listed { times, next: 0 }, first, head: None, ..self }
    }

    pub fn peek(&mut self) -> Option<(u64, u64)> {
        if self.head.is_none() {
            self.head = self.advance();
        }
        self.head
    }

    pub fn next_before(&mut self, now: u64) -> Option<(u64, u64)> {
        self.peek().filter(|(_, intended)| *intended <= now)?;
        self.head.take()
    }

    fn advance(&mut self) -> Option<(u64, u64)> {
        loop {
            let (k, at) = match &mut self.source {
                Source::Ours(arrivals) => return arrivals.next(),
                Source::Even(arrivals) => arrivals.next()?,
                Source::Chance(chance) => chance.next()?,
                Source::Listed { times, next } => {
                    let at = *times.get(*next)?;
                    *next += 1;
                    (*next as u64 - 1, at)
                }
            };
            let k = self.first + k;
            if self.has(k) {
                return Some((k, at));
            }
        }
    }

    /// Arrivals are dealt to shares and there to workers. Who comes back comes back to the same worker of the same share,
    /// which knows what was done.
    fn has(&self, k: u64) -> bool {
        let number = self.population.map_or(k, |users| k % users);
        number % self.share.count == self.share.index
            && number / self.share.count % self.worker.count == self.worker.index
    }
}

/// When the rows of the `replay` of a load are due, where it has one.
pub fn replayed(load: &Load, tables: &[crate::engine::value::rows::Table]) -> Option<Arc<[u64]>> {
    let stage = load.stages.iter().find(|stage| stage.kind == StageKind::Replay)?;
    let replay = stage.replay.as_ref()?;
    let table = tables.get(replay.data)?;
    let mut cursor = crate::engine::value::rows::Cursor::default();
    let mut cell = |row: u64| {
        table.value(row, &replay.column, &mut cursor).and_then(|value| crate::engine::value::rows::instant(&value))
    };
    let first = cell(0)?;
    let due = |row: u64| {
        let passed = cell(row).map_or(0, |at| (at - first).max(0)) as f64 / replay.speed;
        stage.start.saturating_add(passed as u64).min(stage.end - 1)
    };
    Some((0..table.rows()).map(due).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::{Rate, SECOND};
    use crate::plan::schedule::Segment;

    fn shape() -> Shape {
        let rate = Rate::new(100.0, SECOND).unwrap().raw();
        Shape::Open(vec![Segment { start: 0, length: 10 * SECOND, from: rate, to: 2 * rate }])
    }

    fn due(source: Source, population: Option<u64>, share: Share, worker: Share) -> Due {
        Due { source, first: 9, population, share, worker, head: None }
    }

    fn all(mut due: Due) -> Vec<(u64, u64)> {
        std::iter::from_fn(|| due.next_before(u64::MAX)).collect()
    }

    #[test]
    fn everybody_together_has_each_arrival_once() {
        let listed: Arc<[u64]> = (0..500).map(|n| n * n).collect();
        let sources: [&dyn Fn() -> Source; 3] = [
            &|| Source::Chance(Chance::new(&shape(), 7, 0, 0)),
            &|| Source::Even(Arrivals::new(&shape(), Share::WHOLE, 0, 1)),
            &|| Source::Listed { times: listed.clone(), next: 0 },
        ];
        for source in sources {
            for population in [None, Some(10)] {
                let whole = all(due(source(), population, Share::WHOLE, Share::WHOLE));
                let mut dealt = Vec::new();
                for share in 0..2 {
                    for worker in 0..3 {
                        let (share, worker) = (Share { index: share, count: 2 }, Share { index: worker, count: 3 });
                        dealt.extend(all(due(source(), population, share, worker)));
                    }
                }
                dealt.sort_unstable();
                assert!(whole.len() >= 500 && whole.is_sorted_by_key(|(_, at)| *at));
                assert_eq!(dealt, whole);
            }
        }
    }
}
