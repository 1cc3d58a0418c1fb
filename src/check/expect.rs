//! Expectations of a scenario: metrics of populations in windows, compared.

use super::constant::{apply, cannot_join, joined, literal};
use super::program::{Condition, Expectation, Function, Measured, Part, Population, Scope, Step, Window};
use super::types::Type;
use super::{Checker, builtins, mismatch};
use crate::base::{Name, Span};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, Argument, Binary, ExprKind, Unary};

impl Checker<'_> {
    pub(super) fn expectation(&mut self, condition: &ast::Condition) -> Option<Expectation> {
        let scopes = self.scopes(&condition.scopes)?;
        let text = self.text(condition.span);
        let line = self.line(condition.span);
        let checked = self.condition(&condition.expr, &scopes)?;
        Some(Expectation { text, line, span: condition.span, condition: checked })
    }

    fn condition(&mut self, expr: &ast::Expr, scopes: &[Scope]) -> Option<Condition> {
        match &expr.kind {
            ExprKind::Binary { operator: operator @ (Binary::And | Binary::Or), left, right, .. } => {
                let (left, right) = (self.condition(left, scopes), self.condition(right, scopes));
                let (left, right) = (Box::new(left?), Box::new(right?));
                Some(if *operator == Binary::And { Condition::And(left, right) } else { Condition::Or(left, right) })
            }
            ExprKind::Unary { operator: Unary::Not, operand } => self.condition(operand, scopes).map(|c| Condition::Not(Box::new(c))),
            ExprKind::Binary { operator, left, right, .. } if operator.compares() && *operator != Binary::In => {
                let (l, r) = (self.measured(left, scopes), self.measured(right, scopes));
                let (l, r) = (l?, r?);
                self.same_unit((left, l.unit()), (right, r.unit()))?;
                if matches!((&l, &r), (Measured::Constant { .. }, Measured::Constant { .. })) {
                    let problem = Diagnostic::new(Code::E0307, "this compares two constants", expr.span, "nothing is measured");
                    self.diagnostics.push(problem.help("compare a metric, such as `p95(main) < 200ms`"));
                    return None;
                }
                Some(Condition::Compare { operator: *operator, left: l, right: r })
            }
            ExprKind::Wrong => None,
            _ => {
                let kind = self.measured(expr, scopes)?.unit();
                let problem = Diagnostic::new(Code::E0301, format!("an expectation is a condition, and this is {}", kind.a()), expr.span, kind.a());
                self.diagnostics.push(problem.help("compare it with a bound, such as `< 200ms`"));
                None
            }
        }
    }

    fn same_unit(&mut self, left: (&ast::Expr, Type), right: (&ast::Expr, Type)) -> Option<()> {
        if left.1 == right.1 {
            return Some(());
        }
        let number_left = left.1 == Type::Number;
        let (expected, found) = if number_left { (right, left) } else { (left, right) };
        let text = self.text(found.0.span);
        let measured = self.text(expected.0.span);
        self.diagnostics.push(
            mismatch(expected.1, found.1, found.0.span, &text).label(expected.0.span, format!("`{measured}` is {}", expected.1.a())),
        );
        None
    }

    fn measured(&mut self, expr: &ast::Expr, scopes: &[Scope]) -> Option<Measured> {
        if let Some((value, unit)) = literal(expr) {
            return Some(Measured::Constant { value, unit });
        }
        match &expr.kind {
            ExprKind::Call { function, arguments } => self.metric(function, arguments, scopes, expr.span),
            ExprKind::Unary { operator: Unary::Negate, operand } => {
                let operand = self.measured(operand, scopes)?;
                let unit = operand.unit();
                let zero = Measured::Constant { value: 0.0, unit };
                Some(Measured::Arithmetic { operator: Binary::Subtract, left: Box::new(zero), right: Box::new(operand), unit })
            }
            ExprKind::Binary { operator, operator_span, left, right } => {
                let (l, r) = (self.measured(left, scopes), self.measured(right, scopes));
                let (l, r) = (l?, r?);
                let Some(unit) = joined(*operator, l.unit(), r.unit()) else {
                    self.diagnostics.push(cannot_join(*operator, *operator_span, (left, l.unit()), (right, r.unit())));
                    return None;
                };
                if let (Measured::Constant { value: a, unit: x }, Measured::Constant { value: b, unit: y }) = (&l, &r) {
                    return Some(Measured::Constant { value: apply(*operator, *a, *x, *b, *y), unit });
                }
                Some(Measured::Arithmetic { operator: *operator, left: Box::new(l), right: Box::new(r), unit })
            }
            ExprKind::Wrong => None,
            _ => {
                let text = self.text(expr.span);
                let problem = Diagnostic::new(Code::E0307, format!("`{text}` measures nothing by itself"), expr.span, "which metric of it?");
                self.diagnostics.push(problem.help(format!("write a metric, such as `p95({text})` or `error_rate({text})`")));
                None
            }
        }
    }

    fn metric(&mut self, function: &Name, arguments: &[Argument], scopes: &[Scope], span: Span) -> Option<Measured> {
        let known = builtins::metric(&function.text);
        let takes = match function.text.as_str() {
            "quantile" => Some(("quantile", Type::Percent)),
            "apdex" => Some(("threshold", Type::Duration)),
            _ if known.is_some() => None,
            _ => {
                let problem = Diagnostic::new(Code::E0201, format!("no metric is called `{function}`"), function.span, "no such metric");
                self.diagnostics.push(problem.did_you_mean(function.span, &function.text, builtins::names(builtins::Kind::Metric)));
                return None;
            }
        };
        let wanted = 1 + usize::from(takes.is_some());
        let Some(first) = arguments.first().filter(|_| arguments.len() == wanted) else {
            let signature = builtins::find(&function.text).map_or("", |b| b.signature);
            let problem = Diagnostic::new(Code::E0306, format!("`{function}` takes {wanted} argument{}", if wanted == 1 { "" } else { "s" }), span, format!("{} given", arguments.len()));
            self.diagnostics.push(problem.help(format!("it is `{signature}`")));
            return None;
        };
        let (function_kind, unit) = match (known, takes) {
            (Some(known), _) => known,
            (None, takes) => {
                let (name, kind) = takes?;
                let value = self.arguments(function, &arguments[1..], &[(name, kind)]).remove(0)?.0.number();
                if kind == Type::Percent { (Function::Quantile(value), Type::Duration) } else { (Function::Apdex(value), Type::Number) }
            }
        };
        if let Function::Quantile(q) = function_kind
            && !(0.0..1.0).contains(&q)
        {
            self.out_of_range(arguments[arguments.len() - 1].value.span, "a quantile lies between 0% and 100%");
            return None;
        }
        let population = self.population(&first.value)?;
        if function_kind == Function::Dropped && (population.flow.is_some() || population.request.is_some() || population.load.is_none()) {
            let problem = Diagnostic::new(Code::E0207, "only a load drops arrivals", first.value.span, "not a load");
            let loads = self.known(Type::Load);
            self.diagnostics.push(problem.did_you_mean(first.value.span, "", loads.iter().map(String::as_str)));
            return None;
        }
        // A scope of the whole condition goes to every metric that has none of its own.
        let own = self.scopes(&first.scopes)?;
        let scopes = if own.is_empty() { scopes.to_vec() } else { own };
        Some(Measured::Metric { function: function_kind, population, scopes, unit, span })
    }

    fn scopes(&mut self, scopes: &[ast::Scope]) -> Option<Vec<Scope>> {
        let checked: Vec<Option<Scope>> = scopes
            .iter()
            .map(|scope| Some(Scope { kind: scope.kind, window: self.window(&scope.window)?, span: scope.span }))
            .collect();
        checked.into_iter().collect()
    }

    /// A stage by its name while that is unique, `load.stage`, or a load.
    fn window(&mut self, expr: &ast::Expr) -> Option<Window> {
        match &expr.kind {
            ExprKind::Name(name) => {
                let stages = self.stages_named(&name.text);
                match (stages.as_slice(), self.names.get(&name.text)) {
                    ([(load, stage, _)], _) => Some(Window::Stage { load: *load, stage: *stage }),
                    ([], Some(declared)) if declared.kind == Type::Load => Some(Window::Load(declared.index)),
                    ([], _) => {
                        let names: Vec<String> = self.stage_names().chain(self.known(Type::Load)).collect();
                        let problem = Diagnostic::new(Code::E0201, format!("no stage or load is called `{name}`"), name.span, "no such window");
                        self.diagnostics.push(problem.did_you_mean(name.span, &name.text, names.iter().map(String::as_str)));
                        None
                    }
                    (many, _) => {
                        let mut problem = Diagnostic::new(Code::E0403, format!("`{name}` is a stage of {} loads", many.len()), name.span, "which one?");
                        let full: Vec<String> = many.iter().map(|(load, ..)| format!("`{}.{name}`", self.loads[*load].name)).collect();
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
                let found = self.loads[load].stages.iter().position(|s| s.name.as_ref().is_some_and(|n| n.text == field.text));
                if found.is_none() {
                    let names: Vec<String> = self.loads[load].stages.iter().filter_map(|s| s.name.as_ref().map(|n| n.text.clone())).collect();
                    let problem = Diagnostic::new(Code::E0202, format!("this load has no stage `{field}`"), field.span, "no such stage");
                    self.diagnostics.push(problem.did_you_mean(field.span, &field.text, names.iter().map(String::as_str)));
                }
                found.map(|stage| Window::Stage { load, stage })
            }
            _ => {
                let problem = Diagnostic::new(Code::E0207, "a window is needed here", expr.span, "not a stage and not a load");
                self.diagnostics.push(problem.help("name a stage with `as NAME`, and use that name"));
                None
            }
        }
    }

    fn stage_names(&self) -> impl Iterator<Item = String> {
        self.loads.iter().flat_map(|load| load.stages.iter()).filter_map(|stage| stage.name.as_ref().map(|n| n.text.clone()))
    }

    /// `load.flow.step`, where a prefix may be missing while the rest is unique.
    fn population(&mut self, expr: &ast::Expr) -> Option<Population> {
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
                    self.diagnostics.push(Diagnostic::new(Code::E0207, "a load, a flow or a step is needed here", expr.span, "not a population"));
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
            found = all.iter().filter(|(names, _)| names.len() > words.len() && names.ends_with(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>())).collect();
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
                let problem = Diagnostic::new(Code::E0207, format!("`{}` could be several", words.join(".")), expr.span, "which one?");
                self.diagnostics.push(problem.help(format!("write {}", names.join(" or "))));
                None
            }
        }
    }

    fn unknown_population(&mut self, path: &[Name], all: &[(Vec<String>, Population)]) {
        let first = &path[0];
        if let [name] = path
            && self.names.get(&name.text).is_some_and(|d| d.kind == Type::Flow)
        {
            let problem = Diagnostic::new(Code::E0407, format!("no load runs the flow `{name}`"), name.span, "nothing is measured");
            self.diagnostics.push(problem.help(format!("add `load main of {name} {{ … }}`")));
            return;
        }
        let starts: Vec<&str> = all.iter().filter(|(names, _)| names.len() == 1).map(|(names, _)| names[0].as_str()).collect();
        let known_start = all.iter().any(|(names, _)| names[0] == first.text);
        let wrong = if known_start && path.len() > 1 { &path[path.len() - 1] } else { first };
        let candidates: Vec<&str> = match known_start && path.len() > 1 {
            true => all.iter().filter(|(names, _)| names.len() > 1 && names[0] == first.text).map(|(names, _)| names[names.len() - 1].as_str()).collect(),
            false => starts,
        };
        let code = if known_start && path.len() > 1 { Code::E0202 } else { Code::E0201 };
        let problem = Diagnostic::new(code, format!("nothing that is measured is called `{wrong}`"), wrong.span, "not a load, a flow or a step");
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
            let first_load = !all.iter().any(|(_, p)| *p == shared);
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
        let mut unique: Vec<(Vec<String>, Population)> = Vec::new();
        for (names, population) in all {
            if !unique.iter().any(|(known, _)| *known == names) {
                unique.push((names, population));
            }
        }
        unique
    }
}
