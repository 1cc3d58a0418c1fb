//! The picture as a page of text.

use super::super::Plan;
use super::page::{BLOCKS, PageLayout, cut, plain};
use super::picture::{Track, picture};
use super::tables;
use crate::base::shown::escaped;
use std::fmt::Write;

const ROWS: usize = 6;

/// The plan as a page of text of a certain width.
pub fn draw(plan: &Plan, width: usize) -> String {
    let mut out = String::new();
    let picture = picture(plan);
    let labels: Vec<String> = picture.loads.iter().map(|track| track.shown(track.peak)).collect();
    let before = picture.rows.iter().map(|row| row.name.as_str()).chain(labels.iter().map(String::as_str));
    let page = PageLayout::new(before, picture.length, width);
    tables::head(&mut out, plan);
    for track in &picture.loads {
        shape(&mut out, &page, track);
    }
    page.axis(&mut out);
    for row in &picture.rows {
        page.bars(&mut out, row, &plain);
    }
    tables::tables(&mut out, plan, width.clamp(60, 120));
    escaped(&out).into_owned()
}

fn shape(out: &mut String, page: &PageLayout, track: &Track) {
    let middles: Vec<u64> = (0..page.columns).map(|column| page.middle(column)).collect();
    let levels: Vec<f64> = middles.iter().map(|at| track.level(*at)).collect();
    let _ = writeln!(out, "\n{}", cut(&track.title, page.margin + 2 + page.columns));
    let full = |column: usize| if track.is_judged(middles[column]) { BLOCKS[8] } else { '▒' };
    page.chart(out, &levels, ROWS, (track.peak, &track.shown(track.peak)), &full, &plain);
    stage_names(out, page, track);
}

/// The names of stages beneath their places, where they fit.
fn stage_names(out: &mut String, page: &PageLayout, track: &Track) {
    let mut cells = vec![' '; page.columns];
    let mut free = 0;
    for stage in &track.stages {
        let start = page.column(stage.range.0);
        let end = page.column(stage.range.1).min(page.columns);
        let room = end.saturating_sub(start);
        let name = stage.name.as_str();
        if start < free || room < 3 || start >= page.columns {
            continue;
        }
        for (offset, character) in format!("╵{}", cut(name, room - 1)).chars().enumerate() {
            if let Some(cell) = cells.get_mut(start + offset) {
                *cell = character;
            }
        }
        free = start + 1 + name.chars().count().min(room - 1);
    }
    page.line(out, "", ' ', &cells.into_iter().collect::<String>(), &plain);
}
