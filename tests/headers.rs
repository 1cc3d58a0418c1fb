//! Headers that a flow gives to the requests behind it: to which, up to where, and what goes nowhere else.

use crate::support::{Keeper, Kept, Place, answered, answered_as};

fn answer(kept: &Kept) -> Vec<u8> {
    let to = kept.all("X-To").join("");
    match kept.line() {
        "GET /hop" => answered_as("302 Found", &format!("Location: {to}\r\n"), b""),
        "GET /link" => answered("", format!("{{\"next\":\"{to}\"}}").as_bytes()),
        _ => answered("", b"{}"),
    }
}

/// The values of these headers in each request for a line.
fn said(keeper: &Keeper, line: &str, names: &[&str]) -> Vec<Vec<String>> {
    let of = |kept: &Kept| names.iter().map(|name| kept.all(name).join("|")).collect();
    keeper.asked(line).iter().map(of).collect()
}

#[test]
fn requests_say_what_their_flow_says() {
    let (keeper, other) = (Keeper::start(answer), Keeper::start(answer));
    let text = format!(
        r#"scenario test {{
  let common = {{ "X-Common": "c", "X-Target": "common" }}
  target api = http("http://{}") {{
    headers: {{ "X-Target": "target", "X-Gone": "target" }}
  }}
  target other = http("http://{}")
  flow inner() on api {{
    headers: {{ "X-Inner": "i" }}
    get "/included"
  }}
  flow go on api {{
    get "/before"
    let token = null
    headers: {{ "x-flow": "f", "X-Target": "f", "X-Gone": null, "Authorization": token }}
    get "/anonymous"
    set token = "Bearer {{user.id}}"
    get "/known"
    if user.id > 0 {{
      headers: {{ "X-Flow": "block" }}
      get "/block"
    }}
    get "/own" {{
      headers: {{ "X-Flow": null, "X-Target": "own" }}
    }}
    get "/elsewhere" on other
    group signed {{
      headers: {{ "X-Group": "g" }}
      get "/group"
    }}
    include inner()
    get "/behind"
    let page = {{ page: 2, q: "a b" }}
    let mine = {{ "X-User": "{{user.id}}" }}
    post "/named" {{
      headers: mine
      query: page
      form: page
    }}
    headers: common
    get "/common"
  }}
  load main of go {{
    once 2 iterations by 1 users within 10s
  }}
  expect error_rate(main) == 0%
}}
"#,
        keeper.address, other.address
    );
    Place::new().run(&text, &[]).passed();
    let names = ["X-Flow", "X-Target", "X-Gone", "Authorization", "X-Group", "X-Inner"];
    let is = |line: &str, wanted: [&str; 6]| {
        let found = said(&keeper, line, &names);
        assert_eq!(found, [wanted, wanted].map(|one| one.map(str::to_owned).to_vec()), "{line}");
    };
    is("GET /before", ["", "target", "target", "", "", ""]);
    is("GET /anonymous", ["f", "f", "", "", "", ""]);
    is("GET /known", ["f", "f", "", "Bearer 1", "", ""]);
    is("GET /block", ["block", "f", "", "Bearer 1", "", ""]);
    is("GET /own", ["", "own", "", "Bearer 1", "", ""]);
    is("GET /group", ["f", "f", "", "Bearer 1", "g", ""]);
    is("GET /included", ["f", "f", "", "Bearer 1", "g", "i"]);
    is("GET /behind", ["f", "f", "", "Bearer 1", "g", ""]);
    is("GET /common", ["f", "common", "", "Bearer 1", "g", ""]);
    assert_eq!(said(&other, "GET /elsewhere", &names), [[""; 6]; 2].map(|one| one.map(str::to_owned).to_vec()));
    let named = keeper.asked("POST /named?page=2&q=a%20b");
    assert_eq!(named.iter().map(|kept| kept.header("X-User")).collect::<Vec<_>>(), ["1", "1"]);
    assert!(named.iter().all(|kept| kept.body == b"page=2&q=a%20b"));
}

/// Neither by a redirect nor by a link of an answer, and in no report.
#[test]
fn what_a_flow_says_goes_to_no_other_target() {
    let (keeper, other) = (Keeper::start(answer), Keeper::start(answer));
    let text = format!(
        r#"scenario test {{
  let key = secret("KEY", default: "hunter-of-keys")
  target api = http("http://{0}") {{
    redirects: 3
  }}
  target other = http("http://{1}")
  flow go on api {{
    headers: {{ "X-Key": "{{key}}", "X-Plain": "plain" }}
    get "/hop" {{
      headers: {{ "X-To": "http://{1}/hopped" }}
    }}
    get "/link" as link {{
      headers: {{ "X-To": "http://{1}/linked" }}
    }}
    get link.json("$.next")
    get "/failing" {{
      expect status == 500
    }}
  }}
  load main of go {{
    once 1 iterations by 1 users within 10s
  }}
  expect count(main) > 0
}}
"#,
        keeper.address, other.address
    );
    let place = Place::new();
    let ran = place.run(&text, &[]);
    let names = ["X-Key", "X-Plain"];
    assert_eq!(said(&keeper, "GET /failing", &names), [["hunter-of-keys", "plain"]], "{}{}", ran.out, ran.err);
    assert_eq!(said(&other, "GET /hopped", &names), [["", ""]]);
    assert_eq!(said(&other, "GET /linked", &names), [["", ""]]);
    for told in [&ran.out, &ran.err, &ran.result.to_string()] {
        assert!(!told.contains("hunter-of-keys"), "{told}");
    }
}

#[test]
fn a_header_that_is_no_utf_8_is_kept_as_it_came() {
    let keeper = Keeper::start(|kept| match kept.line() {
        "GET /latin" => {
            let head = b"HTTP/1.1 200 OK\r\nX-Name: caf\xe9 \x80\r\nX-Utf: caf\xc3\xa9\r\nContent-Length: 0\r\n\r\n";
            head.to_vec()
        }
        _ => answered("", b"{}"),
    });
    let text = format!(
        r#"scenario test {{
  target api = http("http://{}")
  flow go on api {{
    get "/latin" as page {{
      expect {{
        header("X-Name") == "caf\u{{e9}} \u{{80}}"
        header("X-Name") starts with "caf\u{{e9}}"
        header("X-Name") matches "^caf.+$"
        header("X-Utf") == "caf\u{{e9}}"
      }}
    }}
    let name = page.header("X-Name")
    get "/sent" {{
      headers: {{ "X-Name": name, "X-More": "<{{name}}> \u{{fc}}", "X-Utf": page.header("X-Utf") }}
    }}
    post "/body" {{
      json: {{ name: name }}
    }}
  }}
  load main of go {{
    hold 2/s for 500ms
  }}
  expect {{
    error_rate(main) == 0%
  }}
}}
"#,
        keeper.address
    );
    Place::new().run(&text, &[]).passed();
    let sent = keeper.asked("GET /sent").swap_remove(0).raw_head;
    for line in [&b"X-Name: caf\xe9 \x80\r\n"[..], b"X-More: <caf\xe9 \x80> \xc3\xbc\r\n", b"X-Utf: caf\xc3\xa9\r\n"] {
        assert!(sent.windows(line.len()).any(|window| window == line), "{}", String::from_utf8_lossy(&sent));
    }
    assert_eq!(keeper.asked("POST /body")[0].body, "{\"name\":\"caf\u{e9} \u{80}\"}".as_bytes());
}
