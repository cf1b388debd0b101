//! The root file system of an image: layers laid over one another as overlayfs shows them, names and
//! figures alone.
//!
//! Nodes are never reused and stay when something hides them, so what was hidden can be named later at
//! the cost of one number. Everything is bounded: each tar entry and each node counts against
//! [`Limits::entries`], names and targets together against [`TEXT_EACH`] bytes for each of these.

use crate::error::{Error, Limits};
use crate::golang::Built;
use crate::linkage::Linkage;
use crate::stored::Content;
use crate::walk::Walk;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Bytes of a whole path at most (PATH_MAX), and of one name in it (NAME_MAX).
pub(crate) const PATH_MAX: usize = 4096;
pub(crate) const NAME_MAX: usize = 255;
/// Names that are gone through in all paths together, for each entry that may be read.
const STEPS_EACH: u64 = 100;
/// Bytes of a path that count as a name more.
const BYTES_EACH: usize = 64;
/// Bytes of names for each entry that may be read.
const TEXT_EACH: u64 = 256;

/// A node: a name in a folder.
pub(crate) type Id = u32;
/// What lies below a root.
pub(crate) const ROOT: Id = 0;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Symlink,
    Folder,
    Device,
    Fifo,
}

/// What a file begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Magic {
    #[default]
    Other,
    Elf,
    /// `#!`
    Script,
}

/// What names stand for; several names share one by hard links.
#[derive(Clone, Debug)]
pub(crate) struct Inode {
    pub kind: Kind,
    pub mode: u32,
    /// Ids of the user and the group.
    pub owner: [u32; 2],
    pub size: u64,
    /// Layer that brought it, from 0.
    pub layer: u32,
    /// SHA-256 of the contents of a file; `None` of empty and sparse ones.
    pub hash: Option<[u8; 32]>,
    pub magic: Magic,
    /// Target of a symbolic link.
    pub target: Option<Box<[u8]>>,
    /// The value of `security.capability`.
    pub capability: Option<Box<[u8]>>,
    /// Contents that something else reads, as databases of packages.
    pub content: Option<Content>,
    /// What an ELF file says of how Go built it.
    pub built: Option<Built>,
    /// What a program says of how it is started.
    pub linkage: Option<Box<Linkage>>,
    pub links: u32,
}

impl Inode {
    pub(crate) fn new(kind: Kind, mode: u32, layer: u32) -> Self {
        Self {
            kind,
            mode,
            owner: [0; 2],
            size: 0,
            layer,
            hash: None,
            magic: Magic::Other,
            target: None,
            capability: None,
            content: None,
            built: None,
            linkage: None,
            links: 0,
        }
    }

    /// Its contents, if they are kept in memory.
    pub(crate) fn text(&self) -> Option<&[u8]> {
        match &self.content {
            Some(Content::Memory(text)) => Some(text),
            Some(Content::File(_)) | None => None,
        }
    }
}

pub(crate) struct Node {
    pub name: Arc<[u8]>,
    pub parent: Id,
    pub inode: u32,
    pub children: BTreeMap<Arc<[u8]>, Id>,
    /// The last layer that put something here or below.
    touched: u32,
    /// The last layer that hid all that lower ones have here and below.
    cleared: Option<u32>,
    path_length: u32,
}

/// How bytes of a layer came to be hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum How {
    /// A later layer deletes the file.
    Deleted,
    /// A later layer has another file of the name, or the same layer has it twice.
    Overwritten,
    /// A later layer has the same contents again: owner, mode or time were changed.
    SameContents,
}

/// A file that is there and cannot be seen.
pub(crate) struct Hidden {
    pub node: Id,
    pub bytes: u64,
    pub layer: u32,
    pub by: u32,
    pub how: How,
}

/// Why a name is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refused {
    Whiteout,
    TooLong,
    Loop,
    NoFolder,
    NoTarget,
    Below,
}

impl Refused {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Whiteout => "whiteouts of no name, of `.` or of `..`",
            Self::TooLong => {
                "names that no file can have: of more than 255 bytes, or in paths of more than 4096"
            }
            Self::Loop => "names below symbolic links that lead in a circle",
            Self::NoFolder => "names below something that is no folder",
            Self::NoTarget => "hard links to something that is not there",
            Self::Below => {
                "hard links that would take the place of a folder with their target in it"
            }
        }
    }
}

/// Why an entry cannot be laid on.
#[derive(Debug)]
pub(crate) enum Stop {
    Refused(Refused),
    Limit(Error),
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

pub(crate) struct Tree {
    pub nodes: Vec<Node>,
    pub inodes: Vec<Inode>,
    pub hidden: Vec<Hidden>,
    limits: Limits,
    text: u64,
    pub steps: Rc<Cell<u64>>,
}

/// The names of a path that is clean.
fn names(path: &[u8]) -> Result<Vec<&[u8]>, Refused> {
    if path.len() > PATH_MAX {
        return Err(Refused::TooLong);
    }
    let parts = path.split(|byte| *byte == b'/');
    Ok(parts.filter(|part| !part.is_empty()).collect())
}

impl Tree {
    pub(crate) fn new(limits: Limits) -> Self {
        let mut root = Inode::new(Kind::Folder, 0o755, 0);
        root.links = 1;
        Self {
            nodes: vec![Node {
                name: Arc::from(&[][..]),
                parent: ROOT,
                inode: 0,
                children: BTreeMap::new(),
                touched: 0,
                cleared: None,
                path_length: 0,
            }],
            inodes: vec![root],
            hidden: Vec::new(),
            limits,
            text: 0,
            steps: Rc::default(),
        }
    }

    pub(crate) fn inode(&self, id: Id) -> &Inode {
        &self.inodes[self.nodes[id as usize].inode as usize]
    }

    pub(crate) fn child(&self, folder: Id, name: &[u8]) -> Option<Id> {
        self.nodes[folder as usize].children.get(name).copied()
    }

    /// Whether paths took more work than those of any image do.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.steps.get() > self.limits.entries.saturating_mul(STEPS_EACH)
    }

    /// Charges for a path that was put together, of which a list can have many more bytes than it has itself.
    pub(crate) fn charge(&self, path: &[u8]) {
        let steps = (path.len() / BYTES_EACH) as u64;
        self.steps.set(self.steps.get().saturating_add(steps));
    }

    fn limit(&self, of: &'static str, limit: u64) -> Stop {
        Stop::Limit(Error::Limit {
            what: "the image".to_owned(),
            limit,
            of,
            option: Limits::ENTRIES_OPTION,
        })
    }

    /// The path of a node, also of one that is hidden, from the root.
    pub(crate) fn path(&self, mut id: Id) -> Vec<u8> {
        let mut parts = Vec::new();
        while id != ROOT {
            let node = &self.nodes[id as usize];
            parts.push(&*node.name);
            id = node.parent;
        }
        let mut path = Vec::new();
        for part in parts.iter().rev() {
            path.push(b'/');
            path.extend_from_slice(part);
        }
        match path.is_empty() {
            true => b"/".to_vec(),
            false => path,
        }
    }

    /// All nodes that can be seen, each folder before what is in it, in the order of names.
    pub(crate) fn visit<'a>(&'a self, mut see: impl FnMut(Id, &'a Inode)) {
        let mut stack = vec![ROOT];
        while let Some(id) = stack.pop() {
            see(id, self.inode(id));
            stack.extend(self.nodes[id as usize].children.values().rev());
        }
    }

    /// The node of a path in the image, through its symbolic links; the last name is followed only if
    /// wanted.
    pub(crate) fn find(&self, path: &[u8], follow: bool) -> Option<Id> {
        let mut walk = Walk::of(&[], &self.steps);
        walk.take(path).ok()?;
        let mut at = ROOT;
        while let Some(name) = walk.next().ok()? {
            match &*name {
                b".." => at = self.nodes[at as usize].parent,
                name => {
                    let child = self.child(at, name)?;
                    match &self.inode(child).target {
                        Some(target) if follow || !walk.is_done() => {
                            at = walk.follow(at, target).ok()?;
                        }
                        _ => at = child,
                    }
                }
            }
        }
        Some(at)
    }

    /// The folder of the last name of a path, and that name. What is missing is made.
    fn place<'a>(&mut self, path: &'a [u8], layer: u32) -> Result<(Id, &'a [u8]), Stop> {
        let names = names(path)?;
        let Some((last, folders)) = names.split_last() else {
            return Err(Refused::NoFolder.into());
        };
        if last.len() > NAME_MAX {
            return Err(Refused::TooLong.into());
        }
        if self.is_exhausted() {
            return Err(self.limit("files in usual paths", self.limits.entries));
        }
        let mut walk = Walk::of(folders, &self.steps);
        let mut at = ROOT;
        self.nodes[ROOT as usize].touched = layer;
        while let Some(name) = walk.next()? {
            if &*name == b".." {
                at = self.nodes[at as usize].parent;
                continue;
            }
            at = match self.child(at, &name) {
                None => self.add(at, &name, Inode::new(Kind::Folder, 0o755, layer))?,
                Some(child) => {
                    let inode = self.inode(child);
                    match (inode.kind, &inode.target) {
                        (Kind::Folder, _) => child,
                        (_, Some(target)) => walk.follow(at, target)?,
                        _ => return Err(Refused::NoFolder.into()),
                    }
                }
            };
            self.nodes[at as usize].touched = layer;
        }
        Ok((at, last))
    }

    fn add(&mut self, folder: Id, name: &[u8], inode: Inode) -> Result<Id, Stop> {
        let number = u32::try_from(self.inodes.len()).unwrap_or(u32::MAX);
        let texts = [&inode.target, &inode.capability].into_iter().flatten();
        let taken: usize = texts.map(|text| text.len()).sum();
        self.text += taken as u64;
        self.inodes.push(inode);
        self.link(folder, name, number)
    }

    fn link(&mut self, folder: Id, name: &[u8], inode: u32) -> Result<Id, Stop> {
        if name.len() > NAME_MAX {
            return Err(Refused::TooLong.into());
        }
        if self.nodes.len() as u64 > self.limits.entries {
            return Err(self.limit("files and folders", self.limits.entries));
        }
        self.text += name.len() as u64;
        if self.text > self.limits.entries.saturating_mul(TEXT_EACH) {
            return Err(self.limit("files of usual names", self.limits.entries));
        }
        let path_length = self.nodes[folder as usize].path_length as usize + 1 + name.len();
        if path_length > PATH_MAX {
            return Err(Refused::TooLong.into());
        }
        let id =
            Id::try_from(self.nodes.len()).map_err(|_| self.limit("files", u64::from(Id::MAX)))?;
        let name: Arc<[u8]> = Arc::from(name);
        let one = &mut self.inodes[inode as usize];
        one.links += 1;
        self.nodes.push(Node {
            name: name.clone(),
            parent: folder,
            inode,
            children: BTreeMap::new(),
            touched: one.layer,
            cleared: None,
            path_length: u32::try_from(path_length).unwrap_or(u32::MAX),
        });
        self.nodes[folder as usize].children.insert(name, id);
        Ok(id)
    }

    /// Lays something on; what was there of the name is hidden by it.
    pub(crate) fn put(&mut self, path: &[u8], inode: Inode) -> Result<Id, Stop> {
        let layer = inode.layer;
        if inode.kind == Kind::Folder && names(path)?.is_empty() {
            (self.inodes[0].mode, self.inodes[0].owner) = (inode.mode, inode.owner);
            return Ok(ROOT);
        }
        let (folder, name) = self.place(path, layer)?;
        if let Some(old) = self.child(folder, name) {
            let before = self.inode(old);
            if (before.kind, inode.kind) == (Kind::Folder, Kind::Folder) {
                let number = self.nodes[old as usize].inode as usize;
                self.inodes[number].mode = inode.mode;
                self.inodes[number].owner = inode.owner;
                self.inodes[number].layer = layer;
                self.nodes[old as usize].touched = layer;
                return Ok(old);
            }
            let how = self.how(old, &inode);
            self.remove(old, layer, how);
        }
        self.add(folder, name, inode)
    }

    /// How something hides what was there of its name.
    fn how(&self, old: Id, by: &Inode) -> How {
        let hash = &self.inode(old).hash;
        match hash.is_some() && *hash == by.hash {
            true => How::SameContents,
            false => How::Overwritten,
        }
    }

    /// Whether a node lies in a folder, at any depth.
    fn is_below(&self, mut id: Id, folder: Id) -> bool {
        while id != ROOT {
            id = self.nodes[id as usize].parent;
            if id == folder {
                return true;
            }
        }
        false
    }

    /// Another name for a file.
    pub(crate) fn hard_link(&mut self, path: &[u8], target: &[u8], layer: u32) -> Result<Id, Stop> {
        let target = self.find(target, false).ok_or(Refused::NoTarget)?;
        if self.inode(target).kind == Kind::Folder {
            return Err(Refused::NoTarget.into());
        }
        let number = self.nodes[target as usize].inode;
        let (folder, name) = self.place(path, layer)?;
        match self.child(folder, name) {
            Some(old) if self.nodes[old as usize].inode == number => return Ok(old),
            Some(old) if self.is_below(target, old) => return Err(Refused::Below.into()),
            Some(old) => {
                let how = self.how(old, &self.inodes[number as usize]);
                self.remove(old, layer, how);
            }
            None => {}
        }
        let id = self.link(folder, name, number)?;
        self.nodes[id as usize].touched = layer;
        Ok(id)
    }

    /// Hides what lower layers have of a name.
    pub(crate) fn white_out(&mut self, path: &[u8], layer: u32) -> Result<(), Stop> {
        let (folder, name) = self.place(path, layer)?;
        if let Some(child) = self.child(folder, name) {
            match self.nodes[child as usize].touched == layer {
                true => self.hide_lower(child, layer),
                false => self.remove(child, layer, How::Deleted),
            }
        }
        Ok(())
    }

    /// Hides what lower layers have in a folder.
    pub(crate) fn make_opaque(&mut self, path: &[u8], layer: u32) -> Result<(), Stop> {
        let mut folder = ROOT;
        if !names(path)?.is_empty() {
            let (above, name) = self.place(path, layer)?;
            match self.child(above, name) {
                Some(child) => folder = child,
                None => return Ok(()),
            }
        }
        self.hide_lower(folder, layer);
        Ok(())
    }

    fn hide_lower(&mut self, folder: Id, layer: u32) {
        let mut stack = vec![folder];
        while let Some(id) = stack.pop() {
            let node = &mut self.nodes[id as usize];
            // What came since is of this layer: whoever says so again makes no work.
            if node.cleared.replace(layer) == Some(layer) {
                continue;
            }
            let children: Vec<Id> = node.children.values().copied().collect();
            self.steps.set(self.steps.get() + children.len() as u64);
            for child in children {
                match self.nodes[child as usize].touched == layer {
                    true => stack.push(child),
                    false => self.remove(child, layer, How::Deleted),
                }
            }
        }
    }

    fn remove(&mut self, id: Id, by: u32, how: How) {
        let Node { name, parent, .. } = &self.nodes[id as usize];
        let (name, parent) = (name.clone(), *parent);
        self.nodes[parent as usize].children.remove(&name);
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            let node = &mut self.nodes[id as usize];
            stack.extend(std::mem::take(&mut node.children).into_values());
            let inode = &mut self.inodes[node.inode as usize];
            inode.links -= 1;
            if inode.links == 0 {
                (inode.content, inode.built, inode.linkage) = (None, None, None);
                if inode.kind == Kind::File && inode.size > 0 {
                    self.hidden.push(Hidden {
                        node: id,
                        bytes: inode.size,
                        layer: inode.layer,
                        by,
                        how,
                    });
                }
            }
        }
    }
}
