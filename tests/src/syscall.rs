//! The system calls that the standard library has no use for.

use anyhow::{Context, Error, Result};
use rustix::fs::{
    AtFlags, CWD, MemfdFlags, Mode, OFlags, RenameFlags, ResolveFlags, memfd_create, openat,
    openat2 as open_resolved, renameat_with, unlinkat as unlink_at,
};
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

fn folder(path: &OsStr) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::empty()).with_context(|| format!("cannot open {path:?}"))
}

/// creat(2), which on machines without it is an open.
pub fn creat(path: &OsStr) -> Result<()> {
    let path = CString::new(path.as_bytes())?;
    // SAFETY: the path ends with a NUL and lives until the call is over.
    match unsafe { libc::creat(path.as_ptr(), 0o644) } {
        -1 => Err(io::Error::last_os_error().into()),
        // It is open until this process ends, which is soon.
        _ => Ok(()),
    }
}

/// openat2(2), making the file.
pub fn openat2(path: &OsStr, name: &OsStr) -> Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o644);
    open_resolved(folder(path)?, name, flags, mode, ResolveFlags::BENEATH)?;
    Ok(())
}

/// unlinkat(2), of a file or a folder.
pub fn unlinkat(path: &OsStr, name: &OsStr, flags: AtFlags) -> Result<()> {
    Ok(unlink_at(folder(path)?, name, flags)?)
}

/// renameat2(2), which does not replace.
pub fn renameat2(from: (&OsStr, &OsStr), to: (&OsStr, &OsStr)) -> Result<()> {
    let (old, new) = (folder(from.0)?, folder(to.0)?);
    Ok(renameat_with(
        old,
        from.1,
        new,
        to.1,
        RenameFlags::NOREPLACE,
    )?)
}

/// A copy of a file in a memory file.
pub fn memory(path: &OsStr) -> Result<File> {
    let mut copy = File::from(memfd_create("copy", MemfdFlags::CLOEXEC)?);
    io::copy(&mut File::open(path)?, &mut copy)?;
    Ok(copy)
}

/// Becomes the program in an open file, by the one name that it has left.
pub fn exec(file: impl AsFd, name: &OsStr) -> Error {
    let path = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
    Command::new(path).arg0(name).exec().into()
}
