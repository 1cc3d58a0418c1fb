//! A Prometheus and an Alertmanager of a test, which its scenario starts, and a server with one metric for them to look at.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Whether both are here; otherwise the test is left out.
pub fn is_here() -> bool {
    let found = super::program(&["prometheus"]).is_some()
        && super::program(&["alertmanager", "prometheus-alertmanager"]).is_some();
    if !found {
        super::left_out::left_out("Prometheus is missing (apt-get install prometheus prometheus-alertmanager)");
    }
    found
}

/// Says `db_up` 0 or 1 on `/metrics`, by the time since it got the first request for something else.
pub struct Metric {
    pub address: SocketAddr,
}

impl Metric {
    /// Up at first; down in these ranges of milliseconds.
    pub fn start(down: &'static [(u64, u64)]) -> Metric {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let began = Arc::<Mutex<Option<Instant>>>::default();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let began = began.clone();
                std::thread::spawn(move || serve(stream, &began, down));
            }
        });
        Metric { address }
    }
}

fn serve(stream: TcpStream, began: &Mutex<Option<Instant>>, down: &[(u64, u64)]) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut lines = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    let (mut line, mut request) = (String::new(), String::new());
    while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
        if request.is_empty() {
            request.clone_from(&line);
        }
        if line == "\r\n" {
            let body = match request.starts_with("GET /metrics ") {
                true => {
                    let passed = began.lock().unwrap().map_or(Duration::ZERO, |began| began.elapsed());
                    let passed = passed.as_millis() as u64;
                    let is_down = down.iter().any(|(from, to)| (*from..*to).contains(&passed));
                    format!("# TYPE db_up gauge\ndb_up {}\n", u8::from(!is_down))
                }
                false => {
                    began.lock().unwrap().get_or_insert_with(Instant::now);
                    "{}".to_owned()
                }
            };
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n";
            stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).ok()?;
            request.clear();
        }
        line.clear();
    }
    Some(())
}
