//! What may be sent to a target other than the one that the scenario names for a step: no secret goes where an answer leads.

use super::redirect::head_end;
use super::template::AGENT;
use crate::engine::secret::Mask;
use crate::wire::http1::CHUNKED;

/// The secrets of a run, and those that an iteration has computed.
pub struct Secrets<'m> {
    known: &'m Mask,
    own: Mask,
}

impl<'m> Secrets<'m> {
    pub fn new(known: &'m Mask, own: &[String]) -> Secrets<'m> {
        Secrets { known, own: Mask::new(own) }
    }

    /// Leaves out the header lines of a request to this authority that hold a secret, and gives where its trace context stands then. A line with
    /// what is asked, or how long the body is, cannot be left out, nor can a body.
    pub fn leave_out(
        &self,
        request: &mut Vec<u8>,
        trace: Option<usize>,
        authority: &str,
        body: &[u8],
    ) -> Result<Option<usize>, String> {
        if self.known.is_empty() && self.own.is_empty() {
            return Ok(trace);
        }
        let end = head_end(request);
        if end > LONGEST_HEAD {
            let most = LONGEST_HEAD >> 10;
            return Err(format!(
                "it leads to another target, and what it asks for and its headers take more than {most} KiB"
            ));
        }
        let mut lines = request[..end].split_inclusive(|byte| *byte == b'\n');
        let asked = lines.next().unwrap_or_default();
        if self.hides(asked) {
            return Err("it leads to another target, and what it asks for holds a secret".to_owned());
        }
        // The work is done while others wait.
        if body.len().max(request.len() - end) > JUDGED {
            return Err(format!(
                "it leads to another target, and its body has more than {} KiB, in which no secret is looked for",
                JUDGED >> 10
            ));
        }
        if self.hides(body) || self.hides(request.get(end + 2..).unwrap_or_default()) {
            return Err("it leads to another target, and its body holds a secret".to_owned());
        }
        let (mut left, mut at, mut trace_left) = (asked.to_vec(), asked.len(), None);
        for line in lines {
            let within = trace.and_then(|trace| trace.checked_sub(at)).filter(|within| *within < line.len());
            at += line.len();
            match (within, header(line)) {
                (Some(within), _) => trace_left = Some(left.len() + within),
                (None, (name, value)) if is_ours(name, value, authority) => {}
                (None, _) if !self.hides(line) => {}
                (None, (name, _)) if FRAMING.iter().any(|framing| name.eq_ignore_ascii_case(framing.as_bytes())) => {
                    let name = String::from_utf8_lossy(name);
                    return Err(format!("it leads to another target, and its header `{name}` holds a secret"));
                }
                (None, _) => continue,
            }
            left.extend_from_slice(line);
        }
        left.extend_from_slice(&request[end..]);
        *request = left;
        Ok(trace_left)
    }

    fn hides(&self, bytes: &[u8]) -> bool {
        let text = String::from_utf8_lossy(bytes);
        self.known.hides(&text) || self.own.hides(&text)
    }
}

/// Bytes of a body that are looked through for secrets.
const JUDGED: usize = 256 << 10;

/// Bytes of what is asked for and of the headers; servers take fewer.
const LONGEST_HEAD: usize = 64 << 10;

/// Without these a request is another one.
const FRAMING: [&str; 4] = ["Host", "Content-Length", "Transfer-Encoding", "Connection"];

/// The name of a header, and its value.
fn header(line: &[u8]) -> (&[u8], &[u8]) {
    let (name, value) = line.split_at(line.iter().position(|byte| *byte == b':').unwrap_or(line.len()));
    (name, value.strip_prefix(b":").unwrap_or(value).trim_ascii())
}

/// What each request says, whatever the scenario has for secrets: a word of a name may be one.
fn is_ours(name: &[u8], value: &[u8], authority: &str) -> bool {
    let says = |own: &str, text: &str| name.eq_ignore_ascii_case(own.as_bytes()) && value == text.as_bytes();
    says("Host", authority)
        || says("User-Agent", AGENT)
        || says("Accept", "*/*")
        || says("Connection", "close")
        || says("Transfer-Encoding", CHUNKED)
        || name.eq_ignore_ascii_case(b"Content-Length") && value.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may panic.
    use super::*;
    use crate::engine::http::redirect::trace_place;

    #[test]
    fn no_secret_goes_along() {
        let known = Mask::new(&["hunter2-key".to_owned()]);
        let own = ["computed-of-it".to_owned()];
        let secrets = Secrets::new(&known, &own);
        let went = |request: &str, body: &str| {
            let mut bytes = request.as_bytes().to_vec();
            let trace = trace_place(&bytes);
            let trace = secrets.leave_out(&mut bytes, trace, "b:41002", body.as_bytes())?;
            assert_eq!(trace, trace_place(&bytes));
            Ok::<_, String>(String::from_utf8(bytes).unwrap())
        };
        let head = "GET /x HTTP/1.1\r\nHost: b\r\nX-Key: hunter2-key\r\nY: z\r\nAuthorization: Basic dTpodW50ZXIyLWtleQ==\r\nSigned: computed-of-it\r\n\r\n";
        assert_eq!(went(head, "").unwrap(), "GET /x HTTP/1.1\r\nHost: b\r\nY: z\r\n\r\n");
        // What this program says itself is not said by the scenario.
        for word in ["b", "41002", "stressc", "1234-5678", "17", "Host"] {
            let known = Mask::new(&[word.to_owned()]);
            let secrets = Secrets::new(&known, &[]);
            let whole = format!(
                "POST /x HTTP/1.1\r\nHost: b:41002\r\nUser-Agent: {AGENT}\r\nX-Key: {word}\r\ntraceparent: 1234-5678\r\nContent-Length: 17\r\n\r\n"
            );
            let mut bytes = whole.clone().into_bytes();
            let trace = trace_place(&bytes);
            let trace = secrets.leave_out(&mut bytes, trace, "b:41002", b"");
            assert_eq!(trace, Ok(trace_place(&bytes)), "{word}");
            assert!(trace_place(&bytes).is_some());
            assert_eq!(String::from_utf8(bytes).unwrap(), whole.replace(&format!("X-Key: {word}\r\n"), ""), "{word}");
        }
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(LONGEST_HEAD));
        assert!(went(&long, "").unwrap_err().contains("more than 64 KiB"));
        assert!(went(head, &"a".repeat(JUDGED + 1)).unwrap_err().contains("more than 256 KiB"));
        let mut bytes = head.as_bytes().to_vec();
        let none = Mask::default();
        let without = Secrets::new(&none, &[]);
        assert_eq!(without.leave_out(&mut bytes, None, "b", &[b'a'; JUDGED + 1]), Ok(None));
        assert_eq!(bytes, head.as_bytes());
        assert!(went("GET /x HTTP/1.1\r\nHost: hunter2-key\r\n\r\n", "").unwrap_err().contains("`Host`"));
        assert!(went("GET /x?k=hunter2-key HTTP/1.1\r\n\r\n", "").unwrap_err().contains("asks for"));
        assert!(went(head, "{\"k\":\"hunter2-key\"}").unwrap_err().contains("body"));
        assert!(went("POST / HTTP/1.1\r\nHost: b\r\n\r\nk=computed-of-it", "").unwrap_err().contains("body"));
    }
}
