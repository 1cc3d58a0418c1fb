//! `stressc recover`: takes back what dead runs left behind. And the guardian of a run, which does so at once.

use super::args::{GuardianArgs, RecoverArgs};
use super::output::Terminal;
use crate::base::shown::escaped;
use crate::guard::{self, Dirty, Distance, Remedy};
use std::path::PathBuf;
use std::time::Duration;

/// How long the guardian of a dead run is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

pub fn recover(args: &RecoverArgs, terminal: &Terminal) -> u8 {
    let found = journals(terminal).and_then(|directory| {
        guard::dirty(&directory).map_err(|error| {
            terminal.error(&unreadable(&error));
            super::COULD_NOT_RUN
        })
    });
    let left = match found {
        Ok(left) => left,
        Err(code) => return code,
    };
    if left.is_empty() {
        terminal.out("nothing is left behind\n");
        return super::OK;
    }
    // What is agreed to has been seen: it stands where the question does.
    let asks = !args.yes && super::consent::may_ask();
    left.iter().map(shown).for_each(|run| if asks { terminal.err(&run) } else { terminal.out(&run) });
    let (others, ours): (Vec<Dirty>, Vec<Dirty>) = left.into_iter().partition(|run| run.place == Distance::Host);
    for run in others {
        let path = run.path.display();
        terminal.out(&format!(
            "of {} nothing is done here: run `stressc recover` there, or remove `{path}`\n",
            escaped(&run.run)
        ));
    }
    if ours.is_empty() {
        return super::OK;
    }
    match agreed(args, terminal, &ours) {
        true => take_back(ours, terminal),
        false => super::COULD_NOT_RUN,
    }
}

/// What would be done about a run, all of it.
fn shown(run: &Dirty) -> String {
    let mut text = format!("run {}{}\n", escaped(&run.run), escaped(&run.from));
    for left in &run.left {
        let told = match left.measure {
            Remedy::Perform => left.undo.told(),
            Remedy::Gone(why) => why.to_owned(),
            Remedy::Leave(why) => format!("not from here: {why}"),
        };
        text.push_str(&format!("  {}: {}\n", escaped(&left.what), told.replace('\n', "\n    ")));
    }
    if let Some(problem) = &run.problem {
        text.push_str(&format!("  {problem}\n"));
    }
    text
}

/// Nobody is asked where nobody can answer. What comes from who knows where needs more than a yes in passing.
fn agreed(args: &RecoverArgs, terminal: &Terminal, runs: &[Dirty]) -> bool {
    if args.yes {
        return true;
    }
    if let Some(unknown) = runs.iter().find(|run| run.place == Distance::Unknown) {
        terminal.error(&format!(
            "nothing is taken back: the journal `{}` does not say where it was made; where all of this is yours, run `stressc recover --yes`",
            unknown.path.display()
        ));
        return false;
    }
    if !super::consent::may_ask() {
        terminal.error("nothing is taken back, because this is no terminal to ask on; to take all of it back, run `stressc recover --yes`");
        return false;
    }
    let agreed = super::consent::asked("Take all of this back?", terminal);
    if !agreed {
        terminal.error("nothing is taken back");
    }
    agreed
}

fn take_back(runs: Vec<Dirty>, terminal: &Terminal) -> u8 {
    let mut code = super::OK;
    for run in runs {
        terminal.out(&format!("run {}\n", escaped(&run.run)));
        match guard::recover(&run.path) {
            Ok(done) => {
                for one in done {
                    let (what, how) = (escaped(&one.what), escaped(&one.how));
                    match one.problem {
                        None => terminal.out(&format!("  taken back: {what} ({how})\n")),
                        Some(problem) => {
                            code = super::COULD_NOT_RUN;
                            terminal.error(&format!("{what}: {}", escaped(&problem)));
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

/// Where journals lie.
fn journals(terminal: &Terminal) -> Result<PathBuf, u8> {
    guard::directory().map_err(|error| {
        terminal.error(&format!("there is no place for what runs have to take back: {error}"));
        super::COULD_NOT_RUN
    })
}

fn unreadable(error: &std::io::Error) -> String {
    format!("what runs have left behind cannot be read: {error}; XDG_STATE_HOME sets another place for it")
}

/// No run is made over what a dead one left behind: it would measure that too. The exit code where it is refused.
pub fn refused(terminal: &Terminal) -> Option<u8> {
    let directory = match journals(terminal) {
        Ok(directory) => directory,
        Err(code) => return Some(code),
    };
    let left = match guard::left_behind(&directory, PATIENCE) {
        Ok(left) => left,
        Err(error) => {
            terminal.error(&unreadable(&error));
            return Some(super::COULD_NOT_RUN);
        }
    };
    if left.is_empty() {
        return None;
    }
    for run in left {
        let mut what: Vec<String> = run.left.iter().map(|left| escaped(&left.what).into_owned()).collect();
        what.extend(run.problem);
        terminal.error(&format!("the run {}{} left behind: {}", run.run, run.from, what.join(", ")));
    }
    terminal.error("nothing is started over that; `stressc recover` takes it back");
    Some(super::COULD_NOT_RUN)
}

pub fn guardian(args: &GuardianArgs, terminal: &Terminal) -> u8 {
    // What ends the run from a terminal must not reach it, and what it runs must not reach the terminal. Who leads a group has been started by
    // hand, and stays where it is.
    #[cfg(unix)]
    let _ = rustix::process::setsid();
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
