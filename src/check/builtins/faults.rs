//! Faults: what they break, on which elements, and with which measure.

use super::{Builtin, BuiltinKind, Par, may, may_be, need};
use crate::base::floors;
use crate::check::program::{
    Action, After, CommandFault, CommandLine, Database, DatabaseFault, Element, HostFault, LinkDirection, LinkFault,
    NetworkRoute, ServiceFault, Text,
};
use crate::check::types::Type;

const LINE: &[Type] = &[Type::Link, Type::Target];
const WEB: &[Type] = &[Type::Link, Type::Http];
const ON_LINE: &[Par] = &[need("on", LINE)];
const ON_SERVICE: &[Par] = &[need("on", &[Type::Service])];
const DIRECTION: Par = may_be("direction", LinkDirection::NAMES);
/// A line of the shell, or a program with its arguments.
const COMMAND: &[Type] = &[Type::Text, Type::List];

/// A fault of the language: how it is called, what it makes of what it is given, and what may be given.
pub struct FaultRow {
    pub builtin: Builtin,
    pub build: Build,
    pub limits: &'static [Allowed],
}

/// What a fault is of, and how it is made; `None` where something that it needs is not there.
pub enum Build {
    Link(fn(&FaultArguments) -> Option<LinkFault>),
    Service(fn(&FaultArguments) -> Option<ServiceFault>),
    Database(fn(&FaultArguments) -> Option<DatabaseFault>),
    Host(fn(&FaultArguments) -> Option<HostFault>),
    Command,
}

/// What a fault is given: the element that it hurts, and constants by the names of its parameters.
#[derive(Default)]
pub struct FaultArguments {
    pub on: Option<Element>,
    pub numbers: Vec<(&'static str, f64, Type)>,
    pub texts: Vec<(&'static str, Text)>,
    pub lines: Vec<(&'static str, CommandLine)>,
    pub direction: Option<LinkDirection>,
    /// The variables of a command.
    pub with: Vec<(String, Text)>,
}

/// What a number must be.
pub struct Allowed {
    pub of: &'static str,
    pub holds: fn(f64) -> bool,
    pub problem: &'static str,
}

impl Build {
    pub fn action(&self, given: FaultArguments) -> Option<Action> {
        Some(match (self, given.on) {
            (Build::Link(fault), Some(Element::Link(index))) => {
                Action::Link { on: NetworkRoute::Link(index), fault: fault(&given)?, direction: given.direction }
            }
            (Build::Link(fault), Some(Element::Target(index))) => {
                Action::Link { on: NetworkRoute::Target(index), fault: fault(&given)?, direction: given.direction }
            }
            (Build::Service(fault), Some(Element::Service(on))) => Action::Service { on, fault: fault(&given)? },
            (Build::Database(fault), Some(Element::Service(index))) => {
                Action::Database { on: Database::Service(index), fault: fault(&given)? }
            }
            (Build::Database(fault), Some(Element::Target(index))) => {
                Action::Database { on: Database::Target(index), fault: fault(&given)? }
            }
            (Build::Host(fault), _) => Action::Host(fault(&given)?),
            (Build::Command, _) => Action::Command(CommandFault {
                run: given.line("run")?,
                undo: given.line("undo"),
                proof: given.line("proof"),
                with: given.with,
            }),
            (Build::Link(_) | Build::Service(_) | Build::Database(_), _) => return None,
        })
    }
}

impl FaultArguments {
    fn number(&self, name: &str) -> Option<f64> {
        self.numbers.iter().find(|(own, ..)| *own == name).map(|(_, number, _)| *number)
    }

    fn whole(&self, name: &str) -> Option<u64> {
        self.number(name).map(|number| number as u64)
    }

    fn time(&self, name: &str) -> Option<u64> {
        self.whole(name)
    }

    fn after(&self) -> Option<After> {
        let (_, number, kind) = self.numbers.iter().find(|(own, ..)| *own == "after")?;
        Some(if *kind == Type::Bytes { After::Bytes(*number as u64) } else { After::Time(*number as u64) })
    }

    fn line(&self, name: &str) -> Option<CommandLine> {
        self.lines.iter().find(|(own, _)| *own == name).map(|(_, line)| line.clone())
    }

    fn text(&self, name: &str) -> Option<Text> {
        self.texts.iter().find(|(own, _)| *own == name).map(|(_, text)| text.clone())
    }
}

const fn limit(of: &'static str, holds: fn(f64) -> bool, problem: &'static str) -> Allowed {
    Allowed { of, holds, problem }
}

const SHARE: Allowed = limit("share", |share| (0.0..=1.0).contains(&share), "a share lies between 0% and 100%");
const FORWARD: Allowed = limit("by", |by| by >= 0.0, "must not be negative");
const FORWARD_JITTER: Allowed = limit("jitter", |jitter| jitter >= 0.0, "must not be negative");
const LIVED: Allowed =
    limit("after", |after| after >= 1.0, "nothing passes before that; leave `after` out, and they are reset at once");
const SPEED: Allowed = limit("to", |to| to > 0.0, "nothing passes at no speed; write `partition(…)`");
const PIECE: Allowed = limit("size", |size| size >= 1.0, "a piece has one byte at least");
const STATUS: Allowed =
    limit("status", |status| (100.0..600.0).contains(&status), "a status is a number from 100 to 599");
const PROCESSOR: Allowed = limit("to", |to| to > 0.0, "without processor time nothing goes on; write `pause(…)`");
const PAGE: Allowed = limit("to", |to| to >= 4096.0, "a process has a page of memory at least");
const CORES: Allowed = limit("cores", |cores| cores >= 1.0, "one core at least is kept busy");
const MEMORY: Allowed = limit(
    "leave",
    |leave| leave >= floors::MEMORY as f64,
    "128MiB of memory are left in any case, so that the machine goes on",
);
const DISK: Allowed = limit(
    "leave",
    |leave| leave >= floors::DISK as f64,
    "128MiB of a disk are left in any case, so that the machine goes on",
);

const fn row(
    name: &'static str,
    parameters: &'static [Par],
    doc: &'static str,
    example: &'static str,
    build: Build,
    limits: &'static [Allowed],
) -> FaultRow {
    let kind = BuiltinKind::Fault;
    FaultRow {
        builtin: Builtin { name, kind, parameters, variadic: false, result: Type::Fault, doc, example },
        build,
        limits,
    }
}

pub static ROWS: &[FaultRow] = &[
    row(
        "partition",
        &[need("on", LINE), DIRECTION],
        "Silence: nothing passes in either direction, or in one. Bytes are held and delivered afterwards, as with TCP.",
        "partition(db)",
        Build::Link(|_| Some(LinkFault::Partition)),
        &[],
    ),
    row(
        "refuse",
        ON_LINE,
        "Connections are refused, and open ones reset.",
        "refuse(db)",
        Build::Link(|_| Some(LinkFault::Refuse)),
        &[],
    ),
    row(
        "latency",
        &[need("on", LINE), need("by", &[Type::Duration]), may("jitter", &[Type::Duration]), DIRECTION],
        "Delays answers by `by`, once per round trip, varied at random by up to `jitter` (0). With `direction: up` it delays requests.",
        "latency(db, 200ms, jitter: 50ms)",
        Build::Link(|given| Some(LinkFault::Latency { by: given.time("by")?, jitter: given.time("jitter") })),
        &[FORWARD, FORWARD_JITTER],
    ),
    row(
        "bandwidth",
        &[need("on", LINE), need("to", &[Type::Bandwidth]), DIRECTION],
        "Limits the speed of bytes, in each direction, or in one.",
        "bandwidth(db, 1MiB/s)",
        Build::Link(|given| Some(LinkFault::Bandwidth { to: given.number("to")? })),
        &[SPEED],
    ),
    row(
        "reset",
        &[need("on", LINE), may("share", &[Type::Percent]), may("after", &[Type::Bytes, Type::Duration])],
        "Resets a share of the connections (100%) by TCP RST: at once, or `after` a number of bytes, both directions together, or after a time. Both \
         count from the start of the fault or the opening of the connection, whichever is later.",
        "reset(db, 5%, after: 10KiB)",
        Build::Link(|given| Some(LinkFault::Reset { share: given.number("share"), after: given.after() })),
        &[SHARE, LIVED],
    ),
    row(
        "slow_close",
        &[need("on", LINE), need("by", &[Type::Duration]), DIRECTION],
        "Connections close this much later than either side asked for.",
        "slow_close(db, 1s)",
        Build::Link(|given| Some(LinkFault::SlowClose { by: given.time("by")? })),
        &[FORWARD],
    ),
    row(
        "slice",
        &[need("on", LINE), need("size", &[Type::Bytes]), DIRECTION],
        "Bytes arrive in pieces of at most this size, each in its own write.",
        "slice(db, 16B)",
        Build::Link(|given| Some(LinkFault::Slice { size: given.whole("size")? })),
        &[PIECE],
    ),
    row(
        "corrupt",
        &[need("on", LINE), may("share", &[Type::Percent]), DIRECTION],
        "A share of the pieces that pass (100%) gets a wrong byte.",
        "corrupt(db, 1%)",
        Build::Link(|given| Some(LinkFault::Corrupt { share: given.number("share") })),
        &[SHARE],
    ),
    row(
        "http_error",
        &[need("on", WEB), need("status", &[Type::Count]), may("share", &[Type::Percent])],
        "A share of the requests (100%) is answered with this status, from 100 to 599, without reaching the server.",
        "http_error(api, 503, 20%)",
        Build::Link(|given| {
            Some(LinkFault::HttpError { status: given.whole("status")? as u16, share: given.number("share") })
        }),
        &[STATUS, SHARE],
    ),
    row(
        "http_delay",
        &[need("on", WEB), need("by", &[Type::Duration]), may("share", &[Type::Percent])],
        "A share of the requests (100%) waits this long before it is sent on.",
        "http_delay(api, 300ms, 20%)",
        Build::Link(|given| Some(LinkFault::HttpDelay { by: given.time("by")?, share: given.number("share") })),
        &[FORWARD, SHARE],
    ),
    row(
        "kill",
        ON_SERVICE,
        "The process is killed (SIGKILL) and started again when the fault ends. Without `for`, its own supervisor must restart it.",
        "kill(shop)",
        Build::Service(|_| Some(ServiceFault::Kill)),
        &[],
    ),
    row(
        "pause",
        ON_SERVICE,
        "The process is stopped (SIGSTOP) and goes on afterwards (SIGCONT); its connections stay open.",
        "pause(shop)",
        Build::Service(|_| Some(ServiceFault::Pause)),
        &[],
    ),
    row(
        "restart",
        ON_SERVICE,
        "The process is stopped (SIGTERM) and started again at once. It is over at once, so it takes no `for`.",
        "restart(shop)",
        Build::Service(|_| Some(ServiceFault::Restart)),
        &[],
    ),
    row(
        "limit_cpu",
        &[need("on", &[Type::Service]), need("to", &[Type::Percent])],
        "The process gets no more than this share of one core (cgroup).",
        "limit_cpu(shop, to: 20%)",
        Build::Service(|given| Some(ServiceFault::LimitCpu { to: given.number("to")? })),
        &[PROCESSOR],
    ),
    row(
        "limit_memory",
        &[need("on", &[Type::Service]), need("to", &[Type::Bytes])],
        "The process gets no more memory than this (cgroup). If it needs more, the kernel kills it; that is the effect.",
        "limit_memory(shop, to: 64MiB)",
        Build::Service(|given| Some(ServiceFault::LimitMemory { to: given.whole("to")? })),
        &[PAGE],
    ),
    row(
        "hold_connections",
        &[need("on", &[Type::Database]), need("share", &[Type::Percent])],
        "Opens connections until this share of those that clients may have is in use, including those that are already open.",
        "hold_connections(pg, 95%)",
        Build::Database(|given| Some(DatabaseFault::HoldConnections { share: given.number("share")? })),
        &[SHARE],
    ),
    row(
        "kill_connections",
        &[need("on", &[Type::Database])],
        "Ends every client connection from the side of the database. It is over at once, so it takes no `for`.",
        "kill_connections(pg)",
        Build::Database(|_| Some(DatabaseFault::KillConnections)),
        &[],
    ),
    row(
        "lock_table",
        &[need("on", &[Type::Database]), need("table", &[Type::Text])],
        "Holds an exclusive lock on a table: sessions that read or write it have to wait.",
        "lock_table(pg, \"orders\")",
        Build::Database(|given| Some(DatabaseFault::LockTable { table: given.text("table")? })),
        &[],
    ),
    row(
        "burn_cpu",
        &[may("cores", &[Type::Count])],
        "Keeps this many cores of the machine busy (all).",
        "burn_cpu(1)",
        Build::Host(|given| Some(HostFault::BurnCpu { cores: given.whole("cores") })),
        &[CORES],
    ),
    row(
        "fill_memory",
        &[need("leave", &[Type::Bytes])],
        "Takes memory of this machine until this much is left free.",
        "fill_memory(leave: 512MiB)",
        Build::Host(|given| Some(HostFault::FillMemory { leave: given.whole("leave")? })),
        &[MEMORY],
    ),
    row(
        "fill_disk",
        &[need("path", &[Type::Text]), need("leave", &[Type::Bytes])],
        "Fills the file system of a path until this much is left free.",
        "fill_disk(\"/tmp\", leave: 1GiB)",
        Build::Host(|given| Some(HostFault::FillDisk { path: given.text("path")?, leave: given.whole("leave")? })),
        &[DISK],
    ),
    row(
        "command",
        &[need("run", COMMAND), may("undo", COMMAND), may("proof", COMMAND), may("with", &[Type::Object])],
        "A shell command, and an `undo` command that takes it back. Without `undo` the fault is over when the command ends, so it takes no `for`. \
         `proof` is a third command, which succeeds as soon as the effect is there. `with` sets environment variables for all three: the shell \
         does not interpret their values. Each command may instead be a list: a program and its arguments, without a shell, as in \
         `command([\"pgbench\", url])`.",
        "command('./break.sh \"$part\"', undo: './mend.sh \"$part\"', proof: './is-broken.sh', with: { part: \"db\" })",
        Build::Command,
        &[],
    ),
];
