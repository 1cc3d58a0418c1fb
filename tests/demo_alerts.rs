//! Alerts of the demo shop's own: what it delivers while the service that its orders need is away.

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
