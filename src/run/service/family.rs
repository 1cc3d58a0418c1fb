//! Which processes a fault on a service touches: all of them, or none if one of them must never be touched. Processes that we
//! start descend from us; an attached one may be what has started us.

use crate::guard::{Process, proc};
use crate::run::watch::processes;

/// Those who live of a service, by the process that leads them; or why they are left alone.
pub fn of(main: Process, guardian: Option<i32>) -> Result<Vec<Process>, String> {
    let family = processes::family(main);
    let own = std::process::id() as i32;
    let pids: Vec<i32> = family.iter().map(|process| process.pid).collect();
    match untouchable(&pids, own, &proc::ancestors(own), guardian) {
        None => Ok(family),
        Some((pid, why)) => {
            let named = |pid: i32| match proc::name(pid) {
                Some(name) => format!("{pid} ({name})"),
                None => pid.to_string(),
            };
            let which = match pid == main.pid {
                true => format!("it is process {}", named(pid)),
                false => format!("of what process {} has started one is process {}", named(main.pid), named(pid)),
            };
            Err(format!(
                "{which}, {why}, so none of its processes is touched; start stressc from elsewhere, or let a process of its \
                 own listen there"
            ))
        }
    }
}

/// The first of a family that must never be stopped, ended or held back, and why.
fn untouchable(family: &[i32], own: i32, above: &[i32], guardian: Option<i32>) -> Option<(i32, &'static str)> {
    const INIT: i32 = 1;
    let held = |pid: i32| family.contains(&pid);
    let above = above.iter().copied().find(|pid| *pid != INIT && held(*pid));
    let first = |pid: i32, why: &'static str| held(pid).then_some((pid, why));
    first(own, "which is this run itself")
        .or_else(|| first(guardian?, "which takes back what this run does"))
        .or_else(|| first(INIT, "on which all others rest"))
        .or_else(|| above.map(|pid| (pid, "which has started this run")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_with_the_run_its_guardian_an_ancestor_or_the_first_process_is_left_alone() {
        let who = |family: &[i32]| untouchable(family, 50, &[40, 30, 1], Some(51)).map(|(pid, _)| pid);
        assert_eq!(who(&[60, 61]), None);
        assert_eq!(who(&[40, 50, 51]), Some(50));
        assert_eq!(who(&[60, 51]), Some(51));
        assert_eq!(who(&[1]), Some(1));
        assert_eq!(who(&[60, 30]), Some(30));
        assert_eq!(untouchable(&[60], 50, &[40], None), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn who_has_started_us_is_known_and_nobody_of_it_is_touched() {
        let parent = proc::ancestors(std::process::id() as i32)[0];
        let problem = of(Process::of(parent).unwrap(), None).unwrap_err();
        assert!(problem.contains("which is this run itself"), "{problem}");
        let problem = of(Process::of(1).unwrap(), None).unwrap_err();
        assert!(problem.contains("so none of its processes is touched"), "{problem}");
    }
}
