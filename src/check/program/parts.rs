//! What is under test, and what stands next to it: services, links, targets, data, limits, monitors.

use super::{AlertFacts, Expr, MessageEnd, PartKind, Piece, Protocol, Text, is_false, is_true, is_zero, yes};
use crate::base::database::Database as DatabaseUrl;
use crate::base::hosts::Host;
use crate::base::socket::UnixSocket;
use crate::base::units::SECOND;
use crate::check::inputs::Instants;
use crate::check::types::Type;
use crate::syntax::dialect::Dialect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
// Of core, which opens nothing.
use core::net::IpAddr;

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Service {
    pub name: String,
    pub kind: ServiceKind,
    /// A path or an address that must answer before the load starts.
    pub ready: Option<Text>,
    pub ready_within: u64,
    pub stop_within: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Expr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Text>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<(String, Text)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<(String, Text)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub restart: bool,
    /// The run begins though nobody listens, of what it does not start.
    #[serde(default, skip_serializing_if = "is_false")]
    pub may_be_down: bool,
}

impl Service {
    /// Of which nothing else is said.
    pub fn new(name: String, kind: ServiceKind) -> Service {
        Service {
            name,
            kind,
            ready: None,
            ready_within: 30 * SECOND,
            stop_within: 5 * SECOND,
            port: None,
            metrics: None,
            env: Vec::new(),
            files: Vec::new(),
            dir: None,
            restart: false,
            may_be_down: false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceKind {
    Demo(Demo),
    /// Something that runs already, on this machine.
    Attach {
        port: u16,
    },
    Process {
        program: Text,
        arguments: Vec<Text>,
    },
    /// A private cluster from the installed binaries.
    Postgres,
}

/// How the demo shop is built; what is `None` is the shop's own choice.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Demo {
    pub pool: Option<u32>,
    pub slots: Option<u32>,
    pub rate_limit: Option<f64>,
    pub slow: Option<u64>,
    pub error_rate: Option<f64>,
    pub leak: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_orders: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loses: Option<f64>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub never_reconnects: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub forgets_keys: bool,
    /// It speaks https, with a certificate of the run.
    #[serde(default, skip_serializing_if = "is_false")]
    pub tls: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<Text>,
    /// Where its alerts are delivered, on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerts: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_above: Option<f64>,
    /// What each order asks first, on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payments: Option<Text>,
    /// How often a price is told to all who listen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub news: Option<u64>,
}

/// A path between two parts that can be hurt.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Link {
    pub name: String,
    pub http: bool,
    pub to: Text,
    /// It ends the TLS of its clients, with a certificate of the run, and speaks its own to the server.
    #[serde(default, skip_serializing_if = "is_false")]
    pub terminates: bool,
    /// The target that it stands before for the whole run, since there are faults of that: nobody wrote this link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Target {
    pub name: String,
    pub protocol: Protocol,
    pub address: Address,
    pub timeout: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<Connections>,
    /// Where it speaks HTTP/2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http2: Option<Http2>,
    /// How many are followed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub redirects: u64,
    /// Whether those of a user are kept.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub cookies: bool,
    /// Its requests carry no trace context.
    #[serde(default, skip_serializing_if = "is_false")]
    pub untraced: bool,
    /// How its connections are encrypted, where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Box<Tls>>,
    /// How its name is looked up, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<Box<Dns>>,
    /// The HTTP proxy on the way to it, as a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Text>,
    /// The addresses of this machine that connections come from in turn; none: whichever fits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<IpAddr>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, Text)>,
    /// A cookie of every request, before those of its user: name, `=` and value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<Text>,
    /// Of TCP: where a message ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_end: Option<MessageEnd>,
    /// The other options, by their names, as they were written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<(String, Text)>,
}

impl Target {
    /// Whether each user shows a certificate of its own.
    pub fn has_identities(&self) -> bool {
        let identity = self.tls.as_ref().and_then(|tls| tls.identity.as_ref());
        identity.is_some_and(|identity| identity.rows().is_some())
    }

    /// Whether its address is that of a link.
    pub fn is_reached_through(&self, link: usize) -> bool {
        let is_it = |piece: &Piece| match piece {
            Piece::Value(Expr::Part { part: PartKind::Link, index, .. }) => *index == link,
            Piece::Value(_) | Piece::Literal(_) => false,
        };
        match &self.address {
            Address::Link(own) => *own == link,
            Address::Late(pieces) => pieces.iter().any(is_it),
            Address::Url { .. } | Address::Unix { .. } | Address::Service(_) => false,
        }
    }
}

/// How a target speaks HTTP/2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Http2 {
    /// Requests at a time on a connection, at most; a server may allow fewer.
    pub streams: u64,
}

impl Http2 {
    /// As many as a server is advised to allow (RFC 9113, 6.5.2).
    pub const STREAMS: u64 = 100;
}

/// What a target's `dns:` says.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Dns {
    /// Of which names nobody is asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resolve: Vec<NameOverride>,
    /// How often the others are looked up again, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Whether connections go to all addresses in turn, not to the first alone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub all: bool,
}

/// Where a name leads, whatever a resolver says.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct NameOverride {
    pub name: String,
    /// None: at each port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    pub addresses: Vec<IpAddr>,
}

impl NameOverride {
    /// Whether it speaks of a host. Of one without a port it may.
    pub fn is_of(&self, host: &Host) -> bool {
        self.name == host.name && (self.port.is_none() || host.port.is_none() || self.port == host.port)
    }
}

impl Dns {
    /// Where a host is, as `resolve:` says: what names its port goes before what does not.
    pub fn resolved(&self, host: &Host) -> Option<&[IpAddr]> {
        let all = || self.resolve.iter().filter(|resolved| resolved.is_of(host));
        let found = all().find(|resolved| resolved.port.is_some()).or_else(|| all().next());
        found.map(|resolved| resolved.addresses.as_slice())
    }
}

/// What a target's `tls:` says.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Tls {
    /// The authorities that may sign for the server; none: those that this machine trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<Pem>,
    /// What the client shows of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// Whether the server's certificate is looked at.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub verify: bool,
    /// The name that the certificate must have; none: the host of the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<TlsVersion>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<TlsVersion>,
    /// The protocols that are offered (ALPN).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alpn: Vec<String>,
    /// Whether sessions are taken up again.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub resume: bool,
}

impl Default for Tls {
    fn default() -> Tls {
        Tls {
            ca: None,
            identity: None,
            verify: true,
            server_name: None,
            min: None,
            max: None,
            alpn: Vec::new(),
            resume: true,
        }
    }
}

/// A certificate, with those that lead to its authority, and its private key.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Identity {
    pub cert: Pem,
    pub key: Pem,
}

impl Identity {
    /// The rows that each user has one of, where they do.
    pub fn rows(&self) -> Option<usize> {
        self.cert.rows()
    }
}

/// Certificates or a key in PEM (RFC 7468).
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pem {
    /// One of the files of the scenario.
    File(usize),
    /// Itself, which may be a secret or of a service.
    Text(Text),
    /// Of the row of each user: a file next to that of the rows, or itself.
    PerUser { data: usize, column: String },
}

impl Pem {
    /// The rows that it is of.
    pub fn rows(&self) -> Option<usize> {
        match self {
            Pem::PerUser { data, .. } => Some(*data),
            Pem::File(_) | Pem::Text(_) => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize, Deserialize)]
pub enum TlsVersion {
    #[serde(rename = "1.2")]
    V1_2,
    #[serde(rename = "1.3")]
    V1_3,
}

impl TlsVersion {
    pub const ALL: [TlsVersion; 2] = [TlsVersion::V1_2, TlsVersion::V1_3];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            TlsVersion::V1_2 => "1.2",
            TlsVersion::V1_3 => "1.3",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Connections {
    PerUser,
    PerRequest,
    Pool(u64),
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Address {
    Url {
        host: String,
        port: u16,
        /// What stands before the path of each request.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        path: String,
    },
    /// A socket of this machine.
    Unix {
        file: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        path: String,
    },
    Service(usize),
    Link(usize),
    /// Known when the parts that it names have been started.
    Late(Text),
}

impl Address {
    /// Whether it is on this machine; none where only the run knows.
    pub fn is_here(&self) -> Option<bool> {
        match self {
            Address::Url { host, port, .. } => Some(Host::new(host, Some(*port)).is_here()),
            // What a run starts or attaches to is.
            Address::Unix { .. } | Address::Service(_) | Address::Link(_) => Some(true),
            Address::Late(_) => None,
        }
    }

    /// Whether it is a Unix socket, as far as is known before the run.
    pub fn is_socket(&self) -> bool {
        match self {
            Address::Unix { .. } => true,
            Address::Late(pieces) => match pieces.first() {
                Some(Piece::Literal(text)) if UnixSocket::is_meant(text) => true,
                Some(Piece::Literal(text)) => DatabaseUrl::of(text).is_ok_and(|known| known.is_socket()),
                Some(Piece::Value(_)) | None => false,
            },
            Address::Url { .. } | Address::Service(_) | Address::Link(_) => false,
        }
    }
}

/// Rows that flows take: known by what they hold. Where they lie is of no matter to anyone but the process that read
/// them and reads them again to run, so it is in no plan that is written.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Data {
    pub name: String,
    #[serde(skip)]
    pub path: PathBuf,
    pub format: DataFormat,
    #[serde(default, skip_serializing_if = "Dialect::is_usual")]
    pub dialect: Dialect,
    pub sha256: String,
    pub rows: u64,
    pub columns: Vec<(String, Type)>,
    #[serde(skip)]
    pub times: Option<Result<Instants, String>>,
}

/// What a file of rows is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataFormat {
    Csv,
    Json,
    /// A value of JSON in each line.
    Jsonl,
}

/// A file whose content is sent: known by what it holds, as data are.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct File {
    /// The last part of its path.
    pub name: String,
    #[serde(skip)]
    pub path: PathBuf,
    pub size: u64,
    pub sha256: String,
}

/// A limit of the clients' own, acquired in flows.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Limit {
    pub name: String,
    pub kind: LimitKind,
}

#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitKind {
    /// So many a second.
    Rate(f64),
    /// So many at a time.
    Slots(u64),
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Monitor {
    pub name: String,
    pub kind: MonitorKind,
    pub address: Option<Text>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MonitorKind {
    /// A Prometheus that is asked in PromQL.
    Prometheus,
    /// A page in the text format of Prometheus.
    Metrics,
    /// The machine itself.
    Host,
}

impl MonitorKind {
    pub const ALL: [MonitorKind; 3] = [MonitorKind::Prometheus, MonitorKind::Metrics, MonitorKind::Host];

    /// What builds one.
    pub fn name(self) -> &'static str {
        match self {
            MonitorKind::Prometheus => "prometheus",
            MonitorKind::Metrics => "metrics",
            MonitorKind::Host => "host",
        }
    }
}

impl Monitor {
    pub fn is_host(&self) -> bool {
        self.kind == MonitorKind::Host
    }

    /// How old what it selects is, as it is written.
    pub fn age_text(&self, what: &str) -> String {
        format!("{}.age('{what}')", self.name)
    }

    /// One of its series, as it is written.
    pub fn series_text(&self, what: &str) -> String {
        match self.is_host() {
            true => format!("{}.{what}", self.name),
            false => format!("{}.query('{what}')", self.name),
        }
    }
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct AlertSource {
    pub name: String,
    pub kind: AlertSourceKind,
    pub address: Text,
    pub receiver: Option<Text>,
    /// The Prometheus whose rules these alerts have, where it is another server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<Text>,
    /// Headers of each question: credentials.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, Text)>,
    pub rules: Option<String>,
    #[serde(default, skip_serializing_if = "AlertFacts::is_empty")]
    pub facts: AlertFacts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertSourceKind {
    Alertmanager,
    /// Its own alerts, without grouping and delivery.
    Prometheus,
    /// Where alerts are delivered to.
    Webhook,
    /// A Grafana with its own rules and its own Alertmanager.
    Grafana,
}

impl AlertSourceKind {
    pub const ALL: [AlertSourceKind; 4] = [
        AlertSourceKind::Alertmanager,
        AlertSourceKind::Prometheus,
        AlertSourceKind::Webhook,
        AlertSourceKind::Grafana,
    ];

    /// What builds one.
    pub fn name(self) -> &'static str {
        match self {
            AlertSourceKind::Alertmanager => "alertmanager",
            AlertSourceKind::Prometheus => "prometheus",
            AlertSourceKind::Webhook => "webhook",
            AlertSourceKind::Grafana => "grafana",
        }
    }

    /// Why a source of this kind has no use for an option.
    pub fn has_no_use_for(self, option: &str) -> Option<&'static str> {
        match (self, option) {
            (AlertSourceKind::Prometheus, "prometheus") => Some("the source is that Prometheus"),
            (AlertSourceKind::Webhook, "receiver") => Some("the source is that receiver"),
            (AlertSourceKind::Webhook, "auth") => Some("nothing is asked of a receiver"),
            (AlertSourceKind::Grafana, "prometheus") => Some("a Grafana tells of its own rules"),
            (AlertSourceKind::Grafana, "rules" | "config") => Some("the rules of a Grafana are no file of Prometheus"),
            (
                AlertSourceKind::Alertmanager
                | AlertSourceKind::Prometheus
                | AlertSourceKind::Webhook
                | AlertSourceKind::Grafana,
                _,
            ) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::builtins::{BuiltinKind, names};

    #[test]
    fn each_kind_has_what_builds_it() {
        let monitors: Vec<&str> = MonitorKind::ALL.into_iter().map(MonitorKind::name).collect();
        assert_eq!(names(BuiltinKind::Monitor).collect::<Vec<&str>>(), monitors);
        let sources: Vec<&str> = AlertSourceKind::ALL.into_iter().map(AlertSourceKind::name).collect();
        assert_eq!(names(BuiltinKind::Alerts).collect::<Vec<&str>>(), sources);
    }
}
