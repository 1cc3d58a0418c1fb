//! What requests carry, as a server gets it, byte for byte: methods, headers, forms, files, bodies in parts.

use crate::support::{Keeper, Kept, Place, answered};

/// A scenario with these options of its target and this flow, of which the first step is measured alone.
fn scenario(keeper: &Keeper, options: &str, flow: &str, stages: &str, expect: &str) -> String {
    let address = keeper.address;
    format!(
        "scenario test {{\n  target api = http(\"http://{address}\") {{\n    timeout: 5s\n{options}\n  }}\n  flow go on api {{\n{flow}\n  }}\n  load main of go {{\n{stages}\n  }}\n  expect {{\n{expect}\n  }}\n}}\n"
    )
}

const TWO: &str = "    hold 4/s for 500ms";
const GOOD: &str = "    error_rate(main) == 0%";

fn ok(_: &Kept) -> Vec<u8> {
    answered("", b"{}")
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// The parts of a body by hand: heads and contents.
fn parts(kept: &Kept) -> Vec<(String, Vec<u8>)> {
    let boundary = kept.header("Content-Type").strip_prefix("multipart/form-data; boundary=").unwrap().to_owned();
    assert!((1..=70).contains(&boundary.len()));
    let (open, close) = (format!("--{boundary}\r\n"), format!("--{boundary}--\r\n"));
    assert!(kept.body.ends_with(close.as_bytes()), "nothing stands behind the last part");
    let mut rest = &kept.body[..kept.body.len() - close.len()];
    let mut found = Vec::new();
    while !rest.is_empty() {
        rest = rest.strip_prefix(open.as_bytes()).expect("a part begins with its delimiter");
        let head_end = find(rest, b"\r\n\r\n").unwrap();
        let head = String::from_utf8(rest[..head_end].to_vec()).unwrap();
        let body = &rest[head_end + 4..];
        let end = find(body, format!("\r\n--{boundary}").as_bytes()).unwrap_or(body.len() - 2);
        found.push((head, body[..end].to_vec()));
        rest = &body[end + 2..];
    }
    found
}

#[test]
fn a_body_in_parts_is_what_was_written() {
    let keeper = Keeper::start(ok);
    let place = Place::new();
    // Every byte, and what would end the part if it were taken for a boundary.
    let photo = [&(0..=255).collect::<Vec<u8>>()[..], b"\r\n--stressc-0000000000000000--\r\n\r\n"].concat();
    std::fs::write(place.path().join("photo.png"), &photo).unwrap();
    std::fs::write(place.path().join("empty"), b"").unwrap();
    let flow = r#"
    post "/upload" {
      multipart: {
        note: "two\nlines, {user.id} and --stressc-0000000000000001"
        "na\"me \u{e9}": 7
        tags: ["a", 2, true]
        photo: file("photo.png")
        more: [file("photo.png", type: "application/x-{user.id}", name: "of \"{user.id}\".bin"), file("empty")]
      }
    }
    post "/fixed" {
      multipart: { one: "1", photo: file("photo.png") }
    }"#;
    place.run(&scenario(&keeper, "", flow, TWO, GOOD), &[]).passed();
    let mut users = Vec::new();
    for kept in keeper.asked("POST /upload") {
        let parts = parts(&kept);
        let user = String::from_utf8(parts[0].1.clone()).unwrap().chars().nth(11).unwrap();
        users.push(user);
        let data = |rest: &str| format!("Content-Disposition: form-data; name=\"{rest}");
        let wanted: Vec<(String, Vec<u8>)> = vec![
            (data("note\""), format!("two\nlines, {user} and --stressc-0000000000000001").into_bytes()),
            (data("na%22me \u{e9}\""), b"7".to_vec()),
            (data("tags\""), b"a".to_vec()),
            (data("tags\""), b"2".to_vec()),
            (data("tags\""), b"true".to_vec()),
            (data("photo\"; filename=\"photo.png\"\r\nContent-Type: image/png"), photo.clone()),
            (
                data(&format!("more\"; filename=\"of %22{user}%22.bin\"\r\nContent-Type: application/x-{user}")),
                photo.clone(),
            ),
            (data("more\"; filename=\"empty\"\r\nContent-Type: application/octet-stream"), Vec::new()),
        ];
        assert_eq!(parts, wanted);
        assert!(kept.header("Content-Type").ends_with("stressc-0000000000000002"), "the first that is in nothing");
    }
    users.sort_unstable();
    assert_eq!(users, ['1', '2']);
    let fixed = keeper.asked("POST /fixed");
    assert_eq!((fixed.len(), parts(&fixed[0])[1].1 == photo), (2, true));
}

#[test]
fn files_are_sent_byte_for_byte() {
    let keeper = Keeper::start(ok);
    let place = Place::new();
    // Larger than what the kernel takes at once.
    let large: Vec<u8> = (0..3_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(place.path().join("large.bin"), &large).unwrap();
    std::fs::write(place.path().join("query.JSON"), "{\"q\": \"\u{fc}\"}").unwrap();
    let flow = r#"
    post "/large/{user.id}" {
      body: file("large.bin")
    }
    put "/typed" {
      headers: { "Content-Type": "application/vnd.own" }
      body: file("large.bin")
    }
    post "/query" {
      body: file("query.JSON")
    }
    post "/text" {
      body: "{user.id}"
    }"#;
    let ran = place.run(&scenario(&keeper, "", flow, TWO, GOOD), &["--workers", "2"]);
    ran.passed();
    for user in 1..=2 {
        let kept = &keeper.asked(&format!("POST /large/{user}"))[0];
        assert_eq!(kept.header("Content-Type"), "application/octet-stream");
        assert!(kept.body == large, "user {user}");
    }
    for kept in keeper.asked("PUT /typed") {
        assert!(kept.header("content-type") == "application/vnd.own" && kept.body == large);
    }
    let query = &keeper.asked("POST /query")[0];
    assert_eq!((query.header("Content-Type"), &query.body[..]), ("application/json", "{\"q\": \"\u{fc}\"}".as_bytes()));
    assert_eq!(keeper.asked("POST /text")[0].header("Content-Type"), "text/plain; charset=utf-8");
    let plan = place.call(&["plan", "test.stress", "--json"]).out;
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    assert_eq!(plan["files"][0]["size"], 3_000_000);
    assert_eq!(plan["files"].as_array().unwrap().len(), 2, "a file that is sent twice is one");
    assert!(!plan.to_string().contains(&place.path().display().to_string()), "a plan names no paths");
    let before = plan["fingerprint"].clone();
    std::fs::write(place.path().join("query.JSON"), "{}").unwrap();
    let plan: serde_json::Value = serde_json::from_str(&place.call(&["plan", "test.stress", "--json"]).out).unwrap();
    assert_ne!(plan["fingerprint"], before, "another content is another plan");
}

#[test]
fn a_method_may_be_computed() {
    let keeper = Keeper::start(|kept| match kept.line() {
        "GET /1" => answered("", b"PURGE"),
        "GET /2" => answered("", b"HEAD"),
        "GET /3" => answered("", b"TWO WORDS"),
        "GET /4" => answered("", b"connect"),
        line if line.starts_with("HEAD ") => b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".to_vec(),
        _ => answered("", b"hello"),
    });
    let flow = r#"
    get "/{user.id}" as verb
    request verb.text "/there" as there
    request "MKCOL" "/known"
    request lower("GET") "/pure""#;
    let expect = "    error_rate(there) == 50%\n    count(there) == 2\n    error_rate(verb) == 0%";
    let ran = Place::new().run(&scenario(&keeper, "", flow, "    hold 4/s for 1s", expect), &[]);
    assert_eq!(ran.result["windows"][0]["steps"][1]["failed"]["data"], 2, "{}{}", ran.out, ran.err);
    let mut sent: Vec<String> = keeper.seen().iter().map(|kept| kept.line().to_owned()).collect();
    sent.retain(|line| !line.starts_with("GET "));
    sent.sort();
    let wanted = ["HEAD /there", "MKCOL /known", "MKCOL /known", "PURGE /there", "get /pure", "get /pure"];
    assert_eq!(sent, wanted, "what is no method is not sent");
}

#[test]
fn headers_of_a_target_stand_below_those_of_a_request() {
    let keeper = Keeper::start(ok);
    let place = Place::new();
    let options = r#"    headers: { "Accept": "text/html", "X-Tenant": "t-{word}", "X-Request": uuid(), "content-type": "text/x" }
    auth: basic("ann", word)"#;
    let flow = r#"
    get "/plain"
    post "/own" {
      headers: { "x-tenant": "mine", "Authorization": "Bearer {user.id}", "User-Agent": "me" }
      json: { a: 1 }
    }
    post "/parts" {
      multipart: { a: 1 }
    }"#;
    let text = scenario(&keeper, options, flow, TWO, GOOD)
        .replace("scenario test {", "scenario test {\n  let word = secret(\"TEST_WORD\")");
    place.write("words.env", "TEST_WORD='open sesame'\n");
    let ran = place.run(&text, &["--env-file", "words.env"]);
    ran.passed();
    let plain = keeper.asked("GET /plain");
    assert_eq!(plain[0].header("Accept"), "text/html");
    assert_eq!(plain[0].header("X-Tenant"), "t-open sesame");
    // echo -n 'ann:open sesame' | base64
    assert_eq!(plain[0].header("Authorization"), "Basic YW5uOm9wZW4gc2VzYW1l");
    assert_ne!(plain[0].header("X-Request"), plain[1].header("X-Request"), "computed for each request");
    let own = &keeper.asked("POST /own")[0];
    assert_eq!((own.header("X-Tenant"), own.header("User-Agent")), ("mine", "me"));
    assert!(own.header("Authorization").starts_with("Bearer "));
    assert_eq!(own.header("Content-Type"), "text/x");
    assert_eq!(parts(&keeper.asked("POST /parts")[0]).len(), 1, "the boundary is said by nobody else");
    std::fs::remove_file(place.path().join("words.env")).unwrap();
    place.write("words.env", "TEST_WORD='open sesame'\n");
    let tried = place.call(&["try", "test.stress", "--env-file", "words.env"]);
    assert!(tried.out.contains("Authorization: Basic"), "{}{}", tried.out, tried.err);
    std::fs::remove_file(place.path().join("words.env")).unwrap();
    let calls = [tried, place.call(&["report"]), place.call(&["check", "test.stress", "--emit", "program"])];
    let mut told: Vec<String> = calls.iter().map(|ran| format!("{}{}", ran.out, ran.err)).collect();
    told.extend([ran.out.0, ran.err]);
    for run in place.runs() {
        for entry in std::fs::read_dir(run).unwrap().flatten().filter(|entry| entry.path().is_file()) {
            told.push(String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned());
        }
    }
    for form in ["open sesame", "YW5uOm9wZW4gc2VzYW1l", "b3BlbiBzZXNhbWU"] {
        assert!(told.iter().all(|text| !text.contains(form)), "{form}");
    }
}

#[test]
fn a_list_repeats_its_name_and_a_query_leaves_null_out() {
    let keeper = Keeper::start(|kept| match kept.line() {
        "GET /list" => answered("", b"{\"ids\":[3,\"a b\"],\"none\":null}"),
        _ => answered("", b"{}"),
    });
    let flow = r#"
    get "/list" as list
    let ids = list.json("$.ids")
    get "/search" {
      query: { id: ids, page: 2, none: list.json("$.none"), tag: ["x", "y&z"], off: null }
    }
    post "/form" as form {
      form: { id: ids, tag: ["x"] }
    }
    post "/null" as missing {
      form: { none: list.json("$.none") }
    }"#;
    let expect = "    error_rate(form) == 0%\n    error_rate(missing) == 100%";
    Place::new().run(&scenario(&keeper, "", flow, TWO, expect), &[]).passed();
    assert_eq!(keeper.asked("GET /search?id=3&id=a%20b&page=2&tag=x&tag=y%26z").len(), 2, "{:?}", keeper.seen());
    assert_eq!(keeper.asked("POST /form")[0].body, b"id=3&id=a%20b&tag=x");
    assert!(keeper.asked("POST /null").is_empty(), "what is not there is not sent as something else");
}

#[test]
fn where_services_are_is_known_to_what_is_sent() {
    let keeper = Keeper::start(ok);
    let port = keeper.address.port();
    let text = format!(
        r#"scenario test {{
  service shop = attach(port: {port})
  target api = http(shop.url) {{
    headers: {{ "Origin": shop.url }}
  }}
  flow go on api {{
    post "/" {{
      json: {{ port: shop.port, at: "{{shop.host}} or {{shop.address}}" }}
    }}
  }}
  load main of go {{
    hold 4/s for 500ms
  }}
  expect error_rate(main) == 0%
}}
"#
    );
    Place::new().run(&text, &[]).passed();
    let kept = &keeper.asked("POST /")[0];
    assert_eq!(kept.header("Origin"), format!("http://127.0.0.1:{port}"));
    let body = format!("{{\"port\":{port},\"at\":\"127.0.0.1 or 127.0.0.1:{port}\"}}");
    assert_eq!(String::from_utf8_lossy(&kept.body), body);
}

/// A path in the address of the target stands before those of its requests.
#[test]
fn the_path_of_a_target_is_before_those_of_its_requests() {
    let keeper = Keeper::start(ok);
    let flow = "    get \"/products\" as list\n    let id = 7\n    get \"/products/{id}\" as one {\n      query: { a: 1 }\n    }";
    let text = scenario(&keeper, "", flow, TWO, GOOD);
    let text = text.replace(&format!("{}\"", keeper.address), &format!("{}/api/v2/\"", keeper.address));
    Place::new().run(&text, &[]).passed();
    for line in ["GET /api/v2/products", "GET /api/v2/products/7?a=1"] {
        assert_eq!(keeper.asked(line).len(), 2, "{line}");
    }
    assert_eq!(keeper.seen().len(), 4);
}

#[test]
fn bodies_go_in_chunks_where_that_is_asked_for() {
    let keeper = Keeper::start(ok);
    let place = Place::new();
    let large: Vec<u8> = (0..40_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(place.path().join("large.bin"), &large).unwrap();
    let flow = r#"
    post "/json" {
      json: { id: user.id }
      chunked: true
    }
    post "/file" {
      body: file("large.bin")
      chunked: true
    }
    post "/parts" {
      multipart: { note: "n", photo: file("large.bin") }
      chunked: true
    }
    post "/fixed" {
      body: "hello"
      chunked: true
    }
    post "/nothing" {
      body: ""
      chunked: true
    }
    post "/whole" {
      body: "hello"
      chunked: false
    }"#;
    place.run(&scenario(&keeper, "", flow, TWO, GOOD), &[]).passed();
    let first = |line: &str| keeper.asked(line).swap_remove(0);
    for line in ["POST /json", "POST /file", "POST /parts", "POST /fixed", "POST /nothing"] {
        let kept = first(line);
        assert_eq!((kept.all("Transfer-Encoding"), kept.all("Content-Length")), (vec!["chunked"], vec![]), "{line}");
    }
    assert_eq!((first("POST /json").chunks, first("POST /fixed").body), (vec![8], b"hello".to_vec()));
    let file = first("POST /file");
    assert_eq!((file.chunks, file.body == large), (vec![16_384, 16_384, 7_232], true));
    let several = first("POST /parts");
    assert!(parts(&several)[1].1 == large);
    assert_eq!(several.chunks[1..4], [16_384, 16_384, 7_232]);
    assert!(first("POST /nothing").body.is_empty());
    assert_eq!(first("POST /whole").header("Content-Length"), "5");
    assert_eq!(keeper.asked("POST /whole").len(), 2, "a connection goes on behind a body in chunks");
}
