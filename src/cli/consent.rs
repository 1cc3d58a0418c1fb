//! Asks before load or faults go to a host that is neither this machine nor allowed by the file.

use super::output::{Terminal, err_width};
use crate::base::shown::escaped;
use crate::plan::{Plan, Reached, Standing, Way, draw};
use std::io::{IsTerminal, stderr, stdin};

/// Whether somebody is there who can be asked.
pub fn may_ask() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

/// The exit code where the run is not started.
pub fn refused(plan: &Plan, yes: bool, terminal: &Terminal) -> Option<u8> {
    let unknown: Vec<Reached> =
        plan.reached().into_iter().filter(|reached| reached.standing == Standing::Unknown).collect();
    if yes || unknown.is_empty() {
        return None;
    }
    if may_ask() {
        let mut question = String::new();
        draw::reach(&mut question, plan, err_width());
        terminal.err(&format!("{}\n", escaped(question.trim_start())));
        if asked("Go on?", terminal) {
            return None;
        }
        terminal.error(&format!("the run is not started; {}", ways(plan, &unknown)));
    } else {
        let hosts: Vec<String> = unknown.iter().map(|reached| named(plan, reached)).collect();
        terminal.error(&format!(
            "the run is not started: it would send load or faults to {}, which is not this machine and which `{}` does not \
             allow; {}",
            hosts.join(" and "),
            plan.file,
            ways(plan, &unknown)
        ));
    }
    Some(super::COULD_NOT_RUN)
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
fn ways(plan: &Plan, unknown: &[Reached]) -> String {
    let mut hosts: Vec<String> = Vec::new();
    for host in unknown.iter().filter_map(|reached| reached.host.as_ref()) {
        let text = format!("\"{}\"", host.name);
        if !hosts.contains(&text) {
            hosts.push(text);
        }
    }
    match hosts.as_slice() {
        [] => "pass `--yes`".to_owned(),
        hosts => format!("write `allow {}` into `{}`, or pass `--yes`", hosts.join(", "), plan.file),
    }
}
