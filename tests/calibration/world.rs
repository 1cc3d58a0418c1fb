//! A system that is made up: loads whose answers take as long as noise says, and readings of a service.

use crate::support::day::planned;
use stressc::base::units::{HOUR, MILLISECOND, SECOND};
use stressc::judge::{Others, Verdict};
use stressc::measure::histogram::Sparse;
use stressc::measure::{Event, Failure, Gauges, Generator, SeriesCounts, Slice, Stats};
use stressc::metric::{Finder, Judged, judge};
use stressc::plan::Plan;

/// Numbers that a seed gives (Marsaglia, Journal of Statistical Software 8, 2003).
pub struct Draw(u64);

impl Draw {
    pub fn new(seed: u64) -> Draw {
        let mut draw = Draw(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            draw.number();
        }
        draw
    }

    fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn uniform(&mut self) -> f64 {
        ((self.number() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// How many of so many have a property that each has with a probability.
    pub fn of(&mut self, all: u64, share: f64) -> u64 {
        (0..all).filter(|_| self.uniform() < share).count() as u64
    }

    /// Noise that goes from second to second by so much, of a standard deviation.
    pub fn noise(&mut self, seconds: usize, phi: f64, deviation: f64) -> Vec<f64> {
        let step = (1.0 - phi * phi).sqrt();
        let mut at = self.normal();
        let next = |_| {
            at = phi * at + step * self.normal();
            at * deviation
        };
        (0..seconds).map(next).collect()
    }
}

/// Latencies around 1 as those of real systems lie, each as likely: a lognormal distribution whose logarithm has a standard deviation of a
/// half.
fn latencies() -> Vec<f64> {
    const ALL: usize = 8192;
    // By how much less than half of all lie behind it (Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.23).
    let behind = |share: f64| {
        let t = (-2.0 * share.ln()).sqrt();
        let (above, below) =
            (2.515_517 + t * (0.802_853 + t * 0.010_328), t * (1.432_788 + t * (0.189_269 + t * 0.001_308)));
        t - above / (1.0 + below)
    };
    let of = |place: usize| {
        let share = (place as f64 + 0.5) / ALL as f64;
        if share < 0.5 { -behind(share) } else { behind(1.0 - share) }
    };
    (0..ALL).map(|place| (0.5 * of(place)).exp()).collect()
}

/// The p95 of these, in medians.
pub const P95: f64 = 2.276;

/// A plan, of which many runs are made up.
pub struct World {
    pub plan: Plan,
    edges: Vec<u64>,
    latencies: Vec<f64>,
}

/// One run of it.
pub struct Ran<'w> {
    world: &'w World,
    pub stats: Stats,
}

impl World {
    /// Of a scenario with these loads and whatever else, all of a flow `look`.
    pub fn of(loads: &str, expect: &str) -> World {
        let text = format!(
            "scenario s {{\n  service shop = demo()\n  target api = http(shop.url) {{\n    timeout: 2s\n  }}\n  flow look on api {{\n    get \"/\" as page\n  }}\n{loads}\n  expect {{\n{expect}\n  }}\n}}\n"
        );
        let plan = planned(&text);
        World { edges: plan.edges(), plan, latencies: latencies() }
    }

    pub fn run(&self) -> Ran<'_> {
        let mut stats = Stats::new(&self.plan);
        stats.complete = true;
        stats.ended = Some(self.plan.length);
        Ran { world: self, stats }
    }

    fn latency(&self, draw: &mut Draw) -> f64 {
        self.latencies[draw.number() as usize >> 51]
    }

    fn series(&self, load: usize) -> u32 {
        let place = self.plan.series.iter().position(|series| series.load == load && series.is_request());
        place.unwrap() as u32
    }
}

impl Ran<'_> {
    fn slice(&self, second: u64) -> u32 {
        (self.world.edges.partition_point(|edge| *edge <= second * SECOND) - 1) as u32
    }

    /// A load whose answers in each of these seconds take so many milliseconds in the median.
    pub fn answers(&mut self, load: usize, from: u64, each: u64, medians: &[f64], draw: &mut Draw) {
        let (series, first) = (self.world.series(load), self.slice(from));
        for (slice, median) in (first..).zip(medians) {
            let mut times = Sparse::new();
            for _ in 0..each {
                times.record((median * self.world.latency(draw) * MILLISECOND as f64) as u64);
            }
            let counts = SeriesCounts { sent: each, ok: each, latency: times.drain(), ..SeriesCounts::default() };
            self.stats.add(&Slice { slice, series: [(series, counts)].into(), ..Slice::default() });
        }
    }

    /// A load of which so many fail in each second.
    pub fn failures(&mut self, load: usize, from: u64, each: u64, failed: &[u64]) {
        let (series, first) = (self.world.series(load), self.slice(from));
        for (slice, failed) in (first..).zip(failed) {
            let kinds = (*failed > 0).then_some((Failure::Status, *failed)).into_iter().collect();
            let counts = SeriesCounts { sent: each, ok: each - failed, failed: kinds, ..SeriesCounts::default() };
            self.stats.add(&Slice { slice, series: [(series, counts)].into(), ..Slice::default() });
        }
    }

    /// A load of which so many are answered in each second.
    pub fn throughput(&mut self, load: usize, from: u64, each: &[u64]) {
        let (series, first) = (self.world.series(load), self.slice(from));
        for (slice, ok) in (first..).zip(each) {
            let counts = SeriesCounts { sent: *ok, ok: *ok, ..SeriesCounts::default() };
            self.stats.add(&Slice { slice, series: [(series, counts)].into(), ..Slice::default() });
        }
    }

    /// A second in which the one worker was busy all the time, and got to what was ready as late as the target took.
    pub fn without_room(&mut self, second: u64) {
        let slice = self.slice(second);
        let mut late = Sparse::new();
        late.record(50 * MILLISECOND);
        self.stats.add(&Slice { slice, poll_delay: late.drain(), ..Slice::default() });
        let series = self.world.series(0);
        let mut times = Sparse::new();
        times.record(100 * MILLISECOND);
        let counts = SeriesCounts { service_time: times.drain(), ..SeriesCounts::default() };
        self.stats.add(&Slice { slice, series: [(series, counts)].into(), ..Slice::default() });
        let at = (second + 1) * SECOND;
        let (busy, waiting) = (vec![0.97], vec![0.0]);
        self.stats.take(Event::Generator(Generator { at, busy, waiting, ..Generator::default() }));
    }

    /// One reading a second of what is watched under a name.
    pub fn readings(&mut self, what: &str, values: &[f64]) {
        let index = self.world.plan.watched().iter().position(|watched| watched.what == what).unwrap() as u32;
        for (second, value) in (0..).zip(values) {
            let look = Gauges { at: second * SECOND, values: [(index, *value)].into(), ..Gauges::default() };
            self.stats.take(Event::Gauges(look));
        }
    }

    /// A search of a load at whose levels answers take so many milliseconds in the median.
    pub fn searched(&mut self, mut median: impl FnMut(f64, &mut Draw) -> f64, draw: &mut Draw) {
        let world = self.world;
        let mut finder = Finder::new(&world.plan, &world.plan.searches[0]);
        let mut next = 0;
        while let Some((_, level, start)) = finder.begin(next) {
            let median = median(level, draw);
            for second in start / SECOND..(start + finder.each()) / SECOND {
                let mut times = Sparse::new();
                let each = level.round() as u64;
                (0..each).for_each(|_| times.record((median * world.latency(draw) * MILLISECOND as f64) as u64));
                let counts = SeriesCounts { sent: each, ok: each, latency: times.drain(), ..SeriesCounts::default() };
                let (slice, series) = (self.slice(second), [(world.series(0), counts)].into());
                finder.take(&Slice { slice, series, ..Slice::default() });
            }
            next = start + finder.each() + SECOND;
            self.stats.take(Event::Tried(finder.judge(next).unwrap()));
        }
    }

    /// Of the whole run.
    pub fn verdict(&self) -> Verdict {
        stressc::judge::judge(&self.world.plan, &self.stats, &Others::default())
    }

    /// Long after, when what is old has been added up as far as the plan allows.
    pub fn judged(&mut self, expectation: usize) -> Judged {
        let at = self.world.plan.length + 2 * HOUR;
        self.stats.take(Event::Generator(Generator { at, ..Generator::default() }));
        judge(&self.world.plan.expectations[expectation].condition, &self.stats)
    }
}
