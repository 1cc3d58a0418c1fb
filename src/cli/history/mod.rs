//! `stressc history`: what a number does over many runs.

mod series;
mod told;

pub use told::History;

use super::args::HistoryArgs;
use super::output::Terminal;

pub fn history(args: &HistoryArgs, terminal: &Terminal) -> u8 {
    let told = series::history(&args.series, args.column.as_deref());
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
