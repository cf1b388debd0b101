//! Deliveries of a whole agent: what a container does comes to a file, a webhook and `_bulk` as it comes
//! over gRPC, also over a kill of the agent.

use super::common::{file, number, violation, violations_until_now};
use crate::agent::{Agent, Home, Mode};
use crate::expect::{Expect, lookup};
use crate::puppet::{Act, Puppet};
use crate::receiver::{LOCKED, Receiver};
use crate::runner::{Case, Context, Outcome};
use crate::session::{Session, patience, wait_for};
use crate::watch::Watch;
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Output;

pub const CASES: &[Case] = &[
    Case {
        name: "sink.delivery",
        run: delivery,
    },
    Case {
        name: "sink.commands",
        run: commands,
    },
    Case {
        name: "sink.kill",
        run: kill,
    },
];

/// Violations by `id:revision`.
type Reports = BTreeMap<String, Value>;

/// A sink that loses no time.
fn sink(transport: &str, section: &Value, encoding: &str) -> Value {
    json!({
        transport: section,
        "encoding": encoding,
        "batch": {"wait": "20ms"},
        "retry": {"first": "20ms", "longest": "200ms", "blocked": "200ms"},
        "timeout": "5s",
    })
}

/// The agent, and where it delivers to.
struct Sinks {
    receiver: Receiver,
    file: PathBuf,
}

impl Sinks {
    /// Three of them for an agent that is not started.
    fn configure(home: &mut Home) -> Result<Self> {
        let this = Self {
            receiver: Receiver::start()?,
            file: home.folder().join("reports.ndjson"),
        };
        let server = format!("http://{}", this.receiver.address);
        let sinks = json!({
            "file": sink("file", &json!({"path": this.file}), "ocsf"),
            "hook": sink("webhook", &json!({"url": format!("{server}/hook")}), "native"),
            "index": sink("elasticsearch", &json!({"url": server}), "ecs"),
        });
        home.set("sinks", sinks)?;
        Ok(this)
    }

    /// What came, by the names of the sinks.
    fn reports(&self) -> Result<[(&'static str, Reports); 3]> {
        let mut hook = Reports::new();
        for line in &self.receiver.taken().lines {
            let item: Value = serde_json::from_str(line)?;
            if let Some(id) = id_of(&item["violation"]) {
                put(&mut hook, id, item["violation"].clone())?;
            }
        }
        let mut in_file = Reports::new();
        // Half a line is not there yet.
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        for line in text.split_inclusive('\n').filter(|it| it.ends_with('\n')) {
            let event: Value = serde_json::from_str(line)?;
            let id = event["metadata"]["uid"].as_str().context("no uid")?;
            if !id.starts_with("gap:") {
                put(&mut in_file, id.to_owned(), event)?;
            }
        }
        let mut index = Reports::new();
        for (id, document) in &self.receiver.taken().documents {
            if !id.starts_with("gap:") {
                index.insert(id.clone(), serde_json::from_str(document)?);
            }
        }
        Ok([("file", in_file), ("hook", hook), ("index", index)])
    }

    /// Waits until each of them has what the stream has, neither less nor more.
    fn agree(&self, watch: &Watch) -> Result<[(&'static str, Reports); 3]> {
        let mut last = String::new();
        let found = wait_for("all sinks to have what the stream has", patience(), || {
            let (stream, sinks) = (of_stream(watch)?, self.reports()?);
            let errors = self.receiver.taken().errors.clone();
            ensure!(errors.is_empty(), "the receiver: {errors:?}");
            let other = sinks
                .iter()
                .find(|(_, reports)| !reports.keys().eq(stream.keys()));
            last = match other {
                None => return Ok((!stream.is_empty()).then_some(sinks)),
                Some((name, reports)) => {
                    let (has, must): (Vec<_>, Vec<_>) =
                        (reports.keys().collect(), stream.keys().collect());
                    format!("{name} has {has:?}, the stream {must:?}")
                }
            };
            Ok(None)
        });
        found.with_context(|| last)
    }
}

/// The same id and revision must mean the same.
fn put(reports: &mut Reports, id: String, report: Value) -> Result<()> {
    if let Some(known) = reports.get(&id) {
        ensure!(known == &report, "{id} was {known}, then {report}");
    }
    reports.insert(id, report);
    Ok(())
}

fn id_of(violation: &Value) -> Option<String> {
    let revision = number(&violation["revision"])?;
    Some(format!("{}:{revision}", violation["id"].as_str()?))
}

fn of_stream(watch: &Watch) -> Result<Reports> {
    let mut reports = Reports::new();
    for violation in watch.of_kind("violation") {
        let id = id_of(&violation).context("a violation without an id")?;
        put(&mut reports, id, violation)?;
    }
    Ok(reports)
}

/// The report of a sink, with fields that must be there.
fn holds(sinks: &[(&str, Reports)], name: &str, id: &str, fields: &Expect) -> Result<()> {
    let reports = sinks.iter().find(|(known, _)| *known == name);
    let report = reports.and_then(|(_, reports)| reports.get(id));
    let report = report.with_context(|| format!("{name} has no {id}"))?;
    ensure!(
        fields.accepts(report),
        "{name}: {}",
        fields.explain(std::iter::once(report))
    );
    Ok(())
}

/// A violation comes to each sink with its fields; a secret in an argument to none of them, nor over
/// gRPC, nor to the disk.
fn delivery(context: &mut Context<'_>) -> Result<Outcome> {
    const REDACTED: &str = "--password=[redacted]";
    context.alone();
    let session = context.session;
    let mut home = Home::new(session, Mode::Monitor)?;
    let sinks = Sinks::configure(&mut home)?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let mut puppet = Puppet::start(session, "sink-delivery")?;
    puppet.act(&Act::trigger(&["create", "/data/news"]))?;
    let expect = file(
        violation(session, &puppet, "file.unknown", "MEDIUM"),
        "CREATE",
        "/data/news",
    );
    let (created, _) = watch.expect("violation", "the unknown file", &expect)?;
    let secret = format!("hunter-{}", session.unique("s3cret"));
    let argument = format!("--password={secret}");
    puppet.act(&Act::program("/bin/busybox", "true").args(&[argument]))?;
    let expect = violation(session, &puppet, "exec.unknown", "HIGH")
        .is("exec.path", "/bin/busybox")
        .is("process.args", vec!["true", REDACTED]);
    let (executed, _) = watch.expect("violation", "the program with a secret", &expect)?;
    let reports = sinks.agree(&watch)?;

    for violation in [&created, &executed] {
        let id = id_of(violation).context("no id")?;
        let found = lookup(violation, "container.id").context("no container")?;
        let rule = &violation["rule"];
        let hook = &reports[1].1[&id];
        ensure!(
            hook == violation,
            "the webhook got {hook}, the stream {violation}"
        );
        let path = ["file", "exec"]
            .iter()
            .find_map(|detail| violation[detail]["path"].as_str())
            .context("no path")?;
        let actor = match violation["exec"].is_null() {
            true => "evidences.0.actor.process",
            false => "evidences.0.process",
        };
        let ocsf = Expect::new()
            .is("class_uid", 2004)
            .is("metadata.event_code", rule.clone())
            .is("finding_info.uid", violation["id"].clone())
            .is("finding_info.analytic.uid", rule.clone())
            .is("evidences.0.file.path", path)
            .is(&format!("{actor}.container.uid"), found.clone())
            .is("unmapped.lapwing.workload.name", "sink-delivery");
        holds(&reports, "file", &id, &ocsf)?;
        let ecs = Expect::new()
            .is("event.id", id.as_str())
            .is("rule.id", rule.clone())
            .is("container.id", found.clone());
        let ecs = match violation["exec"].is_null() {
            true => ecs.is("file.path", path),
            false => ecs.is("process.args", vec!["true", REDACTED]),
        };
        holds(&reports, "index", &id, &ecs)?;
    }

    // What was said, as it was said.
    let stream: Vec<u8> = watch
        .items()
        .iter()
        .flat_map(|it| it.line.clone())
        .collect();
    let taken = sinks.receiver.taken();
    let documents: String = taken.documents.values().cloned().collect();
    for (name, text) in [
        ("the stream", String::from_utf8_lossy(&stream).into_owned()),
        ("the webhook", taken.lines.join("\n")),
        ("the index", documents),
        ("the file", fs::read_to_string(&sinks.file)?),
    ] {
        ensure!(!text.contains(&secret), "{name} tells the secret");
        ensure!(text.contains(REDACTED), "{name} does not tell the argument");
    }
    let kept = on_disk(&agent.home.state(), &secret)?;
    ensure!(kept.is_none(), "{kept:?} holds the secret");
    let kept = on_disk(&agent.home.state(), "[redacted]")?;
    ensure!(kept.is_some(), "the argument is nowhere on the disk");
    ensure!(!agent.log().contains(&secret), "the log tells the secret");
    Ok(Outcome::Measured(format!(
        "{} violations in each of 3 sinks",
        reports[0].1.len()
    )))
}

/// The first file below a folder with a text in it.
fn on_disk(folder: &Path, text: &str) -> Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = match entry.file_type()? {
            kind if kind.is_dir() => on_disk(&entry.path(), text)?,
            kind if kind.is_file() => {
                let bytes = fs::read(entry.path())?;
                let mut places = bytes.windows(text.len());
                places
                    .any(|place| place == text.as_bytes())
                    .then(|| entry.path())
            }
            _ => None,
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn run(agent: &Agent, args: &[&str]) -> Result<(Option<i32>, String, String)> {
    let Output {
        status,
        stdout,
        stderr,
    } = agent.home.client(args).output()?;
    Ok((
        status.code(),
        String::from_utf8(stdout)?,
        String::from_utf8(stderr)?,
    ))
}

/// Nobody listens there.
fn nowhere() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.to_string())
}

/// `lapwing sink` and `lapwing status` say how each does, and what to do.
fn commands(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session: &Session = context.session;
    let mut home = Home::new(session, Mode::Monitor)?;
    let receiver = Receiver::start()?;
    let (here, dead) = (receiver.address, nowhere()?);
    let hook = |url: String| sink("webhook", &json!({"url": url}), "native");
    let all = json!({
        "dead": hook(format!("http://{dead}/")),
        "hook": hook(format!("http://{here}/hook")),
        "locked": hook(format!("http://{here}{LOCKED}")),
    });
    home.set("sinks", all)?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let mut puppet = Puppet::start(session, "sink-commands")?;
    violations_until_now(&mut watch, &mut puppet, "/data/news")?;
    let listed = wait_for("each sink to be as it must be", patience(), || {
        let listed = agent.home.json(&["sink", "list"])?;
        let states: Vec<_> = listed.iter().map(|sink| sink["state"].as_str()).collect();
        let must = [Some("RETRYING"), Some("DELIVERING"), Some("BLOCKED")];
        let delivered = number(&listed[1]["delivered"]).is_some_and(|it| it > 0);
        Ok((states == must && delivered).then_some(listed))
    })?;
    for (sink, words) in listed.iter().zip(["Connection refused", "", "401"]) {
        let error = sink["lastError"].as_str().unwrap_or_default();
        ensure!(error.contains(words), "{sink} does not say {words:?}");
        ensure!(words.is_empty() == error.is_empty(), "{sink}");
    }
    for args in [&["sink", "list"][..], &["status"]] {
        let text = agent.home.call(args)?;
        for words in [
            &["SINK", "DELIVERED", "REFUSED", "BEHIND"][..],
            &["dead", &dead, "retrying"],
            &["hook", "webhook http://127.0.0.1:", "delivering"],
            &["locked", "webhook http://127.0.0.1:", "blocked"],
            &["  locked (now): the webhook answered 401; check what lets"],
            &["  dead (now): ", "Connection refused"],
        ] {
            let has = |line: &str| words.iter().all(|word| line.contains(word));
            ensure!(text.lines().any(has), "{args:?} has no {words:?}: {text}");
        }
    }
    let (code, out, error) = run(&agent, &["sink", "test", "hook"])?;
    ensure!(code == Some(0) && error.is_empty(), "{code:?}: {error}");
    let sample = out
        .split(' ')
        .find(|it| it.starts_with("lapwing-sink-test"));
    let sample = sample.with_context(|| format!("no id of the sample in {out:?}"))?;
    ensure!(out.contains("the webhook answered 200"), "{out}");
    let has = |line: &String| line.contains(&format!("{sample:?}"));
    ensure!(receiver.taken().lines.iter().any(has), "no {sample} came");
    let streamed = watch.of_kind("violation");
    ensure!(
        streamed.iter().all(|it| it["id"] != sample),
        "the sample is in the stream"
    );
    for (name, words) in [
        ("dead", [&dead[..], "does the receiver run"]),
        ("locked", ["answered 401", "check what lets the agent in"]),
        ("none", ["no sink `none`", "there are dead, hook, locked"]),
    ] {
        let (code, out, error) = run(&agent, &["sink", "test", name])?;
        ensure!(code == Some(1), "{name}: {code:?} {out} {error}");
        for words in words {
            ensure!(error.contains(words), "{name} has no {words:?}: {error}");
        }
    }
    Ok(Outcome::Passed)
}

/// The agent is killed while its receiver takes reports and answers none: each comes again, and no other
/// by its name. What is reported from then on comes too.
fn kill(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let rounds = if context.soak { 25 } else { 2 };
    let mut puppet = Puppet::start(session, "sink-kill")?;
    let mut home = Home::new(session, Mode::Monitor)?;
    let sinks = Sinks::configure(&mut home)?;
    for round in 0..rounds {
        let agent = home.start()?;
        let mut watch = agent.watch()?;
        violations_until_now(&mut watch, &mut puppet, &format!("/data/{round}-a"))?;
        sinks.agree(&watch)?;
        sinks.receiver.mute(true);
        // One program again and again, as well.
        for name in ["b", "c"] {
            puppet.act(&Act::program("/bin/busybox", "true"))?;
            puppet.act(&Act::trigger(&["create", &format!("/data/{round}-{name}")]))?;
        }
        violations_until_now(&mut watch, &mut puppet, &format!("/data/{round}-d"))?;
        // What they have of it, nobody can say: a batch that is not answered is sent again as it is.
        wait_for(
            "webhook and index to be left unanswered",
            patience(),
            || {
                let both = sinks.receiver.taken().unanswered.len() == 2;
                Ok(both.then_some(()))
            },
        )?;
        home = agent.kill()?;
        sinks.receiver.mute(false);
    }
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    violations_until_now(&mut watch, &mut puppet, "/data/end")?;
    let reports = sinks.agree(&watch)?;
    for round in 0..rounds {
        for name in ["a", "b", "c", "d"] {
            let path = format!("/data/{round}-{name}");
            let has = |it: &&Value| it["file"]["path"] == *path;
            let count = reports[1].1.values().filter(has).count();
            ensure!(count == 1, "{path} came {count} times");
        }
    }
    let taken = sinks.receiver.taken();
    let came = taken.lines.len();
    let doubles = taken.conflicts;
    ensure!(doubles > 0, "nothing came twice: the kills proved nothing");
    Ok(Outcome::Measured(format!(
        "{rounds} kills, {} violations in each of 3 sinks, {came} lines for the webhook, {doubles} conflicts",
        reports[0].1.len()
    )))
}
