//! How high a stage goes, and how long it lasts.

use super::*;

/// More than any machine holds; a typing mistake, not a plan.
const MOST_USERS: f64 = 1e7;

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn stage_length(&mut self, expr: &'a ast::Expr, frame: FrameId, model: &mut Model) -> Option<u64> {
        let before = self.diagnostics.count();
        match self.quantity(expr, frame, Type::Duration) {
            Some(ns) if ns < 1.0 => {
                self.out_of_range(expr.span, "a stage needs some time");
                None
            }
            Some(ns) if ns > (100 * units::DAY) as f64 => {
                self.out_of_range(expr.span, "this is longer than any run");
                None
            }
            Some(ns) => Some(ns as u64),
            None if self.diagnostics.count() == before && self.is_definition => {
                model.unknown = true;
                Some(SECOND)
            }
            None => None,
        }
    }

    /// A rate or a number of users; in a spike also a multiple of the level before (`Some(None)`: there is none).
    pub(super) fn level(
        &mut self,
        expr: &'a ast::Expr,
        spike: Option<Option<Level>>,
        frame: FrameId,
        model: &mut Model,
    ) -> Option<Level> {
        let value = self.eval(expr, frame);
        self.level_of(&value, expr.span, spike, model)
    }

    pub(super) fn level_of(
        &mut self,
        value: &Meaning<'a>,
        span: Span,
        spike: Option<Option<Level>>,
        model: &mut Model,
    ) -> Option<Level> {
        let level = match (value, spike) {
            (Meaning::Unknown(Type::Wrong), _) => return None,
            (Meaning::Unknown(kind), _) if Type::Level.accepts(*kind) || (spike.is_some() && *kind == Type::Factor) => {
                model.unknown = true;
                return Some(Level::Users(0));
            }
            (Meaning::Rate(rate), _) => Level::Arrivals(*rate),
            (Meaning::Quantity(users, Type::Users), _) if (0.0..=MOST_USERS).contains(users) => {
                Level::Users(users.round() as u64)
            }
            (Meaning::Quantity(_, Type::Users), _) => {
                self.out_of_range(span, "a load has 0 to 10 million users");
                return None;
            }
            (Meaning::Quantity(_, Type::Rate), _) => {
                self.out_of_range(span, "a rate cannot be negative");
                return None;
            }
            (Meaning::Quantity(factor, Type::Factor), Some(Some(before))) => {
                return self.multiplied(before, *factor, span);
            }
            (Meaning::Quantity(_, Type::Factor), Some(None)) if model.unknown || model.refused => return None,
            (Meaning::Quantity(_, Type::Factor), Some(None)) => {
                let message = "there is no level before this spike to multiply";
                let problem = Diagnostic::new(Code::E0411, message, span, "a multiple of what?");
                self.push(problem.help("hold a level first, or name the spike's own: `spike 500/s for 2s`"));
                return None;
            }
            (other, _) => {
                self.no_level(other, span, model.kind.map(|(kind, _)| kind), matches!(spike, Some(Some(_))));
                return None;
            }
        };
        let kind = if matches!(level, Level::Users(_)) { Type::Users } else { Type::Rate };
        self.model_is(kind, span, model).then_some(level)
    }

    /// A load keeps to arrivals or to users.
    pub(super) fn model_is(&mut self, kind: Type, span: Span, model: &mut Model) -> bool {
        match model.kind {
            Some((before, first)) if before != kind => {
                let problem = Diagnostic::new(Code::E0303, "a load is arrivals or users, not both", span, kind.a())
                    .label(first, before.a());
                self.push(problem.help("make two loads: one of a rate (`200/s`), one of users (`100 users`)"));
                false
            }
            Some(_) => true,
            None => {
                model.kind = Some((kind, span));
                true
            }
        }
    }

    pub(super) fn multiplied(&mut self, before: Level, factor: f64, span: Span) -> Option<Level> {
        match before {
            Level::Users(users) if users as f64 * factor <= MOST_USERS => {
                Some(Level::Users((users as f64 * factor).round() as u64))
            }
            Level::Users(_) => {
                self.out_of_range(span, "a load has 0 to 10 million users");
                None
            }
            Level::Arrivals(rate) => {
                let level = Rate::new(rate.per_second() * factor, SECOND).map(Level::Arrivals);
                if level.is_none() {
                    self.out_of_range(span, "this rate is beyond any machine");
                }
                level
            }
        }
    }

    /// Both levels of a ramp lack their unit together.
    fn push_level(&mut self, problem: Diagnostic) {
        const ON_ONE_LINE: usize = 60;
        let from = problem.span().range().start.saturating_sub(ON_ONE_LINE);
        match self.calls.is_empty() {
            true => self.diagnostics.push_together(problem, from),
            false => self.push(problem),
        }
    }

    pub(super) fn no_level(&mut self, found: &Meaning<'a>, span: Span, model: Option<Type>, spike: bool) {
        let text = self.text(span);
        if matches!(found.kind(), Type::Number | Type::Count) {
            let message = "a level is a rate or a number of users";
            let problem = Diagnostic::new(Code::E0301, message, span, format!("{text} what?"));
            self.push_level(match model {
                _ if spike => problem.fix(
                    Applicability::Maybe,
                    span,
                    format!("{text}x"),
                    format!("did you mean `{text}x`, a multiple of the level before?"),
                ),
                Some(Type::Users) => problem.fix(
                    Applicability::Maybe,
                    span,
                    format!("{text} users"),
                    format!("did you mean `{text} users`?"),
                ),
                Some(_) => {
                    problem.fix(Applicability::Maybe, span, format!("{text}/s"), format!("did you mean `{text}/s`?"))
                }
                None => problem
                    .fix(
                        Applicability::Maybe,
                        span,
                        format!("{text}/s"),
                        format!(
                            "write `{text}/s` for a rate of arrivals, or `{text} users` for users that wait for answers"
                        ),
                    )
                    .or(Fix::new(Applicability::Maybe, span, format!("{text} users"), format!("write `{text} users`"))),
            });
        } else if let (true, Meaning::Quantity(share, Type::Percent)) = (spike, found) {
            let factor = format!("{}x", (share * 1e6).round() / 1e6);
            let message = "a spike goes up to a multiple of the level before, or to a level";
            let problem = Diagnostic::new(Code::E0301, message, span, "a Percent");
            self.push(problem.fix(Applicability::Maybe, span, &factor, format!("write `{factor}`")));
        } else if let Meaning::Quantity(_, Type::Percent) = found {
            let problem = Diagnostic::new(Code::E0301, "a level is a rate or a number of users", span, "a Percent");
            let number = text.trim_end_matches('%');
            let help = format!("write a rate such as `{number}/s`, or users such as `{number} users`");
            self.push_level(problem.fix(Applicability::Maybe, span, format!("{number}/s"), help));
        } else {
            self.push(mismatch(model.unwrap_or(Type::Rate), found.kind(), span, &text));
        }
    }
}
