//! Hosts as addresses name them, patterns of hosts, and which hosts are this machine, decided without a lookup.

use super::socket::UnixSocket;
use std::fmt;
// Of core, which opens nothing.
use core::net::{IpAddr, Ipv4Addr};

/// Where services and links of a run listen.
pub const OF_SERVICES: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Where an address leads: a name or a literal address without brackets, in lower case, and a port where it says one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    pub name: String,
    pub port: Option<u16>,
}

impl Host {
    pub fn new(name: &str, port: Option<u16>) -> Host {
        let name = name.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
        Host { name, port }
    }

    /// That of a URL or of `host:port`. Those of databases have a reader of their own.
    pub fn of(address: &str) -> Host {
        if let Ok(UnixSocket { file, .. }) = UnixSocket::parse(address) {
            return Host { name: file, port: None };
        }
        let (_, rest) = address.split_once("://").unwrap_or(("", address));
        let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        let (name, port) = port_of(rest);
        Host::new(name, port.and_then(|port| port.parse().ok()))
    }

    /// Whether an address that its name was resolved to is one of where the name says it is: what is taken for this machine
    /// must be here.
    pub fn may_be_at(&self, address: IpAddr) -> bool {
        !self.is_here() || Host::new(&address.to_string(), None).is_here()
    }

    fn address(&self) -> Option<IpAddr> {
        self.name.parse().ok().map(|address: IpAddr| address.to_canonical())
    }

    /// Whether only this machine reaches what listens there. What listens at no address in particular is reached from everywhere.
    pub fn is_loopback(&self) -> bool {
        self.is_here() && self.address().is_none_or(|address| address.is_loopback()) && !self.name.is_empty()
    }

    /// Loopback addresses, `localhost` (RFC 6761, 6.3) and paths of sockets. What other names mean is for a resolver to
    /// say, and may be something else tomorrow.
    pub fn is_here(&self) -> bool {
        match self.address() {
            // A client that connects to no address in particular comes to itself.
            Some(address) => address.is_loopback() || address.is_unspecified(),
            None => {
                let name = self.name.as_str();
                matches!(name, "" | "localhost") || name.ends_with(".localhost") || name.starts_with('/')
            }
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) if self.name.contains(':') => write!(f, "[{}]:{port}", self.name),
            Some(port) => write!(f, "{}:{port}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Which hosts are meant: one, all below a name, or those of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    One(Host),
    /// With the dot in front: all that end so, and not the name itself.
    Below(Host),
    Network(IpAddr, u8),
}

/// Why a text is no pattern, and what may have been meant.
#[derive(Debug, PartialEq, Eq)]
pub struct NoPattern {
    pub why: &'static str,
    pub instead: Option<String>,
}

fn no(why: &'static str) -> NoPattern {
    NoPattern { why, instead: None }
}

impl Pattern {
    pub fn parse(text: &str) -> Result<Pattern, NoPattern> {
        if text.is_empty() || text.contains(char::is_whitespace) {
            return Err(no("a host is there and has no blanks in it"));
        }
        if text.contains("://") || text.contains('@') {
            let why = "a host stands without a scheme, a user and a path";
            return Err(NoPattern { why, instead: Some(Host::of(text).to_string()).filter(|host| !host.is_empty()) });
        }
        if let Some((address, bits)) = text.split_once('/') {
            return network(address, bits);
        }
        if matches!(text, "*" | "*.") {
            return Err(no("this would allow every host there is"));
        }
        let (name, port) = port_of(text);
        let port = match port.map(str::parse) {
            None => None,
            Some(Ok(0) | Err(_)) => return Err(no("a port is a whole number from 1 to 65535")),
            Some(Ok(port)) => Some(port),
        };
        let host = Host::new(name, port);
        let below = host.name.strip_prefix("*.");
        let plain = below.unwrap_or(&host.name);
        if plain.contains('*') {
            let behind = plain.trim_start_matches(['*', '.']);
            let one = text.starts_with('*') && !behind.is_empty() && !behind.contains('*');
            let instead = one.then(|| Host { name: format!("*.{behind}"), port }.to_string());
            return Err(NoPattern { why: "a `*` stands for what is before a dot, at the start", instead });
        }
        let is_label = |label: &str| {
            let known = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
            !label.is_empty() && label.chars().all(known)
        };
        match (plain.parse::<IpAddr>(), below) {
            (Ok(_), None) => Ok(Pattern::One(host)),
            (Ok(_), Some(_)) => Err(no("addresses are allowed together as a network, such as 10.1.0.0/16")),
            (Err(_), _) if !plain.split('.').all(is_label) => Err(no("this is no name of a host, and no address")),
            (Err(_), None) => Ok(Pattern::One(host)),
            (Err(_), Some(plain)) => Ok(Pattern::Below(Host { name: format!(".{plain}"), port })),
        }
    }

    /// A name is in no network, whatever it resolves to.
    pub fn is(&self, host: &Host) -> bool {
        let port = |own: &Host| own.port.is_none() || own.port == host.port;
        match self {
            Pattern::One(own) => {
                port(own) && (own.name == host.name || (own.address().is_some() && own.address() == host.address()))
            }
            Pattern::Below(own) => port(own) && host.address().is_none() && host.name.ends_with(&own.name),
            Pattern::Network(network, bits) => host.address().is_some_and(|address| masked(address, *bits) == *network),
        }
    }
}

/// What stands before the port, and the port. An address of IPv6 has one only behind brackets.
fn port_of(text: &str) -> (&str, Option<&str>) {
    if let Some((name, behind)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (name, behind.strip_prefix(':'));
    }
    match text.split_once(':') {
        Some((name, port)) if !port.contains(':') => (name, Some(port)),
        _ => (text, None),
    }
}

fn network(address: &str, bits: &str) -> Result<Pattern, NoPattern> {
    let Ok(address) = address.trim_matches(['[', ']']).parse::<IpAddr>() else {
        let why = "a host stands without a path; a network begins with an address, such as 10.1.0.0/16";
        return Err(NoPattern { why, instead: Pattern::parse(address).is_ok().then(|| address.to_owned()) });
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    match bits.parse() {
        Ok(0) => Err(no("this would allow every address there is")),
        Ok(bits) if bits <= most => {
            let network = masked(address, bits);
            let why = "this address has bits beyond the length of its network";
            let instead = || Some(format!("{network}/{bits}"));
            if network == address {
                Ok(Pattern::Network(network, bits))
            } else {
                Err(NoPattern { why, instead: instead() })
            }
        }
        _ if most == 32 => Err(no("the length of a network of IPv4 is a whole number from 1 to 32")),
        _ => Err(no("the length of a network of IPv6 is a whole number from 1 to 128")),
    }
}

/// The first bits of an address, the others 0. Of another family than the network's it equals none.
fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32u32.saturating_sub(u32::from(bits))).unwrap_or(0);
            IpAddr::V4((u32::from(address) & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128u32.saturating_sub(u32::from(bits))).unwrap_or(0);
            IpAddr::V6((u128::from(address) & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_hosts() {
        for (address, host) in [
            ("http://Shop.Example.com/a?host=x", "shop.example.com"),
            ("http://shop.example.com.:8080", "shop.example.com:8080"),
            ("10.0.0.1:5432", "10.0.0.1:5432"),
            ("http://[2001:DB8::1]:9000/", "[2001:db8::1]:9000"),
            ("unix:/run/App.sock:/api", "/run/App.sock"),
        ] {
            assert_eq!(Host::of(address).to_string(), host, "{address}");
        }
    }

    #[test]
    fn only_what_is_surely_here_is() {
        for host in
            ["127.0.0.1", "127.9.9.9:80", "[::1]:80", "::ffff:127.0.0.1", "0.0.0.0", "LOCALHOST.", "a.localhost:1"]
        {
            assert!(Host::of(host).is_here(), "{host}");
        }
        for host in ["10.0.0.1", "localhost.example.com", "notlocalhost", "127.1", "0x7f.0.0.1", "::2", "192.0.2.1:80"]
        {
            assert!(!Host::of(host).is_here(), "{host}");
        }
        assert!(Host::new("/run/postgresql", None).is_here() && Host::of("unix:/run/app.sock").is_here());
    }

    #[test]
    fn what_is_taken_for_this_machine_is_found_there() {
        let may = |host: &str, address: &str| Host::of(host).may_be_at(address.parse().unwrap());
        assert!(may("shop.localhost:80", "127.0.0.1") && may("localhost", "::1") && may("0.0.0.0", "0.0.0.0"));
        assert!(!may("shop.localhost:80", "192.0.2.1") && !may("LOCALHOST.", "2001:db8::1"));
        assert!(may("shop.example.com", "192.0.2.1") && may("shop.example.com", "127.0.0.1"));
    }

    #[test]
    fn patterns_are_what_they_say_and_no_more() {
        for (pattern, yes, not) in [
            ("Shop.example.com", &["shop.example.com", "shop.example.com:8080"][..], &["a.shop.example.com"][..]),
            ("shop.example.com:80", &["shop.example.com:80"], &["shop.example.com:81", "shop.example.com"]),
            ("*.example.com", &["a.example.com:1", "a.b.example.com"], &["example.com", "badexample.com"]),
            ("*.example.com:80", &["a.example.com:80"], &["a.example.com:81"]),
            ("10.1.0.0/16", &["10.1.0.0", "10.1.255.255:80"], &["10.2.0.0", "10.1.0.0.example.com", "::a01:0"]),
            ("10.1.2.3/32", &["10.1.2.3", "::ffff:10.1.2.3"], &["10.1.2.4"]),
            ("2001:db8::/32", &["2001:db8:1::9", "[2001:db8::1]:80"], &["2001:db9::", "32.1.13.184"]),
            ("[2001:db8::1]:80", &["[2001:db8::1]:80"], &["[2001:db8::1]:81"]),
            ("2001:db8::1", &["[2001:DB8:0::1]:81"], &["2001:db8::2"]),
        ] {
            let parsed = Pattern::parse(pattern).unwrap();
            yes.iter().for_each(|host| assert!(parsed.is(&Host::of(host)), "{pattern} is {host}"));
            not.iter().for_each(|host| assert!(!parsed.is(&Host::of(host)), "{pattern} is not {host}"));
        }
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        for (text, instead) in [
            ("", None),
            ("*", None),
            ("a b", None),
            ("0.0.0.0/0", None),
            ("::/0", None),
            ("10.1.2.3/16", Some("10.1.0.0/16")),
            ("10.1.2.3/33", None),
            ("2001:db8::1/32", Some("2001:db8::/32")),
            ("10.1.2.3/x", None),
            ("http://shop.example.com:80/a", Some("shop.example.com:80")),
            ("shop.example.com/a", Some("shop.example.com")),
            ("*staging.example.com", Some("*.staging.example.com")),
            ("api.*.com", None),
            ("*.10.1.2.3", None),
            ("shop..com", None),
            ("shop:0", None),
            ("shop:http", None),
            ("shop$", None),
        ] {
            assert_eq!(Pattern::parse(text).unwrap_err().instead.as_deref(), instead, "{text}");
        }
    }
}
