//! The API over TCP and peers that are gone, send too much, or come before the certificates.

mod receiver;
mod served;

use hyper_util::rt::TokioIo;
use lapwing_agent::judge::signed::ENVELOPE_MAX;
use lapwing_profile::file::TEXT_MAX;
use lapwing_proto::v1::agent_client::AgentClient;
use lapwing_proto::v1::{
    Decider, GetStatusRequest, ImportProfileRequest, Violation, WatchRequest,
    get_status_response::Listener, watch_response::Item,
};
use receiver::{Authority, until};
use rustls::ClientConfig;
use served::{Served, client, dial};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tonic::codegen::Service;
use tonic::codegen::http::Uri;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Streaming};

const OPERATOR: &str = "spiffe://test/ops/ann";
const CLIENTS: &str =
    "clients: [{identity: 'spiffe://test/ops/*', verbs: [read, operate], namespaces: ['*']}]";

/// A connection whose other end, once it is frozen, neither reads nor writes any more, and does not
/// close it.
struct Freezing {
    stream: TlsStream<TcpStream>,
    frozen: Arc<AtomicBool>,
}

impl AsyncRead for Freezing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.frozen.load(Ordering::Acquire) {
            true => Poll::Pending,
            false => Pin::new(&mut self.stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Freezing {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.frozen.load(Ordering::Acquire) {
            true => Poll::Pending,
            false => Pin::new(&mut self.stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.frozen.load(Ordering::Acquire) {
            true => Poll::Pending,
            false => Pin::new(&mut self.stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

struct Dial {
    address: SocketAddr,
    config: Arc<ClientConfig>,
    frozen: Arc<AtomicBool>,
}

impl Service<Uri> for Dial {
    type Response = TokioIo<Freezing>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let dialled = dial(self.address, Arc::clone(&self.config));
        let frozen = Arc::clone(&self.frozen);
        Box::pin(async move {
            let stream = dialled.await?;
            Ok(TokioIo::new(Freezing { stream, frozen }))
        })
    }
}

/// One that follows, and got something.
struct Peer {
    frozen: Arc<AtomicBool>,
    _client: AgentClient<Channel>,
    _stream: Streaming<lapwing_proto::v1::WatchResponse>,
}

/// A violation of so many bytes.
fn publish(served: &Served, bytes: usize) {
    let violation = Violation {
        nearest: "x".repeat(bytes),
        ..Violation::default()
    };
    served.feed.publish(1, Item::Violation(violation));
}

/// On a slow machine even one that lives may be taken for dead: then another comes.
async fn peer(served: &Served) -> Peer {
    loop {
        let frozen = Arc::new(AtomicBool::new(false));
        let connector = Dial {
            address: served.address,
            config: Arc::new(served.config(&client(&served.authority, OPERATOR))),
            frozen: Arc::clone(&frozen),
        };
        // It grants all that the agent may want to send, so that it is TCP that stops it.
        let endpoint = Endpoint::from_static("https://localhost")
            .initial_connection_window_size(1 << 30)
            .initial_stream_window_size(1 << 30);
        let Ok(channel) = endpoint.connect_with_connector(connector).await else {
            continue;
        };
        let mut client = AgentClient::new(channel);
        let Ok(watched) = client.watch(WatchRequest::default()).await else {
            continue;
        };
        let mut stream = watched.into_inner();
        publish(served, 1);
        if let Ok(Some(_)) = stream.message().await {
            return Peer {
                frozen,
                _client: client,
                _stream: stream,
            };
        }
    }
}

/// What the agent says of its listener, on the Unix socket.
async fn listener(served: &Served) -> Listener {
    let socket = served.folder.path().join("a.sock");
    let channel = Endpoint::from_shared(format!("unix://{}", socket.display()))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut client = AgentClient::new(channel);
    let status = client.get_status(GetStatusRequest {}).await.unwrap();
    status.into_inner().listener.unwrap()
}

async fn is_dropped(served: &Served) {
    until("nobody follows", || served.feed.summary().subscribers == 0).await;
    let begun = std::time::Instant::now();
    while listener(served).await.connections > 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is held");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn pinging() -> Served {
    Served::start_with(CLIENTS, |network| {
        network.with_pings(Duration::from_millis(50), Duration::from_millis(500))
    })
}

#[tokio::test]
async fn a_peer_that_no_longer_answers_is_dropped() {
    let served = pinging();
    let peer = peer(&served).await;
    peer.frozen.store(true, Ordering::Release);
    is_dropped(&served).await;
}

#[tokio::test]
async fn a_peer_that_no_longer_reads_is_dropped_with_all_that_waits_for_it() {
    let served = pinging();
    let peer = peer(&served).await;
    peer.frozen.store(true, Ordering::Release);
    // Soon more than the buffers of both ends hold.
    until("nobody follows", || {
        publish(&served, 256 << 10);
        served.feed.summary().subscribers == 0
    })
    .await;
    is_dropped(&served).await;
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_with_the_limit() {
    let served = Served::start(CLIENTS);
    let mut operator = served.client(OPERATOR).await;
    let request = ImportProfileRequest {
        yaml: "#".repeat(TEXT_MAX + ENVELOPE_MAX + (2 << 20)),
        decider: Some(Decider {
            actor: "ann".to_owned(),
            ..Decider::default()
        }),
        ..ImportProfileRequest::default()
    };
    let error = operator.import_profile(request).await.unwrap_err();
    assert_eq!(error.code(), Code::OutOfRange, "{error}");
    let limit = (TEXT_MAX + ENVELOPE_MAX + (1 << 20)).to_string();
    for words in ["too large", &limit] {
        assert!(error.message().contains(words), "{error}");
    }
    operator.get_status(GetStatusRequest {}).await.unwrap();
}

/// Has a folder hold these files, as a kubelet does: all of them at once, by a link that is another from then on.
fn mount(folder: &Path, number: u32, files: &[(&str, &[u8])]) {
    let version = folder.join(format!("..{number}"));
    std::fs::create_dir(&version).unwrap();
    for (name, bytes) in files {
        std::fs::write(version.join(name), bytes).unwrap();
        // Those of an earlier version are there already.
        let _ = std::os::unix::fs::symlink(Path::new("..data").join(name), folder.join(name));
    }
    let next = folder.join("..next");
    std::os::unix::fs::symlink(version.file_name().unwrap(), &next).unwrap();
    std::fs::rename(next, folder.join("..data")).unwrap();
}

/// Waits until the trouble with the certificates is told with these words.
async fn told(served: &Served, words: &str) -> Listener {
    let begun = std::time::Instant::now();
    loop {
        let listener = listener(served).await;
        if listener.trouble.contains(words) {
            return listener;
        }
        let trouble = listener.trouble;
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{words}: {trouble}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn certificates_that_come_late_are_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path(), "lapwing");
    let server = authority.issue("server", &["localhost"]);
    let read = |path: &Path| std::fs::read(path).unwrap();
    let (certificate, key) = (read(&server.0), read(&server.1));
    let ca = read(&authority.ca());
    let mounted = folder.path().join("mounted");
    std::fs::create_dir(&mounted).unwrap();
    let [crt, private, authorities] =
        ["tls.crt", "tls.key", "ca.crt"].map(|name| mounted.join(name).display().to_string());
    let yaml = format!(
        "listen: {{address: '127.0.0.1:0', certificate: {crt}, key: {private}, clientAuthority: \
         {authorities}, {CLIENTS}}}"
    );
    let served = Served::serve(&yaml, authority, server, folder);

    // The socket answers, and nobody is left to wait on the network.
    let refused = TcpStream::connect(served.address).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    let at_first = listener(&served).await;
    assert!(at_first.waiting && !at_first.insecure, "{at_first:?}");
    assert_eq!(at_first.address, served.address.to_string());
    assert_eq!(at_first.certificate_expires, None);
    for words in [&*crt, &private, &authorities, "Job", "cert-manager"] {
        assert!(at_first.trouble.contains(words), "{}", at_first.trouble);
    }
    // Some are not all.
    mount(&mounted, 1, &[("tls.crt", &certificate), ("tls.key", &key)]);
    let some = told(&served, &format!("missing: {authorities} (")).await;
    assert!(some.waiting, "{some:?}");
    // All are of no use while one is broken.
    let broken: [(&str, &[u8]); 3] = [
        ("tls.crt", &certificate),
        ("tls.key", b"junk"),
        ("ca.crt", &ca),
    ];
    mount(&mounted, 2, &broken);
    let broken = told(&served, "until that is mended the API does not listen").await;
    assert!(broken.waiting && broken.trouble.contains("`listen.key`"));
    assert!(TcpStream::connect(served.address).await.is_err());
    // Then it listens where it said it would.
    mount(
        &mounted,
        3,
        &[
            ("tls.crt", &certificate),
            ("tls.key", &key),
            ("ca.crt", &ca),
        ],
    );
    let begun = std::time::Instant::now();
    while TcpStream::connect(served.address).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody listens");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut operator = served.client(OPERATOR).await;
    let status = operator.get_status(GetStatusRequest {}).await.unwrap();
    let whole = status.into_inner().listener.unwrap();
    assert!(!whole.waiting && whole.trouble.is_empty(), "{whole:?}");
    assert!(whole.certificate_expires.is_some());
}
