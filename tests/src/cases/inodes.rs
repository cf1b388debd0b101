//! A file that takes the place of another, down to the number of its inode, is another file.

use super::common::{file, violation, violations_until_now};
use crate::agent::Mode;
use crate::container::Spec;
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::Session;
use crate::sweep::{DISK, STEM};
use anyhow::{Context as _, Result};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

pub const CASES: &[Case] = &[Case {
    name: "path.inode-reused",
    run: reused,
}];

/// A folder on the disk, where the run's own lies in memory; gone when dropped.
struct Disk(PathBuf);

impl Disk {
    fn new(session: &Session) -> Result<Self> {
        let name = format!("{STEM}{}{DISK}", std::process::id());
        let path = session.tools.scratch.join(name);
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777))?;
        Ok(Self(path))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A file is opened until that is known; it is removed, and another is made that has its number.
/// What is done to that one is news, under its name.
fn reused(context: &mut Context<'_>) -> Result<Outcome> {
    const FIRST: &str = "/disk/first";
    const SECOND: &str = "/disk/second";
    let session = context.session;
    let disk = Disk::new(session)?;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let spec = Spec::new("inodes", &[TRIGGER, "serve"]).mount(json!({
        "destination": "/disk", "type": "bind", "source": disk.0, "options": ["bind", "rw"],
    }));
    let mut puppet = Puppet::from_spec(session, &spec)?;
    puppet.act(&Act::trigger(&["create", FIRST]))?;
    // In one process, until it is known without a look at its path.
    puppet.act(&Act::trigger(&["repeat", "20", "open-write", FIRST]))?;
    violations_until_now(watch, &mut puppet, "/data/known")?;
    let words = ["reuse-inode", FIRST, SECOND, "50"];
    let held = match puppet.hold(&Act::trigger(&[&["hold"], &words[..]].concat())) {
        Ok(held) => held,
        Err(error) if error.is::<crate::puppet::Lacking>() => {
            return Ok(Outcome::Skipped(error.to_string()));
        }
        Err(error) => return Err(error),
    };
    for operation in ["CREATE", "OPEN_WRITE"] {
        let expect = file(
            violation(session, &puppet, "file.unknown", "MEDIUM"),
            operation,
            SECOND,
        )
        .is("file.mount", "VOLUME")
        .is("file.target", "")
        .is("file.pathFromCaller", false)
        .is("process.pid", held.pid);
        watch.expect("violation", operation, &expect)?;
    }
    Ok(Outcome::Passed)
}
