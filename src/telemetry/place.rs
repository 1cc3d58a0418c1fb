//! Where a run is streamed to, as `--out NAME=PLACE` names it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stream {
    /// A page of metrics that a Prometheus scrapes, at this address.
    OpenMetrics(SocketAddr),
}

impl Stream {
    pub const NAMES: &'static [&'static str] = &["openmetrics"];

    /// Nothing where no stream has the name.
    pub fn parse(name: &str, place: &str) -> Option<Result<Stream, String>> {
        match name {
            "openmetrics" => Some(address(place).map(Stream::OpenMetrics)),
            _ => None,
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stream::OpenMetrics(address) => write!(out, "openmetrics={address}"),
        }
    }
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
}
