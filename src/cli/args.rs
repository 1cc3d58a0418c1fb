//! What can be typed.

use crate::report::Format;
use crate::run::Account;
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Stress experiments as files: checked, planned, run, judged.
#[derive(Debug, Parser)]
#[command(name = "stressc", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// Colours: auto means where a terminal reads and NO_COLOR is not set
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
    /// Report every mistake of files
    Check(CheckArgs),
    /// Put files into their canonical form
    Fmt(FmtArgs),
    /// Draw the timeline of a scenario before anything is sent
    Plan(PlanArgs),
    /// Run a scenario, report and judge it
    Run(RunArgs),
    /// Run one iteration of each flow and print everything that it does
    Try(TryArgs),
    /// Check and plan a file again on every save
    Watch(WatchArgs),
    /// Render a recorded run again
    Report(ReportArgs),
    /// The runs that others are held against: record some, look at them, accept a change, drop one
    Baseline(BaselineArgs),
    /// Hold two recorded runs side by side, or two variants of a scenario that take turns
    Compare(CompareArgs),
    /// Say since when a number is another over many runs, and whether it creeps
    History(HistoryArgs),
    /// Print the JSON schema of what is written for programs
    Schema(SchemaArgs),
    /// Print the page of a diagnostic, or what a name of the language means
    Explain(ExplainArgs),
    /// Say what this machine allows a run to do, and what it does not
    Doctor,
    /// Take back what runs left behind that were killed together with their guardian
    Recover(RecoverArgs),
    /// Serve the demo shop until it is stopped
    Demo(DemoArgs),
    /// Take back what a run cannot any more
    #[command(hide = true)]
    Guardian(GuardianArgs),
    /// Take something of the machine for a fault
    #[command(hide = true)]
    Burden(BurdenArgs),
    /// Become the program of a service or a command
    #[command(hide = true)]
    Start(StartArgs),
}

#[derive(Debug, Args)]
pub struct StartArgs {
    /// Another user and its group, by numbers
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
    /// Take back all that is shown, without asking
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct GuardianArgs {
    pub journal: PathBuf,
}

/// What is set from outside.
#[derive(Debug, Clone, Default, Args)]
pub struct AskedArgs {
    /// The named set of values, in every file that declares it
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// A parameter and its value as in a file, such as `users='5 users'` or `load.rise=5s`; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub set: Vec<String>,
    /// Variables for `env` and `secret`, as NAME=value lines; the environment counts before it
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// The directory beneath which every file lies that a scenario names [default: the nearest above it with .git, else its own]
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

fn setting(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => Ok(text.to_owned()),
        _ => Err("write it like `rise=5s`".to_owned()),
    }
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Scenario files, or directories of them
    #[arg(required = true, value_name = "FILE|DIR")]
    pub files: Vec<PathBuf>,
    /// How diagnostics are printed
    #[arg(long, value_enum, default_value_t = CheckFormat::Human)]
    pub format: CheckFormat,
    /// Print the syntax tree, the checked program, the plans, or what each name means
    #[arg(long, value_enum)]
    pub emit: Option<Emit>,
    #[command(flatten)]
    pub asked: AskedArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    Human,
    /// One line a diagnostic
    Short,
    Json,
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
    /// Change nothing: print what would change, and exit with 1 where something would
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, Args)]
pub struct PlanArgs {
    /// A file, or FILE:SCENARIO where it has several
    #[arg(value_name = "FILE[:SCENARIO]")]
    pub file: String,
    /// The plan as JSON
    #[arg(long)]
    pub json: bool,
    /// The drawing as an SVG to a path, `-` for standard output
    #[arg(long, value_name = "PATH", conflicts_with = "json")]
    pub svg: Option<PathBuf>,
    /// What is another than at a revision of the git repository: of load, faults, hosts and bounds
    #[arg(long, value_name = "REV", conflicts_with = "svg")]
    pub diff: Option<String>,
    /// Only part I of N of the arrivals and users
    #[arg(long, value_name = "I/N", value_parser = share)]
    pub share: Option<(u64, u64)>,
    /// Also the most time that so many runs take, as `run` has them
    #[arg(long, value_name = "N|N..M", value_parser = runs, conflicts_with_all = ["json", "svg", "diff"])]
    pub runs: Option<Runs>,
    #[command(flatten)]
    pub asked: AskedArgs,
}

/// How something is run.
#[derive(Debug, Clone, Args)]
pub struct HowArgs {
    /// The seed of all random choices; fresh and printed when not given
    #[arg(long)]
    pub seed: Option<u64>,
    /// Threads that generate load [default: the cores but one]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=256))]
    pub workers: Option<u64>,
    /// Go on where a host is neither this machine nor allowed by the file, without asking
    #[arg(long)]
    pub yes: bool,
    /// Where `.stress/runs` is kept
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub record: PathBuf,
    /// No progress while the run goes on
    #[arg(long)]
    pub no_progress: bool,
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
    /// Only part I of N of the arrivals and users; the parts of all N add up to the whole
    #[arg(long, value_name = "I/N", value_parser = share)]
    pub share: Option<(u64, u64)>,
    /// Also write the result in a format to a path, `-` for standard output
    #[arg(long = "out", value_name = "FORMAT=PATH", value_parser = out)]
    pub out: Vec<(Format, PathBuf)>,
    /// No report on the terminal
    #[arg(long)]
    pub quiet: bool,
    /// So many runs, or from so many on until what is compared with a baseline is decided, such as `3..10`
    #[arg(long, value_name = "N|N..M", value_parser = runs, conflicts_with = "share")]
    pub runs: Option<Runs>,
    /// Keep the runs beside the file as ones of the newest baseline, or of the newest of this name
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "", value_parser = baseline_name, conflicts_with = "share")]
    pub save_baseline: Option<String>,
    /// Compare with a baseline of another machine all the same
    #[arg(long)]
    pub accept_environment: bool,
}

/// How often something is run: from so many times on, and at most so often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Runs {
    pub least: usize,
    pub most: usize,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("variants").multiple(true))]
pub struct CompareArgs {
    /// Two recorded runs, by their ids or the starts of them; or a scenario, with `--a` and `--b`
    #[arg(required = true, num_args = 1..=2, value_name = "RUN|FILE:SCENARIO")]
    pub of: Vec<String>,
    /// A parameter of the first variant and its value, as for `--set`; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting, group = "variants")]
    pub a: Vec<String>,
    /// And of the second
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting, group = "variants")]
    pub b: Vec<String>,
    /// How many runs of each: they take turns in the order A B B A
    #[arg(long, value_name = "N", default_value_t = 6, requires = "variants", value_parser = clap::value_parser!(u64).range(2..=100))]
    pub runs: u64,
    /// How much worse the second may be, such as 5%
    #[arg(long, value_name = "PERCENT", value_parser = percent, requires = "variants")]
    pub tolerance: Option<f64>,
    #[command(flatten)]
    pub how: HowArgs,
}

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
    /// Show a run of a baseline: what was measured, and what it can be compared with
    Show(ShowArgs),
    /// Begin a new baseline with recorded runs, where a change is meant
    Accept(AcceptArgs),
    /// Remove a run of a baseline, or a whole one by its name
    Drop(DropArgs),
}

#[derive(Debug, Args)]
pub struct RecordArgs {
    /// A file, or FILE:SCENARIO where it has several
    #[arg(value_name = "FILE[:SCENARIO]")]
    pub file: String,
    #[command(flatten)]
    pub how: HowArgs,
    /// How many: five tell how far runs lie apart
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub runs: u64,
    /// What `baseline("NAME")` calls it
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
    /// The id of a run, the start of one, or the name of a baseline [default: the newest]
    pub run: Option<String>,
    /// As it is kept
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct AcceptArgs {
    #[arg(value_name = "FILE:SCENARIO")]
    pub file: String,
    /// Ids of recorded runs, or the starts of them
    #[arg(value_name = "RUN", default_value = "last")]
    pub runs: Vec<String>,
    /// What `baseline("NAME")` calls it
    #[arg(long, value_name = "NAME", value_parser = baseline_name)]
    pub name: Option<String>,
    /// Where `.stress/runs` is kept
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub record: PathBuf,
}

#[derive(Debug, Args)]
pub struct DropArgs {
    #[arg(value_name = "FILE:SCENARIO")]
    pub file: String,
    /// The id of a run, the start of one, or the name of a baseline
    pub run: String,
}

#[derive(Debug, Args)]
pub struct TryArgs {
    /// A file, or FILE:SCENARIO where it has several
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
    /// Bodies and values whole, however long
    #[arg(long)]
    pub full: bool,
    #[command(flatten)]
    pub asked: AskedArgs,
}

#[derive(Debug, Args)]
pub struct WatchArgs {
    /// A file, or FILE:SCENARIO where it has several
    #[arg(value_name = "FILE[:SCENARIO]")]
    pub file: String,
    #[command(flatten)]
    pub asked: AskedArgs,
}

#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The id of a run, the start of one, `last`, or the directory of a record
    #[arg(value_name = "RUN", default_value = "last")]
    pub run: String,
    /// The result as JSON
    #[arg(long)]
    pub json: bool,
    /// Write the result in a format to a path instead, `-` for standard output
    #[arg(long = "out", value_name = "FORMAT=PATH", value_parser = out, conflicts_with = "json")]
    pub out: Vec<(Format, PathBuf)>,
    /// Where `.stress/runs` is kept
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub record: PathBuf,
}

#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// A CSV file with a line for each run, the oldest first
    #[arg(long, value_name = "FILE.csv")]
    pub series: PathBuf,
    /// Which column of it [default: the one beside the names of runs]
    #[arg(long, value_name = "NAME", requires = "series")]
    pub column: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Of a run's result, a suite's, a plan, a run of a baseline, or a history
    #[arg(value_enum, value_name = "run|suite|plan|baseline|history")]
    pub of: SchemaOf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    Run,
    Suite,
    Plan,
    Baseline,
    History,
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A code such as E0301, a word or name of the language such as `ramp`, or of the library such as `shapes.plateau`; all are listed without one
    pub name: Option<String>,
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// SQLite file, made when missing, or URL of a PostgreSQL database; without one the shop forgets everything when it ends
    // From the environment, so that no list of processes shows a password.
    #[arg(long, value_name = "FILE|URL", env = "STRESSC_DEMO_DATABASE", hide_env_values = true)]
    pub database: Option<String>,
    /// Connections to the database
    #[arg(long, default_value_t = 10)]
    pub pool: u32,
    /// Orders that are written at a time
    #[arg(long, default_value_t = 50)]
    pub slots: usize,
    /// Requests a second that are accepted; others get 429
    #[arg(long)]
    pub rate_limit: Option<f64>,
    /// Added to every answer of /products/{id}, such as 200ms
    #[arg(long, value_parser = length)]
    pub slow: Option<std::time::Duration>,
    /// How long each order holds its slot and a connection of the pool, such as 200ms
    #[arg(long, value_parser = length)]
    pub slow_orders: Option<std::time::Duration>,
    /// Share of shop requests that fail with 500, from 0 to 1
    #[arg(long, default_value_t = 0.0)]
    pub error_rate: f64,
    /// Bytes that are never given back for each order
    #[arg(long, default_value_t = 0)]
    pub leak: usize,
    /// Bytes of memory that the shop works in from its start
    #[arg(long, default_value_t = 0)]
    pub cache: usize,
    /// A mistake to be found: share of orders that are acknowledged and never written, from 0 to 1
    #[arg(long, default_value_t = 0.0)]
    pub loses: f64,
    /// A mistake to be found: connections to the database that break are not replaced
    #[arg(long)]
    pub never_reconnects: bool,
    /// A mistake to be found: an order is written again where its Idempotency-Key comes again
    #[arg(long)]
    pub forgets_keys: bool,
    /// Speak https, with a certificate made at the start; the first line says where the authority lies that signed it
    #[arg(long)]
    pub tls: bool,
    /// The certificate and its key that a run has made
    #[arg(long, hide = true, env = "STRESSC_DEMO_IDENTITY", hide_env_values = true)]
    pub identity: Option<String>,
    /// Process whose end ends the shop
    #[arg(long, hide = true)]
    pub parent: Option<u32>,
}

fn share(text: &str) -> Result<(u64, u64), String> {
    let parts = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
    match parts {
        Some((index, count)) if index >= 1 && index <= count => Ok((index, count)),
        _ => Err("write it like `1/2`: part 1 of 2".to_owned()),
    }
}

fn resumed(text: &str) -> Result<String, String> {
    match text.contains(".stress:") || text.ends_with(".stress") {
        true => {
            Err("`--resume` takes the id of a suite's run and no file, because the record names the file".to_owned())
        }
        false => Ok(text.to_owned()),
    }
}

/// Also nothing, for one without a name.
fn baseline_name(text: &str) -> Result<String, String> {
    match text {
        // It stands where the file was meant.
        _ if text.contains(".stress") => Err("write the file before `--save-baseline`, or a name behind it".to_owned()),
        _ if text.chars().any(char::is_control) || text.len() > 100 => {
            Err("a name is a short text in a line".to_owned())
        }
        _ => Ok(text.to_owned()),
    }
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').and_then(|number| number.parse::<f64>().ok());
    let share = number.map(|number| number / 100.0).filter(|share| share.is_finite() && *share >= 0.0);
    share.ok_or_else(|| "write it like `5%`".to_owned())
}

fn runs(text: &str) -> Result<Runs, String> {
    let wrong = || "write it like `5`, or like `3..10`: from 3 runs on, and at most 10".to_owned();
    let number = |text: &str| text.parse::<usize>().map_err(|_| wrong());
    let (least, most) = match text.split_once("..") {
        Some((least, most)) => (number(least)?, number(most)?),
        None => (number(text)?, number(text)?),
    };
    const MOST: usize = 100;
    match least >= 1 && least <= most && most <= MOST {
        true => Ok(Runs { least, most }),
        false => Err(wrong()),
    }
}

fn out(text: &str) -> Result<(Format, PathBuf), String> {
    match text.split_once('=') {
        Some((_, "")) | None => Err("write it like `json=result.json`".to_owned()),
        Some((name, path)) => match Format::ALL.iter().find(|format| format.name() == name) {
            Some(format) => Ok((*format, path.into())),
            None => {
                let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
                Err(format!("`{name}` is not a format; there is `{}`", names.join("`, `")))
            }
        },
    }
}

fn user(text: &str) -> Result<Account, String> {
    let numbers = text.split_once(':').and_then(|(id, group)| Some((id.parse().ok()?, group.parse().ok()?)));
    numbers.map(|(id, group)| Account { id, group }).ok_or_else(|| "write it like `65534:65534`".to_owned())
}

fn length(text: &str) -> Result<std::time::Duration, String> {
    let wrong = || "write it like `200ms` or `1s`".to_owned();
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
    let (number, unit) = text.split_at(at);
    let size = crate::base::units::DURATIONS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?.1;
    let number: f64 = number.parse().map_err(|_| wrong())?;
    Ok(std::time::Duration::from_nanos((number * size as f64) as u64))
}
