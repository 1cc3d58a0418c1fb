//! The links of a plan: those that are written, and one before each target that a fault hurts.

use super::{Action, Address, Link, NetworkRoute};
use crate::check::program::{Expr, PartKind, Piece, Protocol, Scenario, Text};

pub(super) fn links(scenario: &Scenario) -> Vec<Link> {
    let mut links = scenario.links.clone();
    for (index, target) in scenario.targets.iter().enumerate() {
        let hurts =
            |action: &Action| matches!(action, Action::Link { on: NetworkRoute::Target(on), .. } if *on == index);
        if scenario.injections.iter().any(|injection| hurts(&injection.action)) {
            let (name, http) = (target.name.clone(), target.protocol == Protocol::Http && target.tls.is_none());
            links.push(Link { name, http, to: address(&target.address), terminates: false, before: Some(index) });
        }
    }
    links
}

/// Where a target is, as a link is told.
fn address(address: &Address) -> Text {
    let of = |part: PartKind, index: usize| vec![Piece::Value(Expr::Part { part, index, field: "address".to_owned() })];
    match address {
        Address::Url { host, port, .. } => vec![Piece::Literal(format!("{host}:{port}"))],
        // No fault of the network is on the way there.
        Address::Unix { file, .. } => vec![Piece::Literal(format!("unix:{file}"))],
        Address::Service(service) => of(PartKind::Service, *service),
        Address::Link(link) => of(PartKind::Link, *link),
        Address::Late(pieces) => pieces.clone(),
    }
}
