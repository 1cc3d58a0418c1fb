//! How long parsing and checking take, and that twice the lines take about twice the time: `cargo bench --bench
//! front_end`. Ends with 1 where a file of 10,000 lines takes longer than it may, or one of 20,000 more than 2.2 times
//! as long: 100 ms for what people write, 300 ms where each line is two conditions with a scope, 75 columns of them.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench talks to a person")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use stressc::check::check;
use stressc::inputs::{Asked, load_text};

const PARTS: &str = "  service shop = demo()\n  target api = http(shop.url)\n";
const LOAD: &str = "  load main of browse {\n    hold 50/s for 20s as plateau\n  }\n";

/// Many scenarios that share parts of the file, as in a suite that grew.
fn scenarios(lines: usize) -> String {
    let mut text = String::from(
        "param rate: Rate = 50/s\nexpectation quick(main: Samples, p95: Duration) {\n  p95(main) < p95\n  error_rate(main) < 1%\n}\n",
    );
    for number in 0..lines / 25 {
        write!(
            text,
            "/// Scenario {number}.\nscenario s{number} {{\n{PARTS}  flow browse on api {{\n    get \"/products\" as list {{\n      expect status == 200\n    }}\n    let id = list.json(\"$[0].id\")\n    think 50ms..150ms\n    get \"/products/{{id}}\" as product\n  }}\n  load main of browse {{\n    warmup rate for 2s\n    ramp rate -> rate * 2 over 5s\n    hold rate * 2 for 20s as plateau\n  }}\n  expect {{\n    include quick(main, p95: 200ms)\n    p99(main.product) < 500ms during plateau\n    count(main) > 10 // enough\n  }}\n\n}}\n\n"
        )
        .unwrap();
    }
    text
}

/// One scenario with one block of conditions.
fn conditions(lines: usize) -> String {
    let mut text = format!(
        "scenario s {{\n{PARTS}  flow browse on api {{\n    get \"/products\" as list\n  }}\n{LOAD}  expect {{\n"
    );
    for number in 0..lines - 12 {
        writeln!(text, "    p95(main.list) < {}ms and error_rate(main) < 1% + 1pp during plateau", 200 + number)
            .unwrap();
    }
    text + "  }\n}\n"
}

/// One flow of many steps, each with names that later ones use.
fn steps(lines: usize) -> String {
    let mut text = format!("scenario s {{\n{PARTS}  flow browse on api {{\n");
    for number in 0..(lines - 10) / 5 {
        writeln!(text, "    get \"/products?page={number}\" as list{number} {{\n      expect status in [200, 404]\n    }}\n    let id{number} = list{number}.json(\"$[0].id\")\n    think 50ms..150ms").unwrap();
    }
    text + "  }\n" + LOAD + "}\n"
}

/// Milliseconds to parse and to check: the best of several, which is what the machine can do when it is left alone.
fn time(text: &str) -> (f64, f64) {
    let mut best = (f64::MAX, f64::MAX);
    for _ in 0..7 {
        let text = text.to_owned();
        let started = Instant::now();
        let loaded = load_text(Path::new("bench.stress"), text, &Asked::default()).unwrap();
        let parsed = started.elapsed();
        let (_, diagnostics) = check(&loaded.inputs, &loaded.sources);
        let checked = started.elapsed() - parsed;
        assert!(!loaded.diagnostics.has_errors() && !diagnostics.has_errors(), "the bench is wrong");
        best = (best.0.min(parsed.as_secs_f64() * 1e3), best.1.min(checked.as_secs_f64() * 1e3));
    }
    best
}

fn main() -> ExitCode {
    type Make = fn(usize) -> String;
    let kinds: [(&str, Make, f64); 3] =
        [("scenarios", scenarios, 100.0), ("conditions", conditions, 300.0), ("steps", steps, 100.0)];
    let mut good = true;
    println!(
        "{:<12} {:>10} {:>10} {:>12} {:>12} {:>6}",
        "file of", "parse", "check", "10,000 lines", "20,000 lines", "ratio"
    );
    for (name, make, bar) in kinds {
        let ((parse, check), (parse_two, check_two)) = (time(&make(10_000)), time(&make(20_000)));
        let (one, two) = (parse + check, parse_two + check_two);
        println!("{name:<12} {parse:>7.1} ms {check:>7.1} ms {one:>9.1} ms {two:>9.1} ms {:>6.2}", two / one);
        good &= one < bar && two / one < 2.2;
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
