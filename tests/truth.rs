//! What a server counts against what was sent to it, by a real Prometheus.
//!
//! Each load sends 200 requests a second for 8 seconds; `TRUTH_SECONDS=30 cargo test --test it truth` sends for as long as the issue
//! that asked for this says.

use crate::support::left_out::left_out;
use crate::support::{Place, Ran, program, wait_until};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What is wrong with what a server counts.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Counts {
    All,
    /// Its counter is there from its first request on.
    FromTheFirst,
    AllButEvery(u64),
    Twice {
        every: u64,
    },
    /// It begins again after so many.
    Restarts {
        after: u64,
    },
    /// Its histogram says that some took far longer than they did.
    Slower {
        every: u64,
    },
    /// Its page is gone after so many.
    PageUntil(u64),
    /// It answers some of them too late, and counts them all the same.
    Late {
        every: u64,
    },
}

/// A server with a page of its counters.
struct Counting {
    address: SocketAddr,
}

/// The bounds of its histogram, in seconds.
const BOUNDS: [f64; 5] = [0.001, 0.01, 0.05, 0.25, 2.5];

/// What it has seen, and what it says of that.
#[derive(Default)]
struct State {
    asked: u64,
    counted: Option<u64>,
    /// Each bucket holds those before it.
    buckets: [u64; BOUNDS.len()],
    timed: u64,
    /// How often it has started again. Without that, a scrape that is late may hide another start.
    starts: u64,
}

impl Counting {
    fn start(counts: Counts) -> Counting {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let counted = (counts != Counts::FromTheFirst).then_some(0);
        let state = Arc::new(Mutex::new(State { counted, ..State::default() }));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = state.clone();
                std::thread::spawn(move || serve(stream, counts, &state));
            }
        });
        Counting { address }
    }
}

fn serve(mut stream: TcpStream, counts: Counts, state: &Mutex<State>) {
    let _ = stream.set_nodelay(true);
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    loop {
        let (mut request, mut line) = (String::new(), String::new());
        while line != "\r\n" {
            line.clear();
            if !lines.read_line(&mut line).is_ok_and(|read| read > 0) {
                return;
            }
            if request.is_empty() {
                request.clone_from(&line);
            }
        }
        let began = Instant::now();
        let body = match request.starts_with("GET /metrics ") {
            true => page(counts, &state.lock().unwrap()),
            false => {
                let number = count(counts, state);
                if matches!(counts, Counts::Late { every } if number.is_multiple_of(every)) {
                    std::thread::sleep(Duration::from_millis(700));
                }
                let slower = matches!(counts, Counts::Slower { every } if number.is_multiple_of(every));
                let took = began.elapsed().as_secs_f64() + if slower { 10.0 } else { 0.0 };
                let mut state = state.lock().unwrap();
                state.timed += 1;
                let held = state.buckets.iter_mut().zip(BOUNDS).filter(|(_, bound)| took <= *bound);
                held.for_each(|(bucket, _)| *bucket += 1);
                "{}".to_owned()
            }
        };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n", body.len());
        if stream.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

/// What its page says, if it has one.
fn page(counts: Counts, state: &State) -> String {
    let Some(counted) = state.counted.filter(|_| !matches!(counts, Counts::PageUntil(last) if state.asked >= last))
    else {
        return String::new();
    };
    let mut page = format!("# TYPE http_requests_total counter\nhttp_requests_total{{route=\"/orders\"}} {counted}\n");
    let _ = writeln!(page, "process_start_time_seconds {}", 1_000_000 + state.starts);
    page.push_str("# TYPE took_seconds histogram\n");
    for (bound, count) in BOUNDS.iter().zip(state.buckets) {
        let _ = writeln!(page, "took_seconds_bucket{{le=\"{bound}\"}} {count}");
    }
    let _ = writeln!(
        page,
        "took_seconds_bucket{{le=\"+Inf\"}} {0}\ntook_seconds_count {0}\ntook_seconds_sum 1",
        state.timed
    );
    page
}

fn count(counts: Counts, state: &Mutex<State>) -> u64 {
    let mut state = state.lock().unwrap();
    state.asked += 1;
    let number = state.asked;
    let more = match counts {
        Counts::All | Counts::FromTheFirst | Counts::PageUntil(_) => 1,
        Counts::Slower { .. } | Counts::Late { .. } => 1,
        Counts::AllButEvery(every) => u64::from(!number.is_multiple_of(every)),
        Counts::Twice { every } => 1 + u64::from(number.is_multiple_of(every)),
        Counts::Restarts { after } => {
            if number == after {
                state.counted = Some(0);
                state.starts += 1;
            }
            1
        }
    };
    state.counted = Some(state.counted.unwrap_or(0) + more);
    number
}

/// A real one, which is killed at the end.
struct Prometheus {
    child: Child,
    url: String,
    _place: Place,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    /// Scrapes each job's servers twice a second; `None` where it is not installed.
    fn start(jobs: &BTreeMap<&str, Vec<SocketAddr>>) -> Option<Prometheus> {
        let Some(program) = program(&["prometheus"]) else {
            left_out("`prometheus` is not installed");
            return None;
        };
        let place = Place::new();
        let mut config = "global:\n  scrape_interval: 500ms\n  scrape_timeout: 500ms\nscrape_configs:\n".to_owned();
        for (job, servers) in jobs {
            let targets: Vec<String> = servers.iter().map(|address| format!("\"{address}\"")).collect();
            let targets = targets.join(", ");
            let _ = write!(config, "  - job_name: {job}\n    static_configs:\n      - targets: [{targets}]\n");
        }
        place.write("prometheus.yml", &config);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(program);
        command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let child = command.current_dir(place.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let prometheus = Prometheus { child, url: format!("http://127.0.0.1:{port}"), _place: place };
        wait_until("Prometheus is ready", Duration::from_secs(60), || is_ready(port));
        Some(prometheus)
    }
}

fn is_ready(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut answer = String::new();
    let _ = stream.write_all(b"GET /-/ready HTTP/1.0\r\n\r\n");
    let _ = stream.read_to_string(&mut answer);
    answer.starts_with("HTTP/1.0 200") || answer.starts_with("HTTP/1.1 200")
}

fn seconds() -> u64 {
    std::env::var("TRUTH_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(8)
}

/// A load of its own on each server.
fn scenario(url: &str, jobs: &BTreeMap<&str, Vec<SocketAddr>>, expect: &str) -> String {
    let mut text = format!("scenario test {{\n  monitor truth = prometheus(\"{url}\")\n");
    for (job, servers) in jobs {
        for (place, address) in servers.iter().enumerate() {
            let name = format!("{job}{place}");
            let _ = write!(
                text,
                "  target t_{name} = http(\"http://{address}\") {{\n    timeout: 300ms\n  }}\n  flow f_{name} on t_{name} {{\n    get \"/orders\" as order\n  }}\n  load {name} of f_{name} {{\n    warmup 50/s for 1s\n    hold {}/s for {}s\n  }}\n",
                200 / servers.len(),
                seconds()
            );
        }
    }
    text + &format!("  expect {{\n    {expect}\n  }}\n}}\n")
}

fn outcome<'r>(ran: &'r Ran, text: &str) -> (&'r str, &'r serde_json::Value) {
    let all = ran.result["expectations"].as_array().unwrap_or_else(|| panic!("{}{}", ran.out, ran.err));
    let own = all.iter().find(|one| one["text"].as_str().is_some_and(|own| own.contains(text)));
    let own = own.unwrap_or_else(|| panic!("{text}: {}{}", ran.out, ran.err));
    (own["verdict"].as_str().unwrap(), own)
}

#[test]
fn a_server_that_counts_wrongly_is_told_from_one_that_does_not() {
    let kinds = [
        ("good", vec![Counts::All]),
        ("new", vec![Counts::FromTheFirst]),
        ("pair", vec![Counts::All, Counts::FromTheFirst]),
        ("some", vec![Counts::AllButEvery(50)]),
        ("few", vec![Counts::AllButEvery(500)]),
        ("twice", vec![Counts::Twice { every: 400 }]),
        ("again", vec![Counts::Restarts { after: 600 }]),
        ("slower", vec![Counts::Slower { every: 10 }]),
        ("gone", vec![Counts::PageUntil(400)]),
        ("late", vec![Counts::Late { every: 300 }]),
    ];
    let of = |(job, kinds): &(&'static str, Vec<Counts>)| {
        (*job, kinds.iter().map(|kind| Counting::start(*kind).address).collect::<Vec<SocketAddr>>())
    };
    let jobs: BTreeMap<&str, Vec<SocketAddr>> = kinds.iter().map(of).collect();
    let Some(prometheus) = Prometheus::start(&jobs) else { return };
    let within = |job: &str, share: &str| {
        let sent: Vec<String> =
            (0..jobs[job].len()).map(|place| format!("count({job}{place}.order.attempts)")).collect();
        let query = format!("sum by (route) (http_requests_total{{job=\"{job}\"}})");
        format!("increase(truth.query('{query}')) within {share} of {}", sent.join(" + "))
    };
    let mut expect: Vec<String> = jobs.keys().map(|job| within(job, "0%")).collect();
    expect.extend([within("some", "3%"), within("again", "70%"), within("late", "3%")]);
    expect.push("increase(truth.query('http_requests_total{job=\"none\"}')) == 0".to_owned());
    expect.push("increase(truth.query('http_requests_total{job=\"none\"}', missing: 0)) == 0".to_owned());
    let histogram = |job: &str| {
        format!("histogram_error(truth.query('took_seconds_bucket{{job=\"{job}\"}}'), {job}0.order.attempts)")
    };
    expect.extend([histogram("good") + " < 1%", histogram("slower") + " < 1%", histogram("late") + " < 3%"]);
    expect.push("histogram_error(truth.query('http_requests_total{job=\"good\"}'), good0) < 1%".to_owned());
    expect.push("max(truth.age('up')) < 10s".to_owned());
    expect.push("max(truth.age('http_requests_total{job=\"gone\"}')) > 2s".to_owned());
    let place = Place::new();
    let ran = place.run(&scenario(&prometheus.url, &jobs, &expect.join("\n    ")), &[]);
    let sent = 50 + 200 * seconds();
    for (job, verdict, least, most) in [
        ("good", "passed", 0, 0),
        ("new", "passed", 0, 0),
        ("some", "failed", -(sent as i64 / 50), -(sent as i64 / 50)),
        ("few", "failed", -(sent as i64 / 500), -(sent as i64 / 500)),
        ("twice", "failed", sent as i64 / 400, sent as i64 / 400),
    ] {
        let (found, own) = outcome(&ran, &within(job, "0%"));
        let counted = &own["grounds"]["counted"];
        assert_eq!(found, verdict, "{job}: {own}\n{}{}", ran.out, ran.err);
        assert_eq!(
            (counted["least"].as_f64(), counted["most"].as_f64()),
            (Some(least as f64), Some(most as f64)),
            "{own}"
        );
        // One request of all that were sent.
        let loss = counted["smallest_loss"].as_f64().unwrap();
        assert!((loss - 1.0 / sent as f64).abs() < 1e-9, "{own}");
    }
    // The series of both instances, half of the rate each.
    assert_eq!(outcome(&ran, &within("pair", "0%")).0, "passed", "{}", ran.out);
    assert_eq!(outcome(&ran, &within("some", "3%")).0, "passed", "{}", ran.out);
    // What was counted since the last scrape is lost, and nobody knows how much that was.
    let (verdict, own) = outcome(&ran, &within("again", "0%"));
    assert!(verdict == "inconclusive" && own["reason"].as_str().unwrap().contains("started again"), "{own}");
    assert_eq!(outcome(&ran, &within("again", "70%")).0, "passed", "{}", ran.out);
    let counters = ran.result["counters"].as_array().unwrap();
    let named = |job: &str| counters.iter().find(|one| one["name"].as_str().unwrap().contains(job)).unwrap();
    let resets = |job: &str| named(job)["resets"].as_array().unwrap().clone();
    assert!(resets("again").len() == 1 && resets("good").is_empty(), "{counters:?}");
    assert!(
        resets("again")[0]["before"].as_f64() <= Some(600.0) && resets("again")[0]["presumed"] == false,
        "{counters:?}"
    );
    assert!(ran.out.contains("started again between"), "{}", ran.out);
    // Where it worked fast, it says that it did; one of ten was not as slow as the other server says.
    assert_eq!(outcome(&ran, &histogram("good")).0, "passed", "{}", ran.out);
    let (verdict, own) = outcome(&ran, &histogram("slower"));
    let found = own["numbers"]["value"]["number"].as_f64().unwrap();
    assert!(verdict == "failed" && (0.08..0.12).contains(&found), "{own}\n{}", ran.out);
    // Up to the longest bound all others are, and the client waited for none of them so long.
    let totals = counters.iter().find(|one| one["histogram"]["worst"][1].as_f64() >= Some(sent as f64 * 0.08));
    let histogram_of = &totals.unwrap_or_else(|| panic!("{counters:?}"))["histogram"];
    assert_eq!(histogram_of["buckets"].as_array().unwrap().len(), BOUNDS.len() + 1, "{histogram_of}");
    assert!(histogram_of["p99"][0] == 2.5e9 && histogram_of["p99"][1].is_null(), "{histogram_of}");
    assert!(ran.out.contains("requests fewer than the client measured; its p99 lies between"), "{}", ran.out);
    // The bucket of all of them holds those without an answer or does not.
    assert_eq!(outcome(&ran, &histogram("late")).0, "passed", "{}", ran.out);
    let (verdict, own) = outcome(&ran, "histogram_error(truth.query('http_requests_total");
    assert!(verdict == "inconclusive" && own["reason"].as_str().unwrap().contains("have no `le`"), "{own}");
    // Its series ended long before the load did.
    let (verdict, own) = outcome(&ran, &within("gone", "0%"));
    assert!(verdict == "inconclusive" && own["reason"].as_str().unwrap().contains("scraped no more"), "{own}");
    assert!(
        named("gone")["gone"].as_array().unwrap().len() == 1 && ran.out.contains("is scraped no more since"),
        "{}",
        ran.out
    );
    assert_eq!(outcome(&ran, "truth.age('up')").0, "passed", "{}", ran.out);
    assert_eq!(outcome(&ran, "truth.age('http_requests_total").0, "passed", "{}", ran.out);
    // Some had no answer: they may have been counted or not.
    let (verdict, own) = outcome(&ran, &within("late", "0%"));
    assert!(verdict == "inconclusive" && own["reason"].as_str().unwrap().contains("unknown outcome"), "{own}");
    assert!(own["grounds"]["counted"]["unknown"].as_f64() >= Some(1.0), "{own}");
    assert_eq!(outcome(&ran, &within("late", "3%")).0, "passed", "{}", ran.out);
    let (verdict, own) = outcome(&ran, "job=\"none\"}')) == 0");
    assert_eq!((verdict, own["reason"].as_str()), ("inconclusive", Some("no series matches it")));
    assert_eq!(outcome(&ran, "missing: 0").0, "passed", "{}", ran.out);
    let again = place.call(&["report", "last", "--json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&again.out).unwrap(), ran.result);
    let plan = place.call(&["plan", "test.stress"]);
    let told = plan.out.split_whitespace().collect::<Vec<&str>>().join(" ");
    assert!(told.contains("from the raw samples of each series") && told.contains("each at most 3m"), "{}", plan.out);
}

#[test]
fn a_prometheus_that_cannot_be_asked_makes_it_inconclusive() {
    let good = Counting::start(Counts::All).address;
    let jobs = BTreeMap::from([("good", vec![good])]);
    let expect = "increase(truth.query('http_requests_total')) within 0% of count(good0.order.attempts)";
    let text = scenario("http://127.0.0.1:1", &jobs, expect).replace("for 8s", "for 1s");
    let ran = Place::new().run(&text, &[]);
    let (verdict, own) = outcome(&ran, "increase");
    assert_eq!((verdict, own["reason"].as_str()), ("inconclusive", Some("connection refused")), "{}", ran.out);
}
