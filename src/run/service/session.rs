//! What a process does before it becomes the program of a service or a command, in a process of this program that nothing else runs in
//! yet. A `fork` of the run itself would copy the tables of all its memory, and what its workers write next would wait for that.
//!
//! The program gets a session of its own, which has no terminal: nobody can type into that of the run, and what is typed there does not reach
//! it. Of what the run has open it gets standard input, output and error alone. As another user it gets no key that the run holds
//! either, and can never become root by a program that makes others root.
//!
//! What a file gives the program as variables, such as `LD_PRELOAD`, is for the program alone: until then it stands under other names, which mean
//! nothing to the loader of this one.

use super::group::Account;
use crate::guard;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Before the number of the system's error, where the program could not be started; anything else is a reason in words.
const NUMBER: &str = "os error ";
/// Before what is told, since others write to standard error as well, such as the loader of programs.
const TOLD: &str = "stressc could not start it: ";

/// Before the names of the variables of the program, while this program is not it yet.
const OF_PROGRAM: &str = "STRESSC_OF_PROGRAM:";
/// In this time a process has become its program, or it never will.
const PATIENCE: Duration = Duration::from_secs(10);

/// The name from which [`become_program`] takes a variable of the program.
pub fn of_program(name: &str) -> String {
    format!("{OF_PROGRAM}{name}")
}

/// Becomes the program, which writes its errors to standard output too. Returns only where that cannot be done, which has then been told to
/// whoever reads standard error until then.
pub fn become_program(program: &OsStr, arguments: &[OsString], user: Option<Account>) {
    // Closed when it has become the program: so who reads it knows.
    let Ok(told) = io::stderr().as_fd().try_clone_to_owned() else { return };
    let why = match prepared(user) {
        Ok(output) => {
            let mut command = Command::new(program);
            command.args(arguments).stderr(output);
            for (own, value) in std::env::vars_os() {
                let Some(name) = own.as_bytes().strip_prefix(OF_PROGRAM.as_bytes()) else { continue };
                command.env_remove(&own);
                // By its mark what was started is found again.
                if name != guard::MARK.as_bytes() {
                    command.env(OsStr::from_bytes(name), value);
                }
            }
            if let Some(user) = user {
                command.uid(user.id).gid(user.group);
            }
            let error = command.exec();
            error.raw_os_error().map_or_else(|| error.to_string(), |number| format!("{NUMBER}{number}"))
        }
        Err((what, error)) => format!("{what}: {error}"),
    };
    // Whoever does not read it any more has ended.
    let _ = writeln!(File::from(told), "{TOLD}{why}");
}

type Syscall<T> = Result<T, (&'static str, io::Error)>;

/// Gives what its errors go to.
fn prepared(user: Option<Account>) -> Syscall<Stdio> {
    rustix::process::setsid().map_err(|error| ("it gets no session of its own", error.into()))?;
    close_the_rest().map_err(|error| ("what is open cannot be kept from it", error))?;
    if user.is_some() {
        #[cfg(target_os = "linux")]
        {
            without_keys().map_err(|error| ("it gets no keyring of its own", error))?;
            rustix::thread::set_no_new_privs(true)
                .map_err(|error| ("it cannot be kept from becoming root", error.into()))?;
        }
    }
    let output = io::stdout().as_fd().try_clone_to_owned();
    output.map(Stdio::from).map_err(|error| ("what it writes cannot be kept", error))
}

/// All but standard input, output and error is closed when this becomes another program.
fn close_the_rest() -> io::Result<()> {
    use rustix::io::{Errno, FdFlags, fcntl_setfd};
    const OPEN: &str = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    // All of them before any is looked at: the directory itself is one, and closed by then.
    let names: Vec<OsString> =
        std::fs::read_dir(OPEN)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<_>>()?;
    for number in names.iter().filter_map(|name| name.to_str()?.parse().ok()).filter(|number| *number > 2) {
        #[expect(unsafe_code, reason = "it was inherited, so nothing here owns it; it is neither kept nor closed")]
        let inherited = unsafe { BorrowedFd::borrow_raw(number) };
        match fcntl_setfd(inherited, FdFlags::CLOEXEC) {
            Ok(()) | Err(Errno::BADF) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// A session keyring stays with a process whatever its user: the new one is empty.
#[cfg(target_os = "linux")]
fn without_keys() -> io::Result<()> {
    use rustix::io::Errno;
    #[expect(unsafe_code, reason = "rustix has no keyctl; by this call the kernel reads and writes no memory of ours")]
    let joined =
        unsafe { libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, std::ptr::null::<libc::c_char>()) };
    match joined {
        -1 => match io::Error::last_os_error() {
            // A kernel without keys, or a container that lets nobody in it get to any.
            error if matches!(Errno::from_io_error(&error), Some(Errno::NOSYS | Errno::PERM)) => Ok(()),
            error => Err(error),
        },
        _ => Ok(()),
    }
}

/// Reads a report from a pipe, and gives up if nothing comes for too long.
pub struct Told {
    pipe: PipeReader,
    until: Instant,
}

impl Told {
    pub fn new(pipe: PipeReader) -> Told {
        Told { pipe, until: Instant::now() + PATIENCE }
    }
}

impl Read for Told {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        use rustix::event::{PollFd, PollFlags, poll};
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            let left = left.try_into().map_err(io::Error::other)?;
            match poll(&mut [PollFd::new(&self.pipe, PollFlags::IN)], Some(&left)) {
                Ok(0) => {
                    let seconds = PATIENCE.as_secs();
                    let why = format!("it was not ready to be started after {seconds}s");
                    return Err(io::Error::new(io::ErrorKind::TimedOut, why));
                }
                Ok(_) => return self.pipe.read(into),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Waits until a process has become its program, or why it has not.
pub fn became(mut told: impl Read, mut log: impl Write) -> io::Result<()> {
    let mut bytes = Vec::new();
    told.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let (others, why) = match text.rfind(TOLD) {
        Some(at) => (&text[..at], Some(text[at + TOLD.len()..].trim_end())),
        None => (&*text, None),
    };
    log.write_all(others.as_bytes())?;
    match why {
        None => Ok(()),
        Some(why) => Err(match why.strip_prefix(NUMBER).and_then(|number| number.parse().ok()) {
            Some(number) => io::Error::from_raw_os_error(number),
            None => io::Error::other(why.to_owned()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_it_did_not_become_the_program_is_told_apart_from_what_others_write() {
        let told = |text: &str| {
            let mut log = Vec::new();
            let result = became(text.as_bytes(), &mut log).map_err(|error| (error.kind(), error.to_string()));
            (result, String::from_utf8_lossy(&log).into_owned())
        };
        assert_eq!(told(""), (Ok(()), String::new()));
        let loader = "ld.so: object 'x' cannot be preloaded\n";
        assert_eq!(told(loader), (Ok(()), loader.to_owned()));
        let (result, log) = told(&format!("{loader}{TOLD}{NUMBER}2\n"));
        assert_eq!((result.map_err(|(kind, _)| kind), log.as_str()), (Err(io::ErrorKind::NotFound), loader));
        let (result, _) = told(&format!("{TOLD}it gets no keyring of its own: full\n"));
        assert_eq!(result, Err((io::ErrorKind::Other, "it gets no keyring of its own: full".to_owned())));
    }
}
