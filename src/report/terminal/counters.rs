//! Counters that were read from their raw samples, with what is not known of them.

use super::Paint;
use super::page::Page;
use crate::base::shown::escaped_line;
use crate::base::units::{grouped, measured_duration, short};
use crate::report::{CounterTotals, HistogramTotals, Report};

/// As many of a kind are told.
const TOLD: usize = 5;

pub fn counters(page: &mut Page, report: &Report) {
    if report.counters.is_empty() {
        return;
    }
    page.section("counters, from raw samples");
    for counter in &report.counters {
        page.text(2, &escaped_line(&counter.name));
        let head = head(counter, &page.paint);
        page.text(4, &head);
        if let Some(histogram) = &counter.histogram {
            page.text(4, &buckets(histogram));
        }
        for line in unsure(counter) {
            let line = page.paint.unsure(&line);
            page.text(4, &line);
        }
    }
}

fn buckets(histogram: &HistogramTotals) -> String {
    let time = |ns: f64| if ns.is_finite() { measured_duration(ns) } else { "no bound".to_owned() };
    let worst = match histogram.worst {
        Some((le, wrong)) if le.is_finite() => {
            format!("up to {} it has {} requests fewer than the client measured", time(le), grouped(wrong, 0))
        }
        Some((_, wrong)) => format!("its last bucket is wrong by {} requests", grouped(wrong, 0)),
        None => "no bucket contradicts the client".to_owned(),
    };
    match histogram.p99 {
        Some((low, high)) => {
            format!("{worst}; its p99 lies between {} and {}, as its buckets are that wide", time(low), time(high))
        }
        None => worst,
    }
}

/// What is not known of it, in lines.
pub fn unsure(counter: &CounterTotals) -> Vec<String> {
    let mut lines = Vec::new();
    for reset in counter.resets.iter().take(TOLD) {
        let what = if reset.presumed { "may have started again" } else { "started again" };
        let values = format!("{} and then {}", grouped(reset.before, 0), grouped(reset.after, 0));
        let when = format!("between {} and {}", at(reset.from_s), at(reset.to_s));
        lines.push(format!("{} {what} {when}: it was {values}", escaped_line(&reset.of)));
    }
    for gap in counter.gaps.iter().take(TOLD) {
        let until = gap.to_s.map_or_else(|| "to the end".to_owned(), |to| format!("to {}", at(to)));
        lines.push(format!("no scrape of {} from {} {until}", escaped_line(&gap.of), at(gap.from_s)));
    }
    for gone in counter.gone.iter().take(TOLD) {
        lines.push(format!("{} is scraped no more since {}", escaped_line(&gone.of), at(gone.from_s)));
    }
    for new in counter.unknown_starts.iter().take(TOLD) {
        lines.push(format!("{} was new and did not begin at 0", escaped_line(new)));
    }
    lines
}

pub fn head(counter: &CounterTotals, paint: &Paint) -> String {
    if let Some(problem) = &counter.problem {
        return paint.unsure(&escaped_line(problem));
    }
    let series = if counter.series == 1 { "1 series".to_owned() } else { format!("{} series", counter.series) };
    let settled = match counter.settled_s {
        Some(settled) => format!("the same in two scrapes from {} on", at(settled)),
        None => paint.unsure("not the same in two scrapes after the load"),
    };
    match counter.interval_s > 0.0 {
        true => format!("{series}, scraped every {}, {settled}", at(counter.interval_s)),
        false => format!("{series}, {settled}"),
    }
}

fn at(seconds: f64) -> String {
    format!("{}s", short(seconds))
}
