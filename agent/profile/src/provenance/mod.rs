//! Who did what an entry says, and in which versions of the image: its provenance.
//!
//! ```text
//! file: {operation: CREATE, path: /var/lib/app/x}
//!   by /usr/sbin/nginx, uid 33, in 2 of 3 versions
//! ```
//!
//! None of it is compared: an entry is what is done, not who was seen to do it. It is for whoever
//! reviews the entry, so it stands in `status` alone, and never changes what is signed.
//!
//! # What is kept
//!
//! Of each entry five sets ([`Sources`]): the executables that did it, the user ids that they had,
//! the addresses under which a named peer was contacted, the versions of the image, and the kinds of
//! mounts that its files lay on ([`mounts`], of which all are kept). Each other has a bound, and says
//! when there may have been more:
//!
//! - Executables and addresses are ids of texts, the smallest of them (a bottom-k sketch, see
//!   [`crate::evidence::sketch`]). The texts stand once in the profile, in [`texts`].
//! - User ids are their own ids. The smallest are kept, so root is never the one that is dropped.
//! - Versions are kept by their numbers ([`crate::version`]), the newest ones: what the versions of
//!   last year did helps nobody. See [`newest`].
//!
//! Each of these keeps the first so many of a total order, so joining is commutative, associative
//! and idempotent, and whatever was dropped in a part would be dropped from the whole. A set that is
//! full is the mark that there may be more: it holds one more than is shown.
//!
//! # What it costs
//!
//! Most entries of a workload have one of a few combinations of sources, so a profile keeps each
//! combination once ([`Shared`]), and an entry a pointer to it: eight bytes. In a file each has a
//! number. Nothing is done for a sighting whose source its entry has already; who takes sightings
//! remembers which of them it has told ([`Profile::attribute`] need not be asked again).
//!
//! # What it does not say
//!
//! How much was written. A class of sizes would have to be counted where bytes are written, and what is
//! hooked there costs each write 9,000 to 14,000 instructions, of files that are known as well; opens for
//! writing are what this design pays for, and writes cost nothing. The length that a file has when somebody
//! looks is none of one program's: logs and databases are written by many, for years. So a reviewer
//! is told who writes where, and not how much.
//!
//! What a program held that is not from the image is no provenance but compared: see
//! [`crate::content`].
//!
//! The sensor tells the first of an act, for each container and program that acts. The same program
//! doing the same under another user later in the life of one container is counted and not told, so
//! the user ids are those of the first times.

pub(crate) mod line;
pub mod mounts;
pub mod newest;
pub mod texts;
pub mod told;

use crate::behaviour::{Behaviour, Parent, Peer};
use crate::entry::Entry;
use crate::entry::keyed::Keyed;
use crate::evidence::sketch::Bottom;
use crate::place::Place;
use crate::profile::Profile;
use crate::version::{Remembered, Version};
use mounts::{Mount, Mounts};
use newest::Newest;
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use texts::id;

/// Executables that are kept of an entry; one less is shown.
pub const EXECUTABLES_KEPT: usize = 5;
/// User ids.
pub const UIDS_KEPT: usize = 5;
/// Addresses of a named peer.
pub const ADDRESSES_KEPT: usize = 9;

/// Who did something once, and what else was seen of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Source<'a> {
    /// The executable, in canonical text; of an exec the one that issued it. `None` if not known.
    pub executable: Option<&'a str>,
    /// User ids that it had, real and effective, in the host's numbering.
    pub uids: [u32; 2],
    /// Where a peer that goes by a name was contacted.
    pub address: Option<IpAddr>,
    /// The version of the image.
    pub version: Option<&'a Version>,
    /// What the file lay on; `None` where it is about none.
    pub mount: Option<Mount>,
}

/// The sources of one entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sources {
    executables: Bottom<EXECUTABLES_KEPT>,
    uids: Bottom<UIDS_KEPT>,
    addresses: Bottom<ADDRESSES_KEPT>,
    versions: Newest,
    mounts: Mounts,
}

impl Sources {
    /// The join of two.
    #[must_use]
    pub fn join(mut self, other: &Self) -> Self {
        self.executables.join(&other.executables);
        self.uids.join(&other.uids);
        self.addresses.join(&other.addresses);
        self.versions.join(&other.versions);
        self.mounts.join(other.mounts);
        self
    }
}

/// The sources of an entry, which it may share with others; none where nobody told.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Provenance(Option<Arc<Sources>>);

impl Provenance {
    /// The sources; `None` where nobody told.
    #[must_use]
    pub fn sources(&self) -> Option<&Sources> {
        self.0.as_deref()
    }

    fn of(sources: Sources) -> Self {
        Self((sources != Sources::default()).then(|| Arc::new(sources)))
    }

    /// The join of two. One of them where it has all of the other.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        let (Some(own), Some(others)) = (&self.0, &other.0) else {
            return if self.0.is_some() { self } else { other };
        };
        if own == others {
            return self;
        }
        let joined = own.join(others);
        if joined == **own {
            self
        } else if joined == **others {
            other
        } else {
            Self::of(joined)
        }
    }
}

/// Whether something was seen in a version of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeenIn {
    /// In this one, and in no other.
    Alone,
    /// In this one, and in others, or perhaps in others.
    WithOthers,
    /// In others.
    No,
    /// Nobody told, or who told cannot be told from others.
    Unknown,
}

/// The combinations that the entries of a profile have, each once. It says nothing of the profile, so
/// any two are equal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared {
    sets: HashSet<Arc<Sources>>,
    /// How many there were when those that nobody has any more were dropped.
    swept: usize,
}

impl PartialEq for Shared {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Shared {}

impl Shared {
    fn one(&mut self, sources: Sources) -> Provenance {
        if sources == Sources::default() {
            return Provenance::default();
        }
        if let Some(known) = self.sets.get(&sources) {
            return Provenance(Some(known.clone()));
        }
        if self.sets.len() > 2 * self.swept + 64 {
            self.sets.retain(|one| Arc::strong_count(one) > 1);
            self.swept = self.sets.len();
        }
        let one = Arc::new(sources);
        self.sets.insert(one.clone());
        Provenance(Some(one))
    }

    /// Has an entry use what others have.
    pub(crate) fn share(&mut self, provenance: &mut Provenance) {
        if let Some(sources) = provenance.sources() {
            *provenance = self.one(*sources);
        }
    }
}

impl Profile {
    /// A sighting, which the profile counts somewhere, came from a source. Answers whether it is
    /// kept: a sighting that has no place in the profile has no provenance either.
    ///
    /// The version has to be one that was noted ([`Profile::sight`]).
    pub fn attribute(&mut self, entry: &Entry, source: &Source<'_>) -> bool {
        let Some((at, place)) = self.counted_at(entry) else {
            return false;
        };
        let at = &at;
        let mut sources = Sources::default();
        // A line of a program names who executes it, unless it stands for all who do.
        let executable = source.executable.filter(|_| match &at.behaviour {
            Behaviour::Exec(exec) => exec.parent == Parent::Any,
            _ => true,
        });
        if let Some(executable) = executable {
            sources.executables.insert(id(executable));
        }
        source.uids.iter().for_each(|uid| sources.uids.insert(*uid));
        // Of a range, which of its addresses.
        let address = source.address.or(match (&entry.behaviour, &at.behaviour) {
            (Behaviour::Egress(seen), Behaviour::Egress(at)) => match seen.peer {
                Peer::Address(address) if at.range().is_some() => Some(address),
                _ => None,
            },
            _ => None,
        });
        if let Some(address) = address {
            sources.addresses.insert(id(&address.to_string()));
        }
        let number = source.version.and_then(|it| self.number_of(it));
        if let (Some(version), Some(number)) = (source.version, number) {
            sources.versions.insert(number, newest::id(version));
        }
        if let Some(mount) = source.mount {
            sources.mounts.insert(mount);
        }
        let Some(known) = self.provenance_at(&place, at) else {
            return false;
        };
        let old = known.sources().copied().unwrap_or_default();
        let new = old.join(&sources);
        if new == old {
            return true;
        }
        if let Some(executable) = executable {
            self.texts.executable(executable);
        }
        if let Some(address) = address {
            self.texts.address(address);
        }
        let new = self.shared.one(new);
        if let Some(known) = self.provenance_at(&place, at) {
            *known = new;
        }
        true
    }

    /// The entry that counts the sightings of one, and where it is.
    fn counted_at(&self, entry: &Entry) -> Option<(Entry, Place)> {
        let found = self.find(&Keyed::of(entry));
        let (own, place) = match (found.place, found.implying) {
            (Some(place), _) => (entry.clone(), place),
            (None, Some((made, place))) => (made, place?),
            (None, None) => return None,
        };
        Some((place.other().unwrap_or(own), place))
    }

    /// The versions of the image in which an entry was seen, or what counts for it; `None` where
    /// there may be others: nobody told any, one of them is not remembered or not told from another, or so many were told
    /// that some were dropped.
    #[must_use]
    pub fn all_versions_of(&self, entry: &Entry) -> Option<Vec<Remembered<'_>>> {
        let (at, _) = self.counted_at(entry)?;
        let told = self.record(&at)?.provenance.sources()?.versions;
        if told.all().is_empty() || told.is_full() {
            return None;
        }
        let remembered = self.versions();
        // Who makes an image can have its digest begin like another's: then nobody can say.
        let of = |id: &u32| {
            let mut all = (remembered.iter()).filter(|one| newest::id(one.version) == *id);
            let one = all.next().copied();
            one.filter(|_| all.next().is_none())
        };
        told.all().iter().map(|(_, id)| of(id)).collect()
    }

    /// Whether an entry, or what counts for it, was seen in a version.
    #[must_use]
    pub fn seen_in(&self, entry: &Entry, version: &Version) -> SeenIn {
        if let Some(all) = self.all_versions_of(entry) {
            let is_of = all.iter().any(|one| one.version == version);
            return match (is_of, all.len()) {
                (false, _) => SeenIn::No,
                (true, 1) => SeenIn::Alone,
                (true, _) => SeenIn::WithOthers,
            };
        }
        // Some may have been dropped; those that are kept are certain, if none is like another.
        let id = newest::id(version);
        let remembered = self.versions();
        let like = remembered
            .iter()
            .filter(|one| newest::id(one.version) == id);
        let record = self.counted_at(entry).and_then(|(at, _)| self.record(&at));
        let told = record.and_then(|record| Some(record.provenance.sources()?.versions.has(id)));
        match told == Some(true) && like.count() == 1 {
            true => SeenIn::WithOthers,
            false => SeenIn::Unknown,
        }
    }

    fn provenance_at(&mut self, place: &Place, at: &Entry) -> Option<&mut Provenance> {
        match place {
            Place::Own | Place::Pattern(_) | Place::Parentless(_) => self
                .records
                .get_mut(at)
                .map(|record| &mut record.provenance),
            Place::Learned(_) | Place::LearnedPattern(..) => self.learned.provenance_mut(at),
        }
    }

    /// Has all entries share what is the same, after a merge or a reading made them anew.
    pub(crate) fn share(&mut self) {
        let shared = &mut self.shared;
        let records = self.records.values_mut().map(|it| &mut it.provenance);
        (records.chain(self.learned.provenances_mut())).for_each(|one| shared.share(one));
    }
}
