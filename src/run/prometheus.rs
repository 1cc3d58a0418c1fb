//! The HTTP API v1 of a Prometheus: what is asked by a path or a query, the envelope of its answers, its clock, its targets.

use super::ask::{self, ControlClient};
use super::wall::{Skew, Wall};
use crate::base::shown::escaped_start;
use crate::base::socket::below;
use crate::engine::http::template::percent_encode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// No answer is longer, in MiB.
const LONGEST: usize = 16;
/// An answer of more bytes takes a while to read, and the control of a run has other things to do.
const LONG: usize = 64 << 10;
/// Characters of an error that are shown.
const SHOWN: usize = 200;

/// One that is asked.
#[derive(Debug, Clone)]
pub struct Prometheus {
    client: ControlClient,
    url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<D> {
    status: String,
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    error: String,
    data: Option<D>,
}

/// What is in the envelope of an answer.
pub fn data<'a, D: Deserialize<'a>>(answer: &'a str) -> Result<D, String> {
    let envelope: Envelope<D> =
        serde_json::from_str(answer).map_err(|error| format!("the answer is none of Prometheus: {error}"))?;
    match envelope.data {
        Some(data) if envelope.status == "success" => Ok(data),
        _ => Err(format!("the answer is an error: {}", told(&envelope.error_type, &envelope.error))),
    }
}

/// The reason in an answer that is an error, in the envelope or as a Grafana has it; none in the page of a proxy.
fn reason(answer: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct OfGrafana {
        message: String,
    }
    let own = serde_json::from_str::<Envelope<serde_json::Value>>(answer);
    let own = own.ok().filter(|own| own.status == "error" && !own.error.is_empty());
    let other = || serde_json::from_str::<OfGrafana>(answer).ok().filter(|other| !other.message.is_empty());
    own.map(|own| told(&own.error_type, &own.error)).or_else(|| other().map(|other| told("", &other.message)))
}

fn told(kind: &str, error: &str) -> String {
    let kind = if kind.is_empty() { String::new() } else { format!("{kind}: ") };
    escaped_start(&format!("{kind}{error}"), SHOWN)
}

/// A value of a sample: when, in seconds, and how much, as a text because JSON has no infinity.
pub type Sample = (f64, String);

pub fn number((_, value): &Sample) -> Result<f64, String> {
    value.parse().map_err(|_| format!("`{}` is no number", escaped_start(value, SHOWN)))
}

/// The result of a query.
#[derive(Debug, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
pub enum Answer {
    Scalar(Sample),
    /// A query that is a text has no value.
    String(serde::de::IgnoredAny),
    Vector(Vec<Element>),
    Matrix(Vec<Series>),
}

/// A series at an instant. A native histogram has no value.
#[derive(Debug, Deserialize)]
pub struct Element {
    pub metric: BTreeMap<String, String>,
    pub value: Option<Sample>,
}

/// A series with its samples. Those of native histograms are none.
#[derive(Debug, Deserialize)]
pub struct Series {
    pub metric: BTreeMap<String, String>,
    #[serde(default)]
    pub values: Vec<Sample>,
}

impl Answer {
    pub fn matrix(self) -> Result<Vec<Series>, String> {
        match self {
            Answer::Matrix(series) => Ok(series),
            Answer::Scalar(_) | Answer::String(_) | Answer::Vector(_) => {
                Err("the answer holds no samples of series".to_owned())
            }
        }
    }

    pub fn vector(self) -> Result<Vec<Element>, String> {
        match self {
            Answer::Vector(elements) => Ok(elements),
            Answer::Scalar(_) | Answer::String(_) | Answer::Matrix(_) => {
                Err("the answer is no vector of series".to_owned())
            }
        }
    }

    /// A scalar, or a vector of one: a query must say how several become one. Nothing where the vector is empty.
    pub fn value(self) -> Result<Option<f64>, String> {
        match self {
            Answer::Scalar(sample) => number(&sample).map(Some),
            Answer::Vector(elements) => match elements.as_slice() {
                [] => Ok(None),
                [Element { value: Some(sample), .. }] => number(sample).map(Some),
                [Element { value: None, .. }] => Err("the answer has no value".to_owned()),
                many => Err(format!("the query gives {} series: put them together, as `sum(…)` does", many.len())),
            },
            Answer::String(_) | Answer::Matrix(_) => Err("the answer is no value of an instant".to_owned()),
        }
    }
}

/// A list or an object of a server written in Go, which writes `null` for an empty one.
pub fn or_empty<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

/// What is scraped.
#[derive(Debug, PartialEq, Deserialize)]
pub struct Target {
    /// `up`, `down`, or `unknown` before the first scrape.
    pub health: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Targets {
    pub active_targets: Vec<Target>,
}

pub const TARGETS: &str = "/api/v1/targets?state=active";

impl Prometheus {
    pub fn new(client: ControlClient, url: String) -> Prometheus {
        Prometheus { client, url }
    }

    /// What is at a path of the API.
    pub async fn get<D: DeserializeOwned + Send + 'static>(&self, path: &str) -> Result<D, String> {
        let answer = self.client.answer(&below(&self.url, path), LONGEST).await?;
        read(answer).await
    }

    /// The same, with how far the clock of the server is ahead as its answer is dated.
    pub async fn dated<D: DeserializeOwned + Send + 'static>(&self, path: &str) -> Result<(D, Option<Skew>), String> {
        let before = Wall::now();
        let answer = self.client.answer(&below(&self.url, path), LONGEST).await?;
        let way = (before, Wall::now());
        let skew = answer.date.map(|told| Skew::measured_roughly(told, way));
        read(answer).await.map(|data| (data, skew))
    }

    /// The result of a query, now or at an instant of its clock.
    pub async fn query(&self, query: &str, at: Option<Wall>) -> Result<Answer, String> {
        self.get(&path_of(query, at)).await
    }

    pub async fn skew(&self) -> Result<Skew, String> {
        let before = Wall::now();
        let answer = self.query("time()", None).await?;
        let after = Wall::now();
        let seconds = answer.value()?.ok_or("the answer is no time")?;
        Ok(Skew::measured(Wall::seconds(seconds), (before, after)))
    }

    pub async fn targets(&self) -> Result<Vec<Target>, String> {
        self.get(TARGETS).await.map(|Targets { active_targets }| active_targets)
    }
}

async fn read<D: DeserializeOwned + Send + 'static>(answer: ask::Answer) -> Result<D, String> {
    if let Err(status) = answer.well {
        return Err(reason(&answer.body).map_or(status.clone(), |reason| format!("{status}: {reason}")));
    }
    if answer.body.len() < LONG {
        return data(&answer.body);
    }
    let read = tokio::task::spawn_blocking(move || data(&answer.body)).await;
    read.unwrap_or_else(|_| Err("the answer could not be read".to_owned()))
}

fn path_of(query: &str, at: Option<Wall>) -> String {
    let mut path = "/api/v1/query?query=".to_owned();
    percent_encode(query, "-._~", &mut path);
    if let Some(at) = at.map(Wall::as_millis) {
        path.push_str(&format!("&time={}.{:03}", at.div_euclid(1000), at.rem_euclid(1000)));
    }
    path
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may panic.
    use super::*;

    /// The examples of the API's own description (prometheus.io, HTTP API, instant queries).
    #[test]
    fn answers_are_one_value_or_none() {
        let answer = |kind: &str, result: &str| {
            let text = format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#);
            data::<Answer>(&text).and_then(Answer::value)
        };
        let one = r#"{"metric":{"__name__":"up","job":"node"},"value":[1435781451.781,"1.5"]}"#;
        assert_eq!(answer("vector", &format!("[{one}]")), Ok(Some(1.5)));
        assert_eq!(answer("scalar", r#"[1435781460.781,"2"]"#), Ok(Some(2.0)));
        assert_eq!(answer("vector", r#"[{"metric":{},"value":[1,"+Inf"]}]"#), Ok(Some(f64::INFINITY)));
        assert!(answer("vector", r#"[{"metric":{},"value":[1,"NaN"]}]"#).unwrap().unwrap().is_nan());
        assert_eq!(answer("vector", "[]"), Ok(None));
        assert!(answer("vector", &format!("[{one},{one}]")).unwrap_err().contains("gives 2 series"));
        assert!(answer("vector", r#"[{"metric":{},"histogram":[1,{}]}]"#).unwrap_err().contains("no value"));
        assert!(answer("vector", r#"[{"metric":{},"value":[1,"many"]}]"#).unwrap_err().contains("`many` is no number"));
        assert!(answer("matrix", "[]").unwrap_err().contains("no value of an instant"));
        assert!(answer("tensor", "[]").unwrap_err().contains("none of Prometheus"));
    }

    #[test]
    fn an_error_is_told_as_the_server_tells_it() {
        for (wrong, why) in [
            ("<html>", "none of Prometheus"),
            ("{}", "none of Prometheus"),
            (r#"{"status":"error","errorType":"bad_data","error":"no"}"#, "an error: bad_data: no"),
            (r#"{"status":"success","data":[]}"#, "none of Prometheus"),
            (r#"{"status":"success"}"#, "an error"),
        ] {
            assert!(data::<Targets>(wrong).unwrap_err().contains(why), "{wrong}");
        }
        let error = r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": parse error"}"#;
        assert_eq!(reason(error).unwrap(), "bad_data: invalid parameter \"query\": parse error");
        assert_eq!((reason("<html>"), reason(r#"{"status":"error"}"#)), (None, None));
        assert_eq!(reason(r#"{"message":"Invalid API key"}"#).unwrap(), "Invalid API key");
    }

    #[test]
    fn queries_are_of_an_instant() {
        let at = Some(Wall::seconds(1_700_000_000.5));
        assert_eq!(path_of("ALERTS[60s]", at), "/api/v1/query?query=ALERTS%5B60s%5D&time=1700000000.500");
        assert_eq!(path_of("sum(up)", None), "/api/v1/query?query=sum%28up%29");
    }
}
