//! Who makes an iteration, and what a user keeps from one to the next.

use crate::engine::value::answered::Answered;
use crate::engine::value::{Frame, Value};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Who asks: the number of the user, and what the user has kept where users come back.
pub struct Asker {
    /// From 1.
    pub user: u64,
    /// The number of the iteration among those of its part of the load, from 0.
    pub turn: u64,
    pub kept: Option<Rc<UserState>>,
}

pub struct UserState {
    /// One at a time does what is done once; another iteration of the same user waits for it.
    pub turn: Arc<Semaphore>,
    done: RefCell<Vec<Option<LastVisit>>>,
}

/// When it was done, and the values and answers that stay.
struct LastVisit {
    at: u64,
    times: u64,
    slots: Vec<(usize, Value)>,
    answers: Vec<(usize, Rc<Answered>)>,
}

/// What a block for once leaves behind: the places of its values and answers.
#[derive(Debug, Default)]
pub struct Leaves {
    pub slots: Vec<usize>,
    pub answers: Vec<usize>,
}

impl UserState {
    pub fn new(onces: usize) -> Rc<UserState> {
        let done = (0..onces).map(|_| None).collect();
        Rc::new(UserState { turn: Arc::new(Semaphore::new(1)), done: RefCell::new(done) })
    }

    pub fn times(&self, id: usize) -> u64 {
        self.done.borrow()[id].as_ref().map_or(0, |done| done.times)
    }

    /// Whether it was done and still holds; then what it left is put back.
    pub fn holds(&self, id: usize, every: Option<u64>, now: u64, frame: &mut Frame) -> bool {
        match &self.done.borrow()[id] {
            Some(done) if every.is_none_or(|every| now - done.at < every) => {
                done.slots.iter().for_each(|(slot, value)| frame.slots[*slot] = value.clone());
                done.answers.iter().for_each(|(answer, value)| frame.answers[*answer] = value.clone());
                true
            }
            _ => false,
        }
    }

    /// A value that a block left, as it is now.
    pub fn give_back(&self, id: usize, slot: usize, frame: &mut Frame) {
        let done = self.done.borrow();
        let kept = done[id].iter().flat_map(|done| &done.slots).find(|(own, _)| *own == slot);
        if let Some((_, value)) = kept {
            frame.slots[slot] = value.clone();
        }
    }

    /// Another value for one that a block left, which later iterations of its user find.
    pub fn set(&self, id: usize, slot: usize, value: &Value) {
        let mut done = self.done.borrow_mut();
        let kept = done[id].iter_mut().flat_map(|done| &mut done.slots).find(|(own, _)| *own == slot);
        if let Some((_, kept)) = kept {
            *kept = value.clone();
        }
    }

    pub fn is_done(&self, id: usize, now: u64, leaves: &Leaves, frame: &Frame) {
        let times = self.times(id) + 1;
        let slots = leaves.slots.iter().map(|slot| (*slot, frame.slots[*slot].clone())).collect();
        let answers = leaves.answers.iter().map(|answer| (*answer, frame.answers[*answer].clone())).collect();
        self.done.borrow_mut()[id] = Some(LastVisit { at: now, times, slots, answers });
    }
}
