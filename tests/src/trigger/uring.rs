//! Acts by io_uring: no system call does them.

use super::lacking;
use super::sockets::{self, Name};
use anyhow::{Context, Result, bail};
use io_uring::{IoUring, opcode, squeue, types};
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;

/// A ring; a kernel without is a lack.
fn ring(polled: bool) -> Result<IoUring> {
    let mut builder = IoUring::builder();
    if polled {
        builder.setup_sqpoll(1000);
    }
    match builder.build(4) {
        Ok(ring) => Ok(ring),
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => Err(lacking("io_uring")),
        // A privilege up to Linux 5.12.
        Err(error) if polled && error.raw_os_error() == Some(libc::EPERM) => {
            Err(lacking("polled rings for everybody"))
        }
        Err(error) => Err(error).context("io_uring_setup"),
    }
}

/// Does one thing and waits for its end, which may be a bad one: answers its result.
fn done(ring: &mut IoUring, entry: &squeue::Entry) -> Result<i32> {
    // SAFETY: what the entry points to is the caller's, who waits here until it is done.
    unsafe { ring.submission().push(entry) }.context("no room in the ring")?;
    ring.submit_and_wait(1).context("io_uring_enter")?;
    let end = ring.completion().next().context("nothing was done")?;
    Ok(end.result())
}

/// Does one thing, which must succeed.
fn succeed(entry: &squeue::Entry) -> Result<()> {
    match done(&mut ring(false)?, entry)? {
        error if error < 0 => Err(io::Error::from_raw_os_error(-error).into()),
        _ => Ok(()),
    }
}

/// Makes a file by opening it. It is open until this process ends, which is soon.
pub fn create(path: &OsStr) -> Result<()> {
    let path = CString::new(path.as_bytes())?;
    let entry = opcode::OpenAt::new(types::Fd(libc::AT_FDCWD), path.as_ptr())
        .flags(libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL)
        .mode(0o644)
        .build();
    succeed(&entry)
}

/// Writes an open file.
pub fn write(file: &File) -> Result<()> {
    let bytes = b"12345678";
    succeed(&opcode::Write::new(types::Fd(file.as_raw_fd()), bytes.as_ptr(), 8).build())
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
    done(&mut ring(polled)?, &entry).map(drop)
}
