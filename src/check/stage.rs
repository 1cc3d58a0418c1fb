//! The stages of a load: their levels and lengths, and why they are refused.

mod level;
mod search;

use super::inputs::Instants;
use super::meaning::Meaning;
use super::program::{Leg, Level, Replay, Search, Stage, StageKind};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use super::words::mismatch;
use crate::base::Span;
use crate::base::units::{self, MILLISECOND, Rate, SECOND};
use crate::diag::{Applicability, Code, Diagnostic, Fix};
use crate::syntax::ast::{self, ExprKind, Item};
pub(super) use search::PendingSearch;
use search::{raw, shown};
use std::collections::HashMap;

/// Legs of one stage, and turns of one `repeat`: more would be a mistake as well.
const MOST_LEGS: f64 = 1_000.0;
const MOST_TURNS: f64 = 1_000.0;
const MOST_STAGES: usize = 10_000;

/// What the stages of a load have in common so far.
#[derive(Debug, Default)]
pub(super) struct Model {
    load: usize,
    kind: Option<(Type, Span)>,
    stages: Vec<Stage>,
    /// A stage whose values are known where the template is instantiated.
    unknown: bool,
    refused: bool,
}

impl<'a> ScenarioChecker<'a, '_> {
    /// The stages of a load, for its place among the others.
    pub(super) fn load_stages(&mut self, load: &'a ast::Load, index: usize, frame: FrameId) {
        let mut model = Model { load: index, ..Model::default() };
        self.stages(&load.stages, frame, &mut model);
        self.unique_stages(&model.stages);
        if model.stages.len() > MOST_STAGES {
            self.out_of_range(load.name.span, "a load has at most 10,000 stages");
        }
        // An option of another tool that says what stages say is refused for that.
        let elsewhere = |option: &ast::Entry| super::words::stage_of_elsewhere(&option.label.text).is_some();
        if load.stages.is_empty() && !load.options.iter().any(elsewhere) {
            let message = format!("the load `{}` has no stage", load.name);
            let problem = Diagnostic::new(Code::E0412, message, load.name.span, "nothing to send");
            self.push(problem.help("add a stage, such as `hold 10/s for 10s`"));
        }
        // A pause is one of the model that the other stages have.
        if matches!(model.kind, Some((Type::Users, _))) {
            for leg in model.stages.iter_mut().flat_map(|stage| &mut stage.legs) {
                let none = |level: &mut Level| {
                    if matches!(level, Level::Arrivals(rate) if rate.raw() == 0) {
                        *level = Level::Users(0);
                    }
                };
                none(&mut leg.from);
                none(&mut leg.to);
            }
        }
        if model.refused {
            self.refused_loads.insert(index);
        }
        self.open_ended(&model.stages);
        self.out.loads[index].stages = model.stages;
    }

    /// After a stage whose end only the run knows nothing can be planned.
    fn open_ended(&mut self, stages: &[Stage]) {
        for pair in stages.windows(2) {
            if !pair[0].kind.ends_as_planned() {
                let word = pair[0].kind.word();
                let message = format!("no stage can follow a `{word}`, because only the run knows when it ends");
                let problem = Diagnostic::new(Code::E0404, message, pair[1].span, "when does this start?");
                self.push(
                    problem
                        .label(pair[0].span, "ends when it has what it needs")
                        .help("make it the last stage, or a load of its own"),
                );
            }
        }
    }

    fn unique_stages(&mut self, stages: &[Stage]) {
        let mut named: HashMap<&str, Span> = HashMap::new();
        let mut again = Vec::new();
        for stage in stages {
            let Some(name) = &stage.name else { continue };
            match named.get(name.text.as_str()) {
                Some(first) if *first != name.span => again.push((name.clone(), *first)),
                Some(_) => {}
                None => {
                    named.insert(&name.text, name.span);
                }
            }
        }
        for (name, first) in again {
            let problem = super::scope::twice(&name, first);
            self.push(problem);
        }
    }

    fn stages(&mut self, stages: &'a [ast::Stage], frame: FrameId, model: &mut Model) {
        for stage in stages {
            let legs: usize = model.stages.len() + model.stages.last().map_or(0, |stage| stage.legs.len());
            if legs > MOST_STAGES {
                self.out_of_range(stage.span, "a load has at most 10,000 stages");
                model.refused = true;
                return;
            }
            self.stage(stage, frame, model);
        }
    }

    /// Stages of a shape by itself, for what is wrong in them.
    pub(super) fn shape(&mut self, stages: &'a [ast::Stage], frame: FrameId) {
        let mut model = Model::default();
        self.stages(stages, frame, &mut model);
        self.unique_stages(&model.stages);
    }

    fn stage(&mut self, stage: &'a ast::Stage, frame: FrameId, model: &mut Model) {
        let (name, span) = (stage.name.clone(), stage.span);
        let one = |from: Level, to: Level, length: u64| vec![Leg { from, to, length }];
        let made = match &stage.kind {
            ast::StageKind::Warmup { level, length } | ast::StageKind::Hold { level, length } => {
                let warmup = matches!(stage.kind, ast::StageKind::Warmup { .. });
                let level = self.level(level, None, frame, model);
                let length = self.stage_length(length, frame, model);
                let kind = if warmup { StageKind::Warmup } else { StageKind::Hold };
                level.zip(length).map(|(level, length)| (kind, one(level, level, length)))
            }
            ast::StageKind::Ramp { from, to, over } => {
                let from = self.level(from, None, frame, model);
                let to = self.level(to, None, frame, model);
                let length = self.stage_length(over, frame, model);
                from.zip(to).zip(length).map(|((from, to), length)| (StageKind::Ramp, one(from, to, length)))
            }
            ast::StageKind::Spike { level, length } => {
                let before = model.stages.iter().rev().find_map(|stage| stage.legs.last()).map(|leg| leg.to);
                let before = if model.unknown && before.is_none() { None } else { Some(before) };
                let level = self.level(level, before, frame, model);
                let length = self.stage_length(length, frame, model);
                level.zip(length).map(|(level, length)| (StageKind::Spike, one(level, level, length)))
            }
            ast::StageKind::Steps { from, to, by, every } => {
                self.steps_of(from, to, by, every, frame, model).map(|legs| (StageKind::Steps, legs))
            }
            ast::StageKind::Idle { length } => {
                let none = Rate::new(0.0, SECOND).map(Level::Arrivals);
                let length = self.stage_length(length, frame, model);
                none.zip(length).map(|(none, length)| (StageKind::Idle, one(none, none, length)))
            }
            ast::StageKind::Sweep { levels, length, settle } => {
                return self.sweep(stage, levels, length, settle.as_ref(), frame, model);
            }
            ast::StageKind::Search { range, length, condition } => {
                return self.search(stage, range, (length, condition), frame, model);
            }
            ast::StageKind::Replay { data, speed } => return self.replay(stage, data, speed.as_ref(), frame, model),
            ast::StageKind::Once { iterations, users, within } => {
                return self.once(stage, iterations, users, within, frame, model);
            }
            ast::StageKind::Repeat { times, stages } => return self.repeat_stages(stage, times, stages, frame, model),
            ast::StageKind::Include(include) => return self.include_shape(include, frame, model),
            ast::StageKind::Refused => {
                model.refused = true;
                None
            }
        };
        // A stage that was refused keeps its place and its name, with nothing in it.
        let (kind, legs) = made.unwrap_or((StageKind::Hold, Vec::new()));
        if kind == StageKind::Ramp {
            self.joins(&legs, span, model);
        }
        model.refused |= legs.is_empty() && !model.unknown;
        model.stages.push(Stage { name, kind, legs, settle: 0, iterations: None, replay: None, span });
    }

    /// A ramp that does not start where the stage before ended is most often a slip. After a spike the level is what
    /// it was before; where a search or a `once` ends is not known.
    fn joins(&mut self, legs: &[Leg], span: Span, model: &Model) {
        let before = model
            .stages
            .last()
            .filter(|stage| !matches!(stage.kind, StageKind::Spike | StageKind::Search | StageKind::Once))
            .and_then(|stage| stage.legs.last());
        if let (Some(leg), Some(before)) = (legs.first(), before)
            && leg.from != before.to
            && !self.is_definition
        {
            let message =
                format!("this ramp starts at {}, and the stage before ends at {}", shown(leg.from), shown(before.to));
            let problem = Diagnostic::new(Code::W0810, message, span, "the level jumps here");
            self.push(problem.help(format!("start it at `{}`, or hold the level in between", shown(before.to))));
        }
    }

    fn steps_of(
        &mut self,
        from: &'a ast::Expr,
        to: &'a ast::Expr,
        by: &'a ast::Expr,
        every: &'a ast::Expr,
        frame: FrameId,
        model: &mut Model,
    ) -> Option<Vec<Leg>> {
        let from_level = self.level(from, None, frame, model);
        let to_level = self.level(to, None, frame, model);
        let step = self.level(by, None, frame, model);
        let every = self.stage_length(every, frame, model);
        let ((from_level, to_level), (step, every)) = (from_level.zip(to_level)?, step.zip(every)?);
        if model.unknown {
            return Some(vec![Leg { from: from_level, to: to_level, length: every }]);
        }
        let (first, last, size) = (raw(from_level), raw(to_level), raw(step));
        if size <= 0.0 {
            self.out_of_range(by.span, "a step must be greater than 0");
            return None;
        }
        let turns = ((last - first).abs() / size).ceil();
        if turns > MOST_LEGS {
            self.out_of_range(by.span, "too many steps");
            return None;
        }
        let sign = if last >= first { 1.0 } else { -1.0 };
        let level = |turn: f64| {
            let value = first + sign * size * turn;
            let value = if sign > 0.0 { value.min(last) } else { value.max(last) };
            match from_level {
                Level::Users(_) => Level::Users(value as u64),
                Level::Arrivals(rate) => Rate::new(value, SECOND).map_or(Level::Arrivals(rate), Level::Arrivals),
            }
        };
        Some(
            (0..=turns as u64)
                .map(|turn| level(turn as f64))
                .map(|level| Leg { from: level, to: level, length: every })
                .collect(),
        )
    }

    fn sweep(
        &mut self,
        stage: &'a ast::Stage,
        levels: &'a ast::Expr,
        length: &'a ast::Expr,
        settle: Option<&'a ast::Expr>,
        frame: FrameId,
        model: &mut Model,
    ) {
        let each = self.stage_length(length, frame, model);
        let settle = settle.and_then(|settle| self.quantity(settle, frame, Type::Duration)).unwrap_or(0.0) as u64;
        let mut legs = Vec::new();
        let unitless = |item: &ast::Expr| matches!(item.kind, ExprKind::Number(_));
        if let ExprKind::List(items) = &levels.kind
            && !items.is_empty()
            && items.iter().all(unitless)
        {
            let text = self.text(levels.span);
            let message = "a level is a rate or a number of users";
            let problem = Diagnostic::new(Code::E0301, message, levels.span, format!("{text} what?"));
            self.push(problem.fix(
                Applicability::Maybe,
                levels.span.after(),
                " users",
                format!("a unit after a list applies to each item: `{text} users`"),
            ));
            model.refused = true;
        } else if let ExprKind::List(items) = &levels.kind {
            for item in items.iter().take(MOST_LEGS as usize) {
                if let (Some(level), Some(each)) = (self.level(item, None, frame, model), each) {
                    legs.push(Leg { from: level, to: level, length: each + settle });
                }
            }
            if items.is_empty() {
                self.out_of_range(levels.span, "a sweep has levels");
            }
            if items.len() > MOST_LEGS as usize {
                self.out_of_range(levels.span, "a sweep has at most 1,000 levels");
            }
        } else {
            match self.eval_as(levels, frame, &[Type::List]) {
                Meaning::List(items) => {
                    if items.len() > MOST_LEGS as usize {
                        self.out_of_range(levels.span, "a sweep has at most 1,000 levels");
                    }
                    for item in items.into_iter().take(MOST_LEGS as usize) {
                        let level = self.level_of(&item, levels.span, None, model);
                        if let (Some(level), Some(each)) = (level, each) {
                            legs.push(Leg { from: level, to: level, length: each + settle });
                        }
                    }
                }
                Meaning::Unknown(Type::Wrong) => model.refused = true,
                _ => model.unknown = true,
            }
        }
        let (name, span) = (stage.name.clone(), stage.span);
        model.stages.push(Stage { name, kind: StageKind::Sweep, legs, settle, iterations: None, replay: None, span });
    }

    fn replay(
        &mut self,
        stage: &'a ast::Stage,
        data: &'a ast::Expr,
        speed: Option<&'a ast::Expr>,
        frame: FrameId,
        model: &mut Model,
    ) {
        let value = self.eval_as(data, frame, &[Type::Data]);
        let speed = speed.and_then(|speed| self.quantity(speed, frame, Type::Factor)).unwrap_or(1.0);
        if speed <= 0.0 {
            self.out_of_range(stage.span, "a replay goes forward");
        }
        self.model_is(Type::Rate, data.span, model);
        let (mut replay, mut iterations, mut legs) = (None, None, Vec::new());
        match value {
            Meaning::Part(Type::Data, of) => match self.times(of, data) {
                Some(times) if speed > 0.0 => {
                    let rows = self.out.data[of].rows;
                    // The last row is due before the end.
                    let length = ((times.length as f64 / speed) as u64).saturating_add(1).max(MILLISECOND);
                    let (column, densest) = (times.column, times.densest as f64 * speed);
                    replay = Some(Replay { data: of, column, speed, densest });
                    iterations = Some(rows);
                    let level = Rate::new(rows as f64 * SECOND as f64 / length as f64, SECOND).map(Level::Arrivals);
                    match level.filter(|_| length <= 100 * units::DAY) {
                        Some(level) => legs.push(Leg { from: level, to: level, length }),
                        None => self.out_of_range(stage.span, "this is longer, or faster, than any run"),
                    }
                }
                _ => {}
            },
            Meaning::Unknown(Type::Wrong) => {}
            _ => {
                model.unknown = true;
                let level = Rate::new(1.0, SECOND).map(Level::Arrivals);
                legs.extend(level.map(|level| Leg { from: level, to: level, length: SECOND }));
            }
        }
        let (name, span) = (stage.name.clone(), stage.span);
        model.refused |= legs.is_empty() && !model.unknown;
        model.stages.push(Stage { name, kind: StageKind::Replay, legs, settle: 0, iterations, replay, span });
    }

    /// When the rows of data were, for a replay.
    fn times(&mut self, data: usize, written: &ast::Expr) -> Option<Instants> {
        let data = self.out.data.get(data)?;
        let problem = match &data.times {
            Some(Ok(times)) => return Some(times.clone()),
            Some(Err(reason)) => {
                let message = format!("`{}` cannot be replayed: {reason}", data.name);
                let problem = Diagnostic::new(Code::E0208, message, written.span, "not in order");
                problem.help("a time is a number of seconds, or a text like `2026-01-31T12:00:00Z`, and not earlier than the one before")
            }
            None => {
                let message = format!("the rows of `{}` do not say when they were", data.name);
                let problem = Diagnostic::new(Code::E0202, message, written.span, "no column `at`");
                problem.help("name the column of their times `at`, `time` or `timestamp`")
            }
        };
        self.push(problem);
        None
    }

    fn once(
        &mut self,
        stage: &'a ast::Stage,
        iterations: &'a ast::Expr,
        users: &'a ast::Expr,
        within: &'a ast::Expr,
        frame: FrameId,
        model: &mut Model,
    ) {
        let count = self.quantity(iterations, frame, Type::Count);
        let level = self.level(users, None, frame, model);
        let length = self.stage_length(within, frame, model);
        let mut legs = Vec::new();
        match (level, count) {
            (Some(Level::Arrivals(_)), _) => {
                let message = "a number of iterations is shared by users, and this is a Rate";
                let problem = Diagnostic::new(Code::E0301, message, users.span, "a Rate");
                self.push(problem.help("say who shares them: `once 100 iterations by 5 users within 10s`"));
            }
            (Some(Level::Users(0)), _) if !model.unknown => {
                self.out_of_range(users.span, "at least one user is needed");
            }
            (_, Some(count)) if count < 1.0 => self.out_of_range(iterations.span, "at least one iteration is needed"),
            (Some(level), _) => legs.extend(length.map(|length| Leg { from: level, to: level, length })),
            (None, _) => {}
        }
        let iterations = count.map(|count| count as u64);
        let (name, span) = (stage.name.clone(), stage.span);
        model.refused |= legs.is_empty() && !model.unknown;
        model.stages.push(Stage { name, kind: StageKind::Once, legs, settle: 0, iterations, replay: None, span });
    }

    fn repeat_stages(
        &mut self,
        stage: &'a ast::Stage,
        times: &'a ast::Expr,
        stages: &'a [ast::Stage],
        frame: FrameId,
        model: &mut Model,
    ) {
        let times = match self.quantity(times, frame, Type::Count) {
            Some(turns) if (1.0..=MOST_TURNS).contains(&turns) => turns as u64,
            Some(_) => {
                self.out_of_range(times.span, "stages are repeated 1 to 1,000 times");
                1
            }
            None => {
                model.unknown = true;
                1
            }
        };
        if let Some(name) = &stage.name {
            let problem = Diagnostic::new(Code::E0114, "a `repeat` has no name of its own", name.span, "not here");
            self.push(problem.help("name the stages in it; `during NAME` means all of them"));
        }
        for _ in 0..times {
            if model.stages.len() <= MOST_STAGES {
                self.stages(stages, frame, model);
            }
        }
    }

    fn include_shape(&mut self, include: &'a ast::Include, frame: FrameId, model: &mut Model) {
        let Some((item, inner)) = self.template(&include.what, frame, Type::Shape) else {
            model.refused = true;
            self.lost_stages = true;
            return;
        };
        let Item::Shape(shape) = item else { return };
        let before = model.stages.len();
        self.calls.push(include.span);
        self.stages(&shape.stages, inner, model);
        self.calls.pop();
        // `as day` puts the included stages under one name.
        if let Some(alias) = &include.alias {
            for stage in &mut model.stages[before..] {
                stage.name = Some(alias.clone());
            }
        }
    }
}
