//! Where a target is, as far as its address says before the run, and whether the connection is encrypted.

use super::meaning::Meaning;
use super::program::{Address, Expr, PartKind, Piece, Protocol, ServiceKind};
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::Span;
use crate::base::database::Database;
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
        let pieces = value.pieces().unwrap_or_default();
        if protocol.is_database() && !self.is_database(protocol, &pieces, span) {
            return None;
        }
        if protocol != Protocol::Http {
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
                    let problem =
                        Diagnostic::new(Code::E0310, format!("this is not an address: {why}"), span, "not an address");
                    let problem = problem.help("write `http://host:port`, `https://host:port` or `unix:/run/app.sock`");
                    self.push(problem.or(super::guess::instead(span, format!("\"http://{url}\""))));
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

    /// Whether a text that is known now may be the address of a database.
    fn is_database(&mut self, protocol: Protocol, pieces: &[Piece], span: Span) -> bool {
        let [Piece::Literal(text)] = pieces else { return true };
        let (why, help) = match (protocol, Database::of(text)) {
            (Protocol::Sqlite, _) if !text.contains("://") && !text.is_empty() => return true,
            (Protocol::Sqlite, _) => {
                ("it is no path".to_owned(), "write the path of a file, such as `sqlite(\"shop.db\")`")
            }
            (_, Err(why)) => (why, "write `postgres://user@host/name` or `mysql://user@host/name`"),
            (_, Ok(known)) if known.is_postgres != (protocol == Protocol::Postgres) => {
                ("it is of another kind of database".to_owned(), "`postgres(…)` and `mysql(…)` name the kind")
            }
            (_, Ok(known)) => match known.encryption() {
                Some(mode) => (
                    format!("`sslmode={mode}` wants TLS, and connections to a database are not encrypted"),
                    "leave `sslmode` out; a server that insists on TLS needs a proxy such as stunnel on this machine",
                ),
                None => return true,
            },
        };
        let message = match why.strip_prefix("its address is") {
            Some(rest) => format!("this address is{rest}"),
            None => format!("this is no address of a database here: {why}"),
        };
        self.push(Diagnostic::new(Code::E0310, message, span, "not an address").help(help));
        false
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

/// The link that a URL leads through: one of its own, or of a service reached through it.
fn through(part: PartKind, index: usize, field: &str) -> Option<usize> {
    match part {
        PartKind::Link => (field == "url").then_some(index),
        PartKind::Service => field.strip_prefix("url via ")?.parse().ok(),
    }
}
