//! What a metric speaks of: whose requests, and in which window.

use super::Checker;
use super::program::{Part, Population, Step, Window};
use super::types::Type;
use crate::base::Name;
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, ExprKind};
use std::collections::HashSet;

impl Checker<'_> {
    /// A stage by its name while that is unique, `load.stage`, or a load.
    pub(super) fn window(&mut self, expr: &ast::Expr) -> Option<Window> {
        match &expr.kind {
            ExprKind::Name(name) => {
                let stages = self.stages_named(&name.text);
                match (stages.as_slice(), self.names.get(&name.text)) {
                    ([(load, stage, _)], _) => Some(Window::Stage { load: *load, stage: *stage }),
                    ([], Some(declared)) if declared.kind == Type::Load => Some(Window::Load(declared.index)),
                    ([], Some(declared)) if declared.kind == Type::Wrong => None,
                    ([], Some(declared)) => {
                        let message = format!("`{name}` is {}, and a window is needed here", declared.kind.a());
                        let problem = Diagnostic::new(Code::E0207, message, name.span, "not a stage and not a load")
                            .label(declared.span, "declared here");
                        self.diagnostics.push(problem.help("name a stage with `as NAME`, and use that name"));
                        None
                    }
                    ([], None) if self.lost => None,
                    ([], None) => {
                        let names: Vec<String> = self.stage_names().chain(self.known(Type::Load)).collect();
                        let problem = Diagnostic::new(
                            Code::E0201,
                            format!("no stage or load is called `{name}`"),
                            name.span,
                            "no such window",
                        );
                        self.diagnostics.push(problem.did_you_mean(
                            name.span,
                            &name.text,
                            names.iter().map(String::as_str),
                        ));
                        None
                    }
                    (many, _) => {
                        let mut problem = Diagnostic::new(
                            Code::E0403,
                            format!("`{name}` is a stage of {} loads", many.len()),
                            name.span,
                            "which one?",
                        );
                        let full: Vec<String> =
                            many.iter().map(|(load, ..)| format!("`{}.{name}`", self.loads[*load].name)).collect();
                        for (_, _, own) in many {
                            problem = problem.label(own.span, "one is here");
                        }
                        self.diagnostics.push(problem.help(format!("write {}", full.join(" or "))));
                        None
                    }
                }
            }
            ExprKind::Field { base, field } => {
                let load = self.lookup(base, Type::Load)?;
                let found =
                    self.loads[load].stages.iter().position(|s| s.name.as_ref().is_some_and(|n| n.text == field.text));
                if found.is_none() && !self.lost {
                    let names: Vec<String> = self.loads[load]
                        .stages
                        .iter()
                        .filter_map(|s| s.name.as_ref().map(|n| n.text.clone()))
                        .collect();
                    let problem = Diagnostic::new(
                        Code::E0202,
                        format!("this load has no stage `{field}`"),
                        field.span,
                        "no such stage",
                    );
                    self.diagnostics.push(problem.did_you_mean(
                        field.span,
                        &field.text,
                        names.iter().map(String::as_str),
                    ));
                }
                found.map(|stage| Window::Stage { load, stage })
            }
            _ => {
                let problem =
                    Diagnostic::new(Code::E0207, "a window is needed here", expr.span, "not a stage and not a load");
                self.diagnostics.push(problem.help("name a stage with `as NAME`, and use that name"));
                None
            }
        }
    }

    fn stage_names(&self) -> impl Iterator<Item = String> {
        self.loads
            .iter()
            .flat_map(|load| load.stages.iter())
            .filter_map(|stage| stage.name.as_ref().map(|n| n.text.clone()))
    }

    /// `load.flow.step`, where a prefix may be missing while the rest is unique.
    pub(super) fn population(&mut self, expr: &ast::Expr) -> Option<Population> {
        let mut path = Vec::new();
        let mut at = expr;
        loop {
            match &at.kind {
                ExprKind::Field { base, field } => {
                    path.insert(0, field.clone());
                    at = base;
                }
                ExprKind::Name(name) => {
                    path.insert(0, name.clone());
                    break;
                }
                ExprKind::Wrong => return None,
                _ => {
                    self.diagnostics.push(Diagnostic::new(
                        Code::E0207,
                        "a load, a flow or a step is needed here",
                        expr.span,
                        "not a population",
                    ));
                    return None;
                }
            }
        }
        let mut part = Part::Latency;
        if path.len() > 1 && path[path.len() - 1].text == "service_time" {
            part = Part::ServiceTime;
            path.pop();
        }
        let words: Vec<&str> = path.iter().map(|name| name.text.as_str()).collect();
        let all = self.populations();
        let mut found: Vec<&(Vec<String>, Population)> = all.iter().filter(|(names, _)| *names == words).collect();
        if found.is_empty() {
            found = all
                .iter()
                .filter(|(names, _)| {
                    names.len() > words.len()
                        && names.ends_with(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>())
                })
                .collect();
        }
        // With and without its load a step is the same while one load runs it; the shorter name is the wider one.
        if let Some(widest) = found.iter().find(|(_, p)| p.load.is_none()).copied()
            && found.iter().all(|(_, p)| (p.flow, p.request) == (widest.1.flow, widest.1.request))
        {
            found = vec![widest];
        }
        match found.as_slice() {
            [(_, population)] => Some(Population { part, ..*population }),
            [] => {
                self.unknown_population(&path, &all);
                None
            }
            many => {
                let names: Vec<String> = many.iter().map(|(names, _)| format!("`{}`", names.join("."))).collect();
                let problem = Diagnostic::new(
                    Code::E0207,
                    format!("`{}` could be several", words.join(".")),
                    expr.span,
                    "which one?",
                );
                self.diagnostics.push(problem.help(format!("write {}", names.join(" or "))));
                None
            }
        }
    }

    fn unknown_population(&mut self, path: &[Name], all: &[(Vec<String>, Population)]) {
        let first = &path[0];
        if self.lost {
            return;
        }
        if let Some(declared) = self.names.get(&first.text).filter(|d| matches!(d.kind, Type::Service | Type::Target)) {
            let message = format!("`{first}` is {}, and a load, a flow or a step is needed here", declared.kind.a());
            let problem = Diagnostic::new(Code::E0207, message, first.span, "sends nothing by itself")
                .label(declared.span, "declared here");
            let loads = self.known(Type::Load);
            self.diagnostics.push(problem.did_you_mean(first.span, &first.text, loads.iter().map(String::as_str)));
            return;
        }
        if let Some((load, _, stage)) = self.stages_named(&path[path.len() - 1].text).into_iter().next() {
            let written = &path[path.len() - 1];
            let problem = Diagnostic::new(
                Code::E0207,
                format!("`{written}` is a stage, and a load, a flow or a step is needed here"),
                written.span,
                "a window",
            );
            let load = &self.loads[load].name;
            self.diagnostics
                .push(problem.label(stage.span, "named here").help(format!("write `{load} during {written}`")));
            return;
        }
        if let [name] = path
            && self.names.get(&name.text).is_some_and(|d| d.kind == Type::Flow)
        {
            let problem = Diagnostic::new(
                Code::E0407,
                format!("no load runs the flow `{name}`"),
                name.span,
                "nothing is measured",
            );
            self.diagnostics.push(problem.help(format!("add `load main of {name} {{ … }}`")));
            return;
        }
        let starts: Vec<&str> =
            all.iter().filter(|(names, _)| names.len() == 1).map(|(names, _)| names[0].as_str()).collect();
        let known_start = all.iter().any(|(names, _)| names[0] == first.text);
        let wrong = if known_start && path.len() > 1 { &path[path.len() - 1] } else { first };
        let candidates: Vec<&str> = match known_start && path.len() > 1 {
            true => all
                .iter()
                .filter(|(names, _)| names.len() > 1 && names[0] == first.text)
                .map(|(names, _)| names[names.len() - 1].as_str())
                .collect(),
            false => starts,
        };
        let code = if known_start && path.len() > 1 { Code::E0202 } else { Code::E0201 };
        let problem = Diagnostic::new(
            code,
            format!("nothing that is measured is called `{wrong}`"),
            wrong.span,
            "not a load, a flow or a step",
        );
        self.diagnostics.push(problem.did_you_mean(wrong.span, &wrong.text, candidates.into_iter()));
    }

    /// Every population with its full name; a flow and its steps also without their load.
    fn populations(&self) -> Vec<(Vec<String>, Population)> {
        let mut all: Vec<(Vec<String>, Population)> = Vec::new();
        let part = Part::Latency;
        for (index, load) in self.loads.iter().enumerate() {
            let l = load.name.text.clone();
            all.push((vec![l.clone()], Population { load: Some(index), flow: None, request: None, part }));
            let Some(flow) = self.flows.get(load.flow) else { continue };
            let (f, id) = (flow.name.clone(), Some(load.flow));
            all.push((vec![l.clone(), f.clone()], Population { load: Some(index), flow: id, request: None, part }));
            let shared = Population { load: None, flow: id, request: None, part };
            let first_load = !self.loads[..index].iter().any(|before| before.flow == load.flow);
            if first_load {
                all.push((vec![f.clone()], shared));
            }
            for step in &flow.steps {
                let Step::Request(request) = step else { continue };
                let population = Population { load: Some(index), flow: id, request: Some(request.response), part };
                all.push((vec![l.clone(), f.clone(), request.name.clone()], population));
                all.push((vec![l.clone(), request.name.clone()], population));
                if first_load {
                    all.push((vec![f.clone(), request.name.clone()], Population { load: None, ..population }));
                }
            }
        }
        // A suffix that only repeats a full name of the same population is no second candidate.
        let mut seen = HashSet::new();
        all.retain(|(names, _)| seen.insert(names.clone()));
        all
    }
}
