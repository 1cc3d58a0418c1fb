//! The parts of the system under test: services and targets, their constructors and options.

use super::constant::{Constant, constant};
use super::program::{Address, Demo, Service, ServiceKind, Target};
use super::types::Type;
use super::{Checker, builtins, mismatch};
use crate::base::units::SECOND;
use crate::base::{Name, Span};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, Argument, BuiltKind, Entry, Expr, ExprKind};

impl Checker<'_> {
    pub(super) fn built(&mut self, built: &ast::Built) {
        let (kind, builtin) = match built.kind {
            BuiltKind::Service => (Type::Service, builtins::Kind::Service),
            BuiltKind::Target => (Type::Target, builtins::Kind::Target),
        };
        let index = if kind == Type::Service { self.services.len() } else { self.targets.len() };
        self.declare(&built.name, kind, index);
        let call = match &built.constructor.kind {
            ExprKind::Call { function, arguments } => Some((function, arguments.as_slice())),
            ExprKind::Wrong => None,
            _ => {
                let problem =
                    Diagnostic::new(Code::E0307, "a constructor is needed here", built.constructor.span, "not a call");
                self.diagnostics.push(problem.help(listed("write one of", builtins::names(builtin))));
                None
            }
        };
        if let Some((function, _)) = call
            && !builtins::names(builtin).any(|name| name == function.text)
        {
            let problem = Diagnostic::new(
                Code::E0201,
                format!("`{function}` builds no {}", kind.name().to_lowercase()),
                function.span,
                "no such constructor",
            );
            self.diagnostics.push(problem.did_you_mean(function.span, &function.text, builtins::names(builtin)));
        }
        match built.kind {
            BuiltKind::Service => self.service(built, call),
            BuiltKind::Target => self.target(built, call),
        }
    }

    fn service(&mut self, built: &ast::Built, call: Option<(&Name, &[Argument])>) {
        let mut demo = Demo::default();
        let mut kind = ServiceKind::Demo(Demo::default());
        match call {
            Some((function, arguments)) if function.text == "attach" => {
                let port = self
                    .arguments(function, arguments, &[("port", Type::Number)])
                    .remove(0)
                    .map(|(value, span)| (value.number(), span));
                match port {
                    Some((port, _)) if port.fract() == 0.0 && (1.0..65536.0).contains(&port) => {
                        kind = ServiceKind::Attach { port: port as u16 }
                    }
                    Some((_, span)) => self.out_of_range(span, "a port is a whole number from 1 to 65535"),
                    None => self.missing(function.span, "`attach` needs the port of the service: `attach(port: 8080)`"),
                }
            }
            Some((function, arguments)) if function.text == "demo" => {
                let parameters = [
                    ("pool", Type::Number),
                    ("slots", Type::Number),
                    ("rate_limit", Type::Rate),
                    ("slow", Type::Duration),
                    ("errors", Type::Percent),
                    ("leak", Type::Bytes),
                ];
                let values: Vec<Option<f64>> = self
                    .arguments(function, arguments, &parameters)
                    .into_iter()
                    .map(|v| v.map(|(value, _)| value.number()))
                    .collect();
                if values[0].is_some_and(|pool| pool.fract() != 0.0 || !(1.0..=256.0).contains(&pool)) {
                    self.out_of_range(function.span, "the pool of the demo shop has 1 to 256 connections");
                }
                demo.pool = values[0].map(|v| v.max(1.0) as u32);
                demo.slots = values[1].map(|v| v as u32);
                demo.rate_limit = values[2];
                demo.slow = values[3].map(|v| v as u64);
                demo.error_rate = values[4];
                demo.leak = values[5].map(|v| v as u64);
                kind = ServiceKind::Demo(demo);
            }
            Some(_) | None => {}
        }
        let mut service = Service {
            name: built.name.text.clone(),
            kind,
            ready: None,
            ready_within: 30 * SECOND,
            stop_within: 5 * SECOND,
        };
        for entry in &built.options {
            match entry.label.text.as_str() {
                "ready" => match self.option(entry, Type::Text) {
                    Constant::Text(path) if path.starts_with('/') => service.ready = Some(path),
                    Constant::Text(_) => {
                        self.out_of_range(entry.value.span, "`ready:` is a path of the service, such as \"/health\"");
                    }
                    _ => {}
                },
                "ready_within" => service.ready_within = self.option(entry, Type::Duration).number() as u64,
                "stop_within" => service.stop_within = self.option(entry, Type::Duration).number() as u64,
                _ => self.unknown_option(entry, &["ready", "ready_within", "stop_within"]),
            }
        }
        self.services.push(service);
    }

    fn target(&mut self, built: &ast::Built, call: Option<(&Name, &[Argument])>) {
        let mut address = Address::Url { host: String::new(), port: 0 };
        if let Some((function, arguments)) = call
            && function.text == "http"
        {
            match arguments {
                [argument] => address = self.address(&argument.value),
                _ => self.missing(
                    function.span,
                    "`http` takes one URL: `http(shop.url)` or `http(\"http://127.0.0.1:8080\")`",
                ),
            }
        }
        let mut target = Target { name: built.name.text.clone(), address, timeout: 10 * SECOND };
        for entry in &built.options {
            match entry.label.text.as_str() {
                "timeout" => match self.option(entry, Type::Duration) {
                    Constant::Quantity(0.0, _) => {
                        self.out_of_range(entry.value.span, "a timeout of nothing fails every request");
                    }
                    value => target.timeout = value.number() as u64,
                },
                _ => self.unknown_option(entry, &["timeout"]),
            }
        }
        self.targets.push(target);
    }

    fn address(&mut self, expr: &Expr) -> Address {
        let nowhere = Address::Url { host: String::new(), port: 0 };
        if let ExprKind::Field { base, field } = &expr.kind {
            let service = self.lookup(base, Type::Service);
            if service.is_some() && field.text != "url" {
                let problem =
                    Diagnostic::new(Code::E0202, format!("a Service has no `{field}`"), field.span, "no such field");
                self.diagnostics.push(problem.did_you_mean(field.span, &field.text, ["url"].into_iter()));
                return nowhere;
            }
            return service.map_or(nowhere, Address::Service);
        }
        let Constant::Text(url) = constant(expr, self.diagnostics) else { return nowhere };
        match parse_url(&url) {
            Ok((host, port)) => Address::Url { host, port },
            Err(why) => {
                let problem =
                    Diagnostic::new(Code::E0310, format!("`{url}` is no address of an HTTP target"), expr.span, why);
                self.diagnostics.push(problem.help("write it like `http(\"http://127.0.0.1:8080\")`"));
                nowhere
            }
        }
    }

    /// Arguments by position, then by name, in the order of the parameters; all of them optional.
    pub(super) fn arguments(
        &mut self,
        function: &Name,
        arguments: &[Argument],
        parameters: &[(&str, Type)],
    ) -> Vec<Option<(Constant, Span)>> {
        let mut values: Vec<Option<(Constant, Span)>> = parameters.iter().map(|_| None).collect();
        for (position, argument) in arguments.iter().enumerate() {
            let place = match &argument.label {
                None => position,
                Some(label) => match parameters.iter().position(|(name, _)| *name == label.text) {
                    Some(place) => place,
                    None => {
                        let problem = Diagnostic::new(
                            Code::E0306,
                            format!("`{function}` has no parameter `{label}`"),
                            label.span,
                            "no such parameter",
                        );
                        self.diagnostics.push(problem.did_you_mean(
                            label.span,
                            &label.text,
                            parameters.iter().map(|(name, _)| *name),
                        ));
                        continue;
                    }
                },
            };
            let Some((_, kind)) = parameters.get(place) else {
                let message = format!("`{function}` takes at most {} arguments", parameters.len());
                self.diagnostics.push(Diagnostic::new(Code::E0306, message, argument.value.span, "one too many"));
                continue;
            };
            let value = constant(&argument.value, self.diagnostics);
            if self.expect_type(&value, *kind, argument.value.span) {
                values[place] = Some((value, argument.value.span));
            }
        }
        values
    }

    pub(super) fn option(&mut self, entry: &Entry, kind: Type) -> Constant {
        let value = constant(&entry.value, self.diagnostics);
        match self.expect_type(&value, kind, entry.value.span) {
            true => value,
            false => Constant::Wrong,
        }
    }

    /// Whether a constant has the type that is due and is not negative; says so where it is not.
    pub(super) fn expect_type(&mut self, value: &Constant, kind: Type, span: Span) -> bool {
        match value.kind() {
            Type::Wrong => false,
            found if found == kind => {
                if value.number() < 0.0 {
                    self.out_of_range(span, "a negative value makes no sense here");
                }
                value.number() >= 0.0
            }
            found => {
                let text = self.text(span);
                self.diagnostics.push(mismatch(kind, found, span, &text));
                false
            }
        }
    }

    pub(super) fn unknown_option(&mut self, entry: &Entry, known: &[&str]) {
        let label = &entry.label;
        let problem =
            Diagnostic::new(Code::E0205, format!("there is no option `{label}` here"), label.span, "no such option");
        self.diagnostics.push(problem.did_you_mean(label.span, &label.text, known.iter().copied()));
    }

    pub(super) fn out_of_range(&mut self, span: Span, why: &str) {
        self.diagnostics.push(Diagnostic::new(Code::E0310, why, span, "out of range"));
    }

    fn missing(&mut self, span: Span, what: &str) {
        self.diagnostics.push(Diagnostic::new(Code::E0306, what, span, "arguments do not fit"));
    }
}

fn listed<'a>(lead: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}(…)`")).collect();
    format!("{lead} {}", names.join(", "))
}

/// Host and port of an `http://` URL without a path.
fn parse_url(url: &str) -> Result<(String, u16), &'static str> {
    let rest = match url.split_once("://") {
        Some(("http", rest)) => rest,
        Some(("https", _)) => return Err("https is not available yet"),
        Some(_) => return Err("only http:// is spoken here"),
        None => return Err("it does not start with http://"),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains('/') {
        return Err("paths belong to the requests");
    }
    let (host, port) = match rest
        .rsplit_once(':')
        .filter(|(host, _)| !host.ends_with(':') && (!host.contains('[') || host.ends_with(']')))
    {
        Some((host, port)) => (host, port.parse().map_err(|_| "the port is not a number up to 65535")?),
        None => (rest, 80),
    };
    if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c == '@') {
        return Err("the host is missing or malformed");
    }
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::parse_url;

    #[test]
    fn urls_give_host_and_port() {
        assert_eq!(parse_url("http://127.0.0.1:8080"), Ok(("127.0.0.1".into(), 8080)));
        assert_eq!(parse_url("http://[::1]:8080/"), Ok(("[::1]".into(), 8080)));
        assert_eq!(parse_url("http://shop"), Ok(("shop".into(), 80)));
        assert!(parse_url("https://shop").is_err());
        assert!(parse_url("http://shop/path").is_err());
        assert!(parse_url("http://shop:99999").is_err());
    }
}
