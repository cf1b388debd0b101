//! What already runs when the agent starts: the processes of containers, with
//! what can still be learned of them.

use super::hierarchy::Hierarchy;
use crate::process::Image;
use lapwing_abi::ids::Phase;
use lapwing_abi::state::{EXEC_SEEDED, Process};
use lapwing_profile::text::canonical;
use rustix::fs::stat;
use std::collections::HashMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A cgroup that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its id: the inode number of its folder (kernfs, since Linux 5.5 on 64 bits).
    pub id: u64,
    /// Its parent's id.
    pub parent: u64,
    /// Its path below the root of the hierarchy.
    pub path: String,
}

/// All cgroups of a hierarchy, parents first.
pub fn cgroups(root: &Path) -> Vec<Found> {
    let mut found = Vec::new();
    let mut open = vec![(root.to_path_buf(), String::from("/"), 0)];
    while let Some((folder, path, parent)) = open.pop() {
        // A cgroup may go while we look.
        let Ok(status) = stat(&folder) else { continue };
        let id = status.st_ino;
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let name = canonical(entry.file_name().as_bytes());
                open.push((
                    entry.path(),
                    format!("{}/{name}", path.trim_end_matches('/')),
                    id,
                ));
            }
        }
        found.push(Found { id, parent, path });
    }
    found
}

/// A process that ran before the agent.
#[derive(Clone, Debug)]
pub struct Seed {
    /// Its id on the host.
    pub pid: u32,
    /// Its entry in the kernel side's tree.
    pub process: Process,
    /// The program it runs.
    pub image: Image,
}

/// The processes of containers. `homes` gives the container's cgroup for the path of any of its
/// cgroups.
pub fn processes(
    proc: &Path,
    host_root: &Path,
    hierarchy: &Hierarchy,
    homes: &HashMap<String, u64>,
) -> Vec<Seed> {
    let host_root = stat(host_root).ok().map(|root| (root.st_dev, root.st_ino));
    let mut seeds: Vec<Seed> = fs::read_dir(proc)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let folder = entry.path();
            let text = fs::read_to_string(folder.join("cgroup")).ok()?;
            let home = *homes.get(hierarchy.path_in(&text)?)?;
            seed(pid, &folder, home, host_root)
        })
        .collect();
    let homes: HashMap<u32, u64> = seeds
        .iter()
        .map(|seed| (seed.pid, seed.process.cgroup))
        .collect();
    for seed in &mut seeds {
        // Its parent is the best guess at who issued it: the truth is gone.
        let parent = seed.process.parent_pid;
        if homes.get(&parent) == Some(&seed.process.cgroup) {
            seed.process.issuer = EXEC_SEEDED | u64::from(parent);
            seed.image.issuer = seed.process.issuer;
        }
    }
    seeds
}

fn seed(pid: u32, folder: &Path, home: u64, host_root: Option<(u64, u64)>) -> Option<Seed> {
    let status = fs::read_to_string(folder.join("status")).ok()?;
    let number = |key: &str| -> Option<u32> {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().last()?.parse().ok()
    };
    let link = |name: &str| -> String {
        fs::read_link(folder.join(name))
            .map(|path: PathBuf| canonical(path.as_os_str().as_bytes()))
            .unwrap_or_default()
    };
    let root = stat(folder.join("root")).ok()?;
    let foreign = host_root.is_some_and(|host| host != (root.st_dev, root.st_ino));
    let args = fs::read(folder.join("cmdline")).unwrap_or_default();
    Some(Seed {
        pid,
        process: Process {
            exec: EXEC_SEEDED | u64::from(pid),
            issuer: 0,
            cgroup: home,
            start: start_time(&fs::read_to_string(folder.join("stat")).ok()?)?,
            container_pid: number("NSpid:")?,
            parent_pid: number("PPid:")?,
            phase: u32::from(if foreign { Phase::Main } else { Phase::Runtime }.raw()),
            late: 1,
        },
        image: Image {
            exe: link("exe"),
            args: crate::judge::sighting::arguments(&args),
            cwd: link("cwd"),
            pid,
            issuer: 0,
        },
    })
}

/// Start since boot in nanoseconds, from field 22 of /proc/PID/stat, proc(5): ticks of a
/// hundredth of a second on every architecture we run on.
fn start_time(stat: &str) -> Option<u64> {
    // The name, in parentheses, may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields.split_whitespace().nth(19)?.parse().ok()?;
    Some(ticks.saturating_mul(10_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cgroups_come_parents_first() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/b")).unwrap();
        fs::create_dir(root.path().join("c")).unwrap();
        fs::write(root.path().join("tasks"), "").unwrap();
        let found = cgroups(root.path());
        let mut paths: Vec<_> = found.iter().map(|found| found.path.as_str()).collect();
        assert_eq!(paths[0], "/");
        let parent = |path: &str| found.iter().find(|found| found.path == path).unwrap();
        assert_eq!(parent("/a/b").parent, parent("/a").id);
        assert_eq!(parent("/a").parent, parent("/").id);
        paths.sort_unstable();
        assert_eq!(paths, ["/", "/a", "/a/b", "/c"]);
    }

    #[test]
    fn this_process_can_be_read() {
        let proc = Path::new("/proc");
        let pid = std::process::id();
        let folder = proc.join(pid.to_string());
        let seed = seed(pid, &folder, 7, Some((0, 0))).unwrap();
        assert_eq!(
            (seed.process.cgroup, seed.process.phase),
            (7, u32::from(Phase::Main.raw()))
        );
        assert_eq!(seed.process.exec, EXEC_SEEDED | u64::from(pid));
        assert!(seed.image.exe.starts_with('/') && !seed.image.args.is_empty());
        assert!(seed.process.start > 0 && seed.process.start <= crate::clock::since_boot());
        assert_eq!(start_time("1 (a) b) S 0"), None);
    }
}
