//! The fast path for large unchanged transfers: the kernel moves bytes from socket to socket through a pipe.

#[cfg(target_os = "linux")]
pub use linux::Pipe;
#[cfg(not(target_os = "linux"))]
pub use other::Pipe;

#[cfg(target_os = "linux")]
mod linux {
    use rustix::fd::OwnedFd;
    use rustix::io::Errno;
    use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
    use std::io;
    use std::task::{Context, Poll};
    use tokio::io::Interest;
    use tokio::net::TcpStream;

    /// As much as a user may ask for without being asked back.
    const SIZE: usize = 1 << 20;
    /// Moves that brought less than a buffer, until the pipe is given back: two descriptors are worth much data alone.
    const SMALL: u32 = 64;

    pub struct Pipe {
        read: OwnedFd,
        write: OwnedFd,
        size: usize,
        /// What is in it.
        held: usize,
        /// What may still go through it, and what was taken in.
        left: u64,
        pub taken: u64,
        small: u32,
    }

    impl Pipe {
        /// `None` where the system gives none, which costs nothing but the short cut.
        pub fn open(left: u64) -> Option<Pipe> {
            let (read, write) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC).ok()?;
            let size = fcntl_setpipe_size(&write, SIZE).unwrap_or(64 << 10);
            Some(Pipe { read, write, size, held: 0, left, taken: 0, small: 0 })
        }

        /// Moves what there is. `false` where the plain way is as good from here on; then the pipe is empty.
        pub fn pump(&mut self, from: &TcpStream, to: &TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
            let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
            loop {
                while self.held > 0 {
                    std::task::ready!(to.poll_write_ready(cx))?;
                    let moved = to.try_io(Interest::WRITABLE, || {
                        splice(&self.read, None, to, None, self.held, flags).map_err(io::Error::from)
                    });
                    match moved {
                        Ok(0) => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
                        Ok(moved) => self.held -= moved,
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        Err(error) => return Poll::Ready(Err(error)),
                    }
                }
                if self.small >= SMALL || self.left == 0 {
                    return Poll::Ready(Ok(false));
                }
                std::task::ready!(from.poll_read_ready(cx))?;
                let most = self.left.min(self.size as u64) as usize;
                let moved = from.try_io(Interest::READABLE, || {
                    splice(from, None, &self.write, None, most, flags).map_err(io::Error::from)
                });
                match moved {
                    // The end, which the plain way sees again.
                    Ok(0) => return Poll::Ready(Ok(false)),
                    Ok(moved) => {
                        self.held = moved;
                        self.left -= moved as u64;
                        self.taken += moved as u64;
                        self.small = if moved < crate::run::proxy::path::BUFFER { self.small + 1 } else { 0 };
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    // Not every socket can.
                    Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => return Poll::Ready(Ok(false)),
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
        }

        /// Takes out what is in it.
        pub fn drain(self, mut keep: impl FnMut(&[u8])) {
            let mut buffer = vec![0; self.held];
            let mut rest = buffer.as_mut_slice();
            let mut got = 0;
            while let Ok(read) = rustix::io::read(&self.read, &mut *rest) {
                if read == 0 || rest.is_empty() {
                    break;
                }
                got += read;
                rest = &mut rest[read..];
            }
            keep(&buffer[..got]);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::io;
    use std::task::{Context, Poll};
    use tokio::net::TcpStream;

    /// There is none elsewhere.
    pub struct Pipe {
        pub taken: u64,
    }

    impl Pipe {
        pub fn open(_: u64) -> Option<Pipe> {
            None
        }

        pub fn pump(&mut self, _: &TcpStream, _: &TcpStream, _: &mut Context<'_>) -> Poll<io::Result<bool>> {
            Poll::Ready(Ok(false))
        }

        pub fn drain(self, _: impl FnMut(&[u8])) {}
    }
}
