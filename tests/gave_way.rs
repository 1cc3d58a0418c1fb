//! What gave way first: of runs that are made up second by second, and of real ones.

use crate::support::machine::MACHINE;
use crate::support::{Place, Ran, Server};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use stressc::base::units::{MILLISECOND, SECOND};
use stressc::check::check;
use stressc::inputs::{Asked, load_text};
use stressc::judge::{Others, judge};
use stressc::measure::{Event, Failure, Gauges, Generator, Recorder, Stats};
use stressc::plan::{Plan, Share, plan};
use stressc::report::{Broken, GaveWay, Kind, report};

const SECONDS: u64 = 20;

/// A shop whose pages and process are watched.
fn scenario(more: &str) -> String {
    format!(
        r#"scenario test {{
  service shop = demo()
  target api = http(shop.url)
  flow go on api {{
    get "/products"
  }}
  load main of go {{
    hold 50/s for {SECONDS}s as plateau
  }}
{more}
}}
"#
    )
}

fn planned(text: &str) -> Plan {
    let loaded = load_text(Path::new("test.stress"), text.to_owned(), &Asked::default()).unwrap();
    let (program, _) = check(&loaded.inputs, &loaded.sources);
    plan(&program.scenarios[0], "test.stress", Share::WHOLE, MACHINE).0
}

/// What is read of a series, by its name, in a second.
type Readings<'r> = &'r dyn Fn(&str, u64) -> Option<f64>;

/// A run that answers in 20ms and from the 10th second on in `slow`, of which a share fails.
fn run(plan: &Plan, (slow, fails): (u64, u64), busy: &dyn Fn(u64) -> f64, readings: Readings<'_>) -> Option<GaveWay> {
    let mut stats = Stats::new(plan);
    stats.take(Event::Started {
        id: "r".to_owned(),
        started: String::new(),
        seed: 1,
        workers: 1,
        version: String::new(),
        raised: None,
        cores: Some(4.0),
    });
    let mut recorder = Recorder::new(plan.edges().into(), &plan.series, 1);
    let watched = plan.watched();
    for second in 0..SECONDS {
        for request in 0..50 {
            let at = second * SECOND + request * 20 * MILLISECOND;
            let is_late = second >= 10;
            let time = if is_late { slow } else { 20 * MILLISECOND };
            let ended = if is_late && request % 100 < fails { Err(Failure::Status) } else { Ok(()) };
            recorder.started(0, at, 0);
            recorder.sent(0, at);
            recorder.sample(0, at, time, time, ended);
        }
        recorder.drain().iter().for_each(|slice| stats.add(slice));
        let at = (second + 1) * SECOND;
        let reading = Generator { at, busy: vec![busy(second)], waiting: vec![0.0], ..Generator::default() };
        stats.take(Event::Generator(reading));
        let value = |series| readings(&plan.name_of(series), second);
        let values: BTreeMap<u32, f64> =
            (0..).zip(&watched).filter_map(|(place, one)| Some((place, value(one)?))).collect();
        stats.take(Event::Gauges(Gauges { at, values, gaps: BTreeMap::new() }));
    }
    stats.take(Event::Ended { at: SECONDS * SECOND });
    stats.complete = true;
    report(plan, &stats, &judge(plan, &stats, &Others::default())).gave_way
}

const CALM: &dyn Fn(u64) -> f64 = &|_| 0.1;

/// From an instant on a value, before it another.
fn from(second: u64, (before, after): (f64, f64)) -> impl Fn(u64) -> f64 {
    move |now| if now >= second { after } else { before }
}

fn first(found: &Option<GaveWay>) -> (Kind, u64) {
    let found = found.as_ref().expect("something broke");
    let first = found.reached.first().unwrap_or_else(|| panic!("{}", found.text));
    (first.kind, first.at / SECOND)
}

#[test]
fn a_bound_that_was_reached_before_is_named_with_its_instant() {
    let plan = planned(&scenario(
        r#"  expect {
    max(shop.metric("db_pool_waiting")) < 1000
    max(shop.metric("checkout_slots_in_use")) < 1000
    max(shop.metric("checkout_slots_limit")) < 1000
    max(shop.memory) < 300MiB
  }"#,
    ));
    let slow = (400 * MILLISECOND, 0);
    let (waiting, slots, memory, cpu) =
        (from(8, (0.0, 6.0)), from(7, (3.0, 50.0)), from(6, (2e8, 4e8)), from(8, (1.0, 3.95)));
    let usual = |name: &str| match name {
        "shop.metric(\"checkout_slots_limit\")" => Some(50.0),
        "shop.metric(\"checkout_slots_in_use\")" => Some(3.0),
        "shop.metric(\"db_pool_waiting\")" => Some(0.0),
        "shop.memory" => Some(2e8),
        "shop.cpu" => Some(1.0),
        _ => None,
    };
    for (kind, at, name, value, wanted) in [
        (
            Kind::Pool,
            8,
            "shop.metric(\"db_pool_waiting\")",
            &waiting as &dyn Fn(u64) -> f64,
            "a pool gave way first: requests waited for it from 8s on",
        ),
        (
            Kind::Slots,
            7,
            "shop.metric(\"checkout_slots_in_use\")",
            &slots,
            "slots gave way first: all 50 were taken from 7s on",
        ),
        (
            Kind::Memory,
            6,
            "shop.memory",
            &memory,
            "memory gave way first: `shop.memory` was at its bound of 300MiB from 6s on",
        ),
        (
            Kind::Processor,
            8,
            "shop.cpu",
            &cpu,
            "the processor gave way first: this run used all of the 4 cores from 8s on, `shop` 3.95",
        ),
    ] {
        let found =
            run(&plan, slow, CALM, &|asked, second| if asked == name { Some(value(second)) } else { usual(asked) });
        assert_eq!(first(&found), (kind, at), "{found:?}");
        let text = found.unwrap().text;
        assert!(text.starts_with(wanted), "{text}");
        assert!(text.ends_with("; the latency of `main` broke at 10s (p95 above 60ms, and it was 20ms)"), "{text}");
    }
    // The generator's own threads, where nothing else was.
    let found = run(&plan, slow, &from(9, (0.1, 0.97)), &|name, _| usual(name));
    assert_eq!(first(&found), (Kind::Generator, 9), "{found:?}");
    assert!(found.unwrap().text.starts_with("the generator itself gave way first: its busiest worker ran"));
    // Both in one second: what keeps the other from being reached first.
    let found = run(&plan, slow, &from(8, (0.1, 0.97)), &|name, second| {
        if name == "shop.metric(\"db_pool_waiting\")" { Some(waiting(second)) } else { usual(name) }
    });
    let kinds: Vec<Kind> = found.unwrap().reached.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [Kind::Generator, Kind::Pool]);
}

#[test]
fn what_was_at_its_bound_for_a_moment_or_afterwards_alone_is_not_named() {
    let plan = planned(&scenario("  expect max(shop.metric(\"db_pool_waiting\")) < 1000"));
    let slow = (400 * MILLISECOND, 0);
    for at in [&[3_u64, 4][..], &[15, 16, 17, 18, 19], &[]] {
        let found = run(&plan, slow, CALM, &|_, second| Some(if at.contains(&second) { 5.0 } else { 0.0 }));
        let found = found.unwrap();
        assert_eq!(found.reached, [], "{at:?}: {}", found.text);
        assert_eq!(
            found.text,
            "the latency of `main` broke at 10s (p95 above 60ms, and it was 20ms); of the watched resources, none was at its limit by then"
        );
    }
}

#[test]
fn errors_and_bounds_of_expectations_say_when_it_broke() {
    let plan = planned(&scenario("  expect max(shop.memory) < 1GiB"));
    let found = run(&plan, (20 * MILLISECOND, 10), CALM, &|_, _| None).unwrap();
    assert_eq!((found.broke.what, found.broke.at), (Broken::Errors, 10 * SECOND));
    assert_eq!(
        found.text,
        "the error rate of `main` broke at 10s (5% or more failed); of the watched resources, none was at its limit by then"
    );
    // Slower, and as it is expected.
    let plan = planned(&scenario("  expect p95(main) < 500ms"));
    assert_eq!(run(&plan, (400 * MILLISECOND, 0), CALM, &|_, _| None), None);
    let plan = planned(&scenario("  expect p95(main) < 300ms"));
    let found = run(&plan, (400 * MILLISECOND, 0), CALM, &|_, _| None).unwrap();
    assert!(
        found.text.contains("broke at 10s (`p95(main) < 300ms` was expected); of the watched resources, none"),
        "{}",
        found.text
    );
    // A window that begins with it, after good seconds.
    let stages = "hold 50/s for 10s as early\n    hold 50/s for 10s as late";
    let text = scenario("  expect p95(main) < 300ms during late").replace("hold 50/s for 20s as plateau", stages);
    let found = run(&planned(&text), (400 * MILLISECOND, 0), CALM, &|_, _| None).unwrap();
    assert_eq!((found.broke.at, found.broke.from_start), (10 * SECOND, false), "{}", found.text);
    // Nothing broke.
    assert_eq!(run(&plan, (20 * MILLISECOND, 0), CALM, &|_, _| None), None);
}

/// The kind that is told first of a real run, and its sentence, which stands below the first line.
fn told(ran: &Ran) -> (&str, &str) {
    let gave_way = &ran.result["gave_way"];
    let text = gave_way["text"].as_str().unwrap_or_else(|| panic!("nothing broke: {}{}", ran.out, ran.err));
    // It may need more than one line.
    let start: String = text.chars().take(40).collect();
    let place = ran.out.lines().position(|line| line.contains(&start)).filter(|_| ran.out.contains(text));
    assert!(matches!(place, Some(1 | 2)), "{}", ran.out);
    (gave_way["reached"][0]["kind"].as_str().unwrap_or("nothing"), text)
}

/// Orders of a shop, more than it can take from the second stage on.
fn orders(options: &str, watched: &str) -> String {
    format!(
        r#"scenario test {{
  service shop = demo({options})
  target api = http(shop.url) {{
    timeout: 2s
  }}
  flow buy on api {{
    let key = uuid()
    post "/orders" {{
      headers: {{ "Idempotency-Key": key }}
      json: {{ product: 1, qty: 1 }}
    }}
  }}
  load main of buy {{
    hold 4/s for 2s
    hold 60/s for 3s
  }}
  expect {{
    {watched}
    p95(main) < 400ms
    error_rate(main) < 5%
  }}
}}
"#
    )
}

#[test]
fn a_pool_that_is_too_small_gives_way_first() {
    let watched = "max(shop.metric(\"db_pool_waiting\")) < 1000";
    let ran = Place::new().run(&orders("pool: 2, slow_orders: 100ms", watched), &[]);
    let (kind, text) = told(&ran);
    assert!(kind == "pool" && text.contains("requests waited for it"), "{text}\n{}", ran.out);
}

#[test]
fn slots_that_are_too_few_give_way_first() {
    let watched =
        "max(shop.metric(\"checkout_slots_in_use\")) < 1000\n    max(shop.metric(\"checkout_slots_limit\")) < 1000";
    let ran = Place::new().run(&orders("pool: 60, slots: 2, slow_orders: 100ms", watched), &[]);
    let (kind, text) = told(&ran);
    assert!(kind == "slots" && text.contains("all 2 were taken"), "{text}\n{}", ran.out);
}

#[test]
fn memory_that_is_kept_for_each_order_gives_way_first() {
    let text = orders("pool: 8, slots: 500, leak: 1MiB, slow_orders: 100ms", "max(shop.memory) < 50MiB")
        .replace("hold 4/s for 2s", "hold 20/s for 4s")
        .replace("hold 60/s for 3s", "hold 120/s for 2s");
    let ran = Place::new().run(&text, &[]);
    let (kind, text) = told(&ran);
    assert!(kind == "memory" && text.contains("`shop.memory` was at its bound of 50MiB"), "{text}\n{}", ran.out);
}

#[test]
fn a_processor_that_is_taken_away_gives_way_first() {
    let text = orders("pool: 60, slots: 500", "count(main) > 0")
        .replace("hold 60/s for 3s", "hold 100/s for 5s as plateau")
        .replace("  expect {", "  fault held = limit_cpu(shop, to: 2%) at plateau + 1s for 4s\n  expect {");
    let ran = Place::new().run(&text, &[]);
    let (kind, text) = told(&ran);
    assert!(
        kind == "processor" && text.contains("used all of the 2% of a core that `held` left it"),
        "{text}\n{}",
        ran.out
    );
}

#[test]
fn a_generator_that_is_too_slow_gives_way_first() {
    let server = Server::start(Duration::ZERO);
    let text = server.scenario("    hold 300 users for 4s", "    p95(main) < 1ms");
    let ran = Place::new().run(&text, &["--workers", "1"]);
    let (kind, text) = told(&ran);
    assert_eq!(kind, "generator", "{text}\n{}", ran.out);
}

#[test]
fn what_failed_most_is_named_with_its_cause() {
    let text = orders("errors: 60%", "count(main) > 0").replace("    p95(main) < 400ms\n", "");
    let ran = Place::new().run(&text, &[]);
    let (_, text) = told(&ran);
    let wanted = "(`error_rate(main) < 5%` was expected), mostly `buy.POST /orders` with status 500; of the watched resources, none";
    assert!(text.contains(wanted), "{text}\n{}", ran.out);
}

#[test]
fn where_nothing_was_watched_that_is_said() {
    let server = Server::start(Duration::from_millis(80));
    let ran = Place::new().run(&server.scenario("    hold 20/s for 3s", "    p95(main) < 30ms"), &[]);
    let (kind, text) = told(&ran);
    assert!(
        kind == "nothing" && text.ends_with("of the watched resources, none was at its limit by then"),
        "{text}\n{}",
        ran.out
    );
}
