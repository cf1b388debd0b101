//! How much containers that learn have written, to their profiles.

use super::Judge;
use crate::container::Instance;
use crate::container::layout::Runtime;
use lapwing_profile::written::Found;
use std::collections::BTreeMap;

impl Judge {
    /// Whether it is looked at how much a container writes: its profile learns, or waits for a person, and is not off.
    #[must_use]
    pub(crate) fn wants_written(&self, instance: &Instance) -> bool {
        // Of the host nothing is advised, and what has no name teaches nobody.
        instance.runtime != Runtime::Host && instance.is_named() && self.learns(instance)
    }

    /// The folders that a container's profile is written in, as advice may make mounts of them.
    pub(crate) fn written_folders(&mut self, instance: &Instance) -> Vec<String> {
        let kept = self.keeper.known(&instance.workload);
        kept.map_or_else(Vec::new, |kept| {
            lapwing_advise::root::candidates(&kept.profile)
        })
    }

    /// Takes what was found in the folders of a container, at a time in nanoseconds since the Unix epoch.
    pub(crate) fn take_written(
        &mut self,
        instance: &Instance,
        counted: &BTreeMap<String, Found>,
        at: i64,
    ) {
        // Its profile may have been promoted meanwhile.
        if !self.wants_written(instance) {
            return;
        }
        if let Some(kept) = self.keeper.known(&instance.workload) {
            for (folder, found) in counted {
                kept.news |= kept.profile.written.take(folder, *found, at);
                kept.counts = true;
            }
        }
    }
}
