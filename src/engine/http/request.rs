//! Requests ready to be sent.

use super::host::Place;
use super::template::{Bytes, encode, says};
use crate::engine::value::Paths;
use crate::engine::value::link::Linker;
use crate::plan::{self, Http, Target};

pub struct Request {
    pub bytes: Bytes,
    /// None where it is computed.
    pub method: Option<Method>,
    pub keep_body: bool,
    pub keep_headers: bool,
    /// The step, or its target, says itself which cookies go with it.
    pub own_cookies: bool,
    pub judges_status: bool,
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
    /// What a step sends to a target, and what later steps need of the answer: its body, its headers.
    pub fn of(
        http: &Http,
        keep: (bool, bool),
        target: &Target,
        place: &Place,
        linking: (&mut Linker<'_>, &Paths),
    ) -> Request {
        Request {
            bytes: encode(http, target, place, linking),
            method: match &http.method {
                plan::Method::Known(method) => Some(Method::of(method)),
                plan::Method::Computed(_) => None,
            },
            keep_body: keep.0,
            keep_headers: keep.1,
            own_cookies: [&http.headers, &target.headers].into_iter().any(|headers| says(headers, "Cookie")),
            judges_status: http.judges_status,
        }
    }
}
