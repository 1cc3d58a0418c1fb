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
        header("X-Part") == "a, b"
        header("set-cookie") == "s=1, 2"
        header("Missing") == null"#,
        true,
    );
}

#[test]
fn in_what_is_no_json_nothing_is_looked_for() {
    for check in
        ["json(\"$.a\") == null", "json(\"$..a\") == null", "json(\"$.a\").count == null", "json(\"$\") == null"]
    {
        checks("/broken", check, false);
        checks("/empty", check, false);
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
