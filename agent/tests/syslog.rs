//! Deliveries by syslog, to receivers that know them, do not, or break.

mod receiver;
mod running;

use lapwing_proto::v1::get_status_response::sink::State;
use receiver::{Authority, until};
use running::{Running, folder};
use rustls::ServerConfig;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_rustls::TlsAcceptor;

/// What a receiver has read.
type Text = Arc<Mutex<Vec<u8>>>;

async fn keep(mut stream: impl AsyncRead + Unpin, text: Text) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut bytes).await {
        text.lock().unwrap().extend_from_slice(&bytes[..count]);
    }
}

async fn over_tls(server: ServerConfig) -> (SocketAddr, Text) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (text, acceptor) = (Text::default(), TlsAcceptor::from(Arc::new(server)));
    let kept = Arc::clone(&text);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, kept) = (acceptor.clone(), Arc::clone(&kept));
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    keep(stream, kept).await;
                }
            });
        }
    });
    (address, text)
}

/// Messages by their lengths, as a receiver of RFC 5425 reads them.
fn counted(text: &Text) -> Vec<String> {
    let text = text.lock().unwrap();
    let (mut rest, mut messages) = (text.as_slice(), Vec::new());
    while let Some(space) = rest.iter().position(|byte| *byte == b' ') {
        let length: usize = std::str::from_utf8(&rest[..space])
            .unwrap()
            .parse()
            .unwrap();
        let Some(message) = rest[space + 1..].get(..length) else {
            break;
        };
        messages.push(String::from_utf8(message.to_vec()).unwrap());
        rest = &rest[space + 1 + length..];
    }
    messages
}

fn has_id(message: &str, id: u32) -> bool {
    message.contains(&format!("\"id\":\"v{id}\""))
}

const FAST: &str =
    "batch: {items: 4, wait: 5ms}, retry: {first: 5ms, longest: 40ms, blocked: 20ms}, timeout: 2s";

#[tokio::test]
async fn over_tls_only_the_right_receiver_gets_anything() {
    let folder = folder();
    let authority = Authority::new(folder.path(), "good");
    let other = Authority::new(folder.path(), "bad");
    let (address, text) = over_tls(authority.server(&["siem.test"], Some(&authority))).await;
    let (certificate, key) = authority.issue("client", &["agent"]);
    let (stranger, its_key) = other.issue("client", &["agent"]);
    let (good, bad) = (authority.ca(), other.ca());
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
            "sinks: {{s: {{syslog: {{address: '{address}', tls: {{ca: {ca}, serverName: {name}{client}}}}}, {FAST}}}}}"
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
            ["received fatal alert", "does not let"],
        ),
    ] {
        let running = Running::start(&yaml, None, tempfile::tempdir().unwrap()).await;
        let answer = running.sinks.test("s").await.unwrap();
        assert!(!answer.delivered, "{words:?} {answer:?}");
        assert!(answer.answer.contains(words[0]), "{answer:?}");
        assert!(answer.remedy.contains(words[1]), "{answer:?}");
        running.violate(0..1);
        until("it is blocked", || {
            running.status().state() == State::Blocked
        })
        .await;
        assert_eq!(running.status().delivered, 0);
        running.kill().await;
        assert!(text.lock().unwrap().is_empty(), "{words:?}");
    }
    let running = Running::start(&yaml(&good, "siem.test", right), None, folder).await;
    running.violate(0..6);
    until("all arrive", || counted(&text).len() == 6).await;
    until("all are known to", || running.status().delivered == 6).await;
    for (id, message) in counted(&text).iter().enumerate() {
        assert!(
            message.starts_with("<131>1 2023-11-14T22:13:20.123456Z n1 lapwing "),
            "{message}"
        );
        assert!(has_id(message, u32::try_from(id).unwrap()), "{message}");
    }
    running.drain().await;
}

#[tokio::test]
async fn what_a_receiver_had_not_read_when_it_broke_is_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let yaml = format!("sinks: {{s: {{syslog: {{address: '{address}', over: tcp}}, {FAST}}}}}");
    let running = Running::start(&yaml, None, folder()).await;
    running.violate(0..1);
    let (stream, _) = listener.accept().await.unwrap();
    // Its system has it, the receiver does not.
    until("it counts as delivered", || running.status().delivered == 1).await;
    let text = Text::default();
    // As a receiver that is started anew, which takes longer than the agent's first try.
    drop(listener);
    broken(stream);
    running.violate(1..2);
    until("nobody listens", || {
        running.status().state() == State::Retrying
    })
    .await;
    let listener = TcpListener::bind(address).await.unwrap();
    // It breaks again, before it reads anything.
    let (stream, _) = listener.accept().await.unwrap();
    until("two count as delivered", || running.status().delivered == 2).await;
    broken(stream);
    running.violate(2..3);
    let (stream, _) = listener.accept().await.unwrap();
    tokio::spawn(keep(stream, Arc::clone(&text)));
    until("all arrive", || counted(&text).len() == 3).await;
    let messages = counted(&text);
    for (id, message) in (0..).zip(&messages) {
        assert!(has_id(message, id), "{messages:?}");
    }
    running.drain().await;
}

/// Ends a connection of which not everything was read: the other side is told so by a reset.
fn broken(stream: TcpStream) {
    drop(stream);
}

#[tokio::test]
async fn a_receiver_that_reads_nothing_delivers_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // More than the buffers of both systems hold.
    let yaml = format!(
        "sinks: {{s: {{syslog: {{address: '{address}', over: tcp, framing: newline}}, batch: {{items: 10000, bytes: 16000000, wait: 1m}}, timeout: 300ms}}}}"
    );
    let running = Running::start(&yaml, None, folder()).await;
    let one = listener.accept();
    for id in 0..400 {
        running.publish_long(id, 40_000);
    }
    let (_stream, _) = one.await.unwrap();
    until("it is tried again", || {
        running.status().state() == State::Retrying
    })
    .await;
    let status = running.status();
    assert_eq!(status.delivered, 0);
    assert!(
        status.last_error.contains("did not acknowledge"),
        "{status:?}"
    );
    running.kill().await;
}

#[tokio::test]
async fn lines_over_tcp_and_datagrams() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let yaml = format!(
        "sinks: {{s: {{syslog: {{address: '{address}', over: tcp, framing: newline, facility: audit}}, encoding: cef, {FAST}}}}}"
    );
    let running = Running::start(&yaml, None, folder()).await;
    running.violate(0..2);
    let (stream, _) = listener.accept().await.unwrap();
    let text = Text::default();
    tokio::spawn(keep(stream, Arc::clone(&text)));
    until("both arrive", || {
        let text = text.lock().unwrap();
        text.iter().filter(|byte| **byte == b'\n').count() == 2
    })
    .await;
    let found = String::from_utf8(text.lock().unwrap().clone()).unwrap();
    assert!(found.starts_with("<107>1 "), "{found}");
    assert!(
        found
            .lines()
            .all(|line| line.contains("CEF:0|Lapwing|Lapwing|")),
        "{found}"
    );
    running.drain().await;

    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let yaml = format!("sinks: {{s: {{syslog: {{address: '{address}', over: udp}}, {FAST}}}}}");
    let running = Running::start(&yaml, None, folder()).await;
    let mut bytes = vec![0; 65_536];
    let answer = running.sinks.test("s").await.unwrap();
    assert!(answer.delivered, "{answer:?}");
    let received = tokio::time::timeout(Duration::from_secs(20), socket.recv(&mut bytes)).await;
    let text = String::from_utf8(bytes[..received.unwrap().unwrap()].to_vec()).unwrap();
    assert!(text.contains("lapwing-sink-test"), "{text}");
    running.violate(7..8);
    let received = tokio::time::timeout(Duration::from_secs(20), socket.recv(&mut bytes)).await;
    let text = String::from_utf8(bytes[..received.unwrap().unwrap()].to_vec()).unwrap();
    assert!(has_id(&text, 7) && text.starts_with("<131>1 "), "{text}");
    // What is longer than receivers take is cut, and says so.
    running.publish_long(8, 70_000);
    let received = tokio::time::timeout(Duration::from_secs(20), socket.recv(&mut bytes)).await;
    let text = String::from_utf8(bytes[..received.unwrap().unwrap()].to_vec()).unwrap();
    assert!(
        text.len() <= 8192 && text.contains("truncated=\"1\" id=\"v8:"),
        "{text}"
    );
    let (_, body) = text.split_once('\u{feff}').unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["violation"]["id"], "v8");
    drop(socket);
    running.violate(9..10);
    until("it is missed", || {
        running.status().state() == State::Retrying
    })
    .await;
    assert!(
        running.status().last_error.contains("refused"),
        "{}",
        running.status().last_error
    );
    running.kill().await;
}
