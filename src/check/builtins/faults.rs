//! Faults: what they break, on which elements, and with which measure.

use super::{Builtin, Kind, Par, may, need};
use crate::check::types::Type;

const LINE: &[Type] = &[Type::Link, Type::Target];
const WEB: &[Type] = &[Type::Link, Type::Http];
const ON_LINE: &[Par] = &[need("on", LINE)];
const ON_SERVICE: &[Par] = &[need("on", &[Type::Service])];
const ON_LINE_SHARE: &[Par] = &[need("on", LINE), may("share", &[Type::Percent])];

const fn row(name: &'static str, parameters: &'static [Par], doc: &'static str, example: &'static str) -> Builtin {
    Builtin { name, kind: Kind::Fault, parameters, variadic: false, result: Type::Fault, doc, example }
}

pub const TABLE: &[Builtin] = &[
    row(
        "partition",
        ON_LINE,
        "Silence: nothing passes in either direction; bytes are held and delivered afterwards, as TCP would.",
        "partition(db)",
    ),
    row("refuse", ON_LINE, "Connections are refused, and open ones reset.", "refuse(db)"),
    row(
        "latency",
        &[need("on", LINE), need("by", &[Type::Duration]), may("jitter", &[Type::Duration])],
        "Answers come later by `by`, once a round trip, varied at random by up to `jitter` (0).",
        "latency(db, 200ms, jitter: 50ms)",
    ),
    row(
        "bandwidth",
        &[need("on", LINE), need("to", &[Type::Bandwidth])],
        "Bytes pass no faster than this, in each direction.",
        "bandwidth(db, 1MiB/s)",
    ),
    row("reset", ON_LINE_SHARE, "A share of the connections (100%) is reset (TCP RST).", "reset(db, 5%)"),
    row(
        "slow_close",
        &[need("on", LINE), need("by", &[Type::Duration])],
        "Connections close later by so much than either side asked for.",
        "slow_close(db, 1s)",
    ),
    row(
        "slice",
        &[need("on", LINE), need("size", &[Type::Bytes])],
        "Bytes come in pieces of at most this size, each a write of its own.",
        "slice(db, 16B)",
    ),
    row("corrupt", ON_LINE_SHARE, "A share of the pieces that pass (100%) has a wrong byte.", "corrupt(db, 1%)"),
    row(
        "http_error",
        &[need("on", WEB), need("status", &[Type::Count]), may("share", &[Type::Percent])],
        "A share of the requests (100%) is answered with this status, from 100 to 599, without reaching the server.",
        "http_error(api, 503, 20%)",
    ),
    row(
        "http_delay",
        &[need("on", WEB), need("by", &[Type::Duration]), may("share", &[Type::Percent])],
        "A share of the requests (100%) waits so long before it is sent on.",
        "http_delay(api, 300ms, 20%)",
    ),
    row(
        "kill",
        ON_SERVICE,
        "The process is killed (SIGKILL) and started again when the fault ends. Without `for`, its own supervisor must bring it back.",
        "kill(shop)",
    ),
    row(
        "pause",
        ON_SERVICE,
        "The process is stopped (SIGSTOP) and goes on afterwards (SIGCONT); its connections stay open.",
        "pause(shop)",
    ),
    row(
        "restart",
        ON_SERVICE,
        "The process is stopped (SIGTERM) and started again at once. It is over at once, so it takes no `for`.",
        "restart(shop)",
    ),
    row(
        "limit_cpu",
        &[need("on", &[Type::Service]), need("to", &[Type::Percent])],
        "The process gets no more than this share of one core (cgroup).",
        "limit_cpu(shop, to: 20%)",
    ),
    row(
        "limit_memory",
        &[need("on", &[Type::Service]), need("to", &[Type::Bytes])],
        "The process gets no more memory than this (cgroup); one that needs more is killed by the kernel, which is the effect.",
        "limit_memory(shop, to: 64MiB)",
    ),
    row(
        "hold_connections",
        &[need("on", &[Type::Database]), need("share", &[Type::Percent])],
        "Takes connections until so much of those that clients may have is in use, counting those that are open already.",
        "hold_connections(pg, 95%)",
    ),
    row(
        "kill_connections",
        &[need("on", &[Type::Database])],
        "Ends every connection of clients, from the database's side. It is over at once, so it takes no `for`.",
        "kill_connections(pg)",
    ),
    row(
        "lock_table",
        &[need("on", &[Type::Database]), need("table", &[Type::Text])],
        "Holds an exclusive lock on a table: who reads or writes it waits.",
        "lock_table(pg, \"orders\")",
    ),
    row("burn_cpu", &[may("cores", &[Type::Count])], "Keeps so many cores of this machine busy (all).", "burn_cpu(1)"),
    row(
        "fill_memory",
        &[need("leave", &[Type::Bytes])],
        "Takes memory of this machine until so much is left free.",
        "fill_memory(leave: 512MiB)",
    ),
    row(
        "fill_disk",
        &[need("path", &[Type::Text]), need("leave", &[Type::Bytes])],
        "Takes room of the file system of a path until so much is left free.",
        "fill_disk(\"/tmp\", leave: 1GiB)",
    ),
    row(
        "command",
        &[
            need("run", &[Type::Text]),
            may("undo", &[Type::Text]),
            may("proof", &[Type::Text]),
            may("with", &[Type::Object]),
        ],
        "A command of the shell, and the one that takes it back. Without `undo` it is over when it ends, so it takes no `for`. \
         `proof` is a third, which succeeds as soon as the effect is there. `with` gives them variables: texts that the shell \
         never reads as its own words.",
        "command('./break.sh \"$part\"', undo: './mend.sh \"$part\"', proof: './is-broken.sh', with: { part: \"db\" })",
    ),
];
