//! `stressc runs`: what is recorded, whole, killed, broken or of somebody else.

use crate::support::Place;
use crate::support::compile::root;
use serde_json::Value;

/// Puts a record of `tests/records/1/` among the runs of a place, with its result or without.
fn put(place: &Place, name: &str, id: &str, whole: bool) {
    let (from, to) = (root().join("tests/records/1").join(name), place.path().join(".stress/runs").join(id));
    std::fs::create_dir_all(&to).unwrap();
    for file in ["plan.json", "intervals.hlog", "events.jsonl"] {
        std::fs::copy(from.join(file), to.join(file)).unwrap();
    }
    if whole {
        std::fs::copy(from.join("report.json"), to.join("run.json")).unwrap();
    }
}

#[test]
fn runs_are_listed_the_newest_first_and_what_is_no_record_stops_nothing() {
    let place = Place::new();
    let none = place.call(&["runs"]);
    assert_eq!((none.code, none.out.as_str()), (0, "no run is recorded here\n"));
    put(&place, "all", "20260101T000000Z-all-0001", true);
    put(&place, "ends", "20260103T000000Z-ends-0003", true);
    put(&place, "all", "20260102T000000Z-all-0002", false);
    let runs = place.path().join(".stress/runs");
    std::fs::create_dir(runs.join("of_somebody_else")).unwrap();
    std::fs::create_dir(runs.join("20260104T000000Z-x-0004")).unwrap();
    std::fs::write(runs.join("20260104T000000Z-x-0004/plan.json"), "{\u{1b}[2J").unwrap();
    std::fs::write(runs.join("a_file"), "").unwrap();
    put(&place, "all", "20260105T000000Z-all-0005", false);
    std::fs::write(runs.join("20260105T000000Z-all-0005/run.json"), "[").unwrap();

    let ran = place.call(&["runs", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let listed: Value = serde_json::from_str(&ran.out).unwrap();
    let entries = listed["runs"].as_array().unwrap();
    let ids: Vec<&str> = entries.iter().map(|own| own["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["20260103T000000Z-ends-0003", "20260102T000000Z-all-0002", "20260101T000000Z-all-0001"]);
    assert_eq!(entries[0]["verdict"], "error");
    assert_eq!((&entries[1]["verdict"], &entries[1]["complete"]), (&Value::Null, &Value::Bool(false)));
    assert!(entries[1]["duration_s"].as_f64().unwrap() > 5.0 && entries[1]["started"].is_string(), "{}", entries[1]);
    assert_eq!((&entries[2]["verdict"], &entries[2]["scenario"]), (&"failed".into(), &"all".into()));
    assert_eq!(listed["problems"].as_array().unwrap().len(), 3, "{}", listed["problems"]);
    assert_eq!(crate::schemas::unlike("runs", &listed), None);

    let ran = place.call(&["runs"]);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines[0].contains("not run whole") && lines[0].contains("20260103T000000Z-ends-0003"), "{}", ran.out);
    assert!(lines[1].starts_with("… without result") && lines[2].starts_with("✘ failed"), "{}", ran.out);
    assert!(ran.err.contains("of_somebody_else") && !ran.err.contains('\u{1b}'), "{}", ran.err);
    assert!(ran.out.lines().all(|line| line.chars().count() <= 100), "{}", ran.out);

    for (of, count) in [("all", 2), ("ends", 1), ("tests/records/all.stress", 0), ("none", 0)] {
        let ran = place.call(&["runs", of, "--json"]);
        let listed: Value = serde_json::from_str(&ran.out).unwrap();
        let file = entries[2]["file"].as_str().unwrap();
        let wanted = if of == file { 2 } else { count };
        assert_eq!(listed["runs"].as_array().unwrap().len(), wanted, "{of}: {}", ran.out);
    }
    let one = place.call(&["runs", "--last", "1"]);
    assert_eq!(one.out.lines().count(), 1);
    assert!(one.err.contains("older; `--last N` shows more"), "{}", one.err);
    // One that was killed is rendered as far as it got.
    let killed = place.call(&["report", "20260102", "--out", "markdown=-", "--quiet"]);
    assert!(killed.out.starts_with("### "), "{}{}", killed.out, killed.err);
}
