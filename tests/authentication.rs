//! What a target is shown with each request, by `auth:`.

use crate::support::{Keeper, Place, answered};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A client's credentials, coded as a form before they are told (RFC 6749, 2.3.1).
#[test]
fn a_token_of_oauth_is_got_once_a_user_and_renewed() {
    let server = Keeper::start(|kept| match kept.line() {
        "POST /oauth/token" => answered(
            "Content-Type: application/json\r\n",
            b"{\"access_token\": \"token-1\", \"token_type\": \"Bearer\"}",
        ),
        _ => answered("", b"ok"),
    });
    let at = server.address;
    let place = Place::new();
    place.write("word.env", "TEST_WORD=\"p w&ü\"\n");
    let text = format!(
        "use std.oauth\nparam word: Secret = secret(\"TEST_WORD\")\nscenario test {{\n  target login = http(\"http://{at}\")\n  service shop = demo()\n  target api = http(shop.url)\n  \
         flow browse on api {{\n    include oauth.client_credentials(login, id: \"load\", password: word, scope: \"read\", renew: 2s) as me\n    \
         get \"/seen\" on login {{\n      headers: {{ \"Authorization\": \"Bearer {{me.token}}\" }}\n    }}\n    get \"/products\" {{\n      headers: {{ \"Authorization\": \"Bearer {{me.token}}\" }}\n    }}\n    think 100ms\n  }}\n  \
         load main of browse {{\n    hold 2 users for 5s\n  }}\n  expect {{\n    error_rate(main) == 0%\n  }}\n}}\n"
    );
    let ran = place.run(&text, &["--env-file", "word.env"]);
    ran.passed();
    let asked = server.asked("POST /oauth/token");
    // Each of two users at the start, and again after 2s and 4s, on a machine that has the time for it.
    assert!((3..=6).contains(&asked.len()), "{}", asked.len());
    let seen = server.asked("GET /seen");
    assert!(seen.len() > asked.len(), "{} and {}", seen.len(), asked.len());
    for kept in &asked {
        assert_eq!(kept.header("Authorization"), format!("Basic {}", STANDARD.encode("load:p%20w%26%C3%BC")));
        assert_eq!(kept.body, b"grant_type=client_credentials&scope=read");
    }
    assert!(seen.iter().all(|kept| kept.header("Authorization") == "Bearer token-1"));
}

#[test]
fn a_header_and_a_cookie_are_shown_with_each_request_and_never_told() {
    let server = Keeper::start(|kept| match kept.line() {
        "GET /login" => answered("Set-Cookie: session=s1; Path=/\r\n", b"ok"),
        _ => answered("", b"ok"),
    });
    let at = server.address;
    let place = Place::new();
    place.write("word.env", "TEST_WORD=hunter2-word\n");
    let text = format!(
        "param word: Secret = secret(\"TEST_WORD\")\nscenario test {{\n  target gated = http(\"http://{at}\") {{\n    auth: cookie(\"gate\", word)\n  }}\n  \
         target keyed = http(\"http://{at}/keyed\") {{\n    auth: header(\"X-Api-Key\", word)\n  }}\n  flow browse on gated {{\n    get \"/login\"\n    get \"/page\"\n    \
         get \"/own\" {{\n      headers: {{ \"Cookie\": \"mine=1\" }}\n    }}\n    get \"/key\" on keyed\n    get \"/other\" on keyed {{\n      headers: {{ \"X-Api-Key\": \"of-the-step\" }}\n    }}\n  }}\n  \
         load main of browse {{\n    hold 5/s for 1s\n  }}\n  expect {{\n    error_rate(main) == 0%\n  }}\n}}\n"
    );
    let ran = place.run(&text, &["--env-file", "word.env"]);
    ran.passed();
    for (line, name, value) in [
        ("GET /login", "Cookie", "gate=hunter2-word"),
        ("GET /page", "Cookie", "gate=hunter2-word; session=s1"),
        ("GET /own", "Cookie", "mine=1"),
        ("GET /keyed/key", "X-Api-Key", "hunter2-word"),
        ("GET /keyed/other", "X-Api-Key", "of-the-step"),
    ] {
        let asked = server.asked(line);
        assert_eq!(asked.len(), 5, "{line}");
        assert!(asked.iter().all(|kept| kept.header(name) == value), "{line}: {}", asked[0].head);
    }
    assert!(server.asked("GET /keyed/key").iter().all(|kept| !kept.head.contains("gate")));
    let plan = std::fs::read_to_string(place.runs()[0].join("plan.json")).unwrap();
    for told in [&ran.out, &ran.err, &plan] {
        assert!(!told.contains("hunter2-word"), "{told}");
    }
}
