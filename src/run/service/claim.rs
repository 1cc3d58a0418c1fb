//! The port of a service: free before the service is started, its own once it is ready. Otherwise the run would test another
//! process in its place.

use crate::guard::Process;
use crate::inputs::groups::Cgroup;
use std::collections::HashSet;
use std::net::SocketAddr;

/// What a service listens at, and by what its processes are known.
#[derive(Debug, Clone)]
pub struct Claim {
    pub address: SocketAddr,
    pub mark: String,
    pub group: Option<Cgroup>,
}

/// Who listens at the port of a service that is ready.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The sockets that need not be asked for again.
    pub known: HashSet<u64>,
    /// Somebody who does not belong to it.
    pub foreign: Option<String>,
    /// Of some it cannot be told whose they are.
    pub unknown: Option<String>,
}

impl Claim {
    /// Why it cannot be started now, if it cannot.
    pub async fn is_free(&self) -> Result<(), String> {
        let own = self.clone();
        off(move || system::is_free(&own)).await
    }

    /// Who listens there, of those that are not known yet.
    pub async fn seen(&self, main: Process, known: HashSet<u64>) -> Seen {
        let own = self.clone();
        off(move || system::seen(&own, main, known)).await
    }
}

/// Reading what all processes hold takes a while.
async fn off<T: Send + 'static>(look: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(look).await {
        Ok(seen) => seen,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

/// Where it is not told who listens: somebody who shares the port on purpose is not seen so.
fn can_be_taken(claim: &Claim) -> Result<(), String> {
    match std::net::TcpListener::bind(claim.address) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!(
            "it cannot listen at {}: {error}; end who listens there, or give the service another port, such as `port()`",
            claim.address
        )),
    }
}

#[cfg(target_os = "linux")]
mod system {
    use super::{Claim, Seen};
    use crate::base::shown::escaped_line;
    use crate::guard::{self, Process, proc};
    use crate::run::watch::listeners;
    use crate::run::watch::listeners::Listener;
    use crate::run::watch::processes;
    use std::collections::HashSet;
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    /// Programs that listen on behalf of processes that they have not started.
    const FOR_OTHERS: [&str; 6] = ["docker-proxy", "rootlessport", "rootlesskit", "slirp4netns", "pasta", "systemd"];

    /// Programs that run containers: as they are called, and as much of it as the kernel tells of those of others.
    const CONTAINERS: [&str; 11] = [
        "dockerd",
        "containerd",
        "containerd-shim",
        "containerd-shim-runc-v2",
        "conmon",
        "podman",
        "crio",
        "runc",
        "crun",
        "lxc-start",
        "systemd-nspawn",
    ];

    pub fn is_free(claim: &Claim) -> Result<(), String> {
        // In some containers the table is not shown.
        let Ok(there) = overlapping(claim) else { return super::can_be_taken(claim) };
        let Some(first) = there.first() else { return Ok(()) };
        let holders = listeners::holders(&there.iter().map(|listener| listener.inode).collect());
        let shown = there.iter().find_map(|listener| Some((listener, holders.get(&listener.inode)?.first()?)));
        let (at, who) = match shown {
            Some((listener, holder)) => (listener, named(*holder)),
            None => (first, hidden(first)),
        };
        Err(format!(
            "{who} listens at {} already, so another server would be tested in its place; end that process, or give the service \
             another port, such as `port()`",
            place(at, claim)
        ))
    }

    pub fn seen(claim: &Claim, main: Process, known: HashSet<u64>) -> Seen {
        let there = match overlapping(claim) {
            Ok(there) => there,
            Err(problem) => {
                let unknown = Some(format!("owner unknown: who listens at {} is not told: {problem}", claim.address));
                return Seen { known, unknown, foreign: None };
            }
        };
        let (old, new): (Vec<Listener>, Vec<Listener>) =
            there.iter().partition(|listener| known.contains(&listener.inode));
        let mut seen = Seen { known: old.iter().map(|listener| listener.inode).collect(), ..Seen::default() };
        if there.is_empty() && seen.known.is_empty() {
            let why = "owner unknown: no process of this machine is seen to listen there";
            seen.unknown = Some(format!("who answers at {} is not known; {why}", claim.address));
        }
        if new.is_empty() {
            return seen;
        }
        let holders = listeners::holders(&new.iter().map(|listener| listener.inode).collect());
        let family = processes::family(main);
        for listener in new {
            let held = holders.get(&listener.inode).map_or(&[][..], Vec::as_slice);
            let belongs = |process: &Process| {
                family.contains(process) || process.carries(&claim.mark) || is_in_group(claim, *process)
            };
            if held.iter().any(belongs) {
                seen.known.insert(listener.inode);
                continue;
            }
            if held.is_empty() && !is_there(claim, &listener) {
                // Closed meanwhile.
                continue;
            }
            let who = held.first().map_or_else(|| hidden(&listener), |holder| named(*holder));
            // A service may be reached through what it asked others to start.
            let for_it = |holder: &Process| listens_for_others(*holder) || is_in_container(*holder);
            let foreign = match held.iter().find(|holder| !for_it(holder)) {
                Some(holder) => Some(named(*holder)),
                None if !held.is_empty() => None,
                // One of our own user that is there while the service listens nowhere is in its place.
                None if listener.user != own_user() || !listens_nowhere(claim, &family) => None,
                None => Some(who.clone()),
            };
            let at = place(&listener, claim);
            match foreign {
                Some(who) => {
                    seen.foreign = Some(format!(
                        "{who} listens at {at} and does not belong to it, so another server would be tested in its place"
                    ));
                }
                None => {
                    seen.unknown = Some(format!("owner unknown: {who} listens at {at}"));
                    seen.known.insert(listener.inode);
                }
            }
        }
        seen
    }

    fn own_user() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    /// Whether it is sure that no process of a service holds a socket that listens at any port.
    fn listens_nowhere(claim: &Claim, family: &[Process]) -> bool {
        let Ok(all) = listeners::all() else { return false };
        let inodes: HashSet<u64> = all.into_iter().map(|(_, listener)| listener.inode).collect();
        let marked = guard::marked(&claim.mark);
        let grouped = proc::numbers().filter(|pid| claim.group.as_ref().is_some_and(|group| group.holds(*pid)));
        let mut own: HashSet<i32> = family.iter().chain(&marked).map(|process| process.pid).chain(grouped).collect();
        // One that ends meanwhile holds nothing; of one that may not be looked at nothing is sure.
        own.retain(|pid| Process::of(*pid).is_some());
        own.iter().all(|pid| listeners::held(*pid).is_some_and(|held| held.is_disjoint(&inodes)))
    }

    fn overlapping(claim: &Claim) -> Result<Vec<Listener>, String> {
        let mut all = listeners::at(claim.address.port())?;
        all.retain(|listener| listener.overlaps(claim.address.ip()));
        Ok(all)
    }

    fn is_there(claim: &Claim, listener: &Listener) -> bool {
        overlapping(claim).is_ok_and(|there| there.contains(listener))
    }

    /// A service whose memory will be limited is kept in a control group, whatever it makes of itself.
    fn is_in_group(claim: &Claim, process: Process) -> bool {
        claim.group.as_ref().is_some_and(|group| group.holds(process.pid))
    }

    /// By what nobody but root can give a program: a name alone is anybody's choice.
    pub fn listens_for_others(process: Process) -> bool {
        if process.pid == 1 {
            return true;
        }
        let called = proc::name(process.pid);
        called.is_some_and(|name| FOR_OTHERS.contains(&name.as_str()) && is_of_root(process.pid, &[&name]))
    }

    /// Whether a container runtime started it; nothing shows for which service. Anybody can choose a namespace.
    fn is_in_container(process: Process) -> bool {
        proc::ancestors(process.pid).into_iter().any(|above| is_of_root(above, &CONTAINERS))
    }

    /// Whether root or we run one of these programs, and nobody but root could have put that in its place: what anybody may start says
    /// nothing of who did.
    fn is_of_root(pid: i32, programs: &[&str]) -> bool {
        let user = fs::metadata(format!("/proc/{pid}")).map(|found| found.uid());
        let Ok(user) = user else { return false };
        if user != 0 && user != own_user() {
            return false;
        }
        let exe = format!("/proc/{pid}/exe");
        let Ok(path) = fs::read_link(&exe) else {
            // Of another user the name alone is shown, and that of root is believed.
            let is_known = proc::name(pid).is_some_and(|name| programs.contains(&name.as_str()));
            return is_known && user == 0;
        };
        // One that was updated since it was started.
        let file = path.file_name().map(|file| file.to_string_lossy().trim_end_matches(" (deleted)").to_owned());
        let only_of_root = |found: fs::Metadata| found.uid() == 0 && found.mode() & 0o022 == 0;
        file.is_some_and(|file| programs.contains(&file.as_str())) && fs::metadata(&exe).is_ok_and(only_of_root)
    }

    fn named(process: Process) -> String {
        let name = proc::name(process.pid).unwrap_or_default();
        format!("process {} ({})", process.pid, escaped_line(&name))
    }

    fn hidden(listener: &Listener) -> String {
        format!("a process of user {} that is not shown to this one", listener.user)
    }

    fn place(listener: &Listener, claim: &Claim) -> String {
        std::net::SocketAddr::new(listener.ip, claim.address.port()).to_string()
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::{Claim, Seen};
    use crate::guard::Process;
    use std::collections::HashSet;

    pub fn is_free(claim: &Claim) -> Result<(), String> {
        super::can_be_taken(claim)
    }

    pub fn seen(claim: &Claim, _: Process, known: HashSet<u64>) -> Seen {
        let unknown = known
            .is_empty()
            .then(|| format!("owner unknown: who listens at {} is looked at on Linux alone", claim.address));
        Seen { known: HashSet::from([0]), foreign: None, unknown }
    }
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
mod tests {
    use super::*;
    use crate::guard::MARK;
    use rustix::net::{AddressFamily, SocketType, bind, listen, socket, sockopt};
    use std::net::TcpListener;
    use std::os::fd::OwnedFd;
    use std::process::{Child, Command};

    fn sleeper(mark: &str) -> Child {
        Command::new("sleep").arg("60").env(MARK, mark).spawn().unwrap()
    }

    fn claim(address: SocketAddr) -> Claim {
        Claim { address, mark: "run-k/shop".to_owned(), group: None }
    }

    fn free_port() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    /// One that shares its port with any process.
    fn sharing(address: SocketAddr) -> OwnedFd {
        let one = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        sockopt::set_socket_reuseport(&one, true).unwrap();
        bind(&one, &address).unwrap();
        listen(&one, 8).unwrap();
        one
    }

    #[tokio::test]
    async fn whatever_overlaps_the_port_is_refused_by_its_process() {
        let mut tried = 0;
        for ip in ["127.0.0.1", "0.0.0.0", "::1", "::"] {
            let own = free_port();
            assert_eq!(claim(own).is_free().await, Ok(()));
            assert_eq!(can_be_taken(&claim(own)), Ok(()));
            // Not every machine has IPv6.
            let Ok(_held) = TcpListener::bind((ip, own.port())) else { continue };
            let problem = claim(own).is_free().await.unwrap_err();
            assert!(problem.contains(&format!("process {} (", std::process::id())), "{problem}");
            assert!(problem.contains(&SocketAddr::new(ip.parse().unwrap(), own.port()).to_string()), "{problem}");
            assert!(can_be_taken(&claim(own)).is_err() || ip.contains(':'));
            tried += 1;
        }
        assert!(tried >= 2);
        let own = free_port();
        let _held = sharing(own);
        assert!(claim(own).is_free().await.unwrap_err().contains("listens at"));
        let other = TcpListener::bind("127.0.0.2:0").unwrap();
        let beside = SocketAddr::new(own.ip(), other.local_addr().unwrap().port());
        assert_eq!(claim(beside).is_free().await, Ok(()), "nobody who asks this address gets there");
    }

    #[tokio::test]
    async fn who_shares_the_port_of_a_service_is_foreign_unless_it_is_of_its_family() {
        let mut main = sleeper("run-k run-k/shop");
        let process = Process::of(main.id() as i32).unwrap();
        let own = free_port();
        let _one = sharing(own);
        let foreign = claim(own).seen(process, HashSet::new()).await.foreign.unwrap();
        assert!(foreign.contains(&format!("process {} (", std::process::id())), "{foreign}");
        // This process itself is the main one.
        let ours = Process::this().unwrap();
        let seen = claim(own).seen(ours, HashSet::new()).await;
        assert_eq!((&seen.foreign, &seen.unknown, seen.known.len()), (&None, &None, 1));
        // What is known is not asked for again, and one that comes later is.
        let again = claim(own).seen(process, seen.known.clone()).await;
        assert_eq!(again, seen);
        let _other = sharing(own);
        assert!(claim(own).seen(process, seen.known).await.foreign.is_some());
        main.kill().unwrap();
        main.wait().unwrap();
    }

    #[tokio::test]
    async fn where_nobody_is_seen_to_listen_the_owner_is_unknown() {
        let seen = claim(free_port()).seen(Process::this().unwrap(), HashSet::new()).await;
        assert!(seen.foreign.is_none() && seen.unknown.unwrap().contains("owner unknown"));
    }

    #[test]
    fn who_listens_for_others_is_known_by_a_program_of_root() {
        use std::os::unix::fs::{PermissionsExt, chown};
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("pasta");
        std::fs::copy("/bin/sh", &path).unwrap();
        let is_root = rustix::process::geteuid().is_root();
        let started = |mut waits: Command| {
            let mut child = waits.args(["-c", "read line"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
            let known = system::listens_for_others(Process::of(child.id() as i32).unwrap());
            child.kill().unwrap();
            child.wait().unwrap();
            known
        };
        let is_known = |path: &std::path::Path| started(Command::new(path));
        let mode = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        mode(0o755);
        assert_eq!(is_known(&path), is_root);
        mode(0o775);
        assert!(!is_known(&path), "others may write it");
        mode(0o755);
        let other = place.path().join("systemd");
        std::os::unix::fs::symlink(&path, &other).unwrap();
        assert!(!is_known(&other), "it is called so, and is another program");
        if is_root {
            use std::os::unix::process::CommandExt;
            std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o755)).unwrap();
            let mut by_another = Command::new(&path);
            by_another.uid(65_534).gid(65_534);
            assert!(!started(by_another), "anybody may start it");
            chown(&path, Some(65_534), None).unwrap();
            assert!(!is_known(&path), "it is of somebody else");
        }
    }
}
