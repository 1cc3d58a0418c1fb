//! Stages that search for a level: what they try, and the condition that decides.

use super::*;

/// Between two trials of a search what is under way ends, for which there is the grace of the load; and so long it takes
/// at most until everybody has told what came of it and knows of the next.
const BETWEEN: u64 = 3 * SECOND;

/// A search whose condition is read when all loads have their flows.
pub(in crate::check) struct PendingSearch<'a> {
    load: usize,
    stage: usize,
    condition: &'a ast::Expr,
    frame: FrameId,
    least: Level,
    most: Level,
    each: u64,
}

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn search(
        &mut self,
        stage: &'a ast::Stage,
        range: &'a ast::Expr,
        (length, condition): (&'a ast::Expr, &'a ast::Expr),
        frame: FrameId,
        model: &mut Model,
    ) {
        let each = self.stage_length(length, frame, model);
        let (least, most) = match &range.kind {
            ExprKind::Binary { operator: ast::Binary::Range, left, right, .. }
                if matches!((&left.kind, &right.kind), (ExprKind::Number(_), ExprKind::Number(_))) =>
            {
                let (from, to) = (self.text(left.span), self.text(right.span));
                let message = "a level is a rate or a number of users";
                let problem = Diagnostic::new(Code::E0301, message, range.span, "no unit");
                self.push(problem.help(format!("write `{from}/s .. {to}/s`, or `{from} users .. {to} users`")));
                (None, None)
            }
            ExprKind::Binary { operator: ast::Binary::Range, left, right, .. } => {
                (self.level(left, None, frame, model), self.level(right, None, frame, model))
            }
            _ => match self.eval_as(range, frame, &[Type::Range]) {
                Meaning::Range(least, most) => {
                    (self.level_of(&least, range.span, None, model), self.level_of(&most, range.span, None, model))
                }
                Meaning::Unknown(Type::Wrong) => {
                    model.refused = true;
                    (None, None)
                }
                _ => {
                    model.unknown = true;
                    (None, None)
                }
            },
        };
        let mut legs = Vec::new();
        if let (Some(least), Some(most), Some(each)) = (least, most, each) {
            // Levels that only an argument gives are compared where it is given.
            if raw(least) >= raw(most) && !model.unknown {
                self.out_of_range(range.span, "a search goes from the smaller to the larger");
            } else {
                let (_, trials) = halving(least, most);
                // The time between trials is added when the grace of the load is known.
                legs.push(Leg { from: least, to: most, length: each.saturating_mul(trials) });
                let (load, stage) = (model.load, model.stages.len());
                self.pending_searches.push(PendingSearch { load, stage, condition, frame, least, most, each });
            }
        }
        let (name, span) = (stage.name.clone(), stage.span);
        model.refused |= legs.is_empty() && !model.unknown;
        model.stages.push(Stage {
            name,
            kind: StageKind::Search,
            legs,
            settle: 0,
            iterations: None,
            replay: None,
            span,
        });
    }

    /// The conditions of searches, when every load has its flows.
    pub(in crate::check) fn searches(&mut self) {
        for pending in std::mem::take(&mut self.pending_searches) {
            let PendingSearch { load, stage, condition, frame, least, most, each } = pending;
            let value = self.eval(condition, frame);
            match crate::check::compare::condition(&value) {
                Some(asked) if self.fits_a_look(&asked, condition.span).is_none() => {}
                Some(condition) => {
                    let (resolution, trials) = halving(least, most);
                    let load_of = &mut self.out.loads[load];
                    let between = load_of.grace.saturating_add(BETWEEN).saturating_mul(trials - 1);
                    if let Some(leg) = load_of.stages.get_mut(stage).and_then(|stage| stage.legs.first_mut()) {
                        leg.length = leg.length.saturating_add(between);
                    }
                    self.out.searches.push(Search { load, stage, least, most, resolution, each, trials, condition });
                }
                None if value.is_unknown() => {}
                None => {
                    let kind = value.kind().a();
                    let message = format!("a search goes on while a condition holds, and this is {kind}");
                    let problem = Diagnostic::new(Code::E0301, message, condition.span, kind);
                    self.push(problem.help("write `while p99(main) < 250ms and error_rate(main) < 1%`"));
                }
            }
        }
    }
}

/// To how much a range of levels is halved, which is 2 % of its upper end and whole users, and how many trials that takes
/// at most: ⌈log₂(range ÷ resolution)⌉, one at each end, and those around what is found.
fn halving(least: Level, most: Level) -> (f64, u64) {
    let share = raw(most) * 0.02;
    let resolution = match most {
        Level::Arrivals(_) => share.max(f64::MIN_POSITIVE),
        Level::Users(_) => share.floor().max(1.0),
    };
    (
        resolution,
        ((raw(most) - raw(least)) / resolution).max(1.0).log2().ceil() as u64 + 2 + crate::check::program::AROUND,
    )
}

/// A level as a number: arrivals a second, or users.
pub(super) fn raw(level: Level) -> f64 {
    match level {
        Level::Arrivals(rate) => rate.per_second(),
        Level::Users(users) => users as f64,
    }
}

pub(super) fn shown(level: Level) -> String {
    match level {
        Level::Arrivals(rate) => rate.to_string(),
        Level::Users(1) => "1 user".to_owned(),
        Level::Users(users) => format!("{users} users"),
    }
}
