//! The parts of a scenario that are built: services, links, targets, data, limits, monitors, sources of alerts.

use super::auth::Credentials;
use super::bound::{Arguments, Call};
use super::builtins::{self, Builtin, BuiltinKind, options_of};
use super::inputs::{Content, FileKind, PrometheusFile, RuleProblem, RulesFile};
use super::meaning::Meaning;
use super::program::{
    AlertFacts, AlertSource, AlertSourceKind, Expr, Limit, LimitKind, Link, Monitor, MonitorKind, Piece,
};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use super::words::article;
use crate::base::Span;
use crate::base::socket::UnixSocket;
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, BuiltKind, Entry, ExprKind};

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn built(&mut self, built: &'a ast::Built, frame: FrameId) -> Meaning<'a> {
        let timing = &built.timing;
        let clause =
            [&timing.at, &timing.during, &timing.every, &timing.length, &timing.at_most].into_iter().flatten().next();
        if let (Some(clause), false) = (clause, matches!(built.kind, BuiltKind::Fault | BuiltKind::Event)) {
            let message = format!("{} has no time of its own", article(built.kind.word()));
            self.push(
                Diagnostic::new(Code::E0114, message, clause.span, "not here").help("faults and events have one"),
            );
        }
        let kind = match built.kind {
            BuiltKind::Service => BuiltinKind::Service,
            BuiltKind::Link => BuiltinKind::Link,
            BuiltKind::Target => BuiltinKind::Target,
            BuiltKind::Data => BuiltinKind::Data,
            BuiltKind::Limiter => BuiltinKind::Limiter,
            BuiltKind::Semaphore => BuiltinKind::Semaphore,
            BuiltKind::Monitor => BuiltinKind::Monitor,
            BuiltKind::Alerts => BuiltinKind::Alerts,
            BuiltKind::System | BuiltKind::Flow | BuiltKind::Scenario => return self.named_instance(built, frame),
            // Their places are given when the scenario is opened.
            BuiltKind::Fault | BuiltKind::Event => return Meaning::WRONG,
        };
        let call = match &built.constructor.kind {
            ExprKind::Call { function, arguments } => Some((function, arguments.as_slice())),
            ExprKind::Wrong => None,
            _ => {
                let problem =
                    Diagnostic::new(Code::E0307, "a constructor is needed here", built.constructor.span, "not a call");
                let names: Vec<&str> = builtins::names(kind).collect();
                let problem = problem.help(listed("write one of", names.iter().copied()));
                let built = self.built_of(&built.constructor, &names);
                self.push(built.into_iter().fold(problem, Diagnostic::or));
                None
            }
        };
        let builtin = call.and_then(|(function, _)| {
            let found = builtins::of_kind(kind, &function.text);
            if found.is_none() {
                let message = format!("`{function}` builds no {}", built.kind.word());
                let problem = Diagnostic::new(Code::E0201, message, function.span, "no such constructor");
                self.push(problem.did_you_mean(function.span, &function.text, builtins::names(kind)));
            }
            found
        });
        let bound = match (call, builtin) {
            (Some((function, arguments)), Some(builtin)) => {
                let call = Call { function, arguments, span: built.constructor.span, frame };
                self.arguments(builtin.parameters, builtin.variadic, call)
            }
            _ => None,
        };
        let name = format!("{}{}", self.path_of(frame), built.name);
        match (built.kind, builtin, bound) {
            (BuiltKind::Service, Some(builtin), Some(bound)) => self.service(name, built, builtin, &bound, frame),
            (BuiltKind::Link, Some(builtin), Some(bound)) => self.link(name, builtin, &bound, built),
            (BuiltKind::Target, Some(builtin), Some(bound)) => self.target(name, built, builtin, &bound, frame),
            (BuiltKind::Data, Some(builtin), Some(bound)) => self.data(name, built, builtin, &bound, frame),
            (BuiltKind::Limiter | BuiltKind::Semaphore, Some(_), Some(bound)) => self.limit(name, built, &bound),
            (BuiltKind::Monitor, Some(builtin), Some(bound)) => {
                let address = self.page_address(bound.first(), false);
                let built_by = |kind: &MonitorKind| kind.name() == builtin.name;
                let Some(kind) = MonitorKind::ALL.into_iter().find(built_by) else { return Meaning::WRONG };
                self.out.monitors.push(Monitor { name, kind, address });
                Meaning::Part(Type::Monitor, self.out.monitors.len() - 1)
            }
            (BuiltKind::Alerts, Some(builtin), Some(bound)) => self.alerts(name, built, builtin, &bound, frame),
            // The options are read all the same, for what is wrong in them.
            _ => {
                for entry in &built.options {
                    self.known_option(entry, built.kind.word());
                }
                match built.kind {
                    BuiltKind::Target => {
                        self.refused_target = true;
                        Meaning::WRONG
                    }
                    _ => Meaning::WRONG,
                }
            }
        }
    }

    /// `system sut = shop.storefront()`: the instance under a name.
    fn named_instance(&mut self, built: &'a ast::Built, frame: FrameId) -> Meaning<'a> {
        let wanted = match built.kind {
            BuiltKind::System => Type::System,
            BuiltKind::Flow => Type::Flow,
            _ => Type::Scenario,
        };
        if let Some(option) = built.options.first() {
            self.unknown_option(option, built.kind.word());
        }
        // The parts of a system are made when they are asked for, so that only their names tell how deep it goes.
        if wanted == Type::System && self.path_of(frame).matches('.').count() > super::session::DEEPEST {
            self.circle_of_templates(built.constructor.span);
            return Meaning::WRONG;
        }
        let before = self.diagnostics.count();
        let value = self.eval(&built.constructor, frame);
        match (value, wanted) {
            (Meaning::System(inner), Type::System) => {
                let path = format!("{}{}.", self.path_of(frame), built.name);
                self.frames[inner].path = path;
                Meaning::System(inner)
            }
            (Meaning::Samples(population, unit, Type::Flow), Type::Flow) => {
                if let Some(flow) = population.flow.and_then(|flow| self.out.flows.get_mut(flow)) {
                    flow.name.clone_from(&built.name.text);
                }
                Meaning::Samples(population, unit, Type::Flow)
            }
            (value @ Meaning::Definition(ast::Item::Scenario(_), _), Type::Scenario) => value,
            (Meaning::Unknown(kind), _) if kind == wanted => Meaning::Unknown(kind),
            (Meaning::Unknown(Type::Wrong), _) if self.diagnostics.count() > before || self.is_lost(frame) => {
                Meaning::WRONG
            }
            (Meaning::Unknown(Type::Wrong), _) => Meaning::WRONG,
            (other, _) => {
                let message = format!("{} is needed here, and this is {}", wanted.a(), other.kind().a());
                self.push(Diagnostic::new(Code::E0207, message, built.constructor.span, other.kind().a()));
                Meaning::WRONG
            }
        }
    }

    /// The names of the systems around a frame, each with a dot.
    fn path_of(&self, frame: FrameId) -> String {
        let mut at = Some(frame);
        while let Some(id) = at {
            if !self.frames[id].path.is_empty() {
                return self.frames[id].path.clone();
            }
            at = self.frames[id].parent;
        }
        String::new()
    }

    fn link(&mut self, name: String, builtin: &Builtin, bound: &Arguments<'a>, built: &'a ast::Built) -> Meaning<'a> {
        let http = builtin.name == "http";
        let mut terminates = false;
        for option in &built.options {
            match option.label.text.as_str() {
                "tls" => terminates = self.terminates(option, http),
                _ => self.unknown_option(option, "link"),
            }
        }
        let given = bound.get("to");
        let to = given.and_then(|(value, _)| value.pieces()).unwrap_or_default();
        let span = given.map_or(built.constructor.span, |(_, expr)| expr.span);
        let is_known = |piece: &Piece| match piece {
            Piece::Literal(_) | Piece::Value(Expr::Port(_)) => true,
            Piece::Value(Expr::Part { field, .. }) => matches!(field.as_str(), "address" | "host" | "port"),
            Piece::Value(_) => false,
        };
        match to.as_slice() {
            [Piece::Literal(text), ..] if UnixSocket::is_meant(text) => {
                let message = "a link leads over the network, and none is on the way to a Unix socket";
                let problem = Diagnostic::new(Code::E0310, message, span, "not `host:port`");
                self.push(problem.help("let the server listen at a port too, and write `127.0.0.1:8080`"));
            }
            [Piece::Literal(text)] if !is_address(text) => {
                let message = format!("`{text}` is not an address");
                let problem = Diagnostic::new(Code::E0310, message, span, "not `host:port`");
                self.push(problem.help("write host and port without a scheme or a path: `127.0.0.1:8080`"));
            }
            pieces if !pieces.iter().all(is_known) => self.later("an address that is known late", span),
            _ => {}
        }
        self.out.links.push(Link { name, http, to, terminates, before: None });
        Meaning::Part(Type::Link, self.out.links.len() - 1)
    }

    fn limit(&mut self, name: String, built: &'a ast::Built, bound: &Arguments<'a>) -> Meaning<'a> {
        for option in &built.options {
            self.unknown_option(option, built.kind.word());
        }
        let value = bound.first().and_then(|(value, _)| value.number()).unwrap_or(1.0);
        if value <= 0.0 {
            self.out_of_range(built.constructor.span, "a limit must be greater than 0");
        }
        let (kind, of) = match built.kind {
            BuiltKind::Limiter => (LimitKind::Rate(value), Type::Limiter),
            _ => (LimitKind::Slots(value as u64), Type::Semaphore),
        };
        self.out.limits.push(Limit { name, kind });
        Meaning::Part(of, self.out.limits.len() - 1)
    }

    fn alerts(
        &mut self,
        name: String,
        built: &'a ast::Built,
        builtin: &Builtin,
        bound: &Arguments<'a>,
        frame: FrameId,
    ) -> Meaning<'a> {
        let address = bound.first().and_then(|(value, _)| value.pieces()).unwrap_or_default();
        let built_by = |kind: &AlertSourceKind| kind.name() == builtin.name;
        let Some(kind) = AlertSourceKind::ALL.into_iter().find(built_by) else { return Meaning::WRONG };
        let mut source = AlertSource {
            name,
            kind,
            address,
            receiver: None,
            prometheus: None,
            headers: Vec::new(),
            rules: None,
            facts: AlertFacts::default(),
        };
        let (mut named, mut configured) = (None, None);
        for entry in &built.options {
            if let Some(why) = kind.has_no_use_for(&entry.label.text) {
                let label = &entry.label;
                let problem =
                    Diagnostic::new(Code::E0205, format!("`{}` takes no `{label}`", kind.name()), label.span, why);
                self.push(problem.help("remove the option"));
                continue;
            }
            if entry.label.text == "auth" {
                source.headers = self.auth(entry, frame).map(Credentials::into_header).into_iter().collect();
                continue;
            }
            let Some(value) = self.option(entry, "alerts", frame) else { continue };
            let span = entry.value.span;
            match (entry.label.text.as_str(), &value) {
                ("rules", Meaning::Text(path, from)) => {
                    if let Some(Content::Rules(rules)) = self.content(path, *from, FileKind::Rules, span) {
                        self.rules_of_a_source(&mut source.facts, rules, path, span);
                    }
                    source.rules = Some(path.clone());
                    named = Some(span);
                }
                ("config", Meaning::Text(path, from)) => {
                    if let Some(Content::Prometheus(own)) = self.content(path, *from, FileKind::Prometheus, span) {
                        configured = Some((own, path.clone(), span));
                    }
                }
                ("receiver", value) => source.receiver = value.pieces(),
                ("prometheus", value) => source.prometheus = value.pieces(),
                ("scrape", value) => source.facts.scrape = value.number().map(|ns| ns as u64),
                ("evaluation", value) => source.facts.evaluation = value.number().map(|ns| ns as u64),
                ("grouping", value) => source.facts.grouping = value.number().unwrap_or(0.0) as u64,
                _ => {}
            }
        }
        if let Some((configuration, path, span)) = configured {
            self.configured(&mut source, configuration, &path, (span, &mut named));
        }
        self.out.alert_sources.push(source);
        self.rules_spans.push(named);
        Meaning::Part(Type::Alerts, self.out.alert_sources.len() - 1)
    }

    /// What a configuration says, unless the source says it itself.
    fn configured(
        &mut self,
        source: &mut AlertSource,
        configuration: &PrometheusFile,
        path: &str,
        (span, named): (Span, &mut Option<Span>),
    ) {
        let facts = &mut source.facts;
        facts.scrape.get_or_insert(configuration.scrape);
        facts.evaluation.get_or_insert(configuration.evaluation);
        facts.relabels = configuration.relabels;
        if named.is_some() || configuration.rules.is_empty() {
            return;
        }
        for (shown, rules) in &configuration.rules {
            match rules {
                Ok(rules) => self.rules_of_a_source(facts, rules, shown, span),
                Err(why) => self.push(super::module::cannot_be_used(why, shown, span)),
            }
        }
        source.rules = Some(path.to_owned());
        *named = Some(span);
    }

    fn rules_of_a_source(&mut self, facts: &mut AlertFacts, file: &RulesFile, path: &str, span: Span) {
        facts.rules.get_or_insert_default().extend(file.rules.iter().cloned());
        facts.recorded.extend(file.recorded.iter().cloned());
        self.refused_rules(&file.problems, path, span);
    }

    /// What Prometheus would refuse of a rules file.
    pub(super) fn refused_rules(&mut self, problems: &[RuleProblem], path: &str, span: Span) {
        let [first, rest @ ..] = problems else { return };
        let message = format!("line {} of `{path}`: {}", first.line, first.what);
        let problem = Diagnostic::new(Code::E0415, message, span, "Prometheus refuses this file");
        let mut others: Vec<String> =
            rest.iter().take(3).map(|other| format!("line {}: {}", other.line, other.what)).collect();
        if let more @ 1.. = rest.len().saturating_sub(3) {
            others.push(format!("and {more} more"));
        }
        let problem = if others.is_empty() { problem } else { problem.help(format!("also {}", others.join("; "))) };
        self.push(problem);
    }

    /// The value of an option; `None` where it is refused.
    pub(super) fn option(&mut self, entry: &'a Entry, of: &str, frame: FrameId) -> Option<Meaning<'a>> {
        if !self.known_option(entry, of) {
            self.eval(&entry.value, frame);
            return None;
        }
        let option = options_of(of).find(|option| option.name == entry.label.text)?;
        let value = self.eval_as(&entry.value, frame, option.kinds);
        if value.number().is_some_and(|number| number < 0.0) {
            self.out_of_range(entry.value.span, "must not be negative");
            return None;
        }
        (!value.is_wrong()).then_some(value)
    }

    fn known_option(&mut self, entry: &'a Entry, of: &str) -> bool {
        let known = options_of(of).any(|option| option.name == entry.label.text);
        if !known {
            self.unknown_option(entry, of);
        }
        known
    }

    pub(super) fn unknown_option(&mut self, entry: &'a Entry, of: &str) {
        let label = &entry.label;
        let problem =
            Diagnostic::new(Code::E0205, format!("there is no option `{label}` here"), label.span, "no such option");
        self.push(match super::words::stage_of_elsewhere(&label.text).filter(|_| of == "load") {
            Some(help) => problem.help(help),
            None => problem.did_you_mean(label.span, &label.text, options_of(of).map(|option| option.name)),
        });
    }
}

pub(super) fn listed<'n>(lead: &str, names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}(…)`")).collect();
    format!("{lead} {}", names.join(", "))
}

/// `host:port`
fn is_address(text: &str) -> bool {
    let (host, port) = text.rsplit_once(':').unwrap_or_default();
    !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok_and(|port| port > 0)
}
