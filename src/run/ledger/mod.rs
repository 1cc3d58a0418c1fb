//! Ledgers: requests open their entries before they are sent, the control plane keeps these in a file, and after the load each
//! entry is looked up.

mod ask;
mod tally;

use super::Interrupt;
use crate::base::units::SECOND;
use crate::engine::phase::{Parts, alone, plan_of};
use crate::engine::value::Plain;
use crate::inputs::make_private;
use crate::measure::{Booked, Entry, Event, Fate, Verified};
use crate::plan::Plan;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Counts are told so often, and at the end.
const TOLD_EVERY: u64 = 10 * SECOND;
/// How far the asking has come is told so often.
const LOOKED_EVERY: Duration = Duration::from_secs(1);

/// The entries of a run, each ledger in a file of its own: a run of a day makes more of them than memory should hold.
pub struct Ledgers {
    directory: PathBuf,
    all: Vec<LedgerEntries>,
    told: u64,
    left: bool,
}

/// The entries of one ledger.
#[derive(Default)]
struct LedgerEntries {
    file: Option<BufWriter<File>>,
    counts: Booked,
    /// Acknowledged without a key.
    keyless: u64,
    /// What is not told yet.
    new: Booked,
    problem: Option<String>,
    asks_refused: bool,
}

impl Ledgers {
    /// In a directory that is removed with the run.
    pub fn new(plan: &Plan, directory: PathBuf) -> Ledgers {
        Ledgers {
            directory,
            all: plan
                .ledgers
                .iter()
                .map(|ledger| LedgerEntries { asks_refused: ledger.asks_refused, ..LedgerEntries::default() })
                .collect(),
            told: 0,
            left: false,
        }
    }

    pub fn take(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            let path = self.path(entry.ledger);
            let Some(kept) = self.all.get_mut(entry.ledger) else { continue };
            kept.counts.count(entry.fate);
            kept.new.count(entry.fate);
            if entry.keyless {
                kept.keyless += 1;
                continue;
            }
            if entry.fate == Fate::Refused && !kept.asks_refused {
                continue;
            }
            if let Err(error) = kept.append(&entry, &path) {
                kept.problem.get_or_insert_with(|| format!("its entries could not be kept: {error}"));
            }
        }
    }

    fn path(&self, ledger: usize) -> PathBuf {
        self.directory.join(format!("ledger-{ledger}.jsonl"))
    }

    /// What was made since this was told last, where it is time to tell.
    pub fn news(&mut self, now: u64) -> Vec<Event> {
        if now < self.told.saturating_add(TOLD_EVERY) {
            return Vec::new();
        }
        self.told = now;
        let news = self.all.iter_mut().enumerate().filter(|(_, kept)| kept.new.all() > 0);
        news.map(|(ledger, kept)| Event::Booked { ledger, booked: std::mem::take(&mut kept.new) }).collect()
    }

    /// A run that is cut short asks for nothing.
    pub fn leave(&mut self) {
        self.left = true;
    }

    /// Asks for each entry, or as far as it gets before somebody interrupts it.
    pub async fn verify(
        mut self,
        parts: &Parts,
        setup: &Arc<Vec<Plain>>,
        interrupt: &mut Interrupt,
        tell: &mut dyn FnMut(Event),
    ) {
        self.news(u64::MAX).into_iter().for_each(&mut *tell);
        if self.left {
            return;
        }
        let over = Arc::new(AtomicBool::new(false));
        let mut all = std::pin::pin!(self.ask(parts, setup, &over, tell));
        loop {
            tokio::select! {
                () = &mut all => return,
                // What was found until then is told.
                () = interrupt.wait() => over.store(true, Ordering::Relaxed),
            }
        }
    }

    async fn ask(
        &mut self,
        parts: &Parts,
        setup: &Arc<Vec<Plain>>,
        over: &Arc<AtomicBool>,
        tell: &mut dyn FnMut(Event),
    ) {
        for ledger in 0..self.all.len() {
            let path = self.path(ledger);
            let kept = &mut self.all[ledger];
            let (closed, with_keys) = (kept.closed(), kept.with_keys());
            let mut verified = match (closed, kept.counts.all()) {
                (_, 0) => continue,
                (Err(problem), _) => unasked(with_keys, problem),
                (Ok(()), _) if with_keys.all() == 0 => Verified::default(),
                (Ok(()), _) => match File::open(&path) {
                    Ok(file) => {
                        let file = (BufReader::new(file), with_keys.all());
                        followed(ledger, file, (parts, setup), over, tell).await
                    }
                    Err(error) => unasked(with_keys, format!("its entries could not be read: {error}")),
                },
            };
            verified.keyless = self.all[ledger].keyless;
            verified.not_asked = self.all[ledger].not_asked();
            verified.unverified.acknowledged += verified.keyless;
            if parts.lowered.hides_keys(ledger) {
                verified.violations.iter_mut().for_each(|one| one.key = "***".to_owned());
                verified.doubts.iter_mut().for_each(|doubt| doubt.key = "***".to_owned());
            }
            tell(Event::Verified { ledger, verified: Box::new(verified) });
        }
    }
}

impl LedgerEntries {
    /// Those that can be asked for.
    fn with_keys(&self) -> Booked {
        let Booked { acknowledged, unknown, refused } = self.counts;
        let acknowledged = acknowledged.saturating_sub(self.keyless);
        Booked { acknowledged, unknown, refused: refused - self.not_asked() }
    }

    /// Refused entries that no expectation asks about.
    fn not_asked(&self) -> u64 {
        if self.asks_refused { 0 } else { self.counts.refused }
    }

    fn append(&mut self, entry: &Entry, path: &PathBuf) -> std::io::Result<()> {
        if self.file.is_none() {
            path.parent().map_or(Ok(()), make_private)?;
            let mut options = std::fs::OpenOptions::new();
            options.create_new(true).append(true);
            // Keys may be as private as what they stand for.
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            self.file = Some(BufWriter::new(options.open(path)?));
        }
        match &mut self.file {
            Some(file) => {
                serde_json::to_writer(&mut *file, entry)?;
                file.write_all(b"\n")
            }
            None => Ok(()),
        }
    }

    fn closed(&mut self) -> Result<(), String> {
        if let Some(mut file) = self.file.take() {
            file.flush().map_err(|error| format!("its entries could not be kept: {error}"))?;
        }
        self.problem.take().map_or(Ok(()), Err)
    }
}

fn unasked(unverified: Booked, problem: String) -> Verified {
    Verified { unverified, problem: Some(problem), ..Verified::default() }
}

/// Asks for the entries in a file, of which there are so many, within the time of their ledger, and tells how far that has come.
async fn followed(
    ledger: usize,
    (file, all): (BufReader<File>, u64),
    (parts, setup): (&Parts, &Arc<Vec<Plain>>),
    over: &Arc<AtomicBool>,
    tell: &mut dyn FnMut(Event),
) -> Verified {
    let until = Instant::now() + Duration::from_nanos(parts.plan.ledgers[ledger].within);
    let course = ask::Course { until, done: Arc::default(), over: over.clone() };
    let done = course.done.clone();
    let mut asking = std::pin::pin!(asked(ledger, file, (parts, setup), course));
    loop {
        tokio::select! {
            verified = &mut asking => return verified,
            () = tokio::time::sleep(LOOKED_EVERY) => {
                tell(Event::Verifying { ledger, done: done.load(Ordering::Relaxed), all });
            }
        }
    }
}

/// Asks for the entries in a file, on a thread of its own.
async fn asked(
    ledger: usize,
    file: BufReader<File>,
    (parts, setup): (&Parts, &Arc<Vec<Plain>>),
    course: ask::Course,
) -> Verified {
    let verify = parts.plan.ledgers[ledger].verify.clone().zip(parts.lowered.verify[ledger].clone());
    let Some((verify, steps)) = verify else { return Verified::default() };
    let question = ask::Question { count: steps.counts };
    let plan = Arc::new(plan_of(verify, &parts.plan));
    // No worker has such a lane.
    let order = parts.order((plan, vec![steps]), setup.clone(), u64::MAX / 2 - ledger as u64);
    let (told, outcome) = oneshot::channel();
    let thread = std::thread::Builder::new().name("verify".to_owned()).spawn(move || {
        let _ = told.send(alone(order, async |worker| question.ask_all(&worker, file, &course).await));
    });
    let answer = match thread {
        Ok(_) => outcome.await,
        Err(error) => return unasked(Booked::default(), format!("it could not be asked for: {error}")),
    };
    match answer {
        Ok(Ok(verified)) => verified,
        Ok(Err(error)) => unasked(Booked::default(), format!("it could not be asked for: {error}")),
        Err(_) => unasked(Booked::default(), "it could not be asked for, which is a mistake of stressc".to_owned()),
    }
}
