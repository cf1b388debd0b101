//! Advice on a pod, applied to a real container.

use super::common::{
    IDS, NOBODY4, hook_of, learned_until_now, profile, promote, silent, violations_until_now,
};
use crate::agent::{Home, Mode};
use crate::container::Spec;
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use anyhow::{Context as _, Result, ensure};
use lapwing_abi::hooks::Row;
use serde_json::{Value, json};

pub const CASES: &[Case] = &[
    Case {
        name: "advise.pod",
        run: pod,
    },
    Case {
        name: "advise.size",
        run: size,
    },
];

const WORKLOAD: &str = "advised";

/// What the workload does: writes in two folders of its image, and where it needs no advice; talks
/// to a peer; uses a capability where that is seen.
fn work(puppet: &mut Puppet<'_>, uses_capability: bool) -> Result<()> {
    for act in [
        &["create", "/data/x"][..],
        &["rename", "/data/x", "/data/y"],
        &["create", "/tmp/z"],
        &["delete", "/tmp/z"],
        &["create", "/volume/x"],
        &["create", "/scratch/x"],
        &["connect-tcp", NOBODY4, "443"],
    ] {
        puppet.act(&Act::trigger(act))?;
    }
    if uses_capability {
        puppet.act(&Act::trigger(&["bind-port", "80"]))?;
    }
    Ok(())
}

fn texts(list: &Value, key: &str) -> Result<Vec<String>> {
    let all = list
        .as_array()
        .with_context(|| format!("no list: {list}"))?;
    let text = |one: &Value| one[key].as_str().map(str::to_owned);
    all.iter()
        .map(|one| text(one).with_context(|| format!("no {key} in {one}")))
        .collect()
}

fn pod(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let agent = Home::new(session, Mode::Learn)?.start()?;
    let mut watch = agent.watch()?;
    let is_seen = hook_of(&agent.status()?, Row::PrivilegeCapability)?["tier"] != "";
    {
        let mut puppet = Puppet::start(session, WORKLOAD)?;
        work(&mut puppet, is_seen)?;
        learned_until_now(&mut watch, &mut puppet, "/data/mark")?;
    }
    let name = profile(&agent.home, WORKLOAD)?;
    let advise = ["advise", "pod", &name];
    let advice = agent.home.json(&advise)?.swap_remove(0);
    ensure!(advice["root"]["readOnly"] == json!(true), "{advice}");
    let folders = texts(&advice["root"]["folders"], "path")?;
    ensure!(folders == ["/data", "/tmp"], "{folders:?} of {advice}");
    let used = texts(&advice["capabilities"]["add"], "name")?;
    let wanted: &[&str] = if is_seen { &["NET_BIND_SERVICE"] } else { &[] };
    ensure!(used == wanted, "{}", advice["capabilities"]);
    ensure!(
        advice["capabilities"]["dropAll"] == json!(is_seen),
        "dropped unseen: {}",
        advice["capabilities"]
    );
    if is_seen {
        let seen = &advice["capabilities"]["add"][0]["because"]["first"][0];
        ensure!(
            seen["by"] == json!([TRIGGER]) && seen["uids"] == json!([0]),
            "{seen}"
        );
    }
    let peers = texts(&advice["network"]["addresses"], "peer")?;
    ensure!(peers == [format!("{NOBODY4}/32")], "{}", advice["network"]);

    // It says that there may be more, and as a gate it is shut.
    ensure!(advice["basis"]["complete"] == json!(false), "{advice}");
    let text = agent.home.call(&advise)?;
    for word in ["incomplete:\n  the profile still learns", "/data", NOBODY4] {
        ensure!(text.contains(word), "no `{word}` in {text}");
    }
    let gate = [&advise[..], &["--require-complete"]].concat();
    let ended = agent.home.client(&gate).output()?;
    ensure!(ended.status.code() == Some(1), "{ended:?}");
    let patch = [&advise[..], &["-o", "patch", "--container", "app"]].concat();
    let patch = agent.home.call(&patch)?;
    let patch = serde_saphyr::from_str(&patch).with_context(|| format!("the patch: {patch}"))?;

    // Confined so, the workload does the same as before, and nobody has anything to report.
    promote(&agent.home, WORKLOAD)?;
    let mut puppet = Puppet::from_spec(
        session,
        &Spec::new(WORKLOAD, &[TRIGGER, "serve"]).patch(patch),
    )?;
    work(&mut puppet, is_seen).context("with the advice applied")?;
    let seen = violations_until_now(&mut watch, &mut puppet, "/data/sentinel")?;
    silent(&seen, "with the advice applied")?;
    let outside = puppet.run(&Act::trigger(&["create", "/etc/x"]))?;
    ensure!(outside != 0, "the root is not read-only");
    if is_seen {
        let other = puppet.run(&Act::trigger(&["nothing"]).ids(IDS.0, IDS.1));
        ensure!(other.is_err(), "SETUID is left, which was not used");
    }
    drop(puppet);
    agent.stop()?;
    Ok(Outcome::Passed)
}

/// The workload of the limit.
const WRITER: &str = "writer";
/// Bytes that it writes at once, and removes: twice as many are more than the least limit.
const WRITTEN: u64 = 9 << 20;

/// Fills a file with so many MiB.
fn fill(path: &str, mebibytes: u64) -> Act {
    let (file, count) = (format!("of={path}"), format!("count={mebibytes}"));
    Act::program("/bin/busybox", "dd").args(&["if=/dev/zero", &file, "bs=1M", &count])
}

/// How much is written is seen while it is there, and stays known; what is advised of it is room enough.
fn size(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let agent = Home::new(session, Mode::Learn)?.start()?;
    let mut watch = agent.watch()?;
    let spec = || Spec::new(WRITER, &[TRIGGER, "serve"]).overlay();
    let folder = |advice: &Value, path: &str| -> Result<Value> {
        let all = advice["root"]["folders"].as_array().into_iter().flatten();
        let mut all = all.filter(|folder| folder["path"] == path);
        let found = all.next().with_context(|| format!("no {path}: {advice}"))?;
        Ok(found["size"].clone())
    };
    let mut puppet = Puppet::from_spec(session, &spec())?;
    puppet.act(&Act::trigger(&["create", "/data/x"]))?;
    puppet.act(&fill("/tmp/large", WRITTEN >> 20))?;
    let name = profile(&agent.home, WRITER)?;
    let advise = |more: &[&str]| agent.home.call(&[&["advise", "pod", &name], more].concat());
    let seen = wait_for("a look at what was written", patience(), || {
        let advice = agent.home.json(&["advise", "pod", &name])?.swap_remove(0);
        let size = folder(&advice, "/tmp")?;
        let bytes = size["seen"]["bytes"].as_u64().unwrap_or_default();
        Ok((bytes >= WRITTEN).then_some(size))
    })?;
    puppet.act(&Act::trigger(&["delete", "/tmp/large"]))?;
    learned_until_now(&mut watch, &mut puppet, "/data/mark")?;
    // A look after that: the most stays.
    let advice = wait_for("another look", patience(), || {
        let advice = agent.home.json(&["advise", "pod", &name])?.swap_remove(0);
        let is_later = folder(&advice, "/tmp")?["seen"]["looks"] != seen["seen"]["looks"];
        Ok(is_later.then_some(advice))
    })?;
    drop(puppet);
    let size = folder(&advice, "/tmp")?;
    let bytes = size["seen"]["bytes"].as_u64().unwrap_or_default();
    ensure!((WRITTEN..WRITTEN + (1 << 20)).contains(&bytes), "{size}");
    ensure!(size["limitMi"] == json!(32), "{size}");
    let other = folder(&advice, "/data")?;
    let few = other["seen"]["bytes"].as_u64();
    ensure!(few.is_some_and(|few| few < 1 << 20), "{other}");
    ensure!(other["limitMi"] == json!(16), "{other}");

    for (form, words) in [
        (&[][..], "sizeLimit 32Mi; the most seen was 9."),
        (&[], "is evicted"),
        (&["-o", "compose"], "/tmp:size=32m"),
    ] {
        let text = advise(form)?;
        ensure!(text.contains(words), "no `{words}` in {text}");
    }
    // It goes with the profile.
    let file = session.folder("exported")?.join("profile.yaml");
    std::fs::write(&file, agent.home.call(&["profile", "export", &name])?)?;
    let file = file.to_string_lossy().into_owned();
    let of_file = [
        "advise",
        "pod",
        "--file",
        &file,
        "-o",
        "patch",
        "--container",
        "app",
    ];
    let patch = agent.home.call(&of_file)?;
    ensure!(patch.contains("sizeLimit: 32Mi"), "{patch}");
    let patch = serde_saphyr::from_str(&patch).with_context(|| format!("the patch: {patch}"))?;

    // It does the same with that limit, and more than the limit has no room.
    let mut puppet = Puppet::from_spec(session, &spec().patch(patch))?;
    puppet.act(&fill("/tmp/large", WRITTEN >> 20))?;
    puppet.act(&Act::trigger(&["delete", "/tmp/large"]))?;
    ensure!(
        puppet.run(&fill("/tmp/large", 40))? != 0,
        "there is no limit"
    );
    drop(puppet);
    agent.stop()?;
    Ok(Outcome::Passed)
}
