//! Suites: scenarios in order, in weighted areas, and when they are ready.

use super::inputs::{Content, FileKind};
use super::meaning::Meaning;
use super::program::{Area, Ready, RuleCoverage, Score, Suite, SuiteMember};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use super::words::not_whole;
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, Binary, ExprKind, Item};

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn suite(mut self, suite: &'a ast::Suite, module: usize) -> Suite {
        let frame = self.module_frame(module);
        let mut areas: Vec<Area> = Vec::new();
        let (mut sum, mut weights, mut seen) = (0.0, 0, Vec::new());
        let mut wrong_weight = false;
        for area in &suite.areas {
            if areas.iter().any(|before| before.name == area.name.text) {
                let problem = Diagnostic::new(
                    Code::E0203,
                    format!("there are two areas `{}`", area.name),
                    area.name.span,
                    "again here",
                );
                self.push(problem.help("give one of them another name"));
            }
            let weight = area.weight.as_ref().and_then(|weight| self.quantity(weight, frame, Type::Percent));
            wrong_weight |= area.weight.is_some() && weight.is_none();
            weights += usize::from(area.weight.is_some());
            sum += weight.unwrap_or(0.0);
            let mut scenarios = Vec::new();
            for path in &area.scenarios {
                let shown = self.text(path.span);
                match self.eval(path, frame) {
                    // An instance has a frame of its own for what it was given; the template itself has none.
                    Meaning::Definition(Item::Scenario(scenario), home)
                        if self.frames[home].parent.is_none() && lacks(scenario).is_some() =>
                    {
                        let lacks = lacks(scenario).unwrap_or_default();
                        let message = format!("`{shown}` is a template, and nothing gives it `{lacks}`");
                        let problem = Diagnostic::new(Code::E0306, message, path.span, "not a scenario yet");
                        self.push(
                            problem.help(format!(
                                "declare `scenario NAME = {shown}({lacks}: …)`, and name that in the area"
                            )),
                        );
                    }
                    Meaning::Definition(Item::Scenario(_), _) => {
                        if seen.contains(&shown) {
                            let problem = Diagnostic::new(
                                Code::E0203,
                                format!("`{shown}` counts twice"),
                                path.span,
                                "again here",
                            );
                            self.push(problem.help("name it in one area"));
                        }
                        seen.push(shown.clone());
                        scenarios.push(self.suite_member(path, shown, module));
                    }
                    Meaning::Unknown(Type::Wrong) => {}
                    other => {
                        let kind = other.kind();
                        let message = format!("`{shown}` is {}, and a Scenario is needed here", kind.a());
                        self.push(Diagnostic::new(Code::E0207, message, path.span, kind.a()));
                    }
                }
            }
            areas.push(Area { name: area.name.text.clone(), weight: weight.unwrap_or(0.0), scenarios });
        }
        let span = suite.name.span;
        // What was refused may have been an area, or have had another weight.
        if wrong_weight || self.world.inputs.modules[module].ast.refused {
        } else if suite.areas.is_empty() {
            let problem =
                Diagnostic::new(Code::E0412, "this suite has no area, so it would do nothing", span, "nothing to run");
            self.push(problem.help("add one: `area traffic 100%: light, heavy`"));
        } else if weights > 0 && weights < suite.areas.len() {
            let problem = Diagnostic::new(
                Code::E0410,
                "some areas have a weight and some have none",
                span,
                "which count how much?",
            );
            self.push(problem.help("give each a weight, or none: then all count the same"));
        } else if weights > 0 {
            if let Some(problem) = not_whole("the weights of this suite", sum, span, "not 100%") {
                self.push(problem.help("let the weights sum to 100%"));
            }
        } else {
            let equal = 1.0 / areas.len().max(1) as f64;
            areas.iter_mut().for_each(|area| area.weight = equal);
        }
        let ready = suite.ready.as_ref().and_then(|ready| self.ready(ready, suite, (&seen, frame)));
        Suite { name: suite.name.clone(), doc: suite.doc.clone(), areas, ready, strict: suite.strict }
    }

    /// Where a scenario that a suite names is declared.
    fn suite_member(&self, path: &ast::Expr, shown: String, module: usize) -> SuiteMember {
        let (alias, scenario) = match &path.kind {
            ExprKind::Field { base, field } => match &base.kind {
                ExprKind::Name(alias) => (Some(alias.text.as_str()), field.text.clone()),
                _ => (None, field.text.clone()),
            },
            _ => (None, shown.clone()),
        };
        let found = self.world.aliases[module].iter().find(|(own, _)| alias == Some(own.as_str()));
        let file =
            found.map(|(_, module)| self.world.sources.get(self.world.inputs.modules[*module].file).name.clone());
        SuiteMember { path: shown, file, scenario }
    }

    /// `score`, the areas and `passed(scenario)` are all that a suite can be ready by; `None` where something of it was refused.
    fn ready(&mut self, expr: &'a ast::Expr, suite: &'a ast::Suite, named: (&[String], FrameId)) -> Option<Ready> {
        match &expr.kind {
            ExprKind::Binary { operator: operator @ (Binary::And | Binary::Or), left, right, .. } => {
                let (left, right) = (self.ready(left, suite, named), self.ready(right, suite, named));
                let (left, right) = (Box::new(left?), Box::new(right?));
                Some(if *operator == Binary::And { Ready::And(left, right) } else { Ready::Or(left, right) })
            }
            ExprKind::Unary { operator: ast::Unary::Not, operand } => {
                self.ready(operand, suite, named).map(|inner| Ready::Not(Box::new(inner)))
            }
            ExprKind::Binary { operator, left, right, .. } if operator.compares() && is_coverage(left) => {
                let (of, bound) = (self.rule_coverage(left, named.1), self.share(left, right));
                Some(Ready::Rules { of: Box::new(of?), operator: *operator, bound: bound? })
            }
            ExprKind::Binary { operator, left, right, .. } if operator.compares() => {
                let (of, bound) = (self.score(left, suite), self.share(left, right));
                Some(Ready::Score { of: of?, operator: *operator, bound: bound? })
            }
            ExprKind::Call { function, arguments } if function.text == "passed" => {
                let [argument] = arguments.as_slice() else {
                    self.push(Diagnostic::new(
                        Code::E0306,
                        "`passed` takes a scenario",
                        expr.span,
                        "arguments do not fit",
                    ));
                    return None;
                };
                self.passed(&argument.value, named)
            }
            ExprKind::Wrong => None,
            _ => {
                let problem = Diagnostic::new(
                    Code::E0301,
                    "a suite is ready when a condition holds",
                    expr.span,
                    "not a condition",
                );
                self.push(
                    problem
                        .help("write `score >= 85% and passed(NAME)`, or `rule_coverage(\"alert-rules.yml\") >= 60%`"),
                );
                None
            }
        }
    }

    /// The whole, or an area.
    fn score(&mut self, expr: &'a ast::Expr, suite: &'a ast::Suite) -> Option<Score> {
        let areas = || suite.areas.iter().map(|area| &area.name);
        match &expr.kind {
            ExprKind::Name(name) if name.text == Score::WHOLE => return Some(Score::Whole),
            ExprKind::Name(name) => {
                if let Some(area) = areas().find(|area| area.text == name.text) {
                    self.refers(name.span, area.span, Type::Percent);
                    return Some(Score::of(&name.text));
                }
            }
            ExprKind::Wrong => return None,
            _ => {}
        }
        let text = self.text(expr.span);
        let problem = Diagnostic::new(Code::E0201, format!("no area is called `{text}`"), expr.span, "not an area");
        let known = areas().map(|area| area.text.as_str()).chain([Score::WHOLE]);
        self.push(problem.did_you_mean(expr.span, &text, known));
        None
    }

    /// `rule_coverage("alert-rules.yml", labels: { severity: "page" })`
    fn rule_coverage(&mut self, call: &'a ast::Expr, frame: FrameId) -> Option<RuleCoverage> {
        let ExprKind::Call { arguments, .. } = &call.kind else { return None };
        let wrong = |message: String| {
            let problem = Diagnostic::new(Code::E0306, message, call.span, "arguments do not fit");
            problem.help("write `rule_coverage(\"alert-rules.yml\", labels: { severity: \"page\" })`")
        };
        let (mut file, mut labels) = (None, Vec::new());
        for (place, argument) in arguments.iter().enumerate() {
            match argument.label.as_ref().map(|label| label.text.as_str()) {
                None | Some("file") if place == 0 => file = Some(&argument.value),
                Some("labels") => labels = self.rule_labels(&argument.value, frame)?,
                Some(other) => {
                    self.push(wrong(format!("`{}` has no parameter `{other}`", RuleCoverage::NAME)));
                    return None;
                }
                None => {
                    self.push(wrong(format!("`{}` takes a file and `labels:`", RuleCoverage::NAME)));
                    return None;
                }
            }
        }
        let Some(file) = file else {
            self.push(wrong(format!("`{}` takes a rules file", RuleCoverage::NAME)));
            return None;
        };
        let Meaning::Text(path, from) = self.eval_as(file, frame, &[Type::Text]) else { return None };
        let Content::Rules(rules) = self.content(&path, from, FileKind::Rules, file.span)? else { return None };
        self.refused_rules(&rules.problems, &path, file.span);
        let coverage = RuleCoverage { file: path, labels, rules: rules.rules.clone() };
        if coverage.counted().next().is_none() {
            let message = format!("`{}` has no alerting rule with these labels, so nothing is counted", coverage.file);
            let message =
                if coverage.rules.is_empty() { format!("`{}` has no alerting rule", coverage.file) } else { message };
            self.push(Diagnostic::new(Code::E0412, message, call.span, "nothing to count"));
            return None;
        }
        Some(coverage)
    }

    fn rule_labels(&mut self, value: &'a ast::Expr, frame: FrameId) -> Option<Vec<(String, String)>> {
        let Meaning::Object(fields) = self.eval_as(value, frame, &[Type::Object]) else { return None };
        let mut labels = Vec::new();
        for (label, value) in fields {
            let Meaning::Text(text, _) = value else {
                let text = self.text(label.span);
                let message = format!("the value of the label `{text}` is not a text");
                self.push(Diagnostic::new(Code::E0301, message, label.span, "not a text"));
                return None;
            };
            labels.push((label.text.clone(), text));
        }
        Some(labels)
    }

    /// What a score is compared with.
    fn share(&mut self, score: &'a ast::Expr, bound: &'a ast::Expr) -> Option<f64> {
        let found = match bound.kind {
            ExprKind::Percent(share) => return Some(share),
            ExprKind::Wrong => return None,
            ExprKind::Number(_) => Type::Number,
            _ => Type::Text,
        };
        let text = self.text(bound.span);
        let problem = super::words::mismatch(Type::Percent, found, bound.span, &text);
        self.push(problem.label(score.span, "a score is a Percent"));
        None
    }

    fn passed(&mut self, path: &'a ast::Expr, (scenarios, frame): (&[String], FrameId)) -> Option<Ready> {
        let text = self.text(path.span);
        if scenarios.contains(&text) {
            // An area has named it, so that nothing is wrong with it.
            self.eval(path, frame);
            return Some(Ready::Passed(text));
        }
        let message = format!("`{text}` is in no area of this suite");
        let problem = Diagnostic::new(Code::E0201, message, path.span, "not run by it");
        self.push(problem.did_you_mean(path.span, &text, scenarios.iter().map(String::as_str)));
        None
    }
}

fn is_coverage(expr: &ast::Expr) -> bool {
    matches!(&expr.kind, ExprKind::Call { function, .. } if function.text == RuleCoverage::NAME)
}

/// The first parameter that a template needs.
fn lacks(scenario: &ast::Scenario) -> Option<String> {
    let lacking = scenario.parameters.iter().flatten().find(|parameter| parameter.default.is_none());
    lacking.map(|parameter| parameter.name.text.clone())
}
