//! What alerts must do, from which source they come, and whether one can fire in time.

use super::condition::{AlertCheck, AlertDoes, Condition};
use super::inputs::Rule;
use super::meaning::Meaning;
use super::program::{AlertFacts, Delays, Expectation, Moment, Scope, Window};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::Span;
use crate::base::units::duration;
use crate::diag::{Applicability, Code, Diagnostic};
use crate::syntax::ast::{self, Item};

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn alert(&mut self, alert: &'a ast::Alert, frame: FrameId) -> Vec<Expectation> {
        let names = self.alert_names(alert, frame);
        let mut labels = Vec::new();
        for label in &alert.labels {
            if let Meaning::Text(value, _) = self.eval_as(&label.value, frame, &[Type::Text]) {
                labels.push((label.label.text.clone(), value));
            }
        }
        let source = self.alert_source(alert.source.as_ref(), alert.span, frame);
        let Some(does) = self.alert_does(&alert.does, frame) else { return Vec::new() };
        let mut stated = Vec::new();
        for name in names {
            let known = self.known_alert(name.as_deref(), &labels, source.flatten(), alert);
            if let Some(known) = &known {
                self.can_do(known, &does, &alert.does);
            }
            let (Some(name), Some(Some(source))) = (name, source) else { continue };
            let check = AlertCheck { name: Some(name), labels: labels.clone(), source, does: does.clone() };
            let condition = Condition::Alert(check);
            let text = alert.is_list.then(|| self.out.condition_text(&condition));
            let expectation = self.stated(condition, alert.span);
            stated.push(match text {
                Some(text) => Expectation { text, ..expectation },
                None => expectation,
            });
        }
        stated
    }

    /// The names that a line is about; None is one that is not known yet.
    fn alert_names(&mut self, alert: &'a ast::Alert, frame: FrameId) -> Vec<Option<String>> {
        if !alert.is_list {
            return match self.eval_as(&alert.name, frame, &[Type::Text]) {
                Meaning::Text(name, _) => vec![Some(name)],
                _ => vec![None],
            };
        }
        let Meaning::List(items) = self.eval_as(&alert.name, frame, &[Type::List]) else { return vec![None] };
        let mut names = Vec::new();
        for item in items {
            match item {
                Meaning::Text(name, _) => names.push(Some(name)),
                other if other.is_unknown() => names.push(None),
                other => {
                    let text = self.text(alert.name.span);
                    let problem = super::words::mismatch(Type::Text, other.kind(), alert.name.span, &text);
                    self.push(problem.help("each item is the name of an alert: `alert in [\"A\", \"B\"] may fire`"));
                }
            }
        }
        names
    }

    fn alert_does(&mut self, does: &'a ast::AlertDoes, frame: FrameId) -> Option<AlertDoes<Moment, Vec<Scope>>> {
        Some(match does {
            ast::AlertDoes::Fires(within) => {
                let (within, of) = self.soon(within, frame)?;
                AlertDoes::Fires { within, of }
            }
            ast::AlertDoes::Resolves(within) => {
                let (within, of) = self.soon(within, frame)?;
                AlertDoes::Resolves { within, of }
            }
            ast::AlertDoes::StaysQuiet(scopes) => AlertDoes::StaysQuiet { scopes: self.scopes(scopes, frame)? },
            ast::AlertDoes::MayFire(scopes) => AlertDoes::MayFire { scopes: self.scopes(scopes, frame)? },
            ast::AlertDoes::KeepsFiring(scopes) => AlertDoes::KeepsFiring { scopes: self.scopes(scopes, frame)? },
        })
    }

    /// Whether it can do that in time.
    fn can_do(&mut self, known: &KnownAlert, does: &AlertDoes<Moment, Vec<Scope>>, written: &'a ast::AlertDoes) {
        match (does, written) {
            (AlertDoes::Fires { within, of }, ast::AlertDoes::Fires(written)) => {
                self.can_fire(known, (*within, of), written);
            }
            (AlertDoes::Resolves { within, .. }, ast::AlertDoes::Resolves(written)) => {
                self.can_resolve(known, *within, written);
            }
            (
                AlertDoes::Fires { .. }
                | AlertDoes::Resolves { .. }
                | AlertDoes::StaysQuiet { .. }
                | AlertDoes::MayFire { .. }
                | AlertDoes::KeepsFiring { .. },
                _,
            ) => {}
        }
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

    /// With a rules file it is known whether the alert exists, and which rules fire it.
    fn known_alert(
        &mut self,
        name: Option<&str>,
        labels: &[(String, String)],
        source: Option<usize>,
        alert: &'a ast::Alert,
    ) -> Option<KnownAlert> {
        let (name, source) = (name?, source?);
        let own = self.out.alert_sources.get(source)?;
        let rules_span = (*self.rules_spans.get(source)?)?;
        let (facts, path) = (own.facts.clone(), own.rules.clone().unwrap_or_default());
        let rules = facts.rules.as_ref()?;
        let named: Vec<&Rule> = rules.iter().filter(|rule| rule.alert == name).collect();
        if named.is_empty() {
            let message = format!("`{path}` has no alert `{name}`");
            let problem =
                Diagnostic::new(Code::E0201, message, alert.name.span, "no such alert").label(rules_span, "this file");
            self.push(match crate::base::suggest::slip(name, rules.iter().map(|rule| rule.alert.as_str())) {
                Some(near) => problem.fix(
                    Applicability::Maybe,
                    alert.name.span,
                    format!("\"{near}\""),
                    format!("did you mean `{near}`?"),
                ),
                None => problem,
            });
            return None;
        }
        let fires = |rule: &&&Rule| facts.relabels || rule.may_carry(labels);
        let fitting: Vec<Rule> = named.iter().filter(fires).map(|rule| (**rule).clone()).collect();
        if fitting.is_empty() {
            self.without_such_labels(&named, labels, (&path, rules_span), alert);
            return None;
        }
        Some(KnownAlert { name: name.to_owned(), rules: fitting, facts, rules_span })
    }

    /// Rules of this name set labels to other values.
    fn without_such_labels(
        &mut self,
        named: &[&Rule],
        labels: &[(String, String)],
        (path, rules_span): (&str, Span),
        alert: &'a ast::Alert,
    ) {
        let differs = |(label, wanted): &&(String, String)| {
            named.iter().all(|rule| rule.label(label).is_some_and(|own| own != wanted))
        };
        // One label that no rule has is enough; otherwise no rule has all of them.
        let Some((label, wanted)) = labels.iter().find(differs).or(labels.first()) else { return };
        let mut values: Vec<&str> = named.iter().filter_map(|rule| rule.label(label)).collect();
        values.sort_unstable();
        values.dedup();
        let shown: Vec<String> = values.iter().map(|value| format!("`{label}: \"{value}\"`")).collect();
        let of = alert.labels.iter().find(|entry| entry.label.text == *label).map_or(alert.span, |own| own.value.span);
        let name = &named[0].alert;
        let several = labels.len() > 1 && values.contains(&wanted.as_str());
        let message = match several {
            true => format!("`{path}` has no alert `{name}` with all these labels"),
            false => format!("`{path}` has no alert `{name}` with `{label}: \"{wanted}\"`"),
        };
        let problem = Diagnostic::new(Code::E0201, message, of, "no such alert").label(rules_span, "this file");
        self.push(match values.as_slice() {
            [value] if !several && !value.contains(['"', '\\', '{', '\n']) => problem.fix(
                Applicability::Maybe,
                of,
                format!("\"{value}\""),
                format!("its rule has {}", shown.join(", ")),
            ),
            _ => problem.help(format!("its rules have {}", shown.join(", "))),
        });
    }

    /// How soon an alert can fire at the earliest, and at the latest.
    fn can_fire(&mut self, known: &KnownAlert, (within, of): (u64, &Moment), written: &'a ast::Within) {
        let Some((rule, delays)) = known.soonest(AlertFacts::delays, Delays::least) else { return };
        let (name, least) = (&known.name, delays.least());
        if least > within {
            let message = format!("`{name}` fires {} after its cause at the earliest", duration(least));
            let there = known.there(&rule, "for", rule.held, delays.grouping);
            self.too_soon(message, written, (known.rules_span, there), least);
            return;
        }
        let lasts = match of.window {
            Window::Injection(index) => self.out.injections.get(index).and_then(|own| own.when.length()),
            Window::Run
            | Window::Load(_)
            | Window::Stage { .. }
            | Window::Stages { .. }
            | Window::Event(_)
            | Window::Impact { .. }
            | Window::Between(..) => None,
        };
        // What lies in the window of its expression, or was scraped last, holds on after the fault.
        let beyond = |rule: &Rule| {
            let delays = known.facts.delays(rule);
            delays.window.saturating_add(delays.scrape)
        };
        if let Some(length) = lasts
            && known.rules.iter().all(|rule| length.saturating_add(beyond(rule)) < rule.held)
        {
            let lasts = duration(length);
            let message = format!("`{name}` needs its cause for {}, and the fault lasts {lasts}", duration(rule.held));
            let problem = Diagnostic::new(Code::E0409, message, written.of.span, "too short a fault");
            let problem = problem.label(known.rules_span, format!("there `for: {}`", duration(rule.held)));
            self.push(problem.help("let the fault last longer than the `for:` of the rule"));
            return;
        }
        self.may_be_late(known, within, written, AlertFacts::delays, ["fires", "its cause"]);
    }

    /// How soon an alert can be over at the earliest, and at the latest.
    fn can_resolve(&mut self, known: &KnownAlert, within: u64, written: &'a ast::Within) {
        let Some((rule, delays)) = known.soonest(AlertFacts::delays_of_the_end, Delays::least) else { return };
        let least = delays.least();
        if least > within {
            let message =
                format!("`{}` resolves {} after its cause is over at the earliest", known.name, duration(least));
            let there = known.there(&rule, "keep_firing_for", rule.keeps, 0);
            self.too_soon(message, written, (known.rules_span, there), least);
            return;
        }
        self.may_be_late(known, within, written, AlertFacts::delays_of_the_end, ["resolves", "the end of its cause"]);
    }

    fn too_soon(&mut self, message: String, written: &'a ast::Within, (rules, there): (Span, String), least: u64) {
        let problem = Diagnostic::new(Code::E0409, message, written.tolerance.span, "too soon").label(rules, there);
        let least = duration(least);
        self.push(problem.fix(
            Applicability::Maybe,
            written.tolerance.span,
            &least,
            format!("allow at least `{least}`"),
        ));
    }

    /// It can be in time, and need not be: a scrape, an evaluation or a window may take longer.
    fn may_be_late(
        &mut self,
        known: &KnownAlert,
        within: u64,
        written: &'a ast::Within,
        delays: fn(&AlertFacts, &Rule) -> Delays,
        [does, after]: [&str; 2],
    ) {
        let Some((rule, delays)) = known.soonest(delays, Delays::most) else { return };
        let most = delays.most();
        if most <= within {
            return;
        }
        let held = if does == "fires" { "of `for:`" } else { "of `keep_firing_for:`" };
        let parts = [
            (delays.scrape, "until it is scraped"),
            (delays.window, "until the range of its expression is full"),
            (delays.evaluation, "until it is evaluated"),
            (delays.held, held),
            (delays.grouping, "of grouping"),
        ];
        let parts = parts.iter().filter(|(time, _)| *time > 0);
        let parts: Vec<String> = parts.map(|(time, what)| format!("{} {what}", duration(*time))).collect();
        let shown = duration(most);
        let message = format!("`{}` {does} up to {shown} after {after}", rule.alert);
        let problem = Diagnostic::new(Code::W0818, message, written.tolerance.span, "it may be late without a mistake");
        let problem = problem.label(known.rules_span, format!("in this file and the options: {}", parts.join(", ")));
        let help = format!("allow `{shown}`");
        self.push(problem.fix(Applicability::Maybe, written.tolerance.span, &shown, help));
    }
}

/// The rules that fire an alert.
struct KnownAlert {
    name: String,
    rules: Vec<Rule>,
    facts: AlertFacts,
    rules_span: Span,
}

impl KnownAlert {
    /// The rule that is done first.
    fn soonest(&self, delays: fn(&AlertFacts, &Rule) -> Delays, time: fn(Delays) -> u64) -> Option<(Rule, Delays)> {
        let all = self.rules.iter().map(|rule| (rule, delays(&self.facts, rule)));
        all.min_by_key(|(_, delays)| time(*delays)).map(|(rule, delays)| (rule.clone(), delays))
    }

    /// What a rule says of its times.
    fn there(&self, rule: &Rule, option: &str, time: u64, grouping: u64) -> String {
        let interval = self.facts.interval(rule);
        let mut parts = vec![format!("`{option}: {}`", duration(time))];
        if interval > 0 {
            parts.push(format!("evaluated every {}", duration(interval)));
        }
        if grouping > 0 {
            parts.push(format!("grouped for {}", duration(grouping)));
        }
        format!("there {}", parts.join(", "))
    }
}
