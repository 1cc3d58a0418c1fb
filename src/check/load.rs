//! Loads: what they run, when they start, and the options of each.

use super::meaning::Meaning;
use super::program::{Level, Load, MixPart, Population};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use super::words::not_whole;
use crate::base::units::SECOND;
use crate::base::{Name, Span};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, ExprKind, Item, LoadOf};

impl<'a> ScenarioChecker<'a, '_> {
    /// What a load runs, when it starts, and its options.
    pub(super) fn load_rest(&mut self, load: &'a ast::Load, index: usize, frame: FrameId) {
        let parts = match &load.of {
            LoadOf::One(flow) => {
                self.run_flow(flow, frame).into_iter().map(|(name, flow)| MixPart { name, weight: 1.0, flow }).collect()
            }
            LoadOf::Mix(parts) => self.mix(parts, frame),
        };
        if parts.is_empty() {
            self.refused_loads.insert(index);
        }
        if let Some(at) = &load.at {
            self.out.loads[index].at = self.moment(at, frame);
        }
        self.out.loads[index].parts = parts;
        for entry in &load.options {
            if entry.label.text == "arrivals" {
                match &entry.value.kind {
                    ExprKind::Name(name) if name.text == "poisson" => {
                        self.out.loads[index].poisson = true;
                        if matches!(self.model_of(index), Some(Level::Users(_))) {
                            let problem = Diagnostic::new(
                                Code::E0114,
                                "`arrivals:` is of an open load",
                                entry.label.span,
                                "users wait for their answers",
                            );
                            self.push(problem.help("let the load hold a rate, such as `hold 10/s for 1m`"));
                        }
                    }
                    ExprKind::Wrong => {}
                    _ => {
                        let text = self.text(entry.value.span);
                        let problem = Diagnostic::new(
                            Code::E0301,
                            format!("`{text}` is not a kind of arrival"),
                            entry.value.span,
                            "not one",
                        );
                        self.push(problem.help("write `arrivals: poisson`; without it they are even"));
                    }
                }
                continue;
            }
            let Some(value) = self.option(entry, "load", frame) else { continue };
            let Some(number) = value.number() else { continue };
            let out = &mut self.out.loads[index];
            match entry.label.text.as_str() {
                "max_in_flight" if number < 1.0 => {
                    self.out_of_range(entry.value.span, "`max_in_flight` is a whole number from 1");
                }
                "max_in_flight" => out.max_in_flight = Some(number as u64),
                "grace" => out.grace = number as u64,
                "population" if number < 1.0 => {
                    self.out_of_range(entry.value.span, "a population has at least one user");
                }
                "population" => {
                    out.population = Some(number as u64);
                }
                _ => {
                    out.pace = Some(number as u64);
                    if matches!(self.model_of(index), Some(Level::Arrivals(_))) {
                        let problem = Diagnostic::new(
                            Code::E0114,
                            "`pace:` is of a closed load",
                            entry.label.span,
                            "arrivals have a rate",
                        );
                        self.push(problem.help("say how many start a second, such as `hold 10/s for 1m`"));
                    }
                }
            }
        }
    }

    fn model_of(&self, load: usize) -> Option<Level> {
        self.out.loads[load].stages.iter().flat_map(|stage| &stage.legs).map(|leg| leg.to).next()
    }

    fn run_flow(&mut self, expr: &'a ast::Expr, frame: FrameId) -> Option<(String, usize)> {
        let value = match &expr.kind {
            // What is not a flow is not looked for among steps.
            ExprKind::Name(name) => match self.lookup(frame, &name.text, name.span) {
                Some(value) => value,
                None => {
                    let flows: Vec<&str> = self.visible_of(frame, |item| match item {
                        Item::Flow(_) => true,
                        Item::Built(built) => built.kind == ast::BuiltKind::Flow,
                        _ => false,
                    });
                    self.unknown_name(frame, name, "flow", &flows)
                }
            },
            _ => self.eval(expr, frame),
        };
        match value {
            Meaning::Samples(Population { flow: Some(flow), load: None, .. }, _, Type::Flow) => {
                Some((self.out.flows[flow].name.clone(), flow))
            }
            Meaning::Definition(Item::Flow(flow), _) => {
                let message = format!("`{}` needs its arguments", flow.name);
                let problem = Diagnostic::new(Code::E0306, message, expr.span, "not called")
                    .label(flow.name.span, "declared here");
                let names: Vec<&str> =
                    flow.parameters.iter().flatten().map(|parameter| parameter.name.text.as_str()).collect();
                let call = format!("{}({})", self.text(expr.span), names.join(", "));
                let problem = problem.help(format!("write `{call}`"));
                self.push(problem.or(super::guess::instead(expr.span, call)));
                None
            }
            Meaning::Unknown(Type::Wrong) => None,
            Meaning::Unknown(Type::Flow) => {
                self.out.flows.push(super::program::Flow {
                    name: self.text(expr.span),
                    steps: Vec::new(),
                    slots: 0,
                    names: Vec::new(),
                    requests: 0,
                    groups: Vec::new(),
                    measures: Vec::new(),
                });
                let flow = self.out.flows.len() - 1;
                self.refused_flows.insert(flow);
                Some((self.text(expr.span), flow))
            }
            other => {
                let text = self.text(expr.span);
                let kind = other.kind();
                let message = format!("`{text}` is {}, and a Flow is needed here", kind.a());
                let flows: Vec<&str> = self.visible_of(frame, |item| matches!(item, Item::Flow(_)));
                let problem = Diagnostic::new(Code::E0207, message, expr.span, kind.a());
                self.push(problem.did_you_mean(expr.span, &text, flows.into_iter()));
                None
            }
        }
    }

    fn visible_of(&self, frame: FrameId, wanted: impl Fn(&Item) -> bool) -> Vec<&'a str> {
        let mut names = Vec::new();
        let mut at = Some(frame);
        while let Some(id) = at {
            let frame = &self.frames[id];
            let items =
                if frame.parent.is_none() { &self.world.inputs.modules[frame.module].ast.items } else { frame.items };
            names.extend(
                items.iter().filter(|item| wanted(item)).filter_map(|item| item.name()).map(|name| name.text.as_str()),
            );
            at = frame.parent;
        }
        names
    }

    fn mix(&mut self, parts: &'a [ast::MixPart], frame: FrameId) -> Vec<MixPart> {
        let mut checked: Vec<MixPart> = Vec::new();
        let mut named: Vec<(String, Span)> = Vec::new();
        let (mut sum, mut known) = (0.0, true);
        for part in parts {
            let weight = self.quantity(&part.weight, frame, Type::Percent);
            known &= weight.is_some();
            sum += weight.unwrap_or(0.0);
            let Some((own, flow)) = self.run_flow(&part.flow, frame) else {
                known = false;
                continue;
            };
            let name = part.name.as_ref().map_or(own, |name| name.text.clone());
            let span = part.name.as_ref().map_or(part.flow.span, |name: &Name| name.span);
            match named.iter().find(|(before, _)| *before == name) {
                Some((_, first)) => {
                    let problem =
                        Diagnostic::new(Code::E0203, format!("`{name}` appears twice in this mix"), span, "again here");
                    self.push(problem.label(*first, "first here").help("name each part with `as NAME`"));
                }
                None => named.push((name.clone(), span)),
            }
            checked.push(MixPart { name, weight: weight.unwrap_or(0.0), flow });
        }
        if let (Some(first), Some(last)) = (parts.first(), parts.last())
            && known
            && let whole = first.weight.span.to(last.flow.span)
            && let Some(problem) = not_whole("the parts of this mix", sum, whole, "not 100%")
        {
            self.push(problem.help("let the weights sum to 100%"));
        }
        checked
    }
}

impl Load {
    pub(super) fn open(name: Name, span: Span) -> Load {
        Load {
            name,
            parts: Vec::new(),
            at: None,
            stages: Vec::new(),
            max_in_flight: None,
            grace: 30 * SECOND,
            population: None,
            pace: None,
            poisson: false,
            span,
        }
    }
}
