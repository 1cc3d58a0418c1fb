//! `stressc compare`: two recorded runs side by side, or two variants of a scenario that take turns.

use super::against::{context, most_time, refused};
use super::args::{CompareArgs, Runs};
use super::output::Terminal;
use super::prepare::{Prepared, prepare};
use super::run::{Audience, consent, kept, perform};
use crate::base::shown::escaped;
use crate::base::units::percent;
use crate::baseline::{self, Change, Contrast, Facts, Question, Statistic};
use crate::check::builtins::Direction;
use crate::judge::{Others, VerdictKind, judge};
use crate::metric::{self, Windowed, printed, shown_change};
use crate::plan::{Binary, Function, Host, MetricKey, Plan, Regression, Type};
use crate::{inputs, report, store};
use std::fmt::Write;

pub fn compare(args: &CompareArgs, terminal: &Terminal) -> u8 {
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
    for difference in does(&plan_after).differences(&does(&plan_before)) {
        let _ = writeln!(out, "they did not do the same: {}", difference.text());
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
    for (whose, own, others) in [(&stats_before.id, &old, &new), (&stats_after.id, &new, &old)] {
        let mut alone: Vec<&str> = Vec::new();
        for one in own.iter().filter(|one| others.iter().all(|other| other.window != one.window)) {
            if !alone.contains(&one.window.as_str()) {
                alone.push(&one.window);
            }
        }
        for window in alone {
            let _ = writeln!(out, "in {whose} alone: {window}");
        }
    }
    out.push_str("two runs say little of how far runs lie apart: what is assumed of that is in each interval\n");
    terminal.out(&escaped(&out));
    Ok(super::OK)
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
    let (text, code) = told(&variants[0].plan, &measured, args.tolerance);
    let names = [&args.a, &args.b].map(|own| if own.is_empty() { "as it stands".to_owned() } else { own.join(" ") });
    terminal.out(&escaped(&format!("b ({}) against a ({}), {} pairs of runs\n{text}", names[1], names[0], args.runs)));
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
    let told = report::report(plan, &performed.stats, &verdict);
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

/// What pairs say of each metric; the exit code is 1 where one is worse, by more than is tolerated.
fn told(plan: &Plan, measured: &[Vec<Vec<Statistic>>; 2], tolerance: Option<f64>) -> (String, u8) {
    let (mut out, mut code) = (String::new(), super::OK);
    let functions: Vec<(MetricKey, Function)> = metric::functions(plan);
    for (key, function) in functions {
        let of = |run: &'_ Vec<Statistic>| run.iter().find(|one| one.metric == key).cloned();
        let [a, b]: [Vec<Option<Statistic>>; 2] = [0, 1].map(|side: usize| measured[side].iter().map(of).collect());
        let pairs: Vec<(&Statistic, &Statistic)> =
            a.iter().zip(&b).filter_map(|(a, b)| Some((a.as_ref()?, b.as_ref()?))).collect();
        let Some((first, contrast)) = pairs.first().zip(of_pairs(function, &pairs)) else {
            let _ = writeln!(out, "? {key}  no pair of runs has a value of it");
            continue;
        };
        let unit = first.0.unit;
        let change = interval(&contrast.change(), unit);
        let question =
            |allowed: f64| Question { contrast, more_is_worse: function.direction() != Direction::More, allowed };
        if function.direction() == Direction::Neither {
            let _ = writeln!(out, "  {key}  {change}");
            continue;
        }
        let verdict = |allowed: f64| baseline::regressions(&[question(allowed)], baseline::ALPHA)[0].verdict;
        let (mark, word) = match verdict(0.0) {
            Regression::Regressed => ("✘", "worse"),
            Regression::Improved => ("✔", "better"),
            Regression::Unchanged | Regression::Inconclusive => (" ", "no difference is seen"),
        };
        let _ = writeln!(out, "{mark} {key}  {word}: {change}");
        let Some(tolerance) = tolerance else {
            if mark == "✘" {
                code = super::FAILED;
            }
            continue;
        };
        // What is allowed of the mean, on the scale that it is compared by.
        let mean = contrast.scale.value(contrast.baseline);
        let operator = if function.direction() == Direction::More { Binary::GreaterEqual } else { Binary::LessEqual };
        let bound =
            if function.direction() == Direction::More { mean * (1.0 - tolerance) } else { mean * (1.0 + tolerance) };
        let allowed = Question::of(contrast, operator, bound).map_or(0.0, |question| question.allowed);
        let text = match verdict(allowed) {
            Regression::Regressed => {
                code = super::FAILED;
                "it is worse by more than"
            }
            Regression::Unchanged | Regression::Improved => "it is not worse by",
            Regression::Inconclusive => "more runs would tell whether it is worse by",
        };
        let _ = writeln!(out, "    {text} {}", percent(tolerance));
    }
    (out, code)
}
