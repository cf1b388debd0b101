//! A stream that keeps why its encryption failed: what speaks HTTP/2 passes on the words alone, and in
//! TLS 1.3 a client's certificate is refused only after the connection was made.

use crate::config::sinks::Tls;
use crate::sink::connection::Stream;
use crate::sink::outcome::Problem;
use crate::sink::tls;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Why, once it has failed.
#[derive(Clone, Default)]
pub struct Why(Arc<Mutex<Option<Problem>>>);

impl Why {
    /// What was found last.
    pub fn problem(&self) -> Option<Problem> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.clone()
    }
}

/// A stream, and what is told of it.
pub struct Watched {
    stream: Stream,
    tls: Tls,
    why: Why,
}

impl Watched {
    /// What is found is told by `why`.
    pub fn new(stream: Stream, tls: &Tls, why: Why) -> Self {
        Self {
            stream,
            tls: tls.clone(),
            why,
        }
    }

    fn look<T>(&self, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(error)) = &poll
            && tls::is_tls(error)
        {
            let mut held = self.why.0.lock().unwrap_or_else(PoisonError::into_inner);
            *held = Some(tls::problem(error, &self.tls));
        }
        poll
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.look(poll)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.look(poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(context);
        self.look(poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(context);
        self.look(poll)
    }
}
