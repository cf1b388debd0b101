//! What a tree says of a path, and of the classes in a folder.

use super::parts::{Shape, entry, is_free, parts, path_of, unescape};
use super::tree::{Created, Folder, before_token, is_of};
use super::{ALIKE, Leaves, SIBLINGS};
use crate::entry::packed;
use crate::pattern::{AND, class, unique};
use std::borrow::Borrow;
use std::collections::BTreeSet;

/// One tree, with the leaves that belong to it.
pub(super) struct View<'a> {
    pub(super) shape: &'a Shape,
    pub(super) tree: &'a Folder,
    pub(super) leaves: &'a Leaves,
}

impl View<'_> {
    /// Whether something was learned that these segments are the whole of.
    fn ends(&self, all: &[String]) -> bool {
        let bytes = packed::bytes(&entry(self.shape, all));
        bytes.is_some_and(|bytes| self.leaves.contains_key(&*bytes))
    }

    /// Whether a folder has a name or a class in it.
    fn has(&self, folder: &Folder, path: &[String], name: &str) -> bool {
        folder.child(name).is_some() || self.ends(&[path, &[name.to_owned()]].concat())
    }

    /// Replaces each segment by the class that its place in the tree has a node for. Answers how
    /// many segments the tree knows.
    pub(super) fn classify(&self, all: &mut [String]) -> usize {
        let mut folder = self.tree;
        for at in 0..all.len() {
            if is_free(all, at)
                && folder.open
                && let Some(class) = class(&all[at])
                && self.has(folder, &all[..at], &class)
            {
                all[at] = class;
            }
            match folder.child(&all[at]) {
                Some(child) => folder = child,
                // Nothing is below it.
                None => return at + usize::from(self.ends(&all[..=at])),
            }
        }
        all.len()
    }

    /// The classes that become nodes of the folder that was changed.
    pub(super) fn due(&self, all: &[String], depth: usize, created: Created) -> Vec<String> {
        if created == Created::Nothing || !is_free(all, depth) {
            return Vec::new();
        }
        let path = &all[..depth];
        let Some(folder) = self.tree.find(path) else {
            return Vec::new();
        };
        let siblings = folder.siblings();
        let is_due = |class: &str, count: usize| {
            folder.open && self.has(folder, path, class)
                || match unique(class) {
                    Some(enough) => count >= enough,
                    None => count >= ALIKE && siblings.is_none_or(|count| count > SIBLINGS),
                }
        };
        // One name more concerns its own class, unless it is the one that makes them many.
        if created == Created::Name && siblings != Some(SIBLINGS + 1) {
            let class = class(&all[depth]);
            return class
                .filter(|class| is_due(class, folder.count(class)))
                .into_iter()
                .collect();
        }
        folder
            .groups()
            .filter(|(class, count)| is_due(class, *count))
            .map(|(class, _)| class.to_owned())
            .collect()
    }

    /// The leaves through names of a class in a folder, whole.
    pub(super) fn through(&self, path: &[String], wanted: &str) -> Vec<Vec<String>> {
        let begins: BTreeSet<Vec<u8>> = [false, true]
            .into_iter()
            .map(|pattern| begin(self.shape, path, before_token(wanted), pattern))
            .collect();
        let mut found = Vec::new();
        for begin in begins {
            let from = self.leaves.from(&*begin).map(|(leaf, _)| leaf);
            let of = from.take_while(|leaf| {
                let bytes: &[u8] = (*leaf).borrow();
                bytes.starts_with(&begin)
            });
            for leaf in of {
                let Some((shape, all)) = parts(&leaf.entry()) else {
                    continue;
                };
                if shape == *self.shape
                    && all.starts_with(path)
                    && all.get(path.len()).is_some_and(|name| is_of(name, wanted))
                {
                    found.push(all);
                }
            }
        }
        found
    }
}

/// What the leaves of a folder begin with whose name there begins with `name`.
fn begin(shape: &Shape, path: &[String], name: &str, pattern: bool) -> Vec<u8> {
    let text = |parts: &[String]| {
        let mut text = String::new();
        for part in parts.iter().map(String::as_str).chain([name]) {
            text.push('/');
            text.push_str(part);
        }
        if pattern { text } else { unescape(&text) }
    };
    match path.iter().position(|part| part == AND) {
        None => packed::prefix(shape.operation, [Some(&text(path)), None], pattern),
        Some(at) => {
            let first = path_of(&path[..at], pattern);
            let second = text(&path[at + 1..]);
            packed::prefix(shape.operation, [Some(&first), Some(&second)], pattern)
        }
    }
}
