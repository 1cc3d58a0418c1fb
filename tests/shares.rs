//! Two processes with half of a load each are one process with all of it.

use crate::support::{Place, Server};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Samples by slice in the interval log of the first request, which is intended when its iteration is.
fn arrivals(run: &Path) -> BTreeMap<u64, u64> {
    let log = std::fs::read(run.join("intervals.hlog")).unwrap();
    let (lines, broken) = stressc::measure::interval_log::read(&log);
    assert_eq!(broken, 0);
    let mut sum = BTreeMap::new();
    for line in lines.iter().filter(|line| line.tag == "main.browse.home") {
        *sum.entry(line.start_ns).or_default() += line.counts.total();
    }
    sum
}

#[test]
fn interval_logs_of_shares_add_up_exactly() {
    let server = Server::start(Duration::ZERO);
    let text =
        server.scenario("    ramp 10/s -> 233/s over 1700ms\n    hold 233/s for 1300ms", "    error_rate(main) < 1%");
    let flags: [&[&str]; 4] = [&["--share", "1/2"], &["--share", "2/2", "--workers", "2"], &[], &["--workers", "2"]];
    let logs: Vec<BTreeMap<u64, u64>> = flags
        .iter()
        .map(|flags| {
            let place = Place::new();
            let mut all = vec!["--seed", "7"];
            all.extend(*flags);
            let ran = place.run(&text, &all);
            ran.passed();
            arrivals(&place.runs()[0])
        })
        .collect();
    let mut added = logs[0].clone();
    for (slice, count) in &logs[1] {
        *added.entry(*slice).or_default() += count;
    }
    assert_eq!(added, logs[2], "two shares");
    assert_eq!(logs[3], logs[2], "two workers");
    assert!(logs[0].values().sum::<u64>().abs_diff(logs[1].values().sum::<u64>()) <= 1);
}
