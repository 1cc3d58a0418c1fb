//! What is left of an iteration that ended early: a user who meets a failure still pauses, and sends nothing meanwhile.

use super::choice::Choice;
use super::computed::{backoff, thinking};
use super::session::Session;
use super::steps::{Op, Steps};
use crate::base::units::{MILLISECOND, SECOND};
use crate::measure::Failure;
use crate::plan::Think;

/// What a user of a closed load does when an iteration has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Goes on when so much time has passed since the failure, or since the iteration began.
    Rest { from_now: u64, from_start: u64 },
    /// No row is left for it, and none will come.
    Leave,
}

impl Steps {
    /// The pauses after a step in the order of the text: of its block and of those around it. What was not reached and may
    /// be skipped is skipped; a turn that was begun comes to its end, and none is begun; of what is chosen from the part is entered that was dealt.
    fn pauses(&self, stopped: usize, mut part: impl FnMut(&Choice) -> usize) -> Vec<&Think> {
        let mut pauses = Vec::new();
        let mut at = stopped;
        while let Some(op) = self.ops.get(at) {
            at = match op {
                Op::Think { think, .. } => {
                    pauses.push(think);
                    at + 1
                }
                Op::Unless { to, .. } => self.behind_both(*to),
                Op::Choose { choice, to } => to.get(part(choice)).copied().unwrap_or(at + 1),
                Op::Jump(to) if *to > at => *to,
                Op::Turn(turn) => turn.to,
                Op::Entry { to, .. } | Op::Together { to, .. } | Op::Once { to, .. } => *to,
                Op::Jump(_)
                | Op::Request(_)
                | Op::Let { .. }
                | Op::Expect(_)
                | Op::Loop { .. }
                | Op::Again { .. }
                | Op::Each { .. }
                | Op::Acquire { .. }
                | Op::Release
                | Op::Measure { .. }
                | Op::Enter(_)
                | Op::Leave
                | Op::Begin(_)
                | Op::Commit
                | Op::HangUp(_)
                | Op::Done { .. } => at + 1,
            };
        }
        pauses
    }

    /// After an `if`, of which this is the end of the first block: the second one is left out too.
    pub(super) fn behind_both(&self, first: usize) -> usize {
        match self.ops.get(first.wrapping_sub(1)) {
            Some(Op::Jump(to)) if *to > first - 1 => *to,
            _ => first,
        }
    }
}

impl Session {
    /// What follows the iteration of a part that has just failed: its pauses; where it has none, and the last so many iterations
    /// had no request that went well, a wait that grows.
    pub fn after(&mut self, part: usize, failure: Failure) -> After {
        let worker = self.worker.clone();
        self.in_vain = if self.went_well > 0 { 0 } else { self.in_vain + 1 };
        let (stopped, in_vain) = (self.stopped, self.in_vain);
        let Some(iteration) = self.iterations[part].as_mut() else { return After::Rest { from_now: 0, from_start: 0 } };
        let steps = &worker.lowered.flows[iteration.flow];
        if failure == Failure::Data && steps.takes_unique_rows(stopped) {
            return After::Leave;
        }
        let frame = &mut iteration.frame;
        let turn = frame.turn;
        let pauses = steps.pauses(stopped, |choice| choice.part(&mut frame.choices, turn));
        let from_now = pauses.iter().map(|think| thinking(think, iteration.frame.choices.fraction())).sum();
        if !pauses.is_empty() || in_vain == 0 {
            return After::Rest { from_now, from_start: 0 };
        }
        After::Rest { from_now: 0, from_start: least(in_vain, iteration.frame.choices.fraction()) }
    }

    /// The same after an iteration that went on past its failures, of which it had nothing else.
    pub fn after_nothing_else(&mut self, part: usize) -> Option<After> {
        if self.went_well > 0 || self.went_wrong == 0 {
            self.in_vain = 0;
            return None;
        }
        self.in_vain += 1;
        let fraction = self.iterations[part].as_mut()?.frame.choices.fraction();
        Some(After::Rest { from_now: 0, from_start: least(self.in_vain, fraction) })
    }
}

/// The minimum length of the n-th iteration in a row without a successful request.
fn least(in_vain: u64, fraction: f64) -> u64 {
    backoff((10 * MILLISECOND, SECOND), in_vain, fraction)
}

#[cfg(test)]
mod tests {
    use super::super::steps::Turn;
    use super::*;
    use crate::engine::value::Choices;
    use crate::engine::value::code::Code;
    use crate::plan::{Choose, LoopBound};
    use std::sync::Arc;

    fn think(seconds: u64) -> Op {
        let think = Think::Uniform { least: seconds * SECOND, most: seconds * SECOND };
        Op::Think { think, keeps: false }
    }

    fn steps(ops: Vec<Op>) -> Steps {
        Steps { ops, loops: 1, onces: 1, slots: 0, derived: 0..0, counts: None }
    }

    fn seconds(steps: &Steps, stopped: usize) -> Vec<u64> {
        let length = |think: &&Think| match think {
            Think::Uniform { least, .. } => least / SECOND,
            Think::Exponential { mean } => mean / SECOND,
        };
        steps.pauses(stopped, |choice| choice.part(&mut Choices::new(1, 0, 0, 0), 0)).iter().map(length).collect()
    }

    fn turn(to: usize) -> Op {
        let bound = LoopBound::Times(3);
        Op::Turn(Box::new(Turn { id: 0, goes_on: None, every: None, bound, tested: false, keeps: false, to }))
    }

    #[test]
    fn what_is_down_is_asked_less_and_less() {
        let longest = |in_vain| least(in_vain, 0.0) / MILLISECOND;
        assert_eq!([1, 2, 3, 7, 8, 9, u64::MAX].map(longest), [10, 20, 40, 640, 1000, 1000, 1000]);
        assert_eq!(least(1, 1.0) / MILLISECOND, 5);
    }

    #[test]
    fn pauses_of_its_block_and_those_around_it() {
        let fails = || Op::Expect(Vec::new());
        // group { expect; think 1s }; think 2s
        let all = steps(vec![Op::Enter(0), fails(), think(1), Op::Leave, think(2)]);
        assert_eq!(seconds(&all, 1), [1, 2]);
        assert_eq!(seconds(&all, 4), [2]);
        // if c { expect; think 1s } else { expect; think 2s }; think 3s
        let unless = |to: usize| Op::Unless { condition: Code::Bool(true), to };
        let all = steps(vec![unless(4), fails(), think(1), Op::Jump(6), fails(), think(2), think(3)]);
        assert_eq!(seconds(&all, 1), [1, 3]);
        assert_eq!(seconds(&all, 4), [2, 3]);
        assert_eq!(seconds(&all, 0), [3], "a condition that cannot be told is no way into a block");
    }

    #[test]
    fn the_part_that_was_dealt_is_entered() {
        let fails = || Op::Expect(Vec::new());
        let choose = |shares: [f64; 2]| {
            let parts = shares.map(|share| crate::plan::Choice { share, steps: Vec::new() }).to_vec();
            let choice = Arc::new(Choice::of(&Choose { site: 0, repeats: false, parts }, None));
            Op::Choose { choice, to: vec![2, 5] }
        };
        // expect; choose { … { expect; think 1s } … { think 2s } }; think 4s
        for (shares, pauses) in [([1.0, 0.0], [1, 4]), ([0.0, 1.0], [2, 4])] {
            let all = steps(vec![fails(), choose(shares), fails(), think(1), Op::Jump(6), think(2), think(4)]);
            assert_eq!(seconds(&all, 0), pauses);
            assert_eq!(seconds(&all, 2), [1, 4], "one that was begun is walked to its end");
        }
    }

    #[test]
    fn a_turn_that_was_begun_ends_and_none_is_begun() {
        let fails = || Op::Expect(Vec::new());
        let again = Op::Again { id: 0, counter: None, until: None, to: 2 };
        // expect; repeat 3 { expect; think 1s }; think 2s
        let all = steps(vec![fails(), Op::Loop { id: 0, counter: None }, turn(6), fails(), think(1), again, think(2)]);
        assert_eq!(seconds(&all, 0), [2]);
        assert_eq!(seconds(&all, 3), [1, 2]);
        // each x in xs { expect; think 1s }; think 2s
        let each = Op::Each { id: 0, list: Code::Null, at_most: 9 };
        let all = steps(vec![each, Op::Entry { id: 0, slot: 0, to: 5 }, fails(), think(1), Op::Jump(1), think(2)]);
        assert_eq!(seconds(&all, 2), [1, 2]);
        assert_eq!(seconds(&all, 0), [2]);
        // once per user { expect; think 1s }; expect; think 2s
        let once = || Op::Once { id: 0, every: None, keeps: false, to: 4 };
        let done = Op::Done { id: 0, leaves: super::super::user::Leaves::default() };
        let all = steps(vec![once(), fails(), think(1), done, fails(), think(2)]);
        assert_eq!(seconds(&all, 1), [1, 2]);
        assert_eq!(seconds(&all, 4), [2]);
        let not_reached =
            steps(vec![fails(), Op::Once { id: 0, every: None, keeps: false, to: 3 }, think(1), think(2)]);
        assert_eq!(seconds(&not_reached, 0), [2]);
    }
}
