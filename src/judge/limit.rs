//! Why a load fell short of its plan: the target, the generator, or undecided. The judgement rests on what the generator's own
//! threads did, never on the machine being busy: a local target may be what is busy.

use crate::base::units::{self, MILLISECOND};
use crate::measure::Stats;
use crate::metric::room::{self, SATURATED, SMALL};
use crate::plan::{Plan, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    Target,
    Generator,
    /// It is undecided which of them.
    Either,
}

impl Subject {
    pub fn is_generator(self) -> bool {
        matches!(self, Subject::Generator | Subject::Either)
    }
}

/// One sentence about a load that fell short of its plan, or missed an expectation.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Caveat {
    pub load: String,
    pub who: Subject,
    pub text: String,
    /// What the sentence rests on.
    pub shown_by: Evidence,
}

/// What a load and the workers did: while arrivals were missing, or otherwise over the whole load.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Evidence {
    pub started: u64,
    pub dropped: u64,
    pub unsent: u64,
    pub lag_p99_ns: u64,
    pub poll_delay_p99_ns: u64,
    pub poll_delay_mean_ns: f64,
    pub service_time_mean_ns: f64,
    /// Shares of time that the busiest worker ran, and that it was ready without a core.
    pub busy: f64,
    pub waiting: f64,
}

/// What is known of one load.
#[derive(Debug, Clone)]
pub struct Facts {
    pub evidence: Evidence,
    /// An open load lacks arrivals, because of …
    pub missing: Option<Subject>,
    /// The users of a closed load were held up by …, other than by the target alone.
    pub held_up: Option<Subject>,
    /// The part of the time of a request that is the generator's own delay.
    own: f64,
    ceiling: u64,
}

/// A share of arrivals that may be missing before a rate counts as not generated.
pub const MISSING: f64 = 0.001;
/// With a lag above this there is no schedule any more, whatever is judged.
pub const LATE: u64 = 100 * MILLISECOND;
/// Above this share, the rest does not matter.
const LARGE: f64 = 0.8;

impl Facts {
    pub fn of(plan: &Plan, stats: &Stats, index: usize) -> Facts {
        let load = &plan.loads[index];
        let mut all = stats.load(index, &[(0, u64::MAX)]);
        // What nobody counted was not started either.
        let planned: Option<u64> = (0..load.stages.len()).map(|stage| stats.planned(plan, index, stage)).sum();
        all.unsent = all.unsent.max(planned.unwrap_or(0).saturating_sub(all.started + all.dropped));
        let end = load.shape.end();
        let stages = load.stages.iter().map(|stage| (stage.start, stage.end));
        let lacking = stages.filter(|(from, to)| {
            let counts = stats.load(index, &[(*from, *to)]);
            counts.dropped + counts.unsent > 0
        });
        let hurt: Vec<Range> = match all.dropped + all.unsent {
            0 => vec![(load.start, end)],
            _ => lacking.collect(),
        };
        let poll = stats.poll_delay(&hurt);
        let all_of_it =
            plan.series.iter().enumerate().filter(|(_, series)| series.load == index && series.is_request());
        let service = room::service_time(all_of_it.map(|(series, _)| series), &hurt, stats);
        let lag = stats.lag(index);
        let (busy, waiting) = room::busiest(stats, &hurt);
        let evidence = Evidence {
            started: all.started,
            dropped: all.dropped,
            unsent: all.unsent,
            lag_p99_ns: lag.value_at_quantile(0.99),
            poll_delay_p99_ns: poll.value_at_quantile(0.99),
            poll_delay_mean_ns: poll.mean(),
            service_time_mean_ns: service.mean(),
            busy,
            waiting,
        };
        let mut own = room::own_part(&poll, &service);
        let ceiling = load.ceiling.in_flight;
        if load.is_open() && all.dropped > 0 {
            let here = stats.load(index, &hurt);
            let time = hurt.iter().map(|(from, to)| to.saturating_sub(*from) as f64).sum::<f64>().max(1.0);
            let rate = (here.started + here.dropped + here.unsent) as f64 / time;
            let each = service.len() as f64 / here.started.max(1) as f64;
            // Answers alone do not fill the ceiling, so what does may be many late arrivals at once.
            if rate * each * (service.mean() - poll.mean()) < ceiling as f64 {
                let burst = rate * evidence.lag_p99_ns as f64 / ceiling.max(1) as f64;
                own = own.max(burst.min(1.0));
            }
        }
        // Whether it could have sent the rate to a faster target is not known.
        let saturated = busy + waiting >= SATURATED || evidence.lag_p99_ns > LATE;
        let share = |part: u64| part as f64 / (all.started + all.dropped + all.unsent).max(1) as f64 > MISSING;
        let missing = match (share(all.dropped), share(all.unsent)) {
            _ if !load.is_open() => None,
            (false, false) => None,
            (false, true) => Some(Subject::Generator),
            (true, _) if own > LARGE => Some(Subject::Generator),
            (true, false) if own < SMALL && !saturated => Some(Subject::Target),
            (true, _) => Some(Subject::Either),
        };
        let held_up = match own {
            // A worker with room to spare did all that its users asked of it, however short its answers are.
            _ if load.is_open() || own < SMALL || busy + waiting < SATURATED => None,
            _ if own > LARGE => Some(Subject::Generator),
            _ => Some(Subject::Either),
        };
        Facts { evidence, missing, held_up, own, ceiling }
    }

    /// Whether the generator limited how much was sent.
    pub fn is_limited(&self) -> bool {
        self.missing.or(self.held_up).is_some_and(Subject::is_generator)
    }

    /// Whether nearly all of the time of a request was the target's.
    pub fn is_of_the_target(&self) -> bool {
        self.own < SMALL
    }

    /// Why arrivals are missing.
    pub fn text(&self, name: &str) -> Option<String> {
        let Evidence { started, dropped, unsent, .. } = self.evidence;
        let shown = |count: u64| units::grouped(count as f64, 0);
        let planned = shown(started + dropped + unsent);
        let full = format!(
            "{} of {planned} arrivals found {} under way and were dropped",
            shown(dropped),
            shown(self.ceiling)
        );
        let late = format!("{} of {planned} iterations were not started in time", shown(unsent));
        Some(match self.missing? {
            Subject::Target => format!("`{name}`: the target was slow: {full}; {}", self.answers()),
            Subject::Generator if dropped > unsent => {
                format!("`{name}`: the generator was slow: {full}; {}; {}", self.answers(), self.workers())
            }
            Subject::Generator => {
                format!("`{name}`: the generator was slow: {late}; {}", self.workers())
            }
            Subject::Either => {
                let late = if unsent > 0 { format!(", and {late}") } else { String::new() };
                format!(
                    "`{name}`: whether the target or the generator was slow cannot be told: {full}{late}; {}; {}",
                    self.answers(),
                    self.workers()
                )
            }
        })
    }

    /// What an answer took, and how much of it is the generator's own.
    pub fn answers(&self) -> String {
        let (all, own) = (self.evidence.service_time_mean_ns, self.evidence.poll_delay_mean_ns);
        let lag = match self.own * all > own * 1.01 && self.missing.is_some() {
            true => {
                format!(
                    ", and 1 of 100 arrivals came {} late",
                    units::measured_duration(self.evidence.lag_p99_ns as f64)
                )
            }
            false => String::new(),
        };
        format!(
            "an answer took {}, of which the generator's own delay is {}{lag}",
            units::measured_duration(all),
            units::measured_duration(own.min(all))
        )
    }

    /// What the busiest worker did, with what helps.
    pub fn workers(&self) -> String {
        let Evidence { busy, waiting, .. } = self.evidence;
        let (ran, waited) = (units::percent(busy), units::percent(waiting));
        let help = match () {
            () if waiting > busy && waiting > 0.1 => " (leave it a core that nothing else uses)",
            () if busy + waiting >= SATURATED => " (a lower rate, more `--workers`, or other machines with `--share`)",
            () => "",
        };
        format!("the busiest worker ran {ran} of the time and waited for a core {waited}{help}")
    }
}
