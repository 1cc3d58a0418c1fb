//! The load tests of the shop, unchanged, against the demo on its own SQLite; and options of the demo each of which
//! makes the expectation fail that names it, and no other.

use crate::support::compile::root;
use crate::support::{Place, Ran};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Each of these runs has latencies as its bounds, so no two run at a time.
static QUIET: Mutex<()> = Mutex::new(());

/// The scenarios of the repository in a directory of their own, with a shop of these options and no link before it.
fn shop(options: &str) -> (Place, MutexGuard<'static, ()>) {
    let place = Place::new();
    std::fs::create_dir(place.path().join("common")).unwrap();
    let read = |name: &str| std::fs::read_to_string(root().join("scenarios").join(name)).unwrap();
    let storefront = read("common/storefront.stress");
    let (database, demo) = (
        "  service pg = postgres()\n  link db = tcp(to: pg.address)\n",
        "demo(database: pg.url(via: db), pool: pool, ",
    );
    assert!(storefront.contains(database) && storefront.contains(demo), "the storefront has another system");
    let options = if options.is_empty() { String::new() } else { format!("{options}, ") };
    let storefront = storefront
        .replace("slow_orders: slow_orders, ", "")
        .replace(database, "")
        .replace(demo, &format!("demo({options}"));
    place.write("common/storefront.stress", &storefront);
    place.write("common/products.csv", &read("common/products.csv"));
    place.write("load.stress", &read("load.stress"));
    (place, QUIET.lock().unwrap_or_else(PoisonError::into_inner))
}

fn run(options: &str, scenario: &str, settings: &[&str]) -> Ran {
    let (place, _quiet) = shop(options);
    let file = format!("load.stress:{scenario}");
    let mut arguments = vec!["run", &file, "--profile", "ci", "--no-progress"];
    for setting in settings {
        arguments.extend(["--set", setting]);
    }
    place.call(&arguments)
}

/// Holds everything but what is named by how it begins.
#[track_caller]
fn only_fails(ran: &Ran, named: &[&str]) {
    let expectations = ran.result["expectations"].as_array();
    let expectations = expectations.unwrap_or_else(|| panic!("{}{}", ran.out, ran.err));
    let of = |verdict: &str| -> Vec<&str> {
        let all = expectations.iter().filter(|one| one["verdict"] == verdict);
        all.map(|one| one["text"].as_str().unwrap_or("")).collect()
    };
    assert!(of("inconclusive").is_empty(), "{}{}", ran.out, ran.err);
    let failed = of("failed");
    let is_named = failed.len() == named.len() && failed.iter().zip(named).all(|(text, name)| text.starts_with(name));
    assert!(is_named, "{failed:?} failed instead of {named:?}\n{}{}", ran.out, ran.err);
    let codes: &[i32] = if named.is_empty() { &[0, 5] } else { &[1, 5] };
    assert!(codes.contains(&ran.code), "{}: {}{}", ran.code, ran.out, ran.err);
}

/// As many samples in less time: a p99 needs 500 of them.
const LIGHT: [&str; 3] = ["rise=1s", "light_for=6s", "each_user_every=40ms"];
const MEDIUM: [&str; 2] = ["rise=1s", "medium_for=6s"];
const HEAVY: [&str; 2] = ["rise=1s", "heavy_for=12s"];

#[test]
fn light_passes() {
    only_fails(&run("", "light", &LIGHT), &[]);
}

#[test]
fn medium_passes() {
    only_fails(&run("", "medium", &MEDIUM), &[]);
}

/// As many operations at a time as the plateau is meant to have, and no more than there are users.
#[test]
fn operations_at_a_time_are_as_many_as_are_meant() {
    only_fails(&run("", "light_in_flight", &["rise=1s", "light_for=8s"]), &[]);
    let more = ["rise=1s", "light_for=8s", "in_flight=23"];
    only_fails(&run("", "light_in_flight", &more), &["min(main.in_flight)"]);
}

/// Its last expectation is judged in slices of ten seconds, of which it holds two.
#[test]
fn heavy_passes() {
    only_fails(&run("", "heavy", &HEAVY), &[]);
}

/// 50 users, who need no more than the 50 slots; a slow query takes longer than one of the two bounds allows.
#[test]
fn a_slow_query_fails_the_latency_that_it_exceeds() {
    let settings = ["users=50 users", "rise=1s", "light_for=8s"];
    only_fails(&run("slow_orders: 400ms, pool: 64", "light", &settings), &["p95("]);
}

#[test]
fn errors_fail_the_error_rate() {
    only_fails(&run("errors: 5%", "light", &LIGHT), &["error_rate("]);
    only_fails(&run("errors: 5%", "medium", &MEDIUM), &["error_rate("]);
    only_fails(&run("errors: 5%", "heavy", &HEAVY), &["error_rate("]);
}

/// 25 users for 4 connections: each waits for some 200ms, and more than ten wait at any time.
#[test]
fn a_small_pool_fails_on_those_who_wait() {
    only_fails(&run("slow_orders: 40ms, pool: 4", "medium", &MEDIUM), &["max(sut.app.metric(\"db_pool_waiting\"))"]);
}

/// Nine of ten orders fail, so that the run is not worth its time.
#[test]
fn what_fails_for_ten_seconds_ends_heavy() {
    let ran = run("errors: 90%", "heavy", &["rise=1s", "heavy_for=60s"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let length = ran.result["duration_s"].as_f64().unwrap();
    assert!((10.0..40.0).contains(&length) && ran.out.contains("error_rate(main) > 50% for 10s"), "{}", ran.out);
}

/// All that the spike expects of what is sent holds; how it compares with itself, a busy machine may decide, and so it may
/// whether the generator kept up.
#[test]
fn spike_recovers() {
    let ran = run("", "spike", &[]);
    let expectations = ran.result["expectations"].as_array().unwrap_or_else(|| panic!("{}{}", ran.out, ran.err));
    assert_eq!(expectations.iter().filter(|one| one["implied"] == false).count(), 5);
    for one in expectations.iter().filter(|one| !one["text"].as_str().unwrap().contains("calm")) {
        assert_eq!(one["verdict"], "passed", "{one}\n{}{}", ran.out, ran.err);
    }
}

/// A shop that lets in 150 requests a second refuses most of the burst, and is well again behind it.
#[test]
fn a_rate_limit_fails_the_errors_of_the_burst() {
    let ran = run("rate_limit: 150/s", "spike", &[]);
    let expectations = ran.result["expectations"].as_array().unwrap_or_else(|| panic!("{}{}", ran.out, ran.err));
    for one in expectations.iter().filter(|one| !one["text"].as_str().unwrap().contains("calm")) {
        let is_named = one["text"].as_str().unwrap().contains("during burst");
        assert_eq!(one["verdict"], if is_named { "failed" } else { "passed" }, "{one}\n{}{}", ran.out, ran.err);
    }
}

/// 80 users in the checkout at a time, where 50 are room to spare.
#[test]
fn too_many_slots_in_use_fail() {
    let settings = ["users=16 users", "rise=1s", "medium_for=6s"];
    let ran = run("slots: 200, slow_orders: 200ms, pool: 128", "medium", &settings);
    only_fails(&ran, &["max(sut.app.metric(\"checkout_slots_in_use\"))"]);
}

/// 1 MiB of each of some 800 orders is kept.
#[test]
fn a_leak_fails_the_memory() {
    only_fails(&run("leak: 1MiB", "medium", &MEDIUM), &["max(sut.app.memory)"]);
}
