//! What a candidate would have reported of what was seen, before it goes live.
//!
//! A behaviour that was judged is counted in the kernel and does not come again as an event, so
//! there is no log of events to play. But a profile remembers of each of its entries when it was
//! seen first and last and how often, whether it was approved, refused or left undecided; these are
//! what a workload did. Of the names behind a pattern it remembers few, so whoever keeps more of
//! them gives them along ([`Name`]).
//!
//! The candidate is taken as it would be in monitoring, whatever its mode: what it does not accept,
//! it reports. A pattern of which no name is known that the candidate would report, and that is not
//! in the candidate as it is, is left open: nobody can say. So is the line of a program without a
//! parent, where the candidate knows the program under some parents: its parents are the names.
//!
//! One thing cannot be told: a peer was seen under one of its names, and by another one, or its
//! address, a candidate may know it too.

use crate::behaviour::{Behaviour, Target};
use crate::compare;
use crate::entry::Entry;
use crate::entry::keyed::Keyed;
use crate::generalise::{Names, is_wide};
use crate::learn::may_have_grace;
use crate::lineage;
use crate::place::Place;
use crate::profile::{Profile, Record};
use crate::rule::Class;
use std::collections::{BTreeMap, BTreeSet};

/// When a behaviour was seen, and how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// First seen, in nanoseconds since the Unix epoch; `None` where only the last time is known.
    pub first: Option<i64>,
    /// Last seen.
    pub last: i64,
    /// How often, since it was first seen; 0 where that is not known.
    pub count: u64,
}

/// A behaviour of which the profile has no record of its own, because a pattern or another entry
/// stands for it.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    /// What was done.
    pub entry: &'a Entry,
    /// When.
    pub times: Times,
}

/// What would have been reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// What was done.
    pub entry: Entry,
    /// The rule it falls under, and what follows from that.
    pub class: Class,
    /// When.
    pub times: Times,
    /// The nearest entry that the candidate approves.
    pub nearest: Option<String>,
    /// Whether a new version of the image may be given time for it: see [`crate::version`].
    pub has_grace: bool,
}

/// The outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// Behaviours that were looked at.
    pub seen: usize,
    /// Those that would have been reported, in the order of the file.
    pub reported: Vec<Reported>,
    /// Patterns, and lines of programs without a parent, of which nobody can say, in that order.
    pub open: Vec<Entry>,
    /// What the candidate learned from one instance alone, in that order: it accepts them, and as
    /// long as no person approves of them they are reported of all other instances.
    pub lone: Vec<Entry>,
}

impl Record {
    fn times(&self, since: Option<i64>) -> Option<Times> {
        let last = self
            .last
            .filter(|last| since.is_none_or(|since| *last >= since))?;
        Some(Times {
            first: self.first,
            last,
            count: self.count,
        })
    }
}

/// The name behind a pattern that an example of it stands for.
fn example(pattern: &Entry, text: &str) -> Entry {
    let mut entry = pattern.clone();
    if let Behaviour::File(file) = &mut entry.behaviour {
        file.pattern = false;
        match (file.operation.target(), text.split_once(" -> ")) {
            (Target::Path | Target::Words, Some((path, target))) => {
                path.clone_into(&mut file.path);
                file.target = Some(target.to_owned());
            }
            _ => text.clone_into(&mut file.path),
        }
    }
    entry
}

impl Profile {
    /// The pattern that excuses a name, or the line without a parent in which a program is counted:
    /// what stands for an entry.
    fn behind(&self, entry: &Entry) -> Option<Entry> {
        if !matches!(entry.behaviour, Behaviour::Exec(_)) {
            return self.excuses(entry);
        }
        match self.find(&Keyed::of(entry)).place? {
            Place::Parentless(line) => Some(line),
            Place::Own | Place::Learned(_) | Place::Pattern(_) | Place::LearnedPattern(..) => None,
        }
    }

    /// Takes what this profile saw to a candidate: all of it, or what was seen since a time, in
    /// nanoseconds since the Unix epoch.
    pub fn replay<'a>(
        &'a self,
        names: impl Iterator<Item = Name<'a>>,
        candidate: &Self,
        since: Option<i64>,
    ) -> Replay {
        let mut seen: BTreeMap<Entry, Times> = BTreeMap::new();
        let mut many = BTreeMap::new();
        let records = self.records.iter();
        let records = records.map(|(entry, record)| (entry.clone(), record.clone()));
        for (entry, record) in records.chain(self.learned.records()) {
            let Some(times) = record.times(since) else {
                continue;
            };
            match is_wide(&entry) || lineage::is_parentless(&entry) {
                true => drop(many.insert(entry, times)),
                // What was learned and decided of stands twice.
                false => {
                    let known = seen.entry(entry).or_insert(times);
                    *known = known.join(times);
                }
            }
        }
        for name in names {
            if since.is_none_or(|since| name.times.last >= since) {
                seen.insert(name.entry.clone(), name.times);
            }
        }
        // Once for all of them: each may stand for thousands of names.
        let refused = seen.keys().filter(|entry| !candidate.accepts(entry));
        let refused: BTreeSet<Entry> = refused.filter_map(|entry| self.behind(entry)).collect();
        let mut outcome = Replay::default();
        let mut lone = BTreeSet::new();
        for (general, times) in many {
            let is_refused = refused.contains(&general);
            if candidate.accepts(&general) {
                outcome.seen += 1;
                lone.extend(candidate.lone(&general));
            } else if lineage::is_parentless(&general) {
                if !is_refused && !candidate.knows_program(&general) {
                    // Whoever executed it.
                    seen.insert(general, times);
                    continue;
                }
                outcome.seen += 1;
                if !is_refused {
                    outcome.open.push(general);
                }
            } else {
                outcome.seen += 1;
                let refused_examples = self.examples(&general, candidate);
                if refused_examples.is_empty() && !is_refused {
                    outcome.open.push(general);
                }
                for entry in refused_examples {
                    let last = times.last;
                    seen.entry(entry).or_insert(Times {
                        last,
                        ..Times::default()
                    });
                }
            }
        }
        for (entry, times) in seen {
            outcome.seen += 1;
            if candidate.accepts(&entry) {
                lone.extend(candidate.lone(&entry));
            } else if !candidate.leaves_content_open(&entry) {
                let class = candidate.class_of(&entry);
                outcome.reported.push(Reported {
                    class,
                    has_grace: may_have_grace(&entry, class) && !candidate.is_barred(&entry),
                    nearest: compare::nearest(candidate, &entry),
                    times,
                    entry,
                });
            }
        }
        outcome.lone = lone.into_iter().collect();
        outcome
    }

    /// Names that are remembered as examples of a pattern, and that a candidate refuses.
    fn examples(&self, pattern: &Entry, candidate: &Self) -> Vec<Entry> {
        let names = self.names(pattern).into_iter();
        names
            .flat_map(Names::examples)
            .map(|text| example(pattern, text))
            .filter(|entry| !candidate.accepts(entry))
            .collect()
    }
}

impl Times {
    fn join(self, other: Self) -> Self {
        Self {
            first: match (self.first, other.first) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
            last: self.last.max(other.last),
            count: self.count.max(other.count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::By;
    use crate::learn::Sighting;
    use crate::profile::Mode;
    use crate::workload::Workload;

    const BY: By<'_> = By {
        actor: "a",
        reason: "r",
        at: 0,
    };

    fn entry(line: &str) -> Entry {
        Entry::parse(line).unwrap()
    }

    fn profile(mode: Mode) -> Profile {
        let workload = Workload {
            name: "web".into(),
            ..Workload::default()
        };
        Profile::new(workload, mode)
    }

    fn see(profile: &mut Profile, line: &str, at: i64) {
        profile.observe(&Sighting {
            entry: entry(line),
            at,
        });
    }

    fn lines(replay: &Replay) -> Vec<String> {
        let reported = replay.reported.iter();
        reported.map(|one| one.entry.to_string()).collect()
    }

    #[test]
    fn what_was_seen_and_is_not_approved_is_reported_with_its_times() {
        let mut live = profile(Mode::Learning);
        see(&mut live, "exec: {path: /bin/ls}", 10);
        see(&mut live, "exec: {path: /bin/ls}", 30);
        see(&mut live, "exec: {path: /bin/cat}", 20);
        see(&mut live, "egress: {protocol: PACKET, socket: RAW}", 25);
        // Approved, and never seen.
        live.approve(&entry("exec: {path: /bin/rm}"), BY).unwrap();
        let mut candidate = profile(Mode::Learning);
        candidate
            .approve(&entry("exec: {path: /bin/cat}"), BY)
            .unwrap();
        let replay = live.replay(std::iter::empty(), &candidate, None);
        assert_eq!(replay.seen, 3);
        assert_eq!(
            lines(&replay),
            [
                "exec: {path: /bin/ls}",
                "egress: {protocol: PACKET, socket: RAW}"
            ]
        );
        let times = Times {
            first: Some(10),
            last: 30,
            count: 2,
        };
        assert_eq!(replay.reported[0].times, times);
        assert_eq!(replay.reported[0].class.rule.id(), "exec.unknown");
        assert_eq!(replay.reported[0].nearest.as_deref(), Some("/bin/cat"));
        let late = live.replay(std::iter::empty(), &candidate, Some(26));
        assert_eq!(
            (late.seen, lines(&late)),
            (1, vec!["exec: {path: /bin/ls}".to_owned()])
        );
        // Itself reports what it left undecided.
        let own = live.replay(std::iter::empty(), &live, None);
        assert_eq!(lines(&own), ["egress: {protocol: PACKET, socket: RAW}"]);
    }

    #[test]
    fn names_behind_a_pattern_are_asked_for_and_what_nobody_knows_stays_open() {
        let mut live = profile(Mode::Learning);
        for number in 0..20 {
            let line = format!("file: {{operation: CREATE, path: /data/t-{number}}}");
            see(&mut live, &line, number);
        }
        let pattern = entry("file: {operation: CREATE, pattern: \"/data/t-{digits}\"}");
        assert!(live.accepts(&pattern), "{}", live.to_yaml());
        let none = profile(Mode::Monitoring);
        let replay = live.replay(std::iter::empty(), &none, None);
        // The examples of which it remembers.
        assert_eq!((replay.reported.len(), replay.open.len()), (3, 0));
        assert_eq!(replay.reported[0].times.count, 0);
        // With the pattern itself, nothing.
        let mut same = profile(Mode::Monitoring);
        same.approve(&pattern, BY).unwrap();
        let replay = live.replay(std::iter::empty(), &same, None);
        assert!(replay.reported.is_empty() && replay.open.is_empty());
        // Another that takes all examples: nobody knows of the rest.
        let mut other = profile(Mode::Monitoring);
        other
            .approve(
                &entry("file: {operation: CREATE, pattern: \"/data/t-*\"}"),
                BY,
            )
            .unwrap();
        let replay = live.replay(std::iter::empty(), &other, None);
        assert_eq!(
            (replay.reported.len(), &*replay.open),
            (0, &[pattern.clone()][..])
        );
        // Until somebody kept a name that it refuses.
        let name = entry("file: {operation: CREATE, path: /data/t-77}");
        other.refuse(&name, BY).unwrap();
        let times = Times {
            first: Some(1),
            last: 9,
            count: 4,
        };
        let kept = Name {
            entry: &name,
            times,
        };
        let replay = live.replay([kept].into_iter(), &other, None);
        assert_eq!(lines(&replay), [name.to_string()]);
        assert_eq!((replay.reported[0].times, replay.open.len()), (times, 0));
    }
}
