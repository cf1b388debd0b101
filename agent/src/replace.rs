//! `lapwing agent --replace`: taking over from the agent that runs.
//!
//! The new agent attaches its programs first, and only then has the other one end, so that there
//! is no moment in which nobody looks; what happens in between waits in the new one's rings. The
//! other agent is whoever listens at the endpoint, in a folder that only root can write. What both
//! saw may be reported by both.
//!
//! The other one is told to end only when all that can be known before is right: see
//! [`take_address`] for the one thing that it may itself be in the way of.

use crate::api::network::{Prepared, no_address};
use anyhow::{Context, Result, anyhow, bail};
use lapwing_proto::v1::GetStatusRequest;
use lapwing_proto::v1::agent_client::AgentClient;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::socket_peercred;
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the other agent may take to store what it has, and to hand its clients the rest.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long it may take to say where it listens.
const ANSWER: Duration = Duration::from_secs(10);

/// Takes the address of the API over TCP. One that the agent at `endpoint` holds is left to be taken
/// when that one has ended: then there is none.
///
/// # Errors
/// When somebody else holds it, or it cannot be had at all.
pub fn take_address(prepared: &Prepared, endpoint: &Path) -> Result<Option<TcpListener>> {
    let address = prepared.address();
    match prepared.take() {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let theirs = listens_on(endpoint).with_context(|| {
                format!(
                    "{}: it is in use, and the agent at {} does not say whether by itself: end that one, \
                     and start without `--replace`",
                    no_address(address),
                    endpoint.display()
                )
            })?;
            match theirs.is_some_and(|theirs| excludes(theirs, address)) {
                true => Ok(None),
                false => Err(anyhow!(
                    "{}: it is in use, and not by an agent that is to be replaced",
                    no_address(address)
                )),
            }
        }
        Err(error) => Err(error).with_context(|| no_address(address)),
    }
}

/// Whether who listens on the first address keeps others from the second.
fn excludes(one: SocketAddr, other: SocketAddr) -> bool {
    let any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && (any || one.ip() == other.ip())
}

/// Whether somebody listens at an endpoint.
#[must_use]
pub fn is_there(endpoint: &Path) -> bool {
    UnixStream::connect(endpoint).is_ok()
}

/// Where the agent at an endpoint listens over TCP; `None` where it does not, or nobody is there.
fn listens_on(endpoint: &Path) -> Result<Option<SocketAddr>> {
    if !is_there(endpoint) {
        return Ok(None);
    }
    let address = format!("unix://{}", endpoint.display());
    let ask = async {
        let endpoint = tonic::transport::Endpoint::from_shared(address)?;
        let mut client = AgentClient::new(endpoint.connect().await?);
        let status = client.get_status(GetStatusRequest {}).await?.into_inner();
        anyhow::Ok(status.listener)
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let listener = runtime.block_on(async { tokio::time::timeout(ANSWER, ask).await })??;
    let Some(listener) = listener else {
        return Ok(None);
    };
    let address = listener.address.parse();
    Ok(Some(address.with_context(|| {
        format!("`{}` is no address", listener.address)
    })?))
}

/// Ends the agent that listens at `endpoint` and waits until it is gone. Nobody there is no error.
///
/// # Errors
/// When it cannot be told to end, or does not.
pub fn end_other(endpoint: &Path) -> Result<()> {
    let Ok(stream) = UnixStream::connect(endpoint) else {
        tracing::info!(
            "no agent listens at {}: nothing to replace",
            endpoint.display()
        );
        return Ok(());
    };
    let peer = socket_peercred(&stream).context("cannot ask who listens at the endpoint")?;
    let pid = peer.pid;
    if pid == rustix::process::getpid() {
        bail!("the endpoint {} is this process's own", endpoint.display());
    }
    // From here on the number cannot become another process's unseen: it still listens.
    let other = pidfd_open(pid, PidfdFlags::empty()).with_context(|| {
        format!("the agent to be replaced (process {pid}) is not to be seen: is it in another pid namespace?")
    })?;
    drop(stream);
    pidfd_send_signal(&other, Signal::TERM)
        .with_context(|| format!("cannot tell the agent with process id {pid} to end"))?;
    let end = Instant::now() + PATIENCE;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let timeout = Timespec {
            tv_sec: left.as_secs() as i64,
            tv_nsec: left.subsec_nanos().into(),
        };
        match poll(&mut [PollFd::new(&other, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => bail!(
                "the agent with process id {pid} did not end in {} s: it keeps its place",
                PATIENCE.as_secs()
            ),
            Ok(_) => break,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot wait for the other agent"),
        }
    }
    tracing::info!("took over from the agent with process id {pid}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::os::unix::net::UnixListener;

    #[test]
    fn an_address_is_taken_early_unless_somebody_else_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let endpoint = folder.path().join("socket");
        let prepared = |address: SocketAddr| {
            let yaml = format!(
                "listen: {{address: '{address}', insecure: true, clients: [{{identity: anonymous, \
                 verbs: [read], namespaces: ['*']}}]}}"
            );
            let config = Config::parse(Path::new("test.yaml"), yaml.as_bytes()).unwrap();
            Prepared::new(&config.listen).unwrap().unwrap()
        };
        let free = prepared("127.0.0.1:0".parse().unwrap());
        let taken = take_address(&free, &endpoint).unwrap().unwrap();
        let address = taken.local_addr().unwrap();
        let error = take_address(&prepared(address), &endpoint).unwrap_err();
        let error = format!("{error:#}");
        for words in [&address.to_string(), "`listen.address`", "in use"] {
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn who_listens_keeps_others_from_the_same_place() {
        for (one, other, keeps) in [
            ("127.0.0.1:7443", "127.0.0.1:7443", true),
            ("0.0.0.0:7443", "127.0.0.1:7443", true),
            ("127.0.0.1:7443", "[::]:7443", true),
            ("127.0.0.1:7443", "127.0.0.2:7443", false),
            ("127.0.0.1:7443", "127.0.0.1:7444", false),
        ] {
            let found = excludes(one.parse().unwrap(), other.parse().unwrap());
            assert_eq!(found, keeps, "{one} {other}");
        }
    }

    #[test]
    fn nobody_there_is_nothing_to_replace_and_oneself_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        end_other(&path).unwrap();
        let _listener = UnixListener::bind(&path).unwrap();
        let error = end_other(&path).unwrap_err().to_string();
        assert!(error.contains("own"), "{error}");
    }
}
