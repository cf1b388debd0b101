//! Layers, one after another: what is in each, and what they come to.

mod notes;

use crate::capture;
use crate::error::{Error, Limits};
use crate::folders::Aside;
use crate::golang::{Built, Scan};
use crate::layout::Layout;
use crate::linkage::{self, Linkage};
use crate::secrets::{self, Search};
use crate::store::Store;
use crate::stored::{Content, Storing};
use crate::tarball::{Entries, Entry, Forward, Kind as Entity};
use crate::tree::{Id, Inode, Kind, Magic, Refused, Stop, Tree};
use crate::unpack;
use crate::walk::clean;
use lapwing_profile::text::canonical;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};

/// Files up to this size are read whole and searched.
const WHOLE_MAX: u64 = 1 << 20;
const BLOCK: usize = 64 << 10;
/// Bytes of what all programs say of how they are started.
const LINKAGE_MAX: usize = 16 << 20;
/// Names that are given as examples of what is odd.
const EXAMPLES: usize = 3;

/// Something that an image should not have, and what was done with it.
#[derive(Debug, Default)]
pub(crate) struct Odd {
    pub count: u64,
    pub first: Vec<String>,
}

impl Odd {
    pub(crate) fn take(&mut self, name: &[u8]) {
        self.count += 1;
        if self.first.len() < EXAMPLES {
            self.first.push(canonical(&name[..name.len().min(200)]));
        }
    }
}

/// Figures of one layer.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub packed: u64,
    pub unpacked: u64,
    pub bytes: u64,
    pub files: u64,
    pub folders: u64,
    pub links: u64,
    pub deletions: u64,
}

/// What all layers come to.
pub(crate) struct Contents {
    pub tree: Tree,
    pub layers: Vec<Figures>,
    /// Names that were not taken.
    pub refused: BTreeMap<Refused, Odd>,
    /// Entries of no kind that runtimes unpack.
    pub unknown: Odd,
    /// Names from the root, which are taken as relative.
    pub absolute: Odd,
    /// Names of files and targets of hard links with `..`.
    upward: Odd,
    pub devices: u64,
    pub secrets: Vec<(Id, secrets::Kind)>,
    /// Files too large to be searched, or with too much that secrets begin with.
    pub unsearched: u64,
    /// Secrets that found no room in the list.
    pub more_secrets: u64,
    pub captured: capture::Budget,
    /// Bytes that are kept of how programs are started, and the files that found no room.
    linkage: usize,
    unlinked: Odd,
    /// Hard links that tell of packages, to files that were not kept.
    linked: Odd,
    /// Of layers that lie in folders.
    pub aside: Aside,
    entries: u64,
    limits: Limits,
}

/// What files are read with, and what is looked for in them.
pub(crate) struct Reader {
    buffer: Vec<u8>,
    secrets: Search,
    go: Scan,
    linkage: linkage::Scan,
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self {
            buffer: Vec::new(),
            secrets: Search::default(),
            go: Scan::new(),
            linkage: linkage::Scan::default(),
        }
    }
}

/// What was read of a file.
pub(crate) struct Seen {
    hash: [u8; 32],
    magic: Magic,
    secrets: Vec<secrets::Kind>,
    content: Option<Content>,
    built: Option<Built>,
    linkage: Option<Box<Linkage>>,
}

/// What a file begins with.
const fn magic(start: &[u8]) -> Magic {
    match start {
        [0x7f, b'E', b'L', b'F', ..] => Magic::Elf,
        [b'#', b'!', ..] => Magic::Script,
        _ => Magic::Other,
    }
}

impl Contents {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            tree: Tree::new(limits),
            layers: Vec::new(),
            refused: BTreeMap::new(),
            unknown: Odd::default(),
            absolute: Odd::default(),
            upward: Odd::default(),
            devices: 0,
            secrets: Vec::new(),
            unsearched: 0,
            more_secrets: 0,
            captured: capture::Budget::default(),
            linkage: 0,
            unlinked: Odd::default(),
            linked: Odd::default(),
            aside: Aside::default(),
            entries: 0,
            limits,
        }
    }

    pub(crate) fn read(store: &Store, layout: &Layout, limits: Limits) -> Result<Self, Error> {
        let mut contents = Self::new(limits);
        let mut reader = Reader::new();
        let mut left = limits.bytes;
        let mut packed = limits.bytes;
        for (number, blob) in (0..).zip(&layout.layers) {
            let part = store.part(blob.name.as_bytes())?;
            // Much can be packed of nothing at all, and named by each layer.
            let Some(rest) = packed.checked_sub(part.len()) else {
                return Err(Error::Limit {
                    what: canonical(blob.name.as_bytes()),
                    limit: limits.bytes >> 20,
                    of: "MiB of layers as they lie in the image",
                    option: Limits::BYTES_OPTION,
                });
            };
            packed = rest;
            contents.layers.push(Figures::default());
            let sizes = unpack::layer(blob, part, limits, &mut left, |stream| {
                let what = canonical(blob.name.as_bytes());
                contents.layer(&what, stream, number, &mut reader)
            })?;
            if let Some(figures) = contents.layers.last_mut() {
                figures.packed = sizes.packed;
                figures.unpacked = sizes.unpacked;
            }
        }
        Ok(contents)
    }

    fn layer<R: Forward>(
        &mut self,
        what: &str,
        stream: &mut R,
        number: u32,
        reader: &mut Reader,
    ) -> Result<(), Error> {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::io(what, error),
            _ => Error::format(what, canonical(error.to_string().as_bytes())),
        };
        let mut entries = Entries::new(stream);
        while let Some(mut entry) = entries.next().map_err(failed)? {
            self.clean(&mut entry);
            self.count(what)?;
            let read = match entry.kind {
                Entity::File if entry.size > 0 && !entry.sparse => {
                    Some((self.file(&mut entries, &entry, None, reader)).map_err(failed)?)
                }
                _ => None,
            };
            match self.lay(&entry, read, number) {
                Ok(()) => {}
                Err(Stop::Limit(error)) => return Err(error),
                Err(Stop::Refused(why)) => {
                    self.refused.entry(why).or_default().take(&entry.name);
                }
            }
        }
        Ok(())
    }

    /// Counts an entry of a layer.
    pub(crate) fn count(&mut self, what: &str) -> Result<(), Error> {
        self.entries += 1;
        match self.entries > self.limits.entries {
            true => Err(Error::Limit {
                what: what.to_owned(),
                limit: self.limits.entries,
                of: "files, folders and links in all layers",
                option: Limits::ENTRIES_OPTION,
            }),
            false => Ok(()),
        }
    }

    /// Counts a name that the last layer takes away from those below.
    pub(crate) fn deleted(&mut self) {
        if let Some(figures) = self.layers.last_mut() {
            figures.deletions += 1;
        }
    }

    /// Reads a file, of which the reader has no more than its bytes; `lies` is where they are already, if they are in a
    /// file that stays.
    pub(crate) fn file(
        &mut self,
        from: &mut impl Read,
        entry: &Entry,
        lies: Option<&File>,
        reader: &mut Reader,
    ) -> io::Result<Seen> {
        let keep = capture::is_wanted(&entry.name);
        let mut storing = self.captured.store(&entry.name, entry.size, lies);
        let whole = entry.size <= WHOLE_MAX
            || keep && storing.is_none() && self.captured.has_room(entry.size);
        let Reader {
            buffer,
            secrets,
            go,
            linkage,
        } = reader;
        go.begin();
        if whole {
            buffer.clear();
            from.take(entry.size).read_to_end(buffer)?;
            let content = match keep {
                true => (self.captured.take(&entry.name, buffer)).map(Content::Memory),
                false => None,
            };
            let (secrets, is_searched) = secrets.find(&entry.name, buffer);
            self.unsearched += u64::from(!is_searched);
            let magic = magic(buffer);
            if magic == Magic::Elf {
                go.take(buffer);
            }
            return Ok(Seen {
                hash: Sha256::digest(&buffer).into(),
                magic,
                secrets,
                content,
                built: self.built(entry, go),
                linkage: self.linkage(entry, linkage::of(buffer)),
            });
        }
        self.unsearched += 1;
        let mut sum = Sha256::new();
        let mut first = None;
        linkage.begin();
        buffer.resize(BLOCK, 0);
        loop {
            let count = from.read(buffer)?;
            if count == 0 {
                break;
            }
            let magic = *first.get_or_insert_with(|| magic(&buffer[..count]));
            if magic == Magic::Elf {
                go.take(&buffer[..count]);
            }
            if magic != Magic::Other {
                linkage.take(&buffer[..count]);
            }
            sum.update(&buffer[..count]);
            let taken = storing.as_mut().map(|it| it.take(&buffer[..count]));
            if let Some(Err(error)) = taken {
                self.captured.room.fail(&error);
                storing = None;
            }
        }
        if keep && storing.is_none() {
            self.captured.refuse(&entry.name);
        }
        Ok(Seen {
            hash: sum.finalize().into(),
            magic: first.unwrap_or_default(),
            secrets: Vec::new(),
            content: storing.map(Storing::end),
            built: self.built(entry, go),
            linkage: self.linkage(entry, linkage.end()),
        })
    }

    /// What a file says of how it is started, if there is room for it.
    fn linkage(&mut self, entry: &Entry, found: Option<Linkage>) -> Option<Box<Linkage>> {
        let found = found?;
        let taken = self.linkage + found.weight();
        if taken > LINKAGE_MAX {
            self.unlinked.take(&entry.name);
            return None;
        }
        self.linkage = taken;
        Some(Box::new(found))
    }

    /// What Go says of a file that was looked through, if there is room for it.
    fn built(&mut self, entry: &Entry, go: &mut Scan) -> Option<Built> {
        match go.end()? {
            Built::Known(text) => (self.captured.take(&entry.name, &text)).map(Built::Known),
            Built::Old => Some(Built::Old),
        }
    }

    /// Takes the names of an entry as runtimes do, and counts what is odd in them.
    fn clean(&mut self, entry: &mut Entry) {
        let (name, mut leads_up) = clean(&entry.name);
        if entry.kind == Entity::HardLink {
            let (link, link_leads_up) = clean(&entry.link);
            entry.link = link;
            leads_up |= link_leads_up;
        }
        if leads_up {
            self.upward.take(&entry.name);
        }
        if entry.name.starts_with(b"/") {
            self.absolute.take(&entry.name);
        }
        entry.name = match name.is_empty() {
            true => b"/".to_vec(),
            false => name,
        };
    }

    fn lay(&mut self, entry: &Entry, read: Option<Seen>, layer: u32) -> Result<(), Stop> {
        let name = &entry.name[..];
        let start = name
            .iter()
            .rposition(|byte| *byte == b'/')
            .map_or(0, |slash| slash + 1);
        if let Some(hidden) = name[start..].strip_prefix(b".wh.") {
            match hidden {
                b"" | b"." | b".." => return Err(Refused::Whiteout.into()),
                b".wh..opq" => self.tree.make_opaque(&name[..start], layer)?,
                // Of AUFS, for itself.
                hidden if hidden.starts_with(b".wh.") => return Ok(()),
                hidden => {
                    let path = [&name[..start], hidden].concat();
                    self.tree.white_out(&path, layer)?;
                }
            }
            self.deleted();
            return Ok(());
        }
        self.put(entry, read, layer).map(drop)
    }

    /// Lays an entry on that takes nothing away by its name; answers what it is, unless it is of no kind that is taken.
    pub(crate) fn put(
        &mut self,
        entry: &Entry,
        read: Option<Seen>,
        layer: u32,
    ) -> Result<Option<Id>, Stop> {
        let name = &entry.name[..];
        let kind = match entry.kind {
            Entity::Other => {
                self.unknown.take(name);
                return Ok(None);
            }
            Entity::HardLink => {
                let id = self.tree.hard_link(name, &entry.link, layer)?;
                if let Some(figures) = self.layers.last_mut() {
                    figures.links += 1;
                }
                let inode = self.tree.inode(id);
                // What was passed over by its first name tells something by this one.
                if inode.content.is_none() && inode.size > 0 && capture::is_wanted(name) {
                    self.linked.take(name);
                }
                return Ok(Some(id));
            }
            Entity::File => Kind::File,
            Entity::Symlink => Kind::Symlink,
            Entity::Folder => Kind::Folder,
            Entity::Device => Kind::Device,
            Entity::Fifo => Kind::Fifo,
        };
        let mut inode = Inode::new(kind, entry.mode, layer);
        inode.owner = entry.owner;
        if kind == Kind::Symlink {
            if entry.link.len() > crate::tree::PATH_MAX {
                return Err(Refused::TooLong.into());
            }
            inode.target = Some(entry.link.clone().into());
        }
        let capability = entry.capability.as_ref().filter(|value| value.len() <= 64);
        inode.capability = capability.map(|value| value.clone().into());
        let mut found = Vec::new();
        if kind == Kind::File {
            inode.size = entry.size;
            if let Some(read) = read {
                inode.hash = Some(read.hash);
                inode.magic = read.magic;
                inode.content = read.content;
                inode.built = read.built;
                inode.linkage = read.linkage;
                found = read.secrets;
            }
        }
        let id = self.tree.put(name, inode)?;
        let Some(figures) = self.layers.last_mut() else {
            return Ok(Some(id));
        };
        match kind {
            Kind::File => {
                figures.files += 1;
                figures.bytes = figures.bytes.saturating_add(entry.size);
            }
            Kind::Symlink => figures.links += 1,
            Kind::Folder => figures.folders += 1,
            Kind::Device => self.devices += 1,
            Kind::Fifo => {}
        }
        for kind in found {
            match self.secrets.len() < secrets::MOST {
                true => self.secrets.push((id, kind)),
                false => self.more_secrets += 1,
            }
        }
        Ok(Some(id))
    }
}
