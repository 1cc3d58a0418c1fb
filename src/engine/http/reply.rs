//! From the pieces that reads bring to a whole answer.
//!
//! An answer that comes in one piece is taken in where it lies. Only a head without its end waits in
//! the stash, because a body is decoded as it comes.

use super::{Ask, Scratch};
use crate::wire::http1::{Answer, Body, Codings, Failure, Framing, Keep, LOOK, START, head};

/// Up to here even a piece without a line end is parsed, to refuse garbage at once.
const EAGER: usize = 64;

/// Takes in what one read brought; true when the answer is complete.
pub fn take(
    data: &[u8],
    stash: &mut Vec<u8>,
    body: &mut Option<Body>,
    ask: Ask,
    scratch: &Scratch,
    answer: &mut Answer,
) -> Result<bool, Failure> {
    if stash.is_empty() {
        return match advance(data, body, ask, scratch, answer)? {
            Received::Complete => Ok(true),
            Received::Partial(used) => {
                stash.extend_from_slice(&data[used..]);
                Ok(false)
            }
        };
    }
    stash.extend_from_slice(data);
    // A head ends with a line: without one a slow drip is not parsed anew for every byte.
    if stash.len() > EAGER && stash.len() < head::HEAD_LIMIT && !data.contains(&b'\n') {
        return Ok(false);
    }
    match advance(stash, body, ask, scratch, answer)? {
        Received::Complete => Ok(true),
        Received::Partial(used) => {
            stash.drain(..used);
            Ok(false)
        }
    }
}

/// What cannot be decoded is no matter to a step that does not read it.
pub fn refuse_unknown(ask: Ask, codings: Codings, is_empty: bool) -> Result<(), Failure> {
    match ask.keep_body && codings == Codings::Unknown && !is_empty {
        true => Err(Failure::Protocol),
        false => Ok(()),
    }
}

/// How much of a body is kept. What did not go well is looked at by a person.
pub fn keep(ask: Ask, status: u16, codings: Codings) -> Keep {
    match ask.keep_body {
        true => Keep::All,
        false if ask.look => Keep::Start(LOOK),
        false if status >= 300 && codings == Codings::Plain => Keep::Start(START),
        false => Keep::Nothing,
    }
}

enum Received {
    Complete,
    /// So many bytes are dealt with; the others begin a head.
    Partial(usize),
}

fn advance(
    data: &[u8],
    body: &mut Option<Body>,
    ask: Ask,
    scratch: &Scratch,
    answer: &mut Answer,
) -> Result<Received, Failure> {
    let mut used = 0;
    let body = match body {
        Some(body) => body,
        None => loop {
            let rest = &data[used..];
            let Some(head) = scratch.memo.borrow_mut().parse(rest)? else { return Ok(Received::Partial(used)) };
            used += head.length;
            // Interim answers announce the one that counts; 101 is the last word in HTTP.
            if head.status < 200 && head.status != 101 {
                answer.interim += head.length;
                // Without an end to them the one that counts never comes.
                if answer.interim > head::HEAD_LIMIT {
                    return Err(Failure::Protocol);
                }
                continue;
            }
            answer.status = head.status;
            answer.injected = head.injected;
            if ask.keep_headers || ask.look {
                answer.headers.extend_from_slice(head::header_lines(&rest[..head.length]));
            }
            if (ask.note_cookies && head.sets_cookies) || (ask.note_redirects && head::leads_on(head.status)) {
                answer.notes.extend_from_slice(head::header_lines(&rest[..head.length]));
            }
            let bodiless = ask.head_only || matches!(head.status, 101 | 204 | 304);
            let framing = if bodiless { Framing::Length(0) } else { head.framing };
            refuse_unknown(ask, head.codings, framing == Framing::Length(0))?;
            answer.codings = head.codings;
            answer.keep_alive = head.keep_alive && framing != Framing::UntilEof && head.status != 101;
            let keep = keep(ask, head.status, head.codings);
            break body.insert(Body::new(framing, keep, answer)?);
        },
    };
    match body.feed(&data[used..], answer)? {
        Some(end) => {
            // Bytes nobody asked for would be taken for the next answer.
            answer.keep_alive &= used + end == data.len();
            Ok(Received::Complete)
        }
        None => Ok(Received::Partial(data.len())),
    }
}
