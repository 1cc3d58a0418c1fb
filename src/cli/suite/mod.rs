//! `stressc run` of a suite, or of a directory: its scenarios one after the other, each as a run of its own, and a score of them.

mod evidence;
mod prepare;

pub use evidence::evidence;
pub use prepare::{PreparedSuite, is_meant, prepare};

use super::against::Against;
use super::args::{HowArgs, RunArgs, Runs};
use super::output::{Terminal, apart, is_taken};
use super::prepare::Prepared;
use super::run::{Audience, Part, Stamp, Unperformed, agreed, fresh_seed, kept, perform, places};
use super::streams::Outs;
use crate::base::shown::escaped;
use crate::base::units::{duration, measured_duration};
use crate::judge::{MemberOutcome, Others, VerdictKind, judge};
use crate::plan::{Plan, PlannedMember, SuitePlan};
use crate::report::{self, MemberResult};
use crate::store::{SuiteAsked, SuiteEvent, SuiteHead, SuiteRecord};
use crate::telemetry::Telemetry;
use crate::{metric, store};

/// Runs `FILE:SUITE` or a directory; the exit code.
pub fn run(file: &str, args: &RunArgs, terminal: &Terminal) -> Result<u8, u8> {
    if let Some(flag) = of_one_scenario(args) {
        terminal.error(&format!("`{flag}` works with a single scenario only; name one, as in `FILE:SCENARIO`"));
        return Err(super::DOES_NOT_CHECK);
    }
    let outs = Outs::of(&args.out);
    apart(&outs.reports, terminal)?;
    let asked = args.how.asked.asked();
    let prepared = prepare(file, &asked, terminal)?;
    agreed_all(&prepared, &args.how, terminal)?;
    places(&outs.reports, terminal)?;
    let telemetry = outs.open(terminal)?;
    let stamp = Stamp::now(&prepared.plan.suite);
    let seed = args.how.seed.unwrap_or_else(|| fresh_seed(stamp.at));
    let set = SuiteAsked {
        file: file.to_owned(),
        profile: asked.profile,
        set: asked.set,
        env_file: asked.env_file,
        root: asked.root,
    };
    let head = SuiteHead::new(&stamp.id, &stamp.at.to_string(), seed, set, prepared.plan.clone());
    let record = SuiteRecord::create(&args.how.record, &head).map_err(|error| {
        terminal.error(&format!("the suite cannot be recorded, so it is not started: {error}"));
        super::COULD_NOT_RUN
    })?;
    Running { id: stamp.id, seed, prepared, done: Vec::new(), record, outs, telemetry, args, terminal }.finish()
}

/// What is asked for and cannot be done with several scenarios.
fn of_one_scenario(args: &RunArgs) -> Option<&'static str> {
    let flags = [
        ("--share", args.share.is_some()),
        ("--runs", args.runs.is_some()),
        ("--save-baseline", args.save_baseline.is_some()),
    ];
    flags.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
}

/// Asked once for all that is run.
fn agreed_all(prepared: &PreparedSuite, how: &HowArgs, terminal: &Terminal) -> Result<(), u8> {
    let planned = prepared.plan.members().zip(&prepared.members);
    let run: Vec<&Prepared> = planned.filter(|(own, _)| own.skipped.is_none()).map(|(_, own)| own).collect();
    let plans: Vec<&Plan> = run.iter().map(|own| &*own.plan).collect();
    run.first().map_or(Ok(()), |first| agreed(&plans, first.machine, how, terminal))
}

/// Goes on with a suite that ended early, after what of it is done.
pub fn resume(args: &RunArgs, terminal: &Terminal) -> Result<u8, u8> {
    let refused = |problem: &str| {
        terminal.error(&format!("the suite cannot be resumed: {problem}"));
        super::COULD_NOT_RUN
    };
    let outs = Outs::of(&args.out);
    apart(&outs.reports, terminal)?;
    let wanted = args.resume.as_deref().unwrap_or("last");
    let directory = match wanted {
        "last" => {
            store::suites(&args.how.record).into_iter().next().ok_or_else(|| refused("no suite is recorded here"))?
        }
        wanted => store::find(&args.how.record, wanted).map_err(|error| refused(&error.to_string()))?,
    };
    if !store::is_suite(&directory) {
        return Err(refused(&format!("`{wanted}` is the run of a single scenario; run it again by its name")));
    }
    let read = store::read_suite(&directory).map_err(|error| refused(&error.to_string()))?;
    let SuiteHead { id, seed, asked, plan, .. } = &read.head;
    let set = crate::inputs::Asked {
        profile: asked.profile.clone(),
        set: asked.set.clone(),
        env_file: asked.env_file.clone(),
        root: asked.root.clone(),
        directory: None,
    };
    let prepared = prepare(&asked.file, &set, terminal)?;
    if let Some(why) = plan.differs(&prepared.plan) {
        let anew = format!("start a new one with `stressc run {}`", asked.file);
        return Err(refused(&format!("{why} since it started, so its earlier results no longer fit; {anew}")));
    }
    // What was skipped before may be there now.
    let waits = |(member, own): (usize, &PlannedMember)| own.skipped.is_none() && !read.is_done(member);
    if !prepared.plan.members().enumerate().any(waits) {
        return Err(refused(&format!(
            "`{id}` is complete; `stressc report {id}` shows it, and `stressc run {}` starts a new one",
            asked.file
        )));
    }
    agreed_all(&prepared, &args.how, terminal)?;
    places(&outs.reports, terminal)?;
    let telemetry = outs.open(terminal)?;
    let mut record = SuiteRecord::open(&directory).map_err(|error| refused(&error.to_string()))?;
    let at = jiff::Timestamp::now().to_string();
    record
        .append(&SuiteEvent::Resumed { at, plan: prepared.plan.clone() })
        .map_err(|error| refused(&error.to_string()))?;
    let done: Vec<bool> = (0..read.members.len()).map(|member| read.is_done(member)).collect();
    let count = done.iter().filter(|done| **done).count();
    terminal.err(&format!("{}: {count} of {} scenarios are done and do not run again\n", escaped(id), done.len()));
    Running { id: id.clone(), seed: *seed, prepared, done, record, outs, telemetry, args, terminal }.finish()
}

struct Running<'a> {
    id: String,
    seed: u64,
    prepared: PreparedSuite,
    /// By scenario; those after the end of it are not.
    done: Vec<bool>,
    record: SuiteRecord,
    outs: Outs,
    telemetry: Option<Telemetry>,
    args: &'a RunArgs,
    terminal: &'a Terminal,
}

/// Why no scenario follows.
enum Ends {
    Interrupted,
    /// Something was left behind, or cannot be written down.
    Told,
}

impl Running<'_> {
    /// Runs what is to be run, and tells what came of all.
    fn finish(mut self) -> Result<u8, u8> {
        let broken = self.all().is_err_and(|ends| matches!(ends, Ends::Told));
        let code = self.told();
        super::streams::close(self.telemetry, self.terminal);
        let code = code?;
        Ok(if broken { super::COULD_NOT_RUN } else { code })
    }

    fn all(&mut self) -> Result<(), Ends> {
        let planned: Vec<PlannedMember> = self.prepared.plan.members().cloned().collect();
        let rest = left(&self.prepared.plan, &self.done);
        self.say(&rest);
        for (member, planned) in planned.iter().enumerate() {
            if self.done.get(member).is_some_and(|done| *done) {
                continue;
            }
            let place = format!("{} of {}  {}", member + 1, self.prepared.members.len(), planned.path);
            match &planned.skipped {
                Some(why) => self.say(&format!("{place}: skipped, {why}")),
                None => self.one(member, planned, &place)?,
            }
        }
        Ok(())
    }

    /// One scenario, as a run of its own. That it could not be run is no reason not to go on.
    fn one(&mut self, member: usize, planned: &PlannedMember, place: &str) -> Result<(), Ends> {
        if crate::run::was_interrupted() {
            return Err(Ends::Interrupted);
        }
        super::recover::refused(self.terminal).map_or(Ok(()), |_| Err(Ends::Told))?;
        self.say(&format!("{place}, {} of load", duration(planned.length)));
        let stamp = Stamp::now(&planned.scenario);
        self.write(&SuiteEvent::Begun { member, run: stamp.id.clone() })?;
        let prepared = &self.prepared.members[member];
        let how = HowArgs { seed: Some(self.seed), ..self.args.how.clone() };
        let part = Part { suite: &self.id, stamp, place: place.to_owned() };
        let audience = Audience { quiet: self.args.quiet, telemetry: self.telemetry.as_ref(), terminal: self.terminal };
        match made(prepared, planned, (&how, self.args), part, audience) {
            // What was left behind is told, however the run ended.
            Ok(Made { left: Some(problem), .. }) => {
                self.write(&SuiteEvent::NotRun { member, problem })?;
                Err(Ends::Told)
            }
            Ok(Made { came, left: None }) if came.outcome == MemberOutcome::Interrupted => Err(Ends::Interrupted),
            Ok(Made { came, left: None }) => {
                self.write(&SuiteEvent::Ended { member })?;
                let why = came.reasons.first().and_then(|why| why.lines().next());
                let why = why.map_or_else(String::new, |why| format!(": {why}"));
                let took = measured_duration(came.duration.unwrap_or(0) as f64);
                self.say(&format!("{place}: {} in {took}{why}", came.outcome.word()));
                Ok(())
            }
            Err(Unperformed { code: super::INTERRUPTED, .. }) => Err(Ends::Interrupted),
            Err(Unperformed { reason, .. }) => {
                self.terminal.error(&format!("{place}: {reason}"));
                self.write(&SuiteEvent::NotRun { member, problem: reason })
            }
        }
    }

    fn say(&self, line: &str) {
        if !self.args.quiet && !self.args.how.no_progress {
            self.terminal.err(&format!("{}\n", escaped(line)));
        }
    }

    fn write(&mut self, event: &SuiteEvent) -> Result<(), Ends> {
        self.record.append(event).map_err(|error| {
            self.terminal.error(&format!("the suite stops because its record cannot be written: {error}"));
            Ends::Told
        })
    }

    /// What came of all, from the record: `stressc report` says the same.
    fn told(&self) -> Result<u8, u8> {
        let (args, terminal) = (self.args, self.terminal);
        let not_whole = |problem: &str| {
            terminal.error(&format!("the suite is done, but its record is not whole: {problem}"));
            super::COULD_NOT_RUN
        };
        let mut told =
            evidence(&self.record.directory, jiff::Timestamp::now()).map_err(|error| not_whole(&error.to_string()))?;
        told.report_url.clone_from(&args.links.report_url);
        let aside = is_taken(&self.outs.reports);
        if !args.quiet {
            terminal.report(aside, &|coloured, width| report::suite_terminal(&told, width, coloured));
        }
        let finished = self.record.finish(&report::json(&told)).map_err(|error| not_whole(&error.to_string()));
        let written =
            super::output::write_suite(&self.outs.reports, &told, terminal).map_err(|problem| not_whole(&problem));
        finished.and(written)?;
        if !args.quiet {
            let rest = match told.verdict {
                VerdictKind::Aborted => "; `stressc run --resume` continues it",
                VerdictKind::Error => "; `stressc run --resume` retries what could not be run",
                VerdictKind::Passed | VerdictKind::Failed | VerdictKind::Inconclusive | VerdictKind::Untrusted => "",
            };
            terminal.report(aside, &|_, _| format!("\nrecorded in {}{rest}\n", self.record.directory.display()));
        }
        Ok(told.exit_code)
    }
}

/// What is ahead.
fn left(plan: &SuitePlan, done: &[bool]) -> String {
    let is_ahead =
        |(at, own): &(usize, &PlannedMember)| own.skipped.is_none() && !done.get(*at).is_some_and(|done| *done);
    let ahead: Vec<&PlannedMember> = plan.members().enumerate().filter(is_ahead).map(|(_, own)| own).collect();
    let load = ahead.iter().map(|own| own.length).sum();
    format!("{}: {} of {} scenarios, {} of load", plan.suite, ahead.len(), plan.members().count(), duration(load))
}

/// A run that was made as a part of a suite.
struct Made {
    came: MemberResult,
    /// What it did and could not take back.
    left: Option<String>,
}

fn made(
    prepared: &Prepared,
    planned: &PlannedMember,
    (how, args): (&HowArgs, &RunArgs),
    part: Part<'_>,
    audience: Audience<'_>,
) -> Result<Made, Unperformed> {
    let (plan, terminal) = (&prepared.plan, audience.terminal);
    let against = Against::here_or_history(plan, &planned.file, (how, args.accept_environment), terminal)
        .map_err(|_| Unperformed::could_not("its baselines cannot be read".to_owned()))?;
    let mut performed = perform(prepared, how, Some(part), audience)?;
    let measured = [metric::statistics(plan, &performed.stats)];
    let others: Others = against.others(plan, &measured, Runs { least: 1, most: 1 });
    let verdict = judge(plan, &performed.stats, &others);
    let told = performed.report(&verdict);
    kept(&mut performed, &against.context(others), &told, terminal)
        .map_err(|_| Unperformed::could_not("its record is not whole".to_owned()))?;
    let came = MemberResult::of(plan, &performed.stats, &verdict);
    Ok(Made { came, left: performed.left.as_ref().map(ToString::to_string) })
}
