//! Why a request fails: one list for `retry … when`, the engine, the measurements and the reports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    Connect,
    /// The server's certificate is not to be trusted.
    Certificate,
    /// No agreement on encryption.
    Handshake,
    /// The proxy on the way opened no tunnel to the target.
    Proxy,
    Reset,
    Closed,
    Timeout,
    Protocol,
    /// An answer that is larger, or deeper, than a step looks into.
    TooLarge,
    /// A status of 400 or above where no expectation speaks of the status.
    Status,
    /// What a database says by its codes: the transaction could not be ordered among others, or waited in a circle.
    Serialization,
    Deadlock,
    /// A value that must be there once is there already, and another rule of the schema that does not hold.
    Unique,
    Constraint,
    /// A lock that was not to be had in time.
    Lock,
    /// A statement that the database does not understand, or that its user may not run.
    Syntax,
    /// The database refuses the session, or ends it.
    Connection,
    /// Any other error of a database.
    Sql,
    /// An `expect` of the flow did not hold.
    Expectation,
    /// A value that could not be computed or sent.
    Data,
    NoPorts,
    NoDescriptors,
    NoMemory,
}

impl Failure {
    pub const ALL: [Failure; 23] = [
        Failure::Connect,
        Failure::Certificate,
        Failure::Handshake,
        Failure::Proxy,
        Failure::Reset,
        Failure::Closed,
        Failure::Timeout,
        Failure::Protocol,
        Failure::TooLarge,
        Failure::Status,
        Failure::Serialization,
        Failure::Deadlock,
        Failure::Unique,
        Failure::Constraint,
        Failure::Lock,
        Failure::Syntax,
        Failure::Connection,
        Failure::Sql,
        Failure::Expectation,
        Failure::Data,
        Failure::NoPorts,
        Failure::NoDescriptors,
        Failure::NoMemory,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Failure::Connect => "connect",
            Failure::Certificate => "certificate",
            Failure::Handshake => "handshake",
            Failure::Proxy => "proxy",
            Failure::Reset => "reset",
            Failure::Closed => "closed",
            Failure::Timeout => "timeout",
            Failure::Protocol => "protocol",
            Failure::TooLarge => "too_large",
            Failure::Status => "status",
            Failure::Serialization => "serialization",
            Failure::Deadlock => "deadlock",
            Failure::Unique => "unique",
            Failure::Constraint => "constraint",
            Failure::Lock => "lock",
            Failure::Syntax => "syntax",
            Failure::Connection => "connection",
            Failure::Sql => "sql",
            Failure::Expectation => "expectation",
            Failure::Data => "data",
            Failure::NoPorts => "no_ports",
            Failure::NoDescriptors => "no_descriptors",
            Failure::NoMemory => "no_memory",
        }
    }

    /// Whether nothing, or not all of an answer, had come when it was given up. Only a part is no answer, and what is no HTTP
    /// is none.
    pub fn is_unanswered(self) -> bool {
        match self {
            Failure::Connect | Failure::Certificate | Failure::Handshake | Failure::Proxy => true,
            Failure::Reset | Failure::Closed | Failure::Timeout | Failure::Protocol | Failure::Connection => true,
            Failure::Serialization | Failure::Deadlock | Failure::Unique | Failure::Constraint => false,
            Failure::Lock | Failure::Syntax | Failure::Sql => false,
            Failure::TooLarge | Failure::Status | Failure::Expectation | Failure::Data => false,
            Failure::NoPorts | Failure::NoDescriptors | Failure::NoMemory => false,
        }
    }

    /// Whether a text says why, next to its kind.
    pub fn says_why(self) -> bool {
        self == Failure::TooLarge || self.is_unanswered() || self.is_of_database()
    }

    /// Whether a database has said it, and why.
    pub fn is_of_database(self) -> bool {
        match self {
            Failure::Serialization | Failure::Deadlock | Failure::Unique | Failure::Constraint => true,
            Failure::Lock | Failure::Syntax | Failure::Connection | Failure::Sql => true,
            Failure::Connect | Failure::Certificate | Failure::Handshake | Failure::Proxy => false,
            Failure::Reset | Failure::Closed | Failure::Timeout | Failure::Protocol => false,
            Failure::TooLarge | Failure::Status | Failure::Expectation | Failure::Data => false,
            Failure::NoPorts | Failure::NoDescriptors | Failure::NoMemory => false,
        }
    }

    /// Those that `retry … when` may name.
    pub fn that_may_pass() -> impl Iterator<Item = Failure> {
        Failure::ALL.into_iter().filter(|failure| failure.may_pass())
    }

    /// Whether `retry … when` may name it: the others are about the file or this machine, and another try meets them again.
    pub fn may_pass(self) -> bool {
        match self {
            Failure::Connect | Failure::Certificate | Failure::Handshake | Failure::Proxy => true,
            Failure::Reset | Failure::Closed | Failure::Timeout | Failure::Protocol => true,
            Failure::TooLarge | Failure::Status | Failure::Expectation => true,
            Failure::Serialization | Failure::Deadlock | Failure::Unique | Failure::Constraint => true,
            Failure::Lock | Failure::Syntax | Failure::Connection | Failure::Sql => true,
            Failure::Data | Failure::NoPorts | Failure::NoDescriptors | Failure::NoMemory => false,
        }
    }

    /// Whether the generator is to blame, not the target.
    pub fn is_generator(self) -> bool {
        matches!(self, Failure::NoPorts | Failure::NoDescriptors | Failure::NoMemory)
    }
}
