//! The page of metrics over HTTP. Whoever asks may be hostile: heads, connections and the time of each are bounded, and none of them is in the
//! way of the run.

use super::counters::Counters;
use super::families::families;
use super::text::{Format, page};
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// Connections at a time. One more ends the oldest of them.
const MOST: usize = 32;
const HEAD_LIMIT: usize = 16 << 10;
const HEADERS: usize = 64;
/// How long a head may take, and an answer.
const TO_ASK: Duration = Duration::from_secs(5);
const TO_ANSWER: Duration = Duration::from_secs(10);
/// A page is not made again before this, however often it is asked for.
const FRESH: Duration = Duration::from_millis(100);
/// The longest time between two scrapes of somebody who is awaited.
const LONGEST: Duration = Duration::from_secs(60);
/// Of so many who ask it is known how often they do, and so much of their names.
const SCRAPERS: usize = 16;
const NAME: usize = 64;

/// What the thread of the streams and its endpoints share. It is locked for as long as a page takes, and never by the run.
#[derive(Default)]
pub struct Shared {
    pub counters: Counters,
    /// The runs are over, and all that they told is counted.
    is_final: bool,
    pages: [Option<(Instant, Arc<str>)>; Format::ALL.len()],
    scrapers: Vec<Scraper>,
}

/// Who asks for the page.
struct Scraper {
    /// Their address, and what they call themselves.
    who: (IpAddr, String),
    last: Instant,
    every: Option<Duration>,
    has_final: bool,
}

pub type Sharing = Arc<Mutex<Shared>>;

pub fn locked(shared: &Sharing) -> std::sync::MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn page(&mut self, format: Format, now: Instant) -> Arc<str> {
        let kept = &self.pages[format as usize];
        if let Some((_, page)) = kept.as_ref().filter(|(made, _)| now.saturating_duration_since(*made) < FRESH) {
            return page.clone();
        }
        let made: Arc<str> = page(&families(&self.counters), format).into();
        self.pages[format as usize] = Some((now, made.clone()));
        made
    }

    pub(super) fn scraped(&mut self, who: (IpAddr, String), now: Instant) {
        let (is_final, has_room) = (self.is_final, self.scrapers.len() < SCRAPERS);
        match self.scrapers.iter_mut().find(|own| own.who == who) {
            Some(own) => {
                own.every = Some(now.saturating_duration_since(own.last));
                (own.last, own.has_final) = (now, is_final);
            }
            None if has_room => {
                self.scrapers.push(Scraper { who, last: now, every: None, has_final: is_final });
            }
            None => {}
        }
    }

    /// Nothing is counted any more.
    pub fn finish(&mut self) {
        self.is_final = true;
        self.pages = Default::default();
    }

    /// How long it may take until everybody who scrapes regularly has read the last numbers; nothing where they have, or do not come again.
    pub fn awaits(&self, now: Instant) -> Option<Duration> {
        let left = |own: &Scraper| {
            // Somewhat behind its time a scrape is late, and then nobody comes any more.
            let every = own.every.filter(|_| !own.has_final)?.min(LONGEST);
            let until = own.last + every + (every / 4).max(Duration::from_millis(250));
            Some(until.saturating_duration_since(now)).filter(|left| !left.is_zero())
        };
        self.scrapers.iter().filter_map(left).max()
    }
}

/// Answers whoever comes, until it is dropped.
pub async fn serve(listener: TcpListener, shared: Sharing) {
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Without a descriptor there is nothing to answer with.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        open.retain(|connection| !connection.is_finished());
        if open.len() >= MOST {
            open.pop_front().into_iter().for_each(|oldest| oldest.abort());
        }
        open.push_back(tokio::spawn(answer(stream, peer, shared.clone())).abort_handle());
    }
}

/// One request and its answer. A scrape has its own connection: none is held open that nobody uses.
async fn answer(mut stream: TcpStream, peer: SocketAddr, shared: Sharing) {
    let Ok(asked) = timeout(TO_ASK, head(&mut stream)).await else { return };
    let answer = match asked {
        None => return,
        Some(Err(status)) => plain(status, ""),
        Some(Ok(Asked { method, path, accept, agent })) => match (method.as_str(), path.as_str()) {
            ("GET" | "HEAD", "/metrics") => {
                let (format, now) = (Format::accepted(&accept), Instant::now());
                let page = {
                    let mut shared = locked(&shared);
                    shared.scraped((peer.ip(), agent), now);
                    shared.page(format, now)
                };
                let head = self::headers("200 OK", format.content_type(), page.len());
                if method == "HEAD" { head } else { head + &page }
            }
            ("GET" | "HEAD", _) => plain("404 Not Found", "the metrics are at /metrics\n"),
            _ => plain("405 Method Not Allowed", ""),
        },
    };
    let told = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        // What is not read would break off the answer.
        let mut rest = [0; 4096];
        let mut left = HEAD_LIMIT;
        while left > 0 {
            match stream.read(&mut rest).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        std::io::Result::Ok(())
    };
    let _ = timeout(TO_ANSWER, told).await;
}

struct Asked {
    method: String,
    path: String,
    accept: String,
    agent: String,
}

/// Nothing of somebody who goes away, or the status of what is no request.
async fn head(stream: &mut TcpStream) -> Option<Result<Asked, &'static str>> {
    let mut read = Vec::new();
    loop {
        let before = read.len();
        read.resize(before + 2048, 0);
        let more = stream.read(&mut read[before..]).await.ok().filter(|more| *more > 0)?;
        read.truncate(before + more);
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&read) {
            Ok(httparse::Status::Complete(_)) => {
                let all = |name: &str| {
                    let own = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
                    own.map(|header| String::from_utf8_lossy(header.value)).collect::<Vec<_>>().join(",")
                };
                let path = request.path.unwrap_or_default();
                return Some(Ok(Asked {
                    method: request.method.unwrap_or_default().to_owned(),
                    path: path.split(['?', '#']).next().unwrap_or_default().to_owned(),
                    accept: all("accept"),
                    agent: all("user-agent").chars().take(NAME).collect(),
                }));
            }
            Ok(httparse::Status::Partial) if read.len() < HEAD_LIMIT => {}
            Ok(httparse::Status::Partial) => return Some(Err("431 Request Header Fields Too Large")),
            Err(_) => return Some(Err("400 Bad Request")),
        }
    }
}

fn headers(status: &str, kind: &str, length: usize) -> String {
    let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
    format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{allow}Connection: close\r\n\r\n")
}

fn plain(status: &str, text: &str) -> String {
    headers(status, "text/plain; charset=utf-8", text.len()) + text
}
