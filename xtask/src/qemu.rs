//! QEMU, which runs guests with other kernels.
//!
//! It is this machine's own, installed as a package where it is missing. Where that cannot be done
//! (a tool of another version of QEMU is installed, which a package of QEMU would remove; nobody is
//! root) Debian's packages are unpacked into the cache with all their libraries, and nothing of the
//! machine changes.

use crate::machine::{self, Machine};
use crate::shell::which;
use crate::{cache, debian, setup};
use anyhow::{Context, Result, ensure};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's release from which it is where it is unpacked.
const SUITE: &str = "bookworm";
/// Where unpacked ones have firmware, relative to their folder.
const FIRMWARE: &[&str] = &["usr/share/qemu", "usr/share/seabios", "usr/lib/ipxe/qemu"];

/// Finds or installs the emulator of a machine.
pub fn ensure(machine: &Machine) -> Result<()> {
    if which(machine.qemu).is_some() || Unpacked::of(machine)?.is_there() {
        return Ok(());
    }
    let why = "other kernels";
    let Err(refused) = setup::install(machine.qemu, why, &[machine.qemu_package]) else {
        ensure!(
            which(machine.qemu).is_some(),
            "{} is not there after installing it",
            machine.qemu
        );
        return Ok(());
    };
    setup::say(
        machine.qemu,
        "cannot be installed: fetching from Debian with its libraries ...",
    );
    Unpacked::of(machine)?
        .fetch()
        .with_context(|| format!("and before that {refused:#}"))
}

/// What runs it; the arguments that follow are its own. `before` is a program with its arguments
/// that runs it in turn.
pub fn command(machine: &Machine, before: &[&str]) -> Result<Command> {
    let unpacked = Unpacked::of(machine)?;
    let installed = which(machine.qemu);
    let is_unpacked = installed.is_none();
    let own = installed.map_or_else(|| unpacked.words(), |program| vec![program.into()]);
    let mut words = before
        .iter()
        .map(OsStr::new)
        .chain(own.iter().map(AsRef::as_ref));
    let mut command = Command::new(words.next().context("no program")?);
    command.args(words);
    if is_unpacked {
        command.env("QEMU_MODULE_DIR", unpacked.modules());
    }
    Ok(command)
}

/// One in the cache, for this machine to run.
struct Unpacked<'m> {
    emulates: &'m Machine,
    runs_on: &'static Machine,
    folder: PathBuf,
}

impl<'m> Unpacked<'m> {
    fn of(emulates: &'m Machine) -> Result<Self> {
        let runs_on = machine::own().context("no machine that Lapwing is built for")?;
        let name = format!("{}-{SUITE}-{}", emulates.qemu_package, runs_on.debian);
        Ok(Self {
            emulates,
            runs_on,
            folder: cache().join(name),
        })
    }

    fn program(&self) -> PathBuf {
        self.folder.join("usr/bin").join(self.emulates.qemu)
    }

    fn is_there(&self) -> bool {
        self.program().is_file()
    }

    fn fetch(&self) -> Result<()> {
        debian::unpack_whole(
            SUITE,
            self.runs_on,
            &[self.emulates.qemu_package],
            &self.folder,
        )?;
        ensure!(
            self.is_there(),
            "{} is not in Debian's packages",
            self.emulates.qemu
        );
        Ok(())
    }

    /// Parts that it loads when it needs them, emulation itself among them.
    fn modules(&self) -> PathBuf {
        (self.folder.join("usr/lib"))
            .join(self.runs_on.gnu)
            .join("qemu")
    }

    /// Its own loader with its own libraries, and where its firmware is.
    fn words(&self) -> Vec<std::ffi::OsString> {
        let libraries = Path::new("lib").join(self.runs_on.gnu);
        let path = [libraries.clone(), Path::new("usr").join(&libraries)]
            .map(|below| self.folder.join(below).display().to_string())
            .join(":");
        let loader = Path::new(self.runs_on.loader)
            .file_name()
            .unwrap_or_default();
        let loader = self.folder.join(libraries).join(loader);
        let mut words = vec![
            loader.into(),
            "--library-path".into(),
            path.into(),
            self.program().into(),
        ];
        for below in FIRMWARE {
            words.push("-L".into());
            words.push(self.folder.join(below).into());
        }
        words
    }
}
