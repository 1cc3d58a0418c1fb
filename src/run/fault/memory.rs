//! `limit_memory`: lowers the limit of the control group in which a service was started. If the service needs more, it is killed,
//! which is the effect; `restart: true` brings it back in the same group.

use super::{Held, Shown};
use crate::base::units;
use crate::guard::Undo;
use crate::inputs::groups::Cgroup;
use crate::plan::By;
use crate::run::service::Running;
use std::sync::Arc;
use std::time::Duration;

pub struct Memory {
    running: Arc<Running>,
    bytes: f64,
    held: Held,
    /// What was counted before: how often the limit was met, and how often the kernel killed for it.
    before: (u64, u64),
    /// It held more than can be taken from it, so it was killed at once.
    killed: bool,
}

impl Memory {
    pub fn of(running: Arc<Running>, bytes: f64, held: Held) -> Memory {
        Memory { running, bytes, held, before: (0, 0), killed: false }
    }

    fn group(&self) -> Result<&Cgroup, String> {
        self.running.group().ok_or_else(|| "its memory is counted in no group of its own".to_owned())
    }

    pub fn by(&self) -> By {
        self.running.group().map_or(By::CgroupV2, |group| group.by)
    }

    pub async fn apply(&mut self, length: Duration) -> Result<(), String> {
        let group = self.group()?.clone();
        self.running.processes()?;
        (self.before, self.killed) = (counted(&group), false);
        // Where nobody lifts the limit, the group is given up as a whole.
        let undo = Undo::Group { group: group.path.clone(), back: group.back.clone() };
        self.held.begin(undo, length).await?;
        let limit = format!("{:.0}", self.bytes);
        // The first version refuses a limit below what is in use and cannot be taken; the second kills for it.
        let mut refused = None;
        for _ in 0..100 {
            match group.set(group.limit("memory"), &limit) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => refused = Some(error),
                Err(error) => return Err(format!("{}: {error}", group.path.display())),
            }
            #[cfg(unix)]
            self.running.signal(rustix::process::Signal::KILL)?;
            self.killed = true;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(refused.map_or_else(String::new, |error| format!("{}: {error}", group.path.display())))
    }

    pub async fn withdraw(&mut self) -> Result<Shown, String> {
        let group = self.group()?;
        let (met, killed) = counted(group);
        let (met, killed) = (met.saturating_sub(self.before.0), killed.saturating_sub(self.before.1));
        let none = if group.by == By::CgroupV2 { "max" } else { "-1" };
        group.set(group.limit("memory"), none).map_err(|error| format!("{}: {error}", group.path.display()))?;
        self.held.end().await;
        let limit = units::written_bytes(self.bytes);
        Ok(Shown::told(match (met, killed + u64::from(self.killed)) {
            (0, 0) => None,
            (met, 0) => Some(format!("it met the limit of {limit} {met} times")),
            (_, 1) => Some(format!("it needed more than {limit} and was killed")),
            (_, times) => Some(format!("it needed more than {limit} and was killed {times} times")),
        }))
    }
}

fn counted(group: &Cgroup) -> (u64, u64) {
    let (met, killed) = match group.by {
        By::CgroupV2 => (group.number("memory.events", Some("max ")), "memory.events"),
        By::CgroupV1 | By::Turns => (group.number("memory.failcnt", None), "memory.oom_control"),
    };
    (met.unwrap_or(0), group.number(killed, Some("oom_kill ")).unwrap_or(0))
}
