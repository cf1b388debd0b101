//! The service.

use super::control::{Control, Ended, Request};
use super::socket::Socket;
use super::wanted::wanted;
use crate::feed::{Feed, Start};
use crate::judge::decide::AskError;
use anyhow::{Context, Result};
use lapwing_proto::v1::agent_server::{Agent, AgentServer};
use lapwing_proto::v1::watch_request::Since;
use lapwing_proto::v1::{
    DecideEntriesRequest, DecideEntriesResponse, DemoteProfileRequest, DemoteProfileResponse,
    GetProfileRequest, GetProfileResponse, GetStatusRequest, GetStatusResponse,
    ImportProfileRequest, ImportProfileResponse, ListContainersRequest, ListContainersResponse,
    ListProfilesRequest, ListProfilesResponse, PromoteProfileRequest, PromoteProfileResponse,
    ReplayProfileRequest, ReplayProfileResponse, WatchRequest, WatchResponse,
};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_stream::{Stream, StreamExt};
use tonic::{Response, Status};

/// Largest message: a profile, and what goes with it, in bytes.
const MESSAGE_MAX: usize = lapwing_profile::file::TEXT_MAX + (1 << 20);
/// Longest name of who decides, in bytes.
const ACTOR_MAX: usize = 256;
/// Longest reason, in bytes.
const REASON_MAX: usize = 4096;

struct Service {
    feed: Arc<Feed>,
    control: Control,
    /// Turns true when the agent ends: streams end then too.
    ending: watch::Receiver<bool>,
}

fn ended(Ended: Ended) -> Status {
    Status::unavailable("the agent is ending")
}

fn refused(error: &AskError) -> Status {
    let message = error.to_string();
    match error {
        AskError::NoProfile(_) => Status::not_found(message),
        AskError::NoEntry(_)
        | AskError::BadEntry(_)
        | AskError::NoName(_)
        | AskError::NoVerdict
        | AskError::Signature(_)
        | AskError::BadProfile(_) => Status::invalid_argument(message),
        AskError::Refused(_) | AskError::Unsigned(_) => Status::failed_precondition(message),
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
        let request = request.into_inner();
        let start = match &request.since {
            None => Start::Now,
            Some(Since::Cursor(cursor)) => Start::After(cursor.clone()),
            Some(Since::AgeMilliseconds(age)) => {
                let age = i64::try_from(*age)
                    .unwrap_or(i64::MAX)
                    .saturating_mul(1_000_000);
                Start::Since(crate::clock::now().saturating_sub(age))
            }
        };
        let subscriber = self
            .feed
            .subscribe(&start)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let items = tokio_stream::wrappers::ReceiverStream::new(follow(
            subscriber,
            request,
            self.ending.clone(),
        ));
        Ok(Response::new(Box::pin(items.map(Ok))))
    }

    async fn get_status(
        &self,
        _: tonic::Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        let answer = self.control.ask(Request::Status).await;
        answer.map(Response::new).map_err(ended)
    }

    async fn list_containers(
        &self,
        _: tonic::Request<ListContainersRequest>,
    ) -> Result<Response<ListContainersResponse>, Status> {
        let answer = self.control.ask(Request::Containers).await;
        answer.map(Response::new).map_err(ended)
    }

    async fn list_profiles(
        &self,
        _: tonic::Request<ListProfilesRequest>,
    ) -> Result<Response<ListProfilesResponse>, Status> {
        let answer = self.control.ask(Request::Profiles).await;
        answer.map(Response::new).map_err(ended)
    }

    async fn get_profile(
        &self,
        request: tonic::Request<GetProfileRequest>,
    ) -> Result<Response<GetProfileResponse>, Status> {
        let answer = self
            .control
            .ask(|reply| Request::Profile(request.into_inner(), reply))
            .await;
        answer
            .map_err(ended)?
            .map(Response::new)
            .map_err(|error| refused(&error))
    }

    async fn promote_profile(
        &self,
        request: tonic::Request<PromoteProfileRequest>,
    ) -> Result<Response<PromoteProfileResponse>, Status> {
        let request = request.into_inner();
        decided_by(request.decider.as_ref())?;
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
        let request = request.into_inner();
        decided_by(request.decider.as_ref())?;
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
        let request = request.into_inner();
        decided_by(request.decider.as_ref())?;
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
        let answer = self
            .control
            .ask(|reply| Request::Replay(request.into_inner(), reply))
            .await;
        answer
            .map_err(ended)?
            .map(Response::new)
            .map_err(|error| refused(&error))
    }

    async fn import_profile(
        &self,
        request: tonic::Request<ImportProfileRequest>,
    ) -> Result<Response<ImportProfileResponse>, Status> {
        let request = request.into_inner();
        decided_by(request.decider.as_ref())?;
        let answer = self
            .control
            .ask(|reply| Request::Import(request, reply))
            .await;
        answer
            .map_err(ended)?
            .map(Response::new)
            .map_err(|error| refused(&error))
    }
}

/// Every decision is on record with who took it.
fn decided_by(decider: Option<&lapwing_proto::v1::Decider>) -> Result<(), Status> {
    match decider {
        Some(decider) if decider.actor.len() > ACTOR_MAX || decider.reason.len() > REASON_MAX => {
            Err(Status::invalid_argument(format!(
                "be brief: `decider.actor` may have {ACTOR_MAX} bytes, `decider.reason` {REASON_MAX}"
            )))
        }
        Some(decider) if !decider.actor.trim().is_empty() => Ok(()),
        Some(_) | None => Err(Status::invalid_argument(
            "say who decides: `decider.actor` is empty",
        )),
    }
}

/// Moves wanted items to a client, at the client's pace: what it does not take waits in the log.
fn follow(
    mut subscriber: crate::feed::Subscriber,
    request: WatchRequest,
    mut ending: watch::Receiver<bool>,
) -> tokio::sync::mpsc::Receiver<WatchResponse> {
    let (sender, receiver) = tokio::sync::mpsc::channel(16);
    tokio::spawn(async move {
        loop {
            let response = tokio::select! {
                biased;
                response = subscriber.next() => response,
                // The agent ends, and everything it had to say was said.
                _ = ending.wait_for(|ending| *ending) => return,
                () = sender.closed() => return,
            };
            let send = response
                .item
                .as_ref()
                .is_some_and(|item| wanted(&request, item));
            if send && sender.send(response).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// Serves until `end` is ready; then streams get what is left in the log, and end.
///
/// # Errors
/// When the socket fails.
pub async fn serve(
    socket: Socket,
    feed: Arc<Feed>,
    control: Control,
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let (listener, guard) = socket.split();
    let listener =
        tokio::net::UnixListener::from_std(listener).context("cannot listen on the socket")?;
    let incoming = tokio_stream::wrappers::UnixListenerStream::new(listener);
    let (ending, is_ending) = watch::channel(false);
    let service = AgentServer::new(Service {
        feed,
        control,
        ending: is_ending,
    })
    .max_decoding_message_size(MESSAGE_MAX)
    .max_encoding_message_size(MESSAGE_MAX);
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_serving::<AgentServer<Service>>().await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(lapwing_proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .context("cannot serve reflection")?;
    let served = tonic::transport::Server::builder()
        .add_service(service)
        .add_service(health)
        .add_service(reflection)
        .serve_with_incoming_shutdown(incoming, async move {
            end.await;
            ending.send_replace(true);
        })
        .await;
    drop(guard);
    served.context("the API failed")
}
