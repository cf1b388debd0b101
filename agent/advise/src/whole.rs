//! Objects that are applied as they are: the manifest with the advice in it, and network policies.
//!
//! Kubernetes' policy and Cilium's stand apart: a cluster without Cilium does not know the kind, and one file with both
//! would be taken in part.

use crate::document::{Target, commented, header, patch, placed};
use crate::manifest::{Manifest, Shape};
use crate::network::Network;
use crate::policy::{self, Selects};
use crate::{Advice, names};
use lapwing_profile::workload::Workload;

/// What every cluster takes: the manifest with the advice in it, where one is given, and the `NetworkPolicy`.
#[must_use]
pub fn yaml_text(
    advice: &Advice,
    target: &Target,
    selects: &Selects,
    manifest: Option<&Manifest>,
) -> String {
    let mut first = header(advice);
    let mut of_policy = warned(&advice.network.warnings);
    of_policy.extend(not_covered(policy::left_by_kubernetes(&advice.network)));
    of_policy.extend(IN_CLUSTER.iter().map(ToString::to_string));
    if !advice.network.domains.is_empty() {
        of_policy.push(OTHER_FORM.to_owned());
    }
    let policy = policy::kubernetes(advice, selects);
    let Some(manifest) = manifest else {
        first.push(apart(&advice.workload));
        first.extend(of_policy);
        return commented(&first, &policy);
    };
    first.extend(placed(target));
    if manifest.is_fixed() {
        first.push(FIXED.to_owned());
    }
    let namespace = &selects.namespace;
    if !manifest.names_namespace() && !namespace.is_empty() {
        first.push(format!(
            "namespace: the manifest names none, so that the profile's ({namespace}) stands in it, as in the NetworkPolicy"
        ));
    }
    let merged = manifest.patched(&patch(advice, target), namespace);
    [commented(&first, &merged), commented(&of_policy, &policy)].join("---\n")
}

/// The `CiliumNetworkPolicy`, for clusters with Cilium.
#[must_use]
pub fn cilium_text(advice: &Advice, selects: &Selects) -> String {
    let mut comments = header(advice);
    comments.push("for clusters with Cilium, instead of the NetworkPolicy of `-o yaml`".to_owned());
    let Network {
        warnings,
        warnings_cilium,
        ..
    } = &advice.network;
    comments.extend(warned(warnings).into_iter().chain(warned(warnings_cilium)));
    comments.extend(not_covered(policy::left_by_cilium(&advice.network)));
    let said = IN_CLUSTER
        .iter()
        .chain(policy::of_services(&advice.network));
    comments.extend(said.map(ToString::to_string));
    commented(&comments, &policy::cilium(advice, selects))
}

fn warned(all: &[String]) -> Vec<String> {
    all.iter().map(|it| format!("warning: {it}")).collect()
}

fn not_covered(left: Vec<String>) -> Vec<String> {
    let lines = left.into_iter();
    lines.map(|line| format!("not covered: {line}")).collect()
}

/// How the settings of the pod are applied that are in no document here.
fn apart(workload: &Workload) -> String {
    let Workload {
        namespace,
        kind,
        name,
        ..
    } = workload;
    let is_name = |name: &str| names::is_label(name);
    let of = match Shape::of(kind) {
        Some(_) if is_name(name) && is_name(namespace) => {
            format!("-n {namespace} {} {name}", kind.to_ascii_lowercase())
        }
        _ => "KIND NAME".to_owned(),
    };
    format!(
        "settings of the pod: not in here without its manifest (--pod FILE); or `lapwing advise pod -o patch` > patch.yaml, then: \
         kubectl patch {of} --patch-file patch.yaml"
    )
}

/// What is said of kinds whose pod cannot be changed.
const FIXED: &str = "a pod or job that is there keeps its settings: kubectl replace --force deletes it and makes it anew";

/// What is said of domains where the policy cannot name them.
const OTHER_FORM: &str = "`-o cilium` prints a CiliumNetworkPolicy, which can name domains";

/// What is said of policies.
pub const IN_CLUSTER: &[&str] = &[
    "a policy holds the whole pod, its other containers too (sidecars, init containers), and this knows one container: what several \
     policies allow adds up, so apply those of all containers together",
    "who connects was not recorded: ports are open to all, restrict `from` if you know them",
    "addresses of pods and services change and are matched differently by plug-ins (Cilium's toCIDR matches no pod): \
     replace those by selectors",
];
