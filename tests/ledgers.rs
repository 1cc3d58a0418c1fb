//! Ledgers whose keys the system gives: what its answers acknowledge, and what cannot be asked for.

use crate::support::compile::root;
use crate::support::{Keeper, Kept, Place, answered, answered_as, signal, wait_until};
use std::time::Duration;

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

/// Whoever asks without being let in learns why nothing is verified, and how much was sent for it.
#[test]
fn what_is_unverified_has_a_cause() {
    let keeper = Keeper::start(|kept| match kept.line() {
        "POST /orders" => answered("", format!("{{\"id\":{}}}", kept.all("X-Number").join("")).as_bytes()),
        "GET /orders/2" => answered("", b"{\"often\":true}"),
        _ => refused("401 Who"),
    });
    let text = format!(
        r#"scenario test {{
  target api = http("http://{}")
  ledger orders on api {{
    verify key {{
      get "/orders/{{key}}" as found
      count found.json("$.often")
    }}
  }}
  flow go on api {{
    post "/orders" {{
      headers: {{ "X-Number": "{{user.id}}" }}
      record json("$.id") in orders
    }}
  }}
  load main of go {{
    hold 3/s for 1s
  }}
  expect lost(orders) == 0
}}
"#,
        keeper.address
    );
    let place = Place::new();
    place.write("test.stress", &text);
    let run = place.spawn(&["run", "test.stress"]);
    let asked = || keeper.seen().iter().filter(|kept| kept.line().starts_with("GET ")).count();
    wait_until("each was asked for twice", Duration::from_secs(30), || asked() >= 6);
    // Nobody waits for half a minute.
    signal(&run, "INT");
    let ran = place.ended(run.wait_with_output().unwrap());
    let ledger = &ran.result["ledgers"][0];
    let asked = asked();
    assert_eq!(ledger["requests"].as_u64(), Some(asked as u64), "{ledger}");
    assert!(ledger["took_s"].as_f64().is_some_and(|took| took > 0.2), "{ledger}");
    let doubts = ledger["doubts"].as_array().unwrap();
    assert_eq!((&doubts[0]["count"], &doubts[1]["count"], &doubts[1]["key"]), (&2.into(), &1.into(), &"2".into()));
    for told in [
        "unverified 2 · `found` (line 5): it was answered with status 401 · such as ",
        "unverified 1 · `count` found no number and no list: true · such as 2",
        &format!("by {asked} requests in "),
    ] {
        assert!(ran.out.contains(told), "{told}: {}", ran.out);
    }
    assert!(
        ran.err.contains(&format!("the ledger `orders`: 0 of 3 entries verified, by {asked} requests")),
        "{}",
        ran.err
    );
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

/// Numbers up to 10 are refused; what is asked for under `/slow` takes its time.
fn slow(kept: &Kept) -> Vec<u8> {
    match kept.line() {
        "POST /orders" if kept.header("X-Number").parse::<u64>().unwrap() <= 10 => refused("422 Never"),
        line if line.starts_with("GET /slow/") => {
            std::thread::sleep(std::time::Duration::from_millis(1_900));
            answered("", b"{}")
        }
        line if line.starts_with("GET /quick/") && line["GET /quick/".len()..].parse::<u64>().unwrap() <= 10 => {
            refused("404 Never")
        }
        _ => answered("", b"{}"),
    }
}

fn numbered(keeper: &Keeper, asked: &str, expect: &str) -> String {
    format!(
        r#"scenario test {{
  target api = http("http://{}")
  ledger orders on api {{
    within: 5s
    verify key {{
      get "/{asked}/{{key}}"
    }}
  }}
  flow go on api {{
    post "/orders" {{
      headers: {{ "X-Number": user.id }}
      record user.id in orders
      continue
    }}
  }}
  load main of go {{
    hold 70/s for 1s
  }}
  expect {expect}
}}
"#,
        keeper.address
    )
}

#[test]
fn a_ledger_is_asked_for_within_its_time_and_says_how_far_it_came() {
    let keeper = Keeper::start(slow);
    let text = numbered(&keeper, "slow", "lost(orders) == 0");
    let place = Place::new();
    place.write("test.stress", &text);
    let plan = place.call(&["plan", "test.stress"]).out;
    let plan = plan.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plan.contains("asks for each entry that was not refused after the load, for 5s at most"), "{plan}");
    let ran = place.call(&["run", "test.stress"]);
    let ledger = &ran.result["ledgers"][0];
    let count = |name: &str| ledger[name].as_u64();
    let asked = ledger["verified"]["acknowledged"].as_u64().unwrap();
    assert!((16..60).contains(&asked), "{ledger}");
    assert_eq!(
        (count("unverified"), count("not_asked"), count("lost")),
        (Some(60 - asked), Some(10), Some(0)),
        "{ledger}"
    );
    let problem = ledger["problem"].as_str().unwrap();
    assert_eq!(
        problem,
        format!("its time was over before {} entries were verified; `within:` gives it more", 60 - asked)
    );
    assert_eq!(ran.result["expectations"][0]["verdict"], "inconclusive");
    assert!(ran.out.contains("10 refused and not asked for"), "{}", ran.out);
    assert!(
        ran.err.contains("verifying the ledger `orders`: ") && ran.err.contains(" of 60 entries asked for"),
        "{}",
        ran.err
    );
    let first = keeper.asked("GET /slow/1").len() + keeper.asked("GET /slow/10").len();
    assert_eq!((first, keeper.asked("GET /slow/11").len()), (0, 1), "what was refused is left alone");
}

#[test]
fn refused_entries_are_asked_for_where_something_is_stated_of_them() {
    let keeper = Keeper::start(slow);
    let ran = Place::new().run(&numbered(&keeper, "quick", "resurrected(orders) == 0"), &[]);
    ran.passed();
    let ledger = &ran.result["ledgers"][0];
    assert_eq!(
        (ledger["verified"]["refused"].as_u64(), ledger["unverified"].as_u64()),
        (Some(10), Some(0)),
        "{ledger}"
    );
    assert!(ledger["not_asked"].is_null() && !keeper.asked("GET /quick/1").is_empty(), "{ledger}");
}
