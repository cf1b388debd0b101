//! Replays of candidates, off the pipeline's thread.
//!
//! Reading a candidate and comparing all that was seen with it takes seconds where both are
//! large. The pipeline gives a copy of what it knows and goes on; the rest is done on a thread for
//! such work. One at a time, because each holds a profile or two in memory.

use super::control::{Control, Ended, Request};
use super::reach::Namespaces;
use super::server::{ended, refused};
use crate::clock;
use crate::judge::decide::AskError;
use crate::judge::replay::Candidate;
use lapwing_proto::v1::{ReplayProfileRequest, ReplayProfileResponse};
use std::sync::Arc;
use tokio::sync::{Semaphore, TryAcquireError};
use tokio::task::spawn_blocking;
use tonic::Status;

/// Who replays.
#[derive(Clone)]
pub(super) struct Replays(Arc<Semaphore>);

impl Default for Replays {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Replays {
    /// Takes what was seen of a workload to a candidate.
    pub(super) async fn replay(
        &self,
        control: &Control,
        namespaces: &Namespaces,
        request: ReplayProfileRequest,
    ) -> Result<ReplayProfileResponse, Status> {
        let permit = Arc::clone(&self.0).try_acquire_owned();
        let permit = permit.map_err(|error| match error {
            TryAcquireError::NoPermits => Status::resource_exhausted(
                "another candidate is being replayed: try again when that is done",
            ),
            TryAcquireError::Closed => ended(Ended),
        })?;
        let ReplayProfileRequest {
            yaml,
            name,
            age_milliseconds,
        } = request;
        let age = i64::try_from(age_milliseconds).unwrap_or(i64::MAX);
        let since = (age > 0).then(|| clock::now().saturating_sub(age.saturating_mul(1_000_000)));
        let candidate = apart(move || Candidate::read(&yaml, &name)).await?;
        let mut name = candidate.name.clone();
        namespaces.own(control, &mut name).await?;
        let snapshot = control.ask(|reply| Request::Snapshot(name, reply)).await;
        let snapshot = snapshot.map_err(ended)?.map_err(|error| refused(&error))?;
        // A client that goes away ends none of it: the next has to wait until it is done.
        apart(move || {
            let answer = snapshot.replay(&candidate.profile, since);
            drop(permit);
            Ok(answer)
        })
        .await
    }
}

/// Does work on a thread where it holds up nobody.
pub(super) async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AskError> + Send + 'static,
) -> Result<T, Status> {
    match spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| refused(&error)),
        Err(error) => Err(Status::internal(format!("the replay broke off: {error}"))),
    }
}
