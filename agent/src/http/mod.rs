//! Probes and metrics over plain HTTP: `/livez`, `/readyz` and `/metrics`.
//!
//! They are read by a kubelet, which has no certificate, and say nothing of a container: what is
//! counted is counted by rule, by hook, by sink. Whoever reaches the address may read them, so what
//! one may ask for is bounded: a connection is one request, of a few kilobytes and a few seconds;
//! connections are bounded, and where there is no [`room`] the one goes that has waited longest, so
//! that nobody keeps the kubelet's probes out by holding some open and has the agent restarted; the
//! pipeline is asked once a second at most, and by `/livez` not at all; and what it said is rendered
//! once.

mod latest;
pub mod metrics;
mod probes;
mod room;

use crate::api::inquiry::Inquiry;
use crate::config;
use crate::kernel::fill::Meter;
use crate::pipeline::Pulse;
use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use latest::{Latest, Made};
use metrics::Snapshot;
use room::Room;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// How long a client may take to ask, and to ask and take the answer.
const ASKING: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(10);
/// Longest request, in bytes: the least that hyper takes; and how many headers it may have.
const REQUEST_MAX: usize = 8 << 10;
const HEADERS_MAX: usize = 32;
/// How soon it is tried again to have the address, or to accept.
const AGAIN: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(50);
/// Type of the text format, of the version that every scraper reads.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// Listens, or is about to.
#[derive(Debug)]
pub struct Http {
    addresses: Vec<SocketAddr>,
    /// None while another agent has the address, which this one takes over from.
    listener: Option<TcpListener>,
    has_metrics: bool,
}

fn take(addresses: &[SocketAddr]) -> io::Result<TcpListener> {
    // The standard library binds to the first that can be had.
    let listener = TcpListener::bind(addresses)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

impl Http {
    /// Listens as configured; `None` where that is not at all. One that `replaces` another agent takes
    /// an address that is in use as soon as it is free.
    ///
    /// # Errors
    /// When the address is none, or cannot be had.
    pub fn bind(config: &config::Http, replaces: bool) -> Result<Option<Self>> {
        let addresses =
            (config.addresses()).map_err(|(key, message)| anyhow!("`{key}`: {message}"))?;
        if addresses.is_empty() {
            return Ok(None);
        }
        let listener = match take(&addresses) {
            Ok(listener) => Some(listener),
            Err(error) if replaces && error.kind() == io::ErrorKind::AddrInUse => None,
            Err(error) => {
                return Err(error).with_context(|| {
                    format!(
                        "cannot listen on {}; set `http.address` to one that is free here",
                        config.address
                    )
                });
            }
        };
        Ok(Some(Self {
            addresses,
            listener,
            has_metrics: config.metrics,
        }))
    }

    /// Where it listens, once it does.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.as_ref()?.local_addr().ok()
    }

    /// Answers, for as long as it is polled. A controller has no rings.
    pub async fn serve(self, inquiry: Inquiry, pulse: Pulse, rings: Option<Meter>) {
        let listener = match self.listener {
            Some(listener) => listener,
            None => wait_for(&self.addresses).await,
        };
        let listener = match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!("there are no probes and no metrics: cannot listen: {error}");
                return;
            }
        };
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, "probes and metrics are served");
        }
        let works = Works {
            latest: Latest::new(inquiry),
            rendered: Mutex::default(),
            pulse,
            rings,
        };
        Desk::open(self.has_metrics, Some(works))
            .serve(listener)
            .await;
    }

    /// Answers for an agent that stands by, until what this returns is dropped: it lives and is ready, and
    /// has nothing to count. Where another agent has the address that one answers.
    ///
    /// # Errors
    /// When no thread can be had for it.
    pub fn stand_by(&self) -> io::Result<StandingBy> {
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let listener = { self.listener.as_ref() }.map(TcpListener::try_clone);
        let Some(listener) = listener.transpose()? else {
            return Ok(StandingBy(None));
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let has_metrics = self.has_metrics;
        let work = async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tokio::select! {
                () = Desk::open(has_metrics, None).serve(listener) => {}
                // Dropped, it ends.
                _ = ended => {}
            }
            io::Result::Ok(())
        };
        let thread = std::thread::Builder::new()
            .name("standby".to_owned())
            .spawn(move || {
                if let Err(error) = runtime.block_on(work) {
                    tracing::error!("there are no probes: cannot listen: {error}");
                }
            })?;
        Ok(StandingBy(Some((end, thread))))
    }
}

/// Answers while it is there.
#[must_use]
pub struct StandingBy(
    Option<(
        tokio::sync::oneshot::Sender<()>,
        std::thread::JoinHandle<()>,
    )>,
);

impl Drop for StandingBy {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.0.take() {
            drop(end);
            // It has said what went wrong.
            let _ = thread.join();
        }
    }
}

/// The address, once it can be had.
async fn wait_for(addresses: &[SocketAddr]) -> TcpListener {
    let mut told = false;
    loop {
        match take(addresses) {
            Ok(listener) => return listener,
            Err(error) if !told => {
                told = true;
                tracing::warn!(
                    "there are no probes and no metrics yet: `http.address` cannot be had: {error}; \
                     it is tried again each second"
                );
            }
            Err(_) => {}
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// The metrics as they were rendered last, for the answer that was made then.
#[derive(Default)]
struct Rendered {
    text: Option<(Instant, Bytes)>,
    highest: metrics::Highest,
}

/// Whom questions are about, if it works and does not stand by.
struct Works {
    latest: Latest,
    rendered: Mutex<Rendered>,
    pulse: Pulse,
    rings: Option<Meter>,
}

/// Where questions are answered.
struct Desk {
    /// Whether there is `/metrics`.
    has_metrics: bool,
    works: Option<Works>,
    /// Connections that were let go for newer ones, or could not be accepted.
    refused: AtomicU64,
    room: Room,
}

impl Desk {
    fn open(has_metrics: bool, works: Option<Works>) -> Arc<Self> {
        Arc::new(Self {
            has_metrics,
            works,
            refused: AtomicU64::new(0),
            room: Room::default(),
        })
    }

    async fn serve(self: Arc<Self>, listener: tokio::net::TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.meet(stream, peer.ip()),
                // Of one connection, or no more files may be open: it goes on.
                Err(_) => {
                    self.refuse();
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    fn meet(self: &Arc<Self>, stream: TcpStream, peer: IpAddr) {
        let (mut place, is_full) = self.room.enter(peer);
        if is_full {
            self.refuse();
        }
        let desk = Arc::clone(self);
        tokio::spawn(async move {
            let id = place.id();
            let answer = service_fn(|request| {
                let desk = Arc::clone(&desk);
                async move {
                    desk.room.has_asked(id);
                    Ok::<_, Infallible>(desk.answer(&request).await)
                }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(ASKING)
                .max_buf_size(REQUEST_MAX)
                .max_headers(HEADERS_MAX)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), answer);
            // What a client does wrong is its own trouble.
            tokio::select! {
                _ = tokio::time::timeout(WHOLE, connection) => {}
                () = place.let_go() => {}
            }
        });
    }

    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        let known = match path {
            "/livez" | "/readyz" => true,
            "/metrics" => self.has_metrics,
            _ => false,
        };
        if !known {
            let known = match self.has_metrics {
                true => "there are /livez, /readyz and /metrics\n",
                false => "there are /livez and /readyz; `http.metrics` adds /metrics\n",
            };
            return response(StatusCode::NOT_FOUND, TEXT, known);
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let told = "this is read only: GET or HEAD\n";
            let mut response = response(StatusCode::METHOD_NOT_ALLOWED, TEXT, told);
            let allowed = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(ALLOW, allowed);
            return response;
        }
        let Some(works) = &self.works else {
            return match path {
                "/metrics" => response(StatusCode::OK, FORMAT, metrics::standing_by()),
                _ => probe(&probes::standing_by()),
            };
        };
        if path == "/livez" {
            return probe(&probes::live(works.pulse.quiet()));
        }
        let made = works.latest.look().await;
        match path {
            "/readyz" => probe(&probes::ready(works.pulse.quiet(), &made.answer)),
            _ => {
                let refused = self.refused.load(Ordering::Relaxed);
                response(StatusCode::OK, FORMAT, works.metrics(made, refused))
            }
        }
    }
}

impl Works {
    /// Rendered once for each answer of the pipeline's, however many ask.
    fn metrics(&self, made: Made, refused: u64) -> Bytes {
        let mut last = self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, text)) = &last.text
            && *at == made.at
        {
            return text.clone();
        }
        let quiet = self.pulse.quiet();
        let snapshot = Snapshot {
            ready: probes::ready(quiet, &made.answer).reasons.is_empty(),
            status: made.answer.ok(),
            quiet,
            rings: self.rings.as_ref().map_or_else(Vec::new, Meter::fills),
            refused,
            process: metrics::Process::read(),
        };
        let text = Bytes::from(metrics::render(&snapshot, &mut last.highest));
        last.text = Some((made.at, text.clone()));
        text
    }
}

/// What a probe says: `ok`, or each reason why not; and what else is to be known.
fn probe(verdict: &probes::Verdict) -> Response<Full<Bytes>> {
    let status = match verdict.reasons.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    response(status, TEXT, verdict.to_string())
}

fn response(
    status: StatusCode,
    kind: &'static str,
    text: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_stands_by_lives_and_is_ready_and_hands_its_address_on() {
        use std::io::{Read, Write};
        let config = config::Http {
            address: "127.0.0.1:0".to_owned(),
            metrics: true,
        };
        let http = Http::bind(&config, false).unwrap().unwrap();
        let address = http.address().unwrap();
        let ask = |path: &str| {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            text
        };
        let standing = http.stand_by().unwrap();
        for path in ["/livez", "/readyz"] {
            let answer = ask(path);
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            assert!(answer.contains("\r\n\r\nok\n"), "{answer}");
            assert!(answer.contains("stands by"), "{answer}");
        }
        let metrics = ask("/metrics");
        assert!(metrics.starts_with("HTTP/1.1 200") && metrics.ends_with("\nlapwing_ready 0\n"));
        assert!(ask("/").starts_with("HTTP/1.1 404"));
        drop(standing);
        // Nobody answers, and whoever asks now is answered by the agent that works.
        let waiting = std::net::TcpStream::connect(address).unwrap();
        waiting
            .set_read_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        let error = (&waiting).read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn an_address_in_use_is_refused_or_waited_for() {
        let holder = TcpListener::bind("127.0.0.1:0").unwrap();
        let config = config::Http {
            address: holder.local_addr().unwrap().to_string(),
            ..config::Http::default()
        };
        let refused = format!("{:#}", Http::bind(&config, false).unwrap_err());
        assert!(refused.contains("`http.address`") && refused.contains(&config.address));
        let waits = Http::bind(&config, true).unwrap().unwrap();
        assert_eq!(waits.address(), None);
        drop(holder);
        let had = Http::bind(&config, true).unwrap().unwrap();
        assert_eq!(had.address().unwrap().to_string(), config.address);
        assert!(
            Http::bind(&config::Http::default(), false)
                .unwrap()
                .is_none()
        );
    }
}
