//! Syslog, RFC 5424: over TLS (RFC 5425), TCP (RFC 6587) and UDP (RFC 5426).
//!
//! Syslog has no answers, so what can be known is asked of the connection. A batch counts as
//! delivered when the other side's system has acknowledged every byte of it, and not when it was
//! written into a buffer of this one's. A connection that is later found reset had bytes that
//! nobody read: the batch before is sent once more, on the first connection that can be made. In TLS 1.3 a server refuses a client's
//! certificate only after the client may write: the first batch of a connection waits a moment for
//! that. Over UDP nothing of this can be known.

use super::Origin;
use super::address::Address;
use super::connection::{Stream, connect};
use super::outcome::{Kind, Outcome, Problem};
use super::record::Record;
use super::tls;
use crate::config::sinks::{self, Framing, Over};
use lapwing_encode::syslog::{Header, Message, octet_counted};
use lapwing_encode::{Encoder, Encoding, Product};
use std::io;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;
use tokio::time::{sleep, timeout};

/// How long a server has to refuse the client, at least; else four times what connecting took.
const GRACE: Duration = Duration::from_millis(250);
/// And at most.
const GRACE_MAX: Duration = Duration::from_secs(2);

/// Most bytes that are kept to be sent once more where a connection begins with such ones.
const KEPT: usize = 4 << 20;

/// A receiver and the connection to it.
pub struct Syslog {
    config: sinks::Syslog,
    address: Address,
    header: Header,
    encoder: Encoder,
    timeout: Duration,
    connection: Option<Connection>,
    /// What was sent by a connection that broke and perhaps was not read: the next one begins with it.
    unconfirmed: Vec<u8>,
}

struct Connection {
    stream: Stream,
    /// What was sent last.
    last: Vec<u8>,
}

/// How a connection is found.
enum Found {
    Open,
    /// The other side ended it, and had read everything.
    Ended,
    /// It broke.
    Broken(io::Error),
}

impl Syslog {
    /// Of a configuration that was checked.
    pub fn new(
        config: &sinks::Syslog,
        encoding: Encoding,
        origin: &Origin,
        timeout: Duration,
    ) -> Self {
        let address = match Address::parse(&config.address) {
            Ok(address) => address,
            Err(message) => unreachable!("it was checked: {message}"),
        };
        Self {
            header: Header {
                facility: config.facility,
                enterprise: config.enterprise,
                hostname: origin.node.clone(),
                procid: std::process::id().to_string(),
                ..Header::default()
            },
            config: config.clone(),
            encoder: Encoder::new(encoding, Product::lapwing(env!("CARGO_PKG_VERSION"))),
            address,
            timeout,
            connection: None,
            unconfirmed: Vec::new(),
        }
    }

    /// Sends them.
    pub async fn send(&mut self, records: &[Record]) -> Outcome {
        let limit = self.timeout;
        let sent = timeout(limit, async {
            match self.config.over {
                Over::Udp => self.datagrams(records).await,
                Over::Tcp | Over::Tls => self.stream(records).await,
            }
        });
        match sent.await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(problem)) => Outcome::Not(problem),
            Err(_) => {
                let (address, milliseconds) = (&self.address, limit.as_millis());
                Outcome::Not(Problem::new(
                    Kind::Unreachable,
                    format!("{address} did not acknowledge a batch in {milliseconds} ms"),
                    "is the receiver overloaded? Else give it more `timeout`",
                ))
            }
        }
    }

    async fn stream(&mut self, records: &[Record]) -> Result<Outcome, Problem> {
        let mut text = Vec::new();
        for record in records {
            let message = self.message(record);
            match self.config.framing {
                Framing::OctetCounting => text.extend(octet_counted(&message)),
                Framing::Newline => {
                    text.extend_from_slice(&message);
                    text.push(b'\n');
                }
            }
        }
        // While it is used it is not kept, so that a failure leaves none, wherever this ends.
        let kept = match self.connection.take() {
            None => None,
            Some(mut kept) => {
                self.unconfirmed = kept.last;
                match found(&mut kept.stream).await {
                    Found::Open => Some(kept.stream),
                    Found::Ended => {
                        self.unconfirmed.clear();
                        None
                    }
                    Found::Broken(_) => None,
                }
            }
        };
        let fresh = kept.is_none();
        let encrypted = self.config.over == Over::Tls;
        let begun = Instant::now();
        let mut stream = match kept {
            Some(stream) => stream,
            None => connect(&self.address, encrypted.then_some(&self.config.tls)).await?,
        };
        let took = begun.elapsed();
        let written = async {
            if fresh {
                stream.write_all(&self.unconfirmed).await?;
            }
            stream.write_all(&text).await?;
            stream.flush().await?;
            acknowledged(&stream).await
        };
        // A server that refuses says why before it ends, and the write may fail before that is read.
        let written = written.await;
        let found = match &written {
            Ok(()) if fresh && encrypted => {
                let grace = (took * 4).clamp(GRACE, GRACE_MAX);
                found_within(&mut stream, grace).await
            }
            Ok(()) => found(&mut stream).await,
            Err(_) => found_within(&mut stream, GRACE).await,
        };
        match (found, written) {
            (Found::Broken(error), _) | (Found::Open | Found::Ended, Err(error)) => {
                Err(self.broken(&error))
            }
            (Found::Ended, Ok(())) if fresh => {
                let error = io::Error::from(io::ErrorKind::UnexpectedEof);
                Err(self.broken(&error))
            }
            (Found::Ended, Ok(())) => {
                self.unconfirmed.clear();
                Ok(self.acknowledged(records.len()))
            }
            (Found::Open, Ok(())) => {
                let before = std::mem::take(&mut self.unconfirmed);
                // That its system has it says no more of what came before than of this.
                let last = match fresh && before.len() + text.len() <= KEPT {
                    true => [before, text].concat(),
                    false => text,
                };
                self.connection = Some(Connection { stream, last });
                Ok(self.acknowledged(records.len()))
            }
        }
    }

    /// As long as receivers take it, and no longer.
    fn message(&self, record: &Record) -> Vec<u8> {
        let (item, limit) = (&record.response, self.config.max_bytes);
        Message::of(item, record.body.clone(), &self.header).map_or_else(Vec::new, |message| {
            message.within(item, &self.encoder, limit).to_bytes(limit)
        })
    }

    fn acknowledged(&self, count: usize) -> Outcome {
        let address = &self.address;
        Outcome::taken(format!(
            "{address} acknowledged the bytes of {count} messages; syslog has no other answers"
        ))
    }

    fn broken(&self, error: &io::Error) -> Problem {
        if tls::is_tls(error) {
            return tls::problem(error, &self.config.tls);
        }
        Problem::new(
            Kind::Unreachable,
            format!("{} ended the connection: {error}", self.address),
            match self.config.over == Over::Tls && self.config.tls.certificate.is_none() {
                true => "see the receiver's log for why: it may want a `tls.certificate`",
                false => "see the receiver's log for why",
            },
        )
    }

    async fn datagrams(&self, records: &[Record]) -> Result<Outcome, Problem> {
        let unreachable = |error: io::Error| {
            Problem::new(
                Kind::Unreachable,
                format!("cannot send to {}: {error}", self.address),
                "does the receiver run, and may this host reach it?",
            )
        };
        let (host, port) = (self.address.host.as_str(), self.address.port);
        let mut found = tokio::net::lookup_host((host, port))
            .await
            .map_err(unreachable)?;
        let address = found
            .next()
            .ok_or_else(|| unreachable(io::Error::other("its name has no address")))?;
        let any = if address.is_ipv4() {
            "0.0.0.0:0"
        } else {
            "[::]:0"
        };
        let socket = UdpSocket::bind(any).await.map_err(unreachable)?;
        socket.connect(address).await.map_err(unreachable)?;
        for record in records {
            socket
                .send(&self.message(record))
                .await
                .map_err(unreachable)?;
        }
        // A host that has no such receiver says so at once, if nothing between keeps that back.
        sleep(Duration::from_millis(5)).await;
        if let Ok(Some(error)) = socket.take_error() {
            return Err(unreachable(error));
        }
        Ok(Outcome::taken(
            "sent; over UDP nobody says whether it arrived",
        ))
    }
}

/// Waits until the other side's system has all that was written.
async fn acknowledged(stream: &Stream) -> io::Result<()> {
    let mut pause = Duration::from_micros(200);
    while crate::kernel::unacknowledged(stream.socket())? > 0 {
        // What a connection that was reset had not acknowledged stays so.
        if let Some(error) = stream.socket().take_error()? {
            return Err(error);
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
    Ok(())
}

async fn found(stream: &mut Stream) -> Found {
    found_within(stream, Duration::ZERO).await
}

/// How a connection is found, or becomes in some time.
async fn found_within(stream: &mut Stream, wait: Duration) -> Found {
    let until = tokio::time::Instant::now() + wait;
    // Receivers have nothing to say.
    let mut bytes = [0; 256];
    loop {
        match tokio::time::timeout_at(until, stream.read(&mut bytes)).await {
            Err(_) => return Found::Open,
            Ok(Ok(0)) => return Found::Ended,
            Ok(Ok(_)) => {}
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return Found::Ended,
            Ok(Err(error)) => return Found::Broken(error),
        }
    }
}
