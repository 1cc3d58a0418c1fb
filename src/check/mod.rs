//! AST → Program: names, types and units. Never fails; a program without errors can be planned.

pub mod builtins;
mod constant;
mod expect;
mod flow;
mod load;
mod parts;
mod population;
pub mod program;
pub mod types;
mod value;

pub use constant::apply as arithmetic;
pub use program::Program;

use crate::base::{Name, Source, Span};
use crate::diag::{Code, Diagnostic, Diagnostics, Severity};
use crate::syntax::ast::{self, Item};
use program::{Flow, Load, Scenario, Service, Target};
use std::collections::HashMap;
use types::Type;

pub fn check(file: &ast::File, source: &Source) -> (Program, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let shared: Vec<&Item> = file.items.iter().filter(|item| !matches!(item, Item::Scenario(_))).collect();
    let mut seen: HashMap<&str, Span> = HashMap::new();
    let mut scenarios = Vec::new();
    for item in &file.items {
        let Item::Scenario(scenario) = item else { continue };
        if let Some(first) = seen.insert(&scenario.name.text, scenario.name.span) {
            diagnostics.push(twice(&scenario.name, first));
        }
        let mut own = Diagnostics::default();
        scenarios.push(Checker::new(source, &mut own).scenario(scenario, &shared));
        // A lint about what another mistake may have caused is noise.
        let wrong = file.refused || own.has_errors();
        for diagnostic in own.sorted().into_iter().filter(|d| !wrong || d.severity() == Severity::Error) {
            diagnostics.push(diagnostic);
        }
    }
    if scenarios.is_empty() {
        // What no scenario uses is checked all the same.
        Checker::new(source, &mut diagnostics).declare_all(&shared);
    }
    (Program { doc: file.doc.clone(), scenarios }, diagnostics)
}

/// What a name stands for: its kind and its place in the list of that kind.
#[derive(Debug, Clone, Copy)]
struct Declared {
    kind: Type,
    index: usize,
    span: Span,
}

struct Checker<'a> {
    source: &'a Source,
    diagnostics: &'a mut Diagnostics,
    names: HashMap<String, Declared>,
    /// In the order of the text, so that lists for people are stable.
    order: Vec<String>,
    services: Vec<Service>,
    targets: Vec<Target>,
    flows: Vec<Flow>,
    loads: Vec<Load>,
    used: Vec<(Type, usize)>,
    /// Something that was refused may have declared what cannot be found, so nothing is said to be missing.
    lost: bool,
}

impl<'a> Checker<'a> {
    fn new(source: &'a Source, diagnostics: &'a mut Diagnostics) -> Checker<'a> {
        Checker {
            source,
            diagnostics,
            names: HashMap::new(),
            order: Vec::new(),
            services: Vec::new(),
            targets: Vec::new(),
            flows: Vec::new(),
            loads: Vec::new(),
            used: Vec::new(),
            lost: false,
        }
    }

    fn scenario(&mut self, scenario: &ast::Scenario, shared: &[&Item]) -> Scenario {
        let own: Vec<&Item> = scenario.items.iter().collect();
        self.declare_all(shared);
        self.declare_all(&own);
        for item in &own {
            if let Item::Load(load) = item {
                self.load(load);
            }
        }
        let mut expectations = Vec::new();
        for item in &own {
            if let Item::Expect(expect) = item {
                expectations.extend(expect.conditions.iter().filter_map(|condition| self.expectation(condition)));
            }
        }
        let has_load = own.iter().any(|item| matches!(item, Item::Load(_)));
        if !has_load && !self.lost {
            let problem = Diagnostic::new(
                Code::E0412,
                "this scenario has no load, so it would do nothing",
                scenario.name.span,
                "no `load` in it",
            );
            self.diagnostics.push(problem.help("add a load, such as `load main of FLOW { hold 10/s for 10s }`"));
        }
        self.unused(&own);
        Scenario {
            name: scenario.name.clone(),
            doc: scenario.doc.clone(),
            services: std::mem::take(&mut self.services),
            targets: std::mem::take(&mut self.targets),
            flows: std::mem::take(&mut self.flows),
            loads: std::mem::take(&mut self.loads),
            expectations,
        }
    }

    /// Services before targets before flows, whatever the order of the text: declarations are unordered.
    fn declare_all(&mut self, items: &[&Item]) {
        for item in items {
            if let Item::Refused(name) = item {
                self.lost = true;
                name.iter().for_each(|name| self.declare(name, Type::Wrong, 0));
            }
        }
        for kind in [ast::BuiltKind::Service, ast::BuiltKind::Target] {
            for item in items {
                if let Item::Built(built) = item
                    && built.kind == kind
                {
                    self.built(built);
                }
            }
        }
        for item in items {
            if let Item::Flow(flow) = item {
                self.flow(flow);
            }
        }
    }

    fn declare(&mut self, name: &Name, kind: Type, index: usize) {
        if builtins::find(&name.text).is_some() && kind == Type::Flow {
            let problem = Diagnostic::new(Code::E0204, format!("`{name}` is a built-in function"), name.span, "taken");
            self.diagnostics.push(problem.fix(name.span, format!("{name}_flow"), format!("call it `{name}_flow`")));
        }
        match self.names.get(&name.text) {
            Some(first) if first.kind == Type::Wrong => {}
            Some(first) => self.diagnostics.push(twice(name, first.span)),
            None => {
                self.names.insert(name.text.clone(), Declared { kind, index, span: name.span });
                self.order.push(name.text.clone());
            }
        }
    }

    /// The names of a kind, for suggestions.
    fn known(&self, kind: Type) -> Vec<String> {
        self.order.iter().filter(|name| self.names[*name].kind == kind).cloned().collect()
    }

    /// The declaration that a plain name means, of the kind that is due.
    fn lookup(&mut self, expr: &ast::Expr, kind: Type) -> Option<usize> {
        if matches!(expr.kind, ast::ExprKind::Wrong) {
            return None;
        }
        let ast::ExprKind::Name(name) = &expr.kind else {
            let problem = Diagnostic::new(
                Code::E0207,
                format!("{} is needed here", capital(&kind.a())),
                expr.span,
                "not the name of one",
            );
            self.diagnostics.push(problem);
            return None;
        };
        let known = self.known(kind);
        match self.names.get(&name.text).copied() {
            Some(declared) if declared.kind == kind => {
                self.used.push((kind, declared.index));
                Some(declared.index)
            }
            Some(declared) if declared.kind == Type::Wrong => None,
            Some(declared) => {
                let message = format!("`{name}` is {}, and {} is needed here", declared.kind.a(), kind.a());
                let problem = Diagnostic::new(Code::E0207, message, name.span, declared.kind.a())
                    .label(declared.span, "declared here");
                self.diagnostics.push(problem.did_you_mean(name.span, &name.text, known.iter().map(String::as_str)));
                None
            }
            None => {
                let problem = Diagnostic::new(
                    Code::E0201,
                    format!("no {} is called `{name}`", kind.name().to_lowercase()),
                    name.span,
                    "not declared",
                );
                self.diagnostics.push(problem.did_you_mean(name.span, &name.text, known.iter().map(String::as_str)));
                None
            }
        }
    }

    fn unused(&mut self, own: &[&Item]) {
        for item in own {
            let (name, what) = match item {
                Item::Flow(flow) => (&flow.name, "flow"),
                Item::Built(built) if built.kind == ast::BuiltKind::Target => (&built.name, "target"),
                Item::Built(built) => (&built.name, "service"),
                Item::Scenario(_) | Item::Load(_) | Item::Expect(_) | Item::Refused(_) => continue,
            };
            let Some(declared) = self.names.get(&name.text) else { continue };
            if !self.used.iter().any(|(kind, index)| *kind == declared.kind && *index == declared.index) {
                let problem =
                    Diagnostic::new(Code::W0801, format!("nothing uses the {what} `{name}`"), name.span, "unused");
                self.diagnostics.push(problem.help("remove it, or put it to use"));
            }
        }
    }

    fn line(&self, span: Span) -> usize {
        self.source.position(span.start as usize).0
    }

    /// The text of a span on one line.
    fn text(&self, span: Span) -> String {
        self.source.slice(span).split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

fn twice(name: &Name, first: Span) -> Diagnostic {
    Diagnostic::new(Code::E0203, format!("`{name}` is declared twice"), name.span, "again here")
        .label(first, "first here")
        .help("give one of them another name")
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// Expected one type, found another: with the fix where a bare number only lacks its unit.
fn mismatch(expected: Type, found: Type, span: Span, text: &str) -> Diagnostic {
    let code = if expected == Type::Percent && found == Type::Number { Code::E0302 } else { Code::E0301 };
    let message = match code {
        Code::E0302 => format!("a Percent is needed here, and `{text}` is a Number"),
        _ => format!("expected {}, found {}", expected.a(), found.a()),
    };
    // Below one a share was meant, from one on a percentage.
    let share = text.parse::<f64>().ok().filter(|share| code == Code::E0302 && *share < 1.0);
    let guess = match share {
        Some(share) => Some(format!("{}%", (share * 1e8).round() / 1e6)),
        None => (found == Type::Number).then(|| expected.guess(text)).flatten(),
    };
    let label = match (code, guess.is_some()) {
        (Code::E0302, _) => format!("{text} would mean {}", crate::base::units::percent(text.parse().unwrap_or(1.0))),
        (_, true) => format!("{text} what?"),
        (_, false) => found.a(),
    };
    let diagnostic = Diagnostic::new(code, message, span, label);
    let unquoted = (found == Type::Text && expected != Type::Text).then(|| text.trim_matches(['"', '\'']));
    match (guess, unquoted) {
        (Some(guess), _) => diagnostic.fix(span, &guess, format!("did you mean `{guess}`?")),
        (None, Some(bare)) if bare.starts_with(|c: char| c.is_ascii_digit()) => {
            diagnostic.fix(span, bare, format!("write `{bare}` without quotes"))
        }
        (None, _) => diagnostic,
    }
}
