//! The formats that a report is written in.

use super::suite::SuiteReport;
use super::{Comparison, Report, csv, github, html, json, junit, markdown};

/// Each with its name, as it is asked for, and what writes it of a run and of a suite.
macro_rules! formats {
    ($($format:ident $name:literal $write:path, $write_suite:path;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Format {
            $($format,)*
        }

        impl Format {
            pub const ALL: &'static [Format] = &[$(Format::$format,)*];

            pub fn name(self) -> &'static str {
                match self {
                    $(Format::$format => $name,)*
                }
            }

            pub fn write(self, report: &Report) -> Vec<u8> {
                match self {
                    $(Format::$format => $write(report),)*
                }
            }

            pub fn write_suite(self, report: &SuiteReport) -> Vec<u8> {
                match self {
                    $(Format::$format => $write_suite(report),)*
                }
            }
        }
    };
}

formats! {
    Html "html" html::html, html::suite;
    Json "json" json::json, json::json;
    Junit "junit" junit::junit, junit::suite;
    Markdown "markdown" markdown::markdown, markdown::suite;
    Csv "csv" csv::csv, csv::suite;
    Github "github" github::github, github::suite;
}

impl Format {
    /// What writes two runs side by side, for the formats that do.
    pub fn of_comparison(self) -> Option<fn(&Comparison) -> Vec<u8>> {
        match self {
            Format::Html => Some(html::comparison),
            Format::Json => Some(json::json),
            Format::Markdown => Some(markdown::comparison),
            Format::Junit | Format::Csv | Format::Github => None,
        }
    }
}
