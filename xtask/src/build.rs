//! Building: the eBPF programs, then the binaries that carry them.

use crate::machine::{self, Machine};
use crate::shell::output;
use crate::toolchain::{Compiler, DEBIAN_RUSTC, NIGHTLY, Tools};
use crate::{cross, root, userland};
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

/// Builds everything for this machine.
pub fn run(tools: &Tools) -> Result<Built> {
    let own = machine::own().context(concat!("Lapwing is not built on ", env!("XTASK_ARCH")))?;
    binaries(tools, own)
}

/// Builds what guests of a machine run. The eBPF programs are the same for all.
pub fn binaries(tools: &Tools, machine: &'static Machine) -> Result<Built> {
    const STATIC: &str = "-C target-feature=+crt-static";
    let object = programs(tools, "lapwing-ebpf")?;
    let floor = programs(tools, "lapwing-floor")?;
    let start = Instant::now();
    let mut command = Command::new("cargo");
    command
        .current_dir(root())
        .args([
            "build",
            "--release",
            "--locked",
            "--target",
            machine.target,
            "-p",
            "lapwing-agent",
            "-p",
            "lapwing-tests",
        ])
        .env("LAPWING_BPF_OBJECT", &object)
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    let busybox = if machine.is_own() {
        command.env("RUSTFLAGS", STATIC);
        tools.busybox.clone()
    } else {
        cross::find(machine)?.apply(machine, &mut command, STATIC);
        userland::foreign_busybox(machine)?
    };
    run_cargo(&mut command, "the binaries")?;
    let folder = target().join(machine.target).join("release");
    let built = Built {
        machine,
        lapwing: folder.join("lapwing"),
        tests: folder.join("lapwing-tests"),
        busybox,
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

fn run_cargo(command: &mut Command, what: &str) -> Result<()> {
    let status = command.status().context("cannot run cargo")?;
    ensure!(status.success(), "{what} did not build");
    Ok(())
}

/// Cargo for a package of eBPF programs: their target, their compiler, their linker.
fn bpf_cargo(tools: &Tools, verb: &str, package: &str) -> Command {
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
        .env("CARGO_TARGET_BPFEL_UNKNOWN_NONE_LINKER", &tools.linker)
        .env("RUSTFLAGS", "-C debuginfo=2 -C link-arg=--btf")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
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
    command
}

/// Clippy over the eBPF programs; `None` where their compiler comes without it.
pub fn bpf_lints(tools: &Tools) -> Option<Command> {
    match tools.compiler {
        Compiler::Debian => None,
        Compiler::Rustup => {
            let mut command = bpf_cargo(tools, "clippy", "lapwing-ebpf");
            command.args(["-p", "lapwing-floor", "--", "-D", "warnings"]);
            Some(command)
        }
    }
}

/// Compiles the eBPF programs of a package to one object.
fn programs(tools: &Tools, package: &str) -> Result<PathBuf> {
    let start = Instant::now();
    run_cargo(&mut bpf_cargo(tools, "build", package), "the eBPF programs")?;
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
