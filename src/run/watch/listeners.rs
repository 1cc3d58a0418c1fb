//! Which processes listen at a port of this machine, from the kernel's own tables: `/proc/net/tcp`, `/proc/net/tcp6`, and the
//! open files of processes.

use super::processes;
use crate::guard::{Process, proc};
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A socket that listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listener {
    pub ip: IpAddr,
    pub inode: u64,
    /// The number of the user who made it.
    pub user: u32,
}

impl Listener {
    /// Whether it gets connections to an address, or to `localhost` where the address is this machine's own. Of `[::]` it is not
    /// shown whether it takes IPv4 as well, so it counts.
    pub fn overlaps(&self, ip: IpAddr) -> bool {
        let own = self.ip.to_canonical();
        own.is_unspecified() || own == ip || (ip.is_loopback() && own == IpAddr::V6(Ipv6Addr::LOCALHOST))
    }
}

/// All that listen at a port, on whatever address.
pub fn at(port: u16) -> Result<Vec<Listener>, String> {
    let all = all()?.into_iter().filter(|(of, _)| *of == port);
    Ok(all.map(|(_, listener)| listener).collect())
}

/// All that listen, with their ports.
pub fn all() -> Result<Vec<(u16, Listener)>, String> {
    let table = |path: &str| {
        let file = File::open(path).map_err(|error| format!("{path}: {error}"))?;
        // The kernel tells those that listen before all others, of which there may be many.
        let lines = BufReader::new(file).lines().skip(1).map_while(Result::ok);
        Ok::<_, String>(lines.map_while(|line| row(&line)).collect::<Vec<(u16, Listener)>>())
    };
    let mut all = table("/proc/net/tcp")?;
    // Without IPv6 there is no such table.
    all.extend(table("/proc/net/tcp6").unwrap_or_default());
    Ok(all)
}

/// A line of the table with its port, where it is of a socket that listens (0A).
fn row(line: &str) -> Option<(u16, Listener)> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    if *words.get(3)? != "0A" {
        return None;
    }
    let (ip, port) = words.get(1)?.rsplit_once(':')?;
    let ip = address(ip)?;
    let listener = Listener { ip, inode: words.get(9)?.parse().ok()?, user: words.get(7)?.parse().ok()? };
    Some((u16::from_str_radix(port, 16).ok()?, listener))
}

/// The kernel prints addresses as numbers of 32 bits in the machine's own order.
fn address(hex: &str) -> Option<IpAddr> {
    let part = |at: usize| u32::from_str_radix(hex.get(8 * at..8 * at + 8)?, 16).ok().map(u32::to_ne_bytes);
    match hex.len() {
        8 => part(0).map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes))),
        32 => {
            let mut bytes = [0; 16];
            for (at, place) in bytes.chunks_exact_mut(4).enumerate() {
                place.copy_from_slice(&part(at)?);
            }
            Some(IpAddr::V6(Ipv6Addr::from(bytes)))
        }
        _ => None,
    }
}

/// The processes that hold each of these sockets, as far as this user is shown that.
pub fn holders(inodes: &HashSet<u64>) -> HashMap<u64, Vec<Process>> {
    let mut found: HashMap<u64, Vec<Process>> = HashMap::new();
    for pid in proc::numbers() {
        let Some(mut held) = held(pid) else { continue };
        held.retain(|inode| inodes.contains(inode));
        if let Some(process) = Process::of(pid).filter(|_| !held.is_empty()) {
            held.into_iter().for_each(|inode| found.entry(inode).or_default().push(process));
        }
    }
    found
}

/// The sockets that a process holds; `None` where that is not shown.
pub fn held(pid: i32) -> Option<HashSet<u64>> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
    Some(entries.filter_map(|entry| socket(fs::read_link(entry.path()).ok()?.as_os_str().as_encoded_bytes())).collect())
}

/// The number of `socket:[N]`.
fn socket(link: &[u8]) -> Option<u64> {
    let number = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// The process that gets connections to an address of this machine: of several that hold the socket the one that started the others.
pub fn listening(port: u16) -> Result<Process, String> {
    let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let mut all: Vec<Listener> = at(port)?.into_iter().filter(|listener| listener.overlaps(ip)).collect();
    // Who listens at the very address gets them, whoever listens at all of them.
    if all.iter().any(|listener| listener.ip.to_canonical() == ip) {
        all.retain(|listener| listener.ip.to_canonical() == ip);
    }
    if all.is_empty() {
        return Err(format!("no process listens at port {port} of this machine"));
    }
    let holders = holders(&all.iter().map(|listener| listener.inode).collect());
    let holders: Vec<Process> = holders.into_values().flatten().collect();
    let top = holders.iter().find(|process| {
        processes::parent(**process).is_some_and(|parent| !holders.iter().any(|other| other.pid == parent))
    });
    top.copied().ok_or_else(|| {
        format!("the process that listens at port {port} is not shown to this user: run stressc as its owner")
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn whoever_listens_is_found() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        assert_eq!(listening(port), Ok(Process::this().unwrap()));
        drop(socket);
        assert!(listening(port).unwrap_err().contains("no process listens"), "{port}");
    }

    #[test]
    fn rows_of_the_kernel_are_read_as_it_writes_them() {
        let line = "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000000000000000 100 0 0 10 0";
        let (port, listener) = row(line).unwrap();
        assert_eq!((port, listener.inode, listener.user), (8080, 4711, 1000));
        #[cfg(target_endian = "little")]
        assert_eq!(listener.ip, IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert_eq!(row(&line.replace(" 0A ", " 01 ")), None);
        #[cfg(target_endian = "little")]
        assert_eq!(address("00000000000000000000000001000000"), Some(IpAddr::V6(Ipv6Addr::LOCALHOST)));
    }

    #[test]
    fn what_overlaps_an_address_is_what_its_clients_may_reach() {
        let reaches = |ip: &str| {
            let listener = Listener { ip: ip.parse().unwrap(), inode: 0, user: 0 };
            listener.overlaps(IpAddr::V4(Ipv4Addr::LOCALHOST))
        };
        for ip in ["127.0.0.1", "0.0.0.0", "::", "::1", "::ffff:127.0.0.1", "::ffff:0.0.0.0"] {
            assert!(reaches(ip), "{ip}");
        }
        for ip in ["127.0.0.2", "10.0.0.1", "fe80::1", "::ffff:10.0.0.1"] {
            assert!(!reaches(ip), "{ip}");
        }
    }
}
