//! Counts of what happened again and was only counted where it happened.

use crate::entry::Entry;
use crate::entry::keyed::Keyed;
use crate::place::{Change, Found};
use crate::profile::Profile;

impl Profile {
    /// A known entry, or one that was reported, happened so many more times, at last at `last` (in
    /// nanoseconds since the Unix epoch). What a pattern stands for is counted there. Of an entry
    /// that it holds no record of, it knows nothing to count: it found no room, or is implied by
    /// another.
    pub fn repeated(&mut self, entry: &Entry, count: u64, last: i64) {
        let keyed = Keyed::of(entry);
        let found = self.find(&keyed);
        self.repeated_found((&keyed, &found), count, last);
    }

    /// The same of an entry that was looked up.
    pub fn repeated_found(&mut self, (keyed, found): (&Keyed<'_>, &Found), count: u64, last: i64) {
        self.count_found(keyed, found, Change::Repeated(count, last));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::Sighting;
    use crate::profile::Mode;
    use crate::workload::Workload;

    #[test]
    fn repeats_raise_count_and_time_and_make_nothing() {
        let mut profile = Profile::new(Workload::default(), Mode::Learning);
        let entry = Entry::parse("exec: {path: /bin/ls}").unwrap();
        profile.repeated(&entry, 5, 50);
        assert!(profile.is_empty());
        let at = 100;
        profile.observe(&Sighting {
            entry: entry.clone(),
            at,
        });
        profile.repeated(&entry, 5, 50);
        profile.repeated(&entry, 2, 200);
        let record = profile.record(&entry).unwrap();
        assert_eq!(
            (record.count, record.first, record.last),
            (8, Some(100), Some(200))
        );
    }
}
