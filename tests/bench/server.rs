//! What the rows of `tests/bench/run` ask: a small HTTP/1.1 server of one thread that notes when each request arrived.
//!
//! | path | answer |
//! | --- | --- |
//! | `/delay?ms=N` | after N milliseconds |
//! | `/stall` | at once, but held while the time since `/ctl/reset` is in [4.5s, 5.5s) of each 10s |
//! | `/items`, `/items/…`, `/orders` | JSON |
//! | `/ctl/reset` | forgets arrivals, and begins to note them |
//! | `/ctl/arrivals` | nanoseconds from the reset to each arrival, one a line |
//! | `/ctl/count` | how many requests there were that did not begin with `/ctl/` |
//! | anything else | `ok` |

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench talks to a person")]

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Arrivals that are kept at most.
const KEPT: usize = 8_000_000;
const PERIOD: Duration = Duration::from_secs(10);
const HELD: (Duration, Duration) = (Duration::from_millis(4_500), Duration::from_millis(5_500));

struct State {
    reset: Cell<Instant>,
    noting: Cell<bool>,
    count: Cell<u64>,
    arrivals: RefCell<Vec<u64>>,
}

fn main() {
    let Some(address) = std::env::args().nth(1).filter(|argument| !argument.starts_with('-')) else {
        println!("this is the server of tests/bench/run, which starts it with an address");
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let state = Rc::new(State {
        reset: Cell::new(Instant::now()),
        noting: Cell::new(false),
        count: Cell::new(0),
        arrivals: RefCell::default(),
    });
    tokio::task::LocalSet::new().block_on(&runtime, async move {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address.parse().unwrap()).unwrap();
        let listener = socket.listen(16_384).unwrap();
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let state = state.clone();
                    tokio::task::spawn_local(async move { drop(serve(stream, &state).await) });
                }
                // No descriptors for the moment.
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    });
}

async fn serve(mut stream: TcpStream, state: &State) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut buffer, mut filled) = (vec![0u8; 4096], 0);
    loop {
        let Some((head, length)) = request(&buffer[..filled]) else {
            if filled == buffer.len() {
                buffer.resize(2 * filled, 0);
            }
            match stream.read(&mut buffer[filled..]).await? {
                0 => return Ok(()),
                more => filled += more,
            }
            continue;
        };
        let path = path(&buffer[..head]);
        let answer = match path.strip_prefix("/ctl/") {
            Some(order) => control(order, state),
            None => answer(path, state).await,
        };
        stream.write_all(&answer).await?;
        buffer.copy_within(length..filled, 0);
        filled -= length;
    }
}

/// The length of the head of a request and of all of it, once it is whole.
fn request(bytes: &[u8]) -> Option<(usize, usize)> {
    let head = bytes.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let lines = bytes[..head].split(|byte| *byte == b'\n');
    let body = lines.filter_map(|line| std::str::from_utf8(line).ok()?.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok()).flatten()
    });
    let length = head + body.unwrap_or(0);
    (bytes.len() >= length).then_some((head, length))
}

fn path(head: &[u8]) -> &str {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    std::str::from_utf8(line).ok().and_then(|line| line.split(' ').nth(1)).unwrap_or("/")
}

fn control(order: &str, state: &State) -> Vec<u8> {
    let mut text = String::new();
    match order {
        "reset" => {
            state.arrivals.borrow_mut().clear();
            state.reset.set(Instant::now());
            state.noting.set(true);
        }
        "arrivals" => {
            state.noting.set(false);
            state.arrivals.borrow().iter().for_each(|at| writeln!(text, "{at}").unwrap());
        }
        _ => writeln!(text, "{}", state.count.get()).unwrap(),
    }
    page("text/plain", text.as_bytes())
}

async fn answer(path: &str, state: &State) -> Vec<u8> {
    let since = state.reset.get().elapsed();
    state.count.set(state.count.get() + 1);
    if state.noting.get() && state.arrivals.borrow().len() < KEPT {
        state.arrivals.borrow_mut().push(since.as_nanos() as u64);
    }
    if let Some(ms) = path.strip_prefix("/delay?ms=") {
        tokio::time::sleep(Duration::from_millis(ms.parse().unwrap_or(0))).await;
    } else if path == "/stall" {
        let phase = Duration::from_nanos((since.as_nanos() % PERIOD.as_nanos()) as u64);
        if HELD.0 <= phase && phase < HELD.1 {
            tokio::time::sleep(HELD.1 - phase).await;
        }
    } else if path == "/items" {
        return page("application/json", br#"[{"id": "17", "price": 4}, {"id": "18", "price": 7}]"#);
    } else if path.starts_with("/items/") || path == "/orders" {
        return page("application/json", br#"{"id": "17", "price": 4}"#);
    }
    page("text/plain", b"ok")
}

fn page(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}
