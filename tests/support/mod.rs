//! A command-line call with its result, in a directory of its own.

pub mod browser;
pub mod compile;
pub mod day;
pub mod evil;
pub mod left_out;
pub mod machine;
pub mod monitoring;
pub mod nginx;
pub mod postgres;
pub mod said;

use said::Said;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

pub struct Place {
    directory: tempfile::TempDir,
}

pub struct Ran {
    pub code: i32,
    pub out: Said,
    pub err: String,
    /// `run.json`, where a run got that far.
    pub result: serde_json::Value,
}

impl Ran {
    /// Every expectation held. On a machine that is busy with something else the generator may still be late, and says
    /// so; that is of other tests.
    pub fn passed(&self) {
        let expectations = self.result["expectations"].as_array();
        let held = expectations.is_some_and(|all| all.iter().all(|one| one["verdict"] == "passed"));
        assert!(matches!(self.code, 0 | 5) && held, "{}{}", self.out, self.err);
    }

    /// What came of the requests of a load in all its windows, or of one step of it: how many, and how many failed by which kind.
    pub fn outcome(&self, load: &str, step: Option<&str>) -> (u64, serde_json::Value) {
        let windows = self.result["windows"].as_array().unwrap_or_else(|| panic!("{}{}", self.out, self.err));
        let (mut samples, mut failed) = (0, serde_json::Map::new());
        let of_load = windows.iter().filter(|window| window["load"] == load);
        let steps = of_load.flat_map(|window| window["steps"].as_array().unwrap());
        for own in steps.filter(|own| step.is_none_or(|step| own["step"] == step)) {
            samples += own["samples"].as_u64().unwrap();
            for (kind, count) in own["failed"].as_object().unwrap() {
                let before = failed.get(kind).and_then(serde_json::Value::as_u64).unwrap_or(0);
                failed.insert(kind.clone(), (before + count.as_u64().unwrap()).into());
            }
        }
        (samples, failed.into())
    }
}

impl Place {
    pub fn new() -> Place {
        Place { directory: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A program of the shell.
    pub fn script(&self, name: &str, lines: &str) -> PathBuf {
        let path = self.write(name, &format!("#!/bin/sh\n{lines}\n"));
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        path
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stressc"));
        command.args(arguments).current_dir(self.path()).env_remove("NO_COLOR");
        // What other runs of this user left behind is theirs.
        command.env("XDG_STATE_HOME", self.path().join(".state"));
        command
    }

    pub fn call(&self, arguments: &[&str]) -> Ran {
        self.ended(self.command(arguments).output().unwrap())
    }

    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub fn ended(&self, output: Output) -> Ran {
        let result = self.runs().last().and_then(|run| std::fs::read(run.join("run.json")).ok());
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: Said(String::from_utf8(output.stdout).unwrap()),
            err: String::from_utf8(output.stderr).unwrap(),
            result: result.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default(),
        }
    }

    /// Waits for the end of a run. The most memory that it took, in bytes, is the kernel's own mark, so that none is missed between two looks.
    pub fn ended_with_peak(&self, mut child: Child) -> (Ran, u64) {
        let mut peak = 0;
        while child.try_wait().unwrap().is_none() {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            let mark = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = mark.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0);
            peak = peak.max(kib << 10);
            std::thread::sleep(Duration::from_millis(5));
        }
        (self.ended(child.wait_with_output().unwrap()), peak)
    }

    /// The records of all runs, oldest first.
    pub fn runs(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.path().join(".stress/runs"));
        let mut runs: Vec<PathBuf> = entries.map(|e| e.flatten().map(|e| e.path()).collect()).unwrap_or_default();
        runs.sort();
        runs
    }

    /// Writes a scenario and runs it.
    pub fn run(&self, scenario: &str, flags: &[&str]) -> Ran {
        self.write("test.stress", scenario);
        let mut arguments = vec!["run", "test.stress", "--no-progress"];
        arguments.extend(flags);
        self.call(&arguments)
    }
}

/// A program by one of its names: on the path, or where those of servers are.
pub fn program(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places =
        std::env::split_paths(&path).chain(["/usr/sbin", "/usr/libexec", "/usr/local/sbin"].map(PathBuf::from));
    let all = places.flat_map(|place| names.iter().map(move |name| place.join(name)).collect::<Vec<_>>());
    all.into_iter().find(|path| path.is_file())
}

/// Whether this user can limit no memory, so that a test which does is left out.
pub fn groups_are_missing() -> bool {
    let told = Place::new().call(&["doctor"]);
    let missing = told.out.lines().any(|line| line.contains("limit_memory") && line.contains("is refused"));
    if missing {
        left_out::left_out("this user can make no control groups");
    }
    missing
}

/// Runs a command that a test needs, and shows all that it said where it did not succeed.
pub fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{command:?}: {}\n{}{}", output.status, said[0], said[1]);
    output
}

/// For tests that take memory or room of a disk up to what was free before: one at a time.
pub fn alone() -> std::sync::MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A server that answers by the request line and how often it has seen it, and remembers all of them.
pub struct Script {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    /// Of each request all lines before its body.
    heads: Arc<Mutex<Vec<String>>>,
    /// Open now, the most at a time, and all there were.
    connections: Arc<Mutex<[usize; 3]>>,
}

impl Script {
    pub fn start(answer: fn(&str, usize) -> (u16, String)) -> Script {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let all = seen.clone();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let kept = heads.clone();
        let connections = Arc::<Mutex<[usize; 3]>>::default();
        let counted = connections.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, counted, heads) = (all.clone(), counted.clone(), kept.clone());
                std::thread::spawn(move || {
                    {
                        let mut counted = counted.lock().unwrap();
                        counted[0] += 1;
                        counted[1] = counted[1].max(counted[0]);
                        counted[2] += 1;
                    }
                    let _ = stream.set_nodelay(true);
                    let mut lines = BufReader::new(stream.try_clone().unwrap());
                    let mut stream = stream;
                    let (mut line, mut request, mut head) = (String::new(), String::new(), String::new());
                    while lines.read_line(&mut line).is_ok_and(|n| n > 0) {
                        if request.is_empty() {
                            request = line.trim().trim_end_matches(" HTTP/1.1").to_owned();
                        }
                        head.push_str(&line);
                        if line == "\r\n" {
                            heads.lock().unwrap().push(std::mem::take(&mut head));
                            let times = {
                                let mut seen = seen.lock().unwrap();
                                seen.push(request.clone());
                                seen.iter().filter(|other| **other == request).count()
                            };
                            let (status, body) = answer(&request, times);
                            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
                            if stream.write_all((head + &body).as_bytes()).is_err() {
                                break;
                            }
                            request.clear();
                        }
                        line.clear();
                    }
                    counted.lock().unwrap()[0] -= 1;
                });
            }
        });
        Script { address, seen, heads, connections }
    }

    /// How often it was asked for this.
    pub fn times(&self, request: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|other| *other == request).count()
    }

    /// The most connections at a time, and all there were.
    pub fn connections(&self) -> (usize, usize) {
        let [_, most, all] = *self.connections.lock().unwrap();
        (most, all)
    }

    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    pub fn all(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// A server that answers every request on every connection, and counts them.
pub struct Server {
    pub address: SocketAddr,
    pub requests: Arc<AtomicU64>,
    /// In nanoseconds.
    delay: Arc<AtomicU64>,
}

impl Server {
    /// `delay` is slept before each answer.
    pub fn start(delay: Duration) -> Server {
        Server::with_slots(usize::MAX, delay)
    }

    /// As many requests at a time as there are slots; the others wait.
    pub fn with_slots(slots: usize, delay: Duration) -> Server {
        let free = Arc::new((Mutex::new(slots), Condvar::new()));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicU64::new(0));
        let counter = requests.clone();
        let delay = Arc::new(AtomicU64::new(delay.as_nanos() as u64));
        let slept = delay.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (counter, free, slept) = (counter.clone(), free.clone(), slept.clone());
                std::thread::spawn(move || {
                    let _ = stream.set_nodelay(true);
                    let mut lines = BufReader::new(stream.try_clone().unwrap());
                    let mut stream = stream;
                    let mut line = String::new();
                    while lines.read_line(&mut line).is_ok_and(|n| n > 0) {
                        if line == "\r\n" {
                            counter.fetch_add(1, Ordering::SeqCst);
                            let (slots, freed) = &*free;
                            *freed.wait_while(slots.lock().unwrap(), |slots| *slots == 0).unwrap() -= 1;
                            std::thread::sleep(Duration::from_nanos(slept.load(Ordering::SeqCst)));
                            *slots.lock().unwrap() += 1;
                            freed.notify_one();
                            if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"price\":1}").is_err()
                            {
                                return;
                            }
                        }
                        line.clear();
                    }
                });
            }
        });
        Server { address, requests, delay }
    }

    /// From then on it answers so late.
    pub fn becomes(&self, delay: Duration) {
        self.delay.store(delay.as_nanos() as u64, Ordering::SeqCst);
    }

    pub fn count(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }

    /// A scenario that gets `/` from this server.
    pub fn scenario(&self, stages: &str, expect: &str) -> String {
        scenario(&self.address.to_string(), "", stages, expect)
    }
}

pub fn scenario(address: &str, flow: &str, stages: &str, expect: &str) -> String {
    format!(
        "scenario test {{\n  target api = http(\"http://{address}\") {{\n    timeout: 2s\n  }}\n  flow browse on api {{\n    get \"/\" as home\n{flow}\n  }}\n  load main of browse {{\n{stages}\n  }}\n  expect {{\n{expect}\n  }}\n}}\n"
    )
}

/// Processes of the demo shop that were started from a directory.
pub fn shops_in(directory: &Path) -> usize {
    let directory = directory.canonicalize().unwrap();
    let Ok(entries) = std::fs::read_dir("/proc") else { return 0 };
    entries
        .flatten()
        .filter(|entry| std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == directory))
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .filter(|line| line.split(|byte| *byte == 0).nth(1) == Some(b"demo"))
        .count()
}

pub fn wait_until(what: &str, within: Duration, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < within, "not within {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn signal(child: &Child, name: &str) {
    assert!(told(child.id() as i32, name), "{name} to {}", child.id());
}

/// Whether a process was there to get a signal.
pub fn told(pid: i32, name: &str) -> bool {
    use rustix::process::{Pid, Signal, kill_process};
    let signal = match name {
        "KILL" => Signal::KILL,
        "TERM" => Signal::TERM,
        "INT" => Signal::INT,
        "QUIT" => Signal::QUIT,
        "HUP" => Signal::HUP,
        "STOP" => Signal::STOP,
        "CONT" => Signal::CONT,
        other => panic!("no test sends {other}"),
    };
    kill_process(Pid::from_raw(pid).unwrap(), signal).is_ok()
}

/// Everything that a stream still holds, once it ends.
pub fn rest(stream: Option<impl Read>) -> String {
    let mut text = String::new();
    if let Some(mut stream) = stream {
        let _ = stream.read_to_string(&mut text);
    }
    text
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Up to and with the empty line.
    pub head: String,
    /// That byte for byte.
    pub raw_head: Vec<u8>,
    pub body: Vec<u8>,
    /// How long the chunks are that it came in, without the last.
    pub chunks: Vec<usize>,
}

impl Kept {
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1")
    }

    /// The values of all headers of a name, in any case of letters.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }

    pub fn header(&self, name: &str) -> &str {
        match self.all(name).as_slice() {
            [only] => only,
            several => panic!("`{name}` is there {} times in\n{}", several.len(), self.head),
        }
    }
}

/// A server that keeps what it is sent, byte for byte, and answers with exactly what a test says.
pub struct Keeper {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Kept>>>,
}

impl Keeper {
    pub fn start(answer: fn(&Kept) -> Vec<u8>) -> Keeper {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Vec<Kept>>>::default();
        let all = seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = all.clone();
                std::thread::spawn(move || {
                    let _ = stream.set_nodelay(true);
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    let mut stream = stream;
                    while let Some(kept) = read(&mut reader) {
                        let answer = answer(&kept);
                        seen.lock().unwrap().push(kept);
                        if stream.write_all(&answer).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Keeper { address, seen }
    }

    pub fn seen(&self) -> Vec<Kept> {
        self.seen.lock().unwrap().clone()
    }

    /// All that it was asked for by this line.
    pub fn asked(&self, line: &str) -> Vec<Kept> {
        self.seen().into_iter().filter(|kept| kept.line() == line).collect()
    }
}

fn read(reader: &mut BufReader<std::net::TcpStream>) -> Option<Kept> {
    let mut raw_head = Vec::new();
    while !raw_head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut raw_head).ok()? == 0 {
            return None;
        }
    }
    let head = String::from_utf8_lossy(&raw_head).into_owned();
    let mut kept = Kept { head, raw_head, body: Vec::new(), chunks: Vec::new() };
    while kept.all("Transfer-Encoding") == ["chunked"] {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let length = usize::from_str_radix(line.trim_end(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        reader.read_exact(&mut chunk).ok()?;
        assert!(chunk.ends_with(b"\r\n"), "a chunk ends where it says");
        if length == 0 {
            return Some(kept);
        }
        kept.body.extend_from_slice(&chunk[..length]);
        kept.chunks.push(length);
    }
    let length = kept.all("Content-Length").first().map_or(0, |length| length.parse().unwrap());
    kept.body.resize(length, 0);
    reader.read_exact(&mut kept.body).ok()?;
    Some(kept)
}

/// A whole answer with this body.
pub fn answered(headers: &str, body: &[u8]) -> Vec<u8> {
    answered_as("200 OK", headers, body)
}

pub fn answered_as(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A terminal that nobody sits at: our end, and that of a program.
#[cfg(unix)]
pub fn terminal() -> (std::fs::File, std::os::fd::OwnedFd) {
    use rustix::fs::{Mode, OFlags};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = rustix::fs::open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    (std::fs::File::from(ours), theirs)
}
