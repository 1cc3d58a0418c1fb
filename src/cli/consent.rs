//! Asks before load or faults go to a host that is neither this machine nor allowed by the file.

use super::output::{Terminal, err_width};
use crate::base::shown::escaped;
use crate::plan::{Plan, Reached, Standing, Way, draw};
use std::io::{IsTerminal, stderr, stdin};

/// Whether somebody is there who can be asked.
pub fn may_ask() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

/// The exit code where the run, or the suite of several, is not started. Nobody is asked twice.
pub fn refused(plans: &[&Plan], yes: bool, terminal: &Terminal) -> Option<u8> {
    let unknown = |plan: &Plan| {
        plan.reached().into_iter().filter(|reached| reached.standing == Standing::Unknown).collect::<Vec<Reached>>()
    };
    let unknown: Vec<(&Plan, Vec<Reached>)> = plans.iter().map(|plan| (*plan, unknown(plan))).collect();
    let unknown: Vec<(&Plan, Vec<Reached>)> = unknown.into_iter().filter(|(_, unknown)| !unknown.is_empty()).collect();
    if yes || unknown.is_empty() {
        return None;
    }
    let what = if plans.len() == 1 { "the run" } else { "the suite" };
    if may_ask() {
        for (plan, _) in &unknown {
            let mut question = String::new();
            draw::reach(&mut question, plan, err_width());
            let of = if plans.len() == 1 { String::new() } else { format!("{}: ", plan.scenario) };
            terminal.err(&format!("{}\n", escaped(&format!("{of}{}", question.trim_start()))));
        }
        if asked("Go on?", terminal) {
            return None;
        }
        terminal.error(&format!("{what} is not started; {}", ways(&unknown)));
    } else {
        let hosts = distinct(unknown.iter().flat_map(|(plan, own)| own.iter().map(|reached| named(plan, reached))));
        let files = distinct(unknown.iter().map(|(plan, _)| format!("`{}`", plan.file)));
        let verb = if files.len() == 1 { "does" } else { "do" };
        terminal.error(&format!(
            "{what} is not started: it would send load or faults to {}, which is not this machine and which {} {verb} not \
             allow; {}",
            hosts.join(" and "),
            files.join(" and "),
            ways(&unknown)
        ));
    }
    Some(super::COULD_NOT_RUN)
}

/// Each once, in the order in which they come first.
pub(super) fn distinct(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for text in all {
        if !found.contains(&text) {
            found.push(text);
        }
    }
    found
}

/// Whether somebody at the terminal says yes.
pub fn asked(question: &str, terminal: &Terminal) -> bool {
    terminal.err(&format!("{question} [y/N] "));
    let mut answer = String::new();
    // An end without an answer is none.
    let _ = stdin().read_line(&mut answer);
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// `shop.example.com:80` (the target `api`)
fn named(plan: &Plan, reached: &Reached) -> String {
    let host = if reached.host.is_some() { format!("`{}`", reached.host()) } else { reached.host() };
    let what = match reached.by {
        Way::Target(_) => "target",
        Way::Link(_) => "link",
        Way::Proxy(_) => "proxy of",
        Way::Database(_) => "database of",
    };
    format!("{host} (the {what} `{}`)", plan.named(reached.by))
}

/// How it is started all the same.
fn ways(unknown: &[(&Plan, Vec<Reached>)]) -> String {
    let lines = |file: &String| {
        let of_file = unknown.iter().filter(|(plan, _)| plan.file == *file).flat_map(|(_, own)| own);
        let hosts = distinct(of_file.filter_map(|reached| Some(format!("\"{}\"", reached.host.as_ref()?.name))));
        (!hosts.is_empty()).then(|| format!("write `allow {}` into `{file}`", hosts.join(", ")))
    };
    let files = distinct(unknown.iter().map(|(plan, _)| plan.file.clone()));
    let lines: Vec<String> = files.iter().filter_map(lines).collect();
    match lines.as_slice() {
        [] => "pass `--yes`".to_owned(),
        lines => format!("{}, or pass `--yes`", lines.join(" and ")),
    }
}
