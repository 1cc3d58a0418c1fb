//! What the series of a counter grew by, from their raw samples: the sum of what each rose by, and of what it had risen to after it had
//! started again. Between two samples only bounds are known, and what a process counted between its last scrape and its end nobody knows.

use crate::base::units::MILLISECOND;
use crate::measure::{Counted, CounterSeries, Stats};
use crate::plan::Range;

/// Instants in milliseconds since the start of the load.
pub type Span = (i64, i64);

/// A counter that started again between two scrapes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reset {
    pub between: Span,
    /// What it showed before, and after.
    pub before: f64,
    pub after: f64,
    /// It did not fall: only the start of its process tells, or scrapes are missing in which it may have fallen.
    pub presumed: bool,
}

/// What one series did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeriesCourse {
    points: Vec<Point>,
    pub resets: Vec<Reset>,
    /// It is scraped no more, since its last sample.
    pub gone: Option<i64>,
    /// It was first seen during the load with this value, and of what came before nothing is known.
    pub unknown_start: Option<f64>,
}

/// What it had grown by at a sample for certain, and what may be added to that.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Point {
    at: i64,
    sum: f64,
    more: f64,
}

impl SeriesCourse {
    /// `None` of a series that was gone before the load.
    pub fn of(series: &CounterSeries, counted: &Counted) -> Option<SeriesCourse> {
        let samples = series.samples.as_slice();
        let ((first, began_with), last) = (*samples.first()?, samples.last()?.0);
        if last < counted.from {
            return None;
        }
        let target = series.target.and_then(|target| counted.targets.get(target));
        let mut course = SeriesCourse::default();
        let mut point = Point { at: first, ..Point::default() };
        if first > 0 {
            // Where its target was scraped before without it, it began after that.
            match target.is_some_and(|target| target.was_up(counted.from, first)) {
                true => point.sum = began_with,
                false => {
                    point.more = began_with;
                    course.unknown_start = Some(began_with).filter(|value| *value > 0.0);
                }
            }
        }
        course.points.push(point);
        for pair in samples.windows(2) {
            let ((from, before), (to, after)) = (pair[0], pair[1]);
            let started_again =
                || target.is_some_and(|target| target.starts.iter().skip(1).any(|(at, _)| from < *at && *at <= to));
            let is_watched = target.is_some_and(|target| !target.starts.is_empty());
            let is_unseen = !is_watched && series.gaps.contains(&(from, to)) && before != after;
            let fell = after < before;
            point.at = to;
            point.sum += if fell { after } else { after - before };
            if fell || started_again() || is_unseen {
                point.more += if fell { 0.0 } else { before };
                course.resets.push(Reset { between: (from, to), before, after, presumed: !fell });
            }
            course.points.push(point);
        }
        if counted.interval > 0 && counted.until - last > 2 * counted.interval {
            course.gone = Some(last);
        }
        Some(course)
    }

    /// The last that is known up to an instant. Before the first sample it had not grown.
    fn until(&self, at: i64) -> Point {
        let behind = self.points.partition_point(|point| point.at <= at);
        behind.checked_sub(1).map_or_else(Point::default, |last| self.points[last])
    }

    /// The first that is known from an instant on, or the last of all.
    fn from(&self, at: i64) -> Point {
        let next = self.points.partition_point(|point| point.at < at);
        self.points.get(next).or(self.points.last()).copied().unwrap_or_default()
    }

    /// Where it stood when the load began.
    fn at_start(&self, from: i64) -> (Point, Point) {
        let last = self.until(0);
        match self.points.first().is_none_or(|first| first.at > 0) || (from..=0).contains(&last.at) {
            true => (last, last),
            false => (last, self.from(0)),
        }
    }

    /// Times in which it may have counted what no sample shows.
    fn holes(&self) -> impl Iterator<Item = Span> + '_ {
        self.resets.iter().map(|reset| reset.between).chain(self.gone.map(|last| (last, i64::MAX)))
    }
}

/// What a counter grew by, and what of that is not known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Grown {
    pub low: f64,
    pub high: f64,
    /// Times in which more may have been counted.
    pub holes: Vec<Span>,
    pub series: usize,
    /// Why it is no single number.
    pub why: Vec<String>,
}

/// Over windows. A request that was sent in a window was counted at most `late` milliseconds after it.
pub(super) fn grown(counted: &Counted, ranges: &[Range], at: (u64, i64)) -> Result<Grown, String> {
    grown_of(counted, |_| true, ranges, at)
}

/// The same of some of its series.
pub(super) fn grown_of(
    counted: &Counted,
    chosen: impl Fn(&CounterSeries) -> bool,
    ranges: &[Range],
    (end, late): (u64, i64),
) -> Result<Grown, String> {
    if let Some(problem) = &counted.problem {
        return Err(problem.clone());
    }
    let courses: Vec<(&CounterSeries, SeriesCourse)> = counted
        .series
        .iter()
        .filter(|series| chosen(series))
        .filter_map(|series| Some((series, SeriesCourse::of(series, counted)?)))
        .collect();
    let mut grown = Grown { series: courses.len(), ..Grown::default() };
    let to_end = ranges.iter().any(|(_, to)| *to >= end);
    if to_end && counted.settled.is_none() && !courses.is_empty() {
        return Err(
            "no two scrapes after the load showed the same, so it may not have counted everything yet".to_owned()
        );
    }
    let ms = |ns: u64| i64::try_from(ns / MILLISECOND).unwrap_or(i64::MAX / 4);
    let skew = counted.skew;
    for (from, to) in ranges.iter().filter(|(from, to)| from < to) {
        let mut bounds = (0.0, 0.0);
        for (_, course) in &courses {
            let start = match from {
                0 => course.at_start(counted.from),
                _ => (course.until(ms(*from) - skew), course.from(ms(*from) + late + skew)),
            };
            let last = course.points.last().copied().unwrap_or_default();
            let stop = match *to >= end {
                true => (last, last),
                false => (course.until(ms(*to) - skew), course.from(ms(*to) + late + skew)),
            };
            bounds.0 += (stop.0.sum - start.1.sum).max(0.0);
            bounds.1 += stop.1.sum + stop.1.more - start.0.sum - start.0.more;
        }
        grown.low += bounds.0;
        grown.high += bounds.1;
        let is_within = |hole: &Span| hole.1 > ms(*from) - skew && (*to >= end || hole.0 < ms(*to) + late + skew);
        grown.holes.extend(courses.iter().flat_map(|(_, course)| course.holes()).filter(is_within));
    }
    let count = |what: fn(&SeriesCourse) -> usize| courses.iter().map(|(_, course)| what(course)).sum::<usize>();
    let mut why = |count: usize, one: &str, many: &str| match count {
        0 => {}
        1 => grown.why.push(one.to_owned()),
        count => grown.why.push(format!("{count} {many}")),
    };
    why(
        count(|course| course.resets.len()),
        "a counter started again, and what it had counted since its last scrape is lost",
        "times a counter started again, and what it had counted since its last scrape is lost",
    );
    why(
        count(|course| usize::from(course.gone.is_some())),
        "a series is scraped no more",
        "series are scraped no more",
    );
    why(
        count(|course| usize::from(course.unknown_start.is_some())),
        "a series was new with its first scrape and did not begin at 0",
        "series were new with their first scrape and did not begin at 0",
    );
    if ranges.iter().any(|(from, to)| *from > 0 || *to < end) && grown.low < grown.high {
        grown.why.push("it is not known when it was counted between two scrapes".to_owned());
    }
    Ok(grown)
}

/// What was read of the counter of a metric.
pub(super) fn read(counter: usize, stats: &Stats) -> Result<&Counted, String> {
    let own = stats.counted.iter().find(|counted| counted.counter == counter);
    own.ok_or_else(|| "the run ended before its raw samples were read".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::ScrapeTarget;

    const ALL: [Range; 1] = [(0, u64::MAX)];
    const END: u64 = 10_000 * MILLISECOND;

    /// Scraped each second, though only some of its samples are given.
    fn series(samples: &[(i64, f64)]) -> CounterSeries {
        CounterSeries { gaps: Vec::new(), ..with_gaps(samples) }
    }

    fn with_gaps(samples: &[(i64, f64)]) -> CounterSeries {
        CounterSeries { target: Some(0), ..CounterSeries::new(Vec::new(), samples, 1000, 1000) }
    }

    /// Scraped once a second from 2 s before the load on to 12 s after its start.
    fn counted(series: Vec<CounterSeries>) -> Counted {
        let target = ScrapeTarget { up: vec![(-2000, 12_000)], last: 12_000, ..ScrapeTarget::default() };
        let (from, until, settled) = (-1500, 12_100, Some(11_000));
        Counted { from, until, settled, interval: 1000, series, targets: vec![target], ..Counted::default() }
    }

    fn of(counted: &Counted, ranges: &[Range]) -> (f64, f64, usize) {
        let grown = grown(counted, ranges, (END, 0)).unwrap();
        (grown.low, grown.high, grown.holes.len())
    }

    #[test]
    fn what_each_series_rose_by_is_added() {
        let a = series(&[(-1000, 5.0), (0, 5.0), (5000, 80.0), (12_000, 105.0)]);
        let b = series(&[(-500, 1.0), (6000, 51.0), (12_000, 51.0)]);
        assert_eq!(of(&counted(vec![a, b]), &ALL), (150.0, 150.0, 0));
        assert_eq!(of(&counted(Vec::new()), &ALL), (0.0, 0.0, 0));
    }

    #[test]
    fn a_sum_hides_no_reset_of_one_of_its_series() {
        // Together they never fall: 100, 160, 180, 220.
        let a = series(&[(-1000, 50.0), (4000, 80.0), (5000, 20.0), (12_000, 30.0)]);
        let b = series(&[(-1000, 50.0), (4000, 80.0), (5000, 160.0), (12_000, 190.0)]);
        let counted = counted(vec![a, b]);
        assert_eq!(of(&counted, &ALL), (30.0 + 30.0 + 140.0, 200.0, 1));
        let course = SeriesCourse::of(&counted.series[0], &counted).unwrap();
        assert_eq!(course.resets, [Reset { between: (4000, 5000), before: 80.0, after: 20.0, presumed: false }]);
    }

    #[test]
    fn a_process_that_started_again_may_have_lost_more_than_its_counter_fell() {
        let mut counted = counted(vec![series(&[(-1000, 5.0), (1000, 5.0), (2000, 200.0), (12_000, 200.0)])]);
        assert_eq!(of(&counted, &ALL), (195.0, 195.0, 0));
        counted.targets[0].starts = vec![(-2000, 1.0), (2000, 9.0)];
        assert_eq!(of(&counted, &ALL), (195.0, 200.0, 1));
    }

    #[test]
    fn a_series_that_is_new_counts_whole_where_its_target_was_scraped_without_it() {
        let new = || series(&[(3000, 40.0), (12_000, 90.0)]);
        assert_eq!(of(&counted(vec![new()]), &ALL), (90.0, 90.0, 0));
        let mut late = counted(vec![new()]);
        late.targets[0].up = vec![(3000, 12_000)];
        assert_eq!(of(&late, &ALL), (50.0, 90.0, 0));
        let grown = grown(&late, &ALL, (END, 0)).unwrap();
        assert!(grown.why[0].contains("did not begin at 0"), "{grown:?}");
        // Scrapes before the setup had ended say nothing of what the setup did.
        late.targets[0].up = vec![(-9000, -3000), (3000, 12_000)];
        assert_eq!(of(&late, &ALL), (50.0, 90.0, 0));
    }

    #[test]
    fn without_a_scrape_right_before_the_load_its_start_is_not_known() {
        let own = series(&[(-5000, 10.0), (-2000, 12.0), (1000, 20.0), (12_000, 100.0)]);
        assert_eq!(of(&counted(vec![own]), &ALL), (80.0, 88.0, 0));
    }

    #[test]
    fn what_is_scraped_no_more_is_told() {
        let gone = series(&[(-1000, 0.0), (5000, 50.0), (6000, 60.0)]);
        let mut counted = counted(vec![gone]);
        let course = |counted: &Counted| SeriesCourse::of(&counted.series[0], counted).unwrap().gone;
        assert_eq!(of(&counted, &ALL), (60.0, 60.0, 1));
        assert_eq!(course(&counted), Some(6000));
        // One that was gone before the load is no part of it.
        counted.series = vec![series(&[(-9000, 5.0), (-3000, 9.0)])];
        assert_eq!(of(&counted, &ALL), (0.0, 0.0, 0));
    }

    #[test]
    fn windows_have_bounds_by_the_scrapes_around_their_ends() {
        let own = series(&[(0, 0.0), (1000, 10.0), (2000, 20.0), (3000, 30.0), (4000, 40.0), (12_000, 40.0)]);
        let counted = counted(vec![own]);
        let at = |ms: u64| ms * MILLISECOND;
        assert_eq!(of(&counted, &[(at(1000), at(3000))]), (20.0, 20.0, 0));
        assert_eq!(of(&counted, &[(at(1500), at(3500))]), (10.0, 30.0, 0));
        assert_eq!(of(&counted, &[(at(1500), u64::MAX)]), (20.0, 30.0, 0));
        let late = grown(&counted, &[(at(1000), at(3000))], (END, 1000)).unwrap();
        assert_eq!((late.low, late.high), (10.0, 30.0));
    }

    #[test]
    fn what_had_not_settled_or_could_not_be_asked_has_no_value() {
        let mut counted = counted(vec![series(&[(0, 0.0), (12_000, 5.0)])]);
        counted.settled = None;
        assert!(grown(&counted, &ALL, (END, 0)).unwrap_err().contains("no two scrapes"));
        assert!(grown(&counted, &[(0, END / 2)], (END, 0)).is_ok());
        counted.problem = Some("connection refused".to_owned());
        assert_eq!(grown(&counted, &ALL, (END, 0)), Err("connection refused".to_owned()));
    }

    #[test]
    fn scrapes_that_are_missing_may_hide_a_restart() {
        let samples = [(-1000, 5.0), (1000, 30.0), (9000, 60.0), (12_000, 60.0)];
        let mut counted = counted(vec![with_gaps(&samples)]);
        counted.targets[0].up = vec![(-2000, 1000), (9000, 12_000)];
        assert_eq!(of(&counted, &ALL), (55.0, 85.0, 1));
        // Its process is known to be the same.
        counted.targets[0].starts = vec![(-2000, 1.0)];
        assert_eq!(of(&counted, &ALL), (55.0, 55.0, 0));
    }
}
