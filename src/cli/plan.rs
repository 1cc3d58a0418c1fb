//! `stressc plan`: the timeline, drawn.

use super::args::PlanArgs;
use super::output::{Terminal, width};
use super::source;
use crate::plan::draw;

pub fn plan(args: &PlanArgs, terminal: &Terminal) -> u8 {
    crate::inputs::raise_limits();
    let plan = match source::plan(&args.file, args.share, &args.asked.asked(), terminal) {
        Ok(planned) => planned.plan,
        Err(code) => return code,
    };
    match args.json {
        true => terminal.out(&(serde_json::to_string_pretty(&plan).expect("a plan is plain data") + "\n")),
        false => terminal.out(&draw::draw(&plan, width())),
    }
    super::OK
}
