//! The port of a service: nobody's before it is started, its own once it is ready. Otherwise somebody else would be tested in its
//! place.

use crate::guard::Process;
use crate::inputs::groups::Group;
use std::collections::HashSet;
use std::net::SocketAddr;

/// What a service listens at, and by what its processes are known.
#[derive(Debug, Clone)]
pub struct Claim {
    pub address: SocketAddr,
    pub mark: String,
    pub group: Option<Group>,
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
    use crate::guard::{Process, proc};
    use crate::run::watch::listeners;
    use crate::run::watch::listeners::Listener;
    use crate::run::watch::processes;
    use std::collections::HashSet;
    use std::fs;

    /// Programs that listen for others, whom they have not started.
    const FOR_OTHERS: [&str; 6] = ["docker-proxy", "rootlessport", "rootlesskit", "slirp4netns", "pasta", "systemd"];

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
            "{who} listens at {} already, so somebody else would be tested in its place; end that process, or give the service \
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
            } else if let Some(holder) = held.iter().find(|process| !listens_for_others(**process)) {
                seen.foreign = Some(format!(
                    "{} listens at {} and does not belong to it, so somebody else would be tested in its place",
                    named(*holder),
                    place(&listener, claim)
                ));
            } else if held.is_empty() && !is_there(claim, &listener) {
                // Closed meanwhile.
            } else {
                let who = held.first().map_or_else(|| hidden(&listener), |holder| named(*holder));
                let text = format!("owner unknown: {who} listens at {}", place(&listener, claim));
                seen.unknown = Some(text);
                seen.known.insert(listener.inode);
            }
        }
        seen
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

    /// Some of another namespace are shown to root, and nobody tells to whom they belong.
    fn listens_for_others(process: Process) -> bool {
        let space = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
        let (own, its) = (space("self"), space(&process.pid.to_string()));
        let name = proc::name(process.pid).unwrap_or_default();
        process.pid == 1 || FOR_OTHERS.contains(&name.as_str()) || (own.is_some() && own != its)
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

    /// One that shares its port with whoever wants to.
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
}
