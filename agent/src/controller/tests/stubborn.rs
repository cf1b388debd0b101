//! An agent that lies, for whoever asks it.

use super::stage::{CONTROLLER, Keys, SERVER_NAME};
use crate::api::network::Network;
use crate::api::socket::Socket;
use crate::api::transport;
use crate::feed::cursor::{Cursor, Epoch};
use lapwing_proto::timestamp;
use lapwing_proto::v1::agent_server::Agent;
use lapwing_proto::v1::watch_request::Since;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::*;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status};

/// It says to the relay that its log has numbers up to this one, and begins at the first for all others.
const FAR: u64 = 1 << 62;

/// Such an agent, which tells nothing of what it learns, as an older one.
#[derive(Clone, Default)]
pub struct Stubborn {
    /// How often it was asked for the past.
    pub asked: Arc<AtomicUsize>,
    /// How often to go on from where it was.
    pub resumed: Arc<AtomicUsize>,
    /// How often for what it learns.
    pub learned: Arc<AtomicUsize>,
    /// It ends after a few messages, instead of never.
    pub is_short: bool,
}

impl Stubborn {
    /// Begins to listen on this address.
    pub fn start(&self, keys: &Keys, address: &str) {
        let listen = keys.listen(address, SERVER_NAME, &[(CONTROLLER, &["*"])]);
        let network = Network::bind(&listen).unwrap();
        let socket = Socket::bind(&keys.folder().join("stubborn.sock")).unwrap();
        let (ending, _) = watch::channel(false);
        let end = std::future::pending();
        let service = self.clone();
        tokio::spawn(transport::run(service, Some(socket), network, ending, end));
    }
}

fn said(number: u64) -> WatchResponse {
    let now = crate::clock::now();
    let cursor = Cursor {
        epoch: Epoch::begin(1),
        number,
        at: now,
        behaviour: 0,
    };
    WatchResponse {
        cursor: cursor.to_string(),
        item: Some(Item::Heartbeat(Heartbeat {
            time: Some(timestamp(now)),
            lost: u64::MAX,
            ..Heartbeat::default()
        })),
    }
}

type Answer<T> = Result<Response<T>, Status>;
type Streamed<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

macro_rules! stubborn {
    ($($call:ident $request:ident $answer:ident)*) => {
        #[tonic::async_trait]
        impl Agent for Stubborn {
            type WatchStream = Streamed<WatchResponse>;
            type FollowLearnedStream = Streamed<FollowLearnedResponse>;
            type FollowBehaviorProfilesStream = Streamed<FollowBehaviorProfilesResponse>;

            async fn watch(&self, request: Request<WatchRequest>) -> Answer<Self::WatchStream> {
                let is_relay = !request.get_ref().consumer.is_empty();
                let number = if is_relay { FAR } else { 1 };
                self.asked.fetch_add(usize::from(!is_relay), Ordering::SeqCst);
                if !is_relay && let Some(Since::Cursor(cursor)) = &request.get_ref().since {
                    assert_eq!(Cursor::parse(cursor).unwrap().number, 1);
                    self.resumed.fetch_add(1, Ordering::SeqCst);
                }
                let many = if self.is_short && !is_relay { 3 } else { usize::MAX };
                let pause = Duration::from_millis(20);
                let all = tokio_stream::iter(std::iter::repeat_n((), many));
                let all = all.throttle(pause).map(move |()| Ok(said(number)));
                Ok(Response::new(Box::pin(all)))
            }

            async fn follow_learned(
                &self,
                _: Request<FollowLearnedRequest>,
            ) -> Answer<Self::FollowLearnedStream> {
                self.learned.fetch_add(1, Ordering::SeqCst);
                Err(Status::unimplemented("what is that"))
            }

            async fn follow_behavior_profiles(
                &self,
                _: Request<FollowBehaviorProfilesRequest>,
            ) -> Answer<Self::FollowBehaviorProfilesStream> {
                Err(Status::unimplemented("what is that"))
            }

            async fn get_status(&self, _: Request<GetStatusRequest>) -> Answer<GetStatusResponse> {
                Ok(Response::new(GetStatusResponse::default()))
            }

            $(async fn $call(&self, _: Request<$request>) -> Answer<$answer> {
                Err(Status::unimplemented("nobody asks for this here"))
            })*
        }
    };
}

stubborn! {
    ack AckRequest AckResponse
    forget_consumer ForgetConsumerRequest ForgetConsumerResponse
    list_containers ListContainersRequest ListContainersResponse
    list_profiles ListProfilesRequest ListProfilesResponse
    get_profile GetProfileRequest GetProfileResponse
    promote_profile PromoteProfileRequest PromoteProfileResponse
    demote_profile DemoteProfileRequest DemoteProfileResponse
    decide_entries DecideEntriesRequest DecideEntriesResponse
    replay_profile ReplayProfileRequest ReplayProfileResponse
    import_profile ImportProfileRequest ImportProfileResponse
    get_inventory GetInventoryRequest GetInventoryResponse
    test_sink TestSinkRequest TestSinkResponse
}
