//! What is remembered of the names that a pattern replaced: about how many they were, and a few of
//! them.
//!
//! The smallest hashes of the names are kept. Of up to [`KEPT`] names they tell the number
//! exactly (two names of one hash aside), of more an estimate, whose standard error is about a
//! sixth. The smallest of two sets together are the smallest of the smallest of each, so
//! joining them is commutative, associative and idempotent. The hash is no secret: who
//! makes names can make the number wrong, and nothing else.

use crate::behaviour::Behaviour;
use crate::entry::Entry;

/// Hashes that are kept.
const KEPT: usize = 32;
/// Names that are shown.
const EXAMPLES: usize = 3;
/// Bytes of the longest that is.
const EXAMPLE_MAX: usize = 64;
/// Bytes of keys and words around them in a file.
const AROUND: usize = 192;
/// Bytes that one name more takes in a file at most: its hash; as an example, quoted and each byte
/// escaped, in the list and in the sentence.
const NAME_BYTES: usize = 8 + 2 * (2 * EXAMPLE_MAX + 8);
/// Bytes that one name alone takes.
pub(super) const ONE_BYTES: usize = AROUND + NAME_BYTES;

/// The names that a pattern replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The smallest hashes, ascending.
    hashes: Vec<u32>,
    /// The names with the smallest hashes, of those that are short; in this order.
    examples: Vec<(u32, Box<str>)>,
}

/// The text by which a file goes here.
pub(super) fn text(entry: &Entry) -> String {
    match &entry.behaviour {
        Behaviour::File(file) => match &file.target {
            Some(target) => format!("{} -> {target}", file.path),
            None => file.path.clone(),
        },
        Behaviour::Exec(_)
        | Behaviour::Egress(_)
        | Behaviour::Listen(_)
        | Behaviour::Dns(_)
        | Behaviour::Privilege(_) => entry.to_string(),
    }
}

/// The hash of [`text`].
fn hash_of(entry: &Entry) -> u32 {
    match &entry.behaviour {
        Behaviour::File(file) if file.target.is_none() => hash(file.path.bytes()),
        _ => hash(text(entry).bytes()),
    }
}

/// FNV-1a, its bits mixed as MurmurHash3 does at the end.
fn hash(name: impl Iterator<Item = u8>) -> u32 {
    let mut hash = name.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    (hash >> 32) as u32
}

impl Names {
    /// One name.
    pub(super) fn of(name: &str) -> Self {
        let mut names = Self::default();
        names.add(name);
        names
    }

    /// One more. Answers whether that changed anything.
    pub(crate) fn see(&mut self, entry: &Entry) -> bool {
        let hash = hash_of(entry);
        // Of many names most have a hash that is larger than all that are kept.
        let is_beyond = self.hashes.len() == KEPT
            && self.hashes.last() < Some(&hash)
            && self.examples.len() == EXAMPLES
            && self.examples.last().is_some_and(|(last, _)| *last < hash);
        if is_beyond {
            return false;
        }
        self.add(&text(entry))
    }

    fn add(&mut self, name: &str) -> bool {
        let hash = hash(name.bytes());
        let is_kept = self.add_hash(hash);
        let is_shown = self.add_example(hash, name);
        is_kept || is_shown
    }

    fn add_hash(&mut self, hash: u32) -> bool {
        match self.hashes.binary_search(&hash) {
            Err(at) if at < KEPT => {
                self.hashes.truncate(KEPT - 1);
                self.hashes.insert(at, hash);
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    fn add_example(&mut self, hash: u32, name: &str) -> bool {
        let place = self
            .examples
            .binary_search_by(|(kept, text)| (*kept, &**text).cmp(&(hash, name)));
        match place {
            Err(at) if at < EXAMPLES && name.len() <= EXAMPLE_MAX => {
                self.examples.truncate(EXAMPLES - 1);
                self.examples.insert(at, (hash, name.into()));
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// The names of both.
    pub(super) fn join(&mut self, other: &Self) {
        for hash in &other.hashes {
            self.add_hash(*hash);
        }
        for (hash, name) in &other.examples {
            self.add_example(*hash, name);
        }
    }

    /// Bytes that they take in a file at most; for each name no more than [`ONE_BYTES`].
    pub(super) fn weight(&self) -> usize {
        let examples = self.examples().map(|name| 2 * (2 * name.len() + 8));
        AROUND + 8 * self.hashes.len() + examples.sum::<usize>()
    }

    /// How many they were; of more than [`KEPT`] an estimate.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self.hashes.last() {
            Some(&last) if self.hashes.len() == KEPT => {
                ((KEPT as u64 - 1) << 32) / u64::from(last).max(1)
            }
            _ => self.hashes.len() as u64,
        }
    }

    /// Some of them.
    pub fn examples(&self) -> impl Iterator<Item = &str> {
        self.examples.iter().map(|(_, name)| &**name)
    }

    /// Why there is this pattern for them, in a sentence.
    #[must_use]
    pub fn because(&self, pattern: &Entry) -> String {
        let about = if self.hashes.len() == KEPT {
            "about "
        } else {
            ""
        };
        let examples: Vec<&str> = self.examples().collect();
        let such = match &*examples {
            [] => String::new(),
            all => format!(", such as {}", all.join(" and ")),
        };
        let seen = match self.count() {
            1 => "1 name of this form was seen".to_owned(),
            count => format!("{about}{count} names of this form were seen"),
        };
        let own = match text(pattern).contains("{pid}") {
            true => ", the first with the id of its process in it",
            false => "",
        };
        format!("{seen}{own}{such}")
    }

    /// The hashes as text, eight digits each.
    pub(crate) fn sketch(&self) -> String {
        self.hashes
            .iter()
            .map(|hash| format!("{hash:08x}"))
            .collect()
    }

    /// From what was written. Answers what is wrong with it.
    pub(crate) fn read(sketch: &str, examples: Vec<String>) -> Result<Self, String> {
        let wrong = || "the `sketch` of a pattern is not as it was written".to_owned();
        let mut names = Self::default();
        for digits in sketch.as_bytes().chunks(8) {
            let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
            let hash = u32::from_str_radix(digits, 16).map_err(|_| wrong())?;
            if format!("{hash:08x}") != digits || names.hashes.last() >= Some(&hash) {
                return Err(wrong());
            }
            names.hashes.push(hash);
        }
        for example in examples {
            if example.len() > EXAMPLE_MAX || !crate::text::is_canonical(&example) {
                return Err("an example of a pattern is not as it was written".to_owned());
            }
            let place = (hash(example.bytes()), example.into_boxed_str());
            if let Err(at) = names.examples.binary_search(&place) {
                names.examples.insert(at, place);
            }
        }
        if names.hashes.len() > KEPT || names.examples.len() > EXAMPLES {
            return Err(wrong());
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(range: std::ops::Range<u32>) -> Names {
        let mut names = Names::default();
        for number in range {
            names.add(&format!("/data/{number}"));
        }
        names
    }

    #[test]
    fn few_names_are_counted_and_many_estimated() {
        for count in [0, 1, 16, 31] {
            assert_eq!(names(0..count).count(), u64::from(count));
        }
        for count in [100, 1_000, 20_000] {
            let ratio = names(0..count).count() as f64 / f64::from(count);
            assert!((0.6..1.6).contains(&ratio), "{count}: {ratio}");
        }
        let pattern = "file: {operation: CREATE, pattern: \"/data/{digits}\"}";
        let pattern = Entry::parse(pattern).unwrap();
        let because = |count| names(0..count).because(&pattern);
        assert!(because(1).starts_with("1 name of this form was seen, such as"));
        assert!(because(20).starts_with("20 names of this form were seen, such as"));
        assert!(because(99).starts_with("about "));
    }

    #[test]
    fn a_sighting_changes_what_adding_its_name_changes() {
        let entry = |number: u32| {
            let line = format!("file: {{operation: CREATE, path: /data/{number}}}");
            Entry::parse(&line).unwrap()
        };
        let (mut seen, mut added) = (Names::default(), Names::default());
        let mut changes = 0;
        for number in (0..2_000).chain(0..2_000) {
            let before = seen.clone();
            let changed = seen.see(&entry(number));
            added.add(&format!("/data/{number}"));
            assert_eq!((&seen, seen != before), (&added, changed), "{number}");
            changes += u32::from(changed);
        }
        assert!((KEPT as u32..500).contains(&changes), "{changes}");
    }

    #[test]
    fn what_was_joined_is_what_was_seen() {
        let all = names(0..500);
        let mut joined = names(200..500);
        joined.join(&names(0..300));
        assert_eq!(joined, all);
        let examples = all.examples().map(str::to_owned).collect();
        assert_eq!(Names::read(&all.sketch(), examples), Ok(all));
        for sketch in ["0", "0000000g", "0000000A", "0000000200000001"] {
            assert!(Names::read(sketch, Vec::new()).is_err(), "{sketch}");
        }
    }
}
