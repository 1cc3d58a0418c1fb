//! What a hostile server can do: each answer ends in a counted failure of its kind, or in the success that HTTP makes
//! of it, in bounded memory.

use crate::support::{Place, Ran, Server};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;

/// What a server does to who asked; then it closes, unless it says that it goes on.
type Answer = fn(&mut TcpStream) -> bool;

struct Case {
    name: &'static str,
    /// What the step says beside its timeout.
    says: &'static str,
    timeout: &'static str,
    answer: Answer,
    /// The kind of failure, or none.
    ends: Option<&'static str>,
}

/// A step that reads nothing of the body.
const fn case(name: &'static str, ends: Option<&'static str>, answer: Answer) -> Case {
    Case { name, says: "", timeout: "5s", answer, ends }
}

/// A step that reads the body.
const fn read(name: &'static str, ends: Option<&'static str>, answer: Answer) -> Case {
    Case { says: "expect text != \"secret\"", ..case(name, ends, answer) }
}

/// A step that its timeout must end.
const fn cut(name: &'static str, answer: Answer) -> Case {
    Case { timeout: "400ms", ..case(name, Some("timeout"), answer) }
}

fn say(stream: &mut TcpStream, text: &[u8]) -> bool {
    stream.write_all(text).is_ok()
}

fn last(stream: &mut TcpStream, text: &[u8]) -> bool {
    say(stream, text);
    false
}

/// Over and over, until the other side has enough.
fn pour(stream: &mut TcpStream, head: &[u8], piece: &[u8]) -> bool {
    let pieces = piece.repeat((64 * 1024 / piece.len()).max(1));
    if say(stream, head) {
        while say(stream, &pieces) {}
    }
    false
}

fn drip(stream: &mut TcpStream, text: &[u8]) -> bool {
    text.iter().all(|byte| {
        std::thread::sleep(Duration::from_millis(100));
        say(stream, &[*byte])
    })
}

/// Until the client has gone.
fn wait(stream: &mut TcpStream) -> bool {
    let _ = stream.read(&mut [0]);
    false
}

/// Serves every request by the case of its path.
fn serve(cases: &'static [Case]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let _ = stream.set_nodelay(true);
                let mut lines = BufReader::new(stream.try_clone().unwrap());
                loop {
                    let mut head = String::new();
                    while !head.ends_with("\r\n\r\n") {
                        if !lines.read_line(&mut head).is_ok_and(|n| n > 0) {
                            return;
                        }
                    }
                    let asked = head.split_whitespace().nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
                    let case = cases.iter().find(|case| case.name == asked).unwrap_or_else(|| panic!("{asked}"));
                    if !(case.answer)(&mut stream) {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// One user asks for each case once; gives what became of them, and the most memory that it took, in bytes.
fn run(cases: &'static [Case]) -> (Ran, u64) {
    let steps: String = cases
        .iter()
        .map(|Case { name, says, timeout, .. }| {
            format!(
                "    get \"/{name}\" as {name} {{\n      timeout: {timeout}\n      {says}\n      continue\n    }}\n"
            )
        })
        .collect();
    let place = Place::new();
    let text = format!(
        "scenario test {{\n  target api = http(\"http://{}\")\n  flow ask on api {{\n{steps}  }}\n  load main of ask {{\n    grace: 10m\n    hold 1/s for 1s\n  }}\n  expect {{\n    count(main) >= 1\n  }}\n}}\n",
        serve(cases)
    );
    place.write("test.stress", &text);
    let child = place.spawn(&["run", "test.stress", "--no-progress"]);
    let (ran, peak) = place.ended_with_peak(child);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    let windows = ran.result["windows"].as_array().unwrap_or_else(|| panic!("{}{}", ran.out, ran.err));
    // A step that was due behind the load stands in the window behind it.
    let row = |index: usize| {
        let rows = windows.iter().map(|window| &window["steps"][index]);
        rows.max_by_key(|row| row["samples"].as_u64()).unwrap()
    };
    for (index, case) in cases.iter().enumerate() {
        let step = row(index);
        let expected = match case.ends {
            Some(kind) => serde_json::json!({ kind: 1 }),
            None => serde_json::json!({}),
        };
        assert_eq!((step["samples"].as_u64(), &step["failed"]), (Some(1), &expected), "{}: {}", case.name, step);
    }
    assert_eq!(windows[0]["steps"].as_array().map(Vec::len), Some(cases.len()));
    (ran, peak)
}

const HEADS: &[Case] = &[
    case("garbage", Some("protocol"), |s| say(s, b"\x00\x01\x02 SSH-2.0-nobody\r\n\xff\xfe")),
    case("another_protocol", Some("protocol"), |s| say(s, b"220 mail.example ESMTP\r\n")),
    case("nothing", Some("closed"), |_| false),
    case("half_a_head", Some("closed"), |s| last(s, b"HTTP/1.1 200 OK\r\nContent-Le")),
    case("half_closed", Some("closed"), |s| {
        say(s, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
        let _ = s.shutdown(std::net::Shutdown::Write);
        wait(s)
    }),
    case("reset", Some("reset"), |s| {
        say(s, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
        std::thread::sleep(Duration::from_millis(50));
        // Closed without lingering, which resets the connection.
        rustix::net::sockopt::set_socket_linger(&*s, Some(Duration::ZERO)).is_err()
    }),
    case("endless_head", Some("protocol"), |s| pour(s, b"HTTP/1.1 200 OK\r\n", b"X: y\r\n")),
    case("endless_line", Some("protocol"), |s| pour(s, b"HTTP/1.1 200 OK\r\nX: ", b"y")),
    case("endless_blanks", Some("protocol"), |s| pour(s, b"", b"\r\n")),
    case("endless_reason", Some("protocol"), |s| pour(s, b"HTTP/1.1 200 ", b"O")),
    case("endless_interim", Some("protocol"), |s| pour(s, b"", b"HTTP/1.1 100 Continue\r\n\r\n")),
    case("hints", None, |s| say(s, &[&b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(20), OK].concat())),
    case("upgrade", Some("protocol"), |s| say(s, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n")),
    Case {
        says: "headers: { \"Upgrade\": \"chat\", \"Connection\": \"upgrade\" }",
        ..case("asked_upgrade", None, |s| last(s, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\n\r\nchatter"))
    },
    case("negative", Some("protocol"), |s| say(s, b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n")),
    case("beyond_numbers", Some("protocol"), |s| {
        say(s, b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n")
    }),
    case("two_lengths", Some("protocol"), |s| {
        say(s, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc")
    }),
    case("smuggled", Some("protocol"), |s| {
        say(s, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    }),
    case("twice_chunked", Some("protocol"), |s| {
        say(s, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n")
    }),
    case("folded", Some("protocol"), |s| say(s, b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n")),
    case("nul", Some("protocol"), |s| say(s, b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n")),
    case("no_such_status", Some("protocol"), |s| say(s, b"HTTP/1.1 42 Answer\r\nContent-Length: 0\r\n\r\n")),
    case("last", None, |s| say(s, OK)),
];

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const LONG: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5368709120\r\n\r\n";
const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

const BODIES: &[Case] = &[
    case("half_a_body", Some("closed"), |s| last(s, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")),
    case("half_a_chunk", Some("closed"), |s| last(s, &[CHUNKED, b"5\r\nhal"].concat())),
    case("half_a_size", Some("closed"), |s| last(s, &[CHUNKED, b"5\r\nhello\r\n1"].concat())),
    case("no_last_chunk", Some("closed"), |s| last(s, &[CHUNKED, b"5\r\nhello\r\n"].concat())),
    case("no_size", Some("protocol"), |s| say(s, &[CHUNKED, b"five\r\nhello\r\n"].concat())),
    case("size_beyond_numbers", Some("protocol"), |s| say(s, &[CHUNKED, b"10000000000000000\r\n"].concat())),
    case("endless_size", Some("protocol"), |s| pour(s, CHUNKED, b"0")),
    case("endless_extension", Some("protocol"), |s| pour(s, CHUNKED, b"1;x")),
    case("endless_trailers", Some("protocol"), |s| pour(s, &[CHUNKED, b"0\r\n"].concat(), b"X: y\r\n")),
    // Nobody asked for the second; the next request must not get it.
    case("two_answers", None, |s| say(s, &[OK, b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno"].concat())),
    Case { says: "expect text == \"ok\"", ..case("after_two", None, |s| say(s, OK)) },
    case("answer_with_a_tail", None, |s| say(s, &[OK, b"tail"].concat())),
    Case { says: "expect text == \"ok\"", ..case("after_a_tail", None, |s| say(s, OK)) },
    cut("slow_head", |s| drip(s, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")),
    cut("slow_body", |s| say(s, b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n") && drip(s, &[b'x'; 20])),
    cut("slow_chunks", |s| say(s, CHUNKED) && drip(s, &b"1\r\nx\r\n".repeat(9))),
    cut("silent", wait),
];

#[test]
fn heads_of_all_kinds() {
    let (ran, peak) = run(HEADS);
    assert!(peak < 100 * MIB, "{} MiB {}", peak / MIB, ran.err);
}

#[test]
fn bodies_of_all_kinds() {
    let began = Instant::now();
    let (ran, peak) = run(BODIES);
    assert!(peak < 100 * MIB, "{} MiB {}", peak / MIB, ran.err);
    assert!(began.elapsed() < Duration::from_secs(30), "something waited for nothing: {:?}", began.elapsed());
}

const FLOODS: &[Case] = &[
    cut("five_gigabytes", |s| pour(s, LONG, b"x")),
    cut("endless_chunks", |s| pour(s, CHUNKED, b"1\r\nx\r\n")),
    cut("endless_body", |s| pour(s, b"HTTP/1.1 200 OK\r\n\r\n", b"x")),
    Case {
        timeout: "30s",
        ..case("a_large_one", None, |s| {
            say(s, b"HTTP/1.1 200 OK\r\nContent-Length: 268435456\r\n\r\n")
                && (0..4096).all(|_| say(s, &[b'x'; 64 * 1024]))
        })
    },
    // A step that reads it could hold no more than the limit: refused by its announcement.
    read("five_gigabytes_read", Some("too_large"), |s| pour(s, LONG, b"x")),
];

/// Bodies that nobody reads are counted as they pass, whatever their length.
#[test]
fn floods_pass_by() {
    let (ran, peak) = run(FLOODS);
    assert!(peak < 100 * MIB, "{} MiB {}", peak / MIB, ran.err);
}

const KEPT: &[Case] = &[
    Case { timeout: "60s", ..read("endless_chunks", Some("too_large"), |s| pour(s, CHUNKED, CHUNK)) },
    Case { timeout: "60s", ..read("endless_body", Some("too_large"), |s| pour(s, b"HTTP/1.1 200 OK\r\n\r\n", b"x")) },
    Case { timeout: "60s", ..read("bomb", Some("too_large"), |s| compressed(s, 65, 1)) },
    Case { timeout: "60s", ..read("bomb_in_a_bomb", Some("too_large"), |s| compressed(s, 1024, 2)) },
    // Nobody looks into it.
    case("bomb_unread", None, |s| compressed(s, 65, 1)),
    read("unknown_coding", Some("protocol"), |s| {
        say(s, b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: 2\r\n\r\nok")
    }),
    case("unknown_coding_unread", None, |s| {
        say(s, b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: 2\r\n\r\nok")
    }),
    Case {
        says: "expect size == 4MiB and wire_size > 1kB and wire_size < 1MiB",
        ..case("sizes_compressed", None, |s| compressed(s, 4, 1))
    },
    Case {
        says: "expect wire_size == 5B and size == wire_size",
        ..case("sizes_in_chunks", None, |s| {
            say(s, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")
        })
    },
    Case { says: "expect wire_size == 65MiB", ..case("size_unread", None, |s| long(s, 65)) },
    Case {
        says: "expect json(\"$.id\") == 7",
        ..case("compressed", None, |s| {
            let body = gzip(&mut &b"{\"id\":7}"[..]);
            say(s, b"HTTP/1.1 200 OK\r\nContent-Encoding: GZip\r\nContent-Length: ")
                && say(s, format!("{}\r\n\r\n", body.len()).as_bytes())
                && say(s, &body)
        })
    },
];

/// 4096 bytes in a chunk.
const CHUNK: &[u8] = &{
    let mut chunk = [b'x'; 4104];
    [chunk[0], chunk[1], chunk[2], chunk[3], chunk[4], chunk[5]] = *b"1000\r\n";
    [chunk[4102], chunk[4103]] = *b"\r\n";
    chunk
};

fn gzip(from: &mut dyn Read) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::copy(from, &mut encoder).unwrap();
    encoder.finish().unwrap()
}

/// So many MiB of zeros as they are.
fn long(stream: &mut TcpStream, mib: u64) -> bool {
    let zeros = vec![0; MIB as usize];
    say(stream, format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", mib * MIB).as_bytes())
        && (0..mib).all(|_| say(stream, &zeros))
}

/// So many MiB of zeros, compressed so many times.
fn compressed(stream: &mut TcpStream, mib: u64, times: usize) -> bool {
    let mut body = gzip(&mut std::io::repeat(0).take(mib * MIB));
    (1..times).for_each(|_| body = gzip(&mut &body[..]));
    let codings = vec!["gzip"; times].join(", ");
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {codings}\r\nContent-Length: {length}\r\n\r\n");
    say(stream, head.as_bytes()) && say(stream, &body)
}

/// What a step reads is kept up to its limit, as it came and decoded, and no further.
#[test]
fn what_is_kept_is_bounded() {
    let (ran, peak) = run(KEPT);
    assert!(peak < 320 * MIB, "{} MiB {}", peak / MIB, ran.err);
}

/// A page of this body, as a step reads it.
fn page(stream: &mut TcpStream, body: &str) -> bool {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    say(stream, head.as_bytes()) && say(stream, body.as_bytes())
}

const fn looks(name: &'static str, says: &'static str, ends: Option<&'static str>, answer: Answer) -> Case {
    Case { says, timeout: "600s", ..case(name, ends, answer) }
}

const LOOKED_INTO: &[Case] = &[
    looks("deep_page", "expect css(\"h1\") == null", Some("too_large"), |s| page(s, &"<b>".repeat(5 << 20))),
    looks("growing_page", "expect css(\"h1\") == null", Some("too_large"), |s| {
        let open: String = (0..400).map(|number| format!("<b i={number}>")).collect();
        page(s, &format!("<p>{open}</p>{}", "<p>x</p>".repeat(50_000)))
    }),
    looks("wide_tag", "expect css(\"h1\") == null", Some("too_large"), |s| {
        page(s, &format!("<p {}", "a/".repeat(1 << 20)))
    }),
    looks("long_page", "expect css(\"h1\") == null", Some("too_large"), |s| page(s, &"x".repeat(17 << 20))),
    // What takes 39 MB takes 2.9 GB as a document.
    looks("numbers", "expect json(\"$[-1]\") == 0", Some("too_large"), |s| {
        page(s, &format!("[{}0]", "0,".repeat(19 << 20)))
    }),
    looks("lists", "expect json(\"$[?@.a]\").count == 0", Some("too_large"), |s| {
        page(s, &format!("[{}0]", "[0],".repeat(9 << 20)))
    }),
    looks("objects", "expect json(\"$\") != null", Some("too_large"), |s| {
        page(s, &format!("[{}0]", "{\"a\":0},".repeat(4 << 20)))
    }),
    looks("one_of_many", "expect json(\"$[9000000]\") == 0", None, |s| {
        page(s, &format!("[{}0]", "0,".repeat(19 << 20)))
    }),
    looks("last", "expect text == \"ok\"", None, |s| say(s, OK)),
];

/// What grows when it is looked into is not, beyond bounds: neither the worker's time nor its memory are a server's.
#[test]
fn what_is_looked_into_is_bounded() {
    let (ran, peak) = run(LOOKED_INTO);
    assert!(peak < 600 * MIB, "{} MiB {}", peak / MIB, ran.err);
    for why in
        ["nested deeper than 512", "more than 2048 attributes", "longer than the 16 MiB", "more than 256 MiB of memory"]
    {
        assert!(ran.out.contains(why), "{why}: {}", ran.out);
    }
}

/// A run that may open no more than so many files.
fn limited(limit: &str, stages: &str) -> Ran {
    let server = Server::start(Duration::from_millis(20));
    let place = Place::new();
    place.write("test.stress", &server.scenario(stages, "    error_rate(main) < 1%"));
    let shell = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
    let mut command = std::process::Command::new("sh");
    command.args([
        "-c",
        &shell,
        env!("CARGO_BIN_EXE_stressc"),
        "run",
        "test.stress",
        "--no-progress",
        "--workers",
        "1",
    ]);
    command.env("XDG_STATE_HOME", place.path().join(".state"));
    place.ended(command.current_dir(place.path()).output().unwrap())
}

#[test]
fn no_descriptors_are_left() {
    for stages in ["    hold 25 users for 1s", "    max_in_flight: 60\n    hold 1000/s for 1s"] {
        let began = Instant::now();
        let ran = limited("30", stages);
        let step = &ran.result["windows"][0]["steps"][0];
        assert!(step["failed"]["no_descriptors"].as_u64() > Some(0), "{}{}", ran.out, ran.err);
        assert_eq!(step["failed"].as_object().unwrap().len(), 1, "{step}");
        // Those that got a connection go on meanwhile: about 10 at 50 a second each.
        assert!(step["samples"].as_u64() > Some(50), "{step}");
        assert_eq!((ran.code, &ran.result["trust"]["state"]), (5, &serde_json::json!("untrusted")), "{}", ran.out);
        assert!(ran.out.contains("failed for want of ports, descriptors or memory of the generator"), "{}", ran.out);
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}

#[test]
fn users_who_cannot_have_a_descriptor_each_are_not_started() {
    let ran = limited("30", "    hold 40 users for 1s");
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("is sure to fail"), "{}", ran.err);
}

#[test]
fn without_descriptors_nothing_is_started() {
    let ran = limited("10", "    hold 1/s for 1s");
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("may have 10 open; raise the limit (`ulimit -n`)"), "{}", ran.err);
}
