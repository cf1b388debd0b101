//! Making BehaviorProfiles: of what is ready where nobody has to review it, and of what a person names.
//!
//! Whether one was made is not remembered but seen: a workload that is Ready, has no BehaviorProfile and never had
//! one, as its object's condition `Promoted` says, is due, whoever led when it became ready. So a leader that
//! ends in between, an API that fails and a configuration that is changed later lose none; and one that a
//! person deletes is not made again.

use super::object::{self, GROUP, MANAGER};
use super::write::{WRITES, Writer};
use crate::controller::audit::{ACTOR, REASON};
use crate::kubernetes::api::Failure;
use lapwing_profile::collected::object::OBJECT_MAX;
use lapwing_profile::workload::Workload;
use serde_json::Value;
use std::sync::Arc;
use tokio::task::JoinSet;

/// BehaviorProfiles that are made before it is looked again for what is to be written.
const ONCE: usize = 64;

impl Writer {
    /// Makes BehaviorProfiles of what is ready.
    pub async fn promote_ready(&self) {
        let mut all = self.board.to_promote(ONCE).into_iter();
        let mut made = JoinSet::new();
        loop {
            while made.len() < WRITES
                && let Some(workload) = all.next()
            {
                let writer = self.clone();
                made.spawn(async move { writer.promote_one(workload).await });
            }
            if made.join_next().await.is_none() {
                return;
            }
        }
    }

    async fn promote_one(&self, workload: Arc<Workload>) {
        let (board, of) = (Arc::clone(&self.board), Arc::clone(&workload));
        let ready = tokio::task::spawn_blocking(move || {
            let (judged, uid) = board.ready(&of)?;
            Some((object::proposal(&judged), judged, uid))
        });
        // Where it is not ready after all its object will say so.
        let Ok(Some((text, judged, uid))) = ready.await else {
            return;
        };
        let left = match judged.unconfirmed.len() {
            0 => String::new(),
            many => format!("; {many} behaviours that one node alone showed are left out"),
        };
        let why = format!(
            "by {MANAGER}, as the cluster's configuration allows (`learned.promote: automatic`): {}{left}",
            judged.reason
        );
        let made = match text {
            Ok(text) => self.create_profile(&workload, &text, &why).await,
            Err(why) => Err(Failure::new(why)),
        };
        match made {
            Ok(object) => {
                self.board.is_over(&workload);
                self.made(&workload, &uid, &object, &why).await;
            }
            // What people wrote is not touched.
            Err(failure) if failure.is_conflict() => {
                self.board.is_over(&workload);
                self.not_made(&workload, &uid, &why, &failure).await;
            }
            // No Event can be made there either.
            Err(failure) if failure.is_of_namespace => {
                let why = &failure.text;
                if self.board.not_promoted(&workload, why) {
                    tracing::info!(workload = %workload, why, "its BehaviorProfile is not made");
                }
            }
            Err(failure) => {
                if self.board.not_promoted(&workload, &failure.text) {
                    self.not_made(&workload, &uid, &why, &failure).await;
                }
            }
        }
    }

    /// Makes a BehaviorProfile of this text, and tells of that or why it is not.
    ///
    /// # Errors
    /// With the status 409 where there is one of that name.
    pub async fn promote(&self, workload: &Workload, text: &str, why: &str) -> Result<(), Failure> {
        match self.create_profile(workload, text, why).await {
            Ok(object) => {
                self.made(workload, "", &object, why).await;
                Ok(())
            }
            Err(failure) => {
                self.not_made(workload, "", why, &failure).await;
                Err(failure)
            }
        }
    }

    async fn made(&self, workload: &Workload, uid: &str, object: &str, why: &str) {
        let text = format!("the BehaviorProfile {object} is made {why}");
        self.tell(workload, uid, "Normal", "Promoted", "Promote", &text)
            .await;
    }

    async fn not_made(&self, workload: &Workload, uid: &str, why: &str, failure: &Failure) {
        let text = format!(
            "the BehaviorProfile of {workload} is not made ({why}): {}",
            failure.text
        );
        self.tell(workload, uid, "Warning", "NotPromoted", "Promote", &text)
            .await;
    }

    /// Makes a BehaviorProfile of this text, if there is none of that name. Answers its name, as `shop/web`. Who
    /// made it and why stands on it, as the chart's admission policies may ask for.
    ///
    /// # Errors
    /// With the status 409 where there is one: what people wrote is not touched.
    async fn create_profile(
        &self,
        workload: &Workload,
        text: &str,
        why: &str,
    ) -> Result<String, Failure> {
        let (text, why, user) = (text.to_owned(), why.to_owned(), self.user.clone());
        // A megabyte of it takes its time.
        let read = tokio::task::spawn_blocking(move || {
            let mut object: Value =
                serde_saphyr::from_str(&text).map_err(|error| error.to_string())?;
            object["metadata"]["annotations"][REASON] = why.into();
            if !user.is_empty() {
                object["metadata"]["annotations"][ACTOR] = user.into();
            }
            let size = object::stored(&object);
            if size > OBJECT_MAX {
                return Err(format!(
                    "its profile has {size} bytes as an object, and one may have {OBJECT_MAX}: approve a pattern or a range \
                     in place of many lines"
                ));
            }
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            Ok((name.to_owned(), object.to_string().into_bytes()))
        });
        let read = read.await.unwrap_or_else(|error| Err(error.to_string()));
        let (name, body) = read.map_err(Failure::new)?;
        let namespace = &workload.namespace;
        let target =
            format!("{GROUP}/namespaces/{namespace}/behaviorprofiles?fieldManager={MANAGER}");
        self.api.create(&target, body).await?;
        Ok(format!("{namespace}/{name}"))
    }
}
