//! How much there was in the folders that a workload writes in, at the most.
//!
//! Somebody looks into them from time to time while the profile learns, so what is made and removed between two
//! looks is not known. In a profile's `status`:
//!
//! ```yaml
//! written:
//!   - {path: /tmp, bytes: 5246976, files: 2, at: "2026-11-23T10:00:00Z", looks: 12, first: "...", last: "..."}
//! ```
//!
//! `bytes` are allocated ones, of files and folders, each counted once however many names it has. Maxima
//! join, so nodes may bring theirs together in any order and any number of times. [`FOLDERS_MAX`] folders are
//! kept, the least of a total order: the uppermost ones.

use crate::file::{nanoseconds, time};
use crate::text;
use crate::yaml::Flow;
use serde::Deserialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Folders of one profile at most.
pub const FOLDERS_MAX: usize = 64;
/// Bytes of a folder's path at most, as it is written.
pub const PATH_MAX: usize = 1_024;
/// Nodes of all of it: a mapping of nine pairs each.
pub(crate) const NODES: usize = 2 + FOLDERS_MAX * 19;
/// What is news of a folder's size: a doubling, from this many bytes on.
const STEP: u64 = 1 << 20;

/// What one look found in a folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Allocated bytes.
    pub bytes: u64,
    /// Files, folders among them.
    pub files: u64,
    /// Whether a bound ended the look, so that there may be more.
    pub bound: bool,
    /// Whether there were folders that could not be read.
    pub unread: bool,
}

/// What is known of one folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peak {
    /// The most of each, and whether any look was incomplete.
    pub most: Found,
    /// When the bytes were so many, for the first time, in nanoseconds since the Unix epoch.
    pub at: i64,
    /// How often somebody looked: of several nodes the one that did most often.
    pub looks: u64,
    /// When somebody looked first.
    pub first: i64,
    /// When somebody looked last.
    pub last: i64,
}

impl Peak {
    /// Takes in what another saw of the same folder.
    fn join(&mut self, other: &Self) {
        let (bytes, Reverse(at)) =
            (self.most.bytes, Reverse(self.at)).max((other.most.bytes, Reverse(other.at)));
        self.at = at;
        self.most = Found {
            bytes,
            files: self.most.files.max(other.most.files),
            bound: self.most.bound || other.most.bound,
            unread: self.most.unread || other.most.unread,
        };
        self.looks = self.looks.max(other.looks);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }

    /// What of it is worth to be stored at once.
    fn step(&self) -> (Option<u32>, bool, bool) {
        let doublings = (self.most.bytes / STEP).checked_ilog2();
        (doublings, self.most.bound, self.most.unread)
    }
}

/// What is known of all folders, by how deep they lie and their paths in canonical text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written(BTreeMap<(usize, String), Peak>);

/// The order in which folders are kept.
fn key(path: &str) -> (usize, String) {
    (path.matches('/').count(), path.to_owned())
}

/// Whether a path can be one of a folder here.
#[must_use]
pub fn is_folder(path: &str) -> bool {
    path.starts_with('/') && path.len() <= PATH_MAX && text::is_canonical(path)
}

impl Written {
    /// Whether nobody looked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is no room for more folders, so that one that is not here may have been written in.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.len() >= FOLDERS_MAX
    }

    /// What is known of a folder.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Peak> {
        self.0.get(&key(path))
    }

    /// All folders, the uppermost first.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Peak)> {
        self.0.iter().map(|((_, path), peak)| (&**path, peak))
    }

    /// Takes what was found in a folder at a time, in nanoseconds since the Unix epoch. Answers whether it is news.
    pub fn take(&mut self, path: &str, found: Found, at: i64) -> bool {
        if !is_folder(path) {
            return false;
        }
        let before = self.get(path).copied();
        let looks = before.map_or(0, |peak| peak.looks) + 1;
        self.put(
            key(path),
            &Peak {
                most: found,
                at,
                looks,
                first: at,
                last: at,
            },
        );
        let after = self.get(path);
        after.map(Peak::step) != before.as_ref().map(Peak::step)
    }

    fn put(&mut self, key: (usize, String), peak: &Peak) {
        self.0
            .entry(key)
            .and_modify(|own| own.join(peak))
            .or_insert(*peak);
        if self.0.len() > FOLDERS_MAX {
            self.0.pop_last();
        }
    }

    /// Takes in what another knows.
    pub fn join(&mut self, other: &Self) {
        for (key, peak) in &other.0 {
            self.put(key.clone(), peak);
        }
    }

    /// The lines of it.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        self.all().map(|(path, peak)| {
            let mut map = Flow::default();
            map.text("path", path);
            map.number("bytes", peak.most.bytes);
            map.number("files", peak.most.files);
            map.text("at", &time(peak.at));
            map.number("looks", peak.looks);
            map.text("first", &time(peak.first));
            map.text("last", &time(peak.last));
            for (key, is_so) in [("bound", peak.most.bound), ("unread", peak.most.unread)] {
                if is_so {
                    map.number(key, true);
                }
            }
            map.finish()
        })
    }
}

/// One line.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenLine {
    path: String,
    bytes: u64,
    files: u64,
    at: jiff::Timestamp,
    looks: u64,
    first: jiff::Timestamp,
    last: jiff::Timestamp,
    #[serde(default)]
    bound: bool,
    #[serde(default)]
    unread: bool,
}

impl WrittenLine {
    /// Takes it up. Says what is wrong with it.
    pub(crate) fn read(self, into: &mut Written) -> Result<(), String> {
        if !is_folder(&self.path) {
            return Err(format!(
                "`path` is a whole path in canonical text, of at most {PATH_MAX} bytes: not `{}`",
                text::canonical(self.path.as_bytes())
            ));
        }
        if into.is_full() {
            return Err(format!("at most {FOLDERS_MAX} folders are kept"));
        }
        let peak = Peak {
            most: Found {
                bytes: self.bytes,
                files: self.files,
                bound: self.bound,
                unread: self.unread,
            },
            at: nanoseconds(self.at),
            looks: self.looks,
            first: nanoseconds(self.first),
            last: nanoseconds(self.last),
        };
        match into.0.insert(key(&self.path), peak) {
            None => Ok(()),
            Some(_) => Err(format!("{} stands there twice", self.path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Mode, Profile};
    use crate::workload::Workload;
    use proptest::prelude::*;

    fn found() -> impl Strategy<Value = (u8, Found, i64)> {
        let most = (any::<u32>(), any::<u16>(), any::<[bool; 2]>());
        (0..100_u8, most, 0..1_000_i64).prop_map(|(folder, (bytes, files, [bound, unread]), at)| {
            let (bytes, files) = (bytes.into(), files.into());
            (
                folder,
                Found {
                    bytes,
                    files,
                    bound,
                    unread,
                },
                at,
            )
        })
    }

    /// Of so many folders, at two depths, that not all find room.
    fn written() -> impl Strategy<Value = Written> {
        proptest::collection::vec(found(), 0..150).prop_map(|all| {
            let mut written = Written::default();
            for (folder, found, at) in all {
                let above = if folder % 2 == 0 { "" } else { "/a" };
                written.take(&format!("{above}/{folder}"), found, at);
            }
            written
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn looks_join_in_any_order_and_survive_a_file(a in written(), b in written(), c in written()) {
            let join = |x: &Written, y: &Written| {
                let mut joined = x.clone();
                joined.join(y);
                joined
            };
            prop_assert_eq!(join(&a, &b), join(&b, &a));
            prop_assert_eq!(join(&join(&a, &b), &c), join(&a, &join(&b, &c)));
            prop_assert_eq!(join(&a, &a), a.clone());
            let both = join(&a, &b);
            prop_assert!(both.0.len() <= FOLDERS_MAX);
            for (path, peak) in both.all() {
                let most = [&a, &b].iter().filter_map(|it| Some(it.get(path)?.most.bytes)).max();
                prop_assert_eq!(Some(peak.most.bytes), most);
            }
            let mut profile = Profile::new(Workload { name: "web".into(), ..Workload::default() }, Mode::Learning);
            profile.written = both;
            let mut merged = Profile::new(profile.workload.clone(), Mode::Learning);
            merged.merge(&profile);
            prop_assert_eq!(&merged.written, &profile.written);
            prop_assert_eq!(Profile::from_yaml(profile.to_yaml()).unwrap(), profile);
        }
    }

    #[test]
    fn the_most_stays_and_a_doubling_is_news() {
        let mut written = Written::default();
        let of = |mebibytes: u64| Found {
            bytes: mebibytes << 20,
            files: 1,
            ..Found::default()
        };
        let news = [(1, true), (5, true), (7, false), (8, true), (2, false)];
        for (at, (mebibytes, is_news)) in (10..).zip(news) {
            let told = written.take("/tmp", of(mebibytes), at);
            assert_eq!(told, is_news, "{mebibytes}");
        }
        let peak = *written.get("/tmp").unwrap();
        assert_eq!((peak.most, peak.at, peak.looks), (of(8), 13, 5));
        assert_eq!((peak.first, peak.last), (10, 14));
        let cut = Found {
            bound: true,
            ..Found::default()
        };
        assert!(written.take("/tmp", cut, 15) && !written.take("/tmp", of(1), 16));
        assert!(
            written.get("/tmp").unwrap().most.bound,
            "it was so, whatever came later"
        );
        assert!(!written.take("tmp", of(9), 17) && !written.take("/a\nb", of(9), 17));
        assert_eq!(written.all().count(), 1);
    }

    #[test]
    fn files_that_lie_are_refused_with_the_place() {
        let line = |path: &str| {
            format!(
                "{{path: {path}, bytes: 1, files: 1, at: \"2026-11-23T10:00:00Z\", looks: 1, \
                 first: \"2026-11-23T10:00:00Z\", last: \"2026-11-23T10:00:00Z\"}}"
            )
        };
        let file = |lines: &[String]| {
            format!(
                "apiVersion: lapwing.dev/v1alpha1\nkind: BehaviorProfile\nspec: {{workload: {{name: web}}, mode: Learning}}\n\
                 status: {{written: [{}]}}\n",
                lines.join(", ")
            )
        };
        assert!(Profile::from_yaml(file(&[line("/tmp")])).is_ok());
        let many: Vec<String> = (0..=FOLDERS_MAX).map(|n| line(&format!("/{n}"))).collect();
        assert!(Profile::from_yaml(file(&many[1..])).is_ok());
        for (lines, word) in [
            (vec![line("tmp")], "not `tmp`"),
            (vec![line("\"/\\e[31m\"")], "\\x1b[31m"),
            (
                vec![line(&format!("/{}", "a".repeat(PATH_MAX)))],
                "at most 1024 bytes",
            ),
            (vec![line("/a"), line("/a")], "/a stands there twice"),
            (many, "at most 64 folders"),
            (
                vec![line("/a").replace("bytes: 1", "bytes: -1")],
                "0 or more",
            ),
        ] {
            let error = Profile::from_yaml(file(&lines)).unwrap_err().to_string();
            assert!(
                error.contains(word) && !error.contains('\u{1b}'),
                "{word}: {error}"
            );
        }
    }
}
