//! The run's clock next to the wall clock, in which servers tell the time.

use crate::engine::pace::clock::Clock;
use crate::run::wall::Wall;

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

#[cfg(test)]
mod tests {
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
}
