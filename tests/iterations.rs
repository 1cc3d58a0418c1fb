//! What becomes of iterations that fail between their requests, of users who come back, and of what the run ends over.

use crate::support::{Place, Ran, Script};

fn scenario(address: &str, flow: &str, load: &str, expect: &str) -> String {
    format!(
        "scenario test {{\n  data codes = csv(\"codes.csv\")\n  target api = http(\"http://{address}\")\n  flow visit on api {{\n    {flow}\n  }}\n  load main of visit {{\n    {load}\n  }}\n  expect {{\n    {expect}\n  }}\n}}\n"
    )
}

/// A place with so many rows `c0` and on.
fn with_codes(rows: usize) -> Place {
    let place = Place::new();
    place.write("codes.csv", &format!("code\n{}", (0..rows).map(|n| format!("c{n}\n")).collect::<String>()));
    place
}

fn run(script: &Script, rows: usize, parts: [&str; 3], flags: &[&str]) -> Ran {
    let text = scenario(&script.address.to_string(), parts[0], parts[1], parts[2]);
    with_codes(rows).run(&text, flags)
}

fn plain(_: &str, _: usize) -> (u16, String) {
    (200, "{\"id\":7,\"big\":9007199254740993}".to_owned())
}

#[test]
fn rows_that_run_out_fail_the_request_that_cannot_be_sent() {
    let script = Script::start(plain);
    // Of the plan it is not certain: only some do it.
    let flow =
        "think 1ms\n    if user.id > 0 {\n      let row = codes.unique()\n      get \"/{row.code}\" as page\n    }";
    let expect = "count(page) == 5\n    error_rate(page) == 75%";
    let ran = run(&script, 5, [flow, "hold 20/s for 1s", expect], &[]);
    ran.passed();
    assert!(ran.out.contains("data"), "{}", ran.out);
}

#[test]
fn what_fails_behind_a_wait_counts() {
    let script = Script::start(plain);
    let flow = "get \"/a\" as a\n    think 20ms\n    expect a.json(\"$.id\") == 8\n    get \"/never\"";
    let ran = run(&script, 1, [flow, "hold 20/s for 1s", "error_rate(a) == 100%\n    count(a) == 20"], &[]);
    ran.passed();
    let flow = "repeat until a.json(\"$.id\") == 8 every 5ms at most 3 {\n      get \"/a\" as a\n    }";
    let ran = run(
        &script,
        1,
        [flow, "hold 10/s for 1s", "count(a) == 30\n    error_rate(a) > 33%\n    error_rate(a) < 34%"],
        &[],
    );
    ran.passed();
    assert_eq!(script.times("GET /never"), 0);
}

#[test]
fn nothing_sent_is_no_pass() {
    let script = Script::start(plain);
    let flow = "let n = 0\n    repeat until n > 5 at most 2 {\n      set n = n + 1\n    }\n    get \"/a\" as a";
    let ran = run(&script, 1, [flow, "hold 20/s for 1s", "error_rate(main) < 1%"], &[]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(script.all().is_empty());
}

/// The second answer never comes: what was known of the first iteration's is not known in the next.
#[test]
fn an_answer_belongs_to_its_iteration() {
    let script = Script::start(|request, times| {
        if request == "GET /a" && times > 1 {
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
        plain(request, times)
    });
    let flow = "get \"/a\" as a {\n      timeout: 100ms\n      continue\n    }\n    if a.status == 200 {\n      get \"/there\"\n    } else {\n      get \"/gone\"\n    }";
    run(&script, 1, [flow, "hold 1 user for 250ms", "count(main) >= 1"], &[]);
    assert_eq!(script.times("GET /there"), 1, "{:?}", script.all());
    assert!(script.times("GET /gone") >= 1);
}

/// Each of a population keeps the answer of its own login.
#[test]
fn an_answer_that_is_kept_is_the_users_own() {
    for workers in ["1", "2"] {
        let script = Script::start(|request, _| (200, format!("{{\"you\":\"{}\"}}", &request[request.len() - 1..])));
        let flow = "once per user {\n      get \"/login/{user.id}\" as login\n    }\n    let me = login.json(\"$.you\")\n    expect login.status == 200\n    get \"/home/{user.id}/{me}\" as home";
        let expect = "error_rate(main) == 0%\n    count(home) == 40";
        run(&script, 1, [flow, "population: 7 users\n    hold 40/s for 1s", expect], &["--workers", workers]).passed();
        for line in script.all().iter().filter(|line| line.starts_with("GET /home")) {
            let parts: Vec<&str> = line.split('/').collect();
            assert_eq!(parts[2], parts[3], "{line}");
        }
    }
}

/// Two shares of one run: together they are the whole, and nobody logs in twice.
#[test]
fn a_population_is_dealt_to_shares_by_its_users() {
    let script = Script::start(plain);
    let flow = "once per user {\n      let row = codes.unique()\n      get \"/login/{user.id}/{row.code}\" as login\n    }\n    get \"/home/{user.id}\" as home";
    for share in ["1/2", "2/2"] {
        let load = "population: 7 users\n    max_in_flight: 20\n    hold 70/s for 1s";
        let ran = run(
            &script,
            7,
            [flow, load, "error_rate(main) == 0%\n    dropped(main) == 0"],
            &["--share", share, "--workers", "2"],
        );
        ran.passed();
    }
    let all = script.all();
    let mut logins: Vec<&String> = all.iter().filter(|line| line.starts_with("GET /login")).collect();
    logins.sort();
    assert_eq!(logins.len(), 7, "{logins:?}");
    let mut codes: Vec<&str> = logins.iter().map(|line| line.rsplit('/').next().unwrap()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), 7, "{logins:?}");
    for user in 1..=7 {
        assert_eq!(script.times(&format!("GET /home/{user}")), 10);
    }
}

/// The parts of a mix take rows of their own, each the next, without gaps.
#[test]
fn parts_of_a_mix_share_no_rows() {
    let mut before: Option<Vec<String>> = None;
    for workers in ["1", "2"] {
        let script = Script::start(plain);
        let place = with_codes(100);
        let text = format!(
            "scenario test {{\n  data codes = csv(\"codes.csv\")\n  target api = http(\"http://{}\")\n  flow visit on api {{\n    let own = codes.unique()\n    let next = codes.next()\n    get \"/{{own.code}}/{{next.code}}\" as page\n  }}\n  load main of {{ 70% visit as many, 30% visit as few }} {{\n    hold 100/s for 1s\n  }}\n  expect {{\n    error_rate(main) == 0%\n    count(main.many.page) == 70\n    count(main.few.page) == 30\n  }}\n}}\n",
            script.address
        );
        let ran = place.run(&text, &["--workers", workers]);
        ran.passed();
        let mut seen = script.all();
        seen.sort();
        for column in [1, 2] {
            let mut rows: Vec<&str> = seen.iter().map(|line| line.split('/').nth(column).unwrap()).collect();
            rows.sort_unstable();
            rows.dedup();
            assert_eq!(rows.len(), 100, "column {column} with {workers} workers");
        }
        assert_eq!(*before.get_or_insert(seen.clone()), seen);
    }
}

#[test]
fn whole_numbers_keep_their_digits() {
    let script = Script::start(plain);
    let flow =
        "get \"/a\" as a\n    let big = a.json(\"$.big\")\n    post \"/echo/{big}\" {\n      json: { big: big }\n    }";
    run(&script, 1, [flow, "hold 5/s for 1s", "error_rate(main) == 0%"], &[]).passed();
    assert_eq!(script.times("POST /echo/9007199254740993"), 5);
}

/// A server that closes a connection that was idle: what was not written can be sent again, whatever the method.
#[test]
fn a_connection_that_was_closed_while_idle_fails_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                use std::io::{Read, Write};
                let mut stream = stream;
                let mut buffer = [0; 4096];
                // One answer a connection, which it does not announce.
                if stream.read(&mut buffer).is_ok_and(|n| n > 0) {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                }
            });
        }
    });
    let text = scenario(
        &address.to_string(),
        "post \"/a\" as a\n    think 20ms",
        "hold 2 users for 1s",
        "error_rate(a) == 0%\n    count(a) > 20",
    );
    with_codes(1).run(&text, &[]).passed();
}

/// What is under way when the run ends over it counts, and so does what has ended before.
#[test]
fn what_the_run_ends_over_is_counted() {
    let script = Script::start(|request, times| {
        if request == "GET /slow" {
            std::thread::sleep(std::time::Duration::from_secs(3));
        }
        plain(request, times)
    });
    let flow = "group both {\n      get \"/a\" as a\n      get \"/slow\" as slow\n    }";
    let expect = "count(a) == 4\n    error_rate(a) == 0%\n    error_rate(slow) == 100%\n    error_rate(main.both) == 100%\n    error_rate(iteration(main)) == 100%";
    run(&script, 1, [flow, "grace: 200ms\n    hold 4/s for 1s", expect], &[]).passed();
}

/// A closed load that waits for nothing leaves the worker room for everybody else, and for the end of the run.
#[test]
fn a_flow_that_sends_nothing_can_be_interrupted() {
    let script = Script::start(plain);
    let place = with_codes(1);
    let busy = "let n = 0\n    repeat 3 {\n      each x in [1, 2, 3] at most 3 {\n        set n = n + x\n      }\n    }\n    if n == 0 {\n      get \"/never\"\n    }";
    let text = format!(
        "scenario test {{\n  target api = http(\"http://{}\")\n  flow busy on api {{\n    {}\n  }}\n  flow calm on api {{\n    get \"/a\" as a\n    think 10ms\n  }}\n  load spin of busy {{\n    hold 3 users for 30s\n  }}\n  load main of calm {{\n    hold 2 users for 30s\n  }}\n  expect {{\n    count(a) >= 1\n  }}\n}}\n",
        script.address,
        busy.replace("repeat 3", "repeat at most 3")
    );
    let path = place.write("test.stress", &text);
    let child = place.spawn(&["run", path.to_str().unwrap(), "--workers", "1", "--no-progress"]);
    crate::support::wait_until("the calm load", std::time::Duration::from_secs(20), || script.times("GET /a") > 20);
    let stopped = std::time::Instant::now();
    crate::support::signal(&child, "INT");
    let ran = place.ended(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 130, "{}{}", ran.out, ran.err);
    // It would have gone on for half a minute.
    assert!(stopped.elapsed() < std::time::Duration::from_secs(15));
}
