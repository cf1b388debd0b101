//! A LearnedProfile: what the nodes of a cluster learned of a workload, as an object of the cluster.
//!
//! Machines own it. People review `status.profile`, which is the text of a BehaviorProfile, and apply that:
//! it is theirs from then on.

use crate::workload::Workload;
use serde::{Deserialize, Serialize};

/// The kind of the object.
pub const KIND: &str = "LearnedProfile";
/// Most that is written of an object, in bytes of JSON as the API server stores it: less than 1 MiB by what the
/// server adds (`managedFields`, some 2 KiB), the names, and labels of others. etcd takes 1.5 MiB.
pub const OBJECT_MAX: usize = 960 << 10;
/// Longest repository of `status.images`, in bytes: a registry takes names of 255, and its own name is before them.
pub const REPOSITORY_MAX: usize = 512;
/// Longest line of `status.unconfirmed`, in bytes.
pub const LINE_MAX: usize = 4_096;
/// Lines of `status.unconfirmed`.
pub const UNCONFIRMED_MAX: usize = 64;
/// Longest message of a condition, in bytes.
pub const MESSAGE_MAX: usize = 4_096;

crate::behaviour::words! {
    /// How far it is.
    #[derive(Default)]
    Phase {
        /// Something is missing: the condition Ready says what.
        #[default]
        Learning = "Learning",
        /// The evidence is complete, and a person decides.
        Ready = "Ready",
        /// A BehaviorProfile of the workload is there.
        Promoted = "Promoted",
    }
}

/// All of it but what every object has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LearnedProfile {
    /// What it is about.
    pub spec: Spec,
    /// What nodes learned of it.
    #[serde(default)]
    pub status: Status,
}

/// What it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Whose it is.
    pub workload: Workload,
}

/// What nodes learned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// How far it is.
    pub phase: Phase,
    /// Nodes that showed something of it.
    pub nodes: u32,
    /// Instances that were observed; an estimate where there are more than 64.
    pub instances: u32,
    /// The lowest estimated chance, of all classes, that the next behaviour is known, as `0.993`; empty where
    /// nothing was sampled twice.
    pub coverage: String,
    /// Behaviours that `profile` approves of.
    pub behaviours: u32,
    /// Behaviours that wait for a person: of a class that is never learned, reported while it was
    /// monitored, or not confirmed.
    pub pending: u32,
    /// Behaviours that would be approved, had more than one node shown them.
    pub provisional: u32,
    /// The first of these, as lines of a profile.
    pub unconfirmed: Vec<String>,
    /// Versions of the image that were seen, the newest last.
    pub images: Vec<Image>,
    /// When something of it was seen last, in RFC 3339; empty if never.
    pub last_seen: String,
    /// What holds, and why.
    pub conditions: Vec<Condition>,
    /// A BehaviorProfile, in YAML, to be reviewed and applied. Absent where it is too large.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(length(max = 1_000_000)))]
    pub profile: Option<String>,
    /// The evidence, which the controller takes up again when it starts: its text compressed (zlib), in base64.
    /// Absent where it is too large.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(length(max = 1_000_000)))]
    pub evidence: Option<String>,
}

/// A version of the image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// As `registry.example/web`.
    pub repository: String,
    /// As `sha256:` and 64 digits.
    pub digest: String,
}

crate::behaviour::words! {
    /// Whether a condition holds.
    #[derive(Default)]
    Holds {
        /// It does.
        True = "True",
        /// It does not.
        False = "False",
        /// Nobody knows.
        #[default]
        Unknown = "Unknown",
    }
}

/// As other objects of a cluster have them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// `Ready`, `TooLarge`, `Refused`, `Promoted` or `LinesTooLong`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it holds.
    pub status: Holds,
    /// Since when, in RFC 3339.
    pub last_transition_time: String,
    /// One word, as `EvidenceComplete`.
    pub reason: String,
    /// For people, with the figures.
    pub message: String,
}

impl Status {
    /// One of its conditions.
    #[must_use]
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|one| one.kind == kind)
    }

    /// Sets a condition; the time of the last transition stays where it holds as before.
    pub fn set(&mut self, mut condition: Condition) {
        condition.message = cut(&condition.message);
        match { self.conditions.iter_mut() }.find(|one| one.kind == condition.kind) {
            Some(known) => {
                if known.status == condition.status {
                    condition
                        .last_transition_time
                        .clone_from(&known.last_transition_time);
                }
                *known = condition;
            }
            None => self.conditions.push(condition),
        }
    }
}

fn cut(text: &str) -> String {
    match text.len() <= MESSAGE_MAX {
        true => text.to_owned(),
        false => format!("{} ...", &text[..text.floor_char_boundary(MESSAGE_MAX - 4)]),
    }
}
