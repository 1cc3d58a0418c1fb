//! Functions of series of values over time: a point belongs to the window of its instant.

use super::Measurement;
use crate::base::distributions::two_sided;
use crate::base::slopes::{Slopes, alike, inflated};
use crate::base::units::SECOND;
use crate::check::program::{SeriesFunction, Statistic};
use crate::measure::{Gauge, Stats};
use crate::plan::{Range, Readings, SeriesSource, Type, Watched, scope};

/// Below this many points the interval of a slope says nothing.
const FOR_A_SLOPE: usize = 10;
/// More points than this are put together in groups before slopes are taken of all pairs.
const PAIRED: usize = 600;

/// What a function gives of a series in windows, with the number of points behind it.
pub(super) fn apply(readings: &Readings, stats: &Stats) -> Measurement {
    let Readings { function, series, .. } = readings;
    let ranges = match windows(readings, stats) {
        Ok(ranges) => ranges,
        Err(reason) => return Measurement::of(Err(reason), 0),
    };
    let ranges = ranges.as_slice();
    let Some(gauge) = stats.gauge(series) else {
        return Measurement::of(Err("the record does not hold this series".to_owned()), 0);
    };
    let points: Vec<(u64, f64)> =
        gauge.points.iter().filter(|(at, _)| is_in(*at, ranges)).map(|(at, v)| (*at, v * series.worth)).collect();
    let samples = points.len() as u64;
    let (mut interval, mut halves) = (None, None);
    let value = enough(gauge, points.len(), ranges).and_then(|()| match function {
        SeriesFunction::Increase => increase(gauge, ranges).map(|grown| grown * series.worth),
        SeriesFunction::Growth => {
            let found = growth(&points)?;
            let unit = |slope: f64| in_unit(slope, series);
            interval = Some((unit(found.low), unit(found.high)));
            halves = found.halves.map(|(first, second)| (unit(first), unit(second)));
            Ok(unit(found.estimate))
        }
        SeriesFunction::HistogramError => Err("it is read from raw samples".to_owned()),
        SeriesFunction::Last => Ok(points.last().map_or(f64::NAN, |(_, value)| *value)),
        // Their slices are not all equally long.
        SeriesFunction::Statistic(Statistic::Mean) if matches!(series.source, SeriesSource::InFlight { .. }) => {
            let (whole, sum) = points.iter().fold((0.0, 0.0), |(whole, sum), (at, value)| {
                let (from, to) = stats.slice_of(*at);
                let length = (to - from) as f64;
                (whole + length, sum + value * length)
            });
            Ok(sum / whole)
        }
        SeriesFunction::Statistic(function) => Ok(statistic(*function, &points)),
    });
    Measurement { interval, halves, ..Measurement::of(value, samples) }
}

pub(super) fn windows(readings: &Readings, stats: &Stats) -> Result<Vec<Range>, String> {
    let scopes = super::recovery::scopes(&readings.scopes, stats)?;
    Ok(scopes.iter().fold(readings.ranges.clone(), |narrow, ranges| scope::intersect(&narrow, ranges)))
}

fn is_in(at: u64, ranges: &[Range]) -> bool {
    ranges.iter().any(|(from, to)| (*from..*to).contains(&at))
}

/// What was not seen may have been anything: with fewer points than gaps there is no value.
fn enough(gauge: &Gauge, points: usize, ranges: &[Range]) -> Result<(), String> {
    // A gap has an even pace, so its part in the window is that of its looks.
    let missed_in = |gap: &crate::measure::Gap| {
        let pace = (gap.to_ns - gap.from_ns) / (gap.missed.max(2) - 1);
        (0..gap.missed).filter(|look| is_in(gap.from_ns + look * pace, ranges)).count()
    };
    let missed: usize = gauge.gaps.iter().map(missed_in).sum();
    let reason = || gauge.gaps.iter().rev().find(|gap| missed_in(gap) > 0).map(|gap| gap.reason.as_str());
    match (points, reason()) {
        (0, None) => Err("nothing was read in its window".to_owned()),
        (0, Some(reason)) => Err(format!("nothing was read in its window: {reason}")),
        (read, Some(reason)) if missed > read => {
            Err(format!("{missed} of {} readings are missing in its window: {reason}", read + missed))
        }
        _ => Ok(()),
    }
}

fn statistic(function: Statistic, points: &[(u64, f64)]) -> f64 {
    let count = points.len() as f64;
    let values = || points.iter().map(|(_, value)| *value);
    let mean = values().sum::<f64>() / count;
    match function {
        Statistic::Mean => mean,
        Statistic::Min => values().fold(f64::INFINITY, f64::min),
        Statistic::Max => values().fold(f64::NEG_INFINITY, f64::max),
        Statistic::Stddev => (values().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt(),
    }
}

/// What a counter grew by in windows. Between two readings it is taken to grow evenly, so that neighbouring windows
/// add up; what is less than before has started again at 0.
fn increase(gauge: &Gauge, ranges: &[Range]) -> Result<f64, String> {
    let [first, .., _] = gauge.points.as_slice() else {
        return Err("1 reading, and an increase needs 2".to_owned());
    };
    let mut grown: Vec<(u64, f64)> = vec![(first.0, 0.0)];
    let mut sum = 0.0;
    for pair in gauge.points.windows(2) {
        let (before, now) = (pair[0].1, pair[1].1);
        sum += if now >= before { now - before } else { now };
        grown.push((pair[1].0, sum));
    }
    let until = |at: u64| {
        let next = grown.partition_point(|(instant, _)| *instant < at);
        match (next.checked_sub(1).map(|last| grown[last]), grown.get(next)) {
            (Some((from, low)), Some((to, high))) => low + (high - low) * (at - from) as f64 / (to - from) as f64,
            (Some((_, last)), None) => last,
            (None, _) => 0.0,
        }
    };
    Ok(ranges.iter().map(|(from, to)| until(*to) - until(*from)).sum())
}

/// A slope per second, and the ends of its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Slope {
    estimate: f64,
    low: f64,
    high: f64,
    /// Those of both halves of the window, where they cannot be the same.
    halves: Option<(f64, f64)>,
}

fn slope(points: &[(u64, f64)]) -> Result<Slope, String> {
    if points.len() < FOR_A_SLOPE {
        return Err(format!("{} readings, and growth needs {FOR_A_SLOPE}: hold the load longer", points.len()));
    }
    Ok(line(&grouped(points)))
}

/// The median of the slopes of all pairs of points. The interval of 95% takes those of rank (N ∓ C)/2, with C = t·√variance. Points that
/// follow each other are alike, so that they say as much as fewer that are not, and Student's quantile t has as many degrees of freedom as
/// that leaves.
fn line(points: &[(f64, f64)]) -> Slope {
    let slopes = Slopes::of(points);
    let estimate = slopes.estimate();
    let inflated = inflated(alike(points, estimate));
    let freedom = (points.len() as f64 / inflated - 2.0).max(1.0) as usize;
    let (low, high) = slopes.interval(two_sided(freedom) * (slopes.variance() * inflated).sqrt());
    Slope { estimate, low, high, halves: None }
}

/// The slope of a whole window. Where those of its halves cannot be the same it has none of its own: it is settling, or only begins to
/// grow, and what is known is that it lies between theirs.
fn growth(points: &[(u64, f64)]) -> Result<Slope, String> {
    let whole = slope(points)?;
    let (first, second) = points.split_at(points.len() / 2);
    let (Ok(first), Ok(second)) = (slope(first), slope(second)) else { return Ok(whole) };
    if first.low <= second.high && second.low <= first.high {
        return Ok(whole);
    }
    let halves = Some((first.estimate, second.estimate));
    Ok(Slope { low: first.low.min(second.low), high: first.high.max(second.high), halves, ..whole })
}

/// Instants in seconds with values; of a long series the medians of neighbours, of which there are few enough to pair.
fn grouped(points: &[(u64, f64)]) -> Vec<(f64, f64)> {
    let size = points.len().div_ceil(PAIRED);
    let of = |group: &[(u64, f64)]| {
        let time = group.iter().map(|(at, _)| *at as f64).sum::<f64>() / group.len() as f64;
        let mut values: Vec<f64> = group.iter().map(|(_, value)| *value).collect();
        values.sort_by(f64::total_cmp);
        (time / SECOND as f64, values[values.len() / 2])
    };
    // A rest of a group is not as sure as the others.
    points.chunks(size).filter(|group| group.len() == size).map(of).collect()
}

/// What a second of growth is in the unit of the result: time over time has none.
fn in_unit(slope: f64, series: &Watched) -> f64 {
    if series.unit == Type::Duration { slope / SECOND as f64 } else { slope }
}

/// How much a metric grows from the beginning of a window to its end, as a share of what it is at the beginning: by the line through its
/// parts that has the median of all slopes (Theil 1950; Sen 1968) and goes through their medians (Conover, Practical
/// Nonparametric Statistics, 1980, 5.5). The ends of its interval are those of the slope, each as a share of where its own line begins.
pub(super) fn drift(parts: Vec<Measurement>) -> Measurement {
    let samples = parts.iter().map(|part| part.samples).sum();
    let count = parts.len() as f64;
    let values: Result<Vec<f64>, String> = parts.into_iter().map(|part| part.value).collect();
    let of = |values: Vec<f64>| {
        let points: Vec<(u64, f64)> = (0..).step_by(SECOND as usize).zip(values.iter().copied()).collect();
        let slope = slope(&points)?;
        let mut sorted = values;
        sorted.sort_by(f64::total_cmp);
        let middle = (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0;
        let start = |slope: f64| middle - slope * count / 2.0;
        // A line that begins on the other side of nothing has grown beyond any share.
        let share = |slope: f64| match start(slope) {
            start if start * middle > 0.0 => slope * count / start.abs(),
            _ => f64::INFINITY.copysign(slope),
        };
        let Slope { estimate, low, high, .. } = slope;
        match () {
            () if (estimate, low, high) == (0.0, 0.0, 0.0) => Ok((0.0, None)),
            () if start(estimate) * middle <= 0.0 => {
                Err("it was 0 at the beginning, of which nothing is a share".to_owned())
            }
            () => Ok((share(estimate), Some((share(low), share(high))))),
        }
    };
    match values.map_err(|reason| format!("in a tenth of its window: {reason}")).and_then(of) {
        Ok((value, interval)) => Measurement { interval, ..Measurement::of(Ok(value), samples) },
        Err(reason) => Measurement::of(Err(reason), samples),
    }
}

/// What a person reads of a series: how many readings, and their least, mean, greatest and last value.
#[derive(Debug, Clone, Copy, PartialEq, schemars::JsonSchema, serde::Serialize)]
pub struct Summary {
    pub readings: u64,
    pub missed: u64,
    pub min: f64,
    pub mean: f64,
    pub max: f64,
    pub last: f64,
}

/// `None` where nothing was read.
pub fn summary(series: &Watched, gauge: &Gauge) -> Option<Summary> {
    let points: Vec<(u64, f64)> = gauge.points.iter().map(|(at, value)| (*at, value * series.worth)).collect();
    let last = points.last()?.1;
    Some(Summary {
        readings: points.len() as u64,
        missed: gauge.gaps.iter().map(|gap| gap.missed).sum(),
        min: statistic(Statistic::Min, &points),
        mean: statistic(Statistic::Mean, &points),
        max: statistic(Statistic::Max, &points),
        last,
    })
}

#[cfg(test)]
mod tests;
