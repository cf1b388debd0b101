//! Files that are opened without a path that leads to them: by a handle, and on file systems that
//! are mounted nowhere any more.

use super::file_call::checked;
use super::lacking;
use anyhow::{Context, Result};
use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// `struct file_handle`, with room for any.
#[repr(C)]
struct Handle {
    len: u32,
    kind: i32,
    bytes: [u8; 128],
}

impl Handle {
    /// name_to_handle_at(2).
    fn of(path: &OsStr) -> Result<Self> {
        let mut handle = Self {
            len: 128,
            kind: 0,
            bytes: [0; 128],
        };
        let name = CString::new(path.as_bytes())?;
        let mut mount = 0;
        // SAFETY: the name ends with a NUL, the handle says how much room it has, and both live
        // until the call is over.
        let answer = unsafe {
            libc::syscall(
                libc::SYS_name_to_handle_at,
                libc::AT_FDCWD,
                name.as_ptr(),
                &raw mut handle,
                &raw mut mount,
                0,
            )
        };
        match checked(answer) {
            Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {
                Err(lacking("a file system that knows handles"))
            }
            other => other.map(|_| handle).context("name_to_handle_at"),
        }
    }

    /// open_by_handle_at(2) for writing, on the file system of an open folder.
    fn open(&mut self, start: &File) -> Result<()> {
        // SAFETY: the handle is whole, and lives until the call is over.
        let answer = unsafe {
            libc::syscall(
                libc::SYS_open_by_handle_at,
                start.as_raw_fd(),
                &raw mut *self,
                libc::O_WRONLY | libc::O_CLOEXEC,
            )
        };
        // It is open until this process ends, which is soon.
        checked(answer).context("open_by_handle_at")?;
        Ok(())
    }
}

/// Opens a file by its handle.
pub fn open(path: &OsStr) -> Result<()> {
    Handle::of(path)?.open(&File::open("/")?)
}

/// Opens a file by its handle on a file system that has just been mounted, where nobody has looked
/// for it yet: the kernel does not know its name then, nor its folder. The folder holds the layers of
/// an overlay, `low`, `up` with the file, and `work`, and two folders to mount it on, `one` and `two`.
pub fn open_disconnected(folder: &Path, name: &OsStr) -> Result<()> {
    let layers = |layer: &str| folder.join(layer).display().to_string();
    let options = format!(
        "lowerdir={},upperdir={},workdir={},index=on,nfs_export=on",
        layers("low"),
        layers("up"),
        layers("work"),
    );
    let options = CString::new(options)?;
    let mount_on =
        |at: &Path| match mount("none", at, "overlay", MountFlags::empty(), Some(&*options)) {
            Err(Errno::NODEV) => Err(lacking("an overlay file system")),
            other => other.context("mount"),
        };
    let (one, two) = (folder.join("one"), folder.join("two"));
    mount_on(&one)?;
    let mut handle = Handle::of(one.join(name).as_os_str())?;
    unmount(&one, UnmountFlags::empty())?;
    mount_on(&two)?;
    handle.open(&File::open(&two)?)
}

/// Makes a file on a file system that is mounted nowhere any more, by a folder that is still open.
pub fn create_unmounted(at: &OsStr, name: &OsStr) -> Result<()> {
    mount("none", at, "tmpfs", MountFlags::empty(), None)?;
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let start = openat(CWD, at, flags, Mode::empty())?;
    mkdirat(&start, "inside", Mode::from_raw_mode(0o755))?;
    let inside = openat(&start, "inside", flags, Mode::empty())?;
    unmount(at, UnmountFlags::DETACH)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    openat(&inside, name, flags, Mode::from_raw_mode(0o644))?;
    Ok(())
}
