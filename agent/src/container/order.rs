//! What a runtime was told when it put a container's first process into its cgroup.
//!
//! runc's state file of a container that ends at once may be there for a
//! millisecond, and a busy machine keeps the agent from it for longer. The kernel side
//! therefore sends the words of the root process that moved the first process
//! in: `runc ... --bundle DIR ID`. The bundle outlives the container by long enough,
//! and its configuration says which cgroup it is for, so words alone convince
//! nobody.

use super::details::{bundled, read};
use super::layout::{Named, Runtime};
use super::workload::{Details, clean};
use lapwing_profile::text::canonical;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Longest folder that is remembered, in bytes.
const FOLDER_MAX: usize = 1_024;

/// The order to run one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    bundle: PathBuf,
    runtime: Runtime,
    id: String,
}

impl Order {
    /// From the arguments of a runtime, each ended by NUL. `None` if they name no bundle.
    #[must_use]
    pub fn parse(args: &[u8]) -> Option<Self> {
        let words: Vec<&[u8]> = args
            .strip_suffix(b"\0")
            .unwrap_or(args)
            .split(|byte| *byte == 0)
            .collect();
        let option = |names: &[&str]| {
            words.iter().enumerate().find_map(|(at, word)| {
                names
                    .iter()
                    .find_map(|name| match word.strip_prefix(name.as_bytes())? {
                        b"" => words.get(at + 1).copied(),
                        rest => rest.strip_prefix(b"="),
                    })
            })
        };
        let bundle = option(&["--bundle", "-b"])?;
        if !bundle.starts_with(b"/") || bundle.len() > FOLDER_MAX {
            return None;
        }
        let holds = |word: Option<&[u8]>, part: &str| {
            word.is_some_and(|word| word.windows(part.len()).any(|at| at == part.as_bytes()))
        };
        let root = option(&["--root"]);
        let runtime = if holds(root, "/moby") {
            Runtime::Docker
        } else if holds(root, "/containerd/") || holds(Some(bundle), "/io.containerd.") {
            Runtime::Containerd
        } else {
            Runtime::Runc
        };
        Some(Self {
            bundle: PathBuf::from(OsStr::from_bytes(bundle)),
            runtime,
            id: clean(&String::from_utf8_lossy(words.last()?)),
        })
    }

    /// Whose container has this cgroup, if the bundle says that it is the one.
    #[must_use]
    pub fn confirm(&self, host: &Path, cgroup: &str) -> Option<(Named, Details)> {
        let folder = host.join(self.bundle.strip_prefix("/").ok()?);
        let config = read(&folder.join("config.json"))?;
        let wanted = config
            .pointer("/linux/cgroupsPath")
            .and_then(|path| path.as_str())
            .unwrap_or_default();
        let leaf = cgroup.rsplit('/').next().unwrap_or_default();
        let parts: Vec<&str> = wanted.split(':').collect();
        let fits = match parts[..] {
            // systemd's form, and runc's own choice where nothing is said.
            [_, "", name] => leaf == format!("{}.scope", canonical(name.as_bytes())),
            [_, prefix, name] => {
                leaf == format!("{}.scope", canonical(format!("{prefix}-{name}").as_bytes()))
            }
            [""] => leaf == self.id,
            _ => canonical(wanted.as_bytes()) == cgroup,
        };
        fits.then(|| {
            let named = Named {
                runtime: self.runtime,
                id: self.id.clone(),
            };
            let details = Details {
                bundle: canonical(self.bundle.as_os_str().as_bytes()),
                ..bundled(&config)
            };
            (named, details.trimmed())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(words: &[&str]) -> Option<Order> {
        Order::parse(format!("{}\0", words.join("\0")).as_bytes())
    }

    #[test]
    fn words_of_runtimes() {
        let found = order(&["runc", "--root", "/r", "run", "--bundle", "/srv/b", "c1"]).unwrap();
        assert_eq!((found.runtime, found.id.as_str()), (Runtime::Runc, "c1"));
        assert_eq!(found.bundle, Path::new("/srv/b"));
        assert_eq!(
            order(&["crun", "run", "-b=/srv/b", "c1"]).unwrap().bundle,
            found.bundle
        );
        let docker = [
            "runc",
            "--root=/x/runtime-runc/moby",
            "create",
            "--bundle",
            "/b",
            "0f",
        ];
        assert_eq!(order(&docker).unwrap().runtime, Runtime::Docker);
        let shim = "/run/containerd/io.containerd.runtime.v2.task/k8s.io/0f";
        let containerd = order(&["runc", "create", "--bundle", shim, "0f"]).unwrap();
        assert_eq!(containerd.runtime, Runtime::Containerd);
        for none in [
            &["sh", "-c", "echo 7 > cgroup.procs"][..],
            &["runc", "run", "--bundle", "relative", "c1"],
            &["runc", "run", "--bundle"],
            &[],
        ] {
            assert_eq!(order(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_bundle_must_be_for_the_cgroup() {
        let host = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(host.path().join("srv/b")).unwrap();
        let write = |path: &str| {
            let text = format!(
                r#"{{"annotations":{{"lapwing.dev/workload":"shop"}},"linux":{{"cgroupsPath":"{path}"}}}}"#
            );
            std::fs::write(host.path().join("srv/b/config.json"), text).unwrap();
        };
        let order = order(&["runc", "run", "--bundle", "/srv/b", "c1"]).unwrap();
        assert_eq!(order.confirm(host.path(), "/a/c1"), None, "no file");
        for (path, cgroup, fits) in [
            ("/a/c1", "/a/c1", true),
            ("/a/c1", "/b/c1", false),
            (
                "system.slice:docker:c1",
                "/system.slice/docker-c1.scope",
                true,
            ),
            ("system.slice::c1", "/system.slice/c1.scope", true),
            (
                "system.slice:docker:c1",
                "/system.slice/docker-c2.scope",
                false,
            ),
            ("", "/user/c1", true),
            ("", "/user/c2", false),
        ] {
            write(path);
            let found = order.confirm(host.path(), cgroup);
            assert_eq!(found.is_some(), fits, "{path} {cgroup}");
            if let Some((named, details)) = found {
                assert_eq!((named.runtime, named.id.as_str()), (Runtime::Runc, "c1"));
                assert_eq!(details.labels["lapwing.dev/workload"], "shop");
                assert_eq!(details.bundle, "/srv/b");
            }
        }
    }

    proptest! {
        #[test]
        fn any_words_are_borne(args: Vec<u8>) {
            let _ = Order::parse(&args);
        }
    }
}
