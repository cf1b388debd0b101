//! Up to when each agent was heard, as a client's cursor carries it.
//!
//! The relay's stream is in memory, and numbers in it are of one leader. What outlasts a leader is in the
//! logs of agents. So a cursor has a place in this leader's stream, and beside it, for another leader,
//! the time up to which everything of every agent had come before that place: from there agents are
//! asked again. One time for all would be held back by the slowest, a node that is away for days; so
//! those that are behind the others have times of their own, up to [`LATE_MAX`] of them. Are there more,
//! the time for all is as early as theirs. Times are in milliseconds, and never later than the truth: what is
//! too early comes twice, under the same id; what is too late would be missing.

use crate::feed::cursor::Cursor as Place;
use std::collections::BTreeMap;
use std::fmt::{self, Display};

/// Most agents that have a time of their own.
pub const LATE_MAX: usize = 32;
/// Less than so many milliseconds behind the others is not behind.
const NEAR: i64 = 60_000;

/// Up to when each agent was heard, in milliseconds since the Unix epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// All but these.
    safe: i64,
    /// By the digests of their nodes' names.
    late: BTreeMap<u32, i64>,
}

/// A node in a cursor. Two with the same are both as late as the later one.
#[must_use]
pub fn digest(node: &str) -> u32 {
    let hash = ring::digest::digest(&ring::digest::SHA256, node.as_bytes());
    let first: [u8; 4] = std::array::from_fn(|index| hash.as_ref()[index]);
    u32::from_be_bytes(first)
}

impl Marks {
    /// The same for all.
    #[must_use]
    pub const fn all(safe: i64) -> Self {
        Self {
            safe,
            late: BTreeMap::new(),
        }
    }

    /// Of these, by the digests of their names; `default` where there are none.
    #[must_use]
    pub fn of(nodes: &[(u32, i64)], default: i64) -> Self {
        let newest = nodes.iter().map(|(_, at)| *at).max().unwrap_or(default);
        let near = newest.saturating_sub(NEAR);
        let safe = { nodes.iter() }
            .map(|(_, at)| *at)
            .filter(|at| *at >= near)
            .min();
        let late = nodes.iter().filter(|(_, at)| *at < near);
        Self::all(safe.unwrap_or(default)).lowered(late.copied())
    }

    /// Up to when this one was heard.
    #[must_use]
    pub fn at(&self, node: u32) -> i64 {
        self.late.get(&node).copied().unwrap_or(self.safe)
    }

    /// These no later than so.
    #[must_use]
    pub fn lowered(mut self, nodes: impl IntoIterator<Item = (u32, i64)>) -> Self {
        for (node, at) in nodes {
            if at < self.at(node) {
                self.late.insert(node, at);
            }
        }
        while self.late.len() > LATE_MAX {
            let Some((&node, &at)) = self.late.iter().max_by_key(|(_, at)| **at) else {
                break;
            };
            self.late.remove(&node);
            self.safe = self.safe.min(at);
        }
        self.late.retain(|_, at| *at < self.safe);
        self
    }

    /// Those that are behind.
    pub fn late(&self) -> impl Iterator<Item = (u32, i64)> {
        self.late.iter().map(|(node, at)| (*node, *at))
    }

    /// Reads what [`Display`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |text: &str| i64::from_str_radix(text, 16).ok();
        let mut parts = text.split('.');
        let mut marks = Self::all(hex(parts.next()?)?);
        for part in parts {
            let (node, at) = part.split_at_checked(8)?;
            let node = u32::from_str_radix(node, 16).ok()?;
            marks.late.insert(node, hex(at)?);
        }
        (marks.late.len() <= LATE_MAX).then_some(marks)
    }
}

impl Display for Marks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Nothing was before the epoch.
        write!(out, "{:x}", self.safe.max(0))?;
        for (node, at) in &self.late {
            write!(out, ".{node:08x}{:x}", (*at).max(0))?;
        }
        Ok(())
    }
}

/// A place in the stream of the relay. Clients keep its text as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// In the stream of the leader that gave it out.
    pub place: Place,
    /// Up to when agents had been heard before it.
    pub marks: Marks,
    /// Whether some agents were still to be asked again, from their marks on.
    pub owed: bool,
}

impl Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owed = if self.owed { "o" } else { "" };
        write!(out, "{}_{owed}{}", self.place, self.marks)
    }
}

impl Cursor {
    /// Reads what [`Display`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (place, marks) = text.split_once('_')?;
        let bare = marks.strip_prefix('o');
        Some(Self {
            place: Place::parse(place)?,
            marks: Marks::parse(bare.unwrap_or(marks))?,
            owed: bare.is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn those_that_are_behind_have_their_own_time() {
        let now = 1_000_000_000;
        let marks = Marks::of(&[(1, now), (2, now - 5), (3, now - NEAR - 1), (4, 7)], 0);
        let at = [1, 2, 3, 4, 9].map(|node| marks.at(node));
        assert_eq!(at, [now - 5, now - 5, now - NEAR - 1, 7, now - 5]);
        assert_eq!(Marks::of(&[], 9), Marks::all(9));
        // Too many of them: all are as late as the best of these.
        let many: Vec<_> = (0..100).map(|node| (node, i64::from(node))).collect();
        let marks = Marks::of(&[many.clone(), vec![(500, now)]].concat(), 0);
        assert_eq!(marks.at(500), 32);
        assert!(many.iter().all(|(node, at)| marks.at(*node) <= *at));
        assert_eq!((marks.at(0), marks.at(31)), (0, 31));
    }

    proptest! {
        #[test]
        fn none_is_later_than_it_was_told(
            nodes in prop::collection::vec((0_u32..80, 0_i64..200_000), 0..120),
            lower in prop::collection::vec((0_u32..80, 0_i64..200_000), 0..60),
        ) {
            let marks = Marks::of(&nodes, 0).lowered(lower.iter().copied());
            for (node, at) in nodes.iter().chain(&lower) {
                prop_assert!(marks.at(*node) <= *at);
            }
            prop_assert_eq!(Marks::parse(&marks.to_string()), Some(marks));
        }

        #[test]
        fn whatever_text_it_is_nothing_breaks(text: String) {
            if let Some(cursor) = Cursor::parse(&text) {
                let again = Cursor::parse(&cursor.to_string());
                prop_assert!(again.is_some());
            }
        }
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        for text in ["ff-12-10_3e8", "ff.100.7-12-10-5_o3e8.0000000a1", "1-0-0_0"] {
            assert_eq!(Cursor::parse(text).unwrap().to_string(), text);
        }
        let long = format!("1-0-0_0{}", ".000000001".repeat(2));
        assert!(Cursor::parse(&long).is_some());
        let many: String = (0..=LATE_MAX).map(|node| format!(".{node:08x}1")).collect();
        for bad in [
            "",
            "ff-12-10",
            "_1",
            "1-0-0_",
            "1-0-0_x",
            "1-0-0_1.0",
            &format!("1-0-0_1{many}"),
        ] {
            assert_eq!(Cursor::parse(bad), None, "{bad}");
        }
    }
}
