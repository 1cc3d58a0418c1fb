//! Links that end TLS, so that faults of requests act on what is encrypted.

use super::program::{Action, Address, Link, NetworkRoute, Target};
use super::session::ScenarioChecker;
use crate::base::Span;
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{Entry, ExprKind};

impl<'a> ScenarioChecker<'a, '_> {
    /// `tls: terminate` of a link.
    pub(super) fn terminates(&mut self, entry: &'a Entry, http: bool) -> bool {
        match &entry.value.kind {
            ExprKind::Wrong => false,
            ExprKind::Name(name) if name.text == "terminate" && http => true,
            ExprKind::Name(name) if name.text == "terminate" => {
                let message = "a link of bytes carries TLS through as it is";
                let problem = Diagnostic::new(Code::E0205, message, entry.label.span, "of a link of requests alone");
                self.push(problem.help("let the link be `http(to: …)`, or leave `tls:` out"));
                false
            }
            _ => {
                let text = self.text(entry.value.span);
                let message = format!("`{text}` is not a way for a link to handle TLS");
                let problem = Diagnostic::new(Code::E0301, message, entry.value.span, "not `terminate`");
                self.push(problem.help(
                    "write `tls: terminate`; how the link speaks to the server is what the `tls: { … }` of the target says",
                ));
                false
            }
        }
    }

    /// What faults ask of links that do not end TLS, once all targets are known.
    pub(super) fn links_fit(&mut self) {
        for link in 0..self.out.links.len() {
            if !self.ends_tls(link) {
                self.knows_requests(link);
            }
        }
    }

    /// A link has one way to speak to its server.
    pub(super) fn says_the_same(&mut self, target: &Target, span: Span) {
        let ended = |link: &usize| self.ends_tls(*link) && target.is_reached_through(*link);
        let Some(link) = (0..self.out.links.len()).find(ended) else { return };
        if target.has_identities() {
            let message =
                format!("the link `{}` speaks TLS to its server for all users alike", self.out.links[link].name);
            let problem = Diagnostic::new(Code::E0205, message, span, "a certificate of each user");
            self.push(problem.help("give the target one `cert:` and `key:`, or leave the link out"));
            return;
        }
        let is_other = |own: &&Target| own.is_reached_through(link) && own.tls.is_some() && own.tls != target.tls;
        let Some(other) = self.out.targets.iter().find(is_other) else { return };
        let message = format!(
            "the link `{}` speaks TLS to its server in one way, and `{}` and `{}` say two",
            self.out.links[link].name, other.name, target.name
        );
        let problem = Diagnostic::new(Code::E0205, message, span, "another `tls:`");
        self.push(problem.help("give both the same `tls:`, or each a link of its own"));
    }

    /// Under TLS it sees bytes.
    fn knows_requests(&mut self, link: usize) {
        let Link { name, .. } = &self.out.links[link];
        let Some(target) = self.out.targets.iter().find(|own| own.tls.is_some() && own.is_reached_through(link)) else {
            return;
        };
        let (name, target) = (name.clone(), target.name.clone());
        let hurts = |action: &Action| match action {
            Action::Link { on: NetworkRoute::Link(on), fault, .. } => *on == link && fault.is_of_requests(),
            _ => false,
        };
        let Some(hurt) = self.out.injections.iter().find(|own| hurts(&own.action)) else { return };
        let (what, span): (&str, Span) = (hurt.action.name(), hurt.span);
        let message = format!("`{what}` acts on requests, but `{target}` is encrypted on its way through `{name}`");
        let problem = Diagnostic::new(Code::E0207, message, span, "nothing on the way can read them");
        self.push(problem.help(format!(
            "let the link end TLS, with a certificate of the run that the target trusts: write `{{ tls: terminate }}` after `{name}`"
        )));
    }

    /// What to write where a fault of requests is put on a target that is encrypted.
    pub(super) fn way_under_tls(&self, target: &Target, function: &str) -> String {
        let through = self.out.links.iter().enumerate().find(|(index, _)| target.is_reached_through(*index));
        let to = match &target.address {
            Address::Url { host, port, .. } => format!("\"{host}:{port}\""),
            Address::Service(service) => {
                self.out.services.get(*service).map_or_else(String::new, |own| format!("{}.address", own.name))
            }
            Address::Late(_) | Address::Link(_) | Address::Unix { .. } => "\"host:443\"".to_owned(),
        };
        match through {
            Some((_, Link { name, terminates: true, .. })) => {
                format!("the link `{name}` before it ends TLS: hurt that, `{function}({name}, …)`")
            }
            Some((_, Link { name, .. })) => format!(
                "let the link before it end TLS, `{{ tls: terminate }}` after `{name}`, and hurt that: `{function}({name}, …)`"
            ),
            None => format!(
                "put a link before it that ends TLS with a certificate of the run, `link way = http(to: {to}) {{ tls: terminate }}`, let the \
                 address of the target be `way.url`, and write `{function}(way, …)`; what is of bytes works as it is: `latency`, `bandwidth`, `partition`, `reset`"
            ),
        }
    }
}
