//! What other runs measured, for conditions that compare with it.

use crate::plan::{Condition, Estimate, MetricKey};
use std::collections::HashMap;

/// Values of metrics in other runs. A verdict is a function of these as of the plan and the measurements.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Others {
    /// By the name of a baseline, none for the newest run, and by what metrics are called across runs.
    values: HashMap<Option<String>, HashMap<MetricKey, Estimate>>,
}

impl Others {
    pub fn put(&mut self, baseline: Option<&str>, key: MetricKey, value: Estimate) {
        self.values.entry(baseline.map(str::to_owned)).or_default().insert(key, value);
    }

    /// The condition with what is known of its baselines.
    pub(super) fn known(&self, condition: &Condition) -> Condition {
        let mut known = condition.clone();
        known.baselines(&mut |name, of, known| {
            *known = self.values.get(name).and_then(|values| values.get(of)).copied();
        });
        known
    }
}
