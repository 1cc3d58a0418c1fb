//! Loads: their stages, their model, and the options of each.

use super::constant::{Constant, constant};
use super::program::{Level, Load, Stage, StageKind};
use super::types::Type;
use super::{Checker, mismatch};
use crate::base::units::{self, Rate, SECOND};
use crate::base::{Name, Span};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, Expr};
use std::collections::HashMap;

/// More than any machine holds; a typing mistake, not a plan.
const MOST_USERS: f64 = 1e7;

impl Checker<'_> {
    pub(super) fn load(&mut self, load: &ast::Load) {
        let flow = self.lookup(&load.of, Type::Flow);
        if let Some(at) = &load.at {
            let problem = Diagnostic::new(
                Code::E0113,
                "`at` of a load is not available yet",
                at.span,
                "known, but not run by this version",
            );
            self.diagnostics.push(problem.help("every load starts at the beginning of the run"));
        }
        let mut stages: Vec<Stage> = Vec::new();
        let mut named: HashMap<String, Span> = HashMap::new();
        let mut first: Option<(Type, Span)> = None;
        for stage in &load.stages {
            let before = stages.last().map(|s| s.to);
            // A stage that was refused keeps its place and its name, with nothing in it.
            let nothing = Stage {
                name: stage.name.clone(),
                kind: StageKind::Hold,
                from: Level::Users(0),
                to: Level::Users(0),
                length: 0,
                span: stage.span,
            };
            let stage = self.stage(stage, before, &mut first).unwrap_or(nothing);
            if let Some(name) = &stage.name
                && let Some(first) = named.insert(name.text.clone(), name.span)
            {
                self.diagnostics.push(super::twice(name, first));
            }
            stages.push(stage);
        }
        if load.stages.is_empty() {
            let problem = Diagnostic::new(
                Code::E0412,
                format!("the load `{}` has no stage", load.name),
                load.name.span,
                "nothing to send",
            );
            self.diagnostics.push(problem.help("add a stage, such as `hold 10/s for 10s`"));
        }
        let (mut max_in_flight, mut grace) = (None, 30 * SECOND);
        for entry in &load.options {
            match entry.label.text.as_str() {
                "max_in_flight" => match self.option(entry, Type::Number) {
                    Constant::Quantity(n, _) if n >= 1.0 && n.fract() == 0.0 => max_in_flight = Some(n as u64),
                    Constant::Wrong => {}
                    _ => self.out_of_range(entry.value.span, "`max_in_flight` is a whole number from 1"),
                },
                "grace" => grace = self.option(entry, Type::Duration).number() as u64,
                _ => self.unknown_option(entry, &["max_in_flight", "grace"]),
            }
        }
        let index = self.loads.len();
        self.declare(&load.name, Type::Load, index);
        let closed = stages.iter().any(|s| matches!(s.to, Level::Users(_)));
        self.lost |= flow.is_none();
        let flow = flow.unwrap_or(usize::MAX);
        if closed
            && self
                .flows
                .get(flow)
                .is_some_and(|f| !f.steps.iter().any(|s| matches!(s, super::program::Step::Think(_))))
        {
            let problem = Diagnostic::new(
                Code::W0803,
                "these users never think, so this measures saturation",
                load.name.span,
                "a closed load without `think`",
            );
            self.diagnostics.push(problem.help("add a `think` to the flow, or hold a rate such as `100/s`"));
        }
        self.loads.push(Load { name: load.name.clone(), flow, stages, max_in_flight, grace, span: load.span });
    }

    fn stage(&mut self, stage: &ast::Stage, before: Option<Level>, first: &mut Option<(Type, Span)>) -> Option<Stage> {
        let (kind, from, to, length) = match &stage.kind {
            ast::StageKind::Warmup { level, length } => (StageKind::Warmup, None, level, length),
            ast::StageKind::Hold { level, length } => (StageKind::Hold, None, level, length),
            ast::StageKind::Ramp { from, to, over } => (StageKind::Ramp, Some(from), to, over),
            ast::StageKind::Spike { level, length } => (StageKind::Spike, None, level, length),
            ast::StageKind::Refused => return None,
        };
        let spike = (kind == StageKind::Spike).then_some(before);
        let from_level = from.map(|from| self.level(from, None, first));
        let to_level = self.level(to, spike, first);
        let ns = self.length(length);
        let (from, to) = (from_level.unwrap_or(to_level)?, to_level?);
        Some(Stage { name: stage.name.clone(), kind, from, to, length: ns?, span: stage.span })
    }

    fn length(&mut self, expr: &Expr) -> Option<u64> {
        let value = constant(expr, self.diagnostics);
        if !self.expect_type(&value, Type::Duration, expr.span) {
            return None;
        }
        if value.number() < 1.0 {
            self.out_of_range(expr.span, "a stage needs some time");
            return None;
        }
        Some(value.number() as u64)
    }

    /// A rate or a number of users; in a spike also a multiple of the level before (`Some(None)`: there is none).
    fn level(&mut self, expr: &Expr, spike: Option<Option<Level>>, first: &mut Option<(Type, Span)>) -> Option<Level> {
        let value = constant(expr, self.diagnostics);
        let level = match (&value, spike) {
            (Constant::Wrong, _) => return None,
            (Constant::Rate(rate), _) => Level::Arrivals(*rate),
            (Constant::Quantity(users, Type::Users), _) if (0.0..=MOST_USERS).contains(users) => {
                Level::Users(*users as u64)
            }
            (Constant::Quantity(_, Type::Users), _) => {
                self.out_of_range(expr.span, "a load has 0 to 10 million users");
                return None;
            }
            (Constant::Quantity(_, Type::Rate), _) => {
                self.out_of_range(expr.span, "a rate cannot be negative");
                return None;
            }
            (Constant::Quantity(factor, Type::Factor), Some(Some(before))) => {
                return self.multiplied(before, *factor, expr.span);
            }
            (Constant::Quantity(_, Type::Factor), Some(None)) => {
                let problem = Diagnostic::new(
                    Code::E0411,
                    "there is no level before this spike to multiply",
                    expr.span,
                    "a multiple of what?",
                );
                self.diagnostics
                    .push(problem.help("hold a level first, or name the spike's own: `spike 500/s for 2s`"));
                return None;
            }
            (other, _) => {
                self.no_level(other, expr.span, first.map(|(kind, _)| kind));
                return None;
            }
        };
        let kind = if matches!(level, Level::Users(_)) { Type::Users } else { Type::Rate };
        match first {
            Some((before, span)) if *before != kind => {
                let problem =
                    Diagnostic::new(Code::E0303, "a load is arrivals or users, not both", expr.span, kind.a())
                        .label(*span, before.a());
                self.diagnostics
                    .push(problem.help("make two loads: one of a rate (`200/s`), one of users (`100 users`)"));
                None
            }
            Some(_) => Some(level),
            None => {
                *first = Some((kind, expr.span));
                Some(level)
            }
        }
    }

    fn multiplied(&mut self, before: Level, factor: f64, span: Span) -> Option<Level> {
        match before {
            Level::Users(users) if users as f64 * factor <= MOST_USERS => {
                Some(Level::Users((users as f64 * factor).round() as u64))
            }
            Level::Users(_) => {
                self.out_of_range(span, "a load has 0 to 10 million users");
                None
            }
            Level::Arrivals(rate) => {
                let level = Rate::new(rate.per_second() * factor, units::SECOND).map(Level::Arrivals);
                if level.is_none() {
                    self.out_of_range(span, "this rate is beyond any machine");
                }
                level
            }
        }
    }

    fn no_level(&mut self, found: &Constant, span: Span, model: Option<Type>) {
        let text = self.text(span);
        if found.kind() == Type::Number {
            let message = "a level is a rate or a number of users";
            let problem = Diagnostic::new(Code::E0301, message, span, format!("{text} what?"));
            self.diagnostics.push(match model {
                Some(Type::Users) => {
                    problem.fix(span, format!("{text} users"), format!("did you mean `{text} users`?"))
                }
                Some(_) => problem.fix(span, format!("{text}/s"), format!("did you mean `{text}/s`?")),
                None => problem.help(format!(
                    "`{text}/s` starts {text} a second whatever the answers; `{text} users` wait for theirs"
                )),
            });
        } else {
            self.diagnostics.push(mismatch(model.unwrap_or(Type::Rate), found.kind(), span, &text));
        }
    }

    /// Loads whose stages carry this name.
    pub(super) fn stages_named(&self, name: &str) -> Vec<(usize, usize, Name)> {
        let mut found = Vec::new();
        for (load, l) in self.loads.iter().enumerate() {
            for (stage, s) in l.stages.iter().enumerate() {
                if let Some(own) = s.name.as_ref().filter(|own| own.text == name) {
                    found.push((load, stage, own.clone()));
                }
            }
        }
        found
    }
}
