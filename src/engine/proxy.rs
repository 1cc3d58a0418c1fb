//! Requests through an HTTP proxy: sent with their whole URL, or over a tunnel through which a stream is opened.

use super::http::template::AGENT;
use super::stream::Broken;
use crate::base::shown::escaped_start;
use crate::measure::Failure;
use std::fmt;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The proxy on the way to a target.
#[derive(Clone)]
pub struct Proxy {
    /// Host and port, as it is told.
    name: Arc<str>,
    means: Means,
}

#[derive(Clone)]
enum Means {
    /// Each request names the whole URL (RFC 9112, 3.2.2): what stands before its path, and the lines that are for the proxy.
    Absolute { origin: Arc<str>, lines: Arc<str> },
    /// CONNECT (RFC 9110, 9.3.6), as it is sent.
    Tunnel(Arc<str>),
}

/// Without what it is asked with, since that holds a password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({})", self.name)
    }
}

impl Proxy {
    /// For requests that are not encrypted, to an authority.
    pub fn absolute(name: &str, authority: &str, credentials: Option<&str>) -> Proxy {
        let origin = format!("http://{authority}").into();
        Proxy { name: name.into(), means: Means::Absolute { origin, lines: authorization(credentials).into() } }
    }

    /// For a stream to `host:port`.
    pub fn tunnel(name: &str, to: &str, credentials: Option<&str>) -> Proxy {
        let lines = authorization(credentials);
        let request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nUser-Agent: {AGENT}\r\n{lines}\r\n");
        Proxy { name: name.into(), means: Means::Tunnel(request.into()) }
    }

    /// A request as the proxy is told it; none where it is told nothing.
    pub fn told<'p>(&'p self, pieces: &[&'p [u8]]) -> Option<Vec<&'p [u8]>> {
        let Means::Absolute { origin, lines } = &self.means else { return None };
        let (head, rest) = pieces.split_first()?;
        let asked = head.iter().position(|byte| *byte == b' ')? + 1;
        let line = head.iter().position(|byte| *byte == b'\n')? + 1;
        let mut told = vec![&head[..asked], origin.as_bytes(), &head[asked..line], lines.as_bytes(), &head[line..]];
        told.extend_from_slice(rest);
        Some(told)
    }

    /// Opens the tunnel through a stream to the proxy, where it is one.
    pub async fn opens(&self, stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Result<(), Broken> {
        let Means::Tunnel(request) = &self.means else { return Ok(()) };
        let lost = || self.broken("closed the connection before it answered CONNECT");
        stream.write_all(request.as_bytes()).await.map_err(|_| lost())?;
        let mut answer = Vec::new();
        let mut room = [0; 1024];
        loop {
            while let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&answer[..end]).into_owned();
                let behind = answer.split_off(end + 4);
                let said = head.lines().next().unwrap_or_default();
                let status = said.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse::<u16>().ok());
                match status {
                    // Interim ones say nothing of it (RFC 9110, 15.2).
                    Some(100..200) => answer = behind,
                    Some(200..300) if behind.is_empty() => return Ok(()),
                    Some(200..300) => return Err(self.broken("said more than its answer to CONNECT")),
                    Some(_) => {
                        let status = said.split_once(' ').map_or("", |(_, status)| status);
                        return Err(self.broken(&format!("answered CONNECT with {}", escaped_start(status, SHOWN))));
                    }
                    None => return Err(self.broken("speaks no HTTP/1.1")),
                }
            }
            if answer.len() > LONGEST {
                return Err(self.broken("answered CONNECT with a head that is too long"));
            }
            match stream.read(&mut room).await {
                Ok(count @ 1..) => answer.extend_from_slice(&room[..count]),
                Ok(_) | Err(_) => return Err(lost()),
            }
        }
    }

    fn broken(&self, what: &str) -> Broken {
        Broken { failure: Failure::Proxy, because: Some(format!("the proxy `{}` {what}", self.name)) }
    }

    /// Nobody could be asked.
    pub fn unreached(&self, failure: Failure) -> Broken {
        Broken { failure, because: Some(format!("on the way to the proxy `{}`", self.name)) }
    }
}

/// Characters of a status that are shown.
const SHOWN: usize = 100;
/// Bytes of an answer to CONNECT, at most.
const LONGEST: usize = 16 << 10;

fn authorization(credentials: Option<&str>) -> String {
    credentials.map_or_else(String::new, |coded| format!("Proxy-Authorization: Basic {coded}\r\n"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may panic.
    use super::*;

    #[test]
    fn a_request_names_the_whole_url_and_what_is_for_the_proxy() {
        let proxy = Proxy::absolute("proxy:1", "shop.test", Some("eDp5"));
        let told = proxy.told(&[b"GET /a?b HTTP/1.1\r\nHost: shop.test\r\n\r\n", b"body"]).unwrap().concat();
        let expected =
            "GET http://shop.test/a?b HTTP/1.1\r\nProxy-Authorization: Basic eDp5\r\nHost: shop.test\r\n\r\nbody";
        assert_eq!(String::from_utf8(told).unwrap(), expected);
        assert!(Proxy::tunnel("proxy:1", "shop.test:443", None).told(&[b"GET / HTTP/1.1\r\n\r\n"]).is_none());
        assert_eq!(format!("{proxy:?}"), "Proxy(proxy:1)");
    }

    /// What came of a tunnel, and what the proxy was told.
    fn tunnel(answer: &[u8]) -> (Result<(), Option<String>>, String) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mut near, mut far) = tokio::io::duplex(64 << 10);
            far.write_all(answer).await.unwrap();
            let proxy = Proxy::tunnel("proxy:1", "shop.test:443", Some("eDp5"));
            let opened = match answer.is_empty() {
                true => {
                    far.shutdown().await.unwrap();
                    proxy.opens(&mut near).await
                }
                false => proxy.opens(&mut near).await,
            };
            drop(near);
            let mut told = String::new();
            far.read_to_string(&mut told).await.unwrap();
            let opened = opened.map_err(|broken| {
                assert_eq!(broken.failure, Failure::Proxy);
                broken.because
            });
            (opened, told)
        })
    }

    #[test]
    fn a_tunnel_is_open_once_the_proxy_says_so() {
        let (opened, told) =
            tunnel(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n");
        assert_eq!(opened, Ok(()));
        let lines: Vec<&str> = told.lines().filter(|line| !line.starts_with("User-Agent: stressc/")).collect();
        let expected = ["CONNECT shop.test:443 HTTP/1.1", "Host: shop.test:443", "Proxy-Authorization: Basic eDp5", ""];
        assert_eq!(lines, expected);
        for (answer, why) in [
            (
                &b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"[..],
                "answered CONNECT with 407 Proxy Authentication Required",
            ),
            (b"HTTP/1.0 502 \x1b[2J\r\n\r\n", "answered CONNECT with 502 \\u{1b}[2J"),
            (b"HTTP/1.1 200 OK\r\n\r\nmore", "said more than its answer to CONNECT"),
            (b"SSH-2.0-x\r\n\r\n", "speaks no HTTP/1.1"),
            (b"", "closed the connection before it answered CONNECT"),
            (&[b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'y'; 17 << 10]].concat(), "with a head that is too long"),
        ] {
            let because = tunnel(answer).0.unwrap_err().unwrap();
            assert!(because.starts_with("the proxy `proxy:1` ") && because.ends_with(why), "{because}");
        }
    }
}
