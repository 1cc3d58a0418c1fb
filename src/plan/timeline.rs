//! When everything happens: windows and instants, each resolved after those that it depends on.

use super::Range;
use crate::base::Span;
use crate::base::units;
use crate::check::program::{Edge, Moment, Scenario, Stage, When, Window};
use crate::diag::{Code, Diagnostic, Diagnostics};

/// More often than this nothing that is repeated happens.
const MOST_TIMES: u64 = 10_000;

fn edges(stages: &[Stage]) -> Vec<u64> {
    let ends = stages.iter().scan(0u64, |end, stage| {
        *end = end.saturating_add(stage.length());
        Some(*end)
    });
    std::iter::once(0).chain(ends).collect()
}

/// A start that rests on other starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Load(usize),
    Injection(usize),
    Event(usize),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    New,
    Busy,
    Done(u64),
}

pub struct Timeline<'s> {
    scenario: &'s Scenario,
    /// Of each load: when its stages start, from the start of the load, and when the last one ends.
    stages: Vec<Vec<u64>>,
    loads: Vec<State>,
    injections: Vec<State>,
    events: Vec<State>,
    /// What is being worked out, to show a circle.
    path: Vec<Node>,
    /// What has been said to wait for itself.
    circular: Vec<Node>,
    pub diagnostics: Diagnostics,
}

impl<'s> Timeline<'s> {
    pub fn new(scenario: &'s Scenario) -> Timeline<'s> {
        let mut timeline = Timeline {
            scenario,
            stages: scenario.loads.iter().map(|load| edges(&load.stages)).collect(),
            loads: vec![State::New; scenario.loads.len()],
            injections: vec![State::New; scenario.injections.len()],
            events: vec![State::New; scenario.events.len()],
            path: Vec::new(),
            circular: Vec::new(),
            diagnostics: Diagnostics::default(),
        };
        for load in 0..scenario.loads.len() {
            timeline.start(Node::Load(load));
        }
        for injection in 0..scenario.injections.len() {
            timeline.start(Node::Injection(injection));
        }
        for event in 0..scenario.events.len() {
            timeline.start(Node::Event(event));
        }
        timeline
    }

    fn state(&mut self, node: Node) -> &mut State {
        match node {
            Node::Load(load) => &mut self.loads[load],
            Node::Injection(injection) => &mut self.injections[injection],
            Node::Event(event) => &mut self.events[event],
        }
    }

    /// Where a start is written, and what it is called.
    fn written(&self, node: Node) -> (Span, String) {
        match node {
            Node::Load(load) => {
                let load = &self.scenario.loads[load];
                (load.at.as_ref().map_or(load.span, |at| at.span), load.name.text.clone())
            }
            Node::Injection(injection) => {
                let injection = &self.scenario.injections[injection];
                let span = match &injection.when {
                    When::At { at, .. } => at.span,
                    When::During { .. } => injection.span,
                };
                (span, injection.name.text.clone())
            }
            Node::Event(event) => {
                let event = &self.scenario.events[event];
                (event.at.span, event.name.text.clone())
            }
        }
    }

    fn start(&mut self, node: Node) -> u64 {
        match *self.state(node) {
            State::Done(start) => return start,
            State::Busy => {
                self.circle(node);
                return 0;
            }
            State::New => {}
        }
        *self.state(node) = State::Busy;
        self.path.push(node);
        let scenario = self.scenario;
        let start = match node {
            Node::Load(load) => scenario.loads[load].at.as_ref().map_or(0, |at| self.instant(at)),
            Node::Injection(injection) => match &scenario.injections[injection].when {
                When::At { at, .. } => self.instant(at),
                When::During { window, .. } => self.windows(window).first().map_or(0, |range| range.0),
            },
            Node::Event(event) => self.instant(&scenario.events[event].at),
        };
        self.path.pop();
        *self.state(node) = State::Done(start);
        start
    }

    fn circle(&mut self, node: Node) {
        if self.circular.contains(&node) {
            return;
        }
        let from = self.path.iter().position(|before| *before == node).unwrap_or(0);
        let ring: Vec<Node> = self.path[from..].to_vec();
        self.circular.extend(&ring);
        let mut names: Vec<String> = ring.iter().map(|node| self.written(*node).1).collect();
        names.push(names[0].clone());
        let (span, name) = self.written(ring[0]);
        let (message, help) = match ring.len() {
            1 => ("this waits for itself", "let it start at a time of its own"),
            _ => ("these wait for each other", "let one of them start at a time of its own"),
        };
        let mut problem = Diagnostic::new(Code::E0402, message, span, format!("`{name}` starts then"));
        for node in &ring[1..] {
            let (span, name) = self.written(*node);
            problem = problem.label(span, format!("`{name}` starts then"));
        }
        self.diagnostics.push(problem.help(format!("{}; {help}", names.join(" → "))));
    }

    /// An instant in nanoseconds from the start; before it there is none.
    pub fn instant(&mut self, moment: &Moment) -> u64 {
        let ranges = self.windows(&moment.window);
        if matches!(moment.window, Window::Impact { .. }) {
            let problem = Diagnostic::new(
                Code::E0404,
                "an impact is known only after the run",
                moment.span,
                "a planned instant is needed",
            );
            self.diagnostics.push(problem.help("use the fault itself, or move it to `during` or `outside`"));
            return ranges.first().map_or(0, |range| range.0);
        }
        let edge = match moment.edge {
            Edge::Start => ranges.first().map_or(0, |range| range.0),
            Edge::End => {
                if let Some(what) = self.unplanned(&moment.window) {
                    let problem = Diagnostic::new(
                        Code::E0404,
                        format!("the end of {what} is known only after the run"),
                        moment.span,
                        "a planned instant is needed",
                    );
                    self.diagnostics
                        .push(problem.help("count from its start, or from a stage whose length is written"));
                }
                ranges.last().map_or(0, |range| range.1)
            }
        };
        let at = i128::from(edge) + i128::from(moment.plus);
        // In a circle nothing has a time yet.
        if at < 0 && self.circular.is_empty() {
            let before = units::duration((-at) as u64);
            let problem = Diagnostic::new(
                Code::E0405,
                format!("this is {before} before the run starts"),
                moment.span,
                "too early",
            );
            self.diagnostics.push(problem.help("take less away, or start the load later with `at`"));
        }
        at.max(0) as u64
    }

    /// What only the run knows the end of.
    fn unplanned(&self, window: &Window) -> Option<String> {
        let stage = |load: usize, stage: usize| {
            let found = self.scenario.loads.get(load).and_then(|load| load.stages.get(stage));
            found.filter(|stage| !stage.kind.ends_as_planned()).map(|stage| format!("a `{}`", stage.kind.word()))
        };
        match window {
            Window::Stage { load, stage: at } => stage(*load, *at),
            Window::Stages { load, stages } => stages.iter().find_map(|at| stage(*load, *at)),
            Window::Load(load) => {
                let stages = self.scenario.loads.get(*load).map_or(0, |load| load.stages.len());
                (0..stages).find_map(|at| stage(*load, at))
            }
            Window::Event(_) => Some("an event".to_owned()),
            Window::Run | Window::Injection(_) | Window::Impact { .. } | Window::Between(..) => None,
        }
    }

    /// The ranges of a window as planned; what only the run bounds ends with it.
    pub fn windows(&mut self, window: &Window) -> Vec<Range> {
        let scenario = self.scenario;
        match window {
            Window::Run => vec![(0, self.end_of_loads())],
            Window::Load(load) => {
                let start = self.start(Node::Load(*load));
                vec![(start, start.saturating_add(self.load_length(*load)))]
            }
            Window::Stage { load, stage } => vec![self.stage(*load, *stage)],
            Window::Stages { load, stages } => stages.iter().map(|stage| self.stage(*load, *stage)).collect(),
            Window::Injection(injection) => self.injection(*injection),
            Window::Event(event) => {
                let start = self.start(Node::Event(*event));
                vec![(start, start.saturating_add(scenario.events[*event].at_most))]
            }
            Window::Impact { of, .. } => {
                let start = self.windows(of).first().map_or(0, |range| range.0);
                vec![(start, u64::MAX)]
            }
            Window::Between(from, to) => vec![(self.instant(from), self.instant(to))],
        }
    }

    fn stage(&mut self, load: usize, stage: usize) -> Range {
        let start = self.start(Node::Load(load));
        let end = self.load_length(load);
        let edge = |at: usize| self.stages[load].get(at).copied().unwrap_or(end);
        (start.saturating_add(edge(stage)), start.saturating_add(edge(stage + 1)))
    }

    fn load_length(&self, load: usize) -> u64 {
        self.stages[load].last().copied().unwrap_or(0)
    }

    /// The end of the last load, from what is known of their starts.
    fn end_of_loads(&mut self) -> u64 {
        let mut end = 0;
        for load in 0..self.loads.len() {
            if self.loads[load] != State::Busy {
                end = end.max(self.start(Node::Load(load)).saturating_add(self.load_length(load)));
            }
        }
        end
    }

    fn injection(&mut self, index: usize) -> Vec<Range> {
        let scenario = self.scenario;
        let start = self.start(Node::Injection(index));
        // Its window would rest on itself without end.
        if self.circular.contains(&Node::Injection(index)) {
            return vec![(start, start)];
        }
        let injection = &scenario.injections[index];
        match &injection.when {
            When::At { length: Some(length), .. } => vec![(start, start.saturating_add(*length))],
            // Killed and left so: it lasts until the end, or until somebody else ends it.
            When::At { length: None, .. } if injection.action.is_lasting() => {
                vec![(start, self.end_of_loads().max(start))]
            }
            When::At { .. } => vec![(start, start)],
            When::During { window, every, length } => {
                let mut ranges = Vec::new();
                for (from, to) in self.windows(window) {
                    let to = to.min(self.end_of_loads().max(from));
                    match every {
                        Some(every) => {
                            let length = length.unwrap_or(0);
                            let every = (*every).max(1);
                            // As many as fit whole.
                            let times = (to - from).checked_sub(length).map_or(0, |room| room / every + 1);
                            if times > MOST_TIMES {
                                let message = format!("this happens {} times", units::grouped(times as f64, 0));
                                let problem = Diagnostic::new(Code::E0310, message, injection.span, "out of range");
                                self.diagnostics
                                    .push(problem.help("10,000 times are allowed; let it happen less often"));
                            }
                            ranges
                                .extend((0..times.min(MOST_TIMES)).map(|n| {
                                    (from.saturating_add(n * every), from.saturating_add(n * every + length))
                                }));
                        }
                        None if injection.action.is_lasting() => {
                            ranges.push((from, length.map_or(to, |length| to.min(from.saturating_add(length)))));
                        }
                        None => ranges.push((from, from)),
                    }
                }
                ranges
            }
        }
    }
}
