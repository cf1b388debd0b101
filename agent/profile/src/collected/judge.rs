//! Whether what was brought together is enough, and what of it is confirmed.

use super::Collected;
use crate::entry::Entry;
use crate::evidence::conditions::Unmet;
use crate::evidence::settings::Settings;
use crate::profile::{Mode, Profile, Record, Verdict};

/// Nodes, or instances, that have to have been observed where so many run.
const OBSERVED_MAX: u32 = 3;

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// When learning is over; of the instances it is said by [`Running`].
    pub settings: Settings,
    /// How many nodes have to have shown an entry that most did not, where three or more run the workload; of
    /// two both have to, unless this is 1.
    pub quorum: u32,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            quorum: 2,
        }
    }
}

/// What runs now, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// Nodes that run the workload.
    pub nodes: u32,
    /// Instances on all of them.
    pub instances: u32,
}

/// What comes of it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What is confirmed, as approved, in review where the evidence is complete; all else that was seen
    /// waits for a decision.
    pub profile: Profile,
    /// What is missing, each as a sentence with its numbers; nothing where learning is over.
    pub unmet: Vec<String>,
    /// What speaks for it, where nothing is missing.
    pub reason: String,
    /// What would be approved and is not confirmed.
    pub unconfirmed: Vec<Entry>,
    /// Nodes that showed something.
    pub nodes: u64,
    /// Instances that were observed.
    pub instances: u64,
    /// The lowest coverage of a class; `None` where nothing was sampled twice.
    pub coverage: Option<f64>,
}

impl Judged {
    /// Whether learning is over.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.unmet.is_empty()
    }
}

impl Collected {
    /// What comes of it so far.
    #[must_use]
    pub fn judge(&self, terms: &Terms, running: Running) -> Judged {
        let mut profile = self.seen.clone();
        profile.versions = self.versions.confirmed(self.nodes(), terms);
        let unconfirmed: Vec<Entry> = { profile.approved() }
            .map(|(entry, _)| entry)
            .filter(|entry| !self.is_confirmed(entry, terms))
            .collect();
        profile.withhold(&unconfirmed);
        let mut settings = terms.settings;
        let nodes = self.nodes();
        // Of several nodes each counts once, however many instances it reports. Nodes that are gone were some.
        let known = u32::try_from(nodes).unwrap_or(u32::MAX);
        let wanted_nodes = match running.nodes.max(known) {
            0 | 1 => 0,
            several => several.min(OBSERVED_MAX),
        };
        settings.instances = settings
            .instances
            .max(running.instances.min(OBSERVED_MAX))
            .max(1);
        let progress = profile.progress(&settings);
        let is_of_instances = |unmet: &Unmet| matches!(unmet, Unmet::Instances { .. });
        let mut unmet: Vec<String> = { progress.unmet.iter() }
            .filter(|unmet| wanted_nodes == 0 || !is_of_instances(unmet))
            .map(ToString::to_string)
            .collect();
        if nodes < u64::from(wanted_nodes) {
            unmet.push(format!(
                "seen on {nodes} of the {} nodes that run it; needs {wanted_nodes}",
                running.nodes
            ));
        }
        if profile.is_empty() {
            unmet.push("nothing was seen yet".to_owned());
        }
        if unmet.is_empty() {
            profile.mode = Mode::Review;
        }
        let coverage = { progress.classes.iter() }.filter_map(|class| class.sampled.coverage());
        Judged {
            reason: progress.reason(),
            unmet,
            unconfirmed,
            nodes,
            instances: progress.instances,
            coverage: coverage.reduce(f64::min),
            profile,
        }
    }

    /// Whether enough showed an entry: of three nodes or more most, or a quorum of them; of two both, as
    /// instances are what a node says. Where one node alone tells of the workload nobody can say otherwise: more
    /// than one instance of several.
    fn is_confirmed(&self, entry: &Entry, terms: &Terms) -> bool {
        match self.nodes() {
            2 if terms.quorum > 1 => self.shown(entry) >= 2,
            0..=2 => !self.seen.is_lone(entry),
            _ => {
                let spread = self.nodes.spread(entry);
                spread.is_some_and(|it| !it.is_minority() || it.shown >= u64::from(terms.quorum))
            }
        }
    }

    /// Nodes that showed an entry, of the few that are remembered.
    fn shown(&self, entry: &Entry) -> usize {
        let record = self.nodes.record(entry);
        record.map_or(0, |record| record.evidence.evidence().instances.len())
    }
}

impl Profile {
    /// Has learned entries wait for a decision.
    fn withhold(&mut self, entries: &[Entry]) {
        if entries.is_empty() {
            return;
        }
        let known: Vec<Record> = entries
            .iter()
            .map(|entry| self.record(entry).unwrap_or_default())
            .collect();
        self.learned.remove(entries);
        for (entry, known) in entries.iter().zip(known) {
            let record = Record {
                verdict: Verdict::Pending,
                ..known
            };
            self.records.insert(entry.clone(), record);
        }
        self.recount();
    }
}
