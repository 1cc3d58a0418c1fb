//! The number of each use of rows, computed from the plan and the user. No two uses have the same number, and no counter is
//! shared, so workers and shares agree without coordination.

use crate::check::program::{LoopBound, Pick};
use crate::plan::{Check, Expr, Load, Plan, Request, StageKind, Step};
use std::cell::OnceCell;
use std::collections::HashMap;

/// Where rows are taken: by a part of a load, of a `data`, in a way, and in `once per user` or in each iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PickSite {
    pub load: usize,
    pub part: usize,
    pub data: usize,
    pub pick: Pick,
    /// The block that is done once.
    pub once: Option<usize>,
}

/// How the uses of a place are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbering {
    first: u64,
    /// Between two uses: places without a known end take turns.
    step: u64,
    /// How many rows one turn takes at most.
    each: u64,
    wraps: bool,
}

impl Numbering {
    /// The number of a use, for [`super::pick`]. `turn` is the number from 0 of
    ///
    /// - the iteration among those of its part, in an open load; of a load with one part that is its arrival;
    /// - `round · users + user`, in a closed load, where `users` are the most at any time, `round` is how often this user has
    ///   run this part before, and both count from 0;
    /// - the user, in `once per user` where users come back (`time · users + user` where it has `every`).
    ///
    /// `nth` is how many rows this turn has taken at this place before. A turn that takes more than was known
    /// beforehand (in a loop that only time bounds) takes those of the turns after it with `next`, and has no more of its own
    /// with `unique`.
    pub fn number(self, turn: u64, nth: u64) -> Option<u64> {
        let own = nth < self.each || self.wraps;
        own.then(|| self.first + (turn * self.each + nth) * self.step)
    }
}

/// A place, how many rows a turn takes there, and how many it takes in all where that is known.
type TakenAt = (PickSite, u64, Option<u64>);

/// The lanes of a plan, the same for every share of it.
#[derive(Debug, Default)]
pub struct Uses {
    lanes: HashMap<PickSite, Numbering>,
    /// By load: its users do not come back, so that once a user is once an iteration.
    anew: Vec<bool>,
}

impl Uses {
    pub fn of(plan: &Plan) -> Uses {
        let anew = plan.loads.iter().map(|load| load.is_open() && load.population.is_none()).collect();
        let mut uses = Uses { lanes: HashMap::new(), anew };
        let mut places: Vec<TakenAt> = Vec::new();
        for (index, load) in plan.loads.iter().enumerate() {
            for (part, own) in load.parts.iter().enumerate() {
                let Some(flow) = plan.flows.get(own.flow) else { continue };
                let found = Found::of(&flow.steps, uses.anew[index]);
                // Counted where somebody needs it, and then once: there may be millions.
                let dealt = OnceCell::new();
                let numbered = found.order.iter().filter(|((_, pick, _), _)| matches!(pick, Pick::Next | Pick::Unique));
                for ((data, pick, once), each) in numbered {
                    let place = PickSite { load: index, part, data: *data, pick: *pick, once: *once };
                    let whole = turns(load, || *dealt.get_or_init(|| load.arrivals_of(part).1), *once, &found);
                    places.push((place, *each, whole.map(|turns| turns.saturating_mul(*each))));
                }
            }
        }
        for data in 0..plan.data.len() {
            for pick in [Pick::Next, Pick::Unique] {
                uses.lay(places.iter().filter(|(place, ..)| place.data == data && place.pick == pick));
            }
        }
        uses
    }

    /// Those with a known end one after the other, as a check counts them; after them the others in turns.
    fn lay<'p>(&mut self, places: impl Iterator<Item = &'p TakenAt>) {
        let (known, open): (Vec<&TakenAt>, Vec<&TakenAt>) = places.partition(|(_, _, uses)| uses.is_some());
        let mut first = 0u64;
        let mut lay = |place: &PickSite, first: u64, step: usize, each: u64| {
            let lane = Numbering { first, step: step as u64, each, wraps: place.pick == Pick::Next };
            self.lanes.insert(*place, lane);
        };
        for (place, each, uses) in known {
            lay(place, first, 1, *each);
            first = first.saturating_add(uses.unwrap_or(0));
        }
        for (index, (place, each, _)) in open.iter().enumerate() {
            lay(place, first + index as u64, open.len(), *each);
        }
    }

    /// The place as lanes know it: where users do not come back, once is each time.
    pub fn known(&self, place: PickSite) -> PickSite {
        let anew = self.anew.get(place.load).copied().unwrap_or(false);
        PickSite { once: place.once.filter(|_| !anew), ..place }
    }

    /// Of a known place. `None` where no load takes rows like that: of `random` and `per_user`, which no number decides,
    /// and in a setup.
    pub fn lane(&self, place: PickSite) -> Option<Numbering> {
        self.lanes.get(&place).copied()
    }
}

/// How many turns there are, where that is known.
fn turns(load: &Load, dealt: impl FnOnce() -> u64, once: Option<usize>, found: &Found) -> Option<u64> {
    let searches = load.stages.iter().any(|stage| stage.kind == StageKind::Search);
    match once {
        Some(block) if found.again.contains(&block) => None,
        Some(_) => Some(load.users()),
        // How many arrive by chance is not known to a plan.
        None if load.is_open() && !load.poisson && !searches => Some(dealt()),
        None => None,
    }
}

/// Rows of a data, picked in a way, in a block for once or in each iteration.
type PickKey = (usize, Pick, Option<usize>);

/// How many rows one turn takes at most, in the order of the text, so that lanes never depend on a hash.
#[derive(Debug, Default)]
struct Found {
    order: Vec<(PickKey, u64)>,
    /// Users do not come back: what is done once is done in each iteration.
    anew: bool,
    /// The block for once that is looked at.
    once: Option<usize>,
    /// Blocks for once so far: they are numbered in the order of the text.
    blocks: usize,
    /// Those that are done again after a while.
    again: Vec<usize>,
}

impl Found {
    fn of(steps: &[Step], anew: bool) -> Found {
        let mut found = Found { anew, ..Found::default() };
        found.steps(steps);
        found
    }

    fn add(&mut self, key: PickKey, count: u64) {
        match self.order.iter_mut().find(|(own, _)| *own == key) {
            Some((_, own)) => *own = own.saturating_add(count),
            None => self.order.push((key, count)),
        }
    }

    /// What is found in inner steps.
    fn inner(&mut self, steps: &[Step]) -> Found {
        let mut inner = Found { anew: self.anew, once: self.once, blocks: self.blocks, ..Found::default() };
        inner.steps(steps);
        self.blocks = inner.blocks;
        self.again.append(&mut inner.again);
        inner
    }

    /// Takes over what inner steps take, so many times; what is done once is not done more often in a loop.
    fn join(&mut self, inner: Found, times: u64) {
        for (key, count) in inner.order {
            let times = if key.2 == self.once { times } else { 1 };
            self.add(key, count.saturating_mul(times));
        }
    }

    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Request(request) => self.request(request),
                Step::Let { value, .. } | Step::Measure { value, .. } | Step::Count(value) => self.expr(value),
                Step::Expect(checks) => self.checks(checks),
                Step::If { condition, then, otherwise } => {
                    self.expr(condition);
                    self.one_of(&[then, otherwise]);
                }
                Step::Choose(choose) => {
                    let parts: Vec<&[Step]> = choose.parts.iter().map(|part| part.steps.as_slice()).collect();
                    self.one_of(&parts);
                }
                Step::Group { steps, .. } | Step::Acquire { steps, .. } => self.steps(steps),
                Step::OncePerUser { every, steps } => {
                    let block = self.blocks;
                    self.blocks += 1;
                    self.again.extend(every.map(|_| block));
                    let before = self.once;
                    self.once = if self.anew { None } else { Some(block) };
                    self.steps(steps);
                    self.once = before;
                }
                Step::Each { list, at_most, steps, .. } => {
                    self.expr(list);
                    let inner = self.inner(steps);
                    self.join(inner, *at_most);
                }
                Step::Repeat(repeat) => {
                    repeat.counter.iter().for_each(|(_, from)| self.expr(from));
                    let mut inner = self.inner(&repeat.steps);
                    repeat.test.iter().for_each(|test| inner.expr(test));
                    let times = match repeat.bound {
                        LoopBound::Times(times) => times,
                        LoopBound::Time(time) => {
                            repeat.every.filter(|every| *every > 0).map_or(1, |every| time / every + 1)
                        }
                    };
                    self.join(inner, times);
                }
                Step::Think(_) => {}
            }
        }
    }

    /// Of several blocks one happens.
    fn one_of(&mut self, blocks: &[&[Step]]) {
        let Some((first, others)) = blocks.split_first() else { return };
        let mut most = self.inner(first);
        for block in others {
            for (key, count) in self.inner(block).order {
                let known = most.order.iter().find(|(own, _)| *own == key).map_or(0, |(_, count)| *count);
                most.add(key, count.saturating_sub(known));
            }
        }
        self.join(most, 1);
    }

    fn request(&mut self, request: &Request) {
        request.exchange.exprs().into_iter().for_each(|value| self.expr(value));
        self.checks(&request.expects);
        request.records.iter().for_each(|record| self.expr(&record.key));
    }

    fn checks(&mut self, checks: &[Check]) {
        checks.iter().for_each(|check| self.expr(&check.condition));
    }

    fn expr(&mut self, value: &Expr) {
        value.any(&mut |part| {
            if let Expr::Row { data, pick } = part {
                self.add((*data, *pick, self.once), 1);
            }
            false
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pick: Pick) -> Step {
        Step::Let { slot: 0, value: Expr::Row { data: 0, pick } }
    }

    #[test]
    fn a_turn_takes_as_many_rows_as_its_longest_way() {
        use Pick::{Next, Unique};
        let both = Step::If { condition: Expr::Null, then: vec![row(Next), row(Next)], otherwise: vec![row(Next)] };
        let each = Step::Each { slot: 1, list: Expr::Null, at_most: 4, together: false, steps: vec![row(Unique)] };
        let once = Step::OncePerUser { every: None, steps: vec![row(Unique)] };
        let found = Found::of(&[row(Next), both, each.clone(), once.clone(), once.clone()], false).order;
        let expected =
            [((0, Next, None), 3), ((0, Unique, None), 4), ((0, Unique, Some(0)), 1), ((0, Unique, Some(1)), 1)];
        assert_eq!(found, expected);
        let found = Found::of(&[each, once], true).order;
        assert_eq!(found, [((0, Unique, None), 5)]);
    }

    /// Two places of which the end is known, two without: no number twice, and the first without a gap.
    #[test]
    fn no_two_uses_have_the_same_number() {
        let place = |load: usize| PickSite { load, part: 0, data: 0, pick: Pick::Unique, once: None };
        let places = [(place(0), 1, None), (place(1), 2, Some(10)), (place(2), 1, Some(3)), (place(3), 3, None)];
        let mut uses = Uses::default();
        uses.lay(places.iter());
        let mut numbers: Vec<u64> = Vec::new();
        for (place, each, known) in places {
            let lane = uses.lane(place).unwrap();
            let turns = known.map_or(20, |uses: u64| uses / each);
            numbers.extend((0..turns).flat_map(|turn| (0..each).map(move |nth| lane.number(turn, nth).unwrap())));
            assert_eq!(lane.number(0, each), None);
        }
        numbers.sort_unstable();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(numbers[..13], (0..13).collect::<Vec<u64>>());
    }

    /// Ten arrivals a second for two seconds, a quarter of them buyers, and three users next to them.
    #[test]
    fn a_plan_lays_its_lanes() {
        let second = crate::base::units::SECOND;
        let level = |raw: u64| serde_json::json!([{ "start": 0, "length": 2 * second, "from": raw, "to": raw }]);
        let rate = crate::base::units::Rate::new(10.0, second).unwrap().raw();
        let load = |shape: serde_json::Value, parts: serde_json::Value| {
            serde_json::json!({ "name": "a", "parts": parts, "start": 0, "shape": shape, "stages": [], "grace": 0,
                "ceiling": { "in_flight": 1, "from": "users" } })
        };
        let part = |weight: f64, flow: usize| serde_json::json!({ "name": "a", "weight": weight, "flow": flow });
        let flow = |steps: &[Step]| serde_json::json!({ "name": "a", "steps": steps, "slots": 1, "requests": 0 });
        let once = Step::OncePerUser { every: None, steps: vec![row(Pick::Unique)] };
        let plan: Plan = serde_json::from_value(serde_json::json!({
            "schema": 1, "file": "", "scenario": "", "doc": null, "fingerprint": "", "share": { "index": 1, "count": 2 },
            "services": [], "targets": [], "series": [], "expectations": [], "length": 2 * second,
            "data": [{ "name": "a", "format": "csv", "sha256": "", "rows": 9, "columns": [] }],
            "flows": [flow(&[row(Pick::Unique)]), flow(&[once, row(Pick::Unique)])],
            "loads": [
                load(serde_json::json!({ "closed": level(3) }), serde_json::json!([part(1.0, 1)])),
                load(serde_json::json!({ "open": level(rate) }), serde_json::json!([part(0.25, 0), part(0.75, 1)])),
            ],
        }))
        .unwrap();
        let uses = Uses::of(&plan);
        let lane = |load: usize, part: usize, once: Option<usize>| {
            uses.lane(uses.known(PickSite { load, part, data: 0, pick: Pick::Unique, once }))
        };
        let number = |lane: Option<Numbering>, turn: u64, nth: u64| lane.and_then(|lane| lane.number(turn, nth));
        // The three users once, the six buyers that the mix deals, and of each of fourteen others two; then what has no
        // end.
        assert_eq!(number(lane(0, 0, Some(0)), 2, 0), Some(2));
        assert_eq!(number(lane(1, 0, None), 4, 0), Some(7));
        assert_eq!([0, 1, 2].map(|nth| number(lane(1, 1, Some(0)), 13, nth)), [Some(35), Some(36), None]);
        assert_eq!(number(lane(0, 0, None), 1, 0), Some(38));
        assert_eq!(lane(2, 0, None), None);
    }
}
