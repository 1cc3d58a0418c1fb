//! `run.json`: the result of a run for programs.

use serde::Serialize;

pub fn json(report: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(report).expect("a report is plain data");
    bytes.push(b'\n');
    bytes
}
