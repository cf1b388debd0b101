//! What has to hold in the end.

use super::client::Client;
use super::repeats;
use super::stage::{
    APPROVED, KNOWN, LEARNED_PROFILES, LOCAL, NODES, PROFILES, PROMOTED, SILENT, Stage,
};
use super::{Batch, LEARNED};
use crate::agent::Home;
use crate::expect::epoch_seconds;
use crate::session::{patience, wait_for};
use crate::watch::Watch;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The file that each container makes last.
pub const MARK: &str = "/data/mark";
/// How long after an agent is back the controller may still call it silent, in seconds.
const LATE: f64 = 4.0;
/// For how long an agent has to go on after something was done for it to be on its disk, in seconds.
const ON_DISK: f64 = 1.0;

/// Of a report: its id and its revision.
pub type Key = (String, u64);

/// That a node is silent, or that this is over.
pub struct Silence {
    /// The node.
    pub node: String,
    /// Since when, in seconds since the epoch.
    pub since: f64,
    /// 1 when it begins.
    pub revision: u64,
}

/// The name of a workload's profile.
pub fn named(home: &Home, workload: &str) -> Result<String> {
    for profile in home.json(&["profile", "list"])? {
        if profile["workload"]["name"] == workload {
            return Ok(profile["name"].as_str().context("no name")?.to_owned());
        }
    }
    bail!("there is no profile of {workload}")
}

/// What each BehaviorProfile and each profile in force says: of the cluster's objects, and on each node.
pub fn profiles(stage: &Stage<'_>) -> Result<BTreeMap<String, Value>> {
    let mut all = BTreeMap::new();
    let list = stage.cluster.get(PROFILES)?;
    for object in list["items"].as_array().context("no list")? {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
        all.insert(format!("object {name} {uid}"), object["spec"].clone());
    }
    ensure!(all.len() == 2, "of two workloads there are {all:?}");
    for (node, name) in stage.nodes.iter().zip(NODES) {
        let local = format!("{LOCAL}-{name}");
        for workload in [APPROVED, PROMOTED, &local] {
            let profile = named(&node.home, workload)?;
            let text = node.home.call(&["profile", "export", &profile])?;
            let object: Value = serde_saphyr::from_str(&text)?;
            let spec = &object["spec"];
            ensure!(
                spec["mode"] == "Monitoring",
                "{workload} on {name} is {}",
                spec["mode"]
            );
            all.insert(format!("{workload} on {name}"), spec.clone());
        }
    }
    Ok(all)
}

/// What the controller says of what is learned.
pub fn learned(stage: &Stage<'_>) -> String {
    let list = stage.cluster.get(LEARNED_PROFILES).unwrap_or_default();
    let of = |object: &Value| {
        let (workload, status) = (&object["spec"]["workload"], &object["status"]);
        format!("{workload}: {} {}", status["phase"], status["conditions"])
    };
    let all = list["items"].as_array().map(|all| all.iter().map(of));
    all.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// Whether the controller was told by all nodes of all that is done while a workload is learned.
pub fn is_learned(stage: &Stage<'_>, workload: &str) -> bool {
    let list = stage.cluster.get(LEARNED_PROFILES).unwrap_or_default();
    let mut all = list["items"].as_array().into_iter().flatten();
    let object = all.find(|object| object["spec"]["workload"]["name"] == workload);
    object.is_some_and(|object| {
        let status = &object["status"];
        let text = status["profile"].as_str().unwrap_or_default();
        let has = |path: &&str| text.contains(&**path);
        status["nodes"] == NODES.len() && [KNOWN].iter().chain(LEARNED).all(has)
    })
}

/// Whether the status of the controller has all agents connected.
pub fn are_connected(status: &Value) -> bool {
    let agents = status["fleet"]["agents"].as_array();
    agents.is_some_and(|agents| {
        let connected = agents.iter().filter(|agent| agent["link"] == "CONNECTED");
        connected.count() == NODES.len()
    })
}

/// What is said of silent nodes.
pub fn silences(client: &Client) -> Vec<Silence> {
    let all = client.of_kind("violation");
    all.filter(|violation| violation["degraded"]["reason"] == "agent-silent")
        .filter_map(|violation| {
            Some(Silence {
                node: violation["node"].as_str()?.to_owned(),
                since: epoch_seconds(violation["firstSeen"].as_str()?)?,
                revision: violation["revision"].as_u64()?,
            })
        })
        .collect()
}

/// Whether a violation is of a workload, in the mode in which it is compared.
pub fn is_of(violation: &Value, workload: &str) -> bool {
    let name = violation["workload"]["name"].as_str().unwrap_or_default();
    let is_it = match workload {
        LOCAL => name.starts_with(LOCAL),
        workload => name == workload && violation["workload"]["kind"] == "Deployment",
    };
    is_it && violation["mode"] == "MONITORING"
}

fn key(violation: &Value) -> Result<Key> {
    let id = violation["id"].as_str().context("no id")?;
    let revision = violation["revision"].as_u64().context("no revision")?;
    Ok((id.to_owned(), revision))
}

/// All that an agent's own log holds of a kind, up to the marks.
fn log(stage: &Stage<'_>, number: usize) -> Result<(Vec<Value>, Vec<Value>)> {
    let home = &stage.nodes[number].home;
    let args = [
        "watch",
        "-o",
        "json",
        "--since",
        "24h",
        "--kind",
        "violation,gap",
    ];
    let watch = Watch::start(home.client(&args))?;
    let members = { stage.members.iter() }.filter(|member| member.node == number);
    let marks = members.count();
    wait_for("the whole log", patience(), || {
        let all = watch.of_kind("violation");
        let of_mark = all.iter().filter(|it| it["file"]["path"] == MARK);
        let seen: BTreeSet<_> = of_mark.map(|it| it["container"]["id"].as_str()).collect();
        Ok((seen.len() == marks).then_some(()))
    })?;
    Ok((watch.of_kind("violation"), watch.of_kind("gap")))
}

/// All that the agents' logs have.
pub fn all(stage: &Stage<'_>) -> Result<BTreeSet<Key>> {
    let mut all = BTreeSet::new();
    for number in 0..NODES.len() {
        for violation in log(stage, number)?.0 {
            all.insert(key(&violation)?);
        }
    }
    Ok(all)
}

/// Whether the client has all of it.
pub fn has(client: &Client, all: &BTreeSet<Key>) -> Result<bool> {
    let given = client.of_kind("violation").map(key);
    let given = given.collect::<Result<BTreeSet<_>>>()?;
    Ok(all.is_subset(&given))
}

/// Compares what the client was given with what the agents have; the times are those of the kills, and of the one
/// silence that was provoked. Answers with figures.
pub fn reports(
    stage: &Stage<'_>,
    client: &Client,
    batches: &[Batch],
    [raged, provoked]: [(f64, f64); 2],
) -> Result<String> {
    let mut whole: BTreeMap<Key, (usize, Value)> = BTreeMap::new();
    let mut meanings: BTreeMap<String, (usize, Value, Value)> = BTreeMap::new();
    let (mut gaps, mut must) = (0, 0);
    for number in 0..NODES.len() {
        let (violations, of_gap) = log(stage, number)?;
        must += complete(stage, number, &violations, batches)?;
        for violation in violations {
            let (id, revision) = key(&violation)?;
            let container = violation["container"]["id"].clone();
            let meaning = (number, violation["fingerprint"].clone(), container);
            let known = meanings
                .entry(id.clone())
                .or_insert_with(|| meaning.clone());
            ensure!(*known == meaning, "{id} is {known:?} and {meaning:?}");
            approved_of(&violation)?;
            let twice = whole.insert((id.clone(), revision), (number, violation));
            ensure!(twice.is_none(), "{id}:{revision} is twice in one log");
        }
        gaps += of_gap.len();
        for gap in of_gap.iter().filter(|gap| gap["scope"] != "stream") {
            let same = |key: &str, it: &Value| it[key] == gap[key];
            let is_it = |it: &Value| ["from", "to", "reason"].iter().all(|key| same(key, it));
            let mut given = client.of_kind("gap");
            ensure!(given.any(is_it), "the client has not this gap: {gap}");
        }
    }
    for gap in client.of_kind("gap") {
        ensure!(
            gap["scope"] != "stream",
            "the client missed something: {gap}"
        );
    }
    let mut given: BTreeMap<Key, &Value> = BTreeMap::new();
    let mut keys = Vec::new();
    for (stream, violation) in client.with_streams("violation") {
        let key = key(violation)?;
        if let Some(other) = given.insert(key.clone(), violation) {
            ensure!(other == violation, "{key:?} is {other} and {violation}");
        }
        keys.push((stream, key));
    }
    // As it is new, and of the agent once more, from the beginning where that was cut short by its end.
    let most = |key: &Key| match whole.get(key) {
        Some((number, _)) => 1 + stage.nodes[*number].agent.lives.len(),
        None => 2,
    };
    let repeats = repeats::check(&client.streams, keys.into_iter(), most)?;
    let mut of_controller = 0;
    for (key, violation) in &given {
        let is_own = violation["degraded"]["reason"] == "agent-silent";
        of_controller += usize::from(is_own);
        match whole.get(key) {
            Some((_, own)) => ensure!(own == *violation, "{own} came as {violation}"),
            None => ensure!(is_own, "no agent has {violation}"),
        }
    }
    let missing: Vec<_> = { whole.iter() }
        .filter(|(key, _)| !given.contains_key(key))
        .collect();
    ensure!(
        missing.is_empty(),
        "{} of {} were not given to the client, the first is {:?}",
        missing.len(),
        whole.len(),
        missing[0]
    );
    let changes = leaders(stage)?;
    // A leader that did not give out a cursor asks the agents again, from some time before it.
    ensure!(
        repeats == 0 || changes > 0,
        "one replica led all the time, and {repeats} reports came twice"
    );
    let silent = silent(stage, client, provoked)?;
    let (from, to) = raged;
    let in_rage = { silent.iter() }.filter(|since| (from..to).contains(*since));
    let (silent, calm) = (silent.len(), silent.len() - in_rage.count());
    Ok(format!(
        "{} violations in {} streams, none missing, no id twice ({must} of files that must be there; {repeats} came \
         again after one of {changes} changes of the leader); {gaps} gaps; {silent} times silent, {calm} of them \
         while nothing else was killed, in {of_controller} reports",
        whole.len(),
        client.streams.len(),
    ))
}

/// Nothing is reported that a profile allows: it was in force from the first moment on.
fn approved_of(violation: &Value) -> Result<()> {
    let path = violation["file"]["path"].as_str().unwrap_or_default();
    let is_known = |workload: &str| match workload {
        APPROVED => path == KNOWN,
        _ => path == KNOWN || LEARNED.contains(&path),
    };
    for workload in [APPROVED, PROMOTED, LOCAL] {
        ensure!(
            !(is_of(violation, workload) && is_known(workload)),
            "approved of, and reported: {violation}"
        );
    }
    Ok(())
}

/// Whatever a container did whose workload the agent knew, and which the agent outlived, is in its log: the
/// profile was in force. Answers with how many files that were.
fn complete(
    stage: &Stage<'_>,
    number: usize,
    violations: &[Value],
    batches: &[Batch],
) -> Result<usize> {
    // The first report of each container in each life of the agent.
    let mut of_container: BTreeMap<&str, Vec<(f64, &str)>> = BTreeMap::new();
    for violation in violations {
        let time = violation["firstSeen"].as_str().and_then(epoch_seconds);
        let is_known = [APPROVED, PROMOTED, LOCAL]
            .iter()
            .any(|it| is_of(violation, it));
        if let (Some(id), Some(time), Some(path), true) = (
            violation["container"]["id"].as_str(),
            time,
            violation["file"]["path"].as_str(),
            is_known,
        ) {
            of_container.entry(id).or_default().push((time, path));
        }
    }
    let mut must = 0;
    for batch in batches.iter().filter(|batch| batch.node == number) {
        let Some(seen) = of_container.get(batch.container.as_str()) else {
            continue;
        };
        let lives = &stage.nodes[number].agent.lives;
        let is_judged = lives.iter().any(|life| {
            life.ended.is_none_or(|ended| ended > batch.ended + ON_DISK) && { seen.iter() }
                .any(|(time, _)| *time >= life.begun && *time < batch.begun)
        });
        if !is_judged {
            continue;
        }
        let found = { seen.iter() }.filter(|(_, path)| path.starts_with(&batch.stem));
        let found = found.count();
        ensure!(
            found == super::FILES,
            "of {} files {}* of {} on {} {found} are in its log: lives {lives:?}, made from {} to {}",
            super::FILES,
            batch.stem,
            batch.container,
            NODES[number],
            batch.begun,
            batch.ended
        );
        must += found;
    }
    ensure!(must > 0, "nothing had to be reported on {}", NODES[number]);
    Ok(must)
}

/// How often a replica came to lead.
fn leaders(stage: &Stage<'_>) -> Result<u64> {
    let lease = stage.cluster.get(super::stage::LEASE)?;
    Ok(lease["spec"]["leaseTransitions"]
        .as_u64()
        .unwrap_or_default())
}

/// A node was called silent only while its agent was away, and the one that was away at the end was. Answers
/// since when.
fn silent(stage: &Stage<'_>, client: &Client, provoked: (f64, f64)) -> Result<Vec<f64>> {
    let begun: Vec<Silence> = { silences(client).into_iter() }
        .filter(|one| one.revision == 1)
        .collect();
    for one in &begun {
        let number = NODES.iter().position(|node| *node == one.node);
        let agent = &stage.nodes[number.context("a node that there is not")?].agent;
        ensure!(
            agent.was_down(one.since, LATE),
            "{} was called silent at {}, when it was there: {:?}",
            one.node,
            one.since,
            agent.lives
        );
    }
    let (from, to) = provoked;
    let of_it = { begun.iter() }.filter(|one| (from..to).contains(&one.since));
    let late = SILENT.as_secs_f64() - 1.0;
    let ids: BTreeSet<_> = of_it.map(|one| one.since.to_bits()).collect();
    ensure!(ids.len() == 1, "{} reports of one silence", ids.len());
    ensure!(
        begun
            .iter()
            .all(|one| !(from..from + late).contains(&one.since)),
        "it was called silent too soon"
    );
    let all: BTreeSet<_> = begun.iter().map(|one| one.since.to_bits()).collect();
    Ok(all.into_iter().map(f64::from_bits).collect())
}
