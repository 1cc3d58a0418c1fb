//! The control of a load: handles reports from workers, services, faults and people, one after the other.

use super::crew::Crew;
use super::interrupt::Interrupt;
use super::resolve::again::Lookups;
use super::service::Happened;
use super::{RunError, Services, Settings, alerts, event, fault, health, ledger, random, search, watch};
use crate::base::units::SECOND;
use crate::engine::pace::budget::Budget;
use crate::engine::pace::clock::Clock;
use crate::engine::value::Plain;
use crate::engine::worker::Batch;
use crate::engine::{Phase, phase};
use crate::measure::{Event, Gauges, InFlight, Whole};
use crate::metric;
use crate::plan::{Load, Plan, StageKind};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch as channel};
use tokio::time::{Instant, Interval, interval_at, sleep_until};

/// How long a worker may take to stop. It does so at once, unless it computes.
const TO_STOP: Duration = Duration::from_secs(30);

/// The parts of a load, and the observer that it reports to.
pub struct LoadContext<'r> {
    pub plan: &'r Arc<Plan>,
    pub settings: &'r Settings,
    pub parts: &'r phase::Parts,
    /// What the setup named.
    pub setup: Arc<Vec<Plain>>,
    pub ledgers: &'r mut ledger::Ledgers,
    pub interrupt: &'r mut Interrupt,
    pub tell: &'r mut dyn FnMut(Event),
    /// Its clock, if it went to its end.
    pub began: &'r mut Option<Clock>,
}

/// Makes a load. Returns the offset at which everything had ended.
pub async fn load(around: LoadContext<'_>, services: Services<'_>) -> Result<u64, RunError> {
    let LoadContext { plan, settings, parts, setup, ledgers, interrupt, tell, began } = around;
    let (short, long): (Vec<_>, Vec<_>) =
        random::dealt(plan, settings.seed).into_iter().partition(random::Dealt::is_short);
    let drawn: Vec<Event> = short.into_iter().map(random::Dealt::all).collect();
    let Services { all, known, links, named, guarded, happened, alerts } = services;
    let found: Vec<_> = all.iter().map(|running| running.who()).collect();
    let mut watcher = watch::Watcher::new(plan, &found, known).map_err(RunError::Address)?;
    // What was before anything is sent.
    let before = watcher.look(0).await;
    let searches = search::Searches::new(plan, settings.seed, settings.workers);
    let (phase, watched) = channel::channel(Phase::Run);
    let crew = Crew::hire(plan, settings, (parts, setup), &searches.trials(plan.loads.len()), &watched)?;
    let Crew { threads, waiting, measured, gauges, budget } = crew;
    let clock = super::crew::start(waiting).await;
    *began = Some(clock);
    tell(Event::LoadStarted);
    drawn.into_iter().for_each(&mut *tell);
    before.into_iter().for_each(|before| tell(Event::Gauges(before)));
    let acts = fault::FaultContext {
        plan,
        services: all,
        known,
        endpoints: &parts.endpoints,
        links: links.control(),
        guarded,
        settings,
    };
    let mut control = Control {
        plan,
        workers: settings.workers,
        clock,
        measured,
        phase,
        budget,
        searches,
        aborts: metric::AbortWatch::new(plan),
        in_flight: InFlight::new(plan, settings.workers),
        long,
        done: HashMap::new(),
        watch: watcher.start(clock),
        alerts: alerts.start(clock),
        faults: fault::Faults::start(&acts, clock),
        events: event::Events::start(plan, settings, known, clock),
        lookups: Lookups::start(plan, named, &links.control(), clock)?,
        health: health::Health::new(gauges, links.gauge()),
        guarded,
        happened,
        ledgers,
        interrupt,
        tell,
        second: interval_at(clock.instant(SECOND).into(), Duration::from_secs(1)),
        limit: clock.instant(plan.over()).into(),
        end: clock.instant(planned_end(plan)).into(),
        sending: true,
        watching: true,
        interrupted: false,
        told_to_stop: false,
        stuck: false,
        over: false,
    };
    while control.goes_on() {
        let heard = control.next().await;
        control.hear(heard);
    }
    let was_cut_off = control.interrupted || !control.watching;
    let (at, stuck) = control.close().await;
    if was_cut_off {
        *began = None;
    }
    if stuck {
        let problem = format!(
            "a worker did not stop within {} s of being told to: it is still computing something of an answer",
            TO_STOP.as_secs()
        );
        return Err(RunError::System(std::io::Error::other(problem)));
    }
    for thread in threads {
        match thread.join() {
            Ok(result) => result?,
            Err(_) => return Err(RunError::System(std::io::Error::other("a worker ended before its work did"))),
        }
    }
    Ok(at)
}

/// What is heard while a load goes on.
enum Heard {
    Measured(Batch),
    /// All workers have done their work.
    Sent,
    /// The planned end, after the last of them.
    End,
    Looked(Gauges),
    /// Of a fault or an event of the plan, of a name, or of an alert.
    Told(Event),
    Second,
    UsedUp(String),
    Interrupted,
    Service(Happened),
    Late,
}

struct Control<'r> {
    plan: &'r Plan,
    workers: u64,
    clock: Clock,
    measured: mpsc::UnboundedReceiver<Batch>,
    phase: channel::Sender<Phase>,
    budget: Option<Arc<Budget>>,
    searches: search::Searches<'r>,
    aborts: Option<metric::AbortWatch<'r>>,
    in_flight: InFlight,
    /// The arrivals at random that are counted as time goes on.
    long: Vec<random::Dealt<'r>>,
    /// How many workers have done their part of a `once`, and when the last of them had.
    done: HashMap<(usize, usize), (u64, u64)>,
    watch: watch::Watch,
    alerts: alerts::Watch,
    faults: fault::Faults,
    events: event::Events,
    /// What is looked up again.
    lookups: Lookups,
    health: health::Health,
    guarded: &'r super::guarded::Guarded,
    happened: &'r mut mpsc::UnboundedReceiver<Happened>,
    ledgers: &'r mut ledger::Ledgers,
    interrupt: &'r mut Interrupt,
    tell: &'r mut dyn FnMut(Event),
    second: Interval,
    /// When workers that are still busy are told to stop.
    limit: Instant,
    /// The last arrival is due before it, and an idle stage has none: what is measured of the time belongs to the whole of it.
    end: Instant,
    sending: bool,
    /// The services are all there.
    watching: bool,
    /// By somebody, or by the run itself.
    interrupted: bool,
    /// All workers were told to stop at once, and one does not.
    told_to_stop: bool,
    stuck: bool,
    /// Nothing that is heard now belongs to the load.
    over: bool,
}

impl Control<'_> {
    fn goes_on(&self) -> bool {
        !self.over && (self.sending || (!self.interrupted && self.watching))
    }

    async fn next(&mut self) -> Heard {
        tokio::select! {
            received = self.measured.recv(), if self.sending => received.map_or(Heard::Sent, Heard::Measured),
            () = sleep_until(self.end), if !self.sending => Heard::End,
            Some(look) = self.watch.looks.recv() => Heard::Looked(look),
            Some(event) = self.faults.next() => Heard::Told(event),
            Some(event) = self.events.next() => Heard::Told(event),
            Some(event) = self.lookups.next() => Heard::Told(event),
            Some(event) = self.alerts.next() => Heard::Told(event),
            _ = self.second.tick() => Heard::Second,
            reason = Budget::until_used_up(self.budget.as_ref()), if !self.interrupted => Heard::UsedUp(reason),
            () = self.interrupt.wait() => Heard::Interrupted,
            Some(what) = self.happened.recv(), if self.watching => Heard::Service(what),
            () = sleep_until(self.limit), if self.sending => Heard::Late,
        }
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Measured(measured) => self.measured(measured),
            Heard::Sent => self.sending = false,
            Heard::End => self.over = true,
            Heard::Looked(look) => self.looked(look),
            Heard::Told(event) => (self.tell)(event),
            Heard::Second => self.second(),
            Heard::UsedUp(reason) => self.abort(reason),
            Heard::Interrupted => self.interrupted(),
            Heard::Service(what) => self.service(what),
            Heard::Late => self.late(),
        }
        // The workers may all have ended over it before it was heard.
        if !self.sending && !self.interrupted {
            let reason = self.budget.as_ref().and_then(|budget| budget.reason());
            reason.into_iter().for_each(|reason| self.abort(reason));
        }
    }

    fn tell_all(&mut self, events: impl IntoIterator<Item = Event>) {
        events.into_iter().for_each(&mut *self.tell);
    }

    fn measured(&mut self, measured: Batch) {
        let Batch { worker, until, is_done, slices, examples, causes, done, started, booked } = measured;
        self.ledgers.take(booked);
        for mut slice in slices {
            self.in_flight.take(&mut slice);
            if slice.is_empty() {
                continue;
            }
            if let Some(aborts) = &mut self.aborts {
                aborts.take(&slice);
            }
            self.searches.take(&slice);
            (self.tell)(Event::Slice(slice));
        }
        for Whole { slice, series: in_flight, reading } in self.in_flight.counted(worker, until, is_done) {
            reading.into_iter().for_each(|look| self.looked(look));
            (self.tell)(Event::Reached { slice, in_flight });
        }
        for (load, stage, at) in done {
            let (workers, last) = self.done.entry((load, stage)).or_insert((0, 0));
            (*workers, *last) = (*workers + 1, at.max(*last));
            if *workers == self.workers {
                (self.tell)(Event::Done { load, stage, at: *last });
            }
        }
        if !causes.is_empty() {
            (self.tell)(Event::Failed { causes });
        }
        self.tell_all(examples.into_iter().map(|example| Event::Example(Box::new(example))));
        started.into_iter().for_each(|(load, number)| self.searches.started(load, number));
        let found = self.searches.look(self.clock.now());
        self.tell_all(found);
    }

    fn looked(&mut self, look: Gauges) {
        if let Some(aborts) = &mut self.aborts {
            aborts.see(&look);
        }
        self.searches.see(&look);
        (self.tell)(Event::Gauges(look));
    }

    fn second(&mut self) {
        self.guarded.look_after();
        let at = self.clock.now();
        (self.tell)(Event::Generator(self.health.look(at)));
        self.long.iter_mut().for_each(|dealt| dealt.count_to(at));
        let news = self.ledgers.news(at);
        self.tell_all(news);
        // After the last arrival there is nothing left to stop.
        let is_under_way = !self.interrupted && at < self.plan.length;
        let reason = self.aborts.as_mut().filter(|_| is_under_way).and_then(|aborts| aborts.look(at));
        reason.into_iter().for_each(|reason| self.abort(reason));
    }

    /// The run ends itself.
    fn abort(&mut self, reason: String) {
        self.aborts = None;
        self.end_early(|at| Event::Aborted { at, reason });
    }

    fn interrupted(&mut self) {
        match self.interrupted {
            true => self.order(Phase::Stop { count_timeouts: false }),
            false => self.end_early(|at| Event::Interrupted { at }),
        }
    }

    /// Nothing new is begun, and what is under way has a while to end.
    fn end_early(&mut self, event: impl FnOnce(u64) -> Event) {
        self.interrupted = true;
        self.searches.stop();
        (self.tell)(event(self.clock.now()));
        self.end_acts();
        self.order(Phase::NothingNew);
        self.limit = Instant::now() + drain(self.plan);
    }

    fn service(&mut self, what: Happened) {
        let at = self.clock.now();
        // Nothing more can be learnt without it.
        if matches!(what, Happened::Died { .. } | Happened::Displaced { .. }) {
            self.watching = false;
            self.end_acts();
            self.order(Phase::Stop { count_timeouts: false });
        }
        (self.tell)(as_event(what, at));
    }

    fn late(&mut self) {
        if std::mem::replace(&mut self.told_to_stop, true) {
            (self.stuck, self.over) = (true, true);
            return;
        }
        self.searches.stop();
        self.order(Phase::Stop { count_timeouts: !self.interrupted });
        self.limit = Instant::now() + TO_STOP;
    }

    fn end_acts(&self) {
        self.faults.end();
        self.events.end();
    }

    fn order(&self, phase: Phase) {
        // Where nobody hears it, nobody works any more.
        let _ = self.phase.send(phase);
    }

    /// Takes back what is in force, before anything else is done and before anybody is told that the load has ended. When it had,
    /// and whether a worker is still at something.
    async fn close(self) -> (u64, bool) {
        let Control { plan, tell, mut health, mut in_flight, watch, alerts, long, interrupt, .. } = self;
        let was_cut_off = self.interrupted || !self.watching;
        self.faults.ended(&mut *tell).await;
        self.events.ended(was_cut_off, interrupt, &mut *tell).await;
        let at = self.clock.now();
        tell(Event::Generator(health.look(at)));
        for Whole { slice, series: in_flight, reading } in in_flight.rest(at) {
            reading.into_iter().for_each(|look| tell(Event::Gauges(look)));
            tell(Event::Reached { slice, in_flight });
        }
        match was_cut_off {
            true => watch.abort(),
            false => watch.finish(|look| tell(Event::Gauges(look))).await,
        }
        if !was_cut_off {
            long.into_iter().map(random::Dealt::all).for_each(&mut *tell);
        }
        tell(Event::LoadEnded { at });
        alerts.ended(plan, was_cut_off, interrupt, &mut *tell).await;
        if was_cut_off {
            self.ledgers.leave();
        }
        (at, self.stuck)
    }
}

/// What happened to a service, as an event of the record.
pub fn as_event(what: Happened, at: u64) -> Event {
    match what {
        Happened::Fell { service, ready, status, output } => Event::ServiceFell { service, at, ready, status, output },
        Happened::Died { service, ready, status, output } => Event::ServiceDied { service, at, ready, status, output },
        Happened::Back { service } => Event::ServiceBack { service, at },
        Happened::Displaced { service, problem } => Event::ServiceDisplaced { service, at, problem },
        Happened::Unknown { service, problem } => {
            Event::Problem { problem: format!("the service `{service}`: {problem}") }
        }
    }
}

/// How long what is under way may still take when a run is ended early.
fn drain(plan: &Plan) -> Duration {
    Duration::from_nanos(plan.grace()).min(Duration::from_secs(10))
}

/// When the last load ends that ends at a planned instant.
fn planned_end(plan: &Plan) -> u64 {
    let as_planned = |load: &&Load| {
        load.stages.last().is_some_and(|stage| stage.kind.ends_as_planned() && stage.kind != StageKind::Once)
    };
    plan.loads.iter().filter(as_planned).map(|load| load.shape.end()).max().unwrap_or(0)
}
