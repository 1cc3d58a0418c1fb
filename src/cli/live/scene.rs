//! The content of the live view, and the lines that show it on a terminal of a given size.

use super::injections::{Injections, Now};
use crate::base::shown::escaped_line;
use crate::base::units::{SECOND, duration, grouped, measured_duration, percent, short, whole_seconds};
use crate::judge::failing_so_far;
use crate::measure::histogram::Counts;
use crate::measure::of_target;
use crate::measure::{Event, Failure, Generator, Ranked, Slice, Stats, Times, Tried};
use crate::metric::Judged;
use crate::plan::draw::{BLOCKS, Picture, Track, cut, picture};
use crate::plan::{Load, Plan, Range};
use anstyle::{AnsiColor, Style};
use std::collections::{BTreeMap, VecDeque};

/// Seconds over which a line in a pipe counts.
const WINDOW: u64 = 5;
/// As many expectations that fail are named at most, and one more for each five rows of a taller terminal.
const FAILING: usize = 4;
const TALLER: usize = 5;
/// The seconds of the run that the course shows.
const COURSE: usize = 60;
/// A second whose percentile got no answer.
const NO_ANSWER: char = '×';
/// A worker that is busier than this may be the limit itself.
const BUSY: f64 = 0.9;

pub struct Scene<'p> {
    plan: &'p Plan,
    picture: Picture,
    edges: Vec<u64>,
    seconds: VecDeque<Second>,
    /// What has come in since the last reading of the generator, and in the second before that, whenever it was intended.
    coming: Second,
    came: Second,
    /// Readings in a row before which nothing had come in.
    quiet: u64,
    injections: Injections,
    /// Expectations that would fail now, with what was measured.
    failing: Vec<(String, String)>,
    /// When the run is seen, and whether nothing new is started.
    at: u64,
    ends: bool,
    in_flight: i64,
    dropped: u64,
    /// Services with their state, and whether that is a bad one.
    services: Vec<(String, String, bool)>,
    generator: Option<Generator>,
}

/// What belongs to one second of a run.
#[derive(Default)]
struct Second {
    number: u64,
    started: u64,
    sent: u64,
    ok: u64,
    failed: BTreeMap<Failure, u64>,
    latency: Counts,
    unanswered: Counts,
}

/// The last seconds together.
struct Recent {
    started: f64,
    sent: f64,
    ended: u64,
    failed: BTreeMap<Failure, u64>,
    latency: Times,
}

impl Second {
    fn add(&mut self, slice: &Slice, plan: &Plan) {
        self.started += slice.loads.values().map(|counts| counts.started).sum::<u64>();
        for (_, counts) in slice.series.iter().filter(|(series, _)| plan.is_request(**series)) {
            self.sent += counts.sent;
            self.ok += counts.ok;
            for (kind, count) in &counts.failed {
                *self.failed.entry(*kind).or_default() += count;
            }
            self.latency.merge(&counts.latency);
            self.unanswered.merge(&counts.unanswered);
        }
    }

    fn is_told(&self) -> bool {
        self.started + self.sent + self.ended() > 0
    }

    /// Requests that ended, but those that the generator spoilt.
    fn ended(&self) -> u64 {
        self.ok + of_target(&self.failed)
    }

    fn add_to(&self, times: &mut Times) {
        self.latency.add_to(&mut times.answered);
        times.timed_out(&self.unanswered, self.failed.get(&Failure::Timeout).copied().unwrap_or(0));
    }
}

impl Recent {
    fn time(&self, share: f64) -> String {
        match self.latency.quantile(share) {
            Ranked::Nothing => "–".to_owned(),
            Ranked::Time(time) => measured_duration(time as f64),
            Ranked::NoAnswer(_) => "no answer".to_owned(),
        }
    }
}

/// Pieces of text with their looks.
#[derive(Default)]
pub struct Line(Vec<(Style, String)>);

impl Line {
    fn push(mut self, style: Style, text: impl Into<String>) -> Line {
        self.0.push((style, escaped_line(&text.into()).into_owned()));
        self
    }

    fn plain(self, text: impl Into<String>) -> Line {
        self.push(Style::new(), text)
    }

    pub fn dim(self, text: impl Into<String>) -> Line {
        self.push(Style::new().dimmed(), text)
    }

    pub fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| text.chars().count()).sum()
    }

    /// As text, at most this many columns wide.
    pub fn show(&self, columns: usize, colour: bool) -> String {
        let (mut out, mut left) = (String::new(), columns);
        for (style, text) in &self.0 {
            let fitting: String = text.chars().take(left).collect();
            left -= fitting.chars().count();
            match colour {
                true => out.push_str(&format!("{style}{fitting}{style:#}")),
                false => out.push_str(&fitting),
            }
        }
        out
    }
}

impl<'p> Scene<'p> {
    pub fn new(plan: &'p Plan) -> Scene<'p> {
        Scene {
            plan,
            picture: picture(plan),
            edges: plan.edges(),
            seconds: VecDeque::new(),
            coming: Second::default(),
            came: Second::default(),
            quiet: 0,
            injections: Injections::new(plan),
            failing: Vec::new(),
            at: 0,
            ends: false,
            in_flight: 0,
            dropped: 0,
            services: Vec::new(),
            generator: None,
        }
    }

    fn set(&mut self, service: &str, state: &str, bad: bool) {
        let state = (service.to_owned(), state.to_owned(), bad);
        match self.services.iter_mut().find(|own| own.0 == *service) {
            Some(own) => *own = state,
            None => self.services.push(state),
        }
    }

    /// When the run is seen.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Which expectations would fail now.
    pub fn judge(&mut self, stats: &Stats) {
        let told = |(index, judged): (usize, Judged)| {
            let text = self.plan.expectations.get(index).map_or_else(String::new, |own| own.text.clone());
            (text, judged.value.map_or_else(String::new, |value| value.to_string()))
        };
        self.failing = failing_so_far(self.plan, stats).into_iter().map(told).collect();
    }

    pub fn take(&mut self, event: &Event) {
        self.injections.take(event);
        match event {
            Event::ServiceReady { service, .. } => self.services.push((service.clone(), "ready".to_owned(), false)),
            Event::ServiceDied { service, status, .. } | Event::ServiceFell { service, status, .. } => {
                self.set(service, status, true);
            }
            Event::ServiceDisplaced { service, .. } => self.set(service, "displaced", true),
            Event::ServiceBack { service, .. } => self.set(service, "ready", false),
            Event::Slice(slice) => self.add(slice),
            Event::Generator(generator) => {
                self.at = generator.at;
                // Workers tell of their seconds at instants of their own, so one may come right after a reading.
                self.quiet = if self.coming.is_told() { 0 } else { self.quiet + 1 };
                if self.quiet != 1 {
                    self.came = std::mem::take(&mut self.coming);
                }
                self.generator = Some(generator.clone());
            }
            Event::Interrupted { .. } | Event::Aborted { .. } => self.ends = true,
            _ => {}
        }
    }

    /// What came out of a trial, in a line.
    pub fn tried(&self, tried: &Tried) -> String {
        let load = &self.plan.loads[tried.load];
        let stage = load.stages.get(tried.stage).map_or("", |stage| stage.name.as_str());
        format!("{stage} {}: {} ({})", load.shown(tried.level), tried.word(), tried.said)
    }

    fn add(&mut self, slice: &Slice) {
        for counts in slice.loads.values() {
            self.in_flight += counts.started as i64 - counts.finished as i64;
            self.dropped += counts.dropped;
        }
        let number = self.edges.get(slice.slice as usize).map_or(0, |start| start / SECOND);
        // What is intended goes on: seconds come in their order, and late samples belong to the last ones.
        while self.seconds.back().is_none_or(|last| last.number < number) {
            let next = self.seconds.back().map_or(number, |last| last.number + 1);
            self.seconds.push_back(Second { number: next, ..Second::default() });
            if self.seconds.len() > COURSE + 2 {
                self.seconds.pop_front();
            }
        }
        let Some(second) = self.seconds.iter_mut().find(|second| second.number == number) else { return };
        second.add(slice, self.plan);
        self.coming.add(slice, self.plan);
    }

    /// What was sent in the last second that is told whole, and what came in the last.
    fn last(&self) -> Recent {
        let whole = (self.at / SECOND).saturating_sub(2);
        let sent = self.seconds.iter().find(|second| second.number == whole);
        let mut last = Recent {
            started: sent.map_or(0.0, |second| second.started as f64),
            sent: sent.map_or(0.0, |second| second.sent as f64),
            ended: self.came.ended(),
            failed: self.came.failed.clone(),
            latency: Times::default(),
        };
        self.came.add_to(&mut last.latency);
        last
    }

    fn recent(&self) -> Recent {
        let now = self.at / SECOND;
        let mut recent =
            Recent { started: 0.0, sent: 0.0, ended: 0, failed: BTreeMap::new(), latency: Times::default() };
        // The youngest second is not told whole yet: what is counted ends before it.
        let (from, to) = (now.saturating_sub(WINDOW + 1), now.saturating_sub(1).max(1));
        let length = (to - from).max(1) as f64;
        for second in self.seconds.iter().filter(|second| second.number >= from) {
            if second.number < to {
                recent.started += second.started as f64 / length;
                recent.sent += second.sent as f64 / length;
            }
            recent.ended += second.ended();
            for (kind, count) in &second.failed {
                *recent.failed.entry(*kind).or_default() += count;
            }
            second.add_to(&mut recent.latency);
        }
        recent
    }

    /// One line with everything, for a pipe.
    pub fn line(&self) -> String {
        let recent = self.recent();
        let time = |q: f64| recent.time(q);
        format!(
            "{}/{} {}  {} requests/s  p50 {}  p95 {}  p99 {}  failed {}  iterations under way {}  dropped {}",
            self.now(),
            duration(self.plan.length),
            self.stages().join(", "),
            short(recent.sent.round()),
            time(0.5),
            time(0.95),
            time(0.99),
            failed(&recent),
            grouped(self.in_flight.max(0) as f64, 0),
            grouped(self.dropped as f64, 0),
        )
    }

    /// As many lines as a terminal has room for, without filling it.
    pub fn lines(&self, columns: usize, rows: usize) -> Vec<Line> {
        let recent = self.last();
        if columns < 60 || rows < 10 {
            return self.few(&recent, rows);
        }
        let bold = Style::new().bold();
        let left = self.plan.length.saturating_sub(self.at).div_ceil(SECOND) * SECOND;
        let left = match (self.ends || left == 0, left) {
            (true, _) => "finishing what is under way".to_owned(),
            (false, left) => format!("{} left", duration(left)),
        };
        let heading = Line::default().push(bold, self.plan.scenario.clone());
        let mut lines =
            vec![heading.plain(format!("  {} of {}", self.now(), duration(self.plan.length))).dim(format!("  {left}"))];
        let room = rows.saturating_sub(8).clamp(1, 8);
        let shown = if self.plan.loads.len() > room { room - 1 } else { room };
        let loads = self.plan.loads.iter().zip(&self.picture.loads);
        let names = self.plan.loads.iter().map(|load| load.name.chars().count()).max().unwrap_or(0).clamp(9, 16);
        lines.extend(loads.take(shown.max(1)).map(|(load, track)| self.timeline(load, track, names, columns)));
        if self.plan.loads.len() > shown.max(1) {
            lines.push(Line::default().dim(format!(
                "{:names$}  and {} more loads",
                "",
                self.plan.loads.len() - shown.max(1)
            )));
        }
        lines.extend(self.faults(names, columns));
        lines.extend([self.rates(&recent, names), self.latency(&recent, names, columns)]);
        lines.extend(self.failures(&recent, names));
        lines.extend(self.around(names));
        let most = FAILING.max(rows / TALLER).min(rows.saturating_sub(lines.len() + 2).max(1));
        lines.extend(self.would_fail(names, most, columns));
        lines
    }

    /// For a terminal in which little fits.
    fn few(&self, recent: &Recent, rows: usize) -> Vec<Line> {
        let first = Line::default().plain(format!(
            "{}/{} {}",
            self.now(),
            duration(self.plan.length),
            self.stages().join(", ")
        ));
        let p99 = recent.time(0.99);
        let numbers = format!("{}/s  p99 {p99}  failed {}", short(recent.sent.round()), failed(recent));
        match rows {
            0..4 => vec![first.plain(format!("  {numbers}"))],
            _ => vec![first, Line::default().plain(numbers)],
        }
    }

    fn now(&self) -> String {
        whole_seconds(self.at)
    }

    fn stages(&self) -> Vec<&str> {
        let now = |load: &'p Load| load.stages.iter().find(|stage| stage.start <= self.at && self.at < stage.end);
        let stages: Vec<&str> = self.plan.loads.iter().filter_map(now).map(|stage| stage.name.as_str()).collect();
        if stages.is_empty() || self.ends { vec!["finishing"] } else { stages }
    }

    /// The shape of a load with what is behind and what is ahead, and where in it the run is.
    fn timeline(&self, load: &Load, track: &Track, names: usize, columns: usize) -> Line {
        let stage = load.stages.iter().find(|stage| stage.start <= self.at && self.at < stage.end);
        let next = load.stages.iter().filter(|stage| stage.start > self.at).map(|stage| stage.start).min();
        let tail = match (stage, next) {
            (Some(stage), _) => {
                let left = (stage.end - self.at).div_ceil(SECOND) * SECOND;
                format!("{} {}, {} left", cut(&stage.name, 14), track.shown(track.level(self.at)), duration(left))
            }
            (None, Some(next)) => format!("starts in {}", duration((next - self.at).div_ceil(SECOND) * SECOND)),
            (None, None) => "done".to_owned(),
        };
        let (width, length) = (width(names, columns), self.picture.length.max(1));
        let cell = |column: usize| {
            let middle = middle(column, width, length);
            let share = track.level(middle) / track.peak.max(f64::MIN_POSITIVE);
            match share > 0.0 {
                true => BLOCKS[(share * 8.0).ceil().clamp(1.0, 8.0) as usize],
                false => ' ',
            }
        };
        let here = self.here(width);
        let cells = |from: usize, to: usize| (from..to).map(cell).collect::<String>();
        label(&load.name, names)
            .push(AnsiColor::Cyan.on_default(), cells(0, here))
            .push(Style::new().bold(), "┃")
            .dim(cells(here + 1, width))
            .plain(format!("  {tail}"))
    }

    /// The column of a strip at which the run is.
    fn here(&self, width: usize) -> usize {
        let length = self.picture.length.max(1);
        ((u128::from(self.at) * width as u128 / u128::from(length)) as usize).min(width - 1)
    }

    /// Below the loads, on the same axis: when faults are in force and events happen, and which of them are there now or come next.
    fn faults(&self, names: usize, columns: usize) -> Option<Line> {
        if self.plan.faults.is_empty() && self.plan.events.is_empty() {
            return None;
        }
        let (width, length) = (width(names, columns), self.picture.length.max(1));
        let half = length / (2 * width as u64) + 1;
        let is_in = |at: u64, (from, to): &Range| *from < at + half && at < to + half;
        let cell = |column: usize| {
            let at = middle(column, width, length);
            let hurts = self.plan.faults.iter().flat_map(|fault| &fault.windows).any(|window| is_in(at, window));
            let happens = self.plan.events.iter().any(|event| is_in(at, &(event.at, event.at)));
            match (happens, hurts) {
                (true, _) => '◆',
                (false, true) => '▄',
                (false, false) => ' ',
            }
        };
        let here = self.here(width);
        let cells = |from: usize, to: usize| (from..to).map(cell).collect::<String>();
        let now = self.injections.now(self.plan, self.at);
        let line = label("faults", names)
            .push(AnsiColor::Magenta.on_default(), cells(0, here))
            .push(Style::new().bold(), "┃")
            .dim(cells(here + 1, width));
        Some(match now {
            Now::There(text) => line.push(AnsiColor::Magenta.on_default().bold(), format!("  {text}")),
            Now::Later(text) => line.dim(format!("  {text}")),
        })
    }

    /// Expectations that would fail if the run ended now.
    fn would_fail(&self, names: usize, most: usize, columns: usize) -> Vec<Line> {
        let shown = if self.failing.len() > most { most - 1 } else { most };
        let mut lines: Vec<Line> = Vec::new();
        for (index, (text, value)) in self.failing.iter().take(shown.max(1)).enumerate() {
            let more = self.failing.len() - 1;
            let more = if shown == 0 && more > 0 { format!("  and {more} more") } else { String::new() };
            let room = columns.saturating_sub(names + 6 + value.chars().count() + more.chars().count()).max(20);
            let head = if index == 0 { "fails now" } else { "" };
            let line = label(head, names).plain(cut(text, room));
            lines.push(line.push(AnsiColor::Red.on_default(), format!("  {value}")).dim(more));
        }
        if shown > 0 && self.failing.len() > shown {
            lines.push(label("", names).dim(format!("and {} more", self.failing.len() - shown)));
        }
        lines
    }

    fn rates(&self, recent: &Recent, names: usize) -> Line {
        let line = label("requests", names).plain(format!("{}/s", short(recent.sent.round())));
        let line = line.dim(format!("  iterations {}/s", short(recent.started.round())));
        let line = line.dim(format!(", {} under way", grouped(self.in_flight.max(0) as f64, 0)));
        match self.dropped {
            0 => line.dim("  dropped 0"),
            dropped => line.push(AnsiColor::Yellow.on_default(), format!("  dropped {}", grouped(dropped as f64, 0))),
        }
    }

    fn latency(&self, recent: &Recent, names: usize, columns: usize) -> Line {
        let time = |q: f64| recent.time(q);
        let mut line = label("latency", names);
        for (index, (name, q)) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)].into_iter().enumerate() {
            line = line.dim(format!("{}{name} ", if index > 0 { "  " } else { "" })).plain(time(q));
        }
        let of = |second: &Second| {
            let mut times = Times::default();
            second.add_to(&mut times);
            match times.quantile(0.99) {
                Ranked::Nothing => 0.0,
                Ranked::Time(time) => time as f64,
                Ranked::NoAnswer(_) => f64::INFINITY,
            }
        };
        let ended = |second: &Second| !second.latency.is_empty() || !second.unanswered.is_empty();
        let youngest = self.seconds.iter().rposition(ended).map_or(0, |last| last + 1);
        let course: Vec<f64> = self.seconds.iter().take(youngest).map(of).collect();
        let room = columns.saturating_sub(line.width() + 8).min(COURSE);
        let course = &course[course.len().saturating_sub(room)..];
        let finite = course.iter().copied().filter(|p99| p99.is_finite());
        let most = finite.fold(f64::MIN_POSITIVE, f64::max);
        let cell = |p99: &f64| match p99.is_finite() {
            true => BLOCKS[(p99 / most * 8.0).ceil().clamp(0.0, 8.0) as usize],
            false => NO_ANSWER,
        };
        let drawn: String = course.iter().map(cell).collect();
        if room < 5 { line } else { line.plain("  ").push(AnsiColor::Cyan.on_default(), drawn).dim(" p99") }
    }

    /// Nothing where nothing failed.
    fn failures(&self, recent: &Recent, names: usize) -> Option<Line> {
        if recent.failed.is_empty() {
            return None;
        }
        let mut kinds: Vec<(&Failure, &u64)> = recent.failed.iter().collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let kinds = kinds.iter().map(|(kind, count)| format!("  {} {}", kind.as_str(), grouped(**count as f64, 0)));
        let line = label("failed", names).push(AnsiColor::Red.on_default(), failed(recent));
        Some(line.dim(kinds.collect::<String>()))
    }

    /// Services, and the generator where it may be the limit.
    fn around(&self, names: usize) -> Option<Line> {
        let share = |(busy, waiting, seconds): (f64, f64, f64)| (busy + waiting) / seconds.max(f64::MIN_POSITIVE);
        let busiest = self.generator.as_ref().map_or(0.0, |reading| share(reading.pressed()));
        if self.services.is_empty() && busiest < BUSY {
            return None;
        }
        let mut line = label(if self.services.len() == 1 { "service" } else { "services" }, names);
        for (index, (name, state, is_bad)) in self.services.iter().enumerate() {
            let gap = if index > 0 { "  " } else { "" };
            let style = if *is_bad { AnsiColor::Red.on_default() } else { Style::new().dimmed() };
            line = line.plain(format!("{gap}{name} ")).push(style, state.clone());
        }
        if busiest >= BUSY {
            line = line.push(AnsiColor::Yellow.on_default(), format!("  busiest worker {}", percent(busiest)));
        }
        Some(line)
    }
}

/// Columns of a strip between its label and what stands behind it.
fn width(names: usize, columns: usize) -> usize {
    columns.saturating_sub(names + 2 + 2 + 34).clamp(10, 160)
}

/// The instant in the middle of a column of a strip.
fn middle(column: usize, width: usize, length: u64) -> u64 {
    ((2 * column as u128 + 1) * u128::from(length) / (2 * width as u128)) as u64
}

fn label(text: &str, width: usize) -> Line {
    Line::default().dim(format!("{:<width$}  ", cut(text, width)))
}

fn failed(recent: &Recent) -> String {
    percent(of_target(&recent.failed) as f64 / recent.ended.max(1) as f64)
}
