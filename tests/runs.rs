//! Runs that were recorded, as they are found again.

use crate::support::Place;
use crate::support::compile::root;
use crate::support::day;
use std::path::Path;
use stressc::store::{self, Record, Wanted};

/// Copies of real records of `tests/records/`, and no more of them than what is said before anything was measured.
fn recorded(place: &Place) {
    for (id, of) in [
        ("20260101T000000Z-ends-0001", "ends"),
        ("20260102T000000Z-all-0002", "all"),
        ("20260103T000000Z-ends-0003", "ends"),
    ] {
        let to = place.path().join(".stress/runs").join(id);
        std::fs::create_dir_all(&to).unwrap();
        std::fs::copy(root().join("tests/records/1").join(of).join("plan.json"), to.join("plan.json")).unwrap();
    }
}

fn ids(base: &Path, wanted: Wanted<'_>) -> (Vec<String>, Vec<String>) {
    let (heads, broken) = store::runs(base, wanted);
    (heads.into_iter().map(|head| head.id).collect(), broken.iter().map(ToString::to_string).collect())
}

#[test]
fn runs_are_found_by_scenario_and_by_what_they_did() {
    let place = Place::new();
    recorded(&place);
    let all = ["20260103T000000Z-ends-0003", "20260102T000000Z-all-0002", "20260101T000000Z-ends-0001"];
    assert_eq!(ids(place.path(), Wanted::All), (all.map(str::to_owned).to_vec(), Vec::new()));
    let ends = [all[0].to_owned(), all[2].to_owned()].to_vec();
    let by = |file, name| ids(place.path(), Wanted::Scenario { file, name }).0;
    assert_eq!(by(None, "ends"), ends);
    assert_eq!(by(Some("./ends.stress"), "ends"), ends);
    assert_eq!(by(Some("other.stress"), "ends"), [""; 0]);
    assert_eq!(by(None, "end"), [""; 0]);
    let head = store::runs(place.path(), Wanted::All).0.remove(1);
    assert_eq!((head.scenario.as_str(), head.parent), ("all", None));
    assert_eq!(ids(place.path(), Wanted::Fingerprint(&head.fingerprint)).0, [all[1]]);
    assert_eq!(ids(place.path(), Wanted::Fingerprint("")).0, [""; 0]);
    // What is found is a record.
    let (found, _) = store::runs(place.path(), Wanted::Scenario { file: None, name: "all" });
    assert_eq!(store::find(place.path(), &found[0].id).unwrap(), found[0].directory);
    assert_eq!(ids(Path::new("/nowhere"), Wanted::All), (Vec::new(), Vec::new()));
}

#[test]
fn a_broken_record_is_told_and_hides_no_other() {
    let place = Place::new();
    recorded(&place);
    let runs = place.path().join(".stress/runs");
    let whole = std::fs::read_to_string(runs.join("20260103T000000Z-ends-0003/plan.json")).unwrap();
    for (id, text, why) in [
        ("20260201T000000Z-torn", &whole[..whole.len() / 2], "is no JSON, in line "),
        (
            "20260202T000000Z-later",
            "{\"format\": 99, \"file\": \"\", \"scenario\": \"\", \"fingerprint\": \"\", \"share\": {\"index\": 0, \"count\": 1}}",
            "is of format 99",
        ),
        ("20260203T000000Z-other", "{}", "has other fields or types"),
    ] {
        std::fs::create_dir(runs.join(id)).unwrap();
        std::fs::write(runs.join(id).join("plan.json"), text).unwrap();
        let (found, broken) = ids(place.path(), Wanted::All);
        assert_eq!(found.len(), 3, "{id}");
        assert!(broken[0].contains(id) && broken[0].contains(why), "{broken:?}");
    }
    std::fs::create_dir(runs.join("20260204T000000Z-empty")).unwrap();
    std::fs::write(runs.join("a file"), "").unwrap();
    let (found, broken) = ids(place.path(), Wanted::Scenario { file: None, name: "ends" });
    assert_eq!((found.len(), broken.len()), (2, 4), "{broken:?}");
}

#[test]
fn a_record_names_the_run_that_it_is_a_part_of() {
    let place = Place::new();
    let plan = day::planned(&day::scenario(1, 1, "    hold 1/s for 1s", ""));
    for (id, parent) in [("20260101T000000Z-a", Some("20260101T000000Z-suite")), ("20260102T000000Z-b", None)] {
        Record::create(place.path(), id, parent, &plan, 0.0).unwrap();
    }
    let (heads, broken) = store::runs(place.path(), Wanted::Fingerprint(&plan.fingerprint));
    assert!(broken.is_empty(), "{broken:?}");
    let parents: Vec<Option<&str>> = heads.iter().map(|head| head.parent.as_deref()).collect();
    assert_eq!(parents, [None, Some("20260101T000000Z-suite")]);
    // The plan is what it was.
    let read = store::read(&heads[1].directory).unwrap().0;
    assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::to_value(&plan).unwrap());
}

#[test]
fn what_is_not_run_yet_is_mentioned_by_who_looks_before() {
    let place = Place::new();
    let text = "scenario prices {
  target cache = redis(\"redis://127.0.0.1:6379\")

  flow look on cache {
    command [\"GET\", \"price:1\"]
  }

  load main of look {
    hold 50/s for 5s
  }

  expect {
    p95(main) < 200ms
    error_rate(main) < 1%
  }
}
";
    place.write("test.stress", text);
    for command in ["check", "plan"] {
        let looked = place.call(&[command, "test.stress"]);
        assert_eq!(looked.code, 0, "{}{}", looked.out, looked.err);
        for part in ["W0815", "test.stress:2:18", "this version plans and does not run a target of `redis(…)`"] {
            assert!(looked.err.contains(part), "{command}: {part}: {}", looked.err);
        }
    }
    let ran = place.run(text, &[]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("E0113") && !ran.err.contains("W0815"), "{}", ran.err);
}
