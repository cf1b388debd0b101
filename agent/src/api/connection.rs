//! One connection to the API, of any kind, and who is at its other end.
//!
//! A client that says nothing is ended after a time: before HTTP/2 begins by this module, later by
//! the pings of HTTP/2. Those alone would not end one that no longer reads: the last word of HTTP/2 would
//! wait for it too, and its buffers with it. So this module also ends what takes no byte for as long as a
//! ping and its answer may take. A connection also ends when the certificate that let it in expires; it is
//! not asked for again while the connection lasts.

use super::access::Caller;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

/// Bytes by which a client begins HTTP/2: RFC 9113, section 3.4.
const PREFACE: usize = 24;
/// How often it is looked at whether a certificate has expired, at the least: clocks are set.
const LOOK: Duration = Duration::from_secs(3600);

/// A connection.
pub(super) struct Connection {
    io: Io,
    caller: Caller,
    watchdog: Option<Watchdog>,
}

enum Io {
    Unix(UnixStream),
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// How long a client may be silent.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until it begins HTTP/2.
    pub begin: Duration,
    /// Between two pings.
    pub ping: Duration,
    /// Until it answers one.
    pub pong: Duration,
}

/// When a connection ends by itself.
struct Watchdog {
    sleep: Pin<Box<Sleep>>,
    /// Bytes that have to come before it rests.
    owed: usize,
    /// When the client's certificate expires, since the Unix epoch.
    expires: Option<Duration>,
    /// How long the client may take no byte, and until when, while it takes none.
    idle: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    /// Makes room for another when it is dropped.
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    /// From the Unix socket.
    pub(super) fn unix(stream: UnixStream) -> Self {
        Self {
            io: Io::Unix(stream),
            caller: Caller::Local,
            watchdog: None,
        }
    }

    /// Over TCP, as it is. The client has so long to begin.
    pub(super) fn plain(
        stream: TcpStream,
        caller: Caller,
        patience: Patience,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            io: Io::Plain(stream),
            caller,
            watchdog: Some(Watchdog::new(patience, None, permit)),
        }
    }

    /// Over TCP, encrypted, until the client's certificate expires.
    pub(super) fn tls(
        stream: TlsStream<TcpStream>,
        caller: Caller,
        patience: Patience,
        expires: Duration,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            io: Io::Tls(Box::new(stream)),
            caller,
            watchdog: Some(Watchdog::new(patience, Some(expires), permit)),
        }
    }
}

impl Watchdog {
    fn new(patience: Patience, expires: Option<Duration>, permit: OwnedSemaphorePermit) -> Self {
        Self {
            sleep: Box::pin(tokio::time::sleep(patience.begin)),
            owed: PREFACE,
            expires,
            idle: patience.ping + patience.pong,
            stalled: None,
            _permit: permit,
        }
    }

    /// Something came.
    fn heard(&mut self, bytes: usize) {
        if self.owed > 0 {
            self.owed = self.owed.saturating_sub(bytes);
            if self.owed == 0 {
                self.rest();
            }
        }
    }

    /// Sleeps until the certificate may have expired.
    fn rest(&mut self) {
        let left = self.expires.map_or(LOOK, |at| at.saturating_sub(now()));
        self.sleep.as_mut().reset(Instant::now() + left.min(LOOK));
    }

    /// What a write came to; one that waits for too long fails.
    fn wrote<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let idle = self.idle;
        let stalled = (self.stalled).get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
        match stalled.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the client does not read",
            ))),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Whether it is time to end.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        while self.sleep.as_mut().poll(context).is_ready() {
            let why = match self.expires {
                _ if self.owed > 0 => "the client does not begin",
                Some(at) if at <= now() => "the client's certificate has expired",
                _ => {
                    self.rest();
                    continue;
                }
            };
            return Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, why));
        }
        Poll::Pending
    }
}

fn now() -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap_or_default()
}

impl Connected for Connection {
    type ConnectInfo = Caller;

    fn connect_info(&self) -> Caller {
        self.caller.clone()
    }
}

macro_rules! each {
    ($io:expr, $stream:ident => $do:expr) => {
        match $io {
            Io::Unix($stream) => $do,
            Io::Plain($stream) => $do,
            Io::Tls($stream) => $do,
        }
    };
}

impl Connection {
    fn wrote<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match &mut self.watchdog {
            Some(watchdog) => watchdog.wrote(context, written),
            None => written,
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = each!(&mut this.io, stream => Pin::new(stream).poll_read(context, buffer));
        let Some(watchdog) = &mut this.watchdog else {
            return read;
        };
        watchdog.heard(buffer.filled().len() - before);
        // Also while much comes: a busy client's certificate expires too.
        match watchdog.poll(context) {
            Poll::Ready(error) => Poll::Ready(Err(error)),
            Poll::Pending => read,
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = each!(&mut this.io, stream => Pin::new(stream).poll_write(context, bytes));
        this.wrote(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written =
            each!(&mut this.io, stream => Pin::new(stream).poll_write_vectored(context, parts));
        this.wrote(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        each!(&self.io, stream => stream.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = each!(&mut this.io, stream => Pin::new(stream).poll_flush(context));
        this.wrote(context, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = each!(&mut this.io, stream => Pin::new(stream).poll_shutdown(context));
        this.wrote(context, shut)
    }
}
