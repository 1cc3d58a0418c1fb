//! `stressc history`: what numbers do over many runs.

mod earlier;
mod index;
mod prune;
mod runs;
mod segment;
mod series;
mod told;

pub use earlier::add_earlier;
pub use index::RunIndex;
pub use prune::age;
pub use segment::StableRuns;
pub use told::History;

use super::args::{HistoryArgs, HistoryCommand};
use super::output::Terminal;
use super::source::split;
use crate::store::is_same_file;

/// Which runs a command asks for, by `FILE[:SCENARIO]`.
pub struct WantedRuns<'w> {
    file: Option<&'w str>,
    scenario: Option<&'w str>,
}

impl<'w> WantedRuns<'w> {
    pub fn of(asked: Option<&'w str>) -> WantedRuns<'w> {
        let (file, scenario) = asked.map_or((None, None), |asked| {
            let (file, scenario) = split(asked);
            (Some(file), scenario)
        });
        WantedRuns { file, scenario }
    }

    pub fn is(&self, file: &str, scenario: &str) -> bool {
        self.file.is_none_or(|asked| is_same_file(asked, file)) && self.scenario.is_none_or(|asked| asked == scenario)
    }
}

pub fn history(args: &HistoryArgs, terminal: &Terminal) -> u8 {
    if let Some(HistoryCommand::Prune(args)) = &args.does {
        return prune::prune(args, terminal);
    }
    let told = match &args.series {
        Some(file) => series::history(file, args.column.as_deref()),
        None => runs::history(args),
    };
    match told {
        Ok(told) if args.json => {
            terminal.out(&(serde_json::to_string_pretty(&told).expect("a history is plain data") + "\n"));
            super::OK
        }
        Ok(told) => {
            terminal.out(&crate::base::shown::escaped(&told.text(super::output::width())));
            super::OK
        }
        Err(problem) => {
            terminal.error(&problem);
            super::COULD_NOT_RUN
        }
    }
}
