//! Alerts of the demo shop's own: what it delivers while the service that its orders need is away.

use crate::support::compile::root;
use crate::support::monitoring::is_here;
use crate::support::{Keeper, Kept, Place, answered, answered_as};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Is not ready for the first two messages.
fn receiver(asked: &Kept) -> Vec<u8> {
    static CAME: AtomicUsize = AtomicUsize::new(0);
    assert_eq!(asked.line(), "POST /");
    match CAME.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => answered_as("503 Service Unavailable", "", b"not yet"),
        _ => answered("", b""),
    }
}

fn other_receiver(_: &Kept) -> Vec<u8> {
    answered("", b"")
}

/// Half of what is asked of both shops fails while their payments are cut off.
fn scenario(receivers: [&Keeper; 2]) -> String {
    let [pager, other] = receivers.map(|keeper| keeper.address);
    format!(
        r#"scenario test {{
  service bank = demo()
  link wire = tcp(to: bank.address)
  service shop = demo(payments: wire.address, alerts: "{pager}")
  service calm = demo(payments: wire.address, alerts: "{other}", alert_above: 90%)
  target api = http(shop.url)
  target api_of_calm = http(calm.url)

  flow buy on api {{
    get "/products"
    get "/products" on api_of_calm
    each place in [1, 2] at most 2 together {{
      if place == 1 {{
        post "/orders" as order {{
          json: {{ product: 1, qty: 1 }}
          continue
        }}
      }} else {{
        post "/orders" on api_of_calm as other {{
          json: {{ product: 1, qty: 1 }}
          continue
        }}
      }}
    }}
  }}

  load main of buy {{
    hold 20/s for 14s as plateau
  }}

  fault cut = partition(wire) at plateau + 1s for 5s

  expect {{
    count(main.order where status == 504 during cut) > 0
    error_rate(main.order) < 1% before cut
  }}
}}
"#
    )
}

#[test]
fn a_shop_delivers_its_alerts_as_alertmanager_does() {
    let (pager, other) = (Keeper::start(receiver), Keeper::start(other_receiver));
    let ran = Place::new().run(&scenario([&pager, &other]), &[]);
    ran.passed();
    let messages: Vec<Value> =
        pager.seen().iter().map(|kept| serde_json::from_slice(&kept.body).expect("a message in JSON")).collect();
    let told: Vec<&str> = messages.iter().map(|message| message["status"].as_str().unwrap()).collect();
    // The same again until it was taken, then what followed.
    assert_eq!(told, ["firing", "firing", "firing", "resolved"], "{messages:?}");
    assert!(messages[0] == messages[1] && messages[1] == messages[2]);
    let [firing, resolved] = [&messages[2], &messages[3]].map(|message| &message["alerts"][0]);
    for (message, alert) in [(&messages[2], firing), (&messages[3], resolved)] {
        assert_eq!((&message["version"], &message["receiver"]), (&"4".into(), &"demo".into()));
        assert_eq!(
            (&alert["labels"]["alertname"], &alert["labels"]["severity"]),
            (&"HighErrorRate".into(), &"page".into())
        );
        assert_eq!((&alert["startsAt"], &alert["fingerprint"]), (&firing["startsAt"], &"3eacacedc5464f06".into()));
    }
    let instant = |alert: &Value, name: &str| alert[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(instant(resolved, "endsAt") > instant(firing, "startsAt"), "{resolved}");
    assert_eq!(firing["endsAt"], "0001-01-01T00:00:00Z");
    assert!(other.seen().is_empty(), "with `alert_above: 90%` nothing fires");
}

/// The scenario of the repository, a little shorter: it passes as it is, and not with a threshold that is never reached.
#[test]
fn the_quickstart_of_alerts_passes_and_a_wrong_threshold_fails_it() {
    let text = std::fs::read_to_string(root().join("scenarios/alerts-quickstart.stress")).unwrap();
    let shorter = text
        .replace("hold 20/s for 25s as plateau", "hold 20/s for 15s as plateau")
        .replace("plateau + 4s for 8s", "plateau + 2s for 6s");
    let deaf = shorter.replace("demo(payments: wire.address,", "demo(payments: wire.address, alert_above: 90%,");
    assert!(shorter != text && deaf != shorter);
    let run = |text: &str| {
        let place = Place::new();
        std::fs::copy(root().join("scenarios/demo-rules.yml"), place.path().join("demo-rules.yml")).unwrap();
        place.run(text, &[])
    };
    let (good, missed) = std::thread::scope(|scope| {
        let missed = scope.spawn(|| run(&deaf));
        (run(&shorter), missed.join().unwrap())
    });
    good.passed();
    assert!(good.out.contains("1 of 1 expected alerts in time"), "{}", good.out);
    assert!(missed.code == 1 && missed.out.contains("missed: it did not fire"), "{}{}", missed.out, missed.err);
    let verdict = |of: &str| {
        let all = missed.result["expectations"].as_array().unwrap();
        all.iter().find(|one| one["text"].as_str().unwrap().contains(of)).map(|one| one["verdict"].clone())
    };
    assert_eq!((verdict("recall"), verdict("no other alert")), (Some("failed".into()), Some("passed".into())));
}

/// The counters of the demo shop, as a real Prometheus reads them, are what was sent to it.
#[test]
fn a_prometheus_counts_what_was_sent() {
    if !is_here() {
        return;
    }
    let place = Place::new();
    std::fs::copy(root().join("scenarios/demo-rules.yml"), place.path().join("demo-rules.yml")).unwrap();
    let text = r#"use std.monitoring

system shop {
  service app = demo()
  target api = http(app.url)
}

system sut = shop()
system eyes = monitoring.prometheus_stack(scrape: sut.app.metrics_address, rules: "demo-rules.yml")

flow buy on sut.api {
  post "/orders" as order {
    json: { product: 1, qty: 1 }
  }
}

scenario counted = monitoring.counts(buy, eyes: eyes, query: 'sum(http_requests_total{route="/orders"})', measured: 3s)
"#;
    let ran = |text: &str| {
        place.write("test.stress", text);
        place.call(&["run", "test.stress:counted", "--no-progress"])
    };
    ran(text).passed();
    // One request in two is of another route.
    let less = ran(&text.replace("on sut.api {\n", "on sut.api {\n  get \"/products\"\n"));
    assert_eq!(less.code, 1, "{}{}", less.out, less.err);
}
