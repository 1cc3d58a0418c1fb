//! What the records of a suite and of its runs say, as a report.

use crate::judge::{MemberOutcome, judge};
use crate::plan::PlannedMember;
use crate::report::{self, MemberResult, SuiteFacts, SuiteReport};
use crate::store::{self, MemberState, RecordError};
use jiff::Timestamp;
use std::path::Path;

/// The report of the suite that is recorded in a directory, as it is told now.
pub fn evidence(directory: &Path, now: Timestamp) -> Result<SuiteReport, RecordError> {
    let read = store::read_suite(directory)?;
    let head = read.head;
    // The runs lie next to it.
    let runs = directory.parent().unwrap_or(directory);
    let states = head.plan.members().zip(read.members);
    let results = states.map(|(planned, state)| result(planned, state, runs, now)).collect();
    let facts = SuiteFacts { id: head.id, started: head.started, seed: head.seed, resumed: read.resumed };
    Ok(report::suite(&head.plan, facts, results))
}

fn result(planned: &PlannedMember, state: MemberState, runs: &Path, now: Timestamp) -> MemberResult {
    let without = MemberResult::without;
    match (state, &planned.skipped) {
        (MemberState::Ended(run), _) => judged(&runs.join(&run), now).unwrap_or_else(|error| {
            without(MemberOutcome::Error, Some(run), Some(format!("its record cannot be read: {error}")))
        }),
        (MemberState::NotRun(problem), _) => without(MemberOutcome::Error, None, Some(problem)),
        (MemberState::Begun(run), _) => {
            without(MemberOutcome::Interrupted, Some(run), Some("it was interrupted".to_owned()))
        }
        (MemberState::Waiting, Some(why)) => without(MemberOutcome::Skipped, None, Some(why.clone())),
        (MemberState::Waiting, None) => without(MemberOutcome::NotRun, None, None),
    }
}

/// As [`stressc report`] judges that run.
fn judged(directory: &Path, now: Timestamp) -> Result<MemberResult, RecordError> {
    let (plan, stats) = store::read(directory)?;
    let context = store::context(directory)?.unwrap_or_default();
    let verdict = judge(&plan, &stats, &context.others);
    let came = MemberResult::of(&plan, &stats, &verdict);
    let age = stats.started.parse::<Timestamp>().ok().map(|started| {
        let since = now.as_nanosecond() - started.as_nanosecond() - i128::from(stats.end());
        u64::try_from(since.max(0)).unwrap_or(u64::MAX)
    });
    Ok(MemberResult { age, ..came })
}
