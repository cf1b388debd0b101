//! A peer in a network namespace of its own.
//!
//! Both ends belong to containers of this run, so nothing reaches the
//! machine's own network. Where the kernel has no virtual Ethernet pairs, the
//! peer shares the network of its caller and listens on an address that is
//! added to loopback there.

use crate::container::{Container, Spec};
use crate::session::{Session, patience, wait_for};
use anyhow::{Context, Result, ensure};
use std::io::{BufRead, BufReader};

/// Address of the service.
pub const HERE: &str = "10.77.0.1";
/// Address of the peer that the service is meant to talk to.
pub const PEER: &str = "10.77.0.2";
/// Another address of the same machine: the attacker's.
pub const STRANGER: &str = "10.77.0.66";

/// A container that owns a network, and one in another network that answers.
pub struct Peer<'s> {
    /// Keeps the service's network alive; the service joins it.
    pub network: Container<'s>,
    _peer: Container<'s>,
    /// Whether the peer has a network namespace of its own.
    pub is_apart: bool,
}

impl<'s> Peer<'s> {
    /// Starts both; the peer listens on these TCP ports.
    pub fn start(session: &'s Session, ports: &[u16]) -> Result<Self> {
        let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
        let mut args = vec!["/trigger", "peer"];
        args.extend(ports.iter().map(String::as_str));

        let mut network = Container::start(session, &Spec::new("network", &["/trigger", "serve"]))?;
        ready(&mut network)?;
        let here = network.pid()?;
        let pair = ip(session, here, &["link", "add", "lapwing0", "type", "veth"]).is_ok();
        let spec = Spec::new("peer", &args);
        let spec = if pair { spec } else { spec.network_of(here) };
        let mut peer = Container::start(session, &spec)?;
        ready(&mut peer)?;
        if pair {
            let there = peer.pid()?;
            // The kernel names the other end.
            let other = "veth0";
            ip(
                session,
                here,
                &["link", "set", other, "netns", &there.to_string()],
            )?;
            for (pid, device, address) in [
                (here, "lapwing0", HERE),
                (there, other, PEER),
                (there, other, STRANGER),
            ] {
                ip(
                    session,
                    pid,
                    &["addr", "add", &format!("{address}/24"), "dev", device],
                )?;
                ip(session, pid, &["link", "set", device, "up"])?;
            }
        } else {
            for address in [HERE, PEER, STRANGER] {
                ip(
                    session,
                    here,
                    &["addr", "add", &format!("{address}/32"), "dev", "lo"],
                )?;
            }
        }
        Ok(Self {
            network,
            _peer: peer,
            is_apart: pair,
        })
    }
}

/// Waits until the trigger says that it is there.
pub fn ready(container: &mut Container<'_>) -> Result<()> {
    let (stdin, stdout) = container.streams()?;
    // Its commands: closing the pipe would end it, so it stays open as long as the container.
    container.keep(stdin);
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    ensure!(
        line.contains("ready"),
        "the container did not start: {}",
        container.stderr().trim()
    );
    wait_for("the container's state", patience(), || {
        Ok(container.pid().ok())
    })?;
    Ok(())
}

/// BusyBox's `ip` in the network namespace of a process.
pub fn ip(session: &Session, pid: u32, args: &[&str]) -> Result<()> {
    let busybox = &session.tools.busybox;
    let output = std::process::Command::new(busybox)
        .args(["nsenter", "-t", &pid.to_string(), "-n"])
        .arg(busybox)
        .arg("ip")
        .args(args)
        .output()
        .with_context(|| format!("cannot run {}", busybox.display()))?;
    ensure!(
        output.status.success(),
        "ip {}: {}",
        args.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
