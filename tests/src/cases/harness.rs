//! The tools of the tests themselves: if one of these fails, no other result means anything.

use crate::container::{Container, Spec};
use crate::netns::{PEER, Peer};
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use anyhow::{Context as _, Result, ensure};

pub const CASES: &[Case] = &[
    Case {
        name: "harness.container",
        run: container,
    },
    Case {
        name: "harness.overlay",
        run: overlay,
    },
    Case {
        name: "harness.peer",
        run: peer,
    },
];

fn container(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let mut puppet = Puppet::start(session, "harness")?;
    let held = puppet.hold(&Act::trigger(&["hold", "create", "/data/new"]).ids(0, 7))?;
    ensure!(held.container_pid > 1 && held.pid != held.container_pid);
    ensure!(puppet.root().join("data/new").exists());
    let code = puppet.run(&Act::trigger(&["create", "/data/new"]))?;
    ensure!(code == 1, "making a file twice answered {code}");
    let output = puppet.exec(&["/bin/cat", "/etc/passwd"]).output()?;
    ensure!(output.stdout.starts_with(b"root:"), "{output:?}");
    ensure!(session.cgroups.processes(&puppet.cgroup()) == [puppet.pid()?]);

    let cgroup = puppet.cgroup();
    drop(puppet);
    ensure!(session.cgroups.folders(&cgroup).is_empty());
    let mut short = Container::start(session, &Spec::new("harness", &["/bin/sh", "-c", "exit 7"]))?;
    ensure!(short.wait()? == Some(7));
    Ok(Outcome::Passed)
}

fn overlay(context: &mut Context<'_>) -> Result<Outcome> {
    let spec = Spec::new("harness", &["/trigger", "serve"]).overlay();
    let mut puppet = Puppet::from_spec(context.session, &spec)?;
    if !puppet.is_overlay() {
        return Ok(Outcome::Skipped(
            "the kernel has no overlay file system".to_owned(),
        ));
    }
    puppet.act(&Act::trigger(&["create", "/data/new"]))?;
    let upper = puppet.root().with_file_name("rootfs-upper");
    ensure!(upper.join("data/new").exists(), "not in the upper layer");
    Ok(Outcome::Passed)
}

fn peer(context: &mut Context<'_>) -> Result<Outcome> {
    let peer = Peer::start(context.session, &[8080])?;
    let spec = Spec::new("caller", &["/trigger", "serve"]).network_of(peer.network.pid()?);
    let mut caller = Puppet::from_spec(context.session, &spec)?;
    let output = caller
        .exec(&["/bin/nc", "-w", "5", PEER, "8080"])
        .stdin(std::process::Stdio::null())
        .output()
        .context("nc")?;
    ensure!(output.stdout == b"thank you\n", "{output:?}");
    caller.act(&Act::trigger(&["connect-tcp", PEER, "8080"]))?;
    // The guests bring the module along; what a machine's own kernel has, nobody knows.
    ensure!(
        peer.is_apart || context.label == "host",
        "the peer has no network namespace of its own"
    );
    Ok(Outcome::Measured(
        match peer.is_apart {
            true => "peer in a network namespace of its own",
            false => "no veth here: peer on loopback of a shared network namespace",
        }
        .to_owned(),
    ))
}
