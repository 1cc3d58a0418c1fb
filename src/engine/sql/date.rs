//! Dates and times, told as RFC 3339 writes them, and read as that or as databases write them.

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Timestamp};
use std::fmt::Write;

/// PostgreSQL counts from here.
fn epoch() -> DateTime {
    jiff::civil::date(2000, 1, 1).at(0, 0, 0, 0)
}

/// An instant as microseconds since 2000; with `Z` where its zone is known.
pub fn instant(micros: i64, zoned: bool, out: &mut String) {
    let end = if zoned { "Z" } else { "" };
    match (micros, epoch().checked_add(SignedDuration::from_micros(micros))) {
        (i64::MAX, _) => out.push_str("\"infinity\""),
        (i64::MIN, _) => out.push_str("\"-infinity\""),
        (_, Ok(at)) => drop(write!(out, "\"{at}{end}\"")),
        // Of years that no calendar here has.
        (micros, Err(_)) => drop(write!(out, "\"{micros}us\"")),
    }
}

pub fn date(days: i32, out: &mut String) {
    match (days, epoch().checked_add(SignedDuration::from_hours(i64::from(days) * 24))) {
        (i32::MAX, _) => out.push_str("\"infinity\""),
        (i32::MIN, _) => out.push_str("\"-infinity\""),
        (_, Ok(at)) => drop(write!(out, "\"{}\"", at.date())),
        (days, Err(_)) => drop(write!(out, "\"{days}d\"")),
    }
}

pub fn time(micros: i64, out: &mut String) {
    // 24:00:00 is a time of the day there.
    let (seconds, rest) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let _ = write!(out, "\"{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    fraction(rest, out);
    out.push('"');
}

/// As ISO 8601 writes a duration.
pub fn interval(months: i32, days: i32, micros: i64, out: &mut String) {
    let _ = write!(out, "\"P{months}M{days}DT{}", if micros < 0 { "-" } else { "" });
    let (seconds, rest) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    let _ = write!(out, "{seconds}");
    fraction(rest as i64, out);
    out.push_str("S\"");
}

/// Microseconds behind seconds, without zeros at their end.
pub fn fraction(micros: i64, out: &mut String) {
    if micros > 0 {
        let digits = format!("{micros:06}");
        let _ = write!(out, ".{}", digits.trim_end_matches('0'));
    }
}

/// Microseconds since 2000 of an instant; one without a zone is of UTC.
pub fn read_instant(text: &str) -> Option<i64> {
    match text {
        "infinity" => return Some(i64::MAX),
        "-infinity" => return Some(i64::MIN),
        _ => {}
    }
    let text = text.replacen(' ', "T", 1);
    let at = match text.parse::<Timestamp>() {
        Ok(at) => at.to_zoned(jiff::tz::TimeZone::UTC).datetime(),
        Err(_) => text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(|date| date.at(0, 0, 0, 0))).ok()?,
    };
    i64::try_from(at.duration_since(epoch()).as_micros()).ok()
}

pub fn read_date(text: &str) -> Option<i32> {
    let day = text.get(..10).unwrap_or(text).parse::<Date>().ok()?;
    i32::try_from(day.at(0, 0, 0, 0).duration_since(epoch()).as_hours() / 24).ok()
}

pub fn read_time(text: &str) -> Option<i64> {
    let time = text.parse::<Time>().ok()?;
    i64::try_from(time.duration_since(Time::midnight()).as_micros()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_told_as_they_are_read() {
        let told = |text: &str, zoned: bool| {
            let mut out = String::new();
            instant(read_instant(text).unwrap(), zoned, &mut out);
            out
        };
        assert_eq!(told("2026-11-29T23:14:20.5Z", true), "\"2026-11-29T23:14:20.5Z\"");
        assert_eq!(told("2026-11-29 23:14:20+01:00", true), "\"2026-11-29T22:14:20Z\"");
        assert_eq!(told("1999-12-31 23:59:59.999999", false), "\"1999-12-31T23:59:59.999999\"");
        assert_eq!(told("2026-01-02", false), "\"2026-01-02T00:00:00\"");
        assert_eq!(told("infinity", true), "\"infinity\"");
        assert_eq!(read_instant("soon"), None);
        let day = |text: &str| {
            let mut out = String::new();
            date(read_date(text).unwrap(), &mut out);
            out
        };
        assert_eq!([day("2026-11-29"), day("1990-02-03")], ["\"2026-11-29\"", "\"1990-02-03\""]);
        let of_day = |text: &str| {
            let mut out = String::new();
            time(read_time(text).unwrap(), &mut out);
            out
        };
        assert_eq!([of_day("07:08:09"), of_day("23:00:00.25")], ["\"07:08:09\"", "\"23:00:00.25\""]);
    }
}
