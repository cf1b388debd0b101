//! OTLP over gRPC: one request at a time over a connection that is kept.
//!
//! tonic's own channel would hide what is wrong behind its words, and bring a second way to TLS; here
//! the connection is that of all sinks, with its remedies.

use super::status;
use super::watched::{Watched, Why};
use crate::config::sinks::Tls;
use crate::sink::address::Url;
use crate::sink::connection::connect_for;
use crate::sink::http::{Header, broken};
use crate::sink::outcome::{Kind, Problem};
use crate::sink::place::Place;
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper::header::{HeaderMap, HeaderValue, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use lapwing_proto::opentelemetry::proto::collector::logs::v1::logs_service_client::LogsServiceClient;
use lapwing_proto::opentelemetry::proto::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::metadata::MetadataMap;

/// The name of HTTP/2 in TLS (RFC 7301, RFC 9113).
const ALPN: &[u8] = b"h2";

/// A server and the connection to it.
pub struct Client {
    place: Place,
    tls: Tls,
    timeout: Duration,
    /// And where it leads to.
    kept: Option<(Url, Connection)>,
}

/// A connection, as the generated client wants it.
#[derive(Clone)]
struct Connection(SendRequest<Body>, Why);

impl Service<Request<Body>> for Connection {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let agent = HeaderValue::from_static(concat!("lapwing/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert(USER_AGENT, agent);
        Box::pin(self.0.send_request(request))
    }
}

impl Client {
    /// Of a configuration that was checked.
    pub fn new(place: Place, tls: &Tls, timeout: Duration) -> Self {
        Self {
            place,
            tls: tls.clone(),
            timeout,
            kept: None,
        }
    }

    /// Hands records over.
    ///
    /// # Errors
    /// When the collector does not take the request, or does not answer in time.
    pub async fn export(
        &mut self,
        headers: Vec<Header>,
        request: ExportLogsServiceRequest,
    ) -> Result<ExportLogsServiceResponse, Problem> {
        let headers: HeaderMap = headers.into_iter().collect();
        let timeout = self.timeout;
        let url = self.place.url()?;
        let answer = tokio::time::timeout(timeout, async {
            // As over HTTP: a connection that ends before it answers had ended before it was asked.
            if let Some((to, kept)) = self.kept.take()
                && to == url
                && !kept.0.is_closed()
            {
                let answer = self.ask(&url, kept, &headers, request.clone()).await;
                if !matches!(&answer, Err(status) if status.source().is_some()) {
                    return answer.map_err(|status| status::problem(&status));
                }
            }
            let fresh = self.connect(&url).await?;
            let why = fresh.1.clone();
            let answer = self.ask(&url, fresh, &headers, request).await;
            answer.map_err(|status| match status.source() {
                Some(error) => self.broken(&url, &why, error),
                None => status::problem(&status),
            })
        })
        .await;
        answer.unwrap_or_else(|_| {
            self.kept = None;
            Err(Problem::new(
                Kind::Unreachable,
                format!("no answer of {url} in {} ms", timeout.as_millis()),
                "is the receiver overloaded? Else give it more `timeout`",
            ))
        })
    }

    /// Asks once, and keeps the connection unless it is the connection that failed: only then has the
    /// status a source.
    async fn ask(
        &mut self,
        url: &Url,
        connection: Connection,
        headers: &HeaderMap,
        request: ExportLogsServiceRequest,
    ) -> Result<ExportLogsServiceResponse, Status> {
        let scheme = if url.tls { "https" } else { "http" };
        let origin: Uri = format!("{scheme}://{}", url.address)
            .parse()
            .map_err(|error| Status::unimplemented(format!("`url` is none: {error}")))?;
        let mut client = LogsServiceClient::with_origin(connection.clone(), origin);
        let mut request = tonic::Request::new(request);
        *request.metadata_mut() = MetadataMap::from_headers(headers.clone());
        let answer = client.export(request).await;
        if !matches!(&answer, Err(status) if status.source().is_some()) {
            self.kept = Some((url.clone(), connection));
        }
        answer.map(tonic::Response::into_inner)
    }

    async fn connect(&self, url: &Url) -> Result<Connection, Problem> {
        let tls = url.tls.then_some(&self.tls);
        let stream = connect_for(&url.address, tls, &[ALPN]).await?;
        let why = Why::default();
        let stream = TokioIo::new(Watched::new(stream, &self.tls, why.clone()));
        let (sender, connection) = http2::handshake(TokioExecutor::new(), stream)
            .await
            .map_err(|error| self.broken(url, &why, &error))?;
        // It ends with the sender; what it fails with comes back by the request.
        tokio::spawn(connection);
        Ok(Connection(sender, why))
    }

    fn broken(&self, url: &Url, why: &Why, error: &(dyn Error + 'static)) -> Problem {
        why.problem()
            .unwrap_or_else(|| broken(error, url, &self.tls))
    }
}
