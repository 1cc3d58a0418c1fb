//! The command line: one file per subcommand, and the only place that prints.

mod against;
mod args;
mod baseline;
mod burden;
mod check;
mod compare;
mod consent;
mod demo;
mod doctor;
mod document;
mod drill;
mod explain;
mod fixing;
mod fmt;
mod history;
mod live;
pub mod manual;
mod output;
mod plan;
mod prepare;
mod recover;
mod report;
mod results;
mod run;
mod runs;
mod sarif;
mod schema;
mod source;
mod source_text;
mod start;
mod streams;
mod suite;
mod told;
mod try_one;
mod watch;

use args::{Cli, Command};
use clap::Parser;
use std::ffi::OsString;
use std::process::ExitCode;

/// Exit codes that are no verdict: the language page has the whole table.
const OK: u8 = 0;
const WOULD_CHANGE: u8 = 1;
const FAILED: u8 = 1;
const DOES_NOT_CHECK: u8 = 2;
const COULD_NOT_RUN: u8 = 3;
const INTERRUPTED: u8 = 130;

/// What is said of a directory without scenario files.
fn no_files(directory: &std::path::Path) -> String {
    format!("`{}` has no `.stress` file in it", directory.display())
}

pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, anything else is a mistake on the command line.
            let code = if error.use_stderr() { DOES_NOT_CHECK } else { OK };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let terminal = output::Terminal::new(cli.color);
    ExitCode::from(terminal.ended(match cli.command {
        Command::Check(args) => check::check(&args, &terminal),
        Command::Fmt(args) => fmt::fmt(&args, &terminal),
        Command::Plan(args) => plan::plan(&args, &terminal),
        Command::Run(args) => run::run(&args, &terminal),
        Command::Try(args) => try_one::try_one(&args, &terminal),
        Command::Watch(args) => watch::watch(&args, &terminal),
        Command::Report(args) => report::report(&args, &terminal),
        Command::Runs(args) => runs::runs(&args, &terminal),
        Command::Baseline(args) => baseline::baseline(&args, &terminal),
        Command::Compare(args) => compare::compare(&args, &terminal),
        Command::History(args) => history::history(&args, &terminal),
        Command::Schema(args) => schema::schema(&args, &terminal),
        Command::Explain(args) => explain::explain(&args, &terminal),
        Command::Drill(args) => drill::drill(&args, &terminal),
        Command::Doctor => doctor::doctor(&terminal),
        Command::Recover(args) => recover::recover(&args, &terminal),
        Command::Demo(args) => demo::demo(&args, &terminal),
        Command::Guardian(args) => recover::guardian(&args, &terminal),
        Command::Burden(args) => burden::burden(&args, &terminal),
        Command::Start(args) => start::start(&args, &terminal),
    }))
}
