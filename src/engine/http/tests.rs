//! Exchanges against servers that say exactly what a test wants.

mod coding;
mod robust;

use crate::engine::stream::{Broken, Opening, Route};
use crate::wire::http1::{Answer, Failure};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::*;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: t\r\n\r\n";
/// A deadline that no test reaches.
const LONG: u64 = 5_000_000_000;
const KEEP: Ask = Ask {
    head_only: false,
    keep_body: true,
    keep_headers: true,
    look: false,
    note_cookies: true,
    note_redirects: true,
};

struct Clock(Instant);

impl Now for Clock {
    fn now(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

/// Serves one connection with `serve` in a thread of its own.
fn server(serve: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        serve(stream);
    });
    address
}

fn read_request(stream: &mut TcpStream) -> bool {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => seen.push(byte[0]),
            _ => return false,
        }
    }
    true
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

async fn opened(address: SocketAddr) -> Result<Connection, Broken> {
    Connection::open(Route::plain(&address.into()), Duration::from_secs(5), &mut Opening::default()).await
}

async fn once(connection: &mut Connection, ask: Ask, timeout: u64) -> (Result<(), Failure>, Answer) {
    let mut answer = Answer::default();
    let (scratch, clock) = (Scratch::new(), Clock(Instant::now()));
    let times = (clock.now(), timeout * 1_000_000);
    let result = connection.exchange(&[REQUEST], ask, &scratch, &clock, times, &mut answer).await;
    (result, answer)
}

/// One exchange with a server that answers with `pieces`, then waits (`hold`) or closes.
fn answered(pieces: Vec<Vec<u8>>, hold: bool, ask: Ask) -> (Result<(), Failure>, Answer) {
    let address = server(move |mut stream| {
        read_request(&mut stream);
        let many = pieces.len() > 1;
        for piece in pieces {
            if stream.write_all(&piece).is_err() {
                return;
            }
            if many {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        if hold {
            read_request(&mut stream);
        }
    });
    run(async {
        let mut connection = opened(address).await.unwrap();
        assert!(!connection.is_reused());
        let outcome = once(&mut connection, ask, 5000).await;
        assert_eq!(connection.is_reused(), outcome.0.is_ok());
        outcome
    })
}

fn good(text: &[u8], hold: bool, ask: Ask) -> Answer {
    let (result, answer) = answered(vec![text.to_vec()], hold, ask);
    assert_eq!(result, Ok(()), "{}", String::from_utf8_lossy(text));
    assert!(answer.sent <= answer.first_byte && answer.first_byte <= answer.end);
    answer
}

fn bad(text: &[u8]) -> Failure {
    answered(vec![text.to_vec()], false, KEEP).0.unwrap_err()
}

/// Feeds the decoder directly: every way to split an answer in two without a socket each.
fn decode(pieces: &[&[u8]]) -> Result<(bool, Answer), Failure> {
    let (scratch, mut answer, mut stash, mut body) = (Scratch::new(), Answer::default(), Vec::new(), None);
    let mut complete = false;
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        assert!(!complete, "complete before its end");
        complete = reply::take(piece, &mut stash, &mut body, KEEP, &scratch, &mut answer)?;
    }
    Ok((complete, answer))
}

const PLAIN: &[u8] = b"HTTP/1.1 200 OK\r\nX-Id:  seven \r\nContent-Length: 5\r\n\r\nhello";
const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
    5;a=\"b\"\r\nhello\r\n00A ; x\r\nwide world\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n";

/// An interim answer is none yet (RFC 9110, 15.2), also where it comes in two parts, or with the start of the one that counts.
#[test]
fn the_first_byte_is_that_of_the_final_answer() {
    const HINTS: &[u8] = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
    const LATER: Duration = Duration::from_millis(200);
    for (at_once, behind) in [(HINTS, PLAIN.to_vec()), (&HINTS[..20], [&HINTS[20..], PLAIN].concat())] {
        let address = server(move |mut stream| {
            read_request(&mut stream);
            stream.write_all(at_once).unwrap();
            std::thread::sleep(LATER);
            let _ = stream.write_all(&behind);
            read_request(&mut stream);
        });
        run(async {
            let mut connection = opened(address).await.unwrap();
            let (result, answer) = once(&mut connection, KEEP, 5000).await;
            assert_eq!((result, answer.status), (Ok(()), 200));
            assert!(answer.first_byte - answer.sent >= LATER.as_nanos() as u64 / 2, "{answer:?}");
        });
    }
    // With the start of the one that counts, whose rest comes later.
    let address = server(move |mut stream| {
        read_request(&mut stream);
        stream.write_all(&[HINTS, &PLAIN[..10]].concat()).unwrap();
        std::thread::sleep(LATER);
        let _ = stream.write_all(&PLAIN[10..]);
        read_request(&mut stream);
    });
    run(async {
        let mut connection = opened(address).await.unwrap();
        let (result, answer) = once(&mut connection, KEEP, 5000).await;
        assert_eq!(result, Ok(()));
        assert!(answer.sent <= answer.first_byte && answer.first_byte < answer.end, "{answer:?}");
    });
}

#[test]
fn plain() {
    let answer = good(PLAIN, true, KEEP);
    assert_eq!((answer.status, &answer.body[..], answer.body_bytes, answer.keep_alive), (200, &b"hello"[..], 5, true));
    assert_eq!(answer.header("x-ID"), Some("seven"));
    assert_eq!(answer.header("missing"), None);
    let answer = good(PLAIN, true, Ask::default());
    assert!(answer.body.is_empty() && answer.headers.is_empty());
    assert_eq!(answer.body_bytes, 5);
}

#[test]
fn single_bytes() {
    for text in [PLAIN, CHUNKED] {
        let pieces = text.iter().map(|byte| vec![*byte]).collect();
        let (result, answer) = answered(pieces, true, KEEP);
        assert_eq!(result, Ok(()));
        assert!(answer.body.starts_with(b"hello") && answer.keep_alive);
        assert!(answer.first_byte < answer.end);
    }
}

#[test]
fn split_everywhere() {
    let interim = [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: a\r\n\r\n", PLAIN].concat();
    for (text, body) in [(PLAIN, &b"hello"[..]), (CHUNKED, b"hellowide world"), (&interim, b"hello")] {
        for first in 0..text.len() {
            for second in first..text.len() {
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                let (complete, answer) = decode(&pieces).unwrap();
                assert!(complete && answer.keep_alive, "{first} {second}");
                assert_eq!(answer.body, body);
            }
        }
    }
}

#[test]
fn bodiless() {
    let head_only = Ask { head_only: true, ..KEEP };
    for text in [&b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\n\r\n"] {
        let answer = good(text, true, head_only);
        assert_eq!((answer.body_bytes, answer.keep_alive), (0, true));
    }
    for text in [&b"HTTP/1.1 204 No Content\r\n\r\n"[..], b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"] {
        let answer = good(text, true, KEEP);
        assert_eq!((answer.body_bytes, answer.keep_alive), (0, true));
    }
}

#[test]
fn until_the_stream_ends() {
    let answer = good(b"HTTP/1.1 200 OK\r\n\r\nall of it", false, KEEP);
    assert_eq!((&answer.body[..], answer.keep_alive), (&b"all of it"[..], false));
    let text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nxyz";
    let answer = good(text, false, Ask::default());
    assert_eq!((answer.body_bytes, answer.keep_alive), (3, false));
    assert_eq!(bad(text), Failure::Protocol, "what a step reads must be decoded, and this cannot be");
}

#[test]
fn interim_answers() {
    let text = [&b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n".repeat(100), PLAIN].concat();
    let answer = good(&text, true, KEEP);
    assert_eq!((answer.status, &answer.body[..], answer.header("x")), (200, &b"hello"[..], None));
}

#[test]
fn who_keeps_the_connection() {
    for (head, kept) in [
        ("HTTP/1.1 200 OK\r\nConnection: close\r\n", false),
        ("HTTP/1.1 200 OK\r\nCONNECTION: x, Close\r\n", false),
        ("HTTP/1.0 200 OK\r\n", false),
        ("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n", true),
        ("HTTP/1.1 200\r\nContent-Length: 0, 0\r\n", true),
    ] {
        let text = format!("{head}Content-Length: 0\r\n\r\n");
        assert_eq!(decode(&[text.as_bytes()]).unwrap().1.keep_alive, kept, "{head}");
    }
    assert!(!good(&[PLAIN, b"xy"].concat(), true, KEEP).keep_alive);
}

#[test]
fn protocol_violations() {
    let many: String = (0..129).map(|index| format!("X-{index}: 1\r\n")).collect();
    let long = format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(70_000));
    for text in [
        "SSH-2.0-OpenSSH_9\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        &long,
        &format!("{long}\r\n\r\n"),
        &format!("HTTP/1.1 200 OK\r\n{many}\r\n"),
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        &"HTTP/1.1 100 Continue\r\n\r\n".repeat(5000),
    ] {
        assert_eq!(bad(text.as_bytes()), Failure::Protocol, "{text:.60}");
    }
    assert_eq!(bad(b"HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n"), Failure::TooLarge);
    let trailers = format!("0\r\n{}", "A: b\r\n".repeat(20_000));
    let extension = format!("1;{}\r\n", "x".repeat(5000));
    for chunks in [
        "g\r\n",
        "\r\n",
        ";a\r\n",
        "1\nx",
        "1\r\nxy",
        "1 1\r\n",
        "1\r\nx\r\r",
        "-1\r\n",
        "fffffffffffffffff\r\n",
        "0\r\n\n",
        "0\r\n\rx",
        "1;a\n",
        &trailers,
        &extension,
    ] {
        let text = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
        assert_eq!(decode(&[text.as_bytes()]).err(), Some(Failure::Protocol), "{chunks:.20}");
    }
}

#[test]
fn too_slow() {
    let address = server(|mut stream| {
        for byte in PLAIN {
            std::thread::sleep(Duration::from_millis(20));
            if stream.write_all(&[*byte]).is_err() {
                return;
            }
        }
    });
    run(async {
        let mut connection = opened(address).await.unwrap();
        let start = Instant::now();
        let (result, answer) = once(&mut connection, KEEP, 150).await;
        assert_eq!(result, Err(Failure::Timeout));
        assert!(answer.first_byte > 0);
        assert!((140..600).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    });
}

/// The timer armed by one exchange serves, moves for, and does not end, the later ones.
#[test]
fn deadlines_move() {
    let address = server(|mut stream| {
        for delay in [0, 60, 60, 60, 60, 1000] {
            read_request(&mut stream);
            std::thread::sleep(Duration::from_millis(delay));
            let _ = stream.write_all(PLAIN);
        }
    });
    run(async {
        let mut connection = opened(address).await.unwrap();
        for timeout in [100, 100, 5000, 100, 100] {
            let fresh = !connection.is_reused();
            let (result, answer) = once(&mut connection, KEEP, timeout).await;
            assert_eq!((result, answer.connect_time > 0), (Ok(()), fresh));
            assert!(connection.is_reused());
        }
        // From another task: its waker is not the one the timer knows.
        let local = tokio::task::LocalSet::new();
        let task = local.spawn_local(async move {
            let start = Instant::now();
            let result = once(&mut connection, KEEP, 100).await.0;
            (result, start.elapsed().as_millis())
        });
        let (result, elapsed) = local.run_until(task).await.unwrap();
        assert_eq!(result, Err(Failure::Timeout));
        assert!((90..500).contains(&elapsed), "{elapsed}");
    });
}

#[test]
fn an_endless_answer_ends_at_the_deadline() {
    let address = server(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b'x'; 32 * 1024]).is_ok() {}
    });
    run(async {
        let mut connection = opened(address).await.unwrap();
        let (result, answer) = once(&mut connection, Ask::default(), 200).await;
        assert_eq!(result, Err(Failure::Timeout));
        assert!(answer.body_bytes > 100_000 && answer.body.is_empty());
    });
}

#[test]
fn closed_early() {
    for text in [&b""[..], b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", &CHUNKED[..60]] {
        let (result, answer) = answered(vec![text.to_vec()], false, KEEP);
        assert_eq!(result, Err(Failure::Closed));
        assert_eq!(answer.first_byte == 0, text.is_empty());
    }
}

#[test]
fn closed_while_idle() {
    let address = server(|mut stream| {
        read_request(&mut stream);
        stream.write_all(PLAIN).unwrap();
    });
    run(async {
        let mut connection = opened(address).await.unwrap();
        assert_eq!(once(&mut connection, KEEP, 5000).await.0, Ok(()));
        assert!(connection.is_reused());
        while connection.is_open() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}

#[test]
fn an_early_answer_to_a_large_request() {
    let address = server(|mut stream| {
        stream.write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n").unwrap();
        std::thread::sleep(Duration::from_millis(300));
    });
    run(async {
        let mut connection = opened(address).await.unwrap();
        let (mut answer, request) = (Answer::default(), vec![b'x'; 64 << 20]);
        let (scratch, clock) = (Scratch::new(), Clock(Instant::now()));
        let result = connection.exchange(&[&request], KEEP, &scratch, &clock, (0, LONG), &mut answer).await;
        assert_eq!((result, answer.status, answer.keep_alive), (Ok(()), 413, false));
    });
}

#[test]
fn an_upgrade_that_was_asked_for() {
    let address = server(|mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\n\r\n");
    });
    run(async {
        let mut connection = opened(address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: t\r\nConnection: upgrade\r\nupgrade: chat\r\n\r\n";
        let (mut answer, scratch, clock) = (Answer::default(), Scratch::new(), Clock(Instant::now()));
        let (before, behind) = request.split_at(request.len() - 9);
        let pieces = [before, behind];
        let result = connection.exchange(&pieces, KEEP, &scratch, &clock, (0, LONG), &mut answer).await;
        assert_eq!((result, answer.status, answer.keep_alive), (Ok(()), 101, false));
    });
}

#[test]
fn no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let refused = run(opened(address)).err();
    let because = format!("{address}: connection refused");
    assert_eq!(refused, Some(Broken { failure: Failure::Connect, because: Some(because) }));
    let errno = |errno: rustix::io::Errno| Failure::of_connect(&errno.into());
    assert_eq!(errno(rustix::io::Errno::ADDRNOTAVAIL), Failure::NoPorts);
    assert_eq!(errno(rustix::io::Errno::MFILE), Failure::NoDescriptors);
    assert!(errno(rustix::io::Errno::NOBUFS).is_generator() && !Failure::Reset.is_generator());
    assert_eq!(serde_json::to_string(&Failure::NoPorts).unwrap(), format!("\"{}\"", Failure::NoPorts.as_str()));
}
