//! Statements over TLS, against a real PostgreSQL, a real MariaDB, and servers that speak none.

use crate::databases::Server;
use crate::support::postgres::Postgres;
use crate::support::{Place, Ran};
use crate::tls::{Authority, FAR, outcome, strange};
use rcgen::ExtendedKeyUsagePurpose;
use serde_json::json;
use std::io::{Read, Write};

/// A target with a flow of one statement and a load of its own, by name.
fn target(name: &str, address: &str, options: &str, query: &str) -> String {
    format!(
        "  target {name} = {address} {{\n    {options}\n    timeout: 8s\n  }}\n  flow ask_{name} on {name} {{\n    query \"{query}\" as {name}_rows {{\n      expect rows.first.n == 1\n    }}\n  }}\n  load load_{name} of ask_{name} {{\n    hold 5/s for 1s\n  }}\n"
    )
}

fn scenario(targets: &[String], expect: &str) -> String {
    format!("scenario test {{\n{}  expect {{\n    {expect}\n  }}\n}}\n", targets.concat())
}

/// All steps of a load failed in this way, and the report says so in these words.
fn failed(ran: &Ran, name: &str, kind: &str, because: &str) {
    let load = format!("load_{name}");
    assert_eq!(outcome(ran, &load), (0, json!({ kind: 5 })), "{name}: {}{}", ran.out, ran.err);
    let all = ran.result["failures"].as_array().unwrap();
    let is_it = |one: &&serde_json::Value| {
        one["series"].as_str().is_some_and(|series| series.ends_with(&format!("{name}_rows")))
    };
    let own: Vec<_> = all.iter().filter(is_it).collect();
    assert!(own.iter().all(|one| one["because"].as_str().unwrap_or_default().contains(because)), "{name}: {own:?}");
}

fn went_well(ran: &Ran, name: &str) {
    assert_eq!(outcome(ran, &format!("load_{name}")), (5, json!({})), "{name}: {}{}", ran.out, ran.err);
}

const ENCRYPTED: &str = "select count(*) as n from pg_stat_ssl where pid = pg_backend_pid() and ssl";

#[test]
fn a_postgresql_is_asked_over_tls_as_the_target_says() {
    let (authority, clients, other) =
        (Authority::new("a test"), Authority::new("of clients"), Authority::new("somebody else"));
    let here = authority.server(&["127.0.0.1"], FAR);
    let settings = "ssl = on\nssl_cert_file = 'here.pem'\nssl_key_file = 'here.pem'\nssl_ca_file = 'clients.pem'\n";
    let who_may =
        "hostssl all known 127.0.0.1/32 trust clientcert=verify-ca\nhostssl all postgres 127.0.0.1/32 trust\n";
    let files = [("here.pem", &*here), ("clients.pem", &clients.pem())];
    let Some(server) = Postgres::start(settings, who_may, &files) else { return };
    let place = Place::new();
    place.write("ca.pem", &authority.pem());
    place.write("other.pem", &other.pem());
    place.write("client.pem", &clients.signs(&["known"], FAR, ExtendedKeyUsagePurpose::ClientAuth));
    let url =
        |user: &str, more: &str| format!("postgres(\"postgres://{user}@127.0.0.1:{}/postgres{more}\")", server.port);
    let known = "tls: { ca: \"ca.pem\", cert: \"client.pem\", key: \"client.pem\" }";
    let in_version = |version: &str| {
        format!("select count(*) as n from pg_stat_ssl where pid = pg_backend_pid() and version = 'TLSv{version}'")
    };
    let targets = [
        target("good", &url("postgres", ""), "tls: { ca: \"ca.pem\" }", ENCRYPTED),
        target("old", &url("postgres", ""), "tls: { ca: \"ca.pem\", max: \"1.2\" }", &in_version("1.2")),
        target("new", &url("postgres", ""), "tls: { ca: \"ca.pem\", min: \"1.3\" }", &in_version("1.3")),
        target("anew", &url("postgres", ""), "tls: { ca: \"ca.pem\" }\n    connections: per_request", ENCRYPTED),
        target("blind", &url("postgres", "?sslmode=require"), "", ENCRYPTED),
        target("full", &url("postgres", "?sslmode=verify-full"), "tls: { ca: \"ca.pem\" }", ENCRYPTED),
        target("machine", &url("postgres", "?sslmode=verify-full"), "", ENCRYPTED),
        target("elsewhere", &url("postgres", ""), "tls: { ca: \"ca.pem\", server_name: \"other.test\" }", ENCRYPTED),
        target("stranger", &url("postgres", ""), "tls: { ca: \"other.pem\" }", ENCRYPTED),
        target("plain", &url("postgres", ""), "", ENCRYPTED),
        target("shown", &url("known", ""), known, ENCRYPTED)
            .replace("  target", "  setup {\n    execute \"create role known login\" on good\n  }\n  target"),
        target("unshown", &url("known", ""), "tls: { ca: \"ca.pem\" }", ENCRYPTED),
        target(
            "large",
            &url("postgres", ""),
            "tls: { ca: \"ca.pem\" }",
            "select 1 as n, repeat('x', 1000) as x from generate_series(1, 5000)",
        ),
    ];
    let ran = place.run(&scenario(&targets, "count(load_good.tls_time) > 0\n    count(load_anew.tls_time) == 5"), &[]);
    assert!(matches!(ran.code, 0 | 5), "{}{}", ran.out, ran.err);
    for name in ["good", "old", "new", "anew", "blind", "full", "shown", "large"] {
        went_well(&ran, name);
    }
    failed(&ran, "machine", "certificate", "no trusted authority has signed the certificate");
    failed(&ran, "elsewhere", "certificate", "the certificate of the server is of 127.0.0.1, not of `other.test`");
    failed(&ran, "stranger", "certificate", "no trusted authority has signed the certificate");
    failed(&ran, "plain", "connection", "no pg_hba.conf entry");
    failed(&ran, "unshown", "connection", "valid client certificate");
    assert!(ran.out.contains("the certificate was not checked of `blind`"), "{}", ran.out);
    let expectations = ran.result["expectations"].as_array().unwrap();
    assert!(expectations.iter().all(|one| one["verdict"] == "passed"), "{}", ran.out);

    let expired = authority.server(&["127.0.0.1"], 2021);
    server.becomes("ssl_max_protocol_version = 'TLSv1.2'\n", &[("here.pem", &expired)]);
    let targets = [
        target("expired", &url("postgres", ""), "tls: { ca: \"ca.pem\" }", ENCRYPTED),
        target("too_new", &url("postgres", ""), "tls: { verify: false, min: \"1.3\" }", ENCRYPTED),
    ];
    let ran = place.run(&scenario(&targets, "count(load_expired) == 5"), &[]);
    failed(&ran, "expired", "certificate", "the certificate of the server has expired");
    failed(&ran, "too_new", "handshake", "the server speaks none of these versions of TLS");
}

/// Faults on the way act on what is encrypted, and those from within take the same way as the load.
#[test]
fn faults_act_on_a_postgresql_over_tls() {
    let authority = Authority::new("a test");
    let here = authority.server(&["127.0.0.1"], FAR);
    let settings = "ssl = on\nssl_cert_file = 'here.pem'\nssl_key_file = 'here.pem'\n";
    let who_may = "hostssl all postgres 127.0.0.1/32 trust\n";
    let Some(server) = Postgres::start(settings, who_may, &[("here.pem", &here)]) else { return };
    let place = Place::new();
    place.write("ca.pem", &authority.pem());
    let text = format!(
        r#"scenario test {{
  target db = postgres("postgres://postgres@127.0.0.1:{}/postgres") {{
    tls: {{ ca: "ca.pem" }}
    connections: pool(4)
    timeout: 500ms
  }}
  setup {{
    execute "create table orders (id int)" on db
  }}
  flow asks on db {{
    query "select count(*) as n from orders" as asked {{
      expect rows.first.n == 0
    }}
    think 20ms
  }}
  load main of asks {{
    hold 4 users for 13s as plateau
  }}
  fault slow = latency(db, 100ms) at plateau + 1s for 1s
  fault cut = partition(db) at plateau + 3s for 1500ms
  fault broken = reset(db) at plateau + 6s for 1s
  fault locked = lock_table(db, "orders") at plateau + 8s for 1s
  fault ended = kill_connections(db) at plateau + 10s
  expect {{
    p50(asked) > 100ms during slow
    error_rate(main) == 0% during slow
    error_rate(main) > 0% during cut
    error_rate(main) > 0% during broken
    count(main.tls_time) > 4
  }}
}}
"#,
        server.port
    );
    let ran = place.run(&text, &[]);
    let all = ran.result["failures"].as_array().unwrap_or_else(|| panic!("{}{}", ran.out, ran.err));
    let kinds: Vec<&str> = all.iter().map(|one| one["failure"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"timeout") && kinds.contains(&"reset"), "{all:?}\n{}", ran.out);
    let known = ["timeout", "connection", "reset", "closed", "connect"];
    assert!(kinds.iter().all(|kind| known.contains(kind)), "{all:?}");
    let expectations = ran.result["expectations"].as_array().unwrap();
    assert!(expectations.iter().all(|one| one["verdict"] == "passed"), "{}{}", ran.out, ran.err);
    let faults = ran.result["faults"].as_array().unwrap();
    assert!(faults.iter().all(|fault| fault["effective"] == true), "{faults:?}\n{}", ran.out);
}

#[test]
fn a_mariadb_is_asked_over_tls_as_the_target_says() {
    let (authority, clients, other) =
        (Authority::new("a test"), Authority::new("of clients"), Authority::new("somebody else"));
    let here = authority.server(&["127.0.0.1"], FAR);
    let files = [("ssl-cert", &*here), ("ssl-key", &*here), ("ssl-ca", &clients.pem())];
    let Some(server) = Server::with(&files) else { return };
    let place = Place::new();
    place.write("ca.pem", &authority.pem());
    place.write("other.pem", &other.pem());
    place.write("client.pem", &clients.signs(&["known"], FAR, ExtendedKeyUsagePurpose::ClientAuth));
    let url = |user: &str, more: &str| format!("mysql(\"mysql://{user}@127.0.0.1:{}/mysql{more}\")", server.port);
    let query =
        "select variable_value <> '' as n from information_schema.session_status where variable_name = 'Ssl_version'";
    let known = "tls: { ca: \"ca.pem\", cert: \"client.pem\", key: \"client.pem\" }";
    let made = "  setup {\n    execute \"create user named@'127.0.0.1' identified by 'a word' require ssl\" on good\n    execute \"create user known@'127.0.0.1' require x509\" on good\n    execute \"grant all on *.* to named@'127.0.0.1'\" on good\n    execute \"grant all on *.* to known@'127.0.0.1'\" on good\n  }\n";
    let targets = [
        target("good", &url("root", ""), "tls: { ca: \"ca.pem\" }", query),
        made.to_owned(),
        target("named", &url("named:a%20word", ""), "tls: { ca: \"ca.pem\", max: \"1.2\" }", query),
        target("shown", &url("known", ""), known, query),
        target("unshown", &url("known", ""), "tls: { ca: \"ca.pem\" }", query),
        target("blind", &url("root", "?ssl-mode=REQUIRED"), "", query),
        target("late", &url("root", ""), "tls: { ca: \"ca.pem\" }", "select sleep(30) as n")
            .replace("timeout: 8s", "timeout: 300ms"),
        target("stranger", &url("root", ""), "tls: { ca: \"other.pem\" }", query),
        target("elsewhere", &url("root", ""), "tls: { ca: \"ca.pem\", server_name: \"other.test\" }", query),
        target("plain", &url("named:a%20word", ""), "", query),
        target(
            "ended",
            &url("root", ""),
            "",
            "select count(*) < 6 as n from information_schema.processlist where info = 'select sleep(30) as n'",
        ),
    ];
    let ran = place.run(&scenario(&targets, "count(load_good) == 5"), &[]);
    assert!(matches!(ran.code, 0 | 5), "{}{}", ran.out, ran.err);
    for name in ["good", "named", "shown", "blind", "ended"] {
        went_well(&ran, name);
    }
    failed(&ran, "unshown", "connection", "1045: Access denied");
    failed(&ran, "plain", "connection", "1045: Access denied");
    failed(&ran, "late", "timeout", "");
    failed(&ran, "stranger", "certificate", "no trusted authority has signed the certificate");
    failed(&ran, "elsewhere", "certificate", "the certificate of the server is of 127.0.0.1, not of `other.test`");
}

#[test]
fn a_database_that_speaks_no_tls_is_told() {
    let refuses = strange(|mut stream| {
        let _ = stream.read(&mut [0; 8]);
        let _ = stream.write_all(b"N");
    });
    let plain = strange(|mut stream| {
        let _ = stream.read(&mut [0; 8]);
        let _ = stream.write_all(b"S");
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let web = strange(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = stream.read(&mut [0; 4096]);
    });
    let stalls = strange(|stream| {
        std::thread::sleep(std::time::Duration::from_secs(60));
        drop(stream);
    });
    let postgres = |address| format!("postgres(\"postgres://somebody@{address}/shop\")");
    let mysql = |address| format!("mysql(\"mysql://somebody@{address}/shop\")");
    let any = "tls: { verify: false }";
    let mut targets = vec![
        target("refuses", &postgres(refuses), any, "select 1 as n"),
        target("garbled", &postgres(plain), any, "select 1 as n"),
        target("web", &postgres(web), any, "select 1 as n"),
        target("stalls", &postgres(stalls), any, "select 1 as n").replace("timeout: 8s", "timeout: 500ms"),
        target("web_again", &mysql(web), any, "select 1 as n"),
        target("stalls_again", &mysql(stalls), any, "select 1 as n").replace("timeout: 8s", "timeout: 500ms"),
        target("nobody", &postgres("127.0.0.1:1".parse().unwrap()), any, "select 1 as n"),
    ];
    let server = Server::start();
    targets.extend(
        server
            .as_ref()
            .map(|server| target("mariadb", &mysql(([127, 0, 0, 1], server.port).into()), any, "select 1 as n")),
    );
    let ran = Place::new().run(&scenario(&targets, "count(load_web) == 5"), &[]);
    failed(&ran, "refuses", "handshake", "the server speaks no TLS");
    failed(&ran, "garbled", "handshake", "what the server says is no TLS");
    failed(&ran, "web", "protocol", "what answers is no PostgreSQL");
    failed(&ran, "stalls", "timeout", "");
    failed(&ran, "web_again", "protocol", "");
    failed(&ran, "stalls_again", "timeout", "");
    failed(&ran, "nobody", "connect", "127.0.0.1:1");
    if server.is_some() {
        failed(&ran, "mariadb", "handshake", "the server speaks no TLS");
    }
}
