//! `stressc demo`: the demo shop by itself, or as a child of a run.

use super::args::DemoArgs;
use super::output::Terminal;
use crate::demo::{Options, serve};
use crate::guard::Fresh;

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
    let database = match &args.database {
        Some(database) => database.clone(),
        None => match Fresh::temporary("demo") {
            Ok(fresh) => private.insert(fresh).path().join("shop.db").display().to_string(),
            Err(error) => {
                terminal.error(&format!(
                    "there is no place for the shop's database: {error}; TMPDIR sets another one, or --database says which it is"
                ));
                return super::COULD_NOT_RUN;
            }
        },
    };
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
        parent: args.parent,
    };
    let result = serve(&options, |address| terminal.out(&format!("the demo shop listens on http://{address}\n")));
    drop(private);
    match result {
        Ok(()) => super::OK,
        Err(error) => {
            terminal.error(&error.to_string());
            super::COULD_NOT_RUN
        }
    }
}
