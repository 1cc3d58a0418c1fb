//! Looks up the entries of a ledger, several at a time, each until the answer is definite or its time is over.

use super::tally::Tally;
use crate::base::units::grouped;
use crate::engine::flow::session::Session;
use crate::engine::flow::user;
use crate::engine::phase;
use crate::engine::value::{Value, explain};
use crate::engine::worker::Worker;
use crate::measure::{Entry, Failure, Verified};
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{BufRead, BufReader, Lines, Seek};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// So many are asked for at a time: no load, and quick enough for many.
const AT_A_TIME: u64 = 16;
/// How long an entry is asked for that gets no definite answer, where others get one.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long they are asked for where none gets one: a system that is still recovering.
const SILENCE: Duration = Duration::from_secs(30);
/// Why no more is asked.
const INTERRUPTED: &str = "the asking was interrupted";
const LATE: &str = "the time was over";
const SILENT: &str = "no answer came for 30s";
/// So much is shown of what should have been a number.
const SHOWN: usize = 60;
const PAUSE: Duration = Duration::from_millis(250);
/// What the system still had to do when its clients had given up.
const SETTLES: Duration = Duration::from_secs(1);

/// The `verify` of a ledger, as the only flow of a plan.
pub struct Question {
    /// Where the number of entries is, where it counts them; after it is what they are counted of.
    pub count: Option<usize>,
}

/// Up to when may be asked, and how far it has come.
#[derive(Clone)]
pub struct Course {
    /// No request begins after it.
    pub until: Instant,
    pub done: Arc<AtomicU64>,
    /// Somebody interrupts it.
    pub over: Arc<AtomicBool>,
}

/// What those who ask share.
struct Asking {
    entries: RefCell<Lines<BufReader<File>>>,
    tally: RefCell<Tally>,
    /// When somebody got a definite answer last.
    answered: Cell<Instant>,
    requests: Cell<u64>,
    course: Course,
    /// Entries that were not asked for in time.
    late: Cell<u64>,
}

impl Question {
    pub async fn ask_all(&self, worker: &Rc<Worker>, file: BufReader<File>, course: &Course) -> Verified {
        tokio::time::sleep(SETTLES).await;
        let again = file.get_ref().try_clone();
        let asking = Rc::new(Asking {
            entries: RefCell::new(file.lines()),
            tally: RefCell::default(),
            answered: Cell::new(Instant::now()),
            requests: Cell::new(0),
            course: course.clone(),
            late: Cell::new(0),
        });
        let (mut tasks, began) = (tokio::task::JoinSet::new(), Instant::now());
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
        (verified.requests, verified.took) = (asking.requests.get(), began.elapsed().as_nanos() as u64);
        let is_over = course.over.load(Ordering::Relaxed);
        let cut = is_over.then(|| "interrupted before all of them were asked for".to_owned());
        let late = Some(asking.late.get()).filter(|late| *late > 0 && !is_over);
        let late = late.map(|late| {
            let entries = if late == 1 { "entry was" } else { "entries were" };
            format!("its time was over before {} {entries} verified; `within:` gives it more", grouped(late as f64, 0))
        });
        verified.problem = problem.or(cut).or(late);
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
            if found.is_err() && self.is_late() {
                self.asking.late.set(self.asking.late.get() + 1);
            }
            self.asking.tally.borrow_mut().take(entry, found);
            self.asking.course.done.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn is_late(&self) -> bool {
        Instant::now() >= self.asking.course.until
    }

    /// How often an entry is there, or why that is not known. That it is not there has to be said twice: what follows a leader may lag behind.
    async fn one(&self, session: &mut Session, entry: &Entry, number: &mut u64) -> Result<u64, String> {
        let (began, mut was_absent) = (Instant::now(), false);
        let mut because = None;
        loop {
            let silent = self.asking.answered.get().elapsed();
            let over = if self.asking.course.over.load(Ordering::Relaxed) {
                Some(INTERRUPTED)
            } else if self.is_late() {
                Some(LATE)
            } else {
                (silent > SILENCE).then_some(SILENT)
            };
            if let Some(over) = over {
                return Err(because.unwrap_or_else(|| unasked(over, was_absent)));
            }
            *number += AT_A_TIME;
            let found = self.ask(session, &entry.key, *number).await;
            self.asking.requests.set(self.asking.requests.get() + std::mem::take(&mut session.sent));
            if found.is_ok() {
                self.asking.answered.set(Instant::now());
            }
            match found {
                Ok(0) if !was_absent => was_absent = true,
                Ok(count) => return Ok(count),
                // Where nobody gets an answer, the patience with one of them is that with all.
                Err(why) if began.elapsed() > PATIENCE && silent < PATIENCE => return Err(why),
                Err(why) => because = Some(why),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn ask(&self, session: &mut Session, key: &str, number: u64) -> Result<u64, String> {
        session.give(0, 0, Value::Text(key.into()));
        if let Some(slot) = self.count {
            session.give(0, slot, Value::Null);
            session.give(0, slot + 1, Value::Null);
        }
        let now = self.worker.timers.clock.now();
        let who = user::Asker { user: self.user, turn: number, kept: None };
        let outcome = session.iterate(who, 0, number, (now, now)).await;
        let badly = session.answered_badly(0);
        match (outcome, self.count) {
            (Ok(()), None) if badly.is_none() => Ok(1),
            // What is no list may be a number itself.
            (Ok(()), Some(slot)) if badly.is_none() => {
                let counted = || session.values(0).skip(slot).take(2);
                counted().find_map(number_of).ok_or_else(|| {
                    let found = counted().last().map_or_else(String::new, |value| explain::shown(value, SHOWN));
                    format!("`count` found no number and no list: {found}")
                })
            }
            // Without a number of its own, an answer says whether there is one.
            (_, None) if session.statuses(0).last().is_some_and(|status| matches!(status, 404 | 410)) => Ok(0),
            (Err(failure), _) => Err(self.because(failure, session.stopped(0))),
            (Ok(()), _) => Err(self.because(Failure::Status, badly)),
        }
    }

    /// Which request did not say it, and why.
    fn because(&self, failure: Failure, at: Option<(usize, u16)>) -> String {
        let request = at.and_then(|(response, status)| Some((self.worker.plan.flows[0].request(response)?, status)));
        match request {
            Some((request, status)) => {
                format!("`{}` (line {}): {}", request.name, request.line, phase::what(failure, status))
            }
            None => failure.as_str().to_owned(),
        }
    }
}

/// The reason for an entry without a definite answer when no answer gives one: it may have been absent once.
fn unasked(over: &str, was_absent: bool) -> String {
    let times = if was_absent { " once more" } else { "" };
    format!("{over} before it was asked for{times}")
}

fn number_of(value: &Value) -> Option<u64> {
    let count = crate::engine::value::number(value)?;
    (count >= 0.0).then_some(count as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_is_left_says_why_and_whether_it_was_asked_for() {
        assert_eq!(unasked(LATE, false), "the time was over before it was asked for");
        assert_eq!(unasked(INTERRUPTED, true), "the asking was interrupted before it was asked for once more");
        assert!(SILENT.contains(&format!("{}s", SILENCE.as_secs())));
    }
}
