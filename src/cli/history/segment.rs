//! The current stable segment of a history: the runs since the last change. They are the baseline where no file keeps one.

use super::index::{OF_ALL, block, place};
use super::runs::synced;
use crate::base::units::counted;
use crate::baseline::Entry;
use crate::cli::against::{entry, refused};
use crate::cli::args::HowArgs;
use crate::history::{LEAST, Series};
use crate::judge::judge;
use crate::plan::{Condition, Measured, MetricKey, Plan};
use crate::store::index::{IndexedRun, metric_name};
use crate::store::{self, is_same_file, run_ids};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// So many runs are looked at for changes.
const SEEN: usize = 100;
/// So many of a segment are compared with: older ones say less of today.
const MOST: usize = 10;
/// All entries of a segment are of one baseline.
const SET: &str = "history";

/// The runs of a history that did the same as a plan and were not found wanting.
pub struct StableRuns {
    runs: Vec<IndexedRun>,
    directories: BTreeMap<String, PathBuf>,
    /// What was read of their records.
    entries: RefCell<BTreeMap<String, Option<Entry>>>,
}

impl StableRuns {
    pub fn of(plan: &Plan, file: &str, how: &HowArgs) -> Result<StableRuns, String> {
        let place = place(&how.record, how.store.as_deref())?;
        let records = run_ids(&how.record);
        let directories: BTreeMap<String, PathBuf> = records.iter().cloned().collect();
        let none = || StableRuns { runs: Vec::new(), directories: BTreeMap::new(), entries: RefCell::default() };
        if records.is_empty() {
            return Ok(none());
        }
        let read = async {
            let index = synced(&place, &records, &mut Vec::new()).await?;
            let scenarios = index.scenarios().await?;
            let mut runs = Vec::new();
            for (own, name) in scenarios.iter().filter(|(own, name)| *name == plan.scenario && is_same_file(file, own))
            {
                runs.extend(index.newest((own, name), SEEN).await?);
            }
            index.close().await;
            Ok(runs)
        };
        let mut runs: Vec<IndexedRun> = block(read, OF_ALL).map_err(|error| error.to_string())?;
        runs.retain(|run| {
            let same = run.plan == plan.fingerprint && run.profile == plan.profile && run.trusted;
            same && matches!(run.verdict.as_str(), "passed" | "inconclusive") && directories.contains_key(&run.id)
        });
        runs.sort_by(|a, b| (&a.started, &a.id).cmp(&(&b.started, &b.id)));
        Ok(StableRuns { runs, directories, entries: RefCell::default() })
    }

    /// The runs of the current segment of a metric, the oldest first, or why there are too few.
    pub fn segment(&self, plan: &Plan, metric: &MetricKey) -> Result<Vec<Entry>, String> {
        let names = names(plan, metric);
        let value = |run: &IndexedRun| {
            let found = names.iter().find_map(|name| run.metrics.iter().find(|own| own.name == *name));
            found.map(|metric| (metric.value, metric.share))
        };
        let with: Vec<(&IndexedRun, (f64, bool))> =
            self.runs.iter().filter_map(|run| Some((run, value(run)?))).collect();
        let numbers: Vec<f64> = with.iter().map(|(_, (value, _))| *value).collect();
        let shares = with.iter().any(|(_, (_, share))| *share);
        let series = if shares { Series::of_shares(numbers) } else { Series::new(numbers) };
        let from = series.shape().segments.last().map_or(0, |segment| segment.from);
        let segment = with.get(from..).unwrap_or_default();
        let recent = &segment[segment.len().saturating_sub(MOST)..];
        let entries: Vec<Entry> = recent.iter().filter_map(|(run, _)| self.entry(&run.id)).collect();
        match entries.len() {
            enough if enough >= LEAST => Ok(entries),
            0 => Err("there is no baseline yet: record one with `stressc baseline record … --runs 5`".to_owned()),
            few => Err(format!(
                "there is no baseline yet, and the history has {} to compare with, of which it takes {LEAST}: record one with `stressc baseline record … --runs 5`",
                counted(few as u64, "run")
            )),
        }
    }

    /// A run as a baseline keeps it. A record that cannot be read is none.
    fn entry(&self, id: &str) -> Option<Entry> {
        if let Some(known) = self.entries.borrow().get(id) {
            return known.clone();
        }
        let read = || {
            let directory = self.directories.get(id)?;
            let (plan, stats) = store::read(directory).ok()?;
            let context = store::context(directory).ok()??;
            let verdict = judge(&plan, &stats, &context.others);
            if refused(&verdict, false).is_some() {
                return None;
            }
            Some(entry((&plan, &stats, context.commit.as_deref()), context.machine, SET))
        };
        let found = read();
        self.entries.borrow_mut().insert(id.to_owned(), found.clone());
        found
    }
}

/// How the index may call a metric: by the expectations in which it is compared with a baseline.
fn names(plan: &Plan, metric: &MetricKey) -> Vec<String> {
    let is_own = |condition: &Condition| {
        let mut found = false;
        condition.clone().against_baselines(&mut |_, left, _| {
            found |= matches!(left, Measured::Metric { key, .. } if key == metric);
        });
        found
    };
    let own = plan.expectations.iter().filter(|expectation| is_own(&expectation.condition));
    own.flat_map(|expectation| [metric_name(&expectation.text), expectation.text.clone()]).collect()
}
