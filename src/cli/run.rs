//! `stressc run`: plan, run, record, report, judge.

use super::args::RunArgs;
use super::live::Live;
use super::output::Terminal;
use super::prepare::{Prepared, prepare};
use crate::check::program::Protocol;
use crate::measure::{Event, Stats};
use crate::plan::{Connections, Plan, Standing, Way};
use crate::run::{RunError, Settings};
use crate::store::Record;
use crate::{inputs, judge, report, run as engine};
use std::sync::Arc;

pub fn run(args: &RunArgs, terminal: &Terminal) -> u8 {
    let all = || {
        let prepared = prepare(&args.file, args.share, &args.asked.asked(), terminal)?;
        consent(&prepared, args, terminal)?;
        let performed = perform(&prepared, args, terminal)?;
        Ok(finish(performed, args, terminal))
    };
    all().unwrap_or_else(|code| code)
}

/// Whether it may be started: by this machine, by the person, by what an earlier run has left.
fn consent(prepared: &Prepared, args: &RunArgs, terminal: &Terminal) -> Result<(), u8> {
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
        let cores = if machine.cores == 1 { "core" } else { "cores" };
        terminal.err(&format!("{workers} workers share {} {cores}, so they wait for each other\n", machine.cores));
    }
    not_heeded(plan, terminal);
    super::recover::refused(terminal).map_or(Ok(()), Err)?;
    for (_, path) in args.out.iter().filter(|(_, path)| path.as_os_str() != "-") {
        // Found out before the load, not after it; what is there stays until there is something better.
        if let Err(problem) = super::results::probe(path) {
            terminal.error(&format!("the run is not started: {problem}"));
            return Err(super::COULD_NOT_RUN);
        }
    }
    Ok(())
}

/// A run that was made.
struct Performed {
    plan: Arc<Plan>,
    stats: Stats,
    record: Record,
    /// What it did and could not take back.
    left: Option<RunError>,
}

fn perform(prepared: &Prepared, args: &RunArgs, terminal: &Terminal) -> Result<Performed, u8> {
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
    let mut live = Live::new(terminal, plan, !args.quiet && !args.no_progress);
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

/// The verdict and what is told of it; the exit code.
fn finish(performed: Performed, args: &RunArgs, terminal: &Terminal) -> u8 {
    let Performed { plan, stats, mut record, left } = performed;
    let verdict = judge::judge(&plan, &stats, &judge::Others::default());
    let report = report::report(&plan, &stats, &verdict);
    let directory = record.directory.clone();
    if !args.quiet {
        terminal.out(&report::terminal(&report, terminal.out_coloured()));
    }
    let mut lost = record.finish(&report::json(&report)).err().map(|error| error.to_string());
    if let Err(problem) = super::output::write(&args.out, &report, terminal) {
        lost.get_or_insert(problem);
    }
    if let Some(lost) = lost {
        terminal.error(&format!("the run is done, but its record is not whole: {lost}"));
        return super::COULD_NOT_RUN;
    }
    if !args.quiet {
        terminal.out(&format!("\nrecorded in {}\n", directory.display()));
    }
    if let Some(left) = left {
        terminal.error(&left.to_string());
        return super::COULD_NOT_RUN;
    }
    verdict.exit_code
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
fn workers(args: &RunArgs, plan: &Plan) -> u64 {
    let seats = plan.loads.iter().map(|load| load.ceiling.in_flight / plan.share.count).min().unwrap_or(1);
    let pools = plan.targets.iter().filter_map(|target| match target.connections {
        Some(Connections::Pool(size)) => Some(size / plan.share.count),
        _ => None,
    });
    args.workers.unwrap_or_else(default_workers).min(seats).min(pools.min().unwrap_or(u64::MAX)).max(1)
}

/// All cores but one: what is measured most often runs on the same machine.
fn default_workers() -> u64 {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() as u64 - 1).max(1))
}

fn fresh_seed(now: jiff::Timestamp) -> u64 {
    // Short enough to be typed again.
    (now.as_nanosecond() as u64 ^ u64::from(std::process::id()).rotate_left(17)) % 1_000_000_000
}
