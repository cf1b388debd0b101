//! What people are answered who ask the controller of profiles: `lapwing profile list`, `show`, `export` and
//! `promote` at its endpoint.

use super::Learner;
use super::object;
use crate::api::reach::Namespaces;
use crate::judge::report;
use lapwing_profile::collected::Judged;
use lapwing_profile::text::canonical;
use lapwing_proto::v1;
use std::sync::Arc;
use tonic::Status;

/// Judging takes its time, where nobody waits for it.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Status> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Status::internal(error.to_string()))
}

fn unknown(name: &str) -> Status {
    Status::not_found(format!(
        "no node told of `{}`: `lapwing profile list` has the names",
        canonical(name.as_bytes())
    ))
}

fn summary(judged: &Judged, instances: u32, object: Option<&String>) -> v1::ProfileSummary {
    let mut summary = report::summary(&judged.profile, Some(instances));
    summary.provisional = judged.unconfirmed.len() as u32;
    summary.object = object.cloned().unwrap_or_default();
    summary.learning = Some(v1::Learning {
        complete: judged.is_complete(),
        unmet: judged.unmet.clone(),
        instances: judged.instances,
        provisional: judged.unconfirmed.len() as u32,
        note: format!("nodes: {}", judged.nodes),
        ..v1::Learning::default()
    });
    summary
}

impl Learner {
    /// All workloads of these namespaces, in short.
    pub(in crate::controller) async fn summaries(
        &self,
        namespaces: &Namespaces,
    ) -> Result<Vec<v1::ProfileSummary>, Status> {
        let (board, namespaces) = (Arc::clone(&self.writer.board), namespaces.clone());
        // One at a time, as each is as large as its profile.
        apart(move || {
            let all = board.workloads().into_iter();
            let here = all.filter(|one| namespaces.has(Some(&report::workload(one))));
            here.filter_map(|one| board.told(&one))
                .map(|(judged, instances, object)| summary(&judged, instances, object.as_ref()))
                .collect()
        })
        .await
    }

    /// One of these namespaces, and its text. What is of others is told of as what there is not.
    pub(in crate::controller) async fn profile(
        &self,
        name: &str,
        namespaces: &Namespaces,
    ) -> Result<(v1::ProfileSummary, String), Status> {
        let (judged, instances, object) = self.found(name, namespaces).await?;
        let summary = summary(&judged, instances, object.as_ref());
        Ok((summary, apart(move || judged.profile.to_yaml()).await?))
    }

    /// When learning is over; of nodes and instances as many are wanted as run besides.
    pub(in crate::controller) fn conditions(&self) -> v1::LearningConditions {
        report::conditions(&self.writer.board.terms().settings)
    }

    async fn found(
        &self,
        name: &str,
        namespaces: &Namespaces,
    ) -> Result<(Judged, u32, Option<String>), Status> {
        let (board, of) = (Arc::clone(&self.writer.board), name.to_owned());
        let found = apart(move || board.find(&of)).await?;
        let found = found.ok_or_else(|| unknown(name))?;
        let workload = report::workload(&found.0.profile.workload);
        match namespaces.has(Some(&workload)) {
            true => Ok(found),
            false => Err(unknown(name)),
        }
    }

    /// Makes a BehaviorProfile of what is known, because somebody says so; where the controller may.
    pub(in crate::controller) async fn promote(
        &self,
        name: &str,
        namespaces: &Namespaces,
        decider: &v1::Decider,
    ) -> Result<v1::ProfileSummary, Status> {
        let (judged, instances, object) = self.found(name, namespaces).await?;
        let workload = judged.profile.workload.clone();
        if let Some(object) = object {
            return Err(Status::failed_precondition(format!(
                "{workload} has the BehaviorProfile {object} already: change that"
            )));
        }
        if !self.writer.board.rules().promotes {
            let (namespace, object) = (&workload.namespace, object::name_of(&workload));
            return Err(Status::failed_precondition(format!(
                "the controller may not make BehaviorProfiles (`learned.promote` of its configuration, \
                 `controller.promote` of the chart). Review it, and apply it yourself: kubectl -n {namespace} \
                 get lp {object} -o jsonpath='{{.status.profile}}' | kubectl apply --server-side -f -"
            )));
        }
        let (text, judged) = apart(move || (object::proposal(&judged), judged)).await?;
        let text = text.map_err(Status::failed_precondition)?;
        let by = format!("by {}: {}", decider.actor, decider.reason);
        let made = self.writer.promote(&workload, &text, &by).await;
        made.map_err(|failure| Status::failed_precondition(failure.text))?;
        Ok(summary(&judged, instances, None))
    }
}
