//! The program that a process runs, as its exec would have been told.
//!
//! What an exec was is over; what is left of it is the file (`/proc/PID/exe`, which the kernel
//! answers for) and words that the process may have written over since (its arguments, its name).
//! So a record says what is known now, and marks where the exec may have been another:
//! [`flags::ORIGIN_UNSURE`]. What follows from that is the judge's to say.
//!
//! The origin is told as far as it can be from outside:
//! - a memory file by the kernel's name for it, without a link and on no mount of the process;
//! - a file without a link left is unlinked. Outside an overlay it may have been removed since;
//!   inside, a file of the image keeps the links that it has in its layer;
//! - what lies on another mount than the root is a volume's;
//! - what lies on an overlay is looked up in its upper layer, which the mount names by its path
//!   on the host. Where that cannot be looked at (a relative path, a folder that an agent without
//!   CAP_DAC_READ_SEARCH may not search), or the process has another root than its container
//!   began with, the origin is unknown; so it is where something in the layer bars the way (a
//!   folder of another owner that nobody else may search, a link), which a container can bring
//!   about, and which is marked. A file of the image that was copied up since, because its
//!   owner or mode was changed, lies in the upper layer, as the kernel side has it too;
//! - all else on the root is the image's.
//!
//! No question here goes to a file system that a program of the container may serve.

use super::super::scan::cmdline;
use super::mounts::{Layer, Mounts};
use lapwing_abi::decode::join;
use lapwing_abi::encode::components;
use lapwing_abi::ids::{Origin, flags};
use lapwing_abi::record::{ARGS_MAX, PATH_MAX};
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, StatxFlags, fstat, major, minor, openat,
    openat2, statx,
};
use rustix::io::Errno;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

/// What `/proc` says of a removed file, proc(5).
const DELETED: &[u8] = b" (deleted)";
/// How long the name of a process may be, include/linux/sched.h `TASK_COMM_LEN` less the NUL.
const COMM_MAX: usize = 15;

/// A program that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The file's path, below the root of the process's mount namespace.
    pub path: Vec<u8>,
    /// Where it comes from.
    pub origin: Origin,
    /// Flags of its record.
    pub flags: u32,
    /// The second section of its record: the script.
    pub script: Vec<u8>,
    /// Its arguments, each ended by NUL, as they are now.
    pub args: Vec<u8>,
    /// Its working directory, as it is now.
    pub cwd: Vec<u8>,
    /// Whether the file lies on no mount that the process sees: a memory file, or one that was
    /// brought along from outside, as a runtime's own is until it starts the container's program.
    pub is_foreign: bool,
    /// Whether its origin is unknown because of what lies in the container's own layer.
    pub is_barred: bool,
    /// The file, told from all others.
    pub file: (u64, u64),
}

/// Where the process is looked at.
pub struct Place<'a> {
    /// Its folder in `/proc`.
    pub folder: &'a Path,
    /// Its mounts.
    pub mounts: &'a Mounts,
    /// The host's root folder.
    pub host_root: &'a Path,
    /// Whether its root is the one that its container began with.
    pub own_root: bool,
}

/// Looks at the program of a process. `None` where there is none, as in a process that has ended.
///
/// # Errors
/// It could not be looked at.
pub fn program(place: &Place<'_>) -> Result<Option<Program>, Errno> {
    let link = place.folder.join("exe");
    let told = |error: std::io::Error| match Errno::from_io_error(&error) {
        // Ended, or a thread of the kernel's.
        Some(Errno::NOENT | Errno::SRCH) => Ok(None),
        Some(error) => Err(error),
        None => Err(Errno::IO),
    };
    let text = match std::fs::read_link(&link) {
        Ok(text) => text.into_os_string().into_vec(),
        Err(error) => return told(error),
    };
    let file = match openat(CWD, &link, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
        Ok(file) => file,
        Err(error) => return told(error.into()),
    };
    let args = cmdline(&place.folder.join("cmdline")).unwrap_or_default();
    let (cwd, at_root) = folder_of(&place.folder.join("cwd"));
    let mut program = look(&text, &file, place)?;
    program.flags |= if at_root { 0 } else { flags::CWD_PARTIAL };
    program.script = script(&args, &cwd, &mut program.flags, place);
    if args.len() >= ARGS_MAX {
        program.flags |= flags::ARGS_TRUNCATED;
    }
    program.args = args;
    program.args.truncate(ARGS_MAX);
    program.cwd = cwd;
    // It may have executed another in the middle of this, or the file been renamed.
    match std::fs::read_link(&link) {
        Ok(after) if after.as_os_str().as_encoded_bytes() == text => Ok(Some(program)),
        Ok(_) => Err(Errno::AGAIN),
        Err(error) => told(error),
    }
}

/// What is known of the file alone.
fn look(text: &[u8], file: &OwnedFd, place: &Place<'_>) -> Result<Program, Errno> {
    // What is known already will do: a file system that asks a server could wait for ever.
    let status = statx(
        file,
        c"",
        AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC,
        StatxFlags::NLINK | StatxFlags::INO,
    )?;
    let mount = mount_id(file.as_fd()).ok_or(Errno::IO)?;
    let device = (status.stx_dev_major, status.stx_dev_minor);
    let mut program = Program {
        path: text.to_vec(),
        origin: Origin::Unknown,
        flags: 0,
        script: Vec::new(),
        args: Vec::new(),
        cwd: Vec::new(),
        is_foreign: !place.mounts.is_listed(mount),
        is_barred: false,
        file: (
            u64::from(device.0) << 32 | u64::from(device.1),
            status.stx_ino,
        ),
    };
    let layer = place.mounts.layer(mount);
    let gone = status.stx_nlink == 0;
    let removed = text.strip_suffix(DELETED).filter(|_| match layer {
        _ if gone => true,
        // With a link left it may be a part of the name, which only the root is asked for.
        None | Some(Layer::Volume) => false,
        Some(Layer::Plain | Layer::Overlay { .. }) => {
            !place.mounts.is_root_asking() && !is_at(text, program.file, place)
        }
    });
    if let Some(path) = removed {
        program.path = path.to_vec();
    }
    let (origin, unsure) = match layer {
        _ if gone && program.is_foreign && program.path.starts_with(b"/memfd:") => {
            program.flags |= flags::PATH_DETACHED;
            (Origin::Memfd, false)
        }
        // Of a file of a lower layer the links there are counted, which no container takes away.
        _ if gone => (
            Origin::Unlinked,
            !matches!(layer, Some(Layer::Overlay { .. })),
        ),
        // The mount is hidden by a root of the process's own, or is another namespace's.
        None => (Origin::Unknown, true),
        Some(Layer::Volume) => (Origin::Volume, false),
        Some(Layer::Plain) => (Origin::Image, false),
        Some(Layer::Overlay { .. }) if removed.is_some() || !place.own_root => {
            (Origin::Unknown, true)
        }
        Some(Layer::Overlay { upper: None }) => (Origin::Image, false),
        Some(Layer::Overlay {
            upper: Some((upper, top)),
        }) => match is_in(&upper, &[&top[..], &program.path].concat(), place.host_root) {
            Upper::Holds => (Origin::UpperLayer, false),
            Upper::Lacks => (Origin::Image, false),
            Upper::Hidden => (Origin::Unknown, true),
            Upper::Barred => {
                program.is_barred = true;
                (Origin::Unknown, true)
            }
        },
    };
    program.origin = origin;
    if unsure {
        program.flags |= flags::ORIGIN_UNSURE;
    }
    if program.path.len() > PATH_MAX {
        return Err(Errno::NAMETOOLONG);
    }
    Ok(program)
}

/// Whether a file has this very name, which ends as those of removed files do.
fn is_at(name: &[u8], file: (u64, u64), place: &Place<'_>) -> bool {
    inside(place, name)
        .and_then(|found| fstat(found).ok())
        .is_some_and(|status| {
            let (major, minor) = (major(status.st_dev), minor(status.st_dev));
            (u64::from(major) << 32 | u64::from(minor), status.st_ino) == file
        })
}

/// Opens a path of the process's root, on the root's own file system, links followed; `None`
/// where there is none, or the way leads over other mounts.
fn inside(place: &Place<'_>, path: &[u8]) -> Option<OwnedFd> {
    if place.mounts.is_root_asking() {
        return None;
    }
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let root = openat(CWD, place.folder.join("root"), flags, Mode::empty()).ok()?;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_XDEV | ResolveFlags::NO_MAGICLINKS;
    openat2(root, path, flags, Mode::empty(), resolve).ok()
}

/// What the upper layer of an overlay says of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Upper {
    /// A regular file lies there.
    Holds,
    /// Nothing does.
    Lacks,
    /// The layer cannot be looked at.
    Hidden,
    /// Something in the layer, where the container chooses what lies, bars the way.
    Barred,
}

/// How paths in a layer are followed, where the container chooses what lies.
const INSIDE: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_XDEV)
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS);

/// Whether a regular file lies at a path in the upper layer of an overlay.
fn is_in(upper: &[u8], path: &[u8], host_root: &Path) -> Upper {
    let Some(layer) = open_layer(upper, host_root) else {
        return Upper::Hidden;
    };
    let path = &path[path.iter().take_while(|byte| **byte == b'/').count()..];
    let found = openat2(
        layer,
        path,
        OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW,
        Mode::empty(),
        INSIDE,
    );
    let status = found.and_then(fstat);
    answer(status.map(|status| FileType::from_raw_mode(status.st_mode)))
}

fn answer(found: Result<FileType, Errno>) -> Upper {
    match found {
        Ok(FileType::RegularFile) => Upper::Holds,
        Err(Errno::NOENT) => Upper::Lacks,
        // A whiteout, say: this is not the layer that the process sees.
        Ok(_) | Err(_) => Upper::Barred,
    }
}

/// The writable layer of a process' root, from its `/proc/PID` folder, as a path; `None` where its
/// root has none, or where that cannot be looked at. A process may mount an overlay for itself, with any
/// folder as its layer, and take it for its root: only one counts that the host's first process, with
/// the folder `host`, has mounted too.
#[must_use]
pub fn writable_layer(process: &Path, host: &Path, host_root: &Path) -> Option<OwnedFd> {
    let mounts = Mounts::read(process);
    let Layer::Overlay { upper } = mounts.layer(mounts.root_id()?)? else {
        return None;
    };
    let device = mounts.root_device()?;
    if !Mounts::read(host).has_device(device) {
        return None;
    }
    let (folder, top) = upper?;
    let layer = open_layer(&folder, host_root)?;
    let below = &top[top.iter().take_while(|byte| **byte == b'/').count()..];
    if below.is_empty() {
        return Some(layer);
    }
    let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::DIRECTORY;
    openat2(layer, below, flags, Mode::empty(), INSIDE).ok()
}

/// Opens a layer by its path on the host.
fn open_layer(upper: &[u8], host_root: &Path) -> Option<OwnedFd> {
    if !upper.starts_with(b"/") {
        return None;
    }
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let host = openat(CWD, host_root, flags, Mode::empty()).ok()?;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    openat2(
        host,
        upper,
        flags | OFlags::DIRECTORY,
        Mode::empty(),
        resolve,
    )
    .ok()
}

/// The mount that an open file lies on, from fdinfo, since Linux 3.15.
pub(crate) fn mount_id(file: BorrowedFd<'_>) -> Option<u32> {
    let info = format!("/proc/self/fdinfo/{}", file.as_raw_fd());
    let info = std::fs::read_to_string(info).ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("mnt_id:"))?;
    line.trim().parse().ok()
}

/// Where a link to a folder leads, and whether that is a whole path.
fn folder_of(link: &Path) -> (Vec<u8>, bool) {
    let Ok(path) = std::fs::read_link(link) else {
        return (Vec::new(), false);
    };
    let path = path.into_os_string().into_vec();
    match path.strip_suffix(DELETED) {
        Some(path) => (path.to_vec(), true),
        None => (path, true),
    }
}

/// The script that an interpreter was executed for, as the second section of its record: the
/// kernel puts the script's path behind the interpreter's in the arguments, and names the process
/// by the script. Who has changed one or the other since is not recognised.
fn script(args: &[u8], cwd: &[u8], bits: &mut u32, place: &Place<'_>) -> Vec<u8> {
    let Ok(name) = std::fs::read(place.folder.join("comm")) else {
        return Vec::new();
    };
    let Some(passed) = passed_script(args, name.strip_suffix(b"\n").unwrap_or(&name)) else {
        return Vec::new();
    };
    *bits |= flags::SCRIPT;
    let resolved = inside(place, &join(cwd, passed))
        .and_then(|file| std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok())
        .map(|path| path.into_os_string().into_vec());
    match resolved {
        Some(path) if path.len() <= PATH_MAX && !path.ends_with(DELETED) => {
            *bits |= flags::SCRIPT_RESOLVED;
            components(&path)
        }
        _ => [passed, b"\0"].concat(),
    }
}

/// The argument that names the script, if the process is called by it and not by its program.
fn passed_script<'a>(args: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let last = |path: &'a [u8]| -> &'a [u8] {
        let start = path.iter().rposition(|byte| *byte == b'/');
        let last = &path[start.map_or(0, |at| at + 1)..];
        &last[..last.len().min(COMM_MAX)]
    };
    let mut args = args.split(|byte| *byte == 0);
    let first = args.next()?;
    if name.is_empty() || last(first) == name {
        return None;
    }
    // Behind one argument that the script's first line may give.
    args.take(2).find(|arg| last(arg) == name)
}

#[cfg(test)]
mod tests;
