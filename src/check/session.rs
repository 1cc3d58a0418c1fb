//! A scenario being evaluated, or a template being checked on its own: the frames of names, the scenario that is built, and the
//! diagnostics.

use super::flow::FlowState;
use super::inputs::{Content, FileKind, FileNeed, Inputs};
use super::meaning::Meaning;
use super::program::{Later, Scenario, Scope};
use super::references::{DataPlaces, FlowPlaces, References};
use super::scope::{Frame, FrameId, Index};
use super::types::Type;
use crate::base::{FileId, Name, Sources, Span};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::syntax::ast::{self, Item};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

/// Templates in templates; what goes deeper goes round in a circle.
pub(super) const DEEPEST: usize = 32;

/// What all sessions of a compilation share.
pub(super) struct World<'a> {
    pub(super) inputs: &'a Inputs,
    pub(super) sources: &'a Sources,
    pub(super) indexes: Vec<Index<'a>>,
    /// For each module, what it calls the modules that it uses.
    pub(super) aliases: Vec<Vec<(String, usize)>>,
    /// How much of what all values may take is taken.
    pub(super) spent: super::size::Spent,
    /// Unknown names for which something was suggested: to look for it takes long, and it is said once.
    pub(super) helped: RefCell<HashSet<Span>>,
    pub(super) references: RefCell<References>,
}

pub(super) struct ScenarioChecker<'a, 'd> {
    pub(super) world: &'d World<'a>,
    pub(super) diagnostics: &'d mut Diagnostics,
    /// Names that somebody asked for, by where they are declared.
    pub(super) used: &'d mut HashSet<Span>,
    /// Some stages were refused together with the shape that has them, and their names are not known.
    pub(super) lost_stages: bool,
    /// Where names are declared, by the places where they were asked for.
    pub(super) declared: HashMap<Span, Span>,
    /// Of flows and data, by their places in the scenario.
    pub(super) flow_places: HashMap<usize, FlowPlaces>,
    pub(super) data_places: HashMap<usize, DataPlaces>,
    pub(super) frames: Vec<Frame<'a>>,
    pub(super) module_frames: HashMap<usize, FrameId>,
    pub(super) out: Scenario,
    /// Scopes of the condition at hand, for metrics that have none of their own.
    pub(super) ambient: Vec<Scope>,
    pub(super) flow: Option<FlowState>,
    /// Names refer to the answer of the enclosing request block.
    pub(super) answer: Option<usize>,
    /// Names mean what is known of a request when it has ended.
    pub(super) predicate: bool,
    /// Where templates were instantiated that are being worked out, outermost first.
    pub(super) calls: Vec<Span>,
    pub(super) ports: usize,
    /// Templates that were instantiated: an end to what could double with every level.
    pub(super) instances: usize,
    /// Flows and loads in which something was refused, so that what they lack may have been written.
    pub(super) refused_flows: HashSet<usize>,
    /// What is evaluated are the arguments of `format_time`, whose patterns have words of their own.
    pub(super) is_pattern: bool,
    pub(super) refused_loads: HashSet<usize>,
    /// It was said that nothing tells of alerts.
    pub(super) no_alert_source: bool,
    /// Where rules files are named, in the order of the sources of alerts.
    pub(super) rules_spans: Vec<Option<Span>>,
    pub(super) pending_searches: Vec<super::stage::PendingSearch<'a>>,
    /// Where `once per user` stands.
    pub(super) once_spans: Vec<Span>,
    /// A target was refused, so nobody is told that there is none.
    pub(super) refused_target: bool,
    /// Where services are declared, in their order.
    pub(super) service_spans: Vec<Span>,
    /// The first place that needs a steady state to recover to.
    pub(super) needs_steady: Option<Span>,
    /// A template is checked by itself; what comes out is thrown away.
    pub(super) is_definition: bool,
}

impl<'a, 'd> ScenarioChecker<'a, 'd> {
    pub(super) fn new(
        world: &'d World<'a>,
        name: &Name,
        diagnostics: &'d mut Diagnostics,
        used: &'d mut HashSet<Span>,
    ) -> ScenarioChecker<'a, 'd> {
        ScenarioChecker {
            world,
            diagnostics,
            used,
            lost_stages: false,
            declared: HashMap::new(),
            flow_places: HashMap::new(),
            data_places: HashMap::new(),
            frames: Vec::new(),
            module_frames: HashMap::new(),
            out: Scenario::named(name.clone()),
            ambient: Vec::new(),
            flow: None,
            answer: None,
            predicate: false,
            calls: Vec::new(),
            ports: 0,
            instances: 0,
            refused_flows: HashSet::new(),
            is_pattern: false,
            refused_loads: HashSet::new(),
            no_alert_source: false,
            rules_spans: Vec::new(),
            pending_searches: Vec::new(),
            once_spans: Vec::new(),
            refused_target: false,
            service_spans: Vec::new(),
            needs_steady: None,
            is_definition: false,
        }
    }

    /// What the declaration stands for.
    pub(super) fn item(&mut self, item: &'a Item, frame: FrameId) -> Meaning<'a> {
        // A declaration is worked out by itself, wherever it was asked for.
        let flow = self.flow.take();
        let (answer, predicate) = (self.answer.take(), std::mem::take(&mut self.predicate));
        let ambient = std::mem::take(&mut self.ambient);
        let value = match item {
            Item::Use(_) | Item::Allow(_) => Meaning::WRONG,
            Item::Param(param) => self.param(param, frame),
            Item::Built(built) => self.built(built, frame),
            Item::Let(binding) => self.eval(&binding.value, frame),
            Item::Flow(declared) if declared.parameters.is_none() => self.flow(declared, frame, None),
            Item::Ledger(ledger) => self.ledger(ledger, frame),
            Item::System(_) | Item::Flow(_) | Item::Shape(_) | Item::Expectation(_) => Meaning::Definition(item, frame),
            Item::Fault(_) | Item::Scenario(_) | Item::Suite(_) => Meaning::Definition(item, frame),
            Item::Load(_) | Item::SteadyState(_) | Item::Profile(_) | Item::Expect(_) => Meaning::WRONG,
            Item::Abort(_) | Item::Phase(_) | Item::Refused(_) => Meaning::WRONG,
        };
        (self.flow, self.answer, self.predicate, self.ambient) = (flow, answer, predicate, ambient);
        value
    }

    /// A template by itself.
    pub(super) fn definition(mut self, item: &'a Item, frame: FrameId, parameters: &'a [ast::Parameter]) {
        match item {
            Item::System(system) => {
                let inner = self.frame(self.frames[frame].module, Some(frame));
                self.declare_items(inner, &system.items);
                for item in &system.items {
                    if let Some(name) = item.name() {
                        self.own(inner, &name.text, name.span);
                    }
                }
            }
            Item::Flow(flow) => {
                self.flow(flow, frame, None);
            }
            Item::Fault(fault) => {
                self.eval_as(&fault.action, frame, &[Type::Fault]);
            }
            Item::Shape(shape) => self.shape(&shape.stages, frame),
            Item::Expectation(expectation) => {
                let mut conditions = Vec::new();
                self.clauses(&expectation.clauses, frame, &mut conditions);
            }
            Item::Scenario(scenario) if parameters.iter().any(|parameter| parameter.default.is_none()) => {
                self.scenario(scenario, frame);
            }
            _ => {}
        }
    }

    /// A parameter of a file: set from outside, else by the profile, else as written.
    fn param(&mut self, param: &'a ast::Param, frame: FrameId) -> Meaning<'a> {
        let world = self.world;
        let inputs = world.inputs;
        let module = self.frames[frame].module;
        // One without a type has been refused.
        if param.kind.path.is_empty() {
            return Meaning::WRONG;
        }
        let kind = self.type_of(&param.kind, frame);
        let set = inputs.settings.iter().rev().find(|setting| self.sets(&setting.path, module, &param.name.text));
        let profile = inputs.profile.as_ref().and_then(|name| {
            let profiles = inputs.modules[module].ast.items.iter().filter_map(|item| match item {
                Item::Profile(profile) if profile.name.text == *name => Some(profile),
                _ => None,
            });
            profiles.flat_map(|profile| &profile.settings).find(|setting| is_name(&setting.path, &param.name.text))
        });
        let expr = set.or(profile).map(|setting| &setting.value).or(param.value.as_ref());
        let Some(expr) = expr else {
            if self.is_definition {
                return Meaning::Unknown(kind);
            }
            let problem =
                Diagnostic::new(Code::E0307, format!("`{}` has no value", param.name), param.name.span, "needs one");
            self.push(problem.help(format!("give it one with `= …`, in a profile, or with `--set {}=…`", param.name)));
            return Meaning::WRONG;
        };
        let value = self.eval_as(expr, frame, &[kind]);
        if !self.is_definition && !self.out.params.iter().any(|(name, _)| *name == param.name.text) {
            self.out.params.push((param.name.text.clone(), self.text(expr.span)));
        }
        value
    }

    /// Whether `--set PATH=…` means this parameter: its name in the first file, or with a module before it.
    fn sets(&self, path: &ast::Expr, module: usize, name: &str) -> bool {
        match &path.kind {
            ast::ExprKind::Name(_) => module == 0 && is_name(path, name),
            ast::ExprKind::Field { base, field } => {
                let named = |alias: &String, used: &usize| *used == module && is_name(base, alias);
                field.text == name && self.world.aliases.iter().flatten().any(|(alias, used)| named(alias, used))
            }
            _ => false,
        }
    }

    /// What a declared type means; a system of another module has a type of its own.
    pub(super) fn type_of(&mut self, kind: &'a ast::TypeName, frame: FrameId) -> Type {
        if let [name] = kind.path.as_slice()
            && let Some(found) = Type::parse(&name.text)
        {
            return found;
        }
        match self.system_of(kind, frame) {
            Some(_) => Type::System,
            None => Type::Wrong,
        }
    }

    /// The system that a type names, where it names one.
    pub(super) fn system_of(&mut self, kind: &'a ast::TypeName, frame: FrameId) -> Option<(&'a ast::System, FrameId)> {
        let (first, rest) = kind.path.split_first()?;
        let mut value = match self.lookup(frame, &first.text, first.span) {
            Some(value) => value,
            None => self.module_named(frame, &first.text, first.span).map_or(Meaning::WRONG, Meaning::Module),
        };
        for name in rest {
            value = match value {
                Meaning::Module(module) => {
                    let inner = self.module_frame(module);
                    self.own(inner, &name.text, name.span).unwrap_or(Meaning::WRONG)
                }
                _ => Meaning::WRONG,
            };
        }
        if let Meaning::Definition(Item::System(system), home) = value {
            return Some((system, home));
        }
        let shown = kind.path.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(".");
        let problem = Diagnostic::new(Code::E0201, format!("no type is called `{shown}`"), kind.span, "no such type");
        if !self.is_lost(frame) {
            self.push(problem.did_you_mean(kind.span, &shown, Type::written()));
        }
        None
    }

    pub(super) fn module_named(&mut self, frame: FrameId, name: &str, span: Span) -> Option<usize> {
        let module = self.frames[frame].module;
        let found = self.world.aliases[module].iter().position(|(alias, _)| alias == name)?;
        let import = self.world.import(module, name)?;
        self.used.insert(import.span);
        self.refers(span, import.alias.as_ref().map_or(import.span, |alias| alias.span), Type::Module);
        Some(self.world.aliases[module][found].1)
    }

    /// Says it, and where the template was instantiated in which it came up.
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        let diagnostic = self.with_declaration(diagnostic);
        let outermost = self.calls.first().filter(|call| **call != diagnostic.span());
        let inside = |call: &Span| {
            call.file == diagnostic.span().file && call.range().contains(&(diagnostic.span().start as usize))
        };
        let diagnostic = match outermost.filter(|call| !inside(call)) {
            Some(call) => diagnostic.label(*call, "with what is given here"),
            None => diagnostic,
        };
        self.diagnostics.push(diagnostic);
    }

    /// A name of the wrong kind is shown with its declaration, which says of what kind it is.
    fn with_declaration(&self, diagnostic: Diagnostic) -> Diagnostic {
        let used = diagnostic.span();
        if diagnostic.code != Code::E0207 || diagnostic.labels.len() > 1 {
            return diagnostic;
        }
        // The last name of a path is what it means.
        let last = |(at, _): &(&Span, &Span)| at.file == used.file && at.end == used.end && at.start >= used.start;
        match self.declared.iter().find(last) {
            Some((_, declared)) if *declared != used => diagnostic.label(*declared, "declared here"),
            _ => diagnostic,
        }
    }

    /// Something that is planned and that this version does not run.
    pub(super) fn later(&mut self, what: impl Into<String>, span: Span) {
        let what = what.into();
        if !self.out.later.iter().any(|later| later.what == what) {
            // The place in the file that was asked for says more to its reader than one in a library.
            let span = self.calls.first().copied().unwrap_or(span);
            self.out.later.push(Later { what, span });
        }
    }

    /// Whether one more template may be instantiated here.
    pub(super) fn one_more(&mut self, span: Span) -> bool {
        const MOST: usize = 10_000;
        /// A limit over all declarations together, because each may come close to the other limit.
        const ALL: usize = 100_000;
        self.instances += 1;
        let all = self.world.spent.instances.replace(self.world.spent.instances.get() + 1) + 1;
        if self.calls.contains(&span) || self.calls.len() > DEEPEST {
            self.circle_of_templates(span);
            return false;
        }
        if self.instances > MOST || all > ALL {
            // Said once, where it began: wherever it ended is chance.
            let span = self.out.name.span;
            let message = match self.instances > MOST {
                true => "this instantiates more than 10,000 templates",
                false => "up to here more than 100,000 templates are instantiated",
            };
            let problem = Diagnostic::new(Code::E0310, message, span, "too many");
            self.diagnostics
                .push(problem.help("templates that include each other twice and more grow with every level"));
            return false;
        }
        true
    }

    /// Said where the circle is written first, wherever in it the check began, so that it is said once.
    pub(super) fn circle_of_templates(&mut self, span: Span) {
        let start = self.calls.iter().position(|call| *call == span).unwrap_or(0);
        let calls = self.calls.get(start..).unwrap_or_default();
        let span = calls.iter().min_by_key(|call| (call.file, call.start)).copied().unwrap_or(span);
        let problem = Diagnostic::new(Code::E0206, "this template contains itself", span, "again here");
        self.diagnostics.push(problem.help("a template may not go round in a circle; take one of the references out"));
    }

    /// A file next to the source file in which its path is written.
    pub(super) fn content(&mut self, path: &str, from: FileId, kind: FileKind, span: Span) -> Option<&'a Content> {
        let need = FileNeed { from, path: path.to_owned(), kind };
        match self.world.inputs.files.get(&need) {
            Some(Ok(content)) => Some(content),
            Some(Err(why)) => {
                self.push(super::module::cannot_be_used(why, path, span));
                None
            }
            None => {
                let problem =
                    Diagnostic::new(Code::E0208, format!("`{path}` was not looked for"), span, "cannot be used");
                self.push(problem.help("write the path where it is used, as a plain text"));
                None
            }
        }
    }

    /// Something recovers to a steady state, which the scenario must then have.
    pub(super) fn needs_steady_state(&mut self, span: Span) {
        self.needs_steady.get_or_insert(span);
    }

    pub(super) fn line(&self, span: Span) -> usize {
        self.world.sources.line(span)
    }

    /// The text of a span on one line.
    pub(super) fn text(&self, span: Span) -> String {
        let written = self.world.sources.get(span.file).slice(span);
        let mut text = String::with_capacity(written.len());
        for word in written.split_whitespace() {
            text.push_str(if text.is_empty() { "" } else { " " });
            text.push_str(word);
        }
        text
    }

    pub(super) fn out_of_range(&mut self, span: Span, why: &str) {
        self.push(Diagnostic::new(Code::E0310, why, span, "out of range"));
    }
}

impl<'a> World<'a> {
    /// What brings a module in under an alias.
    fn import(&self, module: usize, alias: &str) -> Option<&'a ast::Use> {
        self.inputs.modules[module].ast.items.iter().find_map(|item| match item {
            Item::Use(import) if super::module::alias_of(import).as_deref() == Some(alias) => Some(import),
            _ => None,
        })
    }
}

fn is_name(path: &ast::Expr, name: &str) -> bool {
    matches!(&path.kind, ast::ExprKind::Name(own) if own.text == name)
}
