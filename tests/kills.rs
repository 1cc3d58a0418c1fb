//! Whatever is killed in the middle of faults of every kind, all is as before: by the run, by its guardian, or by `recover`
//! where both are gone.

use crate::support::{Place, Script, alone, groups_are_missing, signal, told, wait_until};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_stressc");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Killed {
    Run,
    Guardian,
    Both,
}

/// A fault of every lasting kind, each on an element of its own; all of them are in force after half a second.
fn scenario(server: std::net::SocketAddr, attached: u16, memory: u64, disk: u64) -> String {
    format!(
        r#"scenario test {{
  service killed = process("sh", "-c", "exec sleep 1000")
  service paused = process("sh", "-c", "sleep 1001 & exec sleep 1000")
  service slowed = process("sh", "-c", "while :; do sleep 0.01; done")
  service narrow = process("sh", "-c", "exec sleep 1000")
  service theirs = attach(port: {attached})
  link path = tcp(to: "{server}")
  target api = http(path.url)
  flow look on api {{
    get "/"
  }}
  load main of look {{
    hold 20/s for 10500ms as plateau
  }}
  fault gone = kill(killed) at plateau + 200ms for 9s
  fault still = pause(paused) at plateau + 200ms for 9s
  fault foreign = pause(theirs) at plateau + 200ms for 9s
  fault slow = limit_cpu(slowed, to: 5%) at plateau + 200ms for 9s
  fault tight = limit_memory(narrow, to: 64MiB) at plateau + 200ms for 9s
  fault busy = burn_cpu(1) at plateau + 200ms for 9s
  fault full = fill_memory(leave: {memory}MiB) at plateau + 200ms for 9s
  fault disk = fill_disk("data", leave: {disk}MiB) at plateau + 200ms for 9s
  fault late = latency(path, 5ms) at plateau + 200ms for 9s
  fault shell = command('echo data/broken > "$STRESSC_KEEP/path"; touch data/broken', undo: 'rm -f "$(cat "$STRESSC_KEEP/path")"',
    proof: 'test -e "$file"', with: {{ file: "data/broken" }}) at plateau + 200ms for 9s
  expect {{
    count(main) > 1
  }}
}}
"#
    )
}

/// What of a run there is on the machine: its processes, its control groups, its files; and in which state that of others is.
#[derive(Debug, PartialEq, Eq)]
struct Snapshot {
    processes: BTreeSet<String>,
    groups: BTreeSet<PathBuf>,
    files: BTreeSet<String>,
    journals: BTreeSet<String>,
    theirs: String,
    cpus: String,
    /// Where the other one listens, and its connections.
    sockets: usize,
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Directories of `/sys/fs/cgroup` with the id of a run of this place in their names.
fn groups(below: &Path, ids: &BTreeSet<String>, found: &mut BTreeSet<PathBuf>) {
    let entries = std::fs::read_dir(below).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        if ids.iter().any(|id| entry.file_name().to_string_lossy().contains(id.as_str())) {
            found.insert(entry.path());
        }
        groups(&entry.path(), ids, found);
    }
}

fn look(place: &Place, theirs: &Child) -> Snapshot {
    let status = std::fs::read_to_string(format!("/proc/{}/status", theirs.id())).unwrap();
    let line = |name: &str| status.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    let ids: BTreeSet<String> =
        place.runs().iter().map(|run| run.file_name().unwrap().to_string_lossy().into_owned()).collect();
    let mut own = BTreeSet::new();
    groups(Path::new("/sys/fs/cgroup"), &ids, &mut own);
    let marked = |pid: &String| {
        let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let text = String::from_utf8_lossy(&environ).into_owned();
        ids.iter().any(|id| text.contains(id.as_str()))
    };
    let services = place.runs().iter().filter(|run| run.join("services").exists()).count();
    let mut files = names(&place.path().join("data"));
    files.extend((services > 0).then(|| format!("{services} directories of services")));
    Snapshot {
        processes: names(Path::new("/proc")).into_iter().filter(marked).collect(),
        groups: own,
        files,
        journals: look_for_journals(place),
        // Whether it stands still; what it does otherwise is its own.
        theirs: line("State:").chars().filter(|c| *c == 'T').collect(),
        cpus: line("Cpus_allowed:"),
        sockets: {
            let held = std::fs::read_dir(format!("/proc/{}/fd", theirs.id())).unwrap().flatten();
            let is_socket = |path: PathBuf| path.to_string_lossy().starts_with("socket:");
            held.filter(|held| std::fs::read_link(held.path()).is_ok_and(is_socket)).count()
        },
    }
}

fn guardian(place: &Place) -> Option<String> {
    let journal = place.path().join(".state").display().to_string();
    names(Path::new("/proc")).into_iter().find(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        line.contains("\0guardian\0") && line.contains(&journal)
    })
}

/// A shop of somebody else.
fn attached(place: &Place) -> (Child, u16) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut shop = Command::new(PROGRAM);
    shop.args(["demo", "--listen", &format!("127.0.0.1:{port}")]).current_dir(place.path());
    let mut child = shop.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // It says so: a connection that asks would be one of its sockets for a while.
    let mut said = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
    assert!(said.contains("listens"), "{said}");
    (child, port)
}

fn kill(place: &Place, run: &Child, killed: Killed) {
    let guardian = guardian(place);
    let guardian = || {
        let pid = guardian.as_ref().expect("it has a guardian");
        told(pid.parse().unwrap(), "KILL");
    };
    match killed {
        Killed::Run => signal(run, "KILL"),
        Killed::Guardian => guardian(),
        Killed::Both => {
            // One that goes on would start another guardian at once.
            signal(run, "STOP");
            guardian();
            signal(run, "KILL");
        }
    }
}

/// A place to run in, with a shop of somebody else and what all was like before.
struct Field {
    place: Place,
    theirs: Child,
    port: u16,
    server: Script,
    before: Snapshot,
}

impl Field {
    fn new() -> Field {
        let place = Place::new();
        std::fs::create_dir(place.path().join("data")).unwrap();
        let (theirs, port) = attached(&place);
        let before = look(&place, &theirs);
        Field { place, theirs, port, server: Script::start(|_, _| (200, String::new())), before }
    }

    /// Runs what stands in `test.stress`, kills at an instant that is given, and looks whether all becomes as it was.
    #[allow(clippy::print_stdout, reason = "how long it took is worth a look")]
    fn survives(&self, killed: Killed, after: impl FnOnce(&Place, &mut Child)) {
        let Field { place, theirs, before, .. } = self;
        let mut run = place.spawn(&["run", "test.stress", "--no-progress"]);
        after(place, &mut run);
        kill(place, &run, killed);
        if killed == Killed::Guardian {
            let ran = place.ended(run.wait_with_output().unwrap());
            assert!(matches!(ran.code, 0 | 4 | 5), "{}{}", ran.out, ran.err);
        } else {
            run.wait().unwrap();
        }
        if killed == Killed::Both {
            let next = place.call(&["run", "test.stress", "--no-progress"]);
            // At the first and the last instants there is nothing to take back.
            let dirty = next.code == 3 && next.err.contains("stressc recover");
            assert!(dirty || matches!(next.code, 0 | 4 | 5), "{}{}", next.out, next.err);
            let recovered = place.call(&["recover", "--yes"]);
            assert_eq!(recovered.code, 0, "{}{}", recovered.out, recovered.err);
        }
        let since = Instant::now();
        let over = since + Duration::from_secs(10);
        let mut now = look(place, theirs);
        while now != *before && Instant::now() < over {
            std::thread::sleep(Duration::from_millis(50));
            now = look(place, theirs);
        }
        assert_eq!(now, *before, "{killed:?}");
        println!("{killed:?}: all was as before {:?} later", since.elapsed());
    }
}

impl Drop for Field {
    fn drop(&mut self) {
        let _ = self.theirs.kill();
        let _ = self.theirs.wait();
    }
}

/// Starts faults of all kinds, and kills when all are in force.
fn survives(killed: Killed) {
    let _alone = alone();
    let field = Field::new();
    let text = std::fs::read_to_string("/proc/meminfo").unwrap();
    let memory = text.lines().find_map(|line| line.strip_prefix("MemAvailable:")).unwrap();
    let memory = memory.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10;
    let disk = rustix::fs::statvfs(field.place.path()).unwrap();
    let disk = (disk.f_bavail * disk.f_frsize) >> 20;
    field.place.write("test.stress", &scenario(field.server.address, field.port, memory - 400, disk - 2000));
    field.survives(killed, all_in_force);
    let refused = killed != Killed::Both || field.place.runs().len() == 1;
    assert!(refused, "no run starts over what another one left");
}

fn all_in_force(place: &Place, _: &mut Child) {
    wait_until("all faults are in force", Duration::from_secs(20), || {
        let Some(run) = place.runs().pop() else { return false };
        let text = std::fs::read_to_string(run.join("events.jsonl")).unwrap_or_default();
        assert!(!text.contains("fault_failed"), "{text}");
        text.matches("fault_applied").count() == 10
    });
}

#[test]
fn a_run_that_is_killed_leaves_nothing() {
    if groups_are_missing() {
        return;
    }
    survives(Killed::Run);
}

#[test]
fn a_guardian_that_is_killed_is_not_missed() {
    if groups_are_missing() {
        return;
    }
    survives(Killed::Guardian);
}

#[test]
fn what_both_left_is_recovered() {
    if groups_are_missing() {
        return;
    }
    survives(Killed::Both);
}

/// A run that hangs takes nothing back, and its guardian does so when it should have.
#[test]
fn a_run_that_hangs_is_not_waited_for() {
    let place = Place::new();
    let (mut theirs, port) = attached(&place);
    let text = format!(
        "scenario test {{\n  service app = attach(port: {port})\n  target api = http(app.url)\n  flow look on api {{\n    get \"/products/1\"\n  }}\n  load main of look {{\n    hold 5/s for 3s as plateau\n  }}\n  fault still = pause(app) at plateau for 1s\n  expect {{\n    count(main) > 1\n  }}\n}}\n"
    );
    place.write("test.stress", &text);
    let run = place.spawn(&["run", "test.stress", "--no-progress"]);
    wait_until("it stands still", Duration::from_secs(20), || look(&place, &theirs).theirs == "T");
    signal(&run, "STOP");
    wait_until("it goes on", Duration::from_secs(30), || look(&place, &theirs).theirs.is_empty());
    signal(&run, "CONT");
    let ran = place.ended(run.wait_with_output().unwrap());
    theirs.kill().unwrap();
    theirs.wait().unwrap();
    assert_ne!(ran.code, 3, "what the guardian took back is taken back: {}{}", ran.out, ran.err);
    assert!(look_for_journals(&place).is_empty());
}

/// What is still at work when its run is killed is ended before it is taken back: it would go on behind that.
#[test]
fn a_command_does_not_outlive_its_undo() {
    let place = Place::new();
    let server = Script::start(|_, _| (200, String::new()));
    let text = format!(
        "scenario test {{\n  target api = http(\"http://{}\")\n  flow look on api {{\n    get \"/\"\n  }}\n  load main of look {{\n    hold 5/s for 30s as plateau\n  }}\n  fault slow = command('touch begun; sleep 1; touch broken', undo: 'rm -f broken; touch undone') at plateau for 20s\n  expect {{\n    count(main) > 1\n  }}\n}}\n",
        server.address
    );
    place.write("test.stress", &text);
    let mut run = place.spawn(&["run", "test.stress", "--no-progress"]);
    let there = |name: &str| place.path().join(name).exists();
    wait_until("it has begun", Duration::from_secs(20), || there("begun"));
    signal(&run, "KILL");
    run.wait().unwrap();
    wait_until("it is undone", Duration::from_secs(20), || there("undone"));
    std::thread::sleep(Duration::from_millis(1200));
    assert!(!there("broken"));
}

fn look_for_journals(place: &Place) -> BTreeSet<String> {
    names(&place.path().join(".state/stressc/journal"))
}

/// A hundred instants between the first process of a run and its end, of faults that leave the machine to others. A number in
/// `KILL_SEED` repeats them.
#[test]
fn at_any_instant() {
    if groups_are_missing() {
        return;
    }
    const PLACES: u64 = 8;
    const INSTANTS: u64 = 100;
    let given = std::env::var("KILL_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64);
    println!("KILL_SEED={seed}");
    std::thread::scope(|scope| {
        for place in 0..PLACES {
            scope.spawn(move || {
                let field = Field::new();
                field.place.write("test.stress", &gentle(field.server.address, field.port));
                let mut state = seed.wrapping_add(place);
                for _ in (place..INSTANTS).step_by(PLACES as usize) {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let killed = [Killed::Run, Killed::Guardian, Killed::Both][(state >> 33) as usize % 3];
                    let pause = Duration::from_millis((state >> 40) % 2500);
                    println!("{killed:?} after {pause:?}");
                    field.survives(killed, |place, _| {
                        wait_until("it has begun", Duration::from_secs(30), || guardian(place).is_some());
                        std::thread::sleep(pause);
                    });
                }
            });
        }
    });
}

/// Lasting faults that take nothing of the machine, each on an element of its own, short enough to be over before the end.
fn gentle(server: std::net::SocketAddr, attached: u16) -> String {
    let all = scenario(server, attached, 0, 0);
    let kept =
        all.lines().filter(|line| !["burn_cpu", "fill_memory", "fill_disk"].iter().any(|heavy| line.contains(heavy)));
    let text: String = kept.flat_map(|line| [line, "\n"]).collect();
    text.replace("for 9s", "for 1s").replace("10500ms", "2s")
}

/// Nobody reads what the run says, so that it stands still over its first word of the fault, and hears no signal.
#[test]
fn a_second_signal_ends_a_run_that_hears_none() {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;
    let _alone = alone();
    let place = Place::new();
    let server = Script::start(|_, _| (200, String::new()));
    let text = format!(
        r#"scenario test {{
  target api = http("http://{}")
  flow look on api {{
    get "/"
  }}
  load main of look {{
    hold 5/s for 100s as plateau
  }}
  fault shell = command('touch broken', undo: 'rm -f broken') at plateau + 200ms for 90s
  expect count(main) > 1
}}
"#,
        server.address
    );
    place.write("test.stress", &text);
    let (_reader, writer) = std::io::pipe().unwrap();
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let mut full = std::fs::OpenOptions::new();
    let path = format!("/proc/self/fd/{}", writer.as_raw_fd());
    let mut full = full.write(true).custom_flags(nonblock).open(path).unwrap();
    while std::io::Write::write(&mut full, &[b'x'; 512]).is_ok() {}
    let mut child = place.command(&["run", "test.stress"]).stdout(Stdio::null()).stderr(writer).spawn().unwrap();
    let broken = place.path().join("broken");
    wait_until("the fault is in force", Duration::from_secs(60), || broken.exists());
    std::thread::sleep(Duration::from_millis(500));
    signal(&child, "TERM");
    std::thread::sleep(Duration::from_millis(500));
    assert!(child.try_wait().unwrap().is_none(), "it hears nothing");
    signal(&child, "TERM");
    wait_until("it has ended", Duration::from_secs(60), || child.try_wait().unwrap().is_some());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!broken.exists(), "what it injected is taken back first");
    assert_eq!(names(&place.path().join(".state/stressc/journal")), BTreeSet::new());
}
