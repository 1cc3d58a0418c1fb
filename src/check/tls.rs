//! Checks how the connections to a target are encrypted: `tls: { … }`.

use super::inputs::{Content, Document, FileKind};
use super::meaning::Meaning;
use super::program::{Expr, File, Identity, Pem, Pick, Piece, Tls, TlsVersion};
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::{Name, Span};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::Entry;
use crate::syntax::needs::PEM as ENDINGS;

/// Its fields and their types.
const ENTRIES: [(&str, &[Type]); 9] = [
    ("ca", &[Type::Text, Type::Secret]),
    ("cert", &[Type::Text, Type::Secret]),
    ("key", &[Type::Text, Type::Secret]),
    ("verify", &[Type::Bool]),
    ("server_name", &[Type::Text]),
    ("min", &[Type::Text]),
    ("max", &[Type::Text]),
    ("alpn", &[Type::List]),
    ("resume", &[Type::Bool]),
];

/// What each part of a PEM begins with (RFC 7468, 2).
const BEGINS: &str = "-----BEGIN ";

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn tls(&mut self, entry: &'a Entry, value: &Meaning<'a>) -> Option<Tls> {
        let entries = self.entries("TLS", (entry, value), &ENTRIES)?;
        let mut tls = Tls::default();
        let (mut cert, mut key) = (None, None);
        for (name, value, place) in entries {
            let span = place.span;
            match name.text.as_str() {
                "ca" => tls.ca = self.pem(&value, span).filter(|ca| self.is_of_all(ca, span)),
                "cert" => cert = Some((name, self.pem(&value, span))),
                "key" => key = Some((name, self.key(&value, span))),
                "verify" => tls.verify = !matches!(value, Meaning::Bool(false)),
                "resume" => tls.resume = !matches!(value, Meaning::Bool(false)),
                "server_name" => tls.server_name = self.server_name(&value, span),
                "min" => tls.min = self.tls_version(&value, span),
                "max" => tls.max = self.tls_version(&value, span),
                _ => tls.alpn = self.alpn(&value, span),
            }
        }
        let missing = |this: &Name, other: &str| {
            let message = format!("a client shows a certificate and has its key: `{other}:` is missing");
            Diagnostic::new(Code::E0307, message, this.span, "half of a pair").help(format!(
                "give both, such as `cert: \"client.pem\", key: \"client.key\"`; `{other}:` may be the same file"
            ))
        };
        match (cert, key) {
            (Some((name, cert)), Some((_, key))) => {
                tls.identity = cert.zip(key).and_then(|(cert, key)| self.identity(&name, cert, key));
            }
            (Some((name, _)), None) => self.push(missing(&name, "key")),
            (None, Some((name, _))) => self.push(missing(&name, "cert")),
            (None, None) => {}
        }
        if let (Some(min), Some(max)) = (tls.min, tls.max)
            && min > max
        {
            self.out_of_range(entry.value.span, "`min` is above `max`, so no version is left");
        }
        Some(tls)
    }

    /// A key is that of the certificate next to it.
    fn identity(&mut self, name: &Name, cert: Pem, key: Pem) -> Option<Identity> {
        if cert.rows() == key.rows() {
            return Some(Identity { cert, key });
        }
        let message = "a certificate of each user needs the key of that user, of the same row";
        let problem = Diagnostic::new(Code::E0307, message, name.span, "not of one row");
        self.push(problem.help("take both of the same rows: `cert: users.per_user().cert, key: users.per_user().key`"));
        None
    }

    fn is_of_all(&mut self, ca: &Pem, span: Span) -> bool {
        let is_of_all = !matches!(ca, Pem::PerUser { .. });
        if !is_of_all {
            let message = "who may sign for the server is the same for all users";
            let problem = Diagnostic::new(Code::E0114, message, span, "not of a row");
            self.push(problem.help("a file in PEM may hold the certificates of several authorities"));
        }
        is_of_all
    }

    /// A cell of the row of each user. Another row has no user who could keep it.
    fn cell(&mut self, row: &Expr, column: &str, span: Span) -> Option<Pem> {
        if let Expr::Row { data, pick: Pick::PerUser } = row {
            return Some(Pem::PerUser { data: *data, column: column.to_owned() });
        }
        let problem =
            Diagnostic::new(Code::E0114, "a user keeps its certificate", span, "not the same in each iteration");
        self.push(problem.help("take the row of the user: `cert: users.per_user().cert, key: users.per_user().key`"));
        None
    }

    /// A constant would stand in the plan and the record for everybody to read.
    fn key(&mut self, value: &Meaning<'a>, span: Span) -> Option<Pem> {
        if let Meaning::Text(text, _) = value
            && text.contains(BEGINS)
        {
            let message = "a private key would stand in the plan and in the record of each run";
            let problem = Diagnostic::new(Code::E0310, message, span, "for everybody to read");
            self.push(problem.help("name its file, such as `key: \"client.key\"`, or write `secret(\"CLIENT_KEY\")`"));
            return None;
        }
        self.pem(value, span)
    }

    /// A path, relative to the file, or what such a file holds.
    fn pem(&mut self, value: &Meaning<'a>, span: Span) -> Option<Pem> {
        if let Meaning::Run(Expr::Column { row, column }, _) = value {
            return self.cell(row, column, span);
        }
        let Meaning::Text(path, from) = value else {
            return value.pieces().map(Pem::Text);
        };
        if path.contains(BEGINS) {
            return Some(Pem::Text(vec![Piece::Literal(path.clone())]));
        }
        let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
        if !ENDINGS.contains(&ending) {
            self.out_of_range(span, "the name of a file in PEM ends in `.pem`, `.crt`, `.cer` or `.key`");
            return None;
        }
        let Some(Content::Text(document)) = self.content(path, *from, FileKind::Text, span) else { return None };
        let holds = document.text.as_ref().is_ok_and(|text| text.contains(BEGINS));
        if !holds {
            let message = format!("`{path}` is not a PEM file (RFC 7468)");
            let problem = Diagnostic::new(Code::E0208, message, span, "no `-----BEGIN …` in it");
            self.push(
                problem.help("`openssl x509 -inform der -in FILE -out FILE.pem` makes one of a certificate in DER"),
            );
            return None;
        }
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned();
        Some(Pem::File(self.planned_file(name, document)))
    }

    /// The place of a file among those of the scenario.
    pub(super) fn planned_file(&mut self, name: String, document: &Document) -> usize {
        let known = self.out.files.iter().position(|file| file.path == document.path);
        known.unwrap_or_else(|| {
            let sha256 = document.sha256.clone();
            self.out.files.push(File { name, path: document.path.clone(), size: document.size, sha256 });
            self.out.files.len() - 1
        })
    }

    fn server_name(&mut self, value: &Meaning<'a>, span: Span) -> Option<String> {
        let Meaning::Text(name, _) = value else { return None };
        let is_name = !name.is_empty()
            && name.len() < 254
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._:".contains(c));
        if !is_name {
            self.out_of_range(span, "a certificate names a host, such as \"shop.example.com\", or an address");
            return None;
        }
        Some(name.clone())
    }

    fn tls_version(&mut self, value: &Meaning<'a>, span: Span) -> Option<TlsVersion> {
        let Meaning::Text(text, _) = value else { return None };
        let found = TlsVersion::ALL.into_iter().find(|version| version.name() == text);
        if found.is_none() {
            self.out_of_range(span, "TLS is spoken in version \"1.2\" or \"1.3\"");
        }
        found
    }

    fn alpn(&mut self, value: &Meaning<'a>, span: Span) -> Vec<String> {
        let Meaning::List(items) = value else { return Vec::new() };
        let mut names = Vec::new();
        for item in items {
            match item {
                Meaning::Text(name, _) if (1..256).contains(&name.len()) && name.is_ascii() => names.push(name.clone()),
                Meaning::Text(..) => self.out_of_range(span, "the name of a protocol has 1 to 255 letters (RFC 7301)"),
                item if item.is_unknown() => {}
                _ => self.out_of_range(span, "protocols are named as texts, such as [\"http/1.1\"]"),
            }
        }
        names
    }
}
