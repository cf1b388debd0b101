//! A client of the controller that goes on from its last cursor, at whichever replica, whenever its stream ends.

use super::repeats::Stream;
use super::stage::Stage;
use crate::watch::Watch;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Time between two tries.
const AGAIN: Duration = Duration::from_millis(200);

/// The client.
#[derive(Default)]
pub struct Client {
    /// All items that it was given, without their cursors, and the number of the stream of each.
    got: Vec<(usize, Value)>,
    /// Its streams that gave something.
    pub streams: Vec<Stream>,
    watch: Option<Watch>,
    /// How much of the running stream was taken.
    taken: usize,
    /// Whether it gave something.
    is_begun: bool,
    cursor: Option<String>,
    next: Option<Instant>,
}

impl Client {
    /// Takes what came, and connects again where that is over.
    pub fn go_on(&mut self, stage: &Stage<'_>, replica: usize) -> Result<()> {
        let has_ended = self.watch.as_ref().is_none_or(Watch::has_ended);
        self.take()?;
        if !has_ended || self.next.is_some_and(|next| Instant::now() < next) {
            return Ok(());
        }
        self.end()?;
        let kinds = "violation,gap,heartbeat";
        let mut command = stage.at_controller(replica, &["watch", "-o", "json", "--kind", kinds]);
        // What is asked for of the past is owed, and may come again: the first stream begins with what is new.
        if let Some(cursor) = &self.cursor {
            command.args(["--since", cursor]);
        }
        command.stderr(stage.log("client")?);
        self.watch = Some(Watch::start(command)?);
        self.next = Some(Instant::now() + AGAIN);
        Ok(())
    }

    /// It is killed, and has what it had printed.
    pub fn kill(&mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        self.take()?;
        self.watch = None;
        self.taken = 0;
        self.is_begun = false;
        Ok(())
    }

    fn take(&mut self) -> Result<()> {
        let Some(watch) = &self.watch else {
            return Ok(());
        };
        let items = watch.items();
        for item in items.iter().skip(self.taken) {
            self.taken += 1;
            let Some(mut value) = item.value.clone() else {
                // What is cut short was given to nobody.
                let is_whole = item.line.ends_with(b"\n");
                anyhow::ensure!(!is_whole, "{:?}", String::from_utf8_lossy(&item.line));
                continue;
            };
            let cursor = value.as_object_mut().context("an item")?.remove("cursor");
            let cursor = cursor.as_ref().and_then(Value::as_str);
            let cursor = cursor.context("no cursor")?;
            match self.streams.last_mut() {
                Some(stream) if self.is_begun => stream.go_on(cursor)?,
                _ => self.streams.push(Stream::begin(cursor)?),
            }
            self.is_begun = true;
            self.cursor = Some(cursor.to_owned());
            self.got.push((self.streams.len() - 1, value));
        }
        Ok(())
    }

    /// What it was given of a kind.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.with_streams(kind).map(|(_, item)| item)
    }

    /// The same, each with the number of its stream.
    pub fn with_streams(&self, kind: &str) -> impl Iterator<Item = (usize, &Value)> {
        { self.got.iter() }.filter_map(move |(stream, item)| Some((*stream, item.get(kind)?)))
    }
}
