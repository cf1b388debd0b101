//! Namespaces that are no more: what was signed for their workloads has nothing left for which it could be in force.
//!
//! The agent follows those namespaces alone that have a label, so it asks for one of which all objects went, some
//! minutes after that, and then ever more seldom. It asks what all servers agree upon: one that is behind may not know yet
//! of a namespace that is new. Who may delete a namespace ends with that what was signed for it, and all that runs in it.

use super::Board;
use crate::jitter::{chance, jitter};
use crate::kubernetes::api::Failure;
use crate::kubernetes::object::List;
use crate::kubernetes::watch::escaped;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often it is looked for such namespaces.
const LOOK: Duration = Duration::from_secs(10);
/// Time until one is asked for, and then again: doubled from the first to the last.
pub const FIRST: Duration = Duration::from_secs(120);
const LAST: Duration = Duration::from_secs(24 * 3_600);

/// A namespace of which all went.
struct Asked {
    /// How much is held of it.
    many: usize,
    wait: Duration,
    due: Instant,
}

impl Asked {
    fn new(many: usize) -> Self {
        Self {
            many,
            wait: FIRST,
            due: Instant::now() + jitter(FIRST, chance()),
        }
    }

    fn again(&mut self) {
        self.wait = (self.wait * 2).min(LAST);
        self.due = Instant::now() + jitter(self.wait, chance());
    }
}

impl Board {
    /// Looks for namespaces that are no more, for ever.
    pub(super) async fn look(&self) {
        if !self.terms.signatures.require {
            return;
        }
        let mut all: HashMap<String, Asked> = HashMap::new();
        loop {
            sleep(LOOK).await;
            let mut before = std::mem::take(&mut all);
            for (namespace, many) in self.held().abandoned() {
                let known = { before.remove(&namespace) }.filter(|known| known.many == many);
                all.insert(namespace, known.unwrap_or_else(|| Asked::new(many)));
            }
            for (namespace, asked) in &mut all {
                if asked.due > Instant::now() {
                    continue;
                }
                asked.again();
                match self.is_there(namespace).await {
                    Ok(true) => {}
                    Ok(false) => {
                        let changed = self.held().ended(namespace);
                        self.take(changed);
                    }
                    Err(failure) => {
                        let error = &failure.text;
                        tracing::debug!(namespace, error, "whether it is there is not known");
                    }
                }
            }
        }
    }

    /// Whether the cluster has this namespace. It is listed, as the right to that is there for their labels.
    async fn is_there(&self, namespace: &str) -> Result<bool, Failure> {
        let target = format!(
            "/api/v1/namespaces?fieldSelector=metadata.name%3D{}",
            escaped(namespace)
        );
        let body = self.api.get(&target).await?;
        let list: List<'_> = serde_json::from_slice(&body)
            .map_err(|error| Failure::new(format!("a list of namespaces: {error}")))?;
        if list.metadata.resource_version.is_empty() {
            return Err(Failure::new("what was answered is no list of namespaces"));
        }
        Ok(list.items.is_some_and(|items| !items.is_empty()))
    }
}
