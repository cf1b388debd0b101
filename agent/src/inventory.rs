//! Which files of its image each workload uses: beside the profiles, merged over instances, on disk.
//!
//! The kernel side tells of a first use, see [`lapwing_abi::inventory`]. Of a container that is not
//! decided yet uses wait, in bounds; then they go to its workload's [`Inventory`]. One that nothing
//! new came for is not held in memory. What takes long, to read, pack, hash and write, [`disk`] does in
//! a thread of its own; until one is read, the uses of its containers wait as well.

pub mod disk;
pub mod look;
#[cfg(test)]
mod tests;
mod waiting;

use crate::judge::store::Store;
use disk::{Disk, Done, Job, Stored};
use lapwing_profile::inventory::{Inventory, Missing, Sight};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use waiting::Waiting;

const SECOND: u64 = 1_000_000_000;
/// Time between two times that one is stored.
const STORE_EVERY: u64 = 10 * SECOND;
/// One that is stored and that nothing came for in this time is let go, until something does.
const IDLE: u64 = 60 * SECOND;
/// How long a container that is gone is remembered, for what is still on its way.
const GONE_FOR: u64 = 10 * SECOND;
/// Bytes of all inventories in memory. What finds no room is refused, and counted.
pub const OPEN_BYTES_MAX: usize = 16 << 20;
/// How long none is read after one found no room.
const HOLD_OFF: u64 = SECOND;

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
    /// The process; 0 for none in particular.
    pub pid: u32,
}

/// A container of which it is known where its uses go.
struct Home {
    /// Its workload, as files are named after it.
    file_name: String,
    image: String,
    id: String,
    from_start: bool,
    /// Whether its inventory knows of it.
    begun: bool,
    /// Uses that the kernel side shed, as far as they were taken.
    shed: u64,
    /// What its inventory has yet to be told.
    owed: Missing,
    /// When it was gone, since boot in nanoseconds.
    gone: Option<u64>,
}

/// An inventory in memory. Its thread has it too while it writes.
struct Open {
    known: Arc<Inventory>,
    path: PathBuf,
    dirty: bool,
    /// When it was last given to be stored.
    stored: u64,
    touched: u64,
}

/// All inventories of this node.
pub struct Inventories {
    open: HashMap<String, Open>,
    /// Bytes of those.
    bytes: usize,
    bytes_max: usize,
    homes: HashMap<u64, Home>,
    waiting: Waiting,
    disk: Disk,
    /// Those that are being read.
    loading: HashSet<String>,
    /// The one that is being stored.
    saving: Option<String>,
    /// Whether storing fails.
    failing: bool,
    /// Until when none is read, since boot in nanoseconds.
    held_off: u64,
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

/// Programs that are new in an inventory, each with who runs it: what they need to be executed is wanted.
pub type Programs = Vec<Seen>;

impl Inventories {
    /// None yet. The thread calls `wake` when it is done with something.
    #[must_use]
    pub fn begin(wake: impl Fn() + Send + 'static) -> Self {
        Self {
            open: HashMap::new(),
            bytes: 0,
            bytes_max: OPEN_BYTES_MAX,
            homes: HashMap::new(),
            waiting: Waiting::default(),
            disk: Disk::begin(wake),
            loading: HashSet::new(),
            saving: None,
            failing: false,
            held_off: 0,
        }
    }

    /// Whether it is known where the uses of a container go.
    #[must_use]
    pub fn has(&self, home: u64) -> bool {
        self.homes.contains_key(&home)
    }

    /// Takes in a use, or has it wait.
    pub fn take(&mut self, home: u64, seen: Seen, store: &Store, now: u64) -> Programs {
        if let Some(known) = self.homes.get(&home)
            && known.begun
            && self.open.contains_key(&known.file_name)
        {
            let (file_name, image) = (known.file_name.clone(), known.image.clone());
            return match self.merge(&file_name, &image, &seen, now) {
                true => vec![seen],
                false => Programs::new(),
            };
        }
        self.waiting.push(home, seen, now);
        self.settle(home, store, now)
    }

    /// The containers of which uses wait, and nobody knows where they go.
    #[must_use]
    pub fn undecided(&self) -> Vec<u64> {
        let homes = self.waiting.homes();
        homes.filter(|home| !self.has(*home)).collect()
    }

    /// It turned out that a container learns: what waited goes to its workload.
    pub fn learns(&mut self, learner: Learner<'_>, store: &Store, now: u64) -> Programs {
        let known = Home {
            file_name: learner.file_name.to_owned(),
            image: learner.image.to_owned(),
            id: learner.id.to_owned(),
            from_start: learner.from_start,
            begun: false,
            shed: 0,
            owed: Missing::default(),
            gone: None,
        };
        self.homes.insert(learner.home, known);
        self.settle(learner.home, store, now)
    }

    /// A container does not learn, or no longer; what is known of it by now still counts.
    pub fn rests(&mut self, home: u64, store: &Store, now: u64) {
        // What its programs need is no longer wanted.
        let _ = self.settle(home, store, now);
        self.homes.remove(&home);
        self.waiting.withdraw(home);
    }

    /// A container is gone; what is on its way of it still counts.
    pub fn gone(&mut self, home: u64, now: u64) {
        if let Some(known) = self.homes.get_mut(&home) {
            known.gone = Some(now);
        }
    }

    /// The kernel side has shed so many uses of a container since it came.
    pub fn shed(&mut self, home: u64, total: u64) {
        if let Some(known) = self.homes.get_mut(&home)
            && total > known.shed
        {
            known.owed.shed += total - std::mem::replace(&mut known.shed, total);
        }
    }

    /// It could not be looked up what a program of a container needs to be executed.
    pub fn no_loader(&mut self, home: u64) {
        if let Some(known) = self.homes.get_mut(&home) {
            known.owed.loaders += 1;
        }
    }

    /// A container runs where the kernel cannot tell of uses.
    pub fn blind(&mut self, home: u64) {
        if let Some(known) = self.homes.get_mut(&home) {
            known.owed.blind += 1;
        }
    }

    /// Takes what the thread is done with. If that was something, or `all`, inventories are told what they
    /// have yet to know. Answers the programs that are new, with their containers.
    pub fn catch_up(&mut self, all: bool, store: &Store, now: u64) -> Vec<(u64, Seen)> {
        let mut is_due = all;
        while let Some(done) = self.disk.done() {
            self.finished(done, store, now);
            is_due = true;
        }
        match is_due {
            true => self.settle_all(store, now),
            false => Vec::new(),
        }
    }

    fn finished(&mut self, done: Done, store: &Store, now: u64) {
        match done {
            Done::Loaded { name, found } => {
                self.loading.remove(&name);
                let path = store.inventory_path(&name);
                let known = found.unwrap_or_else(|| begin_anew(&path, store));
                if !self.make_room(known.weight(), None) {
                    self.held_off = now + HOLD_OFF;
                    return;
                }
                self.insert(name, known, path, now);
            }
            Done::Saved { name, result } => {
                self.saving = None;
                let Err(error) = result else {
                    self.failing = false;
                    return;
                };
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!("an inventory of use is not stored: {error}");
                }
                if let Some(open) = self.open.get_mut(&name) {
                    open.dirty = true;
                }
            }
        }
    }

    fn insert(&mut self, name: String, known: Inventory, path: PathBuf, now: u64) {
        self.bytes += known.weight();
        let open = Open {
            // One that was begun anew has to be stored.
            dirty: known.missing.begun_anew > 0,
            known: Arc::new(known),
            path,
            stored: 0,
            touched: now,
        };
        self.open.insert(name, open);
    }

    fn settle_all(&mut self, store: &Store, now: u64) -> Vec<(u64, Seen)> {
        let due = |(home, known): (&u64, &Home)| {
            let is_due =
                !known.begun || known.owed != Missing::default() || self.waiting.has(*home);
            is_due.then_some(*home)
        };
        let homes: Vec<u64> = self.homes.iter().filter_map(due).collect();
        let mut programs = Vec::new();
        for home in homes {
            let of = self.settle(home, store, now);
            programs.extend(of.into_iter().map(|program| (home, program)));
        }
        programs
    }

    /// Tells the inventory of a container all that waits, if it is in memory; else it is read.
    fn settle(&mut self, home: u64, store: &Store, now: u64) -> Programs {
        let Some(known) = self.homes.get(&home) else {
            return Programs::new();
        };
        let (file_name, image) = (known.file_name.clone(), known.image.clone());
        if !self.is_open(&file_name, store, now) {
            return Programs::new();
        }
        let waiting = self.waiting.withdraw(home);
        let (Some(known), Some(open)) = (self.homes.get_mut(&home), self.open.get_mut(&file_name))
        else {
            return Programs::new();
        };
        let mut owed = std::mem::take(&mut known.owed);
        owed.shed += waiting.as_ref().map_or(0, |waiting| waiting.refused);
        let begins = !std::mem::replace(&mut known.begun, true);
        if begins || owed != Missing::default() {
            let inventory = Arc::make_mut(&mut open.known);
            let before = inventory.weight();
            if begins {
                inventory.begin(&known.id, known.from_start);
                inventory.image(&image);
            }
            inventory.missing.add(&owed);
            (open.dirty, open.touched) = (true, now);
            // The oldest image may have gone with its files.
            self.bytes = self.bytes - before + inventory.weight();
        }
        let uses = waiting.map(|waiting| waiting.uses).unwrap_or_default();
        let mut programs = Programs::new();
        for seen in uses {
            if self.merge(&file_name, &image, &seen, now) {
                programs.push(seen);
            }
        }
        programs
    }

    /// Answers whether it is the first use of a program.
    fn merge(&mut self, file_name: &str, image: &str, seen: &Seen, now: u64) -> bool {
        use lapwing_profile::inventory::uses::EXEC;
        let needs = Inventory::weight_of(&seen.path);
        let has_room = self.bytes + needs <= self.bytes_max
            || { self.open.get(file_name) }
                .is_some_and(|open| open.known.files.contains_key(&seen.path))
            || self.make_room(needs, Some(file_name));
        let Some(open) = self.open.get_mut(file_name) else {
            return false;
        };
        (open.dirty, open.touched) = (true, now);
        let inventory = Arc::make_mut(&mut open.known);
        if !has_room {
            inventory.missing.no_room += 1;
            return false;
        }
        let before = inventory.weight();
        let image = inventory.image(image);
        let is_news = inventory.see(Sight {
            path: &seen.path,
            how: seen.how,
            changed: seen.changed,
            at: seen.at,
            image,
        });
        self.bytes = self.bytes - before + inventory.weight();
        is_news && seen.how & EXEC != 0
    }

    /// Has what changed stored, one at a time, and lets go what is not needed.
    pub fn save(&mut self, now: u64) {
        let over = |since: u64, length: u64| now.saturating_sub(since) >= length;
        self.homes
            .retain(|_, home| home.gone.is_none_or(|gone| !over(gone, GONE_FOR)));
        for (home, waiting) in self.waiting.withdraw_stale(now) {
            if let Some(known) = self.homes.get_mut(&home) {
                known.owed.no_room += waiting.uses.len() as u64 + waiting.refused;
            }
        }
        if self.saving.is_none() {
            let due = self.open.iter_mut();
            let due = due.filter(|(_, open)| open.dirty && over(open.stored, STORE_EVERY));
            if let Some((name, open)) = due.min_by_key(|(_, open)| open.stored) {
                open.stored = now;
                let job = Job::Save {
                    name: name.clone(),
                    path: open.path.clone(),
                    known: Arc::clone(&open.known),
                };
                if self.disk.ask(job) {
                    open.dirty = false;
                    self.saving = Some(name.clone());
                }
            }
        }
        let idle = self.open.iter();
        let idle =
            idle.filter(|(name, open)| self.is_stored(name, open) && over(open.touched, IDLE));
        let idle: Vec<String> = idle.map(|(name, _)| name.clone()).collect();
        for name in idle {
            self.let_go(&name);
        }
    }

    /// Nothing more comes: stores all that changed.
    pub fn finish(&mut self, store: &Store, now: u64) {
        for done in self.disk.end() {
            self.finished(done, store, now);
        }
        // What has yet to be read is read here, for the thread is gone.
        self.settle_all(store, now);
        for open in self.open.values_mut().filter(|open| open.dirty) {
            match self.disk.write(&open.path, &open.known) {
                Ok(()) => open.dirty = false,
                Err(error) => tracing::error!("an inventory of use is lost: {error}"),
            }
        }
    }

    /// The inventory of a workload, which [`Stored::pack`] makes to bytes elsewhere.
    #[must_use]
    pub fn stored(&self, file_name: &str, store: &Store) -> Stored {
        match self.open.get(file_name) {
            Some(open) => Stored::Open(Arc::clone(&open.known)),
            None => Stored::Disk(store.inventory_path(file_name)),
        }
    }

    /// Whether the disk has it.
    fn is_stored(&self, name: &str, open: &Open) -> bool {
        !open.dirty && self.saving.as_deref() != Some(name)
    }

    fn let_go(&mut self, name: &str) {
        if let Some(open) = self.open.remove(name) {
            self.bytes -= open.known.weight();
        }
    }

    /// Lets those go that are stored, the oldest first, until there is room. Answers whether there is.
    fn make_room(&mut self, needs: usize, but: Option<&str>) -> bool {
        while self.bytes + needs > self.bytes_max {
            let stored = self.open.iter();
            let stored = stored
                .filter(|(name, open)| Some(name.as_str()) != but && self.is_stored(name, open));
            let oldest = stored.min_by_key(|(_, open)| open.touched);
            let Some(name) = oldest.map(|(name, _)| name.clone()) else {
                return false;
            };
            self.let_go(&name);
        }
        true
    }

    /// Whether the inventory of a workload is in memory; if not, it is asked for.
    fn is_open(&mut self, file_name: &str, store: &Store, now: u64) -> bool {
        if self.open.contains_key(file_name) {
            return true;
        }
        if self.loading.contains(file_name) || now < self.held_off {
            return false;
        }
        let path = store.inventory_path(file_name);
        if !path.exists() {
            let known = Inventory::default();
            if !self.make_room(known.weight(), None) {
                self.held_off = now + HOLD_OFF;
                return false;
            }
            self.insert(file_name.to_owned(), known, path, now);
            return true;
        }
        if self.disk.is_ended() {
            let (name, found) = (file_name.to_owned(), disk::load(&path));
            self.finished(Done::Loaded { name, found }, store, now);
            return self.open.contains_key(file_name);
        }
        let name = file_name.to_owned();
        if self.disk.ask(Job::Load { name, path }) {
            self.loading.insert(file_name.to_owned());
        }
        false
    }
}

/// What is stored is no inventory.
fn begin_anew(path: &Path, store: &Store) -> Inventory {
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
