//! The API, as the controller writes to it.

use crate::controller::audit::own::Own;
use crate::kubernetes::api::{Api, Failure};
use bytes::Bytes;
use serde::Deserialize;
use std::ops::Deref;
use std::sync::Arc;

/// What the API is asked by, and which BehaviorProfiles it made so.
#[derive(Clone, Debug)]
pub struct Hand {
    api: Arc<Api>,
    own: Option<Arc<Own>>,
}

#[derive(Deserialize)]
struct Made {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    uid: String,
}

impl Hand {
    /// One of whose BehaviorProfiles nobody wants to know.
    #[must_use]
    pub const fn new(api: Arc<Api>) -> Self {
        Self { api, own: None }
    }

    /// The same, and what it makes is noted there.
    pub fn note(&mut self, own: Arc<Own>) {
        self.own = Some(own);
    }

    /// What is asked.
    #[must_use]
    pub fn api(&self) -> Arc<Api> {
        Arc::clone(&self.api)
    }

    /// As [`Api::create`].
    ///
    /// # Errors
    /// As that.
    pub async fn create(&self, target: &str, object: Vec<u8>) -> Result<Bytes, Failure> {
        let is_profile = target.contains("/behaviorprofiles");
        let making = { self.own.as_ref().filter(|_| is_profile) }.map(Own::begin);
        let answer = self.api.create(target, object).await?;
        if let Some(making) = making
            && let Ok(made) = serde_json::from_slice::<Made>(&answer)
        {
            making.made(made.metadata.uid);
        }
        Ok(answer)
    }
}

impl Deref for Hand {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::audit::{self, profiles::Profiles};
    use crate::controller::tests::stage::until;
    use crate::kubernetes::double::Cluster;
    use serde_json::{Value, json};
    use std::time::Duration;

    #[tokio::test]
    async fn what_is_made_so_is_told_by_nobody_else() {
        let cluster = Cluster::new();
        let api = Arc::new(Api::new(cluster.reach(), Duration::from_secs(5)));
        api.connect().await.unwrap();
        let (audit, clerk) = audit::begin(Arc::clone(&api), "one");
        let own = Arc::new(Own::new(audit.clone()));
        let profiles = Profiles::new(audit, Arc::clone(&own), "lapwing-controller");
        profiles.replace([].into_iter());
        let mut hand = Hand::new(api);
        hand.note(own);
        let target = format!(
            "{}/namespaces/shop/behaviorprofiles",
            super::super::object::GROUP
        );
        let mut all = Vec::new();
        for name in ["own", "other"] {
            let object = json!({"metadata": {"name": name, "namespace": "shop", "generation": 1,
                "managedFields": [{"manager": "lapwing-controller", "fieldsV1": {"f:spec": {}}}]}});
            let object = object.to_string().into_bytes();
            let made = match name {
                "own" => hand.create(&target, object).await,
                _ => hand.api().create(&target, object).await,
            };
            let made: Value = serde_json::from_slice(&made.unwrap()).unwrap();
            all.push(serde_json::from_value(made["metadata"].clone()).unwrap());
        }
        for meta in &all {
            profiles.put(meta, "Monitoring");
        }
        let clerk = tokio::spawn(clerk.run());
        until("the other is told", || {
            cluster.written_objects("events").len() == 1
        })
        .await;
        clerk.abort();
        let note = cluster.written_objects("events")[0]["note"].to_string();
        assert!(note.contains("shop/other is made"), "{note}");
    }
}
