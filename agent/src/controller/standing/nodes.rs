//! Which nodes are heard, and which should be.
//!
//! A node whose agent has a pod is expected. While one is not heard, what the others say is not what all do: see
//! [`Hearing`]. What a node said last counts on for [`LONG`] while its agent is away, and for [`GRACE`] where it has
//! none any more: an agent that is started anew has told all of it again by then, and nothing is written of that.

use super::status::Hearing;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a node counts that has no agent any more.
pub const GRACE: Duration = Duration::from_secs(30);
/// How long one is waited for that has.
pub const LONG: Duration = Duration::from_secs(600);

/// One of them.
pub struct Node {
    /// Which connection to it is the present one, and since when.
    pub join: u64,
    joined: Instant,
    /// Whether that is there.
    is_connected: bool,
    /// Of what it told, on which connection.
    pub told: HashMap<Arc<str>, u64>,
    /// Some of that may be of earlier connections.
    has_old: bool,
    /// Whether it told all, as far as that is not forgotten.
    is_whole: bool,
    /// Its agent cannot tell.
    is_mute: bool,
    /// There is a pod of an agent for it.
    is_expected: bool,
    /// Since when no connection is there on which it told all.
    lost: Option<Instant>,
}

impl Node {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            join: 0,
            joined: now,
            is_connected: false,
            told: HashMap::new(),
            has_old: false,
            is_whole: false,
            is_mute: false,
            is_expected: false,
            lost: Some(now),
        }
    }

    /// It told all, on the present connection.
    pub const fn is_whole(&mut self) {
        (self.is_whole, self.is_mute, self.lost) = (true, false, None);
    }

    /// Forgets all it told, and answers with that.
    fn forget(&mut self) -> Vec<Arc<str>> {
        (self.is_whole, self.has_old) = (false, false);
        std::mem::take(&mut self.told).into_keys().collect()
    }

    /// Forgets what it told on earlier connections alone. Answers what that is.
    fn forget_old(&mut self) -> Vec<Arc<str>> {
        self.has_old = false;
        let old = self.told.iter().filter(|(_, of)| **of != self.join);
        let old: Vec<Arc<str>> = old.map(|(uid, _)| Arc::clone(uid)).collect();
        self.told.retain(|_, of| *of == self.join);
        old
    }

    fn is_lost_for(&self, long: Duration) -> bool {
        self.lost.is_some_and(|lost| lost.elapsed() >= long)
    }

    /// What is to be forgotten of it by now. What it told before it was started anew counts for a while: it tells all
    /// it knows at once, and knows its containers a little later.
    fn over(&mut self) -> Vec<Arc<str>> {
        let long = if self.is_expected { LONG } else { GRACE };
        if self.is_lost_for(long) {
            return self.forget();
        }
        let is_settled = self.lost.is_none() && self.joined.elapsed() >= GRACE;
        match self.has_old && is_settled {
            true => self.forget_old(),
            false => Vec::new(),
        }
    }
}

/// All of them.
#[derive(Default)]
pub struct Nodes {
    all: HashMap<Arc<str>, Node>,
    joins: u64,
}

impl Nodes {
    /// There are pods of agents for these.
    pub fn expect<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        let names: HashSet<&str> = names.collect();
        for (name, node) in &mut self.all {
            node.is_expected = names.contains(&**name);
        }
        for name in names {
            if !self.all.contains_key(name) {
                let mut node = Node::new();
                node.is_expected = true;
                self.all.insert(name.into(), node);
            }
        }
    }

    /// There is a connection to the agent of a node; answers by which number it is known.
    pub fn joined(&mut self, name: &str) -> u64 {
        self.joins += 1;
        let node = self.all.entry(name.into()).or_insert_with(Node::new);
        let now = Instant::now();
        (node.join, node.joined, node.is_connected) = (self.joins, now, true);
        node.has_old = !node.told.is_empty();
        node.lost.get_or_insert(now);
        self.joins
    }

    /// That connection ended.
    pub fn left(&mut self, name: &str, join: u64) {
        let node = self.all.get_mut(name);
        if let Some(node) = node.filter(|node| node.join == join) {
            node.is_connected = false;
            node.lost.get_or_insert_with(Instant::now);
        }
    }

    /// The agent on that connection cannot tell. Answers with what is to be forgotten.
    pub fn is_mute(&mut self, name: &str, join: u64) -> Vec<Arc<str>> {
        let node = self.all.get_mut(name).filter(|node| node.join == join);
        node.map_or_else(Vec::new, |node| {
            (node.is_mute, node.lost) = (true, None);
            node.forget()
        })
    }

    /// The one on that connection, with its name.
    pub fn on(&mut self, name: &str, join: u64) -> Option<(Arc<str>, &mut Node)> {
        let key = Arc::clone(self.all.get_key_value(name)?.0);
        let node = self.all.get_mut(&key).filter(|node| node.join == join)?;
        Some((key, node))
    }

    /// Whether a node told all it will.
    pub fn knows(&self, name: &str) -> bool {
        let node = self.all.get(name);
        node.is_some_and(|node| node.is_whole || node.is_mute)
    }

    /// How many are connected and told all.
    pub fn connected(&self) -> usize {
        let all = self.all.values();
        all.filter(|node| node.is_whole && node.lost.is_none())
            .count()
    }

    /// What of whom counts no longer by now.
    pub fn sweep(&mut self) -> Vec<(Arc<str>, Vec<Arc<str>>)> {
        let mut over = Vec::new();
        for (name, node) in &mut self.all {
            let gone = node.over();
            if !gone.is_empty() {
                over.push((Arc::clone(name), gone));
            }
        }
        self.all
            .retain(|_, node| node.is_expected || node.is_connected || !node.is_lost_for(GRACE));
        over
    }

    /// Who is heard.
    pub fn hearing(&self) -> Hearing {
        let mut hearing = Hearing::default();
        for node in self.all.values() {
            *match node {
                _ if node.is_whole => &mut hearing.heard,
                _ if node.is_lost_for(LONG) => &mut hearing.gone,
                _ if node.is_mute => &mut hearing.mute,
                _ => &mut hearing.silent,
            } += 1;
        }
        hearing
    }
}
