//! Whether the outcome of an expectation stands, whatever the generator did.

use super::limit::{Facts, Subject};
use crate::base::units::{MILLISECOND, measured_duration};
use crate::check::builtins::{Added, Delay, Direction};
use crate::measure::{Failure, Stats, Tried, histogram};
use crate::metric::{self, Judged, Known, Outcome, Quantity, printed, turned};
use crate::plan::{Binary, Capacity, Condition, Measured, Metric, MetricKey, Plan, Range, Requests, Search, Type};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Stands,
    /// A lower bound that holds, though the generator sent less than it should: the target can do at least that.
    AtLeast,
    /// The generator alone could have made it so.
    InDoubt,
}

/// Whether the outcome of an expectation stands, and the load, the bottleneck and the evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Stand {
    pub standing: Standing,
    pub cause: Option<(usize, Subject, String)>,
}

impl Stand {
    const FIRM: Stand = Stand { standing: Standing::Stands, cause: None };

    /// In doubt where something is in doubt.
    fn doubt(cause: Option<(usize, Subject, String)>) -> Stand {
        let standing = if cause.is_some() { Standing::InDoubt } else { Standing::Stands };
        Stand { standing, cause }
    }
}

/// Delay up to this does not matter to a bound that holds.
const FLOOR: u64 = 10 * MILLISECOND;
/// Delay up to this share of a bound does not matter to one that holds.
const SHARE: f64 = 0.2;

/// What a stand is worked out from.
pub struct Ground<'a> {
    pub plan: &'a Plan,
    pub stats: &'a Stats,
    /// By load.
    pub facts: &'a [Facts],
}

impl Ground<'_> {
    /// Of a condition as it was judged.
    pub fn stand(&self, condition: &Condition, judged: &Judged) -> Stand {
        let outcome = judged.outcome;
        if let Some(stand) = self.unanswered(condition, judged) {
            return stand;
        }
        let value = |side: &Option<Quantity>| side.as_ref().map(|side| side.number);
        match condition {
            Condition::Compare { operator, left, right } => match (left, right) {
                (
                    Measured::Metric { metric: Metric::Requests(of), unit, .. },
                    Measured::Constant { value: bound, .. },
                ) => self.compared(*operator, (of, value(&judged.value), *unit), *bound, outcome),
                (
                    Measured::Constant { value: bound, .. },
                    Measured::Metric { metric: Metric::Requests(of), unit, .. },
                ) => self.compared(turned(*operator), (of, value(&judged.bound), *unit), *bound, outcome),
                (Measured::Metric { metric: Metric::Capacity(of), .. }, Measured::Constant { .. }) => {
                    self.found(*operator, of, outcome)
                }
                (Measured::Constant { .. }, Measured::Metric { metric: Metric::Capacity(of), .. }) => {
                    self.found(turned(*operator), of, outcome)
                }
                _ => self.unknown(condition, judged),
            },
            Condition::Within { left, right, .. } => match (left, right) {
                (
                    Measured::Metric { metric: Metric::Requests(of), unit, .. },
                    Measured::Constant { value: bound, .. },
                ) => self.compared(Binary::Equal, (of, value(&judged.value), *unit), *bound, outcome),
                _ => self.unknown(condition, judged),
            },
            Condition::Not(inner) => judged.parts.first().map_or(Stand::FIRM, |part| self.stand(inner, part)),
            Condition::And(a, b) => self.joined([a, b], &judged.parts, Outcome::Failed),
            Condition::Or(a, b) => self.joined([a, b], &judged.parts, Outcome::Held),
            Condition::InEvery { condition: inner, .. } => match (outcome, judged.when, judged.parts.first()) {
                (Outcome::Inconclusive, ..) => Stand::FIRM,
                (Outcome::Failed, Some(range), Some(worst)) => self.stand(&inner.within(range), worst),
                // Where its slices held, it stands as what was measured over all of them.
                _ => self.stand(inner, &metric::judge(inner, self.stats)),
            },
            Condition::Holds(_) | Condition::Becomes { .. } => self.unknown(condition, judged),
            Condition::Alert(_) => Stand::FIRM,
        }
    }

    /// One that decides and stands is enough; where both are needed, both must stand.
    fn joined(&self, sides: [&Condition; 2], judged: &[Judged], decides: Outcome) -> Stand {
        let side = |(side, judged): (&Condition, &Judged)| (judged.outcome, self.stand(side, judged));
        let sides: Vec<(Outcome, Stand)> = sides.into_iter().zip(judged).map(side).collect();
        let deciding = || sides.iter().filter(|(outcome, _)| *outcome == decides).map(|(_, stand)| stand);
        let doubtful = |stand: &&Stand| stand.standing == Standing::InDoubt;
        let firm = deciding().find(|stand| !doubtful(stand));
        let worst = || sides.iter().map(|(_, stand)| stand).find(doubtful).or(sides.first().map(|(_, stand)| stand));
        firm.or_else(|| deciding().next()).or_else(worst).cloned().unwrap_or(Stand::FIRM)
    }

    fn compared(
        &self,
        operator: Binary,
        (of, value, unit): (&Requests, Option<f64>, Type),
        bound: f64,
        outcome: Outcome,
    ) -> Stand {
        let Some(value) = value.filter(|_| outcome != Outcome::Inconclusive) else {
            return Stand::FIRM;
        };
        let held = outcome == Outcome::Held;
        let upper = matches!(operator, Binary::Less | Binary::LessEqual);
        let lower = matches!(operator, Binary::Greater | Binary::GreaterEqual);
        let shown = |value: f64| printed(value, unit);
        let against = format!("{} is {}, against {}", of.function.word(), shown(value), shown(bound));
        match of.function.delay() {
            Delay::Adds(_) if unit != Type::Duration => Stand::FIRM,
            Delay::Adds(added) => {
                let own = self.own_delay(of, added);
                match (held, upper, lower) {
                    (false, true, _) => self.missed(of, &against, (value, bound), own),
                    (true, true, _) => Stand::doubt(self.short().or_else(|| self.late(of, bound))),
                    (false, _, true) => Stand::FIRM,
                    (true, _, true) if value - own >= bound => Stand::FIRM,
                    (true, _, true) => Stand::doubt(self.cause(of, Subject::Either, &against, own)),
                    _ => Stand::doubt(self.short().or_else(|| self.late(of, bound))),
                }
            }
            Delay::Unsent => {
                let limited = self.loads(of).into_iter().find(|load| self.facts[*load].is_limited());
                match (held, limited) {
                    (true, Some(_)) if lower => Stand { standing: Standing::AtLeast, cause: None },
                    // More than it may, though less was sent than planned; or as much as it shall.
                    (false, Some(_)) if upper => Stand::FIRM,
                    (true, Some(_)) if !upper => Stand::FIRM,
                    (_, Some(load)) => Stand::doubt(self.behind(load, &against)),
                    (false, None) if !upper => {
                        Stand { standing: Standing::Stands, cause: self.users_waited(of, &against) }
                    }
                    (_, None) => Stand::FIRM,
                }
            }
            Delay::Drops => {
                let load = of.load.as_ref().map_or(0, |(load, _)| *load);
                match self.facts[load].missing {
                    Some(who) if who.is_generator() => Stand::doubt(self.behind(load, &against)),
                    _ if held => Stand::doubt(self.short()),
                    _ => Stand::FIRM,
                }
            }
            Delay::Fails if held => Stand::doubt(self.short()),
            Delay::Fails => {
                let worse = match of.function.direction() {
                    Direction::Less => upper,
                    Direction::More => lower,
                    Direction::OfValues | Direction::Neither => false,
                };
                Stand::doubt(self.timed_out(of, bound).filter(|_| worse))
            }
            Delay::Blurs { threshold } => {
                Stand::doubt(self.short().or_else(|| self.late(of, threshold.unwrap_or(bound))))
            }
        }
    }

    /// Of a comparison that was decided by a request without an answer: too late it can have come by the generator alone.
    fn unanswered(&self, condition: &Condition, judged: &Judged) -> Option<Stand> {
        let (Condition::Compare { left, right, .. } | Condition::Within { left, right, .. }) = condition else {
            return None;
        };
        let lies_there = |side: &Option<Quantity>| side.as_ref().is_some_and(|side| side.known == Known::NoAnswer);
        let side = if lies_there(&judged.value) { left } else { Some(right).filter(|_| lies_there(&judged.bound))? };
        let mut stand = Stand::FIRM;
        side.metrics(&mut |metric| {
            if let Metric::Requests(of) = metric
                && judged.outcome != Outcome::Inconclusive
            {
                let cause = self.short().or_else(|| self.timed_out(of, 0.0));
                stand = Stand::doubt(cause);
            }
        });
        Some(stand)
    }

    /// What a search found rests on the lowest level at which its condition did not hold: would it have, with a better
    /// generator? What it held at is there in any case.
    fn found(&self, operator: Binary, of: &Capacity, outcome: Outcome) -> Stand {
        let ours = |tried: &&Tried| (tried.load, tried.stage) == (of.load, of.stage) && tried.held == Some(false);
        let lowest = self.stats.tried.iter().filter(ours).min_by(|a, b| a.level.total_cmp(&b.level));
        let Some(lowest) = lowest.filter(|_| outcome != Outcome::Inconclusive) else { return Stand::FIRM };
        let own = |search: &&Search| (search.load, search.stage) == (of.load, of.stage);
        let condition = self.plan.searches.iter().find(own).map(|search| search.condition.within(lowest.judged));
        let cause = match self.facts[of.load].is_limited() {
            true => self.behind(of.load, ""),
            false => {
                // The run judged it by what had arrived until then; here is all of it.
                let stand = |condition: Condition| self.stand(&condition, &metric::judge(&condition, self.stats));
                condition.map(stand).filter(|stand| stand.standing == Standing::InDoubt).and_then(|stand| stand.cause)
            }
        };
        let lower = matches!(operator, Binary::Greater | Binary::GreaterEqual);
        let upper = matches!(operator, Binary::Less | Binary::LessEqual);
        match (outcome == Outcome::Held, cause) {
            (true, Some(_)) if lower => Stand { standing: Standing::AtLeast, cause: None },
            (false, Some(_)) if upper => Stand::FIRM,
            (_, cause) => Stand::doubt(cause),
        }
    }

    /// Slower than it may be: also without what the generator added, if the slowest were those that it delayed most?
    fn missed(&self, of: &Requests, against: &str, (value, bound): (f64, f64), own: f64) -> Stand {
        // What is sent late and all at once is not the load that was planned.
        if let Some(short) = self.short() {
            return Stand::doubt(Some(short));
        }
        let who = match own {
            own if value - own > bound => Subject::Target,
            own if own >= 0.8 * value => Subject::Generator,
            _ => Subject::Either,
        };
        let cause = self.cause(of, who, against, own);
        Stand { standing: if who == Subject::Target { Standing::Stands } else { Standing::InDoubt }, cause }
    }

    fn cause(&self, of: &Requests, who: Subject, against: &str, own: f64) -> Option<(usize, Subject, String)> {
        let load = *self.loads(of).first()?;
        let name = &self.plan.loads[load].name;
        let whose = match who {
            Subject::Target => "the target was slow",
            Subject::Generator => "the generator was slow",
            Subject::Either => "whether the target or the generator was slow cannot be told",
        };
        let own = measured_duration(own);
        let more = match who {
            Subject::Target => String::new(),
            Subject::Generator | Subject::Either => format!("; {}", self.facts[load].workers()),
        };
        Some((
            load,
            who,
            format!("`{name}`: {whose}: {against}, of which the generator's own delay is {own} at most{more}"),
        ))
    }

    /// What the generator's delay may have added to a function of times: of arrivals and of answers.
    fn own_delay(&self, of: &Requests, added: Added) -> f64 {
        let ranges = ranges(of);
        let poll = self.stats.poll_delay(&ranges);
        let read = |times: &hdrhistogram::Histogram<u64>| match added {
            _ if times.is_empty() => 0.0,
            Added::Quantile(q) => times.value_at_quantile(q) as f64,
            Added::Mean => times.mean(),
            Added::Min => times.min() as f64,
            Added::Max => times.max() as f64,
        };
        read(&poll) + if of.service_time { 0.0 } else { read(&self.lag(of, &ranges)) }
    }

    fn lag(&self, of: &Requests, ranges: &[Range]) -> hdrhistogram::Histogram<u64> {
        let mut lag = histogram::empty();
        let loads = self.loads(of).into_iter().filter(|load| self.plan.loads[*load].is_open());
        loads.for_each(|load| self.stats.lag_around(load, ranges, &mut lag));
        lag
    }

    /// Arrivals or answers came so late that a bound which held, or any exact value, says little.
    fn late(&self, of: &Requests, bound: f64) -> Option<(usize, Subject, String)> {
        let ranges = ranges(of);
        let poll = self.stats.poll_delay(&ranges).value_at_quantile(0.99);
        let lag = if of.service_time { 0 } else { self.lag(of, &ranges).value_at_quantile(0.99) };
        if poll.max(lag) <= FLOOR.max((bound * SHARE) as u64) {
            return None;
        }
        let load = *self.loads(of).first()?;
        let text = format!(
            "`{}`: the generator was slow: 1 of 100 iterations started {} late or more, and 1 of 100 answers waited {} or more \
             to be read, against a bound of {} for {}; {}",
            self.plan.loads[load].name,
            measured_duration(lag as f64),
            measured_duration(poll as f64),
            measured_duration(bound),
            of.function.word(),
            self.facts[load].workers()
        );
        Some((load, Subject::Generator, text))
    }

    /// A load whose rate was not generated, so that what held did so under less than was planned.
    fn short(&self) -> Option<(usize, Subject, String)> {
        let load = self.facts.iter().position(|facts| facts.missing.is_some_and(Subject::is_generator))?;
        self.behind(load, "")
    }

    fn behind(&self, load: usize, against: &str) -> Option<(usize, Subject, String)> {
        let (facts, name) = (&self.facts[load], &self.plan.loads[load].name);
        let who = facts.missing.or(facts.held_up)?;
        let text = facts.text(name).unwrap_or_else(|| {
            let whose = match who {
                Subject::Generator => "the generator was slow",
                Subject::Target | Subject::Either => "whether the target or the generator was slow cannot be told",
            };
            format!("`{name}`: {whose}: {against}; {}; {}", facts.answers(), facts.workers())
        });
        Some((load, who, text))
    }

    /// The users of a closed load did less than planned, because answers took so long.
    fn users_waited(&self, of: &Requests, against: &str) -> Option<(usize, Subject, String)> {
        let load = self.loads(of).into_iter().find(|load| !self.plan.loads[*load].is_open())?;
        let facts = Some(&self.facts[load]).filter(|facts| facts.is_of_the_target())?;
        let name = &self.plan.loads[load].name;
        Some((
            load,
            Subject::Target,
            format!("`{name}`: the generator was not the limit: {against}; {}", facts.answers()),
        ))
    }

    /// Too many failed only because of timeouts, which the generator's own delay can make. Of what is no share of requests it
    /// is enough that some did.
    fn timed_out(&self, of: &Requests, bound: f64) -> Option<(usize, Subject, String)> {
        let (mut all, mut failed, mut late) = (0, 0, 0);
        for samples in &of.samples {
            let counts = self.stats.counts(samples.series, &samples.ranges);
            all += counts.ok + counts.target_failures();
            failed += counts.target_failures();
            late += counts.failed.get(&Failure::Timeout).copied().unwrap_or(0);
        }
        let others = (failed - late) as f64 / all.max(1) as f64;
        let is_of_timeouts = of.function.share().map_or(late > 0, |times| others <= bound * times);
        let timeout = self.plan.targets.iter().map(|target| target.timeout).min()?;
        if is_of_timeouts { self.late(of, timeout as f64) } else { None }
    }

    /// What is judged of more than one metric, or over time: in doubt where any part of the run is.
    fn unknown(&self, condition: &Condition, judged: &Judged) -> Stand {
        if judged.outcome == Outcome::Inconclusive || !judged.timed {
            return Stand::FIRM;
        }
        let mut late = None;
        condition.metrics(&mut |metric| {
            if let Metric::Requests(of) = metric
                && late.is_none()
                && of.function.is_of_times()
            {
                late = self.late(of, metric::worth(&as_measured(of), self.stats).unwrap_or(f64::MAX));
            }
        });
        Stand::doubt(self.short().or(late))
    }

    fn loads(&self, of: &Requests) -> Vec<usize> {
        let series = of.samples.iter().filter_map(|samples| self.plan.series.get(samples.series));
        let mut loads: Vec<usize> = series.map(|series| series.load).collect();
        loads.dedup();
        loads
    }
}

fn as_measured(of: &Requests) -> Measured {
    Measured::Metric { metric: Metric::Requests(of.clone()), unit: Type::Duration, key: MetricKey::default() }
}

fn ranges(of: &Requests) -> Vec<Range> {
    of.samples.first().map_or_else(Vec::new, |samples| samples.ranges.clone())
}
