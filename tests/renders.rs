//! What is made of a record, whatever version made it.

use crate::support::Place;
use crate::support::compile::root;
use serde_json::Value;
use std::path::PathBuf;
use stressc::report::Format;

/// Records by the number of their format, each beside what the version that made it printed of it as `report.json`, and what is printed of it
/// today in the hundred columns of a pipe as `report.txt`: the same words and numbers, laid out as reports are now.
/// The scenarios that they are runs of lie in `tests/records/`.
fn records() -> Vec<PathBuf> {
    let formats = std::fs::read_dir(root().join("tests/records")).unwrap().flatten().map(|entry| entry.path());
    let inside = |format: PathBuf| std::fs::read_dir(format).unwrap().flatten().map(|entry| entry.path());
    formats.filter(|format| format.is_dir()).flat_map(inside).collect()
}

/// What of a value is not in another one, or otherwise: fields may be added, and none may go.
fn lost(at: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (name, value) in old {
                match new.get(name) {
                    Some(now) => lost(&format!("{at}.{name}"), value, now, found),
                    None => found.push(format!("{at}.{name} is missing")),
                }
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            let both = old.iter().zip(new).enumerate();
            both.for_each(|(index, (old, new))| lost(&format!("{at}[{index}]"), old, new, found));
        }
        (old, new) if old == new => {}
        (old, new) => found.push(format!("{at} was {old} and is {new}")),
    }
}

#[test]
fn a_record_made_by_a_version_before_renders_the_same() {
    let place = Place::new();
    let records = records();
    assert!(records.len() >= 3, "{records:?}");
    for record in records {
        let path = record.display().to_string();
        let text = place.call(&["report", &path]);
        assert_eq!(text.out, std::fs::read_to_string(record.join("report.txt")).unwrap(), "{path}: {}", text.err);
        let json = place.call(&["report", &path, "--json"]);
        let then: Value = serde_json::from_slice(&std::fs::read(record.join("report.json")).unwrap()).unwrap();
        let now: Value = serde_json::from_str(&json.out).unwrap();
        let mut found = Vec::new();
        lost("", &then, &now, &mut found);
        assert!(found.is_empty(), "{path}:\n{}", found.join("\n"));
        assert_eq!((text.code, json.code), (then["exit_code"].as_i64().unwrap() as i32, text.code));
    }
}

/// What `--out` writes of a record. JSON may get new fields, which the test before this one allows; of other formats stands in
/// `report.NAME` what was read and found good.
#[test]
fn a_record_renders_in_every_format() {
    let place = Place::new();
    for format in Format::ALL {
        for record in records() {
            let path = record.display().to_string();
            let ran = place.call(&["report", &path, "--out", &format!("{}=-", format.name())]);
            match format {
                // `tests/html.rs` opens it in a browser.
                Format::Html => {
                    assert!(ran.out.starts_with("<!DOCTYPE html>") && ran.out.ends_with("</html>\n"), "{path}");
                }
                Format::Json => assert_eq!(ran.out, place.call(&["report", &path, "--json"]).out),
                Format::Junit | Format::Markdown | Format::Csv | Format::Github => {
                    let file = record.join(format!("report.{}", format.name()));
                    if std::env::var_os("BLESS").is_some() {
                        std::fs::write(&file, &*ran.out).unwrap();
                    }
                    assert_eq!(ran.out, std::fs::read_to_string(&file).unwrap_or_default(), "{}", file.display());
                }
            }
        }
    }
}

/// A copy of a record, whose plan is changed.
fn changed(place: &Place, change: impl Fn(&mut serde_json::Map<String, Value>)) -> Value {
    let (from, to) = (root().join("tests/records/1/ends"), place.path().join("record"));
    std::fs::create_dir_all(&to).unwrap();
    for name in ["plan.json", "intervals.hlog", "events.jsonl"] {
        std::fs::copy(from.join(name), to.join(name)).unwrap();
    }
    let mut plan: Value = serde_json::from_slice(&std::fs::read(to.join("plan.json")).unwrap()).unwrap();
    change(plan.as_object_mut().unwrap());
    std::fs::write(to.join("plan.json"), serde_json::to_vec(&plan).unwrap()).unwrap();
    plan
}

#[test]
fn a_record_has_the_number_of_its_format_and_one_of_a_later_version_is_refused() {
    let place = Place::new();
    let server = crate::support::Server::start(std::time::Duration::ZERO);
    place.run(&server.scenario("    hold 20/s for 1s", "    error_rate(main) < 1%"), &[]).passed();
    let text = std::fs::read_to_string(place.runs()[0].join("plan.json")).unwrap();
    assert!(text.starts_with("{\n  \"format\": 2,\n"), "{text}");
    assert_eq!(place.call(&["report", "last"]).code, 0);
    changed(&place, |plan| drop(plan.insert("format".to_owned(), 3.into())));
    let ran = place.call(&["report", "record"]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    let said = "plan.json`: is of format 3, and this version reads none after 2; take the version that made it, or a newer one";
    assert!(ran.err.contains(said), "{}", ran.err);
    changed(&place, |plan| drop(plan.insert("format".to_owned(), "two".into())));
    assert!(place.call(&["report", "record"]).err.contains("has a format that no version writes"));
    changed(&place, |_| {});
    assert_eq!(place.call(&["report", "record"]).code, 3, "the service ended");
}
