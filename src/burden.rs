//! The process that takes processor time, memory or disk space, for a fault on the machine. It reports when it has taken it, and
//! ends with the process that holds its standard input.

use crate::base::floors;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

/// How often it looks whether there is more or less to take.
const PAUSE: Duration = Duration::from_millis(50);

/// Before anything is taken: who is killed first where memory runs out, and whose end is ours.
fn prepare() -> io::Result<()> {
    // Other systems have no such order.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    std::thread::Builder::new().name("lifeline".to_owned()).spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    })?;
    Ok(())
}

fn ready() -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(b"taken\n")?;
    out.flush()
}

pub fn cpu(cores: u64) -> io::Result<()> {
    prepare()?;
    for _ in 0..cores {
        std::thread::Builder::new().spawn(|| {
            let mut number = 0u64;
            loop {
                number = std::hint::black_box(number.wrapping_mul(3).wrapping_add(1));
            }
        })?;
    }
    ready()?;
    loop {
        std::thread::sleep(PAUSE);
    }
}

/// Takes memory until so much is available, and follows what others take and give back.
pub fn memory(leave: u64) -> io::Result<()> {
    const CHUNK: u64 = 8 << 20;
    prepare()?;
    let leave = leave.max(floors::MEMORY);
    let mut system = sysinfo::System::new().map_err(io::Error::other)?;
    let mut taken: Vec<Vec<u8>> = Vec::new();
    let mut is_told = false;
    loop {
        system.refresh_memory();
        let available = system.available_memory();
        if available >= leave + CHUNK {
            // Written to, so that it is really there.
            taken.push(vec![0xa5; CHUNK as usize]);
            continue;
        }
        // What comes and goes by itself is not run after.
        if available + CHUNK < leave && taken.pop().is_some() {
            continue;
        }
        if !std::mem::replace(&mut is_told, true) {
            ready()?;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Makes a file as large as leaves so much free, and follows what others take and give back.
#[cfg(unix)]
pub fn disk(file: &Path, leave: u64) -> io::Result<()> {
    /// Smaller steps are not worth a change.
    const STEP: u64 = 1 << 20;
    prepare()?;
    let leave = leave.max(floors::DISK);
    let mut options = std::fs::OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create_new(true), 0o600);
    let out = options.open(file)?;
    let (mut size, mut is_told) = (0, false);
    loop {
        let found = rustix::fs::fstatvfs(&out)?;
        let available = found.f_bavail * found.f_frsize;
        if available >= leave + STEP {
            size += grow(&out, size, available - leave)?;
        } else if available + STEP < leave && size > 0 {
            size = size.saturating_sub(leave - available);
            out.set_len(size)?;
        }
        if !std::mem::replace(&mut is_told, true) {
            ready()?;
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(not(unix))]
pub fn disk(_: &Path, _: u64) -> io::Result<()> {
    Err(io::Error::other("this version fills disks on Linux and macOS alone"))
}

/// Room is reserved where the file system can do that, and written to elsewhere.
#[cfg(unix)]
fn grow(mut out: &std::fs::File, size: u64, more: u64) -> io::Result<u64> {
    const WRITTEN: u64 = 8 << 20;
    #[cfg(target_os = "linux")]
    match rustix::fs::fallocate(out, rustix::fs::FallocateFlags::empty(), size, more) {
        Ok(()) => return Ok(more),
        // Somebody else was quicker: there is another look.
        Err(rustix::io::Errno::NOSPC) => return Ok(0),
        Err(rustix::io::Errno::OPNOTSUPP) => {}
        Err(error) => return Err(error.into()),
    }
    let part = more.min(WRITTEN);
    io::Seek::seek(&mut out, io::SeekFrom::Start(size))?;
    out.write_all(&vec![0xa5; part as usize])?;
    Ok(part)
}
