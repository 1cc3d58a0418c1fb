//! Baselines: kept beside the scenario, held against, and whole whatever happens.

use crate::diff::git;
use crate::records::Disk;
use crate::support::{Place, Ran, Server};
use std::path::Path;
use std::time::Duration;
use stressc::baseline::{Entry, Facts, SCHEMA};
use stressc::store::Baselines;

const STAGES: &str = "    hold 100/s for 1s";
const EXPECT: &str = "    p50(main) <= baseline + 5%\n    error_rate(main) < 50%";

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
    let mut names: Vec<String> = entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn entry(run: &str, number: u64) -> Entry {
    Entry {
        schema: SCHEMA,
        run: run.to_owned(),
        number,
        set: "first".to_owned(),
        name: None,
        scenario: "test".to_owned(),
        profile: None,
        started: "2026-01-01T00:00:00Z".to_owned(),
        commit: None,
        seed: 1,
        plan_sha256: String::new(),
        facts: Facts::default(),
        metrics: Vec::new(),
        times: Vec::new(),
    }
}

/// On a busy machine a run may be no measure; that is of other tests.
fn recorded(place: &Place, arguments: &[&str], runs: usize) -> bool {
    let ran = place.call(arguments);
    let kept = names(&place.path().join("baselines/test/test"));
    if ran.code == 5 {
        assert!(ran.err.contains("is not kept as a baseline: its numbers are not trusted"), "{}", ran.err);
        return false;
    }
    assert_eq!((ran.code, kept.len()), (0, runs), "{}{}", ran.out, ran.err);
    true
}

fn judged(ran: &Ran) -> (&str, &serde_json::Value) {
    let first = &ran.result["expectations"][0];
    (first["verdict"].as_str().unwrap_or(""), &first["baseline"])
}

#[test]
fn a_regression_is_caught_against_recorded_runs_and_accepted() {
    let (fast, slow) = (Server::start(Duration::from_millis(10)), Server::start(Duration::from_millis(60)));
    let place = Place::new();
    // Without one it says how to get one.
    let ran = place.run(&fast.scenario(STAGES, EXPECT), &[]);
    assert!(matches!(ran.code, 4 | 5), "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("there is no baseline yet: record one with `stressc baseline record … --runs 5`"),
        "{}",
        ran.out
    );
    let in_git = git(&place, &["init"]) && git(&place, &["commit", "--allow-empty", "-m", "one"]);
    let record = ["baseline", "record", "test.stress:test", "--runs", "3", "--no-progress", "--name", "v1"];
    if !recorded(&place, &record, 3) {
        return;
    }
    let listed = place.call(&["baseline", "list", "test.stress"]);
    assert!(listed.out.contains("→ test `v1`  3 runs since 20"), "{}", listed.out);
    let shown = place.call(&["baseline", "show", "test.stress:test"]);
    assert!(
        shown.out.contains("p50(main) = ") && shown.out.contains("the stage `hold1` of `main`: hold 100/s for 1s"),
        "{}",
        shown.out
    );
    // Another address is what one compares.
    let ran = place.run(&slow.scenario(STAGES, EXPECT), &[]);
    let (verdict, baseline) = judged(&ran);
    assert_eq!((verdict, &baseline["verdict"]), ("failed", &"regressed".into()), "{}{}", ran.out, ran.err);
    assert_eq!((ran.code, &baseline["runs"]), (1, &serde_json::json!([3, 1])));
    assert!(
        ran.out.contains("regressed: +") && ran.out.contains(") against 3 runs, smallest detectable change +"),
        "{}",
        ran.out
    );
    let unlike = "unlike in the baseline, the address of `api` is `127.0.0.1:";
    assert!(ran.out.contains(unlike), "{}", ran.out);
    // Which runs these were, for a reader who wants to see them.
    let runs = ran.result["baseline_runs"].as_array().unwrap();
    assert_eq!(runs.len(), 3, "{runs:?}");
    let commit = runs[0]["commit"].as_str();
    assert!(commit.is_some() == in_git && runs.iter().all(|run| run["commit"].as_str() == commit), "{runs:?}");
    let commit = commit.map_or(String::new(), |commit| format!(" at commit `{}`", &commit[..12]));
    let told = format!("baseline: 3 runs of {}{commit}", &runs[0]["started"].as_str().unwrap()[..10]);
    assert!(ran.out.contains(&told), "{told}\n{}", ran.out);
    let comment = place.call(&["report", "last", "--out", "markdown=-"]).out;
    assert!(comment.contains("(1 run against 3 runs of 20") && comment.contains(&commit), "{comment}");
    // What was compared is part of the record.
    let again = place.call(&["report", "last", "--json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&again.out).unwrap(), ran.result);
    // A run that regressed becomes no measure by itself.
    let ran = place.call(&["run", "test.stress", "--no-progress", "--quiet", "--save-baseline"]);
    assert_eq!((ran.code, names(&place.path().join("baselines/test/test")).len()), (1, 3), "{}", ran.err);
    assert!(ran.err.contains("stressc baseline accept FILE:SCENARIO"), "{}", ran.err);
    let ran = place.call(&["baseline", "accept", "test.stress:test", "last"]);
    assert_eq!((ran.code, names(&place.path().join("baselines/test/test")).len()), (0, 4), "{}", ran.err);
    let ran = place.call(&["run", "test.stress", "--no-progress"]);
    assert!(
        ran.code != 1
            && ran.out.contains("against 1 run, smallest detectable change +")
            && ran.out.contains("is advice alone"),
        "{}",
        ran.out
    );
    // The older one is there by its name.
    let named = EXPECT.replace("baseline +", "baseline(\"v1\") +");
    assert_eq!(judged(&place.run(&slow.scenario(STAGES, &named), &[])).0, "failed");
    let dropped = place.call(&["baseline", "drop", "test.stress:test", "v1"]);
    assert_eq!((dropped.code, names(&place.path().join("baselines/test/test")).len()), (0, 1), "{}", dropped.err);
}

#[test]
fn where_no_file_keeps_one_the_history_is_the_baseline() {
    let server = Server::start(Duration::from_millis(10));
    let place = Place::new();
    let text = server.scenario(STAGES, EXPECT);
    for earlier in 0..3 {
        let ran = place.run(&text, &[]);
        if ran.code == 5 {
            return;
        }
        let few = match earlier {
            0 => "there is no baseline yet: record one".to_owned(),
            1 => "the history has 1 run to compare with, of which it takes 3".to_owned(),
            runs => format!("the history has {runs} runs to compare with, of which it takes 3"),
        };
        assert!(ran.code == 4 && ran.out.contains(&few), "{few}\n{}{}", ran.out, ran.err);
    }
    server.becomes(Duration::from_millis(60));
    let ran = place.run(&text, &[]);
    if ran.code == 5 {
        return;
    }
    let note = "is compared with its current stable segment in the history, 3 runs since ";
    assert!(ran.code == 1 && ran.out.contains(note), "{}{}", ran.out, ran.err);
    assert_eq!(judged(&ran).1["verdict"], "regressed");
    // What regressed is no measure for the next run.
    let ran = place.run(&text, &[]);
    assert!(matches!(ran.code, 1 | 5) && ran.out.contains(note), "{}{}", ran.out, ran.err);
    // A name means files, and a file comes first.
    let named = text.replace("<= baseline +", "<= baseline(\"v1\") +");
    let ran = place.run(&named, &[]);
    assert!(matches!(ran.code, 4 | 5) && ran.out.contains("no baseline is called `v1`"), "{}{}", ran.out, ran.err);
}

#[test]
fn what_did_something_else_is_not_compared_and_it_is_said_what() {
    let server = Server::start(Duration::from_millis(10));
    let place = Place::new();
    place.write("test.stress", &server.scenario(STAGES, EXPECT));
    if !recorded(&place, &["baseline", "record", "test.stress:test", "--runs", "1", "--no-progress"], 1) {
        return;
    }
    let ran = place.run(&server.scenario("    hold 50/s for 1s", EXPECT), &[]);
    let wanted = "not comparable with the baseline: the stage `hold1` of `main` is hold 50/s for 1s, and was hold 100/s for 1s: record a new baseline";
    assert!(ran.out.contains(wanted), "{}", ran.out);
    assert!(ran.code != 1, "{}", ran.out);
    let elsewhere = server.scenario(STAGES, EXPECT).replace("get \"/", "get \"/elsewhere");
    let ran = place.run(&elsewhere, &[]);
    let wanted = "step 1 of the flow `browse` is `GET /elsewhere` as `home`, and was `GET /` as `home`";
    assert!(ran.out.contains(wanted), "{}", ran.out);
}

#[test]
fn runs_go_on_until_it_is_decided() {
    let server = Server::start(Duration::from_millis(10));
    let place = Place::new();
    place.write("test.stress", &server.scenario(STAGES, EXPECT));
    let told = place.call(&["plan", "test.stress", "--runs", "2..4"]);
    assert!(told.out.contains("2 to 4 runs of "), "{}", told.out);
    // Without a baseline more of them decide nothing.
    let ran = place.call(&["run", "test.stress", "--no-progress", "--runs", "2..4", "--save-baseline", "main"]);
    if ran.code == 5 {
        return;
    }
    assert_eq!((ran.code, place.runs().len()), (4, 2), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("2 to 4 runs of ") && ran.err.contains("run 1 of at most 4 is done"), "{}", ran.err);
    // They passed nothing, and are the first of a baseline.
    let kept = names(&place.path().join("baselines/test/test"));
    assert_eq!(kept.len(), 2, "{}", ran.err);
    let two = place.call(&["run", "test.stress", "--no-progress", "--quiet", "--runs", "2"]);
    let (_, baseline) = judged(&two);
    assert!(two.code == 5 || baseline["runs"] == serde_json::json!([2, 2]), "{baseline}{}", two.err);
}

#[test]
fn what_is_looked_at_while_the_run_goes_on_is_held_against_no_baseline() {
    let server = Server::start(Duration::ZERO);
    let text = server.scenario(STAGES, EXPECT);
    let text = text.replace("  expect {", "  abort when p50(main) > baseline * 2 for 1s\n  expect {");
    let ran = Place::new().run(&text, &[]);
    assert_eq!((ran.code, server.count()), (3, 0), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("E0113") && ran.err.contains("a `baseline` that is looked at while"), "{}", ran.err);
}

#[test]
fn two_that_write_at_once_lose_nothing_and_none_is_written_over() {
    let place = Place::new();
    let file = place.path().join("test.stress");
    let write = |from: usize| {
        let baselines = Baselines::of(&file, "test");
        for number in 0..20 {
            baselines.add(&entry(&format!("run-{}", from + number), 1)).unwrap();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| write(0));
        scope.spawn(|| write(100));
    });
    let baselines = Baselines::of(&file, "test");
    let kept = baselines.read().unwrap();
    assert_eq!((kept.entries.len(), kept.problems.len(), names(baselines.directory()).len()), (40, 0, 40));
    let again = baselines.add(&Entry { seed: 2, ..entry("run-0", 9) }).unwrap_err().to_string();
    assert!(again.contains("run-0.json`: is there already, and no run is written over"), "{again}");
    assert_eq!(baselines.read().unwrap().entries, kept.entries);
    // One run that two write at once is there once and whole.
    let results: Vec<bool> = std::thread::scope(|scope| {
        let writers = [5, 6].map(|seed| {
            let baselines = &baselines;
            scope.spawn(move || baselines.add(&Entry { seed, ..entry("both", 2) }).is_ok())
        });
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    assert!(results.iter().any(|done| *done), "{results:?}");
    assert_eq!(baselines.read().unwrap().problems.len(), 0);
}

#[test]
fn a_clock_that_was_set_back_changes_no_order() {
    let place = Place::new();
    let baselines = Baselines::of(&place.path().join("test.stress"), "test");
    baselines.add(&entry("20260301T000000Z-test-0001", 1)).unwrap();
    baselines.add(&entry("20260101T000000Z-test-0002", 2)).unwrap();
    let runs: Vec<u64> = baselines.read().unwrap().entries.iter().map(|entry| entry.number).collect();
    assert_eq!(runs, [1, 2]);
    // One of the future is told, and the next comes behind it.
    let server = Server::start(Duration::from_millis(5));
    place.write("test.stress", &server.scenario(STAGES, "    error_rate(main) < 50%"));
    baselines
        .add(&Entry { started: "2999-01-01T00:00:00Z".to_owned(), ..entry("29990101T000000Z-test-0003", 7) })
        .unwrap();
    let ran = place.call(&["run", "test.stress", "--no-progress", "--quiet", "--save-baseline"]);
    if ran.code == 0 {
        assert!(ran.err.contains("the clock of this machine is behind"), "{}", ran.err);
        assert_eq!(baselines.read().unwrap().entries.last().map(|entry| entry.number), Some(8));
    }
}

#[test]
fn damaged_files_are_told_and_hide_no_other() {
    let place = Place::new();
    let baselines = Baselines::of(&place.path().join("test.stress"), "test");
    for (number, run) in (1..).zip(["a", "b", "c", "d"]) {
        baselines.add(&entry(run, number)).unwrap();
    }
    let text = std::fs::read_to_string(baselines.file("b")).unwrap();
    std::fs::write(baselines.file("b"), &text[..text.len() / 2]).unwrap();
    std::fs::write(baselines.file("c"), text.replace("\"schema\": 1", "\"schema\": 2")).unwrap();
    std::fs::write(baselines.file("e"), &text).unwrap();
    std::fs::write(baselines.directory().join("notes.txt"), "no run").unwrap();
    let told = place.call(&["baseline", "list", "test.stress:test"]);
    assert_eq!(told.code, 1, "{}", told.out);
    for wanted in [
        "b.json`: is damaged: it is no JSON",
        "c.json`: is of schema 2, and this version knows up to 1",
        "e.json`: holds the run `b`",
    ] {
        assert!(told.err.contains(wanted), "{}", told.err);
    }
    assert!(told.out.contains("2 runs") && told.out.contains("    a\n    d\n"), "{}", told.out);
    // A link leads to what is somebody else's.
    std::fs::remove_dir_all(place.path().join("baselines/test")).unwrap();
    std::os::unix::fs::symlink("/tmp", place.path().join("baselines/test")).unwrap();
    let refused = baselines.add(&entry("a", 1)).unwrap_err().to_string();
    assert!(refused.contains("baselines/test`: is no directory of its own"), "{refused}");
}

#[test]
fn a_full_disk_costs_the_new_run_and_no_other() {
    let place = Place::new();
    let Some(disk) = Disk::make(place.path().join("disk"), "64k") else { return };
    let baselines = Baselines::of(&disk.0.join("test.stress"), "test");
    baselines.add(&entry("a", 1)).unwrap();
    disk.fill();
    let large = Entry { scenario: "x".repeat(20_000), ..entry("b", 2) };
    let told = baselines.add(&large).unwrap_err().to_string();
    assert!(told.contains("b.json`: cannot be written, and nothing else was touched: No space left"), "{told}");
    assert_eq!(names(baselines.directory()), ["a.json"]);
    assert_eq!(baselines.read().unwrap().entries.len(), 1);
    disk.empty();
    baselines.add(&large).unwrap();
    assert_eq!(baselines.read().unwrap().entries.len(), 2);
}

#[test]
fn two_variants_take_turns_and_the_slower_one_is_named() {
    let (fast, slow) = (Server::start(Duration::from_millis(10)), Server::start(Duration::from_millis(60)));
    let place = Place::new();
    let expect = "    p50(main) < 1s\n    error_rate(main) < 50%";
    let text = fast.scenario(STAGES, expect);
    let text = text.replace(&format!("http(\"http://{}\")", fast.address), "http(place)");
    place.write("test.stress", &format!("param place: Text = \"http://{}\"\n\n{text}", fast.address));
    let [a, b] = [&fast, &slow].map(|server| format!("place=\"http://{}\"", server.address));
    let ran = place.call(&[
        "compare",
        "test.stress:test",
        "--a",
        &a,
        "--b",
        &b,
        "--runs",
        "2",
        "--no-progress",
        "--tolerance",
        "5%",
        "--out",
        "markdown=turns.md",
        "--out",
        "html=turns.html",
    ]);
    if ran.code == 5 {
        return;
    }
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    for (place, which) in (1..).zip(["a", "b", "b", "a"]) {
        assert!(ran.err.contains(&format!("run {place} of 4 is done: `{which}`")), "{}", ran.err);
    }
    assert!(
        ran.out.contains("✘ p50(main)  worse: +") && ran.out.contains("it is worse by more than 5%"),
        "{}",
        ran.out
    );
    // The records of the first two, and one with another window.
    let other = place.run(&fast.scenario("    hold 100/s for 1s as other", expect), &[]);
    let ids: Vec<String> =
        place.runs().iter().map(|run| run.file_name().unwrap().to_string_lossy().into_owned()).collect();
    let sides = place.call(&["compare", &ids[0], &ids[1]]);
    assert_eq!(sides.code, 0, "{}", sides.err);
    let mut sure = sides.out.lines().filter(|line| line.starts_with("≠"));
    assert!(sure.any(|line| line.contains("p50(main") && line.contains(" → ")), "{}", sides.out);
    // The same as a page and as a comment.
    let read = |name: &str| std::fs::read_to_string(place.path().join(name)).unwrap();
    let (turns, page) = (read("turns.md"), read("turns.html"));
    assert!(turns.starts_with("### ✘ ") && turns.contains("| ✘ worse | `p50(main)` |"), "{turns}");
    assert!(turns.contains("it is worse by more than 5%"), "{turns}");
    assert!(page.contains("<title>") && page.contains("worse") && page.ends_with("</html>\n"), "{page}");
    let out = ["--out", "markdown=-", "--out", "html=sides.html", "--out", "json=sides.json"];
    let told = place.call(&[["compare", &ids[0], &ids[1]].as_slice(), &out].concat());
    assert!(told.out.starts_with("### ≠ ") && told.out.contains(&format!("`{}` against", ids[1])), "{}", told.out);
    assert!(told.err.contains(&sides.out.0), "{}", told.err);
    let value: serde_json::Value = serde_json::from_str(&read("sides.json")).unwrap();
    assert!(value["metrics"].as_array().unwrap().iter().any(|own| own["verdict"] == "differs"), "{value}");
    let refused = place.call(&["compare", &ids[0], &ids[1], "--out", "csv=a.csv"]);
    assert!(refused.code == 2 && refused.err.contains("is not a format of a comparison"), "{}", refused.err);
    let windows = place.call(&["compare", &ids[0], &ids[4]]);
    assert!(windows.out.contains(&format!("in {} alone: main, other", ids[4])), "{}{}", windows.out, other.err);
    assert_eq!(place.call(&["compare", &ids[0]]).code, 2);
    assert_eq!(place.call(&["compare", &ids[0], &ids[1], "--a", &a]).code, 2);
    for more in [["--tolerance", "5%"], ["--runs", "2"]] {
        let refused = place.call(&[["compare", &ids[0], &ids[1]].as_slice(), &more].concat());
        assert!(refused.code == 2 && refused.err.contains("--a"), "{}{}", refused.out, refused.err);
    }
}

#[test]
fn what_takes_turns_is_told_again_as_it_was_and_at_most_so_long() {
    let server = Server::start(Duration::from_millis(5));
    let place = Place::new();
    let text = server.scenario("    hold 50/s for length", EXPECT);
    place.write("test.stress", &format!("param length: Duration = 1s\n\n{text}"));
    // What is kept is not asked for, so it hinders nobody.
    let baselines = place.path().join("baselines/test");
    std::fs::create_dir_all(&baselines).unwrap();
    std::fs::write(baselines.join("test"), "no directory").unwrap();
    let ran = place.call(&[
        "compare",
        "test.stress:test",
        "--a",
        "length=1s",
        "--b",
        "length=2s",
        "--runs",
        "2",
        "--no-progress",
    ]);
    // The longer of both, with what is waited for behind it.
    assert!(ran.err.contains("4 runs of 32s at most: 2m8s in all"), "{}", ran.err);
    let runs = place.runs();
    assert!(!runs.is_empty(), "{}{}", ran.out, ran.err);
    let again = place.call(&["report", "last", "--json"]);
    let recorded = std::fs::read_to_string(runs.last().unwrap().join("run.json")).unwrap();
    assert!(recorded.contains("it is compared with the other variant"), "{recorded}");
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&again.out).unwrap(),
        serde_json::from_str::<serde_json::Value>(&recorded).unwrap()
    );
}

#[test]
fn none_is_accepted_where_one_is_refused() {
    let server = Server::start(Duration::from_millis(5));
    let place = Place::new();
    let first = place.run(&server.scenario(STAGES, EXPECT), &[]);
    if first.code == 5 {
        return;
    }
    let id = place.runs()[0].file_name().unwrap().to_string_lossy().into_owned();
    place.run(&server.scenario(STAGES, EXPECT).replace("scenario test", "scenario other"), &[]);
    let kept = || names(&place.path().join("baselines/test/test")).len();
    for second in ["last", "nowhere", &id] {
        let refused = place.call(&["baseline", "accept", "test.stress:test", &id, second]);
        assert_eq!((refused.code, kept()), (3, 0), "{second}{}{}", refused.out, refused.err);
    }
    let accepted = place.call(&["baseline", "accept", "test.stress:test", &id]);
    assert_eq!((accepted.code, kept()), (0, 1), "{}", accepted.err);
    let again = place.call(&["baseline", "accept", "test.stress:test", &id]);
    assert!(again.code == 3 && again.err.contains("is a run of a baseline already"), "{}", again.err);
}

#[cfg(unix)]
#[test]
fn nothing_is_written_or_removed_where_others_lead_the_way() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let baselines = Baselines::of(&place.path().join("test.stress"), "test");
    baselines.add(&entry("first", 1)).unwrap();
    let anybody = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(place.path().join("baselines"), anybody).unwrap();
    let refused = baselines.add(&entry("second", 2)).unwrap_err().to_string();
    assert!(refused.contains("where no other user can change the path"), "{refused}");
    assert!(baselines.remove("first").is_err());
    assert_eq!(baselines.read().unwrap().entries.len(), 1);
}
