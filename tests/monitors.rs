//! Series of services and monitors: read while the load runs, judged, recorded, reported.

use crate::support::{Place, Ran, Script, Server};
use std::time::Duration;

/// A short load on the demo shop; `parts` stand beside it.
fn shop(constructor: &str, parts: &str, stages: &str, expect: &str) -> String {
    format!(
        "scenario test {{\n  service app = {constructor}\n  target api = http(app.url)\n{parts}\n  flow buy on api {{\n    post \"/orders\" as order {{\n      json: {{ product: 1, qty: 1 }}\n      expect status == 201\n    }}\n  }}\n  load main of buy {{\n    {stages}\n  }}\n  expect {{\n    {expect}\n  }}\n}}\n"
    )
}

fn verdicts(ran: &Ran) -> Vec<(&str, &str, &str)> {
    let text = |one: &'_ serde_json::Value, key: &str| -> Option<&'static str> {
        one[key].as_str().map(|text| &*text.to_owned().leak())
    };
    let all = ran.result["expectations"].as_array();
    all.unwrap_or_else(|| panic!("{}{}", ran.out, ran.err))
        .iter()
        .filter(|one| one["implied"] == false)
        .map(|one| {
            (
                text(one, "text").unwrap_or(""),
                text(one, "verdict").unwrap_or(""),
                text(one, "reason").or(text(one, "value")).unwrap_or(""),
            )
        })
        .collect()
}

#[test]
fn a_service_is_watched_and_its_page_is_read() {
    let place = Place::new();
    let parts = "  monitor machine = host()\n  monitor page = metrics(\"{app.url}/metrics\")";
    let expect = "max(app.cpu) < 400%
    max(app.memory) > 1MiB
    max(app.memory) < 1MiB
    min(app.open_files) > 5
    max(app.threads) >= 1
    increase(app.metric(\"orders_total\")) == count(order)
    last(page.query('http_requests_total{route=\"/orders\", status=\"201\"}')) == 60
    last(app.metric(\"process_resident_memory_bytes\", unit: 1B)) within 20% of last(app.memory)
    max(app.metric(\"checkout_slots_limit\")) == 50
    max(machine.cpu) <= 100%
    min(machine.memory) > 1MiB
    max(page.query('no_such_thing')) == 0";
    let ran = place.run(&shop("demo()", parts, "hold 20/s for 3s", expect), &[]);
    for (text, verdict, said) in verdicts(&ran) {
        let wanted = match text {
            "max(app.memory) < 1MiB" => "failed",
            "max(page.query('no_such_thing')) == 0" => "inconclusive",
            _ => "passed",
        };
        assert_eq!(verdict, wanted, "{text}: {said}\n{}{}", ran.out, ran.err);
    }
    assert!(ran.out.contains("the page has no `no_such_thing`"), "{}", ran.out);
    assert!(ran.out.contains("app.metric(\"orders_total\")"), "{}", ran.out);
    let memory = &ran.result["metrics"]["app.memory"];
    assert!(memory["readings"].as_u64().unwrap() >= 4 && memory["max"].as_f64().unwrap() > 1e6, "{memory}");
    let again = place.call(&["report", "last", "--json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&again.out).unwrap(), ran.result);
}

#[test]
fn whoever_listens_at_a_port_is_watched() {
    let place = Place::new();
    // A server of this test, so that the process that listens is the test itself.
    let server = Server::start(Duration::ZERO);
    let text = format!(
        "scenario test {{\n  service own = attach(port: {})\n  target api = http(own.url)\n  flow look on api {{\n    get \"/\"\n  }}\n  load main of look {{\n    hold 20/s for 2s\n  }}\n  expect {{\n    max(own.threads) > 1\n    max(own.memory) > 1MiB\n  }}\n}}\n",
        server.address.port()
    );
    place.run(&text, &[]).passed();
}

#[test]
fn what_cannot_be_asked_is_a_gap_and_no_zero() {
    let place = Place::new();
    // The second reading and those after it fail; the answer to others is no page.
    let script = Script::start(|request, times| match (request, times) {
        ("GET /metrics", 1) => (200, "jobs 7\n".to_owned()),
        ("GET /metrics", _) => (500, "jobs 0\n".to_owned()),
        _ => (200, "{}".to_owned()),
    });
    let text = format!(
        "scenario test {{\n  service own = attach(port: {}) {{\n    metrics: \"/metrics\"\n  }}\n  monitor gone = metrics(\"http://127.0.0.1:1/metrics\")\n  target api = http(own.url)\n  flow look on api {{\n    get \"/\"\n  }}\n  load main of look {{\n    hold 20/s for 3s\n  }}\n  expect {{\n    max(own.metric(\"jobs\")) == 7\n    max(gone.query('jobs')) == 0\n  }}\n}}\n",
        script.address.port()
    );
    let ran = place.run(&text, &[]);
    assert_eq!(ran.code, 4, "{}{}", ran.out, ran.err);
    let all = verdicts(&ran);
    assert!(all[0].2.contains("readings are missing in its window: status 500"), "{all:?}");
    assert_eq!(all[1].2, "nothing was read in its window: connection refused");
    let gaps = &ran.result["metrics"]["own.metric(\"jobs\")"]["gaps"];
    assert_eq!(gaps[0]["reason"], "status 500", "{gaps}");
}

/// Neither a monitor nor a probe goes where an answer sends it.
#[test]
fn redirects_of_those_who_are_asked_are_not_followed() {
    use crate::support::{Keeper, Kept, answered};
    let elsewhere = Script::start(|_, _| (200, "jobs 7\n".to_owned()));
    let to = format!("http://{}/metrics", elsewhere.address);
    // The address goes through the path, since what answers knows nothing of this test.
    fn answer(kept: &Kept) -> Vec<u8> {
        let to = kept.line().trim_start_matches("GET /to/").to_owned();
        let mut answer = answered(&format!("Location: http://{to}\r\n"), b"");
        answer.splice(9..12, *b"302");
        answer
    }
    let keeper = Keeper::start(answer);
    let url = format!("http://{}/to/{}/metrics", keeper.address, elsewhere.address);
    let parts = format!("  monitor page = metrics(\"{url}\")\n  monitor eyes = prometheus(\"{url}\")");
    let ran = Place::new().run(&shop("demo()", &parts, "hold 20/s for 2s", "max(page.query('jobs')) == 7"), &[]);
    assert_eq!(ran.code, 4, "{}{}", ran.out, ran.err);
    let reason = format!("status 302, a redirect to `{to}`, which is not followed");
    assert_eq!(verdicts(&ran)[0].2, format!("nothing was read in its window: {reason}"));
    let never = format!(
        "process(\"sleep\", \"60\") {{\n    ready: \"{url}\"\n    ready_within: 1s\n  }}\n  service app = demo()"
    );
    let text = shop("demo()", "", "hold 20/s for 1s", "max(own.memory) > 1KiB").replacen(
        "service app = demo()",
        &format!("service own = {never}"),
        1,
    );
    let ran = Place::new().run(&text, &[]);
    assert!(ran.code == 3 && ran.err.contains(&reason), "{}{}", ran.out, ran.err);
    assert_eq!(elsewhere.all(), Vec::<String>::new(), "nobody came");
}

#[test]
fn growth_and_drift_of_a_leak_are_seen() {
    let place = Place::new();
    let expect = "growth(app.memory) < 100KiB/s
    growth(app.memory) < 1GiB/s
    drift(max(app.memory)) > 20%
    drift(count(order)) < 50%";
    // 20 orders a second leak 1 MiB each.
    let ran = place.run(&shop("demo(leak: 1MiB)", "", "hold 20/s for 12s", expect), &[]);
    let all = verdicts(&ran);
    let wanted = ["failed", "passed", "passed", "passed"];
    assert_eq!(all.iter().map(|one| one.1).collect::<Vec<_>>(), wanted, "{}{}", ran.out, ran.err);
    assert!(all[0].2.contains("at 95%"), "{all:?}");
    let place = Place::new();
    let ran = place.run(&shop("demo()", "", "hold 20/s for 3s", "growth(app.memory) < 1GiB/s"), &[]);
    assert_eq!(ran.code, 4, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("growth needs 10"), "{}", ran.out);
}

#[test]
fn a_prometheus_is_asked() {
    let place = Place::new();
    let script = Script::start(|request, times| match request {
        "GET /api/v1/query?query=sum%28up%29" => {
            let value = format!("[{{\"metric\":{{}},\"value\":[1,\"{times}\"]}}]");
            (200, format!("{{\"status\":\"success\",\"data\":{{\"resultType\":\"vector\",\"result\":{value}}}}}"))
        }
        _ => (400, "{\"status\":\"error\"}".to_owned()),
    });
    let parts = format!("  monitor eyes = prometheus(\"http://{}\")", script.address);
    let expect = "max(eyes.query('sum(up)')) >= 3\n    max(eyes.query('sum(')) == 0";
    let ran = place.run(&shop("demo()", &parts, "hold 20/s for 3s", expect), &[]);
    let all = verdicts(&ran);
    assert_eq!(all[0].1, "passed", "{}{}", ran.out, ran.err);
    assert_eq!(all[1].2, "nothing was read in its window: status 400");
}

/// A counter that begins with its first event is nothing before; of a name that was never there that is told.
#[test]
fn what_is_not_there_is_what_the_scenario_says() {
    let place = Place::new();
    let expect = "max(app.metric(\"no_such_total\", missing: 0)) == 0
    increase(app.metric(\"no_such_total\", missing: 0)) == 0
    max(app.metric(\"no_such_bytes\", unit: 1B, missing: 5B)) == 5B
    max(app.metric(\"no_such_total\")) == 0
    increase(app.metric(\"orders_total\", missing: 0)) == count(order)";
    let ran = place.run(&shop("demo()", "", "hold 20/s for 2s", expect), &[]);
    for (text, verdict, said) in verdicts(&ran) {
        let wanted = if text == "max(app.metric(\"no_such_total\")) == 0" { "inconclusive" } else { "passed" };
        assert_eq!(verdict, wanted, "{text}: {said}\n{}{}", ran.out, ran.err);
    }
    let notes: Vec<&str> = ran.result["notes"].as_array().unwrap().iter().filter_map(|note| note.as_str()).collect();
    let never =
        |name: &str| notes.iter().filter(|note| note.contains(name) && note.contains("was never there")).count();
    assert_eq!((never("no_such_total"), never("no_such_bytes"), never("orders_total")), (1, 1, 0), "{notes:?}");
    let again = place.call(&["report", "last", "--json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&again.out).unwrap(), ran.result);
}
