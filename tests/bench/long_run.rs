//! What a day of load takes of memory and disk: `cargo bench --bench long_run [SECONDS]`. 300 series with 20 samples
//! each a second go from a recorder to the record and the measurements, as in a run and as fast as they are computed.
//! Ends with 1 if the process needs more than 64 MiB, the record more than 300 MiB, a report of it as JSON more than 30 s, or its page more
//! than 10 s or 300 MiB in a process of its own.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench talks to a person")]

#[path = "../support/machine.rs"]
mod machine;
#[path = "../support/day.rs"]
mod day;

use day::{Day, planned, scenario};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use stressc::base::units::SECOND;
use stressc::measure::{Event, Stats};
use stressc::store::{Policy, Record, read};
use stressc::{judge, report};

const MIB: u64 = 1 << 20;
const DAY: u64 = 86_400;
const SAMPLES: u64 = 20;
const STAGES: &str = "    warmup 20/s for 10m\n    ramp 20/s -> 40/s over 50m as rise\n    hold 40/s for 22h as plateau\n    ramp 40/s -> 20/s over 1h as fall";
const EXPECT: &str = "  expect {\n    p95(l0) < 1s during l0.plateau\n    error_rate(l1) < 5%\n  }";

/// As which the bench calls itself to render the page, so that the memory of that is counted alone.
const RENDER: &str = "--render";

fn main() -> ExitCode {
    let mut arguments = std::env::args();
    if arguments.any(|argument| argument == RENDER) {
        render(Path::new(&arguments.next().unwrap()));
        return ExitCode::SUCCESS;
    }
    let seconds = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(DAY);
    let place = std::env::temp_dir().join(format!("long_run.{}", std::process::id()));
    std::fs::create_dir(&place).unwrap();
    let good = run(&place, seconds);
    std::fs::remove_dir_all(&place).unwrap();
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(place: &Path, seconds: u64) -> bool {
    let plan = planned(&scenario(10, 30, STAGES, EXPECT));
    let policy = Policy::default();
    let mut record = Record::in_directory(place, None, &plan, 0.0, policy).unwrap();
    let mut stats = Stats::new(&plan);
    let most = Watch::start(place.to_owned());
    let started = Instant::now();
    // Recorded on one thread and kept by another, with what is under way between them.
    let (worker, kept) = std::sync::mpsc::sync_channel::<(Vec<Event>, u64)>(1);
    let mut day = Day::new(&plan, SAMPLES, 1);
    let worker = std::thread::spawn(move || {
        for second in 0..seconds {
            if worker.send((day.events(second), second)).is_err() {
                return;
            }
        }
    });
    for (events, second) in kept {
        for event in events {
            record.append(&event);
            stats.take(event);
        }
        // In a run files are closed less often than they are added up.
        if ((second + 1) * SECOND).is_multiple_of(policy.close_every) {
            record.settle();
        }
        if (second + 1).is_multiple_of(3_600) {
            println!(
                "{:>3} h  {:>5.1} MiB of memory, {:>5.1} MiB on disk, {:>4.0} s",
                (second + 1) / 3_600,
                memory("VmRSS:") as f64 / MIB as f64,
                bytes(place) as f64 / MIB as f64,
                started.elapsed().as_secs_f64()
            );
        }
    }
    worker.join().unwrap();
    record.append(&Event::LoadEnded { at: seconds * SECOND });
    record.append(&Event::Ended { at: seconds * SECOND });
    record.finish(b"{}").unwrap();
    assert!(record.problems().is_empty());
    let (took, memory, disk) = (started.elapsed().as_secs_f64(), memory("VmHWM:"), most.stop());
    let samples = stats.numbers().map(|(_, counts)| counts.ok + counts.failures()).sum::<u64>();
    assert_eq!(samples, 300 * SAMPLES * seconds, "every sample is in the sums");
    let started = Instant::now();
    let (plan, again) = read(place).unwrap();
    let verdict = judge::judge(&plan, &again, &judge::Others::default());
    let text = report::json(&report::report(&plan, &again, &verdict));
    let reported = started.elapsed().as_secs_f64();
    assert!(again.numbers().eq(stats.numbers()), "the record says what was measured");
    let mib = |bytes: u64| bytes as f64 / MIB as f64;
    println!("{seconds} s, {samples} samples of 300 series in {took:.0} s");
    println!("memory at most {:.1} MiB, disk at most {:.1} MiB", mib(memory), mib(disk));
    println!("a report of the record in {reported:.1} s, {:.1} MiB", mib(text.len() as u64));
    let (page, needs) = rendered(place);
    println!("its page in {page:.1} s, with at most {:.1} MiB of memory", mib(needs));
    let is_page_good = page <= 10.0 && needs <= 300 * MIB;
    memory <= 64 * MIB && disk <= 300 * MIB && reported <= 30.0 && is_page_good
}

/// Renders the page of a record, and says how long that took and what it needed.
fn render(place: &Path) {
    let started = Instant::now();
    let (plan, stats) = read(place).unwrap();
    let verdict = judge::judge(&plan, &stats, &judge::Others::default());
    let page = report::Format::Html.write(&report::report(&plan, &stats, &verdict));
    let took = started.elapsed().as_secs_f64();
    println!("{took} {} {}", memory("VmHWM:"), page.len());
}

/// The same in a process of its own: seconds, and bytes of memory.
fn rendered(place: &Path) -> (f64, u64) {
    let own = std::env::current_exe().unwrap();
    let output = std::process::Command::new(own).arg(RENDER).arg(place).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<f64> = told.split_whitespace().map(|number| number.parse().unwrap()).collect();
    println!("the page has {:.1} MiB", numbers[2] / MIB as f64);
    (numbers[0], numbers[1] as u64)
}

fn memory(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1_024
}

fn bytes(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory).unwrap();
    entries.flatten().filter_map(|entry| Some(entry.metadata().ok()?.len())).sum()
}

/// The most that a directory ever holds, with what is being written.
struct Watch {
    most: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Watch {
    fn start(directory: PathBuf) -> Watch {
        let watch = Watch { most: Arc::default(), over: Arc::default() };
        let (most, over) = (watch.most.clone(), watch.over.clone());
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                most.fetch_max(bytes(&directory), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        watch
    }

    fn stop(self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        self.most.load(Ordering::Relaxed)
    }
}
