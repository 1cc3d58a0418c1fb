//! Compressed answers: what comes out, what is refused, and how much memory that takes.

use super::*;
use crate::wire::http1::Failure;
use crate::wire::http1::KEPT_LIMIT;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

const TEXT: &[u8] = b"hello";
/// `hello` by another encoder.
const BROTLI: &[u8] = b"\x0b\x02\x80hello\x03";

pub(super) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn raw(body: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn response(coding: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\n{coding}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[test]
fn what_is_read_is_what_was_compressed() {
    for (coding, body) in [
        ("Content-Encoding: gzip\r\n", gzip(TEXT)),
        ("content-encoding: X-GZIP\r\n", gzip(TEXT)),
        ("Content-Encoding: gzip\r\n", [gzip(b"hel"), gzip(b"lo")].concat()),
        ("Content-Encoding: deflate\r\n", zlib(TEXT)),
        ("Content-Encoding: Deflate\r\n", raw(TEXT)),
        ("Content-Encoding: br\r\n", BROTLI.to_vec()),
        ("Content-Encoding: br, gzip\r\n", gzip(BROTLI)),
        ("Content-Encoding: deflate\r\nContent-Encoding: identity , gzip\r\n", gzip(&zlib(TEXT))),
        ("Content-Encoding: identity\r\n", TEXT.to_vec()),
        ("Content-Encoding: \r\n", TEXT.to_vec()),
    ] {
        let answer = good(&response(coding, &body), true, KEEP);
        assert_eq!((&answer.body[..], answer.body_bytes), (TEXT, body.len() as u64), "{coding}");
        assert!(answer.keep_alive);
        // Nobody reads it: it is counted, and that is all.
        assert_eq!(good(&response(coding, &body), true, Ask::default()).body_bytes, body.len() as u64);
    }
}

#[test]
fn what_cannot_be_decoded_fails_who_reads_it() {
    for (coding, body) in [
        ("Content-Encoding: zstd\r\n", TEXT.to_vec()),
        ("Content-Encoding: gzip, gzip, gzip\r\n", gzip(&gzip(&gzip(TEXT)))),
        ("Content-Encoding: gzip\r\n", TEXT.to_vec()),
        ("Content-Encoding: gzip\r\n", gzip(TEXT)[..12].to_vec()),
        ("Content-Encoding: deflate\r\n", b"\x78\x9c?".to_vec()),
        ("Content-Encoding: br\r\n", BROTLI[..6].to_vec()),
        ("Content-Encoding: br\r\n", gzip(TEXT)),
        // A window of 2^30 bytes, an extension of brotli.
        ("Content-Encoding: br\r\n", b"\x11\x1e\x02\x80hello\x03".to_vec()),
    ] {
        assert_eq!(bad(&response(coding, &body)), Failure::Protocol, "{coding}");
        assert!(good(&response(coding, &body), true, Ask::default()).keep_alive);
    }
}

#[test]
fn no_body_is_none_whatever_its_coding() {
    let head_only = Ask { head_only: true, ..KEEP };
    for coding in ["gzip", "br", "deflate", "zstd"] {
        let text = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: 9\r\n\r\n");
        assert!(good(text.as_bytes(), true, head_only).body.is_empty());
        let empty = response(&format!("Content-Encoding: {coding}\r\n"), b"");
        assert!(good(&empty, true, KEEP).body.is_empty());
    }
}

#[test]
fn a_bomb_ends_at_the_limit() {
    let most = vec![0; KEPT_LIMIT as usize];
    let (fits, bomb) = (gzip(&most), gzip(&[&most[..], b"!"].concat()));
    assert!(bomb.len() < 100_000);
    assert_eq!(good(&response("Content-Encoding: gzip\r\n", &fits), true, KEEP).body.len(), most.len());
    let twice = gzip(&bomb);
    for (coding, body) in [("gzip", &bomb), ("gzip, gzip", &twice)] {
        let (result, answer) = answered(vec![response(&format!("Content-Encoding: {coding}\r\n"), body)], true, KEEP);
        assert_eq!((result, answer.body.len()), (Err(Failure::TooLarge), body.len()));
    }
}
