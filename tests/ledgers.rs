//! Ledgers whose keys the system gives: what its answers acknowledge, and what cannot be asked for.

use crate::support::compile::root;
use crate::support::{Keeper, Kept, Place, answered, answered_as};

fn refused(status: &str) -> Vec<u8> {
    answered_as(status, "", b"{}")
}

/// Order 5 has no id in its answer, 6 fails, 8 is refused, and 13 is lost.
fn shop(kept: &Kept) -> Vec<u8> {
    let number = kept.all("X-Number").join("");
    match (kept.line(), number.as_str()) {
        ("GET /start", _) => answered("", b"{\"shelf\":\"left\"}"),
        ("POST /orders", "5") => answered("", b"{\"id\":null}"),
        ("POST /orders", "6") => refused("500 Not Now"),
        ("POST /orders", "8") => refused("422 Never"),
        ("POST /orders", number) => answered("", format!("{{\"id\":{number}}}").as_bytes()),
        ("GET /left/13", _) => refused("404 Gone"),
        (line, _) if line.starts_with("GET /left/") => answered("", b"{}"),
        _ => refused("400 What"),
    }
}

#[test]
fn a_ledger_by_keys_of_the_system_asks_for_what_it_was_given() {
    let keeper = Keeper::start(shop);
    let text = format!(
        r#"scenario test {{
  target api = http("http://{}")
  setup {{
    get "/start" as start
    let shelf = start.json("$.shelf")
  }}
  ledger orders on api {{
    verify key {{
      get "/{{shelf}}/{{key}}"
    }}
  }}
  flow go on api {{
    post "/orders" {{
      headers: {{ "X-Number": "{{user.id}}" }}
      record json("$.id") in orders
      continue
    }}
  }}
  load main of go {{
    hold 20/s for 1s
  }}
  expect lost(orders) == 0
}}
"#,
        keeper.address
    );
    let ran = Place::new().run(&text, &[]);
    let ledger = &ran.result["ledgers"][0];
    let count = |name: &str| ledger[name].as_u64();
    assert_eq!(ledger["entries"]["acknowledged"], 18, "{}{}{ledger}", ran.out, ran.err);
    assert_eq!((count("lost"), count("unverified"), count("keyless")), (Some(1), Some(1), Some(1)), "{ledger}");
    assert_eq!(ledger["violations"][0]["key"], "13");
    assert!(ran.out.contains("1 acknowledged without a key"), "{}", ran.out);
    assert_eq!(keeper.asked("GET /left/1").len(), 1);
    assert_eq!(ran.result["expectations"][0]["verdict"], "failed");
}

/// None lost of those that could be asked for is not none lost.
#[test]
fn what_has_no_key_leaves_it_open_whether_something_is_lost() {
    let keeper = Keeper::start(|_| answered("", b"{}"));
    let text = format!(
        r#"scenario test {{
  target api = http("http://{}")
  ledger orders on api {{
    verify key {{
      get "/orders/{{key}}"
    }}
  }}
  flow go on api {{
    post "/orders" {{
      record json("$.id") in orders
    }}
  }}
  load main of go {{
    hold 4/s for 1s
  }}
  expect lost(orders) == 0
}}
"#,
        keeper.address
    );
    let ran = Place::new().run(&text, &[]);
    let expectation = &ran.result["expectations"][0];
    assert_eq!(expectation["verdict"], "inconclusive", "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("without a key"), "{}", ran.out);
}

/// The scenario of the cookbook with fewer people and less time.
#[test]
fn people_behave_in_the_shop_as_the_cookbook_says() {
    let cookbook = root().join("scenarios/cookbook");
    let read = |name: &str| std::fs::read_to_string(cookbook.join(name)).unwrap();
    let text = read("behaviour.stress").replace("200 users", "20 users").replace("over 10s", "over 1s");
    let text =
        text.replace("for 30s", "for 8s").replace("< 100ms", "< 5s").replace("exponential(1s)", "exponential(100ms)");
    let place = Place::new();
    place.write("people.csv", &read("people.csv"));
    let ran = place.run(&text, &[]);
    ran.passed();
    let ledger = &ran.result["ledgers"][0];
    let entries = ledger["entries"]["acknowledged"].as_u64().unwrap();
    assert!(entries > 10, "{}{}", ran.out, ran.err);
    assert_eq!((ledger["verified"]["acknowledged"].as_u64(), ledger["unverified"].as_u64()), (Some(entries), Some(0)));
}
