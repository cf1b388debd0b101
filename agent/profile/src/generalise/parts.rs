//! The segments of a file change, which form the tree, and back.

use crate::behaviour::{Behaviour, FileChange, Operation, Target};
use crate::entry::{Entry, Phase};
use crate::pattern::{self, AND, segments};

/// What two changes must share for their paths to be siblings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape {
    pub(super) operation: Operation,
    pub(super) phase: Phase,
    /// A target that is no path.
    pub(super) words: Option<String>,
}

/// Shape and segments of an entry that [`super::is_general`], in the language of patterns.
pub(super) fn parts(entry: &Entry) -> Option<(Shape, Vec<String>)> {
    let Behaviour::File(file) = &entry.behaviour else {
        return None;
    };
    let text = |part: &str| {
        if file.pattern {
            part.to_owned()
        } else {
            pattern::escape(part)
        }
    };
    let mut all: Vec<String> = segments(&file.path)?.map(text).collect();
    let mut words = None;
    match (file.operation.target(), &file.target) {
        (Target::Path, Some(target)) => {
            all.push(AND.to_owned());
            all.extend(segments(target)?.map(text));
        }
        (_, target) => words.clone_from(target),
    }
    let shape = Shape {
        operation: file.operation,
        phase: entry.phase,
        words,
    };
    Some((shape, all))
}

/// A text in which stars and braces mean themselves.
pub(super) fn unescape(text: &str) -> String {
    text.replace("\\x2a", "*").replace("\\x7b", "{")
}

/// The path of these segments.
pub(super) fn path_of(parts: &[String], pattern: bool) -> String {
    let mut path = String::new();
    for part in parts {
        path.push('/');
        path.push_str(part);
    }
    if pattern { path } else { unescape(&path) }
}

/// The entry that these segments are.
pub(super) fn entry(shape: &Shape, all: &[String]) -> Entry {
    let pattern = all.iter().any(|part| is_wild(part));
    let mut ends = all.split(|part| part == AND);
    let first = path_of(ends.next().unwrap_or_default(), pattern);
    let target = ends.next().map(|parts| path_of(parts, pattern));
    let target = target.or_else(|| shape.words.clone());
    Entry {
        behaviour: FileChange {
            pattern,
            target,
            ..FileChange::new(shape.operation, first)
        }
        .into(),
        phase: shape.phase,
    }
}

/// Whether a segment of a machine's pattern has a wildcard.
pub(super) fn is_wild(part: &str) -> bool {
    part.contains('{')
}

/// Whether the segment at a place may become part of a pattern.
pub(super) fn is_free(all: &[String], at: usize) -> bool {
    at > 0 && all[at - 1] != AND
}
