//! What a day of load takes of memory and disk: `cargo bench --bench long_run -- [SECONDS [EVERY]]`. 300 series with 20 samples
//! each a second go from a recorder to the record and the measurements, as in a run and as fast as they are computed. With EVERY, one
//! second in so many has the samples of all of them: the cells of a minute are the same, and are there much sooner.
//! Ends with 1 if the process needs more than 64 MiB, the record more than 300 MiB, or its report in a format more than 10 s or 300 MiB in a
//! process of its own.

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

/// As which the bench calls itself to render the report in a format, so that the memory of that is counted alone.
const RENDER: &str = "--render";
/// The report for a person, which is no format of `--out`.
const TERMINAL: &str = "terminal";

fn main() -> ExitCode {
    let mut arguments = std::env::args();
    if arguments.any(|argument| argument == RENDER) {
        let format = arguments.next().unwrap();
        render(&format, Path::new(&arguments.next().unwrap()));
        return ExitCode::SUCCESS;
    }
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    let (seconds, every) = (numbers.next().unwrap_or(DAY), numbers.next().unwrap_or(1));
    let place = std::env::temp_dir().join(format!("long_run.{}", std::process::id()));
    std::fs::create_dir(&place).unwrap();
    let good = run(&place, seconds, every);
    std::fs::remove_dir_all(&place).unwrap();
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(place: &Path, seconds: u64, every: u64) -> bool {
    let plan = planned(&scenario(10, 30, STAGES, EXPECT));
    let policy = Policy::default();
    let mut record = Record::in_directory(place, None, &plan, 0.0, policy).unwrap();
    let mut stats = Stats::new(&plan);
    let most = Watch::start(place.to_owned());
    let started = Instant::now();
    // Recorded on one thread and kept by another, with what is under way between them.
    let (worker, kept) = std::sync::mpsc::sync_channel::<(Vec<Event>, u64)>(1);
    let mut day = Day::new(&plan, SAMPLES * every, 1);
    let worker = std::thread::spawn(move || {
        for second in 0..seconds {
            let events = if second % every == 0 { day.events(second) } else { vec![day.reading(second)] };
            if worker.send((events, second)).is_err() {
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
    assert_eq!(samples, 300 * SAMPLES * every * seconds.div_ceil(every), "every sample is in the sums");
    let (_, again) = read(place).unwrap();
    assert!(again.numbers().eq(stats.numbers()), "the record says what was measured");
    let mib = |bytes: u64| bytes as f64 / MIB as f64;
    println!("{seconds} s, {samples} samples of 300 series in {took:.0} s");
    println!("memory at most {:.1} MiB, disk at most {:.1} MiB", mib(memory), mib(disk));
    let formats = report::Format::ALL.iter().map(|format| format.name()).chain([TERMINAL]);
    // All of them, also after one that takes too long.
    let in_time: Vec<bool> = formats.map(|format| is_rendered_soon(format, place)).collect();
    memory <= 64 * MIB && disk <= 300 * MIB && in_time.iter().all(|soon| *soon)
}

/// Renders the report of a record, and says how long that took and what it needed.
fn render(format: &str, place: &Path) {
    let started = Instant::now();
    let (plan, stats) = read(place).unwrap();
    let verdict = judge::judge(&plan, &stats, &judge::Others::default());
    let report = report::report(&plan, &stats, &verdict);
    let written = match report::Format::ALL.iter().find(|own| own.name() == format) {
        Some(format) => format.write(&report),
        None => report::terminal(&report, 100, false).into_bytes(),
    };
    let took = started.elapsed().as_secs_f64();
    println!("{took} {} {} {}", memory("VmHWM:"), written.len(), processor_time());
}

/// The same in a process of its own, and whether it stayed within the limits.
fn is_rendered_soon(format: &str, place: &Path) -> bool {
    let own = std::env::current_exe().unwrap();
    let output = std::process::Command::new(own).args([RENDER, format]).arg(place).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<f64> = told.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [took, needs, size, busy] = numbers[..] else { panic!("{told}") };
    let mib = |bytes: f64| bytes / MIB as f64;
    println!(
        "{format:<8} in {took:.1} s ({busy:.1} s of a processor), {:.1} MiB of memory, {:.2} MiB long",
        mib(needs),
        mib(size)
    );
    took <= 10.0 && mib(needs) <= 300.0
}

/// Seconds that this process was on a processor.
fn processor_time() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
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
