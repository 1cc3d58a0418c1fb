//! A file that is only appended to. If a write fails, the data waits in memory for the next try, so a disk that was full for a
//! while loses nothing.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// What waits beyond this is given up: memory is needed for the run.
const WAITING: usize = 64 << 20;

/// What is made is the user's alone, whatever the umask says: a record holds what answers said.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

pub struct Appender {
    file: File,
    waiting: Vec<u8>,
    /// Given up: a later part without an earlier one would be read as something else.
    lost: bool,
}

impl Appender {
    /// A new file: what is there is neither followed nor appended to.
    pub fn create(path: &Path) -> io::Result<Appender> {
        let file = private(OpenOptions::new().create_new(true).append(true)).open(path)?;
        Ok(Appender { file, waiting: Vec::new(), lost: false })
    }

    /// Takes lines over, to be written by the next flush.
    pub fn add(&mut self, lines: &[u8]) {
        self.lost |= self.waiting.len() + lines.len() > WAITING;
        if !self.lost {
            self.waiting.extend_from_slice(lines);
        }
    }

    /// Writes what waits, as far as there is room.
    pub fn flush(&mut self) -> io::Result<()> {
        let mut written = 0;
        let mut result = Ok(());
        while written < self.waiting.len() && result.is_ok() {
            match self.file.write(&self.waiting[written..]) {
                Ok(0) => result = Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => result = Err(error),
            }
        }
        self.waiting.drain(..written);
        match result {
            Ok(()) if self.lost => {
                Err(io::Error::other("more was measured than could wait in memory for room on the disk; that is lost"))
            }
            result => result,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may panic.
    use super::*;

    #[test]
    fn what_is_refused_waits_and_is_given_up_at_a_bound() {
        let Ok(full) = OpenOptions::new().append(true).open("/dev/full") else { return };
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut log = Appender::create(&path).unwrap();
        log.add(b"one\n");
        log.flush().unwrap();
        let disk = std::mem::replace(&mut log.file, full);
        log.add(b"two\n");
        assert_eq!(log.flush().unwrap_err().kind(), io::ErrorKind::StorageFull);
        log.add(b"three\n");
        assert!(log.flush().is_err());
        let full = std::mem::replace(&mut log.file, disk);
        log.flush().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"one\ntwo\nthree\n");
        let disk = std::mem::replace(&mut log.file, full);
        for _ in 0..70 {
            log.add(&[b'x'; 1 << 20]);
            assert!(log.flush().is_err());
        }
        assert_eq!(log.waiting.len(), WAITING);
        log.file = disk;
        assert!(log.flush().unwrap_err().to_string().contains("lost"));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 14 + WAITING as u64);
    }
}
