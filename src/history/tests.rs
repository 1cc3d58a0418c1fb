//! How often changes and creeps are called rightly: simulated series whose noise and change are known. Each table has the rates that may be
//! next to what came. The long form is `CALIBRATION=20000 cargo test --lib history::tests -- --nocapture`.

use super::shuffle::Shuffle;
use super::{FEWEST, LEAST, Series, Shape};

/// Normal numbers (Box and Muller), now and then a wild one, and such as are like the one before.
struct Noise {
    shuffle: Shuffle,
    last: f64,
}

impl Noise {
    fn new(seed: u64) -> Noise {
        Noise { shuffle: Shuffle::seeded(seed), last: 0.0 }
    }

    fn share(&mut self) -> f64 {
        (self.shuffle.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let (a, b) = (1.0 - self.share(), self.share());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }

    fn next(&mut self, kind: Kind) -> f64 {
        match kind {
            Kind::Normal => self.normal(),
            Kind::Wild => {
                let size = if self.share() < 0.05 { 6.0 } else { 1.0 };
                self.normal() * size
            }
            Kind::Alike(rho) => {
                self.last = rho * self.last + (1.0 - rho * rho).sqrt() * self.normal();
                self.last
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Normal,
    /// One of twenty is six times as far off.
    Wild,
    /// Each is like the one before, by so much.
    Alike(f64),
}

fn times() -> usize {
    std::env::var("CALIBRATION").ok().and_then(|times| times.parse().ok()).unwrap_or(400)
}

/// In how many of a hundred series of so many runs something is so, with noise of 2 % around what each run is away by.
fn rate(seed: u64, kind: (usize, Kind), away: impl Fn(usize) -> f64, is: impl Fn(&Series) -> bool) -> f64 {
    rate_of(times(), seed, kind, away, is)
}

fn rate_of(
    times: usize,
    seed: u64,
    (runs, kind): (usize, Kind),
    away: impl Fn(usize) -> f64,
    is: impl Fn(&Series) -> bool,
) -> f64 {
    const NOISE: f64 = 0.02;
    let mut noise = Noise::new(seed);
    let mut found = 0;
    for _ in 0..times {
        noise.last = noise.normal();
        let values = (0..runs).map(|run| 1000.0 * (NOISE * noise.next(kind) + away(run)).exp()).collect();
        found += usize::from(is(&Series::new(values)));
    }
    found as f64 * 100.0 / times as f64
}

/// What a rate in percent may be off by, since so many series were simulated: three standard errors.
fn chance(rate: f64) -> f64 {
    let share = (rate / 100.0).clamp(0.0, 1.0);
    300.0 * (share * (1.0 - share) / times() as f64).sqrt()
}

/// Whatever is sure, however small.
fn bare(series: &Series) -> Shape {
    series.shape_with(0.0)
}

/// Where nothing changes, a change is called in at most 2 of 100 series, before anything is asked of its size.
#[test]
fn calibration_of_false_changes() {
    for (runs, kind, most) in [
        (12, Kind::Normal, 2.0),
        (30, Kind::Normal, 2.0),
        (60, Kind::Normal, 2.0),
        (30, Kind::Wild, 2.0),
        (60, Kind::Wild, 2.0),
    ] {
        let found = rate(21, (runs, kind), |_| 0.0, |series| !bare(series).changes.is_empty());
        println!("{runs} runs, {kind:?}: a change is called in {found:.1} %");
        assert!(found <= most + chance(most), "{runs} {kind:?}: {found}");
        let told = rate(21, (runs, kind), |_| 0.0, |series| !series.shape().changes.is_empty());
        assert!(told <= found, "{told}");
    }
}

/// The last three of thirty runs are so many deviations away.
#[test]
fn calibration_of_late_changes() {
    for (late, deviations, least) in [(3, 3.0, 75.0), (5, 3.0, 90.0), (10, 3.0, 92.0), (10, 2.0, 75.0)] {
        let away = |run: usize| if run >= 30 - late { 0.02 * deviations } else { 0.0 };
        let found = rate(22, (30, Kind::Normal), away, |series| !bare(series).changes.is_empty());
        println!("{late} runs at +{deviations} σ: found in {found:.1} %");
        assert!(found >= least - chance(least), "{late} {deviations}: {found}");
    }
}

/// A creep over all of thirty runs, as a share, of noise of 2 %.
#[test]
fn calibration_of_creep() {
    for (kind, creep, least, most) in [
        (Kind::Normal, 0.0, 0.0, 2.0),
        (Kind::Wild, 0.0, 0.0, 2.0),
        (Kind::Alike(0.5), 0.0, 0.0, 9.0),
        (Kind::Normal, 0.05, 90.0, 100.0),
        (Kind::Normal, -0.05, 90.0, 100.0),
        (Kind::Normal, 0.08, 97.0, 100.0),
    ] {
        let away = |run: usize| f64::ln_1p(creep) * run as f64 / 29.0;
        let found = rate(23, (30, kind), away, |series| series.shape().creep.is_some());
        let stepped = rate(23, (30, kind), away, |series| !series.shape().changes.is_empty());
        println!("{kind:?}, creep of {creep}: found in {found:.1} %, called a step in {stepped:.1} %");
        assert!(found >= least - chance(least) && found <= most + chance(most), "{kind:?} {creep}: {found}");
        assert!(stepped <= 3.0 + chance(3.0), "{kind:?} {creep}: {stepped}");
    }
}

/// Wherever a change is called, at least three runs stand on each side of it, and one or two wild runs at the end are none.
#[test]
fn nothing_is_called_within_three_runs_of_an_end() {
    for late in 1..6 {
        let away = |run: usize| if run >= 30 - late { 0.5 } else { 0.0 };
        let near = |shape: &Shape| shape.changes.iter().any(|change| change.index < LEAST || change.index + LEAST > 30);
        let wrong = |series: &Series| {
            let shape = bare(series);
            near(&shape) || series.shape().changes.is_empty() == (late >= LEAST)
        };
        assert_eq!(rate_of(times() / 20, 24, (30, Kind::Normal), away, wrong), 0.0, "{late}");
    }
}

fn indices(shape: &Shape) -> Vec<usize> {
    shape.changes.iter().map(|change| change.index).collect()
}

/// As the throughput of a database that is known from elsewhere: a step down at 15 and up at 71, an outlier at 10, a small step at 95, and
/// from there on a slope of 8 % that flattens.
fn like_a_database() -> Vec<f64> {
    let mut noise = Noise::new(7);
    let level = |run: usize| match run {
        10 => 15_700.0,
        0..15 => 26_700.0,
        15..71 => 23_700.0,
        71..95 => 28_400.0,
        _ => 27_200.0 + 2_400.0 * (1.0 - (-((run - 95) as f64) / 90.0).exp()),
    };
    (0..365).map(|run| level(run) * (1.0 + noise.normal() * if run < 95 { 0.006 } else { 0.011 })).collect()
}

fn is_like_the_database(shape: &Shape) {
    assert_eq!(indices(shape), [15, 71], "{shape:?}");
    let [down, up] = [0, 1].map(|index: usize| shape.changes[index].shift);
    assert!((-0.13..-0.09).contains(&down.change) && (0.16..0.22).contains(&up.change), "{down:?} {up:?}");
    for shift in [down, up] {
        let (low, high) = shift.interval.expect("both sides are long enough");
        assert!(low < shift.change && shift.change < high && high - low < 0.04, "{shift:?}");
    }
    let creep = shape.creep.expect("a slope");
    assert!((93..=100).contains(&creep.from) && creep.change > 0.05 && creep.chance < 0.001, "{creep:?}");
    assert_eq!(shape.segments.iter().map(|one| (one.from, one.to)).collect::<Vec<_>>(), [(0, 15), (15, 71), (71, 365)]);
}

#[test]
fn two_steps_are_found_and_neither_the_outlier_nor_the_slope() {
    let values = like_a_database();
    let shape = Series::new(values.clone()).shape();
    is_like_the_database(&shape);
    assert_eq!(Series::new(values).shape(), shape, "the same runs give the same answer");
}

/// The real series, which is not part of this repository.
#[test]
#[ignore = "HISTORY_SERIES names its file: the columns `run,throughput` of TigerBeetle's 365 runs"]
fn the_series_of_a_real_database_has_the_changes_that_are_known() {
    let file = std::env::var_os("HISTORY_SERIES").expect("HISTORY_SERIES names the file");
    let text = std::fs::read_to_string(file).expect("the series");
    let values =
        text.lines().skip(1).map(|line| line.split(',').nth(1).and_then(|v| v.parse().ok()).expect("a number"));
    is_like_the_database(&Series::new(values.collect()).shape());
}

#[test]
fn shares_of_requests_change_by_their_difference() {
    let mut values = vec![0.0; 12];
    values.extend([0.01, 0.012, 0.011, 0.01]);
    let shape = Series::of_shares(values).shape();
    assert_eq!(indices(&shape), [12]);
    let shift = shape.changes[0].shift;
    assert!(!shape.relative && shift.before == 0.0 && (shift.change - 0.0105).abs() < 1e-9, "{shift:?}");
}

#[test]
fn too_few_runs_and_runs_that_are_all_the_same_have_one_segment() {
    for count in 0..FEWEST {
        let shape = Series::new((0..count).map(|run| 1.0 + run as f64).collect()).shape();
        assert!(shape.changes.is_empty() && shape.creep.is_none() && shape.segments.len() == count.min(1), "{shape:?}");
    }
    let shape = Series::new(vec![5.0; 40]).shape();
    assert!(shape.changes.is_empty() && shape.creep.is_none(), "{shape:?}");
    assert_eq!((shape.segments[0].median, shape.segments[0].to), (5.0, 40));
}

/// A strong creep is no row of steps.
#[test]
fn a_steep_slope_is_creep_and_no_step() {
    let mut noise = Noise::new(9);
    let values = (0..60).map(|run| 100.0 * (0.004 * run as f64 + 0.01 * noise.normal()).exp()).collect();
    let shape = Series::new(values).shape();
    assert_eq!(indices(&shape), [0; 0], "{shape:?}");
    let creep = shape.creep.expect("a slope");
    assert!(creep.from == 0 && (0.2..0.35).contains(&creep.change), "{creep:?}");
}
