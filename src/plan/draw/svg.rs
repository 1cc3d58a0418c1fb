//! The picture as an SVG by itself: no script, no font, readable on light and dark.

use super::super::Plan;
use super::page::cut;
use super::picture::{Picture, PictureRow, RowKind, Track, picture, ticks};
use crate::base::shown;
use crate::base::units::duration;
use std::fmt::Write;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 120.0;
const RIGHT: f64 = 20.0;
const SHAPE: f64 = 110.0;
const ROW: f64 = 24.0;
const GAP: f64 = 52.0;
const HEAD: f64 = 46.0;

const STYLE: &str = "\
text{font:12px ui-sans-serif,system-ui,sans-serif;fill:#24292f}\
.page{fill:#fff}.title{font-size:15px;font-weight:600}.dim{fill:#57606a}.small{font-size:11px}.end{text-anchor:end}.mid{text-anchor:middle}\
.area{fill:#2f6fdb;fill-opacity:.22;stroke:#2f6fdb;stroke-width:1.5}\
.warm{fill:#57606a;fill-opacity:.12}.axis{stroke:#57606a;stroke-width:1}.guide{stroke:#57606a;stroke-opacity:.18}\
.fault{fill:#cf3f36}.event{fill:none;stroke:#8250df;stroke-width:2;stroke-dasharray:4 3}\
.alert{fill:#bf8700;fill-opacity:.35;stroke:#bf8700}\
@media(prefers-color-scheme:dark){.page{fill:#0d1117}text{fill:#e6edf3}.dim{fill:#9aa4af}.area{fill:#6ea8fe;stroke:#6ea8fe}.warm{fill:#9aa4af}\
.axis,.guide{stroke:#9aa4af}.fault{fill:#ff7b72}.event{stroke:#bc8cff}.alert{fill:#e3b341;stroke:#e3b341}}";

struct Canvas {
    out: String,
    length: u64,
}

impl Canvas {
    fn x(&self, at: u64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * at.min(self.length) as f64 / self.length as f64
    }

    fn text(&mut self, x: f64, y: f64, class: &str, text: &str) {
        let _ = writeln!(self.out, "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{}</text>", escaped(text));
    }

    fn line(&mut self, x1: f64, y1: f64, x2: f64, y2: f64, class: &str) {
        let _ =
            writeln!(self.out, "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" class=\"{class}\"/>");
    }

    fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, class: &str) {
        let _ = writeln!(
            self.out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"2\" class=\"{class}\"/>"
        );
    }
}

fn escaped(text: &str) -> String {
    shown::escaped(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

pub fn svg(plan: &Plan) -> String {
    let picture = picture(plan);
    let shapes = picture.loads.len() as f64 * (SHAPE + GAP);
    let height = HEAD + shapes + 30.0 + picture.rows.len() as f64 * ROW + 16.0;
    let mut canvas = Canvas { out: String::new(), length: picture.length };
    let title = format!("{} · {}", plan.scenario, duration(plan.length));
    let _ = writeln!(
        canvas.out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-labelledby=\"t d\">\n<title id=\"t\">{}</title>\n<desc id=\"d\">{}</desc>\n<style>{STYLE}</style>",
        escaped(&title),
        escaped(&described(&picture))
    );
    // Where it is shown may be light or dark whatever the reader prefers.
    canvas.rect(0.0, 0.0, WIDTH, height, "page");
    canvas.text(12.0, 24.0, "title", &cut(&title, 110));
    let bottom = HEAD + shapes;
    guides(&mut canvas, &picture, bottom + picture.rows.len() as f64 * ROW + 30.0);
    for (index, track) in picture.loads.iter().enumerate() {
        shape(&mut canvas, track, HEAD + index as f64 * (SHAPE + GAP));
    }
    axis(&mut canvas, bottom);
    for (index, row) in picture.rows.iter().enumerate() {
        bars(&mut canvas, row, bottom + 34.0 + index as f64 * ROW);
    }
    canvas.out.push_str("</svg>\n");
    canvas.out
}

/// The picture for those who do not see it.
fn described(picture: &Picture) -> String {
    let loads = picture.loads.iter().map(|track| format!("{}, up to {}", track.title, track.shown(track.peak)));
    let rows = picture.rows.iter().map(|row| {
        let from = row.ranges.first().map_or(0, |range| range.0);
        format!("{}: {} from {}", row.name, row.what, duration(from))
    });
    loads.chain(rows).collect::<Vec<_>>().join("; ")
}

/// Faint lines where windows begin and end, through everything.
fn guides(canvas: &mut Canvas, picture: &Picture, bottom: f64) {
    let stages = picture.loads.iter().flat_map(|track| &track.stages).flat_map(|stage| [stage.range.0, stage.range.1]);
    let rows = picture.rows.iter().filter(|row| row.ranges.len() <= 4);
    let mut edges: Vec<u64> =
        stages.chain(rows.flat_map(|row| &row.ranges).flat_map(|range| [range.0, range.1])).collect();
    edges.sort_unstable();
    edges.dedup();
    if edges.len() > 60 {
        return;
    }
    for edge in edges {
        let x = canvas.x(edge);
        canvas.line(x, HEAD, x, bottom, "guide");
    }
}

fn shape(canvas: &mut Canvas, track: &Track, top: f64) {
    let base = top + 18.0 + SHAPE;
    canvas.text(12.0, top + 10.0, "", &cut(&track.title, 120));
    canvas.text(LEFT - 8.0, top + 30.0, "dim small end", &track.shown(track.peak));
    canvas.text(LEFT - 8.0, base, "dim small end", "0");
    for (start, end) in track.unjudged() {
        let (x, end) = (canvas.x(start), canvas.x(end));
        canvas.rect(x, top + 18.0, end - x, SHAPE, "warm");
    }
    let y = |level: f64| base - if track.peak > 0.0 { level / track.peak * (SHAPE - 6.0) } else { 0.0 };
    let mut path = String::new();
    for (start, end, from, to) in &track.legs {
        let (x, until) = (canvas.x(*start), canvas.x(*end));
        let verb = if path.is_empty() { format!("M{x:.1} {base:.1}") } else { String::new() };
        let _ = write!(path, "{verb}L{x:.1} {:.1}L{until:.1} {:.1}", y(*from), y(*to));
    }
    if let Some((_, end, ..)) = track.legs.last() {
        let _ = writeln!(canvas.out, "<path d=\"{path}L{:.1} {base:.1}Z\" class=\"area\"/>", canvas.x(*end));
    }
    canvas.line(LEFT, base, WIDTH - RIGHT, base, "axis");
    let mut free = 0.0;
    for stage in &track.stages {
        let (x, end) = (canvas.x(stage.range.0), canvas.x(stage.range.1));
        // About six units a letter of this size.
        let room = ((end - x - 4.0) / 6.0).max(0.0) as usize;
        if room >= 3 && x >= free {
            let name = cut(&stage.name, room);
            free = x + 6.0 * name.chars().count() as f64;
            canvas.text(x + 3.0, base + 14.0, "dim small", &name);
        }
    }
}

fn axis(canvas: &mut Canvas, y: f64) {
    canvas.line(LEFT, y, WIDTH - RIGHT, y, "axis");
    for tick in ticks(canvas.length, 10) {
        let x = canvas.x(tick);
        canvas.line(x, y, x, y + 5.0, "axis");
        let class = if tick == 0 {
            "dim small"
        } else if x > WIDTH - RIGHT - 20.0 {
            "dim small end"
        } else {
            "dim small mid"
        };
        canvas.text(x, y + 18.0, class, &duration(tick));
    }
}

fn bars(canvas: &mut Canvas, row: &PictureRow, y: f64) {
    canvas.text(LEFT - 8.0, y + 4.0, "small end", &cut(&row.name, 17));
    for (start, end) in &row.ranges {
        let (x, until) = (canvas.x(*start), canvas.x(*end));
        match row.kind {
            RowKind::Fault if start == end => {
                let _ = writeln!(canvas.out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" class=\"fault\"/>");
            }
            RowKind::Fault | RowKind::Lost => canvas.rect(x, y - 5.0, (until - x).max(2.0), 10.0, "fault"),
            RowKind::Event => canvas.line(x, y, until.max(x + 2.0), y, "event"),
            RowKind::Alert => canvas.rect(x, y - 5.0, (until - x).max(2.0), 10.0, "alert"),
        }
    }
    let first = row.ranges.first().map_or(LEFT, |range| canvas.x(range.0));
    let last = row.ranges.last().map_or(LEFT, |range| canvas.x(range.1));
    let room = |from: f64, to: f64| ((to - from) / 6.0).max(0.0) as usize;
    let (behind, before) = (room(last + 8.0, WIDTH - RIGHT), room(LEFT, first - 8.0));
    if behind >= row.what.chars().count().min(before.max(1)) || behind >= before {
        canvas.text(last + 8.0, y + 4.0, "dim small", &cut(&row.what, behind.max(2)));
    } else {
        canvas.text(first - 8.0, y + 4.0, "dim small end", &cut(&row.what, before));
    }
}
