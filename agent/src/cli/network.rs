//! To an agent over TCP: dials, and says in plain words why it is not let in.
//!
//! In TLS 1.3 a client learns that its certificate was refused only when it reads for the first time.
//! An agent speaks first in HTTP/2, so that read is part of dialling here: what fails, fails with
//! its reason, not as a broken call later.

use super::client::{Endpoint, Words};
use crate::tls;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription as Alert, CertificateError, ClientConfig, Error};
use std::fmt;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::codegen::Service;
use tonic::codegen::http::Uri;

/// How long the agent may take until it has said the first word.
const PATIENCE: Duration = Duration::from_secs(10);
/// As much of what the agent says first as is read at once.
const FIRST: usize = 1024;

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    host: String,
    port: u16,
    is_tls: bool,
}

impl Place {
    /// From `https://host:port`, or `http://host:port`. Says what would be right.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no endpoint: write unix:///path, or https://host:port for TLS");
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let host = uri.host().ok_or_else(wrong)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(wrong());
        }
        let port = uri
            .port_u16()
            .ok_or_else(|| format!("`{text}` has no port: write https://{host}:7443"))?;
        Ok(Self {
            host: host.to_owned(),
            port,
            is_tls,
        })
    }
}

/// Why it is not connected, with the remedy.
#[derive(Debug)]
pub(super) struct Trouble(String);

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Trouble {}

/// Dials again whenever the connection is lost.
#[derive(Clone)]
pub(super) struct Dial(Arc<Known>);

struct Known {
    place: Place,
    words: &'static Words,
    tls: Option<(ClientConfig, ServerName<'static>)>,
    authorities: PathBuf,
    certificate: Option<PathBuf>,
}

impl Dial {
    /// Reads the files that are named. Says what is wrong with them.
    pub(super) fn new(endpoint: &Endpoint, place: Place) -> Result<Self, String> {
        let words = endpoint.words;
        let mut known = Known {
            place,
            words,
            tls: None,
            authorities: PathBuf::new(),
            certificate: endpoint.certificate.clone(),
        };
        if !known.place.is_tls {
            return Ok(Self(Arc::new(known)));
        }
        known.authorities = match &endpoint.ca {
            Some(path) => path.clone(),
            None => tls::system()
                .ok_or_else(|| format!("name who vouches for the agent by {}", words.ca))?,
        };
        let roots = tls::authorities(&known.authorities).map_err(|error| {
            let key = words.ca;
            format!("{key}: {error}; it must be of certificates in PEM")
        })?;
        let builder = ClientConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots);
        let mut config = match (&endpoint.certificate, &endpoint.key) {
            (Some(certificate), Some(key)) => {
                let chain = tls::certificates(certificate)
                    .map_err(|error| format!("{}: {error}", words.certificate))?;
                let private =
                    tls::private_key(key).map_err(|error| format!("{}: {error}", words.key))?;
                let config = builder.with_client_auth_cert(chain, private);
                config.map_err(|error| {
                    let (key, certificate) = (key.display(), certificate.display());
                    format!(
                        "{}: {key} and {certificate} do not go together: {error}",
                        words.key
                    )
                })?
            }
            (None, None) => builder.with_no_client_auth(),
            _ => {
                let (certificate, key) = (words.certificate, words.key);
                return Err(format!("{certificate} and {key} go together: give both"));
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        // A connection stands for long; room for sessions would be more of it than all else of TLS.
        config.resumption = Resumption::disabled();
        let name = endpoint.server_name.as_ref().unwrap_or(&known.place.host);
        let name = ServerName::try_from(name.clone())
            .map_err(|_| format!("{}: `{name}` can be in no certificate", words.server_name))?;
        known.tls = Some((config, name));
        Ok(Self(Arc::new(known)))
    }
}

impl Known {
    async fn dial(&self) -> Result<Connection, Trouble> {
        let Place { host, port, .. } = &self.place;
        let late = |_| Trouble(format!("it says nothing for {} s", PATIENCE.as_secs()));
        let dialled = TcpStream::connect((host.as_str(), *port));
        let stream = tokio::time::timeout(PATIENCE, dialled)
            .await
            .map_err(late)?
            .map_err(|error| {
                Trouble(format!(
                    "{error}; does `lapwing agent` run there with `listen.address`, and may this host \
                     reach it?"
                ))
            })?;
        let _ = stream.set_nodelay(true);
        let Some((config, name)) = &self.tls else {
            let io = Io::Plain(stream);
            return self.first(io).await.map_err(|_| {
                Trouble(
                    "it does not speak HTTP/2 without TLS: write https:// for an agent with \
                     certificates"
                        .to_owned(),
                )
            });
        };
        let connector = TlsConnector::from(Arc::new(config.clone()));
        let connected = async {
            let stream = connector.connect(name.clone(), stream).await?;
            self.first(Io::Tls(Box::new(stream))).await
        };
        tokio::time::timeout(PATIENCE, connected)
            .await
            .map_err(late)?
            .map_err(|error| Trouble(self.why(&error)))
    }

    /// Waits for what the agent says first.
    async fn first(&self, mut io: Io) -> io::Result<Connection> {
        if !self.place.is_tls {
            // The beginning of HTTP/2 is sent by who takes the connection over. One that speaks TLS
            // waits for that, so whether it does is known only when it does not speak up.
            let mut first = vec![0; FIRST];
            let read = tokio::time::timeout(PATIENCE / 4, io.read(&mut first)).await;
            let count = read.map_err(|_| io::ErrorKind::TimedOut)??;
            return Connection::begun(io, first, count);
        }
        io.flush().await?;
        let mut first = vec![0; FIRST];
        let count = io.read(&mut first).await?;
        Connection::begun(io, first, count)
    }

    fn why(&self, error: &io::Error) -> String {
        let words = self.words;
        let inner = error.get_ref();
        let authorities = self.authorities.display();
        let Some(inner) = inner.and_then(|inner| inner.downcast_ref::<Error>()) else {
            return format!("the connection broke while it was set up: {error}");
        };
        let certificate = self.certificate.as_ref().map(|path| path.display());
        match (inner, certificate) {
            (Error::InvalidCertificate(why), _) => match why {
                CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
                    "nobody in {authorities} vouches for the agent's certificate: is it the right \
                     agent? Then name its authority by {}",
                    words.ca
                ),
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => format!(
                    "TLS: {inner}; if it is the right agent, give a name in its certificate by {}",
                    words.server_name
                ),
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    "the agent's certificate has expired: it needs a new one; or this host's clock is \
                     wrong"
                        .to_owned()
                }
                _ => format!("TLS: {inner}; the agent needs another certificate"),
            },
            (Error::AlertReceived(Alert::CertificateExpired), Some(path)) => format!(
                "the agent does not let {path} in: it has expired, get a new one; or the clock there is \
                 wrong"
            ),
            (Error::AlertReceived(Alert::UnknownCA | Alert::DecryptError), Some(path)) => format!(
                "the agent does not let {path} in: its authorities (`listen.clientAuthority`) do not \
                 vouch for it"
            ),
            (Error::AlertReceived(alert), Some(path)) => {
                format!("the agent does not let {path} in: TLS alert {alert:?}")
            }
            (Error::AlertReceived(_), None) => format!(
                "the agent wants a certificate: give one by {} and {}",
                words.certificate, words.key
            ),
            (Error::InvalidMessage(_), _) => {
                "it does not speak TLS there: is the port right?".to_owned()
            }
            _ => format!("TLS: {inner}"),
        }
    }
}

impl Service<Uri> for Dial {
    type Response = hyper_util::rt::TokioIo<Connection>;
    type Error = Trouble;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Trouble>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Trouble>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let known = Arc::clone(&self.0);
        Box::pin(async move { known.dial().await.map(hyper_util::rt::TokioIo::new) })
    }
}

enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection on which the agent has spoken.
pub(super) struct Connection {
    /// What it said, as far as nobody has read it.
    first: Vec<u8>,
    io: Io,
}

impl Connection {
    fn begun(io: Io, mut first: Vec<u8>, count: usize) -> io::Result<Self> {
        if count == 0 {
            let why = "the agent ended it; its log says why";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, why));
        }
        first.truncate(count);
        Ok(Self { first, io })
    }
}

macro_rules! each {
    ($io:expr, $stream:ident => $do:expr) => {
        match $io {
            Io::Plain($stream) => $do,
            Io::Tls($stream) => $do,
        }
    };
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_read(context, buffer))
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_shutdown(context))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.first.is_empty() {
            return Pin::new(&mut this.io).poll_read(context, buffer);
        }
        let count = this.first.len().min(buffer.remaining());
        buffer.put_slice(&this.first[..count]);
        this.first.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_has_a_scheme_a_host_and_a_port() {
        for (text, host, is_tls) in [
            ("https://node1.example.org:7443", "node1.example.org", true),
            ("https://[2001:db8::1]:7443/", "2001:db8::1", true),
            ("http://127.0.0.1:7443", "127.0.0.1", false),
        ] {
            let place = Place::parse(text).unwrap();
            assert_eq!((place.host.as_str(), place.port), (host, 7443));
            assert_eq!(place.is_tls, is_tls);
        }
        for (text, told) in [
            ("node1:7443", "https://host:port"),
            ("ftp://node1:7443", "https://host:port"),
            ("https://node1", "no port"),
            ("https://node1:7443/v1", "https://host:port"),
            ("https://node1:7443/?x", "https://host:port"),
            ("unix://relative", "unix:///path"),
            ("", "unix:///path"),
        ] {
            let error = Place::parse(text).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }
}
