//! Which workloads have a BehaviorProfile: they are people's, and need no other.

use super::board::Board;
use crate::controller::audit::profiles::Profiles;
use crate::controller::audit::{Meta, bytes};
use crate::controller::standing;
use crate::kubernetes::api::{Api, Failure};
use crate::kubernetes::digest::{self, Digest};
use crate::kubernetes::health::Health;
use crate::kubernetes::object::{Named, absent};
use crate::kubernetes::watch::Follower;
use lapwing_profile::workload::Workload;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most that are listed, as agents do.
const OBJECTS_MAX: usize = 40_000;

/// A BehaviorProfile, as far as it matters here.
#[derive(Debug)]
pub struct Object {
    metadata: Meta,
    spec: Spec,
    /// Of all of `spec`.
    digest: Option<Digest>,
    status: Value,
}

#[derive(Deserialize)]
struct Read<'a> {
    metadata: Meta,
    #[serde(borrow)]
    spec: &'a RawValue,
    #[serde(default)]
    status: Value,
}

#[derive(Debug, Deserialize)]
struct Spec {
    workload: Workload,
    #[serde(default, deserialize_with = "absent")]
    mode: String,
}

/// All of them, by their uids.
pub struct Promoted {
    api: Arc<Api>,
    health: Health,
    board: Arc<Board>,
    /// Who is told of each.
    audit: Option<Arc<Profiles>>,
    /// And who says what becomes of it.
    standing: Option<Arc<standing::Board>>,
    all: Mutex<All>,
}

/// By their uids, and the names of those of one workload.
#[derive(Default)]
struct All {
    by_uid: BTreeMap<String, (Workload, String)>,
    names: BTreeMap<Workload, BTreeSet<String>>,
}

impl All {
    /// Answers a workload whose was another until now.
    fn put(&mut self, uid: String, (workload, name): (Workload, String)) -> Option<Workload> {
        let before = self.remove(&uid);
        let names = self.names.entry(workload.clone()).or_default();
        names.insert(name.clone());
        let before = before.filter(|before| *before != workload);
        self.by_uid.insert(uid, (workload, name));
        before
    }

    fn remove(&mut self, uid: &str) -> Option<Workload> {
        let (workload, name) = self.by_uid.remove(uid)?;
        let names = self.names.get_mut(&workload)?;
        names.remove(&name);
        if names.is_empty() {
            self.names.remove(&workload);
        }
        Some(workload)
    }

    fn name(&self, workload: &Workload) -> Option<&String> {
        self.names.get(workload)?.first()
    }
}

impl std::fmt::Debug for Promoted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Promoted").finish_non_exhaustive()
    }
}

impl Promoted {
    /// Of which none is known yet; `health` is how that goes.
    pub fn new(
        api: Arc<Api>,
        board: Arc<Board>,
        audit: Option<Arc<Profiles>>,
        standing: Option<Arc<standing::Board>>,
        health: Health,
    ) -> Self {
        Self {
            api,
            health,
            board,
            audit,
            standing,
            all: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what became of a workload's alone: nothing else changed.
    fn tell(&self, all: &All, workload: &Workload) {
        self.board.promoted_of(workload, all.name(workload));
    }
}

impl Object {
    fn read(object: &RawValue) -> serde_json::Result<Self> {
        let Read {
            metadata,
            spec,
            status,
        } = serde_json::from_str(object.get())?;
        Ok(Self {
            metadata: metadata.pruned(),
            spec: serde_json::from_str(spec.get())?,
            digest: digest::of_json(spec),
            status,
        })
    }

    /// Whose it is, in its own namespace, and its name.
    fn whose(&self) -> (Workload, String) {
        let Meta {
            namespace, name, ..
        } = &self.metadata;
        let workload = Workload {
            cluster: String::new(),
            namespace: namespace.clone(),
            ..self.spec.workload.clone()
        };
        (workload, format!("{namespace}/{name}"))
    }

    /// For who says what becomes of it.
    fn seen(&self) -> standing::Seen {
        let meta = &self.metadata;
        standing::Seen {
            uid: meta.uid.clone(),
            namespace: meta.namespace.clone(),
            name: meta.name.clone(),
            generation: meta.generation,
            spec: self.digest,
            status: standing::Status::read(&self.status),
        }
    }
}

impl Follower for Promoted {
    type Item = Object;
    const WHAT: &'static str = "BehaviorProfiles";
    /// Each may have a megabyte and a half, and all of them have to fit into one answer.
    const PAGE: usize = 32;
    const OBJECTS_MAX: usize = OBJECTS_MAX;

    fn api(&self) -> &Api {
        &self.api
    }

    fn health(&self) -> &Health {
        &self.health
    }

    fn target(&self) -> String {
        format!("{}/behaviorprofiles?pretty=false", super::object::GROUP)
    }

    fn read(&self, object: &RawValue) -> Option<Object> {
        let read = Object::read(object).inspect_err(|error| {
            let named = serde_json::from_str::<Named>(object.get()).unwrap_or_default();
            let text = format!("the BehaviorProfile {named}: {error}");
            self.health.note(&Failure::new(text));
        });
        read.ok().filter(|object| !object.metadata.uid.is_empty())
    }

    fn kept(&self, _: &RawValue, object: &Object) -> usize {
        let Object {
            metadata,
            spec: Spec { workload, mode },
            digest: _,
            status,
        } = object;
        let Workload {
            cluster,
            namespace,
            kind,
            name,
            container,
        } = workload;
        let texts = [cluster, namespace, kind, name, container].map(String::len);
        let texts = texts.iter().sum::<usize>() + mode.len();
        metadata.bytes() + size_of::<(Spec, Option<Digest>)>() + texts + bytes(status)
    }

    fn replace(&self, items: Vec<Object>) {
        if let Some(audit) = &self.audit {
            let all = items.iter().map(|one| {
                let (workload, name) = one.whose();
                let since = self.board.promoted_since(&workload, &name);
                (&one.metadata, &*one.spec.mode, since)
            });
            audit.replace(all);
        }
        if let Some(standing) = &self.standing {
            standing.replace(items.iter().map(Object::seen).collect());
        }
        let mut all = All::default();
        for one in items {
            let whose = one.whose();
            all.put(one.metadata.uid, whose);
        }
        let names = { all.names.keys() }
            .filter_map(|workload| Some((workload.clone(), all.name(workload)?.clone())))
            .collect();
        let mut place = self.lock();
        *place = all;
        self.board.promoted(names);
    }

    fn put(&self, item: Object) {
        if let Some(audit) = &self.audit {
            audit.put(&item.metadata, &item.spec.mode);
        }
        if let Some(standing) = &self.standing {
            standing.put(item.seen());
        }
        let whose = item.whose();
        let workload = whose.0.clone();
        let mut all = self.lock();
        if let Some(before) = all.put(item.metadata.uid, whose) {
            self.tell(&all, &before);
        }
        self.tell(&all, &workload);
    }

    fn remove(&self, item: Object) {
        if let Some(audit) = &self.audit {
            audit.remove(&item.metadata, &item.spec.mode);
        }
        if let Some(standing) = &self.standing {
            standing.remove(&item.metadata.uid);
        }
        let mut all = self.lock();
        if let Some(workload) = all.remove(&item.metadata.uid) {
            self.tell(&all, &workload);
        }
    }

    fn answers(&self, url: &str) {
        tracing::info!(url, "BehaviorProfiles are watched here");
    }

    fn is_away(&self, url: &str, failure: &Failure) {
        let hint = match failure.status {
            403 => ": give the controller the chart's ClusterRole",
            404 => {
                ": the cluster has no such resource, apply the CustomResourceDefinition (`crds.create` of the chart)"
            }
            _ => "",
        };
        let error = &failure.text;
        tracing::warn!(
            url,
            error,
            "which workloads have a BehaviorProfile is not known anew{hint}"
        );
    }

    fn news(&self) {}
}

/// What is said of an object to who says what becomes of it.
#[cfg(test)]
pub fn seen(object: &RawValue) -> Option<standing::Seen> {
    Some(Object::read(object).ok()?.seen())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(workload: &str, name: &str) -> (Workload, String) {
        let workload = Workload {
            name: workload.to_owned(),
            ..Workload::default()
        };
        (workload, name.to_owned())
    }

    #[test]
    fn one_of_two_that_goes_leaves_the_other() {
        let mut all = All::default();
        let (web, db) = (of("web", "shop/a"), of("db", "shop/a"));
        assert_eq!(all.put("1".to_owned(), web.clone()), None);
        assert_eq!(all.put("2".to_owned(), of("web", "shop/b")), None);
        assert_eq!(all.name(&web.0).unwrap(), "shop/a");
        // It is another workload's now.
        assert_eq!(all.put("1".to_owned(), db.clone()), Some(web.0.clone()));
        assert_eq!(all.name(&web.0).unwrap(), "shop/b");
        assert_eq!(all.name(&db.0).unwrap(), "shop/a");
        assert_eq!(all.remove("2"), Some(web.0.clone()));
        assert_eq!(all.name(&web.0), None);
        assert_eq!(all.remove("2"), None);
    }
}
