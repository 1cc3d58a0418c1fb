//! A step over a connection that stays open, made ready once.

use super::MESSAGE_LIMIT;
use super::codec::Outgoing;
use crate::engine::flow::lowered::RequestParts;
use crate::engine::http;
use crate::engine::value::code::{Code, Piece};
use crate::engine::value::lower::Lowerer;
use crate::engine::value::{Frame, Paths, Unusable, Value};
use crate::plan::{self, Body, MessageEnd};
use bytes::Bytes;

pub enum Request {
    Open(Opener),
    Send {
        message: Message,
        /// Its most bytes.
        most: usize,
    },
    Receive {
        /// Messages of which it does not hold are skipped.
        matching: Option<Code>,
        keep_body: bool,
    },
}

pub enum Opener {
    WebSocket(http::Request),
    Events(http::Request),
    Tcp(MessageEnd),
}

pub enum Message {
    Text(Vec<Piece>),
    /// A text as it is, anything else as JSON.
    Value(Code),
    File(usize),
}

impl Request {
    pub fn of(
        frame: &plan::Frame,
        step: &plan::Request,
        around: &RequestParts<'_>,
        lowerer: &mut Lowerer<'_>,
    ) -> Request {
        match frame {
            plan::Frame::Open(opener) => {
                let mut http = |http: &plan::Http| http::Request::of(&whole(http, step, around), step, around, lowerer);
                Request::Open(match opener {
                    plan::Opener::WebSocket(request) => Opener::WebSocket(http(request)),
                    plan::Opener::Events(request) => Opener::Events(http(request)),
                    plan::Opener::Tcp => {
                        Opener::Tcp(around.plan.targets[step.target].message_end.clone().unwrap_or_default())
                    }
                })
            }
            plan::Frame::Send(body) => {
                let message = match body {
                    Body::Text(pieces) => Message::Text(lowerer.text(pieces)),
                    Body::Json(value) => Message::Value(lowerer.expr(value)),
                    Body::File(upload) => Message::File(upload.file),
                    Body::Form(_) | Body::Multipart(_) => unreachable!("a message is no form"),
                };
                let most = match around.plan.targets[step.target].message_end {
                    // What a number of so many bytes can say.
                    Some(MessageEnd::Prefix(width @ (1 | 2))) => (1 << (8 * usize::from(width))) - 1,
                    Some(MessageEnd::Prefix(_) | MessageEnd::Delimiter(_)) | None => MESSAGE_LIMIT,
                };
                Request::Send { message, most }
            }
            plan::Frame::Receive { matching } => Request::Receive {
                matching: matching.as_ref().map(|matching| lowerer.expr(matching)),
                keep_body: step.keep_body,
            },
        }
    }

    /// Of which messages it takes only some: the condition.
    pub fn matching(&self) -> Option<&Code> {
        match self {
            Request::Receive { matching, .. } => matching.as_ref(),
            Request::Open(_) | Request::Send { .. } => None,
        }
    }
}

/// Where neither the step nor its target names a path, it is `/`.
fn whole(http: &plan::Http, step: &plan::Request, around: &RequestParts<'_>) -> plan::Http {
    let mut http = http.clone();
    if let [plan::Piece::Literal(path)] = http.path.as_mut_slice()
        && path.is_empty()
        && around.endpoints[step.target].path.is_empty()
    {
        path.push('/');
    }
    http
}

impl Message {
    pub fn write(&self, frame: &mut Frame, paths: &Paths) -> Result<Outgoing, Unusable> {
        Ok(match self {
            Message::Text(pieces) => {
                let mut text = String::new();
                frame.write(pieces, paths, &mut text)?;
                Outgoing::Text(text.into())
            }
            Message::File(file) => Outgoing::Bytes(Bytes::copy_from_slice(paths.files.content(*file))),
            Message::Value(code @ (Code::Object(_) | Code::List(_))) => {
                Outgoing::Text(frame.json(code, paths)?.to_string().into())
            }
            Message::Value(code) => Outgoing::Text(match frame.eval(code, paths)? {
                Value::Text(text) | Value::Latin1(text) => (*text).into(),
                _ => frame.json(code, paths)?.to_string().into(),
            }),
        })
    }
}
