//! `stressc report`: a recorded run, rendered again from what is on disk.

use super::args::ReportArgs;
use super::history::{RunIndex, add_earlier};
use super::output::{Terminal, width};
use crate::{judge, report as reports, store};
use std::path::Path;

pub fn report(args: &ReportArgs, terminal: &Terminal) -> u8 {
    let found = store::find(&args.record, &args.run);
    if let Ok(directory) = &found
        && store::is_suite(directory)
    {
        return of_suite(directory, args, terminal);
    }
    let read = found.and_then(|directory| {
        let (plan, stats) = store::read(&directory)?;
        Ok((plan, stats, store::context(&directory)?.unwrap_or_default()))
    });
    let (plan, stats, context) = match read {
        Ok(read) => read,
        Err(error) => {
            terminal.error(&error.to_string());
            return super::COULD_NOT_RUN;
        }
    };
    let verdict = judge::judge(&plan, &stats, &context.others);
    let mut report = reports::report(&plan, &stats, &verdict);
    report.trace_url.clone_from(&args.trace_url);
    match (args.json, args.out.as_slice()) {
        (true, _) => terminal.out(&String::from_utf8_lossy(&reports::json(&report))),
        (false, []) => terminal.out(&reports::terminal(&report, terminal.out_coloured())),
        (false, formats) => {
            add_earlier(&mut report, &RunIndex::of(&args.record, args.store.as_deref()), terminal);
            if let Err(problem) = super::output::write(formats, &report, terminal) {
                terminal.error(&problem);
                return super::COULD_NOT_RUN;
            }
        }
    }
    verdict.exit_code
}

/// The same of a suite, from its record and those of its runs.
fn of_suite(directory: &Path, args: &ReportArgs, terminal: &Terminal) -> u8 {
    let told = match super::suite::evidence(directory, jiff::Timestamp::now()) {
        Ok(told) => reports::SuiteReport { running: store::suite_runs(directory), ..told },
        Err(error) => {
            terminal.error(&error.to_string());
            return super::COULD_NOT_RUN;
        }
    };
    match (args.json, args.out.as_slice()) {
        (true, _) => terminal.out(&String::from_utf8_lossy(&reports::json(&told))),
        (false, []) => terminal.out(&reports::suite_terminal(&told, width(), terminal.out_coloured())),
        (false, formats) => {
            if let Err(problem) = super::output::write_suite(formats, &told, terminal) {
                terminal.error(&problem);
                return super::COULD_NOT_RUN;
            }
        }
    }
    told.exit_code
}
