//! The program that the image's configuration names, where nobody saw it, as where a pod has a command of its own:
//! a build that names it and does not have it makes an image that does not start.
//!
//! What starts it goes by what the files say, as a loader reads it: the interpreter of a script, the loader of an
//! ELF file, the libraries that it names, and theirs. Of several libraries of one name that is taken which was used,
//! or lies where the loader or who needs it does; what a program opens by itself no file says.

use crate::base::linked::{Found, configured, elf, interpreter, name_of};
use crate::linkage::Linkage;
use crate::packages::is_library;
use crate::run::Run;
use crate::tree::{Id, Kind, Tree};
use lapwing_profile::text::canonical;
use std::collections::{BTreeMap, BTreeSet};

/// What is not found that is named.
const NAMED_MAX: usize = 10;
/// Files by which a program without a path behind `#!` is looked for.
const ENV: [&[u8]; 2] = [b"/usr/bin/env", b"/bin/env"];
/// Where a loader finds libraries that it does not find by itself.
const CACHE: &[u8] = b"/etc/ld.so.cache";
/// Folders of libraries.
const SYSTEM: [&[u8]; 3] = [b"/lib", b"/usr/lib", b"/usr/local/lib"];

/// Libraries of one name that are looked at.
const EACH_MAX: usize = 32;

/// Files by the names that they are needed by, and whether they lie where systems have libraries.
type Libraries<'t> = BTreeMap<&'t [u8], Vec<(Id, bool)>>;

/// Files that are looked at, one after another.
struct Start<'t> {
    tree: &'t Tree,
    run: Option<&'t Run>,
    /// What was used, by the number of the node.
    used: &'t [bool],
    /// Made when the first library is looked for.
    libraries: Option<Libraries<'t>>,
    /// The folder of the last loader that was found, whose libraries are of the same machine.
    loaders: Option<Id>,
    found: BTreeSet<Id>,
    left: Vec<Id>,
    missing: BTreeSet<String>,
}

/// Marks the program and what starts it; answers what whoever builds has to know, if it was not seen.
pub(super) fn add(tree: &Tree, run: Option<&Run>, files: &mut [bool]) -> Option<String> {
    let is_file = |id: &Id| tree.inode(*id).kind == Kind::File;
    let program = configured(tree, run)?.found().filter(is_file);
    let Some(program) = program else {
        return Some(
            "THE PROGRAM THAT ENTRYPOINT OR CMD NAMES WAS NOT FOUND IN THE IMAGE, AND IS NOT COPIED: what is built starts \
             only with another command"
                .to_owned(),
        );
    };
    if files[program as usize] {
        return None;
    }
    let mut start = Start {
        tree,
        run,
        used: files,
        libraries: None,
        loaders: None,
        found: BTreeSet::new(),
        left: Vec::new(),
        missing: BTreeSet::new(),
    };
    start.take(program);
    while let Some(id) = start.left.pop() {
        start.follow(id);
    }
    let Start { found, missing, .. } = start;
    let missing = match missing.len().saturating_sub(NAMED_MAX) {
        _ if missing.is_empty() => String::new(),
        more => {
            let first: Vec<String> = missing.into_iter().take(NAMED_MAX).collect();
            let more = match more {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!(". NOT FOUND, AND NOT COPIED: {}{more}", first.join(", "))
        }
    };
    for id in &found {
        files[*id as usize] = true;
    }
    Some(format!(
        "THE PROGRAM THAT ENTRYPOINT OR CMD NAMES WAS NOT SEEN IN USE: {}. It is copied with what its file names \
         (interpreter, loader, libraries); what else it opens or starts is not known. Where the workload was started by \
         another command, as a pod's `command`, start what is built with that one{missing}",
        canonical(&tree.path(program))
    ))
}

impl<'t> Start<'t> {
    fn take(&mut self, id: Id) {
        if self.tree.inode(id).kind == Kind::File && self.found.insert(id) {
            self.left.push(id);
        }
    }

    fn miss(&mut self, name: &[u8]) {
        self.missing.insert(canonical(name));
    }

    fn follow(&mut self, id: Id) {
        let tree = self.tree;
        let Some(linkage) = tree.inode(id).linkage.as_deref() else {
            let path = tree.path(id);
            self.missing
                .insert(format!("what starts {} (not read)", canonical(&path)));
            return;
        };
        let elf = match linkage {
            Linkage::Script(named) => {
                match interpreter(tree, self.run, named) {
                    Found::At(found) => self.take(found),
                    Found::Nowhere | Found::NotSought => self.miss(named),
                }
                if !named.contains(&b'/') {
                    for env in ENV.into_iter().filter_map(|path| tree.find(path, true)) {
                        self.take(env);
                    }
                }
                return;
            }
            Linkage::Elf(elf) => elf,
        };
        let loader = elf.loader.as_deref();
        let found = loader.and_then(|path| tree.find(path, true));
        match (loader, found) {
            (Some(_), Some(found)) => {
                self.take(found);
                self.loaders = Some(tree.nodes[found as usize].parent);
                // It is no program, and names nothing.
                let is_file = |id: &Id| tree.inode(*id).kind == Kind::File;
                self.found.extend(tree.find(CACHE, true).filter(is_file));
            }
            (Some(path), None) => self.miss(path),
            (None, _) => {}
        }
        match elf.needed.as_deref() {
            Some(all) => {
                for name in all {
                    match self.library(name, id) {
                        Some(library) => self.take(library),
                        None => self.miss(name),
                    }
                }
            }
            None if elf.is_dynamic => {
                let path = canonical(&tree.path(id));
                self.missing
                    .insert(format!("libraries of {path} (not read)"));
            }
            None => {}
        }
    }

    /// A library by its name, or by a path: the best of those that are called so.
    fn library(&mut self, name: &'t [u8], by: Id) -> Option<Id> {
        let tree = self.tree;
        if name.contains(&b'/') {
            return tree.find(name, true);
        }
        let all = self.libraries.get_or_insert_with(|| libraries(tree));
        let own = tree.nodes[by as usize].parent;
        let rank = |(id, is_of_system): &&(Id, bool)| {
            let node = *id as usize;
            let folder = tree.nodes[node].parent;
            let is_with_loader = self.loaders == Some(folder);
            (
                !is_with_loader,
                folder != own,
                !self.used[node],
                !is_of_system,
            )
        };
        let best = all.get(name)?.iter().min_by_key(rank);
        best.map(|(id, _)| *id)
    }
}

/// Libraries by the names of files, of links to them, and by those that they give themselves.
fn libraries(tree: &Tree) -> Libraries<'_> {
    let mut all = Libraries::new();
    let mut add = |name, id| {
        let of_name = all.entry(name).or_default();
        if of_name.len() < EACH_MAX {
            let path = tree.path(id);
            of_name.push((id, SYSTEM.iter().any(|one| path.starts_with(one))));
        }
    };
    tree.visit(|id, inode| {
        let name = &*tree.nodes[id as usize].name;
        match inode.kind {
            Kind::File if elf(inode).is_some() => {
                add(name, id);
                let own = name_of(tree, id).filter(|own| *own != name);
                own.into_iter().for_each(|own| add(own, id));
            }
            Kind::Symlink if is_library(name) => {
                let is_elf = |to: &Id| elf(tree.inode(*to)).is_some();
                if let Some(to) = tree.find(&tree.path(id), true).filter(is_elf) {
                    add(name, to);
                }
            }
            _ => {}
        }
    });
    all
}
