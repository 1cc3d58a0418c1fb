//! `demo()`: this program as the demo shop.

use super::ready::Ready;
use super::{Recipe, ServiceEndpoint, Speaks, launch, port};
use crate::base::hosts::OF_SERVICES;
use crate::plan::{Demo, Service, Text};
use crate::run::resolve::resolved::Resolved;
use std::net::SocketAddr;
use std::path::Path;

pub fn prepare(
    service: &Service,
    demo: &Demo,
    known: &Resolved,
    program: &Path,
    directory: &Path,
) -> Result<Recipe, String> {
    let address = SocketAddr::new(OF_SERVICES, port(service, known)?);
    let mut launch = launch(service, program.to_owned(), directory, known);
    launch.lifeline = true;
    let database = match &demo.database {
        Some(url) => known.text(url).map_err(|why| format!("`database`: {why}"))?,
        None => directory.join("shop.db").display().to_string(),
    };
    // A URL may hold a password, which no list of processes shall show.
    launch.env.push(("STRESSC_DEMO_DATABASE".to_owned(), database));
    let made = demo.tls.then(crate::demo::make).transpose().map_err(|error| error.to_string())?;
    if let Some(made) = &made {
        launch.env.push(("STRESSC_DEMO_IDENTITY".to_owned(), made.identity.clone()));
    }
    let alerts = here(demo.alerts.as_ref(), "alerts", known)?;
    let payments = here(demo.payments.as_ref(), "payments", known)?;
    let mut flag = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            launch.arguments.extend([name.to_owned(), value]);
        }
    };
    // One number and one unit is what the command line reads.
    let micros = |ns: u64| format!("{}us", ns / 1_000);
    flag("--listen", Some(address.to_string()));
    flag("--parent", Some(std::process::id().to_string()));
    flag("--pool", demo.pool.map(|v| v.to_string()));
    flag("--slots", demo.slots.map(|v| v.to_string()));
    flag("--rate-limit", demo.rate_limit.map(|v| v.to_string()));
    flag("--slow", demo.slow.map(micros));
    flag("--slow-orders", demo.slow_orders.map(micros));
    flag("--error-rate", demo.error_rate.map(|v| v.to_string()));
    flag("--leak", demo.leak.map(|v| v.to_string()));
    flag("--cache", demo.cache.map(|v| v.to_string()));
    flag("--loses", demo.loses.map(|v| v.to_string()));
    flag("--alerts", alerts.map(|address| address.to_string()));
    flag("--alert-above", demo.alert_above.map(|v| v.to_string()));
    flag("--news", demo.news.map(micros));
    flag("--payments", payments.map(|address| address.to_string()));
    let mut switch = |name: &str, on: bool| launch.arguments.extend(on.then(|| name.to_owned()));
    switch("--never-reconnects", demo.never_reconnects);
    switch("--forgets-keys", demo.forgets_keys);
    launch.arguments.insert(0, "demo".to_owned());
    let endpoint = match made {
        Some(made) => ServiceEndpoint { address, speaks: Speaks::Https { ca: made.ca } },
        None => ServiceEndpoint::http(address),
    };
    let ready = Ready::Answers { url: format!("{}/health", endpoint.url()), trust: known.trust(Some(&endpoint)) };
    Ok(Recipe { endpoint, launch, ready, admin: None, private: None })
}

/// An address that the run knows by now. It is one of this machine, since the shop asks for no permission to go elsewhere.
fn here(text: Option<&Text>, name: &str, known: &Resolved) -> Result<Option<SocketAddr>, String> {
    let Some(text) = text else { return Ok(None) };
    let address = known.text(text).map_err(|why| format!("`{name}`: {why}"))?;
    match address.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Ok(Some(address)),
        Ok(_) | Err(_) => Err(format!("`{name}`: `{address}` is no address of this machine, such as 127.0.0.1:9199")),
    }
}
