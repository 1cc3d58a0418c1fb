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

type Texts = Arc<Mutex<Vec<String>>>;

/// Echoes what it was sent in headers, failing, as the path asks; keeps what it was sent and what it said.
fn echoes() -> (u16, Texts, Texts) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sent, said) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<Vec<String>>>::default());
    let (keeps, tells) = (sent.clone(), said.clone());
    let coded = |kind: &str, text: &str| -> String {
        let each = |one: &dyn Fn(char) -> String| text.chars().map(one).collect();
        match kind {
            "entities" => each(&|c| format!("&#{};", u32::from(c))),
            "json" => each(&|c| format!("\\u{:04x}", u32::from(c))),
            "percent" => text.bytes().map(|byte| format!("%{byte:02x}")).collect(),
            "some" => text
                .char_indices()
                .map(|(at, c)| if at % 3 == 0 { format!("&#x{:x};", u32::from(c)) } else { c.into() })
                .collect(),
            "upper" => text.to_uppercase(),
            "hex" => text.bytes().map(|byte| format!("{byte:02X}")).collect(),
            "base64" => base64::engine::general_purpose::STANDARD.encode(text),
            _ => text.to_owned(),
        }
    };
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (keeps, tells) = (keeps.clone(), tells.clone());
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut stream = stream;
                let (mut kind, mut body, mut line) = (String::new(), "xxxxxxxxxx".to_owned(), String::new());
                while reader.read_line(&mut line).is_ok_and(|n| n > 0) {
                    let text = line.trim_end().to_owned();
                    line.clear();
                    if let Some((_, value)) =
                        text.split_once(": ").filter(|(name, _)| name.starts_with("X-") || *name == "Authorization")
                    {
                        let value = value.trim_start_matches("Basic ");
                        let echo = coded(&kind, value);
                        keeps.lock().unwrap().push(value.to_owned());
                        tells.lock().unwrap().push(echo.clone());
                        body.push_str(&format!(" {echo}"));
                    } else if text.starts_with("GET ") {
                        kind = text.split(['/', ' ']).nth(2).unwrap_or_default().to_owned();
                    } else if text.is_empty() {
                        let body = std::mem::replace(&mut body, "xxxxxxxxxx".to_owned());
                        let head = format!("HTTP/1.1 500 no\r\nContent-Length: {}\r\n\r\n", body.len());
                        if stream.write_all(format!("{head}{body}").as_bytes()).is_err() {
                            return;
                        }
                    }
                }
            });
        }
    });
    (port, sent, said)
}

/// Everything that a person or a program can read of a run: below the directory, and on the terminal.
fn all_that_is_told(place: &Place, outputs: &[crate::support::Ran]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut open = vec![place.path().to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap().flatten() {
            match entry.path() {
                path if path.is_dir() => open.push(path),
                path => all.push((
                    path.display().to_string(),
                    String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned(),
                )),
            }
        }
    }
    all.extend(
        outputs
            .iter()
            .flat_map(|ran| [("stdout".to_owned(), ran.out.0.clone()), ("stderr".to_owned(), ran.err.clone())]),
    );
    all
}

/// Not a part of that many letters may be left.
fn assert_nothing_left(told: &[(String, String)], secret: &str, part: usize) {
    let letters: Vec<char> = secret.chars().collect();
    for window in letters.windows(part.min(letters.len())) {
        let window: String = window.iter().collect();
        for (place, text) in told {
            assert!(
                !text.contains(&window),
                "{place} shows `{window}` of `{secret}`:\n{}",
                text.chars().take(4000).collect::<String>()
            );
        }
    }
}

const KEY_LINE: &str = "MzEfYyjiWA4R4ypbPMzr";

fn key() -> String {
    let lines: Vec<String> = (0..14).map(|n| format!("{KEY_LINE}{n:02}{}", "qWzX".repeat(n % 3 + 1))).collect();
    format!("-----BEGIN TEST KEY-----\n{}\n-----END TEST KEY-----\n", lines.join("\n"))
}

#[test]
fn what_is_computed_from_a_secret_is_hidden_in_every_code_of_an_echo() {
    let (port, sent, said) = echoes();
    let place = Place::new();
    let kinds = ["plain", "entities", "json", "percent", "some", "upper", "hex", "base64"];
    let step = |kind: &&str| {
        format!(
            r#"    get "/{kind}/{{own}}" {{
      headers: {{
        "X-A": word, "X-B": own, "X-C": base64(base64(word)), "X-D": base64("{{unique}}{{short}}"), "X-E": hex(word),
        "X-F": shared, "X-G": upper(hex("{{short}}{{unique}}"))
      }}
      expect text == "none"
      continue
    }}
"#
        )
    };
    let scenario = format!(
        r#"param short: Secret = secret("TEST_SHORT")
param word: Secret = secret("TEST_WORD")

scenario hush {{
  target api = http("http://127.0.0.1:{port}") {{
    auth: basic("u", short)
  }}
  setup on api {{
    let first = uuid()
    let shared = base64("{{first}}{{short}}")
    get "/health" {{
      headers: {{ "X-F": shared }}
      expect status == 500
    }}
  }}
  flow call on api {{
    let unique = uuid()
    let own = base64("{{unique}}{{short}}")
{}  }}
  load main of call {{
    hold 10/s for 1s
  }}
  fault told = command('echo "$A $B"; exit 3', with: {{ A: base64(short), B: hex(word) }}) at main.start + 100ms
  expect error_rate(main) < 1%
}}
"#,
        kinds.iter().map(step).collect::<String>()
    );
    place.write("test.stress", &scenario);
    let word = "open-sesame-and-a-half";
    place.write("words.env", &format!("TEST_WORD='{word}'\nTEST_SHORT='q7Z'\n"));
    let with = ["--env-file", "words.env"];
    let calls: [&[&str]; 6] = [
        &["check", "test.stress"],
        &["plan", "test.stress"],
        &["try", "test.stress", "--full"],
        &["run", "test.stress", "--yes"],
        &["run", "test.stress", "--yes", "--no-progress", "--out", "json=-"],
        &["report", "last"],
    ];
    let ran: Vec<_> = calls
        .iter()
        .map(|call| if call[0] == "report" { place.call(call) } else { place.call(&[call, &with[..]].concat()) })
        .collect();
    assert_eq!(ran.iter().map(|ran| ran.code).collect::<Vec<_>>(), [0, 0, 0, 1, 1, 1], "{}{}", ran[2].err, ran[3].err);
    std::fs::remove_file(place.path().join("words.env")).unwrap();
    let told = all_that_is_told(&place, &ran);
    let (sent, said) = (sent.lock().unwrap(), said.lock().unwrap());
    assert!(sent.len() > 500 && sent.iter().any(|text| text == "dTpxN1o="), "{}", sent.len());
    let failed = ran[4].result["examples"]["failed"].as_array().unwrap();
    assert!(
        failed.len() > 40
            && failed.iter().all(|one| one["body"].as_str().is_some_and(|body| body.starts_with("xxxxxxxxxx ***"))),
        "{failed:?}"
    );
    // What is kept is the same in every run but for its number: of each code the first and the last are enough.
    for text in said.iter().step_by(7).chain(sent.iter().rev().take(60)).chain([&word.to_owned()]) {
        let of_a_letter = text.len() as f64 / 22.0;
        let part = match text {
            text if text.contains(['&', '\\']) => 36,
            _ if of_a_letter > 2.0 => 14,
            _ => 7,
        };
        assert_nothing_left(&told, text, part);
    }
}

#[test]
fn outputs_of_services_commands_and_faults_are_masked_before_they_are_cut() {
    let place = Place::new();
    place.write("say.sh", "i=0\nwhile [ $i -lt 900 ]; do echo \"fill $i\"; i=$((i+1)); done\nprintf '%s' \"$KEY\" | sed 's/^/> /'\nexit 3\n");
    let script = Script::start(|_, _| (200, "{}".to_owned()));
    let run = |services: &str, rest: &str| {
        let more = if services.is_empty() { "" } else { "    max(app.memory) >= 0MiB\n" };
        let scenario = format!(
            "scenario hush {{\n{services}  target api = http(\"http://{}\")\n  flow call on api {{\n    get \"/\"\n  }}\n  load main of call {{\n    hold 10/s for 2s\n  }}\n{rest}  expect {{\n    error_rate(main) < 1%\n{more}  }}\n}}\n",
            script.address
        );
        place.write("test.stress", &format!("param key: Secret = secret(\"TEST_KEY\")\n\n{scenario}"));
        let mut command = place.command(&["run", "test.stress", "--no-progress", "--yes"]);
        place.ended(command.env("TEST_KEY", key()).output().unwrap())
    };
    let service = |script: &str| {
        format!(
            "  service app = process(\"sh\", \"-c\", \"{script}\") {{\n    env: {{ KEY: key, SAY: \"{}\" }}\n  }}\n",
            place.path().join("say.sh").display()
        )
    };
    let mut all = Vec::new();
    // It is not ready; it ends in the middle.
    all.push(run(&service("sh $SAY").replace("env:", "port: port()\n    env:"), ""));
    assert!(
        all[0].code == 3 && all[0].err.contains("its last output was") && all[0].err.contains("***"),
        "{}",
        all[0].err
    );
    all.push(run(&service("sleep 1; sh $SAY"), ""));
    assert!(all[1].out.contains("> ***") || all[1].err.contains("> ***"), "{}{}", all[1].out, all[1].err);
    let with = "with: { KEY: key }";
    let faults = format!(
        "  fault broken = command(\"sh ./say.sh\", {with}) at main.start + 200ms\n  event said = command('''printf '%s' \"$TEST_KEY\" | sed 's/^/> /'; exit 3''') at main.start + 300ms for at most 9s\n"
    );
    all.push(run("", &faults));
    assert!(all[2].out.contains("it wrote") && all[2].out.contains("> ***"), "{}{}", all[2].out, all[2].err);
    let report = place.call(&["report", "last"]);
    all.push(report);
    let told = all_that_is_told(&place, &all);
    for line in key().lines() {
        assert_nothing_left(&told, line, 8);
    }
}

/// A database that asks for the password itself, and says in its answer what it was.
fn database() -> (u16, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Mutex::new(String::new()));
    let kept = seen.clone();
    let serve = move |mut stream: std::net::TcpStream| -> std::io::Result<()> {
        let mut message = |before: usize| {
            let mut head = vec![0; before + 4];
            stream.read_exact(&mut head)?;
            let length = u32::from_be_bytes(head[before..].try_into().unwrap()) as usize;
            let mut body = vec![0; length - 4];
            stream.read_exact(&mut body)?;
            // AuthenticationCleartextPassword, after the first.
            stream.write_all(if before == 0 { b"R\0\0\0\x08\0\0\0\x03" } else { b"" })?;
            Ok::<_, std::io::Error>(String::from_utf8_lossy(&body).trim_end_matches('\0').to_owned())
        };
        message(0)?;
        let password = message(1)?;
        kept.lock().unwrap().push_str(&password);
        let said = format!("SFATAL\0VFATAL\0C28P01\0Mthe password `{password}` is wrong\0\0");
        stream.write_all(b"E")?;
        stream.write_all(&(said.len() as u32 + 4).to_be_bytes())?;
        stream.write_all(said.as_bytes())
    };
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(serve(stream))));
    (port, seen)
}

#[test]
fn the_password_of_a_database_reaches_it_and_nothing_else() {
    let (port, seen) = database();
    let place = Place::new();
    let scenario = format!(
        r#"scenario hush {{
  let word = secret("TEST_WORD")
  target db = postgres("postgres://shop:{{word}}@127.0.0.1:{port}/shop?sslmode=disable")
  flow ask on db {{
    query "select 1" as asked
  }}
  load main of ask {{
    hold 5/s for 1s
  }}
  fault slow = latency(db, 1ms) at 0s for 500ms
  expect {{
    error_rate(main) < 1%
  }}
}}
"#
    );
    place.write("test.stress", &scenario);
    place.write("words.env", &format!("TEST_WORD='{SECRET}'\n"));
    let calls: [&[&str]; 6] = [
        &["run", "test.stress", "--env-file", "words.env", "--no-progress", "--out", "html=report.html"],
        &["plan", "test.stress", "--env-file", "words.env"],
        &["plan", "test.stress", "--json", "--env-file", "words.env"],
        &["check", "test.stress", "--emit", "program", "--env-file", "words.env"],
        &["report"],
        &["report", "--out", "json=-"],
    ];
    for call in calls {
        let ran = place.call(call);
        assert!(matches!(ran.code, 0 | 1 | 4 | 5), "{call:?} gave {}: {}", ran.code, ran.err);
        assert_hidden(&ran.out, &format!("{call:?}"));
        assert_hidden(&ran.err, &format!("{call:?}"));
        assert!(call[0] != "run" || ran.out.contains("28P01: the password `***` is wrong"), "{}", ran.out);
    }
    std::fs::remove_file(place.path().join("words.env")).unwrap();
    assert_hidden_below(place.path());
    assert!(seen.lock().unwrap().starts_with(SECRET), "{seen:?}");
}
