//! The arguments of commands about recorded runs: `stressc runs` and `stressc history`.

use clap::{ArgGroup, Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct RunsArgs {
    /// A file, FILE:SCENARIO, or a scenario [default: every recorded run]
    #[arg(value_name = "FILE[:SCENARIO]")]
    pub of: Option<String>,
    /// How many at most: the newest
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    pub last: u64,
    /// Print the list as JSON
    #[arg(long)]
    pub json: bool,
    /// Directory that contains `.stress/runs`
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub record: PathBuf,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct HistoryArgs {
    #[command(subcommand)]
    pub does: Option<HistoryCommand>,
    /// A file, or FILE:SCENARIO [default: every scenario with recorded runs]
    #[arg(value_name = "FILE[:SCENARIO]")]
    pub of: Option<String>,
    /// Only the metrics with this text in their names, such as p95
    #[arg(long, value_name = "METRIC")]
    pub metric: Option<String>,
    /// How many runs at most: the newest
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=2000))]
    pub last: u64,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// Where `.stress/runs` is kept
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub record: PathBuf,
    /// The PostgreSQL that keeps the history, as `postgres://…` [default: `.stress/history.db` next to the records]
    #[arg(long, value_name = "URL", env = "STRESSC_STORE", hide_env_values = true)]
    pub store: Option<String>,
    /// Instead of recorded runs a CSV file with one line per run, the oldest first
    #[arg(long, value_name = "FILE.csv", conflicts_with_all = ["of", "metric"])]
    pub series: Option<PathBuf>,
    /// Which column of it [default: the one next to the names of runs]
    #[arg(long, value_name = "NAME", requires = "series")]
    pub column: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum HistoryCommand {
    /// Remove old records that neither a baseline nor another record names
    Prune(PruneArgs),
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true).multiple(true))]
pub struct PruneArgs {
    /// A file, or FILE:SCENARIO [default: every scenario with recorded runs]
    #[arg(value_name = "FILE[:SCENARIO]")]
    pub of: Option<String>,
    /// Keep so many of the newest runs of each scenario
    #[arg(long, value_name = "N", group = "which", value_parser = clap::value_parser!(u64).range(1..))]
    pub keep: Option<u64>,
    /// Remove runs that are older, such as 30d
    #[arg(long, value_name = "AGE", group = "which", value_parser = crate::cli::history::age)]
    pub older: Option<std::time::Duration>,
    /// Remove them without asking
    #[arg(long)]
    pub yes: bool,
    /// Where `.stress/runs` is kept
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub record: PathBuf,
    /// The PostgreSQL that keeps the history, as `postgres://…` [default: `.stress/history.db` next to the records]
    #[arg(long, value_name = "URL", env = "STRESSC_STORE", hide_env_values = true)]
    pub store: Option<String>,
}
