//! Symbolic links that lead out of the image, which no inventory has: what was used is known by the path
//! of the file, links resolved, and of these that is a pipe, another file system, or nothing.
//!
//! Those that lead to what the kernel and the runtime give (`/dev/stdout`, `/proc/mounts`) are kept wherever
//! they lie, with the folder: `nginx` logs to `/var/log/nginx/access.log`, which leads to its standard output.
//! Those that lead to nothing may lead to a volume; they are kept in folders that are there anyway, and told of
//! elsewhere.

use super::cut;
use crate::tree::{Id, Kind, ROOT, Tree};
use crate::walk::Walk;
use lapwing_profile::text::canonical;

/// Folders that a container is given.
const GIVEN: [&[u8]; 4] = [b"/dev", b"/proc", b"/run", b"/sys"];
/// Of these, the ones that always hide what an image has there.
const HIDDEN: [&[u8]; 3] = [b"/dev", b"/proc", b"/sys"];
/// Links that are named of those that are told of.
const NAMED_MAX: usize = 10;

/// Where a link leads.
pub(super) struct Leads {
    pub link: Id,
    /// Links that it leads over.
    pub over: Vec<Id>,
    /// A folder of the image that it ends at.
    pub folder: Option<Id>,
    /// Whether what it leads to is given to a container.
    pub is_given: bool,
    /// Whether that is one of its own streams.
    pub is_stream: bool,
}

fn is_in(folders: &[&[u8]], path: &[u8]) -> bool {
    folders.iter().any(|folder| {
        let rest = path.strip_prefix(*folder);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    })
}

/// Whether a process finds its standard output or error there.
fn is_stream(path: &[u8]) -> bool {
    let known: [&[u8]; 3] = [b"/dev/stdout", b"/dev/stderr", b"/dev/console"];
    let of_process = path.strip_prefix(b"/proc/").is_some_and(|rest| {
        let mut parts = rest.split(|byte| *byte == b'/');
        let (_, fd, number) = (parts.next(), parts.next(), parts.next());
        fd == Some(b"fd") && matches!(number, Some(b"1" | b"2"))
    });
    known.contains(&path) || of_process || matches!(path, b"/dev/fd/1" | b"/dev/fd/2")
}

/// Follows a link. `None` where it ends at what the image has, or nowhere at all, as in a circle.
pub(super) fn follow(tree: &Tree, link: Id) -> Option<Leads> {
    let mut leads = Leads {
        link,
        over: Vec::new(),
        folder: None,
        is_given: false,
        is_stream: false,
    };
    if tree.is_exhausted() || is_in(&HIDDEN, &tree.path(link)) {
        return None;
    }
    let mut walk = Walk::of(&[], &tree.steps);
    let target = tree.inode(link).target.as_deref()?;
    let mut at = walk.follow(tree.nodes[link as usize].parent, target).ok()?;
    while let Some(name) = walk.next().ok()? {
        if &*name == b".." {
            at = tree.nodes[at as usize].parent;
            continue;
        }
        let Some(child) = tree.child(at, &name) else {
            let mut path = match at {
                ROOT => Vec::new(),
                at => tree.path(at),
            };
            let mut next = Some(name);
            while let Some(name) = next {
                // What is not there has no folder above itself to go back to.
                if &*name == b".." {
                    return None;
                }
                path.push(b'/');
                path.extend_from_slice(&name);
                next = walk.next().ok()?;
            }
            leads.is_given = is_in(&GIVEN, &path);
            leads.is_stream |= is_stream(&path);
            return Some(leads);
        };
        at = match &tree.inode(child).target {
            Some(target) => {
                let path = tree.path(child);
                // Streams are links themselves, where an image has them.
                leads.is_stream |= is_stream(&path);
                if !is_in(&HIDDEN, &path) {
                    leads.over.push(child);
                }
                walk.follow(at, target).ok()?
            }
            None => child,
        };
    }
    let kind = tree.inode(at).kind;
    leads.is_stream |= is_stream(&tree.path(at));
    leads.is_given = is_in(&GIVEN, &tree.path(at));
    leads.folder = (kind == Kind::Folder).then_some(at);
    (leads.is_given && kind != Kind::File).then_some(leads)
}

/// What whoever builds the image has to know of them: of those that were left out, and of those a volume hides.
pub(super) fn warnings<'a>(
    tree: &Tree,
    left_out: impl Iterator<Item = &'a Leads>,
    streams: impl Iterator<Item = &'a Leads>,
) -> Vec<String> {
    let list = |all: &[Id]| {
        let first = all.iter().take(NAMED_MAX);
        let mut names: Vec<String> = first.map(|id| cut(canonical(&tree.path(*id)))).collect();
        if all.len() > NAMED_MAX {
            names.push(format!("and {} more", all.len() - NAMED_MAX));
        }
        names.join(", ")
    };
    let mut said = Vec::new();
    let all: Vec<Id> = left_out.map(|it| it.link).collect();
    if !all.is_empty() {
        said.push(format!(
            "{} links that lead to nothing in the image are left out with their folders; if a volume is mounted where they lead, copy them by hand: {}",
            all.len(),
            list(&all)
        ));
    }
    let all: Vec<Id> = streams.map(|it| it.link).collect();
    if !all.is_empty() {
        said.push(format!(
            "logs go to the container's output by links, which a volume mounted on their folder hides (an emptyDir for a read-only root as well): what is logged is in files there then: {}",
            list(&all)
        ));
    }
    said
}
