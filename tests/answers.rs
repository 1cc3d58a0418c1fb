//! What answers can be asked: expressions, selectors, counts, headers, charsets, documents.

use crate::support::{Keeper, Kept, Place, answered};

const PAGE: &str = "<html><head><title> The\n shop </title></head><body>\
    <form><input name=csrf value='a&amp;b\u{e9}'></form><ul><li>one<li>two <b>bold</b> </ul>id=17 id=18 price: 3 \u{20ac}";

fn answer(kept: &Kept) -> Vec<u8> {
    match kept.line() {
        "GET /page" => answered("Content-Type: text/html; charset=utf-8\r\n", PAGE.as_bytes()),
        "GET /latin" => answered("content-type: TEXT/HTML;charset=\"ISO-8859-1\"\r\n", b"<p>gr\xfcn</p> id=\xe9"),
        "GET /broken" => answered("", b"a\xffb {\"a\": 1}"),
        "GET /list" => answered(
            "X-Part: a\r\nx-part: b\r\nSet-Cookie: s=1, 2\r\nSet-Cookie: t=3\r\n",
            b"{\"items\":[{\"id\":1},{\"id\":2},{\"id\":2}],\"none\":[],\"name\":\"x\",\"n\":9007199254740993}",
        ),
        _ => answered("", b""),
    }
}

fn checks(path: &str, checks: &str, passes: bool) {
    let keeper = Keeper::start(answer);
    let (address, rate) = (keeper.address, if passes { "0%" } else { "100%" });
    let text = format!(
        "scenario test {{\n  target api = http(\"http://{address}\")\n  flow go on api {{\n    get \"{path}\" as page {{\n      expect {{\n{checks}\n      }}\n    }}\n  }}\n  load main of go {{\n    hold 4/s for 500ms\n  }}\n  expect error_rate(page) == {rate}\n}}\n"
    );
    let ran = Place::new().run(&text, &[]);
    assert!(!keeper.seen().is_empty(), "{}{}", ran.out, ran.err);
    ran.passed();
}

#[test]
fn what_is_looked_for_is_found() {
    checks(
        "/page",
        r#"
        regex('id=([0-9]+)') == "17"
        regex('id=[0-9]+') == "id=17"
        regex('(x)?id=') == null
        regex('(?s)<title>(.*?)</title>') == " The\n shop "
        regex('id=([a-z]+)') == null
        regex('\d \p{Sc}$') == "3 €"
        css("title") == "The\n shop"
        css("li:nth-child(2)") == "two bold"
        css("input[name=csrf]", attribute: "value") == "a&bé"
        css("input", attribute: "type") == null
        css("h1") == null
        text != null"#,
        true,
    );
}

#[test]
fn texts_are_read_in_their_charset() {
    checks("/latin", "css(\"p\") == \"grün\"\nregex('id=(.)') == \"é\"\ntext == \"<p>grün</p> id=é\"", true);
    checks("/broken", "text == \"a\u{fffd}b \\{\\\"a\\\": 1\\}\"\nregex('a(.)b') == \"\u{fffd}\"", true);
}

#[test]
fn lists_are_counted_and_headers_joined() {
    checks(
        "/list",
        r#"
        json("$.items").count == 3
        json("$.items[*]").count == 3
        json("$.items[?@.id == 2]").count == 2
        json("$.none").count == 0
        json("$.none[*]").count == 0
        json("$.name").count == null
        json("$.missing").count == null
        json("$").json("$.items").count == 3
        json("$.items[-1].id") == 2
        json("$.n") == 9007199254740993
        json("$.items[*]").first.id == 1
        json("$.items").last.id == 2
        json("$..id").last == 2
        json("$.items").at(1).id == 2
        json("$.items").at(3) == null
        json("$.items[?@.id > 1].id") == [2, 2]
        json("$.none[*]").first == null
        json("$.none").random() == null
        json("$.none").sample(2).count == 0
        json("$.name").first == null
        json("$.items[*].id").sample(2).count == 2
        json("$.items[*].id").sample(9).count == 3
        json("$.items[*].id").random() in [1, 2]
        json("$").name == "x"
        json("$").items.count == 3
        text contains "items" and not text contains "nothing"
        text starts with "\{\"items" and not text starts with "items"
        text ends with "\}" and not text ends with "\{"
        text matches '"id":\d' and not text matches '^\d'
        status in 200..299 and not status in 201..299
        status in 100..200
        latency in 0s..1h
        json("$.n") in 9007199254740993..9007199254740993
        not json("$.n") in 9007199254740994..9007199254740999
        json("$.name") starts with "x"
        json("$.items[*].id") contains 2 and not json("$.items[*].id") contains "2"
        [1, 2] contains json("$.items[1].id")
        not json("$.n") contains "9" and not json("$.missing") contains "x"
        not json("$.n") matches '9' and not json("$.missing") starts with ""
        header("X-Part") contains "b"
        header("X-Part") == "a, b"
        header("set-cookie") == "s=1, 2"
        header("Missing") == null"#,
        true,
    );
}

#[test]
fn in_what_is_no_json_nothing_is_looked_for() {
    for check in [
        "json(\"$.a\") == null",
        "json(\"$..a\").first == null",
        "json(\"$..a\").count == 0",
        "json(\"$.a\").count == null",
        "json(\"$\") == null",
    ] {
        checks("/broken", check, false);
        checks("/empty", check, false);
    }
}

/// Words of conditions are names elsewhere, also right before and behind themselves; and a check that does not hold says what
/// it found.
#[test]
fn words_that_look_into_texts_are_no_reserved_words() {
    let keeper = Keeper::start(answer);
    let address = keeper.address;
    let text = format!(
        r#"scenario test {{
  target api = http("http://{address}")
  flow starts on api {{
    get "/list" as with {{
      expect text contains "no such thing"
      continue
    }}
    let contains = with.json("$.name")
    let ends = contains
    if contains contains ends and ends matches '^x$' {{
      post "/named"
    }}
  }}
  flow matches on api {{
    get "/list" as named {{
      expect text matches 'no such thing'
      continue
    }}
  }}
  load main of {{ 50% starts, 50% matches as others }} {{
    hold 8/s for 500ms
  }}
  expect error_rate(main where status in 200..299) > 0%
}}
"#
    );
    let ran = Place::new().run(&text, &[]);
    assert_eq!(keeper.asked("POST /named").len(), 2, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("text contains \"no such thing\": it was \"{\\\"items"), "{}", ran.out);
    assert!(ran.out.contains("text matches 'no such thing': it was \"{\\\"items"), "{}", ran.out);
}

fn shelf(kept: &Kept) -> Vec<u8> {
    match kept.line() {
        "GET /shelf" => answered(
            "",
            b"{\"items\":[{\"id\":7,\"count\":5},{\"id\":8},{\"id\":9}],\"at\":1,\"key\":\"a'] , $..*\",\"a'] , $..*\":{\"b.c\":3}}",
        ),
        _ => answered("", b"{}"),
    }
}

/// What an answer gives is a name, a place or a text in a path, whatever is in it.
#[test]
fn values_in_a_path_are_no_syntax() {
    let keeper = Keeper::start(shelf);
    let address = keeper.address;
    let text = format!(
        r#"scenario test {{
  target api = http("http://{address}")
  flow go on api {{
    let name = "b.c"
    get "/shelf" as shelf
    let nth = shelf.json("$.at")
    let key = shelf.json("$.key")
    let whole = shelf.json("$")
    repeat i from 0 at most 3 {{
      let id = shelf.json("$.items[{{i}}].id")
      get "/item/{{id}}"
    }}
    post "/send" {{
      json: {{
        second: shelf.json("$.items[{{nth}}].id")
        named: shelf.json("$[{{key}}].{{name}}")
        in_quotes: shelf.json("$['{{key}}'][\"{{name}}\"]")
        of_a_value: whole.json("$[{{key}}]['b.c']")
        beside: shelf.json("$.items[?@.id > {{nth}} && @.id != 8].id")
        from: shelf.json("$.items[{{nth}}:].id")
        none: shelf.json("$.items[{{key}}].id")
        count: whole.items.first.count
        by_name: whole.items.first.json("$.count")
      }}
    }}
  }}
  load main of go {{
    hold 2/s for 500ms
  }}
  expect error_rate(main) == 0%
}}
"#
    );
    Place::new().run(&text, &[]).passed();
    let sent = keeper.asked("POST /send");
    let wanted = r#"{"second":8,"named":3,"in_quotes":3,"of_a_value":3,"beside":[7,9],"from":[8,9],"none":null,"count":null,"by_name":5}"#;
    assert_eq!(sent.iter().map(|kept| String::from_utf8_lossy(&kept.body)).collect::<Vec<_>>(), [wanted]);
    assert!([7, 8, 9].iter().all(|id| keeper.asked(&format!("GET /item/{id}")).len() == 1));
}

/// The same items for the same seed, and in the long run each of them.
#[test]
fn items_are_drawn_by_the_seed() {
    let drawn = |seed: &str| {
        let keeper = Keeper::start(|kept| match kept.line() {
            "GET /list" => answered("", b"[0,1,2,3,4,5,6,7,8,9]"),
            _ => answered("", b""),
        });
        let address = keeper.address;
        let text = format!(
            r#"scenario test {{
  target api = http("http://{address}")
  flow go on api {{
    get "/list" as list
    let one = list.json("$[*]").random()
    post "/send" {{
      json: {{ one: one, some: list.json("$").sample(4) }}
    }}
  }}
  load main of go {{
    hold 50/s for 1s
  }}
  expect error_rate(main) == 0%
}}
"#
        );
        Place::new().run(&text, &["--seed", seed]).passed();
        let mut sent: Vec<String> =
            keeper.asked("POST /send").iter().map(|kept| String::from_utf8_lossy(&kept.body).into_owned()).collect();
        sent.sort();
        sent
    };
    let first = drawn("7");
    assert_eq!(first.len(), 50);
    assert_eq!(first, drawn("7"));
    assert_ne!(first, drawn("8"));
    for digit in 0..10 {
        assert!(first.iter().any(|sent| sent.contains(&format!("\"one\":{digit}"))), "{digit} of {first:?}");
    }
    for sent in &first {
        let sent: serde_json::Value = serde_json::from_str(sent).unwrap();
        let mut some: Vec<u64> = sent["some"].as_array().unwrap().iter().map(|one| one.as_u64().unwrap()).collect();
        some.sort_unstable();
        some.dedup();
        assert_eq!(some.len(), 4, "each once");
    }
}

#[test]
fn what_was_found_is_sent_on() {
    let keeper = Keeper::start(answer);
    let address = keeper.address;
    let text = format!(
        r#"scenario test {{
  target api = http("http://{address}")
  flow go on api {{
    get "/page" as page
    get "/list" as list
    let token = page.css('input[name=csrf]', attribute: "value")
    let items = list.json("$.items")
    let many = items.count
    post "/send" {{
      form: {{ token: token, id: page.regex('id=(\d+)'), many: many, last: list.json("$.items[2].id"), header: list.header("x-part") }}
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
    let sent = keeper.asked("POST /send");
    let body = "token=a%26b%C3%A9&id=17&many=3&last=2&header=a%2C%20b";
    assert_eq!(sent.iter().map(|kept| String::from_utf8_lossy(&kept.body)).collect::<Vec<_>>(), [body, body]);
}
