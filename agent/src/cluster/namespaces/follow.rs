//! The namespaces with the label in the API's list and watch, and what is kept of them on disk.

use super::{Board, LABEL, Label, Labels, NAMESPACES_MAX, Watcher};
use crate::container::identity::bounded;
use crate::container::identity::pods::is_name;
use crate::kubernetes::api::{Api, Failure};
use crate::kubernetes::health::Health;
use crate::kubernetes::object::absent;
use crate::kubernetes::watch::{self, Follower, LAST};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::time::sleep;

/// Where they are: those alone that have the label.
pub const TARGET: &str = "/api/v1/namespaces?labelSelector=lapwing.dev%2Fmode";

/// A namespace.
#[derive(Debug, Deserialize)]
struct Namespace {
    metadata: Meta,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Meta {
    name: String,
    #[serde(deserialize_with = "absent")]
    labels: HashMap<String, String>,
}

impl Follower for Board {
    /// The name, and the value of the label if it has one.
    type Item = (String, Option<String>);
    const WHAT: &'static str = "namespaces";
    const PAGE: usize = 500;
    /// More than are known, so that no number of them keeps the list from its end.
    const OBJECTS_MAX: usize = 4 * NAMESPACES_MAX;
    const REMEMBERS: bool = true;

    fn api(&self) -> &Api {
        &self.api
    }

    fn health(&self) -> &Health {
        &self.health
    }

    fn target(&self) -> String {
        TARGET.to_owned()
    }

    fn read(&self, object: &RawValue) -> Option<Self::Item> {
        let read = serde_json::from_str(object.get()).map_err(|error| error.to_string());
        let read = read.and_then(|Namespace { mut metadata }| match is_name(&metadata.name) {
            true => Ok((metadata.name, metadata.labels.remove(LABEL))),
            false => Err(format!("`{}` is no name of one", metadata.name)),
        });
        read.inspect_err(|error| {
            let text = bounded(&format!("a namespace: {error}"));
            self.health.note(&Failure::new(text));
        })
        .ok()
    }

    fn kept(&self, _: &RawValue, (name, value): &Self::Item) -> usize {
        size_of::<Self::Item>() + name.len() + value.as_ref().map_or(0, String::len)
    }

    fn replace(&self, items: Vec<Self::Item>) {
        self.change(|labels| {
            let mut before = std::mem::take(labels);
            for (name, value) in items {
                let known = before.remove(&name);
                self.take(labels, name, value, known.as_ref());
            }
        });
    }

    fn put(&self, (name, value): Self::Item) {
        self.change(|labels| {
            let known = labels.remove(&name);
            self.take(labels, name, value, known.as_ref());
        });
    }

    fn remove(&self, (name, _): Self::Item) {
        self.change(|labels| drop(labels.remove(&name)));
    }

    fn answers(&self, url: &str) {
        tracing::info!(url, "what namespaces ask for is watched here");
    }

    fn is_away(&self, url: &str, failure: &Failure) {
        let error = &failure.text;
        let hint = match failure.status {
            403 => {
                ": give the agent the right to list and watch namespaces, as the chart's ClusterRole does"
            }
            _ => "",
        };
        tracing::warn!(
            url,
            error,
            "namespaces cannot be had, what they asked for last goes on counting{hint}"
        );
    }

    fn news(&self) {}
}

impl Board {
    /// A namespace has this value of the label, or none.
    fn take(
        &self,
        labels: &mut Labels,
        name: String,
        value: Option<String>,
        before: Option<&Label>,
    ) {
        let Some(value) = value else {
            return;
        };
        if labels.len() >= NAMESPACES_MAX {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return;
        }
        labels.insert(name, Label::of(&value, before));
    }

    /// Writes what is to be written, for ever.
    async fn write(self: &Arc<Self>) {
        loop {
            self.unwritten.notified().await;
            let board = Arc::clone(self);
            let work = tokio::task::spawn_blocking(move || board.store());
            if let Ok(Err(error)) = work.await {
                let text =
                    format!("what namespaces ask for would be forgotten by a restart: {error}");
                self.health.note(&Failure::new(text));
                sleep(LAST).await;
                self.unwritten.notify_one();
            }
        }
    }
}

impl Watcher {
    /// Follows them for as long as the agent runs.
    pub async fn run(self) {
        tokio::join!(watch::follow(&*self.0), self.0.write());
    }
}
