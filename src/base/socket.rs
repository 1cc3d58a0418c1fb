//! Addresses of HTTP servers at Unix sockets, as nginx writes them: the path of the socket, and a path before those of requests.

use super::origin::{self, Origin};

/// How one begins.
const SCHEME: &str = "unix:";
/// Bytes that the kernel takes as the path of a socket (unix(7)), without the 0 at its end.
const LONGEST: usize = 107;

/// Where `unix:/run/app.sock` or `unix:/run/app.sock:/api` leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnixSocket {
    /// Absolute.
    pub file: String,
    /// What stands before the path of each request, without a `/` at its end.
    pub path: String,
}

impl UnixSocket {
    /// Whether a text begins as one does.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// Reads one, or says why requests cannot be sent to it.
    pub fn parse(text: &str) -> Result<UnixSocket, &'static str> {
        let rest = text.strip_prefix(SCHEME).ok_or("it does not start with unix:")?;
        // As a URL with an authority, which is empty.
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (file, path) = match rest.find(":/") {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (rest, ""),
        };
        if !file.starts_with('/') {
            return Err("the path of a Unix socket starts with `/`");
        }
        if file.len() > LONGEST {
            return Err("the path of a Unix socket has 107 bytes at most");
        }
        if file.contains(char::is_control) {
            return Err("the path of a Unix socket has no control characters");
        }
        Ok(UnixSocket { file: file.to_owned(), path: origin::before_paths(path)?.to_owned() })
    }

    /// The same of what is asked there: its path, and the query after it with the `?`.
    pub fn asked(text: &str) -> Result<(UnixSocket, &str), &'static str> {
        let (server, query) = text.split_at(text.find('?').unwrap_or(text.len()));
        UnixSocket::parse(server).map(|socket| (socket, query))
    }
}

/// Where an HTTP server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Server {
    At(Origin),
    Socket(UnixSocket),
}

impl Server {
    pub fn parse(text: &str) -> Result<Server, &'static str> {
        match UnixSocket::is_meant(text) {
            true => UnixSocket::parse(text).map(Server::Socket),
            false => Origin::parse(text).map(Server::At),
        }
    }
}

/// What is asked of a server, as one address.
pub fn below(server: &str, asked: &str) -> String {
    match UnixSocket::parse(server) {
        Ok(UnixSocket { file, path }) => format!("{SCHEME}{file}:{path}{asked}"),
        Err(_) => format!("{}{asked}", server.trim_end_matches('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_and_the_path_behind_them() {
        let known = |file: &str, path: &str| Ok(UnixSocket { file: file.to_owned(), path: path.to_owned() });
        assert_eq!(UnixSocket::parse("unix:/run/app.sock"), known("/run/app.sock", ""));
        assert_eq!(UnixSocket::parse("unix:///run/app.sock"), known("/run/app.sock", ""));
        assert_eq!(UnixSocket::parse("unix:/run/app.sock:/api/v2/"), known("/run/app.sock", "/api/v2"));
        assert_eq!(UnixSocket::parse("unix:/run/a:b.sock:/"), known("/run/a:b.sock", ""));
        let long = format!("unix:/{}", "a".repeat(107));
        for wrong in
            ["unix:app.sock", "unix://run/app.sock", "unix:", "unix:/a\n", "unix:/a:/b?c=d", "unix:/a:/b c", &long]
        {
            assert!(UnixSocket::parse(wrong).is_err(), "{wrong}");
        }
        let asked = UnixSocket::asked("unix:/run/app.sock:/q?x=1").unwrap();
        assert_eq!((asked.0.path.as_str(), asked.1), ("/q", "?x=1"));
        assert!(matches!(Server::parse("unix:/run/app.sock"), Ok(Server::Socket(_))));
        assert!(matches!(Server::parse("http://unix"), Ok(Server::At(_))));
        assert_eq!(below("unix:/run/a.sock", "/q?x=1"), "unix:/run/a.sock:/q?x=1");
        assert_eq!(below("http://here:1/", "/q?x=1"), "http://here:1/q?x=1");
    }
}
