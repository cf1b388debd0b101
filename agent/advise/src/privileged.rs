//! Whether a container may be kept from being privileged.
//!
//! Runtimes mount `/sys` and parts of `/proc` read-only in each container that is not privileged (containerd's and
//! runc's default `readonlyPaths` and mounts of the OCI specification). A write there that was seen worked, so the
//! container needs to be what it is: `privileged`, or what else lets it.

use crate::evidence::{Fact, Facts, Named};
use crate::manifest::Applied;
use crate::root::{folders::within, told::is_told};
use lapwing_profile::behaviour::{Behaviour, Operation};
use lapwing_profile::provenance::mounts::Mount;
use serde::Serialize;

/// Where none writes but a privileged one.
const READ_ONLY: &[&str] = &[
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
    "/sys",
];

/// What is said where it is left as it is.
pub const WRITES: &str = "it writes where containers that are not privileged have the kernel's files read-only: set sysctls by the pod's \
                          securityContext.sysctls, or have another container do it";

/// Privileged or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Privileged {
    /// Whether `privileged: false` is advised.
    pub forbid: bool,
    /// What speaks against it.
    pub because: Named,
}

impl Privileged {
    /// Of what is approved, and of what the container has, which writes there without being privileged where it is not.
    pub(crate) fn of(facts: &Facts, applied: Option<&Applied>) -> Self {
        let because: Named = match applied {
            Some(applied) if !applied.privileged => Named::default(),
            _ => (facts.all.iter())
                .filter(|fact| writes(fact))
                .map(|fact| fact.seen.clone())
                .collect(),
        };
        Self {
            forbid: because.is_empty(),
            because,
        }
    }
}

/// Whether the kernel's own files are written.
fn writes(fact: &Fact) -> bool {
    let Behaviour::File(file) = &fact.entry.behaviour else {
        return false;
    };
    let is_kernels = fact.mounts.has(Mount::Kernel) || !is_told(fact.mounts);
    let is_read_only = READ_ONLY.iter().any(|folder| within(&file.path, folder));
    file.operation != Operation::OpenRead && is_kernels && is_read_only
}
