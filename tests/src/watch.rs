//! The stream of an agent, as `lapwing watch -o json` prints it.

use crate::expect::Expect;
use crate::session::{patience, wait_for};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

/// One line of the stream.
pub struct Item {
    /// When it was read.
    pub at: Instant,
    /// The line.
    pub line: Vec<u8>,
    /// What it says; `None` if it is not JSON.
    pub value: Option<Value>,
}

/// A place in the stream. The default one is its start.
#[derive(Clone, Copy, Default)]
pub struct Mark(usize);

/// A running `lapwing watch -o json`; ended when dropped.
pub struct Watch {
    child: Child,
    items: Arc<Mutex<Vec<Item>>>,
    reader: Option<JoinHandle<()>>,
}

impl Watch {
    /// Starts the command and collects its lines.
    pub fn start(mut command: Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {command:?}"))?;
        let output = child.stdout.take().context("no output")?;
        let items = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&items);
        let reader = std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            loop {
                let mut line = Vec::new();
                match output.read_until(b'\n', &mut line) {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
                let item = Item {
                    at: Instant::now(),
                    value: serde_json::from_slice(&line).ok(),
                    line,
                };
                shared
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(item);
            }
        });
        Ok(Self {
            child,
            items,
            reader: Some(reader),
        })
    }

    /// Everything read so far.
    pub fn items(&self) -> MutexGuard<'_, Vec<Item>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place in the stream: everything read from now on comes after it.
    pub fn mark(&self) -> Mark {
        Mark(self.items().len())
    }

    /// What was read of one kind (`violation`, `behaviour`, `gap`, `heartbeat`).
    pub fn of_kind(&self, kind: &str) -> Vec<Value> {
        self.of_kind_since(kind, Mark::default())
    }

    /// What was read of one kind after a place.
    pub fn of_kind_since(&self, kind: &str, mark: Mark) -> Vec<Value> {
        self.items()
            .iter()
            .skip(mark.0)
            .filter_map(|item| item.value.as_ref()?.get(kind).cloned())
            .collect()
    }

    /// Waits for a report that is as expected, and answers it with the time it was read.
    pub fn expect(&mut self, kind: &str, what: &str, expect: &Expect) -> Result<(Value, Instant)> {
        self.expect_since(kind, what, expect, Mark::default())
    }

    /// As [`Self::expect`], among what was read after a place.
    pub fn expect_since(
        &mut self,
        kind: &str,
        what: &str,
        expect: &Expect,
        mark: Mark,
    ) -> Result<(Value, Instant)> {
        let found = wait_for(what, patience(), || {
            if let Ok(Some(status)) = self.child.try_wait() {
                bail!("`lapwing watch` ended: {status}");
            }
            Ok(self.items().iter().skip(mark.0).find_map(|item| {
                let report = item.value.as_ref()?.get(kind)?;
                expect.accepts(report).then(|| (report.clone(), item.at))
            }))
        });
        found.map_err(|error| {
            let reports = self.of_kind_since(kind, mark);
            error.context(format!(
                "{kind} of {what}: {}",
                expect.explain(reports.iter())
            ))
        })
    }

    /// Whether the command has ended, and everything that it printed was read.
    pub fn has_ended(&self) -> bool {
        (self.reader.as_ref()).is_none_or(JoinHandle::is_finished)
    }

    /// The lines that are not JSON.
    pub fn malformed(&self) -> Vec<String> {
        self.items()
            .iter()
            .filter(|item| item.value.is_none())
            .map(|item| String::from_utf8_lossy(&item.line).into_owned())
            .collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}
