//! The API over a real Unix socket, as clients of other languages meet it: health, reflection,
//! the stream, and errors with their codes.

use lapwing_agent::api::control::{Control, Request};
use lapwing_agent::api::server::serve;
use lapwing_agent::api::socket::Socket;
use lapwing_agent::config::StartMode;
use lapwing_agent::feed::{Feed, Limits};
use lapwing_agent::judge::Judge;
use lapwing_agent::judge::store::Store;
use lapwing_proto::timestamp;
use lapwing_proto::v1::agent_client::AgentClient;
use lapwing_proto::v1::{
    Decider, GetProfileRequest, Heartbeat, PromoteProfileRequest, WatchRequest,
    watch_request::Since, watch_response::Item,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_request::MessageRequest,
    server_reflection_response::MessageResponse,
};

/// Longer than anything here takes, so that a stream that hangs fails the test.
const PATIENCE: Duration = Duration::from_secs(30);

/// A served API, with a judge that knows nothing behind it.
struct Served {
    folder: tempfile::TempDir,
    feed: Arc<Feed>,
    channel: Channel,
    end: oneshot::Sender<()>,
    server: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Served {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let socket = Socket::bind(&path).unwrap();
        let limits = Limits {
            items: 100,
            bytes: 1 << 20,
        };
        let feed = Arc::new(Feed::new(limits, 1));
        let (control, requests) = Control::new(Arc::new(|| ()));
        let store = Store::open(&folder.path().join("state")).unwrap();
        let mut judge = Judge::open(store, "c1", "n1", StartMode::Learn, Arc::new(|| ())).unwrap();
        // Ends with the last client of the control.
        std::thread::spawn(move || {
            for request in requests {
                match request {
                    Request::Profile(request, reply) => {
                        let answer = judge.profile(&request.name);
                        drop(reply.send(answer.map(|_| panic!("there is no profile"))));
                    }
                    Request::Promote(request, reply) => {
                        let by = lapwing_profile::decide::By {
                            actor: "a",
                            reason: "r",
                            at: 0,
                        };
                        judge.promote(&request.name, by, |answer| {
                            drop(reply.send(answer.map(|_| panic!("there is no profile"))));
                        });
                    }
                    _ => {}
                }
            }
        });
        let (end, ends) = oneshot::channel();
        let server = tokio::spawn(serve(socket, Arc::clone(&feed), control, async {
            // The test may end without a word.
            let _ = ends.await;
        }));
        let channel = Endpoint::from_shared(format!("unix://{}", path.display()))
            .unwrap()
            .connect()
            .await
            .unwrap();
        Self {
            folder,
            feed,
            channel,
            end,
            server,
        }
    }
}

fn beat(number: i64) -> Item {
    Item::Heartbeat(Heartbeat {
        time: Some(timestamp(number)),
        ..Heartbeat::default()
    })
}

#[tokio::test]
async fn health_says_that_the_agent_serves() {
    let served = Served::start().await;
    let mut client = HealthClient::new(served.channel);
    for (service, expected) in [
        ("lapwing.v1.Agent", Ok(ServingStatus::Serving)),
        ("", Ok(ServingStatus::Serving)),
        ("lapwing.v9.Agent", Err(Code::NotFound)),
    ] {
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let answer = client.check(request).await;
        let found = answer
            .map(|answer| answer.into_inner().status())
            .map_err(|status| status.code());
        assert_eq!(found, expected, "{service}");
    }
}

#[tokio::test]
async fn reflection_describes_the_service() {
    let served = Served::start().await;
    let mut client = ServerReflectionClient::new(served.channel);
    let ask = |request| ServerReflectionRequest {
        host: String::new(),
        message_request: Some(request),
    };
    let requests = tokio_stream::iter([
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol(
            "lapwing.v1.Violation".to_owned(),
        )),
    ]);
    let mut answers = client
        .server_reflection_info(requests)
        .await
        .unwrap()
        .into_inner();
    let mut next = async || answers.message().await.unwrap().unwrap().message_response;
    let Some(MessageResponse::ListServicesResponse(list)) = next().await else {
        panic!("no list of services")
    };
    let names: Vec<_> = list.service.iter().map(|one| one.name.as_str()).collect();
    assert!(names.contains(&"lapwing.v1.Agent"), "{names:?}");
    let Some(MessageResponse::FileDescriptorResponse(files)) = next().await else {
        panic!("no description")
    };
    assert!(!files.file_descriptor_proto.is_empty());
}

#[tokio::test]
async fn a_watch_streams_what_is_there_and_what_comes_and_ends_with_the_agent() {
    let served = Served::start().await;
    served.feed.publish(100, beat(1));
    let mut client = AgentClient::new(served.channel);
    let request = WatchRequest {
        since: Some(Since::Cursor("1-0-1".to_owned())),
        ..WatchRequest::default()
    };
    let mut stream = client.watch(request).await.unwrap().into_inner();
    let first = stream.message().await.unwrap().unwrap();
    assert_eq!(first.item, Some(beat(1)));
    assert!(!first.cursor.is_empty());
    served.feed.publish(200, beat(2));
    assert_eq!(stream.message().await.unwrap().unwrap().item, Some(beat(2)));

    served.feed.publish(300, beat(3));
    served.end.send(()).unwrap();
    let rest = async {
        let mut items = Vec::new();
        while let Ok(Some(response)) = stream.message().await {
            items.push(response.item);
        }
        items
    };
    let rest = tokio::time::timeout(PATIENCE, rest).await.unwrap();
    assert_eq!(rest, [Some(beat(3))], "what was left comes before the end");
    drop(client);
    let ended = tokio::time::timeout(PATIENCE, served.server).await;
    ended.unwrap().unwrap().unwrap();
    assert!(!served.folder.path().join("a.sock").exists());
}

#[tokio::test]
async fn errors_have_their_codes() {
    let served = Served::start().await;
    let mut client = AgentClient::new(served.channel);
    let name = "/Image/nobody/".to_owned();
    let unknown = client
        .get_profile(GetProfileRequest { name: name.clone() })
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    assert!(unknown.message().contains("/Image/nobody/"), "{unknown}");
    let promote = |actor: String| PromoteProfileRequest {
        name: name.clone(),
        decider: Some(Decider {
            actor,
            reason: String::new(),
        }),
    };
    for (actor, code) in [
        ("ann".to_owned(), Code::NotFound),
        (" ".to_owned(), Code::InvalidArgument),
        ("a".repeat(1000), Code::InvalidArgument),
    ] {
        let error = client.promote_profile(promote(actor)).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    let request = WatchRequest {
        since: Some(Since::Cursor("nonsense".to_owned())),
        ..WatchRequest::default()
    };
    let error = client.watch(request).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
}
