//! `limit_cpu`: a service that gets no more than a share of one core. The kernel sees to that where a control group can be made;
//! elsewhere the service is stopped as soon as it has had its share.

use super::turns::Turns;
use super::{Held, Shown, pause};
use crate::guard::Undo;
use crate::inputs::groups::{self, Group};
use crate::plan::By;
use crate::run::service::Running;
use crate::run::watch::Who;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;

pub struct Cpu {
    running: Arc<Running>,
    share: f64,
    /// What its control group is called.
    name: String,
    held: Held,
    force: Option<Force>,
    /// By what it was held back last.
    by: By,
}

enum Force {
    Group { group: Group, follows: Option<AbortHandle> },
    Turns(Turns),
}

impl Cpu {
    pub fn of(running: Arc<Running>, share: f64, name: String, held: Held) -> Cpu {
        Cpu { running, share, name, held, force: None, by: By::Turns }
    }

    pub fn by(&self) -> By {
        self.by
    }

    pub async fn apply(&mut self, length: Duration) -> Result<(), String> {
        let main = self.running.main().ok_or("it has no process")?;
        match groups::place("cpu", &main.pid.to_string()) {
            Ok(place) => {
                let group = place.group(&self.name);
                self.by = group.by;
                let undo = Undo::Group { group: group.path.clone(), back: group.back.clone() };
                self.held.begin(undo, length).await?;
                group.make().map_err(|error| format!("{}: {error}", group.path.display()))?;
                self.force = Some(Force::Group { group: group.clone(), follows: None });
                let limited = limit(&group, self.share).and_then(|()| take_all(&group, &self.running));
                limited.map_err(|error| format!("{}: {error}", group.path.display()))?;
                let follows = follow(&group, &self.running);
                self.force = Some(Force::Group { group, follows });
            }
            Err(_) => {
                self.by = By::Turns;
                self.held.begin(Undo::Continue(pause::whom(&self.running)), length).await?;
                self.force = Some(Force::Turns(Turns::start(self.running.clone(), self.share)?));
            }
        }
        Ok(())
    }

    pub async fn withdraw(&mut self) -> Result<Shown, String> {
        let told = match self.force.take() {
            Some(Force::Group { group, follows }) => {
                follows.iter().for_each(AbortHandle::abort);
                let times = group.number("cpu.stat", Some("nr_throttled ")).unwrap_or(0);
                let undo = Undo::Group { group: group.path, back: group.back };
                let lifted = tokio::task::spawn_blocking(move || undo.perform()).await;
                lifted.map_err(|error| error.to_string())??;
                (times > 0).then(|| format!("the kernel held it back {times} times"))
            }
            Some(Force::Turns(turns)) => {
                let (times, used) = tokio::task::spawn_blocking(move || turns.end()).await.unwrap_or_default();
                (times > 0).then(|| format!("held back {times} times, it used {:.1}% of a core", used * 100.0))
            }
            None => None,
        };
        self.held.end().await;
        Ok(Shown::told(told))
    }
}

/// A short period keeps pauses short; the kernel deals no less than a millisecond.
fn limit(group: &Group, share: f64) -> std::io::Result<()> {
    const SHORTEST: f64 = 20_000.0;
    const LONGEST: f64 = 1_000_000.0;
    const LEAST: f64 = 1_000.0;
    let period = (LEAST / share).clamp(SHORTEST, LONGEST).round();
    let quota = (share * period).max(LEAST).round();
    match group.by {
        By::CgroupV2 => group.set(group.limit("cpu"), &format!("{quota} {period}")),
        By::CgroupV1 | By::Turns => {
            group.set("cpu.cfs_period_us", &period.to_string())?;
            group.set(group.limit("cpu"), &quota.to_string())
        }
    }
}

/// Until there is none outside: one may be started while the others are taken.
fn take_all(group: &Group, running: &Running) -> std::io::Result<()> {
    let mut taken = Vec::new();
    loop {
        let outside: Vec<_> = running.processes().into_iter().filter(|process| !taken.contains(process)).collect();
        if outside.is_empty() {
            return Ok(());
        }
        for process in outside {
            match group.take(process.pid) {
                Ok(()) => {}
                // It has ended.
                Err(_) if !process.is_alive() => {}
                Err(error) => return Err(error),
            }
            taken.push(process);
        }
    }
}

/// Takes what the service is started as again while it is limited.
fn follow(group: &Group, running: &Arc<Running>) -> Option<AbortHandle> {
    let Who::Ours(mut state) = running.who() else { return None };
    let (group, running) = (group.clone(), running.clone());
    state.mark_unchanged();
    let task = tokio::spawn(async move {
        while state.changed().await.is_ok() {
            // What does not get in is not limited, and no harm is done.
            let _ = take_all(&group, &running);
        }
    });
    Some(task.abort_handle())
}
