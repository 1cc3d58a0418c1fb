//! Asks a Prometheus what a query is worth now, over its HTTP API v1.

use super::{Missing, Reading, absent};
use crate::base::socket::below;
use crate::run::ask::ControlClient;
use serde_json::Value;

/// An answer of one value is never longer, in MiB.
const LONGEST: usize = 1;

pub async fn ask(client: ControlClient, url: String, query: String, (place, missing): (u32, Missing)) -> Vec<Reading> {
    let mut address = below(&url, "/api/v1/query?query=");
    crate::engine::http::template::percent_encode(&query, "-._~", &mut address);
    match client.page(&address, LONGEST).await.and_then(|answer| value(&answer)) {
        Ok(None) => absent(place, "the query gives nothing".to_owned(), missing).collect(),
        reading => vec![(place, reading)],
    }
}

/// How old the newest sample of a selector is, in seconds. What is scraped no more is found in the samples of the last five minutes: a
/// selector alone no longer gives it.
pub fn age(selector: &str) -> String {
    format!("time() - max(max_over_time(timestamp({selector})[5m:1s]))")
}

/// A scalar, or a vector of one: of several nobody said how they become one. Nothing where the vector is empty.
fn value(answer: &str) -> Result<Option<f64>, String> {
    let answer: Value = serde_json::from_str(answer).map_err(|_| "the answer is no JSON".to_owned())?;
    let data = &answer["data"];
    let sample = match (data["resultType"].as_str(), data["result"].as_array()) {
        (Some("scalar"), Some(sample)) => sample.as_slice(),
        (Some("vector"), Some(all)) => match all.as_slice() {
            [] => return Ok(None),
            [one] => one["value"].as_array().map_or(&[][..], Vec::as_slice),
            many => return Err(format!("the query gives {} series: put them together, as `sum(…)` does", many.len())),
        },
        _ => return Err("the answer is no value of an instant".to_owned()),
    };
    let number = match sample.get(1).and_then(Value::as_str) {
        Some("NaN") => f64::NAN,
        Some("+Inf") => f64::INFINITY,
        Some("-Inf") => f64::NEG_INFINITY,
        Some(number) => number.parse().map_err(|_| format!("`{number}` is no number"))?,
        None => return Err("the answer has no value".to_owned()),
    };
    Ok(Some(number))
}

#[cfg(test)]
mod tests {
    use super::value;

    /// The examples of the API's own description (prometheus.io, HTTP API, instant queries).
    #[test]
    fn answers_are_one_value_or_none() {
        let answer = |kind: &str, result: &str| {
            value(&format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#))
        };
        let one = r#"{"metric":{"__name__":"up","job":"node"},"value":[1435781451.781,"1.5"]}"#;
        assert_eq!(answer("vector", &format!("[{one}]")), Ok(Some(1.5)));
        assert_eq!(answer("scalar", r#"[1435781460.781,"2"]"#), Ok(Some(2.0)));
        assert_eq!(answer("vector", r#"[{"metric":{},"value":[1,"+Inf"]}]"#), Ok(Some(f64::INFINITY)));
        assert!(answer("vector", r#"[{"metric":{},"value":[1,"NaN"]}]"#).unwrap().unwrap().is_nan());
        assert_eq!(answer("vector", "[]"), Ok(None));
        assert!(answer("vector", &format!("[{one},{one}]")).unwrap_err().contains("gives 2 series"));
        assert!(answer("matrix", "[]").unwrap_err().contains("no value of an instant"));
        assert!(value("<html>").is_err());
    }
}
