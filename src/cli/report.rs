//! `stressc report`: a recorded run, rendered again from what is on disk.

use super::args::ReportArgs;
use super::history::{RunIndex, add_earlier};
use super::output::{Terminal, apart, is_taken};
use crate::{judge, report as reports, store};
use std::path::Path;

pub fn report(args: &ReportArgs, terminal: &Terminal) -> u8 {
    if let Err(code) = apart(&args.out, terminal) {
        return code;
    }
    let found = store::find(&args.record, &args.run);
    if let Ok(directory) = &found
        && store::is_suite(directory)
    {
        return of_suite(directory, args, terminal);
    }
    let read = found.and_then(|directory| {
        let (plan, stats) = store::read(&directory)?;
        Ok((plan, stats, store::context(&directory)?.unwrap_or_default(), store::source_text(&directory)?))
    });
    let (plan, stats, context, source) = match read {
        Ok(read) => read,
        Err(error) => {
            terminal.error(&error.to_string());
            return super::COULD_NOT_RUN;
        }
    };
    let verdict = judge::judge(&plan, &stats, &context.others);
    let mut report = reports::report(&plan, &stats, &verdict);
    report.source = source;
    report.trace_url.clone_from(&args.links.trace_url);
    report.report_url.clone_from(&args.links.report_url);
    if args.json {
        terminal.out(&String::from_utf8_lossy(&reports::json(&report)));
        return verdict.exit_code;
    }
    if !args.quiet {
        terminal.report(is_taken(&args.out), &|coloured, width| reports::terminal(&report, width, coloured));
    }
    if !args.out.is_empty() {
        add_earlier(&mut report, &RunIndex::of(&args.record, args.store.as_deref()), terminal);
    }
    ended(super::output::write(&args.out, &report, terminal), verdict.exit_code, terminal)
}

/// The exit code of the run, unless a result could not be written.
fn ended(written: Result<(), String>, code: u8, terminal: &Terminal) -> u8 {
    match written {
        Ok(()) => code,
        Err(problem) => {
            terminal.error(&problem);
            super::COULD_NOT_RUN
        }
    }
}

/// The same of a suite, from its record and those of its runs.
fn of_suite(directory: &Path, args: &ReportArgs, terminal: &Terminal) -> u8 {
    let told = match super::suite::evidence(directory, jiff::Timestamp::now()) {
        Ok(told) => {
            let report_url = args.links.report_url.clone();
            reports::SuiteReport { running: store::suite_runs(directory), report_url, ..told }
        }
        Err(error) => {
            terminal.error(&error.to_string());
            return super::COULD_NOT_RUN;
        }
    };
    if args.json {
        terminal.out(&String::from_utf8_lossy(&reports::json(&told)));
        return told.exit_code;
    }
    if !args.quiet {
        terminal.report(is_taken(&args.out), &|coloured, width| reports::suite_terminal(&told, width, coloured));
    }
    ended(super::output::write_suite(&args.out, &told, terminal), told.exit_code, terminal)
}
