//! Which behaviours of which container were published: each is told of once.

use lapwing_profile::entry::keyed::{Keyed, Plain};
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;

/// Behaviours that are remembered as published, per container.
const PUBLISHED_MAX: usize = 32_768;
/// And of all containers.
const PUBLISHED_ALL_MAX: usize = 262_144;

/// Behaviours of each container that were published: keyed hashes of them, by the container's cgroup. They have one size, however long the names are.
#[derive(Default)]
pub(super) struct Published {
    of: HashMap<u64, HashSet<u64, BuildHasherDefault<Plain>>>,
    all: usize,
    /// Behaviours that found no room, and were not published for it.
    pub(super) refused: u64,
}

impl Published {
    /// Whether the container did this for the first time, as far as is remembered.
    pub(super) fn is_news(&mut self, home: u64, entry: &Keyed<'_>) -> bool {
        let hash = entry.hash();
        let known = self.of.entry(home).or_default();
        if known.contains(&hash) {
            return false;
        }
        if known.len() >= PUBLISHED_MAX || self.all >= PUBLISHED_ALL_MAX {
            self.refused += 1;
            return false;
        }
        self.all += 1;
        known.insert(hash)
    }

    /// A container is gone.
    pub(super) fn gone(&mut self, home: u64) {
        self.all -= self.of.remove(&home).map_or(0, |known| known.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_profile::entry::Entry;

    #[test]
    fn what_is_not_published_for_lack_of_room_is_counted() {
        let mut published = Published::default();
        let entry = |number: usize| Entry::parse(&format!("exec: {{path: /{number}}}")).unwrap();
        let is_news = |published: &mut Published, home, entry: &Entry| {
            published.is_news(home, &Keyed::of(entry))
        };
        assert!(is_news(&mut published, 1, &entry(0)) && !is_news(&mut published, 1, &entry(0)));
        assert!(
            is_news(&mut published, 2, &entry(0)),
            "of another container"
        );
        published.all = PUBLISHED_ALL_MAX;
        assert!(!is_news(&mut published, 1, &entry(1)) && !is_news(&mut published, 1, &entry(0)));
        assert_eq!(published.refused, 1);
        published.gone(2);
        assert!(is_news(&mut published, 1, &entry(1)));
        assert_eq!(published.all, PUBLISHED_ALL_MAX);
    }
}
