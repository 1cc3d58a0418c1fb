//! What a run leaves on disk, whatever ended it.

use crate::support::{Place, Server, rest, shops_in, signal, wait_until};
use std::time::Duration;

#[test]
fn a_killed_run_loses_at_most_its_last_second() {
    let place = Place::new();
    let server = Server::start(Duration::ZERO);
    // A demo beside it, so that the test sees it die with the run.
    let text = server
        .scenario("    hold 200/s for 60s", "    error_rate(main) < 1%")
        .replace("  flow browse", "  service shop = demo()\n  target other = http(shop.url)\n  flow visit on other {\n    get \"/products\"\n  }\n  load visitors of visit {\n    hold 5/s for 60s\n  }\n  flow browse");
    place.write("test.stress", &text);
    let mut child = place.spawn(&["run", "test.stress", "--no-progress"]);
    wait_until("three seconds of load", Duration::from_secs(30), || server.count() > 650);
    assert_eq!(shops_in(place.path()), 1);
    signal(&child, "KILL");
    child.wait().unwrap();
    let counted = server.count();
    wait_until("the shop died with the run", Duration::from_secs(5), || shops_in(place.path()) == 0);
    let ran = place.call(&["report", "last", "--json"]);
    assert_eq!(ran.code, 130, "{}", rest(child.stderr.take()));
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let windows = report["windows"].as_array().unwrap();
    let sent: u64 =
        windows.iter().filter(|w| w["load"] == "main").map(|w| w["steps"][0]["sent"].as_u64().unwrap()).sum();
    assert!(sent <= counted && sent + 220 >= counted, "{sent} reported, {counted} counted by the server");
    assert_eq!(report["verdict"], "aborted");
}

#[test]
fn a_report_from_disk_is_the_report_of_the_run() {
    let place = Place::new();
    let server = Server::start(Duration::ZERO);
    let ran = place.run(
        &server.scenario(
            "    warmup 50/s for 500ms\n    ramp 50/s -> 200/s over 1500ms as rise\n    hold 100/s for 1s",
            "    p95(main) < 5s\n    throughput(main during rise) > 1/s",
        ),
        &[],
    );
    ran.passed();
    let again = place.call(&["report", "last", "--json"]);
    let again: serde_json::Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!(again, ran.result);
}

#[test]
fn the_interval_log_is_read_by_others() {
    let place = Place::new();
    let server = Server::start(Duration::ZERO);
    let ran = place.run(&server.scenario("    hold 100/s for 2s", "    error_rate(main) < 1%"), &[]);
    ran.passed();
    let log = std::fs::read(place.runs()[0].join("intervals.hlog")).unwrap();
    let entries = hdrhistogram::serialization::interval_log::IntervalLogIterator::new(&log);
    let intervals: Vec<_> = entries
        .filter_map(|entry| match entry.unwrap() {
            hdrhistogram::serialization::interval_log::LogEntry::Interval(interval) => Some(interval),
            _ => None,
        })
        .collect();
    assert!(intervals.iter().any(|i| i.tag().is_some_and(|t| t.as_str() == "main.browse.home")));
}

#[test]
fn a_record_without_its_times_is_no_pass() {
    let place = Place::new();
    let server = Server::start(Duration::ZERO);
    let ran = place.run(&server.scenario("    hold 100/s for 2s", "    p95(main) < 5s"), &[]);
    ran.passed();
    std::fs::write(place.runs()[0].join("intervals.hlog"), "").unwrap();
    let again = place.call(&["report", "last"]);
    assert_eq!(again.code, 4, "{}{}", again.out, again.err);
    assert!(again.out.contains("the times of 0 of 200 requests"), "{}", again.out);
    std::fs::write(place.runs()[0].join("events.jsonl"), "garbage\n{}\n").unwrap();
    let again = place.call(&["report", "last"]);
    assert_eq!(again.code, 3, "{}{}", again.out, again.err);
}
