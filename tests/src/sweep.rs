//! What earlier runs left that were killed before they could clean up.
//!
//! Everything of a run bears its process id: the folder, the cgroups and, by
//! their configuration files, the agents. A run whose process is gone has no
//! more use for any of them.

use crate::cgroup::Cgroups;
use anyhow::Result;
use rustix::mount::{UnmountFlags, unmount};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::{Path, PathBuf};

/// How the names of a run begin; its process id follows.
pub const STEM: &str = "lapwing-test-";
/// How the name of a run's folder ends that is on the disk, and not in memory.
pub const DISK: &str = "-disk";

/// Removes what dead runs left.
pub fn sweep(scratch: &Path) -> Result<()> {
    for entry in fs::read_dir(scratch).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let pid = name.strip_prefix(STEM).and_then(|rest| {
            let pid = rest.strip_suffix(DISK).unwrap_or(rest);
            pid.parse().ok()
        });
        if pid.is_some_and(|pid: u32| !is_run(pid)) {
            println!("removing what {name} left");
            remove(&name, &entry.path())?;
        }
    }
    Ok(())
}

/// Whether a process is one of these tests; numbers are given out again.
fn is_run(pid: u32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline"))
        .is_ok_and(|line| holds(&line, env!("CARGO_PKG_NAME").as_bytes()))
}

fn remove(name: &str, root: &Path) -> Result<()> {
    let mut config = root.as_os_str().as_encoded_bytes().to_vec();
    config.extend(b"/agent-");
    for pid in processes() {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if let Some(pid) = Pid::from_raw(pid).filter(|_| holds(&line, &config)) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
    drop(Cgroups::find(name)?);
    for mount in mounts(root) {
        let _ = unmount(&mount, UnmountFlags::DETACH);
    }
    let _ = fs::remove_dir_all(root);
    Ok(())
}

fn processes() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Mount points at and below a folder, the last one mounted first.
fn mounts(root: &Path) -> Vec<PathBuf> {
    let mut mounts: Vec<PathBuf> = fs::read_to_string("/proc/self/mounts")
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .map(PathBuf::from)
        .filter(|mount| mount.starts_with(root))
        .collect();
    mounts.reverse();
    mounts
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
