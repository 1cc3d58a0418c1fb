//! What a fault does, with everything that is known about it before the run. The compiler names every place that a new variant
//! concerns.

use super::{Element, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What breaks, where, and by how much. Lengths are in nanoseconds, sizes in bytes, shares from 0 to 1.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Link {
        on: NetworkRoute,
        fault: LinkFault,
        /// Where it is of one alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        direction: Option<LinkDirection>,
    },
    Service {
        on: usize,
        fault: ServiceFault,
    },
    Database {
        on: Database,
        fault: DatabaseFault,
    },
    Host(HostFault),
    Command(CommandFault),
}

/// What bytes pass on their way: a link, or the way to a target, before which the plan puts one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkRoute {
    Link(usize),
    Target(usize),
}

/// A direction of what passes a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkDirection {
    /// From who connects to who is connected to.
    Up,
    Down,
}

/// What a connection lives through before it is reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    Bytes(u64),
    Time(u64),
}

/// A database of the run's own, or one that a target leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Database {
    Service(usize),
    Target(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkFault {
    Partition,
    Refuse,
    Latency {
        by: u64,
        jitter: Option<u64>,
    },
    /// In bytes a second.
    Bandwidth {
        to: f64,
    },
    Reset {
        share: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<After>,
    },
    SlowClose {
        by: u64,
    },
    Slice {
        size: u64,
    },
    Corrupt {
        share: Option<f64>,
    },
    HttpError {
        status: u16,
        share: Option<f64>,
    },
    HttpDelay {
        by: u64,
        share: Option<f64>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceFault {
    Kill,
    Pause,
    Restart,
    /// Of one core.
    LimitCpu {
        to: f64,
    },
    LimitMemory {
        to: u64,
    },
}

/// From within a database, and not on the way to it.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatabaseFault {
    HoldConnections { share: f64 },
    KillConnections,
    LockTable { table: Text },
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostFault {
    BurnCpu { cores: Option<u64> },
    FillMemory { leave: u64 },
    FillDisk { path: Text, leave: u64 },
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct CommandFault {
    pub run: CommandLine,
    pub undo: Option<CommandLine>,
    pub proof: Option<CommandLine>,
    /// Variables of these commands.
    pub with: Vec<(String, Text)>,
}

/// What is run.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CommandLine {
    /// As the shell reads it.
    Shell(Text),
    /// A program and its arguments, which no shell reads.
    Words(Vec<Text>),
}

/// How much of something, for who reads a plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure<'a> {
    Time(u64),
    Share(f64),
    Bytes(f64),
    Bandwidth(f64),
    Count(u64),
    Command(&'a CommandLine),
    Text(&'a Text),
    Word(&'static str),
}

impl Action {
    /// Whether a service may end over it, so that its end is no crash. Of a command nobody knows what it does.
    pub fn excuses(&self, service: usize) -> bool {
        match self {
            Action::Service { on, .. } => *on == service,
            Action::Database { on: Database::Service(on), .. } => *on == service,
            Action::Command(_) => true,
            Action::Link { .. } | Action::Database { on: Database::Target(_), .. } | Action::Host(_) => false,
        }
    }

    /// As it is called in a file.
    pub fn name(&self) -> &'static str {
        match self {
            Action::Link { fault, .. } => fault.name(),
            Action::Service { fault, .. } => fault.name(),
            Action::Database { fault, .. } => fault.name(),
            Action::Host(fault) => fault.name(),
            Action::Command(_) => "command",
        }
    }

    pub fn element(&self) -> Element {
        match self {
            Action::Link { on: NetworkRoute::Link(index), .. } => Element::Link(*index),
            Action::Link { on: NetworkRoute::Target(index), .. } => Element::Target(*index),
            Action::Service { on, .. } => Element::Service(*on),
            Action::Database { on: Database::Service(index), .. } => Element::Service(*index),
            Action::Database { on: Database::Target(index), .. } => Element::Target(*index),
            Action::Host(_) => Element::Host,
            Action::Command(_) => Element::Command,
        }
    }

    /// Whether both may be in force on one element at a time: on what passes a link they are told apart by their kinds and
    /// directions, unless one lets nothing pass that the other could touch.
    pub fn goes_with(&self, other: &Action) -> bool {
        let (Action::Link { fault, direction, .. }, Action::Link { fault: with, direction: of, .. }) = (self, other)
        else {
            return false;
        };
        let both = fault.ways(*direction).into_iter().zip(with.ways(*of)).any(|(one, other)| one && other);
        let hides = |fault: &LinkFault| matches!(fault, LinkFault::Partition | LinkFault::Refuse);
        !both || !(hides(fault) || hides(with) || fault.name() == with.name())
    }

    /// Whether it needs an end.
    pub fn is_lasting(&self) -> bool {
        match self {
            Action::Link { .. } | Action::Host(_) => true,
            Action::Service { fault, .. } => match fault {
                ServiceFault::Restart => false,
                ServiceFault::Kill | ServiceFault::Pause => true,
                ServiceFault::LimitCpu { .. } | ServiceFault::LimitMemory { .. } => true,
            },
            Action::Database { fault, .. } => match fault {
                DatabaseFault::KillConnections => false,
                DatabaseFault::HoldConnections { .. } | DatabaseFault::LockTable { .. } => true,
            },
            // One without its undo is over when it ends.
            Action::Command(command) => command.undo.is_some(),
        }
    }

    /// Killed once: the supervisor of the service restarts it.
    pub fn may_be_left(&self) -> bool {
        matches!(self, Action::Service { fault: ServiceFault::Kill, .. })
    }

    /// What it was given, by the names of the parameters and in their order.
    pub fn measures(&self) -> Vec<(&str, Measure<'_>)> {
        match self {
            Action::Link { fault, direction, .. } => {
                let direction = direction.map(|way| ("direction", Measure::Word(way.name())));
                fault.measures().into_iter().chain(direction).collect()
            }
            Action::Service { fault, .. } => match fault {
                ServiceFault::Kill | ServiceFault::Pause | ServiceFault::Restart => Vec::new(),
                ServiceFault::LimitCpu { to } => vec![("to", Measure::Share(*to))],
                ServiceFault::LimitMemory { to } => vec![("to", Measure::Bytes(*to as f64))],
            },
            Action::Database { fault, .. } => match fault {
                DatabaseFault::HoldConnections { share } => vec![("share", Measure::Share(*share))],
                DatabaseFault::KillConnections => Vec::new(),
                DatabaseFault::LockTable { table } => vec![("table", Measure::Text(table))],
            },
            Action::Host(fault) => match fault {
                HostFault::BurnCpu { cores } => {
                    cores.map(|cores| ("cores", Measure::Count(cores))).into_iter().collect()
                }
                HostFault::FillMemory { leave } => vec![("leave", Measure::Bytes(*leave as f64))],
                HostFault::FillDisk { path, leave } => {
                    vec![("path", Measure::Text(path)), ("leave", Measure::Bytes(*leave as f64))]
                }
            },
            Action::Command(command) => command.measures(),
        }
    }
}

impl LinkDirection {
    pub const NAMES: &'static [&'static str] = &["up", "down"];

    pub fn name(self) -> &'static str {
        match self {
            LinkDirection::Up => "up",
            LinkDirection::Down => "down",
        }
    }

    pub fn parse(name: &str) -> Option<LinkDirection> {
        [LinkDirection::Up, LinkDirection::Down].into_iter().find(|way| way.name() == name)
    }
}

impl LinkFault {
    /// Whether it acts on what goes up, and on what comes down.
    pub fn ways(self, direction: Option<LinkDirection>) -> [bool; 2] {
        match (direction, self) {
            (Some(LinkDirection::Up), _) => [true, false],
            // Once a round trip.
            (Some(LinkDirection::Down), _) | (None, LinkFault::Latency { .. }) => [false, true],
            (None, LinkFault::Partition | LinkFault::Refuse | LinkFault::Bandwidth { .. }) => [true; 2],
            (None, LinkFault::Reset { .. } | LinkFault::SlowClose { .. } | LinkFault::Slice { .. }) => [true; 2],
            (None, LinkFault::Corrupt { .. }) => [true; 2],
            (None, LinkFault::HttpError { .. } | LinkFault::HttpDelay { .. }) => [true; 2],
        }
    }

    fn name(self) -> &'static str {
        match self {
            LinkFault::Partition => "partition",
            LinkFault::Refuse => "refuse",
            LinkFault::Latency { .. } => "latency",
            LinkFault::Bandwidth { .. } => "bandwidth",
            LinkFault::Reset { .. } => "reset",
            LinkFault::SlowClose { .. } => "slow_close",
            LinkFault::Slice { .. } => "slice",
            LinkFault::Corrupt { .. } => "corrupt",
            LinkFault::HttpError { .. } => "http_error",
            LinkFault::HttpDelay { .. } => "http_delay",
        }
    }

    fn measures(self) -> Vec<(&'static str, Measure<'static>)> {
        let share = |share: Option<f64>| share.map(|share| ("share", Measure::Share(share)));
        let with = |first: (&'static str, Measure<'static>), more| std::iter::once(first).chain(more).collect();
        match self {
            LinkFault::Partition | LinkFault::Refuse => Vec::new(),
            LinkFault::Latency { by, jitter } => {
                with(("by", Measure::Time(by)), jitter.map(|jitter| ("jitter", Measure::Time(jitter))))
            }
            LinkFault::Bandwidth { to } => vec![("to", Measure::Bandwidth(to))],
            LinkFault::Corrupt { share: of } => share(of).into_iter().collect(),
            LinkFault::Reset { share: of, after } => {
                let after = after.map(|after| match after {
                    After::Bytes(bytes) => ("after", Measure::Bytes(bytes as f64)),
                    After::Time(ns) => ("after", Measure::Time(ns)),
                });
                share(of).into_iter().chain(after).collect()
            }
            LinkFault::SlowClose { by } => vec![("by", Measure::Time(by))],
            LinkFault::Slice { size } => vec![("size", Measure::Bytes(size as f64))],
            LinkFault::HttpError { status, share: of } => with(("status", Measure::Count(status.into())), share(of)),
            LinkFault::HttpDelay { by, share: of } => with(("by", Measure::Time(by)), share(of)),
        }
    }

    /// Whether it acts on requests, which a `tcp` link does not know.
    pub fn is_of_requests(self) -> bool {
        match self {
            LinkFault::HttpError { .. } | LinkFault::HttpDelay { .. } => true,
            LinkFault::Partition | LinkFault::Refuse | LinkFault::Latency { .. } | LinkFault::Bandwidth { .. } => false,
            LinkFault::Reset { .. } | LinkFault::SlowClose { .. } => false,
            LinkFault::Slice { .. } | LinkFault::Corrupt { .. } => false,
        }
    }
}

impl ServiceFault {
    fn name(self) -> &'static str {
        match self {
            ServiceFault::Kill => "kill",
            ServiceFault::Pause => "pause",
            ServiceFault::Restart => "restart",
            ServiceFault::LimitCpu { .. } => "limit_cpu",
            ServiceFault::LimitMemory { .. } => "limit_memory",
        }
    }
}

impl DatabaseFault {
    fn name(&self) -> &'static str {
        match self {
            DatabaseFault::HoldConnections { .. } => "hold_connections",
            DatabaseFault::KillConnections => "kill_connections",
            DatabaseFault::LockTable { .. } => "lock_table",
        }
    }
}

impl HostFault {
    fn name(&self) -> &'static str {
        match self {
            HostFault::BurnCpu { .. } => "burn_cpu",
            HostFault::FillMemory { .. } => "fill_memory",
            HostFault::FillDisk { .. } => "fill_disk",
        }
    }
}

impl CommandFault {
    fn measures(&self) -> Vec<(&str, Measure<'_>)> {
        let mut all = vec![("run", Measure::Command(&self.run))];
        all.extend(self.undo.iter().map(|undo| ("undo", Measure::Command(undo))));
        all.extend(self.proof.iter().map(|proof| ("proof", Measure::Command(proof))));
        all
    }
}
