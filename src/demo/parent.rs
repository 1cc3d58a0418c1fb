//! The shop's end with its parent: an experiment that is killed leaves no shop behind.

use super::Error;
use std::io;

pub fn end_with(parent: u32) -> Result<(), Error> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .map_err(|errno| Error::System(errno.into()))?;
    // The parent may have ended before the signal was asked for.
    #[cfg(unix)]
    if rustix::process::getppid().map(|pid| i64::from(pid.as_raw_pid())) != Some(i64::from(parent)) {
        return Err(Error::Orphan { parent });
    }
    std::thread::Builder::new()
        .name("parent".to_owned())
        .spawn(|| {
            // The parent holds the other end, and only its end closes it. An unreadable input says the same.
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            std::process::exit(0);
        })
        .map_err(Error::System)?;
    Ok(())
}
