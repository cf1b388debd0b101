//! Who acts: the images (one exec of one program each) behind the ids that
//! records carry, and the chain of images that issued them.
//!
//! The chain is the one the kernel side recorded at each exec and fork, so a
//! process that lost its parent, or a parent that is long gone, changes nothing.

use lapwing_profile::behaviour::Parent;
use lapwing_profile::text::DRIFTED;
use std::collections::{HashMap, HashSet};

/// Ancestors that are followed and reported.
pub const ANCESTORS_MAX: usize = 16;
/// Bytes that images take at most, roughly: a program's arguments may be long.
const BYTES_MAX: usize = 16 << 20;

/// One exec of one program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// Path of the executable in the container, canonical text.
    pub exe: String,
    /// Arguments, canonical text.
    pub args: Vec<String>,
    /// Working directory at the exec, canonical text.
    pub cwd: String,
    /// Process that made the exec, in the host's numbering.
    pub pid: u32,
    /// The image that issued it; 0 when not known.
    pub issuer: u64,
    /// What `exe` says of the file.
    pub file: File,
    /// Whether it is the first program that a process ran in its container.
    pub entered: Entered,
}

/// How a process came into its container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Entered {
    /// Not by this program; or that is not known of it, because it ran before the agent.
    #[default]
    Not,
    /// The runtime executed it.
    Program,
    /// The same, of a script: its path, canonical text.
    Script(String),
}

/// What the path of an executable says of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum File {
    /// Which one it is.
    #[default]
    Named,
    /// Which one it was: it was written or changed after the container started, or removed.
    Drifted,
    /// Nothing for sure: it was asked for from outside, and was removed or not to be read.
    Unsure,
}

impl Image {
    /// What it is called as the parent of what it executes.
    #[must_use]
    pub fn as_parent(&self) -> Parent {
        match self.file {
            File::Unsure => Parent::Unknown,
            // What is marked already is none of the image's either way.
            File::Drifted if self.exe.starts_with('/') => {
                Parent::Program(format!("{DRIFTED}{}", self.exe))
            }
            File::Named | File::Drifted => Parent::Program(self.exe.clone()),
        }
    }

    /// What it takes in memory, roughly.
    fn bytes(&self) -> usize {
        let args: usize = self
            .args
            .iter()
            .map(|arg| size_of::<String>() + arg.len())
            .sum();
        let script = match &self.entered {
            Entered::Script(path) => path.len(),
            Entered::Not | Entered::Program => 0,
        };
        size_of::<(u64, Entry)>() + self.exe.len() + args + self.cwd.len() + script
    }
}

/// All images that a living process runs or descends from.
#[derive(Debug, Default)]
pub struct Images {
    images: HashMap<u64, Entry>,
    /// What they take.
    bytes: usize,
    /// Images that found no room since the last question.
    refused: u64,
    /// Images that the last sweep met.
    swept: usize,
}

#[derive(Debug)]
struct Entry {
    image: Image,
    /// Not met by the last sweep.
    stale: bool,
}

impl Images {
    /// Adds an image, or counts that there was no room.
    pub fn insert(&mut self, id: u64, image: Image) {
        if id == 0 {
            return;
        }
        let bytes = image.bytes();
        let before = self.images.get(&id).map_or(0, |entry| entry.image.bytes());
        if self.bytes - before + bytes > BYTES_MAX {
            self.refused += 1;
            return;
        }
        self.bytes = self.bytes - before + bytes;
        let entry = Entry {
            image,
            stale: false,
        };
        self.images.insert(id, entry);
    }

    /// Whether an image may find no room soon.
    #[must_use]
    pub fn is_tight(&self) -> bool {
        self.bytes > BYTES_MAX / 8 * 7
    }

    /// The image with an id.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<&Image> {
        self.images.get(&id).map(|entry| &entry.image)
    }

    /// The images that led to `issuer`, nearest first and itself included.
    pub fn ancestors(&self, issuer: u64) -> impl Iterator<Item = &Image> {
        let mut next = issuer;
        std::iter::from_fn(move || {
            let image = self.get(next)?;
            next = image.issuer;
            Some(image)
        })
        .take(ANCESTORS_MAX)
    }

    /// The program by which the process that runs `exec`, or one that it descends from, came into
    /// its container; `None` where that is not known, as of what ran before the agent: of that nobody
    /// has the arguments but `/proc/PID/cmdline`, which a process may write itself.
    #[must_use]
    pub fn entered_by(&self, exec: u64) -> Option<&Image> {
        let mut id = exec;
        for _ in 0..=ANCESTORS_MAX {
            let image = self.get(id)?;
            if image.entered != Entered::Not {
                return Some(image);
            }
            id = image.issuer;
        }
        None
    }

    /// Number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Whether a sweep is worth its time.
    #[must_use]
    pub fn wants_sweep(&self) -> bool {
        self.images.len() > 2 * self.swept + 1024
    }

    /// Images that found no room since the last call.
    pub fn take_refused(&mut self) -> u64 {
        std::mem::take(&mut self.refused)
    }

    /// Forgets what no process needs: neither runs one of `live`, nor descends from it within
    /// the reported depth. An image goes at the second sweep that does not meet it, because
    /// records of a process that just ended may still be on their way.
    pub fn sweep(&mut self, live: impl Iterator<Item = u64>) {
        let mut met = HashSet::new();
        for id in live {
            let mut next = id;
            for _ in 0..=ANCESTORS_MAX {
                let Some(entry) = self.images.get(&next) else {
                    break;
                };
                met.insert(next);
                next = entry.image.issuer;
            }
        }
        let bytes = &mut self.bytes;
        self.images.retain(|id, entry| {
            let keep = met.contains(id) || !entry.stale;
            entry.stale = !met.contains(id);
            if !keep {
                *bytes -= entry.image.bytes();
            }
            keep
        });
        self.images.shrink_to(self.images.len() * 2);
        self.swept = met.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_abi::state::EXEC_SEEDED;

    fn image(exe: &str, issuer: u64) -> Image {
        Image {
            exe: exe.to_owned(),
            issuer,
            ..Image::default()
        }
    }

    #[test]
    fn as_a_parent_it_says_what_is_known_of_its_file() {
        for (file, exe, expected) in [
            (File::Named, "/bin/sh", Some("/bin/sh")),
            (File::Named, "detached:/memfd:x", Some("detached:/memfd:x")),
            (File::Drifted, "/tmp/x", Some("drifted:/tmp/x")),
            (File::Drifted, "detached:/x", Some("detached:/x")),
            (File::Drifted, "\u{2026}/x", Some("\u{2026}/x")),
            (File::Unsure, "/bin/x (deleted)", None),
        ] {
            let parent = Image {
                file,
                ..image(exe, 0)
            }
            .as_parent();
            let expected = expected.map_or(Parent::Unknown, |text| Parent::Program(text.into()));
            assert_eq!(parent, expected);
            assert_eq!(
                parent.is_learnable(),
                matches!(exe, "/bin/sh" | "/bin/x (deleted)")
            );
        }
    }

    #[test]
    fn ancestors_come_nearest_first_and_end() {
        let mut images = Images::default();
        images.insert(1, image("/init", 0));
        images.insert(2, image("/sh", 1));
        images.insert(3, image("/id", 2));
        let names: Vec<_> = images
            .ancestors(2)
            .map(|image| image.exe.as_str())
            .collect();
        assert_eq!(names, ["/sh", "/init"]);
        assert_eq!(images.ancestors(0).count(), 0);
        images.insert(9, image("/loop", 9));
        assert_eq!(images.ancestors(9).count(), ANCESTORS_MAX);
    }

    #[test]
    fn what_entered_is_found_above_what_it_executed() {
        let mut images = Images::default();
        let by_runtime = |exe: &str, issuer| Image {
            entered: Entered::Program,
            ..image(exe, issuer)
        };
        images.insert(1, image("/runc", 0));
        images.insert(2, by_runtime("/sh", 1));
        images.insert(3, image("/id", 2));
        images.insert(4, image("/gone", 9));
        images.insert(EXEC_SEEDED | 5, image("/older", 0));
        images.insert(6, image("/older/child", EXEC_SEEDED | 5));
        let found = |id| images.entered_by(id).map(|image| image.exe.as_str());
        let expected = [None, Some("/sh"), Some("/sh"), None, None, None];
        assert_eq!([1, 2, 3, 4, 5, 6].map(found), expected);
        assert_eq!(found(EXEC_SEEDED | 5), None, "it was there");
        images.insert(7, image("/loop", 7));
        assert_eq!(images.entered_by(7), None);
    }

    #[test]
    fn a_sweep_keeps_the_living_and_their_ancestors() {
        let mut images = Images::default();
        images.insert(1, image("/init", 0));
        images.insert(2, image("/sh", 1));
        images.insert(3, image("/gone", 1));
        images.sweep([2].into_iter());
        assert!(
            images.get(3).is_some(),
            "spared once: its records may be on their way"
        );
        images.sweep([2].into_iter());
        assert!(images.get(3).is_none());
        assert!(images.get(1).is_some() && images.get(2).is_some());
    }

    #[test]
    fn a_program_that_executes_itself_for_ever_does_not_pile_up() {
        let mut images = Images::default();
        for id in 1..=10_000u64 {
            images.insert(id, image("/again", id - 1));
            if images.wants_sweep() {
                images.sweep([id].into_iter());
            }
        }
        assert!(images.len() < 5_000, "{}", images.len());
    }

    #[test]
    fn the_memory_of_images_is_bounded_and_what_is_refused_is_counted() {
        let mut images = Images::default();
        let long = Image {
            args: vec!["x".repeat(8_000)],
            ..Image::default()
        };
        let count = 3 * BYTES_MAX / 8_000;
        for id in 1..=count as u64 {
            images.insert(id, long.clone());
        }
        assert!(images.is_tight() && images.bytes <= BYTES_MAX);
        let kept = images.len();
        assert!(kept > BYTES_MAX / 10_000);
        assert_eq!(images.take_refused(), (count - kept) as u64);
        assert_eq!(images.take_refused(), 0);
        // The same again takes no more.
        images.insert(1, long.clone());
        assert_eq!((images.len(), images.take_refused()), (kept, 0));
        images.sweep([1].into_iter());
        images.sweep([1].into_iter());
        assert_eq!((images.len(), images.is_tight()), (1, false));
        assert_eq!(images.bytes, long.bytes());
    }
}
