//! System calls on files that the standard library has no use for.

use super::lacking;
use super::syscall::folder;
use anyhow::{Context, Result, bail, ensure};
use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, RenameFlags, XattrFlags, chmodat, chownat,
    copy_file_range, fremovexattr, fsetxattr, linkat, lremovexattr, lsetxattr, makedev,
    mkdirat as make_at, mknodat, open, removexattr as remove_attribute, renameat_with, sendfile,
    setxattr as set_attribute, symlinkat as symlink_at,
};
use rustix::io::Errno;
use std::ffi::{CString, OsStr};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What a call answered below 0, as an error.
pub(super) fn checked(answer: libc::c_long) -> io::Result<libc::c_long> {
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(answer)
}

/// renameat2(2).
pub fn rename(flags: &OsStr, from: &OsStr, to: &OsStr) -> Result<()> {
    let flags = match flags.to_str() {
        Some("exchange") => RenameFlags::EXCHANGE,
        Some("whiteout") => RenameFlags::WHITEOUT,
        _ => bail!("no such rename: {flags:?}"),
    };
    match renameat_with(CWD, from, CWD, to, flags) {
        Err(Errno::INVAL) => Err(lacking("a file system that knows this rename")),
        other => Ok(other?),
    }
}

/// open(2) with O_TMPFILE.
pub fn unnamed(path: &OsStr) -> Result<File> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    match open(path, flags, Mode::from_raw_mode(0o644)) {
        Ok(file) => Ok(file.into()),
        Err(Errno::OPNOTSUPP | Errno::ISDIR) => {
            Err(lacking("a file system that knows files without a name"))
        }
        Err(error) => Err(error.into()),
    }
}

/// linkat(2), of an open file.
pub fn link(how: &OsStr, file: &File, to: &OsStr) -> Result<()> {
    let proc = format!("/proc/self/fd/{}", file.as_raw_fd());
    let done = match how.to_str() {
        Some("proc") => linkat(CWD, proc, CWD, to, AtFlags::SYMLINK_FOLLOW),
        Some("empty") => linkat(file, "", CWD, to, AtFlags::EMPTY_PATH),
        _ => bail!("no such link: {how:?}"),
    };
    Ok(done?)
}

/// symlinkat(2).
pub fn symlinkat(text: &OsStr, path: &OsStr, name: &OsStr) -> Result<()> {
    Ok(symlink_at(text, folder(path)?, name)?)
}

/// mkdirat(2).
pub fn mkdirat(path: &OsStr, name: &OsStr) -> Result<()> {
    Ok(make_at(folder(path)?, name, Mode::from_raw_mode(0o755))?)
}

/// mknod(2).
pub fn mknod(kind: &OsStr, path: &OsStr) -> Result<()> {
    let (kind, device) = match kind.to_str() {
        Some("fifo") => (FileType::Fifo, 0),
        Some("file") => (FileType::RegularFile, 0),
        // That of /dev/null.
        Some("device") => (FileType::CharacterDevice, makedev(1, 3)),
        _ => bail!("no such file: {kind:?}"),
    };
    Ok(mknodat(
        CWD,
        path,
        kind,
        Mode::from_raw_mode(0o644),
        device,
    )?)
}

/// truncate(2).
pub fn truncate(path: &OsStr) -> Result<()> {
    let path = CString::new(path.as_bytes())?;
    // SAFETY: the path ends with a NUL and lives until the call is over.
    checked(unsafe { libc::truncate(path.as_ptr(), 0) }.into())?;
    Ok(())
}

/// open(2) for reading, which cuts the file.
pub fn open_truncate(path: &OsStr) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::TRUNC | OFlags::CLOEXEC;
    open(path, flags, Mode::empty())?;
    ensure!(fs::metadata(path)?.len() == 0, "it was not cut");
    Ok(())
}

/// fchmodat(2).
pub fn fchmodat(path: &OsStr, name: &OsStr) -> Result<()> {
    let mode = Mode::from_raw_mode(0o600);
    Ok(chmodat(folder(path)?, name, mode, AtFlags::empty())?)
}

/// fchmodat2(2) of an open file itself.
pub fn fchmodat2(path: &OsStr) -> Result<()> {
    /// The same number on all machines.
    const FCHMODAT2: libc::c_long = 452;
    let file = super::syscall::handle(path)?;
    // SAFETY: the text is a constant that ends with a NUL.
    let answer = unsafe {
        libc::syscall(
            FCHMODAT2,
            file.as_raw_fd(),
            c"".as_ptr(),
            0o444,
            libc::AT_EMPTY_PATH,
        )
    };
    match checked(answer) {
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => {
            Err(lacking("fchmodat2, since Linux 6.6"))
        }
        other => Ok(other.map(drop)?),
    }
}

/// fchownat(2) of an open file itself.
pub fn fchownat(path: &OsStr) -> Result<()> {
    let file = super::syscall::handle(path)?;
    Ok(chownat(
        file,
        "",
        None,
        Some(Gid::ROOT),
        AtFlags::EMPTY_PATH,
    )?)
}

/// A value that an attribute of this name may have.
fn value(name: &OsStr) -> Vec<u8> {
    match name.to_str() {
        // struct vfs_cap_data of version 2: no capability at all.
        Some("security.capability") => [0x0200_0000u32, 0, 0, 0, 0]
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect(),
        // Version 2, then tag, permissions and id: owner, group and others as a mode has them.
        Some("system.posix_acl_access") => {
            let mut value = 2u32.to_le_bytes().to_vec();
            for tag in [0x01u16, 0x04, 0x20] {
                value.extend(tag.to_le_bytes());
                value.extend(6u16.to_le_bytes());
                value.extend(u32::MAX.to_le_bytes());
            }
            value
        }
        _ => b"lapwing".to_vec(),
    }
}

fn attribute(done: rustix::io::Result<()>) -> Result<()> {
    match done {
        Err(Errno::OPNOTSUPP) => Err(lacking("a file system that knows this attribute")),
        other => Ok(other?),
    }
}

/// setxattr(2) and the calls like it.
pub fn setxattr(how: &OsStr, path: &OsStr, name: &OsStr) -> Result<()> {
    let (value, flags) = (value(name), XattrFlags::empty());
    attribute(match how.to_str() {
        Some("path") => set_attribute(path, name, &value, flags),
        Some("link") => lsetxattr(path, name, &value, flags),
        Some("file") => fsetxattr(File::open(path)?, name, &value, flags),
        _ => bail!("no such call: {how:?}"),
    })
}

/// removexattr(2) and the calls like it.
pub fn removexattr(how: &OsStr, path: &OsStr, name: &OsStr) -> Result<()> {
    attribute(match how.to_str() {
        Some("path") => remove_attribute(path, name),
        Some("link") => lremovexattr(path, name),
        Some("file") => fremovexattr(File::open(path)?, name),
        _ => bail!("no such call: {how:?}"),
    })
}

/// An open file by way of another process, or of itself as if it were one.
pub fn receive(how: &OsStr, file: &File) -> Result<OwnedFd> {
    match how.to_str() {
        Some("socket") => super::message::pass(file),
        Some("pidfd") => {
            let own = rustix::process::getpid().as_raw_nonzero().get();
            // SAFETY: the call takes numbers alone.
            let process = checked(unsafe { libc::syscall(libc::SYS_pidfd_open, own, 0) })?;
            // SAFETY: as above.
            let answer =
                unsafe { libc::syscall(libc::SYS_pidfd_getfd, process, file.as_raw_fd(), 0) };
            let fd = checked(answer).context("pidfd_getfd")? as i32;
            // SAFETY: the kernel has just given the descriptor, and nobody else has it.
            Ok(unsafe { OwnedFd::from_raw_fd(fd) })
        }
        _ => bail!("no such way: {how:?}"),
    }
}

/// Opens a file for writing, and writes it without write(2).
pub fn write(how: &OsStr, path: &OsStr) -> Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let source = File::open("/etc/passwd")?;
    match how.to_str() {
        Some("mmap") => {
            // SAFETY: a new mapping of a page of the file, which has a byte at least; it stays
            // until the process ends.
            unsafe {
                let at = libc::mmap(
                    null_mut(),
                    1,
                    libc::PROT_WRITE,
                    libc::MAP_SHARED,
                    file.as_raw_fd(),
                    0,
                );
                ensure!(
                    at != libc::MAP_FAILED,
                    "mmap: {}",
                    io::Error::last_os_error()
                );
                at.cast::<u8>().write_volatile(b'm');
            }
        }
        Some("sendfile") => ensure!(sendfile(&file, &source, None, 8)? == 8, "sent less"),
        Some("copy") => match copy_file_range(&source, None, &file, None, 8) {
            Err(Errno::XDEV | Errno::INVAL | Errno::OPNOTSUPP) => {
                return Err(lacking("copy_file_range on this file system"));
            }
            other => ensure!(other? == 8, "copied less"),
        },
        Some("splice") => {
            let (from, mut to) = io::pipe()?;
            to.write_all(b"12345678")?;
            // SAFETY: the call takes numbers and null pointers.
            let moved = unsafe {
                libc::splice(
                    from.as_raw_fd(),
                    null_mut(),
                    file.as_raw_fd(),
                    null_mut(),
                    8,
                    0,
                )
            };
            ensure!(moved == 8, "splice: {}", io::Error::last_os_error());
        }
        Some("uring") => super::uring::write(&file)?,
        Some("aio") => aio(&file)?,
        _ => bail!("no such way: {how:?}"),
    }
    Ok(())
}

/// Writes a byte by the calls of include/uapi/linux/aio_abi.h.
fn aio(file: &File) -> Result<()> {
    /// `struct iocb`, as far as it is used.
    #[repr(C, align(8))]
    #[derive(Default)]
    struct Request {
        data: u64,
        key_and_flags: u64,
        opcode: u16,
        priority: i16,
        descriptor: i32,
        buffer: u64,
        bytes: u64,
        offset: i64,
        rest: [u64; 2],
    }
    const IOCB_CMD_PWRITE: u16 = 1;
    let byte = *b"a";
    let mut request = Request {
        opcode: IOCB_CMD_PWRITE,
        descriptor: file.as_raw_fd(),
        buffer: byte.as_ptr() as u64,
        bytes: byte.len() as u64,
        ..Request::default()
    };
    let mut context: libc::c_ulong = 0;
    let mut events = [0_u64; 4];
    let answer = |number: libc::c_long| match number {
        -1 => Err(io::Error::last_os_error()),
        number => Ok(number),
    };
    // SAFETY: all pointers are to what lives until the calls are over, and the last of them waits
    // until the request is done.
    let done = unsafe {
        match answer(libc::syscall(libc::SYS_io_setup, 1, &raw mut context)) {
            Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => {
                return Err(lacking("aio"));
            }
            other => other?,
        };
        let requests = [&raw mut request];
        answer(libc::syscall(
            libc::SYS_io_submit,
            context,
            1,
            requests.as_ptr(),
        ))?;
        answer(libc::syscall(
            libc::SYS_io_getevents,
            context,
            1,
            1,
            events.as_mut_ptr(),
            null_mut::<libc::timespec>(),
        ))?
    };
    // `struct io_event`: data, object, result, and a second result.
    ensure!(
        done == 1 && events[2] == 1,
        "aio wrote {}",
        events[2] as i64
    );
    Ok(())
}

/// Opens a file in a folder again and again, while another thread renames the folder between two
/// places.
pub fn open_while_renamed(here: &OsStr, there: &OsStr, name: &OsStr, count: u64) -> Result<()> {
    let start = folder(here)?;
    let (stop, renames) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut from, mut to) = (here, there);
            while !stop.load(Ordering::Relaxed) && fs::rename(from, to).is_ok() {
                (from, to) = (to, from);
                renames.fetch_add(1, Ordering::Relaxed);
            }
        });
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let opened = (0..count)
            .try_for_each(|_| rustix::fs::openat(&start, name, flags, Mode::empty()).map(drop));
        stop.store(true, Ordering::Relaxed);
        opened
    })?;
    let renames = renames.into_inner();
    ensure!(
        renames > count / 20,
        "only {renames} renames in {count} opens"
    );
    Ok(())
}
