//! Arguments and what takes them: built-in functions, and templates, which are instantiated with them.

use super::bound::{Arguments, Call, Given};
use super::builtins::{Builtin, Par};
use super::inputs::{Content, FileKind};
use super::lists::is_list;
use super::meaning::Meaning;
use super::program::{Expr, Piece, ValueFunction};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::size;
use super::types::Type;
use crate::base::socket::UnixSocket;
use crate::base::{Name, Span};
use crate::diag::{Applicability, Code, Diagnostic};
use crate::syntax::ast::{self, Argument, Item, Parameter};

impl<'a> ScenarioChecker<'a, '_> {
    /// Puts arguments to the parameters of a built-in; with `variadic` the last parameter takes all that is left.
    pub(super) fn arguments(
        &mut self,
        parameters: &'static [Par],
        variadic: bool,
        Call { function, arguments, span, frame }: Call<'a>,
    ) -> Option<Arguments<'a>> {
        let mut bound = Arguments::new(parameters);
        let mut good = true;
        let names: Vec<&str> = parameters.iter().map(|par| par.name).collect();
        for (position, argument) in arguments.iter().enumerate() {
            let Some(place) = self.place(function, argument, position, &names, variadic) else {
                good = false;
                continue;
            };
            self.plain(argument);
            let par = parameters.get(place).or(parameters.last());
            let value = match par {
                Some(par) if !par.words.is_empty() => self.word(par, &argument.value, frame),
                Some(par) if par.kinds.contains(&Type::Text) && !par.kinds.contains(&Type::Service) => {
                    let value = self.eval(&argument.value, frame);
                    match value.kind() {
                        Type::Service => self.service_as_text(function, par.name, &argument.value),
                        _ => self.fit(value, argument.value.span, par.kinds),
                    }
                }
                Some(_) if function.text == "attach" && names_socket(&argument.value) => {
                    self.socket_as_port(&argument.value)
                }
                Some(par) => self.eval_as(&argument.value, frame, par.kinds),
                None => Meaning::WRONG,
            };
            if bound.put(place, (value, &argument.value)).is_some() {
                self.given_twice(function, argument);
                good = false;
            }
        }
        for (par, given) in bound.iter() {
            if par.required && given.is_none() && good {
                let message = format!("`{function}` needs `{}`", par.name);
                let problem = Diagnostic::new(Code::E0306, message, span, "not given");
                let signature =
                    super::builtins::all().find(|b| b.name == function.text && std::ptr::eq(b.parameters, parameters));
                self.push(match signature {
                    Some(builtin) => problem.help(format!("it is `{}`", builtin.signature())),
                    None => problem,
                });
                good = false;
            }
        }
        good.then_some(bound)
    }

    /// One of the words that a parameter may be, as it is or as the text that a name stands for.
    fn word(&mut self, par: &Par, expr: &'a ast::Expr, frame: FrameId) -> Meaning<'a> {
        let listed: Vec<String> = par.words.iter().map(|word| format!("`{word}`")).collect();
        let listed = listed.join(" or ");
        let problem = |span| Diagnostic::new(Code::E0301, format!("`{}` is {listed}", par.name), span, "neither");
        if let ast::ExprKind::Name(name) = &expr.kind {
            if par.words.contains(&name.text.as_str()) {
                return Meaning::Text(name.text.clone(), expr.span.file);
            }
            if self.lookup(frame, &name.text, name.span).is_none() {
                let problem = problem(name.span).did_you_mean(name.span, &name.text, par.words.iter().copied());
                self.push(problem);
                return Meaning::WRONG;
            }
        }
        let value = self.eval_as(expr, frame, &[Type::Text]);
        match &value {
            Meaning::Text(word, _) if !par.words.contains(&word.as_str()) => {
                self.push(problem(expr.span));
                Meaning::WRONG
            }
            Meaning::Run(..) => {
                self.not_constant(expr.span, "this value must be known before the run");
                Meaning::WRONG
            }
            _ => value,
        }
    }

    /// A service where its address or URL is meant.
    fn service_as_text(&mut self, function: &Name, parameter: &str, given: &ast::Expr) -> Meaning<'a> {
        let text = self.text(given.span);
        let problem = Diagnostic::new(Code::E0301, "expected a Text, found a Service", given.span, "a Service");
        let field = match (function.text.as_str(), parameter) {
            ("http", "url") => Some("url"),
            (_, "to" | "address") => Some("address"),
            _ => None,
        };
        self.push(match field {
            Some(field) => problem.fix(
                Applicability::Maybe,
                given.span.after(),
                format!(".{field}"),
                format!("write `{text}.{field}`"),
            ),
            None => problem.help(format!("put its address into a text, such as `\"{function}://{{{text}.address}}\"`")),
        });
        Meaning::WRONG
    }

    /// A Unix socket where the port of a service is meant: by that the processes are found that can be hurt.
    fn socket_as_port(&mut self, given: &ast::Expr) -> Meaning<'a> {
        let message = "a service that runs already is attached to by its port, which a Unix socket has none of";
        let problem = Diagnostic::new(Code::E0301, message, given.span, "a Unix socket");
        self.push(problem.help("a target needs no service: write `target NAME = http(\"unix:/run/app.sock\")`"));
        Meaning::WRONG
    }

    /// At which parameter an argument stands.
    fn place(
        &mut self,
        function: &Name,
        argument: &Argument,
        position: usize,
        names: &[&str],
        variadic: bool,
    ) -> Option<usize> {
        let Some(label) = &argument.label else {
            if position < names.len() || variadic {
                return Some(position);
            }
            let message = match names.len() {
                0 => format!("`{function}` takes no arguments"),
                1 => format!("`{function}` takes at most 1 argument"),
                many => format!("`{function}` takes at most {many} arguments"),
            };
            self.push(Diagnostic::new(Code::E0306, message, argument.value.span, "one too many"));
            return None;
        };
        let place = names.iter().position(|name| *name == label.text);
        if place.is_none() {
            let message = format!("`{function}` has no parameter `{label}`");
            let problem = Diagnostic::new(Code::E0306, message, label.span, "no such parameter");
            let problem = problem.did_you_mean(label.span, &label.text, names.iter().copied());
            let others = names.iter().map(|name| super::guess::instead(label.span, *name));
            self.push(others.fold(problem, Diagnostic::or));
        }
        place
    }

    fn given_twice(&mut self, function: &Name, argument: &Argument) {
        let message = format!("`{function}` is given this argument twice");
        self.push(Diagnostic::new(Code::E0306, message, argument.value.span, "again here"));
    }

    /// `where` and scopes belong to the populations of metrics.
    pub(super) fn plain(&mut self, argument: &Argument) {
        let span = argument.matching.as_ref().map(|m| m.span).or(argument.scopes.first().map(|scope| scope.span));
        if let Some(span) = span {
            self.push(
                Diagnostic::new(Code::E0114, "this belongs to the requests of a metric", span, "not here")
                    .help("write it inside a metric, such as `p95(main where status == 200 during plateau)`"),
            );
        }
    }

    pub(super) fn function(&mut self, builtin: &'static Builtin, call: Call<'a>) -> Meaning<'a> {
        let span = call.span;
        let Some(bound) = self.arguments(builtin.parameters, builtin.variadic, call) else {
            return Meaning::Unknown(match builtin.result {
                Type::Secret => Type::Secret,
                _ => Type::Wrong,
            });
        };
        let values: Vec<&Meaning<'a>> = bound.given().map(|(value, _)| value).collect();
        match builtin.name {
            "env" => return self.env(&bound, span),
            "secret" => return self.secret(&bound, span),
            "file" | "template" => return self.file(builtin.name, &bound, span),
            "port" => {
                self.ports += 1;
                return Meaning::Run(Expr::Port(self.ports - 1), Type::Count);
            }
            "random" => return self.random(&bound),
            "uuid" => return Meaning::Run(Expr::Uuid, Type::Text),
            _ => {}
        }
        let kind = match builtin.result {
            Type::Wrong => values.first().map_or(Type::Wrong, |value| value.kind()),
            kind => kind,
        };
        if values.iter().any(|value| value.is_unknown()) {
            return Meaning::Unknown(kind);
        }
        if let ("exists", Some((value, expr))) = (builtin.name, bound.first())
            && is_list(value)
        {
            self.is_several(expr.span);
            return Meaning::WRONG;
        }
        let secret = values.iter().any(|value| value.kind() == Type::Secret);
        let kind = if secret && kind == Type::Text { Type::Secret } else { kind };
        let Some(function) = ValueFunction::of(builtin.name) else { return Meaning::WRONG };
        let arguments: Option<Vec<Expr>> = values.iter().map(|value| value.expr()).collect();
        match arguments {
            Some(arguments) => Meaning::Run(Expr::Call { function, arguments }, kind),
            None => Meaning::WRONG,
        }
    }

    fn random(&mut self, bound: &Arguments<'a>) -> Meaning<'a> {
        match bound.get("range") {
            Some((Meaning::Range(least, most), expr)) => match (least.number(), most.number()) {
                (Some(least), Some(most)) if least.fract() == 0.0 && most.fract() == 0.0 => {
                    Meaning::Run(Expr::Random { least, most }, Type::Number)
                }
                (Some(_), Some(_)) => {
                    self.out_of_range(expr.span, "`random` takes a range of whole numbers");
                    Meaning::WRONG
                }
                _ => Meaning::Unknown(Type::Number),
            },
            Some((Meaning::Unknown(kind), _)) if *kind != Type::Wrong => Meaning::Unknown(Type::Number),
            _ => Meaning::WRONG,
        }
    }

    /// A text that is known before the run; `None` where it is not, which is said.
    pub(super) fn constant_text(&mut self, given: Option<&Given<'a>>) -> Option<String> {
        match given? {
            (Meaning::Text(text, _), _) => Some(text.clone()),
            (value, expr) if !value.is_unknown() => {
                let problem =
                    Diagnostic::new(Code::E0301, "this text must be known before the run", expr.span, "not a constant");
                self.push(problem.help("write the text itself, or the name of a parameter that is one"));
                None
            }
            _ => None,
        }
    }

    fn env(&mut self, bound: &Arguments<'a>, span: Span) -> Meaning<'a> {
        let Some(name) = self.constant_text(bound.get("name")) else { return Meaning::Unknown(Type::Text) };
        if let Some(value) = self.world.inputs.env.get(&name) {
            return Meaning::Text(value.clone(), span.file);
        }
        match bound.value("default") {
            Some(value) => value.clone(),
            None => {
                // A scenario is checked where its variables are not; it runs only where they are.
                self.out.missing.push((name, span));
                Meaning::Unknown(Type::Text)
            }
        }
    }

    fn secret(&mut self, bound: &Arguments<'a>, span: Span) -> Meaning<'a> {
        let Some(name) = self.constant_text(bound.get("name")) else { return Meaning::Unknown(Type::Secret) };
        let default = self.constant_text(bound.get("default"));
        if !self.out.secrets.contains(&name) {
            self.out.secrets.push(name.clone());
        }
        if let Some(default) = &default {
            self.out.secret_defaults.push((name.clone(), default.clone(), span));
        } else if !self.world.inputs.env.contains_key(&name) {
            self.out.missing.push((name.clone(), span));
        }
        Meaning::Run(Expr::Secret(name), Type::Secret)
    }

    fn file(&mut self, function: &str, bound: &Arguments<'a>, span: Span) -> Meaning<'a> {
        let Some((Meaning::Text(path, from), expr)) = bound.get("path") else { return Meaning::Unknown(Type::Text) };
        let Some(Content::Text(document)) = self.content(path, *from, FileKind::Text, expr.span) else {
            return Meaning::WRONG;
        };
        let text = match &document.text {
            Ok(text) => text,
            Err(why) => {
                let problem = Diagnostic::new(Code::E0208, why.clone(), expr.span, "cannot be used");
                self.push(match function {
                    "file" => {
                        problem.help("as the `body:` of a request and as a part of its `multipart:` any file is sent")
                    }
                    _ => problem,
                });
                return Meaning::WRONG;
            }
        };
        if function == "file" {
            self.is_only_text(bound, span);
            return Meaning::Text(text.clone(), span.file);
        }
        let Some(Meaning::Object(fields)) = bound.value("values") else {
            return Meaning::Text(text.clone(), span.file);
        };
        let mut pieces = vec![Piece::Literal(text.clone())];
        for (name, value) in fields {
            let Some(with) = value.pieces() else {
                self.not_constant(name.span, "this value cannot stand in a text");
                continue;
            };
            let mark = format!("{{{name}}}");
            let marks = pieces.iter().map(|piece| match piece {
                Piece::Literal(text) => text.matches(&mark).count(),
                Piece::Value(_) => 0,
            });
            // Counted before it is made: a file may have many marks.
            let more = size::of_pieces(&with).plus(size::Size { parts: 1, bytes: 0 }).times(marks.sum());
            if !self.may_hold(size::of_pieces(&pieces).plus(more), name.span) {
                return Meaning::WRONG;
            }
            pieces = pieces.into_iter().flat_map(|piece| filled(piece, &mark, &with)).collect();
        }
        Meaning::Run(Expr::Text(pieces), Type::Text)
    }

    /// A template with its arguments: a flow of its own, a system with its names, a scenario for a suite.
    pub(super) fn instantiate(
        &mut self,
        value: &Meaning<'a>,
        Call { arguments, span, frame, .. }: Call<'a>,
    ) -> Meaning<'a> {
        let Meaning::Definition(item, home) = *value else { return Meaning::WRONG };
        let Some(name) = item.name() else { return Meaning::WRONG };
        let parameters = item.parameters().unwrap_or_default();
        let Some(inner) = self.parameter_frame(name, parameters, home, Some((arguments, frame)), span) else {
            return Meaning::WRONG;
        };
        if !self.one_more(span) {
            return Meaning::WRONG;
        }
        self.calls.push(span);
        let saved = (
            self.flow.take(),
            self.answer.take(),
            std::mem::take(&mut self.predicate),
            std::mem::take(&mut self.ambient),
        );
        let result = match item {
            Item::System(system) => self.system(system, inner),
            Item::Flow(flow) => self.flow(flow, inner, Some(span)),
            Item::Fault(fault) => self.broken(fault, inner, span),
            Item::Scenario(_) => Meaning::Definition(item, inner),
            _ => {
                let kind = super::scope::called(Meaning::Definition(item, home).kind());
                let problem = Diagnostic::new(
                    Code::E0207,
                    format!("{} is included, not called", super::words::article(&kind)),
                    span,
                    kind,
                );
                self.push(problem.help(format!("write `include {name}(…)`")));
                Meaning::WRONG
            }
        };
        (self.flow, self.answer, self.predicate, self.ambient) = saved;
        self.calls.pop();
        result
    }

    /// A frame with the parameters of a template: with arguments from `given`, or, without, of their types alone.
    /// Two written quantities side by side, each of the type of the other's parameter: one mistake and not two. Says so,
    /// and at which place.
    fn swapped(
        &mut self,
        parameters: &'a [Parameter],
        places: &[Option<&'a Argument>],
        home: FrameId,
    ) -> Option<usize> {
        let written = |argument: &&Argument| {
            use ast::ExprKind::{Bandwidth, Bytes, Duration, Factor, Percent, Rate, Users};
            let quantity = matches!(
                argument.value.kind,
                Bandwidth(_) | Bytes(_) | Duration(_) | Factor(_) | Percent(_) | Rate(_) | Users(_)
            );
            argument.label.is_none() && quantity
        };
        for first in 0..places.len().saturating_sub(1) {
            let (Some(a), Some(b)) = (places[first].filter(written), places[first + 1].filter(written)) else {
                continue;
            };
            let kinds = [first, first + 1].map(|place| self.type_of(&parameters[place].kind, home));
            let found = [a, b].map(|argument| self.eval(&argument.value, home).kind());
            let fits = |parameter: usize, argument: usize| kinds[parameter].accepts(found[argument]);
            if !fits(0, 0) && !fits(1, 1) && fits(0, 1) && fits(1, 0) {
                let (one, other) = (self.text(a.value.span), self.text(b.value.span));
                let message = format!("`{one}` and `{other}` stand in each other's place");
                let span = a.value.span.to(b.value.span);
                let names = format!("these are `{}` and `{}`", parameters[first].name, parameters[first + 1].name);
                let problem = Diagnostic::new(Code::E0301, message, span, names);
                self.push(problem.fix(
                    Applicability::MachineApplicable,
                    span,
                    format!("{other}, {one}"),
                    format!("write `{other}, {one}`"),
                ));
                return Some(first);
            }
        }
        None
    }

    pub(super) fn parameter_frame(
        &mut self,
        name: &'a Name,
        parameters: &'a [Parameter],
        home: FrameId,
        given: Option<(&'a [Argument], FrameId)>,
        span: Span,
    ) -> Option<FrameId> {
        let inner = self.frame(self.frames[home].module, Some(home));
        let mut places: Vec<Option<&'a Argument>> = parameters.iter().map(|_| None).collect();
        let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name.text.as_str()).collect();
        let mut good = true;
        for (position, argument) in given.map_or(&[][..], |(arguments, _)| arguments).iter().enumerate() {
            self.plain(argument);
            match self.place(name, argument, position, &names, false) {
                Some(place) if places[place].is_some() => {
                    self.given_twice(name, argument);
                    good = false;
                }
                Some(place) => places[place] = Some(argument),
                None => good = false,
            }
        }
        let swapped = self.swapped(parameters, &places, home);
        good &= swapped.is_none();
        for (place, (parameter, argument)) in parameters.iter().zip(places).enumerate() {
            let kind = self.type_of(&parameter.kind, home);
            let value = match (argument, given, &parameter.default) {
                _ if swapped.is_some_and(|first| place == first || place == first + 1) => Meaning::WRONG,
                (Some(argument), Some((_, frame)), _) => {
                    if let Some(label) = &argument.label {
                        self.refers(label.span, parameter.name.span, kind);
                    }
                    let before = self.diagnostics.count();
                    let value = self.eval_as(&argument.value, frame, &[kind]);
                    good &= !value.is_wrong() || self.diagnostics.count() == before;
                    value
                }
                (_, Some(_), Some(default)) => match self.set_from_outside(name, parameter) {
                    Some(value) => self.eval_as(value, inner, &[kind]),
                    None => self.eval_as(default, inner, &[kind]),
                },
                (_, Some(_), None) => {
                    if good {
                        let message = format!("`{name}` needs `{}`", parameter.name);
                        let problem = Diagnostic::new(Code::E0306, message, span, "not given");
                        let wanted = format!("it takes `{}: {kind}`", parameter.name);
                        self.push(problem.label(parameter.name.span, "declared here").help(wanted));
                    }
                    good = false;
                    Meaning::WRONG
                }
                (_, None, default) => {
                    if let Some(default) = default {
                        self.eval_as(default, inner, &[kind]);
                    }
                    self.of_type(kind, &parameter.kind, home)
                }
            };
            self.bind(inner, &parameter.name, value);
        }
        good.then_some(inner)
    }

    /// `--set SCENARIO.PARAMETER=VALUE`
    fn set_from_outside(&self, name: &Name, parameter: &Parameter) -> Option<&'a ast::Expr> {
        let world = self.world;
        let own = world.inputs.modules.first().filter(|module| module.file == name.span.file)?;
        let is_scenario = own.ast.items.iter().any(|item| matches!(item, Item::Scenario(s) if s.name == *name));
        let meant = |path: &ast::Expr| match &path.kind {
            ast::ExprKind::Field { base, field } => {
                field.text == parameter.name.text
                    && matches!(&base.kind, ast::ExprKind::Name(scenario) if scenario.text == name.text)
            }
            _ => false,
        };
        let found = world.inputs.settings.iter().rev().find(|setting| meant(&setting.path));
        found.filter(|_| is_scenario).map(|setting| &setting.value)
    }

    /// A value of which only the type is known.
    fn of_type(&mut self, kind: Type, written: &'a ast::TypeName, home: FrameId) -> Meaning<'a> {
        if kind != Type::System {
            return Meaning::Unknown(kind);
        }
        let Some((system, outside)) = self.system_of(written, home) else { return Meaning::WRONG };
        let parameters = system.parameters.as_deref().unwrap_or_default();
        match self.parameter_frame(&system.name, parameters, outside, None, written.span) {
            Some(inner) => self.system(system, inner),
            None => Meaning::WRONG,
        }
    }

    fn system(&mut self, system: &'a ast::System, inner: FrameId) -> Meaning<'a> {
        let frame = self.frame(self.frames[inner].module, Some(inner));
        self.declare_items(frame, &system.items);
        Meaning::System(frame)
    }
}

/// A text with every `mark` in it replaced.
fn filled(piece: Piece, mark: &str, with: &[Piece]) -> Vec<Piece> {
    let Piece::Literal(text) = piece else { return vec![piece] };
    let mut out = Vec::new();
    for (index, part) in text.split(mark).enumerate() {
        if index > 0 {
            out.extend_from_slice(with);
        }
        out.push(Piece::Literal(part.to_owned()));
    }
    out
}

fn names_socket(expr: &ast::Expr) -> bool {
    matches!(&expr.kind, ast::ExprKind::Text(parts) if matches!(parts.first(), Some(ast::TextPart::Literal(text)) if UnixSocket::is_meant(text)))
}
