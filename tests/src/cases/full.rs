//! What of the kernel side is everybody's and can be full: the ring of cgroups that come and go, the
//! table of cgroups, the table of allowances. What finds no room is counted to the one, told as a gap
//! of the node, and costs no container anything that was known.

use super::common::{any_mode, file, hits_of, number, violations_until_now};
use super::tables::{forks_and_execs, losses, refused, unharmed};
use crate::agent::{Agent, Home, Mode};
use crate::expect::Expect;
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use crate::session::{Session, patience, wait_for};
use crate::watch::Watch;
use anyhow::{Context as _, Result, ensure};
use lapwing_abi::hooks::Row;
use lapwing_abi::record::CGROUP_HEADER_LEN;
use serde_json::{Value, json};
use std::process::{Child, Command, Stdio};

pub const CASES: &[Case] = &[
    Case {
        name: "losses.full.lifecycle-ring",
        run: lifecycle,
    },
    Case {
        name: "losses.full.cgroups",
        run: cgroups,
    },
    Case {
        name: "losses.full.budgets",
        run: budgets,
    },
];

/// Cgroups of the run in which no runtime runs a container; gone when dropped.
struct Plain<'s> {
    session: &'s Session,
    name: fn(u64) -> String,
    made: u64,
}

impl<'s> Plain<'s> {
    const fn new(session: &'s Session, name: fn(u64) -> String) -> Self {
        Self {
            session,
            name,
            made: 0,
        }
    }

    fn make(&mut self, count: u64) -> Result<()> {
        for _ in 0..count {
            let name = (self.name)(self.made);
            self.made += 1;
            self.session.cgroups.make("", &name)?;
        }
        Ok(())
    }

    fn remove(&mut self) {
        for index in 0..std::mem::take(&mut self.made) {
            let path = format!("/{}", (self.name)(index));
            self.session.cgroups.remove(&path);
        }
    }
}

impl Drop for Plain<'_> {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Waits until so many losses for a reason are told, and answers how many there are when all are.
fn lost(agent: &Agent, reason: &str, least: u64) -> Result<u64> {
    let count = || -> Result<u64> { Ok(losses(&agent.status()?, None, reason)) };
    wait_for(reason, patience(), || Ok((count()? >= least).then_some(())))
        .with_context(|| format!("{:?} of {least}", count()))?;
    // What did not happen tells nothing: losses are told once a second.
    std::thread::sleep(std::time::Duration::from_millis(2_500));
    count()
}

/// The gaps of the node for a reason add up to what was lost.
fn confessed(watch: &Watch, reason: &str, lost: u64) -> Result<()> {
    let told = told(watch, reason, lost)?;
    ensure!(told == lost, "{lost} lost, but gaps of {told}");
    Ok(())
}

/// Waits until the gaps of the node for a reason add up to so many lost, and answers to how many.
fn told(watch: &Watch, reason: &str, lost: u64) -> Result<u64> {
    let mut told = 0;
    wait_for("the gaps", patience(), || {
        let gaps = watch.of_kind("gap");
        let ours = gaps.iter().filter(|gap| gap["reason"] == reason);
        let mut counts = Vec::new();
        for gap in ours {
            ensure!(gap["scope"] == "node", "a gap of a container: {gap}");
            counts.extend(number(&gap["count"]));
        }
        told = counts.iter().sum();
        Ok((told >= lost).then_some(()))
    })
    .with_context(|| format!("{lost} lost, {told} told"))?;
    Ok(told)
}

/// Word of cgroups that come and go finds no room while the agent does not run. What is there when
/// it does again is known to it nonetheless.
fn lifecycle(context: &mut Context<'_>) -> Result<Outcome> {
    const REASON: &str = "lifecycle-ring-full";
    /// Bytes of the ring.
    const RING: usize = 512 << 10;
    /// What a ring puts before each record, and to what it is rounded.
    const HEAD: usize = 8;
    const PAIRS: u64 = 1_100;
    context.alone();
    let session = context.session;
    let agent = Home::new(session, Mode::Monitor)?.start()?;
    let mut watch = agent.watch()?;
    let mut before = Puppet::start(session, "lifecycle-before")?;
    forks_and_execs(&mut watch, &mut before, "/data/before")?;
    let changes = |status: &Value| -> Result<u64> {
        Ok(hits_of(status, Row::CgroupCreate)? + hits_of(status, Row::CgroupRemove)?)
    };
    let name = |index: u64| format!("{index:0>200}");
    let come_and_go = || {
        (0..PAIRS).try_for_each(|index| -> Result<()> {
            session.cgroups.make("", &name(index))?;
            session.cgroups.remove(&format!("/{}", name(index)));
            Ok(())
        })
    };
    let path = format!("{}/{}", session.cgroups.scope(), name(0));
    let record = HEAD + (CGROUP_HEADER_LEN + path.len()).next_multiple_of(8);
    // A ring is never filled to the last byte.
    let room = ((RING - 1) / record) as u64;

    let (hits, none) = (changes(&agent.status()?)?, lost(&agent, REASON, 0)?);
    ensure!(none == 0, "{none} lost before anything happened");
    agent.pause()?;
    let done = come_and_go();
    agent.go_on()?;
    done?;
    let told = lost(&agent, REASON, 2 * PAIRS - room)?;
    let happened = changes(&agent.status()?)? - hits;
    // Others on this machine may make cgroups as well, which count, and have shorter paths.
    let strangers = happened.saturating_sub(2 * PAIRS);
    ensure!(
        happened >= 2 * PAIRS && (room..=room + strangers).contains(&(happened - told)),
        "of {happened} changes {told} are said to be lost, and {room} have room"
    );
    confessed(&watch, REASON, told)?;

    // A container that began in the dark, whose cgroup nobody told of.
    agent.pause()?;
    let unheard = come_and_go().and_then(|()| {
        let mut puppet = Puppet::start(session, "lifecycle-unheard")?;
        puppet.act(&Act::trigger(&["create", "/data/unheard"]))?;
        Ok(puppet)
    });
    agent.go_on()?;
    let mut unheard = unheard?;
    let expect = any_mode(file(Expect::new(), "CREATE", "/data/unheard"))
        .is("container.id", unheard.id.as_str())
        .is("workload.name", unheard.workload.as_str())
        .is("process.phase", "MAIN");
    watch.expect("violation", "what was done in the dark", &expect)?;
    forks_and_execs(&mut watch, &mut unheard, "/data/later")?;
    forks_and_execs(&mut watch, &mut before, "/data/later")?;
    let all = lost(&agent, REASON, told + 1)?;
    confessed(&watch, REASON, all)?;
    let status = agent.status()?;
    ensure!(
        status["containerLosses"]
            .as_array()
            .is_none_or(Vec::is_empty),
        "containers lost something: {}",
        status["containerLosses"]
    );
    Ok(Outcome::Measured(format!(
        "of {happened} changes {room} had room, {told} were lost"
    )))
}

/// More cgroups on the machine than the table has room for. Those that go make room again.
fn cgroups(context: &mut Context<'_>) -> Result<Outcome> {
    const REASON: &str = "cgroup-table-full";
    const ENTRIES: u64 = 512;
    const MORE: u64 = 50;
    context.alone();
    let session = context.session;
    let mut home = Home::new(session, Mode::Monitor)?;
    home.set("tables", json!({ "cgroups": ENTRIES }))?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let mut before = Puppet::start(session, "cgroups-before")?;
    forks_and_execs(&mut watch, &mut before, "/data/before")?;
    let mut plain = Plain::new(session, |index| format!("plain-{index}"));
    // Others on this machine may make cgroups as well, which find no room, and remove some, which make room.
    let changes = || -> Result<(u64, u64)> {
        let status = agent.status()?;
        let made = hits_of(&status, Row::CgroupCreate)?;
        Ok((made, hits_of(&status, Row::CgroupRemove)?))
    };
    let before_all = changes()?;
    // Some are there that are not ours.
    plain.make(ENTRIES)?;
    let first = lost(&agent, REASON, 1)?;
    plain.make(MORE)?;
    let least = MORE.saturating_sub(changes()?.1 - before_all.1);
    let then = lost(&agent, REASON, first + least)?;
    let made = changes()?.0 - before_all.0;
    ensure!(
        made >= ENTRIES + MORE,
        "of {} cgroups {made} were counted",
        ENTRIES + MORE
    );
    let strangers = made - ENTRIES - MORE;
    ensure!(
        (least..=MORE + strangers).contains(&(then - first)),
        "of {MORE} that found no room {} were counted; {strangers} are not ours, and {} were removed",
        then - first,
        MORE - least
    );
    let told = told(&watch, REASON, then)?;
    let now = losses(&agent.status()?, None, REASON);
    ensure!(
        (then..=now).contains(&told),
        "{then} lost, and {now} by now, but gaps of {told}"
    );
    // Who is known stays so, and one that comes now is reported.
    forks_and_execs(&mut watch, &mut before, "/data/meanwhile")?;
    let mut late = Puppet::start(session, "cgroups-late")?;
    violations_until_now(&mut watch, &mut late, "/data/late")?;
    drop(late);

    plain.remove();
    let mut again = Plain::new(session, |index| format!("again-{index}"));
    wait_for("room for another", patience() * 2, || {
        let before = lost(&agent, REASON, 0)?;
        again.make(1)?;
        Ok((lost(&agent, REASON, 0)? == before).then_some(()))
    })?;
    let mut after = Puppet::start(session, "cgroups-after")?;
    forks_and_execs(&mut watch, &mut after, "/data/after")?;
    unharmed_itself(&agent, &after)?;
    Ok(Outcome::Measured(format!(
        "{first} and {MORE} of {} had no room among {ENTRIES}",
        ENTRIES + MORE
    )))
}

/// Nothing was lost of a container.
fn unharmed_itself(agent: &Agent, puppet: &Puppet<'_>) -> Result<()> {
    let status = agent.status()?;
    let all = status["containerLosses"].as_array().map(Vec::as_slice);
    let ours = all.unwrap_or_default().iter();
    let ours: Vec<_> = ours
        .filter(|loss| loss["container"] == *puppet.id)
        .collect();
    ensure!(ours.is_empty(), "it lost {ours:?}");
    Ok(())
}

/// Processes that do nothing; killed when dropped.
struct Idle(Vec<Child>);

impl Drop for Idle {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// More containers to be than there are allowances. One without is seen as long as the ring has room,
/// and each of its records is counted.
fn budgets(context: &mut Context<'_>) -> Result<Outcome> {
    const REASON: &str = "budget-table-full";
    /// Of which a quarter is the number of allowances.
    const CGROUPS: u64 = 256;
    const BUDGETS: u64 = lapwing_abi::state::budgets_of(CGROUPS as u32) as u64;
    context.alone();
    let session = context.session;
    let mut home = Home::new(session, Mode::Monitor)?;
    home.set("tables", json!({ "cgroups": CGROUPS }))?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let mut before = Puppet::start(session, "budgets-before")?;
    forks_and_execs(&mut watch, &mut before, "/data/before")?;
    // Named as containers are: what nothing speaks for gives its allowance back.
    let name = |index: u64| format!("docker-{index:064x}.scope");
    let mut plain = Plain::new(session, name);
    plain.make(BUDGETS)?;
    let mut idle = Idle(Vec::new());
    for index in 0..BUDGETS {
        let child = Command::new(&session.tools.busybox)
            .args(["sleep", "600"])
            .stdin(Stdio::null())
            .spawn()
            .context("busybox")?;
        let pid = child.id();
        idle.0.push(child);
        session.cgroups.enter(&format!("/{}", name(index)), pid)?;
    }
    // As many allowances as these, and a container beside them.
    let full = lost(&agent, REASON, 1)?;
    let mut late = Puppet::start(session, "budgets-late")?;
    violations_until_now(&mut watch, &mut late, "/data/late")?;
    // One act and several: what they differ by is counted to the one.
    let counted = |late: &Puppet<'_>| refused(&agent, late, REASON, 1);
    let start = counted(&late)?;
    late.act(&Act::trigger(&["create-words", "/data/one-", "10"]))?;
    let few = counted(&late)? - start;
    late.act(&Act::trigger(&["create-words", "/data/two-", "60"]))?;
    let many = counted(&late)? - start - few;
    ensure!(
        many - few == 50,
        "of 10 files {few} records were counted, of 60 {many}"
    );
    for stem in ["one", "two"] {
        let last = if stem == "one" { 9 } else { 59 };
        let path = format!("/data/{stem}-{}", crate::letters::in_letters(last));
        let expect =
            any_mode(file(Expect::new(), "CREATE", &path)).is("container.id", late.id.as_str());
        watch.expect("violation", &path, &expect)?;
    }
    forks_and_execs(&mut watch, &mut before, "/data/meanwhile")?;
    unharmed(&agent, &before)?;
    let all = lost(&agent, REASON, full)?;
    ensure!(
        all >= full + few + many,
        "{all} were counted, of which {full} before the container's {few} and {many}"
    );
    let status = agent.status()?;
    let of_each = status["containerLosses"].as_array().map(Vec::as_slice);
    let of_each = of_each.unwrap_or_default().iter();
    let of_each: u64 = of_each
        .filter(|loss| loss["reason"] == REASON)
        .filter_map(|loss| number(&loss["count"]))
        .sum();
    let of_late = losses(&status, Some(&late.id), REASON);
    // What is a container's stands with its name; the rest is the node's, and a gap.
    confessed(&watch, REASON, losses(&status, None, REASON) - of_each)?;
    drop(idle);
    Ok(Outcome::Measured(format!(
        "{BUDGETS} allowances; {of_late} records of one without were seen and counted"
    )))
}
