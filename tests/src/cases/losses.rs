//! What is lost is counted, to the record and by container, and told where it belongs in the stream.
//! A container that floods loses its own, and nobody else's; nor does it hide its own next step.

use super::common::{about, file, number, violation, violations_until_now};
use crate::agent::{Agent, Home, Mode};
use crate::expect::{Expect, lookup};
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use crate::watch::Watch;
use anyhow::{Context as _, Result, ensure};
use rustix::process::{Signal, kill_process};
use serde_json::json;
use std::time::{Duration, Instant};

pub const CASES: &[Case] = &[
    Case {
        name: "losses.agent-that-does-not-run",
        run: not_run,
    },
    Case {
        name: "losses.files",
        run: files,
    },
    Case {
        name: "losses.connects",
        run: connects,
    },
    Case {
        name: "losses.forks",
        run: forks,
    },
];

const STEM: &str = "/data/many-";

/// Events lost of a container, as the status tells.
fn lost(agent: &Agent, puppet: &Puppet<'_>) -> Result<u64> {
    let status = agent.status()?;
    let losses = status["containerLosses"].as_array();
    let losses = losses.map(Vec::as_slice).unwrap_or_default();
    // Where there is no room to remember a behaviour it is sent each time: nothing is lost.
    let ours = losses
        .iter()
        .filter(|loss| loss["container"] == *puppet.id && loss["reason"] != "seen-full");
    Ok(ours.filter_map(|loss| number(&loss["count"])).sum())
}

/// What the status tells of a container for one reason.
pub fn lost_for(agent: &Agent, puppet: &Puppet<'_>, reason: &str) -> Result<u64> {
    let status = agent.status()?;
    let losses = status["containerLosses"].as_array();
    let losses = losses.map(Vec::as_slice).unwrap_or_default();
    let ours = losses
        .iter()
        .filter(|loss| loss["container"] == *puppet.id && loss["reason"] == reason);
    Ok(ours.filter_map(|loss| number(&loss["count"])).sum())
}

/// Events lost in all.
fn lost_in_all(agent: &Agent) -> Result<u64> {
    let status = agent.status()?;
    let losses = status["losses"].as_array();
    let losses = losses.map(Vec::as_slice).unwrap_or_default();
    Ok(losses
        .iter()
        .filter_map(|loss| number(&loss["count"]))
        .sum())
}

/// Files of a flood that were reported, each once.
fn received(watch: &Watch, puppet: &Puppet<'_>) -> u64 {
    let reports = about(watch, "violation", puppet);
    let of_flood = reports.iter().filter(|report| {
        let path = report["file"]["path"].as_str().unwrap_or_default();
        path.starts_with(STEM) && report["revision"] == 1
    });
    of_flood.count() as u64
}

/// Sums up the gaps of a container.
fn confessed(watch: &Watch, puppet: &Puppet<'_>) -> u64 {
    let gaps = watch.of_kind("gap");
    let ours = gaps.iter().filter(|gap| gap["scope"] == *puppet.id);
    ours.filter_map(|gap| number(&gap["count"])).sum()
}

/// Waits until all that a container did was received or counted as lost, and told in gaps.
fn accounted(agent: &Agent, watch: &Watch, puppet: &Puppet<'_>, done: u64) -> Result<(u64, u64)> {
    let mut sums = (0, 0);
    wait_for("received and lost to be all", patience(), || {
        sums = (received(watch, puppet), lost(agent, puppet)?);
        Ok((sums.0 + sums.1 >= done).then_some(()))
    })
    .with_context(|| format!("of {done}: received and lost {sums:?}"))?;
    let (received, lost) = sums;
    ensure!(
        received + lost == done,
        "of {done}, {received} were received and {lost} are said to be lost"
    );
    wait_for("the gaps", patience(), || {
        Ok((confessed(watch, puppet) >= lost).then_some(()))
    })
    .with_context(|| format!("{lost} lost, gaps: {:?}", watch.of_kind("gap")))?;
    ensure!(
        confessed(watch, puppet) == lost,
        "{lost} lost, but gaps of {}",
        confessed(watch, puppet)
    );
    Ok(sums)
}

/// An agent that does not get to run while containers fill a small ring.
fn not_run(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let count: u64 = if context.soak { 100_000 } else { 3_000 };
    let mut home = Home::new(session, Mode::Monitor)?;
    home.set("ring", json!({"bytes": 65536}))?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let mut puppets = Vec::new();
    for _ in 0..3 {
        let mut puppet = Puppet::start(session, "losses")?;
        violations_until_now(&mut watch, &mut puppet, "/data/before")?;
        puppets.push(puppet);
    }
    ensure!(
        lost_in_all(&agent)? == 0,
        "lost before anything was flooded: {}",
        agent.status()?["losses"]
    );

    kill_process(agent.pid(), Signal::STOP)?;
    let mut flooded = Vec::new();
    for puppet in &mut puppets {
        let many = Act::trigger(&["create-many", STEM, &count.to_string()]);
        flooded.push(puppet.act(&many));
    }
    kill_process(agent.pid(), Signal::CONT)?;
    flooded.into_iter().collect::<Result<()>>()?;
    let mut told = Vec::new();
    for puppet in &puppets {
        let (received, lost) = accounted(&agent, &watch, puppet, count)?;
        ensure!(lost > 0, "nothing was lost of {count}");
        told.push(format!("{received}+{lost}"));
        let expect = Expect::new()
            .is("rule", "sensor.gap")
            .is("severity", "HIGH")
            .is("gap.scope", puppet.id.as_str())
            .is("container.id", puppet.id.as_str());
        watch.expect("violation", "the gap while monitoring", &expect)?;
    }
    let reasons = |reason: &str| {
        let gaps = watch.of_kind("gap");
        gaps.iter().any(|gap| gap["reason"] == reason)
    };
    ensure!(
        reasons("budget-spent") && reasons("behaviour-ring-full"),
        "one container spends its budget, several fill the ring: {:?}",
        watch.of_kind("gap")
    );

    // Whoever lived through the gap may have lost something; whoever came later has not.
    let mut puppet = puppets.remove(0);
    let mut later = Puppet::start(session, "losses-later")?;
    for (puppet, path, after_gap) in [
        (&mut puppet, "/data/after", true),
        (&mut later, "/data/later", false),
    ] {
        puppet.act(&Act::trigger(&["create", path]))?;
        let expect = file(
            violation(session, puppet, "file.unknown", "MEDIUM"),
            "CREATE",
            path,
        )
        .is("afterGap", after_gap);
        watch.expect("violation", path, &expect)?;
    }
    Ok(Outcome::Measured(format!(
        "of {count} records each, received and lost: {}",
        told.join(", ")
    )))
}

/// A quiet container beside one that floods: answers what the neighbour did and what came of it.
fn beside(
    context: &mut Context<'_>,
    flood: impl FnOnce(&mut Puppet<'_>) -> Result<()>,
    check: impl FnOnce(&Agent, &mut Watch, &mut Puppet<'_>) -> Result<String>,
) -> Result<Outcome> {
    const QUIET: u64 = 200;
    context.alone();
    let session = context.session;
    let mut home = Home::new(session, Mode::Monitor)?;
    // A flood of reports must not push others out of the log before they are read.
    home.set("feed", json!({"items": 1 << 20, "bytes": 1 << 30}))?;
    // The smaller the ring, the smaller the allowances, and the fewer reports to read.
    home.set("ring", json!({"bytes": 1 << 20}))?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let mut noisy = Puppet::start(session, "noisy")?;
    let mut quiet = Puppet::start(session, "quiet")?;
    for puppet in [&mut noisy, &mut quiet] {
        violations_until_now(&mut watch, puppet, "/data/before")?;
    }
    quiet.begin(&Act::trigger(&["create-slowly", STEM, &QUIET.to_string()]))?;
    flood(&mut noisy)?;
    ensure!(quiet.end()? == 0, "the quiet one failed");
    let told = check(&agent, &mut watch, &mut noisy)?;
    let (received, lost) = accounted(&agent, &watch, &quiet, QUIET)?;
    ensure!(
        lost == 0 && received == QUIET,
        "the neighbour lost {lost} of {QUIET}"
    );
    Ok(Outcome::Measured(told))
}

/// Waits until the reader of the stream has all that was reported of a flood: an emulated one
/// needs minutes for thousands of reports.
fn caught_up(watch: &Watch, noisy: &Puppet<'_>) -> Result<()> {
    const QUIET: Duration = Duration::from_secs(5);
    let mut read = (0, Instant::now());
    wait_for("the flood to be read", 10 * patience(), || {
        // Looking costs time that the reader needs.
        std::thread::sleep(Duration::from_millis(500));
        let count = about(watch, "violation", noisy).len();
        if count != read.0 {
            read = (count, Instant::now());
        }
        Ok((read.1.elapsed() >= QUIET).then_some(()))
    })
}

/// How much less a guest is given to do: there every instruction is emulated. It is still many
/// times what a container may send.
fn slowness(context: &Context<'_>) -> u64 {
    if context.label == "host" { 1 } else { 5 }
}

/// Noise in files, and behind it a program, a peer, and a program that was written later.
fn files(context: &mut Context<'_>) -> Result<Outcome> {
    let count: u64 = match context.soak {
        true => 1_000_000,
        false => 100_000 / slowness(context),
    };
    let noise = count.to_string();
    beside(
        context,
        |noisy| {
            noisy.act(&Act::trigger(&[
                "noise-then",
                STEM,
                &noise,
                "connect-udp",
                "192.0.2.9",
                "9000",
            ]))?;
            noisy.act(&Act::program("/usr/bin/tool", "tool").args(&["nothing"]))
        },
        |agent, watch, noisy| {
            caught_up(watch, noisy)?;
            for (what, expect) in [
                ("the peer", Expect::new().is("egress.port", 9000)),
                (
                    "the program",
                    Expect::new().is("exec.path", "/usr/bin/tool"),
                ),
            ] {
                let expect = expect.is("container.id", noisy.id.as_str());
                watch
                    .expect("violation", what, &expect)
                    .with_context(|| format!("gaps: {:?}", watch.of_kind("gap")))?;
            }
            let (received, lost) = accounted(agent, watch, noisy, count)?;
            Ok(format!("of {count} files {received} received, {lost} lost"))
        },
    )
}

/// Many peers, and behind them a metadata service, a program, and a file of accounts.
fn connects(context: &mut Context<'_>) -> Result<Outcome> {
    let all = 60_000 / slowness(context);
    beside(
        context,
        |noisy| {
            noisy.act(&Act::trigger(&["storm", "192.0.2.7", &all.to_string()]))?;
            noisy.act(&Act::trigger(&["connect-udp", "169.254.169.254", "80"]))?;
            noisy.act(&Act::trigger(&["create", "/etc/passwd.new"]))
        },
        |agent, watch, noisy| {
            for (what, expect) in [
                ("the service", Expect::new().is("rule", "egress.imds")),
                ("the file", Expect::new().is("file.path", "/etc/passwd.new")),
            ] {
                let expect = expect.is("container.id", noisy.id.as_str());
                watch.expect("violation", what, &expect)?;
            }
            let mut sums = (0, 0);
            wait_for("received and lost to be all", patience(), || {
                let reports = about(watch, "violation", noisy);
                let peers = reports.iter().filter(|report| {
                    lookup(report, "egress.address") == Some(&json!("192.0.2.7"))
                        && report["revision"] == 1
                });
                sums = (peers.count() as u64, lost(agent, noisy)?);
                Ok((sums.0 + sums.1 >= all).then_some(()))
            })
            .with_context(|| format!("of {all}: received and lost {sums:?}"))?;
            ensure!(sums.0 + sums.1 == all, "of {all}: {sums:?}");
            Ok(format!(
                "of {all} peers {} received, {} lost",
                sums.0, sums.1
            ))
        },
    )
}

/// More processes than anybody reads of, and behind them a program.
fn forks(context: &mut Context<'_>) -> Result<Outcome> {
    let count: u64 = if context.soak { 5_000 } else { 500 };
    beside(
        context,
        |noisy| {
            noisy.act(&Act::trigger(&["bomb", TRIGGER, &count.to_string()]))?;
            noisy.act(&Act::program("/usr/bin/tool", "tool").args(&["nothing"]))
        },
        |agent, watch, noisy| {
            let expect = Expect::new()
                .is("exec.path", "/usr/bin/tool")
                .is("container.id", noisy.id.as_str());
            watch.expect("violation", "the program", &expect)?;
            let told = Expect::new()
                .is("exec.path", TRIGGER)
                .is("container.id", noisy.id.as_str());
            let mut counted = 0;
            // Those of the bomb, and the four acts that were told to the trigger before and by it.
            wait_for("all programs", patience() + Duration::from_secs(11), || {
                let reports = about(watch, "violation", noisy);
                let ours = reports.iter().filter(|report| told.accepts(report));
                counted = ours
                    .filter_map(|report| number(&report["count"]))
                    .max()
                    .unwrap_or(0);
                Ok((counted + lost(agent, noisy)? >= count).then_some(()))
            })
            .with_context(|| format!("of {count} programs {counted}"))?;
            Ok(format!("{count} programs, {} lost", lost(agent, noisy)?))
        },
    )
}
