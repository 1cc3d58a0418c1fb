//! Experiments on the demo shop, with its own database: faults that it survives, and mistakes that each fail the one
//! expectation which names them.

use crate::services::postgres_is_missing;
use crate::support::{Place, Ran, Script};

/// A shop whose customers buy, each order in a ledger; one customer in several asks twice for the same.
struct Shop<'a> {
    options: &'a str,
    fault: &'a str,
    seconds: u64,
    twice: bool,
    expect: &'a str,
}

const SHOP: Shop<'static> = Shop { options: "", fault: "", seconds: 14, twice: false, expect: "" };

const BUY: &str = r#"
    post "/orders" as order {
      headers: { "Idempotency-Key": key }
      json: { product: 1, qty: 1 }
      record key in orders
    }
"#;

impl Shop<'_> {
    fn text(&self, on_postgres: bool) -> String {
        let (services, database) = match on_postgres {
            true => ("  service pg = postgres()\n  link db = tcp(to: pg.address)\n", "database: pg.url(via: db), "),
            false => ("", ""),
        };
        let Shop { options, fault, seconds, twice, expect } = self;
        let again = if *twice { BUY.replace("as order", "as again") } else { String::new() };
        format!(
            r#"scenario chaos {{
{services}  service app = demo({database}pool: 4{options})
  target api = http(app.url) {{
    timeout: 2s
  }}
  ledger orders on api {{
    verify key {{
      get "/orders?key={{key}}" as found
      count found.json("$[*]")
    }}
  }}
  flow buy on api {{
    let key = uuid()
{BUY}{again}  }}
  load customers of buy {{
    hold 20/s for {seconds}s as plateau
  }}
  steady_state {{
    window: 2s
    hold: 2s
    error_rate(customers) < 5%
  }}
{fault}
  expect {{
{expect}
  }}
}}
"#
        )
    }

    fn run(&self, on_postgres: bool) -> (Place, Ran) {
        let place = Place::new();
        let ran = place.run(&self.text(on_postgres), &[]);
        (place, ran)
    }
}

const NOTHING_LOST: &str = "    lost(orders) == 0\n    duplicated(orders) == 0\n    unverified(orders) == 0\n";

/// Each expectation as it came out.
fn verdicts(ran: &Ran) -> Vec<&str> {
    let all = ran.result["expectations"].as_array().map_or(&[][..], Vec::as_slice);
    let (implied, written): (Vec<_>, Vec<_>) = all.iter().partition(|one| one["implied"] == true);
    // Whatever is done to services on purpose is no crash.
    assert!(implied.iter().all(|one| one["verdict"] == "passed"), "{implied:?}");
    written.into_iter().filter_map(|one| one["verdict"].as_str()).collect()
}

fn survives(fault: &str) -> Option<Ran> {
    if postgres_is_missing() {
        return None;
    }
    let fault = format!("  fault broken = {fault}");
    let expect = format!("    time_to_recover(broken) < 6s\n{NOTHING_LOST}");
    let (place, ran) = Shop { fault: &fault, expect: &expect, ..SHOP }.run(true);
    ran.passed();
    assert_eq!(ran.result["faults"][0]["effective"], true, "{}", ran.out);
    let ledger = &ran.result["ledgers"][0];
    let asked = ["acknowledged", "unknown", "refused"].map(|fate| ledger["verified"][fate].as_u64().unwrap());
    let made = ["acknowledged", "unknown", "refused"].map(|fate| ledger["entries"][fate].as_u64().unwrap());
    assert!(asked == made && made[0] > 100, "{ledger}");
    // The record alone says the same.
    let run = place.runs().pop().unwrap();
    std::fs::remove_file(run.join("run.json")).unwrap();
    let again = place.call(&["report", "last"]);
    assert!(again.out.contains("lost(orders) == 0") && again.out.contains("0 lost, 0 duplicated"), "{}", again.out);
    assert!(!run.join("services").exists(), "keys are private to the run");
    Some(ran)
}

#[test]
fn a_shop_survives_a_partition_of_its_database() {
    let Some(ran) = survives("partition(db) at plateau + 4s for 3s") else { return };
    // What was under way is of unknown outcome, and is neither lost nor forgotten.
    assert!(ran.result["ledgers"][0]["entries"]["unknown"].as_u64().unwrap() > 0, "{}", ran.out);
    let steady = &ran.result["faults"][0]["steady_state"];
    let (lost, back) = (steady["lost_s"].as_f64().unwrap(), steady["back_s"].as_f64().unwrap());
    assert!((2.0..=6.0).contains(&lost) && (6.0..13.0).contains(&back), "{steady}");
    // The course of all that on one axis: failures in the middle, the fault and what was lost beneath.
    let course = ran.out.split("\ncourse\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let row = |name: &str| course.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_default();
    assert!(row("broken").contains("▬ partition of db") && row("steady state").contains("░ lost"), "{course}");
    assert!(row("✘").contains('█') && course.contains("10s"), "{course}");
    // Orders that timed out got no answer: they rank above the times of those that got one, which end anywhere below the timeout.
    assert!(row("p95").contains('×') && row("× p95").ends_with("no answer"), "{course}");
}

#[test]
fn a_shop_survives_a_database_that_refuses_it() {
    survives("refuse(db) at plateau + 4s for 2s");
}

#[test]
fn a_shop_survives_a_slow_database() {
    survives("latency(db, 300ms) at plateau + 4s for 3s");
}

#[test]
fn a_shop_survives_that_others_take_its_connections() {
    let Some(ran) = survives("hold_connections(pg, 95%) at plateau + 4s for 3s") else { return };
    let fault = &ran.result["faults"][0];
    let shown = fault["shown"].as_str().unwrap();
    // Of the usual 100 three are for superusers, and four are the shop's.
    assert!(shown.contains("of 97 for clients in use"), "{shown}");
    assert!((80..=93).contains(&fault["touched"]["connections"].as_u64().unwrap()), "{fault}");
}

#[test]
fn a_shop_survives_that_its_connections_are_ended_and_its_table_is_locked() {
    let Some(ran) = survives("kill_connections(pg) at plateau + 4s") else { return };
    assert_eq!(ran.result["faults"][0]["touched"]["connections"], 4, "{}", ran.out);
    let Some(ran) = survives("lock_table(pg, \"orders\") at plateau + 4s for 2s") else { return };
    assert!(ran.result["faults"][0]["shown"].as_str().unwrap().contains("waited"), "{}", ran.out);
}

#[test]
fn orders_that_are_lost_are_told_by_their_keys() {
    let expect = "    lost(orders) == 0\n    duplicated(orders) == 0\n    error_rate(customers) < 1%";
    let (_place, ran) = Shop { options: ", loses: 10%", expect, seconds: 5, ..SHOP }.run(false);
    assert_eq!(verdicts(&ran), ["failed", "passed", "passed"], "{}{}", ran.out, ran.err);
    assert_eq!(ran.code, 1);
    let ledger = &ran.result["ledgers"][0];
    assert_eq!(ledger["lost"], 10, "{ledger}");
    let violations = ledger["violations"].as_array().unwrap();
    assert_eq!(violations.len(), 10, "{ledger}");
    let key = violations[0]["key"].as_str().unwrap();
    assert!(ran.out.contains(&format!("lost {key}: acknowledged at")), "{}", ran.out);
}

#[test]
fn orders_that_are_written_twice_are_duplicated() {
    let expect = "    lost(orders) == 0\n    duplicated(orders) == 0";
    let (_place, ran) = Shop { options: ", forgets_keys: true", expect, seconds: 3, twice: true, ..SHOP }.run(false);
    assert_eq!(verdicts(&ran), ["passed", "failed"], "{}{}", ran.out, ran.err);
    let ledger = &ran.result["ledgers"][0];
    // Two requests with one key made one entry that is there twice.
    assert_eq!((&ledger["entries"]["acknowledged"], &ledger["duplicated"]), (&120.into(), &60.into()), "{ledger}");
    assert!(ran.out.contains("there 2 times"), "{}", ran.out);

    let (_place, ran) = Shop { expect, seconds: 3, twice: true, ..SHOP }.run(false);
    ran.passed();
}

#[test]
fn a_shop_that_never_reconnects_does_not_recover() {
    if postgres_is_missing() {
        return;
    }
    let fault = "  fault broken = kill_connections(pg) at plateau + 4s";
    let expect = "    time_to_recover(broken) < 6s\n    error_rate(customers) < 1% before broken";
    let shop = Shop { options: ", never_reconnects: true", fault, expect, ..SHOP };
    let (_place, ran) = shop.run(true);
    assert_eq!(verdicts(&ran), ["failed", "passed"], "{}{}", ran.out, ran.err);
    let value = ran.result["expectations"][0]["value"].as_str().unwrap();
    assert!(value.starts_with("> "), "it never did: {value}");
    // Nobody answers any more, which loses nothing.
    let ledger = &ran.result["ledgers"][0];
    assert_eq!(ledger["lost"], 0, "{ledger}");
    assert!(ledger["unverified"].as_u64().unwrap() > 0, "{ledger}");
}

#[test]
fn a_leak_is_told_by_its_slope() {
    let expect =
        "    growth(app.memory) < 1GiB/h during plateau\n    lost(orders) == 0\n    error_rate(customers) < 1%";
    let (_place, ran) = Shop { options: ", leak: 256KiB", expect, seconds: 20, ..SHOP }.run(false);
    assert_eq!(verdicts(&ran), ["failed", "passed", "passed"], "{}{}", ran.out, ran.err);
    let slope = ran.result["expectations"][0]["value"].as_str().unwrap();
    assert!(slope.contains("/h") || slope.contains("/s"), "{slope}");
}

#[test]
fn an_event_is_as_long_as_its_command_and_one_that_fails_shows_nothing() {
    let fault = "  event deploy = command(\"echo 1 > deployed; sleep 3\") at plateau + 4s for at most 6s\n  event broken = command(\"echo no room >&2; exit 3\") at plateau + 5s for at most 2s";
    let expect =
        "    time_to_recover(deploy) < 6s\n    max(customers) < 5s during deploy\n    time_to_recover(broken) < 6s";
    let (place, ran) = Shop { fault, expect, seconds: 14, ..SHOP }.run(false);
    assert_eq!(verdicts(&ran), ["passed", "passed", "inconclusive"], "{}{}", ran.out, ran.err);
    let deploy = &ran.result["events"][0];
    let (from, to) = (deploy["began_s"].as_f64().unwrap(), deploy["ended_s"].as_f64().unwrap());
    assert!(from >= 4.0 && (3.0..5.0).contains(&(to - from)), "{deploy}");
    assert!(place.path().join("deployed").exists(), "it ran beside its file");
    assert!(ran.out.contains("exit status: 3") && ran.out.contains("no room"), "{}", ran.out);
    let again = place.call(&["report", "last"]);
    assert!(again.out.contains("exit status: 3") && again.out.contains("no room"), "{}", again.out);
}

#[test]
fn an_event_that_does_not_end_is_ended_at_its_bound() {
    let fault = "  event stuck = command(\"sleep 100\") at plateau + 1s for at most 1s";
    let (_place, ran) = Shop { fault, expect: "    lost(orders) == 0", seconds: 4, ..SHOP }.run(false);
    // What held did so without what it was to be shown against.
    assert!(matches!(ran.code, 4 | 5), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("had not ended after 1s, and was ended"), "{}", ran.out);
}

/// Four requests, each with an entry: one is acknowledged and forgotten, one refused, one fails and is done all the same, and one is
/// refused and done all the same.
fn forgetful(request: &str, _: usize) -> (u16, String) {
    let status = match request {
        "POST /a" => 201,
        "POST /b" => 409,
        "POST /c" => 503,
        "POST /d" => 422,
        asked if asked.starts_with("GET /find/c") || asked.starts_with("GET /find/d") => 200,
        _ => 404,
    };
    (status, "{}".to_owned())
}

#[test]
fn outcomes_are_what_was_said_whatever_was_expected() {
    let server = Script::start(forgetful);
    let text = format!(
        r#"scenario outcomes {{
  target api = http("http://{}")
  ledger book on api {{
    verify key {{
      get "/find/{{key}}" as found
    }}
  }}
  flow buy on api {{
    post "/b" as refused {{
      record "b{{user.id}}" in book
      expect status == 409
    }}
    post "/c" as unknown {{
      record "c{{user.id}}" in book
      expect status == 503
    }}
    post "/d" as refused_and_done {{
      record "d{{user.id}}" in book
      expect status == 422
    }}
    post "/a" as acknowledged {{
      record "a{{user.id}}" in book
      expect status == 200
    }}
  }}
  load main of buy {{
    hold 5/s for 2s
  }}
  expect {{
    lost(book) == 0
    duplicated(book) == 0
    unverified(book) == 0
    resurrected(book) == 0
  }}
}}
"#,
        server.address
    );
    let place = Place::new();
    let ran = place.run(&text, &[]);
    assert_eq!(verdicts(&ran), ["failed", "passed", "passed", "failed"], "{}{}", ran.out, ran.err);
    let ledger = &ran.result["ledgers"][0];
    let of = |what: &str| ["acknowledged", "unknown", "refused"].map(|fate| ledger[what][fate].as_u64().unwrap());
    assert_eq!((of("entries"), of("found"), &ledger["lost"]), ([10, 10, 20], [0, 10, 10], &10.into()), "{ledger}");
    assert_eq!(ledger["resurrected"], 10, "{ledger}");
    assert!(ran.out.contains("resurrected d1: refused at"), "{}", ran.out);
    // Twice, since who follows may lag behind.
    assert_eq!(server.times("GET /find/a1"), 2);
    assert_eq!(server.times("GET /find/c1"), 1);
}
