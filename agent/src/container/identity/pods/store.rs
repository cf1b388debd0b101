//! The pods of this node, as the API told of them last. While it is away they stay what they were; before it
//! told of any, what an agent before this one was told of their containers counts, see [`super::memory`].

use super::memory::{Entry, Memory};
use super::object::{Container, Meta, Pod, Ran, Spec};
use super::owner::{Settled, on_disk};
use crate::cluster::namespaces::LABEL;
use crate::container::commands::{BYTES_MAX, Commands};
use crate::container::identity::{Question, Seat};
use crate::container::layout::Runtime;
use crate::container::pod::{InPod, Kind, SANDBOX};
use crate::container::workload::{Details, clean, digest};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Pods that are kept. A kubelet has some hundred.
const PODS_MAX: usize = 2_048;
/// Pods of which the first cgroup is kept. Those that the API does not tell of are forgotten with those that went.
const SEATS_MAX: usize = 2 * PODS_MAX;
/// How long one that went is kept: what it did may still be on its way.
const GONE: Duration = Duration::from_secs(60);
/// Longest annotation with a mode that is kept, in bytes.
const MODE_MAX: usize = 128;
/// The uid by which a kubelet, and the runtime, knows a pod that it has from its own disk.
const HASH: &str = "kubernetes.io/config.hash";

#[derive(Debug)]
struct Kept {
    pod: Arc<Pod>,
    settled: Option<Settled>,
    /// How often it was not to be found out whose it is.
    tries: u32,
    /// When it went.
    gone: Option<Instant>,
    /// Commands of its probes and hooks that are too long.
    left_out: usize,
}

/// What a runtime says of a pod: its uid, namespace and name, as canonical text.
type Names = (String, String, String);

/// What is known of them.
#[derive(Debug)]
pub struct Store {
    node: String,
    pods: HashMap<String, Kept>,
    /// Whose containers these are, by their ids.
    ids: HashMap<String, String>,
    /// Pods from the node's own disk, which the runtime knows by their hash instead of a uid. Any pod
    /// may bear the annotation: it says nothing of pods of other names, or of a uid that there is.
    hashes: HashMap<Names, String>,
    /// The first cgroup that was seen of each pod, by its uid.
    first: HashMap<String, u64>,
    /// Changes of pods that found no room.
    refused: u64,
    /// What was told of the containers that run.
    pub memory: Memory,
}

/// What is known of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// All of it.
    Known(Box<Details>, Runtime),
    /// Its pod, and by which commands that is entered; not yet whose it is.
    Open(Commands),
    /// Nothing.
    Unknown,
}

impl Store {
    /// Of this node; there are none yet.
    pub fn new(node: &str) -> Self {
        Self {
            node: node.to_owned(),
            pods: HashMap::new(),
            ids: HashMap::new(),
            hashes: HashMap::new(),
            first: HashMap::new(),
            refused: 0,
            memory: Memory::default(),
        }
    }

    /// What is to be told of it, if there is anything.
    pub fn note(&self) -> Option<String> {
        let refused = self.refused;
        let refused = (refused > 0)
            .then(|| format!("{refused} changes of pods found no room: {PODS_MAX} are kept"));
        let unkept = self.memory.refused();
        let unkept = (unkept > 0).then(|| {
            format!("{unkept} containers found no room among those that are known after a restart")
        });
        let left_out: usize = { self.pods.values() }
            .filter(|kept| kept.gone.is_none())
            .map(|kept| kept.left_out)
            .sum();
        let left_out = (left_out > 0).then(|| {
            format!(
                "{left_out} commands of probes and hooks are too long to be known again, and pass for \
                 `kubectl exec`: put them into scripts"
            )
        });
        let notes: Vec<String> = { refused.into_iter() }
            .chain(left_out)
            .chain(unkept)
            .collect();
        (!notes.is_empty()).then(|| notes.join("; "))
    }

    /// These are all there are.
    pub fn replace(&mut self, pods: Vec<Pod>) {
        let now = Instant::now();
        let listed: Vec<String> = pods.iter().map(|pod| pod.metadata.uid.clone()).collect();
        for pod in pods {
            self.put(pod);
        }
        let listed: std::collections::HashSet<_> = listed.into_iter().collect();
        for (uid, kept) in &mut self.pods {
            if !listed.contains(uid) {
                kept.gone.get_or_insert(now);
            }
        }
        self.sweep();
        let pods = &self.pods;
        self.memory.retain(|entry| {
            let kept = pods.get(&entry.pod).filter(|kept| kept.gone.is_none());
            kept.is_some_and(|kept| kept.pod.metadata.controller() == entry.controller.as_ref())
        });
    }

    /// A pod is new, or is another than it was.
    pub fn put(&mut self, mut pod: Pod) {
        let uid = pod.metadata.uid.clone();
        if uid.is_empty() {
            return;
        }
        self.sweep();
        let before = self.pods.get(&uid);
        if before.is_none() && self.pods.len() >= PODS_MAX {
            self.refused += 1;
            return;
        }
        // Whose it is counts for as long as it says the same.
        let settled = before.and_then(|kept| {
            let is_same = kept.pod.metadata.controller() == pod.metadata.controller();
            kept.settled.clone().filter(|_| is_same)
        });
        self.forget_names(&uid);
        for ran in all(&pod) {
            for id in [&ran.container_id, &ran.last_state.terminated.container_id] {
                if let Some((_, id)) = id.split_once("://") {
                    self.ids.insert(id.to_owned(), uid.clone());
                }
            }
        }
        let meta = &pod.metadata;
        if let Some(hash) = meta.annotations.get(HASH)
            && on_disk(meta, &self.node).is_some()
        {
            let names = (clean(hash), clean(&meta.namespace), clean(&meta.name));
            self.hashes.insert(names, uid.clone());
        }
        let controller = meta.controller();
        self.memory
            .retain(|entry| entry.pod != uid || entry.controller.as_ref() == controller);
        trim(&mut pod.metadata);
        let (mut room, mut left_out) = (BYTES_MAX, 0);
        for one in containers(&mut pod.spec) {
            one.keep_commands(&mut room);
            left_out += one.commands.left_out();
        }
        let kept = Kept {
            pod: Arc::new(pod),
            settled,
            tries: 0,
            gone: None,
            left_out,
        };
        self.pods.insert(uid, kept);
    }

    /// A pod went.
    pub fn remove(&mut self, uid: &str) {
        if let Some(kept) = self.pods.get_mut(uid) {
            kept.gone.get_or_insert_with(Instant::now);
        }
        self.memory.retain(|entry| entry.pod != uid);
        self.sweep();
    }

    fn forget_names(&mut self, uid: &str) {
        self.ids.retain(|_, of| of != uid);
        self.hashes.retain(|_, of| of != uid);
    }

    /// Forgets those that went a while ago.
    fn sweep(&mut self) {
        let now = Instant::now();
        let is_over = |kept: &Kept| kept.gone.is_some_and(|gone| now - gone >= GONE);
        let over: Vec<String> = (self.pods.iter())
            .filter(|(_, kept)| is_over(kept))
            .map(|(uid, _)| uid.clone())
            .collect();
        for uid in over {
            self.pods.remove(&uid);
            self.forget_names(&uid);
            self.first.remove(&uid);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.pods
            .values()
            .filter(|kept| kept.gone.is_none())
            .count()
    }

    /// A container is told of with these details: they are kept for an agent that starts while the API is away.
    pub fn keep(&mut self, question: &Question, details: &Details, runtime: Runtime) {
        let uid = self.uid(&question.id, Some(details));
        let kept = uid.and_then(|uid| self.pods.get(uid));
        // Of one that went the API tells no more.
        if let Some(kept) = kept.filter(|kept| kept.gone.is_none() && kept.settled.is_some()) {
            let meta = &kept.pod.metadata;
            self.memory.keep(Entry {
                home: question.home,
                id: question.id.clone(),
                runtime,
                pod: meta.uid.clone(),
                controller: meta.controller().cloned(),
                asked: None,
                before: None,
                details: details.clone(),
            });
        }
    }

    /// What is to be kept on disk.
    pub fn kept(&self) -> Vec<Entry> {
        let asked = |entry: &Entry| match self.pods.get(&entry.pod) {
            Some(kept) => kept.pod.metadata.annotations.get(LABEL).cloned(),
            None => entry.asked.clone(),
        };
        let entries = self.memory.all().map(|entry| Entry {
            asked: asked(entry),
            ..entry.clone()
        });
        entries.collect()
    }

    /// The annotations of those pods that ask for a mode, by namespace and name.
    pub fn asked(&self) -> HashMap<(String, String), String> {
        let unheard = |entry: &&Entry| !self.pods.contains_key(&entry.pod);
        let before = self.memory.all().filter(unheard).filter_map(|entry| {
            let of = (entry.details.namespace.clone(), entry.details.pod.clone());
            Some((of, entry.asked.clone()?))
        });
        let there = self.pods.values().filter(|kept| kept.gone.is_none());
        let asked = there.filter_map(|kept| {
            let meta = &kept.pod.metadata;
            let value = meta.annotations.get(LABEL)?;
            Some(((clean(&meta.namespace), clean(&meta.name)), value.clone()))
        });
        before.chain(asked).collect()
    }

    /// One of which it is not known whose it is, or no longer; and when the next will be. Those that
    /// were never known come first, and of them those that were tried least.
    pub fn open(&self) -> (Option<Arc<Pod>>, Option<Instant>) {
        let now = Instant::now();
        let there = || self.pods.values().filter(|kept| kept.gone.is_none());
        let until = |kept: &Kept| kept.settled.as_ref().and_then(|settled| settled.until);
        let is_open = |kept: &&Kept| match &kept.settled {
            None => true,
            Some(_) => until(kept).is_some_and(|until| until <= now),
        };
        let first = there()
            .filter(is_open)
            .min_by_key(|kept| (kept.settled.is_some(), kept.tries));
        (
            first.map(|kept| Arc::clone(&kept.pod)),
            there().filter_map(until).min(),
        )
    }

    /// It was not to be found out whose a pod is.
    pub fn tried(&mut self, of: &Pod) {
        if let Some(kept) = self.pods.get_mut(&of.metadata.uid) {
            kept.tries += 1;
        }
    }

    /// It is known whose a pod is, if that says the same still.
    pub fn settle(&mut self, of: &Pod, settled: Settled) {
        if let Some(kept) = self.pods.get_mut(&of.metadata.uid)
            && kept.pod.metadata.controller() == of.metadata.controller()
        {
            kept.settled = Some(settled);
            kept.tries = 0;
            let uid = &of.metadata.uid;
            // What it says now is what counts.
            self.memory
                .retain(|entry| entry.before.is_none() || entry.pod != *uid);
        }
    }

    /// The uid of the pod that a container is of, of which its runtime may have said something.
    fn uid(&self, id: &str, said: Option<&Details>) -> Option<&String> {
        match said {
            Some(said) if self.pods.contains_key(&said.pod_uid) => {
                self.pods.get_key_value(&said.pod_uid).map(|(uid, _)| uid)
            }
            Some(said) if !said.pod_uid.is_empty() => {
                let Details {
                    pod_uid,
                    namespace,
                    pod,
                    ..
                } = said;
                let names = (pod_uid.clone(), namespace.clone(), pod.clone());
                self.hashes.get(&names)
            }
            _ => self.ids.get(id),
        }
    }

    /// A container is asked for, of which the path of its cgroup says whose it is.
    pub fn seen(&mut self, question: &Question) {
        let Some(Seat { pod, .. }) = &question.seat else {
            return;
        };
        match self.first.get_mut(pod) {
            Some(first) => *first = question.home.min(*first),
            None => {
                if self.first.len() >= SEATS_MAX {
                    let pods = &self.pods;
                    self.first.retain(|pod, _| pods.contains_key(pod));
                }
                self.first.insert(pod.clone(), question.home);
            }
        }
    }

    /// What a container is that no runtime tells of, if it is the sandbox of its pod, of which the API does not tell
    /// either: the first of the pod's cgroups (the kernel counts their ids up), and none of those that the API has ids
    /// of. CRI-O may have no process for a sandbox (`drop_infra_ctr`), and then the first is a container.
    pub fn sandbox(&self, question: &Question) -> Option<Details> {
        let Seat { pod, runtime } = question.seat.as_ref()?;
        // The path of one from the node's own disk has its hash.
        let hash = || {
            let mut named = { self.hashes.iter() }.filter(|((hash, ..), _)| hash == pod);
            named.next().filter(|_| named.next().is_none())
        };
        let kept = self.pods.get(pod).or_else(|| self.pods.get(hash()?.1));
        let meta = &kept.filter(|kept| kept.gone.is_none())?.pod.metadata;
        let is_first = self.first.get(pod) == Some(&question.home);
        let is_known = self.ids.contains_key(&question.id);
        (is_first && !is_known && *runtime != Runtime::CriO).then(|| Details {
            name: SANDBOX.to_owned(),
            pod: clean(&meta.name),
            namespace: clean(&meta.namespace),
            pod_uid: clean(&meta.uid),
            ..Details::default()
        })
    }

    /// What is known of a container, of which its runtime may have said something. What that says has
    /// the last word: that it is of another pod than the API has it.
    pub fn fact(&self, id: &str, said: Option<&Details>) -> Fact {
        let uid = self.uid(id, said);
        let Some(kept) = uid.and_then(|uid| self.pods.get(uid)) else {
            return Fact::Unknown;
        };
        let pod = &kept.pod;
        let is_another = |said: &Details| {
            (&*said.pod, &*said.namespace)
                != (
                    &*clean(&pod.metadata.name),
                    &*clean(&pod.metadata.namespace),
                )
        };
        if said.is_some_and(is_another) {
            return Fact::Unknown;
        }
        let ran = all(pod).find(|ran| {
            let ids = [&ran.container_id, &ran.last_state.terminated.container_id];
            ids.iter()
                .any(|of| of.split_once("://").is_some_and(|(_, of)| of == id))
        });
        let name = match (said, ran) {
            (Some(said), _) => said.name.clone(),
            (None, Some(ran)) => clean(&ran.name),
            (None, None) => return Fact::Unknown,
        };
        let Some(settled) = &kept.settled else {
            // Of one that went it is not asked any more.
            return match kept.gone {
                None => {
                    let described = described(pod, &name);
                    let commands = described.map(|(_, one)| one.commands.clone());
                    Fact::Open(commands.unwrap_or_default())
                }
                Some(_) => Fact::Unknown,
            };
        };
        let described = described(pod, &name);
        let now = ran.map(|ran| (ran, ran.container_id.split_once("://")));
        let scheme = now.and_then(|(_, parts)| parts);
        // What is told of the image is told of the container that runs now.
        let image_id = now.filter(|_| scheme.is_some_and(|(_, of)| of == id));
        let runtime = match scheme.map(|(scheme, _)| scheme) {
            Some("docker") => Runtime::Docker,
            Some("containerd") => Runtime::Containerd,
            Some("cri-o") => Runtime::CriO,
            _ => Runtime::Unknown,
        };
        let details = Details {
            image: described
                .map(|(_, one)| clean(&one.image))
                .unwrap_or_default(),
            digest: image_id
                .map(|(ran, _)| digest(&clean(&ran.image_id)))
                .unwrap_or_default(),
            name,
            pod: clean(&pod.metadata.name),
            namespace: clean(&pod.metadata.namespace),
            pod_uid: clean(&pod.metadata.uid),
            bundle: String::new(),
            labels: pod.metadata.naming(),
            in_pod: Some(Box::new(InPod {
                kind: described.map(|(kind, _)| kind),
                owner: settled.owner.clone(),
                told_before: None,
            })),
            commands: described
                .map(|(_, one)| one.commands.clone())
                .unwrap_or_default(),
        };
        Fact::Known(Box::new(details), runtime)
    }
}

/// All that ran.
fn all(pod: &Pod) -> impl Iterator<Item = &Ran> {
    let status = &pod.status;
    let init = &status.init_container_statuses;
    (status.container_statuses.iter())
        .chain(init)
        .chain(&status.ephemeral_container_statuses)
}

/// All that are to run.
fn containers(spec: &mut Spec) -> impl Iterator<Item = &mut Container> {
    let init = &mut spec.init_containers;
    let ephemeral = &mut spec.ephemeral_containers;
    spec.containers.iter_mut().chain(init).chain(ephemeral)
}

/// A container, as the pod is to have it.
fn described<'p>(pod: &'p Pod, name: &str) -> Option<(Kind, &'p Container)> {
    let spec = &pod.spec;
    let of = |list: &'p [Container]| list.iter().find(|one| clean(&one.name) == name);
    let main = || of(&spec.containers).map(|one| (Kind::Main, one));
    let init = || {
        of(&spec.init_containers).map(|one| match one.restart_policy.as_str() {
            "Always" => (Kind::Sidecar, one),
            _ => (Kind::Init, one),
        })
    };
    let ephemeral = || of(&spec.ephemeral_containers).map(|one| (Kind::Ephemeral, one));
    main().or_else(init).or_else(ephemeral)
}

/// Keeps what is read later: of the annotations, of which some are as long as the pod itself, the few
/// with a meaning here.
fn trim(meta: &mut Meta) {
    meta.annotations.retain(|key, _| {
        key.starts_with("kubernetes.io/config.")
            || crate::container::workload::names_workload(key)
            || key == LABEL
    });
    if let Some(asked) = meta.annotations.get_mut(LABEL) {
        // No longer text is one of the words.
        let most = MODE_MAX.min(asked.len());
        let end = (0..=most).rev().find(|end| asked.is_char_boundary(*end));
        asked.truncate(end.unwrap_or_default());
    }
    meta.annotations.shrink_to_fit();
}
