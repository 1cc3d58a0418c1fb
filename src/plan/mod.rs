//! Program → Plan: what will be done, known before anything is sent. A plan is a plain value: offsets in
//! nanoseconds from the start of the load, no paths, no handles.

mod bound;
pub mod draw;
mod edges;
mod elaborate;
mod expect;
mod fingerprint;
mod links;
mod moving;
mod needs;
mod reach;
pub mod schedule;
pub mod scope;
mod search;
mod sound;
mod timeline;
mod watched;

pub use crate::check::program::{
    Address, AlertCheck, AlertDoes, AlertSource, Allow, Body, Bound, Breakage, Check, Connections, Content, Data, Demo,
    Element, Expr, File, Flow, Function, Ledger, Limit, Link, Member, MixPart, Moment, Monitor, Part, PartKind, Piece,
    Record, Repeat, Replay, Request, Retry, Series as Watched, SeriesSource, Service, ServiceKind, Setting, StageKind,
    Step, Subject, Target, Text, Think, Upload,
};
pub use crate::check::types::Type;
pub use crate::syntax::ast::{Binary, ScopeKind};
pub use edges::{RestsOn, WindowEdges};
pub use elaborate::plan;
pub use expect::{FEWEST_PARTS, are_compared, needed_samples, samples_of_part};
pub use needs::{Lack, Of, lacks};
pub use reach::{Reached, Standing, Way};
pub use search::{FOR_A_LAW, distinct};

use crate::base::units;
use crate::check::program;
use schedule::{Segment, Shape};
use serde::{Deserialize, Serialize};

pub const SCHEMA: u32 = 1;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub schema: u32,
    pub file: String,
    pub scenario: String,
    /// The named set of values that was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    pub doc: Option<String>,
    pub fingerprint: String,
    pub share: Share,
    /// Parameters of the file and what they are in this run, as they are written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<Allow>,
    pub services: Vec<Service>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    pub targets: Vec<Target>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<Data>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitors: Vec<Monitor>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alert_sources: Vec<AlertSource>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ledgers: Vec<Ledger>,
    pub flows: Vec<Flow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub setup: Vec<Flow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teardown: Vec<Flow>,
    pub loads: Vec<Load>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steady_states: Vec<SteadyState>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aborts: Vec<Abort>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub searches: Vec<Search>,
    pub series: Vec<Series>,
    pub expectations: Vec<Expectation>,
    /// The end of the last load.
    pub length: u64,
}

/// Which part of the arrivals and users is ours: those whose number leaves `index` divided by `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub index: u64,
    pub count: u64,
}

impl Share {
    pub const WHOLE: Share = Share { index: 0, count: 1 };

    /// How many of the first `n` arrivals are ours.
    pub fn of(self, n: u64) -> u64 {
        (n + self.count - 1).saturating_sub(self.index) / self.count
    }
}

/// What this machine can hold: an input of the plan, never asked for by it.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    pub descriptors: u64,
    pub memory: u64,
    /// Local ports that the kernel deals for connections to one address.
    pub ports: u64,
    pub reuse: PortReuse,
    pub cores: u64,
    pub groups: Groups,
}

/// By what a service is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    CgroupV1,
    CgroupV2,
    /// It is stopped as soon as it has had its share, and goes on when it is due another.
    Turns,
}

/// Which control groups this machine lets stressc make, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Groups {
    pub cpu: Result<By, &'static str>,
    pub memory: Result<By, &'static str>,
}

impl Groups {
    /// As on most machines of today.
    pub const USUAL: Groups = Groups { cpu: Ok(By::CgroupV2), memory: Ok(By::CgroupV2) };
}

/// Where the kernel deals a port again that a closed connection holds (`net.ipv4.tcp_tw_reuse`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortReuse {
    Never,
    Loopback,
    Always,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Load {
    pub name: String,
    pub parts: Vec<MixPart>,
    pub start: u64,
    pub shape: Shape,
    pub stages: Vec<Stage>,
    pub ceiling: Ceiling,
    pub grace: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub population: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub poisson: bool,
}

impl Load {
    /// The part of a mix that arrival `k` runs. With a population each user is dealt parts of its own, so that nobody
    /// gets the same again because of how many there are.
    pub fn part_of_arrival(&self, k: u64) -> usize {
        match self.population.map(|users| users.max(1)) {
            Some(users) => self.part(k / users + k % users),
            None => self.part(k),
        }
    }

    /// The part of a mix that an iteration of a user of a closed load runs; both count from 0.
    pub fn part_of_turn(&self, user: u64, turn: u64) -> usize {
        self.part(user + turn)
    }

    /// Numbers are dealt out by the golden ratio, whose multiples lie as evenly in [0, 1) as any do, so that every
    /// stretch of arrivals is mixed as the whole is.
    fn part(&self, number: u64) -> usize {
        if self.parts.len() == 1 {
            return 0;
        }
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        let point = number.wrapping_mul(GOLDEN) as f64 / 2f64.powi(64);
        let mut sum = 0.0;
        let found = self.parts.iter().position(|part| {
            sum += part.weight;
            point < sum
        });
        found.unwrap_or(self.parts.len().saturating_sub(1))
    }

    /// How many arrivals a part of the mix is dealt, at least and at most: where they are too many to be counted one by
    /// one, somewhat less and more than its weight.
    pub fn arrivals_of(&self, part: usize) -> (u64, u64) {
        const COUNTED: u64 = 10_000_000;
        // The golden ratio deals no part so much more or less.
        const UNEVEN: u64 = 64;
        let (least, most) = self.arrivals();
        let counted = |all: u64| (0..all).filter(|k| self.part_of_arrival(*k) == part).count() as u64;
        let about = |all: u64| (all as f64 * self.parts[part].weight) as u64;
        match self.parts.len() {
            1 => (least, most),
            _ if most <= COUNTED && least == most => {
                let count = counted(most);
                (count, count)
            }
            _ => (about(least).saturating_sub(UNEVEN), about(most) + UNEVEN),
        }
    }

    /// How many arrive, at least and at most. A Poisson number is so far from its mean λ with a probability of at most
    /// exp(−x² ÷ 2(λ + x)) on each side (Canonne, A short note on Poisson tail probabilities, 2017): one in 10¹⁰ here.
    pub fn arrivals(&self) -> (u64, u64) {
        const SURE: f64 = 23.0;
        let all = self.arrivals_before(u64::MAX, Share::WHOLE);
        if !self.poisson {
            return (all, all);
        }
        let room = (SURE + (SURE * SURE + 2.0 * SURE * all as f64).sqrt()).ceil() as u64;
        (all.saturating_sub(room), all + room)
    }

    /// How many arrivals of a share are intended before an offset, or expected where they come at random. Those of a population go where their user is.
    pub fn arrivals_before(&self, offset: u64, share: Share) -> u64 {
        let rows = |stage: &Stage| {
            let part = offset.clamp(stage.start, stage.end) - stage.start;
            let rows = u128::from(stage.iterations.unwrap_or(0)) * u128::from(part);
            rows.div_ceil(u128::from((stage.end - stage.start).max(1))) as u64
        };
        let replayed: u64 = self.stages.iter().filter(|stage| stage.replay.is_some()).map(rows).sum();
        let all = self.level().arrivals_before(offset) + replayed;
        match self.population.map(|users| users.max(1)) {
            Some(users) => all / users * share.of(users) + share.of(all % users),
            None => share.of(all),
        }
    }

    /// When a user of a closed load, counted from 0, is active. Of the iterations of a `once` each user has every so
    /// manieth, so that nobody needs to ask who does the next.
    pub fn turns_of(&self, user: u64) -> Vec<Turns> {
        let mut all = Vec::new();
        for (start, end) in self.level().active(user) {
            let mut at = start;
            let shared =
                |(_, stage): &(usize, &Stage)| stage.kind == StageKind::Once && stage.start < end && start < stage.end;
            for (place, stage) in self.stages.iter().enumerate().filter(shared) {
                let between = Turns { start: at, end: stage.start, of: None };
                all.extend((at < stage.start).then_some(between));
                at = stage.end.min(end);
                let ours = Share { index: user, count: (stage.from as u64).max(1) };
                let count = ours.of(stage.iterations.unwrap_or(0));
                all.push(Turns { start: stage.start.max(start), end: at, of: Some((place, count)) });
            }
            all.extend((at < end).then_some(Turns { start: at, end, of: None }));
        }
        all
    }

    /// How many iterations of a stage are planned for a share, or expected where they come at random; nothing where only
    /// the run knows.
    pub fn planned(&self, stage: &Stage, share: Share) -> Option<u64> {
        match stage.kind {
            StageKind::Once => {
                let (iterations, users) = (stage.iterations.unwrap_or(0), (stage.from as u64).max(1));
                Some(iterations / users * share.of(users) + share.of(iterations % users))
            }
            StageKind::Search => None,
            _ if self.is_open() => Some(self.arrivals_within((stage.start, stage.end), share)),
            _ => None,
        }
    }

    /// How many arrivals of a share are intended in a window, or expected.
    pub fn arrivals_within(&self, (start, end): Range, share: Share) -> u64 {
        self.arrivals_before(end, share).saturating_sub(self.arrivals_before(start, share))
    }

    /// A level with its unit.
    pub fn shown(&self, level: f64) -> String {
        match (self.is_open(), level == 1.0) {
            (true, _) => format!("{}/s", units::short(level)),
            (false, true) => "1 user".to_owned(),
            (false, false) => format!("{} users", units::grouped(level, 0)),
        }
    }

    /// What is measured of no metric: where sweeps settle.
    pub fn settles(&self) -> Vec<Range> {
        self.stages.iter().flat_map(Stage::settles).collect()
    }

    /// Whether an arrival goes to a share. Those of a population go where their user is.
    pub fn is_of(&self, k: u64, share: Share) -> bool {
        self.population.map_or(k, |users| k % users.max(1)) % share.count == share.index
    }

    /// The level up to where only the run or data say what happens.
    pub fn level(&self) -> Shape {
        let unknown = |stage: &&Stage| matches!(stage.kind, StageKind::Search | StageKind::Replay);
        let end = self.stages.iter().find(unknown).map_or(u64::MAX, |stage| stage.start);
        let known = |segments: &[Segment]| segments.iter().filter(|segment| segment.start < end).copied().collect();
        match &self.shape {
            Shape::Open(segments) => Shape::Open(known(segments)),
            Shape::Closed(segments) => Shape::Closed(known(segments)),
        }
    }

    /// Those who come back: the population of an open load, the users of a closed one.
    pub fn users(&self) -> u64 {
        self.population.filter(|_| self.is_open()).unwrap_or(self.shape.peak())
    }

    pub fn is_open(&self) -> bool {
        matches!(self.shape, Shape::Open(_))
    }
}

/// A time in which a user is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turns {
    pub start: u64,
    pub end: u64,
    /// In a `once`: which stage that is, and how many iterations of it are this user's.
    pub of: Option<(usize, u64)>,
}

/// How many iterations may be under way at a time, over all workers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ceiling {
    pub in_flight: u64,
    pub from: CeilingFrom,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CeilingFrom {
    /// Written in the scenario.
    Scenario,
    /// Peak rate × the longest an iteration can take.
    Rate,
    /// The number of users.
    Users,
    /// What descriptors and memory of this machine allow.
    Machine,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    pub name: String,
    pub named: bool,
    pub kind: StageKind,
    pub start: u64,
    pub end: u64,
    /// Arrivals a second or users, for drawing.
    pub from: f64,
    pub to: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replay>,
    /// The levels of a sweep, each with the time in which it is measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<(f64, Range)>,
}

impl Stage {
    /// Where a sweep settles.
    pub fn settles(&self) -> Vec<Range> {
        let mut at = self.start;
        let mut settles = Vec::new();
        for (_, (start, end)) in &self.levels {
            settles.extend((at < *start).then_some((at, *start)));
            at = *end;
        }
        settles
    }
}

/// What breaks, and in which windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    pub name: String,
    pub breakage: Breakage,
    /// Nobody takes it back: it lasts until something else ends it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left: bool,
    /// By what this machine can bring it about, where there is more than one way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    pub windows: Vec<Range>,
}

/// Something that happens and is not taken back, with its bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub name: String,
    pub command: Text,
    pub at: u64,
    pub at_most: u64,
}

impl Event {
    /// Until when it is given up.
    pub fn window(&self) -> Range {
        (self.at, self.at.saturating_add(self.at_most))
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SteadyState {
    pub name: Option<String>,
    pub conditions: Vec<Expectation>,
    pub window: u64,
    pub hold: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Abort {
    pub text: String,
    pub condition: Condition,
    /// How long it must hold.
    pub length: u64,
    /// How long after a request is sent it is known at the latest what became of it.
    pub patience: u64,
}

/// A stage that looks for the highest level at which a condition holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Search {
    pub load: usize,
    pub stage: usize,
    pub least: f64,
    pub most: f64,
    /// How near the highest level that held comes to the lowest that did not.
    pub resolution: f64,
    pub each: u64,
    pub trials: u64,
    pub condition: Condition,
}

/// What is recorded apart: the requests of one step in one load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    pub name: String,
    /// The name as interval logs allow it, unique in the plan.
    pub tag: String,
    pub load: usize,
    /// The part of the load's mix, and the flow that it runs.
    pub part: usize,
    pub flow: usize,
    /// A request, a group of steps, or whole iterations.
    pub member: Member,
    /// Which time of it; all but the latency stand in series of their own, where something asks for them.
    #[serde(default = "latency", skip_serializing_if = "is_latency")]
    pub phase: Part,
    /// Only those of which this is so when they have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matching: Option<Expr>,
    /// The series whose samples these are too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derived: Option<usize>,
}

fn latency() -> Part {
    Part::Latency
}

fn is_latency(part: &Part) -> bool {
    *part == Part::Latency
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    pub text: String,
    pub line: usize,
    pub condition: Condition,
}

pub type Condition = program::Condition<Metric, Planned>;
pub type Measured = program::Measured<Metric>;

/// An instant as it is planned; where a fault or an event bounds it, its actual instant decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    pub at: u64,
    pub moment: Moment,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Of recorded series, in windows.
    Requests(Requests),
    /// Of how a steady state came back after windows.
    Recovery(Recovery),
    /// Of values over time.
    Series(Readings),
    /// Of something else, which is planned and not measured by this version.
    Other { function: Function, subject: Subject, ranges: Vec<Range> },
    /// Of the entries of a ledger, over the whole run.
    Ledger { function: Function, ledger: usize },
    /// What a search found.
    Capacity(Capacity),
    /// How throughput grows with the users of a sweep.
    Scaling(Scaling),
    /// How much the same metric differs in the last tenth of a window from the first.
    Drift { first: Box<Metric>, last: Box<Metric> },
}

/// A function of recorded series in windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Requests {
    pub function: Function,
    pub service_time: bool,
    /// What one step of a recorded value is worth in the unit of the metric.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub worth: f64,
    pub samples: Vec<Samples>,
    /// What the samples are derived of, where they are those of other times or chosen ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chosen_of: Vec<Samples>,
    /// For `dropped`: the load and the windows in which its arrivals were intended.
    pub load: Option<(usize, Vec<Range>)>,
    /// How long the windows are together, for what is counted a second.
    pub length: u64,
    /// The end of the loads that it speaks of: behind it only answers come in.
    pub end: u64,
    /// Its scopes are its own, not those of the condition around it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scoped: bool,
    /// Scopes that only the run knows: the windows narrow to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub impacts: Vec<Impact>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<OfFault>,
}

/// A function of a series of values over time, in windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Readings {
    pub function: Function,
    pub series: Watched,
    pub ranges: Vec<Range>,
    /// The end of the last load.
    pub end: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scoped: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub impacts: Vec<Impact>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<OfFault>,
}

/// The highest level at which the condition of a search held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Capacity {
    pub load: usize,
    pub stage: usize,
    pub least: f64,
    pub most: f64,
    /// Of its levels: a rate, or users.
    pub unit: Type,
}

/// What the Universal Scalability Law says of the levels of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    pub function: Function,
    /// Users, and where their level was measured.
    pub levels: Vec<(f64, Range)>,
    /// The throughput of the load, of which each level has its part.
    pub throughput: Requests,
}

/// A function of how a steady state was lost and came back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    pub function: Function,
    /// What the system recovers from.
    pub windows: Vec<Range>,
    /// The faults whose windows are among these: they count as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<usize>,
    /// And the events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<usize>,
    pub steady: SteadyState,
    /// The end of the last load: until then it is looked at.
    pub end: u64,
}

/// A scope by the impact of windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Impact {
    pub kind: ScopeKind,
    pub of: Recovery,
}

/// A scope by a fault or an event: as planned it is in the windows already, and these narrow to what was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfFault {
    pub kind: ScopeKind,
    /// Its place among the faults of the plan, or among its events.
    pub fault: usize,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_event: bool,
}

fn one() -> f64 {
    1.0
}

fn is_one(worth: &f64) -> bool {
    *worth == 1.0
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Samples {
    pub series: usize,
    pub ranges: Vec<Range>,
}

/// From, up to and without, in nanoseconds.
pub type Range = (u64, u64);

impl Plan {
    /// Whether something asks how many bytes bodies had.
    pub fn counts_bytes(&self) -> bool {
        let mut asks = false;
        self.conditions(&mut |condition| {
            condition.metrics(&mut |metric| {
                asks |= matches!(metric, Metric::Requests(requests) if requests.function == Function::Bandwidth);
            });
        });
        asks
    }

    /// Everything that is judged, during the run and after it.
    pub fn conditions(&self, each: &mut impl FnMut(&Condition)) {
        let steady = self.steady_states.iter().flat_map(|steady| &steady.conditions);
        self.expectations.iter().chain(steady).for_each(|expectation| each(&expectation.condition));
        self.aborts.iter().for_each(|abort| each(&abort.condition));
        self.searches.iter().for_each(|search| each(&search.condition));
    }

    pub fn grace(&self) -> u64 {
        self.loads.iter().map(|l| l.grace).max().unwrap_or(0)
    }

    /// The series of a request, a group or the iterations of a part of a load.
    pub fn series_of(&self, load: usize, part: usize, member: Member) -> Option<usize> {
        self.series.iter().position(|s| s.derived.is_none() && s.load == load && s.part == part && s.member == member)
    }

    /// Whether a series is of requests: groups and iterations are made of such as have series of their own, and what is
    /// derived of a series holds its samples once more.
    pub fn is_request(&self, series: u32) -> bool {
        self.series.get(series as usize).is_some_and(Series::is_request)
    }

    /// What one step of a recorded value is worth in the unit of its series: times and sizes are recorded as they are, other
    /// numbers in thousandths.
    pub fn worth(&self, series: usize) -> f64 {
        match self.series.get(series) {
            Some(Series { flow, member: Member::Measure(measure), .. }) => self.flows[*flow].worth(*measure),
            _ => 1.0,
        }
    }

    pub fn request(&self, series: &Series) -> Option<&Request> {
        self.flows[series.flow].requests().find(|r| Member::Request(r.response) == series.member)
    }
}

impl Series {
    /// All of a member, by its latency; the place is its load, the part of the load's mix, and the flow of that.
    pub fn plain(name: String, tag: String, (load, part, flow): (usize, usize, usize), member: Member) -> Series {
        Series { name, tag, load, part, flow, member, phase: Part::Latency, matching: None, derived: None }
    }

    pub fn is_request(&self) -> bool {
        self.derived.is_none() && matches!(self.member, Member::Request(_))
    }
}

impl Flow {
    pub(crate) fn worth(&self, measure: usize) -> f64 {
        match self.measures.get(measure) {
            Some((_, Type::Duration | Type::Bytes)) | None => 1.0,
            Some(_) => 1e-3,
        }
    }

    /// Every request that its steps can send.
    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        let mut found = Vec::new();
        crate::check::all_steps(&self.steps, &mut |step| {
            if let Step::Request(request) = step {
                found.push(request);
            }
        });
        found.into_iter()
    }
}

impl Think {
    /// Nearly the longest: of an exponential distribution its 99.9th percentile, ln(1000) means.
    pub fn longest(&self) -> f64 {
        match self {
            Think::Uniform { most, .. } => *most as f64,
            Think::Exponential { mean } => *mean as f64 * 6.9078,
        }
    }
}
