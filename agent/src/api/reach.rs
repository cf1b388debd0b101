//! What of the node a client of some namespaces gets to see, and may decide of.
//!
//! Such a client is told what the sensor as a whole lost or does not see, because that concerns its
//! own workloads as well, but in no words that could name another's.

use super::control::{Control, Request};
use super::server::{ended, refused};
use crate::judge::decide::AskError;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{
    self, DecideEntriesRequest, GetProfileRequest, GetStatusResponse, violation::Detail,
};
use std::collections::{BTreeSet, HashSet};
use tonic::Status;

/// Namespaces of workloads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Namespaces {
    /// All, and the node itself.
    All,
    /// These; the empty one is that of workloads without.
    Only(BTreeSet<String>),
}

/// The scope of a gap that concerns all.
const NODE: &str = "node";

impl Namespaces {
    /// From a list, in which `*` is all.
    #[must_use]
    pub fn new(names: &[String]) -> Self {
        match names.iter().any(|name| name == "*") {
            true => Self::All,
            false => Self::Only(names.iter().cloned().collect()),
        }
    }

    /// Whether a workload is in one of them. What has none is nobody's.
    #[must_use]
    pub fn has(&self, workload: Option<&v1::Workload>) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => workload.is_some_and(|one| names.contains(&one.namespace)),
        }
    }

    /// An item of the stream as a client of these gets it; `None` if it does not. Whose a container is
    /// nobody knows without the agent that runs it.
    pub(crate) async fn item(&self, control: Option<&Control>, item: Item) -> Option<Item> {
        if *self == Self::All {
            return Some(item);
        }
        match item {
            Item::Violation(violation) => self.violation(violation).map(Item::Violation),
            Item::Behaviour(behaviour) => {
                let own = self.has(behaviour.workload.as_ref());
                own.then_some(Item::Behaviour(behaviour))
            }
            Item::Gap(gap) => self.gap(control, gap).await.map(Item::Gap),
            // It counts, and names nothing but the node.
            Item::Heartbeat(beat) => Some(Item::Heartbeat(beat)),
        }
    }

    fn violation(&self, mut violation: v1::Violation) -> Option<v1::Violation> {
        if violation.workload.is_some() || violation.container.is_some() {
            return self.has(violation.workload.as_ref()).then_some(violation);
        }
        // Of the node: that the sensor is impaired concerns all, its words may be about another.
        match &mut violation.detail {
            Some(Detail::Degraded(degraded)) => degraded.detail.clear(),
            Some(Detail::Gap(gap)) => NODE.clone_into(&mut gap.scope),
            _ => return None,
        }
        violation.process = None;
        violation.nearest.clear();
        violation.patch.clear();
        Some(violation)
    }

    /// Of a container that runs it is known whose it is. One that is gone may have been of these: its
    /// gap comes as one of the node, without its id.
    async fn gap(&self, control: Option<&Control>, mut gap: v1::Gap) -> Option<v1::Gap> {
        if gap.scope == NODE || gap.scope == crate::feed::STREAM {
            return Some(gap);
        }
        if gap.scope.starts_with("sink:") {
            return None;
        }
        let running = match control {
            Some(control) => control.ask(Request::Containers).await.ok()?.containers,
            None => Vec::new(),
        };
        let id = |one: &v1::TracedContainer| one.container.as_ref().map(|it| it.id.clone());
        match running
            .iter()
            .find(|one| id(one).as_deref() == Some(&gap.scope))
        {
            Some(container) => self.has(container.workload.as_ref()).then_some(gap),
            None => {
                NODE.clone_into(&mut gap.scope);
                Some(gap)
            }
        }
    }

    /// Leaves in the status what these may see.
    pub(super) async fn status(
        &self,
        control: &Control,
        status: &mut GetStatusResponse,
    ) -> Result<(), Status> {
        if *self == Self::All {
            return Ok(());
        }
        let mut running = control.ask(Request::Containers).await.map_err(ended)?;
        self.containers(&mut running);
        let ids = running.containers.into_iter();
        let ids: HashSet<_> = ids.filter_map(|one| Some(one.container?.id)).collect();
        status.containers = ids.len() as u32;
        status
            .container_losses
            .retain(|loss| ids.contains(&loss.container));
        self.profiles(&mut status.profiles);
        status.sinks.clear();
        status.identity = None;
        status.cluster_profiles = None;
        status.cluster_modes = None;
        status.watches.clear();
        // They count what others do as well.
        status.judged.clear();
        status.reported.clear();
        if let Some(listener) = &mut status.listener {
            listener.trouble.clear();
        }
        Ok(())
    }

    pub(super) fn containers(&self, answer: &mut v1::ListContainersResponse) {
        answer
            .containers
            .retain(|one| self.has(one.workload.as_ref()));
    }

    pub(super) fn profiles(&self, profiles: &mut Vec<v1::ProfileSummary>) {
        profiles.retain(|one| self.has(one.workload.as_ref()));
    }

    /// Checks that a profile is of these, and makes its name the whole one. One that is not is told
    /// of as one that there is not.
    pub(super) async fn own(&self, control: &Control, name: &mut String) -> Result<(), Status> {
        if *self == Self::All {
            return Ok(());
        }
        let request = GetProfileRequest { name: name.clone() };
        let answer = control.ask(|reply| Request::Profile(request, reply)).await;
        let found = answer.map_err(ended)?.map_err(|error| refused(&error))?;
        match found.summary {
            Some(summary) if self.has(summary.workload.as_ref()) => {
                *name = summary.name;
                Ok(())
            }
            Some(_) | None => Err(refused(&AskError::NoProfile(
                lapwing_profile::text::canonical(name.as_bytes()),
            ))),
        }
    }

    /// Checks that all that is decided of is of these.
    pub(super) async fn own_entries(
        &self,
        control: &Control,
        request: &mut DecideEntriesRequest,
    ) -> Result<(), Status> {
        if *self == Self::All {
            return Ok(());
        }
        if !request.name.is_empty() {
            self.own(control, &mut request.name).await?;
        }
        let entries = request.entries.clone();
        let owners = control.ask(|reply| Request::Owners(entries, reply)).await;
        for (entry, owner) in request.entries.iter().zip(owners.map_err(ended)?) {
            let Some(mut owner) = owner else { continue };
            let found = self.own(control, &mut owner).await;
            found.map_err(|_| {
                refused(&AskError::NoEntry(lapwing_profile::text::canonical(
                    entry.as_bytes(),
                )))
            })?;
        }
        Ok(())
    }

    /// Checks that a profile that a client brings is of these.
    pub(super) fn own_candidate(&self, namespace: &str) -> Result<(), Status> {
        match self {
            Self::Only(names) if !names.contains(namespace) => {
                Err(Status::permission_denied(format!(
                    "the profile is of the namespace `{}`, which is not among those of this client \
                     in `listen.clients` of the agent's configuration",
                    lapwing_profile::text::canonical(namespace.as_bytes())
                )))
            }
            Self::Only(_) | Self::All => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
