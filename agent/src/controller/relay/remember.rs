//! Which nodes had an agent when another replica led.

use super::Relay;
use crate::controller::fleet::{Agent, Fleet};
use crate::controller::lease::untaken::Untaken;
use crate::controller::roster::Roster;
use crate::kubernetes::api::Failure;
use crate::kubernetes::watch::Backoff;
use std::sync::Arc;
use tokio::time::{Instant, sleep};

impl Relay {
    /// These nodes had an agent when another led. Those of which no pod is found have none from now on.
    pub(super) fn inherit(&self, names: impl IntoIterator<Item = String>) {
        let mut nodes = self.nodes();
        for name in names {
            let agent = || self.enter(&Arc::new(Agent::absent(&name)));
            nodes.entry(name.clone()).or_insert_with(agent);
        }
    }

    /// Takes up which nodes had an agent, and keeps it for the next leader.
    pub(super) async fn remember(&self, fleet: &Fleet) {
        let mut roster = Roster::new(Arc::clone(&self.api), self.elector.terms());
        let mut backoff = Backoff::new();
        let patience = self.elector.terms().duration;
        let mut untaken = Untaken::default();
        let tell = |untaken: &mut Untaken, failure: &Failure| {
            if untaken.is_due(failure, Instant::now(), patience) {
                let hint = match failure.status {
                    403 if !failure.is_of_namespace => ": give the controller the chart's Role",
                    _ => "",
                };
                let error = &failure.text;
                tracing::warn!(
                    error,
                    "which nodes have an agent is not kept for the next leader{hint}"
                );
            }
        };
        loop {
            match roster.read().await {
                Ok(names) if self.follows_on => break self.inherit(names),
                Ok(_) => break,
                Err(failure) => {
                    tell(&mut untaken, &failure);
                    sleep(backoff.next(failure.after)).await;
                }
            }
        }
        untaken = Untaken::default();
        let mut left_out = 0;
        loop {
            sleep(2 * self.settings.beat).await;
            if !fleet.is_listed() {
                continue;
            }
            self.look(&fleet.agents());
            match roster.write(&self.names().into_iter().collect()).await {
                Ok(many) if many > left_out => {
                    tracing::warn!(
                        "{many} nodes are not kept for the next leader: there is no room"
                    );
                    left_out = many;
                }
                Ok(_) => {
                    backoff = Backoff::new();
                    untaken = Untaken::default();
                }
                Err(failure) => {
                    tell(&mut untaken, &failure);
                    sleep(backoff.next(failure.after)).await;
                }
            }
        }
    }
}
