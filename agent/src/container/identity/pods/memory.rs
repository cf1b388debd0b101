//! What the API told of the containers that run here, as an agent that starts while it is away needs it.
//!
//! A container is known again by its cgroup's id, which the kernel gave it and gives no other until the next
//! boot, and by its own id in the path of that cgroup, both together. Nothing that a pod says of itself, no
//! label and no name, leads to an entry; a runtime that says something else of the container outweighs it. So what
//! was made while no agent ran is not among these, whatever it is called.
//!
//! What was told to an agent before this one counts until the API answers, and not beside it: a pod
//! that it lists no more, that says that it is another's, or whose owner it tells anew, is not looked for here.

use super::object::Reference;
use crate::container::INSTANCES_MAX;
use crate::container::identity::Question;
use crate::container::layout::{Runtime, is_generated};
use crate::container::workload::Details;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A container, and what was told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Entry {
    /// The id of its cgroup.
    pub home: u64,
    /// Its own: 64 hexadecimal digits.
    pub id: String,
    /// Who runs it.
    pub runtime: Runtime,
    /// The uid of its pod, as the API has it.
    pub pod: String,
    /// Whose the pod said then that it is.
    pub controller: Option<Reference>,
    /// The pod's annotation that asks for a mode.
    pub asked: Option<String>,
    /// When this was told to an agent before this one, in nanoseconds since the Unix epoch; none if it was told
    /// to this one.
    pub before: Option<i64>,
    /// What was told, with what the runtime said.
    pub details: Details,
}

impl Entry {
    /// Whether it can be one.
    fn is_sound(&self) -> bool {
        self.home != 0
            && is_generated(&self.id)
            && !self.pod.is_empty()
            && self.details.in_pod.is_some()
    }

    /// Whether nothing that the runtime says of the container is otherwise.
    fn agrees(&self, said: &Details) -> bool {
        let known = &self.details;
        let same = |one: &str, other: &str| one.is_empty() || one == other;
        (&said.pod, &said.namespace) == (&known.pod, &known.namespace)
            && same(&said.pod_uid, &known.pod_uid)
            && same(&said.name, &known.name)
    }
}

/// All of them, by the ids of their cgroups.
#[derive(Debug, Default)]
pub struct Memory {
    entries: BTreeMap<u64, Entry>,
    refused: u64,
}

impl Memory {
    /// What an agent before this one was told at this time, or was itself told of by one before it. Answers how
    /// many are none.
    pub fn take(&mut self, entries: Vec<Entry>, heard: i64) -> usize {
        let mut unsound = 0;
        for mut entry in entries {
            entry.before.get_or_insert(heard);
            let is_sound = entry.is_sound() && !self.entries.contains_key(&entry.home);
            match is_sound && self.entries.len() < INSTANCES_MAX {
                true => drop(self.entries.insert(entry.home, entry)),
                false => unsound += 1,
            }
        }
        unsound
    }

    /// This was told of a container now.
    pub fn keep(&mut self, entry: Entry) {
        let is_known = self.entries.contains_key(&entry.home);
        if !is_known && self.entries.len() >= INSTANCES_MAX {
            self.refused += 1;
            return;
        }
        if entry.is_sound() {
            self.entries.insert(entry.home, entry);
        }
    }

    /// A container ended; answers whether it was one of these.
    pub fn forget(&mut self, home: u64) -> bool {
        self.entries.remove(&home).is_some()
    }

    /// Those alone are left of which this is so; answers whether that is less than before.
    pub fn retain(&mut self, is_so: impl Fn(&Entry) -> bool) -> bool {
        let before = self.entries.len();
        self.entries.retain(|_, entry| is_so(entry));
        self.entries.len() < before
    }

    /// What an agent before this one was told of a container, of which its runtime may have said something.
    pub fn of(&self, question: &Question, said: Option<&Details>) -> Option<(Details, Runtime)> {
        let entry = self.entries.get(&question.home)?;
        let told_before = Some(entry.before?);
        if entry.id != question.id || said.is_some_and(|said| !entry.agrees(said)) {
            return None;
        }
        let mut details = entry.details.clone();
        if let Some(in_pod) = &mut details.in_pod {
            in_pod.told_before = told_before;
        }
        Some((details, entry.runtime))
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// How many are known as an agent before this one was told, and since when the first of them was.
    pub fn before(&self) -> (usize, Option<i64>) {
        let times = || self.all().filter_map(|entry| entry.before);
        (times().count(), times().min())
    }

    /// Containers that found no room.
    pub const fn refused(&self) -> u64 {
        self.refused
    }
}
