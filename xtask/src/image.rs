//! `cargo xtask image`: the image that a cluster runs, as one file.
//!
//! What `deploy/Dockerfile` says, without a builder and of what was built here: an OCI image layout in a tar archive (image-spec 1.1,
//! image-layout.md), with the file `manifest.json` that `docker load` looks for where Docker keeps images
//! its older way. The same binary gives the same bytes, hence the same digests: times are those of the
//! commit, or of `SOURCE_DATE_EPOCH` (reproducible-builds.org), and owners are root.

use crate::build::Built;
use crate::machine::{self, Machine};
use crate::report::Counts;
use crate::shell::output;
use crate::{build, root, setup};
use anyhow::{Context, Result, bail, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::Command;
use tar::{Builder, EntryType, Header};

/// What the chart calls it, by `image.repository`.
const NAME: &str = "lapwing";
const VERSION: &str = env!("CARGO_PKG_VERSION");
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LABEL: &str = "org.opencontainers.image";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

#[derive(clap::Args)]
pub struct Args {
    /// For amd64 and arm64, and not for this machine's architecture alone
    #[arg(long)]
    both: bool,
}

/// What images are made of besides binaries.
struct Origin {
    /// Seconds since 1970.
    time: u64,
    /// The commit, where there is a repository.
    revision: Option<String>,
}

impl Origin {
    fn find() -> Result<Self> {
        let git = |args: &[&str]| {
            let folder = root().display().to_string();
            let text = output("git", &[&["-C", &folder], args].concat())?;
            Some(text.trim().to_owned())
        };
        let time = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(text) => text.parse().with_context(|| {
                format!("SOURCE_DATE_EPOCH is {text:?}, not a number of seconds since 1970")
            })?,
            Err(_) => git(&["log", "-1", "--format=%ct"])
                .and_then(|text| text.parse().ok())
                .unwrap_or(0),
        };
        // What was changed since is not of the commit.
        let clean = git(&["status", "--porcelain", "--untracked-files=no"]);
        let clean = clean.is_some_and(|text| text.is_empty());
        let revision = git(&["rev-parse", "HEAD"]).filter(|_| clean);
        Ok(Self { time, revision })
    }

    /// image-spec 1.1, annotations.md, "Pre-Defined Annotation Keys".
    fn labels(&self) -> BTreeMap<String, String> {
        let labels = [
            ("title", Some(NAME.to_owned())),
            (
                "description",
                Some("Runtime behaviour monitor for containers".to_owned()),
            ),
            ("licenses", Some("Apache-2.0 OR MIT".to_owned())),
            ("version", Some(VERSION.to_owned())),
            ("created", Some(rfc3339(self.time))),
            ("revision", self.revision.clone()),
        ];
        { labels.into_iter() }
            .filter_map(|(key, text)| Some((format!("{LABEL}.{key}"), text?)))
            .collect()
    }
}

/// The files of a layout, by their digests.
#[derive(Default)]
struct Blobs(BTreeMap<String, Vec<u8>>);

impl Blobs {
    /// Adds one. Answers its descriptor.
    fn add(&mut self, kind: &str, bytes: Vec<u8>) -> Value {
        let digest = hex(&bytes);
        let descriptor = json!({
            "mediaType": kind, "digest": format!("sha256:{digest}"), "size": bytes.len(),
        });
        self.0.insert(digest, bytes);
        descriptor
    }
}

pub fn hex(bytes: &[u8]) -> String {
    let sum = Sha256::digest(bytes);
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn path(descriptor: &Value) -> Option<String> {
    let digest = descriptor["digest"].as_str()?.strip_prefix("sha256:")?;
    Some(format!("blobs/sha256/{digest}"))
}

/// A file of an archive. Nothing of this machine is in it.
pub fn add(
    to: &mut Builder<impl Write>,
    path: &str,
    mode: u32,
    time: u64,
    bytes: &[u8],
) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(mode);
    header.set_mtime(time);
    header.set_size(bytes.len() as u64);
    to.append_data(&mut header, path, bytes)
}

/// What Kubernetes and Go call an architecture is Debian's name for these two.
fn architecture(machine: &Machine) -> &'static str {
    machine.debian
}

/// Adds the image for one machine. Answers the descriptors of its manifest, its configuration and its layer.
fn image(
    blobs: &mut Blobs,
    origin: &Origin,
    architecture: &str,
    binary: &[u8],
) -> Result<[Value; 3]> {
    let mut layer = Builder::new(Vec::new());
    add(&mut layer, "lapwing", 0o755, origin.time, binary)?;
    let layer = layer.into_inner()?;
    let unpacked = hex(&layer);
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&layer)?;
    let layer = blobs.add(LAYER, packed.finish()?);
    let created = rfc3339(origin.time);
    let config = json!({
        "created": created, "architecture": architecture, "os": "linux",
        "config": {
            // Root, because the capabilities that it needs cannot be given to another user of a pod.
            "User": "0:0",
            "Entrypoint": ["/lapwing"],
            "Cmd": ["agent"],
            "Labels": origin.labels(),
        },
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{unpacked}")]},
        "history": [{"created": created, "created_by": "COPY lapwing /lapwing"}],
    });
    let config = blobs.add(CONFIG, serde_json::to_vec(&config)?);
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer],
        "annotations": origin.labels(),
    });
    let mut manifest = blobs.add(MANIFEST, serde_json::to_vec(&manifest)?);
    manifest["platform"] = json!({"architecture": architecture, "os": "linux"});
    Ok([manifest, config, layer])
}

/// Seconds since 1970 as RFC 3339 has them, in UTC; the days by Howard Hinnant's `civil_from_days`.
pub fn rfc3339(time: u64) -> String {
    let (days, second) = (time / 86400 + 719_468, time % 86400);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Writes the archive of images for some architectures, this machine's first. Answers the digest by which a registry
/// will know it.
fn write(to: impl Write, origin: &Origin, binaries: &[(&str, Vec<u8>)]) -> Result<String> {
    let mut blobs = Blobs::default();
    let images = { binaries.iter() }
        .map(|(architecture, binary)| image(&mut blobs, origin, architecture, binary))
        .collect::<Result<Vec<_>>>()?;
    let [_, config, layer] = images.first().context("no binary")?;
    let older = json!([{
        "Config": path(config), "RepoTags": [format!("{NAME}:{VERSION}")], "Layers": [path(layer)],
    }]);
    let mut top = match &images[..] {
        [[manifest, ..]] => manifest.clone(),
        several => {
            let manifests: Vec<&Value> = several.iter().map(|[manifest, ..]| manifest).collect();
            let index = json!({
                "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests,
                "annotations": origin.labels(),
            });
            blobs.add(INDEX, serde_json::to_vec(&index)?)
        }
    };
    let digest = top["digest"].as_str().unwrap_or_default().to_owned();
    top["annotations"] = json!({
        "org.opencontainers.image.ref.name": VERSION,
        // By this containerd names what it imports, and as the kubelet asks for it.
        "io.containerd.image.name": format!("docker.io/library/{NAME}:{VERSION}"),
    });
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [top]});
    let mut archive = Builder::new(to);
    let time = origin.time;
    add(
        &mut archive,
        "oci-layout",
        0o644,
        time,
        br#"{"imageLayoutVersion":"1.0.0"}"#,
    )?;
    for (digest, bytes) in &blobs.0 {
        add(
            &mut archive,
            &format!("blobs/sha256/{digest}"),
            0o644,
            time,
            bytes,
        )?;
    }
    add(
        &mut archive,
        "index.json",
        0o644,
        time,
        &serde_json::to_vec(&index)?,
    )?;
    add(
        &mut archive,
        "manifest.json",
        0o644,
        time,
        &serde_json::to_vec(&older)?,
    )?;
    archive.into_inner()?.flush()?;
    Ok(digest)
}

/// Writes the archive of what was built, this machine's first. Answers where it is, and the digest.
fn pack(built: &[Built]) -> Result<(PathBuf, String)> {
    let read = |built: &Built| {
        let binary = &built.lapwing;
        let bytes =
            fs::read(binary).with_context(|| format!("cannot read {}", binary.display()))?;
        Ok((architecture(built.machine), bytes))
    };
    let binaries: Vec<_> = built.iter().map(read).collect::<Result<_>>()?;
    let file = build::target().join(format!("{NAME}-{VERSION}.tar"));
    let create = || format!("cannot write {}", file.display());
    // Whoever reads it meanwhile has the old one or the new one.
    let fresh = file.with_extension("tar.new");
    let to = BufWriter::new(File::create(&fresh).with_context(create)?);
    let digest = write(to, &Origin::find()?, &binaries).with_context(create)?;
    fs::rename(&fresh, &file).with_context(create)?;
    Ok((file, digest))
}

/// Packs what was built for this machine. Answers where the archive is.
pub fn of(built: &Built) -> Result<PathBuf> {
    Ok(pack(std::slice::from_ref(built))?.0)
}

/// A stage of all tests: packs what was built, and holds what the binary for this machine reads in it against what
/// went in.
pub fn stage(built: &[Built], counts: &mut Counts, note: &mut String) -> Result<()> {
    let [own, ..] = built else {
        bail!("nothing was built")
    };
    let (file, digest) = pack(built)?;
    for Built {
        machine, lapwing, ..
    } in built
    {
        let platform = format!("linux/{}", architecture(machine));
        let mut command = Command::new(&own.lapwing);
        command
            .args(["advise", "image", "-o", "json", "--platform", &platform])
            .arg(&file);
        let output = command.output().context("cannot run lapwing")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "lapwing cannot read the image for {platform}: {said}"
        );
        let report: Value = serde_json::from_slice(&output.stdout).context("what lapwing says")?;
        let size = fs::metadata(lapwing)?.len();
        ensure!(
            report["platform"] == platform
                && report["size"]["files"] == 1
                && report["size"]["visible"] == size,
            "it is to be for {platform} and to hold {size} bytes in one file, and not: {report:#}"
        );
        counts.passed += 1;
    }
    *note = format!("{} {digest}", file.display());
    Ok(())
}

/// Builds and packs, and says what to do with it.
pub fn run(args: &Args) -> Result<bool> {
    let tools = setup::run()?;
    let mut built = vec![build::run(&tools)?];
    if args.both {
        let other = if machine::X86_64.is_own() {
            &machine::ARM64
        } else {
            &machine::X86_64
        };
        setup::cross(other)?;
        built.push(build::binaries(&tools, other, None)?);
    }
    let (file, digest) = pack(&built)?;
    let platforms: Vec<_> = { built.iter() }
        .map(|built| format!("linux/{}", architecture(built.machine)))
        .collect();
    let mib = fs::metadata(&file)?.len() as f64 / f64::from(1 << 20);
    let file = file.display();
    println!(
        "
image: {NAME}:{VERSION} for {platforms} in {file} ({mib:.1} MiB)
       {digest}

into a registry:  skopeo copy --all oci-archive:{file} docker://REGISTRY/{NAME}:{VERSION}
or to each node:  ctr -n k8s.io images import {file}
of kind:          kind load image-archive {file}
of k3s:           k3s ctr images import {file}
for Docker:       docker load -i {file}

then install it, as docs/kubernetes.md says; of a registry with --set image.repository=REGISTRY/{NAME}",
        platforms = platforms.join(", "),
    );
    Ok(true)
}

#[cfg(test)]
mod tests;
