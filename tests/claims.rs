//! The port of a service is its own: who else listens there is not tested in its place. Over real processes and sockets.

use crate::support::left_out::left_out;
use crate::support::{Place, Ran, wait_until};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_stressc");

/// Somebody who takes an address as soon as it is free and what shall be there first is, and answers everything.
struct Stranger {
    over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Stranger {
    fn at(address: &str, port: u16, first: impl Fn() -> bool + Send + 'static) -> Stranger {
        let over = Arc::<AtomicBool>::default();
        let (ended, address) = (over.clone(), address.to_owned());
        let work = move || {
            let is_over = || ended.load(Ordering::Relaxed);
            while !first() && !is_over() {
                std::thread::sleep(Duration::from_millis(5));
            }
            let listener = loop {
                match TcpListener::bind((address.as_str(), port)) {
                    Ok(listener) => break listener,
                    Err(_) if is_over() => return,
                    Err(_) => std::thread::sleep(Duration::from_millis(2)),
                }
            };
            listener.set_nonblocking(true).unwrap();
            while !is_over() {
                let Ok((mut stream, _)) = listener.accept() else {
                    std::thread::sleep(Duration::from_millis(5));
                    continue;
                };
                let _ = stream.set_nonblocking(false);
                std::thread::spawn(move || {
                    let mut bytes = [0; 4096];
                    while stream.read(&mut bytes).is_ok_and(|n| n > 0) {
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]");
                    }
                });
            }
        };
        Stranger { over, thread: Some(std::thread::spawn(work)) }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

/// Below those that the kernel deals to connections, one of which could otherwise be a connection to itself.
fn free_port() -> u16 {
    use std::hash::{BuildHasher, RandomState};
    let random = || 15_000 + (RandomState::new().hash_one(0) % 15_000) as u16;
    std::iter::repeat_with(random).find(|port| TcpListener::bind(("0.0.0.0", *port)).is_ok()).unwrap()
}

/// A scenario with `app` as a script of the shell, which is given the port.
fn scenario(place: &Place, lines: &str, port: u16, options: &str, more: &str, expect: &str) -> String {
    place.script("app", lines);
    format!(
        "scenario test {{\n  service app = process(\"./app\", \"{port}\") {{\n    port: {port}\n{options}  }}\n  target api = http(app.url) {{\n    timeout: 2s\n  }}\n  flow look on api {{\n    get \"/products/1\"\n  }}\n  load main of look {{\n    hold 20/s for 5s as plateau\n  }}\n{more}  expect {{\n{expect}\n  }}\n}}\n"
    )
}

const SENT: &str = "    count(main) > 1";

fn shop(more: &str) -> String {
    format!("{more}{PROGRAM} demo --database shop.db --listen 127.0.0.1:$1")
}

fn is_refused(ran: &Ran) {
    let own = format!("process {} (", std::process::id());
    let told = format!("{}{}", ran.out, ran.err);
    assert_eq!(ran.code, 3, "{told}");
    assert!(told.contains(&own) && told.contains("would be tested in its place"), "{told}");
}

#[test]
fn a_stale_server_is_refused_before_the_service_is_started() {
    for address in ["127.0.0.1", "0.0.0.0", "::"] {
        let place = Place::new();
        let port = free_port();
        let Ok(_stale) = TcpListener::bind((address, port)) else { continue };
        let text = scenario(&place, "touch started; exec sleep 1000", port, "    restart: true\n", "", SENT);
        let ran = place.run(&text, &[]);
        is_refused(&ran);
        assert!(ran.err.contains("the service `app` is not ready"), "{}", ran.err);
        assert!(ran.err.contains("another port, such as `port()`"), "{}", ran.err);
    }
}

#[test]
fn who_answers_in_place_of_a_service_that_does_not_listen_is_refused() {
    let place = Place::new();
    let port = free_port();
    let started = place.path().join("started");
    let lines = format!("touch {}; exec sleep 1000", started.display());
    let _stranger = Stranger::at("127.0.0.1", port, move || started.exists());
    let ran = place.run(&scenario(&place, &lines, port, "", "", SENT), &[]);
    is_refused(&ran);
    assert!(ran.err.contains("does not belong to it"), "{}", ran.err);
}

#[test]
fn a_listener_that_was_forked_away_belongs_to_its_service() {
    let place = Place::new();
    let port = free_port();
    let text = scenario(&place, &shop("(setsid ").replace("$1", "$1 &); exec sleep 1000"), port, "", "", SENT);
    let ran = place.run(&text, &[]);
    ran.passed();
    assert_eq!(ran.result["problems"].as_array().unwrap().len(), 0, "{}", ran.out);
}

#[test]
fn a_stranger_who_takes_the_port_of_one_that_has_died_ends_the_run() {
    let place = Place::new();
    let port = free_port();
    let lines = format!("{} & sleep 2; kill -KILL $!; exit 9", shop(""));
    let text = scenario(&place, &lines, port, "    restart: true\n    ready: \"/health\"\n", "", SENT);
    let listens = move || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    let _stranger = Stranger::at("127.0.0.1", port, listens);
    let ran = place.run(&text, &[]);
    is_refused(&ran);
    assert!(ran.out.contains("the service `app` is not alone"), "{}", ran.out);
}

#[test]
fn a_stranger_who_takes_the_port_of_one_that_was_killed_ends_the_run() {
    let place = Place::new();
    let port = free_port();
    let fault = "  fault gone = kill(app) at plateau + 1s for 1s\n";
    let text = scenario(&place, &shop("exec "), port, "    ready: \"/health\"\n", fault, SENT);
    let listens = move || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    let _stranger = Stranger::at("127.0.0.1", port, listens);
    let ran = place.run(&text, &[]);
    is_refused(&ran);
    assert!(ran.out.contains("it did not come back"), "{}", ran.out);
}

#[test]
fn a_stranger_who_comes_during_the_load_ends_the_run() {
    let port = free_port();
    if TcpListener::bind(("::1", port)).is_err() {
        return left_out("this machine has no IPv6");
    }
    let place = Place::new();
    let text = scenario(&place, &shop("exec "), port, "    ready: \"/health\"\n", "", SENT);
    let begun = place.path().join(".stress/runs");
    let is_under_load = move || {
        let runs = std::fs::read_dir(&begun).into_iter().flatten().flatten();
        let mut texts = runs.filter_map(|run| std::fs::read_to_string(run.path().join("events.jsonl")).ok());
        texts.any(|text| text.contains("load_started"))
    };
    let _stranger = Stranger::at("::1", port, is_under_load);
    is_refused(&place.run(&text, &[]));
}

#[test]
fn the_owner_of_what_another_user_holds_is_unknown_and_that_is_told() {
    const NOBODY: u32 = 65534;
    let mut look = std::process::Command::new(PROGRAM);
    let may = rustix::process::geteuid().is_root()
        && look.arg("--version").uid(NOBODY).gid(NOBODY).output().is_ok_and(|seen| seen.status.success());
    if !may {
        return left_out("it takes root, and a program that everybody may start");
    }
    let port = free_port();
    let place = || {
        let place = Place::new();
        std::os::unix::fs::chown(place.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let started = place.path().join("started");
        let lines = format!("touch {}; exec sleep 1000", started.display());
        place.write("test.stress", &scenario(&place, &lines, port, "", "", SENT));
        (place, started)
    };
    let state = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(state.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    let run = |place: &Place| {
        let mut command = place.command(&["run", "test.stress", "--no-progress"]);
        // No state lies where everybody may write.
        command.env("XDG_STATE_HOME", state.path());
        place.ended(command.uid(NOBODY).gid(NOBODY).output().unwrap())
    };
    let stale = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let (first, started) = place();
    let ran = run(&first);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("a process of user 0 that is not shown to this one listens at 127.0.0.1"), "{}", ran.err);
    assert!(!started.exists());
    drop(stale);
    let (second, started) = place();
    let _stranger = Stranger::at("127.0.0.1", port, move || started.exists());
    let ran = run(&second);
    ran.passed();
    let told = ran.result["problems"][0].as_str().unwrap();
    assert!(told.contains("the service `app`: owner unknown: a process of user 0"), "{told}");
    assert!(ran.err.contains("owner unknown"), "{}", ran.err);
}

/// A process that answers in place of a service which listens nowhere.
fn is_refused_in_place_of_one_that_listens_nowhere(before: &str, name: &str) -> Ran {
    is_refused_in_place_of("exec sleep 1000", before, name)
}

/// A process that answers in place of a service.
fn is_refused_in_place_of(service: &str, before: &str, name: &str) -> Ran {
    let place = Place::new();
    let open = place.path().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::set_permissions(open, PermissionsExt::from_mode(0o777)).unwrap();
    let port = free_port();
    let started = place.path().join("started");
    let lines = format!("touch {}; {service}", started.display());
    std::os::unix::fs::symlink(PROGRAM, place.path().join(name)).unwrap();
    let script = format!(
        "while [ ! -e started ]; do sleep 0.02; done; exec {before} ./{name} demo --database open/own.db --listen 127.0.0.1:{port}"
    );
    let mut stranger = std::process::Command::new("sh");
    stranger.args(["-c", &script]).current_dir(place.path()).stdout(std::process::Stdio::null());
    let mut stranger = stranger.spawn().unwrap();
    let ran = place.run(&scenario(&place, &lines, port, "", "", SENT), &[]);
    let _ = stranger.kill();
    let _ = stranger.wait();
    assert!(ran.code == 3 && ran.err.contains("does not belong to it"), "{}{}", ran.out, ran.err);
    ran
}

#[test]
fn a_stranger_does_not_pass_by_the_name_of_one_who_listens_for_others() {
    let ran = is_refused_in_place_of_one_that_listens_nowhere("", "systemd");
    assert!(ran.err.contains("(systemd) listens at"), "{}", ran.err);
}

#[test]
fn a_stranger_of_the_same_user_does_not_pass_by_a_namespace() {
    let able = std::process::Command::new("unshare").args(["--pid", "--fork", "true"]).output();
    if !able.is_ok_and(|output| output.status.success()) {
        return left_out("this user can make no pid namespace");
    }
    const APART: &str = "unshare --pid --fork --kill-child";
    is_refused_in_place_of_one_that_listens_nowhere(APART, "stranger");
    let beside = format!("exec {PROGRAM} demo --database shop.db --listen 127.0.0.1:0");
    is_refused_in_place_of(&beside, APART, "stranger");
}

#[test]
fn a_stranger_of_another_user_does_not_pass_by_a_namespace() {
    const APART: &str =
        "unshare --pid --fork --kill-child setpriv --reuid 65534 --regid 65534 --clear-groups --pdeathsig KILL";
    let able = std::process::Command::new("sh").args(["-c", &format!("{APART} {PROGRAM} --version")]).output();
    if !able.is_ok_and(|output| output.status.success()) {
        return left_out("it takes root, `setpriv`, and a program that everybody may start");
    }
    is_refused_in_place_of_one_that_listens_nowhere(APART, "stranger");
}

#[test]
fn one_that_ends_by_itself_and_is_brought_back_fails_the_run() {
    let lines = format!("{} & sleep 1.5; kill -KILL $!; exit 9", shop(""));
    let run = |expect: &str| {
        let place = Place::new();
        let options = "    restart: true\n    ready: \"/health\"\n";
        place.run(&scenario(&place, &lines, free_port(), options, "", expect), &[])
    };
    let ran = run(SENT);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let all = ran.result["expectations"].as_array().unwrap();
    assert_eq!(all.len(), 2, "{all:?}");
    let crashes = &all[1];
    assert!(crashes["text"] == "crashes(app) == 0" && crashes["implied"] == true, "{crashes}");
    assert!(
        crashes["verdict"] == "failed" && crashes["value"].as_str().unwrap().parse::<u32>().unwrap() >= 1,
        "{crashes}"
    );
    assert!(ran.out.contains("crashes(app) == 0"), "{}", ran.out);
    // What is written takes its place.
    let ran = run(&format!("{SENT}\n    crashes(app) < 10"));
    ran.passed();
    assert_eq!(ran.result["expectations"].as_array().unwrap().len(), 2);
}

#[test]
fn a_plan_shows_what_is_expected_of_each_service() {
    let place = Place::new();
    place.write("test.stress", &scenario(&place, "exec sleep 1", 7001, "", "", SENT));
    let page = place.call(&["plan", "test.stress"]);
    assert!(page.out.contains("crashes(app) == 0 (implied)"), "{}{}", page.out, page.err);
    let json = place.call(&["plan", "test.stress", "--json"]);
    let plan: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(plan["expectations"][1]["implied"], true);
    let attached = "service app = attach(port: 7001)";
    let text = std::fs::read_to_string(place.path().join("test.stress")).unwrap();
    let text = text.replace(
        &text[text.find("service app").unwrap()..text.find("  target api").unwrap()],
        &format!("{attached}\n"),
    );
    place.write("test.stress", &text);
    let page = place.call(&["plan", "test.stress"]);
    assert!(page.code == 0 && !page.out.contains("crashes"), "{}{}", page.out, page.err);
}

#[test]
fn ready_is_waited_for_without_a_word_where_all_is_well() {
    let place = Place::new();
    let port = free_port();
    let ran = place.run(&scenario(&place, &shop("exec "), port, "    ready: \"/health\"\n", "", SENT), &[]);
    ran.passed();
    wait_until("the port is free again", Duration::from_secs(10), || TcpListener::bind(("127.0.0.1", port)).is_ok());
    assert_eq!(ran.result["problems"].as_array().unwrap().len(), 0, "{}", ran.out);
}
