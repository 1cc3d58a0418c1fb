//! The functions of the language that are computed while a flow runs. What they mean is in the reference; here it is
//! exact.

use super::Value;
use super::number::{number, order};
use crate::base::hex;
use crate::engine::http::template::percent_encode;
use crate::plan::ValueFunction;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use jiff::fmt::strtime::{BrokenDownTime, Config, PosixCustom};
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

/// The longest text that is made out of nothing, in bytes: more is a mistake, and would end the process.
const LONGEST: f64 = (1u64 << 30) as f64;

const LETTERS_AND_DIGITS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The value of a call; `None` where it cannot be computed: an argument that the answer of a server does not give in
/// the right type, a time outside of the calendar, a format that is none. `random` gives 64 uniform bits, and is asked
/// by `random_text` alone.
pub fn call(function: ValueFunction, arguments: &[Value], random: &mut dyn FnMut() -> u64) -> Option<Value> {
    Some(match (function, arguments) {
        (ValueFunction::Now, []) => Value::Number(now()?),
        (ValueFunction::FormatTime, [time, format]) => text(format_time(number(time)?, format.text()?)?),
        (ValueFunction::Base64, [value]) => text(BASE64_STANDARD.encode(value.text()?)),
        (ValueFunction::Hex, [value]) => text(hex(value.text()?.as_bytes())),
        (ValueFunction::Sha256, [value]) => text(hex(&Sha256::digest(value.text()?))),
        (ValueFunction::HmacSha256, [key, value]) => {
            text(hmac_sha256(key.text()?.as_bytes(), value.text()?.as_bytes())?)
        }
        (ValueFunction::UrlEncode, [value]) => text(url_encode(value.text()?)),
        (ValueFunction::RandomText, [length]) => text(random_text(length_of(length)?, random)),
        (ValueFunction::Lower, [value]) => text(value.text()?.to_lowercase()),
        (ValueFunction::Upper, [value]) => text(value.text()?.to_uppercase()),
        (ValueFunction::Replace, [value, what, with]) => text(replaced(value.text()?, what.text()?, with.text()?)),
        (ValueFunction::Min, [a, b]) => {
            if order(a, b)?.is_gt() {
                b.clone()
            } else {
                a.clone()
            }
        }
        (ValueFunction::Max, [a, b]) => {
            if order(a, b)?.is_lt() {
                b.clone()
            } else {
                a.clone()
            }
        }
        (ValueFunction::Exists, [value]) => Value::Bool(!is_null(value)),
        (ValueFunction::Bytes, [size]) => text(filler(length_of(size)?)),
        _ => return None,
    })
}

fn text(text: String) -> Value {
    Value::Text(text.into())
}

fn is_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Json(json) => json.is_null(),
        _ => false,
    }
}

/// A whole number of bytes that a text can have.
fn length_of(value: &Value) -> Option<usize> {
    number(value)
        .filter(|length| length.fract() == 0.0 && (0.0..=LONGEST).contains(length))
        .map(|length| length as usize)
}

/// Seconds since 1970, to the microsecond: of today's a number holds no more.
fn now() -> Option<f64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(since.as_micros() as f64 / 1e6)
}

/// The time in UTC and the proleptic Gregorian calendar, rounded to a microsecond, in the years -9999 to 9999. The
/// format is that of POSIX `strftime` in its C locale (English names, `%c` as `Sun Jul 14 17:31:59 2024`), and what is
/// usual next to it: `%f` the fraction of the second with as many digits as it has and `%3f` with three, `%.3f` the
/// same with its dot, `%N` nanoseconds, `%s` seconds since 1970, `%z` and `%:z` the offset (`+0000`, `+00:00`), `%Z`
/// `UTC`, `%q` the quarter; and between `%` and the letter `-` for no padding, `_` for blanks, `0` for zeros, `^` for
/// capitals. `%E…`, `%O…`, `%+` and letters that mean nothing make no text.
fn format_time(seconds: f64, format: &str) -> Option<String> {
    let whole = seconds.floor();
    let micros = ((seconds - whole) * 1e6).round() as i64;
    // A cast keeps to the ends of the type, which lie outside of the calendar; infinity and what is no number, too.
    let whole = whole.is_finite().then_some(whole as i64)?.checked_add(micros / 1_000_000)?;
    let time = Timestamp::new(whole, (micros % 1_000_000 * 1000) as i32).ok()?.to_zoned(TimeZone::UTC);
    let mut out = String::new();
    let config = Config::new().custom(PosixCustom::new());
    BrokenDownTime::from(&time).format_with_config(&config, format, &mut out).ok()?;
    Some(out)
}

fn hmac_sha256(key: &[u8], text: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(text);
    Some(hex(&mac.finalize().into_bytes()))
}

/// All but unreserved characters (RFC 3986, 2.3).
fn url_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    percent_encode(text, "-._~", &mut out);
    out
}

/// Each letter or digit is as likely as the others: of the 64 values of six bits two are thrown away.
fn random_text(length: usize, random: &mut dyn FnMut() -> u64) -> String {
    let mut out = String::with_capacity(length);
    while out.len() < length {
        let bits = random();
        let found = (0..10).filter_map(|place| LETTERS_AND_DIGITS.get((bits >> (6 * place) & 63) as usize));
        out.extend(found.take(length - out.len()).map(|byte| char::from(*byte)));
    }
    out
}

/// An empty `what` occurs nowhere, rather than between all characters.
fn replaced(text: &str, what: &str, with: &str) -> String {
    if what.is_empty() { text.to_owned() } else { text.replace(what, with) }
}

/// Letters and digits in turn: printable, and the same in every run.
fn filler(size: usize) -> String {
    LETTERS_AND_DIGITS.iter().cycle().take(size).map(|byte| char::from(*byte)).collect()
}

#[cfg(test)]
mod tests;
