//! `stressc compare`: two recorded runs side by side, or two variants of a scenario that take turns.

use super::against::{context, most_time, refused};
use super::args::{CompareArgs, Runs};
use super::output::{Terminal, apart, is_taken, write_comparison};
use super::prepare::{Prepared, prepare};
use super::run::{Audience, consent, kept, perform, places};
use crate::base::shown::escaped;
use crate::base::units::percent;
use crate::baseline::{self, Change, Contrast, Facts, Question, Statistic};
use crate::check::builtins::Direction;
use crate::judge::{Others, VerdictKind, judge};
use crate::metric::{self, Windowed, printed, shown_change};
use crate::plan::{Binary, Function, Host, MetricKey, Plan, Regression, Type};
use crate::report::{ComparedMetric, Comparison, Differs, SCHEMA};
use crate::{inputs, store};
use std::fmt::Write;

pub fn compare(args: &CompareArgs, terminal: &Terminal) -> u8 {
    if let Err(code) = apart(&args.out, terminal).and_then(|()| places(&args.out, terminal)) {
        return code;
    }
    let done = match (args.of.as_slice(), args.a.is_empty() && args.b.is_empty()) {
        ([first, second], true) => records([first, second], args, terminal),
        ([scenario], false) => turns(scenario, args, terminal),
        ([_], true) => {
            terminal.error("name two recorded runs; or a scenario and what differs, such as `--a pool=10 --b pool=20`");
            Err(super::DOES_NOT_CHECK)
        }
        (_, false) => {
            terminal.error("`--a` and `--b` are of a scenario: name one, such as `FILE:SCENARIO`");
            Err(super::DOES_NOT_CHECK)
        }
        _ => Err(super::DOES_NOT_CHECK),
    };
    done.unwrap_or_else(|code| code)
}

/// One line of two runs side by side.
struct Line {
    window: String,
    metric: String,
    unit: Type,
    values: [f64; 2],
    change: Change,
}

fn records(runs: [&String; 2], args: &CompareArgs, terminal: &Terminal) -> Result<u8, u8> {
    let read = |run: &String| {
        let read = store::find(&args.how.record, run).and_then(|directory| store::read(&directory));
        read.map_err(|error| {
            terminal.error(&error.to_string());
            super::COULD_NOT_RUN
        })
    };
    let [before, after] = runs.map(read);
    let ((plan_before, stats_before), (plan_after, stats_after)) = (before?, after?);
    let mut out = format!("{} beside {}\n", stats_after.id, stats_before.id);
    let does = |plan: &Plan| Facts::of(plan, Host::default(), "");
    let differences =
        does(&plan_after).differences(&does(&plan_before)).iter().map(|own| own.text().to_owned()).collect();
    let mut told = Comparison {
        schema: SCHEMA,
        before: stats_before.id.clone(),
        after: stats_after.id.clone(),
        runs: 1,
        differences,
        metrics: Vec::new(),
        alone: Vec::new(),
    };
    for difference in &told.differences {
        let _ = writeln!(out, "they did not do the same: {difference}");
    }
    let [old, new] = [all(&plan_before, &stats_before), all(&plan_after, &stats_after)];
    let mut lines = lines(&old, &new);
    // What is sure comes first, and of that what changed most.
    let is_sure = |line: &Line| line.change.chance < baseline::ALPHA;
    let size = |line: &Line| match line.change.is_relative {
        true => line.change.change.ln_1p().abs(),
        // A difference of a share of requests.
        false => line.change.change.abs(),
    };
    lines.sort_by(|a, b| is_sure(b).cmp(&is_sure(a)).then(size(b).total_cmp(&size(a))));
    table(&mut out, &lines, is_sure);
    told.metrics = lines.iter().map(|line| line.told(is_sure(line))).collect();
    for (whose, own, others) in [(&stats_before.id, &old, &new), (&stats_after.id, &new, &old)] {
        let mut alone: Vec<&str> = Vec::new();
        for one in own.iter().filter(|one| others.iter().all(|other| other.window != one.window)) {
            if !alone.contains(&one.window.as_str()) {
                alone.push(&one.window);
            }
        }
        for window in alone {
            let _ = writeln!(out, "in {whose} alone: {window}");
            told.alone.push((whose.clone(), window.to_owned()));
        }
    }
    let _ = writeln!(out, "{}", told.caveat());
    shown(&out, &told, args, terminal)?;
    Ok(super::OK)
}

/// Prints a comparison, and writes it where it is asked for.
fn shown(text: &str, own: &Comparison, args: &CompareArgs, terminal: &Terminal) -> Result<(), u8> {
    terminal.report(is_taken(&args.out), &|_, _| escaped(text).into_owned());
    write_comparison(&args.out, own, terminal).map_err(|problem| {
        terminal.error(&problem);
        super::COULD_NOT_RUN
    })
}

impl Line {
    fn told(&self, is_sure: bool) -> ComparedMetric {
        ComparedMetric {
            window: Some(self.window.clone()),
            metric: self.metric.clone(),
            unit: self.unit,
            before: Some(self.values[0]),
            after: Some(self.values[1]),
            change: Some(self.change),
            verdict: if is_sure { Differs::Differs } else { Differs::NotSeen },
            tolerance: None,
        }
    }
}

/// All that is compared of a run: its windows, and what is judged of it.
fn all(plan: &Plan, stats: &crate::measure::Stats) -> Vec<Windowed> {
    let mut all = metric::windowed(plan, stats);
    let functions = metric::functions(plan);
    let judged = metric::statistics(plan, stats).into_iter().filter_map(|statistic| {
        let function = functions.iter().find(|(key, _)| *key == statistic.metric)?.1;
        Some(Windowed { window: "judged".to_owned(), function, statistic })
    });
    all.extend(judged);
    all
}

fn lines(old: &[Windowed], new: &[Windowed]) -> Vec<Line> {
    let line = |now: &Windowed| {
        let same = |one: &&Windowed| (&one.window, &one.statistic.metric) == (&now.window, &now.statistic.metric);
        let before = old.iter().find(same)?;
        let contrast = baseline::contrast(now.function, &[&before.statistic], &[&now.statistic])?;
        Some(Line {
            window: now.window.clone(),
            metric: now.statistic.metric.to_string(),
            unit: now.statistic.unit,
            values: [before.statistic.value, now.statistic.value],
            change: contrast.change(),
        })
    };
    new.iter().filter_map(line).collect()
}

fn of_pairs(function: Function, pairs: &[(&Statistic, &Statistic)]) -> Option<Contrast> {
    let values = pairs.iter().flat_map(|(a, b)| [a.value, b.value]);
    let scale = baseline::scale(function, values);
    let about = pairs.iter().map(|(a, _)| a.value.abs()).sum::<f64>() / pairs.len().max(1) as f64;
    let samples: Vec<_> = pairs.iter().map(|(a, b)| (a.sample(scale), b.sample(scale))).collect();
    Contrast::of_pairs(scale, baseline::assumed(function, scale, about), &samples)
}

fn interval(change: &Change, unit: Type) -> String {
    let shown = |value: f64| shown_change(value, change.is_relative, unit);
    format!("{} ({} to {})", shown(change.change), shown(change.low), shown(change.high))
}

fn table(out: &mut String, lines: &[Line], is_sure: impl Fn(&Line) -> bool) {
    let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
    let windows = width(&mut lines.iter().map(|line| line.window.chars().count()));
    let metrics = width(&mut lines.iter().map(|line| line.metric.chars().count()));
    for line in lines {
        let [before, after] = line.values.map(|value| printed(value, line.unit));
        let mark = if is_sure(line) { "≠" } else { " " };
        let _ = writeln!(
            out,
            "{mark} {:<windows$}  {:<metrics$}  {before:>10} → {after:<10}  {}",
            line.window,
            line.metric,
            interval(&line.change, line.unit)
        );
    }
}

/// Runs both variants in turns, and says in which way the second differs.
fn turns(scenario: &str, args: &CompareArgs, terminal: &Terminal) -> Result<u8, u8> {
    let variant = |own: &[String]| {
        let mut asked = args.how.asked.asked();
        asked.set.extend(own.iter().cloned());
        prepare(scenario, None, &asked, terminal)
    };
    let variants = [variant(&args.a)?, variant(&args.b)?];
    for prepared in &variants {
        consent(prepared, &args.how, terminal)?;
    }
    let count = (args.runs * 2) as usize;
    let plans = [&*variants[0].plan, &*variants[1].plan];
    terminal.err(&format!("{}\n", most_time(&plans, Runs { least: count, most: count })));
    let machine = inputs::host();
    let mut measured: [Vec<Vec<Statistic>>; 2] = [Vec::new(), Vec::new()];
    for number in 0..count {
        // A B B A: what drifts evenly is then the same for both.
        let which = usize::from(matches!(number % 4, 1 | 2));
        measured[which].push(turn(&variants[which], (&machine, args), terminal)?);
        let done = ["a", "b"][which];
        terminal.err(&format!("run {} of {count} is done: `{done}`\n", number + 1));
    }
    let (metrics, code) = told(&variants[0].plan, &measured, args.tolerance);
    let names = [&args.a, &args.b].map(|own| if own.is_empty() { "as it stands".to_owned() } else { own.join(" ") });
    let [before, after] = [format!("a ({})", names[0]), format!("b ({})", names[1])];
    let text = format!("{after} against {before}, {} pairs of runs\n{}", args.runs, text(&metrics));
    let (differences, alone) = (Vec::new(), Vec::new());
    let own = Comparison { schema: SCHEMA, before, after, runs: args.runs, differences, metrics, alone };
    shown(&text, &own, args, terminal)?;
    Ok(code)
}

fn turn(
    prepared: &Prepared,
    (machine, args): (&Host, &CompareArgs),
    terminal: &Terminal,
) -> Result<Vec<Statistic>, u8> {
    let performed = perform(prepared, &args.how, None, Audience { quiet: false, telemetry: None, terminal });
    let mut performed = performed.map_err(|unperformed| unperformed.told(terminal))?;
    let plan = &prepared.plan;
    let others = Others::waiting(plan, "it is compared with the other variant");
    let verdict = judge(plan, &performed.stats, &others);
    let told = performed.report(&verdict);
    kept(&mut performed, &context(machine, others), &told, terminal)?;
    // No run is made over what another has left behind.
    if performed.left.is_some() {
        return Err(super::COULD_NOT_RUN);
    }
    // One that fails is compared all the same: that may be what differs.
    if let Some(problem) = refused(&verdict, true) {
        terminal.error(&format!("the comparison ends here: {problem}"));
        return Err(match verdict.kind {
            VerdictKind::Passed => super::COULD_NOT_RUN,
            kind => kind.exit_code(),
        });
    }
    Ok(metric::statistics(plan, &performed.stats))
}

/// What pairs say of each metric; the exit code is 1 if one is worse, by more than is tolerated.
fn told(plan: &Plan, measured: &[Vec<Vec<Statistic>>; 2], tolerance: Option<f64>) -> (Vec<ComparedMetric>, u8) {
    let (mut metrics, mut code) = (Vec::new(), super::OK);
    for (key, function) in metric::functions(plan) {
        let of = |run: &'_ Vec<Statistic>| run.iter().find(|one| one.metric == key).cloned();
        let [a, b]: [Vec<Option<Statistic>>; 2] = [0, 1].map(|side: usize| measured[side].iter().map(of).collect());
        let pairs: Vec<(&Statistic, &Statistic)> =
            a.iter().zip(&b).filter_map(|(a, b)| Some((a.as_ref()?, b.as_ref()?))).collect();
        let (own, fails) = of_metric(&key, function, &pairs, tolerance);
        metrics.push(own);
        if fails {
            code = super::FAILED;
        }
    }
    (metrics, code)
}

/// One metric, and whether it is worse than it may be.
fn of_metric(
    key: &MetricKey,
    function: Function,
    pairs: &[(&Statistic, &Statistic)],
    tolerance: Option<f64>,
) -> (ComparedMetric, bool) {
    let nothing = ComparedMetric::without(key.to_string());
    let Some((first, contrast)) = pairs.first().zip(of_pairs(function, pairs)) else { return (nothing, false) };
    let mean = |side: &dyn Fn(&(&Statistic, &Statistic)) -> f64| {
        Some(pairs.iter().map(side).sum::<f64>() / pairs.len() as f64)
    };
    let verdict = |allowed: f64| {
        let question = Question { contrast, more_is_worse: function.direction() != Direction::More, allowed };
        baseline::regressions(&[question], baseline::ALPHA)[0].verdict
    };
    let differs = match function.direction() {
        Direction::Neither if contrast.change().chance < baseline::ALPHA => Differs::Differs,
        Direction::Neither => Differs::NotSeen,
        Direction::More | Direction::Less | Direction::OfValues => match verdict(0.0) {
            Regression::Regressed => Differs::Worse,
            Regression::Improved => Differs::Better,
            Regression::Unchanged | Regression::Inconclusive => Differs::NotSeen,
        },
    };
    let tolerated = tolerance.filter(|_| function.direction() != Direction::Neither);
    let told = tolerated.map(|tolerance| tolerates(function, contrast, tolerance, &verdict));
    let fails = told.as_ref().map_or(differs == Differs::Worse, |(fails, _)| *fails);
    let own = ComparedMetric {
        unit: first.0.unit,
        before: mean(&|(a, _)| a.value),
        after: mean(&|(_, b)| b.value),
        change: Some(contrast.change()),
        verdict: differs,
        tolerance: told.map(|(_, text)| text),
        ..nothing
    };
    (own, fails)
}

/// Whether it is worse by more than is tolerated, and what is said of that.
fn tolerates(
    function: Function,
    contrast: Contrast,
    tolerance: f64,
    verdict: &dyn Fn(f64) -> Regression,
) -> (bool, String) {
    // What is allowed of the mean, on the scale that it is compared by.
    let mean = contrast.scale.value(contrast.baseline);
    let (operator, bound) = match function.direction() {
        Direction::More => (Binary::GreaterEqual, mean * (1.0 - tolerance)),
        Direction::Less | Direction::OfValues | Direction::Neither => (Binary::LessEqual, mean * (1.0 + tolerance)),
    };
    let allowed = Question::of(contrast, operator, bound).map_or(0.0, |question| question.allowed);
    let (fails, text) = match verdict(allowed) {
        Regression::Regressed => (true, "it is worse by more than"),
        Regression::Unchanged | Regression::Improved => (false, "it is not worse by"),
        Regression::Inconclusive => (false, "more runs would tell whether it is worse by"),
    };
    (fails, format!("{text} {}", percent(tolerance)))
}

fn text(metrics: &[ComparedMetric]) -> String {
    let mut out = String::new();
    for own in metrics {
        let mark = if own.verdict == Differs::NotSeen { " " } else { own.verdict.sign() };
        let change = if own.change.is_some() { format!(": {}", own.shown()) } else { " of it".to_owned() };
        let _ = writeln!(out, "{mark} {}  {}{change}", own.metric, own.verdict.words());
        if let Some(tolerance) = &own.tolerance {
            let _ = writeln!(out, "    {tolerance}");
        }
    }
    out
}
