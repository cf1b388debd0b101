//! Databases of dpkg, also in the form of distroless images, and of apk.

use super::{Packages, told};
use crate::tree::{Id, Tree};
use std::collections::BTreeMap;

type Kept<'a> = BTreeMap<Vec<u8>, (Id, &'a [u8])>;

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end)
}

/// The value of a field that stands on a line.
fn field<'a>(line: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let (key, value) = line.split_at_checked(name.len())?;
    let is_it = key.eq_ignore_ascii_case(name.as_bytes());
    is_it.then(|| value.strip_prefix(b":").map(<[u8]>::trim_ascii))?
}

/// What a paragraph of dpkg says.
#[derive(Default)]
struct Paragraph<'a> {
    name: Option<&'a [u8]>,
    version: &'a [u8],
    architecture: &'a [u8],
    status: Option<&'a [u8]>,
    is_some: bool,
}

/// The paragraphs of a text; lines that go on are of no interest.
fn paragraphs(text: &[u8]) -> Vec<Paragraph<'_>> {
    let mut all = vec![Paragraph::default()];
    for line in lines(text) {
        let Some(now) = all.last_mut() else { break };
        if line.is_empty() {
            if now.is_some {
                all.push(Paragraph::default());
            }
            continue;
        }
        now.is_some = true;
        if let Some(name) = field(line, "Package") {
            now.name = Some(name);
        } else if let Some(version) = field(line, "Version") {
            now.version = version;
        } else if let Some(architecture) = field(line, "Architecture") {
            now.architecture = architecture;
        } else if let Some(status) = field(line, "Status") {
            now.status = Some(status);
        }
    }
    all.retain(|paragraph| paragraph.is_some);
    all
}

fn broken(packages: &mut Packages, path: &[u8], count: usize) {
    if count > 0 {
        let text = format!(
            "{count} paragraphs of {} name no package: it is damaged",
            told(path)
        );
        packages.not_read.push(text);
    }
}

fn take_list(tree: &Tree, packages: &mut Packages, number: usize, list: &[u8]) {
    for path in lines(list).filter(|path| !path.is_empty()) {
        if let Some(id) = packages.find(tree, path) {
            packages.take(tree, number, id);
        }
    }
}

pub(super) fn dpkg(tree: &Tree, kept: &Kept<'_>, packages: &mut Packages) {
    const STATUS: &[u8] = b"/var/lib/dpkg/status";
    let Some((_, text)) = kept.get(STATUS) else {
        return;
    };
    let mut damaged = 0;
    for paragraph in paragraphs(text) {
        let Some(name) = paragraph.name else {
            damaged += 1;
            continue;
        };
        // Of packages that were removed, configuration may be left.
        let is_there = paragraph
            .status
            .is_some_and(|status| status.ends_with(b" installed"));
        if !is_there {
            continue;
        }
        let Some(number) = packages.add("deb", name, paragraph.version, None) else {
            return;
        };
        let list = |end: &[&[u8]]| {
            let path = [&b"/var/lib/dpkg/info/"[..], name, &end.concat(), b".list"].concat();
            kept.get(&path)
        };
        let found = list(&[]).or_else(|| list(&[b":", paragraph.architecture]));
        if let Some((_, text)) = found {
            take_list(tree, packages, number, text);
        }
    }
    broken(packages, STATUS, damaged);
}

/// Distroless images have one file for each package, and beside it the sums of its files.
pub(super) fn distroless(tree: &Tree, kept: &Kept<'_>, packages: &mut Packages) {
    const FOLDER: &[u8] = b"/var/lib/dpkg/status.d/";
    for (path, (_, text)) in kept {
        if !path.starts_with(FOLDER) || path.ends_with(b".md5sums") {
            continue;
        }
        let all = paragraphs(text);
        broken(
            packages,
            path,
            all.iter().filter(|it| it.name.is_none()).count(),
        );
        for paragraph in all {
            let Some(name) = paragraph.name else { continue };
            let Some(number) = packages.add("deb", name, paragraph.version, None) else {
                return;
            };
            let sums = kept.get(&[&path[..], b".md5sums"].concat());
            for line in sums.into_iter().flat_map(|(_, sums)| lines(sums)) {
                let path = line
                    .iter()
                    .position(|byte| *byte == b' ')
                    .map(|at| &line[at..]);
                let found = path.and_then(|path| packages.find(tree, path.trim_ascii()));
                if let Some(id) = found {
                    packages.take(tree, number, id);
                }
            }
        }
    }
}

pub(super) fn apk(tree: &Tree, kept: &Kept<'_>, packages: &mut Packages) {
    let places = [&b"/lib/apk/db/installed"[..], b"/usr/lib/apk/db/installed"];
    let Some((path, text)) = places
        .iter()
        .find_map(|path| Some((path, kept.get(*path)?.1)))
    else {
        return;
    };
    let mut damaged = 0;
    for paragraph in text
        .split_inclusive(|byte| *byte == b'\n')
        .collect::<Vec<_>>()
        .split(|line| line.trim_ascii().is_empty())
    {
        let mut lines = paragraph
            .iter()
            .map(|line| line.trim_ascii_end())
            .peekable();
        if lines.peek().is_none() {
            continue;
        }
        let value = |key: &[u8]| {
            let mut all = paragraph.iter().map(|line| line.trim_ascii_end());
            all.find_map(|line| line.strip_prefix(key))
        };
        let Some(name) = value(b"P:") else {
            damaged += 1;
            continue;
        };
        let version = value(b"V:").unwrap_or_default();
        let Some(number) = packages.add("apk", name, version, None) else {
            return;
        };
        let mut folder: &[u8] = b"";
        for line in lines {
            if let Some(name) = line.strip_prefix(b"F:") {
                folder = name;
            } else if let Some(name) = line.strip_prefix(b"R:")
                && let Some(id) = packages.find(tree, &[folder, b"/", name].concat())
            {
                packages.take(tree, number, id);
            }
        }
    }
    broken(packages, path, damaged);
}
