//! `stressc recover`: takes back what dead runs left behind. And the guardian of a run, which does so at once.

use super::args::GuardianArgs;
use super::output::Terminal;
use crate::guard;
use std::time::Duration;

/// How long the guardian of a dead run is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

pub fn recover(terminal: &Terminal) -> u8 {
    let directory = guard::directory();
    let left = match guard::dirty(&directory) {
        Ok(left) => left,
        Err(error) => {
            terminal.error(&format!("the journals in `{}` cannot be read: {error}", directory.display()));
            return super::COULD_NOT_RUN;
        }
    };
    if left.is_empty() {
        terminal.out("nothing is left behind\n");
        return super::OK;
    }
    let mut code = super::OK;
    for run in left {
        terminal.out(&format!("run {}\n", run.run));
        match guard::recover(&run.path) {
            Ok(done) => {
                for one in done {
                    match one.problem {
                        None => terminal.out(&format!("  taken back: {} ({})\n", one.what, one.how)),
                        Some(problem) => {
                            code = super::COULD_NOT_RUN;
                            terminal.error(&format!("{}: {problem}", one.what));
                        }
                    }
                }
            }
            Err(error) => {
                code = super::COULD_NOT_RUN;
                terminal.error(&format!("its journal `{}` cannot be used: {error}", run.path.display()));
            }
        }
    }
    if code != super::OK {
        terminal
            .error("what could not be taken back stays in the journal; mend the cause and run `stressc recover` again");
    }
    code
}

/// No run is made over what a dead one left behind: it would measure that too. The exit code where it is refused.
pub fn refused(terminal: &Terminal) -> Option<u8> {
    let directory = guard::directory();
    let left = match guard::left_behind(&directory, PATIENCE) {
        Ok(left) => left,
        Err(error) => {
            terminal.error(&format!("the journals in `{}` cannot be read: {error}", directory.display()));
            return Some(super::COULD_NOT_RUN);
        }
    };
    if left.is_empty() {
        return None;
    }
    for run in left {
        terminal.error(&format!("the run {} left behind: {}", run.run, run.left.join(", ")));
    }
    terminal.error("nothing is started over that; `stressc recover` takes it back");
    Some(super::COULD_NOT_RUN)
}

pub fn guardian(args: &GuardianArgs, terminal: &Terminal) -> u8 {
    match guard::guardian(&args.journal) {
        Ok(problems) if problems.is_empty() => super::OK,
        Ok(problems) => {
            problems.iter().for_each(|problem| terminal.error(problem));
            super::COULD_NOT_RUN
        }
        Err(error) => {
            terminal.error(&format!("the guardian cannot use its journal `{}`: {error}", args.journal.display()));
            super::COULD_NOT_RUN
        }
    }
}
