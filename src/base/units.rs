//! Units: how quantities are stored exactly and how they are printed. Durations are nanoseconds, rates are
//! millionths of an arrival per day, so that `/s`, `/min`, `/h` and `/d` are all whole numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const MICROSECOND: u64 = 1_000;
pub const MILLISECOND: u64 = 1_000_000;
pub const SECOND: u64 = 1_000_000_000;
pub const MINUTE: u64 = 60 * SECOND;
pub const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;

/// Duration units from the longest to the shortest, as they are written.
pub const DURATIONS: [(&str, u64); 6] =
    [("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND), ("ms", MILLISECOND), ("us", MICROSECOND)];

pub const BYTES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

pub const RATES: [(&str, u64); 4] = [("s", SECOND), ("min", MINUTE), ("h", HOUR), ("d", DAY)];

/// Arrivals per time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize, Deserialize)]
pub struct Rate(u64);

impl Rate {
    /// What one stored unit times one nanosecond is worth, as a divisor: arrivals = rate.raw() × ns ÷ this.
    pub const SCALE: u128 = 1_000_000 * DAY as u128;

    /// The nearest storable rate; `None` beyond what any machine could send.
    pub fn new(count: f64, per_ns: u64) -> Option<Rate> {
        let raw = count * 1e6 * (DAY / per_ns) as f64;
        (0.0..1e19).contains(&raw).then(|| Rate(raw.round() as u64))
    }

    pub fn per_second(self) -> f64 {
        self.0 as f64 / (1e6 * 86_400.0)
    }

    pub fn raw(self) -> u64 {
        self.0
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (unit, length) in RATES {
            let one = 1_000_000 * (DAY / length);
            if self.0.is_multiple_of(one) {
                return write!(f, "{}/{unit}", grouped((self.0 / one) as f64, 0));
            }
        }
        write!(f, "{}/s", short(self.per_second()))
    }
}

/// A number without needless digits: three significant ones below a thousand, whole and grouped above.
pub fn short(value: f64) -> String {
    let size = value.abs();
    let digits = match size {
        s if s >= 100.0 || s == 0.0 => 0,
        s if s >= 10.0 => 1,
        s if s >= 1.0 => 2,
        _ => 3,
    };
    let text = grouped(value, digits);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Thousands separated by commas.
pub fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let (sign, rest) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(w, f)| (w, Some(f)));
    let mut out = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A length of time without what is less than a second of it.
pub fn whole_seconds(ns: u64) -> String {
    duration(ns / SECOND * SECOND)
}

/// An instant to the millisecond, as logs have it.
pub fn whole_milliseconds(ns: u64) -> String {
    duration(ns / MILLISECOND * MILLISECOND)
}

/// An instant to the nearest tenth of a second.
pub fn tenths(ns: u64) -> String {
    const TENTH: u64 = SECOND / 10;
    duration(ns.saturating_add(TENTH / 2) / TENTH * TENTH)
}

/// `1 run`, `2 runs`.
pub fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A length of time exactly, as it would be written in a scenario: `1m30s`, `50ms`.
pub fn duration(ns: u64) -> String {
    if ns == 0 {
        return "0s".to_owned();
    }
    if !ns.is_multiple_of(MICROSECOND) {
        return measured_duration(ns as f64);
    }
    let mut rest = ns;
    let mut out = String::new();
    for (unit, length) in DURATIONS {
        let whole = rest / length;
        // A part of a second, or of a millisecond, is a decimal of that.
        if whole > 0 && length <= SECOND {
            return format!("{out}{}{unit}", rest as f64 / length as f64);
        }
        if whole > 0 {
            out.push_str(&format!("{whole}{unit}"));
            rest %= length;
        }
    }
    out
}

/// A measured length of time with three significant digits in the unit a person would choose.
pub fn measured_duration(ns: f64) -> String {
    let size = ns.abs();
    if size >= 120.0 * SECOND as f64 {
        // Whole seconds, of however long a time, or it would be printed as a measured one again.
        let whole = ((ns / SECOND as f64).round() as u64).min(u64::MAX / SECOND);
        return duration(whole * SECOND);
    }
    let (value, unit) = match size {
        s if s >= SECOND as f64 => (ns / SECOND as f64, "s"),
        s if s >= MILLISECOND as f64 => (ns / MILLISECOND as f64, "ms"),
        0.0 => (0.0, "ms"),
        _ => (ns / MICROSECOND as f64, "us"),
    };
    format!("{}{unit}", short(value))
}

/// A share as a percentage that never rounds a nonzero share to 0 nor an incomplete one to 100.
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    let shown = short(value);
    match shown.as_str() {
        "0" if value > 0.0 => "< 0.001%".to_owned(),
        "100" if value < 100.0 => "> 99.9%".to_owned(),
        _ => format!("{shown}%"),
    }
}

pub fn bytes(count: f64) -> String {
    sized(count, [("GiB", (1u64 << 30) as f64), ("MiB", (1u64 << 20) as f64), ("KiB", 1024.0)])
}

fn decimal_bytes(count: f64) -> String {
    sized(count, [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)])
}

fn sized(count: f64, units: [(&str, f64); 3]) -> String {
    let (unit, size) = units.into_iter().find(|(_, size)| count.abs() >= *size).unwrap_or(("B", 1.0));
    format!("{}{unit}", short(count / size))
}

/// A size as it is written in a scenario: in the largest unit that gives a whole number, up to rounding errors.
pub fn written_bytes(value: f64) -> String {
    whole_bytes(value).unwrap_or_else(|| format!("{}B", nearly(value)))
}

fn whole_bytes(value: f64) -> Option<String> {
    let whole = |size: f64| ((value / size).round(), (value / size).round() * size);
    let is_whole = |size: f64| value >= size && (whole(size).1 - value).abs() <= value * 1e-12;
    let (name, size) = BYTES.iter().find(|(_, size)| is_whole(*size as f64))?;
    Some(format!("{}{name}", whole(*size as f64).0))
}

/// A size per time as it is written: slow growth per hour or day, in the largest unit that gives a whole number.
pub fn written_bandwidth(value: f64) -> String {
    in_time(value).map_or_else(|| format!("{}B/s", nearly(value)), |(size, (time, _))| format!("{size}/{time}"))
}

/// The size in the first time in which it is a whole one.
fn in_time(value: f64) -> Option<(String, (&'static str, u64))> {
    let times = [("s", SECOND), ("min", MINUTE), ("h", HOUR), ("day", DAY)];
    times.into_iter().find_map(|time| Some((whole_bytes(value * (time.1 / SECOND) as f64)?, time)))
}

/// The unit in which a size per time is written, for others that are told in addition to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BandwidthUnit {
    time: (&'static str, u64),
    decimal: bool,
}

impl BandwidthUnit {
    pub fn of(written: f64) -> Option<BandwidthUnit> {
        let (size, time) = in_time(written.abs())?;
        Some(BandwidthUnit { time, decimal: ["TB", "GB", "MB", "kB"].iter().any(|unit| size.ends_with(unit)) })
    }

    /// A measured one.
    pub fn print(self, per_second: f64) -> String {
        let size = per_second * (self.time.1 / SECOND) as f64;
        let size = if self.decimal { decimal_bytes(size) } else { bytes(size) };
        format!("{size}/{}", self.time.0)
    }
}

/// A number without what arithmetic left behind its ninth decimal.
pub fn nearly(value: f64) -> String {
    if value.fract() == 0.0 {
        return super::decimal::written(value);
    }
    format!("{}", (value * 1e9).round() / 1e9)
}

/// A measured size per time: slow growth per hour.
pub fn bandwidth(per_second: f64) -> String {
    match per_second == 0.0 || per_second.abs() >= 1024.0 {
        true => format!("{}/s", bytes(per_second)),
        false => format!("{}/h", bytes(per_second * (HOUR / SECOND) as f64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_exact_in_every_unit() {
        assert_eq!(Rate::new(90.0, MINUTE), Rate::new(1.5, SECOND));
        assert_eq!(Rate::new(100.0, MINUTE).unwrap().to_string(), "100/min");
        assert_eq!(Rate::new(1200.0, SECOND).unwrap().to_string(), "1,200/s");
        assert_eq!(Rate::new(1.5, SECOND).unwrap().to_string(), "90/min");
        assert_eq!(Rate::new(-1.0, SECOND), None);
    }

    #[test]
    fn a_measured_slope_is_told_in_the_unit_of_its_bound() {
        let told = |bound: f64, slope: f64| BandwidthUnit::of(bound).map(|unit| unit.print(slope));
        let hour = 3_600.0;
        // By itself it would be 2.84KiB/s.
        assert_eq!(told(10.0 * 1_048_576.0 / hour, 2_912.0).as_deref(), Some("10MiB/h"));
        assert_eq!(told(10e6 / 60.0, 25_000.0).as_deref(), Some("1.5MB/min"));
        assert_eq!(told(1_024.0, 3.5).as_deref(), Some("3.5B/s"));
        assert_eq!(told(1e9 / 86_400.0, -1.0).as_deref(), Some("-86.4kB/day"));
        assert_eq!(told(0.001_234_567, 1.0), None);
    }

    #[test]
    fn lengths_print_as_they_are_written() {
        assert_eq!(duration(5_400 * SECOND), "1h30m");
        assert_eq!(duration(50 * MILLISECOND), "50ms");
        assert_eq!(duration(0), "0s");
        assert_eq!(duration(15_056 * MILLISECOND), "15.056s");
        assert_eq!(duration(60_250 * MILLISECOND), "1m250ms");
        assert_eq!(duration(90_500 * MILLISECOND), "1m30.5s");
        assert_eq!(duration(1_500 * MICROSECOND), "1.5ms");
        assert_eq!(duration(100 * SECOND), "1m40s");
        assert_eq!(duration(7 * MICROSECOND), "7us");
        assert_eq!(measured_duration(1_234_567.0), "1.23ms");
        assert_eq!(measured_duration(900.0), "0.9us");
        assert_eq!(measured_duration(1e300), "213503d23h34m33s");
    }

    #[test]
    fn shares_do_not_lie_at_the_ends() {
        assert_eq!(percent(0.0), "0%");
        assert_eq!(percent(0.000001), "< 0.001%");
        assert_eq!(percent(0.999999), "> 99.9%");
        assert_eq!(percent(0.0125), "1.25%");
    }

    #[test]
    fn numbers_are_grouped_and_short() {
        assert_eq!(grouped(1234567.0, 0), "1,234,567");
        assert_eq!(short(0.05), "0.05");
        assert_eq!(short(1234.5), "1,234");
    }
}
