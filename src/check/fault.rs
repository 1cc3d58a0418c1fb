//! Faults and events: what breaks or happens, where, and when.

use super::bound::{Arguments, Call};
use super::builtins::{self, Allowed, Builtin, FaultArguments};
use super::meaning::Meaning;
use super::program::{
    Action, Element, Event, Injection, LinkDirection, LinkFault, NetworkRoute, Protocol, ServiceFault, ServiceKind,
    When, Window,
};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::{Name, Span};
use crate::diag::{Applicability, Code, Diagnostic};
use crate::syntax::ast::{self, ExprKind};

impl When {
    /// How long it lasts, where that is written.
    pub fn length(&self) -> Option<u64> {
        match self {
            When::At { length, .. } | When::During { length, .. } => *length,
        }
    }
}

/// Why a fault is refused of a service that the run has not started, and what to do instead.
fn needs_a_start(fault: ServiceFault) -> Option<(&'static str, &'static str)> {
    match fault {
        ServiceFault::Kill | ServiceFault::Restart => Some((
            "a service that runs already is not ours to start again",
            "start it for the run with `process(…)`, or pause it",
        )),
        ServiceFault::LimitMemory { .. } => Some((
            "memory is limited in a group that a service is started in, and this one runs already",
            "start it for the run with `process(…)`",
        )),
        ServiceFault::Pause | ServiceFault::LimitCpu { .. } => None,
    }
}

impl<'a> ScenarioChecker<'a, '_> {
    /// What breaks, without when.
    pub(super) fn action(&mut self, builtin: &'static Builtin, call: Call<'a>) -> Meaning<'a> {
        let Call { function, span, frame, .. } = call;
        let Some(bound) = self.arguments(builtin.parameters, builtin.variadic, call) else {
            return Meaning::WRONG;
        };
        let row = builtins::fault(builtin.name).expect("the table of faults has each built-in fault");
        self.limits(row.limits, &bound);
        let mut given = FaultArguments::default();
        let mut on = span;
        let mut unknown = false;
        for (par, value) in bound.iter() {
            let Some((value, expr)) = value else { continue };
            if par.kinds.contains(&Type::List) && !value.is_wrong() {
                let Some(line) = self.command_line(value, expr, frame) else { return Meaning::WRONG };
                unknown |= value.is_unknown();
                given.lines.push((par.name, line));
                continue;
            }
            let element = match value {
                Meaning::Unknown(Type::Wrong) => return Meaning::WRONG,
                Meaning::Unknown(_) => {
                    unknown = true;
                    continue;
                }
                Meaning::Part(Type::Link, index) => Element::Link(*index),
                Meaning::Part(Type::Service, index) => Element::Service(*index),
                Meaning::Part(kind, index) if kind.is_target() => Element::Target(*index),
                Meaning::Text(word, _) if !par.words.is_empty() => {
                    given.direction = LinkDirection::parse(word);
                    continue;
                }
                Meaning::Object(fields) => {
                    let Some(variables) = self.variables(fields, expr) else { return Meaning::WRONG };
                    unknown |= value.is_unknown();
                    given.with = variables;
                    continue;
                }
                other => {
                    match (other.number(), other.pieces()) {
                        (Some(number), _) => given.numbers.push((par.name, number, other.kind())),
                        (None, Some(pieces)) => given.texts.push((par.name, pieces)),
                        (None, None) => {
                            self.not_constant(expr.span, "this value must be known before the run");
                            return Meaning::WRONG;
                        }
                    }
                    continue;
                }
            };
            (given.on, on) = (Some(element), expr.span);
        }
        if let (Some(Element::Link(link)), builtins::Build::Link(fault)) = (given.on, &row.build)
            && fault(&given).is_some_and(LinkFault::is_of_requests)
            && self.out.links.get(link).is_some_and(|link| !link.http)
        {
            let message = format!("`{function}` acts on requests, but this link passes only bytes");
            let problem = Diagnostic::new(Code::E0207, message, on, "a link of `tcp(…)`");
            self.push(problem.help("let the link be `http(to: …)`"));
        }
        if unknown {
            return Meaning::Unknown(Type::Fault);
        }
        let Some(action) = row.build.action(given) else { return Meaning::WRONG };
        self.can_be_hurt(&action, function, span);
        Meaning::Fault(action, None)
    }

    /// Of what runs already not all can be taken back, and of what leads to a database not all is built yet.
    fn can_be_hurt(&mut self, action: &Action, function: &Name, span: Span) {
        match action {
            Action::Service { on, fault } => {
                let kind = self.out.services.get(*on).map(|service| &service.kind);
                let problem = matches!(kind, Some(ServiceKind::Attach { .. })).then(|| needs_a_start(*fault)).flatten();
                if let Some((why, help)) = problem {
                    self.push(Diagnostic::new(Code::E0207, why, span, "attached").help(help));
                }
            }
            Action::Link { on: NetworkRoute::Target(index), fault, .. } => {
                let Some(target) = self.out.targets.get(*index) else { return };
                if target.protocol == Protocol::Sqlite {
                    let message = format!("`{function}` is of the network, and `{}` is a file", target.name);
                    let problem = Diagnostic::new(Code::E0207, message, span, "nothing that it could act on");
                    self.push(problem.help("hurt a database that has a port, or the machine by a fault of `host`"));
                } else if target.address.is_socket() {
                    let message = format!(
                        "`{function}` is of the network, and none is on the way to the Unix socket of `{}`",
                        target.name
                    );
                    let problem = Diagnostic::new(Code::E0207, message, span, "nothing that it could act on");
                    self.push(problem.help(
                        "let the server listen at a port too, and give the target that address; or hurt the service itself, such as by `pause(…)`",
                    ));
                } else if !target.from.is_empty() {
                    self.later(format!("`{function}` on the way to a target with `from:`"), span);
                } else if target.proxy.is_some() {
                    let message =
                        format!("`{function}` acts right before a server, and before `{}` is a proxy", target.name);
                    let problem = Diagnostic::new(Code::E0207, message, span, "a target with a `proxy:`");
                    self.push(problem.help(
                        "let it act on the way to the proxy: `link way = tcp(to: \"proxy:3128\")`, `proxy: \"http://{way.address}\"`, and hurt `way`",
                    ));
                } else if target.tls.is_some() && fault.is_of_requests() {
                    let message =
                        format!("`{function}` acts on requests, but the connection to `{}` is encrypted", target.name);
                    let problem = Diagnostic::new(Code::E0207, message, span, "nothing on the way can read them");
                    let help = self.way_under_tls(target, &function.text);
                    self.push(problem.help(help));
                } else if target.http2.is_some() && fault.is_of_requests() {
                    let message =
                        format!("`{function}` reads requests of HTTP/1.1, and `{}` speaks HTTP/2", target.name);
                    let problem = Diagnostic::new(Code::E0207, message, span, "not with `http: 2`");
                    self.push(problem.help("use a fault of bytes, such as `latency`, `partition` or `reset`"));
                }
            }
            Action::Link { on: NetworkRoute::Link(_), .. } => {}
            Action::Database { .. } | Action::Host(_) | Action::Command(_) => {}
        }
    }

    /// What breaks by a template, which is told by its name and what it was given.
    pub(super) fn broken(&mut self, fault: &'a ast::FaultTemplate, inner: FrameId, call: Span) -> Meaning<'a> {
        match self.eval_as(&fault.action, inner, &[Type::Fault]) {
            Meaning::Fault(action, _) => {
                let text = self.text(call);
                Meaning::Fault(action, Some(text.split('(').next().unwrap_or_default().to_owned()))
            }
            other => other,
        }
    }

    fn limits(&mut self, limits: &[Allowed], bound: &Arguments<'a>) {
        for (par, given) in bound.iter() {
            let Some((Some(number), expr)) = given.map(|(value, expr)| (value.number(), expr)) else {
                continue;
            };
            let passed = limits.iter().find(|limit| limit.of == par.name && !(limit.holds)(number));
            if let Some(limit) = passed {
                self.out_of_range(expr.span, limit.problem);
            }
        }
    }

    /// `fault NAME = FAULT at I for D`; its place in the list was given when the scenario was opened.
    pub(super) fn injection(&mut self, built: &'a ast::Built, frame: FrameId) -> Option<Injection> {
        if let Some(option) = built.options.first() {
            self.unknown_option(option, "fault");
        }
        let value = self.eval_as(&built.constructor, frame, &[Type::Fault]);
        let timing = &built.timing;
        if let Some(at_most) = &timing.at_most {
            let problem = Diagnostic::new(
                Code::E0401,
                "a fault takes `for`; `for at most` is for events",
                at_most.span,
                "`at most`",
            );
            self.push(problem.help("write `for D`; `for at most D` is for events"));
        }
        let length = timing.length.as_ref().map(|length| self.some_time(length, frame, "nothing happens in no time"));
        let every =
            timing.every.as_ref().map(|every| self.some_time(every, frame, "each time is later than the one before"));
        let when = match (&timing.at, &timing.during) {
            (Some(at), None) => {
                if let Some(every) = &timing.every {
                    let problem =
                        Diagnostic::new(Code::E0401, "`every` needs a window to repeat in", every.span, "until when?");
                    self.push(problem.help("write `during WINDOW every P for D`"));
                }
                self.moment(at, frame).map(|at| When::At { at, length: length.flatten() })
            }
            (None, Some(during)) => self.window(during, frame).flatten().map(|window| {
                self.planned(&window, during.span);
                When::During { window, every: every.flatten(), length: length.flatten() }
            }),
            (Some(at), Some(during)) => {
                let problem = Diagnostic::new(Code::E0401, "a fault has one beginning", during.span, "and here");
                self.push(problem.label(at.span, "begins here").help("keep `at … for …`, or `during …`"));
                None
            }
            (None, None) => {
                let problem = Diagnostic::new(
                    Code::E0401,
                    format!("when does `{}` happen?", built.name),
                    built.name.span,
                    "no `at` and no `during`",
                );
                self.push(problem.help("write `at plateau + 10s for 5s`, or `during plateau`"));
                None
            }
        };
        let Meaning::Fault(action, template) = value else { return None };
        self.fits(&action, template.as_deref(), built);
        if let (Some(Some(every)), Some(Some(length))) = (every, length)
            && length >= every
            && let Some(span) = timing.length.as_ref().map(|length| length.span)
        {
            self.out_of_range(span, "each time must end before the next begins");
        }
        Some(Injection { name: built.name.clone(), action, template, when: when?, span: built.span })
    }

    /// A length of time that is longer than nothing.
    fn some_time(&mut self, expr: &'a ast::Expr, frame: FrameId, problem: &str) -> Option<u64> {
        let ns = self.quantity(expr, frame, Type::Duration)?;
        if ns < 1.0 {
            self.out_of_range(expr.span, problem);
            return None;
        }
        Some(ns as u64)
    }

    /// A lasting fault needs an end; a momentary one has none.
    fn fits(&mut self, action: &Action, template: Option<&str>, built: &'a ast::Built) {
        let timing = &built.timing;
        let shown = template.unwrap_or(action.name());
        match (action.is_lasting(), &timing.length, &timing.during) {
            (true, None, None) if action.may_be_left() => {}
            // `for at most` is refused already.
            (true, None, _) if timing.at_most.is_some() => {}
            (true, None, None) if timing.at.is_some() => {
                let problem = Diagnostic::new(
                    Code::E0401,
                    format!("`{shown}` needs an end"),
                    built.constructor.span,
                    "for how long?",
                );
                self.push(problem.help("add `for 10s`"));
            }
            (true, None, Some(_)) if timing.every.is_some() => {
                let problem = Diagnostic::new(
                    Code::E0401,
                    format!("`{shown}` needs an end"),
                    built.constructor.span,
                    "for how long each time?",
                );
                self.push(problem.help("write `during … every 30s for 5s`"));
            }
            (false, Some(length), _) => {
                let problem =
                    Diagnostic::new(Code::E0401, format!("`{shown}` is over at once"), length.span, "nothing lasts");
                let help = match (action, template) {
                    (Action::Command(_), None) => "give it an `undo:`, or take the `for` away",
                    _ => "take the `for` away",
                };
                self.push(problem.help(help));
            }
            _ => {}
        }
    }

    /// A window that only the run knows can bound what is judged, not what is done.
    fn planned(&mut self, window: &Window, span: Span) {
        if matches!(window, Window::Impact { .. }) {
            let text = self.text(span);
            let problem = Diagnostic::new(
                Code::E0404,
                format!("`{text}` is known only after the run"),
                span,
                "a planned window is needed",
            );
            self.push(problem.help("name a stage, or the fault itself"));
        }
    }

    pub(super) fn event(&mut self, built: &'a ast::Built, frame: FrameId) -> Option<Event> {
        if let Some(option) = built.options.first() {
            self.unknown_option(option, "event");
        }
        let ExprKind::Call { function, arguments } = &built.constructor.kind else {
            if !matches!(built.constructor.kind, ExprKind::Wrong) {
                let problem =
                    Diagnostic::new(Code::E0307, "an event is a command", built.constructor.span, "not a call");
                self.push(problem.help("write `event deploy = command(\"./deploy.sh\") at … for at most …`"));
            }
            return None;
        };
        let Some(builtin) = builtins::of_kind(builtins::BuiltinKind::Event, &function.text) else {
            let problem = Diagnostic::new(
                Code::E0201,
                format!("`{function}` builds no event"),
                function.span,
                "no such constructor",
            );
            self.push(problem.did_you_mean(
                function.span,
                &function.text,
                builtins::names(builtins::BuiltinKind::Event),
            ));
            return None;
        };
        let call = Call { function, arguments, span: built.constructor.span, frame };
        let bound = self.arguments(builtin.parameters, builtin.variadic, call);
        let timing = &built.timing;
        if let Some(length) = &timing.length {
            let problem =
                Diagnostic::new(Code::E0401, "an event ends when its command ends", length.span, "not its length");
            self.push(match timing.at_most {
                None => {
                    let text = format!("at most {}", self.text(length.span));
                    problem.fix(Applicability::Maybe, length.span, &text, format!("bound it: write `for {text}`"))
                }
                Some(_) => problem.help("keep `for at most D`, its bound"),
            });
        }
        if let Some(during) = &timing.during {
            let problem =
                Diagnostic::new(Code::E0401, "an event happens at an instant", during.span, "a window has many");
            let text = self.text(during.span);
            self.push(match &timing.at {
                Some(at) => problem.label(at.span, "happens here").help("take the `during` away"),
                None => problem.help(format!("write `at {text}`, the start of the window")),
            });
        }
        if let Some(every) = &timing.every {
            let problem = Diagnostic::new(Code::E0401, "an event happens once", every.span, "again and again");
            self.push(problem.help("declare an event for each time, or repeat it in one command"));
        }
        let at = match &timing.at {
            Some(at) => self.moment(at, frame),
            None if timing.during.is_some() => None,
            None => {
                let problem = Diagnostic::new(
                    Code::E0401,
                    format!("when does `{}` happen?", built.name),
                    built.name.span,
                    "no `at`",
                );
                self.push(problem.help("write `at plateau + 10s for at most 1m`"));
                None
            }
        };
        let at_most = match &timing.at_most {
            Some(at_most) => self.some_time(at_most, frame, "nothing happens in no time"),
            // What has no time at all has been told of both.
            None if timing.length.is_none() && timing.at.is_some() => {
                let problem =
                    Diagnostic::new(Code::E0307, "an event needs a bound", built.span, "for how long at most?");
                self.push(problem.help("write `for at most 10m`: what the plan draws, and when it is given up"));
                None
            }
            None => None,
        };
        let bound = bound?;
        let (run, expr) = bound.get("run")?;
        let command = self.command_line(run, expr, frame);
        let with = match bound.get("with") {
            Some((Meaning::Object(fields), expr)) => self.variables(fields, expr)?,
            Some(_) => return None,
            None => Vec::new(),
        };
        Some(Event { name: built.name.clone(), command: command?, with, at: at?, at_most: at_most?, span: built.span })
    }
}
