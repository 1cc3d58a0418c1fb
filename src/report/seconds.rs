//! Instants and lengths as programs read them: in seconds. Within the report they are nanoseconds, as everywhere.

use crate::base::units::SECOND;
use crate::plan::Range;
use serde::{Serialize, Serializer};

/// What is made of nanoseconds.
pub trait InSeconds {
    type Seconds: Serialize;

    fn in_seconds(&self) -> Self::Seconds;
}

impl InSeconds for u64 {
    type Seconds = f64;

    fn in_seconds(&self) -> f64 {
        *self as f64 / SECOND as f64
    }
}

impl InSeconds for Range {
    type Seconds = [f64; 2];

    fn in_seconds(&self) -> [f64; 2] {
        [self.0.in_seconds(), self.1.in_seconds()]
    }
}

impl<T: InSeconds> InSeconds for Option<T> {
    type Seconds = Option<T::Seconds>;

    fn in_seconds(&self) -> Option<T::Seconds> {
        self.as_ref().map(T::in_seconds)
    }
}

impl<T: InSeconds> InSeconds for Vec<T> {
    type Seconds = Vec<T::Seconds>;

    fn in_seconds(&self) -> Vec<T::Seconds> {
        self.iter().map(T::in_seconds).collect()
    }
}

pub fn seconds<S: Serializer>(ns: &impl InSeconds, serializer: S) -> Result<S::Ok, S::Error> {
    ns.in_seconds().serialize(serializer)
}
