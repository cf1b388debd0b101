//! A tree of segments that remembers how many names of each class a folder has.

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
pub(super) struct Node {
    /// In the order of their segments.
    children: Vec<Child>,
    /// How many names of each class are children; classes that are nodes have none. Boxed because
    /// most nodes have no name of any class.
    #[expect(
        clippy::box_collection,
        reason = "one word instead of three in every node"
    )]
    classes: Option<Box<BTreeMap<Box<str>, usize>>>,
    /// Whether a class is a child.
    pub(super) open: bool,
    /// Whether a class that is not [`unique`] is one: then there were many names.
    many: bool,
    /// How many children are of unique classes, names and nodes.
    unique: u32,
}

/// A segment below another.
#[derive(Clone, Debug)]
pub(super) struct Child {
    segment: Box<str>,
    /// Whether a path ends here.
    end: bool,
    pub(super) below: Node,
}

impl Node {
    fn place(&self, segment: &str) -> Result<usize, usize> {
        self.children
            .binary_search_by(|child| (*child.segment).cmp(segment))
    }

    pub(super) fn child(&self, segment: &str) -> Option<&Child> {
        self.place(segment).ok().map(|at| &self.children[at])
    }

    /// How many names are or were below it that are not of [`unique`] classes, as far as that
    /// matters; `None` for more than enough. What is unique counts for itself alone: it becomes
    /// a node sooner or later, depending on the order in which names come, and may therefore not
    /// be what others wait for.
    pub(super) fn siblings(&self) -> Option<usize> {
        let names = self.children.len() - self.unique as usize;
        (!self.many && names <= SIBLINGS + 1).then_some(names)
    }

    /// How many names of a class that is no node yet.
    pub(super) fn count(&self, class: &str) -> usize {
        let counts = self.classes.as_ref();
        counts
            .and_then(|counts| counts.get(class))
            .copied()
            .unwrap_or_default()
    }

    /// All classes of names below it.
    pub(super) fn groups(&self) -> impl Iterator<Item = (&str, usize)> {
        self.classes
            .iter()
            .flat_map(|counts| counts.iter())
            .map(|(class, count)| (&**class, *count))
    }

    pub(super) fn find(&self, path: &[String]) -> Option<&Self> {
        path.iter().try_fold(self, |node, segment| {
            node.child(segment).map(|child| &child.below)
        })
    }

    fn find_mut(&mut self, path: &[String]) -> Option<&mut Self> {
        path.iter().try_fold(self, |node, segment| {
            let at = node.place(segment).ok()?;
            Some(&mut node.children[at].below)
        })
    }

    /// Puts a path in. Answers what was made below its first `depth` segments, which are there.
    pub(super) fn insert(&mut self, path: &[String], depth: usize) -> Created {
        let mut node = self;
        let mut created = Created::Nothing;
        for (at, segment) in path.iter().enumerate() {
            let place = match node.place(segment) {
                Ok(place) => place,
                Err(place) => {
                    let made = node.make(place, segment);
                    if at == depth {
                        created = made;
                    }
                    place
                }
            };
            let child = &mut node.children[place];
            child.end |= at + 1 == path.len();
            node = &mut child.below;
        }
        created
    }

    fn make(&mut self, place: usize, segment: &str) -> Created {
        self.children.insert(
            place,
            Child {
                segment: segment.into(),
                end: false,
                below: Self::default(),
            },
        );
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

    /// Takes out all paths through names of a class in a folder. Answers them whole.
    pub(super) fn take(&mut self, folder: &[String], wanted: &str) -> Vec<Vec<String>> {
        let Some(node) = self.find_mut(folder) else {
            return Vec::new();
        };
        if let Some(counts) = &mut node.classes {
            counts.remove(wanted);
        }
        // Names of a class begin as it does.
        let literal = wanted.split('{').next().unwrap_or_default();
        let is_one = |child: &mut Child| {
            child.segment.starts_with(literal)
                && !is_wild(&child.segment)
                && class(&child.segment).as_deref() == Some(wanted)
        };
        let taken: Vec<Child> = node.children.extract_if(.., is_one).collect();
        if unique(wanted).is_some() {
            node.unique -= taken.len() as u32;
        }
        let mut paths = Vec::new();
        let mut path = folder.to_vec();
        for child in &taken {
            child.ends(&mut path, &mut paths);
        }
        paths
    }
}

impl Child {
    /// All paths through it.
    fn ends(&self, path: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
        path.push(self.segment.to_string());
        if self.end {
            paths.push(path.clone());
        }
        for child in &self.below.children {
            child.ends(path, paths);
        }
        path.pop();
    }
}
