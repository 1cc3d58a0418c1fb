//! Two runs side by side as a comment: what differs for certain, with its interval, and folded up what does not.

use super::markup::{code, code_cell, prose};
use crate::metric::printed;
use crate::report::{ComparedMetric, Comparison};
use std::fmt::Write;

/// A comment is read on one screen: so many are shown, and so many more unfold.
const SURE: usize = 12;
const UNSURE: usize = 60;
const DIFFERENCES: usize = 5;
const ALONE: usize = 5;

pub fn comparison(own: &Comparison) -> Vec<u8> {
    let (verdict, told) = own.verdict();
    let mut out = format!(
        "### {} {told}\n\n{} against {}; {}\n",
        verdict.sign(),
        code(&own.after),
        code(&own.before),
        own.caveat()
    );
    if !own.differences.is_empty() {
        out.push_str("\nThey did not do the same:\n\n");
        for text in own.differences.iter().take(DIFFERENCES) {
            let _ = writeln!(out, "- {}", prose(text));
        }
        more(&mut out, own.differences.len(), DIFFERENCES);
    }
    let sure: Vec<&ComparedMetric> = own.sure().collect();
    if !sure.is_empty() {
        out.push('\n');
        table(&mut out, &sure, SURE);
    }
    for (run, window) in own.alone.iter().take(ALONE) {
        let _ = writeln!(out, "\nin {} alone: {}", code(run), code(window));
    }
    more(&mut out, own.alone.len(), ALONE);
    let unsure: Vec<&ComparedMetric> = own.unsure().collect();
    if !unsure.is_empty() {
        let _ = writeln!(out, "\n<details><summary>{} without a certain difference</summary>\n", unsure.len());
        table(&mut out, &unsure, UNSURE);
        out.push_str("\n</details>\n");
    }
    out.into_bytes()
}

fn more(out: &mut String, all: usize, shown: usize) {
    if let Some(more) = all.checked_sub(shown).filter(|more| *more > 0) {
        let _ = writeln!(out, "\nand {more} more");
    }
}

fn table(out: &mut String, metrics: &[&ComparedMetric], most: usize) {
    out.push_str("| | metric | before | after | change (95% interval) |\n| --- | --- | ---: | ---: | --- |\n");
    for own in metrics.iter().take(most) {
        let value = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| printed(value, own.unit));
        let tolerance = own.tolerance.as_ref().map_or_else(String::new, |text| format!("; {text}"));
        let _ = writeln!(
            out,
            "| {} {} | {} | {} | {} | {}{tolerance} |",
            own.verdict.sign(),
            own.verdict.words(),
            code_cell(&own.name()),
            value(own.before),
            value(own.after),
            own.shown()
        );
    }
    more(out, metrics.len(), most);
}
