//! What an agent says that it lost, and what may be done again for it.
//!
//! A kernel that preempts itself skips a program now and then (the limits in the README say when),
//! which the agent counts as `program-skipped` and tells; what comes later stands after a gap. What
//! was seen whole all the same stands. What was not may be what the program was skipped for: that is
//! done again, at most [`AGAIN`] times, and the output says so. The next case gets a new agent.
//!
//! What is limited is how often it happens in a run: more than [`TIMES`], or any other loss, is a
//! failure. How many runs of programs go each time says little: all that hit one processor for as
//! long as one task is preempted there in the wrong place. Only more than [`MOST`] are a failure too.

use crate::agent::Agent;
use crate::session::wait_for;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use std::time::Duration;

/// How often something is done again because the kernel skipped a program meanwhile.
pub const AGAIN: u32 = 2;
/// How often in a run of cases agents may tell of runs of programs that were skipped.
const TIMES: u32 = 5;
/// How many runs of programs may be skipped for one agent.
const MOST: u64 = 25;
/// How late an agent may tell: it counts what is missing at several looks, a second apart.
const TOLD: Duration = Duration::from_secs(9);

/// What the kernel skipped, as far as was looked at.
#[derive(Debug, Default)]
pub struct Skips {
    /// Runs of programs of the agent that there is.
    runs: u64,
    /// How often agents told of more.
    times: u32,
}

impl Skips {
    /// Whether a status tells of runs that were skipped, of which nobody has asked before; or an
    /// error if it tells of another loss, or there are too many.
    pub fn grew(&mut self, status: &Value) -> Result<bool> {
        let skipped = skipped(status)?;
        let grew = skipped > self.runs;
        self.runs = skipped;
        self.times += u32::from(grew);
        if grew {
            println!("the kernel skipped runs of programs: {skipped}");
        }
        ensure!(
            skipped <= MOST,
            "the kernel skipped {skipped} runs of programs, more than {MOST}"
        );
        ensure!(
            self.times <= TIMES,
            "the kernel skipped programs {} times, more than {TIMES}",
            self.times
        );
        Ok(grew)
    }

    /// What comes is of a new agent.
    pub fn another_agent(&mut self) {
        self.runs = 0;
    }

    /// As [`Self::grew`], and waits for an agent to tell so.
    pub fn will_grow(&mut self, agent: &Agent) -> bool {
        let told = wait_for("a program that was skipped", TOLD, || {
            Ok(self.grew(&agent.status()?)?.then_some(()))
        });
        told.is_ok()
    }
}

/// How many runs of programs the kernel skipped, by an agent's status; or an error that tells of
/// any other loss.
fn skipped(status: &Value) -> Result<u64> {
    let losses = &status["losses"];
    let mut skipped = 0;
    for loss in losses.as_array().context("a status without losses")? {
        if loss["reason"] != "program-skipped" {
            bail!("the agent lost records: {losses}");
        }
        let count = loss["count"].as_str().context("a loss without a count")?;
        skipped += count.parse::<u64>().context("a count of losses")?;
    }
    Ok(skipped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn status(losses: &[Value]) -> Value {
        json!({ "losses": losses })
    }

    fn skips(count: u64) -> Value {
        json!({"reason": "program-skipped", "count": count.to_string()})
    }

    #[test]
    fn each_skip_is_told_once_and_too_many_are_a_failure() {
        let mut seen = Skips::default();
        assert!(!seen.grew(&status(&[])).unwrap());
        assert!(seen.grew(&status(&[skips(MOST)])).unwrap());
        assert!(!seen.grew(&status(&[skips(MOST)])).unwrap());
        let error = seen.grew(&status(&[skips(MOST + 1)])).unwrap_err();
        assert!(error.to_string().contains("skipped 26 runs"), "{error}");
    }

    #[test]
    fn skips_of_one_agent_after_the_other_are_counted_together() {
        let mut seen = Skips::default();
        for _ in 0..TIMES {
            assert!(seen.grew(&status(&[skips(1)])).unwrap());
            assert!(!seen.grew(&status(&[skips(1)])).unwrap());
            seen.another_agent();
        }
        let error = seen.grew(&status(&[skips(1)])).unwrap_err();
        assert!(error.to_string().contains("6 times"), "{error}");
    }

    #[test]
    fn other_losses_are_not_excused() {
        let other = json!({"reason": "ring-full", "count": "1"});
        let error = Skips::default()
            .grew(&status(&[skips(1), other]))
            .unwrap_err();
        assert!(error.to_string().contains("ring-full"), "{error}");
        assert!(Skips::default().grew(&json!({})).is_err());
    }
}
