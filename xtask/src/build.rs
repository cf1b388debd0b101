//! Building: the eBPF programs, then the binaries that carry them.

use crate::machine::{self, Machine};
use crate::shell::output;
use crate::toolchain::{Bpf, Compiler, DEBIAN_RUSTC, NIGHTLY, Tools};
use crate::{cross, remap, root, setup, userland};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Where the eBPF programs are built, below the folder of what is built.
const BPF_FOLDER: &str = "ebpf";

/// The folder of what is built: Cargo's variable moves it.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// What was built.
pub struct Built {
    /// The machine it is for.
    pub machine: &'static Machine,
    /// The binary.
    pub lapwing: PathBuf,
    /// The tests that need root.
    pub tests: PathBuf,
    /// The userland of their containers.
    pub busybox: PathBuf,
    /// The program that the benches compare the sensor with.
    pub floor: PathBuf,
}

/// What to build.
#[derive(clap::Args)]
pub struct Args {
    /// Only `lapwing`, without what tests need, and copy it to this file: what deploy/Dockerfile does
    #[arg(long, value_name = "FILE")]
    agent: Option<PathBuf>,
    /// For this architecture: amd64 or arm64 [default: this machine's]
    #[arg(long, requires = "agent", value_parser = machine::named)]
    arch: Option<&'static Machine>,
}

/// Builds what is asked for.
pub fn command(args: &Args) -> Result<()> {
    let Some(file) = &args.agent else {
        return run(&setup::run()?).map(|_| ());
    };
    let machine = args.arch.map_or_else(own, Ok)?;
    let bpf = setup::agent(machine)?;
    let object = programs(&bpf, "lapwing-ebpf")?;
    let mut cargo = cargo(machine, &object)?;
    // The packages stay the same two: by them Cargo chooses features, hence what is in the binary.
    cargo.args(["--bin", "lapwing"]);
    run_cargo(&mut cargo, "lapwing")?;
    fs::copy(folder(machine).join("lapwing"), file)
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(())
}

fn own() -> Result<&'static Machine> {
    machine::own().context(concat!("Lapwing is not built on ", env!("XTASK_ARCH")))
}

/// Builds everything for this machine.
pub fn run(tools: &Tools) -> Result<Built> {
    binaries(tools, own()?, None)
}

/// Builds what guests of a machine run, on so many processors; `None`: on all. The eBPF programs are the same
/// for all machines.
pub fn binaries(
    tools: &Tools,
    machine: &'static Machine,
    processors: Option<usize>,
) -> Result<Built> {
    let object = programs(&tools.bpf, "lapwing-ebpf")?;
    let floor = programs(&tools.bpf, "lapwing-floor")?;
    let start = Instant::now();
    let mut cargo = cargo(machine, &object)?;
    if let Some(processors) = processors {
        cargo.args(["--jobs", &processors.to_string()]);
    }
    run_cargo(&mut cargo, "the binaries")?;
    let folder = folder(machine);
    let built = Built {
        machine,
        lapwing: folder.join("lapwing"),
        tests: folder.join("lapwing-tests"),
        busybox: if machine.is_own() {
            tools.busybox.clone()
        } else {
            userland::foreign_busybox(machine)?
        },
        floor,
    };
    let size =
        |path: &PathBuf| fs::metadata(path).map(|file| file.len() as f64 / f64::from(1 << 20));
    println!(
        "build: {} ({:.1} MiB, static) in {:.0} s",
        built.lapwing.display(),
        size(&built.lapwing).context("the binary is not there")?,
        start.elapsed().as_secs_f64()
    );
    Ok(built)
}

/// Where Cargo leaves programs for a machine.
fn folder(machine: &Machine) -> PathBuf {
    target().join(machine.target).join("release")
}

/// Cargo for programs of a machine, with the eBPF programs in the one that has them.
fn cargo(machine: &Machine, object: &Path) -> Result<Command> {
    let mut command = Command::new("cargo");
    command
        .current_dir(root())
        .args(["build", "--release", "--locked", "--target", machine.target])
        .args(["-p", "lapwing-agent", "-p", "lapwing-tests"])
        .env("LAPWING_BPF_OBJECT", object);
    let mut flags = vec!["-C", "target-feature=+crt-static"];
    let library = if machine.is_own() {
        None
    } else {
        cross::find(machine)?.apply(machine, &mut command)
    };
    flags.extend(library.as_deref());
    remap::apply(&mut command, &flags)?;
    Ok(command)
}

fn run_cargo(command: &mut Command, what: &str) -> Result<()> {
    let status = command.status().context("cannot run cargo")?;
    ensure!(status.success(), "{what} did not build");
    Ok(())
}

/// Cargo for a package of eBPF programs: their target, their compiler, their linker.
fn bpf_cargo(tools: &Bpf, verb: &str, package: &str) -> Result<Command> {
    let mut command = Command::new("cargo");
    command
        .current_dir(root())
        .args([
            verb,
            "--locked",
            "--profile",
            "bpf",
            "-p",
            package,
            "--target",
            "bpfel-unknown-none",
            "--target-dir",
        ])
        .arg(target().join(BPF_FOLDER))
        .env("CARGO_TARGET_BPFEL_UNKNOWN_NONE_LINKER", &tools.linker);
    match tools.compiler {
        Compiler::Debian => {
            // The target is unstable, and this compiler is as good as a nightly for it.
            command
                .env("RUSTC", DEBIAN_RUSTC)
                .env("RUSTC_BOOTSTRAP", "1");
        }
        Compiler::Rustup => {
            command
                .env("RUSTUP_TOOLCHAIN", NIGHTLY)
                .args(["-Z", "build-std=core"]);
        }
    }
    remap::apply(&mut command, &["-C", "debuginfo=2", "-C", "link-arg=--btf"])?;
    Ok(command)
}

/// Clippy over the eBPF programs; `None` where their compiler comes without it.
pub fn bpf_lints(tools: &Tools) -> Option<Result<Command>> {
    match tools.bpf.compiler {
        Compiler::Debian => None,
        Compiler::Rustup => {
            let lints = bpf_cargo(&tools.bpf, "clippy", "lapwing-ebpf").map(|mut command| {
                command.args(["-p", "lapwing-floor", "--", "-D", "warnings"]);
                command
            });
            Some(lints)
        }
    }
}

/// Compiles the eBPF programs of a package to one object.
fn programs(tools: &Bpf, package: &str) -> Result<PathBuf> {
    let start = Instant::now();
    let mut cargo = bpf_cargo(tools, "build", package)?;
    run_cargo(&mut cargo, "the eBPF programs")?;
    let object = target()
        .join(BPF_FOLDER)
        .join("bpfel-unknown-none/bpf")
        .join(package);
    let len = fs::metadata(&object).map_or(0, |file| file.len());
    ensure!(
        len > 0,
        "the eBPF programs were built, but {} is not there",
        object.display()
    );
    let (object, len) = match stripped(&object)? {
        Some(small) => {
            let len = fs::metadata(&small)?.len();
            (small, len)
        }
        None => (object, len),
    };
    println!(
        "build: {} ({} KiB) in {:.0} s",
        object.display(),
        len / 1024,
        start.elapsed().as_secs_f64()
    );
    Ok(object)
}

/// The object without what only debuggers read, which is most of it: BTF was made from it already.
/// By the tool that comes with rustc for its own use; without one the object stays as it is.
fn stripped(object: &Path) -> Result<Option<PathBuf>> {
    let Some(sysroot) = output("rustc", &["--print", "sysroot"]) else {
        return Ok(None);
    };
    let sysroot = PathBuf::from(sysroot.trim());
    let tool = sysroot
        .join("lib/rustlib")
        .join(concat!(env!("XTASK_ARCH"), "-unknown-linux-gnu"))
        .join("bin/rust-objcopy");
    if !tool.is_file() {
        return Ok(None);
    }
    let small = object.with_extension("stripped");
    let fresh = object.with_extension("fresh");
    let status = Command::new(&tool)
        // It needs the compiler's own library of LLVM.
        .env("LD_LIBRARY_PATH", sysroot.join("lib"))
        .arg("--strip-debug")
        .args([object, &fresh])
        .status()
        .with_context(|| format!("cannot run {}", tool.display()))?;
    ensure!(status.success(), "{} ended with {status}", tool.display());
    // One that is the same keeps its time, so that nothing is built anew for it.
    if fs::read(&small).ok() != fs::read(&fresh).ok() {
        fs::rename(&fresh, &small)?;
    }
    Ok(Some(small))
}
