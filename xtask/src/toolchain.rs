//! The eBPF toolchain: a compiler with `core` for the BPF target, and a linker of the same LLVM.
//!
//! There are two ways, and either will do. By rustup: a nightly, pinned by date,
//! with the sources of `core`; the linker is built against the LLVM that this
//! nightly brings, so the two cannot disagree. By Debian's packages: `rustc-web`
//! with `core` prebuilt, and its LLVM's development files. What is there is used;
//! else rustup is asked first, because it leaves the machine's packages alone.

use crate::setup::{install, say};
use crate::shell::{self, output, quiet, which};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Version of the linker that all builds use.
const LINKER: &str = "0.13.0";
/// Compiler of rustup's way, pinned. Its LLVM is 22, like that of the linker's feature below.
pub const NIGHTLY: &str = "nightly-2026-05-20";
/// What the nightly has to have: the sources of `core`, and a look at the code.
const COMPONENTS: [&str; 2] = ["rust-src", "clippy"];
/// The linker's feature for the LLVM of both compilers.
const LLVM_FEATURE: &str = "llvm-22";
/// Compiler of Debian's way.
pub const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CORE: &str = "/usr/lib/rustlib/bpfel-unknown-none/lib";
const DEBIAN_LLVM: &str = "/usr/lib/llvm-22";
const DEBIAN_PACKAGES: [&str; 2] = ["rustc-web", "libstd-rust-web-dev-bpf"];

/// What eBPF programs are made with.
pub struct Bpf {
    /// How they are compiled.
    pub compiler: Compiler,
    /// bpf-linker.
    pub linker: PathBuf,
}

/// What the other commands use.
pub struct Tools {
    /// What eBPF programs are made with.
    pub bpf: Bpf,
    /// A statically linked BusyBox.
    pub busybox: PathBuf,
}

/// The compiler of eBPF programs: stable ones cannot build `core` for the target.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Compiler {
    /// A nightly of rustup with the sources of `core`.
    Rustup,
    /// Debian's `rustc-web` with `core` prebuilt for the target.
    Debian,
}

impl Compiler {
    const fn name(self) -> &'static str {
        match self {
            Self::Rustup => "rustup",
            Self::Debian => "debian",
        }
    }

    /// Its version, if it is there and complete.
    fn found(self) -> Option<String> {
        match self {
            Self::Rustup => {
                let installed = output(
                    "rustup",
                    &["component", "list", "--installed", "--toolchain", NIGHTLY],
                )?;
                COMPONENTS
                    .iter()
                    .all(|name| installed.lines().any(|line| line.starts_with(name)))
                    .then(|| format!("{NIGHTLY} of rustup"))
            }
            Self::Debian => {
                let version = output(DEBIAN_RUSTC, &["--version"])?;
                Path::new(DEBIAN_CORE)
                    .is_dir()
                    .then(|| format!("{DEBIAN_RUSTC}, {}", version.trim()))
            }
        }
    }

    /// What it has that stable compilers lack.
    const fn has(self) -> &'static str {
        match self {
            Self::Rustup => "has the sources of core",
            Self::Debian => "has core for the target",
        }
    }
}

/// Finds or installs the compiler and the linker.
pub fn find() -> Result<Bpf> {
    let compiler = compiler()?;
    let linker = linker(compiler)?;
    say(
        "bpf-linker",
        &format!("{}  (links eBPF programs)", linker.display()),
    );
    Ok(Bpf { compiler, linker })
}

fn compiler() -> Result<Compiler> {
    let name = "eBPF compiler";
    let ways = [Compiler::Rustup, Compiler::Debian];
    for way in ways {
        if let Some(version) = way.found() {
            say(name, &format!("{version}  (found: {})", way.has()));
            return Ok(way);
        }
    }
    let mut refusals = Vec::new();
    for way in ways {
        let result = match way {
            Compiler::Rustup => by_rustup(name),
            Compiler::Debian => by_packages(name),
        };
        match (result, way.found()) {
            (Ok(()), Some(version)) => {
                say(name, &format!("{version}  (installed: {})", way.has()));
                return Ok(way);
            }
            (Ok(()), None) => refusals.push(format!("{}: installed, but not complete", way.name())),
            (Err(error), _) => {
                println!("  {name:<16} not to be had by {}", way.name());
                refusals.push(format!("{}: {error:#}", way.name()));
            }
        }
    }
    bail!(
        "no compiler for eBPF can be had, neither by rustup nor from the machine's package sources:\n{}",
        refusals.join("\n")
    )
}

fn by_rustup(name: &str) -> Result<()> {
    println!("  {name:<16} missing: fetching {NIGHTLY} with the sources of core by rustup ...");
    let mut command = Command::new("rustup");
    command.args(["toolchain", "install", NIGHTLY, "--profile", "minimal"]);
    for component in COMPONENTS {
        command.args(["--component", component]);
    }
    quiet(&mut command)
}

/// Whether the machine's package sources have a package.
fn packaged(package: &str) -> bool {
    output("apt-cache", &["show", "--no-all-versions", package])
        .is_some_and(|text| !text.is_empty())
}

fn by_packages(name: &str) -> Result<()> {
    if !DEBIAN_PACKAGES.into_iter().all(packaged) {
        // The lists may be absent, or older than the packages.
        quiet(Command::new("apt-get").arg("update"))?;
    }
    if let Some(lack) = DEBIAN_PACKAGES
        .into_iter()
        .find(|package| !packaged(package))
    {
        bail!("{lack} is not packaged here");
    }
    install(name, "has core for the target", &DEBIAN_PACKAGES)
}

/// Finds or builds the linker, into the cache: it belongs to nobody else.
fn linker(compiler: Compiler) -> Result<PathBuf> {
    let folder = crate::cache().join(format!("bpf-linker-{LINKER}-{}", compiler.name()));
    let built = folder.join("bin/bpf-linker");
    if runs(&built) {
        return Ok(built);
    }
    if let Some(found) = which("bpf-linker").filter(|path| runs(path)) {
        return Ok(found);
    }
    shell::folder(&folder)?;
    let llvm = match compiler {
        Compiler::Rustup => rustup_llvm(&folder)?,
        Compiler::Debian => debian_llvm()?,
    };
    println!(
        "  {:<16} missing: building version {LINKER}, about a minute ...",
        "bpf-linker"
    );
    quiet(
        Command::new("cargo")
            .args(["install", "bpf-linker", "--version", LINKER, "--locked"])
            .args(["--no-default-features", "--features", LLVM_FEATURE])
            .arg("--root")
            .arg(&folder)
            .env("LLVM_PREFIX", &llvm)
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .env_remove("RUSTFLAGS"),
    )?;
    // Large, and of no use once it is built.
    let _ = fs::remove_dir_all(folder.join("target"));
    if runs(&built) {
        Ok(built)
    } else {
        bail!("bpf-linker was built but does not run: {}", built.display())
    }
}

fn runs(linker: &Path) -> bool {
    output(linker, &["--version"]).is_some_and(|text| text.trim() == format!("bpf-linker {LINKER}"))
}

/// A folder laid out like an LLVM installation, around the library that the nightly brings.
fn rustup_llvm(folder: &Path) -> Result<PathBuf> {
    let sysroot = output("rustup", &["run", NIGHTLY, "rustc", "--print", "sysroot"])
        .context("the nightly does not run")?;
    let lib = Path::new(sysroot.trim()).join("lib");
    let library = fs::read_dir(&lib)
        .with_context(|| format!("cannot read {}", lib.display()))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| file_name(path).starts_with("libLLVM.so"))
        .with_context(|| format!("the nightly has no LLVM library in {}", lib.display()))?;
    let llvm = folder.join("llvm");
    let _ = fs::remove_dir_all(&llvm);
    shell::folder(&llvm.join("lib"))?;
    // One name for the linker of the build, one for the loader at run time.
    for name in ["libLLVM.so".to_owned(), file_name(&library)] {
        let link = llvm.join("lib").join(name);
        std::os::unix::fs::symlink(&library, &link)
            .with_context(|| format!("cannot make {}", link.display()))?;
    }
    Ok(llvm)
}

fn debian_llvm() -> Result<PathBuf> {
    let llvm = Path::new(DEBIAN_LLVM);
    if !llvm.join("lib/libLLVM.so").exists() {
        install(
            "LLVM 22",
            "the linker's back end",
            &[
                "llvm-22-dev",
                "libpolly-22-dev",
                "zlib1g-dev",
                "libzstd-dev",
            ],
        )?;
    }
    Ok(llvm.to_owned())
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
