//! Bodies, decoded as they arrive: nothing is buffered but what the caller keeps.

use super::head::{Framing, HEAD_LIMIT};
use super::{Answer, BODY_KEPT, Failure};

/// A body that is kept fails the exchange beyond this, as it came and decoded, instead of filling the memory.
pub const KEPT_LIMIT: u64 = 64 << 20;
/// Of a body that nobody asked for, what is kept of its start where somebody may want to see it.
pub const START: usize = 1024;
/// And where somebody looks on.
pub const LOOK: usize = 1 << 20;
/// What an announced length may reserve before a byte of it has come.
const RESERVE_LIMIT: u64 = 1 << 20;
/// A chunk size with its extensions.
const SIZE_LINE_LIMIT: usize = 4 * 1024;

/// How much of a body is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    Nothing,
    /// So much of its start.
    Start(usize),
    All,
}

/// The rest of a body.
pub struct Body {
    keep: Keep,
    rest: Rest,
}

enum Rest {
    Length(u64),
    Chunks { at: Chunk, line: usize },
    UntilEof,
}

/// What the next byte of a chunked body is part of.
#[derive(Clone, Copy)]
enum Chunk {
    /// The size so far, `None` before its first digit.
    Size(Option<u64>),
    /// Blanks between the size and what ends it.
    Blank(u64),
    Extension(u64),
    SizeEnd(u64),
    Data(u64),
    DataCr,
    DataLf,
    TrailerStart,
    Trailer,
    LastLf,
}

impl Body {
    pub fn new(framing: Framing, keep: Keep, answer: &mut Answer) -> Result<Body, Failure> {
        let rest = match framing {
            Framing::Length(length) => {
                if keep == Keep::All && length > KEPT_LIMIT {
                    return Err(Failure::TooLarge);
                }
                if keep == Keep::All {
                    answer.body.reserve(length.min(RESERVE_LIMIT) as usize);
                }
                Rest::Length(length)
            }
            Framing::Chunked => Rest::Chunks { at: Chunk::Size(None), line: 0 },
            Framing::UntilEof => Rest::UntilEof,
        };
        Ok(Body { keep, rest })
    }

    /// Only such a body is complete when the stream ends.
    pub fn ends_with_stream(&self) -> bool {
        matches!(self.rest, Rest::UntilEof)
    }

    /// How many of the next bytes are the body's own, whatever they say; none where framing is next.
    pub fn plain(&self) -> u64 {
        match self.rest {
            Rest::Length(rest) | Rest::Chunks { at: Chunk::Data(rest), .. } => rest,
            Rest::Chunks { .. } => 0,
            Rest::UntilEof => u64::MAX,
        }
    }

    /// So many of these went by, and nothing of them is kept. Whether the body is complete.
    pub fn skip(&mut self, bytes: u64) -> bool {
        match &mut self.rest {
            Rest::Length(rest) => {
                *rest = rest.saturating_sub(bytes);
                *rest == 0
            }
            Rest::Chunks { at, .. } => {
                if let Chunk::Data(rest) = at {
                    *at = if *rest > bytes { Chunk::Data(*rest - bytes) } else { Chunk::DataCr };
                }
                false
            }
            Rest::UntilEof => false,
        }
    }

    /// Takes in what arrived. `Some(used)` when the body is complete and ends after `used` bytes.
    pub fn feed(&mut self, data: &[u8], answer: &mut Answer) -> Result<Option<usize>, Failure> {
        let keep = self.keep;
        match &mut self.rest {
            Rest::Length(rest) => {
                let used = clamp(data.len(), *rest);
                store(keep, &data[..used], answer)?;
                *rest -= used as u64;
                Ok((*rest == 0).then_some(used))
            }
            Rest::Chunks { at, line } => chunks(at, line, keep, data, answer),
            Rest::UntilEof => store(keep, data, answer).map(|()| None),
        }
    }
}

fn chunks(
    at: &mut Chunk,
    line: &mut usize,
    keep: Keep,
    data: &[u8],
    answer: &mut Answer,
) -> Result<Option<usize>, Failure> {
    let mut next = 0;
    while let Some(&byte) = data.get(next) {
        if let Chunk::Data(rest) = *at {
            let used = clamp(data.len() - next, rest);
            store(keep, &data[next..next + used], answer)?;
            next += used;
            *at = if rest == used as u64 { Chunk::DataCr } else { Chunk::Data(rest - used as u64) };
            continue;
        }
        next += 1;
        *line += 1;
        let limit = match at {
            // All trailers together are held to the limit of a head.
            Chunk::TrailerStart | Chunk::Trailer | Chunk::LastLf => HEAD_LIMIT,
            _ => SIZE_LINE_LIMIT,
        };
        if *line > limit {
            return Err(Failure::Protocol);
        }
        *at = match (*at, byte) {
            (Chunk::LastLf, b'\n') => return Ok(Some(next)),
            (Chunk::SizeEnd(0), b'\n') => {
                *line = 0;
                Chunk::TrailerStart
            }
            (Chunk::DataLf, b'\n') => {
                *line = 0;
                Chunk::Size(None)
            }
            (at, byte) => step(at, byte).ok_or(Failure::Protocol)?,
        };
    }
    Ok(None)
}

/// One byte of framing; `None` where the grammar has no such byte.
fn step(at: Chunk, byte: u8) -> Option<Chunk> {
    Some(match (at, byte) {
        (Chunk::Size(Some(size)) | Chunk::Blank(size), b';') => Chunk::Extension(size),
        (Chunk::Size(Some(size)) | Chunk::Blank(size), b' ' | b'\t') => Chunk::Blank(size),
        (Chunk::Size(Some(size)) | Chunk::Blank(size) | Chunk::Extension(size), b'\r') => Chunk::SizeEnd(size),
        (Chunk::Size(size), digit) => {
            let digit = (digit as char).to_digit(16)?;
            Chunk::Size(Some(size.unwrap_or(0).checked_mul(16)?.checked_add(u64::from(digit))?))
        }
        // A bare line feed here would be read as the end of the line by some and not by others.
        (Chunk::Extension(_), b'\n') => return None,
        (Chunk::Extension(size), _) => Chunk::Extension(size),
        (Chunk::SizeEnd(size), b'\n') => Chunk::Data(size),
        (Chunk::DataCr, b'\r') => Chunk::DataLf,
        (Chunk::TrailerStart, b'\r') => Chunk::LastLf,
        (Chunk::TrailerStart, b'\n') => return None,
        (Chunk::Trailer, b'\n') => Chunk::TrailerStart,
        (Chunk::TrailerStart | Chunk::Trailer, _) => Chunk::Trailer,
        _ => return None,
    })
}

fn clamp(available: usize, rest: u64) -> usize {
    usize::try_from(rest).map_or(available, |rest| available.min(rest))
}

fn store(keep: Keep, data: &[u8], answer: &mut Answer) -> Result<(), Failure> {
    answer.body_bytes += data.len() as u64;
    match keep {
        Keep::Nothing => {}
        Keep::Start(most) => {
            let room = most.saturating_sub(answer.body.len());
            answer.body.extend_from_slice(&data[..data.len().min(room)]);
        }
        Keep::All if answer.body_bytes > KEPT_LIMIT => return Err(Failure::TooLarge),
        Keep::All => {
            if answer.body_bytes > BODY_KEPT as u64 {
                answer.room.take(data.len()).map_err(|_| Failure::TooLarge)?;
            }
            answer.body.extend_from_slice(data);
        }
    }
    Ok(())
}
