//! How the generator itself was.

use super::loads::Spread;
use crate::measure::{Generator, Stats};
use crate::plan::Plan;
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Health {
    pub cpu_peak: f64,
    /// For the links, if there are any.
    pub links_cpu_peak: f64,
    pub worker_busy_peak: f64,
    pub poll_delay_p99_ns: u64,
    pub worker_waiting_peak: f64,
    pub descriptors_peak: f64,
    pub ports_peak: f64,
    pub memory_peak: f64,
    /// How late workers handled events that were ready.
    pub poll_delay_ns: Spread,
    pub has_links: bool,
    /// How many there were in the end.
    pub descriptors_limit: u64,
    pub ports_limit: f64,
    pub seconds: Vec<Generator>,
}

pub fn health(plan: &Plan, stats: &Stats) -> Health {
    let poll_delay_ns = Spread::of(&stats.poll_delay(&[(0, u64::MAX)]));
    Health {
        cpu_peak: stats.peak(|g| g.cpu),
        links_cpu_peak: stats.peak(|g| g.links),
        worker_busy_peak: stats.peak(|g| g.busy.iter().copied().fold(0.0, f64::max)),
        poll_delay_p99_ns: poll_delay_ns.p99,
        worker_waiting_peak: stats.peak(|g| g.waiting.iter().copied().fold(0.0, f64::max)),
        descriptors_peak: stats.peak(|g| g.descriptors as f64),
        ports_peak: stats.peak(|g| g.ports as f64),
        memory_peak: stats.peak(|g| g.memory as f64),
        poll_delay_ns,
        has_links: !plan.links.is_empty(),
        descriptors_limit: stats.generator.last().map_or(0, |g| g.descriptors_limit),
        ports_limit: stats.peak(|g| g.ports_limit as f64),
        seconds: stats.generator.clone(),
    }
}
