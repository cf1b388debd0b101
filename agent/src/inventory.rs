//! Which files of its image each workload uses: beside the profiles, merged over instances, on disk.
//!
//! The kernel side tells of a first use, see [`lapwing_abi::inventory`]. Of a container that is not
//! decided yet uses wait, in bounds; then they go to its workload's [`Inventory`]. One that nothing
//! new came for is not held in memory.

pub mod look;

use crate::judge::store::{Store, StoreError};
use lapwing_profile::inventory::packed::{PACKED_MAX, pack, unpack};
use lapwing_profile::inventory::{Inventory, Sight};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::PathBuf;

const SECOND: u64 = 1_000_000_000;
/// Time between two times that one is stored.
const STORE_EVERY: u64 = 10 * SECOND;
/// One that is stored and that nothing came for in this time is let go, until something does.
const IDLE: u64 = 60 * SECOND;
/// Uses that wait for their container to be decided: of one, and bytes of all.
const WAITING_MAX: usize = 16_384;
const WAITING_BYTES_MAX: usize = 16 << 20;
/// How long they wait.
const WAITING_FOR: u64 = 60 * SECOND;
/// How long a container that is gone is remembered, for what is still on its way.
const GONE_FOR: u64 = 10 * SECOND;
/// Inventories in memory; more only while all of them wait to be stored.
const OPEN_MAX: usize = 64;

/// Whether it is noted which files of their images containers use: the key `inventory`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// While they learn.
    #[default]
    Learning,
    /// Never.
    Off,
}

/// A use that waits.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The file's path in the container.
    pub path: Box<[u8]>,
    /// Bits of [`lapwing_profile::inventory::uses`].
    pub how: u8,
    /// Whether it lies in the upper layer.
    pub changed: bool,
    /// When, in seconds since the Unix epoch.
    pub at: i64,
}

/// A container of which it is known where its uses go.
struct Home {
    /// Its workload, as files are named after it.
    file_name: String,
    image: String,
    /// Uses that the kernel side shed, as far as they were taken.
    shed: u64,
    /// When it was gone, since boot in nanoseconds.
    gone: Option<u64>,
}

/// An inventory in memory.
struct Open {
    known: Inventory,
    path: PathBuf,
    dirty: bool,
    stored: u64,
    touched: u64,
}

impl Open {
    /// Whether the disk has it: a thread writes, some time after it was told to.
    const fn is_stored(&self, now: u64) -> bool {
        !self.dirty && now.saturating_sub(self.stored) >= STORE_EVERY
    }
}

/// Uses of a container that is not decided.
struct Waiting {
    uses: Vec<Seen>,
    since: u64,
    /// Those that found no room.
    refused: u64,
}

/// All inventories of this node.
#[derive(Default)]
pub struct Inventories {
    open: HashMap<String, Open>,
    homes: HashMap<u64, Home>,
    waiting: HashMap<u64, Waiting>,
    waiting_bytes: usize,
}

/// A container that learns.
#[derive(Clone, Copy, Debug)]
pub struct Learner<'a> {
    /// Its cgroup.
    pub home: u64,
    /// Its workload, as files are named after it.
    pub file_name: &'a str,
    /// Its image: the digest where that is known.
    pub image: &'a str,
    /// Its id.
    pub id: &'a str,
    /// Whether it was seen from its first program on.
    pub from_start: bool,
}

impl Inventories {
    /// Whether it is known where the uses of a container go.
    #[must_use]
    pub fn has(&self, home: u64) -> bool {
        self.homes.contains_key(&home)
    }

    /// Takes in a use, or has it wait. Answers whether it is the first of a program: then what that
    /// needs to be executed is wanted.
    pub fn take(&mut self, home: u64, seen: Seen, store: &Store, now: u64) -> bool {
        if let Some(known) = self.homes.get(&home) {
            let (file_name, image) = (known.file_name.clone(), known.image.clone());
            return merge(self.opened(&file_name, store, now), &image, &seen, now);
        }
        let waiting = self.waiting.entry(home).or_insert_with(|| Waiting {
            uses: Vec::new(),
            since: now,
            refused: 0,
        });
        let bytes = size_of::<Seen>() + seen.path.len();
        if waiting.uses.len() >= WAITING_MAX || self.waiting_bytes + bytes > WAITING_BYTES_MAX {
            waiting.refused += 1;
        } else {
            self.waiting_bytes += bytes;
            waiting.uses.push(seen);
        }
        false
    }

    /// The containers of which uses wait.
    #[must_use]
    pub fn waiting(&self) -> Vec<u64> {
        self.waiting.keys().copied().collect()
    }

    /// It turned out that a container learns: what waited goes to its workload. Answers the programs that
    /// are new there.
    pub fn learns(&mut self, learner: Learner<'_>, store: &Store, now: u64) -> Vec<Box<[u8]>> {
        let Learner {
            home, file_name, ..
        } = learner;
        let mut programs = Vec::new();
        let waiting = self.withdraw(home);
        let open = self.opened(file_name, store, now);
        open.known.begin(learner.id, learner.from_start);
        open.known.image(learner.image);
        open.dirty = true;
        if let Some(waiting) = waiting {
            open.known.missing.shed += waiting.refused;
            for seen in waiting.uses {
                if merge(open, learner.image, &seen, now) {
                    programs.push(seen.path);
                }
            }
        }
        let known = Home {
            file_name: file_name.to_owned(),
            image: learner.image.to_owned(),
            shed: 0,
            gone: None,
        };
        self.homes.insert(home, known);
        programs
    }

    /// A container does not learn, or no longer.
    pub fn rests(&mut self, home: u64) {
        self.homes.remove(&home);
        self.withdraw(home);
    }

    /// A container is gone; what is on its way of it still counts.
    pub fn gone(&mut self, home: u64, now: u64) {
        if let Some(known) = self.homes.get_mut(&home) {
            known.gone = Some(now);
        }
    }

    /// The kernel side has shed so many uses of a container since it came.
    pub fn shed(&mut self, home: u64, total: u64, store: &Store, now: u64) {
        if let Some(known) = self.homes.get_mut(&home)
            && total > known.shed
        {
            let more = total - std::mem::replace(&mut known.shed, total);
            let file_name = known.file_name.clone();
            let open = self.opened(&file_name, store, now);
            open.known.missing.shed += more;
            open.dirty = true;
        }
    }

    /// It could not be looked up what a program of a container needs to be executed.
    pub fn no_loader(&mut self, home: u64, store: &Store, now: u64) {
        if let Some(known) = self.homes.get(&home) {
            let file_name = known.file_name.clone();
            let open = self.opened(&file_name, store, now);
            open.known.missing.loaders += 1;
            open.dirty = true;
        }
    }

    /// Has what changed stored, and lets go what is not needed. `offer` answers whether a text was taken.
    pub fn save(&mut self, now: u64, all: bool, mut offer: impl FnMut(PathBuf, Vec<u8>) -> bool) {
        let over = |since: u64, length: u64| now.saturating_sub(since) >= length;
        self.homes
            .retain(|_, home| home.gone.is_none_or(|gone| !over(gone, GONE_FOR)));
        let stale: Vec<u64> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| over(waiting.since, WAITING_FOR))
            .map(|(home, _)| *home)
            .collect();
        for home in stale {
            self.withdraw(home);
        }
        for open in self.open.values_mut().filter(|open| open.dirty) {
            if (all || over(open.stored, STORE_EVERY))
                && offer(open.path.clone(), pack(&open.known))
            {
                (open.dirty, open.stored) = (false, now);
            }
        }
        self.open
            .retain(|_, open| !open.is_stored(now) || !over(open.touched, IDLE));
    }

    /// The packed inventory of a workload; `None` if nothing was ever noted of it.
    ///
    /// # Errors
    /// When the stored one cannot be read.
    pub fn packed(&self, file_name: &str, store: &Store) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(open) = self.open.get(file_name) {
            return Ok(Some(pack(&open.known)));
        }
        let path = store.inventory_path(file_name);
        if path.exists() {
            store.read(&path, PACKED_MAX).map(Some)
        } else {
            Ok(None)
        }
    }

    fn withdraw(&mut self, home: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&home)?;
        let bytes: usize = { waiting.uses.iter() }
            .map(|seen| size_of::<Seen>() + seen.path.len())
            .sum();
        self.waiting_bytes -= bytes;
        Some(waiting)
    }

    /// The inventory of a workload, from the disk if need be.
    fn opened(&mut self, file_name: &str, store: &Store, now: u64) -> &mut Open {
        if !self.open.contains_key(file_name) && self.open.len() >= OPEN_MAX {
            let stored = self.open.iter().filter(|(_, open)| open.is_stored(now));
            let oldest = stored.min_by_key(|(_, open)| open.touched);
            if let Some(name) = oldest.map(|(name, _)| name.clone()) {
                self.open.remove(&name);
            }
        }
        let path = store.inventory_path(file_name);
        let open = self.open.entry(file_name.to_owned());
        open.or_insert_with(|| Open {
            known: load(&path, store),
            path,
            dirty: false,
            stored: 0,
            touched: now,
        })
    }
}

/// What is stored; begun anew, and counted, where that is none.
fn load(path: &std::path::Path, store: &Store) -> Inventory {
    if !path.exists() {
        return Inventory::default();
    }
    let found = store.read(path, PACKED_MAX).ok();
    if let Some(known) = found.as_deref().and_then(unpack) {
        return known;
    }
    let aside = store.set_aside(path);
    tracing::warn!(
        "{} is no inventory and is begun anew; {}",
        path.display(),
        match aside {
            Ok(path) => format!("it lies in {} now", path.display()),
            Err(error) => format!("it could not be set aside: {error}"),
        }
    );
    let mut known = Inventory::default();
    known.missing.begun_anew = 1;
    known
}

/// Answers whether it is the first use of a program.
fn merge(open: &mut Open, image: &str, seen: &Seen, now: u64) -> bool {
    use lapwing_profile::inventory::uses::EXEC;
    let image = open.known.image(image);
    let is_news = open.known.see(Sight {
        path: &seen.path,
        how: seen.how,
        changed: seen.changed,
        at: seen.at,
        image,
    });
    open.dirty = true;
    open.touched = now;
    is_news && seen.how & EXEC != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::store::{MODE, replace};
    use lapwing_profile::inventory::uses;

    fn seen(path: &str, how: u8) -> Seen {
        Seen {
            path: path.as_bytes().into(),
            how,
            changed: false,
            at: 1_700_000_000,
        }
    }

    fn learner(home: u64, from_start: bool) -> Learner<'static> {
        Learner {
            home,
            file_name: "w+shop",
            image: "shop@sha256:1",
            id: "c1",
            from_start,
        }
    }

    fn get(all: &Inventories, store: &Store) -> Inventory {
        unpack(&all.packed("w+shop", store).unwrap().unwrap()).unwrap()
    }

    #[test]
    fn uses_wait_for_their_container_and_outlast_the_agent() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let mut all = Inventories::default();
        assert!(!all.take(7, seen("/bin/a", uses::EXEC), &store, 1));
        assert!(!all.take(8, seen("/other", uses::OPEN), &store, 1));
        assert_eq!(all.packed("w+shop", &store).unwrap(), None);
        let programs = all.learns(learner(7, true), &store, 2);
        assert_eq!(programs, [b"/bin/a".as_slice().into()]);
        assert!(!all.take(7, seen("/lib/x", uses::OPEN), &store, 3));
        assert!(all.take(7, seen("/bin/b", uses::EXEC), &store, 3));
        assert!(!all.take(7, seen("/bin/b", uses::EXEC), &store, 4), "known");
        all.shed(7, 5, &store, 5);
        all.shed(7, 5, &store, 5);
        all.shed(7, 9, &store, 5);
        all.rests(8);
        all.save(20 * SECOND, false, |path, text| {
            replace(&path, &text, MODE).is_ok()
        });
        let known = get(&all, &store);
        assert_eq!(known.files.len(), 3);
        assert_eq!((known.missing.shed, known.instances), (9, 1));
        // The same container, met by another agent.
        let mut all = Inventories::default();
        assert_eq!(get(&all, &store), known);
        all.learns(learner(9, false), &store, 1);
        let again = get(&all, &store);
        assert_eq!(
            (
                again.instances,
                again.missing.gaps,
                again.missing.not_from_start
            ),
            (1, 1, 0)
        );
        assert_eq!(again.files, known.files);
    }

    #[test]
    fn what_is_stored_and_no_inventory_is_set_aside_and_said() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let path = store.inventory_path("w+shop");
        std::fs::write(&path, "lapwing-inventory 1 half of").unwrap();
        let mut all = Inventories::default();
        all.learns(learner(1, true), &store, 1);
        assert!(!path.exists() && folder.path().join("damaged").exists());
        let said = get(&all, &store).incomplete();
        assert!(said[0].contains("begun anew"), "{said:?}");
    }

    #[test]
    fn what_waits_is_bounded_and_ends() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let mut all = Inventories::default();
        for n in 0..WAITING_MAX + 3 {
            all.take(7, seen(&format!("/{n}"), uses::OPEN), &store, 1);
        }
        all.take(8, seen("/x", uses::OPEN), &store, 1);
        all.learns(learner(7, true), &store, 1);
        assert_eq!(get(&all, &store).missing.shed, 3);
        assert_eq!(all.waiting(), [8]);
        let offer = |path: PathBuf, text: Vec<u8>| replace(&path, &text, MODE).is_ok();
        all.save(1 + WAITING_FOR, false, offer);
        assert!(!all.open.is_empty(), "it is just being written");
        assert_eq!((all.waiting().len(), all.waiting_bytes), (0, 0));
        // It is let go when nothing comes, and taken up again when something does.
        all.save(2 * WAITING_FOR, false, offer);
        assert!(all.open.is_empty());
        all.gone(7, 2 * WAITING_FOR);
        all.take(7, seen("/last", uses::OPEN), &store, 2 * WAITING_FOR);
        assert_eq!(get(&all, &store).files.len(), WAITING_MAX + 1);
        all.save(2 * WAITING_FOR + GONE_FOR, false, offer);
        assert!(!all.has(7));
    }
}
