//! The folders that the root of a running container is laid of.
//!
//! Which these are, the kernel tells with the mount at the root of one of the container's processes. A
//! process may mount an overlay for itself, of folders that on the host are others, where it has a user
//! namespace of its own or CAP_SYS_ADMIN, and may have given that up since. So a root counts only where the
//! host's first process has its file system mounted too. The folders are those of the runtime and so of the
//! host: they are opened below the root of its first process, since this may run in a container of the host's
//! process ids.
//!
//! A process may also take any folder that it sees for its root, by chroot(2), which runtimes let it do unless
//! they are told otherwise: /sys is one, and whoever reads its files sets things off. So a root that is no overlay
//! is read only where it is of a [kind that holds files](HOLDING).
//!
//! Runtimes give folders relative to where they stood when they mounted, to have room for more in a page:
//! the kernel does not tell where that was. Containerd's lie beside the writable layer, which it names in
//! full, Docker's and Podman's above where it is mounted. That is where they are looked for, and only a
//! folder below which all of them lie is taken.

use super::snapshot::{Line, mount_id, table, unescape};
use anyhow::{Context, Result, anyhow, bail, ensure};
use lapwing_image::{Folder, Marks};
use lapwing_profile::text::canonical;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2, stat};
use std::fs::read_link;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What always helps.
const SAVE: &str =
    "save the image to a file instead (docker save -o FILE, ctr image export, podman save)";
/// The user namespace that the kernel begins with: its number is a constant, PROC_USER_INIT_INO of
/// include/linux/proc_ns.h.
const FIRST: &str = "user:[4026531837]";
/// The bit of CAP_SYS_ADMIN, which attributes named `trusted.` take (xattr(7)).
const SYS_ADMIN: u64 = 1 << 21;
/// The layer in which Docker makes what it mounts at, on top of those of the image.
const INIT: &[u8] = b"-init/diff";
/// File systems in which roots of containers lie, besides overlays: on disks, in memory, and on other machines.
/// Reading their files changes nothing. What is none of them may be the kernel's own, of which there are more with
/// each version.
const HOLDING: &[&str] = &[
    "9p", "bcachefs", "btrfs", "ceph", "erofs", "ext2", "ext3", "ext4", "f2fs", "gfs2", "jfs",
    "nfs", "nfs4", "nilfs2", "ocfs2", "ramfs", "rootfs", "squashfs", "tmpfs", "virtiofs", "xfs",
    "zfs",
];

/// What a root is laid of.
#[derive(Debug)]
pub struct Root {
    /// The layers of the image, the lowest first.
    pub folders: Vec<Folder>,
    /// How they are laid over one another.
    pub marks: Marks,
    /// The layer that the container writes to.
    pub writable: Option<OwnedFd>,
    /// What whoever reads them has to know.
    pub notes: Vec<String>,
}

/// Options of an overlay, as far as they say what it is laid of.
#[derive(Debug, Default, PartialEq, Eq)]
struct Overlay {
    /// The topmost first.
    lower: Vec<Vec<u8>>,
    upper: Option<Vec<u8>>,
    work: Option<Vec<u8>>,
    by_users: bool,
    /// Layers of which only contents count, which others name.
    data: usize,
}

impl Overlay {
    fn parse(options: &str) -> Self {
        let mut overlay = Self::default();
        for option in options.split(',') {
            let (key, value) = option.split_once('=').unwrap_or((option, ""));
            let value = || unescape(value);
            match key {
                "lowerdir" => overlay.list(&value()),
                // Of the newer interface, Linux 6.7: one after another, as they are.
                "lowerdir+" => overlay.lower.push(value()),
                "datadir+" => overlay.data += 1,
                "upperdir" => overlay.upper = Some(bare(&value())),
                "workdir" => overlay.work = Some(bare(&value())),
                "userxattr" => overlay.by_users = true,
                _ => {}
            }
        }
        overlay
    }

    /// Folders with colons between them, in which a backslash takes a colon for one of the name. Behind two
    /// colons are those for contents alone.
    fn list(&mut self, text: &[u8]) {
        let mut all = vec![Vec::new()];
        let mut bytes = text.iter().copied();
        while let Some(byte) = bytes.next() {
            match (byte, all.last_mut()) {
                (b':', _) => all.push(Vec::new()),
                (b'\\', Some(last)) => last.extend(bytes.next()),
                (byte, Some(last)) => last.push(byte),
                (_, None) => {}
            }
        }
        let mut parts = all.split(Vec::is_empty);
        self.lower
            .extend_from_slice(parts.next().unwrap_or_default());
        self.data += parts.map(<[Vec<u8>]>::len).sum::<usize>();
    }

    fn relative(&self) -> impl Iterator<Item = &Vec<u8>> {
        let all = self.lower.iter().chain(&self.upper);
        all.filter(|path| !path.starts_with(b"/"))
    }
}

/// A path in which a backslash takes the next byte as it is.
fn bare(text: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => path.extend(bytes.next()),
            byte => path.push(byte),
        }
    }
    path
}

/// Says what this process lacks to read layers.
///
/// # Errors
/// When it lacks something: deletions of overlayfs stand in attributes that only CAP_SYS_ADMIN sees, so that
/// without it nothing would be missed, and much be wrong.
pub fn check_rights(proc: &Path) -> Result<()> {
    const NEEDED: [(&str, u64); 3] = [
        ("CAP_SYS_ADMIN", SYS_ADMIN),
        ("CAP_SYS_PTRACE", 1 << 19),
        // Or the one that includes it.
        ("CAP_DAC_READ_SEARCH", 1 << 2 | 1 << 1),
    ];
    let effective = effective(proc);
    let lacks: Vec<&str> = { NEEDED.iter() }
        .filter(|(_, any)| effective & any == 0)
        .map(|(name, _)| *name)
        .collect();
    ensure!(
        lacks.is_empty(),
        "reading a container's layers needs {}: run this as root on the container's node (the agent's own \
         container has not all that it takes); or {SAVE}",
        lacks.join(", ")
    );
    ensure!(
        is_in_first_namespace(&proc.join("self")),
        "reading a container's layers needs the node's user namespace, and this runs in another, which sees none \
         of overlayfs' attributes: run it as root on the node itself; or {SAVE}"
    );
    Ok(())
}

/// Whether this process sees the attributes by which overlayfs marks what hides, and what has its content elsewhere
/// (`trusted.overlay.*`); without, each reads as absent.
#[must_use]
pub fn sees_marks(proc: &Path) -> bool {
    effective(proc) & SYS_ADMIN != 0 && is_in_first_namespace(&proc.join("self"))
}

/// The effective capabilities of this process, as bits.
fn effective(proc: &Path) -> u64 {
    let status = std::fs::read_to_string(proc.join("self/status")).unwrap_or_default();
    (status.lines())
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|text| u64::from_str_radix(text.trim(), 16).ok())
        .unwrap_or_default()
}

/// Whether a process is in the first user namespace; not if it may not be asked.
fn is_in_first_namespace(process: &Path) -> bool {
    read_link(process.join("ns/user")).is_ok_and(|link| link.as_os_str() == FIRST)
}

/// Finds what the root of a process is laid of, from its `/proc/PID` folder and that of the host's first
/// process; `host_root` is the host's root folder.
///
/// # Errors
/// When that is not known, or it cannot be opened; says what to do instead.
pub fn of(process: &Path, host: &Path, host_root: &Path) -> Result<Root> {
    let own = table(process);
    let root = (own.lines().filter_map(Line::parse))
        // Mounts on top of one another: the last one is seen.
        .rfind(|line| line.point == "/")
        .with_context(|| {
            format!(
                "no mount stands at its root, which may be a folder by chroot(2), or this may not look \
                 ({}): {SAVE}",
                process.display()
            )
        })?;
    let file = |path: &Path| stat(path).map(|status| (status.st_dev, status.st_ino));
    let (its_root, root_of_host) = (file(&process.join("root")), file(host_root));
    ensure!(
        its_root.is_ok() && its_root != root_of_host,
        "its process stands in the root of the host and not in one of its own, so there is no image to be read; \
         or this may not look at it"
    );
    let host_table = table(host);
    let points: Vec<&str> = (host_table.lines().filter_map(Line::parse))
        .filter(|line| line.device == root.device)
        .map(|line| line.point)
        .collect();
    ensure!(
        !points.is_empty(),
        "its root is not mounted where the host's first process would see it, so that which folders it is laid of \
         may be the container's own word (rootless containers are such, those that mounted it themselves, and those \
         of a runtime in a mount namespace of its own, as a snap is): {SAVE}"
    );
    match root.kind {
        "overlay" => overlay(root, &points, host_root),
        kind if kind.starts_with("fuse") => bail!(
            "its root is served by a program ({}), whose layers nobody else knows: {SAVE}",
            canonical(kind.as_bytes())
        ),
        _ => plain(process, root),
    }
}

/// A root that is one folder, as the process sees it.
fn plain(process: &Path, root: Line<'_>) -> Result<Root> {
    let kind = canonical(root.kind.as_bytes());
    ensure!(
        HOLDING.contains(&root.kind),
        "its root is of a kind that is not known to hold images ({kind}); a process may take /sys or /proc for its \
         root by chroot(2), and to read what the kernel has there is not harmless: {SAVE}"
    );
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = openat(CWD, process.join("root"), flags, Mode::empty())
        .map_err(|error| anyhow!("cannot open the root of the container: {error}; or {SAVE}"))?;
    // It may have become another since the mounts were read.
    ensure!(
        mount_id(folder.as_fd()) == Some(root.id),
        "its process took another root while this looked: try again, or {SAVE}"
    );
    Ok(Root {
        folders: vec![Folder {
            path: format!("the root of the container ({kind})"),
            folder,
        }],
        marks: Marks::None,
        writable: None,
        notes: vec![format!(
            "the root is no overlay but one folder ({kind}): told as one layer, with all that the container wrote \
             there, and nothing is known of what it was made of"
        )],
    })
}

fn overlay(root: Line<'_>, points: &[&str], host_root: &Path) -> Result<Root> {
    ensure!(
        root.top == "/",
        "its root is a folder within an overlay ({}), and how that folder's layers lie is not looked into: {SAVE}",
        canonical(&unescape(root.top))
    );
    let told = Overlay::parse(root.options);
    ensure!(
        !told.lower.is_empty(),
        "the kernel does not tell which layers its overlay has (no lowerdir among its options, which may be cut \
         at the length of a page): {SAVE}"
    );
    let host = openat(
        CWD,
        host_root,
        OFlags::PATH | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .map_err(|error| anyhow!("cannot open the root of the host: {error}"))?;
    let base = base(&told, points, host.as_fd())?;
    let folder = |path: &[u8]| -> Result<Folder> {
        let folder = open(host.as_fd(), &base, path).map_err(|error| {
            let path = canonical(path);
            anyhow!(
                "cannot open the layer {path}: {error}; it may be known by that name only to the runtime that \
                 mounted it: {SAVE}"
            )
        })?;
        Ok(Folder {
            path: name(&folder).unwrap_or_else(|| canonical(path)),
            folder,
        })
    };
    let mut folders = { told.lower.iter() }
        .map(|path| folder(path))
        .collect::<Result<Vec<_>>>()?;
    let mut notes = Vec::new();
    if folders.len() > 1 && folders[0].path.as_bytes().ends_with(INIT) {
        let init = folders.remove(0);
        notes.push(format!(
            "left out, the layer of what Docker mounts at in each container: {}",
            init.path
        ));
    }
    folders.reverse();
    if told.data > 0 {
        notes.push(format!(
            "{} layers hold contents alone (data-only), which files of others name: what is in these is unknown",
            told.data
        ));
    }
    let writable = match told.upper.as_deref().map(folder).transpose() {
        Ok(writable) => writable,
        Err(error) => {
            notes.push(format!("how much the container wrote is unknown: {error}"));
            None
        }
    };
    Ok(Root {
        folders,
        marks: match told.by_users {
            true => Marks::User,
            false => Marks::Trusted,
        },
        writable: writable.map(|writable| writable.folder),
        notes,
    })
}

/// The folder that relative ones are meant from; the root where there are none.
fn base(told: &Overlay, points: &[&str], host: BorrowedFd<'_>) -> Result<Vec<u8>> {
    let Some(first) = told.relative().next() else {
        return Ok(b"/".to_vec());
    };
    let beside = told.upper.iter().chain(&told.work).cloned();
    let known = beside.chain(points.iter().map(|point| unescape(point)));
    for mut path in known.filter(|path| path.starts_with(b"/")) {
        // What it lies in, and so on.
        while let Some(slash) = path.iter().rposition(|byte| *byte == b'/') {
            path.truncate(slash);
            if told.relative().all(|one| open(host, &path, one).is_ok()) {
                return Ok(path);
            }
        }
    }
    Err(anyhow!(
        "the layers of its root are told from a folder that the kernel does not name ({}), and they are not \
         where runtimes have them: {SAVE}",
        canonical(first)
    ))
}

/// Opens a folder of the host. Runtimes name layers by short links, which are followed as the host would.
fn open(host: BorrowedFd<'_>, base: &[u8], path: &[u8]) -> io::Result<OwnedFd> {
    let path = match path.starts_with(b"/") {
        true => path.to_vec(),
        false => [base, b"/", path].concat(),
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    Ok(openat2(host, path, flags, Mode::empty(), resolve)?)
}

/// Where an open folder lies, its links followed.
fn name(folder: &OwnedFd) -> Option<String> {
    let path = read_link(format!("/proc/self/fd/{}", folder.as_raw_fd())).ok()?;
    let path = path.as_os_str().as_bytes();
    path.starts_with(b"/").then(|| canonical(path))
}

#[cfg(test)]
mod tests;
