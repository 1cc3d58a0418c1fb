//! Conditions over measurements, generic in metrics, instants and scopes: relations in the program, places on the timeline in the
//! plan.

use super::program::{AcrossRuns, MetricKey};
use super::types::Type;
use crate::syntax::ast::Binary;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition<M, I, S> {
    Compare {
        operator: Binary,
        left: Measured<M>,
        right: Measured<M>,
    },
    /// The two differ by at most this: a share of the right one, or a quantity.
    Within {
        left: Measured<M>,
        right: Measured<M>,
        tolerance: f64,
        relative: bool,
    },
    And(Box<Condition<M, I, S>>, Box<Condition<M, I, S>>),
    Or(Box<Condition<M, I, S>>, Box<Condition<M, I, S>>),
    Not(Box<Condition<M, I, S>>),
    /// Something that is true or false by itself, such as `recovered(x)`.
    Holds(Measured<M>),
    /// Has become true so long after an instant at the latest, and stays so.
    Becomes {
        condition: Box<Condition<M, I, S>>,
        within: u64,
        of: I,
    },
    /// Holds in each slice of its scope, or in a share of them.
    InEvery {
        condition: Box<Condition<M, I, S>>,
        every: u64,
        share: f64,
    },
    Alert(AlertCheck<I, S>),
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct AlertCheck<I, S> {
    /// `None`: any alert that no other line names.
    pub name: Option<String>,
    pub labels: Vec<(String, String)>,
    pub source: usize,
    pub does: AlertDoes<I, S>,
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertDoes<I, S> {
    Fires {
        within: u64,
        of: I,
    },
    Resolves {
        within: u64,
        of: I,
    },
    StaysQuiet {
        scopes: S,
    },
    /// It is nobody's mistake where it fires.
    MayFire {
        scopes: S,
    },
    /// It fires all the time, so that its end tells that the alerting has stopped.
    KeepsFiring {
        scopes: S,
    },
}

/// An expression over measurements.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured<M> {
    Constant {
        value: f64,
        unit: Type,
    },
    Metric {
        metric: M,
        unit: Type,
        /// What it is called across runs.
        #[serde(default)]
        key: MetricKey,
    },
    /// What the metric on the other side was in a stored run: the named one, or the newest.
    Baseline {
        name: Option<String>,
        unit: Type,
        /// What the metric on the other side is called.
        of: MetricKey,
        /// What it was, or why that is not known, where somebody has looked it up.
        #[serde(skip)]
        known: Option<Result<Estimate, String>>,
    },
    Arithmetic {
        operator: Binary,
        left: Box<Measured<M>>,
        right: Box<Measured<M>>,
        unit: Type,
    },
}

/// What a metric was in another run.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Estimate {
    pub value: f64,
    /// Where it lies with 95% certainty, where that is known.
    pub interval: Option<(f64, f64)>,
    pub samples: u64,
    /// What came of comparing the runs, where they were.
    pub across: Option<AcrossRuns>,
}

impl<M> Measured<M> {
    pub fn unit(&self) -> Type {
        match self {
            Measured::Constant { unit, .. }
            | Measured::Metric { unit, .. }
            | Measured::Baseline { unit, .. }
            | Measured::Arithmetic { unit, .. } => *unit,
        }
    }

    /// The same expression over other metrics; `None` where one of them is none.
    pub fn map<N>(&self, metric: &mut impl FnMut(&M) -> Option<N>) -> Option<Measured<N>> {
        Some(match self {
            Measured::Constant { value, unit } => Measured::Constant { value: *value, unit: *unit },
            Measured::Metric { metric: of, unit, key } => {
                Measured::Metric { metric: metric(of)?, unit: *unit, key: key.clone() }
            }
            Measured::Baseline { name, unit, of, known } => {
                Measured::Baseline { name: name.clone(), unit: *unit, of: of.clone(), known: known.clone() }
            }
            Measured::Arithmetic { operator, left, right, unit } => {
                let (left, right) = (left.map(metric), right.map(metric));
                let (left, right) = (Box::new(left?), Box::new(right?));
                Measured::Arithmetic { operator: *operator, left, right, unit: *unit }
            }
        })
    }

    pub fn metrics<'m>(&'m self, each: &mut impl FnMut(&'m M)) {
        match self {
            Measured::Constant { .. } | Measured::Baseline { .. } => {}
            Measured::Metric { metric, .. } => each(metric),
            Measured::Arithmetic { left, right, .. } => {
                left.metrics(each);
                right.metrics(each);
            }
        }
    }

    fn each<'m>(&'m self, each: &mut impl FnMut(&'m Measured<M>)) {
        each(self);
        if let Measured::Arithmetic { left, right, .. } = self {
            left.each(each);
            right.each(each);
        }
    }

    /// The baseline that it is computed of.
    pub fn baseline(&self) -> Option<&Measured<M>> {
        match self {
            Measured::Baseline { .. } => Some(self),
            Measured::Arithmetic { left, right, .. } => left.baseline().or_else(|| right.baseline()),
            Measured::Constant { .. } | Measured::Metric { .. } => None,
        }
    }

    /// What is known of that baseline.
    pub fn known_mut(&mut self) -> Option<&mut Option<Result<Estimate, String>>> {
        match self {
            Measured::Baseline { known, .. } => Some(known),
            Measured::Arithmetic { left, right, .. } => left.known_mut().or_else(|| right.known_mut()),
            Measured::Constant { .. } | Measured::Metric { .. } => None,
        }
    }

    pub fn has_baseline(&self) -> bool {
        self.baseline().is_some()
    }
}

impl<M, I, S> Condition<M, I, S> {
    /// The same condition over other metrics, instants and scopes.
    pub fn map<N, J, T>(
        &self,
        metric: &mut impl FnMut(&M) -> Option<N>,
        instant: &mut impl FnMut(&I) -> Option<J>,
        scopes: &mut impl FnMut(&S) -> Option<T>,
    ) -> Option<Condition<N, J, T>> {
        Some(match self {
            Condition::Compare { operator, left, right } => {
                let (left, right) = (left.map(metric), right.map(metric));
                Condition::Compare { operator: *operator, left: left?, right: right? }
            }
            Condition::Within { left, right, tolerance, relative } => {
                let (left, right) = (left.map(metric), right.map(metric));
                Condition::Within { left: left?, right: right?, tolerance: *tolerance, relative: *relative }
            }
            Condition::And(a, b) => {
                let (a, b) = (a.map(metric, instant, scopes), b.map(metric, instant, scopes));
                Condition::And(Box::new(a?), Box::new(b?))
            }
            Condition::Or(a, b) => {
                let (a, b) = (a.map(metric, instant, scopes), b.map(metric, instant, scopes));
                Condition::Or(Box::new(a?), Box::new(b?))
            }
            Condition::Not(inner) => Condition::Not(Box::new(inner.map(metric, instant, scopes)?)),
            Condition::Holds(measured) => Condition::Holds(measured.map(metric)?),
            Condition::Becomes { condition, within, of } => {
                let (condition, of) = (condition.map(metric, instant, scopes), instant(of));
                Condition::Becomes { condition: Box::new(condition?), within: *within, of: of? }
            }
            Condition::InEvery { condition, every, share } => {
                let condition = Box::new(condition.map(metric, instant, scopes)?);
                Condition::InEvery { condition, every: *every, share: *share }
            }
            Condition::Alert(check) => Condition::Alert(AlertCheck {
                name: check.name.clone(),
                labels: check.labels.clone(),
                source: check.source,
                does: match &check.does {
                    AlertDoes::Fires { within, of } => AlertDoes::Fires { within: *within, of: instant(of)? },
                    AlertDoes::Resolves { within, of } => AlertDoes::Resolves { within: *within, of: instant(of)? },
                    AlertDoes::StaysQuiet { scopes: of } => AlertDoes::StaysQuiet { scopes: scopes(of)? },
                    AlertDoes::MayFire { scopes: of } => AlertDoes::MayFire { scopes: scopes(of)? },
                    AlertDoes::KeepsFiring { scopes: of } => AlertDoes::KeepsFiring { scopes: scopes(of)? },
                },
            }),
        })
    }

    /// The two sides of what is compared once, over its whole scope.
    pub fn comparisons(&self, each: &mut impl FnMut(&Measured<M>, &Measured<M>)) {
        match self {
            Condition::Compare { left, right, .. } | Condition::Within { left, right, .. } => each(left, right),
            Condition::And(a, b) | Condition::Or(a, b) => {
                a.comparisons(each);
                b.comparisons(each);
            }
            Condition::Not(inner) => inner.comparisons(each),
            Condition::Holds(_) | Condition::Becomes { .. } | Condition::InEvery { .. } | Condition::Alert(_) => {}
        }
    }

    /// The two sides, one of which must be greater, over the whole scope.
    pub fn orders<'m>(&'m self, each: &mut impl FnMut(Binary, &'m Measured<M>, &'m Measured<M>)) {
        match self {
            Condition::Compare { operator, left, right } => match operator {
                Binary::Less | Binary::LessEqual | Binary::Greater | Binary::GreaterEqual => {
                    each(*operator, left, right);
                }
                _ => {}
            },
            Condition::And(a, b) | Condition::Or(a, b) => {
                a.orders(each);
                b.orders(each);
            }
            Condition::Not(inner) => inner.orders(each),
            Condition::Within { .. } | Condition::Holds(_) | Condition::Becomes { .. } => {}
            Condition::InEvery { .. } | Condition::Alert(_) => {}
        }
    }

    /// Each part of an expression that is measured or compared, wherever it stands.
    pub fn measured<'m>(&'m self, each: &mut impl FnMut(&'m Measured<M>)) {
        match self {
            Condition::Compare { left, right, .. } | Condition::Within { left, right, .. } => {
                left.each(each);
                right.each(each);
            }
            Condition::And(a, b) | Condition::Or(a, b) => {
                a.measured(each);
                b.measured(each);
            }
            Condition::Not(inner) => inner.measured(each),
            Condition::Holds(measured) => measured.each(each),
            Condition::Becomes { condition, .. } | Condition::InEvery { condition, .. } => condition.measured(each),
            Condition::Alert(_) => {}
        }
    }

    pub fn has_baseline(&self) -> bool {
        let mut has = false;
        self.measured(&mut |measured| has |= measured.has_baseline());
        has
    }

    /// Each comparison with a baseline.
    pub fn against_baselines<'m>(&'m mut self, each: &mut impl FnMut(Binary, &'m Measured<M>, &'m mut Measured<M>)) {
        match self {
            Condition::Compare { operator, left, right } if right.has_baseline() => each(*operator, left, right),
            Condition::And(a, b) | Condition::Or(a, b) => {
                a.against_baselines(each);
                b.against_baselines(each);
            }
            Condition::Not(inner)
            | Condition::Becomes { condition: inner, .. }
            | Condition::InEvery { condition: inner, .. } => inner.against_baselines(each),
            Condition::Compare { .. } | Condition::Within { .. } | Condition::Holds(_) | Condition::Alert(_) => {}
        }
    }

    pub fn metrics<'m>(&'m self, each: &mut impl FnMut(&'m M)) {
        match self {
            Condition::Compare { left, right, .. } | Condition::Within { left, right, .. } => {
                left.metrics(each);
                right.metrics(each);
            }
            Condition::And(a, b) | Condition::Or(a, b) => {
                a.metrics(each);
                b.metrics(each);
            }
            Condition::Not(inner) => inner.metrics(each),
            Condition::Holds(measured) => measured.metrics(each),
            Condition::Becomes { condition, .. } | Condition::InEvery { condition, .. } => condition.metrics(each),
            Condition::Alert(_) => {}
        }
    }
}
