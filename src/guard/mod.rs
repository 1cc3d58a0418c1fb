//! What a run may leave behind: written down before it is done, and taken back whatever becomes of the run. Small and synchronous,
//! because it has to work where the rest has failed.

mod guardian;
mod journal;
pub mod proc;
mod process;
mod undo;
#[cfg(test)]
mod tests;

pub use guardian::{Guard, guardian};
pub use journal::{Dirty, Recovered, directory, dirty, left_behind, recover};
pub use process::{MARK, Process, Whom, mark, marked};
pub use undo::Undo;
