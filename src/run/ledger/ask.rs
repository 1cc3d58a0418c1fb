//! Asks the system for the entries of a ledger, several at a time, each until the answer is definite or its time is over.

use super::tally::Tally;
use crate::engine::flow::session::Session;
use crate::engine::flow::user;
use crate::engine::value::Value;
use crate::engine::worker::Worker;
use crate::measure::{Entry, Verified};
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{BufRead, BufReader, Lines, Seek};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// So many are asked for at a time: no load, and quick enough for many.
const AT_A_TIME: u64 = 16;
/// How long an entry is asked for that gets no definite answer, where others get one.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long they are asked for where none gets one: a system that is still recovering.
const SILENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(250);
/// What the system still had to do when its clients had given up.
const SETTLES: Duration = Duration::from_secs(1);

/// The `verify` of a ledger, as the only flow of a plan.
pub struct Question {
    /// Where the number of entries is, where it counts them; behind it is what they are counted of.
    pub count: Option<usize>,
}

/// What those who ask share.
struct Asking {
    entries: RefCell<Lines<BufReader<File>>>,
    tally: RefCell<Tally>,
    /// When somebody got a definite answer last.
    answered: Cell<Instant>,
    over: Arc<AtomicBool>,
}

impl Question {
    pub async fn ask_all(&self, worker: &Rc<Worker>, file: BufReader<File>, over: &Arc<AtomicBool>) -> Verified {
        tokio::time::sleep(SETTLES).await;
        let again = file.get_ref().try_clone();
        let asking = Rc::new(Asking {
            entries: RefCell::new(file.lines()),
            tally: RefCell::default(),
            answered: Cell::new(Instant::now()),
            over: over.clone(),
        });
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..AT_A_TIME {
            let one = Asker { worker: worker.clone(), asking: asking.clone(), count: self.count, user: number + 1 };
            tasks.spawn_local(one.all());
        }
        let mut problem = None;
        while let Some(ended) = tasks.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) => problem = Some(format!("its entries could not be read: {error}")),
                Err(_) => problem = Some("it could not be asked for, which is a mistake of stressc".to_owned()),
            }
        }
        let mut tally = asking.tally.take();
        if tally.doubts()
            && let Err(error) = again.and_then(|file| look_again(file, &mut tally))
        {
            problem = Some(format!("its entries could not be read again: {error}"));
        }
        let mut verified = tally.done();
        let cut = over.load(Ordering::Relaxed).then(|| "interrupted before all of them were asked for".to_owned());
        verified.problem = problem.or(cut);
        verified
    }
}

fn look_again(mut file: File, tally: &mut Tally) -> std::io::Result<()> {
    file.rewind()?;
    for line in BufReader::new(file).lines() {
        tally.look_again(&serde_json::from_str(&line?)?);
    }
    Ok(())
}

/// One of those who ask, one entry after the other.
struct Asker {
    worker: Rc<Worker>,
    asking: Rc<Asking>,
    count: Option<usize>,
    user: u64,
}

impl Asker {
    async fn all(self) -> std::io::Result<()> {
        let mut session = Session::new(&self.worker, 0, true);
        let mut number = self.user;
        loop {
            let line = self.asking.entries.borrow_mut().next();
            let Some(line) = line.transpose()? else { return Ok(()) };
            let entry: Entry = serde_json::from_str(&line)?;
            let found = self.one(&mut session, &entry, &mut number).await;
            self.asking.tally.borrow_mut().take(entry, found);
        }
    }

    /// How often an entry is there. That it is not there has to be said twice: what follows a leader may lag behind.
    async fn one(&self, session: &mut Session, entry: &Entry, number: &mut u64) -> Option<u64> {
        let (began, mut was_absent) = (Instant::now(), false);
        loop {
            let silent = self.asking.answered.get().elapsed();
            if self.asking.over.load(Ordering::Relaxed) || silent > SILENCE {
                return None;
            }
            *number += AT_A_TIME;
            let found = self.ask(session, &entry.key, *number).await;
            if found.is_some() {
                self.asking.answered.set(Instant::now());
            }
            match found {
                Some(0) if !was_absent => was_absent = true,
                Some(count) => return Some(count),
                // Where nobody gets an answer, the patience with one of them is that with all.
                None if began.elapsed() > PATIENCE && silent < PATIENCE => return None,
                None => {}
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn ask(&self, session: &mut Session, key: &str, number: u64) -> Option<u64> {
        session.give(0, 0, Value::Text(key.into()));
        if let Some(slot) = self.count {
            session.give(0, slot, Value::Null);
            session.give(0, slot + 1, Value::Null);
        }
        let now = self.worker.timers.clock.now();
        let who = user::Asker { user: self.user, turn: number, kept: None };
        let outcome = session.iterate(&who, 0, number, (now, now)).await;
        let all_well = session.statuses(0).all(|status| (200..300).contains(&status));
        match (outcome, self.count) {
            // What is no list may be a number itself.
            (Ok(()), Some(slot)) if all_well => session.values(0).skip(slot).take(2).find_map(number_of),
            (Ok(()), None) if all_well => Some(1),
            // Without a number of its own, an answer says whether there is one.
            (_, None) if session.statuses(0).last().is_some_and(|status| matches!(status, 404 | 410)) => Some(0),
            _ => None,
        }
    }
}

fn number_of(value: &Value) -> Option<u64> {
    let count = crate::engine::value::number(value)?;
    (count >= 0.0).then_some(count as u64)
}
