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
const FOLDERS: &[&str] = &["bin", "data", "dev", "etc", "proc", "sys", "tmp", "usr/bin"];
const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nshop:x:1000:1000:shop:/data:/bin/sh\n";

/// A root folder; an overlay's is unmounted when dropped.
pub struct Rootfs {
    path: PathBuf,
    overlay: bool,
}

impl Rootfs {
    /// A plain folder.
    pub fn plain(session: &Session, at: &Path) -> Result<Self> {
        fill(session, at)?;
        Ok(Self {
            path: at.to_path_buf(),
            overlay: false,
        })
    }

    /// An overlay: what the container writes lands in a layer above the image.
    ///
    /// `None` where the kernel has no overlay file system.
    pub fn overlay(session: &Session, at: &Path) -> Result<Option<Self>> {
        let beside = |what: &str| at.with_file_name(what);
        let (lower, upper, work) = (beside("lower"), beside("upper"), beside("work"));
        for folder in [&upper, &work, &at.to_path_buf()] {
            fs::create_dir(folder)?;
        }
        let options = format!(
            "lowerdir={},upperdir={},workdir={}",
            lower.display(),
            upper.display(),
            work.display()
        );
        fill(session, &lower)?;
        match mount(
            "lapwing-test",
            at,
            "overlay",
            MountFlags::empty(),
            CString::new(options)?.as_c_str(),
        ) {
            Ok(()) => Ok(Some(Self {
                path: at.to_path_buf(),
                overlay: true,
            })),
            Err(rustix::io::Errno::NODEV) => Ok(None),
            Err(error) => Err(error).context("cannot mount an overlay"),
        }
    }

    /// A folder that is filled already.
    pub fn adopt(at: &Path) -> Self {
        Self {
            path: at.to_path_buf(),
            overlay: false,
        }
    }

    /// Whether it is an overlay.
    pub fn is_overlay(&self) -> bool {
        self.overlay
    }
}

impl Drop for Rootfs {
    fn drop(&mut self) {
        if self.overlay {
            let _ = unmount(&self.path, UnmountFlags::DETACH);
        }
    }
}

fn fill(session: &Session, root: &Path) -> Result<()> {
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
    fs::write(root.join("etc/group"), "root:x:0:\nshop:x:1000:\n")?;
    Ok(())
}
