//! Runs the cases, times them, and judges skips.
//!
//! A skip is a hole in the proof, so each one must be on the list for its
//! kernel; one that is not fails the run, and so does one on the list that ran.

use crate::Tools;
use crate::agent::{Agent, Home, Mode, take_problems};
use crate::cases;
use crate::filter::Filter;
use crate::session::{Session, check_interrupt};
use crate::watch::Watch;
use anyhow::{Context as _, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// How a case ended, if it did not fail.
pub enum Outcome {
    /// It proved what it is for.
    Passed,
    /// As passed, with a figure worth reading.
    Measured(String),
    /// It cannot run here, for this reason.
    Skipped(String),
}

/// One case.
pub struct Case {
    /// Its name: area and what it proves.
    pub name: &'static str,
    /// What it does.
    pub run: fn(&mut Context<'_>) -> Result<Outcome>,
}

/// The best tier of hooks that agents may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tier {
    /// The best that the kernel allows.
    Best,
    /// No trampolines.
    B,
}

/// Cases that run with the same agent.
pub struct Group {
    /// Stands before the names of the cases.
    pub prefix: &'static str,
    /// What their shared agent may use.
    pub tier: Tier,
    /// The cases, in order.
    pub cases: &'static [Case],
}

/// Options of a run.
pub struct Options {
    /// The programs to use.
    pub tools: Tools,
    /// Which kernel this is.
    pub label: String,
    /// Large counts.
    pub soak: bool,
    /// Which cases to run.
    pub filter: Filter,
}

/// What a case gets.
pub struct Context<'s> {
    /// The run's folders.
    pub session: &'s Session,
    /// Which kernel this is.
    pub label: String,
    /// Large counts.
    pub soak: bool,
    /// The best tier of hooks that the shared agent may use.
    pub tier: Tier,
    // The watch ends before its agent does.
    shared: Option<((Mode, Tier), Watch, Agent)>,
}

impl Context<'_> {
    /// An agent that cases share, so that programs are not loaded anew for each.
    pub fn agent(&mut self, mode: Mode) -> Result<(&Agent, &mut Watch)> {
        let usable = match &mut self.shared {
            Some((known, _, agent)) => *known == (mode, self.tier) && agent.is_running(),
            None => false,
        };
        if !usable {
            self.shared = None;
            let mut home = Home::new(self.session, mode)?;
            if self.tier == Tier::B {
                home.set("tier", "B")?;
            }
            let agent = home.start()?;
            let watch = agent.watch()?;
            self.shared = Some(((mode, self.tier), watch, agent));
        }
        let (_, watch, agent) = self.shared.as_mut().context("no agent")?;
        Ok((agent, watch))
    }

    /// Stops the shared agent, for cases that run their own.
    pub fn alone(&mut self) {
        self.shared = None;
    }

    /// What is wrong with the agents after a case, whatever the case itself found.
    fn problems(&mut self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some((_, _, agent)) = &mut self.shared {
            // Cases that provoke losses do so with an agent of their own.
            match agent.status().map(|status| status["losses"].clone()) {
                Ok(losses) if losses.as_array().is_some_and(Vec::is_empty) => {}
                Ok(losses) => problems.push(format!("the shared agent lost records: {losses}")),
                Err(error) => problems.push(format!("the shared agent: {error:#}")),
            }
        }
        if !problems.is_empty() {
            // The next case starts afresh.
            self.shared = None;
        }
        problems.extend(take_problems());
        problems
    }
}

/// Prints the names of the cases.
pub fn list(filter: &Filter) {
    for (_, _, name) in selected(filter) {
        println!("{name}");
    }
}

/// Cases with their groups and whole names.
fn selected(filter: &Filter) -> impl Iterator<Item = (&'static Group, &'static Case, String)> {
    cases::ALL
        .iter()
        .flat_map(|group| group.cases.iter().map(move |case| (group, case)))
        .map(|(group, case)| (group, case, format!("{}{}", group.prefix, case.name)))
        .filter(|(_, _, name)| filter.takes(name))
}

/// Runs the cases. Answers whether everything is as it must be.
pub fn run(options: &Options) -> Result<bool> {
    let expected = ExpectedSkips::of(&options.label)?;
    anyhow::ensure!(
        !expected.has(EVERY_CASE),
        "expected-skips.txt says that nothing can run on {}, but here we are: take the line off",
        options.label
    );
    let session = Session::new(options.tools.clone())?;
    let mut context = Context {
        session: &session,
        label: options.label.clone(),
        soak: options.soak,
        tier: Tier::Best,
        shared: None,
    };
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (group, case, name) in selected(&options.filter) {
        check_interrupt()?;
        context.tier = group.tier;
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| (case.run)(&mut context)))
            .unwrap_or_else(|_| Err(anyhow::anyhow!("the case panicked")));
        let problems = context.problems();
        let outcome = match outcome {
            Ok(_) if !problems.is_empty() => Err(anyhow::anyhow!(problems.join("\n"))),
            Err(error) if !problems.is_empty() => {
                Err(anyhow::anyhow!("{error:#}\n{}", problems.join("\n")))
            }
            outcome => outcome,
        };
        let took = start.elapsed().as_secs_f64();
        let listed = expected.has(&name);
        let (word, detail) = match outcome {
            Ok(Outcome::Passed | Outcome::Measured(_)) if listed => {
                failed += 1;
                (
                    "FAILED",
                    "ran, but is on the list of expected skips: take it off".to_owned(),
                )
            }
            Ok(Outcome::Passed) => {
                passed += 1;
                ("passed", String::new())
            }
            Ok(Outcome::Measured(figure)) => {
                passed += 1;
                ("passed", figure)
            }
            Ok(Outcome::Skipped(reason)) if listed => {
                skipped += 1;
                ("skipped", reason)
            }
            Ok(Outcome::Skipped(reason)) => {
                failed += 1;
                (
                    "FAILED",
                    format!("skipped, but not on the list of expected skips: {reason}"),
                )
            }
            Err(error) => {
                failed += 1;
                ("FAILED", format!("{error:#}"))
            }
        };
        println!("{took:7.2} s  {word:7}  {name}");
        for line in detail.lines() {
            println!("             {line}");
        }
    }
    context.alone();
    for problem in take_problems() {
        failed += 1;
        println!("FAILED at the end: {problem}");
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    Ok(failed == 0 && passed + skipped > 0)
}

/// The skips that were looked at and accepted.
struct ExpectedSkips<'l>(Vec<&'l str>);

/// Stands on the list for a kernel on which nothing can run.
const EVERY_CASE: &str = "*";
/// One line for each: kernel label, name of the case, reason.
const EXPECTED_SKIPS: &str = include_str!("../expected-skips.txt");

impl ExpectedSkips<'static> {
    fn of(label: &str) -> Result<Self> {
        let mut names = Vec::new();
        for line in EXPECTED_SKIPS.lines() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.split_whitespace();
            let (Some(on), Some(name), Some(_reason)) = (words.next(), words.next(), words.next())
            else {
                anyhow::bail!("expected-skips.txt: {line:?} is not `LABEL CASE REASON`");
            };
            anyhow::ensure!(
                name == EVERY_CASE
                    || selected(&Filter::default()).any(|(_, _, known)| known == name),
                "expected-skips.txt: there is no case {name}"
            );
            if on == label {
                names.push(name);
            }
        }
        Ok(Self(names))
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_skips_is_well_formed() {
        ExpectedSkips::of("host").unwrap();
    }

    #[test]
    fn names_of_cases_are_unique() {
        let mut names: Vec<String> = selected(&Filter::default())
            .map(|(_, _, name)| name)
            .collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
