//! Reads services and monitors once a second during the load. Nothing here is on the path of a request.

pub mod counters;
pub mod listeners;
mod page;
pub mod processes;
mod prometheus;

use super::ask::ControlClient;
use super::prometheus::Prometheus;
use super::resolve::resolved::Resolved;
use super::service::State;
use crate::base::exposition::Selector;
use crate::base::units::SECOND;
use crate::engine::pace::clock::Clock;
use crate::measure::Gauges;
use crate::plan::{MonitorKind, Plan, SeriesSource, Text};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// Who is asked must have answered before the next look is due.
const PATIENCE: Duration = Duration::from_millis(900);
/// How many looks pass before somebody who was not found is searched again.
const SEARCHED_EVERY: u64 = 5;

/// Where the process of a service is found.
#[derive(Debug, Clone)]
pub enum Watched {
    /// One that the run starts, whichever its process is now.
    Ours(watch::Receiver<State>),
    /// Every process that listens at it.
    Port(u16),
}

/// What processes used since the last look, and hold now.
#[derive(Debug)]
pub struct Usage {
    /// In shares of one core; `None` where too little time has passed to tell.
    cpu: Option<f64>,
    memory: u64,
    open_files: Result<u64, String>,
    threads: u64,
}

impl Default for Usage {
    fn default() -> Usage {
        Usage { cpu: None, memory: 0, open_files: Ok(0), threads: 0 }
    }
}

/// A share of one core; the kernel counts in hundredths of a second, so that a short time gives none.
fn rate(seconds: f64, elapsed: f64) -> Option<f64> {
    (elapsed >= 0.5).then(|| seconds / elapsed)
}

/// One thing that is looked at, with its series by their places in the plan's list.
enum Look {
    Service { who: Watched, tree: Result<processes::Tree, String>, searched: u64, series: Vec<(u32, String)> },
    Host { host: processes::MachineUse, series: Vec<(u32, String)> },
    Page { url: String, series: Vec<(u32, Selector, Missing)> },
    Query { url: String, query: String, place: u32, missing: Missing },
}

/// What a series is where its source answers and does not have it, as it would stand there.
type Missing = Option<f64>;

/// The readings of a series that its source does not have: why, and what stands for it.
fn absent(place: u32, reason: String, missing: Missing) -> impl Iterator<Item = Reading> {
    let stands = missing.map(|value| (place, Ok(Some(value))));
    stands.into_iter().chain([(place, Err(reason))])
}

impl Look {
    /// Who is asked over the network.
    fn url(&self) -> Option<&str> {
        match self {
            Look::Page { url, .. } | Look::Query { url, .. } => Some(url),
            Look::Service { .. } | Look::Host { .. } => None,
        }
    }
}

type Reading = (u32, Result<Option<f64>, String>);

/// All that a run looks at.
pub struct Watcher {
    looks: Vec<Look>,
    /// Made where something is asked over the network.
    client: Option<ControlClient>,
    count: u64,
}

impl Watcher {
    pub fn new(plan: &Plan, services: &[Watched], known: &Resolved) -> Result<Watcher, String> {
        let looks = looks(plan, services, known)?;
        let urls: Vec<&str> = looks.iter().filter_map(Look::url).collect();
        let client = Watcher::client(&urls, known, PATIENCE)?;
        Ok(Watcher { looks, client, count: 0 })
    }

    /// `None` where there is nobody to ask.
    fn client(urls: &[&str], known: &Resolved, patience: Duration) -> Result<Option<ControlClient>, String> {
        let trust = urls.iter().any(|url| url.starts_with("https://")).then(|| known.trust(None));
        (!urls.is_empty()).then(|| ControlClient::new(patience, trust.as_ref())).transpose()
    }

    /// `None` where there is nothing to look at.
    pub async fn look(&mut self, at: u64) -> Option<Gauges> {
        if self.looks.is_empty() {
            return None;
        }
        self.count += 1;
        Some(look(&mut self.looks, self.client.as_ref(), at, self.count).await)
    }

    /// Reads at each full second of the load. The caller makes the reading before the load.
    pub fn start(mut self, clock: Clock) -> Watch {
        let (send, looks) = mpsc::unbounded_channel();
        let (finish, mut finished) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut second = tokio::time::interval_at(clock.instant(SECOND).into(), Duration::from_secs(1));
            second.set_missed_tick_behavior(MissedTickBehavior::Skip);
            loop {
                let last = tokio::select! {
                    _ = second.tick() => false,
                    _ = &mut finished => true,
                };
                let Some(look) = self.look(clock.now()).await else { break };
                if send.send(look).is_err() || last {
                    break;
                }
            }
        });
        Watch { looks, finish, task }
    }
}

/// The looks of a run that goes on.
pub struct Watch {
    pub looks: mpsc::UnboundedReceiver<Gauges>,
    finish: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Watch {
    /// A last look, so that counters hold all that the load did; then no more.
    pub async fn finish(mut self, mut tell: impl FnMut(Gauges)) {
        let _ = self.finish.send(());
        while let Some(look) = self.looks.recv().await {
            tell(look);
        }
    }

    pub fn abort(&self) {
        self.task.abort();
    }
}

/// What the plan watches, by what is looked at.
fn looks(plan: &Plan, services: &[Watched], known: &Resolved) -> Result<Vec<Look>, String> {
    let text = |pieces: &Text| known.text(pieces).map_err(|why| format!("where something is watched: {why}"));
    let mut looks: Vec<Look> = Vec::new();
    for (place, watched) in (0..).zip(plan.watched()) {
        let missing = watched.missing.map(|missing| missing / watched.worth);
        let what = watched.what;
        match watched.source {
            SeriesSource::Service(index) => {
                let who = &services[index];
                let same = |look: &&mut Look| matches!(look, Look::Service { who: other, .. } if same_who(who, other));
                match looks.iter_mut().find(same) {
                    Some(Look::Service { series, .. }) => series.push((place, what)),
                    _ => {
                        let (who, tree) = (who.clone(), find(who));
                        looks.push(Look::Service { who, tree, searched: 0, series: vec![(place, what)] });
                    }
                }
            }
            SeriesSource::ServiceMetric(index) => {
                let path = match &plan.services[index].metrics {
                    Some(pieces) => text(pieces)?,
                    None => "/metrics".to_owned(),
                };
                let address = known.services[index].address;
                let url = if path.starts_with('/') { format!("http://{address}{path}") } else { path };
                on_page(&mut looks, url, (place, missing), &what)?;
            }
            SeriesSource::Monitor(index) => {
                let monitor = &plan.monitors[index];
                let url = monitor.address.as_ref().map_or_else(|| Ok(String::new()), text)?;
                match monitor.kind {
                    MonitorKind::Host => match looks.iter_mut().find(|look| matches!(look, Look::Host { .. })) {
                        Some(Look::Host { series, .. }) => series.push((place, what)),
                        _ => looks.push(Look::Host { host: processes::MachineUse::new(), series: vec![(place, what)] }),
                    },
                    MonitorKind::Metrics => on_page(&mut looks, url, (place, missing), &what)?,
                    MonitorKind::Prometheus => looks.push(Look::Query { url, query: what, place, missing }),
                }
            }
            SeriesSource::Age(index) => {
                let url = plan.monitors[index].address.as_ref().map_or_else(|| Ok(String::new()), text)?;
                looks.push(Look::Query { url, query: prometheus::age(&what), place, missing });
            }
            SeriesSource::Host | SeriesSource::InFlight { .. } => {}
        }
    }
    Ok(looks)
}

fn same_who(a: &Watched, b: &Watched) -> bool {
    match (a, b) {
        (Watched::Ours(a), Watched::Ours(b)) => a.same_channel(b),
        (Watched::Port(a), Watched::Port(b)) => a == b,
        (Watched::Ours(_), Watched::Port(_)) | (Watched::Port(_), Watched::Ours(_)) => false,
    }
}

fn on_page(looks: &mut Vec<Look>, url: String, (place, missing): (u32, Missing), what: &str) -> Result<(), String> {
    let selector = Selector::parse(what)?;
    match looks.iter_mut().find(|look| matches!(look, Look::Page { url: other, .. } if *other == url)) {
        Some(Look::Page { series, .. }) => series.push((place, selector, missing)),
        _ => looks.push(Look::Page { url, series: vec![(place, selector, missing)] }),
    }
    Ok(())
}

fn find(who: &Watched) -> Result<processes::Tree, String> {
    if !cfg!(target_os = "linux") {
        return Err("this version watches processes on Linux alone".to_owned());
    }
    match who {
        Watched::Ours(state) => {
            let main = state.borrow().main;
            processes::Tree::of(main.ok_or("it is down")?.pid as u32)
        }
        Watched::Port(port) => processes::Tree::of(listeners::listening(*port)?.pid as u32),
    }
}

async fn look(all: &mut [Look], client: Option<&ControlClient>, at: u64, count: u64) -> Gauges {
    let client = || client.expect("there is one where something is asked").clone();
    let mut asked: JoinSet<Vec<Reading>> = JoinSet::new();
    let mut readings: Vec<Reading> = Vec::new();
    for look in all {
        match look {
            Look::Service { who, tree, searched, series } => {
                // Of ours it is known which process it is now; to search one costs more.
                let is_due = match who {
                    Watched::Ours(state) => state.borrow().main != tree.as_ref().ok().map(processes::Tree::root),
                    Watched::Port(_) => tree.is_err() && *searched + SEARCHED_EVERY <= count,
                };
                if is_due {
                    *tree = find(who);
                    *searched = count;
                }
                let usage = match tree {
                    Ok(found) => found.look(),
                    Err(reason) => Err(reason.clone()),
                };
                readings.extend(series.iter().map(|(place, what)| (*place, of_usage(&usage, what))));
                if let Err(reason) = usage {
                    *tree = Err(reason);
                }
            }
            Look::Host { host, series } => {
                let cpu = host.cpu();
                readings.extend(series.iter().map(|(place, what)| match what.as_str() {
                    "cpu" => (*place, Ok(cpu)),
                    _ => (*place, host.memory().map(Some)),
                }));
            }
            Look::Page { url, series } => {
                asked.spawn(page::read(client(), url.clone(), series.clone()));
            }
            Look::Query { url, query, place, missing } => {
                asked.spawn(prometheus::ask(Prometheus::new(client(), url.clone()), query.clone(), (*place, *missing)));
            }
        }
    }
    // Looks at the machine are done before anybody has time to answer.
    while let Some(answer) = asked.join_next().await {
        readings.extend(answer.unwrap_or_default());
    }
    let mut gauges = Gauges { at, ..Gauges::default() };
    for (place, reading) in readings {
        match reading {
            Ok(Some(value)) if value.is_finite() => drop(gauges.values.insert(place, value)),
            Ok(Some(value)) => drop(gauges.gaps.insert(place, format!("its value was {value}"))),
            Ok(None) => {}
            Err(reason) => drop(gauges.gaps.insert(place, reason)),
        }
    }
    gauges
}

fn of_usage(usage: &Result<Usage, String>, what: &str) -> Result<Option<f64>, String> {
    let usage = usage.as_ref().map_err(String::clone)?;
    match what {
        "cpu" => Ok(usage.cpu),
        "memory" => Ok(Some(usage.memory as f64)),
        "threads" => Ok(Some(usage.threads as f64)),
        _ => usage.open_files.clone().map(|count| Some(count as f64)),
    }
}
