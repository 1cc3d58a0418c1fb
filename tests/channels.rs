//! WebSockets, streams of events and messages over TCP: against the demo shop, servers of the reference library, links that are
//! hurt, and servers that break the rules.

use crate::support::{Place, Ran};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept_hdr};

fn outcome(ran: &Ran, load: &str, step: &str) -> (u64, Value) {
    ran.outcome(load, Some(step))
}

/// Gives each connection to a function.
fn serve(does: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let does = Arc::new(does);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let does = does.clone();
            let _ = stream.set_nodelay(true);
            std::thread::spawn(move || does(stream));
        }
    });
    address
}

/// A server of the reference library, and the heads of the requests that it was asked with.
fn websocket(
    does: impl Fn(&mut WebSocket<TcpStream>) + Send + Sync + 'static,
) -> (SocketAddr, Arc<Mutex<Vec<Request>>>) {
    let heads: Arc<Mutex<Vec<Request>>> = Arc::default();
    let seen = heads.clone();
    let address = serve(move |stream| {
        #[allow(clippy::result_large_err)] // The library's own.
        let note = |request: &Request, response: Response| {
            seen.lock().unwrap().push(request.clone());
            Ok(response)
        };
        if let Ok(mut socket) = accept_hdr(stream, note) {
            does(&mut socket);
        }
    });
    (address, heads)
}

/// Says everything back until the client closes; gives the code of that.
fn echo(socket: &mut WebSocket<TcpStream>) -> Option<CloseFrame> {
    loop {
        match socket.read() {
            Ok(Message::Close(frame)) => {
                // Flushes the goodbye.
                while socket.read().is_ok() {}
                return frame;
            }
            Ok(message @ (Message::Text(_) | Message::Binary(_))) => socket.send(message).ok()?,
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

/// Takes the request of a client, and gives this answer.
fn answers(bytes: &'static [u8], then: Duration) -> SocketAddr {
    serve(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(bytes);
        std::thread::sleep(then);
        // What is left unread would make the end of the connection a reset.
        let _ = stream.set_read_timeout(Some(Duration::from_millis(20)));
        while stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}
    })
}

/// A scenario of targets, each with a flow and a load of three iterations of one user.
fn scenario(parts: &[(&str, String, &str)]) -> String {
    let part = |(name, target, steps): &(&str, String, &str)| {
        format!(
            "  target {name} = {target}\n  flow f_{name} on {name} {{\n{steps}\n  }}\n  load l_{name} of f_{name} {{\n    once 3 iterations by 1 user within 20s\n  }}\n"
        )
    };
    let parts: String = parts.iter().map(part).collect();
    format!("scenario test {{\n{parts}}}\n")
}

#[test]
fn a_shop_tells_its_news_over_a_websocket_and_as_events_encrypted_and_not() {
    let place = Place::new();
    let talk = "    connect \"/news\" as line within 5s {\n      expect status == 101\n    }\n    send { ping: [1, 2] } as ping\n    receive as pong where json(\"$.kind\") == \"echo\" within 5s {\n      expect json(\"$.of.ping[1]\") == 2\n    }\n    send { subscribe: \"prices\" }\n    repeat at most 5 {\n      receive as update where json(\"$.kind\") == \"price\" within 5s\n    }\n";
    let follow = "    events \"/news\" as stream {\n      expect header(\"content-type\") starts with \"text/event-stream\"\n    }\n    repeat at most 5 {\n      receive as price where event == \"price\" within 5s {\n        expect json(\"$.price\") > 0\n      }\n    }\n";
    let text = format!(
        "scenario test {{\n  service plain = demo(news: 20ms)\n  service shop = demo(news: 20ms, tls: true)\n  target a = websocket(plain.url)\n  target b = websocket(shop.url) {{\n    tls: {{ ca: shop.ca }}\n  }}\n  target c = http(plain.url)\n  target d = http(shop.url) {{\n    tls: {{ ca: shop.ca }}\n  }}\n  flow talk_a on a {{\n{talk}  }}\n  flow talk_b on b {{\n{talk}  }}\n  flow follow_c on c {{\n{follow}  }}\n  flow follow_d on d {{\n{follow}  }}\n  load la of talk_a {{\n    hold 10 users for 2s\n  }}\n  load lb of talk_b {{\n    hold 20/s for 2s\n  }}\n  load lc of follow_c {{\n    hold 10 users for 2s\n  }}\n  load ld of follow_d {{\n    hold 20/s for 2s\n  }}\n  expect {{\n    error_rate(la) == 0%\n    error_rate(lb) == 0%\n    error_rate(lc) == 0%\n    error_rate(ld) == 0%\n    p95(la.update) < 2s\n    count(lb.pong) >= 20\n  }}\n}}\n"
    );
    let ran = place.run(&text, &[]);
    assert!(matches!(ran.code, 0 | 5), "{}{}", ran.out, ran.err);
    for (load, step, least) in
        [("la", "line", 10), ("la", "update", 50), ("lb", "pong", 20), ("lc", "price", 50), ("ld", "price", 50)]
    {
        let (samples, failed) = outcome(&ran, load, step);
        assert!(samples >= least && failed == json!({}), "{load}.{step}: {samples} {failed}\n{}{}", ran.out, ran.err);
    }
    // TLS is measured as a part of opening the connection.
    let phases = ran.result["phases"].to_string();
    assert!(phases.contains("lb.talk_b.line") && phases.contains("\"tls\""), "{phases}");
    let tried = place.call(&["try", "test.stress"]);
    for part in ["Sec-WebSocket-Key: ", "{\"ping\":[1,2]}", "← 101", "← done", "\"kind\":\"price\"", "event:price"]
    {
        assert!(tried.out.contains(part), "{part}: {}{}", tried.out, tried.err);
    }
}

#[test]
fn what_opens_a_websocket_is_a_request_like_any_other_and_it_ends_with_its_block() {
    let codes: Arc<Mutex<Vec<Option<u16>>>> = Arc::default();
    let told = codes.clone();
    let (address, heads) = websocket(move |socket| {
        let frame = echo(socket);
        told.lock().unwrap().push(frame.map(|frame| frame.code.into()));
    });
    let place = Place::new();
    place.write("hello.bin", "hello from a file");
    let text = format!(
        "scenario test {{\n  target line = websocket(\"ws://{address}/base\") {{\n    headers: {{ \"X-Of-Target\": \"t\" }}\n    auth: bearer(secret(\"TOKEN\"))\n  }}\n  flow talk on line {{\n    let room = \"a b\"\n    repeat at most 2 {{\n      connect \"/room/{{room}}\" as open {{\n        headers: {{ \"Sec-WebSocket-Protocol\": \"v1\" }}\n        query: {{ who: \"me & you\" }}\n      }}\n      send \"plain text\"\n      receive as first {{\n        expect text == \"plain text\"\n        expect size == 10B\n      }}\n      send [1, \"two\"]\n      receive as second {{\n        expect json(\"$[1]\") == \"two\"\n      }}\n      send second.json(\"$[1]\")\n      receive as third {{\n        expect text == \"two\"\n      }}\n      send file(\"hello.bin\")\n      receive as fourth {{\n        expect text == \"hello from a file\"\n      }}\n    }}\n    if true {{\n      connect as again\n      send \"over\"\n      receive where text == \"over\" within 5s\n    }}\n    connect\n  }}\n  load main of talk {{\n    once 3 iterations by 1 user within 20s\n  }}\n  expect error_rate(main) == 0%\n}}\n"
    );
    // The server of this test chooses no subprotocol, which it may.
    place.write("test.stress", &text);
    let mut command = place.command(&["run", "test.stress"]);
    let output = command.env("TOKEN", "very-secret-token").output().unwrap();
    let ran = place.ended(output);
    assert!(matches!(ran.code, 0 | 5), "{}{}", ran.out, ran.err);
    let heads = heads.lock().unwrap();
    assert_eq!(heads.len(), 12, "four in each iteration");
    assert_eq!(heads[0].uri(), "/base/room/a%20b?who=me%20%26%20you");
    assert_eq!(heads[2].uri(), "/base");
    for (name, value) in
        [("x-of-target", "t"), ("authorization", "Bearer very-secret-token"), ("sec-websocket-protocol", "v1")]
    {
        assert_eq!(heads[0].headers().get(name).unwrap(), value);
    }
    assert!(heads[0].headers().contains_key("traceparent"));
    let mut keys: Vec<_> = heads.iter().map(|head| head.headers()["sec-websocket-key"].clone()).collect();
    keys.sort_unstable_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    keys.dedup();
    assert_eq!(keys.len(), 12, "each has a key of its own");
    crate::support::wait_until("all are closed", Duration::from_secs(10), || codes.lock().unwrap().len() == 12);
    let codes = codes.lock().unwrap();
    let goodbyes = codes.iter().filter(|code| **code == Some(1000)).count();
    // The last may be cut off by the end of the run.
    assert!(goodbyes >= 11, "{codes:?}");
}

#[test]
fn what_goes_wrong_is_a_failure_of_a_kind_with_its_cause() {
    const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\ndata: unfin";
    let (closes, _) = websocket(|socket| {
        let _ = socket.send(Message::text("one"));
        let frame = CloseFrame { code: CloseCode::Error, reason: "no \u{1b}[1m more".into() };
        let _ = socket.close(Some(frame));
        while socket.read().is_ok() {}
    });
    let (cuts, _) = websocket(|socket| {
        let _ = socket.send(Message::text("one"));
    });
    let (silent, _) = websocket(|_| std::thread::sleep(Duration::from_secs(8)));
    let (garbage, _) = websocket(|socket| {
        let _ = socket.get_mut().write_all(b"\xf3\x00");
        std::thread::sleep(Duration::from_secs(2));
    });
    let (no_text, _) = websocket(|socket| {
        let _ = socket.get_mut().write_all(b"\x81\x02\xff\xfe");
        std::thread::sleep(Duration::from_secs(2));
    });
    let (large, _) = websocket(|socket| {
        // A text of 17 MiB is announced.
        let _ = socket.get_mut().write_all(&[&b"\x81\x7f"[..], &(17_u64 << 20).to_be_bytes(), b"start"].concat());
        std::thread::sleep(Duration::from_secs(2));
    });
    let wrong_key =
        Box::leak(format!("{SWITCH}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n").into_boxed_str());
    let (gone, prefix) =
        (TcpListener::bind("127.0.0.1:0").unwrap(), answers(b"\xff\xff\xff\xff", Duration::from_secs(1)));
    let closed = gone.local_addr().unwrap();
    drop(gone);
    let now = Duration::ZERO;
    let ws = |address: SocketAddr| format!("websocket(\"ws://{address}\")");
    let of_http = |address: SocketAddr| format!("http(\"http://{address}\")");
    let tcp = |address: SocketAddr, options: &str| format!("tcp(\"{address}\") {{\n    {options}\n  }}");
    let (open, wait) = (
        "    connect as open within 1s",
        "    connect as open\n    receive as got within 1s\n    receive as more within 1s",
    );
    let (stream, lines) = (
        "    events \"/\" as open\n    receive as got\n    receive as more within 1s",
        "    connect as open\n    send \"x\"\n    receive as got within 1s",
    );
    let forbidden = answers(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", now);
    let missing = answers(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", now);
    let page = answers(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi", now);
    let parts: Vec<(&str, String, &str)> = vec![
        ("refused", ws(forbidden), open),
        ("page", ws(page), open),
        ("wrong_key", ws(answers(wrong_key.as_bytes(), now)), open),
        ("nobody", ws(closed), open),
        ("mute", ws(serve(|_stream| std::thread::sleep(Duration::from_secs(2)))), open),
        ("closes", ws(closes), wait),
        ("cuts", ws(cuts), wait),
        ("silent", ws(silent), "    connect as open\n    receive as got within 300ms"),
        ("garbage", ws(garbage), wait),
        ("no_text", ws(no_text), wait),
        ("large", ws(large), wait),
        ("deaf", ws(silent), "    connect as open\n    send file(\"big.bin\") as got within 500ms"),
        ("html", of_http(page), "    events \"/\" as open"),
        (
            "judged_key",
            ws(answers(wrong_key.as_bytes(), now)),
            "    connect as open {\n      expect status == 101\n    }",
        ),
        ("judged_html", of_http(page), "    events \"/\" as open {\n      expect status == 200\n    }"),
        ("long", tcp(prefix, "prefix: 1"), "    connect as open\n    send random_text(300) as got"),
        ("none", of_http(missing), "    events \"/\" as open"),
        ("ends", of_http(answers(STREAM, now)), stream),
        ("half", tcp(answers(b"unfinished", now), "timeout: 5s"), lines),
        ("longest", tcp(prefix, "prefix: 4"), lines),
    ];
    let place = Place::new();
    place.write("big.bin", &"x".repeat(12 << 20));
    let ran = place.run(&scenario(&parts), &[]);
    let causes = ran.result["failures"].as_array().unwrap();
    for (name, step, kind, why) in [
        ("refused", "open", "status", "403"),
        ("page", "open", "protocol", "status 200 instead of 101"),
        ("wrong_key", "open", "protocol", "is not the answer to the key"),
        ("nobody", "open", "connect", ""),
        ("mute", "open", "timeout", "did not answer the request for the connection"),
        ("closes", "more", "closed", "code 1011, internal error"),
        ("cuts", "more", "closed", "without a closing handshake"),
        ("silent", "got", "timeout", "no message that it waits for came in time"),
        ("garbage", "got", "protocol", ""),
        ("no_text", "got", "protocol", "not UTF-8"),
        ("large", "got", "too_large", "more than 16 MiB"),
        ("deaf", "got", "timeout", "did not take the message in time"),
        ("html", "open", "protocol", "not a `text/event-stream`"),
        ("judged_key", "open", "protocol", "is not the answer to the key"),
        ("judged_html", "open", "protocol", "not a `text/event-stream`"),
        ("long", "got", "data", "a message of 300 bytes, where 255 are the most"),
        ("none", "open", "status", "404"),
        ("ends", "more", "closed", "the server ended the stream"),
        ("half", "got", "closed", "in the middle of a message"),
        ("longest", "got", "too_large", ""),
    ] {
        let (samples, failed) = outcome(&ran, &format!("l_{name}"), step);
        assert_eq!((samples, failed), (3, json!({ kind: 3 })), "{name}.{step}\n{}{}", ran.out, ran.err);
        let series = format!("l_{name}.f_{name}.{step}");
        let own: Vec<_> = causes.iter().filter(|cause| cause["series"] == series).map(Value::to_string).collect();
        // A message that is not sent is told by its example.
        let told = if kind == "data" { ran.out.contains(why) } else { own.iter().any(|cause| cause.contains(why)) };
        assert!(told, "{name}: {why}: {own:?}");
    }
    // The reason of a server is a stranger's text.
    assert!(!ran.out.contains('\u{1b}'), "{}", ran.out);
    assert_eq!(outcome(&ran, "l_ends", "got"), (3, json!({})), "{}", ran.out);
}

#[test]
fn a_connection_is_tried_again_and_its_failure_leaves_later_steps_without_one() {
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let address = serve(move |mut stream| {
        // Every third attempt is let in.
        if count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % 3 < 2 {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
        } else if let Ok(mut socket) = tokio_tungstenite::tungstenite::accept(stream) {
            echo(&mut socket);
        }
    });
    let busy = answers(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", Duration::ZERO);
    let place = Place::new();
    let ran = place.run(
        &scenario(&[
            ("line", format!("websocket(\"ws://{address}\")"), "    connect as open retry 2 backoff 1ms when [503]\n    send \"x\"\n    receive as got"),
            ("busy", format!("websocket(\"ws://{busy}\")"), "    connect as open {\n      continue\n    }\n    send \"x\" as sent {\n      continue\n    }\n    receive as got"),
            ("known", format!("websocket(\"ws://{busy}\")"), "    connect as open {\n      expect status == 503\n    }"),
        ]),
        &[],
    );
    assert_eq!(outcome(&ran, "l_line", "open"), (3, json!({})), "{}{}", ran.out, ran.err);
    assert_eq!(outcome(&ran, "l_line", "got"), (3, json!({})), "{}{}", ran.out, ran.err);
    assert_eq!(outcome(&ran, "l_busy", "open"), (3, json!({ "status": 3 })), "{}{}", ran.out, ran.err);
    assert_eq!(outcome(&ran, "l_busy", "sent"), (3, json!({ "closed": 3 })), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("no connection is open: the step that opens it failed"), "{}", ran.out);
    assert_eq!(outcome(&ran, "l_known", "open"), (3, json!({})), "{}{}", ran.out, ran.err);
}

#[test]
fn a_ping_has_its_answer_while_the_user_thinks_and_what_came_meanwhile_is_kept() {
    let (address, _) = websocket(|socket| {
        for number in 0..100 {
            let _ = socket.send(Message::text(format!("{{\"n\":{number}}}")));
        }
        let asked = std::time::Instant::now();
        let _ = socket.send(Message::Ping("are you there".into()));
        let pong = matches!(socket.read(), Ok(Message::Pong(said)) if said == "are you there".as_bytes());
        let soon = asked.elapsed() < Duration::from_secs(2);
        let _ = socket.send(Message::text(format!("{{\"n\":100,\"pong\":{pong},\"soon\":{soon}}}")));
        while socket.read().is_ok() {}
    });
    let steps = "    connect as open\n    think 3s\n    repeat i from 0 at most 100 {\n      receive as one within 1s {\n        expect json(\"$.n\") == i\n        expect latency < 1s\n      }\n    }\n    receive as last within 6s {\n      expect json(\"$.pong\") == true\n      expect json(\"$.soon\") == true\n    }";
    let place = Place::new();
    let ran = place.run(&scenario(&[("line", format!("websocket(\"ws://{address}\")"), steps)]), &[]);
    assert_eq!(outcome(&ran, "l_line", "one"), (300, json!({})), "{}{}", ran.out, ran.err);
    assert_eq!(outcome(&ran, "l_line", "last"), (3, json!({})), "{}{}", ran.out, ran.err);
}

#[test]
fn a_connection_ends_with_the_block_that_opened_it() {
    let (address, heads) = {
        let open: Arc<Mutex<Vec<(String, Duration)>>> = Arc::default();
        let (told, listener) = (open.clone(), TcpListener::bind("127.0.0.1:0").unwrap());
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let told = told.clone();
                std::thread::spawn(move || {
                    let mut path = String::new();
                    #[allow(clippy::result_large_err)] // The library's own.
                    let note = |request: &Request, response: Response| {
                        path = request.uri().to_string();
                        Ok(response)
                    };
                    let Ok(mut socket) = accept_hdr(stream, note) else { return };
                    let opened = std::time::Instant::now();
                    echo(&mut socket);
                    told.lock().unwrap().push((path, opened.elapsed()));
                });
            }
        });
        (address, open)
    };
    let block = |head: &str, path: &str| format!("    {head} {{\n      connect \"/{path}\"\n    }}\n");
    let blocks = [
        block("if true", "if"),
        block("repeat at most 1", "repeat"),
        block("each x in [1] at most 1", "each"),
        block("each x in [1] at most 1 together", "together"),
        block("acquire one", "acquire"),
        "    choose {\n      100% {\n        connect \"/choose\"\n      }\n    }\n".to_owned(),
        // A group measures, and opens no scope.
        block("group all", "group"),
    ];
    let text = format!(
        "scenario test {{\n  semaphore one = semaphore(1)\n  target line = websocket(\"ws://{address}\")\n  flow talk on line {{\n{}    think 2s\n    send \"x\"\n    receive\n  }}\n  load main of talk {{\n    once 1 iterations by 1 user within 20s\n  }}\n}}\n",
        blocks.concat()
    );
    let place = Place::new();
    let ran = place.run(&text, &[]);
    assert_eq!(outcome(&ran, "main", "RECEIVE").1, json!({}), "{}{}", ran.out, ran.err);
    crate::support::wait_until("all are closed", Duration::from_secs(10), || heads.lock().unwrap().len() == 7);
    for (path, open) in heads.lock().unwrap().iter() {
        assert_eq!(*open > Duration::from_millis(1900), path == "/group", "{path} was open for {open:?}");
    }
}

#[test]
fn a_transaction_that_is_tried_again_closes_first_what_it_had_opened() {
    let open: Arc<Mutex<Vec<Duration>>> = Arc::default();
    let told = open.clone();
    let address = serve(move |mut stream| {
        let opened = std::time::Instant::now();
        while stream.read(&mut [0; 64]).is_ok_and(|read| read > 0) {}
        told.lock().unwrap().push(opened.elapsed());
    });
    let text = format!(
        "scenario test {{\n  target db = sqlite(\"shop.db\")\n  target line = tcp(\"{address}\")\n  flow talk on db {{\n    transaction add retry 1 backoff 2s when [syntax, sql] {{\n      if true {{\n        connect on line\n        send \"x\" on line\n        execute \"insert into nothing values (1)\"\n      }}\n    }}\n  }}\n  load main of talk {{\n    once 1 iterations by 1 user within 20s\n  }}\n}}\n"
    );
    let place = Place::new();
    crate::sql::on_file(&place.path().join("shop.db"), &["create table one (id integer primary key)"]);
    let ran = place.run(&text, &[]);
    crate::support::wait_until("both are closed", Duration::from_secs(10), || {
        assert!(ran.code != 3, "{}{}", ran.out, ran.err);
        open.lock().unwrap().len() == 2
    });
    assert!(open.lock().unwrap().iter().all(|open| *open < Duration::from_secs(2)), "{open:?}");
}

#[test]
fn a_loop_over_a_connection_that_has_ended_leaves_the_worker_to_others() {
    let (ends, _) = websocket(|_| {});
    let server = crate::support::Server::start(Duration::ZERO);
    let address = server.address;
    let text = format!(
        "scenario test {{\n  target line = websocket(\"ws://{ends}\")\n  target api = http(\"http://{address}\")\n  flow spin on line {{\n    connect\n    repeat at most 3s {{\n      receive as got within 5s {{\n        continue\n      }}\n    }}\n  }}\n  flow ask on api {{\n    get \"/\" as page\n  }}\n  load spins of spin {{\n    once 1 iterations by 1 user within 20s\n  }}\n  load asks of ask {{\n    hold 20/s for 2s\n  }}\n}}\n"
    );
    let place = Place::new();
    let ran = place.run(&text, &["--workers", "1"]);
    let windows = ran.result["windows"].as_array().unwrap_or_else(|| panic!("{}{}", ran.out, ran.err));
    let asks = windows.iter().find(|window| window["load"] == "asks").unwrap();
    let page = &asks["steps"][0];
    // A worker that is kept busy for three seconds answers none of them in time.
    assert!(page["p50_ns"].as_f64().unwrap() < 1e9, "{page}");
}

#[test]
fn messages_over_tcp_end_at_a_delimiter_or_after_their_length() {
    let lines = serve(|stream| {
        let mut out = stream.try_clone().unwrap();
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            // In two pieces.
            let _ = out.write_all(b"you said ");
            let _ = out.write_all(&[&line[..], b"\nand another\n"].concat());
        }
    });
    let framed = serve(|mut stream| {
        let mut length = [0; 2];
        while stream.read_exact(&mut length).is_ok() {
            let mut said = vec![0; usize::from(u16::from_be_bytes(length))];
            let _ = stream.read_exact(&mut said);
            said.reverse();
            let _ = stream.write_all(&[&length[..], &said].concat());
        }
    });
    let semicolons = serve(|mut stream| {
        let mut room = [0; 1024];
        while let Ok(read @ 1..) = stream.read(&mut room) {
            let _ = stream.write_all(&room[..read]);
        }
    });
    let tcp = |address: SocketAddr, options: &str| format!("tcp(\"{address}\"){options}");
    let place = Place::new();
    let ran = place.run(
        &scenario(&[
            ("lines", tcp(lines, ""), "    connect\n    send \"hello\"\n    receive as got {\n      expect text == \"you said hello\"\n    }\n    receive as other {\n      expect text == \"and another\"\n    }"),
            ("framed", tcp(framed, " {\n    prefix: 2\n  }"), "    connect\n    send \"hello\"\n    receive as got {\n      expect text == \"olleh\"\n      expect size == 5B\n    }\n    send { a: 1 }\n    receive as other {\n      expect text == '}1:\"a\"{'\n    }"),
            ("several", tcp(semicolons, " {\n    delimiter: \";;\"\n  }"), "    connect\n    send \"a;b\"\n    receive as got {\n      expect text == \"a;b\"\n    }"),
        ]),
        &[],
    );
    for (load, step) in
        [("l_lines", "got"), ("l_lines", "other"), ("l_framed", "got"), ("l_framed", "other"), ("l_several", "got")]
    {
        assert_eq!(outcome(&ran, load, step), (3, json!({})), "{load}.{step}\n{}{}", ran.out, ran.err);
    }
}

#[test]
fn tcp_is_encrypted_where_its_target_says_so() {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let address = serve(move |mut stream| {
        let mut session = rustls::ServerConnection::new(config.clone()).unwrap();
        let mut secured = rustls::Stream::new(&mut session, &mut stream);
        let mut room = [0; 1024];
        while let Ok(read @ 1..) = secured.read(&mut room) {
            let _ = secured.write_all(&room[..read]);
        }
    });
    let place = Place::new();
    place.write("ca.pem", &cert.pem());
    let target = |options: &str| format!("tcp(\"{address}\") {{\n    {options}\n  }}");
    let steps = "    connect as open\n    send \"hello\"\n    receive as got {\n      expect text == \"hello\"\n    }";
    let ran = place.run(
        &scenario(&[
            ("known", target("tls: { ca: \"ca.pem\" }"), steps),
            ("unknown", target("tls: { min: \"1.2\" }"), steps),
            ("plain", target("timeout: 1s"), steps),
        ]),
        &[],
    );
    assert_eq!(outcome(&ran, "l_known", "got"), (3, json!({})), "{}{}", ran.out, ran.err);
    assert_eq!(outcome(&ran, "l_unknown", "open"), (3, json!({ "certificate": 3 })), "{}{}", ran.out, ran.err);
    let (samples, failed) = outcome(&ran, "l_plain", "got");
    assert!(samples == 3 && failed != json!({}), "{samples} {failed}");
}

/// Each fault acts from the second second on, for a second and a half.
#[test]
fn faults_on_the_way_act_on_each_protocol() {
    let talk = "    connect \"/news\" as open within 500ms\n    send { ping: 1 } as ping within 500ms\n    receive as got where json(\"$.kind\") == \"echo\" within 500ms\n    think 20ms\n";
    let follow = "    events \"/news\" as open within 500ms\n    receive as got within 500ms\n    think 20ms\n";
    let line = "    connect as open within 500ms\n    send \"x\" as ping within 500ms\n    receive as got within 500ms\n    think 20ms\n";
    let echo = serve(|mut stream| {
        let mut room = [0; 1024];
        while let Ok(read @ 1..) = stream.read(&mut room) {
            let _ = stream.write_all(&room[..read]);
        }
    });
    let mut text = "scenario test {\n  service shop = demo(news: 10ms)\n".to_owned();
    let mut expects = String::new();
    for (protocol, target, steps) in [
        ("ws", "websocket(shop.url)".to_owned(), talk),
        ("sse", "http(shop.url)".to_owned(), follow),
        ("tcp", format!("tcp(\"{echo}\")"), line),
    ] {
        for (fault, call) in [("latency", "latency(T, 100ms)"), ("partition", "partition(T)"), ("reset", "reset(T)")] {
            let name = format!("{protocol}_{fault}");
            let call = call.replace('T', &name);
            text.push_str(&format!(
                "  target {name} = {target}\n  flow f_{name} on {name} {{\n{steps}  }}\n  load l_{name} of f_{name} {{\n    hold 3 users for 6s\n  }}\n  fault {name}_hurt = {call} at 2s for 1500ms\n"
            ));
            expects.push_str(&format!("    p95(l_{name}.got outside {name}_hurt) < 10s\n"));
        }
    }
    text.push_str(&format!("  expect {{\n{expects}  }}\n}}\n"));
    let place = Place::new();
    let ran = place.run(&text, &[]);
    let all = |name: &str| {
        let steps = ["open", "ping", "got"].map(|step| outcome(&ran, &format!("l_{name}"), step));
        let sum = |kind: &str| steps.iter().map(|(_, failed)| failed[kind].as_u64().unwrap_or(0)).sum::<u64>();
        (steps.iter().map(|(samples, _)| samples).sum::<u64>(), sum("timeout"), sum("reset") + sum("closed"))
    };
    for protocol in ["ws", "sse", "tcp"] {
        let (samples, late, broken) = all(&format!("{protocol}_latency"));
        assert!(
            samples > 30 && late == 0 && broken == 0,
            "{protocol}: {samples} {late} {broken}\n{}{}",
            ran.out,
            ran.err
        );
        let (samples, late, _) = all(&format!("{protocol}_partition"));
        assert!(samples > 30 && late > 0, "{protocol}: {samples} {late}\n{}{}", ran.out, ran.err);
        let (samples, _, broken) = all(&format!("{protocol}_reset"));
        assert!(samples > 30 && broken > 0, "{protocol}: {samples} {broken}\n{}{}", ran.out, ran.err);
    }
    let faults = ran.result["faults"].as_array().unwrap();
    assert!(faults.len() == 9 && faults.iter().all(|fault| fault["effective"] != false), "{faults:?}");
}

#[test]
fn a_receive_of_a_flood_in_which_nothing_fits_ends_in_time() {
    let (flood, _) = websocket(|socket| while socket.send(Message::text("{\"n\":1}")).is_ok() {});
    let place = Place::new();
    let steps = "    connect\n    receive as got where json(\"$.n\") == 2 within 1s";
    let ran = place.run(&scenario(&[("line", format!("websocket(\"ws://{flood}\")"), steps)]), &[]);
    assert_eq!(outcome(&ran, "l_line", "got"), (3, json!({ "timeout": 3 })), "{}{}", ran.out, ran.err);
}

#[test]
fn what_is_not_a_whole_message_and_answers_to_pings_are_held_within_limits() {
    let pings = serve(|stream| {
        let mut out = stream.try_clone().unwrap();
        // The library would read the answers.
        let Ok(_socket) = tokio_tungstenite::tungstenite::accept(stream) else { return };
        let ping = [&[0x89, 125][..], &[b'x'; 125]].concat().repeat(64);
        let _ = out.set_write_timeout(Some(Duration::from_secs(2)));
        while out.write_all(&ping).is_ok() {}
    });
    let ids = serve(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nid: ");
        let _ = stream.write_all(&[b'x'; 3000]);
        let _ = stream.write_all(b"\n\n");
        while stream.write_all(&b"data\n\n".repeat(1000)).is_ok() {}
    });
    let parts = serve(|mut stream| {
        let piece = [b'x'; 64 << 10];
        for _ in 0..15 << 4 {
            let _ = stream.write_all(&piece);
        }
        std::thread::sleep(Duration::from_secs(4));
    });
    let load = |name: &str, target: String, steps: &str, users: u64| {
        format!(
            "  target {name} = {target}\n  flow f_{name} on {name} {{\n{steps}    think 3s\n  }}\n  load l_{name} of f_{name} {{\n    hold {users} users for 4s\n  }}\n"
        )
    };
    let text = format!(
        "scenario test {{\n{}{}{}}}\n",
        load("a", format!("websocket(\"ws://{pings}\")"), "    connect\n", 4),
        load("b", format!("http(\"http://{ids}\")"), "    events \"/\"\n    receive as got\n", 20),
        load("c", format!("tcp(\"{parts}\")"), "    connect\n    receive as got within 3s\n", 40),
    );
    let place = Place::new();
    place.write("test.stress", &text);
    let (ran, peak) = place.ended_with_peak(place.spawn(&["run", "test.stress", "--workers", "1"]));
    assert_eq!(outcome(&ran, "l_b", "got").1, json!({}), "{}{}", ran.out, ran.err);
    let failed = outcome(&ran, "l_c", "got").1;
    assert!(failed["too_large"].as_u64() >= Some(1), "40 times 15 MiB do not fit into 256 MiB: {failed}");
    assert!(peak < 560 << 20, "{peak}");
}

#[test]
fn a_flood_that_nobody_receives_fills_no_memory() {
    let (flood, _) = websocket(|socket| {
        let text = "x".repeat(64 << 10);
        while socket.send(Message::text(text.clone())).is_ok() {}
    });
    let events = serve(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
        let event = format!("data: {}\n\n", "x".repeat(64 << 10));
        while stream.write_all(event.as_bytes()).is_ok() {}
    });
    let endless = serve(|mut stream| while stream.write_all(&[b'x'; 64 << 10]).is_ok() {});
    let load = |name: &str, target: String, steps: &str| {
        format!(
            "  target {name} = {target}\n  flow f_{name} on {name} {{\n{steps}    think 3s\n  }}\n  load l_{name} of f_{name} {{\n    hold 10 users for 3s\n  }}\n"
        )
    };
    let text = format!(
        "scenario test {{\n{}{}{}}}\n",
        load("a", format!("websocket(\"ws://{flood}\")"), "    connect\n    receive as got\n"),
        load("b", format!("http(\"http://{events}\")"), "    events \"/\"\n    receive as got\n"),
        load("c", format!("tcp(\"{endless}\")"), "    connect\n    receive as got\n"),
    );
    let place = Place::new();
    place.write("test.stress", &text);
    let (ran, peak) = place.ended_with_peak(place.spawn(&["run", "test.stress"]));
    assert_eq!(outcome(&ran, "l_a", "got").1, json!({}), "{}{}", ran.out, ran.err);
    assert_eq!(outcome(&ran, "l_b", "got").1, json!({}), "{}{}", ran.out, ran.err);
    let (samples, failed) = outcome(&ran, "l_c", "got");
    assert!(samples >= 10 && failed["too_large"].as_u64() >= Some(1), "{failed}\n{}{}", ran.out, ran.err);
    // 30 connections: 1 MiB is held of each of twenty, and at most 16 MiB of a message that never ends.
    assert!(peak < 500 << 20, "{peak}");
}
