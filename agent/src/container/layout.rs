//! What a cgroup's path says of it. A name is a claim: whoever may make cgroups
//! can make one that looks like a container's, which is why details come from
//! the runtime's own files only.
//!
//! Few words speak against a container, and none that a person might give one:
//! only the suffixes that systemd keeps for its own units, and the monitors that
//! stand beside containers. `/docker`, `/kubepods` or `/default` say nothing,
//! for they may as well be a container's own name; as folders they hold no
//! process, and what holds no process costs nothing to leave undecided.
//!
//! A process with a root of its own in a unit of systemd's is not taken for a
//! container: services with `RootDirectory=`, chrooted daemons and sandboxed
//! desktop programs all look so. Containers that a runtime starts in the unit of
//! its caller (Podman's `--cgroups=disabled`) are not seen for that reason.

use serde::{Deserialize, Serialize};

/// What a path says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The cgroup of a container.
    Container(Named),
    /// A part of the host's own order: a service, a session, a slice.
    Host,
    /// Nothing.
    Unknown,
}

/// A container by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The runtime that lays out paths so.
    pub runtime: Runtime,
    /// The container's id.
    pub id: String,
}

/// Who runs a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Runtime {
    /// Docker.
    Docker,
    /// containerd, by CRI or not.
    Containerd,
    /// CRI-O.
    CriO,
    /// Podman.
    Podman,
    /// runc and nothing above it.
    Runc,
    /// LXC.
    Lxc,
    /// Not known.
    Unknown,
    /// Not a container: the pseudo-container of the host's own processes.
    Host,
}

impl Runtime {
    /// The name in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Containerd => "containerd",
            Self::CriO => "cri-o",
            Self::Podman => "podman",
            Self::Runc => "runc",
            Self::Lxc => "lxc",
            Self::Unknown => "unknown",
            Self::Host => "host",
        }
    }
}

/// Prefixes of scopes, as in `docker-<id>.scope`.
const PREFIXES: &[(&str, Runtime)] = &[
    ("docker-", Runtime::Docker),
    ("cri-containerd-", Runtime::Containerd),
    ("nerdctl-", Runtime::Containerd),
    ("containerd-", Runtime::Containerd),
    ("crio-", Runtime::CriO),
    ("libpod-", Runtime::Podman),
    ("libpod-payload-", Runtime::Podman),
];

/// Before the id in the scopes of the monitors of CRI-O and Podman.
const MONITORS: &[&str] = &["crio-conmon-", "libpod-conmon-"];

/// Longest id that is believed.
const ID_MAX: usize = 255;

/// Whether it looks like an id made by a runtime: 64 hexadecimal digits.
#[must_use]
pub fn is_generated(id: &str) -> bool {
    id.len() == 64
        && id
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether a component of a path, in whole or behind a prefix, is an id made by a machine: 64
/// hexadecimal digits, or a UUID with its dashes or without.
#[must_use]
pub fn has_generated(path: &str) -> bool {
    path.split(['/', '.', ':']).any(|part| {
        let mut run = 0;
        part.bytes().any(|byte| {
            run = match byte {
                b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' => run + 1,
                b'-' | b'_' => run,
                _ => 0,
            };
            run == 32
        })
    })
}

/// The uid of the pod that the path of a container's cgroup names, as kubelets lay it out: the folder above the
/// container's is `pod` and the uid, or a slice whose name ends so, where dashes of the uid are underscores
/// (`pkg/kubelet/cm/pod_container_manager_linux.go`, `cgroup_manager_linux.go` of Kubernetes). With such a slice and
/// cgroupfs the name of the container's folder begins with it.
#[must_use]
pub fn pod_of(path: &str) -> Option<String> {
    let mut parts = path.rsplit('/').filter(|part| !part.is_empty());
    let leaf = parts.next()?;
    let folder = match leaf.split_once(':') {
        Some((slice, _)) => slice,
        None => parts.next()?,
    };
    let uid = match folder.strip_suffix(".slice") {
        Some(slice) => slice.rsplit_once("-pod")?.1.replace('_', "-"),
        None => folder.strip_prefix("pod")?.to_owned(),
    };
    let is_uid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (!uid.is_empty() && uid.len() <= ID_MAX && uid.bytes().all(is_uid)).then_some(uid)
}

/// What the path of a cgroup says, if no ancestor of it is a container.
#[must_use]
pub fn claim(path: &str) -> Claim {
    let mut parts = path.rsplit('/').filter(|part| !part.is_empty());
    let Some(leaf) = parts.next() else {
        return Claim::Host; // The root.
    };
    let parent = parts.next();
    let container = |runtime, id: &str| {
        Claim::Container(Named {
            runtime,
            id: id.to_owned(),
        })
    };
    // `system.slice:docker:<id>`, where runc was given a systemd path but uses cgroupfs.
    if let Some((rest, id)) = leaf.rsplit_once(':')
        && let Some((_, prefix)) = rest.rsplit_once(':')
        && !id.is_empty()
        && id.len() <= ID_MAX
    {
        let runtime = match prefix {
            "docker" => Runtime::Docker,
            "cri-containerd" | "nerdctl" => Runtime::Containerd,
            "crio" => Runtime::CriO,
            _ => Runtime::Runc,
        };
        return container(runtime, id);
    }
    let name = leaf.strip_suffix(".scope").unwrap_or(leaf);
    let monitor = |prefix: &&str| name.strip_prefix(prefix).is_some_and(is_generated);
    if MONITORS.iter().any(monitor) {
        return Claim::Host;
    }
    for (prefix, runtime) in PREFIXES {
        if let Some(id) = name.strip_prefix(prefix)
            && is_generated(id)
        {
            return container(*runtime, id);
        }
    }
    if is_generated(leaf) {
        let runtime = match parent {
            Some("docker") => Runtime::Docker,
            Some("libpod_parent") => Runtime::Podman,
            _ => Runtime::Containerd,
        };
        return container(runtime, leaf);
    }
    if let Some(name) = leaf.strip_prefix("lxc.payload.")
        && !name.is_empty()
    {
        return container(Runtime::Lxc, name);
    }
    // `ctr run` in the namespace `default`: /default/<name>.
    if parent == Some("default") && path.matches('/').count() == 2 && leaf.len() <= ID_MAX {
        return container(Runtime::Containerd, leaf);
    }
    if is_unit(leaf, name) {
        Claim::Host
    } else {
        Claim::Unknown
    }
}

/// Whether it is one of systemd's own units, systemd.unit(5).
fn is_unit(leaf: &str, name: &str) -> bool {
    const UNITS: [&str; 6] = [
        ".service",
        ".slice",
        ".mount",
        ".socket",
        ".swap",
        ".automount",
    ];
    let scope = leaf.ends_with(".scope")
        && (name == "init"
            || name.starts_with("session-")
            || name.starts_with("run-")
            || name.starts_with("app-"));
    scope || UNITS.iter().any(|unit| leaf.ends_with(unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn pods_are_named_by_the_folder_above() {
        let uid = "7f3c1b9e-0000-4000-8000-000000000001";
        let slice = format!("kubepods-burstable-pod{}.slice", uid.replace('-', "_"));
        for (path, expected) in [
            (format!("/kubepods/burstable/pod{uid}/{ID}"), Some(uid)),
            (format!("/kubepods/pod{uid}/{ID}"), Some(uid)),
            (
                format!("/kubepods.slice/{slice}/cri-containerd-{ID}.scope"),
                Some(uid),
            ),
            (
                format!("/kubepods.slice/{slice}/crio-{ID}.scope"),
                Some(uid),
            ),
            (
                format!("/system.slice/containerd.service/{slice}:cri-containerd:{ID}"),
                Some(uid),
            ),
            (format!("/k8s/pod{uid}/{ID}/own"), None),
            (format!("/docker/{ID}"), None),
            (format!("/pod/{ID}"), None),
            (format!("/pod..%2f/{ID}"), None),
            (format!("/pod{}/{ID}", "a".repeat(256)), None),
            (format!("/system.slice/docker-{ID}.scope"), None),
            (format!("/{ID}"), None),
            (String::new(), None),
        ] {
            assert_eq!(pod_of(&path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn paths_of_every_runtime() {
        let uid = "7f3c1b9e-0000-4000-8000-000000000001";
        for (path, runtime) in [
            (format!("/docker/{ID}"), Runtime::Docker),
            (format!("/system.slice/docker-{ID}.scope"), Runtime::Docker),
            (format!("/system.slice:docker:{ID}"), Runtime::Docker),
            (
                format!(
                    "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{ID}.scope"
                ),
                Runtime::Docker,
            ),
            (
                format!("/kubepods/burstable/pod{uid}/{ID}"),
                Runtime::Containerd,
            ),
            (format!("/kubepods/pod{uid}/{ID}"), Runtime::Containerd),
            (
                format!(
                    "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod7f.slice/cri-containerd-{ID}.scope"
                ),
                Runtime::Containerd,
            ),
            (
                format!(
                    "/system.slice/containerd.service/kubepods-besteffort-pod7f.slice:cri-containerd:{ID}"
                ),
                Runtime::Containerd,
            ),
            (
                format!("/kubepods.slice/kubepods-pod7f.slice/crio-{ID}.scope"),
                Runtime::CriO,
            ),
            (
                format!("/kubepods/besteffort/pod{uid}/crio-{ID}"),
                Runtime::CriO,
            ),
            (format!("/machine.slice/libpod-{ID}.scope"), Runtime::Podman),
            (format!("/libpod_parent/libpod-{ID}"), Runtime::Podman),
            (
                format!("/system.slice/web.service/libpod-payload-{ID}"),
                Runtime::Podman,
            ),
            (format!("/default/{ID}"), Runtime::Containerd),
            (
                format!("/system.slice/nerdctl-{ID}.scope"),
                Runtime::Containerd,
            ),
        ] {
            let expected = Claim::Container(Named {
                runtime,
                id: ID.to_owned(),
            });
            assert_eq!(claim(&path), expected, "{path}");
        }
        for (path, runtime, id) in [
            ("/default/web", Runtime::Containerd, "web"),
            ("/lxc.payload.box", Runtime::Lxc, "box"),
        ] {
            assert_eq!(
                claim(path),
                Claim::Container(Named {
                    runtime,
                    id: id.to_owned()
                })
            );
        }
    }

    #[test]
    fn the_host_s_own_are_no_containers() {
        for path in [
            "/",
            "",
            "/init.scope",
            "/system.slice",
            "/system.slice/ssh.service",
            "/user.slice/user-0.slice/session-3.scope",
            "/kubepods.slice/kubepods-pod7f.slice",
            &format!("/machine.slice/libpod-conmon-{ID}.scope"),
            &format!("/kubepods.slice/crio-conmon-{ID}.scope"),
        ] {
            assert_eq!(claim(path), Claim::Host, "{path}");
        }
    }

    #[test]
    fn other_paths_say_nothing() {
        for path in [
            "/shop/web",
            "/podinfo",
            "/shop/default",
            "/machine",
            "/docker",
            "/kubepods/burstable/pod7f3c1b9e-0000-4000-8000-000000000001",
            "/lxc.monitor.box",
            "/lxc.payload.",
            "/my-conmon-web",
            "/docker-x.scope",
            "/a/default/b",
            &format!("/x/docker-{}.scope", &ID[1..]),
        ] {
            assert_eq!(claim(path), Claim::Unknown, "{path}");
        }
    }

    #[test]
    fn what_a_machine_made_is_told_from_what_a_person_chose() {
        for path in [
            format!("/run/docker/moby/{ID}"),
            format!("/x/crun-{ID}.scope"),
            "/var/lib/x/7f3c1b9e-0000-4000-8000-000000000001/y".into(),
            "pod7f3c1b9e_0000_4000_8000_000000000001".into(),
        ] {
            assert!(has_generated(&path), "{path}");
        }
        for path in ["/srv/shop", "/deadbeef/cafe", "/a/b/c/d/e/f/0/1/2/3", ""] {
            assert!(!has_generated(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_path_gets_an_answer(path: String) {
            let claim = claim(&path);
            if let Claim::Container(named) = claim {
                prop_assert!(!named.id.is_empty());
            }
        }
    }
}
