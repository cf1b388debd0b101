//! Namespaces that end, or are gone.
//!
//! Who deletes a namespace deletes the objects in it, and means to. Nothing can be made in it from then on, which the API
//! says in the words of a right that is missing; and nodes keep their files of what ran there. So what runs nowhere, and
//! all of one that is gone, is forgotten with the first object that is refused for that, and a node that has the file alone
//! does not bring it back.
//! A namespace that is made anew under the name is another: what runs there begins again, with the first object that is
//! made.

use std::collections::BTreeSet;

/// Most that are remembered. One that is not is asked for once more.
const MAX: usize = 1_000;

/// As the API said last.
#[derive(Debug, Default)]
pub struct Gone(BTreeSet<String>);

impl Gone {
    /// This one ends, or is gone.
    pub fn put(&mut self, namespace: &str) {
        if self.0.len() >= MAX && !self.has(namespace) {
            self.0.pop_first();
        }
        self.0.insert(namespace.to_owned());
    }

    /// Something was made in it.
    pub fn remove(&mut self, namespace: &str) {
        self.0.remove(namespace);
    }

    /// Whether it is one.
    pub fn has(&self, namespace: &str) -> bool {
        self.0.contains(namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_too_many() {
        let mut gone = Gone::default();
        for number in 0..2 * MAX {
            gone.put(&format!("n{number:05}"));
        }
        assert_eq!(gone.0.len(), MAX);
        assert!(gone.has("n01999") && !gone.has("n00000"));
        gone.remove("n01999");
        assert!(!gone.has("n01999"));
    }
}
