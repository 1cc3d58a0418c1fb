//! Reports on terminals of any width.

use crate::support::compile::root;
use crate::support::{Place, evil};
use stressc::judge::{Others, VerdictKind, judge};
use stressc::metric::Outcome;
use stressc::report::{Report, report, terminal};

const WIDTHS: std::ops::RangeInclusive<usize> = 40..=200;

fn recorded(directory: &std::path::Path) -> Report {
    let (plan, stats) = stressc::store::read(directory).unwrap();
    let verdict = judge(&plan, &stats, &Others::default());
    report(&plan, &stats, &verdict)
}

/// No line is wider than the terminal, none ends with spaces, colours change nothing of that, and no section is lost on the way.
fn fits(what: &str, report: &Report) {
    let sections = |text: &str| -> Vec<String> {
        let after_gap = text.split("\n\n").skip(1).filter_map(|part| part.lines().next());
        after_gap.map(|line| line.chars().filter(|c| !c.is_whitespace()).take(20).collect()).collect()
    };
    let usual = sections(&terminal(report, 100, false));
    for width in WIDTHS {
        let plain = terminal(report, width, false);
        for line in plain.lines() {
            assert!(line.chars().count() <= width, "{what} at {width}: {} in {line:?}\n{plain}", line.chars().count());
            assert_eq!(line, line.trim_end(), "{what} at {width}");
        }
        assert_eq!(sections(&plain).len(), usual.len(), "{what} at {width}\n{plain}");
        assert_eq!(without_colours(&terminal(report, width, true)), plain, "{what} at {width}");
    }
}

fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + part.split_once('m').unwrap().1)
}

#[test]
fn no_line_of_a_report_is_wider_than_the_terminal() {
    for name in ["all", "ends", "aborts"] {
        let directory = root().join("tests/records/1").join(name);
        let mut own = recorded(&directory);
        fits(name, &own);
        own.verdict = VerdictKind::Untrusted;
        own.trust.reasons.push("the generator was late by more than it may be, ".repeat(8));
        own.expectations.iter_mut().for_each(|expected| {
            expected.outcome = Outcome::Inconclusive;
            expected.reason = Some("there were too few samples in its window to say so with any certainty".to_owned());
        });
        fits(&format!("{name}, untrusted"), &own);
    }
    let mut evil = recorded(&root().join("tests/records/1/all"));
    evil::fill(&mut evil);
    for width in WIDTHS {
        let told = terminal(&evil, width, true);
        // What would be a command to a CI is broken, which makes its line longer.
        let told = told.replace("\\u{3a}", ":").replace("\\u{5b}", "[");
        let widest = without_colours(&told).lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= width, "{widest} at {width}\n{told}");
    }
}

/// The report of a run that was killed ends in the middle of its record.
#[test]
fn a_run_that_was_killed_is_told_at_every_width() {
    let place = Place::new();
    let from = root().join("tests/records/1/all");
    std::fs::copy(from.join("plan.json"), place.path().join("plan.json")).unwrap();
    for name in ["intervals.hlog", "events.jsonl"] {
        let bytes = std::fs::read(from.join(name)).unwrap();
        std::fs::write(place.path().join(name), &bytes[..bytes.len() / 2]).unwrap();
    }
    let own = recorded(place.path());
    assert!(!own.complete);
    fits("killed", &own);
}

const ALL: &str = r#"scenario everything {
  service shop = demo()
  link wire = tcp(to: shop.address)
  target api = http("http://{wire.address}") {
    http: 2
    timeout: 300ms
  }
  target db = sqlite("notes.db")
  setup {
    execute "create table notes (id integer primary key, text varchar)" on db
  }
  flow browse_the_products_of_the_shop on api {
    get "/products" as every_product_that_the_shop_has_to_offer {
      expect status == 200
    }
  }
  flow notes on db {
    execute "insert into notes (text) values ('x')" as written
    query "select count(*) as n from notes" as counted
  }
  load visitors of browse_the_products_of_the_shop {
    hold 40/s for 7s as steady
  }
  load keepers of notes {
    hold 10/s for 7s
  }
  steady_state calm {
    error_rate(visitors) < 1%
    hold: 1s
  }
  fault cut = partition(wire) at steady + 3s for 1500ms
  event said = command("echo that is all; exit 3") at steady + 1s for at most 2s
  expect {
    p95(visitors) < 1us during steady
    error_rate(visitors) < 90% within 3s of cut.end
    time_to_recover(cut, calm) < 5s
    p999(keepers) < 250ms
  }
}
"#;

#[test]
fn a_run_of_many_kinds_is_told_at_every_width() {
    let place = Place::new();
    place.write("notes.db", "");
    let ran = place.run(ALL, &[]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    // A pipe gets a hundred columns.
    let widest = ran.out.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(widest <= 100, "{}", ran.out);
    let own = recorded(&place.runs()[0]);
    for load in ["visitors", "keepers"] {
        assert!(own.windows.iter().any(|window| window.load == load), "{}", ran.out);
    }
    fits("everything", &own);
}
