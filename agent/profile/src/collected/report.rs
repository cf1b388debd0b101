//! What one node reports, as far as it was seen there.

use super::IDS;
use super::versions::Told;
use crate::behaviour::{Behaviour, Parent};
use crate::entry::Entry;
use crate::evidence::Evidence;
use crate::evidence::observed::{CLASSES, Observed, Watched};
use crate::evidence::packed::Packed;
use crate::evidence::sketch::Bottom;
use crate::evidence::window;
use crate::generalise::{Known, Names, is_wide};
use crate::profile::{Mode, Profile, Record, Verdict};
use crate::provenance::Provenance;
use crate::rule;
use crate::workload::Workload;

/// What counts of a report.
pub(super) struct Report {
    /// With samples and instances.
    pub(super) seen: Profile,
    /// With the node in their place.
    pub(super) nodes: Profile,
    /// Versions of the image.
    pub(super) versions: Told,
    /// Refusals that count on the node alone.
    pub(super) refused_there: usize,
}

/// Whose it is, and when.
#[derive(Clone, Copy)]
struct Terms {
    node: u32,
    now: i64,
}

impl Terms {
    /// The id of one of the node's instances: so many as it may have.
    fn id(self, id: u32) -> u32 {
        window::sample_id(self.node, id % IDS)
    }

    fn ids<const K: usize>(self, of: &Bottom<K>) -> Bottom<K> {
        let mut bound = Bottom::default();
        of.ids().iter().for_each(|id| bound.insert(self.id(*id)));
        bound
    }

    /// What was seen of an entry, with a verdict.
    fn seen(self, record: &Record, verdict: Verdict) -> Record {
        let evidence = record.evidence.evidence();
        Record {
            verdict,
            revision: 0,
            first: record.first.map(|at| at.min(self.now)),
            last: record.last.map(|at| at.min(self.now)),
            count: record.count,
            evidence: Packed::of(Evidence {
                instances: self.ids(&evidence.instances),
                starts: self.ids(&evidence.starts),
                samples: evidence.samples,
            }),
            provenance: record.provenance.clone(),
        }
    }

    /// The same, with the node as all that showed it. What somebody wrote and nobody saw was not shown.
    fn shown(self, record: &Record) -> Record {
        let mut evidence = Evidence::default();
        if record.first.is_some() {
            evidence.instances.insert(self.node);
        }
        Record {
            count: 0,
            evidence: Packed::of(evidence),
            provenance: Provenance::default(),
            ..record.clone()
        }
    }

    fn watched(self, watched: &Watched) -> Watched {
        let last = watched.last.min(self.now);
        let first = watched.first.min(last);
        Watched {
            node: self.node,
            first,
            last,
            watched: watched.watched.clamp(0, last.saturating_sub(first)),
            ..*watched
        }
    }
}

/// Whether a machine may have learned an entry, whatever is said of it.
fn is_learnable(entry: &Entry) -> bool {
    let is_open = match &entry.behaviour {
        // A line of what a file holds has no parent; else the machine names one.
        Behaviour::Exec(exec) => exec.parent == Parent::Any && exec.sha256.is_none(),
        // What it learned of files as patterns is told of apart.
        _ => is_wide(entry),
    };
    !is_open && entry.phase.is_learned() && rule::classify(&entry.behaviour).learnable
}

/// Whether a refusal stands for many.
fn refuses_many(entry: &Entry) -> bool {
    match &entry.behaviour {
        Behaviour::Exec(exec) => exec.parent == Parent::Any && exec.sha256.is_none(),
        _ => is_wide(entry),
    }
}

/// The latest time at which a profile says that something was seen or lost, in nanoseconds since the Unix epoch;
/// `None` where it says of none.
#[must_use]
pub fn last_said(profile: &Profile) -> Option<i64> {
    let of = |record: &Record| record.first.max(record.last);
    let records = profile.records.iter().map(|(_, record)| of(record));
    let learned = profile.learned.all();
    let learned = learned.map(|(_, known)| of(&known.record));
    let observed = &profile.observed;
    let watched = { observed.instances.values() }.map(|it| Some(it.first.max(it.last)));
    let all = records.chain(learned).chain(watched);
    all.max().flatten().max(observed.gap)
}

/// What a node reports.
pub(super) fn of(profile: &Profile, node: &str, now: i64) -> Report {
    let node = window::id(&[node.as_bytes()]);
    let terms = Terms { node, now };
    let workload = Workload {
        cluster: String::new(),
        ..profile.workload.clone()
    };
    let mut report = Report {
        seen: Profile::new(workload.clone(), Mode::Learning),
        nodes: Profile::new(workload, Mode::Learning),
        versions: Told::by(node, profile, now),
        refused_there: 0,
    };
    for (entry, record) in profile.records.iter() {
        let was_seen = record.first.is_some();
        let verdict = match record.verdict {
            Verdict::Refused if refuses_many(entry) => {
                report.refused_there += 1;
                continue;
            }
            Verdict::Refused => Verdict::Refused,
            // What somebody wrote or approved of, and did not happen here, says nothing.
            Verdict::Approved | Verdict::Pending if !was_seen => continue,
            Verdict::Approved if is_learnable(entry) => Verdict::Approved,
            Verdict::Approved | Verdict::Pending => Verdict::Pending,
        };
        report.put(entry, terms.seen(record, verdict), terms);
    }
    for (entry, known) in profile.learned.all() {
        let record = terms.seen(&known.record, Verdict::Approved);
        let own = profile.records.get(&entry);
        let taken_back = own.is_some_and(|it| it.verdict == Verdict::Pending && it.revision > 0);
        if taken_back {
            // It waits, as whoever decided there left it.
            let record = terms.seen(&known.record, Verdict::Pending);
            report.put(&entry, record, terms);
            continue;
        }
        let names = known.names.is_some().then(Names::default);
        let shown = Known {
            record: terms.shown(&record),
            names,
        };
        report.nodes.learned.add(&entry, shown);
        let known = Known {
            record,
            names: known.names,
        };
        report.seen.learned.add(&entry, known);
    }
    report.seen.texts = profile.texts.clone();
    report.seen.overflow = profile.overflow;
    report.observe(&profile.observed, terms);
    report.seen.share();
    report.seen.recount();
    report.nodes.recount();
    report
}

impl Report {
    fn put(&mut self, entry: &Entry, record: Record, terms: Terms) {
        let nodes = self.nodes.records.get_or_default(entry);
        *nodes = std::mem::take(nodes).join(terms.shown(&record));
        let seen = self.seen.records.get_or_default(entry);
        *seen = std::mem::take(seen).join(record);
    }

    fn observe(&mut self, observed: &Observed, terms: Terms) {
        let mut all: Option<Watched> = None;
        for (id, watched) in &observed.instances {
            let watched = terms.watched(watched);
            self.seen.observed.take(terms.id(*id), &watched);
            all = Some(all.map_or(watched, |all| all.join(&watched)));
        }
        // Who shows something is a node, whether it says of instances or not.
        if let Some(all) = all.or_else(|| self.unwatched(terms)) {
            self.nodes.observed.take(terms.node, &all);
        }
        self.seen.observed.gap = observed.gap.map(|at| at.min(terms.now));
    }

    /// Of a node that shows entries, and no instance of which they are; `None` where it shows none.
    fn unwatched(&self, terms: Terms) -> Option<Watched> {
        let records = self.seen.records.iter().map(|(_, record)| record.last);
        let learned = self.seen.learned.all();
        let learned = learned.map(|(_, known)| known.record.last);
        let last = records.chain(learned).max()?.unwrap_or(0);
        Some(Watched {
            node: terms.node,
            from_start: false,
            first: last,
            last,
            watched: 0,
            samples: 0,
            hours: 0,
            startup: [0; CLASSES],
            running: [0; CLASSES],
        })
    }
}
