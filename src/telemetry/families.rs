//! The families of metrics: one table of names, units and meanings, whatever the format.

use super::buckets::Buckets;
use super::counters::{Counters, Labels, of_fault, of_load, of_series};
use super::current::Current;
use crate::base::units::SECOND;
use crate::measure::Generator;
use std::time::{SystemTime, UNIX_EPOCH};

/// What every name begins with.
pub const PREFIX: &str = "stressc";

pub struct Family {
    /// Without prefix, unit, and what a format puts behind it.
    pub name: &'static str,
    pub kind: Kind,
    pub unit: Unit,
    pub help: &'static str,
    pub points: Vec<(Labels, Value)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
    /// What is said by its labels, with the value 1.
    Info,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Bytes,
    Ratio,
    /// Of what the name says, in UCUM's braces.
    Of(&'static str),
}

pub enum Value {
    Count(u64),
    Number(f64),
    Buckets(Buckets),
}

impl Unit {
    /// As it stands behind the name.
    pub fn suffix(self) -> Option<&'static str> {
        match self {
            Unit::Seconds => Some("seconds"),
            Unit::Bytes => Some("bytes"),
            Unit::Ratio => Some("ratio"),
            Unit::Of(_) => None,
        }
    }
}

impl Family {
    fn new(name: &'static str, kind: Kind, unit: Unit, help: &'static str) -> Family {
        Family { name, kind, unit, help, points: Vec::new() }
    }

    fn points(mut self, points: impl IntoIterator<Item = (Labels, Value)>) -> Family {
        self.points.extend(points);
        self
    }
}

/// All that is known now; none without a point.
pub fn families(counters: &Counters) -> Vec<Family> {
    let mut all = requests(counters);
    all.extend(iterations(counters));
    all.extend(faults(counters));
    if let Some(run) = &counters.run {
        all.extend(of_run(run));
        all.extend(run.generator.iter().flat_map(of_generator));
    }
    all.retain(|family| !family.points.is_empty());
    all
}

fn with(labels: &Labels, more: &[(&'static str, &str)]) -> Labels {
    labels.iter().cloned().chain(more.iter().map(|(name, value)| (*name, (*value).to_owned()))).collect()
}

fn requests(counters: &Counters) -> Vec<Family> {
    let all = &counters.requests.all;
    let outcomes = all.iter().flat_map(|(labels, own)| {
        let ok = (with(labels, &[("outcome", "ok")]), Value::Count(own.ok));
        std::iter::once(ok).chain(own.failed.iter().map(move |(kind, count)| {
            let outcome = if kind.is_generator() { "generator_failed" } else { "failed" };
            (with(labels, &[("outcome", outcome), ("cause", kind.as_str())]), Value::Count(*count))
        }))
    });
    let of = Unit::Of("{request}");
    vec![
        Family::new(
            "requests",
            Kind::Counter,
            of,
            "Requests that have ended: answered as expected, failed, or failed because of the generator itself.",
        )
        .points(outcomes),
        Family::new("requests_sent", Kind::Counter, of, "Requests that were handed to the network, each once.")
            .points(all.iter().map(|(labels, own)| (labels.clone(), Value::Count(own.sent)))),
        Family::new(
            "request_duration",
            Kind::Histogram,
            Unit::Seconds,
            "Time from the instant at which a request was intended to the last byte of its answer; a request without an answer is above \
             every bound.",
        )
        .points(all.iter().map(|(labels, own)| (labels.clone(), Value::Buckets(own.duration.clone())))),
    ]
}

fn iterations(counters: &Counters) -> Vec<Family> {
    let all = &counters.iterations.all;
    let count = |name, help, of: fn(&super::counters::Iterations) -> u64| {
        let points = all.iter().map(|(labels, own)| (labels.clone(), Value::Count(of(own))));
        Family::new(name, Kind::Counter, Unit::Of("{iteration}"), help).points(points)
    };
    vec![
        count("iterations_started", "Iterations that were started.", |own| own.started),
        count("iterations_finished", "Iterations that have ended, well or not.", |own| own.finished),
        count("iterations_dropped", "Arrivals that found as many iterations under way as may be.", |own| own.dropped),
        count("iterations_unsent", "Arrivals that were never started because the generator was behind.", |own| {
            own.unsent
        }),
        Family::new(
            "schedule_lag",
            Kind::Histogram,
            Unit::Seconds,
            "How much later than intended iterations were started.",
        )
        .points(all.iter().map(|(labels, own)| (labels.clone(), Value::Buckets(own.lag.clone())))),
    ]
}

fn faults(counters: &Counters) -> Vec<Family> {
    let times = counters.injections.all.iter().map(|(labels, times)| (labels.clone(), Value::Count(*times)));
    let help = "How often a fault was put in force.";
    vec![Family::new("fault_injections", Kind::Counter, Unit::Of("{injection}"), help).points(times)]
}

fn flag(is: bool) -> Value {
    Value::Count(u64::from(is))
}

fn of_run(run: &Current) -> Vec<Family> {
    let plan = &run.plan;
    let gauge = |name, unit, help| Family::new(name, Kind::Gauge, unit, help);
    let loads = || (0..plan.loads.len()).map(|load| (load, of_load(plan, load)));
    let (open, closed) = (|load: &usize| plan.loads[*load].is_open(), |load: &usize| !plan.loads[*load].is_open());
    let intended = |(load, labels): (usize, Labels)| Some((labels, Value::Number(run.intended(load)?)));
    let stages = loads().flat_map(|(load, labels)| {
        let stages = plan.loads[load].stages.iter();
        stages.map(move |stage| (with(&labels, &[("stage", &stage.name)]), flag(run.is_in(stage))))
    });
    let requests = (0..plan.series.len()).filter(|series| plan.series[*series].is_request());
    let own = |name: &'static str, value: &str| vec![("scenario", plan.scenario.clone()), (name, value.to_owned())];
    let scenario = || vec![("scenario", plan.scenario.clone())];
    let seconds = |ns: u64| Value::Number(ns as f64 / SECOND as f64);
    let per_second = Unit::Of("{iteration}/s");
    let mut info = vec![
        ("run", run.id.clone()),
        ("seed", run.seed.to_string()),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    info.extend([("scenario", plan.scenario.clone()), ("file", plan.file.clone())]);
    info.extend(plan.profile.iter().map(|profile| ("profile", profile.clone())));
    vec![
        Family::new("run", Kind::Info, Unit::Of("1"), "The run of now, or the last one.")
            .points([(info, Value::Count(1))]),
        gauge("load_start_time", Unit::Seconds, "When the load of the run began, since 1970.")
            .points(run.began.map(|began| (scenario(), Value::Number(since_1970(began))))),
        gauge("load_elapsed", Unit::Seconds, "How long the load of the run has been going on.")
            .points([(scenario(), seconds(run.at))]),
        gauge("load_planned", Unit::Seconds, "How long the load of the run is planned to take, at most.")
            .points([(scenario(), seconds(plan.length))]),
        gauge("load_active", Unit::Of("1"), "Whether the load of the run goes on.")
            .points([(scenario(), flag(run.load_is_active))]),
        gauge("stage_active", Unit::Of("1"), "Whether a stage of a load goes on, as planned.").points(stages),
        gauge(
            "intended_iterations_per_second",
            per_second,
            "The rate at which an open load is planned to start iterations now.",
        )
        .points(loads().filter(|(load, _)| open(load)).filter_map(intended)),
        gauge(
            "started_iterations_per_second",
            per_second,
            "The rate at which a load started iterations in the last whole second.",
        )
        .points(loads().map(|(load, labels)| (labels, Value::Number(run.offered(load))))),
        gauge("users", Unit::Of("{user}"), "The number of users that a closed load is planned to have now.")
            .points(loads().filter(|(load, _)| closed(load)).filter_map(intended)),
        gauge(
            "requests_in_flight",
            Unit::Of("{request}"),
            "Requests that were in flight, on average over the last whole second.",
        )
        .points(requests.map(|series| (of_series(plan, series), Value::Number(run.in_flight(series))))),
        gauge("fault_active", Unit::Of("1"), "Whether a fault is in force.")
            .points(run.in_force.iter().enumerate().map(|(fault, is)| (of_fault(plan, fault), flag(*is)))),
        gauge("service_ready", Unit::Of("1"), "Whether a service that the run started is ready.").points(
            plan.services.iter().zip(&run.ready).map(|(service, is)| (own("service", &service.name), flag(*is))),
        ),
    ]
}

fn since_1970(instant: SystemTime) -> f64 {
    instant.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

fn of_generator(generator: &Generator) -> Vec<Family> {
    let Generator { at: _, cpu, links, busy, waiting, poll_delay, pressed: _, .. } = generator;
    let Generator { descriptors, descriptors_limit, ports, ports_limit, memory, .. } = generator;
    let one = |name, unit, help, value| Family::new(name, Kind::Gauge, unit, help).points([(Vec::new(), value)]);
    let workers = |name, unit, help, values: Vec<f64>| {
        let labels = |worker: usize| vec![("worker", worker.to_string())];
        let points = values.into_iter().enumerate().map(|(worker, value)| (labels(worker), Value::Number(value)));
        Family::new(name, Kind::Gauge, unit, help).points(points)
    };
    let (count, cores) = (Unit::Of("{descriptor}"), Unit::Of("{core}"));
    let delays = poll_delay.iter().map(|delay| *delay as f64 / SECOND as f64).collect();
    vec![
        one("generator_cpu_cores", cores, "How many cores the process of the generator used.", Value::Number(*cpu)),
        one("generator_links_cpu_cores", cores, "How many of these its links used.", Value::Number(*links)),
        workers("generator_worker_busy", Unit::Ratio, "The share of time that a worker ran.", busy.clone()),
        workers(
            "generator_worker_waiting",
            Unit::Ratio,
            "The share of time that a worker was ready and had no core.",
            waiting.clone(),
        ),
        workers(
            "generator_worker_delay",
            Unit::Seconds,
            "How late a worker got to what was ready, as the 99th percentile.",
            delays,
        ),
        one("generator_memory", Unit::Bytes, "Memory of the generator.", Value::Count(*memory)),
        one("generator_open_descriptors", count, "Descriptors that it has open.", Value::Count(*descriptors)),
        one("generator_descriptors_limit", count, "How many it may have open.", Value::Count(*descriptors_limit)),
        one(
            "generator_ports",
            Unit::Of("{port}"),
            "Local TCP ports in use on the whole machine.",
            Value::Count(*ports),
        ),
        one("generator_ports_limit", Unit::Of("{port}"), "How many there are.", Value::Count(*ports_limit)),
    ]
}
