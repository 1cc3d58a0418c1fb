//! `stressc plan`: the timeline drawn, or as JSON or SVG; of a file with several scenarios an overview, of a suite its
//! areas.

use super::args::PlanArgs;
use super::output::{Terminal, width};
use super::source::{self, Tells};
use super::suite::PreparedSuite;
use crate::base::shown::escaped;
use crate::base::units::{counted, duration, percent};
use crate::check::program::Suite;
use crate::inputs::Revision;
use crate::plan::{Plan, draw};
use std::fmt::Write as _;
use std::path::Path;

pub fn plan(args: &PlanArgs, terminal: &Terminal) -> u8 {
    if super::suite::is_meant(&args.file) {
        return suite(args, terminal).unwrap_or_else(|code| code);
    }
    crate::inputs::raise_limits();
    if let Some(revision) = &args.diff {
        return diff(args, revision, terminal);
    }
    let one_picture = args.json || args.svg.is_some();
    if !one_picture && let Some(code) = overview(args, terminal) {
        return code;
    }
    let planned = match source::plan(&args.file, args.share, &args.asked.asked(), Tells::AlsoNotRun, terminal) {
        Ok(planned) => planned,
        Err(code) => return code,
    };
    let plan = planned.plan;
    if args.json {
        terminal.out(&(serde_json::to_string_pretty(&plan).expect("a plan is plain data") + "\n"));
    } else if let Some(path) = &args.svg {
        return picture(path, &draw::svg(&plan), terminal);
    } else {
        terminal.out(&escaped(&draw::draw(&plan, width())));
        if let Some(runs) = args.runs {
            terminal.out(&format!("\n{}\n", super::against::most_time(&[&plan], runs)));
        }
        if !planned.later.is_empty() {
            let mut line = "not run by this version yet: ".to_owned();
            draw::flow(&mut line, 4, &planned.later.join(", "), width());
            terminal.out(&line);
        }
    }
    super::OK
}

/// What the file changes of what it was at a revision.
fn diff(args: &PlanArgs, revision: &str, terminal: &Terminal) -> u8 {
    let asked = args.asked.asked();
    let after = match source::plan(&args.file, args.share, &asked, Tells::AlsoNotRun, terminal) {
        Ok(planned) => planned.plan,
        Err(code) => return code,
    };
    let file = Path::new(source::split(&args.file).0);
    let files = match Revision::of(revision, file, asked.env_file.as_deref()) {
        Ok(files) => files,
        Err(message) => {
            terminal.error(&message);
            return super::DOES_NOT_CHECK;
        }
    };
    let loaded = crate::inputs::load_from(&files, file, &asked);
    let before = match source::planned(&args.file, loaded, args.share, Tells::Mistakes, terminal) {
        Ok(planned) => planned.plan,
        Err(code) => {
            terminal.err(&format!("that is of `{}` as it was at `{}`\n", escaped(&args.file), escaped(revision)));
            return code;
        }
    };
    let comparison = draw::compare(&before, &after);
    if args.json {
        let told = serde_json::json!({ "revision": revision, "commit": files.commit(), "comparison": comparison });
        terminal.out(&(serde_json::to_string_pretty(&told).expect("a comparison is plain data") + "\n"));
    } else {
        let short = files.commit().get(..12).unwrap_or(files.commit());
        let name = if short.starts_with(revision) { short.to_owned() } else { format!("{revision} ({short})") };
        terminal.out(&escaped(&draw::changes(&comparison, &name)));
    }
    super::OK
}

/// Writes an SVG, whole or not at all.
fn picture(path: &Path, svg: &str, terminal: &Terminal) -> u8 {
    if path.as_os_str() == "-" {
        terminal.out(svg);
        return super::OK;
    }
    match super::results::write(path, svg.as_bytes()) {
        Ok(()) => super::OK,
        Err(message) => {
            terminal.error(&message);
            super::COULD_NOT_RUN
        }
    }
}

/// Where no single scenario is meant: what the file has. `None` where one is.
fn overview(args: &PlanArgs, terminal: &Terminal) -> Option<u8> {
    let (file, None) = source::split(&args.file) else { return None };
    let mut checked = source::check(Path::new(file), &args.asked.asked()).ok()?;
    if checked.program.scenarios.len() + checked.program.suites.len() <= 1 {
        return None;
    }
    let machine = crate::inputs::machine();
    let plans = source::plans(&mut checked, file, machine);
    let failed = checked.diagnostics.has_errors();
    source::print(&checked.diagnostics, &checked, terminal);
    if failed {
        return Some(super::DOES_NOT_CHECK);
    }
    let drawn = scenarios(file, &plans, &checked.program.suites);
    terminal.out(&escaped(&drawn));
    Some(super::OK)
}

/// A line for each scenario of a file.
fn scenarios(file: &str, plans: &[Plan], suites: &[Suite]) -> String {
    let mut out = String::new();
    let names =
        plans.iter().map(|plan| plan.scenario.as_str()).chain(suites.iter().map(|suite| suite.name.text.as_str()));
    let wide = names.map(|name| name.chars().count()).max().unwrap_or(0);
    for plan in plans {
        let _ = writeln!(out, "{:<wide$}  {}", plan.scenario, line(plan));
    }
    for suite in suites {
        let count: usize = suite.areas.iter().map(|area| area.scenarios.len()).sum();
        let _ =
            writeln!(out, "{:<wide$}  a suite of {count} scenarios in {} areas", suite.name.text, suite.areas.len());
    }
    let example =
        plans.first().map_or(String::new(), |plan| format!("; draw one with `stressc plan {file}:{}`", plan.scenario));
    let count = counted(plans.len() as u64, "scenario");
    let _ = writeln!(out, "\n{count}{example}");
    out
}

/// How long it is, what it sends, what it breaks, and what it says of itself.
fn line(plan: &Plan) -> String {
    let loads: Vec<&str> = plan.loads.iter().map(|load| load.name.as_str()).collect();
    let faults: Vec<&str> = plan.faults.iter().map(|fault| fault.action.name()).collect();
    let broken = if faults.is_empty() { String::new() } else { format!(", {}", faults.join(" and ")) };
    let doc = plan.doc.as_ref().and_then(|doc| doc.lines().next()).map_or(String::new(), |doc| format!("  {doc}"));
    format!("{:>8}  {}{broken}{doc}", duration(plan.length), loads.join(" and "))
}

/// What a suite runs, or the files of a directory: an overview, or what it is as JSON.
fn suite(args: &PlanArgs, terminal: &Terminal) -> Result<u8, u8> {
    let flags = [
        ("--svg", args.svg.is_some()),
        ("--diff", args.diff.is_some()),
        ("--share", args.share.is_some()),
        ("--runs", args.runs.is_some()),
    ];
    if let Some((flag, _)) = flags.into_iter().find(|(_, given)| *given) {
        terminal.error(&format!("`{flag}` works with a single scenario only; name one, as in `FILE:SCENARIO`"));
        return Err(super::DOES_NOT_CHECK);
    }
    let prepared = super::suite::prepare(&args.file, &args.asked.asked(), terminal)?;
    match args.json {
        true => {
            terminal.out(&(serde_json::to_string_pretty(&prepared.plan).expect("a suite is plain data") + "\n"));
        }
        false => terminal.out(&escaped(&areas(&prepared, width()))),
    }
    Ok(super::OK)
}

/// The areas of a suite with their scenarios, and how long those take one after the other.
fn areas(prepared: &PreparedSuite, width: usize) -> String {
    let suite = &prepared.plan;
    let mut out = format!("{} · {}\n", suite.file, suite.suite);
    suite.doc.iter().for_each(|doc| {
        let _ = writeln!(out, "{doc}");
    });
    let (mut whole, mut left_out) = (0, 0u64);
    let wide = suite.members().map(|member| member.path.chars().count()).max().unwrap_or(0);
    let mut plans = prepared.members.iter().map(|member| &member.plan);
    for area in &suite.areas {
        let _ = writeln!(out, "\n{} {}", area.name, percent(area.weight));
        for (member, plan) in area.members.iter().zip(&mut plans) {
            let path = &member.path;
            if let Some(why) = &member.skipped {
                left_out += 1;
                let _ = write!(out, "  {path:<wide$}  {:>8}  ", "skipped");
                draw::flow(&mut out, wide + 14, why, width);
                continue;
            }
            whole += plan.length;
            let _ = writeln!(out, "  {path:<wide$}  {}", line(plan));
        }
    }
    let _ = writeln!(out, "\none after the other: {} of load", duration(whole));
    if left_out > 0 {
        let (are, count) = if left_out == 1 { ("is", "counts") } else { ("are", "count") };
        let _ = writeln!(out, "{} {are} skipped and {count} as not tested", counted(left_out, "scenario"));
    }
    suite.ready.iter().for_each(|ready| {
        let _ = writeln!(out, "ready when {ready}");
    });
    out
}
