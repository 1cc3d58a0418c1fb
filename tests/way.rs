//! The way to a target: names that lead where the file says.

use crate::support::{Place, answered, answered_as};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Reserved (RFC 6761, 6.2): no resolver knows it.
const NAME: &str = "shop.test";

/// A server at several addresses and one port, which counts the connections to each.
struct Several {
    port: u16,
    counts: Vec<Arc<AtomicUsize>>,
}

impl Several {
    fn start(addresses: &[[u8; 4]]) -> Several {
        let listeners = loop {
            let first = TcpListener::bind((IpAddr::from(addresses[0]), 0)).unwrap();
            let port = first.local_addr().unwrap().port();
            let others = addresses[1..].iter().map(|address| TcpListener::bind((IpAddr::from(*address), port)));
            // Somebody else may have that port at one of the others.
            if let Ok(others) = others.collect::<Result<Vec<_>, _>>() {
                break std::iter::once(first).chain(others).collect::<Vec<_>>();
            }
        };
        let port = listeners[0].local_addr().unwrap().port();
        let count = |listener: TcpListener| {
            let count = Arc::new(AtomicUsize::new(0));
            let own = count.clone();
            std::thread::spawn(move || {
                for mut stream in listener.incoming().flatten() {
                    own.fetch_add(1, Ordering::SeqCst);
                    std::thread::spawn(move || {
                        let mut room = [0; 4096];
                        while stream.read(&mut room).is_ok_and(|count| count > 0) {
                            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                        }
                    });
                }
            });
            count
        };
        Several { port, counts: listeners.into_iter().map(count).collect() }
    }

    fn counts(&self) -> Vec<usize> {
        self.counts.iter().map(|count| count.load(Ordering::SeqCst)).collect()
    }
}

fn scenario(options: &str, port: u16, more: &str, expect: &str) -> String {
    format!(
        "scenario test {{\n  target api = http(\"http://{NAME}:{port}\") {{\n    connections: per_request\n    {options}\n  }}\n  \
         flow browse on api {{\n    get \"/\"\n  }}\n  load main of browse {{\n    hold 20/s for 3s\n  }}\n{more}  expect {{\n    \
         {expect}\n  }}\n}}\n"
    )
}

const BOTH: [[u8; 4]; 2] = [[127, 0, 0, 1], [127, 0, 0, 2]];
const FINE: &str = "error_rate(main) == 0%\n    count(main) == 60";

#[test]
fn a_name_leads_where_the_file_says_to_one_address_or_to_all_in_turn() {
    for (options, counts) in [
        ("dns: { resolve: { \"shop.test\": [\"127.0.0.1\", \"127.0.0.2\"] }, all: true }", [30, 30]),
        ("dns: { resolve: { \"shop.test\": [\"127.0.0.2\", \"127.0.0.1\"] } }", [0, 60]),
        ("dns: { resolve: { \"SHOP.test\": \"127.0.0.1\" } }", [60, 0]),
    ] {
        let (place, server) = (Place::new(), Several::start(&BOTH));
        let ran = place.run(&scenario(options, server.port, "", FINE), &["--workers", "1"]);
        ran.passed();
        assert_eq!(server.counts(), counts, "{options}: {}", ran.out);
        let resolved = &ran.result["resolved"][0];
        assert_eq!((&resolved["target"], &resolved["at_s"]), (&"api".into(), &0.0.into()), "{resolved}");
        let at = |address: [u8; 4]| SocketAddr::from((address, server.port)).to_string();
        let all: Vec<String> =
            BOTH.into_iter().zip(counts).filter(|(_, count)| *count > 0).map(|(a, _)| at(a)).collect();
        assert_eq!(resolved["addresses"], serde_json::json!(all), "{options}");
        // Nothing asks for them.
        let phases = &ran.result["phases"][0];
        let samples = |phase: &str| phases[phase]["samples"].as_u64();
        assert_eq!(["connect", "first_byte", "service", "tls"].map(samples), [Some(60), Some(60), Some(60), None]);
        // Of one address there is nothing to compare; what a file lists and nobody asks is none.
        let addresses = &ran.result["addresses"];
        match all.len() {
            1 => assert!(addresses.is_null() && !ran.out.contains("\naddresses\n"), "{}", ran.out),
            _ => {
                let row = |index: usize| (addresses[index]["address"].clone(), addresses[index]["attempts"].clone());
                assert_eq!([row(0), row(1)], [(at(BOTH[0]).into(), 30.into()), (at(BOTH[1]).into(), 30.into())]);
                assert!(ran.out.contains("\naddresses\n") && addresses[0]["service"]["p50_ns"].is_u64(), "{}", ran.out);
            }
        }
        let text = place.call(&["report"]);
        assert!(text.out.contains("\nphases\n") && ran.out.contains("\nphases\n"), "{}", text.out);
        let again: serde_json::Value = serde_json::from_str(&place.call(&["report", "--json"]).out).unwrap();
        assert_eq!(&again["phases"][0], phases, "the record holds them");
        assert_eq!(&again["addresses"], addresses);
    }
}

/// All users see half of their requests fail, and the report whose.
#[test]
fn an_address_at_which_nobody_listens_is_told_from_the_others() {
    let (place, server) = (Place::new(), Several::start(&BOTH[..1]));
    let options = "dns: { resolve: { \"shop.test\": [\"127.0.0.1\", \"127.0.0.9\"] }, all: true }";
    let text = scenario(options, server.port, "", "error_rate(main) == 50%").replace("20/s for 3s", "20/s for 1s");
    let ran = place.run(&text, &["--workers", "1"]);
    ran.passed();
    let [good, bad] = ran.result["addresses"].as_array().unwrap().as_slice() else { panic!("{}", ran.out) };
    assert_eq!((&good["attempts"], &good["failed"]), (&10.into(), &serde_json::json!({})), "{good}");
    assert_eq!((&bad["attempts"], &bad["failed"]), (&10.into(), &serde_json::json!({ "connect": 10 })), "{bad}");
    assert!(good["service"]["max_ns"].is_u64() && bad["service"]["p50_ns"].is_null(), "{good} {bad}");
    let line = ran.out.lines().rfind(|line| line.contains("127.0.0.9:")).unwrap_or_default();
    assert!(line.contains("100%") && line.contains("no answer"), "{}", ran.out);
}

#[test]
fn what_names_the_port_goes_before_what_does_not() {
    let (place, server) = (Place::new(), Several::start(&BOTH));
    let port = server.port;
    let options = format!("dns: {{ resolve: {{ \"{NAME}\": \"127.0.0.1\", \"{NAME}:{port}\": \"127.0.0.2\" }} }}");
    place.run(&scenario(&options, port, "", FINE), &[]).passed();
    assert_eq!(server.counts(), [0, 60]);
}

/// The link that stands before it leads to the same addresses.
#[test]
fn a_fault_on_such_a_target_is_on_the_way_there() {
    let (place, server) = (Place::new(), Several::start(&BOTH));
    let options = "dns: { resolve: { \"shop.test\": [\"127.0.0.1\", \"127.0.0.2\"] }, all: true }";
    let fault = "  fault slow = latency(api, 200ms) at 1s for 1s\n";
    let expect = "error_rate(main) == 0%\n    p50(main) > 200ms during slow\n    p50(main) < 200ms before slow";
    place.run(&scenario(options, server.port, fault, expect), &[]).passed();
    let counts = server.counts();
    assert!(counts.iter().all(|count| *count >= 20), "{counts:?}");
}

#[test]
fn addresses_of_names_are_judged_as_others_are() {
    let (place, server) = (Place::new(), Several::start(&BOTH));
    let port = server.port;
    let elsewhere = scenario("dns: { resolve: { \"shop.test\": [\"127.0.0.1\", \"192.0.2.1\"] } }", port, "", FINE);
    // The name is not where anything goes.
    for allow in ["", "allow \"shop.test\"\n"] {
        let ran = place.run(&format!("{allow}{elsewhere}"), &[]);
        assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
        assert!(ran.err.contains(&format!("`192.0.2.1:{port}` (the target `api`)")), "{}", ran.err);
    }
    assert_eq!((server.counts(), place.runs().len()), (vec![0, 0], 0), "not even a record");
    let planned = place.call(&["plan", "test.stress"]);
    for part in ["192.0.2.1", "NOT ALLOWED by the file, where `resolve:` says it is"] {
        assert!(planned.out.contains(part), "{part}: {}", planned.out);
    }
}

#[test]
fn a_name_that_is_looked_up_again_leads_on_where_it_did() {
    let (place, server) = (Place::new(), Several::start(&BOTH[..1]));
    let text = scenario("dns: { every: 1s }", server.port, "", FINE).replace(NAME, "localhost");
    let ran = place.run(&text, &[]);
    ran.passed();
    assert_eq!(server.counts(), [60]);
    assert_eq!(ran.result["resolved"].as_array().map(Vec::len), Some(1), "{}", ran.result["resolved"]);
    assert!(!place.run(&text.replace("localhost", NAME), &[]).err.is_empty(), "nobody knows it");
}

/// A server at a Unix socket, which keeps the heads of requests; its counter is of connections.
fn at_socket(file: &Path) -> (Arc<Mutex<Vec<String>>>, Arc<AtomicUsize>) {
    let listener = UnixListener::bind(file).unwrap();
    let (heads, count) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(AtomicUsize::new(0)));
    let (kept, counted) = (heads.clone(), count.clone());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            let kept = kept.clone();
            std::thread::spawn(move || {
                let mut room = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut room) {
                    let head = String::from_utf8_lossy(&room[..count]).into_owned();
                    let answer = match head.split(' ').nth(1).unwrap_or_default() {
                        "/metrics?all=1" => answered("", b"jobs 7\n"),
                        "/api/old" => answered_as("302 Found", "Location: http://localhost/api/new\r\n", b""),
                        _ => answered("", b"ok"),
                    };
                    kept.lock().unwrap().push(head);
                    let _ = stream.write_all(&answer);
                }
            });
        }
    });
    (heads, count)
}

/// Nothing of it asks anybody whether it may: it is this machine.
#[test]
fn a_unix_socket_is_loaded_probed_and_watched() {
    let place = Place::new();
    let file = place.path().join("app.sock");
    let (heads, connections) = at_socket(&file);
    let at = format!("unix:{}", file.display());
    let text = format!(
        "scenario test {{\n  service own = process(\"sleep\", \"60\") {{\n    ready: \"{at}:/health\"\n  }}\n  \
         monitor page = metrics(\"{at}:/metrics?all=1\")\n  target api = http(\"{at}:/api\") {{\n    redirects: 1\n    connections: pool(1)\n  }}\n  \
         flow browse on api {{\n    get \"/old\" {{\n      expect status == 200\n    }}\n  }}\n  load main of browse {{\n    hold 20/s for 2s\n  }}\n  \
         expect {{\n    error_rate(main) == 0%\n    count(main) == 80\n    max(page.query('jobs')) == 7\n    max(own.threads) >= 1\n  }}\n}}\n"
    );
    place.run(&text, &["--workers", "1"]).passed();
    let plan = place.call(&["plan", "test.stress"]).out.replace('\n', " ");
    assert!(plan.contains("this machine, at the socket"), "who reads the plan sees whom it asks: {plan}");
    let heads = heads.lock().unwrap().clone();
    let of = |line: &str| heads.iter().filter(|head| head.starts_with(line)).collect::<Vec<_>>();
    assert!(of("GET /health HTTP/1.1\r\n").len() == 1 && of("GET /metrics?all=1 HTTP/1.1\r\n").len() >= 2, "{heads:?}");
    for line in ["GET /api/old HTTP/1.1\r\n", "GET /api/new HTTP/1.1\r\n"] {
        assert_eq!(of(line).len(), 40, "{heads:?}");
        assert!(of(line).iter().all(|head| head.contains("\r\nHost: localhost\r\n")), "{heads:?}");
    }
    let others = of("GET /health").len() + of("GET /metrics").len();
    assert_eq!(connections.load(Ordering::SeqCst), 1 + others, "the load keeps its one connection");
}

#[test]
fn what_is_wrong_with_a_unix_socket_is_said() {
    let place = Place::new();
    let gone = place.path().join("gone.sock");
    place.write("plain.sock", "no socket");
    for (file, why) in
        [(gone, "is not there"), (place.path().join("plain.sock"), "is no socket at which anybody listens")]
    {
        let text = scenario("", 1, "", "error_rate(main) == 100%")
            .replace(&format!("http://{NAME}:1"), &format!("unix:{}", file.display()))
            .replace("20/s for 3s", "5/s for 1s");
        let ran = place.run(&text, &[]);
        ran.passed();
        let steps = &ran.result["windows"][0]["steps"][0];
        assert_eq!(steps["failed"], serde_json::json!({ "connect": 5 }), "{steps}");
        assert!(ran.out.contains(&format!("`{}` {why}", file.display())), "{}", ran.out);
    }
}

/// A server that says from where it was asked.
fn asked_from(address: &str) -> (SocketAddr, Arc<Mutex<Vec<IpAddr>>>) {
    let listener = TcpListener::bind(address).unwrap();
    let at = listener.local_addr().unwrap();
    let seen = Arc::<Mutex<Vec<IpAddr>>>::default();
    let kept = seen.clone();
    std::thread::spawn(move || {
        while let Ok((mut stream, from)) = listener.accept() {
            kept.lock().unwrap().push(from.ip());
            std::thread::spawn(move || {
                let mut room = [0; 4096];
                while stream.read(&mut room).is_ok_and(|count| count > 0) {
                    let _ = stream.write_all(&answered("", b"ok"));
                }
            });
        }
    });
    (at, seen)
}

#[test]
fn connections_come_from_where_the_file_says_in_turn() {
    for (at, from, expected) in [
        ("127.0.0.1:0", "[\"127.0.0.2\", \"::1\", \"127.0.0.3\"]", &[("127.0.0.2", 30), ("127.0.0.3", 30)][..]),
        ("[::1]:0", "\"::1\"", &[("::1", 60)]),
    ] {
        let (place, (at, seen)) = (Place::new(), asked_from(at));
        let text = scenario(&format!("from: {from}"), at.port(), "", FINE);
        let text = text.replace(&format!("http://{NAME}:{}", at.port()), &format!("http://{at}"));
        place.run(&text, &["--workers", "1"]).passed();
        let seen = seen.lock().unwrap();
        for (from, count) in expected {
            let from: IpAddr = from.parse().unwrap();
            assert_eq!(seen.iter().filter(|own| **own == from).count(), *count, "{from}: {seen:?}");
        }
        assert_eq!(seen.len(), 60);
    }
}

#[test]
fn what_is_no_address_of_this_machine_is_said_before_anything_is_sent() {
    for (from, why) in [
        ("192.0.2.1", "`from:` of `api`: 192.0.2.1 is no address of this machine"),
        ("::1", "`from:` of `api`: connections go to 127.0.0.1:"),
    ] {
        let (place, server) = (Place::new(), Several::start(&BOTH[..1]));
        let text = scenario(&format!("from: \"{from}\""), server.port, "", FINE).replace(NAME, "127.0.0.1");
        let ran = place.run(&text, &[]);
        assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
        assert!(ran.err.contains(why), "{}", ran.err);
        assert_eq!(server.counts(), [0]);
    }
}
