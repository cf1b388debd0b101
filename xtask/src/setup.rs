//! Finding or installing what the other commands need.
//!
//! One table: each need says how it is found and how it is installed. The
//! machine's package sources stay as they are; kernels for virtual machines come
//! through a package configuration of their own and are unpacked, not installed.

use crate::kernel;
use crate::shell::{self, output, quiet, which};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Version of the linker that all builds use.
const LINKER: &str = "0.13.0";
/// Compiler of the second way, pinned.
const NIGHTLY: &str = "nightly-2026-05-20";

/// What the other commands use.
pub struct Tools {
    /// How eBPF programs are compiled.
    pub compiler: Compiler,
    /// bpf-linker.
    pub linker: PathBuf,
}

/// The compiler of eBPF programs: stable ones cannot build `core` for the target.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Compiler {
    /// Debian's `rustc-web` with `core` prebuilt for the target.
    Debian,
    /// A nightly of rustup with the sources of `core`.
    Rustup,
}

struct Need {
    name: &'static str,
    why: &'static str,
    /// Where it is, if it is there.
    find: fn() -> Option<String>,
    /// Debian packages that bring it.
    packages: &'static [&'static str],
}

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CORE: &str = "/usr/lib/rustlib/bpfel-unknown-none/lib";

fn program(name: &str) -> Option<String> {
    which(name).map(|path| path.display().to_string())
}

fn static_busybox() -> Option<String> {
    let path = "/bin/busybox";
    // A static program has no interpreter: ldd says so by failing.
    (Path::new(path).is_file() && output("ldd", &[path]).is_none()).then(|| path.to_owned())
}

const NEEDS: &[Need] = &[
    Need {
        name: "C compiler",
        why: "links Rust programs, statically",
        find: || program("cc"),
        packages: &["gcc", "libc6-dev"],
    },
    Need {
        name: "runc",
        why: "runs the containers of tests and demo",
        find: || program("runc"),
        packages: &["runc"],
    },
    Need {
        name: "busybox-static",
        why: "userland of the containers and guests",
        find: static_busybox,
        packages: &["busybox-static"],
    },
    Need {
        name: "QEMU",
        why: "other kernels",
        find: || program("qemu-system-x86_64"),
        packages: &["qemu-system-x86"],
    },
    Need {
        name: "xz",
        why: "modules of other kernels",
        find: || program("xz"),
        packages: &["xz-utils"],
    },
    Need {
        name: "Debian's keys",
        why: "proves the packages of other kernels",
        find: || {
            Path::new(kernel::KEYS)
                .is_file()
                .then(|| kernel::KEYS.to_owned())
        },
        packages: &["debian-archive-keyring"],
    },
];

/// Finds or installs everything, and says what.
pub fn run() -> Result<Tools> {
    let start = Instant::now();
    println!("setup");
    for need in NEEDS {
        if (need.find)().is_none() {
            install(need.name, need.why, need.packages)?;
        }
        let found = (need.find)().with_context(|| {
            format!(
                "{} is not there after installing {}",
                need.name,
                need.packages.join(" ")
            )
        })?;
        say(need.name, &format!("{found}  ({})", need.why));
    }
    let compiler = compiler()?;
    let linker = linker(compiler)?;
    say(
        "bpf-linker",
        &format!("{}  (links eBPF programs)", linker.display()),
    );
    for guest in kernel::GUESTS {
        let folder = kernel::ensure(guest)?;
        say(
            &format!("Linux {}", guest.label),
            &format!("{}  (virtual machine)", folder.display()),
        );
    }
    println!("setup took {:.1} s\n", start.elapsed().as_secs_f64());
    Ok(Tools { compiler, linker })
}

fn say(name: &str, text: &str) {
    println!("  {name:<16} {text}");
}

/// Installs packages from the machine's own sources.
fn install(name: &str, why: &str, packages: &[&str]) -> Result<()> {
    if which("apt-get").is_none() {
        bail!(
            "{name} is missing ({why}), and this is no Debian-like machine: install what matches {}",
            packages.join(", ")
        );
    }
    println!(
        "  {name:<16} missing ({why}): installing {} ...",
        packages.join(" ")
    );
    let start = Instant::now();
    let apt = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .args(["-o", "DPkg::Lock::Timeout=300"])
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive");
        quiet(&mut command)
    };
    let install = [&["install", "-y", "--no-install-recommends"], packages].concat();
    if apt(&install).is_err() {
        // The lists may be missing, or name packages that are no longer there.
        apt(&["update"])?;
        apt(&install).with_context(|| {
            format!(
                "cannot install {name}; this needs root and package sources that can be reached"
            )
        })?;
    }
    println!(
        "  {name:<16} installed in {:.0} s",
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

fn debian_compiler() -> Option<String> {
    let version = output(DEBIAN_RUSTC, &["--version"])?;
    Path::new(DEBIAN_CORE)
        .is_dir()
        .then(|| version.trim().to_owned())
}

fn rustup_compiler() -> Option<String> {
    let components = output(
        "rustup",
        &["component", "list", "--installed", "--toolchain", NIGHTLY],
    )?;
    components
        .lines()
        .any(|line| line.starts_with("rust-src"))
        .then(|| NIGHTLY.to_owned())
}

/// Whether the machine's package sources have a package.
fn packaged(package: &str) -> bool {
    output("apt-cache", &["show", "--no-all-versions", package])
        .is_some_and(|text| !text.is_empty())
}

/// What is there is used; else what is cheapest to get.
fn compiler() -> Result<Compiler> {
    let name = "eBPF compiler";
    if let Some(version) = debian_compiler() {
        say(
            name,
            &format!("{DEBIAN_RUSTC}, {version}  (found: has core for the target)"),
        );
        return Ok(Compiler::Debian);
    }
    if let Some(version) = rustup_compiler() {
        say(
            name,
            &format!("{version} of rustup  (found: has the sources of core)"),
        );
        return Ok(Compiler::Rustup);
    }
    let packages = ["rustc-web", "libstd-rust-web-dev-bpf"];
    if which("apt-get").is_some() {
        if !packaged(packages[0]) {
            // Without lists nothing is packaged; with them the answer is final.
            quiet(Command::new("apt-get").arg("update"))?;
        }
        if packages.into_iter().all(packaged) {
            install(name, "has core for the target, prebuilt", &packages)?;
            let version =
                debian_compiler().context("the packages brought no compiler for the target")?;
            say(
                name,
                &format!("{DEBIAN_RUSTC}, {version}  (chosen: packaged, nothing to compile)"),
            );
            return Ok(Compiler::Debian);
        }
    }
    println!("  {name:<16} not packaged here: fetching {NIGHTLY} with its sources by rustup ...");
    quiet(Command::new("rustup").args(["toolchain", "install", NIGHTLY, "--profile", "minimal", "--component", "rust-src"]))
        .context("no compiler for eBPF: neither the packages rustc-web and libstd-rust-web-dev-bpf nor a nightly can be had")?;
    say(
        name,
        &format!("{NIGHTLY} of rustup  (chosen: not packaged here)"),
    );
    Ok(Compiler::Rustup)
}

/// Finds or builds the linker, into the cache: it belongs to nobody else.
fn linker(compiler: Compiler) -> Result<PathBuf> {
    let fits = |path: &Path| {
        output(path, &["--version"])
            .is_some_and(|text| text.trim() == format!("bpf-linker {LINKER}"))
    };
    let folder = crate::cache().join(format!("bpf-linker-{LINKER}"));
    let built = folder.join("bin/bpf-linker");
    if fits(&built) {
        return Ok(built);
    }
    if let Some(found) = which("bpf-linker").filter(|path| fits(path)) {
        return Ok(found);
    }
    let mut command = Command::new("cargo");
    command
        .args([
            "install",
            "bpf-linker",
            "--version",
            LINKER,
            "--locked",
            "--root",
        ])
        .arg(&folder);
    match compiler {
        Compiler::Debian => {
            if !Path::new("/usr/lib/llvm-22/lib/libLLVM-22.so").exists()
                && output("/usr/lib/llvm-22/bin/llvm-config", &["--version"]).is_none()
            {
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
            command
                .args(["--no-default-features", "--features", "llvm-22"])
                .env("LLVM_PREFIX", "/usr/lib/llvm-22");
        }
        // Its LLVM must be that of the compiler, which the default features take care of.
        Compiler::Rustup => {
            command.env("RUSTUP_TOOLCHAIN", NIGHTLY);
        }
    }
    println!(
        "  {:<16} missing: building version {LINKER}, about two minutes ...",
        "bpf-linker"
    );
    shell::folder(&folder)?;
    quiet(
        command
            .env_remove("RUSTFLAGS")
            .env("CARGO_TARGET_DIR", folder.join("target")),
    )?;
    // Large, and of no use once it is built.
    let _ = std::fs::remove_dir_all(folder.join("target"));
    if fits(&built) {
        Ok(built)
    } else {
        bail!("bpf-linker was built but does not run: {}", built.display())
    }
}

/// The nightly's name, for the build.
pub const fn nightly() -> &'static str {
    NIGHTLY
}

/// Debian's compiler, for the build.
pub const fn debian_rustc() -> &'static str {
    DEBIAN_RUSTC
}
