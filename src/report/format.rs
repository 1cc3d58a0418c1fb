//! The formats that a report is written in.

use super::{Report, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Json,
}

impl Format {
    pub const ALL: &'static [Format] = &[Format::Json];

    /// As it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            Format::Json => "json",
        }
    }

    pub fn write(self, report: &Report) -> Vec<u8> {
        match self {
            Format::Json => json::json(report),
        }
    }
}
