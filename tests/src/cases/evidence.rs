//! Learning ends by evidence, and where it does not, it says why.
//!
//! Slots of a second stand for those of five minutes; nothing else is different.

use super::common::{TOOL, file, number, profile, promote, violation};
use crate::agent::{Home, Mode};
use crate::expect::lookup;
use crate::letters::in_letters;
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use crate::session::{Session, patience, wait_for};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

pub const CASES: &[Case] = &[
    Case {
        name: "evidence.quiet-ends-learning-and-news-do-not",
        run: quiet,
    },
    Case {
        name: "evidence.automatic-promotion",
        run: automatic,
    },
    Case {
        name: "evidence.outlives-the-agent",
        run: restart,
    },
];

/// An agent that learns in seconds.
fn home(session: &Session, restarts: u32, promote: &str) -> Result<Home> {
    let mut home = Home::new(session, Mode::Learn)?;
    home.set(
        "learning",
        json!({
            "slot": "1s", "quiet": "4s", "observed": "8s", "restarts": restarts,
            "cap": "1d", "promote": promote,
        }),
    )?;
    Ok(home)
}

/// The summary of a workload's profile.
fn summary(home: &Home, workload: &str) -> Result<Value> {
    let name = profile(home, workload)?;
    home.json(&["profile", "list"])?
        .into_iter()
        .find(|profile| profile["name"] == name)
        .context("the profile is gone")
}

fn unmet(summary: &Value) -> Vec<String> {
    let unmet = lookup(summary, "learning.unmet").and_then(Value::as_array);
    let texts = unmet.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// What a class shows after the start-up.
fn later<'a>(summary: &'a Value, kind: &str) -> Option<&'a Value> {
    let classes = lookup(summary, "learning.classes")?.as_array()?;
    let mut classes = classes.iter();
    classes.find(|class| class["kind"] == kind && class["startup"] != true)
}

/// What a steady workload does again and again.
fn work(puppet: &mut Puppet<'_>) -> Result<()> {
    puppet.act(&Act::trigger(&["open-write", "/data/steady"]))?;
    puppet.act(&Act::program(TOOL, "tool").args(&["nothing"]))
}

fn quiet(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let agent = home(session, 1, "manual")?.start()?;
    let mut busy = Puppet::start(session, "busy")?;
    let mut steady = Puppet::start(session, "steady")?;
    steady.act(&Act::trigger(&["create", "/data/steady"]))?;
    let mut count = 0;
    let mut news = |busy: &mut Puppet<'_>| {
        count += 1;
        // In letters: names with numbers would become a pattern, and no news.
        let path = format!("/data/news-{}", in_letters(count));
        busy.act(&Act::trigger(&["create", &path]))
    };

    // All but the restart.
    let lacks = "seen from its first program once; needs a restart or another instance";
    let before = wait_for("all conditions but the restart", 3 * patience(), || {
        work(&mut steady)?;
        news(&mut busy)?;
        let summary = summary(&agent.home, "steady")?;
        // Where acts are slow, the first of them are still one burst.
        let burst = later(&summary, "file").and_then(|files| number(&files["once"]));
        Ok((unmet(&summary) == [lacks] && burst == Some(0)).then_some(summary))
    })?;
    ensure!(before["mode"] == "LEARNING", "{before}");
    // The kernel only counted them, and they were in many samples all the same.
    let files = later(&before, "file").with_context(|| format!("no files: {before}"))?;
    ensure!(
        number(&files["incidences"]) >= Some(4) && number(&files["once"]) == Some(0),
        "the repeats are not in the samples: {files}"
    );
    ensure!(
        files["coverage"].as_f64() == Some(1.0) && files["covered"] == true,
        "{files}"
    );
    drop(steady);

    let mut second = Puppet::start(session, "steady")?;
    second.act(&Act::trigger(&["create", "/data/steady"]))?;
    let over = wait_for("the end of learning", 3 * patience(), || {
        work(&mut second)?;
        news(&mut busy)?;
        let summary = summary(&agent.home, "steady")?;
        Ok((summary["mode"] == "REVIEW").then_some(summary))
    })?;
    ensure!(
        number(&over["learning"]["instances"]) == Some(2),
        "two instances: {over}"
    );
    let name = profile(&agent.home, "steady")?;
    let text = agent.home.call(&["profile", "show", &name])?;
    for words in [
        "steady",
        "Review",
        "is in review",
        "lapwing  review  evidence complete: observed for",
    ] {
        ensure!(text.contains(words), "no `{words}` in {text}");
    }

    // The one that always does something new is not done, and says why.
    let mut why = Vec::new();
    wait_for("what keeps the busy one learning", patience(), || {
        // Where asking takes longer than it has to be quiet, the next one may be quicker.
        news(&mut busy)?;
        let learning = summary(&agent.home, "busy")?;
        ensure!(learning["mode"] == "LEARNING", "{learning}");
        why = unmet(&learning);
        let says = |words: &str| why.iter().any(|unmet| unmet.starts_with(words));
        Ok((says("file: coverage 0.") && says("quiet for ")).then_some(()))
    })
    .with_context(|| format!("it says {why:?}"))?;
    let status = agent.home.call(&["status"])?;
    ensure!(
        status.contains("file: coverage 0.") && status.contains("seen at one time only"),
        "the status does not say why: {status}"
    );

    promote(&agent.home, "steady")?;
    let after = summary(&agent.home, "steady")?;
    ensure!(
        after["mode"] == "MONITORING" && after["learning"].is_null(),
        "{after}"
    );
    Ok(Outcome::Passed)
}

fn automatic(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let agent = home(session, 0, "automatic")?.start()?;
    let mut watch = agent.watch()?;
    let mut puppet = Puppet::start(session, "automatic")?;
    puppet.act(&Act::trigger(&["create", "/data/steady"]))?;
    wait_for("the promotion", 3 * patience(), || {
        work(&mut puppet)?;
        let summary = summary(&agent.home, "automatic")?;
        Ok((summary["mode"] == "MONITORING").then_some(()))
    })?;
    let name = profile(&agent.home, "automatic")?;
    let shown = agent.home.json(&["profile", "show", &name])?.remove(0);
    let decisions = shown["status"]["decisions"]
        .as_array()
        .context("decisions")?;
    let taken: Vec<_> = decisions
        .iter()
        .map(|one| (one["actor"].as_str(), one["action"].as_str()))
        .collect();
    let wanted = [("lapwing", "review"), ("lapwing", "promote")];
    ensure!(
        taken == wanted.map(|(actor, action)| (Some(actor), Some(action))),
        "{decisions:?}"
    );
    puppet.act(&Act::trigger(&["create", "/data/new"]))?;
    let expect = file(
        violation(session, &puppet, "file.unknown", "MEDIUM"),
        "CREATE",
        "/data/new",
    );
    watch.expect("violation", "what was not learned", &expect)?;
    Ok(Outcome::Passed)
}

/// An agent that comes back goes on with the evidence, and takes its absence for a gap.
fn restart(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let agent = home(session, 1, "manual")?.start()?;
    let mut puppet = Puppet::start(session, "outlives")?;
    puppet.act(&Act::trigger(&["create", "/data/steady"]))?;
    let observed = |summary: &Value| number(&summary["learning"]["observedSeconds"]);
    let before = wait_for("some evidence", 3 * patience(), || {
        work(&mut puppet)?;
        let summary = summary(&agent.home, "outlives")?;
        Ok(observed(&summary).filter(|seconds| *seconds >= 6))
    })?;
    let agent = agent.stop()?.start()?;
    work(&mut puppet)?;
    let after = summary(&agent.home, "outlives")?;
    ensure!(observed(&after) >= Some(before), "{before} s, then {after}");
    ensure!(
        number(&after["learning"]["instances"]) == Some(1),
        "it is the same instance: {after}"
    );
    let gap = "something may have been missed";
    let why = unmet(&after);
    ensure!(
        why.iter().any(|unmet| unmet.starts_with(gap)),
        "no gap in {why:?}"
    );
    wait_for("the gap to heal", 3 * patience(), || {
        work(&mut puppet)?;
        let why = unmet(&summary(&agent.home, "outlives")?);
        Ok((!why.iter().any(|unmet| unmet.starts_with(gap))).then_some(()))
    })?;
    Ok(Outcome::Passed)
}
