//! A request of HTTP/1.1 as the fields of HTTP/2.

use crate::engine::http::host::Host;
use crate::engine::trace::PLACEHOLDER;
use http::header::HOST;
use http::uri::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};

/// As many headers as a request may have.
const HEADERS: usize = 128;

/// Headers of one connection, which HTTP/2 has other means for (RFC 9113, 8.2.2).
const LEFT_OUT: [&str; 5] = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];

/// The header of a trace context, which is another one each time.
const TRACE: &str = "traceparent";

/// The fields of a request that is the same each time but for its trace context: to make them anew costs more than to send them.
pub struct Made(Request<()>);

impl Made {
    pub fn of(fields: &Request<()>) -> Made {
        Made(fields.clone())
    }

    /// With the trace context that stands there in the head.
    pub fn again(&self, head: &[u8], trace: Option<usize>) -> Request<()> {
        let mut fields = self.0.clone();
        if let (Some(place), Some(value)) = (trace, fields.headers_mut().get_mut(TRACE))
            && let Ok(new) = HeaderValue::from_bytes(&head[place..place + PLACEHOLDER.len()])
        {
            *value = never_again(new);
        }
        fields
    }
}

/// A value that no other request has. To remember it would drive out of the tables of both sides what all have in common.
fn never_again(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

/// The fields of a request and the pieces of its body, from all of its pieces, or why it cannot be sent so.
pub fn request<'p>(pieces: &[&'p [u8]], host: &Host) -> Result<(Request<()>, Vec<&'p [u8]>), String> {
    let Some((first, rest)) = pieces.split_first() else { return Err("the request is empty".to_owned()) };
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(first) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Err("the head of the request has no end".to_owned()),
        Err(error) => return Err(format!("the head of the request cannot be sent: {error}")),
    };
    let wrong_header = |name: &str| format!("the header `{name}` cannot be sent over HTTP/2");
    let (method, path) = (parsed.method.unwrap_or("GET"), parsed.path.unwrap_or("/"));
    let mut fields = HeaderMap::with_capacity(parsed.headers.len());
    let mut authority = host.authority.as_bytes();
    for header in parsed.headers.iter() {
        // It is a field of its own.
        if header.name.eq_ignore_ascii_case(HOST.as_str()) {
            authority = header.value;
            continue;
        }
        let is_left_out = LEFT_OUT.iter().any(|name| header.name.eq_ignore_ascii_case(name));
        let is_other_te = header.name.eq_ignore_ascii_case("te") && !header.value.eq_ignore_ascii_case(b"trailers");
        if is_left_out || is_other_te {
            continue;
        }
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| wrong_header(header.name))?;
        let value = HeaderValue::from_bytes(header.value).map_err(|_| wrong_header(header.name))?;
        let value = if name.as_str() == TRACE { never_again(value) } else { value };
        fields.append(name, value);
    }
    let scheme = if host.secured.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
    let uri = Uri::builder().scheme(scheme).authority(authority).path_and_query(path).build();
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(method.as_bytes())
        .map_err(|_| format!("the method `{method}` cannot be sent over HTTP/2"))?;
    *request.uri_mut() = uri.map_err(|_| format!("the path `{path}` cannot be sent over HTTP/2"))?;
    *request.version_mut() = Version::HTTP_2;
    *request.headers_mut() = fields;
    let behind = &first[length..];
    let body = [behind].into_iter().chain(rest.iter().copied()).filter(|piece| !piece.is_empty()).collect();
    Ok((request, body))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may panic.
    use super::*;
    use crate::engine::http::host::Endpoint;
    use crate::engine::http::streams::link::tests::host_at;

    #[test]
    fn what_is_of_a_connection_of_http_1_is_left_out() {
        let endpoint = Endpoint::at("127.0.0.1:80".parse().unwrap());
        let host = host_at(endpoint.peer);
        let head = b"POST /orders?x=1 HTTP/1.1\r\nHost: shop.test:81\r\nConnection: keep-alive\r\nX-Own: a\r\nx-own: b\r\nTE: gzip\r\nContent-Length: 4\r\n\r\nab";
        let (request, body) = request(&[head, b"c", b"", b"d"], &host).unwrap();
        assert_eq!(request.uri(), "http://shop.test:81/orders?x=1");
        assert_eq!(request.method(), "POST");
        let told: Vec<String> =
            request.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        assert_eq!(told, ["x-own: a", "x-own: b", "content-length: 4"]);
        assert_eq!(body, [&b"ab"[..], b"c", b"d"]);
    }

    #[test]
    fn what_is_the_same_is_made_once_with_the_trace_context_of_each() {
        let host = host_at(Endpoint::at("127.0.0.1:80".parse().unwrap()).peer);
        let head = |trace: char| {
            let value: String = PLACEHOLDER.chars().map(|_| trace).collect();
            format!("GET / HTTP/1.1\r\nHost: a\r\ntraceparent: {value}\r\nAccept: */*\r\n\r\n")
        };
        let (first, second) = (head('a'), head('b'));
        let trace = first.find("aaaa");
        let fields = |head: &str| request(&[head.as_bytes()], &host).unwrap().0;
        let again = Made::of(&fields(&first)).again(second.as_bytes(), trace);
        assert_eq!(again.headers(), fields(&second).headers());
        assert_eq!(again.uri(), fields(&second).uri());
        let is_remembered = |name: &str| !again.headers()[name].is_sensitive();
        assert_eq!(["traceparent", "accept"].map(is_remembered), [false, true]);
    }

    #[test]
    fn what_cannot_be_sent_is_said() {
        let host = host_at(Endpoint::at("127.0.0.1:80".parse().unwrap()).peer);
        let why = request(&[b"GET /a<b HTTP/1.1\r\n\r\n"], &host).unwrap_err();
        assert_eq!(why, "the path `/a<b` cannot be sent over HTTP/2");
        assert!(request(&[], &host).is_err());
        assert!(request(&[b"GET / HTTP/1.1\r\n"], &host).unwrap_err().contains("has no end"));
    }
}
