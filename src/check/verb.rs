//! What a request says, as far as answers differ by it.

/// What answers of different protocols have is different.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    #[default]
    Other,
    Query,
    Execute,
    /// `connect`, to a WebSocket or over TCP, and `events`.
    Handshake,
    Connect,
    Send,
    /// A message, or an event of a stream.
    Receive,
    Event,
}

impl Verb {
    /// What is known before the target is.
    pub(super) fn of(verb: &str) -> Verb {
        match verb {
            "query" => Verb::Query,
            "execute" => Verb::Execute,
            "connect" | "events" => Verb::Handshake,
            "send" => Verb::Send,
            "receive" => Verb::Receive,
            _ => Verb::Other,
        }
    }

    /// What the block of such a step calls by its name alone.
    pub(super) fn fields(self) -> &'static [&'static str] {
        match self {
            Verb::Other => &["status", "latency", "text", "size", "wire_size"],
            Verb::Query => &["rows", "latency"],
            Verb::Execute => &["affected", "rows", "latency"],
            Verb::Handshake => &["status", "latency"],
            Verb::Connect | Verb::Send => &["latency"],
            Verb::Receive => &["text", "size", "wire_size", "latency"],
            Verb::Event => &["event", "id", "text", "size", "wire_size", "latency"],
        }
    }

    pub(super) fn is_of_database(self) -> bool {
        matches!(self, Verb::Query | Verb::Execute)
    }
}
