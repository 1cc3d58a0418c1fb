//! Asks a Prometheus what a query is worth now, as a series.

use super::{Missing, Reading, absent};
use crate::run::prometheus::{Answer, Prometheus};

pub async fn ask(server: Prometheus, query: String, (place, missing): (u32, Missing)) -> Vec<Reading> {
    match server.query(&query, None).await.and_then(Answer::value) {
        Ok(None) => absent(place, "the query gives nothing".to_owned(), missing).collect(),
        reading => vec![(place, reading)],
    }
}

/// How old the newest sample of a selector is, in seconds. What is scraped no more is found in the samples of the last five minutes: a
/// selector alone no longer gives it.
pub fn age(selector: &str) -> String {
    format!("time() - max(max_over_time(timestamp({selector})[5m:1s]))")
}
