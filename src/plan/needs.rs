//! What a plan needs of the machine, against what there is: descriptors, local ports, memory.

use super::elaborate::{MEMORY_PER_USER, spare};
use super::{
    Action, Address, By, CeilingFrom, Connections, Load, Machine, Plan, PortReuse, ServiceFault, StageKind, Target,
};
use crate::base::units::{MINUTE, SECOND, bytes, grouped};
// Of core, which opens nothing.
use core::net::IpAddr;

/// Something that a load or a fault needs and this machine lacks.
#[derive(Debug, Clone, PartialEq)]
pub struct Lack {
    pub of: Of,
    /// It needs that whatever the target does.
    pub certain: bool,
    pub message: String,
    pub label: String,
    pub help: String,
}

/// Whose lack it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Load(usize),
    Fault(usize),
}

impl Of {
    pub fn name(self, plan: &Plan) -> &str {
        match self {
            Of::Load(load) => &plan.loads[load].name,
            Of::Fault(fault) => &plan.faults[fault].name,
        }
    }
}

/// How long a port is held after its connection was closed from here (TIME_WAIT), where the kernel does not deal it again.
const HELD: u64 = MINUTE;
/// How soon the kernel deals it again where it may.
const REUSED: u64 = SECOND;

pub fn lacks(plan: &Plan, machine: Machine) -> Vec<Lack> {
    let mut lacks = Vec::new();
    for index in 0..plan.loads.len() {
        lacks.extend(connections(plan, machine, index));
        lacks.extend(ports_at_a_time(plan, machine, index));
        lacks.extend(ports_a_minute(plan, machine, index));
    }
    lacks.extend((0..plan.faults.len()).filter_map(|index| groups(plan, machine, index)));
    lacks
}

/// By what a fault is brought about, where that depends on the machine. Processor time can be held back without a group.
pub fn by(action: &Action, machine: Machine) -> Option<By> {
    let Action::Service { fault, .. } = action else { return None };
    match fault {
        ServiceFault::LimitCpu { .. } => Some(machine.groups.cpu.unwrap_or(By::Turns)),
        ServiceFault::LimitMemory { .. } => machine.groups.memory.ok(),
        ServiceFault::Kill | ServiceFault::Pause | ServiceFault::Restart => None,
    }
}

/// Memory is limited by the kernel alone.
fn groups(plan: &Plan, machine: Machine, index: usize) -> Option<Lack> {
    let is_narrow =
        matches!(plan.faults[index].action, Action::Service { fault: ServiceFault::LimitMemory { .. }, .. });
    let why = machine.groups.memory.err().filter(|_| is_narrow)?;
    Some(Lack {
        of: Of::Fault(index),
        certain: true,
        message: format!("memory cannot be limited on this machine: {why}"),
        label: "needs a control group".to_owned(),
        help: "run as a user who may make control groups (`systemd-run --user --scope stressc …`, or root); `stressc doctor` \
               says what this machine allows"
            .to_owned(),
    })
}

/// Connections that are open at a time need a descriptor each, and memory.
fn connections(plan: &Plan, machine: Machine, index: usize) -> Option<Lack> {
    let load = &plan.loads[index];
    let (wanted, certain, whose) = open_at_a_time(plan, load)?;
    let each = descriptors_each(plan, load);
    let (descriptors, memory) = (spare(machine) / each, machine.memory / 2 / MEMORY_PER_USER);
    let count = |n: u64| grouped(n as f64, 0);
    let (message, help) = match () {
        () if wanted > descriptors => (
            format!("this machine holds {} connections, and {} {whose}", count(descriptors), count(wanted)),
            "raise the limit of open files (`ulimit -n`), or deal the load to several machines with `--share`",
        ),
        () if wanted > memory => {
            let (all, free) = ((wanted * MEMORY_PER_USER) as f64, machine.memory as f64);
            (
                format!(
                    "{} {whose}, which may take {} of memory, and {} are free",
                    count(wanted),
                    bytes(all),
                    bytes(free)
                ),
                "deal the load to several machines with `--share`, or bound it with `max_in_flight:` or fewer users",
            )
        }
        () => return None,
    };
    // What a session takes of memory and what is kept for the rest are estimates from above.
    let certain = certain && wanted > machine.descriptors / each;
    Some(Lack { of: Of::Load(index), certain, message, label: "more than fit".to_owned(), help: help.to_owned() })
}

/// How many descriptors a connection takes: a link in the same process holds both of its own ends.
fn descriptors_each(plan: &Plan, load: &Load) -> u64 {
    let through = |target: usize| {
        matches!(plan.targets[target].address, Address::Link(_))
            || plan.links.iter().any(|link| link.before == Some(target))
    };
    if targets(plan, load).into_iter().any(through) { 3 } else { 1 }
}

/// How many connections a load of this share has open at a time, and whether it has them in any case.
fn open_at_a_time(plan: &Plan, load: &Load) -> Option<(u64, bool, &'static str)> {
    let searches = load.stages.iter().any(|stage| stage.kind == StageKind::Search);
    let ours = plan.share.of(load.ceiling.in_flight);
    match load.ceiling.from {
        CeilingFrom::Users if searches => None,
        CeilingFrom::Users => {
            let keeps = targets(plan, load).into_iter().any(|target| keeps_one_each(plan, target));
            Some((ours, keeps, "users need one each"))
        }
        CeilingFrom::Scenario => Some((ours, false, "may be in flight")),
        // A rate is cut down to what fits, and drops what does not.
        CeilingFrom::Rate | CeilingFrom::Machine => None,
    }
}

/// Ports are dealt for each address that is connected to.
fn ports_at_a_time(plan: &Plan, machine: Machine, index: usize) -> Option<Lack> {
    let load = &plan.loads[index];
    let (wanted, certain, whose) = open_at_a_time(plan, load)?;
    // Where descriptors do not suffice either, that is said.
    if wanted > spare(machine) {
        return None;
    }
    let needs_ports = |target: &usize| {
        keeps_one_each(plan, *target) && has_ports(plan, *target) && wanted > ports(plan, machine, *target)
    };
    let target = targets(plan, load).into_iter().find(needs_ports)?;
    let count = |n: u64| grouped(n as f64, 0);
    let name = &plan.targets[target].name;
    let message = format!(
        "this machine has {} local ports for connections to `{name}`, and {} {whose}",
        count(ports(plan, machine, target)),
        count(wanted)
    );
    let help = "widen `net.ipv4.ip_local_port_range`, let connections come from several addresses with `from:`, let users share \
                some with `connections: pool(N)`, or deal the load to several machines with `--share`";
    Some(Lack { of: Of::Load(index), certain, message, label: "more than there are".to_owned(), help: help.to_owned() })
}

/// A connection that is closed after its request holds its port for a while. Not certain: a server that closes first
/// holds its own.
fn ports_a_minute(plan: &Plan, machine: Machine, index: usize) -> Option<Lack> {
    let load = &plan.loads[index];
    for target in targets(plan, load) {
        if plan.targets[target].connections != Some(Connections::PerRequest) || !has_ports(plan, target) {
            continue;
        }
        let held = match machine.reuse {
            // One that is bound before it is known where it leads is not dealt again so soon.
            _ if !plan.targets[target].from.is_empty() => HELD,
            PortReuse::Always => REUSED,
            PortReuse::Loopback if is_here(plan, target) => REUSED,
            PortReuse::Loopback | PortReuse::Never => HELD,
        };
        let requests = |flow: usize| plan.flows[flow].requests().filter(|request| request.target == target).count();
        let each: f64 = load.parts.iter().map(|part| part.weight * requests(part.flow) as f64).sum();
        let wanted = (most_within(plan, load, held) as f64 * each) as u64;
        let ports = ports(plan, machine, target);
        if wanted > ports {
            let count = |n: u64| grouped(n as f64, 0);
            let name = &plan.targets[target].name;
            let message = format!(
                "connections to `{name}` need {} local ports, and this machine has {}",
                count(wanted),
                count(ports)
            );
            let label = format!("each request opens one, and its port is held for {}s", held / SECOND);
            let help = "use `connections: pool(64)`, widen `net.ipv4.ip_local_port_range`, let ports be dealt again with \
                        `net.ipv4.tcp_tw_reuse` = 1, or deal the load to several machines with `--share`";
            return Some(Lack { of: Of::Load(index), certain: false, message, label, help: help.to_owned() });
        }
    }
    None
}

/// The most arrivals of this share in any stretch of a length.
fn most_within(plan: &Plan, load: &Load, length: u64) -> u64 {
    /// Looks at a long run.
    const LOOKS: u64 = 10_000;
    let end = load.shape.end();
    let step = (end / LOOKS).max(SECOND);
    let at = |offset: u64| load.arrivals_before(offset, plan.share);
    let starts = (load.start..end).step_by(step as usize).chain(load.stages.iter().map(|stage| stage.start));
    // Both ends are rounded up where they lie between arrivals.
    let within = |start: u64| (at(start.saturating_add(length)) - at(start)).saturating_sub(1);
    starts.map(within).max().unwrap_or(0)
}

/// The targets of the requests of a load.
fn targets(plan: &Plan, load: &Load) -> Vec<usize> {
    let flows = load.parts.iter().filter_map(|part| plan.flows.get(part.flow));
    let mut targets: Vec<usize> = flows.flat_map(|flow| flow.requests()).map(|request| request.target).collect();
    targets.retain(|target| *target < plan.targets.len());
    targets.sort_unstable();
    targets.dedup();
    targets
}

/// Each user of a closed load keeps a connection of its own.
fn keeps_one_each(plan: &Plan, target: usize) -> bool {
    match plan.targets[target].connections {
        None | Some(Connections::PerUser) => true,
        Some(Connections::PerRequest | Connections::Pool(_)) => false,
    }
}

/// Connections to a Unix socket have none.
fn has_ports(plan: &Plan, target: usize) -> bool {
    !plan.targets[target].address.is_socket()
}

/// Those of each address that its connections come from.
fn ports(plan: &Plan, machine: Machine, target: usize) -> u64 {
    let Target { from, address, .. } = &plan.targets[target];
    // Of an address those of its family alone are taken.
    let to: Option<IpAddr> = match address {
        Address::Url { host, .. } => host.trim_matches(['[', ']']).parse().ok(),
        Address::Unix { .. } | Address::Service(_) | Address::Link(_) | Address::Late(_) => None,
    };
    let fits = from.iter().filter(|from| to.is_none_or(|to| to.is_ipv4() == from.is_ipv4()));
    machine.ports.saturating_mul(fits.count().max(1) as u64)
}

/// Whether a target is on this machine, as far as its address says.
fn is_here(plan: &Plan, target: usize) -> bool {
    plan.targets[target].address.is_here() == Some(true)
}
