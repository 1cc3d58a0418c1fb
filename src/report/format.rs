//! The formats that a report is written in.

use super::{Report, json};

/// Each with its name, as it is asked for, and what writes it.
macro_rules! formats {
    ($($format:ident $name:literal $write:path,)*) => {
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
        }
    };
}

formats! {
    Json "json" json::json,
}
