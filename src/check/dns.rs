//! Checks how the name of a target's host is looked up: `dns: { … }`.

use super::meaning::{Meaning, placed};
use super::program::{self, Address, Dns, NameOverride, PartKind, Piece};
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::hosts::{Host, OF_SERVICES};
use crate::base::units::SECOND;
use crate::base::{Name, Span};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{Entry, Expr};
// Of core, which opens nothing.
use core::net::IpAddr;

/// Its fields and their types.
const ENTRIES: [(&str, &[Type]); 3] =
    [("resolve", &[Type::Object]), ("every", &[Type::Duration]), ("all", &[Type::Bool])];

/// What is known of the host of a target before the run.
enum Known {
    Host(Host),
    /// The run knows its port.
    Name(Host),
    /// It is at an address of the run.
    Address,
    /// It is no host at all.
    Socket,
    Nothing,
}

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn dns(&mut self, entry: &'a Entry, value: &Meaning<'a>, address: &Address) -> Option<Dns> {
        let known = known(address);
        let needless = match known {
            Known::Address => Some((
                "the run knows the address of this target, so nothing is looked up",
                "name its host in the address, such as `http(\"http://shop.test:{shop.port}\")`, or leave `dns:` out",
            )),
            Known::Socket => Some(("a Unix socket has no name that is looked up", "leave `dns:` out")),
            Known::Host(_) | Known::Name(_) | Known::Nothing => None,
        };
        if let Some((message, help)) = needless {
            self.push(Diagnostic::new(Code::E0205, message, entry.label.span, "of a name alone").help(help));
            return None;
        }
        let mut dns = Dns::default();
        for (name, value, place) in self.entries("`dns:`", (entry, value), &ENTRIES)? {
            match name.text.as_str() {
                "resolve" => dns.resolve = self.resolve(&value, place, &known),
                "every" => match value.number() {
                    Some(every) if every >= SECOND as f64 => dns.every = Some(every as u64),
                    Some(_) => self.out_of_range(place.span, "a name is looked up again after 1s at the earliest"),
                    None => {}
                },
                _ => dns.all = matches!(value, Meaning::Bool(true)),
            }
        }
        Some(dns)
    }

    fn resolve(&mut self, value: &Meaning<'a>, expr: &'a Expr, known: &Known) -> Vec<NameOverride> {
        let Meaning::Object(fields) = value else { return Vec::new() };
        let mut all = Vec::new();
        for (name, value, place) in placed(fields, expr) {
            let span = place.span;
            let value = self.fit(value.clone(), span, &[Type::Text, Type::List]);
            let mut addresses = Vec::new();
            self.addresses(&value, span, &mut addresses);
            let host = Host::of(&name.text);
            if self.is_of_target(name, &host, known) && self.may_lead(&host, &addresses, span) {
                all.push(NameOverride { name: host.name, port: host.port, addresses });
            }
        }
        // What leads nowhere has been refused, or is of a template.
        all.retain(|resolved| !resolved.addresses.is_empty());
        all
    }

    fn addresses(&mut self, value: &Meaning<'a>, span: Span, out: &mut Vec<IpAddr>) {
        match value {
            Meaning::Text(text, _) => match text.trim_matches(['[', ']']).parse() {
                Ok(address) => out.push(address),
                Err(_) => self.out_of_range(span, "a name resolves to addresses, such as \"127.0.0.1\" or \"::1\""),
            },
            Meaning::List(items) if items.is_empty() => {
                self.out_of_range(span, "a name resolves to at least one address");
            }
            Meaning::List(items) => items.iter().for_each(|item| self.addresses(item, span, out)),
            Meaning::Unknown(_) => {}
            // It is known before the run where its services listen.
            Meaning::Run(program::Expr::Part { part: PartKind::Service, field, .. }, _) if field == "host" => {
                out.push(OF_SERVICES);
            }
            other => self.no_known_text(other, span, ("where a name leads", "the address")),
        }
    }

    /// A name that is mistyped would be looked up, and the load would go wherever that leads.
    fn is_of_target(&mut self, name: &Name, host: &Host, known: &Known) -> bool {
        let own = match known {
            Known::Address | Known::Socket | Known::Nothing => return true,
            Known::Host(own) | Known::Name(own) => own,
        };
        if (NameOverride { name: host.name.clone(), port: host.port, addresses: Vec::new() }).is_of(own) {
            return true;
        }
        let message = format!("`{name}` is not the host of this target, which is `{own}`");
        let problem = Diagnostic::new(Code::E0205, message, name.span, "another host");
        self.push(problem.help(format!("write `\"{}\"`; each target has a `dns:` of its own", own.name)));
        false
    }

    fn may_lead(&mut self, host: &Host, addresses: &[IpAddr], span: Span) -> bool {
        let elsewhere = addresses.iter().find(|address| !host.may_be_at(**address));
        if let Some(elsewhere) = elsewhere {
            let why = format!("`{}` is this machine, and {elsewhere} is another one", host.name);
            self.out_of_range(span, &why);
        }
        elsewhere.is_none()
    }
}

fn known(address: &Address) -> Known {
    match address {
        _ if address.is_socket() => Known::Socket,
        Address::Unix { .. } => Known::Socket,
        Address::Url { host, port, .. } => Known::Host(Host::new(host, Some(*port))),
        Address::Service(_) | Address::Link(_) => Known::Address,
        Address::Late(pieces) => match pieces.as_slice() {
            [Piece::Literal(start), ..] => match start.split_once("://") {
                // Up to where its port or its path begins it is a name that is written.
                Some((_, rest)) if rest.find([':', '/']).is_some_and(|end| end > 0) && !rest.starts_with('[') => {
                    Known::Name(Host { port: None, ..Host::of(start) })
                }
                _ => Known::Nothing,
            },
            _ => Known::Nothing,
        },
    }
}
