//! What is sent to collectors while a run goes on: metrics every few seconds, annotations as they are over. Each collector has a task of its own,
//! and what waits for one has a bound, so that none of them delays the run or another.

use super::annotations::{Annotation, Annotations};
use super::collector::Collector;
use super::endpoint::{Sharing, locked};
use super::families::families;
use super::{Credentials, otlp};
use crate::measure::Event;
use crate::plan::Plan;
use prost::Message;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout_at};

/// How often metrics are sent.
const EVERY: Duration = Duration::from_secs(5);
/// Annotations that wait to be sent.
const WAITING: usize = 1_000;
/// How often one is tried, and the pause in between.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

pub struct Pushed {
    /// Since when counters count.
    since: SystemTime,
    metrics: Vec<Metrics>,
    annotated: Vec<Annotated>,
    annotations: Annotations,
}

/// A collector of metrics.
struct Metrics {
    collector: Arc<Collector>,
    shown: String,
    task: Option<JoinHandle<()>>,
}

/// A Grafana.
struct Annotated {
    collector: Arc<Collector>,
    shown: String,
    send: Option<Sender<Annotation>>,
    /// How many have not been answered.
    open: Arc<AtomicU64>,
    task: Option<JoinHandle<()>>,
}

impl Pushed {
    pub fn new(since: SystemTime) -> Pushed {
        Pushed { since, metrics: Vec::new(), annotated: Vec::new(), annotations: Annotations::default() }
    }

    pub fn otlp(&mut self, url: &str, credentials: &Credentials) -> Result<(), String> {
        let collector = Arc::new(Collector::new(url, "/v1/metrics", &credentials.otlp)?);
        self.metrics.push(Metrics { collector, shown: format!("otlp={url}"), task: None });
        Ok(())
    }

    pub fn grafana(&mut self, url: &str, credentials: &Credentials) -> Result<(), String> {
        if credentials.grafana.is_empty() {
            let token = "set GRAFANA_TOKEN to the token of a service account that may write annotations";
            return Err(token.to_owned());
        }
        let collector = Arc::new(Collector::new(url, "/api/annotations", &credentials.grafana)?);
        let shown = format!("grafana={url}");
        self.annotated.push(Annotated { collector, shown, send: None, open: Arc::default(), task: None });
        Ok(())
    }

    /// Begins to send. It is called on the runtime that does it.
    pub fn start(&mut self, shared: &Sharing) {
        for own in &mut self.metrics {
            let (collector, shared, since) = (own.collector.clone(), shared.clone(), self.since);
            own.task = Some(tokio::spawn(async move {
                let mut tick = interval(EVERY);
                tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
                // The first comes at once.
                tick.tick().await;
                loop {
                    tick.tick().await;
                    export(&collector, &shared, since).await;
                }
            }));
        }
        for own in &mut self.annotated {
            let (send, waiting) = channel(WAITING);
            own.send = Some(send);
            own.task = Some(tokio::spawn(annotate(own.collector.clone(), own.open.clone(), waiting)));
        }
    }

    pub fn begin(&mut self, plan: Arc<Plan>) {
        if !self.annotated.is_empty() {
            self.annotations.begin(plan);
        }
    }

    pub fn take(&mut self, event: &Event, now: SystemTime) {
        if self.annotated.is_empty() {
            return;
        }
        for annotation in self.annotations.take(event, now) {
            for own in &self.annotated {
                match own.send.as_ref().map(|send| send.try_send(annotation.clone())) {
                    Some(Ok(())) => {
                        own.open.fetch_add(1, Ordering::Relaxed);
                    }
                    Some(Err(_)) | None => own.collector.count(Err(format!("more than {WAITING} of them waited"))),
                }
            }
        }
    }

    /// Sends what is left, within some time, and says what did not arrive.
    pub async fn finish(&mut self, shared: &Sharing, within: Duration) -> Vec<String> {
        let end = Instant::now() + within;
        let mut problems = Vec::new();
        for own in &mut self.metrics {
            own.task.take().into_iter().for_each(|task| task.abort());
        }
        let last: Vec<JoinHandle<()>> = self
            .metrics
            .iter()
            .map(|own| {
                let (collector, shared, since) = (own.collector.clone(), shared.clone(), self.since);
                tokio::spawn(async move { export(&collector, &shared, since).await })
            })
            .collect();
        for (own, last) in self.metrics.iter().zip(last) {
            if timeout_at(end, last).await.is_err() {
                own.collector.count(Err("no answer before the end".to_owned()));
            }
            problems.extend(own.collector.problem("exports").map(|why| format!("`{}`: {why}", own.shown)));
        }
        for own in &mut self.annotated {
            // Without a sender its task ends after the last of them.
            own.send = None;
            if let Some(mut task) = own.task.take()
                && timeout_at(end, &mut task).await.is_err()
            {
                task.abort();
                let open = own.open.load(Ordering::Relaxed);
                (0..open).for_each(|_| own.collector.count(Err("no answer before the end".to_owned())));
            }
            problems.extend(own.collector.problem("annotations").map(|why| format!("`{}`: {why}", own.shown)));
        }
        problems
    }
}

/// All that is known now. Counters are sums since the start, so that an export that did not arrive loses nothing.
async fn export(collector: &Collector, shared: &Sharing, since: SystemTime) {
    let span = otlp::Span::new(since, SystemTime::now());
    let body = otlp::request(&families(&locked(shared).counters), span).encode_to_vec();
    let outcome = collector.post("application/x-protobuf", body).await;
    collector.count(outcome);
}

/// One after the other, in their order.
async fn annotate(collector: Arc<Collector>, open: Arc<AtomicU64>, mut waiting: Receiver<Annotation>) {
    while let Some(annotation) = waiting.recv().await {
        let Ok(body) = serde_json::to_vec(&annotation) else { continue };
        let mut outcome = collector.post("application/json", body.clone()).await;
        for _ in 1..TRIES {
            if outcome.is_ok() {
                break;
            }
            sleep(PAUSE).await;
            outcome = collector.post("application/json", body.clone()).await;
        }
        collector.count(outcome);
        open.fetch_sub(1, Ordering::Relaxed);
    }
}
