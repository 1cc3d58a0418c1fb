//! `stressc doctor`: what this machine allows a run to do, and what it does not.

use super::output::Terminal;
use crate::base::shown::escaped_line;
use crate::base::units::{bytes, grouped, measured_duration};
use crate::inputs::{self, probe};
use crate::plan::PortReuse;
use crate::{guard, run};
use std::time::Duration;

/// A sleep of a millisecond may end so late on a machine that is idle enough to measure on.
const PUNCTUAL: Duration = Duration::from_millis(5);

pub fn doctor(terminal: &Terminal) -> u8 {
    inputs::raise_limits();
    let machine = inputs::machine();
    let count = |number: u64| grouped(number as f64, 0);
    let tell = |name: &str, lacks: bool, what: &str| {
        terminal.out(&format!("{} {name:<13} {what}\n", if lacks { "✘" } else { "✔" }));
    };
    tell("cores", false, &format!("{}, all but one of which generate load", count(machine.cores)));
    tell("memory", false, &format!("{} are available", bytes(machine.memory as f64)));
    tell("descriptors", machine.descriptors < 1024, &format!("{} files and connections", count(machine.descriptors)));
    let again = match machine.reuse {
        PortReuse::Always => "dealt again at once",
        PortReuse::Loopback => "dealt again at once on the loopback device, elsewhere after a minute",
        PortReuse::Never => "dealt again after a minute",
    };
    tell("ports", false, &format!("{} for connections to one address, {again}", count(machine.ports)));
    match probe::group("cpu") {
        Ok(version) => tell("limit_cpu", false, &format!("by control groups ({version})")),
        Err(why) => tell("limit_cpu", false, &format!("by stopping a service again and again: {why}")),
    }
    match probe::group("memory") {
        Ok(version) => tell("limit_memory", false, &format!("by control groups ({version})")),
        Err(why) => tell("limit_memory", true, &format!("is refused: {why}")),
    }
    match probe::holds_processes() {
        true => tell("signals", false, "reach the process that is meant (pidfd)"),
        false => tell("signals", false, "go by number and start of a process"),
    }
    match run::postgres() {
        Ok(version) => tell("postgres()", false, &version),
        Err(why) => tell("postgres()", true, &why),
    }
    let (source, late) = probe::clock();
    let source = if source.is_empty() { String::new() } else { format!("{source}, ") };
    let late_by = measured_duration(late.as_nanos() as f64);
    tell("clock", late > PUNCTUAL, &format!("{source}a sleep ends {late_by} late at most"));
    let set = [inputs::not_heeded(false), inputs::not_heeded(true)].concat();
    if !set.is_empty() {
        tell(
            "environment",
            false,
            &format!("not heeded, since a run connects where its file says: {}", set.join(", ")),
        );
    }
    journal(&tell);
    super::OK
}

fn journal(tell: &impl Fn(&str, bool, &str)) {
    let directory = match guard::directory() {
        Ok(directory) => directory,
        Err(error) => return tell("journal", true, &format!("has no place, so nothing is started or hurt: {error}")),
    };
    let shown = directory.display();
    if let Err(error) = guard::usable(&directory) {
        return tell("journal", true, &format!("`{shown}` cannot be used, so nothing is started or hurt: {error}"));
    }
    match guard::dirty(&directory) {
        // What is of another machine bars no run here.
        Ok(left) if left.iter().all(|run| run.place == guard::Distance::Host) => {
            tell("journal", false, &format!("`{shown}`, nothing is left behind"));
        }
        Ok(left) => {
            let here = left.iter().filter(|run| run.place != guard::Distance::Host);
            let runs: Vec<String> = here.map(|run| escaped_line(&run.run).into_owned()).collect();
            tell(
                "journal",
                true,
                &format!("`{shown}`: {} left something behind; `stressc recover` takes it back", runs.join(", ")),
            );
        }
        Err(error) => tell("journal", true, &format!("`{shown}` cannot be read: {error}")),
    }
}
