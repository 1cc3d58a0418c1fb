//! HTTP proxies on the way to a target, which keep what they are told.

use crate::support::Place;
use crate::support::compile::files;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::{BufRead, BufReader, Write, copy};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

const WORD: &str = "p@ss/wörd%41";

struct Proxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// It opens tunnels, and answers requests of whole URLs itself; or it refuses all by a status.
    fn start(refuses: Option<&'static str>) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let kept = heads.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = kept.clone();
                std::thread::spawn(move || serve(stream, &kept, refuses));
            }
        });
        Proxy { address, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, kept: &Mutex<Vec<String>>, refuses: Option<&str>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let asked = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let is_tunnel = head.starts_with("CONNECT ");
        kept.lock().unwrap().push(head);
        if let Some(status) = refuses {
            let _ = stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes());
            return;
        }
        if !is_tunnel {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            continue;
        }
        let mut server = TcpStream::connect(asked).unwrap();
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        let (mut up, mut down) = (server.try_clone().unwrap(), stream.try_clone().unwrap());
        std::thread::spawn(move || copy(&mut server, &mut down));
        let _ = copy(&mut reader.into_inner(), &mut up);
        let _ = up.shutdown(std::net::Shutdown::Both);
        return;
    }
}

fn scenario(parts: &str, options: &str, expect: &str) -> String {
    format!(
        "param word: Secret = secret(\"TEST_WORD\")\nscenario test {{\n{parts} {{\n    {options}\n  }}\n  flow browse on api {{\n    get \"/products\" {{\n      headers: {{ \"X-Step\": \"of-the-step\" }}\n    }}\n  }}\n  \
         load main of browse {{\n    hold 10/s for 2s\n  }}\n  expect {{\n    {expect}\n  }}\n}}\n"
    )
}

/// All files of a run, as texts.
fn recorded(place: &Place) -> String {
    let all = place.runs().into_iter().flat_map(|run| files(&run, ""));
    all.map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()).collect()
}

fn run(place: &Place, text: &str) -> crate::support::Ran {
    place.write("word.env", &format!("TEST_WORD={WORD}\n"));
    place.run(text, &["--env-file", "word.env"])
}

#[test]
fn a_tunnel_is_told_where_it_leads_and_nothing_meant_for_the_target() {
    let (place, proxy) = (Place::new(), Proxy::start(None));
    let at = proxy.address;
    let parts = "  service shop = demo(tls: true)\n  target api = http(\"https://localhost:{shop.port}\")";
    let options = format!(
        "proxy: \"http://me:{{word}}@{at}\"\n    tls: {{ ca: shop.ca }}\n    auth: bearer(\"of-the-target\")\n    connections: per_request"
    );
    let ran = run(&place, &scenario(parts, &options, "error_rate(main) == 0%\n    count(main) == 20"));
    ran.passed();
    let heads = proxy.heads();
    assert_eq!(heads.len(), 20);
    let login = STANDARD.encode(format!("me:{WORD}"));
    for head in &heads {
        let lines: Vec<&str> = head.lines().collect();
        let to = lines[0].strip_prefix("CONNECT ").and_then(|line| line.strip_suffix(" HTTP/1.1")).unwrap();
        assert!(to.starts_with("localhost:"), "{head}");
        let host = format!("Host: {to}");
        let agent = lines.iter().find(|line| line.starts_with("User-Agent: stressc/")).unwrap();
        let authorization = format!("Proxy-Authorization: Basic {login}");
        assert_eq!(lines, [lines[0], &host, agent, &authorization, ""], "{head}");
    }
    let told = format!("{}{}{}", ran.out, ran.err, recorded(&place));
    for secret in [WORD, &login, "p%40ss"] {
        assert!(!told.contains(secret), "{secret}");
    }
}

#[test]
fn a_request_that_is_not_encrypted_names_its_whole_url() {
    let (place, proxy) = (Place::new(), Proxy::start(None));
    let at = proxy.address;
    // A name that no resolver knows: the proxy is who looks it up.
    let text = scenario(
        "  target api = http(\"http://shop.test/api\")",
        &format!("proxy: \"http://me:{{word}}@{at}\""),
        "error_rate(main) == 0%\n    count(main) == 20",
    );
    run(&place, &format!("allow \"shop.test\"\n{text}")).passed();
    let heads = proxy.heads();
    assert_eq!(heads.len(), 20);
    let login = STANDARD.encode(format!("me:{WORD}"));
    for head in heads {
        assert!(head.starts_with("GET http://shop.test/api/products HTTP/1.1\r\n"), "{head}");
        for line in ["Host: shop.test", "X-Step: of-the-step", &format!("Proxy-Authorization: Basic {login}")] {
            assert_eq!(head.lines().filter(|own| own == &line).count(), 1, "{line}: {head}");
        }
    }
}

/// Behind a link, which leads to the proxy.
#[test]
fn a_tunnel_that_is_refused_is_a_failure_of_its_own_with_the_status() {
    for status in ["407 Proxy Authentication Required", "502 Bad Gateway"] {
        let (place, proxy) = (Place::new(), Proxy::start(Some(status)));
        let parts = format!("  link way = tcp(to: \"{}\")\n  target api = http(\"https://shop.test\")", proxy.address);
        let text = scenario(&parts, "proxy: \"http://{way.address}\"", "error_rate(main) == 100%");
        let ran = run(&place, &format!("allow \"shop.test\"\n{text}"));
        ran.passed();
        let steps = &ran.result["windows"][0]["steps"][0];
        assert_eq!(steps["failed"], serde_json::json!({ "proxy": 20 }), "{steps}");
        assert!(ran.out.contains(&format!("answered CONNECT with {status}")), "{}", ran.out);
        assert!(proxy.heads().iter().all(|head| head.starts_with("CONNECT shop.test:443 ")), "{:?}", proxy.heads());
    }
}

#[test]
fn a_proxy_is_judged_as_other_hosts_are() {
    let place = Place::new();
    let text =
        scenario("  target api = http(\"http://shop.test\")", "proxy: \"http://192.0.2.1:3128\"", "count(main) == 20");
    let text = format!("allow \"shop.test\"\n{text}");
    let ran = run(&place, &text);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("`192.0.2.1:3128` (the proxy of `api`)"), "{}", ran.err);
    let planned = place.call(&["plan", "test.stress"]);
    assert!(
        planned.out.contains("192.0.2.1:3128, NOT ALLOWED by the file: the proxy on the way there"),
        "{}",
        planned.out
    );
    // Of one that only the run knows, and of what it calls this machine, nobody can say whether it may.
    let hidden = scenario("  target api = http(\"http://127.0.0.1:1\")", "proxy: word", "count(main) == 20");
    let ran = run(&place, &hidden);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("a host that only the run knows (the proxy of `api`)"), "{}", ran.err);
    assert!(ran.err.contains("a host that only the run knows (the target `api`)"), "{}", ran.err);
    assert!(place.runs().is_empty(), "nothing was started");
}
