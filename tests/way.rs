//! The way to a target: names that lead where the file says.

use crate::support::Place;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    }
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
