//! A root as a person makes it: the image saved to a file, the Dockerfile of `lapwing advise image` for it, and a
//! build of that. Buildah does all that Docker would, without a daemon.

use super::copy::Copier;
use super::each;
use crate::agent::Home;
use crate::session::Session;
use crate::sweep;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names of the images.
const FULL: &str = "localhost/lapwing-full:1";
const SLIM: &str = "localhost/lapwing-slim:1";
const BUSYBOX: &str = "localhost/lapwing-busybox:1";
/// What the build calls of BusyBox.
const APPLETS: &[&str] = &["sh", "mkdir", "chown", "chmod", "ln"];
/// What the image says of its containers, and the slimmed one has to say as well.
const SETTINGS: &[&str] = &[
    "--env",
    "PATH=/usr/local/bin:/usr/bin:/bin",
    "--env",
    "GREETING=two words",
    "--workingdir",
    "/srv/work",
    "--port",
    "8080/tcp",
    "--volume",
    "/srv/volume",
    "--volume",
    "/srv/a $b's",
    "--stop-signal",
    "SIGINT",
    "--entrypoint",
    r#"["/usr/bin/env", "a b"]"#,
    "--cmd",
    "--flag",
];

/// Images of one run, on the disk: they are too large for its memory.
struct Store<'s> {
    session: &'s Session,
    buildah: &'s Path,
    folder: PathBuf,
}

impl Drop for Store<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Store<'_> {
    /// Runs it; answers what it printed, without the line's end.
    fn call(&self, args: &[&str]) -> Result<String> {
        let output = Command::new(self.buildah)
            .arg("--root")
            .arg(self.folder.join("root"))
            .arg("--runroot")
            .arg(self.folder.join("run"))
            .args(["--storage-driver", "vfs"])
            .args(args)
            .current_dir(&self.folder)
            .output()
            .with_context(|| format!("cannot run {}", self.buildah.display()))?;
        ensure!(
            output.status.success(),
            "buildah {} ended with {}: {}",
            args.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
        let text = String::from_utf8(output.stdout)?;
        Ok(text.trim().to_owned())
    }

    /// An image of a folder.
    fn image(&self, folder: &Path, name: &str, settings: &[&str]) -> Result<()> {
        let container = self.call(&["from", "scratch"])?;
        // Not `buildah copy`, which gives all to root.
        let mounted = PathBuf::from(self.call(&["mount", &container])?);
        copy(folder, &mounted)?;
        self.call(&["umount", &container])?;
        let config = [&["config"], settings, &[&container]].concat();
        self.call(&config)?;
        self.call(&["commit", "--quiet", "--rm", &container, name])?;
        Ok(())
    }

    /// What an image says of its containers.
    fn settings(&self, image: &str) -> Result<Value> {
        let said = self.call(&["inspect", "--type", "image", image])?;
        let said: Value = serde_json::from_str(&said).context("what buildah says of an image")?;
        let mut said = said["OCIv1"]["config"].clone();
        // Of the tool that built it.
        said.as_object_mut()
            .context("no configuration")?
            .remove("Labels");
        Ok(said)
    }

    /// An image of BusyBox, as the build takes it from a registry.
    fn busybox(&self) -> Result<()> {
        let folder = self.folder.join("busybox");
        let programs = folder.join("bin");
        fs::create_dir_all(&programs)?;
        fs::copy(&self.session.tools.busybox, programs.join("busybox"))?;
        for applet in APPLETS {
            symlink("busybox", programs.join(applet))?;
        }
        self.image(&folder, BUSYBOX, &["--user", "1000"])
    }
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}

/// Fills a folder with what the build makes of an image and an inventory of use.
///
/// # Errors
///
/// A command that fails, or an image that does not say what the one that it was made of does.
pub fn built(
    session: &Session,
    home: &Home,
    buildah: &Path,
    (image, inventory): (&Path, &Value),
    user: u32,
    to: &Path,
) -> Result<()> {
    let name = format!("{}{}{}", sweep::STEM, std::process::id(), sweep::DISK);
    let folder = session.tools.scratch.join(name);
    fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let store = Store {
        session,
        buildah,
        folder,
    };
    let user = user.to_string();
    store.image(image, FULL, &[SETTINGS, &["--user", &user]].concat())?;
    store.busybox()?;
    let saved = store.folder.join("image.tar");
    let saved = text(&saved)?;
    store.call(&[
        "push",
        "--quiet",
        FULL,
        &format!("docker-archive:{saved}:{FULL}"),
    ])?;
    let used = store.folder.join("use.json");
    fs::write(&used, inventory.to_string())?;
    let advise = ["advise", "image", saved, "--use", text(&used)?, "-o"];
    let dockerfile = home.call(&[&advise[..], &["dockerfile"]].concat())?;
    fs::remove_file(saved)?;
    let file = store.folder.join("Dockerfile");
    fs::write(&file, &dockerfile)?;
    let context = store.folder.join("context");
    fs::create_dir(&context)?;
    let busybox = format!("BUSYBOX={BUSYBOX}");
    let build = [
        "build",
        "--isolation",
        "chroot",
        "--build-arg",
        &busybox,
        "--tag",
        SLIM,
    ];
    store
        .call(&[&build[..], &["--file", text(&file)?, text(&context)?]].concat())
        .with_context(|| dockerfile.clone())?;
    let (full, slim) = (store.settings(FULL)?, store.settings(SLIM)?);
    ensure!(
        full == slim,
        "the image says {full} of its containers, and what was built of it {slim}:\n{dockerfile}"
    );
    let container = store.call(&["from", SLIM])?;
    let mounted = PathBuf::from(store.call(&["mount", &container])?);
    copy(&mounted, to)?;
    store.call(&["umount", &container])?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut copier = Copier::default();
    each(from, &mut |path, metadata| {
        copier.copy(path, metadata, &to.join(path.strip_prefix(from)?))
    })
}
