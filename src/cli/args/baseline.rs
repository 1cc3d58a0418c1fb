//! The arguments of `stressc baseline`.

use super::HowArgs;
use super::values::baseline_name;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct BaselineArgs {
    #[command(subcommand)]
    pub does: BaselineCommand,
}

#[derive(Debug, Subcommand)]
pub enum BaselineCommand {
    /// Run a scenario several times and keep the runs as a new baseline
    Record(RecordArgs),
    /// List the baselines of a file or a scenario
    List(ListArgs),
    /// Show a run of a baseline: its measurements, and what it can be compared with
    Show(ShowArgs),
    /// Begin a new baseline with recorded runs, after an intended change
    Accept(AcceptArgs),
    /// Remove one run of a baseline, or a whole baseline by its name
    Drop(DropArgs),
}

#[derive(Debug, Args)]
pub struct RecordArgs {
    /// Scenario file, or FILE:SCENARIO if it has several
    #[arg(value_name = "FILE[:SCENARIO]")]
    pub file: String,
    #[command(flatten)]
    pub how: HowArgs,
    /// Number of runs; five show how far runs differ from each other
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub runs: u64,
    /// Name of the baseline, for `baseline("NAME")`
    #[arg(long, value_name = "NAME", value_parser = baseline_name)]
    pub name: Option<String>,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// A file, or FILE:SCENARIO
    #[arg(value_name = "FILE[:SCENARIO]")]
    pub file: String,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    #[arg(value_name = "FILE:SCENARIO")]
    pub file: String,
    /// Id of a run, the beginning of one, or the name of a baseline [default: the newest]
    pub run: Option<String>,
    /// Print the file of the run as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct AcceptArgs {
    #[arg(value_name = "FILE:SCENARIO")]
    pub file: String,
    /// Ids of recorded runs, or beginnings of ids
    #[arg(value_name = "RUN", default_value = "last")]
    pub runs: Vec<String>,
    /// Name of the baseline, for `baseline("NAME")`
    #[arg(long, value_name = "NAME", value_parser = baseline_name)]
    pub name: Option<String>,
    /// Directory that contains `.stress/runs`
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub record: PathBuf,
}

#[derive(Debug, Args)]
pub struct DropArgs {
    #[arg(value_name = "FILE:SCENARIO")]
    pub file: String,
    /// Id of a run, the beginning of one, or the name of a baseline
    pub run: String,
}
