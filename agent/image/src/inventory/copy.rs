//! What a build has to copy to have what was used, folded to whole folders.
//!
//! A folder is copied as a whole where every file in it, at any depth, is wanted. Symbolic links are wanted
//! where they lead to something that is, or to a folder that is there, or out of the image (see [`links`]).
//! `COPY` follows a link that it is given by name, so those that do not lie in a folder that is copied as a whole
//! are made anew. Python looks for the source of a compiled module and opens only the latter: the source is wanted
//! with it.
//!
//! `COPY` gives folders that it has to make to root, so all are made before, with owner and mode. Beside those
//! above what is copied these are there: folders that were listed, those that something was made in, those that
//! are empty or somebody else's in the image, for they wait for files, and those that the configuration names.
//! Runtimes look users up in `/etc/passwd` and `/etc/group`, from outside and so unseen: both are wanted.

use super::{Nodes, links};
use crate::Limits;
use crate::report::Sum;
use crate::tree::{Id, Kind, ROOT, Tree};
use lapwing_profile::text::canonical;
use serde::Serialize;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Files that runtimes read from outside to find a user.
const USERS: [&[u8]; 2] = [b"/etc/passwd", b"/etc/group"];
/// Bytes of all names in what is to be copied together, each with [`NAME_EACH`] more.
const NAMES_MAX: usize = 16 << 20;
/// What a name takes beside its bytes.
const NAME_EACH: usize = 64;
/// The mode of a folder that nobody but root writes to.
const PLAIN: u32 = 0o755;

/// What is to be copied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Copy {
    /// Folders that are copied as a whole.
    pub folders: Vec<String>,
    /// Files that are copied, by the folder they lie in.
    pub files: Vec<InFolder>,
    /// Symbolic links that are made anew.
    pub links: Vec<Link>,
    /// Folders of which nothing is copied: made anew.
    pub empty: Vec<String>,
    /// All folders that are made before anything is copied, each before what lies in it.
    pub made: Vec<Made>,
    /// What has a name that no `COPY` can say for sure.
    pub unnamed: Vec<String>,
    /// How many folders, files and links found no room in any of these: names of 16 MiB are kept.
    pub beyond: u64,
    /// How many files what was used comes to, and their bytes.
    pub brings: Sum,
    /// Instructions of a build that say what the image's configuration does, and comments on what they leave
    /// out: variables, user, program, ports and volumes.
    pub settings: Vec<String>,
    /// What whoever builds it has to know before.
    pub warnings: Vec<String>,
}

/// A folder that is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    /// Its path.
    pub path: String,
    /// Its mode, as of `chmod`.
    pub mode: u32,
    /// Whose it is.
    pub user: u32,
    /// The group.
    pub group: u32,
}

/// Files of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InFolder {
    /// The folder.
    pub folder: String,
    /// Their names in it.
    pub names: Vec<String>,
}

/// A symbolic link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// Its path.
    pub path: String,
    /// What it says.
    pub target: String,
}

/// Whether a name means itself in a Dockerfile and in a shell: no pattern, no variable, no quote.
pub(super) fn is_plain(text: &str) -> bool {
    let is = |c: char| c.is_alphanumeric() || "/._-+@:,=%~ #".contains(c);
    text.chars().all(is)
}

impl Copy {
    /// `awaited` are paths of which the folders have to be there: files that were made in the container.
    /// `named` are folders that the configuration names.
    pub(crate) fn of<'a>(
        tree: &Tree,
        nodes: &Nodes,
        awaited: impl Iterator<Item = &'a [u8]>,
        named: impl Iterator<Item = &'a String>,
    ) -> Self {
        let mut wanted = nodes.files.clone();
        let mut above = vec![false; tree.nodes.len()];
        let mark = |above: &mut Vec<bool>, mut id: Id| {
            while !above[id as usize] {
                above[id as usize] = true;
                id = tree.nodes[id as usize].parent;
            }
        };
        above[ROOT as usize] = true;
        let find = |path: &[u8]| (!tree.is_exhausted()).then(|| tree.find(path, true))?;
        let is = |id: Id, kind: Kind| tree.inode(id).kind == kind;
        for user in USERS.into_iter().filter_map(find) {
            wanted[user as usize] |= is(user, Kind::File);
        }
        for source in sources(tree, &nodes.files) {
            wanted[source as usize] = true;
        }
        let folder = |path: &'a [u8]| {
            let slash = path.iter().rposition(|byte| *byte == b'/');
            slash.map(|slash| &path[..slash])
        };
        let awaited = awaited.filter_map(folder);
        for id in awaited.chain(named.map(String::as_bytes)).filter_map(find) {
            if is(id, Kind::Folder) {
                mark(&mut above, id);
            }
        }
        let mut symlinks = Vec::new();
        let waits = waiting(tree);
        tree.visit(|id, inode| {
            let at = id as usize;
            if wanted[at] || nodes.listed[at] || waits[at] {
                mark(&mut above, id);
            }
            if inode.kind == Kind::Symlink {
                symlinks.push(id);
            }
        });
        let out = symlinks.iter().filter_map(|id| links::follow(tree, *id));
        let out: Vec<links::Leads> = out.collect();
        for leads in out.iter().filter(|it| it.is_given) {
            for id in leads.over.iter().chain([&leads.link]) {
                wanted[*id as usize] = true;
                mark(&mut above, *id);
            }
            if let Some(folder) = leads.folder {
                mark(&mut above, folder);
            }
        }
        // A link may lead over others, and to a folder that only now is above something: each round takes
        // one link at least, and steps over all of the image are bounded.
        let mut is_settled = false;
        while !is_settled {
            is_settled = true;
            for id in &symlinks {
                let leads = |id| find(&tree.path(id));
                if !wanted[*id as usize]
                    && leads(*id).is_some_and(|to| to != ROOT && above[to as usize])
                {
                    wanted[*id as usize] = true;
                    mark(&mut above, *id);
                    is_settled = false;
                }
            }
            for leads in &out {
                let parent = tree.nodes[leads.link as usize].parent;
                if !wanted[leads.link as usize] && above[parent as usize] {
                    for id in leads.over.iter().chain([&leads.link]) {
                        wanted[*id as usize] = true;
                        mark(&mut above, *id);
                    }
                    is_settled = false;
                }
            }
        }
        let whole = whole(tree, &wanted);
        let left_out = out.iter().filter(|it| !wanted[it.link as usize]);
        let streams = out.iter().filter(|it| it.is_stream);
        let mut result = Self {
            warnings: links::warnings(tree, left_out, streams),
            ..Self::default()
        };
        if tree.is_exhausted() {
            result.warnings.push(format!(
                "PATHS OF THE IMAGE LEAD THROUGH TOO MANY LINKS: not all links and folders were looked for, and what is built may lack \
                 some; a higher {} has more looked for",
                Limits::ENTRIES_OPTION
            ));
        }
        result.collect(tree, (&wanted, &above, &whole));
        result
    }

    fn collect(&mut self, tree: &Tree, (wanted, above, whole): (&[bool], &[bool], &[bool])) {
        let mut room = Room {
            tree,
            left: NAMES_MAX,
            beyond: 0,
        };
        let mut files = Files::default();
        let mut counted = vec![false; tree.inodes.len()];
        tree.visit(|id, inode| {
            let at = id as usize;
            let parent = tree.nodes[at].parent;
            let folded = id != ROOT && whole[parent as usize];
            if inode.kind == Kind::File
                && wanted[at]
                && !std::mem::replace(&mut counted[tree.nodes[at].inode as usize], true)
            {
                self.brings.take(inode.size);
            }
            let is_one = match inode.kind {
                Kind::Folder => id != ROOT && (above[at] || whole[at]),
                Kind::Symlink | Kind::File => wanted[at],
                Kind::Device | Kind::Fifo => false,
            };
            if folded || !is_one {
                return;
            }
            if inode.kind == Kind::File {
                files.take(&mut room, id, &mut self.unnamed);
                return;
            }
            let target = inode.target.as_deref().unwrap_or_default();
            // The path stands in two lists.
            let is_empty = || !has_wanted(tree, id, above, wanted);
            let is_twice = inode.kind == Kind::Folder && (whole[at] || is_empty());
            let Some(path) = room.path(id, 1 + usize::from(is_twice), target.len()) else {
                return;
            };
            match inode.kind {
                _ if !is_plain(&path) => self.unnamed.push(path),
                Kind::Folder => {
                    if whole[at] {
                        self.folders.push(path.clone());
                    } else if is_twice {
                        self.empty.push(path.clone());
                    }
                    let [user, group] = inode.owner;
                    self.made.push(Made {
                        path,
                        mode: inode.mode,
                        user,
                        group,
                    });
                }
                _ => {
                    let target = canonical(target);
                    match is_plain(&target) {
                        true => self.links.push(Link { path, target }),
                        false => self.unnamed.push(path),
                    }
                }
            }
        });
        files.all.retain(|it| !it.names.is_empty());
        files
            .all
            .sort_by(|one, other| one.folder.cmp(&other.folder));
        self.files = files.all;
        self.beyond = room.beyond;
    }
}

/// Room for names. What finds none ends it, so that nothing is copied to a folder that was left out.
struct Room<'t> {
    tree: &'t Tree,
    left: usize,
    beyond: u64,
}

impl Room<'_> {
    fn take(&mut self, bytes: usize) -> bool {
        match self.left.checked_sub(bytes + NAME_EACH) {
            Some(left) if self.beyond == 0 => self.left = left,
            _ => self.beyond += 1,
        }
        self.beyond == 0
    }

    /// The path of a node, if there is room for it so many times, and for more.
    fn path(&mut self, id: Id, times: usize, more: usize) -> Option<String> {
        if self.beyond > 0 {
            self.beyond += 1;
            return None;
        }
        let path = canonical(&self.tree.path(id));
        self.take((path.len() + NAME_EACH) * times + more)
            .then_some(path)
    }
}

/// Files by their folders.
#[derive(Default)]
struct Files {
    all: Vec<InFolder>,
    /// Where a folder is in these; `None` of one that no `COPY` can say.
    places: HashMap<Id, Option<usize>>,
}

impl Files {
    fn take(&mut self, room: &mut Room<'_>, id: Id, unnamed: &mut Vec<String>) {
        let node = &room.tree.nodes[id as usize];
        let place = match self.places.entry(node.parent) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let Some(folder) = room.path(node.parent, 1, 0) else {
                    return;
                };
                let place = is_plain(&folder).then_some(self.all.len());
                if place.is_some() {
                    let names = Vec::new();
                    self.all.push(InFolder { folder, names });
                }
                *new.insert(place)
            }
        };
        let name = canonical(&node.name);
        match place.filter(|_| is_plain(&name)) {
            Some(place) if room.take(name.len()) => self.all[place].names.push(name),
            Some(_) => {}
            None => unnamed.extend(room.path(id, 1, 0)),
        }
    }
}

/// The sources of compiled modules of Python that were used: `a.py` beside the folder of
/// `__pycache__/a.cpython-313.pyc`.
fn sources(tree: &Tree, used: &[bool]) -> Vec<Id> {
    let mut sources = Vec::new();
    tree.visit(|id, inode| {
        let node = &tree.nodes[id as usize];
        if !used[id as usize] || inode.kind != Kind::File || !node.name.ends_with(b".pyc") {
            return;
        }
        let folder = &tree.nodes[node.parent as usize];
        let Some(module) = node.name.split(|byte| *byte == b'.').next() else {
            return;
        };
        if *folder.name != *b"__pycache__" || module.is_empty() {
            return;
        }
        let source = [module, b".py"].concat();
        let beside = &tree.nodes[folder.parent as usize].children;
        sources.extend(beside.get(&source[..]));
    });
    sources
}

/// Which folders hold nothing but what is wanted, and something of it.
fn whole(tree: &Tree, wanted: &[bool]) -> Vec<bool> {
    let mut order = Vec::new();
    tree.visit(|id, inode| order.push((id, inode.kind)));
    let mut whole = vec![false; tree.nodes.len()];
    for (id, kind) in order.into_iter().rev() {
        if kind == Kind::Folder && id != ROOT {
            let children = &tree.nodes[id as usize].children;
            let is = |child: &Id| match tree.inode(*child).kind {
                Kind::Folder => whole[*child as usize],
                _ => wanted[*child as usize],
            };
            whole[id as usize] = !children.is_empty() && children.values().all(is);
        }
    }
    whole
}

/// Which folders wait for files: empty ones, and those that are not root's alone to write to.
fn waiting(tree: &Tree) -> Vec<bool> {
    let mut waits = vec![false; tree.nodes.len()];
    tree.visit(|id, inode| {
        let is_empty = tree.nodes[id as usize].children.is_empty();
        let is_plain = inode.mode == PLAIN && inode.owner == [0; 2];
        waits[id as usize] = inode.kind == Kind::Folder && (is_empty || !is_plain);
    });
    waits
}

/// Whether something in a folder is copied or made.
fn has_wanted(tree: &Tree, folder: Id, above: &[bool], wanted: &[bool]) -> bool {
    let mut children = tree.nodes[folder as usize].children.values();
    children.any(|child| above[*child as usize] || wanted[*child as usize])
}
