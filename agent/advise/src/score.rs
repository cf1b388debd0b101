//! Advised against applied, and a score of it.
//!
//! The score is a sum of parts, of 100: a read-only root 20, a user other than root 20, all
//! capabilities dropped 10 and none added that was not used 10, no gain of rights by an exec 15, a
//! seccomp profile 10, neither privileged nor in a namespace of the host 15. A part is had or not. What
//! is blocked for now counts nothing, so the score with the advice applied may be below 100: what is
//! missing there is work on the workload. Network policies are no part: no manifest of a pod says
//! whether one selects it.

use crate::Advice;
use crate::manifest::{Applied, Pod};
use serde::Serialize;

/// All parts, and what they come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    /// Points of what is applied.
    pub applied: u32,
    /// Points with the advice applied.
    pub advised: u32,
    /// Points that there are.
    pub of: u32,
    /// The parts.
    pub parts: Vec<Part>,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// Its name in manifests.
    pub setting: &'static str,
    /// What is advised.
    pub advised: String,
    /// What the pod has.
    pub applied: String,
    /// What it is worth.
    pub points: u32,
    /// Whether the pod has it.
    pub is_applied: bool,
    /// Whether the pod has it with the advice applied.
    pub is_advised: bool,
}

fn set<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "not set".to_owned(), |value| value.to_string())
}

fn list(all: &[impl AsRef<str>]) -> String {
    let all: Vec<&str> = all.iter().map(AsRef::as_ref).collect();
    match all.is_empty() {
        true => "none".to_owned(),
        false => all.join(", "),
    }
}

/// A capability as Kubernetes and Docker both take it.
fn bare(name: &str) -> &str {
    name.strip_prefix("CAP_").unwrap_or(name)
}

impl Score {
    pub(crate) fn of(pod: &Pod, advice: &Advice) -> Self {
        let parts = parts(&pod.applied, advice);
        let sum = |of: fn(&Part) -> bool| {
            let had = parts.iter().filter(|part| of(part));
            had.map(|part| part.points).sum()
        };
        Self {
            applied: sum(|part| part.is_applied),
            advised: sum(|part| part.is_advised),
            of: sum(|_| true),
            parts,
        }
    }
}

fn parts(has: &Applied, advice: &Advice) -> Vec<Part> {
    let used = advice.capabilities.names();
    let is_used = |name: &String| used.contains(&bare(name));
    let drops_all = has.drop.iter().any(|name| bare(name) == "ALL") && !has.privileged;
    // Who is privileged has all of them, whatever is dropped.
    let may_drop = advice.capabilities.drop_all && advice.privileged.forbid;
    // The number counts before the promise: the kubelet starts nobody as root who must not be.
    let runs_as_other = (has.user).map_or(has.non_root == Some(true), |user| user != 0);
    let user = match (has.non_root, has.user) {
        (None, None) => "not set".to_owned(),
        (Some(true), Some(0)) => {
            "runAsNonRoot true, runAsUser 0: the kubelet does not start it".to_owned()
        }
        (non_root, user) => format!("runAsNonRoot {}, runAsUser {}", set(non_root), set(user)),
    };
    let advised_user = match (advice.user.non_root, advice.user.run_as) {
        (true, Some(user)) => format!("runAsNonRoot true, runAsUser {user}"),
        (true, None) => "runAsNonRoot true".to_owned(),
        (false, _) => "left as it is".to_owned(),
    };
    let or_left = |advised: bool, value: &str| match advised {
        true => value.to_owned(),
        false => "left as it is".to_owned(),
    };
    let seccomp = has.seccomp.as_deref();
    let is_confined = has.is_confined();
    let may_default = advice.seccomp.default;
    let may_forbid = advice.privileged.forbid;
    let open: Vec<&str> = (has.privileged.then_some("privileged").into_iter())
        .chain(has.host.iter().copied())
        .collect();
    let left: Vec<&str> = ((has.privileged && !may_forbid)
        .then_some("privileged")
        .into_iter())
    .chain(has.host.iter().copied())
    .collect();
    let part = |setting, points, (advised, is_advised), (applied, is_applied)| Part {
        setting,
        advised,
        applied,
        points,
        is_applied,
        is_advised,
    };
    let read_only = has.read_only == Some(true);
    // Kubernetes allows it where nothing is said.
    let forbids = has.escalation == Some(false);
    vec![
        part(
            "readOnlyRootFilesystem",
            20,
            (
                or_left(advice.root.read_only, "true"),
                advice.root.read_only || read_only,
            ),
            (set(has.read_only), read_only),
        ),
        part(
            "runAsNonRoot, runAsUser",
            20,
            (advised_user, advice.user.non_root || runs_as_other),
            (user, runs_as_other),
        ),
        part(
            "capabilities.drop",
            10,
            (or_left(may_drop, "ALL"), may_drop || drops_all),
            (list(&has.drop), drops_all),
        ),
        part(
            "capabilities.add",
            10,
            (
                or_left(may_drop, &list(&used)),
                may_drop || drops_all && has.add.iter().all(is_used),
            ),
            (
                match drops_all {
                    true => list(&has.add),
                    false => format!("the runtime's own, and {}", list(&has.add)),
                },
                drops_all && has.add.iter().all(is_used),
            ),
        ),
        part(
            "allowPrivilegeEscalation",
            15,
            (
                or_left(advice.escalation.forbid, "false"),
                advice.escalation.forbid || forbids,
            ),
            (set(has.escalation), forbids),
        ),
        part(
            "seccompProfile",
            10,
            (
                or_left(may_default, "RuntimeDefault"),
                (may_default || is_confined) && may_forbid,
            ),
            (set(seccomp), is_confined),
        ),
        part(
            "privileged, namespaces of the host",
            15,
            (
                match left.is_empty() {
                    true => "none".to_owned(),
                    false => format!("{} left as it is", left.join(", ")),
                },
                left.is_empty(),
            ),
            (list(&open), open.is_empty()),
        ),
    ]
}
