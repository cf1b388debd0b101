//! How the story is told: steps, quotes of `lapwing`, and colour where a person looks on.

use crate::session::wait_for;
use anyhow::{Context, Result};
use std::cell::Cell;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31;1";
const GREEN: &str = "32";

/// Prints the story.
pub struct Stage {
    colour: bool,
    steps: Cell<u32>,
}

impl Stage {
    /// Coloured if standard output is a terminal.
    pub fn new() -> Self {
        Self {
            colour: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
            steps: Cell::new(0),
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        match self.colour {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }

    /// Begins a step, with the command that shows it.
    pub fn step(&self, title: &str, command: &str) {
        self.steps.set(self.steps.get() + 1);
        println!();
        println!(
            "{}",
            self.paint(BOLD, &format!("{}. {title}", self.steps.get()))
        );
        if !command.is_empty() {
            println!("   {}", self.paint(DIM, &format!("$ {command}")));
        }
    }

    /// One remark.
    pub fn say(&self, text: &str) {
        println!("   {text}");
    }

    /// Something that `lapwing` printed.
    pub fn quote(&self, text: &str) {
        for line in text.lines() {
            println!("   | {line}");
        }
    }

    /// An attacker's step.
    pub fn attack(&self, what: &str, shell: &str) {
        println!(
            "   {} {}",
            self.paint(RED, &format!("> {what}:")),
            self.paint(DIM, shell)
        );
    }

    /// A line that replaces the last one on a terminal, and follows it elsewhere.
    pub fn progress(&self, text: &str) {
        match self.colour {
            true => print!("\r\x1b[K   {}", self.paint(GREEN, text)),
            false => println!("   {text}"),
        }
        let _ = std::io::stdout().flush();
    }

    /// Ends the line of [`Self::progress`].
    pub fn progress_end(&self) {
        if self.colour {
            println!();
        }
    }

    /// A row of the closing table.
    pub fn row(&self, [what, rule, by, after]: [&str; 4]) {
        println!("   {what:30}  {rule:14}  {after:>8}  {by}");
    }

    /// Prints what a command prints, as it comes.
    pub fn follow(&self, mut command: Command) -> Result<Live> {
        if self.colour {
            command.env("CLICOLOR_FORCE", "1");
        }
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {command:?}"))?;
        let output = child.stdout.take().context("no output")?;
        let lines = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&lines);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                println!("   | {line}");
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        Ok(Live {
            child,
            lines,
            reader: Some(reader),
        })
    }
}

/// A command whose output is shown live; ended when dropped.
pub struct Live {
    child: Child,
    lines: Arc<AtomicUsize>,
    reader: Option<JoinHandle<()>>,
}

impl Live {
    /// How many lines were shown.
    pub fn lines(&self) -> usize {
        self.lines.load(Ordering::Relaxed)
    }

    /// Waits a moment for more than so many lines, so that the story reads in order.
    pub fn wait_beyond(&self, lines: usize) {
        let _ = wait_for("a line", Duration::from_secs(3), || {
            Ok((self.lines() > lines).then_some(()))
        });
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}
