//! `stressc report`: a recorded run, rendered again from what is on disk.

use super::args::ReportArgs;
use super::output::Terminal;
use crate::{judge, report as reports, store};

pub fn report(args: &ReportArgs, terminal: &Terminal) -> u8 {
    let read = store::find(&args.record, &args.run).and_then(|directory| {
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
    let report = reports::report(&plan, &stats, &verdict);
    match (args.json, args.out.as_slice()) {
        (true, _) => terminal.out(&String::from_utf8_lossy(&reports::json(&report))),
        (false, []) => terminal.out(&reports::terminal(&report, terminal.out_coloured())),
        (false, formats) => {
            if let Err(problem) = super::output::write(formats, &report, terminal) {
                terminal.error(&problem);
                return super::COULD_NOT_RUN;
            }
        }
    }
    verdict.exit_code
}
