//! How much of its answers a worker holds at a time: large bodies that steps read, and what is built from bodies. An answer is
//! small next to the document built from it, and it comes from a stranger.

use serde_json::Value as Json;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

/// Bytes that one worker may hold, those of documents and pages as estimated.
const MOST: usize = 256 << 20;
pub const TOO_MUCH: &str = "with what else is held of answers it takes more than 256 MiB of memory";
/// A value that takes less is not kept count of.
const SMALL: usize = 4 << 10;

// A worker is a thread, and what it makes of answers never leaves it.
thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static LENT: RefCell<Lent> = RefCell::default();
}

/// Values that steps have named, with their room: it is free again when nobody has them any more.
#[derive(Default)]
struct Lent {
    all: Vec<(Weak<Json>, Room)>,
    /// At how many the dead among them are looked for.
    looked_at: usize,
}

/// There is no room for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// Room that something takes, until it is dropped.
#[derive(Debug, Default)]
pub struct Room(Cell<usize>);

impl Room {
    /// Takes this many bytes more, if that many are left.
    pub fn take(&self, bytes: usize) -> Result<(), Full> {
        let fits = |held: usize| held.checked_add(bytes).filter(|held| *held <= MOST);
        let held = HELD.with(|held| fits(held.get())).or_else(|| {
            sweep();
            HELD.with(|held| fits(held.get()))
        });
        HELD.set(held.ok_or(Full)?);
        self.0.set(self.0.get() + bytes);
        Ok(())
    }

    /// Is taken as long as somebody has the value.
    pub fn for_the_life_of(self, value: &Rc<Json>) {
        if self.0.get() < SMALL {
            return;
        }
        let full = LENT.with_borrow_mut(|lent| {
            lent.all.push((Rc::downgrade(value), self));
            lent.all.len() > lent.looked_at
        });
        if full {
            sweep();
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // A thread that ends has dropped its count before some of what it counted.
        let _ = HELD.try_with(|held| held.set(held.get().saturating_sub(self.0.get())));
    }
}

fn sweep() {
    LENT.with_borrow_mut(|lent| {
        lent.all.retain(|(value, _)| value.strong_count() > 0);
        lent.looked_at = (2 * lent.all.len()).max(64);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_makes_room() {
        let room = Room::default();
        room.take(MOST).unwrap();
        assert_eq!(Room::default().take(1), Err(Full));
        let value = Rc::new(Json::Null);
        room.for_the_life_of(&value);
        assert_eq!(Room::default().take(1), Err(Full), "somebody has it");
        drop(value);
        assert_eq!(Room::default().take(MOST), Ok(()));
    }
}
