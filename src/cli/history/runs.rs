//! `stressc history [FILE[:SCENARIO]]`: the history of recorded runs.

use super::WantedRuns;
use super::index::{OF_ALL, block, file, place, shown};
use super::told::{History, Told, Value};
use crate::base::suggest::{hint, similar};
use crate::base::units::counted;
use crate::cli::args::HistoryArgs;
use crate::history::Series;
use crate::store::index::{Index, IndexError, IndexedRun, Metric, Place, files, indexed};
use crate::store::run_ids;
use std::path::PathBuf;

pub fn history(args: &HistoryArgs) -> Result<History, String> {
    let url = args.store.as_deref();
    let place = place(&args.record, url)?;
    let mut notes = Vec::new();
    let all = block(all(args, &place, &mut notes), OF_ALL);
    let groups = all.map_err(|error| {
        let where_it_is = shown(&args.record, url);
        match (&error, file(&place)) {
            (IndexError::Newer(_), Some(path)) => {
                format!("the history in {where_it_is} cannot be read: {error}; without `{}` it is made again from the records", path.display())
            }
            _ => format!("the history in {where_it_is} cannot be read: {error}"),
        }
    })?;
    let mut series = Vec::new();
    for (of, runs) in &groups {
        series.extend(told(of, runs, args.metric.as_deref(), &mut notes));
    }
    if groups.is_empty() {
        return Err(none(args));
    }
    if series.is_empty() {
        let mut names: Vec<&str> = groups
            .iter()
            .flat_map(|(_, runs)| runs)
            .flat_map(|run| &run.metrics)
            .map(|one| one.name.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        let asked = args.metric.as_deref().unwrap_or_default();
        return Err(match similar(asked, names.iter().copied()) {
            Some(near) => format!("no metric has `{asked}` in its name{}", hint(near)),
            None => format!("no metric has `{asked}` in its name; choose from `{}`", names.join("`, `")),
        });
    }
    Ok(History::new(series, notes))
}

fn none(args: &HistoryArgs) -> String {
    let below = args.record.join(".stress/runs");
    match &args.of {
        Some(of) => format!("no run of `{of}` is recorded in `{}`", below.display()),
        None => format!("no run is recorded in `{}`", below.display()),
    }
}

/// The runs that are asked for, by `FILE:SCENARIO`, after the index has what the records have. A file that is damaged is made again.
async fn all(
    args: &HistoryArgs,
    place: &Place,
    notes: &mut Vec<String>,
) -> Result<Vec<(String, Vec<IndexedRun>)>, IndexError> {
    let records = run_ids(&args.record);
    // Without records there is nothing to make a file of.
    if records.is_empty() && file(place).is_some_and(|path| !path.exists()) {
        return Ok(Vec::new());
    }
    match read(args, place, &records, notes).await {
        Err(IndexError::Damaged(problem)) if file(place).is_some() => {
            file(place).map(|path| files(&path)).into_iter().flatten().for_each(|own| drop(std::fs::remove_file(own)));
            *notes = vec![format!("the index was damaged ({problem}) and is made again from the records")];
            read(args, place, &records, notes).await
        }
        other => other,
    }
}

/// As the index has them, with every record in it that lies here.
async fn read(
    args: &HistoryArgs,
    place: &Place,
    records: &Records,
    notes: &mut Vec<String>,
) -> Result<Vec<(String, Vec<IndexedRun>)>, IndexError> {
    let index = synced(place, records, notes).await?;
    let wanted = WantedRuns::of(args.of.as_deref());
    let mut groups = Vec::new();
    for (own, name) in index.scenarios().await? {
        if wanted.is(&own, &name) {
            let runs = index.newest((&own, &name), args.last as usize).await?;
            groups.push((format!("{own}:{name}"), runs));
        }
    }
    index.close().await;
    Ok(groups)
}

/// The directories of records by their ids, in order.
type Records = [(String, PathBuf)];

/// The index with every record in it that lies here.
pub(super) async fn synced(place: &Place, records: &Records, notes: &mut Vec<String>) -> Result<Index, IndexError> {
    let index = Index::open(place).await?;
    let known = index.ids().await?;
    let mut found = Vec::new();
    for (id, directory) in records.iter().filter(|(id, _)| !known.contains(id)) {
        match indexed(directory) {
            Ok(Some(run)) if run.id == *id => found.push(run),
            Ok(_) => {}
            Err(error) => notes.push(format!("the run `{id}` is left out: {error}")),
        }
    }
    if !found.is_empty() {
        index.put(&found).await?;
    }
    // What a server keeps may be of other machines.
    if matches!(place, Place::File(_)) {
        let is_gone = |id: &&String| records.binary_search_by(|(own, _)| own.cmp(id)).is_err();
        let gone: Vec<String> = known.iter().filter(is_gone).cloned().collect();
        if !gone.is_empty() {
            index.forget(&gone).await?;
        }
    }
    Ok(index)
}

/// The series of a scenario: of the runs that did the same as the newest, and are trusted.
fn told(of: &str, runs: &[IndexedRun], metric: Option<&str>, notes: &mut Vec<String>) -> Vec<Told> {
    let Some(newest) = runs.last() else { return Vec::new() };
    let is_same = |run: &&IndexedRun| run.plan == newest.plan && run.profile == newest.profile;
    let same: Vec<&IndexedRun> = runs.iter().filter(is_same).collect();
    let kept: Vec<&IndexedRun> = same.iter().copied().filter(|run| run.trusted).collect();
    let mut left_out = |count: usize, why: &str| {
        if count > 0 {
            notes.push(format!("{of}: {} left out, because {why}", counted(count as u64, "run")));
        }
    };
    left_out(runs.len() - same.len(), "the scenario or its profile was not the same as in the newest run");
    left_out(same.len() - kept.len(), "the numbers are not trusted");
    let mut names: Vec<&Metric> = Vec::new();
    for one in kept.iter().rev().flat_map(|run| &run.metrics) {
        if metric.is_none_or(|asked| one.name.contains(asked)) && names.iter().all(|own| own.name != one.name) {
            names.push(one);
        }
    }
    let of_metric = |metric: &&Metric| {
        let own = |run: &&IndexedRun| {
            let found = run.metrics.iter().find(|one| one.name == metric.name)?;
            Some(Value { run: run.id.clone(), commit: run.commit.clone(), value: found.value })
        };
        let values: Vec<Value> = kept.iter().filter_map(own).collect();
        let numbers = values.iter().map(|one| one.value).collect();
        let series = if metric.share { Series::of_shares(numbers) } else { Series::new(numbers) };
        Told { of: of.to_owned(), name: metric.name.clone(), unit: metric.unit, values, shape: series.shape() }
    };
    names.iter().map(of_metric).collect()
}
