//! A program that is killed at any time, and comes back.

use crate::expect::now;
use anyhow::{Context as _, Result, bail};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// One life of it; times are in seconds since the epoch.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    /// When it was started.
    pub begun: f64,
    /// When it was seen to answer.
    pub ready: Option<f64>,
    /// When it was killed.
    pub ended: Option<f64>,
}

/// The program.
pub struct Process {
    /// What it is called here.
    pub name: String,
    /// When it comes back, if it is away.
    pub back: Option<Instant>,
    /// All its lives.
    pub lives: Vec<Life>,
    log: PathBuf,
    child: Option<Child>,
}

impl Process {
    /// One that does not run yet, and whose output goes behind what a file holds.
    pub fn new(name: &str, log: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            back: None,
            lives: Vec::new(),
            log,
            child: None,
        }
    }

    /// Starts it.
    pub fn start(&mut self, mut command: Command) -> Result<()> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        command.stdin(Stdio::null());
        command.stdout(log.try_clone()?).stderr(log);
        let child = command.spawn();
        self.child = Some(child.with_context(|| format!("cannot run {command:?}"))?);
        self.back = None;
        self.lives.push(Life {
            begun: now(),
            ready: None,
            ended: None,
        });
        Ok(())
    }

    /// Kills it, to come back at a time.
    pub fn kill(&mut self, back: Instant) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            if let Some(life) = self.lives.last_mut() {
                life.ended = Some(now());
            }
            child.kill()?;
            child.wait()?;
        }
        self.back = Some(back);
        Ok(())
    }

    /// Whether it runs; one that ended by itself is an error.
    pub fn is_up(&mut self) -> Result<bool> {
        let Some(child) = &mut self.child else {
            return Ok(false);
        };
        if let Some(status) = child.try_wait()? {
            bail!("{} ended with {status}: {}", self.name, self.last_words());
        }
        Ok(true)
    }

    /// It was seen to answer.
    pub fn answers(&mut self) {
        if let Some(life) = self.lives.last_mut() {
            life.ready.get_or_insert_with(now);
        }
    }

    /// Whether it was seen to answer in this life.
    pub fn is_ready(&self) -> bool {
        self.child.is_some() && self.lives.last().is_some_and(|life| life.ready.is_some())
    }

    /// Whether a time lies where it did not answer, or so many seconds after.
    pub fn was_down(&self, at: f64, after: f64) -> bool {
        let mut from = f64::MIN;
        for life in &self.lives {
            if (from..life.ready.unwrap_or(f64::MAX) + after).contains(&at) {
                return true;
            }
            from = life.ended.unwrap_or(f64::MAX);
        }
        at >= from
    }

    /// How its log ends.
    pub fn last_words(&self) -> String {
        const LINES: usize = 12;
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }

    /// Its log.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
