//! What of a base is in use: shells, runtimes, libraries and files, each with whoever uses it.

use super::executed::{Executed, Why, issuers};
use super::kind::{Kind, Language};
use super::linked::{Closure, Libc, elf, is_program, name_of};
use super::{Known, NAMED_MAX, data};
use crate::notable::{Tool, tool};
use crate::report::First;
use crate::tree::{Id, Magic, Tree};
use lapwing_profile::text::canonical;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Requirements of one sort that are told.
const EACH_MAX: usize = 20;
/// Something that a base has to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Requirement {
    /// A shell was executed.
    Shell,
    /// A package manager was.
    PackageManager,
    /// A compiler was.
    Compiler,
    /// The runtime of a language.
    Runtime,
    /// libgcc, libgomp or libstdc++.
    GccLibraries,
    /// libssl or libcrypto.
    OpenSsl,
    /// glibc.
    Glibc,
    /// musl.
    Musl,
    /// Another loader than those of both.
    OtherLoader,
    /// CA certificates.
    Certificates,
    /// Time zones.
    TimeZones,
    /// Users and groups.
    Users,
    /// A folder for temporary files.
    Temporary,
}

/// A requirement, and what it follows from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Need {
    /// What.
    pub requirement: Requirement,
    /// The smallest kind of base that has it.
    pub base: Kind,
    /// Whether nothing smaller would do because of it.
    pub decides: bool,
    /// What was seen, in words.
    pub what: String,
    /// Who needs it, where that is known.
    pub by: First<String>,
}

impl Need {
    /// In words, with whoever needs it.
    #[must_use]
    pub fn text(&self) -> String {
        let more = match self.by.more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        match self.by.is_empty() {
            true => self.what.clone(),
            false => format!("{}, by {}{more}", self.what, self.by.first.join(", ")),
        }
    }
}

/// What is in use of the image.
#[derive(Default)]
pub(super) struct Needs {
    pub all: Vec<Need>,
    pub languages: BTreeSet<Language>,
    /// Programs and scripts that were executed, but for shells, managers, compilers and runtimes.
    pub programs: Vec<Id>,
    /// All that counts as executed, by the numbers of inodes.
    pub counted: BTreeSet<u32>,
    /// Runtimes of languages that were.
    pub runtimes: Vec<Id>,
    /// Static programs that Go did not build, the first of them, and whether Go built others.
    pub statically: First<String>,
    pub has_static_go: bool,
    /// Loaders where no base has them.
    pub odd_loaders: BTreeSet<String>,
    /// Names of libraries in use.
    pub libraries: BTreeSet<Vec<u8>>,
    /// Libraries that were used and that no program names.
    pub by_name: First<String>,
    /// Whether what some program needs was not read or is not in the image.
    pub is_unsure: bool,
    /// The program that the image's configuration names, where it counts and was not seen to be executed.
    pub configured: Option<String>,
    /// How many programs and scripts were executed.
    pub executed: u64,
    /// Shells that were opened and not executed.
    pub opened: BTreeSet<String>,
    /// Whether locales, or what converts character sets, were read.
    pub has_locale: bool,
}

impl Needs {
    pub(super) fn add(
        &mut self,
        requirement: Requirement,
        base: Kind,
        what: String,
        by: First<String>,
    ) {
        let same = { self.all.iter() }.filter(|one| one.requirement == requirement);
        if same.count() >= EACH_MAX {
            return;
        }
        self.all.push(Need {
            requirement,
            base,
            decides: false,
            what,
            by,
        });
    }
}

fn paths(tree: &Tree, all: &First<Id>) -> First<String> {
    let path = |id: &Id| canonical(&tree.path(*id));
    First {
        first: all.first.iter().map(path).collect(),
        more: all.more,
    }
}

fn first(all: impl IntoIterator<Item = String>) -> First<String> {
    First::of(all.into_iter().collect(), NAMED_MAX)
}

/// Whether a loader is where bases have it.
fn is_usual(loader: &[u8]) -> bool {
    let folder = loader.rsplitn(2, |byte| *byte == b'/').nth(1);
    folder.is_some_and(|it| [&b"/lib"[..], b"/lib32", b"/lib64", b"/libx32"].contains(&it))
}

pub(super) fn of(known: &Known<'_>) -> Needs {
    let tree = known.tree;
    let mut needs = Needs::default();
    let Executed {
        all: executed,
        why,
        is_whole,
        configured,
    } = Executed::of(known);
    needs.is_unsure = !is_whole;
    needs.configured = configured;
    let issuers = issuers(known, &executed);
    let verb = |number: u32| why.get(&number).copied().unwrap_or(Why::Seen).text();
    let by = |number: u32| first(issuers.get(&number).cloned().unwrap_or_default());
    let mut seen: BTreeSet<u32> = BTreeSet::new();
    let mut elves: Vec<Id> = Vec::new();
    // Names of tools first, for a file may have several.
    let mut told: BTreeSet<(u32, Requirement)> = BTreeSet::new();
    for id in &executed {
        let number = tree.nodes[*id as usize].inode;
        let found = match tool(tree, *id) {
            Some(Tool::Shell) => (Requirement::Shell, "a shell"),
            Some(Tool::Manager) => (Requirement::PackageManager, "a package manager"),
            Some(Tool::Compiler) => (Requirement::Compiler, "a compiler"),
            None => continue,
        };
        if told.insert((number, found.0)) {
            needs.add(
                found.0,
                Kind::Slim,
                format!(
                    "{} {}: {}",
                    found.1,
                    verb(number),
                    canonical(&tree.path(*id))
                ),
                by(number),
            );
        }
    }
    let is_tool: BTreeSet<u32> = told.iter().map(|(number, _)| *number).collect();
    let mut loaders: BTreeMap<(Requirement, String), First<Id>> = BTreeMap::new();
    for id in &executed {
        let number = tree.nodes[*id as usize].inode;
        if !seen.insert(number) {
            continue;
        }
        let inode = tree.inode(*id);
        let is_script = inode.magic == Magic::Script;
        if is_script || is_program(tree, *id) {
            needs.executed += u64::from(!why.contains_key(&number));
        }
        if is_script && !is_tool.contains(&number) {
            needs.programs.push(*id);
        }
        if !is_program(tree, *id) {
            continue;
        }
        elves.push(*id);
        let name = String::from_utf8_lossy(&tree.nodes[*id as usize].name);
        match Language::of(&name, true) {
            Some(language) if !is_tool.contains(&number) => {
                needs.languages.insert(language);
                let path = canonical(&tree.path(*id));
                let what = format!(
                    "the runtime of {} {}: {path}",
                    language.word(),
                    verb(number)
                );
                needs.runtimes.push(*id);
                needs.add(Requirement::Runtime, Kind::Runtime, what, by(number));
            }
            None if !is_tool.contains(&number) => needs.programs.push(*id),
            _ => {}
        }
        let loader = elf(inode).map(|elf| elf.loader.as_deref());
        if let Some(Some(loader)) = loader
            && !is_usual(loader)
            && needs.odd_loaders.len() < NAMED_MAX
        {
            needs.odd_loaders.insert(canonical(loader));
        }
        let of = match loader {
            Some(None) => {
                match inode.built.is_some() {
                    true => needs.has_static_go = true,
                    false => needs
                        .statically
                        .take(NAMED_MAX, || canonical(&tree.path(*id))),
                }
                continue;
            }
            Some(Some(loader)) => match Libc::of(loader) {
                Libc::Glibc => (Requirement::Glibc, canonical(loader)),
                Libc::Musl => (Requirement::Musl, canonical(loader)),
                Libc::Other => (Requirement::OtherLoader, canonical(loader)),
            },
            None => {
                needs.is_unsure = true;
                continue;
            }
        };
        loaders.entry(of).or_default().take(NAMED_MAX, || *id);
    }
    for ((requirement, loader), programs) in loaders {
        let (base, libc) = match requirement {
            Requirement::Musl => (Kind::Musl, "musl is in use"),
            Requirement::Glibc => (Kind::Glibc, "glibc is in use"),
            _ => (Kind::Slim, "another loader is in use"),
        };
        needs.add(
            requirement,
            base,
            format!("{libc}, by the loader {loader}"),
            paths(tree, &programs),
        );
    }
    needs.counted = seen;
    libraries(known, &elves, &mut needs);
    data::needs(known, &mut needs);
    needs
}

/// Libraries that programs name, and those that were seen in use.
fn libraries(known: &Known<'_>, programs: &[Id], needs: &mut Needs) {
    let tree = known.tree;
    let closure = Closure::of(tree, programs.iter().copied());
    needs.is_unsure |= !closure.is_whole;
    let mut all: BTreeMap<&[u8], First<Id>> = closure.libraries;
    if known.how.is_some() {
        let mut used = Vec::new();
        let mut seen = BTreeSet::new();
        tree.visit(|id, inode| {
            let number = tree.nodes[id as usize].inode;
            if inode.magic == Magic::Elf
                && known.is_used(number)
                && seen.insert(number)
                && let Some(name) = name_of(tree, id)
            {
                used.push((name, id));
            }
        });
        for (name, id) in used {
            if !all.contains_key(name) {
                needs.by_name.take(NAMED_MAX, || canonical(&tree.path(id)));
                all.insert(name, First::default());
            }
        }
    }
    let mut found: BTreeMap<(Requirement, Kind), (First<String>, BTreeSet<Id>)> = BTreeMap::new();
    for (name, by) in all {
        let text = canonical(name);
        needs.libraries.insert(name.to_vec());
        let of = match Kind::of_library(&text) {
            Some(Kind::Musl) => (Requirement::Musl, Kind::Musl),
            Some(Kind::Base) => (Requirement::OpenSsl, Kind::Base),
            Some(Kind::Cc) => (Requirement::GccLibraries, Kind::Cc),
            Some(_) => (Requirement::Glibc, Kind::Glibc),
            None => match Language::of(&text, false) {
                Some(language) => {
                    needs.languages.insert(language);
                    (Requirement::Runtime, Kind::Runtime)
                }
                None => continue,
            },
        };
        let (names, users) = found.entry(of).or_default();
        names.take(NAMED_MAX, || text);
        users.extend(by.first);
    }
    for ((requirement, base), (names, users)) in found {
        // Its loader says the same, with more.
        if needs.all.iter().any(|one| one.requirement == requirement) {
            continue;
        }
        let more = match names.more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let what = format!("libraries are in use: {}{more}", names.first.join(", "));
        let users = First::of(users.into_iter().collect(), NAMED_MAX);
        needs.add(requirement, base, what, paths(tree, &users));
    }
}
