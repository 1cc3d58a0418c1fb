//! What a run tells other programs while it goes on, as those read it.

use crate::support::left_out::left_out;
use crate::support::{Place, Ran, Server, program, rest, scenario, wait_until};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::metrics::v1::{NumberDataPoint, metric, number_data_point};
use prost::Message;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A port that nobody listens at.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// The body of an answer; empty where nobody answers.
fn got(address: SocketAddr, path: &str, headers: &str) -> String {
    let Ok(mut stream) = TcpStream::connect(address) else { return String::new() };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    let mut answer = Vec::new();
    let asked = write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n{headers}\r\n");
    if asked.and_then(|()| stream.read_to_end(&mut answer)).is_err() {
        return String::new();
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer.split_once("\r\n\r\n").map_or_else(String::new, |(_, body)| body.to_owned())
}

/// A real Prometheus that scrapes one page.
struct Prometheus {
    child: Child,
    address: SocketAddr,
}

impl Prometheus {
    fn start(program: &Path, place: &Place, scraped: SocketAddr) -> Prometheus {
        let job = format!("[{{job_name: stressc, static_configs: [{{targets: [\"{scraped}\"]}}]}}]");
        let config =
            place.write("prometheus.yml", &format!("global: {{scrape_interval: 1s}}\nscrape_configs: {job}\n"));
        let address = free();
        let mut command = Command::new(program);
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", place.path().join("tsdb").display()));
        command.args([&format!("--web.listen-address={address}"), "--log.level=error"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let prometheus = Prometheus { child, address };
        // It learns of its targets some seconds after it is ready.
        wait_until("the Prometheus has its target", Duration::from_secs(30), || {
            got(address, "/api/v1/targets", "").contains("scrapeUrl")
        });
        prometheus
    }

    /// The value of a query that has one.
    fn asked(&self, query: &str) -> Option<f64> {
        let query: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let answer = got(self.address, &format!("/api/v1/query?query={query}"), "");
        let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
        answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How many requests of a run have ended, by its report.
fn ended(result: &Value) -> f64 {
    let windows = result["windows"].as_array().unwrap().iter();
    let rows = windows.flat_map(|window| window["steps"].as_array().unwrap());
    rows.filter(|row| row["is_request"] == true).map(|row| row["samples"].as_f64().unwrap()).sum()
}

/// All that a Prometheus has of a run in the end is what stands in the report.
#[test]
fn a_prometheus_has_what_the_report_has() {
    let Some(program) = program(&["prometheus"]) else { return left_out("Prometheus is not installed") };
    let (place, server, page) = (Place::new(), Server::start(Duration::from_millis(2)), free());
    let prometheus = Prometheus::start(&program, &place, page);
    let text = scenario(
        &server.address.to_string(),
        "    get \"/more\" as more",
        // Long enough for a Prometheus on a busy machine to see the users and the fault.
        "    hold 6 users for 12s as plateau",
        "    count(main) > 0",
    );
    place.write(
        "test.stress",
        &text.replace("  expect", "  fault slow = latency(api, 20ms) at plateau + 1s for 10s\n  expect"),
    );
    let child = place.spawn(&["run", "test.stress", "--no-progress", "--out", &format!("openmetrics={page}")]);
    let sent = "stressc_requests_sent_total{scenario=\"test\",load=\"main\",flow=\"browse\",step=\"more\"} ";
    let mut seen = String::new();
    wait_until("the page tells of requests", Duration::from_secs(20), || {
        seen = got(page, "/metrics", "");
        seen.lines().any(|line| line.strip_prefix(sent).is_some_and(|count| count != "0"))
    });
    checked(&seen);
    let ran = place.ended(child.wait_with_output().unwrap());
    ran.passed();
    assert!(ran.err.contains(&format!("metrics at http://{page}/metrics\n")), "{}", ran.err);
    let report = ended(&ran.result);
    assert_eq!(report, server.count() as f64, "{}", ran.result["windows"]);
    for (query, is) in [
        ("sum(max_over_time(stressc_requests_total{outcome=\"ok\"}[2m]))", report),
        ("sum(max_over_time(stressc_request_duration_seconds_count[2m]))", report),
        ("sum(max_over_time(stressc_request_duration_seconds_bucket{le=\"+Inf\"}[2m]))", report),
        (
            "sum(max_over_time(stressc_iterations_finished_total[2m]))",
            ran.result["loads"][0]["finished"].as_f64().unwrap(),
        ),
        ("max_over_time(stressc_fault_active{fault=\"slow\"}[2m])", 1.0),
        ("min_over_time(stressc_fault_active{fault=\"slow\"}[2m])", 0.0),
        ("max_over_time(stressc_users[2m])", 6.0),
        ("last_over_time(stressc_load_active[2m])", 0.0),
        ("count(last_over_time(stressc_run_info[2m]))", 1.0),
    ] {
        assert_eq!(prometheus.asked(query), Some(is), "{query}\n{}", got(prometheus.address, "/api/v1/targets", ""));
    }
    // Of six users each has one in flight or is between two.
    let in_flight = prometheus.asked("max(max_over_time(sum(stressc_requests_in_flight)[2m:1s]))").unwrap();
    assert!(in_flight > 3.0 && in_flight <= 6.0, "{in_flight}");
    let lasted = prometheus
        .asked("histogram_quantile(0.5, sum by (le) (max_over_time(stressc_request_duration_seconds_bucket[2m])))");
    assert!(lasted.is_some_and(|half| half > 0.001 && half < 0.1), "{lasted:?}");
}

/// What Prometheus's own tool says of a page.
fn checked(page: &str) {
    let Some(promtool) = program(&["promtool"]) else { return };
    let mut child = Command::new(promtool);
    let child = child.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let said = child.wait_with_output().unwrap();
    assert!(
        said.status.success(),
        "{}{}\n{page}",
        String::from_utf8_lossy(&said.stdout),
        String::from_utf8_lossy(&said.stderr)
    );
}

/// A suite is one stream: what was counted of its first scenario still stands there during its second.
#[test]
fn a_suite_is_one_stream_and_nobody_is_awaited_in_vain() {
    let (place, server, page) = (Place::new(), Server::start(Duration::ZERO), free());
    let one = scenario(&server.address.to_string(), "", "    hold 50/s for 1s", "    count(main) > 0");
    let other = one.replace("scenario test", "scenario other").replace("for 1s", "for 2s");
    place.write("test.stress", &format!("{one}{other}suite both {{\n  area all: test, other\n}}\n"));
    let out = format!("openmetrics={page}");
    let child = place.spawn(&["run", "test.stress:both", "--no-progress", "--out", &out]);
    let of = |scenario: &str| format!("stressc_iterations_finished_total{{scenario=\"{scenario}\",load=\"main\"}} 50");
    let mut seen = String::new();
    wait_until("the second scenario runs", Duration::from_secs(20), || {
        let asked = got(page, "/metrics", "Accept: application/openmetrics-text; version=1.0.0\r\n");
        let both = asked.contains("stressc_load_active{scenario=\"other\"} 1\n");
        seen = if both { asked } else { std::mem::take(&mut seen) };
        both
    });
    assert!(seen.lines().any(|line| line == of("test")) && seen.ends_with("# EOF\n"), "{seen}");
    assert!(!seen.contains("stressc_load_active{scenario=\"test\"}"), "{seen}");
    let ran = place.ended(child.wait_with_output().unwrap());
    assert!(matches!(ran.code, 0 | 5) && !ran.err.contains("waiting"), "{}{}", ran.out, ran.err);
}

/// A wait for somebody who scrapes seldom ends as soon as nobody wants to wait.
#[test]
fn a_wait_for_the_last_scrape_is_ended_by_a_signal() {
    let (place, server, page) = (Place::new(), Server::start(Duration::ZERO), free());
    place.write("test.stress", &server.scenario("    hold 50/s for 6s", "    count(main) > 0"));
    let mut child =
        place.spawn(&["run", "test.stress", "--no-progress", "--quiet", "--out", &format!("openmetrics={page}")]);
    wait_until("the load goes on", Duration::from_secs(20), || {
        got(page, "/metrics", "").contains("stressc_load_active{scenario=\"test\"} 1\n")
    });
    let first = Instant::now();
    std::thread::sleep(Duration::from_secs(5));
    assert!(got(page, "/metrics", "").contains("stressc_requests_total"));
    wait_until("the run is reported", Duration::from_secs(20), || {
        place.runs().last().is_some_and(|run| run.join("run.json").exists())
    });
    assert!(first.elapsed() < Duration::from_secs(10), "the machine is too slow for this test");
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "who scrapes every five seconds is awaited");
    crate::support::signal(&child, "INT");
    let ends = Instant::now();
    let code = child.wait().unwrap().code();
    let said = rest(child.stderr.take());
    assert!(matches!(code, Some(0 | 5)) && ends.elapsed() < Duration::from_secs(3), "{code:?} {said}");
    assert!(
        said.contains("waiting for the last scrape of the metrics, at most ") || said.lines().count() == 1,
        "{said}"
    );
}

#[test]
fn a_port_in_use_is_an_error_before_anything_is_sent() {
    let (place, server) = (Place::new(), Server::start(Duration::ZERO));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let text = server.scenario("    hold 50/s for 1s", "    count(main) > 0");
    let ran = place.run(&text, &["--out", &format!("openmetrics={port}")]);
    let problem =
        format!("`openmetrics=127.0.0.1:{port}`: port {port} is in use; end what listens there, or name another port");
    assert_eq!((ran.code, ran.err.contains(&problem), server.count()), (3, true, 0), "{}", ran.err);
    assert!(place.runs().is_empty(), "nothing is recorded");
    for (arguments, problem) in [
        (&["run", "x.stress", "--out", "openmetrics=metrics.txt"][..], "write it like `openmetrics=127.0.0.1:9464`"),
        (
            &["run", "x.stress", "--out", "prometheus=1"],
            "no output is called `prometheus`; choose from `html`, `json`, `junit`, `markdown`, `csv`, `github`, `openmetrics`, `otlp`, `grafana`",
        ),
        (
            &["report", "--out", "openmetrics=9464"],
            "`openmetrics` is a stream of a run that goes on; use it with `stressc run`",
        ),
    ] {
        let ran = place.call(arguments);
        assert!(ran.code == 2 && ran.err.contains(problem), "{}", ran.err);
    }
}

/// The head of a request and its body.
type Sent = (String, Vec<u8>);

/// Somebody to whom a run is sent. It keeps what comes, and answers with a status; 0 is no answer at all.
struct Collector {
    address: SocketAddr,
    came: Arc<Mutex<Vec<Sent>>>,
}

impl Collector {
    fn start(status: u16) -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let came = Arc::<Mutex<Vec<Sent>>>::default();
        let all = came.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let all = all.clone();
                std::thread::spawn(move || taken(stream, status, &all));
            }
        });
        Collector { address, came }
    }

    /// The heads and bodies of all requests.
    fn all(&self) -> Vec<Sent> {
        self.came.lock().unwrap().clone()
    }
}

fn taken(mut stream: TcpStream, status: u16, all: &Mutex<Vec<Sent>>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if lines.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        lines.read_exact(&mut body).ok()?;
        all.lock().unwrap().push((head.clone(), body));
        if status == 0 {
            std::thread::sleep(Duration::from_secs(60));
            return None;
        }
        // As servers do that were shown a token they do not know.
        let token = head.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or_default();
        let said = format!("{{\"message\":\"unknown token {token}\"}}");
        write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{said}", said.len()).ok()?;
    }
}

fn streamed(place: &Place, outs: &[&str]) -> Ran {
    let mut command = place.command(&["run", "test.stress", "--no-progress"]);
    command.args(outs.iter().flat_map(|out| ["--out", *out]));
    command.env("GRAFANA_TOKEN", "glsa_of-a-test").env("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=two%20words,x-b=c");
    place.ended(command.output().unwrap())
}

/// The value of a metric with a label, summed up.
fn summed(message: &ExportMetricsServiceRequest, name: &str, label: (&str, &str)) -> f64 {
    let scope = &message.resource_metrics[0].scope_metrics[0];
    let own = scope.metrics.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name}: {scope:#?}"));
    let points = match own.data.as_ref().unwrap() {
        metric::Data::Sum(sum) => {
            assert!(sum.is_monotonic && sum.aggregation_temporality == 2, "{own:#?}");
            &sum.data_points
        }
        metric::Data::Gauge(gauge) => &gauge.data_points,
        other => panic!("{name}: {other:#?}"),
    };
    let has = |point: &&NumberDataPoint| {
        let text = any_value::Value::StringValue(label.1.to_owned());
        point.attributes.iter().any(|own| own.key == label.0 && own.value.as_ref().unwrap().value == Some(text.clone()))
    };
    let value = |point: &NumberDataPoint| match point.value.as_ref().unwrap() {
        number_data_point::Value::AsInt(count) => *count as f64,
        number_data_point::Value::AsDouble(number) => *number,
    };
    points.iter().filter(has).map(value).sum()
}

/// A collector has at the end what the report has.
#[test]
fn a_collector_of_opentelemetry_has_what_the_report_has() {
    let (place, server, collector) = (Place::new(), Server::start(Duration::ZERO), Collector::start(200));
    place.write("test.stress", &server.scenario("    hold 50/s for 7s", "    count(main) > 0"));
    let ran = streamed(&place, &[&format!("otlp=http://{}", collector.address)]);
    ran.passed();
    assert!(!ran.err.contains("did not arrive"), "{}", ran.err);
    let came = collector.all();
    assert!(came.len() >= 2, "one while it goes on, and one at the end: {}", came.len());
    let (head, body) = came.last().unwrap();
    let head = head.to_ascii_lowercase();
    for line in ["post /v1/metrics http/1.1", "content-type: application/x-protobuf", "x-api-key: two words", "x-b: c"]
    {
        assert!(head.lines().any(|own| own == line), "{line}: {head}");
    }
    let message = ExportMetricsServiceRequest::decode(body.as_slice()).unwrap();
    assert_eq!(summed(&message, "stressc.requests", ("outcome", "ok")), ended(&ran.result));
    assert_eq!(summed(&message, "stressc.load_active", ("scenario", "test")), 0.0);
    let all: Vec<ExportMetricsServiceRequest> =
        came.iter().map(|(_, body)| ExportMetricsServiceRequest::decode(body.as_slice()).unwrap()).collect();
    let goes_on = |message: &&ExportMetricsServiceRequest| {
        let name = "stressc.load_active";
        let is_known = message.resource_metrics[0].scope_metrics[0].metrics.iter().any(|metric| metric.name == name);
        is_known && summed(message, name, ("scenario", "test")) == 1.0
    };
    let during = all.iter().find(goes_on).expect("the load was seen to go on");
    let instance = |message: &ExportMetricsServiceRequest| message.resource_metrics[0].resource.clone();
    assert_eq!(instance(during), instance(&message));
}

#[test]
fn a_grafana_gets_what_happened_as_annotations() {
    let (place, server, grafana) = (Place::new(), Server::start(Duration::ZERO), Collector::start(200));
    let text = server.scenario("    hold 50/s for 2s as calm\n    hold 50/s for 2s as busy", "    count(main) > 0");
    let fault = "  fault slow = latency(api, 20ms) at calm + 1s for 1500ms\n  expect";
    place.write("test.stress", &text.replace("  expect", fault));
    let ran = streamed(&place, &[&format!("grafana=http://{}/grafana", grafana.address)]);
    ran.passed();
    let all: Vec<(String, Value)> =
        grafana.all().into_iter().map(|(head, body)| (head, serde_json::from_slice(&body).unwrap())).collect();
    for (head, _) in &all {
        assert!(head.starts_with("POST /grafana/api/annotations HTTP/1.1\r\n"), "{head}");
        assert!(head.to_ascii_lowercase().contains("authorization: bearer glsa_of-a-test\r\n"), "{head}");
    }
    let id = ran.result["id"].as_str().unwrap_or_default();
    let one = |tag: &str| {
        let has = |own: &&(String, Value)| own.1["tags"].as_array().unwrap().iter().any(|other| other == tag);
        let all: Vec<&(String, Value)> = all.iter().filter(has).collect();
        assert_eq!(all.len(), 1, "{tag}: {all:#?}");
        let own = &all[0].1;
        assert!(own["tags"].as_array().unwrap().contains(&"scenario:test".into()), "{own}");
        (own["time"].as_u64().unwrap(), own["timeEnd"].as_u64().unwrap(), own["text"].as_str().unwrap().to_owned())
    };
    let (calm, busy, slow) = (one("stage:main.calm"), one("stage:main.busy"), one("fault:slow"));
    assert_eq!((calm.1 - calm.0, busy.0), (2000, calm.1), "{calm:?} {busy:?}");
    let (begins, lasts) = (slow.0 - calm.0, slow.1 - slow.0);
    assert!(begins >= 1000 && lasts >= 1000 && slow.2.starts_with("fault slow: "), "{slow:?} {calm:?}");
    let run: Vec<&Value> = all.iter().map(|own| &own.1).filter(|own| own["text"] == "run of test").collect();
    assert!(run.len() == 1 && run[0]["tags"].to_string().contains(&format!("run:{id}")), "{all:#?}");
    assert_eq!(run[0]["time"].as_u64(), Some(calm.0));
    let record = place.runs().pop().unwrap();
    for file in ["plan.json", "events.jsonl", "run.json"] {
        assert!(!std::fs::read_to_string(record.join(file)).unwrap().contains("glsa_of-a-test"), "{file}");
    }
}

/// A run neither stops nor fails for them; it says so when all is over.
#[test]
fn collectors_that_are_away_broken_or_slow_change_nothing_of_a_run() {
    let (place, server) = (Place::new(), Server::start(Duration::ZERO));
    place.write("test.stress", &server.scenario("    hold 50/s for 2s", "    count(main) > 0"));
    let (broken, slow) = (Collector::start(503), Collector::start(0));
    let outs = [
        format!("otlp=http://{}", free()),
        format!("otlp=http://{}", slow.address),
        format!("grafana=http://{}", broken.address),
    ];
    let ran = streamed(&place, &outs.each_ref().map(String::as_str));
    ran.passed();
    for (out, why) in outs.iter().zip([
        "exports did not arrive: Connection refused",
        "exports did not arrive: no answer ",
        "annotations did not arrive: ",
    ]) {
        let told = ran.err.lines().find(|line| line.starts_with(&format!("`{out}`: ")));
        assert!(told.is_some_and(|line| line.contains(why)), "{out}: {why}: {}", ran.err);
    }
    assert!(ran.err.contains("503: {\"message\":\"unknown token ***\"}"), "{}", ran.err);
    assert!(!ran.err.contains("glsa_of-a-test"), "{}", ran.err);
}

#[test]
fn annotations_need_a_token() {
    let (place, server, grafana) = (Place::new(), Server::start(Duration::ZERO), Collector::start(200));
    place.write("test.stress", &server.scenario("    hold 50/s for 1s", "    count(main) > 0"));
    let out = format!("grafana=http://{}", grafana.address);
    let mut command = place.command(&["run", "test.stress", "--no-progress", "--out", &out]);
    let ran = place.ended(command.env_remove("GRAFANA_TOKEN").output().unwrap());
    assert!(ran.code == 3 && ran.err.contains("set GRAFANA_TOKEN"), "{}{}", ran.out, ran.err);
    assert!(place.runs().is_empty() && server.count() == 0 && grafana.all().is_empty());
}
