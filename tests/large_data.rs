//! Data that is too large to be held: the rows are those of the file, and memory stays small.

use crate::support::{Place, Script};
use std::io::{BufWriter, Write};

/// Somewhat more than is held in memory.
const BYTES: usize = 72 << 20;
/// What a run without data takes in a debug build, and some room: far less than the file.
const MOST_KIB: u64 = 56 << 10;

fn large(place: &Place) -> u64 {
    let mut file = BufWriter::new(std::fs::File::create(place.path().join("people.csv")).unwrap());
    writeln!(file, "id,name,note").unwrap();
    let note = "x".repeat(1_000);
    let (mut written, mut id) = (0, 0u64);
    while written < BYTES {
        let line = format!("{id},\"Name, {id}\",{note}\n");
        file.write_all(line.as_bytes()).unwrap();
        written += line.len();
        id += 1;
    }
    id
}

fn scenario(address: &str) -> String {
    format!(
        "scenario test {{\n  target api = http(\"http://{address}\")\n  data people = csv(\"people.csv\")\n  flow ask on api {{\n    let row = people.next()\n    let any = people.random()\n    get \"/{{row.id}}/{{row.name}}\" as own\n    get \"/any/{{any.id}}\" as other\n  }}\n  load main of ask {{\n    hold 100/s for 2s\n  }}\n  expect {{\n    error_rate(main) == 0%\n    count(own) == 200\n  }}\n}}\n"
    )
}

#[cfg(target_os = "linux")]
#[test]
fn a_large_file_is_read_as_it_is_taken() {
    let place = Place::new();
    let rows = large(&place);
    let server = Script::start(|_, _| (200, String::new()));
    place.write("test.stress", &scenario(&server.address.to_string()));
    let child = place.spawn(&["run", "test.stress", "--no-progress", "--seed", "7", "--workers", "2"]);
    let (ran, most) = place.ended_with_peak(child);
    let most = most >> 10;
    ran.passed();
    assert!(0 < most && most < MOST_KIB, "{most} KiB at the most");
    let asked = server.all();
    for id in 0..200 {
        let wanted = format!("GET /{id}/Name%2C%20{id}");
        assert_eq!(asked.iter().filter(|request| **request == wanted).count(), 1, "{wanted}");
    }
    let any: Vec<u64> = asked.iter().filter_map(|request| request.strip_prefix("GET /any/")?.parse().ok()).collect();
    assert_eq!(any.len(), 200);
    assert!(any.iter().all(|id| *id < rows) && any.iter().any(|id| *id > rows / 2), "{any:?}");
}
