//! What sources of alerts tell in a run: a real Prometheus and Alertmanager, which the scenario starts, and receivers of notifications.

use crate::support::monitoring::{Metric, is_here};
use crate::support::{Place, Ran, Script, Server, wait_until};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// The events of the last run of a kind.
fn told(place: &Place, kind: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(place.runs().last().unwrap().join("events.jsonl")).unwrap_or_default();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["event"] == kind).map(|event| event["data"].clone()).collect()
}

/// When an alert came into a state, in seconds of the run.
fn instants(alerts: &[Value], stage: &str, name: &str, state: &str) -> Vec<f64> {
    let is = |alert: &&Value| alert["stage"] == stage && alert["name"] == name && alert["state"] == state;
    alerts.iter().filter(is).map(|alert| alert["at"].as_u64().unwrap() as f64 / 1e9).collect()
}

fn first(alerts: &[Value], stage: &str, name: &str, state: &str) -> f64 {
    let all = instants(alerts, stage, name, state);
    *all.first().unwrap_or_else(|| panic!("{name} never {state} at {stage}: {alerts:#?}"))
}

const RULES: &str = "groups:
  - name: shop
    rules:
      - alert: DatabaseDown
        expr: db_up == 0
        for: 600ms
        labels: { severity: page }
      - alert: Blink
        expr: db_up == 0
";

/// A scenario whose Prometheus looks at a metric five times a second.
fn eyes(metric: SocketAddr, options: &str, parts: &str, length: &str) -> String {
    format!(
        "use std.monitoring

system eyes = monitoring.prometheus_stack(scrape: \"{metric}\", rules: \"rules.yml\", interval: 200ms)

scenario test {{
  target api = http(\"http://{metric}\")
  alerts pager = alertmanager(eyes.alertmanager_url) {{
    {options}
  }}
  flow visit on api {{
    get \"/\"
  }}
  load main of visit {{
    hold 5/s for {length}
  }}
{parts}
  expect error_rate(main) == 0%
}}
"
    )
}

const ALL: &str = "prometheus: eyes.prometheus_url
    receiver: eyes.receiver";

fn shown(ran: &Ran) -> String {
    format!("{}{}", ran.out, ran.err)
}

#[test]
fn an_alert_has_three_instants_and_a_flap_is_in_the_history() {
    if !is_here() {
        return;
    }
    let place = Place::new();
    place.write("rules.yml", RULES);
    let metric = Metric::start(&[(1300, 1700), (2500, 5500)]);
    let ran = place.run(&eyes(metric.address, ALL, "", "8s"), &[]);
    ran.passed();
    let (alerts, histories) = (told(&place, "alert"), told(&place, "alert_history"));
    let [history] = &histories[..] else { panic!("{}", shown(&ran)) };
    let rules = history["alerts"].as_array().unwrap();
    for (state, from, to) in [("firing", 2.5, 5.5), ("resolved", 5.4, 8.0)] {
        // It was pending before, for too short a time.
        let rule = *instants(rules, "rule", "DatabaseDown", state).last().unwrap();
        let active = first(&alerts, "active", "DatabaseDown", state);
        let delivered = first(&alerts, "delivered", "DatabaseDown", state);
        let all = format!("{state}: {rule} {active} {delivered} {alerts:#?}");
        // What Alertmanager was told is known to a look, where it does not tell it.
        let after = alerts.iter().find(|alert| alert["stage"] == "active" && alert["state"] == state);
        let after = after.and_then(|alert| alert["after"].as_u64()).map_or(active, |after| after as f64 / 1e9);
        assert!(from < rule && rule < to && rule < delivered && delivered < to + 1.5, "{all}");
        assert!(rule <= active && after <= delivered + 0.2, "{all}");
    }
    let pending = first(rules, "rule", "DatabaseDown", "pending");
    assert!(first(rules, "rule", "DatabaseDown", "firing") - pending > 0.59, "{rules:#?}");
    let blinks = [instants(rules, "rule", "Blink", "firing"), instants(rules, "rule", "Blink", "resolved")];
    assert!(blinks.iter().all(|all| all.len() == 2), "{rules:#?}");
    assert!(blinks[1][0] - blinks[0][0] < 1.0 && blinks[0][0] > 1.2, "{rules:#?}");
    let polled = instants(&alerts, "rule", "DatabaseDown", "firing");
    assert!((polled[0] - first(rules, "rule", "DatabaseDown", "firing")).abs() < 1.3, "{alerts:#?}");
    let delivered = alerts.iter().find(|alert| alert["stage"] == "delivered").unwrap();
    assert_eq!(delivered["receivers"], json!(["stressc"]));
    let known = told(&place, "alert_rules");
    let names: Vec<&Value> = known[0]["rules"].as_array().unwrap().iter().map(|rule| &rule["name"]).collect();
    assert_eq!(names, ["DatabaseDown", "Blink"]);
    assert_eq!(
        (&known[0]["rules"][0]["held"], &known[0]["rules"][0]["interval"]),
        (&json!(600_000_000), &json!(200_000_000))
    );
    assert!(told(&place, "alerts_unasked").is_empty(), "{}", shown(&ran));
    let received = &told(&place, "alerts_received")[0];
    assert!(received["messages"].as_u64() >= Some(4) && received["refused"] == 0, "{received}");
}

/// Of a metric that comes late, of one that a rule wants absent, and of one that is recorded from others, nothing is said.
#[test]
fn a_rule_over_a_metric_that_never_appears_is_named() {
    if !is_here() {
        return;
    }
    let place = Place::new();
    place.write(
        "rules.yml",
        "groups:
  - name: shop
    rules:
      - record: job:lost:rate1m
        expr: sum by (job) (rate(orders_lost_total[1m]))
      - alert: DatabaseDown
        expr: db_up == 0
      - alert: Late
        expr: count(ALERTS{alertname=\"DatabaseDown\"}) > 5
      - alert: Ghost
        expr: job:lost:rate1m / on (job) sum by (job) (db_up) > 0.5
      - alert: Gone
        expr: absent(heartbeat) == 0
",
    );
    let metric = Metric::start(&[(1500, 60_000)]);
    let lines = "  expect {
    alert \"Ghost\" fires within 1s of main + 1s
    alert \"DatabaseDown\" may fire
  }";
    let ran = place.run(&eyes(metric.address, ALL, lines, "5s"), &[]);
    assert_eq!(ran.code, 1, "{}", shown(&ran));
    let doubtful = &ran.result["alerts"][0]["doubtful_rules"];
    assert_eq!(
        doubtful,
        &json!([{"name": "Ghost", "problem": null, "absent": ["orders_lost_total"]}]),
        "{}",
        shown(&ran)
    );
    let reason = "missed: it did not fire, and its rule reads `orders_lost_total`, of which no series appeared";
    assert_eq!(ran.result["alerts"][0]["expected"][0]["reason"], reason, "{}", shown(&ran));
    assert!(
        ran.out.contains("! the rule `Ghost` reads `orders_lost_total`, of which no series appeared"),
        "{}",
        ran.out
    );
}

#[test]
fn who_cannot_be_asked_is_told_with_the_reason() {
    if !is_here() {
        return;
    }
    let place = Place::new();
    place.write("rules.yml", RULES);
    let metric = Metric::start(&[(2000, 60_000)]);
    let faults = "  fault gone = kill(eyes.alertmanager) at main + 1s for 8s
  fault blind = pause(eyes.prometheus) at main + 5s for 2s";
    let ran = place.run(&eyes(metric.address, ALL, faults, "9s"), &[]);
    let alerts = told(&place, "alert");
    let history = told(&place, "alert_history");
    assert!(first(&alerts, "rule", "DatabaseDown", "firing") > 2.0, "{}", shown(&ran));
    let rules = history[0]["alerts"].as_array().unwrap();
    assert!(instants(rules, "rule", "DatabaseDown", "resolved").is_empty(), "it held all the time: {rules:#?}");
    // It is repeated as soon as there is somebody again.
    let delivered = instants(&alerts, "delivered", "DatabaseDown", "firing");
    assert!(delivered.iter().all(|at| *at > 8.9), "{alerts:#?}");
    let unasked = told(&place, "alerts_unasked");
    let of =
        |stage: &str| unasked.iter().find(|one| one["stage"] == stage).unwrap_or_else(|| panic!("{}", shown(&ran)));
    let range = |one: &Value| [0, 1].map(|end| one["range"][end].as_u64().unwrap() as f64 / 1e9);
    let [from, to] = range(of("active"));
    assert!(from < 2.1 && to > 8.9, "{unasked:#?}");
    assert_eq!(of("active")["reason"], "connection refused");
    let [from, to] = range(of("rule"));
    assert!((4.0..6.1).contains(&from) && (6.9..9.1).contains(&to), "{unasked:#?}");
    assert_eq!(of("rule")["reason"], "no answer within 900ms");
}

#[test]
fn what_fires_before_the_load_stops_the_run() {
    if !is_here() {
        return;
    }
    let place = Place::new();
    place.write("rules.yml", "groups:\n  - name: g\n    rules:\n      - alert: Always\n        expr: vector(1)\n        labels: { severity: page }\n");
    let metric = Metric::start(&[]);
    let ran = place.run(&eyes(metric.address, ALL, "", "2s"), &[]);
    assert_eq!(ran.code, 3, "{}", shown(&ran));
    for part in ["before the load, these alerts fire", "\"Always\" { severity: \"page\" } from pager", "may fire"] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
}

/// The templates of the library that need a failure which shows in the metric, by when it does.
fn templated(place: &Place, down: &'static [(u64, u64)], scenario: &str) -> Ran {
    place.write("rules.yml", RULES);
    let metric = Metric::start(down).address;
    let text = format!(
        "use std.monitoring

system eyes = monitoring.prometheus_stack(scrape: \"{metric}\", rules: \"rules.yml\", interval: 200ms)

target api = http(\"http://{metric}\")

flow visit on api {{
  get \"/\"
}}

scenario test = {scenario}
"
    );
    place.run(&text, &[])
}

#[test]
fn a_healthy_system_under_load_sets_off_no_alert() {
    if !is_here() {
        return;
    }
    let quiet = "monitoring.stays_quiet(visit, eyes: eyes, rate: 5/s, measured: 3s)";
    let place = Place::new();
    templated(&place, &[], quiet).passed();
    let place = Place::new();
    let ran = templated(&place, &[(1000, 2500)], quiet);
    assert_eq!(ran.code, 1, "{}", shown(&ran));
    assert!(ran.out.contains("Blink") && ran.out.contains("which no line expects"), "{}", ran.out);
    let allowed = quiet.replace("3s)", "3s, also: [\"Blink\", \"DatabaseDown\"])");
    templated(&Place::new(), &[(1000, 2500)], &allowed).passed();
}

#[test]
fn a_notification_finds_its_receiver_when_that_is_back() {
    if !is_here() {
        return;
    }
    let place = Place::new();
    let later =
        "monitoring.delivers_later(\"DatabaseDown\", failure: latency(api, 1ms), journey: visit, eyes: eyes, rate: 5/s,
  calm: 2s, away: 7s, detect: 5s, allowed: 20s)";
    // The load begins with a warm-up of five seconds.
    let ran = templated(&place, &[(7_500, 120_000)], later);
    ran.passed();
    let alerts = told(&place, "alert");
    let delivered: Vec<f64> = instants(&alerts, "delivered", "DatabaseDown", "firing");
    assert!(delivered.first().is_some_and(|at| *at >= 14.0), "{alerts:#?}");
    // Before the receiver went away it is told at once, which is no later delivery.
    let ran = templated(&Place::new(), &[(5_500, 120_000)], later);
    assert_eq!(ran.code, 1, "{}", shown(&ran));
    assert!(ran.out.contains("premature"), "{}", ran.out);
}

/// A dead man's switch has to fire before the load; another alert may.
#[test]
fn what_may_fire_and_what_keeps_firing_fire_before_the_load() {
    if !is_here() {
        return;
    }
    let place = Place::new();
    let rule = |name: &str| format!("      - alert: {name}\n        expr: vector(1)\n");
    place.write("rules.yml", &format!("groups:\n  - name: g\n    rules:\n{}{}", rule("Watchdog"), rule("Other")));
    let metric = Metric::start(&[]);
    let lines = "  expect {
    alert \"Watchdog\" keeps firing
    alert \"Other\" may fire
    no other alert fires
  }";
    let ran = place.run(&eyes(metric.address, "prometheus: eyes.prometheus_url", lines, "2s"), &[]);
    ran.passed();
    let alerts = told(&place, "alert");
    for name in ["Watchdog", "Other"] {
        assert_eq!(instants(&alerts, "active", name, "firing"), [0.0], "{alerts:#?}");
        assert_eq!(instants(&alerts, "rule", name, "firing"), [0.0], "{alerts:#?}");
    }
}

fn webhook(port: u16, server: &Server, length: &str) -> String {
    let address = server.address;
    format!(
        "scenario test {{
  target api = http(\"http://{address}\")
  alerts pager = webhook(\"127.0.0.1:{port}\")
  flow visit on api {{
    get \"/\"
  }}
  load main of visit {{
    hold 5/s for {length}
  }}
  expect error_rate(main) == 0%
}}
"
    )
}

/// The first line of the answer to some bytes.
fn sent(port: u16, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let _ = stream.write_all(bytes);
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer.lines().next().unwrap_or_default().to_owned()
}

fn posted(port: u16, body: &str) -> String {
    sent(port, format!("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_receiver_takes_notifications_and_survives_junk() {
    let (place, server, port) = (Place::new(), Server::start(Duration::ZERO), free_port());
    place.write("test.stress", &webhook(port, &server, "4s"));
    let child = place.spawn(&["run", "test.stress", "--no-progress"]);
    wait_until("the load goes on", Duration::from_secs(60), || server.count() > 2);
    let group = |status: &str| {
        format!(
            r#"{{"receiver":"r","status":"x","alerts":[{{"status":"{status}","labels":{{"alertname":"A\u001b[2J","zone":"b"}}}}]}}"#
        )
    };
    for _ in 0..3 {
        assert_eq!(posted(port, &group("firing")), "HTTP/1.1 200 OK");
    }
    for junk in ["", "{}", "<html>", "[[[[", r#"{"alerts":[{"status":"firing"}]}"#] {
        assert_eq!(posted(port, junk), "HTTP/1.1 400 Bad Request", "{junk}");
    }
    assert_eq!(sent(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 405 Method Not Allowed");
    let long = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", 2 << 20);
    assert_eq!(sent(port, long.as_bytes()), "HTTP/1.1 413 Payload Too Large");
    assert!(!sent(port, b"\x16\x03\x01 none of HTTP\r\n\r\n").contains("200"));
    let trigger =
        r#"{"routing_key":"k","event_action":"trigger","dedup_key":"d","payload":{"summary":"full","source":"disk"}}"#;
    assert_eq!(posted(port, trigger), "HTTP/1.1 202 Accepted");
    assert_eq!(posted(port, r#"{"event_action":"resolve","dedup_key":"d"}"#), "HTTP/1.1 202 Accepted");
    assert_eq!(posted(port, &group("resolved")), "HTTP/1.1 200 OK");
    let ran = place.ended(child.wait_with_output().unwrap());
    ran.passed();
    let alerts = told(&place, "alert");
    let does: Vec<_> =
        alerts.iter().map(|alert| (alert["name"].as_str().unwrap(), alert["state"].as_str().unwrap())).collect();
    let name = "A\u{1b}[2J";
    assert_eq!(does, [(name, "firing"), ("full", "firing"), ("full", "resolved"), (name, "resolved")]);
    assert!(alerts.iter().all(|alert| alert["stage"] == "delivered" && alert["at"].as_u64() > Some(0)));
    assert_eq!(alerts[0]["labels"], json!([["zone", "b"]]));
    let received = &told(&place, "alerts_received")[0];
    assert_eq!((&received["messages"], &received["repeated"], &received["refused"]), (&json!(6), &json!(2), &json!(7)));
    let problems = told(&place, "problem");
    assert!(problems.len() == 1 && problems[0]["problem"].as_str().unwrap().contains("did not take"), "{problems:?}");
    assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "{}", shown(&ran));
    assert!(ran.out.contains("! its receiver refused 7 requests that held no notification"), "{}", ran.out);
    assert_eq!(ran.result["alerts"][0]["received"]["refused"], 7);
}

#[test]
fn a_source_that_is_not_there_stops_the_run() {
    let (place, server) = (Place::new(), Server::start(Duration::ZERO));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let ran = place.run(&webhook(taken.local_addr().unwrap().port(), &server, "1s"), &[]);
    assert_eq!(ran.code, 3, "{}", shown(&ran));
    assert!(ran.err.contains("another process listens there") && server.count() == 0, "{}", ran.err);
    let broken = Script::start(|_, _| (500, "no".to_owned()));
    let text = webhook(1, &server, "1s")
        .replace("webhook(\"127.0.0.1:1\")", &format!("prometheus(\"http://{}\")", broken.address));
    let ran = place.run(&text, &[]);
    assert_eq!(ran.code, 3, "{}", shown(&ran));
    let why = format!("the source of alerts `pager` cannot be asked at http://{}: status 500", broken.address);
    assert!(ran.err.contains(&why) && server.count() == 0, "{}", ran.err);
}

#[test]
fn credentials_of_a_source_are_in_each_question() {
    let server = Server::start(Duration::ZERO);
    for (auth, header) in [
        ("basic(\"me\", \"pass\")", "authorization: basic bwu6cgfzcw=="),
        ("header(\"X-Scope-OrgID\", \"team\")", "x-scope-orgid: team"),
    ] {
        let asked = Script::start(|request, _| match request {
            "GET /api/v1/rules?type=alert" => (200, "{\"status\":\"success\",\"data\":{\"groups\":null}}".to_owned()),
            _ => (404, String::new()),
        });
        let source = format!("prometheus(\"http://{}\") {{ auth: {auth} }}", asked.address);
        let ran = Place::new().run(&webhook(1, &server, "1s").replace("webhook(\"127.0.0.1:1\")", &source), &[]);
        ran.passed();
        let heads: Vec<String> = asked.heads().iter().map(|head| head.to_ascii_lowercase()).collect();
        assert!(heads.len() > 2 && heads.iter().all(|head| head.contains(&format!("\r\n{header}\r\n"))), "{heads:#?}");
    }
}
