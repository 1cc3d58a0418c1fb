//! URLs of databases, parsed once, so that the host that is judged is the host that the driver gets.

use super::hosts::Host;
use url::Url;

/// What a URL says. What it does not say is not taken from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    pub place: ServerAddress,
    pub port: Option<u16>,
    pub user: Option<String>,
    pub password: Option<String>,
    pub name: Option<String>,
    pub ssl: Option<String>,
    pub is_postgres: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerAddress {
    /// On this machine, wherever its servers listen as a rule.
    Usual,
    /// The path of a socket, or of the directory that it lies in.
    Socket(String),
    Host(Host),
}

/// Whether a connection is encrypted, as far as a URL says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    NotSaid,
    Off,
    /// By whatever certificate the server shows.
    Unverified,
    Verified,
}

/// The parameters of other clients that are entries of a `tls:` here.
const ENTRIES: [(&str, &str); 6] = [
    ("sslrootcert", "ca"),
    ("sslcert", "cert"),
    ("sslkey", "key"),
    ("ssl-ca", "ca"),
    ("ssl-cert", "cert"),
    ("ssl-key", "key"),
];

/// The schemes, and whether their parameters are those of PostgreSQL.
const SCHEMES: [(&str, bool); 4] = [("postgres", true), ("postgresql", true), ("mysql", false), ("mariadb", false)];

impl Database {
    pub fn is_meant(url: &str) -> bool {
        url.split_once("://").is_some_and(|(scheme, _)| SCHEMES.iter().any(|(own, _)| *own == scheme))
    }

    /// Says why a text is no URL of a database.
    pub fn of(text: &str) -> Result<Database, String> {
        let wrong =
            |why: &str| format!("its address is no URL of a database, such as `postgres://user@host/name`: {why}");
        let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        let scheme = SCHEMES.iter().find(|(scheme, _)| *scheme == url.scheme());
        let (_, is_postgres) = scheme.ok_or_else(|| wrong("its scheme is that of none"))?;
        let own = Database::read(&url, *is_postgres).ok_or_else(|| wrong("a part of it cannot be read"))?;
        let Some(name) = Database::unknown(&url, *is_postgres) else { return Ok(own) };
        Err(match ENTRIES.iter().find(|(own, _)| *own == name) {
            Some((_, entry)) => wrong(&format!("instead of its parameter `{name}`, write `tls: {{ {entry}: … }}`")),
            None => wrong(&format!("its parameter `{name}` changes nothing here; leave it out")),
        })
    }

    /// A parameter that nobody would heed.
    fn unknown(url: &Url, is_postgres: bool) -> Option<String> {
        const POSTGRES: [&str; 8] = ["sslmode", "ssl-mode", "host", "hostaddr", "port", "dbname", "user", "password"];
        const MYSQL: [&str; 3] = ["sslmode", "ssl-mode", "socket"];
        let known: &[&str] = if is_postgres { &POSTGRES } else { &MYSQL };
        url.query_pairs().map(|(key, _)| key.into_owned()).find(|key| !known.contains(&key.as_str()))
    }

    fn read(url: &Url, is_postgres: bool) -> Option<Database> {
        let some = |text: &str| decoded(text).map(|text| Some(text).filter(|text| !text.is_empty()));
        let mut host = some(url.host_str().unwrap_or_default())?;
        let mut socket = host.take_if(|host| host.starts_with('/'));
        let mut own = Database {
            place: ServerAddress::Usual,
            port: url.port(),
            user: some(url.username())?,
            password: url.password().map(decoded).map_or(Some(None), |text| text.map(Some))?,
            name: some(url.path().trim_start_matches('/'))?,
            ssl: None,
            is_postgres,
        };
        for (key, value) in url.query_pairs() {
            let value = value.into_owned();
            match &*key {
                "sslmode" | "ssl-mode" => own.ssl = Some(value),
                "socket" if !is_postgres => socket = Some(value),
                "host" if is_postgres && value.starts_with('/') => socket = Some(value),
                "host" | "hostaddr" if is_postgres => host = Some(value),
                "port" if is_postgres => own.port = Some(value.parse().ok()?),
                "dbname" if is_postgres => own.name = Some(value),
                "user" if is_postgres => own.user = Some(value),
                "password" if is_postgres => own.password = Some(value),
                _ => {}
            }
        }
        own.place = match (socket, host) {
            (Some(socket), _) => ServerAddress::Socket(socket),
            (None, Some(host)) => ServerAddress::Host(Host::new(&host, own.port)),
            (None, None) => ServerAddress::Usual,
        };
        Some(own)
    }

    /// What it says of encryption. A mode that leaves it to the server whether there is any is refused: two runs would not measure the
    /// same.
    pub fn encryption(&self) -> Result<Encryption, String> {
        let Some(mode) = &self.ssl else { return Ok(Encryption::NotSaid) };
        let (name, full) = if self.is_postgres { ("sslmode", "verify-full") } else { ("ssl-mode", "VERIFY_IDENTITY") };
        match mode.to_ascii_lowercase().replace('_', "-").as_str() {
            "disable" | "disabled" => Ok(Encryption::Off),
            "require" | "required" => Ok(Encryption::Unverified),
            "verify-full" | "verify-identity" => Ok(Encryption::Verified),
            "verify-ca" => Err(format!(
                "`{name}={mode}` would accept a certificate of any host; write `{full}`, and `tls: {{ server_name: … }}` for a \
                 certificate with another name"
            )),
            "allow" | "prefer" | "preferred" => Err(format!(
                "`{name}={mode}` leaves it to the server whether the load is encrypted; write `disable` or `require`"
            )),
            _ => Err(format!("`{name}={mode}` is not a mode; write `disable`, `require` or `{full}`")),
        }
    }

    /// Whether it names a socket of this machine.
    pub fn is_socket(&self) -> bool {
        matches!(self.place, ServerAddress::Socket(_))
    }

    /// The port of its kind where it names none.
    pub fn port_or_usual(&self) -> u16 {
        self.port.unwrap_or(if self.is_postgres { 5432 } else { 3306 })
    }

    /// The host that a connection reaches.
    pub fn host(&self) -> Host {
        match &self.place {
            ServerAddress::Usual => Host::new("localhost", self.port),
            ServerAddress::Socket(path) => Host::new(path, None),
            ServerAddress::Host(host) => host.clone(),
        }
    }
}

/// Without its percent signs (RFC 3986, 2.1).
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high << 4 | low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_where_its_driver_goes() {
        for (url, host) in [
            ("postgres://me:secret@db.example.com:5432/shop?sslmode=disable", "db.example.com:5432"),
            ("postgres://localhost/shop?sslmode=disable&host=db.example.com", "db.example.com"),
            ("postgres://localhost/shop?h%6Fst=evil.example", "evil.example"),
            ("postgres://localhost/shop?hostaddr=192.0.2.1&port=99", "192.0.2.1:99"),
            ("postgres://localhost/shop?host=one.example&host=two.example", "two.example"),
            ("postgres://evil.example/shop?host=%2Frun%2Fpostgresql&host=other.example", "/run/postgresql"),
            ("postgresql://%2Frun%2Fpostgresql/shop", "/run/postgresql"),
            ("postgres://ev%69l.example/shop", "evil.example"),
            ("postgres://u:p%40localhost@evil.example/shop#@localhost", "evil.example"),
            ("postgres:///shop", "localhost"),
            ("postgres://[2001:db8::1]:5433/shop", "[2001:db8::1]:5433"),
            ("mysql://evil.example/shop?socket=/run/mysqld/mysqld.sock", "/run/mysqld/mysqld.sock"),
            ("mysql://root@127.0.0.1:3307/shop", "127.0.0.1:3307"),
        ] {
            assert_eq!(Database::of(url).unwrap().host().to_string(), host, "{url}");
        }
        for url in ["http://localhost/", "localhost/shop", "postgres://local\0host/shop", "postgres://a%zz/shop"] {
            assert!(Database::of(url).is_err(), "{url}");
        }
        for (url, name) in [
            // The driver of MySQL knows no such parameter.
            ("mysql://evil.example/shop?host=localhost", "`host`"),
            ("postgres://localhost/shop?sslrootcert=/ca.pem", "write `tls: { ca: … }`"),
            ("mysql://localhost/shop?ssl-key=/own.key", "write `tls: { key: … }`"),
            ("postgres://localhost/shop?pool=4", "`pool` changes nothing"),
        ] {
            assert!(Database::of(url).is_err_and(|why| why.contains(name)), "{url}");
        }
        let own = Database::of("postgres://m%65:s%2Fx@h/a%20b?ssl-mode=disable").unwrap();
        let given = [own.user, own.password, own.name, own.ssl];
        assert_eq!(given.map(Option::unwrap_or_default), ["me", "s/x", "a b", "disable"]);
    }

    #[test]
    fn a_mode_says_whether_it_is_encrypted_or_is_refused() {
        let said = |url: &str| Database::of(url).unwrap().encryption();
        for (url, encryption) in [
            ("postgres://h/a", Encryption::NotSaid),
            ("postgres://h/a?sslmode=disable", Encryption::Off),
            ("postgres://h/a?sslmode=require", Encryption::Unverified),
            ("postgres://h/a?sslmode=verify-full", Encryption::Verified),
            ("mysql://h/a?ssl-mode=DISABLED", Encryption::Off),
            ("mysql://h/a?ssl-mode=REQUIRED", Encryption::Unverified),
            ("mysql://h/a?ssl-mode=VERIFY_IDENTITY", Encryption::Verified),
        ] {
            assert_eq!(said(url), Ok(encryption), "{url}");
        }
        for (url, why) in [
            ("postgres://h/a?sslmode=prefer", "`sslmode=prefer` leaves it to the server"),
            ("postgres://h/a?sslmode=allow", "leaves it to the server"),
            ("postgres://h/a?sslmode=verify-ca", "write `verify-full`"),
            ("mysql://h/a?ssl-mode=VERIFY_CA", "write `VERIFY_IDENTITY`"),
            ("mysql://h/a?ssl-mode=off", "`ssl-mode=off` is not a mode"),
        ] {
            assert!(said(url).is_err_and(|told| told.contains(why)), "{url}: {:?}", said(url));
        }
    }
}
