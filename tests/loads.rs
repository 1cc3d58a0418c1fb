//! Loads as they run: what is shared, swept, replayed and searched.

use crate::support::{Keeper, Place, Ran, Script, Server, answered, answered_as, scenario, signal, wait_until};
use std::collections::BTreeMap;
use std::time::Duration;

fn plain(_: &str, _: usize) -> (u16, String) {
    (200, "{}".to_owned())
}

fn run(address: &str, flow: &str, load: &str, expect: &str, flags: &[&str]) -> Ran {
    let text = format!(
        "scenario test {{\n  target api = http(\"http://{address}\")\n  flow visit on api {{\n    {flow}\n  }}\n  load main of visit {{\n    {load}\n  }}\n  expect {{\n    {expect}\n  }}\n}}\n"
    );
    Place::new().run(&text, flags)
}

/// How often each request was seen.
fn seen(scripts: &[&Script]) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for request in scripts.iter().flat_map(|script| script.all()) {
        *times.entry(request).or_default() += 1;
    }
    times
}

#[test]
fn users_share_the_iterations_of_a_once() {
    let of = |number: usize| format!("GET /{number}");
    for flags in [&["--workers", "1"], &["--workers", "2"]] {
        let script = Script::start(plain);
        let expect = "count(main) == 23\n    dropped(main) == 0\n    throughput(main) > 5/s";
        let ran = run(
            &script.address.to_string(),
            "get \"/{user.id}\"",
            "once 23 iterations by 5 users within 20s",
            expect,
            flags,
        );
        ran.passed();
        // Every fifth iteration is a user's.
        let expected = (1..=5).map(|user| (of(user), if user <= 3 { 5 } else { 4 })).collect();
        assert_eq!(seen(&[&script]), expected);
        let window = &ran.result["windows"][0];
        assert_eq!((&window["planned"], &window["started"]), (&23.into(), &23.into()));
        // It was over when all were done.
        assert!(window["done_ns"].as_u64().unwrap() < 15_000_000_000, "{window}");
        assert!(ran.out.contains("23 of 23 iterations started, all done after"), "{}", ran.out);
    }
}

#[test]
fn shares_of_a_once_add_up() {
    let scripts = [Script::start(plain), Script::start(plain)];
    for (script, share) in scripts.iter().zip(["1/2", "2/2"]) {
        let load = "once 23 iterations by 5 users within 20s";
        run(&script.address.to_string(), "get \"/{user.id}\"", load, "count(main) >= 1", &["--share", share]).passed();
    }
    let both = seen(&[&scripts[0], &scripts[1]]);
    assert_eq!(both.values().copied().collect::<Vec<usize>>(), [5, 5, 5, 4, 4]);
    assert_eq!(scripts[0].all().len(), 14);
}

/// The target is too slow for all of it: what nobody came to is counted, and the generator is not to blame.
#[test]
fn what_is_not_done_in_time_is_counted_and_the_rest_goes_on() {
    let server = Server::start(Duration::from_millis(300));
    let load = "hold 1 user for 200ms\n    once 40 iterations by 2 users within 1s as batch\n    hold 1 user for 500ms as after";
    let expect = "dropped(main) > 25\n    count(main during after) >= 1\n    count(main during batch) < 15";
    let ran = run(&server.address.to_string(), "get \"/\"", load, expect, &[]);
    ran.passed();
    assert_eq!(ran.code, 0, "{}", ran.out);
    let batch = &ran.result["windows"][1];
    let (started, dropped) = (batch["started"].as_u64().unwrap(), batch["dropped"].as_u64().unwrap());
    assert_eq!(started + dropped, 40, "{batch}");
    assert!(ran.out.contains("iterations were not started in time"), "{}", ran.out);
}

#[test]
fn each_level_of_a_sweep_is_measured_without_its_settling() {
    let server = Server::start(Duration::from_millis(50));
    let load = "sweep [1, 3] users for 1s each settle 500ms as ladder";
    let ran = run(&server.address.to_string(), "get \"/\" as home", load, "error_rate(home) == 0%", &[]);
    ran.passed();
    let windows = ran.result["windows"].as_array().unwrap();
    let sent: Vec<u64> = windows.iter().map(|window| window["steps"][0]["sent"].as_u64().unwrap()).collect();
    let names: Vec<&str> = windows.iter().map(|window| window["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["ladder 1 user", "ladder 3 users"], "{}", ran.out);
    assert_eq!(windows[1]["start_ns"], 2_000_000_000u64);
    assert!(sent[0] <= 20 && sent[1] > sent[0], "{sent:?}");
    // What was sent while it settled is in none of them, and in no metric.
    let judged = ran.result["expectations"][0]["samples"].as_u64().unwrap();
    assert!(sent.iter().sum::<u64>() + 5 < server.count());
    assert!(judged <= sent.iter().sum::<u64>() + 4, "{judged} of {sent:?}");
}

/// Rows at uneven times, of which some are at once.
#[test]
fn rows_are_replayed_when_they_were() {
    let log =
        "path,time\na,2026-01-31T12:00:00Z\nb,2026-01-31T12:00:01Z\nc,2026-01-31T12:00:01Z\nd,2026-01-31T12:00:03.5Z\n";
    let mut seen_by = Vec::new();
    for flags in [vec![], vec!["--workers", "2"], vec!["--share", "1/2"], vec!["--share", "2/2"]] {
        let script = Script::start(plain);
        let place = Place::new();
        place.write("log.csv", log);
        let text = format!(
            "data log = csv(\"log.csv\")\nscenario test {{\n  target api = http(\"http://{}\")\n  flow visit on api {{\n    let row = log.next()\n    get \"/{{row.path}}\" as page\n  }}\n  load main of visit {{\n    replay log speed 2x as again\n  }}\n  expect {{\n    error_rate(main) == 0%\n  }}\n}}\n",
            script.address
        );
        let ran = place.run(&text, &flags);
        ran.passed();
        let window = &ran.result["windows"][0];
        assert_eq!(window["planned"], window["started"], "{window}");
        let slices = crate::shares::arrivals_of(&place.runs()[0], "main.visit.page");
        seen_by.push((slices, seen(&[&script])));
    }
    // At 0, twice at 0.5 s, at 1.75 s.
    assert_eq!(seen_by[0].0, BTreeMap::from([(0, 3), (1_000_000_000, 1)]));
    let each = ["/a", "/b", "/c", "/d"].map(|path| (format!("GET {path}"), 1));
    assert_eq!(seen_by[0].1, BTreeMap::from(each));
    assert_eq!(seen_by[1], seen_by[0], "two workers");
    let mut added = seen_by[2].clone();
    seen_by[3].0.iter().for_each(|(slice, count)| *added.0.entry(*slice).or_default() += count);
    added.1.extend(seen_by[3].1.clone());
    assert_eq!(added, seen_by[0], "two shares");
}

/// The trials of a search: levels and what came out.
fn levels(ran: &Ran) -> Vec<(f64, String)> {
    let windows = ran.result["windows"].as_array().unwrap().iter();
    let tried = windows.map(|window| &window["tried"]).filter(|tried| !tried.is_null());
    tried.map(|tried| (tried["level"].as_f64().unwrap(), tried["verdict"].as_str().unwrap().to_owned())).collect()
}

/// The record alone makes the same report.
fn report_again(place: &Place, ran: &Ran) {
    std::fs::remove_file(place.runs()[0].join("run.json")).unwrap();
    let again = place.call(&["report"]);
    assert_eq!(again.code, ran.code, "{}{}", again.out, again.err);
    let (report, _) = ran.out.split_once("\nrecorded in").unwrap();
    assert_eq!(again.out, report);
}

#[test]
fn a_search_finds_what_a_server_can_do() {
    // Four at a time for 50 ms each are 80 a second.
    let server = Server::with_slots(4, Duration::from_millis(50));
    let place = Place::new();
    let text = server.scenario(
        "    search 30/s .. 300/s for 1s each while p75(main) < 150ms and error_rate(main) < 1%",
        "    capacity(main) >= 40/s\n    capacity(main) < 150/s",
    );
    let ran = place.run(&text, &["--seed", "7"]);
    ran.passed();
    let tried = levels(&ran);
    assert_eq!(tried[0], (30.0, "held".to_owned()), "{}", ran.out);
    assert_eq!(tried[1], (165.0, "not held".to_owned()), "{}", ran.out);
    assert!(tried.len() <= 12, "{tried:?}");
    let held = tried.iter().filter(|(_, verdict)| verdict == "held").map(|(level, _)| *level).fold(0.0, f64::max);
    assert!((40.0..150.0).contains(&held), "{tried:?}");
    report_again(&place, &ran);
}

#[test]
fn a_search_that_is_interrupted_tells_what_it_tried_and_knows_no_capacity() {
    let server = Server::start(Duration::ZERO);
    let place = Place::new();
    let text = server.scenario(
        "    search 20/s .. 2000/s for 1s each while error_rate(main) < 1%",
        "    capacity(main) >= 2000/s\n    error_rate(main) < 1%",
    );
    place.write("test.stress", &text);
    let child = place.spawn(&["run", "test.stress", "--no-progress"]);
    wait_until("a trial is over", Duration::from_secs(20), || {
        let events = place.runs().pop().and_then(|run| std::fs::read_to_string(run.join("events.jsonl")).ok());
        events.is_some_and(|text| text.contains("\"tried\""))
    });
    signal(&child, "INT");
    let ran = place.ended(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 130, "{}{}", ran.out, ran.err);
    assert_eq!(ran.result["expectations"][0]["verdict"], "inconclusive", "{}", ran.out);
    assert_eq!(levels(&ran)[0], (20.0, "held".to_owned()), "{}", ran.out);
}

#[test]
fn a_search_tells_a_bound_where_it_ends_at_one() {
    let server = Server::start(Duration::ZERO);
    let of = |condition: &str, expect: &str| {
        let stages = format!("    search 20/s .. 40/s for 500ms each while {condition}");
        Place::new().run(&server.scenario(&stages, expect), &[])
    };
    let ran = of("error_rate(main) < 1%", "    capacity(main) >= 40/s");
    ran.passed();
    assert!(ran.out.contains("at least 40/s"), "{}", ran.out);
    let ran = of("error_rate(main) < 1%", "    capacity(main) >= 50/s\n    capacity(main) < 40/s");
    let verdicts = ran.result["expectations"].as_array().unwrap().iter().map(|one| one["verdict"].as_str().unwrap());
    assert_eq!(verdicts.collect::<Vec<_>>(), ["inconclusive", "failed"], "{}", ran.out);
    let ran = of("error_rate(main) > 50%", "    capacity(main) >= 20/s");
    assert_eq!(ran.result["expectations"][0]["verdict"], "failed", "{}", ran.out);
    assert_eq!(ran.result["expectations"][0]["value"], "below 20/s");
    // Twenty a second for 400 ms are too few for it.
    let ran = of("p99(main) < 1s", "    capacity(main) >= 20/s");
    assert_eq!(ran.result["expectations"][0]["verdict"], "inconclusive", "{}", ran.out);
    assert_eq!(levels(&ran), [(20.0, "inconclusive".to_owned())]);
}

/// Whatever the workers, the same arrivals with the same numbers are made at the same levels.
#[test]
fn workers_deal_the_trials_of_a_search() {
    let open = ["", "arrivals: poisson\n    "].map(|option| (option, "warmup 20/s for 200ms", "search 40/s .. 60/s"));
    let closed = ("", "hold 1 user for 200ms", "search 2 users .. 5 users");
    for (option, before, search) in open.into_iter().chain([closed]) {
        let mut seen_by = Vec::new();
        for workers in ["1", "2"] {
            let script = Script::start(plain);
            let load = format!("{option}{before}\n    {search} for 300ms each while error_rate(main) < 1%");
            let (address, expect) = (script.address.to_string(), "count(main) > 0");
            let flow = "get \"/{user.id}\"\n    think 20ms";
            let ran = run(&address, flow, &load, expect, &["--workers", workers, "--seed", "3"]);
            ran.passed();
            let requests = seen(&[&script]);
            // How often users come round is the machine's matter.
            let times =
                requests.into_iter().map(|(request, times)| (request, if before.contains("user") { 1 } else { times }));
            seen_by.push((levels(&ran), times.collect::<BTreeMap<String, usize>>()));
        }
        assert!(seen_by[0].0.len() > 2 && seen_by[0].1.len() > 3, "{seen_by:?}");
        assert_eq!(seen_by[0], seen_by[1]);
    }
}

#[test]
fn a_search_is_not_shared() {
    let place = Place::new();
    let text = scenario(
        "127.0.0.1:9",
        "",
        "    search 20/s .. 60/s for 1s each while error_rate(main) < 1%",
        "    capacity(main) > 1/s",
    );
    let ran = place.run(&text, &["--share", "1/2"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("`main` searches, which cannot be shared"), "{}", ran.err);
    assert!(place.runs().is_empty());
}

#[test]
fn the_levels_of_a_sweep_tell_how_a_server_scales() {
    // Three users at a time, so that it does not get faster behind that.
    let server = Server::with_slots(3, Duration::from_millis(10));
    let stages = |levels: &str| format!("    sweep [{levels}] users for 1s each");
    let expect = "    contention(main) >= 0%\n    coherency(main) < 100%\n    efficiency(main, 2 users) > 1%\n    peak_users(main) >= 1 user\n    peak_throughput(main) > 20/s";
    let place = Place::new();
    let ran = place.run(&server.scenario(&stages("1, 2, 3, 6, 12, 24"), expect), &[]);
    ran.passed();
    assert!(ran.out.contains("at 95%") || ran.out.contains("at least"), "{}", ran.out);
    report_again(&place, &ran);
    let ran = Place::new().run(&server.scenario(&stages("1, 2, 3"), "    contention(main) < 100%"), &[]);
    assert!(ran.err.contains("W0802") && ran.err.contains("needs 4 levels, but the sweep has 3"), "{}", ran.err);
    assert_eq!(ran.code, 4, "{}", ran.out);
}

/// The grace of a load runs from its own end, however long others go on.
#[test]
fn what_is_under_way_when_the_grace_of_its_load_is_over_has_timed_out() {
    let server = Server::start(Duration::from_millis(650));
    for level in ["10/s", "4 users"] {
        let text = format!(
            "scenario test {{\n  target api = http(\"http://{}\")\n  flow visit on api {{\n    get \"/\" as home\n  }}\n  load short of visit {{\n    grace: 100ms\n    hold {level} for 1s\n  }}\n  load long of visit {{\n    hold 2/s for 4s\n  }}\n  expect {{\n    error_rate(short) > 0%\n    error_rate(long) == 0%\n    count(long) == 8\n  }}\n}}\n",
            server.address
        );
        for workers in ["1", "2"] {
            let ran = Place::new().run(&text, &["--workers", workers]);
            ran.passed();
            let row = &ran.result["windows"][0]["steps"][0];
            let failed = row["failed"]["timeout"].as_u64().unwrap();
            // Of a rate those of about the last half second, of users the second round.
            let cut = if level == "4 users" { 4..=4 } else { 3..=8 };
            assert!(cut.contains(&failed), "{level}: {row} {}", ran.out);
            assert!(ran.out.contains("under way when its load had ended"), "{}", ran.out);
            assert!(ran.result["duration_s"].as_f64().unwrap() < 6.0, "{}", ran.out);
        }
    }
}

/// A target that takes connections and never answers.
#[test]
fn a_rate_is_held_while_everything_times_out() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    std::thread::spawn(move || silent.incoming().collect::<Vec<_>>());
    for arrivals in ["", "    arrivals: poisson\n"] {
        for workers in ["1", "2"] {
            let text = format!(
                "scenario test {{\n  target api = http(\"http://{address}\") {{\n    timeout: 500ms\n  }}\n  flow visit on api {{\n    get \"/\" as home\n  }}\n  load few of visit {{\n{arrivals}    hold 2/s for 4s\n  }}\n  load more of visit {{\n{arrivals}    hold 20/s for 4s\n  }}\n  expect {{\n    dropped(few) == 0\n    dropped(more) == 0\n    error_rate(more) == 100%\n  }}\n}}\n"
            );
            let ran = Place::new().run(&text, &["--workers", workers]);
            ran.passed();
            let loads = &ran.result["loads"];
            assert_eq!(loads[0]["started"], loads[0]["planned"], "{}", ran.out);
            assert_eq!(loads[1]["started"], loads[1]["planned"], "{}", ran.out);
        }
    }
}

/// A request that is sent on and on by redirects is one in flight.
#[test]
fn a_redirect_is_no_other_request_in_flight() {
    let server = Keeper::start(|kept| match kept.line() {
        "GET /c" => answered("", b"ok"),
        line => {
            let to = if line == "GET /a" { "/b" } else { "/c" };
            answered_as("302 Found", &format!("Location: {to}\r\n"), b"")
        }
    });
    let text = format!(
        "scenario test {{\n  target api = http(\"http://{}\") {{ redirects: 5 }}\n  flow visit on api {{\n    get \"/a\"\n    think 20ms\n  }}\n  \
         load main of visit {{\n    hold 4 users for 2s as plateau\n  }}\n  expect {{\n    max(main.in_flight) <= 4\n    \
         mean(main.in_flight during plateau) > 0.01\n    error_rate(main) == 0%\n  }}\n}}\n",
        server.address
    );
    let ran = Place::new().run(&text, &[]);
    for (index, one) in ran.result["expectations"].as_array().unwrap().iter().enumerate() {
        assert_eq!(one["verdict"], "passed", "{index}: {one}\n{}{}", ran.out, ran.err);
    }
    assert!(server.asked("GET /c").len() > 20);
}

/// Little's law: what is in flight on average is the rate times the time that each takes, of a load and of a step, whatever workers
/// share it and where its windows end.
#[test]
fn what_is_in_flight_is_the_rate_times_the_time() {
    let server = Server::start(Duration::from_millis(300));
    let expect = "min(main.in_flight) >= 0\n    mean(main.in_flight during plateau) > 0\n    mean(main.first.in_flight during plateau) > 0\n    \
        mean(main.service_time during plateau) > 1ms\n    throughput(main during plateau) > 1/s\n    throughput(main.first during plateau) > 1/s\n    \
        max(main.in_flight) <= 8\n    mean(visit.in_flight during plateau) > 0";
    let flow = "get \"/a\" as first\n    get \"/b\" as second\n    think 100ms";
    for (load, least) in [("hold 8 users for 5500ms as plateau", 4.0), ("hold 5/s for 5500ms as plateau", 1.5)] {
        let ran = run(&server.address.to_string(), flow, load, expect, &["--workers", "2"]);
        let value = |index: usize| -> f64 {
            let one = &ran.result["expectations"][index];
            assert_eq!(one["verdict"], "passed", "{index}: {one}\n{}{}", ran.out, ran.err);
            let text = one["value"].as_str().unwrap();
            let number = text.trim_end_matches(|c: char| c.is_alphabetic() || c == '/' || c == '%');
            number.replace(',', "").parse().unwrap_or_else(|_| panic!("{text}"))
        };
        let time = value(3) / 1000.0;
        for (flying, rate) in [(value(1), value(4)), (value(2), value(5))] {
            // What was sent before an edge and answered behind it counts on one side of it alone.
            let expected = rate * time;
            assert!((flying / expected - 1.0).abs() < 0.2, "{flying} in flight, {expected} by the law: {}", ran.out);
        }
        assert!(value(1) >= least && value(1) == value(7), "{}", ran.out);
        assert!(ran.out.contains("in flight ┤"), "{}", ran.out);
        let points = ran.result["course"]["loads"][0]["points"].as_array().unwrap();
        assert!(points[points.len() / 2]["in_flight"].as_f64().unwrap() > 0.0, "{}", points[0]);
    }
}

/// What is due behind the last stage is in no window of it, so that a row and an expectation about its window speak of the same requests.
#[test]
fn a_window_has_the_requests_that_were_due_in_it() {
    let script = Script::start(|_, _| (200, "{}".to_owned()));
    let text = format!(
        "scenario test {{\n  target api = http(\"http://{}\")\n  flow visit on api {{\n    get \"/a\" as a\n    think 700ms\n    get \"/b\" as b\n  }}\n  load main of visit {{\n    hold 2 users for 1s as plateau\n  }}\n  expect {{\n    count(b) == 2 during plateau\n    count(b) == 4\n  }}\n}}\n",
        script.address
    );
    let ran = Place::new().run(&text, &[]);
    ran.passed();
    let windows = ran.result["windows"].as_array().unwrap();
    let told = windows.iter().map(|window| {
        let steps = window["steps"].as_array().unwrap().iter().map(|step| step["samples"].as_u64().unwrap());
        (window["name"].as_str().unwrap(), window["is_after"] == true, steps.collect::<Vec<_>>())
    });
    assert_eq!(told.collect::<Vec<_>>(), [("plateau", false, vec![4, 2]), ("after", true, vec![0, 2])]);
    assert!(ran.out.contains("of iterations that began before"), "{}", ran.out);
}

/// A plan counts by shares and turns, and says where conditions decide.
#[test]
fn a_plan_says_how_well_it_knows_what_is_sent() {
    let place = Place::new();
    let plan = |steps: &str| {
        let text = format!(
            "scenario test {{\n  target api = http(\"http://127.0.0.1:1\")\n  flow visit on api {{\n    get \"/\" as home\n{steps}\n  }}\n  load main of visit {{\n    hold 10/s for 10s as plateau\n  }}\n}}\n"
        );
        place.write("test.stress", &text);
        let ran = place.call(&["plan", "test.stress"]);
        let line = ran.out.lines().find(|line| line.starts_with("  plateau ")).unwrap_or_else(|| panic!("{}", ran.err));
        line.rsplit("  ").next().unwrap().trim().to_owned()
    };
    let twice = "    repeat at most 2 {\n      get \"/c\"\n    }";
    let chosen = "    choose {\n      80% {\n        get \"/a\"\n      }\n      20% {\n        get \"/a\"\n        get \"/b\"\n      }\n    }";
    let either =
        "    choose {\n      80% {\n        get \"/a\"\n      }\n      20% {\n        get \"/b\"\n      }\n    }";
    let asked = "    if home.status == 200 {\n      get \"/d\"\n    }";
    for (steps, told) in [
        (twice.to_owned(), "300"),
        (chosen.to_owned(), "≈ 220"),
        (either.to_owned(), "200"),
        (asked.to_owned(), "≤ 200"),
        (format!("{chosen}\n{asked}\n{twice}"), "≤ 520"),
    ] {
        assert_eq!(plan(&steps), told, "{steps}");
    }
}
