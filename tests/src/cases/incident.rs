//! What is kept of an incident: evidence of a real container, looked into by other programs.

use super::candidates::{PRIVATE, PUBLIC};
use super::common::{NOBODY4, TOOL, violations_until_now};
use crate::agent::{Home, Mode};
use crate::container::Spec;
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::Session;
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub const CASES: &[Case] = &[Case {
    name: "incident.evidence",
    run: evidence,
}];

const WORKLOAD: &str = "incident";
const MINER: &str = "/data/miner";
const DIGEST: &str = "sha256:5c0f0ad7c2e4a7b0d8a9cb9ea1f7d3f6a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7";

/// What BusyBox' applets print; they know nothing of how a bundle is made.
fn busybox(session: &Session, words: &[&str]) -> Result<String> {
    let mut command = Command::new(session.path("shared").join("busybox"));
    let output = command.args(words).output()?;
    ensure!(output.status.success(), "{words:?}: {output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

/// A bundle, unpacked.
struct Bundle(PathBuf);

impl Bundle {
    fn open(session: &Session, file: &Path) -> Result<Self> {
        let folder = session.folder("bundle")?;
        let (from, to) = (text(file)?, text(&folder)?);
        busybox(session, &["tar", "-xzf", from, "-C", to])?;
        let mut entries = fs::read_dir(&folder)?;
        let only = entries.next().context("nothing in the bundle")??;
        ensure!(entries.next().is_none(), "more than one folder");
        Ok(Self(only.path()))
    }

    fn text(&self, name: &str) -> Result<String> {
        fs::read_to_string(self.0.join(name)).with_context(|| name.to_owned())
    }

    fn lines(&self, name: &str) -> Result<Vec<Value>> {
        let text = self.text(name)?;
        let lines = text.lines().map(serde_json::from_str);
        lines
            .collect::<Result<_, _>>()
            .with_context(|| name.to_owned())
    }

    fn manifest(&self) -> Result<Value> {
        Ok(serde_json::from_str(&self.text("manifest.json")?)?)
    }

    /// The line about a path or an address.
    fn of(&self, name: &str, key: &str, wanted: &str) -> Result<Value> {
        let lines = self.lines(name)?;
        let found = lines.iter().find(|line| line[key] == wanted);
        let found = found.with_context(|| format!("no {wanted} in {name}: {lines:?}"))?;
        Ok(found.clone())
    }
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("no text")
}

/// The SHA-256 of a file.
fn hash(session: &Session, path: &Path) -> Result<String> {
    let said = busybox(session, &["sha256sum", text(path)?])?;
    let hash = said.split(' ').next();
    Ok(hash.context("no hash")?.to_owned())
}

fn evidence(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let agent = Home::new(session, Mode::Monitor)?.start()?;
    let mut watch = agent.watch()?;
    let spec = Spec::new(WORKLOAD, &[TRIGGER, "serve"]).overlay();
    let spec = spec.image(&format!("team/web:1@{DIGEST}"));
    let mut puppet = Puppet::from_spec(session, &spec)?;
    if !puppet.is_overlay() {
        return Ok(Outcome::Skipped(
            "the kernel has no overlay file system".to_owned(),
        ));
    }
    puppet.act(&Act::program("/bin/cp", "cp").args(&["/bin/busybox", MINER]))?;
    puppet.act(&Act::program("/bin/busybox", "rm").args(&[TOOL]))?;
    let secret = ["echo", "--password=hunter2"];
    puppet.act(&Act::program(MINER, "echo").args(&secret[1..]))?;
    puppet.act(&Act::trigger(&["connect-tcp", NOBODY4, "4444"]))?;
    let reported = violations_until_now(&mut watch, &mut puppet, "/data/mark")?;
    let id_of = |rule: &str| -> Result<String> {
        let found = reported.iter().find(|one| one["rule"] == rule);
        let id = found.and_then(|one| one["id"].as_str());
        Ok(id
            .with_context(|| format!("no {rule}: {reported:?}"))?
            .to_owned())
    };
    let drift = id_of("exec.drift")?;

    let folder = session.folder("evidence")?;
    let at = |name: &str| folder.join(name);
    fs::write(at("key.pem"), PRIVATE)?;
    fs::write(at("key.pub"), PUBLIC)?;
    let (first, key, public) = (at("first.tar.gz"), at("key.pem"), at("key.pub"));
    let made = agent.home.json(&[
        "evidence",
        &drift,
        "--to",
        text(&first)?,
        "--key",
        text(&key)?,
    ])?;
    let bundle = Bundle::open(session, &first)?;
    let mut manifest = bundle.manifest()?;
    manifest["file"] = text(&first)?.into();
    ensure!(made == [manifest.clone()], "{made:?}, not {manifest}");
    let subject = &manifest["subject"];
    ensure!(
        subject["violation"] == drift
            && subject["container"] == puppet.id
            && subject["running"] == true,
        "{manifest}"
    );
    // The agent is younger than a day, and says what it does not look into.
    let missing = manifest["incomplete"].to_string();
    let wanted = ["the agent keeps nothing of what was before ", "/volume ("];
    ensure!(
        wanted.iter().all(|it| missing.contains(it)) && !missing.contains("could not"),
        "{manifest}"
    );
    // Another program finds the same hashes.
    for listed in manifest["files"].as_array().context("no files")? {
        let name = listed["name"].as_str().context("no name")?;
        let found = hash(session, &bundle.0.join(name))?;
        ensure!(listed["sha256"] == found, "{listed}, not {found}");
    }

    // What was changed: the program with its hash, and what is gone.
    let miner = bundle.of("changes.ndjson", "path", MINER)?;
    let wanted = hash(session, &session.path("shared").join("busybox"))?;
    ensure!(
        miner["kind"] == "file" && miner["sha256"] == wanted,
        "{miner}"
    );
    let gone = bundle.of("changes.ndjson", "path", TOOL)?;
    ensure!(
        gone["kind"] == "deleted" && gone["sha256"] == Value::Null,
        "{gone}"
    );
    let changed = bundle.lines("changes.ndjson")?;
    ensure!(
        !changed.iter().any(|one| one["path"] == "/bin/busybox"),
        "what was not changed is told: {changed:?}"
    );

    // What was done, by whom, and with whom.
    let ids: Vec<Value> = bundle.lines("timeline.ndjson")?;
    let is_in = |id: &str| ids.iter().any(|line| line["violation"]["id"] == id);
    for one in &reported {
        let id = one["id"].as_str().context("no id")?;
        ensure!(is_in(id), "{id} is not in the timeline");
    }
    let tree = bundle.text("processes.txt")?;
    let pid = puppet.pid()?;
    ensure!(
        tree.starts_with(&format!("{TRIGGER} (pid {pid})\n")),
        "{tree}"
    );
    let line = format!("\n  {MINER} (pid ");
    ensure!(tree.contains(&line), "no {line:?} in {tree}");
    let peer = bundle.of("peers.ndjson", "address", &format!("{NOBODY4}:4444"))?;
    ensure!(
        peer["protocol"] == "TCP" && peer["violation"] == true,
        "{peer}"
    );
    let running = bundle.lines("running.ndjson")?;
    ensure!(
        running.len() == 1 && running[0]["pid"] == pid && running[0]["exe"] == TRIGGER,
        "{running:?}"
    );
    for name in ["timeline.ndjson", "timeline.txt", "processes.txt"] {
        let text = bundle.text(name)?;
        ensure!(!text.contains("hunter2"), "a secret in {name}: {text}");
    }
    let profile = bundle.text("profile.yaml")?;
    ensure!(profile.contains("kind: BehaviorProfile"), "{profile}");

    // It is checked as it was made, and not when somebody touched it.
    let check = [
        "evidence",
        "--check",
        text(&first)?,
        "--key",
        text(&public)?,
    ];
    let said = agent.home.call(&check)?;
    ensure!(said.contains("signed by "), "{said}");
    fs::write(bundle.0.join("peers.ndjson"), "")?;
    let (touched, parent) = (
        at("touched.tar.gz"),
        bundle.0.parent().context("no folder")?,
    );
    let files = files_of(&bundle.0)?;
    ensure!(files.len() == 12, "{files:?}");
    let plain = at("touched.tar");
    let pack = ["tar", "-cf", text(&plain)?, "-C", text(parent)?];
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    busybox(session, &[&pack[..], &files].concat())?;
    // By itself: its `tar -z` looks for a program of the name, which not every machine has.
    busybox(session, &["gzip", text(&plain)?])?;
    let ended = agent
        .home
        .client(&["evidence", "--check", text(&touched)?])
        .output()?;
    let words = String::from_utf8_lossy(&ended.stderr);
    ensure!(ended.status.code() == Some(1), "{ended:?}");
    let wanted = "peers.ndjson in it is not what the manifest says: 0 bytes";
    ensure!(words.contains(wanted), "{words}");

    // Where the image runs, and what deviated there.
    let place = place_of(&agent.home, &DIGEST[..20])?;
    let ids: Vec<_> = place["containers"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    ensure!(
        ids.len() == 1 && ids[0]["id"] == puppet.id && ids[0]["imageDigest"] == DIGEST,
        "{place}"
    );
    ensure!(
        place["mode"] == "MONITORING" && told(&place, &drift),
        "{place}"
    );

    // A container that is gone is known by what was reported of it.
    let id = puppet.id.clone();
    drop(puppet);
    let second = at("second.tar.gz");
    crate::session::wait_for(
        "the container to be gone",
        crate::session::patience(),
        || {
            let running = agent.home.json(&["containers"])?;
            let is_there = running.iter().any(|one| one["container"]["id"] == id);
            Ok((!is_there).then_some(()))
        },
    )?;
    agent
        .home
        .call(&["evidence", WORKLOAD, "--to", text(&second)?])?;
    let bundle = Bundle::open(session, &second)?;
    let manifest = bundle.manifest()?;
    let missing = manifest["incomplete"].to_string();
    ensure!(
        manifest["subject"]["running"] == false && missing.contains("does not run any more"),
        "{manifest}"
    );
    ensure!(
        bundle.text("changes.ndjson")?.is_empty(),
        "changes of nothing"
    );
    let place = place_of(&agent.home, &DIGEST[7..])?;
    ensure!(
        place["containers"] == json!([]) && told(&place, &drift),
        "{place}"
    );
    let nowhere = agent.home.json(&["image", "where", "sha256:0123456789"])?;
    ensure!(nowhere[0]["workloads"] == json!([]), "{nowhere:?}");
    let ended = agent.home.client(&["evidence", "nobody"]).output()?;
    let words = String::from_utf8_lossy(&ended.stderr);
    ensure!(
        ended.status.code() == Some(1) && words.contains("no container is called `nobody`"),
        "{ended:?}"
    );
    Ok(Outcome::Passed)
}

/// What is said of where an image is, which is one workload's.
fn place_of(home: &Home, digest: &str) -> Result<Value> {
    let told = home.json(&["image", "where", digest])?;
    ensure!(
        told.len() == 1 && told[0]["node"] == crate::agent::NODE,
        "{told:?}"
    );
    let places = told[0]["workloads"].as_array();
    let places = places.with_context(|| format!("{told:?}"))?;
    ensure!(places.len() == 1, "{told:?}");
    Ok(places[0].clone())
}

/// Whether a violation is among what deviated.
fn told(place: &Value, id: &str) -> bool {
    let all = place["deviations"].as_array().into_iter().flatten();
    let is = |one: &Value| {
        let ids = one["ids"].as_array();
        one["rule"] == "exec.drift" && ids.is_some_and(|ids| ids.iter().any(|it| it == id))
    };
    all.into_iter().any(is)
}

/// The files of a bundle's folder, named from the one above.
fn files_of(folder: &Path) -> Result<Vec<String>> {
    let above = folder.parent().context("no folder")?;
    let names = fs::read_dir(folder)?.map(|entry| {
        let path = entry?.path();
        Ok(text(path.strip_prefix(above)?)?.to_owned())
    });
    names.collect()
}
