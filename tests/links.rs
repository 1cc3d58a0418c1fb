//! Links over real sockets: each effect, the count of what it touched, and what a client sees of it; and whole runs with
//! faults on them.

use crate::support::{Place, Ran, Script, scenario, signal, wait_until};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};
use stressc::run::proxy::{After, Control, Effect, EffectId, Links, Proof};

/// A link, and who hurts it.
struct Hurt {
    links: Links,
    control: Control,
    runtime: tokio::runtime::Runtime,
}

impl Hurt {
    fn link(http: bool, to: SocketAddr) -> Hurt {
        let links = Links::start(&[http], 7).unwrap();
        links.lead(0, vec![to]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Hurt { control: links.control(), links, runtime }
    }

    fn apply(&self, effect: Effect) -> EffectId {
        self.apply_on(effect, ways(effect))
    }

    fn apply_on(&self, effect: Effect, ways: [bool; 2]) -> EffectId {
        self.runtime.block_on(self.control.apply(0, effect, ways)).unwrap()
    }

    fn withdraw(&self, id: EffectId) -> Proof {
        self.runtime.block_on(self.control.withdraw(id)).unwrap()
    }

    fn proof(&self, id: EffectId) -> Proof {
        self.runtime.block_on(self.control.proof(id)).unwrap()
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(self.links.addresses()[0]).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        client.set_nodelay(true).unwrap();
        client
    }
}

/// Both, but a latency, which is once a round trip.
fn ways(effect: Effect) -> [bool; 2] {
    [!matches!(effect, Effect::Latency { .. }), true]
}

/// Gives back what it is sent, until its client has ended.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut back = stream.try_clone().unwrap();
                let mut buffer = vec![0; 1 << 16];
                while let Ok(read) = stream.read(&mut buffer) {
                    if read == 0 || back.write_all(&buffer[..read]).is_err() {
                        break;
                    }
                }
                let _ = back.shutdown(std::net::Shutdown::Write);
            });
        }
    });
    address
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x1234_5678_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// Sends bytes, ends, and reads all that comes back.
fn round(mut client: TcpStream, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut back = client.try_clone()?;
    let sent = bytes.to_vec();
    let sender = std::thread::spawn(move || {
        let _ = client.write_all(&sent);
        let _ = client.shutdown(std::net::Shutdown::Write);
    });
    let mut got = Vec::new();
    let read = back.read_to_end(&mut got);
    sender.join().unwrap();
    read.map(|_| got)
}

/// One message and its echo.
fn ping(client: &mut TcpStream, text: &[u8]) -> std::io::Result<Vec<u8>> {
    client.write_all(text)?;
    let mut got = vec![0; text.len()];
    client.read_exact(&mut got)?;
    Ok(got)
}

fn silent(client: &mut TcpStream, time: Duration) -> bool {
    client.set_read_timeout(Some(time)).unwrap();
    let read = client.read(&mut [0; 16]);
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

const MS: fn(u64) -> Duration = Duration::from_millis;

#[test]
fn everything_passes_whole_and_in_order() {
    for http in [false, true] {
        let hurt = Hurt::link(http, echo());
        let bytes = noise(12 << 20);
        assert!(round(hurt.connect(), &bytes).unwrap() == bytes, "12MiB, http: {http}");
        assert_eq!(ping(&mut hurt.connect(), b"short").unwrap(), b"short");
        assert_eq!(round(hurt.connect(), b"").unwrap(), b"");
    }
}

/// Effects come and go while much is under way, also while the kernel moves it by itself.
#[test]
fn nothing_is_lost_where_effects_come_and_go() {
    let hurt = Hurt::link(false, echo());
    let bytes = noise(48 << 20);
    let (client, sent) = (hurt.connect(), bytes.clone());
    let whole = std::thread::spawn(move || round(client, &sent).unwrap());
    let mut touched = 0;
    while !whole.is_finished() {
        for effect in [
            Effect::Latency { by: MS(5), jitter: MS(5) },
            Effect::Slice { size: 3000 },
            Effect::Partition,
            Effect::Bandwidth { rate: 4e6 },
        ] {
            let id = hurt.apply(effect);
            std::thread::sleep(MS(8));
            touched += hurt.withdraw(id).bytes;
            std::thread::sleep(MS(2));
        }
    }
    assert!(whole.join().unwrap() == bytes);
    assert!(touched > 0);
}

#[test]
fn a_link_that_leads_nowhere_resets() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let hurt = Hurt::link(false, free);
    assert!(ping(&mut hurt.connect(), b"x").is_err());
    let unknown = Links::start(&[false], 7).unwrap();
    let mut client = TcpStream::connect(unknown.addresses()[0]).unwrap();
    client.set_read_timeout(Some(MS(20_000))).unwrap();
    assert!(client.read_exact(&mut [0]).is_err_and(|error| error.kind() != ErrorKind::WouldBlock));
}

#[test]
fn a_partition_holds_and_then_delivers() {
    let hurt = Hurt::link(false, echo());
    let mut open = hurt.connect();
    assert_eq!(ping(&mut open, b"before").unwrap(), b"before");
    let id = hurt.apply(Effect::Partition);
    assert!(!hurt.proof(id).is_effective(), "an idle connection notices nothing");
    open.write_all(b"held").unwrap();
    let mut new = hurt.connect();
    new.write_all(b"new").unwrap();
    assert!(silent(&mut open, MS(300)) && silent(&mut new, MS(100)));
    let given_up = hurt.connect();
    drop(given_up);
    // Never read, so whoever sends is held back.
    let big = hurt.connect();
    big.set_nonblocking(true).unwrap();
    let mut taken = 0;
    while let Ok(sent) = (&big).write(&[7; 65536]) {
        taken += sent;
        assert!(taken < 64 << 20, "the link reads during a partition");
    }
    wait_until("all four are taken in", MS(10_000), || hurt.proof(id).connections == 4);
    assert!(hurt.withdraw(id).bytes >= 4);
    let mut got = [0; 4];
    open.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"held");
    new.read_exact(&mut got[..3]).unwrap();
    assert_eq!(&got[..3], b"new");
    assert_eq!(ping(&mut open, b"behind").unwrap(), b"behind");
}

#[test]
fn refused_connections_are_reset_new_and_old() {
    let hurt = Hurt::link(false, echo());
    let mut idle = hurt.connect();
    assert_eq!(ping(&mut idle, b"x").unwrap(), b"x");
    let id = hurt.apply(Effect::Refuse);
    let reset = |client: &mut TcpStream| client.read(&mut [0]).is_err_and(|e| e.kind() == ErrorKind::ConnectionReset);
    assert!(reset(&mut idle));
    assert!(reset(&mut hurt.connect()));
    assert_eq!(hurt.withdraw(id).connections, 2);
    assert_eq!(ping(&mut hurt.connect(), b"y").unwrap(), b"y");
}

#[test]
fn latency_is_added_once_a_round_trip_and_to_what_is_pipelined_at_once() {
    let hurt = Hurt::link(false, echo());
    let mut client = hurt.connect();
    ping(&mut client, b"x").unwrap();
    let id = hurt.apply(Effect::Latency { by: MS(200), jitter: MS(50) });
    let begun = Instant::now();
    ping(&mut client, b"one").unwrap();
    assert!(begun.elapsed() >= MS(150), "{:?}", begun.elapsed());
    // Twenty in a row: their delays run together, and none overtakes another.
    let begun = Instant::now();
    let mut sent = Vec::new();
    for number in 0..20u8 {
        client.write_all(&[number; 10]).unwrap();
        sent.extend([number; 10]);
        std::thread::sleep(MS(5));
    }
    let mut got = vec![0; 200];
    client.read_exact(&mut got).unwrap();
    assert_eq!(got, sent);
    assert!(begun.elapsed() < MS(3500), "{:?}: one behind the other", begun.elapsed());
    let proof = hurt.proof(id);
    assert_eq!((proof.connections, proof.bytes), (1, 203));
    client.write_all(b"held").unwrap();
    std::thread::sleep(MS(20));
    hurt.withdraw(id);
    let mut last = [0; 4];
    client.read_exact(&mut last).unwrap();
    assert_eq!(&last, b"held", "what was held is delivered");
}

#[test]
fn a_bandwidth_is_kept_over_all_connections() {
    let hurt = Hurt::link(false, echo());
    let id = hurt.apply(Effect::Bandwidth { rate: 400_000.0 });
    let begun = Instant::now();
    let bytes = noise(100_000);
    let other = {
        let (client, bytes) = (hurt.connect(), bytes.clone());
        std::thread::spawn(move || round(client, &bytes).unwrap())
    };
    assert!(round(hurt.connect(), &bytes).unwrap() == bytes && other.join().unwrap() == bytes);
    // 200 kB in each direction, which overlap.
    assert!(begun.elapsed() >= MS(450), "{:?}", begun.elapsed());
    let proof = hurt.withdraw(id);
    assert!(proof.connections == 2 && proof.bytes > 50_000, "{proof:?}");
    let id = hurt.apply(Effect::Bandwidth { rate: 1e9 });
    ping(&mut hurt.connect(), b"x").unwrap();
    assert!(!hurt.withdraw(id).is_effective(), "what is below it is not touched");
}

#[test]
fn a_share_of_connections_is_reset_the_same_for_the_same_seed() {
    let which = || {
        let hurt = Hurt::link(false, echo());
        let mut clients: Vec<TcpStream> = Vec::new();
        // One after the other, so that they have the same numbers each time.
        for _ in 0..20 {
            clients.push(hurt.connect());
            ping(clients.last_mut().unwrap(), b"x").unwrap();
        }
        let id = hurt.apply(Effect::Reset { share: 0.5, after: None });
        let reset: Vec<bool> = clients.iter_mut().map(|client| ping(client, b"x").is_err()).collect();
        let proof = hurt.withdraw(id);
        assert_eq!(proof.connections, reset.iter().filter(|reset| **reset).count() as u64);
        reset
    };
    let first = which();
    assert!(first.contains(&true) && first.contains(&false), "{first:?}");
    assert_eq!(first, which());
}

#[test]
fn a_slow_close_delays_the_end_alone() {
    let hurt = Hurt::link(false, echo());
    let id = hurt.apply(Effect::SlowClose { by: MS(300) });
    let mut client = hurt.connect();
    let begun = Instant::now();
    ping(&mut client, b"x").unwrap();
    assert!(!hurt.proof(id).is_effective());
    client.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    // The end goes there and comes back.
    assert!(begun.elapsed() >= MS(600), "{:?}", begun.elapsed());
    assert_eq!(hurt.withdraw(id).connections, 1);
}

#[test]
fn slices_are_writes_of_their_own() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let hurt = Hurt::link(false, listener.local_addr().unwrap());
    let id = hurt.apply(Effect::Slice { size: 16 });
    let mut client = hurt.connect();
    let (mut server, _) = listener.accept().unwrap();
    client.write_all(&noise(4000)).unwrap();
    let mut got = vec![0; 4000];
    server.read_exact(&mut got).unwrap();
    assert_eq!(got, noise(4000));
    let proof = hurt.withdraw(id);
    assert!(proof.connections == 1 && (3000..4000).contains(&proof.bytes), "{proof:?}");
}

#[test]
fn corrupted_pieces_have_one_wrong_byte() {
    let hurt = Hurt::link(false, echo());
    let mut client = hurt.connect();
    let id = hurt.apply(Effect::Corrupt { share: 1.0 });
    let got = ping(&mut client, &[0; 1000]).unwrap();
    let wrong = got.iter().filter(|byte| **byte != 0).count();
    assert!((1..=4).contains(&wrong), "{wrong}");
    let proof = hurt.withdraw(id);
    assert!(proof.connections == 1 && proof.bytes >= 2, "{proof:?}");
    assert_eq!(ping(&mut client, &[0; 1000]).unwrap(), [0; 1000]);
}

const UP: [bool; 2] = [true, false];
const DOWN: [bool; 2] = [false, true];

/// Tells what of each connection has come, and gives nothing back.
fn sink() -> (SocketAddr, std::sync::mpsc::Receiver<(usize, Instant)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let tell = tell.clone();
            std::thread::spawn(move || {
                let mut buffer = vec![0; 1 << 16];
                while let Ok(read) = stream.read(&mut buffer) {
                    if read == 0 || tell.send((read, Instant::now())).is_err() {
                        break;
                    }
                }
            });
        }
    });
    (address, told)
}

/// Reads until the connection is over; how much came, and whether it was reset.
fn until_over(client: &mut TcpStream) -> (usize, bool) {
    let (mut all, mut buffer) = (0, [0; 4096]);
    loop {
        match client.read(&mut buffer) {
            Ok(0) => return (all, false),
            Ok(read) => all += read,
            Err(error) => return (all, error.kind() == ErrorKind::ConnectionReset),
        }
    }
}

#[test]
fn a_latency_and_a_bandwidth_act_at_one_time_whichever_began_first() {
    for narrow_first in [false, true] {
        let hurt = Hurt::link(false, echo());
        let mut client = hurt.connect();
        ping(&mut client, b"x").unwrap();
        let narrow = || hurt.apply_on(Effect::Bandwidth { rate: 200_000.0 }, DOWN);
        let before = narrow_first.then(narrow);
        let slow = hurt.apply(Effect::Latency { by: MS(300), jitter: MS(0) });
        let narrow = before.unwrap_or_else(narrow);
        let (begun, bytes) = (Instant::now(), noise(100_000));
        assert!(ping(&mut client, &bytes).unwrap() == bytes);
        // Half a second of bytes behind what they were held.
        assert!(begun.elapsed() >= MS(700), "{:?}, the bandwidth first: {narrow_first}", begun.elapsed());
        assert_eq!(hurt.withdraw(slow).bytes, 100_000);
        assert!(hurt.withdraw(narrow).is_effective());
    }
}

#[test]
fn a_direction_leaves_the_other_alone() {
    // Held on the way there: the server hears of it later. On the way back: it hears of it at once.
    for (ways, by) in [(UP, MS(500)), (DOWN, MS(20_000))] {
        let (server, told) = sink();
        let hurt = Hurt::link(false, server);
        let mut client = hurt.connect();
        let id = hurt.apply_on(Effect::Latency { by, jitter: MS(0) }, ways);
        let begun = Instant::now();
        client.write_all(b"hello").unwrap();
        let (_, at) = told.recv().unwrap();
        let took = at - begun;
        assert_eq!(took >= by, ways == UP, "{took:?} {ways:?}");
        assert_eq!(hurt.withdraw(id).bytes, if ways == UP { 5 } else { 0 });
    }
    // Both of one kind.
    let hurt = Hurt::link(false, echo());
    let mut client = hurt.connect();
    for ways in [UP, DOWN] {
        hurt.apply_on(Effect::Latency { by: MS(200), jitter: MS(0) }, ways);
    }
    let begun = Instant::now();
    ping(&mut client, b"x").unwrap();
    assert!(begun.elapsed() >= MS(400), "{:?}", begun.elapsed());
}

#[test]
fn a_partition_of_one_direction_lets_the_other_pass() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let hurt = Hurt::link(false, listener.local_addr().unwrap());
    let mut client = hurt.connect();
    let (mut server, _) = listener.accept().unwrap();
    server.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let pass = |from: &mut TcpStream, to: &mut TcpStream| {
        from.write_all(b"word").unwrap();
        let mut got = [0; 4];
        to.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"word");
    };
    let id = hurt.apply_on(Effect::Partition, UP);
    pass(&mut server, &mut client);
    client.write_all(b"held").unwrap();
    assert!(silent(&mut server, MS(200)));
    let proof = hurt.withdraw(id);
    assert_eq!((proof.connections, proof.bytes), (1, 4));
    let mut got = [0; 4];
    server.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"held");
    let id = hurt.apply_on(Effect::Partition, DOWN);
    pass(&mut client, &mut server);
    server.write_all(b"held").unwrap();
    assert!(silent(&mut client, MS(200)));
    hurt.withdraw(id);
    client.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"held");
}

#[test]
fn a_connection_is_reset_after_so_many_bytes_of_both_directions() {
    let hurt = Hurt::link(false, echo());
    let mut before = hurt.connect();
    ping(&mut before, &noise(8_000)).unwrap();
    let id = hurt.apply(Effect::Reset { share: 1.0, after: Some(After::Bytes(10_240)) });
    // What passed before the fault does not count.
    assert_eq!(ping(&mut before, &noise(5_000)).unwrap(), noise(5_000));
    assert!(!hurt.proof(id).is_effective());
    before.write_all(&noise(200)).unwrap();
    assert_eq!(until_over(&mut before), (40, true), "200 went there, and 40 of them came back");
    let mut new = hurt.connect();
    ping(&mut new, &noise(5_120 - 1)).unwrap();
    assert_eq!(hurt.proof(id).connections, 1);
    assert!(ping(&mut new, b"x").is_ok_and(|got| got == b"x") && until_over(&mut new) == (0, true));
    assert_eq!(hurt.withdraw(id).connections, 2);
    let mut whole = hurt.connect();
    assert!(ping(&mut whole, &noise(50_000)).is_ok());
}

#[test]
fn a_connection_is_reset_after_so_long() {
    let hurt = Hurt::link(false, echo());
    let mut old = hurt.connect();
    ping(&mut old, b"x").unwrap();
    let id = hurt.apply(Effect::Reset { share: 1.0, after: Some(After::Time(MS(400))) });
    let begun = Instant::now();
    ping(&mut old, b"y").unwrap();
    assert_eq!(until_over(&mut old), (0, true), "idle, and reset");
    assert!(begun.elapsed() >= MS(390), "{:?}", begun.elapsed());
    let (mut new, begun) = (hurt.connect(), Instant::now());
    ping(&mut new, b"z").unwrap();
    assert_eq!(until_over(&mut new), (0, true));
    assert!(begun.elapsed() >= MS(390), "{:?}", begun.elapsed());
    let mut spared = hurt.connect();
    ping(&mut spared, b"x").unwrap();
    assert_eq!(hurt.withdraw(id).connections, 2);
    assert!(silent(&mut spared, MS(600)), "taken back before its time");
    ping(&mut spared, b"x").unwrap();
}

#[test]
fn what_one_fault_held_goes_with_it_and_what_another_holds_stays() {
    let hurt = Hurt::link(false, echo());
    let mut client = hurt.connect();
    let slow = hurt.apply(Effect::Latency { by: Duration::from_secs(60), jitter: MS(0) });
    hurt.apply_on(Effect::Latency { by: MS(400), jitter: MS(0) }, DOWN);
    let begun = Instant::now();
    client.write_all(b"held").unwrap();
    wait_until("it is held", Duration::from_secs(10), || hurt.proof(slow).bytes == 4);
    hurt.withdraw(slow);
    let mut got = [0; 4];
    client.read_exact(&mut got).unwrap();
    assert!((MS(400)..MS(15_000)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

/// The status of an answer whose body is as long as its head says.
fn answer(client: &mut TcpStream) -> (u16, String) {
    let (status, body, _) = answer_to(client, false);
    (status, body)
}

fn answer_to(client: &mut TcpStream, head_only: bool) -> (u16, String, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    let mut body = vec![0; if head_only { 0 } else { length.parse().unwrap() }];
    client.read_exact(&mut body).unwrap();
    (head[9..12].parse().unwrap(), String::from_utf8(body).unwrap(), head)
}

fn hello(_: &str, times: usize) -> (u16, String) {
    (200, format!("hello {times}"))
}

#[test]
fn errors_are_answered_without_the_server_and_the_connection_goes_on() {
    let server = Script::start(hello);
    let hurt = Hurt::link(true, server.address);
    let mut client = hurt.connect();
    client.write_all(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(answer(&mut client), (200, "hello 1".to_owned()));
    let id = hurt.apply(Effect::HttpError { status: 503, share: 1.0 });
    // With a body of each framing, in pieces.
    for request in [
        &[&b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"[..]][..],
        &[b"POST /b HTTP/1.1\r\nContent-Le", b"ngth: 10\r\n\r\n01234", b"56789"],
        &[b"POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", b"llo\r\n0\r\n\r", b"\n"],
    ] {
        for part in request {
            client.write_all(part).unwrap();
            std::thread::sleep(MS(20));
        }
        assert_eq!(answer(&mut client).0, 503);
    }
    client.write_all(b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(answer_to(&mut client, true).0, 503);
    assert_eq!(hurt.withdraw(id), Proof { connections: 1, requests: 4, bytes: 0 });
    client.write_all(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(answer(&mut client), (200, "hello 2".to_owned()), "the server saw none of them");
    assert_eq!(server.all().len(), 2);
}

/// Answers each request of HTTP with its body, in chunks where the path says so.
fn mirror() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut out = stream.try_clone().unwrap();
                let mut lines = std::io::BufReader::new(stream);
                loop {
                    let (mut line, mut length, mut chunked) = (String::new(), 0, false);
                    while std::io::BufRead::read_line(&mut lines, &mut line).unwrap_or(0) > 0
                        && !line.ends_with("\r\n\r\n")
                    {}
                    if line.is_empty() {
                        return;
                    }
                    for line in line.lines() {
                        chunked |= line.starts_with("POST /chunks");
                        length = line.strip_prefix("Content-Length: ").map_or(length, |text| text.parse().unwrap());
                    }
                    let mut body = vec![0; length];
                    lines.read_exact(&mut body).unwrap();
                    let answer = match chunked {
                        true => {
                            let mut answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
                            for chunk in body.chunks(3 << 20) {
                                answer.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                                answer.extend_from_slice(chunk);
                                answer.extend_from_slice(b"\r\n");
                            }
                            [answer, b"0\r\n\r\n".to_vec()].concat()
                        }
                        false => {
                            [format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes(), body].concat()
                        }
                    };
                    if out.write_all(&answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// Long bodies go through the kernel, and where they end is known all the same.
#[test]
fn requests_are_told_apart_behind_long_bodies() {
    let hurt = Hurt::link(true, mirror());
    let mut client = hurt.connect();
    let body = noise(10 << 20);
    let mut exchange = |path: &str, hurts: &dyn Fn()| {
        let head = format!("POST {path} HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len());
        let (mut writer, sent) = (client.try_clone().unwrap(), [head.as_bytes(), &body].concat());
        let sender = std::thread::spawn(move || writer.write_all(&sent).unwrap());
        hurts();
        let (mut got, mut buffer) = (Vec::new(), vec![0; 1 << 20]);
        let chunks = 4;
        let ended = |got: &[u8]| match got.windows(4).position(|end| end == b"\r\n\r\n") {
            Some(head) if got.starts_with(b"HTTP/1.1 503") => got.len() > head + 4,
            Some(head) if path == "/chunks" => got.len() >= head + 4 + body.len() + chunks * 10 + 5,
            Some(head) => got.len() >= head + 4 + body.len(),
            None => false,
        };
        while !ended(&got) {
            let read = client.read(&mut buffer).unwrap();
            assert!(read > 0, "{} bytes", got.len());
            got.extend_from_slice(&buffer[..read]);
        }
        sender.join().unwrap();
        (got.starts_with(b"HTTP/1.1 200"), got)
    };
    let flapping = || {
        for _ in 0..5 {
            for effect in [Effect::Slice { size: 9_000 }, Effect::Partition, Effect::Bandwidth { rate: 50e6 }] {
                let id = hurt.apply(effect);
                std::thread::sleep(MS(2));
                hurt.withdraw(id);
                std::thread::sleep(MS(1));
            }
        }
    };
    for hurts in [&(|| {}) as &dyn Fn(), &flapping] {
        for path in ["/whole", "/chunks", "/whole"] {
            let (passed, got) = exchange(path, hurts);
            assert!(passed && (path == "/chunks" || got.ends_with(&body)), "{path}");
        }
        let id = hurt.apply(Effect::HttpError { status: 503, share: 1.0 });
        assert!(!exchange("/whole", &|| {}).0, "the request behind is seen as one");
        assert_eq!(hurt.withdraw(id).requests, 1);
    }
}

#[test]
fn pipelined_answers_keep_their_order() {
    let server = Script::start(hello);
    let hurt = Hurt::link(true, server.address);
    let delay = hurt.apply(Effect::HttpDelay { by: MS(100), share: 1.0 });
    let error = hurt.apply(Effect::HttpError { status: 500, share: 0.5 });
    let mut client = hurt.connect();
    let many = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20);
    let begun = Instant::now();
    client.write_all(many.as_bytes()).unwrap();
    let answers: Vec<(u16, String)> = (0..20).map(|_| answer(&mut client)).collect();
    assert!(begun.elapsed() >= MS(100));
    let passed: Vec<&str> = answers.iter().filter(|one| one.0 == 200).map(|one| one.1.as_str()).collect();
    let errors = hurt.withdraw(error).requests as usize;
    assert!((1..20).contains(&errors) && passed.len() == 20 - errors, "{answers:?}");
    let expected: Vec<String> = (1..=passed.len()).map(|number| format!("hello {number}")).collect();
    assert_eq!(passed, expected);
    // Who is answered here is held no more, although the delay began first.
    assert_eq!(hurt.withdraw(delay).requests as usize, 20 - errors);
}

#[test]
fn a_client_that_waits_for_a_word_or_for_the_end_gets_it() {
    let server = Script::start(hello);
    let hurt = Hurt::link(true, server.address);
    hurt.apply(Effect::HttpError { status: 503, share: 1.0 });
    for request in [
        &b"POST /a HTTP/1.1\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n"[..],
        b"GET /a HTTP/1.0\r\n\r\n",
        b"GET /a HTTP/1.1\r\nConnection: close\r\n\r\n",
    ] {
        let mut client = hurt.connect();
        client.write_all(request).unwrap();
        let (status, _, head) = answer_to(&mut client, false);
        assert!(status == 503 && head.contains("connection: close"), "{head}");
        assert_eq!(client.read(&mut [0]).unwrap(), 0, "the end");
    }
    assert!(server.all().is_empty());
}

#[test]
fn what_is_no_http_passes_as_it_is() {
    let hurt = Hurt::link(true, echo());
    let id = hurt.apply(Effect::HttpError { status: 503, share: 1.0 });
    let delay = hurt.apply(Effect::HttpDelay { by: MS(100), share: 1.0 });
    let mut client = hurt.connect();
    let other = b"\x16\x03\x01 no HTTP at all\r\n\r\n";
    assert_eq!(ping(&mut client, other).unwrap(), other);
    // Two framings at once end nowhere that everybody agrees on.
    let twice = b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc";
    assert_eq!(ping(&mut hurt.connect(), twice).unwrap(), twice);
    let mut begun = hurt.connect();
    begun.write_all(b"GET / HT").unwrap();
    begun.shutdown(std::net::Shutdown::Write).unwrap();
    let mut got = Vec::new();
    begun.read_to_end(&mut got).unwrap();
    assert_eq!(got, b"GET / HT", "half a head is nobody's to keep");
    assert!(!hurt.withdraw(id).is_effective() && !hurt.withdraw(delay).is_effective());
}

#[test]
fn an_upgraded_connection_is_of_bytes() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let hurt = Hurt::link(true, listener.local_addr().unwrap());
    let mut client = hurt.connect();
    client.write_all(b"GET /socket HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n").unwrap();
    let (mut server, _) = listener.accept().unwrap();
    let mut head = vec![0; 70];
    let _ = server.read(&mut head).unwrap();
    server.write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n").unwrap();
    let mut got = vec![0; 57];
    let read = client.read(&mut got).unwrap();
    assert!(got[..read].starts_with(b"HTTP/1.1 101"));
    let id = hurt.apply(Effect::HttpError { status: 503, share: 1.0 });
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut bytes = [0; 18];
    server.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"GET / HTTP/1.1\r\n\r\n");
    assert!(!hurt.withdraw(id).is_effective());
}

#[test]
fn links_end_with_whoever_started_them() {
    let hurt = Hurt::link(false, echo());
    let mut client = hurt.connect();
    ping(&mut client, b"x").unwrap();
    let Hurt { links, control, runtime } = hurt;
    let address = links.addresses()[0];
    drop(links);
    assert!(runtime.block_on(control.apply(0, Effect::Refuse, [true; 2])).is_none());
    assert!(!matches!(client.read(&mut [0]), Ok(1)));
    assert!(TcpStream::connect(address).is_err());
}

/// A load through a link for some seconds, with faults and what is expected.
fn through(link: &str, server: SocketAddr, more: &str, expect: &str) -> String {
    scenario("x", "", "    hold 50/s for 6s as plateau", expect)
        .replace(
            "target api = http(\"http://x\")",
            &format!("link path = {link}(to: \"{server}\")\n  target api = http(path.url)"),
        )
        .replace("timeout: 2s", "timeout: 500ms")
        .replace("  expect {", &format!("{more}\n  expect {{"))
}

fn verdict(ran: &Ran, index: usize) -> &str {
    ran.result["expectations"][index]["verdict"].as_str().unwrap_or_default()
}

#[test]
fn a_partition_hurts_is_shown_and_is_recovered_from() {
    let place = Place::new();
    let server = Script::start(hello);
    let steady = "  steady_state {\n    window: 1s\n    hold: 1s\n    error_rate(main) < 5%\n  }\n  fault cut = partition(path) at plateau + 2s for 1s";
    let expect = "    error_rate(main) > 10% during cut\n    error_rate(main) < 5% outside cut\n    error_rate(main) < 5% before cut\n    \
        time_to_recover(cut) < 3s\n    recovered(cut)\n    error_rate(main) < 5% within 2s of cut.end";
    let ran = place.run(&through("tcp", server.address, steady, expect), &[]);
    for index in [0, 2, 3, 4, 5] {
        assert_eq!(verdict(&ran, index), "passed", "{index}: {}{}", ran.out, ran.err);
    }
    let cut = &ran.result["faults"][0];
    assert_eq!((&cut["name"], &cut["effective"], &cut["mechanism"]), (&"cut".into(), &true.into(), &"link".into()));
    assert!(cut["touched"]["connections"].as_u64().unwrap() > 0, "{cut}");
    let (begun, ended) = (cut["applied_s"][1].as_f64().unwrap(), cut["withdrawn_s"][0].as_f64().unwrap());
    assert!(begun >= 2.0 && (3.0..6.0).contains(&ended), "{cut}");
    assert!(ran.out.contains("partition  planned 2s–3s") && ran.out.contains("touched"), "{}", ran.out);
    let again = place.call(&["report", "last"]);
    assert!(again.out.contains("partition  planned 2s–3s"), "{}", again.out);
}

#[test]
fn a_share_of_requests_fails_on_a_link_and_on_a_target() {
    let place = Place::new();
    let server = Script::start(hello);
    let fault = "  fault errors = http_error(path, 503, 50%) at plateau + 1s for 2s\n  fault slow = http_delay(path, 300ms) at plateau + 4s for 1s";
    let expect = "    error_rate(main during errors) within 25pp of 50%\n    error_rate(main) < 1% after errors\n    p50(main during slow) > 250ms\n    max(main before errors) < 300ms";
    let ran = place.run(&through("http", server.address, fault, expect), &[]);
    for index in 0..3 {
        assert_eq!(verdict(&ran, index), "passed", "{index}: {}{}", ran.out, ran.err);
    }
    let failed = ran.result["faults"][0]["touched"]["requests"].as_u64().unwrap();
    assert_eq!(server.all().len() as u64, 300 - failed, "the server never saw them");

    let on_target = scenario(
        &server.address.to_string(),
        "",
        "    hold 50/s for 3s as plateau",
        "    error_rate(main during gone) == 100%\n    error_rate(main) == 0% before gone",
    )
    .replace("  expect {", "  fault gone = refuse(api) at plateau + 1s for 1s\n  expect {");
    let file = place.write("target.stress", &on_target);
    let plan = place.call(&["plan", file.to_str().unwrap()]);
    assert!(plan.out.contains("put before the target for its faults"), "{}{}", plan.out, plan.err);
    let ran = place.run(&on_target, &[]);
    for index in 0..2 {
        assert_eq!(verdict(&ran, index), "passed", "{index}: {}{}", ran.out, ran.err);
    }
    assert!(server.heads().iter().all(|head| !head.contains("Host: x")), "the target is called by its own name");
}

#[test]
fn faults_of_one_link_go_together_in_a_run() {
    let place = Place::new();
    let server = Script::start(hello);
    let faults = "  fault slow = latency(path, 150ms, direction: up) at plateau + 1s for 3s\n  \
        fault late = latency(path, 150ms, direction: down) at plateau + 2s for 2s\n  \
        fault torn = reset(path, after: 1KiB) at plateau + 5s for 1s";
    let expect = "    p50(main during slow) > 140ms\n    p50(main during late) > 290ms\n    max(main before slow) < 150ms\n    \
        error_rate(main before torn) == 0%";
    let text = through("http", server.address, faults, expect);
    let ran = place.run(&text, &[]);
    for index in 0..4 {
        assert_eq!(verdict(&ran, index), "passed", "{index}: {}{}", ran.out, ran.err);
    }
    for (index, name) in ["slow", "late", "torn"].iter().enumerate() {
        let fault = &ran.result["faults"][index];
        assert_eq!((&fault["name"], &fault["effective"]), (&(*name).into(), &true.into()), "{fault}");
    }
    assert!(ran.out.contains("150ms, up") && ran.out.contains("after 1KiB"), "{}", ran.out);
    let again = place.call(&["report", "last"]);
    assert!(again.out.contains("after 1KiB"), "{}", again.out);
}

/// A list reaches the program as it is, and an event has variables as a fault has.
#[test]
fn commands_are_lists_or_lines_with_variables() {
    let place = Place::new();
    let server = Script::start(hello);
    place.write("note", "#!/bin/sh\nprintf '%s|' \"$@\" \"$more\" >> noted; echo >> noted\n");
    let more = "  let odd = \"a b; touch gone\"\n  \
        event listed = command([\"sh\", \"note\", odd, \"$HOME\"], with: { more: \"$(touch gone)\" }) at plateau + 1s for at most 2s\n  \
        event line = command('sh note \"$more\"', with: { more: odd }) at plateau + 3s for at most 2s\n  \
        fault held = command([\"sh\", \"note\", \"on\"], undo: [\"sh\", \"note\", \"off\"], proof: [\"test\", \"-s\", \"noted\"]) at plateau + 4s for 1s";
    let ran = place.run(&through("tcp", server.address, more, "    error_rate(main) < 5%"), &[]);
    assert_eq!(verdict(&ran, 0), "passed", "{}{}", ran.out, ran.err);
    let noted = std::fs::read_to_string(place.path().join("noted")).unwrap();
    let lines: Vec<&str> = noted.lines().collect();
    let odd = "a b; touch gone";
    assert_eq!(lines[0], format!("{odd}|$HOME|$(touch gone)|"));
    assert_eq!(lines[1], format!("{odd}|{odd}|"));
    assert_eq!(&lines[2..], ["on||", "off||"]);
    assert!(!place.path().join("gone").exists());
}

#[test]
fn a_fault_that_touches_nothing_shows_nothing() {
    let place = Place::new();
    let server = Script::start(hello);
    let aside = format!(
        "  link aside = tcp(to: \"{}\")\n  steady_state {{\n    error_rate(main) < 5%\n  }}\n  fault cut = partition(aside) at plateau + 1s for 1s",
        server.address
    );
    let expect = "    error_rate(main) < 5%\n    error_rate(main) < 5% during cut\n    time_to_recover(cut) < 1s\n    error_rate(main) < 5% within 2s of cut.end\n    error_rate(main) < 100% outside cut";
    let ran = place.run(&through("tcp", server.address, &aside, expect), &[]);
    assert_eq!(verdict(&ran, 0), "passed", "{}{}", ran.out, ran.err);
    for index in 1..5 {
        assert_eq!(verdict(&ran, index), "inconclusive", "{index}: {}", ran.out);
        let reason = ran.result["expectations"][index]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains("`cut` was ineffective"), "{reason}");
    }
    assert!(ran.out.contains("ineffective, it touched nothing"), "{}", ran.out);

    let alone = place.run(&through("tcp", server.address, &aside, "    error_rate(main) < 5%"), &[]);
    assert!(matches!(alone.code, 4 | 5), "what held did so without its fault: {}{}", alone.out, alone.err);
}

#[test]
fn faults_are_taken_back_where_a_run_is_interrupted() {
    let place = Place::new();
    let server = Script::start(hello);
    let fault = "  fault cut = http_delay(path, 10ms) at plateau + 500ms for 5s\n  teardown {\n    get \"/last\"\n  }";
    let text = through("http", server.address, fault, "    error_rate(main) < 5%").replace("for 6s", "for 60s");
    let file = place.write("long.stress", &text);
    let child = place.spawn(&["run", file.to_str().unwrap()]);
    wait_until("the fault is in force", Duration::from_secs(20), || {
        let Some(run) = place.runs().last().cloned() else { return false };
        std::fs::read_to_string(run.join("events.jsonl")).is_ok_and(|text| text.contains("fault_applied"))
    });
    signal(&child, "INT");
    let ran = place.ended(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 130, "{}{}", ran.out, ran.err);
    let cut = &ran.result["faults"][0];
    assert!(cut["withdrawn_s"][0].as_f64().unwrap() < 5.4, "{cut}");
    assert_eq!(server.times("GET /last"), 1);
}
