//! Acts by io_uring: no system call does them.

use super::lacking;
use super::sockets::{self, Name};
use anyhow::{Context, Result, bail};
use io_uring::{IoUring, opcode, squeue, types};
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

/// A ring; a kernel without is a lack.
fn ring(polled: bool) -> Result<IoUring> {
    let mut builder = IoUring::builder();
    if polled {
        builder.setup_sqpoll(1000);
    }
    match builder.build(4) {
        Ok(ring) => Ok(ring),
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => Err(lacking("io_uring")),
        Err(error) => Err(error).context("io_uring_setup"),
    }
}

/// Does one thing and waits for its end, which may be a bad one.
fn done(ring: &mut IoUring, entry: &squeue::Entry) -> Result<()> {
    // SAFETY: what the entry points to is the caller's, who waits here until it is done.
    unsafe { ring.submission().push(entry) }.context("no room in the ring")?;
    ring.submit_and_wait(1).context("io_uring_enter")?;
    ring.completion().next().context("nothing was done")?;
    Ok(())
}

/// Connects a TCP socket: in the caller's context, by a worker, or by the kernel's own thread.
pub fn connect(to: SocketAddr, how: &OsStr) -> Result<()> {
    let (polled, flags) = match how.to_str() {
        Some("inline") => (false, squeue::Flags::empty()),
        Some("worker") => (false, squeue::Flags::ASYNC),
        Some("polled") => (true, squeue::Flags::empty()),
        _ => bail!("inline, worker or polled"),
    };
    let name = Name::of(to);
    let socket = sockets::socket(name.family(), libc::SOCK_STREAM, 0)?;
    let entry = opcode::Connect::new(types::Fd(socket.as_raw_fd()), name.as_ptr(), name.len())
        .build()
        .flags(flags);
    done(&mut ring(polled)?, &entry)
}
