//! The tries of requests at each address of a target with several.

use super::phases::Percentiles;
use crate::measure::{Failure, Numbered, Stats};
use crate::plan::Plan;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// In the whole run. A redirect counts for the address to which it led, and a repeated try for its last address.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct AddressTotals {
    pub target: String,
    /// None for all addresses without their own row.
    pub address: Option<String>,
    /// Answered or failed by the target, as for every share.
    pub attempts: u64,
    pub failed: BTreeMap<Failure, u64>,
    pub service: Percentiles,
}

/// A single address needs no comparison.
pub fn addresses(plan: &Plan, stats: &Stats) -> Vec<AddressTotals> {
    let mut rows = Vec::new();
    for (target, name) in plan.targets.iter().enumerate().map(|(index, target)| (index, &target.name)) {
        let mut known = Numbered::default();
        let found = stats.resolved.iter().filter(|(own, ..)| *own == target);
        for address in found.flat_map(|(_, _, found)| found) {
            known.number(*address);
        }
        let named = known.all().iter().map(|address| Some(address.to_string()));
        let row = |(number, address): (u32, Option<String>)| {
            let (counts, service) = stats.at_address(target, number);
            AddressTotals {
                target: name.clone(),
                address,
                attempts: counts.ok + counts.target_failures(),
                failed: counts.failed,
                service: Percentiles::ranked(&service),
            }
        };
        let mut own: Vec<AddressTotals> = (0..).zip(named.chain([None])).map(row).collect();
        // Most often nothing is left for the last one.
        own.retain(|row| row.address.is_some() || row.attempts > 0);
        // A link that stands before a target is asked in place of all of them.
        if own.len() > 1 && own.iter().any(|row| row.attempts > 0 || !row.failed.is_empty()) {
            rows.append(&mut own);
        }
    }
    rows
}
