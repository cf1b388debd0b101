//! Files in use that are no programs and no libraries: what bases may bring of them, and what of the base's own has to be
//! brought along.

use super::kind::Kind;
use super::linked::name_of;
use super::needs::{Needs, Requirement};
use super::{Known, NAMED_MAX, goes};
use crate::notable::{Tool, tool};
use crate::report::{First, Sum};
use crate::tree::{Id, Kind as Node, Magic};
use lapwing_profile::inventory::uses;
use lapwing_profile::text::canonical;

/// Files that the smallest bases have, by the beginnings of their paths.
const FILES: &[(Requirement, &str, &[&str])] = &[
    (
        Requirement::Certificates,
        "CA certificates were read",
        &[
            "/etc/ca-certificates/",
            "/etc/pki/",
            "/etc/ssl/cert.pem",
            "/etc/ssl/certs/",
            "/usr/local/share/ca-certificates/",
            "/usr/share/ca-certificates/",
        ],
    ),
    (
        Requirement::TimeZones,
        "time zones were read",
        &["/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo/"],
    ),
    (
        Requirement::Users,
        "users were looked up",
        &["/etc/group", "/etc/nsswitch.conf", "/etc/passwd"],
    ),
    (
        Requirement::Temporary,
        "temporary files were made or read",
        &["/tmp/", "/var/tmp/"],
    ),
];

/// The index that a loader looks libraries up in, which each base has of its own.
const INDEX: &[u8] = b"/etc/ld.so.cache";

fn begins(path: &[u8], all: &[&str]) -> bool {
    all.iter().any(|start| path.starts_with(start.as_bytes()))
}

/// Whether a file is of a locale, or converts character sets.
fn is_locale(path: &[u8]) -> bool {
    let folders = ["/usr/lib/locale/", "/usr/share/locale/", "/usr/share/i18n/"];
    begins(path, &folders) || path.windows(7).any(|part| part == b"/gconv/")
}

/// Files that are no programs.
pub(super) fn needs(known: &Known<'_>, found: &mut Needs) {
    let Some(inventory) = known.inventory.filter(|_| known.how.is_some()) else {
        return;
    };
    for (requirement, what, starts) in FILES {
        let first = { inventory.files.keys() }.find(|path| begins(path, starts));
        if let Some(path) = first {
            let what = format!("{what}: {}", canonical(path));
            found.add(*requirement, Kind::Static, what, First::default());
        }
    }
    found.has_locale = inventory.files.keys().any(|path| is_locale(path));
    for (path, one) in &inventory.files {
        let Some(id) = known.tree.find(path, true) else {
            continue;
        };
        let is_executed = known.is_executed(known.tree.nodes[id as usize].inode);
        let is_open = one.how & uses::OPEN != 0 && !is_executed;
        if is_open && tool(known.tree, id) == Some(Tool::Shell) && found.opened.len() < NAMED_MAX {
            found.opened.insert(canonical(path));
        }
    }
}

/// Files of the base that are in use and that nothing else tells of.
#[derive(Default)]
pub(super) struct Data {
    /// Those of what bases from `static` on have, where the kind has none of it.
    pub bring: Vec<Id>,
    /// All others.
    pub rest: Sum,
    pub first: First<String>,
}

impl Data {
    pub(super) fn of(known: &Known<'_>, needs: &Needs, kind: Kind, base: &[Id]) -> Self {
        let tree = known.tree;
        let mut all = Self::default();
        for id in base {
            let number = tree.nodes[*id as usize].inode;
            let inode = tree.inode(*id);
            let is_code = inode.magic == Magic::Elf && name_of(tree, *id).is_some();
            if inode.kind != Node::File
                || !known.is_used(number)
                || is_code
                || needs.counted.contains(&number)
            {
                continue;
            }
            let path = tree.path(*id);
            if path == INDEX
                || is_locale(&path)
                || kind == Kind::Runtime && goes::is_of_runtime(&path)
            {
                continue;
            }
            match FILES.iter().any(|(.., starts)| begins(&path, starts)) {
                true if kind == Kind::Musl => all.bring.push(*id),
                true => {}
                false => {
                    all.rest.take(inode.size);
                    all.first.take(NAMED_MAX, || canonical(&path));
                }
            }
        }
        all
    }

    /// What has to be looked at of them, in words.
    pub(super) fn text(&self, kind: Kind) -> Option<String> {
        let Sum { count, bytes } = self.rest;
        let more = match self.first.more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (count > 0).then(|| {
            format!(
                "files: {count} of the base that are neither programs nor libraries were in use ({bytes} bytes), and one of the \
                 kind `{}` may lack them, so that they have to be brought along: {}{more}",
                kind.word(),
                self.first.first.join(", ")
            )
        })
    }
}
