//! The images of the test's own pods: BusyBox, and nothing else. In the form of `docker save`, which containerd imports.

use crate::image::{add, hex};
use crate::shell;
use anyhow::{Context, Result};
use serde_json::json;
use std::fs::{self, File};
use std::path::Path;
use tar::{Builder, EntryType, Header};

/// What BusyBox is called in them.
const APPLETS: &[&str] = &[
    "sh", "sleep", "cat", "id", "httpd", "wget", "ls", "touch", "echo", "rm", "true", "date",
];
const FOLDERS: &[&str] = &[
    "bin", "etc", "tmp", "srv", "root", "proc", "dev", "sys", "run",
];
const FILES: &[(&str, &str)] = &[
    ("etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
    ("etc/shadow", "root:*:1::::::\n"),
    ("srv/index.html", "hello\n"),
];

/// Writes one that runs a command.
pub fn write(to: &Path, name: &str, command: &[&str], busybox: &Path) -> Result<()> {
    shell::folder(to.parent().unwrap_or(to))?;
    let layer = layer(busybox)?;
    let digest = hex(&layer);
    let architecture = crate::machine::own().context("no machine")?.debian;
    let config = json!({
        "architecture": architecture, "os": "linux",
        "config": {"Cmd": command, "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{digest}")]},
        "history": [{"created_by": "BusyBox"}],
    })
    .to_string();
    let (config_file, layer_file) = (
        format!("{}.json", hex(config.as_bytes())),
        format!("{digest}/layer.tar"),
    );
    let manifest = json!([{"Config": config_file, "RepoTags": [name], "Layers": [layer_file]}]);
    let mut archive = Builder::new(File::create(to)?);
    add(&mut archive, &config_file, 0o644, 0, config.as_bytes())?;
    add(&mut archive, &layer_file, 0o644, 0, &layer)?;
    let manifest = manifest.to_string();
    add(&mut archive, "manifest.json", 0o644, 0, manifest.as_bytes())?;
    archive.finish().context("cannot write an image")
}

fn layer(busybox: &Path) -> Result<Vec<u8>> {
    let mut layer = Builder::new(Vec::new());
    for folder in FOLDERS {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Directory);
        header.set_mode(if *folder == "tmp" { 0o1777 } else { 0o755 });
        header.set_size(0);
        layer.append_data(&mut header, folder, &[][..])?;
    }
    let program = fs::read(busybox).with_context(|| format!("no {}", busybox.display()))?;
    add(&mut layer, "bin/busybox", 0o755, 0, &program)?;
    for applet in APPLETS {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        layer.append_link(&mut header, format!("bin/{applet}"), "busybox")?;
    }
    for (path, text) in FILES {
        add(&mut layer, path, 0o644, 0, text.as_bytes())?;
    }
    Ok(layer.into_inner()?)
}
