//! What the agent and its maps take with many containers that did much.
//!
//! Real containers of runc, each of a workload of its own (so each has a profile of
//! its own), each making as many new files. The maps are counted as the kernel does, in
//! `/proc/PID/fdinfo` of the agent.

use super::figure::figure;
use super::stage::{self, Counts, Inside};
use super::{Args, note};
use crate::agent::{Agent, Mode};
use crate::session::{Session, check_interrupt};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;

const MIB: f64 = 1_048_576.0;

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

/// Bytes of kernel memory by the descriptors of the agent: of maps and of programs, each once.
fn kernel_memory(agent: &Agent) -> Result<(u64, u64)> {
    let (mut maps, mut programs) = (BTreeMap::new(), BTreeMap::new());
    let folder = format!("/proc/{}/fdinfo", agent.pid().as_raw_nonzero());
    for entry in fs::read_dir(&folder)? {
        // A descriptor may be closed meanwhile.
        let Ok(text) = fs::read_to_string(entry?.path()) else {
            continue;
        };
        let field = |name: &str| -> Option<u64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().parse().ok()
        };
        let Some(bytes) = field("memlock:") else {
            continue;
        };
        if let Some(id) = field("map_id:") {
            maps.insert(id, bytes);
        } else if let Some(id) = field("prog_id:") {
            programs.insert(id, bytes);
        }
    }
    ensure!(
        !maps.is_empty(),
        "{folder} names no maps: is this the agent?"
    );
    Ok((maps.values().sum(), programs.values().sum()))
}

/// Measures and prints.
pub fn run(session: &Session, args: &Args) -> Result<()> {
    let (containers, behaviours) = match args.quick {
        true => (5, 100),
        false => (100, 1_000),
    };
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
        let order = format!("make /data/a-file-with-a-name- {behaviours} 100");
        inside.pipes.times(&order)?;
    }
    let after = Counts::settled(&agent)?;
    let done = containers as u64 * behaviours;
    ensure!(
        after.hits("file.open") - before.hits("file.open") == done && after.lost == before.lost,
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
    std::thread::sleep(std::time::Duration::from_secs(3));
    let (maps, programs) = kernel_memory(&agent)?;
    let (resident, peak) = (status(&agent, "VmRSS")?, status(&agent, "VmHWM")?);
    let detail = json!({
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
