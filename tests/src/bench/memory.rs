//! What the agent and its maps take with many containers that did much.
//!
//! Real containers of runc, each of a workload of its own (so each has a profile of
//! its own), each making as many new files. Maps take what the kernel says in
//! `/proc/PID/fdinfo`; maps inside of maps, which no descriptor leads to, are found in
//! the kernel's list.

use super::figure::figure;
use super::stage::{self, Counts, Inside};
use super::{Args, note};
use crate::agent::{Agent, Mode};
use crate::session::{Session, check_interrupt};
use anyhow::{Context, Result, ensure};
use aya::maps::loaded_maps;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

const MIB: f64 = 1_048_576.0;
/// A map that each agent has once.
const ONE_EACH: &str = "LIFECYCLE";

/// Bytes of memory by a line of `/proc/PID/status`.
fn status(agent: &Agent, line: &str) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{}/status", agent.pid().as_raw_nonzero()))?;
    let value = text
        .lines()
        .find_map(|text| text.strip_prefix(line)?.strip_prefix(':'))
        .with_context(|| format!("no {line}"))?;
    let kibibytes: u64 = value.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024)
}

/// Maps and programs that the agent holds descriptors of: names or ids, and bytes.
pub fn held(agent: &Agent) -> Result<(BTreeSet<u64>, u64)> {
    let (mut maps, mut programs) = (BTreeSet::new(), BTreeMap::new());
    let folder = format!("/proc/{}/fdinfo", agent.pid().as_raw_nonzero());
    for entry in fs::read_dir(&folder)? {
        // A descriptor may be closed meanwhile.
        let Ok(text) = fs::read_to_string(entry?.path()) else {
            continue;
        };
        if let Some(id) = field(&text, "map_id:") {
            maps.insert(id);
        } else if let Some(id) = field(&text, "prog_id:") {
            programs.insert(id, field(&text, "memlock:").unwrap_or_default());
        }
    }
    ensure!(
        !maps.is_empty(),
        "{folder} names no maps: is this the agent?"
    );
    Ok((maps, programs.values().sum()))
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().parse().ok()
}

/// A map of this machine.
struct Map {
    name: String,
    bytes: u64,
}

/// All maps, by their ids.
fn maps() -> Result<BTreeMap<u64, Map>> {
    let mut all = BTreeMap::new();
    for info in loaded_maps() {
        // One that was removed meanwhile is nobody's.
        let Ok(info) = info else { continue };
        let Ok(fd) = info.fd() else { continue };
        let file = format!("/proc/self/fdinfo/{}", fd.as_fd().as_raw_fd());
        let bytes = field(&fs::read_to_string(&file)?, "memlock:")
            .with_context(|| format!("{file} does not say what the map takes"))?;
        let name = info.name_as_str().unwrap_or_default().to_owned();
        all.insert(u64::from(info.id()), Map { name, bytes });
    }
    Ok(all)
}

/// How long the kernel may take to release what an agent held.
const RELEASE: Duration = Duration::from_secs(20);

/// The agent's maps: those it holds, and those inside of them, which are known by coming and going
/// with it. Another agent on this machine would be taken for a part of this one, so then there is
/// no answer.
fn ours(
    mut present: BTreeMap<u64, Map>,
    before: &BTreeMap<u64, Map>,
    after: &BTreeMap<u64, Map>,
    held: &BTreeSet<u64>,
) -> Result<BTreeMap<u64, Map>> {
    present
        .retain(|id, _| held.contains(id) || !before.contains_key(id) && !after.contains_key(id));
    let agents = present.values().filter(|map| map.name == ONE_EACH).count();
    ensure!(
        agents <= 1,
        "{agents} agents ran on this machine at the same time, so nobody can say whose maps are \
         whose: repeat it alone"
    );
    ensure!(
        held.iter().all(|id| present.contains_key(id)),
        "a map of the agent is not in the kernel's list"
    );
    Ok(present)
}

/// Measures and prints.
pub fn run(session: &Session, args: &Args) -> Result<()> {
    let (containers, behaviours) = match args.quick {
        true => (5, 100),
        false => (100, 1_000),
    };
    let maps_before = maps()?;
    let agent = stage::home(session, Mode::Learn)?.start()?;
    let bare = status(&agent, "VmRSS")?;
    note(&format!("memory: {containers} containers of runc"));
    let mut all = Vec::new();
    for index in 0..containers {
        check_interrupt()?;
        all.push(Inside::start(session, &format!("memory-{index}"))?);
    }
    stage::wait_for_containers(&agent, containers)?;
    let before = Counts::settled(&agent)?;
    for inside in &mut all {
        check_interrupt()?;
        // At a pace that nobody calls a flood.
        let order = format!("make-words /data/a-file-with-a-name- {behaviours} 100");
        inside.pipes.times(&order)?;
    }
    let after = Counts::settled(&agent)?;
    let done = containers as u64 * behaviours;
    ensure!(
        after.hits("file.open") - before.hits("file.open") >= done && after.lost == before.lost,
        "{done} files were made, file.open fired {} times, lost: {}",
        after.hits("file.open") - before.hits("file.open"),
        after.losses()
    );
    let learned = learned(&agent)?;
    ensure!(
        learned >= done,
        "{done} files were made, but the profiles have {learned} entries"
    );
    // The next tick stores what was learned, which takes memory too.
    std::thread::sleep(Duration::from_secs(3));
    let ((held, programs), present) = (held(&agent)?, maps()?);
    let (resident, peak) = (status(&agent, "VmRSS")?, status(&agent, "VmHWM")?);
    drop(all);
    agent.stop()?;
    // Those inside of others go with them, which takes the kernel a moment.
    let end = Instant::now() + RELEASE;
    let mut maps_after = maps()?;
    while held.iter().any(|id| maps_after.contains_key(id)) && Instant::now() < end {
        check_interrupt()?;
        std::thread::sleep(Duration::from_millis(100));
        maps_after = maps()?;
    }
    let ours = ours(present, &maps_before, &maps_after, &held)?;
    let maps: u64 = ours.values().map(|map| map.bytes).sum();
    let largest: BTreeMap<&str, f64> = ours
        .values()
        .filter(|map| map.bytes >= 1 << 20)
        .map(|map| (map.name.as_str(), map.bytes as f64 / MIB))
        .collect();
    let detail = json!({
        "largestMapsMiB": largest,
        "maps": ours.len(),
        "containers": containers,
        "behaviours": behaviours,
        "entries": learned,
        "emptyMiB": bare as f64 / MIB,
        "peakMiB": peak as f64 / MIB,
    });
    figure("memory.agent", resident as f64 / MIB, "MiB", &detail);
    figure("memory.agent-peak", peak as f64 / MIB, "MiB", &detail);
    figure("memory.maps", maps as f64 / MIB, "MiB", &detail);
    figure("memory.programs", programs as f64 / MIB, "MiB", &json!({}));
    Ok(())
}

/// Entries of all profiles.
fn learned(agent: &Agent) -> Result<u64> {
    let profiles = agent.home.json(&["profile", "list"])?;
    Ok(profiles
        .iter()
        .map(|profile| stage::number(&profile["file"]))
        .sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(maps: &[(u64, &str, u64)]) -> BTreeMap<u64, Map> {
        let map = |&(id, name, bytes): &(u64, &str, u64)| {
            let name = name.to_owned();
            (id, Map { name, bytes })
        };
        maps.iter().map(map).collect()
    }

    #[test]
    fn maps_inside_of_maps_count_and_those_of_others_do_not() {
        let held = BTreeSet::from([5, 6]);
        let before = some(&[(1, "LIFECYCLE", 9)]);
        let present = || {
            some(&[
                (1, "LIFECYCLE", 9),
                (5, "LIFECYCLE", 1),
                (6, "SEEN", 2),
                (7, "", 4),
            ])
        };
        let found = ours(present(), &before, &before, &held).unwrap();
        assert_eq!(found.values().map(|map| map.bytes).sum::<u64>(), 7);
        // One that stays is not the agent's.
        let found = ours(present(), &before, &some(&[(7, "", 4)]), &held).unwrap();
        assert_eq!(found.values().map(|map| map.bytes).sum::<u64>(), 3);
        let mut other = present();
        other.extend(some(&[(8, "LIFECYCLE", 2)]));
        assert!(ours(other, &before, &before, &held).is_err());
        assert!(ours(some(&[]), &before, &before, &held).is_err());
    }
}
