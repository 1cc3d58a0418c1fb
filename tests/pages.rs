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
    count(readers.whole_page) == 3
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
    assert!(windows.contains("whole_page"), "{windows}");
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
