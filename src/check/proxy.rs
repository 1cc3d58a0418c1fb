//! Checks the proxy on the way to a target: `proxy:`.

use super::meaning::Meaning;
use super::program::{Expr, PartKind, Piece, Target};
use super::session::ScenarioChecker;
use crate::base::hosts::Host;
use crate::base::proxy::{Login, ProxyAddress};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::Entry;

/// Stands for what is known late: of a private area (Unicode, 23.5).
const UNKNOWN: char = '\u{e000}';

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn target_proxy(&mut self, entry: &'a Entry, value: &Meaning<'a>, target: &mut Target) {
        let Some(pieces) = value.pieces() else { return };
        let span = entry.value.span;
        if target.address.is_socket() {
            let message = "a Unix socket is of this machine, and no proxy is on the way there";
            let problem = Diagnostic::new(Code::E0205, message, entry.label.span, "of a host alone");
            self.push(problem.help("leave `proxy:` out"));
            return;
        }
        let Some(text) = pieces.iter().map(piece_text).collect::<Option<String>>() else {
            self.later("a proxy whose address is known late", span);
            return;
        };
        // What is a secret as a whole is read by the run.
        if !matches!(pieces.as_slice(), [Piece::Value(Expr::Secret(_))]) {
            match ProxyAddress::parse(&text) {
                Ok(proxy) => self.known_proxy(&proxy, entry, target),
                Err(why) => {
                    let message = format!("this is not the address of a proxy: {why}");
                    let problem = Diagnostic::new(Code::E0310, message, span, "not a proxy");
                    self.push(problem.help("write `http://host:port`"));
                    return;
                }
            }
        }
        target.proxy = Some(pieces);
    }

    fn known_proxy(&mut self, proxy: &ProxyAddress, entry: &'a Entry, target: &Target) {
        let span = entry.value.span;
        if let Some(Login { password, .. }) = &proxy.login
            && !password.is_empty()
            && !password.contains(UNKNOWN)
        {
            let message = "the password of a proxy would stand in the plan and in the record of each run";
            let problem = Diagnostic::new(Code::E0310, message, span, "for everybody to read");
            self.push(problem.help(
                "take it from a secret: `param word: Secret = secret(\"PROXY_PASSWORD\")` and `\"http://user:{word}@proxy:3128\"`, or `proxy: secret(\"PROXY\")` as a whole",
            ));
        }
        let own = Host::new(&proxy.host, Some(proxy.port));
        if target.address.is_here() == Some(true) && !own.is_here() && !own.name.contains(UNKNOWN) {
            let message = format!("`{own}` would look for `{}` on its own machine, not on this one", target.name);
            let problem = Diagnostic::new(Code::E0310, message, span, "another machine");
            self.push(problem.help("give the target the address that the proxy knows it by, or leave `proxy:` out"));
        }
    }

    /// Who looks up a name is the proxy.
    pub(super) fn looked_up_by_proxy(&mut self, options: &'a [Entry], target: &Target) {
        let dns = options.iter().find(|entry| entry.label.text == "dns");
        if let (Some(dns), Some(_), Some(_)) = (dns, &target.proxy, &target.dns) {
            let message = "the proxy looks up the name of this target";
            let problem = Diagnostic::new(Code::E0205, message, dns.label.span, "of a target without `proxy:`");
            self.push(problem.help("leave `dns:` out, or `proxy:`"));
        }
    }
}

fn piece_text(piece: &Piece) -> Option<String> {
    match piece {
        Piece::Literal(text) => Some(text.clone()),
        Piece::Value(value) => shown(value),
    }
}

/// As what a value stands in an address; none where the run does not know it in time.
fn shown(value: &Expr) -> Option<String> {
    match value {
        Expr::Secret(_) => Some(UNKNOWN.to_string()),
        Expr::Port(_) => Some("1".to_owned()),
        Expr::Part { part: PartKind::Service | PartKind::Link, field, .. } => match field.as_str() {
            "url" => Some("http://localhost:1".to_owned()),
            "address" => Some("localhost:1".to_owned()),
            "host" => Some("localhost".to_owned()),
            "port" => Some("1".to_owned()),
            _ => None,
        },
        _ => None,
    }
}
