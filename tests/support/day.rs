//! A long run without a target: what workers would record, second by second and as fast as it can be computed.

use super::machine::MACHINE;
use stressc::base::units::SECOND;
use stressc::check::check;
use stressc::inputs::{Asked, load_text};
use stressc::measure::{Ended, Event, Failure, Generator, Recorder, Slice};
use stressc::plan::{Plan, Share, plan};

/// The plan of the only scenario in a text.
pub fn planned(text: &str) -> Plan {
    let loaded = load_text(std::path::Path::new("day.stress"), text.to_owned(), &Asked::default()).unwrap();
    let (program, found) = check(&loaded.inputs, &loaded.sources);
    let read = &loaded.diagnostics;
    assert!(!read.has_errors() && !found.has_errors(), "the text is wrong: {text}\n{read:?} {found:?}");
    let (plan, found) = plan(&program.scenarios[0], "day.stress", Share::WHOLE, MACHINE);
    assert!(!found.has_errors(), "the text cannot be planned: {text}\n{found:?}");
    plan
}

/// As many loads as asked for, each of as many requests, with the same stages, and what must hold of them.
pub fn scenario(loads: usize, requests: usize, stages: &str, more: &str) -> String {
    use std::fmt::Write as _;
    let mut text = "scenario day {\n  target api = http(\"http://127.0.0.1:9\")\n".to_owned();
    for load in 0..loads {
        writeln!(text, "  flow f{load} on api {{").unwrap();
        (0..requests).for_each(|request| writeln!(text, "    get \"/{request}\" as r{request}").unwrap());
        writeln!(text, "  }}\n  load l{load} of f{load} {{\n{stages}\n  }}").unwrap();
    }
    text + more + "\n}\n"
}

/// Numbers that look random, the same each time.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Numbers {
        Numbers(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 24
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn share(&mut self) -> f64 {
        (self.next() as f64 + 1.0) / (1u64 << 40) as f64
    }
}

/// Latencies as services have them: log-normal, of which every series has its own median between 1 and 20 ms.
struct Latencies(Vec<f64>);

impl Latencies {
    fn new(numbers: &mut Numbers) -> Latencies {
        let normal = |numbers: &mut Numbers| {
            let (a, b) = (numbers.share(), numbers.share());
            (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
        };
        Latencies((0..1 << 16).map(|_| (0.5 * normal(numbers)).exp()).collect())
    }

    fn pick(&self, series: usize, numbers: &mut Numbers) -> u64 {
        let median = 1e6 * (1 + series % 20) as f64;
        (self.0[numbers.below(self.0.len() as u64) as usize] * median) as u64
    }
}

pub struct Day {
    plan: Plan,
    recorder: Recorder,
    numbers: Numbers,
    latencies: Latencies,
    /// Samples of a series in a second.
    samples: u64,
    /// The seconds in which a fifth of all requests fail.
    pub broken: std::ops::Range<u64>,
}

impl Day {
    pub fn new(plan: &Plan, samples: u64, seed: u64) -> Day {
        let mut numbers = Numbers::new(seed);
        let latencies = Latencies::new(&mut numbers);
        let recorder = Recorder::new(plan.edges().into(), &plan.series, plan.loads.len());
        Day { plan: plan.clone(), recorder, numbers, latencies, samples, broken: 0..0 }
    }

    /// What is recorded in a second, some of it of requests that were sent up to half a minute before.
    pub fn second(&mut self, second: u64) -> Vec<Slice> {
        let numbers = &mut self.numbers;
        for load in 0..self.plan.loads.len() {
            for _ in 0..self.samples {
                self.recorder.started(load, second * SECOND + numbers.below(SECOND), 20_000 + numbers.below(100_000));
            }
        }
        for series in 0..self.plan.series.len() {
            for _ in 0..self.samples {
                let chance = numbers.below(5_000);
                let late = if chance == 0 { numbers.below(30 * SECOND) } else { 0 };
                let intended = (second * SECOND + numbers.below(SECOND)).saturating_sub(late);
                let broken = self.broken.contains(&second) && chance.is_multiple_of(5);
                let outcome = if chance < 5 || broken { Err(Failure::Timeout) } else { Ok(()) };
                let service = self.latencies.pick(series, numbers);
                self.recorder.sent(series, intended + late);
                let lag = 20_000 + numbers.below(100_000);
                let took = (late + service + lag, late + service);
                let ended = Ended { first_byte: lag + service / 2, ..Ended::plain(intended, took.0, took.1, outcome) };
                self.recorder.ended(series, &ended);
                if chance.is_multiple_of(100) {
                    self.recorder.opened(series, intended, 20_000 + numbers.below(100_000), Some(service));
                    self.recorder.tried_at((0, (chance / 100 % 3) as u32), &ended);
                }
            }
        }
        for look in 0..100 {
            self.recorder.poll_delay(second * SECOND + look * SECOND / 100, 20_000 + numbers.below(100_000));
        }
        self.recorder.drain()
    }

    /// The state of the generator at the end of a second.
    pub fn reading(&mut self, second: u64) -> Event {
        let share = self.numbers.share();
        Event::Generator(Generator {
            at: (second + 1) * SECOND,
            cpu: share,
            links: 0.0,
            busy: vec![share; 2],
            waiting: vec![self.numbers.share() / 10.0; 2],
            descriptors: 100 + self.numbers.below(100),
            descriptors_limit: 65_536,
            ports: 64,
            ports_limit: 28_000,
            memory: 20 << 20,
            poll_delay: vec![100_000; 2],
            pressed: None,
        })
    }

    /// What a run would tell of a second.
    pub fn events(&mut self, second: u64) -> Vec<Event> {
        let mut events: Vec<Event> = self.second(second).into_iter().map(Event::Slice).collect();
        events.push(self.reading(second));
        events
    }
}
