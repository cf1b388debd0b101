//! From the API to the pipeline: requests that need what only the pipeline
//! holds. The pipeline is a thread of its own; it is woken, answers between two
//! batches of records, and never waits for a client.

use crate::inventory::disk::Stored;
use crate::judge::decide::AskError;
use crate::judge::news::Change;
use crate::judge::replay::Snapshot;
use lapwing_profile::workload::Workload;
use lapwing_proto::v1;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

/// Where an answer goes.
pub type Reply<T> = oneshot::Sender<T>;

/// What is asked of the pipeline.
pub enum Request {
    /// What is attached, seen, lost and learned.
    Status(Reply<v1::GetStatusResponse>),
    /// The same with no more of profiles than their modes and how many entries are pending: asked for
    /// each second, where how far each has come with learning would take its time from the rings.
    Counters(Reply<v1::GetStatusResponse>),
    /// The containers that are traced.
    Containers(Reply<v1::ListContainersResponse>),
    /// The profiles, in short.
    Profiles(Reply<v1::ListProfilesResponse>),
    /// One profile.
    Profile(
        v1::GetProfileRequest,
        Reply<Result<v1::GetProfileResponse, AskError>>,
    ),
    /// Which files of its image the workload of a profile uses, with the profile's name.
    Inventory(
        v1::GetInventoryRequest,
        Reply<Result<(String, Stored), AskError>>,
    ),
    /// Profiles that changed after this number, all if there is none: see [`crate::judge::news`].
    Changes(Option<u64>, Reply<Vec<Change>>),
    /// One profile as other nodes can merge it, by its workload; `None` where there is none.
    Learned(Workload, Reply<Option<v1::LearnedProfile>>),
    /// What is made of BehaviorProfiles here, by their uids: see [`crate::api::states`].
    States(Reply<BTreeMap<String, v1::BehaviorProfileState>>),
    /// Promotes a profile.
    Promote(
        v1::PromoteProfileRequest,
        Reply<Result<v1::PromoteProfileResponse, AskError>>,
    ),
    /// Sends a profile back to learning.
    Demote(
        v1::DemoteProfileRequest,
        Reply<Result<v1::DemoteProfileResponse, AskError>>,
    ),
    /// Decides of entries.
    Decide(
        v1::DecideEntriesRequest,
        Reply<Result<v1::DecideEntriesResponse, AskError>>,
    ),
    /// The profiles that ids or fingerprints of violations belong to, in order; `None` for what is
    /// neither.
    Owners(Vec<String>, Reply<Vec<Option<String>>>),
    /// What is known of a workload, by the name of its profile, to take it to a candidate.
    Snapshot(String, Reply<Result<Box<Snapshot>, AskError>>),
    /// Takes up a profile.
    Import(
        v1::ImportProfileRequest,
        Reply<Result<v1::ImportProfileResponse, AskError>>,
    ),
}

/// The API's end.
#[derive(Clone)]
pub struct Control {
    requests: Sender<Request>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

/// The pipeline has ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended;

impl Control {
    /// Both ends; `wake` makes the pipeline look at its end.
    #[must_use]
    pub fn new(wake: Arc<dyn Fn() + Send + Sync>) -> (Self, Receiver<Request>) {
        let (requests, receiver) = channel();
        (Self { requests, wake }, receiver)
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// When the pipeline has ended.
    pub async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, Ended> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).map_err(|_| Ended)?;
        (self.wake)();
        answer.await.map_err(|_| Ended)
    }
}
