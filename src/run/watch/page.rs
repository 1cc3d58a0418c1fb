//! Asks for a page in the text format of Prometheus, and takes from it what is watched.

use super::{Missing, Reading, absent};
use crate::base::exposition::{Selector, sums};
use crate::run::ask::ControlClient;

/// No page of metrics is longer, in MiB.
const LONGEST: usize = 16;

pub async fn read(client: ControlClient, url: String, series: Vec<(u32, Selector, Missing)>) -> Vec<Reading> {
    let page = client.page(&url, LONGEST).await;
    let read = move || match page {
        Ok(page) => {
            let selectors: Vec<&Selector> = series.iter().map(|(_, selector, _)| selector).collect();
            let found = sums(&page, &selectors);
            let mut readings = Vec::new();
            for (sum, (place, selector, missing)) in found.into_iter().zip(&series) {
                match sum {
                    Some(value) => readings.push((*place, Ok(Some(value)))),
                    None => readings.extend(absent(*place, format!("the page has no `{selector}`"), *missing)),
                }
            }
            readings
        }
        Err(reason) => series.iter().map(|(place, ..)| (*place, Err(reason.clone()))).collect(),
    };
    // A long page takes a while, and whoever controls the run has other things to do.
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}
