//! Steps that wait for nothing.

use super::session::{Iteration, Loop, Next};
use super::steps::{Op, Turn};
use crate::engine::tracer::Traced;
use crate::engine::value::code::Code;
use crate::engine::value::number::computed;
use crate::engine::value::{Paths, Value, from_json};
use crate::engine::worker::Worker;
use crate::measure::Failure;
use crate::plan::{Binary, LoopBound, Think};
use std::rc::Rc;

/// A value of the scenario's own becomes a sample.
pub fn measured(worker: &Worker, series: usize, value: &Value, due: u64) -> Next {
    let Some(value) = crate::engine::value::number(value).filter(|value| *value >= 0.0) else {
        return Next::Failed(Failure::Data);
    };
    let recorded = (value / worker.plan.worth(series)).round() as u64;
    let mut recorder = worker.recorder.borrow_mut();
    recorder.sent(series, due);
    recorder.sample(series, due, recorded, recorded, Ok(()));
    Next::Step
}

pub fn thinking(think: &Think, fraction: f64) -> u64 {
    match think {
        Think::Uniform { least, most } => least + (fraction * (most - least) as f64) as u64,
        Think::Exponential { mean } => (-(1.0 - fraction).ln() * *mean as f64) as u64,
    }
}

/// How long a pause is, which the tracer is told.
pub fn thought(worker: &Worker, think: &Think, iteration: &mut Iteration) -> u64 {
    let length = thinking(think, iteration.frame.choices.fraction());
    if let Some(tracer) = &worker.tracer {
        tracer.tell(Traced::Pause { why: "thinks", length });
    }
    length
}

/// The wait after failure `n` in a row, from 1: the shortest, doubled each time up to the longest, of which up to a half is left
/// out at random, so that what failed together does not come back together.
pub fn backoff((least, most): (u64, u64), n: u64, fraction: f64) -> u64 {
    let doubled = least.saturating_mul(1u64.checked_shl((n - 1).min(62) as u32).unwrap_or(u64::MAX));
    let longest = doubled.clamp(least, most.max(least));
    if least == most { longest } else { longest - (longest as f64 * fraction / 2.0) as u64 }
}

/// So many entries of a list at most.
pub fn items(
    list: &Code,
    at_most: u64,
    iteration: &mut Iteration,
    paths: &Paths,
) -> Result<Vec<serde_json::Value>, Next> {
    match iteration.frame.list(list, paths) {
        Ok(serde_json::Value::Array(mut items)) => {
            items.truncate(at_most as usize);
            Ok(items)
        }
        Ok(_) => Err(Next::Failed(Failure::Data)),
        Err(unusable) => Err(Next::Unusable(unusable)),
    }
}

/// Whether another turn of a loop is made.
pub fn begin_turn(turn: &Turn, iteration: &mut Iteration, paths: &Paths, now: u64) -> Next {
    match turn.goes_on.as_ref().map(|test| iteration.frame.holds(test, paths)) {
        None | Some(Ok(true)) => {}
        Some(Ok(false)) => return Next::Jump(turn.to),
        Some(Err(unusable)) => return Next::Unusable(unusable),
    }
    let turns = &iteration.turns[turn.id];
    let over = match turn.bound {
        LoopBound::Times(most) => turns.made >= most,
        LoopBound::Time(most) => now.saturating_sub(turns.began) >= most,
    };
    match (over, turn.tested) {
        (false, _) => Next::Step,
        (true, false) => Next::Jump(turn.to),
        // It gave up waiting for its condition.
        (true, true) => Next::Failed(Failure::Expectation),
    }
}

/// The steps that wait for nothing.
pub fn compute(op: &Op, iteration: &mut Iteration, paths: &Paths, now: u64) -> Next {
    let Iteration { frame, turns, .. } = iteration;
    match op {
        Op::Let { slot, value, .. } => match frame.eval(value, paths) {
            Ok(value) => frame.slots[*slot] = value,
            Err(unusable) => return Next::Unusable(unusable),
        },
        Op::Jump(to) => return Next::Jump(*to),
        Op::Unless { condition, to } => match frame.holds(condition, paths) {
            Ok(true) => {}
            Ok(false) => return Next::Jump(*to),
            Err(unusable) => return Next::Unusable(unusable),
        },
        Op::Choose { choice, to } => {
            // A choice between nothing is refused before.
            let part = choice.part(&mut frame.choices, frame.turn);
            return to.get(part).map_or(Next::Step, |to| Next::Jump(*to));
        }
        Op::Loop { id, counter } => {
            turns[*id] = Loop { began: now, ..Loop::default() };
            if let Some((slot, from)) = counter {
                match frame.eval(from, paths) {
                    Ok(value) => frame.slots[*slot] = value,
                    Err(unusable) => return Next::Unusable(unusable),
                }
            }
        }
        Op::Again { id, counter, until, to } => {
            turns[*id].made += 1;
            match until.as_ref().map(|test| frame.holds(test, paths)) {
                None | Some(Ok(false)) => {}
                Some(Ok(true)) => return Next::Step,
                Some(Err(unusable)) => return Next::Unusable(unusable),
            }
            if let Some(count) = counter.map(|slot| &mut frame.slots[slot])
                && let Some(next) = computed(Binary::Add, count, &Value::Number(1.0))
            {
                *count = next;
            }
            return Next::Jump(*to);
        }
        Op::Each { id, list, at_most } => {
            let items = match frame.list(list, paths) {
                Ok(items) if items.is_array() => Rc::new(items),
                Ok(_) => return Next::Failed(Failure::Data),
                Err(unusable) => return Next::Unusable(unusable),
            };
            turns[*id] = Loop { items: Some(items), most: *at_most, ..Loop::default() };
        }
        Op::Entry { id, slot, to } => {
            let turns = &mut turns[*id];
            let items = turns.items.as_ref().and_then(|items| items.as_array());
            let item = items.and_then(|items| items.get(turns.made as usize)).filter(|_| turns.made < turns.most);
            let Some(item) = item else { return Next::Jump(*to) };
            frame.slots[*slot] = from_json(item);
            turns.made += 1;
        }
        Op::Request(_)
        | Op::Expect(_)
        | Op::Think { .. }
        | Op::Turn(_)
        | Op::Once { .. }
        | Op::Done { .. }
        | Op::Together { .. }
        | Op::Acquire { .. }
        | Op::Release
        | Op::Measure { .. }
        | Op::Enter(_)
        | Op::Leave
        | Op::Begin(_)
        | Op::Commit
        | Op::HangUp(_) => unreachable!("these are taken where they are met"),
    }
    Next::Step
}
