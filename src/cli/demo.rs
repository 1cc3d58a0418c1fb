//! `stressc demo`: the demo shop by itself, or as a child of a run.

use super::args::DemoArgs;
use super::output::Terminal;
use crate::demo::{Options, make, serve};
use crate::guard::Fresh;
use std::path::Path;

pub fn demo(args: &DemoArgs, terminal: &Terminal) -> u8 {
    crate::inputs::raise_limits();
    if !args.listen.ip().is_loopback() {
        terminal.error(&format!(
            "the demo shop has no protection and listens on loopback only; use --listen 127.0.0.1:{}",
            args.listen.port()
        ));
        return super::DOES_NOT_CHECK;
    }
    let mut private = None;
    let place = match args.database.is_none() || args.tls {
        true => match Fresh::temporary("demo") {
            Ok(fresh) => Some(private.insert(fresh).path().to_owned()),
            Err(error) => {
                terminal.error(&format!("there is no place for the shop's files: {error}; TMPDIR sets another one"));
                return super::COULD_NOT_RUN;
            }
        },
        false => None,
    };
    let within = |name: &str| place.as_ref().map_or_else(|| name.into(), |place| place.join(name));
    let database = args.database.clone().unwrap_or_else(|| within("shop.db").display().to_string());
    let authority = within("ca.pem");
    let identity = match (args.tls, &args.identity) {
        (true, _) => match signed(&authority) {
            Ok(identity) => Some(identity),
            Err(problem) => {
                terminal.error(&problem);
                return super::COULD_NOT_RUN;
            }
        },
        (false, given) => given.clone(),
    };
    let scheme = if identity.is_some() { "https" } else { "http" };
    let options = Options {
        listen: args.listen,
        database,
        pool: args.pool,
        slots: args.slots,
        rate_limit: args.rate_limit,
        slow: args.slow.unwrap_or_default(),
        slow_orders: args.slow_orders.unwrap_or_default(),
        error_rate: args.error_rate,
        leak: args.leak,
        cache: args.cache,
        loses: args.loses,
        never_reconnects: args.never_reconnects,
        forgets_keys: args.forgets_keys,
        news: args.news,
        alerts: args.alerts,
        alert_above: args.alert_above,
        payments: args.payments,
        identity,
        parent: args.parent,
    };
    let signer = if args.tls { format!("; its authority is {}", authority.display()) } else { String::new() };
    let result = serve(&options, |address| {
        terminal.out(&format!("the demo shop listens on {scheme}://{address}{signer}\n"));
    });
    drop(private);
    match result {
        Ok(()) => super::OK,
        Err(error) => {
            terminal.error(&error.to_string());
            super::COULD_NOT_RUN
        }
    }
}

/// A certificate of the shop's own, whose authority clients find in a file.
fn signed(authority: &Path) -> Result<String, String> {
    let made = make().map_err(|error| error.to_string())?;
    std::fs::write(authority, made.ca)
        .map_err(|error| format!("{} cannot be written: {error}", authority.display()))?;
    Ok(made.identity)
}
