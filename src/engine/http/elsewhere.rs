//! What goes along to another target than the scenario itself has named for a step: where an answer leads, no secret does.

use super::redirect::head_end;
use crate::engine::secret::Mask;

/// The secrets of a run, and those that an iteration has computed.
pub struct Secrets<'m> {
    known: &'m Mask,
    own: Mask,
}

impl<'m> Secrets<'m> {
    pub fn new(known: &'m Mask, own: &[String]) -> Secrets<'m> {
        Secrets { known, own: Mask::new(own) }
    }

    /// Leaves out the header lines of a request that hold a secret. A line with what is asked, or a body, cannot be left out.
    pub fn leave_out(&self, request: &mut Vec<u8>, body: &[u8]) -> Result<(), String> {
        let end = head_end(request);
        let mut lines = request[..end].split_inclusive(|byte| *byte == b'\n');
        if lines.next().is_some_and(|asked| self.hides(asked)) {
            return Err("it leads to another target, and what it asks for holds a secret".to_owned());
        }
        if self.hides(body) || self.hides(request.get(end + 2..).unwrap_or_default()) {
            return Err("it leads to another target, and its body holds a secret".to_owned());
        }
        let first = request[..end].iter().position(|byte| *byte == b'\n').map_or(end, |at| at + 1);
        let mut left = request[..first].to_vec();
        for line in request[first..end].split_inclusive(|byte| *byte == b'\n').filter(|line| !self.hides(line)) {
            left.extend_from_slice(line);
        }
        left.extend_from_slice(&request[end..]);
        *request = left;
        Ok(())
    }

    fn hides(&self, bytes: &[u8]) -> bool {
        let text = String::from_utf8_lossy(bytes);
        self.known.hides(&text) || self.own.hides(&text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may panic.
    use super::*;

    #[test]
    fn no_secret_goes_along() {
        let known = Mask::new(&["hunter2-key".to_owned()]);
        let own = ["computed-of-it".to_owned()];
        let secrets = Secrets::new(&known, &own);
        let went = |request: &str, body: &str| {
            let mut bytes = request.as_bytes().to_vec();
            secrets.leave_out(&mut bytes, body.as_bytes()).map(|()| String::from_utf8(bytes).unwrap())
        };
        let head = "GET /x HTTP/1.1\r\nHost: b\r\nX-Key: hunter2-key\r\nY: z\r\nAuthorization: Basic dTpodW50ZXIyLWtleQ==\r\nSigned: computed-of-it\r\n\r\n";
        assert_eq!(went(head, "").unwrap(), "GET /x HTTP/1.1\r\nHost: b\r\nY: z\r\n\r\n");
        assert!(went("GET /x?k=hunter2-key HTTP/1.1\r\n\r\n", "").unwrap_err().contains("asks for"));
        assert!(went(head, "{\"k\":\"hunter2-key\"}").unwrap_err().contains("body"));
        assert!(went("POST / HTTP/1.1\r\nHost: b\r\n\r\nk=computed-of-it", "").unwrap_err().contains("body"));
    }
}
