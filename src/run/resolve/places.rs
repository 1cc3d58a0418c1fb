//! Where each target is, once services and links have their addresses.

use crate::check::program::Protocol;
use crate::engine::http::host::Place;
use crate::plan::{Address, Plan};
use crate::run::service::Endpoint;
use std::net::SocketAddr;

/// The place of each target, from the places of the services and links.
pub fn places(plan: &Plan, services: &[Endpoint], links: &[SocketAddr]) -> Result<Vec<Place>, String> {
    let at = |address: SocketAddr| Place { authority: address.to_string(), address };
    let place = |(index, target): (usize, &crate::plan::Target)| {
        let place = match &target.address {
            Address::Service(service) => at(services[*service].address),
            Address::Link(link) => at(links[*link]),
            // Nobody sends requests there: it is hurt from within.
            Address::Late(_) if matches!(target.protocol, Protocol::Postgres | Protocol::Mysql) => {
                at(SocketAddr::from(([0, 0, 0, 0], 0)))
            }
            Address::Late(_) => {
                return Err(format!("the address of `{}` is not known to this version", target.name));
            }
            Address::Url { host, port } => Place::resolve(host, *port)?,
        };
        // A link that was put before it is nothing that a request speaks of.
        let before = plan.links.iter().position(|link| link.before == Some(index));
        Ok(before.map_or(place.clone(), |link| Place { address: links[link], ..place }))
    };
    plan.targets.iter().enumerate().map(place).collect()
}
