//! What users do: flows, their steps, requests, and the ledgers that these fill.

use super::{Expr, Piece, Text, is_false, values};
use crate::base::Span;
use crate::base::failure::Failure;
use crate::check::types::Type;
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Ledger {
    pub name: String,
    /// The key is in slot 0.
    pub verify: Option<Flow>,
    /// How long all of its entries may be asked for, in nanoseconds.
    #[serde(default)]
    pub within: u64,
    /// Something is stated of refused entries that are there, so these are asked for too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub asks_refused: bool,
    /// Where a record has a key that the system gives.
    #[serde(skip)]
    pub given: Option<Span>,
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Flow {
    pub name: String,
    pub steps: Vec<Step>,
    /// Number of `let`s: their values live in slots.
    pub slots: usize,
    /// What their values are called, for those who look at them; no part of what is done.
    #[serde(skip)]
    pub names: Vec<String>,
    /// Number of requests: request r keeps its answer in response r.
    pub requests: usize,
    /// Parts of an iteration that are measured apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Values that are measured, with their units.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<(String, Type)>,
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Request(Request),
    Let {
        slot: usize,
        value: Expr,
    },
    Think(Think),
    Expect(Vec<Check>),
    If {
        condition: Expr,
        then: Vec<Step>,
        otherwise: Vec<Step>,
    },
    Group {
        group: usize,
        steps: Vec<Step>,
        /// Of statements of SQL that are done together or not at all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transaction: Option<Transaction>,
    },
    Choose(Choose),
    Repeat(Repeat),
    Each {
        slot: usize,
        list: Expr,
        at_most: u64,
        together: bool,
        steps: Vec<Step>,
    },
    OncePerUser {
        every: Option<u64>,
        steps: Vec<Step>,
    },
    Acquire {
        limit: usize,
        steps: Vec<Step>,
    },
    Measure {
        measure: usize,
        value: Expr,
    },
    /// How many entries were found, in the `verify` of a ledger.
    Count(Expr),
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Transaction {
    pub target: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

/// One of several blocks, by their shares.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Choose {
    /// Which of its flow it is, so that each deals by itself.
    pub site: usize,
    /// In a loop: one iteration makes several of these choices.
    #[serde(default, skip_serializing_if = "is_false")]
    pub repeats: bool,
    pub parts: Vec<Choice>,
}

/// A share, from 0 to 1, and what is done then.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Choice {
    pub share: f64,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Repeat {
    pub counter: Option<(usize, Expr)>,
    pub test: Option<Expr>,
    /// Goes on while the test holds; else until it does.
    pub goes_on: bool,
    pub every: Option<u64>,
    pub bound: LoopBound,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoopBound {
    Times(u64),
    Time(u64),
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Request {
    pub name: String,
    pub response: usize,
    pub target: usize,
    pub exchange: Exchange,
    pub timeout: Option<u64>,
    pub expects: Vec<Check>,
    pub keep_body: bool,
    pub keep_headers: bool,
    /// What was asked for is kept, after redirects.
    #[serde(default, skip_serializing_if = "is_false")]
    pub keep_url: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<Record>,
    /// A failure does not end the iteration.
    #[serde(default, skip_serializing_if = "is_false")]
    pub goes_on: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<usize>,
    pub line: usize,
    /// The file in which it stands, for those who look on; no part of what is done.
    #[serde(skip)]
    pub file: String,
}

/// What is sent, in the words of its protocol.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exchange {
    Http(Box<Http>),
    Query(Query),
    Frame(Frame),
    Call(Call),
    /// The words of a command, as a list.
    Command(Expr),
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Http {
    pub method: Method,
    /// One that begins with a literal stands below the target's address, and what is put into it is encoded; one that begins
    /// with a value is a URL reference as a whole.
    pub path: Vec<Piece>,
    /// What stands after `?` in the path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, Expr)>,
    /// Null leaves one out that the flow, the target or the run would have said.
    pub headers: Vec<(String, Vec<Piece>)>,
    /// What its flow says in addition to these, to the target of the step alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flow_headers: Vec<(String, Vec<Piece>)>,
    pub body: Option<Body>,
    /// The body is sent in chunks, and nothing says how long it is.
    #[serde(default, skip_serializing_if = "is_false")]
    pub chunked: bool,
    /// An expectation speaks of the status, so a status of 400 and above is no failure by itself.
    pub judges_status: bool,
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    Known(String),
    Computed(Expr),
}

/// A statement of SQL.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Query {
    pub text: Vec<Piece>,
    /// The values for the places in it, as a list.
    pub args: Option<Expr>,
    /// Rows come back.
    pub reads: bool,
}

/// One step of a conversation over a connection that stays open to the end of the block that opened it.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame {
    Open(Opener),
    /// A text or a file as it is, anything else as JSON.
    Send(Body),
    /// The next message of which that holds.
    Receive {
        matching: Option<Expr>,
    },
}

/// How a connection is opened over which messages come.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opener {
    /// The handshake of a WebSocket (RFC 6455, 4.1) is this request.
    WebSocket(Box<Http>),
    /// The answer to this request is a stream of events.
    Events(Box<Http>),
    Tcp,
}

/// A call of gRPC.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Call {
    pub method: Vec<Piece>,
    pub json: Option<Expr>,
}

impl Exchange {
    /// Its path is a value, which may lead to another target.
    pub fn follows_a_link(&self) -> bool {
        match self {
            Exchange::Http(http) => matches!(http.path.first(), Some(Piece::Value(_))),
            Exchange::Query(_) | Exchange::Frame(_) | Exchange::Call(_) | Exchange::Command(_) => false,
        }
    }

    /// The request of HTTP that it is, or begins with.
    pub fn http(&self) -> Option<&Http> {
        match self {
            Exchange::Http(http) => Some(http),
            Exchange::Frame(Frame::Open(Opener::WebSocket(http) | Opener::Events(http))) => Some(http),
            Exchange::Frame(Frame::Open(Opener::Tcp) | Frame::Send(_) | Frame::Receive { .. }) => None,
            Exchange::Query(_) | Exchange::Call(_) | Exchange::Command(_) => None,
        }
    }

    pub fn http_mut(&mut self) -> Option<&mut Http> {
        match self {
            Exchange::Http(http) => Some(http),
            Exchange::Frame(Frame::Open(Opener::WebSocket(http) | Opener::Events(http))) => Some(http),
            Exchange::Frame(Frame::Open(Opener::Tcp) | Frame::Send(_) | Frame::Receive { .. }) => None,
            Exchange::Query(_) | Exchange::Call(_) | Exchange::Command(_) => None,
        }
    }

    /// It opens a connection that stays open to the end of its block.
    pub fn opens(&self) -> bool {
        matches!(self, Exchange::Frame(Frame::Open(_)))
    }

    /// Every expression in it.
    pub fn exprs(&self) -> Vec<&Expr> {
        if let Some(http) = self.http() {
            return http.exprs();
        }
        match self {
            Exchange::Query(query) => values(&query.text).chain(&query.args).collect(),
            Exchange::Frame(Frame::Send(message)) => message.exprs(),
            Exchange::Frame(Frame::Receive { matching }) => matching.iter().collect(),
            Exchange::Command(value) => vec![value],
            Exchange::Call(call) => values(&call.method).chain(&call.json).collect(),
            Exchange::Http(_) | Exchange::Frame(Frame::Open(_)) => Vec::new(),
        }
    }
}

impl Http {
    /// Without headers and a body.
    pub fn new(method: Method, path: Vec<Piece>) -> Http {
        Http {
            method,
            path,
            query: Vec::new(),
            headers: Vec::new(),
            flow_headers: Vec::new(),
            body: None,
            chunked: false,
            judges_status: false,
        }
    }

    /// Every expression in it.
    fn exprs(&self) -> Vec<&Expr> {
        let headers = self.headers.iter().chain(&self.flow_headers);
        let texts = std::iter::once(&self.path).chain(headers.map(|(_, text)| text));
        let method = match &self.method {
            Method::Known(_) => None,
            Method::Computed(method) => Some(method),
        };
        let query = self.query.iter().map(|(_, value)| value);
        let body = self.body.iter().flat_map(Body::exprs);
        texts.flat_map(|text| values(text)).chain(body).chain(method).chain(query).collect()
    }
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Retry {
    pub times: u64,
    pub least: u64,
    pub most: u64,
    /// What is tried again; all failures where none is named.
    #[serde(deserialize_with = "reasons")]
    pub when: Vec<Reason>,
}

/// Records of earlier versions may also name `dns`, which no request ever failed with.
fn reasons<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Reason>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    texts
        .into_iter()
        .filter(|text| text != "dns")
        .map(Reason::try_from)
        .collect::<Result<_, _>>()
        .map_err(D::Error::custom)
}

/// A status or a kind of failure, told as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Reason {
    Status(u16),
    Failure(Failure),
}

impl Reason {
    pub fn of(text: &str) -> Option<Reason> {
        let failure = Failure::that_may_pass().find(|failure| failure.as_str() == text);
        failure.map(Reason::Failure).or_else(|| text.parse().ok().map(Reason::Status))
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> String {
        match reason {
            Reason::Status(status) => status.to_string(),
            Reason::Failure(failure) => failure.as_str().to_owned(),
        }
    }
}

impl TryFrom<String> for Reason {
    type Error = String;

    fn try_from(text: String) -> Result<Reason, String> {
        Reason::of(&text).ok_or_else(|| format!("`{text}` is neither a status nor a failure"))
    }
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Record {
    pub key: Expr,
    pub ledger: usize,
    /// The answer has the key, so the entry is opened when it is there.
    #[serde(default, skip_serializing_if = "is_false")]
    pub given: bool,
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    Json(Expr),
    Form(Vec<(String, Expr)>),
    Text(Vec<Piece>),
    File(Upload),
    /// Parts by name; names may repeat.
    Multipart(Vec<(String, Content)>),
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    Value(Expr),
    File(Upload),
}

/// A file as it is sent: with a type, and with a name where it is one of several parts.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Upload {
    pub file: usize,
    pub kind: Text,
    pub name: Text,
}

impl Body {
    /// Every expression in it.
    pub fn exprs(&self) -> Vec<&Expr> {
        match self {
            Body::Json(value) => vec![value],
            Body::Form(fields) => fields.iter().map(|(_, value)| value).collect(),
            Body::Text(pieces) => values(pieces).collect(),
            Body::File(upload) => upload.exprs().collect(),
            Body::Multipart(parts) => parts.iter().flat_map(|(_, content)| content.exprs()).collect(),
        }
    }
}

impl Content {
    fn exprs(&self) -> Vec<&Expr> {
        match self {
            Content::Value(value) => vec![value],
            Content::File(upload) => upload.exprs().collect(),
        }
    }
}

impl Upload {
    fn exprs(&self) -> impl Iterator<Item = &Expr> {
        values(&self.kind).chain(values(&self.name))
    }
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Think {
    Uniform { least: u64, most: u64 },
    Exponential { mean: u64 },
}

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Check {
    pub text: String,
    pub condition: Expr,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_to_try_again_are_told_as_they_are_written() {
        let written = serde_json::json!({ "times": 2, "least": 0, "most": 5, "when": ["503", "too_large"] });
        let retry: Retry = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(retry.when, [Reason::Status(503), Reason::Failure(Failure::TooLarge)]);
        assert_eq!(serde_json::json!(retry), written);
        let wrong = serde_json::from_value::<Reason>("sometimes".into()).unwrap_err();
        assert_eq!(wrong.to_string(), "`sometimes` is neither a status nor a failure");
    }
}
