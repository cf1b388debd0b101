//! A container that floods loses its own, and nobody else's; nor does it hide its own next step.

use super::common::{NOBODY4, TOOL, about, number, violations_until_now};
use super::losses::{STEM, Span, accounted, in_time, lost, timed};
use super::seen::{count, held};
use crate::agent::{Agent, Home, Mode};
use crate::expect::{Expect, lookup};
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use crate::watch::Watch;
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::time::{Duration, Instant};

pub const CASES: &[Case] = &[
    Case {
        name: "losses.files",
        run: files,
    },
    Case {
        name: "losses.connects",
        run: connects,
    },
    Case {
        name: "losses.never-learnable",
        run: guarded,
    },
    Case {
        name: "losses.forks",
        run: forks,
    },
];

/// What the quiet neighbour does again and again beside its news: known to the kernel side.
const KNOWN: &[(&[&str], (&str, &str))] = &[
    (
        &["open-write", "/data/known"],
        ("file.operation", "OPEN_WRITE"),
    ),
    (
        &["connect-udp", NOBODY4, "4200"],
        ("egress.protocol", "UDP"),
    ),
    (&["child", TOOL, "tool", "nothing"], ("exec.path", TOOL)),
];

/// A quiet container beside one that floods: answers what the neighbour did and what came of it.
fn beside(
    context: &mut Context<'_>,
    flood: impl FnOnce(&mut Puppet<'_>) -> Result<()>,
    check: impl FnOnce(&Agent, &mut Watch, &mut Puppet<'_>, Span) -> Result<String>,
) -> Result<Outcome> {
    context.alone();
    let quietly = 200 / slowness(context);
    let session = context.session;
    let mut home = Home::new(session, Mode::Monitor)?;
    // A flood of reports must not push others out of the log before they are read.
    home.set("feed", json!({"items": 1 << 20, "bytes": 1 << 30}))?;
    home.set("suppression", json!({"new": 1 << 30}))?;
    // The smaller the ring, the smaller the allowances, and the fewer reports to read.
    home.set("ring", json!({"bytes": 1 << 20}))?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let mut noisy = Puppet::start(session, "noisy")?;
    let mut quiet = Puppet::start(session, "quiet")?;
    quiet.act(&Act::trigger(&["create", "/data/known"]))?;
    for (act, _) in KNOWN {
        quiet.act(&Act::trigger(act))?;
    }
    for puppet in [&mut noisy, &mut quiet] {
        violations_until_now(&mut watch, puppet, "/data/before")?;
    }
    let before = held(&agent, "repeats")?;
    let among = KNOWN.iter().map(|(act, _)| act.join(" "));
    let among = among.collect::<Vec<_>>().join(" and ");
    let words = ["create-among", STEM, &quietly.to_string()].map(str::to_owned);
    let words = words.into_iter().chain(among.split(' ').map(str::to_owned));
    quiet.begin(&Act::trigger(&words.collect::<Vec<_>>()))?;
    let ((), span) = timed(|| flood(&mut noisy))?;
    ensure!(quiet.end()? == 0, "the quiet one failed");
    let told = check(&agent, &mut watch, &mut noisy, span)?;
    let (received, lost) = accounted(&agent, &watch, &quiet, quietly, span)?;
    ensure!(
        lost == 0 && received == quietly,
        "the neighbour lost {lost} of {quietly}"
    );
    // What was judged before stays so: each repeat is counted in the kernel, and goes no further.
    for (act, (field, is)) in KNOWN {
        let is = Expect::new().is(field, *is);
        count(&watch, &quiet, &is, quietly + 1)
            .with_context(|| format!("the neighbour's {}", act.join(" ")))?;
    }
    let repeats = held(&agent, "repeats")? - before;
    let all = quietly * KNOWN.len() as u64;
    ensure!(
        repeats >= all,
        "of {all} repeats of the neighbour at most {repeats} were held back in the kernel"
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

/// What must be reported of the flooder itself: what it is called, and a field that tells it.
type Step = (&'static str, (&'static str, &'static str));

/// Waits until each of these was reported of a container.
fn not_hidden(watch: &mut Watch, noisy: &Puppet<'_>, steps: &[Step]) -> Result<()> {
    for (what, (field, is)) in steps {
        let expect = Expect::new()
            .is(field, *is)
            .is("container.id", noisy.id.as_str());
        let found = watch.expect("violation", what, &expect);
        found.with_context(|| format!("gaps: {:?}", watch.of_kind("gap")))?;
    }
    Ok(())
}

/// Noise in files, and behind it two peers, two programs, one that has no file, and two privileged
/// operations.
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
            noisy.act(&Act::program(TOOL, "tool").args(&["nothing"]))?;
            noisy.act(&Act::trigger(&["connect-udp", "192.0.2.10", "9000"]))?;
            noisy.act(&Act::program("/usr/bin/shop", "trigger").args(&["nothing"]))?;
            noisy.act(&Act::trigger(&[
                "exec-memfd",
                TRIGGER,
                "trigger",
                "nothing",
            ]))?;
            noisy.act(&Act::trigger(&["ptrace-traceme"]))?;
            noisy.act(&Act::trigger(&["map-memfd", "/bin/busybox"]))
        },
        |agent, watch, noisy, span| {
            caught_up(watch, noisy)?;
            let steps = [
                ("the peer", ("egress.address", "192.0.2.9")),
                ("the program", ("exec.path", TOOL)),
                ("the second peer", ("egress.address", "192.0.2.10")),
                ("the second program", ("exec.path", "/usr/bin/shop")),
                ("the program without a file", ("rule", "exec.fileless")),
                ("the privileged operation", ("rule", "privilege.ptrace")),
                ("the second one", ("rule", "privilege.exec_mapping")),
            ];
            not_hidden(watch, noisy, &steps)?;
            let (received, lost) = accounted(agent, watch, noisy, count, span)?;
            Ok(format!("of {count} files {received} received, {lost} lost"))
        },
    )
}

/// Waits until all peers of a storm were received or counted as lost.
fn stormed(
    agent: &Agent,
    watch: &Watch,
    noisy: &Puppet<'_>,
    peer: &str,
    all: u64,
) -> Result<String> {
    let mut sums = (0, 0);
    wait_for("received and lost to be all", patience(), || {
        let reports = about(watch, "violation", noisy);
        let peers = reports.iter().filter(|report| {
            lookup(report, "egress.address") == Some(&json!(peer)) && report["revision"] == 1
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
}

/// Many peers, and behind them a metadata service, a program, and a file of accounts.
fn connects(context: &mut Context<'_>) -> Result<Outcome> {
    let all = 60_000 / slowness(context);
    beside(
        context,
        |noisy| {
            noisy.act(&Act::trigger(&["storm", "192.0.2.7", &all.to_string()]))?;
            noisy.act(&Act::trigger(&["connect-udp", "169.254.169.254", "80"]))?;
            noisy.act(&Act::program(TOOL, "tool").args(&["nothing"]))?;
            noisy.act(&Act::trigger(&["create", "/etc/passwd.new"]))
        },
        |agent, watch, noisy, _| {
            let steps = [
                ("the service", ("rule", "egress.imds")),
                ("the program", ("exec.path", TOOL)),
                ("the file", ("file.path", "/etc/passwd.new")),
            ];
            not_hidden(watch, noisy, &steps)?;
            stormed(agent, watch, noisy, "192.0.2.7", all)
        },
    )
}

/// Many of what nobody should ever learn, which draw on a reserve: behind them a program of the
/// image, one without a file, a peer, and a privileged operation.
fn guarded(context: &mut Context<'_>) -> Result<Outcome> {
    const PEER: &str = "169.254.7.7";
    let all = 30_000 / slowness(context);
    beside(
        context,
        |noisy| {
            noisy.act(&Act::trigger(&["storm", PEER, &all.to_string()]))?;
            noisy.act(&Act::program(TOOL, "tool").args(&["nothing"]))?;
            noisy.act(&Act::trigger(&[
                "exec-memfd",
                TRIGGER,
                "trigger",
                "nothing",
            ]))?;
            noisy.act(&Act::trigger(&["connect-udp", "192.0.2.9", "9000"]))?;
            noisy.act(&Act::trigger(&["ptrace-traceme"]))
        },
        |agent, watch, noisy, span| {
            let steps = [
                ("the program", ("exec.path", TOOL)),
                ("the program without a file", ("rule", "exec.fileless")),
                ("the peer", ("egress.address", "192.0.2.9")),
                ("the privileged operation", ("rule", "privilege.ptrace")),
            ];
            not_hidden(watch, noisy, &steps)?;
            let told = stormed(agent, watch, noisy, PEER, all)?;
            ensure!(lost(agent, noisy)? > 0, "all were let through: {told}");
            in_time(watch, noisy, span)?;
            Ok(told)
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
            noisy.act(&Act::program(TOOL, "tool").args(&["nothing"]))
        },
        |agent, watch, noisy, _| {
            not_hidden(watch, noisy, &[("the program", ("exec.path", TOOL))])?;
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
