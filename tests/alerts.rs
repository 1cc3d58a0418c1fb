//! What a plan knows of a source of alerts before anything is asked of it.

use crate::support::Place;
use crate::support::machine::MACHINE;
use stressc::base::units::SECOND;
use stressc::check::check;
use stressc::inputs::{Asked, load};
use stressc::plan::{Plan, Share, plan};

#[test]
fn the_facts_of_a_source_of_alerts_are_in_the_plan() {
    let place = Place::new();
    place.write(
        "rules.yml",
        "groups:
  - name: shop
    rules:
      - alert: Down
        expr: up == 0
        for: 10s
        labels: { severity: page }
  - name: slow
    interval: 15s
    rules:
      - alert: Slow
        expr: latency > 1
        for: 20s
",
    );
    let file = place.write(
        "test.stress",
        "scenario test {
  target api = http(\"http://127.0.0.1:9\")
  flow visit on api { get \"/\" }
  load main of visit { hold 1/s for 1m }
  alerts pager = alertmanager(\"http://127.0.0.1:9093\") {
    rules: \"rules.yml\"
    evaluation: 4s
    grouping: 3s
  }
  alerts other = prometheus(\"http://127.0.0.1:9090\")
  expect error_rate(main) < 1%
}
",
    );
    let loaded = load(&file, &Asked::default()).unwrap();
    let (program, said) = check(&loaded.inputs, &loaded.sources);
    assert!(!said.has_errors(), "{:?}", said.sorted());
    let (plan, _) = plan(&program.scenarios[0], "test.stress", Share::WHOLE, MACHINE);
    let [pager, other] = &plan.alert_sources[..] else { panic!("{:?}", plan.alert_sources) };
    assert_eq!((pager.facts.evaluation, pager.facts.grouping), (Some(4 * SECOND), 3 * SECOND));
    let rules = pager.facts.rules.as_ref().unwrap();
    let told = |rule: usize| (rules[rule].alert.as_str(), rules[rule].held, pager.facts.earliest(&rules[rule]));
    // Three evaluations of four seconds, or two of fifteen, and the grouping.
    assert_eq!([told(0), told(1)], [("Down", 10 * SECOND, 15 * SECOND), ("Slow", 20 * SECOND, 33 * SECOND)]);
    assert_eq!(rules[0].labels, [("severity".to_owned(), "page".to_owned())]);
    assert_eq!(other.facts.rules, None);
    // They are in the record, and the record of a source without any is what it was.
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap().alert_sources, plan.alert_sources);
    assert!(!serde_json::to_string(other).unwrap().contains("facts"));
}

/// A source that nothing of a scenario asks would have to answer before its load.
#[test]
fn a_source_of_the_file_is_of_the_scenarios_that_ask_it() {
    let sources = |expected: &str| {
        let place = Place::new();
        let text = format!(
            "alerts pager = prometheus(\"http://127.0.0.1:9090\")

scenario test {{
  target api = http(\"http://127.0.0.1:9\")
  flow visit on api {{ get \"/\" }}
  load main of visit {{ hold 1/s for 1m }}
  steady_state {{ error_rate(main) < 1% }}
  fault cut = partition(api) at main + 10s for 10s
  expect {expected}
}}
"
        );
        let file = place.write("test.stress", &text);
        let loaded = load(&file, &Asked::default()).unwrap();
        let (program, said) = check(&loaded.inputs, &loaded.sources);
        assert!(!said.has_errors(), "{:?}", said.sorted());
        plan(&program.scenarios[0], "test.stress", Share::WHOLE, MACHINE).0.alert_sources.len()
    };
    assert_eq!(sources("time_to_recover(cut) < 10s"), 0);
    assert_eq!(sources("time_to_detect(cut) < 10s"), 1);
}
