//! The provenance of an entry as people and programs read it.

use super::mounts::Mounts;
use super::{Sources, newest};
use crate::entry::Entry;
use crate::evidence::sketch::Bottom;
use crate::profile::Profile;
use std::fmt;

/// Some of what was seen, and whether there was more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Few<T> {
    /// What is kept.
    pub all: Vec<T>,
    /// Whether there was more.
    pub more: bool,
}

impl<T> Few<T> {
    fn of<const K: usize>(kept: &Bottom<K>, text: impl FnMut(u32) -> T) -> Self {
        // One more is kept than is shown: a full set may have dropped others.
        let shown = kept.ids().iter().copied().take(K - 1);
        Self {
            all: shown.map(text).collect(),
            more: kept.is_full(),
        }
    }

    fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

/// In how many versions of the image something was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Those that showed it; where [`Self::more`], of the newest alone.
    pub shown: usize,
    /// Versions that the profile remembers.
    pub of: usize,
    /// Whether older ones may have shown it too.
    pub more: bool,
    /// Whether the newest that the profile remembers did. Known to be false only where not
    /// [`Self::more`].
    pub newest: bool,
}

/// Who did what an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Executables; an id where the path found no room.
    pub executables: Few<String>,
    /// User ids, real and effective, in the host's numbering.
    pub uids: Few<u32>,
    /// Addresses of a named peer.
    pub addresses: Few<String>,
    /// Digests of the image that showed it and are remembered, the newest first.
    pub digests: Vec<String>,
    /// How many of all that is; `None` where nobody told a version.
    pub share: Option<Share>,
    /// What its files lay on; none where it is about no files, or nobody told.
    pub mounts: Mounts,
}

impl Profile {
    /// Who did what an entry says; `None` where nobody told.
    #[must_use]
    pub fn provenance(&self, entry: &Entry) -> Option<Told> {
        let record = self.record(entry)?;
        let sources = record.provenance.sources()?;
        let named = |id: u32, text: Option<String>| text.unwrap_or_else(|| format!("#{id:08x}"));
        let (share, digests) = self.share_of(sources);
        Some(Told {
            executables: Few::of(&sources.executables, |id| {
                named(id, self.texts.executables.get(&id).map(ToString::to_string))
            }),
            uids: Few::of(&sources.uids, |uid| uid),
            addresses: Few::of(&sources.addresses, |id| {
                named(id, self.texts.addresses.get(&id).map(ToString::to_string))
            }),
            digests,
            share,
            mounts: sources.mounts,
        })
    }

    fn share_of(&self, sources: &Sources) -> (Option<Share>, Vec<String>) {
        let mut versions = self.versions();
        versions.reverse();
        let is_shown = |version| sources.versions.has(newest::id(version));
        let shown = versions.iter().filter(|one| is_shown(one.version));
        let digests: Vec<String> = shown.map(|one| one.version.digest().to_owned()).collect();
        let share = (!digests.is_empty()).then(|| Share {
            shown: digests.len(),
            of: versions.len(),
            more: sources.versions.is_full() && digests.len() < versions.len(),
            newest: versions.first().is_some_and(|one| is_shown(one.version)),
        });
        (share, digests)
    }
}

/// `by /usr/sbin/nginx, uid 33, at 192.0.2.7, in 2 of 3 versions`.
impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let mut list = |before: &str, all: Vec<String>, more: bool| {
            let more = if more { " and more" } else { "" };
            parts.push(format!("{before}{}{more}", all.join(" ")));
        };
        let Self {
            executables,
            uids,
            addresses,
            digests: _,
            share,
            mounts: _,
        } = self;
        if !executables.is_empty() {
            list("by ", executables.all.clone(), executables.more);
        }
        if !uids.is_empty() {
            let all = uids.all.iter().map(ToString::to_string).collect();
            list("uid ", all, uids.more);
        }
        if !addresses.is_empty() {
            list("at ", addresses.all.clone(), addresses.more);
        }
        if let Some(share) = share {
            let least = if share.more { "at least " } else { "" };
            let mut text = format!("in {least}{} of {} versions", share.shown, share.of);
            if !share.newest && !share.more {
                text.push_str(", not in the newest");
            }
            parts.push(text);
        }
        f.write_str(&parts.join(", "))
    }
}
