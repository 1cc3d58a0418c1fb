//! Checks from which addresses of this machine the connections to a target come: `from:`.

use super::meaning::Meaning;
use super::program::Target;
use super::session::ScenarioChecker;
use crate::base::Span;
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::Entry;
// Of core, which opens nothing.
use core::net::IpAddr;

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn target_sources(&mut self, entry: &'a Entry, value: &Meaning<'a>, target: &mut Target) {
        let span = entry.value.span;
        if target.address.is_socket() {
            let message = "a connection to a Unix socket comes from no address";
            let problem = Diagnostic::new(Code::E0205, message, entry.label.span, "of a host alone");
            self.push(problem.help("leave `from:` out"));
            return;
        }
        match value {
            Meaning::List(items) if items.is_empty() => {
                self.out_of_range(span, "connections come from at least one address");
            }
            Meaning::List(items) => items.iter().for_each(|item| self.source(item, span, &mut target.from)),
            one => self.source(one, span, &mut target.from),
        }
    }

    fn source(&mut self, value: &Meaning<'a>, span: Span, out: &mut Vec<IpAddr>) {
        match value {
            Meaning::Text(text, _) => match text.trim_matches(['[', ']']).parse::<IpAddr>() {
                Ok(address) if address.is_unspecified() => {
                    self.out_of_range(
                        span,
                        "this is every address of this machine; leave `from:` out to use any of them",
                    );
                }
                Ok(address) if out.contains(&address) => {
                    self.out_of_range(span, "an address is taken in turn, so it is there once");
                }
                Ok(address) => out.push(address),
                Err(_) => {
                    self.out_of_range(span, "connections come from addresses, such as \"127.0.0.2\" or \"::1\"");
                }
            },
            Meaning::Unknown(_) => {}
            other => self.no_known_text(other, span, ("from where connections come", "the address")),
        }
    }
}
