//! A receiver of HTTP that answers as it is told, and keeps what it was sent.
#![allow(dead_code)]

use bytes::Bytes;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_stream::StreamExt;

/// How it answers a request.
pub enum Reply {
    Answer(u16, &'static str),
    /// With `Retry-After`.
    Later(u16, &'static str),
    /// Half of an answer's body, then the end of the connection.
    Half,
    /// None for as long as anybody waits.
    Never,
}

pub struct Seen {
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
    pub bytes: Bytes,
    pub at: Instant,
}

type Body = http_body_util::combinators::BoxBody<Bytes, std::io::Error>;

#[derive(Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    usual: &'static str,
}

impl Receiver {
    /// Answers by `replies`, then by 200 and `usual`.
    pub async fn start(
        replies: Vec<Reply>,
        usual: &'static str,
        tls: Option<ServerConfig>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            replies: Arc::new(Mutex::new(replies.into())),
            usual,
        };
        let (shared, acceptor) = (
            this.clone(),
            tls.map(|tls| TlsAcceptor::from(Arc::new(tls))),
        );
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (shared, acceptor) = (shared.clone(), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => shared.serve(stream).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                shared.serve(stream).await;
                            }
                        }
                    }
                });
            }
        });
        this
    }

    async fn serve(
        self,
        stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    ) {
        let service = service_fn(move |request| self.clone().answer(request));
        // What a test makes a connection end with.
        let _ = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await;
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        self.seen.lock().unwrap().push(Seen {
            path: parts.uri.to_string(),
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
            bytes: body,
            at: Instant::now(),
        });
        let reply = self.replies.lock().unwrap().pop_front();
        let whole = |text: &'static str| Full::from(text).map_err(|never| match never {}).boxed();
        let response = match reply {
            None => Response::new(whole(self.usual)),
            Some(Reply::Answer(status, text)) => {
                let response = Response::builder().status(status);
                response.body(whole(text)).unwrap()
            }
            Some(Reply::Later(status, after)) => {
                let response = Response::builder().status(status);
                response
                    .header("retry-after", after)
                    .body(whole(""))
                    .unwrap()
            }
            Some(Reply::Half) => {
                let frames = [
                    Ok(Frame::data(Bytes::from_static(b"{\"te"))),
                    Err(std::io::Error::other("the end")),
                ];
                // The half is on its way before the end comes.
                let frames = tokio_stream::iter(frames).then(async |frame| {
                    tokio::time::sleep(Duration::from_millis(if frame.is_err() { 50 } else { 0 }))
                        .await;
                    frame
                });
                let body = BodyExt::boxed(StreamBody::new(Box::pin(frames)));
                Response::builder()
                    .header("content-length", "100")
                    .body(body)
                    .unwrap()
            }
            Some(Reply::Never) => std::future::pending().await,
        };
        Ok(response)
    }

    pub fn seen<T>(&self, read: impl FnOnce(&[Seen]) -> T) -> T {
        read(&self.seen.lock().unwrap())
    }

    pub fn bodies(&self) -> Vec<String> {
        self.seen(|seen| seen.iter().map(|it| it.body.clone()).collect())
    }
}

/// Waits for something, not for a time.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        // A receiver that shares a processor with much else takes its time.
        assert!(begun.elapsed() < Duration::from_secs(180), "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// An authority with certificates of it, as files.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
    name: &'static str,
}

impl Authority {
    pub fn new(folder: &Path, name: &'static str) -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        let this = Self {
            issuer,
            folder: folder.to_path_buf(),
            name,
        };
        std::fs::write(this.file("ca.pem"), this.issuer.pem()).unwrap();
        this
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}-{name}", self.name))
    }

    pub fn ca(&self) -> PathBuf {
        self.file("ca.pem")
    }

    /// A certificate for names, and its key.
    pub fn issue(&self, file: &str, names: &[&str]) -> (PathBuf, PathBuf) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        self.issue_as(file, &CertificateParams::new(names).unwrap())
    }

    /// A certificate as it is described, and its key.
    pub fn issue_as(&self, file: &str, params: &CertificateParams) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let paths = (
            self.file(&format!("{file}.pem")),
            self.file(&format!("{file}.key")),
        );
        std::fs::write(&paths.0, certificate.pem()).unwrap();
        std::fs::write(&paths.1, key.serialize_pem()).unwrap();
        paths
    }

    /// A server for names; one that wants clients of `clients` where given.
    pub fn server(&self, names: &[&str], clients: Option<&Self>) -> ServerConfig {
        let (certificate, key) = self.issue("server", names);
        let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let key = PrivateKeyDer::from_pem_file(key).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = rustls::RootCertStore::empty();
                roots.add(clients.issuer.der().clone()).unwrap();
                let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
                    Arc::new(roots),
                    provider,
                );
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        builder.with_single_cert(chain, key).unwrap()
    }
}
