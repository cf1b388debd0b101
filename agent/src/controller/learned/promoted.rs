//! Which workloads have a BehaviorProfile: they are people's, and need no other.

use super::board::Board;
use crate::kubernetes::api::{Api, Failure};
use crate::kubernetes::health::Health;
use crate::kubernetes::object::absent;
use crate::kubernetes::watch::Follower;
use lapwing_profile::workload::Workload;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most that are listed, as agents do.
const OBJECTS_MAX: usize = 40_000;

/// A BehaviorProfile, as far as it matters here.
#[derive(Debug, Deserialize)]
pub struct Object {
    metadata: Meta,
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Meta {
    #[serde(deserialize_with = "absent")]
    uid: String,
    #[serde(deserialize_with = "absent")]
    name: String,
    #[serde(deserialize_with = "absent")]
    namespace: String,
}

#[derive(Debug, Deserialize)]
struct Spec {
    workload: Workload,
}

/// All of them, by their uids.
pub struct Promoted {
    api: Arc<Api>,
    health: Health,
    board: Arc<Board>,
    all: Mutex<BTreeMap<String, (Workload, String)>>,
}

impl std::fmt::Debug for Promoted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Promoted").finish_non_exhaustive()
    }
}

impl Promoted {
    /// Of which none is known yet.
    pub fn new(api: Arc<Api>, board: Arc<Board>) -> Self {
        Self {
            api,
            health: Health::new(),
            board,
            all: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, (Workload, String)>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        let all = self.lock().values().cloned().collect();
        self.board.promoted(all);
    }
}

/// Whose it is, in its own namespace, and its name.
fn of(object: Object) -> (String, (Workload, String)) {
    let Object { metadata, spec } = object;
    let workload = Workload {
        cluster: String::new(),
        namespace: metadata.namespace.clone(),
        ..spec.workload
    };
    let name = format!("{}/{}", metadata.namespace, metadata.name);
    (metadata.uid, (workload, name))
}

impl Follower for Promoted {
    type Item = Object;
    const WHAT: &'static str = "BehaviorProfiles";
    const PAGE: usize = 500;
    const PAGES_MAX: usize = OBJECTS_MAX / Self::PAGE;

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
        let read = serde_json::from_str::<Object>(object.get());
        { read.ok() }.filter(|object| !object.metadata.uid.is_empty())
    }

    fn replace(&self, items: Vec<Object>) {
        *self.lock() = items.into_iter().map(of).collect();
        self.tell();
    }

    fn put(&self, item: Object) {
        let (uid, one) = of(item);
        self.lock().insert(uid, one);
        self.tell();
    }

    fn remove(&self, item: Object) {
        self.lock().remove(&item.metadata.uid);
        self.tell();
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
