//! Where runtimes have their sockets.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::path::{Path, PathBuf};

/// A socket that a runtime is known to have.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The names that it may have where the agent runs.
    pub paths: &'static [&'static str],
    /// The file on the host without which it is left alone: systemd listens there for a daemon that
    /// does not run, and a connection would start it, also one that somebody stopped.
    pub runs_by: Option<&'static str>,
}

impl Known {
    const fn new(paths: &'static [&'static str]) -> Self {
        Self {
            paths,
            runs_by: None,
        }
    }

    const fn by(self, file: &'static str) -> Self {
        Self {
            runs_by: Some(file),
            ..self
        }
    }
}

/// Where dockerd has its process id while it runs.
const DOCKER_RUNS: &str = "/run/docker.pid";

/// Sockets of CRI: containerd, CRI-O, cri-dockerd, that of `k3s --docker`, k3s and RKE2, k0s, MicroK8s. That of
/// cri-dockerd, which starts Docker, may be systemd's as Docker's may; and the one in k3s asks Docker's socket.
pub const CRI: &[Known] = &[
    Known::new(&["/run/containerd/containerd.sock"]),
    Known::new(&["/run/crio/crio.sock"]),
    Known::new(&["/run/cri-dockerd.sock"]).by(DOCKER_RUNS),
    Known::new(&["/run/k3s/cri-dockerd/cri-dockerd.sock"]).by(DOCKER_RUNS),
    Known::new(&["/run/k3s/containerd/containerd.sock"]),
    Known::new(&["/run/k0s/containerd.sock"]),
    Known::new(&["/var/snap/microk8s/common/run/containerd.sock"]),
];

/// The socket of the Docker Engine API.
pub const DOCKER: &[Known] =
    &[Known::new(&["/run/docker.sock", "/var/run/docker.sock"]).by(DOCKER_RUNS)];

/// Where a socket is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Wherever a runtime is known to have it, if that runs.
    #[default]
    Auto,
    /// It is not asked.
    None,
    /// Here, as the agent sees it.
    At(PathBuf),
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "none" => Some(Self::None),
            _ => {
                let path = Path::new(text.strip_prefix("unix://")?);
                path.is_absolute().then(|| Self::At(path.to_path_buf()))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "`{}` is no socket: write auto, none, or a path as unix:///run/containerd/containerd.sock",
                lapwing_profile::text::canonical(text.as_bytes())
            ))
        })
    }
}
