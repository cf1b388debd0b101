//! The cgroup folder of one run, and nothing above it.
//!
//! Everything the tests start lives below `/lapwing-test-…` in each hierarchy,
//! so that the agent can be told to look nowhere else, and so that removal
//! cannot hit anybody else's processes.

use crate::session::patience;
use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The hierarchies of this machine, and the run's folder in them.
pub struct Cgroups {
    /// Mount point of cgroup v2, where it is mounted.
    unified: Option<PathBuf>,
    /// Mount points of v1 hierarchies; empty where only v2 is used.
    legacy: Vec<PathBuf>,
    /// The run's folder below each mount point, with a leading slash.
    scope: String,
}

impl Cgroups {
    /// Finds the hierarchies and makes the folder in the unified one; runc makes the others.
    pub fn new(name: &str) -> Result<Self> {
        let cgroups = Self::find(name)?;
        if let Some(folder) = cgroups.egress() {
            fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        Ok(cgroups)
    }

    /// Finds the hierarchies; the folders of this name in them go when the value does.
    pub fn find(name: &str) -> Result<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts").context("/proc/self/mounts")?;
        let mut unified = None;
        let mut legacy = Vec::new();
        for line in mounts.lines() {
            let mut words = line.split(' ').skip(1);
            let (Some(at), Some(kind)) = (words.next(), words.next()) else {
                continue;
            };
            match kind {
                "cgroup2" => unified = unified.or(Some(PathBuf::from(at))),
                "cgroup" => legacy.push(PathBuf::from(at)),
                _ => {}
            }
        }
        ensure!(
            unified.is_some() || !legacy.is_empty(),
            "no cgroup file system is mounted: mount -t cgroup2 none /sys/fs/cgroup"
        );
        Ok(Self {
            unified,
            legacy,
            scope: format!("/{name}"),
        })
    }

    /// The run's folder as a cgroup path.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The run's folder in cgroup v2, where programs for sockets are attached.
    pub fn egress(&self) -> Option<PathBuf> {
        Some(self.at(self.unified.as_ref()?, ""))
    }

    /// Whether there are hierarchies of v1: then those tell containers apart.
    pub fn is_mixed(&self) -> bool {
        !self.legacy.is_empty()
    }

    fn at(&self, mount: &Path, below: &str) -> PathBuf {
        mount.join(format!("{}{below}", &self.scope[1..]))
    }

    /// A folder below the run's, in every hierarchy that has it.
    pub fn folders(&self, below: &str) -> Vec<PathBuf> {
        self.unified
            .iter()
            .chain(&self.legacy)
            .map(|mount| self.at(mount, below))
            .filter(|folder| folder.is_dir())
            .collect()
    }

    /// The ids a cgroup may be reported by: one on v2; on a hybrid machine, that of any hierarchy.
    pub fn ids(&self, below: &str) -> Vec<u64> {
        self.folders(below)
            .iter()
            .filter_map(|folder| fs::metadata(folder).ok())
            .map(|meta| meta.ino())
            .collect()
    }

    /// Process ids in a cgroup below the run's.
    pub fn processes(&self, below: &str) -> Vec<u32> {
        self.folders(below)
            .first()
            .map(|folder| processes(folder))
            .unwrap_or_default()
    }

    /// Makes a cgroup in every hierarchy that has its parent.
    pub fn make(&self, parent: &str, name: &str) -> Result<()> {
        for folder in self.folders(parent) {
            let path = folder.join(name);
            fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
            // A cpuset of v1 takes no process before it has processors and memory.
            for file in ["cpuset.cpus", "cpuset.mems"] {
                if let Ok(value) = fs::read(folder.join(file))
                    && path.join(file).exists()
                {
                    let _ = fs::write(path.join(file), value);
                }
            }
        }
        Ok(())
    }

    /// Moves a process into a cgroup, in every hierarchy that has it.
    pub fn enter(&self, below: &str, pid: u32) -> Result<()> {
        for folder in self.folders(below) {
            let path = folder.join("cgroup.procs");
            fs::write(&path, pid.to_string())
                .with_context(|| format!("cannot write {pid} to {}", path.display()))?;
        }
        Ok(())
    }

    /// Removes a cgroup from every hierarchy, with what still runs in it: all of it is ours.
    pub fn remove(&self, below: &str) {
        let end = Instant::now() + patience();
        for folder in self.folders(below) {
            while !remove_tree(&folder) && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        self.remove("");
    }
}

fn processes(folder: &Path) -> Vec<u32> {
    fs::read_to_string(folder.join("cgroup.procs"))
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.parse().ok())
        .collect()
}

/// Removes a folder of a cgroup hierarchy with all below it. Answers whether it is gone.
fn remove_tree(folder: &Path) -> bool {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_tree(&entry.path());
        }
    }
    // A process that ends is in its cgroup a moment longer than it runs.
    if fs::remove_dir(folder).is_ok() || !folder.exists() {
        return true;
    }
    for pid in processes(folder) {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|pid| *pid != rustix::process::getpid()) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
    false
}
