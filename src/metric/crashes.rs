//! How often a service ended by itself, not counting what was done to it on purpose.

use super::{Measurement, recovery};
use crate::base::units::SECOND;
use crate::measure::{End, Stats};
use crate::plan::{Crashes, Range, scope};

/// An end is noticed a while after its cause: the kernel gives the memory of a killed process back first.
const NOTICED: u64 = SECOND;

pub(super) fn apply(crashes: &Crashes, stats: &Stats) -> Measurement {
    let value = windows(crashes, stats).map(|ranges| {
        let is_in = |at: u64| ranges.iter().any(|(from, to)| (*from..*to).contains(&at));
        count(crashes, stats, is_in) as f64
    });
    Measurement::of(value, 0)
}

pub(super) fn windows(crashes: &Crashes, stats: &Stats) -> Result<Vec<Range>, String> {
    let scopes = recovery::scopes(&crashes.scopes, stats)?;
    Ok(scopes.iter().fold(crashes.ranges.clone(), |narrow, ranges| scope::intersect(&narrow, ranges)))
}

/// An end is excused by what is in force at it, and one before which it was not ready again by what was in force since it was.
fn count(crashes: &Crashes, stats: &Stats, is_in: impl Fn(u64) -> bool) -> usize {
    let until = |end: Option<u64>| end.map_or(u64::MAX, |end| end + NOTICED);
    let faults = stats.injected.iter().filter(|injected| crashes.excused_by.contains(&injected.fault));
    let faults = faults.map(|injected| (injected.applied.0, until(injected.withdrawn.map(|range| range.1))));
    let events = stats.happened.iter().map(|event| (event.began, until(event.ended)));
    let excuses: Vec<Range> = faults.chain(events).collect();
    let mut last_ready = 0;
    let counts = |end: &&End| {
        let since = if end.ready { end.at } else { last_ready };
        if end.ready {
            last_ready = end.at;
        }
        is_in(end.at) && !excuses.iter().any(|(from, to)| *from <= end.at && since <= *to)
    };
    stats.ends.iter().filter(|end| end.service == crashes.service).filter(counts).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Event, Proof};
    use crate::plan::Scopes;

    const WHOLE: Range = (0, u64::MAX);

    fn crashes() -> Crashes {
        Crashes {
            service: "shop".to_owned(),
            excused_by: vec![0],
            ranges: vec![WHOLE],
            scopes: Scopes { end: 60 * SECOND, ..Scopes::default() },
        }
    }

    fn fell(service: &str, second: u64, ready: bool) -> Event {
        let (status, output) = ("killed".to_owned(), String::new());
        Event::ServiceFell { service: service.to_owned(), at: second * SECOND, ready, status, output }
    }

    fn fault(fault: usize, from: u64, to: u64) -> [Event; 2] {
        let (from, to) = (from * SECOND, to * SECOND);
        let planned = (from, to);
        [
            Event::FaultApplied { fault, planned, applied: (from, from), mechanism: "signal".to_owned() },
            Event::FaultWithdrawn {
                fault,
                planned,
                withdrawn: (to, to),
                proof: Proof::default(),
                shown: None,
                unproven: None,
            },
        ]
    }

    fn counted(events: impl IntoIterator<Item = Event>) -> Result<f64, String> {
        let mut stats = Stats::bare(vec![0, SECOND], 0);
        events.into_iter().for_each(|event| stats.take(event));
        apply(&crashes(), &stats).value
    }

    #[test]
    fn an_end_counts_for_the_service_that_it_is_of() {
        assert_eq!(counted([]), Ok(0.0));
        assert_eq!(counted([fell("shop", 3, true), fell("other", 3, true), fell("shop", 9, true)]), Ok(2.0));
        let died = Event::ServiceDied {
            service: "shop".to_owned(),
            at: SECOND,
            ready: true,
            status: String::new(),
            output: String::new(),
        };
        assert_eq!(counted([died]), Ok(1.0));
    }

    #[test]
    fn only_a_fault_that_is_in_force_excuses() {
        let with = |own: usize, at: u64| counted(fault(own, 10, 20).into_iter().chain([fell("shop", at, true)]));
        assert_eq!(with(0, 15), Ok(0.0));
        assert_eq!((with(0, 9), with(0, 22)), (Ok(1.0), Ok(1.0)));
        assert_eq!(with(1, 15), Ok(1.0), "a fault of something else");
    }

    #[test]
    fn until_it_is_ready_again_it_is_the_same_end() {
        let after = |ready: bool| {
            let ends = [fell("shop", 15, true), fell("shop", 25, false), fell("shop", 30, ready)];
            counted(fault(0, 10, 20).into_iter().chain(ends))
        };
        assert_eq!((after(false), after(true)), (Ok(0.0), Ok(1.0)));
        // Killed and started again by the fault itself, of which no end is told.
        assert_eq!(counted(fault(0, 10, 20).into_iter().chain([fell("shop", 25, false)])), Ok(0.0));
        // One that ends by itself and does not get up again.
        assert_eq!(counted([fell("shop", 15, true), fell("shop", 16, false), fell("shop", 17, false)]), Ok(3.0));
    }

    #[test]
    fn a_command_that_is_under_way_excuses() {
        let began = Event::EventBegan { event: 0, at: 10 * SECOND };
        let ended = Event::EventEnded { event: 0, at: 20 * SECOND, problem: None, output: None };
        let at = |second: u64| counted([began.clone(), ended.clone(), fell("shop", second, true)]);
        assert_eq!((at(12), at(30)), (Ok(0.0), Ok(1.0)));
    }

    #[test]
    fn a_scope_leaves_out_what_is_not_in_it() {
        let mut stats = Stats::bare(vec![0, SECOND], 0);
        [fell("shop", 3, true), fell("shop", 8, true)].into_iter().for_each(|event| stats.take(event));
        let narrow = Crashes { ranges: vec![(0, 5 * SECOND)], ..crashes() };
        assert_eq!(apply(&narrow, &stats).value, Ok(1.0));
    }
}
