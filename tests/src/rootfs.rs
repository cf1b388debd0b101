//! Root folders for containers, made on the fly from BusyBox and the trigger.

use crate::session::Session;
use anyhow::{Context, Result};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use std::ffi::CString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// BusyBox under other names: `/bin/NAME` is a symbolic link.
const APPLETS: &[&str] = &[
    "cat", "cp", "chmod", "date", "echo", "env", "false", "id", "ls", "mkdir", "mv", "nc", "rm",
    "sh", "sleep", "touch", "true", "wc",
];
/// BusyBox once more, as the applets of its own image are.
pub const HARD_LINK: &str = "usr/bin/sleep";
const FOLDERS: &[&str] = &[
    "bin", "data", "dev", "etc", "proc", "sys", "tmp", "usr/bin", "volume",
];
/// Whom containers are to ask for names.
pub const RESOLVERS: &str = "nameserver 127.0.0.2\nnameserver 127.0.0.3\n";
const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nshop:x:1000:1000:shop:/data:/bin/sh\n";

/// An overlay over a folder: what is written lands in a layer above; or a file system in memory. Unmounted
/// when dropped.
pub struct Overlay(PathBuf);

impl Overlay {
    /// Mounts one over a folder, at a place whose neighbours become its layers.
    ///
    /// `None` where the kernel has no overlay file system.
    pub fn mount(lower: &Path, at: &Path) -> Result<Option<Self>> {
        let layer = |what: &str| {
            let name = at.file_name().unwrap_or_default().to_string_lossy();
            at.with_file_name(format!("{name}-{what}"))
        };
        let (upper, work) = (layer("upper"), layer("work"));
        for folder in [&upper, &work, &at.to_path_buf()] {
            fs::create_dir(folder)?;
        }
        let options = format!(
            "lowerdir={},upperdir={},workdir={}",
            lower.display(),
            upper.display(),
            work.display()
        );
        match mount(
            "lapwing-test",
            at,
            "overlay",
            MountFlags::empty(),
            CString::new(options)?.as_c_str(),
        ) {
            Ok(()) => Ok(Some(Self(at.to_path_buf()))),
            Err(rustix::io::Errno::NODEV) => Ok(None),
            Err(error) => Err(error).context("cannot mount an overlay"),
        }
    }

    /// Mounts a file system in memory on a folder, for so many MiB.
    pub fn limited(at: &Path, limit_mi: u64) -> Result<Self> {
        let options = CString::new(format!("size={limit_mi}m"))?;
        mount(
            "lapwing-test",
            at,
            "tmpfs",
            MountFlags::empty(),
            options.as_c_str(),
        )
        .with_context(|| format!("cannot mount a tmpfs on {}", at.display()))?;
        Ok(Self(at.to_owned()))
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        let _ = unmount(&self.0, UnmountFlags::DETACH);
    }
}

/// Fills a folder with what a container needs.
pub fn fill(session: &Session, root: &Path) -> Result<()> {
    for folder in FOLDERS {
        fs::create_dir_all(root.join(folder))?;
    }
    let link = |from: &str, to: &str| {
        let from = session.path("shared").join(from);
        fs::hard_link(&from, root.join(to)).with_context(|| format!("cannot link {to}"))
    };
    link("busybox", "bin/busybox")?;
    link("busybox", HARD_LINK)?;
    link("trigger", "trigger")?;
    link("trigger", "usr/bin/shop")?;
    link("trigger", "usr/bin/tool")?;
    for applet in APPLETS {
        symlink("busybox", root.join("bin").join(applet))?;
    }
    fs::write(root.join("etc/passwd"), PASSWD)?;
    fs::write(root.join("etc/resolv.conf"), RESOLVERS)?;
    fs::write(root.join("etc/group"), "root:x:0:\nshop:x:1000:\n")?;
    Ok(())
}
