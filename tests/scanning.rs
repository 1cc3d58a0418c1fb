//! Diagnostics for code scanning: SARIF, and annotations of GitHub.

use crate::support::Place;
use serde_json::Value;

const WRONG: &str = "scenario s {\n  target api = http(\"http://127.0.0.1:1\");\n  flow f on api {\n    get “/ä”\n  }\n  load main of f {\n    hold 5/s for 1s\n  }\n  expect {\n    eror_rate(main) < 1%\n  }\n}\n";

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("no list `{name}` in {value}"))
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().filter(|text| !text.is_empty()).unwrap_or_else(|| panic!("no text `{name}` in {value}"))
}

/// A region, as lines and columns from 1 on; the end is after its last character.
fn region(value: &Value) -> [usize; 4] {
    let number = |name: &str| value[name].as_u64().unwrap_or_else(|| panic!("no `{name}` in {value}")) as usize;
    let all = ["startLine", "startColumn", "endLine", "endColumn"].map(number);
    assert!(all.iter().all(|number| *number >= 1) && (all[0], all[1]) <= (all[2], all[3]), "{value}");
    all
}

/// A reference that is relative to the root, of the characters that RFC 3986 lets stand in a path.
fn relative(location: &Value) -> &str {
    let uri = text(location, "uri");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/%".contains(c);
    assert!(!uri.starts_with('/') && uri.chars().all(is_plain), "{uri}");
    assert_eq!(location["uriBaseId"], "%SRCROOT%");
    uri
}

/// Checks a log by the schema, and by what SARIF 2.1.0 requires beside it (chapter 3 of the standard) of all that this log holds.
fn is_sarif(log: &Value) {
    assert_eq!(crate::schemas::unlike_sarif(log), None);
    assert_eq!(log["version"], "2.1.0");
    assert!(text(log, "$schema").ends_with("sarif-2.1.0.json"));
    let [run] = list(log, "runs") else { panic!("one run") };
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let driver = &run["tool"]["driver"];
    assert_eq!(text(driver, "name"), "stressc");
    let rules = list(driver, "rules");
    let ids: Vec<&str> = rules.iter().map(|rule| text(rule, "id")).collect();
    for (at, rule) in rules.iter().enumerate() {
        assert!(!ids[..at].contains(&ids[at]), "{} is twice among the rules", ids[at]);
        text(&rule["shortDescription"], "text");
        assert!(text(&rule["help"], "markdown").starts_with(&format!("# {}", ids[at])));
        text(&rule["help"], "text");
        assert!(matches!(text(&rule["defaultConfiguration"], "level"), "error" | "warning"));
    }
    for result in list(run, "results") {
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(text(result, "ruleId"), ids[index]);
        assert!(matches!(text(result, "level"), "error" | "warning"));
        text(&result["message"], "text");
        let related = result.get("relatedLocations").map_or(&[][..], |_| list(result, "relatedLocations"));
        for location in list(result, "locations").iter().chain(related) {
            relative(&location["physicalLocation"]["artifactLocation"]);
            region(&location["physicalLocation"]["region"]);
        }
        for fix in result.get("fixes").map_or(&[][..], |_| list(result, "fixes")) {
            text(&fix["description"], "text");
            for change in list(fix, "artifactChanges") {
                relative(&change["artifactLocation"]);
                let replacements = list(change, "replacements");
                assert!(!replacements.is_empty());
                for replacement in replacements {
                    region(&replacement["deletedRegion"]);
                    assert!(replacement["insertedContent"]["text"].is_string());
                }
            }
        }
    }
}

/// The offset of a line and a column.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    start + text[start..].chars().take(column - 1).map(char::len_utf8).sum::<usize>()
}

#[test]
fn a_log_is_sarif_whose_fixes_mend_the_file() {
    let place = Place::new();
    std::fs::create_dir(place.path().join("in it")).unwrap();
    let name = "in it/a#100%:ä.stress";
    let file = place.write(name, WRONG);
    std::fs::write(place.path().join("b.stress"), b"scenario \xff").unwrap();
    let ran = place.call(&["check", "--format", "sarif", name, "b.stress"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    let log: Value = serde_json::from_str(&ran.out).unwrap();
    is_sarif(&log);
    let results = list(&log["runs"][0], "results");
    assert!(results.iter().any(|result| result["ruleId"] == "E0119"), "{}", ran.out);
    // A path that was given whole is told from here.
    let whole = place.call(&["check", "--format", "sarif", &file.display().to_string(), "b.stress"]);
    assert_eq!(serde_json::from_str::<Value>(&whole.out).unwrap(), log);
    let mut edits = Vec::new();
    for result in results {
        for fix in result.get("fixes").map_or(&[][..], |_| list(result, "fixes")) {
            for change in list(fix, "artifactChanges") {
                assert_eq!(relative(&change["artifactLocation"]), "in%20it/a%23100%25%3A%C3%A4.stress");
                for replacement in list(change, "replacements") {
                    let [line, column, end_line, end_column] = region(&replacement["deletedRegion"]);
                    let range = offset(WRONG, line, column)..offset(WRONG, end_line, end_column);
                    edits.push((range, replacement["insertedContent"]["text"].as_str().unwrap()));
                }
            }
        }
    }
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut mended = WRONG.to_owned();
    edits.into_iter().for_each(|(range, text)| mended.replace_range(range, text));
    // A near name is a guess, and stands in the message alone.
    assert_eq!(mended, WRONG.replace("“/ä”", "\"/ä\"").replace("\");", "\")"));
    let near = results.iter().find(|result| result["message"]["text"].as_str().unwrap().contains("eror_rate")).unwrap();
    assert!(near.get("fixes").is_none() && near["message"]["text"].as_str().unwrap().contains("error_rate"), "{near}");
}

#[test]
fn a_file_without_mistakes_is_a_log_without_results() {
    let place = Place::new();
    place.write("a.stress", "// nothing\n");
    let ran = place.call(&["check", "--format", "sarif", "a.stress"]);
    let log: Value = serde_json::from_str(&ran.out).unwrap();
    is_sarif(&log);
    assert_eq!((ran.code, list(&log["runs"][0], "results").len()), (0, 0));
    assert_eq!(place.call(&["check", "--format", "github", "a.stress"]).out, "");
}

#[test]
fn annotations_show_diagnostics_at_their_places() {
    let place = Place::new();
    place.write("a,b.stress", WRONG);
    let ran = place.call(&["check", "--format", "github", "a,b.stress", "none.stress"]);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(
        lines.iter().all(|line| line.starts_with("::error file=") || line.starts_with("::warning file=")),
        "{}",
        ran.out
    );
    let quotes = lines.iter().find(|line| line.contains("typographic")).unwrap_or_else(|| panic!("{}", ran.out));
    assert!(quotes.starts_with("::error file=a%2Cb.stress,line=4,endLine=4,col=9,endColumn=13,title=E"), "{quotes}");
    assert!(lines.last().unwrap().contains("file=none.stress,line=1,"), "{}", ran.out);
    assert!(ran.err.is_empty() && ran.code == 2, "{}", ran.err);
}
