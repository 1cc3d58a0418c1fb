//! What the shop asks of others on this machine: one request on a connection of its own.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// `HTTP/1.1 200`, with which an answer begins.
const BEGINNING: usize = 12;

/// The status of the answer, which is there within the given time.
pub async fn ask(to: SocketAddr, method: &str, path: &str, json: &str, within: Duration) -> Result<u16, Error> {
    match tokio::time::timeout(within, exchange(to, method, path, json)).await {
        Ok(answered) => answered,
        Err(_) => Err(ErrorKind::TimedOut.into()),
    }
}

async fn exchange(to: SocketAddr, method: &str, path: &str, json: &str) -> Result<u16, Error> {
    let mut stream = TcpStream::connect(to).await?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        json.len()
    );
    stream.write_all(&[head.as_bytes(), json.as_bytes()].concat()).await?;
    // The status is in the first bytes, and what follows them is of no interest. The other side may keep the connection open.
    let mut beginning = [0; BEGINNING];
    stream.read_exact(&mut beginning).await?;
    let text = std::str::from_utf8(&beginning).ok();
    let status = text.and_then(|text| text.strip_prefix("HTTP/1.")?.get(2..)?.parse().ok());
    status.ok_or_else(|| ErrorKind::InvalidData.into())
}
