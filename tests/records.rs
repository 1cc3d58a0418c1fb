//! What a run leaves on disk, whatever ended it.

use crate::support::left_out::left_out;
use crate::support::{Place, Script, Server, rest, shops_in, signal, wait_until};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::time::Duration;

#[test]
fn a_killed_run_loses_at_most_its_last_second() {
    let place = Place::new();
    let server = Server::start(Duration::ZERO);
    // A demo beside it, so that the test sees it die with the run.
    let text = server
        .scenario("    hold 200/s for 60s", "    error_rate(main) < 1%")
        .replace("  flow browse", "  service shop = demo()\n  target other = http(shop.url)\n  flow visit on other {\n    get \"/products\"\n  }\n  load visitors of visit {\n    hold 5/s for 60s\n  }\n  flow browse");
    place.write("test.stress", &text);
    let mut child = place.spawn(&["run", "test.stress", "--no-progress"]);
    wait_until("three seconds of load", Duration::from_secs(30), || server.count() > 650);
    assert_eq!(shops_in(place.path()), 1);
    signal(&child, "KILL");
    child.wait().unwrap();
    let counted = server.count();
    wait_until("the shop died with the run", Duration::from_secs(5), || shops_in(place.path()) == 0);
    let ran = place.call(&["report", "last", "--json"]);
    assert_eq!(ran.code, 130, "{}", rest(child.stderr.take()));
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let windows = report["windows"].as_array().unwrap();
    let sent: u64 =
        windows.iter().filter(|w| w["load"] == "main").map(|w| w["steps"][0]["sent"].as_u64().unwrap()).sum();
    assert!(sent <= counted && sent + 220 >= counted, "{sent} reported, {counted} counted by the server");
    assert_eq!(report["verdict"], "aborted");
}

#[test]
fn a_report_from_disk_is_the_report_of_the_run() {
    let place = Place::new();
    let server = Server::start(Duration::ZERO);
    let ran = place.run(
        &server.scenario(
            "    warmup 50/s for 500ms\n    ramp 50/s -> 200/s over 1500ms as rise\n    hold 100/s for 1s",
            "    p95(main) < 5s\n    throughput(main during rise) > 1/s",
        ),
        &[],
    );
    ran.passed();
    let again = place.call(&["report", "last", "--json"]);
    let again: serde_json::Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!(again, ran.result);
}

#[test]
fn the_interval_log_is_read_by_others() {
    let place = Place::new();
    let server = Server::start(Duration::ZERO);
    let ran = place.run(&server.scenario("    hold 100/s for 2s", "    error_rate(main) < 1%"), &[]);
    ran.passed();
    let log = std::fs::read(place.runs()[0].join("intervals.hlog")).unwrap();
    let entries = hdrhistogram::serialization::interval_log::IntervalLogIterator::new(&log);
    let intervals: Vec<_> = entries
        .filter_map(|entry| match entry.unwrap() {
            hdrhistogram::serialization::interval_log::LogEntry::Interval(interval) => Some(interval),
            _ => None,
        })
        .collect();
    assert!(intervals.iter().any(|i| i.tag().is_some_and(|t| t.as_str() == "main.browse.home")));
}

#[test]
fn a_record_without_its_times_is_no_pass() {
    let place = Place::new();
    let server = Server::start(Duration::ZERO);
    let ran = place.run(&server.scenario("    hold 100/s for 2s", "    p95(main) < 5s"), &[]);
    ran.passed();
    std::fs::write(place.runs()[0].join("intervals.hlog"), "").unwrap();
    let again = place.call(&["report", "last"]);
    assert_eq!(again.code, 4, "{}{}", again.out, again.err);
    assert!(again.out.contains("the times of 0 of 200 requests"), "{}", again.out);
    std::fs::write(place.runs()[0].join("events.jsonl"), "garbage\n{}\n").unwrap();
    let again = place.call(&["report", "last"]);
    assert_eq!(again.code, 3, "{}{}", again.out, again.err);
}

/// A small disk of its own, taken away again. Only root may make one.
pub struct Disk(pub std::path::PathBuf);

impl Disk {
    pub fn make(path: std::path::PathBuf, size: &str) -> Option<Disk> {
        std::fs::create_dir(&path).unwrap();
        let options = format!("size={size}");
        let mounted =
            std::process::Command::new("mount").args(["-t", "tmpfs", "-o", &options, "none"]).arg(&path).output();
        match mounted.is_ok_and(|output| output.status.success()) {
            true => Some(Disk(path)),
            false => {
                left_out("only root can mount a small disk");
                None
            }
        }
    }

    pub fn fill(&self) {
        let mut file = std::fs::File::create(self.0.join("filler")).unwrap();
        while file.write_all(&[0; 512]).is_ok() {}
    }

    pub fn empty(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn a_disk_that_is_full_at_the_start_lets_no_run_begin() {
    let place = Place::new();
    let Some(disk) = Disk::make(place.path().join("disk"), "64k") else { return };
    disk.fill();
    let server = Server::start(Duration::ZERO);
    let ran = place.run(&server.scenario("    hold 10/s for 1s", "    error_rate(main) < 1%"), &["--record", "disk"]);
    assert_eq!((ran.code, server.count()), (3, 0), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("the run cannot be recorded, so it is not started: `disk"), "{}", ran.err);
    disk.empty();
    assert!(place.call(&["report", "last", "--record", "disk"]).err.contains("no run is recorded here"));
}

/// Fills the disk while a run goes on; where `frees`, it is freed before the end.
fn while_full(frees: bool) {
    let place = Place::new();
    let Some(disk) = Disk::make(place.path().join("disk"), "1m") else { return };
    let server = Server::start(Duration::ZERO);
    place.write("test.stress", &server.scenario("    hold 100/s for 8s", "    p95(main) < 5s\n    count(main) == 800"));
    let mut child =
        place.spawn(&["run", "test.stress", "--no-progress", "--record", "disk", "--out", "json=result.json"]);
    wait_until("the load runs", Duration::from_secs(30), || server.count() > 50);
    disk.fill();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(told.any(|line| line.contains("the record cannot be written now; the run goes on")), "nothing is told");
    if frees {
        disk.empty();
    }
    let said = told.collect::<Vec<String>>().join("\n");
    let mut ran = place.ended(child.wait_with_output().unwrap());
    ran.err = said;
    assert!(ran.out.contains("✔ count(main) == 800"), "{}{}", ran.out, ran.err);
    let result: serde_json::Value =
        serde_json::from_slice(&std::fs::read(place.path().join("result.json")).unwrap()).unwrap();
    assert_eq!(result["loads"][0]["finished"], 800, "the result is whole where there is room for it");
    let again = place.call(&["report", "last", "--record", "disk", "--json"]);
    let recorded: serde_json::Value = serde_json::from_str(&again.out).unwrap_or_else(|_| panic!("{}", again.err));
    if frees {
        assert!(matches!(ran.code, 0 | 5), "{}", ran.err);
        assert_eq!(recorded, result, "nothing is lost");
        return;
    }
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("the run is done, but its record is not whole: `disk"), "{}", ran.err);
    assert!(ran.err.contains("No space left on device"), "{}", ran.err);
    let run = std::fs::read_dir(disk.0.join(".stress/runs")).unwrap().flatten().next().unwrap().path();
    assert!(!run.join("run.json").exists() && !run.join("run.json.part").exists());
    // What was written before is read, and its end is not taken for that of the run.
    let recorded = recorded["windows"][0]["steps"][0]["samples"].as_u64().unwrap();
    assert!((1..800).contains(&recorded), "{recorded}");
    assert_eq!(again.code, 130, "{}", again.out);
}

#[test]
fn a_disk_that_fills_up_ends_in_an_error_about_the_record() {
    while_full(false);
}

#[test]
fn a_disk_that_was_full_for_a_while_loses_nothing() {
    while_full(true);
}

/// Whatever the umask says, a record is its user's alone; what is named on the command line is as the umask says.
#[cfg(unix)]
#[test]
fn a_record_is_of_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let script = Script::start(|_, _| (200, "{}".to_owned()));
    let place = Place::new();
    place.write(
        "test.stress",
        &format!(
            "scenario open {{\n  service app = process(\"sh\", \"-c\", \"sleep 1000\")\n  target api = http(\"http://{}\")\n  flow call on api {{\n    get \"/\"\n  }}\n  load main of call {{\n    hold 10/s for 1s\n  }}\n  event said = command(\"ls -lR .stress > seen\") at main.start + 500ms for at most 5s\n  expect {{\n    error_rate(main) < 1%\n    max(app.memory) >= 0MiB\n  }}\n}}\n",
            script.address
        ),
    );
    let program = env!("CARGO_BIN_EXE_stressc");
    let run = || {
        let line = format!("umask 000; exec {program} run test.stress --no-progress --yes --out json=out.json");
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &line]).current_dir(place.path()).env("XDG_STATE_HOME", place.path().join(".state"));
        let ran = place.ended(shell.output().unwrap());
        assert!(matches!(ran.code, 0 | 5), "{}{}", ran.out, ran.err);
    };
    run();
    assert_eq!(mode(&place.path().join("out.json")), 0o666);
    let seen = std::fs::read_to_string(place.path().join("seen")).unwrap();
    assert!(seen.contains("services") && seen.contains("output.log"), "{seen}");
    for line in seen.lines().filter(|line| line.len() > 10 && line[1..].starts_with(['r', '-']) && line.contains(' ')) {
        assert!(line[4..].starts_with("------"), "{line}\n{seen}");
    }
    let mut open = vec![place.path().join(".stress")];
    let mut all = 0;
    while let Some(path) = open.pop() {
        all += 1;
        if path.is_dir() {
            assert_eq!(mode(&path), 0o700, "{}", path.display());
            open.extend(std::fs::read_dir(&path).unwrap().flatten().map(|entry| entry.path()));
        } else {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
    }
    assert!(all >= 6, "{all}");
    // What is there already is the user's own choice; what is new in it is private all the same.
    std::fs::set_permissions(place.path().join(".stress/runs"), std::fs::Permissions::from_mode(0o755)).unwrap();
    run();
    assert_eq!(mode(&place.path().join(".stress/runs")), 0o755);
    assert!(place.runs().len() == 2 && place.runs().iter().all(|run| mode(run) == 0o700));
}

/// An answer cannot steer the terminal, nor turn its text around.
#[test]
fn what_an_answer_says_is_written_out_on_the_terminal() {
    const BAD: &str = "a\u{1b}[2Jb\u{1b}[31mc\u{202e}d\u{2066}e\u{200b}f\u{9b}2Jg\u{7}h\u{61c}i\u{feff}j";
    let script = Script::start(|_, _| (500, format!("{{\"said\": \"{BAD}\"}}")));
    let place = Place::new();
    let scenario = format!(
        "scenario bad {{\n  target api = http(\"http://{}\")\n  flow call on api {{\n    get \"/\" {{\n      expect json(\"$.said\") == \"no\"\n      continue\n    }}\n    let said = \"x\"\n  }}\n  load main of call {{\n    hold 10/s for 1s\n  }}\n  event told = command('printf \"{BAD}\"; exit 3') at main.start + 200ms for at most 5s\n  expect error_rate(main) < 1%\n}}\n",
        script.address
    );
    place.write("test.stress", &scenario);
    for call in [
        &["run", "test.stress"] as &[&str],
        &["run", "test.stress", "--color", "always"],
        &["report", "last"],
        &["try", "test.stress", "--full"],
        &["plan", "test.stress"],
    ] {
        let ran = place.call(call);
        for text in [&ran.out, &ran.err] {
            for hidden in BAD.chars().filter(|c| c.is_control() || !c.is_ascii()) {
                let own = text.replace("\u{1b}[0m", "").replace("\u{1b}[1m", "");
                let own = if call.contains(&"always") && hidden == '\u{1b}' {
                    own.replace("\u{1b}[31m", "")
                        .replace("\u{1b}[2m", "")
                        .replace("\u{1b}[33m", "")
                        .replace("\u{1b}[32m", "")
                } else {
                    own
                };
                assert!(!own.contains(hidden), "{call:?} shows {hidden:?}: {text:?}");
            }
            assert!(!text.contains("b\u{1b}[31mc"), "{call:?}: a colour of a stranger: {text:?}");
        }
        if call[0] != "plan" {
            assert!(ran.out.contains("c\\u{202e}d"), "{call:?}: {}", ran.out);
        }
    }
}

/// The first of each kind of number in a value, by what leads to it.
fn numbers(at: &str, kind: &str, value: &Value, found: &mut std::collections::BTreeMap<String, String>) {
    match value {
        Value::Number(_) => drop(found.entry(kind.to_owned()).or_insert_with(|| at.to_owned())),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| {
            // Both ends of a window are looked at.
            let same = if items.len() == 2 { index.to_string() } else { "*".to_owned() };
            numbers(&format!("{at}/{index}"), &format!("{kind}/{same}"), item, found);
        }),
        Value::Object(fields) => fields.iter().for_each(|(name, field)| {
            numbers(&format!("{at}/{name}"), &format!("{kind}/{name}"), field, found);
        }),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// A report of what lies in a directory, or why there is none, and how long the processor took.
fn reported(directory: &std::path::Path) -> (Result<(), String>, i64) {
    let clock = || rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime).tv_sec;
    let started = clock();
    let made = stressc::store::read(directory).map(|(plan, stats)| {
        let verdict = stressc::judge::judge(&plan, &stats, &stressc::judge::Others::default());
        let report = stressc::report::report(&plan, &stats, &verdict);
        let _ = (stressc::report::json(&report), stressc::report::terminal(&report, 100, false));
    });
    (made.map_err(|error| error.to_string()), clock() - started)
}

/// A record of which one number is another.
struct Planted {
    name: &'static str,
    /// Of the events the line; none where it is the plan.
    line: Option<usize>,
    kind: String,
    at: String,
    value: &'static str,
}

/// The plan and the events of a record, each as lines.
fn lines_of(name: &str) -> [Vec<String>; 2] {
    let record = crate::support::compile::root().join("tests/records/1").join(name);
    ["plan.json", "events.jsonl"].map(|file| {
        let text = std::fs::read_to_string(record.join(file)).unwrap();
        if file == "plan.json" { vec![text] } else { text.lines().map(str::to_owned).collect() }
    })
}

/// Every kind of number in the records that are kept, each with what somebody might write in its place.
fn planted() -> Vec<Planted> {
    const VALUES: [&str; 8] =
        ["0", "-1", "1", "8600000000000000", "9007199254740992", "18446744073709551615", "1e300", "\"hunter2\""];
    let mut known = std::collections::BTreeSet::new();
    let mut all = Vec::new();
    for name in ["ends", "aborts", "all"] {
        let [plan, events] = lines_of(name);
        let texts =
            plan.iter().map(|plan| (None, plan)).chain(events.iter().enumerate().map(|(n, line)| (Some(n), line)));
        for (line, text) in texts {
            let value: Value = serde_json::from_str(text).unwrap();
            let mut found = std::collections::BTreeMap::new();
            numbers("", value["event"].as_str().unwrap_or("plan"), &value, &mut found);
            for (kind, at) in found {
                if known.insert(kind.clone()) {
                    let one = |value| Planted { name, line, kind: kind.clone(), at: at.clone(), value };
                    all.extend(VALUES.map(one));
                }
            }
        }
    }
    all
}

/// Whatever number of a record somebody changed, there is a report or a reason, at once, and nothing of what it holds is told.
/// Tried for seconds, and for longer with `FUZZ_SECONDS`.
#[test]
fn a_planted_number_is_a_report_or_a_reason() {
    let read = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let until = std::time::Instant::now() + Duration::from_secs(read("FUZZ_SECONDS").unwrap_or(10));
    let place = Place::new();
    let mut all = planted();
    assert!(all.len() > 2_000);
    // In an order that the seed gives, so that each kind has its turn.
    let seed = read("SEED").unwrap_or(1);
    all.sort_by_cached_key(|one| {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hash = DefaultHasher::new();
        (seed, &one.kind, one.value).hash(&mut hash);
        hash.finish()
    });
    let (mut reasons, mut reports, mut bad) = (0, 0, Vec::new());
    for Planted { name, line, kind, at, value } in all {
        if std::time::Instant::now() > until && reasons > 5 && reports > 5 {
            break;
        }
        let [mut plan, mut events] = lines_of(name);
        let text = line.map_or(&mut plan[0], |line| &mut events[line]);
        let mut other: Value = serde_json::from_str(text).unwrap();
        *other.pointer_mut(&at).unwrap() = serde_json::from_str(value).unwrap();
        *text = other.to_string();
        std::fs::write(place.path().join("plan.json"), &plan[0]).unwrap();
        std::fs::write(place.path().join("events.jsonl"), events.join("\n")).unwrap();
        match std::panic::catch_unwind(|| reported(place.path())) {
            Err(_) => bad.push(format!("{name}: {kind} = {value}: panicked")),
            Ok((_, seconds)) if seconds > 20 => bad.push(format!("{name}: {kind} = {value}: {seconds} s")),
            Ok((Err(reason), _)) if reason.contains("hunter2") => bad.push(format!("{name}: {kind}: {reason}")),
            Ok((Err(_), _)) => reasons += 1,
            Ok((Ok(()), _)) => reports += 1,
        }
    }
    assert!(bad.is_empty(), "{} beside {reasons} reasons and {reports} reports:\n{}", bad.len(), bad.join("\n"));
}

/// A record that somebody planted keeps nobody waiting and takes no memory.
#[cfg(unix)]
#[test]
fn a_planted_record_is_refused_at_once() {
    const BOUND: u64 = 64 << 20;
    let place = Place::new();
    let server = Server::start(Duration::ZERO);
    place.run(&server.scenario("    hold 10/s for 1s", "    error_rate(main) < 1%"), &[]).passed();
    let record = place.runs().remove(0);
    let pipe = |path: &std::path::Path| {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    let endless = |path: &std::path::Path| std::os::unix::fs::symlink("/dev/zero", path).unwrap();
    let own = std::fs::canonicalize(record.join("plan.json")).unwrap();
    let copy = place.path().join("copy");
    std::fs::copy(&own, &copy).unwrap();
    let elsewhere = |path: &std::path::Path| std::os::unix::fs::symlink(&copy, path).unwrap();
    let sparse = |path: &std::path::Path| std::fs::File::create(path).unwrap().set_len(BOUND + 1).unwrap();
    let directory = |path: &std::path::Path| std::fs::create_dir(path).unwrap();
    let refused = |name: &str, told: &str, plant: &dyn Fn(&std::path::Path)| {
        let (path, kept) = (record.join(name), place.path().join("kept"));
        let there = path.exists();
        if there {
            std::fs::rename(&path, &kept).unwrap();
        }
        plant(&path);
        let mut child = place.spawn(&["report", "last"]);
        let started = std::time::Instant::now();
        while child.try_wait().unwrap().is_none() {
            if started.elapsed() > Duration::from_secs(20) {
                child.kill().unwrap();
                panic!("{name}: still read");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let ran = place.ended(child.wait_with_output().unwrap());
        assert!(ran.code == 3 && ran.err.contains(name) && ran.err.contains(told), "{name}: {}{}", ran.out, ran.err);
        std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir(&path)).unwrap();
        if there {
            std::fs::rename(&kept, &path).unwrap();
        }
    };
    refused("plan.json", "larger than any plan", &sparse);
    for name in ["plan.json", "events.jsonl", "intervals.hlog", "events.000000-4294967295.jsonl"] {
        refused(name, "is no regular file", &pipe);
        refused(name, "is no regular file", &endless);
        refused(name, "is no regular file", &directory);
        refused(name, "is no regular file", &elsewhere);
        if name != "plan.json" {
            refused(name, "line 1 is longer than any", &sparse);
        }
    }
    assert_eq!(place.call(&["report", "last"]).code, 0);
}
