//! Setups and teardowns, limits, measured values, and what is done at a time.

use crate::support::{Place, Script};
use std::sync::atomic::{AtomicUsize, Ordering};

fn plain(request: &str, _: usize) -> (u16, String) {
    match request {
        "POST /seed" => (201, "{\"token\":\"t-1\",\"ids\":[4,5,6],\"size\":12.5}".to_owned()),
        "DELETE /broken" | "POST /broken" => (500, String::new()),
        _ => (200, "{\"items\":[1,2,3,4],\"took\":0.25,\"bytes\":2048}".to_owned()),
    }
}

fn scenario(script: &Script, parts: &str, flow: &str, load: &str, expect: &str) -> String {
    format!(
        "scenario test {{\n  {parts}\n  target api = http(\"http://{}\")\n  flow visit on api {{\n    {flow}\n  }}\n  load main of visit {{\n    {load}\n  }}\n  expect {{\n    {expect}\n  }}\n}}\n",
        script.address
    )
}

#[test]
fn a_setup_is_done_once_and_its_values_are_seen() {
    for workers in ["1", "2"] {
        let script = Script::start(plain);
        let parts = "let word = \"w\"\n  setup {\n    let path = \"/seed\"\n    post \"{path}\" as seed {\n      expect status == 201\n    }\n    let inner = 3\n    let token = seed.json(\"$.token\")\n    let all = seed.json(\"$\")\n    let size = seed.json(\"$.size\")\n  }\n  teardown {\n    delete \"/of/{token}\"\n  }";
        let flow = "let id = all.json(\"$.ids[1]\")\n    get \"/as/{token}/{id}/{word}/{inner}/{size}\" as home";
        let text = scenario(&script, parts, flow, "hold 20/s for 1s", "count(main) == 20\n    error_rate(main) == 0%");
        Place::new().run(&text, &["--workers", workers]).passed();
        assert_eq!(script.times("POST /seed"), 1);
        assert_eq!(script.times("GET /as/t-1/5/w/3/12.5"), 20, "{:?}", script.all());
        let all = script.all();
        assert_eq!((all.first().unwrap().as_str(), all.last().unwrap().as_str()), ("POST /seed", "DELETE /of/t-1"));
    }
}

#[test]
fn a_setup_that_fails_stops_the_run_and_is_torn_down() {
    let script = Script::start(plain);
    let parts = "setup {\n    post \"/broken\" as first\n  }\n  teardown {\n    delete \"/all\"\n  }";
    let text = scenario(&script, parts, "get \"/never\"", "hold 20/s for 1s", "error_rate(main) == 0%");
    let ran = Place::new().run(&text, &[]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("the setup failed at `first` (line 3): it was answered with status 500"), "{}", ran.err);
    assert_eq!(script.all(), ["POST /broken", "DELETE /all"]);
}

#[test]
fn a_teardown_that_fails_is_an_error_whatever_was_expected() {
    let script = Script::start(plain);
    let parts = "teardown {\n    delete \"/broken\" as last\n  }";
    for expected in ["error_rate(main) == 0%", "error_rate(main) == 100%"] {
        let text = scenario(&script, parts, "get \"/a\"", "hold 20/s for 1s", expected);
        let ran = Place::new().run(&text, &["--quiet"]);
        assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
        let said = "the teardown failed at `last` (line 3): it was answered with status 500";
        assert!(ran.err.contains(said), "{}", ran.err);
        assert_eq!(ran.result["problems"][0], said);
        assert_eq!((&ran.result["verdict"], &ran.result["exit_code"]), (&"error".into(), &3.into()));
        let reason = "the teardown failed, so something may have been left behind";
        assert_eq!(ran.result["reason"], reason);
    }
}

/// Whatever becomes of one, wherever it stands.
#[test]
fn all_steps_of_a_teardown_are_tried() {
    let script = Script::start(plain);
    let lines = [
        "teardown {",
        "  delete \"/broken\" as first",
        "  let id = first.json(\"$.id\")",
        "  delete \"/of/{id}\" as second",
        "  delete \"/broken\" as allowed { continue }",
        "  repeat at most 2 { delete \"/broken\" as again }",
        "  each own in [1, 2] at most 2 together {",
        "    delete \"/broken\" as apart",
        "    delete \"/each/{own}\"",
        "  }",
        "  get \"/a\" as home",
        "  expect home.status == 404",
        "  if home.json(\"$.none\") > 1 { delete \"/then\" } else { delete \"/else\" }",
        "  delete \"/last\"",
        "}",
        "teardown { delete \"/other\" }",
    ];
    let text = scenario(&script, &lines.join("\n"), "get \"/flow\"", "hold 1/s for 1s", "error_rate(main) == 0%");
    let place = Place::new();
    let ran = place.run(&text, &["--quiet"]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    let sent: Vec<String> = script.all().into_iter().filter(|sent| sent != "GET /flow").collect();
    for wanted in ["DELETE /each/1", "DELETE /each/2", "GET /a", "DELETE /last", "DELETE /other"] {
        assert!(sent.iter().any(|sent| sent == wanted), "{wanted}: {sent:?}");
    }
    assert_eq!(script.times("DELETE /broken"), 6, "{sent:?}");
    let problems: Vec<&str> =
        ran.result["problems"].as_array().unwrap().iter().filter_map(|one| one.as_str()).collect();
    for (step, what) in [
        ("first", "it was answered with status 500"),
        ("second", "a value that it needs, or that is taken from its answer, is not there"),
        ("again", "it was answered with status 500, 2 times"),
        ("apart", "it was answered with status 500, 2 times"),
        ("home", "something that is expected of it, or behind it, does not hold; its status was 200"),
    ] {
        let found = |problem: &&&str| problem.contains(&format!("at `{step}`")) && problem.ends_with(what);
        assert!(problems.iter().find(found).is_some(), "{step}: {problems:#?}");
    }
    assert!(!problems.iter().any(|problem| problem.contains("`allowed`")), "{problems:#?}");
    assert!(ran.result["reason"].as_str().unwrap().starts_with("the teardown failed in "), "{}", ran.result["reason"]);
}

/// What a setup had made is known to the teardown, though it failed behind it.
#[test]
fn what_a_failed_setup_named_is_torn_down() {
    let script = Script::start(plain);
    let parts = "setup {\n    post \"/seed\" as seed\n    let token = seed.json(\"$.token\")\n    post \"/broken\" as then\n  }\n  teardown {\n    delete \"/of/{token}\"\n  }";
    let text = scenario(&script, parts, "get \"/never\"", "hold 20/s for 1s", "error_rate(main) == 0%");
    let ran = Place::new().run(&text, &[]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert_eq!(script.all(), ["POST /seed", "POST /broken", "DELETE /of/t-1"]);
}

/// Ten a second are let through, and five at a time, over both workers; the waits are samples of their own.
#[test]
fn limits_hold_over_all_workers() {
    let script = Script::start(|request, times| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        plain(request, times)
    });
    let parts = "limiter gate = limiter(20/s)\n  semaphore slots = semaphore(3)";
    let flow = "acquire gate {\n      get \"/a\" as a\n    }\n    acquire slots {\n      get \"/b\" as b\n    }";
    let expect = "count(a) <= 41\n    count(a) >= 35\n    min(a) < 50ms\n    count(gate) >= 36\n    p90(gate) > 200ms\n    error_rate(main) == 0%";
    let text = scenario(&script, parts, flow, "grace: 20ms\n    hold 12 users for 2s", expect);
    let ran = Place::new().run(&text, &["--workers", "2"]);
    let held = ran.result["expectations"].as_array().unwrap();
    for expectation in held.iter().filter(|one| !one["text"].as_str().unwrap().starts_with("error_rate")) {
        assert_eq!(expectation["verdict"], "passed", "{expectation} {}", ran.out);
    }
    assert!(ran.out.contains("gate") && ran.out.contains("slots"), "{}", ran.out);
}

#[test]
fn places_are_never_taken_by_more_than_there_are() {
    static INSIDE: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let script = Script::start(|request, times| {
        MOST.fetch_max(INSIDE.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(std::time::Duration::from_millis(20));
        INSIDE.fetch_sub(1, Ordering::SeqCst);
        plain(request, times)
    });
    let flow = "acquire slots {\n      get \"/a\" as a\n    }";
    let load = "hold 12 users for 1s";
    let text =
        scenario(&script, "semaphore slots = semaphore(3)", flow, load, "count(a) > 20\n    error_rate(a) == 0%");
    Place::new().run(&text, &["--workers", "2"]).passed();
    assert_eq!(MOST.load(Ordering::SeqCst), 3);
}

#[test]
fn a_value_of_the_scenarios_own_is_measured_in_its_unit() {
    let script = Script::start(plain);
    let flow = "get \"/a\" as a\n    measure took = a.json(\"$.took\")\n    measure wait = a.latency * 2\n    measure size = 1KiB * 3";
    let expect = "max(main.took) == 0.25\n    mean(took) within 1% of 0.25\n    count(took) == 20\n    min(wait) > 0ms\n    p50(main.size) within 1% of 3KiB";
    let text = scenario(&script, "", flow, "hold 20/s for 1s", expect);
    let ran = Place::new().run(&text, &[]);
    ran.passed();
    assert!(ran.out.contains("0.25") && ran.out.contains("3KiB"), "{}", ran.out);
}

#[test]
fn what_is_done_together_is_done_at_a_time() {
    for load in ["hold 2 users for 1s", "hold 5/s for 1s"] {
        let script = Script::start(|request, times| {
            if request.starts_with("GET /item") {
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
            plain(request, times)
        });
        let flow = "get \"/list\" as list\n    each item in list.json(\"$.items\") at most 3 together {\n      get \"/item/{item}\" as part\n      get \"/next/{item}\" as next\n    }\n    get \"/end\" as last";
        let expect = "error_rate(main) == 0%\n    min(iteration(main)) >= 100ms";
        let text = scenario(&script, "", flow, load, expect);
        let ran = Place::new().run(&text, &[]);
        let list = script.times("GET /list");
        assert!(list >= 5, "{}{}", ran.out, ran.err);
        for item in 1..=3 {
            assert_eq!(script.times(&format!("GET /next/{item}")), list, "{} {}", ran.out, ran.err);
        }
        assert_eq!((script.times("GET /item/4"), script.times("GET /end")), (0, list));
        assert!(script.connections().0 >= 3, "{:?} connections", script.connections());
        for expectation in ran.result["expectations"].as_array().unwrap() {
            assert_ne!(expectation["verdict"], "failed", "{expectation}");
        }
    }
}

#[test]
fn one_of_those_that_fails_fails_the_iteration() {
    let script = Script::start(|request, times| match request {
        "GET /item/2" => (500, String::new()),
        _ => plain(request, times),
    });
    let flow = "get \"/list\" as list\n    each item in list.json(\"$.items\") at most 3 together {\n      get \"/item/{item}\" as part\n    }\n    get \"/end\" as last";
    let expect = "error_rate(part) > 33%\n    error_rate(part) < 34%\n    error_rate(list) == 0%\n    error_rate(iteration(main)) == 100%";
    let ran = Place::new().run(&scenario(&script, "", flow, "hold 10/s for 1s", expect), &[]);
    ran.passed();
    assert_eq!((script.times("GET /item/3"), script.times("GET /end")), (10, 0));
}
