//! What a run does with the rights of who started it, beside others on the same machine: where its journal lies, whose files it
//! follows, and what it leaves alone.

use crate::services::postgres_is_missing;
use crate::support::left_out::left_out;
use crate::support::{Place, Ran, scenario, wait_until};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_stressc");
/// A user of every system that owns nothing.
const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Only root can be two users, and has a database of another one.
fn is_left_out() -> bool {
    if !is_root() {
        left_out("only root can be two users");
    }
    !is_root() || postgres_is_missing()
}

/// A journal that somebody planted, whose command leaves a file.
fn planted(below: &Path, touched: &Path) -> PathBuf {
    let directory = below.join("stressc/journal");
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("planted.jsonl");
    let begin = serde_json::json!({ "begin": { "id": 1, "what": "a command", "within_ms": null, "undo": { "run": {
        "program": "touch", "arguments": [touched], "directory": "/", "within_ms": 5000 } } } });
    std::fs::write(&path, format!("{begin}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o700)).unwrap();
    path
}

fn ran(place: &Place, command: &mut Command) -> Ran {
    place.ended(command.stdin(Stdio::null()).output().unwrap())
}

#[test]
fn a_journal_is_looked_for_in_no_place_of_others() {
    let place = Place::new();
    let (touched, home) = (place.path().join("touched"), place.path().join("home"));
    std::fs::create_dir(&home).unwrap();
    planted(place.path(), &touched);
    planted(&place.path().join("state"), &touched);
    planted(&place.path().join(".local/state"), &touched);
    let recover = |name: &str, value: &str, home: Option<&Path>| {
        let mut command = place.command(&["recover", "--yes"]);
        command.env_remove("XDG_STATE_HOME").env_remove("HOME").env("TMPDIR", place.path()).env(name, value);
        home.map(|home| command.env("HOME", home));
        ran(&place, &mut command)
    };
    // From a checkout.
    let relative = recover("XDG_STATE_HOME", "state", Some(&home));
    assert!(relative.code == 0 && relative.out.contains("nothing is left behind"), "{}{}", relative.out, relative.err);
    let relative = recover("XDG_STATE_HOME", "", Some(&home));
    assert_eq!(relative.code, 0, "{}{}", relative.out, relative.err);
    assert!(!touched.exists());
    // Without any of them it is the home directory of the user database that counts, and not the temporary one. That is of whoever runs
    // this test, so nothing is done there.
    for (name, value) in [("HOME", "."), ("UNSET", "")] {
        let mut command = place.command(&["doctor"]);
        command.env_remove("XDG_STATE_HOME").env_remove("HOME").env("TMPDIR", place.path()).env(name, value);
        let doctor = ran(&place, &mut command);
        let line = doctor.out.lines().find(|line| line.contains("journal")).unwrap();
        assert!(!line.contains(place.path().to_str().unwrap()), "{line}");
        assert!(line.contains("/.local/state/stressc/journal`") || line.contains("set XDG_STATE_HOME"), "{line}");
    }
    if is_root() {
        // Some ways to become root leave the home directory of somebody else.
        chown(&home, Some(NOBODY), None).unwrap();
        planted(&home.join(".local/state"), &touched);
        let mut command = place.command(&["doctor"]);
        let doctor = ran(&place, command.env_remove("XDG_STATE_HOME").env("HOME", &home));
        assert!(!doctor.out.contains(home.to_str().unwrap()), "{}", doctor.out);
    }
}

#[test]
fn a_journal_of_somebody_else_is_refused_by_name() {
    let place = Place::new();
    let touched = place.path().join("touched");
    let state = place.path().join(".state");
    let path = planted(&state, &touched);
    let set = |path: &Path, mode: u32| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let refused = |name: &str| {
        for arguments in [&["recover", "--yes"][..], &["run", "test.stress"]] {
            let ran = ran(&place, &mut place.command(arguments));
            assert!(ran.code == 3 && ran.err.contains(name), "{}{}", ran.out, ran.err);
        }
        assert!(!touched.exists());
    };
    place.write("test.stress", &scenario("127.0.0.1:9", "", "    hold 1/s for 1s", "    count(main) > 0"));
    set(&path, 0o644);
    refused("planted.jsonl` may be of somebody else");
    set(&path, 0o600);
    set(path.parent().unwrap(), 0o777);
    refused("/journal`, whose mode is 0777");
    set(path.parent().unwrap(), 0o700);
    if is_root() {
        chown(&path, Some(NOBODY), None).unwrap();
        refused("planted.jsonl` may be of somebody else");
        chown(&path, Some(0), None).unwrap();
        chown(path.parent().unwrap(), Some(NOBODY), None).unwrap();
        refused("/journal` belongs to another user");
        chown(path.parent().unwrap(), Some(0), None).unwrap();
        chown(state.join("stressc"), Some(NOBODY), None).unwrap();
        refused("/stressc` is on the way there and belongs to another user");
    }
    // The whole directory in another place.
    std::fs::rename(&state, place.path().join("moved")).unwrap();
    if is_root() {
        chown(place.path().join("moved/stressc"), Some(0), None).unwrap();
    }
    std::fs::create_dir_all(state.join("stressc")).unwrap();
    symlink(place.path().join("moved/stressc/journal"), state.join("stressc/journal")).unwrap();
    refused("/journal` is no directory, or a link to one");
}

/// A dead run of this machine, with a command and a file that are left.
fn dead(place: &Place, origin: bool) -> (PathBuf, PathBuf) {
    let (file, touched) = (place.write("left", "x"), place.path().join("touched"));
    let path = planted(&place.path().join(".state"), &touched);
    let told = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let mut first = serde_json::json!({ "run": { "id": "dead", "process": { "pid": 1, "started": 1 } } });
    if origin {
        first["run"]["origin"] =
            serde_json::json!({ "boot": told("/proc/sys/kernel/random/boot_id"), "namespace": namespace, "host": "" });
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let real = file.canonicalize().unwrap();
    let remove =
        serde_json::json!({ "begin": { "id": 2, "what": "a file", "undo": { "remove": real }, "within_ms": null } });
    std::fs::write(&path, format!("{first}\n{text}{remove}\n")).unwrap();
    (file, touched)
}

#[test]
fn recover_shows_what_it_will_do_and_does_nothing_unasked() {
    let place = Place::new();
    let (file, touched) = dead(&place, true);
    let ran = ran(&place, &mut place.command(&["recover"]));
    assert!(ran.code == 3 && ran.err.contains("stressc recover --yes"), "{}{}", ran.out, ran.err);
    let shown =
        format!("run dead\n  a file: remove {}\n  a command: run in /: touch ", file.canonicalize().unwrap().display());
    assert!(ran.out.starts_with(&shown), "{}", ran.out);
    assert!(file.exists() && !touched.exists());
    let recovered = place.call(&["recover", "--yes"]);
    assert!(
        recovered.code == 0 && recovered.out.contains("taken back: a command"),
        "{}{}",
        recovered.out,
        recovered.err
    );
    assert!(!file.exists() && touched.exists());
    assert!(place.call(&["recover"]).out.contains("nothing is left behind"));
}

#[test]
fn recover_asks_on_a_terminal() {
    let place = Place::new();
    let (file, touched) = dead(&place, true);
    for (answer, done) in [("n\n", false), ("\n", false), ("y\n", true)] {
        let ours = rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&ours).unwrap();
        rustix::pty::unlockpt(&ours).unwrap();
        let name = rustix::pty::ptsname(&ours, Vec::new()).unwrap();
        let theirs = std::fs::OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let mut command = place.command(&["recover"]);
        command.stdin(theirs.try_clone().unwrap()).stderr(theirs).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut terminal = std::fs::File::from(ours);
        let (mut asked, mut part) = (String::new(), [0; 256]);
        while !asked.contains("[y/N]") {
            let count = terminal.read(&mut part).unwrap();
            asked.push_str(&String::from_utf8_lossy(&part[..count]));
        }
        assert!(asked.contains("Take all of this back?") && file.exists() && !touched.exists(), "{asked}");
        terminal.write_all(answer.as_bytes()).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(if done { 0 } else { 3 }));
        assert_eq!((!file.exists(), touched.exists()), (done, done));
    }
}

#[test]
fn a_journal_that_does_not_say_where_it_was_made_needs_more_than_a_yes_in_passing() {
    let place = Place::new();
    let (file, touched) = dead(&place, false);
    let ran = ran(&place, &mut place.command(&["recover"]));
    assert!(ran.code == 3 && ran.err.contains("does not say where it was made"), "{}{}", ran.out, ran.err);
    assert!(file.exists() && !touched.exists());
    assert_eq!(place.call(&["recover", "--yes"]).code, 0);
    assert!(!file.exists() && touched.exists());
}

/// Somebody with the rights of the database's user puts links into a cluster as soon as it is there, and wherever something will be
/// written.
struct Attacker(Child);

impl Attacker {
    fn of(run: u32, user: u32, group: u32, victim: &Path) -> Attacker {
        let names = "pg_hba.conf postgresql.conf postgresql.auto.conf pg_ident.conf PG_VERSION postmaster.opts base global pg_wal \
                     pg_xact global/pg_control base/1 base/4 base/5 base/1/PG_VERSION base/5/PG_VERSION pg_wal/archive_status";
        let script = format!(
            "while :; do for d in /var/tmp/stressc-{run}-*; do cd \"$d\" 2>/dev/null || continue; ln -s {0} data 2>/dev/null; cd data \
             2>/dev/null || continue; for n in {names}; do ln -s {0} $n; done 2>/dev/null; done; done",
            victim.display()
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script]).uid(user).gid(group).stdin(Stdio::null()).stderr(Stdio::null());
        Attacker(command.spawn().unwrap())
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn user(name: &str) -> Option<(u32, u32)> {
    let known = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = known.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let mut fields = line.split(':').skip(1).map(|field| field.parse().unwrap());
    Some((fields.next()?, fields.next()?))
}

const CLUSTER: &str = "scenario test {\n  service pg = postgres()\n  service app = demo(database: pg.url)\n  target api = http(app.url)\n  flow look on api {\n    get \"/products/1\"\n  }\n  load main of look {\n    hold 1/s for 1s\n  }\n  expect {\n    count(main) > 0\n  }\n}\n";

#[test]
fn root_writes_nothing_where_the_databases_user_wants_it() {
    if is_left_out() {
        return;
    }
    let (id, group) = user("postgres").or_else(|| user("nobody")).unwrap();
    let place = Place::new();
    place.write("test.stress", CLUSTER);
    let cache = place.path().join("cache");
    // The attacker cannot write it, and gets to it.
    let open = tempfile::tempdir().unwrap();
    std::fs::set_permissions(open.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let victim = open.path().join("victim");
    std::fs::write(&victim, "of root").unwrap();
    let run = || {
        let mut command = place.command(&["run", "test.stress", "--no-progress", "--quiet"]);
        command.env("XDG_CACHE_HOME", &cache).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    // Once while a cluster is made, then while the template is copied.
    for attacked in [true, false, true, true, true] {
        let mut child = run();
        let attacker = attacked.then(|| Attacker::of(child.id(), id, group, &victim));
        let ended = child.wait().unwrap();
        drop(attacker);
        assert!(attacked || matches!(ended.code(), Some(0 | 5)), "{ended}");
        let found = victim.metadata().unwrap();
        assert_eq!((found.uid(), found.gid(), std::fs::read(&victim).unwrap()), (0, 0, b"of root".to_vec()));
        let left = std::fs::read_dir("/var/tmp").unwrap().flatten();
        let left: Vec<_> = left
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(&format!("stressc-{}-", child.id())))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
    let kept = std::fs::read_dir(cache.join("stressc")).unwrap().flatten().map(|entry| entry.path());
    let kept: Vec<PathBuf> = kept.collect();
    assert!(kept.len() == 1 && kept[0].metadata().unwrap().uid() == 0, "{kept:?}");
}

#[test]
fn the_database_of_root_has_no_rights_of_root() {
    if is_left_out() {
        return;
    }
    let (id, _) = user("postgres").or_else(|| user("nobody")).unwrap();
    let place = Place::new();
    place.write("test.stress", &CLUSTER.replace("for 1s", "for 4s"));
    let run = place.spawn(&["run", "test.stress", "--no-progress", "--quiet"]);
    let mut found = None;
    wait_until("the cluster is there", Duration::from_secs(60), || {
        let children = format!("/proc/{0}/task/{0}/children", run.id());
        let children = std::fs::read_to_string(children).unwrap_or_default();
        found = children.split_whitespace().find_map(|pid| {
            let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
            // Until it has become the database it is this program.
            let status = (line.contains("unix_socket_permissions") && !line.starts_with("stressc"))
                .then(|| std::fs::read_to_string(format!("/proc/{pid}/status")));
            status?.ok()
        });
        found.is_some()
    });
    let status = found.unwrap();
    let line = |name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)).unwrap().split_whitespace().collect::<Vec<_>>()
    };
    assert_eq!(line("Uid:"), vec![id.to_string(); 4]);
    assert!(line("Groups:").is_empty(), "{status}");
    assert_eq!(line("NoNewPrivs:"), ["1"]);
    assert_eq!(line("NSsid:").last(), line("NSpid:").last(), "its session is its own");
    run.wait_with_output().unwrap();
}

#[test]
fn the_database_of_root_is_told_nothing_of_its_environment() {
    if is_left_out() {
        return;
    }
    let (id, _) = user("postgres").or_else(|| user("nobody")).unwrap();
    let place = Place::new();
    place.write("test.stress", CLUSTER);
    let token = format!("token-{:x}", std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0));
    // Without a template, so that the cluster is made as well.
    let mut command = place.command(&["run", "test.stress", "--no-progress", "--quiet"]);
    command.env("XDG_CACHE_HOME", place.path().join("cache")).env("DEPLOY_TOKEN", &token);
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let own = format!("/stressc-{}-", run.id());
    let mut seen = std::collections::BTreeSet::new();
    while run.try_wait().unwrap().is_none() {
        for process in std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path()) {
            // Before it is another program it has our memory, which is shown to root alone.
            let is_of_user = process.metadata().is_ok_and(|found| found.uid() == id);
            let Ok(exe) = std::fs::read_link(process.join("exe")) else { continue };
            if !is_of_user || exe == Path::new(PROGRAM) {
                continue;
            }
            let Ok(environment) = std::fs::read(process.join("environ")) else { continue };
            let environment = String::from_utf8_lossy(&environment).into_owned();
            assert!(!environment.contains(&token), "{}: {environment}", exe.display());
            let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&line).contains(&own) && environment.contains("STRESSC_RUN=") {
                seen.insert(exe.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(matches!(run.wait().unwrap().code(), Some(0 | 5)));
    assert!(seen.contains("initdb") && seen.contains("postgres"), "{seen:?}");
}

#[test]
fn results_are_written_through_no_link() {
    let place = Place::new();
    let victim = place.write("victim.sh", "of somebody");
    std::fs::create_dir(place.path().join("work")).unwrap();
    for (name, to) in [("there", "../victim.sh"), ("nowhere", "../new.sh"), ("null", "/dev/null")] {
        symlink(to, place.path().join("work").join(name)).unwrap();
    }
    let server = crate::support::Server::start(Duration::ZERO);
    place.write("test.stress", &server.scenario("    hold 20/s for 1s", "    count(main) > 1"));
    let is_refused = |arguments: &[&str], name: &str| {
        let ran = place.call(arguments);
        assert!(ran.code == 3 && ran.err.contains(&format!("`work/{name}` is a link to `")), "{}{}", ran.out, ran.err);
        assert!(ran.err.contains("remove it, or name the file itself"), "{}", ran.err);
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "of somebody");
        assert!(!place.path().join("new.sh").exists());
        assert!(place.path().join("work").join(name).is_symlink());
    };
    for name in ["there", "nowhere", "null"] {
        is_refused(&["plan", "test.stress", "--svg", &format!("work/{name}")], name);
        is_refused(&["run", "test.stress", "--no-progress", "--out", &format!("json=work/{name}")], name);
    }
    assert!(place.runs().is_empty(), "it is found out before the load");
    let report = place.write("work/report.json", "old");
    std::fs::set_permissions(&report, std::fs::Permissions::from_mode(0o640)).unwrap();
    let ran = place.call(&["run", "test.stress", "--no-progress", "--out", "json=work/report.json"]);
    assert!(matches!(ran.code, 0 | 5), "{}{}", ran.out, ran.err);
    let is_whole = || {
        let text = std::fs::read(&report).unwrap();
        assert!(serde_json::from_slice::<serde_json::Value>(&text).is_ok());
        assert_eq!(report.metadata().unwrap().mode() & 0o777, 0o640);
        std::fs::write(&report, "old").unwrap();
    };
    is_whole();
    is_refused(&["report", "last", "--out", "json=work/there"], "there");
    place.call(&["report", "last", "--out", "json=work/report.json"]);
    is_whole();
    assert_eq!(std::fs::read_dir(place.path().join("work")).unwrap().count(), 4, "nothing is left beside");
}

/// A rename makes a file of who does it, with the mode of the old one.
#[test]
fn no_file_of_another_user_is_replaced_and_no_right_of_one_is_given_on() {
    const UNTIDY: &str = "scenario  s   {}\n";
    let place = Place::new();
    place.write("test.stress", SHOP);
    let mode = |path: &Path, mode: u32| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let commands: [(&[&str], &str, i32); 4] = [
        (&["plan", "test.stress", "--svg", "out.svg"], "out.svg", 3),
        (&["run", "test.stress", "--no-progress", "--quiet", "--out", "json=out.json"], "out.json", 3),
        (&["report", "last", "--out", "json=again.json"], "again.json", 3),
        (&["fmt", "untidy.stress"], "untidy.stress", 2),
    ];
    for (arguments, name, _) in commands {
        let path = place.write(name, UNTIDY);
        mode(&path, 0o6755);
        let ran = place.call(arguments);
        assert_ne!(std::fs::read_to_string(&path).unwrap(), UNTIDY, "{}{}", ran.out, ran.err);
        assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o755, "{name} makes nobody somebody else");
    }
    if !is_root() {
        left_out("only root can be two users");
        return;
    }
    for (arguments, name, code) in commands {
        let path = place.write(name, UNTIDY);
        chown(&path, Some(NOBODY), None).unwrap();
        mode(&path, 0o4755);
        let ran = place.call(arguments);
        let told = format!("`{name}` belongs to another user, the one with the number 65534, and is not written");
        assert!(ran.code == code && ran.err.contains(&told), "{}{}", ran.out, ran.err);
        let found = path.metadata().unwrap();
        assert_eq!((found.uid(), found.mode() & 0o7777), (NOBODY, 0o4755));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), UNTIDY);
    }
    assert_eq!(place.runs().len(), 1, "it is found out before the load");
    let pipe = place.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    chown(&pipe, Some(NOBODY), None).unwrap();
    let ran = place.call(&["run", "test.stress", "--no-progress", "--quiet", "--out", "json=pipe"]);
    assert!(ran.code == 3 && ran.err.contains("`pipe` belongs to another user"), "{}{}", ran.out, ran.err);
    assert_eq!(place.runs().len(), 1);
}

#[test]
fn a_pipe_that_nobody_reads_holds_nobody() {
    use std::os::unix::fs::OpenOptionsExt;
    let place = Place::new();
    place.write("test.stress", SHOP);
    let pipe = place.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let given_up = || {
        let mut plan = place.spawn(&["plan", "test.stress", "--svg", "pipe"]);
        let mut ended = None;
        wait_until("it has given up", Duration::from_secs(60), || {
            ended = plan.try_wait().unwrap();
            ended.is_some()
        });
        assert_eq!(ended.unwrap().code(), Some(3));
        crate::support::rest(plan.stderr.take())
    };
    let told = given_up();
    assert!(told.contains("`pipe` cannot be written: it is a pipe that no process reads from"), "{told}");
    let without_waiting = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let reader = std::fs::OpenOptions::new().read(true).custom_flags(without_waiting).open(&pipe).unwrap();
    let mut writer = std::fs::OpenOptions::new().write(true).custom_flags(without_waiting).open(&pipe).unwrap();
    while writer.write(&[0; 4096]).is_ok() {}
    let told = given_up();
    assert!(told.contains("`pipe` cannot be written: it is a pipe whose reader has read nothing"), "{told}");
    drop(reader);
}

#[test]
fn what_is_formatted_lies_beneath_the_root() {
    let place = Place::new();
    let work = place.path().join("work");
    std::fs::create_dir_all(work.join("deep")).unwrap();
    std::fs::create_dir(place.path().join("out")).unwrap();
    let victim = place.write("out/o.stress", "scenario  q {}\n");
    symlink("../out/o.stress", work.join("evil.stress")).unwrap();
    symlink("../../out/o.stress", work.join("deep/evil.stress")).unwrap();
    for (arguments, told) in [
        (["fmt", "work/evil.stress"], "`work/evil.stress` is a link to `"),
        (["fmt", "work/deep/evil.stress"], "name that file itself"),
        (["fmt", "work"], "not beneath"),
    ] {
        let ran = place.call(&arguments);
        assert!(ran.code == 2 && ran.err.contains(told), "{arguments:?}: {}{}", ran.out, ran.err);
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "scenario  q {}\n");
    }
    // In a project a link may lead to another part of it.
    std::fs::create_dir(place.path().join(".git")).unwrap();
    assert_eq!(place.call(&["fmt", "work/evil.stress"]).code, 0);
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "scenario q {}\n");
}

#[test]
fn a_record_follows_no_link_of_a_checkout() {
    let place = Place::new();
    let (work, out) = (place.path().join("work"), place.path().join("out"));
    for directory in [&work, &out] {
        std::fs::create_dir(directory).unwrap();
    }
    place.write("work/test.stress", SHOP);
    for planted in [".stress", ".stress/runs"] {
        let link = work.join(planted);
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(&out, &link).unwrap();
        let mut command = place.command(&["run", "test.stress", "--no-progress", "--quiet"]);
        let ran = ran(&place, command.current_dir(&work));
        let told = format!("{planted}` is a link, or no directory, and is not followed; ");
        assert!(ran.code == 3 && ran.err.contains(&told) && ran.err.contains("`--record ~/.local"), "{}", ran.err);
        std::fs::remove_file(&link).unwrap();
    }
    assert_eq!(out.read_dir().unwrap().count(), 0);
}

/// The session and the terminal of a process, by `/proc/PID/stat`.
fn session(stat: &str) -> (u32, i32) {
    let behind = stat.rsplit_once(')').unwrap().1;
    let number = |at: usize| behind.split_whitespace().nth(at).unwrap().parse::<i64>().unwrap();
    (number(3) as u32, number(4) as i32)
}

#[test]
fn what_a_run_starts_gets_neither_its_session_nor_what_it_has_open() {
    let place = Place::new();
    let seen = |name: &str| place.path().join(name).display().to_string();
    let look = |name: &str| {
        format!("cat /proc/$$/stat > {0}.stat; echo $$ > {0}.pid; cat <&7 > {0}.open 2> {0}.why; true", seen(name))
    };
    let (service, command) = (look("service"), look("command"));
    let app =
        format!("service app = demo()\n  service other = process(\"sh\", \"-c\", \"{service}; exec sleep 1000\")");
    let text = SHOP.replace("service app = demo()", &app);
    let event = format!(
        "fault again = restart(other) at main.start + 900ms\n  fault once = command(\"{command}\") at main.start + 200ms\n  expect"
    );
    place.write("test.stress", &text.replace("expect", &event));
    let secret = place.write("secret", "of the shell");
    let script = format!("exec 7< {}; exec {PROGRAM} run test.stress --no-progress --quiet", secret.display());
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).current_dir(place.path()).env("XDG_STATE_HOME", place.path().join(".state"));
    let ran = ran(&place, &mut shell);
    for name in ["service", "command"] {
        let read = |end: &str| {
            std::fs::read_to_string(seen(&format!("{name}.{end}")))
                .unwrap_or_else(|error| panic!("{name}.{end}: {error}: {}{}", ran.out, ran.err))
        };
        let pid: u32 = read("pid").trim().parse().unwrap();
        assert_eq!(session(&read("stat")), (pid, 0), "{name} leads a session without a terminal");
        let opened = std::fs::read_to_string(seen(&format!("{name}.open"))).unwrap_or_default();
        assert_eq!(opened, "", "{name} does not get what the shell has opened");
    }
}

/// As the database of root is started.
#[cfg(target_os = "linux")]
#[test]
fn another_user_gets_no_key_of_root_and_becomes_nobody_else() {
    if !is_root() {
        left_out("only root can be two users");
        return;
    }
    const LOOK: &str = "cat /proc/keys /proc/self/status; echo; exec cat /proc/$$/stat";
    // A session keyring is of a thread, and of what that starts.
    let looked = std::thread::spawn(|| {
        #[expect(unsafe_code, reason = "there is no other door to the kernel's keys")]
        let added = unsafe {
            libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, std::ptr::null::<libc::c_char>());
            let (kind, name, key) = (c"user", c"stressc-of-root", b"hunter2");
            libc::syscall(libc::SYS_add_key, kind.as_ptr(), name.as_ptr(), key.as_ptr(), key.len(), -3)
        };
        let output = |command: &mut Command| {
            let output = command.stdin(Stdio::null()).output().unwrap();
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
        };
        let ours = output(Command::new("sh").args(["-c", LOOK]).uid(NOBODY).gid(NOBODY));
        let user = format!("--user={NOBODY}:{NOBODY}");
        let theirs = output(Command::new(PROGRAM).args(["start", &user, "--", "sh", "-c", LOOK]));
        (added, ours, theirs)
    });
    let (added, ours, theirs) = looked.join().unwrap();
    let line = |name: &str| theirs.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    assert_eq!(line("NoNewPrivs:"), Some("1"), "{theirs}");
    assert_eq!(line("Groups:"), Some(""), "{theirs}");
    assert!(line("Uid:").is_some_and(|ids| ids.split_whitespace().all(|id| id == "65534")), "{theirs}");
    assert_eq!(session(theirs.lines().last().unwrap()).1, 0);
    match added > 0 && ours.contains("stressc-of-root") {
        true => assert!(!theirs.contains("stressc-of-root"), "{theirs}"),
        false => left_out("this kernel shows no keys"),
    }
}

#[test]
fn results_are_written_to_streams_by_their_names() {
    let place = Place::new();
    place.write("test.stress", SHOP);
    for stream in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "-"] {
        let ran = place.call(&["plan", "test.stress", "--svg", stream]);
        assert!(ran.code == 0 && ran.out.starts_with("<svg") && ran.out.ends_with("</svg>\n"), "{stream}: {}", ran.err);
    }
    let pipe = place.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let read = std::thread::spawn(move || std::fs::read_to_string(pipe).unwrap());
    assert_eq!(place.call(&["plan", "test.stress", "--svg", "pipe"]).code, 0);
    assert!(read.join().unwrap().starts_with("<svg"));
    assert_eq!(place.call(&["plan", "test.stress", "--svg", "/dev/null"]).code, 0);
    let full = place.call(&["plan", "test.stress", "--svg", "/dev/full"]);
    assert!(full.code == 3 && full.err.contains("`/dev/full` cannot be written: "), "{}", full.err);
    for wrong in ["..", "/dev", "missing/plan.svg"] {
        let ran = place.call(&["plan", "test.stress", "--svg", wrong]);
        assert!(ran.code == 3 && ran.err.contains(&format!("`{wrong}` cannot be written: ")), "{wrong}: {}", ran.err);
    }
}

/// Two runs that share a home directory and see each other's processes under other numbers, as containers do.
#[test]
fn a_run_in_another_pid_namespace_is_left_alone() {
    let able = Command::new("unshare").args(["--pid", "--fork", "--mount-proc", "true"]).output();
    if !able.is_ok_and(|output| output.status.success()) {
        left_out("this user can make no pid namespace");
        return;
    }
    let place = Place::new();
    place.write(
        "test.stress",
        "scenario test {\n  service app = demo()\n  target api = http(app.url)\n  flow look on api {\n    get \"/products/1\"\n  }\n  load main of look {\n    hold 1/s for 8s\n  }\n  expect {\n    count(main) > 0\n  }\n}\n",
    );
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--mount-proc", "--kill-child", PROGRAM, "run", "test.stress", "--no-progress"]);
    command.current_dir(place.path()).env("XDG_STATE_HOME", place.path().join(".state"));
    let mut other = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let events = || {
        place.runs().first().and_then(|run| std::fs::read_to_string(run.join("events.jsonl")).ok()).unwrap_or_default()
    };
    wait_until("it has begun", Duration::from_secs(30), || events().contains("load_started"));
    let recovered = place.call(&["recover"]);
    assert!(
        recovered.code == 0 && recovered.out.contains("nothing is left behind"),
        "{}{}",
        recovered.out,
        recovered.err
    );
    // Nor does it keep others from being started.
    let beside = place.call(&["try", "test.stress"]);
    assert!(!beside.err.contains("left behind"), "{}{}", beside.out, beside.err);
    other.wait().unwrap();
    let events = events();
    assert!(!events.contains("service_fell") && events.contains("\"ended\""), "{events}");
}

#[test]
fn the_shop_takes_no_directory_that_is_there() {
    let place = Place::new();
    let temporary = place.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let mut command = place.command(&["demo", "--listen", "127.0.0.1:0"]);
    let mut shop = command.env("TMPDIR", &temporary).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(shop.stdout.as_mut().unwrap()), &mut line).unwrap();
    let made: Vec<PathBuf> = std::fs::read_dir(&temporary).unwrap().flatten().map(|entry| entry.path()).collect();
    let own = made[0].file_name().unwrap().to_str().unwrap();
    assert!(made.len() == 1 && own.len() == "stressc-demo-".len() + 16, "{made:?}");
    assert_eq!(made[0].metadata().unwrap().mode() & 0o777, 0o700);
    assert!(made[0].join("shop.db").exists());
    crate::support::signal(&shop, "TERM");
    let over = Instant::now() + Duration::from_secs(20);
    while shop.try_wait().unwrap().is_none() {
        assert!(Instant::now() < over);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
    // Where everybody could put a link in the place of it.
    std::fs::set_permissions(&temporary, std::fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = place.command(&["demo", "--listen", "127.0.0.1:0"]);
    let refused = ran(&place, command.env("TMPDIR", &temporary));
    assert!(refused.code == 3 && refused.err.contains("everybody may write into it"), "{}", refused.err);
}

const SHOP: &str = "scenario test {\n  service app = demo()\n  target api = http(app.url)\n  flow look on api {\n    get \"/products/1\"\n  }\n  load main of look {\n    hold 5/s for 2s\n  }\n  fault still = pause(app) at main.start + 500ms for 500ms\n  expect {\n    count(main) > 1\n  }\n}\n";

#[test]
fn two_runs_in_one_directory_have_each_their_own() {
    let place = Place::new();
    place.write("test.stress", SHOP);
    let runs: Vec<Child> = (0..3).map(|_| place.spawn(&["run", "test.stress", "--no-progress"])).collect();
    for run in runs {
        let ran = place.ended(run.wait_with_output().unwrap());
        assert!(matches!(ran.code, 0 | 1 | 4 | 5) && ran.out.contains("recorded in"), "{}{}", ran.out, ran.err);
    }
    assert_eq!(place.runs().len(), 3);
    assert!(place.runs().iter().all(|run| run.join("run.json").is_file() && !run.join("services").exists()));
    assert!(place.call(&["recover"]).out.contains("nothing is left behind"));
}

#[test]
fn nothing_is_started_that_cannot_be_written_down() {
    let able = Command::new("unshare").args(["--mount", "true"]).output();
    if !able.is_ok_and(|output| output.status.success()) {
        left_out("this user can mount nothing");
        return;
    }
    let place = Place::new();
    place.write("test.stress", SHOP);
    std::fs::create_dir(place.path().join(".state")).unwrap();
    let script = format!(
        "mount -t tmpfs -o size=64k,mode=0700 none .state && mkdir -p -m 700 .state/stressc/journal && head -c 200000 /dev/zero > \
         .state/full; {PROGRAM} run test.stress --no-progress; code=$?; ls -A .state/stressc/journal; exit $code"
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script]).current_dir(place.path());
    let ran = ran(&place, command.env("XDG_STATE_HOME", place.path().join(".state")));
    assert!(ran.code == 3 && ran.err.contains("cannot be written down"), "{}{}", ran.out, ran.err);
    assert!(!ran.out.contains("jsonl") && !ran.out.contains(".new"), "{}", ran.out);
    let events = std::fs::read_to_string(place.runs()[0].join("events.jsonl")).unwrap();
    assert!(!events.contains("service_ready"), "{events}");
}

#[test]
fn a_run_is_no_path_that_leads_elsewhere() {
    let place = Place::new();
    place.write("plan.json", "{}");
    std::fs::create_dir_all(place.path().join(".stress/runs/20260101T000000Z-a-0001")).unwrap();
    std::fs::create_dir_all(place.path().join("other")).unwrap();
    for (name, told) in [
        ("", "no run is called ``"),
        ("../../other", "no run is called"),
        ("2026\n", "no run is called"),
        ("/nowhere/at/all", "no run is called"),
        ("other", "is a directory without a `plan.json`"),
    ] {
        let ran = place.call(&["report", name]);
        assert!(ran.code == 3 && ran.err.contains(told), "{name:?}: {}{}", ran.out, ran.err);
    }
}

/// What a run writes into a directory that somebody else can change would go where that one likes.
#[test]
fn a_record_is_made_only_where_nobody_else_can_change_it() {
    let place = Place::new();
    place.write("test.stress", SHOP);
    let workspace = place.path().canonicalize().unwrap().join("ws");
    let run = |flags: &[&str]| {
        let mut command = place.command(&["run", "../test.stress", "--no-progress", "--quiet"]);
        ran(&place, command.args(flags).current_dir(&workspace))
    };
    let refused = |flags: &[&str], told: &str, why: &str| {
        let ran = run(flags);
        let said = format!("`{}`", workspace.join(told).display().to_string().trim_end_matches('/'));
        assert!(
            ran.code == 3 && ran.err.contains(&said) && ran.err.contains(why),
            "{said} {why}: {}{}",
            ran.out,
            ran.err
        );
        assert!(ran.err.contains("so it is not started") && ran.err.contains("`--record ~/.local"), "{}", ran.err);
    };
    let may = |path: &Path, mode: u32| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    std::fs::create_dir(&workspace).unwrap();
    may(&workspace, 0o777);
    refused(&[], "", "everybody may write into it");
    assert_eq!(std::fs::read_dir(&workspace).unwrap().count(), 0, "nothing is made there");
    // One's own record elsewhere is the way out; so is a directory in which each can change only what is theirs.
    let own = place.path().join("own");
    assert!(matches!(run(&["--record", own.to_str().unwrap()]).code, 0 | 1 | 4 | 5));
    assert_eq!(own.join(".stress/runs").read_dir().unwrap().count(), 1);
    may(&workspace, 0o1777);
    assert!(matches!(run(&[]).code, 0 | 1 | 4 | 5));
    assert!(workspace.join(".stress/runs").read_dir().unwrap().next().is_some());
    if !is_root() {
        left_out("only root can be two users");
        return;
    }
    // Somebody waits for a run of root, with directories and with links.
    let victim = place.path().join("victim");
    std::fs::create_dir(&victim).unwrap();
    for planted in ["record/.stress/runs", "record/.stress", "record"] {
        let _ = std::fs::remove_dir_all(workspace.join("record"));
        std::fs::create_dir_all(workspace.join("record/.stress/runs")).unwrap();
        chown(workspace.join(planted), Some(NOBODY), None).unwrap();
        refused(&["--record", "record"], planted, "belongs to another user, the one with the number 65534");
        std::fs::remove_dir_all(workspace.join(planted)).unwrap();
        symlink(&victim, workspace.join(planted)).unwrap();
        std::os::unix::fs::lchown(workspace.join(planted), Some(NOBODY), None).unwrap();
        let why = if planted == "record" { "a link of another user" } else { "is a link, or no directory" };
        refused(&["--record", "record"], planted, why);
        std::fs::remove_file(workspace.join(planted)).unwrap();
    }
    chown(&workspace, Some(NOBODY), None).unwrap();
    refused(&[], "", "belongs to another user, the one with the number 65534");
    assert_eq!(victim.read_dir().unwrap().count(), 0);
}
