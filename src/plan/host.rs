//! On which machine a run is measured. Runs are compared only with runs on a similar machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The machine of a run: an input, never asked for here.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Host {
    /// The model of its processors.
    pub processor: String,
    pub cores: u64,
    /// How many cores this process may use, where it is held to fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core_limit: Option<f64>,
    /// How many bytes it may use, where it is held to fewer than there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit: Option<u64>,
    pub memory: u64,
    pub system: String,
    pub kernel: String,
}
