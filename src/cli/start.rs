//! The process of a service or a command, before it is one.

use super::args::StartArgs;
use super::output::Terminal;

#[cfg(unix)]
pub fn start(args: &StartArgs, _: &Terminal) -> u8 {
    crate::run::become_program(&args.program, &args.arguments, args.user);
    super::COULD_NOT_RUN
}

#[cfg(not(unix))]
pub fn start(_: &StartArgs, terminal: &Terminal) -> u8 {
    terminal.error("this system has no sessions of processes");
    super::COULD_NOT_RUN
}
