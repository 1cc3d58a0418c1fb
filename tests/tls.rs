//! https against a real nginx and against servers that break off, stall or speak something else.

use crate::support::nginx::{Nginx, nginx};
use crate::support::{Place, Ran};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

/// An authority of a test, and what it signs.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate of such names and its key, until the end of a year.
    pub fn signs(&self, names: &[&str], until: i32, usage: ExtendedKeyUsagePurpose) -> String {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let own = names.first().cloned().unwrap_or_default();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, own);
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(until, 12, 31));
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        format!("{}{}", certificate.pem(), key.serialize_pem())
    }

    pub fn server(&self, names: &[&str], until: i32) -> String {
        self.signs(names, until, ExtendedKeyUsagePurpose::ServerAuth)
    }
}

/// A server that shows a certificate, with more lines of configuration.
fn server(certificate: &str, more: &str) -> String {
    format!(
        "ssl_certificate {certificate};\n ssl_certificate_key {certificate};\n {more}\n location / {{ return 200 \"$ssl_protocol\"; }}"
    )
}

/// A target with a flow of one request and a load of its own, by name.
fn target(name: &str, url: &str, options: &str) -> String {
    format!(
        "  target {name} = http(\"{url}\") {{\n    {options}\n  }}\n  flow ask_{name} on {name} {{\n    get \"/\" as {name}_page\n  }}\n  load load_{name} of ask_{name} {{\n    hold 5/s for 1s\n  }}\n"
    )
}

fn scenario(targets: &[String], expect: &str) -> String {
    format!("scenario test {{\n{}  expect {{\n    {expect}\n  }}\n}}\n", targets.concat())
}

/// What came of the requests of a load: how many were fine, and how many failed by which kind.
pub fn outcome(ran: &Ran, load: &str) -> (u64, serde_json::Value) {
    let windows = ran.result["windows"].as_array().unwrap_or_else(|| panic!("{}{}", ran.out, ran.err));
    let window = windows.iter().find(|window| window["load"] == load).unwrap();
    let step = &window["steps"][0];
    let failed: u64 = step["failed"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
    (step["samples"].as_u64().unwrap() - failed, step["failed"].clone())
}

pub const FAR: i32 = 2100;

#[test]
fn an_nginx_is_asked_in_both_versions_with_certificates_of_clients_and_sessions_taken_up_again() {
    let Some(program) = nginx() else { return };
    let (authority, clients) = (Authority::new("a test"), Authority::new("of clients"));
    let here = authority.server(&["127.0.0.1"], FAR);
    let servers = [
        server("here.pem", "ssl_protocols TLSv1.2;"),
        server("here.pem", "ssl_protocols TLSv1.3;"),
        server("here.pem", "ssl_verify_client on; ssl_client_certificate clients.pem;"),
    ];
    let nginx = Nginx::start(&program, &servers, &[("here.pem", &here), ("clients.pem", &clients.pem())]);
    let [old, new, closed] = nginx.addresses[..] else { panic!("three servers") };
    let place = Place::new();
    place.write("ca.pem", &authority.pem());
    place.write("client.pem", &clients.signs(&["somebody.test"], FAR, ExtendedKeyUsagePurpose::ClientAuth));
    let trust = "tls: { ca: \"ca.pem\" }";
    let targets = [
        target("old", &format!("https://{old}"), trust),
        target("new", &format!("https://{new}"), "tls: { ca: \"ca.pem\", min: \"1.3\" }"),
        target(
            "known",
            &format!("https://{closed}"),
            "tls: { ca: \"ca.pem\", cert: \"client.pem\", key: \"client.pem\" }",
        ),
        target("unknown", &format!("https://{closed}"), trust),
        target("too_new", &format!("https://{old}"), "tls: { ca: \"ca.pem\", min: \"1.3\" }"),
        target("too_old", &format!("https://{new}"), "tls: { ca: \"ca.pem\", max: \"1.2\" }"),
    ];
    let ran = place.run(&scenario(&targets, "max(load_old.tls_time) > 0s\n    count(load_old) == 5"), &[]);
    assert!(matches!(ran.code, 0 | 5), "{}{}", ran.out, ran.err);
    for load in ["load_old", "load_new", "load_known"] {
        assert_eq!(outcome(&ran, load), (5, serde_json::json!({})), "{load}: {}", ran.out);
    }
    // nginx answers those without a certificate by 400, and in TLS 1.3 after the handshake.
    assert_eq!(outcome(&ran, "load_unknown"), (0, serde_json::json!({ "status": 5 })), "{}", ran.out);
    for load in ["load_too_new", "load_too_old"] {
        assert_eq!(outcome(&ran, load), (0, serde_json::json!({ "handshake": 5 })), "{load}: {}", ran.out);
    }
    let phases = ran.result["phases"].as_array().unwrap();
    let of = |series: &str| phases.iter().find(|own| own["series"].as_str().unwrap().starts_with(series)).unwrap();
    let (old, refused) = (of("load_old"), of("load_too_new"));
    assert!(old["tls"]["p50_ns"].as_u64() > old["connect"]["p50_ns"].as_u64(), "{old}");
    assert_eq!((&refused["tls"]["samples"], &refused["first_byte"]["samples"]), (&5.into(), &0.into()), "{refused}");
    assert_eq!(refused["service"]["p50_ns"], serde_json::Value::Null, "{refused}");
    let log = nginx.log();
    for seen in ["TLSv1.2 . NONE", "TLSv1.3 . NONE", " . SUCCESS"] {
        assert!(log.iter().any(|line| line.contains(seen)), "{seen}: {log:?}");
    }
}

#[test]
fn sessions_are_taken_up_again_unless_the_file_says_otherwise() {
    let Some(program) = nginx() else { return };
    let authority = Authority::new("a test");
    let here = authority.server(&["127.0.0.1"], FAR);
    for version in ["TLSv1.2", "TLSv1.3"] {
        for resume in [true, false] {
            let servers = [server("here.pem", &format!("ssl_protocols {version}; ssl_session_cache shared:a:1m;"))];
            let nginx = Nginx::start(&program, &servers, &[("here.pem", &here)]);
            let place = Place::new();
            place.write("ca.pem", &authority.pem());
            let options = format!("connections: per_request\n    tls: {{ ca: \"ca.pem\", resume: {resume} }}");
            let url = format!("https://{}", nginx.addresses[0]);
            let ran = place
                .run(&scenario(&[target("api", &url, &options)], "count(load_api.tls_time) == 5"), &["--workers", "1"]);
            ran.passed();
            let again = nginx.log().iter().filter(|line| line.contains(" r ")).count();
            assert_eq!(again, if resume { 4 } else { 0 }, "{version}, {resume}: {:?}", nginx.log());
        }
    }
}

/// Does this with each connection, and says where it listens.
pub fn strange(with: fn(std::net::TcpStream)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || with(stream));
        }
    });
    address
}

#[test]
fn each_thing_that_goes_wrong_is_a_failure_of_its_kind() {
    let Some(program) = nginx() else { return };
    let (authority, other) = (Authority::new("a test"), Authority::new("somebody else"));
    let files = [
        ("expired.pem", authority.server(&["127.0.0.1"], 2021)),
        ("elsewhere.pem", authority.server(&["other.test"], FAR)),
        ("stranger.pem", other.server(&["127.0.0.1"], FAR)),
    ];
    let servers: Vec<String> = files.iter().map(|(name, _)| server(name, "")).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let nginx = Nginx::start(&program, &servers, &files);
    let [expired, elsewhere, stranger] = nginx.addresses[..] else { panic!("three servers") };
    let closes = strange(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
    });
    let stalls = strange(|stream| {
        std::thread::sleep(Duration::from_secs(60));
        drop(stream);
    });
    let plain = strange(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        std::thread::sleep(Duration::from_secs(1));
    });
    let place = Place::new();
    place.write("ca.pem", &authority.pem());
    let trust = "tls: { ca: \"ca.pem\" }\n    timeout: 500ms";
    let all = [
        ("expired", expired, "certificate", "the certificate of the server has expired"),
        ("elsewhere", elsewhere, "certificate", "the certificate of the server is of other.test, not of `127.0.0.1`"),
        ("stranger", stranger, "certificate", "no trusted authority has signed the certificate"),
        ("closes", closes, "closed", ""),
        ("stalls", stalls, "timeout", ""),
        ("plain", plain, "handshake", "what the server says is no TLS"),
    ];
    let mut targets: Vec<String> =
        all.iter().map(|(name, address, ..)| target(name, &format!("https://{address}"), trust)).collect();
    let named = "tls: { ca: \"ca.pem\", server_name: \"other.test\" }";
    targets.push(target("named", &format!("https://{elsewhere}"), named));
    targets.push(target("whoever", &format!("https://{stranger}"), "tls: { verify: false }"));
    let ran = place.run(&scenario(&targets, "count(load_named) == 5"), &[]);
    assert!(matches!(ran.code, 0 | 5), "{}{}", ran.out, ran.err);
    let examples = ran.result["examples"].to_string();
    for (name, _, kind, because) in all {
        let load = format!("load_{name}");
        assert_eq!(outcome(&ran, &load), (0, serde_json::json!({ kind: 5 })), "{name}: {}", ran.out);
        assert!(examples.contains(because), "{name}: {examples}");
        let rows = ran.result["windows"].as_array().unwrap().iter().find(|window| window["load"] == load.as_str());
        assert_eq!(rows.unwrap()["steps"][0]["unanswered"], 5, "{name}: {}", ran.out);
        let causes = ran.result["failures"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["series"].as_str().is_some_and(|series| series.ends_with(&format!("{name}_page"))));
        let causes: Vec<&serde_json::Value> = causes.collect();
        assert_eq!((causes.len(), &causes[0]["count"]), (1, &5.into()), "{name}: {causes:?}");
        match because {
            "" => assert!(causes[0]["because"].is_null(), "{name}: {causes:?}"),
            because => assert!(causes[0]["because"].as_str().unwrap().starts_with(because), "{name}: {causes:?}"),
        }
    }
    for load in ["load_named", "load_whoever"] {
        assert_eq!(outcome(&ran, load), (5, serde_json::json!({})), "{load}: {}", ran.out);
    }
    assert!(ran.out.contains("the certificate was not checked of `whoever` (`verify: false`)"), "{}", ran.out);
    let planned = place.call(&["plan", "test.stress"]);
    assert!(planned.out.contains("whose certificate is not checked"), "{}", planned.out);
}

/// The shop over https, with its probe, its page of metrics, and a link in front of it.
#[test]
fn the_shop_over_https_is_hurt_on_the_way_by_bytes() {
    let shop = "  service shop = demo(tls: true)\n  link wire = tcp(to: shop.address)\n  monitor page = metrics(\"{shop.url}/metrics\")\n  target api = http(\"https://{wire.address}\") {\n    tls: { ca: shop.ca }\n    timeout: 500ms\n    connections: per_request\n  }\n  target straight = http(shop.url) {\n    tls: { ca: shop.ca, server_name: \"shop.test\" }\n  }\n  flow browse on api {\n    get \"/products\" as list {\n      expect status == 200\n    }\n  }\n  flow near on straight {\n    get \"/health\" as health\n  }\n  load main of browse {\n    hold 20/s for 8s as all\n  }\n  load beside of near {\n    hold 5/s for 8s\n  }\n";
    for (fault, expect) in [
        ("latency(wire, 300ms)", "p50(main.tls_time) > 300ms during hurt\n    error_rate(main) < 100% during hurt"),
        ("partition(wire)", "error_rate(main) > 60% during hurt"),
        ("reset(wire)", "error_rate(main) > 60% during hurt"),
    ] {
        let text = format!(
            "scenario test {{\n{shop}  fault hurt = {fault} at 2s for 3s\n  expect {{\n    {expect}\n    error_rate(main) == 0% before hurt\n    error_rate(beside) == 0%\n    max(page.query('process_resident_memory_bytes', unit: 1B)) > 0B\n  }}\n}}\n"
        );
        let ran = Place::new().run(&text, &[]);
        ran.passed();
    }
}

/// Requests are answered and held on the way, and the server sees TLS as the target says it.
#[test]
fn faults_of_requests_act_where_a_link_ends_tls() {
    let Some(program) = nginx() else { return };
    let (authority, clients) = (Authority::new("a test"), Authority::new("of clients"));
    let (here, elsewhere) = (authority.server(&["shop.test"], FAR), authority.server(&["127.0.0.1"], 2021));
    let servers = [
        server("here.pem", "ssl_protocols TLSv1.2; ssl_verify_client on; ssl_client_certificate clients.pem;"),
        server("elsewhere.pem", ""),
    ];
    let files = [("here.pem", &*here), ("elsewhere.pem", &*elsewhere), ("clients.pem", &clients.pem())];
    let nginx = Nginx::start(&program, &servers, &files);
    let [good, expired] = nginx.addresses[..] else { panic!("two servers") };
    let place = Place::new();
    place.write("ca.pem", &authority.pem());
    place.write("client.pem", &clients.signs(&["somebody.test"], FAR, ExtendedKeyUsagePurpose::ClientAuth));
    let link =
        |name: &str, to: SocketAddr| format!("  link {name} = http(to: \"{to}\") {{\n    tls: terminate\n  }}\n");
    let through = |name: &str, options: &str| {
        target(name, &format!("{{way_{name}.url}}"), options).replace("\"{", "").replace(".url}\"", ".url")
    };
    let known = "tls: { ca: \"ca.pem\", cert: \"client.pem\", key: \"client.pem\", server_name: \"shop.test\" }";
    let text = [
        link("way_api", good),
        link("way_old", expired),
        link("way_other", good),
        link("way_blind", expired),
        through("api", known).replace("hold 5/s for 1s", "hold 40/s for 3s"),
        through("old", "tls: { ca: \"ca.pem\" }"),
        through("other", "tls: { ca: \"ca.pem\" }"),
        through("blind", "tls: { verify: false }"),
        "  fault broken = http_error(way_api, 503, 50%) at 1s for 1s\n".to_owned(),
        "  fault slow = http_delay(way_api, 200ms, 100%) at 2s for 1s\n".to_owned(),
    ];
    let expect = "error_rate(load_api) == 0% outside broken\n    error_rate(load_api) > 20% during broken\n    p50(load_api) > 200ms during slow";
    let ran = place.run(&scenario(&text, expect), &[]);
    ran.passed();
    let failures = ran.result["failures"].to_string();
    for because in [
        "behind the link: the certificate of the server has expired, or is not valid yet",
        "behind the link: the certificate of the server is of another host",
    ] {
        assert!(failures.contains(because), "{because}: {failures}");
    }
    for load in ["load_old", "load_other"] {
        assert_eq!(outcome(&ran, load), (0, serde_json::json!({ "certificate": 5 })), "{load}: {}", ran.out);
    }
    assert_eq!(outcome(&ran, "load_blind"), (5, serde_json::json!({})), "{}", ran.out);
    let log = nginx.log();
    let seen = log.iter().filter(|line| line.starts_with("TLSv1.2 ") && line.contains(" SUCCESS ")).count();
    assert!((80..=120).contains(&seen), "what is answered on the way reaches nobody: {seen} of {}", log.len());
    let plan = place.call(&["plan", "test.stress"]).out.replace('\n', " ");
    assert!(plan.contains("which ends TLS with a certificate of the run"), "{plan}");
}

/// What comes in the middle of a handshake holds and ends it too, on both sides of a link that ends TLS.
#[test]
fn faults_of_bytes_act_on_handshakes_of_a_link_that_ends_tls() {
    let shop = "  service shop = demo(tls: true)\n  link way = http(to: shop.address) {\n    tls: terminate\n  }\n  target api = http(way.url) {\n    tls: { ca: shop.ca }\n    timeout: 1500ms\n    connections: per_request\n  }\n  flow browse on api {\n    get \"/products\" as list\n  }\n  load main of browse {\n    hold 20/s for 6s as all\n  }\n";
    for (fault, expect) in [
        ("latency(way, 200ms)", "p50(main.tls_time) > 200ms during hurt\n    error_rate(main) == 0%"),
        ("partition(way)", "error_rate(main) > 10% during hurt\n    error_rate(main) < 50% during hurt"),
        ("reset(way)", "error_rate(main) == 100% during hurt"),
    ] {
        let text = format!(
            "scenario test {{\n{shop}  fault hurt = {fault} at 2s for 2s\n  expect {{\n    {expect}\n    error_rate(main) == 0% before hurt\n    error_rate(main) == 0% after hurt\n  }}\n}}\n"
        );
        Place::new().run(&text, &[]).passed();
    }
}

/// Each shows its own, whoever else is connected, and takes up its own sessions alone.
#[test]
fn users_show_certificates_of_their_own() {
    let Some(program) = nginx() else { return };
    let (authority, clients) = (Authority::new("a test"), Authority::new("of clients"));
    let here = authority.server(&["127.0.0.1"], FAR);
    let block = "ssl_verify_client on; ssl_client_certificate clients.pem; ssl_session_cache shared:a:1m;";
    let servers =
        ["TLSv1.2", "TLSv1.3"].map(|version| server("here.pem", &format!("ssl_protocols {version}; {block}")));
    let nginx = Nginx::start(&program, &servers, &[("here.pem", &here), ("clients.pem", &clients.pem())]);
    let place = Place::new();
    place.write("ca.pem", &authority.pem());
    for user in 1..=3 {
        let own = clients.signs(&[&format!("user-{user}.test")], FAR, ExtendedKeyUsagePurpose::ClientAuth);
        place.write(&format!("user-{user}.pem"), &own);
    }
    place.write("users.csv", "cert,key\nuser-1.pem,user-1.pem\nuser-2.pem,user-2.pem\nuser-3.pem,user-3.pem\n");
    let of = |name: &str, at: usize, more: &str, load: &str| {
        let url = format!("https://{}", nginx.addresses[at]);
        let options =
            format!("tls: {{ ca: \"ca.pem\", cert: users.per_user().cert, key: users.per_user().key }}\n    {more}");
        let text = target(name, &url, &options).replace("hold 5/s for 1s", load);
        text.replace("get \"/\"", "think 20ms\n    get \"/{user.id}\"")
    };
    let all = [
        "  data users = csv(\"users.csv\")\n".to_owned(),
        of("kept", 0, "", "hold 3 users for 1s"),
        of("again", 0, "connections: per_request", "hold 3 users for 1s"),
        of("newer", 1, "connections: per_request", "hold 3 users for 1s"),
        of("open", 1, "", "hold 20/s for 1s"),
    ];
    let names = ["kept", "again", "newer", "open"].map(|name| format!("error_rate(load_{name}) == 0%"));
    place.run(&scenario(&all, &names.join("\n    ")), &["--workers", "2"]).passed();
    let log = nginx.log();
    assert!(log.len() > 60, "{log:?}");
    for line in &log {
        let user: u64 = line.rsplit('/').next().unwrap().parse().unwrap();
        let shown = format!(" SUCCESS CN=user-{}.test ", (user - 1) % 3 + 1);
        assert!(line.contains(&shown), "{line}");
    }
    for version in ["TLSv1.2 r ", "TLSv1.3 r "] {
        assert!(
            log.iter().filter(|line| line.starts_with(version)).count() > 5,
            "sessions are taken up again: {log:?}"
        );
    }
    place.write("users.csv", "cert,key\nuser-1.pem,user-1.pem\nuser-2.pem,user-3.pem\n");
    let ran = place.call(&["run", "test.stress"]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    let why = "`tls:` of `kept`: row 2 of `users`: `key:` is not the key of the certificate in `cert:`";
    assert!(ran.err.contains(why), "{}", ran.err);
    place.write("users.csv", "cert,key\n../user-1.pem,user-1.pem\n");
    let ran = place.call(&["run", "test.stress"]);
    assert!(
        ran.err.contains("row 1 of `users`: `cert` is `../user-1.pem`, which names no file next to"),
        "{}",
        ran.err
    );
}
