//! A collector that takes logs by gRPC and answers as it is told.
#![allow(dead_code)]

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use lapwing_proto::opentelemetry::proto::collector::logs::v1::logs_service_server::{
    LogsService, LogsServiceServer,
};
use lapwing_proto::opentelemetry::proto::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use rustls::ServerConfig;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tonic::codegen::Service;
use tonic::metadata::MetadataMap;
use tonic::{Code, Response, Status};

/// How it fails.
pub struct Failure(Code, &'static str, Vec<u8>);

pub fn reply(code: Code, message: &'static str) -> Failure {
    Failure(code, message, Vec::new())
}

impl Failure {
    /// With `google.rpc.RetryInfo` of less than a second, as the bytes of its description say.
    pub fn after(mut self, delay: Duration) -> Self {
        assert_eq!(delay.as_secs(), 0);
        let mut varint = Vec::new();
        let mut rest = delay.subsec_nanos();
        while rest >= 0x80 {
            varint.push(0x80 | (rest & 0x7f) as u8);
            rest >>= 7;
        }
        varint.push(rest as u8);
        let field =
            |tag: u8, value: &[u8]| [&[tag, u8::try_from(value.len()).unwrap()], value].concat();
        let duration = [&[0x10][..], &varint].concat();
        let info = field(0x0a, &duration);
        let url = field(0x0a, b"type.googleapis.com/google.rpc.RetryInfo");
        let any = [url, field(0x12, &info)].concat();
        self.2 = field(0x1a, &any);
        self
    }
}

#[derive(Clone)]
pub struct Seen {
    pub request: ExportLogsServiceRequest,
    pub metadata: MetadataMap,
    pub at: Instant,
}

#[derive(Default)]
struct State {
    seen: Mutex<Vec<Seen>>,
    failures: Mutex<VecDeque<Failure>>,
    connections: AtomicUsize,
    open: AtomicUsize,
    protocol: Mutex<Option<Vec<u8>>>,
    answered: tokio::sync::Notify,
}

#[derive(Clone)]
pub struct Collector {
    pub address: SocketAddr,
    state: Arc<State>,
    /// Whether each connection has one request.
    short: bool,
}

#[tonic::async_trait]
impl LogsService for Collector {
    async fn export(
        &self,
        request: tonic::Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        self.state.seen.lock().unwrap().push(Seen {
            metadata: request.metadata().clone(),
            request: request.into_inner(),
            at: Instant::now(),
        });
        if self.short {
            self.state.answered.notify_one();
        }
        match self.state.failures.lock().unwrap().pop_front() {
            None => Ok(Response::new(ExportLogsServiceResponse::default())),
            Some(Failure(code, message, details)) => {
                Err(Status::with_details(code, message, details.into()))
            }
        }
    }
}

impl Collector {
    /// Fails by `failures`, then takes everything.
    pub async fn start(failures: Vec<Failure>, tls: Option<ServerConfig>) -> Self {
        Self::listen(failures, tls, false).await
    }

    /// As the former; each connection ends with its first answer.
    pub async fn start_short(failures: Vec<Failure>) -> Self {
        Self::listen(failures, None, true).await
    }

    async fn listen(failures: Vec<Failure>, tls: Option<ServerConfig>, short: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = State {
            failures: Mutex::new(failures.into()),
            ..State::default()
        };
        let this = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::new(state),
            short,
        };
        let (shared, acceptor) = (
            this.clone(),
            tls.map(|tls| TlsAcceptor::from(Arc::new(tls))),
        );
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                shared.state.connections.fetch_add(1, Ordering::Relaxed);
                shared.state.open.fetch_add(1, Ordering::Relaxed);
                let (shared, acceptor) = (shared.clone(), acceptor.clone());
                let state = Arc::clone(&shared.state);
                tokio::spawn(async move {
                    match acceptor {
                        None => shared.serve(stream).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                let protocol = stream.get_ref().1.alpn_protocol();
                                *shared.state.protocol.lock().unwrap() =
                                    protocol.map(<[u8]>::to_vec);
                                shared.serve(stream).await;
                            }
                        }
                    }
                    state.open.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        this
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let service = LogsServiceServer::new(self.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let mut service = service.clone();
            async move { service.call(request).await }
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        // What a test makes a connection end with.
        tokio::select! {
            _ = connection.as_mut() => return,
            () = self.state.answered.notified() => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// Connections that have not ended.
    pub fn open(&self) -> usize {
        self.state.open.load(Ordering::Relaxed)
    }

    /// What the last connection with TLS agreed to speak.
    pub fn protocol(&self) -> Option<Vec<u8>> {
        self.state.protocol.lock().unwrap().clone()
    }
}
