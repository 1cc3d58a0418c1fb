//! Cookies as RFC 6265 has them.
#![allow(clippy::unwrap_used)] // A test may panic.

use super::*;

const NOW: i64 = 1_800_000_000;

fn plain(host: &str) -> Site<'_> {
    Site { host, encrypted: false }
}

fn jar(host: &str, path: &str, headers: &[&str]) -> Jar {
    let mut jar = Jar::default();
    headers.iter().for_each(|header| jar.take(plain(host), path.as_bytes(), header.as_bytes(), NOW));
    jar
}

fn sent(jar: &Jar, host: &str, path: &str, later: i64) -> String {
    let mut out = Vec::new();
    jar.write(plain(host), path.as_bytes(), NOW + later, &mut out);
    String::from_utf8(out).unwrap().trim_start_matches("Cookie: ").trim_end().to_owned()
}

#[test]
fn names_and_values() {
    for (header, cookie) in [
        ("a=b", "a=b"),
        ("  a  =  b  ; HttpOnly; SameSite=Lax", "a=b"),
        ("a=b=c; x", "a=b=c"),
        ("a=\"b c\"", "a=\"b c\""),
        ("a=", "a="),
        ("=b", ""),
        ("a", ""),
        ("", ""),
    ] {
        assert_eq!(sent(&jar("h.test", "/", &[header]), "h.test", "/", 0), cookie, "{header}");
    }
    let long = format!("a={}", "b".repeat(5000));
    assert_eq!(sent(&jar("h.test", "/", &[&long]), "h.test", "/", 0), "");
}

#[test]
fn set_again_and_ended() {
    let mut jar = jar("h.test", "/", &["a=1", "b=2", "a=3", "c=4; Max-Age=10", "d=5; Max-Age=-1", "e=6; max-age=x"]);
    assert_eq!(sent(&jar, "h.test", "/", 0), "a=3; b=2; c=4; e=6");
    assert_eq!(sent(&jar, "h.test", "/", 10), "a=3; b=2; e=6");
    jar.take(plain("h.test"), b"/", b"b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", NOW);
    jar.take(plain("h.test"), b"/", b"a=9; Max-Age=5; Expires=Thu, 01 Jan 1970 00:00:00 GMT", NOW);
    assert_eq!(sent(&jar, "h.test", "/", 0), "a=9; c=4; e=6", "`Max-Age` goes before `Expires`");
    for number in 0..1000 {
        jar.take(plain("h.test"), b"/", format!("n{number}=x").as_bytes(), NOW);
    }
    assert_eq!(jar.0.len(), MOST);
    for number in 0..100 {
        jar.take(plain("h.test"), b"/", format!("n{number}={}", "x".repeat(4000)).as_bytes(), NOW);
    }
    assert!(jar.0.len() <= 16 && sent(&jar, "h.test", "/", 0).contains("n99="), "{}", jar.0.len());
}

#[test]
fn paths() {
    let all = jar("h.test", "/shop/cart", &["a=1", "b=2; Path=/", "c=3; Path=/shop/cart/", "d=4; Path=shop"]);
    assert_eq!(sent(&all, "h.test", "/shop/cart/1", 0), "c=3; a=1; d=4; b=2");
    assert_eq!(sent(&all, "h.test", "/shop/cart", 0), "a=1; d=4; b=2");
    assert_eq!(sent(&all, "h.test", "/shopping", 0), "b=2");
    assert_eq!(sent(&jar("h.test", "/login", &["a=1"]), "h.test", "/", 0), "a=1");
}

#[test]
fn hosts() {
    let all =
        jar("www.h.test", "/", &["a=1", "b=2; Domain=.H.test", "c=3; Domain=other.test", "d=4; Domain=x.www.h.test"]);
    assert_eq!(sent(&all, "www.h.test", "/", 0), "a=1; b=2");
    assert_eq!(sent(&all, "api.h.test", "/", 0), "b=2");
    assert_eq!(sent(&all, "evilh.test", "/", 0), "");
    let address = jar("127.0.0.1", "/", &["a=1; Domain=0.0.1", "b=2; Domain=127.0.0.1", "c=3; Domain="]);
    assert_eq!(sent(&address, "127.0.0.1", "/", 0), "b=2; c=3");
}

#[test]
fn protected_ones_stay_where_nobody_listens() {
    for (host, kept) in [("h.test", ""), ("localhost", "a=1"), ("127.0.0.9", "a=1"), ("[::1]", "a=1"), ("10.0.0.1", "")]
    {
        assert_eq!(sent(&jar(host, "/", &["a=1; Secure"]), host, "/", 0), kept, "{host}");
    }
}

#[test]
fn protected_ones_go_where_they_came_from() {
    for host in ["h.test", "10.0.0.1", "localhost"] {
        let encrypted = Site { host, encrypted: true };
        let mut jar = Jar::default();
        jar.take(encrypted, b"/", b"a=1; Secure", NOW);
        jar.take(encrypted, b"/", b"b=2", NOW);
        jar.take(plain(host), b"/", b"a=3", NOW);
        let mut out = Vec::new();
        jar.write(encrypted, b"/", NOW, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "Cookie: a=1; b=2\r\n", "{host}");
        assert_eq!(sent(&jar, host, "/", 0), "b=2", "{host}: what came encrypted goes nowhere else");
    }
}

#[test]
fn shown_without_their_values() {
    let request = "GET / HTTP/1.1\r\nCookie: a=1; b=c=d\r\nX: y=z\r\n\r\nCookie: body=1";
    assert_eq!(hidden(request), "GET / HTTP/1.1\r\nCookie: a=***; b=***\r\nX: y=z\r\n\r\nCookie: body=1");
    let answer = "set-cookie: sid=s3cret; Path=/; HttpOnly\r\nSet-Cookie: b=\r\n";
    assert_eq!(hidden(answer), "set-cookie: sid=***; Path=/; HttpOnly\r\nSet-Cookie: b=***\r\n");
}

#[test]
fn dates_of_all_kinds() {
    for text in [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "06 november 94 8:49:37",
        "8:49:37x 1994 Nov 6th",
    ] {
        assert_eq!(date(text.as_bytes()), Some(784_111_777), "{text}");
    }
    assert_eq!(date(b"Wed, 01 Jan 2070 00:00:00 GMT"), Some(3_155_760_000));
    for text in
        ["", "tomorrow", "31 Feb 2030 00:00:00", "01 Jan 1600 00:00:00", "01 Jan 2030 24:00:00", "01 Jan 2030 1:+1:00"]
    {
        assert_eq!(date(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn there_is_one_line_of_cookies() {
    let joined = |own: &str, more: &str| {
        let mut head = format!("GET / HTTP/1.1\r\nHost: a\r\n{own}X: y\r\n").into_bytes();
        let begun = head.len();
        head.extend_from_slice(more.as_bytes());
        join(&mut head, begun);
        String::from_utf8(head).unwrap().replace("GET / HTTP/1.1\r\nHost: a\r\n", "")
    };
    let line = "Cookie: b=2; c=3\r\n";
    assert_eq!(joined("Cookie: a=1\r\n", line), "Cookie: a=1; b=2; c=3\r\nX: y\r\n");
    assert_eq!(joined("Cookie: a=1\r\n", ""), "Cookie: a=1\r\nX: y\r\n");
    assert_eq!(joined("", line), format!("X: y\r\n{line}"));
}
