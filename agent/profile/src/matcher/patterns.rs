//! Patterns as trees of segments, one for each operation and what is besides.
//!
//! All nodes lie in one list. A name leads from a node to another by a hash of both, so no text is
//! kept: as of whole entries, it is keyed, and two do not meet. Wildcards are few, and patterns share
//! them: each form stands once in a list of its own.

use super::table_bytes;
use crate::behaviour::{Behaviour, FileChange, Operation, SetId, Target};
use crate::entry::keyed::Plain;
use crate::entry::packed::Packed;
use crate::entry::{Entry, Phase};
use crate::pattern::{AND, Segment, segments};
use crate::rule::{self, Rule};
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, RandomState};

/// What must be the same besides the path.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shape {
    operation: Operation,
    phase: Phase,
    set_id: Option<SetId>,
    by: Option<String>,
    /// A target that is no path.
    words: Option<String>,
}

impl Shape {
    fn is_of(&self, file: &FileChange, phase: Phase) -> bool {
        self.operation == file.operation
            && self.phase == phase
            && self.set_id == file.set_id
            && self.by == file.by
            && (file.operation.target() == Target::Path || self.words == file.target)
    }
}

/// Patterns as a tree for each operation and what is besides.
#[derive(Clone, Debug, Default)]
pub(super) struct Patterns {
    /// Each with the number of its first node.
    trees: Vec<(Shape, u32)>,
    key: RandomState,
    nodes: Vec<Node>,
    /// The node that a name leads to, by the hash of where it begins and the name.
    names: HashMap<u64, u32, BuildHasherDefault<Plain>>,
    /// Ways by wildcards, of each node a list.
    ways: Vec<Way>,
    /// The forms of wildcards, each once.
    forms: Vec<Segment>,
    /// Their numbers, by the hashes of their texts.
    numbers: HashMap<u64, u32, BuildHasherDefault<Plain>>,
    ends: Vec<End>,
}

/// No number of anything.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Node {
    /// The first way by a wildcard.
    way: u32,
    /// The pattern that ends here.
    end: u32,
    /// Whether any name leads on.
    named: bool,
}

#[derive(Clone, Copy, Debug)]
struct Way {
    form: u32,
    to: u32,
    /// The next one from the same node.
    next: u32,
}

/// Where a pattern ends.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) entry: Packed,
    /// The rule by which nothing of the kind is ever learned, if the pattern's own text is of it.
    pub(super) guarded: Option<Rule>,
}

/// The segments of a path, and of the second behind it.
fn all_segments(file: &FileChange) -> Option<Vec<&str>> {
    // Few paths have more.
    let mut all = Vec::with_capacity(8);
    all.extend(segments(&file.path)?);
    if let (Target::Path, Some(target)) = (file.operation.target(), &file.target) {
        all.push(AND);
        all.extend(segments(target)?);
    }
    Some(all)
}

/// The number of what is added to a list, which profiles keep far below the largest.
const fn number(len: usize) -> u32 {
    len as u32
}

impl Patterns {
    pub(super) const fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }

    /// Bytes that it has room for, texts of forms and shapes aside, which are few; those of entries
    /// are shared with the profile.
    pub(super) fn bytes(&self) -> usize {
        self.trees.capacity() * size_of::<(Shape, u32)>()
            + self.nodes.capacity() * size_of::<Node>()
            + table_bytes::<(u64, u32)>(self.names.capacity())
            + self.ways.capacity() * size_of::<Way>()
            + self.forms.capacity() * size_of::<Segment>()
            + table_bytes::<(u64, u32)>(self.numbers.capacity())
            + self.ends.capacity() * size_of::<End>()
    }

    fn node(&mut self) -> u32 {
        self.nodes.push(Node {
            way: NONE,
            end: NONE,
            named: false,
        });
        number(self.nodes.len() - 1)
    }

    pub(super) fn add(&mut self, entry: &Entry) {
        let Behaviour::File(file) = &entry.behaviour else {
            return;
        };
        let (true, Some(all), Some(packed)) = (file.pattern, all_segments(file), Packed::of(entry))
        else {
            return;
        };
        let mut node = self.tree(file, entry.phase);
        for text in all {
            node = match Segment::parse(text) {
                Ok(Segment::Literal(name)) if text != AND => self.by_name(node, &name),
                Ok(wild @ (Segment::Wild(_) | Segment::Deep)) => self.by_form(node, text, wild),
                // Entries are checked when they are read; the mark between two paths stands as
                // it is.
                Ok(Segment::Literal(_)) | Err(_) => self.by_name(node, text),
            };
        }
        let class = rule::classify(&entry.behaviour);
        let end = End {
            entry: packed,
            guarded: (!class.learnable).then_some(class.rule),
        };
        let at = self.nodes[node as usize].end;
        match self.ends.get_mut(at as usize) {
            Some(known) => *known = end,
            None => {
                self.nodes[node as usize].end = number(self.ends.len());
                self.ends.push(end);
            }
        }
    }

    /// The first node for changes of this kind.
    fn tree(&mut self, file: &FileChange, phase: Phase) -> u32 {
        if let Some((_, root)) = self
            .trees
            .iter()
            .find(|(shape, _)| shape.is_of(file, phase))
        {
            return *root;
        }
        let words = match file.operation.target() {
            Target::Words => file.target.clone(),
            Target::None | Target::Path => None,
        };
        let shape = Shape {
            operation: file.operation,
            phase,
            set_id: file.set_id,
            by: file.by.clone(),
            words,
        };
        let root = self.node();
        self.trees.push((shape, root));
        root
    }

    fn by_name(&mut self, from: u32, name: &str) -> u32 {
        let key = self.way_of(from, name);
        if let Some(to) = self.names.get(&key) {
            return *to;
        }
        let to = self.node();
        self.names.insert(key, to);
        self.nodes[from as usize].named = true;
        to
    }

    /// A hash of a node and a name. Each node has names of its own, because the hash of a name is
    /// nobody's to know.
    fn way_of(&self, from: u32, name: &str) -> u64 {
        let node = u64::from(from).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.key.hash_one(name) ^ node
    }

    fn by_form(&mut self, from: u32, text: &str, wild: Segment) -> u32 {
        let forms = &mut self.forms;
        let form = *(self.numbers.entry(self.key.hash_one(text))).or_insert_with(|| {
            forms.push(wild);
            number(forms.len() - 1)
        });
        let mut last = NONE;
        for at in self.ways_of(from) {
            let way = self.ways[at as usize];
            if way.form == form {
                return way.to;
            }
            last = at;
        }
        let to = self.node();
        let at = number(self.ways.len());
        let next = NONE;
        self.ways.push(Way { form, to, next });
        // In the order in which they came.
        match self.ways.get_mut(last as usize) {
            Some(way) => way.next = at,
            None => self.nodes[from as usize].way = at,
        }
        to
    }

    /// The numbers of a node's ways.
    fn ways_of(&self, node: u32) -> impl Iterator<Item = u32> + use<'_> {
        let valid = |at: u32| (at != NONE).then_some(at);
        let first = valid(self.nodes[node as usize].way);
        std::iter::successors(first, move |at| valid(self.ways[*at as usize].next))
    }

    pub(super) fn find(&self, entry: &Entry) -> Option<&End> {
        let Behaviour::File(file) = &entry.behaviour else {
            return None;
        };
        if file.pattern {
            return None;
        }
        let mut trees = self
            .trees
            .iter()
            .filter(|(shape, _)| shape.is_of(file, entry.phase))
            .peekable();
        trees.peek()?;
        let all = all_segments(file)?;
        trees.find_map(|(_, root)| self.find_from(*root, &all))
    }

    fn find_from(&self, node: u32, rest: &[&str]) -> Option<&End> {
        let here = self.nodes[node as usize];
        let Some((first, behind)) = rest.split_first() else {
            return self.ends.get(here.end as usize);
        };
        if here.named
            && let Some(to) = self.names.get(&self.way_of(node, first))
            && let Some(end) = self.find_from(*to, behind)
        {
            return Some(end);
        }
        if *first == AND {
            return None;
        }
        self.ways_of(node).find_map(|at| {
            let way = self.ways[at as usize];
            match &self.forms[way.form as usize] {
                Segment::Literal(_) => None,
                Segment::Wild(parts) => parts
                    .matches(first)
                    .then(|| self.find_from(way.to, behind))
                    .flatten(),
                Segment::Deep => {
                    // Within the one path: the mark behind it ends what it may stand for.
                    let most = rest.iter().take_while(|segment| **segment != AND).count();
                    (1..=most).find_map(|count| self.find_from(way.to, &rest[count..]))
                }
            }
        })
    }
}
