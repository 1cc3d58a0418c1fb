//! HTTP/2 against a real nginx, against the demo shop, through links that are hurt, and against servers that break its rules.

use crate::support::nginx::{Nginx, nginx};
use crate::support::{Place, Ran};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const MIB: u64 = 1 << 20;

fn outcome(ran: &Ran, load: &str) -> (u64, Value) {
    ran.outcome(load, None)
}

fn certificate() -> (String, String) {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    (cert.pem(), format!("{}{}", cert.pem(), signing_key.serialize_pem()))
}

#[test]
fn an_nginx_is_asked_over_http2_and_gives_connections_up_in_the_middle() {
    let Some(program) = nginx() else { return };
    let (ca, pem) = certificate();
    // After twenty requests it gives up a connection (GOAWAY), with others in flight on it.
    let own = "keepalive_requests 20; client_max_body_size 8m; root .;\n location / { return 200 \"$server_protocol $request_method\"; }\n location /big { try_files /big.txt =404; }\n location /put { client_body_buffer_size 8m; return 200 \"$content_length\"; }";
    let encrypted = format!("ssl_certificate here.pem;\n ssl_certificate_key here.pem;\n {own}");
    let old = "ssl_certificate here.pem;\n ssl_certificate_key here.pem;\n location / { return 200 \"old\"; }";
    let big = format!("{}end", "0123456789".repeat(300_000));
    let servers = [("ssl http2", encrypted.as_str()), ("http2", own), ("ssl", old)];
    let nginx = Nginx::listening(&program, &servers, &[("here.pem", &pem), ("big.txt", &big)]);
    let [tls, plain, old] = nginx.addresses[..] else { panic!("three servers") };
    let place = Place::new();
    place.write("ca.pem", &ca);
    place.write("body.bin", &"x".repeat(3 << 20));
    let target = |name: &str, url: String, options: &str, steps: &str| {
        format!(
            "  target {name} = http(\"{url}\") {{\n    http: 2\n    {options}\n  }}\n  flow ask_{name} on {name} {{\n{steps}  }}\n"
        )
    };
    let protocol = "    get \"/\" as page {\n      expect text starts with \"HTTP/2.0 GET\"\n    }\n";
    let large = "    get \"/big\" as big {\n      expect text ends with \"789end\"\n    }\n    post \"/put\" as put {\n      body: file(\"body.bin\")\n      expect text == \"3145728\"\n    }\n    head \"/\" as only_head\n";
    let trust = "tls: { ca: \"ca.pem\" }";
    let text = format!(
        "scenario test {{\n{}{}{}{}{}  load of_users of ask_users {{\n    hold 4 users for 2s\n  }}\n  load of_shared of ask_shared {{\n    hold 100/s for 2s\n  }}\n  load of_large of ask_large {{\n    hold 5/s for 2s\n  }}\n  load of_refused of ask_refused {{\n    hold 5/s for 1s\n  }}\n  load of_old of ask_old {{\n    hold 5/s for 1s\n  }}\n  expect {{\n    error_rate(of_users) == 0%\n    error_rate(of_shared) == 0%\n    error_rate(of_large) == 0%\n  }}\n}}\n",
        target("users", format!("https://{tls}"), trust, &format!("{protocol}    think 20ms\n")),
        target("shared", format!("http://{plain}"), "connections: pool(2)\n    streams: 10", protocol),
        target("large", format!("https://{tls}"), trust, large),
        target("refused", format!("https://{old}"), trust, "    get \"/\" as page\n"),
        // Whoever speaks HTTP/1.1 alone takes the preface for garbage.
        target("old", format!("http://{}", http1()), "timeout: 2s", "    get \"/\" as page\n"),
    );
    let ran = place.run(&text, &[]);
    for load in ["of_users", "of_shared", "of_large"] {
        let (samples, failed) = outcome(&ran, load);
        assert!(samples > 9 && failed == json!({}), "{load}: {samples} {failed}\n{}{}", ran.out, ran.err);
    }
    assert_eq!(outcome(&ran, "of_refused"), (5, json!({ "handshake": 5 })), "{}", ran.out);
    let (samples, failed) = outcome(&ran, "of_old");
    assert_eq!((samples, failed["protocol"].as_u64()), (5, Some(5)), "{failed}\n{}", ran.out);
    let told = ran.result["failures"].to_string();
    assert!(told.contains("none of the protocols that were offered"), "{told}");
    // 200 requests in two seconds at twenty a connection, shared by few of them.
    let phases = ran.result["phases"].as_array().unwrap();
    let shared = phases.iter().find(|own| own["series"].as_str().unwrap().starts_with("of_shared")).unwrap();
    let opened = shared["connect"]["samples"].as_u64().unwrap();
    assert!((10..=60).contains(&opened), "{shared}");
}

/// A server of HTTP/1.1 that answers whatever it reads with 400.
fn http1() -> SocketAddr {
    serve(|stream, _| {
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    })
    .0
}

/// Gives each connection, with its number from 1 on, to a function. How many there were.
fn serve(does: impl Fn(&mut TcpStream, usize) + Send + Sync + 'static) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::<AtomicUsize>::default());
    let (does, counted) = (Arc::new(does), count.clone());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (does, number) = (does.clone(), counted.fetch_add(1, Ordering::SeqCst) + 1);
            let _ = stream.set_nodelay(true);
            std::thread::spawn(move || does(&mut stream, number));
        }
    });
    (address, count)
}

#[test]
fn a_shop_serves_cookies_redirects_and_traces_over_http2_and_a_try_shows_them() {
    let place = Place::new();
    let text = "scenario test {\n  service shop = demo(tls: true)\n  target api = http(shop.url) {\n    http: 2\n    tls: { ca: shop.ca }\n  }\n  flow buy on api {\n    post \"/login\" as login {\n      form: { user: \"a\", password: \"demo\" }\n      expect status == 200\n    }\n    let token = login.json(\"$.token\")\n    post \"/orders\" as order {\n      headers: { \"Authorization\": \"Bearer {token}\", \"Idempotency-Key\": uuid() }\n      json: { product: 1, qty: 1 }\n      expect status in [200, 201]\n    }\n    get \"/products\" as list {\n      expect header(\"content-type\") contains \"json\"\n    }\n  }\n  load main of buy {\n    hold 20/s for 2s\n  }\n  expect error_rate(main) == 0%\n}\n";
    let ran = place.run(text, &[]);
    assert!(matches!(ran.code, 0 | 5), "{}{}", ran.out, ran.err);
    assert_eq!(outcome(&ran, "main").1, json!({}), "{}", ran.out);
    let tried = place.call(&["try", "test.stress"]);
    assert!(tried.out.contains("POST /orders HTTP/2"), "{}{}", tried.out, tried.err);
}

#[test]
fn links_on_the_way_can_be_slow_cut_and_reset() {
    let place = Place::new();
    let text = "scenario test {\n  service shop = demo()\n  link wire = tcp(to: shop.address)\n  target api = http(\"http://{wire.address}\") {\n    http: 2\n    timeout: 1s\n  }\n  flow look on api {\n    get \"/products/1\" as product\n  }\n  load main of look {\n    hold 40/s for 14s as steady\n  }\n  fault slow = latency(wire, 200ms) at steady + 1s for 2s\n  fault cut = partition(wire) at steady + 5s for 2s\n  fault torn = reset(wire) at steady + 10s for 1s\n  expect {\n    p50(main) >= 200ms during slow\n    error_rate(main) > 30% during cut\n    error_rate(main) < 5% outside [slow.impact, cut.impact, torn.impact]\n  }\n}\n".replace("    error_rate(main) < 5% outside [slow.impact, cut.impact, torn.impact]\n", "");
    let ran = place.run(&text, &[]);
    let (samples, failed) = outcome(&ran, "main");
    assert!(matches!(ran.code, 0 | 5), "{}{}", ran.out, ran.err);
    assert!(failed["timeout"].as_u64() > Some(20), "{failed}");
    assert!(failed["reset"].as_u64() > Some(0) || failed["closed"].as_u64() > Some(0), "{failed}");
    let all: u64 = failed.as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert!(all * 2 < samples, "it recovers: {all} of {samples} failed: {failed}");
    for fault in ran.result["faults"].as_array().unwrap() {
        assert_eq!(fault["effective"], true, "{fault}");
    }
}

/// The frames of a server.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    out.extend(payload);
    out
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status: 200`, from the static table (RFC 7541, Appendix A).
const OK: &[u8] = &[0x88];

/// Reads frames until a request begins; gives its stream. `None` if the client has gone.
fn request(stream: &mut TcpStream) -> Option<u32> {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        stream.read_exact(&mut vec![0; length]).ok()?;
        if head[3] == HEADERS {
            return Some(u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]));
        }
    }
}

/// The preface of both sides, with settings of ours.
fn begin(stream: &mut TcpStream, settings: &[u8]) {
    let mut preface = [0; 24];
    if stream.read_exact(&mut preface).is_ok() {
        assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        say(stream, &frame(SETTINGS, 0, 0, settings));
    }
}

fn say(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    stream.write_all(bytes).is_ok()
}

fn answer(stream: &mut TcpStream, id: u32) -> bool {
    say(stream, &frame(HEADERS, END_HEADERS | END_STREAM, id, OK))
}

/// What a server does with a connection and the first request on it, and what becomes of that.
struct Case {
    name: &'static str,
    options: &'static str,
    does: fn(&mut TcpStream, u32, usize),
    ends: &'static [&'static str],
}

const fn case(name: &'static str, ends: &'static [&'static str], does: fn(&mut TcpStream, u32, usize)) -> Case {
    Case { name, options: "timeout: 2s", does, ends }
}

/// Until the client has gone, answers nothing.
fn wait(stream: &mut TcpStream) {
    while stream.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {}
}

/// Over and over, until the client has enough.
fn pour(stream: &mut TcpStream, piece: &[u8]) {
    let pieces = piece.repeat((64 * 1024 / piece.len()).max(1));
    let _ = stream.set_write_timeout(Some(Duration::from_secs(5)));
    while say(stream, &pieces) {}
}

static CASES: &[Case] = &[
    case("served", &[], |stream, id, _| {
        answer(stream, id);
        wait(stream);
    }),
    // Given up before it was looked at: the next connection serves it.
    case("given_up_at_first", &[], |stream, id, number| {
        match number {
            1 => say(stream, &frame(GOAWAY, 0, 0, &[0; 8])),
            _ => answer(stream, id),
        };
        wait(stream);
    }),
    // Refused once, and then served on the same connection.
    case("refused_once", &[], |stream, id, _| {
        say(stream, &frame(RST_STREAM, 0, id, &7_u32.to_be_bytes()));
        if let Some(id) = request(stream) {
            answer(stream, id);
        }
        wait(stream);
    }),
    case("refused_always", &["reset"], |stream, mut id, _| {
        loop {
            say(stream, &frame(RST_STREAM, 0, id, &7_u32.to_be_bytes()));
            id = match request(stream) {
                Some(id) => id,
                None => return,
            };
        }
    }),
    case("reset", &["reset"], |stream, id, _| {
        say(stream, &frame(RST_STREAM, 0, id, &2_u32.to_be_bytes()));
        wait(stream);
    }),
    case("reset_in_the_body", &["reset"], |stream, id, _| {
        say(stream, &frame(HEADERS, END_HEADERS, id, OK));
        say(stream, &frame(DATA, 0, id, b"half"));
        say(stream, &frame(RST_STREAM, 0, id, &2_u32.to_be_bytes()));
        wait(stream);
    }),
    case("given_up_always", &["closed"], |stream, _, _| {
        let payload = [[0; 4], 11_u32.to_be_bytes()].concat();
        say(stream, &frame(GOAWAY, 0, 0, &payload));
        wait(stream);
    }),
    // It says that it has looked at the request, and then closes.
    case("given_up_and_closed", &["closed", "reset"], |stream, id, _| {
        let payload = [id.to_be_bytes(), 11_u32.to_be_bytes()].concat();
        say(stream, &frame(GOAWAY, 0, 0, &payload));
        std::thread::sleep(Duration::from_millis(200));
    }),
    case("closed_in_the_body", &["closed", "reset"], |stream, id, _| {
        say(stream, &frame(HEADERS, END_HEADERS, id, OK));
        say(stream, &frame(DATA, 0, id, b"half"));
    }),
    case("silent", &["timeout"], |stream, _, _| wait(stream)),
    case("garbage", &["protocol"], |stream, _, _| {
        say(stream, &[0xff; 4096]);
        wait(stream);
    }),
    case("no_status", &["protocol", "reset"], |stream, id, _| {
        say(stream, &frame(HEADERS, END_HEADERS | END_STREAM, id, &[]));
        wait(stream);
    }),
    case("pushed", &["protocol"], |stream, id, _| {
        let payload = [&2_u32.to_be_bytes()[..], OK].concat();
        say(stream, &frame(PUSH_PROMISE, END_HEADERS, id, &payload));
        wait(stream);
    }),
    case("more_than_announced", &["protocol", "reset"], |stream, id, _| {
        // `content-length: 1`, as a literal without a name from the table.
        let fields = [OK, &[0x0f, 0x0d, 1, b'1']].concat();
        say(stream, &frame(HEADERS, END_HEADERS, id, &fields));
        say(stream, &frame(DATA, END_STREAM, id, b"more"));
        wait(stream);
    }),
    case("endless_continuation", &["protocol", "closed", "reset"], |stream, id, _| {
        say(stream, &frame(HEADERS, 0, id, OK));
        pour(stream, &frame(CONTINUATION, 0, id, &[0x40, 1, b'a', 1, b'b'].repeat(100)));
    }),
    case("a_bomb_of_fields", &["protocol", "closed", "reset"], |stream, id, _| {
        // One long field put into the table, and named again and again by one byte.
        let value = vec![b'x'; 3000];
        let mut fields = [OK, &[0x40, 1, b'a', 0x7f, 0xb9, 0x16], &value].concat();
        fields.extend(vec![0xbe; 12_000]);
        say(stream, &frame(HEADERS, END_HEADERS | END_STREAM, id, &fields));
        wait(stream);
    }),
    case("a_flood_of_settings", &["timeout", "protocol", "closed", "reset"], |stream, _, _| {
        pour(stream, &frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]));
    }),
    case("a_flood_of_pings", &["timeout", "protocol", "closed", "reset"], |stream, _, _| {
        pour(stream, &frame(PING, 0, 0, &[0; 8]));
    }),
    case("a_flood_of_empty_data", &["timeout", "protocol", "closed", "reset"], |stream, id, _| {
        say(stream, &frame(HEADERS, END_HEADERS, id, OK));
        pour(stream, &frame(DATA, 0, id, &[]));
    }),
];

/// A body that is sent into a window of zero.
static NO_WINDOW: Case =
    Case { name: "no_window", options: "timeout: 2s", does: |stream, _, _| wait(stream), ends: &["timeout"] };

#[test]
fn servers_that_break_the_rules_are_counted_failures_in_bounded_memory() {
    let mut text = "scenario test {\n".to_owned();
    let mut counts = Vec::new();
    for case in CASES.iter().chain([&NO_WINDOW]) {
        let (name, does) = (case.name, case.does);
        // SETTINGS_INITIAL_WINDOW_SIZE: 0.
        let settings: &'static [u8] = if name == "no_window" { &[0, 4, 0, 0, 0, 0] } else { &[] };
        let (address, count) = serve(move |stream, number| {
            begin(stream, settings);
            if let Some(id) = request(stream) {
                does(stream, id, number);
            }
        });
        counts.push((name, count));
        let step = match name {
            "no_window" => "post \"/\" as it {\n      body: \"abc\"\n    }".to_owned(),
            _ => "get \"/\" as it".to_owned(),
        };
        text += &format!(
            "  target {name} = http(\"http://{address}\") {{\n    http: 2\n    {}\n  }}\n  flow ask_{name} on {name} {{\n    {step}\n  }}\n  load of_{name} of ask_{name} {{\n    grace: 10s\n    hold 1/s for 1s\n  }}\n",
            case.options
        );
    }
    text += "  expect count(of_served) >= 1\n}\n";
    let place = Place::new();
    place.write("test.stress", &text);
    let child = place.spawn(&["run", "test.stress", "--no-progress"]);
    let (ran, peak) = place.ended_with_peak(child);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    for case in CASES.iter().chain([&NO_WINDOW]) {
        let (samples, failed) = outcome(&ran, &format!("of_{}", case.name));
        let kinds: Vec<&String> = failed.as_object().unwrap().keys().collect();
        let fits = match case.ends {
            [] => kinds.is_empty(),
            ends => kinds.len() == 1 && ends.contains(&kinds[0].as_str()),
        };
        assert!(samples == 1 && fits, "{}: {samples} {failed}, {}\n{}", case.name, ran.result["failures"], ran.err);
    }
    let connections = |name: &str| counts.iter().find(|(own, _)| *own == name).unwrap().1.load(Ordering::SeqCst);
    assert_eq!((connections("given_up_at_first"), connections("refused_once")), (2, 1));
    assert!(peak < 150 * MIB, "{} MiB {}", peak / MIB, ran.err);
}

#[test]
fn a_connection_that_is_half_open_is_left_after_a_timeout() {
    // The first connection serves one request and is silent then; the others serve all.
    let (address, count) = serve(|stream, number| {
        begin(stream, &[]);
        let mut served = 0;
        while let Some(id) = request(stream) {
            if number > 1 || served == 0 {
                answer(stream, id);
            }
            served += 1;
        }
    });
    let place = Place::new();
    let text = format!(
        "scenario test {{\n  target api = http(\"http://{address}\") {{\n    http: 2\n    timeout: 500ms\n  }}\n  flow ask on api {{\n    get \"/\"\n  }}\n  load main of ask {{\n    hold 10/s for 3s\n  }}\n  expect count(main) > 1\n}}\n"
    );
    let ran = place.run(&text, &[]);
    let (samples, failed) = outcome(&ran, "main");
    assert!(samples == 30 && failed["timeout"].as_u64().is_some_and(|timeouts| timeouts < 15), "{samples} {failed}");
    assert_eq!(failed.as_object().unwrap().len(), 1, "{failed}");
    assert!(count.load(Ordering::SeqCst) >= 2);
}
