//! What a long run leaves on disk: little, exact, and readable whenever the run ended.

use crate::long_runs::{CONDITIONS, STAGES, same};
use crate::support::day::{Day, Numbers, planned, scenario};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use stressc::base::units::SECOND;
use stressc::measure::{Event, RequestPhase, Stats, histogram::Counts};
use stressc::plan::Plan;
use stressc::store::{Policy, Record, read};

fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|own| own == extension)).collect();
    files.sort();
    files
}

fn bytes(directory: &Path) -> u64 {
    std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

/// All samples of an interval log, as another implementation reads them.
fn read_by_others(path: &Path) -> u64 {
    use base64::Engine;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    let text = std::fs::read(path).unwrap();
    let mut sum = 0;
    for entry in IntervalLogIterator::new(&text) {
        if let LogEntry::Interval(interval) = entry.unwrap() {
            let payload = base64::engine::general_purpose::STANDARD.decode(interval.encoded_histogram()).unwrap();
            sum += Deserializer::new().deserialize::<u64, _>(&mut payload.as_slice()).unwrap().len();
        }
    }
    sum
}

#[test]
fn a_long_record_says_what_was_measured() {
    let place = tempfile::tempdir().unwrap();
    let plan = planned(&scenario(2, 3, STAGES, CONDITIONS));
    let policy = Policy { close_every: 30 * SECOND, room: 150_000 };
    let mut record = Record::in_directory(place.path(), None, &plan, 0.0, policy).unwrap();
    let (mut whole, mut day) = (Stats::new(&plan), Day::new(&plan, 4, 11));
    let mut written = 0;
    for second in 0..plan.length / SECOND {
        for event in day.events(second) {
            if let Event::Slice(slice) = &event {
                let of_addresses = slice.addresses.values().flat_map(|own| own.values());
                let of_series = slice.series.values().chain(of_addresses).flat_map(|counts| {
                    let phases = RequestPhase::ALL.into_iter().map(|phase| counts.phases.get(phase));
                    [&counts.latency, &counts.service_time, &counts.unanswered].into_iter().chain(phases)
                });
                let of_loads = slice.loads.values().map(|counts| &counts.lag);
                let histograms = of_series.chain(of_loads).chain([&slice.poll_delay]);
                written += histograms.map(Counts::total).sum::<u64>();
                whole.add(slice);
            }
            record.append(&event);
        }
        if second % 30 == 29 {
            record.settle();
        }
    }
    record.append(&Event::LoadEnded { at: plan.length });
    record.finish(b"{}").unwrap();
    assert!(record.problems().is_empty());
    let (again, stats) = read(place.path()).unwrap();
    let text = |plan: &Plan| serde_json::to_string(plan).unwrap();
    assert_eq!(text(&again), text(&plan));
    same(&plan, &stats, &whole);
    assert_eq!(stats.ended, Some(plan.length));
    let logs = files(place.path(), "hlog");
    assert!(logs.len() > 5 && logs.len() < 30, "closed files were joined: {logs:?}");
    assert_eq!(logs.iter().map(|log| read_by_others(log)).sum::<u64>(), written);
    assert!(files(place.path(), "part").is_empty());
}

/// Not a test by itself: what the tests below start as a process, to be killed or measured.
#[test]
#[ignore = "started by other tests"]
fn records_until_it_is_stopped() {
    let Ok(place) = std::env::var("RECORD_INTO") else { return };
    let number = |name: &str| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let (plan, seconds) = (day_plan(number("LOADS"), number("REQUESTS")), number("SECONDS"));
    let policy = Policy { close_every: number("CLOSE_EVERY") * SECOND, room: number("ROOM") };
    let mut record = Record::in_directory(Path::new(&place), None, &plan, 0.0, policy).unwrap();
    let (mut stats, mut day) = (Stats::new(&plan), Day::new(&plan, number("SAMPLES"), 3));
    for second in 0..seconds {
        for event in day.events(second) {
            record.append(&event);
            stats.take(event);
        }
        println!("recorded {second} {}", peak_kib());
        // The thread that adds up has less time here than in a run.
        if (second + 1) % (policy.close_every / SECOND) == 0 && std::env::var("SETTLE").is_ok() {
            record.settle();
        }
    }
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn day_plan(loads: u64, requests: u64) -> Plan {
    let stages = "    warmup 20/s for 10m as warm\n    hold 20/s for 23h as plateau";
    planned(&scenario(loads as usize, requests as usize, stages, ""))
}

fn recorder(place: &Path, settings: &[(&str, u64)]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "long_records::records_until_it_is_stopped", "--ignored", "--nocapture"]);
    command.env("RECORD_INTO", place).stdout(Stdio::piped()).stderr(Stdio::null());
    command.envs(settings.iter().map(|(name, value)| (name, value.to_string())));
    command
}

/// `recorded SECOND PEAK`, wherever on the line the words stand.
fn progress(line: &str) -> Option<(u64, u64)> {
    let (second, peak) = line.split_once("recorded ")?.1.split_once(' ')?;
    Some((second.parse().ok()?, peak.parse().ok()?))
}

#[test]
fn a_record_killed_at_any_instant_lacks_at_most_a_second() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(u64::from(std::process::id()));
    println!("SEED={seed} tries the same instants");
    let mut numbers = Numbers::new(seed);
    let plan = day_plan(1, 4);
    for _ in 0..12 {
        let place = tempfile::tempdir().unwrap();
        let settings = [
            ("LOADS", 1),
            ("REQUESTS", 4),
            ("SAMPLES", 5),
            ("SECONDS", 50_000),
            // All the time something is closed, added up or joined.
            ("CLOSE_EVERY", 5),
            ("ROOM", 20_000),
        ];
        let mut child = recorder(place.path(), &settings).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.by_ref().map(Result::unwrap).find_map(|line| progress(&line));
        assert_eq!(first.map(|(second, _)| second), Some(0));
        let kill = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_micros(numbers.below(1_500_000)));
            child.kill().unwrap();
            child.wait().unwrap();
            numbers
        });
        let last = lines.map_while(Result::ok).filter_map(|line| progress(&line)).last();
        numbers = kill.join().unwrap();
        let seconds = last.map_or(0, |(second, _)| second) + 1;
        let (_, found) = read(place.path()).unwrap();
        // What had been appended, and at most what was being appended.
        let (mut least, mut day) = (Stats::new(&plan), Day::new(&plan, 5, 3));
        (0..seconds).flat_map(|second| day.events(second)).for_each(|event| least.take(event));
        let mut most = least.clone();
        (seconds..seconds + 2).flat_map(|second| day.events(second)).for_each(|event| most.take(event));
        for series in 0..plan.series.len() {
            let sent = |stats: &Stats| stats.counts(series, &[(0, u64::MAX)]).sent;
            let times = |stats: &Stats| {
                let mut times = stressc::measure::Times::default();
                stats.times(series, &[(0, u64::MAX)], false, &mut times);
                times.len()
            };
            for of in [&sent as &dyn Fn(&Stats) -> u64, &times] {
                let (least, found, most) = (of(&least), of(&found), of(&most));
                assert!(least <= found && found <= most, "{least} {found} {most} after {seconds} s, SEED={seed}");
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn where_nothing_can_be_added_up_the_record_stays_and_the_run_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let plan = day_plan(1, 2);
    let policy = Policy { close_every: 10 * SECOND, room: 1 << 20 };
    let mut record = Record::in_directory(place.path(), None, &plan, 0.0, policy).unwrap();
    let (mut whole, mut day) = (Stats::new(&plan), Day::new(&plan, 20, 8));
    // What somebody else put there is neither followed nor written.
    let taken = place.path().join("intervals.000000-000000.hlog.part");
    let victim = place.path().join("victim");
    std::fs::write(&victim, "of somebody").unwrap();
    std::os::unix::fs::symlink(&victim, &taken).unwrap();
    let mut problems = Vec::new();
    let mut sizes = Vec::new();
    for second in 0..40 {
        for event in day.events(second) {
            record.append(&event);
            whole.take(event);
        }
        if second % 10 == 9 {
            record.settle();
            problems.push(record.problems().iter().map(ToString::to_string).collect::<Vec<_>>());
            sizes.push(std::fs::metadata(place.path().join("intervals.000000-000000.hlog")).unwrap().len());
        }
        if second == 15 {
            assert!(!taken.is_symlink() && !taken.exists(), "what could not be written is not left behind");
        }
    }
    assert!(problems[0].len() == 1 && problems[0][0].contains("File exists"), "{problems:?}");
    assert_eq!(std::fs::read(&victim).unwrap(), b"of somebody");
    assert!(problems[1..].iter().all(Vec::is_empty), "{problems:?}");
    assert!(sizes[1] * 3 < sizes[0], "added up at the next chance: {sizes:?}");
    assert!(record.broken.is_none());
    same_numbers(&read(place.path()).unwrap().1, &whole);
}

fn same_numbers(one: &Stats, other: &Stats) {
    assert_eq!(one.numbers().collect::<Vec<_>>(), other.numbers().collect::<Vec<_>>());
}

/// A fiftieth of a day with 60 series: what grows with time would show.
#[cfg(target_os = "linux")]
#[test]
fn memory_and_disk_do_not_grow_with_the_run() {
    let place = tempfile::tempdir().unwrap();
    let settings = [
        ("LOADS", 4),
        ("REQUESTS", 15),
        ("SAMPLES", 4),
        ("SECONDS", 1_800),
        ("CLOSE_EVERY", 60),
        ("ROOM", 4 << 20),
        ("SETTLE", 1),
    ];
    let output = recorder(place.path(), &settings).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let peaks: Vec<u64> = text.lines().filter_map(progress).map(|(_, peak)| peak).collect();
    assert_eq!(peaks.len(), 1_800);
    let growth = peaks[1_799] - peaks[600];
    assert!(growth < 6 << 10, "{growth} KiB more in the last twenty minutes");
    assert!(peaks[1_799] < 64 << 10, "{} KiB", peaks[1_799]);
    // The files that are not joined, and that which is appended to.
    let size = bytes(place.path());
    assert!(size < 16 << 20, "{size} bytes");
}
