//! Asks for a page in the text format of Prometheus, and takes from it what is watched.

use super::{Reading, why};
use crate::base::exposition::{Selector, sums};

/// No page of metrics is longer.
const LONGEST: usize = 32 << 20;

pub async fn read(client: reqwest::Client, url: String, series: Vec<(u32, Selector)>) -> Vec<Reading> {
    let page = fetch(&client, &url).await;
    let selectors: Vec<&Selector> = series.iter().map(|(_, selector)| selector).collect();
    match page {
        Ok(page) => {
            let found = sums(&page, &selectors);
            let reading = |sum: Option<f64>, selector: &Selector| match sum {
                Some(value) => Ok(Some(value)),
                None => Err(format!("the page has no `{selector}`")),
            };
            found.into_iter().zip(&series).map(|(sum, (place, s))| (*place, reading(sum, s))).collect()
        }
        Err(reason) => series.iter().map(|(place, _)| (*place, Err(reason.clone()))).collect(),
    }
}

/// A body as text, up to the longest that is read.
pub async fn fetch(client: &reqwest::Client, url: &str) -> Result<String, String> {
    let mut answer = client.get(url).send().await.map_err(why)?;
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(why)? {
        if body.len() + part.len() > LONGEST {
            return Err(format!("the page is longer than {} MiB", LONGEST >> 20));
        }
        body.extend_from_slice(&part);
    }
    match status {
        200..=299 => Ok(String::from_utf8_lossy(&body).into_owned()),
        _ => Err(format!("status {status}")),
    }
}
