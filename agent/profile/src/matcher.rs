//! What a profile approves of and what it refuses, compiled for comparing.
//!
//! Entries are looked up by 128 bits of keyed hash, whose keys are random per process: who makes
//! names cannot make two that meet, and by chance none do. That needs no second copy of any
//! entry. Patterns are a tree of segments for each operation; a path is compared from its
//! first segment on, so patterns that begin elsewhere cost nothing.
//!
//! A pattern never excuses what is never learned, unless its own text falls under the same rule:
//! `/srv/**` does not excuse `/srv/.ssh/authorized_keys`, and `/usr/lib/app/*.so` excuses what
//! its folder's rule would report.

use crate::behaviour::{Behaviour, Exec, FileChange, Operation, Parent, SetId, Target};
use crate::entry::{Entry, Phase};
use crate::lineage;
use crate::pattern::{AND, Segment, segments};
use crate::rule::{self, Rule};
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};

/// What is known of an entry by its own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exact {
    /// A machine learned it, so a pattern that a person refused may take it away.
    Learned,
    /// Approved.
    Approved,
    /// A person refused it.
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key(u64, u64);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// Takes the key for its hash.
#[derive(Clone, Debug, Default)]
struct Plain(u64);

impl Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

/// What is known of a program, whoever executes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Program {
    /// Of its line without a parent.
    any: Option<Exact>,
    /// How many of its lines with a parent are what, in the order of [`Exact`].
    lines: [u32; 3],
}

impl Program {
    /// Whether it is approved under every parent.
    pub(crate) fn allows_any(&self) -> bool {
        matches!(self.any, Some(Exact::Learned | Exact::Approved))
    }

    /// Whether it is refused under every parent for which nobody decided otherwise.
    pub(crate) fn refuses_any(&self) -> bool {
        self.any == Some(Exact::Refused)
    }

    /// Whether it is approved under some parent.
    pub(crate) fn is_known(&self) -> bool {
        self.allows_any()
            || self.lines[Exact::Approved as usize] > 0
            || self.lines[Exact::Learned as usize] > 0 && !self.refuses_any()
    }

    /// Whether it is refused under some parent.
    pub(crate) fn is_refused(&self) -> bool {
        self.refuses_any() || self.lines[Exact::Refused as usize] > 0
    }
}

/// The compiled profile. It follows from the profile, so any two are equal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matcher {
    keys: [RandomState; 2],
    exact: HashMap<Key, Exact, BuildHasherDefault<Plain>>,
    allowed: Patterns,
    refused: Patterns,
    /// Programs, whoever executes them.
    programs: HashMap<Key, Program, BuildHasherDefault<Plain>>,
    /// Of how many the line without a parent is refused.
    refused_programs: usize,
}

impl PartialEq for Matcher {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Matcher {}

impl Matcher {
    /// An empty one for so many entries, with the same keys.
    pub(crate) fn emptied(&self, entries: usize) -> Self {
        let mut exact = HashMap::default();
        exact.reserve(entries);
        Self {
            keys: self.keys.clone(),
            exact,
            ..Self::default()
        }
    }

    fn key(&self, entry: &Entry) -> Key {
        Key(self.keys[0].hash_one(entry), self.keys[1].hash_one(entry))
    }

    /// What is known of an entry by its own name.
    pub(crate) fn exact(&self, entry: &Entry) -> Option<Exact> {
        self.exact.get(&self.key(entry)).copied()
    }

    /// Takes up an entry, and what it matches if it is a pattern.
    pub(crate) fn set(&mut self, entry: &Entry, exact: Exact) {
        let was = self.exact.insert(self.key(entry), exact);
        self.count(entry, was, Some(exact));
        match exact {
            Exact::Learned | Exact::Approved => self.allowed.add(entry),
            Exact::Refused => self.refused.add(entry),
        }
    }

    /// Nothing is known of an entry that is no pattern.
    pub(crate) fn unset(&mut self, entry: &Entry) {
        let was = self.exact.remove(&self.key(entry));
        self.count(entry, was, None);
    }

    /// Whether a pattern that was refused stands for it, or a line without a parent.
    pub(crate) fn refuses(&self, entry: &Entry) -> bool {
        match &entry.behaviour {
            Behaviour::Exec(exec) => {
                self.refused_programs > 0
                    && exec.parent != Parent::Any
                    && self.program(entry).is_some_and(Program::refuses_any)
            }
            _ => !self.refused.is_empty() && self.refused.find(entry).is_some(),
        }
    }

    /// Whether any program is refused whoever executes it.
    pub(crate) const fn refuses_programs(&self) -> bool {
        self.refused_programs > 0
    }

    fn program_key(&self, exec: &Exec, phase: Phase) -> Key {
        let program = lineage::identity(exec, phase);
        Key(
            self.keys[0].hash_one(program),
            self.keys[1].hash_one(program),
        )
    }

    /// What is known of the program in an entry, whoever executes it. `None` if nothing is, or it
    /// is no program.
    pub(crate) fn program(&self, entry: &Entry) -> Option<&Program> {
        let Behaviour::Exec(exec) = &entry.behaviour else {
            return None;
        };
        self.programs.get(&self.program_key(exec, entry.phase))
    }

    /// Keeps count of what is known of a program.
    fn count(&mut self, entry: &Entry, was: Option<Exact>, is: Option<Exact>) {
        let Behaviour::Exec(exec) = &entry.behaviour else {
            return;
        };
        let key = self.program_key(exec, entry.phase);
        let program = self.programs.entry(key).or_default();
        if exec.parent == Parent::Any {
            program.any = is;
            self.refused_programs -= usize::from(was == Some(Exact::Refused));
            self.refused_programs += usize::from(is == Some(Exact::Refused));
        } else {
            if let Some(was) = was {
                program.lines[was as usize] -= 1;
            }
            if let Some(is) = is {
                program.lines[is as usize] += 1;
            }
        }
        if *program == Program::default() {
            self.programs.remove(&key);
        }
    }

    /// The approved pattern that excuses it, if one does.
    pub(crate) fn excuse(&self, entry: &Entry) -> Option<&Entry> {
        if self.allowed.is_empty() {
            return None;
        }
        let found = self.allowed.find(entry)?;
        let class = rule::classify(&entry.behaviour);
        (class.learnable || found.guarded == Some(class.rule)).then_some(&found.entry)
    }
}

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
struct Patterns {
    trees: Vec<(Shape, Node)>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    literals: HashMap<Box<str>, Self>,
    wild: Vec<(Segment, Self)>,
    end: Option<Box<End>>,
}

/// Where a pattern ends.
#[derive(Clone, Debug)]
struct End {
    entry: Entry,
    /// The rule by which nothing of the kind is ever learned, if the pattern's own text is of it.
    guarded: Option<Rule>,
}

/// The segments of a path, and of the second behind it.
fn all_segments(file: &FileChange) -> Option<Vec<&str>> {
    let mut all: Vec<&str> = segments(&file.path)?.collect();
    if let (Target::Path, Some(target)) = (file.operation.target(), &file.target) {
        all.push(AND);
        all.extend(segments(target)?);
    }
    Some(all)
}

impl Patterns {
    const fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }

    fn add(&mut self, entry: &Entry) {
        let Behaviour::File(file) = &entry.behaviour else {
            return;
        };
        let (true, Some(all)) = (file.pattern, all_segments(file)) else {
            return;
        };
        let known = self
            .trees
            .iter()
            .position(|(shape, _)| shape.is_of(file, entry.phase));
        let at = known.unwrap_or_else(|| {
            let words = match file.operation.target() {
                Target::Words => file.target.clone(),
                Target::None | Target::Path => None,
            };
            let shape = Shape {
                operation: file.operation,
                phase: entry.phase,
                set_id: file.set_id,
                by: file.by.clone(),
                words,
            };
            self.trees.push((shape, Node::default()));
            self.trees.len() - 1
        });
        let mut node = &mut self.trees[at].1;
        for text in all {
            node = match Segment::parse(text) {
                Ok(Segment::Literal(name)) if text != AND => {
                    node.literals.entry(name.into()).or_default()
                }
                Ok(wild @ (Segment::Wild(_) | Segment::Deep)) => node.wild(wild),
                // Entries are checked when they are read; the mark between two paths stands as
                // it is.
                Ok(Segment::Literal(_)) | Err(_) => node.literals.entry(text.into()).or_default(),
            };
        }
        let class = rule::classify(&entry.behaviour);
        node.end = Some(Box::new(End {
            entry: entry.clone(),
            guarded: (!class.learnable).then_some(class.rule),
        }));
    }

    fn find(&self, entry: &Entry) -> Option<&End> {
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
        trees.find_map(|(_, tree)| tree.find(&all))
    }
}

impl Node {
    fn wild(&mut self, segment: Segment) -> &mut Self {
        let at = self
            .wild
            .iter()
            .position(|(known, _)| *known == segment)
            .unwrap_or_else(|| {
                self.wild.push((segment, Self::default()));
                self.wild.len() - 1
            });
        &mut self.wild[at].1
    }

    fn find(&self, rest: &[&str]) -> Option<&End> {
        let Some((first, behind)) = rest.split_first() else {
            return self.end.as_deref();
        };
        let literal = self.literals.get(*first);
        if let Some(end) = literal.and_then(|node| node.find(behind)) {
            return Some(end);
        }
        if *first == AND {
            return None;
        }
        self.wild.iter().find_map(|(segment, node)| match segment {
            Segment::Literal(_) => None,
            Segment::Wild(parts) => parts.matches(first).then(|| node.find(behind)).flatten(),
            Segment::Deep => {
                // Within the one path: the mark behind it ends what it may stand for.
                let most = rest.iter().take_while(|segment| **segment != AND).count();
                (1..=most).find_map(|count| node.find(&rest[count..]))
            }
        })
    }
}
