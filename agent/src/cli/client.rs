//! Reaching the agent: on its Unix socket, or over TCP.

use super::args::{Cli, DEFAULT_ENDPOINT};
use super::network::{Dial, Place, Trouble};
use super::{Code, Failure};
use anyhow::anyhow;
use lapwing_proto::v1::agent_client::AgentClient;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use tonic::transport::{Channel, Endpoint as Transport};
use tonic::{Code as Grpc, Status};

/// Largest answer that is taken, in bytes.
pub(crate) const MESSAGE_MAX: usize = 64 << 20;
/// Over TCP: how often the agent is asked whether it lives, and how long it may take to say so.
const PING: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(20);

/// What the parts of an [`Endpoint`] are called where they are given.
#[derive(Debug)]
pub(crate) struct Words {
    pub ca: &'static str,
    pub certificate: &'static str,
    pub key: &'static str,
    pub server_name: &'static str,
}

/// On the command line.
static FLAGS: Words = Words {
    ca: "--tls-ca",
    certificate: "--tls-cert",
    key: "--tls-key",
    server_name: "--tls-server-name",
};

/// Where the agent is, and how it and the client know each other.
#[derive(Clone, Debug)]
pub struct Endpoint {
    address: String,
    pub(super) words: &'static Words,
    /// Who may vouch for the agent; the system's authorities where none is given.
    pub(super) ca: Option<PathBuf>,
    /// What the agent knows the client by.
    pub(super) certificate: Option<PathBuf>,
    /// Its key.
    pub(super) key: Option<PathBuf>,
    /// The name in the agent's certificate, where that is not the address.
    pub(super) server_name: Option<String>,
    /// Bytes that the agent may send before they are taken: of one call, and of all of them.
    windows: Option<[u32; 2]>,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

impl From<&Cli> for Endpoint {
    fn from(cli: &Cli) -> Self {
        Self {
            address: (cli.endpoint.as_deref())
                .unwrap_or(DEFAULT_ENDPOINT)
                .to_owned(),
            words: &FLAGS,
            ca: cli.tls_ca.clone(),
            certificate: cli.tls_cert.clone(),
            key: cli.tls_key.clone(),
            server_name: cli.tls_server_name.clone(),
            windows: None,
        }
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        Self {
            address: String::new(),
            words: &FLAGS,
            ca: None,
            certificate: None,
            key: None,
            server_name: None,
            windows: None,
        }
    }
}

impl Endpoint {
    /// An agent over TCP with mutual TLS, and what its parts are called.
    pub(crate) fn known(
        address: String,
        words: &'static Words,
        [ca, certificate, key]: [PathBuf; 3],
        server_name: String,
    ) -> Self {
        Self {
            address,
            words,
            ca: Some(ca),
            certificate: Some(certificate),
            key: Some(key),
            server_name: Some(server_name),
            windows: None,
        }
    }

    /// The same, where the agent may send so many bytes before they are taken: of one call, and of all.
    pub(crate) const fn with_windows(mut self, windows: [u32; 2]) -> Self {
        self.windows = Some(windows);
        self
    }

    /// Whether the agent is on this host: it is reached by a Unix socket.
    pub(super) fn is_local(&self) -> bool {
        self.address.starts_with("unix:///")
    }
}

/// Connects.
pub async fn connect(endpoint: &Endpoint) -> Result<AgentClient<Channel>, Failure> {
    Ok(on(channel(endpoint).await?))
}

/// The connection alone.
pub(crate) async fn channel(endpoint: &Endpoint) -> Result<Channel, Failure> {
    if endpoint.is_local() {
        local(&endpoint.address).await
    } else {
        remote(endpoint).await
    }
}

/// Calls on a connection.
pub(crate) fn on(channel: Channel) -> AgentClient<Channel> {
    AgentClient::new(channel).max_decoding_message_size(MESSAGE_MAX)
}

async fn local(address: &str) -> Result<Channel, Failure> {
    let unreachable = |error: &dyn std::error::Error| {
        // The cause says more than the layers above it.
        let mut cause = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let error = anyhow!(
            "no agent at {address}: {cause}; is `lapwing agent` running, and may this user talk to it? \
             Another place is named by --endpoint"
        );
        Failure::new(Code::Connection, error)
    };
    Transport::from_shared(address.to_owned())
        .map_err(|error| unreachable(&error))?
        .connect()
        .await
        .map_err(|error| unreachable(&error))
}

async fn remote(endpoint: &Endpoint) -> Result<Channel, Failure> {
    let usage = |message| Failure::new(Code::Usage, anyhow!("{message}"));
    let place = Place::parse(&endpoint.address).map_err(usage)?;
    let dial = Dial::new(endpoint, place).map_err(usage)?;
    let transport = Transport::from_shared(endpoint.address.clone())
        .map_err(|error| usage(format!("`{endpoint}` is no endpoint: {error}")))?
        .http2_keep_alive_interval(PING)
        .keep_alive_timeout(PONG)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(endpoint.windows.map(|[stream, _]| stream))
        .initial_connection_window_size(endpoint.windows.map(|[_, all]| all));
    transport
        .connect_with_connector(dial)
        .await
        .map_err(|error| {
            let mut cause: &dyn std::error::Error = &error;
            while let Some(source) = cause.source() {
                if cause.is::<Trouble>() {
                    break;
                }
                cause = source;
            }
            Failure::new(Code::Connection, anyhow!("no agent at {endpoint}: {cause}"))
        })
}

/// What the agent answered, as a failure.
pub fn failed(status: &Status) -> Failure {
    let code = match status.code() {
        Grpc::Unavailable | Grpc::Cancelled => Code::Connection,
        Grpc::InvalidArgument => Code::Usage,
        _ => Code::Failed,
    };
    Failure::new(code, anyhow!("{}", status.message()))
}
