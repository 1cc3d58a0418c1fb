//! What becomes of alerts that are expected, each class of it from a rule of a real Prometheus and Alertmanager.

use crate::support::monitoring::{Metric, is_here};
use crate::support::{Place, Ran};
use serde_json::Value;

/// The classes of expected alerts, in the order of their lines.
fn classes(ran: &Ran) -> Vec<(&str, &str)> {
    let all = ran.result["alerts"][0]["expected"].as_array().unwrap_or_else(|| panic!("{}{}", ran.out, ran.err));
    all.iter().map(|own| (own["name"].as_str().unwrap(), own["class"].as_str().unwrap())).collect()
}

fn verdicts(ran: &Ran) -> Vec<&str> {
    let all = ran.result["expectations"].as_array().unwrap().iter();
    all.filter(|own| own["implied"] == false).map(|own| own["verdict"].as_str().unwrap()).collect()
}

fn rules(all: &[(&str, &str, &str)]) -> String {
    let rule = |(name, expression, held): &(&str, &str, &str)| {
        format!(
            "      - alert: {name}\n        expr: {expression}\n        for: {held}\n        labels: {{ severity: page }}\n"
        )
    };
    format!("groups:\n  - name: g\n    rules:\n{}", all.iter().map(rule).collect::<String>())
}

/// Once down, down for a minute.
const STICKY: &str = "count_over_time((db_up == 0)[1m:200ms]) > 0";

#[test]
fn alerts_are_true_late_missed_premature_flapping_stuck_and_false() {
    if !is_here() {
        return;
    }
    let place = Place::new();
    place.write(
        "rules.yml",
        &rules(&[
            ("Down", "db_up == 0", "1s"),
            ("Late", "db_up == 0", "1s"),
            ("Flaps", "db_up == 0", "0s"),
            ("Missed", "db_up == 5", "0s"),
            ("Early", STICKY, "0s"),
            ("Stuck", STICKY, "0s"),
            ("Allowed", "db_up == 0", "0s"),
            ("Extra", "db_up == 0", "0s"),
        ]),
    );
    let metric = Metric::start(&[(2000, 2800), (4600, 6600)]).address;
    let text = format!(
        "use std.monitoring

system eyes = monitoring.prometheus_stack(scrape: \"{metric}\", rules: \"rules.yml\", interval: 200ms)

scenario test {{
  target api = http(\"http://{metric}\")
  alerts pager = alertmanager(eyes.alertmanager_url) {{
    prometheus: eyes.prometheus_url
    receiver: eyes.receiver
  }}
  flow visit on api {{
    get \"/\"
  }}
  load main of visit {{
    hold 5/s for 12s
  }}
  fault cut = latency(api, 1ms) at main + 1s for 6s
  expect {{
    alert \"Down\" {{ severity: \"page\" }} fires within 6s of cut
    alert \"Down\" resolves within 3s of cut.end
    alert \"Late\" fires within 2s of cut
    alert \"Flaps\" fires within 3s of cut
    alert \"Missed\" fires within 5s of cut
    alert \"Early\" fires within 2s of main + 5s
    alert \"Stuck\" fires within 3s of cut
    alert \"Stuck\" resolves within 2s of cut.end
    alert \"Allowed\" may fire
    no other alert fires
    recall(pager) == 100%
    precision(pager) < 100%
    false_alarm_rate(pager) > 1/h
    max(pager.delivery_delay) < 3s
    time_to_detect(cut) < 5s
  }}
}}
"
    );
    let ran = place.run(&text, &[]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert_eq!(
        classes(&ran),
        [
            ("Down", "true"),
            ("Down", "resolved"),
            ("Late", "late"),
            ("Flaps", "flapping"),
            ("Missed", "missed"),
            ("Early", "premature"),
            ("Stuck", "true"),
            ("Stuck", "stuck"),
        ],
        "{}{}",
        ran.out,
        ran.err
    );
    let (held, failed) = ("passed", "failed");
    let wanted = [held, held, failed, held, failed, failed, held, failed, failed, failed, held, held, held, held];
    assert_eq!(verdicts(&ran), wanted, "{}{}", ran.out, ran.err);
    let alerts = &ran.result["alerts"][0];
    let others: Vec<(&str, bool)> = alerts["others"]
        .as_array()
        .unwrap()
        .iter()
        .map(|own| (own["name"].as_str().unwrap(), own["allowed"].as_bool().unwrap()))
        .collect();
    assert!(others.contains(&("Extra", false)) && others.contains(&("Allowed", true)), "{others:?}");
    assert!(!others.iter().any(|(name, _)| matches!(*name, "Down" | "Flaps" | "Stuck")), "{others:?}");
    // Each stage of the first came after the one before it.
    let instant = |stage: &str| alerts["expected"][0][stage][0].as_f64().unwrap_or_else(|| panic!("{alerts:#}"));
    let (rule, delivered) = (instant("rule_s"), instant("delivered_s"));
    assert!(alerts["expected"][0]["pending_s"].as_f64().unwrap() < rule && rule <= delivered, "{alerts:#}");
    assert!(ran.out.contains("which no line expects") && ran.out.contains("until its expression held"), "{}", ran.out);
}

/// A Prometheus that drops a label of one alert, and an Alertmanager that sends one elsewhere and keeps another back.
fn crooked(metric: &str) -> String {
    format!(
        "system crooked() {{
  let receiver = \"127.0.0.1:{{receiver_port}}\"
let prometheus_port = port()
let alertmanager_port = port()
let receiver_port = port()
  let prometheus_url = prometheus.url
  let alertmanager_url = alertmanager.url

service alertmanager = process(\"alertmanager\", \"--config.file=alertmanager.yml\", \"--storage.path=data\",
  \"--web.listen-address=127.0.0.1:{{alertmanager_port}}\", \"--cluster.listen-address=\") {{
  port: alertmanager_port
  ready: \"/-/ready\"
  files: {{
    \"alertmanager.yml\": \"\"\"
      route:
        receiver: stressc
        group_by: [\"...\"]
        group_wait: 0s
        group_interval: 1s
        routes:
          - receiver: nobody
            matchers: [ 'alertname=\"Elsewhere\"' ]
      inhibit_rules:
        - source_matchers: [ 'alertname=\"Down\"' ]
          target_matchers: [ 'alertname=\"Kept\"' ]
      receivers:
        - name: nobody
        - name: stressc
          webhook_configs:
            - url: http://127.0.0.1:{{receiver_port}}/
      \"\"\"
  }}
}}

service prometheus = process(\"prometheus\", \"--config.file=prometheus.yml\", \"--storage.tsdb.path=data\",
  \"--web.listen-address=127.0.0.1:{{prometheus_port}}\") {{
  port: prometheus_port
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
        alert_relabel_configs:
          - source_labels: [alertname]
            regex: Bare
            target_label: severity
            replacement: \"\"
        alertmanagers:
          - static_configs:
              - targets: [\"{{alertmanager.address}}\"]
      scrape_configs:
        - job_name: sut
          static_configs:
            - targets: [\"{metric}\"]
      \"\"\"
  }}
}}
}}

system eyes = crooked()

scenario test {{
  target api = http(\"http://{metric}\")
  alerts pager = alertmanager(eyes.alertmanager_url) {{
    prometheus: eyes.prometheus_url
    receiver: eyes.receiver
  }}
  flow visit on api {{
    get \"/\"
  }}
  load main of visit {{
    hold 5/s for 18s
  }}
  fault cut = latency(api, 1ms) at main + 1s for 2s
  fault gone = kill(eyes.alertmanager) at main + 6s for 4s
  fault blind = pause(eyes.prometheus) at main + 11s for 6s
  expect {{
    alert \"Down\" {{ severity: \"page\" }} fires within 4s of cut
    alert \"Bare\" {{ severity: \"page\" }} fires within 4s of cut
    alert \"Elsewhere\" fires within 4s of cut
    alert \"Kept\" fires within 4s of cut
    alert \"Unheard\" fires within 3s of gone
    alert \"Never\" fires within 3s of cut
    alert \"Never\" fires within 4s of blind
    alert \"Never\" stays quiet
  }}
}}
"
    )
}

#[test]
fn alerts_are_misrouted_suppressed_not_delivered_and_not_known() {
    if !is_here() {
        return;
    }
    let place = Place::new();
    place.write(
        "rules.yml",
        &rules(&[
            ("Down", STICKY, "0s"),
            ("Bare", STICKY, "0s"),
            ("Elsewhere", STICKY, "0s"),
            ("Kept", STICKY, "1s"),
            ("Unheard", STICKY, "5s"),
            ("Never", "db_up == 5", "0s"),
        ]),
    );
    let metric = Metric::start(&[(1500, 4500)]).address;
    let ran = place.run(&crooked(&metric.to_string()), &[]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert_eq!(
        classes(&ran),
        [
            ("Down", "true"),
            ("Bare", "misrouted"),
            ("Elsewhere", "misrouted"),
            ("Kept", "suppressed"),
            ("Unheard", "not_delivered"),
            ("Never", "missed"),
            ("Never", "unknown"),
        ],
        "{}{}",
        ran.out,
        ran.err
    );
    // What rests on the Prometheus that could not be asked is open, and the rest is judged.
    assert_eq!(verdicts(&ran)[5..], ["failed", "inconclusive", "inconclusive"], "{}{}", ran.out, ran.err);
    let reasons: Vec<&Value> =
        ran.result["expectations"].as_array().unwrap().iter().map(|own| &own["reason"]).collect();
    let told =
        |at: usize, part: &str| assert!(reasons[at].as_str().unwrap_or("").contains(part), "{part}: {reasons:#?}");
    told(1, "misrouted: it arrived without the label `severity`");
    told(2, "went to `nobody`, and did not arrive here");
    told(3, "suppressed");
    told(4, "fired, not delivered: its rule fired at");
    told(6, "the rules could not be asked from");
}
