//! How many iterations of what, and when: loads with their stages.

use super::{Moment, Stated};
use crate::base::units::Rate;
use crate::base::{Name, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Load {
    pub name: Name,
    pub parts: Vec<MixPart>,
    pub at: Option<Moment>,
    pub stages: Vec<Stage>,
    pub max_in_flight: Option<u64>,
    pub grace: u64,
    pub population: Option<u64>,
    pub pace: Option<u64>,
    pub poisson: bool,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct MixPart {
    pub name: String,
    /// A share of one.
    pub weight: f64,
    pub flow: usize,
}

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Stage {
    pub name: Option<Name>,
    pub kind: StageKind,
    pub legs: Vec<Leg>,
    /// What one leg of a sweep spends before it is measured.
    pub settle: u64,
    pub iterations: Option<u64>,
    pub replay: Option<Replay>,
    pub span: Span,
}

/// An iteration for each row of data, in the rhythm of a column of instants.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Replay {
    pub data: usize,
    pub column: String,
    pub speed: f64,
    /// The most a second.
    pub densest: f64,
}

/// A level that is held or ramps for a time.
#[derive(Debug, Clone, Copy, JsonSchema, Serialize)]
pub struct Leg {
    pub from: Level,
    pub to: Level,
    pub length: u64,
}

impl Stage {
    pub fn length(&self) -> u64 {
        self.legs.iter().map(|leg| leg.length).sum()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageKind {
    Warmup,
    Ramp,
    Hold,
    Spike,
    Steps,
    Idle,
    Sweep,
    Search,
    Replay,
    Once,
}

impl StageKind {
    pub fn word(self) -> &'static str {
        match self {
            StageKind::Warmup => "warmup",
            StageKind::Ramp => "ramp",
            StageKind::Hold => "hold",
            StageKind::Spike => "spike",
            StageKind::Steps => "steps",
            StageKind::Idle => "idle",
            StageKind::Sweep => "sweep",
            StageKind::Search => "search",
            StageKind::Replay => "replay",
            StageKind::Once => "once",
        }
    }

    /// All of them.
    pub const ALL: [StageKind; 10] = [
        StageKind::Warmup,
        StageKind::Ramp,
        StageKind::Hold,
        StageKind::Spike,
        StageKind::Steps,
        StageKind::Idle,
        StageKind::Sweep,
        StageKind::Search,
        StageKind::Replay,
        StageKind::Once,
    ];

    /// Whether what follows it can be planned. All iterations of a `once` may be done before its end, which stays.
    pub fn ends_as_planned(self) -> bool {
        !matches!(self, StageKind::Search | StageKind::Replay)
    }
}

/// The unit chooses the model: arrivals wait for nobody, users wait for their answers.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Arrivals(Rate),
    Users(u64),
}

/// A bisection over levels, each tried for a time while a condition holds.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Search {
    pub load: usize,
    pub stage: usize,
    pub least: Level,
    pub most: Level,
    /// How near the highest level that held comes to the lowest that did not.
    pub resolution: f64,
    pub each: u64,
    pub trials: u64,
    pub condition: Stated,
}
