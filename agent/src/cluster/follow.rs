//! The objects of all namespaces in the API's list and watch, and what is kept of them on disk.

use super::cache::Write;
use super::object::{self, Key, Object};
use super::{Board, News, Watcher};
use crate::judge::PROFILES_MAX;
use crate::kubernetes::api::{Api, Failure};
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
    const PAGES_MAX: usize = 4 * PROFILES_MAX / Self::PAGE;

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
        let read = object::read(object, &self.terms);
        read.inspect_err(|error| {
            let text = format!("a BehaviorProfile: {error}");
            self.health.note(&Failure::new(text));
        })
        .ok()
    }

    fn replace(&self, mut objects: Vec<Object>) {
        for object in &mut objects {
            self.keep(object);
        }
        let (news, forgotten) = self.held().replace(objects);
        self.take(news, forgotten);
    }

    fn put(&self, mut object: Object) {
        self.keep(&mut object);
        let (news, forgotten) = {
            let mut held = self.held();
            (held.put(object), held.forget_replaced())
        };
        self.take(news, forgotten);
    }

    fn remove(&self, object: Object) {
        let (news, forgotten) = self.held().remove(&object.key);
        self.take(news, forgotten);
    }

    fn answers(&self, url: &str) {
        tracing::info!(url, "BehaviorProfiles are watched here");
    }

    fn is_away(&self, url: &str, failure: &Failure) {
        let error = &failure.text;
        let hint = match failure.status {
            404 => {
                ": the cluster does not know them; apply the CustomResourceDefinition, as the chart does with \
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
    fn push(&self, write: Write) {
        let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        // What waited is older.
        writes.retain(|other| other.name != write.name);
        writes.push_back(write);
        drop(writes);
        self.written.notify_one();
    }

    /// Has it written to disk, if it is good: else what is there stays.
    fn keep(&self, object: &mut Object) {
        let bytes = std::mem::take(&mut object.kept);
        if object.said.is_ok() {
            self.push(Write {
                name: object.key.file_name(),
                bytes: Some(bytes),
            });
        }
    }

    fn take(&self, news: Vec<News>, forgotten: Vec<Key>) {
        for key in forgotten {
            self.push(Write {
                name: key.file_name(),
                bytes: None,
            });
        }
        self.tell(news);
    }

    /// Writes what is to be written, for ever.
    async fn write(self: &Arc<Self>) {
        loop {
            let next = {
                let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
                writes.pop_front()
            };
            let Some(write) = next else {
                self.written.notified().await;
                continue;
            };
            let cache = self.cache.clone();
            let work = tokio::task::spawn_blocking(move || (cache.apply(&write), write));
            let Ok((Err(error), write)) = work.await else {
                continue;
            };
            let text = format!("what is in force would be forgotten by a restart: {error}");
            self.health.note(&Failure::new(text));
            {
                let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
                if !writes.iter().any(|other| other.name == write.name) {
                    writes.push_back(write);
                }
            }
            sleep(LAST).await;
        }
    }
}

impl Watcher {
    /// Follows them for as long as the agent runs.
    pub async fn run(self) {
        tokio::join!(watch::follow(&*self.0), self.0.write());
    }
}
