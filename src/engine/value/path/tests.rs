//! What is scanned is what the whole document would have given, whatever document and path.

use super::*;
use crate::engine::value::same;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

struct Random(ChaCha8Rng);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0.next_u64() % n
    }

    fn pick<'t>(&mut self, all: &[&'t str]) -> &'t str {
        all[self.below(all.len() as u64) as usize]
    }
}

/// Few names, so that paths find something and objects have some of them twice.
const NAMES: [&str; 6] = ["a", "b", "", "id", "\u{e9}", "a\\\"b"];
const BLANKS: [&str; 4] = ["", "", " ", "\n\t"];

/// A text of JSON, as servers write it: blanks anywhere, escapes, names twice.
fn document(random: &mut Random, depth: u64) -> String {
    let blank = random.pick(&BLANKS).to_owned();
    let value = match random.below(if depth == 0 { 6 } else { 9 }) {
        0 => "null".to_owned(),
        1 => random.pick(&["true", "false"]).to_owned(),
        2 => random
            .pick(&["0", "-0", "17", "9007199254740993", "18446744073709551615", "-9223372036854775808"])
            .to_owned(),
        3 => random.pick(&["1.5", "1e3", "-2.5E-3", "123456789012345678901234567890", "0.1"]).to_owned(),
        4 | 5 => random
            .pick(&["\"\"", "\"plain\"", "\"\\u00e9\\n\\\"\"", "\"\u{e9}\u{1f600}\"", "\"\\ud83d\\ude00\""])
            .to_owned(),
        6 | 7 => {
            let fields: Vec<String> = (0..random.below(5))
                .map(|_| {
                    format!(
                        "{}\"{}\"{}:{}",
                        random.pick(&BLANKS),
                        random.pick(&NAMES),
                        random.pick(&BLANKS),
                        document(random, depth - 1)
                    )
                })
                .collect();
            format!("{{{}{}}}", fields.join(","), random.pick(&BLANKS))
        }
        _ => {
            let items: Vec<String> = (0..random.below(5)).map(|_| document(random, depth - 1)).collect();
            format!("[{}{}]", items.join(","), random.pick(&BLANKS))
        }
    };
    format!("{blank}{value}{}", random.pick(&BLANKS))
}

fn path(random: &mut Random) -> String {
    let mut path = "$".to_owned();
    for _ in 0..random.below(4) {
        path += &match random.below(7) {
            0 => format!("[{}]", random.below(4)),
            1 => format!("[-{}]", random.below(3) + 1),
            2 => random.pick(&["[*]", "..*", "..[0]"]).to_owned(),
            3 => format!("..[\"{}\"]", random.pick(&NAMES)),
            _ => format!("[\"{}\"]", random.pick(&NAMES)),
        };
    }
    path
}

/// By the engine for all paths, over the whole document.
fn general(path: &JsonPath, text: &[u8]) -> Result<Value, Unusable> {
    let document: Json = serde_json::from_slice(text).map_err(|_| Unusable::Missing)?;
    Ok(path.all(&document)?.first().map_or(Value::Null, |found| from_json(found)))
}

#[test]
fn a_scan_finds_what_the_document_holds() {
    let mut random = Random(ChaCha8Rng::seed_from_u64(7));
    let (mut found, mut scanned) = (0, 0);
    for _ in 0..20_000 {
        let (text, written) = (document(&mut random, 4), path(&mut random));
        let path = JsonPath::new(&written).expect("it is a path");
        let wanted = general(&path, text.as_bytes()).expect("it is JSON");
        found += usize::from(!matches!(wanted, Value::Null));
        let whole: Json = serde_json::from_str(&text).unwrap();
        let walked = path.first(&whole).unwrap();
        assert!(same(&walked, &wanted), "{written} in {text}: {walked:?}");
        assert_eq!(path.can_scan(), !written.contains("[-"));
        if path.can_scan() {
            scanned += 1;
            let got = path.scan(text.as_bytes()).expect("it is JSON");
            assert!(same(&got, &wanted), "{written} in {text}: {got:?}");
        }
    }
    assert!(found > 1000 && scanned > 5000, "{found} of {scanned}");
}

/// One byte gone, doubled or another one: refused where the document is, wherever the mistake stands.
#[test]
fn what_is_no_json_is_refused_whole() {
    let mut random = Random(ChaCha8Rng::seed_from_u64(11));
    let mut refused = 0;
    for _ in 0..20_000 {
        let mut text = document(&mut random, 3).into_bytes();
        let place = random.below(text.len() as u64) as usize;
        match random.below(3) {
            0 => drop(text.remove(place)),
            1 => text.insert(place, text[place]),
            _ => text[place] = b"\0x\"{}[],:1\\\xff"[random.below(12) as usize],
        }
        let written = path(&mut random);
        let path = JsonPath::new(&written).expect("it is a path");
        if !path.can_scan() {
            continue;
        }
        let wanted = general(&path, &text);
        refused += usize::from(wanted.is_err());
        match (path.scan(&text), wanted) {
            (Ok(got), Ok(wanted)) => assert!(same(&got, &wanted)),
            (Err(_), Err(_)) => {}
            // Skipped over: valid by the grammar (RFC 8259, 7 and 8.2), though no text holds it.
            (Ok(_), Err(_)) => assert!(lone_surrogate(&text), "{written} in {}", String::from_utf8_lossy(&text)),
            (Err(_), Ok(_)) => panic!("{written} in {}", String::from_utf8_lossy(&text)),
        }
    }
    assert!(refused > 5000, "{refused}");
}

fn lone_surrogate(text: &[u8]) -> bool {
    String::from_utf8_lossy(text).contains("\\ud")
}

#[test]
fn counts_are_of_the_list_or_of_all_that_is_found() {
    let document: Json = serde_json::json!({ "items": [{ "id": 1 }, { "id": 2 }], "none": [], "one": [[1, 2, 3]] });
    for (path, wanted) in [
        ("$.items", Some(2.0)),
        ("$.items[*]", Some(2.0)),
        ("$..id", Some(2.0)),
        ("$.none", Some(0.0)),
        ("$.none[*]", Some(0.0)),
        ("$.missing[*]", Some(0.0)),
        ("$.one[*]", Some(1.0)),
        ("$.one[-1]", Some(3.0)),
        ("$.items[0]", None),
        ("$.missing", None),
    ] {
        let wanted = wanted.map_or(Value::Null, Value::Number);
        assert!(same(&JsonPath::new(path).unwrap().count(&document).unwrap(), &wanted), "{path}");
    }
}

#[test]
fn what_is_looked_through_again_and_again_is_bounded() {
    let list = |items: usize| Json::Array(vec![Json::Null; items]);
    for (path, most) in [("$..a..b", 31_000), ("$..['a..b']..b", 31_000), ("$..*..*..*", 990)] {
        let path = JsonPath::new(path).unwrap();
        assert!(path.all(&list(900)).is_ok());
        assert_eq!(path.all(&list(most * 2)).err(), Some(Unusable::TooLarge(TOO_OFTEN)));
    }
    assert!(JsonPath::new("$..['a..b$']").unwrap().all(&list(100_000)).is_ok(), "once");
}

#[test]
fn of_a_long_text_only_what_is_found_is_held() {
    let text = format!("[{}{{\"id\":7,\"more\":[1]}}]", "[0],".repeat(700_000));
    for (path, found) in
        [("$..id", Json::from(7)), ("$[*].more", serde_json::json!([1])), ("$..more[0]", Json::from(1))]
    {
        let got = JsonPath::new(path).unwrap().scan(text.as_bytes()).unwrap();
        assert!(same(&got, &from_json(&found)), "{path}: {got:?}");
    }
    assert_eq!(JsonPath::new("$").unwrap().scan(text.as_bytes()).unwrap_err(), Unusable::TooLarge(TOO_MUCH));
    assert_eq!(JsonDocument::read(text.as_bytes()).err(), Some(Unusable::TooLarge(TOO_MUCH)));
}

#[test]
fn numbers_are_found_as_they_are_spelled() {
    let body = br#"{"a": {"n": 1e3, "m": 5}, "list": [9007199254740993, 1.10, -0, 1E+400], "deep": [{"n": 12345678901234567.25}]}"#;
    let document = JsonDocument::read(body).ok().unwrap();
    for (path, spelled) in [
        ("$.a.n", "1e3"),
        ("$.a.*", "1e3"),
        ("$.list[0]", "9007199254740993"),
        ("$.list[1]", "1.10"),
        ("$.list[2]", "-0"),
        ("$.list[3]", "1E+400"),
        ("$.deep..n", "12345678901234567.25"),
        ("$..m", "5"),
    ] {
        let path = JsonPath::new(path).unwrap();
        for found in [path.scan(body), path.first(&document.json)] {
            let mut text = String::new();
            crate::engine::value::write_plain(&found.unwrap(), &mut text).unwrap();
            assert_eq!(text, spelled);
        }
    }
    // A number has no parts, whatever the parser makes of it.
    for path in ["$.a.m.*", "$.a.m['$serde_json::private::Number']", "$.a.m[0]"] {
        assert!(matches!(JsonPath::new(path).unwrap().scan(body), Ok(Value::Null)), "{path}");
    }
}
