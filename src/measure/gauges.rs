//! Values over time that are read once a second: of services, of their pages, of monitors.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One look at everything that is watched, by its place in the plan's list. What could not be read has a reason
/// instead of a value, and what stands for it where the scenario says so; what there is nothing to say about yet has neither.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Gauges {
    pub at: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<u32, f64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gaps: BTreeMap<u32, String>,
}

/// What was read of one series, in the order of time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gauge {
    pub points: Vec<(u64, f64)>,
    pub gaps: Vec<Gap>,
    /// Of the points those that were not there, for which something stands that the scenario says.
    pub absent: u64,
}

/// Looks in a row that read nothing, for one reason.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
pub struct Gap {
    /// The first and the last of them.
    pub from_ns: u64,
    pub to_ns: u64,
    pub missed: u64,
    pub reason: String,
}

impl Gauge {
    pub fn read(&mut self, at: u64, value: f64) {
        self.points.push((at, value));
    }

    /// Lets go of what was before an instant.
    pub fn forget(&mut self, before: u64) {
        self.points.retain(|(at, _)| *at >= before);
        self.gaps.retain(|gap| gap.to_ns >= before);
    }

    pub fn missed(&mut self, at: u64, reason: String) {
        let last_point = self.points.last().map_or(0, |(at, _)| *at);
        match self.gaps.last_mut() {
            Some(gap) if gap.reason == reason && (self.points.is_empty() || gap.to_ns > last_point) => {
                gap.to_ns = at;
                gap.missed += 1;
            }
            _ => self.gaps.push(Gap { from_ns: at, to_ns: at, missed: 1, reason }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_lasts_until_something_is_read_or_another_reason_is_given() {
        let mut gauge = Gauge::default();
        gauge.missed(0, "refused".to_owned());
        gauge.missed(1, "refused".to_owned());
        gauge.read(2, 7.0);
        gauge.missed(3, "refused".to_owned());
        gauge.missed(4, "too late".to_owned());
        let gaps: Vec<_> = gauge.gaps.iter().map(|gap| (gap.from_ns, gap.to_ns, gap.missed)).collect();
        assert_eq!(gaps, [(0, 1, 2), (3, 3, 1), (4, 4, 1)]);
        gauge.forget(3);
        assert_eq!((gauge.points.len(), gauge.gaps.len()), (0, 2));
    }

    #[test]
    fn a_look_is_written_without_what_it_lacks() {
        let look = Gauges { at: 5, values: BTreeMap::from([(2, 1.5)]), gaps: BTreeMap::new() };
        let text = serde_json::to_string(&look).unwrap();
        assert_eq!(text, r#"{"at":5,"values":{"2":1.5}}"#);
        assert_eq!(serde_json::from_str::<Gauges>(&text).unwrap(), look);
    }
}
