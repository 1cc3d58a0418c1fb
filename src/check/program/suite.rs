//! Suites: scenarios in weighted areas, and when a suite is ready.

use crate::base::Name;
use crate::check::inputs::Rule;
use crate::check::types::Type;
use crate::check::words::written;
use crate::syntax::ast::Binary;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Formatter};

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Suite {
    pub name: Name,
    pub doc: Option<String>,
    pub areas: Vec<Area>,
    pub ready: Option<Ready>,
    /// All expectations of its scenarios are.
    pub strict: bool,
}

#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Area {
    pub name: String,
    pub weight: f64,
    pub scenarios: Vec<SuiteMember>,
}

/// A scenario of a suite.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct SuiteMember {
    /// As the suite names it.
    pub path: String,
    /// Its file, where it is another one.
    pub file: Option<String>,
    pub scenario: String,
}

/// When a suite is good enough. Printed as it is written.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ready {
    /// A score compared with a share of one.
    Score {
        of: Score,
        operator: Binary,
        bound: f64,
    },
    /// The share of alerting rules that its runs have seen fire, compared with a share of one.
    Rules {
        of: Box<RuleCoverage>,
        operator: Binary,
        bound: f64,
    },
    /// The scenario that the suite names so has passed.
    Passed(String),
    Not(Box<Ready>),
    And(Box<Ready>, Box<Ready>),
    Or(Box<Ready>, Box<Ready>),
}

/// Alerting rules of a file, of which a suite counts those with some labels.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct RuleCoverage {
    /// As the suite names it.
    pub file: String,
    pub labels: Vec<(String, String)>,
    /// All of the file: others may have the name of one that counts.
    pub rules: Vec<Rule>,
}

impl RuleCoverage {
    /// What is called for it.
    pub const NAME: &str = "rule_coverage";

    /// Those that set these labels.
    pub fn counted(&self) -> impl Iterator<Item = &Rule> {
        let has = |rule: &Rule| self.labels.iter().all(|(name, value)| rule.label(name) == Some(value));
        self.rules.iter().filter(move |rule| has(rule))
    }
}

/// As it is written.
impl Display for RuleCoverage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}({:?}", RuleCoverage::NAME, self.file)?;
        let labels: Vec<String> = self.labels.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        match labels.as_slice() {
            [] => f.write_str(")"),
            labels => write!(f, ", labels: {{ {} }})", labels.join(", ")),
        }
    }
}

/// The share of what was expected that held.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    /// Of all areas, by their weights.
    Whole,
    Area(String),
}

impl Score {
    /// What the score of the whole is called.
    pub const WHOLE: &str = "score";

    pub fn of(name: &str) -> Score {
        if name == Score::WHOLE { Score::Whole } else { Score::Area(name.to_owned()) }
    }
}

impl Ready {
    /// The rules files that it counts, each once.
    pub fn coverages(&self) -> Vec<&RuleCoverage> {
        let mut found: Vec<&RuleCoverage> = Vec::new();
        match self {
            Ready::Rules { of, .. } => found.push(of),
            Ready::Score { .. } | Ready::Passed(_) => {}
            Ready::Not(inner) => found = inner.coverages(),
            Ready::And(left, right) | Ready::Or(left, right) => {
                for own in left.coverages().into_iter().chain(right.coverages()) {
                    if !found.contains(&own) {
                        found.push(own);
                    }
                }
            }
        }
        found
    }

    /// How close what it is made of is bound.
    fn closeness(&self) -> u8 {
        match self {
            Ready::Or(..) => 0,
            Ready::And(..) => 1,
            Ready::Not(_) => 2,
            Ready::Score { .. } | Ready::Rules { .. } | Ready::Passed(_) => 3,
        }
    }

    /// In parentheses where what stands around it binds closer.
    fn within(&self, around: u8) -> String {
        if self.closeness() < around { format!("({self})") } else { self.to_string() }
    }
}

impl Display for Ready {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Ready::Score { of: Score::Whole, operator, bound } => {
                write!(f, "{} {} {}", Score::WHOLE, operator.symbol(), written(*bound, Type::Percent))
            }
            Ready::Score { of: Score::Area(name), operator, bound } => {
                write!(f, "{name} {} {}", operator.symbol(), written(*bound, Type::Percent))
            }
            Ready::Rules { of, operator, bound } => {
                write!(f, "{of} {} {}", operator.symbol(), written(*bound, Type::Percent))
            }
            Ready::Passed(path) => write!(f, "passed({path})"),
            Ready::Not(inner) => write!(f, "not {}", inner.within(3)),
            Ready::And(left, right) => write!(f, "{} and {}", left.within(1), right.within(1)),
            Ready::Or(left, right) => write!(f, "{} or {}", left.within(0), right.within(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_printed_as_it_is_written() {
        let least = |of: &str, bound: f64| Ready::Score { of: Score::of(of), operator: Binary::GreaterEqual, bound };
        let passed = || Box::new(Ready::Passed("chaos.gate".to_owned()));
        let either = Ready::Or(Box::new(least("score", 0.85)), passed());
        assert_eq!(either.to_string(), "score >= 85% or passed(chaos.gate)");
        let both = Ready::And(Box::new(either), Box::new(least("traffic", 0.995)));
        assert_eq!(both.to_string(), "(score >= 85% or passed(chaos.gate)) and traffic >= 99.5%");
        assert_eq!(
            Ready::Not(Box::new(both)).to_string(),
            "not ((score >= 85% or passed(chaos.gate)) and traffic >= 99.5%)"
        );
        assert_eq!(Ready::Not(passed()).to_string(), "not passed(chaos.gate)");
        let labels = vec![("severity".to_owned(), "page".to_owned())];
        let of = RuleCoverage { file: "r.yml".to_owned(), labels, rules: Vec::new() };
        let rules = |of: RuleCoverage| Ready::Rules { of: Box::new(of), operator: Binary::GreaterEqual, bound: 0.6 };
        assert_eq!(rules(of.clone()).to_string(), "rule_coverage(\"r.yml\", labels: { severity: \"page\" }) >= 60%");
        let all = rules(RuleCoverage { labels: Vec::new(), ..of });
        assert_eq!(all.to_string(), "rule_coverage(\"r.yml\") >= 60%");
        assert_eq!(Ready::And(Box::new(all.clone()), Box::new(Ready::Not(Box::new(all)))).coverages().len(), 1);
    }
}
