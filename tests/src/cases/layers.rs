//! An image by the layers of its container, beside the same layers in a tar.

use crate::agent::{Home, Mode};
use crate::container::{Image, Spec};
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::rootfs::{self, Overlay};
use crate::runner::{Case, Context, Outcome};
use crate::session::{Session, patience, wait_for};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

pub const CASES: &[Case] = &[Case {
    name: "layers.as-in-a-tar",
    run: as_in_a_tar,
}];

const WORKLOAD: &str = "layered";
const DIGEST: &str = "sha256:1b4f0ad7c2e4a7b0d8a9cb9ea1f7d3f6a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7";
const STATUS: &str =
    "Package: shop\nStatus: install ok installed\nVersion: 1.0\nArchitecture: all\n\n";
const KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAx5a6cTbqIh0Zk1hYzqkfZBw3b5v9C4Yq0wZ1pW8l\n\
                   -----END RSA PRIVATE KEY-----\n";
/// What the layers take away, as they do it: by layer, the folder, and the name, `None` for all of lower ones.
const GONE: &[(usize, &str, Option<&str>)] = &[
    (1, "opt", Some("large")),
    (1, "srv/all", None),
    (2, "etc", Some("key")),
    (2, "opt", Some("late")),
];

fn put(root: &Path, path: &str, text: impl AsRef<[u8]>) -> Result<()> {
    let path = root.join(path);
    fs::create_dir_all(path.parent().context("no folder")?)?;
    fs::write(&path, text).with_context(|| path.display().to_string())
}

/// Three layers, the lowest first: the last two are made by the kernel's own overlays. `None` where it has none.
fn layers(session: &Session, folder: &Path) -> Result<Option<Vec<PathBuf>>> {
    let at = |name: &str| folder.join(name);
    let one = at("one");
    rootfs::fill(session, &one)?;
    put(&one, "opt/large", [7; 300_000])?;
    put(&one, "srv/all/a/deep", "deep")?;
    put(&one, "srv/all/b", "22")?;
    put(&one, "etc/key", KEY)?;
    put(
        &one,
        "etc/os-release",
        "PRETTY_NAME=\"Shop 1\"\nID=shop\nVERSION_ID=1\n",
    )?;
    put(&one, "var/lib/dpkg/status", STATUS)?;
    put(&one, "var/lib/dpkg/info/shop.list", "/usr/bin/shop\n")?;
    put(&one, "opt/mode", "the same")?;
    symlink("large", one.join("opt/link"))?;

    let two = at("two");
    let Some(overlay) = Overlay::mount(&one, &two)? else {
        return Ok(None);
    };
    fs::remove_file(two.join("opt/large"))?;
    fs::remove_dir_all(two.join("srv/all"))?;
    put(&two, "srv/all/new", "333")?;
    put(&two, "opt/late", "4444")?;
    fs::set_permissions(two.join("opt/mode"), fs::Permissions::from_mode(0o4755))?;
    drop(overlay);

    let (three, upper) = (at("three"), at("two-upper"));
    let below = format!("{}:{}", upper.display(), one.display());
    let overlay = Overlay::mount(Path::new(&below), &three)?.context("no overlay any more")?;
    fs::remove_file(three.join("etc/key"))?;
    fs::remove_file(three.join("opt/late"))?;
    put(
        &three,
        "etc/os-release",
        "PRETTY_NAME=\"Shop 3\"\nID=shop\nVERSION_ID=3\n",
    )?;
    drop(overlay);
    Ok(Some(vec![one, upper, at("three-upper")]))
}

/// What BusyBox prints.
fn busybox(session: &Session, words: &[&str]) -> Result<String> {
    let mut command = Command::new(session.path("shared").join("busybox"));
    let output = command.args(words).output()?;
    ensure!(output.status.success(), "{words:?}: {output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("no text")
}

/// Saves the layers as `docker save` does. They become those of a tar, and are no layers of an overlay any more.
fn saved(session: &Session, layers: &[PathBuf], folder: &Path) -> Result<PathBuf> {
    for (layer, within, name) in GONE {
        let within = layers[*layer].join(within);
        // The kernel has a device 0:0 there.
        if let Some(name) = name {
            fs::remove_file(within.join(name)).with_context(|| (*name).to_owned())?;
        }
        let mark = name.map_or(".wh..wh..opq".to_owned(), |name| format!(".wh.{name}"));
        fs::write(within.join(mark), "")?;
    }
    let image = folder.join("image");
    fs::create_dir(&image)?;
    let (mut names, mut ids) = (Vec::new(), Vec::new());
    for (number, layer) in layers.iter().enumerate() {
        let name = format!("{number}.tar");
        let tar = image.join(&name);
        busybox(
            session,
            &["tar", "-cf", text(&tar)?, "-C", text(layer)?, "."],
        )?;
        let sum = busybox(session, &["sha256sum", text(&tar)?])?;
        ids.push(format!(
            "sha256:{}",
            sum.split(' ').next().context("no hash")?
        ));
        names.push(name);
    }
    let config = json!({
        "os": "linux",
        "architecture": "amd64",
        "rootfs": {"type": "layers", "diff_ids": ids},
    });
    fs::write(image.join("config.json"), config.to_string())?;
    let manifest = json!([{"Config": "config.json", "RepoTags": ["team/web:1"], "Layers": names}]);
    fs::write(image.join("manifest.json"), manifest.to_string())?;
    let file = folder.join("image.tar");
    busybox(
        session,
        &["tar", "-cf", text(&file)?, "-C", text(&image)?, "."],
    )?;
    Ok(file)
}

/// What both say of the same layers.
fn common(report: &Value) -> Value {
    let pick = |value: &Value, keys: &[&str]| -> Value {
        keys.iter()
            .map(|key| ((*key).to_owned(), value[*key].clone()))
            .collect()
    };
    let mut all = pick(
        report,
        &[
            "system",
            "distro",
            "waste",
            "packagesNotRead",
            "notable",
            "secrets",
            "notSearched",
        ],
    );
    all["size"] = pick(&report["size"], &["bytes", "visible", "files"]);
    let each = |what: &str, keys: &[&str]| -> Value {
        let list = report[what].as_array().into_iter().flatten();
        list.map(|one| pick(one, keys)).collect()
    };
    // Not what the agent knows of their use.
    all["packages"] = each("packages", &["kind", "name", "version", "bytes", "files"]);
    all["layers"] = each(
        "layers",
        &["number", "bytes", "files", "deletions", "hidden"],
    );
    all
}

fn as_in_a_tar(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let folder = session.folder("layers")?;
    let Some(layers) = layers(session, &folder)? else {
        return Ok(Outcome::Skipped(
            "the kernel has no overlay file system".to_owned(),
        ));
    };
    let agent = Home::new(session, Mode::Learn)?.start()?;
    let home = &agent.home;
    let mut spec = Spec::new(WORKLOAD, &[TRIGGER, "serve"]).image(&format!("team/web:1@{DIGEST}"));
    spec.image = Some(Image {
        layers: layers.iter().rev().cloned().collect(),
        user: 0,
    });
    let mut puppet = Puppet::from_spec(session, &spec)?;
    puppet.act(&Act::program("/bin/cp", "cp").args(&["/bin/busybox", "/data/copy"]))?;
    wait_for("what was used", patience(), || {
        // There is none before the first use.
        let Ok(inventory) = home.json(&["inventory", WORKLOAD]) else {
            return Ok(None);
        };
        let mut files = inventory[0]["files"].as_array().into_iter().flatten();
        Ok(files.any(|file| file["path"] == TRIGGER).then_some(()))
    })?;
    let ask = |name: &str| -> Result<Value> {
        let report = home.json(&["advise", "image", "--container", name])?;
        report.into_iter().next().context("no report")
    };
    // By its workload, and by the beginning of its id.
    let found = ask(WORKLOAD)?;
    let by_id = ask(&puppet.id[..12])?;
    ensure!(common(&by_id) == common(&found), "{by_id}, not {found}");
    ensure!(
        found["container"]["id"] == puppet.id && found["digest"] == DIGEST && found["id"].is_null(),
        "{found}"
    );
    // What the copy takes on the disk, which is not its length.
    let copy = format!("/proc/{}/root/data/copy", puppet.pid()?);
    let size = fs::metadata(&copy).context(copy)?.blocks() * 512;
    let written = &found["container"]["written"];
    ensure!(
        written["bytes"] == size && written["isIncomplete"] == false,
        "{written}, not {size} bytes"
    );
    for (layer, path) in found["layers"]
        .as_array()
        .context("no layers")?
        .iter()
        .zip(&layers)
    {
        ensure!(
            layer["folder"] == text(path)?,
            "{layer}, not {}",
            path.display()
        );
    }
    // The agent says what of it was used.
    ensure!(
        found["used"]["sameImage"] == true && found["ran"]["workload"].is_string(),
        "{found}"
    );
    let words = home.call(&["advise", "image", "--container", WORKLOAD])?;
    for part in [
        "by the layers of the container ",
        "to its own layer, which is no part of the image",
        "LIES IN",
        "unknown: it stands in the image's configuration",
    ] {
        ensure!(words.contains(part), "no `{part}` in {words}");
    }
    let build = home.call(&[
        "advise",
        "image",
        "--container",
        WORKLOAD,
        "-o",
        "dockerfile",
    ])?;
    ensure!(
        build.starts_with("# WARNING: ")
            && build.contains("\n# WARNING: made from a container's layers")
            && build.contains("/trigger"),
        "{build}"
    );

    // One without an overlay has one layer, and the report says what that means.
    let plain = Puppet::start(session, "plain")?;
    let one = ask(&plain.id)?;
    ensure!(
        one["layers"].as_array().map(Vec::len) == Some(1)
            && one["notes"]
                .to_string()
                .contains("no overlay but one folder"),
        "{one}"
    );
    drop(plain);
    let none = home
        .client(&["advise", "image", "--container", "nobody"])
        .output()?;
    let said = String::from_utf8_lossy(&none.stderr);
    ensure!(
        none.status.code() == Some(1)
            && said.contains("no container that runs on this node is called `nobody`"),
        "{none:?}"
    );

    drop(puppet);
    let file = saved(session, &layers, &folder)?;
    let wanted = home.json(&["advise", "image", text(&file)?])?.remove(0);
    ensure!(
        common(&found) == common(&wanted),
        "by the container {}, by the tar {}",
        common(&found),
        common(&wanted)
    );
    // And these are no two empty reports.
    ensure!(
        wanted["layers"][2]["deletions"] == 2
            && wanted["secrets"]["first"][0]["hiddenBy"] == 3
            && wanted["packages"][0]["name"] == "shop"
            && wanted["system"] == "Shop 3",
        "{wanted}"
    );
    agent.stop()?;
    Ok(Outcome::Passed)
}
