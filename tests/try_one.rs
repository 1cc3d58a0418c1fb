//! `stressc try`: what a run does, once and in the open.

use crate::support::{Place, Ran, Script, Server};
use std::time::Duration;

fn answer(request: &str, _: usize) -> (u16, String) {
    match request {
        "GET /broken" => (503, "out of order".to_owned()),
        "GET /long" => (200, "x".repeat(5000)),
        _ => (200, "{\"id\":7,\"token\":\"hunter2\"}".to_owned()),
    }
}

/// Tries a scenario of one target, with these declarations and steps.
fn tried(script: &Script, around: &str, steps: &str, flags: &[&str]) -> (Place, Ran) {
    let place = Place::new();
    let text = format!(
        "scenario test {{\n  target api = http(\"http://{}\")\n{around}\n  flow steps on api {{\n{steps}\n  }}\n  flow other on api {{\n    get \"/other\"\n  }}\n  load main of {{ 90% steps as often, 10% other as seldom }} {{\n    hold 50/s for 10s\n  }}\n  load second of other {{\n    hold 2 users for 10s\n  }}\n  expect error_rate(main) < 1%\n}}\n",
        script.address
    );
    place.write("test.stress", &text);
    let mut arguments = vec!["try", "test.stress"];
    arguments.extend(flags);
    let ran = place.call(&arguments);
    (place, ran)
}

fn has(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => panic!("`{part}` is missing, or not in its place, in\n{text}"),
        }
    }
}

#[test]
fn one_iteration_of_each_part_is_shown_whole() {
    let script = Script::start(answer);
    let around = "  setup {\n    get \"/seed\" on api as seed\n    let first = seed.json(\"$.id\")\n  }\n  teardown {\n    get \"/clean/{first}\" on api\n  }";
    let steps = "    get \"/home\" as home {\n      headers: { \"X-Me\": \"user {user.id}\" }\n      expect status == 200 and json(\"$.id\") < 10\n    }\n    let id = home.json(\"$.id\")\n    think 20ms\n    group rest {\n      post \"/item/{id}\" {\n        json: { of: first }\n      }\n      expect home.status in [200, 201]\n    }";
    let (place, ran) = tried(&script, around, steps, &["--user", "3"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let first = ["setup", "→ GET /seed", "← 200 in", "connected in", "first byte after", "first = 7", "✔ went through"];
    let home = [
        "main · often · steps user 3",
        "→ GET /home",
        "home",
        "test.stress:11",
        "Host: 127.0.0.1",
        "traceparent: 00-",
        "X-Me: user 3",
        "← 200",
        "Content-Length: 26",
        "{\"id\":7,\"token\":\"hunter2\"}",
        "✔ status == 200 and json(\"$.id\") < 10",
        "it was 7",
        "id = 7",
        "thinks: 20ms",
    ];
    let rest = [
        "group rest",
        "→ POST /item/7",
        "Content-Length: 8",
        "{\"of\":7}",
        "✔ home.status in [200, 201]",
        "it was 200",
    ];
    let last = [
        "main · seldom · other",
        "→ GET /other",
        "second · other user 3",
        "→ GET /other",
        "teardown",
        "→ GET /clean/7",
    ];
    has(&ran.out, &[&first[..], &home, &rest, &last].concat());
    let all = script.all();
    let asked: Vec<&str> = all.iter().map(|line| line.trim_start_matches("{\"of\":7}")).collect();
    assert_eq!(asked, ["GET /seed", "GET /home", "POST /item/7", "GET /other", "GET /other", "GET /clean/7"]);
    assert!(place.runs().is_empty() && !place.path().join(".stress").exists(), "nothing is recorded");
}

#[test]
fn what_fails_is_shown_with_its_place() {
    let script = Script::start(answer);
    let (_, ran) =
        tried(&script, "", "    get \"/broken\" as broken retry 1\n    get \"/never\"", &["--part", "often"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let broken = ["→ GET /broken", "← 503", "out of order", "→ GET /broken", "try 2", "← 503"];
    has(&ran.out, &[&broken[..], &["✘ failed (status) at `broken`, test.stress:5"]].concat());
    assert_eq!(script.all(), ["GET /broken"; 2]);
    let steps = "    get \"/home\" as home\n    let id = home.json(\"$.id\")\n    expect id == 8";
    let (_, ran) = tried(&script, "", steps, &["--part", "often"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    has(&ran.out, &["id = 7", "✘ id == 8", "it was 7", "✘ failed (expectation) at `home`, test.stress:5"]);
    let steps = "    get \"/home\" as home\n    let no = home.json(\"$.none\")\n    get \"/of/{no}\" as item";
    let (_, ran) = tried(&script, "", steps, &["--part", "often"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    has(
        &ran.out,
        &["no = null", "`item` is not sent: a value in it is not there", "✘ failed (data) at `item`, test.stress:7"],
    );
}

#[test]
fn who_does_not_answer_is_shown_too() {
    let place = Place::new();
    let slow = Server::start(Duration::from_secs(60));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text =
        slow.scenario("    hold 5/s for 1s", "    error_rate(main) < 1%").replace("timeout: 2s", "timeout: 200ms");
    place.write("test.stress", &text);
    let ran = place.call(&["try", "test.stress"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    has(&ran.out, &["→ GET /", "✘ no answer: timeout after 20", "✘ failed (timeout) at `home`"]);
    place.write("test.stress", &text.replace(&slow.address.to_string(), &free.to_string()));
    let ran = place.call(&["try", "test.stress"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    has(&ran.out, &["→ GET /", "✘ no answer: connect after", "✘ failed (connect) at `home`"]);
}

#[test]
fn loads_and_parts_are_chosen_by_their_names() {
    let script = Script::start(answer);
    let steps = "    get \"/home\"";
    let (_, ran) = tried(&script, "", steps, &["--load", "second"]);
    assert_eq!((ran.code, script.all()), (0, vec!["GET /other".to_owned()]), "{}", ran.err);
    let (_, ran) = tried(&script, "", steps, &["--load", "main", "--part", "often"]);
    assert_eq!((ran.code, script.all().len()), (0, 2), "{}", ran.err);
    for (flags, says) in [
        (["--load", "secnd"], "there is no load `secnd`; did you mean `second`?"),
        (["--part", "x"], "there is no part `x`; choose from `often`, `seldom`, `other`"),
        (["--user", "0"], "invalid value '0'"),
    ] {
        let (_, ran) = tried(&script, "", steps, &flags);
        assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
        assert!(ran.err.contains(says), "{}", ran.err);
    }
    assert_eq!(script.all().len(), 2);
    let (_, ran) = tried(&script, "  link wire = tcp(to: 1)\n", steps, &[]);
    assert!(ran.code >= 2, "what cannot be run is not tried: {}{}", ran.out, ran.err);
}

#[test]
fn secrets_are_hidden_and_long_bodies_cut() {
    let script = Script::start(answer);
    let steps = "    let word = secret(\"TEST_WORD\", default: \"hunter2\")\n    get \"/home\" as home {\n      headers: { \"X-Word\": \"Bearer {word}\" }\n    }\n    let token = home.json(\"$.token\")\n    get \"/long\" as long\n    let text = long.text";
    let (_, ran) = tried(&script, "", steps, &["--part", "often"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    has(
        &ran.out,
        &[
            "X-Word: Bearer ***",
            "\"token\":\"***\"",
            "token = \"***\"",
            "… (2,000 of 5,000 characters; --full shows all)",
        ],
    );
    assert!(!ran.out.contains("hunter2"), "{}", ran.out);
    assert!(script.heads()[0].contains("X-Word: Bearer hunter2"));
    let (_, ran) = tried(&script, "", steps, &["--part", "often", "--full"]);
    has(&ran.out, &[&"x".repeat(5000), &"x".repeat(5000)]);
}

#[test]
fn a_service_is_started_and_stopped_around_it() {
    let place = Place::new();
    place.write("test.stress", "scenario test {\n  service shop = demo()\n  target api = http(shop.url)\n  flow browse on api {\n    get \"/products\" as list\n    let id = list.json(\"$[0].id\")\n  }\n  load main of browse {\n    hold 5 users for 1m\n  }\n}\n");
    let ran = place.call(&["try", "test.stress"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    has(&ran.out, &["shop is ready on", "→ GET /products", "id = 1", "✔ went through"]);
    assert_eq!(crate::support::shops_in(place.path()), 0);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let attached = format!("attach(port: {}) {{\n    ready: \"/\"\n    ready_within: 300ms\n  }}", free.port());
    let text = std::fs::read_to_string(place.path().join("test.stress")).unwrap().replace("demo()", &attached);
    place.write("test.stress", &text);
    let ran = place.call(&["try", "test.stress"]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
}

/// A part that is seldom dealt is tried when it is asked for, with the one that it stands in.
#[test]
fn a_part_of_a_choice_is_tried_by_its_name() {
    let script = Script::start(|_, _| (200, "{}".to_owned()));
    let place = Place::new();
    let text = format!(
        "scenario test {{\n  target api = http(\"http://{}\")\n  flow visit on api {{\n    choose {{\n      98% as look {{\n        get \"/look\"\n      }}\n      2% as buy {{\n        choose {{\n          99% as card {{\n            get \"/card\"\n          }}\n          1% as cash {{\n            get \"/cash\"\n          }}\n        }}\n      }}\n    }}\n  }}\n  load main of visit {{\n    hold 5 users for 1m\n  }}\n}}\n",
        script.address
    );
    place.write("test.stress", &text);
    for (part, line) in [("look", "GET /look"), ("card", "GET /card"), ("cash", "GET /cash")] {
        let ran = place.call(&["try", "test.stress", "--part", part]);
        assert_eq!((ran.code, script.all().last().map(String::as_str)), (0, Some(line)), "{}{}", ran.out, ran.err);
    }
    let ran = place.call(&["try", "test.stress", "--part", "crad"]);
    assert!(ran.code == 2 && ran.err.contains("there is no part `crad`; did you mean `card`?"), "{}", ran.err);
}
