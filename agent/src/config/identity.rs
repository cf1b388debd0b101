//! Who is asked for the names of containers: the section `identity`.

use super::learning::Length;
use crate::container::identity::pods::is_name;
use crate::container::identity::{Access, Place, Settings};
use serde::Deserialize;
use std::path::Path;

const SECOND: i64 = 1_000_000_000;

section! {
    /// Which sockets of runtimes are asked for the names of containers, besides their files, and how
    /// the API of the cluster is; why, see [`crate::container::identity`].
    Identity {
        /// That of CRI.
        cri "cri": Place = Place::Auto,
        /// That of the Docker Engine API.
        docker "docker": Place = Place::Auto,
        /// How the API of the cluster is reached.
        kubernetes "kubernetes": Access = Access::Auto,
        /// The name that this node has there.
        node_name "nodeName": String = String::new(),
        /// How long a container's records wait for the answer, from its first behaviour on.
        wait "wait": Length = Length(2 * SECOND),
        /// How long a connection, and an answer, may take.
        timeout "timeout": Length = Length(5 * SECOND),
    }
}

impl Identity {
    /// What is wrong with a value: its key, and what would be right.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        // A container that went is forgotten soon, and with it what still waits of it.
        if self.wait.0 > 8 * SECOND {
            return Err(("identity.wait", "must be at most 8s".to_owned()));
        }
        if !(SECOND / 10..=60 * SECOND).contains(&self.timeout.0) {
            return Err(("identity.timeout", "must be from 100ms to 1m".to_owned()));
        }
        if !self.node_name.is_empty() && !is_name(&self.node_name) {
            let text = "must be a name as `kubectl get nodes` has it";
            return Err(("identity.nodeName", text.to_owned()));
        }
        Ok(())
    }

    /// How long records wait, in nanoseconds.
    #[must_use]
    pub const fn patience(&self) -> u64 {
        self.wait.0.unsigned_abs()
    }

    /// For who asks; none where nobody is asked.
    #[must_use]
    pub fn settings(&self, host_root: &Path) -> Option<Settings> {
        let is_alone = self.cri == Place::None && self.docker == Place::None;
        if is_alone && !self.kubernetes.is_open() {
            return None;
        }
        Some(Settings {
            host_root: host_root.to_path_buf(),
            cri: self.cri.clone(),
            docker: self.docker.clone(),
            kubernetes: self.kubernetes.clone(),
            node: self.node_name.clone(),
            wait: self.wait.duration(),
            timeout: self.timeout.duration(),
        })
    }
}
