//! Where a target is, as far as its address says before the run, and whether the connection is encrypted.

use super::meaning::Meaning;
use super::program::{Address, Expr, PartKind, Piece, Protocol, ServiceKind};
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::Span;
use crate::base::origin::Origin;
use crate::base::socket::{Server, UnixSocket};
use crate::diag::{Code, Diagnostic};

pub(super) struct Found {
    pub(super) address: Address,
    /// None where it is not known: of a template, or of what speaks no HTTP.
    pub(super) https: Option<bool>,
}

impl<'a> ScenarioChecker<'a, '_> {
    /// None where it is no address; what is wrong has been said then.
    pub(super) fn target_address(
        &mut self,
        protocol: Protocol,
        given: Option<&Meaning<'a>>,
        span: Span,
    ) -> Option<Found> {
        let late = |pieces: Vec<Piece>| Found { address: Address::Late(pieces), https: None };
        let Some(value) = given else { return Some(late(Vec::new())) };
        if let Meaning::Part(Type::Service, service) = value {
            return Some(self.at_service(*service));
        }
        let mut pieces = value.pieces().unwrap_or_default();
        if protocol == Protocol::Tcp {
            return self.tcp_address(&pieces, span);
        }
        if protocol == Protocol::Websocket {
            as_http(&mut pieces);
        }
        if protocol.is_database() && !self.is_database(protocol, &pieces, span) {
            return None;
        }
        if matches!(protocol, Protocol::Grpc | Protocol::Redis) || protocol.is_database() {
            return Some(late(pieces));
        }
        match pieces.as_slice() {
            [] => Some(late(Vec::new())),
            [Piece::Literal(url)] => match Server::parse(url) {
                Ok(Server::At(Origin { https, host, port, path })) => {
                    Some(Found { address: Address::Url { host, port, path }, https: Some(https) })
                }
                Ok(Server::Socket(UnixSocket { file, path })) => {
                    Some(Found { address: Address::Unix { file, path }, https: Some(false) })
                }
                Err(why) => {
                    let why = match protocol {
                        Protocol::Websocket => why.replace("https://", "wss://").replace("http://", "ws://"),
                        _ => why.to_owned(),
                    };
                    let problem =
                        Diagnostic::new(Code::E0310, format!("this is not an address: {why}"), span, "not an address");
                    let (help, scheme) = match protocol {
                        Protocol::Websocket => {
                            ("write `ws://host:port`, `wss://host:port` or `unix:/run/app.sock`", "ws")
                        }
                        _ => ("write `http://host:port`, `https://host:port` or `unix:/run/app.sock`", "http"),
                    };
                    self.push(problem.help(help).or(super::guess::instead(span, format!("\"{scheme}://{url}\""))));
                    None
                }
            },
            [Piece::Value(Expr::Part { part: PartKind::Service, index, field })] if field == "url" => {
                Some(self.at_service(*index))
            }
            [Piece::Value(Expr::Part { part, index, field })] if through(*part, *index, field).is_some() => {
                let address = through(*part, *index, field).map_or(Address::Late(Vec::new()), Address::Link);
                let ended = matches!(address, Address::Link(link) if self.ends_tls(link));
                let https = ended || (*part == PartKind::Service && self.speaks_https(*index));
                Some(Found { address, https: Some(https) })
            }
            pieces => Some(self.late_address(pieces, span)),
        }
    }

    /// `host:port`, or a Unix socket; whether TLS is spoken there says `tls:`.
    fn tcp_address(&mut self, pieces: &[Piece], span: Span) -> Option<Found> {
        let known = |address: Address| Some(Found { address, https: None });
        match pieces {
            [Piece::Literal(text)] if UnixSocket::is_meant(text) => match UnixSocket::parse(text) {
                Ok(UnixSocket { file, .. }) => {
                    Some(Found { address: Address::Unix { file, path: String::new() }, https: Some(false) })
                }
                Err(why) => self.no_tcp_address(why, span),
            },
            [Piece::Literal(text)] if text.contains("://") => {
                self.no_tcp_address("an address of TCP has no scheme", span)
            }
            [.., Piece::Value(Expr::Part { field, .. })] if field == "host" => {
                self.no_tcp_address("the port is missing", span)
            }
            [Piece::Literal(text)] => match Origin::parse(&format!("http://{text}")) {
                Ok(_) if text.contains('/') => self.no_tcp_address("it has a path", span),
                Ok(_) if !has_port(text) => self.no_tcp_address("the port is missing", span),
                Ok(Origin { host, port, .. }) => known(Address::Url { host, port, path: String::new() }),
                Err(why) => self.no_tcp_address(why, span),
            },
            [Piece::Value(Expr::Part { part: PartKind::Service, index, field })] if field == "address" => {
                known(Address::Service(*index))
            }
            [Piece::Value(Expr::Part { part: PartKind::Link, index, field })] if field == "address" => {
                known(Address::Link(*index))
            }
            pieces => {
                let is_known = |piece: &Piece| match piece {
                    Piece::Literal(_) | Piece::Value(Expr::Port(_)) => true,
                    Piece::Value(Expr::Part { field, .. }) => matches!(field.as_str(), "address" | "host" | "port"),
                    Piece::Value(_) => false,
                };
                if !pieces.iter().all(is_known) {
                    self.later("a target whose address is known late", span);
                }
                // As a URL, so that all addresses are read alike.
                let scheme = Piece::Literal("http://".to_owned());
                known(Address::Late([&[scheme], pieces].concat()))
            }
        }
    }

    fn no_tcp_address(&mut self, why: &str, span: Span) -> Option<Found> {
        let problem = Diagnostic::new(Code::E0310, format!("this is not an address: {why}"), span, "not an address");
        self.push(problem.help("write `host:port`, such as `\"127.0.0.1:7000\"`, or `\"unix:/run/app.sock\"`"));
        None
    }

    /// In pieces, some of which only the run knows: where its services and links listen.
    fn late_address(&mut self, pieces: &[Piece], span: Span) -> Found {
        let is_known = |piece: &Piece| match piece {
            Piece::Literal(_) | Piece::Value(Expr::Port(_)) => true,
            Piece::Value(Expr::Part { part: PartKind::Service | PartKind::Link, field, .. }) => !field.contains(' '),
            Piece::Value(_) => false,
        };
        let https = match pieces.first() {
            Some(Piece::Literal(text)) if text.starts_with("https://") => Some(true),
            Some(Piece::Literal(text)) if text.starts_with("http://") || UnixSocket::is_meant(text) => Some(false),
            Some(Piece::Value(Expr::Part { part: PartKind::Service, index, field })) if field == "url" => {
                Some(self.speaks_https(*index))
            }
            Some(Piece::Value(Expr::Part { part: PartKind::Link, index, field })) if field == "url" => {
                Some(self.ends_tls(*index))
            }
            _ => None,
        };
        if https.is_none() || !pieces.iter().all(is_known) {
            self.later("a target whose address is known late", span);
        }
        Found { address: Address::Late(pieces.to_vec()), https }
    }

    fn at_service(&self, service: usize) -> Found {
        Found { address: Address::Service(service), https: Some(self.speaks_https(service)) }
    }

    pub(super) fn ends_tls(&self, link: usize) -> bool {
        self.out.links.get(link).is_some_and(|link| link.terminates)
    }

    pub(super) fn speaks_https(&self, service: usize) -> bool {
        let kind = self.out.services.get(service).map(|service| &service.kind);
        matches!(kind, Some(ServiceKind::Demo(demo)) if demo.tls)
    }
}

/// Whether a port is written behind the host.
fn has_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A WebSocket begins as HTTP, so its address is read as one: browsers take both for the same.
fn as_http(pieces: &mut [Piece]) {
    let Some(Piece::Literal(text)) = pieces.first_mut() else { return };
    for (own, http) in [("ws://", "http://"), ("wss://", "https://")] {
        if let Some(rest) = text.strip_prefix(own) {
            *text = format!("{http}{rest}");
            return;
        }
    }
}

/// The link that a URL leads through: one of its own, or of a service reached through it.
fn through(part: PartKind, index: usize, field: &str) -> Option<usize> {
    match part {
        PartKind::Link => (field == "url").then_some(index),
        PartKind::Service => field.strip_prefix("url via ")?.parse().ok(),
    }
}
