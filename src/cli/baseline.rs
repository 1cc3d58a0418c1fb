//! `stressc baseline`: the runs that later runs are compared with.

use super::against::{self, Against, most_time, refused};
use super::args::{AcceptArgs, BaselineArgs, BaselineCommand, DropArgs, ListArgs, RecordArgs, Runs, ShowArgs};
use super::output::Terminal;
use super::prepare::prepare;
use super::run::{Audience, consent, kept, perform};
use super::source::split;
use crate::base::shown::{escaped, escaped_line};
use crate::base::units::counted;
use crate::baseline::{Entry, Within, newest_set};
use crate::judge::{Others, judge};
use crate::measure::Stats;
use crate::metric::printed;
use crate::plan::Plan;
use crate::report;
use crate::store::{self, Baselines, Kept};
use std::fmt::Write;
use std::path::Path;

pub fn baseline(args: &BaselineArgs, terminal: &Terminal) -> u8 {
    let done = match &args.does {
        BaselineCommand::Record(args) => record(args, terminal),
        BaselineCommand::List(args) => list(args, terminal),
        BaselineCommand::Show(args) => show(args, terminal),
        BaselineCommand::Accept(args) => accept(args, terminal),
        BaselineCommand::Drop(args) => remove(args, terminal),
    };
    done.map_or_else(|code| code, |()| super::OK)
}

/// Runs a scenario several times and keeps each run as soon as it is done, so that a later failure loses none.
fn record(args: &RecordArgs, terminal: &Terminal) -> Result<(), u8> {
    let how = &args.how;
    let prepared = prepare(&args.file, None, &how.asked.asked(), terminal)?;
    consent(&prepared, how, terminal)?;
    let plan = &prepared.plan;
    let against = Against::here(plan, &args.file, false, terminal)?;
    let runs = Runs { least: args.runs as usize, most: args.runs as usize };
    terminal.err(&format!("{}\n", most_time(&[plan], runs)));
    let name = args.name.as_deref().filter(|name| !name.is_empty());
    let mut set = None;
    for number in 1..=args.runs {
        let performed = perform(&prepared, how, None, Audience { quiet: false, telemetry: None, terminal });
        let mut performed = performed.map_err(|unperformed| unperformed.told(terminal))?;
        let others = Others::waiting(plan, "it was recorded as a run of the baseline");
        let verdict = judge(plan, &performed.stats, &others);
        let told = performed.report(&verdict);
        kept(&mut performed, &against.context(others), &told, terminal)?;
        if let Some(problem) = refused(&verdict, false) {
            terminal.report(false, &|coloured, width| report::terminal(&told, width, coloured));
            terminal.error(&format!("run {number} of {} is not kept as a baseline: {problem}", args.runs));
            return Err(match verdict.exit_code {
                _ if performed.left.is_some() => super::COULD_NOT_RUN,
                0 => super::FAILED,
                code => code,
            });
        }
        set = Some(against.keep((plan, &performed.stats, performed.commit.as_deref()), (set, name), terminal)?);
        if performed.left.is_some() {
            return Err(super::COULD_NOT_RUN);
        }
    }
    if args.runs == 1 {
        terminal
            .err("a baseline of one run is advice alone, since nothing tells how far runs lie apart: record five\n");
    }
    Ok(())
}

/// The scenario that is named, or an error.
fn named<'f>(file: &'f str, terminal: &Terminal) -> Result<(&'f Path, &'f str), u8> {
    match split(file) {
        (file, Some(scenario)) => Ok((Path::new(file), scenario)),
        (file, None) => {
            terminal.error(&format!("name the scenario as well, such as `{file}:NAME`"));
            Err(super::DOES_NOT_CHECK)
        }
    }
}

fn read(baselines: &Baselines, terminal: &Terminal) -> Result<Kept, u8> {
    let kept = against::read(baselines, terminal)?;
    for problem in &kept.problems {
        terminal.error(&problem.to_string());
    }
    Ok(kept)
}

fn list(args: &ListArgs, terminal: &Terminal) -> Result<(), u8> {
    let (file, wanted) = split(&args.file);
    let file = Path::new(file);
    let scenarios = match wanted {
        Some(scenario) => vec![scenario.to_owned()],
        None => Baselines::scenarios(file),
    };
    let mut damaged = false;
    let mut out = String::new();
    for scenario in &scenarios {
        let kept = read(&Baselines::of(file, scenario), terminal)?;
        damaged |= !kept.problems.is_empty();
        let mut sets: Vec<&str> = Vec::new();
        for entry in &kept.entries {
            if !sets.contains(&entry.set.as_str()) {
                sets.push(&entry.set);
            }
        }
        for set in sets {
            let runs: Vec<&Entry> = kept.entries.iter().filter(|entry| entry.set == set).collect();
            let newest = newest_set(&kept.entries, None, runs[0].profile.as_deref());
            let mark = if newest.first().is_some_and(|entry| entry.set == set) { "→" } else { " " };
            let name = runs[0].name.as_ref().map_or(String::new(), |name| format!(" `{name}`"));
            let profile = runs[0].profile.as_ref().map_or(String::new(), |profile| format!(", profile `{profile}`"));
            let count = counted(runs.len() as u64, "run");
            let _ = writeln!(out, "{mark} {scenario}{name}  {count} since {}{profile}", runs[0].started);
            for entry in runs {
                let _ = writeln!(out, "    {}", entry.run);
            }
        }
    }
    if out.is_empty() && !damaged {
        let of = wanted.map_or_else(|| args.file.clone(), str::to_owned);
        out = format!("no baseline of `{of}` yet: record one with `stressc baseline record FILE:SCENARIO --runs 5`\n");
    }
    terminal.out(&escaped(&out));
    if damaged { Err(super::FAILED) } else { Ok(()) }
}

/// The runs that are meant: of a baseline by its name, or one by its id or the start of that.
fn chosen<'k>(kept: &'k Kept, wanted: &str, terminal: &Terminal) -> Result<Vec<&'k Entry>, u8> {
    let of_name: Vec<&Entry> = kept.entries.iter().filter(|entry| entry.name.as_deref() == Some(wanted)).collect();
    if !of_name.is_empty() {
        return Ok(of_name);
    }
    let starts = |entry: &&Entry| !wanted.is_empty() && entry.run.starts_with(wanted);
    let of_run: Vec<&Entry> = kept.entries.iter().filter(starts).collect();
    let problem = match of_run.len() {
        1 => return Ok(of_run),
        0 => format!("no baseline and no run of one is called `{wanted}`; `stressc baseline list` shows them"),
        many => format!("{many} runs start with `{wanted}`; write more of the id"),
    };
    terminal.error(&problem);
    Err(super::COULD_NOT_RUN)
}

fn show(args: &ShowArgs, terminal: &Terminal) -> Result<(), u8> {
    let (file, scenario) = named(&args.file, terminal)?;
    let kept = read(&Baselines::of(file, scenario), terminal)?;
    let entry = match (&args.run, kept.entries.last()) {
        (Some(wanted), _) => chosen(&kept, wanted, terminal)?.last().copied(),
        (None, newest) => newest,
    };
    let Some(entry) = entry else {
        terminal.error(&format!(
            "no baseline of `{scenario}` yet: record one with `stressc baseline record {} --runs 5`",
            args.file
        ));
        return Err(super::COULD_NOT_RUN);
    };
    match args.json {
        true => terminal.out(&entry.text()),
        false => terminal.out(&escaped(&shown(entry))),
    }
    Ok(())
}

fn shown(entry: &Entry) -> String {
    let mut out = String::new();
    let name = entry.name.as_ref().map_or(String::new(), |name| format!(" `{name}`"));
    let _ = writeln!(
        out,
        "{} of {}{name}, number {}, seed {}, {}",
        entry.run, entry.scenario, entry.number, entry.seed, entry.started
    );
    let _ = writeln!(out, "\nmeasured");
    for one in &entry.metrics {
        let by = match (one.interval, one.by) {
            (Some((low, high)), by) => {
                let by = match by {
                    Within::Batches => "by parts of the window",
                    Within::Ranks => "by ranks",
                    Within::Interval | Within::Unknown => "by its own",
                };
                format!(" ({} to {} at 95%, {by})", printed(low, one.unit), printed(high, one.unit))
            }
            (None, _) => String::new(),
        };
        let _ = writeln!(out, "  {} = {}{by}", one.metric, printed(one.value, one.unit));
    }
    for (title, said) in [("compared where it did the same", &entry.facts.does), ("noted", &entry.facts.noted)] {
        let _ = writeln!(out, "\n{title}");
        for (what, is) in said {
            let _ = writeln!(out, "  {what}: {is}");
        }
    }
    let machine = &entry.facts.machine;
    let _ = writeln!(
        out,
        "\non {} with {} cores, {} of memory, {}, kernel {}",
        machine.processor,
        machine.cores,
        printed(machine.memory as f64, crate::plan::Type::Bytes),
        machine.system,
        machine.kernel
    );
    out
}

/// Recorded runs become the first of a new baseline: whatever changed was meant.
fn accept(args: &AcceptArgs, terminal: &Terminal) -> Result<(), u8> {
    let (_, scenario) = named(&args.file, terminal)?;
    let refuse = |problem: String| {
        terminal.error(&problem);
        super::COULD_NOT_RUN
    };
    // All are looked at before the first is kept: a baseline of some of them is none that was asked for.
    let mut accepted: Vec<(Plan, Stats, Against, Option<String>)> = Vec::new();
    for run in &args.runs {
        let directory = store::find(&args.record, run).map_err(|error| refuse(error.to_string()))?;
        let (plan, stats) = store::read(&directory).map_err(|error| refuse(error.to_string()))?;
        if plan.scenario != scenario {
            return Err(refuse(format!("`{}` is a run of `{}`, not of `{scenario}`", stats.id, plan.scenario)));
        }
        let context = store::context(&directory).map_err(|error| refuse(error.to_string()))?;
        let context = context.ok_or_else(|| {
            refuse(format!(
                "the record of `{}` does not say on which machine it was made, so it is no measure",
                stats.id
            ))
        })?;
        let verdict = judge(&plan, &stats, &context.others);
        if let Some(problem) = refused(&verdict, true) {
            return Err(refuse(format!("`{}` is not kept as a baseline: {problem}", stats.id)));
        }
        let against = Against::unread(context.machine, &plan, &args.file);
        if against.has(&stats) || accepted.iter().any(|(_, other, ..)| other.id == stats.id) {
            return Err(refuse(format!("`{}` is a run of a baseline already", stats.id)));
        }
        accepted.push((plan, stats, against, context.commit));
    }
    let name = args.name.as_deref().filter(|name| !name.is_empty());
    let mut set = None;
    for (plan, stats, against, commit) in &accepted {
        set = Some(against.keep((plan, stats, commit.as_deref()), (set, name), terminal)?);
    }
    Ok(())
}

fn remove(args: &DropArgs, terminal: &Terminal) -> Result<(), u8> {
    let (file, scenario) = named(&args.file, terminal)?;
    let baselines = Baselines::of(file, scenario);
    let kept = read(&baselines, terminal)?;
    for entry in chosen(&kept, &args.run, terminal)? {
        baselines.remove(&entry.run).map_err(|error| {
            terminal.error(&error.to_string());
            super::COULD_NOT_RUN
        })?;
        let path = baselines.file(&entry.run).display().to_string();
        terminal.err(&format!("removed {}\n", escaped_line(&path)));
    }
    Ok(())
}
