//! Dashboards as their users open them: what `std.grafana` asks a Grafana for, and what it says about the answers.

use crate::support::compile::root;
use crate::support::{Keeper, Kept, Place, answered, answered_as};
use serde_json::{Value, json};

/// A stand-in for Grafana 9 and later. The uid of a dashboard is the query of its last panel, which says how that panel fares.
fn grafana(asked: &Kept) -> Vec<u8> {
    if let Some(uid) = asked.line().strip_prefix("GET /api/dashboards/uid/") {
        return answered("Content-Type: application/json\r\n", dashboard(uid).to_string().as_bytes());
    }
    assert_eq!(asked.line(), "POST /api/ds/query");
    let queries = serde_json::from_slice::<Value>(&asked.body).unwrap()["queries"].clone();
    let query = |at: usize| queries[at]["expr"].as_str().unwrap_or_default().to_owned();
    let frames = json!([{ "schema": { "fields": [] }, "data": { "values": [[1, 2], [0.5, 0.25]] } }]);
    let (status, results) = match query(0).as_str() {
        "empty" => {
            let columns = json!([{ "schema": { "fields": [] }, "data": { "values": [[], []] } }]);
            ("200 OK", json!({ "A": { "status": 200, "frames": columns } }))
        }
        "no_frames" => ("200 OK", json!({ "A": { "status": 200, "frames": [] } })),
        // Grafana 9 answers 400 for a failed query, 10 and later 207; some data sources leave it at 200.
        "refused" => ("400 Bad Request", json!({ "A": { "status": 400, "error": "parse error", "frames": [] } })),
        "in_part" => {
            let other = json!({ "status": 500, "error": "no such series", "frames": [] });
            ("207 Multi-Status", json!({ "A": { "status": 200, "frames": frames }, "B": other }))
        }
        "in_words" => ("200 OK", json!({ "A": { "error": "out of memory", "frames": [] } })),
        "by_number" => ("200 OK", json!({ "A": { "status": 504, "frames": [] } })),
        "gone" => return answered_as("502 Bad Gateway", "Content-Type: text/html\r\n", b"<html>no upstream</html>"),
        "slow" => {
            std::thread::sleep(std::time::Duration::from_millis(700));
            ("200 OK", json!({ "A": { "status": 200, "frames": frames } }))
        }
        _ => ("200 OK", json!({ "A": { "status": 200, "frames": frames } })),
    };
    let body = json!({ "results": results }).to_string();
    answered_as(status, "Content-Type: application/json\r\n", body.as_bytes())
}

/// With all that a browser loads no data for: rows, opened or not, texts, hidden queries, results of other panels.
fn dashboard(uid: &str) -> Value {
    let query = |name: &str| json!({ "refId": "A", "datasource": { "type": "prometheus", "uid": "p" }, "expr": name });
    let hidden = json!({ "refId": "B", "hide": true, "datasource": { "uid": "p" }, "expr": "hidden" });
    let panels = json!([
        { "id": 1, "type": "timeseries", "targets": [query("up"), hidden] },
        { "id": 2, "type": "row", "collapsed": true, "targets": [{ "refId": "A" }],
          "panels": [{ "id": 3, "type": "stat", "targets": [query("collapsed")] }] },
        { "id": 4, "type": "row", "collapsed": false, "targets": [query("row")], "panels": [] },
        { "id": 5, "type": "text", "options": { "content": "# Shop" } },
        { "id": 6, "type": "text", "targets": [] },
        { "id": 7, "type": "stat", "targets": [hidden] },
        { "id": 8, "type": "stat", "targets": [{ "refId": "A", "datasource": { "uid": "-- Dashboard --" }, "panelId": 1 }] },
        { "id": 9, "type": "gauge", "targets": [query(uid)] },
    ]);
    match uid {
        "bare" => json!({ "dashboard": { "uid": uid, "panels": [panels[1], panels[3]] }, "meta": {} }),
        _ => json!({ "dashboard": { "uid": uid, "panels": panels }, "meta": {} }),
    }
}

/// One user opens each of these dashboards for a second.
const DASHBOARDS: [&str; 10] =
    ["good", "empty", "no_frames", "strict_empty", "refused", "in_part", "in_words", "by_number", "gone", "bare"];

fn scenario(address: &str) -> String {
    let mut loads = String::new();
    for dashboard in DASHBOARDS {
        let (uid, option) = match dashboard.strip_prefix("strict_") {
            Some(uid) => (uid, ", empty_fails: true"),
            None => (dashboard, ""),
        };
        loads += &format!(
            "  load {dashboard} of grafana.open_dashboard(graf, uid: \"{uid}\", since: \"now-6h\", look: 100ms{option}) {{\n    hold 1 users for 1s\n  }}\n"
        );
    }
    format!(
        r#"use std.grafana

scenario test {{
  target graf = http("http://{address}") {{
    auth: bearer(secret("GRAFANA_TOKEN"))
    timeout: 400ms
  }}
{loads}
  load slow of grafana.open_dashboard(graf, uid: "slow", look: 100ms) {{
    hold 1 users for 1s
  }}

  expect {{
    error_rate(good) == 0%
    count(good.opening) >= 2
    count(good.empty_panels) == 0
    error_rate(empty) == 0%
    count(empty.empty_panels) within 30% of count(empty.opening)
    count(no_frames.empty_panels) >= 2
  }}
}}
"#
    )
}

#[test]
fn a_dashboard_is_opened_as_a_browser_does() {
    let keeper = Keeper::start(grafana);
    let place = Place::new();
    place.write("test.stress", &scenario(&keeper.address.to_string()));
    let mut command = place.command(&["run", "test.stress", "--no-progress"]);
    let ran = place.ended(command.env("GRAFANA_TOKEN", "glsa_a1b2c3").output().unwrap());
    ran.passed();

    let seen = keeper.seen();
    assert!(seen.iter().all(|kept| kept.header("Authorization") == "Bearer glsa_a1b2c3"), "{seen:?}");
    assert!(!ran.out.contains("glsa_a1b2c3"), "{}", ran.out);
    let bodies = keeper.asked("POST /api/ds/query").into_iter();
    let bodies: Vec<Value> = bodies.map(|kept| serde_json::from_slice(&kept.body).unwrap()).collect();
    let good: Vec<&Value> = bodies.iter().filter(|body| body["queries"][0]["expr"] == "good").collect();
    let opened = keeper.asked("GET /api/dashboards/uid/good").len();
    assert!(opened >= 2 && good.len().abs_diff(opened) <= 1, "{opened} opened, {} asked", good.len());
    let query = json!({ "refId": "A", "datasource": { "type": "prometheus", "uid": "p" }, "expr": "good" });
    assert_eq!(good[0], &json!({ "queries": [query], "from": "now-6h", "to": "now" }));
    let never = ["hidden", "collapsed", "row"];
    for body in &bodies {
        let queries = body["queries"].as_array().unwrap();
        assert_eq!(queries.len(), 1, "{body}");
        let text = queries[0]["expr"].as_str().unwrap();
        assert!(!never.contains(&text), "{body}");
    }
}

/// Each kind of failure fails its step, and the report says why.
#[test]
fn a_panel_with_an_error_fails_with_its_reason() {
    let keeper = Keeper::start(grafana);
    let place = Place::new();
    place.write("test.stress", &scenario(&keeper.address.to_string()));
    let mut command = place.command(&["run", "test.stress", "--no-progress"]);
    let ran = place.ended(command.env("GRAFANA_TOKEN", "glsa_a1b2c3").output().unwrap());
    let failures = ran.result["failures"].as_array().unwrap();
    let of = |load: &str| -> Vec<(&str, &str)> {
        let own = failures.iter().filter(|one| one["series"].as_str().unwrap().starts_with(&format!("{load}.")));
        own.map(|one| (one["series"].as_str().unwrap(), one["failure"].as_str().unwrap())).collect()
    };
    for fine in ["good", "empty", "no_frames"] {
        assert!(of(fine).is_empty(), "{fine}: {}", ran.out);
    }
    for broken in ["strict_empty", "refused", "in_part", "in_words", "by_number", "gone"] {
        assert_eq!(of(broken), [(&*format!("{broken}.open_dashboard.panel_data"), "expectation")], "{}", ran.out);
    }
    assert_eq!(of("slow"), [("slow.open_dashboard.panel_data", "timeout")], "{}", ran.out);
    assert_eq!(of("bare"), [("bare.open_dashboard.dashboard", "expectation")], "{}", ran.out);
    for words in ["it was \"parse error\"", "it was \"no such series\"", "it was \"out of memory\"", "it was 504"] {
        assert!(ran.out.contains(words), "{words} in\n{}", ran.out);
    }
}

/// The same words as in a suite, and a code that the reference names.
#[test]
fn without_its_address_the_scenario_is_skipped_by_name() {
    let place = Place::new();
    let file = root().join("scenarios/monitoring.stress");
    let wanted = format!("{}:dashboards", file.display());
    let mut command = place.command(&["run", &wanted, "--no-progress"]);
    let ran = place.ended(command.env_remove("GRAFANA_URL").env_remove("GRAFANA_TOKEN").output().unwrap());
    let said = "`dashboards` is skipped: the variables `GRAFANA_URL` and `GRAFANA_TOKEN` are not set";
    assert!(ran.code == 3 && ran.err.contains(said), "{}{}", ran.out, ran.err);
    let mut command = place.command(&["run", &wanted, "--no-progress"]);
    command.env("GRAFANA_URL", "http://127.0.0.1:9").env_remove("GRAFANA_TOKEN");
    let ran = place.ended(command.output().unwrap());
    assert!(ran.code == 3 && ran.err.contains("skipped: the variable `GRAFANA_TOKEN` is not set"), "{}", ran.err);
    assert!(place.runs().is_empty());
}
