//! Consumers of clients over TCP: whose they are, and who may forget them.

use super::served::{Served, client};
use super::{CLIENTS, OPERATOR, PATIENCE, READER, SHOP, decider, denied, violation};
use lapwing_proto::v1::{AckRequest, ForgetConsumerRequest, GetStatusRequest, WatchRequest};
use std::path::Path;
use tonic::Code;

#[tokio::test]
async fn names_of_consumers_are_kept_apart_by_identity() {
    let served = Served::start(CLIENTS);
    let named = || WatchRequest {
        consumer: "siem".to_owned(),
        ..WatchRequest::default()
    };
    let (mut reader, mut shop) = (served.client(READER).await, served.client(SHOP).await);
    for client in [&mut reader, &mut shop] {
        drop(client.watch(named()).await.unwrap());
    }
    served.feed.publish(1, violation(1, "shop"));
    let here = served.feed.here();
    let request = AckRequest {
        consumer: "siem".to_owned(),
        cursor: here.clone(),
    };
    reader.ack(request.clone()).await.unwrap();
    let mut stream = shop.watch(named()).await.unwrap().into_inner();
    let next = tokio::time::timeout(PATIENCE, stream.message()).await;
    assert_eq!(
        next.unwrap().unwrap().unwrap().item,
        Some(violation(1, "shop")),
        "another's acknowledgement moves nothing"
    );
    let keys = served.feed.consumers().unwrap().names();
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert!(keys.iter().all(|key| key.starts_with("siem@")), "{keys:?}");
    // Its own is all that a client of some namespaces is told of, by the name that it gave.
    let status = shop.get_status(GetStatusRequest {}).await.unwrap();
    let consumers = status.into_inner().feed.unwrap().consumers;
    assert_eq!(consumers.len(), 1);
    assert_eq!(consumers[0].name, "siem");
    // Neither may a client take all the names there are.
    let mut refused = None;
    for number in 0..40 {
        let request = AckRequest {
            consumer: format!("c{number}"),
            ..request.clone()
        };
        if let Err(status) = shop.ack(request).await {
            refused.get_or_insert((number, status.code()));
        }
    }
    assert_eq!(refused, Some((31, Code::ResourceExhausted)));
}

#[tokio::test]
async fn a_consumer_is_forgotten_by_who_may_decide() {
    let served = Served::start(CLIENTS);
    let (mut reader, mut shop) = (served.client(READER).await, served.client(SHOP).await);
    for client in [&mut reader, &mut shop] {
        let request = WatchRequest {
            consumer: "siem".to_owned(),
            ..WatchRequest::default()
        };
        drop(client.watch(request).await.unwrap());
    }
    let forget = |name: &str| ForgetConsumerRequest {
        name: name.to_owned(),
        decider: decider(),
    };
    let error = reader.forget_consumer(forget("siem")).await.unwrap_err();
    denied(&error, &[READER, "ForgetConsumer", "`operate`"]);
    let error = shop.forget_consumer(ForgetConsumerRequest::default()).await;
    assert_eq!(error.unwrap_err().code(), Code::InvalidArgument);
    // Its own, by the name that it gave.
    let was = shop.forget_consumer(forget("siem")).await.unwrap();
    let was = was.into_inner().consumer.unwrap();
    assert_eq!((was.name.as_str(), was.behind), ("siem", 0));
    assert!(was.stored_time.is_some() && !was.cursor.is_empty());
    let error = shop.forget_consumer(forget("siem")).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert_eq!(
        error.message(),
        "there is no consumer `siem`: there is none"
    );

    served.feed.publish(1, violation(1, "pay"));
    let operator = client(&served.authority, OPERATOR);
    let ca = served.authority.ca();
    let files: [&Path; 3] = [&ca, &operator.0, &operator.1];
    let left = served.feed.consumers().unwrap().names();
    assert_eq!(left.len(), 1, "{left:?}");
    for (line, code, words) in [
        ("feed consumers", 0, &["CONSUMER", "LAST ACK", &left[0]][..]),
        (
            "feed consumers -o json",
            0,
            &[&left[0], "storedTime", "\"behind\":\"1\""],
        ),
        (
            "feed forget nobody --reason gone",
            1,
            &["there is no consumer `nobody`", &left[0]],
        ),
        (
            &format!("feed forget {} --reason gone", left[0]),
            0,
            &[&left[0], "is forgotten; it was 1 behind, at "],
        ),
        ("feed consumers", 0, &["nobody follows by name"]),
    ] {
        let line: Vec<_> = line.split(' ').collect();
        let (found, said) = served.run("https", &files, &line).await;
        assert_eq!(found, code, "{line:?}: {said}");
        for word in words {
            assert!(said.contains(word), "{line:?}: {said}");
        }
    }
    assert!(served.feed.consumers().unwrap().names().is_empty());
}
