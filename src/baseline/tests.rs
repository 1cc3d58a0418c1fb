//! How often the verdicts are right: simulated runs whose spread and change are known. Each table has the rates that were found next to
//! those that are allowed; a bare "more than 5 %" stands in the same tables. The long form is `CALIBRATION=100000 cargo test --lib baseline::tests -- --nocapture`.

use super::{ALPHA, Contrast, Question, Sample, Scale, bounds, regressions};
use crate::base::distributions::normal;
use crate::base::splitmix;
use crate::plan::{Binary, Regression};

/// Pseudo-random numbers (SplitMix64), and normal ones of them (Box and Muller).
struct Random(u64);

impl Random {
    fn share(&mut self) -> f64 {
        (splitmix::next(&mut self.0) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let (a, b) = (1.0 - self.share(), self.share());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }
}

/// Runs of a metric: they lie apart by `noise`, of which each knows 1 % by itself, and are off by `change`.
fn runs(random: &mut Random, count: usize, noise: f64, change: f64) -> Vec<Sample> {
    const WITHIN: f64 = 0.01;
    let mut run = || change.ln_1p() + random.normal() * noise;
    (0..count).map(|_| Sample { value: run(), within: WITHIN * WITHIN }).collect()
}

/// `m <= baseline + 5%`, with the spread that is assumed of the metric.
fn question(spread: f64, baseline: &[Sample], candidate: &[Sample]) -> Question {
    let contrast = Contrast::of(Scale::Ratio, spread, baseline, candidate).expect("both have runs");
    Question::of(contrast, Binary::LessEqual, contrast.baseline.exp() * 1.05).expect("a bound above")
}

fn times() -> usize {
    std::env::var("CALIBRATION").ok().and_then(|times| times.parse().ok()).unwrap_or(2000)
}

/// What came of so many comparisons, in percent.
#[derive(Debug, Clone, Copy, Default)]
struct Rates {
    regressed: f64,
    unchanged: f64,
    /// Of the bare rule that looks at the means alone.
    bare: f64,
}

fn rates(seed: u64, (k, m): (usize, usize), noise: f64, change: f64, spread: f64) -> Rates {
    let (mut random, times) = (Random(seed), times());
    let mut rates = Rates::default();
    let one = 100.0 / times as f64;
    for _ in 0..times {
        let (baseline, candidate) = (runs(&mut random, k, noise, 0.0), runs(&mut random, m, noise, change));
        let question = question(spread, &baseline, &candidate);
        let verdict = regressions(&[question], ALPHA)[0].verdict;
        rates.regressed += if verdict == Regression::Regressed { one } else { 0.0 };
        let held = matches!(verdict, Regression::Unchanged | Regression::Improved);
        rates.unchanged += if held { one } else { 0.0 };
        rates.bare += if question.contrast.difference > 1.05_f64.ln() { one } else { 0.0 };
    }
    rates
}

/// Five runs of a baseline against three: noise of runs, change, the most that may be called regressed, the least, and the most that may be
/// called unchanged. What the bare rule does at 8 % of noise is what nobody should block a merge on.
#[test]
fn calibration_of_one_metric() {
    for (noise, change, most, least, unchanged) in [
        //  noise  change  regressed ≤  ≥     unchanged ≤
        (0.01, 0.00, 1.5, 0.0, 100.0),
        (0.02, 0.00, 1.5, 0.0, 100.0),
        (0.03, 0.00, 1.5, 0.0, 100.0),
        (0.05, 0.00, 8.0, 0.0, 100.0),
        (0.08, 0.00, 8.0, 0.0, 100.0),
        (0.01, 0.10, 100.0, 95.0, 0.5),
        (0.02, 0.10, 100.0, 95.0, 0.5),
        (0.03, 0.10, 100.0, 95.0, 1.0),
        (0.02, 0.05, 100.0, 0.0, 6.0),
        (0.05, 0.05, 100.0, 0.0, 8.5),
    ] {
        for spread in [0.03, 0.06] {
            let found = rates(11, (5, 3), noise, change, spread);
            let told = format!("{noise} {change} assumed {spread}: {found:.1?}");
            println!("{told}");
            assert!(found.regressed <= most + chance(most) && found.regressed >= least - chance(least), "{told}");
            assert!(found.unchanged <= unchanged + chance(unchanged), "{told}");
        }
    }
}

/// What a rate in percent may be off by, since so many comparisons were simulated: three standard errors.
fn chance(rate: f64) -> f64 {
    let share = (rate / 100.0).clamp(0.0, 1.0);
    300.0 * (share * (1.0 - share) / times() as f64).sqrt()
}

/// Four metrics under Holm, at 3 % of noise. The chance that one of them is called worse is that of one question alone.
#[test]
fn calibration_of_four_metrics() {
    let spreads = [0.03, 0.03, 0.04, 0.06];
    let any = |change: [f64; 4], which: usize| {
        let (mut random, mut found, mut called) = (Random(12), 0, 0);
        for _ in 0..times() {
            let questions: Vec<Question> = (0..4)
                .map(|metric| {
                    let (baseline, candidate) =
                        (runs(&mut random, 5, 0.03, 0.0), runs(&mut random, 3, 0.03, change[metric]));
                    question(spreads[metric], &baseline, &candidate)
                })
                .collect();
            let verdicts = regressions(&questions, ALPHA);
            found += usize::from(verdicts[which].verdict == Regression::Regressed);
            called += usize::from(verdicts.iter().any(|one| one.verdict == Regression::Regressed));
        }
        let percent = |count: usize| count as f64 * 100.0 / times() as f64;
        (percent(found), percent(called))
    };
    let (_, called) = any([0.0; 4], 0);
    println!("nothing changed: called in {called:.1} %");
    assert!(called <= ALPHA * 100.0 + chance(ALPHA * 100.0), "{called}");
    for metric in 0..4 {
        let (found, _) = any([0.1; 4], metric);
        println!("all are 10 % worse: metric {metric} is found in {found:.1} %");
        assert!(found >= 90.0 - chance(90.0), "{metric}: {found}");
    }
    let (found, _) = any([0.1, 0.0, 0.0, 0.0], 0);
    println!("one is 10 % worse: found in {found:.1} %");
    assert!(found >= 90.0 - chance(90.0), "{found}");
}

/// Looks at three to ten runs against five of a baseline, stopped at the first that decides: noise of runs, the most that may be called
/// regressed where nothing changed. Looking at each as if it were the only one is wrong more often.
#[test]
fn calibration_of_looks() {
    let bounds = bounds(ALPHA, 5, 3, 10);
    for (noise, most) in [(0.02, 0.3), (0.03, 1.5), (0.05, 5.6), (0.08, 8.0)] {
        let (mut random, mut called, mut without) = (Random(13), 0, 0);
        for _ in 0..times() {
            let (baseline, candidate) = (runs(&mut random, 5, noise, 0.0), runs(&mut random, 10, noise, 0.0));
            let stops = |alpha: &dyn Fn(usize) -> f64| {
                let verdict = |look: usize| {
                    let question = question(0.03, &baseline, &candidate[..look]);
                    regressions(&[question], alpha(look))[0].verdict
                };
                (3..=10).map(verdict).find(|verdict| *verdict != Regression::Inconclusive)
            };
            called += usize::from(stops(&|look| normal(-bounds[look - 3])) == Some(Regression::Regressed));
            without += usize::from(stops(&|_| ALPHA) == Some(Regression::Regressed));
        }
        let percent = |count: usize| count as f64 * 100.0 / times() as f64;
        let told = format!("{noise}: {:.1} %, and {:.1} % by naive looks", percent(called), percent(without));
        println!("{told}");
        assert!(percent(called) <= most + chance(most), "{told}");
        assert!(percent(without) >= percent(called), "{told}");
    }
}

/// Pairs in the order A B B A while the machine drifts by 1 % a run, and A B A B next to them.
#[test]
fn calibration_of_pairs() {
    let wrong = |order: [usize; 4]| {
        let (mut random, mut called) = (Random(14), 0);
        for _ in 0..times() {
            let mut pairs = Vec::new();
            for quad in 0..5 {
                let mut seen = [Vec::new(), Vec::new()];
                for (place, variant) in order.into_iter().enumerate() {
                    let drift = 0.01 * (quad * 4 + place) as f64;
                    let mut run = runs(&mut random, 1, 0.02, 0.0)[0];
                    run.value += drift;
                    seen[variant].push(run);
                }
                pairs.extend(seen[0].iter().copied().zip(seen[1].iter().copied()));
            }
            let contrast = Contrast::of_pairs(Scale::Ratio, 0.03, &pairs).expect("there are pairs");
            let question = Question { contrast, more_is_worse: true, allowed: 0.0 };
            called += usize::from(regressions(&[question], ALPHA)[0].verdict == Regression::Regressed);
        }
        called as f64 * 100.0 / times() as f64
    };
    let (abba, abab) = (wrong([0, 1, 1, 0]), wrong([0, 1, 0, 1]));
    println!("A B B A: {abba:.1} %, A B A B: {abab:.1} %");
    assert!(abba <= 5.0 + chance(5.0) && abab > 10.0, "{abba} {abab}");
}
