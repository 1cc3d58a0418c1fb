//! Response heads: the status line, the headers that frame the body, and the one that says how it is compressed.

use std::mem::MaybeUninit;

use super::Failure;
use super::coding::Codings;

/// Heads beyond this are refused, so a hostile server cannot fill the memory.
pub const HEAD_LIMIT: usize = 64 * 1024;
const HEADERS: usize = 128;
/// A longer head is not worth remembering: it likely carries something unique.
const MEMO_LIMIT: usize = 1024;

/// The header by which an answer of a fault is told from one of the system.
pub const INJECTED: &str = "x-stressc-fault";

/// How the end of the body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    Length(u64),
    Chunked,
    UntilEof,
}

#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// Bytes up to and with the empty line.
    pub length: usize,
    pub status: u16,
    pub keep_alive: bool,
    pub framing: Framing,
    pub codings: Codings,
    pub sets_cookies: bool,
    /// A fault gave it.
    pub injected: bool,
}

/// The head parsed last. What a head means depends on its bytes alone, so a comparison can replace
/// parsing; a head ends with its empty line, so no longer head can begin with it.
#[derive(Default)]
pub struct Memo {
    bytes: Vec<u8>,
    head: Option<Head>,
}

impl Memo {
    /// Parses the head at the start of `data`; `None` when it is not complete yet.
    pub fn parse(&mut self, data: &[u8]) -> Result<Option<Head>, Failure> {
        if self.head.is_some() && data.starts_with(&self.bytes) {
            return Ok(self.head);
        }
        let head = parse(data)?;
        if let Some(head) = head
            && head.length <= MEMO_LIMIT
        {
            self.bytes.clear();
            self.bytes.extend_from_slice(&data[..head.length]);
            self.head = Some(head);
        }
        Ok(head)
    }
}

/// Parses the head of an answer; `None` when it is not complete yet.
pub fn parse(data: &[u8]) -> Result<Option<Head>, Failure> {
    // Uninitialised: clearing the array would cost more than parsing a usual head.
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS];
    let mut response = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let length = match config.parse_response_with_uninit_headers(&mut response, data, &mut headers) {
        Ok(httparse::Status::Complete(length)) if length <= HEAD_LIMIT => length,
        Ok(httparse::Status::Partial) if data.len() < HEAD_LIMIT => return Ok(None),
        _ => return Err(Failure::Protocol),
    };
    let status = response.code.filter(|code| *code >= 100).ok_or(Failure::Protocol)?;
    let mut fields = Fields::default();
    for header in response.headers.iter() {
        // The length of the name rules out nearly all headers before any letter is compared.
        match header.name.len() {
            10 if header.name.eq_ignore_ascii_case("connection") => fields.connection(header.value),
            10 if header.name.eq_ignore_ascii_case("set-cookie") => fields.sets_cookies = true,
            14 if header.name.eq_ignore_ascii_case("content-length") => fields.content_length(header.value)?,
            15 if header.name.eq_ignore_ascii_case(INJECTED) => fields.injected = true,
            16 if header.name.eq_ignore_ascii_case("content-encoding") => fields.codings.add(header.value),
            17 if header.name.eq_ignore_ascii_case("transfer-encoding") => fields.transfer_encoding(header.value)?,
            _ => {}
        }
    }
    // Two framings at once are how responses are smuggled (RFC 9112, 6.3).
    if fields.chunked.is_some() && fields.length.is_some() {
        return Err(Failure::Protocol);
    }
    let framing = match (fields.chunked, fields.length) {
        (Some(true), _) => Framing::Chunked,
        (None, Some(length)) => Framing::Length(length),
        // An encoding other than chunked has no end of its own.
        (Some(false), _) | (None, None) => Framing::UntilEof,
    };
    // HTTP/1.0 knows no transfer encodings: whoever sends one there may mean another end by it.
    let persistent = response.version == Some(1) || (fields.keep_alive && fields.chunked.is_none());
    let keep_alive = persistent && !fields.close;
    let Fields { codings, sets_cookies, injected, .. } = fields;
    Ok(Some(Head { length, status, keep_alive, framing, codings, sets_cookies, injected }))
}

/// What the head of a request says to an intermediary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Bytes up to and with the empty line.
    pub length: usize,
    pub framing: Framing,
    /// Its answer has no body.
    pub head_only: bool,
    /// What follows its answer is no HTTP.
    pub is_connect: bool,
    /// The client waits for a word before it sends the body.
    pub waits: bool,
    pub keep_alive: bool,
}

/// Parses the head of a request; `None` when it is not complete yet.
pub fn parse_request(data: &[u8]) -> Result<Option<Asked>, Failure> {
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS];
    let mut request = httparse::Request::new(&mut []);
    let config = httparse::ParserConfig::default();
    let length = match config.parse_request_with_uninit_headers(&mut request, data, &mut headers) {
        Ok(httparse::Status::Complete(length)) if length <= HEAD_LIMIT => length,
        Ok(httparse::Status::Partial) if data.len() < HEAD_LIMIT => return Ok(None),
        _ => return Err(Failure::Protocol),
    };
    let mut fields = Fields::default();
    let mut waits = false;
    for header in request.headers.iter() {
        match header.name.len() {
            6 if header.name.eq_ignore_ascii_case("expect") => waits = true,
            10 if header.name.eq_ignore_ascii_case("connection") => fields.connection(header.value),
            14 if header.name.eq_ignore_ascii_case("content-length") => fields.content_length(header.value)?,
            17 if header.name.eq_ignore_ascii_case("transfer-encoding") => fields.transfer_encoding(header.value)?,
            _ => {}
        }
    }
    let framing = match (fields.chunked, fields.length) {
        (Some(true), None) => Framing::Chunked,
        (None, length) => Framing::Length(length.unwrap_or(0)),
        // Two framings at once, or an encoding without an end: nobody can say where such a request ends.
        (Some(_), _) => return Err(Failure::Protocol),
    };
    let method = request.method.unwrap_or_default();
    let keep_alive = !fields.close && (request.version == Some(1) || fields.keep_alive);
    let (head_only, is_connect) = (method == "HEAD", method == "CONNECT");
    Ok(Some(Asked { length, framing, head_only, is_connect, waits, keep_alive }))
}

#[derive(Default)]
struct Fields {
    close: bool,
    keep_alive: bool,
    length: Option<u64>,
    /// Whether the last transfer encoding is `chunked`.
    chunked: Option<bool>,
    codings: Codings,
    sets_cookies: bool,
    injected: bool,
}

impl Fields {
    fn connection(&mut self, value: &[u8]) {
        for token in tokens(value) {
            self.close |= token.eq_ignore_ascii_case(b"close");
            self.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    /// Repeated lengths must agree, whether in several headers or in a list.
    fn content_length(&mut self, value: &[u8]) -> Result<(), Failure> {
        for token in tokens(value) {
            let length = decimal(token).ok_or(Failure::Protocol)?;
            if self.length.replace(length).is_some_and(|earlier| earlier != length) {
                return Err(Failure::Protocol);
            }
        }
        Ok(())
    }

    /// `chunked` is said once, as the last. We ask for no other, so a body that has one cannot be read.
    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Failure> {
        for token in tokens(value) {
            let chunked = token.eq_ignore_ascii_case(super::CHUNKED.as_bytes());
            if self.chunked == Some(true) {
                return Err(Failure::Protocol);
            }
            self.chunked = Some(chunked);
            if !chunked {
                self.codings = Codings::Unknown;
            }
        }
        Ok(())
    }
}

pub fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

/// Digits only: the standard parser would take a sign.
fn decimal(token: &[u8]) -> Option<u64> {
    if token.is_empty() {
        return None;
    }
    token.iter().try_fold(0u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// Statuses whose `Location` is followed.
pub fn leads_on(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// The values of all headers of that name, in any case, among header lines.
pub fn values<'h>(lines: &'h [u8], name: &str) -> impl Iterator<Item = &'h [u8]> {
    lines.split(|byte| *byte == b'\n').filter_map(move |line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (key, value) = line.split_at(colon);
        key.eq_ignore_ascii_case(name.as_bytes()).then(|| value[1..].trim_ascii())
    })
}

/// The header lines of a complete head, without the status line.
pub fn header_lines(head: &[u8]) -> &[u8] {
    // Empty lines may precede the status line.
    let start = head.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(0);
    match head[start..].iter().position(|byte| *byte == b'\n') {
        Some(end) => &head[start + end + 1..],
        None => &[],
    }
}
