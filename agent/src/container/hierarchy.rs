//! Which cgroup hierarchy tells containers apart on this host.
//!
//! With cgroup v2 alone it is the unified one. With v1, or both (hybrid), the
//! runtimes put each container into every v1 controller, while the unified tree
//! may not have it at all: there the first v1 controller at hand is the one. A
//! single v1 controller that somebody mounted beside v2 for a purpose of their own
//! does not count: where the unified tree has `pids` or `memory`, the runtimes use that.
//!
//! A pod has a cgroup namespace of its own, in which the kernel writes the paths of others as
//! `/../../other`, cgroup_namespaces(7). Which cgroup stands at its root the kernel does not say to
//! those inside: the agent looks for itself in the host's tree, which it was given.

use anyhow::{Context, Result, bail};
use lapwing_profile::text;
use rustix::fs::stat;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Controllers by preference: `pids` is the one that every runtime sets up and nobody delegates
/// in part.
const CONTROLLERS: &[&str] = &[
    "pids", "memory", "cpu", "cpuset", "devices", "freezer", "blkio",
];

/// The hierarchy, and where it is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    /// Where it is mounted.
    pub root: PathBuf,
    /// The v1 controller; `None` for the unified hierarchy.
    pub controller: Option<&'static str>,
    /// The kernel's number for it; 0 for the unified one.
    pub id: u32,
    /// Where the unified hierarchy is mounted, if it is: egress programs attach there.
    pub unified: Option<PathBuf>,
    /// The cgroup at the root of the agent's cgroup namespace; empty for the host's.
    pub namespace: String,
}

impl Hierarchy {
    /// Finds it, from a `/proc` folder.
    ///
    /// # Errors
    /// When no cgroup file system is mounted.
    pub fn find(proc: &Path) -> Result<Self> {
        let read = |path: PathBuf| {
            std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))
        };
        let mounts = read(proc.join("self/mountinfo"))?;
        let cgroups = read(proc.join("cgroups")).unwrap_or_default();
        let found = Self::from_text(&mounts, &cgroups, |unified| {
            std::fs::read_to_string(unified.join("cgroup.controllers")).unwrap_or_default()
        })?;
        let own = std::fs::read(proc.join("self/cgroup")).unwrap_or_default();
        Ok(found.seen_by(&own, std::process::id()))
    }

    /// As the process with this id and `/proc/PID/cgroup` sees it.
    fn seen_by(mut self, own: &[u8], pid: u32) -> Self {
        let Some(path) = self.path_in(own) else {
            return self;
        };
        let holds = |path: &str| {
            let file = self.folder(path).map(|folder| folder.join("cgroup.procs"));
            let text = file.and_then(|file| std::fs::read_to_string(file).ok());
            let pid = pid.to_string();
            text.is_some_and(|text| text.lines().any(|line| line == pid))
        };
        if holds(&path) {
            return self;
        }
        let all = super::scan::cgroups(&self.root);
        let at = all.iter().find(|found| holds(&found.path));
        let below = path.trim_end_matches('/');
        match at.and_then(|at| at.path.strip_suffix(below)) {
            Some(root) => root.trim_end_matches('/').clone_into(&mut self.namespace),
            None => tracing::warn!(
                "the agent does not find its own cgroup {path} below {}: of containers that run already it cannot \
                 say what they do; give it the host's /sys/fs/cgroup and process ids (hostPID)",
                self.root.display()
            ),
        }
        self
    }

    /// The path in the host's tree of one that is told in the agent's cgroup namespace.
    fn on_host(&self, told: &str) -> String {
        if self.namespace.is_empty() {
            return told.to_owned();
        }
        let mut parts: Vec<&str> = self.namespace.split('/').skip(1).collect();
        for part in told.split('/').filter(|part| !part.is_empty()) {
            // No cgroup is called so.
            if part == ".." {
                parts.pop();
            } else {
                parts.push(part);
            }
        }
        format!("/{}", parts.join("/"))
    }

    /// `controllers` answers with those of the unified tree that is mounted at a path.
    fn from_text(
        mountinfo: &str,
        cgroups: &str,
        controllers: impl Fn(&Path) -> String,
    ) -> Result<Self> {
        let mounts: Vec<Mount> = mountinfo.lines().filter_map(Mount::parse).collect();
        let unified = mounts
            .iter()
            .find(|mount| mount.kind == "cgroup2")
            .map(|mount| mount.point.clone());
        let used = unified
            .as_deref()
            .map(controllers)
            .unwrap_or_default()
            .split_whitespace()
            .any(|name| ["pids", "memory"].contains(&name));
        for controller in CONTROLLERS.iter().filter(|_| !used) {
            let Some(mount) = mounts.iter().find(|mount| {
                mount.kind == "cgroup"
                    && mount.options.split(',').any(|option| option == *controller)
            }) else {
                continue;
            };
            let Some(id) = hierarchy_id(cgroups, controller) else {
                continue;
            };
            return Ok(Self {
                root: mount.point.clone(),
                controller: Some(controller),
                id,
                unified,
                namespace: String::new(),
            });
        }
        match unified {
            Some(root) => Ok(Self {
                root: root.clone(),
                controller: None,
                id: 0,
                unified: Some(root),
                namespace: String::new(),
            }),
            None => bail!(
                "no cgroup file system is mounted: `mount -t cgroup2 none /sys/fs/cgroup`, or give the agent's \
                 container the host's /sys/fs/cgroup"
            ),
        }
    }

    /// The cgroup path of a process in this hierarchy as canonical text, from the bytes of
    /// `/proc/PID/cgroup`, where the kernel writes them raw.
    #[must_use]
    pub fn path_in(&self, file: &[u8]) -> Option<String> {
        file.split(|byte| *byte == b'\n').find_map(|line| {
            let mut fields = line.splitn(3, |byte| *byte == b':');
            let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
            let ours = match self.controller {
                Some(controller) => controllers
                    .split(|byte| *byte == b',')
                    .any(|name| name == controller.as_bytes()),
                None => controllers.is_empty(),
            };
            ours.then(|| self.on_host(&text::canonical(path)))
        })
    }

    /// The folder of a cgroup, from its path.
    #[must_use]
    pub fn folder(&self, path: &str) -> Option<PathBuf> {
        let bytes = text::bytes(path)?;
        let below = OsStr::from_bytes(bytes.strip_prefix(b"/")?);
        Some(self.root.join(below))
    }

    /// The id of the cgroup with this path, if it exists: the inode number of its folder.
    #[must_use]
    pub fn id_of(&self, path: &str) -> Option<u64> {
        Some(stat(self.folder(path)?).ok()?.st_ino)
    }

    /// The path below the hierarchy's root from the one below the root of the file system, where
    /// a runtime may have another mount of the hierarchy than we: the usual places are known.
    #[must_use]
    pub fn strip_mount<'a>(&self, path: &'a str) -> Option<&'a str> {
        let below = |rest: &'a str| rest.starts_with('/').then_some(rest);
        let root = text::canonical(self.root.as_os_str().as_bytes());
        if let Some(rest) = path.strip_prefix(&root).and_then(below) {
            return Some(rest);
        }
        let rest = path.strip_prefix("/sys/fs/cgroup").and_then(below)?;
        match self.controller {
            Some(_) => rest[1..].find('/').map(|slash| &rest[1 + slash..]),
            None => Some(rest),
        }
    }
}

/// A line of /proc/PID/mountinfo, proc(5).
struct Mount<'a> {
    point: PathBuf,
    kind: &'a str,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (front, back) = line.split_once(" - ")?;
        let mut back = back.split(' ');
        let kind = back.next()?;
        let options = back.nth(1)?;
        Some(Self {
            point: PathBuf::from(unescape(front.split(' ').nth(4)?)),
            kind,
            options,
        })
    }
}

/// The kernel writes space, tab, newline and backslash as three octal digits.
fn unescape(text: &str) -> String {
    [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (escape, plain)| {
        text.replace(escape, plain)
    })
}

/// From the columns of /proc/cgroups: name, hierarchy, number of cgroups, enabled.
fn hierarchy_id(cgroups: &str, controller: &str) -> Option<u32> {
    cgroups
        .lines()
        .find_map(|line| {
            let mut fields = line.split_whitespace();
            (fields.next()? == controller).then(|| fields.next()?.parse().ok())?
        })
        .filter(|id| *id != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = "30 25 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro\n\
        31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n\
        33 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
        34 30 0:30 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";
    const V1_IDS: &str =
        "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t3\t1\t1\npids\t8\t1\t1\n";

    #[test]
    fn hybrid_takes_a_controller_and_knows_the_unified_tree() {
        let found = Hierarchy::from_text(V1, V1_IDS, |_| String::new()).unwrap();
        assert_eq!(
            found,
            Hierarchy {
                root: "/sys/fs/cgroup/pids".into(),
                controller: Some("pids"),
                id: 8,
                unified: Some("/sys/fs/cgroup/unified".into()),
                namespace: String::new(),
            }
        );
        let text = b"8:pids:/a/b\n3:cpu,cpuacct:/c\n0::/d\n";
        assert_eq!(found.path_in(text).as_deref(), Some("/a/b"));
        for (path, expected) in [
            ("/sys/fs/cgroup/pids/a/b", Some("/a/b")),
            ("/sys/fs/cgroup/memory/a/b", Some("/a/b")),
            ("/sys/fs/cgroup/pids", None),
            ("/sys/fs/cgroup2/a", None),
        ] {
            assert_eq!(found.strip_mount(path), expected, "{path}");
        }
        let without_pids = V1.replace("rw,pids", "rw,net_cls");
        let found = Hierarchy::from_text(&without_pids, V1_IDS, |_| String::new()).unwrap();
        assert_eq!((found.controller, found.id), (Some("cpu"), 3));
        assert_eq!(found.path_in(text).as_deref(), Some("/c"));
    }

    #[test]
    fn a_stray_controller_beside_v2_does_not_count() {
        let mounts = "25 1 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n\
            40 1 0:40 / /mnt/freezer rw - cgroup cgroup rw,freezer\n";
        let ids = "freezer\t4\t1\t1\npids\t0\t9\t1\n";
        let found = Hierarchy::from_text(mounts, ids, |at| {
            assert_eq!(at, Path::new("/sys/fs/cgroup"));
            "cpu memory pids\n".to_owned()
        })
        .unwrap();
        assert_eq!((found.controller, found.id), (None, 0));
    }

    #[test]
    fn the_unified_tree_alone() {
        let mounts = "25 1 0:22 / /sys/fs/cgroup\\040x rw - cgroup2 cgroup2 rw\n";
        let ids = "#subsys_name\thierarchy\tnum_cgroups\tenabled\npids\t0\t9\t1\n";
        let found = Hierarchy::from_text(mounts, ids, |_| "cpu pids".to_owned()).unwrap();
        assert_eq!((found.controller, found.id), (None, 0));
        assert_eq!(found.root, Path::new("/sys/fs/cgroup x"));
        let raw = b"0::/x:y\\x2d\xff\n";
        assert_eq!(found.path_in(raw).as_deref(), Some("/x:y\\\\x2d\\xff"));
        assert_eq!(
            found.folder("/y\\\\x2d").unwrap(),
            Path::new("/sys/fs/cgroup x/y\\x2d")
        );
        assert_eq!(found.strip_mount("/sys/fs/cgroup x/a"), Some("/a"));
        assert_eq!(found.strip_mount("/sys/fs/cgroup/a/b"), Some("/a/b"));
    }

    #[test]
    fn paths_in_a_namespace_of_the_agent_s_are_those_of_the_host() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for (path, processes) in [
            ("", "1\n2\n"),
            ("pods/a", "7\n"),
            ("pods/b", "41\n42\n"),
            ("pods/b/inner", "43\n"),
        ] {
            std::fs::create_dir_all(root.join(path)).unwrap();
            std::fs::write(root.join(path).join("cgroup.procs"), processes).unwrap();
        }
        let hierarchy = || Hierarchy {
            root: root.to_path_buf(),
            controller: None,
            id: 0,
            unified: None,
            namespace: String::new(),
        };
        let paths = |seen: &Hierarchy, told: &str| seen.path_in(format!("0::{told}\n").as_bytes());
        // In its root, and in a cgroup that somebody made below that.
        for (own, pid) in [("/", 42), ("/inner", 43)] {
            let seen = hierarchy().seen_by(format!("0::{own}\n").as_bytes(), pid);
            assert_eq!(seen.namespace, "/pods/b");
            for (told, path) in [
                ("/", "/pods/b"),
                ("/inner", "/pods/b/inner"),
                ("/../a", "/pods/a"),
                ("/../../init.scope", "/init.scope"),
                ("/../..", "/"),
            ] {
                assert_eq!(paths(&seen, told).as_deref(), Some(path), "{told}");
            }
        }
        // In the host's namespace, and where it cannot be told.
        for (own, pid) in [("/pods/a", 7), ("/", 2), ("/", 999), ("/../a", 7)] {
            let seen = hierarchy().seen_by(format!("0::{own}\n").as_bytes(), pid);
            assert_eq!(seen.namespace, "");
            assert_eq!(paths(&seen, "/pods/a").as_deref(), Some("/pods/a"));
        }
    }

    #[test]
    fn none_is_said_with_a_remedy() {
        let error = Hierarchy::from_text("", "", |_| String::new())
            .unwrap_err()
            .to_string();
        assert!(error.contains("mount -t cgroup2"), "{error}");
    }
}
