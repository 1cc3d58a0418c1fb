//! The report as a table for spreadsheets and scripts (RFC 4180): a row for each expectation, and one for each step in each window.
//! Heads have the units of their columns.

use super::badge::Badge;
use super::{Expected, Found, Report, StepRow, SuiteReport, Window};
use crate::base::shown::escaped_line;
use crate::base::units::{MILLISECOND, SECOND};
use crate::measure::of_target;
use crate::metric::{Known, Quantity};
use crate::plan::Type;
use csv::{Terminator, Writer, WriterBuilder};

/// Values lie between `low` and `high` where these are known. Times of steps are in milliseconds; an empty one lies at a request without
/// an answer, or there was no request.
const HEADS: [&str; 21] = [
    "kind",
    "load",
    "window",
    "name",
    "verdict",
    "found",
    "value",
    "low",
    "high",
    "bound",
    "unit",
    "samples",
    "start_s",
    "end_s",
    "per_second",
    "failed_percent",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "max_ms",
    "line",
];

const OF_SUITE: [&str; 11] = [
    "area",
    "area_weight",
    "scenario",
    "file",
    "verdict",
    "counts_least",
    "counts_most",
    "duration_s",
    "age_s",
    "run",
    "reason",
];

pub fn csv(report: &Report) -> Vec<u8> {
    let mut table = Table::new(&HEADS);
    for expected in &report.expectations {
        table.row(&expectation(expected));
    }
    for window in &report.windows {
        for row in window.told_steps() {
            match row.measured {
                None => table.row(&step(window, row)),
                Some((unit, worth)) => measured(window, row, unit, worth).iter().for_each(|cells| table.row(cells)),
            }
        }
    }
    table.bytes()
}

type Cells = Vec<(&'static str, Cell)>;

enum Cell {
    /// It may have come from outside.
    Text(String),
    Number(f64),
    None,
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn number(number: Option<f64>) -> Cell {
    number.filter(|number| number.is_finite()).map_or(Cell::None, Cell::Number)
}

fn expectation(expected: &Expected) -> Cells {
    let Found { value: found, more, .. } = expected.found();
    let value = expected.compared.value.as_ref();
    let unit = value.or(expected.compared.bound.as_ref()).map(|own| own.unit);
    let scaled = |own: Option<f64>| number(own.map(|own| unit.map_or(own, |unit| in_unit(own, unit))));
    let (at, low, high) = value.map_or((None, None, None), range);
    let interval = expected.grounds.interval;
    let bound = expected.compared.bound.as_ref().filter(|bound| Some(bound.unit) == unit);
    let windows = &expected.windows;
    let seconds = |at: Option<u64>| number(at.map(|at| at as f64 / SECOND as f64));
    vec![
        ("kind", text("expectation")),
        ("name", text(&expected.text)),
        ("verdict", text(Badge::of_expected(expected).word)),
        ("found", Cell::Text(format!("{found}{more}"))),
        ("value", scaled(at)),
        ("low", scaled(low.or(interval.map(|(low, _)| low)))),
        ("high", scaled(high.or(interval.map(|(_, high)| high)))),
        ("bound", scaled(bound.map(|bound| bound.number))),
        ("unit", text(unit.map_or("", unit_name))),
        ("samples", Cell::Number(expected.samples as f64)),
        ("start_s", seconds(windows.iter().map(|(from, _)| *from).min())),
        ("end_s", seconds(windows.iter().map(|(_, to)| *to).max())),
        ("line", if expected.implied { Cell::None } else { Cell::Number(expected.line as f64) }),
    ]
}

/// The value, and between which ones it lies.
fn range(value: &Quantity) -> (Option<f64>, Option<f64>, Option<f64>) {
    let own = Some(value.number);
    match value.known {
        Known::Value | Known::Exactly | Known::OfAnswers { .. } | Known::BackAfter | Known::TrueAfter => {
            (own, None, None)
        }
        Known::Estimate { low, high } => (own, Some(low), high),
        Known::Between { low, high } => (None, Some(low), Some(high)),
        Known::NoAnswer | Known::AtLeast | Known::LongerThan | Known::NotBackWithin => (None, own, None),
        Known::Below => (None, None, own),
        Known::NotTrueAt { .. } => (None, None, None),
    }
}

/// A number in base units, in the unit of its column.
fn in_unit(number: f64, unit: Type) -> f64 {
    match unit {
        Type::Duration | Type::Instant => number / MILLISECOND as f64,
        Type::Percent | Type::Points => number * 100.0,
        _ => number,
    }
}

/// The unit that it then has.
fn unit_name(unit: Type) -> &'static str {
    match unit {
        Type::Duration | Type::Instant => "ms",
        Type::Percent => "%",
        Type::Points => "pp",
        Type::Rate => "/s",
        Type::Bytes => "bytes",
        Type::Bandwidth => "bytes/s",
        Type::Users => "users",
        _ => "",
    }
}

/// What every row of a step says.
fn of_window(kind: &str, window: &Window, row: &StepRow, name: &str) -> Cells {
    let seconds = |at: u64| Cell::Number(at as f64 / SECOND as f64);
    vec![
        ("kind", text(kind)),
        ("load", text(&window.load)),
        ("window", text(&window.name)),
        ("name", text(name)),
        ("samples", Cell::Number(row.samples as f64)),
        ("start_s", seconds(window.start_ns)),
        ("end_s", seconds(window.end_ns)),
    ]
}

fn step(window: &Window, row: &StepRow) -> Cells {
    let time = |ns: Option<u64>| {
        let ns = ns.filter(|_| row.samples > 0);
        number(ns.map(|ns| ns as f64 / MILLISECOND as f64))
    };
    let kind = if row.is_request { "step" } else { "group" };
    let failed = of_target(&row.failed) as f64 / row.samples.max(1) as f64;
    let mut cells = of_window(kind, window, row, &row.step);
    cells.extend([
        ("per_second", number(Some(row.per_second))),
        ("failed_percent", number(Some(failed * 100.0))),
        ("p50_ms", time(row.p50_ns)),
        ("p95_ms", time(row.p95_ns)),
        ("p99_ms", time(row.p99_ns)),
        ("max_ms", time(row.max_ns)),
    ]);
    cells
}

/// A measured value has its own unit, so each of its percentiles is a row.
fn measured(window: &Window, row: &StepRow, unit: Type, worth: f64) -> Vec<Cells> {
    let one = |(of, recorded): (&str, Option<u64>)| {
        let mut cells = of_window("measured", window, row, &format!("{} {of}", row.step));
        let value = recorded.filter(|_| row.samples > 0).map(|recorded| in_unit(recorded as f64 * worth, unit));
        cells.extend([("value", number(value)), ("unit", text(unit_name(unit)))]);
        cells
    };
    [("p50", row.p50_ns), ("p95", row.p95_ns), ("p99", row.p99_ns), ("max", row.max_ns)].into_iter().map(one).collect()
}

pub fn suite(report: &SuiteReport) -> Vec<u8> {
    let mut table = Table::new(&OF_SUITE);
    let seconds = |ns: Option<u64>| number(ns.map(|ns| ns as f64 / SECOND as f64));
    for area in &report.areas {
        for member in &area.scenarios {
            table.row(&[
                ("area", text(&area.name)),
                ("area_weight", Cell::Number(area.weight)),
                ("scenario", text(&member.path)),
                ("file", text(&member.file)),
                ("verdict", text(member.outcome.word())),
                ("counts_least", Cell::Number(member.counts.least)),
                ("counts_most", Cell::Number(member.counts.most)),
                ("duration_s", seconds(member.came.duration)),
                ("age_s", seconds(member.came.age)),
                ("run", text(member.came.run.as_deref().unwrap_or_default())),
                ("reason", Cell::Text(member.came.reasons.join("; "))),
            ]);
        }
    }
    table.bytes()
}

/// Rows below their heads.
struct Table<'h> {
    heads: &'h [&'static str],
    out: Writer<Vec<u8>>,
}

impl<'h> Table<'h> {
    fn new(heads: &'h [&'static str]) -> Table<'h> {
        let mut out = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
        put(&mut out, heads.iter().map(|head| (*head).to_owned()));
        Table { heads, out }
    }

    fn row(&mut self, cells: &[(&'static str, Cell)]) {
        let cell = |head: &&str| match cells.iter().find(|(name, _)| name == head) {
            Some((_, Cell::Text(text))) => neutral(text),
            Some((_, Cell::Number(number))) => number.to_string(),
            Some((_, Cell::None)) | None => String::new(),
        };
        put(&mut self.out, self.heads.iter().map(cell));
    }

    fn bytes(self) -> Vec<u8> {
        self.out.into_inner().expect("a vector takes all that is written")
    }
}

fn put(out: &mut Writer<Vec<u8>>, cells: impl Iterator<Item = String>) {
    out.write_record(cells).expect("a vector takes all that is written, and all rows are as long as the heads");
}

/// Text that a spreadsheet takes for a formula begins with an apostrophe, by which it is text again.
fn neutral(text: &str) -> String {
    let text = escaped_line(text);
    match text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) {
        true => format!("'{text}"),
        false => text.into_owned(),
    }
}
