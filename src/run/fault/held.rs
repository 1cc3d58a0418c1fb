//! How to take a fault back, as the fault has written it down.

use crate::guard::Undo;
use crate::run::guarded::{Guarded, MARGIN};
use std::time::Duration;

pub struct Held {
    guarded: Guarded,
    fault: String,
    open: Vec<u64>,
}

impl Held {
    pub fn new(guarded: &Guarded, fault: &str) -> Held {
        Held { guarded: guarded.clone(), fault: fault.to_owned(), open: Vec::new() }
    }

    /// For the same fault, with nothing written down.
    pub fn fresh(&self) -> Held {
        Held { guarded: self.guarded.clone(), fault: self.fault.clone(), open: Vec::new() }
    }

    /// Must return before what it speaks of is done. Some time after the planned end the guardian takes it back.
    pub async fn begin(&mut self, undo: Undo, length: Duration) -> Result<(), String> {
        let what = format!("the fault `{}`", self.fault);
        self.open.push(self.guarded.begin(what, undo, Some(length + MARGIN)).await?);
        Ok(())
    }

    /// All of it was taken back.
    pub async fn end(&mut self) {
        for id in self.open.drain(..).rev() {
            self.guarded.end(id).await;
        }
    }
}
