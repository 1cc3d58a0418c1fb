//! Which hosts a run may hurt and how much: what is refused, asked and allowed, and that a budget is never exceeded.

use crate::support::{Keeper, Place, Ran, Script, Server, answered, answered_as, terminal};
use std::time::Duration;

/// A name that leads to this machine and is no literal address: nothing is known of it before it is looked up.
const ALIAS: &str = "127.1";

fn aliased(server: &Server, allow: &str) -> String {
    let address = format!("{ALIAS}:{}", server.address.port());
    let text = crate::support::scenario(&address, "", "    hold 20/s for 1s", "    count(main) == 20");
    format!("{allow}\n{text}")
}

/// Users who are answered at once and never think: as many requests as there can be.
fn hungry(server: &Server, budget: &str) -> String {
    let scenario = server.scenario("    hold 4 users for 30s", "    error_rate(main) < 1%\n    count(main) > 1");
    format!("allow at most {budget} requests\n{scenario}")
}

#[test]
fn a_host_that_nobody_allowed_is_not_reached() {
    let (place, server) = (Place::new(), Server::start(Duration::ZERO));
    for allow in ["", "allow \"*.example.com\", \"127.0.0.0/8\"", "allow \"127.1:1\""] {
        let ran = place.run(&aliased(&server, allow), &[]);
        assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
        let host = format!("`{ALIAS}:{}` (the target `api`)", server.address.port());
        for part in [host.as_str(), "write `allow \"127.1\"` into `test.stress`, or pass `--yes`"] {
            assert!(ran.err.contains(part), "{part} is missing in {}", ran.err);
        }
    }
    assert_eq!((server.count(), place.runs().len()), (0, 0), "not even a record");
    // An address for documentation (RFC 5737), which nobody has.
    let text = crate::support::scenario("192.0.2.1", "", "    hold 20/s for 1s", "    count(main) == 20");
    assert_eq!(place.run(&text, &[]).code, 3);
    let fault = "scenario test {\n  service shop = demo()\n  target api = http(shop.url)\n  link db = tcp(to: \"192.0.2.1:5432\")\n  flow browse on api {\n    get \"/\"\n  }\n  load main of browse {\n    hold 20/s for 3s\n  }\n  fault cut = partition(db) at main + 1s for 1s\n  expect count(main) > 1\n}\n";
    let ran = place.run(fault, &[]);
    assert!(ran.code == 3 && ran.err.contains("`192.0.2.1:5432` (the link `db`)"), "{}{}", ran.out, ran.err);
}

/// Where the driver of a database would go, however its URL says that.
#[test]
fn the_address_of_a_database_is_that_of_its_driver() {
    let (place, server) = (Place::new(), Server::start(Duration::ZERO));
    let text = |database: &str| {
        let parts = format!("  target db = {database}\n  fault cut = kill_connections(db) at main + 200ms\n");
        let text = server.scenario("    hold 20/s for 1s", "    count(main) == 20");
        text.replacen("  flow", &format!("{parts}  flow"), 1)
    };
    for (database, host) in [
        ("postgres(\"postgres://localhost/shop?h%6Fst=192.0.2.1\")", "192.0.2.1"),
        ("postgres(\"postgres://localhost/shop?host=localhost&host=192.0.2.1\")", "192.0.2.1"),
        ("postgres(\"postgres://localhost/shop?hostaddr=192.0.2.1\")", "192.0.2.1"),
        ("mysql(\"mysql://192.0.2.1/shop\")", "192.0.2.1"),
    ] {
        let ran = place.run(&text(database), &[]);
        assert!(ran.code == 3 && ran.err.contains(&format!("`{host}` (the target `db`)")), "{}{}", ran.out, ran.err);
    }
    // Its driver knows no such parameter.
    let ran = place.run(&text("mysql(\"mysql://192.0.2.1/shop?host=localhost\")"), &[]);
    assert!(ran.code == 2 && ran.err.contains("`host` changes"), "{}{}", ran.out, ran.err);
    assert_eq!(server.count(), 0);
}

#[test]
fn what_is_allowed_or_this_machine_runs_without_a_question() {
    for (allow, flags) in [("", &["--yes"][..]), ("allow \"127.1\" at most 1k requests", &[])] {
        let server = Server::start(Duration::ZERO);
        Place::new().run(&aliased(&server, allow), flags).passed();
        assert_eq!(server.count(), 20);
    }
    let server = Server::start(Duration::ZERO);
    Place::new().run(&server.scenario("    hold 20/s for 1s", "    count(main) == 20"), &[]).passed();
    // By a profile, as other values.
    let (place, server) = (Place::new(), Server::start(Duration::ZERO));
    let allow = "param hosts: List = [\"shop.example.com\"]\nprofile here {\n  hosts = [\"shop.example.com\", \"127.1\"]\n}\nallow hosts";
    assert_eq!(place.run(&aliased(&server, allow), &[]).code, 3);
    place.run(&aliased(&server, allow), &["--profile", "here"]).passed();
    // One iteration of one user is no load.
    let ran = place.call(&["try", "test.stress"]);
    assert_eq!((ran.code, server.count()), (0, 21), "{}{}", ran.out, ran.err);
}

#[test]
fn a_file_that_is_used_allows_nothing() {
    let (place, server) = (Place::new(), Server::start(Duration::ZERO));
    place.write("hosts.stress", "allow \"127.1\"\nparam length: Duration = 1s\n");
    let text = aliased(&server, "use \"./hosts.stress\"").replace("for 1s", "for hosts.length");
    let ran = place.run(&text, &[]);
    assert_eq!((ran.code, server.count()), (3, 0), "{}{}", ran.out, ran.err);
}

#[cfg(unix)]
fn answered_on_a_terminal(place: &Place, answer: &str) -> (Option<i32>, String) {
    use std::io::{Read, Write};
    let (mut ours, theirs) = terminal();
    let mut command = place.command(&["run", "test.stress", "--no-progress"]);
    command.stdin(theirs.try_clone().unwrap()).stdout(std::process::Stdio::null()).stderr(theirs);
    let mut child = command.spawn().unwrap();
    drop(command);
    ours.write_all(answer.as_bytes()).unwrap();
    let mut seen = Vec::new();
    // The end of a terminal that nobody holds open any more is an error.
    let _ = ours.read_to_end(&mut seen);
    (child.wait().unwrap().code(), String::from_utf8(seen).unwrap())
}

/// Who looks at a terminal is told that all is well; a program is told nothing.
#[cfg(unix)]
#[test]
fn what_checks_is_said_on_a_terminal() {
    use std::io::Read;
    let place = Place::new();
    place.write("test.stress", "scenario one {\n  target api = http(\"http://127.0.0.1:1\")\n  flow look on api {\n    get \"/\"\n  }\n  load main of look {\n    hold 5/s for 1s\n  }\n}\n");
    let ran = place.call(&["check", "test.stress"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    let (mut ours, theirs) = terminal();
    let mut command = place.command(&["check", "test.stress"]);
    command.stdout(theirs);
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut seen = Vec::new();
    let _ = ours.read_to_end(&mut seen);
    assert_eq!(
        (child.wait().unwrap().code(), String::from_utf8(seen).unwrap().trim()),
        (Some(0), "ok: 1 file, 1 scenario")
    );
}

#[cfg(unix)]
#[test]
fn a_terminal_is_asked() {
    let (place, server) = (Place::new(), Server::start(Duration::ZERO));
    place.write("test.stress", &aliased(&server, "allow \"shop.example.com\" at most 1k requests"));
    let (code, seen) = answered_on_a_terminal(&place, "\n");
    assert_eq!((code, server.count()), (Some(3), 0), "{seen}");
    let host = format!(
        "api          {ALIAS}:{}, NOT ALLOWED by the file: main at up to 20/s, 20 requests",
        server.address.port()
    );
    for part in ["what it may hurt", &host, "budget       at most 1,000 requests; planned: 20", "Go on? [y/N] "] {
        assert!(seen.contains(part), "{part} is missing in {seen}");
    }
    let (code, seen) = answered_on_a_terminal(&place, "y\n");
    assert!(matches!(code, Some(0 | 5)), "{seen}");
    assert_eq!(server.count(), 20);
}

/// What every report of such a run says.
fn used_up(ran: &Ran, budget: &str) {
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert_eq!(ran.result["verdict"], "aborted", "{}", ran.out);
    let reason = ran.result["reason"].as_str().unwrap();
    assert!(reason.ends_with(&format!("the budget of {budget} was used up")), "{reason}");
    assert!(ran.out.contains(reason), "{}", ran.out);
    let outcomes = ran.result["expectations"].as_array().unwrap();
    assert!(outcomes.iter().all(|one| one["verdict"] == "inconclusive"), "{}", ran.out);
}

#[test]
fn a_budget_is_sent_and_not_one_more() {
    let (place, server) = (Place::new(), Server::start(Duration::ZERO));
    let ran = place.run(&hungry(&server, "1500"), &["--workers", "1"]);
    used_up(&ran, "1,500 requests");
    assert_eq!(server.count(), 1500);
    let step = &ran.result["windows"][0]["steps"][0];
    assert_eq!(
        (step["sent"].as_u64(), step["samples"].as_u64(), step["failed"].to_string()),
        (Some(1500), Some(1500), "{}".to_owned())
    );
    // From the record alone.
    std::fs::remove_file(place.runs()[0].join("run.json")).unwrap();
    let again = place.call(&["report", "last"]);
    assert_eq!(again.code, 1);
    assert!(again.out.contains("the budget of 1,500 requests was used up"), "{}", again.out);
}

#[test]
fn workers_and_shares_keep_to_it_together() {
    let server = Server::start(Duration::ZERO);
    used_up(&Place::new().run(&hungry(&server, "2k"), &["--workers", "2"]), "2,000 requests");
    // One of them may have kept a part of its last lease.
    assert!((2000 - 64..=2000).contains(&server.count()), "{}", server.count());
    let server = Server::start(Duration::ZERO);
    for (share, part) in [("1/2", "501"), ("2/2", "500")] {
        let before = server.count();
        let ran = Place::new().run(&hungry(&server, "1001"), &["--workers", "1", "--share", share]);
        used_up(&ran, &format!("{part} requests, this share's part of 1,001,"));
        assert_eq!((server.count() - before).to_string(), part);
    }
}

#[test]
fn a_budget_that_is_just_enough_ends_nothing() {
    let server = Server::start(Duration::ZERO);
    let text = server.scenario("    hold 50/s for 1s", "    count(main) == 50");
    Place::new().run(&format!("allow \"localhost\" at most 50 requests\n{text}"), &[]).passed();
    assert_eq!(server.count(), 50);
}

#[test]
fn tries_and_redirects_count_and_what_is_cut_off_is_no_failure() {
    // Every try is sent two requests, of which the second fails: an iteration needs up to eight.
    fn answer(line: &str, _: usize) -> (u16, String) {
        match line {
            "GET /" => (302, "x".to_owned()),
            _ => (503, "x".to_owned()),
        }
    }
    let server = Script::start(answer);
    let flow = "    get \"/busy\" as busy retry 3 {\n      continue\n    }";
    let text = crate::support::scenario(
        &server.address.to_string(),
        flow,
        "    hold 10/s for 2s",
        "    count(main) > 1\n    count(busy) > 1",
    );
    let ran = Place::new().run(&format!("allow \"localhost\" at most 42 requests\n{text}"), &["--workers", "1"]);
    used_up(&ran, "42 requests");
    // One to `/` and four to `/busy` each: the budget ends in the ninth iteration, behind its first try.
    assert_eq!((server.all().len(), server.times("GET /"), server.times("GET /busy")), (42, 9, 33));
    let steps = ran.result["windows"][0]["steps"].as_array().unwrap();
    let failed: Vec<String> = steps.iter().map(|step| step["failed"].to_string()).collect();
    assert_eq!(failed, ["{}", "{\"status\":8}"], "{}", ran.out);
}

#[test]
fn what_a_target_is_told_stays_there() {
    static OTHER: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let other = Keeper::start(|_| answered("", b"ok"));
    OTHER.set(other.address.to_string()).unwrap();
    let first = Keeper::start(|_| {
        let to = OTHER.get().map_or("", String::as_str);
        answered_as("307 X", &format!("Location: http://{to}/there\r\n"), b"")
    });
    let text = format!(
        "scenario test {{\n  target a = http(\"http://{}\") {{\n    redirects: 1\n    auth: bearer(\"t\")\n    headers: {{ \"X-Api-Key\": \"k\", \"Proxy-Authorization\": \"p\" }}\n  }}\n  target b = http(\"http://{}\")\n  flow steps {{\n    get \"/away\" on a {{\n      headers: {{ \"Cookie\": \"c=1\", \"X-Step\": \"s\" }}\n    }}\n    get \"/b\" on b\n  }}\n  load main of steps {{\n    hold 1/s for 1s\n  }}\n  expect count(main) >= 1\n}}\n",
        first.address, other.address
    );
    let ran = Place::new().run(&text, &[]);
    let (asked, there) = (first.asked("GET /away"), other.asked("GET /there"));
    assert!(asked.len() == 1 && there.len() == 1, "{}{}", ran.out, ran.err);
    for name in ["Authorization", "X-Api-Key", "Proxy-Authorization", "Cookie"] {
        assert_eq!((asked[0].all(name).len(), there[0].all(name).len()), (1, 0), "{name}");
    }
    assert_eq!(there[0].header("X-Step"), "s", "what a step says goes where the step goes");
}
