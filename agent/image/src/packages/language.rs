//! Packages of Python and Node.

use super::{Damaged, Packages};
use crate::tree::{Id, Tree};
use serde::Deserialize;
use std::collections::BTreeMap;

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

pub(super) fn python(tree: &Tree, kept: &Kept<'_>, packages: &mut Packages) {
    let mut damaged = Damaged::default();
    for (path, (id, text)) in kept {
        let folder = folder_of(path);
        // What lists the files, and from where its names lead.
        let (list, from) = if path.ends_with(b".dist-info/METADATA") {
            ("RECORD", folder_of(folder))
        } else if path.ends_with(b".egg-info/PKG-INFO") {
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
        let list = packages.list(tree, kept.get(&[folder, b"/", list.as_bytes()].concat()));
        for line in (list.split(|byte| *byte == b'\n'))
            .map(<[u8]>::trim_ascii_end)
            .filter(|line| !line.is_empty())
            .take_while(|_| !tree.is_exhausted())
        {
            let name = cell(line);
            let found = match name.starts_with(b"/") {
                true => packages.find(tree, name),
                false => packages.find(tree, &[from, b"/", name].concat()),
            };
            if let Some(file) = found.filter(|file| file != id) {
                packages.take(tree, number, file);
            }
        }
    }
    damaged.tell(packages, "descriptions of Python packages");
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
    damaged.tell(packages, "package.json of Node packages");
}
