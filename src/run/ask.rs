//! Requests of the control plane over HTTP: whether a service is ready, a page of metrics, a query to Prometheus. They go only to
//! addresses in the file: redirects are not followed, and environment variables name no proxy. The servers may be broken or
//! hostile, so each answer is limited in time and length.

use crate::base::shown::escaped_start;
use crate::base::socket::UnixSocket;
use crate::base::units;
use crate::engine::http::host;
use crate::engine::tls;
use crate::run::wall::Wall;
use reqwest::Response;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_ENCODING, DATE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use rustls::pki_types::CertificateDer;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// Characters of a redirect that are shown.
const SHOWN: usize = 200;

/// Authorities that a scenario names.
pub type Trust = Arc<[CertificateDer<'static>]>;

#[derive(Debug, Clone)]
pub struct ControlClient {
    client: reqwest::Client,
    tls: rustls::ClientConfig,
    /// What each request has beside the usual, such as credentials.
    headers: HeaderMap,
    /// How long an answer may take, from the connection to its last byte.
    patience: Duration,
}

/// An answer with its body as a text.
pub struct Answer {
    /// `Err` is what its status says, where that is no 2xx.
    pub well: Result<(), String>,
    /// When the server says that it sent this.
    pub date: Option<Wall>,
    pub body: String,
}

impl ControlClient {
    /// Of those who are asked over https the certificates are trusted that this machine trusts, and these.
    pub fn new(patience: Duration, trust: Option<&Trust>) -> Result<ControlClient, String> {
        let tls = tls::trusting(trust.map(|trust| &**trust))?;
        Ok(ControlClient { client: client(patience, &tls, None)?, tls, headers: HeaderMap::new(), patience })
    }

    /// With headers in each request. They hold credentials, which no log shows.
    pub fn with_headers(self, headers: &[(String, String)]) -> Result<ControlClient, String> {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            let of = HeaderName::try_from(name).map_err(|_| format!("`{}` is no name of a header", shown(name)))?;
            let mut value =
                HeaderValue::try_from(value).map_err(|_| format!("the value of the header `{name}` is none"))?;
            value.set_sensitive(true);
            all.insert(of, value);
        }
        Ok(ControlClient { headers: all, ..self })
    }

    async fn get(&self, address: &str) -> Result<Response, String> {
        let sent = match UnixSocket::is_meant(address) {
            false => self.client.get(address).headers(self.headers.clone()).send().await,
            true => {
                let (UnixSocket { file, path }, query) =
                    UnixSocket::asked(address).map_err(|why| format!("`{address}` is no address: {why}"))?;
                let client = client(self.patience, &self.tls, Some(&file))?;
                client.get(format!("http://localhost{path}{query}")).headers(self.headers.clone()).send().await
            }
        };
        sent.map_err(|error| self.why(error))
    }

    /// Whether the answer is a 2xx; its body is not read.
    pub async fn answers(&self, url: &str) -> Result<(), String> {
        well(&self.get(url).await?)
    }

    /// The body of a 2xx as a text, of at most this many MiB.
    pub async fn page(&self, url: &str, mib: usize) -> Result<String, String> {
        let answer = self.get(url).await?;
        well(&answer)?;
        self.body(answer, mib).await
    }

    /// An answer whatever its status, because its body may say more.
    pub async fn answer(&self, url: &str, mib: usize) -> Result<Answer, String> {
        let answer = self.get(url).await?;
        let well = well(&answer);
        let date = answer.headers().get(DATE).and_then(|date| Wall::of_date(date.to_str().ok()?));
        match (self.body(answer, mib).await, well) {
            (Ok(body), well) => Ok(Answer { well, date, body }),
            (Err(_), Err(status)) => Err(status),
            (Err(reason), Ok(())) => Err(reason),
        }
    }

    async fn body(&self, mut answer: Response, mib: usize) -> Result<String, String> {
        if let Some(coding) = answer.headers().get(CONTENT_ENCODING).filter(|coding| *coding != "identity") {
            let coding = String::from_utf8_lossy(coding.as_bytes()).into_owned();
            return Err(format!("the page comes in `{}`, which it was not asked for", shown(&coding)));
        }
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|error| self.why(error))? {
            if body.len() + part.len() > mib << 20 {
                return Err(format!("the page is longer than {mib} MiB"));
            }
            body.extend_from_slice(&part);
        }
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// Why a request came to nothing, without the address, which the report need not repeat each second.
    fn why(&self, error: reqwest::Error) -> String {
        match error {
            error if error.is_timeout() => {
                format!("no answer within {}", units::duration(self.patience.as_nanos() as u64))
            }
            error if error.is_connect() => of_tls(&error).unwrap_or_else(|| "connection refused".to_owned()),
            error => error.without_url().to_string(),
        }
    }
}

/// Looks names up as those of targets are.
struct AsTargets;

impl Resolve for AsTargets {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // A resolver may take as long as it likes.
            let found = tokio::task::spawn_blocking(move || host::looked_up(name.as_str(), 0)).await??;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// One that asks hosts, or whoever listens at a Unix socket. A connection that is kept may be closed just as the next question is
/// sent, and that would pass for a failure.
fn client(patience: Duration, tls: &rustls::ClientConfig, socket: Option<&str>) -> Result<reqwest::Client, String> {
    let client = reqwest::Client::builder().timeout(patience).no_proxy().redirect(Policy::none());
    let client =
        client.pool_max_idle_per_host(0).dns_resolver(Arc::new(AsTargets)).tls_backend_preconfigured(tls.clone());
    let client = match socket {
        Some(socket) => client.unix_socket(socket),
        None => client,
    };
    client.build().map_err(|error| error.to_string())
}

/// What went wrong in the handshake.
fn of_tls(error: &reqwest::Error) -> Option<String> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        let found = inner.downcast_ref::<std::io::Error>().and_then(tls::why);
        if let Some((_, why)) = found {
            return Some(why);
        }
        cause = inner.source();
    }
    None
}

fn well(answer: &Response) -> Result<(), String> {
    let status = answer.status();
    match answer.headers().get(LOCATION).filter(|_| status.is_redirection()) {
        _ if status.is_success() => Ok(()),
        Some(to) => {
            let to = String::from_utf8_lossy(to.as_bytes()).into_owned();
            Err(format!("status {}, a redirect to `{}`, which is not followed", status.as_u16(), shown(&to)))
        }
        None => Err(format!("status {}", status.as_u16())),
    }
}

fn shown(text: &str) -> String {
    escaped_start(text, SHOWN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener, TcpStream};

    /// Says something to whoever asks, and then something over and over until the other side has enough, so slowly.
    fn server(head: Vec<u8>, piece: Vec<u8>, pause: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.set_nodelay(true);
                let _ = stream.read(&mut [0; 4096]);
                let say = |stream: &mut TcpStream| -> std::io::Result<()> {
                    stream.write_all(&head)?;
                    while !piece.is_empty() {
                        stream.write_all(&piece)?;
                        std::thread::sleep(pause);
                    }
                    Ok(())
                };
                let _ = say(&mut stream);
            }
        });
        address
    }

    const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

    /// Each in the end as a reason, within the time and the length of an answer.
    #[tokio::test]
    async fn a_hostile_page_is_a_reason() {
        let long = |text: &str| text.repeat((1 << 20) / text.len()).into_bytes();
        let none = Duration::ZERO;
        let slow = Duration::from_millis(100);
        let late = "no answer within 1s";
        for (name, head, piece, pause, why) in [
            (
                "100 MB",
                "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n",
                long("a 1\n"),
                none,
                "longer than 2 MiB",
            ),
            ("endless", "HTTP/1.1 200 OK\r\n\r\n", long("a 1\n"), none, "longer than 2 MiB"),
            ("chunks", CHUNKED, long(&format!("400\r\n{}\r\n", "a 1\n".repeat(256))), none, "longer than 2 MiB"),
            ("a long head", "HTTP/1.1 200 OK\r\n", long("X: y\r\n"), none, "error"),
            ("a long line", "HTTP/1.1 200 OK\r\nX: ", long("y"), none, "error"),
            ("interim", "", long("HTTP/1.1 103 Early Hints\r\n\r\n"), none, ""),
            ("an extension", CHUNKED, long("1;x"), none, "error"),
            ("trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", long("X: y\r\n"), none, ""),
            ("drops", "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x".to_vec(), slow, late),
            ("drops of a head", "HTTP/1.1 200 OK\r\nX: ", b"x".to_vec(), slow, late),
            ("HTTP/0.9", "a 1\n", Vec::new(), none, "error"),
            ("a lie", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\na 1\n", Vec::new(), none, "error"),
            (
                "gzip",
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
                Vec::new(),
                none,
                "`gzip`",
            ),
        ] {
            let address = server(head.as_bytes().to_vec(), piece, pause);
            let client = ControlClient::new(Duration::from_secs(if pause.is_zero() { 8 } else { 1 }), None).unwrap();
            let got = client.page(&format!("http://{address}/"), 2).await;
            match got {
                Err(reason) => assert!(reason.contains(why), "{name}: {reason}"),
                Ok(page) => assert!(why.is_empty() && page.is_empty(), "{name}: {} bytes", page.len()),
            }
        }
    }

    #[tokio::test]
    async fn no_redirect_is_followed() {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        other.set_nonblocking(true).unwrap();
        let to = other.local_addr().unwrap();
        let client = ControlClient::new(Duration::from_secs(5), None).unwrap();
        for status in [301, 302, 303, 307, 308] {
            let head = format!("HTTP/1.1 {status} Go\r\nLocation: http://{to}/x\r\nContent-Length: 0\r\n\r\n");
            let url = format!("http://{}/", server(head.into_bytes(), Vec::new(), Duration::ZERO));
            let reason = format!("status {status}, a redirect to `http://{to}/x`, which is not followed");
            assert_eq!(client.answers(&url).await, Err(reason.clone()));
            assert_eq!(client.page(&url, 1).await, Err(reason));
        }
        assert!(other.accept().is_err(), "nobody came");
    }
}
