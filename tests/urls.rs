//! Paths that are values, as servers get them: links, rows, constants, and what leads nowhere.

use crate::support::{Keeper, Kept, Place, Ran, answered, answered_as};

const ONCE: &str = "    hold 1/s for 1s";

/// Links, and one redirect.
fn linked(kept: &Kept) -> Vec<u8> {
    match kept.line() {
        "GET /shop/moved" => answered_as("302 Found", "Location: /shop/list/page?of=1\r\n", b""),
        _ => answered(
            "",
            br#"{"next": "/echo?page=2&cursor=a%3D%3D", "none": null, "empty": "", "bad": "/x\r\nX-Evil: y"}"#,
        ),
    }
}

struct Sites {
    api: Keeper,
    other: Keeper,
}

impl Sites {
    fn start() -> Sites {
        Sites { api: Keeper::start(linked), other: Keeper::start(linked) }
    }

    /// Runs a flow on `api`, whose address has this path; no step names the other target.
    fn run(&self, place: &Place, base: &str, flow: &str) -> Ran {
        let text = format!(
            "data log = json(\"log.json\")\nparam word: Text = \"a&b/\u{fc}\"\nparam start: Text = \"/start?x=%41\"\n\
             scenario test {{\n  target api = http(\"http://{}{base}\") {{\n    timeout: 5s\n    redirects: 2\n    headers: {{ \"X-Api\": \"one\" }}\n  }}\n  \
             target other = http(\"http://{}\") {{\n    headers: {{ \"X-Other\": \"two\" }}\n  }}\n  \
             flow go on api {{\n    let row = log.next()\n    get \"/first\" as first\n{flow}\n  }}\n  load main of go {{\n{ONCE}\n  }}\n  expect {{\n    error_rate(main) == 0%\n  }}\n}}\n",
            self.api.address, self.other.address
        );
        place.write(
            "log.json",
            &format!(
                r#"[{{"path": "/items/1?x=a%20b", "method": "DELETE", "there": "http://{}/there?a=1#part"}}]"#,
                self.other.address
            ),
        );
        place.run(&text, &[])
    }
}

fn lines(keeper: &Keeper) -> Vec<String> {
    keeper.seen().iter().map(|kept| kept.line().to_owned()).collect()
}

#[test]
fn what_is_put_into_a_path_is_encoded_and_a_value_is_sent_as_it_is() {
    let (sites, place) = (Sites::start(), Place::new());
    let flow = r#"
    get "/echo?q={word}&lang=en" as constant
    get "/echo/{row.path}" as column
    get row.path as link
    request row.method row.path as replayed
    get first.json("$.next") as next
    get "{row.path}&more={word}" as whole
    get start as known
    let built = "/built?q={word}"
    get built as made
    each asset in ["/a b", "?page=2", "/\u{e9}#part"] at most 3 {
      get asset as one
    }"#;
    sites.run(&place, "", flow).passed();
    let wanted = [
        "GET /first",
        "GET /echo?q=a%26b%2F%C3%BC&lang=en",
        "GET /echo/%2Fitems%2F1%3Fx%3Da%2520b",
        "GET /items/1?x=a%20b",
        "DELETE /items/1?x=a%20b",
        "GET /echo?page=2&cursor=a%3D%3D",
        "GET /items/1?x=a%20b&more=a&b/%C3%BC",
        "GET /start?x=%41",
        "GET /built?q=a&b/%C3%BC",
        "GET /a%20b",
        "GET /?page=2",
        "GET /%C3%A9",
    ];
    assert_eq!(lines(&sites.api), wanted);
}

#[test]
fn a_link_leads_to_the_target_that_is_there() {
    let (sites, place) = (Sites::start(), Place::new());
    let flow = r#"
    get row.there as there
    get "/moved" as moved
    get moved.url("../next?page=2#part") as next
    get moved.url("?page=3") as query
    get first.url(row.there) as again
    get first.json("$.next") as root
    let none = first.url(first.json("$.none"))
    expect not exists(none)"#;
    sites.run(&place, "/shop", flow).passed();
    let other = sites.other.seen();
    assert_eq!(lines(&sites.other), ["GET /there?a=1", "GET /there?a=1"]);
    for kept in other {
        assert_eq!((kept.all("X-Other"), kept.all("X-Api").len()), (vec!["two"], 0));
        assert_eq!(kept.header("Host"), sites.other.address.to_string());
    }
    let wanted = [
        "GET /shop/first",
        "GET /shop/moved",
        "GET /shop/list/page?of=1",
        "GET /shop/next?page=2",
        "GET /shop/list/page?page=3",
        "GET /echo?page=2&cursor=a%3D%3D",
    ];
    assert_eq!(lines(&sites.api), wanted, "what a server says is relative to the root of the host");
    assert!(sites.api.seen().iter().all(|kept| kept.all("X-Api") == ["one"]));
}

#[test]
fn what_leads_nowhere_is_not_sent_and_says_why() {
    for (path, why) in [
        (r#"first.json("$.empty")"#, "its path is an empty text"),
        (r#"first.json("$.none")"#, "a value in it is not there"),
        (r#"first.json("$.bad")"#, r"the path `/x\r\nX-Evil: y` has a control character in it"),
        (r#"row.method"#, "the path `DELETE` is no http:// or https:// URL and starts with neither `/` nor `?`"),
        (r#""{row.method}/x""#, "the path `DELETE/x` is no"),
        (
            r#"first.url("http://127.0.0.1:1/x")"#,
            "it leads to `http://127.0.0.1:1`, which is no target of the scenario",
        ),
        (r#"first.url("mailto:a@b")"#, "the path `mailto:a@b` is no"),
    ] {
        let (sites, place) = (Sites::start(), Place::new());
        let ran = sites.run(&place, "", &format!("    get {path} as gone"));
        let first = &ran.result["examples"]["failed"][0];
        assert_eq!(first["failure"], "data", "{path}: {}{}", ran.out, ran.err);
        assert!(first["because"].as_str().unwrap().starts_with(why), "{path}: {first}");
        assert_eq!(lines(&sites.api), ["GET /first"], "{path}");
        assert_eq!(lines(&sites.other).len(), 0);
    }
}

/// What an answer says leads to another target with none of the run's secrets; what the data say, with those of that target.
#[test]
fn a_link_of_an_answer_takes_no_secret_along() {
    let place = Place::new();
    let other = Keeper::start(|_| answered("", b"{}"));
    let api = Keeper::start(|kept| match kept.line() {
        "POST /moved" => {
            let to = kept.header("X-Other").to_owned();
            answered_as("307 Moved", &format!("Location: {to}\r\n"), b"")
        }
        _ => {
            let to = kept.header("X-Other").to_owned();
            answered("", format!(r#"{{"next": "{to}"}}"#).as_bytes())
        }
    });
    let there = format!("http://{}/there", other.address);
    place.write("log.json", &format!(r#"[{{"there": "{there}"}}]"#));
    let text = format!(
        "data log = json(\"log.json\")\nscenario test {{\n  target api = http(\"http://{}\") {{ redirects: 2 }}\n  \
         target other = http(\"http://{}\") {{ auth: bearer(secret(\"OTHER_KEY\")) }}\n  flow go on api {{\n    let row = log.next()\n    \
         get \"/first\" as first {{ headers: {{ \"X-Other\": row.there }} }}\n    \
         get first.json(\"$.next\") as led {{ headers: {{ \"X-Step\": secret(\"STEP_KEY\"), \"X-Plain\": \"yes\" }} }}\n    \
         get row.there as replayed\n    \
         let there = lower(row.there)\n    get there as named\n    \
         let said = first.json(\"$.next\")\n    get said as followed {{ headers: {{ \"X-Word\": secret(\"WORD\") }} }}\n    \
         post \"/moved\" as moved {{ headers: {{ \"X-Other\": row.there, \"X-Step\": secret(\"STEP_KEY\") }} }}\n    \
         post first.json(\"$.next\") as refused {{ json: {{ key: secret(\"STEP_KEY\") }} }}\n  }}\n  \
         load main of go {{\n{ONCE}\n  }}\n  expect {{\n    count(main) >= 0\n  }}\n}}\n",
        api.address, other.address
    );
    place.write("test.stress", &text);
    let mut command = place.command(&["run", "test.stress", "--no-progress"]);
    command.envs([
        ("OTHER_KEY", "of-the-other-4711"),
        ("STEP_KEY", "of-the-step-0815"),
        // In a line without which nothing can be sent.
        ("WORD", "127.0.0.1"),
    ]);
    let ran = place.ended(command.output().unwrap());
    let seen = other.seen();
    let heads: Vec<String> = seen.iter().map(|kept| kept.head.to_lowercase()).collect();
    assert_eq!(heads.len(), 5, "{}{} {heads:?}", ran.out, ran.err);
    let [led, replayed, named, followed, moved] = &heads[..] else { unreachable!() };
    assert!(led.contains("x-plain: yes") && !led.contains("4711") && !led.contains("0815"), "{led}");
    assert!(replayed.contains("bearer of-the-other-4711"), "{replayed}");
    assert!(named.contains("bearer of-the-other-4711"), "{named}");
    assert!(followed.contains("\r\nhost: 127.0.0.1:") && followed.contains("\r\ntraceparent: 00-"), "{followed}");
    assert!(!followed.contains("4711") && !followed.contains("x-word"), "{followed}");
    assert!(!moved.contains("4711") && !moved.contains("0815"), "{moved}");
    assert!(ran.out.contains("its body holds a secret"), "{}", ran.out);
}

/// Where a ledger leads to what it verifies, its keys are what answers said, whether they come as a value or by their own path.
#[test]
fn a_key_that_an_answer_gave_takes_no_secret_along() {
    let place = Place::new();
    let other = Keeper::start(|_| answered("", b"{}"));
    let there = format!("http://{}/there", other.address);
    let api = Keeper::start(|kept| {
        let to = kept.header("X-Other").to_owned();
        answered("", format!(r#"{{"next": "{to}"}}"#).as_bytes())
    });
    place.write("log.json", &format!(r#"[{{"there": "{there}"}}]"#));
    let ledger = |name: &str, step: &str| {
        format!(
            "  ledger {name} on api {{\n    verify key {{\n{step} {{ headers: {{ \"X-Step\": secret(\"STEP_KEY\") }} }}\n    }}\n  }}\n"
        )
    };
    let text = format!(
        "data log = json(\"log.json\")\nscenario test {{\n  target api = http(\"http://{}\")\n  \
         target other = http(\"http://{}\") {{ auth: bearer(secret(\"OTHER_KEY\")) }}\n{}{}  flow go on api {{\n    let row = log.next()\n    \
         get \"/first\" as first {{ headers: {{ \"X-Other\": row.there }} }}\n    \
         post \"/a\" {{\n      headers: {{ \"X-Other\": row.there }}\n      record first.json(\"$.next\") in named\n    }}\n    \
         post \"/b\" {{\n      headers: {{ \"X-Other\": row.there }}\n      record json(\"$.next\") in given\n    }}\n  }}\n  \
         load main of go {{\n{ONCE}\n  }}\n  expect {{\n    count(main) >= 0\n  }}\n}}\n",
        api.address,
        other.address,
        ledger("named", "      get key"),
        ledger("given", "      let k = key\n      get k")
    );
    place.write("test.stress", &text);
    let mut command = place.command(&["run", "test.stress", "--no-progress"]);
    command.envs([("OTHER_KEY", "of-the-other-4711"), ("STEP_KEY", "of-the-step-0815")]);
    let ran = place.ended(command.output().unwrap());
    let heads: Vec<String> = other.seen().iter().map(|kept| kept.head.clone()).collect();
    assert!(heads.len() >= 2, "{}{} {heads:?}", ran.out, ran.err);
    assert!(heads.iter().all(|head| !head.contains("4711") && !head.contains("0815")), "{heads:?}");
}
