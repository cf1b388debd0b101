//! `lapwing agent --replace`: taking over from the agent that runs.
//!
//! The new agent attaches its programs first, and only then has the other one end, so that there
//! is no moment in which nobody looks; what happens in between waits in the new one's rings. The
//! other agent is whoever listens at the endpoint, in a folder that only root can write. What both
//! saw may be reported by both.

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::socket_peercred;
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the other agent may take to store what it has, and to hand its clients the rest.
const PATIENCE: Duration = Duration::from_secs(20);

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
    use std::os::unix::net::UnixListener;

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
