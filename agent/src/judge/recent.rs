//! Names of files that a pattern or another entry stands for, addresses of ranges, and programs by the
//! parents for which a line without a parent stands, as they were seen last.
//!
//! A profile keeps no record of them: that is what patterns, and such lines, are for. A candidate
//! without the pattern would report them, though, so a replay has to know them. They are kept in bounds, the
//! latest of all workloads, and it is known from when on all of them are there.

use lapwing_profile::behaviour::{Behaviour, Exec, FileChange, Peer};
use lapwing_profile::entry::Entry;
use lapwing_profile::entry::keyed::{Keyed, Plain};
use lapwing_profile::place::Found;
use lapwing_profile::replay::{Name, Times};
use lapwing_profile::workload::Workload;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;

/// Names that are kept at most.
const NAMES_MAX: usize = 8_192;
/// Bytes that they take at most, about.
const BYTES_MAX: usize = 2 << 20;

/// Those of a workload, by the keyed hashes of the entries.
type Names = HashMap<u64, (Entry, Times), BuildHasherDefault<Plain>>;

/// All of them, by workload.
pub(super) struct Recent {
    names: HashMap<Workload, Names>,
    len: usize,
    bytes: usize,
    /// From when on all are there, in nanoseconds since the Unix epoch.
    since: i64,
}

/// Bytes that one takes, about.
fn size(entry: &Entry) -> usize {
    let texts = match &entry.behaviour {
        Behaviour::File(FileChange {
            path, target, by, ..
        }) => {
            path.len() + target.as_ref().map_or(0, String::len) + by.as_ref().map_or(0, String::len)
        }
        Behaviour::Exec(Exec {
            path,
            name,
            script,
            parent,
            sha256,
            origin: _,
        }) => {
            let [name, script, sha256] = [name, script, sha256].map(Option::as_deref);
            let optional = [name, script, sha256, parent.text()];
            path.len() + optional.into_iter().flatten().map(str::len).sum::<usize>()
        }
        Behaviour::Egress(_)
        | Behaviour::Listen(_)
        | Behaviour::Dns(_)
        | Behaviour::Privilege(_) => 0,
    };
    size_of::<(u64, (Entry, Times))>() + texts
}

impl Recent {
    /// None, and from now on all.
    pub(super) fn new(now: i64) -> Self {
        Self {
            names: HashMap::new(),
            len: 0,
            bytes: 0,
            since: now,
        }
    }

    /// An entry of a workload was seen, that often and at last then. Kept is what the profile has
    /// no record of its own for.
    pub(super) fn see(
        &mut self,
        workload: &Workload,
        (keyed, found): (&Keyed<'_>, &Found),
        count: u64,
        last: i64,
    ) {
        let entry = keyed.entry();
        let has_names = match entry.behaviour {
            Behaviour::File(_) | Behaviour::Exec(_) => true,
            Behaviour::Egress(ref egress) => matches!(egress.peer, Peer::Address(_)),
            Behaviour::Listen(_) | Behaviour::Dns(_) | Behaviour::Privilege(_) => false,
        };
        if !has_names || found.names_itself() {
            return;
        }
        let times = Times {
            first: Some(last),
            last,
            count,
        };
        let known = match self.names.get_mut(workload) {
            Some(names) => names,
            None => self.names.entry(workload.clone()).or_default(),
        };
        if let Some((_, known)) = known.get_mut(&keyed.hash()) {
            known.last = known.last.max(last);
            known.count += count;
            return;
        }
        known.insert(keyed.hash(), (entry.clone(), times));
        self.len += 1;
        self.bytes += size(entry);
        if self.len > NAMES_MAX || self.bytes > BYTES_MAX {
            self.forget_half();
        }
    }

    /// Drops the older half.
    fn forget_half(&mut self) {
        let mut all: Vec<i64> = self.all().map(|(_, times)| times.last).collect();
        let middle = all.len() / 2;
        let (_, last, _) = all.select_nth_unstable(middle);
        let last = *last;
        for names in self.names.values_mut() {
            names.retain(|_, (_, times)| times.last > last);
        }
        self.names.retain(|_, names| !names.is_empty());
        self.since = self.since.max(last + 1);
        self.len = self.all().count();
        self.bytes = self.all().map(|(entry, _)| size(entry)).sum();
    }

    fn all(&self) -> impl Iterator<Item = (&Entry, &Times)> {
        let names = self.names.values().flat_map(HashMap::values);
        names.map(|(entry, times)| (entry, times))
    }

    /// Those of a workload.
    pub(super) fn of(&self, workload: &Workload) -> impl Iterator<Item = Name<'_>> {
        let names = self.names.get(workload).into_iter();
        let names = names.flat_map(HashMap::values);
        names.map(|(entry, times)| Name {
            entry,
            times: *times,
        })
    }

    /// From when on all are there, in nanoseconds since the Unix epoch.
    pub(super) const fn since(&self) -> i64 {
        self.since
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_profile::profile::{Mode, Profile};

    fn see(recent: &mut Recent, profile: &Profile, entry: &Entry, count: u64, last: i64) {
        let keyed = Keyed::of(entry);
        let found = profile.find(&keyed);
        recent.see(&profile.workload, (&keyed, &found), count, last);
    }

    fn name(number: usize) -> Entry {
        Entry::parse(&format!("file: {{operation: CREATE, path: /d/{number}}}")).unwrap()
    }

    #[test]
    fn the_latest_are_kept_and_it_is_known_since_when() {
        let workload = |name: &str| Workload {
            name: name.into(),
            ..Workload::default()
        };
        let (web, db) = (
            Profile::new(workload("web"), Mode::Monitoring),
            Profile::new(workload("db"), Mode::Monitoring),
        );
        let mut recent = Recent::new(5);
        see(&mut recent, &web, &name(0), 2, 10);
        see(&mut recent, &web, &name(0), 3, 20);
        let port = Entry::parse("listen: {protocol: TCP, port: 80}").unwrap();
        see(&mut recent, &web, &port, 1, 20);
        let of: Vec<_> = recent.of(&web.workload).collect();
        let times = Times {
            first: Some(10),
            last: 20,
            count: 5,
        };
        assert_eq!((of.len(), of[0].times, recent.since()), (1, times, 5));
        for number in 1..=NAMES_MAX {
            see(&mut recent, &db, &name(number), 1, 100 + number as i64);
        }
        assert_eq!(recent.of(&web.workload).count(), 0, "the oldest");
        let left: Vec<_> = recent.of(&db.workload).collect();
        assert_eq!(left.len(), recent.len);
        assert!((NAMES_MAX / 2 - 1..=NAMES_MAX / 2).contains(&left.len()));
        assert!(left.iter().all(|name| name.times.last >= recent.since()));
        assert_eq!(recent.since(), 100 + (NAMES_MAX - left.len()) as i64 + 1);
    }

    #[test]
    fn long_names_take_their_room() {
        let web = Profile::new(Workload::default(), Mode::Monitoring);
        let mut recent = Recent::new(0);
        for number in 0..1_000 {
            let long = "x".repeat(4_000);
            let line = match number % 2 {
                0 => format!("file: {{operation: CREATE, path: /d/{number}-{long}}}"),
                _ => format!("exec: {{path: /bin/ls, parent: /d/{number}-{long}}}"),
            };
            see(&mut recent, &web, &Entry::parse(&line).unwrap(), 1, number);
            assert!(recent.bytes <= BYTES_MAX && recent.bytes > recent.len * 4_000);
        }
        assert!(recent.len > 100 && recent.since() > 0);
    }
}
