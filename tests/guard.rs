//! The guardian of a run, over real processes: whatever is killed, what was done is taken back.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use stressc::guard::{Guard, MARK, Undo, Whom, dirty, recover};

const PROGRAM: &str = env!("CARGO_BIN_EXE_stressc");

fn start(place: &Path, run: &str) -> Guard {
    Guard::start(place, run, Path::new(PROGRAM)).unwrap()
}

fn sleeper(mark: &str) -> Child {
    Command::new("sleep").arg("60").env(MARK, mark).spawn().unwrap()
}

fn file(place: &Path, name: &str) -> PathBuf {
    let path = place.join(name);
    std::fs::write(&path, "left").unwrap();
    path
}

/// Whether it comes about in time; a busy machine gets more than the two seconds that are promised.
fn becomes(what: impl Fn() -> bool) -> bool {
    let over = Instant::now() + Duration::from_secs(20);
    while Instant::now() < over {
        if what() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

#[test]
fn what_a_run_leaves_open_is_taken_back_when_it_is_gone() {
    let place = tempfile::tempdir().unwrap();
    let mut guard = start(place.path(), "gone");
    let mut child = sleeper("gone-a");
    guard.begin("a service", Undo::Kill(Whom::Marked("gone-a".to_owned())), None).unwrap();
    let left = file(place.path(), "left");
    guard.begin("a file", Undo::Remove(left.clone()), None).unwrap();
    let kept = file(place.path(), "kept");
    let id = guard.begin("another", Undo::Remove(kept.clone()), None).unwrap();
    guard.end(id).unwrap();
    // As the kernel does it when the run is killed.
    drop(guard);
    assert!(becomes(|| !left.exists()));
    child.wait().unwrap();
    assert!(kept.exists(), "what was taken back is not taken back again");
    assert!(becomes(|| std::fs::read_dir(place.path()).unwrap().count() == 1), "the journal is gone");
}

#[test]
fn what_hangs_is_taken_back_at_its_deadline() {
    let place = tempfile::tempdir().unwrap();
    let mut guard = start(place.path(), "hangs");
    let (soon, later) = (file(place.path(), "soon"), file(place.path(), "later"));
    guard.begin("later", Undo::Remove(later.clone()), Some(Duration::from_secs(600))).unwrap();
    guard.begin("soon", Undo::Remove(soon.clone()), Some(Duration::from_millis(50))).unwrap();
    assert!(becomes(|| !soon.exists()));
    assert!(later.exists());
    guard.finish().unwrap();
    assert!(!later.exists());
}

#[test]
fn a_guardian_that_is_killed_is_followed_by_another() {
    let place = tempfile::tempdir().unwrap();
    let mut guard = start(place.path(), "follows");
    let (early, late) = (file(place.path(), "early"), file(place.path(), "late"));
    guard.begin("early", Undo::Remove(early.clone()), None).unwrap();
    let first = guard.process().unwrap();
    assert!(first.signal(rustix::process::Signal::KILL).unwrap());
    assert!(becomes(|| !first.is_alive()));
    guard.begin("late", Undo::Remove(late.clone()), None).unwrap();
    assert!(guard.process().unwrap() != first);
    drop(guard);
    assert!(becomes(|| !early.exists() && !late.exists()), "the second knows what the first knew");
}

#[test]
fn what_nobody_took_back_is_recovered() {
    let place = tempfile::tempdir().unwrap();
    let mut guard = start(place.path(), "both");
    let left = file(place.path(), "left");
    guard.begin("a file", Undo::Remove(left.clone()), None).unwrap();
    let guardian = guard.process().unwrap();
    guardian.signal(rustix::process::Signal::KILL).unwrap();
    assert!(becomes(|| !guardian.is_alive()));
    drop(guard);
    // The run is this test, which is alive; the journal of a dead one names another process.
    let journal = place.path().join("both.jsonl");
    let text = std::fs::read_to_string(&journal).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    let mut first: serde_json::Value = serde_json::from_str(first).unwrap();
    first["run"]["process"] = serde_json::json!({ "pid": 1, "started": 1 });
    std::fs::write(&journal, format!("{first}\n{rest}")).unwrap();
    let found = dirty(place.path()).unwrap();
    assert_eq!(found[0].left.iter().map(|left| left.what.as_str()).collect::<Vec<_>>(), ["a file"]);
    assert!(recover(&found[0].path).unwrap().iter().all(|one| one.problem.is_none()));
    assert!(!left.exists() && dirty(place.path()).unwrap().is_empty());
}
