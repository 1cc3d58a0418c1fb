//! Histories: what is told of many runs.

use crate::records::Disk;
use crate::schemas::unlike;
use crate::services::postgres_is_missing;
use crate::support::{Place, Ran, Script, Server, signal, wait_until};
use serde_json::{Value, json};
use sqlx::{Connection, Executor};
use std::fmt::Write;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

/// A level, a step down by a tenth with the 21st run, and noise that repeats.
fn stepped(runs: usize) -> String {
    let mut text = "commit,p50,p95\n".to_owned();
    for run in 0..runs {
        let level = if run < 20 { 200.0 } else { 180.0 };
        let noise = [0.0, 1.1, -0.7, 0.4, -1.3, 0.9, -0.2][run % 7];
        let _ = writeln!(text, "c{run},7,{}", level + noise);
    }
    text
}

#[test]
fn a_column_of_numbers_has_its_change_points() {
    let place = Place::new();
    place.write("runs.csv", &stepped(40));
    let told = place.call(&["history", "--series", "runs.csv", "--column", "p95"]);
    assert_eq!(told.code, 0, "{}", told.err);
    for wanted in ["p95: 40 runs, 179 to 201", "█▁", "c0 to c19 ", "median 180", "−10% from c20 on (−10.", "c20 to c39"]
    {
        assert!(told.out.contains(wanted), "{wanted}: {}", told.out);
    }
    assert!(!told.out.contains("creep"), "{}", told.out);
    let json = place.call(&["history", "--series", "runs.csv", "--column", "p95", "--json"]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(unlike("history", &json), None);
    let series = &json["series"][0];
    assert_eq!((series["changes"][0]["index"].as_u64(), series["changes"].as_array().unwrap().len()), (Some(20), 1));
    assert_eq!((&series["values"][20]["run"], series["segments"][1]["median"].as_f64()), (&"c20".into(), Some(180.0)));
    let change = series["changes"][0]["shift"]["change"].as_f64().unwrap();
    assert!((-0.105..-0.095).contains(&change), "{change}");
    let flat = place.call(&["history", "--series", "runs.csv", "--column", "p50"]);
    assert!(flat.out.contains("no change point"), "{}", flat.out);
}

#[test]
fn a_wrong_file_a_wrong_column_and_too_few_rows_are_said_in_a_line() {
    let place = Place::new();
    place.write("runs.csv", &stepped(40));
    place.write("short.csv", &stepped(7));
    for (arguments, wanted) in [
        (&["--series", "none.csv"][..], "error: `none.csv` cannot be read: No such file"),
        (&["--series", "."], "error: `.` is no file; name a CSV file"),
        (
            &["--series", "runs.csv"],
            "`runs.csv`: name one of its columns with `--column NAME`: it has `commit`, `p50`, `p95`",
        ),
        (&["--series", "runs.csv", "--column", "p59"], "it has no column `p59`; did you mean `p95`?"),
        (&["--series", "runs.csv", "--column", "commit"], "line 2: `c0` in the column `commit` is not a number"),
        (
            &["--series", "short.csv", "--column", "p95"],
            "has 7 numbers in the column `p95`, and a change is told from 8 on",
        ),
    ] {
        let told = place.call(&[&["history"], arguments].concat());
        assert!(told.code == 3 && told.err.contains(wanted), "{arguments:?}: {} {}", told.code, told.err);
        assert_eq!((told.err.lines().count(), told.out.as_str()), (1, ""), "{}", told.err);
    }
}

/// What a record of a run holds that a history needs, whose p95 is so many milliseconds.
fn record(place: &Path, number: usize, p95: f64, change: impl Fn(&mut Value)) {
    let id = format!("20260101T{:02}{:02}00Z-test-0000", number / 60, number % 60);
    let step = json!({
        "step": "go.home", "requests": 100, "samples": 100, "failed": {}, "per_second": 50.0, "p95_ns": p95 * 1e6, "p99_ns": 2e6 * p95,
    });
    let mut result = json!({
        "id": id, "file": "test.stress", "scenario": "test", "profile": null, "started": format!("2026-01-01T{:02}:{:02}:00Z", number / 60, number % 60),
        "plan_sha256": "ab", "complete": true, "verdict": "passed", "trust": { "state": "trusted" }, "share": { "index": 0, "count": 1 },
        "expectations": [{ "text": "p95(main) < 300ms", "implied": false, "numbers": { "value": { "number": p95 * 1e6, "unit": "duration", "known": "value" } } }],
        "windows": [{ "load": "main", "name": "hold", "judged": true, "steps": [step] }],
    });
    change(&mut result);
    let directory = place.join(".stress/runs").join(&id);
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("run.json"), result.to_string()).unwrap();
    let machine = json!({ "processor": "", "cores": 1, "memory": 1, "system": "", "kernel": "" });
    let context = json!({ "stressc": "0", "machine": machine, "commit": format!("{number:040x}") });
    std::fs::write(directory.join("context.json"), context.to_string()).unwrap();
}

/// Thirty runs, of which the last ten are a fifth slower.
fn records(place: &Place, change: impl Fn(usize, &mut Value)) {
    for number in 0..30 {
        let noise = [0.0, 1.1, -0.7, 0.4, -1.3, 0.9, -0.2][number % 7];
        let p95 = if number < 20 { 100.0 } else { 120.0 } + noise;
        record(place.path(), number, p95, |result| change(number, result));
    }
}

fn history(place: &Place, more: &[&str]) -> Value {
    let told = place.call(&[&["history", "--json"], more].concat());
    assert_eq!(told.code, 0, "{}", told.err);
    let json = serde_json::from_str(&told.out).unwrap();
    assert_eq!(unlike("history", &json), None);
    json
}

#[test]
fn recorded_runs_have_a_history_with_the_commit_of_a_change() {
    let place = Place::new();
    records(&place, |number, result| match number {
        3 => result["trust"]["state"] = "untrusted".into(),
        4 | 5 => result["plan_sha256"] = "cd".into(),
        6 => result["verdict"] = "aborted".into(),
        _ => {}
    });
    let told = place.call(&["history"]);
    for wanted in [
        "test.stress:test\np95(main): 26 runs, 98.7ms to 121ms",
        "+20% from 20260101T002000Z-test-0000 at commit 0000000000 on",
        "p95(main.go.home) during hold: 26 runs",
        "throughput(main.go.home) during hold",
        "no change point",
        "2 runs left out, because the scenario or its profile was not the same as in the newest run",
        "1 run left out, because the numbers are not trusted",
    ] {
        assert!(told.out.contains(wanted), "{wanted}: {}{}", told.out, told.err);
    }
    let json = history(&place, &["--metric", "p95(main)", "test.stress:test"]);
    assert_eq!(json["series"].as_array().unwrap().len(), 1);
    let change = &json["series"][0]["changes"][0];
    assert_eq!(
        json["series"][0]["values"][change["index"].as_u64().unwrap() as usize]["commit"],
        format!("{:040x}", 20)
    );
    assert_eq!(history(&place, &["--last", "10"])["series"][0]["values"].as_array().unwrap().len(), 10);
    for (arguments, wanted) in [
        (&["--metric", "p96(main)"][..], "no metric has `p96(main)` in its name; did you mean `p95(main)`?"),
        (&["other.stress"], "no run of `other.stress` is recorded in `./.stress/runs`"),
        (&["--store", "mysql://u:geheim@localhost/x"], "`--store` takes the URL of a PostgreSQL"),
    ] {
        let told = place.call(&[&["history"], arguments].concat());
        assert!(told.code == 3 && told.err.contains(wanted) && !told.err.contains("geheim"), "{}", told.err);
    }
    assert!(Place::new().call(&["history"]).err.contains("no run is recorded in `./.stress/runs`"));
}

fn blocking<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

async fn connected(place: &Place) -> sqlx::SqliteConnection {
    let file = place.path().join(".stress/history.db");
    sqlx::SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap()
}

#[test]
fn an_index_that_is_lost_or_damaged_is_made_again_and_a_newer_one_is_refused() {
    let place = Place::new();
    records(&place, |_, _| {});
    let first = history(&place, &[]);
    let file = place.path().join(".stress/history.db");
    assert!(file.is_file());
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(place.path().join(format!(".stress/history.db{end}")));
    }
    assert_eq!(history(&place, &[])["series"], first["series"], "it was lost");
    std::fs::write(&file, vec![7; 40_000]).unwrap();
    let again = history(&place, &[]);
    assert_eq!(again["series"], first["series"], "it was damaged");
    assert!(again["notes"][0].as_str().unwrap().contains("is made again from the records"), "{}", again["notes"]);
    // Damage that only whoever reads a run comes upon.
    blocking(async {
        connected(&place).await.execute("UPDATE stressc_runs SET metrics = '{'").await.unwrap();
    });
    let again = history(&place, &[]);
    assert_eq!(again["series"], first["series"], "a run of it was damaged");
    assert!(again["notes"][0].as_str().unwrap().contains("is made again from the records"), "{}", again["notes"]);
    // A record that was removed is in no history.
    std::fs::remove_dir_all(place.path().join(".stress/runs/20260101T000100Z-test-0000")).unwrap();
    assert_eq!(history(&place, &[])["series"][0]["values"].as_array().unwrap().len(), 29);
    blocking(async {
        connected(&place).await.execute("INSERT INTO stressc_schema (version) VALUES (9)").await.unwrap();
    });
    let told = place.call(&["history"]);
    let wanted = "it has schema 9, and this version knows schemas up to 1: use the stressc that wrote it";
    assert!(told.code == 3 && told.err.contains(wanted), "{}", told.err);
    // Not even a run cares.
    let server = Server::start(Duration::ZERO);
    let ran = place.run(&server.scenario("    hold 20/s for 1s", "    count(main) > 1"), &[]);
    assert!(
        matches!(ran.code, 0 | 5) && ran.err.contains("it is not in the history in") && ran.err.contains(wanted),
        "{}",
        ran.err
    );
    // A link that came with a repository leads nowhere.
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink(place.path().join("elsewhere.db"), &file).unwrap();
    let told = place.call(&["history"]);
    assert!(told.code == 3 && told.err.contains("is no regular file"), "{}", told.err);
    assert!(!place.path().join("elsewhere.db").exists());
}

/// The ids in an index.
fn rows(place: &Place) -> i64 {
    blocking(async {
        let mut index = connected(place).await;
        sqlx::query_scalar("SELECT COUNT(*) FROM stressc_runs").fetch_one(&mut index).await.unwrap()
    })
}

#[test]
fn runs_that_end_at_once_are_all_in_the_index_and_a_locked_one_changes_no_verdict() {
    let server = Server::start(Duration::ZERO);
    let place = Place::new();
    place.write("test.stress", &server.scenario("    hold 20/s for 1s", "    count(main) > 1"));
    let runs: Vec<_> = (0..4).map(|_| place.spawn(&["run", "test.stress", "--no-progress"])).collect();
    for run in runs {
        let ran = place.ended(run.wait_with_output().unwrap());
        assert!(matches!(ran.code, 0 | 5) && !ran.err.contains("warning"), "{}", ran.err);
    }
    assert_eq!(rows(&place), 4);
    let lock = |place: &Place| -> Ran {
        blocking(async {
            let mut writer = connected(place).await;
            writer.execute("BEGIN IMMEDIATE").await.unwrap();
            let ran = place.call(&["run", "test.stress", "--no-progress"]);
            writer.execute("ROLLBACK").await.unwrap();
            ran
        })
    };
    let ran = lock(&place);
    assert!(matches!(ran.code, 0 | 5), "{}", ran.err);
    assert!(
        ran.err.contains("warning: the run is recorded, but it is not in the history in `./.stress/history.db`"),
        "{}",
        ran.err
    );
    assert!(ran.result["verdict"] == "passed" || ran.code == 5, "{}", ran.out);
    assert_eq!((rows(&place), place.runs().len()), (4, 5));
    history(&place, &[]);
    assert_eq!(rows(&place), 5, "what was not indexed is added later");
}

#[test]
fn a_postgres_keeps_the_history_of_several_places_and_no_password_is_told() {
    let server = Server::start(Duration::ZERO);
    let scenario = server.scenario("    hold 20/s for 1s", "    count(main) > 1");
    let away = "postgres://somebody:geheim@127.0.0.1:1/runs";
    let alone = Place::new();
    let ran = alone.run(&scenario, &["--store", away]);
    assert!(matches!(ran.code, 0 | 5), "{}", ran.err);
    assert!(ran.err.contains("not in the history in the PostgreSQL at `127.0.0.1`, database `runs`"), "{}", ran.err);
    assert!(!ran.err.contains("geheim") && !ran.out.contains("geheim"), "{}", ran.err);
    if postgres_is_missing() {
        return;
    }
    // A cluster as long as somebody needs it, whose URL its neighbour writes down.
    let host = Place::new();
    let script = Script::start(|_, _| (200, String::new()));
    host.write(
        "host.stress",
        &format!(
            "scenario host {{\n  service pg = postgres()\n  service told = process(\"sh\", \"-c\", \"printf %s $URL > {}; exec sleep 1000\") {{\n    env: {{ URL: pg.url }}\n  }}\n  target api = http(\"http://{}\")\n  flow look on api {{\n    get \"/\"\n  }}\n  load main of look {{\n    hold 1/s for 10m\n  }}\n  expect crashes(told) == 0\n}}\n",
            host.path().join("url").display(),
            script.address
        ),
    );
    let mut cluster = host.spawn(&["run", "host.stress", "--no-progress"]);
    let url = || std::fs::read_to_string(host.path().join("url")).unwrap_or_default();
    wait_until("the cluster is there", Duration::from_secs(60), || url().starts_with("postgres://"));
    let url = url();
    let places = [Place::new(), Place::new()];
    let mut runs = Vec::new();
    for place in &places {
        place.write("test.stress", &scenario);
        runs.extend((0..2).map(|_| place.spawn(&["run", "test.stress", "--no-progress", "--store", &url])));
    }
    for run in runs {
        let output = run.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(matches!(output.status.code(), Some(0 | 5)) && !err.contains("warning"), "{err}");
    }
    // What was not told while the server was away is told as soon as somebody asks.
    let told = alone.command(&["history", "test.stress", "--json"]).env("STRESSC_STORE", &url).output().unwrap();
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    let count = told["series"][0]["values"].as_array().map_or(0, Vec::len);
    assert!(count > 4 || ran.code == 5, "{told}");
    let mut ids = Vec::new();
    for place in &places {
        let told = place.command(&["history", "test.stress", "--json"]).env("STRESSC_STORE", &url).output().unwrap();
        let told: Value = serde_json::from_slice(&told.stdout).unwrap();
        ids.push(told["series"][0]["values"].clone());
        assert!(!place.path().join(".stress/history.db").exists());
    }
    signal(&cluster, "INT");
    cluster.wait().unwrap();
    // Runs that are not trusted on a busy machine are in it and not in the series.
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn a_full_disk_costs_no_record_and_the_index_is_made_when_there_is_room() {
    let place = Place::new();
    let Some(disk) = Disk::make(place.path().join("disk"), "512k") else { return };
    for number in 0..9 {
        record(&disk.0, number, 100.0, |_| {});
    }
    disk.fill();
    let told = place.call(&["history", "--record", "disk"]);
    assert!(
        told.code == 3 && told.err.contains("the history in `disk/.stress/history.db` cannot be read"),
        "{}",
        told.err
    );
    assert_eq!((told.err.lines().count(), told.out.as_str()), (1, ""), "{}", told.err);
    disk.empty();
    let told = history(&place, &["--record", "disk"]);
    assert_eq!(told["series"][0]["values"].as_array().map(Vec::len), Some(9), "{told}");
}

#[test]
fn old_records_are_removed_and_never_one_that_something_names() {
    let place = Place::new();
    let server = Server::start(Duration::ZERO);
    let text = server.scenario("    hold 20/s for 300ms", "    count(main) > 1");
    place.run(&text, &["--quiet"]);
    let real = place.runs().pop().unwrap();
    let runs = place.path().join(".stress/runs");
    let copy = |id: &str| {
        std::fs::create_dir_all(runs.join(id)).unwrap();
        for file in ["plan.json", "run.json"] {
            std::fs::copy(real.join(file), runs.join(id).join(file)).unwrap();
        }
    };
    let old = |day: usize| format!("202501{day:02}T000000Z-test-0000");
    (1..=6).for_each(|day| copy(&old(day)));
    // One of a baseline, one that has no result, one that is part of another record, one that is no record, and a link.
    std::fs::create_dir_all(place.path().join("baselines/test/test")).unwrap();
    place.write(&format!("baselines/test/test/{}.json", old(1)), "{}");
    std::fs::remove_file(runs.join(old(2)).join("run.json")).unwrap();
    let plan = std::fs::read_to_string(real.join("plan.json")).unwrap();
    let child = plan.replacen('{', "{\"parent\": \"20250101T000000Z-suite-0000\", ", 1);
    std::fs::write(runs.join(old(3)).join("plan.json"), child.replace("\"parent\": null,", "")).unwrap();
    std::fs::create_dir(runs.join("20240101T000000Z-mine-0000")).unwrap();
    std::fs::write(runs.join("20240101T000000Z-mine-0000/notes.txt"), "mine").unwrap();
    let prune = |more: &[&str]| place.call(&[&["history", "prune"], more].concat());
    assert_eq!(prune(&[]).code, 2, "it says which");
    let asked = prune(&["--keep", "1"]);
    let wanted =
        format!("nothing is removed: this would remove 3 runs, from `{}` to `{}`; pass `--yes`", old(4), old(6));
    assert!(asked.code == 3 && asked.err.contains(&wanted), "{}{}", asked.out, asked.err);
    assert_eq!(place.runs().len(), 8);
    let done = prune(&["--keep", "2", "--yes"]);
    assert!(done.code == 0 && done.out.contains("removed 2 runs"), "{}{}", done.out, done.err);
    assert!(done.err.contains("2 runs kept, because a baseline or another record names them"), "{}", done.err);
    assert!(done.err.contains("1 run kept, because"), "{}", done.err);
    let done = prune(&["test.stress:test", "--older", "30d", "--yes"]);
    assert!(done.out.contains("removed 1 run"), "{}{}", done.out, done.err);
    let left: Vec<String> =
        place.runs().iter().map(|run| run.file_name().unwrap().to_string_lossy().into_owned()).collect();
    let real = real.file_name().unwrap().to_string_lossy().into_owned();
    assert_eq!(left, ["20240101T000000Z-mine-0000".to_owned(), old(1), old(2), old(3), real]);
    assert!(prune(&["--older", "soon"]).err.contains("write it like `30d` or `12h`"));
}
