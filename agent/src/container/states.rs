//! What runc writes of its containers: which cgroup is whose.
//!
//! Docker and containerd run runc too, each in a folder of its own, so these
//! files prove what a cgroup's name only claims. They are read where they lie, and again
//! only when they changed: a host has many containers, and while one is waited
//! for, the folders are looked at many times a second.

use super::details::read;
use super::hierarchy::Hierarchy;
use super::layout::{Runtime, has_generated};
use super::workload::{Details, clean};
use lapwing_profile::text::canonical;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
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

/// A file as it was when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

#[derive(Debug)]
struct Known {
    stamp: Stamp,
    /// `None` for a file that is no state.
    state: Option<State>,
}

/// All state files.
#[derive(Debug)]
pub struct States {
    hierarchy: Hierarchy,
    /// Folders of `runc --root`.
    roots: Vec<(PathBuf, Runtime)>,
    /// Folder that holds such a folder for each namespace of containerd.
    namespaces: PathBuf,
    files: HashMap<PathBuf, Known>,
    by_cgroup: HashMap<String, PathBuf>,
    /// Files that were parsed.
    parsed: u64,
}

impl States {
    /// With the well-known folders below the host's root, and more folders of runc.
    #[must_use]
    pub fn new(host: &Path, more: &[PathBuf], hierarchy: Hierarchy) -> Self {
        let mut roots = vec![
            (host.join("run/runc"), Runtime::Runc),
            (host.join("run/docker/runtime-runc/moby"), Runtime::Docker),
        ];
        roots.extend(more.iter().map(|root| (root.clone(), Runtime::Runc)));
        Self {
            hierarchy,
            roots,
            namespaces: host.join("run/containerd/runc"),
            files: HashMap::new(),
            by_cgroup: HashMap::new(),
            parsed: 0,
        }
    }

    /// Looks at the folders, and reads what is new.
    pub fn refresh(&mut self) {
        let mut before = std::mem::take(&mut self.files);
        let namespaces = entries(&self.namespaces).map(|root| (root, Runtime::Containerd));
        for (root, runtime) in self.roots.iter().cloned().chain(namespaces) {
            for folder in entries(&root) {
                let path = folder.join("state.json");
                if self.files.len() >= STATES_MAX || self.files.contains_key(&path) {
                    continue;
                }
                let Some(stamp) = stamp(&path) else { continue };
                let known = match before.remove(&path) {
                    Some(known) if known.stamp == stamp => known,
                    Some(_) | None => {
                        self.parsed += 1;
                        let state = state(&path, &folder, runtime, &self.hierarchy);
                        Known { stamp, state }
                    }
                };
                self.files.insert(path, known);
            }
        }
        self.by_cgroup = self
            .files
            .iter()
            .filter_map(|(path, known)| Some((known.state.as_ref()?.cgroup.clone(), path.clone())))
            .collect();
    }

    /// The container whose cgroup has this path.
    #[must_use]
    pub fn by_cgroup(&self, path: &str) -> Option<&State> {
        self.files.get(self.by_cgroup.get(path)?)?.state.as_ref()
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
    let mut labels: BTreeMap<String, String> = state
        .pointer("/config/labels")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|label| label.as_str()?.split_once('='))
        .map(|(key, value)| (clean(key), clean(value)))
        .collect();
    Details {
        bundle: labels.remove("bundle").unwrap_or_default(),
        labels,
        ..Details::default()
    }
    .trimmed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn states(host: &Path, controller: Option<&'static str>) -> States {
        let hierarchy = Hierarchy {
            root: Path::new("/sys/fs/cgroup").join(controller.unwrap_or_default()),
            controller,
            id: 0,
            unified: None,
        };
        States::new(host, &[], hierarchy)
    }

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_container_is_found_by_its_cgroup() {
        let host = tempfile::tempdir().unwrap();
        write(
            &host.path().join("run/runc/c1/state.json"),
            r#"{"cgroup_paths":{"":"/sys/fs/cgroup/unified/x","pids":"/sys/fs/cgroup/pids/shop/web"},
                "config":{"labels":["lapwing.dev/workload=shop","bundle=/srv/shop","other=x"]}}"#,
        );
        let mut states = states(host.path(), Some("pids"));
        states.refresh();
        let found = states.by_cgroup("/shop/web").unwrap();
        assert_eq!((found.runtime, found.id.as_str()), (Runtime::Runc, "c1"));
        assert_eq!(found.details.bundle, "/srv/shop");
        assert_eq!(found.details.labels["lapwing.dev/workload"], "shop");
        assert_eq!(found.details.labels.len(), 1);
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
    fn a_file_is_parsed_again_only_when_it_changed() {
        let host = tempfile::tempdir().unwrap();
        let path = host.path().join("run/runc/c1/state.json");
        let text = |name: &str| format!(r#"{{"cgroup_paths":{{"":"/sys/fs/cgroup/{name}"}}}}"#);
        write(&path, &text("a"));
        write(&host.path().join("run/runc/c2/state.json"), "{ broken");
        let mut states = states(host.path(), None);
        for _ in 0..3 {
            states.refresh();
        }
        assert_eq!(states.parsed, 2);
        // As runc writes it: a new file under the old name.
        let fresh = path.with_extension("new");
        fs::write(&fresh, text("b")).unwrap();
        let later = SystemTime::now() + Duration::from_secs(1);
        fs::File::open(&fresh).unwrap().set_modified(later).unwrap();
        fs::rename(&fresh, &path).unwrap();
        states.refresh();
        assert_eq!(states.parsed, 3);
        assert!(states.by_cgroup("/a").is_none() && states.by_cgroup("/b").is_some());
    }
}
