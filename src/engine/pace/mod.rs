//! When something is done: clocks, arrivals and users, limits and budgets.

pub mod budget;
pub mod clock;
pub mod closed;
pub mod due;
pub mod limit;
pub mod open;
pub mod random;
