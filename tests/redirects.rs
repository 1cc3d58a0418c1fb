//! Redirects and cookies, as servers see them that remember what they were sent.

use crate::support::{Place, Ran};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

/// Of each request one: its line with the cookies, the authorization and the body that came with it, or its trace.
type Seen = Arc<Mutex<Vec<String>>>;

struct Site {
    address: SocketAddr,
    seen: Seen,
    traces: Seen,
}

impl Site {
    /// Answers by the request line and the place of another site, with a whole head; the body is `ok`.
    fn start(other: Option<SocketAddr>, answer: fn(&str, &str) -> String) -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Seen::default();
        let all = seen.clone();
        let traces = Seen::default();
        let all_traces = traces.clone();
        let other = other.map(|other| other.to_string()).unwrap_or_default();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (all, traces, other) = (all.clone(), all_traces.clone(), other.clone());
                std::thread::spawn(move || {
                    let _ = stream.set_nodelay(true);
                    let mut lines = BufReader::new(stream.try_clone().unwrap());
                    let mut stream = stream;
                    while let Some((line, told, trace)) = request(&mut lines) {
                        traces.lock().unwrap().push(trace);
                        all.lock().unwrap().push(told);
                        let head = answer(&line, &other);
                        let text = format!("HTTP/1.1 {head}Content-Length: 2\r\n\r\n");
                        let body = if line.starts_with("HEAD") { "" } else { "ok" };
                        if stream.write_all((text + body).as_bytes()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Site { address, seen, traces }
    }

    fn all(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn request(lines: &mut BufReader<std::net::TcpStream>) -> Option<(String, String, String)> {
    let (mut asked, mut told, mut trace, mut length) = (String::new(), String::new(), String::new(), 0);
    loop {
        let mut line = String::new();
        if !lines.read_line(&mut line).is_ok_and(|n| n > 0) {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if asked.is_empty() {
            asked = line.trim_end_matches(" HTTP/1.1").to_owned();
        }
        let (name, value) = line.split_once(": ").unwrap_or_default();
        match name {
            "Cookie" | "Authorization" => told.push_str(&format!(" | {value}")),
            "traceparent" => trace = value.to_owned(),
            "Content-Length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body).ok()?;
    if length > 0 {
        told.push_str(&format!(" {}", String::from_utf8(body).unwrap()));
    }
    Some((asked.clone(), asked + &told, trace))
}

/// Runs a load of a flow on a site, where `b` is a second target.
fn run(site: &Site, other: Option<SocketAddr>, option: &str, flow: &str, stages: &str, flags: &[&str]) -> Ran {
    judged(site, other, option, flow, (stages, "count(main) >= 1"), flags)
}

fn judged(
    site: &Site,
    other: Option<SocketAddr>,
    option: &str,
    flow: &str,
    (stages, expect): (&str, &str),
    flags: &[&str],
) -> Ran {
    let b = other.map_or(String::new(), |other| format!("  target b = http(\"http://{other}\")\n"));
    let text = format!(
        "scenario test {{\n  target api = http(\"http://{}\") {{\n    {option}\n  }}\n{b}  flow steps on api {{\n{flow}\n  }}\n  load main of steps {{\n    {stages}\n  }}\n  expect {{\n    {expect}\n  }}\n}}\n",
        site.address
    );
    let ran = Place::new().run(&text, flags);
    assert!(ran.result["windows"].is_array(), "{}{}", ran.out, ran.err);
    ran
}

const ONCE: &str = "hold 1/s for 1s";

fn failed(ran: &Ran) -> Vec<String> {
    let steps = ran.result["windows"][0]["steps"].as_array().unwrap();
    steps.iter().map(|step| step["failed"].to_string()).collect()
}

fn leads(line: &str, other: &str) -> String {
    match line {
        "POST /form" => "303 See Other\r\nLocation: /a/first\r\n".to_owned(),
        "GET /a/first" => "302 Found\r\nLocation: second?x=1\r\n".to_owned(),
        "PUT /keep" => "308 Moved\r\nLocation: /kept\r\n".to_owned(),
        "HEAD /head" => "303 See Other\r\nLocation: /headed\r\n".to_owned(),
        "GET /loop" => "302 Found\r\nLocation: /loop\r\n".to_owned(),
        "GET /nowhere" => "302 Found\r\n".to_owned(),
        "GET /away" | "POST /away" => format!("307 Temporary\r\nLocation: http://{other}/there\r\n"),
        _ => "200 OK\r\n".to_owned(),
    }
}

#[test]
fn redirects_are_followed_as_one_sample() {
    let site = Site::start(None, leads);
    let flow = "    post \"/form\" as form {\n      json: { a: 1 }\n      expect status == 200 and text == \"ok\"\n    }\n    put \"/keep\" as kept {\n      body: \"hi\"\n    }\n    head \"/head\" as head\n    get \"/nowhere\" as nowhere {\n      expect status == 302\n    }";
    let ran = run(&site, None, "redirects: 2", flow, ONCE, &[]);
    assert_eq!(
        site.all(),
        [
            "POST /form {\"a\":1}",
            "GET /a/first",
            "GET /a/second?x=1",
            "PUT /keep hi",
            "PUT /kept hi",
            "HEAD /head",
            "HEAD /headed",
            "GET /nowhere"
        ]
    );
    assert_eq!(failed(&ran), ["{}"; 4], "{}", ran.out);
    // A chain is one trace, in which each request has a name of its own.
    let traces = site.traces.lock().unwrap().clone();
    let parts: Vec<Vec<&str>> = traces.iter().map(|trace| trace.split('-').collect()).collect();
    assert!(parts[0][1] == parts[1][1] && parts[1][1] == parts[2][1] && parts[2][1] != parts[3][1], "{traces:?}");
    let spans: std::collections::HashSet<&str> = parts.iter().map(|part| part[2]).collect();
    assert_eq!(spans.len(), 8, "{traces:?}");
    let steps = ran.result["windows"][0]["steps"].as_array().unwrap();
    let counts: Vec<_> = steps.iter().map(|step| (step["samples"].as_u64(), step["sent"].as_u64())).collect();
    assert_eq!(counts, [(Some(1), Some(3)), (Some(1), Some(2)), (Some(1), Some(2)), (Some(1), Some(1))]);
}

#[test]
fn a_redirect_is_the_answer_where_none_is_followed() {
    let site = Site::start(None, leads);
    let flow = "    get \"/loop\" as loop {\n      expect status == 302 and header(\"Location\") == \"/loop\"\n    }";
    for option in ["timeout: 2s", "redirects: 0"] {
        assert_eq!(failed(&run(&site, None, option, flow, ONCE, &[])), ["{}"]);
    }
    assert_eq!(site.all(), ["GET /loop"; 2]);
}

#[test]
fn a_loop_of_redirects_ends() {
    let site = Site::start(None, leads);
    let ran = run(&site, None, "redirects: 3", "    get \"/loop\" as loop", ONCE, &[]);
    assert_eq!(failed(&ran), ["{\"protocol\":1}"]);
    assert_eq!(site.all(), ["GET /loop"; 4]);
    // However many are allowed, its timeout holds for all of them.
    let slow = Site::start(None, |line, _| {
        std::thread::sleep(std::time::Duration::from_millis(150));
        leads(line, "")
    });
    let ran = run(&slow, None, "redirects: 20\n    timeout: 500ms", "    get \"/loop\" as loop", ONCE, &[]);
    assert_eq!(failed(&ran), ["{\"timeout\":1}"]);
    assert!((3..=4).contains(&slow.all().len()), "{:?}", slow.all());
}

#[test]
fn no_load_is_sent_where_nobody_wrote_it_down() {
    let other = Site::start(None, leads);
    let site = Site::start(Some(other.address), leads);
    let flow = "    post \"/away\" as away {\n      headers: { \"Authorization\": \"key\" }\n      body: \"hi\"\n      continue\n    }\n    get \"/end\" as end";
    let ran = run(&site, None, "redirects: 3", flow, ONCE, &[]);
    assert_eq!(failed(&ran), ["{\"protocol\":1}", "{}"]);
    assert!(other.all().is_empty(), "{:?}", other.all());
    // A target is written down; what was meant for the first is not told to it.
    let flow = format!("{flow}\n    get \"/hello\" on b");
    let ran = run(&site, Some(other.address), "redirects: 3", &flow, ONCE, &[]);
    assert_eq!(failed(&ran), ["{}"; 3]);
    assert_eq!(site.all(), ["POST /away | key hi", "GET /end", "POST /away | key hi", "GET /end"]);
    assert_eq!(other.all(), ["POST /there hi", "GET /hello"]);
}

fn session(line: &str, _: &str) -> String {
    match line.strip_prefix("GET /login/") {
        // Where a login leads, its cookie goes along.
        Some(user) => format!(
            "302 Found\r\nSet-Cookie: sid={user}; Path=/; HttpOnly\r\nSet-Cookie: other=1; Path=/no\r\nLocation: /welcome\r\n"
        ),
        None if line == "GET /logout" => "200 OK\r\nSet-Cookie: sid=; Path=/; Max-Age=0\r\n".to_owned(),
        None => "200 OK\r\n".to_owned(),
    }
}

const VISIT: &str =
    "    once per user {\n      get \"/login/{user.id}\" as login\n    }\n    get \"/me/{user.id}\" as me";

/// Of each `/me` who asked, and with which session.
fn visits(site: &Site) -> Vec<(String, String)> {
    let mine = |line: String| {
        let rest = line.strip_prefix("GET /me/")?.to_owned();
        Some(rest.split_once(" | ").map_or((rest.clone(), String::new()), |(u, c)| (u.to_owned(), c.to_owned())))
    };
    site.all().into_iter().filter_map(mine).collect()
}

#[test]
fn users_keep_their_cookies() {
    for (stages, workers) in [
        ("pace: 100ms\n    hold 4 users for 1s", "1"),
        ("pace: 100ms\n    hold 4 users for 1s", "2"),
        ("population: 5 users\n    hold 60/s for 1s", "2"),
    ] {
        let site = Site::start(None, session);
        let ran = run(&site, None, "redirects: 1", VISIT, stages, &["--workers", workers]);
        let visits = visits(&site);
        assert!(visits.len() > 20, "{}{}", ran.out, ran.err);
        for (user, cookies) in visits {
            assert_eq!(cookies, format!("sid={user}"), "{stages}");
        }
        for user in 1..=4 {
            let logins = site.all().iter().filter(|line| **line == format!("GET /login/{user}")).count();
            assert_eq!(logins, 1, "a login is sent once, and without cookies");
        }
        assert!(site.all().iter().filter(|line| line.starts_with("GET /welcome | sid=")).count() >= 4, "{stages}");
    }
}

#[test]
fn cookies_go_with_their_user_and_as_they_are_told() {
    let site = Site::start(None, session);
    let flow = "    get \"/before\" as before\n    get \"/login/7\" as login\n    get \"/me/7\" as me\n    get \"/own\" as own {\n      headers: { \"Cookie\": \"mine=1\" }\n    }\n    get \"/logout\" as logout\n    get \"/after\" as after";
    // Each arrival is somebody new.
    run(&site, None, "redirects: 1", flow, "hold 2/s for 1s", &[]);
    let one = [
        "GET /before",
        "GET /login/7",
        "GET /welcome | sid=7",
        "GET /me/7 | sid=7",
        "GET /own | mine=1",
        "GET /logout | sid=7",
        "GET /after",
    ];
    assert_eq!(site.all(), [one, one].concat());
    let site = Site::start(None, session);
    run(&site, None, "redirects: 1\n    cookies: false", flow, ONCE, &[]);
    assert!(site.all().iter().all(|line| !line.contains("sid")), "{:?}", site.all());
    assert_eq!(site.all().len(), 7);
}

#[test]
fn a_target_says_itself_which_cookies_go_with_its_requests() {
    let site = Site::start(None, session);
    let flow = "    get \"/login/7\" as login\n    get \"/me/7\" as me";
    run(&site, None, "redirects: 1\n    headers: { \"Cookie\": \"mine=1\" }", flow, ONCE, &[]);
    assert_eq!(site.all(), ["GET /login/7 | mine=1", "GET /welcome | mine=1", "GET /me/7 | mine=1"]);
}

#[test]
fn bandwidth_counts_a_body_as_often_as_it_is_sent() {
    // 303 leaves the body behind and 307 takes it along; each of their answers has 2 bytes.
    fn answer(line: &str, _: &str) -> String {
        match line {
            "POST /form" => "303 See Other\r\nLocation: /there\r\n".to_owned(),
            "POST /kept" => "307 Temporary\r\nLocation: /again\r\n".to_owned(),
            _ => "200 OK\r\n".to_owned(),
        }
    }
    let site = Site::start(None, answer);
    let flow = "    post \"/form\" as form {\n      body: \"0123456789\"\n    }\n    post \"/kept\" as kept {\n      body: \"0123456789\"\n    }";
    let expect = "bandwidth(form) within 1% of 14B/s\n    bandwidth(kept) within 1% of 24B/s";
    judged(&site, None, "redirects: 2", flow, (ONCE, expect), &[]).passed();
    assert_eq!(site.all().len(), 4);
}

#[test]
fn a_trial_shows_each_request_of_a_chain_and_no_session() {
    let site = Site::start(None, session);
    let place = Place::new();
    let text = format!(
        "scenario test {{\n  target api = http(\"http://{}\") {{\n    redirects: 1\n  }}\n  flow steps on api {{\n    get \"/login/s3cret\" as login\n  }}\n  load main of steps {{\n    hold 1/s for 1s\n  }}\n  expect {{\n    count(main) >= 1\n  }}\n}}\n",
        site.address
    );
    place.write("test.stress", &text);
    let ran = place.call(&["try", "test.stress"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert_eq!(site.all(), ["GET /login/s3cret", "GET /welcome | sid=s3cret"]);
    for part in ["Set-Cookie: sid=***; Path=/; HttpOnly", "GET /welcome", "Cookie: sid=***"] {
        assert!(ran.out.contains(part), "{part} is missing in {}", ran.out);
    }
    assert!(!ran.out.contains("sid=s3cret"), "{}", ran.out);
}
