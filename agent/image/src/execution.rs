//! Which programs of an image a profile saw run.
//!
//! The sensor records what is executed, and not what is read or mapped. So a program that did not run
//! is *not seen to run*, which is no more than that, and of libraries and data nothing is known: a
//! package without programs is *unknown*, whatever the profile holds. What a profile saw counts in each
//! verdict, also what waits or was refused, for it ran.

use crate::map::Use;
use crate::packages::{Packages, is_library};
use crate::report::{Execution, First, Package, Ran, RanProgram, Saving, Sum};
use crate::tree::{Id, Inode, Kind, Magic, Node, Tree};
use crate::waste::LISTED_MAX;
use lapwing_advise::{Advice, Given};
use lapwing_profile::behaviour::{Behaviour, Exec, Origin, Parent};
use lapwing_profile::entry::Phase;
use lapwing_profile::profile::{Profile, Verdict};
use lapwing_profile::text::{bytes, canonical};
use std::collections::BTreeSet;

/// What nobody should take it for.
pub const CAUTION: &str = "what is executed is recorded, and not what is read or mapped: libraries and data are unknown, and \
     a program that was not seen to run may run tomorrow";

/// Paths of programs and scripts, by what the profile knows of them.
#[derive(Default)]
struct Known {
    /// Seen to run.
    ran: BTreeSet<String>,
    /// Of these, what was executed from the image itself.
    of_image: BTreeSet<String>,
    /// Approved by a person, and not seen.
    approved: BTreeSet<String>,
}

impl Known {
    fn of(profile: &Profile) -> Self {
        let mut known = Self::default();
        for verdict in [Verdict::Approved, Verdict::Pending, Verdict::Refused] {
            for (entry, record) in profile.entries(verdict) {
                if entry.phase == Phase::Escaped {
                    continue;
                }
                let was_seen = record.first.is_some();
                let told = profile.provenance(&entry).filter(|_| was_seen);
                let told = told.map(|told| told.executables.all).unwrap_or_default();
                known.ran.extend(told.iter().map(ToString::to_string));
                match entry.behaviour {
                    Behaviour::Exec(exec) if was_seen => known.take(exec),
                    Behaviour::Exec(exec) if verdict == Verdict::Approved => {
                        known.approved.extend(exec.script);
                        known.approved.insert(exec.path);
                    }
                    _ => {}
                }
            }
        }
        // Others are marked: what lies elsewhere, or is known in part.
        known.ran.retain(|path| path.starts_with('/'));
        known.of_image.retain(|path| path.starts_with('/'));
        known
    }

    fn take(&mut self, exec: Exec) {
        if let Parent::Program(path) = exec.parent {
            self.ran.insert(path);
        }
        // A script's place is not recorded apart from its interpreter's.
        self.ran.extend(exec.script);
        if exec.origin == Origin::Image {
            self.of_image.insert(exec.path.clone());
            self.ran.insert(exec.path);
        }
    }
}

/// Whether it is a program: no library that can be executed, and no module of a language with the bits
/// of a script, which lie beside others and not among programs.
fn is_program(tree: &Tree, node: &Node, inode: &Inode) -> bool {
    let folder = &*tree.nodes[node.parent as usize].name;
    let is_one = match inode.magic {
        Magic::Elf => !is_library(&node.name),
        Magic::Script => matches!(folder, b"bin" | b"sbin" | b"libexec" | b"games" | b""),
        Magic::Other => false,
    };
    is_one && inode.kind == Kind::File && inode.mode & 0o111 != 0
}

/// Marks packages, and tells what ran, and of each file by the number of its inode whether it did.
pub(crate) fn of(
    tree: &Tree,
    packages: &mut Packages,
    profile: &Profile,
    digests: &[&str],
) -> (Ran, Vec<Use>) {
    let advice = Advice::of(profile, &Given::default());
    let known = Known::of(profile);
    let find = |path: &String| bytes(path).and_then(|path| tree.find(&path, true));
    let mut ran = vec![false; tree.inodes.len()];
    let mut approved = vec![false; tree.inodes.len()];
    for id in known.approved.iter().filter_map(find) {
        approved[tree.nodes[id as usize].inode as usize] = true;
    }
    let mut executed = Vec::new();
    for path in &known.ran {
        let Some(id) = find(path).filter(|id| tree.inode(*id).kind == Kind::File) else {
            continue;
        };
        let number = tree.nodes[id as usize].inode as usize;
        if !std::mem::replace(&mut ran[number], true) {
            executed.push(RanProgram {
                path: canonical(&tree.path(id)),
                package: packages.name(tree, id),
            });
        }
    }
    let missing = known.of_image.iter().filter(|path| find(path).is_none());
    let missing: Vec<String> = missing.cloned().collect();
    let same_image = same_image(profile, digests);
    // One program that is here, as a shell, does not make it a profile of this image.
    let found = known.of_image.len() - missing.len();
    let says = match same_image {
        Some(true) => found > 0,
        Some(false) | None => found > missing.len(),
    };
    let mut result = Ran {
        workload: advice.workload.to_string(),
        basis: advice.basis,
        caution: CAUTION,
        says,
        same_image,
        learned_of: (profile.versions().iter())
            .map(|one| format!("{}@{}", one.version.repository(), one.version.digest()))
            .collect(),
        executed: First::of(executed, LISTED_MAX),
        missing: First::of(missing, LISTED_MAX),
        programs_ran: Sum::default(),
        programs_not_seen: Sum::default(),
        other_files: Sum::default(),
        packages_ran: Sum::default(),
        packages_not_seen: Sum::default(),
        packages_unknown: Sum::default(),
    };
    let uses = count(tree, packages, (&ran, &approved), says, &mut result);
    (result, uses)
}

/// Whether the profile learned of this image; `None` where one of both has no digest.
fn same_image(profile: &Profile, digests: &[&str]) -> Option<bool> {
    let versions = profile.versions();
    let known = !versions.is_empty() && !digests.is_empty();
    known.then(|| {
        versions
            .iter()
            .any(|one| digests.contains(&one.version.digest()))
    })
}

fn count(
    tree: &Tree,
    packages: &mut Packages,
    (ran, approved): (&[bool], &[bool]),
    says: bool,
    result: &mut Ran,
) -> Vec<Use> {
    let mut uses = vec![Use::Unknown; tree.inodes.len()];
    // Of each package: programs that were not seen, what ran, and what nobody saw and somebody approved.
    let mut known = vec![(false, false, false); packages.all.len()];
    let mut counted = vec![false; tree.inodes.len()];
    tree.visit(|id: Id, inode| {
        let node = &tree.nodes[id as usize];
        let number = node.inode as usize;
        if inode.kind != Kind::File || std::mem::replace(&mut counted[number], true) {
            return;
        }
        let (ran, approved) = (ran[number], approved[number]);
        let not_seen = says && !ran && !approved && is_program(tree, node, inode);
        let (of, sum) = match (ran, not_seen) {
            (true, _) => (Use::Used, &mut result.programs_ran),
            (false, true) => (Use::NotSeen, &mut result.programs_not_seen),
            (false, false) => (Use::Unknown, &mut result.other_files),
        };
        uses[number] = of;
        sum.take(inode.size);
        let others = packages.others(node.inode).map(|(other, _)| other);
        for number in packages.owner_number(tree, id).into_iter().chain(others) {
            let known = &mut known[number];
            *known = (known.0 | not_seen, known.1 | ran, known.2 | approved);
        }
    });
    for (number, (not_seen, ran, approved)) in known.into_iter().enumerate() {
        let is_known = not_seen && !approved && !packages.is_unsure(number);
        let package = &mut packages.all[number];
        let (execution, sum) = match (ran, is_known) {
            (true, _) => (Execution::Ran, &mut result.packages_ran),
            (false, true) => (Execution::NotSeenToRun, &mut result.packages_not_seen),
            (false, false) => (Execution::Unknown, &mut result.packages_unknown),
        };
        package.execution = Some(execution);
        // What lies in a package of the system is counted there.
        if package.within.is_none() {
            sum.take(package.bytes);
        }
    }
    uses
}

/// What could be saved of packages of which nothing ran, and which hold no libraries that others may use.
pub(crate) fn saving(packages: &[Package], ran: &Ran) -> Option<Saving> {
    let is = |package: &&Package| {
        let alone = package.libraries == 0 && package.within.is_none();
        alone && package.execution == Some(Execution::NotSeenToRun)
    };
    let mut sum = Sum::default();
    packages
        .iter()
        .filter(is)
        .for_each(|package| sum.take(package.bytes));
    let largest: Vec<&str> = packages
        .iter()
        .filter(is)
        .take(5)
        .map(|it| &*it.name)
        .collect();
    let doubt = match (ran.same_image, ran.basis.complete) {
        (Some(false), true) => ", by a profile of another image",
        (Some(false), false) => ", by a profile of another image, which is incomplete",
        (_, true) => "",
        (_, false) => ", by a profile that is incomplete",
    };
    (sum.count > 0).then(|| Saving {
        bytes: sum.bytes,
        what: format!(
            "packages without libraries, of which no program was seen to run{doubt}: {} of them, the \
             largest {}",
            sum.count,
            largest.join(", ")
        ),
        remedy: "leave out those that nothing else needs; their data may be in use, so try the image \
                 without them"
            .to_owned(),
    })
}
