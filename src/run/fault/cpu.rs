//! `limit_cpu`: a service that gets no more than a share of one core. The kernel sees to that where a control group can be made;
//! elsewhere the service is stopped as soon as it has had its share.

use super::turns::Turns;
use super::{Held, Shown, pause};
use crate::guard::Undo;
use crate::inputs::groups::{self, Cgroup};
use crate::plan::By;
use crate::run::service::Running;
use crate::run::watch::Watched;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
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
    Group { taken: Arc<Mutex<Taken>>, follows: Option<AbortHandle> },
    Turns(Turns),
}

/// The group of the fault, which is limited, with one below it for each group from which processes were taken: there they go back, and
/// with them what they have started meanwhile.
struct Taken {
    group: Cgroup,
    below: Vec<(PathBuf, Cgroup)>,
    held: Held,
    length: Duration,
}

impl Cpu {
    pub fn of(running: Arc<Running>, share: f64, name: String, held: Held) -> Cpu {
        Cpu { running, share, name, held, force: None, by: By::Turns }
    }

    pub fn by(&self) -> By {
        self.by
    }

    pub async fn apply(&mut self, length: Duration) -> Result<(), String> {
        self.running.processes()?;
        let main = self.running.main().ok_or("it has no process")?;
        match groups::place("cpu", &main.pid.to_string()) {
            Ok(place) => {
                let group = place.group(&self.name);
                self.by = group.by;
                let mut taken = Taken { group: group.clone(), below: Vec::new(), held: self.held.fresh(), length };
                taken.make(&group).await?;
                let taken = Arc::new(Mutex::new(taken));
                self.force = Some(Force::Group { taken: taken.clone(), follows: None });
                limit(&group, self.share).map_err(|error| format!("{}: {error}", group.path.display()))?;
                taken.lock().await.take_all(&self.running).await?;
                let follows = follow(&taken, &self.running);
                self.force = Some(Force::Group { taken, follows });
            }
            Err(_) => {
                self.by = By::Turns;
                self.held.begin(Undo::Continue(pause::whom(&self.running)?), length).await?;
                self.force = Some(Force::Turns(Turns::start(self.running.clone(), self.share)?));
            }
        }
        Ok(())
    }

    pub async fn withdraw(&mut self) -> Result<Shown, String> {
        let told = match self.force.take() {
            Some(Force::Group { taken, follows }) => {
                follows.iter().for_each(AbortHandle::abort);
                taken.lock().await.give_back().await?
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
fn limit(group: &Cgroup, share: f64) -> std::io::Result<()> {
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

impl Taken {
    /// What removes it again is written down first.
    async fn make(&mut self, group: &Cgroup) -> Result<(), String> {
        let undo = Undo::Group { group: group.path.clone(), back: group.back.clone() };
        self.held.begin(undo, self.length).await?;
        group.make().map_err(|error| format!("{}: {error}", group.path.display()))
    }

    /// The one below for those who come from a group.
    async fn of(&mut self, home: &Path) -> Result<Cgroup, String> {
        if let Some((_, known)) = self.below.iter().find(|(from, _)| from == home) {
            return Ok(known.clone());
        }
        let group = self.group.below(&format!("of-{}", self.below.len()), home);
        self.below.push((home.to_owned(), group.clone()));
        self.make(&group).await?;
        Ok(group)
    }

    /// Until there is none outside: one may be started while the others are taken.
    async fn take_all(&mut self, running: &Running) -> Result<(), String> {
        let mut seen = HashSet::new();
        loop {
            let mut outside = running.processes()?;
            outside.retain(|process| seen.insert(*process));
            if outside.is_empty() {
                return Ok(());
            }
            for process in outside {
                let taken = match groups::home("cpu", self.group.by, process.pid) {
                    // Started by one that was taken.
                    Ok(home) if home.starts_with(&self.group.path) => continue,
                    Ok(home) => self.of(&home).await?.take(process.pid).map_err(|error| error.to_string()),
                    Err(why) => Err(why),
                };
                match taken {
                    // It has ended.
                    Err(_) if !process.is_alive() => {}
                    taken => taken.map_err(|why| format!("process {}: {why}", process.pid))?,
                }
            }
        }
    }

    /// Says how often the kernel held it back.
    async fn give_back(&mut self) -> Result<Option<String>, String> {
        let times = self.group.number("cpu.stat", Some("nr_throttled ")).unwrap_or(0);
        let below = std::mem::take(&mut self.below).into_iter().rev().map(|(_, group)| group);
        for Cgroup { path: group, back, .. } in below.chain([self.group.clone()]) {
            let undo = Undo::Group { group, back };
            let lifted = tokio::task::spawn_blocking(move || undo.perform()).await;
            lifted.map_err(|error| error.to_string())??;
        }
        self.held.end().await;
        Ok((times > 0).then(|| format!("the kernel held it back {times} times")))
    }
}

/// Takes what the service is started as again while it is limited.
fn follow(taken: &Arc<Mutex<Taken>>, running: &Arc<Running>) -> Option<AbortHandle> {
    let Watched::Ours(mut state) = running.who() else { return None };
    let (taken, running) = (taken.clone(), running.clone());
    state.mark_unchanged();
    let task = tokio::spawn(async move {
        while state.changed().await.is_ok() {
            // What does not get in is not limited, and no harm is done.
            let _ = taken.lock().await.take_all(&running).await;
        }
    });
    Some(task.abort_handle())
}
