//! Declarations and the clauses of a scenario.

use super::{Lower, Lowered, ParsedHead, children};
use crate::base::Name;
use crate::base::elsewhere::snake_case;
use crate::diag::{Applicability, Code, Diagnostic, Fix};
use crate::syntax::ast::*;
use crate::syntax::grammar::{self, Node, Rule};
use crate::syntax::needs;
use crate::syntax::split::Statement;
use crate::syntax::words::{self, Context};

impl Lower<'_> {
    pub fn items(&mut self, statements: &[Statement], context: Context) -> Vec<Item> {
        let mut items = Vec::new();
        self.statements(statements, context, |lower, outcome| {
            items.push(match outcome {
                Lowered::Head(head) => lower.item(&head, context),
                Lowered::Refused(name) => Item::Refused(name),
            });
        });
        items
    }

    fn item(&mut self, head: &ParsedHead<'_>, context: Context) -> Item {
        match head.node.as_rule() {
            Rule::import => self.import(head),
            Rule::param => self.param(head),
            Rule::allow => self.allow(head),
            Rule::profile_head => Item::Profile(self.profile(head)),
            Rule::built => {
                let built = self.built(head);
                match (built.kind, context) {
                    (BuiltKind::Fault, Context::File) => self.fault_of_a_file(&built),
                    _ => Item::Built(built),
                }
            }
            Rule::fault_head => self.fault(head),
            Rule::defined_head => self.defined(head),
            Rule::suite_head => Item::Suite(self.suite(head)),
            Rule::flow_head => Item::Flow(self.flow(head)),
            Rule::ledger_head => Item::Ledger(self.ledger(head)),
            Rule::load_head => Item::Load(self.load(head)),
            Rule::steady_head => Item::SteadyState(self.steady_state(head)),
            Rule::abort => Item::Abort(self.abort(head)),
            Rule::phase_head => Item::Phase(self.phase(head)),
            Rule::binding => {
                self.no_body(head);
                Item::Let(self.binding(&head.node))
            }
            _ => Item::Expect(Expect { clauses: self.expect_clauses(head), span: head.span }),
        }
    }

    fn import(&mut self, head: &ParsedHead<'_>) -> Item {
        self.no_body(head);
        let alias = find(&head.node, Rule::naming).and_then(|part| self.naming(part));
        let from = head.node.clone().into_inner().nth(1).expect("a use says from where");
        let span = self.span(&from);
        let from = match from.as_rule() {
            Rule::path => {
                let words: Vec<&str> = from.as_str().trim().split('.').map(str::trim).collect();
                match words.as_slice() {
                    ["std", name] => UseFrom::Library((*name).to_owned()),
                    _ => {
                        let problem = Diagnostic::new(Code::E0208, "this is no module", span, "not of the library");
                        let problem =
                            problem.help("write `use std.shapes` for the library, `use \"./file.stress\"` for a file");
                        let last = words.last().map_or("", |word| *word);
                        let library = format!("std.{last}");
                        let file = format!("\"./{last}.stress\"");
                        let fix = |text: String| {
                            let help = format!("write `use {text}`");
                            Fix::new(Applicability::Maybe, span, text, help)
                        };
                        self.diagnostics.push(problem.or(fix(library)).or(fix(file)));
                        return Item::Refused(
                            alias.or_else(|| words.last().map(|word| Name { text: (*word).to_owned(), span })),
                        );
                    }
                }
            }
            _ => {
                let text = from.as_str().trim();
                UseFrom::File(text[1..text.len() - 1].to_owned())
            }
        };
        Item::Use(Use { from, alias, span })
    }

    fn param(&mut self, head: &ParsedHead<'_>) -> Item {
        self.no_body(head);
        let name = self.declared(head);
        let kind = self.type_or_refusal(&head.node, &name);
        let value = find(&head.node, Rule::value).map(|value| self.value(value));
        Item::Param(Param { name, kind, value, doc: head.doc.cloned() })
    }

    fn allow(&mut self, head: &ParsedHead<'_>) -> Item {
        self.no_body(head);
        let hosts = head.node.clone().into_inner().filter(|part| part.as_rule() == Rule::expr);
        let hosts = hosts.map(|host| self.expr(host)).collect();
        let at_most = find(&head.node, Rule::budget).and_then(|budget| self.last_expr(budget));
        Item::Allow(Allow { hosts, at_most, span: head.span })
    }

    /// The type of a parameter. One without has an empty path, which means nothing and so is not refused again.
    fn type_or_refusal(&mut self, node: &Node<'_>, name: &Name) -> TypeName {
        if let Some(kind) = find(node, Rule::type_name) {
            return self.type_name(kind);
        }
        let message = format!("the parameter `{name}` has no type");
        let problem = Diagnostic::new(Code::E0100, message, name.span.after(), "a type is missing here");
        let guess = find(node, Rule::value).and_then(|value| type_of_literal(value.as_str().trim()));
        self.diagnostics.push(match guess {
            Some(kind) => problem.fix(
                Applicability::Maybe,
                name.span.after(),
                format!(": {kind}"),
                format!("write `{name}: {kind}`"),
            ),
            None => {
                problem.help(format!("write `{name}: Duration`, or another type such as `Rate`, `Users` or `Text`"))
            }
        });
        TypeName { path: Vec::new(), span: name.span }
    }

    fn profile(&mut self, head: &ParsedHead<'_>) -> Profile {
        let name = self.declared(head);
        let body = self.body(head).unwrap_or_default();
        Profile { name, settings: self.settings(body) }
    }

    /// `name = value`, a line or an entry each.
    pub fn settings(&mut self, body: &[Statement]) -> Vec<Setting> {
        let mut settings = Vec::new();
        self.statements(body, Context::Profile, |lower, outcome| {
            let Lowered::Head(head) = outcome else { return };
            lower.no_body(&head);
            for setting in head.node.into_inner() {
                let mut parts = setting.into_inner();
                let path = lower.path(parts.next().expect("a setting has a name"));
                let mut next = parts.next().expect("a setting has a value");
                if next.as_rule() == Rule::wrong_colon {
                    let span = lower.span(&next);
                    let problem = Diagnostic::new(Code::E0103, "a profile sets with `=`, not `:`", span, "here");
                    lower.diagnostics.push(problem.fix(Applicability::MachineApplicable, span, " =", "write `=`"));
                    next = parts.next().expect("a setting has a value");
                }
                settings.push(Setting { path, value: lower.value(next) });
            }
        });
        settings
    }

    /// The name after the keyword.
    fn declared(&mut self, head: &ParsedHead<'_>) -> Name {
        self.name(&find(&head.node, Rule::name).expect("a declaration has a name"))
    }

    fn built(&mut self, head: &ParsedHead<'_>) -> Built {
        let before = self.needs.len();
        let mut parts = head.node.clone().into_inner();
        let word = parts.next().expect("a declaration has a kind");
        let kind = BuiltKind::ALL.into_iter().find(|kind| kind.word() == word.as_str().trim());
        let kind = kind.expect("the grammar has the words of this table");
        let name = self.name(&parts.next().expect("a declaration has a name"));
        self.equals(&head.node);
        let constructor = parts.find(|part| part.as_rule() == Rule::expr);
        let constructor = self.expr(constructor.expect("a declaration has a constructor"));
        let mut timing = Timing::default();
        for part in parts {
            self.timing(part, &mut timing);
        }
        let options = head.body.map_or(Vec::new(), |body| self.options(&body.statements));
        let built = Built { kind, name, doc: head.doc.cloned(), constructor, options, timing, span: head.span };
        if kind == BuiltKind::Data {
            needs::of_data(&built, &mut self.needs, before);
        }
        built
    }

    /// Outside of a scenario there is no timeline on which it could be in force.
    fn fault_of_a_file(&mut self, built: &Built) -> Item {
        let problem = Diagnostic::new(Code::E0114, "a fault belongs to a scenario", built.name.span, "not here");
        let template = format!("a template of faults has parameters: `fault {}(…) = …`", built.name);
        self.diagnostics.push(problem.help(format!("put it into the scenario that it hurts; {template}")));
        Item::Refused(Some(built.name.clone()))
    }

    /// A template of faults. The place where it is used says when it is in force.
    fn fault(&mut self, head: &ParsedHead<'_>) -> Item {
        self.no_body(head);
        let (name, doc) = (self.declared(head), head.doc.cloned());
        let parameters = self.parameters(&head.node).unwrap_or_default();
        self.equals(&head.node);
        let action = find(&head.node, Rule::expr).expect("a fault breaks something");
        let action = self.expr(action);
        if let Some(timing) = find(&head.node, Rule::timing) {
            let span = self.span(&timing);
            let problem = Diagnostic::new(Code::E0114, "a template says what breaks, not when", span, "not here");
            let used = format!("`fault NAME = {name}(…) {}`", timing.as_str().trim());
            self.diagnostics.push(problem.help(format!("write it where the template is used: {used}")));
        }
        Item::Fault(FaultTemplate { name, doc, parameters, action })
    }

    fn timing(&mut self, node: Node<'_>, timing: &mut Timing) {
        let clause = node.into_inner().next().expect("a timing is a clause");
        let span = self.span(&clause);
        let rule = clause.as_rule();
        let Some(value) = self.last_expr(clause) else { return };
        let place = match rule {
            Rule::at_clause => &mut timing.at,
            Rule::during_clause => &mut timing.during,
            Rule::every_clause => &mut timing.every,
            Rule::at_most_clause => &mut timing.at_most,
            _ => &mut timing.length,
        };
        if let Some(first) = place.replace(value) {
            let problem = Diagnostic::new(Code::E0203, "this is set twice", span, "again here");
            self.diagnostics.push(problem.label(first.span, "first here").help("keep one of them"));
        }
    }

    pub(super) fn options(&mut self, statements: &[Statement]) -> Vec<Entry> {
        let mut entries = Vec::new();
        self.statements(statements, Context::Options, |lower, outcome| {
            let Lowered::Head(head) = outcome else { return };
            lower.no_body(&head);
            let more = lower.entries(head.node);
            lower.put(&mut entries, more);
        });
        entries
    }

    fn type_name(&mut self, node: Node<'_>) -> TypeName {
        let span = self.span(&node);
        let path = node.into_inner().map(|part| self.name(&part)).collect();
        TypeName { path, span }
    }

    /// A label may be any word; a name may not, since it is asked for without its colon.
    fn is_name(&mut self, name: &Name) {
        if words::is_reserved(&name.text) {
            self.refused_names.push(name.text.clone());
            self.diagnostics.push(grammar::no_name(&name.text, name.span));
        } else if name.text.chars().any(|c| c.is_ascii_uppercase()) {
            let small = snake_case(&name.text);
            let problem = Diagnostic::new(Code::E0118, format!("`{name}` has capitals"), name.span, "not a name");
            self.diagnostics.push(problem.fix(
                Applicability::Maybe,
                name.span,
                &small,
                format!("names are written small: `{small}`"),
            ));
        }
    }

    fn parameters(&mut self, node: &Node<'_>) -> Option<Vec<Parameter>> {
        let parameters = find(node, Rule::parameters)?;
        let mut list = Vec::new();
        for parameter in parameters.into_inner() {
            let name = self.name(&find(&parameter, Rule::label).expect("a parameter has a name"));
            self.is_name(&name);
            let kind = self.type_or_refusal(&parameter, &name);
            let default = find(&parameter, Rule::value).map(|value| self.value(value));
            list.push(Parameter { name, kind, default });
        }
        Some(list)
    }

    fn defined(&mut self, head: &ParsedHead<'_>) -> Item {
        let (name, doc) = (self.declared(head), head.doc.cloned());
        let parameters = self.parameters(&head.node);
        let kind = head.node.clone().into_inner().next().expect("a definition has a kind");
        let body = self.body(head);
        match kind.as_str().trim() {
            "system" => {
                let items = body.map_or_else(|| vec![Item::Refused(None)], |body| self.items(body, Context::System));
                Item::System(System { name, doc, parameters, items })
            }
            "shape" => {
                let (options, stages) = self.stages(body, head.span);
                if let Some(option) = options.first() {
                    let span = option.label.span;
                    let problem = Diagnostic::new(Code::E0114, "a shape has no options", span, "not here");
                    self.diagnostics.push(problem.help("put it into the load that includes the shape"));
                }
                Item::Shape(Shape { name, doc, parameters, stages })
            }
            "expectation" => {
                let clauses = body.map_or_else(|| vec![Clause::Refused], |body| self.clauses(body, Context::Expect).0);
                Item::Expectation(Expectation { name, doc, parameters, clauses })
            }
            _ => {
                let items = body.map_or_else(|| vec![Item::Refused(None)], |body| self.items(body, Context::Scenario));
                Item::Scenario(Scenario { name, doc, parameters, items, span: head.span })
            }
        }
    }

    fn flow(&mut self, head: &ParsedHead<'_>) -> Flow {
        let (name, doc) = (self.declared(head), head.doc.cloned());
        let parameters = self.parameters(&head.node);
        let on = find(&head.node, Rule::path).map(|path| self.path(path));
        let steps = self.body_steps(head);
        Flow { name, doc, parameters, on, steps }
    }

    fn phase(&mut self, head: &ParsedHead<'_>) -> Phase {
        let kind = head.node.clone().into_inner().next().expect("a phase has a kind");
        let after = kind.as_str().trim() == "teardown";
        let on = find(&head.node, Rule::path).map(|path| self.path(path));
        Phase { after, on, steps: self.body_steps(head), span: head.span }
    }

    fn ledger(&mut self, head: &ParsedHead<'_>) -> Ledger {
        let (name, doc) = (self.declared(head), head.doc.cloned());
        let on = find(&head.node, Rule::path).map(|path| self.path(path));
        let (mut verify, mut options) = (None, Vec::new());
        let body = self.body(head).unwrap_or_default();
        self.statements(body, Context::Ledger, |lower, outcome| {
            let Lowered::Head(head) = outcome else { return };
            if head.node.as_rule() == Rule::entries {
                lower.no_body(&head);
                let more = lower.entries(head.node);
                return lower.put(&mut options, more);
            }
            let [_, key] = children(head.node.clone());
            let key = lower.name(&key);
            if verify.is_some() {
                let problem = Diagnostic::new(Code::E0203, "a ledger has one `verify`", head.span, "another one");
                lower.diagnostics.push(problem.help("keep one of them"));
            }
            verify = Some(Verify { key, steps: lower.body_steps(&head), span: head.span });
        });
        Ledger { name, doc, on, options, verify, span: head.span }
    }

    fn suite(&mut self, head: &ParsedHead<'_>) -> Suite {
        let mut suite = Suite {
            name: self.declared(head),
            doc: head.doc.cloned(),
            areas: Vec::new(),
            ready: None,
            strict: false,
            span: head.span,
        };
        let body = self.body(head).unwrap_or_default();
        self.statements(body, Context::Suite, |lower, outcome| {
            let Lowered::Head(head) = outcome else { return };
            lower.no_body(&head);
            if head.node.as_rule() == Rule::ready {
                if suite.ready.is_some() {
                    let problem =
                        Diagnostic::new(Code::E0203, "a suite has one `ready when`", head.span, "another one");
                    lower.diagnostics.push(problem.help("join them with `and`"));
                }
                suite.ready = lower.last_expr(head.node.clone());
                return;
            }
            if head.node.as_rule() == Rule::strict {
                suite.strict = true;
                return;
            }
            let mut area = Area { name: lower.declared(&head), weight: None, scenarios: Vec::new() };
            for part in head.node.clone().into_inner() {
                match part.as_rule() {
                    Rule::expr => area.weight = Some(lower.expr(part)),
                    Rule::path => area.scenarios.push(lower.path(part)),
                    Rule::wrong_equals => {
                        let span = lower.span(&part);
                        let problem = Diagnostic::new(Code::E0103, "an area lists with `:`, not `=`", span, "here");
                        lower.diagnostics.push(problem.fix(Applicability::MachineApplicable, span, ":", "write `:`"));
                    }
                    _ => {}
                }
            }
            suite.areas.push(area);
        });
        suite
    }

    pub(super) fn binding(&mut self, node: &Node<'_>) -> Let {
        self.equals(node);
        let name = find(node, Rule::name).expect("a binding has a name");
        let value = find(node, Rule::value).expect("a binding has a value");
        Let { name: self.name(&name), value: self.value(value) }
    }
}

/// The type of a value that a person can tell by its looks.
pub fn type_of_literal(text: &str) -> Option<&'static str> {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '_' | ' '));
    Some(match unit {
        _ if text.starts_with(['"', '\'']) => "Text",
        "true" | "false" if !digits => "Bool",
        _ if !digits => return None,
        "" | "k" | "M" => "Number",
        "users" | "user" => "Users",
        "%" => "Percent",
        "x" => "Factor",
        "/s" | "/min" | "/h" | "/d" => "Rate",
        "B" | "kB" | "KiB" | "MB" | "MiB" | "GB" | "GiB" => "Bytes",
        "us" | "ms" | "s" | "m" | "h" | "d" => "Duration",
        _ => return None,
    })
}

/// The first child of a kind.
pub(super) fn find<'n>(node: &Node<'n>, rule: Rule) -> Option<Node<'n>> {
    node.clone().into_inner().find(|part| part.as_rule() == rule)
}
