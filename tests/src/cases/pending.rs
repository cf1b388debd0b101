//! What is not judged yet, what was shed, and what finds no room: each costs a repeat at worst, and
//! never hides what comes next.

use super::common::{NOBODY4, about, number, violations_until_now};
use super::losses::lost_for;
use super::seen::{count, records};
use crate::agent::{Agent, Home, Mode};
use crate::expect::Expect;
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use crate::watch::Watch;
use anyhow::{Context as _, Result, ensure};
use lapwing_abi::state::PENDING_FOR;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

pub const CASES: &[Case] = &[
    Case {
        name: "pending.is-sent-again",
        run: sent_again,
    },
    Case {
        name: "pending.shed-by-budget-is-news",
        run: shed_by_budget,
    },
    Case {
        name: "pending.shed-by-ring-is-news",
        run: shed_by_ring,
    },
    Case {
        name: "pending.no-room-costs-a-repeat",
        run: no_room,
    },
];

/// The peer of a storm.
const FAR: &str = "192.0.2.7";
/// The smallest ring: an allowance for peers of 16 KiB, which about a hundred records fill.
const RING: u32 = 64 << 10;

/// Longer than a record may wait for its verdict before it is sent again.
const OVERDUE: Duration = Duration::from_millis(1_200);

/// An agent of its own with a puppet that it knows.
struct Scene<'s> {
    agent: Agent,
    watch: Watch,
    puppet: Puppet<'s>,
}

fn scene<'s>(context: &mut Context<'s>, settings: &[(&str, Value)]) -> Result<Scene<'s>> {
    context.alone();
    let session = context.session;
    let mut home = Home::new(session, Mode::Monitor)?;
    for (key, value) in settings {
        home.set(key, value.clone())?;
    }
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let mut puppet = Puppet::start(session, "pending")?;
    violations_until_now(&mut watch, &mut puppet, "/data/before")?;
    // So that the program is known to the kernel side, and no news of its own.
    violations_until_now(&mut watch, &mut puppet, "/data/again")?;
    Ok(Scene {
        agent,
        watch,
        puppet,
    })
}

fn storm(puppet: &mut Puppet<'_>, peers: u64) -> Result<()> {
    puppet.act(&Act::trigger(&["storm", FAR, &peers.to_string()]))
}

/// How often each peer of a storm was reported, by its port: the first reports of violations, and
/// the highest counts.
fn stormed(watch: &Watch, puppet: &Puppet<'_>, peers: u64) -> (u64, u64) {
    let reports = about(watch, "violation", puppet);
    let (mut first, mut all) = (0, 0);
    for port in 1..=peers {
        let is = Expect::new()
            .is("egress.address", FAR)
            .is("egress.port", port);
        let ours = reports.iter().filter(|report| is.accepts(report));
        let counts = ours.clone().filter_map(|report| number(&report["count"]));
        all += counts.max().unwrap_or(0);
        first += ours.filter(|report| report["revision"] == 1).count() as u64;
    }
    (first, all)
}

/// Waits until so many peers of a storm were reported, with so many counts in all; each once.
fn reported(watch: &Watch, puppet: &Puppet<'_>, peers: u64, is: (u64, u64)) -> Result<()> {
    let mut found = (0, 0);
    wait_for("the storm's reports", 2 * patience(), || {
        // Looking costs time that the reader needs.
        std::thread::sleep(Duration::from_millis(200));
        found = stormed(watch, puppet, peers);
        Ok((found == is).then_some(()))
    })
    .with_context(|| format!("of {peers} peers (reported, counted) is {found:?}, not {is:?}"))
}

/// A report of datagrams to a port of nobody's.
fn to(port: &str) -> Expect {
    Expect::new()
        .is("egress.address", NOBODY4)
        .is("egress.port", port.parse::<u64>().unwrap_or_default())
}

/// Without a verdict repeats are counted for a second; then the record is sent once more.
fn sent_again(context: &mut Context<'_>) -> Result<Outcome> {
    let Scene {
        agent,
        mut watch,
        mut puppet,
    } = scene(context, &[])?;
    // One is enough, but on a machine that stood still meanwhile it takes another.
    let mut tries = 0;
    let (port, before) = loop {
        tries += 1;
        let port = (4099 + tries).to_string();
        let act = ["connect-udp", NOBODY4, &port];
        let before = records(&agent)?;
        agent.pause()?;
        let done = (|| -> Result<Duration> {
            let begun = Instant::now();
            puppet.act(&Act::trigger(&[&["repeat", "3"], &act[..]].concat()))?;
            let took = begun.elapsed();
            std::thread::sleep(OVERDUE);
            puppet.act(&Act::trigger(&act))?;
            Ok(took)
        })();
        agent.go_on()?;
        let took = done?;
        count(&watch, &puppet, &to(&port), 4)?;
        let read = records(&agent)? - before;
        if took < Duration::from_nanos(PENDING_FOR) {
            ensure!(
                read == 2,
                "of three at once and one later {read} records were sent, not the first and the late one"
            );
            break (port, before);
        }
        ensure!(
            (2..=4).contains(&read),
            "of three in {took:?} and one later {read} records were sent"
        );
        ensure!(
            tries < 3,
            "what should be done at once took {took:?}: the test shows nothing"
        );
    };
    let (act, is) = (["connect-udp", NOBODY4, &port], to(&port));
    // Now that it is judged, time makes it no news.
    std::thread::sleep(OVERDUE);
    puppet.act(&Act::trigger(&act))?;
    count(&watch, &puppet, &is, 5)?;
    let read = records(&agent)? - before;
    ensure!(read == 2, "once judged it was sent again: {read} records");
    violations_until_now(&mut watch, &mut puppet, "/data/after")?;
    ensure!(records(&agent)? > before + 2, "no record is counted at all");
    Ok(Outcome::Passed)
}

/// More peers than the allowance lets through: who was shed is news the next time.
fn shed_by_budget(context: &mut Context<'_>) -> Result<Outcome> {
    const PEERS: u64 = 180;
    let ring = ("ring", json!({"bytes": RING}));
    let Scene {
        agent,
        watch,
        mut puppet,
    } = scene(context, &[ring])?;
    // The agent does not run, so that it makes no room and judges nothing meanwhile.
    agent.pause()?;
    let done = storm(&mut puppet, PEERS);
    agent.go_on()?;
    done?;
    let mut shed = 0;
    wait_for("received and lost to be all", patience(), || {
        shed = lost_for(&agent, &puppet, "budget-spent")?;
        Ok((stormed(&watch, &puppet, PEERS).0 + shed == PEERS).then_some(()))
    })
    .with_context(|| format!("{shed} were shed"))?;
    ensure!(
        (1..PEERS).contains(&shed),
        "{shed} of {PEERS} were shed: the test shows nothing"
    );
    // The allowance is whole again.
    std::thread::sleep(OVERDUE);
    storm(&mut puppet, PEERS)?;
    reported(&watch, &puppet, PEERS, (PEERS, 2 * PEERS - shed))?;
    let again = lost_for(&agent, &puppet, "budget-spent")? - shed;
    ensure!(
        again == 0,
        "{again} were shed again: the test shows nothing"
    );
    Ok(Outcome::Measured(format!(
        "of {PEERS} peers {shed} were shed, and all were reported the next time"
    )))
}

/// Others have filled the ring: who finds no room in it is news the next time.
fn shed_by_ring(context: &mut Context<'_>) -> Result<Outcome> {
    const NOISE: u64 = 200;
    const PEERS: u64 = 40;
    let ring = ("ring", json!({"bytes": RING}));
    let session = context.session;
    let Scene {
        agent,
        mut watch,
        mut puppet,
    } = scene(context, &[ring])?;
    let mut others = Vec::new();
    for _ in 0..4 {
        let mut other = Puppet::start(session, "noise")?;
        violations_until_now(&mut watch, &mut other, "/data/before")?;
        others.push(other);
    }
    agent.pause()?;
    let done = (|| {
        for other in &mut others {
            storm(other, NOISE)?;
        }
        storm(&mut puppet, PEERS)
    })();
    agent.go_on()?;
    done?;
    let mut shed = 0;
    wait_for("received and lost to be all", patience(), || {
        shed = lost_for(&agent, &puppet, "behaviour-ring-full")?;
        Ok((stormed(&watch, &puppet, PEERS).0 + shed == PEERS).then_some(()))
    })
    .with_context(|| format!("{shed} found no room"))?;
    ensure!(shed > 0, "there was room for all: the test shows nothing");
    std::thread::sleep(OVERDUE);
    storm(&mut puppet, PEERS)?;
    reported(&watch, &puppet, PEERS, (PEERS, 2 * PEERS - shed))?;
    Ok(Outcome::Measured(format!(
        "of {PEERS} peers {shed} found no room, and all were reported the next time"
    )))
}

/// More behaviours than are remembered: the others are sent each time, and counted as exactly.
fn no_room(context: &mut Context<'_>) -> Result<Outcome> {
    const PEERS: u64 = 200;
    const TIMES: u64 = 3;
    /// The fewest that can be set.
    const REMEMBERED: u64 = 64;
    let tables = ("tables", json!({"behaviours": REMEMBERED}));
    let Scene {
        agent,
        watch,
        mut puppet,
    } = scene(context, &[tables])?;
    let before = records(&agent)?;
    ensure!(
        lost_for(&agent, &puppet, "seen-full")? == 0,
        "no room for the little that was done before"
    );
    for _ in 0..TIMES {
        storm(&mut puppet, PEERS)?;
    }
    reported(&watch, &puppet, PEERS, (PEERS, TIMES * PEERS))?;
    let (read, full) = (
        records(&agent)? - before,
        lost_for(&agent, &puppet, "seen-full")?,
    );
    let least = PEERS - REMEMBERED;
    ensure!(
        full >= TIMES * least,
        "{full} found no room, of {least} at least that cannot have found any"
    );
    // Those with a place are sent once, the others each time.
    let placed = PEERS - full / TIMES;
    ensure!(
        full.is_multiple_of(TIMES) && read == full + placed,
        "{read} were sent; {full} found no room in {TIMES} storms of {PEERS}"
    );
    ensure!(placed > 0, "there was room for none");
    let gaps = watch.of_kind("gap");
    ensure!(
        gaps.iter().all(|gap| gap["reason"] != "seen-full"),
        "nothing was lost, but there are gaps: {gaps:?}"
    );
    Ok(Outcome::Measured(format!(
        "of {PEERS} peers {placed} were remembered; {read} records of {TIMES} storms"
    )))
}
