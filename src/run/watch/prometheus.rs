//! Asks a Prometheus what a query is worth now, over its HTTP API v1.

use super::Reading;
use crate::run::ask::Client;
use serde_json::Value;

/// An answer of one value is never longer, in MiB.
const LONGEST: usize = 1;

pub async fn ask(client: Client, url: String, query: String, place: u32) -> Vec<Reading> {
    let mut address = format!("{}/api/v1/query?query=", url.trim_end_matches('/'));
    crate::engine::http::template::percent_encode(&query, "-._~", &mut address);
    let reading = client.page(&address, LONGEST).await.and_then(|answer| value(&answer));
    vec![(place, reading.map(Some))]
}

/// A scalar, or a vector of one: of several nobody said how they become one.
fn value(answer: &str) -> Result<f64, String> {
    let answer: Value = serde_json::from_str(answer).map_err(|_| "the answer is no JSON".to_owned())?;
    let data = &answer["data"];
    let sample = match (data["resultType"].as_str(), data["result"].as_array()) {
        (Some("scalar"), Some(sample)) => sample.as_slice(),
        (Some("vector"), Some(all)) => match all.as_slice() {
            [] => return Err("the query gives nothing".to_owned()),
            [one] => one["value"].as_array().map_or(&[][..], Vec::as_slice),
            many => return Err(format!("the query gives {} series: put them together, as `sum(…)` does", many.len())),
        },
        _ => return Err("the answer is no value of an instant".to_owned()),
    };
    match sample.get(1).and_then(Value::as_str) {
        Some("NaN") => Ok(f64::NAN),
        Some("+Inf") => Ok(f64::INFINITY),
        Some("-Inf") => Ok(f64::NEG_INFINITY),
        Some(number) => number.parse().map_err(|_| format!("`{number}` is no number")),
        None => Err("the answer has no value".to_owned()),
    }
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
        assert_eq!(answer("vector", &format!("[{one}]")), Ok(1.5));
        assert_eq!(answer("scalar", r#"[1435781460.781,"2"]"#), Ok(2.0));
        assert_eq!(answer("vector", r#"[{"metric":{},"value":[1,"+Inf"]}]"#), Ok(f64::INFINITY));
        assert!(answer("vector", r#"[{"metric":{},"value":[1,"NaN"]}]"#).unwrap().is_nan());
        assert_eq!(answer("vector", "[]"), Err("the query gives nothing".to_owned()));
        assert!(answer("vector", &format!("[{one},{one}]")).unwrap_err().contains("gives 2 series"));
        assert!(answer("matrix", "[]").unwrap_err().contains("no value of an instant"));
        assert!(value("<html>").is_err());
    }
}
