//! The feed over the end of the agent and of its clients: each violation once in effect.

use super::common::violations_until_now;
use crate::agent::{Home, Mode};
use crate::expect::{Expect, Want};
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use crate::session::{MemoryMount, patience, wait_for};
use crate::watch::Watch;
use anyhow::{Context as _, Result, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

pub const CASES: &[Case] = &[
    Case {
        name: "feed.kill",
        run: kill,
    },
    Case {
        name: "feed.consumer",
        run: consumer,
    },
    Case {
        name: "feed.late",
        run: late,
    },
];

/// What names a violation to a receiver, and the file that it is about.
type Seen = (String, String);

/// The violations of files that a client was given, with the cursor of each.
fn seen(watch: &Watch) -> Vec<(String, Seen)> {
    let items = watch.items();
    let of_item = |item: &crate::watch::Item| {
        let value = item.value.as_ref()?;
        let violation = &value["violation"];
        let id = format!(
            "{}:{}",
            violation["id"].as_str()?,
            violation["revision"].as_u64().map_or_else(
                || violation["revision"].to_string(),
                |revision| revision.to_string()
            )
        );
        let path = violation["file"]["path"].as_str()?;
        Some((value["cursor"].as_str()?.to_owned(), (id, path.to_owned())))
    };
    items.iter().filter_map(of_item).collect()
}

/// The files that a client was given violations of.
pub fn paths(watch: &Watch) -> Vec<String> {
    let seen = seen(watch).into_iter();
    seen.map(|(_, (_, path))| path).collect()
}

/// The cursor of the last item that a client was given, of whatever kind.
fn last_cursor(watch: &Watch) -> Result<String> {
    let items = watch.items();
    let last = items.iter().rev().find_map(|item| item.value.as_ref());
    let cursor = last.and_then(|value| value["cursor"].as_str());
    Ok(cursor.context("no item was given")?.to_owned())
}

/// A client of violations, gaps and heartbeats, with more arguments.
pub fn follow(home: &Home, args: &[&str]) -> Result<Watch> {
    let all = ["watch", "-o", "json", "--kind", "violation,gap,heartbeat"];
    Watch::start(home.client(&[&all[..], args].concat()))
}

/// The agent is killed while violations come; a client goes on with its cursor at the next one. It
/// gets each violation once, and what it got is what the log holds.
fn kill(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let rounds = if context.soak { 100 } else { 3 };
    let mut puppet = Puppet::start(session, "feed-kill")?;
    let mut home = Home::new(session, Mode::Monitor)?;
    let mut cursor: Option<String> = None;
    let mut got: Vec<(String, Seen)> = Vec::new();
    let mut must: BTreeSet<String> = BTreeSet::new();
    for round in 0..rounds {
        let agent = home.start()?;
        let mut client = match &cursor {
            None => follow(&agent.home, &["--since", "1h"])?,
            Some(cursor) => follow(&agent.home, &["--since", cursor])?,
        };
        // What was before, and then what is now.
        let mark = format!("/data/{round}-mark");
        violations_until_now(&mut client, &mut puppet, &mark)?;
        puppet.begin(&Act::trigger(&[
            "create-words-slowly",
            &format!("/data/{round}-"),
            "300",
        ]))?;
        let moment = RandomState::new().hash_one(round) % 400;
        std::thread::sleep(Duration::from_millis(moment));
        home = agent.kill()?;
        ensure!(puppet.end()? == 0, "the container could not go on");
        // The client ends with the agent, and has printed what it was given.
        wait_for("the client to end", patience(), || {
            Ok(client.has_ended().then_some(()))
        })?;
        let here = seen(&client);
        must.extend(here.iter().map(|(_, (_, path))| path.clone()));
        ensure!(must.contains(&mark), "the mark was not given");
        cursor = Some(last_cursor(&client)?);
        got.extend(here);
    }
    // The rest, and the log from its beginning.
    let agent = home.start()?;
    let cursor = cursor.context("no cursor")?;
    let mut client = follow(&agent.home, &["--since", &cursor])?;
    violations_until_now(&mut client, &mut puppet, "/data/end")?;
    ensure!(
        client
            .of_kind("gap")
            .iter()
            .all(|gap| gap["scope"] != "stream"),
        "the cursor did not resume exactly: {:?}",
        client.of_kind("gap")
    );
    got.extend(seen(&client));
    let log = agent.watch_kinds("violation")?;
    wait_for("the whole log", patience(), || {
        Ok(seen(&log)
            .iter()
            .any(|(_, (_, path))| path == "/data/end")
            .then_some(()))
    })?;
    let whole = seen(&log);
    let mut ids = BTreeMap::new();
    for (cursor, (id, path)) in &got {
        let other = ids.insert(id.clone(), path.clone());
        ensure!(
            other.is_none(),
            "{id} was given twice, with {path} at {cursor} and before with {other:?}"
        );
    }
    ensure!(
        got == whole,
        "{} violations were given over {rounds} kills, the log holds {}",
        got.len(),
        whole.len()
    );
    let there: BTreeSet<_> = got.iter().map(|(_, (_, path))| path.clone()).collect();
    ensure!(must.is_subset(&there));
    Ok(Outcome::Measured(format!(
        "{rounds} kills, {} violations, each once",
        got.len()
    )))
}

/// A client with a name says no cursor: the agent knows where it was. It may get again what it had not
/// acknowledged, and misses nothing.
fn consumer(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let mut puppet = Puppet::start(session, "feed-consumer")?;
    let agent = Home::new(session, Mode::Monitor)?.start()?;
    let rule = ["--consumer", "siem", "--rule", "file.*"];
    let mut client = follow(&agent.home, &rule)?;
    wait_for("the consumer", patience(), || {
        let status = agent.status()?;
        let names = &status["feed"]["consumers"];
        Ok((names[0]["name"] == "siem").then_some(()))
    })?;
    violations_until_now(&mut client, &mut puppet, "/data/one")?;
    let stored = |position: &str| {
        let file = agent.home.state().join("feed/consumers/siem.cursor");
        std::fs::read_to_string(file).is_ok_and(|text| text.trim() == position)
    };
    // A heartbeat, if nothing else, has it acknowledged.
    wait_for("the acknowledgement", patience(), || {
        Ok(stored(&last_cursor(&client)?).then_some(()))
    })?;
    drop(client);
    for name in ["two", "three"] {
        puppet.act(&Act::trigger(&["create", &format!("/data/{name}")]))?;
    }
    let mut other = agent.watch()?;
    violations_until_now(&mut other, &mut puppet, "/data/four")?;
    drop(other);
    let status = agent.status()?;
    let behind = &status["feed"]["consumers"][0]["behind"];
    ensure!(
        super::common::number(behind).is_some_and(|behind| behind >= 3),
        "{behind} behind"
    );
    let agent = agent.kill()?.start()?;
    let mut client = follow(&agent.home, &rule)?;
    violations_until_now(&mut client, &mut puppet, "/data/five")?;
    let paths = paths(&client);
    ensure!(
        paths == ["/data/two", "/data/three", "/data/four", "/data/five"],
        "{paths:?}"
    );
    Ok(Outcome::Passed)
}

/// A folder that is read-only when the agent starts: it says so, reports from memory, and when the folder
/// can be written what it held is there, and it says that too.
fn late(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let home = Home::new(session, Mode::Monitor)?;
    let folder = home.state().join("feed");
    std::fs::create_dir_all(&folder)?;
    let mount = MemoryMount::new(&folder, 16 << 20)?;
    mount.writable(false)?;
    let mut puppet = Puppet::start(session, "feed-late")?;
    let agent = home.start()?;
    let mut client = follow(&agent.home, &["--since", "1h"])?;
    let degraded = |revision: u64, detail: &str| {
        Expect::new()
            .is("rule", "sensor.degraded")
            .is("degraded.reason", "feed-not-written")
            .is("revision", revision)
            .want("degraded.detail", Want::Holds(detail.to_owned()))
    };
    let told = degraded(1, "Read-only file system");
    let (told, _) = client.expect("violation", "the trouble", &told)?;
    violations_until_now(&mut client, &mut puppet, "/data/held")?;
    let status = agent.status()?;
    ensure!(
        status["feed"]["trouble"]
            .as_str()
            .is_some_and(|trouble| trouble.contains("tried again")),
        "{}",
        status["feed"]
    );
    mount.writable(true)?;
    let over = degraded(2, "over: ").is("id", told["id"].clone());
    client.expect("violation", "the end of it", &over)?;
    violations_until_now(&mut client, &mut puppet, "/data/written")?;
    let here = seen(&client);
    let cursor = here.first().context("nothing was given")?.0.clone();
    let agent = agent.kill()?.start()?;
    let mut client = follow(&agent.home, &["--since", &cursor])?;
    violations_until_now(&mut client, &mut puppet, "/data/anew")?;
    ensure!(
        client
            .of_kind("gap")
            .iter()
            .all(|gap| gap["scope"] != "stream"),
        "the cursor did not resume exactly: {:?}",
        client.of_kind("gap")
    );
    let after = seen(&client);
    ensure!(
        after.len() > here.len() - 1 && after[..here.len() - 1] == here[1..],
        "{here:?}, and after the restart {after:?}"
    );
    // Before it there is what was held, by the same ids.
    let log = agent.watch_kinds("violation")?;
    let whole = wait_for("the whole log", patience(), || {
        let whole = seen(&log);
        let last = whole.iter().any(|(_, (_, path))| path == "/data/anew");
        Ok(last.then_some(whole))
    })?;
    let ids = |seen: &[(String, Seen)]| -> Vec<Seen> {
        seen.iter().map(|(_, seen)| seen.clone()).collect()
    };
    ensure!(
        ids(&whole)[..here.len()] == ids(&here),
        "{here:?}, and on disk {whole:?}"
    );
    Ok(Outcome::Passed)
}
