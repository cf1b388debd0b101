//! `cargo xtask cluster-proof`: Lapwing in a real cluster of one node.
//!
//! API server, controllers, scheduler, kubelet and kubectl are Kubernetes' own, built from Debian's sources; etcd,
//! containerd, runc and the plugins for the network are Debian's packages. All of it runs here, in namespaces, folders
//! and a cgroup of its own, and nothing is installed. Debian's is Kubernetes 1.20, which is older than what the chart is
//! for: `manifest` says what that takes, and nothing else is changed.
//!
//! It takes minutes and has to build once, so it is a command of its own and no part of `cargo xtask test` but with
//! `--soak`.

mod attack;
mod cgroups;
mod images;
mod keeper;
mod manifest;
mod namespace;
mod node;
mod pki;
mod reports;
mod servers;
mod sources;
mod standing;
mod trails;
mod trouble;
mod walk;

use crate::build::Built;
use crate::report::Counts;
use crate::{build, containerd, demo, image, setup, shell};
use anyhow::{Context, Result, bail};
use node::Node;
use sources::Programs;
use std::fs;
use std::path::Path;

/// Programs that not every machine has, what they are for, and their packages.
const TOOLS: &[(&str, &str, &str)] = &[
    ("openssl", "makes a cluster's certificates", "openssl"),
    ("ip", "makes a cluster's network", "iproute2"),
];

#[derive(clap::Args)]
pub struct Args {
    /// Leave the cluster as it is at the end, until Ctrl-C
    #[arg(long)]
    stay: bool,
}

/// Runs it. Answers whether all passed.
pub fn prove(args: &Args) -> Result<bool> {
    let built = build::run(&setup::run()?)?;
    let mut counts = Counts::default();
    let done = on(&built, args.stay, &mut counts, &mut String::new());
    println!("\n{} passed, {} failed", counts.passed, counts.failed);
    done.map(|()| counts.failed == 0)
}

/// The same as a stage of all tests, which notes the version of the servers.
pub fn stage(built: &Built, counts: &mut Counts, note: &mut String) -> Result<()> {
    on(built, false, counts, note)
}

/// What ends a cluster when whoever made it is gone.
pub fn keep(folder: &Path) -> Result<()> {
    keeper::run(folder)
}

fn on(built: &Built, stay: bool, counts: &mut Counts, note: &mut String) -> Result<()> {
    if let Some(reason) = demo::host(built)?.refusal {
        bail!("the sensor cannot run on this kernel: {reason}");
    }
    for (program, why, package) in TOOLS {
        if shell::which(program).is_none() {
            setup::install(program, why, &[package])?;
        }
    }
    let programs = sources::ensure()?;
    let runtime = containerd::ensure()?;
    *note = format!("Kubernetes {}", programs.version);
    println!(
        "\nLapwing in Kubernetes {}, which is older than the 1.30 that the chart asks for\n",
        programs.version
    );
    let folder = build::target().join("cluster");
    let store = programs.store.parent().context("no folder of etcd")?;
    let node = Node::start(&folder, &[&programs.servers, &runtime, store])?;
    let walked = inside(node, &programs, built, stay, counts);
    println!(
        "\nKubernetes {}, one node: {} steps of {} as they are to be",
        programs.version,
        counts.passed,
        counts.passed + counts.failed
    );
    if walked.is_err() || counts.failed > 0 {
        println!(
            "what the servers said is in {}",
            folder.join("log").display()
        );
    }
    walked
}

/// With a node: whatever becomes of the walk, the node is ended.
fn inside(
    mut node: Node,
    programs: &Programs,
    built: &Built,
    stay: bool,
    counts: &mut Counts,
) -> Result<()> {
    let mut walk = || {
        let at = |image: &str| node.path(&format!("{image}.tar"));
        images::write(
            &at("pause"),
            servers::PAUSE,
            &["sleep", "infinity"],
            &built.busybox,
        )?;
        images::write(&at("web"), walk::IMAGE, walk::SERVES, &built.busybox)?;
        fs::copy(image::of(built)?, at("lapwing")).context("cannot copy Lapwing's image")?;
        servers::start(&mut node, programs)?;
        walk::run(&mut node, built, counts)
    };
    let walked = walk();
    if stay {
        if let Err(error) = &walked {
            println!("{error:#}");
        }
        println!(
            "\nit stays until Ctrl-C: {} kubectl get pods -A",
            node.shown()
        );
        loop {
            std::thread::park();
        }
    }
    walked.and(node.end())
}
