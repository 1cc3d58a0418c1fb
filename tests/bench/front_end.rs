//! How long parsing and checking take, and that twice the lines take about twice the time: `cargo bench --bench
//! front_end`. Ends with 1 where a file of 10,000 lines takes longer than it may, or one of 20,000 more than 2.2 times
//! as long: 100 ms for what people write, 300 ms where each line is two conditions with a scope, 75 columns of them.
//! What nobody writes and a stranger may, up to the limits of the reference, takes at most 2.6 times as long for twice as much.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench talks to a person")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use stressc::check::check;
use stressc::inputs::{Asked, load, load_text, machine};
use stressc::plan::{Share, plan};

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

/// What a stranger gives: a scenario that is put together of parts, and files beside it.
struct Given {
    /// At the top of the file.
    top: String,
    /// In the scenario.
    inside: String,
    /// In its flow.
    steps: String,
    /// In its load.
    stages: String,
    files: Vec<(String, String)>,
}

impl Default for Given {
    fn default() -> Given {
        let steps = "    get \"/\"\n".to_owned();
        let stages = "    hold 1/s for 1s as plateau\n".to_owned();
        Given { top: String::new(), inside: String::new(), steps, stages, files: Vec::new() }
    }
}

fn each(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

fn beside(name: &str, content: String, top: &str) -> Given {
    Given { files: vec![(name.to_owned(), content)], top: top.to_owned(), ..Given::default() }
}

type Grow = (&'static str, usize, fn(usize) -> Given);

/// With half of what is tried.
const GROWTH: [Grow; 18] = [
    ("columns of CSV", 5_000, |n| {
        let head: Vec<String> = (0..n).map(|c| format!("c{c}")).collect();
        let row = vec!["1"; n].join(",");
        beside("rows.csv", format!("{}\n{row}\n{row}\n", head.join(",")), "data rows = csv(\"rows.csv\")\n")
    }),
    ("keys of JSON lines", 5_000, |n| {
        beside("rows.jsonl", each(n, |k| format!("{{\"k{k}\":1}}\n")), "data rows = jsonl(\"rows.jsonl\")\n")
    }),
    ("keys of a JSON row", 5_000, |n| {
        let row: Vec<String> = (0..n).map(|k| format!("\"k{k}\":1")).collect();
        beside("rows.json", format!("[{{{}}}]", row.join(",")), "data rows = json(\"rows.json\")\n")
    }),
    ("values in a text", 25_000, |n| {
        let line = "{x}".repeat(50) + "\n";
        let inside = format!("  let x = 1\n  let wide = \"\"\"\n{}\"\"\"\n", line.repeat(n / 50));
        Given { inside, ..Given::default() }
    }),
    ("items of a list", 20_000, |n| Given {
        inside: format!("  let many = [\n{}  ]\n", "1, 1, 1, 1, 1, 1, 1, 1, 1, 1,\n".repeat(n / 10)),
        ..Given::default()
    }),
    ("fields of an object", 5_000, |n| Given {
        inside: format!("  let many = {{\n{}  }}\n", each(n, |f| format!("f{f}: 1,\n"))),
        ..Given::default()
    }),
    ("steps with a name", 4_000, |n| Given {
        steps: each(n, |s| format!("    get \"/{s}\" as s{s}\n")),
        ..Given::default()
    }),
    ("steps without one", 20_000, |n| Given { steps: "    think 1s\n".repeat(n), ..Given::default() }),
    ("levels of a sweep", 500, |n| Given {
        stages: format!("    sweep [{}] users for 1s each as levels\n", vec!["1"; n].join(", ")),
        ..Given::default()
    }),
    ("stages of a load", 2_000, |n| Given { stages: "    hold 1/s for 1s\n".repeat(n), ..Given::default() }),
    ("windows that are judged", 500, |n| Given {
        inside: "  expect p95(main) < 1ms during p\n".to_owned(),
        stages: format!("    repeat 10 {{\n    repeat {n} {{\n    hold 1/s for 1s as p\n    }}\n    }}\n"),
        ..Given::default()
    }),
    ("parameters of unknown values", 2_500, |n| Given {
        top: each(n, |p| format!("param zz{p}: Text = yy{p}z\n")),
        ..Given::default()
    }),
    ("parameters", 5_000, |n| Given { top: each(n, |p| format!("param p{p}: Count = 1\n")), ..Given::default() }),
    ("profiles", 2_500, |n| Given {
        top: "param p: Count = 1\n".to_owned() + &each(n, |p| format!("profile q{p} {{ p = 2 }}\n")),
        ..Given::default()
    }),
    ("names declared twice", 10_000, |n| Given { inside: "  let a = 1\n".repeat(n), ..Given::default() }),
    ("names that nothing declares", 5_000, |n| Given {
        inside: each(n, |a| format!("  let a{a} = nothing{a}\n")),
        ..Given::default()
    }),
    ("lines that are no statement", 10_000, |n| Given { top: "what is this\n".repeat(n), ..Given::default() }),
    ("files that are used", 200, |n| Given {
        top: each(n, |m| format!("use \"./m{m}.stress\"\n")),
        files: (0..n)
            .map(|m| (format!("m{m}.stress"), format!("use \"./m{}.stress\" as next\n", (m + 1).min(n - 1))))
            .collect(),
        ..Given::default()
    }),
];

/// Milliseconds from the file to the plan, or to what is wrong with it.
fn whole(given: &Given) -> f64 {
    let directory = tempfile::tempdir().unwrap();
    let Given { top, inside, steps, stages, files } = given;
    let text = format!(
        "{top}scenario s {{\n{inside}  target api = http(\"http://127.0.0.1:1\")\n  flow f on api {{\n{steps}  }}\n  load main of f {{\n{stages}  \
         }}\n  expect error_rate(main) < 1%\n}}\n"
    );
    let path = directory.path().join("bench.stress");
    std::fs::write(&path, text).unwrap();
    files.iter().for_each(|(name, content)| std::fs::write(directory.path().join(name), content).unwrap());
    let mut best = f64::MAX;
    for _ in 0..3 {
        let started = Instant::now();
        let loaded = load(&path, &Asked::default()).unwrap();
        let (program, mut diagnostics) = check(&loaded.inputs, &loaded.sources);
        diagnostics.extend(loaded.diagnostics);
        for scenario in program.scenarios.iter().filter(|_| !diagnostics.has_errors()) {
            plan(scenario, "bench.stress", Share::WHOLE, machine());
        }
        best = best.min(started.elapsed().as_secs_f64() * 1e3);
    }
    best
}

fn grows() -> bool {
    let mut good = true;
    println!("\n{:<28} {:>12} {:>12} {:>6}", "growth with", "half", "whole", "ratio");
    for (name, half, make) in GROWTH {
        let (one, two) = (whole(&make(half)), whole(&make(2 * half)));
        println!("{name:<28} {one:>9.1} ms {two:>9.1} ms {:>6.2}", two / one);
        good &= two / one < 2.6;
    }
    good
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
    good &= grows();
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
