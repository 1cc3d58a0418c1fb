//! `http:` and `streams:` of a target, and what HTTP/2 rules out.

use super::program::{Address, Expr, Http2, Piece, Protocol, Target};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use crate::base::Span;
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::Entry;

/// The protocol as ALPN names it.
const ALPN: &str = "h2";
const MOST_STREAMS: f64 = 1_000_000.0;

impl<'a> ScenarioChecker<'a, '_> {
    /// After all other options, since some of them exclude each other.
    pub(super) fn speaks_http2(&mut self, options: &'a [Entry], target: &mut Target, frame: FrameId) {
        let entry = |label: &str| options.iter().find(|entry| entry.label.text == label);
        let (http, streams) = (entry("http"), entry("streams"));
        let version = http.and_then(|entry| self.option(entry, "target", frame)).and_then(|value| value.number());
        let most = streams.and_then(|entry| self.option(entry, "target", frame)).and_then(|value| value.number());
        if target.protocol != Protocol::Http {
            return;
        }
        if let (Some(entry), Some(most)) = (streams, most)
            && !(1.0..=MOST_STREAMS).contains(&most)
        {
            self.out_of_range(entry.value.span, "a connection has 1 to 1,000,000 streams");
        }
        match (http, version) {
            (Some(entry), Some(2.0)) => {
                let streams = most.map_or(Http2::STREAMS, |most| most.clamp(1.0, MOST_STREAMS) as u64);
                target.http2 = Some(Http2 { streams });
                self.goes_with_http2(options, entry, target);
            }
            (Some(_), Some(1.0)) | (None, _) => self.is_of_http2(entry("tls"), streams, target),
            (Some(entry), Some(_)) => self.out_of_range(entry.value.span, "HTTP is spoken in version 1 or 2"),
            (Some(_), None) => {}
        }
    }

    /// Refuses what a target says that does not speak it.
    fn is_of_http2(&mut self, tls: Option<&'a Entry>, streams: Option<&'a Entry>, target: &Target) {
        if let Some(entry) = streams {
            let message = "only HTTP/2 has several requests at a time on a connection";
            let problem = Diagnostic::new(Code::E0205, message, entry.label.span, "of HTTP/1.1");
            self.push(problem.help("add `http: 2`, or leave `streams:` out"));
        }
        let offers = target.tls.as_ref().is_some_and(|tls| tls.alpn.iter().any(|name| name == ALPN));
        if let Some(entry) = tls.filter(|_| offers) {
            let message = "`alpn:` offers HTTP/2, and this target speaks HTTP/1.1";
            let problem = Diagnostic::new(Code::E0205, message, entry.value.span, "the server may choose it");
            self.push(problem.help("add `http: 2`, or leave \"h2\" out"));
        }
    }

    fn goes_with_http2(&mut self, options: &'a [Entry], http: &'a Entry, target: &mut Target) {
        let refused = |message: &str, span: Span, help: &str| {
            Diagnostic::new(Code::E0205, message, span, "not with `http: 2`").help(help.to_owned())
        };
        if let Some(tls) = &mut target.tls {
            if tls.alpn.is_empty() {
                tls.alpn.push(ALPN.to_owned());
            } else if !tls.alpn.iter().any(|name| name == ALPN) {
                let span = options
                    .iter()
                    .find(|entry| entry.label.text == "tls")
                    .map_or(http.label.span, |tls| tls.value.span);
                let message = "`alpn:` does not offer HTTP/2";
                self.push(refused(message, span, "add \"h2\" to `alpn:`, or leave `alpn:` out"));
            }
        } else if let (Some(_), Some(entry)) = (&target.proxy, options.iter().find(|entry| entry.label.text == "proxy"))
        {
            let message = "a proxy passes requests without encryption on as HTTP/1.1";
            self.push(refused(message, entry.label.span, "use an `https://` address, or leave `http: 2` out"));
        }
        let links = |piece: &Piece| match piece {
            Piece::Value(Expr::Part { part: super::program::PartKind::Link, index, .. }) => Some(*index),
            Piece::Value(_) | Piece::Literal(_) => None,
        };
        let link = match &target.address {
            Address::Link(link) => Some(*link),
            Address::Late(pieces) => pieces.iter().find_map(links),
            Address::Url { .. } | Address::Unix { .. } | Address::Service(_) => None,
        };
        if let Some(link) = link.and_then(|link| self.out.links.get(link)).filter(|link| link.http) {
            let message = format!("the link `{}` passes requests on as HTTP/1.1", link.name);
            self.push(refused(&message, http.label.span, "let the link be `tcp(to: …)`, or leave `http: 2` out"));
        }
    }
}
