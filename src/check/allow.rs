//! Checks which hosts a file allows a run to touch, and how many requests it may send.

use super::Checker;
use super::meaning::Meaning;
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::hosts::Pattern;
use crate::base::{Name, Span};
use crate::diag::{Applicability, Code, Diagnostic, Diagnostics};
use crate::syntax::ast::{self, Item};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A line that allows hosts next to this machine, and limits how many requests a run may send.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Allow {
    /// As they are written.
    pub hosts: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<u64>,
    pub line: usize,
    #[serde(skip)]
    pub span: Span,
}

/// What the lines of a file allow, and the variables that they lack.
pub(super) struct Allowed {
    pub(super) lines: Vec<Allow>,
    pub(super) missing: Vec<(String, Span)>,
}

impl Checker<'_, '_> {
    /// Of one file alone: what it uses decides nothing for it.
    pub(super) fn allowed(&mut self, module: usize) -> Allowed {
        let mut own = Diagnostics::default();
        let name = Name { text: String::new(), span: Span::default() };
        let mut session = self.session(&name, &mut own);
        let home = session.module_frame(module);
        let mut lines = Vec::new();
        for item in &session.world.inputs.modules[module].ast.items {
            if let Item::Allow(allow) = item {
                lines.push(session.allow(allow, home));
            }
        }
        let missing = std::mem::take(&mut session.out.missing);
        self.keep(own, module);
        Allowed { lines, missing }
    }
}

impl<'a> ScenarioChecker<'a, '_> {
    fn allow(&mut self, allow: &'a ast::Allow, frame: FrameId) -> Allow {
        let mut hosts = Vec::new();
        for host in &allow.hosts {
            let value = self.eval_as(host, frame, &[Type::Text, Type::List]);
            self.hosts(&value, host, &mut hosts);
        }
        let at_most = allow.at_most.as_ref().and_then(|at_most| {
            let count = self.eval_as(at_most, frame, &[Type::Count]).number()?;
            if count < 1.0 {
                self.out_of_range(at_most.span, "a budget of 0 leaves nothing to run");
                return None;
            }
            Some(count as u64)
        });
        let line = self.world.sources.line(allow.span);
        Allow { hosts, at_most, line, span: allow.span }
    }

    fn hosts(&mut self, value: &Meaning<'a>, expr: &ast::Expr, out: &mut Vec<String>) {
        match value {
            Meaning::Text(text, _) => match Pattern::parse(text) {
                Ok(_) => out.push(text.clone()),
                Err(no) => {
                    let message = format!("`{text}` allows no host: {}", no.why);
                    let problem = Diagnostic::new(Code::E0310, message, expr.span, "not a host");
                    self.push(match no.instead {
                        // What a variable holds is not told, in whatever form.
                        Some(instead) if is_written(expr) => {
                            problem.fix(Applicability::Maybe, expr.span, format!("\"{instead}\""), format!("write `\"{instead}\"`"))
                        }
                        _ => problem.help(
                            "write a host, `host:port`, `*.example.com` for all below it, or a network such as `10.1.0.0/16`",
                        ),
                    });
                }
            },
            Meaning::List(items) => items.iter().for_each(|item| self.hosts(item, expr, out)),
            Meaning::Unknown(_) => {}
            other => self.no_known_text(other, expr.span, ("which hosts may be hurt", "the host")),
        }
    }
}

/// Whether a text stands there as it is, without a value in it.
pub(super) fn is_written(expr: &ast::Expr) -> bool {
    matches!(&expr.kind, ast::ExprKind::Text(parts) if matches!(parts.as_slice(), [ast::TextPart::Literal(_)]))
}
