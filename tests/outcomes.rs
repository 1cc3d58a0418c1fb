//! Every outcome that a run can have, by the exit code and by what a person reads.

use crate::support::{Place, Script, Server, rest, scenario, shops_in, signal, wait_until};
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// A demo shop with a short, gentle load.
fn shop(constructor: &str, stages: &str, expect: &str) -> String {
    format!(
        "scenario test {{\n  service shop = {constructor}\n  target api = http(shop.url)\n  flow browse on api {{\n    get \"/products\" as list {{\n      expect status == 200\n    }}\n    let id = list.json(\"$[0].id\")\n    think 5ms..10ms\n    get \"/products/{{id}}\" as product {{\n      expect json(\"$.price\") > 0\n    }}\n  }}\n  load main of browse {{\n    {stages}\n  }}\n  expect {{\n    {expect}\n  }}\n}}\n"
    )
}

#[test]
fn what_holds_passes_and_the_record_is_whole() {
    let place = Place::new();
    let ran = place.run(
        &shop(
            "demo()",
            "hold 100/s for 2s as plateau",
            "p95(product) < 1s\n    error_rate(main) < 1%\n    count(list) == 200",
        ),
        &[],
    );
    ran.passed();
    assert_eq!(ran.result["verdict"], "passed");
    assert_eq!(ran.result["loads"][0]["planned"], 200);
    assert_eq!(ran.result["loads"][0]["started"], 200);
    assert_eq!(ran.result["loads"][0]["schedule_lag_ns"]["samples"], 200);
    assert!(ran.out.contains("✔ passed"), "{}", ran.out);
    wait_until("the shop is gone", Duration::from_secs(5), || shops_in(place.path()) == 0);
}

/// The last of two arrivals is due two seconds before the end of its stage, and the idle stage has none.
#[test]
fn a_run_is_as_long_as_planned() {
    let place = Place::new();
    let expect = "throughput(list during slow) within 1% of 0.5/s\n    count(list) == 2";
    let ran = place.run(&shop("demo()", "hold 30/min for 4s as slow\n    idle 1s", expect), &[]);
    ran.passed();
    let length = ran.result["duration_s"].as_f64().unwrap();
    assert!((5.0..5.5).contains(&length), "{length}s");
}

#[test]
fn what_cannot_hold_fails() {
    let place = Place::new();
    let ran = place.run(&shop("demo()", "hold 60/s for 2s", "p95(product) < 1us\n    error_rate(main) < 50%"), &[]);
    // Against so small a bound a busy machine is too late, and says so.
    assert!(matches!(ran.code, 1 | 5), "{}{}", ran.out, ran.err);
    assert_eq!(ran.result["expectations"][0]["verdict"], "failed");
    assert_eq!(ran.result["expectations"][1]["verdict"], "passed");
}

#[test]
fn a_shop_with_errors_fails_the_error_rate_by_kind() {
    let place = Place::new();
    let ran = place.run(&shop("demo(errors: 50%)", "hold 50/s for 2s", "error_rate(list) < 10%"), &[]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("expectation"), "{}", ran.out);
}

/// A tolerance of percents is in points.
#[test]
fn every_third_fails() {
    let place = Place::new();
    let server = Script::start(|_, times| (if times % 3 == 0 { 503 } else { 200 }, String::new()));
    let expect = "    error_rate(main) within 1pp of 33%\n    error_rate(main) within 0.1pp of 33%";
    let ran = place.run(&scenario(&server.address.to_string(), "", "    hold 60/s for 1s", expect), &[]);
    let verdicts = [0, 1].map(|index| ran.result["expectations"][index]["verdict"].clone());
    assert_eq!(verdicts, ["passed", "failed"], "{}{}", ran.out, ran.err);
    assert_eq!(ran.code, 1, "{}", ran.out);
}

#[test]
fn what_is_sure_to_fail_is_not_started() {
    let place = Place::new();
    let ran = place.run(&shop("demo()", "hold 10_000_000 users for 1s", "error_rate(main) < 1%"), &[]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("not started, since `main` is sure to fail") && ran.err.contains("W0811"), "{}", ran.err);
    assert!(place.runs().is_empty());
}

#[test]
fn what_does_not_check_is_not_run() {
    let place = Place::new();
    let ran = place.run(&shop("demo()", "hold 100/s for 2s", "p95(browse) < 200"), &[]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("did you mean `200ms`"), "{}", ran.err);
    assert!(place.runs().is_empty(), "nothing was run, so nothing is recorded");
}

#[test]
fn three_mistakes_are_three_diagnostics() {
    let place = Place::new();
    let ran = place.run(&shop("demo()", "hodl 100/s for 2s\n    hold 100/s for 2 s", "p95(brwose) < 200ms"), &[]);
    assert_eq!(ran.code, 2);
    for part in ["did you mean `hold`", "write `2s`", "did you mean `browse`", "3 errors"] {
        assert!(ran.err.contains(part), "{part} is missing in {}", ran.err);
    }
}

#[test]
fn nobody_listens() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let place = Place::new();
    let begun = Instant::now();
    let ran = place.run(&scenario(&free.to_string(), "", "hold 20/s for 1s", "error_rate(main) < 1%"), &[]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert_eq!(ran.result["windows"][0]["steps"][0]["failed"]["connect"], 20);
    let told = format!("{free}: connection refused");
    assert!(ran.out.contains(&told), "{told}: {}", ran.out);
    assert_eq!(ran.result["failures"][0]["because"], told, "{}", ran.result["failures"]);
    let waits = format!(
        "scenario test {{\n  service shop = attach(port: {}) {{\n    ready: \"/health\"\n    ready_within: 500ms\n  }}\n  target api = http(shop.url)\n  flow browse on api {{\n    get \"/\"\n  }}\n  load main of browse {{\n    hold 20/s for 1s\n  }}\n}}\n",
        free.port()
    );
    let ran = place.run(&waits, &[]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(
        ran.err.contains("did not become ready within 500ms") && ran.err.contains("connection refused"),
        "{}",
        ran.err
    );
    // What is not there is not asked for a page either, and nobody calls it ready.
    let bare = waits.replace("    ready: \"/health\"\n    ready_within: 500ms\n", "");
    let place = Place::new();
    let ran = place.run(&bare, &[]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains(&told[..told.len() - 20]) && ran.err.contains("connection refused"), "{}", ran.err);
    let ran = place.call(&["try", "test.stress"]);
    assert!(ran.code == 3 && !ran.out.contains("is ready"), "{}{}", ran.out, ran.err);
    let allowed = waits.replace("ready_within: 500ms", "may_be_down: true");
    let ran = place.run(&allowed, &[]);
    assert_eq!(
        (ran.code, &ran.result["windows"][0]["steps"][0]["failed"]["connect"]),
        (0, &20.into()),
        "{}{}",
        ran.out,
        ran.err
    );
    let ran = place.call(&["try", "test.stress"]);
    assert!(ran.code == 1 && !ran.out.contains("is ready"), "{}{}", ran.out, ran.err);
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_window_without_samples_is_inconclusive() {
    let place = Place::new();
    let server = Server::start(Duration::ZERO);
    // In the second window nothing is sent any more, because each user is still thinking.
    let flow = "    think 3s";
    let stages = "    hold 2 users for 1s as busy\n    hold 2 users for 1s as idle";
    let ran =
        place.run(&scenario(&server.address.to_string(), flow, stages, "    error_rate(main) < 1% during idle"), &[]);
    assert_eq!(ran.code, 4, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("no samples in its window"), "{}", ran.out);
}

#[test]
fn too_few_samples_are_no_pass() {
    let place = Place::new();
    let server = Server::start(Duration::ZERO);
    let ran = place.run(&server.scenario("    hold 20/s for 1s", "    p99(main) < 10s"), &[]);
    assert_eq!(ran.code, 4, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("W0802"), "known before the run: {}", ran.err);
}

#[test]
fn a_rate_beyond_this_machine_is_not_trusted() {
    let place = Place::new();
    let server = Server::start(Duration::ZERO);
    let ran = place.run(
        &server.scenario("    max_in_flight: 20\n    hold 2_000_000/s for 1s", "    dropped(main) < 1_000_000_000"),
        &[],
    );
    assert_eq!(ran.code, 5, "{}{}", ran.out, ran.err);
    assert_eq!(ran.result["trust"]["state"], "untrusted");
    assert!(ran.out.contains("! untrusted"), "{}", ran.out);
}

#[test]
fn a_slow_target_is_not_the_generators_fault() {
    let place = Place::new();
    let server = Server::start(Duration::from_millis(300));
    let ran = place.run(&server.scenario("    max_in_flight: 5\n    hold 100/s for 2s", "    dropped(main) == 0"), &[]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert_eq!(ran.result["trust"]["state"], "trusted", "{}", ran.out);
    let load = &ran.result["loads"][0];
    assert_eq!(
        load["started"].as_u64().unwrap() + load["dropped"].as_u64().unwrap(),
        200,
        "every arrival is accounted for"
    );
}

#[test]
fn latency_runs_from_the_intended_instant() {
    let place = Place::new();
    let server = Server::start(Duration::from_millis(50));
    // Two at a time, each 50 ms, arrivals every 10 ms for half a second: what is started waits for nothing,
    // what finds the ceiling is dropped. With a ceiling above the need nobody is dropped and nobody waits.
    let ran = place.run(
        &server.scenario("    hold 100/s for 1s", "    min(main) >= 50ms\n    max(main) < 2s\n    dropped(main) == 0"),
        &[],
    );
    ran.passed();
    assert_eq!(server.count(), 100);
}

#[test]
fn a_timeout_counts_with_its_time() {
    let place = Place::new();
    let server = Server::start(Duration::from_secs(60));
    let ran =
        place.run(&server.scenario("    hold 10/s for 1s", "    error_rate(main) == 100%\n    p50(main) >= 2s"), &[]);
    ran.passed();
    assert_eq!(ran.result["windows"][0]["steps"][0]["failed"]["timeout"], 10);
}

#[test]
fn users_wait_for_their_answers() {
    let place = Place::new();
    let server = Server::start(Duration::from_millis(100));
    let ran = place.run(
        &server.scenario("    ramp 0 users -> 4 users over 1s\n    hold 4 users for 1s", "    error_rate(main) == 0%"),
        &[],
    );
    ran.passed();
    // About 20 in the ramp and 40 after it on a quiet machine, and hardly more on any.
    assert!((15..=70).contains(&server.count()), "{}", server.count());
}

#[test]
fn control_c_drains_stops_and_reports() {
    let place = Place::new();
    place.write("test.stress", &shop("demo()", "hold 50/s for 60s", "error_rate(main) < 1%"));
    let mut child = place.spawn(&["run", "test.stress", "--no-progress"]);
    wait_until("the load runs", Duration::from_secs(20), || {
        place
            .runs()
            .last()
            .is_some_and(|run| std::fs::read_to_string(run.join("events.jsonl")).is_ok_and(|t| t.contains("\"slice\"")))
    });
    signal(&child, "INT");
    let status = child.wait().unwrap();
    let out = rest(child.stdout.take());
    assert_eq!(status.code(), Some(130), "{out}{}", rest(child.stderr.take()));
    assert!(out.contains("■ aborted") && out.contains("error_rate(main) < 1%"), "{out}");
    assert_eq!(shops_in(place.path()), 0);
    let result: serde_json::Value =
        serde_json::from_slice(&std::fs::read(place.runs()[0].join("run.json")).unwrap()).unwrap();
    assert_eq!(result["verdict"], "aborted");
    assert_eq!(result["expectations"][0]["verdict"], "inconclusive", "the rest of the window was never seen");
    let load = &result["loads"][0];
    assert_eq!(load["started"], load["finished"], "what was under way was finished");
}

#[test]
fn mistakes_on_the_command_line_are_answered() {
    let place = Place::new();
    place.write("two.stress", "scenario a {\n}\nscenario b {\n}\n");
    for (arguments, answer) in [
        (vec!["run", "missing.stress"], "there is no file `missing.stress`"),
        (vec!["run", "two.stress:c"], "has no scenario `c`"),
        (vec!["run", "two.stress"], "E0412"),
        (vec!["run", "two.stress", "--share", "3/2"], "part 1 of 2"),
        (vec!["explain", "E9999"], "there is no diagnostic `E9999`"),
        (vec!["report", "nothing"], "no run is called `nothing`"),
        (vec!["chekc"], "check"),
    ] {
        let ran = place.call(&arguments);
        assert!(ran.code >= 2, "{arguments:?}");
        assert!(ran.err.contains(answer), "{arguments:?} answered {}", ran.err);
    }
    std::fs::write(place.path().join("binary.stress"), [0xff, 0xfe, 0x00]).unwrap();
    assert!(place.call(&["check", "binary.stress"]).err.contains("is not UTF-8"));
}

/// Answers the first request of each connection, reads the second, and closes.
#[test]
fn what_is_sent_again_is_counted_again() {
    use std::io::{BufRead, BufReader, Write};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let seen = Arc::new(AtomicU64::new(0));
    let counter = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counter = counter.clone();
            std::thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                for request in 0..2 {
                    if !lines.by_ref().any(|line| line.is_empty()) {
                        return;
                    }
                    counter.fetch_add(1, Ordering::SeqCst);
                    if request == 0 && (&stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").is_err() {
                        return;
                    }
                }
            });
        }
    });
    let place = Place::new();
    let ran = place.run(&scenario(&address, "", "    hold 50/s for 1s", "    error_rate(main) == 0%"), &[]);
    ran.passed();
    assert!(seen.load(Ordering::SeqCst) > 60, "requests were sent again");
    assert_eq!(ran.result["windows"][0]["steps"][0]["sent"], seen.load(Ordering::SeqCst));
}

#[test]
fn what_is_no_json_is_no_null() {
    let place = Place::new();
    let server = crate::support::Server::start(Duration::ZERO);
    let flow = "    expect home.json(\"$.missing\") == null";
    let ran = place
        .run(&scenario(&server.address.to_string(), flow, "    hold 20/s for 1s", "    error_rate(main) == 0%"), &[]);
    assert_eq!(ran.code, 0, "a path that finds nothing is null: {}{}", ran.out, ran.err);
    let shop = shop("demo()", "hold 20/s for 1s", "error_rate(main) == 100%").replace(
        "get \"/products\" as list {\n      expect status == 200",
        "get \"/metrics\" as list {\n      expect json(\"$.missing\") == null",
    );
    let ran = place.run(&shop, &[]);
    assert_eq!(ran.code, 0, "text is not JSON: {}{}", ran.out, ran.err);
}

#[test]
fn control_c_waits_for_no_arrival() {
    let place = Place::new();
    let server = Server::start(Duration::ZERO);
    place.write("test.stress", &server.scenario("    hold 1/min for 3m", "    error_rate(main) < 1%"));
    let mut child = place.spawn(&["run", "test.stress", "--no-progress"]);
    wait_until("the first arrival", Duration::from_secs(20), || server.count() == 1);
    let begun = Instant::now();
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

/// An address at which nobody listens.
fn nobody() -> String {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    free.to_string()
}

/// The report, `run.json` and a report that is rebuilt of the record say the same.
#[test]
fn a_latency_of_requests_that_got_no_answer_is_none() {
    let place = Place::new();
    let expect = "p95(home) < 50ms\n    mean(home) < 50ms\n    error_rate(home) == 100%\n    max(home) > 1s";
    let text = scenario(&nobody(), "", "hold 60/s for 6s", expect);
    let ran = place.run(&text, &["--workers", "2"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let told = |at: usize| {
        let one = &ran.result["expectations"][at];
        (one["verdict"].as_str().unwrap().to_owned(), one["value"].clone(), one["reason"].clone())
    };
    assert_eq!(told(0), ("failed".to_owned(), "no answer".into(), serde_json::Value::Null));
    assert_eq!(told(1).0, "inconclusive");
    assert_eq!(told(1).2, "none of 360 requests got an answer");
    assert_eq!((told(2).0.as_str(), told(3).0.as_str()), ("passed", "inconclusive"));
    let row = &ran.result["windows"][0]["steps"][0];
    assert_eq!((&row["unanswered"], &row["samples"]), (&360.into(), &360.into()));
    assert!(row["p50_ns"].is_null() && row["p95_ns"].is_null() && row["max_ns"].is_null(), "{row}");
    let points = ran.result["course"]["loads"][0]["points"].as_array().unwrap();
    assert!(points.iter().any(|point| point["no_answer"] == true), "{points:?}");
    let rows = ran.out.lines().filter(|line| line.trim_start().starts_with("home ")).collect::<Vec<_>>();
    assert!(rows.iter().any(|row| row.matches("no answer").count() == 4), "{}", ran.out);
    assert!(ran.out.contains("× p95: no answer"), "{}", ran.out);
    let again = place.call(&["report", &place.runs()[0].display().to_string()]);
    assert_eq!(again.out, ran.out.split("\nrecorded in").next().unwrap(), "{}", again.err);
}

/// What no iteration came to was sent by none, which is known; of none of it there is a time.
#[test]
fn what_a_branch_that_never_ran_sent_is_nothing() {
    let place = Place::new();
    let server = Server::start(Duration::ZERO);
    let flow = "    if home.status == 500 {\n      get \"/never\" as never\n      measure odd = 5\n    }";
    let expect = "count(never) == 0\n    count(never) < 10\n    throughput(never) < 1/s\n    count(odd) == 0\n    p95(never) < 1s\n    error_rate(never) < 1%\n    max(odd) < 10\n    availability(never) > 99%\n    count(never) > 0";
    let text = scenario(&server.address.to_string(), flow, "hold 20/s for 1s", expect);
    let ran = place.run(&text, &[]);
    let verdicts = ran.result["expectations"].as_array().unwrap().iter().map(|one| one["verdict"].as_str().unwrap());
    let verdicts: Vec<&str> = verdicts.collect();
    assert_eq!(verdicts[..4], ["passed"; 4], "{}", ran.out);
    assert_eq!(verdicts[4..8], ["inconclusive"; 4], "{}", ran.out);
    assert_eq!((verdicts[8], ran.code), ("failed", 1), "{}", ran.out);
}

/// A server that answers with one status, then with another, and then with something that is not expected.
#[test]
fn failures_are_told_by_their_cause() {
    let place = Place::new();
    let script = Script::start(|_, times| match times {
        0..=20 => (503, "busy".to_owned()),
        21..=60 => (401, "who?".to_owned()),
        _ => (200, "{\"n\":3}".to_owned()),
    });
    let text = format!(
        "scenario test {{\n  target api = http(\"http://{}\")\n  flow look on api {{\n    get \"/\" as home {{\n      expect status == 200\n      expect json(\"$.n\") == 1\n    }}\n  }}\n  load main of look {{\n    hold 50/s for 2s\n  }}\n  expect error_rate(main) < 1%\n}}\n",
        script.address
    );
    let ran = place.run(&text, &["--workers", "2"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let failures = ran.result["failures"].as_array().unwrap();
    let told: Vec<(u64, Option<&str>, u64)> = failures
        .iter()
        .map(|one| (one["status"].as_u64().unwrap(), one["condition"].as_str(), one["count"].as_u64().unwrap()))
        .collect();
    let (status, number) = (Some("status == 200"), Some("json(\"$.n\") == 1"));
    let count = |of: u64| told.iter().find(|one| one.0 == of).map(|one| one.2);
    assert_eq!(told.iter().map(|one| one.2).sum::<u64>(), 100, "{told:?}");
    assert_eq!((count(401), told.len()), (Some(40), 3), "{told:?}");
    assert_eq!(told.iter().find(|one| one.0 == 503).unwrap().1, status);
    assert_eq!(told.iter().find(|one| one.0 == 401).unwrap().1, status);
    assert_eq!(told.iter().find(|one| one.0 == 200).unwrap().1, number);
    let span = |one: &serde_json::Value| (one["first_s"].as_f64().unwrap(), one["last_s"].as_f64().unwrap());
    let of_status = |status: u64| failures.iter().find(|one| one["status"] == status).map(span).unwrap();
    assert!(of_status(503).1 < of_status(200).1 && of_status(401).0 < of_status(200).0 + 0.5, "{failures:?}");
    // Each with an example of its own.
    let lines: Vec<&str> = ran.out.lines().collect();
    for (status, found) in [(503, "it was 503"), (401, "it was 401"), (200, "it was 3")] {
        let at = lines.iter().position(|line| line.contains(&format!("expectation    status {status}"))).unwrap();
        assert!(lines[at + 1].contains(found), "{status}: {}\n{}", lines[at + 1], ran.out);
    }
    let again = place.call(&["report", &place.runs()[0].display().to_string(), "--json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&again.out).unwrap(), ran.result);
}

/// What a fault answers is told apart from what the system answers with the same status.
#[test]
fn answers_of_a_fault_are_told_apart() {
    let place = Place::new();
    let script = Script::start(|_, times| (if times % 10 == 0 { 503 } else { 200 }, "{}".to_owned()));
    let text = format!(
        "scenario test {{\n  link way = http(to: \"{}\")\n  target api = http(way.url)\n  flow look on api {{\n    get \"/\" as home\n  }}\n  load main of look {{\n    hold 40/s for 4s\n  }}\n  fault bad = http_error(way, 503, 50%) at 1s for 2s\n  expect error_rate(main) < 1%\n}}\n",
        script.address
    );
    let ran = place.run(&text, &[]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let failures = ran.result["failures"].as_array().unwrap();
    let of = |injected: bool| failures.iter().find(|one| one["injected"] == injected).unwrap();
    let (ours, theirs) = (of(true), of(false));
    assert_eq!((&ours["status"], &theirs["status"], failures.len()), (&503.into(), &503.into(), 2), "{failures:?}");
    assert!(ours["first_s"].as_f64().unwrap() >= 0.9 && ours["last_s"].as_f64().unwrap() <= 3.1, "{ours}");
    assert!(ran.out.contains("answered by a fault"), "{}", ran.out);
}
