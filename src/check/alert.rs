//! What alerts must do, from which source they come, and whether one can fire in time.

use super::condition::{AlertCheck, AlertDoes, Condition};
use super::meaning::Meaning;
use super::program::{Expectation, Moment, Window};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::Span;
use crate::base::units::duration;
use crate::diag::{Applicability, Code, Diagnostic};
use crate::syntax::ast::{self, Item};

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn alert(&mut self, alert: &'a ast::Alert, frame: FrameId) -> Option<Expectation> {
        let name = match self.eval_as(&alert.name, frame, &[Type::Text]) {
            Meaning::Text(name, _) => Some(name),
            _ => None,
        };
        let mut labels = Vec::new();
        for label in &alert.labels {
            if let Meaning::Text(value, _) = self.eval_as(&label.value, frame, &[Type::Text]) {
                labels.push((label.label.text.clone(), value));
            }
        }
        let source = self.alert_source(alert.source.as_ref(), alert.span, frame);
        let does = match &alert.does {
            ast::AlertDoes::Fires(within) => {
                let (ns, of) = self.soon(within, frame)?;
                self.can_fire(name.as_deref(), source.flatten(), (ns, &of), within, alert);
                AlertDoes::Fires { within: ns, of }
            }
            ast::AlertDoes::Resolves(within) => {
                let (ns, of) = self.soon(within, frame)?;
                AlertDoes::Resolves { within: ns, of }
            }
            ast::AlertDoes::StaysQuiet(scopes) => AlertDoes::StaysQuiet { scopes: self.scopes(scopes, frame)? },
            ast::AlertDoes::MayFire(scopes) => AlertDoes::MayFire { scopes: self.scopes(scopes, frame)? },
            ast::AlertDoes::KeepsFiring(scopes) => AlertDoes::KeepsFiring { scopes: self.scopes(scopes, frame)? },
        };
        let check = AlertCheck { name: Some(name?), labels, source: source??, does };
        Some(self.stated(Condition::Alert(check), alert.span))
    }

    fn soon(&mut self, within: &'a ast::Within, frame: FrameId) -> Option<(u64, Moment)> {
        let ns = self.quantity(&within.tolerance, frame, Type::Duration);
        let of = self.moment(&within.of, frame);
        Some((ns? as u64, of?))
    }

    pub(super) fn no_other_alert(
        &mut self,
        source: Option<&'a ast::Expr>,
        scopes: &'a [ast::Scope],
        span: Span,
        frame: FrameId,
    ) -> Option<Expectation> {
        let source = self.alert_source(source, span, frame)??;
        let scopes = self.scopes(scopes, frame)?;
        let does = AlertDoes::StaysQuiet { scopes };
        let check = AlertCheck { name: None, labels: Vec::new(), source, does };
        Some(self.stated(Condition::Alert(check), span))
    }

    /// The source of alerts that is meant: the named one, or the only one. Inside `None` it is not known yet.
    fn alert_source(&mut self, source: Option<&'a ast::Expr>, span: Span, frame: FrameId) -> Option<Option<usize>> {
        if let Some(source) = source {
            return match self.eval_as(source, frame, &[Type::Alerts]) {
                Meaning::Part(Type::Alerts, index) => Some(Some(index)),
                Meaning::Unknown(Type::Wrong) => None,
                _ => Some(None),
            };
        }
        self.sources_in_sight(frame);
        match self.out.alert_sources.len() {
            1 => Some(Some(0)),
            0 if self.is_definition => Some(None),
            // Said once, however many conditions ask for it.
            0 if std::mem::replace(&mut self.no_alert_source, true) || self.is_lost(frame) => None,
            0 => {
                let problem =
                    Diagnostic::new(Code::E0209, "there is no source of alerts", span, "who says that it fires?");
                self.push(problem.help("declare one: `alerts pager = alertmanager(\"http://127.0.0.1:9093\")`"));
                None
            }
            _ => {
                let names: Vec<String> = self.out.alert_sources.iter().map(|s| format!("`from {}`", s.name)).collect();
                let problem = Diagnostic::new(Code::E0209, "there are several sources of alerts", span, "from which?");
                self.push(problem.help(format!("write {}", names.join(" or "))));
                None
            }
        }
    }

    /// Works out the sources of alerts that are declared in the systems in use and in the file: those of the scenario
    /// are there already.
    pub(super) fn sources_in_sight(&mut self, frame: FrameId) {
        let scenario = self.frames.iter().position(|frame| frame.is_scenario);
        let mut files: Vec<FrameId> = Vec::new();
        for mut at in [Some(frame), scenario].into_iter().flatten() {
            while let Some(parent) = self.frames[at].parent {
                at = parent;
            }
            if !files.contains(&at) {
                files.push(at);
            }
        }
        let systems = (0..self.frames.len()).filter(|id| !self.frames[*id].path.is_empty());
        let mut places: Vec<(FrameId, &'a [Item])> = systems.map(|id| (id, self.frames[id].items)).collect();
        let inputs = self.world.inputs;
        places.extend(files.iter().map(|id| (*id, inputs.modules[self.frames[*id].module].ast.items.as_slice())));
        for (home, items) in places {
            for item in items {
                if let Item::Built(built) = item
                    && built.kind == ast::BuiltKind::Alerts
                {
                    self.own(home, &built.name.text, built.name.span);
                }
            }
        }
    }

    /// With a rules file it is known whether the alert exists, and how soon it can fire at the earliest.
    fn can_fire(
        &mut self,
        name: Option<&str>,
        source: Option<usize>,
        (within, of): (u64, &Moment),
        written: &'a ast::Within,
        alert: &'a ast::Alert,
    ) {
        let (Some(name), Some(source)) = (name, source) else { return };
        let (Some(own), Some(Some(span))) = (self.out.alert_sources.get(source), self.rules_spans.get(source)) else {
            return;
        };
        let (facts, path, span) = (own.facts.clone(), own.rules.clone().unwrap_or_default(), *span);
        let Some(rules) = &facts.rules else { return };
        let Some(rule) = rules.iter().find(|rule| rule.alert == name) else {
            let message = format!("`{path}` has no alert `{name}`");
            let problem =
                Diagnostic::new(Code::E0201, message, alert.name.span, "no such alert").label(span, "this file");
            self.push(match crate::base::suggest::slip(name, rules.iter().map(|rule| rule.alert.as_str())) {
                Some(near) => problem.fix(
                    Applicability::Maybe,
                    alert.name.span,
                    format!("\"{near}\""),
                    format!("did you mean `{near}`?"),
                ),
                None => problem,
            });
            return;
        };
        let (interval, least) = (facts.interval(rule), facts.earliest(rule));
        let shown = duration(least);
        if least > within {
            let message = format!("`{name}` fires {shown} after its cause at the earliest");
            let mut parts = vec![format!("`for: {}`", duration(rule.held))];
            if interval > 0 {
                parts.push(format!("evaluated every {}", duration(interval)));
            }
            if facts.grouping > 0 {
                parts.push(format!("grouped for {}", duration(facts.grouping)));
            }
            let problem = Diagnostic::new(Code::E0409, message, written.tolerance.span, "too soon");
            let problem = problem.label(span, format!("there {}", parts.join(", ")));
            self.push(problem.fix(
                Applicability::Maybe,
                written.tolerance.span,
                &shown,
                format!("allow at least `{shown}`"),
            ));
            return;
        }
        if let Window::Injection(index) = of.window
            && let Some(length) = self.out.injections.get(index).and_then(|injection| injection.when.length())
            && length < rule.held
        {
            let lasts = duration(length);
            let message = format!("`{name}` needs its cause for {}, and the fault lasts {lasts}", duration(rule.held));
            let problem = Diagnostic::new(Code::E0409, message, written.of.span, "too short a fault");
            let problem = problem.label(span, format!("there `for: {}`", duration(rule.held)));
            self.push(problem.help("let the fault last longer than the `for:` of the rule"));
        }
    }
}
