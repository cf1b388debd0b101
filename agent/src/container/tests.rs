//! The registry as its caller sees it: what it is told, and what it answers.

use super::hierarchy::Hierarchy;
use super::*;
use lapwing_abi::state::{CGROUPS_MAX, Cgroup, cgroup_state};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

mod fate;
mod names;
mod sources;
mod survey;
mod told;
mod unnamed;

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

pub(super) fn registry(host_root: &Path, change: impl FnOnce(&mut Options)) -> Registry {
    let mut options = Options {
        cluster: "c1".into(),
        scope: Vec::new(),
        host: false,
        host_root: host_root.to_path_buf(),
        runc_roots: Vec::new(),
        share: CGROUPS_MAX as usize,
    };
    change(&mut options);
    let hierarchy = Hierarchy {
        root: host_root.join("cgroup"),
        controller: None,
        id: 0,
        unified: None,
        namespace: String::new(),
    };
    Registry::new(options, hierarchy)
}

/// A container of runc, as its file says.
fn state_in(root: &Path, folder: &str, id: &str, path: &str) {
    let folder = root.join(folder).join(id);
    fs::create_dir_all(&folder).unwrap();
    let text = format!(
        r#"{{"cgroup_paths":{{"":"/sys/fs/cgroup{path}"}},"config":{{"labels":["bundle=/srv/{id}"]}}}}"#
    );
    fs::write(folder.join("state.json"), text).unwrap();
}

fn state(root: &Path, id: &str, path: &str) {
    state_in(root, "run/runc", id, path);
}

/// Docker's own file of a container.
fn docker(root: &Path, id: &str, image: &str) {
    let folder = root.join("var/lib/docker/containers").join(id);
    fs::create_dir_all(&folder).unwrap();
    let text = format!(r#"{{"Name":"/web","Config":{{"Image":"{image}"}}}}"#);
    fs::write(folder.join("config.v2.json"), text).unwrap();
}

fn act(cgroup: u64) -> Act {
    Act {
        cgroup,
        pid: u32::MAX,
        foreign_root: false,
        behaviour: true,
    }
}

fn foreign(cgroup: u64) -> Act {
    Act {
        foreign_root: true,
        ..act(cgroup)
    }
}

fn tick(registry: &mut Registry, now: u64) -> Vec<Effect> {
    registry.tick(now, HashSet::new)
}

fn instance(registry: &Registry, id: u64) -> Option<&Instance> {
    match registry.resolve(id) {
        Resolution::Instance(instance) => Some(instance),
        Resolution::Pending | Resolution::Ignored | Resolution::Unheard => None,
    }
}

fn workload(registry: &Registry, id: u64) -> String {
    instance(registry, id).unwrap().workload.to_string()
}

fn is_pending(registry: &Registry, id: u64) -> bool {
    matches!(registry.resolve(id), Resolution::Pending)
}

fn is_ignored(registry: &Registry, id: u64) -> bool {
    matches!(registry.resolve(id), Resolution::Ignored)
}

fn is_unheard(registry: &Registry, id: u64) -> bool {
    matches!(registry.resolve(id), Resolution::Unheard)
}

fn ignored(id: u64) -> Effect {
    let cgroup = Cgroup {
        home: id,
        state: cgroup_state::IGNORED,
        started: 0,
    };
    Effect::Set(id, cgroup)
}
