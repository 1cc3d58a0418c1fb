//! What is tried again: how often, after which pauses, and for which reasons.

use super::meaning::Meaning;
use super::program::{Reason, Retry};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::Span;
use crate::base::failure::Failure;
use crate::diag::{Applicability, Code, Diagnostic};
use crate::syntax::ast::{self, ExprKind};

/// What a step or a transaction says of being tried again: how often, after which pauses, and why.
type Asked<'a> = (Option<&'a ast::Expr>, Option<&'a ast::Expr>, Option<&'a ast::Expr>);

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn retry(
        &mut self,
        (retry, backoff, retry_when): Asked<'a>,
        of_database: bool,
        frame: FrameId,
    ) -> Option<Retry> {
        let written = backoff;
        let backoff = written.map(|backoff| (backoff.span, self.eval(backoff, frame)));
        if retry.is_none() {
            if let Some(span) = written.or(retry_when).map(|clause| clause.span) {
                let problem = Diagnostic::new(Code::E0307, "nothing is retried here", span, "how often?");
                self.push(problem.help("write `retry 3 backoff 100ms..2s when [503, timeout]`"));
            }
            return None;
        }
        let times = self.quantity(retry?, frame, Type::Count);
        let (mut least, mut most) = (0.0, 0.0);
        if written.is_some_and(|backoff| self.is_difference(backoff)) {
            return None;
        }
        match backoff {
            Some((span, Meaning::Range(a, _))) if !matches!(a.kind(), Type::Duration | Type::Wrong) => {
                let message = format!("a pause between tries is a Duration, and this starts with {}", a.kind().a());
                let problem = Diagnostic::new(Code::E0301, message, span, "no unit of time");
                self.push(problem.help("write `backoff 100ms..2s`"));
            }
            Some((_, Meaning::Range(a, b))) => {
                (least, most) = (a.number().unwrap_or(0.0), b.number().unwrap_or(0.0));
            }
            Some((span, value)) => {
                let value = self.fit(value, span, &[Type::Duration]);
                least = value.number().unwrap_or(0.0);
                most = least;
            }
            None => {}
        }
        if let Some(backoff) = written.filter(|_| least < 0.0) {
            self.out_of_range(backoff.span, "must not be negative");
            return None;
        }
        let mut when = Vec::new();
        if let Some(list) = retry_when {
            let items: &[ast::Expr] = match &list.kind {
                ExprKind::List(items) => items,
                _ => std::slice::from_ref(list),
            };
            for (place, item) in items.iter().enumerate() {
                // With the comma before or after it.
                let after = items.get(place + 1).map(|next| Span { end: next.span.start, ..item.span });
                let alone = after.or_else(|| {
                    let before = items.get(place.checked_sub(1)?)?;
                    Some(Span { start: before.span.end, ..item.span })
                });
                when.extend(self.reason(item, alone, of_database));
            }
        }
        Some(Retry { times: times? as u64, least: least as u64, most: most as u64, when })
    }

    /// A status or a kind of failure. `alone` is what to remove to be without it.
    fn reason(&mut self, item: &'a ast::Expr, alone: Option<Span>, of_database: bool) -> Option<Reason> {
        let happens = |failure: Failure| match of_database {
            true => !matches!(failure, Failure::Status | Failure::Certificate | Failure::Handshake | Failure::Proxy),
            false => !failure.is_of_database(),
        };
        let named = match &item.kind {
            ExprKind::Name(name) => Failure::that_may_pass().find(|failure| failure.as_str() == name.text),
            _ => None,
        };
        match &item.kind {
            ExprKind::Number(_) if of_database => {
                self.never_happens(item.span, alone, "a statement of SQL is answered with no status");
                None
            }
            ExprKind::Name(name) if name.text == "dns" => {
                self.never_happens(
                    item.span,
                    alone,
                    "names are looked up before the load, and no request waits for a lookup",
                );
                None
            }
            ExprKind::Name(_) if named.is_some_and(|failure| !happens(failure)) => {
                let why =
                    if of_database { "this never happens to a statement of SQL" } else { "a database alone says this" };
                self.never_happens(item.span, alone, why);
                None
            }
            ExprKind::Number(status) if (100.0..600.0).contains(status) && status.fract() == 0.0 => {
                Some(Reason::Status(*status as u16))
            }
            ExprKind::Name(_) if named.is_some() => named.map(Reason::Failure),
            ExprKind::Wrong => None,
            _ => {
                let text = self.text(item.span);
                let problem = Diagnostic::new(
                    Code::E0310,
                    format!("`{text}` is not a reason for another try"),
                    item.span,
                    "neither a status nor a failure",
                );
                self.push(problem.did_you_mean(item.span, &text, Failure::that_may_pass().map(Failure::as_str)));
                None
            }
        }
    }

    fn never_happens(&mut self, span: Span, alone: Option<Span>, why: &str) {
        let text = self.text(span);
        let message = format!("`{text}` is no reason to try this again: {why}");
        let problem = Diagnostic::new(Code::E0310, message, span, "never happens here");
        self.push(match alone {
            Some(alone) => problem.fix(Applicability::MachineApplicable, alone, "", format!("remove `{text}`")),
            None => problem,
        });
    }
}
