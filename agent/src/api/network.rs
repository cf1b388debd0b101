//! The API over TCP: accepts connections, and finds out who is there.
//!
//! The files of certificates are looked at for each connection, and read when they have changed, so
//! that renewed ones need no restart; while the new ones cannot be used the old ones stay, and the
//! status says why. Where files are missing when an agent starts it takes the address and does not listen
//! on it: whoever connects is refused by the system, and need not wait, until the files have come. Sessions are not resumed: each connection shows its certificate anew, to the
//! authorities of today. Before a client is known it costs a task and a socket, for a bounded time;
//! both the handshakes and the connections at a time are bounded.

mod held;

pub use held::Material;

use super::access::{ANONYMOUS, Caller, Remote, Rights};
use super::connection::{Connection, Patience};
use super::identity::{self, Pattern};
use crate::config::{Files, Listen};
use anyhow::{Context, Result, anyhow};
use held::Held;
use lapwing_profile::text::visible;
use lapwing_proto::{timestamp, v1};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};
use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_rustls::TlsAcceptor;

/// How often clients are asked whether they live, and how long they may take to say so.
const PING: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(20);
/// Clients at a time of which it is not known yet who they are.
const HANDSHAKES: usize = 256;
/// What is said when it does.
const LISTENS: &str = "the API listens with mutual TLS";
/// How many connections wait with the system until they are accepted.
const BACKLOG: i32 = 128;
/// How often it is looked whether files that were missing have come.
const LOOK: Duration = Duration::from_secs(2);
/// Least time between two lines in the log about connections that were not let in.
const QUIET: Duration = Duration::from_secs(1);

/// Listens over TCP.
pub struct Network {
    listener: TcpListener,
    shared: Arc<Shared>,
    pings: (Duration, Duration),
}

/// The state of it.
pub(crate) struct Shared {
    address: SocketAddr,
    held: Option<Mutex<Held>>,
    rights: Vec<(Pattern, Rights)>,
    /// How long a client may take until it is known, and then until it begins HTTP/2.
    begin: Duration,
    most: usize,
    room: Arc<Semaphore>,
    refused: AtomicU64,
    /// When one was last told of in the log, and how many were not since then.
    told: Mutex<(Option<Instant>, u64)>,
    /// Calls that were not allowed.
    pub(super) denied: Arc<AtomicU64>,
}

/// All that listening needs but the address: read, and found to be right.
pub struct Prepared {
    address: SocketAddr,
    held: Option<Held>,
    rights: Vec<(Pattern, Rights)>,
    listen: Listen,
}

impl Prepared {
    /// Reads what is configured; `None` where it listens not at all.
    ///
    /// # Errors
    /// When something is wrong with the configuration or its files, or one of these is missing.
    pub fn new(listen: &Listen) -> Result<Option<Self>> {
        Self::with(listen, Held::new)
    }

    /// The same, but while files of certificates are missing they are waited for.
    ///
    /// # Errors
    /// When something is wrong with the configuration, or the files that are there.
    pub fn awaited(listen: &Listen) -> Result<Option<Self>> {
        Self::with(listen, Held::awaited)
    }

    fn with(listen: &Listen, read: fn(Files) -> Result<Held>) -> Result<Option<Self>> {
        let wrong = |(key, message): (&str, String)| anyhow!("`{key}`: {message}");
        let Some(address) = listen.address().map_err(wrong)? else {
            return Ok(None);
        };
        let held = match listen.files().map_err(wrong)? {
            Some(files) => Some(read(files)?),
            None => None,
        };
        Ok(Some(Self {
            address,
            held,
            rights: listen.rights().map_err(wrong)?,
            listen: listen.clone(),
        }))
    }

    /// Where it is to listen.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes the address, and listens on it unless files are waited for.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub fn take(&self) -> io::Result<TcpListener> {
        if waits(self.held.as_ref()) {
            return reserve(self.address);
        }
        let listener = TcpListener::bind(self.address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }
}

/// Whether files are waited for.
fn waits(held: Option<&Held>) -> bool {
    held.is_some_and(|held| held.config().is_none())
}

/// Takes an address without listening on it.
fn reserve(address: SocketAddr) -> io::Result<TcpListener> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &address)?;
    Ok(socket.into())
}

/// Listens on an address that was taken, and accepts.
fn open(taken: &TcpListener) -> io::Result<tokio::net::TcpListener> {
    listen(taken, BACKLOG)?;
    tokio::net::TcpListener::from_std(taken.try_clone()?)
}

/// Says of an address that it cannot be had, and what to do.
pub fn no_address(address: SocketAddr) -> String {
    format!("cannot listen on {address}; set `listen.address` to one that is free here")
}

impl Network {
    /// Listens as configured; `None` where that is not at all.
    ///
    /// # Errors
    /// When something is wrong with the configuration or its files, or the address cannot be had.
    pub fn bind(listen: &Listen) -> Result<Option<Self>> {
        let prepared = Prepared::new(listen)?;
        prepared.map(|it| Self::new(it, None)).transpose()
    }

    /// Listens, on an address that was taken or else is taken here.
    ///
    /// # Errors
    /// When it cannot be had.
    pub fn new(prepared: Prepared, listener: Option<TcpListener>) -> Result<Self> {
        let listener = match listener {
            Some(listener) => listener,
            None => { prepared.take() }.with_context(|| no_address(prepared.address))?,
        };
        let Prepared {
            held,
            rights,
            listen,
            ..
        } = prepared;
        let address = listener.local_addr().context("no address")?;
        match &held {
            Some(held) if waits(Some(held)) => tracing::warn!(
                %address,
                "the API does not listen on the network yet: {}",
                held.trouble()
            ),
            Some(_) => tracing::info!(%address, "{LISTENS}"),
            None => tracing::warn!("{}", listen.warning()),
        }
        let shared = Arc::new(Shared {
            address,
            held: held.map(Mutex::new),
            rights,
            begin: listen.handshake_timeout.duration(),
            most: listen.connections,
            room: Arc::new(Semaphore::new(listen.connections)),
            refused: AtomicU64::new(0),
            told: Mutex::default(),
            denied: Arc::default(),
        });
        Ok(Self {
            listener,
            shared,
            pings: (PING, PONG),
        })
    }

    /// Asks clients each time that `ping` has passed whether they live, and ends those that do not say so
    /// for `pong`, or take no byte for as long as both.
    #[must_use]
    pub const fn with_pings(mut self, ping: Duration, pong: Duration) -> Self {
        self.pings = (ping, pong);
        self
    }

    pub(super) const fn pings(&self) -> (Duration, Duration) {
        self.pings
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Begins to accept, now or when the files that are waited for have come, until the agent ends.
    ///
    /// # Errors
    /// When the system does not let it.
    pub(super) fn accept(
        self,
        ending: watch::Receiver<bool>,
    ) -> Result<mpsc::Receiver<Result<Connection, Infallible>>> {
        let listener = match self.shared.waits() {
            true => None,
            false => Some(open(&self.listener).context("cannot listen over TCP")?),
        };
        let (sender, receiver) = mpsc::channel(16);
        let patience = Patience {
            begin: self.shared.begin,
            ping: self.pings.0,
            pong: self.pings.1,
        };
        tokio::spawn(async move {
            let mut ends = ending.clone();
            let listener = match listener {
                Some(listener) => listener,
                None => tokio::select! {
                    listener = self.shared.opened(&self.listener) => listener,
                    _ = ends.wait_for(|ending| *ending) => return,
                    () = sender.closed() => return,
                },
            };
            drop(self.listener);
            accept(listener, self.shared, patience, sender, ending).await;
        });
        Ok(receiver)
    }
}

async fn accept(
    listener: tokio::net::TcpListener,
    shared: Arc<Shared>,
    patience: Patience,
    sender: mpsc::Sender<Result<Connection, Infallible>>,
    mut ending: watch::Receiver<bool>,
) {
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        let accepted = async {
            // More than that wait with the system.
            let handshake = Arc::clone(&handshakes).acquire_owned().await;
            (handshake, listener.accept().await)
        };
        let (handshake, accepted) = tokio::select! {
            accepted = accepted => accepted,
            _ = ending.wait_for(|ending| *ending) => return,
            () = sender.closed() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Of one connection, or no more files may be open: it goes on.
                shared.refuse(None, &format!("cannot be accepted: {error}"));
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&shared.room).try_acquire_owned() else {
            let why = "is one too many: `listen.connections` bounds them";
            shared.refuse(Some(peer), why);
            continue;
        };
        let (shared, sender) = (Arc::clone(&shared), sender.clone());
        tokio::spawn(async move {
            let known = shared.meet(stream, patience, permit).await;
            drop(handshake);
            match known {
                // If nobody serves any more the connection ends.
                Ok(connection) => drop(sender.send(Ok(connection)).await),
                Err(why) => shared.refuse(Some(peer), &why),
            }
        });
    }
}

impl Shared {
    fn held(&self) -> Option<MutexGuard<'_, Held>> {
        let held = self.held.as_ref()?;
        Some(held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn waits(&self) -> bool {
        waits(self.held().as_deref())
    }

    /// Waits for the files, and listens.
    async fn opened(&self, taken: &TcpListener) -> tokio::net::TcpListener {
        let mut told = false;
        loop {
            tokio::time::sleep(LOOK).await;
            if let Some(mut held) = self.held() {
                held.look();
            }
            if self.waits() {
                continue;
            }
            match open(taken) {
                Ok(listener) => {
                    tracing::info!(address = %self.address, "{LISTENS}");
                    return listener;
                }
                Err(error) if !told => {
                    told = true;
                    tracing::error!("{}: {error}; it is tried again", no_address(self.address));
                }
                Err(_) => {}
            }
        }
    }

    /// Finds out who is there.
    async fn meet(
        &self,
        stream: TcpStream,
        patience: Patience,
        permit: OwnedSemaphorePermit,
    ) -> Result<Connection, String> {
        // Reports are whole: there is nothing to wait for.
        let _ = stream.set_nodelay(true);
        let config = {
            let Some(mut held) = self.held() else {
                let caller = self.caller(&[ANONYMOUS.to_owned()]);
                return Ok(Connection::plain(stream, caller, patience, permit));
            };
            held.look();
            held.config().ok_or("comes before the certificates")?
        };
        let handshake = TlsAcceptor::from(config).accept(stream);
        let stream = tokio::time::timeout(self.begin, handshake)
            .await
            .map_err(|_| "took too long to say who it is".to_owned())?
            .map_err(|error| why(&error))?;
        let certificate = stream.get_ref().1.peer_certificates();
        let certificate = certificate.and_then(|chain| chain.first());
        let certificate = certificate.ok_or("presented no certificate")?;
        let presented = identity::read(certificate)
            .map_err(|error| format!("has a certificate that cannot be read: {error}"))?;
        let caller = self.caller(&presented.identities);
        let expires = presented.expires;
        Ok(Connection::tls(stream, caller, patience, expires, permit))
    }

    /// The first entry that names one of the identities says what they may.
    fn caller(&self, identities: &[String]) -> Caller {
        let named = self.rights.iter().find_map(|(pattern, rights)| {
            let identity = identities.iter().find(|identity| pattern.names(identity))?;
            Some((identity, rights))
        });
        let remote = match named {
            Some((identity, rights)) => Remote {
                identity: identity.clone(),
                rights: Some(rights.clone()),
            },
            None => Remote {
                identity: match identities.first() {
                    Some(identity) => identity.clone(),
                    None => "a certificate without a URI, a DNS name or a common name".to_owned(),
                },
                rights: None,
            },
        };
        Caller::Remote(Arc::new(remote))
    }

    fn refuse(&self, peer: Option<SocketAddr>, why: &str) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, unsaid) = &mut *told;
        if last.is_some_and(|last| last.elapsed() < QUIET) {
            *unsaid += 1;
            return;
        }
        let peer = peer.map_or_else(|| "a client".to_owned(), |peer| peer.to_string());
        tracing::warn!(unsaid, "not let in: {peer} {}", visible(why));
        (*last, *unsaid) = (Some(Instant::now()), 0);
    }

    /// For `lapwing status`.
    pub(crate) fn status(&self) -> v1::get_status_response::Listener {
        let held = self.held();
        let expires = held.as_ref().and_then(|held| held.expires());
        v1::get_status_response::Listener {
            address: self.address.to_string(),
            insecure: held.is_none(),
            connections: self.most.saturating_sub(self.room.available_permits()) as u32,
            refused: self.refused.load(Ordering::Relaxed),
            denied: self.denied.load(Ordering::Relaxed),
            certificate_expires: expires
                .map(|expires| timestamp(i64::try_from(expires.as_nanos()).unwrap_or(i64::MAX))),
            waiting: waits(held.as_deref()),
            trouble: held.map_or_else(String::new, |held| held.trouble()),
        }
    }
}

/// Why a handshake failed, behind the address of the client.
fn why(error: &io::Error) -> String {
    use rustls::{AlertDescription as Alert, CertificateError as Certificate, Error};
    let inner = error.get_ref();
    let told = match inner.and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::NoCertificatesPresented) => "presented no certificate",
        Some(Error::InvalidCertificate(
            Certificate::Expired | Certificate::ExpiredContext { .. },
        )) => "has a certificate that has expired; or this host's clock is wrong",
        Some(Error::InvalidCertificate(Certificate::UnknownIssuer | Certificate::BadSignature)) => {
            "has a certificate for which no authority in `listen.clientAuthority` vouches"
        }
        Some(Error::InvalidMessage(_)) => "does not speak TLS",
        Some(Error::AlertReceived(Alert::UnknownCA)) => {
            "does not know the authority of the agent's certificate"
        }
        Some(Error::AlertReceived(Alert::CertificateExpired)) => {
            "says that the agent's certificate has expired"
        }
        _ => return format!("failed: {error}"),
    };
    told.to_owned()
}
