//! What a machine learned of files: names, and the patterns that came of them.
//!
//! # When names become a pattern
//!
//! All paths that one operation was seen with, in one phase, form a tree of segments. Below a folder of
//! which more than [`SIBLINGS`] names are known, [`ALIKE`] or more names of one
//! [`class`] (`temp-17.rdb` and `temp-19.rdb` are both `temp-{digits}.rdb`) become one
//! node, named by the class, in which all that stands below them is brought together;
//! what stands below is then looked at in the same way. Names of a [`unique`] class, which
//! are made anew each time (`4f7c....cache`, `access.log-20261123-101500`), need neither many
//! siblings nor five of them: such a name is never seen again, so that knowing it by itself is
//! worth nothing, and two or three are a form. They are no siblings to others. Other names stay
//! what they are. The second path of a rename or a link follows the first in the same tree.
//!
//! A name in which a process wrote its own id is a pattern from the first: see [`own_id`].
//!
//! Never generalised are the first segment of a path, what lies in a [protected] folder,
//! programs, ports, who reads credentials, and what is never learned.
//!
//! # Why the order of merging does not matter
//!
//! Let *L* be a set of names, and *T(L)* the tree that the above makes of it, from the
//! root down. Which class a name has depends on the name alone, so classes part the
//! names of a folder. Whether a class becomes a node depends on two numbers, which only
//! grow with *L*: the names of the folder that are of no unique class, and those of the class. So with more names
//! every node of *T* stays or becomes part of a wider one, and what stood below it
//! stands below that: *T(L)* accepts nothing that *T(L + M)* does not. Acceptance
//! grows.
//!
//! What is kept of *T(L)* is its leaves: names, and patterns. No name that a pattern
//! replaced has to be kept to go on from there, because both numbers can still be told:
//! a folder in which a class that is not unique has become a node had more than [`SIBLINGS`]
//! names, and has them for good; in one without, every name that counts is still there. Of a class that became
//! a node no number is asked any more; of any other every name is still there. So
//! *T(L + M)* follows from the leaves of *T(L)* and *T(M)* alone, which is what
//! [`Learned::join`] does: it puts the leaves of one into the tree of the other, names
//! into the nodes of their classes, and closes the tree under the rule. Union of sets
//! is commutative, associative and idempotent, and *T* maps it onto this join; so is the
//! join. (Keeping a sample of the replaced names, which is the usual remedy, is not
//! needed.)
//!
//! What is remembered besides is a join of its own: first seen (least), last seen and count
//! (greatest), in which samples and instances ([`crate::evidence::Evidence`], the smallest
//! hashes), and [`Names`], the smallest hashes of what a pattern replaced.
//!
//! Decisions of people are kept apart from all this (see [`crate::profile`]): they
//! say what of it is approved and take nothing out of it. If they did, a name could be
//! evidence on one node and none on another, and order would matter again.

pub(crate) mod line;
mod names;
mod own_id;
mod parts;
mod protected;
mod seen;
mod tree;
mod view;

pub use line::breadth;
pub use names::Names;
pub(crate) use own_id::{by_any_id, by_own_id};
use parts::{Shape, entry, is_wild, parts};
pub use protected::protected;

use crate::behaviour::{Behaviour, FileChange, Operation, Target};
use crate::entry::packed::{self, Packed};
use crate::entry::{Entry, Phase};
use crate::pattern::{self, AND, class, segments};
use crate::place::Change;
use crate::profile::Record;
use crate::provenance::Provenance;
use crate::rule;
use crate::sorted::{Sorted, Spot};
use seen::Seen;
use std::borrow::Borrow;
use std::collections::{BTreeMap, VecDeque};
use tree::Folder;
use view::View;

/// Names that a folder has at least one more of before any become a pattern.
pub const SIBLINGS: usize = 15;
/// Names of one class that become a pattern, where there are so many siblings.
pub const ALIKE: usize = 5;

/// Segments of the longest path that is generalised: the kernel side tells no more.
const SEGMENTS_MAX: usize = 128;

/// What is known of a name or a pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// First and last seen, how often and in what; of a pattern, all its names together.
    pub record: Record,
    /// Of a pattern: the names that it replaced.
    pub names: Option<Names>,
}

impl Known {
    fn join(&mut self, other: Self) {
        self.record = std::mem::take(&mut self.record).join(other.record);
        if let Some(names) = other.names {
            self.names.get_or_insert_default().join(&names);
        }
    }
}

/// All that was learned of files. Equal where the leaves are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learned {
    leaves: Leaves,
    trees: BTreeMap<Shape, Folder>,
    bytes: usize,
    /// Leaves that are of probes.
    probes: usize,
}

impl PartialEq for Learned {
    fn eq(&self, other: &Self) -> bool {
        self.leaves == other.leaves
    }
}

impl Eq for Learned {}

/// Whether a learned entry is one that may be generalised. What may not is kept elsewhere.
pub(crate) fn is_general(entry: &Entry) -> bool {
    let Behaviour::File(file) = &entry.behaviour else {
        return false;
    };
    let open = |path: &str| {
        let parts = segments(path).map_or(usize::MAX, Iterator::count);
        parts <= SEGMENTS_MAX && !protected(path)
    };
    entry.phase.is_learned()
        && file.operation != Operation::OpenRead
        && open(&file.path)
        && (file.operation.target() != Target::Path || file.target.as_deref().is_some_and(open))
        && rule::classify(&entry.behaviour).learnable
}

/// Says why a pattern is none that this makes.
pub(crate) fn check_made(file: &FileChange) -> Result<(), String> {
    let target = match file.operation.target() {
        Target::Path => file.target.as_deref(),
        Target::None | Target::Words => None,
    };
    for path in std::iter::once(file.path.as_str()).chain(target) {
        let first = segments(path).and_then(|mut parts| parts.next());
        if !pattern::is_typed(path) || first.is_none_or(|first| first.contains('{')) {
            return Err(format!(
                "`learned` has the pattern `{path}`, which no machine makes: approve of it in `spec`"
            ));
        }
    }
    Ok(())
}

/// Names and patterns, in the order of their entries.
type Leaves = Sorted<Packed, Seen>;

impl Learned {
    pub(crate) const fn len(&self) -> usize {
        self.leaves.len()
    }

    /// Bytes that it takes in a file at most.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many are of probes.
    pub(crate) const fn probes(&self) -> usize {
        self.probes
    }

    fn iter(&self) -> impl Iterator<Item = (Entry, &Seen)> {
        self.leaves.iter().map(|(leaf, seen)| (leaf.entry(), seen))
    }

    /// All of it, in the order of the entries.
    pub(crate) fn records(&self) -> impl Iterator<Item = (Entry, Record)> {
        self.iter().map(|(entry, seen)| (entry, seen.record()))
    }

    /// The same with the names that patterns replaced.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Entry, Known)> {
        self.iter().map(|(entry, seen)| (entry, seen.known()))
    }

    /// Its entries, in order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> {
        self.leaves.iter().map(|(leaf, _)| leaf.entry())
    }

    /// So many from an entry on, where it is a change of a file; else none.
    pub(crate) fn from(&self, entry: &Entry, most: usize) -> Vec<Entry> {
        packed::bytes(entry).map_or_else(Vec::new, |bytes| {
            let from = self.leaves.from(&*bytes).take(most);
            from.map(|(leaf, _)| leaf.entry()).collect()
        })
    }

    /// So many before an entry, the nearest first.
    pub(crate) fn before(&self, entry: &Entry, most: usize) -> Vec<Entry> {
        packed::bytes(entry).map_or_else(Vec::new, |bytes| {
            let before = self.leaves.before(&*bytes).take(most);
            before.map(|(leaf, _)| leaf.entry()).collect()
        })
    }

    fn seen(&self, entry: &Entry) -> Option<&Seen> {
        self.leaves.get(&*packed::bytes(entry)?)
    }

    /// Whether an entry was learned.
    pub(crate) fn contains(&self, entry: &Entry) -> bool {
        self.seen(entry).is_some()
    }

    /// What was seen of an entry.
    pub(crate) fn record(&self, entry: &Entry) -> Option<Record> {
        self.seen(entry).map(Seen::record)
    }

    /// The names that a pattern replaced.
    pub(crate) fn names(&self, entry: &Entry) -> Option<&Names> {
        self.seen(entry)?.names()
    }

    /// Where a leaf is.
    pub(crate) fn spot(&self, bytes: Option<&[u8]>) -> Option<Spot> {
        self.leaves.spot(bytes?)
    }

    /// A leaf, as it is kept.
    pub(crate) fn packed(&self, bytes: &[u8]) -> Option<&Packed> {
        self.leaves.get_key_value(bytes).map(|(leaf, _)| leaf)
    }

    /// The same, where it is known where it is.
    pub(crate) fn leaf(&self, spot: Spot, bytes: &[u8]) -> Option<&Packed> {
        self.leaves.get_at(spot, bytes).map(|(leaf, _)| leaf)
    }

    /// The pattern that a name belongs to by its classes, if there is one.
    pub(crate) fn pattern_of(&self, name: &Entry) -> Option<Entry> {
        let (shape, mut all) = parts(name)?;
        let view = View {
            shape: &shape,
            tree: self.trees.get(&shape)?,
            leaves: &self.leaves,
        };
        (view.classify(&mut all) == all.len()).then_some(())?;
        let found = entry(&shape, &all);
        (found != *name && self.contains(&found)).then_some(found)
    }

    /// Takes up a name, or a pattern that was made elsewhere, and closes the tree under the rule.
    /// Answers the patterns that are new.
    pub(crate) fn add(&mut self, added: &Entry, known: Known) -> Vec<Entry> {
        let Some((shape, all)) = parts(added) else {
            return Vec::new();
        };
        let mut new = Vec::new();
        let mut queue = VecDeque::from([(all, known)]);
        while let Some((mut all, mut known)) = queue.pop_front() {
            let tree = self.trees.entry(shape.clone()).or_default();
            let literal =
                (!all.iter().any(|part| is_wild(part))).then(|| names::text(&entry(&shape, &all)));
            let depth = View {
                shape: &shape,
                tree,
                leaves: &self.leaves,
            }
            .classify(&mut all);
            let created = tree.insert(&all, depth);
            let key = entry(&shape, &all);
            if let (Some(literal), true) = (literal, is_pattern(&key)) {
                known.names = Some(Names::of(&literal));
            }
            if self.put(&key, known) && is_pattern(&key) {
                new.push(key);
            }
            for class in self.view(&shape).due(&all, depth, created) {
                let through = self.view(&shape).through(&all[..depth], &class);
                if let Some(tree) = self.trees.get_mut(&shape) {
                    tree.take(&all[..depth], &class);
                }
                for mut leaf in through {
                    let old = entry(&shape, &leaf);
                    let Some(mut known) = self.take(&old) else {
                        continue;
                    };
                    new.retain(|entry| *entry != old);
                    known
                        .names
                        .get_or_insert_with(|| Names::of(&names::text(&old)));
                    leaf[depth].clone_from(&class);
                    queue.push_back((leaf, known));
                }
            }
        }
        new
    }

    fn view<'a>(&'a self, shape: &'a Shape) -> View<'a> {
        View {
            shape,
            tree: &self.trees[shape],
            leaves: &self.leaves,
        }
    }

    /// Puts a leaf in, or joins it with the one that is there. Answers whether it is new.
    fn put(&mut self, key: &Entry, known: Known) -> bool {
        let Some(packed) = Packed::of(key) else {
            return false;
        };
        let bytes: &[u8] = packed.borrow();
        match self.leaves.get_mut(bytes) {
            Some(seen) => {
                self.bytes -= weight(key, seen.names());
                let mut joined = seen.known();
                joined.join(known);
                *seen = Seen::of(joined);
                self.bytes += weight(key, seen.names());
                false
            }
            None => {
                self.bytes += weight(key, known.names.as_ref());
                self.probes += usize::from(key.phase == Phase::Probe);
                self.leaves.insert(packed, Seen::of(known));
                true
            }
        }
    }

    /// Takes a leaf out.
    fn take(&mut self, key: &Entry) -> Option<Known> {
        let seen = self.leaves.remove(&*packed::bytes(key)?)?;
        self.bytes -= weight(key, seen.names());
        self.probes -= usize::from(key.phase == Phase::Probe);
        Some(seen.known())
    }

    /// Whether a name finds room, with the pattern that may come of it.
    pub(crate) fn has_room(&self, name: &Entry, room: usize) -> bool {
        weight(name, None) <= room
    }

    /// The name at a spot was seen, or one that the pattern there stands for, and changes what is known of it.
    /// `room` is how many bytes more all may take. Answers whether it was learned at all.
    pub(crate) fn see(
        &mut self,
        (spot, leaf): (Spot, &[u8]),
        name: &Entry,
        room: usize,
        change: Change,
    ) -> bool {
        let Some(seen) = self.leaves.get_mut_at(spot, leaf) else {
            return false;
        };
        if room >= names::ONE_BYTES
            && let Some(names) = seen.names_mut()
        {
            let before = names.weight();
            if names.see(name) {
                self.bytes = self.bytes + names.weight() - before;
            }
        }
        seen.apply(change);
        true
    }

    /// Whose a leaf is.
    pub(crate) fn provenance_mut(&mut self, leaf: &Entry) -> Option<&mut Provenance> {
        let bytes = packed::bytes(leaf)?;
        self.leaves.get_mut(&*bytes).map(Seen::provenance_mut)
    }

    /// Whose all are.
    pub(crate) fn provenances(&self) -> impl Iterator<Item = &Provenance> {
        self.leaves.iter().map(|(_, seen)| seen.provenance())
    }

    /// The same, to be changed.
    pub(crate) fn provenances_mut(&mut self) -> impl Iterator<Item = &mut Provenance> {
        self.leaves.values_mut().map(Seen::provenance_mut)
    }

    /// Forgets entries.
    pub(crate) fn remove(&mut self, gone: &[Entry]) {
        if gone.is_empty() {
            return;
        }
        for entry in gone {
            self.take(entry);
        }
        for (leaf, seen) in std::mem::take(self).leaves {
            self.add(&leaf.entry(), seen.known());
        }
    }

    /// Takes in all that the other one holds.
    pub(crate) fn join(&mut self, other: &Self) {
        for (leaf, seen) in other.leaves.iter() {
            // Most is known on both sides, once they have met.
            if self.leaves.get(leaf) != Some(seen) {
                self.add(&leaf.entry(), seen.known());
            }
        }
    }
}

pub(crate) fn is_pattern(entry: &Entry) -> bool {
    matches!(&entry.behaviour, Behaviour::File(file) if file.pattern)
}

/// Whether an entry stands for others: names of files, or addresses of a range.
pub(crate) fn is_wide(entry: &Entry) -> bool {
    match &entry.behaviour {
        Behaviour::Egress(egress) => egress.range().is_some(),
        _ => is_pattern(entry),
    }
}

/// Bytes that a leaf takes in a file at most, and as part of any pattern that may come of it: so a
/// profile that has room for its names has room for its patterns.
fn weight(entry: &Entry, names: Option<&Names>) -> usize {
    let names = names.map_or(names::ONE_BYTES, Names::weight);
    let longer: usize = parts(entry).map_or(0, |(_, all)| {
        let longer = |part: &String| Some(class(part)?.len().saturating_sub(part.len()));
        all.iter().filter_map(longer).sum()
    });
    // Once in `spec`, once in `status`; and in quotes, as no pattern is plain.
    crate::file::weight(entry) + 2 * (longer + 8) + names
}

#[cfg(test)]
mod tests;
