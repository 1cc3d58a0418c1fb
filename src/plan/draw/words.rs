//! The parts of a plan in words.

use super::super::{
    Action, AlertSource, AlertSourceKind, By, Ceiling, CeilingFrom, CommandLine, DatabaseFault, Element, Event, Expr,
    Fault, HostFault, Ledger, LinkFault, Load, Measure, NetworkRoute, Piece, Plan, ServiceFault, ServiceKind, Text,
    Way,
};
use crate::base::units::{self, duration, grouped, percent};
use crate::syntax::dialect::{Dialect, Encoding};

/// What a ledger does after the load.
pub fn ledger(ledger: &Ledger) -> String {
    let which = if ledger.asks_refused { "each entry" } else { "each entry that was not refused" };
    format!("a ledger, which asks for {which} after the load, for {} at most", duration(ledger.within))
}

/// How a file of rows is written, where that is not as usual.
pub fn dialect(dialect: &Dialect) -> String {
    let usual = Dialect::default();
    let mut words = String::new();
    if dialect.separator != usual.separator {
        words.push_str(&format!(", `{}` between cells", dialect.separator.escape_default()));
    }
    if dialect.names.is_some() {
        words.push_str(", no head line");
    }
    match dialect.encoding {
        Encoding::Unicode => {}
        Encoding::Latin1 => words.push_str(", in Latin-1"),
    }
    words
}

/// The flows of a load, with their shares where there are several.
pub fn mix(plan: &Plan, load: &Load) -> String {
    match load.parts.as_slice() {
        [] => String::new(),
        [one] => plan.flows.get(one.flow).map_or_else(|| one.name.clone(), |flow| flow.name.clone()),
        parts => {
            parts.iter().map(|part| format!("{} {}", percent(part.weight), part.name)).collect::<Vec<_>>().join(", ")
        }
    }
}

/// A text, with `…` for what is known only when the run has started.
pub fn text(plan: &Plan, pieces: &Text) -> String {
    let shown = |piece: &Piece| match piece {
        Piece::Literal(text) => text.clone(),
        Piece::Value(Expr::Part { part: crate::check::program::PartKind::Service, index, field }) => {
            let name = plan.services.get(*index).map_or("service", |service| &service.name);
            format!("{{{name}.{}}}", field.split(' ').next().unwrap_or(field))
        }
        Piece::Value(Expr::Part { index, field, .. }) => {
            let name = plan.links.get(*index).map_or("link", |link| &link.name);
            format!("{{{name}.{field}}}")
        }
        Piece::Value(Expr::Port(_)) => "{a free port}".to_owned(),
        Piece::Value(Expr::Secret(name)) => format!("{{secret {name}}}"),
        Piece::Value(_) => "…".to_owned(),
    };
    pieces.iter().map(shown).collect()
}

/// Whom a source of alerts asks, and where it listens: at an address that others reach, anybody may deliver something.
pub fn alert_source(plan: &Plan, source: &AlertSource) -> String {
    let address = text(plan, &source.address);
    let listens = |address: &str| match crate::base::hosts::Host::of(address).is_loopback() {
        true => format!("listens at {address}"),
        false => format!("listens at {address}, which other machines may reach"),
    };
    let mut out = match source.kind {
        AlertSourceKind::Webhook => format!("alerts that are delivered: {}", listens(&address)),
        kind @ (AlertSourceKind::Alertmanager | AlertSourceKind::Prometheus | AlertSourceKind::Grafana) => {
            format!("alerts of {} {address}", kind.name())
        }
    };
    if let Some(prometheus) = &source.prometheus {
        out.push_str(&format!(", rules of {}", text(plan, prometheus)));
    }
    if let Some(receiver) = &source.receiver {
        out.push_str(&format!(", {}", listens(&text(plan, receiver))));
    }
    out
}

pub fn element(plan: &Plan, element: Element) -> String {
    let name = match element {
        Element::Link(index) => plan.links.get(index).map(|link| link.name.clone()),
        Element::Target(index) => plan.targets.get(index).map(|target| target.name.clone()),
        Element::Service(index) => plan.services.get(index).map(|service| service.name.clone()),
        Element::Host => Some("this machine".to_owned()),
        Element::Command => None,
    };
    name.unwrap_or_default()
}

/// `latency of sut.db: 300ms, jitter 100ms`; of a command by a template what its scripts were given: `docker.pause: container db`
pub fn fault(plan: &Plan, fault: &Fault) -> String {
    let measures = || fault.action.measures().into_iter().map(|(name, measure)| self::measure(plan, name, measure));
    let (what, given): (&str, Vec<String>) = match (&fault.action, &fault.template) {
        (Action::Command(command), Some(template)) => (template, variables(plan, &command.with, "").collect()),
        (Action::Command(command), None) => {
            ("command", measures().chain(variables(plan, &command.with, "$")).collect())
        }
        (action, _) => (action.name(), measures().collect()),
    };
    let on = element(plan, fault.action.element());
    let of = if on.is_empty() { String::new() } else { format!(" of {on}") };
    let colon = if given.is_empty() { "" } else { ": " };
    format!("{what}{of}{colon}{}", given.join(", "))
}

/// The part by which a host is reached.
pub fn way(plan: &Plan, way: Way) -> String {
    let name = plan.named(way);
    match way {
        Way::Proxy(_) => format!("the proxy of {name}"),
        Way::Target(_) | Way::Link(_) | Way::Database(_) => name.to_owned(),
    }
}

/// What is run: a line as it is, or the words of a list.
pub fn command(plan: &Plan, line: &CommandLine) -> String {
    match line {
        CommandLine::Shell(line) => text(plan, line),
        CommandLine::Words(words) => {
            let word = |word: &Text| {
                let word = text(plan, word);
                let is_plain = !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || c == '"');
                if is_plain { word } else { format!("{word:?}") }
            };
            words.iter().map(word).collect::<Vec<_>>().join(" ")
        }
    }
}

/// When an event is, and what is run then.
pub fn timed_event(plan: &Plan, own: &Event) -> String {
    format!("at {}, at most {}: {}", duration(own.at), duration(own.at_most), event(plan, own))
}

/// `command`, and the variables that it is given.
pub fn event(plan: &Plan, event: &Event) -> String {
    let line = command(plan, &event.command);
    std::iter::once(line).chain(variables(plan, &event.with, "$")).collect::<Vec<_>>().join(", ")
}

fn variables<'a>(plan: &'a Plan, with: &'a [(String, Text)], sign: &'a str) -> impl Iterator<Item = String> + 'a {
    with.iter().map(move |(name, value)| format!("{sign}{name} {}", beginning(&text(plan, value))))
}

fn measure(plan: &Plan, name: &str, measure: Measure<'_>) -> String {
    let shown = match measure {
        Measure::Time(ns) => duration(ns),
        Measure::Share(share) => percent(share),
        Measure::Bytes(size) => units::written_bytes(size),
        Measure::Bandwidth(rate) => units::written_bandwidth(rate),
        Measure::Count(count) => grouped(count as f64, 0),
        Measure::Command(line) => beginning(&command(plan, line)),
        Measure::Text(pieces) => beginning(&text(plan, pieces)),
        Measure::Word(word) => word.to_owned(),
    };
    if matches!(name, "by" | "share" | "status" | "run" | "direction") { shown } else { format!("{name} {shown}") }
}

/// The first line of a script.
fn beginning(text: &str) -> String {
    match text.trim().split_once('\n') {
        Some((first, _)) => format!("{} …", first.trim_end()),
        None => text.trim().to_owned(),
    }
}

/// By what a fault is brought about.
pub fn by(by: By) -> &'static str {
    match by {
        By::CgroupV1 => "by a control group (v1)",
        By::CgroupV2 => "by a control group (v2)",
        By::Turns => "by stopping it again and again (SIGSTOP)",
    }
}

/// How a fault ends, and who feels it.
pub fn undone(fault: &Fault) -> &'static str {
    match &fault.action {
        Action::Link { on: NetworkRoute::Target(_), fault: LinkFault::Partition, .. } => {
            "acts in the generator's own connections; held bytes are delivered"
        }
        Action::Link { on: NetworkRoute::Target(_), .. } => {
            "acts in the generator's own connections; the system under test does not see it"
        }
        Action::Link { on: NetworkRoute::Link(_), fault, .. } => match fault {
            LinkFault::Partition => "held bytes are delivered",
            LinkFault::Refuse => "connections are accepted again",
            LinkFault::Reset { .. } => "clients connect again",
            LinkFault::Latency { .. } | LinkFault::Bandwidth { .. } | LinkFault::SlowClose { .. } => PASSES,
            LinkFault::Slice { .. } | LinkFault::Corrupt { .. } => PASSES,
            LinkFault::HttpError { .. } | LinkFault::HttpDelay { .. } => PASSES,
        },
        Action::Service { fault: what, .. } => match what {
            ServiceFault::Kill if fault.left => "its own supervisor brings it back",
            ServiceFault::Kill => "the process is started again",
            ServiceFault::Pause => "the process goes on",
            ServiceFault::Restart => "over when the process is ready",
            ServiceFault::LimitCpu { .. } | ServiceFault::LimitMemory { .. } => "the limit is lifted",
        },
        Action::Database { fault, .. } => match fault {
            DatabaseFault::HoldConnections { .. } => "the connections are given back",
            DatabaseFault::KillConnections => "clients connect again",
            DatabaseFault::LockTable { .. } => "the lock is released",
        },
        Action::Host(HostFault::BurnCpu { .. } | HostFault::FillMemory { .. }) => "what was taken is given back",
        Action::Host(HostFault::FillDisk { .. }) => "the file is removed",
        Action::Command(command) if command.undo.is_some() => "its undo is run",
        Action::Command(_) => "nothing is undone",
    }
}

const PASSES: &str = "traffic passes as before";

pub fn service(plan: &Plan, kind: &ServiceKind) -> String {
    match kind {
        ServiceKind::Demo(demo) => {
            let shop = match &demo.database {
                Some(database) => format!("the demo shop on a free port, with {}", text(plan, database)),
                None => "the demo shop, on a free port".to_owned(),
            };
            let paid = demo.payments.as_ref().map(|address| format!(", paid at {}", text(plan, address)));
            let told = demo.alerts.as_ref().map(|address| format!(", its alerts delivered to {}", text(plan, address)));
            shop + &paid.unwrap_or_default() + &told.unwrap_or_default()
        }
        ServiceKind::Attach { port } => format!("runs already, on port {port}"),
        ServiceKind::Process { program, arguments } => {
            let words: Vec<String> = std::iter::once(program).chain(arguments).map(|word| text(plan, word)).collect();
            words.join(" ")
        }
        ServiceKind::Postgres => "a private PostgreSQL cluster, on a free port".to_owned(),
    }
}

pub fn ceiling(ceiling: Ceiling) -> String {
    let why = match ceiling.from {
        CeilingFrom::Scenario => "as written",
        CeilingFrom::Rate => "peak rate × the longest an iteration can take, with room to spare",
        CeilingFrom::Users => "the users",
        CeilingFrom::Machine => "all that this machine can hold",
    };
    format!("at most {} in flight ({why})", grouped(ceiling.in_flight as f64, 0))
}
