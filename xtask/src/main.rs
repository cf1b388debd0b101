//! Set-up, build, test and demo of Lapwing, each one command.
//!
//! Every command first does the set-up: it looks for what it needs, installs what is
//! missing, and says so. Nothing here is needed by the agent itself.
#![forbid(unsafe_code)]

mod alerts;
mod apiserver;
mod bench;
mod browser;
mod build;
mod chart;
mod cluster;
mod compose;
mod containerd;
mod crd;
mod cross;
mod cyclonedx;
mod dashboard;
mod debian;
mod demo;
mod disk;
mod ecs;
mod fuzz;
mod image;
mod initramfs;
mod kernel;
mod machine;
mod matrix;
mod ocsf;
mod pip;
mod programs;
mod qemu;
mod remap;
mod report;
mod room;
mod rotel;
mod rsyslog;
mod semconv;
mod setup;
mod shell;
mod skips;
mod syft;
mod tenzir;
mod test;
mod toolchain;
mod unprivileged;
mod userland;
mod vm;
mod workloads;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Set-up, build, test and demo of Lapwing
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Find or install everything that building and testing needs
    Setup,
    /// Build the eBPF programs and the static binary `lapwing`
    Build(build::Args),
    /// Build the image that a cluster runs, as one file for a registry or for nodes
    Image(image::Args),
    /// Write the CustomResourceDefinitions from the types of profiles, and from the Helm chart the plain
    /// manifests: deploy/kubernetes-crds.yaml, kubernetes.yaml and kubernetes-controller.yaml
    Chart {
        /// Only look whether it is fresh, and the chart what Helm and Kubernetes take
        #[arg(long)]
        check: bool,
    },
    /// Learn a real container, attack it, and show what is reported
    Demo {
        /// In a virtual machine, even if this host could run it
        #[arg(long)]
        vm: bool,
        /// Leave all of it as it is after the attack, until Ctrl-C; on this host only
        #[arg(long, conflicts_with = "vm")]
        stay: bool,
    },
    /// Run everything that can be tested, on this kernel and in virtual machines
    Test {
        /// The same tests with large counts; takes long
        #[arg(long)]
        soak: bool,
    },
    /// Measure what tracing costs and holds, and compare it with the targets
    Bench(bench::Args),
    /// Learn real programs of Debian in containers, and count what is reported of them afterwards
    Workloads(workloads::Args),
    /// Learn real programs of Debian in containers, apply what `lapwing advise pod` says, and have them work
    /// again
    AdviseProof(workloads::ProofArgs),
    /// Try the CustomResourceDefinitions, the controller and the agent on Kubernetes' own server of custom
    /// resources
    ApiProof,
    /// Run Lapwing in a real cluster of one node: Kubernetes 1.20 with all its servers, built from Debian's sources
    ClusterProof(cluster::Args),
    /// Ends a cluster when whoever made it is gone
    #[command(hide = true)]
    ClusterKeeper { folder: PathBuf },
    /// Feed what decodes records, BTF and DNS with hostile bytes
    Fuzz {
        /// For how long, all targets side by side
        #[arg(long, default_value_t = fuzz::SECONDS)]
        seconds: u64,
    },
    /// Run a command in a virtual machine, with `lapwing` and `runc` at hand
    Vm {
        /// The kernel: 5.10, 6.1, 6.12, 7.2, arm64-6.1 or arm64-6.12 [default: 6.12 of this architecture]
        #[arg(long, value_name = "LABEL")]
        kernel: Option<String>,
        /// The command [default: lapwing doctor]
        #[arg(trailing_var_arg = true)]
        command: Vec<String>,
    },
}

/// The folder of the workspace.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(PathBuf::from)
        .unwrap_or_default()
}

/// Where what was fetched is kept: `LAPWING_CACHE`, else below the user's cache folder.
fn cache() -> PathBuf {
    if let Some(folder) = std::env::var_os("LAPWING_CACHE") {
        return folder.into();
    }
    let home = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    home.unwrap_or_else(|| PathBuf::from("/var/cache"))
        .join("lapwing")
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Setup => setup::everything().map(|(_, whole)| whole),
        Command::Build(args) => build::command(&args).map(|()| true),
        Command::Image(args) => image::run(&args),
        Command::Chart { check: false } => chart::write().map(|()| true),
        Command::Chart { check: true } => chart::check().map(|()| true),
        Command::Demo { vm, stay } => demo::run(vm, stay),
        Command::Test { soak } => test::run(soak),
        Command::Bench(args) => bench::run(&args),
        Command::Workloads(args) => workloads::run(&args),
        Command::AdviseProof(args) => workloads::prove(&args),
        Command::ApiProof => apiserver::prove(),
        Command::ClusterProof(args) => cluster::prove(&args),
        Command::ClusterKeeper { folder } => cluster::keep(&folder).map(|()| true),
        Command::Fuzz { seconds } => setup::run().and_then(|_| fuzz::run(seconds)),
        Command::Vm { kernel, command } => vm::run(kernel.as_deref(), &command),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
