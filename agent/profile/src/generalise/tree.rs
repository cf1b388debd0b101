//! A tree of folders that remembers how many names each has, and how many of each class.
//!
//! The names themselves are those of the leaves, which are kept beside it: a folder has a node
//! here because something lies below it, and a name that nothing lies below has none.

use super::{SIBLINGS, is_wild};
use crate::pattern::{AND, class, unique};
use std::collections::BTreeMap;

/// What an insertion made in the folder where it left what was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Created {
    /// It was there already.
    Nothing,
    /// A name.
    Name,
    /// The node of a class.
    Class,
}

/// What stands below a segment.
#[derive(Clone, Debug, Default)]
pub(super) struct Folder {
    /// Those below it that have something below them, in the order of their segments.
    below: Vec<(Box<str>, Self)>,
    /// How many names of each class are below it; classes that are nodes have none. Boxed because
    /// most folders have no name of any class.
    #[expect(
        clippy::box_collection,
        reason = "one word instead of three in every folder"
    )]
    classes: Option<Box<BTreeMap<Box<str>, u32>>>,
    /// Names and classes below it.
    len: u32,
    /// Whether a class is below it.
    pub(super) open: bool,
    /// Whether a class that is not [`unique`] is one: then there were many names.
    many: bool,
    /// How many children are of unique classes, names and nodes.
    unique: u32,
}

impl Folder {
    fn place(&self, segment: &str) -> Result<usize, usize> {
        self.below
            .binary_search_by(|(name, _)| (**name).cmp(segment))
    }

    /// The folder of this name.
    pub(super) fn child(&self, segment: &str) -> Option<&Self> {
        self.place(segment).ok().map(|at| &self.below[at].1)
    }

    /// How many names are or were below it that are not of [`unique`] classes, as far as that
    /// matters; `None` for more than enough. What is unique counts for itself alone: it becomes
    /// a node sooner or later, depending on the order in which names come, and may therefore not
    /// be what others wait for.
    pub(super) fn siblings(&self) -> Option<usize> {
        let names = (self.len - self.unique) as usize;
        (!self.many && names <= SIBLINGS + 1).then_some(names)
    }

    /// How many names of a class that is no node yet.
    pub(super) fn count(&self, class: &str) -> usize {
        let counts = self.classes.as_ref();
        let count = counts.and_then(|counts| counts.get(class)).copied();
        count.unwrap_or_default() as usize
    }

    /// All classes of names below it.
    pub(super) fn groups(&self) -> impl Iterator<Item = (&str, usize)> {
        self.classes
            .iter()
            .flat_map(|counts| counts.iter())
            .map(|(class, count)| (&**class, *count as usize))
    }

    pub(super) fn find(&self, path: &[String]) -> Option<&Self> {
        path.iter()
            .try_fold(self, |folder, segment| folder.child(segment))
    }

    fn find_mut(&mut self, path: &[String]) -> Option<&mut Self> {
        path.iter().try_fold(self, |folder, segment| {
            let at = folder.place(segment).ok()?;
            Some(&mut folder.below[at].1)
        })
    }

    /// Puts a path in, of which the first `depth` segments are there. Answers what was made below
    /// them.
    pub(super) fn insert(&mut self, path: &[String], depth: usize) -> Created {
        let mut folder = self;
        let mut created = Created::Nothing;
        for (at, segment) in path.iter().enumerate() {
            if at >= depth {
                let made = folder.count_one(segment);
                if at == depth {
                    created = made;
                }
            }
            if at + 1 == path.len() {
                break;
            }
            let place = match folder.place(segment) {
                Ok(place) => place,
                Err(place) => {
                    // Most folders of a list are the last that it gets.
                    if folder.below.len() == folder.below.capacity() {
                        folder.below.reserve_exact(folder.below.len() / 4 + 1);
                    }
                    let made = (segment.as_str().into(), Self::default());
                    folder.below.insert(place, made);
                    place
                }
            };
            folder = &mut folder.below[place].1;
        }
        created
    }

    fn count_one(&mut self, segment: &str) -> Created {
        self.len += 1;
        if is_wild(segment) {
            self.open = true;
            match unique(segment) {
                Some(_) => self.unique += 1,
                None => self.many = true,
            }
            return Created::Class;
        }
        if segment != AND
            && let Some(class) = class(segment)
        {
            self.unique += u32::from(unique(&class).is_some());
            let counts = self.classes.get_or_insert_default();
            *counts.entry(class.into()).or_default() += 1;
        }
        Created::Name
    }

    /// Takes all names of a class out of a folder, with what is below them.
    pub(super) fn take(&mut self, folder: &[String], wanted: &str) {
        let Some(folder) = self.find_mut(folder) else {
            return;
        };
        let counts = folder.classes.as_mut();
        let count = counts.and_then(|counts| counts.remove(wanted));
        folder.len -= count.unwrap_or_default();
        if (folder.classes.as_ref()).is_some_and(|counts| counts.is_empty()) {
            folder.classes = None;
        }
        if unique(wanted).is_some() {
            folder.unique -= count.unwrap_or_default();
        }
        folder.below.retain(|(name, _)| !is_of(name, wanted));
    }
}

/// Whether a segment is a name of a class.
pub(super) fn is_of(segment: &str, wanted: &str) -> bool {
    // Names of a class begin as it does.
    segment.starts_with(before_token(wanted))
        && !is_wild(segment)
        && class(segment).as_deref() == Some(wanted)
}

/// The text of a class that each of its names begins with.
pub(super) fn before_token(class: &str) -> &str {
    class.split('{').next().unwrap_or_default()
}
