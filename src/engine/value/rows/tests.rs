//! Tables from files of each format, files that changed, and which rows are picked.

use super::*;
use crate::inputs::data::table;
use crate::inputs::root::open_named;
use crate::plan::{Dialect, Encoding};
use std::path::Path;

/// A data file and what a plan keeps of it.
fn planned(directory: &Path, format: &str, content: &str, declared: &[(&str, Type)]) -> Data {
    let path = directory.join(format!("rows.{format}"));
    std::fs::write(&path, content).unwrap();
    let format: DataFormat = serde_json::from_value(format.into()).unwrap();
    let dialect = Dialect::default();
    let table = table(open_named(&path).unwrap(), "rows", format, &dialect).unwrap();
    let mut columns = table.columns;
    for (name, kind) in declared {
        columns.iter_mut().find(|(own, _)| own == name).unwrap().1 = *kind;
    }
    let name = "people".to_owned();
    Data {
        name,
        path: table.path,
        format,
        dialect,
        sha256: table.sha256,
        rows: table.rows,
        columns,
        times: table.times,
    }
}

/// The same file held in memory and left where it is.
fn both(data: &Data) -> [Table; 2] {
    [Table::load(data).unwrap(), Table::load_below(data, 0).unwrap()]
}

fn shown(table: &Table, row: u64, column: &str) -> String {
    format!("{:?}", table.value(row, column, &mut Cursor::default()))
}

#[test]
fn cells_of_csv_are_of_the_type_of_their_column() {
    let place = tempfile::tempdir().unwrap();
    let content = "\u{feff}id,name,ok,code\n1,\"Ada, L.\",true,007\n-2.5,,false,8\n";
    let data = planned(place.path(), "csv", content, &[]);
    both(&data).iter().for_each(cells_of_csv);
    let texts = planned(place.path(), "csv", content, &[("id", Type::Text)]);
    both(&texts).iter().for_each(|rows| assert_eq!(shown(rows, 1, "id"), "Some(Text(\"-2.5\"))"));
}

fn cells_of_csv(rows: &Table) {
    assert_eq!(rows.rows(), 2);
    assert_eq!([shown(rows, 0, "id"), shown(rows, 1, "id")], ["Some(Number(1.0))", "Some(Number(-2.5))"]);
    assert_eq!([shown(rows, 0, "name"), shown(rows, 1, "name")], ["Some(Text(\"Ada, L.\"))", "Some(Text(\"\"))"]);
    assert_eq!([shown(rows, 0, "ok"), shown(rows, 1, "ok")], ["Some(Bool(true))", "Some(Bool(false))"]);
    assert_eq!([shown(rows, 0, "code"), shown(rows, 1, "code")], ["Some(Text(\"007\"))", "Some(Text(\"8\"))"]);
    assert_eq!([shown(rows, 2, "id"), shown(rows, 2, "name"), shown(rows, 0, "age")], ["None"; 3]);
}

#[test]
fn numbers_keep_their_digits() {
    let place = tempfile::tempdir().unwrap();
    let csv = "id,price\n1452000000000005600,19.90\n7,1e400\n";
    let json = "[{\"id\": 1452000000000005600, \"price\": 19.90}, {\"id\": 7, \"price\": -0}]";
    let lines = "{\"id\": 1452000000000005600, \"price\": 19.90}\n{\"id\": 7, \"price\": 1e-400}\n";
    for (format, content, last) in [("csv", csv, "1e400"), ("json", json, "-0"), ("jsonl", lines, "1e-400")] {
        for rows in both(&planned(place.path(), format, content, &[])) {
            assert_eq!(shown(&rows, 0, "id"), "Some(Exact(\"1452000000000005600\"))", "{format}");
            assert_eq!(shown(&rows, 0, "price"), "Some(Exact(\"19.90\"))", "{format}");
            assert_eq!(shown(&rows, 1, "id"), "Some(Number(7.0))", "{format}");
            assert_eq!(shown(&rows, 1, "price"), format!("Some(Exact(\"{last}\"))"));
        }
    }
    let as_text = both(&planned(place.path(), "json", json, &[("price", Type::Text)]));
    as_text.iter().for_each(|rows| assert_eq!(shown(rows, 0, "price"), "Some(Text(\"19.90\"))"));
}

#[test]
fn cells_of_json_are_what_they_are_or_null() {
    let place = tempfile::tempdir().unwrap();
    let lines = "{\"id\": 1, \"tags\": [\"a\"]}\n\n{\"id\": \"x\", \"note\": null}\n";
    let list = "[{\"id\": 1, \"tags\": [\"a\"]}, {\"id\": \"x\", \"note\": null}]";
    for (format, content) in [("jsonl", lines), ("json", list)] {
        both(&planned(place.path(), format, content, &[])).iter().for_each(cells_of_json);
    }
}

fn cells_of_json(rows: &Table) {
    assert_eq!([shown(rows, 0, "id"), shown(rows, 1, "id")], ["Some(Text(\"1\"))", "Some(Text(\"x\"))"]);
    assert!(matches!(rows.value(0, "tags", &mut Cursor::default()), Some(Value::Json(_))));
    assert_eq!([shown(rows, 1, "tags"), shown(rows, 1, "note")], ["Some(Null)"; 2]);
    assert_eq!([shown(rows, 2, "tags"), shown(rows, 0, "age")], ["None"; 2]);
}

#[test]
fn a_file_is_read_as_its_dialect_says() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("rows.csv");
    let names = Some(["id", "name", "note"].map(str::to_owned).to_vec());
    let latin1 = Dialect { separator: ';', encoding: Encoding::Latin1, names: names.clone() };
    let tabs = Dialect { separator: '\t', encoding: Encoding::Unicode, names };
    let utf16: Vec<u8> = "\u{feff}1\tZoë\ta;b €\r\n2\tBo\t\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (dialect, content, stays) in [
        (&latin1, &b"1;Zo\xeb;\"a;b \x80\"\r\n2;Bo;\n"[..], true),
        (&tabs, "\u{feff}1\tZoë\ta;b €\r\n2\tBo\t\n".as_bytes(), true),
        (&tabs, &utf16, false),
    ] {
        std::fs::write(&path, content).unwrap();
        let found = table(open_named(&path).unwrap(), "rows", DataFormat::Csv, dialect).unwrap();
        let data = Data {
            name: "people".to_owned(),
            path: found.path,
            format: DataFormat::Csv,
            dialect: dialect.clone(),
            sha256: found.sha256,
            rows: found.rows,
            columns: found.columns,
            times: None,
        };
        // UTF-16 is never so large that its rows stay in their file.
        let tables: Vec<Table> = match stays {
            true => both(&data).into(),
            false => vec![Table::load(&data).unwrap()],
        };
        for rows in &tables {
            assert_eq!(rows.rows(), 2, "the first line is a row");
            assert_eq!([shown(rows, 0, "id"), shown(rows, 1, "id")], ["Some(Number(1.0))", "Some(Number(2.0))"]);
            assert_eq!(shown(rows, 0, "name"), "Some(Text(\"Zoë\"))");
            assert_eq!(shown(rows, 0, "note"), "Some(Text(\"a;b €\"))");
            assert_eq!([shown(rows, 1, "name"), shown(rows, 1, "note")], ["Some(Text(\"Bo\"))", "Some(Text(\"\"))"]);
        }
        let plan = serde_json::to_value(&data).unwrap();
        assert_eq!(serde_json::from_value::<Data>(plan).unwrap().dialect, *dialect);
    }
}

/// Numbers that look random.
fn stream(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 16
    }
}

/// Many rows of all lengths, with whatever a cell may hold, in each format and with each line end.
fn many(format: &str, end: &str, numbers: &mut dyn FnMut() -> u64) -> String {
    let mut lines = Vec::new();
    for row in 0..3_000 {
        let length = if numbers().is_multiple_of(200) { 20_000 } else { numbers() % 40 };
        let pieces = ["a", "é", "\"\"", ",", "\n", "\r\n", " ", "\u{feff}", "7"];
        let text: String = (0..length).map(|_| pieces[numbers() as usize % pieces.len()]).collect();
        lines.push(match format {
            "csv" => format!("{row},\"{text}\",{}", numbers().is_multiple_of(2)),
            _ => serde_json::json!({ "id": row, "text": text, "ok": [text, { "a": "]}" }] }).to_string(),
        });
    }
    match format {
        // The last line has no end of its own, and some are empty.
        "csv" => format!("id,text,ok{end}{}", lines.join(&format!("{end}{end}"))),
        "json" => format!(" [{end}{} ]{end}", lines.join(&format!(" ,{end}"))),
        _ => lines.join(&format!("{end}{end}")),
    }
}

#[test]
fn rows_that_are_left_in_their_file_are_those_that_are_held() {
    let place = tempfile::tempdir().unwrap();
    let mut numbers = stream(11);
    for (format, end, mark) in [
        ("csv", "\n", ""),
        ("csv", "\r\n", ""),
        ("csv", "\n", "\u{feff}"),
        ("jsonl", "\n", ""),
        ("jsonl", "\r\n", ""),
        ("json", "\n", ""),
        ("json", "", ""),
    ] {
        let content = format!("{mark}{}", many(format, end, &mut numbers));
        let [held, left] = both(&planned(place.path(), format, &content, &[]));
        assert!(matches!((&held.store, &left.store), (Store::Held(_), Store::Left(..))));
        assert_eq!((held.rows(), left.rows()), (3_000, 3_000), "{format}");
        let mut cursor = Cursor::default();
        let forth = (0..3_000).chain((0..3_000).rev());
        let anywhere: Vec<u64> = (0..3_000).map(|_| numbers() % 3_000).collect();
        for row in forth.chain(anywhere).chain([3_000, u64::MAX]) {
            for column in ["id", "text", "ok", "none"] {
                let found = left.value(row, column, &mut cursor);
                let wanted = held.value(row, column, &mut Cursor::default());
                assert_eq!(format!("{found:?}"), format!("{wanted:?}"), "{format} {end:?} row {row} `{column}`");
            }
        }
    }
}

#[test]
fn a_file_that_shrinks_while_it_is_read_gives_no_rows() {
    let place = tempfile::tempdir().unwrap();
    let content = many("csv", "\n", &mut stream(3));
    let data = planned(place.path(), "csv", &content, &[]);
    let left = Table::load_below(&data, 0).unwrap();
    std::fs::File::options().write(true).open(&data.path).unwrap().set_len(content.len() as u64 / 2).unwrap();
    let mut cursor = Cursor::default();
    assert!(left.value(0, "id", &mut cursor).is_some());
    assert!(left.value(2_999, "id", &mut cursor).is_none());
    assert!(left.value(0, "id", &mut cursor).is_some(), "what is there is read again");
}

#[test]
fn a_file_that_changed_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let data = planned(place.path(), "csv", "id,name\n1,a\n2,b\n", &[]);
    let after = |content: &str| {
        std::fs::write(&data.path, content).unwrap();
        let problem = Table::load(&data).unwrap_err();
        assert_eq!(Table::load_below(&data, 0).unwrap_err(), problem);
        problem.split("checked: ").nth(1).unwrap_or(&problem).to_owned()
    };
    assert_eq!(after("id,name\n1,a\n"), "it had 2 rows, and has 1 row; run it again");
    assert_eq!(after("id,title\n1,a\n2,b\n"), "it has no column `name` any more; run it again");
    assert_eq!(after("id,name\n1,a\n2,c\n"), "its cells are not what they were; run it again");
    assert_eq!(after("id,name\nx,a\n2,b\n"), "its cells are not what they were; run it again");
    assert!(after("id,name\n1\n").ends_with("line 2 has 1 cell, and the head line has 2"));
    std::fs::remove_file(&data.path).unwrap();
    assert!(Table::load(&data).unwrap_err().starts_with("there is no file `"));
}

#[test]
fn tables_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Table>();
}

#[test]
fn picks_depend_on_the_use_and_the_user_alone() {
    let of = |how: Pick, k: u64, user: u64| pick(how, 3, k, user, &mut || unreachable!());
    assert_eq!([0, 1, 2, 3, 7].map(|k| of(Pick::Next, k, 9)), [0, 1, 2, 0, 1].map(Some));
    assert_eq!([0, 2, 3].map(|k| of(Pick::Unique, k, 9)), [Some(0), Some(2), None]);
    assert_eq!([1, 2, 3, 4].map(|user| of(Pick::PerUser, 9, user)), [0, 1, 2, 0].map(Some));
    assert_eq!(pick(Pick::Next, 0, 0, 1, &mut || 0), None);
}

/// Arrivals dealt to two workers of two shares take what one worker takes.
#[test]
fn workers_and_shares_take_the_same_rows() {
    let rows_of = |parts: u64, how: Pick| {
        let mut taken: Vec<(u64, Option<u64>)> = Vec::new();
        for part in 0..parts {
            for k in (part..100).step_by(parts as usize) {
                // As the choices of an iteration, keyed by its number.
                let mut random = || (k + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                taken.push((k, pick(how, 40, k, k + 1, &mut random)));
            }
        }
        taken.sort_unstable();
        taken
    };
    for how in [Pick::Next, Pick::Unique, Pick::Random, Pick::PerUser] {
        assert_eq!(rows_of(4, how), rows_of(1, how));
        assert_eq!(rows_of(2, how), rows_of(1, how));
    }
}

#[test]
fn random_rows_are_equally_likely() {
    assert_eq!(below(10, &mut || u64::MAX), 9);
    // The low half of the first product is below 2^64 mod 3 = 1, so it is thrown away.
    let mut bits = [0, 1 << 63].into_iter();
    assert_eq!(below(3, &mut || bits.next().unwrap()), 1);
    let mut counts = [0u32; 3];
    let mut state = 7u64;
    for _ in 0..30_000 {
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state
        };
        counts[below(3, &mut random) as usize] += 1;
    }
    assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
}

#[test]
#[cfg(unix)]
fn a_link_that_came_into_the_way_is_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let data = planned(directory.path(), "csv", "id\n1\n", &[]);
    let held = Table::load(&data).unwrap();
    assert_eq!(held.rows(), 1);
    // The same content, and yet not the file that was checked.
    std::fs::rename(&data.path, directory.path().join("other")).unwrap();
    std::os::unix::fs::symlink("other", &data.path).unwrap();
    let why = Table::load(&data).unwrap_err();
    assert!(why.contains("is a link, and only regular files are read"), "{why}");
    let below = directory.path().join("below");
    std::fs::create_dir(&below).unwrap();
    std::fs::write(below.join("rows.csv"), "id\n1\n").unwrap();
    std::os::unix::fs::symlink("below", directory.path().join("link")).unwrap();
    let through = Data { path: directory.path().join("link/rows.csv"), ..data };
    assert!(Table::load(&through).unwrap_err().contains("cannot be read"));
}
