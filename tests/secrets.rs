//! A secret reaches the server and nothing else: no file of the run, no output, in no form.

use crate::support::{Place, Script};
use base64::Engine;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

const SECRET: &str = "gr\u{fc}n \"bridge\"/42";

/// A server that keeps what it is sent.
fn listener() -> (u16, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Mutex::new(String::new()));
    let kept = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let kept = kept.clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut stream = stream;
                let mut length = 0;
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|n| n > 0) {
                    kept.lock().unwrap().push_str(&line);
                    if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                        length = value.trim().parse().unwrap();
                    }
                    if line == "\r\n" {
                        let mut body = vec![0; length];
                        reader.read_exact(&mut body).unwrap();
                        kept.lock().unwrap().push_str(&String::from_utf8_lossy(&body));
                        length = 0;
                        if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").is_err() {
                            return;
                        }
                    }
                    line.clear();
                }
            });
        }
    });
    (port, seen)
}

/// The forms in which a secret could be seen.
fn forms() -> Vec<String> {
    let standard = base64::engine::general_purpose::STANDARD;
    let percent: String = SECRET
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() { (b as char).to_string() } else { format!("%{b:02X}") })
        .collect();
    let json = serde_json::Value::String(SECRET.to_owned()).to_string();
    vec![SECRET.to_owned(), standard.encode(SECRET), percent, json.trim_matches('"').to_owned()]
}

fn assert_hidden(text: &str, place: &str) {
    for form in forms() {
        assert!(!text.contains(&form), "{place} shows the secret as `{form}`:\n{text}");
    }
}

fn assert_hidden_below(directory: &Path) {
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => assert_hidden_below(&path),
            path => {
                let bytes = std::fs::read(&path).unwrap();
                assert_hidden(&String::from_utf8_lossy(&bytes), &path.display().to_string());
            }
        }
    }
}

#[test]
fn a_secret_reaches_the_server_and_nothing_else() {
    let (port, seen) = listener();
    let place = Place::new();
    let scenario = format!(
        r#"scenario hush {{
  target api = http("http://127.0.0.1:{port}")
  flow call on api {{
    let word = secret("TEST_WORD")
    post "/login" as login {{
      headers: {{ "X-Word": "Bearer {{word}}" }}
      form: {{ word: word }}
    }}
    post "/json" {{
      json: {{ word: secret("TEST_WORD"), more: "<{{word}}>" }}
    }}
    get "/there/{{word}}"
  }}
  load main of call {{
    hold 10/s for 1s
  }}
  expect {{
    error_rate(main) < 1%
    p95(main) < 1us
  }}
}}
"#
    );
    place.write("test.stress", &scenario);
    place.write("words.env", &format!("TEST_WORD='{SECRET}'\n"));
    let calls: [&[&str]; 7] = [
        &["run", "test.stress", "--env-file", "words.env"],
        &["run", "test.stress", "--env-file", "words.env", "--no-progress", "--out", "json=-"],
        &["plan", "test.stress", "--env-file", "words.env"],
        &["plan", "test.stress", "--json", "--env-file", "words.env"],
        &["check", "test.stress", "--emit", "program", "--env-file", "words.env"],
        &["check", "test.stress", "--emit", "ast", "--env-file", "words.env"],
        &["report"],
    ];
    for call in calls {
        let ran = place.call(call);
        assert!(matches!(ran.code, 0 | 1 | 4 | 5), "{call:?} gave {}: {}", ran.code, ran.err);
        assert_hidden(&ran.out, &format!("{call:?}"));
        assert_hidden(&ran.err, &format!("{call:?}"));
    }
    std::fs::remove_file(place.path().join("words.env")).unwrap();
    assert_hidden_below(place.path());
    let seen = seen.lock().unwrap();
    let form = "word=gr%C3%BCn%20%22bridge%22%2F42";
    let json = r#"{"word":"grün \"bridge\"/42","more":"<grün \"bridge\"/42>"}"#;
    for sent in [&format!("X-Word: Bearer {SECRET}") as &str, form, json, "GET /there/gr%C3%BCn%20%22bridge%22%2F42"] {
        assert!(seen.contains(sent), "`{sent}` was not sent:\n{}", seen.chars().take(2000).collect::<String>());
    }
}

#[test]
fn a_secret_that_is_not_there_is_asked_for_before_anything_starts() {
    let place = Place::new();
    place.write(
        "test.stress",
        "scenario hush {\n  service shop = demo()\n  target api = http(shop.url)\n  flow call on api {\n    get \"/\" {\n      headers: { \"X\": secret(\"TEST_NOT_THERE\") }\n    }\n  }\n  load main of call {\n    hold 10/s for 1s\n  }\n  expect error_rate(main) < 1%\n}\n",
    );
    assert_eq!(place.call(&["check", "test.stress"]).code, 0);
    let ran = place.call(&["run", "test.stress"]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("the variable `TEST_NOT_THERE` is not set"), "{}", ran.err);
    assert!(place.runs().is_empty(), "something was recorded");
}

/// Tells what it was told, and again where a text of an example is cut.
fn tells(_: &str, times: usize) -> (u16, String) {
    (500, format!("{}{SECRET} {}", "x".repeat([10, 70, 1020][times % 3]), "y".repeat(2000)))
}

#[test]
fn examples_of_failures_hide_secrets_whole_and_cut() {
    let script = Script::start(tells);
    let place = Place::new();
    let scenario = format!(
        "scenario hush {{\n  target api = http(\"http://{}\")\n  flow call on api {{\n    let word = secret(\"TEST_WORD\")\n    get \"/there/{{word}}\" as there {{\n      expect status == 200\n      continue\n    }}\n    get \"/there\" {{\n      expect text == \"none\"\n    }}\n  }}\n  load main of call {{\n    hold 10/s for 1s\n  }}\n  expect error_rate(main) < 1%\n}}\n",
        script.address
    );
    place.write("test.stress", &scenario);
    place.write("words.env", &format!("TEST_WORD='{SECRET}'\n"));
    let ran = place.call(&["run", "test.stress", "--env-file", "words.env", "--no-progress"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    std::fs::remove_file(place.path().join("words.env")).unwrap();
    let failed = ran.result["examples"]["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 20);
    assert_eq!(failed[0]["request"], "GET /there/***");
    assert!(failed.iter().any(|told| told["body"].as_str().is_some_and(|body| body.starts_with("xxxxxxxxxx*** y"))));
    assert_hidden(&ran.out, "the report");
    assert_hidden_below(place.path());
    let events = std::fs::read_to_string(place.runs()[0].join("events.jsonl")).unwrap();
    assert!(!events.contains("gr\u{fc}n") && !events.contains("gr%C3%BCn"), "{events}");
}
