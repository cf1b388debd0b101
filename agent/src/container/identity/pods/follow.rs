//! The pods of this node in the API's list and watch, and the search for whose they are.
//!
//! Owners are asked for one after the other, and wait by the same rule as the list, or until the API is
//! back.

use super::Pods;
use super::object::Pod;
use super::owner::Owners;
use crate::clock;
use crate::kubernetes::api::{Api, Failure};
use crate::kubernetes::health::Health;
use crate::kubernetes::watch::{Backoff, Follower, LAST};
use serde_json::value::RawValue;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch as channel;
use tokio::time::{sleep, sleep_until};

/// Least time between two writes of what is kept on disk.
const WRITE_EVERY: Duration = Duration::from_millis(500);

/// The pods, and who is told of news.
pub(super) struct Followed<'a> {
    pub(super) pods: &'a Pods,
    pub(super) changed: &'a channel::Sender<u64>,
}

impl Follower for Followed<'_> {
    type Item = Pod;
    const WHAT: &'static str = "pods";
    const PAGE: usize = 500;
    const OBJECTS_MAX: usize = 8_000;

    fn api(&self) -> &Api {
        &self.pods.api
    }

    fn health(&self) -> &Health {
        &self.pods.health
    }

    fn target(&self) -> String {
        let node = &self.pods.node;
        format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{node}")
    }

    /// What is no pod is counted, and told of, and nothing else comes of it: asked for again it would be
    /// the same.
    fn read(&self, object: &RawValue) -> Option<Pod> {
        let read = serde_json::from_str(object.get());
        read.inspect_err(|error| self.pods.note(&Failure::new(format!("a pod: {error}"))))
            .ok()
    }

    fn replace(&self, pods: Vec<Pod>) {
        self.pods.store().replace(pods);
        self.pods.open.notify_one();
        self.pods.unwritten.notify_one();
    }

    fn put(&self, pod: Pod) {
        self.pods.store().put(pod);
        self.pods.open.notify_one();
        self.pods.unwritten.notify_one();
    }

    fn remove(&self, pod: Pod) {
        self.pods.store().remove(&pod.metadata.uid);
        self.pods.open.notify_one();
        self.pods.unwritten.notify_one();
    }

    fn answers(&self, url: &str) {
        self.pods.began.fetch_add(1, Ordering::Release);
        self.pods.back.notify_one();
        let node = &self.pods.node;
        tracing::info!(url, node, "pods of this node are watched here");
    }

    fn is_away(&self, url: &str, failure: &Failure) {
        let error = &failure.text;
        tracing::warn!(
            url,
            error,
            "the API of the cluster does not answer: owners of new pods are not known"
        );
        // What is on disk was true until now.
        self.pods.is_older.store(true, Ordering::Release);
        self.pods.unwritten.notify_one();
    }

    fn news(&self) {
        Pods::news(self.changed);
    }
}

impl Pods {
    fn news(changed: &channel::Sender<u64>) {
        changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Writes what is to be kept, for ever.
    pub(super) async fn write(&self) {
        let Some(disk) = &self.disk else {
            return;
        };
        let mut written: Option<String> = None;
        let mut told = 0;
        loop {
            self.unwritten.notified().await;
            sleep(WRITE_EVERY).await;
            if self.is_older.swap(false, Ordering::AcqRel) {
                written = None;
            }
            let (disk, entries) = (disk.clone(), self.store().kept());
            // One that never heard of it has nothing of its own to tell.
            let heard = match self.health.report().heard {
                0 => clock::now(),
                heard => heard,
            };
            let before = written.clone();
            let work =
                tokio::task::spawn_blocking(move || disk.store(&entries, heard, before.as_deref()));
            match work.await {
                Ok(Ok((all, left_out))) => {
                    written = Some(all);
                    if left_out > told {
                        tracing::warn!(
                            "{left_out} containers find no room on disk: after a restart their owners are not \
                             known until the API answers"
                        );
                    }
                    told = left_out;
                }
                Ok(Err(error)) => {
                    let text = format!(
                        "whose the containers are would be forgotten by a restart: {error}"
                    );
                    self.note(&Failure::new(text));
                    sleep(LAST).await;
                    self.unwritten.notify_one();
                }
                // The agent ends.
                Err(_) => return,
            }
        }
    }

    /// Finds out whose the pods are, one question at a time.
    pub(super) async fn find_owners(&self, changed: &channel::Sender<u64>) {
        let mut owners = Owners::default();
        let mut backoff = Backoff::new();
        loop {
            let (open, next) = self.store().open();
            let Some(pod) = open else {
                let later = async {
                    match next {
                        Some(at) => sleep_until(at).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = self.open.notified() => {}
                    () = later => {}
                }
                continue;
            };
            match owners.of(&self.api, &pod, &self.node).await {
                Ok(settled) => {
                    backoff = Backoff::new();
                    self.store().settle(&pod, settled);
                    self.unwritten.notify_one();
                    Self::news(changed);
                }
                Err(failure) => {
                    self.note(&failure);
                    self.store().tried(&pod);
                    sleep(failure.after.unwrap_or_default()).await;
                    // Where the API was away, the wait was for it to be back.
                    tokio::select! {
                        () = sleep(backoff.next(None)) => {}
                        () = self.back.notified() => {}
                    }
                }
            }
        }
    }
}
