//! The objects of all namespaces in the API's list and watch, and what is kept of them on disk.

use super::cache::Write;
use super::held::Changed;
use super::object::{self, Key, Object, Version};
use super::{Board, Watcher};
use crate::judge::PROFILES_MAX;
use crate::kubernetes::api::{Api, Failure};
use crate::kubernetes::digest::Digest;
use crate::kubernetes::health::Health;
use crate::kubernetes::watch::{self, Follower, LAST};
use serde_json::value::RawValue;
use std::sync::{Arc, PoisonError};
use tokio::time::sleep;

/// Where they are.
pub const TARGET: &str = "/apis/lapwing.dev/v1alpha1/behaviorprofiles";

impl Follower for Board {
    type Item = Object;
    const WHAT: &'static str = "BehaviorProfiles";
    /// Each may have a megabyte and a half, and all of them have to fit into one answer.
    const PAGE: usize = 32;
    /// More than are held, so that no namespace keeps the list from its end.
    const OBJECTS_MAX: usize = 4 * PROFILES_MAX;
    const REMEMBERS: bool = true;

    fn api(&self) -> &Api {
        &self.api
    }

    fn health(&self) -> &Health {
        &self.health
    }

    fn target(&self) -> String {
        format!("{TARGET}?pretty=false")
    }

    fn read(&self, object: &RawValue) -> Option<Object> {
        let known =
            |key: &Key, version: &Version, text: &Digest| self.held().known(key, version, text);
        let read = object::read_anew(object, &self.terms, known);
        read.inspect_err(|error| {
            let text = format!("a BehaviorProfile: {error}");
            self.health.note(&Failure::new(text));
        })
        .ok()
    }

    fn replace(&self, objects: Vec<Object>) {
        let changed = self.held().replace(objects);
        self.take(changed);
    }

    fn put(&self, object: Object) {
        let changed = self.held().put(object);
        self.take(changed);
    }

    fn remove(&self, object: Object) {
        let changed = self.held().remove(&object.key);
        self.take(changed);
    }

    fn answers(&self, url: &str) {
        tracing::info!(url, "BehaviorProfiles are watched here");
    }

    fn is_away(&self, url: &str, failure: &Failure) {
        let error = &failure.text;
        let hint = match failure.status {
            404 => {
                ": the cluster does not know them; apply deploy/kubernetes-crds.yaml, as the chart does with \
                    `crds.create`"
            }
            403 => ": the agent may not list and watch them; give it the chart's ClusterRole",
            _ => "",
        };
        tracing::warn!(
            url,
            error,
            "BehaviorProfiles cannot be had, what is known stays in force{hint}"
        );
    }

    fn news(&self) {}
}

impl Board {
    pub(super) fn take(&self, changed: Changed) {
        let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        for write in changed.writes {
            // What waited is older.
            writes.insert(write.name, write.bytes);
        }
        drop(writes);
        self.written.notify_one();
        self.tell(changed.news);
    }

    /// Writes what is to be written, for ever.
    async fn write(self: &Arc<Self>) {
        loop {
            let next = {
                let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
                writes.pop_first()
            };
            let Some((name, bytes)) = next else {
                self.written.notified().await;
                continue;
            };
            let (cache, write) = (self.cache.clone(), Write { name, bytes });
            let work = tokio::task::spawn_blocking(move || (cache.apply(&write), write));
            let Ok((Err(error), write)) = work.await else {
                continue;
            };
            let text = format!("what is in force would be forgotten by a restart: {error}");
            self.health.note(&Failure::new(text));
            {
                let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
                writes.entry(write.name).or_insert(write.bytes);
            }
            sleep(LAST).await;
        }
    }
}

impl Watcher {
    /// Follows them for as long as the agent runs.
    pub async fn run(self) {
        tokio::join!(watch::follow(&*self.0), self.0.write(), self.0.look());
    }
}
