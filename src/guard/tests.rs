#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use super::journal::{Journal, JournalLine};
use super::origin::Origin;
use super::*;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

fn sleeper(mark: &str) -> Child {
    Command::new("sleep").arg("60").env(MARK, mark).spawn().unwrap()
}

/// As `/proc` tells it.
fn state(child: &Child) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    stat.rsplit(')').next().unwrap().split_ascii_whitespace().next().unwrap().to_owned()
}

/// A journal of a run that is gone: its process is none that lives.
fn of_a_dead_run(place: &Path, run: &str, origin: Option<Origin>, rest: &str) -> PathBuf {
    let journal = Journal::create(place, run).unwrap();
    let process = Some(Process { pid: 1, started: 1 });
    let first = serde_json::to_string(&JournalLine::Run { id: run.to_owned(), process, origin }).unwrap();
    std::fs::write(journal.path(), format!("{first}\n{rest}")).unwrap();
    journal.path()
}

fn begins(id: u64, undo: Undo) -> String {
    let line = JournalLine::Begin { id, what: format!("thing {id}"), undo, within_ms: None };
    format!("{}\n", serde_json::to_string(&line).unwrap())
}

fn left(place: &Path) -> Vec<String> {
    dirty(place).unwrap().iter().flat_map(|run| run.left.iter().map(|left| left.what.clone())).collect()
}

#[test]
fn whoever_carries_a_mark_is_found_and_nobody_else() {
    let (mut ours, mut others) = (sleeper("outer run-a1 later"), sleeper("run-a12"));
    let pids = |mark: &str| marked(mark).iter().map(|process| process.pid as u32).collect::<Vec<_>>();
    assert_eq!(pids("run-a1"), [ours.id()]);
    let kill = Undo::Kill(Whom::Marked("run-a1".to_owned()));
    assert_eq!((kill.perform(), kill.perform()), (Ok(()), Ok(())), "twice does no more than once");
    assert!(!ours.wait().unwrap().success());
    assert!(others.try_wait().unwrap().is_none());
    assert_eq!(Undo::Kill(Whom::Marked("run-a12".to_owned())).perform(), Ok(()));
    others.wait().unwrap();
}

#[test]
fn a_number_that_another_process_has_now_is_nobodys() {
    let mut child = sleeper("run-b");
    let process = Process::of(child.id() as i32).unwrap();
    let earlier = Process { started: process.started - 1, ..process };
    assert_eq!(Undo::Kill(Whom::These(vec![earlier])).perform(), Ok(()));
    assert!(!earlier.signal(rustix::process::Signal::KILL).unwrap());
    assert!(child.try_wait().unwrap().is_none());
    assert!(process.signal(rustix::process::Signal::KILL).unwrap());
    child.wait().unwrap();
    assert!(!process.is_alive());
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_stopped_goes_on_as_before() {
    let mut child = sleeper("run-c");
    let process = Process::of(child.id() as i32).unwrap();
    process.signal(rustix::process::Signal::STOP).unwrap();
    while state(&child) != "T" {
        std::thread::yield_now();
    }
    let whom = Whom::Marked("run-c".to_owned());
    assert_eq!(Undo::Continue(whom.clone()).perform(), Ok(()));
    while state(&child) == "T" {
        std::thread::yield_now();
    }
    assert_eq!(Undo::Kill(whom).perform(), Ok(()));
    child.wait().unwrap();
}

#[test]
fn a_journal_holds_what_is_open_and_a_torn_line_nothing() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("left.txt");
    std::fs::write(&file, "x").unwrap();
    let mut journal = Journal::create(place.path(), "run-d").unwrap();
    journal.write(&JournalLine::End { id: 3 }).unwrap();
    assert_eq!(journal.read().unwrap().by, [Process::this().unwrap()]);
    assert!(dirty(place.path()).unwrap().is_empty(), "its run is alive");
    drop(journal);
    // Of a run that is gone, and was killed while it wrote.
    let remove = |name: &str| Undo::remove(&place.path().join(name)).unwrap();
    let text = [
        begins(1, remove("left.txt")),
        begins(2, remove("never")),
        begins(3, remove("done")),
        "{\"end\":{\"id\":3}}\n".to_owned(),
        "{\"begin\":{\"id\":4,".to_owned(),
    ];
    std::fs::remove_file(place.path().join("run-d.jsonl")).unwrap();
    let path = of_a_dead_run(place.path(), "run-d", Some(Origin::here()), &text.concat());
    assert_eq!(left(place.path()), ["thing 2", "thing 1"]);
    // Who writes on does not make a line of the torn one and its own.
    let mut journal = Journal::open(&path).unwrap();
    journal.write(&JournalLine::Guardian { process: None }).unwrap();
    drop(journal);
    let found = dirty(place.path()).unwrap().pop().unwrap();
    assert!(found.problem.is_none() && found.left.len() == 2, "{found:?}");
    let done = recover(&path).unwrap();
    assert_eq!(done.iter().map(|one| one.what.as_str()).collect::<Vec<_>>(), ["thing 2", "thing 1"]);
    assert!(done.iter().all(|one| one.problem.is_none()) && !file.exists() && !path.exists());
}

#[test]
fn a_damaged_line_in_the_middle_is_told_and_never_skipped() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("left.txt");
    std::fs::write(&file, "x").unwrap();
    let text = format!("{{\"begin\":{{\"id\":1,\"wh\0\n{}", begins(2, Undo::remove(&file).unwrap()));
    let path = of_a_dead_run(place.path(), "run-f", Some(Origin::here()), &text);
    for _ in 0..2 {
        let found = dirty(place.path()).unwrap().pop().unwrap();
        let problem = found.problem.unwrap();
        assert!(problem.contains("run-f.jsonl` cannot be read in line 2") && problem.contains("by hand"), "{problem}");
        let done = recover(&path).unwrap();
        assert!(done.iter().any(|one| one.problem.as_ref() == Some(&problem)), "{done:?}");
        assert!(!file.exists() && path.exists(), "what can be read is taken back, and the rest stays");
    }
    assert!(guardian(&path).unwrap()[0].contains("line 2"), "nor does a guardian pass over it");
    assert!(path.exists());
}

/// What another pid namespace, another start of the machine or another machine wrote.
#[test]
fn what_was_made_elsewhere_hurts_no_stranger() {
    let mut stranger = sleeper("run-g");
    let theirs = Process::of(stranger.id() as i32).unwrap();
    let here = Origin::here();
    let namespace = Origin { namespace: "pid:[1]".to_owned(), ..here.clone() };
    let boot = Origin { boot: "another".to_owned(), ..here };
    let host = Origin { host: "another".to_owned(), ..boot.clone() };
    for (origin, place, removes, stays) in [
        (Some(namespace), Distance::Namespace, true, true),
        (Some(boot), Distance::Boot, true, false),
        (Some(host), Distance::Host, false, true),
        (None, Distance::Unknown, true, false),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("left.txt");
        std::fs::write(&file, "x").unwrap();
        let undos = [
            Undo::Kill(Whom::These(vec![theirs])),
            Undo::Continue(Whom::These(vec![theirs])),
            Undo::remove(&file).unwrap(),
        ];
        let text: String = undos.into_iter().enumerate().map(|(at, undo)| begins(at as u64, undo)).collect();
        let path = of_a_dead_run(directory.path(), "run-g", origin, &text);
        let found = dirty(directory.path()).unwrap();
        assert_eq!((found[0].place, found[0].left.len()), (place, 3));
        assert_eq!(
            left_behind(directory.path(), std::time::Duration::ZERO).unwrap().len(),
            usize::from(place != Distance::Host)
        );
        recover(&path).unwrap();
        assert!(stranger.try_wait().unwrap().is_none(), "{place:?}: a stranger was killed");
        assert_eq!((!file.exists(), path.exists()), (removes, stays), "{place:?}");
    }
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn a_journal_that_is_held_is_of_a_run_that_lives_wherever_it_is() {
    let place = tempfile::tempdir().unwrap();
    let elsewhere = Origin { namespace: "pid:[1]".to_owned(), ..Origin::here() };
    let file = place.path().join("left.txt");
    std::fs::write(&file, "x").unwrap();
    let path = of_a_dead_run(place.path(), "run-h", Some(elsewhere), &begins(1, Undo::remove(&file).unwrap()));
    // As its run does it, whose number means nothing here.
    let run = Journal::open(&path).unwrap();
    run.hold().unwrap();
    assert!(left(place.path()).is_empty());
    assert!(left_behind(place.path(), std::time::Duration::ZERO).unwrap().is_empty());
    assert!(recover(&path).unwrap_err().to_string().contains("another process holds it"));
    assert!(file.exists());
    drop(run);
    // What another test starts at this instant holds it too, until it has become its program.
    let over = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while left(place.path()).is_empty() && std::time::Instant::now() < over {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(left(place.path()), ["thing 1"]);
}

#[test]
fn journals_that_others_may_have_written_are_refused_by_name() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().unwrap();
    let touched = place.path().join("touched");
    let undo = Undo::Run {
        program: "touch".to_owned(),
        arguments: vec![touched.display().to_string()],
        variables: Vec::new(),
        directory: PathBuf::from("/"),
        within_ms: 5_000,
    };
    let journals = place.path().join("journal");
    let path = of_a_dead_run(&journals, "run-i", Some(Origin::here()), &begins(1, undo));
    let set = |path: &Path, mode: u32| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let refused = |name: &str| {
        for error in [dirty(&journals).unwrap_err(), recover(&path).unwrap_err(), guardian(&path).unwrap_err()] {
            assert!(error.to_string().contains(name), "{error}");
        }
    };
    set(&path, 0o644);
    refused("run-i.jsonl` may be of somebody else");
    set(&path, 0o600);
    set(&journals, 0o777);
    refused("/journal`, whose mode is 0777");
    set(&journals, 0o700);
    // A link to one that is good.
    std::fs::rename(&path, place.path().join("moved.jsonl")).unwrap();
    std::os::unix::fs::symlink(place.path().join("moved.jsonl"), &path).unwrap();
    refused("run-i.jsonl` is a link");
    if rustix::process::geteuid().is_root() {
        std::fs::remove_file(&path).unwrap();
        std::fs::rename(place.path().join("moved.jsonl"), &path).unwrap();
        std::os::unix::fs::chown(&path, Some(65_534), None).unwrap();
        refused("owned by user 65534");
        std::os::unix::fs::chown(&path, Some(0), None).unwrap();
        std::os::unix::fs::chown(&journals, Some(65_534), None).unwrap();
        refused("belongs to another user");
    }
    assert!(!touched.exists());
}

/// A process of that name is seen as any other: the kernel writes its bytes as they are.
#[cfg(target_os = "linux")]
#[test]
fn a_process_whose_name_is_no_text_is_found() {
    use std::os::unix::ffi::OsStringExt;
    let place = tempfile::tempdir().unwrap();
    let program = place.path().join(std::ffi::OsString::from_vec(b"bad\xff\xfe) S 1".to_vec()));
    let sleep = ["/bin/sleep", "/usr/bin/sleep"].iter().find(|path| Path::new(path).exists()).unwrap();
    std::fs::copy(sleep, &program).unwrap();
    let mut child = Command::new(&program).arg("60").env(MARK, "run-j").spawn().unwrap();
    let pid = child.id() as i32;
    // For a moment after its start the kernel shows no environment.
    let over = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while marked("run-j").iter().all(|process| process.pid != pid) {
        assert!(std::time::Instant::now() < over, "it is not seen");
        std::thread::yield_now();
    }
    assert_eq!(proc::Stat::of(pid).unwrap().number(4), Some(u64::from(std::process::id())));
    assert_eq!(Undo::Kill(Whom::Marked("run-j".to_owned())).perform(), Ok(()));
    child.wait().unwrap();
}

#[test]
fn a_script_is_told_in_one_line() {
    let undo = |script: &str| Undo::Run {
        program: "sh".to_owned(),
        arguments: vec!["-c".to_owned(), script.to_owned()],
        variables: vec![("name".to_owned(), "db".to_owned())],
        directory: std::path::PathBuf::from("/"),
        within_ms: 5_000,
    };
    assert_eq!(undo("mend \"$name\"").describe(), "run `name=db sh -c mend \"$name\"`");
    assert_eq!(undo("\n  mend one\n  mend two\n").describe(), "run `name=db sh -c mend one …`");
    assert!(undo("test \"$name\" = db").perform().is_ok());
}

#[test]
fn what_cannot_be_taken_back_stays_written_down() {
    let place = tempfile::tempdir().unwrap();
    let undo = |program: &str| Undo::Run {
        program: program.to_owned(),
        arguments: Vec::new(),
        variables: Vec::new(),
        directory: place.path().to_owned(),
        within_ms: 5_000,
    };
    let path = of_a_dead_run(place.path(), "run-e", Some(Origin::here()), &begins(1, undo("false")));
    let done = recover(&path).unwrap();
    assert!(done[0].problem.as_ref().unwrap().contains("could not run `false`: exit status: 1"), "{done:?}");
    assert_eq!(left(place.path()), ["thing 1"]);
    std::fs::remove_file(&path).unwrap();
    let path = of_a_dead_run(place.path(), "run-e", Some(Origin::here()), &begins(1, undo("true")));
    assert!(recover(&path).unwrap()[0].problem.is_none());
    assert!(dirty(place.path()).unwrap().is_empty());
}

#[test]
fn all_of_a_script_is_shown_to_who_shall_agree() {
    let undo = Undo::Run {
        program: "sh".to_owned(),
        arguments: vec!["-c".to_owned(), "true\nrm -rf /srv\u{202e}\u{1b}[1A".to_owned()],
        variables: Vec::new(),
        directory: PathBuf::from("/"),
        within_ms: 5_000,
    };
    assert_eq!(undo.told(), "run in /: sh -c true\nrm -rf /srv\\u{202e}\\u{1b}[1A");
}

/// systemd removes a scope as soon as the last of its processes has left it.
#[cfg(target_os = "linux")]
#[test]
fn who_was_taken_from_a_group_that_is_gone_goes_to_the_one_above_it() {
    let cpu = std::path::Path::new("/sys/fs/cgroup/cpu");
    let name = |what: &str| cpu.join(format!("test-{}-{what}", std::process::id()));
    let (group, home) = (name("taken"), name("home"));
    if std::fs::create_dir(&group).is_err() || !group.join("cgroup.procs").exists() {
        let _ = std::fs::remove_dir(&group);
        return crate::left_out::left_out("no control group of version 1 can be made for processor time");
    }
    let mut child = sleeper("run-f");
    std::fs::write(group.join("cgroup.procs"), child.id().to_string()).unwrap();
    let undo = Undo::Group { group: group.clone(), back: home.join("cgroup.procs") };
    assert_eq!((undo.perform(), undo.perform()), (Ok(()), Ok(())));
    let groups = std::fs::read_to_string(format!("/proc/{}/cgroup", child.id())).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!group.exists() && !groups.contains("-taken"), "{groups}");
}
