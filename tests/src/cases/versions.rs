//! A new version of the image inherits the profile, and is given time for what is new in it; what
//! one instance alone taught excuses no other.

use super::common::{
    TOOL, file, number, profile, promote, silent, violation, violations_until_now,
};
use crate::agent::{Home, Mode};
use crate::container::Spec;
use crate::expect::{Expect, lookup};
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{Session, patience, wait_for};
use anyhow::{Result, ensure};
use serde_json::json;

pub const CASES: &[Case] = &[
    Case {
        name: "versions.a-new-one-has-grace",
        run: grace,
    },
    Case {
        name: "versions.one-of-three-teaches-itself-alone",
        run: provisional,
    },
];

/// An image as a container runtime names it, with its digest.
fn image(name: &str, version: u8) -> String {
    format!("{name}:{version}@sha256:{version:064x}")
}

fn start<'s>(session: &'s Session, workload: &str, image: &str) -> Result<Puppet<'s>> {
    let spec = Spec::new(workload, &[TRIGGER, "serve"]).image(image);
    Puppet::from_spec(session, &spec)
}

/// A file was made that is unknown.
fn made(session: &Session, puppet: &Puppet<'_>, severity: &str, path: &str, image: &str) -> Expect {
    let digest = image.split_once('@').map_or("", |(_, digest)| digest);
    file(
        violation(session, puppet, "file.unknown", severity),
        "CREATE",
        path,
    )
    .is("container.image", image)
    .is("container.imageDigest", digest)
}

fn grace(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let mut agent = Home::new(session, Mode::Learn)?.start()?;
    let mut watch = agent.watch()?;
    let (one, two) = (image("team/web", 1), image("team/web", 2));
    let mut old = start(session, "versions", &one)?;
    old.act(&Act::trigger(&["create", "/data/known"]))?;
    super::common::learned_until_now(&mut watch, &mut old, "/data/mark")?;
    promote(&agent.home, "versions")?;

    let mut new = start(session, "versions", &two)?;
    let create = |path: &'static str| Act::trigger(&["create", path]);
    new.act(&create("/data/known"))?;
    new.act(&create("/data/new"))?;
    let expect = made(session, &new, "LOW", "/data/new", &two)
        .is("newInVersion", true)
        .is("pending", true);
    watch.expect("violation", "what is new in the version", &expect)?;
    old.act(&create("/data/new"))?;
    let expect = made(session, &old, "MEDIUM", "/data/new", &one);
    watch.expect("violation", "the same of the old version", &expect)?;
    new.act(&Act::trigger(&["open-write", "/etc/passwd"]))?;
    let expect = file(
        violation(session, &new, "file.unknown", "CRITICAL"),
        "OPEN_WRITE",
        "/etc/passwd",
    )
    .any("container.image");
    watch.expect("violation", "what is never learned", &expect)?;
    for image in [&*image("evil/web", 3), "team/web:4"] {
        let mut other = start(session, "versions", image)?;
        other.act(&create("/data/new"))?;
        let expect = made(session, &other, "MEDIUM", "/data/new", image);
        watch.expect("violation", "of another repository, or no digest", &expect)?;
    }

    // How people are told.
    let name = profile(&agent.home, "versions")?;
    let shown = agent.home.call(&["profile", "show", &name])?;
    for words in [
        &*format!("team/web@sha256:{:064x} is described by the profile", 1),
        &format!("team/web@sha256:{:064x} is new since ", 2),
        " h yet, what only it does is reported as new in this version",
    ] {
        ensure!(shown.contains(words), "no `{words}` in {shown}");
    }
    let status = agent.home.call(&["status"])?;
    ensure!(
        status.matches("is new since ").count() == 1,
        "the status tells of another version than the one that has grace: {status}"
    );

    // The first sight of the version stands in the profile: with a shorter grace it is over.
    agent.home.set("versions", json!({"grace": "1s"}))?;
    let agent = agent.stop()?.start()?;
    let mut watch = agent.watch()?;
    new.act(&create("/data/late"))?;
    let expect = made(session, &new, "MEDIUM", "/data/late", &two).any("afterGap");
    watch.expect("violation", "what comes after the grace", &expect)?;
    Ok(Outcome::Passed)
}

fn provisional(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Learn)?;
    let mut all = Vec::new();
    for _ in 0..3 {
        let mut puppet = Puppet::start(session, "provisional")?;
        puppet.act(&Act::trigger(&["create", "/data/shared"]))?;
        all.push(puppet);
    }
    let lone = Act::program(TOOL, "tool").args(&["nothing"]);
    all[1].act(&lone)?;
    super::common::learned_until_now(watch, &mut all[1], "/data/mark")?;
    let name = profile(&agent.home, "provisional")?;
    wait_for("three instances", patience(), || {
        let profiles = agent.home.json(&["profile", "list"])?;
        let found = profiles.into_iter().find(|one| one["name"] == name);
        let instances = found.and_then(|one| number(lookup(&one, "learning.instances")?));
        Ok((instances == Some(3)).then_some(()))
    })?;
    promote(&agent.home, "provisional")?;
    let shown = agent.home.call(&["profile", "show", &name])?;
    ensure!(
        shown.contains("provisional: seen in 1 of 3 instances, and reported of any other"),
        "it is not listed: {shown}"
    );

    all[1].act(&lone)?;
    let [first, second, third] = &mut all[..] else {
        unreachable!("there are three")
    };
    silent(
        &violations_until_now(watch, second, "/data/end")?,
        "of the one that showed it",
    )?;
    let mut id = String::new();
    for other in [first, third] {
        // Implied by what all showed.
        other.act(&Act::trigger(&["open-write", "/data/shared"]))?;
        other.act(&lone)?;
        let expect = violation(session, other, "exec.unknown", "HIGH")
            .is("exec.path", TOOL)
            .is("provisional", true);
        let (found, _) = watch.expect("violation", "what one alone taught", &expect)?;
        found["id"].as_str().unwrap_or_default().clone_into(&mut id);
        let reported = violations_until_now(watch, other, "/data/end")?;
        ensure!(reported.len() == 1, "more than that: {reported:?}");
    }
    agent.home.call(&["profile", "approve", &id])?;
    let mut fourth = Puppet::start(session, "provisional")?;
    fourth.act(&lone)?;
    silent(
        &violations_until_now(watch, &mut fourth, "/data/end")?,
        "once a person approved",
    )?;
    Ok(Outcome::Passed)
}
