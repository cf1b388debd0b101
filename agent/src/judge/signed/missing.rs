//! Signatures beside which no profile is stored: somebody took it away, or it was set aside because
//! it is no profile any more. Without it the workload would begin anew, in Learning, and all it does
//! would be learned; but the signature holds what must be in force.
//!
//! Who takes both away leaves nothing that could tell.

use super::{Finding, open};
use crate::judge::keep::Keeper;
use crate::judge::learn::ACTOR;
use crate::judge::store::StoreError;
use lapwing_profile::decide::By;
use lapwing_profile::envelope::Public;
use lapwing_profile::profile::Profile;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A signature without a profile, and the profile that it is of.
struct Orphan {
    path: PathBuf,
    /// Where it belongs.
    home: PathBuf,
    profile: Profile,
}

/// Puts in force what was signed and is not stored.
pub(super) fn restore(
    keeper: &mut Keeper,
    keys: &[Public],
    now: i64,
) -> Result<Vec<Finding>, StoreError> {
    let mut found = Vec::new();
    let mut orphans = Vec::new();
    let examined = examined(keeper);
    for path in keeper.store().signatures()? {
        if examined.contains(&path) {
            continue;
        }
        match read(keeper, &path, keys, now) {
            Ok(orphan) => orphans.push(orphan),
            Err(why) => found.push(Finding {
                workload: None,
                reason: "profile-unsigned",
                text: format!(
                    "{} is there without its profile, and nothing can be put in force from it: {why}. Its \
                     workload starts without a profile, until a signed one is imported",
                    path.display()
                ),
            }),
        }
    }
    // Of two of one workload, that which has the name of its present cluster.
    orphans.sort_by_key(|orphan| orphan.path != orphan.home);
    for orphan in orphans {
        let workload = orphan.profile.workload.clone();
        if keeper.known(&workload).is_some() {
            continue; // It was signed when the cluster had another name.
        }
        let text = match keeper.take_up(orphan.profile) {
            true => format!(
                "{workload}: no whole profile was stored, and what was signed is in force again. Find out who \
                 removed or damaged {}",
                keeper.store().profile_path(&workload.file_name()).display()
            ),
            false => format!(
                "{workload}: no whole profile was stored, and there is no room for the one that was signed: it \
                 is compared with nothing"
            ),
        };
        if orphan.path != orphan.home && !orphan.home.exists() {
            keeper.store().rename(&orphan.path, &orphan.home)?;
        }
        found.push(Finding {
            workload: Some(workload),
            reason: "profile-changed",
            text,
        });
    }
    Ok(found)
}

/// Where the signatures of the profiles that are there lie, if there are any.
fn examined(keeper: &mut Keeper) -> HashSet<PathBuf> {
    let (store, profiles) = keeper.stored();
    profiles
        .map(|kept| store.signature_path(&kept.profile.workload.file_name()))
        .collect()
}

/// Makes the profile that was signed. Says why it cannot.
fn read(keeper: &Keeper, path: &Path, keys: &[Public], now: i64) -> Result<Orphan, String> {
    let signed = open(keeper.store(), path, keys)?;
    let given = (signed.profile(keeper.cluster())).map_err(|error| error.to_string())?;
    let reason = format!(
        "signed by {}; no whole profile was stored",
        signed.keys.join(", ")
    );
    let by = By {
        actor: ACTOR,
        reason: &reason,
        at: now,
    };
    let mut profile = keeper.fresh(&given.workload).profile;
    (profile.import(&given, by)).map_err(|refusal| refusal.to_string())?;
    let home = keeper.store().signature_path(&given.workload.file_name());
    Ok(Orphan {
        path: path.to_path_buf(),
        home,
        profile,
    })
}
