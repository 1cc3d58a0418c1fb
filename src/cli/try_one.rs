//! `stressc try`: one iteration of each flow, with everything that it sends, gets and works out.

use super::args::TryArgs;
use super::live::ready;
use super::output::Terminal;
use super::prepare::{Prepared, prepare};
use crate::base::shown::{escaped, escaped_page};
use crate::base::suggest;
use crate::base::units::{grouped, measured_duration};
use crate::guard;
use crate::measure::Event;
use crate::plan::Plan;
use crate::run::{self as engine, DryRun, RunError, Settings, Traced};
use anstyle::{AnsiColor, Style};
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Characters of a body and of a value that are shown.
const BODY: usize = 2000;
const VALUE: usize = 200;

pub fn try_one(args: &TryArgs, terminal: &Terminal) -> u8 {
    let Prepared { mut plan, secrets, raised, program, machine: _, text: _ } =
        match prepare(&args.file, None, &args.asked.asked(), terminal) {
            Ok(prepared) => prepared,
            Err(code) => return code,
        };
    let parts = match parts(&plan, args) {
        Ok(parts) => parts,
        Err(message) => {
            terminal.error(&message);
            return super::DOES_NOT_CHECK;
        }
    };
    if let Some(part) = args.part.as_ref().filter(|asked| !is_of_a_mix(&plan, asked)) {
        Arc::make_mut(&mut plan).choose_only(part);
    }
    if let Some(code) = super::recover::refused(terminal) {
        return code;
    }
    let failed = Arc::new(AtomicBool::new(false));
    let page = Display { full: args.full, colour: terminal.out_coloured() };
    let tell = {
        let (failed, terminal) = (failed.clone(), terminal.clone());
        move |traced: Traced| {
            if matches!(traced, Traced::Ends { failure: Some(_), .. }) {
                failed.store(true, Ordering::Relaxed);
            }
            terminal.out(&escaped_page(&page.show(&traced)));
        }
    };
    let now = jiff::Timestamp::now();
    let id = format!("try-{}-{}", now.as_nanosecond(), std::process::id());
    let fresh = match guard::Fresh::temporary("try") {
        Ok(fresh) => fresh,
        Err(error) => {
            terminal.error(&format!("there is no place for what services write: {error}; TMPDIR sets another one"));
            return super::COULD_NOT_RUN;
        }
    };
    let settings = Settings {
        directory: fresh.path().to_owned(),
        // What is only tried is not hurt, so nothing is kept for that.
        kept: fresh.path().to_owned(),
        id,
        started: now.to_string(),
        seed: args.seed,
        workers: 1,
        raised,
        program,
        secrets,
        trial: Some(DryRun { parts, user: args.user, tell: Arc::new(tell) }),
    };
    let mut left = false;
    let result = engine::run(&plan, &settings, &mut |event: Event| match event {
        Event::ServiceReady { service, address } => terminal.out(&format!("{}\n", ready(&service, &address))),
        Event::Problem { problem } => {
            failed.store(true, Ordering::Relaxed);
            terminal.error(&problem);
        }
        Event::TeardownFailed { problem } => {
            left = true;
            terminal.error(&problem);
        }
        _ => {}
    });
    match result {
        Err(RunError::Interrupted) => super::INTERRUPTED,
        Err(error) => {
            terminal.error(&error.to_string());
            super::COULD_NOT_RUN
        }
        Ok(()) if left => super::COULD_NOT_RUN,
        Ok(()) if failed.load(Ordering::Relaxed) => super::FAILED,
        Ok(()) => super::OK,
    }
}

/// The loads and parts that are asked for.
fn parts(plan: &Plan, args: &TryArgs) -> Result<Vec<(usize, usize)>, String> {
    let of = |load: usize| plan.loads[load].parts.iter().map(move |part| part.name.as_str());
    let is = |asked: &Option<String>, name: &str| asked.as_ref().is_none_or(|asked| asked == name);
    let loads: Vec<usize> = (0..plan.loads.len()).filter(|load| is(&args.load, &plan.loads[*load].name)).collect();
    if let (Some(asked), []) = (&args.load, loads.as_slice()) {
        return Err(unknown("load", asked, &plan.loads.iter().map(|load| load.name.as_str()).collect::<Vec<_>>()));
    }
    let all = loads.iter().flat_map(|load| (0..plan.loads[*load].parts.len()).map(move |part| (*load, part)));
    let choices = |load: usize, part: usize| plan.choices(plan.loads[load].parts[part].flow);
    let is_asked = |(load, part): &(usize, usize)| match &args.part {
        Some(asked) if !is_of_a_mix(plan, asked) => choices(*load, *part).contains(asked),
        asked => is(asked, &plan.loads[*load].parts[*part].name),
    };
    let parts: Vec<(usize, usize)> = all.clone().filter(is_asked).collect();
    match (&args.part, parts.as_slice()) {
        (Some(asked), []) => {
            let chosen: Vec<String> = all.flat_map(|(load, part)| choices(load, part)).collect();
            let names = loads.iter().flat_map(|load| of(*load)).chain(chosen.iter().map(String::as_str));
            Err(unknown("part", asked, &names.collect::<Vec<_>>()))
        }
        (_, []) => Err(format!("`{}` has no load, so there is no flow to try", plan.scenario)),
        _ => Ok(parts),
    }
}

/// Whether some load has a part of that name, which is not one of a `choose`.
fn is_of_a_mix(plan: &Plan, name: &str) -> bool {
    plan.loads.iter().flat_map(|load| &load.parts).any(|part| part.name == name)
}

fn unknown(what: &str, asked: &str, names: &[&str]) -> String {
    match suggest::similar(asked, names.iter().copied()) {
        Some(near) => format!("there is no {what} `{asked}`{}", crate::base::suggest::hint(near)),
        None if names.is_empty() => format!("there is no {what} `{asked}`, and no other"),
        None => format!("there is no {what} `{asked}`; choose from `{}`", names.join("`, `")),
    }
}

/// How what is told is shown.
struct Display {
    full: bool,
    colour: bool,
}

impl Display {
    fn paint(&self, style: Style, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn dim(&self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    fn good(&self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    fn bad(&self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default(), text)
    }

    fn show(&self, traced: &Traced) -> String {
        let mut out = String::new();
        let bold = Style::new().bold();
        // Writing to a String cannot fail.
        let _ = match traced {
            Traced::Begins { load, part, flow, user } => {
                let mut names: Vec<&str> =
                    [Some(load.as_str()), part.as_deref(), Some(flow.as_str())].into_iter().flatten().collect();
                names.dedup();
                // A setup and a teardown are nobody's.
                let user = if matches!(load.as_str(), "setup" | "teardown") {
                    String::new()
                } else {
                    self.dim(&format!("user {user}"))
                };
                writeln!(out, "\n{} {}", self.paint(bold, &names.join(" · ")), user)
            }
            Traced::Group(name) => writeln!(out, "\n  {} {name}", self.dim("group")),
            Traced::Request { step, place, attempt, text } => {
                let (head, body) = split(text);
                let again = if *attempt > 1 { format!(", try {attempt}") } else { String::new() };
                let place = self.dim(&format!("{step}  {place}{again}"));
                let mut lines = head.lines();
                let first = lines.next().unwrap_or_default();
                let first = first.strip_suffix(" HTTP/1.1").unwrap_or(first);
                let _ = writeln!(out, "\n  {} {}  {place}", self.paint(bold, "→"), self.paint(bold, &escaped(first)));
                self.lines(&mut out, lines);
                self.body(&mut out, body, body.len() as u64)
            }
            Traced::Answer { status, headers, body, bytes, connect, first_byte, rest } => {
                let time = |ns: u64| measured_duration(ns as f64);
                let status = match status {
                    // Of a protocol without statuses.
                    0 => self.good("done"),
                    400.. => self.bad(&status.to_string()),
                    _ => self.good(&status.to_string()),
                };
                let rest = (*rest > 0).then_some(rest);
                let phases = [
                    ("connected in", *connect),
                    ("first byte after", connect.or(rest.copied()).map(|_| *first_byte)),
                    ("the rest after", rest.copied()),
                ];
                let phases = phases
                    .into_iter()
                    .filter_map(|(what, ns)| Some(format!("{what} {}", time(ns.filter(|ns| *ns > 0)?))));
                let phases = phases.collect::<Vec<_>>().join(", ");
                let took = time(connect.unwrap_or(0) + first_byte + rest.unwrap_or(&0));
                let _ = writeln!(out, "  {} {status} in {took}  {}", self.paint(bold, "←"), self.dim(&phases));
                self.lines(&mut out, headers.lines());
                self.body(&mut out, body, *bytes)
            }
            Traced::NoAnswer { failure, because, after } => {
                let after = measured_duration(*after as f64);
                let because = because.as_ref().map_or(String::new(), |why| format!(": {}", escaped(why)));
                writeln!(out, "  {} no answer: {} after {after}{because}", self.bad("✘"), failure.as_str())
            }
            Traced::Check { text, held, found } => {
                let mark = if *held { self.good("✔") } else { self.bad("✘") };
                let found = found.as_ref().map_or(String::new(), |found| self.dim(&format!("  {}", escaped(found))));
                writeln!(out, "  {mark} {text}{found}")
            }
            Traced::Value { name, value } => {
                let (value, note) = self.cut(value, VALUE);
                writeln!(out, "  {name} = {}{}", escaped(value), note.map_or(String::new(), |note| format!("  {note}")))
            }
            Traced::Pause { why, length } => {
                writeln!(out, "  {}", self.dim(&format!("{why}: {}", measured_duration(*length as f64))))
            }
            Traced::Missed(because) => writeln!(out, "  {} {}", self.bad("✘"), escaped(because)),
            Traced::Ends { failure: None, took, .. } => {
                writeln!(out, "\n  {} in {}", self.good("✔ went through"), measured_duration(*took as f64))
            }
            Traced::Ends { failure: Some(failure), at, .. } => {
                let place = at.as_ref().map_or(String::new(), |(step, place)| format!(" at `{step}`, {place}"));
                writeln!(out, "\n  {}{place}", self.bad(&format!("✘ failed ({})", failure.as_str())))
            }
        };
        out
    }

    fn lines<'t>(&self, out: &mut String, lines: impl Iterator<Item = &'t str>) {
        for line in lines.filter(|line| !line.is_empty()) {
            let _ = writeln!(out, "    {}", self.dim(&escaped(line)));
        }
    }

    fn body(&self, out: &mut String, body: &str, bytes: u64) -> std::fmt::Result {
        if body.is_empty() {
            return match bytes {
                0 => Ok(()),
                _ => writeln!(out, "    {}", self.dim(&format!("({bytes} bytes that cannot be shown)"))),
            };
        }
        // What is no text does not become one by being printed.
        if body.chars().take(BODY).filter(|c| *c == char::REPLACEMENT_CHARACTER || *c == '\0').count() > 8 {
            return writeln!(out, "    {}", self.dim(&format!("({bytes} bytes that are no text)")));
        }
        out.push('\n');
        let (shown, note) = self.cut(body, BODY);
        for line in shown.lines() {
            writeln!(out, "    {}", escaped(line))?;
        }
        note.map_or(Ok(()), |note| writeln!(out, "    {note}"))
    }

    /// As much of a text as is shown, and what is said of the rest.
    fn cut<'t>(&self, text: &'t str, most: usize) -> (&'t str, Option<String>) {
        match text.char_indices().nth(most) {
            Some((end, _)) if !self.full => {
                let whole = grouped(text.chars().count() as f64, 0);
                let note = format!("… ({} of {whole} characters; --full shows all)", grouped(most as f64, 0));
                (&text[..end], Some(self.dim(&note)))
            }
            _ => (text, None),
        }
    }
}

/// What stands before the empty line, and what after it.
fn split(request: &str) -> (&str, &str) {
    request.split_once("\r\n\r\n").unwrap_or((request, ""))
}
