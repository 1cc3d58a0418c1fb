//! What the expectations of a report measured in the runs before it, for its sparklines.

use super::index::RunIndex;
use crate::cli::output::Terminal;
use crate::report::{EarlierValue, Report};
use crate::store::index::{IndexedRun, metric_name};

/// So many runs are looked at.
const SEEN: usize = 100;
/// So many values are told of an expectation: the newest.
const TOLD: usize = 40;

/// Puts earlier values next to each expectation. A history that cannot be read is said, and changes nothing else.
pub fn add_earlier(report: &mut Report, index: &RunIndex, terminal: &Terminal) {
    match index.newest((&report.file, &report.scenario), SEEN) {
        Ok(runs) => {
            let runs: Vec<IndexedRun> = runs.into_iter().filter(|run| is_earlier(run, report)).collect();
            for expected in &mut report.expectations {
                expected.earlier = values(&expected.text, &runs);
            }
        }
        Err(problem) => terminal.err(&format!(
            "warning: the report has no earlier values, because the history in {} cannot be read: {problem}\n",
            index.shown()
        )),
    }
}

/// Whether a run did the same before this one, with numbers that are trusted.
fn is_earlier(run: &IndexedRun, report: &Report) -> bool {
    let same = run.plan == report.plan_sha256 && run.profile == report.profile;
    same && run.trusted && (&run.started, &run.id) < (&report.started, &report.id)
}

/// Of an expectation, by the name that the index has for its metric.
fn values(text: &str, runs: &[IndexedRun]) -> Vec<EarlierValue> {
    let names = [metric_name(text), text.to_owned()];
    let own = |run: &IndexedRun| {
        let found = names.iter().find_map(|name| run.metrics.iter().find(|metric| metric.name == *name))?;
        let (run, started, commit) = (run.id.clone(), run.started.clone(), run.commit.clone());
        Some(EarlierValue { run, started, commit, value: found.value })
    };
    let all: Vec<EarlierValue> = runs.iter().filter_map(own).collect();
    all[all.len().saturating_sub(TOLD)..].to_vec()
}
