//! What flows do, as a server sees it.

use crate::support::{Place, Script};

/// Runs one user for one iteration and a little more than that: `once` is not run yet, so a long pause ends it.
fn one(script: &Script, steps: &str) -> Vec<String> {
    let place = Place::new();
    let text = format!(
        "scenario test {{\n  target api = http(\"http://{}\")\n  flow steps on api {{\n{steps}\n    think 10s\n  }}\n  load main of steps {{\n    hold 1 user for 1s\n    grace: 10ms\n  }}\n  expect {{\n    count(main) >= 1\n    error_rate(main) <= 100%\n  }}\n}}\n",
        script.address
    );
    let ran = place.run(&text, &[]);
    assert!(!script.all().is_empty(), "{}{}", ran.out, ran.err);
    script.all()
}

fn plain(_: &str, _: usize) -> (u16, String) {
    (200, "{\"id\":7,\"items\":[{\"id\":1},{\"id\":2},{\"id\":3}]}".to_owned())
}

/// Ready on the third time of asking.
fn third(request: &str, times: usize) -> (u16, String) {
    match request {
        "GET /state" => (200, format!("{{\"done\":{}}}", times >= 3)),
        "GET /flaky" if times < 3 => (503, String::new()),
        "GET /broken" => (500, String::new()),
        _ => (200, "{}".to_owned()),
    }
}

#[test]
fn branches_take_one_side() {
    let script = Script::start(plain);
    let seen = one(
        &script,
        "    get \"/a\" as a\n    if a.json(\"$.id\") == 7 {\n      get \"/yes\"\n    } else {\n      get \"/no\"\n    }\n    if a.status == 500 {\n      get \"/never\"\n    } else if a.status == 200 {\n      get \"/second\"\n    } else {\n      get \"/third\"\n    }\n    get \"/end\"",
    );
    assert_eq!(seen, ["GET /a", "GET /yes", "GET /second", "GET /end"]);
}

/// Each hundred iterations in a row are dealt by the shares; in a loop each turn is drawn. What comes behind is done by all.
#[test]
fn a_choice_deals_its_parts_by_their_shares() {
    for workers in ["1", "2"] {
        let script = Script::start(plain);
        let place = Place::new();
        let text = format!(
            "scenario test {{\n  target api = http(\"http://{}\")\n  flow visit on api {{\n    choose {{\n      70% as look {{\n        get \"/look\" as page\n      }}\n      25% as buy {{\n        get \"/buy\" as order\n      }}\n      5% {{ }}\n    }}\n    repeat at most 2 {{\n      choose {{\n        50% {{\n          get \"/heads\"\n        }}\n        50% {{\n          get \"/tails\"\n        }}\n      }}\n    }}\n  }}\n  load main of visit {{\n    hold 100/s for 2s\n  }}\n  expect {{\n    count(visit.look.page) == 140\n    count(main.look) == 140\n    count(visit.buy.order) == 50\n    count(main) == 590\n    error_rate(main) == 0%\n  }}\n}}\n",
            script.address
        );
        let ran = place.run(&text, &["--workers", workers]);
        ran.passed();
        let seen = script.all();
        let heads = seen.iter().filter(|line| *line == "GET /heads").count();
        assert!((140..260).contains(&heads), "{heads} of 400");
        let parts: Vec<&String> =
            seen.iter().filter(|line| ["GET /look", "GET /buy"].contains(&line.as_str())).collect();
        assert!(!parts.is_sorted() && !parts.is_sorted_by(|a, b| a >= b), "in an order at random");
    }
}

/// A group only measures, so what is named in it goes on; what an included flow has named is behind the name of that.
#[test]
fn values_go_on_where_they_are_meant_to() {
    let script = Script::start(plain);
    let place = Place::new();
    let text = format!(
        "flow sign_in(api: Http) {{\n  get \"/login\" as login\n  let token = login.json(\"$.id\")\n  let tried = null\n  if token == 7 {{\n    set tried = \"yes\"\n  }}\n}}\n\nscenario test {{\n  target api = http(\"http://{}\")\n  flow steps on api {{\n    group first {{\n      get \"/a\" as a\n      let id = a.json(\"$.id\")\n    }}\n    get \"/b/{{id}}/{{a.status}}\"\n    let token = null\n    if a.status == 200 {{\n      set token = a.json(\"$.items[1].id\")\n    }}\n    get \"/c/{{token}}\"\n    set token = \"text\"\n    get \"/d/{{token}}\"\n    include sign_in(api) as me\n    get \"/e/{{me.token}}/{{me.tried}}/{{me.login.status}}/{{token}}\"\n  }}\n  load main of steps {{\n    once 1 iterations by 1 user within 9s\n  }}\n  expect {{\n    count(main) == 6\n    error_rate(main) == 0%\n  }}\n}}\n",
        script.address
    );
    place.run(&text, &[]).passed();
    assert_eq!(
        script.all(),
        ["GET /a", "GET /b/7/200", "GET /c/2", "GET /d/text", "GET /login", "GET /e/7/yes/200/text"]
    );
}

#[test]
fn loops_end_by_their_condition_or_their_bound() {
    let script = Script::start(third);
    let seen = one(
        &script,
        "    repeat i from 1 at most 2 {\n      get \"/turn/{i}\"\n    }\n    repeat until state.json(\"$.done\") == true at most 10 {\n      get \"/state\" as state\n    }\n    let n = 0\n    repeat while n < 2 at most 10 {\n      set n = n + 1\n      get \"/while/{n}\"\n    }\n    get \"/end\"",
    );
    let states = ["GET /state"; 3];
    let expected: Vec<&str> =
        [&["GET /turn/1", "GET /turn/2"][..], &states, &["GET /while/1", "GET /while/2", "GET /end"]].concat();
    assert_eq!(seen, expected);
}

#[test]
fn a_loop_that_gives_up_fails_the_iteration() {
    let script = Script::start(third);
    let seen = one(
        &script,
        "    repeat until state.json(\"$.done\") == true at most 2 {\n      get \"/state\" as state\n    }\n    get \"/end\"",
    );
    // The pause behind the loop is made all the same.
    assert_eq!(seen, ["GET /state", "GET /state"]);
}

#[test]
fn each_entry_of_a_list_is_taken_in_order() {
    let script = Script::start(plain);
    let seen = one(
        &script,
        "    get \"/list\" as list\n    each item in list.json(\"$.items\") at most 2 {\n      let id = item.json(\"$.id\")\n      get \"/item/{id}\"\n    }\n    each item in list.json(\"$.items[*].id\") at most 9 {\n      get \"/id/{item}\" {\n        query: { page: 1, q: \"a b\" }\n      }\n    }",
    );
    let ids = ["GET /id/1?page=1&q=a%20b", "GET /id/2?page=1&q=a%20b", "GET /id/3?page=1&q=a%20b"];
    assert_eq!(seen, [&["GET /list", "GET /item/1", "GET /item/2"][..], &ids].concat());
}

#[test]
fn a_request_is_tried_again_and_is_one_sample() {
    let script = Script::start(third);
    let place = Place::new();
    let text = format!(
        "scenario test {{\n  target api = http(\"http://{}\")\n  flow steps on api {{\n    get \"/flaky\" as flaky retry 5 backoff 5ms..20ms when [503, timeout]\n    get \"/broken\" as broken retry 2 when [503] {{\n      continue\n    }}\n    get \"/end\" as last\n    think 10s\n  }}\n  load main of steps {{\n    hold 1 user for 1s\n    grace: 10ms\n  }}\n  expect {{\n    count(flaky) == 1\n    error_rate(flaky) == 0%\n    count(broken) == 1\n    error_rate(broken) == 100%\n    count(last) == 1\n  }}\n}}\n",
        script.address
    );
    let ran = place.run(&text, &[]);
    assert_eq!(script.all(), ["GET /flaky", "GET /flaky", "GET /flaky", "GET /broken", "GET /end"]);
    for expectation in ran.result["expectations"].as_array().unwrap() {
        assert_ne!(expectation["verdict"], "failed", "{expectation}");
    }
}

#[test]
fn each_of_a_population_logs_in_once_whatever_the_workers() {
    for workers in ["1", "2"] {
        let script = Script::start(plain);
        let place = Place::new();
        let text = format!(
            "scenario test {{\n  target api = http(\"http://{}\")\n  flow visit on api {{\n    once per user {{\n      get \"/login/{{user.id}}\" as login\n      let id = login.json(\"$.id\")\n    }}\n    get \"/as/{{id}}\" as home\n  }}\n  load main of visit {{\n    population: 7 users\n    hold 50/s for 1s\n  }}\n  expect {{\n    count(home) == 50\n    error_rate(main) == 0%\n  }}\n}}\n",
            script.address
        );
        let ran = place.run(&text, &["--workers", workers]);
        for user in 1..=7 {
            assert_eq!(script.times(&format!("GET /login/{user}")), 1, "{workers} workers: user {user} {}", ran.err);
        }
        assert_eq!(script.times("GET /as/7"), 50, "{}{}", ran.out, ran.err);
    }
}

/// What was named once is the user's: a `set` of it holds in later iterations, of closed users and of those who come back.
#[test]
fn what_is_set_stays_with_the_user() {
    let users = [("hold 2 users for 1s\n    pace: 200ms", 5), ("population: 3 users\n    hold 15/s for 1s", 5)];
    for (load, turns) in users {
        for workers in ["1", "2"] {
            let script = Script::start(plain);
            let place = Place::new();
            let text = format!(
                "scenario test {{\n  target api = http(\"http://{}\")\n  flow visit on api {{\n    once per user {{\n      let n = 0\n    }}\n    let often = 0\n    get \"/{{user.id}}/{{n}}/{{often}}\" as page\n    set n = n + 1\n    set often = often + 1\n    expect n < 3\n  }}\n  load main of visit {{\n    {load}\n  }}\n  expect {{\n    error_rate(page) == 60%\n  }}\n}}\n",
                script.address
            );
            let ran = place.run(&text, &["--workers", workers]);
            ran.passed();
            for turn in 0..turns {
                let line = format!("GET /1/{turn}/0");
                assert_eq!(script.times(&line), 1, "{workers} workers: {:?}", script.all());
            }
        }
    }
}

/// Another block for once neither takes along what it sets nor puts it back, and logging in again does not lose it.
#[test]
fn what_one_block_left_another_sets() {
    let script = Script::start(plain);
    let place = Place::new();
    let text = format!(
        "scenario test {{\n  target api = http(\"http://{}\")\n  flow visit on api {{\n    once per user {{\n      let n = 0\n      let logins = 0\n    }}\n    once per user every 450ms {{\n      set logins = logins + 1\n    }}\n    get \"/{{n}}/{{logins}}\" as page\n    set n = n + 1\n  }}\n  load main of visit {{\n    hold 1 user for 1s\n    pace: 200ms\n  }}\n}}\n",
        script.address
    );
    place.run(&text, &[]);
    assert_eq!(script.all(), ["GET /0/1", "GET /1/1", "GET /2/1", "GET /3/2", "GET /4/2"]);
}

#[test]
fn a_mix_is_dealt_evenly() {
    for workers in ["1", "2"] {
        let script = Script::start(plain);
        let place = Place::new();
        let text = format!(
            "scenario test {{\n  target api = http(\"http://{}\")\n  flow read on api {{\n    get \"/read\" as page\n  }}\n  flow write on api {{\n    get \"/write\" as page\n    get \"/more\" as more\n  }}\n  load main of {{ 80% read as readers, 20% write as writers }} {{\n    hold 100/s for 1s\n  }}\n  expect {{\n    count(main.readers.page) within 2 of 80\n    count(main.writers.more) within 2 of 20\n    error_rate(main) == 0%\n  }}\n}}\n",
            script.address
        );
        let ran = place.run(&text, &["--workers", workers]);
        let (read, write) = (script.times("GET /read"), script.times("GET /write"));
        assert!(read + write == 100 && read.abs_diff(80) <= 2, "{read} and {write} {}{}", ran.out, ran.err);
        assert_eq!(script.times("GET /more"), write);
        let steps = ran.result["windows"][0]["steps"].as_array().unwrap();
        let names: Vec<&str> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
        assert_eq!(names, ["readers.page", "writers.page", "writers.more"]);
        for expectation in ran.result["expectations"].as_array().unwrap() {
            assert_ne!(expectation["verdict"], "failed", "{expectation}");
        }
    }
}

#[test]
fn a_user_paces_its_iterations() {
    let script = Script::start(plain);
    let place = Place::new();
    let text = format!(
        "scenario test {{\n  target api = http(\"http://{}\")\n  flow look on api {{\n    get \"/look\" as look\n  }}\n  load main of look {{\n    pace: 300ms\n    hold 2 users for 1s\n  }}\n  expect {{\n    count(look) == 8\n  }}\n}}\n",
        script.address
    );
    let ran = place.run(&text, &[]);
    assert_eq!(script.times("GET /look"), 8, "{}{}", ran.out, ran.err);
}

/// How many connections a server saw at most, and in all, while one target was asked in a way.
fn connections(option: &str, stages: &str, flags: &[&str]) -> (usize, usize) {
    let script = Script::start(|_, _| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        (200, "{}".to_owned())
    });
    let place = Place::new();
    let text = format!(
        "scenario test {{\n  target api = http(\"http://{}\") {{\n    connections: {option}\n  }}\n  flow look on api {{\n    get \"/a\" as a\n    get \"/b\" as b\n  }}\n  load main of look {{\n    {stages}\n  }}\n  expect {{\n    error_rate(look) == 0%\n  }}\n}}\n",
        script.address
    );
    let ran = place.run(&text, flags);
    ran.passed();
    script.connections()
}

#[test]
fn connections_are_shared_as_the_target_says() {
    let (most, all) = connections("pool(3)", "hold 100/s for 1s", &[]);
    assert!(most <= 3 && all <= 3, "{most} at a time, {all} in all");
    let (most, all) = connections("pool(1)", "hold 20/s for 1s", &["--workers", "2"]);
    assert!(most == 1 && all == 1, "{most} at a time, {all} in all");
    let (_, all) = connections("per_request", "hold 20/s for 1s", &[]);
    assert_eq!(all, 40);
    let (_, all) = connections("per_user", "hold 20/s for 1s", &["--workers", "2"]);
    assert_eq!(all, 20);
    let (_, all) = connections("per_user", "population: 5 users\n    hold 20/s for 1s", &["--workers", "2"]);
    assert_eq!(all, 5);
    let (_, all) = connections("per_user", "hold 4 users for 1s", &[]);
    assert_eq!(all, 4);
}

#[test]
fn rows_are_the_same_whatever_the_workers() {
    let mut before: Option<Vec<String>> = None;
    for workers in ["1", "2"] {
        let script = Script::start(plain);
        let place = Place::new();
        place.write("people.csv", "id,name\n1,Ada\n2,Bo\n3,Cy\n");
        place.write("codes.jsonl", &(0..40).map(|n| format!("{{\"code\":\"c{n}\"}}\n")).collect::<String>());
        let text = format!(
            "scenario test {{\n  data people = csv(\"people.csv\")\n  data codes = jsonl(\"codes.jsonl\")\n  target api = http(\"http://{}\")\n  flow look on api {{\n    let next = people.next()\n    let code = codes.unique()\n    let any = people.random()\n    let own = people.per_user()\n    get \"/{{next.name}}/{{code.code}}/{{any.id}}/{{own.id}}/{{user.id}}\" as page\n  }}\n  load main of look {{\n    population: 4 users\n    hold 40/s for 1s\n  }}\n  expect {{\n    count(page) == 40\n    error_rate(main) == 0%\n  }}\n}}\n",
            script.address
        );
        let ran = place.run(&text, &["--workers", workers, "--seed", "5"]);
        let mut seen = script.all();
        seen.sort();
        assert_eq!(seen.len(), 40, "{}{}", ran.out, ran.err);
        let part = |line: &str, at: usize| line.split('/').nth(at).unwrap().to_owned();
        let mut codes: Vec<String> = seen.iter().map(|line| part(line, 2)).collect();
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), 40, "each code is taken once");
        assert_eq!(seen.iter().filter(|line| part(line, 1) == "Ada").count(), 14, "rows come in turn");
        for line in &seen {
            let user: u64 = part(line, 5).parse().unwrap();
            assert_eq!(part(line, 4).parse::<u64>().unwrap(), (user - 1) % 3 + 1, "{line}");
        }
        assert_eq!(*before.get_or_insert(seen.clone()), seen, "{workers} workers take other rows");
    }
}

#[test]
fn rows_that_changed_since_they_were_checked_are_refused_or_read_as_they_are() {
    let script = Script::start(plain);
    let place = Place::new();
    place.write("people.csv", "id,name\n1,Ada\n");
    let text = format!(
        "scenario test {{\n  data people = csv(\"people.csv\")\n  target api = http(\"http://{}\")\n  flow look on api {{\n    let row = people.unique()\n    get \"/{{row.id}}\" as page\n  }}\n  load main of look {{\n    hold 5/s for 1s\n  }}\n}}\n",
        script.address
    );
    let ran = place.run(&text, &[]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("E0413"), "{}", ran.err);
    assert!(script.all().is_empty());
}

/// RFC 4231, test case 2, and what a server checks of a signature.
#[test]
fn a_signed_request_is_what_the_standard_says() {
    let script = Script::start(plain);
    let seen = one(
        &script,
        "    let mac = hmac_sha256(\"Jefe\", \"what do ya want for nothing?\")\n    let word = base64(\"a:b\")\n    get \"/{mac}/{word}\"\n    let big = upper(word)\n    get \"/{big}\"",
    );
    let mac = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(seen, [format!("GET /{mac}/YTpi"), "GET /YTPI".to_owned()]);
}

/// What one takes nobody else gets: of two loads, in loops, and once per user.
#[test]
fn unique_rows_are_unique_in_the_whole_run() {
    for workers in ["1", "2"] {
        let script = Script::start(plain);
        let place = Place::new();
        place.write("codes.csv", &format!("code\n{}", (0..80).map(|n| format!("c{n}\n")).collect::<String>()));
        let text = format!(
            "scenario test {{\n  data codes = csv(\"codes.csv\")\n  target api = http(\"http://{}\")\n  flow often on api {{\n    repeat at most 2 {{\n      let row = codes.unique()\n      get \"/{{row.code}}\" as page\n    }}\n  }}\n  flow seldom on api {{\n    once per user {{\n      let own = codes.unique()\n      get \"/{{own.code}}\" as first\n    }}\n    get \"/again\"\n  }}\n  load main of often {{\n    hold 20/s for 1s\n  }}\n  load more of seldom {{\n    population: 5 users\n    hold 20/s for 1s\n  }}\n  expect {{\n    count(main) == 40\n    count(more.first) == 5\n    error_rate(main) == 0%\n  }}\n}}\n",
            script.address
        );
        let ran = place.run(&text, &["--workers", workers]);
        let mut codes: Vec<String> = script.all().into_iter().filter(|line| line.starts_with("GET /c")).collect();
        assert_eq!(codes.len(), 45, "{}{}", ran.out, ran.err);
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), 45, "a row was taken twice with {workers} workers");
    }
}

/// A group and whole iterations are measured from when they were due to when they ended, thinking included.
#[test]
fn groups_and_iterations_are_measured_as_wholes() {
    let script = Script::start(third);
    let place = Place::new();
    let text = format!(
        "scenario test {{\n  target api = http(\"http://{}\")\n  flow job on api {{\n    group done {{\n      get \"/start\"\n      think 100ms\n      get \"/end\"\n    }}\n    think 50ms\n    get \"/broken\" as broken\n  }}\n  load main of job {{\n    hold 20/s for 1s\n  }}\n  expect {{\n    min(main.done) >= 100ms\n    count(main.done) == 20\n    error_rate(main.done) == 0%\n    min(iteration(main)) >= 150ms\n    error_rate(iteration(main)) == 100%\n    count(main) == 60\n  }}\n}}\n",
        script.address
    );
    let ran = place.run(&text, &["--workers", "2"]);
    ran.passed();
    let failures = ran.out.split("\nfailures").nth(1).and_then(|section| section.split("\n\n").next()).unwrap();
    assert!(failures.contains("main.job.broken") && !failures.contains("iteration"), "{}", ran.out);
}

/// A load of users who meet nothing but failures, and what the report says of it.
fn away(address: &str, flow: &str, hold: &str) -> crate::support::Ran {
    let text = format!(
        "scenario test {{\n  target api = http(\"http://{address}\")\n  flow steps on api {{\n{flow}\n  }}\n  load users of steps {{\n    hold {hold}\n  }}\n  expect {{\n    error_rate(users) == 100%\n  }}\n}}\n"
    );
    let ran = Place::new().run(&text, &[]);
    ran.passed();
    ran
}

/// Iterations of the only load.
fn started(ran: &crate::support::Ran) -> u64 {
    ran.result["loads"][0]["started"].as_u64().unwrap()
}

fn nowhere() -> String {
    // Bound and never listened on: nobody else gets the port meanwhile.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    address
}

#[test]
fn users_pause_after_a_failure_as_they_would_have() {
    let script = Script::start(|_, _| (503, String::new()));
    let live = script.address.to_string();
    let dead = nowhere();
    for (address, flow) in [
        (&live, "    get \"/x\" as s\n    think 1s"),
        (&dead, "    get \"/x\" as s\n    think 1s"),
        (&live, "    get \"/x\" as s {\n      continue\n    }\n    think 1s"),
        // In its block and in those around it; what was not reached is left out.
        (
            &live,
            "    group a {\n      get \"/x\" as s\n      think 400ms\n    }\n    repeat at most 3 {\n      think 10s\n    }\n    think 600ms",
        ),
        (&live, "    repeat at most 5 {\n      get \"/x\" as s\n      think 1s\n    }"),
    ] {
        let ran = away(address, flow, "5 users for 3s");
        let started = started(&ran);
        assert!((10..=15).contains(&started), "{flow}: {started} iterations\n{}", ran.out);
        if !flow.contains("continue") {
            assert!(ran.out.contains("`users`: its users waited "), "{}", ran.out);
        }
    }
}

/// At least 5, 10, 20, 40, 80, 160, 320, 500 and 500 milliseconds, at most twice as long.
#[test]
fn users_without_pauses_do_not_hammer_what_is_down() {
    let script = Script::start(|_, _| (503, String::new()));
    for address in [script.address.to_string(), nowhere()] {
        for flow in ["    get \"/x\" as s", "    get \"/x\" as s {\n      continue\n    }"] {
            let ran = away(&address, flow, "1 user for 2s");
            let started = started(&ran);
            assert!((6..=11).contains(&started), "{started} iterations\n{}", ran.out);
        }
    }
}

#[test]
fn a_user_without_a_row_left_ends() {
    let script = Script::start(plain);
    let place = Place::new();
    place.write("rows.csv", "id\n1\n2\n3\n");
    let text = format!(
        "data rows = csv(\"rows.csv\")\nscenario test {{\n  target api = http(\"http://{}\")\n  flow steps on api {{\n    get \"/first\" as first\n    if first.status == 200 {{\n      let row = rows.unique()\n      get \"/row/{{row.id}}\" as one\n    }}\n  }}\n  load users of steps {{\n    hold 2 users for 1s\n  }}\n  expect {{\n    count(one) >= 3\n    error_rate(users) <= 100%\n  }}\n}}\n",
        script.address
    );
    let ran = place.run(&text, &[]);
    assert!(ran.out.contains("`users`: no rows left for 2 users from "), "{}{}", ran.out, ran.err);
    assert_eq!(started(&ran), 5, "{}", ran.out);
    assert_eq!(ran.result["loads"][0]["without_rows"]["count"], 2);
}
