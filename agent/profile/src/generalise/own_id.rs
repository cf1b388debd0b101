//! Names in which a process wrote its own id: `pg_internal.init.133` of the process 133.
//!
//! No other process makes that name, and another makes one of its own, so that one is enough for a
//! pattern, `pg_internal.init.{pid}`, in a folder that is visited seldom too. Nobody can tell from the name
//! alone. It is seen where the sighting is, and nowhere later: what is learned is the pattern then and not
//! the name, and it comes to the tree as one that was made elsewhere does. It is of no class, so it replaces
//! nothing, and counts as what is unique does: for itself alone. So it changes nothing about the order of
//! merging: see [`super`].
//!
//! Only the name itself, the last of a path, can be one: of folders called `shard-12` there is a set for
//! good, and some process has the id 12.

use super::parts::{entry, is_free, parts};
use super::{AND, Names, is_pattern, names};
use crate::entry::Entry;
use crate::pattern;

/// The pattern of an entry that [`is_general`], if it has the id of the process in it that was seen.
///
/// [`is_general`]: super::is_general
pub(crate) fn by_own_id(name: &Entry, pid: u32) -> Option<(Entry, Names)> {
    let (shape, mut all) = parts(name).filter(|_| !is_pattern(name))?;
    let own: Vec<(usize, String)> = ends(&all)
        .filter_map(|at| Some((at, pattern::own_id(&all[at], pid)?)))
        .collect();
    if own.is_empty() {
        return None;
    }
    own.into_iter().for_each(|(at, part)| all[at] = part);
    Some((entry(&shape, &all), Names::of(&names::text(name))))
}

/// All patterns that [`by_own_id`] makes of an entry, whichever process was seen.
pub(crate) fn by_any_id(name: &Entry) -> impl Iterator<Item = Entry> {
    let all = parts(name).map(|(_, all)| all).unwrap_or_default();
    let mut numbers: Vec<u32> = ends(&all)
        .flat_map(|at| all[at].split(|one: char| !one.is_ascii_digit()))
        .filter_map(|digits| digits.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    let made = |pid: u32| by_own_id(name, pid).map(|(pattern, _)| pattern);
    numbers.into_iter().filter_map(made)
}

/// Where the names themselves stand, without the folders that they are in.
fn ends(all: &[String]) -> impl Iterator<Item = usize> {
    let is_end = |at: &usize| all.get(at + 1).is_none_or(|next| next == AND);
    (0..all.len()).filter(move |at| is_end(at) && is_free(all, *at))
}
