//! What is known of each function agrees with its row, and is written in a plan as it always was.

use super::*;
use crate::check::builtins::names;
use serde_json::{Value, json};
use std::collections::HashSet;

fn functions() -> impl Iterator<Item = Function> {
    ROWS.iter().map(|row| row.function)
}

#[test]
fn each_row_is_found_by_its_own_name() {
    let all: HashSet<&str> = names(BuiltinKind::Metric).collect();
    assert_eq!(all.len(), ROWS.len(), "one name, one row");
    for row in ROWS {
        assert_eq!(function(row.builtin.name), Some(row.function));
    }
}

/// A second argument is a number exactly where the function holds one.
#[test]
fn what_is_given_behind_the_subject_stands_in_the_function() {
    for row in ROWS {
        let takes = row.builtin.parameters.get(1).filter(|par| par.kinds.iter().all(|kind| kind.is_quantity()));
        let given = row.function.with(0.25).expect("a quarter is a share, a threshold and a number of users");
        match takes {
            Some(par) => assert_eq!(given.argument(), Some((0.25, par.kinds[0])), "{}", row.builtin.name),
            // A quantile with a name of its own has said it.
            None => assert_eq!(row.function.argument(), None, "{}", row.builtin.name),
        }
    }
    let quantile = function("quantile").unwrap();
    assert_eq!(quantile.with(0.95).unwrap().name(), "p95");
    assert_eq!(quantile.with(0.975).unwrap().name(), "quantile");
    assert!(quantile.with(1.0).is_err() && quantile.with(-0.1).is_err());
}

/// Plans of earlier versions are read, and their fingerprints stay.
#[test]
fn a_function_is_one_word_in_a_plan() {
    for row in ROWS {
        let written = serde_json::to_value(row.function).unwrap();
        let word = match &written {
            Value::String(word) => word.clone(),
            Value::Object(fields) => fields.keys().next().unwrap().clone(),
            other => panic!("{other}"),
        };
        let name = match row.function {
            Function::Requests(RequestFunction::Quantile(_)) => "quantile",
            _ => row.builtin.name,
        };
        assert_eq!(word, name);
        assert_eq!(serde_json::from_value::<Function>(written).unwrap(), row.function);
    }
    let mean = json!("mean");
    assert_eq!(serde_json::to_value(SeriesFunction::Statistic(Statistic::Mean)).unwrap(), mean);
    assert_eq!(serde_json::from_value::<SeriesFunction>(mean).unwrap(), SeriesFunction::Statistic(Statistic::Mean));
    assert_eq!(
        serde_json::from_value::<RequestFunction>(json!({ "quantile": 0.95 })).unwrap(),
        RequestFunction::Quantile(0.95)
    );
}

#[test]
fn each_metric_is_better_one_way_or_says_why_not() {
    let of = |wanted: Direction| {
        let found = ROWS.iter().filter(|row| row.function.direction() == wanted);
        found.map(|row| row.builtin.name).collect::<Vec<&str>>()
    };
    let less = [
        "stddev",
        "error_rate",
        "dropped",
        "burn_rate",
        "contention",
        "coherency",
        "time_to_recover",
        "time_to_detect",
        "mttr",
        "lost",
        "duplicated",
        "resurrected",
        "unverified",
        "crashes",
        "false_alarm_rate",
        "histogram_error",
    ];
    let more = [
        "throughput",
        "apdex",
        "capacity",
        "efficiency",
        "peak_users",
        "peak_throughput",
        "scalability_coefficient",
        "recovered",
        "availability",
        "precision",
        "recall",
    ];
    let of_values = [
        "p50", "p75", "p90", "p95", "p99", "p999", "quantile", "mean", "min", "max", "last", "increase", "growth",
        "drift",
    ];
    assert_eq!(of(Direction::Less), less);
    assert_eq!(of(Direction::More), more);
    assert_eq!(of(Direction::OfValues), of_values);
    assert_eq!(of(Direction::Neither), ["count", "bandwidth"]);
}

/// What is worked out of times is worked out of the delays too, and what counts requests is not.
#[test]
fn no_function_of_times_is_trusted_by_default() {
    for function in functions() {
        let Function::Requests(function) = function else { continue };
        if function.least_samples().is_some() || function.failures() == Failures::Hidden {
            assert!(function.is_of_times(), "{function:?}");
        }
    }
}
