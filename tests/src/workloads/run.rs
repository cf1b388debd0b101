//! Two runs that teach, a promotion, and runs that are compared.

use super::Args;
use super::once::{Setting, once};
use super::program::Program;
use super::report::FalsePositive;
use super::view::View;
use crate::agent::{Agent, Home, Mode};
use crate::patch::Applied;
use crate::session::{Session, patience, wait_for};
use crate::watch::Watch;
use anyhow::{Context, Result, ensure};
use lapwing_profile::profile::{Profile, Verdict};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

/// Counters of the status that are no losses.
const TOLD: [&str; 2] = ["seen-full", "budget-table-full"];
/// What was judged, learned and reported, and only not listed as news as well: no news is read here.
/// PostgreSQL gives so many files names of their own that the agent stops listing them.
const UNLISTED: &str = "behaviours-unpublished";
/// Entries that are approved by one command.
const AT_ONCE: usize = 64;

/// A program that was learned, and the agent that compares it.
pub struct Lesson<'a> {
    pub session: &'a Session,
    pub program: &'static Program,
    pub args: &'a Args,
    pub agent: Agent,
    watch: Watch,
    /// What two runs taught.
    pub learned: Profile,
    /// What waited then, and was approved by hand.
    pub by_hand: Vec<String>,
    /// What each of the two did.
    pub done: Vec<u64>,
}

/// A run that was compared.
pub struct Compared {
    /// What it did.
    pub done: u64,
    /// How long it took.
    pub taken: Duration,
    /// What it was reported for.
    pub reported: Vec<FalsePositive>,
    /// What was applied of the patch.
    pub applied: Applied,
    /// How the kernel had confined it.
    pub view: View,
}

impl<'a> Lesson<'a> {
    /// Has two runs teach, and promotes the profile.
    pub fn learn(
        session: &'a Session,
        program: &'static Program,
        args: &'a Args,
        setting: &Setting,
    ) -> Result<Self> {
        let mut home = Home::new(session, Mode::Learn)?;
        if args.advice {
            home.set("syscalls", "learning")?;
        }
        let agent = home.start()?;
        let watch = agent.watch_kinds("violation,gap")?;
        let mut done = Vec::new();
        for _ in 0..2 {
            done.push(once(session, program, args, setting)?.done);
            settled(&agent)?;
        }
        let learned = profile(&agent, program)?;
        let pending: Vec<String> = learned
            .entries(Verdict::Pending)
            .keys()
            .map(ToString::to_string)
            .collect();
        for some in pending.chunks(AT_ONCE) {
            let mut command = vec!["profile", "approve", "--profile", program.name];
            command.extend(["--reason", "seen in the learning runs"]);
            command.extend(some.iter().map(String::as_str));
            agent.home.call(&command)?;
        }
        let reason = ["--reason", "two runs"];
        agent
            .home
            .call(&[&["profile", "promote", program.name], &reason[..]].concat())?;
        if let Some(folder) = &args.keep {
            fs::create_dir_all(folder)?;
            let file = folder.join(format!("{}.yaml", program.name));
            fs::write(&file, learned.to_yaml())
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(Self {
            session,
            program,
            args,
            agent,
            watch,
            learned,
            by_hand: pending,
            done,
        })
    }

    /// Runs it once more, and answers what that was reported for.
    pub fn compare(&self, setting: &Setting) -> Result<Compared> {
        let start = Instant::now();
        let run = once(self.session, self.program, self.args, setting)?;
        let taken = start.elapsed();
        settled(&self.agent)?;
        // The latest state of each. What the others were reported for while they taught may be told
        // once more when they end.
        let reported: BTreeMap<String, Value> = (self.watch.of_kind("violation").into_iter())
            .filter(|violation| violation["container"]["id"] == run.container)
            .filter_map(|violation| Some((violation["id"].as_str()?.to_owned(), violation)))
            .collect();
        Ok(Compared {
            done: run.done,
            taken,
            reported: reported.values().map(FalsePositive::of).collect(),
            applied: run.applied,
            view: run.view,
        })
    }

    /// Ends the agent; answers how many records were sent although they were no news.
    ///
    /// # Errors
    ///
    /// Something was lost, so that nobody knows what else was done.
    pub fn end(self) -> Result<u64> {
        let losses = self.agent.status()?["losses"].clone();
        drop(self.watch);
        self.agent.stop()?;
        // Of these nothing is missing: what is known was told once more.
        let (told, lost): (Vec<_>, Vec<_>) = losses
            .as_array()
            .into_iter()
            .flatten()
            .filter(|loss| loss["reason"] != UNLISTED)
            .partition(|loss| TOLD.iter().any(|reason| loss["reason"] == *reason));
        ensure!(
            lost.is_empty(),
            "something was lost, so nobody knows what else was done: {lost:?}"
        );
        let repeats = told
            .iter()
            .filter_map(|loss| loss["count"].as_str()?.parse::<u64>().ok());
        Ok(repeats.sum())
    }
}

/// Waits until the agent has read all there is.
fn settled(agent: &Agent) -> Result<()> {
    let mut last = None;
    wait_for("the agent to have read all", patience(), || {
        std::thread::sleep(Duration::from_millis(300));
        let records = Some(agent.status()?["records"].to_string());
        let still = last == records;
        last = records;
        Ok(still.then_some(()))
    })
}

fn profile(agent: &Agent, program: &Program) -> Result<Profile> {
    let yaml = agent.home.call(&["profile", "export", program.name])?;
    Profile::from_yaml(yaml).with_context(|| format!("the profile of {}", program.name))
}
