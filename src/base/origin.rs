//! Addresses of HTTP servers: scheme, host, port (an origin, RFC 6454) and a path before those of requests.

/// Where an `http://` or `https://` URL leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub https: bool,
    /// With its brackets, where it is an address of IPv6.
    pub host: String,
    pub port: u16,
    /// What stands before the path of each request, without a `/` at its end.
    pub path: String,
}

impl Origin {
    /// Whether a text begins as a whole URL does, in any case of letters.
    pub fn is_meant(text: &str) -> bool {
        let begins = |scheme: &str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
        begins("http://") || begins("https://")
    }

    /// Reads a URL, or says why it is none that requests can be sent to.
    pub fn parse(url: &str) -> Result<Origin, &'static str> {
        let (https, rest) = match url.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            Some(_) => return Err("only http:// and https:// are spoken here"),
            None => return Err("it does not start with http:// or https://"),
        };
        let (rest, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if rest == "unix:" {
            return Err("a Unix socket is written without http://, such as `unix:/run/app.sock`");
        }
        let path = before_paths(path)?;
        let port = |host: &str| !host.ends_with(':') && (!host.contains('[') || host.ends_with(']'));
        let (host, port) = match rest.rsplit_once(':').filter(|(host, _)| port(host)) {
            Some((host, port)) => (host, port.parse().map_err(|_| "the port is not a number up to 65535")?),
            None => (rest, if https { 443 } else { 80 }),
        };
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@') {
            return Err("the host is missing or malformed");
        }
        Ok(Origin { https, host: host.to_owned(), port, path: path.to_owned() })
    }
}

/// What an address says that stands before the paths of requests, without a `/` at its end.
pub(super) fn before_paths(path: &str) -> Result<&str, &'static str> {
    if path.contains(['?', '#']) {
        return Err("queries and fragments belong to the requests");
    }
    if path.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err("a path has no blanks and no `\\`");
    }
    Ok(path.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::Origin;

    #[test]
    fn urls_give_scheme_host_port_and_path() {
        let parsed = |url: &str| {
            let parts = |origin: Origin| (origin.https, origin.host, origin.port, origin.path);
            Origin::parse(url).map(parts)
        };
        let known = |https, host: &str, port, path: &str| Ok((https, host.to_owned(), port, path.to_owned()));
        assert_eq!(parsed("http://127.0.0.1:8080"), known(false, "127.0.0.1", 8080, ""));
        assert_eq!(parsed("http://[::1]:8080/"), known(false, "[::1]", 8080, ""));
        assert_eq!(parsed("https://[::1]"), known(true, "[::1]", 443, ""));
        assert_eq!(parsed("http://shop"), known(false, "shop", 80, ""));
        assert_eq!(parsed("https://shop/api/v2/"), known(true, "shop", 443, "/api/v2"));
        for wrong in [
            "shop",
            "ftp://shop",
            "http://shop:99999",
            "http://me@shop",
            "http://",
            "http://shop/?a=1",
            "http://unix:/run/app.sock",
        ] {
            assert!(Origin::parse(wrong).is_err(), "{wrong}");
        }
    }
}
