//! The cookies of each user, as RFC 6265 keeps them in a browser: what answers set, and what goes with a request.
//! Nothing here is ever printed, since a session is as good as a password.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Cookies of one user; beyond it the oldest goes. Browsers keep about as many for a site.
const MOST: usize = 180;
/// A name and its value, and another attribute, as browsers take them.
const LONGEST: usize = 4096;
const LONGEST_ATTRIBUTE: usize = 1024;
/// All of one user together; beyond it the oldest go. Servers refuse heads that are larger.
const LARGEST: usize = 64 * 1024;

/// A host, and how it is spoken to.
#[derive(Debug, Clone, Copy)]
pub struct Site<'h> {
    pub host: &'h str,
    pub encrypted: bool,
}

/// The cookies of all users of a worker, by load and user; of those who have none there is nothing.
#[derive(Default)]
pub struct Cookies(RefCell<HashMap<(usize, u64), Jar>>);

impl Cookies {
    /// Takes in a `Set-Cookie` that came from a host for a path.
    pub fn take(&self, who: (usize, u64), host: Site<'_>, path: &[u8], header: &[u8]) {
        let now = jiff::Timestamp::now().as_second();
        self.0.borrow_mut().entry(who).or_default().take(host, path, header, now);
    }

    /// Appends the header line of what this user has for a host and a path; nothing where there is nothing.
    pub fn write(&self, who: (usize, u64), host: Site<'_>, path: &[u8], out: &mut Vec<u8>) {
        if let Some(jar) = self.0.borrow().get(&who) {
            jar.write(host, path, jiff::Timestamp::now().as_second(), out);
        }
    }

    pub fn has(&self, who: (usize, u64)) -> bool {
        let jars = self.0.borrow();
        !jars.is_empty() && jars.contains_key(&who)
    }

    /// Of a user who does not come back.
    pub fn forget(&self, who: (usize, u64)) {
        let mut jars = self.0.borrow_mut();
        if !jars.is_empty() {
            jars.remove(&who);
        }
    }
}

/// Puts the line of cookies at the end of a head to one that stands in it already: there is one such line (RFC 6265, 5.4).
pub fn join(head: &mut Vec<u8>, begun: usize) {
    const NAME: &[u8] = b"\r\nCookie: ";
    let Some(value) = head.get(begun + NAME.len() - 2..head.len().saturating_sub(2)).filter(|value| !value.is_empty())
    else {
        return;
    };
    let Some(at) = head[..begun].windows(NAME.len()).position(|line| line == NAME) else { return };
    let Some(length) = head[at + 2..begun].iter().position(|byte| *byte == b'\r') else { return };
    let more = [b"; ", value].concat();
    head.truncate(begun);
    let end = at + 2 + length;
    head.splice(end..end, more);
}

/// Header lines to be shown, with the names of cookies and without their values. What stands after an empty line is no
/// header.
pub fn hidden(text: &str) -> String {
    let mut in_head = true;
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        in_head &= !line.trim_end().is_empty();
        match line.split_once(':').filter(|_| in_head) {
            Some((name, value)) if name.eq_ignore_ascii_case("Cookie") => {
                let pairs: Vec<String> = value.trim().split(';').map(hidden_value).collect();
                out.push_str(&format!("{name}: {}\r\n", pairs.join(";")));
            }
            Some((name, value)) if name.eq_ignore_ascii_case("set-cookie") => {
                let (pair, attributes) = value.trim().split_once(';').unwrap_or((value.trim(), ""));
                let semicolon = if attributes.is_empty() { "" } else { ";" };
                out.push_str(&format!("{name}: {}{semicolon}{attributes}\r\n", hidden_value(pair)));
            }
            _ => out.push_str(line),
        }
    }
    out
}

fn hidden_value(pair: &str) -> String {
    pair.split_once('=').map_or_else(|| pair.to_owned(), |(name, _)| format!("{name}=***"))
}

/// In the order in which they were first set.
#[derive(Default)]
struct Jar(Vec<Cookie>);

struct Cookie {
    name: Vec<u8>,
    value: Vec<u8>,
    domain: String,
    /// Goes to this very host and to none below it.
    host_only: bool,
    path: Vec<u8>,
    secure: bool,
    /// It came where nobody listens, and goes nowhere else if it is secure.
    encrypted: bool,
    /// In seconds of 1970; without one it lasts as long as the user.
    expires: Option<i64>,
}

impl Jar {
    /// RFC 6265, 5.3.
    fn take(&mut self, site: Site<'_>, path: &[u8], header: &[u8], now: i64) {
        let Some(cookie) = parse(site, path, header, now) else { return };
        let same = |own: &Cookie| own.name == cookie.name && own.domain == cookie.domain && own.path == cookie.path;
        let old = self.0.iter().position(same);
        // RFC 6265bis, 5.7: what came encrypted is not put aside by what did not.
        if old.is_some_and(|old| self.0[old].is_protected() && !site.encrypted) {
            return;
        }
        match (old, cookie.expires.is_some_and(|at| at <= now)) {
            (Some(old), true) => drop(self.0.remove(old)),
            (None, true) => {}
            // One that is set again keeps its place.
            (Some(old), false) => self.0[old] = cookie,
            (None, false) => {
                self.0.push(cookie);
            }
        }
        while self.0.len() > MOST || self.0.iter().map(Cookie::size).sum::<usize>() > LARGEST {
            self.0.remove(0);
        }
    }

    /// RFC 6265, 5.4.
    fn write(&self, host: Site<'_>, path: &[u8], now: i64, out: &mut Vec<u8>) {
        let mut fit: Vec<&Cookie> = self.0.iter().filter(|cookie| cookie.fits(host, path, now)).collect();
        // What is for a longer path goes first; among equals the older.
        fit.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        for (index, cookie) in fit.iter().enumerate() {
            out.extend_from_slice(if index == 0 { b"Cookie: " } else { b"; " });
            out.extend_from_slice(&cookie.name);
            out.push(b'=');
            out.extend_from_slice(&cookie.value);
        }
        if !fit.is_empty() {
            out.extend_from_slice(b"\r\n");
        }
    }
}

impl Cookie {
    fn size(&self) -> usize {
        self.name.len() + self.value.len() + self.domain.len() + self.path.len()
    }

    fn is_protected(&self) -> bool {
        self.secure && self.encrypted
    }

    fn fits(&self, Site { host, encrypted }: Site<'_>, path: &[u8], now: i64) -> bool {
        let at_home = if self.host_only { host == self.domain } else { is_within(host, &self.domain) };
        at_home
            && path_matches(path, &self.path)
            && (!self.secure || encrypted || (!self.encrypted && is_own_machine(host)))
            && self.expires.is_none_or(|at| at > now)
    }
}

/// RFC 6265, 5.2: a cookie, where it is one that this host may set.
fn parse(Site { host, encrypted }: Site<'_>, path: &[u8], header: &[u8], now: i64) -> Option<Cookie> {
    let mut parts = header.split(|byte| *byte == b';');
    let (name, value) = pair(parts.next()?)?;
    if name.is_empty() || name.len() + value.len() > LONGEST {
        return None;
    }
    let mut cookie = Cookie {
        name: name.to_vec(),
        value: value.to_vec(),
        domain: host.to_owned(),
        host_only: true,
        path: default_path(path).to_vec(),
        secure: false,
        encrypted,
        expires: None,
    };
    let (mut until, mut for_seconds) = (None, None);
    for attribute in parts {
        let (name, value) = pair(attribute).unwrap_or((attribute.trim_ascii(), b""));
        if value.len() > LONGEST_ATTRIBUTE {
            continue;
        }
        match name.to_ascii_lowercase().as_slice() {
            b"expires" => until = date(value).or(until),
            b"max-age" => for_seconds = seconds(value).or(for_seconds),
            b"domain" if !value.is_empty() => {
                let domain = std::str::from_utf8(value).ok()?.to_ascii_lowercase();
                cookie.domain = domain.strip_prefix('.').unwrap_or(&domain).to_owned();
                cookie.host_only = false;
            }
            b"path" => {
                let given = value.starts_with(b"/");
                cookie.path = if given { value } else { default_path(path) }.to_vec();
            }
            b"secure" => cookie.secure = true,
            _ => {}
        }
    }
    cookie.expires = for_seconds.map(|length: i64| now.saturating_add(length)).or(until);
    // Nobody sets cookies for others, nor protected ones where anybody listens.
    let may = is_within(host, &cookie.domain) && (!cookie.secure || encrypted || is_own_machine(host));
    may.then_some(cookie)
}

fn pair(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == b'=')?;
    Some((text[..at].trim_ascii(), text[at + 1..].trim_ascii()))
}

/// RFC 6265, 5.2.2: whole seconds; zero or less means expired.
fn seconds(value: &[u8]) -> Option<i64> {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    if digits.len() < value.len() {
        return Some(0);
    }
    Some(std::str::from_utf8(digits).ok()?.parse().unwrap_or(i64::MAX))
}

/// RFC 6265, 5.1.1: whatever servers call a date.
fn date(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let parts = text.split(|c: char| matches!(c, '\t' | ' '..='/' | ';'..='@' | '['..='`' | '{'..='~'));
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for part in parts.filter(|part| !part.is_empty()) {
        if time.is_none()
            && let Some(found) = clock(part)
        {
            time = Some(found);
        } else if day.is_none()
            && let Some(found) = number(part, 1..=2)
        {
            day = Some(found);
        } else if month.is_none()
            && let Some(found) = month_of(part)
        {
            month = Some(found);
        } else if year.is_none()
            && let Some(found) = number(part, 2..=4)
        {
            year = Some(found);
        }
    }
    let year = match year? {
        short @ 70..=99 => 1900 + short,
        short @ 0..=69 => 2000 + short,
        year => year,
    };
    let (hour, minute, second) = time?;
    let at = DateTime::new(year, month?, i8::try_from(day?).ok()?, hour, minute, second, 0).ok()?;
    (year >= 1601).then(|| at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp().as_second()))?
}

/// So many digits, and then anything that is none.
fn number(part: &str, digits: std::ops::RangeInclusive<usize>) -> Option<i16> {
    let length = part.bytes().take_while(u8::is_ascii_digit).count();
    digits.contains(&length).then(|| part[..length].parse().ok())?
}

fn clock(part: &str) -> Option<(i8, i8, i8)> {
    let mut fields = part.splitn(3, ':');
    let mut whole = || fields.next().filter(|field| field.len() <= 2 && !field.is_empty())?.parse::<i8>().ok();
    let (hour, minute) = (whole()?, whole()?);
    let second = i8::try_from(number(part.splitn(3, ':').nth(2)?, 1..=2)?).ok()?;
    Some((hour, minute, second))
}

fn month_of(part: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let name = part.get(..3)?.to_ascii_lowercase();
    MONTHS.iter().position(|month| *month == name).and_then(|at| i8::try_from(at + 1).ok())
}

/// RFC 6265, 5.1.4: up to the last `/`.
fn default_path(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(last) if last > 0 && path[0] == b'/' => &path[..last],
        _ => b"/",
    }
}

fn path_matches(path: &[u8], own: &[u8]) -> bool {
    path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || own.ends_with(b"/") || rest.starts_with(b"/"))
}

/// RFC 6265, 5.1.3: the host itself, or below it; addresses have nothing below them.
fn is_within(host: &str, domain: &str) -> bool {
    let below = || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')) && !is_address(host);
    host == domain || (!domain.is_empty() && below())
}

fn is_address(host: &str) -> bool {
    host.parse::<Ipv4Addr>().is_ok() || host.starts_with('[')
}

/// Nobody can listen there, so browsers keep protected cookies for it without TLS.
fn is_own_machine(host: &str) -> bool {
    let v6 = host.trim_matches(['[', ']']).parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback());
    let v4 = host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    v4 || v6 || host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests;
