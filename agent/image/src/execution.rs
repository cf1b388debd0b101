//! Which programs of an image a profile saw run.
//!
//! The sensor records what is executed, and not what is read or mapped. So a program that did not run
//! is *not seen to run*, which is no more than that, and of libraries and data nothing is known: a
//! package without programs is *unknown*, whatever the profile holds. What a profile saw counts in each
//! verdict, also what waits or was refused, for it ran.

use crate::packages::Packages;
use crate::report::{Execution, First, Package, Ran, RanProgram, Saving, Sum};
use crate::tree::{Id, Inode, Kind, Magic, Tree};
use crate::waste::LISTED_MAX;
use lapwing_advise::{Advice, Given};
use lapwing_profile::behaviour::{Behaviour, Origin, Parent};
use lapwing_profile::entry::Phase;
use lapwing_profile::profile::{Profile, Verdict};
use lapwing_profile::text::{bytes, canonical};
use std::collections::BTreeSet;

/// What nobody should take it for.
pub const CAUTION: &str = "what is executed is recorded, and not what is read or mapped: libraries and data are unknown, and \
     a program that was not seen to run may run tomorrow";

/// Paths of programs and scripts that the profile saw run, or that a person approved of.
fn programs(profile: &Profile) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for verdict in [Verdict::Approved, Verdict::Pending, Verdict::Refused] {
        for (entry, record) in profile.entries(verdict) {
            if entry.phase == Phase::Escaped
                || verdict == Verdict::Refused && record.first.is_none()
            {
                continue;
            }
            if let Some(told) = profile.provenance(&entry) {
                all.extend(told.executables.all.iter().map(ToString::to_string));
            }
            let Behaviour::Exec(exec) = entry.behaviour else {
                continue;
            };
            if let Parent::Program(path) = exec.parent {
                all.insert(path);
            }
            // A script's place is not recorded apart from its interpreter's.
            all.extend(exec.script);
            if exec.origin == Origin::Image {
                all.insert(exec.path);
            }
        }
    }
    // Others are marked: what lies elsewhere, or is known in part.
    all.retain(|path| path.starts_with('/'));
    all
}

/// Paths that were executed from the image itself.
fn of_image(profile: &Profile) -> BTreeSet<String> {
    let all = profile.entries(Verdict::Approved).into_iter();
    let all = all.chain(profile.entries(Verdict::Pending));
    all.filter(|(entry, record)| entry.phase != Phase::Escaped && record.first.is_some())
        .filter_map(|(entry, _)| match entry.behaviour {
            Behaviour::Exec(exec) if exec.origin == Origin::Image => Some(exec.path),
            _ => None,
        })
        .filter(|path| path.starts_with('/'))
        .collect()
}

/// Whether it is a program, and no library that can be executed.
fn is_program(inode: &Inode, name: &[u8]) -> bool {
    let is_library = name.ends_with(b".so") || name.windows(4).any(|part| part == b".so.");
    inode.kind == Kind::File
        && inode.mode & 0o111 != 0
        && inode.magic != Magic::Other
        && !is_library
}

/// Marks packages, and tells what ran.
pub(crate) fn of(tree: &Tree, packages: &mut Packages, profile: &Profile, digests: &[&str]) -> Ran {
    let advice = Advice::of(profile, &Given::default());
    let all = programs(profile);
    let find = |path: &String| bytes(path).and_then(|path| tree.find(&path, true));
    let mut ran = vec![false; tree.inodes.len()];
    let mut executed = Vec::new();
    for path in &all {
        let Some(id) = find(path).filter(|id| tree.inode(*id).kind == Kind::File) else {
            continue;
        };
        let number = tree.nodes[id as usize].inode as usize;
        if !std::mem::replace(&mut ran[number], true) {
            executed.push(RanProgram {
                path: canonical(&tree.path(id)),
                package: packages.owner(tree, id).map(|package| package.name.clone()),
            });
        }
    }
    let from_image = of_image(profile);
    let missing = from_image
        .iter()
        .filter(|path| find(path).is_none())
        .cloned();
    let missing: Vec<String> = missing.collect();
    // Where nothing ran that is here, the profile says nothing of this image.
    let says = from_image.len() > missing.len();
    let mut result = Ran {
        workload: advice.workload.to_string(),
        basis: advice.basis,
        caution: CAUTION,
        says,
        same_image: same_image(profile, digests),
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
    count(tree, packages, &ran, says, &mut result);
    result
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

fn count(tree: &Tree, packages: &mut Packages, ran: &[bool], says: bool, result: &mut Ran) {
    // Of each package: whether it has programs, and whether one ran.
    let mut known = vec![(false, false); packages.all.len()];
    let mut counted = vec![false; tree.inodes.len()];
    tree.visit(|id: Id, inode| {
        let node = &tree.nodes[id as usize];
        let number = node.inode as usize;
        if inode.kind != Kind::File || std::mem::replace(&mut counted[number], true) {
            return;
        }
        let is_program = is_program(inode, &node.name);
        let sum = match (ran[number], is_program) {
            (true, _) => &mut result.programs_ran,
            (false, true) if says => &mut result.programs_not_seen,
            (false, _) => &mut result.other_files,
        };
        sum.take(inode.size);
        if let Some(owner) = packages.owner_number(tree, id) {
            known[owner].0 |= is_program;
            known[owner].1 |= ran[number];
        }
    });
    for (package, (has_programs, ran)) in packages.all.iter_mut().zip(known) {
        let (execution, sum) = match (ran, has_programs && says) {
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
}

/// What could be saved of packages of which nothing ran.
pub(crate) fn saving(packages: &[Package], ran: &Ran) -> Option<Saving> {
    let is = |package: &&Package| package.execution == Some(Execution::NotSeenToRun);
    let largest: Vec<&str> = packages
        .iter()
        .filter(is)
        .take(5)
        .map(|it| &*it.name)
        .collect();
    let sum = ran.packages_not_seen;
    let doubt = match ran.basis.complete {
        true => "",
        false => ", by a profile that is incomplete",
    };
    (sum.count > 0).then(|| Saving {
        bytes: sum.bytes,
        what: format!(
            "{} packages of which no program was seen to run{doubt}: {}",
            sum.count,
            largest.join(", ")
        ),
        remedy: "leave out those that nothing else needs; their libraries and data may be in use, so try \
                 the image without them"
            .to_owned(),
    })
}
