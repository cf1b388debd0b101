//! Running test programs as a user without rights, also where this runs as root.
//!
//! `cargo test` has to pass for everybody, and only a user who may nothing proves
//! that. So root compiles as usual, and Cargo starts each test program through
//! `setpriv` of util-linux.

use crate::{root, shell};
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Nobody.
const USER: u32 = 65534;
const NO_RIGHTS: &str = " --inh-caps=-all";
/// Below a folder such as /root nobody would find the programs at all.
const BRIDGE: &str = " --inh-caps=-all,+dac_read_search --ambient-caps=+dac_read_search";
/// The variable that names Cargo's runner for this machine's target.
const RUNNER: &str = match env!("XTASK_ARCH").as_bytes() {
    b"aarch64" => "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER",
    _ => "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER",
};

/// How test programs are started; its folder for temporary files is removed with it.
pub struct Unprivileged {
    runner: Option<String>,
    folder: PathBuf,
}

impl Unprivileged {
    /// Finds out whether rights have to be dropped, and how.
    pub fn new() -> Result<Self> {
        let folder = root().join(format!("target/unprivileged-{}", std::process::id()));
        shell::folder(&folder)?;
        let mut this = Self {
            runner: None,
            folder,
        };
        if owner(Path::new("/proc/self"))? != 0 {
            return Ok(this);
        }
        chown(&this.folder, Some(USER), Some(USER))
            .with_context(|| format!("cannot give {} away", this.folder.display()))?;
        let drop = format!("setpriv --reuid={USER} --regid={USER} --clear-groups --no-new-privs");
        let rights = if reaches(&drop) { NO_RIGHTS } else { BRIDGE };
        this.runner = Some(format!("{drop}{rights}"));
        Ok(this)
    }

    /// Who runs the programs.
    pub fn who(&self) -> String {
        match &self.runner {
            Some(runner) if runner.ends_with(BRIDGE) => {
                format!("as user {USER}, who may read all: this checkout is closed to others")
            }
            Some(_) => format!("as user {USER}"),
            None => "as this user".to_owned(),
        }
    }

    /// Has Cargo start the programs so.
    pub fn apply<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        if let Some(runner) = &self.runner {
            command.env(RUNNER, runner);
        }
        command.env("TMPDIR", &self.folder)
    }
}

impl Drop for Unprivileged {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn owner(path: &Path) -> Result<u32> {
    let meta = fs::metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
    Ok(meta.uid())
}

/// Whether the checkout can be read that way.
fn reaches(drop: &str) -> bool {
    let mut words = drop.split(' ');
    let status = Command::new(words.next().unwrap_or_default())
        .args(words)
        .args(["test", "-r"])
        .arg(root().join("Cargo.toml"))
        .stdin(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}
