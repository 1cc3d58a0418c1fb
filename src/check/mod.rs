//! AST → Program: names, types and units. Never fails; a program without errors can be planned. Templates are checked
//! by themselves with arguments of which only the types are known, and worked out with real ones in each scenario.

mod access;
mod address;
mod alert;
mod allow;
mod answer;
mod auth;
mod body;
mod bound;
mod branch;
pub mod builtins;
mod call;
mod channel;
mod clause;
mod command;
mod compare;
mod condition;
mod count;
mod data;
mod database;
mod describe;
mod dns;
mod eval;
mod fault;
mod fit;
mod flow;
mod guess;
pub mod inputs;
mod lints;
mod headers;
mod json_path;
mod lists;
pub mod mend;
mod load;
mod message_end;
mod method;
mod metric;
mod module;
mod operator;
mod parts;
mod population;
mod predicate;
mod proxy;
pub mod program;
mod references;
mod request;
mod retry;
mod scenario;
mod scope;
mod service;
mod session;
mod size;
mod sources;
mod stage;
mod suite;
mod target;
mod http2;
mod terminated;
mod text;
mod tls;
pub mod types;
mod verb;
mod meaning;
mod words;

pub use inputs::Inputs;
pub use operator::{apply as arithmetic, holds, of_whole};
pub use population::all_steps;
pub use predicate::chosen_text;
pub use program::Program;
pub use references::{Reference, References};

use crate::base::{Name, Sources, Span};
use crate::diag::{Code, Diagnostic, Diagnostics, Severity};
use crate::syntax::ast::{self, BuiltKind, ExprKind, Item};
use meaning::Meaning;
use program::Scenario;
use session::{ScenarioChecker, World};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

pub fn check(inputs: &Inputs, sources: &Sources) -> (Program, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let indexes = inputs.modules.iter().map(|module| module::index(module, &mut diagnostics)).collect();
    let aliases = (0..inputs.modules.len()).map(|at| module::aliases(inputs, at, &mut diagnostics)).collect();
    module::circles(inputs, &mut diagnostics);
    let world = World {
        inputs,
        sources,
        indexes,
        aliases,
        spent: size::Spent::default(),
        helped: RefCell::default(),
        references: RefCell::default(),
    };
    let mut checker = Checker { world: &world, diagnostics, used: HashSet::new() };
    checker.settings();
    let mut program = Program::default();
    if let Some(first) = inputs.modules.first() {
        program.doc.clone_from(&first.ast.doc);
    }
    // What a file uses is checked before it, so that a mistake is said where it was made.
    for module in (0..inputs.modules.len()).rev() {
        // Nobody reads more mistakes than these.
        if checker.diagnostics.is_full() {
            break;
        }
        checker.definitions(module);
        let (scenarios, suites) = checker.scenarios(module);
        if module == 0 {
            (program.scenarios, program.suites) = (scenarios, suites);
        } else {
            let name = &sources.get(inputs.modules[module].file).name;
            program.used.extend(scenarios.into_iter().map(|scenario| (name.clone(), scenario)));
        }
        checker.leftovers(module);
    }
    checker.unused();
    let diagnostics = checker.diagnostics;
    program.references = world.references.into_inner();
    (program, diagnostics)
}

/// What `--set` can set of a file: its parameters, those of the files that it uses, and those of its scenarios.
pub fn settable(inputs: &Inputs) -> Vec<String> {
    // What is wrong with a `use` is said by the check.
    let mut said = Diagnostics::default();
    let aliases: Vec<_> = (0..inputs.modules.len()).map(|at| module::aliases(inputs, at, &mut said)).collect();
    match inputs.modules.is_empty() {
        true => Vec::new(),
        false => names_to_set(inputs, &aliases),
    }
}

fn names_to_set(inputs: &Inputs, aliases: &[Vec<(String, usize)>]) -> Vec<String> {
    let params = |module: usize| {
        inputs.modules[module].ast.items.iter().filter_map(|item| match item {
            Item::Param(param) => Some(param.name.text.clone()),
            _ => None,
        })
    };
    let mut known: Vec<String> = params(0).collect();
    for (alias, module) in aliases.iter().flatten() {
        known.extend(params(*module).map(|name| format!("{alias}.{name}")));
    }
    for item in &inputs.modules[0].ast.items {
        if let Item::Scenario(scenario) = item {
            let parameters = scenario.parameters.iter().flatten().filter(|parameter| parameter.default.is_some());
            known.extend(parameters.map(|parameter| format!("{}.{}", scenario.name, parameter.name)));
        }
    }
    known
}

struct Checker<'a, 'w> {
    world: &'w World<'a>,
    diagnostics: Diagnostics,
    used: HashSet<Span>,
}

impl<'a> Checker<'a, '_> {
    /// Profiles and `--set` set what is there to be set.
    fn settings(&mut self) {
        self.settings_are_known();
        let inputs = self.world.inputs;
        for (index, module) in inputs.modules.iter().enumerate() {
            let declared: Vec<&ast::Param> = module
                .ast
                .items
                .iter()
                .filter_map(|item| match item {
                    Item::Param(param) => Some(param),
                    _ => None,
                })
                .collect();
            let params: Vec<&Name> = declared.iter().map(|param| &param.name).collect();
            let mut named: HashMap<&str, Span> = HashMap::new();
            for item in &module.ast.items {
                let Item::Profile(profile) = item else { continue };
                match named.get(profile.name.text.as_str()) {
                    Some(first) => self.diagnostics.push(scope::twice(&profile.name, *first)),
                    None => {
                        named.insert(&profile.name.text, profile.name.span);
                    }
                }
                for setting in &profile.settings {
                    if self.diagnostics.is_full() {
                        return;
                    }
                    self.setting(setting, &declared, index);
                    let known = match &setting.path.kind {
                        ExprKind::Name(name) => params.iter().any(|param| param.text == name.text),
                        ExprKind::Wrong => true,
                        _ => false,
                    };
                    let lost = module.ast.refused;
                    if !known && !lost {
                        let source = self.world.sources.get(setting.path.span.file);
                        let text = source.slice(setting.path.span).trim().to_owned();
                        let problem = Diagnostic::new(
                            Code::E0201,
                            format!("no parameter is called `{text}`"),
                            setting.path.span,
                            "not declared",
                        );
                        let names = params.iter().map(|name| name.text.as_str());
                        self.diagnostics.push(problem.did_you_mean(setting.path.span, &text, names));
                    }
                }
            }
        }
    }

    /// The value of a setting is of the type of its parameter, whether its profile is chosen or not.
    fn setting(&mut self, setting: &'a ast::Setting, params: &[&'a ast::Param], module: usize) {
        let ExprKind::Name(name) = &setting.path.kind else { return };
        let Some(param) = params.iter().find(|param| param.name.text == name.text) else { return };
        let declared = param.name.span;
        let mut own = Diagnostics::default();
        let mut session = self.session(&param.name, &mut own);
        session.is_definition = true;
        let home = session.module_frame(module);
        let kind = session.type_of(&param.kind, home);
        session.refers(name.span, declared, kind);
        session.eval_as(&setting.value, home, &[kind]);
        self.keep(own, module);
    }

    /// `--set NAME=VALUE`, `--set MODULE.NAME=VALUE` and `--set SCENARIO.PARAMETER=VALUE`.
    fn settings_are_known(&mut self) {
        let inputs = self.world.inputs;
        if inputs.modules.iter().any(|module| module.ast.refused) {
            return;
        }
        let known = names_to_set(inputs, &self.world.aliases);
        for setting in &inputs.settings {
            let source = self.world.sources.get(setting.path.span.file);
            let text: String = source.slice(setting.path.span).split_whitespace().collect();
            if !known.contains(&text) {
                let message = format!("no parameter is called `{text}`");
                let problem = Diagnostic::new(Code::E0201, message, setting.path.span, "nothing to set");
                self.diagnostics.push(problem.did_you_mean(setting.path.span, &text, known.iter().map(String::as_str)));
            }
        }
    }

    fn session<'d>(&'d mut self, name: &Name, own: &'d mut Diagnostics) -> ScenarioChecker<'a, 'd> {
        ScenarioChecker::new(self.world, name, own, &mut self.used)
    }

    /// Templates by themselves, whether anybody uses them or not.
    fn definitions(&mut self, module: usize) {
        for item in &self.world.inputs.modules[module].ast.items {
            if self.diagnostics.is_full() {
                break;
            }
            let (Some(parameters), Some(name)) = (item.parameters(), item.name()) else { continue };
            let mut own = Diagnostics::default();
            let mut session = self.session(name, &mut own);
            session.is_definition = true;
            let home = session.module_frame(module);
            let frame = session.parameter_frame(name, parameters, home, None, name.span);
            if let Some(frame) = frame {
                session.definition(item, frame, parameters);
            }
            self.keep(own, module);
        }
    }

    /// Every scenario that can be run as it is.
    fn scenarios(&mut self, module: usize) -> (Vec<Scenario>, Vec<program::Suite>) {
        let (mut scenarios, mut suites) = (Vec::new(), Vec::new());
        let allowed = self.allowed(module);
        for item in &self.world.inputs.modules[module].ast.items {
            if self.diagnostics.is_full() {
                break;
            }
            let mut own = Diagnostics::default();
            let Some(name) = item.name() else { continue };
            match item {
                Item::Scenario(scenario) => {
                    let parameters = scenario.parameters.as_deref().unwrap_or_default();
                    if parameters.iter().any(|parameter| parameter.default.is_none()) {
                        continue;
                    }
                    let mut session = self.session(name, &mut own);
                    let home = session.module_frame(module);
                    let frame = session.parameter_frame(name, parameters, home, Some((&[], home)), name.span);
                    if let Some(frame) = frame {
                        scenarios.push(session.scenario(scenario, frame));
                    }
                }
                Item::Built(built) if built.kind == BuiltKind::Scenario => {
                    let mut session = self.session(name, &mut own);
                    let home = session.module_frame(module);
                    if let Some(Meaning::Definition(Item::Scenario(scenario), frame)) =
                        session.own(home, &name.text, name.span)
                    {
                        session.calls.push(built.constructor.span);
                        let mut made = session.scenario(scenario, frame);
                        made.doc = built.doc.clone().or(made.doc);
                        scenarios.push(made);
                    }
                }
                Item::Suite(suite) => {
                    let session = self.session(name, &mut own);
                    suites.push(session.suite(suite, module));
                }
                _ => continue,
            }
            self.keep(own, module);
        }
        for scenario in &mut scenarios {
            scenario.allowed.clone_from(&allowed.lines);
            scenario.missing.extend_from_slice(&allowed.missing);
        }
        (scenarios, suites)
    }

    /// What no scenario reached is checked all the same.
    fn leftovers(&mut self, module: usize) {
        for item in &self.world.inputs.modules[module].ast.items {
            if self.diagnostics.is_full() {
                break;
            }
            let Some(name) = item.name() else { continue };
            let reached = self.used.contains(&name.span);
            let checked = matches!(item, Item::Scenario(_) | Item::Suite(_) | Item::Profile(_) | Item::Refused(_));
            if reached || checked || item.parameters().is_some() {
                continue;
            }
            let mut own = Diagnostics::default();
            let mut session = self.session(name, &mut own);
            session.is_definition = true;
            let home = session.module_frame(module);
            session.own(home, &name.text, name.span);
            self.used.remove(&name.span);
            self.keep(own, module);
        }
    }

    /// A lint about what another mistake may have caused is noise.
    fn keep(&mut self, own: Diagnostics, module: usize) {
        let wrong = self.world.inputs.modules[module].ast.refused || own.has_errors();
        for diagnostic in own.sorted().into_iter().filter(|d| !wrong || d.severity() == Severity::Error) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Of the file that was asked for: modules and parameters that nobody uses.
    fn unused(&mut self) {
        let Some(module) = self.world.inputs.modules.first() else { return };
        if module.ast.refused || self.diagnostics.has_errors() {
            return;
        }
        for item in &module.ast.items {
            let (what, name, span) = match item {
                Item::Param(param) => ("parameter", param.name.text.clone(), param.name.span),
                Item::Use(import) => match module::alias_of(import) {
                    Some(alias) => ("module", alias, import.span),
                    None => continue,
                },
                _ => continue,
            };
            if !self.used.contains(&span) {
                let problem = Diagnostic::new(Code::W0801, format!("nothing uses the {what} `{name}`"), span, "unused");
                self.diagnostics.push(problem.help("remove it, or put it to use"));
            }
        }
    }
}
