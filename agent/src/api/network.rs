//! The API over TCP: accepts connections, and finds out who is there.
//!
//! The files of certificates are looked at for each connection, and read when they have changed, so
//! that renewed ones need no restart; while the new ones cannot be used the old ones stay, and the
//! status says why. Sessions are not resumed: each connection shows its certificate anew, to the
//! authorities of today. Before a client is known it costs a task and a socket, for a bounded time;
//! both the handshakes and the connections at a time are bounded.

use super::access::{ANONYMOUS, Caller, Remote, Rights};
use super::connection::{Connection, Patience};
use super::identity::{self, Pattern};
use crate::config::{Files, Listen};
use crate::{clock, tls};
use anyhow::{Context, Result, anyhow};
use lapwing_profile::text::visible;
use lapwing_proto::{timestamp, v1};
use rustls::ServerConfig;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_rustls::TlsAcceptor;

/// How often clients are asked whether they live, and how long they may take to say so.
const PING: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(20);
/// Clients at a time of which it is not known yet who they are.
const HANDSHAKES: usize = 256;
/// Least time between two lines in the log about connections that were not let in.
const QUIET: Duration = Duration::from_secs(1);

/// What TLS needs, as it was read.
pub struct Material {
    config: Arc<ServerConfig>,
    /// When the agent's certificate expires, since the Unix epoch.
    expires: Duration,
}

impl Material {
    /// Reads the files.
    ///
    /// # Errors
    /// The key of the file that is wrong, and what would be right.
    pub fn load(files: &Files) -> Result<Self, (&'static str, String)> {
        let [certificate, key, authority] = files.all().map(|(key, path)| {
            move |error: String| {
                let what = match key {
                    "listen.key" => "a private key",
                    "listen.clientAuthority" => "certificates of authorities",
                    _ => "certificates",
                };
                let path = path.display();
                let told = match error.contains(&*path.to_string()) {
                    true => error,
                    false => format!("{path}: {error}"),
                };
                let remedy = "in PEM, readable for the agent's user";
                (key, format!("{told}; it names a file of {what} {remedy}"))
            }
        });
        let chain = tls::certificates(&files.certificate).map_err(&certificate)?;
        let presented = identity::read(&chain[0]).map_err(&certificate)?;
        let private = tls::private_key(&files.key).map_err(&key)?;
        let roots = tls::authorities(&files.client_authority).map_err(&authority)?;
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), tls::provider())
                .build()
                .map_err(|error| authority(error.to_string()))?;
        let mut config = ServerConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| certificate(error.to_string()))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, private)
            .map_err(|error| {
                let (file, of) = (files.key.display(), files.certificate.display());
                let message =
                    format!("{file} and the first certificate in {of} do not go together: {error}");
                ("listen.key", message)
            })?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self {
            config: Arc::new(config),
            expires: presented.expires,
        })
    }

    fn has_expired(&self) -> bool {
        i64::try_from(self.expires.as_nanos()).is_ok_and(|expires| expires <= clock::now())
    }
}

/// By what it is seen that a file is another one: its file system, number, size and time of change.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

fn stamp(path: &Path) -> Stamp {
    let file = std::fs::metadata(path).ok()?;
    let (second, nano) = (file.mtime(), file.mtime_nsec());
    Some((file.dev(), file.ino(), file.size(), second, nano))
}

/// The files, and what was read of them last that could be used.
struct Held {
    files: Files,
    stamps: [Stamp; 3],
    material: Material,
    trouble: String,
}

impl Held {
    fn new(files: Files) -> Result<Self> {
        // Before they are read: a change in between is seen at the next look.
        let stamps = files.all().map(|(_, path)| stamp(path));
        let material =
            Material::load(&files).map_err(|(key, message)| anyhow!("`{key}`: {message}"))?;
        let held = Self {
            files,
            stamps,
            material,
            trouble: String::new(),
        };
        if held.material.has_expired() {
            tracing::error!("{}", held.trouble());
        }
        Ok(held)
    }

    fn look(&mut self) {
        let stamps = self.files.all().map(|(_, path)| stamp(path));
        if stamps == self.stamps {
            return;
        }
        self.stamps = stamps;
        let read = Material::load(&self.files)
            .map_err(|(key, message)| format!("`{key}`: {message}"))
            .and_then(
                |new| match new.has_expired() && !self.material.has_expired() {
                    true => Err(format!(
                        "`listen.certificate`: {} has expired already",
                        self.files.certificate.display()
                    )),
                    false => Ok(new),
                },
            );
        match read {
            Ok(material) => {
                self.material = material;
                self.trouble.clear();
                tracing::info!("the certificates of the API over TCP were read anew");
            }
            Err(error) => {
                self.trouble = format!("{error}; until that is mended those from before are used");
                tracing::error!("{}", self.trouble);
            }
        }
    }

    fn trouble(&self) -> String {
        match self.trouble.is_empty() && self.material.has_expired() {
            true => format!(
                "`listen.certificate`: {} has expired, and no client will connect: renew it; it is \
                 read without a restart",
                self.files.certificate.display()
            ),
            false => self.trouble.clone(),
        }
    }
}

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
    /// When something is wrong with the configuration or its files.
    pub fn new(listen: &Listen) -> Result<Option<Self>> {
        let wrong = |(key, message): (&str, String)| anyhow!("`{key}`: {message}");
        let Some(address) = listen.address().map_err(wrong)? else {
            return Ok(None);
        };
        let held = match listen.files().map_err(wrong)? {
            Some(files) => Some(Held::new(files)?),
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

    /// Takes the address.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub fn take(&self) -> io::Result<TcpListener> {
        let listener = TcpListener::bind(self.address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }
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
        match held.is_some() {
            true => tracing::info!(%address, "the API listens with mutual TLS"),
            false => tracing::warn!("{}", listen.warning()),
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

    /// Begins to accept, until the agent ends.
    ///
    /// # Errors
    /// When the system does not let it.
    pub(super) fn accept(
        self,
        ending: watch::Receiver<bool>,
    ) -> Result<mpsc::Receiver<Result<Connection, Infallible>>> {
        let listener = tokio::net::TcpListener::from_std(self.listener);
        let listener = listener.context("cannot listen over TCP")?;
        let (sender, receiver) = mpsc::channel(16);
        let patience = Patience {
            begin: self.shared.begin,
            ping: self.pings.0,
            pong: self.pings.1,
        };
        tokio::spawn(accept(listener, self.shared, patience, sender, ending));
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
    /// Finds out who is there.
    async fn meet(
        &self,
        stream: TcpStream,
        patience: Patience,
        permit: OwnedSemaphorePermit,
    ) -> Result<Connection, String> {
        // Reports are whole: there is nothing to wait for.
        let _ = stream.set_nodelay(true);
        let Some(held) = &self.held else {
            let caller = self.caller(&[ANONYMOUS.to_owned()]);
            return Ok(Connection::plain(stream, caller, patience, permit));
        };
        let config = {
            let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
            held.look();
            Arc::clone(&held.material.config)
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
        let held = self.held.as_ref();
        let held = held.map(|held| held.lock().unwrap_or_else(PoisonError::into_inner));
        let expires = held.as_ref().map(|held| held.material.expires.as_nanos());
        v1::get_status_response::Listener {
            address: self.address.to_string(),
            insecure: held.is_none(),
            connections: self.most.saturating_sub(self.room.available_permits()) as u32,
            refused: self.refused.load(Ordering::Relaxed),
            denied: self.denied.load(Ordering::Relaxed),
            certificate_expires: expires
                .map(|expires| timestamp(i64::try_from(expires).unwrap_or(i64::MAX))),
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
