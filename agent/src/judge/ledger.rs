//! What the kernel side was told of each behaviour, so that counts that come back find their way.
//!
//! The kernel side knows behaviours by keys that are made there and mean nothing here.
//! For each key of each container the ledger remembers what it stands for and how much
//! of its count was taken; counts only rise, so taking one twice adds nothing. Entries
//! are shared: a file that was learned with the profile, others between containers, as instances of
//! one workload do the same.

use super::episodes::Moment;
use lapwing_abi::state::{Seen, verdict};
use lapwing_profile::entry::Entry;
use lapwing_profile::entry::keyed::Keyed;
use lapwing_profile::entry::packed::Packed;
use lapwing_profile::sorted::Sorted;
use lapwing_profile::workload::Workload;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What is to be said to the kernel side of a behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// The container's cgroup.
    pub home: u64,
    /// The behaviour's key.
    pub key: u64,
    /// A [`verdict`].
    pub verdict: u64,
}

/// What a key stands for.
#[derive(Clone, Debug)]
enum What {
    File(Packed),
    Other(Arc<Entry>),
}

impl What {
    fn entry(&self) -> Entry {
        match self {
            Self::File(packed) => packed.entry(),
            Self::Other(entry) => Entry::clone(entry),
        }
    }
}

/// A behaviour of one container.
#[derive(Debug)]
struct Judged {
    what: What,
    /// How much of the count was taken.
    taken: u64,
}

/// One container.
#[derive(Debug)]
struct Account {
    workload: Workload,
    /// Whether it has a profile.
    named: bool,
    judged: Sorted<u64, Judged>,
    /// Fingerprints of the violations among them.
    fingerprints: HashMap<u64, Box<str>>,
    /// Deviations that were held back when they were looked for last.
    deviations: u64,
    /// When all counts were looked for last, since boot in nanoseconds.
    swept: u64,
    /// Whether it is compared with its profile, as the kernel side was told.
    watched: Option<bool>,
}

/// Repeats of one behaviour that were held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeats {
    /// Which.
    pub entry: Entry,
    /// Fingerprint of the violation, if it is one.
    pub fingerprint: Option<Box<str>>,
    /// How many more.
    pub count: u64,
    /// When it happened last.
    pub last: Moment,
    /// Its key.
    pub key: u64,
}

/// All containers that the kernel side holds something back of.
#[derive(Debug, Default)]
pub struct Ledger {
    accounts: HashMap<u64, Account>,
    /// Files that no profile learned.
    files: HashSet<Packed>,
    others: HashSet<Arc<Entry>>,
    /// Entries of both that were in use when it was looked last.
    used: usize,
}

impl Ledger {
    fn account(&mut self, home: u64, workload: &Workload, named: bool) -> &mut Account {
        self.accounts.entry(home).or_insert_with(|| Account {
            workload: workload.clone(),
            named,
            judged: Sorted::default(),
            fingerprints: HashMap::new(),
            deviations: 0,
            swept: 0,
            watched: None,
        })
    }

    /// Whether what was said of a container was said under another name.
    #[must_use]
    pub fn is_stale(&self, home: u64, workload: &Workload, named: bool) -> bool {
        let account = self.accounts.get(&home);
        account.is_some_and(|account| account.named != named || account.workload != *workload)
    }

    /// Notes what was said of a behaviour. `learned` is its entry as its profile keeps it.
    pub fn note(
        &mut self,
        (home, workload, named): (u64, &Workload, bool),
        key: u64,
        (entry, learned): (&Keyed<'_>, Option<Packed>),
        fingerprint: Option<&str>,
    ) {
        let what = match learned {
            Some(packed) => What::File(packed),
            None => self.shared(entry),
        };
        let account = self.account(home, workload, named);
        match account.judged.get_mut(&key) {
            Some(judged) => judged.what = what,
            None => {
                account.judged.insert(key, Judged { what, taken: 0 });
            }
        }
        match fingerprint {
            Some(fingerprint) => account.fingerprints.insert(key, fingerprint.into()),
            None => account.fingerprints.remove(&key),
        };
    }

    /// An entry that several containers may have.
    fn shared(&mut self, entry: &Keyed<'_>) -> What {
        if let Some(known) = entry.bytes().and_then(|bytes| self.files.get(bytes)) {
            return What::File(known.clone());
        }
        if let Some(packed) = entry.packed() {
            self.files.insert(packed.clone());
            return What::File(packed);
        }
        if let Some(known) = self.others.get(entry.entry()) {
            return What::Other(Arc::clone(known));
        }
        let shared = Arc::new(entry.entry().clone());
        self.others.insert(Arc::clone(&shared));
        What::Other(shared)
    }

    /// Whether the kernel side must be told that a container is compared with its profile, or is
    /// not any more.
    pub fn watch(
        &mut self,
        (home, workload, named): (u64, &Workload, bool),
        watched: bool,
    ) -> bool {
        let account = self.account(home, workload, named);
        account.watched.replace(watched) != Some(watched)
    }

    /// Whether deviations of a container were held back since this was asked last; `all` are those
    /// since the start.
    pub fn deviated(&mut self, home: u64, all: u64) -> bool {
        self.accounts
            .get_mut(&home)
            .is_some_and(|account| std::mem::replace(&mut account.deviations, all) != all)
    }

    /// Whether it is time to look for all counts of a container.
    pub fn is_due(&mut self, home: u64, now: u64, period: u64) -> bool {
        self.accounts.get_mut(&home).is_some_and(|account| {
            let due = now.saturating_sub(account.swept) >= period;
            if due {
                account.swept = now;
            }
            due
        })
    }

    /// Takes counts, and answers what is new in them. What was not judged yet is left for later.
    pub fn take(
        &mut self,
        home: u64,
        entries: &[(u64, Seen)],
        wall: impl Fn(u64) -> i64,
    ) -> Vec<Repeats> {
        let Some(account) = self.accounts.get_mut(&home) else {
            return Vec::new();
        };
        let mut repeats = Vec::new();
        for (key, seen) in entries {
            let Some(judged) = account.judged.get_mut(key) else {
                continue;
            };
            let count = seen.count.saturating_sub(judged.taken);
            if count == 0 {
                continue;
            }
            judged.taken = seen.count;
            repeats.push(Repeats {
                entry: judged.what.entry(),
                fingerprint: account.fingerprints.get(key).cloned(),
                count,
                last: Moment {
                    boot: seen.last,
                    wall: wall(seen.last),
                },
                key: *key,
            });
        }
        repeats
    }

    /// A container's workload, if anything was said of it.
    #[must_use]
    pub fn workload(&self, home: u64) -> Option<(&Workload, bool)> {
        let account = self.accounts.get(&home)?;
        Some((&account.workload, account.named))
    }

    /// The containers of a workload.
    #[must_use]
    pub fn homes(&self, workload: &Workload) -> Vec<u64> {
        let of = self.accounts.iter();
        of.filter(|(_, account)| account.workload == *workload)
            .map(|(home, _)| *home)
            .collect()
    }

    /// One entry goes, because the kernel side forgot it.
    pub fn forget(&mut self, home: u64, key: u64) {
        if let Some(account) = self.accounts.get_mut(&home) {
            account.judged.remove(&key);
            account.fingerprints.remove(&key);
        }
        self.prune();
    }

    /// A violation ended: what is counted from now on is another's, or nobody's.
    pub fn end(&mut self, home: u64, key: u64) {
        if let Some(account) = self.accounts.get_mut(&home) {
            account.fingerprints.remove(&key);
        }
    }

    /// Nothing that was said of a container holds any longer.
    pub fn clear(&mut self, home: u64) {
        self.accounts.remove(&home);
        self.prune();
    }

    /// Lets go of entries that no account has, once they are many.
    fn prune(&mut self) {
        if self.files.len() + self.others.len() > 2 * self.used + 1024 {
            self.files.retain(Packed::is_shared);
            self.files.shrink_to(2 * self.files.len());
            self.others.retain(|entry| Arc::strong_count(entry) > 1);
            self.others.shrink_to(2 * self.others.len());
            self.used = self.files.len() + self.others.len();
        }
    }

    /// Behaviours of all containers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.accounts
            .values()
            .map(|account| account.judged.len())
            .sum()
    }

    /// Behaviours of the container that has most.
    #[must_use]
    pub fn largest(&self) -> usize {
        let each = self.accounts.values().map(|account| account.judged.len());
        each.max().unwrap_or_default()
    }

    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }
}

/// What the kernel side is told where a behaviour is known or was reported.
#[must_use]
pub const fn verdict_of(is_deviation: bool) -> u64 {
    if is_deviation {
        verdict::DEVIATION
    } else {
        verdict::KNOWN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(line: &str) -> Entry {
        Entry::parse(line).unwrap()
    }

    fn workload(name: &str) -> Workload {
        Workload {
            name: name.to_owned(),
            ..Workload::default()
        }
    }

    fn seen(count: u64) -> Seen {
        Seen {
            count,
            last: 5,
            ..Seen::default()
        }
    }

    #[test]
    fn counts_are_taken_once_and_find_what_they_count() {
        let mut ledger = Ledger::default();
        let web = workload("web");
        let ls = entry("exec: {path: /bin/ls}");
        ledger.note((1, &web, true), 77, (&Keyed::of(&ls), None), Some("f"));
        let wall = |boot| boot as i64 + 1000;
        let repeats = ledger.take(1, &[(77, seen(3)), (78, seen(9))], wall);
        assert_eq!(repeats.len(), 1, "of 78 nothing was said yet");
        assert_eq!((repeats[0].count, repeats[0].last.wall), (3, 1005));
        assert_eq!(repeats[0].fingerprint.as_deref(), Some("f"));
        assert!(ledger.take(1, &[(77, seen(3))], wall).is_empty());
        assert_eq!(ledger.take(1, &[(77, seen(5))], wall)[0].count, 2);
        // What came before it was judged is not lost.
        ledger.note((1, &web, true), 78, (&Keyed::of(&ls), None), None);
        assert_eq!(ledger.take(1, &[(78, seen(9))], wall)[0].count, 9);
        assert!(ledger.take(2, &[(77, seen(9))], wall).is_empty());
    }

    #[test]
    fn entries_are_shared_and_go_with_their_containers() {
        let mut ledger = Ledger::default();
        let web = workload("web");
        for home in 1..=2 {
            for n in 0..3_000 {
                let entry = match n % 2 {
                    0 => entry(&format!("exec: {{path: /bin/{n}}}")),
                    _ => entry(&format!("file: {{operation: CREATE, path: /data/{n}}}")),
                };
                let entry = &Keyed::of(&entry);
                ledger.note((home, &web, true), n + 100, (entry, None), None);
            }
        }
        assert_eq!(
            (ledger.len(), ledger.files.len() + ledger.others.len()),
            (6_000, 3_000)
        );
        assert_eq!(ledger.homes(&web).len(), 2);
        ledger.clear(1);
        assert_eq!(
            (ledger.len(), ledger.files.len() + ledger.others.len()),
            (3_000, 3_000)
        );
        ledger.clear(2);
        ledger.clear(3);
        assert!(ledger.is_empty());
    }

    #[test]
    fn a_container_that_gets_a_name_is_stale() {
        let mut ledger = Ledger::default();
        let (unnamed, web) = (workload(""), workload("web"));
        let ls = entry("exec: {path: /bin/ls}");
        ledger.note((1, &unnamed, false), 77, (&Keyed::of(&ls), None), None);
        assert!(!ledger.is_stale(1, &unnamed, false));
        assert!(ledger.is_stale(1, &unnamed, true) && ledger.is_stale(1, &web, true));
        assert!(!ledger.is_stale(2, &web, true));
        assert!(ledger.watch((1, &unnamed, false), true));
        assert!(!ledger.watch((1, &unnamed, false), true));
        assert!(ledger.watch((1, &unnamed, false), false));
        assert!(ledger.deviated(1, 4) && !ledger.deviated(1, 4));
        assert!(ledger.is_due(1, 100, 10) && !ledger.is_due(1, 105, 10));
    }
}
