//! Deliveries over HTTP, to a receiver that fails in every way it can.

mod receiver;
mod running;

use lapwing_agent::feed::Feed;
use lapwing_proto::v1::WatchResponse;
use lapwing_proto::v1::get_status_response::sink::State;
use lapwing_proto::v1::watch_response::Item;
use receiver::{Authority, Receiver, Reply, until};
use running::{Running, folder};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const HEC: &str = r#"{"text":"Success","code":0}"#;

/// The settings of all sinks here: impatient, but where a stall of this machine would pass for the receiver's.
const FAST: &str =
    "batch: {items: 4, wait: 5ms}, retry: {first: 5ms, longest: 40ms, blocked: 20ms}, timeout: 3s";

fn webhook(receiver: &Receiver) -> String {
    let address = receiver.address;
    format!("sinks: {{s: {{webhook: {{url: 'http://{address}/in'}}, {FAST}}}}}")
}

fn hec(receiver: &Receiver, folder: &tempfile::TempDir) -> String {
    let token = folder.path().join("token");
    std::fs::write(&token, "t0ken\n").unwrap();
    let (address, token) = (receiver.address, token.display());
    format!(
        "sinks: {{s: {{splunkHec: {{url: 'http://{address}', token: {{file: {token}}}}}, {FAST}}}}}"
    )
}

fn bulk(receiver: &Receiver) -> String {
    let address = receiver.address;
    format!("sinks: {{s: {{elasticsearch: {{url: 'http://{address}'}}, {FAST}}}}}")
}

/// The ids of violations in bodies of NDJSON, in order.
fn ids(bodies: &[String]) -> Vec<String> {
    let lines = bodies.iter().flat_map(|body| body.lines());
    lines
        .filter_map(|line| {
            let response: WatchResponse = serde_json::from_str(line).ok()?;
            match response.item? {
                Item::Violation(it) => Some(it.id),
                _ => None,
            }
        })
        .collect()
}

fn names(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|id| format!("v{id}")).collect()
}

#[tokio::test]
async fn a_secret_url_is_read_anew_and_nowhere_told() {
    let replies = vec![Reply::Answer(404, "Cannot POST /t0ken/1")];
    let (one, other) = (
        Receiver::start(replies, "", None).await,
        Receiver::start(vec![], "", None).await,
    );
    let folder = folder();
    let file = folder.path().join("hook.url");
    std::fs::write(&file, format!("http://{}/t0ken/1\n", one.address)).unwrap();
    let shown = file.display().to_string();
    let yaml = format!("sinks: {{s: {{webhook: {{url: {{file: {shown}}}}}, {FAST}}}}}");
    let running = Running::start(&yaml, None, folder).await;
    running.violate(0..1);
    until("the first arrives", || running.status().delivered == 1).await;
    let status = running.status();
    assert!(status.target.contains(&shown) && status.last_error.contains("404: Cannot POST …;"));
    let mut told = format!("{status:?}");
    std::fs::write(&file, format!("http://{}/t0ken/2", other.address)).unwrap();
    running.violate(1..2);
    until("the second arrives", || running.status().delivered == 2).await;
    // One of which nothing can be made.
    std::fs::write(&file, "http://t0ken@h/").unwrap();
    running.violate(2..3);
    until("it is blocked", || {
        running.status().state() == State::Blocked
    })
    .await;
    told.push_str(&format!("{:?}", running.status()));
    assert!(!told.contains("t0ken"), "{told}");
    let paths =
        |of: &Receiver| of.seen(|seen| seen.iter().map(|it| it.path.clone()).collect::<Vec<_>>());
    assert_eq!(paths(&one), ["/t0ken/1", "/t0ken/1"]);
    assert_eq!(paths(&other), ["/t0ken/2"]);
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_order_is_kept() {
    let replies = vec![
        Reply::Answer(503, "busy"),
        Reply::Half,
        Reply::Never,
        Reply::Answer(502, ""),
    ];
    let receiver = Receiver::start(replies, "", None).await;
    let running = Running::start(&webhook(&receiver), None, folder()).await;
    running.violate(0..10);
    until("all arrive", || running.status().delivered == 10).await;
    let bodies = receiver.bodies();
    // The first batch came five times, and nothing before it was taken.
    assert!(
        bodies[1..5].iter().all(|body| *body == bodies[0]),
        "{bodies:?}"
    );
    assert_eq!(ids(&bodies[4..]), names(0..10));
    let status = running.status();
    assert_eq!(
        (status.state(), status.refused.len()),
        (State::Delivering, 0)
    );
    assert_eq!(status.retried, 4 * ids(&bodies[..1]).len() as u64);
    assert!(status.last_error.contains("502"), "{status:?}");
    until("the position", || running.status().behind == 0).await;
    running.drain().await;
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_gets_it() {
    let receiver = Receiver::start(vec![Reply::Later(429, "1")], "", None).await;
    let running = Running::start(&webhook(&receiver), None, folder()).await;
    running.violate(0..1);
    until("it waits", || running.status().state() == State::Retrying).await;
    until("it arrives", || running.status().delivered == 1).await;
    let waited = receiver.seen(|seen| seen[1].at - seen[0].at);
    assert!(waited >= Duration::from_secs(1), "{waited:?}");
    running.drain().await;
}

#[tokio::test]
async fn killed_between_sending_and_the_answer_it_sends_again() {
    let receiver = Receiver::start(vec![Reply::Answer(200, ""), Reply::Never], "", None).await;
    let yaml = webhook(&receiver);
    let running = Running::start(&yaml, None, folder()).await;
    running.violate(0..1);
    until("one arrives and is stored", || {
        running.status().delivered == 1 && running.status().behind == 0
    })
    .await;
    running.violate(1..3);
    until("the next was sent", || receiver.bodies().len() == 2).await;
    let feed = Arc::clone(&running.feed);
    let folder = running.kill().await;
    let running = Running::start(&yaml, Some(&feed), folder).await;
    until("it was sent again", || running.status().delivered == 2).await;
    let bodies = receiver.bodies();
    assert_eq!(ids(&bodies[..1]), ["v0"]);
    let (second, rest) = (ids(&bodies[1..2]), ids(&bodies[2..]));
    assert!(!second.is_empty() && second.iter().all(|id| rest.contains(id)));
    assert_eq!(rest, ["v1", "v2"]);
    running.drain().await;
}

#[tokio::test]
async fn a_new_sink_that_is_killed_before_it_sent_anything_has_it_later() {
    // Nobody listens there.
    let yaml = format!("sinks: {{s: {{webhook: {{url: 'http://127.0.0.1:1/'}}, {FAST}}}}}");
    let running = Running::start(&yaml, None, folder()).await;
    running.violate(0..2);
    until("it failed", || running.status().retried > 0).await;
    assert!(
        running
            .status()
            .last_error
            .contains("cannot reach 127.0.0.1:1")
    );
    let feed = Arc::clone(&running.feed);
    let folder = running.kill().await;
    let receiver = Receiver::start(vec![], "", None).await;
    let running = Running::start(&webhook(&receiver), Some(&feed), folder).await;
    until("both arrive", || ids(&receiver.bodies()) == names(0..2)).await;
    running.drain().await;
}

/// As the pipeline does that is made in between: it may have to say that it cannot see everything.
#[tokio::test]
async fn a_new_sink_has_what_is_said_before_it_starts() {
    let receiver = Receiver::start(vec![], "", None).await;
    let between = |feed: &Feed| running::publish(feed, 0);
    let running = Running::start_late(&webhook(&receiver), None, folder(), between).await;
    until("it arrives", || ids(&receiver.bodies()) == names(0..1)).await;
    running.drain().await;
}

#[tokio::test]
async fn what_is_left_at_the_end_is_delivered() {
    let receiver = Receiver::start(vec![], "", None).await;
    let yaml = webhook(&receiver).replace("wait: 5ms", "wait: 1h");
    let running = Running::start(&yaml, None, folder()).await;
    running.violate(0..3);
    running.drain().await;
    assert_eq!(ids(&receiver.bodies()), names(0..3));
}

#[tokio::test]
async fn one_that_is_refused_is_found_counted_and_told_of() {
    // The whole, the first half, of the second half the first report.
    let replies = vec![
        Reply::Answer(400, "bad"),
        Reply::Answer(200, ""),
        Reply::Answer(413, ""),
        Reply::Answer(400, "\u{1b}[31mbad"),
    ];
    let receiver = Receiver::start(replies, "", None).await;
    let yaml = webhook(&receiver).replace("wait: 5ms", "wait: 1s");
    let running = Running::start(&yaml, None, folder()).await;
    running.violate(0..4);
    until("all but one arrive, and the gap", || {
        running.status().delivered == 4
    })
    .await;
    let bodies = receiver.bodies();
    assert_eq!(ids(&bodies[1..2]), names(0..2));
    assert_eq!(ids(&bodies[3..4]), ["v2"]);
    assert_eq!(ids(&bodies[4..5]), ["v3"]);
    let gap: serde_json::Value = serde_json::from_str(bodies[5].trim_end()).unwrap();
    assert_eq!(gap["gap"]["reason"], "sink-refused");
    assert_eq!(gap["gap"]["count"], "1");
    assert_eq!(gap["gap"]["scope"], "sink:s");
    let status = running.status();
    assert_eq!(status.refused.len(), 1);
    assert_eq!(
        (status.refused[0].reason.as_str(), status.refused[0].count),
        ("refused", 1)
    );
    assert!(
        status.last_error.contains("\\x1b[31mbad"),
        "{}",
        status.last_error
    );
    running.drain().await;
}

#[tokio::test]
async fn what_was_refused_and_not_told_of_is_met_again() {
    let refused = || Reply::Answer(400, "bad");
    let replies = vec![refused(), Reply::Answer(200, ""), refused()];
    let receiver = Receiver::start(replies, "", None).await;
    let yaml = webhook(&receiver);
    let running = Running::start(&yaml, None, folder()).await;
    let feed = Arc::clone(&running.feed);
    running.violate(0..1);
    until("the first is told of at once", || {
        running.status().delivered == 1
    })
    .await;
    running.violate(1..2);
    until("the second is refused", || {
        running.status().refused[0].count == 2
    })
    .await;
    let folder = running.kill().await;

    let running = Running::start(&yaml, Some(&feed), folder).await;
    until("it comes again", || running.status().delivered == 1).await;
    assert_eq!(ids(&receiver.bodies()), ["v0", "v1", "v1"]);
    let folder = running.drain().await;

    // The feed of an agent that ends takes no gap any more.
    let receiver = Receiver::start(vec![refused()], "", None).await;
    let yaml = webhook(&receiver).replace("wait: 5ms", "wait: 1h");
    let running = Running::start(&yaml, Some(&feed), folder).await;
    running.violate(2..3);
    feed.end();
    let folder = running.drain().await;
    let yaml = webhook(&receiver);
    let running = Running::start(&yaml, Some(&feed), folder).await;
    until("that comes again too", || running.status().delivered == 1).await;
    assert_eq!(ids(&receiver.bodies()), ["v2", "v2"]);
    running.drain().await;
}

#[tokio::test]
async fn a_batch_goes_in_time_though_there_is_always_more() {
    let receiver = Receiver::start(vec![], "", None).await;
    let address = receiver.address;
    let yaml = format!(
        "sinks: {{s: {{webhook: {{url: 'http://{address}/in'}}, batch: {{items: 10000, bytes: 16777216, wait: 1ms}}}}}}"
    );
    let running = Running::start(&yaml, None, folder()).await;
    // To write them takes much longer than that.
    for id in 0..500 {
        running.publish_long(id, 30_000);
    }
    until("all arrive", || running.status().delivered == 500).await;
    let bodies = receiver.bodies();
    assert!(bodies.len() > 1, "all at once");
    assert_eq!(ids(&bodies), names(0..500));
    running.drain().await;
}

#[tokio::test]
async fn nothing_is_given_up_while_the_agent_is_not_let_in() {
    let body = r#"{"text":"Invalid token","code":4}"#;
    let replies = vec![Reply::Answer(403, body), Reply::Answer(403, body)];
    let receiver = Receiver::start(replies, HEC, None).await;
    let folder = folder();
    let yaml = hec(&receiver, &folder);
    let running = Running::start(&yaml, None, folder).await;
    running.violate(0..2);
    until("it is blocked", || {
        running.status().state() == State::Blocked
    })
    .await;
    let error = running.status().last_error;
    assert!(
        error.contains("Invalid token (code 4); check the token"),
        "{error}"
    );
    until("both arrive", || running.status().delivered == 2).await;
    assert!(running.status().refused.is_empty());
    receiver.seen(|seen| {
        assert_eq!(seen[0].path, "/services/collector/event");
        assert_eq!(seen[0].headers["authorization"], "Splunk t0ken");
        let event: serde_json::Value =
            serde_json::from_str(seen[0].body.lines().next().unwrap()).unwrap();
        assert!(
            seen[0]
                .body
                .starts_with(r#"{"time":1700000000.123456,"host":"n1""#)
        );
        assert_eq!(event["event"]["violation"]["id"], "v0");
    });
    let status = format!("{:?}", running.status());
    assert!(!status.contains("t0ken"), "{status}");
    running.drain().await;
}

#[tokio::test]
async fn of_a_bulk_only_what_was_not_taken_is_sent_again() {
    let first = r#"{"errors":true,"items":[{"create":{"status":201}},{"create":{"status":409}},{"create":{"status":429}},{"create":{"status":400,"error":{"type":"mapper_parsing_exception","reason":"no"}}}]}"#;
    let second = r#"{"errors":false,"items":[{"create":{"status":201}}]}"#;
    let replies = vec![Reply::Answer(200, first)];
    let receiver = Receiver::start(replies, second, None).await;
    let yaml = bulk(&receiver).replace("wait: 5ms", "wait: 1s");
    let running = Running::start(&yaml, None, folder()).await;
    running.violate(0..4);
    until("three arrive, and the gap", || {
        running.status().delivered == 4
    })
    .await;
    assert_eq!(running.status().refused[0].count, 1);
    receiver.seen(|seen| {
        assert!(seen[0].path.starts_with("/logs-lapwing-default/_bulk?"));
        let lines: Vec<&str> = seen[0].body.lines().collect();
        assert_eq!(lines[0], r#"{"create":{"_id":"v0:1"}}"#);
        let start = r#"{"@timestamp":"2023-11-14T22:13:20.123456789Z","#;
        assert!(lines[1].starts_with(start), "{}", lines[1]);
        assert_eq!(seen[0].body.lines().count(), 8);
        assert!(seen[1].body.contains("\"v2:1\"") && seen[1].body.lines().count() == 2);
    });
    running.drain().await;
}

#[tokio::test]
async fn over_tls_only_the_right_receiver_gets_anything() {
    let folder = folder();
    let authority = Authority::new(folder.path(), "good");
    let other = Authority::new(folder.path(), "bad");
    let server = authority.server(&["siem.test"], Some(&authority));
    let receiver = Receiver::start(vec![], "", Some(server)).await;
    let (certificate, key) = authority.issue("client", &["agent"]);
    let (stranger, its_key) = other.issue("client", &["agent"]);
    let (address, good, bad) = (receiver.address, authority.ca(), other.ca());
    let yaml = |ca: &Path, name: &str, client: Option<(&Path, &Path)>| {
        let client = client.map_or_else(String::new, |(certificate, key)| {
            format!(
                ", certificate: {}, key: {}",
                certificate.display(),
                key.display()
            )
        });
        let ca = ca.display();
        format!(
            "sinks: {{s: {{webhook: {{url: 'https://{address}/', tls: {{ca: {ca}, serverName: {name}{client}}}}}, {FAST}}}}}"
        )
    };
    let right = Some((certificate.as_path(), key.as_path()));
    for (yaml, words) in [
        (
            yaml(&bad, "siem.test", right),
            ["UnknownIssuer", "bad-ca.pem vouches"],
        ),
        (
            yaml(&good, "other.test", right),
            ["not valid for name", "tls.serverName"],
        ),
        (
            yaml(&good, "siem.test", None),
            ["CertificateRequired", "wants a certificate"],
        ),
        (
            yaml(&good, "siem.test", Some((&stranger, &its_key))),
            ["TLS: received fatal alert", "does not let"],
        ),
        (
            yaml(&good, "siem.test", Some((&certificate, &its_key))),
            ["do not go together", "tls.key"],
        ),
    ] {
        let running = Running::start(&yaml, None, tempfile::tempdir().unwrap()).await;
        let answer = running.sinks.test("s").await.unwrap();
        assert!(!answer.delivered);
        assert!(answer.answer.contains(words[0]), "{answer:?}");
        assert!(answer.remedy.contains(words[1]), "{answer:?}");
        running.violate(0..1);
        until("it is blocked", || {
            running.status().state() == State::Blocked
        })
        .await;
        running.kill().await;
        assert_eq!(receiver.bodies().len(), 0, "{words:?}");
    }
    let running = Running::start(&yaml(&good, "siem.test", right), None, folder).await;
    running.violate(0..1);
    until("it arrives", || ids(&receiver.bodies()) == ["v0"]).await;
    running.drain().await;
}

#[tokio::test]
async fn a_test_sends_a_marked_sample_and_moves_nothing() {
    let folder = folder();
    let key = folder.path().join("key");
    std::fs::write(&key, "s3cret\n").unwrap();
    let receiver = Receiver::start(vec![], "", None).await;
    let (address, key) = (receiver.address, key.display());
    let yaml = format!(
        "sinks: {{s: {{webhook: {{url: 'http://{address}/', signingKey: {{file: {key}}}, headers: {{X-Team: red}}}}, {FAST}}}}}"
    );
    let running = Running::start(&yaml, None, folder).await;
    let answer = running.sinks.test("s").await.unwrap();
    assert!(answer.delivered, "{answer:?}");
    assert_eq!(answer.answer, "the webhook answered 200");
    receiver.seen(|seen| {
        assert!(seen[0].body.contains("lapwing-sink-test"));
        assert!(seen[0].body.contains(&answer.sample_id));
        assert_eq!(seen[0].headers["x-team"], "red");
        let time = seen[0].headers["lapwing-timestamp"].to_str().unwrap();
        let tag = seen[0].headers["lapwing-signature"].to_str().unwrap();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"s3cret");
        let expected = ring::hmac::sign(&key, format!("{time}.{}", seen[0].body).as_bytes());
        let expected: String = (expected.as_ref().iter())
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(tag, format!("v1={expected}"));
    });
    assert_eq!(running.status().delivered, 0);
    let error = running.sinks.test("t").await.unwrap_err().to_string();
    assert_eq!(error, "there is no sink `t`: there are s");
    let folder = running.drain().await;

    let path = folder.path().join("reports");
    let yaml = format!(
        "sinks: {{s: {{file: {{path: {}}}, {FAST}}}}}",
        path.display()
    );
    let running = Running::start(&yaml, None, folder).await;
    let answer = running.sinks.test("s").await.unwrap();
    assert!(answer.delivered, "{answer:?}");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        text.ends_with('\n') && text.contains(&answer.sample_id),
        "{text}"
    );
    assert_eq!(running.status().delivered, 0);
    running.drain().await;
}
