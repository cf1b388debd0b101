//! Deliveries by the OpenTelemetry protocol, to a collector that answers as it is told.

mod collector;
mod receiver;
mod running;

use collector::{Collector, reply};
use lapwing_agent::feed::Start;
use lapwing_proto::opentelemetry::proto::collector::logs::v1::ExportLogsServiceRequest;
use lapwing_proto::opentelemetry::proto::common::v1::{KeyValue, any_value::Value};
use lapwing_proto::v1::get_status_response::sink::State;
use lapwing_proto::v1::watch_response::Item;
use prost::Message;
use receiver::{Authority, Receiver, Reply, until};
use running::{Running, folder};
use std::time::Duration;
use tonic::Code;

/// The settings of all sinks here: impatient, but where a stall of this machine would pass for the receiver's.
const FAST: &str =
    "batch: {items: 4, wait: 5ms}, retry: {first: 5ms, longest: 40ms, blocked: 20ms}, timeout: 3s";
/// `ExportLogsServiceResponse` with two rejected records: `too old`.
const PARTIAL: &str = "\x0a\x0b\x08\x02\x12\x07too old";
/// `google.rpc.Status`, code 14: `not now`.
const STATUS: &str = "\x08\x0e\x12\x07not now";

fn text<'a>(attributes: &'a [KeyValue], key: &str) -> &'a str {
    let found = attributes.iter().find(|one| one.key == key);
    match found.and_then(|one| one.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(text)) => text,
        other => panic!("{key} is {other:?}"),
    }
}

/// The names of violations in requests, in order; all else is as it must be.
fn ids(requests: &[ExportLogsServiceRequest]) -> Vec<String> {
    let mut ids = Vec::new();
    for logs in requests.iter().flat_map(|request| &request.resource_logs) {
        let resource = &logs.resource.as_ref().unwrap().attributes;
        assert_eq!(text(resource, "service.name"), "lapwing");
        assert_eq!(text(resource, "host.name"), "n1");
        assert_eq!(text(resource, "k8s.cluster.name"), "c");
        for record in logs.scope_logs.iter().flat_map(|scope| &scope.log_records) {
            let body = record.body.as_ref().and_then(|body| body.value.as_ref());
            let Some(Value::StringValue(body)) = body else {
                panic!("no body: {record:?}");
            };
            if record.event_name != "lapwing.violation" {
                continue;
            }
            let id = text(&record.attributes, "lapwing.id");
            let uid = text(&record.attributes, "log.record.uid");
            assert_eq!(uid, format!("{id}:1"));
            let event: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(event["metadata"]["uid"], uid);
            assert_eq!(record.time_unix_nano, 1_700_000_000_123_456_789);
            ids.push(id.to_owned());
        }
    }
    ids
}

fn names(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|id| format!("v{id}")).collect()
}

/// What a receiver of HTTP got.
fn requests(receiver: &Receiver) -> Vec<ExportLogsServiceRequest> {
    receiver.seen(|seen| {
        let decode = |it: &receiver::Seen| ExportLogsServiceRequest::decode(&*it.bytes).unwrap();
        seen.iter().map(decode).collect()
    })
}

#[tokio::test]
async fn over_http_what_may_pass_is_tried_again() {
    let folder = folder();
    for (name, secret) in [("token", "t0ken\n"), ("key", "k3y\n")] {
        std::fs::write(folder.path().join(name), secret).unwrap();
    }
    let replies = vec![
        Reply::Later(429, "1"),
        Reply::Answer(502, "a proxy"),
        Reply::Answer(503, STATUS),
        Reply::Answer(504, ""),
        Reply::Half,
    ];
    let receiver = Receiver::start(replies, "", None).await;
    let (address, at) = (receiver.address, folder.path().display());
    let yaml = format!(
        "sinks: {{s: {{otlp: {{url: 'http://{address}', token: {{file: {at}/token}}, \
         secretHeaders: {{X-Key: {{file: {at}/key}}}}, headers: {{X-Team: red}}}}, {FAST}}}}}"
    );
    let running = Running::start(&yaml, None, folder).await;
    running.violate(0..10);
    until("all arrive", || running.status().delivered == 10).await;
    let all = requests(&receiver);
    // Five times in vain, and nothing before it was taken.
    assert!(all[1..6].iter().all(|request| *request == all[0]));
    assert_eq!(ids(&all[5..]), names(0..10));
    receiver.seen(|seen| {
        for one in seen {
            assert_eq!(one.path, "/v1/logs");
            for (name, value) in [
                ("content-type", "application/x-protobuf"),
                ("authorization", "Bearer t0ken"),
                ("x-key", "k3y"),
                ("x-team", "red"),
            ] {
                assert_eq!(one.headers[name], value);
            }
        }
        let waited = seen[1].at - seen[0].at;
        assert!(waited >= Duration::from_secs(1), "{waited:?}");
    });
    let status = running.status();
    assert_eq!(
        (status.transport.as_str(), status.encoding.as_str()),
        ("otlp", "ocsf")
    );
    // Where it goes, and nothing of it that may be a secret.
    assert_eq!(status.target, format!("http://{address}"));
    assert_eq!((status.retried, status.refused.len()), (20, 0));
    running.drain().await;
}

#[tokio::test]
async fn over_http_rejected_records_are_counted_told_and_not_sent_again() {
    let replies = vec![Reply::Answer(200, PARTIAL)];
    let receiver = Receiver::start(replies, "", None).await;
    let address = receiver.address;
    let yaml = format!(
        "sinks: {{s: {{otlp: {{url: 'http://{address}/otel', body: text}}, \
         kinds: [violation], {FAST}}}}}"
    );
    let running = Running::start(&yaml, None, folder()).await;
    let mut follower = (running.feed).subscribe(&Start::Since(0)).unwrap();
    running.violate(0..4);
    until("it is counted", || !running.status().refused.is_empty()).await;
    let status = running.status();
    assert_eq!((status.delivered, status.refused[0].count), (2, 2));
    assert_eq!(status.refused[0].reason, "refused");
    assert_eq!(
        status.last_error,
        "refused: the collector rejected 2 of 4 records: too old"
    );
    let gap = loop {
        if let Some(Item::Gap(gap)) = follower.next().await.item
            && gap.reason != "log-too-short"
        {
            break gap;
        }
    };
    assert_eq!((gap.reason.as_str(), gap.count), ("sink-refused", 2));
    assert_eq!(gap.scope, "sink:s");
    running.violate(4..5);
    until("the next arrives", || running.status().delivered == 3).await;
    receiver.seen(|seen| {
        assert_eq!(seen.len(), 2, "something was sent again");
        assert_eq!(seen[0].path, "/otel");
    });
    running.drain().await;
}

#[tokio::test]
async fn over_http_what_is_no_collector_is_not_believed() {
    let replies = vec![
        Reply::Answer(200, "<html>welcome</html>"),
        Reply::Answer(401, STATUS),
    ];
    let receiver = Receiver::start(replies, "", None).await;
    let address = receiver.address;
    let yaml = format!("sinks: {{s: {{otlp: {{url: 'http://{address}'}}, {FAST}}}}}");
    let running = Running::start(&yaml, None, folder()).await;
    let answer = running.sinks.test("s").await.unwrap();
    assert!(!answer.delivered && answer.answer.contains("no answer of OTLP"));
    assert!(answer.remedy.contains("is it a collector?"), "{answer:?}");
    let answer = running.sinks.test("s").await.unwrap();
    assert_eq!(answer.answer, "the collector answered 401: not now");
    let answer = running.sinks.test("s").await.unwrap();
    assert!(answer.delivered, "{answer:?}");
    running.drain().await;
}

#[tokio::test]
async fn over_grpc_what_may_pass_is_tried_again() {
    let replies = vec![
        reply(Code::Unavailable, "not now"),
        reply(Code::ResourceExhausted, "quota").after(Duration::from_millis(700)),
        reply(Code::ResourceExhausted, "quota"),
    ];
    let folder = folder();
    std::fs::write(folder.path().join("token"), "t0ken").unwrap();
    let collector = Collector::start(replies, None).await;
    let (address, at) = (collector.address, folder.path().display());
    let yaml = format!(
        "sinks: {{s: {{otlp: {{url: 'http://{address}', over: grpc, headers: {{X-Team: red}}, \
         token: {{file: {at}/token}}}}, {FAST}}}}}"
    );
    let running = Running::start(&yaml, None, folder).await;
    running.violate(0..10);
    until("all arrive", || running.status().delivered == 10).await;
    let seen = collector.seen();
    let all: Vec<_> = seen.iter().map(|it| it.request.clone()).collect();
    assert!(all[1..4].iter().all(|request| *request == all[0]));
    assert_eq!(ids(&all[3..]), names(0..10));
    for one in &seen {
        assert_eq!(one.metadata.get("authorization").unwrap(), "Bearer t0ken");
        assert_eq!(one.metadata.get("x-team").unwrap(), "red");
        assert!(
            one.metadata
                .get("user-agent")
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("lapwing/")
        );
    }
    let waited = seen[2].at - seen[1].at;
    assert!(waited >= Duration::from_millis(700), "{waited:?}");
    assert_eq!(collector.connections(), 1);
    let status = running.status();
    assert_eq!((status.retried, status.refused.len()), (12, 0));
    running.drain().await;
}

#[tokio::test]
async fn over_grpc_refusals_are_given_up_one_by_one_and_blocks_are_not() {
    let refuse = || reply(Code::InvalidArgument, "bad");
    let replies = vec![
        reply(Code::Unauthenticated, "who?"),
        // Four, then two of them, then the one.
        refuse(),
        refuse(),
        refuse(),
    ];
    let collector = Collector::start(replies, None).await;
    let address = collector.address;
    let yaml = format!(
        "sinks: {{s: {{otlp: {{url: 'http://{address}', over: grpc}}, kinds: [violation], {FAST}}}}}"
    );
    let running = Running::start(&yaml, None, folder()).await;
    running.violate(0..4);
    until("it is blocked", || {
        running.status().retried > 0 || running.status().delivered > 0
    })
    .await;
    until("the rest arrives", || running.status().delivered == 3).await;
    let status = running.status();
    assert_eq!((status.retried, status.refused[0].count), (4, 1));
    assert!(
        status.last_error.ends_with("InvalidArgument: bad"),
        "{}",
        status.last_error
    );
    let all: Vec<_> = collector
        .seen()
        .iter()
        .map(|it| it.request.clone())
        .collect();
    assert_eq!(ids(&all[4..]), names(1..4));
    running.drain().await;
}

/// The collector closes each connection with its answer: what was under way is not lost, and it is no
/// failure.
#[tokio::test]
async fn over_grpc_a_connection_that_was_closed_is_made_anew() {
    let collector = Collector::start_short(vec![]).await;
    let address = collector.address;
    let yaml = format!("sinks: {{s: {{otlp: {{url: 'http://{address}', over: grpc}}, {FAST}}}}}");
    let running = Running::start(&yaml, None, folder()).await;
    for id in 0..3 {
        running.violate(id..id + 1);
        until("it arrives", || {
            running.status().delivered == u64::from(id) + 1
        })
        .await;
        until("the connection has ended", || collector.open() == 0).await;
    }
    let all: Vec<_> = collector
        .seen()
        .iter()
        .map(|it| it.request.clone())
        .collect();
    assert_eq!(ids(&all), names(0..3));
    assert_eq!((running.status().retried, collector.connections()), (0, 3));
    running.drain().await;
}

#[tokio::test]
async fn over_grpc_tls_is_that_of_all_sinks() {
    let folder = folder();
    let (ours, others) = (
        Authority::new(folder.path(), "ours"),
        Authority::new(folder.path(), "others"),
    );
    let mut server = ours.server(&["otel.test"], Some(&ours));
    server.alpn_protocols = vec![b"h2".to_vec()];
    let collector = Collector::start(vec![], Some(server)).await;
    let address = collector.address;
    let (certificate, key) = ours.issue("client", &["agent.test"]);
    let client = format!(
        ", certificate: {}, key: {}",
        certificate.display(),
        key.display()
    );
    let yaml = |ca: &Authority, client: &str| {
        format!(
            "sinks: {{s: {{otlp: {{url: 'https://{address}', over: grpc, \
             tls: {{ca: {}, serverName: otel.test{client}}}}}, {FAST}}}}}",
            ca.ca().display()
        )
    };
    for (yaml, words) in [
        (
            yaml(&others, &client),
            ["UnknownIssuer", "others-ca.pem vouches"],
        ),
        (
            yaml(&ours, ""),
            ["CertificateRequired", "wants a certificate"],
        ),
    ] {
        let running = Running::start(&yaml, None, tempfile::tempdir().unwrap()).await;
        let answer = running.sinks.test("s").await.unwrap();
        assert!(answer.answer.contains(words[0]), "{answer:?}");
        assert!(answer.remedy.contains(words[1]), "{answer:?}");
        running.violate(0..1);
        until("it is blocked", || {
            running.status().state() == State::Blocked
        })
        .await;
        running.kill().await;
        assert_eq!(collector.seen().len(), 0);
    }
    let running = Running::start(&yaml(&ours, &client), None, folder).await;
    running.violate(0..1);
    until("it arrives", || running.status().delivered == 1).await;
    assert_eq!(collector.protocol(), Some(b"h2".to_vec()));
    running.drain().await;
}

/// The port of HTTP, a port where nobody is, and one where nobody answers.
#[tokio::test]
async fn over_grpc_what_is_no_collector_is_told() {
    let receiver = Receiver::start(vec![], "", None).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let unimplemented = Collector::start(vec![reply(Code::Unimplemented, "no logs")], None).await;
    for (address, words) in [
        (receiver.address.to_string(), "without a whole answer"),
        ("127.0.0.1:1".to_owned(), "cannot reach 127.0.0.1:1"),
        (
            silent.local_addr().unwrap().to_string(),
            "no answer of http://127.0.0.1",
        ),
        (
            unimplemented.address.to_string(),
            "answered Unimplemented: no logs",
        ),
    ] {
        let yaml =
            format!("sinks: {{s: {{otlp: {{url: 'http://{address}', over: grpc}}, {FAST}}}}}");
        let running = Running::start(&yaml, None, folder()).await;
        let answer = running.sinks.test("s").await.unwrap();
        assert!(
            !answer.delivered && answer.answer.contains(words),
            "{answer:?}"
        );
        assert!(!answer.remedy.is_empty(), "{answer:?}");
        running.kill().await;
    }
}
