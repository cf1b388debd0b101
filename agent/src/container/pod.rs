//! What the API of a cluster says of a container, besides what its runtime says.

use serde::{Deserialize, Serialize};

/// The name of the container that holds a pod's namespaces, as kubelets have called it. No other container of a pod
/// can have it: theirs are DNS labels, without capitals.
pub const SANDBOX: &str = "POD";

/// How a pod came to have a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// It is what the pod is for.
    Main,
    /// It ends before those begin.
    Init,
    /// It begins before those, and stays: an init container that is always restarted.
    Sidecar,
    /// A person put it into the running pod.
    Ephemeral,
}

/// What speaks for an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Evidence {
    /// Each owner up to this one is there, has the uid that was said, and selects what it owns. A
    /// CronJob has no selector: it is there, with that uid, and its Job, which does select the pod,
    /// says that it is its. So it is as true as whoever may make Jobs in the namespace.
    Verified,
    /// The names, or a ReplicaSet or a Job that was looked up, say so, and the agent could not look
    /// this one up.
    Unverified,
    /// The pod says that it is another's, who does not have it: it stands for itself.
    Refuted,
    /// The pod is nobody's: it stands for itself.
    Unowned,
}

/// Whose a pod is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// As `Deployment`. Canonical text, as the name.
    pub kind: String,
    /// Its name, which no machine made.
    pub name: String,
    /// What speaks for it.
    pub evidence: Evidence,
}

/// A container of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InPod {
    /// None of the one that holds the pod's namespaces.
    pub kind: Option<Kind>,
    /// None where all its names are made by machines.
    pub owner: Option<Owner>,
    /// When the API told so to an agent before this one, in nanoseconds since the Unix epoch, if it has not
    /// told this one yet.
    #[serde(skip)]
    pub told_before: Option<i64>,
}
