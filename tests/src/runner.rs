//! Runs the cases, and times them.

use crate::Tools;
use crate::agent::{Agent, Home, Mode, take_problems};
use crate::cases;
use crate::coverage;
use crate::filter::Filter;
use crate::lost::{self, Skips};
use crate::session::{Session, check_interrupt};
use crate::tally::{ExpectedSkips, Tally};
use crate::watch::Watch;
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
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
    A2,
    /// Neither trampolines nor kprobes.
    B,
}

impl Tier {
    /// The name of a tier that is not just the best, in configuration and output.
    pub fn forced(self) -> Option<&'static str> {
        match self {
            Self::Best => None,
            Self::A2 => Some("A2"),
            Self::B => Some("B"),
        }
    }
}

/// The cases of a group.
pub enum Cases {
    /// These, in order.
    These(&'static [Case]),
    /// The coverage table with the group's tier.
    Coverage,
}

/// How a case is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It ran, and all was well.
    Passed,
    /// It did not run, as expected.
    Skipped,
    /// Anything else.
    Failed,
}

impl Verdict {
    /// Of cases together: one failure is enough, and so is one that passed without any.
    pub fn of_all(all: &[Self]) -> Self {
        match () {
            () if all.contains(&Self::Failed) => Self::Failed,
            () if all.contains(&Self::Passed) => Self::Passed,
            () => Self::Skipped,
        }
    }

    /// The word for a row of hooks.
    pub const fn of_row(self) -> &'static str {
        match self {
            Self::Passed => "ok",
            Self::Skipped => "skipped",
            Self::Failed => "FAILED",
        }
    }
}

/// Cases that run with the same agent.
pub struct Group {
    /// Stands before the names of the cases.
    pub prefix: &'static str,
    /// What their shared agent may use.
    pub tier: Tier,
    /// The cases.
    pub cases: Cases,
}

/// Options of a run.
pub struct Options {
    /// The programs to use.
    pub tools: Tools,
    /// Which kernel this is.
    pub label: String,
    /// Large counts.
    pub soak: bool,
    /// Only cases whose name contains this.
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
    /// Whether the shared agent tells of repeats sooner than by default. Not while acts are done one after another: what
    /// one did again would be told during another, of which each report is looked at.
    tells_soon: bool,
    // The watch ends before its agent does.
    shared: Option<((Mode, Tier, bool), Watch, Agent)>,
    /// What the kernel skipped for the shared agent.
    skips: Skips,
}

impl Context<'_> {
    /// An agent that cases share, so that programs are not loaded anew for each.
    pub fn agent(&mut self, mode: Mode) -> Result<(&Agent, &mut Watch)> {
        let wanted = (mode, self.tier, self.tells_soon);
        let usable = match &mut self.shared {
            Some((known, _, agent)) => *known == wanted && agent.is_running(),
            None => false,
        };
        if !usable {
            self.alone();
            let mut home = Home::new(self.session, mode)?;
            if let Some(tier) = self.tier.forced() {
                home.set("tier", tier)?;
            }
            if !self.tells_soon {
                home.set("suppression", json!({}))?;
            }
            let agent = home.start()?;
            let watch = agent.watch()?;
            self.shared = Some((wanted, watch, agent));
        }
        let (_, watch, agent) = self.shared.as_mut().context("no agent")?;
        Ok((agent, watch))
    }

    /// Stops the shared agent, for cases that run their own.
    pub fn alone(&mut self) {
        self.shared = None;
        self.skips.another_agent();
    }

    /// Whether what failed is to be done again, with a new agent: the kernel skipped a program of
    /// the shared one meanwhile.
    pub fn is_excused(&mut self) -> bool {
        let shared = self.shared.as_ref();
        let excused = shared.is_some_and(|(_, _, agent)| self.skips.will_grow(agent));
        if excused {
            self.alone();
        }
        excused
    }

    /// Answers whether the shared agent tells that the kernel skipped programs, so that what comes
    /// needs a new one; or an error if it tells of another loss.
    pub fn skipped(&mut self, status: &Value) -> Result<bool> {
        self.skips.grew(status)
    }

    /// What is wrong with the agents after a case, whatever the case itself found.
    fn problems(&mut self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some((_, _, agent)) = &mut self.shared {
            // Cases that provoke losses do so with an agent of their own.
            let status = agent.status();
            let skipped = status.and_then(|status| self.skips.grew(&status));
            if let Err(error) = &skipped {
                problems.push(format!("the shared agent: {error:#}"));
            }
            if !matches!(skipped, Ok(false)) {
                // The next case starts afresh.
                self.alone();
            }
        }
        problems.extend(take_problems());
        problems
    }
}

impl Group {
    /// The whole names of its cases.
    fn names(&self) -> Vec<String> {
        let names = match self.cases {
            Cases::These(cases) => cases.iter().map(|case| case.name.to_owned()).collect(),
            Cases::Coverage => coverage::names(self.tier),
        };
        let whole = |name| format!("{}{name}", self.prefix);
        names.into_iter().map(whole).collect()
    }
}

/// The whole names of all cases.
pub fn names() -> impl Iterator<Item = String> {
    cases::ALL.iter().flat_map(Group::names)
}

/// Prints the names of the cases.
pub fn list(filter: &Filter) {
    for name in names().filter(|name| filter.takes(name)) {
        println!("{name}");
    }
}

/// Runs the cases. Answers whether everything is as it must be.
pub fn run(options: &Options) -> Result<bool> {
    let expected = ExpectedSkips::of(&options.label)?;
    anyhow::ensure!(
        !expected.nothing_can_run(),
        "expected-skips.txt says that nothing can run on {}, but here we are: take the line off",
        options.label
    );
    let session = Session::new(options.tools.clone())?;
    let mut context = Context {
        session: &session,
        label: options.label.clone(),
        soak: options.soak,
        tier: Tier::Best,
        tells_soon: true,
        shared: None,
        skips: Skips::default(),
    };
    let mut tally = Tally::new(expected);
    let selected = |name: &str| options.filter.takes(name);
    for group in cases::ALL {
        check_interrupt()?;
        context.tier = group.tier;
        context.tells_soon = matches!(group.cases, Cases::These(_));
        match group.cases {
            Cases::These(cases) => {
                for case in cases {
                    let name = format!("{}{}", group.prefix, case.name);
                    if selected(&name) {
                        check_interrupt()?;
                        let (took, outcome) = one(&mut context, case);
                        let verdict = tally.judge(&name, took, outcome);
                        for (row, _, _) in coverage::elsewhere(&name) {
                            println!("row {} base {}", row.id(), verdict.of_row());
                        }
                    }
                }
            }
            Cases::Coverage => {
                let whole = |name: &str| format!("{}{name}", group.prefix);
                coverage::run(
                    &mut context,
                    |name| selected(&whole(name)),
                    |name, took, outcome| tally.judge(&whole(name), took, outcome),
                )?;
                tally.problems(&context.problems(), "after the acts");
            }
        }
    }
    context.alone();
    tally.problems(&take_problems(), "at the end");
    println!(
        "{} passed, {} failed, {} skipped",
        tally.passed, tally.failed, tally.skipped
    );
    Ok(tally.failed == 0 && tally.passed + tally.skipped > 0)
}

/// Runs a case; again where it failed and the kernel skipped a program meanwhile. Answers its time
/// in seconds, and how it ended.
fn one(context: &mut Context<'_>, case: &Case) -> (f64, Result<Outcome>) {
    let start = Instant::now();
    let mut again = lost::AGAIN;
    let outcome = loop {
        let outcome = catch_unwind(AssertUnwindSafe(|| (case.run)(context)))
            .unwrap_or_else(|_| Err(anyhow::anyhow!("the case panicked")));
        match &outcome {
            Err(error) if again > 0 && context.is_excused() => {
                again -= 1;
                println!(
                    "again: {}, because the kernel skipped a program: {error:#}",
                    case.name
                );
            }
            _ => break outcome,
        }
    };
    let problems = context.problems();
    let outcome = match outcome {
        Ok(_) if !problems.is_empty() => Err(anyhow::anyhow!(problems.join("\n"))),
        Err(error) if !problems.is_empty() => {
            Err(anyhow::anyhow!("{error:#}\n{}", problems.join("\n")))
        }
        outcome => outcome,
    };
    (start.elapsed().as_secs_f64(), outcome)
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_cases_are_unique() {
        let mut names: Vec<String> = names().collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
