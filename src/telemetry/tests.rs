//! Pages of runs that were made up, and who asks for them.

use super::counters::{Counters, Requests};
use super::endpoint::{Shared, locked, serve};
use super::families::{Family, Kind, Unit, Value, families};
use super::text::{Format, page};
use super::*;
use crate::base::units::{MILLISECOND, SECOND};
use crate::measure::{Failure, Generator, Proof, Recorder};
use crate::plan::Share;
use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TEXT: &str = r#"scenario shop {
  service app = demo()
  target api = http(app.url)
  flow browse on api {
    get "/products" as list
    get "/products/1" as product
  }
  load open of browse {
    hold 100/s for 2s as calm
    ramp 100/s -> 300/s over 4s as rise
  }
  load closed of browse {
    hold 7 users for 6s
  }
  fault slow = latency(api, 20ms) during rise
  expect {
    count(open) > 0
  }
}
"#;

fn planned(text: &str) -> Arc<Plan> {
    let path = std::path::Path::new("shop.stress");
    let loaded = crate::inputs::load_text(path, text.to_owned(), &crate::inputs::Asked::default()).unwrap();
    let (program, found) = crate::check::check(&loaded.inputs, &loaded.sources);
    assert!(!found.has_errors(), "{found:?}");
    let (plan, found) = crate::plan::plan(&program.scenarios[0], "shop.stress", Share::WHOLE, crate::inputs::machine());
    assert!(!found.has_errors(), "{found:?}");
    Arc::new(plan)
}

struct Told {
    plan: Arc<Plan>,
    counters: Counters,
}

impl Told {
    fn new() -> Told {
        let mut told = Told { plan: planned(TEXT), counters: Counters::default() };
        told.begin();
        told
    }

    fn begin(&mut self) {
        self.counters.begin(self.plan.clone());
        let started = Event::Started {
            id: "20260101T000000Z-shop-0001".to_owned(),
            started: "2026-01-01T00:00:00Z".to_owned(),
            seed: 7,
            workers: 1,
            version: "0".to_owned(),
            raised: None,
            cores: None,
        };
        self.tell(started);
        self.tell(Event::ServiceReady { service: "app".to_owned(), address: "127.0.0.1:1".to_owned() });
        self.tell(Event::LoadStarted);
    }

    fn tell(&mut self, event: impl std::borrow::Borrow<Event>) {
        self.counters.take(event.borrow(), UNIX_EPOCH + Duration::from_millis(1_500));
    }

    fn series(&self, name: &str) -> usize {
        self.plan.series.iter().position(|series| series.name == name).unwrap()
    }

    /// What a worker hands over.
    fn record(&mut self, record: impl FnOnce(&mut Recorder)) {
        let mut recorder = Recorder::new(Arc::from(self.plan.edges()), &self.plan.series, self.plan.loads.len());
        record(&mut recorder);
        recorder.drain().into_iter().for_each(|slice| self.tell(Event::Slice(slice)));
    }

    fn at(&mut self, at: u64) {
        self.tell(Event::Generator(Generator {
            at,
            cpu: 0.25,
            busy: vec![0.5],
            waiting: vec![0.0],
            poll_delay: vec![40_000],
            ..Generator::default()
        }));
    }

    fn page(&self, format: Format) -> String {
        page(&families(&self.counters), format)
    }

    /// The value of a sample, by all that stands before it.
    fn value(&self, sample: &str) -> Option<f64> {
        let page = self.page(Format::OpenMetrics);
        let of = |line: &str| line.strip_prefix(sample)?.strip_prefix(' ')?.parse().ok();
        page.lines().find_map(of)
    }
}

const PRODUCT: &str = r#"scenario="shop",load="open",flow="browse",step="product""#;

#[test]
fn a_page_tells_what_was_counted() {
    let mut told = Told::new();
    let product = told.series("open.browse.product");
    told.record(|recorder| {
        recorder.started(0, 0, 20_000);
        for (at, outcome) in [
            (0, Ok(())),
            (5, Ok(())),
            (7, Err(Failure::Status)),
            (9, Err(Failure::Timeout)),
            (9, Err(Failure::NoPorts)),
        ] {
            recorder.sent(product, at);
            recorder.sample(product, at, 3 * MILLISECOND, 3 * MILLISECOND, outcome);
        }
        recorder.finished(0, 0);
    });
    for (sample, value) in [
        (format!("stressc_requests_total{{{PRODUCT},outcome=\"ok\"}}"), 2.0),
        (format!("stressc_requests_total{{{PRODUCT},outcome=\"failed\",cause=\"status\"}}"), 1.0),
        (format!("stressc_requests_total{{{PRODUCT},outcome=\"failed\",cause=\"timeout\"}}"), 1.0),
        (format!("stressc_requests_total{{{PRODUCT},outcome=\"generator_failed\",cause=\"no_ports\"}}"), 1.0),
        (format!("stressc_requests_sent_total{{{PRODUCT}}}"), 5.0),
        // Two and the status; the timeout is above every bound, and what the generator failed says nothing.
        (format!("stressc_request_duration_seconds_bucket{{{PRODUCT},le=\"0.0025\"}}"), 0.0),
        (format!("stressc_request_duration_seconds_bucket{{{PRODUCT},le=\"0.005\"}}"), 3.0),
        (format!("stressc_request_duration_seconds_bucket{{{PRODUCT},le=\"30.0\"}}"), 3.0),
        (format!("stressc_request_duration_seconds_bucket{{{PRODUCT},le=\"+Inf\"}}"), 4.0),
        (format!("stressc_request_duration_seconds_count{{{PRODUCT}}}"), 4.0),
        ("stressc_iterations_started_total{scenario=\"shop\",load=\"open\"}".to_owned(), 1.0),
        ("stressc_iterations_finished_total{scenario=\"shop\",load=\"open\"}".to_owned(), 1.0),
        ("stressc_iterations_dropped_total{scenario=\"shop\",load=\"closed\"}".to_owned(), 0.0),
        ("stressc_schedule_lag_seconds_bucket{scenario=\"shop\",load=\"open\",le=\"0.0001\"}".to_owned(), 1.0),
        ("stressc_load_start_time_seconds{scenario=\"shop\"}".to_owned(), 1.5),
        ("stressc_service_ready{scenario=\"shop\",service=\"app\"}".to_owned(), 1.0),
    ] {
        assert_eq!(told.value(&sample), Some(value), "{sample} of\n{}", told.page(Format::OpenMetrics));
    }
    let sum = told.value(&format!("stressc_request_duration_seconds_sum{{{PRODUCT}}}")).unwrap();
    assert!((sum - 0.012).abs() < 1e-5, "{sum}");
    let page = told.page(Format::OpenMetrics);
    let info = "stressc_run_info{run=\"20260101T000000Z-shop-0001\",seed=\"7\",version=\"";
    assert!(page.lines().any(|line| line.starts_with(info) && line.ends_with("file=\"shop.stress\"} 1")), "{page}");
    assert!(page.ends_with("\n# EOF\n") && !page.contains("_created"), "{page}");
}

#[test]
fn gauges_tell_what_is_in_force_now() {
    let mut told = Told::new();
    let of = |load: &str, what: &str| format!("stressc_{what}{{scenario=\"shop\",load=\"{load}\"}}");
    let stage = |name: &str| format!("stressc_stage_active{{scenario=\"shop\",load=\"open\",stage=\"{name}\"}}");
    let fault = "stressc_fault_active{scenario=\"shop\",fault=\"slow\"}";
    told.at(SECOND);
    assert_eq!(told.value(&of("open", "intended_iterations_per_second")), Some(100.0));
    assert_eq!(told.value(&of("closed", "users")), Some(7.0));
    assert_eq!(told.value(&of("closed", "intended_iterations_per_second")), None, "it is closed");
    assert_eq!((told.value(&stage("calm")), told.value(&stage("rise"))), (Some(1.0), Some(0.0)));
    assert_eq!(told.value(fault), Some(0.0));
    told.at(4 * SECOND);
    let (planned, applied) = ((2 * SECOND, 6 * SECOND), (2 * SECOND, 2 * SECOND));
    told.tell(Event::FaultApplied { fault: 0, planned, applied, mechanism: "link".to_owned() });
    assert_eq!(told.value(&of("open", "intended_iterations_per_second")), Some(200.0));
    assert_eq!((told.value(&stage("calm")), told.value(&stage("rise"))), (Some(0.0), Some(1.0)));
    assert_eq!(told.value(fault), Some(1.0));
    // What cannot be taken back is still there.
    told.tell(Event::FaultFailed { fault: 0, planned, at: 5 * SECOND, problem: "busy".to_owned() });
    assert_eq!(told.value(fault), Some(1.0));
    let (withdrawn, proof) = ((6 * SECOND, 6 * SECOND), Proof::default());
    told.tell(Event::FaultWithdrawn { fault: 0, planned, withdrawn, proof, shown: None, unproven: None });
    assert_eq!(told.value(fault), Some(0.0));
    assert_eq!(told.value("stressc_fault_injections_total{scenario=\"shop\",fault=\"slow\"}"), Some(1.0));
    assert_eq!(told.value("stressc_generator_worker_busy_ratio{worker=\"0\"}"), Some(0.5));
    assert_eq!(told.value("stressc_generator_worker_delay_seconds{worker=\"0\"}"), Some(0.000_04));
    told.tell(Event::LoadEnded { at: 6 * SECOND });
    assert_eq!(told.value(&of("open", "intended_iterations_per_second")), Some(0.0));
    assert_eq!(told.value("stressc_load_active{scenario=\"shop\"}"), Some(0.0));
}

/// A second is cut at edges of windows; what belongs to it counts once it is whole, and neither before nor behind.
#[test]
fn what_goes_on_is_that_of_the_last_whole_second() {
    let mut told = Told::new();
    let (edges, product) = (told.plan.edges(), told.series("open.browse.product"));
    let started = "stressc_started_iterations_per_second{scenario=\"shop\",load=\"open\"}";
    let in_flight = format!("stressc_requests_in_flight{{{PRODUCT}}}");
    let counted = |told: &mut Told, until: u64, of: f64| {
        let slices = (0..edges.len() as u32 - 1).filter(|slice| edges[*slice as usize + 1] <= until);
        let from = told.counters.run.as_ref().unwrap().whole().map_or(0, |last| last + 1);
        slices.filter(|slice| *slice >= from).for_each(|slice| {
            told.tell(Event::Reached { slice, in_flight: BTreeMap::from([(product as u32, of)]) });
        });
    };
    assert!(edges.iter().filter(|edge| (SECOND..=2 * SECOND).contains(*edge)).count() > 2, "{edges:?}");
    let started_in = |told: &mut Told, second: u64, count: u64| {
        told.record(|recorder| (0..count).for_each(|k| recorder.started(0, second * SECOND + k * SECOND / count, 0)));
    };
    started_in(&mut told, 0, 40);
    assert_eq!((told.value(started), told.value(&in_flight)), (Some(0.0), Some(0.0)));
    counted(&mut told, SECOND, 3.0);
    assert_eq!((told.value(started), told.value(&in_flight)), (Some(40.0), Some(3.0)));
    started_in(&mut told, 1, 80);
    assert_eq!(told.value(started), Some(40.0), "the second is not whole");
    counted(&mut told, 2 * SECOND, 5.0);
    assert_eq!((told.value(started), told.value(&in_flight)), (Some(80.0), Some(5.0)));
    started_in(&mut told, 0, 10);
    assert_eq!(told.value(started), Some(80.0), "what comes late is of another second");
    assert_eq!(told.value("stressc_iterations_started_total{scenario=\"shop\",load=\"open\"}"), Some(130.0));
}

#[test]
fn counters_go_on_from_run_to_run() {
    let mut told = Told::new();
    let product = told.series("open.browse.product");
    let ok = format!("stressc_requests_total{{{PRODUCT},outcome=\"ok\"}}");
    for run in 1..=2 {
        told.record(|recorder| recorder.sample(product, 0, 5, 5, Ok(())));
        told.at(SECOND);
        assert_eq!(told.value(&ok), Some(f64::from(run)));
        assert_eq!(told.value("stressc_load_elapsed_seconds{scenario=\"shop\"}"), Some(1.0));
        told.begin();
        assert_eq!(told.value("stressc_load_elapsed_seconds{scenario=\"shop\"}"), Some(0.0));
    }
    assert_eq!(told.page(Format::OpenMetrics).lines().filter(|line| line.starts_with(&ok)).count(), 1);
}

#[test]
fn both_formats_say_the_same() {
    let labels = vec![("scenario", "a \"b\"\\\n".to_owned())];
    let family = |name, kind, unit, value| Family {
        name,
        kind,
        unit,
        help: "What it is.",
        points: vec![(labels.clone(), value)],
    };
    let mut own = Requests::default();
    own.duration.counts[10] = 2;
    own.duration.counts[15] = 1;
    let all = [
        family("requests", Kind::Counter, Unit::Of("{request}"), Value::Count(3)),
        family("memory", Kind::Gauge, Unit::Bytes, Value::Number(f64::INFINITY)),
        family("run", Kind::Info, Unit::Of("1"), Value::Count(1)),
        family("took", Kind::Histogram, Unit::Seconds, Value::Buckets(own.duration)),
    ];
    let open = page(&all, Format::OpenMetrics);
    let written = r#"{scenario="a \"b\"\\\n"}"#;
    let first = format!(
        "# HELP stressc_requests What it is.\n# TYPE stressc_requests counter\nstressc_requests_total{written} 3\n\
         # HELP stressc_memory_bytes What it is.\n# TYPE stressc_memory_bytes gauge\n# UNIT stressc_memory_bytes bytes\n\
         stressc_memory_bytes{written} +Inf\n\
         # HELP stressc_run What it is.\n# TYPE stressc_run info\nstressc_run_info{written} 1\n"
    );
    assert!(open.starts_with(&first), "{open}");
    assert!(open.contains(r#",le="1.0"} 2"#) && open.contains(r#",le="+Inf"} 3"#), "{open}");
    let old = page(&all, Format::Prometheus);
    assert!(
        old.contains("# TYPE stressc_requests_total counter\n") && old.contains("# TYPE stressc_run_info gauge\n"),
        "{old}"
    );
    assert!(old.contains(r#",le="1"} 2"#) && !old.contains("# UNIT") && !old.contains("# EOF"), "{old}");
}

#[test]
fn a_format_is_what_an_accept_prefers() {
    let of_prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    for (accept, means) in [
        (of_prometheus, Format::OpenMetrics),
        (
            "application/openmetrics-text; version=1.0.0; escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3",
            Format::OpenMetrics,
        ),
        ("application/openmetrics-text", Format::OpenMetrics),
        ("Application/OpenMetrics-Text; Version=1.0.0", Format::OpenMetrics),
        ("application/openmetrics-text;version=0.0.1", Format::Prometheus),
        ("application/openmetrics-text;q=0.2,text/plain", Format::Prometheus),
        ("application/openmetrics-text;q=0", Format::Prometheus),
        ("application/openmetrics-text;q=nan", Format::Prometheus),
        ("text/html,*/*;q=0.8", Format::Prometheus),
        ("", Format::Prometheus),
        (";;q=,,=;", Format::Prometheus),
    ] {
        assert_eq!(Format::accepted(accept), means, "{accept}");
    }
}

#[test]
fn who_scrapes_regularly_is_awaited_once() {
    let [a, b, c] = [("Prometheus", 1), ("Prometheus", 2), ("curl", 1)]
        .map(|(agent, host)| move || (std::net::IpAddr::from([127, 0, 0, host]), agent.to_owned()));
    let start = Instant::now();
    let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
    let mut shared = Shared::default();
    assert_eq!(shared.awaits(at(0.0)), None, "nobody scrapes");
    shared.scraped(c(), at(0.0));
    assert_eq!(shared.awaits(at(1.0)), None, "nobody knows whether it comes again");
    [0.0, 10.0, 20.0].into_iter().for_each(|seconds| shared.scraped(a(), at(seconds)));
    [18.0, 20.0].into_iter().for_each(|seconds| shared.scraped(b(), at(seconds)));
    shared.finish();
    assert_eq!(shared.awaits(at(22.0)), Some(Duration::from_secs_f64(10.5)), "the slower of both");
    shared.scraped(a(), at(30.0));
    assert_eq!(shared.awaits(at(22.0)), Some(Duration::from_secs_f64(0.5)), "the quicker one has not come");
    assert_eq!(shared.awaits(at(22.6)), None, "and is not awaited any longer");
}

async fn asked(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn who_asks_badly_holds_nobody() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shared = Sharing::default();
    locked(&shared).counters = Told::new().counters;
    tokio::spawn(serve(listener, shared));
    let good = b"GET /metrics?x=1 HTTP/1.1\r\nHost: x\r\nAccept: application/openmetrics-text; version=1.0.0\r\n\r\n";
    let page = asked(address, good).await;
    assert!(
        page.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text; version=1.0.0;"),
        "{page}"
    );
    let (head, body) = page.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())) && body.ends_with("# EOF\n"), "{page}");
    let head_alone = asked(address, b"HEAD /metrics HTTP/1.0\r\n\r\n").await;
    assert!(
        head_alone.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain") && head_alone.ends_with("\r\n\r\n"),
        "{head_alone}"
    );
    let long = [b"GET /metrics HTTP/1.1\r\nX: ".as_slice(), &[b'x'; 64 << 10]].concat();
    let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(100));
    for (request, status) in [
        (&b"POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"[..], "405 "),
        (b"GET / HTTP/1.1\r\n\r\n", "404 "),
        (b"GET http://elsewhere/metrics HTTP/1.1\r\n\r\n", "404 "),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a handshake of TLS\r\n\r\n", "400 "),
        (b"\r\n\r\n\r\nHELO\r\n\r\n", "400 "),
        (&long, "431 "),
        (many.as_bytes(), "400 "),
    ] {
        let answer = asked(address, request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer:?} to {:?}",
            String::from_utf8_lossy(&request[..20])
        );
    }
    // Those who say nothing, half of it, or read nothing, more of them than there is room for.
    let mut idle = Vec::new();
    for number in 0..100 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let said: &[u8] = if number % 2 == 0 { b"" } else { &good[..good.len() - 2] };
        stream.write_all(said).await.unwrap();
        idle.push(stream);
        if number % 10 == 0 {
            assert!(asked(address, good).await.ends_with("# EOF\n"), "behind {number} others");
        }
    }
    assert_eq!(idle[0].read(&mut [0]).await.unwrap_or(0), 0, "the oldest was sent away");
}

#[test]
fn a_port_in_use_is_told_at_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let problem = Telemetry::start(&[Stream::OpenMetrics(address)], &Credentials::default()).err().unwrap();
    assert_eq!(
        problem,
        format!(
            "`openmetrics={address}`: port {} is in use; end what listens there, or name another port",
            address.port()
        )
    );
    let elsewhere = Telemetry::start(&[Stream::OpenMetrics("192.0.2.1:0".parse().unwrap())], &Credentials::default())
        .err()
        .unwrap();
    assert_eq!(elsewhere, "`openmetrics=192.0.2.1:0`: 192.0.2.1 is no address of this machine");
}

/// The reference lists each metric, and no other.
#[test]
fn the_reference_lists_the_metrics() {
    let mut told = Told::new();
    let product = told.series("open.browse.product");
    told.record(|recorder| recorder.sample(product, 0, 5, 5, Ok(())));
    told.at(SECOND);
    let all = families(&told.counters);
    let name = |family: &Family| {
        let unit = family.unit.suffix().map_or_else(String::new, |unit| format!("_{unit}"));
        let behind = match family.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        format!("stressc_{}{unit}{behind}", family.name)
    };
    let mut are: Vec<String> = all.iter().map(name).collect();
    let reference = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/grammar/reference.md")).unwrap();
    let rows = reference.lines().filter(|line| line.starts_with("| `stressc_"));
    let mut listed: Vec<String> = rows
        .flat_map(|row| row.split('|').nth(1).unwrap().split('`').filter(|name| name.starts_with("stressc_")))
        .map(str::to_owned)
        .collect();
    are.sort();
    listed.sort();
    assert_eq!(listed, are);
}

/// What stands on the page is in the message, in the units of OpenTelemetry.
#[test]
fn a_message_of_otlp_says_what_the_page_says() {
    use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data, number_data_point};
    let mut told = Told::new();
    let product = told.series("open.browse.product");
    told.record(|recorder| recorder.sample(product, 0, 5, 5, Ok(())));
    told.at(SECOND);
    let all = families(&told.counters);
    let span = otlp::Span::new(UNIX_EPOCH + Duration::from_secs(1), UNIX_EPOCH + Duration::from_secs(3));
    let message = otlp::request(&all, span);
    let metrics = &message.resource_metrics[0].scope_metrics[0].metrics;
    assert_eq!(metrics.len(), all.len());
    let one = |name: &str| -> &Metric { metrics.iter().find(|metric| metric.name == name).unwrap() };
    let Some(Data::Sum(ended)) = &one("stressc.requests").data else { panic!("{metrics:#?}") };
    let [point] = ended
        .data_points
        .iter()
        .filter(|point| point.value != Some(number_data_point::Value::AsInt(0)))
        .collect::<Vec<_>>()[..]
    else {
        panic!("{ended:#?}")
    };
    assert!(format!("{:?}", point.attributes).contains("\"product\""), "{point:#?}");
    assert_eq!(point.value, Some(number_data_point::Value::AsInt(1)));
    assert_eq!((point.start_time_unix_nano, point.time_unix_nano), (SECOND, 3 * SECOND));
    let duration = one("stressc.request_duration");
    let Some(Data::Histogram(duration_data)) = &duration.data else { panic!("{duration:#?}") };
    let filled = duration_data.data_points.iter().find(|point| point.count == 1).unwrap();
    assert_eq!((duration.unit.as_str(), filled.explicit_bounds[0]), ("s", 0.0005));
    assert_eq!(filled.bucket_counts.len(), filled.explicit_bounds.len() + 1);
    assert_eq!(one("stressc.generator_memory").unit, "By");
}

/// A stage that is cut short ends with the load, and a fault that was never in force is none.
#[test]
fn what_is_over_is_an_annotation() {
    let plan = planned(TEXT);
    let mut annotations = annotations::Annotations::default();
    annotations.begin(plan);
    let mut take = |event: Event| annotations.take(&event, UNIX_EPOCH + Duration::from_secs(100));
    assert!(take(Event::LoadStarted).is_empty());
    let planned = (2 * SECOND, 6 * SECOND);
    let failed = Event::FaultFailed { fault: 0, planned, at: SECOND, problem: String::new() };
    assert!(take(failed).is_empty());
    let (applied, mechanism) = ((2 * SECOND, 2 * SECOND), "a link".to_owned());
    assert!(take(Event::FaultApplied { fault: 0, planned, applied, mechanism }).is_empty());
    let texts = |all: &[annotations::Annotation]| {
        let text = |own: &annotations::Annotation| (own.text.clone(), own.time - 100_000, own.time_end - 100_000);
        all.iter().map(text).collect::<Vec<_>>()
    };
    let over = take(Event::Generator(Generator { at: 2 * SECOND, ..Generator::default() }));
    assert_eq!(texts(&over), [("stage open.calm".to_owned(), 0, 2000)]);
    let ended = take(Event::LoadEnded { at: 5 * SECOND });
    let names: Vec<(String, u64, u64)> = texts(&ended);
    assert_eq!(names[0], ("stage open.rise".to_owned(), 2000, 5000));
    assert_eq!(names.last().unwrap(), &("run of shop".to_owned(), 0, 5000));
    assert_eq!(names.len(), 3, "{names:?}");
    let rest = take(Event::Ended { at: 7 * SECOND });
    assert_eq!(texts(&rest), [("fault slow: a link".to_owned(), 2000, 7000)]);
    assert_eq!(rest[0].tags[3], "fault:slow");
}
