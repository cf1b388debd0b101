//! Names of a layer that are still to be looked at, each folder before what is in it.
//!
//! No whole path of them is kept but that of the one that is next: a folder deep down with many names would else
//! take its own path for each.

use std::vec::IntoIter;

/// A name in a folder.
pub(super) type Name = Box<[u8]>;

/// Names of a folder, of what lies in it, and so on.
#[derive(Default)]
pub(super) struct Pending {
    /// Of what came last.
    path: Vec<u8>,
    /// Of each folder on the way down: bytes of its path, and what is left in it.
    folders: Vec<(usize, IntoIter<Name>)>,
}

impl Pending {
    /// Goes into what came last, or at first into the root, of which these are the names.
    pub(super) fn enter(&mut self, names: Vec<Name>) {
        if !names.is_empty() {
            self.folders.push((self.path.len(), names.into_iter()));
        }
    }

    /// The path of the next name.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        loop {
            let (length, names) = self.folders.last_mut()?;
            self.path.truncate(*length);
            if let Some(name) = names.next() {
                if !self.path.is_empty() {
                    self.path.push(b'/');
                }
                self.path.extend_from_slice(&name);
                return Some(&self.path);
            }
            self.folders.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_folder_comes_before_what_is_in_it() {
        let names = |all: &[&str]| all.iter().map(|it| Box::from(it.as_bytes())).collect();
        let mut pending = Pending::default();
        pending.enter(names(&["a", "b", "c"]));
        let mut seen = Vec::new();
        while let Some(path) = pending.next() {
            let path = String::from_utf8(path.to_vec()).unwrap();
            match &*path {
                "a" => pending.enter(names(&["x", "y"])),
                "a/y" => pending.enter(names(&["deep"])),
                "b" => pending.enter(Vec::new()),
                _ => {}
            }
            seen.push(path);
        }
        assert_eq!(seen, ["a", "a/x", "a/y", "a/y/deep", "b", "c"]);
        assert_eq!(pending.next(), None);
    }
}
