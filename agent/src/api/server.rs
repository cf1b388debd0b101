//! The service.

use super::access::Caller;
use super::consumers;
use super::control::{Control, Ended, Request};
use super::inquiry::Inquiry;
use super::learned;
use super::network::Network;
use super::reach::Namespaces;
use super::replay::Replays;
use super::socket::Socket;
use super::states;
use super::transport;
use super::wanted::Wanted;
use crate::container::digest::Digits;
use crate::feed::{Feed, Start};
use crate::judge::decide::AskError;
use crate::judge::replay::Candidate;
use crate::sink::Sinks;
use anyhow::Result;
use lapwing_proto::v1::agent_server::Agent;
use lapwing_proto::v1::watch_request::Since;
use lapwing_proto::v1::{
    AckRequest, AckResponse, DecideEntriesRequest, DecideEntriesResponse, DemoteProfileRequest,
    DemoteProfileResponse, FollowBehaviorProfilesRequest, FollowBehaviorProfilesResponse,
    FollowLearnedRequest, FollowLearnedResponse, ForgetConsumerRequest, ForgetConsumerResponse,
    GetInventoryRequest, GetInventoryResponse, GetProfileRequest, GetProfileResponse,
    GetStatusRequest, GetStatusResponse, ImportProfileRequest, ImportProfileResponse,
    ListContainersRequest, ListContainersResponse, ListProfilesRequest, ListProfilesResponse,
    PromoteProfileRequest, PromoteProfileResponse, ReplayProfileRequest, ReplayProfileResponse,
    TestSinkRequest, TestSinkResponse, TracedContainer, WatchRequest, WatchResponse,
};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Response, Status};

/// Longest name of who decides, in bytes.
const ACTOR_MAX: usize = 256;
/// Longest reason, in bytes.
const REASON_MAX: usize = 4096;

struct Service {
    feed: Arc<Feed>,
    control: Control,
    sinks: Arc<Sinks>,
    replays: Replays,
    followers: learned::Followers,
    states: states::Followers,
    inquiry: Inquiry,
    /// Turns true when the agent ends: streams end then too.
    ending: watch::Receiver<bool>,
}

pub(super) fn ended(Ended: Ended) -> Status {
    Status::unavailable("the agent is ending")
}

pub(super) fn refused(error: &AskError) -> Status {
    let message = error.to_string();
    match error {
        AskError::NoProfile(_) => Status::not_found(message),
        AskError::NoEntry(_)
        | AskError::BadEntry(_)
        | AskError::NoName(_)
        | AskError::NoVerdict
        | AskError::Signature(_)
        | AskError::BadProfile(_) => Status::invalid_argument(message),
        AskError::Refused(_)
        | AskError::Unsigned(_)
        | AskError::Obeys { .. }
        | AskError::Asked { .. } => Status::failed_precondition(message),
        AskError::NoRoom | AskError::Store(_) => Status::resource_exhausted(message),
    }
}

#[tonic::async_trait]
impl Agent for Service {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchResponse, Status>> + Send>>;

    async fn watch(
        &self,
        request: tonic::Request<WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let wanted = Wanted::new(&request).map_err(Status::invalid_argument)?;
        let since = match &request.since {
            None => None,
            Some(Since::Cursor(cursor)) => Some(Start::After(cursor.clone())),
            Some(Since::AgeMilliseconds(age)) => {
                let age = i64::try_from(*age)
                    .unwrap_or(i64::MAX)
                    .saturating_mul(1_000_000);
                Some(Start::Since(crate::clock::now().saturating_sub(age)))
            }
        };
        let subscriber =
            consumers::subscribe(&self.feed, &caller, since, &request.consumer).await?;
        let items = ReceiverStream::new(follow(
            subscriber,
            wanted,
            (self.control.clone(), caller.namespaces()),
            self.ending.clone(),
        ));
        Ok(Response::new(Box::pin(items.map(Ok))))
    }

    async fn ack(
        &self,
        request: tonic::Request<AckRequest>,
    ) -> Result<Response<AckResponse>, Status> {
        let caller = Caller::of(&request)?;
        let cursor = consumers::ack(&self.feed, &caller, request.into_inner()).await?;
        Ok(Response::new(AckResponse { cursor }))
    }

    async fn get_status(
        &self,
        request: tonic::Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut answer = self.inquiry.ask().await.map_err(ended)?;
        if let Some(feed) = &mut answer.feed {
            consumers::visible(&caller, &mut feed.consumers);
        }
        let namespaces = caller.namespaces();
        namespaces.status(&self.control, &mut answer).await?;
        Ok(Response::new(answer))
    }

    async fn list_containers(
        &self,
        request: tonic::Request<ListContainersRequest>,
    ) -> Result<Response<ListContainersResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = match request.into_inner().image_digest.as_str() {
            "" => None,
            text => Some(Digits::parse(text).map_err(Status::invalid_argument)?),
        };
        let answer = self.control.ask(Request::Containers).await;
        let mut answer = answer.map_err(ended)?;
        caller.namespaces().containers(&mut answer);
        if let Some(digits) = asked {
            let digest = |one: &TracedContainer| match &one.container {
                Some(container) => digits.fit(&container.image_digest),
                None => None,
            };
            answer.containers.retain(|one| digest(one) != Some(false));
        }
        Ok(Response::new(answer))
    }

    async fn list_profiles(
        &self,
        request: tonic::Request<ListProfilesRequest>,
    ) -> Result<Response<ListProfilesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let answer = self.control.ask(Request::Profiles).await;
        let mut answer = answer.map_err(ended)?;
        caller.namespaces().profiles(&mut answer.profiles);
        Ok(Response::new(answer))
    }

    async fn get_profile(
        &self,
        request: tonic::Request<GetProfileRequest>,
    ) -> Result<Response<GetProfileResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut request = request.into_inner();
        let namespaces = caller.namespaces();
        namespaces.own(&self.control, &mut request.name).await?;
        let answer = self
            .control
            .ask(|reply| Request::Profile(request, reply))
            .await;
        answer
            .map_err(ended)?
            .map(Response::new)
            .map_err(|error| refused(&error))
    }

    async fn get_inventory(
        &self,
        request: tonic::Request<GetInventoryRequest>,
    ) -> Result<Response<GetInventoryResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut request = request.into_inner();
        let namespaces = caller.namespaces();
        namespaces.own(&self.control, &mut request.name).await?;
        let answer = self
            .control
            .ask(|reply| Request::Inventory(request, reply))
            .await;
        let (name, stored) = answer.map_err(ended)?.map_err(|error| refused(&error))?;
        let packed = tokio::task::spawn_blocking(move || stored.pack()).await;
        let packed = packed.map_err(|error| Status::internal(error.to_string()))?;
        let packed = packed.map_err(|error| refused(&error.into()))?;
        Ok(Response::new(GetInventoryResponse { name, packed }))
    }

    type FollowLearnedStream = ReceiverStream<Result<FollowLearnedResponse, Status>>;

    async fn follow_learned(
        &self,
        request: tonic::Request<FollowLearnedRequest>,
    ) -> Result<Response<Self::FollowLearnedStream>, Status> {
        let namespaces = Caller::of(&request)?.namespaces();
        let (control, ending) = (self.control.clone(), self.ending.clone());
        let items = (self.followers).follow(control, namespaces, request.into_inner(), ending)?;
        Ok(Response::new(ReceiverStream::new(items)))
    }

    type FollowBehaviorProfilesStream =
        ReceiverStream<Result<FollowBehaviorProfilesResponse, Status>>;

    async fn follow_behavior_profiles(
        &self,
        request: tonic::Request<FollowBehaviorProfilesRequest>,
    ) -> Result<Response<Self::FollowBehaviorProfilesStream>, Status> {
        let namespaces = Caller::of(&request)?.namespaces();
        let (control, ending) = (self.control.clone(), self.ending.clone());
        let items = (self.states).follow(control, namespaces, request.into_inner(), ending)?;
        Ok(Response::new(ReceiverStream::new(items)))
    }

    async fn promote_profile(
        &self,
        request: tonic::Request<PromoteProfileRequest>,
    ) -> Result<Response<PromoteProfileResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut request = request.into_inner();
        decided_by(&caller, request.decider.as_mut())?;
        let namespaces = caller.namespaces();
        namespaces.own(&self.control, &mut request.name).await?;
        let answer = self
            .control
            .ask(|reply| Request::Promote(request, reply))
            .await;
        answer
            .map_err(ended)?
            .map(Response::new)
            .map_err(|error| refused(&error))
    }

    async fn demote_profile(
        &self,
        request: tonic::Request<DemoteProfileRequest>,
    ) -> Result<Response<DemoteProfileResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut request = request.into_inner();
        decided_by(&caller, request.decider.as_mut())?;
        let namespaces = caller.namespaces();
        namespaces.own(&self.control, &mut request.name).await?;
        let answer = self
            .control
            .ask(|reply| Request::Demote(request, reply))
            .await;
        answer
            .map_err(ended)?
            .map(Response::new)
            .map_err(|error| refused(&error))
    }

    async fn decide_entries(
        &self,
        request: tonic::Request<DecideEntriesRequest>,
    ) -> Result<Response<DecideEntriesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut request = request.into_inner();
        decided_by(&caller, request.decider.as_mut())?;
        let namespaces = caller.namespaces();
        namespaces.own_entries(&self.control, &mut request).await?;
        let answer = self
            .control
            .ask(|reply| Request::Decide(request, reply))
            .await;
        answer
            .map_err(ended)?
            .map(Response::new)
            .map_err(|error| refused(&error))
    }

    async fn replay_profile(
        &self,
        request: tonic::Request<ReplayProfileRequest>,
    ) -> Result<Response<ReplayProfileResponse>, Status> {
        let namespaces = Caller::of(&request)?.namespaces();
        let request = request.into_inner();
        let answer = self.replays.replay(&self.control, &namespaces, request);
        answer.await.map(Response::new)
    }

    async fn import_profile(
        &self,
        request: tonic::Request<ImportProfileRequest>,
    ) -> Result<Response<ImportProfileResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut request = request.into_inner();
        decided_by(&caller, request.decider.as_mut())?;
        if let namespaces @ Namespaces::Only(_) = caller.namespaces() {
            request = super::replay::apart(move || {
                let candidate = Candidate::read(&request.yaml, "")?;
                Ok((candidate.profile.workload.namespace, request))
            })
            .await
            .and_then(|(namespace, request)| {
                namespaces.own_candidate(&namespace).map(|()| request)
            })?;
        }
        let answer = self
            .control
            .ask(|reply| Request::Import(request, reply))
            .await;
        answer
            .map_err(ended)?
            .map(Response::new)
            .map_err(|error| refused(&error))
    }

    async fn test_sink(
        &self,
        request: tonic::Request<TestSinkRequest>,
    ) -> Result<Response<TestSinkResponse>, Status> {
        let answer = self.sinks.test(&request.into_inner().name).await;
        answer
            .map(Response::new)
            .map_err(|error| Status::not_found(error.to_string()))
    }

    async fn forget_consumer(
        &self,
        request: tonic::Request<ForgetConsumerRequest>,
    ) -> Result<Response<ForgetConsumerResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut request = request.into_inner();
        decided_by(&caller, request.decider.as_mut())?;
        let consumer = Some(consumers::forget(&self.feed, &caller, request).await?);
        Ok(Response::new(ForgetConsumerResponse { consumer }))
    }
}

/// Every decision is on record with who took it. Of a client over TCP that is its identity, and what
/// it says of itself in brackets.
pub(crate) fn decided_by(
    caller: &Caller,
    decider: Option<&mut lapwing_proto::v1::Decider>,
) -> Result<(), Status> {
    match decider {
        Some(decider) if decider.actor.len() > ACTOR_MAX || decider.reason.len() > REASON_MAX => {
            Err(Status::invalid_argument(format!(
                "be brief: `decider.actor` may have {ACTOR_MAX} bytes, `decider.reason` {REASON_MAX}"
            )))
        }
        Some(decider) if !decider.actor.trim().is_empty() => {
            if let Some(identity) = caller.identity() {
                decider.actor = format!("{identity} ({})", decider.actor.trim());
            }
            Ok(())
        }
        Some(_) | None => Err(Status::invalid_argument(
            "say who decides: `decider.actor` is empty",
        )),
    }
}

/// Moves wanted items to a client, at the client's pace: what it does not take waits in the log.
fn follow(
    mut subscriber: crate::feed::Subscriber,
    wanted: Wanted,
    (control, namespaces): (Control, Namespaces),
    mut ending: watch::Receiver<bool>,
) -> tokio::sync::mpsc::Receiver<WatchResponse> {
    let (sender, receiver) = tokio::sync::mpsc::channel(16);
    tokio::spawn(async move {
        loop {
            let response = tokio::select! {
                biased;
                response = subscriber.next() => response,
                () = sender.closed() => return,
                // The agent ends: what it had to say is in the log.
                _ = ending.wait_for(|ending| *ending) => match subscriber.try_next() {
                    Some(response) => response,
                    None => return,
                },
            };
            let WatchResponse { cursor, item } = response;
            let Some(item) = item.filter(|item| wanted.wants(item)) else {
                continue;
            };
            let Some(item) = namespaces.item(Some(&control), item).await else {
                continue;
            };
            let item = Some(item);
            if sender.send(WatchResponse { cursor, item }).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// Serves on the Unix socket, and over TCP where that is given, until `end` is ready; then streams
/// get what is left in the log, and end.
///
/// # Errors
/// When a socket fails.
pub async fn serve(
    socket: Socket,
    network: Option<Network>,
    feed: Arc<Feed>,
    control: Control,
    sinks: Arc<Sinks>,
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let (ending, is_ending) = watch::channel(false);
    let inquiry = Inquiry::new(control.clone(), Arc::clone(&sinks), network.as_ref());
    let service = Service {
        feed,
        control,
        sinks,
        replays: Replays::default(),
        followers: learned::Followers::default(),
        states: states::Followers::default(),
        inquiry,
        ending: is_ending,
    };
    transport::run(service, Some(socket), network, ending, end).await
}

#[cfg(test)]
mod tests;
