//! The engine: it generates load and measures it. It knows a plan, addresses and files, but no services or faults, and not what
//! controls the run.

mod channel;
pub mod driver;
pub mod flow;
pub mod health;
pub mod http;
pub mod ledger;
pub mod pace;
pub mod phase;
mod pool;
pub mod sql;
pub mod secret;
pub mod proxy;
pub mod stream;
pub mod tls;
pub mod trace;
pub mod tracer;
pub mod dry_run;
pub mod trials;
pub mod value;
pub mod worker;

/// Where the load stands: may start, may only finish, must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Run,
    NothingNew,
    Stop { count_timeouts: bool },
}
