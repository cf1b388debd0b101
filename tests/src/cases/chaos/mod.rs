//! Whatever dies: agents, the controller's replicas, the API of the cluster and containers are killed at random
//! while containers do what nobody approved of, and come back.
//!
//! In the end every profile that was approved or promoted is what it was, in the API and on each node; a client
//! that followed the controller by its cursors has each report of each agent's own log, no id has two
//! meanings, and no node was called silent whose agent was there.
//!
//! What comes to pass follows from a seed, which is printed, as far as the machine's own timing lets it:
//! `LAPWING_SEED` has the same again.

mod client;
mod elsewhere;
pub mod process;
mod repeats;
mod stage;
mod verdict;

use crate::expect::now;
use crate::puppet::Act;
use crate::runner::{Case, Context, Outcome};
use crate::session::{check_interrupt, patience, wait_for};
use anyhow::{Context as _, Result, ensure};
use client::Client;
use serde_json::{Value, json};
use stage::{APPROVED, LOCAL, NODES, PROMOTED, SILENT, Stage};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub const CASES: &[Case] = &[
    Case {
        name: "chaos.kill-all",
        run: kill_all,
    },
    Case {
        name: "cluster.image-where",
        run: elsewhere::image_where,
    },
];

/// The variable with the seed.
const SEED: &str = "LAPWING_SEED";
/// Time between two rounds of what containers do.
const ROUND: Duration = Duration::from_millis(250);
/// Files that each makes in a round.
const FILES: usize = 4;
/// What all containers of a workload do while it is learned.
const LEARNED: &[&str] = &["/data/one", "/data/two"];

/// Numbers that follow from a seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn new() -> Result<Self> {
        use std::hash::{BuildHasher as _, RandomState};
        match std::env::var(SEED) {
            Ok(text) => Ok(Self(
                text.parse().with_context(|| format!("{SEED}={text}"))?,
            )),
            Err(_) => Ok(Self(RandomState::new().hash_one(0))),
        }
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn milliseconds(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}

/// Files that a container made in one go.
pub struct Batch {
    node: usize,
    container: String,
    stem: String,
    /// When, in seconds since the epoch.
    begun: f64,
    ended: f64,
}

/// How often what was killed.
type Kills = BTreeMap<&'static str, usize>;

/// One run of it.
struct Run<'s> {
    stage: Stage<'s>,
    client: Client,
    chance: Chance,
    batches: Vec<Batch>,
    kills: Kills,
    /// Which replica led last, as far as it was heard.
    leader: usize,
    is_forgetful: bool,
}

fn kill_all(context: &mut Context<'_>) -> Result<Outcome> {
    if context.label != "host" {
        let why = "it is about processes, and where each instruction is emulated two agents need minutes to start";
        return Ok(Outcome::Skipped(why.to_owned()));
    }
    context.alone();
    let chance = Chance::new()?;
    let seed = chance.0;
    println!("chaos.kill-all: {SEED}={seed}");
    let long = if context.soak { 900 } else { 18 };
    let mut run = Run {
        stage: Stage::new(context.session)?,
        client: Client::default(),
        chance,
        batches: Vec::new(),
        kills: Kills::new(),
        leader: 0,
        is_forgetful: false,
    };
    let outcome = run.all(Duration::from_secs(long));
    outcome
        .map(Outcome::Measured)
        .with_context(|| format!("{}\nwith {SEED}={seed}", run.stage.last_words()))
}

impl Run<'_> {
    fn all(&mut self, long: Duration) -> Result<String> {
        self.begin()?;
        let before = verdict::profiles(&self.stage)?;
        let begun = now();
        self.rage(long)?;
        let raged = (begun, now());
        self.settle()?;
        // What all that is there outlives must be reported whole.
        for round in ["calm-0", "calm-1"] {
            self.act(round)?;
        }
        let silent = self.silence()?;
        for round in ["calm-2", "calm-3"] {
            self.act(round)?;
        }
        self.mark()?;
        self.settle()?;
        let after = verdict::profiles(&self.stage)?;
        ensure!(
            before == after,
            "profiles were {before:#?}\nand are {after:#?}"
        );
        // An agent that was away while it was asked for what is owed is asked again after a rest.
        let all = verdict::all(&self.stage)?;
        let owed = wait_for("what is owed to the client", 2 * patience(), || {
            self.follow()?;
            Ok(verdict::has(&self.client, &all)?.then_some(()))
        });
        let found = verdict::reports(&self.stage, &self.client, &self.batches, [raged, silent])?;
        owed?;
        let kills: Vec<_> = { self.kills.iter() }
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        Ok(format!("killed: {}; {found}", kills.join(", ")))
    }

    /// Starts all, and has what is learned promoted: by the controller, and on each node.
    fn begin(&mut self) -> Result<()> {
        // Before there are agents: what is reported before it follows is owed by nobody.
        wait_for("the client to follow", patience(), || {
            self.follow()?;
            Ok(self.client.of_kind("heartbeat").next().map(drop))
        })?;
        self.stage.start_agents()?;
        wait_for("the agents to answer", 3 * patience(), || {
            self.follow()?;
            Ok(self.stage.look()?.then_some(()))
        })?;
        self.stage.populate()?;
        for member in &mut self.stage.members {
            let puppet = member.puppet.as_mut().context("no container")?;
            for path in LEARNED.iter().filter(|_| member.workload != APPROVED) {
                puppet.act(&Act::trigger(&["create", path]))?;
            }
        }
        wait_for("both nodes to show the same", 3 * patience(), || {
            self.stage.look()?;
            self.follow()?;
            self.stage.tell();
            Ok(verdict::is_learned(&self.stage, PROMOTED).then_some(()))
        })
        .with_context(|| verdict::learned(&self.stage))?;
        let by = ["--actor", "tests", "--reason", "learned enough"];
        let args = ["profile", "promote", "shop/Deployment/api/app"];
        wait_for("the controller to promote", patience(), || {
            let leader = self.stage.leader().unwrap_or(0);
            let mut promotes = self.stage.at_controller(leader, &[&args[..], &by].concat());
            let output = promotes.stderr(self.stage.log("client")?).output()?;
            Ok(output.status.success().then_some(()))
        })?;
        for (number, node) in self.stage.nodes.iter().enumerate() {
            let name = verdict::named(&node.home, &format!("{LOCAL}-{}", NODES[number]))?;
            let args = [&["profile", "promote", name.as_str()], &by[..]].concat();
            node.home.call(&args)?;
        }
        wait_for("the profiles to be in force", patience(), || {
            Ok(verdict::profiles(&self.stage).ok())
        })
        .with_context(|| match verdict::profiles(&self.stage) {
            Ok(_) => String::new(),
            Err(error) => format!("{error:#}"),
        })?;
        Ok(())
    }

    /// Kills, and lets come back, for so long.
    fn rage(&mut self, long: Duration) -> Result<()> {
        let end = Instant::now() + long;
        let mut next = Instant::now();
        let mut round = 0;
        while Instant::now() < end {
            check_interrupt()?;
            let begun = Instant::now();
            if begun >= next {
                self.kill()?;
                next = begun + self.chance.milliseconds(200, 900);
            }
            self.come_back(false)?;
            self.act(&round.to_string())?;
            round += 1;
            self.follow()?;
            self.stage.look()?;
            std::thread::sleep(ROUND.saturating_sub(begun.elapsed()));
        }
        Ok(())
    }

    fn kill(&mut self) -> Result<()> {
        // Most come back soon; some stay away for longer than agents may be silent.
        let long = SILENT.as_secs() * 1000;
        let away = match self.chance.below(12) {
            0 => self.chance.milliseconds(long, long + 4000),
            1..4 => self.chance.milliseconds(1000, 4000),
            _ => self.chance.milliseconds(20, 1000),
        };
        let back = Instant::now() + away;
        let kind = match self.chance.below(10) {
            0..3 => {
                let number = self.chance.below(NODES.len() as u64) as usize;
                let agent = &mut self.stage.nodes[number].agent;
                if !agent.is_up()? {
                    return Ok(());
                }
                agent.kill(back)?;
                "agents"
            }
            3..5 => {
                if let Some(leader) = self.stage.leader() {
                    self.leader = leader;
                }
                let is_leader = self.chance.below(3) > 0;
                let number = if is_leader {
                    self.leader
                } else {
                    1 - self.leader
                };
                let replica = &mut self.stage.replicas[number];
                if !replica.is_up()? {
                    return Ok(());
                }
                replica.kill(back)?;
                if is_leader { "leaders" } else { "standbys" }
            }
            5..7 => {
                if !self.stage.api.is_up()? {
                    return Ok(());
                }
                self.stage.api.kill(back.min(Instant::now() + SILENT / 2))?;
                self.is_forgetful = self.chance.below(2) == 0;
                "APIs"
            }
            7..9 => {
                let count = self.stage.members.len() as u64;
                let number = self.chance.below(count) as usize;
                let member = &mut self.stage.members[number];
                let Some(puppet) = &mut member.puppet else {
                    return Ok(());
                };
                // In the middle of what it does.
                let stem = "/data/cut-short-";
                puppet.begin(&Act::trigger(&["create-words-slowly", stem, "100"]))?;
                self.stage.kill_member(number, back)?;
                "containers"
            }
            _ => {
                self.client.kill()?;
                "clients"
            }
        };
        *self.kills.entry(kind).or_default() += 1;
        Ok(())
    }

    /// Starts what is to come back by now, or all.
    fn come_back(&mut self, is_all: bool) -> Result<()> {
        let now = Instant::now();
        let is_due = |back: Option<Instant>| back.is_some_and(|back| is_all || back <= now);
        let stage = &mut self.stage;
        if is_due(stage.api.back) {
            let command = stage.cluster.command(self.is_forgetful);
            stage.api.start(command)?;
        }
        for number in 0..NODES.len() {
            if is_due(stage.nodes[number].agent.back) {
                stage.start_agent(number)?;
            }
            if is_due(stage.replicas[number].back) {
                stage.start_replica(number)?;
            }
        }
        for number in 0..stage.members.len() {
            if is_due(stage.members[number].back) {
                stage.start_member(number)?;
            }
        }
        stage.tell();
        Ok(())
    }

    /// Has each container make files that nobody approved of.
    fn act(&mut self, round: &str) -> Result<()> {
        for member in &mut self.stage.members {
            let Some(puppet) = &mut member.puppet else {
                continue;
            };
            let begun = now();
            let stem = format!("/data/{round}-");
            let act = ["create-words-slowly", &stem, &FILES.to_string()];
            puppet.act(&Act::trigger(&act))?;
            self.batches.push(Batch {
                node: member.node,
                container: puppet.id.clone(),
                stem,
                begun,
                ended: now(),
            });
        }
        Ok(())
    }

    fn follow(&mut self) -> Result<()> {
        let replica = self.chance.below(2) as usize;
        self.client.go_on(&self.stage, replica)
    }

    /// Waits until all are there, and the client follows a leader that is connected to all.
    fn settle(&mut self) -> Result<()> {
        self.come_back(true)?;
        wait_for("all to be back", 3 * patience(), || {
            self.follow()?;
            let is_told = self.stage.tell();
            let is_up = self.stage.look()?;
            if !(is_told && is_up) {
                return Ok(None);
            }
            let replica = self.stage.leader().unwrap_or(0);
            let mut status = self.stage.at_controller(replica, &["status", "-o", "json"]);
            let output = status.output()?;
            let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            Ok(verdict::are_connected(&status).then_some(()))
        })
    }

    /// An agent is away for long, and all else is there: its node is called silent, until it is back. Answers
    /// when it was.
    fn silence(&mut self) -> Result<(f64, f64)> {
        let begun = now();
        let last = NODES.len() - 1;
        self.stage.nodes[last].agent.kill(Instant::now())?;
        self.until_silent(last, begun, 1)?;
        self.stage.start_agent(last)?;
        self.until_silent(last, begun, 2)?;
        *self.kills.entry("agents").or_default() += 1;
        Ok((begun, now()))
    }

    fn until_silent(&mut self, node: usize, since: f64, revision: u64) -> Result<()> {
        let what = ["", "the node to be silent", "the node to be heard"][revision as usize];
        wait_for(what, SILENT + patience(), || {
            self.stage.look()?;
            self.follow()?;
            let mut all = verdict::silences(&self.client).into_iter();
            let is_it = |one: &verdict::Silence| {
                one.node == NODES[node] && one.since >= since && one.revision == revision
            };
            Ok(all.any(|one| is_it(&one)).then_some(()))
        })
    }

    /// Has each container do what is approved of, and then what is not, and waits for the report of that: all
    /// that was done before is reported by then.
    fn mark(&mut self) -> Result<()> {
        for member in &mut self.stage.members {
            let puppet = member.puppet.as_mut().context("no container")?;
            puppet.act(&Act::trigger(&["create", verdict::MARK]))?;
        }
        let mut left = Vec::new();
        wait_for("the mark of each container", patience(), || {
            self.follow()?;
            let of_mark = self.client.of_kind("violation");
            let seen: Vec<&Value> = of_mark
                .filter(|violation| violation["file"]["path"] == verdict::MARK)
                .collect();
            left = { self.stage.members.iter() }
                .filter_map(|member| Some((member, member.puppet.as_ref()?)))
                .filter(|(member, puppet)| {
                    let is_it = |violation: &&Value| {
                        violation["container"]["id"] == json!(puppet.id)
                            && verdict::is_of(violation, member.workload)
                    };
                    !seen.iter().any(is_it)
                })
                .map(|(member, puppet)| format!("{} of {}", member.workload, puppet.id))
                .collect();
            Ok(left.is_empty().then_some(()))
        })
        .with_context(|| format!("no violation by its name, at the controller: {left:?}"))
    }
}
