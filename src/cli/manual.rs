//! The table of commands in the reference, generated from the arguments of the command line; and whether the documents write commands
//! that there are.

use super::args::Cli;
use clap::{Arg, Command, CommandFactory, Parser};
use std::fmt::Write;

/// A table of the commands with their arguments and options.
pub fn table() -> String {
    let mut out = "| command | what it does | options |\n| --- | --- | --- |\n".to_owned();
    rows(&mut out, "stressc", &Cli::command());
    out
}

/// Why a command line, with the name of the program first, is refused.
pub fn refused(words: &[String]) -> Option<String> {
    Cli::try_parse_from(words).err().map(|error| error.to_string())
}

/// Of the commands of a command, and of theirs.
fn rows(out: &mut String, above: &str, command: &Command) {
    for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        let name = format!("{above} {}", command.get_name());
        if command.has_subcommands() {
            rows(out, &name, command);
        }
        if command.is_subcommand_required_set() {
            continue;
        }
        let named: String = command.get_positionals().map(|arg| format!(" {}", positional(arg))).collect();
        let options: Vec<String> = command.get_opts().filter(|arg| !arg.is_hide_set()).map(option).collect();
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(out, "| `{name}{named}` | {about} | {} |", options.join(", "));
    }
}

fn value(arg: &Arg) -> String {
    arg.get_value_names().map_or_else(String::new, |names| names.iter().map(|name| name.replace('|', "\\|")).collect())
}

fn positional(arg: &Arg) -> String {
    let several = if arg.get_num_args().is_some_and(|count| count.max_values() > 1) { "…" } else { "" };
    let named = format!("{}{several}", value(arg));
    if arg.is_required_set() { named } else { format!("[{named}]") }
}

fn option(arg: &Arg) -> String {
    let name = arg.get_long().unwrap_or_default();
    if arg.get_action().takes_values() { format!("`--{name} {}`", value(arg)) } else { format!("`--{name}`") }
}
