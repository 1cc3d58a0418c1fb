//! Requests carry a trace context, and some of them are told whole.

use crate::support::{Place, Script, scenario};
use std::collections::HashSet;

/// The values of a header of all requests, in their order.
fn headers(script: &Script, name: &str) -> Vec<String> {
    let heads = script.heads();
    let lines = heads.iter().flat_map(|head| head.lines());
    let found = lines.filter_map(|line| line.split_once(": ").filter(|(own, _)| own.eq_ignore_ascii_case(name)));
    found.map(|(_, value)| value.to_owned()).collect()
}

fn well(_: &str, _: usize) -> (u16, String) {
    (200, "{\"price\":1}".to_owned())
}

fn third_time(_: &str, times: usize) -> (u16, String) {
    (if times.is_multiple_of(3) { 200 } else { 503 }, String::new())
}

/// Every second is an error that repeats what it was asked, every fourth a price that cannot be.
fn badly(request: &str, times: usize) -> (u16, String) {
    match times % 4 {
        0 | 2 => (503, format!("no room for {request} {}", "and so on ".repeat(500))),
        1 => (200, "{\"price\":-1}".to_owned()),
        _ => (200, "{\"price\":1}".to_owned()),
    }
}

#[test]
fn every_request_has_a_trace_context_of_its_own() {
    let script = Script::start(well);
    let flow = "    let id = home.json(\"$.price\")\n    get \"/of/{id}\"\n    post \"/fixed\" {\n      json: { qty: 1 }\n    }";
    let text = scenario(&script.address.to_string(), flow, "    hold 50/s for 1s", "    error_rate(main) == 0%");
    Place::new().run(&text, &["--workers", "2"]).passed();
    let all = headers(&script, "traceparent");
    assert_eq!((all.len(), script.heads().len()), (150, 150));
    for value in &all {
        let hex =
            |text: &str, length: usize| text.len() == length && text.bytes().all(|b| b"0123456789abcdef".contains(&b));
        let parts: Vec<&str> = value.split('-').collect();
        assert!(matches!(parts[..], ["00", id, parent, "01"] if hex(id, 32) && hex(parent, 16)), "{value}");
        assert!(!parts[1].bytes().all(|b| b == b'0') && !parts[2].bytes().all(|b| b == b'0'), "{value}");
    }
    let ids: HashSet<&str> = all.iter().map(|value| &value[3..35]).collect();
    assert_eq!(ids.len(), 150);
}

/// Traffic of a test can be told from that of people, and whose run it is of.
#[test]
fn requests_say_that_they_are_of_a_test_and_of_which_run() {
    let script = Script::start(well);
    let flow = "    let id = home.json(\"$.price\")\n    get \"/of/{id}\"";
    let text = scenario(&script.address.to_string(), flow, "    hold 10/s for 1s", "    error_rate(main) == 0%");
    let ran = Place::new().run(&text, &[]);
    ran.passed();
    let id = ran.result["id"].as_str().unwrap();
    assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)), "{id}");
    assert_eq!(headers(&script, "baggage"), vec![format!("synthetic.type=test,stressc.run.id={id}"); 20]);
    let agents = headers(&script, "user-agent");
    assert!(agents.len() == 20 && agents.iter().all(|agent| agent.starts_with("stressc/")), "{agents:?}");
    let script = Script::start(well);
    let own = "get \"/\" as home {\n      headers: { \"Baggage\": \"a=b\" }\n    }";
    let text = scenario(&script.address.to_string(), "", "    hold 10/s for 1s", "    error_rate(main) == 0%")
        .replace("get \"/\" as home", own);
    Place::new().run(&text, &[]).passed();
    assert_eq!(headers(&script, "baggage"), ["a=b"; 10]);
}

#[test]
fn tries_of_a_request_belong_to_one_trace() {
    let script = Script::start(third_time);
    let text = scenario(&script.address.to_string(), "", "    hold 10/s for 1s", "    error_rate(main) == 0%");
    let text = text.replace("get \"/\" as home", "get \"/\" as home retry 2");
    Place::new().run(&text, &["--seed", "1"]).passed();
    let all = headers(&script, "traceparent");
    let ids: HashSet<&str> = all.iter().map(|value| &value[3..35]).collect();
    let parents: HashSet<&str> = all.iter().map(|value| &value[36..52]).collect();
    assert_eq!((all.len(), ids.len(), parents.len()), (30, 10, 30));
}

#[test]
fn a_trace_context_is_left_out_where_it_is_not_wanted_or_said() {
    let script = Script::start(well);
    let address = script.address.to_string();
    let text = scenario(&address, "", "    hold 10/s for 1s", "    error_rate(main) == 0%");
    Place::new().run(&text.replace("timeout: 2s", "trace: false"), &[]).passed();
    assert_eq!((headers(&script, "traceparent").len(), script.heads().len()), (0, 10));
    assert_eq!(headers(&script, "baggage").len(), 0);
    let own = "get \"/\" as home {\n      headers: { \"Traceparent\": \"mine\" }\n    }";
    Place::new().run(&text.replace("get \"/\" as home", own), &[]).passed();
    assert_eq!(headers(&script, "traceparent"), ["mine"; 10]);
}

#[test]
fn a_red_run_shows_what_went_wrong() {
    let script = Script::start(badly);
    let place = Place::new();
    let text = scenario(&script.address.to_string(), "", "    hold 200/s for 2s", "    error_rate(main) < 1%");
    let checks = "get \"/\" as home {\n      expect json(\"$.price\") > 0\n    }";
    let ran = place.run(&text.replace("get \"/\" as home", checks), &[]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let sent = headers(&script, "traceparent");
    for part in ["json(\"$.price\") > 0: it was -1", "status 503", "no room for GET / and so on"] {
        assert!(ran.out.contains(part), "{part} is missing in {}", ran.out);
    }
    let failed = ran.result["examples"]["failed"].as_array().unwrap();
    let slowest = ran.result["examples"]["slowest"].as_array().unwrap();
    assert_eq!((failed.len(), slowest.len()), (24, 5), "12 of each kind, and the slowest");
    for told in failed.iter().chain(slowest) {
        let trace = told["traceparent"].as_str().unwrap();
        assert!(sent.iter().any(|own| own == trace), "{told} was not sent");
        assert_eq!((&told["request"], &told["series"]), (&"GET /".into(), &"main.browse.home".into()));
    }
    let of = |kind: &str| failed.iter().filter(|told| told["failure"] == kind).collect::<Vec<_>>();
    assert!(of("status").iter().all(|told| told["status"] == 503 && told["body"].as_str().unwrap().len() < 300));
    assert!(of("expectation").iter().all(|told| told["body"] == "{\"price\":-1}" && told["status"] == 200));
    assert!(of("status").iter().any(|told| told["at_ns"].as_u64().unwrap() > 1_000_000_000), "from the whole run");
    assert!(slowest.windows(2).all(|two| two[0]["latency_ns"].as_u64() >= two[1]["latency_ns"].as_u64()));
    let again = place.call(&["report", "last", "--json"]);
    let again: serde_json::Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!(again, ran.result);
    let events = std::fs::read_to_string(place.runs()[0].join("events.jsonl")).unwrap();
    let told = events.lines().filter(|line| line.starts_with("{\"event\":\"example\"")).count();
    assert!((29..200).contains(&told), "{told} in the record");
}

/// What a step expects behind the request counts against the request, and is named.
#[test]
fn a_step_between_requests_says_what_it_missed() {
    let script = Script::start(well);
    let flow =
        "    let limit = home.json(\"$.price\")\n    expect home.json(\"$.price\") > limit and home.status == 200";
    let text = scenario(&script.address.to_string(), flow, "    hold 20/s for 1s", "    error_rate(main) == 0%");
    let ran = Place::new().run(&text, &[]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let first = &ran.result["examples"]["failed"][0];
    let because = "home.json(\"$.price\") > limit and home.status == 200: it was 1 > 1";
    assert_eq!((&first["because"], &first["failure"]), (&because.into(), &"expectation".into()), "{first}");
    assert_eq!(ran.result["examples"]["slowest"].as_array().unwrap().len(), 0, "none went well");
    assert!(ran.out.contains(because), "{}", ran.out);
}

#[test]
fn who_never_got_an_answer_is_told_too() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = scenario(&free.to_string(), "", "    hold 20/s for 1s", "    error_rate(main) == 0%");
    let ran = Place::new().run(&text, &[]);
    let first = &ran.result["examples"]["failed"][0];
    assert_eq!((&first["failure"], &first["status"]), (&"connect".into(), &serde_json::Value::Null), "{first}");
    assert_eq!((&first["sends"], &first["traceparent"]), (&0.into(), &serde_json::Value::Null), "{first}");
    assert_eq!(first["request"], "GET /");
    let slow = crate::support::Server::start(std::time::Duration::from_secs(60));
    let text = slow.scenario("    hold 5/s for 1s\n    grace: 200ms", "    error_rate(main) == 0%");
    let ran = Place::new().run(&text, &[]);
    let first = &ran.result["examples"]["failed"][0];
    assert_eq!(first["because"], "it was under way when the run ended", "{first}");
    assert!(first["traceparent"].is_string(), "{first}");
}
