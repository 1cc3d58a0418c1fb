//! Addresses of HTTP proxies: `http://user:password@host:port`.

use super::database::decoded;
use super::origin::Origin;

/// Where a proxy is, and who asks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyAddress {
    pub login: Option<Login>,
    /// With its brackets, where it is an address of IPv6.
    pub host: String,
    pub port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub user: String,
    pub password: String,
}

impl ProxyAddress {
    /// Reads one, or says why it is none, in words without what was written.
    pub fn parse(text: &str) -> Result<ProxyAddress, &'static str> {
        let rest = match text.split_once("://") {
            Some(("http", rest)) => rest,
            Some(("https", _)) => return Err("the way to a proxy is not encrypted, so it starts with http://"),
            Some(_) | None => return Err("it does not start with http://"),
        };
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, rest),
        };
        let Origin { host, port, path, .. } = Origin::parse(&format!("http://{place}"))?;
        if !path.is_empty() {
            return Err("a proxy has no path");
        }
        let login = login.map(|login| {
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            let plain = |text: &str| decoded(text).ok_or("a `%` in its user or password begins no byte in hexadecimal");
            Ok::<_, &str>(Login { user: plain(user)?, password: plain(password)? })
        });
        let login = login.transpose()?;
        if login.as_ref().is_some_and(|login| login.user.contains(':')) {
            return Err("a user has no `:` (RFC 7617), which ends it");
        }
        Ok(ProxyAddress { login, host, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_have_hosts_and_maybe_somebody_who_asks() {
        let read = |text: &str| {
            let of =
                |proxy: ProxyAddress| (proxy.login.map(|login| (login.user, login.password)), proxy.host, proxy.port);
            ProxyAddress::parse(text).map(of)
        };
        let login = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        assert_eq!(read("http://proxy:3128"), Ok((None, "proxy".to_owned(), 3128)));
        assert_eq!(read("http://[::1]:3128/"), Ok((None, "[::1]".to_owned(), 3128)));
        assert_eq!(read("http://me:p%40s%2Fs@w@proxy"), Ok((login("me", "p@s/s@w"), "proxy".to_owned(), 80)));
        assert_eq!(read("http://me@proxy:1"), Ok((login("me", ""), "proxy".to_owned(), 1)));
        for wrong in
            ["proxy:3128", "https://proxy", "socks5://proxy", "http://proxy/a", "http://me:%zz@proxy", "http://"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
