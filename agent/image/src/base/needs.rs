//! What of a base is in use: shells, runtimes, libraries and files, each with whoever uses it.

use super::kind::{Kind, Language};
use super::linked::{Closure, Libc, elf, interpreter, is_program, name_of};
use super::{Known, NAMED_MAX};
use crate::linkage::Linkage;
use crate::notable::{Tool, tool};
use crate::report::First;
use crate::tree::{Id, Kind as Node, Magic, Tree};
use lapwing_profile::behaviour::{Behaviour, Parent};
use lapwing_profile::entry::Phase;
use lapwing_profile::inventory::uses;
use lapwing_profile::profile::Verdict;
use lapwing_profile::text::{bytes, canonical};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Requirements of one sort that are told.
const EACH_MAX: usize = 20;
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
    /// Programs that were executed, but for shells, managers, compilers and runtimes.
    pub programs: Vec<Id>,
    /// Names of libraries in use.
    pub libraries: BTreeSet<Vec<u8>>,
    /// Libraries that were used and that no program names.
    pub by_name: First<String>,
    /// Whether some program's libraries were not read.
    pub is_unsure: bool,
    /// How many programs and scripts were executed.
    pub executed: u64,
    /// Shells that were opened and not executed.
    pub opened: BTreeSet<String>,
    /// Whether locales, or what converts character sets, were read.
    pub has_locale: bool,
}

impl Needs {
    fn add(&mut self, requirement: Requirement, base: Kind, what: String, by: First<String>) {
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

/// By the number of the inode: who executed it, by the profile, and scripts that name it.
fn issuers(known: &Known<'_>, executed: &[Id]) -> BTreeMap<u32, BTreeSet<String>> {
    let tree = known.tree;
    let mut all: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    let verdicts = [Verdict::Approved, Verdict::Pending, Verdict::Refused];
    let entries = { known.profile.into_iter() }
        .flat_map(|profile| verdicts.into_iter().flat_map(|it| profile.entries(it)));
    for (entry, record) in entries {
        if entry.phase == Phase::Escaped || record.first.is_none() {
            continue;
        }
        let Behaviour::Exec(exec) = entry.behaviour else {
            continue;
        };
        let Some(id) = bytes(&exec.path).and_then(|path| tree.find(&path, true)) else {
            continue;
        };
        let of = all.entry(tree.nodes[id as usize].inode).or_default();
        match exec.parent {
            Parent::Program(path) => drop(of.insert(path)),
            Parent::Runtime => drop(of.insert("the container's runtime".to_owned())),
            Parent::Any | Parent::Unknown => {}
        }
        of.extend(exec.script);
    }
    let mut seen = BTreeSet::new();
    for id in executed {
        if let Some(Linkage::Script(name)) = tree.inode(*id).linkage.as_deref()
            && seen.insert(tree.nodes[*id as usize].inode)
            && let Some(found) = interpreter(tree, name)
        {
            let of = all.entry(tree.nodes[found as usize].inode).or_default();
            of.insert(canonical(&tree.path(*id)));
        }
    }
    all
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

/// Nodes of what was executed, each file once for each of its names.
fn executed(known: &Known<'_>) -> Vec<Id> {
    let mut all = Vec::new();
    known.tree.visit(|id, inode| {
        if inode.kind == Node::File && known.is_executed(known.tree.nodes[id as usize].inode) {
            all.push(id);
        }
    });
    all
}

pub(super) fn of(known: &Known<'_>) -> Needs {
    let tree = known.tree;
    let mut needs = Needs::default();
    let executed = executed(known);
    let issuers = issuers(known, &executed);
    let by = |number: u32| first(issuers.get(&number).cloned().unwrap_or_default());
    let mut seen: BTreeSet<u32> = BTreeSet::new();
    let mut elves: Vec<Id> = Vec::new();
    // Names of tools first, for a file may have several.
    let mut told: BTreeSet<(u32, Requirement)> = BTreeSet::new();
    for id in &executed {
        let number = tree.nodes[*id as usize].inode;
        let found = match tool(tree, *id) {
            Some(Tool::Shell) => (Requirement::Shell, "a shell was executed"),
            Some(Tool::Manager) => (
                Requirement::PackageManager,
                "a package manager was executed",
            ),
            Some(Tool::Compiler) => (Requirement::Compiler, "a compiler was executed"),
            None => continue,
        };
        if told.insert((number, found.0)) {
            needs.add(
                found.0,
                Kind::Slim,
                format!("{}: {}", found.1, canonical(&tree.path(*id))),
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
        if inode.magic == Magic::Script {
            needs.executed += 1;
        }
        if !is_program(tree, *id) {
            continue;
        }
        needs.executed += 1;
        elves.push(*id);
        let name = String::from_utf8_lossy(&tree.nodes[*id as usize].name);
        match Language::of(&name, true) {
            Some(language) if !is_tool.contains(&number) => {
                needs.languages.insert(language);
                let path = canonical(&tree.path(*id));
                let what = format!("the runtime of {} was executed: {path}", language.word());
                needs.add(Requirement::Runtime, Kind::Runtime, what, by(number));
            }
            None if !is_tool.contains(&number) => needs.programs.push(*id),
            _ => {}
        }
        let loader = elf(inode).map(|elf| elf.loader.as_deref());
        let of = match loader {
            Some(None) => continue,
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
    libraries(known, &elves, &mut needs);
    files(known, &mut needs);
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

/// Files that are no programs.
fn files(known: &Known<'_>, needs: &mut Needs) {
    let Some(inventory) = known.inventory.filter(|_| known.how.is_some()) else {
        return;
    };
    let begins =
        |path: &[u8], all: &[&str]| all.iter().any(|start| path.starts_with(start.as_bytes()));
    for (requirement, what, starts) in FILES {
        let found = { inventory.files.keys() }.find(|path| begins(path, starts));
        if let Some(path) = found {
            let what = format!("{what}: {}", canonical(path));
            needs.add(*requirement, Kind::Static, what, First::default());
        }
    }
    let is_locale = |path: &[u8]| {
        begins(
            path,
            &["/usr/lib/locale/", "/usr/share/locale/", "/usr/share/i18n/"],
        ) || path.windows(7).any(|part| part == b"/gconv/")
    };
    needs.has_locale = inventory.files.keys().any(|path| is_locale(path));
    for (path, one) in &inventory.files {
        let Some(id) = known.tree.find(path, true) else {
            continue;
        };
        let is_executed = known.is_executed(known.tree.nodes[id as usize].inode);
        let is_open = one.how & uses::OPEN != 0 && !is_executed;
        if is_open && tool(known.tree, id) == Some(Tool::Shell) && needs.opened.len() < NAMED_MAX {
            needs.opened.insert(canonical(path));
        }
    }
}
