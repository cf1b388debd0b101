//! Packages of Python and Node.

use super::{Damaged, Packages};
use crate::tree::{Id, Kind, Tree};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

type Kept<'a> = BTreeMap<Vec<u8>, (Id, &'a [u8])>;

fn folder_of(path: &[u8]) -> &[u8] {
    let slash = path.iter().rposition(|byte| *byte == b'/');
    &path[..slash.unwrap_or_default()]
}

/// `Name` and `Version` of a header in the form of mail.
fn header(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mut name, mut version) = (None, None);
    for line in text
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end)
    {
        if line.is_empty() {
            break;
        }
        name = name.or_else(|| line.strip_prefix(b"Name:"));
        version = version.or_else(|| line.strip_prefix(b"Version:"));
    }
    Some((name?.trim_ascii(), version.unwrap_or_default().trim_ascii()))
}

/// The first cell of a line of CSV.
fn cell(line: &[u8]) -> &[u8] {
    match line.strip_prefix(b"\"") {
        Some(quoted) => quoted
            .split(|byte| *byte == b'"')
            .next()
            .unwrap_or_default(),
        None => line.split(|byte| *byte == b',').next().unwrap_or_default(),
    }
}

/// A package that has no list of its files.
struct Unlisted<'a> {
    number: usize,
    /// The folder of its modules.
    from: Id,
    /// Names of its modules.
    modules: BTreeSet<&'a [u8]>,
}

/// Packages by what lists their files: `RECORD`, `installed-files.txt`, and where both are missing, as in packages
/// of Debian, `top_level.txt`, which names the modules beside it. Of others nobody knows which modules they have.
pub(super) fn python(tree: &Tree, kept: &Kept<'_>, packages: &mut Packages) {
    let mut damaged = Damaged::default();
    let mut unlisted: Vec<Unlisted<'_>> = Vec::new();
    for (path, (id, text)) in kept {
        let folder = folder_of(path);
        let mut from = tree.nodes[*id as usize].parent;
        // What lists the files, and from where its names lead.
        let (list, base) = if path.ends_with(b".dist-info/METADATA") {
            from = tree.nodes[from as usize].parent;
            ("RECORD", folder_of(folder))
        } else if path.ends_with(b".egg-info/PKG-INFO") {
            from = tree.nodes[from as usize].parent;
            ("installed-files.txt", folder)
        } else if path.ends_with(b".egg-info") {
            ("", folder)
        } else {
            continue;
        };
        let Some((name, version)) = header(text) else {
            damaged.take(path);
            continue;
        };
        let within = packages.name(tree, *id);
        let Some(number) = packages.add("python", name, version, within) else {
            break;
        };
        packages.take(tree, number, *id);
        let beside = |name: &str| kept.get(&[folder, b"/", name.as_bytes()].concat());
        let mut has_files = false;
        let text = match list {
            "" => b"",
            list => packages.list(tree, beside(list)),
        };
        for line in lines(text).take_while(|_| !tree.is_exhausted()) {
            let name = cell(line);
            let found = match name.starts_with(b"/") {
                true => packages.find(tree, name),
                false => packages.find(tree, &[base, b"/", name].concat()),
            };
            if let Some(file) = found.filter(|file| file != id) {
                packages.take(tree, number, file);
                // What describes it is none of its code.
                has_files |= tree.nodes[file as usize].parent != tree.nodes[*id as usize].parent;
            }
        }
        if !has_files {
            let modules = match list {
                "" => b"",
                _ => packages.list(tree, beside("top_level.txt")),
            };
            let is_one = |name: &&[u8]| !name.contains(&b'/') && !matches!(*name, b"." | b"..");
            unlisted.push(Unlisted {
                number,
                from,
                modules: lines(modules).filter(is_one).collect(),
            });
        }
    }
    modules(tree, packages, &unlisted);
    damaged.tell(packages, "description", "of Python packages");
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    (text.split(|byte| *byte == b'\n'))
        .map(<[u8]>::trim_ascii_end)
        .filter(|line| !line.is_empty())
}

/// Gives packages the modules that they name, which nobody else lists. Several of one name share a namespace, of
/// which nobody knows whose each file is.
fn modules(tree: &Tree, packages: &mut Packages, unlisted: &[Unlisted<'_>]) {
    let mut named: HashMap<(Id, &[u8]), u32> = HashMap::new();
    for package in unlisted {
        for module in &package.modules {
            *named.entry((package.from, module)).or_default() += 1;
        }
    }
    for package in unlisted {
        let mut is_sure = false;
        for module in &package.modules {
            if named.get(&(package.from, module)) != Some(&1) {
                is_sure = false;
                break;
            }
            for id in files(tree, package.from, module) {
                packages.take(tree, package.number, id);
                is_sure = true;
            }
        }
        if !is_sure || tree.is_exhausted() {
            packages.unsure.insert(package.number);
        }
    }
}

/// The files of a module in a folder: sources, what they were compiled to, and libraries. All paths together bound
/// what is looked at, for modules may lie in others.
fn files(tree: &Tree, folder: Id, module: &[u8]) -> Vec<Id> {
    let mut files = Vec::new();
    let mut stack = Vec::new();
    let mut named = |folder: Id, also_folders: bool| {
        let children = &tree.nodes[folder as usize].children;
        let from = (Bound::Included(module), Bound::Unbounded);
        for (name, id) in children.range::<[u8], _>(from) {
            let Some(rest) = name.strip_prefix(module).filter(|_| !tree.is_exhausted()) else {
                break;
            };
            tree.steps.set(tree.steps.get() + 1);
            let is_file = rest.starts_with(b".") && tree.inode(*id).kind == Kind::File;
            if is_file || rest.is_empty() && also_folders {
                stack.push(*id);
            }
        }
    };
    named(folder, true);
    if let Some(cache) = tree.child(folder, b"__pycache__") {
        named(cache, false);
    }
    while let Some(id) = stack.pop().filter(|_| !tree.is_exhausted()) {
        tree.steps.set(tree.steps.get() + 1);
        match tree.inode(id).kind {
            Kind::File => files.push(id),
            _ => stack.extend(tree.nodes[id as usize].children.values()),
        }
    }
    files
}

#[derive(Deserialize)]
struct Described {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    version: Option<String>,
}

pub(super) fn node(tree: &Tree, kept: &Kept<'_>, packages: &mut Packages) {
    let mut damaged = Damaged::default();
    for (path, (id, text)) in kept
        .iter()
        .filter(|(path, _)| path.ends_with(b"/package.json"))
    {
        let described: Result<Described, _> = serde_json::from_slice(text);
        let Ok(described) = described else {
            damaged.take(path);
            continue;
        };
        let Some(name) = described.name else { continue };
        let within = packages.name(tree, *id);
        let version = described.version.unwrap_or_default();
        let Some(number) = packages.add("node", name.as_bytes(), version.as_bytes(), within) else {
            break;
        };
        // Others that lie in it are packages of their own.
        let mut stack = vec![tree.nodes[*id as usize].parent];
        while let Some(at) = stack.pop() {
            for (name, child) in &tree.nodes[at as usize].children {
                packages.take(tree, number, *child);
                if &**name != b"node_modules" {
                    stack.push(*child);
                }
            }
        }
    }
    damaged.tell(packages, "file", "(package.json) of Node packages");
}
