//! From the command line to a plan that is ready to run.

use super::output::Terminal;
use super::source::{self, Tells};
use crate::inputs::Asked;
use crate::plan::{Machine, Plan};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

pub struct Prepared {
    pub plan: Arc<Plan>,
    /// What it was planned for.
    pub machine: Machine,
    pub secrets: HashMap<String, String>,
    /// The text of its file, as its record keeps it.
    pub text: Arc<str>,
    /// The limit of descriptors as it was, and as it was raised to.
    pub raised: Option<(u64, u64)>,
    /// This program, which starts others of itself.
    pub program: PathBuf,
}

/// `Err` is the exit code, and why was told.
pub fn prepare(file: &str, share: Option<(u64, u64)>, asked: &Asked, terminal: &Terminal) -> Result<Prepared, u8> {
    let raised = crate::inputs::raise_limits();
    let planned = source::plan(file, share, asked, Tells::All, terminal)?;
    if let Some(refused) = planned.refused {
        terminal.err(&refused);
        return Err(super::COULD_NOT_RUN);
    }
    let program = own_program(terminal)?;
    let (plan, machine, secrets) = (Arc::new(planned.plan), planned.machine, planned.secrets);
    Ok(Prepared { plan, machine, secrets, text: planned.text.into(), raised, program })
}

/// Where this program lies.
pub(super) fn own_program(terminal: &Terminal) -> Result<PathBuf, u8> {
    std::env::current_exe().map_err(|error| {
        terminal.error(&format!("the path of this program cannot be found: {error}"));
        super::COULD_NOT_RUN
    })
}
