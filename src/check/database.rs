//! Targets that are databases: their addresses, their options, and whether they are encrypted.

use super::builtins;
use super::program::{Address, Expr, PartKind, Piece, Protocol, Target, Tls};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use crate::base::Span;
use crate::base::database::{Database, Encryption};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::Entry;

/// Stands for a secret: of a private area (Unicode, 23.5).
const SECRET: char = '\u{e000}';

pub(super) const OPTIONS: [&str; 3] = ["timeout", "connections", "tls"];

impl<'a> ScenarioChecker<'a, '_> {
    /// Whether a text that is known now may be the address of a database.
    pub(super) fn is_database(&mut self, protocol: Protocol, pieces: &[Piece], span: Span) -> bool {
        let Some(text) = &known_text(pieces) else { return true };
        let (why, help) = match (protocol, Database::of(text)) {
            (_, known) if text.contains(SECRET) && !known.as_ref().is_ok_and(is_secret_in_login) => (
                "only its user and its password may be secrets".to_owned(),
                "write `postgres://user:{password}@host/name`",
            ),
            (Protocol::Sqlite, _) if !text.contains("://") && !text.is_empty() => return true,
            (Protocol::Sqlite, _) => {
                ("it is no path".to_owned(), "write the path of a file, such as `sqlite(\"shop.db\")`")
            }
            (_, Err(why)) => (why, "write `postgres://user@host/name` or `mysql://user@host/name`"),
            (_, Ok(known)) if known.is_postgres != (protocol == Protocol::Postgres) => {
                ("it is of another kind of database".to_owned(), "`postgres(…)` and `mysql(…)` name the kind")
            }
            (_, Ok(known)) => match known.encryption() {
                Err(why) => (why, "a `tls:` of the target says whom to trust: `tls: { ca: \"ca.pem\" }`"),
                Ok(_) => return true,
            },
        };
        let message = match why.strip_prefix("its address is") {
            Some(rest) => format!("this address is{rest}"),
            None => format!("this is no address of a database here: {why}"),
        };
        self.push(Diagnostic::new(Code::E0310, message, span, "not an address").help(help));
        false
    }

    /// The client of a database connects by itself.
    pub(super) fn not_of_a_database(&mut self, entry: &'a Entry, frame: FrameId) {
        let label = entry.label.text.as_str();
        if !builtins::options_of("target").any(|option| option.name == label) {
            self.eval(&entry.value, frame);
            let message = format!("there is no option `{label}` here");
            let problem = Diagnostic::new(Code::E0205, message, entry.label.span, "no such option");
            self.push(problem.did_you_mean(entry.label.span, label, OPTIONS.into_iter()));
            return;
        }
        let (message, help) = match label {
            "auth" => {
                ("the address of a database names its user".to_owned(), "write `postgres://user:{password}@host/name`")
            }
            _ => (format!("`{label}:` is of `http(…)`"), "a database has `timeout:`, `connections:` and `tls:`"),
        };
        self.push(Diagnostic::new(Code::E0205, message, entry.label.span, "not of a database").help(help));
    }

    /// What the address and the `tls:` of a target say together.
    pub(super) fn database_tls(&mut self, options: &'a [Entry], target: &mut Target, frame: FrameId) {
        let url = match &target.address {
            Address::Late(pieces) => known_text(pieces).and_then(|url| Database::of(&url).ok()),
            Address::Service(_) | Address::Url { .. } | Address::Unix { .. } | Address::Link(_) => None,
        };
        let said = url.and_then(|url| url.encryption().ok()).unwrap_or(Encryption::NotSaid);
        let Some(entry) = options.iter().find(|entry| entry.label.text == "tls") else {
            target.tls = match said {
                Encryption::NotSaid | Encryption::Off => None,
                Encryption::Unverified => Some(Box::new(Tls { verify: false, ..Tls::default() })),
                Encryption::Verified => Some(Box::default()),
            };
            return;
        };
        let Some(value) = self.option(entry, "target", frame) else { return };
        let Some(tls) = self.tls(entry, &value) else { return };
        let span = entry.label.span;
        let plain = match said {
            Encryption::Off => Some("a database whose address wants no encryption"),
            _ => without_tls(target),
        };
        if let Some(plain) = plain {
            let message = format!("nothing is encrypted on the way to {plain}");
            self.push(Diagnostic::new(Code::E0205, message, span, "nothing to encrypt").help("leave `tls:` out"));
        } else if said == Encryption::Verified && !tls.verify {
            let message = "the address wants the certificate checked, and `verify: false` does not";
            let problem = Diagnostic::new(Code::E0205, message, entry.value.span, "two answers to one question");
            self.push(problem.help("leave `verify: false` or the mode in the address out"));
        } else {
            target.tls = Some(Box::new(tls));
        }
    }
}

/// An address that is known up to its secrets.
fn known_text(pieces: &[Piece]) -> Option<String> {
    let known = |piece: &Piece| match piece {
        Piece::Literal(text) => Some(text.clone()),
        Piece::Value(Expr::Secret(_)) => Some(SECRET.to_string()),
        Piece::Value(_) => None,
    };
    pieces.iter().map(known).collect()
}

/// Whether the rest of it says where it is, and how it is reached.
fn is_secret_in_login(known: &Database) -> bool {
    let host = known.host().name;
    let told = [Some(&host), known.name.as_ref(), known.ssl.as_ref()];
    !told.into_iter().flatten().any(|text| text.contains(SECRET))
}

/// What a target is that no TLS leads to.
fn without_tls(target: &Target) -> Option<&'static str> {
    let is_ours = |piece: &Piece| match piece {
        Piece::Value(Expr::Part { part: PartKind::Service, field, .. }) => field.starts_with("url"),
        Piece::Value(_) | Piece::Literal(_) => false,
    };
    match &target.address {
        _ if target.protocol == Protocol::Sqlite => Some("a file"),
        _ if target.address.is_socket() => Some("a Unix socket"),
        Address::Service(_) => Some("a database of the run"),
        Address::Late(pieces) if pieces.iter().any(is_ours) => Some("a database of the run"),
        Address::Late(_) | Address::Url { .. } | Address::Unix { .. } | Address::Link(_) => None,
    }
}
