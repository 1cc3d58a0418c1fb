//! Requests ready to be sent.

use super::streams::Made;
use super::template::{Encoded, encode};
use crate::engine::flow::lowered::RequestParts;
use crate::engine::value::lower::Lowerer;
use crate::plan::{self, Http};
use std::sync::OnceLock;

pub struct Request {
    pub bytes: Encoded,
    /// None where it is computed.
    pub method: Option<Method>,
    pub keep_body: bool,
    pub keep_headers: bool,
    pub keep_url: bool,
    pub judges_status: bool,
    /// Its fields of HTTP/2, where it is the same each time.
    pub made: OnceLock<Box<Made>>,
}

/// What a method is to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// Its answer has no body.
    pub head_only: bool,
    /// Sending it twice does no more than sending it once (RFC 9110, 9.2.2).
    pub idempotent: bool,
}

impl Method {
    pub fn of(name: &str) -> Method {
        let idempotent = matches!(name, "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS" | "TRACE");
        Method { head_only: name == "HEAD", idempotent }
    }
}

impl Request {
    /// What a step sends, and what later steps need of the answer.
    pub fn of(http: &Http, step: &plan::Request, around: &RequestParts<'_>, lowerer: &mut Lowerer<'_>) -> Request {
        Request {
            bytes: encode(http, step.target, around, lowerer),
            method: match &http.method {
                plan::Method::Known(method) => Some(Method::of(method)),
                plan::Method::Computed(_) => None,
            },
            keep_body: step.keep_body,
            keep_headers: step.keep_headers,
            keep_url: step.keep_url,
            judges_status: http.judges_status,
            made: OnceLock::new(),
        }
    }
}
