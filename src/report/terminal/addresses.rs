//! How the addresses of targets compare, in the report for a person.

use super::page::Page;
use super::phases::{cells, heads};
use super::table::{Head, Row, Table};
use super::{Tone, share_failed};
use crate::base::shown::escaped_line;
use crate::base::units::grouped;
use crate::measure::of_target;
use crate::report::{AddressTotals, Report};

pub fn addresses(page: &mut Page, report: &Report) {
    if report.addresses.is_empty() {
        return;
    }
    page.section("addresses");
    let row = |own: &AddressTotals| {
        let attempts = (grouped(own.attempts as f64, 0), Tone::Plain);
        let share = share_failed(of_target(&own.failed), own.attempts);
        Row::Cells {
            group: escaped_line(&own.target).into_owned(),
            name: own.address.clone().unwrap_or_else(|| "all others".to_owned()),
            cells: [attempts, share].into_iter().chain(cells(&own.service)).collect(),
        }
    };
    let counts = [("attempts", 9, 2), ("failed", 8, 6)].map(|(text, ease, need)| Head { text, ease, need });
    let heads = counts.into_iter().chain(heads()).collect();
    Table { heads, rows: report.addresses.iter().map(row).collect(), spans: None, least: 12 }.write(page);
}
