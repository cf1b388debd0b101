//! What runc writes of its containers: which cgroup is whose.
//!
//! Docker and containerd run runc too, each in a folder of its own, so these
//! files prove what a cgroup's name only claims. A container's file is there from just
//! before its first program until the container is removed, which may be
//! milliseconds. While one is waited for, a look must therefore be quick: a folder
//! is listed only when it changed, and a file is parsed once, because nothing
//! that is asked of it changes while its container lives.

use super::details::{Labels, by_annotations, read};
use super::hierarchy::Hierarchy;
use super::layout::{Runtime, has_generated};
use super::workload::{Details, clean};
use crate::clock;
use lapwing_profile::text::canonical;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// State files that are looked at.
const STATES_MAX: usize = 16_384;

/// One container of runc.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Who told runc to run it.
    pub runtime: Runtime,
    /// Its id.
    pub id: String,
    /// The path of its cgroup.
    pub cgroup: String,
    /// What the file says of it.
    pub details: Details,
}

/// A file or a folder as it was when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    /// Whether it may be unlike what it was. Times are as coarse as the kernel's clock tick: what
    /// changed just now may change again under the same.
    fn may_have_changed(self, before: Option<Self>) -> bool {
        const TICK: i64 = 50_000_000;
        let (seconds, nanoseconds) = self.modified;
        let modified = seconds
            .saturating_mul(1_000_000_000)
            .saturating_add(nanoseconds);
        before != Some(self) || clock::now().saturating_sub(modified) < TICK
    }
}

#[derive(Debug)]
struct Known {
    stamp: Stamp,
    /// `None` for a file that is no state.
    state: Option<State>,
}

/// A folder of `runc --root`.
#[derive(Debug)]
struct Root {
    folder: PathBuf,
    runtime: Runtime,
    /// The folder as it was when it was listed.
    listed: Option<Stamp>,
    /// Folders of containers that have no file yet.
    bare: Vec<PathBuf>,
}

impl Root {
    const fn new(folder: PathBuf, runtime: Runtime) -> Self {
        Self {
            folder,
            runtime,
            listed: None,
            bare: Vec::new(),
        }
    }
}

/// All state files.
#[derive(Debug)]
pub struct States {
    hierarchy: Hierarchy,
    roots: Vec<Root>,
    /// Folder that holds such a folder for each namespace of containerd.
    namespaces: PathBuf,
    /// That as it was when it was listed.
    listed: Option<Stamp>,
    /// By the folder of the container.
    files: HashMap<PathBuf, Known>,
    by_cgroup: HashMap<String, PathBuf>,
    /// Files that were parsed.
    parsed: u64,
}

impl States {
    /// With the well-known folders below the host's root, and more folders of runc.
    #[must_use]
    pub fn new(host: &Path, more: &[PathBuf], hierarchy: Hierarchy) -> Self {
        let known = [
            ("run/runc", Runtime::Runc),
            ("run/docker/runtime-runc/moby", Runtime::Docker),
        ];
        let known = known.map(|(folder, runtime)| Root::new(host.join(folder), runtime));
        let more = more
            .iter()
            .map(|folder| Root::new(folder.clone(), Runtime::Runc));
        Self {
            hierarchy,
            roots: known.into_iter().chain(more).collect(),
            namespaces: host.join("run/containerd/runc"),
            listed: None,
            files: HashMap::new(),
            by_cgroup: HashMap::new(),
            parsed: 0,
        }
    }

    /// Looks for what is new.
    pub fn refresh(&mut self) {
        let mut roots = std::mem::take(&mut self.roots);
        let now = stamp(&self.namespaces);
        if now.is_none_or(|now| now.may_have_changed(self.listed)) {
            self.listed = now;
            for folder in entries(&self.namespaces) {
                if !roots.iter().any(|root| root.folder == folder) {
                    roots.push(Root::new(folder, Runtime::Containerd));
                }
            }
        }
        for root in &mut roots {
            self.look_into(root);
        }
        self.roots = roots;
    }

    fn look_into(&mut self, root: &mut Root) {
        let now = stamp(&root.folder);
        let folders = if now.is_none_or(|now| now.may_have_changed(root.listed)) {
            root.listed = now;
            let folders: Vec<PathBuf> = entries(&root.folder).collect();
            let exist: HashSet<&Path> = folders.iter().map(PathBuf::as_path).collect();
            self.files.retain(|folder, _| {
                folder.parent() != Some(&root.folder) || exist.contains(folder.as_path())
            });
            let files = &self.files;
            self.by_cgroup
                .retain(|_, folder| files.contains_key(folder));
            folders
        } else {
            std::mem::take(&mut root.bare)
        };
        root.bare = folders
            .into_iter()
            .filter(|folder| !self.take_in(folder, root.runtime))
            .collect();
    }

    /// Reads the file of a container, if it is new. Answers whether there is one.
    fn take_in(&mut self, folder: &Path, runtime: Runtime) -> bool {
        let path = folder.join("state.json");
        let Some(stamp) = stamp(&path) else {
            return false;
        };
        let known = self.files.get(folder);
        if known.is_some_and(|known| known.stamp == stamp)
            || known.is_none() && self.files.len() >= STATES_MAX
        {
            return true;
        }
        self.parsed += 1;
        let state = state(&path, folder, runtime, &self.hierarchy);
        if let Some(state) = &state {
            self.by_cgroup
                .insert(state.cgroup.clone(), folder.to_path_buf());
        }
        self.files
            .insert(folder.to_path_buf(), Known { stamp, state });
        true
    }

    /// The container whose cgroup has this path.
    #[must_use]
    pub fn by_cgroup(&self, path: &str) -> Option<&State> {
        let state = self.files.get(self.by_cgroup.get(path)?)?.state.as_ref();
        state.filter(|state| state.cgroup == path)
    }

    /// Whether a container with this id has another cgroup. Ids that a machine made are unlike
    /// all others; one that a person chose is compared within its runtime.
    #[must_use]
    pub fn is_elsewhere(&self, runtime: Runtime, id: &str, path: &str) -> bool {
        self.files
            .values()
            .filter_map(|known| known.state.as_ref())
            .any(|state| {
                state.id == id
                    && state.cgroup != path
                    && (state.runtime == runtime || has_generated(id))
            })
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
}

fn stamp(path: &Path) -> Option<Stamp> {
    let status = fs::metadata(path).ok()?;
    Some(Stamp {
        inode: status.ino(),
        size: status.size(),
        modified: (status.mtime(), status.mtime_nsec()),
    })
}

/// Reads libcontainer's `State`.
fn state(path: &Path, folder: &Path, runtime: Runtime, hierarchy: &Hierarchy) -> Option<State> {
    let value = read(path)?;
    // One path for each controller, of v2 under the empty name.
    let cgroup = value
        .get("cgroup_paths")?
        .get(hierarchy.controller.unwrap_or_default())?
        .as_str()?;
    let cgroup = canonical(cgroup.as_bytes());
    Some(State {
        runtime,
        id: canonical(folder.file_name()?.as_bytes()),
        cgroup: hierarchy.strip_mount(&cgroup)?.to_owned(),
        details: details(&value),
    })
}

/// Annotations and the bundle's path stand in one list of `key=value`.
fn details(state: &Value) -> Details {
    let mut labels: Labels = state
        .pointer("/config/labels")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|label| label.as_str()?.split_once('='))
        .map(|(key, value)| (clean(key), clean(value)))
        .collect();
    let bundle = labels.remove("bundle").unwrap_or_default();
    let details = Details {
        bundle,
        ..by_annotations(labels)
    };
    details.trimmed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::order::Order;
    use std::time::{Duration, SystemTime};

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn states(host: &Path, controller: Option<&'static str>) -> States {
        let hierarchy = Hierarchy {
            root: Path::new("/sys/fs/cgroup").join(controller.unwrap_or_default()),
            controller,
            id: 0,
            unified: None,
            namespace: String::new(),
        };
        States::new(host, &[], hierarchy)
    }

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Which of the two is there first is a matter of milliseconds, and must not be one of names.
    #[test]
    fn what_the_runtime_keeps_says_what_it_was_told() {
        let host = tempfile::tempdir().unwrap();
        let annotations = serde_json::json!({
            "io.kubernetes.cri.container-name": "app", "io.kubernetes.cri.image-name": format!("team/web@sha256:{ID}"),
            "io.kubernetes.cri.sandbox-name": "web-0", "io.kubernetes.cri.sandbox-namespace": "shop",
            "io.kubernetes.cri.sandbox-uid": "u1", "lapwing.dev/workload": "web", "other": "x",
        });
        let config =
            serde_json::json!({"annotations": annotations, "linux": {"cgroupsPath": "/shop/c1"}});
        write(&host.path().join("srv/c1/config.json"), &config.to_string());
        let labels = { annotations.as_object().unwrap().iter() }
            .map(|(key, value)| format!("{key}={}", value.as_str().unwrap()))
            .chain(["bundle=/srv/c1".to_owned()]);
        let state = serde_json::json!({
            "cgroup_paths": {"": "/sys/fs/cgroup/shop/c1"}, "config": {"labels": labels.collect::<Vec<_>>()},
        });
        write(
            &host.path().join("run/runc/c1/state.json"),
            &state.to_string(),
        );
        let mut states = states(host.path(), None);
        states.refresh();
        let kept = states.by_cgroup("/shop/c1").unwrap();
        let order = Order::parse(b"runc\0create\0--bundle\0/srv/c1\0c1\0").unwrap();
        let (named, told) = order.confirm(host.path(), "/shop/c1").unwrap();
        assert_eq!((kept.runtime, &kept.id), (named.runtime, &named.id));
        assert_eq!(kept.details, told);
        assert_eq!((&*told.name, &*told.pod_uid), ("app", "u1"));
    }

    #[test]
    fn a_container_is_found_by_its_cgroup() {
        let host = tempfile::tempdir().unwrap();
        write(
            &host.path().join("run/runc/c1/state.json"),
            r#"{"cgroup_paths":{"":"/sys/fs/cgroup/unified/x","pids":"/sys/fs/cgroup/pids/shop/web"},
                "config":{"labels":["lapwing.dev/workload=shop","bundle=/srv/shop","other=x",
                    "io.kubernetes.cri.sandbox-name=web-0","io.kubernetes.cri.sandbox-namespace=shop"]}}"#,
        );
        let mut states = states(host.path(), Some("pids"));
        states.refresh();
        let found = states.by_cgroup("/shop/web").unwrap();
        assert_eq!((found.runtime, found.id.as_str()), (Runtime::Runc, "c1"));
        assert_eq!(found.details.bundle, "/srv/shop");
        assert_eq!(found.details.labels["lapwing.dev/workload"], "shop");
        assert_eq!(found.details.labels.len(), 1);
        let Details { pod, namespace, .. } = &found.details;
        assert_eq!((&**pod, &**namespace), ("web-0", "shop"));
        for path in ["/shop/we", "/web", "/unified/x", "/x"] {
            assert!(states.by_cgroup(path).is_none(), "{path}");
        }
        fs::remove_dir_all(host.path().join("run/runc/c1")).unwrap();
        states.refresh();
        assert!(states.by_cgroup("/shop/web").is_none());
    }

    #[test]
    fn a_name_with_backslashes_is_found() {
        let host = tempfile::tempdir().unwrap();
        write(
            &host.path().join("run/runc/a/state.json"),
            r#"{"cgroup_paths":{"":"/sys/fs/cgroup/system.slice/runc-a\\x2db.scope"}}"#,
        );
        let mut states = states(host.path(), None);
        states.refresh();
        let path = canonical(br"/system.slice/runc-a\x2db.scope");
        assert_eq!(states.by_cgroup(&path).unwrap().id, "a");
    }

    #[test]
    fn every_runtime_s_folder_is_looked_at_and_ids_elsewhere_are_told() {
        let host = tempfile::tempdir().unwrap();
        for (folder, id, path) in [
            ("run/docker/runtime-runc/moby", ID, "/docker/x"),
            ("run/containerd/runc/k8s.io", "web", "/kubepods/web"),
        ] {
            write(
                &host.path().join(folder).join(id).join("state.json"),
                &format!(r#"{{"cgroup_paths":{{"":"/sys/fs/cgroup{path}"}}}}"#),
            );
        }
        let mut states = states(host.path(), None);
        states.refresh();
        let runtime = |path: &str| states.by_cgroup(path).unwrap().runtime;
        assert_eq!(runtime("/docker/x"), Runtime::Docker);
        assert_eq!(runtime("/kubepods/web"), Runtime::Containerd);
        assert!(!states.is_elsewhere(Runtime::Docker, ID, "/docker/x"));
        assert!(states.is_elsewhere(Runtime::Docker, ID, "/mine/x"));
        assert!(states.is_elsewhere(Runtime::Containerd, ID, "/mine/x"));
        assert!(states.is_elsewhere(Runtime::Containerd, "web", "/mine"));
        assert!(!states.is_elsewhere(Runtime::Lxc, "web", "/mine"));
    }

    #[test]
    fn a_file_is_parsed_once_for_each_container() {
        let host = tempfile::tempdir().unwrap();
        let folder = host.path().join("run/runc/c1");
        let text = |name: &str| format!(r#"{{"cgroup_paths":{{"":"/sys/fs/cgroup/{name}"}}}}"#);
        let mut states = states(host.path(), None);
        states.refresh();
        // runc makes the folder first.
        fs::create_dir_all(&folder).unwrap();
        states.refresh();
        write(&folder.join("state.json"), &text("a"));
        write(&host.path().join("run/runc/c2/state.json"), "{ broken");
        for _ in 0..3 {
            states.refresh();
        }
        assert_eq!(states.parsed, 2);
        assert!(states.by_cgroup("/a").is_some());
        // Another container by the same id.
        fs::remove_dir_all(&folder).unwrap();
        write(&folder.join("state.json"), &text("b"));
        states.refresh();
        assert!(states.by_cgroup("/a").is_none() && states.by_cgroup("/b").is_some());
    }

    #[test]
    fn a_folder_that_rests_is_not_listed_and_its_newest_are_still_looked_at() {
        let host = tempfile::tempdir().unwrap();
        let root = host.path().join("run/runc");
        fs::create_dir_all(root.join("c1")).unwrap();
        let rest = || {
            let past = SystemTime::now() - Duration::from_secs(60);
            fs::File::open(&root).unwrap().set_modified(past).unwrap();
        };
        rest();
        let mut states = states(host.path(), None);
        states.refresh();
        let before = states.roots[0].listed;
        assert!(!stamp(&root).unwrap().may_have_changed(before));
        write(
            &root.join("c1/state.json"),
            r#"{"cgroup_paths":{"":"/sys/fs/cgroup/a"}}"#,
        );
        assert!(!stamp(&root).unwrap().may_have_changed(before));
        states.refresh();
        assert!(states.by_cgroup("/a").is_some());
        fs::create_dir(root.join("c2")).unwrap();
        assert!(stamp(&root).unwrap().may_have_changed(before));
    }
}
