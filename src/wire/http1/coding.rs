//! Compressed bodies: which codings a head names, and their undoing for a step that reads the body.

use std::io::{self, Read};

use brotli_decompressor::{BrotliDecoderParameter, Decompressor};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::Failure;
use super::body::KEPT_LIMIT;
use super::head::tokens;

/// How much the window of a brotli stream is read at a time.
const BROTLI_BUFFER: usize = 16 * 1024;

/// The names of RFC 9110, 8.4.1; `identity` is none.
const NAMES: [(&[u8], Option<Coding>); 5] = [
    (b"gzip", Some(Coding::Gzip)),
    (b"x-gzip", Some(Coding::Gzip)),
    (b"deflate", Some(Coding::Deflate)),
    (b"br", Some(Coding::Brotli)),
    (b"identity", None),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    Gzip,
    Deflate,
    Brotli,
}

/// The codings of a body in the order in which they were applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Codings {
    #[default]
    Plain,
    One(Coding),
    Two(Coding, Coding),
    /// One that is not known here, or more than anybody applies.
    Unknown,
}

impl Codings {
    /// Reads one of possibly several `Content-Encoding` headers.
    pub fn add(&mut self, value: &[u8]) {
        for token in tokens(value).filter(|token| !token.is_empty()) {
            let coding = match NAMES.iter().find(|(name, _)| token.eq_ignore_ascii_case(name)) {
                Some((_, Some(coding))) => *coding,
                Some((_, None)) => continue,
                None => {
                    *self = Codings::Unknown;
                    return;
                }
            };
            *self = match *self {
                Codings::Plain => Codings::One(coding),
                Codings::One(first) => Codings::Two(first, coding),
                Codings::Two(..) | Codings::Unknown => Codings::Unknown,
            };
        }
    }

    /// The body before it was compressed. A small one may stand for a large one: what comes out is held to the limit
    /// of all bodies, and to what it is when it was never compressed.
    pub fn decode(self, body: &mut Vec<u8>) -> Result<(), Failure> {
        // Where there is no body there is nothing that was compressed.
        if body.is_empty() {
            return Ok(());
        }
        let decoded = match self {
            Codings::Plain => return Ok(()),
            Codings::One(only) => read(decoder(only, body)),
            Codings::Two(first, last) => {
                let inner = read(decoder(last, body))?;
                read(decoder(first, &inner))
            }
            Codings::Unknown => return Err(Failure::Protocol),
        };
        *body = decoded?;
        Ok(())
    }
}

fn decoder<'b>(coding: Coding, body: &'b [u8]) -> Box<dyn Read + 'b> {
    match coding {
        Coding::Gzip => Box::new(MultiGzDecoder::new(body)),
        Coding::Deflate if has_zlib_header(body) => Box::new(ZlibDecoder::new(body)),
        // What many servers send, as old browsers wanted it.
        Coding::Deflate => Box::new(DeflateDecoder::new(body)),
        Coding::Brotli => {
            let mut decoder = Decompressor::new(body, BROTLI_BUFFER);
            // RFC 7932 has windows up to 16 MiB; the extension would let a few bytes ask for a gigabyte.
            decoder.set_parameter(BrotliDecoderParameter::BROTLI_DECODER_PARAM_LARGE_WINDOW, 0);
            Box::new(decoder)
        }
    }
}

/// RFC 1950, 2.2: the method is 8, and both bytes together are a multiple of 31.
fn has_zlib_header(body: &[u8]) -> bool {
    match body {
        [method, flags, ..] => method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31),
        _ => false,
    }
}

fn read(decoder: impl Read) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    let broken = |_: io::Error| Failure::Protocol;
    decoder.take(KEPT_LIMIT + 1).read_to_end(&mut out).map_err(broken)?;
    match out.len() as u64 > KEPT_LIMIT {
        true => Err(Failure::TooLarge),
        false => Ok(out),
    }
}
