//! The cgroup v2 folder that egress programs are attached to.
//!
//! With a folder from the configuration it is that one; else the root of the
//! hierarchy where the host has it mounted. A host with cgroup v1 alone has it too,
//! only not mounted, with every process in its root: there the agent mounts it for
//! itself, at no place at all (fsmount(2), since Linux 5.2), and it is gone with the
//! last descriptor.

use anyhow::{Context, Result};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, open};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};
use std::path::Path;

/// An open folder of the unified hierarchy, and what it is called in messages.
#[derive(Debug)]
pub struct EgressCgroup {
    /// The folder.
    pub folder: OwnedFd,
    /// Its path, or what stands for one.
    pub name: String,
}

impl EgressCgroup {
    /// Opens `path`, or mounts the hierarchy where there is none.
    ///
    /// # Errors
    /// When the folder cannot be opened, or the hierarchy not be mounted.
    pub fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else {
            return Ok(Self {
                folder: mount().context(
                    "no cgroup v2 is mounted, and the agent may not mount it for itself: \
                     `mount -t cgroup2 none /sys/fs/cgroup/unified`, or give it CAP_SYS_ADMIN",
                )?,
                name: "the root of cgroup v2, mounted for the agent alone".to_owned(),
            });
        };
        let folder = open(
            path,
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .with_context(|| format!("cannot open the cgroup {}", path.display()))?;
        Ok(Self {
            folder,
            name: path.display().to_string(),
        })
    }
}

fn mount() -> rustix::io::Result<OwnedFd> {
    let context = fsopen("cgroup2", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC,
    )
}
