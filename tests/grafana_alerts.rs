//! A Grafana as a source of alerts: a stand-in with the paths and states that its API documents, in front of a real Prometheus and Alertmanager.

use crate::support::monitoring::{Metric, is_here};
use crate::support::{Place, Ran, wait_until};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const GOOD: usize = 0;
const AWAY: usize = 1;
const HTML: usize = 2;

/// Takes one token, and asks the servers at two ports.
struct Grafana {
    address: SocketAddr,
    mode: Arc<AtomicUsize>,
}

impl Grafana {
    fn start(prometheus: u16, alertmanager: u16) -> Grafana {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mode = Arc::new(AtomicUsize::new(GOOD));
        let own = mode.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mode = own.load(Ordering::SeqCst);
                std::thread::spawn(move || answered(stream, mode, prometheus, alertmanager));
            }
        });
        Grafana { address, mode }
    }

    fn becomes(&self, mode: usize) {
        self.mode.store(mode, Ordering::SeqCst);
    }
}

fn answered(mut stream: TcpStream, mode: usize, prometheus: u16, alertmanager: u16) -> Option<()> {
    let mut head = Vec::new();
    for line in BufReader::new(stream.try_clone().ok()?).lines() {
        match line.ok()? {
            line if line.is_empty() => break,
            line => head.push(line),
        }
    }
    let path = head.first()?.split(' ').nth(1)?.to_owned();
    let is_known = head.iter().any(|line| line.eq_ignore_ascii_case("authorization: bearer the-right-token"));
    let (status, body) = match mode {
        AWAY => return None,
        HTML => (200, "<html>Sign in</html>".to_owned()),
        _ if !is_known => (401, r#"{"message":"Invalid API key","statusCode":401}"#.to_owned()),
        _ => match (path.strip_prefix("/api/prometheus/grafana"), path.strip_prefix("/api/alertmanager/grafana")) {
            (Some("/api/v1/rules"), _) => (200, as_grafana(&asked(prometheus, "/api/v1/rules")?)),
            (_, Some("/api/v2/alerts")) => (200, asked(alertmanager, "/api/v2/alerts")?),
            _ => (404, r#"{"message":"Not found"}"#.to_owned()),
        },
    };
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&jiff::Timestamp::now()).ok()?;
    let head =
        format!("HTTP/1.1 {status} X\r\nDate: {date}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes()).ok()
}

fn asked(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: a\r\n\r\n").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
}

/// It tells states in its own words, alerts that are none too, and its recording rules.
fn as_grafana(answer: &str) -> String {
    let Ok(mut answer) = serde_json::from_str::<Value>(answer) else { return answer.to_owned() };
    let groups = answer["data"]["groups"].as_array_mut().into_iter().flatten();
    for rule in groups.flat_map(|group| group["rules"].as_array_mut().into_iter().flatten()) {
        let normal = serde_json::json!({"labels": {"alertname": rule["name"], "job": "other"}, "state": "Normal", "activeAt": "2024-01-01T00:00:00Z"});
        let Some(alerts) = rule["alerts"].as_array_mut() else { continue };
        for alert in alerts.iter_mut() {
            alert["state"] = if alert["state"] == "firing" { "Alerting" } else { "Pending" }.into();
        }
        alerts.push(normal);
    }
    answer.to_string()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

const RULES: &str = "groups:
  - name: shop
    rules:
      - record: job:up
        expr: sum by (job) (up)
      - alert: DatabaseDown
        expr: db_up == 0
        labels: { severity: page }
      - alert: Quiet
        expr: db_up == 5
";

fn text(metric: SocketAddr, [prometheus, alertmanager]: [u16; 2], grafana: SocketAddr, early: &str) -> String {
    format!(
        "service alertmanager = process(\"alertmanager\", \"--config.file=alertmanager.yml\", \"--storage.path=data\",
  \"--web.listen-address=127.0.0.1:{alertmanager}\", \"--cluster.listen-address=\") {{
  port: {alertmanager}
  ready: \"/-/ready\"
  files: {{
    \"alertmanager.yml\": \"\"\"
      route:
        receiver: none
      receivers:
        - name: none
      \"\"\"
  }}
}}

service prometheus = process(\"prometheus\", \"--config.file=prometheus.yml\", \"--storage.tsdb.path=data\",
  \"--web.listen-address=127.0.0.1:{prometheus}\") {{
  port: {prometheus}
  ready: \"/-/ready\"
  files: {{
    \"rules.yml\": file(\"rules.yml\")
    \"prometheus.yml\": \"\"\"
      global:
        scrape_interval: 200ms
        scrape_timeout: 200ms
        evaluation_interval: 200ms
      rule_files:
        - rules.yml
      alerting:
        alertmanagers:
          - static_configs:
              - targets: [\"127.0.0.1:{alertmanager}\"]
      scrape_configs:
        - job_name: sut
          static_configs:
            - targets: [\"{metric}\"]
      \"\"\"
  }}
}}

scenario test {{
  target api = http(\"http://{metric}\")
  alerts pager = grafana(\"http://{grafana}\") {{
    auth: bearer(secret(\"GRAFANA_TOKEN\"))
  }}
  flow visit on api {{
    get \"/\"
  }}
  load main of visit {{
    hold 5/s for {early} as early
    hold 5/s for {early}
  }}
  fault first = pause(prometheus) at main + 100ms for 100ms
  fault second = pause(alertmanager) at main + 100ms for 100ms
  expect {{
    alert \"DatabaseDown\" {{ severity: \"page\" }} fires within 6s of main + 7s
    alert \"DatabaseDown\" resolves within 7s of main + 10s
    alert \"Quiet\" stays quiet during early
    alert \"Quiet\" stays quiet
  }}
}}
"
    )
}

fn ended(place: &Place, child: std::process::Child) -> Ran {
    place.ended(child.wait_with_output().unwrap())
}

fn spawned(place: &Place, token: &str) -> std::process::Child {
    let mut command = place.command(&["run", "test.stress", "--no-progress"]);
    command.env("GRAFANA_TOKEN", token);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_grafana_tells_of_its_rules_and_alerts() {
    if !is_here() {
        return;
    }
    let (place, ports) = (Place::new(), [free_port(), free_port()]);
    place.write("rules.yml", RULES);
    // A Prometheus scrapes nothing in its first five seconds.
    let metric = Metric::start(&[(7000, 10_000)]).address;
    let grafana = Grafana::start(ports[0], ports[1]);
    place.write("test.stress", &text(metric, ports, grafana.address, "10s"));
    let child = spawned(&place, "the-right-token");
    let events = || place.runs().last().and_then(|run| std::fs::read_to_string(run.join("events.jsonl")).ok());
    wait_until("the load goes on", Duration::from_secs(90), || {
        events().is_some_and(|events| events.contains("load_started"))
    });
    std::thread::sleep(Duration::from_millis(13_500));
    grafana.becomes(AWAY);
    std::thread::sleep(Duration::from_millis(3800));
    grafana.becomes(GOOD);
    let ran = ended(&place, child);
    let shown = format!("{}{}", ran.out, ran.err);
    let alerts = &ran.result["alerts"][0];
    assert_eq!((&alerts["kind"], &alerts["judged_at"]), (&"grafana".into(), &"active".into()), "{shown}");
    let classes: Vec<&str> =
        alerts["expected"].as_array().unwrap().iter().map(|own| own["class"].as_str().unwrap()).collect();
    assert_eq!(classes, ["true", "resolved"], "{shown}");
    // Both stages are known: the rule, and what its Alertmanager was told.
    let from = |stage: &str| alerts["expected"][0][stage][0].as_f64().unwrap_or_else(|| panic!("{alerts:#}"));
    assert!((6.9..11.0).contains(&from("rule_s")) && from("active_s") < 14.0, "{alerts:#}");
    assert_eq!(alerts["others"], serde_json::json!([]), "{shown}");
    let all = ran.result["expectations"].as_array().unwrap().iter().filter(|own| own["implied"] == false);
    let verdicts: Vec<&str> = all.map(|own| own["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["passed", "passed", "passed", "inconclusive"], "{shown}");
    let unasked = alerts["unasked"].as_array().unwrap();
    assert!((1..=2).contains(&unasked.len()), "{unasked:#?}");
    let record = place.runs().pop().unwrap();
    for file in ["plan.json", "events.jsonl", "run.json"] {
        let text = std::fs::read_to_string(record.join(file)).unwrap();
        assert!(!text.contains("the-right-token"), "{file}");
    }
    assert!(!shown.contains("the-right-token"), "{shown}");
}

#[test]
fn a_grafana_that_does_not_answer_as_one_stops_the_run() {
    if !is_here() {
        return;
    }
    for (token, mode, why) in [
        ("the-wrong-token", GOOD, "status 401: Invalid API key"),
        ("the-right-token", HTML, "the answer is none of Prometheus"),
    ] {
        let (place, ports) = (Place::new(), [free_port(), free_port()]);
        place.write("rules.yml", RULES);
        let grafana = Grafana::start(ports[0], ports[1]);
        grafana.becomes(mode);
        place.write("test.stress", &text(Metric::start(&[]).address, ports, grafana.address, "1s"));
        let ran = ended(&place, spawned(&place, token));
        assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
        let at = format!(
            "the source of alerts `pager` cannot be asked at http://{}/api/prometheus/grafana",
            grafana.address
        );
        assert!(ran.err.contains(&at) && ran.err.contains(why), "{}", ran.err);
        assert!(!ran.err.contains(token), "{}", ran.err);
    }
}
