//! `stressc run`: plan, run, record, report, judge.

use super::against::Against;
use super::args::{HowArgs, RunArgs, Runs};
use super::live::Live;
use super::output::Terminal;
use super::prepare::{Prepared, prepare};
use super::streams::Outs;
use crate::base::units::counted;
use crate::baseline::Statistic;
use crate::check::program::Protocol;
use crate::judge::{Verdict, VerdictKind};
use crate::measure::{Event, Stats};
use crate::metric::Outcome;
use crate::plan::{Connections, Machine, Plan, Standing, Way};
use crate::report::{Format, Report};
use crate::run::{RunError, Settings};
use crate::store::{Context, Record};
use crate::telemetry::Telemetry;
use crate::{inputs, judge, metric, report, run as engine};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub fn run(args: &RunArgs, terminal: &Terminal) -> u8 {
    let all = || {
        let Some(file) = &args.file else { return super::suite::resume(args, terminal) };
        if super::suite::is_meant(file) {
            return super::suite::run(file, args, terminal);
        }
        let how = &args.how;
        let outs = Outs::of(&args.out);
        super::output::apart(&outs.reports, terminal)?;
        let prepared = prepare(file, args.share, &how.asked.asked(), terminal)?;
        consent(&prepared, how, terminal)?;
        places(&outs.reports, terminal)?;
        let against = Against::here_or_history(&prepared.plan, file, (how, args.accept_environment), terminal)?;
        let telemetry = outs.open(terminal)?;
        let audience = Audience { quiet: args.quiet, telemetry: telemetry.as_ref(), terminal };
        let code = series(&prepared, args, &against, audience);
        super::streams::close(telemetry, terminal);
        code
    };
    all().unwrap_or_else(|code| code)
}

/// Runs it until what is compared is decided; the exit code.
fn series(prepared: &Prepared, args: &RunArgs, against: &Against, audience: Audience<'_>) -> Result<u8, u8> {
    let (plan, terminal) = (&prepared.plan, audience.terminal);
    let looks = args.runs.unwrap_or(Runs { least: 1, most: 1 });
    if looks.most > 1 {
        terminal.err(&format!("{}\n", super::against::most_time(&[plan], looks)));
    }
    let (mut measured, mut earlier): (Vec<Vec<Statistic>>, Vec<Performed>) = (Vec::new(), Vec::new());
    let mut open_elsewhere = false;
    loop {
        let performed = perform(prepared, &args.how, None, audience);
        let mut performed = performed.map_err(|unperformed| unperformed.told(terminal))?;
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
    let report = performed.report(verdict);
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
        match against.keep((&run.plan, &run.stats, run.commit.as_deref()), (set, name), terminal) {
            Ok(own) => set = Some(own),
            Err(code) => return code,
        }
    }
    0
}

/// Whether it may be started: by this machine, by the person, by what an earlier run has left.
pub(super) fn consent(prepared: &Prepared, args: &HowArgs, terminal: &Terminal) -> Result<(), u8> {
    if let Some(lack) = lacks(prepared) {
        terminal.error(&format!("the run is not started, since {lack}"));
        return Err(super::COULD_NOT_RUN);
    }
    agreed(&[&prepared.plan], prepared.machine, args, terminal)
}

/// What is sure to fail on this machine, and why.
pub(super) fn lacks(prepared: &Prepared) -> Option<String> {
    let lacks = crate::plan::lacks(&prepared.plan, prepared.machine);
    let lack = lacks.iter().find(|lack| lack.certain)?;
    Some(format!("`{}` is sure to fail: {}; {}", lack.of.name(&prepared.plan), lack.message, lack.help))
}

/// The same of several, asked once for all.
pub(super) fn agreed(plans: &[&Plan], machine: Machine, args: &HowArgs, terminal: &Terminal) -> Result<(), u8> {
    super::consent::refused(plans, args.yes, terminal).map_or(Ok(()), Err)?;
    if let Some(workers) = args.workers.filter(|workers| *workers > machine.cores) {
        let cores = counted(machine.cores, "core");
        terminal.err(&format!("{workers} workers share {cores}, so they wait for each other\n"));
    }
    not_heeded(plans, terminal);
    super::recover::refused(terminal).map_or(Ok(()), Err)
}

/// Whether the result can be written where it is asked for.
pub(super) fn places(out: &[(Format, PathBuf)], terminal: &Terminal) -> Result<(), u8> {
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
    text: Arc<str>,
    /// The commit of the scenario's repository at the start.
    pub commit: Option<String>,
    index: super::history::RunIndex,
    /// What it did and could not take back.
    pub left: Option<RunError>,
}

/// Why no run was made.
pub(super) struct Unperformed {
    pub code: u8,
    pub reason: String,
}

impl Unperformed {
    pub fn could_not(reason: String) -> Unperformed {
        Unperformed { code: super::COULD_NOT_RUN, reason }
    }

    pub fn told(self, terminal: &Terminal) -> u8 {
        terminal.error(&self.reason);
        self.code
    }
}

/// The name that a run has in its record, and when it began.
pub(super) struct Stamp {
    pub id: String,
    pub at: jiff::Timestamp,
}

impl Stamp {
    pub fn now(of: &str) -> Stamp {
        let at = jiff::Timestamp::now();
        let number = (at.subsec_nanosecond() as u32 ^ std::process::id()) & 0xffff;
        Stamp { id: format!("{}-{of}-{number:04x}", at.strftime("%Y%m%dT%H%M%SZ")), at }
    }
}

/// The suite that a run is a part of.
pub(super) struct Part<'s> {
    pub suite: &'s str,
    pub stamp: Stamp,
    /// Which of how many it is, for who looks on.
    pub place: String,
}

/// Who sees a run while it goes on.
#[derive(Clone, Copy)]
pub(super) struct Audience<'a> {
    pub quiet: bool,
    pub telemetry: Option<&'a Telemetry>,
    pub terminal: &'a Terminal,
}

pub(super) fn perform(
    prepared: &Prepared,
    args: &HowArgs,
    part: Option<Part<'_>>,
    audience: Audience<'_>,
) -> Result<Performed, Unperformed> {
    let Audience { quiet, telemetry, terminal } = audience;
    let Prepared { plan, secrets, raised, program, text, .. } = prepared;
    let (parent, place, stamp) = match part {
        Some(Part { suite, stamp, place }) => (Some(suite), Some(place), stamp),
        None => (None, None, Stamp::now(&plan.scenario)),
    };
    let Stamp { id, at: now } = stamp;
    let seed = args.seed.unwrap_or_else(|| fresh_seed(now));
    let epoch = now.as_millisecond() as f64 / 1e3;
    let mut record = Record::create(&args.record, &id, parent, plan, epoch).map_err(|error| {
        Unperformed::could_not(format!("the run cannot be recorded, so it is not started: {error}"))
    })?;
    record.put_source(text).map_err(|error| {
        Unperformed::could_not(format!("the run cannot be recorded, so it is not started: {error}"))
    })?;
    let commit = inputs::commit_of(Path::new(&plan.file));
    let index = super::history::RunIndex::new(args);
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
    let mut live = Live::new(terminal, plan, !quiet && !args.no_progress, place);
    telemetry.into_iter().for_each(|telemetry| telemetry.begin(plan));
    let result = engine::run(plan, &settings, &mut |event: Event| {
        telemetry.into_iter().for_each(|telemetry| telemetry.see(&event));
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
        live.judge(&stats);
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
            let code = if matches!(error, RunError::Interrupted) { super::INTERRUPTED } else { super::COULD_NOT_RUN };
            return Err(Unperformed { code, reason: error.to_string() });
        }
    };
    Ok(Performed { plan: plan.clone(), stats, record, text: text.clone(), commit, index, left })
}

impl Performed {
    pub fn report(&self, verdict: &Verdict) -> Report {
        Report { source: Some(self.text.to_string()), ..report::report(&self.plan, &self.stats, verdict) }
    }
}

/// Puts what came of a run into its record. What that lacks is told, and what the run has left behind in any case.
pub(super) fn kept(
    performed: &mut Performed,
    context: &Context,
    report: &Report,
    terminal: &Terminal,
) -> Result<(), u8> {
    let own = Context { commit: performed.commit.clone(), ..context.clone() };
    let of_others = performed.record.put_context(&own);
    let finished = performed.record.finish(&report::json(report));
    let whole = finished.and(of_others).map_err(|error| not_whole(&error.to_string(), terminal));
    performed.index.add(&performed.record.directory, terminal);
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
    let mut report = performed.report(verdict);
    report.trace_url.clone_from(&args.links.trace_url);
    report.report_url.clone_from(&args.links.report_url);
    let outs = Outs::of(&args.out).reports;
    let aside = super::output::is_taken(&outs);
    if !args.quiet {
        terminal.report(aside, &|coloured, width| report::terminal(&report, width, coloured));
    }
    let whole = kept(performed, context, &report, terminal);
    if !outs.is_empty() {
        super::history::add_earlier(&mut report, &performed.index, terminal);
    }
    let written = super::output::write(&outs, &report, terminal).map_err(|problem| not_whole(&problem, terminal));
    if let Err(code) = whole.and(written) {
        return code;
    }
    if !args.quiet {
        terminal.report(aside, &|_, _| format!("\nrecorded in {}\n", performed.record.directory.display()));
    }
    if performed.left.is_some() { super::COULD_NOT_RUN } else { verdict.exit_code }
}

/// Says which variables change nothing, to somebody who may think that they do.
fn not_heeded(plans: &[&Plan], terminal: &Terminal) {
    let reached = || plans.iter().flat_map(|plan| plan.reached());
    let goes_out = reached().any(|reached| reached.standing != Standing::Here);
    let is_postgres = plans.iter().flat_map(|plan| &plan.targets).any(|target| target.protocol == Protocol::Postgres)
        || reached().any(|reached| matches!(reached.by, Way::Database(_)));
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

pub(super) fn fresh_seed(now: jiff::Timestamp) -> u64 {
    // Short enough to be typed again.
    (now.as_nanosecond() as u64 ^ u64::from(std::process::id()).rotate_left(17)) % 1_000_000_000
}
