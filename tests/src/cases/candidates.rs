//! Profiles on their way: replayed before they go live, and sent back to learning.

use super::common::{
    file, learned_until_now, profile, promote, silent, violation, violations_until_now,
};
use crate::agent::{Agent, Home, Mode};
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::fs;
use std::process::Output;

pub const CASES: &[Case] = &[
    Case {
        name: "profile.replay",
        run: replay,
    },
    Case {
        name: "profile.demote",
        run: demote,
    },
    Case {
        name: "profile.signatures-required",
        run: signed,
    },
];

fn run(agent: &Agent, args: &[&str]) -> Result<Output> {
    agent.home.run_to_end(agent.home.client(args))
}

/// A candidate that lacks one thing would have reported that, and nothing else.
fn replay(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Learn)?;
    let mut puppet = Puppet::start(session, "candidates")?;
    for path in ["/data/kept", "/data/dropped"] {
        puppet.act(&Act::trigger(&["create", path]))?;
    }
    learned_until_now(watch, &mut puppet, "/data/mark")?;
    let name = profile(&agent.home, "candidates")?;
    let text = agent.home.call(&["profile", "export", &name])?;
    let path = session.path("candidate.yaml");
    let words = path.display().to_string();
    fs::write(&path, &text)?;
    let output = run(agent, &["profile", "replay", &words])?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success() && said.contains(": 0 of "),
        "itself reports something: {output:?}"
    );

    let line = "{operation: CREATE, path: /data/dropped}";
    let spec = format!("    - {line}\n");
    ensure!(text.contains(&spec), "not learned: {text}");
    // Of `status` nothing has to be there.
    let less = text.split("status:").next().unwrap_or_default();
    fs::write(&path, less.replace(&spec, ""))?;
    let output = run(agent, &["profile", "-o", "json", "replay", &words, &name])?;
    ensure!(output.status.code() == Some(1), "{output:?}");
    let answer: Value = serde_json::from_slice(&output.stdout).context("the answer")?;
    let reported = answer["reported"].as_array().context("no list")?;
    ensure!(reported.len() == 1, "{answer}");
    ensure!(
        reported[0]["entry"] == format!("file: {line}")
            && reported[0]["rule"] == "file.unknown"
            && reported[0]["severity"] == "MEDIUM"
            && reported[0]["count"] == "1",
        "{answer}"
    );
    let output = run(agent, &["profile", "replay", &words, "--since", "1ms"])?;
    ensure!(
        output.status.success(),
        "nothing was seen in the last millisecond: {output:?}"
    );
    Ok(Outcome::Passed)
}

/// What was a violation is learned, and no violation after the next promotion.
fn demote(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Learn)?;
    let workload = "demoted";
    let mut puppet = Puppet::start(session, workload)?;
    learned_until_now(watch, &mut puppet, "/data/mark")?;
    promote(&agent.home, workload)?;
    let change = Act::trigger(&["create", "/data/changed"]);
    puppet.act(&change)?;
    let expect = file(
        violation(session, &puppet, "file.unknown", "MEDIUM"),
        "CREATE",
        "/data/changed",
    );
    watch.expect("violation", "while monitoring", &expect)?;

    let name = profile(&agent.home, workload)?;
    let output = run(agent, &["profile", "demote", &name])?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(1) && text.contains("--reason"),
        "without a reason: {output:?}"
    );
    let reason = "release 2 writes another file";
    let text = (agent.home).call(&["profile", "demote", &name, "--reason", reason])?;
    ensure!(text.contains("learning now"), "{text}");
    // Held back in the kernel as a violation until now, and learned all the same.
    puppet.act(&Act::trigger(&["delete", "/data/changed"]))?;
    puppet.act(&change)?;
    learned_until_now(watch, &mut puppet, "/data/learned")?;
    promote(&agent.home, workload)?;
    let mut second = Puppet::start(session, workload)?;
    second.act(&change)?;
    silent(
        &violations_until_now(watch, &mut second, "/data/end")?,
        "after the second promotion",
    )?;
    let shown = agent.home.call(&["profile", "show", &name])?;
    ensure!(shown.contains(reason), "not on record: {shown}");
    Ok(Outcome::Passed)
}

/// Of RFC 8410, section 10.3: a private key, and the public one of it (section 10.1).
pub(super) const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
pub(super) const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
";

/// Decided of a file, signed, imported; and who changes what is stored changes nothing.
fn signed(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let workload = "signed";
    let mut home = Home::new(session, Mode::Learn)?;
    let (private, public) = (session.path("key.pem"), session.path("key.pub"));
    fs::write(&private, PRIVATE)?;
    fs::write(&public, PUBLIC)?;
    let public = public.display().to_string();
    home.set("signatures", json!({"require": true, "keys": [public]}))?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let mut puppet = Puppet::start(session, workload)?;
    puppet.act(&Act::trigger(&["create", "/data/known"]))?;
    learned_until_now(&mut watch, &mut puppet, "/data/mark")?;
    let name = profile(&agent.home, workload)?;
    let refused = |args: &[&str], word: &str| -> Result<()> {
        let output = run(&agent, args)?;
        let text = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.code() == Some(1) && text.contains(word),
            "{args:?}: {output:?}"
        );
        Ok(())
    };
    refused(&["profile", "promote", &name], "lapwing profile sign")?;
    let file_name = session.path("signed.yaml").display().to_string();
    let key = private.display().to_string();
    agent.home.call(&["profile", "export", &name, &file_name])?;
    agent.home.call(&["profile", "promote", &file_name])?;
    refused(&["profile", "import", &file_name], "lapwing profile sign")?;
    agent
        .home
        .call(&["profile", "sign", &file_name, "--key", &key])?;
    let text = agent.home.call(&["profile", "import", &file_name])?;
    ensure!(text.contains("monitoring now"), "{text}");
    puppet.act(&Act::trigger(&["delete", "/data/known"]))?;
    let unknown = |puppet: &Puppet<'_>| {
        let expect = violation(session, puppet, "file.unknown", "MEDIUM");
        file(expect, "DELETE", "/data/known")
    };
    watch.expect("violation", "beside what was signed", &unknown(&puppet))?;

    // Somebody widens what is stored.
    drop(watch);
    let home = agent.stop()?;
    let profiles = fs::read_dir(home.state().join("profiles"))?;
    let stored = profiles
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().ends_with(".yaml"))
        .context("no stored profile")?;
    let line = "    - {operation: CREATE, path: /data/known}\n";
    let more = "    - {operation: DELETE, path: /data/known}\n";
    let text = fs::read_to_string(&stored)?;
    ensure!(text.contains(line), "not stored: {text}");
    fs::write(&stored, text.replacen(line, &format!("{line}{more}"), 1))?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let said = wait_for("the report", patience(), || {
        let reports = watch.of_kind("violation");
        let changed = |report: &Value| report["degraded"]["reason"] == "profile-changed";
        Ok(reports.into_iter().find(changed))
    })?;
    let detail = said["degraded"]["detail"].as_str().unwrap_or_default();
    ensure!(
        detail.contains("+ file: {operation: DELETE, path: /data/known}"),
        "{said}"
    );
    let mut second = Puppet::start(session, workload)?;
    for act in ["create", "delete"] {
        second.act(&Act::trigger(&[act, "/data/known"]))?;
    }
    watch.expect("violation", "it is not approved", &unknown(&second))?;
    Ok(Outcome::Passed)
}
