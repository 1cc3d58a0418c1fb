//! The wall clock, in which servers tell the time, and how far the clock of a server is ahead of ours.

use crate::base::units::{MILLISECOND, SECOND};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Nanoseconds since 1970, as a server has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wall(pub i128);

impl Wall {
    pub fn now() -> Wall {
        Wall(jiff::Timestamp::now().as_nanosecond())
    }

    /// Of seconds, as Prometheus writes them. It counts in milliseconds.
    pub fn seconds(seconds: f64) -> Wall {
        Wall((seconds * 1e3).round() as i128 * 1_000_000)
    }

    #[cfg(test)]
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Of the header `Date`, in whole seconds.
    pub fn of_date(text: &str) -> Option<Wall> {
        let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        Some(Wall(date.as_nanosecond()))
    }

    pub fn from_millis(millis: i64) -> Wall {
        Wall(i128::from(millis) * i128::from(MILLISECOND))
    }

    pub fn as_millis(self) -> i64 {
        in_millis(self.0)
    }

    /// How long it is after another; 0 where it is before that.
    pub fn since(self, other: Wall) -> u64 {
        u64::try_from(self.0 - other.0).unwrap_or(0)
    }

    pub fn plus(self, nanoseconds: u64) -> Wall {
        Wall(self.0 + i128::from(nanoseconds))
    }
}

/// As it is in JSON, by RFC 3339.
impl<'de> Deserialize<'de> for Wall {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Wall, D::Error> {
        let text = String::deserialize(from)?;
        let stamp: jiff::Timestamp = text.parse().map_err(|_| D::Error::custom("a time is no time of RFC 3339"))?;
        Ok(Wall(stamp.as_nanosecond()))
    }
}

/// How far the clock of a server is ahead of ours, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Skew {
    ahead: i128,
    /// How exactly that is known.
    doubt: i128,
}

impl Skew {
    /// It told its time, in whole milliseconds, between two instants of ours. A difference that the way there and back explains is none.
    pub fn measured(told: Wall, (before, after): (Wall, Wall)) -> Skew {
        let middle = (before.0 + after.0) / 2;
        let doubt = (after.0 - before.0).abs() / 2 + i128::from(MILLISECOND);
        let ahead = told.0 - middle;
        Skew { ahead: if ahead.abs() <= doubt { 0 } else { ahead }, doubt }
    }

    /// It told its time in whole seconds, cut off.
    pub fn measured_roughly(told: Wall, way: (Wall, Wall)) -> Skew {
        const HALF: u64 = SECOND / 2;
        let Skew { ahead, doubt } = Skew::measured(told.plus(HALF), way);
        let doubt = doubt + i128::from(HALF);
        Skew { ahead: if ahead.abs() <= doubt { 0 } else { ahead }, doubt }
    }

    /// An instant of the server by our clock.
    pub fn ours(self, told: Wall) -> Wall {
        Wall(told.0 - self.ahead)
    }

    pub fn theirs(self, ours: Wall) -> Wall {
        Wall(ours.0 + self.ahead)
    }

    pub fn ahead_in_millis(self) -> i64 {
        in_millis(self.ahead)
    }

    /// Rounded up.
    pub fn doubt_in_millis(self) -> i64 {
        in_millis(self.doubt + i128::from(MILLISECOND) - 1)
    }
}

fn in_millis(nanoseconds: i128) -> i64 {
    i64::try_from(nanoseconds.div_euclid(i128::from(MILLISECOND))).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may panic.
    use super::{Skew, Wall};

    const SECOND: i128 = 1_000_000_000;

    #[test]
    fn a_clock_that_is_ahead_is_corrected_by_as_much_as_the_way_does_not_explain() {
        let way = (Wall(10 * SECOND), Wall(12 * SECOND));
        let explained = Skew::measured(Wall(12 * SECOND), way);
        assert_eq!((explained.ahead_in_millis(), explained.doubt_in_millis()), (0, 1_001), "the way explains it");
        let ahead = Skew::measured(Wall(41 * SECOND), way);
        assert_eq!(ahead.ours(Wall(50 * SECOND)), Wall(20 * SECOND));
        assert_eq!(ahead.theirs(Wall(20 * SECOND)), Wall(50 * SECOND));
        assert_eq!((ahead.ahead_in_millis(), ahead.doubt_in_millis()), (30_000, 1_001));
        let roughly = |told: i128| Skew::measured_roughly(Wall(told * SECOND), way).ahead_in_millis();
        assert_eq!((roughly(12), roughly(41), roughly(9)), (0, 30_500, 0), "a second has a beginning and an end");
        let behind = Skew::measured(Wall(-19 * SECOND), way);
        assert_eq!(behind.ours(Wall(0)), Wall(30 * SECOND));
        assert_eq!(behind.ahead_in_millis(), -30_000);
    }

    #[test]
    fn times_are_read_as_go_writes_them() {
        let read = |text: &str| serde_json::from_str::<Wall>(text).ok();
        assert_eq!(read("\"1970-01-01T00:00:01.5Z\""), Some(Wall(SECOND * 3 / 2)));
        assert_eq!(read("\"1970-01-01T02:00:01.000+02:00\""), Some(Wall(SECOND)));
        assert!(read("\"0001-01-01T00:00:00Z\"").unwrap() < Wall(0));
        assert_eq!((read("\"yesterday\""), read("7")), (None, None));
        assert_eq!(Wall::seconds(1_435_781_451.781), Wall(1_435_781_451_781_000_000));
        assert_eq!(Wall::of_date("Thu, 01 Jan 1970 00:00:07 GMT"), Some(Wall(7 * SECOND)));
        assert_eq!(Wall::of_date("soon"), None);
        assert_eq!(Wall::from_millis(1_435_781_451_781), Wall::seconds(1_435_781_451.781));
        assert_eq!(Wall::seconds(1_435_781_451.781).as_millis(), 1_435_781_451_781);
    }
}
