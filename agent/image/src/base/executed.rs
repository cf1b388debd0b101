//! What was executed of an image: what was seen to be, and what follows from that.
//!
//! A script is started by its interpreter, so that was executed too, whether the evidence has it or not. The
//! program that the image's configuration names counts even where it was not seen: another container of the image
//! may start it.

use super::Known;
use super::linked::{configured, interpreter};
use crate::linkage::Linkage;
use crate::tree::{Id, Kind as Node, Magic};
use lapwing_profile::behaviour::{Behaviour, Parent};
use lapwing_profile::entry::Phase;
use lapwing_profile::profile::Verdict;
use lapwing_profile::text::{bytes, canonical};
use std::collections::{BTreeMap, BTreeSet};

/// Why a file counts as executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It was seen to be.
    Seen,
    /// A script that counts as executed names it.
    Interpreter,
    /// The image's configuration names it.
    Configured,
}

impl Why {
    /// As it is told behind what it is.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Seen => "was executed",
            Self::Interpreter => "is named by a script that was executed",
            Self::Configured => "is named by the image's configuration",
        }
    }
}

/// Files that count as executed.
pub(super) struct Executed {
    /// Each once for each of its names where it was seen, else once.
    pub all: Vec<Id>,
    /// Those that were not seen to be, by the numbers of their inodes.
    pub why: BTreeMap<u32, Why>,
    /// Whether all that others name was found.
    pub is_whole: bool,
    /// What the configuration names, where that was not seen to be executed.
    pub configured: Option<String>,
}

impl Executed {
    pub(super) fn of(known: &Known<'_>) -> Self {
        let tree = known.tree;
        let number = |id: Id| tree.nodes[id as usize].inode;
        let run = known.layout.run();
        let mut result = Self {
            all: seen(known),
            why: BTreeMap::new(),
            is_whole: true,
            configured: None,
        };
        let mut counted: BTreeSet<u32> = result.all.iter().map(|id| number(*id)).collect();
        let mut left = result.all.clone();
        if let Some(named) = configured(tree, run) {
            let named = named.found();
            match named.filter(|id| tree.inode(*id).kind == Node::File) {
                Some(id) if counted.contains(&number(id)) => {}
                Some(id) => {
                    counted.insert(number(id));
                    result.why.insert(number(id), Why::Configured);
                    result.configured = Some(canonical(&tree.path(id)));
                    result.all.push(id);
                    left.push(id);
                }
                // It may need anything.
                None => result.is_whole = false,
            }
        }
        let mut scripts = BTreeSet::new();
        while let Some(id) = left.pop() {
            if tree.inode(id).magic != Magic::Script || !scripts.insert(number(id)) {
                continue;
            }
            let named = match tree.inode(id).linkage.as_deref() {
                Some(Linkage::Script(name)) => interpreter(tree, run, name).found(),
                _ => None,
            };
            let Some(found) = named.filter(|id| tree.inode(*id).kind == Node::File) else {
                result.is_whole = false;
                continue;
            };
            if counted.insert(number(found)) {
                let of = result.why.get(&number(id)).copied();
                let why = of.unwrap_or(Why::Interpreter);
                result.why.insert(number(found), why);
                result.all.push(found);
                left.push(found);
            }
        }
        result
    }
}

/// By the number of the inode: who executed it, by the profile, and scripts that name it.
pub(super) fn issuers(known: &Known<'_>, executed: &[Id]) -> BTreeMap<u32, BTreeSet<String>> {
    let tree = known.tree;
    let mut all: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    let verdicts = [Verdict::Approved, Verdict::Pending, Verdict::Refused];
    let entries = { known.profile.into_iter() }
        .flat_map(|profile| verdicts.into_iter().flat_map(|it| profile.entries(it)));
    for (entry, record) in entries {
        if entry.phase == Phase::Escaped || record.first.is_none() {
            continue;
        }
        let Behaviour::Exec(exec) = entry.behaviour else {
            continue;
        };
        let Some(id) = bytes(&exec.path).and_then(|path| tree.find(&path, true)) else {
            continue;
        };
        let of = all.entry(tree.nodes[id as usize].inode).or_default();
        match exec.parent {
            Parent::Program(path) => drop(of.insert(path)),
            Parent::Runtime => drop(of.insert("the container's runtime".to_owned())),
            Parent::Any | Parent::Unknown => {}
        }
        of.extend(exec.script);
    }
    let mut seen = BTreeSet::new();
    for id in executed {
        if let Some(Linkage::Script(name)) = tree.inode(*id).linkage.as_deref()
            && seen.insert(tree.nodes[*id as usize].inode)
            && let Some(found) = interpreter(tree, known.layout.run(), name).found()
        {
            let of = all.entry(tree.nodes[found as usize].inode).or_default();
            of.insert(canonical(&tree.path(*id)));
        }
    }
    all
}

/// Nodes of what was executed, each file once for each of its names.
fn seen(known: &Known<'_>) -> Vec<Id> {
    let mut all = Vec::new();
    known.tree.visit(|id, inode| {
        if inode.kind == Node::File && known.is_executed(known.tree.nodes[id as usize].inode) {
            all.push(id);
        }
    });
    all
}
