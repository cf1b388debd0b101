//! The cgroup that a cluster's pods are in, in each hierarchy of this machine.

use crate::shell;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// A cgroup's name, of the folder that the cluster is in.
pub fn scope(folder: &Path) -> String {
    let sum = Sha256::digest(folder.as_os_str().as_encoded_bytes());
    let name: String = { sum.iter().take(4) }
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("/lapwing-cluster-{name}")
}

/// Makes it everywhere. Answers where it is in cgroup v2, where programs for sockets are attached.
pub fn make(scope: &str) -> Result<Option<PathBuf>> {
    let mut unified = None;
    for Hierarchy { mount, is_unified } in hierarchies()? {
        let folder = mount.join(&scope[1..]);
        // One hierarchy may be mounted twice.
        shell::folder(&folder)?;
        // A cpuset of v1 takes no process before it has processors and memory.
        for file in ["cpuset.cpus", "cpuset.mems"] {
            if let (false, Ok(value)) = (is_unified, fs::read(mount.join(file))) {
                fs::write(folder.join(file), value)?;
            }
        }
        if is_unified {
            unified = unified.or(Some(folder));
        }
    }
    Ok(unified)
}

/// The processes in it and below.
pub fn processes(scope: &str) -> Vec<i32> {
    let mut found = Vec::new();
    for folder in folders(scope) {
        walk(&folder, &mut |below| {
            let text = fs::read_to_string(below.join("cgroup.procs")).unwrap_or_default();
            found.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()));
        });
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Removes it with all that is below.
pub fn remove(scope: &str) -> Result<()> {
    for folder in folders(scope) {
        let mut all = Vec::new();
        walk(&folder, &mut |below| all.push(below.to_path_buf()));
        for below in all.iter().filter(|below| below.exists()) {
            fs::remove_dir(below).with_context(|| format!("cannot remove {}", below.display()))?;
        }
    }
    Ok(())
}

struct Hierarchy {
    mount: PathBuf,
    is_unified: bool,
}

fn hierarchies() -> Result<Vec<Hierarchy>> {
    let mounts = fs::read_to_string("/proc/self/mounts").context("/proc/self/mounts")?;
    let of = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let (mount, kind) = (words.next()?, words.next()?);
        let is_unified = match kind {
            "cgroup2" => true,
            "cgroup" => false,
            _ => return None,
        };
        let mount = PathBuf::from(mount);
        Some(Hierarchy { mount, is_unified })
    };
    Ok(mounts.lines().filter_map(of).collect())
}

fn folders(scope: &str) -> Vec<PathBuf> {
    let all = hierarchies().unwrap_or_default();
    { all.into_iter() }
        .map(|hierarchy| hierarchy.mount.join(&scope[1..]))
        .filter(|folder| folder.is_dir())
        .collect()
}

/// A folder and those below it, those first that are deeper.
fn walk(folder: &Path, act: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&entry.path(), act);
        }
    }
    act(folder);
}
