//! Folders that may come to be mounts: those whose bytes are worth to be counted while a profile learns.

use super::folders::{Place, is_kept, is_system, literal, name, parent};
use lapwing_profile::behaviour::{Behaviour, Operation, Target};
use lapwing_profile::entry::Phase;
use lapwing_profile::profile::{Profile, Verdict};
use std::collections::BTreeSet;

/// Folders at most, the uppermost first.
pub const CANDIDATES_MAX: usize = 512;

/// The folders that names were written in by what the profile approves of, in canonical text, the uppermost
/// first: without those that no mount may be at by their place alone, and without those that were seen to be made in
/// another. What lies on other mounts is among them. It takes time in proportion to the profile.
#[must_use]
pub fn candidates(profile: &Profile) -> Vec<String> {
    let (mut all, mut made) = (BTreeSet::new(), BTreeSet::new());
    for (entry, _) in profile.entries(Verdict::Approved) {
        let Behaviour::File(file) = &entry.behaviour else {
            continue;
        };
        if entry.phase == Phase::Escaped || file.operation == Operation::OpenRead {
            continue;
        }
        let target = match file.operation.target() {
            Target::Path => file.target.as_deref(),
            Target::None | Target::Words => None,
        };
        for text in [Some(&*file.path), target].into_iter().flatten() {
            let (path, is_stem) = match file.pattern {
                true => literal(text),
                false => (text.to_owned(), false),
            };
            let folder = if is_stem { path.clone() } else { parent(&path) };
            let makes = file.operation == Operation::Mkdir && !is_stem;
            if may_be(&folder) {
                all.insert(folder);
            } else if makes && !is_system(&path) && name(&path) == Place::Nameable {
                all.insert(path.clone());
            }
            if makes {
                made.insert(path);
            }
        }
    }
    let covered = |folder: &String| {
        let mut at = folder.clone();
        while made.contains(&at) {
            at = parent(&at);
            if all.contains(&at) {
                return true;
            }
        }
        false
    };
    let mut left: Vec<String> = all.iter().filter(|it| !covered(it)).cloned().collect();
    left.sort_by_key(|folder| folder.matches('/').count());
    left.truncate(CANDIDATES_MAX);
    left
}

fn may_be(folder: &str) -> bool {
    !is_system(folder) && !is_kept(folder) && name(folder) == Place::Nameable
}
