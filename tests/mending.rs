//! What programs get of `check`: diagnostics as data, fixes that are applied, pages of codes.

use crate::support::Place;
use serde_json::Value;
use std::fs;

const WRONG: &str = "scenario s {\r\n  target api = http(\"http://127.0.0.1:1\");\r\n  flow f on api {\r\n    get “/a”\r\n  }\r\n  load main of f {\r\n    hold 5/s for 1s\r\n  }\r\n  expect {\r\n    p59(main) < 1s\r\n    eror_rate(main) < 1%\r\n  }\r\n}\r\n";

fn json(place: &Place, arguments: &[&str]) -> Value {
    let ran = place.call(arguments);
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err))
}

#[test]
fn diagnostics_are_data_with_their_units() {
    let place = Place::new();
    place.write("a.stress", WRONG);
    fs::write(place.path().join("b.stress"), b"scenario \xff").unwrap();
    let told = json(&place, &["check", "--format", "json", "a.stress", "b.stress"]);
    let names: Vec<&str> =
        told["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a.stress", "b.stress"]);
    let all = told["diagnostics"].as_array().unwrap();
    let quotes = all.iter().find(|entry| entry["message"].as_str().unwrap().contains("typographic")).unwrap();
    let at = WRONG.find('“').unwrap() as u64;
    for (field, value) in
        [("line", 4), ("column", 9), ("end_line", 4), ("end_column", 13), ("start", at), ("end", at + 8)]
    {
        assert_eq!(quotes[field].as_u64(), Some(value), "{field} of {quotes}");
    }
    assert_eq!(quotes["file"], 0);
    assert_eq!(quotes["fix"]["applicability"], "machine-applicable");
    assert_eq!(quotes["fix"]["edits"][0]["text"], "\"/a\"");
    let near = all.iter().find(|entry| entry["message"].as_str().unwrap().contains("eror_rate")).unwrap();
    assert_eq!(near["fix"]["applicability"], "maybe");
    let unreadable = all.last().unwrap();
    assert_eq!(
        (&unreadable["code"], &unreadable["file"], &unreadable["line"]),
        (&"E0119".into(), &1.into(), &1.into())
    );
    assert!(unreadable["message"].as_str().unwrap().contains("not UTF-8"));
}

#[test]
fn what_has_one_meaning_is_mended_in_the_file_and_nothing_else() {
    let place = Place::new();
    let file = place.write("a.stress", WRONG);
    let dry = place.call(&["check", "--fix", "--dry-run", "a.stress"]);
    assert!(dry.out.contains("+    get \"/a\"") && dry.out.contains("-  target api"), "{}", dry.out);
    assert_eq!(fs::read_to_string(&file).unwrap(), WRONG);
    #[cfg(unix)]
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    let ran = place.call(&["check", "--fix", "a.stress"]);
    assert!(ran.code == 2 && ran.err.contains("eror_rate"), "{}", ran.err);
    let mended = WRONG.replace("“/a”", "\"/a\"").replace("\");", "\")");
    assert_eq!(fs::read_to_string(&file).unwrap(), mended);
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions()) & 0o777, 0o640);
    assert!(place.call(&["check", "--fix", "a.stress"]).out.is_empty());
    #[cfg(unix)]
    {
        let other = Place::new();
        std::os::unix::fs::symlink(other.write("a.stress", WRONG), place.path().join("led.stress")).unwrap();
        let ran = place.call(&["check", "--fix", "led.stress"]);
        assert!(ran.err.contains("which is not beneath"), "{}", ran.err);
        assert_eq!(fs::read_to_string(other.path().join("a.stress")).unwrap(), WRONG);
    }
}

#[test]
fn pages_of_codes_are_data() {
    let place = Place::new();
    let page = json(&place, &["explain", "--json", "e0103"]);
    assert_eq!((&page["code"], &page["severity"]), (&"E0103".into(), &"error".into()));
    assert!(page["text"].as_str().is_some_and(|text| text.len() > 40 && !text.contains("```")), "{page}");
    let examples = page["examples"].as_array().unwrap();
    assert!(
        examples.iter().any(|example| example["draws"] == "E0103") && examples.iter().any(|e| e["draws"].is_null())
    );
    let all = json(&place, &["explain", "--json"]);
    assert_eq!(all.as_array().unwrap().len(), stressc::diag::Code::ALL.len());
    assert_eq!(place.call(&["explain", "--json", "ramp"]).code, 2);
}

#[test]
fn a_name_is_told_of_no_directory_behind_a_link() {
    let place = Place::new();
    let other = Place::new();
    other.write("peoples.csv", "name\nanna\n");
    place.write("rows.csv", "name\nanna\n");
    let scenario = |path: &str| {
        place.write(
            "a.stress",
            &format!("data people = csv(\"{path}\")\nflow f(api: Http) on api {{\n  get \"/\"\n}}\n"),
        );
        place.call(&["check", "--format", "json", "a.stress"]).out
    };
    assert!(scenario("row.csv").contains("\\\"rows.csv\\\""));
    assert!(scenario("rows").contains("\\\"rows.csv\\\""));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(other.path(), place.path().join("led")).unwrap();
        assert!(!scenario("led/people.csv").contains("peoples"));
        fs::create_dir(place.path().join("own")).unwrap();
        place.write("own/peoples.csv", "name\nanna\n");
        assert!(scenario("own/people.csv").contains("own/peoples.csv"));
        std::os::unix::fs::symlink(place.path().join("own"), place.path().join("way")).unwrap();
        assert!(!scenario("way/people.csv").contains("peoples"));
    }
}
