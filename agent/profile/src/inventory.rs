//! Which files of its image a workload was seen to use: the union over its instances.
//!
//! It is evidence of use, and none of its absence: what is not in it was not seen. So it carries
//! what was lost and what found no room, and [`Inventory::incomplete`] says so in words. Entries and
//! bytes are bounded; what was seen first stays. [`packed`] has the form on disk and on the wire,
//! [`export`] the one for people and programs.

pub mod export;
pub mod packed;

use crate::fingerprint::hex;
use std::collections::BTreeMap;

/// Files at most.
pub const FILES_MAX: usize = 32_768;
/// Bytes of their paths at most.
pub const BYTES_MAX: usize = 2 << 20;
/// Bytes of memory of one without files, and of each file beside its path, about.
const WEIGHT: usize = 8_192;
const WEIGHT_OF_FILE: usize = 96;
/// Images that are told apart at most: one bit each in [`Used::images`].
pub const IMAGES_MAX: usize = 32;

/// Instances that are known again at most.
pub const LATEST_MAX: usize = 256;

/// The ways in which a file was used, one bit each.
pub mod uses {
    use lapwing_abi::inventory::Use;

    /// Opened, to read, write or map it.
    pub const OPEN: u8 = 1;
    /// Executed: a program, a script, or what a program or script needs to be executed.
    pub const EXEC: u8 = 1 << 1;
    /// A folder was opened, which nearly always means listed.
    pub const LIST: u8 = 1 << 2;
    /// Mapped or held open by a process that ran before the agent.
    pub const MAPPED: u8 = 1 << 3;
    /// Each, with the word for it.
    pub const WORDS: [(u8, &str); 4] = [
        (EXEC, "exec"),
        (OPEN, "open"),
        (LIST, "list"),
        (MAPPED, "mapped"),
    ];

    /// The bit of what the kernel says.
    #[must_use]
    pub const fn of(how: Use) -> u8 {
        match how {
            Use::Open => OPEN,
            Use::Exec => EXEC,
            Use::List => LIST,
        }
    }
}

/// How a file was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Bits of [`uses`].
    pub how: u8,
    /// It was seen in the upper layer: made or changed in the container, or a folder in which something
    /// was. It may be none of the image's.
    pub changed: bool,
    /// When it was seen first, in seconds since the Unix epoch.
    pub first: i64,
    /// When an instance was last seen to use it for its first time, in seconds since the Unix epoch.
    pub last: i64,
    /// Under which of the [images](Inventory::images), one bit each; 0 where that is not known.
    pub images: u32,
}

/// One use, as it is seen.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// The file's path in the container.
    pub path: &'a [u8],
    /// Bits of [`uses`].
    pub how: u8,
    /// Whether it lies in the upper layer.
    pub changed: bool,
    /// When, in seconds since the Unix epoch.
    pub at: i64,
    /// The [bit](Inventory::image) of the image.
    pub image: u32,
}

/// What is missing, by cause. None of it can be made up for but by observing again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// First sights that the kernel side shed, because a container opened too many at once.
    pub shed: u64,
    /// First sights for which there was no room here.
    pub no_room: u64,
    /// Instances that ran before they were observed, so that their start was not seen.
    pub not_from_start: u64,
    /// Times that the agent was away while an observed instance ran, as over a restart.
    pub gaps: u64,
    /// Programs of which it could not be looked up in time which loader they need, where the kernel does
    /// not tell (tier B).
    pub loaders: u64,
    /// Times that what was stored could not be read, and was begun anew.
    pub begun_anew: u64,
    /// Instances that ran where the kernel cannot tell files apart, so that nothing but their programs was
    /// noted.
    pub blind: u64,
}

impl Missing {
    /// Takes in what is missing besides.
    pub const fn add(&mut self, more: &Self) {
        let Self {
            shed,
            no_room,
            not_from_start,
            gaps,
            loaders,
            begun_anew,
            blind,
        } = more;
        self.shed += *shed;
        self.no_room += *no_room;
        self.not_from_start += *not_from_start;
        self.gaps += *gaps;
        self.loaders += *loaders;
        self.begun_anew += *begun_anew;
        self.blind += *blind;
    }
}

/// The files that a workload was seen to use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Digests or names of the images under which it ran, the first first.
    pub images: Vec<String>,
    /// By path.
    pub files: BTreeMap<Box<[u8]>, Used>,
    /// Since when it was observed, in seconds since the Unix epoch; 0 for never.
    pub since: i64,
    /// When something was seen last.
    pub until: i64,
    /// Instances that were observed.
    pub instances: u64,
    /// Which they were, the latest of them: numbers made of their ids.
    pub latest: Vec<u64>,
    /// What is missing.
    pub missing: Missing,
    bytes: usize,
}

impl Inventory {
    /// The bit of an image, which is noted if it is new; 0 for one without a name. Of more than
    /// [`IMAGES_MAX`] the oldest is forgotten, with all that was seen under it alone.
    pub fn image(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        if let Some(at) = self.images.iter().position(|known| known == name) {
            return 1 << at;
        }
        if self.images.len() == IMAGES_MAX {
            self.images.remove(0);
            self.files.retain(|_, used| {
                let stays = used.images != 1;
                used.images >>= 1;
                stays
            });
            self.bytes = self.files.keys().map(|path| path.len()).sum();
        }
        self.images.push(name.to_owned());
        1 << (self.images.len() - 1)
    }

    /// An instance is observed from now on, from its first program on or not. One that was observed
    /// before was not while the agent was away.
    pub fn begin(&mut self, id: &str, from_start: bool) {
        let number = u64::from_str_radix(&hex(&[id.as_bytes()])[..16], 16).unwrap_or_default();
        if self.latest.contains(&number) {
            self.missing.gaps += 1;
            return;
        }
        if self.latest.len() == LATEST_MAX {
            self.latest.remove(0);
        }
        self.latest.push(number);
        self.instances += 1;
        if !from_start {
            self.missing.not_from_start += 1;
        }
    }

    /// The bytes of memory that it takes, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        WEIGHT + self.bytes + WEIGHT_OF_FILE * self.files.len()
    }

    /// By how many of these a file adds to it.
    #[must_use]
    pub const fn weight_of(path: &[u8]) -> usize {
        WEIGHT_OF_FILE + path.len()
    }

    /// Takes in a use. Answers whether it is news: what finds no room is counted, and none.
    pub fn see(&mut self, sight: Sight<'_>) -> bool {
        let Sight { path, how, at, .. } = sight;
        if self.since == 0 || at < self.since {
            self.since = at;
        }
        self.until = self.until.max(at);
        if let Some(used) = self.files.get_mut(path) {
            let before = *used;
            used.how |= how;
            used.changed |= sight.changed;
            used.images |= sight.image;
            used.first = used.first.min(at);
            used.last = used.last.max(at);
            return (before.how, before.changed, before.images)
                != (used.how, used.changed, used.images);
        }
        if self.files.len() >= FILES_MAX || self.bytes + path.len() > BYTES_MAX {
            self.missing.no_room += 1;
            return false;
        }
        self.bytes += path.len();
        let used = Used {
            how,
            changed: sight.changed,
            first: at,
            last: at,
            images: sight.image,
        };
        self.files.insert(path.into(), used);
        true
    }

    /// Why what is not in it may have been used all the same, in words; nothing where there is no
    /// such reason but that nobody can observe for ever.
    #[must_use]
    pub fn incomplete(&self) -> Vec<String> {
        let missing = &self.missing;
        let said = [
            (
                missing.shed,
                "first uses of files were shed, because too many came at once",
            ),
            (missing.no_room, "uses found no room: the inventory is full"),
            (
                missing.not_from_start,
                "instances ran before the agent, so what they used before is known only as far as they still held it",
            ),
            (
                missing.gaps,
                "times the agent was away while an instance ran",
            ),
            (
                missing.loaders,
                "programs ended before their loader could be looked up",
            ),
            (
                missing.begun_anew,
                "times the stored inventory could not be read and was begun anew",
            ),
            (
                missing.blind,
                "instances ran where the kernel cannot tell files apart, so of them only programs were noted",
            ),
        ];
        let mut said: Vec<String> = said
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, words)| format!("{count} {words}"))
            .collect();
        if self.instances == 0 {
            said.push("no instance was observed".to_owned());
        }
        said
    }

    /// The ways of a use, in words.
    #[must_use]
    pub fn words(how: u8) -> Vec<&'static str> {
        uses::WORDS
            .iter()
            .filter(|(bit, _)| how & bit != 0)
            .map(|(_, word)| *word)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(path: &[u8], image: u32, at: i64) -> Sight<'_> {
        Sight {
            path,
            how: uses::OPEN,
            changed: false,
            at,
            image,
        }
    }

    #[test]
    fn uses_of_a_file_become_one() {
        let mut known = Inventory::default();
        let (one, two) = (known.image("a"), known.image("b"));
        assert_eq!((one, two, known.image("a"), known.image("")), (1, 2, 1, 0));
        assert!(known.see(sight(b"/x", one, 5)));
        assert!(!known.see(sight(b"/x", one, 4)));
        assert!(known.see(Sight {
            how: uses::EXEC,
            ..sight(b"/x", two, 9)
        }));
        let used = known.files[&b"/x"[..]];
        assert_eq!(
            (used.how, used.first, used.last),
            (uses::OPEN | uses::EXEC, 4, 9)
        );
        assert_eq!((used.images, known.since, known.until), (3, 4, 9));
        assert_eq!(Inventory::words(used.how), ["exec", "open"]);
    }

    #[test]
    fn what_finds_no_room_is_counted_and_said() {
        let mut known = Inventory {
            instances: 1,
            ..Inventory::default()
        };
        let long = |n: usize| format!("/{n:0>4000}").into_bytes();
        for n in 0..600 {
            let is_news = known.see(sight(&long(n), 0, 1));
            assert_eq!(is_news, n < BYTES_MAX / 4001, "{n}");
        }
        assert_eq!(known.files.len(), BYTES_MAX / 4001);
        assert_eq!(known.missing.no_room as usize, 600 - BYTES_MAX / 4001);
        assert!(
            known.incomplete()[0].contains("found no room"),
            "{:?}",
            known.incomplete()
        );
        let mut known = Inventory {
            instances: 1,
            ..Inventory::default()
        };
        assert_eq!(known.incomplete(), [""; 0]);
        for n in 0..FILES_MAX + 7 {
            known.see(sight(format!("/{n}").as_bytes(), 0, 1));
        }
        assert_eq!((known.files.len(), known.missing.no_room), (FILES_MAX, 7));
    }

    #[test]
    fn the_oldest_image_goes_with_what_is_its_alone() {
        let mut known = Inventory::default();
        for n in 0..IMAGES_MAX {
            let image = known.image(&n.to_string());
            known.see(sight(format!("/{n}").as_bytes(), image, 1));
            known.see(sight(b"/all", image, 1));
        }
        known.see(sight(b"/nobody", 0, 1));
        let image = known.image("new");
        assert_eq!(image, 1 << (IMAGES_MAX - 1));
        assert!(!known.files.contains_key(&b"/0"[..]));
        assert_eq!(known.files[&b"/1"[..]].images, 1);
        assert_eq!(known.files[&b"/all"[..]].images, u32::MAX >> 1);
        assert!(known.files.contains_key(&b"/nobody"[..]));
        assert_eq!(known.images.first().map(String::as_str), Some("1"));
    }
}
