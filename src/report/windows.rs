//! The windows of a report: each stage of each load, each level of a sweep, and each trial of a search.

use super::{Outcome, Window, in_order, row};
use crate::measure::{Stats, Tried};
use crate::plan::{Load, Plan, Range, Stage, StageKind};

/// A stage, or a part of one that is looked at by itself.
struct Part {
    name: String,
    range: Range,
    planned: Option<u64>,
    done: Option<u64>,
    tried: Option<Outcome>,
}

pub fn windows(plan: &Plan, stats: &Stats) -> Vec<Window> {
    let mut windows = Vec::new();
    for (index, load) in plan.loads.iter().enumerate() {
        for (place, stage) in load.stages.iter().enumerate() {
            for part in parts(plan, stats, (index, load), (place, stage)) {
                windows.push(window(plan, stats, (index, load), stage.kind, part));
            }
        }
    }
    windows
}

fn parts(plan: &Plan, stats: &Stats, (index, load): (usize, &Load), (place, stage): (usize, &Stage)) -> Vec<Part> {
    if stage.kind == StageKind::Sweep {
        let of_level = |(level, range): &(f64, Range)| Part {
            name: format!("{} {}", stage.name, load.shown(*level)),
            range: *range,
            // Of each stage it is known how many the seed gave, and no more.
            planned: (load.is_open() && !load.poisson).then(|| load.arrivals_within(*range, plan.share)),
            done: None,
            tried: None,
        };
        return stage.levels.iter().map(of_level).collect();
    }
    let trials: Vec<&Tried> = stats.tried.iter().filter(|tried| (tried.load, tried.stage) == (index, place)).collect();
    if !trials.is_empty() {
        let of_trial = |tried: &&Tried| Part {
            name: format!("{} {}", stage.name, load.shown(tried.level)),
            range: tried.judged,
            planned: None,
            done: None,
            tried: Some(Outcome { level: tried.level, verdict: tried.word(), because: tried.said.clone() }),
        };
        return trials.iter().map(of_trial).collect();
    }
    vec![Part {
        name: stage.name.clone(),
        range: (stage.start, stage.end),
        planned: stats.planned(plan, index, place),
        done: stats.done(index, place),
        tried: None,
    }]
}

fn window(plan: &Plan, stats: &Stats, (index, load): (usize, &Load), kind: StageKind, part: Part) -> Window {
    let (start, end) = part.range;
    // Steps that follow the last arrival are intended after the end; they belong to the last stage.
    let range = (start, if end == load.shape.end() { u64::MAX } else { end });
    let counts = stats.load(index, &[range]);
    let length = part.done.unwrap_or(end).min(end).saturating_sub(start);
    Window {
        load: load.name.clone(),
        name: part.name,
        judged: kind != StageKind::Warmup,
        start_ns: start,
        end_ns: end,
        done_ns: part.done,
        tried: part.tried,
        planned: part.planned,
        started: counts.started,
        dropped: counts.dropped,
        unsent: counts.unsent,
        steps: in_order(plan, index).into_iter().map(|series| row(plan, stats, series, range, length)).collect(),
    }
}
