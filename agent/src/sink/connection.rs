//! A connection, encrypted or not.

use super::address::Address;
use super::outcome::{Kind, Problem};
use super::tls;
use crate::config::sinks::Tls;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A connection.
pub enum Stream {
    /// As it is.
    Plain(TcpStream),
    /// Encrypted.
    Tls(Box<TlsStream<TcpStream>>),
}

/// Connects; a caller that does not want to wait for as long as the system does sets a time.
///
/// # Errors
/// Why not, and what could be done.
pub async fn connect(address: &Address, tls: Option<&Tls>) -> Result<Stream, Problem> {
    connect_for(address, tls, &[]).await
}

/// As [`connect`], for protocols that are told to the other end where the connection is encrypted.
///
/// # Errors
/// As [`connect`].
pub async fn connect_for(
    address: &Address,
    tls: Option<&Tls>,
    protocols: &[&[u8]],
) -> Result<Stream, Problem> {
    // Files first: what is wrong with them is known without the receiver.
    let encrypted = match tls {
        Some(tls) => Some((
            tls,
            tls::client(tls, protocols)?,
            tls::server_name(tls, &address.host)?,
        )),
        None => None,
    };
    let stream = TcpStream::connect((address.host.as_str(), address.port))
        .await
        .map_err(|error| {
            Problem::new(
                Kind::Unreachable,
                format!("cannot reach {address}: {error}"),
                "does the receiver run, and may this host reach it?",
            )
        })?;
    // Batches are whole, there is nothing to wait for; and a peer that is gone is noticed.
    let _ = stream.set_nodelay(true);
    let _ = rustix::net::sockopt::set_socket_keepalive(&stream, true);
    match encrypted {
        None => Ok(Stream::Plain(stream)),
        Some((tls, config, name)) => TlsConnector::from(config)
            .connect(name, stream)
            .await
            .map(|stream| Stream::Tls(Box::new(stream)))
            .map_err(|error| tls::problem(&error, tls)),
    }
}

impl Stream {
    /// The socket below.
    pub fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
