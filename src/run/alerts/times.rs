//! The run's clock next to the wall clock, in which servers tell the time.

use crate::engine::pace::clock::Clock;
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

    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1e9
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

/// Where instants of servers lie on the run's clock. Before the load every instant is 0.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times {
    clock: Option<Clock>,
}

impl Times {
    pub fn of_load(clock: Clock) -> Times {
        Times { clock: Some(clock) }
    }

    pub fn has_begun(self) -> bool {
        self.clock.is_some()
    }

    pub fn now(self) -> u64 {
        self.clock.map_or(0, |clock| clock.now())
    }

    /// Both clocks are read now, so a wall clock that was set meanwhile shifts only what lies before that. Nothing lies in the future.
    pub fn of(self, wall: Wall) -> u64 {
        on_clock(self.now(), Wall::now(), wall)
    }
}

fn on_clock(now: u64, wall_now: Wall, wall: Wall) -> u64 {
    let passed = (wall_now.0 - wall.0).max(0);
    u64::try_from(passed).map_or(0, |passed| now.saturating_sub(passed))
}

/// How far the clock of a server is ahead of ours, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Skew(i128);

impl Skew {
    /// It told its time between two instants of ours. A difference that the way there and back explains is none.
    pub fn measured(told: Wall, (before, after): (Wall, Wall)) -> Skew {
        const STEP: i128 = 1_000_000;
        let middle = (before.0 + after.0) / 2;
        let doubt = (after.0 - before.0).abs() / 2 + STEP;
        let ahead = told.0 - middle;
        Skew(if ahead.abs() <= doubt { 0 } else { ahead })
    }

    /// An instant of the server by our clock.
    pub fn ours(self, told: Wall) -> Wall {
        Wall(told.0 - self.0)
    }

    pub fn theirs(self, ours: Wall) -> Wall {
        Wall(ours.0 + self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may panic.
    use super::*;

    const SECOND: i128 = 1_000_000_000;

    #[test]
    fn an_instant_of_a_server_lies_on_the_clock_of_the_run() {
        let wall = |seconds: i128| Wall(seconds * SECOND);
        let at = |told: i128| on_clock(60_000_000_000, wall(1_000), wall(told));
        assert_eq!((at(990), at(1_000)), (50_000_000_000, 60_000_000_000));
        // Before the load, long before, and in the future.
        assert_eq!((at(900), at(-1 << 60), at(1_001)), (0, 0, 60_000_000_000));
        assert_eq!(Times::default().of(Wall::now()), 0);
    }

    #[test]
    fn a_clock_that_is_ahead_is_corrected_by_as_much_as_the_way_does_not_explain() {
        let way = (Wall(10 * SECOND), Wall(12 * SECOND));
        assert_eq!(Skew::measured(Wall(12 * SECOND), way), Skew::default(), "the way explains it");
        let ahead = Skew::measured(Wall(41 * SECOND), way);
        assert_eq!(ahead.ours(Wall(50 * SECOND)), Wall(20 * SECOND));
        assert_eq!(ahead.theirs(Wall(20 * SECOND)), Wall(50 * SECOND));
        let behind = Skew::measured(Wall(-19 * SECOND), way);
        assert_eq!(behind.ours(Wall(0)), Wall(30 * SECOND));
    }

    #[test]
    fn times_are_read_as_go_writes_them() {
        let read = |text: &str| serde_json::from_str::<Wall>(text).ok();
        assert_eq!(read("\"1970-01-01T00:00:01.5Z\""), Some(Wall(SECOND * 3 / 2)));
        assert_eq!(read("\"1970-01-01T02:00:01.000+02:00\""), Some(Wall(SECOND)));
        assert!(read("\"0001-01-01T00:00:00Z\"").unwrap() < Wall(0));
        assert_eq!((read("\"yesterday\""), read("7")), (None, None));
        assert_eq!(Wall::seconds(1_435_781_451.781), Wall(1_435_781_451_781_000_000));
    }
}
