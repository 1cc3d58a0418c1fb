//! The parts of a plan in words.

use super::super::{
    Breakage, By, Ceiling, CeilingFrom, Element, Expr, Fault, Load, Piece, Plan, ServiceKind, Setting, Text, Type,
};
use crate::base::units::{self, duration, grouped, percent, short};

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
pub fn breakage(plan: &Plan, breakage: &Breakage) -> String {
    if let (Some(template), Element::Command) = (&breakage.template, breakage.element) {
        let given = breakage.settings.iter().filter_map(|(name, setting)| Some((name.strip_prefix('$')?, setting)));
        let given: Vec<String> = given.map(|(name, setting)| self::setting(plan, name, setting)).collect();
        let colon = if given.is_empty() { "" } else { ": " };
        return format!("{template}{colon}{}", given.join(", "));
    }
    let on = element(plan, breakage.element);
    let mut out = breakage.action.clone();
    if !on.is_empty() {
        out.push_str(&format!(" of {on}"));
    }
    let settings: Vec<String> =
        breakage.settings.iter().map(|(name, setting)| self::setting(plan, name, setting)).collect();
    if !settings.is_empty() {
        out.push_str(&format!(": {}", settings.join(", ")));
    }
    out
}

fn setting(plan: &Plan, name: &str, setting: &Setting) -> String {
    match setting {
        Setting::Quantity(value, kind) => {
            let shown = match kind {
                Type::Duration => duration(*value as u64),
                Type::Percent => percent(*value),
                Type::Bytes => units::bytes(*value),
                Type::Bandwidth => units::bandwidth(*value),
                Type::Rate => format!("{}/s", short(*value)),
                _ => grouped(*value, 0),
            };
            if matches!(name, "by" | "share" | "status") { shown } else { format!("{name} {shown}") }
        }
        Setting::Text(pieces) if name == "run" => beginning(&text(plan, pieces)),
        Setting::Text(pieces) => format!("{name} {}", beginning(&text(plan, pieces))),
    }
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
    let on_target = matches!(fault.breakage.element, Element::Target(_)) && !fault.breakage.is_within_database();
    match fault.breakage.action.as_str() {
        "partition" if on_target => "acts in the generator's own connections; held bytes are delivered",
        _ if on_target => "acts in the generator's own connections; the system under test does not see it",
        "partition" => "held bytes are delivered",
        "refuse" => "connections are accepted again",
        "kill" if fault.left => "its own supervisor brings it back",
        "kill" => "the process is started again",
        "pause" => "the process goes on",
        "restart" => "over when the process is ready",
        "limit_cpu" | "limit_memory" => "the limit is lifted",
        "hold_connections" => "the connections are given back",
        "kill_connections" | "reset" => "clients connect again",
        "lock_table" => "the lock is released",
        "burn_cpu" | "fill_memory" => "what was taken is given back",
        "fill_disk" => "the file is removed",
        "command" if fault.breakage.lasting => "its undo is run",
        "command" => "nothing is undone",
        _ => "traffic passes as before",
    }
}

pub fn service(plan: &Plan, kind: &ServiceKind) -> String {
    match kind {
        ServiceKind::Demo(demo) => match &demo.database {
            Some(database) => format!("the demo shop on a free port, with {}", text(plan, database)),
            None => "the demo shop, on a free port".to_owned(),
        },
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
        CeilingFrom::Rate => "peak rate × the longest an iteration can take",
        CeilingFrom::Users => "the users",
        CeilingFrom::Machine => "all that this machine can hold",
    };
    format!("at most {} in flight ({why})", grouped(ceiling.in_flight as f64, 0))
}
