//! Methods: what follows a `.` with parentheses, by the type of the value before it.

use super::bound::{Arguments, Call};
use super::builtins::{self};
use super::meaning::Meaning;
use super::program::{Expr, MonitorKind, PartKind, Pick, Series, SeriesSource, ServiceKind};
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::Span;
use crate::base::summed::Summed;
use crate::base::units::SECOND;
use crate::diag::{Applicability, Code, Diagnostic};
use crate::syntax::ast;

impl<'a> ScenarioChecker<'a, '_> {
    /// Where it is an operator in this language, that is said.
    fn no_method(&mut self, value: &Meaning<'a>, base: &'a ast::Expr, call: Call<'a>) -> Meaning<'a> {
        let method = call.function;
        let looks = matches!(value.kind(), Type::Text | Type::Json | Type::List);
        let Some(ours) = super::words::operator_of_elsewhere(&method.text).filter(|_| looks) else {
            return self.no_field(value, method);
        };
        let message = format!("{} has no method `{method}`", value.kind().a());
        let problem = Diagnostic::new(Code::E0202, message, method.span, "an operator here");
        let looked_for = match call.arguments {
            [one] => self.text(one.value.span),
            _ => "…".to_owned(),
        };
        let written = format!("{} {ours} {looked_for}", self.text(base.span));
        self.push(match call.arguments.len() {
            1 => problem.fix(Applicability::MachineApplicable, call.span, &written, format!("write `{written}`")),
            _ => problem.help(format!("write `{written}`")),
        });
        Meaning::WRONG
    }

    pub(super) fn method(&mut self, base: &'a ast::Expr, call: Call<'a>) -> Meaning<'a> {
        let Call { function: method, span, frame, .. } = call;
        let value = self.eval(base, frame);
        match &value {
            Meaning::Unknown(Type::Wrong) => {
                return Meaning::WRONG;
            }
            Meaning::Module(_) | Meaning::System(_) => {
                let member = self.field_of(&value, base, method, span);
                return match member {
                    Meaning::Definition(..) => self.instantiate(&member, call),
                    Meaning::Unknown(Type::Wrong) => Meaning::WRONG,
                    other => {
                        let kind = other.kind();
                        let message = format!("`{method}` is {}, which takes no arguments", kind.a());
                        self.push(Diagnostic::new(Code::E0207, message, method.span, kind.a()));
                        Meaning::WRONG
                    }
                };
            }
            Meaning::Answer(response) => {
                return self.answer_method(*response, call);
            }
            _ => {}
        }
        let Some(found) = builtins::field(value.kind(), &method.text, true) else {
            return self.no_method(&value, base, call);
        };
        let parameters = found.parameters.unwrap_or_default();
        let Some(bound) = self.arguments(parameters, false, call) else {
            return Meaning::WRONG;
        };
        if value.is_unknown() && (value.kind(), found.name) == (Type::Monitor, "age") {
            return self.age(SeriesSource::Host, &bound);
        }
        if value.is_unknown() && found.result == Type::Series {
            return self.series(SeriesSource::Host, &bound);
        }
        if value.is_unknown() {
            return Meaning::Unknown(found.result);
        }
        match (&value, found.name) {
            (Meaning::Part(Type::Service, index), "metric") => {
                let index = *index;
                let service = &self.out.services[index];
                let measured = service.metrics.is_some() || matches!(service.kind, ServiceKind::Demo(_));
                if !measured {
                    let problem =
                        Diagnostic::new(Code::E0307, "this service has no /metrics page", base.span, "where is it?");
                    self.push(problem.help("write it where it is declared: `{ metrics: \"/metrics\" }`"));
                    return Meaning::WRONG;
                }
                self.series(SeriesSource::ServiceMetric(index), &bound)
            }
            (Meaning::Part(Type::Monitor, index), name) if !self.is_of_monitor(*index, name, base.span) => {
                Meaning::WRONG
            }
            (Meaning::Part(Type::Monitor, index), "age") => self.age(SeriesSource::Age(*index), &bound),
            (Meaning::Part(Type::Monitor, index), _) => self.series(SeriesSource::Monitor(*index), &bound),
            (Meaning::Part(Type::Service, index), "url") if !self.has_port(*index, base.span) => Meaning::WRONG,
            (Meaning::Part(Type::Service, index), "url") => {
                let via = match bound.value("via") {
                    Some(Meaning::Part(Type::Link, link)) => Some(*link),
                    _ => None,
                };
                let field = via.map_or_else(|| "url".to_owned(), |link| format!("url via {link}"));
                Meaning::Run(Expr::Part { part: PartKind::Service, index: *index, field }, Type::Text)
            }
            (Meaning::Part(Type::Data, data), name) => {
                let pick = match name {
                    "next" => Pick::Next,
                    "unique" => Pick::Unique,
                    "random" => Pick::Random,
                    _ => Pick::PerUser,
                };
                if pick == Pick::Unique && self.flow.as_ref().is_some_and(|flow| flow.is_phase) {
                    let message = "a setup cannot keep rows from the load";
                    let problem = Diagnostic::new(Code::E0114, message, span, "unique among what?");
                    self.push(problem.help("write `.next()`: a setup takes the rows from the first on"));
                }
                Meaning::Row(Expr::Row { data: *data, pick }, *data)
            }
            (Meaning::Run(expr, _), "json") => match self.json_path(&bound, call.frame) {
                Some((path, kind)) => Meaning::Run(Expr::Get { value: Box::new(expr.clone()), path }, kind),
                None => Meaning::WRONG,
            },
            (Meaning::Run(_, Type::Json | Type::List) | Meaning::List(_), name) => {
                self.method_of_list(&value, name, &bound, span)
            }
            _ => Meaning::WRONG,
        }
    }

    /// The machine has readings of its own, and everything else is asked.
    pub(super) fn is_of_monitor(&mut self, monitor: usize, name: &str, span: Span) -> bool {
        let Some(found) = self.out.monitors.get(monitor) else { return true };
        let (kind, is_host) = (found.kind.name(), found.is_host());
        let is_kept = name != "age" || found.kind == MonitorKind::Prometheus;
        if is_host != matches!(name, "query" | "age") && is_kept {
            return true;
        }
        let message = format!("a monitor of `{kind}(…)` has no `{name}`");
        let problem = Diagnostic::new(Code::E0202, message, span, "another kind of monitor");
        self.push(problem.help(match is_host {
            true => "the machine has `.cpu` and `.memory`",
            false if !is_kept => "a page has no instants; only a `prometheus(…)` knows when it has scraped",
            false => "ask it with `.query('…')`; `.cpu` and `.memory` are of `host()`",
        }));
        false
    }

    fn series(&mut self, source: SeriesSource, bound: &Arguments<'a>) -> Meaning<'a> {
        let (what, span) = match bound.first() {
            Some((Meaning::Text(text, _), expr)) => (text.clone(), expr.span),
            _ => return Meaning::Unknown(Type::Series),
        };
        let is_page = match source {
            SeriesSource::ServiceMetric(_) => true,
            SeriesSource::Monitor(index) => {
                self.out.monitors.get(index).is_some_and(|m| m.kind == MonitorKind::Metrics)
            }
            SeriesSource::Service(_) | SeriesSource::Age(_) | SeriesSource::Host => false,
            SeriesSource::InFlight { .. } => false,
        };
        if is_page && let Err(why) = crate::base::exposition::Selector::parse(&what) {
            let problem =
                Diagnostic::new(Code::E0310, format!("this names no series of a page: {why}"), span, "not a name");
            self.push(problem.help("write a name, with labels where only some of its samples are meant"));
            return Meaning::WRONG;
        }
        let (worth, unit) = match bound.get("unit") {
            Some((value, _)) if value.is_unknown() => return Meaning::Unknown(Type::Series),
            Some((value, expr)) => match (value.number(), value.kind()) {
                (Some(worth), kind) => (worth, if kind == Type::Count { Type::Number } else { kind }),
                (None, _) => {
                    let span = expr.span;
                    self.not_constant(span, "a unit must be known before the run");
                    return Meaning::WRONG;
                }
            },
            None => (1.0, Type::Number),
        };
        let missing = match bound.get("missing") {
            Some((value, _)) if value.is_unknown() => return Meaning::Unknown(Type::Series),
            Some((value, expr)) => match self.in_unit(value, expr.span, unit) {
                Some(missing) => Some(missing),
                None => return Meaning::WRONG,
            },
            None => None,
        };
        Meaning::Series(Series { source, what, worth, unit, missing })
    }

    /// How old the newest sample of a selector is.
    fn age(&mut self, source: SeriesSource, bound: &Arguments<'a>) -> Meaning<'a> {
        let (what, span) = match bound.first() {
            Some((Meaning::Text(text, _), expr)) => (text.trim().to_owned(), expr.span),
            _ => return Meaning::Unknown(Type::Series),
        };
        if !Summed::is_all(&what) {
            let problem = Diagnostic::new(Code::E0310, "samples have an age; results do not", span, "no selector");
            self.push(
                problem.help(
                    "name a metric, with labels if only some of its series are meant, such as `up{job=\"shop\"}`",
                ),
            );
            return Meaning::WRONG;
        }
        Meaning::Series(Series { source, what, worth: SECOND as f64, unit: Type::Duration, missing: None })
    }

    /// A constant in the unit of a series.
    fn in_unit(&mut self, value: &Meaning<'a>, span: Span, unit: Type) -> Option<f64> {
        let Some(number) = value.number() else {
            self.not_constant(span, "what stands for it must be known before the run");
            return None;
        };
        let kind = if value.kind() == Type::Count { Type::Number } else { value.kind() };
        if kind == unit {
            return Some(number);
        }
        let message = format!("`missing` is {}, and the series is {}", kind.a(), unit.a());
        let problem = Diagnostic::new(Code::E0301, message, span, "in the unit of the series");
        self.push(problem.help("say with `unit` what one in the series is worth, and write this in the same unit"));
        None
    }
}
