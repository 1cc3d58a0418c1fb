//! Where a redirect leads, and the request that goes there (RFC 9110, 15.4).

use super::host::Host;
use super::reference::{self, Root};
use crate::wire::http1::{leads_on, values};
use url::Url;

/// A request to a target, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub target: usize,
    pub bytes: Vec<u8>,
}

impl Sent {
    pub fn method(&self) -> &[u8] {
        self.bytes.split(|byte| *byte == b' ').next().unwrap_or_default()
    }
}

/// What a request asks for.
fn asked(request: &[u8]) -> &[u8] {
    request.split(|byte| *byte == b' ').nth(1).unwrap_or_default()
}

/// That up to the query.
pub fn path(request: &[u8]) -> &[u8] {
    asked(request).split(|byte| *byte == b'?').next().unwrap_or_default()
}

/// A request to a host as a URL.
pub fn url(host: &Host, request: &[u8]) -> Option<Url> {
    reference::url(&host.root.as_ref()?.url, std::str::from_utf8(asked(request)).ok()?)
}

/// Where the head of a request ends, with the line end of its last line.
pub fn head_end(request: &[u8]) -> usize {
    request.windows(4).position(|four| four == b"\r\n\r\n").map_or(request.len(), |at| at + 2)
}

/// What stands after the head of a request.
pub fn body(request: &[u8]) -> &[u8] {
    request.get(head_end(request) + 2..).unwrap_or_default()
}

/// Where in a request its trace context stands.
pub fn trace_place(request: &[u8]) -> Option<usize> {
    let name = b"\r\ntraceparent: ";
    request[..head_end(request)].windows(name.len()).position(|line| line == name).map(|at| at + name.len())
}

/// The next request after an answer with this status and these header lines; none where the answer is the last. It goes
/// to a target of the scenario and never to a host that nobody wrote down: else this says why not.
pub fn next(hosts: &[Host], sent: &Sent, status: u16, lines: &[u8]) -> Result<Option<Sent>, String> {
    if !leads_on(status) {
        return Ok(None);
    }
    let Some(location) = values(lines, "location").next() else { return Ok(None) };
    let location = std::str::from_utf8(location).map_err(|_| "its `Location` is not written in UTF-8".to_owned())?;
    let roots: Vec<Option<Root>> = hosts.iter().map(|host| host.root.clone()).collect();
    let asked = String::from_utf8_lossy(asked(&sent.bytes));
    let reference::Resource { target, asked } = reference::of_redirect(&roots, sent.target, &asked, location)?;
    let leaves = (target != sent.target).then(|| &hosts[sent.target]);
    Ok(Some(Sent { target, bytes: rewritten(sent, status, &asked, &hosts[target].authority, leaves) }))
}

fn rewritten(sent: &Sent, status: u16, path: &str, authority: &str, leaves: Option<&Host>) -> Vec<u8> {
    let method = sent.method();
    // What browsers have always done, and what 307 and 308 are there to prevent.
    let becomes_get = match status {
        303 => !matches!(method, b"GET" | b"HEAD"),
        301 | 302 => method == b"POST",
        _ => false,
    };
    let (head, rest) = sent.bytes.split_at(head_end(&sent.bytes));
    let mut out = if becomes_get { b"GET".to_vec() } else { method.to_vec() };
    out.push(b' ');
    out.extend_from_slice(path.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    let lines = head.split_inclusive(|byte| *byte == b'\n').skip(1);
    for line in lines {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default().to_ascii_lowercase();
        let about_body = name.starts_with(b"content-") || name == b"transfer-encoding";
        // What was meant for one host is not told to another.
        let private = leaves.is_some_and(|host| {
            let is_own = host.own.iter().any(|own| own.as_bytes() == name);
            is_own || matches!(name.as_slice(), b"authorization" | b"proxy-authorization" | b"cookie")
        });
        match name.as_slice() {
            _ if becomes_get && about_body => {}
            b"host" if leaves.is_some() => out.extend_from_slice(format!("Host: {authority}\r\n").as_bytes()),
            _ if private => {}
            _ => out.extend_from_slice(line),
        }
    }
    match becomes_get {
        true => out.extend_from_slice(b"\r\n"),
        false => out.extend_from_slice(rest),
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may panic.
    use super::*;
    use std::cell::Cell;

    fn host(authority: &str) -> Host {
        Host {
            secured: None,
            login: None,
            users: Default::default(),
            root: Url::parse(&format!("http://{authority}/")).ok().map(|url| Root { url, is_named: true }),
            authority: authority.to_owned(),
            peer: "127.0.0.1:1".parse::<std::net::SocketAddr>().unwrap().into(),
            found: None,
            turn: Cell::new(0),
            from: std::sync::Arc::default(),
            source_turn: Cell::new(0),
            proxy: None,
            connections: None,
            http2: None,
            redirects: 5,
            cookies: true,
            carries_cookie: false,
            own: vec!["x-api-key".to_owned()],
        }
    }

    /// The next request after one for `/a/b?c=d`: its target, method, path and whether it has a body.
    fn go(method: &str, status: u16, location: &str) -> Result<Option<(usize, String)>, String> {
        let hosts = [host("one.test:8080"), host("two.test"), host("[::1]:9000")];
        let bytes = format!(
            "{method} /a/b?c=d HTTP/1.1\r\nHost: one.test:8080\r\nAuthorization: x\r\nX-Api-Key: k\r\nContent-Type: t\r\nContent-Length: 2\r\n\r\nhi"
        );
        let sent = Sent { target: 0, bytes: bytes.into_bytes() };
        let lines = format!("X: y\r\nLOCATION: {location}\r\n\r\n");
        let next = next(&hosts, &sent, status, lines.as_bytes())?;
        Ok(next.map(|next| (next.target, String::from_utf8(next.bytes).unwrap())))
    }

    fn line(method: &str, status: u16, location: &str) -> String {
        let (target, text) = go(method, status, location).unwrap().unwrap();
        format!("{target} {}", text.lines().next().unwrap().trim_end_matches(" HTTP/1.1"))
    }

    #[test]
    fn places() {
        for (location, to) in [
            ("/x", "0 GET /x"),
            ("x?y=1#part", "0 GET /a/x?y=1"),
            ("?y", "0 GET /a/b?y"),
            ("../x", "0 GET /x"),
            ("", "0 GET /a/b?c=d"),
            ("//two.test/x", "1 GET /x"),
            ("http://ONE.test:8080", "0 GET /"),
            ("http://two.test:80/x y", "1 GET /x%20y"),
            ("http://user:secret@two.test/", "1 GET /"),
            ("http://[0:0::1]:9000/", "2 GET /"),
        ] {
            assert_eq!(line("GET", 302, location), to, "{location}");
        }
        for location in [
            "http://one.test/",
            "http://elsewhere.test/",
            "https://two.test/",
            "ftp://two.test/",
            "http://",
            "http://a b/",
        ] {
            assert!(go("GET", 302, location).is_err(), "{location}");
        }
        for status in [200, 300, 304, 305, 404] {
            assert_eq!(go("GET", status, "/x"), Ok(None));
        }
        let hosts = [host("one.test")];
        let sent = Sent { target: 0, bytes: b"GET / HTTP/1.1\r\n\r\n".to_vec() };
        assert_eq!(next(&hosts, &sent, 302, b"X: y\r\n\r\n"), Ok(None), "an answer like any other");
        assert!(next(&hosts, &sent, 302, b"Location: /\xff\r\n\r\n").is_err());
    }

    #[test]
    fn methods_and_bodies() {
        for (method, status, becomes) in [
            ("POST", 301, "GET"),
            ("POST", 302, "GET"),
            ("POST", 303, "GET"),
            ("POST", 307, "POST"),
            ("POST", 308, "POST"),
            ("PUT", 302, "PUT"),
            ("PUT", 303, "GET"),
            ("DELETE", 303, "GET"),
            ("HEAD", 303, "HEAD"),
            ("GET", 301, "GET"),
        ] {
            let (_, text) = go(method, status, "/x").unwrap().unwrap();
            assert!(text.starts_with(&format!(
                "{becomes} /x HTTP/1.1\r\nHost: one.test:8080\r\nAuthorization: x\r\nX-Api-Key: k\r\n"
            )));
            let keeps = becomes == method;
            assert_eq!((text.contains("Content-"), text.ends_with("\r\n\r\nhi")), (keeps, keeps), "{method} {status}");
            assert!(text.contains("\r\n\r\n"));
        }
        let (_, text) = go("POST", 307, "//two.test/x").unwrap().unwrap();
        assert_eq!(text, "POST /x HTTP/1.1\r\nHost: two.test\r\nContent-Type: t\r\nContent-Length: 2\r\n\r\nhi");
    }
}
