//! The runs of the baseline, in a few words: how many, of when, and of which commits.

use super::Report;
use crate::base::units::counted;

/// `2026-11-24T10:00:00Z` without its time.
const DATE: usize = 10;
/// So many digits of a commit are shown.
const SHORT: usize = 12;

/// Nothing where nothing was compared.
pub fn told(report: &Report) -> Option<String> {
    let (first, last) = (report.before.first()?, report.before.last()?);
    let cut = |text: &str, length: usize| text.get(..length).unwrap_or(text).to_owned();
    let days = range([&first.started, &last.started].map(|at| cut(at, DATE)));
    let commits: Vec<&String> = report.before.iter().filter_map(|run| run.commit.as_ref()).collect();
    let commits = match (commits.first(), commits.last()) {
        (Some(first), Some(last)) if first == last => format!(" at commit `{}`", cut(first, SHORT)),
        (Some(first), Some(last)) => format!(" at commits `{}` to `{}`", cut(first, SHORT), cut(last, SHORT)),
        _ => String::new(),
    };
    Some(format!("{} of {days}{commits}", counted(report.before.len() as u64, "run")))
}

fn range([from, to]: [String; 2]) -> String {
    if from == to { from } else { format!("{from} to {to}") }
}
