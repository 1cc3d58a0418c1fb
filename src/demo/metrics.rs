//! What the shop counts, and the page that shows it in the text format of Prometheus.

use super::Shop;
use super::process::Process;
use super::routes::Route;
use axum::http::{Method, StatusCode};
use std::collections::BTreeMap;
use std::fmt::{Display, Formatter, Result};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Upper bounds of the histogram's buckets, in seconds.
const BOUNDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Said of requests whose client left before the answer, as nginx does.
const CLIENT_LEFT: u16 = 499;

#[derive(Default)]
pub struct Metrics {
    routes: [Mutex<Series>; Route::ALL.len()],
    orders: AtomicU64,
}

#[derive(Default, Clone)]
struct Series {
    answers: BTreeMap<(&'static str, u16), u64>,
    /// One more than the bounds: the last bucket has none.
    buckets: [u64; BOUNDS.len() + 1],
    seconds: f64,
}

impl Metrics {
    /// Begins to measure a request.
    pub fn visit(&self, route: Route, method: &Method) -> Visit<'_> {
        let method = match method.as_str() {
            "GET" => "GET",
            "HEAD" => "HEAD",
            "POST" => "POST",
            "PUT" => "PUT",
            "PATCH" => "PATCH",
            "DELETE" => "DELETE",
            "OPTIONS" => "OPTIONS",
            // Clients may invent methods; series must not grow with them.
            _ => "other",
        };
        let series = &self.routes[route as usize];
        Visit { series, method, status: CLIENT_LEFT, started: Instant::now() }
    }

    pub fn count_order(&self) {
        self.orders.fetch_add(1, Ordering::Relaxed);
    }

    /// How many requests were answered, and how many of them with 500 or above.
    pub fn answered(&self) -> (u64, u64) {
        let (mut answers, mut errors) = (0, 0);
        for series in &self.routes {
            let series = series.lock().unwrap_or_else(PoisonError::into_inner);
            answers += series.answers.values().sum::<u64>();
            errors +=
                series.answers.iter().filter(|((_, status), _)| *status >= 500).map(|(_, count)| count).sum::<u64>();
        }
        (answers, errors)
    }

    fn series(&self) -> [(&'static str, Series); Route::ALL.len()] {
        Route::ALL.map(|route| {
            let series = self.routes[route as usize].lock();
            (route.template(), series.unwrap_or_else(PoisonError::into_inner).clone())
        })
    }
}

/// A request on its way through the shop; its end is counted, whatever the end is.
pub struct Visit<'a> {
    series: &'a Mutex<Series>,
    method: &'static str,
    status: u16,
    started: Instant,
}

impl Visit<'_> {
    pub fn answered(mut self, status: StatusCode) {
        self.status = status.as_u16();
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        let seconds = self.started.elapsed().as_secs_f64();
        let bucket = BOUNDS.partition_point(|bound| *bound < seconds);
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        *series.answers.entry((self.method, self.status)).or_default() += 1;
        series.buckets[bucket] += 1;
        series.seconds += seconds;
    }
}

/// The page at `/metrics`.
pub struct MetricsPage<'a>(pub &'a Shop);

impl Display for MetricsPage<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let MetricsPage(shop) = self;
        let series = shop.metrics.series();
        requests(f, &series)?;
        durations(f, &series)?;

        let database = &shop.database;
        gauge(f, "db_up", "Whether the database answers within a second.", u8::from(database.is_up()))?;
        gauge(f, "db_pool_size", "Connections of the database pool.", database.size())?;
        gauge(f, "db_pool_in_use", "Connections that are taken.", database.in_use())?;
        gauge(f, "db_pool_waiting", "Requests that wait for a connection.", database.waiting())?;

        let slots = &shop.slots;
        gauge(f, "checkout_slots_in_use", "Checkout slots that are taken.", slots.in_use())?;
        gauge(f, "checkout_slots_limit", "Checkout slots there are.", slots.limit())?;
        let rejections = shop.limiter.as_ref().map_or(0, |limiter| limiter.rejections());
        counter(f, "rate_limiter_rejections_total", "Requests answered 429.", rejections)?;
        let orders = shop.metrics.orders.load(Ordering::Relaxed);
        counter(f, "orders_total", "Orders placed, repetitions not counted.", orders)?;

        let Some(process) = Process::now() else {
            return Ok(());
        };
        gauge(f, "process_resident_memory_bytes", "Memory in use.", process.resident_bytes)?;
        counter(f, "process_cpu_seconds_total", "Processor time used.", process.cpu_seconds)?;
        gauge(f, "process_start_time_seconds", "Start, in Unix time.", process.started)
    }
}

fn requests(f: &mut Formatter<'_>, routes: &[(&str, Series)]) -> Result {
    let name = "http_requests_total";
    head(f, name, "Requests answered; 499 when the client left before.", "counter")?;
    for (route, series) in routes {
        for ((method, status), count) in &series.answers {
            let labels = format_args!(r#"route="{route}",method="{method}",status="{status}""#);
            writeln!(f, "{name}{{{labels}}} {count}")?;
        }
    }
    Ok(())
}

fn durations(f: &mut Formatter<'_>, routes: &[(&str, Series)]) -> Result {
    let name = "http_request_duration_seconds";
    head(f, name, "Time from a request's head to its answer.", "histogram")?;
    for (route, series) in routes {
        let mut count = 0;
        for (bound, bucket) in BOUNDS.iter().zip(&series.buckets) {
            count += bucket;
            writeln!(f, r#"{name}_bucket{{route="{route}",le="{bound}"}} {count}"#)?;
        }
        count += series.buckets[BOUNDS.len()];
        writeln!(f, r#"{name}_bucket{{route="{route}",le="+Inf"}} {count}"#)?;
        writeln!(f, r#"{name}_sum{{route="{route}"}} {}"#, series.seconds)?;
        writeln!(f, r#"{name}_count{{route="{route}"}} {count}"#)?;
    }
    Ok(())
}

fn gauge(f: &mut Formatter<'_>, name: &str, help: &str, value: impl Display) -> Result {
    head(f, name, help, "gauge")?;
    writeln!(f, "{name} {value}")
}

fn counter(f: &mut Formatter<'_>, name: &str, help: &str, value: impl Display) -> Result {
    head(f, name, help, "counter")?;
    writeln!(f, "{name} {value}")
}

fn head(f: &mut Formatter<'_>, name: &str, help: &str, kind: &str) -> Result {
    writeln!(f, "# HELP {name} {help}\n# TYPE {name} {kind}")
}
