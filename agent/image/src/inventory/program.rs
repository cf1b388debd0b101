//! The program that the image's configuration names, where nobody saw it, as where a pod has a command of its own:
//! a build that names it and does not have it makes an image that does not start.
//!
//! What starts it goes by what the files say, as a loader reads it: the interpreter of a script, the loader of an
//! ELF file, the libraries that it names, and theirs. Of several libraries of one name that is taken which was used,
//! or lies where the loader or who needs it does; what a program opens by itself no file says.

use super::cut;
use crate::base::linked::{
    Found, configured, elf, first_argument, interpreter, name_of, sought, why_not,
};
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
    not_sought: BTreeSet<String>,
}

/// Marks the program and what starts it; answers what whoever builds has to know, of what was not seen.
pub(super) fn add(tree: &Tree, run: Option<&Run>, files: &mut [bool]) -> Vec<String> {
    let mut warnings = Vec::new();
    warnings.extend(add_program(tree, run, files));
    warnings.extend(argument(tree, run, files));
    warnings
}

fn add_program(tree: &Tree, run: Option<&Run>, files: &mut [bool]) -> Option<String> {
    let program = match configured(tree, run)? {
        Found::At(id) if tree.inode(id).kind == Kind::File => id,
        Found::NotSought => {
            return Some(format!(
                "THE PROGRAM THAT ENTRYPOINT OR CMD NAMES WAS NOT LOOKED FOR ({}), AND IS NOT COPIED UNLESS IT WAS SEEN IN \
                 USE: look whether what is built has it",
                why_not(tree)
            ));
        }
        Found::At(_) | Found::Nowhere => {
            return Some(
                "THE PROGRAM THAT ENTRYPOINT OR CMD NAMES WAS NOT FOUND IN THE IMAGE, AND IS NOT COPIED: what is built starts \
                 only with another command"
                    .to_owned(),
            );
        }
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
        not_sought: BTreeSet::new(),
    };
    start.take(program);
    while let Some(id) = start.left.pop() {
        start.follow(id);
    }
    let Start {
        found,
        missing,
        not_sought,
        ..
    } = start;
    let mut lacks = String::new();
    if !missing.is_empty() {
        lacks += &format!(". NOT FOUND, AND NOT COPIED: {}", list(missing));
    }
    if !not_sought.is_empty() {
        let why = why_not(tree);
        lacks += &format!(
            ". NOT LOOKED FOR ({why}), AND NOT COPIED: {}",
            list(not_sought)
        );
    }
    for id in &found {
        files[*id as usize] = true;
    }
    Some(format!(
        "THE PROGRAM THAT ENTRYPOINT OR CMD NAMES WAS NOT SEEN IN USE: {}. It is copied with what its file names \
         (interpreter, loader, libraries); what else it opens or starts is not known. Where the workload was started by \
         another command, as a pod's `command`, start what is built with that one{lacks}",
        cut(canonical(&tree.path(program)))
    ))
}

/// What is said of a program of the image that CMD gives to ENTRYPOINT, as to a script that starts it, and that nobody
/// saw. It may as well be a word that is called like a program.
fn argument(tree: &Tree, run: Option<&Run>, files: &[bool]) -> Option<String> {
    let id = first_argument(tree, run)?.found()?;
    let inode = tree.inode(id);
    let is_program = inode.kind == Kind::File && inode.mode & 0o111 != 0;
    (is_program && !files[id as usize]).then(|| {
        format!(
            "CMD BEGINS WITH A PROGRAM OF THE IMAGE THAT WAS NOT SEEN IN USE: {}. It is not copied: if ENTRYPOINT starts what \
             CMD says, give another command to what is built, or copy the program by hand with what it needs",
            cut(canonical(&tree.path(id)))
        )
    })
}

/// The first of these, and how many more there are.
fn list(all: BTreeSet<String>) -> String {
    let more = match all.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let first: Vec<String> = all.into_iter().take(NAMED_MAX).map(cut).collect();
    first.join(", ") + &more
}

impl<'t> Start<'t> {
    fn take(&mut self, id: Id) {
        if self.tree.inode(id).kind == Kind::File && self.found.insert(id) {
            self.left.push(id);
        }
    }

    /// Takes what came of looking for a name; answers what was found.
    fn take_found(&mut self, found: Found, name: &[u8]) -> Option<Id> {
        match found {
            Found::At(id) => {
                self.take(id);
                return Some(id);
            }
            Found::Nowhere => self.missing.insert(canonical(name)),
            Found::NotSought => self.not_sought.insert(canonical(name)),
        };
        None
    }

    fn follow(&mut self, id: Id) {
        let tree = self.tree;
        let Some(linkage) = tree.inode(id).linkage.as_deref() else {
            let path = canonical(&tree.path(id));
            self.missing
                .insert(format!("(not read) what starts {path}"));
            return;
        };
        let elf = match linkage {
            Linkage::Script(name) => {
                self.take_found(interpreter(tree, self.run, name), name);
                if !name.contains(&b'/') {
                    for env in ENV
                        .into_iter()
                        .filter_map(|path| sought(tree, path).found())
                    {
                        self.take(env);
                    }
                }
                return;
            }
            Linkage::Elf(elf) => elf,
        };
        if let Some(path) = elf.loader.as_deref()
            && let Some(found) = self.take_found(sought(tree, path), path)
        {
            self.loaders = Some(tree.nodes[found as usize].parent);
            // It is no program, and names nothing.
            let is_file = |id: &Id| tree.inode(*id).kind == Kind::File;
            self.found
                .extend(sought(tree, CACHE).found().filter(is_file));
        }
        match elf.needed.as_deref() {
            Some(all) => {
                for name in all {
                    let found = self.library(name, id);
                    self.take_found(found, name);
                }
            }
            None if elf.is_dynamic => {
                let path = canonical(&tree.path(id));
                self.missing
                    .insert(format!("(not read) libraries of {path}"));
            }
            None => {}
        }
    }

    /// A library by its name, or by a path: the best of those that are called so.
    fn library(&mut self, name: &'t [u8], by: Id) -> Found {
        let tree = self.tree;
        if name.contains(&b'/') {
            return sought(tree, name);
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
        match all.get(name).and_then(|all| all.iter().min_by_key(rank)) {
            Some((id, _)) => Found::At(*id),
            // A link may be called so that was not followed.
            None if tree.is_exhausted() => Found::NotSought,
            None => Found::Nowhere,
        }
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
                let to = sought(tree, &tree.path(id)).found();
                if let Some(to) = to.filter(is_elf) {
                    add(name, to);
                }
            }
            _ => {}
        }
    });
    all
}
