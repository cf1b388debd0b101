//! The API over a real Unix socket, as clients of other languages meet it: health, reflection,
//! the stream, and errors with their codes.

use lapwing_agent::api::control::{Control, Request};
use lapwing_agent::api::server::serve;
use lapwing_agent::api::socket::Socket;
use lapwing_agent::config::StartMode;
use lapwing_agent::feed::spool::Caps;
use lapwing_agent::feed::{Feed, Limits, Settings, Sync};
use lapwing_agent::judge::Judge;
use lapwing_agent::judge::store::Store;
use lapwing_agent::sink::Sinks;
use lapwing_profile::decide::By;
use lapwing_profile::entry::Entry;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::workload::Workload;
use lapwing_proto::timestamp;
use lapwing_proto::v1::agent_client::AgentClient;
use lapwing_proto::v1::{
    AckRequest, Decider, GetProfileRequest, GetStatusRequest, GetStatusResponse, Heartbeat,
    PromoteProfileRequest, ReplayProfileRequest, Violation, WatchRequest, WatchResponse,
    watch_request::Since, watch_response::Item,
};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
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

const BY: By<'_> = By {
    actor: "a",
    reason: "r",
    at: 0,
};

/// A served API, with a judge that knows nothing behind it.
struct Served {
    folder: tempfile::TempDir,
    feed: Arc<Feed>,
    channel: Channel,
    end: oneshot::Sender<()>,
    server: tokio::task::JoinHandle<anyhow::Result<()>>,
    /// Each lets the pipeline answer one request for a snapshot.
    snapshots: std::sync::mpsc::Sender<()>,
    /// Says that there is one.
    asked: std::sync::mpsc::Receiver<()>,
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
        let settings = Settings {
            folder: folder.path().join("feed"),
            caps: Caps {
                bytes: 1 << 20,
                segment: 1 << 16,
                age: i64::MAX,
            },
            sync: Sync::Interval(Duration::from_millis(20)),
        };
        let feed = Arc::new(Feed::open(limits, 1, &settings).unwrap());
        let (control, requests) = Control::new(Arc::new(|| ()));
        let store = Store::open(&folder.path().join("state")).unwrap();
        let mut judge = Judge::open(store, "c1", "n1", StartMode::Learn, Arc::new(|| ())).unwrap();
        let (imported, is_imported) = std::sync::mpsc::channel();
        judge.import(&web(), "", BY, move |answer| imported.send(answer).unwrap());
        while is_imported.try_recv().is_err() {
            judge.go_on();
        }
        let (snapshots, allowed) = std::sync::mpsc::channel();
        let (asks, asked) = std::sync::mpsc::channel();
        // Ends with the last client of the control.
        std::thread::spawn(move || {
            let mut waiting = VecDeque::new();
            for request in requests {
                match request {
                    Request::Status(reply) => {
                        drop(reply.send(GetStatusResponse::default()));
                    }
                    Request::Snapshot(name, reply) => {
                        waiting.push_back((name, reply));
                        // The test may have ended.
                        let _ = asks.send(());
                    }
                    Request::Profile(request, reply) => {
                        let answer = judge.profile(&request.name);
                        drop(reply.send(answer.map(|_| panic!("there is no profile"))));
                    }
                    Request::Promote(request, reply) => {
                        judge.promote(&request.name, BY, |answer| {
                            drop(reply.send(answer.map(|_| panic!("there is no profile"))));
                        });
                    }
                    _ => {}
                }
                while !waiting.is_empty() && allowed.try_recv().is_ok() {
                    if let Some((name, reply)) = waiting.pop_front() {
                        let snapshot = judge.snapshot(&name, std::iter::empty());
                        drop(reply.send(snapshot.map(Box::new)));
                    }
                }
            }
        });
        let (end, ends) = oneshot::channel();
        let sinks = Sinks::none(&folder.path().join("state"), Arc::clone(&feed)).unwrap();
        let sinks = Arc::new(sinks);
        let server = tokio::spawn(serve(
            socket,
            None,
            Arc::clone(&feed),
            control,
            sinks,
            async {
                // The test may end without a word.
                let _ = ends.await;
            },
        ));
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
            snapshots,
            asked,
        }
    }
}

/// A profile that knows nothing.
fn web() -> String {
    let workload = Workload {
        kind: "Image".to_owned(),
        name: "web".to_owned(),
        ..Workload::default()
    };
    Profile::new(workload, Mode::Learning).to_yaml()
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

fn violation(rule: &str) -> Item {
    Item::Violation(Violation {
        rule: rule.to_owned(),
        ..Violation::default()
    })
}

/// What is given to who asks so, as far as `count` items.
async fn given(
    client: &mut AgentClient<Channel>,
    request: WatchRequest,
    count: usize,
) -> Vec<WatchResponse> {
    let mut stream = client.watch(request).await.unwrap().into_inner();
    let mut items = Vec::new();
    while items.len() < count {
        let next = tokio::time::timeout(PATIENCE, stream.message()).await;
        items.push(next.unwrap().unwrap().unwrap());
    }
    items
}

fn rules(items: &[WatchResponse]) -> Vec<&str> {
    let rule = |one| match one {
        &Some(Item::Violation(Violation { ref rule, .. })) => rule.as_str(),
        Some(Item::Heartbeat(_)) => "beat",
        other => panic!("{other:?}"),
    };
    items.iter().map(|one| rule(&one.item)).collect()
}

#[tokio::test]
async fn a_named_consumer_goes_on_where_it_acknowledged() {
    let served = Served::start().await;
    let mut client = AgentClient::new(served.channel.clone());
    let named = || WatchRequest {
        consumer: "siem".to_owned(),
        ..WatchRequest::default()
    };
    served.feed.publish(50, violation("exec.drift"));
    // What is not written yet comes later than now.
    let until = Instant::now() + PATIENCE;
    while served.feed.behind(&served.feed.here()) != Some(0) {
        assert!(Instant::now() < until, "it is not written");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // It begins now; what comes before its first acknowledgement waits for it.
    drop(client.watch(named()).await.unwrap());
    for rule in ["exec.unknown", "file.unknown", "exec.drift"] {
        served.feed.publish(100, violation(rule));
    }
    let first = given(&mut client, named(), 3).await;
    assert_eq!(
        rules(&first),
        ["exec.unknown", "file.unknown", "exec.drift"]
    );
    let ack = |cursor: &str| AckRequest {
        consumer: "siem".to_owned(),
        cursor: cursor.to_owned(),
    };
    let answer = client
        .ack(ack(&first[1].cursor))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.cursor, first[1].cursor);
    // One that comes late changes nothing.
    let answer = client
        .ack(ack(&first[0].cursor))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.cursor, first[1].cursor);
    assert_eq!(rules(&given(&mut client, named(), 1).await), ["exec.drift"]);
    let consumers = served.feed.consumers().unwrap();
    assert_eq!(consumers.get("siem").as_deref(), Some(&*first[1].cursor));
    for (consumer, cursor) in [
        ("SIEM", &*first[0].cursor),
        ("siem", "nonsense"),
        ("siem", "1-99-1"),
    ] {
        let request = AckRequest {
            consumer: consumer.to_owned(),
            cursor: cursor.to_owned(),
        };
        let error = client.ack(request).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
    }
    let request = WatchRequest {
        consumer: "a b".to_owned(),
        ..WatchRequest::default()
    };
    let error = client.watch(request).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    // Forgotten, it is new.
    client.ack(ack("")).await.unwrap();
    assert_eq!(consumers.names(), [""; 0]);
}

#[tokio::test]
async fn what_is_passed_over_is_in_the_cursor_of_the_heartbeat() {
    let served = Served::start().await;
    let mut client = AgentClient::new(served.channel.clone());
    let begin = served.feed.here();
    for number in 1..=50 {
        served.feed.publish(number, violation("file.unknown"));
    }
    served.feed.publish(60, beat(1));
    served.feed.publish(70, violation("exec.unknown"));
    let only = |since: &str| WatchRequest {
        since: Some(Since::Cursor(since.to_owned())),
        rules: vec!["exec.*".to_owned()],
        ..WatchRequest::default()
    };
    let got = given(&mut client, only(&begin), 2).await;
    assert_eq!(rules(&got), ["beat", "exec.unknown"]);
    assert_eq!(served.feed.behind(&got[0].cursor), Some(1));
    let got = given(&mut client, only(&got[0].cursor), 1).await;
    assert_eq!(rules(&got), ["exec.unknown"]);
    let wrong = WatchRequest {
        rules: vec!["exce.*".to_owned()],
        ..WatchRequest::default()
    };
    let error = client.watch(wrong).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.message().contains("exec.unknown"), "{error}");
}

/// More than the channels and the memory hold waits on disk for who does not read.
#[tokio::test(flavor = "multi_thread")]
async fn many_slow_readers_get_everything_from_the_disk() {
    let served = Served::start().await;
    let mut client = AgentClient::new(served.channel.clone());
    let mut streams = Vec::new();
    for _ in 0..100 {
        let request = WatchRequest::default();
        streams.push(client.watch(request).await.unwrap().into_inner());
    }
    let feed = Arc::clone(&served.feed);
    let publish = move || {
        for number in 1..=2_000 {
            let item = Item::Violation(Violation {
                count: number,
                ..Violation::default()
            });
            feed.publish(1, item);
        }
    };
    tokio::task::spawn_blocking(publish).await.unwrap();
    for stream in &mut streams {
        for number in 1..=2_000 {
            let next = tokio::time::timeout(PATIENCE, stream.message()).await;
            match next.unwrap().unwrap().unwrap().item {
                Some(Item::Violation(violation)) => assert_eq!(violation.count, number),
                other => panic!("{other:?} in place of {number}"),
            }
        }
    }
}

#[tokio::test]
async fn a_replay_holds_up_nobody_and_another_is_told_to_wait() {
    let served = Served::start().await;
    let mut client = AgentClient::new(served.channel);
    let mut candidate = Profile::from_yaml(web()).unwrap();
    for number in 0..500 {
        let line = format!("exec: {{path: /bin/{number}}}");
        candidate
            .approve(&Entry::parse(&line).unwrap(), BY)
            .unwrap();
    }
    let request = ReplayProfileRequest {
        yaml: candidate.to_yaml(),
        ..ReplayProfileRequest::default()
    };
    let mut first = tokio::spawn({
        let (mut client, request) = (client.clone(), request.clone());
        async move { client.replay_profile(request).await }
    });
    let asked = served.asked;
    let is_asked = tokio::task::spawn_blocking(move || asked.recv_timeout(PATIENCE));
    is_asked.await.unwrap().unwrap();
    let refused = client.replay_profile(request.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
    assert!(refused.message().contains("try again"), "{refused}");
    // Meanwhile others are answered.
    for _ in 0..20 {
        client.get_status(GetStatusRequest {}).await.unwrap();
    }
    let early = tokio::time::timeout(Duration::from_millis(50), &mut first).await;
    assert!(early.is_err(), "it waits for what the pipeline knows");
    served.snapshots.send(()).unwrap();
    let answer = loop {
        // The next request lets the pipeline see that it may answer.
        client.get_status(GetStatusRequest {}).await.unwrap();
        if first.is_finished() {
            break (&mut first).await.unwrap().unwrap().into_inner();
        }
    };
    assert_eq!((answer.name.as_str(), answer.seen), ("/Image/web/", 0));
    // And then there is room for another.
    served.snapshots.send(()).unwrap();
    let again = tokio::spawn({
        let mut client = client.clone();
        async move { client.replay_profile(request).await }
    });
    while !again.is_finished() {
        client.get_status(GetStatusRequest {}).await.unwrap();
    }
    assert_eq!(again.await.unwrap().unwrap().into_inner(), answer);
}
