//! Whether a plan that was read from a file is valid: a file may come from anywhere, so what the checker guarantees is checked
//! again. Every index is in its list, every range goes forward, and the measurements have no more slices than any run has.

use super::{
    AlertDoes, AlertScopes, Condition, Element, Expectation, Impact, Load, Measured, Member, Metric, OfFault, Plan,
    Planned, Range, Recovery, Requests, Samples, Scopes, Search, Series, Stage, scope,
};
use crate::base::units::{DAY, SECOND};

/// No load lasts longer, with the time that its last answers have.
pub const LONGEST: u64 = 100 * DAY;
/// So many slices a condition may be judged in.
pub const MOST_SLICES: u64 = 100_000;
/// More than anybody counts in a run, and so little that sums of many do not overflow.
pub const COUNTLESS: u64 = 1 << 53;
/// Into so many pieces a plan may cut what is measured next to its seconds, where few words of it make many pieces.
const PIECES: u64 = 1 << 25;
/// The seconds around an instant at which a state is looked at.
const LOOKED_AT: u64 = 2_000;

type Possibility = Result<(), &'static str>;

fn hold(holds: bool, otherwise: &'static str) -> Possibility {
    if holds { Ok(()) } else { Err(otherwise) }
}

const TIME: &str = "an instant of it lies beyond any run, or a window ends before it begins";
const PLACE: &str = "a part of it speaks of another one that is not there";
const COUNT: &str = "it has a count or a rate beyond any run";
const MANY: &str = "its windows cut what is measured into more pieces than any run has";

/// Instants lie within a run, and windows go forward; one may have no end.
pub fn is_range((from, to): Range) -> bool {
    from <= LONGEST && from <= to && (to <= LONGEST || to == u64::MAX)
}

impl Plan {
    /// What of it no check would have let pass.
    pub fn is_possible(&self) -> Possibility {
        hold((1..=COUNTLESS).contains(&self.share.count) && self.share.index < self.share.count, COUNT)?;
        hold(self.length <= LONGEST, TIME)?;
        let mut look = Seeker { plan: self, pieces: 0 };
        self.loads.iter().try_for_each(|load| look.load(load))?;
        self.series.iter().try_for_each(|series| look.series(series))?;
        for fault in &self.faults {
            hold(fault.windows.iter().all(|window| is_range(*window)), TIME)?;
            hold(look.has(fault.action.element()), PLACE)?;
        }
        for event in &self.events {
            look.pieces(LOOKED_AT)?;
            hold(event.at <= LONGEST && event.at_most <= LONGEST, TIME)?;
        }
        self.steady_states.iter().try_for_each(|steady| look.steady(steady))?;
        look.expectations(&self.expectations)?;
        look.expectations(&self.allowed_alerts)?;
        for abort in &self.aborts {
            hold(abort.length <= LONGEST, TIME)?;
            look.condition(&abort.condition)?;
        }
        self.searches.iter().try_for_each(|search| look.search(search))
    }
}

impl Load {
    /// The bounds that hold for any load, however it was put together.
    fn is_possible(&self) -> Possibility {
        let mut area = 0u128;
        for segment in self.shape.segments() {
            let end = segment.start.checked_add(segment.length);
            hold(end.is_some_and(|end| end.saturating_add(self.grace) <= LONGEST), TIME)?;
            let own = (u128::from(segment.from) + u128::from(segment.to)) * u128::from(segment.length);
            area = area.checked_add(own).filter(|area| *area < u128::MAX / 2).ok_or(COUNT)?;
        }
        hold(self.start <= LONGEST && self.grace <= LONGEST, TIME)?;
        hold(self.shape.arrivals() <= COUNTLESS, COUNT)?;
        let bounded = self.population.into_iter().chain(self.pace);
        hold(bounded.chain([self.ceiling.in_flight]).all(|number| number <= COUNTLESS), COUNT)?;
        self.stages.iter().try_for_each(Stage::is_possible)?;
        let iterations = self.stages.iter().filter_map(|stage| stage.iterations);
        hold(iterations.fold(0, u64::saturating_add) <= COUNTLESS, COUNT)
    }
}

impl Stage {
    fn is_possible(&self) -> Possibility {
        let ends = [(self.start, self.end)].into_iter().chain(self.levels.iter().map(|(_, range)| *range));
        ends.into_iter().try_for_each(|range| hold(is_range(range) && range.1 <= LONGEST, TIME))
    }
}

struct Seeker<'p> {
    plan: &'p Plan,
    pieces: u64,
}

impl Seeker<'_> {
    fn pieces(&mut self, more: u64) -> Possibility {
        self.pieces = self.pieces.saturating_add(more);
        hold(self.pieces <= PIECES, MANY)
    }

    /// How long its measurements go on at the most.
    fn seconds(&self) -> u64 {
        self.plan.length.saturating_add(self.plan.grace()) / SECOND
    }

    fn load(&mut self, load: &Load) -> Possibility {
        load.is_possible()?;
        hold(load.parts.iter().all(|part| part.flow < self.plan.flows.len()), PLACE)?;
        let mut replays = load.stages.iter().filter_map(|stage| stage.replay.as_ref());
        hold(!load.parts.is_empty() && replays.all(|replay| replay.data < self.plan.data.len()), PLACE)
    }

    fn series(&mut self, series: &Series) -> Possibility {
        let Series { load, part, flow, member, derived, .. } = series;
        let parts = self.plan.loads.get(*load).map_or(0, |load| load.parts.len());
        let flow = self.plan.flows.get(*flow).filter(|_| *part < parts).ok_or(PLACE)?;
        hold(derived.is_none_or(|derived| derived < self.plan.series.len()), PLACE)?;
        let is_there = match member {
            Member::All | Member::Iteration => true,
            Member::Request(request) => flow.requests().any(|own| own.response == *request),
            Member::Group(group) => *group < flow.groups.len(),
            Member::Measure(measure) => *measure < flow.measures.len(),
            Member::Wait(limit) => *limit < self.plan.limits.len(),
        };
        hold(is_there, PLACE)
    }

    fn has(&self, element: Element) -> bool {
        match element {
            Element::Link(link) => link < self.plan.links.len(),
            Element::Target(target) => target < self.plan.targets.len(),
            Element::Service(service) => service < self.plan.services.len(),
            Element::Host | Element::Command => true,
        }
    }

    fn expectations(&mut self, all: &[Expectation]) -> Possibility {
        all.iter().try_for_each(|expectation| self.condition(&expectation.condition))
    }

    fn steady(&mut self, steady: &super::SteadyState) -> Possibility {
        hold(steady.window <= LONGEST && steady.hold <= LONGEST, TIME)?;
        self.expectations(&steady.conditions)
    }

    fn search(&mut self, search: &Search) -> Possibility {
        let load = self.plan.loads.get(search.load).ok_or(PLACE)?;
        hold(search.stage < load.stages.len(), PLACE)?;
        hold(search.each <= LONGEST && search.trials <= COUNTLESS, TIME)?;
        let (start, end) = search.range(&self.plan.loads);
        // Trials begin at instants of a grid.
        let steps = search.settles().div_ceil(SECOND).max(1);
        self.pieces((end - start) / (search.settles() / steps).max(1))?;
        self.condition(&search.condition)
    }

    fn condition(&mut self, condition: &Condition) -> Possibility {
        match condition {
            Condition::Compare { left, right, .. } | Condition::Within { left, right, .. } => {
                self.measured(left)?;
                self.measured(right)
            }
            Condition::And(a, b) | Condition::Or(a, b) => {
                self.condition(a)?;
                self.condition(b)
            }
            Condition::Not(inner) => self.condition(inner),
            Condition::Holds(measured) => self.measured(measured),
            Condition::Becomes { condition, within, of } => {
                hold(*within <= LONGEST, TIME)?;
                self.instant(of)?;
                self.pieces(self.seconds().min(within / SECOND + LOOKED_AT))?;
                self.condition(condition)
            }
            Condition::InEvery { condition, every, .. } => {
                self.condition(condition)?;
                let (ranges, end) = condition.scope();
                let slices = scope::length(&ranges, end) / (*every).max(1);
                hold(slices <= MOST_SLICES, MANY)?;
                self.pieces(slices)
            }
            Condition::Alert(check) if check.source >= self.plan.alert_sources.len() => Err(PLACE),
            Condition::Alert(check) => match &check.does {
                AlertDoes::Fires { within, of } | AlertDoes::Resolves { within, of } => {
                    hold(*within <= LONGEST, TIME)?;
                    self.instant(of)
                }
                AlertDoes::StaysQuiet { scopes }
                | AlertDoes::MayFire { scopes }
                | AlertDoes::KeepsFiring { scopes } => {
                    let AlertScopes { ranges, impacts, faults } = scopes;
                    self.ranges(ranges)?;
                    self.impacts(impacts)?;
                    self.faults(faults)
                }
            },
        }
    }

    fn measured(&mut self, measured: &Measured) -> Possibility {
        match measured {
            Measured::Constant { .. } | Measured::Baseline { .. } => Ok(()),
            Measured::Metric { metric, .. } => self.metric(metric),
            Measured::Arithmetic { left, right, .. } => {
                self.measured(left)?;
                self.measured(right)
            }
        }
    }

    fn metric(&mut self, metric: &Metric) -> Possibility {
        match metric {
            Metric::Requests(requests) => self.requests(requests),
            Metric::Recovery(recovery) => self.recovery(recovery),
            Metric::Series(readings) => {
                self.ranges(&readings.ranges)?;
                self.scopes(&readings.scopes)
            }
            Metric::Counter(own) => {
                hold(own.counter < self.plan.counters.len(), PLACE)?;
                self.ranges(&own.ranges)?;
                self.scopes(&own.scopes)
            }
            Metric::Buckets(own) => {
                hold(own.counter < self.plan.counters.len(), PLACE)?;
                self.ranges(&own.ranges)?;
                self.requests(&own.requests)
            }
            Metric::Other { ranges, .. } => self.ranges(ranges),
            Metric::Ledger { ledger, .. } => hold(*ledger < self.plan.ledgers.len(), PLACE),
            Metric::Alerts { source, .. } => hold(*source < self.plan.alert_sources.len(), PLACE),
            Metric::Detection(detection) => {
                self.ranges(&detection.windows)?;
                hold(detection.faults.iter().all(|fault| *fault < self.plan.faults.len()), PLACE)?;
                hold(detection.events.iter().all(|event| *event < self.plan.events.len()), PLACE)
            }
            Metric::Crashes(crashes) => {
                hold(crashes.excused_by.iter().all(|fault| *fault < self.plan.faults.len()), PLACE)?;
                self.ranges(&crashes.ranges)?;
                self.scopes(&crashes.scopes)
            }
            Metric::Capacity(capacity) => {
                let load = self.plan.loads.get(capacity.load).ok_or(PLACE)?;
                hold(capacity.stage < load.stages.len(), PLACE)
            }
            Metric::Scaling(scaling) => {
                self.ranges(&scaling.levels.iter().map(|(_, range)| *range).collect::<Vec<Range>>())?;
                self.requests(&scaling.throughput)
            }
            Metric::Drift { fine, coarse } => fine.iter().chain(coarse).try_for_each(|part| self.metric(part)),
        }
    }

    fn requests(&mut self, requests: &Requests) -> Possibility {
        for Samples { series, ranges } in requests.samples.iter().chain(&requests.chosen_of) {
            hold(*series < self.plan.series.len(), PLACE)?;
            self.ranges(ranges)?;
        }
        if let Some((load, ranges)) = &requests.load {
            hold(*load < self.plan.loads.len(), PLACE)?;
            self.ranges(ranges)?;
        }
        hold(requests.length <= LONGEST || requests.length == u64::MAX, TIME)?;
        self.scopes(&requests.scopes)
    }

    fn recovery(&mut self, recovery: &Recovery) -> Possibility {
        self.pieces(self.seconds().min(LOOKED_AT.saturating_mul(recovery.windows.len() as u64)))?;
        self.ranges(&recovery.windows)?;
        hold(recovery.faults.iter().all(|fault| *fault < self.plan.faults.len()), PLACE)?;
        hold(recovery.events.iter().all(|event| *event < self.plan.events.len()), PLACE)?;
        hold(recovery.end <= LONGEST, TIME)?;
        self.steady(&recovery.steady)
    }

    fn scopes(&mut self, scopes: &Scopes) -> Possibility {
        hold(scopes.end <= LONGEST, TIME)?;
        self.impacts(&scopes.impacts)?;
        self.faults(&scopes.faults)
    }

    fn impacts(&mut self, impacts: &[Impact]) -> Possibility {
        impacts.iter().try_for_each(|impact| self.recovery(&impact.of))
    }

    fn faults(&mut self, faults: &[OfFault]) -> Possibility {
        let place = |of: &OfFault| of.fault < if of.is_event { self.plan.events.len() } else { self.plan.faults.len() };
        hold(faults.iter().all(place), PLACE)
    }

    fn ranges(&mut self, ranges: &[Range]) -> Possibility {
        hold(ranges.iter().all(|range| is_range(*range)), TIME)
    }

    fn instant(&mut self, planned: &Planned) -> Possibility {
        hold(planned.at <= LONGEST, TIME)
    }
}
