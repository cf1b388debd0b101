//! A workload, as long as this replica leads.

use super::object::{Beside, Written};
use lapwing_profile::collected::{Collected, Judged, Running, Terms};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What comes of a workload, how many instances run, and its BehaviorProfile.
pub type Told = (Judged, u32, Option<String>);

/// What failed, and is tried again.
#[derive(Clone, Debug)]
pub struct Failing {
    /// How long it is waited after the last try.
    pub wait: Duration,
    /// What was said of it.
    pub told: String,
    /// Whether it is because of its namespace, which ends or is gone: then nothing is wrong.
    pub is_of_namespace: bool,
}

impl Failing {
    /// After another failure, twice as long each time; and whether what it says is news.
    pub fn again(before: Option<&Self>, text: &str, [first, most]: [Duration; 2]) -> (Self, bool) {
        let wait = before.map_or(first, |before| before.wait.saturating_mul(2));
        let failing = Self {
            wait: wait.min(most.max(first)),
            told: text.to_owned(),
            is_of_namespace: false,
        };
        (failing, before.is_none_or(|before| before.told != text))
    }
}

/// What became of making a BehaviorProfile without a person.
#[derive(Clone, Debug, Default)]
pub enum Promotion {
    /// Nothing yet.
    #[default]
    Untried,
    /// It failed, then.
    Failed(Failing, Instant),
    /// There is nothing more to try.
    Over,
}

/// A workload.
#[derive(Debug)]
pub struct One {
    pub collected: Arc<Collected>,
    /// Instances that run, by node, as the agents that are connected say.
    pub running: BTreeMap<String, u32>,
    pub beside: Beside,
    /// Since when something is not written.
    pub dirty: Option<Instant>,
    /// Whether it may be news.
    pub may_be_news: bool,
    /// What the object says; none where there is none.
    pub written: Option<Arc<Written>>,
    /// When it was written last, or that failed.
    pub tried: Option<Instant>,
    /// What failed, if the last try did.
    pub failing: Option<Failing>,
    /// Whether a node went that told of it, since it was written.
    pub parted: bool,
    pub promotion: Promotion,
    pub bytes: usize,
    /// Of these, what the reports of which node added.
    pub charged: BTreeMap<String, usize>,
    /// The node that told first of it, unless an object did.
    pub brought: Option<String>,
}

/// One at a moment: judging it takes its time.
#[derive(Debug)]
pub struct Snapshot {
    pub collected: Arc<Collected>,
    running: Running,
    pub beside: Beside,
}

impl One {
    pub fn new(collected: Collected) -> Self {
        Self {
            collected: Arc::new(collected),
            running: BTreeMap::new(),
            beside: Beside::default(),
            dirty: None,
            may_be_news: false,
            written: None,
            tried: None,
            failing: None,
            parted: false,
            promotion: Promotion::default(),
            bytes: 0,
            charged: BTreeMap::new(),
            brought: None,
        }
    }

    /// Whether an instance of it runs, as far as agents that are connected say.
    pub fn runs(&self) -> bool {
        self.running.values().any(|instances| *instances > 0)
    }

    pub fn touch(&mut self, may_be_news: bool) {
        self.dirty.get_or_insert_with(Instant::now);
        self.may_be_news |= may_be_news;
    }

    pub fn snapshot(&self) -> Snapshot {
        let runs = self.running.values().filter(|instances| **instances > 0);
        Snapshot {
            collected: Arc::clone(&self.collected),
            running: Running {
                nodes: runs.clone().count() as u32,
                instances: runs.fold(0, |all, one| all.saturating_add(*one)),
            },
            beside: self.beside.clone(),
        }
    }

    /// Its BehaviorProfile is this one. What somebody deletes is not made again.
    pub fn promoted(&mut self, name: Option<&String>) {
        if self.beside.promoted.as_ref() == name {
            return;
        }
        if name.is_none() {
            self.promotion = Promotion::Over;
        }
        self.beside.promoted = name.cloned();
        self.touch(true);
    }
}

impl Snapshot {
    pub fn judge(&self, terms: &Terms) -> Judged {
        self.collected.judge(terms, self.running)
    }

    pub fn told(self, terms: &Terms) -> Told {
        let judged = self.judge(terms);
        (judged, self.running.instances, self.beside.promoted)
    }
}
