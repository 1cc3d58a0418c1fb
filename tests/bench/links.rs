//! What a link costs while nothing is done to it, beside the least that a proxy can cost (`tests/bench/proxy.c`): processor
//! time for each byte of much and for each of many small messages, and how much passes. Both in alternating repetitions.
//!
//!     cargo bench --bench links
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot go on fails where it stands, and is read"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use stressc::run::proxy::Links;

const REPETITIONS: usize = 7;
const MUCH: usize = 1 << 30;
const SMALL: usize = 200;
const MESSAGES: usize = 60_000;
const CONNECTIONS: usize = 16;
/// A link may cost so many times as much.
const BAR: f64 = 1.2;

/// Its name and unit, who is measured, and what one of them is given to do: how many units of work, and how many a second.
type Row<'a> = (&'a str, &'a str, [(&'a str, Proxy); 3], &'a dyn Fn(&Proxy) -> (f64, f64));

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, kind, to, ..] = arguments.as_slice()
        && word == "serve"
    {
        return serve(kind == "http", to.parse().unwrap());
    }
    let Some(bare) = built() else {
        println!("links: no C compiler was found, so there is nothing to compare with");
        return;
    };
    let own = std::env::current_exe().unwrap();
    let (sink, echo) = (sink(), echo());
    let proxies = |to: SocketAddr| {
        let link = |kind: &str| Proxy::start(Command::new(&own).args(["serve", kind, &to.to_string()]));
        let bare = Proxy::start(Command::new(&bare).args([to.ip().to_string(), to.port().to_string()]));
        [("bare", bare), ("tcp", link("tcp")), ("http", link("http"))]
    };
    let much = |proxy: &Proxy| {
        let rate = much(proxy.address);
        (MUCH as f64, rate)
    };
    let small = |proxy: &Proxy| (MESSAGES as f64, small(proxy.address));
    let rows: [Row; 2] = [("much", "ns a KiB", proxies(sink), &much), ("small", "ns a message", proxies(echo), &small)];
    let mut met = true;
    for (row, unit, proxies, work) in &rows {
        let mut found = [const { Vec::new() }; 3];
        for repetition in 0..=REPETITIONS {
            for ((_, proxy), found) in proxies.iter().zip(&mut found) {
                let before = proxy.cpu();
                let (units, rate) = work(proxy);
                let used = (proxy.cpu() - before) as f64;
                // The first only warms up.
                if repetition > 0 {
                    found.push((used / units, rate));
                }
            }
        }
        let [bare, ..] = &found;
        let (least, fastest) = (median(bare, |one| one.0), median(bare, |one| one.1));
        for ((name, _), found) in proxies.iter().zip(&found) {
            let (cpu, rate) = (median(found, |one| one.0), median(found, |one| one.1));
            let shown = if *row == "much" { (cpu * 1024.0, rate / 1e6) } else { (cpu, rate) };
            println!(
                "{row:<6} {name:<5} {:>9.1} {unit:<13} {:>9.0} {}  cpu {:.2}x  rate {:.2}x",
                shown.0,
                shown.1,
                if *row == "much" { "MB/s" } else { "/s" },
                cpu / least,
                rate / fastest
            );
            met &= *name != "tcp" || (cpu <= BAR * least && rate * BAR >= fastest);
        }
    }
    println!(
        "bar: a link of bytes costs at most {BAR} times as much and passes as much: {}",
        if met { "met" } else { "NOT MET" }
    );
}

fn median(found: &[(f64, f64)], of: fn(&(f64, f64)) -> f64) -> f64 {
    let mut all: Vec<f64> = found.iter().map(of).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// A link by itself in a process, so that its cost can be told.
fn serve(http: bool, to: SocketAddr) {
    let links = Links::start(&[http], 1).unwrap();
    links.lead(0, vec![to]);
    println!("{}", links.addresses()[0].port());
    let _ = std::io::stdin().read(&mut [0]);
}

fn built() -> Option<std::path::PathBuf> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = root.join("target/bench-proxy");
    let status =
        Command::new("cc").args(["-O2", "-o"]).arg(&out).arg(root.join("tests/bench/proxy.c")).status().ok()?;
    status.success().then_some(out)
}

struct Proxy {
    child: Child,
    address: SocketAddr,
}

impl Proxy {
    fn start(command: &mut Command) -> Proxy {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], line.trim().parse().unwrap()));
        Proxy { child, address }
    }

    /// Nanoseconds that all its threads have run.
    fn cpu(&self) -> u64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let ran = |task: std::fs::DirEntry| {
            let text = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            text.split(' ').next().and_then(|ran| ran.parse::<u64>().ok()).unwrap_or(0)
        };
        tasks.flatten().map(ran).sum()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Takes all that comes and answers a byte at the end.
fn sink() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut buffer = vec![0; 1 << 20];
                while stream.read(&mut buffer).is_ok_and(|read| read > 0) {}
                let _ = stream.write_all(b"x");
            });
        }
    });
    address
}

/// Bytes a second of one stream.
fn much(to: SocketAddr) -> f64 {
    let mut stream = TcpStream::connect(to).unwrap();
    let block = vec![7; 1 << 20];
    let begun = Instant::now();
    (0..MUCH / block.len()).for_each(|_| stream.write_all(&block).unwrap());
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    stream.read_exact(&mut [0]).unwrap();
    MUCH as f64 / begun.elapsed().as_secs_f64()
}

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 160\r\n\r\n";
const HEAD: &[u8] = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: ";

/// Answers each request of one length with an answer of one length.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.set_nodelay(true);
            std::thread::spawn(move || {
                let mut buffer = [0; SMALL];
                let mut answer = ANSWER.to_vec();
                answer.resize(answer.len() + 160, b'a');
                while stream.read_exact(&mut buffer).is_ok() && stream.write_all(&answer).is_ok() {}
            });
        }
    });
    address
}

/// Messages a second, each answered before the next on its connection.
fn small(to: SocketAddr) -> f64 {
    let mut request = HEAD.to_vec();
    let rest = SMALL - HEAD.len() - 7;
    request.extend(format!("{rest:>3}\r\n\r\n").bytes());
    request.resize(SMALL, b'b');
    let begun = Instant::now();
    let threads: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let request = request.clone();
            std::thread::spawn(move || {
                let mut stream = TcpStream::connect(to).unwrap();
                stream.set_nodelay(true).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                let mut answer = vec![0; ANSWER.len() + 160];
                for _ in 0..MESSAGES / CONNECTIONS {
                    stream.write_all(&request).unwrap();
                    stream.read_exact(&mut answer).unwrap();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    MESSAGES as f64 / begun.elapsed().as_secs_f64()
}
