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
