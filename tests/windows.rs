//! What is judged in slices, around windows and while the run goes on, over real runs against a server whose answers
//! depend on how many it has given.

use crate::support::{Place, Ran, Script, scenario};

/// The verdict, the value and the reason of an expectation, by its place.
fn found(ran: &Ran, index: usize) -> (String, String) {
    let one = &ran.result["expectations"][index];
    let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
    (text("verdict"), if one["value"].is_null() { text("reason") } else { text("value") })
}

fn failing_from_the_hundredth(_: &str, times: usize) -> (u16, String) {
    (if times > 100 { 500 } else { 200 }, String::new())
}

#[test]
fn a_run_that_is_bad_for_long_enough_ends_early() {
    let place = Place::new();
    let server = Script::start(failing_from_the_hundredth);
    let text = scenario(&server.address.to_string(), "", "    hold 50/s for 60s", "    error_rate(main) < 100%")
        .replace("  expect {", "  abort when error_rate(main) > 50% for 3s\n  expect {");
    let ran = place.run(&text, &[]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert_eq!((&ran.result["verdict"], &ran.result["exit_code"]), (&"aborted".into(), &1.into()));
    let at = ran.result["aborted"]["at_s"].as_f64().unwrap();
    // Bad from second 2 on, so for three seconds at 5, which is known a second later.
    assert!((5.5..20.0).contains(&at), "{at}");
    assert!(ran.result["duration_s"].as_f64().unwrap() < 30.0, "the load stopped");
    assert_eq!(found(&ran, 0).0, "inconclusive", "the rest of its window was never seen");
    assert!(server.all().len() < 1500, "{}", server.all().len());
    let reason = "`abort when error_rate(main) > 50% for 3s`, and it was 100% from";
    assert!(ran.out.contains("■ aborted") && ran.out.contains(reason), "{}", ran.out);
    let again = place.call(&["report", "last"]);
    assert!(again.code == 1 && again.out.contains(reason), "{}", again.out);
}

#[test]
fn a_run_that_is_bad_for_less_goes_on() {
    let place = Place::new();
    let server = Script::start(|_, times| (if (101..=200).contains(&times) { 500 } else { 200 }, String::new()));
    let text = scenario(&server.address.to_string(), "", "    hold 50/s for 9s", "    error_rate(main) < 30%")
        .replace("  expect {", "  abort when error_rate(main) > 50% for 3s\n  expect {");
    let ran = place.run(&text, &[]);
    ran.passed();
    assert!(ran.result["aborted"].is_null());
    assert_eq!(server.all().len(), 450);
}

/// Six calm seconds, a spike of two in which everything fails, and a second more of failures.
#[test]
fn slices_and_recovery_are_judged_where_they_were() {
    let place = Place::new();
    let server = Script::start(|_, times| (if (241..=440).contains(&times) { 500 } else { 200 }, String::new()));
    let stages = "    hold 40/s for 6s as calm\n    spike 2x for 2s as burst\n    hold 40/s for 9s as rest";
    let expect = "    error_rate(main) < 1% in every 1s\n    error_rate(main) < 50% in 60% of every 1s\n    \
        error_rate(main) < 1% within 4s of burst.end\n    time_to_recover(burst) < 4s\n    recovered(burst)\n    \
        mttr(burst) < 6s\n    time_to_detect(burst) <= 2s\n    error_rate(main) > 50% during burst.impact\n    \
        error_rate(main) < 1% outside burst.impact\n    burst.impact.length < 6s\n    availability(main) < 90%\n    \
        burn_rate(main, 99%) > 10x";
    let text = scenario(&server.address.to_string(), "", stages, expect)
        .replace("  expect {", "  steady_state {\n    error_rate(main) < 1%\n  }\n  expect {");
    let ran = place.run(&text, &[]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let failing = &ran.result["expectations"][0];
    assert_eq!((&failing["verdict"], &failing["value"]), (&"failed".into(), &"100%".into()), "{}", ran.out);
    let when = failing["when_s"][0].as_f64().unwrap();
    assert!((6.0..9.0).contains(&when), "{when}");
    let slices = &failing["slices"];
    let count = |name: &str| slices[name].as_u64().unwrap();
    assert_eq!(count("held") + count("failed") + count("near"), 17);
    for index in 1..12 {
        assert_eq!(found(&ran, index).0, "passed", "{}", ran.out);
    }
    assert!(ran.out.contains("slices failed") && ran.out.contains("true after"), "{}", ran.out);
}

#[test]
fn what_never_recovers_fails() {
    let place = Place::new();
    let server = Script::start(|_, times| (if times > 280 { 500 } else { 200 }, String::new()));
    let stages = "    hold 40/s for 6s as calm\n    spike 2x for 1s as burst\n    hold 40/s for 7s as rest";
    let text =
        scenario(&server.address.to_string(), "", stages, "    time_to_recover(burst) < 60s\n    recovered(burst)")
            .replace("  expect {", "  steady_state {\n    error_rate(main) < 1%\n  }\n  expect {");
    let ran = place.run(&text, &[]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert_eq!(found(&ran, 0), ("failed".to_owned(), "> 7s".to_owned()), "{}", ran.out);
    assert_eq!(found(&ran, 1), ("failed".to_owned(), "not within 7s".to_owned()), "{}", ran.out);
}

/// One user, whose every second request is refused once and then let through.
#[test]
fn requests_are_chosen_by_how_they_ended() {
    let place = Place::new();
    let server = Script::start(|request, times| match request {
        "GET /again" if times % 2 == 1 => (503, String::new()),
        _ => (200, "{}".to_owned()),
    });
    let flow = "    get \"/again\" as again retry 1 when [503]\n    think 5ms";
    let expect = "    error_rate(main) == 0%\n    count(again where status == 200) == count(again)\n    \
        count(again where attempt == 2) == count(again)\n    count(again where attempt == 1) == 0\n    \
        count(again.attempts) == count(again) * 2\n    count(again.attempts where status == 503) == count(again)\n    \
        error_rate(again.attempts) == 50%\n    count(main where status == 200 and ok) == count(main)\n    \
        count(main where error == \"timeout\") == 0\n    max(again.first_byte) <= max(again)\n    \
        count(again.connect_time) == count(again)\n    max(again.connect_time) < max(again)\n    \
        count(main where latency < 60s) == count(main)\n    error_rate(iteration(browse) where not ok) == 100%";
    let text = scenario(&server.address.to_string(), flow, "    hold 1 users for 2s", expect)
        .replace("timeout: 2s", "timeout: 2s\n    connections: per_request");
    let ran = place.run(&text, &[]);
    for index in 0..13 {
        assert_eq!(found(&ran, index).0, "passed", "{}{}", ran.out, ran.err);
    }
    assert_eq!(found(&ran, 13), ("inconclusive".to_owned(), "no samples in its window".to_owned()), "none failed");
    // The last iteration may go on after its window.
    let windows = ran.result["windows"].as_array().unwrap();
    let steps = || windows.iter().flat_map(|window| window["steps"].as_array().unwrap());
    let sent = |name: &str| {
        let own = steps().filter(|step| step["series"] == name).map(|step| step["sent"].as_u64().unwrap());
        own.reduce(|sum, sent| sum + sent)
    };
    assert_eq!(sent("main.browse.again.attempts"), Some(server.times("GET /again") as u64), "as the server counted");
    assert_eq!(sent("main.browse.again where attempt == 2"), sent("main.browse.again"));
}

#[test]
fn bandwidth_is_of_the_bodies_of_requests_and_answers() {
    let place = Place::new();
    let server = Script::start(|request, _| (200, if request.starts_with("POST") { "12" } else { "" }.to_owned()));
    let flow = "    post \"/said\" as said {\n      body: \"0123456789\"\n    }";
    let expect = "    bandwidth(said) within 2% of 600B/s\n    bandwidth(home) == 0B/s";
    let ran = place.run(&scenario(&server.address.to_string(), flow, "    hold 50/s for 2s", expect), &[]);
    ran.passed();
    assert_eq!(found(&ran, 0).1, "600B/s");
}

#[test]
fn when_an_alert_must_be_quiet_is_planned() {
    let place = Place::new();
    place.write(
        "test.stress",
        r#"scenario quiet {
  target api = http("http://127.0.0.1:9")
  alerts pager = alertmanager("http://127.0.0.1:9")
  flow browse on api {
    get "/" as home
  }
  load main of browse {
    warmup 10/s for 5s
    hold 10/s for 20s as plateau
  }
  expect {
    alert "DiskFull" stays quiet during plateau
    no other alert fires
  }
}
"#,
    );
    let ran = place.call(&["plan", "test.stress", "--json"]);
    let plan: serde_json::Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err));
    let scopes = |index: usize| &plan["expectations"][index]["condition"]["alert"]["does"]["stays_quiet"]["scopes"];
    assert_eq!(scopes(0), &serde_json::json!({ "ranges": [[5_000_000_000u64, 25_000_000_000u64]] }), "{plan}");
    assert_eq!(scopes(1), &serde_json::json!({ "ranges": [[0, u64::MAX]] }), "all of the run where nothing is said");
}

/// Each answer takes 300ms, so some requests are under way when the partition begins, and wait for its end.
#[test]
fn a_request_during_which_a_fault_begins_is_neither_before_nor_outside_of_it() {
    let place = Place::new();
    let server = crate::support::Server::start(std::time::Duration::from_millis(300));
    let text = format!(
        "scenario test {{\n  link way = tcp(to: \"{}\")\n  target api = http(way.url) {{\n    timeout: 900ms\n  }}\n  flow look on api {{\n    get \"/\" as home\n  }}\n  load main of look {{\n    hold 40/s for 8s\n  }}\n  fault cut = partition(way) at 4s for 2s\n  expect {{\n    error_rate(home before cut) == 0%\n    error_rate(home outside cut) == 0%\n    throughput(home before cut) within 5% of 40/s\n    count(home before cut) == 160\n    error_rate(home) > 10%\n  }}\n}}\n",
        server.address
    );
    let ran = place.run(&text, &[]);
    ran.passed();
    // Without them it is as long as it was.
    let samples = |at: usize| ran.result["expectations"][at]["samples"].as_u64().unwrap();
    assert!((130..160).contains(&samples(0)), "{} {}", samples(0), ran.out);
}
