//! What a run tells other programs while it goes on, as those read it.

use crate::support::left_out::left_out;
use crate::support::{Place, Server, program, rest, scenario, wait_until};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
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
        "    hold 6 users for 4s as plateau",
        "    count(main) > 0",
    );
    place.write(
        "test.stress",
        &text.replace("  expect", "  fault slow = latency(api, 20ms) at plateau + 1s for 1500ms\n  expect"),
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
            "there is no output `prometheus`; there is `html`, `json`, `openmetrics`",
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
