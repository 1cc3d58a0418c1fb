//! Web pages with all that a browser fetches with them, as `std.web` opens them.

use crate::support::{Keeper, Kept, Place, answered, answered_as};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU16, Ordering};

/// Ports of the two other servers that the page names.
static OTHERS: [AtomicU16; 2] = [AtomicU16::new(0), AtomicU16::new(0)];

fn site(asked: &Kept) -> Vec<u8> {
    let [cdn, ads] = [0, 1].map(|number| OTHERS[number].load(Ordering::SeqCst));
    let html = format!(
        r#"<!doctype html><title>Shop</title>
<link rel="icon" href="/favicon.ico"><link rel=stylesheet href="shop.css"><link rel=preload as=script href=../shop.js>
<link rel=stylesheet href="/en/shop.css#top"><link rel=stylesheet href="//127.0.0.1:{cdn}/font.css">
<script src="/shop.js"></script><script src="http://127.0.0.1:{ads}/track.js"></script>
<img src="hat.png?w=2&amp;h=3"><img src="hat.png?w=2&amp;h=3"><img src="below.png" loading="lazy"><img src="data:,x">
<a href="/next">next</a><template><img src="never.png"></template>"#
    );
    match asked.line() {
        "GET /" => answered_as("302 Found", "Location: /en/\r\n", b""),
        "GET /en/" | "GET /broken/" => answered("Content-Type: text/html\r\n", html.as_bytes()),
        "GET /broken/shop.css" => answered_as("404 Not Found", "", b"no such file"),
        _ => answered("Cache-Control: no-store\r\n", b"an asset"),
    }
}

fn other(_: &Kept) -> Vec<u8> {
    answered("", b"an asset of another server")
}

/// How often each line was asked for.
fn counted(keeper: &Keeper) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    keeper.seen().iter().for_each(|kept| *counted.entry(kept.line().to_owned()).or_default() += 1);
    counted
}

#[test]
fn a_page_is_opened_with_each_asset_once_and_from_declared_servers_alone() {
    let [site, cdn, ads] = [Keeper::start(site), Keeper::start(other), Keeper::start(other)];
    OTHERS[0].store(cdn.address.port(), Ordering::SeqCst);
    OTHERS[1].store(ads.address.port(), Ordering::SeqCst);
    let (at, beside) = (site.address, cdn.address);
    let ran = Place::new().run(
        &format!(
            r#"use std.web

scenario test {{
  target site = http("http://{at}") {{
    redirects: 5
  }}
  target cdn = http("http://{beside}")

  load readers of web.page(site, others: ["http://{beside}"], look: 10ms) {{
    once 3 iterations by 1 users within 20s
  }}
  load alone of web.page(site, path: "/en/", look: 10ms) {{
    once 2 iterations by 1 users within 20s
  }}
  load broken of web.page(site, path: "/broken/", look: 10ms) {{
    once 1 iterations by 1 users within 20s
  }}

  expect {{
    error_rate(readers) == 0%
    count(readers.opening) == 3
    count(readers.asset) == 15
    count(alone.asset) == 8
    count(broken.asset where status == 404) == 1
  }}
}}
"#
        ),
        &[],
    );
    ran.passed();
    // The third page has a path of its own, and so have its relative references.
    let expected: BTreeMap<String, usize> = [
        ("GET /", 3),
        ("GET /en/", 5),
        ("GET /broken/", 1),
        ("GET /favicon.ico", 6),
        ("GET /en/shop.css", 6),
        ("GET /shop.js", 6),
        ("GET /en/hat.png?w=2&h=3", 5),
        ("GET /broken/shop.css", 1),
        ("GET /broken/hat.png?w=2&h=3", 1),
    ]
    .map(|(line, times)| (line.to_owned(), times))
    .into();
    assert_eq!(counted(&site), expected);
    assert_eq!(counted(&cdn), [("GET /font.css".to_owned(), 3)].into());
    assert!(ads.seen().is_empty(), "a server that the file does not name was asked");
    // All at a time: the group takes as long as its document and its slowest asset, and is whole.
    let windows = ran.result["windows"].to_string();
    assert!(windows.contains("opening"), "{windows}");
}

/// A server whose assets are wanted and that is no target fails its request, which is never sent.
#[test]
fn an_asset_of_a_server_that_is_no_target_is_not_sent() {
    fn page(asked: &Kept) -> Vec<u8> {
        let port = asked.header("Accept-Language");
        answered("Content-Type: text/html\r\n", format!("<img src=http://127.0.0.1:{port}/x.png>").as_bytes())
    }
    let (site, elsewhere) = (Keeper::start(page), Keeper::start(other));
    let (at, port) = (site.address, elsewhere.address.port());
    let ran = Place::new().run(
        &format!(
            r#"use std.web

scenario test {{
  target site = http("http://{at}") {{
    headers: {{ "Accept-Language": "{port}" }}
  }}
  load readers of web.page(site, others: ["http://127.0.0.1:{port}"], look: 10ms) {{
    once 1 iterations by 1 users within 20s
  }}
  expect {{
    error_rate(readers) == 0%
  }}
}}
"#
        ),
        &[],
    );
    let told = format!("it leads to `http://127.0.0.1:{port}`, which is no target of the scenario");
    assert!(ran.code == 1 && ran.out.contains(&told), "{}{}", ran.out, ran.err);
    assert!(elsewhere.seen().is_empty());
}

/// The template of the library with a shop whose orders fail meanwhile: the page itself does not depend on what is cut off.
#[test]
fn pages_stay_usable_during_a_failure_of_something_else() {
    let text = |failure: &str| {
        format!(
            r#"use std.monitoring
use std.web

system shop {{
  service bank = demo()
  link wire = tcp(to: bank.address)
  service app = demo(payments: wire.address)
  link front = tcp(to: app.address)
  target api = http(app.url)
  target pages = http(app.url(via: front))
}}

system sut = shop()

flow buy on sut.api {{
  post "/orders" as order {{
    json: {{ product: 1, qty: 1 }}
  }}
}}

flow view = web.page(sut.pages, path: "/products", look: 20ms)

scenario usable = monitoring.stays_usable(buy, view: view, failure: {failure}, rate: 20/s, visits: 60/s,
  rise: 1s, calm: 2s, hurt: 2500ms, allowed: 500ms)
"#
        )
    };
    let place = Place::new();
    place.write("test.stress", &text("partition(sut.wire)"));
    let ran = place.call(&["run", "test.stress:usable", "--no-progress"]);
    ran.passed();
    assert_eq!(ran.result["faults"][0]["effective"], true, "{}", ran.out);
    // The way to the pages themselves.
    place.write("test.stress", &text("latency(sut.front, 800ms)"));
    let ran = place.call(&["run", "test.stress:usable", "--no-progress"]);
    let p95 = ran.result["expectations"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["text"] == "p95(views.opening during cause) < 500ms");
    assert!(ran.code == 1 && p95.is_some_and(|one| one["verdict"] == "failed"), "{}{}", ran.out, ran.err);
}
