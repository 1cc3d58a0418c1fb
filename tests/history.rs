//! Histories: what is told of many runs.

use crate::schemas::unlike;
use crate::support::Place;
use serde_json::Value;
use std::fmt::Write;

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
        (&["--series", "runs.csv", "--column", "commit"], "line 2: `c0` in the column `commit` is no number"),
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
