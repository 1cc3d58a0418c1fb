//! What metrics are called across runs.

use crate::support::machine::MACHINE;
use std::path::Path;
use stressc::check::check;
use stressc::inputs::{Asked, load_text};
use stressc::plan::{Condition, Measured, MetricKey, Plan, Share, plan};

/// The plan of a file of that name in which these conditions are expected.
fn planned(file: &str, conditions: &[&str]) -> Plan {
    let expects: String = conditions.iter().map(|condition| format!("  expect {condition}\n")).collect();
    let text = format!(
        "scenario test {{
  target api = http(\"http://127.0.0.1:9\")
  flow visit on api {{
    get \"/\" as page
    group cart {{ get \"/cart\" }}
  }}
  load main of visit {{
    hold 100/s for 20s as plateau
    repeat 2 {{
      hold 100/s for 10s as wave
    }}
  }}
  fault slow = latency(api, by: 10ms) at 11s for 2s
  fault late = latency(api, by: 10ms) at 15s for 2s
  steady_state calm {{ error_rate(main) < 1% }}
  steady_state quick {{ p50(main) < 1s }}
{expects}}}
"
    );
    let loaded = load_text(Path::new(file), text, &Asked::default()).unwrap();
    let (program, said) = check(&loaded.inputs, &loaded.sources);
    let said: Vec<String> = said.sorted().into_iter().map(|said| said.message).collect();
    assert!(said.is_empty(), "{conditions:?}: {said:?}");
    plan(&program.scenarios[0], file, Share::WHOLE, MACHINE).0
}

/// The keys of the left sides of these conditions.
fn keys(file: &str, conditions: &[&str]) -> Vec<MetricKey> {
    let of = |condition: &Condition| match condition {
        Condition::Compare { left: Measured::Metric { key, .. }, .. }
        | Condition::Holds(Measured::Metric { key, .. }) => key.clone(),
        other => panic!("no metric on the left of {other:?}"),
    };
    let plan = planned(file, conditions);
    let written = plan.expectations.iter().filter(|expectation| !expectation.implied);
    written.map(|expectation| of(&expectation.condition)).collect()
}

#[test]
fn two_spellings_of_one_metric_have_one_key() {
    for same in [
        &["p95(page) < 1s", "p95(visit.page) < 1s", "p95(  visit.page  ) < 2s"][..],
        &["p95(main.page) < 1s", "p95(main.visit.page) < 1s"],
        &["time_to_recover(slow) < 1m", "time_to_recover(slow, calm) < 1m"],
        &["p95(main during plateau) < 1s", "p95(main during main.plateau) < 1s", "p95(main) < 1s during plateau"],
        &["p95(main during plateau outside slow) < 1s", "p95(main outside slow during plateau) < 1s"],
        &[
            "error_rate(main where status == 200 and latency < 1s) < 1%",
            "error_rate(main where (status == 200) and (latency < 1000ms)) < 1%",
        ],
        &[
            "p95(main during slow.start + 60s .. slow.end + 61s) < 1s",
            "p95(main during slow.start + 1m .. slow.end + 1m1s) < 1s",
        ],
    ] {
        let found = keys("test.stress", same);
        assert!(found.iter().all(|key| *key == found[0]), "{found:#?}");
        // Of whichever file.
        assert_eq!(keys("elsewhere/renamed.stress", same), found);
    }
    let [key] = &keys("test.stress", &["p95(main.page where status == 200 during plateau outside slow) < 1s"])[..]
    else {
        panic!("one")
    };
    assert_eq!(key.to_string(), "p95(main.visit.page where status == 200 during main.plateau outside slow)");
}

#[test]
fn what_is_not_the_same_has_another_key() {
    let all = [
        "p95(main) < 1s",
        "p99(main) < 1s",
        "p95(visit) < 1s",
        "p95(page) < 1s",
        "p95(main.page) < 1s",
        "p95(cart) < 1s",
        "p95(main.service_time) < 1s",
        "p95(iteration(main)) < 1s",
        "p95(main where status == 200) < 1s",
        "p95(main where status == 201) < 1s",
        "p95(main during plateau) < 1s",
        "p95(main outside plateau) < 1s",
        "p95(main during wave) < 1s",
        "p95(main during wave.first) < 1s",
        "p95(main during wave.last) < 1s",
        "p95(main during slow) < 1s",
        "p95(main during late) < 1s",
        "p95(main during slow.impact) < 1s",
        "p95(main during slow.start + 1s .. slow.end + 5s) < 1s",
        "p95(main during slow.start + 1s .. slow.end + 5001ms) < 1s",
        "time_to_recover(slow) < 1m",
        "time_to_recover(slow, quick) < 1m",
        "time_to_recover(late) < 1m",
    ];
    let found = keys("test.stress", &all);
    for (index, key) in found.iter().enumerate() {
        assert!(!found[..index].contains(key), "{} is called like another: {key}", all[index]);
    }
    // As a text they are as different.
    let mut texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), all.len());
}

#[test]
fn how_a_metric_is_called_is_no_part_of_what_a_plan_does() {
    let one = planned("test.stress", &["p95(main.page) < 1s"]);
    let other = planned("test.stress", &["p95(main.visit.page) < 1s"]);
    assert_eq!(one.fingerprint, other.fingerprint);
    // It is in the record.
    let text = serde_json::to_string(&one).unwrap();
    assert!(text.contains("\"key\":{\"function\":\"p95\",\"of\":\"main.visit.page\"}"), "{text}");
    // As the store reads it: whole, and then as a plan.
    let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::from_value::<Plan>(whole).unwrap().expectations, one.expectations);
}
