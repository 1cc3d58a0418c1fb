//! Asks for a page in the text format of Prometheus, and takes from it what is watched.

use super::Reading;
use crate::base::exposition::{Selector, sums};
use crate::run::ask::Client;

/// No page of metrics is longer, in MiB.
const LONGEST: usize = 16;

pub async fn read(client: Client, url: String, series: Vec<(u32, Selector)>) -> Vec<Reading> {
    let page = client.page(&url, LONGEST).await;
    let read = move || match page {
        Ok(page) => {
            let selectors: Vec<&Selector> = series.iter().map(|(_, selector)| selector).collect();
            let found = sums(&page, &selectors);
            let reading = |sum: Option<f64>, selector: &Selector| match sum {
                Some(value) => Ok(Some(value)),
                None => Err(format!("the page has no `{selector}`")),
            };
            found.into_iter().zip(&series).map(|(sum, (place, s))| (*place, reading(sum, s))).collect()
        }
        Err(reason) => series.iter().map(|(place, _)| (*place, Err(reason.clone()))).collect(),
    };
    // A long page takes a while, and whoever controls the run has other things to do.
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}
