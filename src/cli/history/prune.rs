//! `stressc history prune`: removes old records, and never one that something else names.

use super::WantedRuns;
use super::index::{OF_ALL, block, place, shown};
use crate::base::units::{DURATIONS, counted};
use crate::cli::args::PruneArgs;
use crate::cli::consent::{asked, may_ask};
use crate::cli::output::Terminal;
use crate::store::index::Index;
use crate::store::{Baselines, RunHead, Wanted, runs};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

pub fn prune(args: &PruneArgs, terminal: &Terminal) -> u8 {
    let chosen = chosen(args);
    for note in &chosen.notes {
        terminal.err(&format!("{note}\n"));
    }
    let what = match chosen.runs.as_slice() {
        [] => {
            terminal.out("nothing to remove\n");
            return crate::cli::OK;
        }
        [one] => format!("1 run, `{}`", one.id),
        [first, .., last] => {
            format!("{}, from `{}` to `{}`", counted(chosen.runs.len() as u64, "run"), first.id, last.id)
        }
    };
    removed(args, &chosen.runs, &what, terminal)
}

fn removed(args: &PruneArgs, runs: &[RunHead], what: &str, terminal: &Terminal) -> u8 {
    if !args.yes {
        if !may_ask() {
            terminal.error(&format!("nothing is removed: this would remove {what}; pass `--yes`"));
            return crate::cli::COULD_NOT_RUN;
        }
        if !asked(&format!("Remove {what}?"), terminal) {
            terminal.error("nothing is removed");
            return crate::cli::COULD_NOT_RUN;
        }
    }
    let (mut gone, mut code) = (Vec::new(), crate::cli::OK);
    for run in runs {
        match std::fs::remove_dir_all(&run.directory) {
            Ok(()) => gone.push(run.id.clone()),
            Err(error) => {
                terminal.error(&format!("`{}` is not removed: {error}", run.directory.display()));
                code = crate::cli::COULD_NOT_RUN;
            }
        }
    }
    let forgotten = place(&args.record, args.store.as_deref()).and_then(|place| {
        let work = async {
            let index = Index::open(&place).await?;
            let done = index.forget(&gone).await;
            index.close().await;
            done
        };
        block(work, OF_ALL).map_err(|error| error.to_string())
    });
    if let Err(problem) = forgotten {
        let index = shown(&args.record, args.store.as_deref());
        terminal.err(&format!("warning: the history in {index} still has the removed runs: {problem}\n"));
    }
    terminal.out(&format!("removed {}\n", counted(gone.len() as u64, "run")));
    code
}

/// What is removed, the oldest first, and what is kept although it is old.
struct Chosen {
    runs: Vec<RunHead>,
    notes: Vec<String>,
}

fn chosen(args: &PruneArgs) -> Chosen {
    // The newest first; a directory that is no record is not among them.
    let (all, _) = runs(&args.record, Wanted::All);
    let wanted = WantedRuns::of(args.of.as_deref());
    let is_asked = |run: &RunHead| wanted.is(&run.file, &run.scenario);
    let mut seen: BTreeMap<(String, String), u64> = BTreeMap::new();
    let (mut chosen, mut named, mut open) = (Vec::new(), 0, 0);
    let now = jiff::Timestamp::now();
    for run in all.into_iter().filter(is_asked) {
        let place = seen.entry((run.file.clone(), run.scenario.clone())).or_default();
        *place += 1;
        let is_over = args.keep.is_some_and(|keep| *place > keep);
        let is_old =
            args.older.is_some_and(|age| began(&run.id).is_some_and(|at| now.duration_since(at) > age_of(age)));
        if !is_over && !is_old {
            continue;
        }
        match () {
            // It goes on, or was cut short, and what became of it is not known.
            () if !run.directory.join("run.json").is_file() => open += 1,
            () if run.parent.is_some() || is_of_a_baseline(&args.record, &run) => named += 1,
            // A link leads to somebody else's directory.
            () if run.directory.symlink_metadata().is_ok_and(|found| found.is_dir()) => chosen.push(run),
            () => open += 1,
        }
    }
    chosen.reverse();
    let mut notes = Vec::new();
    if named > 0 {
        notes.push(format!("{} kept, because a baseline or another record names them", counted(named, "run")));
    }
    if open > 0 {
        notes.push(format!("{} kept, because they have no result", counted(open, "run")));
    }
    Chosen { runs: chosen, notes }
}

fn age_of(age: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(age).unwrap_or(jiff::SignedDuration::MAX)
}

/// When a run began, which its id says.
fn began(id: &str) -> Option<jiff::Timestamp> {
    let stamp = id.split('-').next()?;
    let at = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", stamp).ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

/// Whether a run is one of a baseline, which is kept next to its file: as it was named, or beneath the directory of records.
fn is_of_a_baseline(base: &Path, run: &RunHead) -> bool {
    let file = Path::new(&run.file);
    let is_kept = |file: &Path| Baselines::of(file, &run.scenario).file(&run.id).exists();
    is_kept(file) || is_kept(&base.join(file))
}

/// `30d`, `12h`
pub fn age(text: &str) -> Result<Duration, String> {
    let wrong = || "write it like `30d` or `12h`".to_owned();
    let at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(at);
    let size = DURATIONS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?.1;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(size).map(Duration::from_nanos).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_a_run_is_in_its_id() {
        assert_eq!(
            began("20260101T003000Z-test-0000").map(|at| at.to_string()),
            Some("2026-01-01T00:30:00Z".to_owned())
        );
        assert_eq!(began("mine"), None);
        assert_eq!((age("30d"), age("12h")), (Ok(Duration::from_secs(30 * 86_400)), Ok(Duration::from_secs(43_200))));
        assert!(["", "30", "d", "3 d", "99999999999999999999d", "999999999999d"].iter().all(|text| age(text).is_err()));
    }
}
