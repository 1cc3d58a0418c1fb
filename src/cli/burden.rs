//! The process of a fault of the machine.

use super::args::{BurdenArgs, Takes};
use super::output::Terminal;
use crate::burden;

pub fn burden(args: &BurdenArgs, terminal: &Terminal) -> u8 {
    let done = match &args.takes {
        Takes::Cpu { cores } => burden::cpu(*cores),
        Takes::Memory { leave } => burden::memory(*leave),
        Takes::Disk { leave, file } => burden::disk(file, *leave),
    };
    match done {
        Ok(()) => super::OK,
        Err(error) => {
            terminal.error(&error.to_string());
            super::COULD_NOT_RUN
        }
    }
}
