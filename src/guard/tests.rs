#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use super::journal::{Journal, Line, Read};
use super::*;
use std::io::Write;
use std::process::{Child, Command};

fn sleeper(mark: &str) -> Child {
    Command::new("sleep").arg("60").env(MARK, mark).spawn().unwrap()
}

/// As `/proc` tells it.
fn state(child: &Child) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    stat.rsplit(')').next().unwrap().split_ascii_whitespace().next().unwrap().to_owned()
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
    let begin = |id: u64, undo: Undo| Line::Begin { id, what: format!("thing {id}"), undo, within_ms: None };
    journal.write(&begin(1, Undo::Remove(file.clone()))).unwrap();
    journal.write(&begin(2, Undo::Remove(place.path().join("never")))).unwrap();
    journal.write(&begin(3, Undo::Remove(place.path().join("done")))).unwrap();
    journal.write(&Line::End { id: 3 }).unwrap();
    assert_eq!(Read::of(&journal.path).unwrap().by, [Process::this().unwrap()]);
    assert!(dirty(place.path()).unwrap().is_empty(), "its run is alive");
    // Of a run that is gone, and was killed while it wrote.
    let text = std::fs::read_to_string(&journal.path).unwrap();
    let (head, rest) = text.split_once('\n').unwrap();
    assert!(head.contains("run-d"));
    let mut dead = std::fs::File::create(&journal.path).unwrap();
    write!(
        dead,
        "{{\"run\":{{\"id\":\"run-d\",\"process\":{{\"pid\":1,\"started\":1}}}}}}\n{rest}{{\"begin\":{{\"id\":4,"
    )
    .unwrap();
    let left = dirty(place.path()).unwrap();
    assert_eq!(
        (left[0].run.as_str(), left[0].left.clone()),
        ("run-d", vec!["thing 2".to_owned(), "thing 1".to_owned()])
    );
    let done = recover(&left[0].path).unwrap();
    assert_eq!(done.iter().map(|one| one.what.as_str()).collect::<Vec<_>>(), ["thing 2", "thing 1"]);
    assert!(done.iter().all(|one| one.problem.is_none()) && !file.exists() && !journal.path.exists());
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
    let path = place.path().join("run-e.jsonl");
    let undo = Undo::Run {
        program: "false".to_owned(),
        arguments: Vec::new(),
        variables: Vec::new(),
        directory: place.path().to_owned(),
        within_ms: 5_000,
    };
    let line =
        serde_json::to_string(&Line::Begin { id: 1, what: "a command".to_owned(), undo, within_ms: None }).unwrap();
    std::fs::write(&path, format!("{line}\n")).unwrap();
    let done = recover(&path).unwrap();
    assert!(done[0].problem.as_ref().unwrap().contains("could not run `false`: exit status: 1"), "{done:?}");
    assert_eq!(dirty(place.path()).unwrap()[0].left, ["a command"]);
    std::fs::write(&path, format!("{line}\n").replace("false", "true")).unwrap();
    assert!(recover(&path).unwrap()[0].problem.is_none());
    assert!(dirty(place.path()).unwrap().is_empty());
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
