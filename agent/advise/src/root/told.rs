//! What lies where, of changes of which nobody told it.
//!
//! Where the kernel tells of system calls alone, names that are removed, linked or changed in their attributes
//! come as the program wrote them, and what they lie on is not known. What is known of other names in the
//! same folder is true of them too: a folder lies on one mount.

use crate::evidence::{Fact, Facts};
use lapwing_profile::behaviour::Behaviour;
use lapwing_profile::provenance::mounts::{Mount, Mounts};
use std::collections::BTreeSet;

/// A link on every system of today, and where it leads to.
const ALIAS: (&str, &str) = ("/var/run/", "/run/");

/// Folders of which it was told what they lie on.
#[derive(Default)]
pub(super) struct Told<'a> {
    root: BTreeSet<&'a str>,
    elsewhere: BTreeSet<&'a str>,
}

/// Whether it was told what a file lay on.
pub(crate) fn is_told(mounts: Mounts) -> bool {
    mounts.all().any(|mount| mount != Mount::Unknown)
}

/// The folder of a path or a pattern.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

impl<'a> Told<'a> {
    pub(super) fn of(facts: &'a Facts) -> Self {
        let mut told = Self::default();
        for Fact { entry, mounts, .. } in &facts.all {
            let Behaviour::File(file) = &entry.behaviour else {
                continue;
            };
            if mounts.has(Mount::Image) {
                told.root.insert(folder(&file.path));
            } else if is_told(*mounts) && !mounts.has(Mount::Unknown) {
                told.elsewhere.insert(folder(&file.path));
            }
        }
        told
    }

    /// Whether all that is known of the folder of a path lies elsewhere than on the root.
    pub(super) fn is_elsewhere(&self, path: &str) -> bool {
        let folder = folder(path);
        self.elsewhere.contains(folder) && !self.root.contains(folder)
    }

    /// Whether a path is another name of one in a folder that is written to anyway.
    pub(super) fn is_alias(&self, path: &str) -> bool {
        let real = path.strip_prefix(ALIAS.0);
        real.is_some_and(|rest| self.root.contains(folder(&format!("{}{rest}", ALIAS.1))))
    }
}
