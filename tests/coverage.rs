//! The alerting rules that a suite has seen fire, told from the records of its runs.

use crate::support::Place;
use crate::support::machine::MACHINE;
use serde_json::Value;
use stressc::base::units::SECOND;
use stressc::check::check;
use stressc::inputs::{Asked, load};
use stressc::measure::{Alert, AlertStage, AlertState, Event};
use stressc::plan::{Plan, PlannedArea, PlannedMember, SUITE_SCHEMA, Share, SuitePlan, expected_alerts, plan};
use stressc::store::{Record, SuiteAsked, SuiteEvent, SuiteHead, SuiteRecord};

const RULES: &str = "groups:
  - name: shop
    rules:
      - { alert: DatabaseDown, expr: db_up == 0, labels: { severity: page } }
      - { alert: HighErrorRate, expr: errors > 1, labels: { severity: page } }
      - { alert: DiskFull, expr: disk < 1, labels: { severity: page } }
      - { alert: Watchdog, expr: vector(1), labels: { severity: page } }
      - { alert: Slow, expr: latency > 1, labels: { severity: ticket } }
";

/// A suite of scenarios that each expect one alert.
fn text(names: &[(&str, &str)], bound: &str) -> String {
    let scenario = |(name, alert): &(&str, &str)| {
        format!(
            "scenario {name} {{
  target api = http(\"http://127.0.0.1:9\")
  flow visit on api {{
    get \"/\"
    think 1s
  }}
  load main of visit {{ hold 1 user for 60s as plateau }}
  alerts pager = webhook(\"127.0.0.1:9199\") {{ rules: \"rules.yml\" }}
  expect alert \"{alert}\" fires within 20s of plateau
}}

"
        )
    };
    let scenarios: String = names.iter().map(scenario).collect();
    let all: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
    format!(
        "{scenarios}suite drill {{\n  area paging: {}\n  ready when rule_coverage(\"rules.yml\", labels: {{ severity: \"page\" }}) >= {bound}\n}}\n",
        all.join(", ")
    )
}

/// When an alert was delivered; what is not delivered never comes.
type Delivered<'a> = Option<(&'a str, u64)>;

/// A record of the suite, as if its scenarios had run so; None is one that was interrupted.
fn recorded(place: &Place, text: &str, came: &[(&str, Option<Delivered<'_>>)]) -> String {
    place.write("rules.yml", RULES);
    let file = place.write("main.stress", text);
    let loaded = load(&file, &Asked::default()).unwrap();
    let (program, said) = check(&loaded.inputs, &loaded.sources);
    assert!(!said.has_errors(), "{:?}", said.sorted());
    let plans: Vec<Plan> =
        program.scenarios.iter().map(|own| plan(own, "main.stress", Share::WHOLE, MACHINE).0).collect();
    let member = |(plan, (name, _)): (&Plan, &(&str, Option<Delivered<'_>>))| PlannedMember {
        path: (*name).to_owned(),
        file: "main.stress".to_owned(),
        scenario: (*name).to_owned(),
        fingerprint: plan.fingerprint.clone(),
        length: plan.length,
        alerts: expected_alerts(plan).map(|(_, alert)| alert).collect(),
        skipped: None,
    };
    let members = plans.iter().zip(came).map(member).collect();
    let areas = vec![PlannedArea { name: "paging".to_owned(), weight: 1.0, members }];
    let (file, suite) = ("main.stress".to_owned(), "drill".to_owned());
    let ready = program.suites[0].ready.clone();
    let plan = SuitePlan { schema: SUITE_SCHEMA, file, suite, profile: None, doc: None, areas, ready };
    let base = place.path();
    let id = "20260101T000000Z-drill-0001";
    let head = SuiteHead::new(id, "2026-01-01T00:00:00Z", 7, SuiteAsked::default(), plan);
    let mut record = SuiteRecord::create(base, &head).unwrap();
    for (number, (plan, (_, came))) in plans.iter().zip(came).enumerate() {
        let run = format!("20260101T00000{number}Z-run-000{number}");
        record.append(&SuiteEvent::Begun { member: number, run: run.clone() }).unwrap();
        let Some(delivered) = came else { continue };
        written(base, &run, plan, *delivered);
        record.append(&SuiteEvent::Ended { member: number }).unwrap();
    }
    id.to_owned()
}

fn written(base: &std::path::Path, run: &str, plan: &Plan, delivered: Delivered<'_>) {
    let mut record = Record::create(base, run, None, plan, 0.0).unwrap();
    let (id, started, version) = (run.to_owned(), "2026-01-01T00:00:00Z".to_owned(), "0".to_owned());
    record.append(&Event::Started { id, started, seed: 7, workers: 1, version, raised: None, cores: None });
    record.append(&Event::LoadStarted);
    if let Some((name, second)) = delivered {
        record.append(&Event::Alert(Alert {
            source: 0,
            stage: AlertStage::Delivered,
            name: name.to_owned(),
            labels: vec![("severity".to_owned(), "page".to_owned())],
            state: AlertState::Firing,
            at: second * SECOND,
            after: None,
            receivers: Vec::new(),
        }));
    }
    record.append(&Event::LoadEnded { at: plan.length });
    record.append(&Event::Ended { at: plan.length });
    assert!(record.problems().is_empty());
}

fn told(place: &Place, id: &str) -> (String, Value) {
    let json = place.call(&["report", id, "--json"]);
    let value = serde_json::from_str(&json.out).unwrap_or_else(|_| panic!("{}{}", json.out, json.err));
    (place.call(&["report", id]).out.0, value)
}

#[test]
fn rules_that_were_never_seen_to_fire_are_listed() {
    let place = Place::new();
    let names = [("database_down", "DatabaseDown"), ("errors", "HighErrorRate")];
    // The first in time, the second five seconds too late.
    let came = [("database_down", Some(Some(("DatabaseDown", 14)))), ("errors", Some(Some(("HighErrorRate", 25))))];
    let id = recorded(&place, &text(&names, "50%"), &came);
    let (out, json) = told(&place, &id);
    let rules = &json["rules"][0];
    let states: Vec<(&str, &str)> = rules["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|own| (own["alert"].as_str().unwrap(), own["state"].as_str().unwrap()))
        .collect();
    let wanted = [
        ("DatabaseDown", "fired"),
        ("HighErrorRate", "did_not_fire"),
        ("DiskFull", "never_provoked"),
        ("Watchdog", "cannot_be_provoked"),
    ];
    assert_eq!(states, wanted, "{out}");
    assert_eq!((&rules["share"]["least"], &rules["share"]["most"]), (&0.25.into(), &0.25.into()));
    assert_eq!((&rules["rules"][2]["line"], &rules["rules"][2]["scenarios"]), (&6.into(), &serde_json::json!([])));
    assert_eq!(json["gates"][0]["verdict"], "failed");
    for part in [
        "failed: 25%, 1 of 4 alerting rules fired",
        "alerting rules\n  rules.yml with severity page: 25% fired in time\n",
        "  ✔ DatabaseDown   fired in time, database_down\n",
        "  ✘ HighErrorRate  expected, did not fire in time, errors\n",
        "  – DiskFull       never provoked, line 6\n",
        "cannot be provoked: its expression always has a result, line 7\n",
    ] {
        assert!(out.contains(part), "{part} in\n{out}");
    }
    assert!(!out.contains("Slow"), "{out}");
    assert_eq!(crate::schemas::unlike("suite", &json), None);
}

#[test]
fn what_was_not_run_to_its_end_is_open_and_fails_what_needs_it() {
    let names = [("database_down", "DatabaseDown"), ("errors", "HighErrorRate")];
    let came = [("database_down", Some(Some(("DatabaseDown", 14)))), ("errors", None)];
    for (bound, verdict) in [("25%", "held"), ("50%", "failed")] {
        let place = Place::new();
        let id = recorded(&place, &text(&names, bound), &came);
        let (out, json) = told(&place, &id);
        assert_eq!(json["gates"][0]["verdict"], verdict, "{bound}: {out}");
        assert_eq!(json["rules"][0]["rules"][1]["state"], "not_tested", "{out}");
        assert!(out.contains("HighErrorRate  expected, not tested, errors\n"), "{out}");
    }
}

#[test]
fn another_rules_file_is_another_suite() {
    let place = Place::new();
    let names = [("database_down", "DatabaseDown")];
    let id = recorded(&place, &text(&names, "25%"), &[("database_down", None)]);
    let record = place.path().join(".stress/runs").join(id).join("suite.json");
    let head: SuiteHead = serde_json::from_slice(&std::fs::read(record).unwrap()).unwrap();
    let mut other = head.plan.clone();
    let read = |plan: &SuitePlan| plan.ready.as_ref().unwrap().coverages()[0].rules.len();
    assert_eq!((read(&other), head.plan.differs(&other)), (5, None));
    place.write("rules.yml", &RULES.replace("disk < 1", "disk < 2"));
    let loaded = load(&place.path().join("main.stress"), &Asked::default()).unwrap();
    other.ready = check(&loaded.inputs, &loaded.sources).0.suites[0].ready.clone();
    assert!(head.plan.differs(&other).unwrap().contains("`ready when` have changed"));
}
