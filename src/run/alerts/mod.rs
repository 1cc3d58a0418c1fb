//! Sources of alerts: servers that are asked once a second, and receivers to which notifications are delivered. Nothing here is on the path of a
//! request of the load.

mod alertmanager;
mod asked;
mod before;
mod message;
mod metrics;
mod prometheus;
mod receiver;
mod seen;
mod times;

use super::interrupt::Interrupt;
use super::resolve::resolved::Resolved;
use crate::base::units::SECOND;
use crate::engine::http::host::addresses;
use crate::engine::pace::clock::Clock;
use crate::measure::{Alerting, Event};
use crate::plan::{AlertSource, AlertSourceKind, Plan, Text};
use asked::{Asked, Way};
use receiver::Receiver;
use std::net::SocketAddr;
use std::time::Duration;
use times::Times;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

/// How long what is on its way may take to be delivered when the load has ended and nothing is expected later.
const ON_ITS_WAY: u64 = 5 * SECOND;
/// A window of the plan begins when a fault does, which may be a bit later than planned.
const LATER: u64 = SECOND;

/// The sources of a plan, before its load.
pub struct Sources {
    asked: Vec<Asked>,
    receivers: Vec<Receiver>,
    tell: mpsc::UnboundedSender<Event>,
    told: mpsc::UnboundedReceiver<Event>,
}

impl Sources {
    /// Without any.
    pub fn none() -> Sources {
        let (tell, told) = mpsc::unbounded_channel();
        Sources { asked: Vec::new(), receivers: Vec::new(), tell, told }
    }

    /// Receivers listen before anything is started that may deliver to them.
    pub fn listen(plan: &Plan, known: &Resolved) -> Result<Sources, String> {
        let mut sources = Sources::none();
        for (index, source) in plan.alert_sources.iter().enumerate() {
            if let Some(text) = source.listens() {
                let addresses = to_listen(source, text, known)?;
                sources.receivers.push(Receiver::bind((index, &source.name), &addresses, &sources.tell)?);
            }
        }
        Ok(sources)
    }

    /// Finds out where servers are, which is known when all services have started.
    pub fn find(&mut self, plan: &Plan, known: &Resolved) -> Result<(), String> {
        for (index, source) in plan.alert_sources.iter().enumerate() {
            let text = |text: &Text| {
                known.text(text).map_err(|why| format!("where the source of alerts `{}` is: {why}", source.name))
            };
            let header = |(name, value): &(String, Text)| Ok((name.clone(), text(value)?));
            let headers = source.headers.iter().map(header).collect::<Result<Vec<_>, String>>()?;
            let way = |address: &Text| -> Result<Way, String> {
                let url = text(address)?;
                let trust = url.starts_with("https://").then(|| known.trust(None));
                Ok(Way { url, headers: headers.clone(), trust })
            };
            match source.kind {
                AlertSourceKind::Prometheus => self.asked.push(Asked::prometheus(index, way(&source.address)?)?),
                AlertSourceKind::Alertmanager => {
                    let tells_rules = source.prometheus.is_none();
                    self.asked.push(Asked::alertmanager(index, way(&source.address)?, tells_rules)?);
                }
                AlertSourceKind::Grafana => self.asked.extend(Asked::grafana(index, &way(&source.address)?)?),
                AlertSourceKind::Webhook => {}
            }
            if let Some(rules) = &source.prometheus {
                self.asked.push(Asked::prometheus(index, way(rules)?)?);
            }
        }
        Ok(())
    }

    /// Asks each at every full second of the load.
    pub fn start(self, clock: Clock) -> Watch {
        let Sources { asked, receivers, tell, told } = self;
        let (finish, finished) = watch::channel(Finish::GoOn);
        let mut tasks = JoinSet::new();
        for one in asked {
            one.begins().into_iter().for_each(|event| drop(tell.send(event)));
            tasks.spawn(each_second(one, clock, tell.clone(), finished.clone()));
        }
        receivers.iter().for_each(|receiver| receiver.begins(clock));
        Watch { told, clock, finish, tasks, receivers, _tell: tell }
    }
}

impl AlertSource {
    /// Where notifications are delivered to.
    fn listens(&self) -> Option<&Text> {
        match self.kind {
            AlertSourceKind::Webhook => Some(&self.address),
            AlertSourceKind::Alertmanager | AlertSourceKind::Prometheus | AlertSourceKind::Grafana => {
                self.receiver.as_ref()
            }
        }
    }
}

fn to_listen(source: &AlertSource, text: &Text, known: &Resolved) -> Result<Vec<SocketAddr>, String> {
    let wrong = |why: &str| format!("`{}` cannot listen for notifications: {why}", source.name);
    let late = "its address must be known before services start, such as `\"127.0.0.1:{port()}\"`";
    let address = known.text(text).map_err(|_| wrong(late))?;
    let (host, port) = address.rsplit_once(':').unwrap_or_default();
    let port = port.parse::<u16>().ok().filter(|port| *port > 0 && !host.is_empty());
    let port = port.ok_or_else(|| wrong(&format!("`{address}` is no address `host:port`")))?;
    let found = addresses(host, port, None).map_err(|why| wrong(&why))?;
    // A `port()` of the file is held up to now.
    known.ports.release(port);
    Ok(found)
}

/// How the looks end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finish {
    GoOn,
    /// After one more look.
    Look,
    AtOnce,
}

async fn each_second(
    mut asked: Asked,
    clock: Clock,
    tell: mpsc::UnboundedSender<Event>,
    mut finished: watch::Receiver<Finish>,
) -> Asked {
    let times = Times::of_load(clock);
    let mut second = interval_at(clock.instant(SECOND).into(), Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let finish = tokio::select! {
            _ = second.tick() => Finish::GoOn,
            finish = finished.wait_for(|finish| *finish != Finish::GoOn) => finish.map_or(Finish::AtOnce, |finish| *finish),
        };
        if finish == Finish::AtOnce {
            return asked;
        }
        asked.look(times).await.into_iter().for_each(|event| drop(tell.send(event)));
        if finish == Finish::Look {
            return asked;
        }
    }
}

/// The sources of a run that goes on.
pub struct Watch {
    told: mpsc::UnboundedReceiver<Event>,
    clock: Clock,
    finish: watch::Sender<Finish>,
    tasks: JoinSet<Asked>,
    receivers: Vec<Receiver>,
    /// So that waiting for what is told ends with the run alone.
    _tell: mpsc::UnboundedSender<Event>,
}

impl Watch {
    /// What is told next.
    pub async fn next(&mut self) -> Option<Event> {
        self.told.recv().await
    }

    /// Goes on for as long as the plan needs behind the load that has ended, unless somebody interrupts it. A run that was cut short is not
    /// waited for.
    pub async fn ended(self, plan: &Plan, was_cut_off: bool, interrupt: &mut Interrupt, mut tell: impl FnMut(Event)) {
        let Watch { mut told, clock, finish, mut tasks, receivers, .. } = self;
        if tasks.is_empty() && receivers.is_empty() {
            return;
        }
        let until = match Alerting::of(plan).end().saturating_add(LATER) {
            end if end > clock.now() => end,
            _ => clock.now().saturating_add(ON_ITS_WAY),
        };
        let until: Instant = if was_cut_off { Instant::now() } else { clock.instant(until).into() };
        let mut is_whole = !was_cut_off;
        loop {
            tokio::select! {
                Some(event) = told.recv() => tell(event),
                () = sleep_until(until) => break,
                () = interrupt.wait() => {
                    is_whole = false;
                    break;
                }
            }
        }
        let _ = finish.send(if is_whole { Finish::Look } else { Finish::AtOnce });
        let times = Times::of_load(clock);
        let mut all = Vec::new();
        while let Some(asked) = tasks.join_next().await {
            all.extend(asked.ok());
        }
        while let Ok(event) = told.try_recv() {
            tell(event);
        }
        all.sort_by_key(|asked| asked.source);
        for mut asked in all {
            if is_whole {
                tokio::select! {
                    history = asked.history(times) => history.into_iter().for_each(&mut tell),
                    () = interrupt.wait() => is_whole = false,
                }
            }
            asked.unasked(times.now()).into_iter().for_each(&mut tell);
        }
        receivers.iter().for_each(|receiver| tell(receiver.received()));
        // Of what came in meanwhile.
        while let Ok(event) = told.try_recv() {
            tell(event);
        }
    }
}
