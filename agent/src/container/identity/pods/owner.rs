//! Whose a pod is: up from owner to owner, by the reference that is marked `controller`.
//!
//! A reference is a claim of whoever made the object. It counts if the one that is claimed is there,
//! with the uid that was said, and selects the labels of what claims it, as its controller would look
//! for its own. Else what claims stands for itself: a pod, or a ReplicaSet or Job whose pods are
//! found to be its. Where the agent may not look an owner up the claim is believed, and said to be a
//! claim: a Deployment's name is then the ReplicaSet's before the hash that both it and the pod have,
//! a CronJob's the Job's before its time. A pod that claims to be a Deployment's own is nobody's: such
//! pods are none of its doing. Neither is a kind that Kubernetes has, in another group than there.
//!
//! Owners of kinds that are not Kubernetes' own cannot be looked up: what to ask for is not known. What a
//! ReplicaSet or a Job that was found says of one is believed. What a pod says of one is not: it would
//! stand beside that, in the same name, by nobody's word but its maker's.
//!
//! Nothing stands for itself, or for others, under a name that a machine made for one run.

use super::object::{self, Meta, Pod, Reference};
use crate::container::pod::{Evidence, Owner};
use crate::container::workload::clean;
use crate::kubernetes::api::{Api, Failure};
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Answers that are kept.
const KEPT_MAX: usize = 1_024;
/// How long an owner is taken for what it was.
const FOUND: Duration = Duration::from_secs(600);
/// And one that was not there.
const MISSING: Duration = Duration::from_secs(60);
/// How long it is not asked for a kind that may not be asked for, and what a pod is taken for whose
/// owner was not found, or not asked for.
const AGAIN: Duration = Duration::from_secs(600);
/// The label by which a Deployment tells its ReplicaSets, and theirs their pods, apart.
const HASH: &str = "pod-template-hash";
/// The minutes since 1970 that the name of a CronJob's Job may end with: those of 2015 to 2030.
const MINUTES: RangeInclusive<u64> = 24_000_000..=32_000_000;
/// Marks the API's image of a pod that a kubelet has from its own disk.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// A kind that owns, as Kubernetes has it.
#[derive(Debug)]
struct Row {
    group: &'static str,
    kind: &'static str,
    plural: &'static str,
    /// What its objects own.
    owns: &'static str,
}

const ROWS: &[Row] = &[
    row("apps", "ReplicaSet", "replicasets", "Pod"),
    row("apps", "StatefulSet", "statefulsets", "Pod"),
    row("apps", "DaemonSet", "daemonsets", "Pod"),
    row("batch", "Job", "jobs", "Pod"),
    row("", "ReplicationController", "replicationcontrollers", "Pod"),
    row("apps", "Deployment", "deployments", "ReplicaSet"),
    row("batch", "CronJob", "cronjobs", "Job"),
];

const fn row(
    group: &'static str,
    kind: &'static str,
    plural: &'static str,
    owns: &'static str,
) -> Row {
    Row {
        group,
        kind,
        plural,
        owns,
    }
}

impl Row {
    /// Whether an object of the kind has those with these labels for its own. Those of `apps` have a
    /// selector, or the API would not have them; a CronJob has none, and is the owner by its uid alone.
    fn takes(&self, owner: &object::Owner, labels: &BTreeMap<String, String>) -> bool {
        owner.selects(labels).unwrap_or(self.group != "apps")
    }
}

/// Kinds of workloads that are not an owner's.
const OURS: &[&str] = &[
    "Pod",
    "StaticPod",
    "Node",
    "Workload",
    "Service",
    "Image",
    "Bundle",
    "Container",
    "Cgroup",
    "Host",
    "Unnamed",
];

/// What a reference refers to.
enum Place {
    /// What the row says.
    Row(&'static Row),
    /// A kind of somebody else's.
    Foreign,
    /// Nothing that can be.
    Nowhere,
}

fn place(reference: &Reference) -> Place {
    let group = reference
        .api_version
        .split_once('/')
        .map_or("", |(group, _)| group);
    let named = ROWS.iter().find(|row| row.kind == reference.kind);
    match named {
        _ if !is_name(&reference.name) => Place::Nowhere,
        Some(row) if row.group == group => Place::Row(row),
        Some(_) => Place::Nowhere,
        None if OURS.contains(&&*reference.kind) || reference.kind.is_empty() => Place::Nowhere,
        None => Place::Foreign,
    }
}

/// Whether a text is a name as objects have them: nothing in it means anything in a path.
pub fn is_name(text: &str) -> bool {
    let of_these = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
    let ends_well = |text: &str| !text.starts_with(['-', '.']) && !text.ends_with(['-', '.']);
    (1..=253).contains(&text.len()) && text.bytes().all(of_these) && ends_well(text)
}

/// What became of looking for an owner.
#[derive(Clone, Debug)]
enum Found {
    There(Arc<object::Owner>),
    /// There is none of that name, or it is another.
    Missing,
    Forbidden,
}

/// What was found of owners.
#[derive(Debug, Default)]
pub struct Owners {
    kept: HashMap<(&'static str, String, Reference), (Found, Instant)>,
    forbidden: HashMap<&'static str, Instant>,
}

/// Whose a pod is, and until when that is believed; for as long as the pod is there where there is no
/// time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// None where all names are made by machines.
    pub owner: Option<Owner>,
    pub until: Option<Instant>,
}

impl Owners {
    async fn look(
        &mut self,
        api: &Api,
        row: &'static Row,
        namespace: &str,
        reference: &Reference,
    ) -> Result<Found, Failure> {
        let now = Instant::now();
        if self
            .forbidden
            .get(row.plural)
            .is_some_and(|until| *until > now)
        {
            return Ok(Found::Forbidden);
        }
        let key = (row.plural, namespace.to_owned(), reference.clone());
        if let Some((found, until)) = self.kept.get(&key)
            && *until > now
        {
            return Ok(found.clone());
        }
        let group = match row.group {
            "" => "api".to_owned(),
            group => format!("apis/{group}"),
        };
        let (plural, name) = (row.plural, &reference.name);
        let target = format!("/{group}/v1/namespaces/{namespace}/{plural}/{name}");
        let (found, lasts) = match api.get(&target).await {
            Ok(body) => {
                let owner: object::Owner = serde_json::from_slice(&body)
                    .map_err(|error| Failure::new(format!("{target}: {error}")))?;
                let is_it = owner.metadata.uid == reference.uid && owner.metadata.name == *name;
                match is_it {
                    true => (Found::There(Arc::new(owner)), FOUND),
                    false => (Found::Missing, MISSING),
                }
            }
            Err(failure) if failure.status == 404 => (Found::Missing, MISSING),
            Err(failure) if failure.status == 403 => {
                self.forbidden.insert(row.plural, now + AGAIN);
                return Ok(Found::Forbidden);
            }
            Err(failure) => return Err(failure),
        };
        if self.kept.len() >= KEPT_MAX {
            self.kept.retain(|_, (_, until)| *until > now);
            if self.kept.len() >= KEPT_MAX {
                self.kept.clear();
            }
        }
        self.kept.insert(key, (found.clone(), now + lasts));
        Ok(found)
    }

    /// Whose a pod of this node is.
    ///
    /// # Errors
    /// Why the API does not say; it is to be asked again.
    pub async fn of(&mut self, api: &Api, pod: &Pod, node: &str) -> Result<Settled, Failure> {
        let meta = &pod.metadata;
        let for_now = |owner| Settled {
            owner,
            until: Some(Instant::now() + AGAIN),
        };
        let for_good = |owner| Settled { owner, until: None };
        let alone = |evidence| by_itself(meta, "Pod", evidence);
        let Some(reference) = meta.controller() else {
            return Ok(for_good(alone(Evidence::Unowned)));
        };
        if let Some(name) = on_disk(meta, node) {
            return Ok(for_good(Some(Owner {
                kind: "StaticPod".to_owned(),
                name: clean(name),
                evidence: Evidence::Verified,
            })));
        }
        let row = match place(reference) {
            Place::Row(row) if row.owns == "Pod" && is_name(&meta.namespace) => row,
            Place::Row(_) | Place::Nowhere => return Ok(for_good(alone(Evidence::Refuted))),
            Place::Foreign => return Ok(for_good(None)),
        };
        let owner = match self.look(api, row, &meta.namespace, reference).await? {
            Found::Forbidden => return Ok(for_now(guessed(meta, reference))),
            Found::There(owner) if row.takes(&owner, &meta.labels) => owner,
            Found::There(_) | Found::Missing => return Ok(for_now(alone(Evidence::Refuted))),
        };
        let own = |evidence| by_itself(&owner.metadata, row.kind, evidence);
        let Some(above) = owner.metadata.controller() else {
            return Ok(for_good(own(Evidence::Verified)));
        };
        let up = match place(above) {
            Place::Row(up) if up.owns == row.kind => up,
            Place::Row(_) | Place::Nowhere => return Ok(for_good(own(Evidence::Refuted))),
            Place::Foreign => {
                let is_made = is_made(&above.name, &owner.metadata.generate_name);
                let named = || named(above, Evidence::Unverified);
                return Ok(for_good((!is_made).then(named)));
            }
        };
        Ok(match self.look(api, up, &meta.namespace, above).await? {
            Found::Forbidden => for_now(Some(named(above, Evidence::Unverified))),
            Found::There(top) if up.takes(&top, &owner.metadata.labels) => {
                for_good(Some(named(above, Evidence::Verified)))
            }
            Found::There(_) | Found::Missing => for_now(own(Evidence::Refuted)),
        })
    }
}

/// What stands for itself, unless a machine made its name.
fn by_itself(meta: &Meta, kind: &str, evidence: Evidence) -> Option<Owner> {
    meta.generate_name.is_empty().then(|| Owner {
        kind: kind.to_owned(),
        name: clean(&meta.name),
        evidence,
    })
}

/// Whether a name was made for one run: it ends as Kubernetes ends those that it makes, or begins as
/// the name does that was made for what it owns.
fn is_made(name: &str, generate_name: &str) -> bool {
    // Without vowels, and what looks like them: no word of a person's.
    let made = |byte: u8| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte);
    let end = name.rsplit_once('-').map_or("", |(_, end)| end);
    let ends_so = end.len() == 5 && end.bytes().all(made);
    let rest = name.strip_prefix(generate_name).unwrap_or_default();
    ends_so || !generate_name.is_empty() && !rest.is_empty()
}

fn named(reference: &Reference, evidence: Evidence) -> Owner {
    Owner {
        kind: clean(&reference.kind),
        name: clean(&reference.name),
        evidence,
    }
}

/// The name of a pod that the kubelet of this node has from its own disk: without the node's, so
/// that it is the same everywhere. None of any other pod.
pub fn on_disk<'m>(meta: &'m Meta, node: &str) -> Option<&'m str> {
    let is_mirror = meta.annotations.contains_key(MIRROR);
    let reference = meta.controller()?;
    let by_node = reference.kind == "Node"
        && reference.api_version == "v1"
        && reference.name == node
        && is_mirror;
    let name = meta.name.strip_suffix(node)?.strip_suffix('-')?;
    (by_node && !name.is_empty()).then_some(name)
}

/// What the names alone say.
fn guessed(meta: &Meta, reference: &Reference) -> Option<Owner> {
    let name = reference.name.as_str();
    let above = match reference.kind.as_str() {
        "ReplicaSet" => meta.labels.get(HASH).and_then(|hash| {
            let stem = name
                .strip_suffix(hash.as_str())
                .filter(|_| !hash.is_empty());
            Some(("Deployment", stem?.strip_suffix('-')?))
        }),
        "Job" => name.rsplit_once('-').and_then(|(stem, time)| {
            let is_time = time.bytes().all(|byte| byte.is_ascii_digit())
                && time.parse().is_ok_and(|time| MINUTES.contains(&time));
            is_time.then_some(("CronJob", stem))
        }),
        _ => None,
    };
    match above.filter(|(_, stem)| !stem.is_empty()) {
        Some((kind, stem)) => Some(Owner {
            kind: kind.to_owned(),
            name: clean(stem),
            evidence: Evidence::Unverified,
        }),
        None => (!is_made(name, "")).then(|| named(reference, Evidence::Unverified)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(api_version: &str, kind: &str, name: &str) -> Reference {
        Reference {
            api_version: api_version.into(),
            kind: kind.into(),
            name: name.into(),
            uid: "u".into(),
            controller: true,
        }
    }

    #[test]
    fn names_alone_name_what_is_above() {
        for (kind, name, hash, expected) in [
            ("ReplicaSet", "web-6d5f7c", "6d5f7c", "Deployment/web"),
            ("ReplicaSet", "web-6d5f7c", "7c", "ReplicaSet/web-6d5f7c"),
            ("ReplicaSet", "web-6d5f7c", "", "ReplicaSet/web-6d5f7c"),
            ("ReplicaSet", "-6d5f7c", "6d5f7c", "ReplicaSet/-6d5f7c"),
            ("ReplicaSet", "6d5f7c", "6d5f7c", "ReplicaSet/6d5f7c"),
            ("Job", "backup-29345678", "", "CronJob/backup"),
            ("Job", "backup-2934567", "", "Job/backup-2934567"),
            // A day, and no minute of these decades.
            ("Job", "backup-20261126", "", "Job/backup-20261126"),
            ("Job", "backup-32000001", "", "Job/backup-32000001"),
            ("Job", "backup", "", "Job/backup"),
            ("StatefulSet", "db-29345678", "x", "StatefulSet/db-29345678"),
        ] {
            let meta = Meta {
                labels: [(HASH.to_owned(), hash.to_owned())].into(),
                ..Meta::default()
            };
            let found = guessed(&meta, &reference("apps/v1", kind, name)).unwrap();
            assert_eq!(format!("{}/{}", found.kind, found.name), expected);
            assert_eq!(found.evidence, Evidence::Unverified);
        }
        let made = reference("batch/v1", "Job", "import-x7k2p");
        assert_eq!(guessed(&Meta::default(), &made), None);
    }

    #[test]
    fn names_that_a_machine_made_are_known_by_their_end() {
        for (name, generate_name, expected) in [
            ("build-run-8k2lp", "", true),
            ("wf-x7k2p", "", true),
            ("x7k2p", "", false),
            ("wf-x7k2", "", false),
            ("wf-x7k2pq", "", false),
            ("redis-cache", "", false),
            ("db-00001", "", false),
            ("wf-17", "wf-", true),
            ("wf-", "wf-", false),
            ("wf-17", "flow-", false),
        ] {
            assert_eq!(is_made(name, generate_name), expected, "{name}");
        }
    }

    #[test]
    fn a_kind_is_one_of_its_group_alone() {
        let is = |api, kind, name| match place(&reference(api, kind, name)) {
            Place::Row(row) => row.plural,
            Place::Foreign => "foreign",
            Place::Nowhere => "nowhere",
        };
        for (api, kind, name, expected) in [
            ("apps/v1", "Deployment", "web", "deployments"),
            (
                "v1",
                "ReplicationController",
                "web",
                "replicationcontrollers",
            ),
            ("evil.example/v1", "Deployment", "web", "nowhere"),
            ("v1", "Job", "web", "nowhere"),
            ("argoproj.io/v1alpha1", "Rollout", "web", "foreign"),
            ("evil.example/v1", "Workload", "web", "nowhere"),
            ("v1", "Node", "n", "nowhere"),
            ("v1", "", "n", "nowhere"),
            ("apps/v1", "ReplicaSet", "../../secrets/x", "nowhere"),
            ("apps/v1", "ReplicaSet", "a?watch=1", "nowhere"),
            ("apps/v1", "ReplicaSet", "..", "nowhere"),
        ] {
            assert_eq!(is(api, kind, name), expected, "{api} {kind} {name}");
        }
    }

    /// The manifest in `deploy` gives what is asked for, and no more.
    #[test]
    fn rights_are_what_is_asked_for() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/kubernetes.yaml");
        let text = std::fs::read_to_string(file).unwrap();
        let read = |text: &str| serde_saphyr::from_str::<serde_json::Value>(text).unwrap();
        let objects: Vec<_> = text.split("\n---\n").map(read).collect();
        // The others are for people, and bound to nobody: `chart --check` holds them.
        let is_agents = |one: &&serde_json::Value| {
            one["kind"] == "ClusterRole" && one["metadata"]["name"] == "lapwing-agent"
        };
        let mut roles = objects.iter().filter(is_agents);
        let mut given = Vec::new();
        for rule in roles.next().unwrap()["rules"].as_array().unwrap() {
            for resource in rule["resources"].as_array().unwrap() {
                given.push(format!(
                    "{} {resource} {}",
                    rule["apiGroups"], rule["verbs"]
                ));
            }
        }
        let owners = ROWS.iter();
        let owners = owners.map(|row| format!("[{:?}] {:?} [\"get\"]", row.group, row.plural));
        let mut asked: Vec<_> = owners.collect();
        asked.push("[\"\"] \"pods\" [\"list\",\"watch\"]".to_owned());
        let profiles = "[\"lapwing.dev\"] \"behaviorprofiles\" [\"list\",\"watch\"]";
        asked.push(profiles.to_owned());
        asked.push("[\"\"] \"namespaces\" [\"list\",\"watch\"]".to_owned());
        given.sort();
        asked.sort();
        assert_eq!(given, asked);
        assert!(roles.next().is_none());
    }

    #[test]
    fn pods_on_the_node_s_disk_have_no_node_in_their_name() {
        let mut meta = Meta {
            name: "etcd-n1".into(),
            annotations: [(MIRROR.to_owned(), "x".to_owned())].into(),
            owner_references: vec![reference("v1", "Node", "n1")],
            ..Meta::default()
        };
        assert_eq!(on_disk(&meta, "n1"), Some("etcd"));
        meta.owner_references[0].name = "n2".into();
        assert_eq!(on_disk(&meta, "n1"), None);
        meta.owner_references[0].name = "n1".into();
        meta.annotations.clear();
        assert_eq!(on_disk(&meta, "n1"), None);
    }
}
