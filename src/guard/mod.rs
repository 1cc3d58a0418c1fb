//! What a run may leave behind: written down before it is done, and taken back however the run ends. Small and synchronous,
//! because it must work when everything else has failed.

mod fresh;
mod guardian;
mod journal;
mod origin;
pub mod private;
pub mod proc;
mod process;
pub mod tree;
mod undo;
pub mod users;
#[cfg(unix)]
mod walk;
#[cfg(test)]
mod tests;

pub use fresh::{Fresh, lasting, random, unfollowed};
pub use guardian::{Guard, guardian};
pub use journal::{Dirty, Left, Recovered, directory, dirty, left_behind, recover, usable};
pub use origin::{Distance, Remedy};
pub use process::{MARK, Process, Whom, mark, marked};
pub use undo::Undo;

/// Whether no one else can lead the way to a directory elsewhere; else who.
#[cfg(unix)]
pub fn trusted(directory: &std::path::Path) -> std::io::Result<()> {
    walk::trusted(directory, false).map(drop)
}
