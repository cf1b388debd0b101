//! The system calls that the standard library has no use for.

use anyhow::{Context, Error, Result, ensure};
use rustix::fs::{
    AtFlags, CWD, MemfdFlags, Mode, OFlags, RenameFlags, ResolveFlags, memfd_create, openat,
    openat2 as open_resolved, renameat_with, unlinkat as unlink_at,
};
use rustix::process::{Pid, Signal};
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A folder that names are relative to.
pub fn folder(path: &OsStr) -> Result<OwnedFd> {
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
pub fn exec(file: impl AsFd, argv: &[&OsStr]) -> Error {
    let path = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
    let name = argv.first().copied().unwrap_or_default();
    let rest = argv.iter().skip(1);
    Command::new(path).arg0(name).args(rest).exec().into()
}

/// A file or folder, opened only to be named.
pub fn handle(path: &OsStr) -> Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::empty()).with_context(|| format!("cannot open {path:?}"))
}

/// Becomes a program by execveat(2): one in a folder, or, without a name, an open one itself.
pub fn execveat(start: impl AsFd, name: &OsStr, argv: &[&OsStr]) -> Error {
    let attempt = || -> Result<Error> {
        let flags = match name.is_empty() {
            true => libc::AT_EMPTY_PATH,
            false => 0,
        };
        let name = CString::new(name.as_bytes())?;
        let argv: Vec<CString> = argv
            .iter()
            .map(|arg| CString::new(arg.as_bytes()))
            .collect::<Result<_, _>>()?;
        let mut pointers: Vec<*const libc::c_char> = argv.iter().map(|arg| arg.as_ptr()).collect();
        pointers.push(std::ptr::null());
        let environment = [std::ptr::null::<libc::c_char>()];
        // SAFETY: both lists end with a null pointer, every text with a NUL, and all of them live
        // until the call is over.
        unsafe {
            libc::syscall(
                libc::SYS_execveat,
                start.as_fd().as_raw_fd(),
                name.as_ptr(),
                pointers.as_ptr(),
                environment.as_ptr(),
                flags,
            );
        }
        Ok(io::Error::last_os_error().into())
    };
    attempt().unwrap_or_else(|error| error)
}

/// fork(2): does something in a child, to its end.
pub fn in_child(act: impl FnOnce() -> Result<()>) -> Result<()> {
    // SAFETY: the trigger has a single thread, so that its copy can go on as if it were it.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error().into()),
        0 => {
            let code = match act() {
                Ok(()) => 0,
                Err(error) => {
                    eprintln!("trigger: in the child: {error:#}");
                    1
                }
            };
            std::process::exit(code)
        }
        child => {
            let child = Pid::from_raw(child);
            let end = rustix::process::waitpid(child, rustix::process::WaitOptions::empty())?;
            let code = end.and_then(|(_, status)| status.exit_status());
            ensure!(code == Some(0), "the child ended with {code:?}");
            Ok(())
        }
    }
}

/// fork(2): so many children at a time that do nothing, until a file appears; then they end. Makes
/// another file when all are there.
pub fn crowd(count: u64, ready: &OsStr, end: &OsStr) -> Result<()> {
    let mut children = Vec::new();
    for _ in 0..count {
        // SAFETY: the trigger has a single thread; the child only waits for a signal.
        match unsafe { libc::fork() } {
            -1 => break,
            0 => loop {
                // SAFETY: pause(2) has no preconditions.
                unsafe { libc::pause() };
            },
            child => children.extend(Pid::from_raw(child)),
        }
    }
    let made = children.len() as u64;
    let waited = File::create_new(ready).map_err(Error::from).map(|_| {
        while !Path::new(end).exists() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    for child in children {
        rustix::process::kill_process(child, Signal::KILL)?;
        rustix::process::waitpid(Some(child), rustix::process::WaitOptions::empty())?;
    }
    waited?;
    ensure!(made == count, "{made} children of {count}");
    Ok(())
}
