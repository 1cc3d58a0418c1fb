//! Where a run is streamed to, as `--out NAME=PLACE` names it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stream {
    /// A page of metrics that a Prometheus scrapes, at this address.
    OpenMetrics(SocketAddr),
    /// A collector of OpenTelemetry to which metrics are sent.
    Otlp(String),
    /// A Grafana to which annotations are sent.
    Grafana(String),
}

impl Stream {
    pub const NAMES: &'static [&'static str] = &["openmetrics", "otlp", "grafana"];

    /// Nothing where no stream has the name.
    pub fn parse(name: &str, place: &str) -> Option<Result<Stream, String>> {
        match name {
            "openmetrics" => Some(address(place).map(Stream::OpenMetrics)),
            "otlp" => Some(url(place, "otlp=http://127.0.0.1:4318", "OTEL_EXPORTER_OTLP_HEADERS").map(Stream::Otlp)),
            "grafana" => Some(url(place, "grafana=http://127.0.0.1:3000", "GRAFANA_TOKEN").map(Stream::Grafana)),
            _ => None,
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stream::OpenMetrics(address) => write!(out, "openmetrics={address}"),
            Stream::Otlp(url) => write!(out, "otlp={url}"),
            Stream::Grafana(url) => write!(out, "grafana={url}"),
        }
    }
}

/// The base of an API. What it prints is shown to everybody, so that credentials stand in a variable of the environment.
fn url(place: &str, example: &str, variable: &str) -> Result<String, String> {
    let wrong = || format!("write it like `{example}`: the base of the API, with http or https");
    let parsed = Url::parse(place).map_err(|_| wrong())?;
    let is_base =
        matches!(parsed.scheme(), "http" | "https") && parsed.query().is_none() && parsed.fragment().is_none();
    if !is_base || !parsed.has_host() {
        return Err(wrong());
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(format!("an address holds no credentials; the variable {variable} has them"));
    }
    Ok(place.to_owned())
}

/// A port alone is one of this machine's loopback.
fn address(place: &str) -> Result<SocketAddr, String> {
    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let port = place.strip_prefix("localhost:").or(place.strip_prefix(':')).unwrap_or(place);
    if let Ok(port) = port.parse::<u16>() {
        return Ok(SocketAddr::new(LOOPBACK, port));
    }
    place.parse().map_err(|_| {
        "write it like `openmetrics=127.0.0.1:9464`: an IP address of this machine and a port, or a port alone"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_this_machine_unless_it_says_otherwise() {
        for (place, means) in [
            ("9464", Some("127.0.0.1:9464")),
            (":9464", Some("127.0.0.1:9464")),
            ("localhost:9464", Some("127.0.0.1:9464")),
            ("127.0.0.1:0", Some("127.0.0.1:0")),
            ("[::1]:9464", Some("[::1]:9464")),
            ("0.0.0.0:9464", Some("0.0.0.0:9464")),
            ("metrics.txt", None),
            ("example.com:9464", None),
            ("127.0.0.1", None),
            ("99999", None),
            ("", None),
        ] {
            let parsed = Stream::parse("openmetrics", place).unwrap();
            assert_eq!(parsed.ok(), means.map(|means| Stream::OpenMetrics(means.parse().unwrap())), "{place}");
        }
        assert_eq!(Stream::parse("json", "x"), None);
    }

    #[test]
    fn a_collector_is_the_base_of_an_api_without_credentials() {
        for (place, is_good) in [
            ("http://127.0.0.1:4318", true),
            ("https://otel.example/v1", true),
            ("http://[::1]:9090/api/v1/otlp/", true),
            ("127.0.0.1:4318", false),
            ("localhost:4318", false),
            ("grpc://a:4317", false),
            ("http://", false),
            ("http://a/?token=x", false),
        ] {
            for name in ["otlp", "grafana"] {
                let parsed = Stream::parse(name, place).unwrap();
                assert_eq!(parsed.is_ok(), is_good, "{place}: {parsed:?}");
                assert!(parsed.is_ok_and(|stream| stream.to_string() == format!("{name}={place}")) == is_good);
            }
        }
        let refused = Stream::parse("grafana", "http://me:secret@a").unwrap().unwrap_err();
        assert!(refused.contains("GRAFANA_TOKEN") && !refused.contains("secret"), "{refused}");
    }
}
