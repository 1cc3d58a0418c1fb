//! What targets speak.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    Http,
    Postgres,
    Mysql,
    Sqlite,
    Tcp,
    Websocket,
    Grpc,
    Redis,
}

impl Protocol {
    /// Whether it is spoken over a stream of the engine's own, which a driver of a database is not.
    pub fn is_stream(self) -> bool {
        match self {
            Protocol::Http | Protocol::Tcp | Protocol::Websocket => true,
            Protocol::Postgres | Protocol::Mysql | Protocol::Sqlite | Protocol::Grpc | Protocol::Redis => false,
        }
    }

    /// Which of the options of targets mean nothing to it.
    pub fn has_no_use_for(self, option: &str) -> bool {
        match self {
            Protocol::Http => matches!(option, "delimiter" | "prefix"),
            Protocol::Websocket => {
                matches!(option, "delimiter" | "prefix" | "connections" | "redirects" | "http" | "streams" | "proxy")
            }
            Protocol::Tcp => !matches!(option, "delimiter" | "prefix" | "timeout" | "tls" | "dns" | "from"),
            Protocol::Postgres | Protocol::Mysql | Protocol::Sqlite => matches!(option, "delimiter" | "prefix"),
            Protocol::Grpc | Protocol::Redis => false,
        }
    }

    /// Whether it is spoken in statements of SQL.
    pub fn is_database(self) -> bool {
        match self {
            Protocol::Postgres | Protocol::Mysql | Protocol::Sqlite => true,
            Protocol::Http | Protocol::Tcp | Protocol::Websocket | Protocol::Grpc | Protocol::Redis => false,
        }
    }
}

/// Where a message ends in a stream of bytes.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageEnd {
    /// Before this text.
    Delimiter(String),
    /// After as many bytes as a number before it says, which has so many bytes itself and is big-endian.
    Prefix(u8),
}

impl Default for MessageEnd {
    /// Lines.
    fn default() -> MessageEnd {
        MessageEnd::Delimiter("\n".to_owned())
    }
}
