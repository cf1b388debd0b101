//! Counting instructions: a machine whose clock does.
//!
//! QEMU with `-icount shift=0` moves the guest's clocks by one nanosecond for each
//! instruction that its one processor executes, whoever it works for. Only an idle
//! processor would break that: time goes on then, to the next timer, with nothing
//! executed. So a process that takes the time nobody else wants ([`Soaker`]) keeps
//! it from being idle while something is measured, and what that process took is
//! taken off. What is left is the work of the whole machine: the workload, the
//! kernel, the agent, and their switching to and fro.

use super::machine;
use super::stage::Pipes;
use super::work::now;
use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Rounds of the counted loop: short enough to end between two ticks of the kernel.
const ROUNDS: u64 = 100_000;
const TIMES: u32 = 40;
/// Instructions that reading the clock may take.
const READING: u64 = 1_000;

/// Takes idle time until it is killed.
pub fn soak() -> Result<bool> {
    machine::run_when_idle()?;
    loop {
        machine::counted_loop(1 << 20);
    }
}

/// The process that takes idle time; it only runs while something is measured.
pub struct Soaker(Child);

impl Soaker {
    /// Starts it, stopped.
    pub fn start() -> Result<Self> {
        let child = Command::new("/proc/self/exe")
            .arg("soak")
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start the process that takes idle time")?;
        let soaker = Self(child);
        // Time for it to become what it is.
        std::thread::sleep(Duration::from_millis(50));
        soaker.signal(Signal::STOP)?;
        Ok(soaker)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill_process(Pid::from_child(&self.0), signal)?)
    }

    /// The processor time it had, in nanoseconds.
    fn taken(&self) -> Result<u64> {
        let text = fs::read_to_string(format!("/proc/{}/schedstat", self.0.id()))?;
        let first = text.split(' ').next().context("schedstat")?;
        first.parse().context("schedstat")
    }

    /// What the machine executes while `work` runs and until things have settled after it.
    pub fn measure(&self, settle: Duration, work: impl FnOnce() -> Result<()>) -> Result<u64> {
        self.signal(Signal::CONT)?;
        let (start, taken) = (now(), self.taken()?);
        let worked = work();
        std::thread::sleep(settle);
        let (end, taken_then) = (now(), self.taken()?);
        self.signal(Signal::STOP)?;
        worked?;
        Ok((end - start) - (taken_then - taken))
    }
}

impl Drop for Soaker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Makes sure that a nanosecond of this machine is an instruction, by a loop whose instructions
/// are known. Answers how many were counted for each that was executed.
pub fn check(pipes: &mut Pipes) -> Result<f64> {
    let times = pipes.times(&format!("spin {ROUNDS} {TIMES}"))?;
    let least = times.iter().copied().min().context("no times")?;
    let executed = 2 * ROUNDS;
    ensure!(
        // The kernel finds out by itself how fast the clock goes, and may be off by a thousandth.
        least >= executed - executed / 1_000 && least <= executed + executed / 1_000 + READING,
        "{executed} instructions took {least} ns: this machine's clock does not count instructions \
         (QEMU does with -icount shift=0)"
    );
    Ok(least as f64 / executed as f64)
}
