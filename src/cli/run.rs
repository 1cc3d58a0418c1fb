//! `stressc run`: plan, run, record, report, judge.

use super::against::Against;
use super::args::{HowArgs, RunArgs, Runs};
use super::live::Live;
use super::output::Terminal;
use super::prepare::{Prepared, prepare};
use crate::base::units::counted;
use crate::baseline::Statistic;
use crate::check::program::Protocol;
use crate::judge::{Verdict, VerdictKind};
use crate::measure::{Event, Stats};
use crate::metric::Outcome;
use crate::plan::{Connections, Plan, Standing, Way};
use crate::report::{Format, Report};
use crate::run::{RunError, Settings};
use crate::store::{Context, Record};
use crate::{inputs, judge, metric, report, run as engine};
use std::path::PathBuf;
use std::sync::Arc;

pub fn run(args: &RunArgs, terminal: &Terminal) -> u8 {
    let all = || {
        let how = &args.how;
        let prepared = prepare(&args.file, args.share, &how.asked.asked(), terminal)?;
        consent(&prepared, how, terminal)?;
        places(&args.out, terminal)?;
        let against = Against::here(&prepared.plan, &args.file, args.accept_environment, terminal)?;
        series(&prepared, args, &against, terminal)
    };
    all().unwrap_or_else(|code| code)
}

/// Runs it until what is compared is decided; the exit code.
fn series(prepared: &Prepared, args: &RunArgs, against: &Against, terminal: &Terminal) -> Result<u8, u8> {
    let plan = &prepared.plan;
    let looks = args.runs.unwrap_or(Runs { least: 1, most: 1 });
    if looks.most > 1 {
        terminal.err(&format!("{}\n", super::against::most_time(&[plan], looks)));
    }
    let (mut measured, mut earlier): (Vec<Vec<Statistic>>, Vec<Performed>) = (Vec::new(), Vec::new());
    let mut open_elsewhere = false;
    loop {
        let mut performed = perform(prepared, &args.how, args.quiet, terminal)?;
        measured.push(metric::statistics(plan, &performed.stats));
        let others = against.others(plan, &measured, looks);
        let verdict = judge::judge(plan, &performed.stats, &others);
        let number = measured.len();
        let decided = number >= looks.least && !others.are_open();
        let ends = !matches!(verdict.kind, VerdictKind::Passed | VerdictKind::Inconclusive);
        if decided || ends || performed.left.is_some() || number >= looks.most {
            let told = against.context(others);
            let code = finish(&mut performed, &verdict, &told, args, terminal);
            earlier.push(performed);
            let code = if code == 0 && open_elsewhere { VerdictKind::Inconclusive.exit_code() } else { code };
            let saved = save(&earlier, &verdict, args, against, terminal);
            let undecided = VerdictKind::Inconclusive.exit_code();
            return Ok(if code == 0 || (code == undecided && saved != 0) { saved } else { code });
        }
        open_elsewhere |= is_open_elsewhere(plan, &verdict);
        between(&mut performed, &verdict, (number, looks), &against.context(others), terminal)?;
        earlier.push(performed);
    }
}

/// Whether something that no other run decides is inconclusive.
fn is_open_elsewhere(plan: &Plan, verdict: &Verdict) -> bool {
    let judged = plan.expectations.iter().zip(&verdict.expectations);
    judged
        .into_iter()
        .any(|(expectation, judged)| judged.outcome == Outcome::Inconclusive && !expectation.condition.has_baseline())
}

/// What is told of a run that others follow.
fn between(
    performed: &mut Performed,
    verdict: &Verdict,
    (number, looks): (usize, Runs),
    context: &Context,
    terminal: &Terminal,
) -> Result<(), u8> {
    let report = report::report(&performed.plan, &performed.stats, verdict);
    kept(performed, context, &report, terminal)?;
    let compared = verdict.expectations.iter().filter_map(|judged| judged.across).map(|across| across.verdict.word());
    let compared = compared.collect::<Vec<_>>().join(", ");
    let so_far = if compared.is_empty() { String::new() } else { format!(": {compared}") };
    terminal.err(&format!("run {number} of at most {} is done{so_far}\n", looks.most));
    Ok(())
}

/// Keeps the runs as a baseline, where that was asked for.
fn save(runs: &[Performed], verdict: &Verdict, args: &RunArgs, against: &Against, terminal: &Terminal) -> u8 {
    let Some(name) = &args.save_baseline else { return 0 };
    let name = Some(name.as_str()).filter(|name| !name.is_empty());
    if let Some(problem) = super::against::refused(verdict, false) {
        terminal.error(&format!("the run is not kept as a baseline: {problem}"));
        return super::COULD_NOT_RUN;
    }
    let profile = runs.first().and_then(|run| run.plan.profile.as_deref());
    let mut set = match against.set_for(name, profile, terminal) {
        Ok(set) => set,
        Err(code) => return code,
    };
    for run in runs {
        match against.keep((&run.plan, &run.stats), (set, name), terminal) {
            Ok(own) => set = Some(own),
            Err(code) => return code,
        }
    }
    0
}

/// Whether it may be started: by this machine, by the person, by what an earlier run has left.
pub(super) fn consent(prepared: &Prepared, args: &HowArgs, terminal: &Terminal) -> Result<(), u8> {
    let Prepared { plan, machine, .. } = prepared;
    let lacks = crate::plan::lacks(plan, *machine);
    if let Some(lack) = lacks.iter().find(|lack| lack.certain) {
        let whose = lack.of.name(plan);
        terminal.error(&format!(
            "the run is not started, since `{whose}` is sure to fail: {}; {}",
            lack.message, lack.help
        ));
        return Err(super::COULD_NOT_RUN);
    }
    super::consent::refused(plan, args.yes, terminal).map_or(Ok(()), Err)?;
    if let Some(workers) = args.workers.filter(|workers| *workers > machine.cores) {
        let cores = counted(machine.cores, "core");
        terminal.err(&format!("{workers} workers share {cores}, so they wait for each other\n"));
    }
    not_heeded(plan, terminal);
    super::recover::refused(terminal).map_or(Ok(()), Err)
}

/// Whether the result can be written where it is asked for.
fn places(out: &[(Format, PathBuf)], terminal: &Terminal) -> Result<(), u8> {
    for (_, path) in out.iter().filter(|(_, path)| path.as_os_str() != "-") {
        // Found out before the load, not after it; what is there stays until there is something better.
        if let Err(problem) = super::results::probe(path) {
            terminal.error(&format!("the run is not started: {problem}"));
            return Err(super::COULD_NOT_RUN);
        }
    }
    Ok(())
}

/// A run that was made.
pub(super) struct Performed {
    pub plan: Arc<Plan>,
    pub stats: Stats,
    record: Record,
    /// What it did and could not take back.
    pub left: Option<RunError>,
}

pub(super) fn perform(prepared: &Prepared, args: &HowArgs, quiet: bool, terminal: &Terminal) -> Result<Performed, u8> {
    let Prepared { plan, secrets, raised, program, .. } = prepared;
    let now = jiff::Timestamp::now();
    let seed = args.seed.unwrap_or_else(|| fresh_seed(now));
    let id = format!(
        "{}-{}-{:04x}",
        now.strftime("%Y%m%dT%H%M%SZ"),
        plan.scenario,
        (now.subsec_nanosecond() as u32 ^ std::process::id()) & 0xffff
    );
    let epoch = now.as_millisecond() as f64 / 1e3;
    let mut record = Record::create(&args.record, &id, None, plan, epoch).map_err(|error| {
        terminal.error(&format!("the run cannot be recorded, so it is not started: {error}"));
        super::COULD_NOT_RUN
    })?;
    let settings = Settings {
        id,
        started: now.to_string(),
        seed,
        workers: workers(args, plan),
        raised: *raised,
        program: program.clone(),
        secrets: secrets.clone(),
        directory: record.directory.join("services"),
        kept: record.directory.join("kept"),
        trial: None,
    };
    let mut stats = Stats::new(plan);
    let mut live = Live::new(terminal, plan, !quiet && !args.no_progress);
    let result = engine::run(plan, &settings, &mut |event: Event| {
        let whole = record.broken.is_none();
        record.append(&event);
        if let Some(error) = record.broken.as_ref().filter(|_| whole) {
            live.clear();
            terminal.error(&format!(
                "the record cannot be written now; the run goes on, and what is measured waits in memory: {error}"
            ));
        }
        live.see(&event);
        stats.take(event);
        for error in record.problems() {
            let problem = format!("the record grows on disk, since it cannot be made smaller: {error}");
            if !stats.problems.contains(&problem) {
                let event = Event::Problem { problem };
                record.append(&event);
                live.see(&event);
                stats.take(event);
            }
        }
    });
    live.clear();
    let left = match result {
        Ok(()) => None,
        // It was made all the same, and is reported.
        Err(error @ RunError::Left(_)) => Some(error),
        Err(error) => {
            terminal.error(&error.to_string());
            return Err(match error {
                RunError::Interrupted => super::INTERRUPTED,
                _ => super::COULD_NOT_RUN,
            });
        }
    };
    Ok(Performed { plan: plan.clone(), stats, record, left })
}

/// Puts what came of a run into its record. What that lacks is told, and what the run has left behind in any case.
pub(super) fn kept(
    performed: &mut Performed,
    context: &Context,
    report: &Report,
    terminal: &Terminal,
) -> Result<(), u8> {
    let of_others = performed.record.put_context(context);
    let finished = performed.record.finish(&report::json(report));
    let whole = finished.and(of_others).map_err(|error| not_whole(&error.to_string(), terminal));
    if let Some(left) = &performed.left {
        terminal.error(&left.to_string());
    }
    whole
}

fn not_whole(problem: &str, terminal: &Terminal) -> u8 {
    terminal.error(&format!("the run is done, but its record is not whole: {problem}"));
    super::COULD_NOT_RUN
}

/// What is told of a run; the exit code.
fn finish(performed: &mut Performed, verdict: &Verdict, context: &Context, args: &RunArgs, terminal: &Terminal) -> u8 {
    let report = report::report(&performed.plan, &performed.stats, verdict);
    if !args.quiet {
        terminal.out(&report::terminal(&report, terminal.out_coloured()));
    }
    let whole = kept(performed, context, &report, terminal);
    let written = super::output::write(&args.out, &report, terminal).map_err(|problem| not_whole(&problem, terminal));
    if let Err(code) = whole.and(written) {
        return code;
    }
    if !args.quiet {
        terminal.out(&format!("\nrecorded in {}\n", performed.record.directory.display()));
    }
    if performed.left.is_some() { super::COULD_NOT_RUN } else { verdict.exit_code }
}

/// Says which variables change nothing, to somebody who may think that they do.
fn not_heeded(plan: &Plan, terminal: &Terminal) {
    let goes_out = plan.reached().iter().any(|reached| reached.standing != Standing::Here);
    let is_postgres = plan.targets.iter().any(|target| target.protocol == Protocol::Postgres)
        || plan.reached().iter().any(|reached| matches!(reached.by, Way::Database(_)));
    let mut set = if goes_out { inputs::not_heeded(false) } else { Vec::new() };
    if is_postgres {
        set.extend(inputs::not_heeded(true));
    }
    if !set.is_empty() {
        terminal.err(&format!("not heeded, since a run connects where its file says: {}\n", set.join(", ")));
    }
}

/// As many as asked for, and never more than iterations may be in flight or a pool has connections.
fn workers(args: &HowArgs, plan: &Plan) -> u64 {
    let seats = plan.loads.iter().map(|load| load.ceiling.in_flight / plan.share.count).min().unwrap_or(1);
    let pools = plan.targets.iter().filter_map(|target| match target.connections {
        Some(Connections::Pool(size)) => Some(size / plan.share.count),
        _ => None,
    });
    args.workers.unwrap_or_else(default_workers).min(seats).min(pools.min().unwrap_or(u64::MAX)).max(1)
}

/// All cores but one: what is measured most often runs on the same machine.
fn default_workers() -> u64 {
    (inputs::cores() - 1).max(1)
}

fn fresh_seed(now: jiff::Timestamp) -> u64 {
    // Short enough to be typed again.
    (now.as_nanosecond() as u64 ^ u64::from(std::process::id()).rotate_left(17)) % 1_000_000_000
}
