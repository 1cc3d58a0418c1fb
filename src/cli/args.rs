//! The arguments of the command line.

mod baseline;
mod history;
mod values;

pub use baseline::{AcceptArgs, BaselineArgs, BaselineCommand, DropArgs, ListArgs, RecordArgs, ShowArgs};
pub use history::{HistoryArgs, HistoryCommand, PruneArgs, RunsArgs};

use crate::report::Format;
use crate::run::Account;
use crate::telemetry::Stream;
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use values::{
    baseline_name, compare_out, label, length, out, percent, report_out, report_url, resumed, runs, setting, share,
    trace_url, user,
};

/// Stress experiments as files: checked, planned, run, judged.
#[derive(Debug, Parser)]
#[command(name = "stressc", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// When to use colours; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    pub color: Colour,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Report every mistake in files
    Check(CheckArgs),
    /// Put files into their canonical form
    Fmt(FmtArgs),
    /// Draw the timeline of a scenario before anything is sent
    Plan(PlanArgs),
    /// Run a scenario, report and judge it
    Run(RunArgs),
    /// Run one iteration of each flow and print every request and answer
    Try(TryArgs),
    /// Check and plan a file again whenever it is saved
    Watch(WatchArgs),
    /// Render a recorded run again
    Report(ReportArgs),
    /// List recorded runs, the newest first
    Runs(RunsArgs),
    /// Manage baselines, the runs that later runs are compared with
    Baseline(BaselineArgs),
    /// Compare two recorded runs, or run two variants of a scenario in turns and compare those
    Compare(CompareArgs),
    /// Show when a number changed over many runs, and whether it creeps
    History(HistoryArgs),
    /// Print the JSON schema of an output
    Schema(SchemaArgs),
    /// Write a suite for the alerting rules of a file, to start from
    Drill(DrillArgs),
    /// Explain a diagnostic code, or a word or name of the language
    Explain(ExplainArgs),
    /// Show what this machine allows a run to do
    Doctor,
    /// Take back what is left of runs that were killed together with their guardian
    Recover(RecoverArgs),
    /// Serve the demo shop until it is stopped
    Demo(DemoArgs),
    /// Take back the faults of a run that can no longer do so itself
    #[command(hide = true)]
    Guardian(GuardianArgs),
    /// Take processor time, memory or disk of the machine for a fault
    #[command(hide = true)]
    Burden(BurdenArgs),
    /// Become the program of a service or a command
    #[command(hide = true)]
    Start(StartArgs),
}

#[derive(Debug, Args)]
pub struct StartArgs {
    /// Run as this user and group, by number
    #[arg(long, value_name = "USER:GROUP", value_parser = user)]
    pub user: Option<Account>,
    pub program: OsString,
    pub arguments: Vec<OsString>,
}

#[derive(Debug, Args)]
pub struct BurdenArgs {
    #[command(subcommand)]
    pub takes: Takes,
}

#[derive(Debug, Subcommand)]
pub enum Takes {
    Cpu { cores: u64 },
    Memory { leave: u64 },
    Disk { leave: u64, file: PathBuf },
}

#[derive(Debug, Args)]
pub struct RecoverArgs {
    /// Take everything back without asking
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct GuardianArgs {
    pub journal: PathBuf,
}

/// Values that are set from outside.
#[derive(Debug, Clone, Default, Args)]
pub struct AskedArgs {
    /// Use this profile in every file that declares it
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Set a parameter, with the value as in a file, such as `users='5 users'` or `load.rise=5s`; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub set: Vec<String>,
    /// File with variables for `env` and `secret`, as NAME=value lines; the environment takes precedence
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// Directory that contains every file that a scenario names [default: the nearest one above it with .git, else its own]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
}

impl AskedArgs {
    pub fn asked(&self) -> crate::inputs::Asked {
        crate::inputs::Asked {
            profile: self.profile.clone(),
            set: self.set.clone(),
            env_file: self.env_file.clone(),
            root: self.root.clone(),
            directory: None,
        }
    }
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Scenario files, or directories of them
    #[arg(required = true, value_name = "FILE|DIR")]
    pub files: Vec<PathBuf>,
    /// Format of the diagnostics
    #[arg(long, value_enum, default_value_t = CheckFormat::Human)]
    pub format: CheckFormat,
    /// Also print the syntax tree, the checked program, the plans, or what each name refers to
    #[arg(long, value_enum)]
    pub emit: Option<Emit>,
    /// Apply the fixes that are machine-applicable to the files, and show what changes
    #[arg(long)]
    pub fix: bool,
    /// With `--fix`: show what would change, and write nothing
    #[arg(long, requires = "fix")]
    pub dry_run: bool,
    #[command(flatten)]
    pub asked: AskedArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    Human,
    /// One line per diagnostic
    Short,
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Emit {
    Ast,
    Program,
    Plan,
    References,
}

#[derive(Debug, Args)]
pub struct FmtArgs {
    /// Scenario files, directories with scenario files, or `-` for standard input and output
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Change nothing: print what would change, and exit with 1 if anything would
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Scenario file, or FILE:SCENARIO if it has several
    #[arg(value_name = "FILE[:SCENARIO]")]
    pub file: String,
    /// Print the plan as JSON
    #[arg(long)]
    pub json: bool,
    /// Write the drawing as an SVG to a path, `-` for standard output
    #[arg(long, value_name = "PATH", conflicts_with = "json")]
    pub svg: Option<PathBuf>,
    /// Show what has changed since a git revision: load, faults, hosts and bounds
    #[arg(long, value_name = "REV", conflicts_with = "svg")]
    pub diff: Option<String>,
    /// Only part I of N of the arrivals and users
    #[arg(long, value_name = "I/N", value_parser = share)]
    pub share: Option<(u64, u64)>,
    /// Also show the longest time that this many runs take, as for `run`
    #[arg(long, value_name = "N|N..M", value_parser = runs, conflicts_with_all = ["json", "svg", "diff"])]
    pub runs: Option<Runs>,
    #[command(flatten)]
    pub asked: AskedArgs,
}

/// How to run a scenario.
#[derive(Debug, Clone, Args)]
pub struct HowArgs {
    /// Seed of all random choices [default: a new one, which is printed]
    #[arg(long)]
    pub seed: Option<u64>,
    /// Threads that generate load [default: all cores but one]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=256))]
    pub workers: Option<u64>,
    /// Do not ask about hosts that are neither this machine nor allowed by the file
    #[arg(long)]
    pub yes: bool,
    /// Directory that contains `.stress/runs`
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub record: PathBuf,
    /// Show no progress during the run
    #[arg(long)]
    pub no_progress: bool,
    /// The PostgreSQL that keeps the history, as `postgres://…` [default: `.stress/history.db` next to the records]
    // From the environment, so that no list of processes shows a password.
    #[arg(long, value_name = "URL", env = "STRESSC_STORE", hide_env_values = true)]
    pub store: Option<String>,
    #[command(flatten)]
    pub asked: AskedArgs,
}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// A file, or FILE:SCENARIO if it has several; FILE:SUITE runs a suite, DIR the scenarios of all its files
    #[arg(value_name = "FILE[:SCENARIO]|DIR", required_unless_present = "resume")]
    pub file: Option<String>,
    /// Continue a suite that ended early: the id of its record, or the first part of one [default: the newest]
    #[arg(long, value_name = "RUN", num_args = 0..=1, default_missing_value = "last", value_parser = resumed, conflicts_with_all = ["file", "share", "runs", "save_baseline", "profile", "set", "env_file", "root", "seed"])]
    pub resume: Option<String>,
    #[command(flatten)]
    pub how: HowArgs,
    /// Only part I of N of the arrivals and users; all N parts add up to the whole
    #[arg(long, value_name = "I/N", value_parser = share)]
    pub share: Option<(u64, u64)>,
    /// Also write the result, as `FORMAT=PATH`: html, json, junit, markdown, csv or github; `-` is standard output, and the report then goes to standard error. Or serve metrics while the run goes on, as `openmetrics=ADDRESS:PORT`, send them to a collector, as `otlp=URL`, or annotations to a Grafana, as `grafana=URL`. Repeatable
    #[arg(long = "out", value_name = "NAME=PLACE", value_parser = out)]
    pub out: Vec<Out>,
    #[command(flatten)]
    pub links: LinkArgs,
    /// Print no report
    #[arg(long)]
    pub quiet: bool,
    /// Number of runs; or a range such as `3..10`: run until every comparison with a baseline is decided
    #[arg(long, value_name = "N|N..M", value_parser = runs, conflicts_with = "share")]
    pub runs: Option<Runs>,
    /// Add the runs to the newest baseline, or to the newest with this name
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "", value_parser = baseline_name, conflicts_with = "share")]
    pub save_baseline: Option<String>,
    /// Compare with a baseline even if it is from another machine
    #[arg(long)]
    pub accept_environment: bool,
}

/// Where reports lead.
#[derive(Debug, Clone, Args)]
pub struct LinkArgs {
    /// Link traces in the HTML report: an address with `{trace_id}`
    #[arg(long, value_name = "URL", value_parser = trace_url)]
    pub trace_url: Option<String>,
    /// Link the full report in the Markdown report
    #[arg(long, value_name = "URL", value_parser = report_url)]
    pub report_url: Option<String>,
}

/// What `--out` asks for.
#[derive(Debug, Clone)]
pub enum Out {
    /// Written when the run is over.
    Report(Format, PathBuf),
    /// Told while it goes on.
    Stream(Stream),
}

/// How often a scenario is run: at least, and at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Runs {
    pub least: usize,
    pub most: usize,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("variants").multiple(true))]
pub struct CompareArgs {
    /// Two recorded runs, by their ids or beginnings of ids; or a scenario, with `--a` and `--b`
    #[arg(required = true, num_args = 1..=2, value_name = "RUN|FILE:SCENARIO")]
    pub of: Vec<String>,
    /// Set a parameter of the first variant, as with `--set`; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting, group = "variants")]
    pub a: Vec<String>,
    /// Set a parameter of the second variant; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting, group = "variants")]
    pub b: Vec<String>,
    /// Number of runs of each variant, in the order A B B A
    #[arg(long, value_name = "N", default_value_t = 6, requires = "variants", value_parser = clap::value_parser!(u64).range(2..=100))]
    pub runs: u64,
    /// How much worse the second may be, such as 5%
    #[arg(long, value_name = "PERCENT", value_parser = percent, requires = "variants")]
    pub tolerance: Option<f64>,
    /// Also write the comparison: html, markdown or json; `-` is standard output. Repeatable
    #[arg(long = "out", value_name = "FORMAT=PATH", value_parser = compare_out)]
    pub out: Vec<(Format, PathBuf)>,
    #[command(flatten)]
    pub how: HowArgs,
}

#[derive(Debug, Args)]
pub struct TryArgs {
    /// Scenario file, or FILE:SCENARIO if it has several
    #[arg(value_name = "FILE[:SCENARIO]")]
    pub file: String,
    /// Only this load
    #[arg(long, value_name = "NAME")]
    pub load: Option<String>,
    /// Only this part of a mix, or this named part of a `choose`
    #[arg(long, value_name = "NAME")]
    pub part: Option<String>,
    /// Which user of the load
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub user: u64,
    /// The seed of all random choices
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print bodies and values in full, however long
    #[arg(long)]
    pub full: bool,
    #[command(flatten)]
    pub asked: AskedArgs,
}

#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Scenario file, or FILE:SCENARIO if it has several
    #[arg(value_name = "FILE[:SCENARIO]")]
    pub file: String,
    #[command(flatten)]
    pub asked: AskedArgs,
}

#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Id of a run, the beginning of one, `last`, or the directory of a record
    #[arg(value_name = "RUN", default_value = "last")]
    pub run: String,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// Also write the result: html, json, junit, markdown, csv or github; `-` is standard output, and the report then goes to standard error. Repeatable
    #[arg(long = "out", value_name = "FORMAT=PATH", value_parser = report_out, conflicts_with = "json")]
    pub out: Vec<(Format, PathBuf)>,
    #[command(flatten)]
    pub links: LinkArgs,
    /// Print no report
    #[arg(long)]
    pub quiet: bool,
    /// Directory that contains `.stress/runs`
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub record: PathBuf,
    /// The PostgreSQL that keeps the history, as `postgres://…` [default: `.stress/history.db` next to the records]
    #[arg(long, value_name = "URL", env = "STRESSC_STORE", hide_env_values = true)]
    pub store: Option<String>,
}

#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Schema of the result of a run, of a suite, of a plan, of a baseline run, of a history, or of a list of runs
    #[arg(value_enum, value_name = "run|suite|plan|baseline|history|runs")]
    pub of: SchemaOf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    Run,
    Suite,
    Plan,
    Baseline,
    History,
    Runs,
}

#[derive(Debug, Args)]
pub struct DrillArgs {
    /// Rules file of Prometheus
    pub rules: PathBuf,
    /// Only rules with this label; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = label)]
    pub labels: Vec<(String, String)>,
    /// File to write, which must not exist; without it, the suite is printed
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A code such as E0301, a word or name of the language such as `ramp`, or of the library such as `shapes.plateau`; without one, list all
    pub name: Option<String>,
    /// Print pages of diagnostics as data: that of one code, or all
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// SQLite file, created if missing, or URL of a PostgreSQL database; without it, the shop forgets everything when it ends
    // From the environment, so that no list of processes shows a password.
    #[arg(long, value_name = "FILE|URL", env = "STRESSC_DEMO_DATABASE", hide_env_values = true)]
    pub database: Option<String>,
    /// Connections to the database
    #[arg(long, default_value_t = 10)]
    pub pool: u32,
    /// Orders that are written at the same time
    #[arg(long, default_value_t = 50)]
    pub slots: usize,
    /// Accepted requests per second; others get 429
    #[arg(long)]
    pub rate_limit: Option<f64>,
    /// Time added to every answer of /products/{id}, such as 200ms
    #[arg(long, value_parser = length)]
    pub slow: Option<std::time::Duration>,
    /// How long each order holds its slot and a connection of the pool, such as 200ms
    #[arg(long, value_parser = length)]
    pub slow_orders: Option<std::time::Duration>,
    /// Share of shop requests that fail with 500, from 0 to 1
    #[arg(long, default_value_t = 0.0)]
    pub error_rate: f64,
    /// Bytes of memory that each order leaks
    #[arg(long, default_value_t = 0)]
    pub leak: usize,
    /// Bytes of memory that the shop uses from the start
    #[arg(long, default_value_t = 0)]
    pub cache: usize,
    /// A mistake to find: share of orders that are acknowledged but never written, from 0 to 1
    #[arg(long, default_value_t = 0.0)]
    pub loses: f64,
    /// A mistake to find: broken database connections are not replaced
    #[arg(long)]
    pub never_reconnects: bool,
    /// A mistake to find: an order is written again if its Idempotency-Key comes again
    #[arg(long)]
    pub forgets_keys: bool,
    /// Evaluate two alerting rules and deliver their alerts to this address of this machine, as Alertmanager does
    #[arg(long, value_name = "HOST:PORT")]
    pub alerts: Option<SocketAddr>,
    /// Share of answers with 5xx above which the alert HighErrorRate fires, from 0 to 1
    #[arg(long, default_value_t = 0.05)]
    pub alert_above: f64,
    /// A payment service on this machine that each order asks first, such as another shop
    #[arg(long, value_name = "HOST:PORT")]
    pub payments: Option<SocketAddr>,
    /// How often /news tells a price to each listener, over a WebSocket or as server-sent events
    #[arg(long, value_parser = length, default_value = "100ms")]
    pub news: std::time::Duration,
    /// Speak https, with a certificate made at the start; the first line names the file of the authority that signed it
    #[arg(long)]
    pub tls: bool,
    /// The certificate and its key that a run has made
    #[arg(long, hide = true, env = "STRESSC_DEMO_IDENTITY", hide_env_values = true)]
    pub identity: Option<String>,
    /// End the shop when this process ends
    #[arg(long, hide = true)]
    pub parent: Option<u32>,
}
