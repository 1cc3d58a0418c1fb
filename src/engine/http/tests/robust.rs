//! Whatever a server sends, in whatever pieces: the client neither panics nor hangs nor fills the memory, and what is
//! right it reads as it was sent.

use super::coding::{gzip, raw, zlib};
use super::*;
use crate::engine::http::connection::Connection;
use crate::wire::http1::HEAD_LIMIT;
use crate::wire::http1::{Answer, Failure};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

struct Random(u64);

impl Random {
    /// Smaller than `n`, which is not 0.
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }

    fn pick<'t>(&mut self, all: &[&'t str]) -> &'t str {
        all[self.below(all.len())]
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most);
        // Few different ones, so that there is something to compress.
        (0..length).map(|_| b"abc\r\n\0 0"[self.below(8)]).collect()
    }
}

/// An answer as a server means it.
#[derive(Debug)]
struct Meant {
    status: usize,
    body: Vec<u8>,
    text: Vec<u8>,
}

fn meant(random: &mut Random) -> Meant {
    let status = [200, 201, 204, 301, 304, 404, 503][random.below(7)];
    let most = if matches!(status, 204 | 304) { 1 } else { [4, 300, 5000, 90_000][random.below(4)] };
    let body = random.bytes(most);
    let mut text = Vec::new();
    for _ in 0..random.below(3) {
        text.extend_from_slice(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
    }
    text.extend_from_slice(format!("HTTP/1.1 {status} Reason\r\n").as_bytes());
    for index in 0..random.below(9) {
        text.extend_from_slice(format!("X-{index}: {}\r\n", "v".repeat(random.below(90))).as_bytes());
    }
    let coded = match random.below(if body.is_empty() { 1 } else { 6 }) {
        1 => ("gzip", gzip(&body)),
        2 => ("deflate", zlib(&body)),
        3 => ("deflate", raw(&body)),
        4 => ("deflate, gzip", gzip(&zlib(&body))),
        _ => ("identity", body.clone()),
    };
    text.extend_from_slice(format!("Content-Encoding: {}\r\n", coded.0).as_bytes());
    let coded = coded.1;
    match random.below(3) {
        _ if matches!(status, 204 | 304) => text.extend_from_slice(b"\r\n"),
        0 => {
            text.extend_from_slice(format!("Content-Length: {}\r\n\r\n", coded.len()).as_bytes());
            text.extend_from_slice(&coded);
        }
        1 => {
            text.extend_from_slice(b"Connection: close\r\n\r\n");
            text.extend_from_slice(&coded);
        }
        _ => {
            text.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
            let mut rest = &coded[..];
            while !rest.is_empty() {
                let (chunk, after) = rest.split_at(1 + random.below(rest.len()));
                text.extend_from_slice(format!("{:x}{}\r\n", chunk.len(), random.pick(&["", ";a=b", " "])).as_bytes());
                text.extend_from_slice(chunk);
                text.extend_from_slice(b"\r\n");
                rest = after;
            }
            text.extend_from_slice(format!("0\r\n{}\r\n", random.pick(&["", "Sum: 1\r\n"])).as_bytes());
        }
    }
    Meant { status, body, text }
}

/// Bytes flipped, cut, doubled, swapped, put in.
fn mutate(text: &mut Vec<u8>, random: &mut Random) {
    if text.is_empty() {
        return;
    }
    // Most of what decides stands at the start.
    let near = if random.below(2) == 0 { text.len().min(300) } else { text.len() };
    let start = random.below(near);
    let end = start + random.below((text.len() - start).min(200) + 1);
    match random.below(7) {
        0 => text[start] ^= 1 << random.below(8),
        1 => text[start] = random.below(256) as u8,
        2 => drop(text.drain(start..end)),
        3 => text.truncate(start),
        4 => {
            let piece = text[start..end].repeat(1 + random.below(40));
            text.splice(start..start, piece);
        }
        5 => {
            let piece: Vec<u8> = text.drain(start..end).collect();
            let at = random.below(text.len() + 1);
            text.splice(at..at, piece);
        }
        _ => {
            let piece = random.pick(&[
                "\r\n",
                "\n",
                "\0",
                "\r\n\r\n",
                "Content-Length: 5\r\n",
                "Content-Length: 99999999999999999999\r\n",
                "Transfer-Encoding: chunked\r\n",
                "Content-Encoding: br\r\n",
                "HTTP/1.1 100 Continue\r\n\r\n",
                "ffffffffffffffff\r\n",
                "0\r\n\r\n",
                ": ",
                " ",
            ]);
            text.splice(start..start, piece.bytes());
        }
    }
}

/// What the client makes of a text that comes in random pieces, after which the stream ends.
async fn read(text: Vec<u8>, random: &mut Random, scratch: &Scratch) -> (Result<(), Failure>, Answer) {
    let (client, mut server) = duplex(1 + random.below(20_000));
    let mut random = Random(random.0 ^ 0x9e37_79b9_7f4a_7c15);
    let serve = async move {
        let _ = server.read(&mut [0; 20]).await;
        let mut rest = &text[..];
        let longest = [3, 100, 70_000][random.below(3)];
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((1 + random.below(longest)).min(rest.len()));
            if server.write_all(piece).await.is_err() {
                return;
            }
            rest = after;
            tokio::task::yield_now().await;
        }
    };
    let mut answer = Answer::default();
    let clock = Clock(Instant::now());
    let client = async {
        let mut connection = Connection::over(client);
        let result = connection.exchange(&[REQUEST], KEEP, scratch, &clock, (0, 4 * LONG), &mut answer).await;
        (result, connection.stash)
    };
    let ((result, stash), ()) = tokio::join!(client, serve);
    assert_ne!(result, Err(Failure::Timeout), "the stream has ended, and the client waits on");
    assert!(stash.capacity() <= 4 * HEAD_LIMIT, "{} bytes wait for the end of a head", stash.capacity());
    assert!(answer.headers.len() <= HEAD_LIMIT);
    (result, answer)
}

#[test]
fn any_answer_is_survived() {
    let asked = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let first = asked("SEED").unwrap_or(now.as_nanos() as u64) | 1;
    let (began, length) = (Instant::now(), Duration::from_secs(asked("FUZZ_SECONDS").unwrap_or(3)));
    let scratch = Scratch::new();
    let mut seed = first;
    let mut right = 0;
    // What one answer leaves behind must not change how the next is read, so all share what a worker shares.
    while began.elapsed() < length {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let mut random = Random(seed);
            let mut all = meant(&mut random);
            let mutations = random.below(4);
            (0..mutations).for_each(|_| mutate(&mut all.text, &mut random));
            let shown = String::from_utf8_lossy(&all.text[..all.text.len().min(600)]).into_owned();
            let (result, answer) = run(read(std::mem::take(&mut all.text), &mut random, &scratch));
            if mutations == 0 {
                assert_eq!((result, usize::from(answer.status)), (Ok(()), all.status), "{shown}");
                assert!(answer.body == all.body, "{shown}");
                return 1;
            }
            0
        }));
        match outcome {
            Ok(one) => right += one,
            Err(_) => panic!("SEED={seed} says it again"),
        }
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) | 1;
    }
    assert!(right > 10, "only {right} answers were left as they were");
}
